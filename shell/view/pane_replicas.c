/* One partition's replicas side by side: how far each has come, who is in sync, up to where all have it, whom acks=all waits for, and the epochs in which leaders wrote. */
#include <stdio.h>
#include <string.h>

#include "shell/look.h"
#include "shell/prose.h"
#include "shell/view/view.h"
#include "sim/cluster/network.h"

enum { SHOWN_REPLICAS = 12, BAR_LEFT = 19, NEXT_LEFT = 54, MOMENT_MS = 1000 /* behind for so long is nothing to speak of */ };

struct replicas {
    const struct view *view;
    const struct cluster *cluster;
    const struct image_partition *image;
    struct replica_info info[SHOWN_REPLICAS];
    size_t count;
    const struct replica_info *leader;    /* NULL: none that is up */
    int64_t first, end, high_watermark;   /* what the bars show: from the earliest start to the latest end */
};

static enum lang lang_of(const struct replicas *r) { return r->view->lang; }

static void ids(const int32_t *list, int16_t count, struct text *out)
{
    for (int16_t i = 0; i < count; i++)
        text_printf(out, "%s%d", i ? "," : "", list[i]);
    if (!count)
        text_add(out, "-");
}

static int64_t setting(const struct replicas *r, const char *key)
{
    struct broker *broker = r->leader ? cluster_broker(r->cluster, r->leader->broker) : cluster_broker_at(r->cluster, 0);
    struct config_layers layers = broker_topic_config(broker, r->view->topic);

    return config_long(&layers, key);
}

static void draw_subject(const struct replicas *r, struct grid *grid, int row)
{
    struct text line = { 0 };
    int column = grid_put(grid, row, 1, STYLE_STRONG, "%s-%d", r->view->topic, r->view->partition) + 2;

    text_printf(&line, _(lang_of(r), "leader "));
    if (r->image->leader < 0)
        text_add(&line, _(lang_of(r), "NONE"));
    else
        text_printf(&line, "%d", r->image->leader);
    text_printf(&line, _(lang_of(r), "  epoch %d  in sync "), r->image->leader_epoch);
    ids(r->image->isr, r->image->isr_count, &line);
    text_add(&line, _(lang_of(r), " of "));
    ids(r->image->replicas, r->image->replica_count, &line);
    if (r->image->elr_count) {
        text_add(&line, "  ELR ");
        ids(r->image->elr, r->image->elr_count, &line);
    }
    text_printf(&line, "  min.insync.replicas=%lld", (long long)setting(r, "min.insync.replicas"));
    grid_put(grid, row, column, r->image->leader < 0 || r->image->isr_count < r->image->replica_count ? STYLE_WARNING : STYLE_PLAIN, "%s", text_chars(&line));
    text_done(&line);
}

/* ---- how far each has come ---- */

static int column_of(const struct replicas *r, const struct grid *grid, int64_t offset)
{
    int width = grid->columns - BAR_LEFT - 12;
    int64_t all = r->end - r->first;

    return BAR_LEFT + (all ? (int)((double)(offset - r->first) * width / (double)all) : 0);
}

static const char *role(const struct replicas *r, const struct replica_info *info)
{
    const struct broker *broker = cluster_broker(r->cluster, info->broker);

    if (!broker || broker_state(broker) == BROKER_DOWN)
        return "DOWN";
    if (info->leader)
        return "LEADER";
    return info->in_isr ? "in sync" : "OUT";
}

static void draw_bar(const struct replicas *r, struct grid *grid, int row, const struct replica_info *info)
{
    const struct broker *broker = cluster_broker(r->cluster, info->broker);
    const char *what = role(r, info);
    enum style style = info->leader ? STYLE_ACTIVE : info->in_isr ? STYLE_CLOSED : STYLE_WARNING;
    int start, high, end;

    grid_put(grid, row, 1, !strcmp(what, "DOWN") || !strcmp(what, "OUT") ? STYLE_WARNING : info->leader ? STYLE_STRONG : STYLE_PLAIN, "%4d %-8s", info->broker, what);
    if (info->log_end_offset < 0) {
        grid_put(grid, row, BAR_LEFT, STYLE_DIM, "%s", _(lang_of(r), "its log is not open"));
        return;
    }
    start = column_of(r, grid, info->log_start_offset < 0 ? r->first : info->log_start_offset);
    high = column_of(r, grid, info->high_watermark);
    end = column_of(r, grid, info->log_end_offset);
    grid_put(grid, row, start - 1, STYLE_PLAIN, "|");
    grid_fill(grid, row, start, high, style, "#");                       /* below its high watermark: what it knows all to have */
    grid_fill(grid, row, high > start ? high : start, end, style, "=");  /* above it */
    grid_put(grid, row, end, STYLE_PLAIN, "%s%lld", info->leader ? ">" : "|", (long long)info->log_end_offset);
    if (broker && broker_frozen(broker))
        grid_right(grid, row, grid->columns - 1, STYLE_WARNING, "%s", _(lang_of(r), " FROZEN"));
}

