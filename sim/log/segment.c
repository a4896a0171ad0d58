/* One segment: the bytes of its batches and its three indexes. */
#include "sim/log/segment.h"

#include "sim/log/log_internal.h"

char *segment_path(const char *dir, int64_t base_offset, const char *suffix)
{
    return mem_printf("%s/%020lld%s", dir, (long long)base_offset, suffix);
}

char *segment_own_path(const struct log *log, const struct segment *segment, const char *suffix)
{
    return mem_printf("%s/%020lld%s%s", log->dir, (long long)segment->base_offset, suffix, segment->cleaned ? ".cleaned" : "");
}

static struct segment *segment_new(struct log *log, int64_t base_offset, int64_t now_ms)
{
    struct segment *segment = mem_zero(sizeof(*segment));
    int64_t jitter = log->config->segment_jitter_ms;

    segment->base_offset = base_offset;
    segment->created_ms = now_ms;
    segment->index_bytes = log->config->segment_index_bytes;
    segment->index_interval_bytes = log->config->index_interval_bytes;
    segment->first_timestamp_ms = segment->max_timestamp_ms = segment->max_timestamp_offset = -1;
    segment->deleted_at_ms = segment->unlink_at_ms = segment->record_count = -1;
    if (jitter > log->config->segment_ms)
        jitter = log->config->segment_ms;
    if (jitter > 0 && log->env->random)
        segment->jitter_ms = (int64_t)random_below(log->env->random, (uint64_t)jitter);
    index_init(&segment->offsets, OFFSET_ENTRY);
    index_init(&segment->times, TIME_ENTRY);
    return segment;
}

void segment_free(struct segment *segment)
{
    if (!segment)
        return;
    file_close(segment->log);
    index_done(&segment->offsets);
    index_done(&segment->times);
    file_close(segment->aborted_file);
    mem_free(segment->aborted);
    mem_free(segment);
}

static enum err create(struct log *log, struct segment *segment, bool indexes, struct segment **out, struct reason *reason)
{
    char *path = segment_own_path(log, segment, ".log");
    enum err err = fs_open(log->env->fs, path, FILE_READ | FILE_WRITE | FILE_CREATE, &segment->log, reason);

    mem_free(path);
    segment->max_known = segment->checked = segment->newest_verified = true;
    if (!err && log->config->preallocate)
        err = file_truncate(segment->log, log->config->segment_bytes, reason);
    if (!err && indexes)
        err = segment_load_offsets(log, segment, reason);
    if (!err && indexes)
        err = segment_load_times(log, segment, reason);
    if (err)
        segment_free(segment);
    *out = err ? NULL : segment;
    return err;
}

enum err segment_create(struct log *log, int64_t base_offset, bool indexes, int64_t now_ms, struct segment **out, struct reason *reason)
{
    return create(log, segment_new(log, base_offset, now_ms), indexes, out, reason);
}

/* ---- the cleaner's ---- */

static const char *const suffixes[] = { ".log", ".index", ".timeindex", ".txnindex" };

enum err segment_create_cleaned(struct log *log, int64_t base_offset, int64_t now_ms, struct segment **out, struct reason *reason)
{
    struct segment *segment = segment_new(log, base_offset, now_ms);

    segment->cleaned = true;
    segment_remove_files(log, base_offset, ".cleaned");
    return create(log, segment, false, out, reason);
}

enum err segment_change_suffix(struct log *log, struct segment *segment, const char *from, const char *to, struct reason *reason)
{
    enum err err = ERR_OK;

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes) && !err; i++) {
        char *path = segment_path(log->dir, segment->base_offset, suffixes[i]), *old = mem_printf("%s%s", path, from), *new = mem_printf("%s%s", path, to);

        if (fs_exists(log->env->fs, old))
            err = fs_rename(log->env->fs, old, new, reason);
        mem_free(path);
        mem_free(old);
        mem_free(new);
    }
    segment->cleaned = false;
    return err;
}

void segment_remove_files(struct log *log, int64_t base_offset, const char *suffix)
{
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
        char *path = segment_path(log->dir, base_offset, suffixes[i]), *named = mem_printf("%s%s", path, suffix);

        fs_unlink(log->env->fs, named, NULL);
        mem_free(path);
        mem_free(named);
    }
}

