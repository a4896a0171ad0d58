/* The retention scene: one partition's segments to scale, what happens next to each and when, groups with their lag split into what is
 * gone and what can be read, clients, and decisions as they are made. */
#include <stdio.h>
#include <string.h>

#include "shell/commands/pace.h"
#include "shell/look.h"
#include "shell/view/view.h"

enum { MOST_SEGMENTS = 4096, BAR_LEAST = 3 };

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

static void seconds(struct text *out, int64_t ms)
{
    int64_t left = ms < 0 ? 0 : ms;

    if (left < 600000)
        text_printf(out, "%lld.%lld s", (long long)(left / 1000), (long long)(left % 1000 / 100));
    else
        text_duration(out, left * 1000);
}

/* ---- the bar ---- */

static void draw_bar(struct scene *scene, int row)
{
    struct grid *grid = scene->grid;
    int width = grid->columns - 3, first = 0, column = 1, start_column = -1;
    int64_t total = 0, left;

    while (scene->count - first > width / (BAR_LEAST + 1))
        first++; /* what does not fit is the oldest */
    for (int i = first; i < scene->count; i++)
        total += scene->segments[i].size_bytes;
    left = total;
    for (int i = first; i < scene->count; i++) {
        const struct segment_info *s = &scene->segments[i];
        int rest = (scene->count - i - 1) * (BAR_LEAST + 1), room = width - (column - 1) - rest;
        int size = left > 0 ? (int)((double)s->size_bytes / (double)left * room) : room, label;
        enum style style = s->state == SEGMENT_DELETED ? STYLE_DELETED : s->state == SEGMENT_ACTIVE ? STYLE_ACTIVE : STYLE_CLOSED;
        const char *fill = s->state == SEGMENT_DELETED ? (grid->ascii ? ":" : "░") : s->state == SEGMENT_ACTIVE ? (grid->ascii ? "=" : "▶") : grid->ascii ? "#" : "█";
        const char *name = s->state == SEGMENT_DELETED ? " .deleted " : s->state == SEGMENT_ACTIVE ? " ACTIVE " : " closed ";

        size = size < BAR_LEAST ? BAR_LEAST : size > room - 1 ? room - 1 : size;
        if (total == 0 && scene->count == 1)
            size = BAR_LEAST;
        left -= s->size_bytes;
        label = (int)strlen(name);
        if (s->state != SEGMENT_DELETED && start_column < 0)
            start_column = column;
        if (size >= 1 || row >= 0) {
            char base[24];

            snprintf(base, sizeof(base), "%lld", (long long)s->base_offset);
            if ((int)strlen(base) <= size)
                grid_put(grid, row, column, STYLE_DIM, "%s", base);
        }
        grid_put(grid, row + 1, column, STYLE_PLAIN, "%s", grid->ascii ? "|" : "│");
        grid_fill(grid, row + 1, column + 1, column + 1 + size, style, fill);
        if (size >= label + 2)
            grid_put(grid, row + 1, column + 1 + (size - label) / 2, style == STYLE_CLOSED ? STYLE_STRONG : style, "%s", name);
        column += size + 1;
    }
    if (scene->count)
        grid_put(grid, row + 1, column, STYLE_PLAIN, "%s", grid->ascii ? "|" : "│");
    if (total > 0 && width > 0)
        grid_right(grid, row, grid->columns - 1, STYLE_DIM, "%lld B, 1 column = %lld B", (long long)total, (long long)(total / width + 1));
    if (start_column >= 0) {
        char end[64];
        int end_column;
        bool same = log_high_watermark(scene->log) == log_end_offset(scene->log);

        if (same)
            snprintf(end, sizeof(end), "log end %lld = high watermark^", (long long)log_end_offset(scene->log));
        else
            snprintf(end, sizeof(end), "log end %lld, high watermark %lld^", (long long)log_end_offset(scene->log), (long long)log_high_watermark(scene->log));
        end_column = column + 1 - (int)strlen(end);
        int after = grid_put(grid, row + 2, start_column, STYLE_PLAIN, "^log start %lld", (long long)log_start_offset(scene->log));
        if (end_column <= after + 1)
            grid_put(grid, row + 2, after + 2, STYLE_PLAIN, "%.*s", (int)strlen(end) - 1, end);
        else
            grid_put(grid, row + 2, end_column, STYLE_PLAIN, "%s", end);
    }
}

/* ---- the list ---- */

