/* Playing a recording: connections by the numbers that they had, timers by the order in which they were armed; and a lab that is moved forward through
 * what was, as far as its recording goes. */
#include "sim/replay.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "sim/recording.h"

static enum err no_recording(struct reason *reason)
{
    return err_because(ERR_INVALID_REQUEST, reason, "these bytes are no recording of Kafkarium, or it is damaged");
}

/* ---- the head ---- */

static char *get_text(struct reader *reader)
{
    int32_t size = reader_i32(reader);
    struct bytes bytes;

    if (size < 0)
        return NULL;
    if (size > RECORDING_MOST_TEXT) {
        reader->failed = true;
        return NULL;
    }
    bytes = reader_bytes(reader, (size_t)size);
    return reader->failed ? NULL : mem_text_size((const char *)bytes.data, bytes.size);
}

struct head {
    enum release release;
    int32_t brokers, controllers;
    int64_t seed, start_us;
    int32_t registered_port, ports[100];
    int8_t flags;
    char host[256];
    int64_t journal_from;
};

static enum err read_head(struct reader *reader, struct head *head, struct config_map *settings, struct reason *reason)
{
    struct bytes first = reader_bytes(reader, sizeof(recording_magic));
    int32_t count;
    int8_t format;
    char *text;
    bool known;

    if (reader->failed || memcmp(first.data, recording_magic, sizeof(recording_magic)))
        return no_recording(reason);
    format = reader_i8(reader);
    if (format != RECORDING_FORMAT)
        return err_because(ERR_INVALID_REQUEST, reason, "this recording is of form %d, which another version of Kafkarium made; form %d is read here", format, RECORDING_FORMAT);
    text = get_text(reader);
    known = text && release_parse(text, &head->release);
    mem_free(text);
    head->brokers = reader_i32(reader);
    head->controllers = reader_i32(reader);
    head->seed = reader_i64(reader);
    head->start_us = reader_i64(reader);
    if (!known || head->brokers < 1 || head->brokers > 100 || head->controllers < 1 || head->controllers > head->brokers)
        return no_recording(reason);
    head->registered_port = reader_i32(reader);
    if (head->registered_port < 0 || head->registered_port > UINT16_MAX - 100)
        return no_recording(reason);
    for (int32_t i = 0; i < head->brokers; i++) {
        head->ports[i] = reader_i32(reader);
        if (head->ports[i] < 0 || head->ports[i] > UINT16_MAX)
            return no_recording(reason);
    }
    head->flags = reader_i8(reader);
    text = get_text(reader);
    snprintf(head->host, sizeof(head->host), "%s", text ? text : "localhost");
    mem_free(text);
    head->journal_from = reader_i64(reader);
    count = reader_i32(reader);
    for (int32_t i = 0; i < count && !reader->failed; i++) {
        char *name = get_text(reader), *value = get_text(reader);

        if (name && value && settings)
            config_map_set(settings, name, value);
        mem_free(name);
        mem_free(value);
    }
    return reader->failed || head->journal_from < 0 || head->start_us < 0 ? no_recording(reason) : ERR_OK;
}

static void options_of(const struct head *head, struct lab_options *options, struct config_map *settings)
{
    lab_options_default(options);
    options->release = head->release;
    options->brokers = head->brokers;
    options->controllers = head->controllers;
    options->controllers_given = !release_is_27(head->release);
    options->seed = (uint64_t)head->seed;
    options->start_us = head->start_us;
    options->release_given = options->brokers_given = options->seed_given = true;
    options->port = head->registered_port;
    options->ports_only = true;
    options->keep_timestamps = head->flags & HEAD_KEEP_TIMESTAMPS;
    options->journal_from = (uint64_t)head->journal_from;
    options->settings = settings;
    snprintf(options->registered_host, sizeof(options->registered_host), "%s", head->host);
}

enum err replay_options(struct bytes recording, struct lab_options *options, struct config_map *settings, struct reason *reason)
{
    struct reader reader = reader_of(recording);
    struct head head = { 0 };
    enum err err = read_head(&reader, &head, settings, reason);

    if (!err)
        options_of(&head, options, settings);
    return err;
}

/* ---- where the bytes come from: memory, a file, or the recorder of a lab that lives ---- */

enum { WINDOW = 256 * 1024 };

