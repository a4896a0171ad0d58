/* Opening a log: what an unclean stop left, rebuilt as Kafka's LogLoader does it. */
#include "sim/log/checkpoint.h"
#include "sim/log/log_internal.h"

/* ---- names of files ---- */

enum { DIGITS = 20 };

bool log_parse_name(const char *name, int64_t *offset, const char **suffix)
{
    char digits[DIGITS + 1];

    if (strlen(name) <= DIGITS || name[DIGITS] != '.')
        return false;
    memcpy(digits, name, DIGITS);
    digits[DIGITS] = 0;
    *suffix = name + DIGITS;
    return strspn(digits, "0123456789") == DIGITS && parse_i64(digits, offset);
}

static char *in_dir(const struct log *log, const char *name)
{
    return mem_printf("%s/%s", log->dir, name);
}

static void remove_name(struct log *log, const char *name)
{
    char *path = in_dir(log, name);

    fs_unlink(log->env->fs, path, NULL);
    mem_free(path);
}

/* ---- .deleted, .cleaned, .swap ---- */

/* What is small costs time too: as much as so many bytes. */
enum { BATCH_COST = 1024, SEGMENT_COST = 32 * 1024, REBUILD_COST = 64 * 1024 };

/* `bytes` more were gone through while it opens; an error: it is to be given up, and what is not done stays undone. */
static enum err log_breathe(const struct log *log, int64_t bytes, struct reason *reason)
{
    if (!log->env->breathe || log->env->breathe(log->env->breathe_context, bytes))
        return ERR_OK;
    return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "%s: given up while it was opened", log->dir);
}

/* The offset after the last batch of a file that is about to become a segment. */
static enum err next_offset_of(struct log *log, const char *name, int64_t base_offset, int64_t *next, struct reason *reason)
{
    char *path = in_dir(log, name);
    struct segment probe = { .base_offset = base_offset };
    struct scan scan;
    struct batch batch;
    enum err err = ERR_OK;

    *next = base_offset;

    if (!fs_open(log->env->fs, path, FILE_READ, &probe.log, NULL)) {
        probe.size_bytes = file_size(probe.log);
        scan_begin(&scan, &probe, 0);
        while (!err && scan_next(&scan, &batch)) {
            *next = batch.last_offset + 1;
            err = log_breathe(log, BATCH_COST, reason);
        }
        file_close(probe.log);
    }
    mem_free(path);
    return err;
}

static enum err finish_swaps(struct log *log, const struct fs_names *names, int64_t swap_first, int64_t swap_next, int64_t cleaned_first, struct reason *reason)
{
    enum err err = ERR_OK;

    for (size_t i = 0; i < names->count; i++) {
        const char *suffix;
        int64_t offset;

        if (log_parse_name(names->names[i], &offset, &suffix) && !text_ends(suffix, ".swap") && !text_ends(suffix, ".deleted") &&
            !text_ends(suffix, ".cleaned") && offset >= swap_first && offset < swap_next)
            remove_name(log, names->names[i]);
    }
    for (size_t i = 0; i < names->count && !err; i++) {
        const char *suffix;
        int64_t offset;

        if (log_parse_name(names->names[i], &offset, &suffix) && text_ends(suffix, ".swap") && offset < cleaned_first) {
            char *from = in_dir(log, names->names[i]), *to = mem_text_size(from, strlen(from) - strlen(".swap"));

            err = fs_rename(log->env->fs, from, to, reason);
            mem_free(from);
            mem_free(to);
        }
    }
    return err;
}

static bool has_leftovers(const struct fs_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        if (text_ends(names->names[i], ".deleted") || text_ends(names->names[i], ".cleaned") || text_ends(names->names[i], ".swap"))
            return true;
    return false;
}

static enum err clear_leftovers(struct log *log, const struct fs_names *names, struct reason *reason)
{
    int64_t cleaned_first = INT64_MAX, swap_first = INT64_MAX, swap_next = INT64_MIN, offset, next;
    const char *suffix;