static void active_next(const struct scene *scene, const struct segment_info *s, struct text *first, struct text *second)
{
    const struct log_config *config = log_settings(scene->log);
    int64_t records = s->next_offset - s->base_offset, check = INT64_MAX;

    if (!records) {
        text_add(first, "empty: stays, whatever its age");
        return;
    }
    int64_t each = s->size_bytes / records, fit = each > 0 ? (config->segment_bytes - s->size_bytes) / each : 0;

    if (fit < 100000)
        text_printf(first, "%lld more fit, the next one rolls it", (long long)fit);
    else
        text_printf(first, "rolls at %d B, or a record %lld s newer", config->segment_bytes, (long long)(config->segment_ms / 1000));
    if (s->expires_at_ms == INT64_MAX || !config->cleanup_delete)
        return;
    check = look_check_after_ms(scene->partition, s->expires_at_ms);
    if (check != INT64_MAX) {
        text_add(second, "if silent: goes too, at check ");
        look_clock(scene->lab, check, second);
    }
}

static void whats_next(const struct scene *scene, const struct segment_info *s, struct text *first, struct text *second)
{
    int64_t check;

    if (s->state == SEGMENT_DELETED) {
        text_add(first, "unlinked in ");
        seconds(first, s->unlink_at_ms - scene->now_ms);
        text_printf(first, " (delete delay %lld)", (long long)(log_settings(scene->log)->file_delete_delay_ms / 1000));
        return;
    }
    if (s->state == SEGMENT_ACTIVE) {
        active_next(scene, s, first, second);
        return;
    }
    if (!log_settings(scene->log)->cleanup_delete) {
        text_add(first, "compacted, not deleted");
        return;
    }
    if (s->expires_at_ms == INT64_MAX) {
        text_add(first, "does not expire");
        return;
    }
    check = look_check_after_ms(scene->partition, s->expires_at_ms);
    if (s->expires_at_ms > scene->now_ms) {
        text_add(first, "expires in ");
        seconds(first, s->expires_at_ms - scene->now_ms);
        text_add(first, "; goes at ");
    } else {
        text_add(first, "EXPIRED; goes at check ");
    }
    look_clock(scene->lab, check, first);
}

static const char *state_name(enum segment_state state)
{
    return state == SEGMENT_DELETED ? ".deleted" : state == SEGMENT_ACTIVE ? "ACTIVE" : "closed";
}

/* How many rows a segment takes in the list: the active one may say two things. */
static int draw_segment(struct scene *scene, const struct segment_info *s, int row, bool oldest_kept)
{
    struct text first = { 0 }, second = { 0 }, newest = { 0 }, range = { 0 };
    enum style style = s->state == SEGMENT_DELETED ? STYLE_DIM : s->state == SEGMENT_ACTIVE ? STYLE_ACTIVE : STYLE_PLAIN;
    int rows = 1;

    whats_next(scene, s, &first, &second);
    if (s->newest_ms >= 0)
        seconds(&newest, scene->now_ms - s->newest_ms);
    if (s->next_offset > s->base_offset)
        text_printf(&range, "%lld..%lld", (long long)s->base_offset, (long long)s->next_offset - 1);
    else
        text_add(&range, "none");
    grid_put(scene->grid, row, 0, style, "%s%5lld %-8s%8s %4lld %5lld %7s %s", oldest_kept ? ">" : " ", (long long)s->base_offset, state_name(s->state),
             text_chars(&range), (long long)(s->next_offset - s->base_offset), (long long)s->size_bytes, text_chars(&newest), text_chars(&first));
    if (second.size) {
        grid_put(scene->grid, row + 1, 43, STYLE_PLAIN, "%s", text_chars(&second));
        rows = 2;
    }
    text_done(&first);
    text_done(&second);
    text_done(&newest);
    text_done(&range);
    return rows;
}

static int draw_segments(struct scene *scene, int row, int bottom)
{
    int first = 0, room = bottom - row - 1, kept = -1;

    grid_put(scene->grid, row++, 0, STYLE_STRONG, "  BASE STATE    OFFSETS RECS BYTES  NEWEST WHAT HAPPENS NEXT");
    for (int i = 0; i < scene->count && kept < 0; i++)
        if (scene->segments[i].state != SEGMENT_DELETED)
            kept = i;
    if (scene->count + 1 > room)
        first = scene->count + 1 - room;
    if (scene->view->first_segment >= 0 && scene->view->first_segment < first)
        first = scene->view->first_segment;
    for (int i = first; i < scene->count && row < bottom; i++)
        row += draw_segment(scene, &scene->segments[i], row, i == kept);
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
                    grid_put(scene->grid, row++, 66, STYLE_PLAIN, "none");
            }
        }
    }
    arena_done(&arena);
    return row;
}

