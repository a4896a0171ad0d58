/* Metadata records: their fields, their bytes, and the log that keeps them. */
#include "sim/cluster/metadata.h"

#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"

#define IDS(struct_, name_, ...) FIELD_ARRAY(struct_, name_, T_INT32, 0, NEWEST, ##__VA_ARGS__)
/* A tagged field that is null unless it was changed. */
#define CHANGED_IDS(struct_, name_, since_, tag_) \
    FIELD_ARRAY(struct_, name_, T_INT32, since_, NEWEST, .null_since = since_, .preset = PRESET_NULL, .tag = (tag_), .tag_since = since_)

static const struct field metadata_endpoint_fields[] = {
    FIELD(metadata_endpoint, name, T_STRING, 0, NEWEST),
    FIELD(metadata_endpoint, host, T_STRING, 0, NEWEST),
    FIELD(metadata_endpoint, port, T_UINT16, 0, NEWEST),
    FIELD(metadata_endpoint, security_protocol, T_INT16, 0, NEWEST),
    { 0 },
};
static const struct field metadata_feature_fields[] = {
    FIELD(metadata_feature, name, T_STRING, 0, NEWEST),
    FIELD(metadata_feature, min_supported_version, T_INT16, 0, NEWEST),
    FIELD(metadata_feature, max_supported_version, T_INT16, 0, NEWEST),
    { 0 },
};
static const struct field register_broker_fields[] = {
    FIELD(metadata_register_broker, broker_id, T_INT32, 0, NEWEST),
    FIELD(metadata_register_broker, is_migrating_zk_broker, T_BOOL, 2, NEWEST),
    FIELD(metadata_register_broker, incarnation_id, T_UUID, 0, NEWEST),
    FIELD(metadata_register_broker, broker_epoch, T_INT64, 0, NEWEST),
    FIELD_STRUCTS(metadata_register_broker, end_points, metadata_endpoint, 0, NEWEST),
    FIELD_STRUCTS(metadata_register_broker, features, metadata_feature, 0, NEWEST),
    FIELD(metadata_register_broker, rack, T_STRING, 0, NEWEST, .null_since = 0),
    FIELD(metadata_register_broker, fenced, T_BOOL, 0, NEWEST, .preset = 1),
    FIELD(metadata_register_broker, in_controlled_shutdown, T_BOOL, 1, NEWEST),
    FIELD_ARRAY(metadata_register_broker, log_dirs, T_UUID, 3, NEWEST, .tag = 0, .tag_since = 3),
    FIELD_ARRAY(metadata_register_broker, cordoned_log_dirs, T_UUID, 4, NEWEST, .null_since = 4, .preset = PRESET_NULL, .tag = 1, .tag_since = 4),
    { 0 },
};
static const struct field register_controller_fields[] = {
    FIELD(metadata_register_controller, controller_id, T_INT32, 0, NEWEST),
    FIELD(metadata_register_controller, incarnation_id, T_UUID, 0, NEWEST),
    FIELD(metadata_register_controller, zk_migration_ready, T_BOOL, 0, NEWEST),
    FIELD_STRUCTS(metadata_register_controller, end_points, metadata_endpoint, 0, NEWEST),
    FIELD_STRUCTS(metadata_register_controller, features, metadata_feature, 0, NEWEST),
    { 0 },
};
static const struct field broker_ref_fields[] = {
    FIELD(metadata_broker_ref, broker_id, T_INT32, 0, NEWEST),
    FIELD(metadata_broker_ref, broker_epoch, T_INT64, 0, NEWEST),
    { 0 },
};
static const struct field fence_fields[] = { /* the same with shorter names */
    FIELD(metadata_broker_ref, broker_id, T_INT32, 0, NEWEST, .name = "id"),
    FIELD(metadata_broker_ref, broker_epoch, T_INT64, 0, NEWEST, .name = "epoch"),
    { 0 },
};
static const struct field broker_change_fields[] = {
    FIELD(metadata_broker_change, broker_id, T_INT32, 0, NEWEST),
    FIELD(metadata_broker_change, broker_epoch, T_INT64, 0, NEWEST),
    FIELD(metadata_broker_change, fenced, T_INT8, 0, NEWEST, .tag = 0, .tag_since = 0),
    FIELD(metadata_broker_change, in_controlled_shutdown, T_INT8, 1, NEWEST, .tag = 1, .tag_since = 1),
    FIELD_ARRAY(metadata_broker_change, log_dirs, T_UUID, 2, NEWEST, .tag = 2, .tag_since = 2),
    FIELD_ARRAY(metadata_broker_change, cordoned_log_dirs, T_UUID, 3, NEWEST, .null_since = 3, .preset = PRESET_NULL, .tag = 3, .tag_since = 3),
    { 0 },
};
static const struct field topic_fields[] = {
    FIELD(metadata_topic, name, T_STRING, 0, NEWEST),
    FIELD(metadata_topic, topic_id, T_UUID, 0, NEWEST),
    { 0 },
};
static const struct field partition_fields[] = {
    FIELD(metadata_partition, partition_id, T_INT32, 0, NEWEST, .preset = -1),
    FIELD(metadata_partition, topic_id, T_UUID, 0, NEWEST),
    IDS(metadata_partition, replicas),
    IDS(metadata_partition, isr),
    IDS(metadata_partition, removing_replicas),
    IDS(metadata_partition, adding_replicas),
    FIELD(metadata_partition, leader, T_INT32, 0, NEWEST, .preset = -1),
    FIELD(metadata_partition, leader_recovery_state, T_INT8, 0, NEWEST, .tag = 0, .tag_since = 0),
    FIELD(metadata_partition, leader_epoch, T_INT32, 0, NEWEST, .preset = -1),
    FIELD(metadata_partition, partition_epoch, T_INT32, 0, NEWEST, .preset = -1),
    FIELD_ARRAY(metadata_partition, directories, T_UUID, 1, NEWEST),
    CHANGED_IDS(metadata_partition, eligible_leader_replicas, 2, 1),
    CHANGED_IDS(metadata_partition, last_known_elr, 2, 2),
    { 0 },
};
static const struct field partition_change_fields[] = {
    FIELD(metadata_partition_change, partition_id, T_INT32, 0, NEWEST, .preset = -1),
    FIELD(metadata_partition_change, topic_id, T_UUID, 0, NEWEST),
    CHANGED_IDS(metadata_partition_change, isr, 0, 0),
    FIELD(metadata_partition_change, leader, T_INT32, 0, NEWEST, .preset = -2, .tag = 1, .tag_since = 0),
    CHANGED_IDS(metadata_partition_change, replicas, 0, 2),
    CHANGED_IDS(metadata_partition_change, removing_replicas, 0, 3),
    CHANGED_IDS(metadata_partition_change, adding_replicas, 0, 4),
    FIELD(metadata_partition_change, leader_recovery_state, T_INT8, 0, NEWEST, .preset = -1, .tag = 5, .tag_since = 0),
    FIELD_ARRAY(metadata_partition_change, directories, T_UUID, 1, NEWEST, .null_since = 1, .preset = PRESET_NULL, .tag = 8, .tag_since = 1),
    CHANGED_IDS(metadata_partition_change, eligible_leader_replicas, 2, 6),
    CHANGED_IDS(metadata_partition_change, last_known_elr, 2, 7),
    { 0 },
};
static const struct field config_fields[] = {
    FIELD(metadata_config, resource_type, T_INT8, 0, NEWEST),
    FIELD(metadata_config, resource_name, T_STRING, 0, NEWEST),
    FIELD(metadata_config, name, T_STRING, 0, NEWEST),
    FIELD(metadata_config, value, T_STRING, 0, NEWEST, .null_since = 0),
    { 0 },
};
static const struct field remove_topic_fields[] = {
    FIELD(metadata_remove_topic, topic_id, T_UUID, 0, NEWEST),
    { 0 },
};
static const struct field feature_level_fields[] = {
    FIELD(metadata_feature_level, name, T_STRING, 0, NEWEST),
    FIELD(metadata_feature_level, feature_level, T_INT16, 0, NEWEST),
    { 0 },
};
static const struct field producer_ids_fields[] = {
    FIELD(metadata_producer_ids, broker_id, T_INT32, 0, NEWEST),
    FIELD(metadata_producer_ids, broker_epoch, T_INT64, 0, NEWEST, .preset = -1),
    FIELD(metadata_producer_ids, next_producer_id, T_INT64, 0, NEWEST),
    { 0 },
};
static const struct field transaction_fields[] = {
    FIELD(metadata_transaction, name, T_STRING, 0, NEWEST, .null_since = 0, .preset = PRESET_NULL, .tag = 0, .tag_since = 0),
    { 0 },
};
static const struct field abort_fields[] = {
    FIELD(metadata_transaction, name, T_STRING, 0, NEWEST, .name = "reason", .null_since = 0, .preset = PRESET_NULL, .tag = 0, .tag_since = 0),
    { 0 },
};
static const struct field no_fields[] = { { 0 } };

