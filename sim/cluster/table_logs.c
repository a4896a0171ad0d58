/* The tables segments, batches, records, producers: what lies in the logs. Batches and records are read as the query goes on. */
#include <string.h>

#include "sim/base/rows.h"
#include "sim/cluster/cluster_internal.h"

/* The columns that all of these begin with. */
#define PLACE_COLUMNS                                                                     \
    { "topic", VALUE_TEXT, "" }, { "partition", VALUE_INT, "" }, { "broker", VALUE_INT, "whose copy" }
enum { TOPIC, PARTITION, BROKER, OWN };

/* Goes over the replicas that a query wants. */
struct walk {
    struct cluster *cluster;
    const struct constraint *constraints;
    size_t constraint_count;
    bool leaders_only;       /* unless the query asks for a broker */
    size_t broker, partition;
};

static struct partition *walk_next(struct walk *walk)
{
    struct cluster *cluster = walk->cluster;
    bool any_broker = !constraint_equal(walk->constraints, walk->constraint_count, BROKER);

    for (; walk->broker < cluster->broker_count; walk->broker++, walk->partition = 0) {
        struct broker *broker = cluster->brokers[walk->broker];

        if (!wants_int(walk->constraints, walk->constraint_count, BROKER, broker->id))
            continue;
        while (walk->partition < broker->partition_count) {
            struct partition *partition = broker->partitions[walk->partition++];

            if ((!walk->leaders_only || !any_broker || partition->leads) &&
                wants_text(walk->constraints, walk->constraint_count, TOPIC, partition->topic->name) &&
                wants_int(walk->constraints, walk->constraint_count, PARTITION, partition->number))
                return partition;
        }
    }
    return NULL;
}

static void put_place(struct rows *rows, struct value *row, const struct partition *partition)
{
    row[TOPIC] = rows_text(rows, partition->topic->name);
    row[PARTITION] = value_int(partition->number);
    row[BROKER] = value_int(partition->broker->id);
}

/* ---- segments ---- */

static const struct column segment_columns[] = {
    PLACE_COLUMNS,
    { "base_offset", VALUE_INT, "its name: offset of its first record" },
    { "next_offset", VALUE_INT, "base offset of the next one, or the log end" },
    { "state", VALUE_TEXT, "active, closed or deleted" },
    { "size_bytes", VALUE_INT, "of the .log file" },
    { "index_bytes", VALUE_INT, "of the .index file" },
    { "time_index_bytes", VALUE_INT, "of the .timeindex file" },
    { "first_timestamp_ms", VALUE_INT, "of its first batch" },
    { "newest_ms", VALUE_INT, "largest timestamp; what retention.ms looks at" },
    { "mtime_ms", VALUE_INT, "last change of the .log file" },
    { "created_ms", VALUE_INT, "" },
    { "expires_at_ms", VALUE_INT, "first moment at which retention.ms takes it" },
    { "deleted_at_ms", VALUE_INT, "when it was renamed to .deleted" },
    { "unlink_at_ms", VALUE_INT, "when its files leave the disk" },
    { 0 },
};
static const struct table segment_table;

static void *segments_open(void *context, const struct constraint *constraints, size_t count)
{
    static const char *const states[] = { "active", "closed", "deleted" };
    struct walk walk = { .cluster = context, .constraints = constraints, .constraint_count = count };
    struct rows *rows = rows_new(&segment_table);
    struct partition *partition;

    while ((partition = walk_next(&walk))) {
        for (size_t i = 0; i < log_segment_count(partition->log); i++) {
            struct value *row = rows_add(rows);
            struct segment_info info;

            log_segment_get(partition->log, i, &info);
            put_place(rows, row, partition);
            row[OWN] = value_int(info.base_offset);
            row[OWN + 1] = value_int(info.next_offset);
            row[OWN + 2] = value_text(states[info.state]);
            row[OWN + 3] = value_int(info.size_bytes);
            row[OWN + 4] = value_int(info.index_bytes);
            row[OWN + 5] = value_int(info.time_index_bytes);
            row[OWN + 6] = value_known(info.first_timestamp_ms);
            row[OWN + 7] = value_known(info.newest_ms);
            row[OWN + 8] = value_known(info.mtime_ms);
            row[OWN + 9] = value_known(info.created_ms);
            row[OWN + 10] = value_known(info.expires_at_ms);
            if (info.state == SEGMENT_DELETED) {
                row[OWN + 11] = value_known(info.deleted_at_ms);
                row[OWN + 12] = value_known(info.unlink_at_ms);
            }
        }
    }
    return rows;
}
static const struct table segment_table = { "segments", "the segments of every replica, with those that wait to be unlinked", segment_columns,
                                            segments_open, rows_next, rows_get, rows_close };

