/* What is sampled after every event: replicas, leaders, epochs, in-sync sets. */
#include <stdio.h>
#include <string.h>

#include "tests/seeds/check_internal.h"

void checks_fail(struct checks *checks, const char *checker, const char *format, ...)
{
    va_list args;

    if (checks->failure.checker)
        return;
    checks->failure.checker = checker;
    checks->failure.at_us = queue_now_us(lab_queue(checks->lab));
    va_start(args, format);
    vsnprintf(checks->failure.text, sizeof(checks->failure.text), format, args);
    va_end(args);
}

const struct failure *checks_failure(const struct checks *checks)
{
    return &checks->failure;
}

struct checks_counts checks_counts(const struct checks *checks)
{
    return checks->counts;
}

uint64_t checks_sum(const void *data, size_t size)
{
    const uint8_t *at = data;
    uint64_t sum = 14695981039346656037u;

    for (; size >= 8; at += 8, size -= 8) {
        uint64_t word;

        memcpy(&word, at, 8);
        sum = (sum ^ word) * 1099511628211u;
        sum ^= sum >> 29;
    }
    while (size--)
        sum = (sum ^ *at++) * 1099511628211u;
    return sum;
}

const struct history_topic *checks_topic(const struct checks *checks, const char *name)
{
    for (size_t i = 0; i < checks->history->topic_count; i++)
        if (!strcmp(checks->history->topics[i].name, name))
            return &checks->history->topics[i];
    return NULL;
}

void checks_disturbed(struct checks *checks, const char *order)
{
    enum { SETTLES_US = 20000000 };   /* sessions end, brokers start, followers catch up */

    checks->only_held &= !order || text_starts(order, "replica ");
    checks->calm_from_us = order ? NEVER_US : queue_now_us(lab_queue(checks->lab)) + checks->lag_us * 2 + SETTLES_US;
}

static bool calm(const struct checks *checks)
{
    return queue_now_us(lab_queue(checks->lab)) >= checks->calm_from_us;
}

/* A number of a setting in "key=value ..."; `preset` where it is not there. */
static int64_t setting(const char *settings, const char *key, int64_t preset)
{
    struct config_map map = { 0 };
    const char *value;
    int64_t number = preset;

    settings_read(settings, &map);
    value = config_map_get(&map, key);
    if (value)
        parse_i64(value, &number);
    config_map_done(&map);
    return number;
}

/* ---- partitions ---- */

struct seen_partition *checks_partition(struct checks *checks, const char *topic, int32_t number)
{
    const struct history_topic *line;
    struct seen_partition *seen;

    for (size_t i = 0; i < checks->count; i++)
        if (checks->partitions[i]->number == number && !strcmp(checks->partitions[i]->topic, topic))
            return checks->partitions[i];
    line = checks_topic(checks, topic);
    seen = mem_zero(sizeof(*seen));
    seen->topic = mem_text(topic);
    seen->number = number;
    seen->internal = !line;
    seen->unclean = settings_have(line && strstr(line->settings, "unclean") ? line->settings : checks->history->settings, "unclean.leader.election.enable=true");
    seen->lossy = checks->powerless;
    seen->least_in_sync = line ? (int32_t)setting(line->settings, "min.insync.replicas", setting(checks->history->settings, "min.insync.replicas", 1)) : 1;
    if (line && seen->least_in_sync > line->factor && !release_is_27(checks->history->release))
        seen->least_in_sync = line->factor;
    seen->leader = seen->leader_epoch = seen->partition_epoch = seen->last_leader = -1;
    ARRAY_ADD(checks->partitions, checks->count, checks->capacity) = seen;
    return seen;
}

static void on_entry(void *context, const struct entry *entry);

struct checks *checks_new(struct lab *lab, const struct history *history)
{
    struct checks *checks = mem_zero(sizeof(*checks));

