/* OffsetFetch (9): how far a group has read. */
#pragma once
#include "sim/base/fields.h"

struct offset_fetch_request_topic {
    const char *name;
    ARRAY_OF(int32_t) partition_indexes;
};

struct offset_fetch_request_group_topic {
    const char *name;     /* to version 9 */
    struct uuid topic_id; /* from version 10 */
    ARRAY_OF(int32_t) partition_indexes;
};

struct offset_fetch_request_group {
    const char *group_id;
    const char *member_id; /* from version 9 */
    int32_t member_epoch;  /* from version 9 */
    ARRAY_OF(struct offset_fetch_request_group_topic) topics;
};

/* Up to version 7 one group, whose topics are at the top; from 8 any number of groups. */
struct offset_fetch_request {
    const char *group_id;                               /* to version 7 */
    ARRAY_OF(struct offset_fetch_request_topic) topics; /* to version 7 */
    ARRAY_OF(struct offset_fetch_request_group) groups; /* from version 8 */
    bool require_stable;                                /* from version 7 */
};

extern const struct message offset_fetch_request_message;

struct offset_fetch_response_partition {
    int32_t partition_index;
    int64_t committed_offset;
    int32_t committed_leader_epoch; /* from version 5 */
    const char *metadata;
    int16_t error_code;
};

struct offset_fetch_response_topic {
    const char *name;
    ARRAY_OF(struct offset_fetch_response_partition) partitions;
};

struct offset_fetch_response_group_topic_partition {
    int32_t partition_index;
    int64_t committed_offset;
    int32_t committed_leader_epoch;
    const char *metadata;
    int16_t error_code;
};

struct offset_fetch_response_group_topic {
    const char *name;     /* to version 9 */
    struct uuid topic_id; /* from version 10 */
    ARRAY_OF(struct offset_fetch_response_group_topic_partition) partitions;
};

struct offset_fetch_response_group {
    const char *group_id;
    ARRAY_OF(struct offset_fetch_response_group_topic) topics;
    int16_t error_code;
};

/* As in the request: topics and error_code for the one group of versions up to 7, groups from 8. */
struct offset_fetch_response {
    int32_t throttle_time_ms;                            /* from version 3 */
    ARRAY_OF(struct offset_fetch_response_topic) topics; /* to version 7 */
    int16_t error_code;                                  /* versions 2 to 7 */
    ARRAY_OF(struct offset_fetch_response_group) groups; /* from version 8 */
};

extern const struct message offset_fetch_response_message;