/* ---- opening what is there ---- */

static enum err open_index(struct log *log, const struct segment *segment, struct index *index, const char *suffix, struct reason *reason)
{
    char *path = segment_path(log->dir, segment->base_offset, suffix);
    enum err err = index_open(index, log->env->fs, path, reason);

    mem_free(path);
    return err;
}

enum err segment_open(struct log *log, int64_t base_offset, int64_t now_ms, struct segment **out, struct reason *reason)
{
    struct segment *segment = segment_new(log, base_offset, now_ms);
    char *path = segment_path(log->dir, base_offset, ".log");
    enum err err = fs_open(log->env->fs, path, FILE_READ | FILE_WRITE, &segment->log, reason);

    mem_free(path);
    segment->batch_count = -1;
    if (!err)
        segment->size_bytes = file_size(segment->log);
    if (!err)
        err = open_index(log, segment, &segment->offsets, ".index", reason);
    if (!err)
        err = open_index(log, segment, &segment->times, ".timeindex", reason);
    if (!err)
        err = segment_open_aborted(log, segment, reason);
    if (err)
        segment_free(segment);
    *out = err ? NULL : segment;
    return err;
}

static bool look_at_index(struct log *log, const struct segment *segment, struct index *index, const char *suffix, const char *marker)
{
    char *path = mem_printf("%s/%020lld%s%s", log->dir, (long long)segment->base_offset, suffix, marker);
    bool good = index_look(index, log->env->fs, path, segment->size_bytes);

    mem_free(path);
    return good;
}

enum err segment_inspect(struct log *log, int64_t base_offset, const char *marker, struct segment **out, size_t *missing, struct reason *reason)
{
    struct segment *segment = segment_new(log, base_offset, -1);
    char *path = mem_printf("%s/%020lld.log%s", log->dir, (long long)base_offset, marker);
    enum err err = fs_open(log->env->fs, path, FILE_READ, &segment->log, reason);

    mem_free(path);
    *out = NULL;
    segment->batch_count = -1;
    segment->jitter_ms = 0;
    if (!err) {
        segment->size_bytes = file_size(segment->log);
        *missing += !look_at_index(log, segment, &segment->offsets, ".index", marker);
        *missing += !look_at_index(log, segment, &segment->times, ".timeindex", marker);
        if (!*marker && segment_open_aborted(log, segment, NULL)) /* unreadable: then nobody knows what was aborted */
            segment->aborted_count = 0;
    }
    if (err)
        segment_free(segment);
    else
        *out = segment;
    return err;
}

/* ---- the indexes ---- */

static enum err load_index(struct log *log, const struct segment *segment, struct index *index, const char *suffix, struct reason *reason)
{
    char *path;
    enum err err;

    if (index->file)
        return index_load(index, reason);
    if (log->inspected)
        return ERR_OK;
    path = segment_own_path(log, segment, suffix);
    err = index_create(index, log->env->fs, path, segment->index_bytes, reason);
    mem_free(path);
    return err;
}

enum err segment_load_offsets(struct log *log, struct segment *segment, struct reason *reason)
{
    return load_index(log, segment, &segment->offsets, ".index", reason);
}

enum err segment_load_times(struct log *log, struct segment *segment, struct reason *reason)
{
    return load_index(log, segment, &segment->times, ".timeindex", reason);
}

bool segment_index_full(const struct segment *segment)
{
    uint32_t offsets = segment->offsets.most, times = segment->times.most;

    if (!segment->offsets.file)
        offsets = (uint32_t)segment->index_bytes / OFFSET_ENTRY;
    if (!segment->times.file)
        times = (uint32_t)segment->index_bytes / TIME_ENTRY;
    return segment->offsets.count >= offsets || segment->times.count + 1 >= times;
}

static enum err segment_add_offset(struct log *log, struct segment *segment, int64_t offset, int64_t position, struct reason *reason)
{
    struct index *index = &segment->offsets;
    uint8_t entry[OFFSET_ENTRY];
    enum err err = segment_load_offsets(log, segment, reason);

