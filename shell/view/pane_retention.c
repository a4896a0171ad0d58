/* The retention scene: one partition's segments to scale, what happens next to each and when, groups with their lag split into what is
 * gone and what can be read, clients, and decisions as they are made. */
#include <stdio.h>
#include <string.h>

#include "shell/commands/pace.h"
#include "shell/look.h"
#include "shell/prose.h"
#include "shell/view/view.h"

enum { MOST_SEGMENTS = 4096, BAR_LEAST = 3, WIDE_COLUMNS = 150, WIDE_LEFT = 80 };

struct scene {
    struct view *view;
    struct grid *grid;
    const struct lab *lab;
    struct partition *partition;
    struct log *log;
    struct segment_info *segments;
    int count;
    int64_t now_ms;
};

/* Room for the journal beside the rest. */
static bool wide(const struct grid *grid)
{
    return grid->columns >= WIDE_COLUMNS;
}

static enum lang lang_of(const struct scene *scene)
{
    return scene->view->lang;
}

static void seconds(enum lang lang, struct text *out, int64_t ms)
{
    int64_t left = ms < 0 ? 0 : ms;

    if (left < 600000)
        text_printf(out, "%lld.%lld %s", (long long)(left / 1000), (long long)(left % 1000 / 100), _(lang, "s"));
    else
        lang_duration(lang, out, left * 1000);
}

static void bytes_short(struct text *out, int64_t bytes)
{
    static const struct { int64_t size; const char *name; } units[] = { { 1 << 30, "GiB" }, { 1 << 20, "MiB" }, { 1 << 10, "KiB" } };

    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        if (bytes >= units[i].size && bytes % units[i].size == 0) {
            text_printf(out, "%lld %s", (long long)(bytes / units[i].size), units[i].name);
            return;
        }
    }
    text_printf(out, "%lld B", (long long)bytes);
}

/* A moment so far away that its date is worth the room. */
static bool far_away(const struct scene *scene, int64_t ms)
{
    return ms - scene->now_ms > 72000000;
}

/* ---- the bar ---- */

/* What a segment takes in the bar: the active one also the room that is left in it, where that is not out of all proportion. */
static int64_t drawn_bytes(const struct scene *scene, const struct segment_info *s, int64_t closed)
{
    int64_t full = log_settings(scene->log)->segment_bytes;

    if (s->state != SEGMENT_ACTIVE || s->size_bytes >= full)
        return s->size_bytes;
    return full <= (closed + s->size_bytes + 4096) * 2 ? full : s->size_bytes;
}

/* Below the bar: where reading begins and where writing goes on. The longest words that have room. */
static void draw_marks(struct scene *scene, int row, int start, int end)
{
    const struct grid *grid = scene->grid;
    long long first = log_start_offset(scene->log), last = log_end_offset(scene->log), committed = log_high_watermark(scene->log);
    char right[80];
    int size;

    for (int i = 0; i < 3; i++) {
        char left[40];

        if (i)
            snprintf(left, sizeof(left), "^log start");
        else
            snprintf(left, sizeof(left), "^log start %lld", first);
        if (committed != last && i < 2)
            size = snprintf(right, sizeof(right), "high watermark %lld, log end %lld^", committed, last);
        else
            size = snprintf(right, sizeof(right), "%s", i < 2 ? "log end = high watermark^" : "log end^");
        if (end - size + 1 > start + (int)strlen(left)) {
            grid_put(scene->grid, row, start, STYLE_PLAIN, "%s", left);
            grid_put(scene->grid, row, end - size + 1, STYLE_PLAIN, "%s", right);
            return;
        }
    }
    if (first == last)
        size = snprintf(right, sizeof(right), "log start = log end = %lld: nothing can be read", last);
    else
        size = snprintf(right, sizeof(right), "log start %lld, log end %lld, high watermark %lld", first, last, committed);
    if (start + 1 + size < grid->columns) {
        grid_put(scene->grid, row, start, STYLE_PLAIN, "^%s", right);
    } else if (start > size) {
        grid_put(scene->grid, row, start - size, STYLE_PLAIN, "%s^", right);
    } else {
        grid_put(scene->grid, row, start, STYLE_PLAIN, first == last ? "^log start = end" : "^log start");
    }
}