struct source {
    struct bytes bytes;               /* all of it; NULL: a file or a recorder */
    const struct recorder *recorder;
    FILE *file;
    struct buffer window;             /* bytes from `at` on are at `taken` in it */
    size_t at, taken;                 /* at: in the recording */
};

static size_t in_window(const struct source *source)
{
    return source->window.size - source->taken;
}

/* At least `size` bytes from source->at on, if there are so many: they lie at *data. */
static bool source_has(struct source *source, size_t size, const uint8_t **data)
{
    size_t had;

    if (source->bytes.data) {
        *data = source->bytes.data + source->at;
        return source->bytes.size - source->at >= size;
    }
    if (in_window(source) < size && source->taken) {
        memmove(source->window.data, source->window.data + source->taken, in_window(source));
        source->window.size -= source->taken;
        source->taken = 0;
    }
    while ((had = in_window(source)) < size) {
        size_t most = size - had > WINDOW ? size - had : WINDOW;

        if (source->recorder) {
            if (!recorder_read(source->recorder, source->at + had, most, &source->file, &source->window))
                return false;
        } else {
            size_t got;

            if (size - had > 1 << 30)
                return false;
            got = fread(buffer_add(&source->window, most), 1, most, source->file);
            source->window.size -= most - got;
        }
        if (in_window(source) == had)
            return false;
    }
    *data = source->window.data + source->taken;
    return true;
}

static void source_take(struct source *source, size_t size)
{
    source->at += size;
    if (!source->bytes.data)
        source->taken += size;
}

static void source_done(struct source *source)
{
    if (source->file)
        fclose(source->file);
    buffer_done(&source->window);
}

/* The head: it may be as long as its settings are. */
static enum err source_head(struct source *source, struct head *head, struct config_map *settings, struct reason *reason)
{
    enum { MOST_HEAD = 1 << 20 };
    const uint8_t *data = NULL;
    size_t there;
    struct reader reader;
    enum err err;

    if (source->bytes.data) {
        data = source->bytes.data;
        there = source->bytes.size;
    } else {
        source_has(source, MOST_HEAD, &data); /* as much as there is */
        data = source->window.data + source->taken;
        there = in_window(source);
    }
    reader = reader_of((struct bytes){ data, there });
    err = read_head(&reader, head, settings, reason);
    if (!err)
        source_take(source, (size_t)(reader.at - data));
    return err;
}

/* ---- a lab's feeder ---- */

struct armed {
    struct timer *timer;       /* NULL: cancelled or fired */
    int64_t delay_us;
};
struct player {
    struct lab *lab;
    struct source source;
    struct timers wall;        /* first armed timer has number 1 */
    struct armed *armed;
    size_t armed_count, armed_capacity;
    struct played { int64_t number; struct connection *connection; } *connections;
    size_t count, capacity;
    /* the input that comes next */
    bool loaded, ended, failed;
    enum input kind;
    struct place place;
    struct bytes body;
    uint64_t inputs;           /* given so far */
    uint64_t end_journal, end_chance;
    bool end_known;
    struct reason why;         /* it failed */
};

static struct player *player_of(struct timers *timers)
{
    return (struct player *)((char *)timers - offsetof(struct player, wall));
}

