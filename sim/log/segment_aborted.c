/* The .txnindex of a segment: the aborted transactions that end in it. Kafka's TransactionIndex. */
#include "sim/log/log_internal.h"

enum err segment_open_aborted(struct log *log, struct segment *segment, struct reason *reason)
{
    char *path = segment_path(log->dir, segment->base_offset, ".txnindex");
    struct buffer bytes = { 0 };
    enum err err = ERR_OK;

    if (fs_exists(log->env->fs, path)) {
        err = fs_open(log->env->fs, path, log->inspected ? FILE_READ : FILE_READ | FILE_WRITE, &segment->aborted_file, reason);
        if (!err)
            err = fs_read_all(log->env->fs, path, 64 * 1024 * 1024, &bytes, reason);
        segment->aborted_cut = bytes.size % ABORTED_ENTRY != 0;
        for (size_t at = 0; !err && at + ABORTED_ENTRY <= bytes.size; at += ABORTED_ENTRY) {
            const uint8_t *p = bytes.data + at;

            segment->aborted_cut |= get_i16(p) != 0;
            ARRAY_ADD(segment->aborted, segment->aborted_count, segment->aborted_capacity) =
                (struct aborted_entry){ get_i64(p + 2), get_i64(p + 10), get_i64(p + 18), get_i64(p + 26) };
        }
    }
    segment->aborted_found = segment->aborted_count;
    buffer_done(&bytes);
    mem_free(path);
    return err;
}

void segment_drop_aborted(struct segment *segment, int64_t offset)
{
    while (segment->aborted_count && segment->aborted[segment->aborted_count - 1].last_offset >= offset)
        segment->aborted_count--;
    segment->aborted_found = segment->aborted_found < segment->aborted_count ? segment->aborted_found : segment->aborted_count;
    segment->aborted_cut = false;
    if (segment->aborted_file)
        file_truncate(segment->aborted_file, (int64_t)segment->aborted_count * ABORTED_ENTRY, NULL);
}

enum err segment_add_aborted(struct log *log, struct segment *segment, const struct aborted_entry *entry, struct reason *reason)
{
    uint8_t bytes[ABORTED_ENTRY];
    enum err err = ERR_OK;

    if (!segment->aborted_file) {
        char *path = segment_own_path(log, segment, ".txnindex");

        err = fs_open(log->env->fs, path, FILE_READ | FILE_WRITE | FILE_CREATE, &segment->aborted_file, reason);
        mem_free(path);
    }
    put_u16(bytes, 0);
    put_u64(bytes + 2, (uint64_t)entry->producer_id);
    put_u64(bytes + 10, (uint64_t)entry->first_offset);
    put_u64(bytes + 18, (uint64_t)entry->last_offset);
    put_u64(bytes + 26, (uint64_t)entry->last_stable_offset);
    if (!err)
        err = file_append(segment->aborted_file, bytes, sizeof(bytes), reason);
    if (!err)
        ARRAY_ADD(segment->aborted, segment->aborted_count, segment->aborted_capacity) = *entry;
    return err;
}

enum err segment_set_aborted(struct log *log, struct segment *segment, const struct aborted_entry *entries, size_t count, struct reason *reason)
{
    enum err err = ERR_OK;

    if (log->inspected) { /* known better, and the file left as it is */
        segment->aborted_count = 0;
        for (size_t i = 0; i < count; i++)
            ARRAY_ADD(segment->aborted, segment->aborted_count, segment->aborted_capacity) = entries[i];
        return ERR_OK;
    }
    segment_drop_aborted(segment, INT64_MIN);
    for (size_t i = 0; i < count && !err; i++)
        err = segment_add_aborted(log, segment, &entries[i], reason);
    return err;
}
