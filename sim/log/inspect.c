/* An x-ray of one partition: its folder as it lies there, and what a start of the broker would do with it. */
#include "sim/log/inspect.h"

#include "sim/log/log_internal.h"

enum { MOST_PRODUCER_BYTES = 64 * 1024 * 1024 };

struct inspected {
    bool clean, producers_known;
    int64_t file_bytes;       /* of the newest .log; what is behind the last whole batch is no part of the log */
    const char *tail_rule;    /* what stands there; NULL: nothing */
    bool preallocated;        /* or it is room that nobody used yet */
    size_t deleted_files, cleaned_files, swap_files, missing_indexes;
};

int64_t log_inspect_active(const struct log *log)
{
    return log_active(log)->base_offset;
}

void inspected_free(struct inspected *inspected)
{
    mem_free(inspected);
}

enum err log_refuse_change(const struct log *log, struct reason *reason)
{
    return err_because(ERR_POLICY_VIOLATION, reason, "%s-%d is only looked at (--inspect): nothing can be changed", log->topic, log->partition);
}

/* ---- the newest segment's end ---- */

static bool all_zero(const struct segment *segment, int64_t from, int64_t to)
{
    uint8_t piece[4096];
    size_t got;

    if (to - from > (int64_t)sizeof(piece))
        to = from + (int64_t)sizeof(piece);
    if (file_read_some(segment->log, piece, (size_t)(to - from), from, &got, NULL))
        return false;
    for (size_t i = 0; i < got; i++)
        if (piece[i])
            return false;
    return true;
}

/* Why what lies at the end of the scan is no batch. */
static const char *rule_of_tail(const struct segment *segment, const struct scan *scan)
{
    uint8_t head[BATCH_HEADER];
    struct batch batch;
    size_t got;

    if (all_zero(segment, scan->position, segment->size_bytes))
        return "zeros";
    if (file_read_some(segment->log, head, sizeof(head), scan->position, &got, NULL) || got < 17)
        return "half a batch";
    if (get_i32(head + 8) > 0 && scan->position + 12 + get_i32(head + 8) > segment->size_bytes)
        return "half a batch";
    return batch_decode_header((struct bytes){ head, got }, &batch, NULL) ? "no batch" : "offsets go back";
}

/* Walks the batches from the last index entry on, or all where there is no index that fits. */
static void find_end(struct log *log)
{
    struct segment *active = log_active(log);
    int64_t end = active->base_offset, newest = -1, newest_offset = -1;
    struct inspected *found = log->inspected;
    struct scan scan;
    struct batch batch;

    segment_seek(log, active, INT64_MAX, &scan);
    while (scan_next(&scan, &batch)) {
        end = batch.last_offset + 1;
        if (batch.max_timestamp_ms > newest) {
            newest = batch.max_timestamp_ms;
            newest_offset = batch.last_offset;
        }
    }
    found->file_bytes = active->size_bytes;
    if (scan.position < active->size_bytes)
        found->tail_rule = rule_of_tail(active, &scan);
    if (text_equal(found->tail_rule, "zeros") && log->config->preallocate && active->size_bytes == log->config->segment_bytes) {
        found->tail_rule = NULL;
        found->preallocated = true;
    }
    active->size_bytes = scan.position;
    log->end_offset = end;
    segment_max_timestamp(log, active);
    if (newest > active->max_timestamp_ms) { /* the time index is behind what was appended */
        active->max_timestamp_ms = newest;
        active->max_timestamp_offset = newest_offset;
    }
    active->max_known = true;
}

int64_t log_look_newest(const struct segment *segment, int64_t *offset)
{
    struct scan scan;
    struct batch batch;
    int64_t newest = -1;

    *offset = -1;
    scan_begin(&scan, segment, 0);
    while (scan_next(&scan, &batch)) {
        if (batch.max_timestamp_ms > newest) {
            newest = batch.max_timestamp_ms;
            *offset = batch.last_offset;
        }
    }
    return newest;
}

/* ---- the folder ---- */

static enum err take_deleted(struct log *log, int64_t offset, struct reason *reason)
{
    struct segment *segment;
    struct file_stat stat;
    size_t ignored = 0;
    enum err err = segment_inspect(log, offset, ".deleted", &segment, &ignored, reason);

    if (err)
        return err;
    if (!fs_stat(log->env->fs, file_path(segment->log), &stat) && stat.ctime_us >= 0) { /* a rename is the last thing that befell it */
        segment->deleted_at_ms = stat.ctime_us / 1000;
        segment->unlink_at_ms = segment->deleted_at_ms + log->config->file_delete_delay_ms;
    }
    ARRAY_ADD(log->deleted, log->deleted_count, log->deleted_capacity) = segment;
    return ERR_OK;
}

static const char *file_path_of(const struct log *log, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", log->dir, name);
    return path;
}

/* Names come sorted, so segments do. One that went while we looked is none. */
static enum err take_file(struct log *log, const char *name, struct reason *reason)
{
    struct inspected *found = log->inspected;
    const char *suffix;
    int64_t offset;
    struct segment *segment;
    char path[4096];
    enum err err;