    if (err)
        return err;
    /* an append rolls before; a cleaner has nowhere to go on, and fails */
    if (segment->cleaned && index->count >= index->most)
        return err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "Attempt to append to a full index (size = %u).", index->count);
    put_u32(entry, (uint32_t)(offset - segment->base_offset));
    put_u32(entry + 4, (uint32_t)position);
    if (index->count && offset_key(entry) <= offset_key(index_entry(index, index->count - 1)))
        return ERR_OK;
    return index_add(index, entry, reason);
}

/* Only if the timestamp is larger than that of the last entry. `force`: also in the slot that is kept for the end of a segment. */
static enum err segment_add_time(struct log *log, struct segment *segment, int64_t timestamp_ms, int64_t offset, bool force, struct reason *reason)
{
    struct index *index = &segment->times;
    uint8_t entry[TIME_ENTRY];
    enum err err = segment_load_times(log, segment, reason);
    int64_t last = -1;

    if (err)
        return err;
    if (segment->cleaned && !force && index->count + 1 >= index->most)
        return err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "Attempt to append to a full time index (size = %u).", index->count);
    if (index->count)
        last = time_key(index_entry(index, index->count - 1));
    if (timestamp_ms <= last || (!force && index->count + 1 >= index->most))
        return ERR_OK;
    put_u64(entry, (uint64_t)timestamp_ms);
    put_u32(entry + 8, (uint32_t)(offset - segment->base_offset));
    return index_add(index, entry, reason);
}

enum err segment_index_found(struct log *log, struct segment *segment, const struct batch *batch, int64_t position, int64_t *indexed_at, struct reason *reason)
{
    enum err err = ERR_OK;

    if (batch->max_timestamp_ms > segment->max_timestamp_ms) {
        segment->max_timestamp_ms = batch->max_timestamp_ms;
        segment->max_timestamp_offset = batch->last_offset;
    }
    if (position - *indexed_at > segment->index_interval_bytes) {
        err = segment_add_offset(log, segment, batch->last_offset, position, reason);
        if (!err)
            err = segment_add_time(log, segment, segment->max_timestamp_ms, segment->max_timestamp_offset, false, reason);
        *indexed_at = position;
    }
    return err;
}

int64_t segment_indexed_from(struct segment *segment, int64_t position)
{
    uint32_t n;

    if (!segment->offsets.file || index_load(&segment->offsets, NULL))
        return -1;
    n = index_upper(&segment->offsets, position_key, position - 1);
    return n < segment->offsets.count ? segment->base_offset + offset_key(index_entry(&segment->offsets, n)) : -1;
}

uint32_t segment_entries_to(struct segment *segment, int64_t offset)
{
    if (!segment->offsets.file || index_load(&segment->offsets, NULL))
        return 0;
    return index_upper(&segment->offsets, offset_key, offset - segment->base_offset);
}

void segment_index_time(struct segment *segment, int64_t timestamp_ms, int64_t *found_ms, int64_t *offset)
{
    uint32_t n = 0;

    if (segment->times.file && !index_load(&segment->times, NULL))
        n = index_upper(&segment->times, time_key, timestamp_ms);
    *found_ms = n ? time_key(index_entry(&segment->times, n - 1)) : -1;
    *offset = segment->base_offset + (n ? get_i32(index_entry(&segment->times, n - 1) + 8) : 0);
}

/* ---- times ---- */

int64_t segment_max_timestamp(struct log *log, struct segment *segment)
{
    uint8_t entry[TIME_ENTRY];
    struct index *index = &segment->times;

    if (!segment->max_known) {
        if (index->file && index->count &&
            !file_read(index->file, entry, TIME_ENTRY, (int64_t)(index->count - 1) * TIME_ENTRY, NULL)) {
            segment->max_timestamp_ms = get_i64(entry);
            segment->max_timestamp_offset = segment->base_offset + get_i32(entry + 8);
        } else if (log->inspected && !index->count) {
            segment->max_timestamp_ms = log_look_newest(segment, &segment->max_timestamp_offset);
        }
        segment->max_known = true;
    }
    return segment->max_timestamp_ms;
}

