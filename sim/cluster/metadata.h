/* The controller's state as records: Kafka's metadata records, their bytes in `__cluster_metadata-0`, and the log they lie in.
 * Inside of cluster. Source: Kafka's metadata/common/metadata JSON files; MetadataRecordSerde (a frame version, the record's
 * key, its version, then its fields). */
#pragma once
#include "sim/base/fields.h"
#include "sim/cluster/cluster.h"
#include "sim/log/log.h"

enum metadata_kind { /* Kafka's apiKey of each record */
    METADATA_REGISTER_BROKER = 0,
    METADATA_UNREGISTER_BROKER = 1,
    METADATA_TOPIC = 2,
    METADATA_PARTITION = 3,
    METADATA_CONFIG = 4,
    METADATA_PARTITION_CHANGE = 5,
    METADATA_FENCE_BROKER = 7,
    METADATA_UNFENCE_BROKER = 8,
    METADATA_REMOVE_TOPIC = 9,
    METADATA_FEATURE_LEVEL = 12,
    METADATA_PRODUCER_IDS = 15,
    METADATA_BROKER_REGISTRATION_CHANGE = 17,
    METADATA_NO_OP = 20,
    METADATA_BEGIN_TRANSACTION = 23,
    METADATA_END_TRANSACTION = 24,
    METADATA_ABORT_TRANSACTION = 25,
    METADATA_REGISTER_CONTROLLER = 27,
    METADATA_TOPIC_DELETION = 1000, /* ours, of 2.7's controller: the node /admin/delete_topics/TOPIC in ZooKeeper */
};

struct metadata_endpoint { const char *name, *host; uint16_t port; int16_t security_protocol; };
struct metadata_feature { const char *name; int16_t min_supported_version, max_supported_version; };
struct metadata_register_broker {
    int32_t broker_id;
    bool is_migrating_zk_broker;
    struct uuid incarnation_id;
    int64_t broker_epoch;
    ARRAY_OF(struct metadata_endpoint) end_points;
    ARRAY_OF(struct metadata_feature) features;
    const char *rack;
    bool fenced, in_controlled_shutdown;
    ARRAY_OF(struct uuid) log_dirs;
    ARRAY_OF(struct uuid) cordoned_log_dirs;   /* null: none */
};
struct metadata_register_controller {
    int32_t controller_id;
    struct uuid incarnation_id;
    bool zk_migration_ready;
    ARRAY_OF(struct metadata_endpoint) end_points;
    ARRAY_OF(struct metadata_feature) features;
};
struct metadata_broker_ref { int32_t broker_id; int64_t broker_epoch; };
struct metadata_broker_change {
    int32_t broker_id;
    int64_t broker_epoch;
    int8_t fenced, in_controlled_shutdown;
    ARRAY_OF(struct uuid) log_dirs;
    ARRAY_OF(struct uuid) cordoned_log_dirs;   /* null: as it was */
};
struct metadata_topic { const char *name; struct uuid topic_id; };
struct metadata_partition {
    int32_t partition_id;
    struct uuid topic_id;
    ARRAY_OF(int32_t) replicas;
    ARRAY_OF(int32_t) isr;
    ARRAY_OF(int32_t) removing_replicas;
    ARRAY_OF(int32_t) adding_replicas;
    int32_t leader;
    int8_t leader_recovery_state;
    int32_t leader_epoch, partition_epoch;
    ARRAY_OF(struct uuid) directories;
    ARRAY_OF(int32_t) eligible_leader_replicas; /* null: none */
    ARRAY_OF(int32_t) last_known_elr;
};
struct metadata_partition_change {
    int32_t partition_id;
    struct uuid topic_id;
    ARRAY_OF(int32_t) isr;       /* null: as it was */
    int32_t leader;              /* -2: as it was */
    ARRAY_OF(int32_t) replicas;
    ARRAY_OF(int32_t) removing_replicas;
    ARRAY_OF(int32_t) adding_replicas;
    int8_t leader_recovery_state;/* -1: as it was */
    ARRAY_OF(struct uuid) directories;
    ARRAY_OF(int32_t) eligible_leader_replicas;
    ARRAY_OF(int32_t) last_known_elr;
};
struct metadata_config { int8_t resource_type; const char *resource_name, *name, *value; };
struct metadata_remove_topic { struct uuid topic_id; };
struct metadata_feature_level { const char *name; int16_t feature_level; };
struct metadata_producer_ids { int32_t broker_id; int64_t broker_epoch, next_producer_id; };
struct metadata_transaction { const char *name; };

struct metadata_record {
    enum metadata_kind kind;
    int16_t version;
    union {
        struct metadata_register_broker register_broker;
        struct metadata_register_controller register_controller;
        struct metadata_broker_ref broker_ref;        /* unregister, fence, unfence */
        struct metadata_broker_change broker_change;
        struct metadata_topic topic;
        struct metadata_partition partition;
        struct metadata_partition_change partition_change;
        struct metadata_config config;
        struct metadata_remove_topic remove_topic;    /* topic deletion too */
        struct metadata_feature_level feature_level;
        struct metadata_producer_ids producer_ids;
        struct metadata_transaction transaction;
    };
};
enum { METADATA_RESOURCE_TOPIC = 2, METADATA_RESOURCE_BROKER = 4, METADATA_RESOURCE_CLIENT_METRICS = 16, METADATA_RESOURCE_GROUP = 32 };

/* A record of this kind in the version that we write, with the presets. */
struct metadata_record metadata_record(enum metadata_kind kind);
/* The value of one record of the log. A kind we don't know gives ERR_UNSUPPORTED_VERSION. */
enum err metadata_decode(struct bytes value, struct arena *arena, struct metadata_record *out, struct reason *reason);
const char *metadata_kind_name(enum metadata_kind kind); /* "PARTITION_CHANGE_RECORD" */
const struct message *metadata_layout(uint32_t kind);    /* its fields, of the name above; NULL: a kind that we don't know */

/* ---- a batch under construction, then in the list of those that some broker has not seen yet ---- */
struct metadata_batch {
    struct batch_builder builder;
    int64_t base_offset;
    int32_t count;
};
void metadata_batch_begin(struct metadata_batch *batch, int64_t base_offset, int32_t epoch, bool control);
void metadata_batch_add(struct metadata_batch *batch, const struct metadata_record *record, int64_t now_ms);
void metadata_batch_done(struct metadata_batch *batch);

/* ---- the log ---- */
struct metadata_log {
    struct log *log;
    struct log_config config;
    struct log_env env;
    bool flushes;              /* a controller's own, after each append: what it decided must not be forgotten */
    bool by_majority;          /* a voter's: its high watermark is for the quorum to say */
};
enum err metadata_log_open(struct metadata_log *out, const struct log_env *env, const char *log_dir, const struct config_layers *layers,
                           bool clean, int64_t recovery_point, int64_t now_ms, struct reason *reason);
void metadata_log_close(struct metadata_log *log, int64_t now_ms);
void metadata_log_drop(struct metadata_log *log);
enum err metadata_log_append(struct metadata_log *log, struct bytes batch, int32_t epoch, int64_t now_ms, struct reason *reason);
/* All records from `from` on, in order; stops at the first error that `fn` gives. */
typedef enum err metadata_fn(void *context, const struct metadata_record *record, int64_t offset, struct reason *reason);
enum err metadata_log_replay(struct metadata_log *log, int64_t from, metadata_fn *fn, void *context, struct reason *reason);
/* The same for the bytes of one batch. */
enum err metadata_batch_replay(struct bytes batch, metadata_fn *fn, void *context, struct reason *reason);