    for (size_t i = 0; i < names->count; i++) {
        if (!log_parse_name(names->names[i], &offset, &suffix))
            continue;
        if (text_ends(suffix, ".cleaned") && offset < cleaned_first)
            cleaned_first = offset;
        if (text_ends(suffix, ".deleted") || text_ends(suffix, ".cleaned"))
            remove_name(log, names->names[i]);
    }
    for (size_t i = 0; i < names->count; i++) {
        if (!log_parse_name(names->names[i], &offset, &suffix) || !text_ends(suffix, ".swap"))
            continue;
        if (offset >= cleaned_first) { /* half of a split */
            remove_name(log, names->names[i]);
        } else if (text_equal(suffix, ".log.swap")) {
            enum err err = next_offset_of(log, names->names[i], offset, &next, reason);

            if (err)
                return err;
            swap_first = offset < swap_first ? offset : swap_first;
            swap_next = next > swap_next ? next : swap_next;
        }
    }
    return finish_swaps(log, names, swap_first, swap_next, cleaned_first, reason);
}

/* ---- one segment ---- */

struct recovered { int64_t segments, batches, cut_bytes, deleted_segments; };

/* Takes a batch of the scan into indexes, epochs and producers. */
static enum err take_batch(struct log *log, struct segment *segment, struct producers *producers, const struct batch *batch,
                           int64_t position, int64_t *indexed_at, struct reason *reason)
{
    struct completed completed;
    enum err err;

    err = segment_index_found(log, segment, batch, position, indexed_at, reason);
    if (!err && batch->magic >= 2 && batch->leader_epoch > epochs_latest(&log->epochs))
        err = epochs_assign(&log->epochs, batch->leader_epoch, batch->base_offset, reason);
    if (err || batch->producer_id < 0)
        return err;
    producers_update(producers, batch, &completed);
    if (completed.is) {
        if (completed.aborted && completed.first_offset >= 0)
            err = segment_add_aborted(log, segment, &(struct aborted_entry){
                completed.producer_id, completed.first_offset, completed.last_offset, producers_stable_offset(producers, &completed) }, reason);
        producers_complete(producers, &completed);
    }
    return err;
}

static enum err recover_segment(struct log *log, struct segment *segment, int64_t now_ms, struct recovered *sum, struct reason *reason)
{
    struct producers producers;
    struct scan scan;
    struct batch header, batch;
    struct buffer buffer = { 0 };
    int64_t position = 0, indexed_at = 0, end = segment->base_offset;
    enum err err;

    producers_init(&producers, log->env->fs, log->dir, log->env->release);
    err = producers_list_snapshots(&producers, reason);
    if (!err)
        err = log_rebuild_producers(log, &producers, log->start_offset, segment->base_offset, false, now_ms, reason);
    if (!err)
        err = segment_reset_indexes(log, segment, reason);
    segment->batch_count = 0;
    scan_begin(&scan, segment, 0);
    while (!err && scan_next(&scan, &header)) {
        if (segment_read_batch(segment, scan.at, header.size_bytes, &buffer, &batch, NULL) || !batch_crc_right(&batch) ||
            batch.last_offset < end || batch.last_offset - segment->base_offset > INT32_MAX)
            break;
        err = take_batch(log, segment, &producers, &batch, position, &indexed_at, reason);
        position += batch.size_bytes;
        end = batch.last_offset + 1;
        segment->batch_count++;
        sum->batches++;
        if (!err)
            err = log_breathe(log, BATCH_COST + batch.size_bytes, reason);
    }
    buffer_done(&buffer);
    if (!err && position < segment->size_bytes) {
        sum->cut_bytes += segment->size_bytes - position;
        err = segment_cut_file(segment, position, reason);
    }
    if (!err)
        err = segment_finish(log, segment, reason);
    producers_set_end(&producers, end);
    if (!err)
        err = producers_snapshot(&producers, reason);
    producers_done(&producers);
    sum->segments++;
    return err ? err : log_breathe(log, REBUILD_COST, reason);
}

/* ---- producers ---- */

static enum err take_producers_of(struct log *log, struct segment *segment, struct producers *producers, int64_t from, int64_t to, struct reason *reason)
{
    struct scan scan;
    struct batch batch, whole;
    struct buffer buffer = { 0 };
    struct completed completed;
    enum err err = ERR_OK;

    segment_seek(log, segment, from, &scan);
    while (!err && scan_next(&scan, &batch)) {
        err = log_breathe(log, BATCH_COST, reason);
        if (err || batch.last_offset < from || batch.producer_id < 0)
            continue;
        if (batch.base_offset >= to)
            break;
        if (batch_control(&batch)) {
            err = segment_read_batch(segment, scan.at, batch.size_bytes, &buffer, &whole, reason);
            batch = whole;
        }
        if (!err) {
            producers_update(producers, &batch, &completed);
            if (completed.is)
                producers_complete(producers, &completed);
        }
    }
    buffer_done(&buffer);
    return err;
}

