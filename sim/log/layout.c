/* Tables of what lies in a log's files. Source: the protocol guide's "Record Batch" and "Message sets"; Kafka's OffsetIndex, TimeIndex, AbortedTxn,
 * ProducerStateManager; KRaft's control records (KIP-595, KIP-630, KIP-853). */
#include "sim/log/layout.h"

#define LAYOUT(name_, first_, last_, flexible_, fields_, size_) \
    { .name = name_, .first = first_, .last = last_, .flexible_since = flexible_, .fields = fields_, .size = size_ }

static const struct field batch_header_fields[] = {
    FIELD(batch_header, base_offset, T_INT64, 0, NEWEST),
    FIELD(batch_header, batch_length, T_INT32, 0, NEWEST),
    FIELD(batch_header, partition_leader_epoch, T_INT32, 0, NEWEST),
    FIELD(batch_header, magic, T_INT8, 0, NEWEST),
    FIELD(batch_header, crc, T_UINT32, 0, NEWEST),
    FIELD(batch_header, attributes, T_INT16, 0, NEWEST),
    FIELD(batch_header, last_offset_delta, T_INT32, 0, NEWEST),
    FIELD(batch_header, base_timestamp, T_INT64, 0, NEWEST),
    FIELD(batch_header, max_timestamp, T_INT64, 0, NEWEST),
    FIELD(batch_header, producer_id, T_INT64, 0, NEWEST),
    FIELD(batch_header, producer_epoch, T_INT16, 0, NEWEST),
    FIELD(batch_header, base_sequence, T_INT32, 0, NEWEST),
    FIELD(batch_header, records_count, T_INT32, 0, NEWEST),
    { 0 },
};
const struct message batch_header_layout = LAYOUT("RecordBatch", 2, 2, NEWEST, batch_header_fields, sizeof(struct batch_header));

#define VARINT_BYTES(name_, ...) SHOWN(name_, T_BYTES, 0, NEWEST, .varint = true, ##__VA_ARGS__)
static const struct field header_fields[] = {
    SHOWN(key, T_STRING, 0, NEWEST, .varint = true),
    VARINT_BYTES(value, .null_since = 0),
    { 0 },
};
static const struct field record_fields[] = {
    SHOWN(length, T_VARINT, 0, NEWEST),
    SHOWN(attributes, T_INT8, 0, NEWEST),
    SHOWN(timestamp_delta, T_VARLONG, 0, NEWEST),
    SHOWN(offset_delta, T_VARINT, 0, NEWEST),
    VARINT_BYTES(key, .null_since = 0),
    VARINT_BYTES(value, .null_since = 0),
    SHOWN_STRUCTS(headers, header_fields, 0, NEWEST, .varint = true),
    { 0 },
};
const struct message record_layout = LAYOUT("Record", 2, 2, NEWEST, record_fields, 0);

static const struct field old_message_fields[] = {
    FIELD(old_message_fields, offset, T_INT64, 0, NEWEST),
    FIELD(old_message_fields, message_size, T_INT32, 0, NEWEST),
    FIELD(old_message_fields, crc, T_UINT32, 0, NEWEST),
    FIELD(old_message_fields, magic, T_INT8, 0, NEWEST),
    FIELD(old_message_fields, attributes, T_INT8, 0, NEWEST),
    FIELD(old_message_fields, timestamp, T_INT64, 1, NEWEST, .preset = -1),
    FIELD(old_message_fields, key, T_BYTES, 0, NEWEST, .null_since = 0),
    FIELD(old_message_fields, value, T_BYTES, 0, NEWEST, .null_since = 0),
    { 0 },
};
const struct message old_message_layout = LAYOUT("Message", 0, 1, NEWEST, old_message_fields, sizeof(struct old_message_fields));

/* ---- control records ---- */
static const struct field control_key_fields[] = { SHOWN(version, T_INT16, 0, NEWEST), SHOWN(type, T_INT16, 0, NEWEST), { 0 } };
const struct message control_key_layout = LAYOUT("ControlRecordKey", 0, 0, NEWEST, control_key_fields, 0);

static const struct field end_transaction_fields[] = { SHOWN(version, T_INT16, 0, NEWEST), SHOWN(coordinator_epoch, T_INT32, 0, NEWEST), { 0 } };
const struct message end_transaction_layout = LAYOUT("EndTxnMarker", 0, 0, NEWEST, end_transaction_fields, 0);

