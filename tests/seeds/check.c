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

static void note_order(struct checks *checks, const char *order)
{
    char duration[32];
    int64_t us;
    int id;

    checks->power_went |= text_starts(order, "broker power-off");
    if ((sscanf(order, "disk fail %d", &id) == 1 || sscanf(order, "disk full %d", &id) == 1) && checks_broker_index(checks, id) < checks->broker_count)
        checks->disk_broken[checks_broker_index(checks, id)] = true;

    if (sscanf(order, "clock skew %d %31s", &id, duration) == 2 && parse_duration(duration, &us) && checks_broker_index(checks, id) < checks->broker_count) {
        int64_t *skew_ms = &checks->skew_ms[checks_broker_index(checks, id)];

        *skew_ms = us / 1000 > *skew_ms ? us / 1000 : *skew_ms;
    }
}

void checks_disturbed(struct checks *checks, const char *order)
{
    enum { SETTLES_US = 20000000 };   /* sessions end, brokers start, followers catch up */

    if (order)
        note_order(checks, order);
    checks->only_held &= !order || text_starts(order, "replica ");
    checks->calm_from_us = order ? NEVER_US : queue_now_us(lab_queue(checks->lab)) + checks->lag_us * 2 + SETTLES_US;
}

bool checks_calm(const struct checks *checks)
{
    return queue_now_us(lab_queue(checks->lab)) >= checks->calm_from_us;
}

/* A number of a setting in "key=value ..."; `preset` where it is not there. */
int64_t checks_setting(const char *settings, const char *key, int64_t preset)
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

struct seen_partition *checks_partition(struct checks *checks, const char *topic, struct uuid id, int32_t number)
{
    struct seen_partition *seen;

    for (size_t i = 0; i < checks->count; i++)
        if (checks->partitions[i]->number == number && uuid_equal(checks->partitions[i]->id, id))
            return checks->partitions[i];
    seen = mem_zero(sizeof(*seen));
    seen->topic = mem_text(topic);
    seen->id = id;
    seen->number = number;
    seen->since_us = queue_now_us(lab_queue(checks->lab));
    seen->internal = !checks_topic(checks, topic);
    seen->promise = checks_promise(checks, topic);
    seen->lossy = checks->powerless;
    seen->leader = seen->leader_epoch = seen->partition_epoch = seen->last_leader = -1;
    ARRAY_ADD(checks->partitions, checks->count, checks->capacity) = seen;
    return seen;
}

struct seen_partition *checks_next_named(const struct checks *checks, const char *topic, int32_t number, const struct seen_partition *seen)
{
    size_t i = checks->count;

    while (seen && i-- > 0 && checks->partitions[i] != seen)
        ;
    for (i = seen ? i : checks->count; i-- > 0;)
        if (checks->partitions[i]->number == number && !strcmp(checks->partitions[i]->topic, topic))
            return checks->partitions[i];
    return NULL;
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
    checks->lag_us = checks_setting(history->settings, "replica.lag.time.max.ms", 30000) * 1000;
    checks->start_checkpoint_us = checks_setting(history->settings, "log.flush.start.offset.checkpoint.interval.ms", 60000) * 1000;
    checks->first_checkpoint_us = (release_is_27(history->release) ? 30000 : checks_setting(history->settings, "log.initial.task.delay.ms", 30000)) * 1000;
    checks_clients_new(checks);
    checks_start_watch(checks);
    checks_epochs_watch(checks);
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
    checks_start_unwatch(checks);
    checks_epochs_unwatch(checks);
    checks_clients_free(checks);
    for (size_t i = 0; i < checks->count; i++) {
        mem_free(checks->partitions[i]->topic);
        mem_free(checks->partitions[i]->batches);
        mem_free(checks->partitions[i]->records);
        mem_free(checks->partitions[i]->keys);
        mem_free(checks->partitions[i]->last);
        mem_free(checks->partitions[i]->epoch_leaders);
        mem_free(checks->partitions[i]);
    }
    mem_free(checks->partitions);
    for (size_t i = 0; i < MOST_SEEN_BROKERS; i++)
        mem_free(checks->places[i]);
    mem_free(checks);
}

int32_t checks_broker_id(const struct checks *checks, size_t index)
{
    return broker_id(cluster_broker_at(lab_cluster(checks->lab), index));
}

size_t checks_broker_index(const struct checks *checks, int32_t id)
{
    size_t i = 0;

    while (i < checks->broker_count && checks_broker_id(checks, i) != id)
        i++;
    return i;
}

/* ---- who is in sync has all that is committed ---- */

