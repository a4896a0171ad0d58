/* The network at a glance: each broker and how it stands, every link between two nodes, what was done to them. */
#include <stdio.h>

#include "shell/look.h"
#include "shell/view/view.h"
#include "sim/cluster/network.h"

enum { MOST_NODES = 12, CELL = 10 };

static void put_time(struct view *view, struct text *out, int64_t us)
{
    lang_duration(view->lang, out, us < 0 ? 0 : us);
}

/* ---- brokers ---- */

static void say_state(struct view *view, const struct broker *broker, struct text *out)
{
    const struct cluster *cluster = lab_cluster(view->lab);
    const struct image_broker *known = image_broker(cluster_image(cluster), broker_id(broker));
    int64_t now_us = queue_now_us(lab_queue(view->lab));

    if (broker_frozen(broker)) {
        text_add(out, _(view->lang, "for "));
        put_time(view, out, now_us - network_frozen_since_us(cluster, broker_id(broker)));
        if (broker_thaws_us(broker) != NEVER_US) {
            text_add(out, _(view->lang, "; goes on in "));
            put_time(view, out, broker_thaws_us(broker) - now_us);
        }
    } else if (broker_state(broker) == BROKER_STARTING) {
        text_add(out, _(view->lang, "is starting"));
    } else if (broker_state(broker) == BROKER_DOWN) {
        text_printf(out, _(view->lang, "is down: `broker start %d` brings it back"), broker_id(broker));
    }
    if (known && known->fenced)
        text_printf(out, "%s%s", out->size ? "; " : "", _(view->lang, "fenced: the controller keeps it out"));
    else if (broker_state(broker) != BROKER_UP && known && !known->fenced)
        text_printf(out, "%s%s", out->size ? "; " : "", _(view->lang, "the controller does not know yet"));
}

static int draw_brokers(struct view *view, struct grid *grid, int row, int bottom)
{
    const struct cluster *cluster = lab_cluster(view->lab);

    grid_put(grid, row++, 1, STYLE_STRONG, "%s", _(view->lang, "BROKER STATE     LEADS REPLICAS"));
    for (size_t i = 0; i < cluster_broker_count(cluster) && row < bottom; i++) {
        const struct broker *broker = cluster_broker_at(cluster, i);
        const char *state = broker_frozen(broker) ? "FROZEN" : broker_state(broker) == BROKER_DOWN ? "DOWN" : broker_state_name(broker_state(broker));
        bool controller = cluster_controller_up(cluster) && image_controller(cluster_image(cluster)) == broker_id(broker);
        struct text words = { 0 };
        size_t leads = 0;

        for (size_t p = 0; p < broker_partition_count(broker); p++)
            leads += partition_leads(broker_partition_at(broker, p));
        if (controller)
            text_add(&words, _(view->lang, "controller "));
        say_state(view, broker, &words);
        grid_put(grid, row++, 1, broker_up(broker) && !broker_frozen(broker) ? STYLE_PLAIN : STYLE_WARNING, "%6d %-8s %6zu %8zu  %s", broker_id(broker), state, leads,
                 broker_partition_count(broker), text_chars(&words));
        text_done(&words);
    }
    return row + 1;
}

/* ---- links ---- */

static void put_cell(struct view *view, struct grid *grid, int row, int column, int32_t from, int32_t to)
{
    const struct cluster *cluster = lab_cluster(view->lab);
    struct network_link link = network_link(cluster, from, to);
    struct text text = { 0 };
    enum style style = STYLE_PLAIN;

    if (from == to) {
        text_add(&text, ".");
        style = STYLE_DIM;
    } else if (link.cut) {
        text_printf(&text, "CUT");
        style = STYLE_WARNING;
    } else if (!network_open(cluster, from, to)) {
        text_add(&text, "hangs");
        style = STYLE_WARNING;
    } else {
        if (link.latency_us < 1000)
            text_printf(&text, "%g", (double)link.latency_us / 1000);
        else
            text_printf(&text, "%lld", (long long)(link.latency_us / 1000));
        if (link.jitter_us)
            text_printf(&text, "+%lld", (long long)((link.jitter_us + 999) / 1000));
        text_add(&text, " ms");
        if (link.loss_ppm) {
            text_printf(&text, " %g%%", (double)link.loss_ppm / 10000);
            style = STYLE_WARNING;
        }
    }
    grid_right(grid, row, column + CELL - 1, style, "%s", text_chars(&text));
    text_done(&text);
}

