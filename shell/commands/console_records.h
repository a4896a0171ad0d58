/* Kafka's message formatters for the records of internal topics, one function a class. */
#pragma once
#include "shell/commands/internal_records.h"

/* Appends what the class prints of the record. False: *trouble is what it throws. Decoded in the records' arena. */
typedef bool write_record(struct call *call, struct internal_records *records, const struct consumer_record *record, struct text *out,
                          struct trouble *trouble);
/* 2.7: a line each, of what toString() says there. */
write_record console_old_offset, console_old_group, console_old_transaction;
/* 4.3: JSON one behind the other, and nothing of other types of records. */
write_record console_offset, console_group, console_share_group, console_transaction, console_share_state;
