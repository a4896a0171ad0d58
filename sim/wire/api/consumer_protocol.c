/* The bytes of subscriptions and assignments. */
#include "sim/wire/api/consumer_protocol.h"

static const struct field consumer_protocol_subscription_topic_fields[] = {
    FIELD(consumer_protocol_subscription_topic, topic, T_STRING, 1, NEWEST),
    FIELD_ARRAY(consumer_protocol_subscription_topic, partitions, T_INT32, 1, NEWEST),
    { 0 },
};

static const struct field consumer_protocol_subscription_fields[] = {
    FIELD_ARRAY(consumer_protocol_subscription, topics, T_STRING, 0, NEWEST),
    FIELD(consumer_protocol_subscription, user_data, T_BYTES, 0, NEWEST, .null_since = 0,
          .preset = PRESET_NULL),
    FIELD_STRUCTS(consumer_protocol_subscription, owned_partitions,
                  consumer_protocol_subscription_topic, 1, NEWEST),
    FIELD(consumer_protocol_subscription, generation_id, T_INT32, 2, NEWEST, .preset = -1),
    FIELD(consumer_protocol_subscription, rack_id, T_STRING, 3, NEWEST, .null_since = 3,
          .preset = PRESET_NULL),
    { 0 },
};

const struct message consumer_protocol_subscription_message = {
    .name = "ConsumerProtocolSubscription",
    .first = 0,
    .last = 3,
    .flexible_since = NEWEST,
    .fields = consumer_protocol_subscription_fields,
    .size = sizeof(struct consumer_protocol_subscription),
};

static const struct field consumer_protocol_assignment_topic_fields[] = {
    FIELD(consumer_protocol_assignment_topic, topic, T_STRING, 0, NEWEST),
    FIELD_ARRAY(consumer_protocol_assignment_topic, partitions, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field consumer_protocol_assignment_fields[] = {
    FIELD_STRUCTS(consumer_protocol_assignment, assigned_partitions,
                  consumer_protocol_assignment_topic, 0, NEWEST),
    FIELD(consumer_protocol_assignment, user_data, T_BYTES, 0, NEWEST, .null_since = 0,
          .preset = PRESET_NULL),
    { 0 },
};

const struct message consumer_protocol_assignment_message = {
    .name = "ConsumerProtocolAssignment",
    .first = 0,
    .last = 3,
    .flexible_since = NEWEST,
    .fields = consumer_protocol_assignment_fields,
    .size = sizeof(struct consumer_protocol_assignment),
};