/* ---- leader epochs ---- */

static const struct column epoch_columns[] = {
    PLACE_COLUMNS,
    { "leader_epoch", VALUE_INT, "" },
    { "start_offset", VALUE_INT, "where it began: its leader's log end when it became leader" },
    { "end_offset", VALUE_INT, "where the next one began, or the log ends" },
    { 0 },
};
static const struct table epoch_table;

static void *epochs_open(void *context, const struct constraint *constraints, size_t count)
{
    struct walk walk = { .cluster = context, .constraints = constraints, .constraint_count = count };
    struct rows *rows = rows_new(&epoch_table);
    struct partition *partition;

    while ((partition = walk_next(&walk)))
        for (size_t i = 0; i < log_epoch_count(partition->log); i++) {
            struct value *row = rows_add(rows);
            int64_t start, end = log_end_offset(partition->log);
            int32_t epoch, next;

            log_epoch_get(partition->log, i, &epoch, &start);
            if (i + 1 < log_epoch_count(partition->log))
                log_epoch_get(partition->log, i + 1, &next, &end);
            put_place(rows, row, partition);
            row[OWN] = value_int(epoch);
            row[OWN + 1] = value_int(start);
            row[OWN + 2] = value_int(end);
        }
    return rows;
}
static const struct table epoch_table = { "epochs", "the leader epochs that each replica knows (leader-epoch-checkpoint)", epoch_columns, epochs_open, rows_next, rows_get,
                                          rows_close };

/* ---- producers ---- */

static const struct column producer_columns[] = {
    PLACE_COLUMNS,
    { "producer_id", VALUE_INT, "" },
    { "producer_epoch", VALUE_INT, "" },
    { "last_sequence", VALUE_INT, "sequence of its last record" },
    { "last_offset", VALUE_INT, "where that lies" },
    { "last_timestamp_ms", VALUE_INT, "of its last batch" },
    { "transaction_start_offset", VALUE_INT, "of its open transaction" },
    { "coordinator_epoch", VALUE_INT, "" },
    { 0 },
};
static const struct table producer_table;
enum { MOST_PRODUCERS = 4096 };

static void *producers_open(void *context, const struct constraint *constraints, size_t count)
{
    struct walk walk = { .cluster = context, .constraints = constraints, .constraint_count = count, .leaders_only = true };
    struct rows *rows = rows_new(&producer_table);
    struct producer_info *infos = mem_zero_array(MOST_PRODUCERS, sizeof(*infos));
    struct partition *partition;

    while ((partition = walk_next(&walk))) {
        size_t found = log_producers(partition->log, infos, MOST_PRODUCERS);

        for (size_t i = 0; i < found && i < MOST_PRODUCERS; i++) {
            struct value *row = rows_add(rows);

            put_place(rows, row, partition);
            row[OWN] = value_int(infos[i].producer_id);
            row[OWN + 1] = value_int(infos[i].producer_epoch);
            row[OWN + 2] = value_int(infos[i].last_sequence);
            row[OWN + 3] = value_int(infos[i].last_offset);
            row[OWN + 4] = value_known(infos[i].last_timestamp_ms);
            row[OWN + 5] = value_known(infos[i].transaction_start_offset);
            row[OWN + 6] = value_int(infos[i].coordinator_epoch);
        }
    }
    mem_free(infos);
    return rows;
}
static const struct table producer_table = { "producers", "producers with an id that a partition remembers (the leader's view)", producer_columns,
                                             producers_open, rows_next, rows_get, rows_close };

/* ---- batches and records ---- */

struct scan {
    struct walk walk;
    struct constraint *constraints;    /* copies: the query's own live only while it opens */
    struct partition *partition;
    struct log_cursor cursor;
    struct batch batch;
    bool in_log, in_batch, with_records;
    struct record_iterator iterator;
    struct record record;
    int64_t from, upto;                /* offsets that the query asks for */
    struct buffer text;                /* of the value given last, with its NUL */
};

