/* The pace of virtual time: how far the queue may run at this wall moment. Virtual time never depends on it; only when, by the
 * wall, things come to pass does. */
#include "sim/cluster/network.h"
#include "sim/lab_internal.h"
#include "sim/replay.h"

enum { SLICE_US = 10000, GAP_US = 1000000 };

static int64_t wall(const struct lab *lab)
{
    return lab->loop ? monotonic_now_us() : 0;
}

/* How far virtual time is from the wall's. A lab that has run at speed 1 from the wall's now on is on it: no shift of a few microseconds. */
static void set_shift(struct lab *lab)
{
    int64_t shift;

    if (!lab->wire || !lab->loop)
        return;
    shift = queue_now_us(lab->queue) - wall_now_us();
    if (shift > -GAP_US && shift < GAP_US && lab->pace == PACE_RUNNING && lab->speed == 1)
        shift = 0;
    wire_set_shift(lab->wire, shift, wall_now_us() / 1000);
}

/* From this moment on the clock goes on from where it stands. */
static void rebase(struct lab *lab)
{
    if (lab->player)
        return;
    lab->base_virtual_us = queue_now_us(lab->queue);
    lab->base_wall_us = wall(lab);
    lab->last_turn_us = lab->base_wall_us;
    set_shift(lab);
}

void pace_begin(struct lab *lab)
{
    rebase(lab);
}

enum pace lab_pace(const struct lab *lab)
{
    return lab->pace;
}

double lab_speed(const struct lab *lab)
{
    return lab->speed;
}

void lab_set_jumping(struct lab *lab, bool jumping)
{
    lab->jumping = jumping;
}

void lab_set_stop(struct lab *lab, const bool *stop)
{
    lab->stop = stop;
}

static bool stopped(const struct lab *lab)
{
    return lab->stop && *lab->stop;
}

void lab_hold(struct lab *lab, bool still)
{
    if (lab->still == still)
        return;
    lab->still = still;
    if (still) {
        lab_catch_up(lab);
        lab->before_still = lab->pace;
    }
    lab->pace = still ? PACE_FROZEN : lab->before_still;
    if (lab->net)
        net_freeze(lab->net, lab->pace == PACE_FROZEN);
    rebase(lab);
}

bool lab_jumping(const struct lab *lab)
{
    return lab->jumping;
}

void lab_hold_jumping(struct lab *lab, int by)
{
    lab->held += by;
    rebase(lab);
}

/* A client or a tool waits for something that needs time to move. */
static bool lab_clients_wait(const struct lab *lab)
{
    return wire_waiting(lab->wire, false).for_time > 0;
}

/* Metadata is on its way to a broker: what a client was just told must hold at the next broker too, also under pause. A broker that is cut off or frozen is not
 * waited for. */
static bool metadata_travels(const struct lab *lab)
{
    int64_t newest = image_offset(cluster_image(lab->cluster));

    for (size_t i = 0; i < cluster_broker_count(lab->cluster); i++) {
        const struct broker *broker = cluster_broker_at(lab->cluster, i);

        if (broker_up(broker) && image_offset(broker_image(broker)) < newest &&
            network_open_both_ways(lab->cluster, image_controller(cluster_image(lab->cluster)), broker_id(broker)))
            return true;
    }
    return false;
}

static bool broker_stops(const struct lab *lab)
{
    for (size_t i = 0; i < cluster_broker_count(lab->cluster); i++)
        if (broker_state(cluster_broker_at(lab->cluster, i)) == BROKER_STOPPING)
            return true;
    return false;
}

/* Does the clock go by itself at present? Paused, only while a client or a tool waits for something other than new data, brokers tell each
 * other, or one is being shut down. */
static bool goes(const struct lab *lab)
{
    return lab->pace == PACE_RUNNING || (lab->pace == PACE_PAUSED && (lab_clients_wait(lab) || metadata_travels(lab) || broker_stops(lab)));
}

static double rate(const struct lab *lab)
{
    return lab->pace == PACE_PAUSED ? 1 : lab->speed;
}

