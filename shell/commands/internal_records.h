/* The records of coordinators (__consumer_offsets, __transaction_state, __share_group_state) as the classes of both releases read and show them: what
 * kafka-dump-log's decoders and the console consumer's formatters share. What can't be read becomes the exception that is thrown there. */
#pragma once
#include "shell/tool_options.h"
#include "sim/sim.h"

struct internal_records {                /* internal_records_init(), internal_records_done() */
    bool for_terminal;                   /* what a record holds may not steer it */
    struct arena arena;                  /* what was decoded; whoever reads resets it */
    struct arena layouts;
    struct { const struct message *from, *to; } laid_out[64];
    size_t laid_out_count;
};
void internal_records_init(struct internal_records *records, const struct call *call);
void internal_records_done(struct internal_records *records);

/* A table to decode with, made once (fields_laid_out). */
const struct message *internal_layout(struct internal_records *records, const struct message *message);
/* The field of this name, which is there, and where it lies in what was decoded. */
const struct field *internal_field(const struct field *fields, const char *name);
const void *internal_value(const struct field *fields, const void *in, const char *name);

/* Foreign text as Java prints it: broken UTF-8 becomes U+FFFD; on a terminal nothing but text. */
void internal_text(const struct internal_records *records, struct text *out, struct bytes bytes);
/* As one JSON object, as Jackson writes it; on a terminal with more escapes. */
void internal_json(const struct internal_records *records, const struct message *message, int16_t version, const void *in, struct text *out);
void internal_json_text(const struct internal_records *records, const char *json, struct text *out); /* such text of ours */

/* ---- 4.3: CoordinatorRecordSerde ---- */
struct coordinator_record {
    int16_t type, version;
    const struct coordinator_layout *layout;
    const struct message *key_message, *value_message;
    const void *key, *value;             /* value NULL: a tombstone */
};
enum coordinator_reading { COORDINATOR_READ, COORDINATOR_UNKNOWN_TYPE, COORDINATOR_UNREADABLE };
/* UNKNOWN_TYPE: only out->type is known. UNREADABLE: *trouble tells. `key` is not null. */
enum coordinator_reading coordinator_record_read(struct internal_records *records, enum record_family family, struct bytes key, struct bytes value,
                                                 struct coordinator_record *out, struct trouble *trouble);

/* ---- 2.7: GroupMetadataManager and TransactionLog. False: *trouble tells. Neither key nor value is null. ---- */
bool old_schema_trouble(const struct message *message, int16_t version, struct bytes behind_version, const struct reason *reason, struct trouble *trouble);
struct bytes behind_version(struct bytes bytes);
bool old_group_key_read(struct internal_records *records, struct bytes bytes, struct group_key *out, struct trouble *trouble);
bool old_offset_value_read(struct internal_records *records, struct bytes bytes, struct offset_value *out, struct trouble *trouble);
/* *version may be NULL. */
bool old_group_value_read(struct internal_records *records, struct bytes bytes, struct group_value *out, int16_t *version, struct trouble *trouble);
bool old_transaction_key_read(struct internal_records *records, struct bytes bytes, const char **transactional_id, struct trouble *trouble);
struct old_transaction {
    int64_t producer_id, last_update_ms, start_ms;
    int32_t timeout_ms;
    int16_t producer_epoch;
    const char *state;                   /* "PrepareCommit" */
    struct old_transaction_partition { const char *topic; int32_t partition; } *partitions;
    size_t partition_count;              /* each once, as Scala's mutable set iterates; of state Empty none */
};
bool old_transaction_value_read(struct internal_records *records, struct bytes bytes, struct old_transaction *out, struct trouble *trouble);
/* Members as Scala's mutable map by member id iterates: indices, the caller's to free; those of one id one behind the other. */
size_t *old_members_order(const struct group_value *value);