struct bar_marks {
    char fill[8];
    const char *name;
    enum style style;
};

static struct bar_marks marks_of(enum segment_state state)
{
    switch (state) {
    case SEGMENT_DELETED:
        return (struct bar_marks){ .fill = "░", .name = " .deleted ", .style = STYLE_DELETED };
    case SEGMENT_ACTIVE:
        return (struct bar_marks){ .fill = "▶", .name = " ACTIVE ", .style = STYLE_ACTIVE };
    default:
        return (struct bar_marks){ .fill = "█", .name = " closed ", .style = STYLE_CLOSED };
    }
}

/* Draws the bar and gives how many bytes a column stands for; 0: it is empty. */
static int64_t draw_bar(struct scene *scene, int row)
{
    struct grid *grid = scene->grid;
    const char *wall = grid->ascii ? "|" : "│";
    int width = grid->columns - 3, first = 0, column = 1, start_column = -1, end_column = 1;
    int64_t total = 0, closed = 0, left;

    while (scene->count - first > width / (BAR_LEAST + 1))
        first++; /* what does not fit is the oldest */
    for (int i = first; i < scene->count; i++)
        closed += scene->segments[i].state == SEGMENT_ACTIVE ? 0 : scene->segments[i].size_bytes;
    for (int i = first; i < scene->count; i++)
        total += drawn_bytes(scene, &scene->segments[i], closed);
    left = total;
    for (int i = first; i < scene->count; i++) {
        const struct segment_info *s = &scene->segments[i];
        struct bar_marks marks = marks_of(s->state);
        int rest = (scene->count - i - 1) * (BAR_LEAST + 1), room = width - (column - 1) - rest, filled;
        int64_t bytes = drawn_bytes(scene, s, closed);
        int size = left > 0 ? (int)((double)bytes / (double)left * room) - (i + 1 < scene->count) : BAR_LEAST, label = (int)strlen(marks.name);
        char base[24];

        if (grid->ascii)
            snprintf(marks.fill, sizeof(marks.fill), "%s", s->state == SEGMENT_DELETED ? ":" : s->state == SEGMENT_ACTIVE ? "=" : "#");
        size = size < BAR_LEAST ? BAR_LEAST : size > room - 1 ? room - 1 : size;
        left -= bytes;
        filled = bytes > 0 ? (int)((double)s->size_bytes / (double)bytes * size + 0.5) : 0;
        filled = s->size_bytes > 0 && filled < 1 ? 1 : filled;
        if (s->state != SEGMENT_DELETED && start_column < 0)
            start_column = column;
        snprintf(base, sizeof(base), "%lld", (long long)s->base_offset);
        if ((int)strlen(base) <= size)
            grid_put(grid, row, column, STYLE_DIM, "%s", base);
        grid_put(grid, row + 1, column, STYLE_PLAIN, "%s", wall);
        grid_fill(grid, row + 1, column + 1, column + 1 + filled, marks.style, marks.fill);
        if (size >= label + 2)
            grid_put(grid, row + 1, column + 1 + (size - label) / 2, marks.style == STYLE_CLOSED ? STYLE_STRONG : marks.style, "%s", marks.name);
        end_column = column + filled;
        if (s->state == SEGMENT_ACTIVE && s->next_offset > s->base_offset) {
            int used = (int)strlen(base);

            snprintf(base, sizeof(base), "%lld", (long long)s->next_offset);
            if (filled > (int)strlen(base) + used)
                grid_put(grid, row, end_column + 1 - (int)strlen(base), STYLE_DIM, "%s", base);
        }
        column += size + 1;
    }
    if (scene->count)
        grid_put(grid, row + 1, column, STYLE_PLAIN, "%s", wall);
    if (start_column >= 0)
        draw_marks(scene, row + 2, start_column, end_column);
    return total > 0 && width > 0 ? total / width + 1 : 0;
}

/* ---- the list ---- */

