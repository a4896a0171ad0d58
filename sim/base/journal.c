/* The journal: a ring of entries, each one piece of memory with its strings behind it, and the tables that show it. */
#include "sim/base/journal.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/table.h"
#include "sim/base/text.h"

static const struct {
    const char *name, *label, *doc;
    bool shown;
} kinds[] = {
#define SHOWN true
#define QUIET false
#define EVENT(name, label, shown, doc) { #name, label, doc, shown },
#include "sim/base/events.def"
#undef EVENT
#undef QUIET
#undef SHOWN
};

const char *event_name(enum event_kind kind)
{
    return kinds[kind].name;
}

const char *event_label(enum event_kind kind)
{
    return kinds[kind].label;
}

const char *event_doc(enum event_kind kind)
{
    return kinds[kind].doc;
}

bool event_shown(enum event_kind kind)
{
    return kinds[kind].shown;
}

/* ---- the ring ---- */

enum { DEFAULT_RING = 65536 };

struct watcher {
    journal_fn *fn;
    void *context;
};

struct journal {
    const int64_t *clock;
    struct entry **entries;     /* number n lies at n % size */
    size_t size, ring;          /* size grows up to ring */
    uint64_t first, last;       /* first..last are kept */
    struct watcher *watchers;
    size_t watcher_count, watcher_capacity;
};

struct journal *journal_new(const int64_t *clock, size_t ring)
{
    struct journal *journal = mem_zero(sizeof(*journal));

    journal->clock = clock;
    journal->ring = ring ? ring : DEFAULT_RING;
    journal->first = 1;
    return journal;
}

static struct entry **slot(const struct journal *journal, uint64_t number)
{
    return &journal->entries[number % journal->size];
}

static void forget_all(struct journal *journal)
{
    for (; journal->first <= journal->last; journal->first++)
        mem_free(*slot(journal, journal->first));
}

void journal_free(struct journal *journal)
{
    if (!journal)
        return;
    forget_all(journal);
    mem_free(journal->entries);
    mem_free(journal->watchers);
    mem_free(journal);
}

/* Room for one more: a larger ring while it may grow, else the oldest goes. */
static void make_room(struct journal *journal)
{
    struct entry **old = journal->entries;
    size_t size = journal->size;

    if (journal->last + 1 - journal->first < size)
        return;
    if (size == journal->ring) {
        mem_free(*slot(journal, journal->first++));
        return;
    }
    journal->size = !size ? 64 : size * 2;
    if (journal->size > journal->ring)
        journal->size = journal->ring;
    journal->entries = mem_zero_array(journal->size, sizeof(*journal->entries));
    for (uint64_t number = journal->first; number <= journal->last; number++)
        *slot(journal, number) = old[number % size];
    mem_free(old);
}