static int64_t target(const struct lab *lab)
{
    double passed = (double)(wall(lab) - lab->base_wall_us) * rate(lab);

    return passed > 9e15 ? INT64_MAX / 2 : lab->base_virtual_us + (int64_t)passed;
}

static void note(struct lab *lab, const char *text)
{
    const struct entry *entry = ENTRY(EVENT_time_changed, .text = text);

    recorder_note(lab->recorder, entry);
    journal_add(lab->journal, entry);
}

void lab_set_pace(struct lab *lab, enum pace pace)
{
    if (lab->still) { /* once it goes on */
        lab->before_still = pace;
        return;
    }
    if (lab->pace == pace)
        return;
    lab_catch_up(lab);
    note(lab, pace == PACE_PAUSED ? "paused" : pace == PACE_FROZEN ? "frozen" : "running");
    lab->pace = pace;
    if (lab->net)
        net_freeze(lab->net, pace == PACE_FROZEN);
    rebase(lab);
}

void lab_set_speed(struct lab *lab, double speed)
{
    char text[48];

    lab_catch_up(lab);
    lab->speed = speed;
    snprintf(text, sizeof(text), "speed %g", speed);
    note(lab, text);
    rebase(lab);
}

static bool jumps(const struct lab *lab)
{
    return lab->jumping && !lab->held && (!lab->net || !net_connection_count(lab->net));
}

/* A past goes forward as it was recorded. */
static bool run_past_slice(struct lab *lab, int64_t until_us, const bool *stop)
{
    int64_t end = monotonic_now_us() + SLICE_US;

    while (player_step(lab->player, until_us))
        if ((stop && *stop) || monotonic_now_us() > end) /* one step may be a megabyte that is appended */
            return false;
    if (stop && *stop)
        return false;
    player_settle(lab->player, until_us);
    return true;
}

bool lab_past_at_end(struct lab *lab)
{
    return lab->player && player_at_end(lab->player);
}

bool lab_run_slice(struct lab *lab, int64_t until_us, const bool *stop)
{
    int64_t end = wall(lab) + SLICE_US;

    if (lab->still || queue_running(lab->queue)) /* somebody copies it; or a command went on within an event: once that is over */
        return false;
    if (lab->player)
        return run_past_slice(lab, until_us, stop);
    for (int run = 0; queue_next_us(lab->queue) <= until_us; run++) {
        if ((stop && *stop) || stopped(lab) || (run % 4 == 3 && lab->loop && wall(lab) > end)) {
            rebase(lab);
            return false;
        }
        queue_run_next(lab->queue);
    }
    if ((stop && *stop) || stopped(lab)) {
        rebase(lab);
        return false;
    }
    if (queue_now_us(lab->queue) < until_us)
        queue_set_us(lab->queue, until_us);
    rebase(lab);
    return true;
}

bool lab_step(struct lab *lab)
{
    if (lab->still)
        return false;
    bool ran = lab->player ? player_step(lab->player, INT64_MAX) : queue_run_next(lab->queue);

    rebase(lab);
    return ran;
}

/* Towards where the clock should be, at most a slice; true when there. */
static bool run_to_target(struct lab *lab, int64_t until_us)
{
    int64_t end = wall(lab) + SLICE_US;

    for (int run = 0; queue_next_us(lab->queue) <= until_us; run++) {
        if (stopped(lab) || (run % 4 == 3 && wall(lab) > end))
            return false;
        queue_run_next(lab->queue);
    }
    if (stopped(lab))
        return false;
    if (queue_now_us(lab->queue) < until_us)
        queue_set_us(lab->queue, until_us);
    return true;
}

/* What is due at this moment; a chain of events may be long, so no more than a slice. */
static void run_due(struct lab *lab)
{
    int64_t end = wall(lab) + SLICE_US;

    for (int run = 0; run < 1024 && !stopped(lab) && queue_next_us(lab->queue) <= queue_now_us(lab->queue); run++) {
        if (run % 4 == 3 && wall(lab) > end)
            return;
        queue_run_next(lab->queue);
    }
}

