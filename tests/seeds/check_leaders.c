/* What the controller says: leaders, epochs, in-sync sets. */
#include <stdio.h>
#include <string.h>

#include "tests/seeds/check_internal.h"

/* ---- leaders ---- */

const struct image_partition *checks_known(const struct image *image, const struct seen_partition *seen)
{
    const struct image_topic *topic = image_topic_by_id(image, seen->id);

    return topic && seen->number < topic->partition_count ? &topic->partitions[seen->number] : NULL;
}

void checks_note_leader(struct checks *checks, struct seen_partition *seen, int32_t epoch, int32_t leader)
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
        if (!checks_contains(now->replicas, now->replica_count, now->isr[i]) || checks_contains(now->isr, i, now->isr[i]))
            checks_fail(checks, "isr", "%s-%d: %d is in the ISR twice, or is no replica", seen->topic, seen->number, now->isr[i]);
    for (int16_t i = 0; i < now->elr_count; i++)
        if (checks_contains(now->elr, i, now->elr[i]) || checks_contains(now->isr, now->isr_count, now->elr[i]))
            checks_fail(checks, "isr", "%s-%d: %d is an eligible leader twice, or in sync", seen->topic, seen->number, now->elr[i]);
    if (now->leader >= 0 && !checks_contains(now->replicas, now->replica_count, now->leader))
        checks_fail(checks, "isr", "%s-%d: leader %d is no replica", seen->topic, seen->number, now->leader);
    if (now->leader >= 0 && !checks_contains(now->isr, now->isr_count, now->leader))
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
    if (!checks_calm(checks) || now->leader != seen->leader || now->leader_epoch != seen->leader_epoch)
        return;
    for (int32_t i = 0; i < seen->isr_count; i++)
        if (!checks_contains(now->isr, now->isr_count, seen->isr[i]) && checks_contains(now->replicas, now->replica_count, seen->isr[i]))
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
        seen->lossy |= seen->promise.unclean;
        return;
    }
    if (checks_contains(seen->isr, seen->isr_count, now->leader) || checks_contains(seen->elr, seen->elr_count, now->leader))
        return;
    if (!seen->isr_count && !now->elr_count && now->leader == seen->last_leader) /* KIP-966: it had all when it led; whether it still has is checked */
        return;
    /* 2.7: made while none of its replicas lived, it had no leader yet, and nothing to lose. */
    if (!seen->isr_count && seen->leader < 0 && !seen->partition_epoch && !seen->leader_epoch)
        return;
    /* It came into the ISR by the same change (a leader that goes let it in; a reassignment is over): whoever was in sync still is, or is no replica any more. */
    if (seen->isr_count && checks_contains(now->isr, now->isr_count, now->leader)) {
        int32_t still = 0;

        for (int32_t i = 0; i < seen->isr_count; i++)
            still += checks_contains(now->isr, now->isr_count, seen->isr[i]) || !checks_contains(now->replicas, now->replica_count, seen->isr[i]);
        if (still == seen->isr_count)
            return;
    }
    checks->counts.unclean++;
    if (!seen->promise.unclean) {
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
    struct seen_partition *seen = checks_partition(checks, topic->name, topic->id, number);

    seen->going = topic->deleting; /* 2.7: nobody leads any more, and it is there until all brokers have let go of it */
    if (topic->deleting)
        return;
    if (now->leader_epoch == seen->leader_epoch && now->partition_epoch == seen->partition_epoch && now->leader == seen->leader && now->isr_count == seen->isr_count && now->elr_count == seen->elr_count)
        return;
    seen->image_seen = true;
    check_state(checks, seen, now);
    check_election(checks, seen, now);
    check_dropped(checks, seen, now);
    checks_note_leader(checks, seen, now->leader_epoch, now->leader);
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
    for (size_t i = 0; i < checks->count; i++)
        if (checks->partitions[i]->image_seen && !checks->partitions[i]->gone && !image_topic_by_id(image, checks->partitions[i]->id)) {
            checks->partitions[i]->gone = true;
            checks->counts.deletions++;
        }
    for (size_t t = 0; t < image_topic_count(image); t++)
        for (int32_t p = 0; p < image_topic_at(image, t)->partition_count; p++)
            take_state(checks, image_topic_at(image, t), p);
}

/* 2.7: what is in ZooKeeper is so. 4.3: what a majority of controllers has, and that is what any broker has heard: a controller forgets what it could not commit. */
void checks_sample_controller(struct checks *checks)
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

/* ---- fetches: nobody is served who knows an older epoch than whom it asks ---- */

static const struct seen_partition *asked_for(struct checks *checks, const struct fetch_request_topic *topic, int32_t number)
{
    if (topic->topic)
        return checks_next_named(checks, topic->topic, number, NULL);
    for (size_t i = 0; i < checks->count; i++)
        if (checks->partitions[i]->number == number && uuid_equal(checks->partitions[i]->id, topic->topic_id))
            return checks->partitions[i];
    return NULL;
}

static bool served(const struct fetch_response *answer, const struct fetch_request_topic *topic, int32_t number)
{
    for (int32_t t = 0; t < answer->responses.count; t++) {
        const struct fetch_response_topic *out = &answer->responses.items[t];

        if (topic->topic ? !out->topic || strcmp(out->topic, topic->topic) : !uuid_equal(out->topic_id, topic->topic_id))
            continue;
        for (int32_t p = 0; p < out->partitions.count; p++)
            if (out->partitions.items[p].partition_index == number)
                return !out->partitions.items[p].error_code;
    }
    return false;
}

static void on_request(void *context, const struct request *request, bool answered)
{
    enum { FETCH = 1, FIRST_WITH_EPOCHS = 9 };
    const struct fetch_request *in = request->in;
    const struct fetch_response *out = request->out;
    struct checks *checks = context;
    size_t index;

    if (!answered || request->api->key != FETCH || request->version < FIRST_WITH_EPOCHS || out->error_code)
        return;
    index = checks_broker_index(checks, broker_id(request->broker));
    for (int32_t t = 0; t < in->topics.count; t++)
        for (int32_t p = 0; p < in->topics.items[t].partitions.count; p++) {
            const struct fetch_request_partition *asked = &in->topics.items[t].partitions.items[p];
            const struct seen_partition *seen = asked_for(checks, &in->topics.items[t], asked->partition);
            const struct seen_replica *replica = seen && index < checks->broker_count ? &seen->replicas[index] : NULL;

            if (replica && replica->partition && asked->current_leader_epoch >= 0 && asked->current_leader_epoch < replica->epoch &&
                replica->epoch_since_us < request->began_us && served(out, &in->topics.items[t], asked->partition))
                checks_fail(checks, "epoch", "%s-%d: broker %d is in epoch %d and serves who asks with epoch %d", seen->topic, seen->number, broker_id(request->broker),
                            replica->epoch, asked->current_leader_epoch);
        }
}

void checks_epochs_watch(struct checks *checks)
{
    wire_watch(lab_wire(checks->lab), on_request, checks);
}

void checks_epochs_unwatch(struct checks *checks)
{
    wire_unwatch(lab_wire(checks->lab), on_request, checks);
}
