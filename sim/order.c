/* The one way of orders: looked up, recorded, carried out. */
#include "sim/order.h"

#include <stdio.h>
#include <string.h>

#include "sim/lab_internal.h"
#include "sim/replay.h"

#define ORDER(group, verb, name, usage, summary)                   \
    enum err order_##name(struct order_call *call);                \
    enum err prepare_##name(struct order_call *call) __attribute__((weak));
#include "sim/orders.def"
#undef ORDER

#define ORDER(group, verb, name, usage, summary) { group, verb, usage, summary, order_##name, prepare_##name },
static const struct order_row rows[] = {
#include "sim/orders.def"
};
#undef ORDER

size_t order_count(void) { return sizeof(rows) / sizeof(*rows); }
const struct order_row *order_at(size_t i) { return &rows[i]; }

static enum err no_such_order(char **words, int count, struct reason *reason)
{
    struct text known = { 0 }, what = { 0 };
    bool group = false;
    enum err err;

    for (size_t i = 0; count && i < order_count(); i++)
        group = group || !strcmp(rows[i].group, words[0]);
    for (size_t i = 0; i < order_count(); i++)
        if (!group || !strcmp(rows[i].group, words[0]))
            text_printf(&known, "%s%s %s %s", known.size ? ", " : "", rows[i].group, rows[i].verb, rows[i].usage);
    for (int i = 0; i < count; i++) {
        text_add(&what, i ? " " : "");
        text_escaped(&what, bytes_text(words[i]));
    }
    err = err_because(ERR_INVALID_REQUEST, reason, "there is no order '%s'; it is one of: %s", text_chars(&what), text_chars(&known));
    text_done(&known);
    text_done(&what);
    return err;
}

struct broker *order_broker(struct order_call *call, const char *word)
{
    struct cluster *cluster = lab_cluster(call->lab);
    struct text ids = { 0 }, name = { 0 };
    struct broker *broker = NULL;
    int32_t id;

    if (parse_i32(word, &id))
        broker = cluster_broker(cluster, id);
    if (broker)
        return broker;
    for (size_t i = 0; i < cluster_broker_count(cluster); i++)
        text_printf(&ids, "%s%d", i ? ", " : "", broker_id(cluster_broker_at(cluster, i)));
    text_escaped(&name, bytes_text(word));
    err_because(ERR_INVALID_REQUEST, call->reason, "there is no broker %s; there %s %s", text_chars(&name),
                cluster_broker_count(cluster) == 1 ? "is only broker" : "are the brokers", text_chars(&ids));
    text_done(&ids);
    text_done(&name);
    return NULL;
}

enum err order_refuse(struct order_call *call, const char *word, const char *why)
{
    struct text shown = { 0 };
    enum err err;

    text_escaped(&shown, bytes_text(word));
    err = err_because(ERR_INVALID_REQUEST, call->reason, "'%s': %s", text_chars(&shown), why);
    text_done(&shown);
    return err;
}

bool order_bytes(const char *text, int64_t *bytes)
{
    static const struct { const char *unit; int64_t bytes; } units[] = {
        { "", 1 }, { "B", 1 }, { "KB", 1000 }, { "KiB", 1024 }, { "MB", 1000000 }, { "MiB", 1 << 20 }, { "GB", 1000000000 }, { "GiB", 1 << 30 },
    };
    size_t digits = strspn(text, "0123456789");
    char number[20];

    if (!digits || digits >= sizeof(number))
        return false;
    memcpy(number, text, digits);
    number[digits] = 0;
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (!strcmp(text + digits, units[i].unit) && parse_i64(number, bytes) && *bytes <= INT64_MAX / units[i].bytes) {
            *bytes *= units[i].bytes;
            return true;
        }
    return false;
}

static int split(char *copy, char **words)
{
    char *save = NULL;
    int count = 0;

    for (char *word = strtok_r(copy, " \t", &save); word && count < MOST_ORDER_WORDS; word = strtok_r(NULL, " \t", &save))
        words[count++] = word;
    return count;
}

/* A verb in capitals stands for any word: the row's function gets it too. */
static const struct order_row *find_row(int count, char **words, int *own_words)
{
    for (size_t i = 0; count >= 2 && i < order_count(); i++)
        if (!strcmp(rows[i].group, words[0]) && !strcmp(rows[i].verb, words[1])) {
            *own_words = 2;
            return &rows[i];
        }
    for (size_t i = 0; count >= 2 && i < order_count(); i++)
        if (!strcmp(rows[i].group, words[0]) && rows[i].verb[0] >= 'A' && rows[i].verb[0] <= 'Z') {
            *own_words = 1;
            return &rows[i];
        }
    *own_words = 0;
    return NULL;
}

enum err order_known(const char *words, struct reason *reason)
{
    char *list[MOST_ORDER_WORDS], *copy = mem_text(words);
    int own_words, count = split(copy, list);
    enum err err = find_row(count, list, &own_words) ? ERR_OK : no_such_order(list, count, reason);

    mem_free(copy);
    return err;
}

enum whence { FROM_OUTSIDE, FROM_RECORDING, FROM_WITHIN };

static enum err carry_out(struct lab *lab, const char *words, enum whence whence, struct text *answer, struct reason *reason)
{
    struct text nobody = { 0 };
    char *list[MOST_ORDER_WORDS], *copy;
    const struct order_row *row = NULL;
    struct order_call call = { .lab = lab, .answer = answer ? answer : &nobody, .reason = reason };
    enum err err;
    int count, own_words;

    if (strlen(words) > MOST_ORDER_TEXT)
        return err_because(ERR_INVALID_REQUEST, reason, "an order has at most %d characters", MOST_ORDER_TEXT);
    copy = mem_text(words);
    count = split(copy, list);
    row = find_row(count, list, &own_words);
    call.words = list + own_words;
    call.count = count - own_words;
    err = row ? ERR_OK : no_such_order(list, count, reason);
    if (!err && whence == FROM_OUTSIDE && row->prepare)
        err = row->prepare(&call);
    else if (!err && whence == FROM_WITHIN && !lab->player && row->prepare)
        row->prepare(&call); /* it is history that it happens, whatever is in its way here; lab_settle() tries again */
    if (!err) {
        if (whence == FROM_OUTSIDE)
            recorder_order(lab->recorder, words);
        journal_add(lab->journal, ENTRY(EVENT_order, .subject = row->group, .text = words));
        err = row->run(&call);
    }
    text_done(&nobody);
    mem_free(copy);
    return err;
}

enum err lab_order(struct lab *lab, const char *words, struct text *answer, struct reason *reason)
{
    if (lab->player)
        return err_because(ERR_INVALID_REQUEST, reason, "this is the past: nothing can be changed in it (`branch` makes it a lab of its own)");
    return carry_out(lab, words, FROM_OUTSIDE, answer, reason);
}

enum err order_play(struct lab *lab, const char *words)
{
    return carry_out(lab, words, FROM_RECORDING, NULL, NULL);
}

enum err order_carry_out_due(struct lab *lab, const char *words, struct reason *reason)
{
    return carry_out(lab, words, FROM_WITHIN, NULL, reason);
}
