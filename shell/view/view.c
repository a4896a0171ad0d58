/* The frame of the view: header, the pane, the prompt row, the help line. */
#include "shell/view/view.h"

#include <string.h>

#include "shell/inspected.h"
#include "shell/look.h"
#include "shell/past.h"
#include "shell/prose.h"

static const struct pane *const panes[] = {
#define PANE(name_) &pane_##name_,
#include "shell/view/panes.def"
#undef PANE
};

void view_init(struct view *view, struct lab *lab)
{
    *view = (struct view){ .lab = lab, .first_segment = -1, .prompt_cursor = -1 };
}

void view_done(struct view *view)
{
    mem_free(view->topic);
    text_done(&view->output);
    text_done(&view->progress);
    mem_free(view->title);
    mem_free(view->samples);
}

const struct pane *view_pane(const struct view *view)
{
    return panes[view->pane];
}

void view_why_replication(const struct view *view, struct text *line)
{
    if (view->topic)
        text_printf(line, "why leader %s-%d; why isr %s-%d", view->topic, view->partition, view->topic, view->partition);
}

int view_pane_count(void)
{
    return (int)(sizeof(panes) / sizeof(*panes));
}

bool view_open_pane(struct view *view, int key)
{
    for (int i = 0; i < view_pane_count(); i++)
        if (panes[i]->key == key || key == '1' + i) {
            view->pane = i;
            return true;
        }
    return false;
}

static bool partition_of(const struct image *image, int64_t number, const char **topic, int32_t *partition)
{
    for (int internal = 0; internal < 2; internal++) {
        for (size_t t = 0; t < image_topic_count(image); t++) {
            const struct image_topic *found = image_topic_at(image, t);

            if (found->internal != internal)
                continue;
            if (number < found->partition_count) {
                *topic = found->name;
                *partition = (int32_t)number;
                return true;
            }
            number -= found->partition_count;
        }
    }
    return false;
}

static int64_t number_of(const struct image *image, const char *topic, int32_t partition)
{
    const char *name;
    int32_t found;

    for (int64_t number = 0; partition_of(image, number, &name, &found); number++)
        if (!strcmp(name, topic) && found == partition)
            return number;
    return -1;
}

void view_choose(struct view *view, const char *topic, int32_t partition)
{
    char *chosen = mem_text(topic);

    mem_free(view->topic);
    view->topic = chosen;
    view->partition = partition;
    view->first_segment = -1;
}

void view_select(struct view *view, int by)
{
    const struct image *image = cluster_image(lab_cluster(view->lab));
    int64_t number = view->topic ? number_of(image, view->topic, view->partition) : -1;
    const char *topic;
    int32_t partition;

    if (number < 0)
        number = by > 0 ? -1 : 1;
    if (!partition_of(image, number + by, &topic, &partition))
        return;
    view_choose(view, topic, partition);
}

static void choose(struct view *view)
{
    const struct image *image = cluster_image(lab_cluster(view->lab));

    if (view->topic && image_partition(image, view->topic, view->partition))
        return;
    mem_free(view->topic);
    view->topic = NULL;
    if (image_topic_count(image))
        view_select(view, +1);
}

static void draw_header(struct view *view, struct grid *grid)
{
    const struct lab *lab = view->lab;
    struct wire_waiting waiting = wire_waiting(lab_wire(lab), true);
    struct connection_info some[64];
    size_t brokers = cluster_broker_count(lab_cluster(lab)), clients = look_clients(lab, some, 64);
    struct text line = { 0 };

    grid_fill(grid, 0, 0, grid->columns, STYLE_TITLE, " ");
    text_add(&line, " KAFKARIUM  ");
    if (lab_inspects(lab)) {
        inspected_title(lab, view->lang, &line, grid->columns - 14);
        grid_put(grid, 0, 0, STYLE_TITLE, "%s", text_chars(&line));
        text_done(&line);
        return;
    }
    if (lab_is_past(lab)) {
        past_title(lab, &line);
        text_add(&line, "  ");
        past_ago(lab, view->lang, &line);
        text_add(&line, _(view->lang, ": only to look at"));
        grid_put(grid, 0, 0, STYLE_TITLE, "%s", text_chars(&line));
        if (line.size + 10 < (size_t)grid->columns)
            grid_put(grid, 0, grid->columns - 6, STYLE_TITLE, "PAST ");
        text_done(&line);
        return;
    }
    text_time(&line, queue_now_us(lab_queue(lab)), TIME_CLOCK | TIME_TENTHS);
    if (lab_pace(lab) == PACE_PAUSED) {
        text_add(&line, _(view->lang, " PAUSED"));
    } else if (lab_pace(lab) == PACE_FROZEN) {
        struct net_waiting frozen = lab_net(lab) ? net_waiting(lab_net(lab)) : (struct net_waiting){ 0 };

        text_printf(&line, _(view->lang, " FROZEN: %zu waiting (oldest %lld of 30 s)"), frozen.count, (long long)(frozen.oldest_us / 1000000));
    } else if (lab_speed(lab) != 1) {
        text_printf(&line, _(view->lang, " speed %g"), lab_speed(lab));
    } else {
        text_add(&line, _(view->lang, " running"));
    }
    text_add(&line, "  ");
    if (grid->columns >= 100 || (lab_pace(lab) != PACE_FROZEN && !(lab_net(lab) && brokers > 1))) /* their ports tell it as well */
        text_printf(&line, n_(view->lang, "%zu broker  ", "%zu brokers  ", (int64_t)brokers), brokers);
    if (lab_net(lab) && brokers > 1)
        text_printf(&line, "localhost:%d-%d  ", lab_port(lab, 0), lab_port(lab, brokers - 1));
    else if (lab_net(lab))
        text_printf(&line, "localhost:%d  ", lab_port(lab, 0));
    if (lab_net(lab) && (lab_pace(lab) != PACE_FROZEN || grid->columns >= 100))
        text_printf(&line, n_(view->lang, "%zu client, %zu waiting", "%zu clients, %zu waiting", (int64_t)clients), clients, waiting.for_data + waiting.for_time);
    else if (!lab_net(lab))
        text_add(&line, _(view->lang, "not listening"));
    grid_put(grid, 0, 0, STYLE_TITLE, "%s", text_chars(&line));
    if (text_width(text_chars(&line)) + text_width(_(view->lang, panes[view->pane]->title)) + 5 < grid->columns)
        grid_right(grid, 0, grid->columns - 1, STYLE_TITLE, "%d %s", view->pane + 1, _(view->lang, panes[view->pane]->title));
    text_done(&line);
}

