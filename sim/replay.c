/* A recording: "KFKR" and a version, how the lab was made, then the inputs: kind, virtual time, events run, and what the kind needs. */
#include "sim/replay.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim/lab_internal.h"

enum input { INPUT_OPEN = 1, INPUT_REQUEST, INPUT_CLOSE, INPUT_TIMER, INPUT_END };
enum { FORMAT = 1, MOST_TEXT = 4096 };
static const char magic[4] = "KFKR";

struct recorder {
    struct lab *lab;
    struct buffer bytes;      /* what is not in the file yet */
    size_t most_bytes, count;
    size_t written;           /* bytes in the file, without its end */
    FILE *file;               /* NULL: all stays in memory */
    int64_t at_us, events;    /* the place of the last thing kept, once full */
    bool full;
};
enum { END_BYTES = 17, FLUSH_BYTES = 1024 * 1024 };

/* ---- writing ---- */

static void put_text(struct buffer *out, const char *text)
{
    size_t size = text ? strlen(text) : 0;

    buffer_i32(out, text ? (int32_t)size : -1);
    buffer_put(out, text, size);
}

static void put_end(const struct recorder *recorder, struct buffer *out)
{
    buffer_i8(out, INPUT_END);
    buffer_i64(out, recorder->full ? recorder->at_us : queue_now_us(recorder->lab->queue));
    buffer_i64(out, recorder->full ? recorder->events : (int64_t)queue_events_run(recorder->lab->queue));
}

static bool begin(struct recorder *recorder, enum input kind, size_t size)
{
    if (!recorder->full && recorder->written + recorder->bytes.size + size > recorder->most_bytes) {
        recorder->full = true;
        recorder->at_us = queue_now_us(recorder->lab->queue);
        recorder->events = (int64_t)queue_events_run(recorder->lab->queue);
    }
    if (recorder->full)
        return false;
    if (recorder->file && recorder->bytes.size > FLUSH_BYTES)
        recorder_flush(recorder, NULL);
    buffer_i8(&recorder->bytes, (int8_t)kind);
    buffer_i64(&recorder->bytes, queue_now_us(recorder->lab->queue));
    buffer_i64(&recorder->bytes, (int64_t)queue_events_run(recorder->lab->queue));
    recorder->count++;
    return true;
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
}

static void on_request(void *context, int64_t number, struct bytes frame, int64_t shift_us)
{
    struct recorder *recorder = context;

    if (!begin(recorder, INPUT_REQUEST, frame.size + 64))
        return;
    buffer_i64(&recorder->bytes, number);
    buffer_i64(&recorder->bytes, shift_us);
    buffer_i32(&recorder->bytes, (int32_t)frame.size);
    buffer_put(&recorder->bytes, frame.data, frame.size);
}

static void on_close(void *context, int64_t number)
{
    struct recorder *recorder = context;

    if (begin(recorder, INPUT_CLOSE, 64))
        buffer_i64(&recorder->bytes, number);
}

static void on_timer(void *context, uint64_t number)
{
    struct recorder *recorder = context;

    if (begin(recorder, INPUT_TIMER, 64))
        buffer_i64(&recorder->bytes, (int64_t)number);
}

struct recorder *recorder_new(struct lab *lab, size_t most_bytes)
{
    static const struct wire_recorder hooks = { on_open, on_request, on_close };
    struct recorder *recorder = mem_zero(sizeof(*recorder));
    struct buffer *out = &recorder->bytes;

    recorder->lab = lab;
    recorder->most_bytes = most_bytes ? most_bytes : 256 * 1024 * 1024;
    buffer_put(out, magic, sizeof(magic));
    buffer_i8(out, FORMAT);
    put_text(out, release_name(lab->release));
    buffer_i32(out, lab->brokers);
    buffer_i64(out, (int64_t)lab->seed);
    buffer_i64(out, lab->start_us);
    buffer_i32(out, lab->registered_port);
    for (int32_t i = 0; i < lab->brokers; i++)
        buffer_i32(out, lab->ports[i]);
    buffer_i32(out, (int32_t)lab->settings.count);
    for (size_t i = 0; i < lab->settings.count; i++) {
        put_text(out, lab->settings.sets[i].name);
        put_text(out, lab->settings.sets[i].value);
    }
    wire_record(lab->wire, &hooks, recorder);
    if (lab->wall)
        wall_timers_record(lab->wall, on_timer, recorder);
    return recorder;
}

