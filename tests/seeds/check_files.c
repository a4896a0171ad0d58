/* The end: the bytes of all replicas' files, walked batch by batch by their layout alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/seeds/check_internal.h"

struct walked {                       /* a replica's log: all batches one after the other */
    struct buffer bytes;
    struct walked_batch { int64_t base, last; int32_t epoch; size_t at; } *batches; /* at: in bytes */
    size_t count, capacity;
    int64_t first, start;             /* the first segment's name; the log start */
    int32_t broker;
};

static void walked_done(struct walked *walked)
{
    buffer_done(&walked->bytes);
    mem_free(walked->batches);
}

static void read_segments(struct checks *checks, const char *folder, struct walked *walked)
{
    struct fs *fs = lab_fs(checks->lab);
    struct fs_names names;

    if (fs_list(fs, folder, &names, NULL)) {
        checks_fail(checks, "log", "%s is not there", folder);
        return;
    }
    for (size_t i = 0; i < names.count; i++) {
        char *path = mem_printf("%s/%s", folder, names.names[i]);
        struct buffer bytes = { 0 };

        if (text_ends(path, ".log") && !fs_read_all(fs, path, SIZE_MAX / 2, &bytes, NULL)) {
            int64_t base = (int64_t)strtoull(names.names[i], NULL, 10);

            if (walked->first < 0)
                walked->first = base;
            if (bytes.size && get_i64(bytes.data) < base)
                checks_fail(checks, "log", "%s begins with offset %lld", path, (long long)get_i64(bytes.data));
            buffer_put(&walked->bytes, bytes.data, bytes.size);
        }
        buffer_done(&bytes);
        mem_free(path);
    }
    fs_names_free(&names);
}

/* Magic 2: base offset 8, length 4, epoch 4, magic 1, CRC 4, attributes 2, last offset delta 4, ... */
static void walk(struct checks *checks, const struct seen_partition *seen, struct walked *walked)
{
    enum { EPOCH_AT = 12, MAGIC_AT = 16, CRC_AT = 17, ATTRIBUTES_AT = 21, DELTA_AT = 23 };
    int64_t next = walked->first;
    int32_t epoch = -1;

    for (size_t at = 0; at < walked->bytes.size;) {
        const uint8_t *p = walked->bytes.data + at;
        size_t left = walked->bytes.size - at, size = left < BATCH_HEADER ? 0 : (size_t)get_u32(p + 8) + BATCH_OVERHEAD;
        struct walked_batch batch;

        if (size < BATCH_HEADER || size > left || p[MAGIC_AT] != 2) {
            checks_fail(checks, "log", "%s-%d at broker %d: no whole batch behind offset %lld", seen->topic, seen->number, walked->broker, (long long)next);
            return;
        }
        batch = (struct walked_batch){ get_i64(p), get_i64(p) + get_i32(p + DELTA_AT), get_i32(p + EPOCH_AT), at };
        if (batch.last < batch.base || batch.base < next || (batch.base > next && !seen->promise.compacts))
            checks_fail(checks, "log", "%s-%d at broker %d: a batch %lld..%lld where %lld is next", seen->topic, seen->number, walked->broker, (long long)batch.base,
                        (long long)batch.last, (long long)next);
        if (batch.epoch < epoch)
            checks_fail(checks, "log", "%s-%d at broker %d: epoch %d at offset %lld, behind epoch %d", seen->topic, seen->number, walked->broker, batch.epoch,
                        (long long)batch.base, epoch);
        if (crc32c(p + ATTRIBUTES_AT, size - ATTRIBUTES_AT) != get_u32(p + CRC_AT))
            checks_fail(checks, "log", "%s-%d at broker %d: the sum of the batch at %lld is wrong", seen->topic, seen->number, walked->broker, (long long)batch.base);
        ARRAY_ADD(walked->batches, walked->count, walked->capacity) = batch;
        next = batch.last + 1;
        epoch = batch.epoch;
        at += size;
    }
    checks->counts.batches += walked->count;
}

/* Where each epoch ends, as the log would tell a follower, is where its batches end. */
static void check_epochs(struct checks *checks, const struct seen_partition *seen, const struct walked *walked, const struct log *log)
{
    int64_t known_from = walked->start > seen->removed ? walked->start : seen->removed; /* of what was below its start it need not know, though it may be back after a crash */

    for (size_t i = 0; i < walked->count; i++) {
        int32_t epoch = walked->batches[i].epoch, told;
        int64_t end = walked->batches[i].last + 1, told_end;

        if ((i + 1 < walked->count && walked->batches[i + 1].epoch == epoch) || end <= known_from)
            continue;
        log_end_offset_for_epoch(log, epoch, &told, &told_end);
        if (told != epoch || told_end != end)
            checks_fail(checks, "log", "%s-%d at broker %d: epoch %d ends at %lld, its log says (%d, %lld)", seen->topic, seen->number, walked->broker, epoch,
                        (long long)end, told, (long long)told_end);
    }
    if (walked->count && log_latest_epoch(log) > seen->leader_epoch)
        checks_fail(checks, "log", "%s-%d at broker %d: knows epoch %d, the leader's is %d", seen->topic, seen->number, walked->broker, log_latest_epoch(log),
                    seen->leader_epoch);
}

