/* ElectLeaders (43): elects leaders: the preferred one, or an unclean one. */
#pragma once
#include "sim/base/fields.h"

struct elect_leaders_request_topic {
    const char *topic;
    ARRAY_OF(int32_t) partitions;
};

/* topic_partitions null means all partitions. */
struct elect_leaders_request {
    int8_t election_type; /* 0 preferred, 1 unclean; from version 1 */
    ARRAY_OF(struct elect_leaders_request_topic) topic_partitions;
    int32_t timeout_ms;
};

extern const struct message elect_leaders_request_message;

struct elect_leaders_response_partition {
    int32_t partition_id;
    int16_t error_code;
    const char *error_message;
};

struct elect_leaders_response_topic {
    const char *topic;
    ARRAY_OF(struct elect_leaders_response_partition) partition_result;
};

struct elect_leaders_response {
    int32_t throttle_time_ms;
    int16_t error_code; /* from version 1 */
    ARRAY_OF(struct elect_leaders_response_topic) replica_election_results;
};

extern const struct message elect_leaders_response_message;