int64_t segment_mtime(struct log *log, const struct segment *segment)
{
    struct file_stat stat;

    return fs_stat(log->env->fs, file_path(segment->log), &stat) ? 0 : stat.mtime_us / 1000;
}

int64_t segment_newest(struct log *log, struct segment *segment, bool *is_mtime)
{
    int64_t max = segment_max_timestamp(log, segment);

    if (is_mtime)
        *is_mtime = max < 0;
    return max >= 0 ? max : segment_mtime(log, segment);
}

int64_t segment_first_timestamp(struct segment *segment)
{
    struct scan scan;
    struct batch batch;

    if (!segment->first_known && segment->size_bytes) {
        scan_begin(&scan, segment, 0);
        segment->first_timestamp_ms = scan_next(&scan, &batch) ? batch.max_timestamp_ms : -1;
        segment->first_known = true;
    }
    return segment->first_timestamp_ms;
}

/* ---- appending ---- */

/* One step of the index rule: an entry for what is written now if more than index.interval.bytes came since the last one. */
static enum err index_step(struct log *log, struct segment *segment, int64_t last_offset, int64_t position,
                           int64_t max_timestamp_ms, int64_t max_timestamp_offset, int64_t size, struct reason *reason)
{
    enum err err = ERR_OK;

    if (max_timestamp_ms > segment->max_timestamp_ms) {
        segment->max_timestamp_ms = max_timestamp_ms;
        segment->max_timestamp_offset = max_timestamp_offset;
    }
    if (segment->bytes_since_entry > segment->index_interval_bytes) {
        err = segment_add_offset(log, segment, last_offset, position, reason);
        if (!err)
            err = segment_add_time(log, segment, segment->max_timestamp_ms, segment->max_timestamp_offset, false, reason);
        segment->bytes_since_entry = 0;
    }
    segment->bytes_since_entry += size;
    return err;
}

static enum err index_each_batch(struct log *log, struct segment *segment, const struct segment_append *append, struct reason *reason)
{
    struct bytes left = append->records;
    int64_t position = segment->size_bytes;
    struct batch batch;
    enum err err = ERR_OK;

    while (!err && left.size) {
        err = batch_decode(left, &batch, NULL, reason);
        if (err)
            break;
        err = index_step(log, segment, batch.last_offset, position, batch.max_timestamp_ms, batch.last_offset, batch.size_bytes, reason);
        position += batch.size_bytes;
        left.data += batch.size_bytes;
        left.size -= (size_t)batch.size_bytes;
    }
    return err;
}

enum err segment_append(struct log *log, struct segment *segment, const struct segment_append *append, struct reason *reason)
{
    int64_t size = (int64_t)append->records.size;
    enum err err;

    /* as Kafka's first look at the lazy indexes: both files are there from the first append on */
    err = segment_load_offsets(log, segment, reason);
    if (!err)
        err = segment_load_times(log, segment, reason);
    if (!err)
        err = file_write(segment->log, append->records.data, append->records.size, segment->size_bytes, reason);
    if (err)
        return err;
    segment_max_timestamp(log, segment);
    if (!segment->size_bytes) {
        segment->first_timestamp_ms = log_is_27(log) ? append->max_timestamp_ms : append->first_max_timestamp_ms;
        segment->first_known = true;
    }
    if (log_is_27(log) || append->batch_count == 1)
        err = index_step(log, segment, append->last_offset, segment->size_bytes, append->max_timestamp_ms,
                         append->max_timestamp_offset, size, reason);
    else
        err = index_each_batch(log, segment, append, reason);
    if (err) /* its bytes are there, but nobody is to read what was refused; the next start looks at them */
        return err;
    segment->size_bytes += size;
    if (segment->batch_count >= 0)
        segment->batch_count += append->batch_count;
    return ERR_OK;
}

enum err segment_finish(struct log *log, struct segment *segment, struct reason *reason)
{
    enum err err = ERR_OK;

    if (segment->max_known && segment->max_timestamp_ms >= 0 && segment->times.most)
        err = segment_add_time(log, segment, segment->max_timestamp_ms, segment->max_timestamp_offset, true, reason);
    if (!err && segment->offsets.file && segment->offsets.most > segment->offsets.count)
        err = index_trim(&segment->offsets, reason);
    if (!err && segment->times.file && segment->times.most > segment->times.count)
        err = index_trim(&segment->times, reason);
    if (!err && file_size(segment->log) > segment->size_bytes)
        err = file_truncate(segment->log, segment->size_bytes, reason);
    return err;
}