static void check_has_all(struct checks *checks, const struct seen_partition *seen, int32_t id, const char *what)
{
    size_t index = checks_broker_index(checks, id);
    const struct seen_replica *replica = index < checks->broker_count ? &seen->replicas[index] : NULL;

    if (replica && replica->partition && replica->end < seen->committed)
        checks_fail(checks, "committed", "%s-%d: broker %d is %s and ends at %lld, committed is all below %lld", seen->topic, seen->number, id, what,
                    (long long)replica->end, (long long)seen->committed);
}

bool checks_contains(const int32_t *ids, int32_t count, int32_t id)
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
    const struct image_partition *now = checks_known(cluster_image(lab_cluster(checks->lab)), seen);

    seen->dirty = false;
    for (int32_t i = 0; i < seen->isr_count + seen->elr_count && !seen->lossy && now; i++) {
        bool in_sync = i < seen->isr_count;
        int32_t id = in_sync ? seen->isr[i] : seen->elr[i - seen->isr_count];

        if (checks_contains(now->isr, now->isr_count, id) || checks_contains(now->elr, now->elr_count, id))
            check_has_all(checks, seen, id, in_sync ? "in sync" : "an eligible leader");
    }
}

/* ---- who is late: dropped after replica.lag.time.max.ms, and no later than half as long again ---- */

