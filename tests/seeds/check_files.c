/* The end: the bytes of all replicas' files, walked batch by batch by their layout alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/seeds/check_internal.h"

struct walked {                       /* a replica's log: all batches one after the other */
    struct buffer bytes;
    struct seen_batch *batches;
    size_t *places;                   /* in bytes */
    size_t count, capacity, place_capacity, place_count;
    int32_t broker;
};

static void walked_done(struct walked *walked)
{
    buffer_done(&walked->bytes);
    mem_free(walked->batches);
    mem_free(walked->places);
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
            if ((int64_t)strtoull(names.names[i], NULL, 10) != (walked->count ? walked->batches[walked->count - 1].last + 1 : 0) && bytes.size &&
                (uint64_t)get_i64(bytes.data) < strtoull(names.names[i], NULL, 10))
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
    int64_t next = 0;
    int32_t epoch = -1;

    for (size_t at = 0; at < walked->bytes.size;) {
        const uint8_t *p = walked->bytes.data + at;
        size_t left = walked->bytes.size - at, size = left < BATCH_HEADER ? 0 : (size_t)get_u32(p + 8) + BATCH_OVERHEAD;
        struct seen_batch batch;

        if (size < BATCH_HEADER || size > left || p[MAGIC_AT] != 2) {
            checks_fail(checks, "log", "%s-%d at broker %d: no whole batch behind offset %lld", seen->topic, seen->number, walked->broker, (long long)next);
            return;
        }
        batch = (struct seen_batch){ get_i64(p), get_i64(p) + get_i32(p + DELTA_AT), get_i32(p + EPOCH_AT), checks_sum(p, size) };
        if (batch.base != next || batch.last < batch.base)
            checks_fail(checks, "log", "%s-%d at broker %d: a batch %lld..%lld where %lld is next", seen->topic, seen->number, walked->broker, (long long)batch.base,
                        (long long)batch.last, (long long)next);
        if (batch.epoch < epoch)
            checks_fail(checks, "log", "%s-%d at broker %d: epoch %d at offset %lld, behind epoch %d", seen->topic, seen->number, walked->broker, batch.epoch,
                        (long long)batch.base, epoch);
        if (crc32c(p + ATTRIBUTES_AT, size - ATTRIBUTES_AT) != get_u32(p + CRC_AT))
            checks_fail(checks, "log", "%s-%d at broker %d: the sum of the batch at %lld is wrong", seen->topic, seen->number, walked->broker, (long long)batch.base);
        ARRAY_ADD(walked->batches, walked->count, walked->capacity) = batch;
        ARRAY_ADD(walked->places, walked->place_count, walked->place_capacity) = at;
        next = batch.last + 1;
        epoch = batch.epoch;
        at += size;
    }
    checks->counts.batches += walked->count;
}

