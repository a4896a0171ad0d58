/* An index file and what is in memory of it. */
#include "sim/log/index.h"

#include <string.h>

#include "sim/base/mem.h"

void index_init(struct index *index, uint8_t entry_size)
{
    index->entry_size = entry_size;
}

static enum err index_set_size(struct index *index, uint32_t entries, struct reason *reason)
{
    return file_truncate(index->file, (int64_t)entries * index->entry_size, reason);
}

enum err index_grow(struct index *index, int32_t index_bytes, struct reason *reason)
{
    uint32_t most = (uint32_t)index_bytes / index->entry_size;

    index->most = most > index->count ? most : index->count;
    return index_set_size(index, index->most, reason);
}

enum err index_create(struct index *index, struct fs *fs, const char *path, int32_t index_bytes, struct reason *reason)
{
    enum err err = fs_open(fs, path, FILE_READ | FILE_WRITE | FILE_CREATE, &index->file, reason);

    index->count = 0;
    index->loaded = true;
    return err ? err : index_grow(index, index_bytes, reason);
}

static uint32_t entries_of_file(const struct index *index)
{
    int64_t entries = file_size(index->file) / index->entry_size;

    return entries > INT32_MAX / 16 ? 0 : (uint32_t)entries;
}

/* Kafka believes that an index it opens is full of entries: it was trimmed, or it gets rebuilt. */
enum err index_open(struct index *index, struct fs *fs, const char *path, struct reason *reason)
{
    enum err err;

    if (!fs_exists(fs, path))
        return ERR_OK;
    err = fs_open(fs, path, FILE_READ | FILE_WRITE, &index->file, reason);
    if (!err)
        index->count = index->most = index->found = entries_of_file(index);
    return err;
}

enum err index_load(struct index *index, struct reason *reason)
{
    enum err err = ERR_OK;

    if (index->loaded)
        return ERR_OK;
    if (index->count) {
        index->entries = mem_resize(index->entries, (size_t)index->count * index->entry_size);
        index->capacity = index->count;
        err = file_read(index->file, index->entries, (size_t)index->count * index->entry_size, 0, reason);
    }
    index->loaded = !err;
    return err;
}

enum err index_add(struct index *index, const uint8_t *entry, struct reason *reason)
{
    size_t at = (size_t)index->count * index->entry_size;

    if (index->count == index->capacity) {
        index->capacity = index->capacity ? index->capacity * 2 : 4;
        index->entries = mem_resize(index->entries, (size_t)index->capacity * index->entry_size);
    }
    memcpy(index->entries + at, entry, index->entry_size);
    index->count++;
    if (index->count > index->most)
        index->most = index->count;
    return file_write(index->file, entry, index->entry_size, (int64_t)at, reason);
}

/* Kafka maps the file, so what is cut reads as zero when it grows again: so does a hole. */
enum err index_trim(struct index *index, struct reason *reason)
{
    index->most = index->count;
    return index_set_size(index, index->count, reason);
}

enum err index_cut(struct index *index, uint32_t count, struct reason *reason)
{
    if (count >= index->count)
        return ERR_OK;
    index->count = count;
    return index_set_size(index, count, reason);
}

enum err index_empty(struct index *index, struct reason *reason)
{
    index->count = index->found = 0;
    index->loaded = true;
    return index->file ? index_set_size(index, 0, reason) : ERR_OK;
}

void index_done(struct index *index)
{
    file_close(index->file);
    mem_free(index->entries);
}

const uint8_t *index_entry(const struct index *index, uint32_t i)
{
    return index->entries + (size_t)i * index->entry_size;
}

uint32_t index_upper(const struct index *index, int64_t (*key)(const uint8_t *entry), int64_t wanted)
{
    uint32_t low = 0, high = index->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (key(index_entry(index, middle)) <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- only looking ---- */

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

static bool entry_is_there(const struct index *index, uint32_t i, uint8_t *entry)
{
    return !file_read(index->file, entry, index->entry_size, (int64_t)i * index->entry_size, NULL) && !is_zero(entry, index->entry_size);
}

/* A broker that runs, or was killed, leaves an index at full size: entries, then zeros. */
static uint32_t entries_there(const struct index *index)
{
    uint8_t block[4096], entry[TIME_ENTRY];
    uint32_t low, high = index->most;
    size_t got;

    if (!high || entry_is_there(index, high - 1, entry))
        return high;
    if (file_read_some(index->file, block, sizeof(block) / index->entry_size * index->entry_size, 0, &got, NULL))
        return 0;
    for (low = 0; low < got / index->entry_size; low++) /* most have few */
        if (is_zero(block + (size_t)low * index->entry_size, index->entry_size))
            return low;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (entry_is_there(index, middle, entry))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool index_look(struct index *index, struct fs *fs, const char *path, int64_t log_bytes)
{
    uint8_t entry[TIME_ENTRY];
    bool good = !fs_open(fs, path, FILE_READ, &index->file, NULL);

    if (!good)
        return false;
    index->most = entries_of_file(index);
    index->count = index->found = entries_there(index);
    if (!index->count)
        return true;
    good = entry_is_there(index, index->count - 1, entry);
    if (good && index->entry_size == OFFSET_ENTRY)
        good = get_i32(entry) >= 0 && get_u32(entry + 4) < log_bytes;
    else if (good)
        good = get_i64(entry) >= 0 && get_i32(entry + 8) >= 0;
    if (!good) {
        file_close(index->file);
        index->file = NULL;
        index->count = index->most = index->found = 0;
    }
    return good;
}