struct kind {
    enum metadata_kind kind;
    int16_t written;           /* the version that we write */
    struct message message;
};
#define KIND(kind_, name_, written_, last_, struct_, fields_)                                          \
    { METADATA_##kind_, written_, { .name = name_, .first = 0, .last = last_, .flexible_since = 0,      \
                                    .fields = fields_, .size = sizeof(struct struct_) } }
static const struct kind kinds[] = {
    KIND(REGISTER_BROKER, "REGISTER_BROKER_RECORD", 3, 4, metadata_register_broker, register_broker_fields),
    KIND(UNREGISTER_BROKER, "UNREGISTER_BROKER_RECORD", 0, 0, metadata_broker_ref, broker_ref_fields),
    KIND(TOPIC, "TOPIC_RECORD", 0, 0, metadata_topic, topic_fields),
    KIND(PARTITION, "PARTITION_RECORD", 2, 2, metadata_partition, partition_fields),
    KIND(CONFIG, "CONFIG_RECORD", 0, 0, metadata_config, config_fields),
    KIND(PARTITION_CHANGE, "PARTITION_CHANGE_RECORD", 2, 2, metadata_partition_change, partition_change_fields),
    KIND(FENCE_BROKER, "FENCE_BROKER_RECORD", 0, 0, metadata_broker_ref, fence_fields),
    KIND(UNFENCE_BROKER, "UNFENCE_BROKER_RECORD", 0, 0, metadata_broker_ref, fence_fields),
    KIND(REMOVE_TOPIC, "REMOVE_TOPIC_RECORD", 0, 0, metadata_remove_topic, remove_topic_fields),
    KIND(TOPIC_DELETION, "TOPIC_DELETION_RECORD", 0, 0, metadata_remove_topic, remove_topic_fields),
    KIND(FEATURE_LEVEL, "FEATURE_LEVEL_RECORD", 0, 0, metadata_feature_level, feature_level_fields),
    KIND(PRODUCER_IDS, "PRODUCER_IDS_RECORD", 0, 0, metadata_producer_ids, producer_ids_fields),
    KIND(BROKER_REGISTRATION_CHANGE, "BROKER_REGISTRATION_CHANGE_RECORD", 0, 3, metadata_broker_change, broker_change_fields),
    KIND(NO_OP, "NO_OP_RECORD", 0, 0, metadata_transaction, no_fields),
    KIND(BEGIN_TRANSACTION, "BEGIN_TRANSACTION_RECORD", 0, 0, metadata_transaction, transaction_fields),
    KIND(END_TRANSACTION, "END_TRANSACTION_RECORD", 0, 0, metadata_transaction, no_fields),
    KIND(ABORT_TRANSACTION, "ABORT_TRANSACTION_RECORD", 0, 0, metadata_transaction, abort_fields),
    KIND(REGISTER_CONTROLLER, "REGISTER_CONTROLLER_RECORD", 0, 0, metadata_register_controller, register_controller_fields),
};

