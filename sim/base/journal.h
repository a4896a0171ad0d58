/* The journal: what happened, and for what was decided the values that were compared. The view shows it as it grows, `why`
 * explains from it, the tables `events` and `decisions` are it, `step` and `next` stop by it, lab.db keeps it.
 * events.def lists the kinds; those marked SHOWN are what `step` stops at. The newest `ring` entries stay in memory. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
#define EVENT(name, label, shown, doc) EVENT_##name,
#include "sim/base/events.def"
#undef EVENT
    EVENT_KINDS
};

/* One value that a decision compared: retention_ms = 30000, newest_age_ms = 35000, reason = "retention.ms". */
struct fact {
    const char *name;      /* a literal */
    int64_t number;
    const char *text;      /* not NULL: the value is this text */
};
enum { MOST_FACTS = 16 };

struct entry {
    uint64_t number;       /* from 1, without gaps; set by journal_add */
    int64_t at_us;         /* set by journal_add */
    enum event_kind kind;
    int32_t broker;        /* -1: none */
    const char *topic;     /* NULL: none */
    int32_t partition;     /* -1: none */
    int64_t offset;        /* base offset of the segment, offset of the record; -1: none */
    const char *subject;   /* group, client or file that it is about; NULL: none */
    const char *rule;      /* the config key or Kafka rule that decided; NULL: nothing was decided */
    const char *text;      /* one line for people: "students-0 at 84: 1932 + 69 > 2000 (segment.bytes)" */
    int fact_count;
    struct fact facts[MOST_FACTS]; /* last: a kept entry has memory for fact_count of them only, so don't copy *journal_get() */
};
#pragma GCC diagnostic ignored "-Woverride-init" /* an entry overrides these defaults */
#define ENTRY(kind_, ...) \
    &(struct entry) { .kind = (kind_), .broker = -1, .partition = -1, .offset = -1, __VA_ARGS__ }

struct journal;
/* `clock`: queue_clock(). `ring`: how many entries stay in memory (0: 65536). */
struct journal *journal_new(const int64_t *clock, size_t ring);
void journal_free(struct journal *journal);

/* Keeps a copy of all of `entry` and tells the watchers; returns its number. A NULL journal is one that nobody keeps. */
uint64_t journal_add(struct journal *journal, const struct entry *entry);
uint64_t journal_last(const struct journal *journal);             /* number of the newest; 0: none yet */
uint64_t journal_first(const struct journal *journal);            /* the oldest still in memory */
const struct entry *journal_get(const struct journal *journal, uint64_t number); /* NULL: gone or not yet */
void journal_go_on(struct journal *journal, uint64_t last);       /* a reopened lab: the next entry gets last + 1 */

/* Called for each entry, inside journal_add: it must not add entries or run events. */
typedef void journal_fn(void *context, const struct entry *entry);
void journal_watch(struct journal *journal, journal_fn *fn, void *context);
void journal_unwatch(struct journal *journal, journal_fn *fn, void *context);

const char *event_name(enum event_kind kind);    /* "segment_rolled" */
const char *event_label(enum event_kind kind);   /* "ROLL": how the view shows it, at most 8 letters */
const char *event_doc(enum event_kind kind);
bool event_shown(enum event_kind kind);

struct tables;
void journal_register_tables(struct journal *journal, struct tables *tables); /* `events` and `decisions` */
