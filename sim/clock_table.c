/* The table `clock`: one row, where virtual time stands. */
#include "sim/base/rows.h"
#include "sim/lab_internal.h"

enum { NOW_MS, NOW, PACE, SPEED, SEED, KAFKA, EVENTS_RUN, NEXT_EVENT, NEXT_CHECK };

static const struct column columns[] = {
    [NOW_MS] = { "now_ms", VALUE_INT, "virtual time, milliseconds since 1970" },
    [NOW] = { "now", VALUE_TEXT, "the same for people, UTC" },
    [PACE] = { "pace", VALUE_TEXT, "running, paused or frozen" },
    [SPEED] = { "speed", VALUE_REAL, "virtual seconds per second" },
    [SEED] = { "seed", VALUE_INT, "the lab's seed" },
    [KAFKA] = { "kafka", VALUE_TEXT, "the release that is played" },
    [EVENTS_RUN] = { "events_run", VALUE_INT, "events since the lab was opened" },
    [NEXT_EVENT] = { "next_event_ms", VALUE_INT, "when the next queued event is due" },
    [NEXT_CHECK] = { "next_check_ms", VALUE_INT, "when retention looks next" },
    { 0 },
};

static struct value due_ms(int64_t at_us)
{
    return value_known(at_us == INT64_MAX ? at_us : at_us / 1000);
}

static void *open_rows(void *context, const struct constraint *constraints, size_t count)
{
    static const char *const paces[] = { "running", "paused", "frozen" };
    const struct lab *lab = context;
    struct rows *rows = rows_new(&clock_table);
    struct value *row = rows_add(rows);
    struct text now = { 0 };

    (void)constraints, (void)count;
    text_time(&now, queue_now_us(lab->queue), TIME_DATE | TIME_CLOCK | TIME_MILLIS);
    row[NOW_MS] = value_int(queue_now_ms(lab->queue));
    row[NOW] = rows_text(rows, text_chars(&now));
    row[PACE] = value_text(paces[lab->pace]);
    row[SPEED] = value_real(lab->speed);
    row[SEED] = value_int((int64_t)lab->seed);
    row[KAFKA] = value_text(release_name(lab->release));
    row[EVENTS_RUN] = value_int((int64_t)queue_events_run(lab->queue));
    row[NEXT_EVENT] = due_ms(queue_next_us(lab->queue));
    row[NEXT_CHECK] = due_ms(lab_next_moment(lab).at_us);
    text_done(&now);
    return rows;
}

const struct table clock_table = {
    .name = "clock", .doc = "virtual time", .columns = columns, .open = open_rows, .next = rows_next, .get = rows_get, .close = rows_close,
};