enum err log_rebuild_producers(struct log *log, struct producers *producers, int64_t log_start, int64_t end, bool clean, int64_t now_ms, struct reason *reason)
{
    /* where a later start wants a snapshot: the last two segments and the end */
    int64_t last = log->segment_count ? log_active(log)->base_offset : end;
    int64_t before = log->segment_count > 1 ? log->segments[log->segment_count - 2]->base_offset : last;
    int64_t points[] = { before, last, end };
    bool empty_before;
    enum err err = ERR_OK;

    if (log->config->magic < 2 || (!producers->snapshot_count && clean)) {
        for (size_t i = 0; i < 3 && !err; i++) {
            producers_set_end(producers, points[i]);
            err = producers_snapshot(producers, reason);
        }
        return err;
    }
    empty_before = !producers->count && producers->map_end >= end;
    err = producers_reload(producers, log_start, end, now_ms, log->config->producer_id_expiration_ms, reason);
    if (!err && end > producers->map_end && !empty_before) {
        int64_t from = producers->map_end;

        for (size_t i = 0; i < log->segment_count && !err; i++) {
            struct segment *segment = log->segments[i];
            int64_t start = segment->base_offset;

            if ((i + 1 < log->segment_count && log->segments[i + 1]->base_offset <= from) || segment->base_offset >= end)
                continue;
            if (start < from)
                start = from;
            if (start < log_start)
                start = log_start;
            producers_set_end(producers, start);
            if (segment->base_offset == before || segment->base_offset == last)
                err = producers_snapshot(producers, reason);
            if (!err)
                err = take_producers_of(log, segment, producers, start, end, reason);
        }
    }
    producers_set_end(producers, end);
    return err ? err : producers_snapshot(producers, reason);
}

/* ---- all segments ---- */

static enum err load_segments(struct log *log, const struct log_open *how, const struct fs_names *names, struct recovered *sum, struct reason *reason)
{
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < names->count; i++) {
        const char *suffix;
        int64_t offset;
        struct segment *segment;

        if (!log_parse_name(names->names[i], &offset, &suffix))
            continue;
        if (text_equal(suffix, ".index") || text_equal(suffix, ".timeindex") || text_equal(suffix, ".txnindex")) {
            char *path = segment_path(log->dir, offset, ".log");

            if (!fs_exists(log->env->fs, path))
                remove_name(log, names->names[i]);
            mem_free(path);
        } else if (text_equal(suffix, ".log")) {
            err = segment_open(log, offset, how->now_ms, &segment, reason);
            if (err)
                break;
            if (!segment->offsets.file) /* nobody wrote to it yet, or it was lost: Kafka rebuilds it either way */
                err = recover_segment(log, segment, how->now_ms, sum, reason);
            log_add_segment(log, segment);
            if (!err)
                err = log_breathe(log, SEGMENT_COST, reason);
        }
    }
    return err;
}

/* Offset after the last batch; *sound false: something behind it is no batch. */
static int64_t last_offset_end(struct log *log, struct segment *segment, bool *sound)
{
    struct scan scan;
    struct batch batch;
    int64_t end = segment->base_offset;

    segment_seek(log, segment, INT64_MAX, &scan);
    *sound = true;
    while (*sound && scan_next(&scan, &batch)) {
        *sound = batch.last_offset >= end; /* else offsets would go back */
        end = *sound ? batch.last_offset + 1 : end;
    }
    *sound &= !scan.err;
    return end;
}

/* A clean stop leaves no half batch; if there is one all the same, somebody was at the file, and it is recovered like any other. */
static enum err find_end(struct log *log, int64_t now_ms, struct recovered *sum, struct reason *reason)
{
    struct segment *active = log_active(log);
    bool sound;
    enum err err = ERR_OK;

    log->end_offset = last_offset_end(log, active, &sound);
    if (!sound) {
        log->size_bytes -= active->size_bytes;
        log->segment_count--;
        err = recover_segment(log, active, now_ms, sum, reason);
        log->segment_count++;
        log->size_bytes += active->size_bytes;
        log->end_offset = last_offset_end(log, active, &sound);
    }
    return err;
}