static void active_next(const struct scene *scene, const struct segment_info *s, struct text *first, struct text *second)
{
    const struct log_config *config = log_settings(scene->log);
    int64_t records = s->next_offset - s->base_offset, check = INT64_MAX;

    if (!records) {
        text_add(first, _(lang_of(scene), "empty: stays, whatever its age"));
        return;
    }
    int64_t each = s->size_bytes / records, fit = each > 0 ? (config->segment_bytes - s->size_bytes) / each : 0;

    if (fit < 100000)
        text_printf(first, n_(lang_of(scene), "%lld more fits, then it rolls", "%lld more fit, then it rolls", fit), (long long)fit);
    else {
        struct text bytes = { 0 }, later = { 0 };

        bytes_short(&bytes, config->segment_bytes);
        lang_duration(lang_of(scene), &later, config->segment_ms * 1000);
        text_printf(first, _(lang_of(scene), "rolls at %s or %s later"), text_chars(&bytes), text_chars(&later));
        text_done(&bytes);
        text_done(&later);
    }
    if (s->expires_at_ms == INT64_MAX || !config->cleanup_delete)
        return;
    check = look_check_after_ms(scene->partition, s->expires_at_ms);
    if (check != INT64_MAX) {
        text_add(second, far_away(scene, check) ? _(lang_of(scene), "if silent: goes ") : _(lang_of(scene), "if silent: goes at check "));
        look_clock(scene->lab, check, second);
    } else if (s->expires_at_ms <= scene->now_ms) {
        text_add(second, _(lang_of(scene), "EXPIRED; goes at the next check"));
    }
}

static bool below_checkpoint(const struct scene *scene, const struct segment_info *s)
{
    return s->next_offset <= partition_cleaner_offset(scene->partition);
}

/* What the cleaner of a compacted log makes of a closed segment. */
static void cleaner_next(const struct scene *scene, const struct segment_info *s, struct text *first)
{
    struct compaction_decision decision = log_decide_compaction(scene->log, partition_cleaner_offset(scene->partition), scene->now_ms);
    int64_t next_us = partition_next_cleaning_us(scene->partition);

    if (partition_uncleanable(scene->partition)) {
        text_add(first, _(lang_of(scene), "uncleanable until the broker restarts"));
    } else if (broker_next_cleaner_look_us(partition_broker(scene->partition)) == INT64_MAX) {
        text_add(first, _(lang_of(scene), "stays: the cleaner is off"));
    } else if (decision.cleans) {
        text_add(first, below_checkpoint(scene, s) ? _(lang_of(scene), "clean; written anew ") : _(lang_of(scene), "dirty; cleaned at "));
        look_clock(scene->lab, next_us / 1000, first);
    } else if (below_checkpoint(scene, s)) {
        text_add(first, _(lang_of(scene), "clean: the newest of each key"));
    } else if (s->base_offset >= decision.end_offset) {
        text_add(first, text_equal(decision.uncleanable_rule, "min.compaction.lag.ms") ? _(lang_of(scene), "dirty; too young to be cleaned") : _(lang_of(scene), "dirty; a transaction is open"));
    } else {
        text_printf(first, _(lang_of(scene), "dirty; cleaner: %.2f, not over %.2f"), decision.ratio, decision.min_ratio);
    }
}