void recorder_free(struct recorder *recorder)
{
    if (!recorder)
        return;
    if (recorder->lab->wire)
        wire_record(recorder->lab->wire, NULL, NULL);
    if (recorder->lab->wall)
        wall_timers_record(recorder->lab->wall, NULL, NULL);
    if (recorder->file)
        fclose(recorder->file);
    buffer_done(&recorder->bytes);
    mem_free(recorder);
}

bool recorder_full(const struct recorder *recorder)
{
    return recorder->full;
}

size_t recorder_count(const struct recorder *recorder)
{
    return recorder->count;
}

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
    setbuf(recorder->file, NULL);
    return recorder_flush(recorder, reason);
}

/* The end goes along each time, and the next bytes lie over it: a killed lab leaves a whole recording up to its last flush. */
enum err recorder_flush(struct recorder *recorder, struct reason *reason)
{
    struct buffer *out = &recorder->bytes;
    size_t size = out->size;
    bool written;

    if (!recorder->file)
        return ERR_OK;
    put_end(recorder, out);
    written = !fseeko(recorder->file, (off_t)recorder->written, SEEK_SET) && fwrite(out->data, 1, out->size, recorder->file) == out->size;
    if (written)
        recorder->written += size;
    else if (!recorder->full) { /* a full disk: what is there stays a recording */
        recorder->full = true;
        recorder->at_us = queue_now_us(recorder->lab->queue);
        recorder->events = (int64_t)queue_events_run(recorder->lab->queue);
    }
    buffer_clear(out);
    return written ? ERR_OK : file_failed("the recording", reason);
}

/* ---- reading ---- */

static char *get_text(struct reader *reader)
{
    int32_t size = reader_i32(reader);
    struct bytes bytes;

    if (size < 0)
        return NULL;
    if (size > MOST_TEXT) {
        reader->failed = true;
        return NULL;
    }
    bytes = reader_bytes(reader, (size_t)size);
    return reader->failed ? NULL : mem_text_size((const char *)bytes.data, bytes.size);
}

static enum err no_recording(struct reason *reason)
{
    return err_because(ERR_INVALID_REQUEST, reason, "these bytes are no recording of Kafkarium, or it is damaged");
}

struct head {
    enum release release;
    int32_t brokers;
    int64_t seed, start_us;
    int32_t registered_port, ports[100];
};

static enum err read_head(struct reader *reader, struct head *head, struct config_map *settings, struct reason *reason)
{
    struct bytes first = reader_bytes(reader, sizeof(magic));
    int32_t count;
    char *release;
    bool known;

    if (reader->failed || memcmp(first.data, magic, sizeof(magic)) || reader_i8(reader) != FORMAT)
        return no_recording(reason);
    release = get_text(reader);
    known = release && release_parse(release, &head->release);
    mem_free(release);
    head->brokers = reader_i32(reader);
    head->seed = reader_i64(reader);
    head->start_us = reader_i64(reader);
    if (!known || head->brokers < 1 || head->brokers > 100)
        return no_recording(reason);
    head->registered_port = reader_i32(reader);
    if (head->registered_port < 0 || head->registered_port > UINT16_MAX - 100)
        return no_recording(reason);
    for (int32_t i = 0; i < head->brokers; i++) {
        head->ports[i] = reader_i32(reader);
        if (head->ports[i] < 0 || head->ports[i] > UINT16_MAX)
            return no_recording(reason);
    }
    count = reader_i32(reader);
    for (int32_t i = 0; i < count && !reader->failed; i++) {
        char *name = get_text(reader), *value = get_text(reader);

        if (name && value && settings)
            config_map_set(settings, name, value);
        mem_free(name);
        mem_free(value);
    }
    return reader->failed ? no_recording(reason) : ERR_OK;
}

