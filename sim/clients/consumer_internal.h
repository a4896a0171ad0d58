/* The inside of a consumer: consumer.c (life, poll, what runs beside it), consumer_group.c (membership, commits), consumer_assign.c (who gets
 * what), consumer_fetch.c (positions and records). */
#pragma once
#include <regex.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "sim/clients/consumer.h"

enum {
    API_FETCH = 1, API_LIST_OFFSETS = 2, API_OFFSET_COMMIT = 8, API_OFFSET_FETCH = 9, API_JOIN_GROUP = 11, API_HEARTBEAT = 12, API_LEAVE_GROUP = 13,
    API_SYNC_GROUP = 14, API_OFFSET_FOR_LEADER_EPOCH = 23,
};
enum want { WANT_NOTHING, WANT_COMMITTED, WANT_EARLIEST, WANT_LATEST }; /* where a position that is not known yet comes from */
enum reset { RESET_LATEST, RESET_EARLIEST, RESET_NONE };

struct part {                    /* an assigned partition */
    char *topic;
    int32_t partition;
    uint64_t id;                 /* never given twice: answers for one that was revoked find nothing */
    int64_t position;            /* of the next record that poll gives; -1: not known yet */
    int32_t position_epoch;      /* the leader's for which it is known, committed with it: of the batch read last; -1: by none */
    int32_t sure_epoch;          /* under this leader it is known to lie in the log; -1: not asked */
    int32_t replica;             /* asked in place of the leader, as that said; -1: nobody */
    int64_t replica_until_us;
    enum want want;
    bool fetching, buffered;
    int64_t retry_at_us;         /* asked no sooner after an error */
    int64_t high_watermark;      /* as last heard; -1: never */
};

struct aborted { int64_t producer_id, first_offset; };
struct completed {               /* what a fetch brought for one partition, not yet given */
    struct completed *next;
    uint64_t part_id;
    int64_t next_offset;
    int32_t next_epoch;          /* of the batch opened last */
    uint8_t *data;
    size_t size, at;
    struct aborted *aborted;     /* by first offset */
    size_t aborted_count, aborted_at;
    int64_t *skipped;            /* producers whose transaction was aborted here */
    size_t skipped_count, skipped_capacity;
    struct batch batch;
    struct record_iterator it;
    bool open;
};

struct flight {                  /* a fetch on its way to one broker */
    struct flight *next;
    struct consumer *consumer;
    int32_t node;
    struct arena arena;
    struct client_send *send;
    bool by_id, incremental;
    int64_t sent_us;
    uint64_t *ids;               /* of the partitions asked for */
    int64_t *offsets;            /* and from where: a seek since then makes the answer useless */
    size_t count;
};

struct session_entry {           /* what a broker remembers of one partition */
    char *topic;
    struct uuid topic_id;
    int32_t partition, leader_epoch, most_bytes;
    int64_t offset;
    bool wanted;                 /* in the request that is being made */
};

struct session {                 /* of fetches at one broker */
    struct session *next;
    int32_t node, id, epoch;     /* epoch 0: begins, or begins anew; -1: the broker knows none */
    struct session_entry *entries;
    size_t count, capacity;
};

struct later {                   /* a heartbeat, commit or farewell that nobody waits for in its call */
    struct later *next;
    struct consumer *consumer;
    struct arena arena;
    struct client_send *send;
    struct consumer_position *positions;   /* of a commit, in the arena */
    size_t position_count;
    int16_t api;
    bool *over;                  /* set when answered; may be NULL */
    enum err *err;
};

struct owned { const char *topic; int32_t partition; };

struct consumer {
    struct client *client;
    struct client_options options;
    struct queue *queue;
    struct timers *timers;
    char *client_id, *group_id, *instance_id;
    bool is_27, auto_commit, read_committed, auto_create, exclude_internal; /* the last: of patterns */
    enum reset reset;
    int64_t auto_commit_us, heartbeat_us, max_poll_us, max_age_us, backoff_us;
    int32_t session_ms, max_poll_ms, fetch_min_bytes, fetch_wait_ms, fetch_max_bytes, partition_max_bytes;
    int64_t max_poll_records;
    bool cooperative;            /* all strategies let members keep what stays their own */
    char *rack;                  /* client.rack */
    char *strategies[4];
    int strategy_count;
    /* what is wanted */
    bool subscribed, by_pattern;
    regex_t pattern;
    char **topics;               /* subscribed, sorted as subscribed; for a pattern those that match */
    size_t topic_count;
    struct part **parts;         /* in the order in which they are asked for */
    size_t part_count, part_capacity;
    uint64_t next_id;
    /* membership */
    int32_t coordinator;         /* -1: unknown */
    char *member_id;
    int32_t generation;          /* -1: none */
    bool need_join, joining, joined, lost;
    char **group_topics;         /* of all members, if we lead */
    size_t group_topic_count;
    int64_t *snapshot;           /* their partition counts (and racks) when we assigned them */
    bool leads;
    struct timer heartbeat, commit;
    bool heartbeat_flies;
    int64_t last_poll_us, heard_us;  /* heard_us: the coordinator answered a heartbeat */
    struct owned *kept;          /* the last assignment by the sticky strategy; NULL: none */
    size_t kept_count;
    int32_t kept_generation, cooperative_generation;
    /* metadata */
    bool refresh;
    int64_t refresh_at_us, refreshed_us;
    int refresh_tries;
    bool metadata_known;
    /* fetching */
    struct flight *flights, *sending;
    struct session *sessions;
    bool awaits_link;            /* a broker that is to be asked is not connected yet */
    uint64_t losses, cut_short;  /* cut_short: how often the log behind a position was gone */
    struct completed *first, **last;
    /* results */
    struct arena arena;
    struct consumer_record *records;
    size_t record_count, record_capacity;
    enum err failed;
    struct reason reason;
    /* tasks */
    struct task *worker, *waiter;
    struct timer tick;
    bool polling, closing, pending;
    struct later *laters;
    struct consumer_watch watch;
    int using;                   /* calls on the stack that still look at us; the worker is one */
};

