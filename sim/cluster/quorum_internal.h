/* The inside of the quorum, for quorum.c (who leads: votes, timeouts), quorum_log.c (copies of the log, what is committed, the active controller) and
 * quorum_open.c (a lab or a broker begins and ends). */
#pragma once
#include "sim/cluster/cluster_internal.h"
#include "sim/cluster/faults.h"
#include "sim/cluster/quorum.h"

enum { FETCH_WAIT_US = 500000 };     /* MAX_FETCH_WAIT_MS of Kafka's Raft client */

enum fetch_answer { ANSWER_RECORDS, ANSWER_DIVERGING, ANSWER_REFUSED, ANSWER_FAULT };

/* What a leader knows of another voter, in its epoch. */
struct voter_view {
    bool parked;                     /* a fetch of it lies here */
    bool fetched;                    /* it did since the leader's timer began */
    int64_t end_offset;              /* it has all below; -1: not known yet */
    int64_t last_fetch_us, last_caught_up_us; /* -1: not yet */
};

struct voter {
    struct quorum *quorum;
    struct broker *broker;
    size_t index;                    /* of the broker too */
    enum quorum_role role;
    int32_t epoch, leader, voted;    /* ids of brokers; -1: none */
    bool fetched;                    /* FOLLOWER: from the leader of this epoch */
    bool overdue;                    /* its timer came while it stood still */
    bool parked;                     /* its election timeout is over, and no majority could be reached */
    struct event timer;              /* FOLLOWER: fetch timeout; LEADER: the majority was heard of; others: election timeout */
    uint8_t *votes;                  /* PROSPECTIVE, CANDIDATE: of each voter */
    /* LEADER: */
    struct voter_view *views;        /* of each voter */
    int64_t epoch_start_offset;      /* of its LeaderChange record */
    int64_t high_watermark;
    /* FOLLOWER: its one fetch, and the answer to it. The answer comes from `fetch_to`. */
    struct network_message fetch, answer;
    struct event wait;               /* a fault may hit its fetches: a parked one is answered then, with nothing */
    size_t fetch_to;
    int32_t fetch_epoch, fetch_last_epoch;
    int64_t fetch_offset;
    enum fetch_answer answer_kind;
    int32_t answer_epoch, answer_leader, answer_end_epoch;
    int64_t answer_end_offset;
};

enum raft_kind { RAFT_PRE_VOTE, RAFT_VOTE, RAFT_PRE_VOTE_REPLY, RAFT_VOTE_REPLY, RAFT_BEGIN_EPOCH, RAFT_END_EPOCH, RAFT_FENCED,
                 RAFT_REFUSED, RAFT_TIMED_OUT /* an error, or silence, is what became of a request by a fault */ };

struct raft_message {
    struct network_message message;
    struct raft_message *next, *previous;
    struct quorum *quorum;
    enum raft_kind kind;
    size_t from, to;                 /* voters */
    int32_t epoch, leader;           /* of the sender */
    int32_t last_epoch;              /* votes: of the candidate's log */
    int64_t end_offset;
    bool granted;
    enum raft_kind asked;            /* RAFT_REFUSED, RAFT_TIMED_OUT: by such a request, of epoch `position` */
    bool answer_lost;                /* answers: by a fault */
    int32_t position;                /* END_EPOCH: the receiver's among the successors */
};

struct quorum {
    struct cluster *cluster;
    size_t count;
    struct voter *voters;
    struct voter *active;            /* NULL: there is none */
    struct random random;
    struct raft_message *messages;   /* under way */
    bool lost_said;                  /* the journal knows that there is no majority */
};

static inline size_t quorum_majority(const struct quorum *quorum) { return quorum->count / 2 + 1; }
static inline struct log *voter_log(const struct voter *voter) { return voter->broker->metadata.log; }
struct voter *quorum_voter(const struct quorum *quorum, int32_t broker); /* NULL: it is none */

/* ---- quorum.c ---- */
int64_t voter_setting_us(const struct voter *voter, const char *key);
void voter_become_unattached(struct voter *voter, int32_t epoch);
void voter_become_follower(struct voter *voter, int32_t epoch, int32_t leader);
void voter_resign(struct voter *voter, const char *why);   /* of a leader */
void voter_cancel(struct voter *voter);                    /* all that is under way from and to it, and its timer */
void voter_persist(const struct voter *voter);
/* Timers are armed where a contact is missing, and cancelled where it is there. */
void quorum_reconsider(struct quorum *quorum);
bool voter_in_contact(const struct voter *leader, const struct voter *follower);

/* Where a fault may hit the fetches of a voter, each is sent and answered: */
bool voter_fetch_is_real(const struct voter *follower);
void voter_was_answered(struct voter *follower);
void voter_was_fetched_from(struct voter *leader);

void voter_init(struct voter *voter, struct quorum *quorum, size_t index);

/* ---- quorum_log.c ---- */
void voter_init_log(struct voter *voter);
void voter_fetch(struct voter *follower);                  /* from its leader, which is another than before */
void voter_begin_leading(struct voter *leader);
void voter_stop_leading(struct voter *leader, const char *why);
enum err quorum_copy(struct voter *from, struct voter *to, struct reason *reason); /* at once, with truncation */
void quorum_activate(struct quorum *quorum, struct voter *leader);
