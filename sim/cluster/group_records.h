/* The records of __consumer_offsets: key and value of a committed offset and of a group's state, as OffsetCommitKey/Value and
 * GroupMetadataKey/Value of both releases have them. In front of each stands its version, an int16, which in a key tells what
 * it is. Types of keys that newer coordinators add (3 and up) are told apart and left alone. */
#pragma once
#include "sim/base/fields.h"

enum { KEY_OFFSET_OLD = 0, KEY_OFFSET = 1, KEY_GROUP = 2 };
struct group_key {
    int16_t type;
    const char *group, *topic;      /* topic and partition of an offset only */
    int32_t partition;
};
struct offset_value {
    int64_t offset;
    int32_t leader_epoch;           /* v3+; -1 */
    const char *metadata;
    int64_t commit_timestamp;
    int64_t expire_timestamp;       /* v1 only; -1 */
    struct uuid topic_id;           /* v4, tagged */
};
struct group_value_member {
    const char *member_id, *group_instance_id, *client_id, *client_host;
    int32_t rebalance_timeout, session_timeout;
    struct bytes subscription, assignment;
};
struct group_value {
    const char *protocol_type;
    int32_t generation;
    const char *protocol, *leader;  /* NULL: none */
    int64_t current_state_timestamp;
    ARRAY_OF(struct group_value_member) members;
};
extern const struct message offset_key_message, group_key_message, offset_value_message, group_value_message;

/* ERR_UNSUPPORTED_VERSION: a version we don't know. Text is in the arena, bytes are borrowed from `bytes`. */
enum err group_key_decode(struct bytes bytes, struct arena *arena, struct group_key *out, struct reason *reason);
enum err offset_value_decode(struct bytes bytes, struct arena *arena, struct offset_value *out, struct reason *reason);
enum err group_value_decode(struct bytes bytes, struct arena *arena, struct group_value *out, struct reason *reason);
/* Appended to `out`. An error: a text too long for its length field. */
enum err group_key_encode(const struct group_key *key, struct frame *out);
enum err offset_value_encode(const struct offset_value *value, int16_t version, struct frame *out);
enum err group_value_encode(const struct group_value *value, struct frame *out);   /* version 3: both releases */

/* ---- what consumers tell each other through their coordinator, as far as it is looked into ---- */
#define CONSUMER_PROTOCOL "consumer"
/* Does a subscription name `topic`? 1, 0; -1: its bytes make no sense. */
int consumer_subscribes(struct bytes subscription, const char *topic);
/* "students, homeworks" and "students-0, students-1", escaped; nothing for bytes that make no sense. */
void consumer_subscription_text(struct bytes subscription, struct text *out);
void consumer_assignment_text(struct bytes assignment, struct text *out);
bool consumer_assigned(struct bytes assignment, const char *topic, int32_t partition);