enum err segment_grow_indexes(struct log *log, struct segment *segment, struct reason *reason)
{
    enum err err = segment_load_offsets(log, segment, reason);

    if (!err)
        err = segment_load_times(log, segment, reason);
    if (!err)
        err = index_grow(&segment->offsets, segment->index_bytes, reason);
    if (!err)
        err = index_grow(&segment->times, segment->index_bytes, reason);
    return err;
}

enum err segment_sync(struct segment *segment, struct reason *reason)
{
    enum err err = file_sync(segment->log, reason);

    if (!err && segment->offsets.file)
        err = file_sync(segment->offsets.file, reason);
    if (!err && segment->times.file)
        err = file_sync(segment->times.file, reason);
    if (!err && segment->aborted_file)
        err = file_sync(segment->aborted_file, reason);
    return err;
}

/* ---- cutting ---- */

enum err segment_reset_lookup(struct log *log, struct segment *segment, struct reason *reason)
{
    enum err err = index_empty(&segment->offsets, reason);

    if (!err)
        err = index_empty(&segment->times, reason);
    segment->max_timestamp_ms = segment->max_timestamp_offset = -1;
    segment->max_known = true;
    segment->first_known = false;
    segment->first_timestamp_ms = -1;
    return err ? err : segment_grow_indexes(log, segment, reason);
}

enum err segment_reset_indexes(struct log *log, struct segment *segment, struct reason *reason)
{
    segment_drop_aborted(segment, -1);
    segment->checked = true; /* what is made now fits */
    return segment_reset_lookup(log, segment, reason);
}

enum err segment_cut_file(struct segment *segment, int64_t size_bytes, struct reason *reason)
{
    segment->size_bytes = size_bytes;
    return file_truncate(segment->log, size_bytes, reason);
}

/* After a cut: what the time index's last entry says, and the batches behind it. */
static void find_max_timestamp(struct log *log, struct segment *segment)
{
    struct index *index = &segment->times;
    struct scan scan;
    struct batch batch;

    segment->max_timestamp_ms = segment->max_timestamp_offset = -1;
    if (index->count) {
        segment->max_timestamp_ms = time_key(index_entry(index, index->count - 1));
        segment->max_timestamp_offset = segment->base_offset + get_i32(index_entry(index, index->count - 1) + 8);
    }
    segment_seek(log, segment, segment->max_timestamp_offset < 0 ? segment->base_offset - 1 : segment->max_timestamp_offset, &scan);
    while (scan_next(&scan, &batch)) {
        if (batch.max_timestamp_ms > segment->max_timestamp_ms) {
            segment->max_timestamp_ms = batch.max_timestamp_ms;
            segment->max_timestamp_offset = batch.last_offset;
        }
    }
}

enum err segment_truncate(struct log *log, struct segment *segment, int64_t offset, int64_t now_ms, struct reason *reason)
{
    int64_t position = segment_find(log, segment, offset, NULL, NULL), relative = offset - segment->base_offset;
    enum err err = segment_load_offsets(log, segment, reason);
    uint32_t keep;

    segment_max_timestamp(log, segment);
    if (!err)
        err = segment_load_times(log, segment, reason);
    if (!err)
        err = index_cut(&segment->offsets, index_upper(&segment->offsets, offset_key, relative - 1), reason);
    for (keep = err ? 0 : segment->times.count; keep && get_i32(index_entry(&segment->times, keep - 1) + 8) >= relative;)
        keep--;
    if (!err)
        err = index_cut(&segment->times, keep, reason);
    if (!err)
        segment_drop_aborted(segment, offset);
    if (!err)
        err = segment_grow_indexes(log, segment, reason);
    if (!err && position >= 0)
        err = segment_cut_file(segment, position, reason);
    if (!segment->size_bytes) {
        segment->created_ms = now_ms;
        segment->first_known = false;
        segment->first_timestamp_ms = -1;
    }
    segment->bytes_since_entry = 0;
    segment->batch_count = segment->size_bytes ? -1 : 0;
    segment->record_count = -1;
    if (!err)
        find_max_timestamp(log, segment);
    return err;
}