static void look_behind(struct checks *checks, const struct seen_partition *seen, struct seen_replica *replica, int32_t id, int64_t now_us)
{
    enum { HEARS_US = 3000000 };      /* the controller is asked, and all hear of it */
    size_t leads = seen->leader >= 0 ? checks_broker_index(checks, seen->leader) : checks->broker_count;
    const struct seen_replica *leader = leads < checks->broker_count ? &seen->replicas[leads] : NULL;

    if (!leader || !leader->partition || leader == replica || !replica->partition || replica->end >= leader->end || leader->epoch != seen->leader_epoch ||
        replica->epoch != seen->leader_epoch || !checks_contains(seen->isr, seen->isr_count, id)) {
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
            look_behind(checks, checks->partitions[i], &checks->partitions[i]->replicas[b], checks_broker_id(checks, b), now_us);
}

static int64_t fact(const struct entry *entry, const char *name)
{
    for (int i = 0; i < entry->fact_count; i++)
        if (!strcmp(entry->facts[i].name, name))
            return entry->facts[i].number;
    return -1;
}

/* A cleaner wrote it anew: all of it is to be looked at. */
static void look_again(struct checks *checks, const struct entry *entry)
{
    struct seen_partition *seen = checks_next_named(checks, entry->topic, entry->partition, NULL);
    size_t index = checks_broker_index(checks, entry->broker);

    if (!seen || index >= checks->broker_count)
        return;
    seen->replicas[index].verified = 0;
    seen->dirty = true;
    checks->counts.cleanings++;
}

/* What a leader compared when it let one go. */
static void on_entry(void *context, const struct entry *entry)
{
    if (entry->kind == EVENT_log_cleaned)
        look_again(context, entry);
    if (entry->kind == EVENT_follower_lags &&
        (fact(entry, "now_ms") - fact(entry, "last_caught_up_ms") <= fact(entry, "replica_lag_time_max_ms") ||
         fact(entry, "log_end_offset") == fact(entry, "leader_log_end_offset")))
        checks_fail(context, "isr", "%s-%d: broker %lld ends at %lld, the leader at %lld, and was there %lld ms ago; it is dropped, replica.lag.time.max.ms is %lld", entry->topic,
                    entry->partition, (long long)fact(entry, "replica"), (long long)fact(entry, "log_end_offset"), (long long)fact(entry, "leader_log_end_offset"),
                    (long long)(fact(entry, "now_ms") - fact(entry, "last_caught_up_ms")), (long long)fact(entry, "replica_lag_time_max_ms"));
}

/* ---- replicas ---- */

/* How many a leader knows to be in sync. */
static int32_t known_in_sync(const struct checks *checks, const struct seen_partition *seen, size_t index)
{
    const struct image_partition *known = checks_known(broker_image(cluster_broker_at(lab_cluster(checks->lab), index)), seen);

    return known ? known->isr_count : 0;
}

/* 4.3: it shows nothing new while too few are in sync. */
static void check_enough(struct checks *checks, const struct seen_partition *seen, const struct seen_replica *replica, int64_t high_watermark, int32_t id)
{
    const struct image_partition *controllers = checks_known(cluster_image(lab_cluster(checks->lab)), seen);
    int32_t most = replica->known_isr > replica->known_isr_before ? replica->known_isr : replica->known_isr_before;

    if (seen->isr_count > most)
        most = seen->isr_count;
    if (controllers && controllers->isr_count > most) /* its answer comes before its records do */
        most = controllers->isr_count;
    if (release_is_27(checks->history->release) || most >= seen->promise.least_in_sync)
        return;
    checks_fail(checks, "high watermark", "%s-%d: from %lld to %lld at leader %d, who knows %d to be in sync; the minimum is %d", seen->topic, seen->number,
                (long long)replica->high_watermark, (long long)high_watermark, id, most, seen->promise.least_in_sync);
}

static void check_cut_epochs(struct checks *checks, const struct seen_partition *seen, const struct partition *partition, int32_t id);

/* Its log starts elsewhere than at the last sample, or its broker came up with it. */
static void sample_start(struct checks *checks, struct seen_partition *seen, size_t index, const struct log *log)
{
    struct seen_replica *replica = &seen->replicas[index];
    int64_t start = log_start_offset(log);

    if (start == replica->start)
        return;
    checks_start_moved(checks, seen, index, start);
    replica->start = start;
    replica->start_since_us = queue_now_us(lab_queue(checks->lab));
    if (replica->verified < start)
        replica->verified = start;
    checks->counts.removals++;
}

static void sample_leader(struct checks *checks, struct seen_partition *seen, size_t index, const struct partition *partition)
{
    struct seen_replica *replica = &seen->replicas[index];
    int64_t end = log_end_offset(partition_log(partition)), high_watermark = log_high_watermark(partition_log(partition));
    int32_t epoch = partition_leader_epoch(partition);

    checks_note_leader(checks, seen, epoch, checks_broker_id(checks, index));
    if (replica->leads && replica->epoch == epoch && high_watermark < replica->high_watermark)
        checks_fail(checks, "high watermark", "%s-%d: back from %lld to %lld at leader %d in epoch %d", seen->topic, seen->number,
                    (long long)replica->high_watermark, (long long)high_watermark, checks_broker_id(checks, index), epoch);
    if (replica->leads && replica->epoch == epoch && high_watermark > replica->high_watermark)
        check_enough(checks, seen, replica, high_watermark, checks_broker_id(checks, index));
    if (high_watermark > seen->committed && !seen->lossy)
        checks_extend(checks, seen, partition, high_watermark, checks_broker_id(checks, index));
    if (!replica->leads && epoch == seen->leader_epoch && end < seen->committed && !seen->lossy && !seen->gone) /* one of an older epoch learns of its end */
        checks_fail(checks, "committed", "%s-%d: broker %d begins to lead in epoch %d and ends at %lld, committed is all below %lld", seen->topic, seen->number,
                    checks_broker_id(checks, index), epoch, (long long)end, (long long)seen->committed);
}

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
    if (replica->partition == partition && replica->end == end && replica->high_watermark == high_watermark && replica->epoch == epoch && replica->leads == leads &&
        replica->start == log_start_offset(log) && log_active_base_offset(log) <= seen->active_base)
        return;
    if (replica->partition != partition) { /* its broker came up, or made it */
        int64_t start = log_start_offset(log);

        checks_start_found(checks, seen, index, start);
        *replica = (struct seen_replica){ .partition = partition, .epoch = -1, .known_isr = replica->known_isr, .start = start, .verified = start,
                                          .start_since_us = queue_now_us(lab_queue(checks->lab)) };
        seen->dirty = true;
    }
    if (epoch < replica->epoch)
        checks_fail(checks, "epoch", "%s-%d: broker %d went from epoch %d to %d", seen->topic, seen->number, checks_broker_id(checks, index), replica->epoch, epoch);
    if (high_watermark > end)
        checks_fail(checks, "high watermark", "%s-%d: broker %d ends at %lld, its high watermark is %lld", seen->topic, seen->number, checks_broker_id(checks, index),
                    (long long)end, (long long)high_watermark);
    if (log_active_base_offset(log) > seen->active_base)
        seen->active_base = log_active_base_offset(log);
    if (leads)
        sample_leader(checks, seen, index, partition);
    sample_start(checks, seen, index, log);
    if (end < replica->end) {
        checks->counts.truncations++;
        seen->dirty = true;
        check_cut_epochs(checks, seen, partition, checks_broker_id(checks, index));
        if (leads && replica->leads && epoch == replica->epoch)
            checks_fail(checks, "committed", "%s-%d: leader %d cut its log from %lld to %lld", seen->topic, seen->number, checks_broker_id(checks, index),
                        (long long)replica->end, (long long)end);
    }
    if (end < replica->verified)
        replica->verified = end;
    if (epoch != replica->epoch)
        replica->epoch_since_us = queue_now_us(lab_queue(checks->lab));
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

/* Its broker goes down. What it must know of its log start when it comes back: what segments that went tell, and what stood long enough to be in the checkpoint. */
static void leave(const struct checks *checks, size_t index, struct seen_replica *replica)
{
    enum { SLACK_US = 3000000 };
    int64_t first_us = checks->up_since_us[index] + checks->first_checkpoint_us, since_us = first_us > replica->start_since_us ? first_us : replica->start_since_us;
    bool settled = queue_now_us(lab_queue(checks->lab)) - since_us > checks->start_checkpoint_us + SLACK_US;

    replica->kept_start = replica->partition && !checks->disk_broken[index] && (settled || replica->start_by_segment) ? replica->start : 0;
    replica->partition = NULL;
}

static void sample_broker(struct checks *checks, size_t index)
{
    const struct broker *broker = cluster_broker_at(lab_cluster(checks->lab), index);
    size_t count = broker_up(broker) ? broker_partition_count(broker) : 0;
    bool heard = count && image_offset(broker_image(broker)) != checks->heard[index];

    if (!count) {
        if (checks->place_count[index])
            for (size_t i = 0; i < checks->count; i++)
                leave(checks, index, &checks->partitions[i]->replicas[index]);
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
            !uuid_equal(place->seen->id, partition_topic_id(partition))) {
            if (known) /* it went */
                place->seen->replicas[index].partition = NULL;
            *place = (struct seen_place){ partition, checks_partition(checks, partition_topic(partition), partition_topic_id(partition), partition_number(partition)) };
        }
        sample_replica(checks, place->seen, index, partition, heard);
    }
    if (!checks->place_count[index])
        checks->up_since_us[index] = queue_now_us(lab_queue(checks->lab));
    for (size_t i = 0; i < checks->count && !checks->place_count[index]; i++)
        if (!checks->partitions[i]->replicas[index].partition) /* it came up without */
            checks->partitions[i]->replicas[index].kept_start = 0;
    checks->heard[index] = image_offset(broker_image(broker));
    checks->place_count[index] = count;
}

