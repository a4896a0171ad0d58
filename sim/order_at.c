/* Orders for later: `at +5s broker kill 2`. Each lies as an event in the lab's queue and is part of its history from the order on, so a replay needs no
 * other input for it. */
#include "sim/schedule.h"

#include <string.h>

#include "sim/base/rows.h"
#include "sim/lab_internal.h"
#include "sim/order.h"

struct due {
    struct lab *lab;
    struct due_order order;
    struct event event;
};
struct schedule {
    struct due **items;           /* by moment, then by number */
    size_t count, capacity;
    uint64_t last;
};

size_t lab_due_count(const struct lab *lab) { return lab->schedule ? lab->schedule->count : 0; }
const struct due_order *lab_due_at(const struct lab *lab, size_t i) { return &lab->schedule->items[i]->order; }

static void due_free(struct due *due)
{
    event_cancel(due->lab->queue, &due->event);
    mem_free((char *)due->order.words);
    mem_free(due);
}

static void take_out(struct schedule *schedule, const struct due *due)
{
    size_t place = 0;

    while (schedule->items[place] != due)
        place++;
    memmove(schedule->items + place, schedule->items + place + 1, (--schedule->count - place) * sizeof(*schedule->items));
}

void schedule_free(struct schedule *schedule)
{
    if (!schedule)
        return;
    for (size_t i = 0; i < schedule->count; i++)
        due_free(schedule->items[i]);
    mem_free(schedule->items);
    mem_free(schedule);
}

/* What could not be done is an event too: nobody waits for its answer. */
static void is_due(void *context)
{
    struct due *due = context;
    struct lab *lab = due->lab;
    struct reason reason = { "" };
    struct text text = { 0 };

    take_out(lab->schedule, due);
    if (order_carry_out_due(lab, due->order.words, &reason)) {
        text_printf(&text, "at: %s: %s", due->order.words, reason.text);
        journal_add(lab->journal, ENTRY(EVENT_order_failed, .subject = "at", .text = text_chars(&text)));
        text_done(&text);
    }
    due_free(due);
}

static enum err parse_when(struct order_call *call, const char *word, int64_t *at_us)
{
    int64_t now_us = queue_now_us(call->lab->queue), us;
    struct text shown = { 0 };
    enum err err = ERR_OK;

    if (word[0] == '+' && parse_duration(word + 1, &us) && us >= 0 && us <= INT64_MAX / 4)
        *at_us = now_us + us;
    else if (word[0] != '+' && parse_time(word, now_us, &us))
        *at_us = us;
    else
        err = ERR_INVALID_REQUEST;
    text_escaped(&shown, bytes_text(word));
    if (err)
        err_because(err, call->reason, "'%s' is no moment: +5s from now, 10:05:00 today or 2026-01-01T10:05:00Z, for instance: at +5s broker kill 2", text_chars(&shown));
    else if (*at_us < now_us)
        err = err_because(ERR_INVALID_REQUEST, call->reason, "%s is past; `time` says how late it is", text_chars(&shown));
    text_done(&shown);
    return err;
}

/* The words behind the first `skip`, as one order, for then. */
static enum err add(struct order_call *call, int skip, uint64_t number, int64_t at_us, struct due **out)
{
    struct lab *lab = call->lab;
    struct text words = { 0 };
    struct due *due;
    size_t place;
    enum err err;

    for (int i = skip; i < call->count; i++)
        text_printf(&words, "%s%s", i > skip ? " " : "", call->words[i]);
    err = order_known(text_chars(&words), call->reason);
    if (!err && lab_due_count(lab) >= MOST_DUE_ORDERS)
        err = err_because(ERR_INVALID_REQUEST, call->reason, "%d orders are waiting already; `at list` shows them, `at cancel N` takes one away", MOST_DUE_ORDERS);
    if (err) {
        text_done(&words);
        return err;
    }
    if (!lab->schedule)
        lab->schedule = mem_zero(sizeof(*lab->schedule));
    if (number > lab->schedule->last)
        lab->schedule->last = number;
    due = mem_zero(sizeof(*due));
    due->lab = lab;
    due->order = (struct due_order){ number ? number : ++lab->schedule->last, at_us, text_take(&words) };
    due->event = (struct event){ .run = is_due, .context = due };
    ARRAY_ADD(lab->schedule->items, lab->schedule->count, lab->schedule->capacity) = due;
    for (place = lab->schedule->count - 1; place > 0 && lab->schedule->items[place - 1]->order.at_us > at_us; place--)
        lab->schedule->items[place] = lab->schedule->items[place - 1];
    lab->schedule->items[place] = due;
    event_at(lab->queue, &due->event, at_us);
    *out = due;
    return ERR_OK;
}