void lab_catch_up(struct lab *lab)
{
    if (!lab->loop || jumps(lab))
        return;
    if (goes(lab) && !queue_running(lab->queue))
        run_to_target(lab, target(lab));
    set_shift(lab);
}

void lab_advance_clients(struct lab *lab, int64_t us)
{
    recorder_advance(lab->recorder, us);
    group_advance_wall(lab->cluster, us);
}

int64_t lab_turn(struct lab *lab, bool foreground, int *wait_ms)
{
    int64_t now = wall(lab), gap = 0, next, due;
    bool there;

    *wait_ms = -1;
    if (lab->pace == PACE_FROZEN) {
        rebase(lab);
        return 0;
    }
    if (jumps(lab)) { /* a script: what is due now; then, while the foreground waits, the next event; paused, while something needs time to pass */
        if (queue_next_us(lab->queue) <= queue_now_us(lab->queue)) { /* may start a command that waits for a child: looked at anew before a jump */
            run_due(lab);
            *wait_ms = 0;
        } else if ((lab->pace == PACE_PAUSED ? goes(lab) : foreground) && queue_next_us(lab->queue) != NEVER_US) {
            queue_run_next(lab->queue);
            *wait_ms = 0;
        }
        rebase(lab);
        return 0;
    }
    if (!goes(lab)) {
        run_due(lab);
        rebase(lab);
        if (queue_next_us(lab->queue) <= queue_now_us(lab->queue) || goes(lab)) /* what ran may have begun a wait that needs time */
            *wait_ms = 0;
        return 0;
    }
    if (now - lab->last_turn_us > GAP_US + 500000) { /* the process stood still: Ctrl-Z, a closed lid */
        gap = now - lab->last_turn_us;
        lab->base_wall_us += gap;
    }
    there = run_to_target(lab, target(lab));
    lab->last_turn_us = wall(lab); /* long work of ours is no standing still: the clock catches up with it */
    next = queue_next_us(lab->queue);
    if (!there) {
        *wait_ms = 0;
    } else if (next != NEVER_US) {
        due = (int64_t)((double)(next - queue_now_us(lab->queue)) / rate(lab) / 1000) + 1;
        *wait_ms = due < 0 ? 0 : due > 500 ? 500 : (int)due;
    } else {
        *wait_ms = 500;
    }
    return gap;
}

/* A broker that came up by an order for later found its port taken: as soon as it is free. */
static void bind_again(struct lab *lab)
{
    for (size_t i = 0; lab->net && i < cluster_broker_count(lab->cluster); i++)
        if (broker_up(cluster_broker_at(lab->cluster, i)) && !net_bound(lab->net, i))
            net_bind(lab->net, i, NULL);
}

void lab_settle(struct lab *lab)
{
    int64_t now = wall(lab);

    if (now - lab->settled_us < 1000000)
        return;
    lab->settled_us = now;
    bind_again(lab);
    fs_settle(lab->fs);
    if (lab->recorder)
        recorder_flush(lab->recorder, NULL);
    if (lab->store) {
        char clock[32];

        snprintf(clock, sizeof(clock), "%lld", (long long)queue_now_us(lab->queue));
        store_set(lab->store, "clock_us", clock);
        lab_keep_orders(lab, lab->store);
        store_commit(lab->store);
    }
    lab->last_turn_us = wall(lab);
}

struct moment lab_next_moment(const struct lab *lab)
{
    struct moment moment = { INT64_MAX, NULL };

    for (size_t i = 0; i < cluster_broker_count(lab->cluster); i++) {
        int64_t at = broker_next_retention_check_us(cluster_broker_at(lab->cluster, i));

        if (at < moment.at_us)
            moment = (struct moment){ at, "retention check" };
        at = groups_next_expiry_us(broker_groups(cluster_broker_at(lab->cluster, i)));
        if (at < moment.at_us)
            moment = (struct moment){ at, "offset expiry" };
    }
    return moment;
}