static void whats_next(const struct scene *scene, const struct segment_info *s, struct text *first, struct text *second)
{
    int64_t check;

    if (s->state == SEGMENT_DELETED && s->unlink_at_ms <= scene->now_ms && lab_inspects(scene->lab)) {
        text_add(first, _(lang_of(scene), "delay over: a start unlinks it"));
        return;
    }
    if (s->state == SEGMENT_DELETED) {
        struct text in = { 0 };

        seconds(lang_of(scene), &in, s->unlink_at_ms - scene->now_ms);
        text_printf(first, _(lang_of(scene), "unlinked in %s (delete delay %lld)"), text_chars(&in), (long long)(log_settings(scene->log)->file_delete_delay_ms / 1000));
        text_done(&in);
        return;
    }
    if (s->state == SEGMENT_ACTIVE) {
        active_next(scene, s, first, second);
        return;
    }
    if (!log_settings(scene->log)->cleanup_delete) {
        cleaner_next(scene, s, first);
        return;
    }
    if (s->expires_at_ms == INT64_MAX) {
        text_add(first, _(lang_of(scene), "does not expire"));
        return;
    }
    check = look_check_after_ms(scene->partition, s->expires_at_ms);
    if (check == INT64_MAX) { /* nobody knows when it looks, or whether */
        text_add(first, s->expires_at_ms > scene->now_ms ? _(lang_of(scene), "expires ") : _(lang_of(scene), "EXPIRED; goes at the next check"));
        if (s->expires_at_ms > scene->now_ms)
            look_clock(scene->lab, s->expires_at_ms, first);
        return;
    }
    if (far_away(scene, s->expires_at_ms)) {
        text_add(first, _(lang_of(scene), "goes "));
    } else if (s->expires_at_ms > scene->now_ms) {
        struct text in = { 0 };

        seconds(lang_of(scene), &in, s->expires_at_ms - scene->now_ms);
        text_printf(first, _(lang_of(scene), "expires in %s; goes at "), text_chars(&in));
        text_done(&in);
    } else {
        text_add(first, _(lang_of(scene), "EXPIRED; goes at check "));
    }
    look_clock(scene->lab, check, first);
}

static const char *state_name(enum segment_state state)
{
    return state == SEGMENT_DELETED ? ".deleted" : state == SEGMENT_ACTIVE ? "ACTIVE" : "closed";
}

/* Cells of a segment's row, and how wide the widest of each is, so that no value shifts those beside it. */
enum { CELL_BASE, CELL_OFFSETS, CELL_RECORDS, CELL_BYTES, CELL_NEWEST, CELLS };
static const int narrowest[CELLS] = { 5, 8, 4, 5, 7 };

static void bytes_cell(struct text *out, int64_t bytes)
{
    static const char *units[] = { "K", "M", "G", "T" };
    double value = (double)bytes;
    size_t unit = 0;

    if (bytes < 100000) {
        text_printf(out, "%lld", (long long)bytes);
        return;
    }
    for (value /= 1024; value >= 1000 && unit + 1 < sizeof(units) / sizeof(*units); unit++)
        value /= 1024;
    text_printf(out, value < 100 ? "%.1f%s" : "%.0f%s", value, units[unit]);
}

static void age_cell(enum lang lang, struct text *out, int64_t ms)
{
    double left = ms < 0 ? 0 : (double)ms / 1000;

    if (left < 1000)
        seconds(lang, out, ms);
    else
        text_printf(out, "%.1f %s", left < 6000 ? left / 60 : left < 172800 ? left / 3600 : left / 86400, _(lang, left < 6000 ? N_("m") : left < 172800 ? N_("h") : N_("d")));
}

static void segment_cells(const struct scene *scene, const struct segment_info *s, struct text cells[CELLS])
{
    text_printf(&cells[CELL_BASE], "%lld", (long long)s->base_offset);
    if (s->next_offset > s->base_offset)
        text_printf(&cells[CELL_OFFSETS], "%lld..%lld", (long long)s->base_offset, (long long)s->next_offset - 1);
    else
        text_add(&cells[CELL_OFFSETS], "none");
    if (s->record_count >= 0)
        text_printf(&cells[CELL_RECORDS], "%lld", (long long)s->record_count);
    else if (log_settings(scene->log)->cleanup_compact && (below_checkpoint(scene, s) || s->state == SEGMENT_DELETED))
        text_add(&cells[CELL_RECORDS], "?"); /* there are holes in it */
    else
        text_printf(&cells[CELL_RECORDS], "%lld", (long long)(s->next_offset - s->base_offset));
    bytes_cell(&cells[CELL_BYTES], s->size_bytes);
    if (s->newest_ms >= 0)
        age_cell(lang_of(scene), &cells[CELL_NEWEST], scene->now_ms - s->newest_ms);
}

static void cells_done(struct text cells[CELLS])
{
    for (int c = 0; c < CELLS; c++)
        text_done(&cells[c]);
}

static void widen(const struct scene *scene, const struct segment_info *s, int widths[CELLS])
{
    struct text cells[CELLS] = { 0 };

    segment_cells(scene, s, cells);
    for (int c = 0; c < CELLS; c++)
        if (text_width(text_chars(&cells[c])) > widths[c])
            widths[c] = text_width(text_chars(&cells[c]));
    cells_done(cells);
}

