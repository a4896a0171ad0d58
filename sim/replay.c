/* Playing a recording: connections by the numbers that they had, timers by the order in which they were armed. */
#include "sim/replay_internal.h"

#include <stddef.h>

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
    char *client_host = recording_get_text(reader), *local_host;

    options.client_port = reader_i32(reader);
    local_host = recording_get_text(reader);
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
    return reader->failed ? recording_damaged(reason) : ERR_OK;
}

static enum err play_request(struct player *player, struct reader *reader, struct reason *reason)
{
    struct played *played = find(player, reader_i64(reader));
    int64_t shift_us = reader_i64(reader);
    struct bytes frame = reader_bytes(reader, reader_left(reader));

    if (reader->failed || !played || !played->connection)
        return recording_damaged(reason);
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
    char *why = recording_get_text(reader);

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
    char *name = recording_get_text(reader);
    int32_t broker = reader_i32(reader);
    char *subject = recording_get_text(reader), *text = recording_get_text(reader);
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
    return kind == EVENT_KINDS || reader->failed ? recording_damaged(reason) : ERR_OK;
}

static enum err play_advance(struct player *player, struct reader *reader, struct reason *reason)
{
    int64_t us = reader_i64(reader);

    if (reader->failed || us < 0)
        return recording_damaged(reason);
    lab_advance_clients(player->lab, us);
    return ERR_OK;
}

/* One that was refused is refused again. */
static enum err play_order(struct player *player, struct reader *reader, struct reason *reason)
{
    char *words = recording_get_text(reader);

    if (reader->failed || !words) {
        mem_free(words);
        return recording_damaged(reason);
    }
    order_play(player->lab, words);
    mem_free(words);
    return ERR_OK;
}

void player_close_all(struct player *player, const char *why)
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
        return recording_damaged(reason);
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
    return recording_damaged(why);
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
            recording_damaged(&player->why);
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
        recording_damaged(&player->why);
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

void player_set_clock(struct player *player, int64_t at_us)
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
    player_set_clock(player, place.at_us);
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
        player_set_clock(player, place.at_us < until_us ? place.at_us : until_us);
}

enum err player_take_ports(struct lab *lab, const struct recording_head *head, struct reason *reason)
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

void player_begin(struct player *player, struct lab *lab, const struct recording_head *head)
{
    player->lab = lab;
    player->wall = (struct timers){ .queue = lab->queue, .wall = true, .arm = arm, .cancel = cancel, .left_us = left_us };
    if (!(head->flags & HEAD_NO_WALL))
        groups_use_wall(lab->cluster, &player->wall); /* as lab_open() does */
}

void player_done(struct player *player)
{
    if (player->lab) {
        player_close_all(player, "the replay ended");
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
    struct recording_head head = { 0 };
    enum err err = recording.data ? source_head(&player.source, &head, NULL, reason) : recording_damaged(reason);

    if (!err)
        err = player_take_ports(lab, &head, reason);
    player_begin(&player, lab, &head);
    while (!err && player_step(&player, INT64_MAX))
        ;
    if (!err && player.failed)
        err = err_because(ERR_INVALID_REQUEST, reason, "%s", player.why.text);
    player_done(&player);
    return err;
}