static const struct field leader_change_voter_fields[] = {
    SHOWN(voter_id, T_INT32, 0, NEWEST),
    SHOWN(voter_directory_id, T_UUID, 1, NEWEST),
    { 0 },
};
static const struct field leader_change_fields[] = {
    SHOWN(version, T_INT16, 0, NEWEST),
    SHOWN(leader_id, T_INT32, 0, NEWEST),
    SHOWN_STRUCTS(voters, leader_change_voter_fields, 0, NEWEST),
    SHOWN_STRUCTS(granting_voters, leader_change_voter_fields, 0, NEWEST),
    { 0 },
};
static const struct field snapshot_header_fields[] = {
    SHOWN(version, T_INT16, 0, NEWEST),
    SHOWN(last_contained_log_timestamp, T_INT64, 0, NEWEST),
    { 0 },
};
static const struct field snapshot_footer_fields[] = { SHOWN(version, T_INT16, 0, NEWEST), { 0 } };
static const struct field kraft_version_fields[] = {
    SHOWN(version, T_INT16, 0, NEWEST),
    SHOWN(k_raft_version, T_INT16, 0, NEWEST),
    { 0 },
};
static const struct field voters_endpoint_fields[] = {
    SHOWN(name, T_STRING, 0, NEWEST),
    SHOWN(host, T_STRING, 0, NEWEST),
    SHOWN(port, T_UINT16, 0, NEWEST),
    { 0 },
};
static const struct field supported_version_fields[] = {
    SHOWN(min_supported_version, T_INT16, 0, NEWEST),
    SHOWN(max_supported_version, T_INT16, 0, NEWEST),
    { 0 },
};
static const struct field voters_voter_fields[] = {
    SHOWN(voter_id, T_INT32, 0, NEWEST),
    SHOWN(voter_directory_id, T_UUID, 0, NEWEST),
    SHOWN_STRUCTS(endpoints, voters_endpoint_fields, 0, NEWEST),
    SHOWN_STRUCT(k_raft_version_feature, supported_version_fields, 0, NEWEST),
    { 0 },
};
static const struct field voters_fields[] = {
    SHOWN(version, T_INT16, 0, NEWEST),
    SHOWN_STRUCTS(voters, voters_voter_fields, 0, NEWEST),
    { 0 },
};
static const struct message controls[] = {
    [CONTROL_LEADER_CHANGE] = LAYOUT("LeaderChangeMessage", 0, 1, 0, leader_change_fields, 0),
    [CONTROL_SNAPSHOT_HEADER] = LAYOUT("SnapshotHeaderRecord", 0, 0, 0, snapshot_header_fields, 0),
    [CONTROL_SNAPSHOT_FOOTER] = LAYOUT("SnapshotFooterRecord", 0, 0, 0, snapshot_footer_fields, 0),
    [CONTROL_KRAFT_VERSION] = LAYOUT("KRaftVersionRecord", 0, 0, 0, kraft_version_fields, 0),
    [CONTROL_KRAFT_VOTERS] = LAYOUT("VotersRecord", 0, 0, 0, voters_fields, 0),
};

const struct message *control_layout(int16_t type)
{
    return type >= CONTROL_LEADER_CHANGE && type < CONTROL_TYPES ? &controls[type] : NULL;
}

/* ---- indexes ---- */
static const struct field offset_entry_fields[] = {
    FIELD(offset_entry, relative_offset, T_INT32, 0, NEWEST),
    FIELD(offset_entry, position, T_INT32, 0, NEWEST),
    { 0 },
};
const struct message offset_entry_layout = LAYOUT("OffsetPosition", 0, 0, NEWEST, offset_entry_fields, sizeof(struct offset_entry));

static const struct field time_entry_fields[] = {
    FIELD(time_entry, timestamp, T_INT64, 0, NEWEST),
    FIELD(time_entry, relative_offset, T_INT32, 0, NEWEST),
    { 0 },
};
const struct message time_entry_layout = LAYOUT("TimestampOffset", 0, 0, NEWEST, time_entry_fields, sizeof(struct time_entry));

static const struct field aborted_entry_fields[] = {
    FIELD(aborted_fields, version, T_INT16, 0, NEWEST),
    FIELD(aborted_fields, producer_id, T_INT64, 0, NEWEST),
    FIELD(aborted_fields, first_offset, T_INT64, 0, NEWEST),
    FIELD(aborted_fields, last_offset, T_INT64, 0, NEWEST),
    FIELD(aborted_fields, last_stable_offset, T_INT64, 0, NEWEST),
    { 0 },
};
const struct message aborted_entry_layout = LAYOUT("AbortedTxn", 0, 0, NEWEST, aborted_entry_fields, sizeof(struct aborted_fields));

/* ---- producers ---- */
static const struct field snapshot_producer_fields[] = {
    FIELD(snapshot_producer, producer_id, T_INT64, 0, NEWEST),
    FIELD(snapshot_producer, epoch, T_INT16, 0, NEWEST),
    FIELD(snapshot_producer, last_sequence, T_INT32, 0, NEWEST),
    FIELD(snapshot_producer, last_offset, T_INT64, 0, NEWEST),
    FIELD(snapshot_producer, offset_delta, T_INT32, 0, NEWEST),
    FIELD(snapshot_producer, timestamp, T_INT64, 0, NEWEST),
    FIELD(snapshot_producer, coordinator_epoch, T_INT32, 0, NEWEST),
    FIELD(snapshot_producer, current_txn_first_offset, T_INT64, 0, NEWEST),
    { 0 },
};
static const struct field producer_snapshot_fields[] = {
    FIELD(producer_snapshot, version, T_INT16, 0, NEWEST),
    FIELD(producer_snapshot, crc, T_UINT32, 0, NEWEST),
    FIELD_STRUCTS(producer_snapshot, producer_entries, snapshot_producer, 0, NEWEST),
    { 0 },
};
const struct message producer_snapshot_layout =
    LAYOUT("ProducerSnapshot", 1, 1, NEWEST, producer_snapshot_fields, sizeof(struct producer_snapshot));