/* How many rows a segment takes in the list: the active one may say two things. */
static int draw_segment(struct scene *scene, const struct segment_info *s, int row, bool oldest_kept, const int widths[CELLS])
{
    struct text first = { 0 }, second = { 0 }, cells[CELLS] = { 0 };
    enum style style = s->state == SEGMENT_DELETED ? STYLE_DIM : s->state == SEGMENT_ACTIVE ? STYLE_ACTIVE : STYLE_PLAIN;
    int rows = 1, column, pad;

    whats_next(scene, s, &first, &second);
    segment_cells(scene, s, cells);
    pad = widths[CELL_NEWEST] - text_width(text_chars(&cells[CELL_NEWEST]));
    column = grid_put(scene->grid, row, 0, style, "%s%*s %-8s%*s %*s %*s %*s%s ", oldest_kept ? ">" : " ", widths[CELL_BASE], text_chars(&cells[CELL_BASE]), state_name(s->state),
                      widths[CELL_OFFSETS], text_chars(&cells[CELL_OFFSETS]), widths[CELL_RECORDS], text_chars(&cells[CELL_RECORDS]), widths[CELL_BYTES],
                      text_chars(&cells[CELL_BYTES]), pad > 0 ? pad : 0, "", text_chars(&cells[CELL_NEWEST]));
    grid_put(scene->grid, row, column, style, "%s", text_chars(&first));
    if (second.size) {
        grid_put(scene->grid, row + 1, column, STYLE_PLAIN, "%s", text_chars(&second));
        rows = 2;
    }
    text_done(&first);
    text_done(&second);
    cells_done(cells);
    return rows;
}

static int draw_segments(struct scene *scene, int row, int bottom, int64_t column_bytes)
{
    int first = 0, room = bottom - row - 1, kept = -1, widths[CELLS], column, edge = wide(scene->grid) ? WIDE_LEFT : scene->grid->columns - 1;

    for (int i = 0; i < scene->count && kept < 0; i++)
        if (scene->segments[i].state != SEGMENT_DELETED)
            kept = i;
    if (scene->count + 1 > room)
        first = scene->count + 1 - room;
    if (scene->view->first_segment >= 0 && scene->view->first_segment < first)
        first = scene->view->first_segment;
    memcpy(widths, narrowest, sizeof(widths));
    for (int i = first; i < scene->count && i < first + room; i++)
        widen(scene, &scene->segments[i], widths);
    column = grid_put(scene->grid, row, 0, STYLE_STRONG, " %*s STATE   %*s %*s %*s %*s %s", widths[CELL_BASE], "BASE", widths[CELL_OFFSETS], "OFFSETS",
                      widths[CELL_RECORDS], "RECS", widths[CELL_BYTES], "BYTES", widths[CELL_NEWEST], "NEWEST", _(lang_of(scene), "WHAT HAPPENS NEXT"));
    if (column_bytes && column + 20 < edge)
        grid_right(scene->grid, row, edge, STYLE_DIM, _(lang_of(scene), "1 column = %lld B"), (long long)column_bytes);
    row++;
    for (int i = first; i < scene->count && row < bottom; i++)
        row += draw_segment(scene, &scene->segments[i], row, i == kept, widths);
    return row;
}

/* ---- groups, clients, decisions ---- */

