/* What a 4.3 controller keeps beside its records: the control records of Raft, the snapshot that formatting a folder leaves
 * (bootstrap.checkpoint), the voter's state. Kafka's KafkaRaftClient, Formatter, FileQuorumStateStore. */
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

static const struct metadata_feature features[] = {
    { "metadata.version", 7, 30 },  { "eligible.leader.replicas.version", 0, 1 }, { "group.version", 0, 1 },
    { "share.version", 0, 1 },      { "streams.version", 0, 1 },                  { "transaction.version", 0, 2 },
};

size_t raft_feature_count(void)
{
    return sizeof(features) / sizeof(features[0]);
}

const struct metadata_feature *raft_features(void)
{
    return features;
}

static void compact_text(struct buffer *buffer, const char *text)
{
    buffer_uvarint(buffer, strlen(text) + 1);
    buffer_put(buffer, text, strlen(text));
}

/* Flexible messages: array lengths are one more than the count, and each struct ends with its number of tagged fields. */
static void add_leader_change(struct buffer *value, const struct cluster *cluster, int32_t leader, const uint8_t *votes)
{
    size_t voters = (size_t)cluster->controllers;

    buffer_i32(value, leader);
    for (int list = 0; list < 2; list++) { /* voters, and those who granted their vote */
        size_t count = 0;

        for (size_t i = 0; i < voters; i++)
            count += !list || !votes || votes[i] == 1;
        buffer_uvarint(value, count + 1);
        for (size_t i = 0; i < voters; i++) {
            if (list && votes && votes[i] != 1)
                continue;
            buffer_i32(value, cluster->brokers[i]->id);
            buffer_uvarint(value, 0);
        }
    }
}

static void add_voters(struct buffer *value, const struct cluster *cluster)
{
    size_t voters = (size_t)cluster->controllers;

    buffer_uvarint(value, voters + 1);
    for (size_t i = 0; i < voters; i++) {
        buffer_i32(value, cluster->brokers[i]->id);
        buffer_put(value, cluster->brokers[i]->dirs[0].id.bytes, sizeof(cluster->brokers[i]->dirs[0].id.bytes));
        buffer_uvarint(value, 2);
        compact_text(value, "CONTROLLER");
        compact_text(value, cluster->host);
        buffer_i16(value, (int16_t)broker_controller_port(cluster->brokers[i]));
        buffer_uvarint(value, 0);
        buffer_i16(value, 0); /* versions of Raft that it supports */
        buffer_i16(value, 1);
        buffer_uvarint(value, 0);
        buffer_uvarint(value, 0);
    }
}

static void add_control(struct metadata_batch *batch, enum raft_control type, struct buffer *value, int64_t now_ms)
{
    struct buffer key = { 0 };

    buffer_i16(&key, 0);
    buffer_i16(&key, (int16_t)type);
    buffer_uvarint(value, 0);
    batch_builder_add(&batch->builder, now_ms, buffer_bytes(&key), buffer_bytes(value), NULL, 0);
    batch->count++;
    buffer_done(&key);
    buffer_done(value);
}

void raft_add_leader_change(struct metadata_batch *batch, const struct cluster *cluster, int32_t leader, const uint8_t *votes, int64_t now_ms)
{
    struct buffer value = { 0 };

    buffer_i16(&value, 0);
    add_leader_change(&value, cluster, leader, votes);
    add_control(batch, RAFT_LEADER_CHANGE, &value, now_ms);
}

void raft_add_control(struct metadata_batch *batch, enum raft_control type, const struct cluster *cluster, int64_t now_ms)
{
    struct buffer value = { 0 };

    buffer_i16(&value, 0);
    switch (type) {
    case RAFT_LEADER_CHANGE: add_leader_change(&value, cluster, controller_home(cluster), NULL); break;
    case RAFT_SNAPSHOT_HEADER: buffer_i64(&value, 0); break; /* timestamp of the last record within */
    case RAFT_SNAPSHOT_FOOTER: break;
    case RAFT_VERSION: buffer_i16(&value, 1); break;
    case RAFT_VOTERS: add_voters(&value, cluster); break;
    }
    add_control(batch, type, &value, now_ms);
}

/* These are written once, before anything depends on them: no need of Kafka's .tmp and rename. */
static enum err write_file(const struct cluster *cluster, const char *path, struct bytes bytes, struct reason *reason)
{
    struct file *file;
    enum err err = fs_open(cluster->fs, path, FILE_WRITE | FILE_CREATE, &file, reason);

    if (err)
        return err;
    err = file_truncate(file, 0, reason);
    if (!err)
        err = file_append(file, bytes.data, bytes.size, reason);
    file_close(file);
    return err;
}

static enum err finish_into(struct metadata_batch *batch, struct buffer *out, struct reason *reason)
{
    struct bytes bytes;
    enum err err = batch_builder_finish(&batch->builder, &bytes, reason);

