/* Keeping a lab's inputs, in memory or in a file. */
#include "sim/recording.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

const char recording_magic[4] = "KFKR";

struct recorder {
    struct lab *lab;
    struct buffer bytes;      /* what is not in the file yet */
    size_t most_bytes, count;
    size_t written;           /* bytes in the file, without its end */
    size_t begun;             /* where the input under way begins in `bytes` */
    char *path;
    FILE *file;               /* NULL: all stays in memory */
    struct place full_at;
    bool full, failed;
};
enum { FLUSH_BYTES = 1024 * 1024 };

static void put_text(struct buffer *out, const char *text)
{
    size_t size = text ? strlen(text) : 0;

    if (size > RECORDING_MOST_TEXT)
        size = RECORDING_MOST_TEXT;
    buffer_i32(out, text ? (int32_t)size : -1);
    buffer_put(out, text, size);
}

struct place recorder_end(const struct recorder *recorder)
{
    const struct queue *queue = recorder->lab->queue;

    return recorder->full ? recorder->full_at : (struct place){ queue_now_us(queue), queue_events_run(queue) };
}

static void put_head(struct buffer *out, enum input kind, struct place place)
{
    buffer_i8(out, (int8_t)kind);
    buffer_i64(out, place.at_us);
    buffer_i64(out, (int64_t)place.events);
    buffer_i32(out, 0);
}

static void put_end(const struct recorder *recorder, struct buffer *out)
{
    size_t size_at;

    put_head(out, INPUT_END, recorder_end(recorder));
    size_at = out->size - 4;
    if (!recorder->full) { /* else it is not known any more what there was */
        buffer_i64(out, (int64_t)journal_last(recorder->lab->journal));
        buffer_i64(out, (int64_t)cluster_random(recorder->lab->cluster)->state[0]);
    }
    put_u32(out->data + size_at, (uint32_t)(out->size - size_at - 4));
}

static void fill(struct recorder *recorder)
{
    recorder->full_at = recorder_end(recorder);
    recorder->full = true;
}

static bool begin(struct recorder *recorder, enum input kind, size_t size)
{
    if (!recorder->full && recorder->written + recorder->bytes.size + size > recorder->most_bytes)
        fill(recorder);
    if (recorder->full)
        return false;
    if (recorder->file && recorder->bytes.size > FLUSH_BYTES)
        recorder_flush(recorder, NULL);
    if (recorder->full) /* the disk was */
        return false;
    recorder->begun = recorder->bytes.size;
    put_head(&recorder->bytes, kind, recorder_end(recorder));
    recorder->count++;
    return true;
}

static void end(struct recorder *recorder)
{
    uint8_t *at = recorder->bytes.data + recorder->begun;

    put_u32(at + INPUT_HEAD_BYTES - 4, (uint32_t)(recorder->bytes.size - recorder->begun - INPUT_HEAD_BYTES));
}

static void on_open(void *context, int64_t number, const struct connection_options *options)
{
    struct recorder *recorder = context;

    if (!begin(recorder, INPUT_OPEN, 512))
        return;
    buffer_i64(&recorder->bytes, number);
    buffer_i32(&recorder->bytes, options->broker);
    put_text(&recorder->bytes, options->client_host);
    buffer_i32(&recorder->bytes, options->client_port);
    put_text(&recorder->bytes, options->local_host);
    buffer_i8(&recorder->bytes, options->network);
    buffer_i8(&recorder->bytes, options->timers->wall);
    end(recorder);
}

static void on_request(void *context, int64_t number, struct bytes frame, int64_t shift_us)
{
    struct recorder *recorder = context;

    if (!begin(recorder, INPUT_REQUEST, frame.size + 64))
        return;
    buffer_i64(&recorder->bytes, number);
    buffer_i64(&recorder->bytes, shift_us);
    buffer_put(&recorder->bytes, frame.data, frame.size);
    end(recorder);
}