enum err replay_options(struct bytes recording, struct lab_options *options, struct config_map *settings, struct reason *reason)
{
    struct reader reader = reader_of(recording);
    struct head head = { 0 };
    enum err err = read_head(&reader, &head, settings, reason);

    if (err)
        return err;
    lab_options_default(options);
    options->release = head.release;
    options->brokers = head.brokers;
    options->seed = (uint64_t)head.seed;
    options->start_us = head.start_us;
    options->release_given = options->brokers_given = options->seed_given = true;
    options->port = head.registered_port;
    options->ports_only = true;
    options->settings = settings;
    return ERR_OK;
}

/* ---- playing: connections by the numbers that they had, timers by the order in which they were armed ---- */

struct armed {
    struct timer *timer; /* NULL: cancelled or fired */
};
struct player {
    struct lab *lab;
    struct timers wall;        /* first armed timer has number 1 */
    struct armed *armed;
    size_t armed_count, armed_capacity;
    struct played { int64_t number; struct connection *connection; } *connections;
    size_t count, capacity;
};

static struct player *player_of(struct timers *timers)
{
    return (struct player *)((char *)timers - offsetof(struct player, wall));
}

static void arm(struct timers *timers, struct timer *timer, int64_t delay_us)
{
    struct player *player = player_of(timers);

    (void)delay_us;
    ARRAY_ADD(player->armed, player->armed_count, player->armed_capacity) = (struct armed){ timer };
    timer->implementation = (void *)(uintptr_t)player->armed_count;
}

static void cancel(struct timers *timers, struct timer *timer)
{
    struct player *player = player_of(timers);
    size_t number = (size_t)(uintptr_t)timer->implementation;

    if (number && number <= player->armed_count && player->armed[number - 1].timer == timer)
        player->armed[number - 1].timer = NULL;
    timer->implementation = NULL;
}

static int64_t left_us(struct timers *timers, const struct timer *timer)
{
    (void)timers, (void)timer;
    return 0;
}

static void no_reply(void *context, struct frame *answer, bool close)
{
    (void)context, (void)close;
    if (answer)
        frame_done(answer);
}

static struct played *find(struct player *player, int64_t number)
{
    for (size_t i = player->count; i > 0; i--)
        if (player->connections[i - 1].number == number)
            return &player->connections[i - 1];
    return NULL;
}

static enum err play_open(struct player *player, struct reader *reader, struct reason *reason)
{
    int64_t number = reader_i64(reader);
    struct connection_options options = { .broker = reader_i32(reader) };
    char *client_host = get_text(reader), *local_host;

    options.client_port = reader_i32(reader);
    local_host = get_text(reader);
    options.network = reader_i8(reader);
    options.timers = reader_i8(reader) ? &player->wall : wire_virtual_timers(player->lab->wire);
    options.client_host = client_host ? client_host : "";
    options.local_host = local_host;
    if (!reader->failed && cluster_broker(player->lab->cluster, options.broker))
        ARRAY_ADD(player->connections, player->count, player->capacity) = (struct played){ number, connection_open(player->lab->wire, &options) };
    else
        reader->failed = true;
    mem_free(client_host);
    mem_free(local_host);
    return reader->failed ? no_recording(reason) : ERR_OK;
}

static enum err play_request(struct player *player, struct reader *reader, struct reason *reason)
{
    struct played *played = find(player, reader_i64(reader));
    int64_t shift_us = reader_i64(reader);
    int32_t size = reader_i32(reader);
    struct bytes frame = reader_bytes(reader, size < 0 ? SIZE_MAX : (size_t)size);

