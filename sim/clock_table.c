/* The table `clock`: one row, where virtual time stands. */
#include "sim/lab_internal.h"

static const struct column columns[] = {
    { "now_ms", VALUE_INT, "virtual time, milliseconds since 1970" },
    { "now", VALUE_TEXT, "the same for people, UTC" },
    { "pace", VALUE_TEXT, "running, paused or frozen" },
    { "speed", VALUE_REAL, "virtual seconds per second" },
    { "seed", VALUE_INT, "the lab's seed" },
    { "kafka", VALUE_TEXT, "the release that is played" },
    { "events_run", VALUE_INT, "events since the lab was opened" },
    { "next_event_ms", VALUE_INT, "when the next queued event is due" },
    { "next_check_ms", VALUE_INT, "when retention looks next" },
    { 0 },
};

struct cursor {
    const struct lab *lab;
    bool given;
    struct text text;
};

static void *open_cursor(void *context, const struct constraint *constraints, size_t count)
{
    struct cursor *cursor = mem_zero(sizeof(*cursor));

    (void)constraints, (void)count;
    cursor->lab = context;
    return cursor;
}

static bool next(void *context)
{
    struct cursor *cursor = context;
    bool first = !cursor->given;

    cursor->given = true;
    return first;
}

static struct value moment(int64_t us)
{
    return us == INT64_MAX ? value_null() : value_int(us / 1000);
}

static struct value get(void *context, int column)
{
    struct cursor *cursor = context;
    const struct lab *lab = cursor->lab;
    static const char *const paces[] = { "running", "paused", "frozen" };

    switch (column) {
    case 0:
        return value_int(queue_now_ms(lab->queue));
    case 1:
        text_clear(&cursor->text);
        text_time(&cursor->text, queue_now_us(lab->queue), TIME_DATE | TIME_CLOCK | TIME_MILLIS);
        return value_text(text_chars(&cursor->text));
    case 2:
        return value_text(paces[lab->pace]);
    case 3:
        return value_real(lab->speed);
    case 4:
        return value_int((int64_t)lab->seed);
    case 5:
        return value_text(release_name(lab->release));
    case 6:
        return value_int((int64_t)queue_events_run(lab->queue));
    case 7:
        return moment(queue_next_us(lab->queue));
    default:
        return moment(lab_next_moment(lab).at_us);
    }
}

static void close_cursor(void *context)
{
    struct cursor *cursor = context;

    text_done(&cursor->text);
    mem_free(cursor);
}

const struct table clock_table = {
    .name = "clock", .doc = "virtual time", .columns = columns, .open = open_cursor, .next = next, .get = get, .close = close_cursor,
};