enum err order_at_time(struct order_call *call)
{
    struct due *due;
    int64_t at_us;
    enum err err;

    if (call->count < 2)
        return err_because(ERR_INVALID_REQUEST, call->reason, "when, and which order? For instance: at +5s broker kill 2");
    err = parse_when(call, call->words[0], &at_us);
    if (!err)
        err = add(call, 1, 0, at_us, &due);
    if (err)
        return err;
    text_printf(call->answer, "%llu: at ", (unsigned long long)due->order.number);
    text_time(call->answer, at_us, at_us - queue_now_us(call->lab->queue) < (int64_t)86400 * 1000000 ? TIME_CLOCK | TIME_TENTHS : TIME_DATE | TIME_CLOCK);
    text_printf(call->answer, " %s\n", due->order.words);
    return ERR_OK;
}

void order_keep_schedule(const struct lab *lab, struct text *out)
{
    for (size_t i = 0; i < lab_due_count(lab); i++) {
        const struct due_order *order = lab_due_at(lab, i);

        text_printf(out, "at restore %llu %lld %s\n", (unsigned long long)order->number, (long long)order->at_us, order->words);
    }
}

/* One whose moment has passed comes at once: the clock may have been set otherwise. */
enum err order_at_restore(struct order_call *call)
{
    int64_t number, at_us, now_us = queue_now_us(call->lab->queue);
    struct due *due;

    if (call->count < 3 || !parse_i64(call->words[0], &number) || number < 1 || !parse_i64(call->words[1], &at_us))
        return err_because(ERR_INVALID_REQUEST, call->reason, "a lab that is opened again gives this order; for instance: at +5s broker kill 2");
    return add(call, 2, (uint64_t)number, at_us > now_us ? at_us : now_us, &due);
}

enum err order_at_cancel(struct order_call *call)
{
    struct schedule *schedule = call->lab->schedule;
    int64_t number = 0;

    if (call->count == 1 && parse_i64(call->words[0], &number))
        for (size_t i = 0; schedule && i < schedule->count; i++)
            if (schedule->items[i]->order.number == (uint64_t)number) {
                struct due *due = schedule->items[i];

                take_out(schedule, due);
                text_printf(call->answer, "Not to be: %s\n", due->order.words);
                due_free(due);
                return ERR_OK;
            }
    return err_because(ERR_INVALID_REQUEST, call->reason, lab_due_count(call->lab) ? "which one? Its number, as `at list` shows them: at cancel 1" : "no order is waiting");
}

/* ---- the table ---- */

static const struct column columns[] = {
    { "number", VALUE_INT, "for at cancel" },
    { "at_us", VALUE_INT, "virtual time at which it is due" },
    { "words", VALUE_TEXT, "the order" },
    { 0 },
};

static void *open_rows(void *context, const struct constraint *constraints, size_t count)
{
    struct rows *rows = rows_new(&schedule_table);

    (void)constraints, (void)count;
    for (size_t i = 0; i < lab_due_count(context); i++) {
        const struct due_order *order = lab_due_at(context, i);
        struct value *row = rows_add(rows);

        row[0] = value_int((int64_t)order->number);
        row[1] = value_int(order->at_us);
        row[2] = rows_text(rows, order->words);
    }
    return rows;
}

const struct table schedule_table = {
    .name = "orders_due", .doc = "orders for later (`at`)", .columns = columns, .open = open_rows, .next = rows_next, .get = rows_get, .close = rows_close,
};