/* ---- consumer.c ---- */
int64_t consumer_now_us(const struct consumer *consumer);
void consumer_wake(struct consumer *consumer);          /* the worker: something is to be done */
void consumer_wake_in(struct consumer *consumer, int64_t us);
void consumer_wake_waiter(struct consumer *consumer);   /* who polls */
void consumer_enter(struct consumer *consumer);
void consumer_leave(struct consumer *consumer);
/* The next poll returns it; who polls is not woken by this. */
void consumer_fail(struct consumer *consumer, enum err err, const char *format, ...) __attribute__((format(printf, 3, 4)));
void consumer_refresh_metadata(struct consumer *consumer);
bool consumer_sleep(struct consumer *consumer, int64_t us);   /* in the worker */
void consumer_warn(struct consumer *consumer, const char *level, const char *logger, const char *format, ...) __attribute__((format(printf, 4, 5)));
struct part *consumer_part(struct consumer *consumer, uint64_t id);
static inline void part_move(struct part *part, int64_t position, int32_t epoch)
{
    part->position = position;
    part->position_epoch = epoch;
}
void consumer_free_part(struct part *part);
void consumer_clear_parts(struct consumer *consumer);
struct part *consumer_add_part(struct consumer *consumer, const char *topic, int32_t partition);
void texts_free(char ***texts, size_t *count);
/* Sends without waiting; the request is in later->arena. */
struct later *consumer_later(struct consumer *consumer, int16_t api);
void consumer_send_later(struct later *later, int32_t node, int16_t most_version, const void *request, client_reply *reply);
void consumer_later_done(struct later *later);

/* Tells the watch of these partitions. */
enum told { TOLD_ASSIGNED, TOLD_REVOKED, TOLD_LOST };
void consumer_tell(struct consumer *consumer, enum told what, struct part *const *parts, size_t count);

/* ---- consumer_group.c: in the worker, except where said ---- */
void consumer_group_step(struct consumer *consumer);
void consumer_group_init(struct consumer *consumer);
void consumer_group_done(struct consumer *consumer);
void consumer_group_check_metadata(struct consumer *consumer);   /* partitions changed under a leader: a new rebalance */
void consumer_group_give_all_back(struct consumer *consumer);    /* it is being closed */
/* From anywhere: sends a commit of all positions. False: there is nothing to commit, or nobody to tell. */
bool consumer_group_send_commit(struct consumer *consumer, bool *over, enum err *err);
bool consumer_group_send_leave(struct consumer *consumer, bool *over);

/* ---- consumer_assign.c ---- */
struct member_wish {
    const char *member_id, *instance_id;
    const char *const *topics;
    int32_t topic_count;
    const struct owned *owned;   /* what it has, or had, as the strategy is told: for the sticky ones */
    size_t owned_count;
    int32_t generation;          /* in which; -1: not told */
    int32_t owned_generation;    /* as its subscription itself has it (version 2 on); -1 */
    const char *rack;            /* its client.rack (version 3 on); NULL or "": none */
};
struct dealt { const char *topic; int32_t partition; size_t member; };
/* Deals all partitions of the topics to `members`; the list is allocated. */
struct dealt *consumer_assign_partitions(const char *strategy, bool is_27, const struct member_wish *members, size_t member_count, const struct client *client, size_t *count);
bool consumer_assign_knows(const char *strategy);
bool consumer_assign_cooperates(const char *strategy);   /* members keep what stays theirs during a rebalance */
/* The short name of a strategy that was configured by its name or class; NULL: none of ours. */
const char *consumer_assign_named(const char *name);
const char **consumer_assign_topics(const struct member_wish *members, size_t member_count, size_t *count); /* all that somebody wants, sorted; the caller's */
int32_t consumer_assign_partition_count(const struct client *client, const char *topic);
bool consumer_assign_wants(const struct member_wish *member, const char *topic);
/* How a Java HashMap was filled: of keys that fall into one bucket those that came by put() stay in the order of their coming, those by computeIfAbsent()
 * stand the other way round. */
