/* AlterReplicaLogDirs (34): moves replicas between the log dirs of a broker. */
#pragma once
#include "sim/base/fields.h"

struct alter_replica_log_dirs_request_topic {
    const char *name;
    ARRAY_OF(int32_t) partitions;
};

struct alter_replica_log_dirs_request_dir {
    const char *path;
    ARRAY_OF(struct alter_replica_log_dirs_request_topic) topics;
};

struct alter_replica_log_dirs_request {
    ARRAY_OF(struct alter_replica_log_dirs_request_dir) dirs;
};

extern const struct message alter_replica_log_dirs_request_message;

struct alter_replica_log_dirs_response_partition {
    int32_t partition_index;
    int16_t error_code;
};

struct alter_replica_log_dirs_response_topic {
    const char *topic_name;
    ARRAY_OF(struct alter_replica_log_dirs_response_partition) partitions;
};

struct alter_replica_log_dirs_response {
    int32_t throttle_time_ms;
    ARRAY_OF(struct alter_replica_log_dirs_response_topic) results;
};

extern const struct message alter_replica_log_dirs_response_message;
