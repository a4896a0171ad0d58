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
static void add_leader_change(struct buffer *value, int32_t voter)
{
    buffer_i32(value, voter);
    for (int list = 0; list < 2; list++) { /* voters, and those who granted their vote */
        buffer_uvarint(value, 2);
        buffer_i32(value, voter);
        buffer_uvarint(value, 0);
    }
}

static void add_voters(struct buffer *value, int32_t voter, const struct cluster *cluster)
{
    buffer_uvarint(value, 2);
    buffer_i32(value, voter);
    buffer_put(value, cluster->directories[0].bytes, sizeof(cluster->directories[0].bytes));
    buffer_uvarint(value, 2);
    compact_text(value, "CONTROLLER");
    compact_text(value, cluster->host);
    buffer_i16(value, (int16_t)cluster_controller_port(cluster));
    buffer_uvarint(value, 0);
    buffer_i16(value, 0); /* versions of Raft that it supports */
    buffer_i16(value, 1);
    buffer_uvarint(value, 0);
    buffer_uvarint(value, 0);
}

void raft_add_control(struct metadata_batch *batch, enum raft_control type, int32_t voter, const struct cluster *cluster, int64_t now_ms)
{
    struct buffer key = { 0 }, value = { 0 };

    buffer_i16(&key, 0);
    buffer_i16(&key, (int16_t)type);
    buffer_i16(&value, 0);
    switch (type) {
    case RAFT_LEADER_CHANGE: add_leader_change(&value, voter); break;
    case RAFT_SNAPSHOT_HEADER: buffer_i64(&value, 0); break; /* timestamp of the last record within */
    case RAFT_SNAPSHOT_FOOTER: break;
    case RAFT_VERSION: buffer_i16(&value, 1); break;
    case RAFT_VOTERS: add_voters(&value, voter, cluster); break;
    }
    buffer_uvarint(&value, 0);
    batch_builder_add(&batch->builder, now_ms, buffer_bytes(&key), buffer_bytes(&value), NULL, 0);
    batch->count++;
    buffer_done(&key);
    buffer_done(&value);
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
    raft_add_control(&batch, RAFT_SNAPSHOT_HEADER, 0, cluster, now_ms);
    if (voters) {
        raft_add_control(&batch, RAFT_VERSION, 0, cluster, now_ms);
        raft_add_control(&batch, RAFT_VOTERS, controller_home(cluster), cluster, now_ms);
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
        raft_add_control(&batch, RAFT_SNAPSHOT_FOOTER, 0, cluster, now_ms);
        err = finish_into(&batch, &out, reason);
    }
    if (!err)
        err = write_file(cluster, path, buffer_bytes(&out), reason);
    buffer_done(&out);
    return err;
}

enum err raft_write_bootstrap(const struct broker *broker, struct reason *reason)
{
    char *path = mem_printf("%s/bootstrap.checkpoint", broker->log_dir);
    enum err err = write_snapshot(broker->cluster, path, false, true, reason);

    mem_free(path);
    return err;
}

enum err raft_write_quorum_files(const struct cluster *cluster, struct reason *reason)
{
    const char *dir = log_dir(cluster->controller.log->log);
    char *state = mem_printf("%s/quorum-state", dir), *snapshot = mem_printf("%s/00000000000000000000-0000000000.checkpoint", dir);
    char *text = mem_printf("{\"leaderId\":%d,\"leaderEpoch\":%d,\"votedId\":-1,\"votedDirectoryId\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"data_version\":1}",
                            controller_home(cluster), METADATA_EPOCH);
    enum err err = write_file(cluster, state, bytes_text(text), reason);

    if (!err)
        err = write_snapshot(cluster, snapshot, true, false, reason);
    mem_free(text);
    mem_free(state);
    mem_free(snapshot);
    return err;
}