/* All that is committed is there, from its start on, or may be missing. */
static void check_committed(struct checks *checks, const struct seen_partition *seen, const struct walked *walked)
{
    int64_t next = walked->start > seen->removed ? walked->start : seen->removed, missing;

    for (size_t i = 0; i < walked->count && !seen->lossy; i++) {
        struct bytes bytes = { walked->bytes.data + walked->batches[i].at, walked->bytes.size - walked->batches[i].at };
        struct batch batch;

        if (walked->batches[i].last < next)
            continue;
        if (batch_decode(bytes, &batch, NULL, NULL))
            return;
        missing = checks_must_be(checks, seen, next, batch.base_offset, walked->start);
        if (missing < batch.base_offset) {
            next = missing;
            break;
        }
        if (!checks_batch(checks, seen, &batch, walked->broker))
            return;
        next = batch.last_offset + 1;
    }
    missing = checks_must_be(checks, seen, next, seen->committed, walked->start);
    if (missing < seen->committed && !seen->lossy)
        checks_fail(checks, "committed", "%s-%d: broker %d has nothing at %lld, committed is all below %lld", seen->topic, seen->number, walked->broker, (long long)missing,
                    (long long)seen->committed);
}

/* ---- all ---- */

static void read_replica(struct checks *checks, const struct seen_partition *seen, const struct partition *partition, struct walked *walked)
{
    struct broker *broker = partition_broker(partition);
    const struct log *log = partition_log(partition);
    char *folder = mem_printf("%s/%s-%d", broker_log_dir(broker), seen->topic, seen->number);
    int64_t end;

    *walked = (struct walked){ .broker = broker_id(broker), .first = -1, .start = log_start_offset(log) };
    read_segments(checks, folder, walked);
    mem_free(folder);
    walk(checks, seen, walked);
    if (walked->first > walked->start)
        checks_fail(checks, "start", "%s-%d at broker %d: its log starts at %lld, its first segment at %lld", seen->topic, seen->number, walked->broker,
                    (long long)walked->start, (long long)walked->first);
    end = walked->count ? walked->batches[walked->count - 1].last + 1 : walked->first;
    if (end > log_end_offset(log) || (end < log_end_offset(log) && !seen->promise.compacts))
        checks_fail(checks, "log", "%s-%d at broker %d: its files end at %lld, its log at %lld", seen->topic, seen->number, walked->broker, (long long)end,
                    (long long)log_end_offset(log));
}

/* From the offset on at which both have something that was not removed once. */
static bool same_bytes(const struct walked *one, const struct walked *other, int64_t removed)
{
    int64_t both = one->first > other->first ? one->first : other->first, from = both > removed ? both : removed;
    size_t i = 0, o = 0;

    while (i < one->count && one->batches[i].last < from)
        i++;
    while (o < other->count && other->batches[o].last < from)
        o++;
    if (i == one->count || o == other->count)
        return i == one->count && o == other->count;
    return bytes_equal((struct bytes){ one->bytes.data + one->batches[i].at, one->bytes.size - one->batches[i].at },
                       (struct bytes){ other->bytes.data + other->batches[o].at, other->bytes.size - other->batches[o].at });
}

static void check_partition(struct checks *checks, struct seen_partition *seen)
{
    struct walked first = { .broker = -1 };

    for (size_t i = 0; i < checks->broker_count; i++) {
        struct partition *partition = broker_partition(cluster_broker_at(lab_cluster(checks->lab), i), seen->topic, seen->number);
        struct walked walked;

        if (!partition || !uuid_equal(partition_topic_id(partition), seen->id))
            continue;
        read_replica(checks, seen, partition, &walked);
        if (!seen->promise.compacts)
            check_epochs(checks, seen, &walked, partition_log(partition));
        check_committed(checks, seen, &walked);
        if (first.broker < 0) {
            first = walked;
            continue;
        }
        if (!seen->promise.compacts && !same_bytes(&first, &walked, seen->removed))
            checks_fail(checks, "agree", "%s-%d: the logs of brokers %d and %d differ", seen->topic, seen->number, first.broker, walked.broker);
        walked_done(&walked);
    }
    walked_done(&first);
}

static bool same_ids(const int32_t *a, int32_t a_count, const int32_t *b, int32_t b_count)
{
    return a_count == b_count && (!a_count || !memcmp(a, b, (size_t)a_count * sizeof(*a)));
}

/* All brokers know what the controller knows. */
static void check_images(struct checks *checks)
{
    const struct image *truth = cluster_image(lab_cluster(checks->lab));

    for (size_t i = 0; i < checks->broker_count; i++) {
        const struct broker *broker = cluster_broker_at(lab_cluster(checks->lab), i);
        const struct image *image = broker_image(broker);

        if (image_topic_count(image) != image_topic_count(truth))
            checks_fail(checks, "agree", "broker %d knows %zu topics, the controller %zu", broker_id(broker), image_topic_count(image), image_topic_count(truth));
        for (size_t t = 0; t < image_topic_count(truth); t++)
            for (int32_t p = 0; p < image_topic_at(truth, t)->partition_count; p++) {
                const struct image_partition *is = &image_topic_at(truth, t)->partitions[p];
                const struct image_partition *known = image_partition(image, image_topic_at(truth, t)->name, p);

                if (!known || known->leader != is->leader || known->leader_epoch != is->leader_epoch || known->partition_epoch != is->partition_epoch ||
                    !same_ids(known->isr, known->isr_count, is->isr, is->isr_count))
                    checks_fail(checks, "agree", "%s-%d: broker %d knows leader %d, epoch %d, partition epoch %d; the controller %d, %d, %d",
                                image_topic_at(truth, t)->name, p, broker_id(broker), known ? known->leader : -1, known ? known->leader_epoch : -1,
                                known ? known->partition_epoch : -1, is->leader, is->leader_epoch, is->partition_epoch);
            }
    }
}

void checks_end(struct checks *checks)
{
    check_images(checks);
    for (size_t i = 0; i < checks->count; i++)
        check_partition(checks, checks->partitions[i]);
}