static int draw_groups(struct scene *scene, int row, int bottom)
{
    struct cluster *cluster = lab_cluster(scene->lab);
    struct arena arena;
    bool headed = false;

    arena_init(&arena);
    for (size_t b = 0; b < cluster_broker_count(cluster) && row < bottom; b++) {
        struct broker *broker = cluster_broker_at(cluster, b);
        struct group_info *groups = NULL;
        int32_t count = 0;

        if (!broker_up(broker) || group_list(broker, &arena, &groups, &count))
            continue;
        for (int32_t g = 0; g < count && row < bottom; g++) {
            struct group_offset *offsets = NULL;
            int32_t offset_count = 0;

            if (group_fetch_offsets(broker, groups[g].group, &offsets, &offset_count, &arena))
                continue;
            for (int32_t i = 0; i < offset_count && row < bottom; i++) {
                struct look_lag lag;

                if (strcmp(offsets[i].topic, partition_topic(scene->partition)) || offsets[i].partition != partition_number(scene->partition) ||
                    !look_lag(scene->lab, &offsets[i], &lag))
                    continue;
                if (!headed && row + 1 < bottom)
                    grid_put(scene->grid, row++, 1, STYLE_STRONG, "GROUP            COMMITTED    END    LAG = DELETED + READABLE   MEMBERS");
                headed = true;
                grid_put(scene->grid, row, 1, lag.deleted ? STYLE_WARNING : STYLE_PLAIN, "%-16.16s %9lld %6lld %6lld = %7lld + %8lld", groups[g].group,
                         (long long)lag.committed, (long long)lag.end, (long long)lag.lag, (long long)lag.deleted, (long long)lag.readable);
                if (groups[g].member_count)
                    grid_put(scene->grid, row++, 66, STYLE_PLAIN, "%d %s", groups[g].member_count, group_state_name(groups[g].state));
                else
                    grid_put(scene->grid, row++, 66, STYLE_PLAIN, "%s", _(lang_of(scene), "none"));
            }
        }
    }
    arena_done(&arena);
    return row;
}

static int draw_clients(struct scene *scene, int row)
{
    struct connection_info clients[64];
    size_t count = look_clients(scene->lab, clients, 64), shown = 0;
    int column = 1, most = wide(scene->grid) ? WIDE_LEFT : scene->grid->columns;

    for (; shown < count && shown < 64; shown++) {
        struct text one = { 0 };
        const struct connection_info *info = &clients[shown];
        bool fits;

        text_printf(&one, "%s%s %s:%d%s%s", shown ? "  " : _(lang_of(scene), "clients: "), *info->client_id ? info->client_id : "?", info->client_host, info->client_port,
                    info->waiting_in ? " in " : "", info->waiting_in ? info->waiting_in : "");
        fits = !shown || column + text_width(text_chars(&one)) + (shown + 1 < count ? 12 : 0) < most;
        if (fits)
            column = grid_put(scene->grid, row, column, STYLE_DIM, "%s", text_chars(&one));
        text_done(&one);
        if (!fits)
            break;
    }
    if (count > shown)
        grid_put(scene->grid, row, column, STYLE_DIM, _(lang_of(scene), "  +%zu more"), count - shown);
    return count ? row + 1 : row;
}


static void draw_nothing(struct view *view, struct grid *grid, int top, int bottom)
{
    grid_put(grid, top + 1, 2, STYLE_PLAIN, "%s", _(view->lang, "There is no topic yet. Type, below or in another terminal:"));
    grid_put(grid, top + 3, 4, STYLE_STRONG, "kafka-topics.sh --create --topic students --bootstrap-server localhost:9092");
    grid_put(grid, top + 5, 2, STYLE_PLAIN, "%s", _(view->lang, "or watch one: demo retention"));
    view_journal(view, grid, top + 7, bottom, 1, NULL);
}