static int32_t node_at(const struct cluster *cluster, size_t i)
{
    size_t brokers = cluster_broker_count(cluster);

    return i < brokers ? broker_id(cluster_broker_at(cluster, i)) : i == brokers ? NETWORK_CLIENTS : NETWORK_ZOOKEEPER;
}

/* From each (a row) to each (a column), as far as they have room. */
static int draw_matrix(struct view *view, struct grid *grid, int row, int bottom)
{
    const struct cluster *cluster = lab_cluster(view->lab);
    size_t nodes = cluster_broker_count(cluster) + 1 + release_is_27(lab_release(view->lab)), room = (size_t)(grid->columns - 14) / CELL, shown;
    char name[16];

    shown = nodes < room ? nodes : room;
    if (shown > MOST_NODES)
        shown = MOST_NODES;
    grid_put(grid, row, 1, STYLE_STRONG, "%s", _(view->lang, "FROM \\ TO"));
    for (size_t to = 0; to < shown; to++) {
        network_node_name(node_at(cluster, to), name);
        grid_right(grid, row, 12 + (int)(to + 1) * CELL - 1, STYLE_STRONG, "%s", name);
    }
    row++;
    for (size_t from = 0; from < shown && row < bottom; from++, row++) {
        network_node_name(node_at(cluster, from), name);
        grid_put(grid, row, 1, STYLE_STRONG, "%9s", name);
        for (size_t to = 0; to < shown; to++)
            if (node_at(cluster, from) >= 0 || node_at(cluster, to) >= 0) /* what is no broker speaks to brokers only */
                put_cell(view, grid, row, 12 + (int)to * CELL, node_at(cluster, from), node_at(cluster, to));
    }
    if (shown < nodes && row < bottom)
        grid_put(grid, row++, 1, STYLE_DIM, _(view->lang, "and %zu more; `net` lists what is disturbed"), nodes - shown);
    return row;
}

/* Narrow and waiting links do not fit into a cell. */
static int draw_more(struct view *view, struct grid *grid, int row, int bottom)
{
    const struct cluster *cluster = lab_cluster(view->lab);

    for (size_t i = 0; i < network_disturbed_count(cluster) && row < bottom; i++) {
        struct network_link link = network_disturbed_at(cluster, i);
        size_t waiting = network_held_count(cluster, link.from, link.to);
        struct text words = { 0 };
        char from[16], to[16];

        if (link.bytes_per_second)
            text_printf(&words, _(view->lang, " %lld bytes a second"), (long long)link.bytes_per_second);
        if (link.cut) {
            text_add(&words, _(view->lang, " cut for "));
            put_time(view, &words, queue_now_us(lab_queue(view->lab)) - link.cut_since_us);
        }
        if (waiting)
            text_printf(&words, n_(view->lang, ", %lld message waits", ", %lld messages wait", (int64_t)waiting), (long long)waiting);
        network_node_name(link.from, from);
        network_node_name(link.to, to);
        if (words.size)
            grid_put(grid, row++, 1, STYLE_WARNING, "%s -> %s:%s", from, to, text_chars(&words));
        text_done(&words);
    }
    return row;
}

static bool of_network(const struct entry *entry)
{
    switch (entry->kind) {
    case EVENT_network_changed: case EVENT_broker_frozen: case EVENT_broker_thawed: case EVENT_broker_started: case EVENT_broker_stopped:
    case EVENT_broker_fenced: case EVENT_leader_elected: case EVENT_isr_changed: case EVENT_log_truncated: case EVENT_disk_failed: case EVENT_records_lost:
    case EVENT_follower_lags: case EVENT_replica_held: case EVENT_replica_released: case EVENT_fault_hit:
        return true;
    default:
        return false;
    }
}

static void draw(struct view *view, struct grid *grid, int top, int bottom)
{
    int row = draw_brokers(view, grid, top, bottom - 4);

    row = draw_matrix(view, grid, row, bottom - 2);
    row = draw_more(view, grid, row, bottom - 1);
    view_journal(view, grid, row + (bottom - row > 3), bottom, 1, of_network);
}

const struct pane pane_network = { .name = "network", .title = N_("network"), .key = 't', .draw = draw,
                                  .next = "cluster", .why = view_why_replication };
