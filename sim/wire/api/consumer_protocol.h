/* What consumers tell each other through JoinGroup and SyncGroup: the broker hands these bytes on unread. In front of
 * each stands its version, an int16. */
#pragma once
#include "sim/base/fields.h"

struct consumer_protocol_subscription_topic {
    const char *topic;
    ARRAY_OF(int32_t) partitions;
};

/* A member's wish, in JoinGroup. */
struct consumer_protocol_subscription {
    ARRAY_OF(const char *) topics;
    struct bytes user_data;
    ARRAY_OF(struct consumer_protocol_subscription_topic) owned_partitions; /* from version 1 */
    int32_t generation_id;                                                  /* from version 2 */
    const char *rack_id;                                                    /* from version 3 */
};

extern const struct message consumer_protocol_subscription_message;

struct consumer_protocol_assignment_topic {
    const char *topic;
    ARRAY_OF(int32_t) partitions;
};

/* What a member got, in SyncGroup. */
struct consumer_protocol_assignment {
    ARRAY_OF(struct consumer_protocol_assignment_topic) assigned_partitions;
    struct bytes user_data;
};

extern const struct message consumer_protocol_assignment_message;