/* An offset's bounds, so that a look at one record doesn't read all of them. */
static void scan_bounds(struct scan *scan, int column)
{
    scan->from = 0;
    scan->upto = INT64_MAX;
    for (size_t i = 0; i < scan->walk.constraint_count; i++) {
        const struct constraint *constraint = &scan->constraints[i];
        int64_t value = constraint->value.integer;

        if (constraint->column != column || constraint->value.type != VALUE_INT)
            continue;
        if ((constraint->op == CONSTRAINT_EQ || constraint->op == CONSTRAINT_GE || constraint->op == CONSTRAINT_GT) && value > scan->from)
            scan->from = value;
        if ((constraint->op == CONSTRAINT_EQ || constraint->op == CONSTRAINT_LE || constraint->op == CONSTRAINT_LT) && value < scan->upto)
            scan->upto = value;
    }
}

static void *scan_open(struct cluster *cluster, const struct constraint *constraints, size_t count, bool with_records)
{
    struct scan *scan = mem_zero(sizeof(*scan));

    scan->constraints = mem_copy(constraints, count * sizeof(*constraints));
    for (size_t i = 0; i < count; i++)
        if (scan->constraints[i].value.type == VALUE_TEXT)
            scan->constraints[i].value.text = mem_text_size(constraints[i].value.text, constraints[i].value.size);
    scan->walk = (struct walk){ .cluster = cluster, .constraints = scan->constraints, .constraint_count = count, .leaders_only = true };
    scan->with_records = with_records;
    scan_bounds(scan, OWN);
    return scan;
}

static void scan_close(void *cursor)
{
    struct scan *scan = cursor;

    if (scan->in_batch)
        records_done(&scan->iterator);
    if (scan->in_log)
        log_cursor_done(&scan->cursor);
    for (size_t i = 0; i < scan->walk.constraint_count; i++)
        if (scan->constraints[i].value.type == VALUE_TEXT)
            mem_free((char *)scan->constraints[i].value.text);
    mem_free(scan->constraints);
    buffer_done(&scan->text);
    mem_free(scan);
}

/* A reader of the log may not begin below its start: what is there was deleted. */
static int64_t scan_start(const struct scan *scan)
{
    int64_t start = log_start_offset(scan->partition->log);

    return scan->from > start ? scan->from : start;
}

static bool scan_next_batch(struct scan *scan)
{
    for (;;) {
        if (scan->in_log) {
            if (log_cursor_next(&scan->cursor, &scan->batch) && scan->batch.base_offset <= scan->upto)
                return true;
            log_cursor_done(&scan->cursor);
            scan->in_log = false;
        }
        scan->partition = walk_next(&scan->walk);
        if (!scan->partition)
            return false;
        log_cursor_init(&scan->cursor, scan->partition->log, scan_start(scan), false);
        scan->in_log = true;
    }
}

static bool scan_next_record(void *cursor)
{
    struct scan *scan = cursor;

    for (;;) {
        if (scan->in_batch) {
            while (records_next(&scan->iterator, &scan->record))
                if (scan->record.offset >= scan_start(scan))
                    return true;
            records_done(&scan->iterator);
            scan->in_batch = false;
        }
        if (!scan_next_batch(scan))
            return false;
        if (batch_control(&scan->batch))
            continue;
        records_begin(&scan->iterator, &scan->batch);
        scan->in_batch = true;
    }
}

static struct value scan_place(const struct scan *scan, int column)
{
    if (column == TOPIC)
        return value_text(scan->partition->topic->name);
    return value_int(column == PARTITION ? scan->partition->number : scan->partition->broker->id);
}

static const struct column batch_columns[] = {
    PLACE_COLUMNS,
    { "base_offset", VALUE_INT, "offset of its first record" },
    { "last_offset", VALUE_INT, "offset of its last record" },
    { "records", VALUE_INT, "how many" },
    { "size_bytes", VALUE_INT, "whole" },
    { "segment", VALUE_INT, "base offset of the segment where it lies" },
    { "position_bytes", VALUE_INT, "where in that file" },
    { "base_timestamp_ms", VALUE_INT, "" },
    { "max_timestamp_ms", VALUE_INT, "" },
    { "timestamp_type", VALUE_TEXT, "CreateTime or LogAppendTime" },
    { "codec", VALUE_TEXT, "none, gzip, snappy, lz4, zstd" },
    { "leader_epoch", VALUE_INT, "of the leader that wrote it" },
    { "producer_id", VALUE_INT, "null: not idempotent" },
    { "producer_epoch", VALUE_INT, "" },
    { "base_sequence", VALUE_INT, "" },
    { "transactional", VALUE_INT, "" },
    { "control", VALUE_INT, "1: a marker that ends a transaction" },
    { "magic", VALUE_INT, "version of the format" },
    { "crc", VALUE_INT, "" },
    { 0 },
};

