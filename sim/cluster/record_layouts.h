/* The records of internal topics as tables of fields, all types that both releases know: for kafka-dump-log's decoders and annotated hexdumps.
 * What this program itself writes is described by its codec's own tables (group_records.h, metadata.h), the rest only here. */
#pragma once
#include "sim/base/fields.h"
#include "sim/cluster/group_records.h"

enum record_family {
    RECORDS_PLAIN,          /* of a user's topic: bytes */
    RECORDS_GROUP,          /* __consumer_offsets */
    RECORDS_TRANSACTION,    /* __transaction_state */
    RECORDS_SHARE_STATE,    /* __share_group_state */
    RECORDS_METADATA,       /* __cluster_metadata: no key; frame version, type, version before the value */
    RECORDS_REMOTE_LOG,     /* __remote_log_metadata: the same frame before the value; the key says nothing */
};
enum record_family record_family_of(const char *topic);

/* An int16 stands before the key (the record's type) and one before the value (its version). NULL: a type that nobody knows. The key's own
 * version is 0, of an offset's key the type itself. */
struct coordinator_layout {
    int16_t type;
    const struct message *key, *value;
};
const struct coordinator_layout *coordinator_layout(enum record_family family, int16_t type);
/* Of RECORDS_METADATA and RECORDS_REMOTE_LOG. *name: "TOPIC_RECORD"; may be NULL. */
const struct message *framed_layout(enum record_family family, uint32_t type, const char **name);

/* What consumers of the classic protocol tell each other, behind an int16 version: inside of a group's value. */
extern const struct message consumer_subscription_layout, consumer_assignment_layout;