#define PANES "1-6" /* their keys, as many as panes.def has */

static void draw_help(const struct view *view, struct grid *grid, int row)
{
    static const char *const past[][2] = { { "SPACE", N_("present") }, { "n", N_("next") }, { "s", N_("step") }, { "f", "+30s" }, { "z", "-30s" }, { "w", N_("why") },
                                           { PANES, N_("panes") }, { ":", N_("type") }, { "q", N_("quit") } };
    const char *const keys[][2] = { { "SPACE", lab_pace(view->lab) == PACE_RUNNING ? N_("pause") : N_("run") }, { "n", N_("next") }, { "c", N_("check") },
                                    { "f", "+30s" }, { "w", N_("why") }, { PANES, N_("panes") }, { ":", N_("type") }, { "?", N_("help") }, { "q", N_("quit") } };
    size_t first = lab_inspects(view->lab) ? 4 : 0; /* without those that move the clock */
    int column = 1, width = 1, gap;

    for (size_t i = first; i < sizeof(keys) / sizeof(*keys); i++)
        width += (int)strlen(keys[i][0]) + 1 + text_width(_(view->lang, keys[i][1])) + 2;
    gap = grid->columns < 80 || width - 2 > grid->columns ? 1 : 2;
    for (size_t i = first; i < sizeof(keys) / sizeof(*keys); i++) {
        const char *const *shown = lab_is_past(view->lab) ? past[i] : keys[i];

        column = grid_put(grid, row, column, STYLE_KEY, "%s", shown[0]);
        column = grid_put(grid, row, column + 1, STYLE_DIM, "%s", _(view->lang, shown[1])) + gap;
    }
}

/* The last lines of what a command typed here printed stand over the bottom of the pane. */
static void draw_output(struct view *view, struct grid *grid, int bottom)
{
    int lines = 0, most = (bottom - 2) * 2 / 3, skip, row, column, width = grid->columns - 2;
    const char *at, *next;

    if (!view->output.size && !view->title)
        return;
    for (at = text_chars(&view->output); *at; at = next, lines++)
        prose_line(at, width, &next);
    if (view->output_scroll > lines - most)
        view->output_scroll = lines > most ? lines - most : 0;
    skip = lines > most ? lines - most - view->output_scroll : 0;
    row = bottom - (lines < most ? lines : most) - 1;
    for (int r = row; r < bottom; r++)
        grid_fill(grid, r, 0, grid->columns, STYLE_PLAIN, " ");
    grid_fill(grid, row, 0, grid->columns, STYLE_DIM, grid->ascii ? "-" : "─");
    column = view->title ? grid_put(grid, row, 2, STYLE_STRONG, " %.*s ", grid->columns - 48, view->title) + 1 : 2;
    if (view->running && view->progress.size)
        grid_put(grid, row++, column, STYLE_DIM, _(view->lang, " %s, Esc ends it "), text_chars(&view->progress));
    else if (view->running)
        grid_put(grid, row++, column, STYLE_DIM, "%s", _(view->lang, " Esc ends it "));
    else if (lines > most)
        grid_put(grid, row++, column, STYLE_DIM, _(view->lang, " %d lines; PgUp PgDn scroll, Esc closes "), lines);
    else
        grid_put(grid, row++, column, STYLE_DIM, "%s", _(view->lang, " Esc closes "));
    at = text_chars(&view->output);
    for (int line = 0; *at && row < bottom; line++, at = next) {
        int size = prose_line(at, width, &next);

        if (line >= skip)
            grid_put(grid, row++, 1, STYLE_PLAIN, "%.*s", size, at);
    }
}

void view_draw(struct view *view, struct grid *grid)
{
    int bottom = grid->rows - 2;

    grid_clear(grid);
    if (grid->rows < 10 || grid->columns < 40) {
        grid_put(grid, 0, 0, STYLE_PLAIN, "The view wants 80x24.");
        return;
    }
    choose(view);
    if (view->pane < 0 || view->pane >= view_pane_count())
        view->pane = 0;
    draw_header(view, grid);
    panes[view->pane]->draw(view, grid, 1, bottom);
    draw_output(view, grid, bottom);
    if (view->prompt)
        grid_put(grid, grid->rows - 2, 1, STYLE_PLAIN, "%s", view->prompt);
    else
        grid_put(grid, grid->rows - 2, 1, STYLE_DIM, "%s", view->idle_prompt ? view->idle_prompt : "kafkarium> ");
    draw_help(view, grid, grid->rows - 1);
}
