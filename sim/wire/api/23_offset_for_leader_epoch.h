/* OffsetForLeaderEpoch (23): where a leader epoch ended in the log, so that a client or
 * follower can see that it was cut. */
#pragma once
#include "sim/base/fields.h"

struct offset_for_leader_epoch_request_partition {
    int32_t partition;
    int32_t current_leader_epoch; /* from version 2 */
    int32_t leader_epoch;
};

struct offset_for_leader_epoch_request_topic {
    const char *topic;
    ARRAY_OF(struct offset_for_leader_epoch_request_partition) partitions;
};

struct offset_for_leader_epoch_request {
    int32_t replica_id; /* from version 3 */
    ARRAY_OF(struct offset_for_leader_epoch_request_topic) topics;
};

extern const struct message offset_for_leader_epoch_request_message;

struct offset_for_leader_epoch_response_partition {
    int16_t error_code;
    int32_t partition;
    int32_t leader_epoch; /* from version 1 */
    int64_t end_offset;
};

struct offset_for_leader_epoch_response_topic {
    const char *topic;
    ARRAY_OF(struct offset_for_leader_epoch_response_partition) partitions;
};

struct offset_for_leader_epoch_response {
    int32_t throttle_time_ms; /* from version 2 */
    ARRAY_OF(struct offset_for_leader_epoch_response_topic) topics;
};

extern const struct message offset_for_leader_epoch_response_message;