static const struct kind *find_kind(uint32_t kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if ((uint32_t)kinds[i].kind == kind)
            return &kinds[i];
    return NULL;
}

const char *metadata_kind_name(enum metadata_kind kind)
{
    const struct kind *found = find_kind((uint32_t)kind);

    return found ? found->message.name : "UNKNOWN_RECORD";
}

/* All members of the union begin at one place, so any of them stands for all. */
const struct message *metadata_layout(uint32_t kind)
{
    const struct kind *found = find_kind(kind);

    return found ? &found->message : NULL;
}

static void *body(struct metadata_record *record)
{
    return &record->topic;
}

struct metadata_record metadata_record(enum metadata_kind kind)
{
    const struct kind *found = find_kind((uint32_t)kind);
    struct metadata_record record;

    memset(&record, 0, sizeof(record));
    assert(found);
    record.kind = kind;
    record.version = found->written;
    fields_preset(&found->message, body(&record));
    return record;
}

enum err metadata_decode(struct bytes value, struct arena *arena, struct metadata_record *out, struct reason *reason)
{
    struct reader reader = reader_of(value);
    uint32_t frame = reader_uvarint(&reader), key = reader_uvarint(&reader), version = reader_uvarint(&reader);
    const struct kind *kind = find_kind(key);

    memset(out, 0, sizeof(*out));
    if (reader.failed || frame != 1)
        return err_because(ERR_INVALID_RECORD, reason, "a metadata record without its frame");
    if (!kind || version > (uint32_t)kind->message.last)
        return err_because(ERR_UNSUPPORTED_VERSION, reason, "metadata record %u version %u is not known", key, version);
    out->kind = kind->kind;
    out->version = (int16_t)version;
    return fields_decode(&kind->message, out->version, &reader, arena, body(out), reason);
}

/* ---- batches ---- */

void metadata_batch_begin(struct metadata_batch *batch, int64_t base_offset, int32_t epoch, bool control)
{
    memset(batch, 0, sizeof(*batch));
    batch_builder_init(&batch->builder, CODEC_NONE);
    batch->builder.base_offset = batch->base_offset = base_offset;
    batch->builder.leader_epoch = epoch;
    if (control)
        batch->builder.attributes |= ATTRIBUTE_CONTROL;
}