static int draw_clients(struct scene *scene, int row)
{
    const struct wire *wire = lab_wire(scene->lab);
    int column = 1;
    size_t shown = 0, network = 0;

    for (size_t i = 0; i < wire_connection_count(wire); i++) {
        struct connection_info info;

        wire_connection_get(wire, i, &info);
        if (!info.network)
            continue;
        network++;
        if (column > scene->grid->columns - 30)
            continue;
        column = grid_put(scene->grid, row, column, STYLE_DIM, "%s%s %s:%d%s%s", shown ? "  " : "clients: ", *info.client_id ? info.client_id : "?", info.client_host,
                          info.client_port, info.waiting_in ? " in " : "", info.waiting_in ? info.waiting_in : "");
        shown++;
    }
    if (network > shown)
        grid_put(scene->grid, row, column, STYLE_DIM, "  and %zu more", network - shown);
    return network ? row + 1 : row;
}

static void draw_journal(struct scene *scene, int row, int bottom)
{
    struct journal *journal = lab_journal(scene->lab);
    uint64_t number = journal_last(journal);

    for (int at = bottom - 1; at >= row && number && number >= journal_first(journal); number--) {
        const struct entry *entry = journal_get(journal, number);
        struct text line = { 0 };

        if (!entry || (!event_shown(entry->kind) && !entry->rule))
            continue;
        entry_text(entry, &line);
        grid_put(scene->grid, at--, 1, STYLE_PLAIN, "%s", text_chars(&line));
        text_done(&line);
    }
}

static void draw_nothing(struct view *view, struct grid *grid, int top, int bottom)
{
    struct scene scene = { .view = view, .grid = grid, .lab = view->lab };

    grid_put(grid, top + 1, 2, STYLE_PLAIN, "There is no topic yet. Type, below or in another terminal:");
    grid_put(grid, top + 3, 4, STYLE_STRONG, "kafka-topics.sh --create --topic students --bootstrap-server localhost:9092");
    grid_put(grid, top + 5, 2, STYLE_PLAIN, "or watch one: demo retention");
    draw_journal(&scene, top + 7, bottom);
}

static void draw_subject(struct scene *scene, int row)
{
    const struct log_config *config = log_settings(scene->log);
    int64_t next = broker_next_retention_check_us(partition_broker(scene->partition));
    int column = grid_put(scene->grid, row, 1, STYLE_STRONG, "%s-%d", partition_topic(scene->partition), partition_number(scene->partition));

    column = grid_put(scene->grid, row, column < 16 ? 17 : column + 2, STYLE_PLAIN, "retention.ms=%lld segment.bytes=%d", (long long)config->retention_ms,
                      config->segment_bytes);
    if (config->retention_bytes >= 0)
        column = grid_put(scene->grid, row, column, STYLE_PLAIN, " retention.bytes=%lld", (long long)config->retention_bytes);
    if (next != INT64_MAX) {
        struct text in = { 0 };

        seconds(&in, next / 1000 - scene->now_ms);
        grid_right(scene->grid, row, scene->grid->columns - 1, STYLE_STRONG, " NEXT CHECK in %s", text_chars(&in));
        text_done(&in);
    }
}

static void draw(struct view *view, struct grid *grid, int top, int bottom)
{
    struct scene scene = { .view = view, .grid = grid, .lab = view->lab, .now_ms = queue_now_ms(lab_queue(view->lab)) };
    int row = top, list_end;

    scene.partition = view->topic ? look_leader(view->lab, view->topic, view->partition) : NULL;
    if (!scene.partition) {
        draw_nothing(view, grid, top, bottom);
        return;
    }
    scene.log = partition_log(scene.partition);
    scene.count = (int)log_segment_count(scene.log);
    if (scene.count > MOST_SEGMENTS)
        scene.count = MOST_SEGMENTS;
    scene.segments = mem_zero_array((size_t)scene.count + 1, sizeof(*scene.segments));
    for (int i = 0; i < scene.count; i++)
        log_segment_get(scene.log, log_segment_count(scene.log) - (size_t)scene.count + (size_t)i, &scene.segments[i]);
    draw_subject(&scene, row++);
    grid_fill(grid, row++, 1, grid->columns - 1, STYLE_DIM, grid->ascii ? "-" : "─");
    draw_bar(&scene, row);
    row += 4;
    /* The list may take what the journal (at least 4 rows) and the groups (up to 3) leave. */
    list_end = bottom - 8 > row + 2 ? bottom - 8 : row + 2;
    row = draw_segments(&scene, row, list_end) + 1;
    row = draw_groups(&scene, row, bottom - 3 < row + 4 ? bottom - 3 : row + 4);
    row = draw_clients(&scene, row);
    draw_journal(&scene, row + (bottom - row > 4), bottom);
    mem_free(scene.segments);
}

const struct pane pane_retention = { .name = "retention", .title = "retention", .key = 'r', .draw = draw };
