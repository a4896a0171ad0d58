/* The inside of the group coordinator, for its own files: groups.c (which partitions are coordinated here, loading, what is
 * written and answered), group.c (members, rebalances, timers), group_join.c (the requests of members), group_offsets.c,
 * group_records.c (the bytes of __consumer_offsets), group_tables.c.
 *
 * Callbacks of calls go through an outbox that is emptied as the last thing of every way in (groups_leave), so that whoever
 * is called may call back at once without finding a group half changed. */
#pragma once
#include "sim/cluster/cluster_internal.h"
#include "sim/cluster/group_records.h"

#define OFFSETS_TOPIC "__consumer_offsets"

struct owned_bytes { uint8_t *data; size_t size; };   /* data NULL only with size 0 */
static inline struct bytes owned_view(struct owned_bytes owned)
{
    return (struct bytes){ owned.data ? owned.data : (const uint8_t *)"", owned.size };
}
void owned_set(struct owned_bytes *owned, struct bytes bytes);

/* A partition of __consumer_offsets that this broker leads. */
struct group_home {
    int32_t partition, leader_epoch;
    bool loading;
    bool takes_over;                  /* from another broker, or from itself before it went down; not read when the lab was opened */
    int64_t load_next, load_end;      /* offsets */
    uint64_t load_records;
    int64_t led_at_us;
};

struct committed {                    /* an offset, as the group's file says it */
    char *topic, *metadata;
    int32_t partition, leader_epoch;
    int64_t offset, commit_ms;
    int64_t expire_ms;                /* explicit, of old clients; -1 */
};

struct member_protocol { char *name; struct owned_bytes metadata; };
struct member {
    struct group *group;
    char *id, *instance_id /* NULL */, *client_id, *client_host;
    int32_t session_timeout_ms, rebalance_timeout_ms;
    struct member_protocol *protocols;
    int32_t protocol_count;
    struct owned_bytes assignment;
    bool is_new;                      /* its first join is still parked: five minutes, no session */
    bool awaiting_join, awaiting_sync;/* stay set when the call was forgotten: Kafka goes on with a client that hung up */
    bool skips_assignment;            /* JoinGroup v9+ */
    bool pending_sync;                /* 4.3: joined this generation, not synced yet */
    struct group_call *join_call, *sync_call;
    struct timers *timers;            /* NULL: read from disk, has not spoken yet */
    struct timer session;
    struct member *next, *previous;   /* in the order of joining */
};
struct pending_member {               /* an id handed out, not yet joined with */
    struct group *group;
    char *id;
    struct timers *timers;
    struct timer timer;
    struct pending_member *next;
};

struct group {
    struct groups *groups;
    struct group_home *home;
    char *name;
    enum group_state state, previous_state;
    int32_t generation;
    char *protocol_type, *protocol, *leader;   /* NULL: none */
    int64_t state_since_ms;
    struct member *members, *last_member;
    int32_t member_count, awaiting_join_count;
    struct pending_member *pending;
    bool new_member_added;            /* during the initial delay */
    bool initial;                     /* the present rebalance is a first one */
    int32_t initial_delay_ms, initial_remaining_ms;
    struct timer rebalance, sync;
    struct committed *offsets;        /* sorted by topic and partition */
    size_t offset_count, offset_capacity;
    bool has_record;                  /* group metadata was read or written */
    struct group *next, *previous;    /* of this broker, in the order of their making */
    struct group *hash_next;
};

/* An answer on its way. */
enum answer_kind { ANSWER_JOINED, ANSWER_SYNCED, ANSWER_COMMITTED };
struct answer {
    struct answer *next;
    struct group_call *call;          /* NULL: forgotten */
    enum answer_kind kind;
    struct arena arena;
    struct group_joined joined;
    enum err err;
    const char *protocol_type, *protocol;
    struct bytes assignment;
};

/* Records of one group on their way into its partition, and what is done once they are committed. */
struct group_write {
    struct groups *groups;
    struct group *group;              /* NULL: it is gone */
    struct group_home *home;          /* NULL: not led any more */
    struct group_write *next, *previous;
    struct batch_builder builder;
    struct frame key, value;
    bool too_long;                    /* something could not be encoded */
    struct arena arena;
    struct commit_wait wait;
    struct timer timeout;
    void (*done)(struct group_write *write, enum err err);
    struct group_call *call;          /* of a commit, or of a static member's join */
    struct group_commit *commit;      /* valid while call is */
    struct committed *offsets;        /* in the arena: what the commit brings, in its order */
    int32_t offset_count;
    int32_t generation;
    const char *member_id;
    struct group_assignment *assignments;
    int32_t assignment_count;
};

struct groups {
    struct broker *broker;
    struct cluster *cluster;
    struct timers timers;             /* virtual */
    struct timers *wall;              /* for members read from disk; NULL: none */
    struct group_home **homes;
    size_t home_count, home_capacity;
    struct group *first, *last;
    size_t count;
    struct group **hash;
    size_t hash_size;
    struct group_write *writes;
    struct answer *answers, *last_answer;
    bool delivering;
    int depth;                        /* of ways in that are not left yet */
    struct event load_event, expiry_event;
};
bool groups_sleep(struct groups *groups, struct timer *timer); /* at the begin of what a timer does: true, it is put off until the broker goes on */

