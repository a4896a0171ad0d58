/* The past: a second lab that is moved forward through what was, as far as its recording goes. And branches: one that begins to live. */
#include "sim/replay_internal.h"

#include <errno.h>
#include <string.h>

struct past {
    struct player player;
    struct lab *lab;
    struct config_map settings;
    int64_t from_us;
    char *path, *base;         /* of a file */
    const char *made_with;
    bool branches;             /* its lab is to live: a real folder, and it keeps its inputs */
};

static enum err past_begin(struct past *past, const char *base, const char *dir, uv_loop_t *loop, struct reason *reason)
{
    struct lab_options options;
    struct recording_head head = { 0 };
    enum err err = source_head(&past->player.source, &head, &past->settings, reason);

    if (err)
        return err;
    if (head.flags & HEAD_BASE && !base)
        return err_because(ERR_INVALID_REQUEST, reason, "the recording goes on from files that a lab had, and their copy is not there");
    recording_head_options(&head, &options, &past->settings);
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
    err = player_take_ports(past->lab, &head, reason);
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
    past->branches = true;
    if (!source->recorder)
        err = open_source(past, reason);
    if (!err)
        err = past_begin(past, source->base, dir, NULL, reason);
    return past_opened(past, err, out);
}

const char *past_path(const struct past *past) { return past->path; }
const char *past_base(const struct past *past) { return past->base; }

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
        player_set_clock(player, place->at_us);
    return true;
}

enum err branch_live(struct past *past, uv_loop_t *loop, const struct lab_options *net, struct lab **out, struct reason *reason)
{
    struct player *player = &past->player;
    struct lab *lab = past->lab;

    *out = NULL;
    player_close_all(player, "it was a client of another lab");
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