    if (!log_parse_name(name, &offset, &suffix))
        return ERR_OK;
    found->deleted_files += text_ends(suffix, ".deleted");
    found->cleaned_files += text_ends(suffix, ".cleaned");
    found->swap_files += text_ends(suffix, ".swap");
    if (text_equal(suffix, ".log.deleted")) {
        take_deleted(log, offset, NULL);
        return ERR_OK;
    }
    if (!text_equal(suffix, ".log"))
        return ERR_OK;
    err = segment_inspect(log, offset, "", &segment, &found->missing_indexes, reason);
    if (!err)
        log_add_segment(log, segment);
    else if (!fs_exists(log->env->fs, file_path_of(log, name, path, sizeof(path))))
        err = ERR_OK;
    return err;
}

/* Each reached to the one that begins after it, deleted or not, as far as the folder tells. */
static void end_deleted(struct log *log)
{
    for (size_t i = 0; i < log->deleted_count; i++) {
        struct segment *segment = log->deleted[i];
        int64_t next = INT64_MAX;

        for (size_t k = i + 1; k < log->deleted_count && next == INT64_MAX; k++)
            if (log->deleted[k]->base_offset > segment->base_offset)
                next = log->deleted[k]->base_offset;
        for (size_t k = 0; k < log->segment_count; k++)
            if (log->segments[k]->base_offset > segment->base_offset && log->segments[k]->base_offset < next)
                next = log->segments[k]->base_offset;
        segment->deleted_next_offset = next == INT64_MAX ? segment->base_offset : next;
    }
}

static enum err look(struct log *log, const struct log_open *how, struct reason *reason)
{
    struct fs_names names;
    int64_t file_bytes;
    enum err err = fs_list(log->env->fs, log->dir, &names, reason);

    if (err)
        return err;
    for (size_t i = 0; i < names.count && !err; i++)
        err = take_file(log, names.names[i], reason);
    fs_names_free(&names);
    if (err)
        return err;
    if (!log->segment_count)
        return err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s has no segment (no .log file): a start would begin it at offset %lld", log->dir,
                           (long long)how->log_start_offset);
    end_deleted(log);
    if (!log->epochs.off && epochs_open(&log->epochs, log->env->fs, log->dir, NULL))
        log->epochs.count = 0; /* damaged: a start reads it from the batches */
    file_bytes = log_active(log)->size_bytes;
    find_end(log);
    log->size_bytes -= file_bytes - log_active(log)->size_bytes;
    log->start_offset = how->log_start_offset > log->segments[0]->base_offset ? how->log_start_offset : log->segments[0]->base_offset;
    if (log->start_offset > log->end_offset)
        log->start_offset = log->end_offset;
    log->recovery_point = how->recovery_point;
    log_set_high_watermark(log, how->high_watermark);
    return ERR_OK;
}

enum err log_inspect(struct log **out, const struct log_env *env, const struct log_open *how, struct reason *reason)
{
    struct log *log = log_new(env, how);
    enum err err;

    *out = NULL;
    log->inspected = mem_zero(sizeof(*log->inspected));
    log->inspected->clean = how->clean;
    log->epochs.off = how->config->magic < 2;
    producers_init(&log->producers, env->fs, log->dir, env->release);
    log->producers.looking = true;
    err = look(log, how, reason);
    if (err)
        log_drop(log);
    else
        *out = log;
    return err;
}

int64_t log_inspect_tail(struct log *log, int64_t bytes)
{
    for (size_t i = log->segment_count; i-- > 0;) {
        struct segment *segment = log->segments[i];
        const struct index *index = &segment->offsets;

        if (segment->size_bytes <= bytes) {
            bytes -= segment->size_bytes;
            continue;
        }
        if (!index->file || segment_load_offsets(log, segment, NULL))
            return segment_next_offset(log, i);
        for (uint32_t k = index->count; k-- > 0;) /* newest first: the last that is still within */
            if ((int64_t)get_u32(index->entries + (size_t)k * OFFSET_ENTRY + 4) < segment->size_bytes - bytes)
                return k + 1 < index->count ? segment->base_offset + get_i32(index->entries + (size_t)(k + 1) * OFFSET_ENTRY) : segment_next_offset(log, i);
        return segment->base_offset;
    }
    return log->start_offset;
}

/* ---- producers ---- */

/* Bytes from an offset to the end. */
static int64_t bytes_since(struct log *log, int64_t offset)
{
    size_t i = log_segment_of(log, offset);
    int64_t bytes = 0;

    for (i = i == log->segment_count ? 0 : i; i < log->segment_count; i++) {
        struct segment *segment = log->segments[i];

        struct scan scan;

        segment_seek(log, segment, offset, &scan);
        bytes += segment->size_bytes - (segment->base_offset <= offset ? scan.position : 0);
    }
    return bytes;
}