    checks->lab = lab;
    checks->history = history;
    checks->image_offset = -1;
    checks->only_held = true;
    checks->broker_count = cluster_broker_count(lab_cluster(lab));
    if (!settings_have(history->settings, "log.flush.interval.messages=1"))
        for (size_t i = 0; i < history->step_count; i++)
            checks->powerless |= history->steps[i].kind == STEP_ORDER && text_starts(history->steps[i].who, "broker power-off");
    checks->lag_us = setting(history->settings, "replica.lag.time.max.ms", 30000) * 1000;
    checks_clients_new(checks);
    checks->group_watch = group_watch_new(checks);
    journal_watch(lab_journal(lab), on_entry, checks);
    return checks;
}

void checks_free(struct checks *checks)
{
    if (!checks)
        return;
    journal_unwatch(lab_journal(checks->lab), on_entry, checks);
    group_watch_free(checks->group_watch);
    checks_clients_free(checks);
    for (size_t i = 0; i < checks->count; i++) {
        mem_free(checks->partitions[i]->topic);
        mem_free(checks->partitions[i]->batches);
        mem_free(checks->partitions[i]->epoch_leaders);
        mem_free(checks->partitions[i]);
    }
    mem_free(checks->partitions);
    for (size_t i = 0; i < MOST_SEEN_BROKERS; i++)
        mem_free(checks->places[i]);
    mem_free(checks);
}

static int32_t id_of(const struct checks *checks, size_t index)
{
    return broker_id(cluster_broker_at(lab_cluster(checks->lab), index));
}

static size_t index_of(const struct checks *checks, int32_t id)
{
    size_t i = 0;

    while (i < checks->broker_count && id_of(checks, i) != id)
        i++;
    return i;
}

/* ---- what is committed ---- */

/* The leader shows more: that is what must be everywhere from now on. */
static void extend(struct checks *checks, struct seen_partition *seen, const struct partition *leader, int64_t high_watermark, int32_t id)
{
    struct log_cursor cursor;
    struct batch batch;

    log_cursor_init(&cursor, partition_log(leader), seen->committed, false);
    while (seen->committed < high_watermark && log_cursor_next(&cursor, &batch)) {
        if (batch.last_offset < seen->committed)
            continue;
        if (batch.base_offset != seen->committed || batch.last_offset >= high_watermark) {
            checks_fail(checks, "log", "%s-%d at broker %d: committed up to %lld of high watermark %lld, there is a batch %lld..%lld", seen->topic,
                        seen->number, id, (long long)seen->committed, (long long)high_watermark, (long long)batch.base_offset, (long long)batch.last_offset);
            break;
        }
        ARRAY_ADD(seen->batches, seen->batch_count, seen->batch_capacity) = (struct seen_batch){
            batch.base_offset, batch.last_offset, batch.leader_epoch, checks_sum(batch.bytes.data, batch.bytes.size) };
        seen->committed = batch.last_offset + 1;
    }
    if (seen->committed < high_watermark)
        checks_fail(checks, "log", "%s-%d at broker %d: nothing can be read at %lld, below high watermark %lld", seen->topic, seen->number, id,
                    (long long)seen->committed, (long long)high_watermark);
    log_cursor_done(&cursor);
    seen->dirty = true;
}