static void *batches_open(void *context, const struct constraint *constraints, size_t count)
{
    return scan_open(context, constraints, count, false);
}

static bool batches_next(void *cursor)
{
    return scan_next_batch(cursor);
}

static struct value batches_get(void *cursor, int column)
{
    const struct scan *scan = cursor;
    const struct batch *batch = &scan->batch;

    switch (column - OWN) {
    case 0: return value_int(batch->base_offset);
    case 1: return value_int(batch->last_offset);
    case 2: return value_int(batch->record_count);
    case 3: return value_int(batch->size_bytes);
    case 4: return value_int(scan->cursor.segment_base);
    case 5: return value_int(scan->cursor.position);
    case 6: return value_known(batch->base_timestamp_ms);
    case 7: return value_known(batch->max_timestamp_ms);
    case 8: return value_text(batch_log_append_time(batch) ? "LogAppendTime" : "CreateTime");
    case 9: return value_text(codec_name(batch_codec(batch)));
    case 10: return value_int(batch->leader_epoch);
    case 11: return value_known(batch->producer_id);
    case 12: return batch->producer_id < 0 ? value_null() : value_int(batch->producer_epoch);
    case 13: return batch->base_sequence < 0 ? value_null() : value_int(batch->base_sequence);
    case 14: return value_int(batch_transactional(batch));
    case 15: return value_int(batch_control(batch));
    case 16: return value_int(batch->magic);
    case 17: return value_int(batch->crc);
    default: return scan_place(scan, column);
    }
}
static const struct table batch_table = { "batches", "record batches, of the leader unless a broker is asked for", batch_columns, batches_open,
                                          batches_next, batches_get, scan_close };

static const struct column record_columns[] = {
    PLACE_COLUMNS,
    { "offset", VALUE_INT, "" },
    { "timestamp_ms", VALUE_INT, "null: it has none" },
    { "key", VALUE_TEXT, "text, or a blob where it is none" },
    { "value", VALUE_TEXT, "text, or a blob where it is none" },
    { "headers", VALUE_INT, "how many" },
    { "size_bytes", VALUE_INT, "within its batch, uncompressed" },
    { "batch", VALUE_INT, "base offset of its batch" },
    { 0 },
};

static void *records_open(void *context, const struct constraint *constraints, size_t count)
{
    return scan_open(context, constraints, count, true);
}

/* Valid UTF-8 without control characters but tab and newlines. */
static bool is_text(struct bytes bytes)
{
    size_t i = 0;

    while (i < bytes.size) {
        uint8_t c = bytes.data[i];
        size_t more = c < 0x80 ? 0 : (c & 0xe0) == 0xc0 ? 1 : (c & 0xf0) == 0xe0 ? 2 : (c & 0xf8) == 0xf0 ? 3 : 9;

        if (more == 9 || i + more >= bytes.size + (more == 0) || c == 0)
            return false;
        for (size_t k = 1; k <= more; k++)
            if ((bytes.data[i + k] & 0xc0) != 0x80)
                return false;
        i += more + 1;
    }
    return true;
}

static struct value bytes_value(struct scan *scan, struct bytes bytes)
{
    struct value value;

    if (!bytes.data)
        return value_null();
    buffer_clear(&scan->text);
    buffer_put(&scan->text, bytes.data, bytes.size);
    buffer_i8(&scan->text, 0);
    value = value_blob(scan->text.data, bytes.size);
    if (is_text(bytes))
        value.type = VALUE_TEXT;
    return value;
}

static struct value records_get(void *cursor, int column)
{
    struct scan *scan = cursor;
    const struct record *record = &scan->record;

    switch (column - OWN) {
    case 0: return value_int(record->offset);
    case 1: return value_known(record->timestamp_ms);
    case 2: return bytes_value(scan, record->key);
    case 3: return bytes_value(scan, record->value);
    case 4: return value_int(record->header_count);
    case 5: return value_int(record->size_bytes);
    case 6: return value_int(scan->batch.base_offset);
    default: return scan_place(scan, column);
    }
}
static const struct table record_table = { "records", "records, of the leader unless a broker is asked for", record_columns, records_open,
                                           scan_next_record, records_get, scan_close };

void cluster_register_log_tables(struct cluster *cluster, struct tables *tables)
{
    tables_add(tables, &segment_table, cluster);
    tables_add(tables, &batch_table, cluster);
    tables_add(tables, &record_table, cluster);
    tables_add(tables, &producer_table, cluster);
    tables_add(tables, &epoch_table, cluster);
}