void log_know_producers(const struct log *log)
{
    struct log *own = (struct log *)log; /* only what is remembered changes */
    struct producers *producers = &own->producers;
    int64_t now_ms = segment_mtime(own, log_active(log)), snapshot = log->start_offset, high_watermark = log->high_watermark;

    if (!log->inspected || log->inspected->producers_known)
        return;
    own->inspected->producers_known = true;
    if (producers_list_snapshots(producers, NULL))
        return;
    for (size_t i = 0; i < producers->snapshot_count; i++)
        if (producers->snapshots[i] <= log->end_offset && producers->snapshots[i] > snapshot)
            snapshot = producers->snapshots[i];
    if (bytes_since(own, snapshot) <= MOST_PRODUCER_BYTES)
        log_rebuild_producers(own, producers, log->start_offset, log->end_offset, false, now_ms, NULL);
    else
        producers_reload(producers, log->start_offset, log->end_offset, now_ms, log->config->producer_id_expiration_ms, NULL);
    if (producers->ended_count)
        producers_committed(producers, high_watermark);
}

/* ---- what a start would do ---- */

struct start_check {
    struct log *log;
    struct start_decision decision;
    size_t at;                    /* segment being read */
    int64_t end;                  /* offset after its last batch so far */
    bool begun;
    struct scan scan;
    struct buffer buffer;
};

static int64_t bytes_of_file(const struct log *log, size_t i)
{
    return i + 1 == log->segment_count && !log->inspected->preallocated ? log->inspected->file_bytes : log->segments[i]->size_bytes;
}

/* From `position` of this segment on nothing would be kept. */
static void cut(struct start_check *check, size_t i, int64_t position, const char *rule)
{
    struct start_decision *decision = &check->decision;
    const struct log *log = check->log;

    decision->rule = rule;
    decision->cut_base_offset = log->segments[i]->base_offset;
    decision->cut_position = position;
    decision->cut_bytes = bytes_of_file(log, i) - position;
    decision->drop_count = log->segment_count - i - 1;
    decision->log_end_offset = check->end;
    decision->whole = true;
}

struct start_check *start_check_begin(struct log *log)
{
    struct start_check *check = mem_zero(sizeof(*check));
    struct start_decision *decision = &check->decision;
    const struct inspected *found = log->inspected;
    size_t first = log_segment_of(log, log->recovery_point);

    assert(found);
    check->log = log;
    *decision = (struct start_decision){
        .clean = found->clean, .recovery_point = log->recovery_point, .deleted_files = found->deleted_files, .cleaned_files = found->cleaned_files,
        .swap_files = found->swap_files, .missing_indexes = found->missing_indexes, .log_end_offset = log->end_offset, .log_start_offset = log->start_offset,
    };
    check->at = log->segment_count;
    if (found->clean && found->tail_rule) {
        decision->rule = found->tail_rule;
        decision->cut_base_offset = log_active(log)->base_offset;
        decision->cut_position = log_active(log)->size_bytes;
        decision->cut_bytes = found->file_bytes - decision->cut_position;
    }
    if (!found->clean) {
        check->at = first == log->segment_count ? 0 : first;
        for (size_t i = check->at; i < log->segment_count; i++)
            decision->check_bytes += bytes_of_file(log, i);
        decision->check_count = log->segment_count - check->at;
    }
    return check;
}

/* One segment further, or a part of it. */
static int64_t read_on(struct start_check *check, int64_t budget)
{
    struct log *log = check->log;
    struct segment *segment = log->segments[check->at];
    struct batch header, batch;
    const char *rule = NULL;
    int64_t read = 0;

    if (!check->begun) {
        scan_begin(&check->scan, segment, 0);
        check->end = segment->base_offset;
        check->begun = true;
    }
    while (!rule && read < budget && scan_next(&check->scan, &header)) {
        if (segment_read_batch(segment, check->scan.at, header.size_bytes, &check->buffer, &batch, NULL))
            rule = "no batch";
        else if (!batch_crc_right(&batch))
            rule = "CRC";
        else if (batch.last_offset < check->end || batch.last_offset - segment->base_offset > INT32_MAX)
            rule = "offsets go back";
        else
            check->end = batch.last_offset + 1;
        read += header.size_bytes;
    }
    check->decision.read_bytes += read;
    if (rule) {
        cut(check, check->at, check->scan.at, rule);
        check->at = log->segment_count;
    } else if (read < budget) { /* its end */
        if (check->scan.position < segment->size_bytes)
            cut(check, check->at, check->scan.position, rule_of_tail(segment, &check->scan));
        else if (check->at + 1 == log->segment_count && log->inspected->tail_rule)
            cut(check, check->at, check->scan.position, log->inspected->tail_rule);
        check->at = check->decision.rule ? log->segment_count : check->at + 1;
        check->begun = false;
    }
    return read;
}

bool start_check_slice(struct start_check *check, int64_t budget_bytes)
{
    while (check->at < check->log->segment_count && budget_bytes > 0)
        budget_bytes -= read_on(check, budget_bytes) + 1;
    if (check->at < check->log->segment_count)
        return false;
    check->decision.whole = true;
    return true;
}

const struct start_decision *start_check_decision(const struct start_check *check)
{
    return &check->decision;
}

void start_check_end(struct start_check *check)
{
    if (!check)
        return;
    buffer_done(&check->buffer);
    mem_free(check);
}