/* ---- groups.c ---- */
static inline bool groups_27(const struct groups *groups) { return release_is_27(groups->cluster->release); }
static inline int64_t groups_now_ms(const struct groups *groups) { return broker_now_ms(groups->broker); } /* the coordinator's clock */
int64_t groups_config(const struct groups *groups, const char *key);
int32_t group_hash(const char *group);                  /* Java's String.hashCode */
/* Is `group` coordinated here and loaded? INVALID_GROUP_ID for an empty name unless `may_be_empty`. */
enum err groups_check(const struct groups *groups, const char *group, bool may_be_empty, struct group_home **home);
void groups_read_all(struct groups *groups); /* what is still to be loaded, at once; and nothing expires: for a cluster that is only looked at */
struct group *groups_find(const struct groups *groups, const char *group);
struct group *groups_add(struct groups *groups, struct group_home *home, const char *name);
void groups_remove(struct group *group);                /* frees; parked calls must have been answered */
/* An entry about a group; foreign names in the text are escaped. */
void group_note(const struct group *group, const struct entry *entry, const char *format, ...) __attribute__((format(printf, 3, 4)));

struct answer *groups_answer(struct groups *groups, struct group_call *call, enum answer_kind kind);
/* Around all that changes groups: on the outermost leaving the answers go out. */
void groups_enter(struct groups *groups);
void groups_leave(struct groups *groups);
static inline void call_park(struct group_call **slot, struct group_call *call)
{
    *slot = call;
    call->parked = slot;
}
struct group_call *call_take(struct group_call **slot); /* what was parked there, NULL if it was forgotten */

struct group_write *write_new(struct group *group, void (*done)(struct group_write *write, enum err err));
void write_offset(struct group_write *write, const char *topic, int32_t partition, const struct offset_value *value); /* NULL: tombstone */
void write_group(struct group_write *write, bool first, const struct group_assignment *assignments, int32_t assignment_count);
void write_group_tombstone(struct group_write *write);
/* Appends; done is called once, perhaps within, and the write is gone after it. An error of the append itself is returned too. */
enum err write_send(struct group_write *write);
void write_abandon(struct group_write *write);          /* not sent */

/* ---- group.c ---- */
void group_set_state(struct group *group, enum group_state state);
struct member *group_member(const struct group *group, const char *member_id);
struct member *group_static_member(const struct group *group, const char *instance_id);
struct member *group_add_member(struct group *group, const char *id, const char *instance_id, const char *client_id,
                                const char *client_host);
void group_remove_member(struct group *group, struct member *member, enum err sync_err);
void member_set_protocols(struct member *member, const struct group_protocol *protocols, int32_t count);
bool member_matches(const struct member *member, const struct group_protocol *protocols, int32_t count);
struct bytes member_metadata(const struct member *member, const char *protocol);
void member_restart_session(struct member *member);
struct pending_member *group_pending(const struct group *group, const char *member_id);
void group_add_pending(struct group *group, const char *member_id, struct timers *timers, int32_t session_timeout_ms);
void group_remove_pending(struct group *group, struct pending_member *pending);
bool group_supports(const struct group *group, const char *protocol_type, const struct group_protocol *protocols, int32_t count);
const char *group_choose_protocol(const struct group *group);
/* Why a rebalance begins: a rule of Kafka, and the member whose doing it is ("" where nobody's). */
void group_prepare_rebalance(struct group *group, const char *rule, const char *member_id);
void group_maybe_prepare_rebalance(struct group *group, const char *rule, const char *member_id);
void group_maybe_complete_join(struct group *group);
void group_member_gone(struct group *group, const char *rule, const char *member_id); /* after a removal */
void group_answer_syncs(struct group *group, enum err err);
void group_joined_answer(struct member *member, struct group_call *call, const char *leader, bool skip_assignment, bool with_members);
void group_join_error(struct groups *groups, struct group_call *call, enum err err, const char *member_id);
void group_synced(struct member *member);               /* 4.3: one less to wait for */
void group_unload(struct group *group, enum err err);   /* answers what is parked, cancels timers, removes */
void group_retime(struct group *group, struct timers *from, struct timers *to);

/* ---- group_offsets.c ---- */
void group_offset_set(struct group *group, const struct committed *value);
void group_offset_remove(struct group *group, const char *topic, int32_t partition);
void group_offsets_free(struct group *group);
/* When retention may take an offset, and the moment from which it counts; INT64_MAX: not as things are. */
int64_t group_offset_expires_ms(const struct group *group, const struct committed *offset, int64_t *since_ms);
void group_note_expiry(struct group *group);            /* something changed that expiry looks at */
void groups_expiry_due(void *context);
int64_t groups_next_tick_us(const struct groups *groups, const struct group_home *home, int64_t at_ms);