/* ---- reading ---- */

void scan_begin(struct scan *scan, const struct segment *segment, int64_t position)
{
    scan->segment = segment;
    scan->position = scan->at = position;
    scan->limit = segment->size_bytes;
    scan->last_offset = -1;
    scan->piece_at = 0;
    scan->piece_size = 0;
    scan->err = ERR_OK;
}

bool scan_next(struct scan *scan, struct batch *out)
{
    size_t there, want = BATCH_HEADER;
    int64_t left = scan->limit - scan->position;

    if (scan->err || left <= 0)
        return false;
    if ((int64_t)want > left)
        want = (size_t)left;
    if (scan->position < scan->piece_at || scan->position + (int64_t)want > scan->piece_at + (int64_t)scan->piece_size) {
        there = left < (int64_t)sizeof(scan->piece) ? (size_t)left : sizeof(scan->piece);
        scan->err = file_read_some(scan->segment->log, scan->piece, there, scan->position, &scan->piece_size, NULL);
        scan->piece_at = scan->position;
    }
    if (!scan->err) {
        const uint8_t *p = scan->piece + (scan->position - scan->piece_at);

        there = scan->piece_size - (size_t)(scan->position - scan->piece_at);
        scan->err = there < 17 ? ERR_CORRUPT_MESSAGE : batch_decode_header((struct bytes){ p, there }, out, NULL);
    }
    if (!scan->err && (out->size_bytes > left || out->last_offset < out->base_offset || out->last_offset <= scan->last_offset))
        scan->err = ERR_CORRUPT_MESSAGE;
    if (scan->err)
        return false;
    out->bytes = (struct bytes){ NULL, 0 };
    scan->last_offset = out->last_offset;
    scan->at = scan->position;
    scan->position += out->size_bytes;
    return true;
}

/* Position of the first entry at or past `offset`; 0: none. */
static int64_t entry_after(const struct segment *segment, int64_t offset)
{
    const struct index *index = &segment->offsets;
    uint32_t n = index->loaded ? index_upper(index, offset_key, offset - 1 - segment->base_offset) : index->count;

    return n < index->count ? get_u32(index_entry(index, n) + 4) : 0;
}

int64_t segment_find(struct log *log, struct segment *segment, int64_t offset, int64_t *base_offset, int32_t *size)
{
    int64_t before, after;
    struct scan scan;
    struct batch batch;
    bool found = false;
    uint32_t n;

    segment_check(log, segment);
    n = segment_entries_to(segment, offset);
    before = n ? get_u32(index_entry(&segment->offsets, n - 1) + 4) : 0;
    after = entry_after(segment, offset);
    /* Batches larger than a piece: the next entry is likely that of the one looked for, and one read tells. */
    if (after - before > (int64_t)sizeof(scan.piece)) {
        scan_begin(&scan, segment, after);
        found = scan_next(&scan, &batch) && batch.base_offset <= offset && batch.last_offset >= offset;
    }
    if (!found)
        segment_seek(log, segment, offset, &scan);
    while (!found && scan_next(&scan, &batch))
        found = batch.last_offset >= offset;
    if (!found)
        return scan.err ? SEGMENT_DAMAGED : -1;
    if (base_offset)
        *base_offset = batch.base_offset;
    if (size)
        *size = batch.size_bytes;
    return scan.at;
}

enum err segment_read_batch(const struct segment *segment, int64_t position, int32_t size, struct buffer *buffer, struct batch *out, struct reason *reason)
{
    enum err err;

    if (size < 0 || position + size > segment->size_bytes)
        return err_because(ERR_CORRUPT_MESSAGE, reason, "%s: no batch of %d bytes at %lld", file_path(segment->log), size, (long long)position);
    buffer_clear(buffer);
    err = file_read(segment->log, buffer_add(buffer, (size_t)size), (size_t)size, position, reason);
    return err ? err : batch_decode(buffer_bytes(buffer), out, NULL, reason);
}