/* Followers only now: their leaders may have been sampled after them. */
static void check_replicas(struct checks *checks, struct seen_partition *seen)
{
    for (size_t i = 0; i < checks->broker_count; i++) {
        struct seen_replica *replica = &seen->replicas[i];

        if (!replica->partition || seen->lossy || seen->gone)
            continue;
        if (replica->high_watermark > seen->committed)
            checks_fail(checks, "high watermark", "%s-%d: %lld at broker %d, no leader showed more than %lld", seen->topic, seen->number,
                        (long long)replica->high_watermark, checks_broker_id(checks, i), (long long)seen->committed);
        else if (replica->high_watermark > replica->verified)
            checks_verify(checks, seen, replica, replica->high_watermark, checks_broker_id(checks, i));
    }
}

void checks_sample(struct checks *checks)
{
    checks->broker_count = cluster_broker_count(lab_cluster(checks->lab));
    checks_sample_controller(checks);
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

static const char *unrest(struct checks *checks, struct seen_partition *seen)
{
    static char text[200];
    const struct seen_replica *leader = NULL;
    int32_t present = 0;

    if (!seen->image_seen && !checks_known(cluster_image(lab_cluster(checks->lab)), seen)) /* it came and went between two samples; a broker that was behind made it in passing */
        seen->gone = true;
    for (size_t i = 0; i < checks->broker_count && seen->gone; i++) {
        if (!seen->replicas[i].partition)
            continue;
        snprintf(text, sizeof(text), "%s-%d is deleted, and broker %d has it", seen->topic, seen->number, checks_broker_id(checks, i));
        return text;
    }
    if (seen->going && !seen->gone)
        return "a topic is to be deleted";
    if (seen->gone)
        return NULL;
    if (seen->leader < 0 || seen->isr_count < seen->factor) {
        snprintf(text, sizeof(text), "%s-%d has leader %d, %d of %d replicas are in sync", seen->topic, seen->number, seen->leader, seen->isr_count, seen->factor);
        return text;
    }
    leader = &seen->replicas[checks_broker_index(checks, seen->leader)];
    for (size_t i = 0; i < checks->broker_count; i++) {
        const struct seen_replica *replica = &seen->replicas[i];

        if (!replica->partition)
            continue;
        present++;
        if (replica->end != leader->end || replica->high_watermark != leader->end || replica->epoch != seen->leader_epoch) {
            snprintf(text, sizeof(text), "%s-%d: broker %d is in epoch %d at %lld, high watermark %lld; leader %d is in epoch %d at %lld", seen->topic, seen->number,
                     checks_broker_id(checks, i), replica->epoch, (long long)replica->end, (long long)replica->high_watermark, seen->leader, seen->leader_epoch,
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