void metadata_batch_add(struct metadata_batch *batch, const struct metadata_record *record, int64_t now_ms)
{
    const struct kind *kind = find_kind((uint32_t)record->kind);
    struct frame frame = { 0 };
    struct metadata_record copy = *record;
    enum err err;

    buffer_uvarint(&frame.bytes, 1);
    buffer_uvarint(&frame.bytes, (uint64_t)record->kind);
    buffer_uvarint(&frame.bytes, (uint64_t)record->version);
    err = fields_encode(&kind->message, record->version, body(&copy), &frame, NULL);
    assert(!err);
    (void)err;
    batch_builder_add(&batch->builder, now_ms, (struct bytes){ 0 }, buffer_bytes(&frame.bytes), NULL, 0);
    batch->count++;
    frame_done(&frame);
}

void metadata_batch_done(struct metadata_batch *batch)
{
    batch_builder_done(&batch->builder);
}

static enum err replay_batch(const struct batch *batch, int64_t from, metadata_fn *fn, void *context, struct reason *reason)
{
    struct record_iterator it;
    struct record record;
    struct arena arena;
    enum err err = ERR_OK;

    if (batch_control(batch))
        return ERR_OK;
    arena_init(&arena);
    records_begin(&it, batch);
    while (!err && records_next(&it, &record)) {
        struct metadata_record metadata;

        if (record.offset < from)
            continue;
        err = metadata_decode(record.value, &arena, &metadata, reason);
        if (err == ERR_UNSUPPORTED_VERSION)
            err = ERR_OK; /* of a newer release: nothing of it concerns us */
        else if (!err)
            err = fn(context, &metadata, record.offset, reason);
        arena_reset(&arena);
    }
    if (!err && it.err)
        err = err_because(it.err, reason, "%s", it.reason.text);
    records_done(&it);
    arena_done(&arena);
    return err;
}

enum err metadata_batch_replay(struct bytes bytes, metadata_fn *fn, void *context, struct reason *reason)
{
    struct batch batch;
    size_t need;
    enum err err = batch_decode(bytes, &batch, &need, reason);

    return err ? err : replay_batch(&batch, INT64_MIN, fn, context, reason);
}

/* ---- the log ---- */

enum err metadata_log_open(struct metadata_log *out, const struct log_env *env, const char *log_dir, const struct config_layers *layers,
                           bool clean, int64_t recovery_point, int64_t now_ms, struct reason *reason)
{
    struct log_open how;
    enum err err;
    char *dir = mem_printf("%s/__cluster_metadata-0", log_dir);

    out->env = *env;
    out->env.journal = NULL;   /* its life is no lesson: the topics' and leaders' entries say what happened */
    log_config_default(&out->config, layers->release);
    out->config.cleanup_delete = false;
    out->config.retention_ms = out->config.retention_bytes = -1;
    if (!release_is_27(layers->release))
        out->config.segment_bytes = (int32_t)config_long(layers, "metadata.log.segment.bytes");
    how = (struct log_open){
        .dir = dir, .topic = "__cluster_metadata", .partition = 0, .config = &out->config, .clean = clean,
        .recovery_point = recovery_point, .now_ms = now_ms,
    };
    how.topic_id.bytes[15] = 1; /* Kafka's reserved id of this topic */
    err = log_open(&out->log, &out->env, &how, reason);
    out->env.breathe = NULL;
    mem_free(dir);
    return err;
}

void metadata_log_close(struct metadata_log *log, int64_t now_ms)
{
    if (log->log)
        log_close(log->log, now_ms);
    log->log = NULL;
}

void metadata_log_drop(struct metadata_log *log)
{
    if (log->log)
        log_drop(log->log);
    log->log = NULL;
}

enum err metadata_log_append(struct metadata_log *log, struct bytes batch, int32_t epoch, int64_t now_ms, struct reason *reason)
{
    struct log_append append = {
        .records = batch, .origin = APPEND_REPLICATION, .leader_epoch = epoch, .produce_version = -1, .now_ms = now_ms,
    };
    struct log_appended appended;
    enum err err = log_append(log->log, &append, &appended, reason);

    if (!err && log->flushes)
        err = log_flush(log->log, reason);
    if (!err && !log->by_majority)
        log_set_high_watermark(log->log, log_end_offset(log->log));
    return err;
}

enum err metadata_log_replay(struct metadata_log *log, int64_t from, metadata_fn *fn, void *context, struct reason *reason)
{
    struct log_cursor cursor;
    struct batch batch;
    enum err err = ERR_OK;

    log_cursor_init(&cursor, log->log, from, false);
    while (!err && log_cursor_next(&cursor, &batch))
        err = replay_batch(&batch, from, fn, context, reason);
    log_cursor_done(&cursor);
    return err;
}
