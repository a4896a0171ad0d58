/* leader-epoch-checkpoint: which leader epoch wrote from which offset on. */
#include "sim/log/epochs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"

enum { MOST_FILE_BYTES = 16 * 1024 * 1024 };

/* One line that holds the given number of numbers. */
static bool take_line(const char **at, int count, int64_t *out)
{
    const char *end = strchr(*at, '\n');

    if (!end)
        return false;
    for (int i = 0; i < count; i++) {
        char *after;

        out[i] = strtoll(*at, &after, 10);
        if (after == *at || after > end || (*after != ' ' && *after != '\n'))
            return false;
        *at = after + (i + 1 < count);
    }
    *at = end + 1;
    return true;
}

/* A 0, the number of entries, and lines of epoch and offset, both growing. */
static bool parse(struct epochs *epochs, const char *text)
{
    int64_t version, count, pair[2];

    if (!take_line(&text, 1, &version) || version != 0 || !take_line(&text, 1, &count))
        return false;
    for (; *text; count--) {
        const struct epoch *last = epochs->count ? &epochs->items[epochs->count - 1] : NULL;

        if (count <= 0 || !take_line(&text, 2, pair) || pair[0] < 0 || pair[0] > INT32_MAX || pair[1] < 0 ||
            (last && (pair[0] <= last->epoch || pair[1] < last->start_offset)))
            return false;
        ARRAY_ADD(epochs->items, epochs->count, epochs->capacity) = (struct epoch){ (int32_t)pair[0], pair[1] };
    }
    return !count;
}

void epochs_moved(struct epochs *epochs, const char *dir)
{
    mem_free(epochs->path);
    epochs->path = mem_printf("%s/leader-epoch-checkpoint", dir);
}

enum err epochs_open(struct epochs *epochs, struct fs *fs, const char *dir, struct reason *reason)
{
    struct buffer bytes = { 0 };
    enum err err;

    epochs->fs = fs;
    epochs_moved(epochs, dir);
    err = fs_read_all(fs, epochs->path, MOST_FILE_BYTES, &bytes, reason);
    if (err == ERR_UNKNOWN_SERVER_ERROR)
        err = ERR_OK;
    else if (!err && bytes.size) {
        *buffer_add(&bytes, 1) = 0;
        epochs->damaged = !parse(epochs, (const char *)bytes.data);
        if (epochs->damaged)
            epochs->count = 0;
    }
    buffer_done(&bytes);
    return err;
}

void epochs_done(struct epochs *epochs)
{
    mem_free(epochs->path);
    mem_free(epochs->items);
    *epochs = (struct epochs){ 0 };
}

static enum err write_file(struct epochs *epochs, struct reason *reason)
{
    struct text text = { 0 };
    enum err err;

    text_printf(&text, "0\n%zu\n", epochs->count);
    for (size_t i = 0; i < epochs->count; i++)
        text_printf(&text, "%d %lld\n", epochs->items[i].epoch, (long long)epochs->items[i].start_offset);
    err = fs_replace(epochs->fs, epochs->path, bytes_text(text_chars(&text)), reason);
    text_done(&text);
    return err;
}

int32_t epochs_latest(const struct epochs *epochs)
{
    return epochs->count ? epochs->items[epochs->count - 1].epoch : -1;
}

enum err epochs_assign(struct epochs *epochs, int32_t epoch, int64_t start_offset, struct reason *reason)
{
    const struct epoch *last = epochs->count ? &epochs->items[epochs->count - 1] : NULL;

    if (epochs->off || epoch < 0 || (last && last->epoch == epoch && start_offset >= last->start_offset))
        return ERR_OK;
    while (epochs->count && (epochs->items[epochs->count - 1].epoch >= epoch ||
                             epochs->items[epochs->count - 1].start_offset >= start_offset))
        epochs->count--;
    ARRAY_ADD(epochs->items, epochs->count, epochs->capacity) = (struct epoch){ epoch, start_offset };
    return write_file(epochs, reason);
}

enum err epochs_truncate_start(struct epochs *epochs, int64_t start, struct reason *reason)
{
    size_t before = 0;

    while (before < epochs->count && epochs->items[before].start_offset <= start)
        before++;
    if (!before || (before == 1 && epochs->items[0].start_offset == start))
        return ERR_OK;
    memmove(epochs->items, epochs->items + before - 1, (epochs->count - before + 1) * sizeof(*epochs->items));
    epochs->count -= before - 1;
    epochs->items[0].start_offset = start;
    return write_file(epochs, reason);
}

enum err epochs_truncate_end(struct epochs *epochs, int64_t end, struct reason *reason)
{
    size_t count = epochs->count;

    while (count && epochs->items[count - 1].start_offset >= end)
        count--;
    if (count == epochs->count)
        return ERR_OK;
    epochs->count = count;
    return write_file(epochs, reason);
}

enum err epochs_clear(struct epochs *epochs, struct reason *reason)
{
    if (!epochs->count)
        return ERR_OK;
    epochs->count = 0;
    return write_file(epochs, reason);
}

void epochs_end_offset(const struct epochs *epochs, int32_t epoch, int64_t log_end, int32_t *out_epoch, int64_t *out_offset)
{
    size_t next = 0;

    *out_epoch = -1;
    *out_offset = -1;
    if (epoch < 0 || !epochs->count || epoch > epochs_latest(epochs))
        return;
    while (next < epochs->count && epochs->items[next].epoch <= epoch)
        next++;
    /* before the first known epoch: it ended where that one began */
    *out_epoch = next ? epochs->items[next - 1].epoch : epoch;
    *out_offset = next < epochs->count ? epochs->items[next].start_offset : log_end;
}
