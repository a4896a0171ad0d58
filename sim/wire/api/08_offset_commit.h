/* OffsetCommit (8): notes how far a group has read. */
#pragma once
#include "sim/base/fields.h"

struct offset_commit_request_partition {
    int32_t partition_index;
    int64_t committed_offset;
    int32_t committed_leader_epoch; /* from version 6 */
    int64_t commit_timestamp;       /* version 1 */
    const char *committed_metadata;
};

struct offset_commit_request_topic {
    const char *name;     /* to version 9 */
    struct uuid topic_id; /* from version 10 */
    ARRAY_OF(struct offset_commit_request_partition) partitions;
};

/* generation -1 with an empty member_id is a consumer that assigns itself its partitions. */
struct offset_commit_request {
    const char *group_id;
    int32_t generation_id_or_member_epoch; /* from version 1 */
    const char *member_id;                 /* from version 1 */
    const char *group_instance_id;         /* from version 7 */
    int64_t retention_time_ms;             /* versions 2 to 4 */
    ARRAY_OF(struct offset_commit_request_topic) topics;
};

extern const struct message offset_commit_request_message;

struct offset_commit_response_partition {
    int32_t partition_index;
    int16_t error_code;
};

struct offset_commit_response_topic {
    const char *name;     /* to version 9 */
    struct uuid topic_id; /* from version 10 */
    ARRAY_OF(struct offset_commit_response_partition) partitions;
};

struct offset_commit_response {
    int32_t throttle_time_ms; /* from version 3 */
    ARRAY_OF(struct offset_commit_response_topic) topics;
};

extern const struct message offset_commit_response_message;