static void arm(struct timers *timers, struct timer *timer, int64_t delay_us)
{
    struct player *player = player_of(timers);

    ARRAY_ADD(player->armed, player->armed_count, player->armed_capacity) = (struct armed){ timer, delay_us };
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
    const struct player *player = player_of(timers);
    size_t number = (size_t)(uintptr_t)timer->implementation;

    return number && number <= player->armed_count ? player->armed[number - 1].delay_us : 0; /* how much of it had passed, nobody knows */
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

/* Its broker went; the recording has no input of that. */
static void on_lost(void *context, int64_t number, bool reset)
{
    struct player *player = context;
    struct played *played = find(player, number);

    (void)reset;
    if (played)
        *played = player->connections[--player->count];
}

static bool broker_is_up(const struct lab *lab, int32_t id)
{
    const struct broker *broker = cluster_broker(lab->cluster, id);

    return broker && broker_up(broker);
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
    options.lost = on_lost;
    options.lost_context = player;
    options.client_host = client_host ? client_host : "";
    options.local_host = local_host;
    if (!reader->failed && broker_is_up(player->lab, options.broker))
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
    struct bytes frame = reader_bytes(reader, reader_left(reader));

    if (reader->failed || !played || !played->connection)
        return no_recording(reason);
    if (connection_busy(played->connection))
        return err_because(ERR_INVALID_REQUEST, reason, "the replay went another way than the recording: input %llu, after %llu events, a request came before the answer "
                           "to the one before it", (unsigned long long)player->inputs, (unsigned long long)player->place.events);
    wire_set_shift(player->lab->wire, shift_us, 0);
    connection_request(played->connection, frame, no_reply, NULL);
    return ERR_OK;
}

static enum err play_close(struct player *player, struct reader *reader)
{
    struct played *played = find(player, reader_i64(reader));
    char *why = get_text(reader);

    if (played && played->connection) {
        connection_close(played->connection, why ? why : "as recorded");
        *played = player->connections[--player->count];
    }
    mem_free(why);
    return ERR_OK;
}

static enum err play_timer(struct player *player, struct reader *reader, struct reason *reason)
{
    uint64_t number = (uint64_t)reader_i64(reader);
    struct timer *timer;

    if (!number || number > player->armed_count || !player->armed[number - 1].timer)
        return err_because(ERR_INVALID_REQUEST, reason, "the replay went another way than the recording: timer %llu is not armed", (unsigned long long)number);
    recorder_timer(player->lab->recorder, number); /* a branch keeps what it is given */
    timer = player->armed[number - 1].timer;
    player->armed[number - 1].timer = NULL;
    timer->implementation = NULL;
    timer->timers = NULL;
    timer->run(timer->context);
    return ERR_OK;
}

static enum err play_note(struct player *player, struct reader *reader, struct reason *reason)
{
    char *name = get_text(reader);
    int32_t broker = reader_i32(reader);
    char *subject = get_text(reader), *text = get_text(reader);
    int kind = 0;

    while (kind < EVENT_KINDS && !(name && text_equal(event_name((enum event_kind)kind), name)))
        kind++;
    if (kind < EVENT_KINDS && !reader->failed) {
        const struct entry *entry = ENTRY((enum event_kind)kind, .broker = broker, .subject = subject, .text = text);

        recorder_note(player->lab->recorder, entry);
        journal_add(player->lab->journal, entry);
    }
    mem_free(name);
    mem_free(subject);
    mem_free(text);
    return kind == EVENT_KINDS || reader->failed ? no_recording(reason) : ERR_OK;
}

static enum err play_advance(struct player *player, struct reader *reader, struct reason *reason)
{
    int64_t us = reader_i64(reader);

    if (reader->failed || us < 0)
        return no_recording(reason);
    lab_advance_clients(player->lab, us);
    return ERR_OK;
}

/* One that was refused is refused again. */
static enum err play_order(struct player *player, struct reader *reader, struct reason *reason)
{
    char *words = get_text(reader);

    if (reader->failed || !words) {
        mem_free(words);
        return no_recording(reason);
    }
    order_play(player->lab, words);
    mem_free(words);
    return ERR_OK;
}

static void close_all(struct player *player, const char *why)
{
    while (player->count)
        connection_close(player->connections[--player->count].connection, why);
}

/* In the branch the wall's timers were armed anew, in this order. */
static enum err play_branch(struct player *player)
{
    recorder_branch(player->lab->recorder);
    groups_use_wall(player->lab->cluster, &player->wall);
    return ERR_OK;
}

static enum err play_port(struct player *player, struct reader *reader, struct reason *reason)
{
    struct lab *lab = player->lab;
    int32_t i = reader_i32(reader), port = reader_i32(reader);

    if (reader->failed || i < 0 || i >= lab->brokers || port < 0 || port > UINT16_MAX)
        return no_recording(reason);
    lab->ports[i] = port;
    recorder_port(lab->recorder, i, port);
    broker_set_port(cluster_broker_at(lab->cluster, (size_t)i), port);
    return ERR_OK;
}

static enum err play_end(struct player *player, struct reader *reader)
{
    player->ended = true;
    player->end_known = reader_left(reader) >= 16;
    player->end_journal = (uint64_t)reader_i64(reader);
    player->end_chance = (uint64_t)reader_i64(reader);
    return ERR_OK;
}

static enum err give(struct player *player)
{
    struct reader reader = reader_of(player->body);
    struct reason *why = &player->why;

    switch (player->kind) {
    case INPUT_OPEN:
        return play_open(player, &reader, why);
    case INPUT_REQUEST:
        return play_request(player, &reader, why);
    case INPUT_CLOSE:
        return play_close(player, &reader);
    case INPUT_TIMER:
        return play_timer(player, &reader, why);
    case INPUT_NOTE:
        return play_note(player, &reader, why);
    case INPUT_ADVANCE:
        return play_advance(player, &reader, why);
    case INPUT_ORDER:
        return play_order(player, &reader, why);
    case INPUT_PORT:
        return play_port(player, &reader, why);
    case INPUT_BRANCH:
        return play_branch(player);
    case INPUT_END:
        return play_end(player, &reader);
    }
    return no_recording(why);
}

static bool fail(struct player *player)
{
    player->failed = true;
    return false;
}

/* The next input's head and body; false: there is none at present, or it can't be read (failed). A live recorder has no end of its own. */
static bool load(struct player *player)
{
    struct source *source = &player->source;
    const uint8_t *data;
    struct reader reader;
    uint32_t size;

    if (player->loaded)
        return true;
    if (player->ended || player->failed)
        return false;
    if (!source_has(source, INPUT_HEAD_BYTES, &data)) {
        if (!source->recorder) {
            no_recording(&player->why);
            fail(player);
        }
        return false;
    }
    reader = reader_of((struct bytes){ data, INPUT_HEAD_BYTES });
    player->kind = (enum input)reader_i8(&reader);
    player->place.at_us = reader_i64(&reader);
    player->place.events = (uint64_t)reader_i64(&reader);
    size = reader_u32(&reader);
    if (!source_has(source, INPUT_HEAD_BYTES + (size_t)size, &data)) {
        no_recording(&player->why);
        return fail(player);
    }
    player->body = (struct bytes){ data + INPUT_HEAD_BYTES, size };
    source_take(source, INPUT_HEAD_BYTES + (size_t)size);
    player->loaded = true;
    return true;
}

/* Where the next input comes, or how far the recording reaches without one. */
static struct place next_place(struct player *player)
{
    if (load(player))
        return player->place;
    if (player->source.recorder && !player->failed)
        return recorder_end(player->source.recorder);
    return (struct place){ queue_now_us(player->lab->queue), queue_events_run(player->lab->queue) };
}

bool player_at_end(struct player *player)
{
    struct place place;

    if (load(player))
        return false;
    place = next_place(player);
    return queue_events_run(player->lab->queue) >= place.events && queue_now_us(player->lab->queue) >= place.at_us;
}

/* The clock to `at_us`, with what others' events are due on the way: those of who looks at this past. */
static void set_clock(struct player *player, int64_t at_us)
{
    struct queue *queue = player->lab->queue;

    while (queue_next_us(queue) < at_us && queue_next_outside(queue) && queue_run_next(queue))
        ;
    if (queue_next_us(queue) >= at_us)
        queue_set_us(queue, at_us);
}

/* One event of the lab, or the next input: whatever comes first, but nothing after `until_us`. False: there was none. */
bool player_step(struct player *player, int64_t until_us)
{
    struct queue *queue = player->lab->queue;
    struct place place = next_place(player);

    if (player->failed)
        return false;
    if (queue_events_run(queue) < place.events && queue_next_us(queue) <= place.at_us)
        return queue_next_us(queue) <= until_us && queue_run_next(queue);
    if (!player->loaded || place.at_us > until_us)
        return false;
    if (queue_events_run(queue) != place.events) {
        err_because(ERR_INVALID_REQUEST, &player->why, "the replay went another way than the recording: %llu events ran before an input, not %llu",
                    (unsigned long long)queue_events_run(queue), (unsigned long long)place.events);
        return fail(player);
    }
    set_clock(player, place.at_us);
    player->loaded = false;
    player->inputs++;
    if (give(player))
        return fail(player);
    return true;
}

/* All is done up to `until_us`, or to where the recording ends: the clock goes there. */
void player_settle(struct player *player, int64_t until_us)
{
    struct place place = next_place(player);

    if (!player->failed && !player->ended)
        set_clock(player, place.at_us < until_us ? place.at_us : until_us);
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

static void player_begin(struct player *player, struct lab *lab, const struct head *head)
{
    player->lab = lab;
    player->wall = (struct timers){ .queue = lab->queue, .wall = true, .arm = arm, .cancel = cancel, .left_us = left_us };
    if (!(head->flags & HEAD_NO_WALL))
        groups_use_wall(lab->cluster, &player->wall); /* as lab_open() does */
}

static void player_done(struct player *player)
{
    if (player->lab) {
        close_all(player, "the replay ended");
        groups_use_wall(player->lab->cluster, NULL);
        for (size_t i = 0; i < player->armed_count; i++)
            if (player->armed[i].timer)
                timer_cancel(player->armed[i].timer);
    }
    mem_free(player->connections);
    mem_free(player->armed);
    source_done(&player->source);
}

enum err replay_run(struct lab *lab, struct bytes recording, struct reason *reason)
{
    struct player player = { .source = { .bytes = recording } };
    struct head head = { 0 };
    enum err err = recording.data ? source_head(&player.source, &head, NULL, reason) : no_recording(reason);

    if (!err)
        err = take_ports(lab, &head, reason);
    player_begin(&player, lab, &head);
    while (!err && player_step(&player, INT64_MAX))
        ;
    if (!err && player.failed)
        err = err_because(ERR_INVALID_REQUEST, reason, "%s", player.why.text);
    player_done(&player);
    return err;
}

/* ---- the past: a second lab, and its player ---- */

struct past {
    struct player player;
    struct lab *lab;
    struct config_map settings;
    int64_t from_us;
    char *path, *base;         /* of a file */
    const char *made_with;
    bool live;
    bool branches;             /* its lab is to live: a real folder, and it keeps its inputs */
};

static enum err past_begin(struct past *past, const char *base, const char *dir, uv_loop_t *loop, struct reason *reason)
{
    struct lab_options options;
    struct head head = { 0 };
    enum err err = source_head(&past->player.source, &head, &past->settings, reason);

    if (err)
        return err;
    if (head.flags & HEAD_BASE && !base)
        return err_because(ERR_INVALID_REQUEST, reason, "the recording goes on from files that a lab had, and their copy is not there");
    options_of(&head, &options, &past->settings);
    options.memory = !past->branches;
    options.dir = dir;
    options.record = past->branches;
    options.made_with = past->made_with;
    options.base = head.flags & HEAD_BASE ? base : NULL;
    err = lab_open(&past->lab, &options, reason);
    if (err)
        return err;
    past->from_us = head.start_us;
    lab_make_past(past->lab, &past->player, !past->branches, loop);
    err = take_ports(past->lab, &head, reason);
    player_begin(&past->player, past->lab, &head);
    return err;
}

static enum err past_opened(struct past *past, enum err err, struct past **out)
{
    if (err)
        past_close(past);
    *out = err ? NULL : past;
    return err;
}

enum err past_open_live(struct past **out, const struct recorder *recorder, const char *base, uv_loop_t *loop, struct reason *reason)
{
    struct past *past = mem_zero(sizeof(*past));

    past->player.source.recorder = recorder;
    past->live = true;
    return past_opened(past, past_begin(past, base, NULL, loop, reason), out);
}

static enum err open_source(struct past *past, struct reason *reason)
{
    past->player.source.file = fopen(past->path, "rbe");
    return past->player.source.file ? ERR_OK : err_because(ERR_INVALID_REQUEST, reason, "%s: %s", past->path, strerror(errno));
}

enum err past_open_file(struct past **out, const char *path, const char *base, uv_loop_t *loop, struct reason *reason)
{
    struct past *past = mem_zero(sizeof(*past));
    enum err err;

    past->path = mem_text(path);
    past->base = mem_text(base);
    err = open_source(past, reason);
    if (!err)
        err = past_begin(past, base, NULL, loop, reason);
    return past_opened(past, err, out);
}

enum err branch_begin(struct past **out, const struct branch_source *source, const char *dir, struct reason *reason)
{
    struct past *past = mem_zero(sizeof(*past));
    enum err err = ERR_OK;

    past->player.source.recorder = source->recorder;
    past->path = mem_text(source->path);
    past->made_with = source->made_with;
    past->live = source->recorder != NULL;
    past->branches = true;
    if (!source->recorder)
        err = open_source(past, reason);
    if (!err)
        err = past_begin(past, source->base, dir, NULL, reason);
    return past_opened(past, err, out);
}

const char *past_path(const struct past *past) { return past->path; }
const char *past_base(const struct past *past) { return past->base; }

/* The end lies at the end of the file: with what the lab had come to, or without, where the recording was full. */
enum err recording_look(const char *path, struct recording_span *out, struct reason *reason)
{
    struct source source = { .file = fopen(path, "rbe") };
    struct head head = { 0 };
    enum err err = source.file ? source_head(&source, &head, NULL, reason) : err_because(ERR_INVALID_REQUEST, reason, "%s: %s", path, strerror(errno));

    *out = (struct recording_span){ .from_us = head.start_us, .end_us = head.start_us, .first_entry = (uint64_t)head.journal_from + 1, .based = head.flags & HEAD_BASE };
    for (int more = 16; !err && more >= 0; more -= 16) {
        uint8_t end[INPUT_HEAD_BYTES + 16];
        size_t size = INPUT_HEAD_BYTES + (size_t)more;
        struct reader reader = reader_of((struct bytes){ end, size });

        if (fseeko(source.file, -(off_t)size, SEEK_END) || fread(end, 1, size, source.file) != size || reader_i8(&reader) != INPUT_END)
            continue;
        out->end_us = reader_i64(&reader);
        reader_i64(&reader);
        if (reader_i32(&reader) != more)
            continue;
        out->last_entry = more ? (uint64_t)reader_i64(&reader) : 0;
        break;
    }
    source_done(&source);
    return err;
}

struct past_place past_place(const struct past *past)
{
    const struct queue *queue = past->lab->queue;

    return (struct past_place){ queue_now_us(queue), queue_events_run(queue), past->player.inputs };
}

struct past_place recorder_place(const struct recorder *recorder)
{
    struct place place = recorder_end(recorder);

    return (struct past_place){ place.at_us, place.events, recorder_count(recorder) };
}

bool past_run_to(struct past *past, const struct past_place *place, int64_t most_us)
{
    struct player *player = &past->player;
    int64_t end = monotonic_now_us() + most_us;

    while (queue_events_run(past->lab->queue) < place->events || player->inputs < place->inputs)
        if (!player_step(player, INT64_MAX))
            return true;
        else if (monotonic_now_us() > end)
            return false;
    if (!player->failed)
        set_clock(player, place->at_us);
    return true;
}

enum err branch_live(struct past *past, uv_loop_t *loop, const struct lab_options *net, struct lab **out, struct reason *reason)
{
    struct player *player = &past->player;
    struct lab *lab = past->lab;

    *out = NULL;
    close_all(player, "it was a client of another lab");
    recorder_branch(lab->recorder);
    lab_go_live(lab, loop, player->armed_count);
    player->lab = NULL;
    lab->player = NULL;
    past->lab = NULL;
    past_close(past);
    *out = lab;
    return net->listen ? lab_listen(lab, net, reason) : ERR_OK;
}

void past_close(struct past *past)
{
    if (!past)
        return;
    if (past->lab)
        past->lab->player = NULL;
    player_done(&past->player);
    lab_close(past->lab);
    config_map_done(&past->settings);
    mem_free(past->path);
    mem_free(past->base);
    mem_free(past);
}

struct lab *past_lab(const struct past *past) { return past->lab; }
int64_t past_from_us(const struct past *past) { return past->from_us; }
uint64_t past_inputs(const struct past *past) { return past->player.inputs; }
bool past_is_live(const struct past *past) { return past->live; }
bool past_at_end(struct past *past) { return player_at_end(&past->player); }

int64_t lab_past_end_us(const struct lab *lab)
{
    const struct player *player = lab->player;

    return player && player->source.recorder ? recorder_end_us(player->source.recorder) : player && player->ended ? queue_now_us(lab->queue) : INT64_MAX;
}

enum err past_error(const struct past *past, struct reason *reason)
{
    return past->player.failed ? err_because(ERR_INVALID_REQUEST, reason, "%s", past->player.why.text) : ERR_OK;
}

bool past_as_recorded(const struct past *past)
{
    const struct player *player = &past->player;

    return player->ended && !player->failed &&
           (!player->end_known || (player->end_journal == journal_last(past->lab->journal) && player->end_chance == cluster_random(past->lab->cluster)->state[0]));
}