    if (reader->failed || !played || !played->connection)
        return no_recording(reason);
    if (connection_busy(played->connection))
        return err_because(ERR_INVALID_REQUEST, reason, "the replay went another way than the recording: a request came before the answer to the one before it");
    wire_set_shift(player->lab->wire, shift_us, 0);
    connection_request(played->connection, frame, no_reply, NULL);
    return ERR_OK;
}

static enum err play_close(struct player *player, struct reader *reader)
{
    struct played *played = find(player, reader_i64(reader));

    if (played && played->connection) {
        connection_close(played->connection, "as recorded");
        *played = player->connections[--player->count];
    }
    return ERR_OK;
}

static enum err play_timer(struct player *player, struct reader *reader, struct reason *reason)
{
    uint64_t number = (uint64_t)reader_i64(reader);
    struct timer *timer;

    if (!number || number > player->armed_count || !player->armed[number - 1].timer)
        return err_because(ERR_INVALID_REQUEST, reason, "the replay went another way than the recording: timer %llu is not armed", (unsigned long long)number);
    timer = player->armed[number - 1].timer;
    player->armed[number - 1].timer = NULL;
    timer->implementation = NULL;
    timer->timers = NULL;
    timer->run(timer->context);
    return ERR_OK;
}

/* As a listener that found other ports than those asked for: before anything came in. */
static enum err take_ports(struct lab *lab, const struct head *head, struct reason *reason)
{
    if (head->brokers != lab->brokers)
        return err_because(ERR_INVALID_REQUEST, reason, "the recording is of %d brokers, the lab has %d", head->brokers, lab->brokers);
    for (int32_t i = 0; i < lab->brokers; i++) {
        if (lab->ports[i] == head->ports[i])
            continue;
        lab->ports[i] = head->ports[i];
        broker_set_port(cluster_broker_at(lab->cluster, (size_t)i), head->ports[i]);
    }
    return ERR_OK;
}

/* Up to the place of the next input: so many events, and then that moment. */
static void run_to(struct lab *lab, int64_t at_us, uint64_t events)
{
    while (queue_events_run(lab->queue) < events && queue_next_us(lab->queue) <= at_us && queue_run_next(lab->queue))
        ;
    if (queue_next_us(lab->queue) >= at_us)
        queue_set_us(lab->queue, at_us);
}

enum err replay_run(struct lab *lab, struct bytes recording, struct reason *reason)
{
    struct player player = { .lab = lab, .wall = { .queue = lab->queue, .wall = true, .arm = arm, .cancel = cancel, .left_us = left_us } };
    struct reader reader = reader_of(recording);
    struct head head;
    bool ended = false;
    enum err err = read_head(&reader, &head, NULL, reason);

    if (!err)
        err = take_ports(lab, &head, reason);
    groups_use_wall(lab->cluster, &player.wall); /* as lab_open() does where there is a wall */
    while (!err && !ended) {
        int8_t kind = reader_i8(&reader);
        int64_t at_us = reader_i64(&reader);
        uint64_t events = (uint64_t)reader_i64(&reader);

        if (reader.failed) {
            err = no_recording(reason);
            break;
        }
        run_to(lab, at_us, events);
        switch (kind) {
        case INPUT_OPEN:
            err = play_open(&player, &reader, reason);
            break;
        case INPUT_REQUEST:
            err = play_request(&player, &reader, reason);
            break;
        case INPUT_CLOSE:
            err = play_close(&player, &reader);
            break;
        case INPUT_TIMER:
            err = play_timer(&player, &reader, reason);
            break;
        case INPUT_END:
            ended = true;
            break;
        default:
            err = no_recording(reason);
        }
    }
    for (size_t i = 0; i < player.count; i++)
        connection_close(player.connections[i].connection, "the replay ended");
    groups_use_wall(lab->cluster, NULL);
    for (size_t i = 0; i < player.armed_count; i++)
        if (player.armed[i].timer)
            timer_cancel(player.armed[i].timer);
    mem_free(player.connections);
    mem_free(player.armed);
    return err;
}