static int draw_bars(const struct replicas *r, struct grid *grid, int row, int bottom)
{
    int mark;
    struct text text = { 0 };

    grid_put(grid, row++, BAR_LEFT, STYLE_DIM, "%lld", (long long)r->first);
    for (size_t i = 0; i < r->count && row < bottom; i++, row++)
        draw_bar(r, grid, row, &r->info[i]);
    if (r->high_watermark < 0 || row >= bottom)
        return row;
    mark = column_of(r, grid, r->high_watermark);
    text_printf(&text, _(lang_of(r), "^high watermark %lld: consumers read below it"), (long long)r->high_watermark);
    if (mark + text_width(text_chars(&text)) < grid->columns) {
        grid_put(grid, row, mark, STYLE_STRONG, "%s", text_chars(&text));
    } else {
        text_clear(&text);
        text_printf(&text, _(lang_of(r), "consumers read below it: high watermark %lld^"), (long long)r->high_watermark);
        grid_right(grid, row, mark + 1, STYLE_STRONG, "%s", text_chars(&text));
    }
    text_done(&text);
    return row + 2;
}

/* ---- the table ---- */

static void what_next(const struct replicas *r, const struct replica_info *info, struct text *out)
{
    const struct broker *broker = cluster_broker(r->cluster, info->broker);
    int64_t now_ms = queue_now_ms(lab_queue(r->view->lab));

    if (!broker || broker_state(broker) == BROKER_DOWN) {
        text_printf(out, _(lang_of(r), "`broker start %d` brings it back"), info->broker);
    } else if (info->leader) {
        text_printf(out, "%s", r->image->isr_count > 1 ? _(lang_of(r), "acks=all waits for all in sync") : _(lang_of(r), "alone in sync: acks=all waits for nobody"));
    } else if (info->in_isr && info->leaves_isr_us != INT64_MAX && now_ms - info->last_caught_up_ms > MOMENT_MS) {
        int64_t left = info->leaves_isr_us / 1000 - now_ms;

        text_add(out, _(lang_of(r), "leaves the ISR in "));
        lang_duration(lang_of(r), out, left > 0 ? left / 100 * 100000 : 0);
    } else if (!info->in_isr && r->leader && info->log_end_offset >= 0 && info->log_end_offset < r->high_watermark) {
        text_printf(out, _(lang_of(r), "comes back when it has %lld"), (long long)r->high_watermark);
    }
    if (info->held)
        text_printf(out, "%s%s", out->size ? "; " : "", _(lang_of(r), "held: it does not fetch"));
}

/* Beside its row, and where that is too narrow below it. */
static int draw_next(struct grid *grid, int row, int bottom, const char *text)
{
    const char *next;

    for (; *text && row < bottom; text = next, row++) {
        int size = prose_line(text, grid->columns - NEXT_LEFT - 1, &next);

        grid_put(grid, row, NEXT_LEFT, STYLE_PLAIN, "%.*s", size, text);
        if (!*next)
            break;
    }
    return row;
}

static int draw_table(const struct replicas *r, struct grid *grid, int row, int bottom)
{
    int64_t now_ms = queue_now_ms(lab_queue(r->view->lab));

    if (row >= bottom)
        return row;
    grid_put(grid, row++, 1, STYLE_STRONG, "%s", _(lang_of(r), "BROKER      END  BEHIND HIGH WMARK  EPOCH  CAUGHT UP WHAT HAPPENS NEXT"));
    for (size_t i = 0; i < r->count && row < bottom; i++, row++) {
        const struct replica_info *info = &r->info[i];
        struct text next = { 0 }, caught = { 0 }, behind = { 0 };

        what_next(r, info, &next);
        if (!info->leader && info->last_caught_up_ms > 0)
            text_printf(&caught, _(lang_of(r), "%.1f s ago"), (double)(now_ms - info->last_caught_up_ms) / 1000);
        if (r->leader && !info->leader && info->log_end_offset >= 0)
            text_printf(&behind, "%lld", (long long)(r->leader->log_end_offset - info->log_end_offset));
        if (info->log_end_offset < 0)
            grid_put(grid, row, 1, STYLE_DIM, "%6d        -       -          -      -", info->broker);
        else
            grid_put(grid, row, 1, info->leader ? STYLE_STRONG : info->in_isr ? STYLE_PLAIN : STYLE_WARNING, "%6d %8lld %7s %10lld %6d %10s", info->broker,
                     (long long)info->log_end_offset, text_chars(&behind), (long long)info->high_watermark, info->leader_epoch, text_chars(&caught));
        row = draw_next(grid, row, bottom, text_chars(&next));
        text_done(&next);
        text_done(&caught);
        text_done(&behind);
    }
    return row + 1;
}