static void on_close(void *context, int64_t number, const char *why)
{
    struct recorder *recorder = context;

    if (!begin(recorder, INPUT_CLOSE, 512))
        return;
    buffer_i64(&recorder->bytes, number);
    put_text(&recorder->bytes, why);
    end(recorder);
}

static void on_refused(void *context, int32_t broker, const char *client, const char *text)
{
    struct recorder *recorder = context;

    recorder_note(recorder, ENTRY(EVENT_client_refused, .broker = broker, .subject = client, .text = text));
}

static void on_timer(void *context, uint64_t number)
{
    struct recorder *recorder = context;

    if (!begin(recorder, INPUT_TIMER, 64))
        return;
    buffer_i64(&recorder->bytes, (int64_t)number);
    end(recorder);
}

void recorder_timer(struct recorder *recorder, uint64_t number)
{
    if (recorder)
        on_timer(recorder, number);
}

void recorder_port(struct recorder *recorder, int32_t broker_index, int32_t port)
{
    if (!recorder || !begin(recorder, INPUT_PORT, 64))
        return;
    buffer_i32(&recorder->bytes, broker_index);
    buffer_i32(&recorder->bytes, port);
    end(recorder);
}

void recorder_branch(struct recorder *recorder)
{
    if (recorder && begin(recorder, INPUT_BRANCH, 64))
        end(recorder);
}

/* A lab that lives from here on. */
void recorder_go_live(struct recorder *recorder)
{
    if (recorder && recorder->lab->wall)
        wall_timers_record(recorder->lab->wall, on_timer, recorder);
}

void recorder_note(struct recorder *recorder, const struct entry *entry)
{
    if (!recorder || !begin(recorder, INPUT_NOTE, 2 * RECORDING_MOST_TEXT))
        return;
    put_text(&recorder->bytes, event_name(entry->kind));
    buffer_i32(&recorder->bytes, entry->broker);
    put_text(&recorder->bytes, entry->subject);
    put_text(&recorder->bytes, entry->text);
    end(recorder);
}

void recorder_advance(struct recorder *recorder, int64_t us)
{
    if (!recorder || !begin(recorder, INPUT_ADVANCE, 64))
        return;
    buffer_i64(&recorder->bytes, us);
    end(recorder);
}

void recorder_order(struct recorder *recorder, const char *words)
{
    if (!recorder || !begin(recorder, INPUT_ORDER, RECORDING_MOST_TEXT))
        return;
    put_text(&recorder->bytes, words);
    end(recorder);
}

struct recorder *recorder_new(struct lab *lab, size_t most_bytes)
{
    static const struct wire_recorder hooks = { on_open, on_request, on_close, on_refused };
    struct recorder *recorder = mem_zero(sizeof(*recorder));
    struct buffer *out = &recorder->bytes;

    recorder->lab = lab;
    recorder->most_bytes = most_bytes ? most_bytes : 256 * 1024 * 1024;
    buffer_put(out, recording_magic, sizeof(recording_magic));
    buffer_i8(out, RECORDING_FORMAT);
    put_text(out, release_name(lab->release));
    buffer_i32(out, lab->brokers);
    buffer_i32(out, lab->controllers);
    buffer_i64(out, (int64_t)lab->seed);
    buffer_i64(out, lab->start_us);
    buffer_i32(out, lab->registered_port);
    for (int32_t i = 0; i < lab->brokers; i++)
        buffer_i32(out, lab->ports[i]);
    buffer_i8(out, (int8_t)((lab->keep_timestamps ? HEAD_KEEP_TIMESTAMPS : 0) | (lab->based ? HEAD_BASE : 0) |
                             (lab->wall ? 0 : HEAD_NO_WALL)));
    put_text(out, lab->registered_host);
    buffer_i64(out, (int64_t)lab->journal_from);
    buffer_i32(out, (int32_t)(lab->settings.count + lab->own.count));
    for (size_t i = 0; i < lab->settings.count + lab->own.count; i++) {
        const struct config_set *set = i < lab->settings.count ? &lab->settings.sets[i] : &lab->own.sets[i - lab->settings.count];

        put_text(out, set->name);
        put_text(out, set->value);
    }
    lab->recorder = recorder;
    wire_record(lab->wire, &hooks, recorder);
    if (lab->wall)
        wall_timers_record(lab->wall, on_timer, recorder);
    lab->recorder = recorder;
    return recorder;
}

