/* Who writes and who reads: simulated clients with what they sent, what came of it and what is on its way; real ones by address; groups and what they have not read. */
#include <stdio.h>

#include "shell/look.h"
#include "shell/view/view.h"
#include "sim/clients/simulated.h"

enum { MOST_REAL = 64 };

static enum style style_of(enum simulated_state state)
{
    return state == SIMULATED_RUNNING ? STYLE_PLAIN : state == SIMULATED_FAILED || state == SIMULATED_KILLED ? STYLE_WARNING : STYLE_DIM;
}

static int draw_producers(struct view *view, struct grid *grid, int row, int bottom)
{
    const struct simulated_clients *clients = lab_simulated(view->lab);
    bool head = false;

    for (size_t i = 0; i < simulated_count(clients) && row < bottom; i++) {
        struct simulated_info info;
        int column;

        simulated_info(simulated_at(clients, i), &info);
        if (info.kind != SIMULATED_PRODUCER)
            continue;
        if (!head)
            grid_put(grid, row++, 1, STYLE_STRONG, "%s", _(view->lang, "PRODUCER     TOPIC        STATE       SENT  ACKED FAILED RETRIES FLIGHT BUFFER"));
        head = true;
        column = grid_put(grid, row, 1, style_of(info.state), "%-12.12s %-12.12s %-7.7s %8llu %6llu ", info.name, info.topic, simulated_state_name(info.state),
                          (unsigned long long)info.sent, (unsigned long long)info.acknowledged);
        column = grid_put(grid, row, column, info.failed ? STYLE_WARNING : style_of(info.state), "%6llu ", (unsigned long long)info.failed);
        column = grid_put(grid, row, column, info.retries ? STYLE_WARNING : style_of(info.state), "%7llu ", (unsigned long long)info.retries);
        column = grid_put(grid, row++, column, style_of(info.state), "%6zu %6zu", info.in_flight, info.buffered_bytes);
        if ((*info.error || *info.last_error) && row < bottom && simulated_lives(info.state) == !*info.error)
            grid_put(grid, row++, 15, STYLE_WARNING, "%s", *info.error ? info.error : info.last_error);
    }
    return head ? row + 1 : row;
}

static int draw_consumers(struct view *view, struct grid *grid, int row, int bottom)
{
    const struct simulated_clients *clients = lab_simulated(view->lab);
    bool head = false;

    for (size_t i = 0; i < simulated_count(clients) && row < bottom; i++) {
        struct simulated_info info;
        struct text lag = { 0 };
        int column;

        simulated_info(simulated_at(clients, i), &info);
        if (info.kind != SIMULATED_CONSUMER)
            continue;
        if (!head)
            grid_put(grid, row++, 1, STYLE_STRONG, "%s", _(view->lang, "CONSUMER     GROUP        STATE       READ    LAG PARTS GENER TWICE REBALANCE"));
        head = true;
        if (info.lag >= 0)
            text_printf(&lag, "%lld", (long long)info.lag);
        else
            text_add(&lag, "-");
        column = grid_put(grid, row, 1, style_of(info.state), "%-12.12s %-12.12s %-7.7s %8llu %6s %5zu %5d ", info.name, info.group ? info.group : "", simulated_state_name(info.state),
                          (unsigned long long)info.consumed, text_chars(&lag), info.assigned, info.generation);
        column = grid_put(grid, row, column, info.duplicates ? STYLE_WARNING : style_of(info.state), "%5llu ", (unsigned long long)info.duplicates);
        grid_put(grid, row++, column, style_of(info.state), "%9llu", (unsigned long long)info.rebalances);
        if ((*info.error || *info.last_error) && row < bottom && simulated_lives(info.state) == !*info.error)
            grid_put(grid, row++, 15, STYLE_WARNING, "%s", *info.error ? info.error : info.last_error);
        text_done(&lag);
    }
    return head ? row + 1 : row;
}

static int draw_real(struct view *view, struct grid *grid, int row, int bottom)
{
    struct connection_info some[MOST_REAL];
    size_t count = look_clients(view->lab, some, MOST_REAL);

    for (size_t i = 0; i < count && i < MOST_REAL && row < bottom; i++) {
        const struct connection_info *info = &some[i];
        char *address = mem_printf("%s:%d", info->client_host, info->client_port);

        if (!i)
            grid_put(grid, row++, 1, STYLE_STRONG, "%s", _(view->lang, "REAL CLIENT            CLIENT.ID             BROKER REQUESTS  WAITING IN"));
        if (row < bottom)
            grid_put(grid, row++, 1, STYLE_PLAIN, "%-22.22s %-21.21s %6d %8llu  %s", address, info->client_id, info->broker, (unsigned long long)info->requests,
                     info->waiting_in ? info->waiting_in : "");
        mem_free(address);
    }
    return count ? row + 1 : row;
}

static bool of_clients(const struct entry *entry)
{
    switch (entry->kind) {
    case EVENT_append_refused: case EVENT_producer_duplicate: case EVENT_group_rebalance: case EVENT_group_generation: case EVENT_group_assigned: case EVENT_group_empty:
    case EVENT_member_joined: case EVENT_member_left: case EVENT_client_connected: case EVENT_client_disconnected: case EVENT_client_refused: case EVENT_offset_expired:
        return true;
    default:
        return false;
    }
}

static void draw(struct view *view, struct grid *grid, int top, int bottom)
{
    int row = draw_producers(view, grid, top, bottom - 2);

    row = draw_consumers(view, grid, row, bottom - 2);
    row = draw_real(view, grid, row, bottom - 2);
    if (row == top) {
        grid_put(grid, row + 1, 2, STYLE_PLAIN, "%s", _(view->lang, "Nobody writes or reads yet. Type, below or in another terminal:"));
        grid_put(grid, row + 3, 4, STYLE_STRONG, "producer start p1 --topic students --rate 10/s");
        grid_put(grid, row + 4, 4, STYLE_STRONG, "consumer start c1 --group my-group --topic students");
        row += 6;
    }
    view_journal(view, grid, row, bottom, 1, of_clients);
}

/* Why the group of the first consumer shown rebalanced; without one: why the partition's records stay. */
static void why(const struct view *view, struct text *line)
{
    const struct simulated_clients *clients = lab_simulated(view->lab);

    for (size_t i = 0; i < simulated_count(clients); i++) {
        struct simulated_info info;

        simulated_info(simulated_at(clients, i), &info);
        if (info.kind == SIMULATED_CONSUMER && info.group) {
            text_printf(line, "why rebalance %s", info.group);
            return;
        }
    }
    if (view->topic)
        text_printf(line, "why %s-%d", view->topic, view->partition);
}

const struct pane pane_clients = { .name = "clients", .title = N_("clients"), .key = 'l', .draw = draw,
                                  .next = "rebalance", .why = why };