static size_t size_of(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static const char *move_in(char **at, const char *text)
{
    size_t size = size_of(text);
    char *copy = *at;

    if (!text)
        return NULL;
    memcpy(copy, text, size);
    *at += size;
    return copy;
}

static struct entry *copy_of(const struct entry *entry)
{
    size_t head = offsetof(struct entry, facts) + (size_t)entry->fact_count * sizeof(struct fact), size = head;
    struct entry *copy;
    char *at;

    size += size_of(entry->topic) + size_of(entry->subject) + size_of(entry->rule) + size_of(entry->text);
    for (int i = 0; i < entry->fact_count; i++)
        size += size_of(entry->facts[i].text);
    copy = mem_alloc(size);
    memcpy(copy, entry, head);
    at = (char *)copy + head;
    copy->topic = move_in(&at, entry->topic);
    copy->subject = move_in(&at, entry->subject);
    copy->rule = move_in(&at, entry->rule);
    copy->text = move_in(&at, entry->text);
    for (int i = 0; i < entry->fact_count; i++)
        copy->facts[i].text = move_in(&at, entry->facts[i].text);
    return copy;
}

uint64_t journal_add(struct journal *journal, const struct entry *entry)
{
    struct entry *copy;

    if (!journal)
        return 0;
    assert(entry->fact_count >= 0 && entry->fact_count <= MOST_FACTS);
    make_room(journal);
    copy = copy_of(entry);
    copy->number = ++journal->last;
    copy->at_us = *journal->clock;
    *slot(journal, copy->number) = copy;
    for (size_t i = 0; i < journal->watcher_count; i++)
        journal->watchers[i].fn(journal->watchers[i].context, copy);
    return copy->number;
}

uint64_t journal_last(const struct journal *journal)
{
    return journal ? journal->last : 0;
}

uint64_t journal_first(const struct journal *journal)
{
    return journal ? journal->first : 1;
}

const struct entry *journal_get(const struct journal *journal, uint64_t number)
{
    if (!journal || number < journal->first || number > journal->last)
        return NULL;
    return *slot(journal, number);
}

void journal_go_on(struct journal *journal, uint64_t last)
{
    if (last == journal->last)
        return;
    if (journal->size)
        forget_all(journal);
    journal->last = last;
    journal->first = last + 1;
}

void journal_watch(struct journal *journal, journal_fn *fn, void *context)
{
    ARRAY_ADD(journal->watchers, journal->watcher_count, journal->watcher_capacity) = (struct watcher){ fn, context };
}

void journal_unwatch(struct journal *journal, journal_fn *fn, void *context)
{
    for (size_t i = 0; i < journal->watcher_count; i++) {
        struct watcher *watcher = &journal->watchers[i];

        if (watcher->fn != fn || watcher->context != context)
            continue;
        memmove(watcher, watcher + 1, (--journal->watcher_count - i) * sizeof(*watcher));
        return;
    }
}

/* ---- the tables ---- */

enum column_id {
    C_NUMBER, C_TIME, C_AT_MS, C_EVENT, C_BROKER, C_TOPIC, C_PARTITION, C_OFFSET, C_SUBJECT, C_RULE, C_TEXT, C_FACTS
};

static const struct column event_columns[] = {
    { "number", VALUE_INT, "counts the events, from 1 without gaps" },
    { "time", VALUE_TEXT, "virtual moment, UTC" },
    { "at_ms", VALUE_INT, "the same in milliseconds since 1970" },
    { "event", VALUE_TEXT, "what happened: segment_rolled, leader_elected, ..." },
    { "broker", VALUE_INT, "id of the broker at which it happened" },
    { "topic", VALUE_TEXT, "of which topic" },
    { "partition", VALUE_INT, "of which partition" },
    { "offset", VALUE_INT, "base offset of the segment, or offset of the record" },
    { "subject", VALUE_TEXT, "the group, client or file that it is about" },
    { "rule", VALUE_TEXT, "the setting or rule of Kafka that decided" },
    { "text", VALUE_TEXT, "the event in one line" },
    { 0 },
};
static const enum column_id event_ids[] = { C_NUMBER, C_TIME, C_AT_MS, C_EVENT, C_BROKER, C_TOPIC,
                                            C_PARTITION, C_OFFSET, C_SUBJECT, C_RULE, C_TEXT };

static const struct column decision_columns[] = {
    { "number", VALUE_INT, "number of the event that followed from the decision" },
    { "at_ms", VALUE_INT, "virtual moment in milliseconds since 1970" },
    { "event", VALUE_TEXT, "what was done, or kept as it is" },
    { "broker", VALUE_INT, "id of the broker that decided" },
    { "topic", VALUE_TEXT, "of which topic" },
    { "partition", VALUE_INT, "of which partition" },
    { "offset", VALUE_INT, "base offset of the segment, or offset of the record" },
    { "rule", VALUE_TEXT, "the setting or rule of Kafka that decided" },
    { "text", VALUE_TEXT, "the decision in one line" },
    { "facts", VALUE_TEXT, "the values that were compared, as JSON" },
    { 0 },
};
static const enum column_id decision_ids[] = { C_NUMBER, C_AT_MS, C_EVENT, C_BROKER, C_TOPIC,
                                               C_PARTITION, C_OFFSET, C_RULE, C_TEXT, C_FACTS };

struct cursor {
    const struct journal *journal;
    const enum column_id *ids;
    bool decisions;
    uint64_t next, last;        /* numbers still to look at; no more if next > last */
    const struct entry *entry;
    struct text text;           /* behind the value handed out last */
};

static uint64_t at_least(int64_t number)
{
    return number > 0 ? (uint64_t)number : 0;
}

/* The first number at or after that millisecond; time does not go back in a journal. */
static uint64_t first_at(const struct journal *journal, int64_t at_ms)
{
    uint64_t low = journal->first, high = journal->last + 1;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if ((*slot(journal, middle))->at_us / 1000 < at_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Narrows the cursor to numbers below `below`, from `from`. */
static void narrow(struct cursor *cursor, uint64_t from, uint64_t below)
{
    if (from > cursor->next)
        cursor->next = from;
    if (below <= cursor->last)
        cursor->last = below ? below - 1 : 0;
}

static void use_constraint(struct cursor *cursor, const struct constraint *constraint)
{
    enum column_id id = cursor->ids[constraint->column];
    bool lower = constraint->op != CONSTRAINT_LE && constraint->op != CONSTRAINT_LT;
    bool upper = constraint->op != CONSTRAINT_GE && constraint->op != CONSTRAINT_GT;
    int64_t v = constraint->value.integer, from, below, after;

    if (constraint->value.type != VALUE_INT || (id != C_NUMBER && id != C_AT_MS))
        return;
    if (__builtin_add_overflow(v, 1, &after))
        return;
    from = constraint->op == CONSTRAINT_GT ? after : v;
    below = constraint->op == CONSTRAINT_LT ? v : after;
    if (id == C_NUMBER)
        narrow(cursor, lower ? at_least(from) : 0, upper ? at_least(below) : UINT64_MAX);
    else
        narrow(cursor, lower ? first_at(cursor->journal, from) : 0,
               upper ? first_at(cursor->journal, below) : UINT64_MAX);
}

static void *open_table(struct journal *journal, bool decisions, const struct constraint *constraints, size_t count)
{
    struct cursor *cursor = mem_zero(sizeof(*cursor));

    cursor->journal = journal;
    cursor->decisions = decisions;
    cursor->ids = decisions ? decision_ids : event_ids;
    cursor->next = journal->first;
    cursor->last = journal->last;
    for (size_t i = 0; i < count; i++)
        use_constraint(cursor, &constraints[i]);
    return cursor;
}

static void *open_events(void *context, const struct constraint *constraints, size_t count)
{
    return open_table(context, false, constraints, count);
}

static void *open_decisions(void *context, const struct constraint *constraints, size_t count)
{
    return open_table(context, true, constraints, count);
}

static bool next(void *context)
{
    struct cursor *cursor = context;

    while (cursor->next <= cursor->last) {
        cursor->entry = journal_get(cursor->journal, cursor->next++);
        if (cursor->entry && (!cursor->decisions || cursor->entry->rule))
            return true;
    }
    return false;
}

static struct value unless_negative(int64_t v)
{
    return v < 0 ? value_null() : value_int(v);
}

static void write_facts(struct text *text, const struct entry *entry)
{
    text_char(text, '{');
    for (int i = 0; i < entry->fact_count; i++) {
        const struct fact *fact = &entry->facts[i];

        if (i)
            text_char(text, ',');
        text_json(text, bytes_text(fact->name));
        text_char(text, ':');
        if (fact->text)
            text_json(text, bytes_text(fact->text));
        else
            text_printf(text, "%lld", (long long)fact->number);
    }
    text_char(text, '}');
}

static struct value get(void *context, int column)
{
    struct cursor *cursor = context;
    const struct entry *entry = cursor->entry;

    switch (cursor->ids[column]) {
    case C_NUMBER: return value_int((int64_t)entry->number);
    case C_AT_MS: return value_int(entry->at_us / 1000);
    case C_EVENT: return value_text(event_name(entry->kind));
    case C_BROKER: return unless_negative(entry->broker);
    case C_TOPIC: return value_text(entry->topic);
    case C_PARTITION: return unless_negative(entry->partition);
    case C_OFFSET: return unless_negative(entry->offset);
    case C_SUBJECT: return value_text(entry->subject);
    case C_RULE: return value_text(entry->rule);
    case C_TEXT: return value_text(entry->text);
    case C_TIME:
        text_clear(&cursor->text);
        text_time(&cursor->text, entry->at_us, TIME_DATE | TIME_MILLIS);
        *strchr(cursor->text.data, ' ') = 'T';
        text_char(&cursor->text, 'Z');
        break;
    case C_FACTS:
        text_clear(&cursor->text);
        write_facts(&cursor->text, entry);
        break;
    }
    return value_text(text_chars(&cursor->text));
}

static void close_table(void *context)
{
    struct cursor *cursor = context;

    text_done(&cursor->text);
    mem_free(cursor);
}

static const struct table events = {
    .name = "events",
    .doc = "what happened, as far as memory keeps it",
    .columns = event_columns,
    .open = open_events,
    .next = next,
    .get = get,
    .close = close_table,
};
static const struct table decisions = {
    .name = "decisions",
    .doc = "what was decided, by which rule, and the values that it compared",
    .columns = decision_columns,
    .open = open_decisions,
    .next = next,
    .get = get,
    .close = close_table,
};

void journal_register_tables(struct journal *journal, struct tables *tables)
{
    tables_add(tables, &events, journal);
    tables_add(tables, &decisions, journal);
}