static void draw_subject(struct scene *scene, int row)
{
    const struct log_config *config = log_settings(scene->log);
    struct broker *broker = partition_broker(scene->partition);
    int64_t next = config->cleanup_compact ? broker_next_cleaner_look_us(broker) : broker_next_retention_check_us(broker);
    int column = grid_put(scene->grid, row, 1, STYLE_STRONG, "%s-%d", partition_topic(scene->partition), partition_number(scene->partition));
    struct text settings = { 0 };

    column = column < 16 ? 17 : column + 2;
    text_printf(&settings, "retention.ms=%lld segment.bytes=%d", (long long)config->retention_ms, config->segment_bytes);
    if (config->retention_bytes >= 0)
        text_printf(&settings, " retention.bytes=%lld", (long long)config->retention_bytes);
    if (config->cleanup_compact) {
        struct compaction_decision decision = log_decide_compaction(scene->log, partition_cleaner_offset(scene->partition), scene->now_ms);

        text_clear(&settings);
        text_printf(&settings, _(lang_of(scene), "compact%s: dirty %.2f, cleaned over %.2f"), config->cleanup_delete ? ",delete" : "", decision.ratio, decision.min_ratio);
    } else if (column + text_width(text_chars(&settings)) > scene->grid->columns - 23) { /* the same in fewer letters */
        text_clear(&settings);
        text_add(&settings, _(lang_of(scene), "keeps "));
        if (config->retention_ms < 0)
            text_add(&settings, _(lang_of(scene), "for ever"));
        else
            lang_duration(lang_of(scene), &settings, config->retention_ms * 1000);
        if (config->retention_bytes >= 0) {
            text_add(&settings, _(lang_of(scene), " or "));
            bytes_short(&settings, config->retention_bytes);
        }
        text_add(&settings, _(lang_of(scene), ", segments of "));
        bytes_short(&settings, config->segment_bytes);
    }
    grid_put(scene->grid, row, column, STYLE_PLAIN, "%s", text_chars(&settings));
    text_done(&settings);
    if (next != INT64_MAX) {
        struct text in = { 0 };

        seconds(lang_of(scene), &in, (next - queue_now_us(lab_queue(scene->lab))) / 1000);
        grid_right(scene->grid, row, scene->grid->columns - 1, STYLE_STRONG, config->cleanup_compact ? _(lang_of(scene), " CLEANER in %s") : _(lang_of(scene), " NEXT CHECK in %s"),
                   text_chars(&in));
        text_done(&in);
    }
}

static void draw(struct view *view, struct grid *grid, int top, int bottom)
{
    struct scene scene = { .view = view, .grid = grid, .lab = view->lab, .now_ms = queue_now_ms(lab_queue(view->lab)) };
    int row = top, list_end, beside;
    int64_t column_bytes;

    scene.partition = view->topic ? look_leader(view->lab, view->topic, view->partition) : NULL;
    if (!scene.partition) {
        draw_nothing(view, grid, top, bottom);
        return;
    }
    scene.now_ms = broker_now_ms(partition_broker(scene.partition)); /* moments are that broker's clock's */
    scene.log = partition_log(scene.partition);
    scene.count = (int)log_segment_count(scene.log);
    if (scene.count > MOST_SEGMENTS)
        scene.count = MOST_SEGMENTS;
    scene.segments = mem_zero_array((size_t)scene.count + 1, sizeof(*scene.segments));
    for (int i = 0; i < scene.count; i++)
        log_segment_get(scene.log, log_segment_count(scene.log) - (size_t)scene.count + (size_t)i, &scene.segments[i]);
    draw_subject(&scene, row++);
    grid_fill(grid, row++, 1, grid->columns - 1, STYLE_DIM, grid->ascii ? "-" : "─");
    column_bytes = draw_bar(&scene, row);
    row += 4;
    beside = row;
    /* The list may take what the journal (at least 4 rows) and the groups (up to 3) leave. */
    list_end = bottom - 8 > row + 2 ? bottom - 8 : row + 2;
    row = draw_segments(&scene, row, list_end, column_bytes) + 1;
    if (wide(grid)) {
        for (int r = beside; r < bottom; r++) {
            grid_fill(grid, r, WIDE_LEFT, grid->columns, STYLE_PLAIN, " "); /* what of the list goes on there is cut */
            grid_put(grid, r, WIDE_LEFT + 1, STYLE_DIM, "%s", grid->ascii ? "|" : "│");
        }
        grid_put(grid, beside, WIDE_LEFT + 3, STYLE_STRONG, "%s", _(lang_of(&scene), "WHAT HAPPENED"));
        view_journal(view, grid, beside + 1, bottom, WIDE_LEFT + 3, NULL);
    }
    row = draw_groups(&scene, row, wide(grid) ? bottom - 2 : bottom - 3 < row + 4 ? bottom - 3 : row + 4);
    row = draw_clients(&scene, row);
    if (!wide(grid))
        view_journal(view, grid, row + (bottom - row > 4), bottom, 1, NULL);
    mem_free(scene.segments);
}

const struct pane pane_retention = { .name = "retention", .title = N_("retention"), .key = 'r', .draw = draw };
