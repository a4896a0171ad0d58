/* What the questions of `why` share: whom they are about, and an answer that grows by sentences. One file a question: why_retention.c, why_record.c,
 * why_roll.c, why_compaction.c, why_lag.c, why_event.c, why_leader.c, why_replication.c, why_move.c,
 * why_rebalance.c; why.c takes the words apart. */
#pragma once
#include "shell/command.h"
#include "shell/explain.h"
#include "shell/look.h"

struct why {                     /* a question and its answer so far */
    struct call *call;
    struct lab *lab;
    enum lang lang;
    int64_t now_ms;
    char *topic;                 /* of a question about a partition; NULL: of none */
    int32_t partition;
    struct partition *replica;   /* the leader's, or where there is none, another one's; NULL: of a question that the controller alone answers */
    struct log *log;             /* of `replica` */
    const struct entry **entries; /* what the journal, in memory and in lab.db, has of this partition, the oldest first; not of a topic of that name before it */
    size_t entry_count;
    int64_t begins_us;           /* and how far it reaches back; -1: there is none */
    struct text out;             /* paragraphs, to be broken at the terminal's width */
    struct arena arena;
};

/* Each answers into `out`, which why.c prints, and gives the exit status. */
int why_retention(struct why *why);
int why_record(struct why *why, int64_t offset);
int why_roll(struct why *why, int64_t base_offset);          /* -1: the last one */
int why_compaction(struct why *why);
int why_lag(struct why *why, const char *group);
int why_leader(struct why *why);
int why_isr(struct why *why);
int why_commit(struct why *why);                             /* what the high watermark waits for */
int why_move(struct why *why);                               /* to other brokers: how far it is, and what holds it back */
/* What these share (why_replicas.c): the controller's word on the partition; of a question that take_partition() let pass it is never NULL. */
const struct image_partition *why_image(const struct why *why);
const char *why_ids(struct why *why, const int32_t *list, int16_t count);    /* "1,2", or "none" */
bool why_lists(const int32_t *list, int16_t count, int32_t id);
const struct entry *why_newest(const struct why *why, enum event_kind kind, int32_t replica); /* about the partition, whoever's broker it names; `replica` -1: any */
/* What keeps a broker away, and the line that brings it back; NULL: nothing that is known. With a leader (not -1): away from that one as its follower. */
const char *why_hindrance(struct why *why, int32_t id, int32_t leader);
const char *why_remedy(struct why *why, int32_t id, int32_t leader);
int64_t why_setting(const struct why *why, const char *key);                 /* the topic's, as the controller sees it */
bool why_boolean(const struct why *why, const char *key);
bool why_say_moving(struct why *why);                        /* one sentence, if it moves */
int why_rebalance(struct why *why, const char *group);
int why_event(struct why *why, enum event_kind kind, const char *none);   /* EVENT_KINDS: the latest decision */

/* Adds to the answer; formats come translated: why_say(why, _(why->lang, "...")) */
void why_say(struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
void why_say_extent(struct why *why);                         /* "students-0: offsets 28..83, 5600 bytes": how an answer about a partition begins */
/* With a line to type, "head: command". */
void why_error_line(struct why *why, const char *head, const char *command, const char *format, ...) __attribute__((format(printf, 4, 5)));
void why_flush(struct why *why);                             /* prints what is there: for what prints by itself */
/* Words for within a sentence; they live as long as the question. */
const char *why_clock(struct why *why, int64_t ms);          /* "10:03:34", or with the date */
const char *why_moment(struct why *why, int64_t ms);         /* "10:03:34.250": to the millisecond */
const char *why_lasts(struct why *why, int64_t ms);          /* "30 s" */
const char *why_offsets(struct why *why, int64_t base_offset, int64_t next_offset); /* "0..27", or "5" alone */
const char *why_name(struct why *why, const char *name);     /* from outside: escaped */
const char *why_words(struct why *why, const char *words);   /* sim's, as the rule or the reason of an entry: in the user's language, escaped; NULL as "" */
/* The last lines: something to type. In a folder that is only looked at, those that go there. */
void why_show(struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));  /* show me: ... */
void why_mend(struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));  /* mend: ... */
void why_mend_effect(struct why *why, const char *effect, const char *format, ...) __attribute__((format(printf, 3, 4))); /* mend (what it does): ... */
void why_mend_text(struct why *why, const char *key, const char *value, const char *effect);
/* mend (what it does): kafka-configs.sh ... --add-config key=value */
void why_mend_config(struct why *why, const char *key, int64_t value, const char *format, ...) __attribute__((format(printf, 4, 5)));
void why_show_delete(struct why *why, int64_t at_ms);        /* until delete TOPIC-P, looking as far as needed; INT64_MAX: it would not come */
void why_show_segments(struct why *why);                     /* SELECT ... FROM segments */
void why_show_offsets(struct why *why);                      /* by GetOffsetShell, as the release has it */
const char *why_server(struct why *why);                     /* "localhost:9092" */

/* One segment's line of why_retention(), for why_record(): when it goes and by which rule. *goes_at_ms: INT64_MAX: not foreseen. */
void why_segment(struct why *why, const struct segment_verdict *verdict, int64_t older_goes_at_ms, int64_t *goes_at_ms);
/* The entry that says of a deletion, from values: "its newest record was ...". */
void why_deleted(struct why *why, const struct entry *entry);
/* The newest entry of a kind about this partition that `wanted` (may be NULL) takes. */
typedef bool why_wanted(const struct entry *entry, int64_t offset);
const struct entry *why_find(struct why *why, enum event_kind kind, why_wanted *wanted, int64_t offset);
bool why_about(const struct why *why, const struct entry *entry);  /* of this replica, not of another broker's */