/* The leader's epochs: who wrote what, newest last. */
static int draw_epochs(const struct replicas *r, struct grid *grid, int row, int bottom)
{
    const struct partition *leader = look_leader(r->view->lab, r->view->topic, r->view->partition);
    struct text line = { 0 };

    if (!leader || row >= bottom)
        return row;
    for (size_t i = 0, count = log_epoch_count(partition_log(leader)); i < count; i++) {
        int64_t start_offset;
        int32_t epoch;

        if (count > 6 && i + 6 < count)
            continue;
        log_epoch_get(partition_log(leader), i, &epoch, &start_offset);
        text_printf(&line, _(lang_of(r), "  %d from %lld"), epoch, (long long)start_offset);
    }
    if (line.size) {
        int column = grid_put(grid, row, 1, STYLE_STRONG, "%s", _(lang_of(r), "LEADER EPOCHS"));

        grid_put(grid, row++, column, STYLE_PLAIN, "%s", text_chars(&line));
        row++;
    }
    text_done(&line);
    return row;
}

static bool of_replication(const struct entry *entry)
{
    switch (entry->kind) {
    case EVENT_leader_elected: case EVENT_isr_changed: case EVENT_log_truncated: case EVENT_epoch_started: case EVENT_append_refused: case EVENT_records_lost: case EVENT_follower_lags:
    case EVENT_replica_held: case EVENT_replica_released: case EVENT_reassignment_started: case EVENT_reassignment_completed: case EVENT_reassignment_cancelled:
    case EVENT_broker_started: case EVENT_broker_stopped: case EVENT_broker_fenced: case EVENT_broker_frozen: case EVENT_broker_thawed: case EVENT_network_changed:
        return true;
    default:
        return false;
    }
}

static void take(struct replicas *r)
{
    r->count = cluster_replicas(r->cluster, r->view->topic, r->view->partition, r->info, SHOWN_REPLICAS);
    r->first = INT64_MAX;
    r->high_watermark = -1;
    for (size_t i = 0; i < r->count; i++) {
        const struct replica_info *info = &r->info[i];

        if (info->log_end_offset < 0)
            continue;
        r->first = info->log_start_offset < r->first ? info->log_start_offset : r->first;
        r->end = info->log_end_offset > r->end ? info->log_end_offset : r->end;
        if (info->leader) {
            r->leader = info;
            r->high_watermark = info->high_watermark;
        }
    }
    if (r->first == INT64_MAX)
        r->first = 0;
}

static void draw(struct view *view, struct grid *grid, int top, int bottom)
{
    struct replicas r = { .view = view, .cluster = lab_cluster(view->lab) };
    int row = top;

    if (!view->topic) {
        grid_put(grid, top + 1, 2, STYLE_PLAIN, "%s", _(view->lang, "There is no topic yet. Type, below or in another terminal:"));
        grid_put(grid, top + 3, 4, STYLE_STRONG, "kafka-topics.sh --create --topic students --replication-factor %d --bootstrap-server localhost:9092",
                 cluster_broker_count(r.cluster) < 3 ? (int)cluster_broker_count(r.cluster) : 3);
        view_journal(view, grid, top + 5, bottom, 1, of_replication);
        return;
    }
    r.image = image_partition(cluster_image(r.cluster), view->topic, view->partition);
    take(&r);
    draw_subject(&r, grid, row++);
    grid_fill(grid, row++, 1, grid->columns - 1, STYLE_DIM, grid->ascii ? "-" : "─");
    row = draw_bars(&r, grid, row, bottom);
    row = draw_table(&r, grid, row, bottom);
    row = draw_epochs(&r, grid, row, bottom - 2);
    view_journal(view, grid, row, bottom, 1, of_replication);
}

const struct pane pane_replicas = { .name = "replicas", .title = N_("replicas"), .key = 'i', .draw = draw,
                                  .next = "cluster", .why = view_why_replication };