/* Where each epoch ends, as the log would tell a follower, is where its batches end. */
static void check_epochs(struct checks *checks, const struct seen_partition *seen, const struct walked *walked, const struct log *log)
{
    for (size_t i = 0; i < walked->count; i++) {
        int32_t epoch = walked->batches[i].epoch, told;
        int64_t end = walked->batches[i].last + 1, told_end;

        if (i + 1 < walked->count && walked->batches[i + 1].epoch == epoch)
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

static void check_committed(struct checks *checks, const struct seen_partition *seen, const struct walked *walked)
{
    for (size_t i = 0; i < seen->batch_count && !seen->lossy; i++) {
        const struct seen_batch *was = &seen->batches[i], *is = i < walked->count ? &walked->batches[i] : NULL;

        if (!is || is->base != was->base || is->last != was->last || is->epoch != was->epoch || is->sum != was->sum) {
            checks_fail(checks, "committed", "%s-%d: committed %lld..%lld of epoch %d is not what broker %d has (%lld..%lld of epoch %d)", seen->topic, seen->number,
                        (long long)was->base, (long long)was->last, was->epoch, walked->broker, is ? (long long)is->base : -1, is ? (long long)is->last : -1,
                        is ? is->epoch : -1);
            return;
        }
    }
}

/* ---- records: once, in order, where they were acknowledged, as they were read ---- */

struct found { int64_t offset; int32_t partition; int32_t times; };
struct finding {                      /* by producer and number */
    struct checks *checks;
    struct found **found;
    int64_t *last_number;             /* of a producer in the partition that is walked */
};

static void find_record(struct finding *finding, const struct seen_partition *seen, const struct record *record)
{
    struct checks *checks = finding->checks;
    uint32_t number = 0;
    int32_t producer = checks_producer(checks, record->value, &number);
    const struct seen_client *client;
    struct found *found;
    struct text whole = { 0 };

    if (producer < 0) {
        checks_fail(checks, "log", "%s-%d@%lld: a record that nobody sent", seen->topic, seen->number, (long long)record->offset);
        return;
    }
    client = &checks->clients[producer];
    checks_value(client->line->name, number, (int32_t)record->value.size, &whole);
    if (!bytes_equal(bytes_text(text_chars(&whole)), record->value))
        checks_fail(checks, "log", "%s-%d@%lld: record %s/%u has other bytes", seen->topic, seen->number, (long long)record->offset, client->line->name, number);
    text_done(&whole);
    found = &finding->found[producer][number];
    if (found->times++) {
        checks->counts.duplicates++;
        if (client->idempotent || client->no_retries)
            checks_fail(checks, "acks", "record %s/%u is at %s-%d@%lld and at %d@%lld; its producer %s", client->line->name, number, seen->topic, found->partition,
                        (long long)found->offset, seen->number, (long long)record->offset, client->idempotent ? "is idempotent" : "tries once");
    }
    if (client->idempotent && (int64_t)number < finding->last_number[producer])
        checks_fail(checks, "acks", "record %s/%u at %s-%d@%lld is behind %s/%lld; its producer is idempotent", client->line->name, number, seen->topic, seen->number,
                    (long long)record->offset, client->line->name, (long long)finding->last_number[producer]);
    if ((int64_t)number > finding->last_number[producer])
        finding->last_number[producer] = number;
    if (client->sent[number].state == SENT_ACKED && client->sent[number].offset == record->offset && client->sent[number].partition == seen->number)
        found->times |= 1 << 30;
    found->offset = record->offset;
    found->partition = seen->number;
    for (size_t g = 0; g < checks->group_count && !seen->lossy; g++)
        for (size_t r = 0; r < checks->groups[g].reading_count; r++) {
            const struct seen_reading *reading = &checks->groups[g].readings[r];
            const struct read_record *read = reading->partition == seen && (size_t)record->offset < reading->size ? &reading->records[record->offset] : NULL;

            if (read && read->client >= 0 && (read->client != producer || read->number != number))
                checks_fail(checks, "read", "group %s read %s/%u at %s-%d@%lld, where %s/%u is", checks->groups[g].name, checks->clients[read->client].line->name,
                            read->number, seen->topic, seen->number, (long long)record->offset, client->line->name, number);
        }
}

static void find_records(struct finding *finding, const struct seen_partition *seen, const struct walked *walked)
{
    for (size_t i = 0; i < finding->checks->history->client_count; i++)
        finding->last_number[i] = -1;
    for (size_t i = 0; i < walked->count; i++) {
        struct bytes bytes = { walked->bytes.data + walked->places[i], walked->bytes.size - walked->places[i] };
        struct record_iterator it;
        struct record record;
        struct batch batch;

        if (batch_decode(bytes, &batch, NULL, NULL))
            continue;
        records_begin(&it, &batch);
        while (records_next(&it, &record))
            find_record(finding, seen, &record);
        records_done(&it);
    }
}

static void check_acknowledged(struct finding *finding)
{
    struct checks *checks = finding->checks;

    for (size_t c = 0; c < checks->history->client_count; c++) {
        const struct seen_client *client = &checks->clients[c];

        for (size_t i = 0; i < client->sent_count; i++) {
            const struct sent *sent = &client->sent[i];

            if (sent->state != SENT_ACKED || !client->all || finding->found[c][i].times & 1 << 30 || checks_partition(checks, client->line->topics, sent->partition)->lossy)
                continue;
            checks_fail(checks, "acks", "%s/%zu was acknowledged at %s-%d@%lld and is %s", client->line->name, i, client->line->topics, sent->partition,
                        (long long)sent->offset, finding->found[c][i].times ? "elsewhere" : "nowhere");
        }
    }
}

/* ---- all ---- */

static void check_partition(struct finding *finding, struct seen_partition *seen)
{
    struct checks *checks = finding->checks;
    struct walked first = { 0 };
    bool have_first = false;

    for (size_t i = 0; i < checks->broker_count; i++) {
        struct broker *broker = cluster_broker_at(lab_cluster(checks->lab), i);
        struct partition *partition = broker_partition(broker, seen->topic, seen->number);
        struct walked walked = { .broker = broker_id(broker) };
        char *folder;

        if (!partition)
            continue;
        folder = mem_printf("%s/%s-%d", broker_log_dir(broker), seen->topic, seen->number);
        read_segments(checks, folder, &walked);
        mem_free(folder);
        walk(checks, seen, &walked);
        check_epochs(checks, seen, &walked, partition_log(partition));
        if ((walked.count ? walked.batches[walked.count - 1].last + 1 : 0) != log_end_offset(partition_log(partition)))
            checks_fail(checks, "log", "%s-%d at broker %d: its files end at %lld, its log at %lld", seen->topic, seen->number, walked.broker,
                        walked.count ? (long long)walked.batches[walked.count - 1].last + 1 : 0, (long long)log_end_offset(partition_log(partition)));
        check_committed(checks, seen, &walked);
        if (!have_first) {
            first = walked;
            have_first = true;
            continue;
        }
        if (!bytes_equal(buffer_bytes(&first.bytes), buffer_bytes(&walked.bytes)))
            checks_fail(checks, "agree", "%s-%d: the logs of brokers %d and %d differ", seen->topic, seen->number, first.broker, walked.broker);
        walked_done(&walked);
    }
    if (!seen->internal)
        find_records(finding, seen, &first);
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
    struct finding finding = { .checks = checks };

    check_images(checks);
    finding.found = mem_zero_array(checks->history->client_count + 1, sizeof(*finding.found));
    finding.last_number = mem_zero_array(checks->history->client_count + 1, sizeof(*finding.last_number));
    for (size_t i = 0; i < checks->history->client_count; i++)
        finding.found[i] = mem_zero_array(checks->clients[i].sent_count + 1, sizeof(**finding.found));
    for (size_t i = 0; i < checks->count; i++)
        check_partition(&finding, checks->partitions[i]);
    check_acknowledged(&finding);
    for (size_t i = 0; i < checks->history->client_count; i++)
        mem_free(finding.found[i]);
    mem_free(finding.found);
    mem_free(finding.last_number);
}
