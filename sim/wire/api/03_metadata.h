/* Metadata (3): which brokers there are, and who leads which partition. */
#pragma once
#include "sim/base/fields.h"

/* Name or id; the other stays NULL or zero. */
struct metadata_request_topic {
    struct uuid topic_id; /* from version 10 */
    const char *name;
};

/* topics null asks for all; in version 0, which has no null, an empty array does. */
struct metadata_request {
    ARRAY_OF(struct metadata_request_topic) topics;
    bool allow_auto_topic_creation;             /* from version 4 */
    bool include_cluster_authorized_operations; /* versions 8 to 10 */
    bool include_topic_authorized_operations;   /* from version 8 */
};

extern const struct message metadata_request_message;

struct metadata_response_broker {
    int32_t node_id;
    const char *host;
    int32_t port;
    const char *rack; /* from version 1 */
};

struct metadata_response_partition {
    int16_t error_code;
    int32_t partition_index;
    int32_t leader_id;
    int32_t leader_epoch;               /* from version 7 */
    ARRAY_OF(int32_t) replica_nodes;
    ARRAY_OF(int32_t) isr_nodes;
    ARRAY_OF(int32_t) offline_replicas; /* from version 5 */
};

/* Asked for by an id that is unknown, it has no name. */
struct metadata_response_topic {
    int16_t error_code;
    const char *name;
    struct uuid topic_id;                /* from version 10 */
    bool is_internal;                    /* from version 1 */
    ARRAY_OF(struct metadata_response_partition) partitions;
    int32_t topic_authorized_operations; /* from version 8 */
};

struct metadata_response {
    int32_t throttle_time_ms;              /* from version 3 */
    ARRAY_OF(struct metadata_response_broker) brokers;
    const char *cluster_id;                /* from version 2 */
    int32_t controller_id;                 /* from version 1 */
    ARRAY_OF(struct metadata_response_topic) topics;
    int32_t cluster_authorized_operations; /* versions 8 to 10 */
    int16_t error_code;                    /* from version 13 */
};

extern const struct message metadata_response_message;