/* From the segment that holds the recovery point to the end. What follows a cut goes. */
static enum err recover_tail(struct log *log, const struct log_open *how, struct recovered *sum, struct reason *reason)
{
    size_t first = log_segment_of(log, how->recovery_point);
    enum err err = ERR_OK;

    if (first == log->segment_count)
        first = 0;
    for (size_t i = first; i < log->segment_count && !err; i++) {
        int64_t cut = sum->cut_bytes;
        struct segment *segment = log->segments[i];
        size_t count = log->segment_count;

        log->size_bytes -= segment->size_bytes;
        log->segment_count = i; /* those before it are what its producers are rebuilt from */
        err = recover_segment(log, segment, how->now_ms, sum, reason);
        log->segment_count = count;
        log->size_bytes += segment->size_bytes;
        if (!err && sum->cut_bytes > cut && i + 1 < count) {
            sum->deleted_segments = (int64_t)(count - i - 1);
            err = log_delete_segments(log, i + 1, count - i - 1, how->now_ms, reason);
        }
    }
    return err;
}

static void say_recovered(struct log *log, bool clean, const struct recovered *sum)
{
    struct text text = { 0 };

    text_printf(&text, "%s-%d: %s, %lld segment%s and %lld batch%s checked, ", log->topic, log->partition,
                clean ? "damaged" : "unclean stop", (long long)sum->segments, sum->segments == 1 ? "" : "s", (long long)sum->batches, sum->batches == 1 ? "" : "es");
    if (sum->cut_bytes)
        text_printf(&text, "%lld damaged bytes cut off; log end offset %lld", (long long)sum->cut_bytes, (long long)log->end_offset);
    else
        text_printf(&text, "nothing cut off; log end offset %lld", (long long)log->end_offset);
    journal_add(log->env->journal, ENTRY(EVENT_log_recovered, .broker = log->env->broker, .topic = log->topic, .partition = log->partition,
                                         .offset = log->end_offset, .rule = clean ? "damaged" : "no clean shutdown", .text = text_chars(&text),
                                         .facts = { { "segments", sum->segments, NULL }, { "batches", sum->batches, NULL },
                                                    { "cut_bytes", sum->cut_bytes, NULL }, { "deleted_segments", sum->deleted_segments, NULL },
                                                    { "log_end_offset", log->end_offset, NULL } },
                                         .fact_count = 5));
    text_done(&text);
}

/* After a clean stop all that was flushed is there, unless somebody was at the file. */
static void say_short(struct log *log, int64_t flushed)
{
    struct text text = { 0 };

    text_printf(&text, "%s-%d: ends at %lld, though all below %lld had been flushed: the file was cut since", log->topic, log->partition,
                (long long)log->end_offset, (long long)flushed);
    journal_add(log->env->journal, ENTRY(EVENT_log_recovered, .broker = log->env->broker, .topic = log->topic, .partition = log->partition,
                                         .offset = log->end_offset, .rule = "missing offsets", .text = text_chars(&text),
                                         .facts = { { "from_offset", log->end_offset, NULL }, { "to_offset", flushed, NULL } }, .fact_count = 2));
    text_done(&text);
}

/* 4.x: one snapshot a segment, and the newest of the others if it is above them all. */
static void remove_stray_snapshots(struct log *log)
{
    struct producers *producers = &log->producers;

    for (size_t i = producers->snapshot_count; i-- > 0;) {
        size_t s = log_segment_of(log, producers->snapshots[i]);
        bool of_segment = s < log->segment_count && log->segments[s]->base_offset == producers->snapshots[i];

        if (!of_segment && (i + 1 < producers->snapshot_count || producers->snapshots[i] < log_active(log)->base_offset))
            producers_delete_snapshot(producers, i);
    }
}

static enum err start_empty(struct log *log, int64_t offset, int64_t now_ms, struct reason *reason)
{
    struct segment *segment;
    enum err err = segment_create(log, offset, true, now_ms, &segment, reason);

    if (!err)
        log_add_segment(log, segment);
    return err;
}

/* Segments, recovered where the stop was unclean; then end, start and epochs. */
static enum err load_offsets(struct log *log, const struct log_open *how, struct recovered *sum, struct reason *reason)
{
    enum err err = ERR_OK;