void recorder_free(struct recorder *recorder)
{
    if (!recorder)
        return;
    recorder->lab->recorder = NULL;
    if (recorder->lab->wire)
        wire_record(recorder->lab->wire, NULL, NULL);
    if (recorder->lab->wall)
        wall_timers_record(recorder->lab->wall, NULL, NULL);
    if (recorder->lab->recorder == recorder)
        recorder->lab->recorder = NULL;
    if (recorder->file)
        fclose(recorder->file);
    buffer_done(&recorder->bytes);
    mem_free(recorder->path);
    mem_free(recorder);
}

bool recorder_full(const struct recorder *recorder) { return recorder->full; }
size_t recorder_count(const struct recorder *recorder) { return recorder->count; }
size_t recorder_bytes(const struct recorder *recorder) { return recorder->written + recorder->bytes.size; }
size_t recorder_most_bytes(const struct recorder *recorder) { return recorder->most_bytes; }
int64_t recorder_end_us(const struct recorder *recorder) { return recorder_end(recorder).at_us; }

void recorder_save(const struct recorder *recorder, struct buffer *out)
{
    assert(!recorder->file);
    buffer_put(out, recorder->bytes.data, recorder->bytes.size);
    put_end(recorder, out);
}

static enum err file_failed(const char *path, struct reason *reason)
{
    return err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s: %s", path, strerror(errno));
}

enum err recorder_to_file(struct recorder *recorder, const char *path, struct reason *reason)
{
    assert(!recorder->file);
    recorder->file = fopen(path, "wbe");
    if (!recorder->file)
        return file_failed(path, reason);
    recorder->path = mem_text(path);
    setbuf(recorder->file, NULL);
    return recorder_flush(recorder, reason);
}

/* The end goes along each time, and the next bytes lie over it: a killed lab leaves a whole recording up to its last flush. */
enum err recorder_flush(struct recorder *recorder, struct reason *reason)
{
    struct buffer *out = &recorder->bytes;
    size_t size = out->size;

    if (!recorder->file || recorder->failed)
        return ERR_OK;
    put_end(recorder, out);
    if (!fseeko(recorder->file, (off_t)recorder->written, SEEK_SET) && fwrite(out->data, 1, out->size, recorder->file) == out->size) {
        recorder->written += size;
        buffer_clear(out);
        return ERR_OK;
    }
    /* a full disk: what is there stays a recording, and so does what is still in memory for as long as the lab is open */
    out->size = size;
    recorder->failed = true;
    if (!recorder->full)
        fill(recorder);
    return file_failed(recorder->path, reason);
}

bool recorder_read(const struct recorder *recorder, size_t at, size_t most, FILE **file, struct buffer *out)
{
    size_t part;

    if (at < recorder->written) {
        part = recorder->written - at < most ? recorder->written - at : most;
        if (!*file && !(*file = fopen(recorder->path, "rbe")))
            return false;
        setbuf(*file, NULL);
        if (fseeko(*file, (off_t)at, SEEK_SET) || fread(buffer_add(out, part), 1, part, *file) != part) {
            out->size -= part;
            return false;
        }
        return true;
    }
    at -= recorder->written;
    if (at < recorder->bytes.size) {
        part = recorder->bytes.size - at < most ? recorder->bytes.size - at : most;
        buffer_put(out, recorder->bytes.data + at, part);
    }
    return true;
}