    if (!err)
        buffer_put(out, bytes.data, bytes.size);
    metadata_batch_done(batch);
    return err;
}

/* A snapshot: a header, perhaps the features, a footer; each part a batch of its own. */
static enum err write_snapshot(const struct cluster *cluster, const char *path, bool voters, bool levels, struct reason *reason)
{
    int64_t now_ms = queue_now_ms(cluster->queue), next = 0;
    struct metadata_batch batch;
    struct buffer out = { 0 };
    enum err err;

    metadata_batch_begin(&batch, next, 0, true);
    raft_add_control(&batch, RAFT_SNAPSHOT_HEADER, cluster, now_ms);
    if (voters) {
        raft_add_control(&batch, RAFT_VERSION, cluster, now_ms);
        raft_add_control(&batch, RAFT_VOTERS, cluster, now_ms);
    }
    next += batch.count;
    err = finish_into(&batch, &out, reason);
    if (!err && levels) {
        metadata_batch_begin(&batch, next, 0, false);
        for (size_t i = 0; i < raft_feature_count(); i++) {
            struct metadata_record record = metadata_record(METADATA_FEATURE_LEVEL);

            record.feature_level.name = features[i].name;
            record.feature_level.feature_level = features[i].max_supported_version;
            metadata_batch_add(&batch, &record, now_ms);
        }
        next += batch.count;
        err = finish_into(&batch, &out, reason);
    }
    if (!err) {
        metadata_batch_begin(&batch, next, 0, true);
        raft_add_control(&batch, RAFT_SNAPSHOT_FOOTER, cluster, now_ms);
        err = finish_into(&batch, &out, reason);
    }
    if (!err)
        err = write_file(cluster, path, buffer_bytes(&out), reason);
    buffer_done(&out);
    return err;
}

enum err raft_write_bootstrap(const struct cluster *cluster, const char *dir, struct reason *reason)
{
    char *path = mem_printf("%s/bootstrap.checkpoint", dir);
    enum err err = write_snapshot(cluster, path, false, true, reason);

    mem_free(path);
    return err;
}

enum err raft_write_first_snapshot(const struct cluster *cluster, const char *dir, struct reason *reason)
{
    char *path = mem_printf("%s/00000000000000000000-0000000000.checkpoint", dir);
    enum err err = write_snapshot(cluster, path, true, false, reason);

    mem_free(path);
    return err;
}

/* ---- the voter's state ---- */

static char *state_path(const struct broker *broker)
{
    return mem_printf("%s/__cluster_metadata-0/quorum-state", broker_log_dir(broker));
}

enum err raft_write_state(const struct broker *broker, int32_t leader, int32_t epoch, int32_t voted, struct reason *reason)
{
    const struct cluster *cluster = broker->cluster;
    char *path = state_path(broker), directory[UUID_TEXT], *text;
    struct uuid none = { 0 };
    enum err err;

    for (size_t i = 0; voted >= 0 && i < cluster->broker_count; i++)
        if (cluster->brokers[i]->id == voted)
            none = cluster->brokers[i]->dirs[0].id;
    uuid_text(none, directory);
    text = mem_printf("{\"leaderId\":%d,\"leaderEpoch\":%d,\"votedId\":%d,\"votedDirectoryId\":\"%s\",\"data_version\":1}", leader, epoch, voted, directory);
    err = fs_replace(cluster->fs, path, bytes_text(text), reason);
    mem_free(text);
    mem_free(path);
    return err;
}

static int32_t number_after(struct bytes bytes, const char *key)
{
    size_t size = strlen(key);
    int64_t number = 0;

    for (size_t i = 0; i + size < bytes.size; i++) {
        if (memcmp(bytes.data + i, key, size))
            continue;
        for (i += size; i < bytes.size && bytes.data[i] >= '0' && bytes.data[i] <= '9' && number <= INT32_MAX; i++)
            number = number * 10 + (bytes.data[i] - '0');
        return bytes.data[i - 1] == ':' || number > INT32_MAX ? -1 : (int32_t)number; /* "-1", or no number */
    }
    return -1;
}

void raft_read_state(const struct broker *broker, int32_t *leader, int32_t *epoch, int32_t *voted)
{
    char *path = state_path(broker);
    struct buffer bytes = { 0 };

    *leader = *epoch = *voted = -1;
    if (!fs_read_all(broker->cluster->fs, path, 4096, &bytes, NULL)) {
        *leader = number_after(buffer_bytes(&bytes), "\"leaderId\":");
        *epoch = number_after(buffer_bytes(&bytes), "\"leaderEpoch\":");
        *voted = number_after(buffer_bytes(&bytes), "\"votedId\":");
    }
    buffer_done(&bytes);
    mem_free(path);
}