static const struct seen_batch *batch_at(const struct seen_partition *seen, int64_t offset)
{
    size_t low = 0, high = seen->batch_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (seen->batches[middle].last < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < seen->batch_count ? &seen->batches[low] : NULL;
}

/* A replica's log up to `upto` is what was committed. */
static void verify(struct checks *checks, struct seen_partition *seen, struct seen_replica *replica, int64_t upto, int32_t id)
{
    struct log_cursor cursor;
    struct batch batch;

    log_cursor_init(&cursor, partition_log(replica->partition), replica->verified, false);
    while (replica->verified < upto && log_cursor_next(&cursor, &batch)) {
        const struct seen_batch *known = batch_at(seen, batch.base_offset);

        if (batch.last_offset < replica->verified)
            continue;
        if (!known || known->base != batch.base_offset || known->last != batch.last_offset || known->epoch != batch.leader_epoch ||
            known->sum != checks_sum(batch.bytes.data, batch.bytes.size)) {
            checks_fail(checks, "committed", "%s-%d: broker %d has a batch %lld..%lld of epoch %d, committed was %lld..%lld of epoch %d%s", seen->topic, seen->number,
                        id, (long long)batch.base_offset, (long long)batch.last_offset, batch.leader_epoch, known ? (long long)known->base : -1,
                        known ? (long long)known->last : -1, known ? known->epoch : -1,
                        known && known->base == batch.base_offset && known->epoch == batch.leader_epoch ? " with other bytes" : "");
            break;
        }
        replica->verified = batch.last_offset + 1;
    }
    if (replica->verified < upto)
        checks_fail(checks, "committed", "%s-%d: broker %d has no batch at %lld, below %lld", seen->topic, seen->number, id, (long long)replica->verified,
                    (long long)upto);
    log_cursor_done(&cursor);
}

static void check_has_all(struct checks *checks, const struct seen_partition *seen, int32_t id, const char *what)
{
    size_t index = index_of(checks, id);
    const struct seen_replica *replica = index < checks->broker_count ? &seen->replicas[index] : NULL;

    if (replica && replica->partition && replica->end < seen->committed)
        checks_fail(checks, "committed", "%s-%d: broker %d is %s and ends at %lld, committed is all below %lld", seen->topic, seen->number, id, what,
                    (long long)replica->end, (long long)seen->committed);
}

static bool contains(const int32_t *ids, int32_t count, int32_t id)
{
    for (int32_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* Whoever is in sync, or may lead, has all that is committed. A leader hears from the controller that one is out before any broker's image does: what the
 * controller has taken out, though nobody has heard of it, counts as out. */
static void check_in_sync(struct checks *checks, struct seen_partition *seen)
{
    const struct image_partition *now = image_partition(cluster_image(lab_cluster(checks->lab)), seen->topic, seen->number);

    seen->dirty = false;
    for (int32_t i = 0; i < seen->isr_count + seen->elr_count && !seen->lossy && now; i++) {
        bool in_sync = i < seen->isr_count;
        int32_t id = in_sync ? seen->isr[i] : seen->elr[i - seen->isr_count];

        if (contains(now->isr, now->isr_count, id) || contains(now->elr, now->elr_count, id))
            check_has_all(checks, seen, id, in_sync ? "in sync" : "an eligible leader");
    }
}

/* ---- who is late: dropped after replica.lag.time.max.ms, and no later than half as long again ---- */

static void look_behind(struct checks *checks, const struct seen_partition *seen, struct seen_replica *replica, int32_t id, int64_t now_us)
{
    enum { HEARS_US = 3000000 };      /* the controller is asked, and all hear of it */
    size_t leads = seen->leader >= 0 ? index_of(checks, seen->leader) : checks->broker_count;
    const struct seen_replica *leader = leads < checks->broker_count ? &seen->replicas[leads] : NULL;

    if (!leader || !leader->partition || leader == replica || !replica->partition || replica->end >= leader->end || leader->epoch != seen->leader_epoch ||
        replica->epoch != seen->leader_epoch || !contains(seen->isr, seen->isr_count, id)) {
        replica->behind_since_us = 0;
        return;
    }
    if (!replica->behind_since_us)
        replica->behind_since_us = now_us;
    if (now_us - replica->behind_since_us > checks->lag_us * 3 / 2 + HEARS_US)
        checks_fail(checks, "isr", "%s-%d: broker %d lacks something for %lld ms and is in sync; replica.lag.time.max.ms is %lld", seen->topic, seen->number, id,
                    (long long)((now_us - replica->behind_since_us) / 1000), (long long)(checks->lag_us / 1000));
}

/* Where nothing but a follower's fetching was ever stopped all others can act. */
static void look_for_stragglers(struct checks *checks)
{
    enum { LOOK_US = 250000 };
    int64_t now_us = queue_now_us(lab_queue(checks->lab));

    if (!checks->only_held || now_us - checks->looked_us < LOOK_US)
        return;
    checks->looked_us = now_us;
    for (size_t i = 0; i < checks->count; i++)
        for (size_t b = 0; b < checks->broker_count; b++)
            look_behind(checks, checks->partitions[i], &checks->partitions[i]->replicas[b], id_of(checks, b), now_us);
}

static int64_t fact(const struct entry *entry, const char *name)
{
    for (int i = 0; i < entry->fact_count; i++)
        if (!strcmp(entry->facts[i].name, name))
            return entry->facts[i].number;
    return -1;
}

/* What a leader compared when it let one go. */
static void on_entry(void *context, const struct entry *entry)
{
    if (entry->kind == EVENT_follower_lags &&
        (fact(entry, "now_ms") - fact(entry, "last_caught_up_ms") <= fact(entry, "replica_lag_time_max_ms") ||
         fact(entry, "log_end_offset") == fact(entry, "leader_log_end_offset")))
        checks_fail(context, "isr", "%s-%d: broker %lld ends at %lld, the leader at %lld, and was there %lld ms ago; it is dropped, replica.lag.time.max.ms is %lld", entry->topic,
                    entry->partition, (long long)fact(entry, "replica"), (long long)fact(entry, "log_end_offset"), (long long)fact(entry, "leader_log_end_offset"),
                    (long long)(fact(entry, "now_ms") - fact(entry, "last_caught_up_ms")), (long long)fact(entry, "replica_lag_time_max_ms"));
}

/* ---- leaders ---- */

static void note_leader(struct checks *checks, struct seen_partition *seen, int32_t epoch, int32_t leader)
{
    if (epoch < 0 || leader < 0 || epoch > 1000000)
        return;
    while (seen->epoch_count <= (size_t)epoch)
        ARRAY_ADD(seen->epoch_leaders, seen->epoch_count, seen->epoch_capacity) = -1;
    if (seen->epoch_leaders[epoch] < 0)
        seen->epoch_leaders[epoch] = leader;
    else if (seen->epoch_leaders[epoch] != leader)
        checks_fail(checks, "epoch", "%s-%d: brokers %d and %d both lead in epoch %d", seen->topic, seen->number, seen->epoch_leaders[epoch], leader, epoch);
}

static void ids_text(const int32_t *ids, int32_t count, char *out, size_t size)
{
    size_t used = 0;

    snprintf(out, size, "none");
    for (int32_t i = 0; i < count && used + 16 < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%d", i ? "," : "", ids[i]);
}

static void check_state(struct checks *checks, const struct seen_partition *seen, const struct image_partition *now)
{
    for (int16_t i = 0; i < now->isr_count; i++)
        if (!contains(now->replicas, now->replica_count, now->isr[i]) || contains(now->isr, i, now->isr[i]))
            checks_fail(checks, "isr", "%s-%d: %d is in the ISR twice, or is no replica", seen->topic, seen->number, now->isr[i]);
    for (int16_t i = 0; i < now->elr_count; i++)
        if (contains(now->elr, i, now->elr[i]) || contains(now->isr, now->isr_count, now->elr[i]))
            checks_fail(checks, "isr", "%s-%d: %d is an eligible leader twice, or in sync", seen->topic, seen->number, now->elr[i]);
    if (now->leader >= 0 && !contains(now->replicas, now->replica_count, now->leader))
        checks_fail(checks, "isr", "%s-%d: leader %d is no replica", seen->topic, seen->number, now->leader);
    if (now->leader >= 0 && !contains(now->isr, now->isr_count, now->leader))
        checks_fail(checks, "isr", "%s-%d: leader %d is not in the ISR", seen->topic, seen->number, now->leader);
    if (now->leader_epoch < seen->leader_epoch || now->partition_epoch < seen->partition_epoch)
        checks_fail(checks, "epoch", "%s-%d: leader epoch %d -> %d, partition epoch %d -> %d", seen->topic, seen->number, seen->leader_epoch, now->leader_epoch,
                    seen->partition_epoch, now->partition_epoch);
    if (now->leader_epoch == seen->leader_epoch && now->leader != seen->leader)
        checks_fail(checks, "epoch", "%s-%d: leader %d -> %d within epoch %d", seen->topic, seen->number, seen->leader, now->leader, now->leader_epoch);
    if (now->partition_epoch == seen->partition_epoch &&
        (now->isr_count != seen->isr_count || (now->isr_count && memcmp(now->isr, seen->isr, (size_t)now->isr_count * sizeof(*now->isr)))))
        checks_fail(checks, "epoch", "%s-%d: another ISR in partition epoch %d", seen->topic, seen->number, now->partition_epoch);
}

/* Where nothing is broken nobody is late. */
static void check_dropped(struct checks *checks, const struct seen_partition *seen, const struct image_partition *now)
{
    if (!calm(checks) || now->leader != seen->leader || now->leader_epoch != seen->leader_epoch)
        return;
    for (int32_t i = 0; i < seen->isr_count; i++)
        if (!contains(now->isr, now->isr_count, seen->isr[i]) && contains(now->replicas, now->replica_count, seen->isr[i]))
            checks_fail(checks, "isr", "%s-%d: broker %d was dropped, and nothing has been broken for %lld s", seen->topic, seen->number, seen->isr[i],
                        (long long)((queue_now_us(lab_queue(checks->lab)) - checks->calm_from_us) / 1000000));
}

/* One who was out of sync leads: where that is allowed all promises end. */
static void check_election(struct checks *checks, struct seen_partition *seen, const struct image_partition *now)
{
    if (now->leader < 0 || now->leader == seen->leader || seen->leader_epoch < 0)
        return;
    checks->counts.elections++;
    if (now->partition_epoch > seen->partition_epoch + 1) { /* several changes at once: who was in sync in between nobody saw; what it has is checked */
        seen->lossy |= seen->unclean;
        return;
    }
    if (contains(seen->isr, seen->isr_count, now->leader) || contains(seen->elr, seen->elr_count, now->leader))
        return;
    if (!seen->isr_count && !now->elr_count && now->leader == seen->last_leader) /* KIP-966: it had all when it led; whether it still has is checked */
        return;
    /* 2.7: made while none of its replicas lived, it had no leader yet, and nothing to lose. */
    if (!seen->isr_count && seen->leader < 0 && !seen->partition_epoch && !seen->leader_epoch)
        return;
    /* It came into the ISR by the same change (a leader that goes let it in; a reassignment is over): whoever was in sync still is, or is no replica any more. */
    if (seen->isr_count && contains(now->isr, now->isr_count, now->leader)) {
        int32_t still = 0;

        for (int32_t i = 0; i < seen->isr_count; i++)
            still += contains(now->isr, now->isr_count, seen->isr[i]) || !contains(now->replicas, now->replica_count, seen->isr[i]);
        if (still == seen->isr_count)
            return;
    }
    checks->counts.unclean++;
    if (!seen->unclean) {
        char was[100], is[100];

        ids_text(seen->isr, seen->isr_count, was, sizeof(was));
        ids_text(now->isr, now->isr_count, is, sizeof(is));
        checks_fail(checks, "election", "%s-%d: broker %d leads in epoch %d and was not in sync; leader %d, ISR %s, partition epoch %d -> %d, %s, %d", seen->topic, seen->number,
                    now->leader, now->leader_epoch, seen->leader, was, seen->partition_epoch, now->leader, is, now->partition_epoch);
    }
    seen->lossy = true;
}

static void take_state(struct checks *checks, const struct image_topic *topic, int32_t number)
{
    const struct image_partition *now = &topic->partitions[number];
    struct seen_partition *seen = checks_partition(checks, topic->name, number);

    if (now->leader_epoch == seen->leader_epoch && now->partition_epoch == seen->partition_epoch && now->leader == seen->leader && now->isr_count == seen->isr_count && now->elr_count == seen->elr_count)
        return;
    check_state(checks, seen, now);
    check_election(checks, seen, now);
    check_dropped(checks, seen, now);
    note_leader(checks, seen, now->leader_epoch, now->leader);
    checks->counts.isr_changes += now->isr_count != seen->isr_count;
    seen->leader = now->leader;
    seen->leader_epoch = now->leader_epoch;
    seen->partition_epoch = now->partition_epoch;
    seen->factor = now->replica_count;
    seen->isr_count = now->isr_count < MOST_SEEN_BROKERS ? now->isr_count : MOST_SEEN_BROKERS;
    for (int32_t i = 0; i < seen->isr_count; i++)
        seen->isr[i] = now->isr[i];
    seen->elr_count = now->elr_count < MOST_SEEN_BROKERS ? now->elr_count : MOST_SEEN_BROKERS;
    for (int32_t i = 0; i < seen->elr_count; i++)
        seen->elr[i] = now->elr[i];
    seen->last_leader = now->last_known_elr_count ? now->last_known_elr[0] : now->leader >= 0 ? now->leader : seen->last_leader;
    seen->dirty = true;
}

static void take_image(struct checks *checks, const struct image *image)
{
    checks->image_offset = image_offset(image);
    for (size_t t = 0; t < image_topic_count(image); t++)
        for (int32_t p = 0; p < image_topic_at(image, t)->partition_count; p++)
            take_state(checks, image_topic_at(image, t), p);
}

/* 2.7: what is in ZooKeeper is so. 4.3: what a majority of controllers has, and that is what any broker has heard: a controller forgets what it could not commit. */
static void sample_controller(struct checks *checks)
{
    const struct cluster *cluster = lab_cluster(checks->lab);

    if (release_is_27(checks->history->release)) {
        if (image_offset(cluster_image(cluster)) != checks->image_offset)
            take_image(checks, cluster_image(cluster));
        return;
    }
    for (size_t i = 0; i < checks->broker_count; i++)
        if (broker_up(cluster_broker_at(cluster, i)) && image_offset(broker_image(cluster_broker_at(cluster, i))) > checks->image_offset)
            take_image(checks, broker_image(cluster_broker_at(cluster, i)));
}

/* ---- replicas ---- */

/* How many a leader knows to be in sync. */
static int32_t known_in_sync(const struct checks *checks, const struct seen_partition *seen, size_t index)
{
    const struct image_partition *known = image_partition(broker_image(cluster_broker_at(lab_cluster(checks->lab), index)), seen->topic, seen->number);

    return known ? known->isr_count : 0;
}

/* 4.3: it shows nothing new while too few are in sync. */
static void check_enough(struct checks *checks, const struct seen_partition *seen, const struct seen_replica *replica, int64_t high_watermark, int32_t id)
{
    const struct image_partition *controllers = image_partition(cluster_image(lab_cluster(checks->lab)), seen->topic, seen->number);
    int32_t most = replica->known_isr > replica->known_isr_before ? replica->known_isr : replica->known_isr_before;

    if (seen->isr_count > most)
        most = seen->isr_count;
    if (controllers && controllers->isr_count > most) /* its answer comes before its records do */
        most = controllers->isr_count;
    if (release_is_27(checks->history->release) || most >= seen->least_in_sync)
        return;
    checks_fail(checks, "high watermark", "%s-%d: from %lld to %lld at leader %d, who knows %d to be in sync; the minimum is %d", seen->topic, seen->number,
                (long long)replica->high_watermark, (long long)high_watermark, id, most, seen->least_in_sync);
}

static void check_cut_epochs(struct checks *checks, const struct seen_partition *seen, const struct partition *partition, int32_t id);

/* `heard`: its broker has heard something of the controller since the last sample. */
static void sample_replica(struct checks *checks, struct seen_partition *seen, size_t index, const struct partition *partition, bool heard)
{
    struct seen_replica *replica = &seen->replicas[index];
    const struct log *log = partition_log(partition);
    int64_t end = log_end_offset(log), high_watermark = log_high_watermark(log);
    int32_t epoch = partition_leader_epoch(partition);
    bool leads = partition_leads(partition), led = leads && replica->partition == partition && replica->leads;

    replica->known_isr_before = led ? replica->known_isr : 0;
    if (leads && (heard || !led))
        replica->known_isr = known_in_sync(checks, seen, index);
    if (replica->partition == partition && replica->end == end && replica->high_watermark == high_watermark && replica->epoch == epoch && replica->leads == leads)
        return;
    if (replica->partition != partition) { /* its broker came up */
        *replica = (struct seen_replica){ .partition = partition, .epoch = -1, .known_isr = replica->known_isr };
        seen->dirty = true;
    }
    if (epoch < replica->epoch)
        checks_fail(checks, "epoch", "%s-%d: broker %d went from epoch %d to %d", seen->topic, seen->number, id_of(checks, index), replica->epoch, epoch);
    if (high_watermark > end)
        checks_fail(checks, "high watermark", "%s-%d: broker %d ends at %lld, its high watermark is %lld", seen->topic, seen->number, id_of(checks, index),
                    (long long)end, (long long)high_watermark);
    if (end < replica->end) {
        checks->counts.truncations++;
        seen->dirty = true;
        check_cut_epochs(checks, seen, partition, id_of(checks, index));
        if (leads && replica->leads && epoch == replica->epoch)
            checks_fail(checks, "committed", "%s-%d: leader %d cut its log from %lld to %lld", seen->topic, seen->number, id_of(checks, index),
                        (long long)replica->end, (long long)end);
    }
    if (end < replica->verified)
        replica->verified = end;
    if (leads) {
        note_leader(checks, seen, epoch, id_of(checks, index));
        if (replica->leads && replica->epoch == epoch && high_watermark < replica->high_watermark)
            checks_fail(checks, "high watermark", "%s-%d: back from %lld to %lld at leader %d in epoch %d", seen->topic, seen->number,
                        (long long)replica->high_watermark, (long long)high_watermark, id_of(checks, index), epoch);
        if (replica->leads && replica->epoch == epoch && high_watermark > replica->high_watermark)
            check_enough(checks, seen, replica, high_watermark, id_of(checks, index));
        if (high_watermark > seen->committed && !seen->lossy)
            extend(checks, seen, partition, high_watermark, id_of(checks, index));
        if (!replica->leads && epoch == seen->leader_epoch && end < seen->committed && !seen->lossy) /* one of an older epoch learns of its end */
            checks_fail(checks, "committed", "%s-%d: broker %d begins to lead in epoch %d and ends at %lld, committed is all below %lld", seen->topic, seen->number,
                        id_of(checks, index), epoch, (long long)end, (long long)seen->committed);
    }
    replica->end = end;
    replica->high_watermark = high_watermark;
    replica->epoch = epoch;
    replica->leads = leads;
    if (high_watermark > replica->verified)
        seen->dirty = true;
}

/* A log that was cut knows no leader epoch any more of which it has no record. */
static void check_cut_epochs(struct checks *checks, const struct seen_partition *seen, const struct partition *partition, int32_t id)
{
    struct log *log = partition_log(partition);
    struct log_cursor cursor;
    struct batch batch;

    if (partition_leads(partition) || log_end_offset(log) <= log_start_offset(log))
        return;
    log_cursor_init(&cursor, log, log_end_offset(log) - 1, true);
    if (log_cursor_next(&cursor, &batch) && log_latest_epoch(log) > batch.leader_epoch)
        checks_fail(checks, "log", "%s-%d at broker %d: its log was cut to %lld, the last record is of epoch %d, and it knows epoch %d", seen->topic, seen->number, id,
                    (long long)log_end_offset(log), batch.leader_epoch, log_latest_epoch(log));
    log_cursor_done(&cursor);
}

static void sample_broker(struct checks *checks, size_t index)
{
    const struct broker *broker = cluster_broker_at(lab_cluster(checks->lab), index);
    size_t count = broker_up(broker) ? broker_partition_count(broker) : 0;
    bool heard = count && image_offset(broker_image(broker)) != checks->heard[index];

    if (!count) {
        if (checks->place_count[index])
            for (size_t i = 0; i < checks->count; i++)
                checks->partitions[i]->replicas[index].partition = NULL;
        checks->place_count[index] = 0;
        return;
    }
    for (size_t i = count; i < checks->place_count[index]; i++)
        checks->places[index][i].seen->replicas[index].partition = NULL;
    if (count > checks->place_count[index])
        checks->places[index] = mem_resize(checks->places[index], count * sizeof(*checks->places[index]));
    for (size_t i = 0; i < count; i++) {
        struct seen_place *place = &checks->places[index][i];
        const struct partition *partition = broker_partition_at(broker, i);
        bool known = i < checks->place_count[index];

        if (!known || place->partition != partition || place->seen->number != partition_number(partition) ||
            strcmp(place->seen->topic, partition_topic(partition))) {
            if (known) /* it went */
                place->seen->replicas[index].partition = NULL;
            *place = (struct seen_place){ partition, checks_partition(checks, partition_topic(partition), partition_number(partition)) };
        }
        sample_replica(checks, place->seen, index, partition, heard);
    }
    checks->heard[index] = image_offset(broker_image(broker));
    checks->place_count[index] = count;
}

/* Followers only now: their leaders may have been sampled after them. */
static void check_replicas(struct checks *checks, struct seen_partition *seen)
{
    for (size_t i = 0; i < checks->broker_count; i++) {
        struct seen_replica *replica = &seen->replicas[i];

        if (!replica->partition || seen->lossy)
            continue;
        if (replica->high_watermark > seen->committed)
            checks_fail(checks, "high watermark", "%s-%d: %lld at broker %d, no leader showed more than %lld", seen->topic, seen->number,
                        (long long)replica->high_watermark, id_of(checks, i), (long long)seen->committed);
        else if (replica->high_watermark > replica->verified)
            verify(checks, seen, replica, replica->high_watermark, id_of(checks, i));
    }
}

void checks_sample(struct checks *checks)
{
    sample_controller(checks);
    for (size_t i = 0; i < checks->broker_count; i++)
        sample_broker(checks, i);
    look_for_stragglers(checks);
    for (size_t i = 0; i < checks->count; i++) {
        if (!checks->partitions[i]->dirty)
            continue;
        check_replicas(checks, checks->partitions[i]);
        check_in_sync(checks, checks->partitions[i]);
    }
    if (checks->told_count)
        checks_clients_sample(checks);
}

/* ---- rest ---- */

static const char *unrest(struct checks *checks, const struct seen_partition *seen)
{
    static char text[200];
    const struct seen_replica *leader = NULL;
    int32_t present = 0;

    if (seen->leader < 0 || seen->isr_count < seen->factor) {
        snprintf(text, sizeof(text), "%s-%d has leader %d, %d of %d replicas are in sync", seen->topic, seen->number, seen->leader, seen->isr_count, seen->factor);
        return text;
    }
    leader = &seen->replicas[index_of(checks, seen->leader)];
    for (size_t i = 0; i < checks->broker_count; i++) {
        const struct seen_replica *replica = &seen->replicas[i];

        if (!replica->partition)
            continue;
        present++;
        if (replica->end != leader->end || replica->high_watermark != leader->end || replica->epoch != seen->leader_epoch) {
            snprintf(text, sizeof(text), "%s-%d: broker %d is in epoch %d at %lld, high watermark %lld; leader %d is in epoch %d at %lld", seen->topic, seen->number,
                     id_of(checks, i), replica->epoch, (long long)replica->end, (long long)replica->high_watermark, seen->leader, seen->leader_epoch,
                     (long long)leader->end);
            return text;
        }
    }
    if (present == seen->factor)
        return NULL;
    snprintf(text, sizeof(text), "%s-%d is at %d brokers, factor %d", seen->topic, seen->number, present, seen->factor);
    return text;
}

const char *checks_unrest(struct checks *checks)
{
    const char *text = NULL;

    for (size_t i = 0; i < checks->broker_count; i++) {
        const struct broker *broker = cluster_broker_at(lab_cluster(checks->lab), i);

        if (!broker_up(broker))
            return "a broker is not up";
        if (image_offset(broker_image(broker)) != image_offset(cluster_image(lab_cluster(checks->lab))))
            return "a broker has not heard all";
    }
    for (size_t i = 0; i < checks->count && !text; i++)
        text = unrest(checks, checks->partitions[i]);
    return text;
}