enum java_map { JAVA_PUT, JAVA_COMPUTED };
/* Texts in the order of such a map. */
void consumer_assign_java_order(const char **texts, size_t count, enum java_map map);
/* The same of things with these hash codes: for each place in the map, which of them stands there. The caller's. */
size_t *consumer_assign_java_places(const uint32_t *hashes, size_t count, enum java_map map);
/* And of members, by their ids. */
size_t *consumer_assign_java_members(const struct member_wish *members, size_t count);
uint32_t consumer_assign_java_partition(const char *topic, int32_t partition); /* TopicPartition.hashCode */

/* ---- consumer_racks.c ---- */
struct racks {
    size_t count;                /* different ones; 0: no member tells its own */
    int *of_member;              /* -1: none */
    bool *at;                    /* [partition * count + rack]: a replica is there. Partitions are numbered through all topics */
};
void racks_init(struct racks *racks, const struct client *client, const struct member_wish *members, size_t member_count, const char *const *topics,
                size_t topic_count);
void racks_done(struct racks *racks);
/* To these members with these partitions: some replica is in a member's rack, and not every rack has a replica of all. */
bool racks_matter(const struct racks *racks, const size_t *members, size_t member_count, int first, int count);
bool racks_match(const struct racks *racks, size_t member, int partition);
int64_t racks_shape(const struct client *client, const char *topic, int64_t partitions); /* another number where they, or their replicas' racks, are others */
bool racks_mismatch(const struct racks *racks, size_t member, int partition); /* false also if the member tells no rack */

/* ---- consumer_range.c: `members` in order, `topics` in that in which they are dealt ---- */
void consumer_assign_range(const struct client *client, const struct member_wish *members, size_t member_count, const char *const *topics,
                           size_t topic_count, struct dealt *dealt, size_t *count);

/* ---- consumer_protocol.c ---- */
struct bytes consumer_protocol_subscription(struct consumer *consumer, const char *strategy, struct arena *arena);
bool consumer_protocol_wishes(const struct consumer *consumer, const struct join_group_response *group, struct member_wish *members, struct arena *arena);
struct bytes consumer_protocol_assignment(const struct consumer *consumer, const struct dealt *dealt, size_t count, size_t member, struct arena *arena);
bool consumer_protocol_read_assignment(struct bytes bytes, struct consumer_protocol_assignment *out, struct arena *arena);
void consumer_protocol_remember(struct consumer *consumer, const char *strategy);   /* what it has now came by that one */
void consumer_protocol_forget(struct consumer *consumer);

/* ---- consumer_sticky.c: AbstractStickyAssignor ---- */
void consumer_assign_sticky(const struct client *client, bool cooperative, bool is_27, const struct member_wish *members, size_t member_count, struct dealt *dealt,
                            size_t *count);

/* ---- consumer_sticky_general.c: where members want different topics ---- */
struct sticky_list { int *items; size_t count, capacity; };
struct sticky {
    struct member_wish *members; /* in the order of their HashMap */
    size_t member_count;
    const char **topics;         /* sorted */
    int *first, *counts;         /* first partition's number, and how many, of each topic */
    size_t topic_count;
    int total;                   /* partitions, numbered by topic and partition */
    struct sticky_list *owned, *got; /* of each member */
    int *transferring;           /* of each partition: the member that would take it from another; -1: none */
    bool *doubly;                /* claimed by two of one generation */
    bool is_27, cooperative;
    size_t alike;                /* so many of the first members want the same topics */
    struct racks racks;          /* by_racks: they matter here */
    bool by_racks;
};
void sticky_add(struct sticky_list *list, int number);
bool sticky_remove(struct sticky_list *list, int number);
size_t sticky_topic(const struct sticky *sticky, int number);
int sticky_number(const struct sticky *sticky, const struct owned *owned); /* -1: there is no such partition */
bool sticky_mismatch(const struct sticky *sticky, int member, int number); /* racks matter, and the member's has no replica */
void sticky_general(struct sticky *sticky);

/* ---- consumer_positions.c ---- */
void consumer_fetch_positions(struct consumer *consumer);        /* in the worker: finds what is not known, checks what is not sure */
bool consumer_any_wants(const struct consumer *consumer, enum want least);
const struct client_partition *consumer_leader(const struct consumer *consumer, const struct part *part); /* NULL: there is none */
bool consumer_unsure(const struct consumer *consumer, const struct part *part);

/* ---- consumer_fetch.c ---- */
void consumer_fetch_send(struct consumer *consumer);             /* from anywhere: asks all leaders that have no request of ours */
void consumer_fetch_take(struct consumer *consumer);             /* moves records to consumer->records */
void consumer_fetch_done(struct consumer *consumer);