    log->start_offset = how->log_start_offset;
    if (log->segment_count && !how->clean)
        err = recover_tail(log, how, sum, reason);
    if (err)
        return err;
    log->end_offset = how->log_start_offset;
    if (log->segment_count)
        err = find_end(log, how->now_ms, sum, reason);
    if (!err && log->segment_count && log->end_offset < how->log_start_offset) {
        /* Kafka: the log ends before what was promised to be its start, so nothing of it is worth keeping */
        err = log_delete_segments(log, 0, log->segment_count, how->now_ms, reason);
        epochs_clear(&log->epochs, NULL);
        log->end_offset = how->log_start_offset;
    }
    if (!err && !log->segment_count)
        err = start_empty(log, how->log_start_offset, how->now_ms, reason);
    if (err)
        return err;
    log->recovery_point = how->clean || log_is_27(log) || how->recovery_point > log->end_offset ? log->end_offset : how->recovery_point;
    if (log->segments[0]->base_offset > log->start_offset)
        log->start_offset = log->segments[0]->base_offset;
    err = epochs_truncate_end(&log->epochs, log->end_offset, reason);
    return err ? err : epochs_truncate_start(&log->epochs, log->start_offset, reason);
}

/* leader-epoch-checkpoint makes no sense: Kafka gives up the log dir; every batch knows its epoch. */
static enum err rebuild_epochs(struct log *log, struct reason *reason)
{
    struct text text = { 0 };
    enum err err = epochs_clear(&log->epochs, reason);

    for (size_t i = 0; i < log->segment_count && !err; i++) {
        struct scan scan;
        struct batch batch;

        scan_begin(&scan, log->segments[i], 0);
        while (!err && scan_next(&scan, &batch)) {
            if (batch.magic >= 2 && batch.leader_epoch > epochs_latest(&log->epochs))
                err = epochs_assign(&log->epochs, batch.leader_epoch, batch.base_offset, reason);
            if (!err)
                err = log_breathe(log, BATCH_COST, reason);
        }
    }
    log->epochs.damaged = false;
    text_printf(&text, "%s-%d: leader-epoch-checkpoint was damaged: written anew from the batches, %zu epoch%s", log->topic, log->partition, log->epochs.count,
                log->epochs.count == 1 ? "" : "s");
    journal_add(log->env->journal, ENTRY(EVENT_log_recovered, .broker = log->env->broker, .topic = log->topic, .partition = log->partition,
                                         .rule = "damaged leader epochs", .text = text_chars(&text),
                                         .facts = { { "epochs", (int64_t)log->epochs.count, NULL } }, .fact_count = 1));
    text_done(&text);
    return err;
}

enum err log_load(struct log *log, const struct log_open *how, struct reason *reason)
{
    struct fs *fs = log->env->fs;
    struct recovered sum = { 0 };
    struct fs_names names;
    bool fresh;
    enum err err;

    log->start_offset = how->log_start_offset;
    err = fs_mkdir(fs, log->dir, reason);
    if (!err)
        err = fs_list(fs, log->dir, &names, reason);
    if (err)
        return err;
    if (has_leftovers(&names)) {
        err = clear_leftovers(log, &names, reason);
        fs_names_free(&names);
        if (!err)
            err = fs_list(fs, log->dir, &names, reason);
        if (err)
            return err;
    }
    if (!log->epochs.off)
        err = epochs_open(&log->epochs, fs, log->dir, reason);
    if (!err)
        err = load_segments(log, how, &names, &sum, reason);
    fs_names_free(&names);
    fresh = !log->segment_count;
    if (!err && log->epochs.damaged)
        err = rebuild_epochs(log, reason);
    if (!err)
        err = load_offsets(log, how, &sum, reason);
    if (!err && !fresh)
        err = segment_grow_indexes(log, log_active(log), reason);
    if (!err && !fresh)
        err = producers_list_snapshots(&log->producers, reason);
    if (!err && !log_is_27(log))
        remove_stray_snapshots(log);
    if (!err)
        err = log_rebuild_producers(log, &log->producers, log->start_offset, log->end_offset, how->clean, how->now_ms, reason);
    if (!err && !release_is_27(log->env->release) && !uuid_is_zero(how->topic_id))
        err = partition_metadata_write(fs, log->dir, how->topic_id, reason);
    if (err)
        return err;
    if (how->clean && log->end_offset < how->recovery_point)
        say_short(log, how->recovery_point);
    log_set_high_watermark(log, how->high_watermark);
    if ((!how->clean || sum.cut_bytes) && !fresh)
        say_recovered(log, how->clean, &sum);
    return ERR_OK;
}
