/* The quorum: the controllers of 4.3 that vote on the metadata log, one of which is active. Each voter sits at one of the first brokers and keeps its own copy of
 * __cluster_metadata-0 there; what the active one decides is written to its copy, and holds once a majority of the voters has it. Their messages go through the
 * simulated network; while all is well nothing of it costs an event beside the records themselves: fetches are parked, and the timeouts are worked out when
 * a link is cut, a node dies or stands still. Source: Kafka's KafkaRaftClient, QuorumState, LeaderState (KIP-595), with its pre-vote (KIP-996).
 *
 * Deviations: a voter that could reach no majority does not try again and again, it waits until it could (its tries would change nothing); a leader says
 * that it leads when a link is whole again, not each second; the records of one answer lie in the leader's log and not in the message. */
#pragma once
#include "sim/cluster/cluster.h"

enum quorum_role { QUORUM_DOWN, QUORUM_UNATTACHED, QUORUM_FOLLOWER, QUORUM_PROSPECTIVE, QUORUM_CANDIDATE, QUORUM_LEADER, QUORUM_RESIGNED, QUORUM_OBSERVER };
const char *quorum_role_name(enum quorum_role role);    /* "follower" */

/* How it is, for looking and for DescribeQuorum; also of one voter alone. False: this cluster has none (2.7). */
struct quorum_info {
    int32_t leader;                  /* broker id of the active controller; -1: there is none */
    int32_t epoch;                   /* the highest that a voter knows of */
    int64_t high_watermark;          /* first offset not known to be committed */
    int32_t voters, voters_up, majority;
};
bool cluster_quorum(const struct cluster *cluster, struct quorum_info *out);

struct quorum_replica {
    int32_t broker;
    bool voter;
    enum quorum_role role;           /* as it sees itself */
    int32_t epoch, leader, voted;    /* that it knows of; -1: none. An observer has the active controller's */
    struct uuid directory;
    const char *host;                /* of its CONTROLLER listener, where nobody listens */
    int32_t port;
    int64_t log_end_offset;          /* of its copy; -1: it is down */
    int64_t known_end_offset;        /* as the active controller knows it from its last fetch; -1: not yet */
    int64_t lag;                     /* behind the active controller's; -1: not known */
    int64_t last_fetch_ms, last_caught_up_ms;  /* as the active controller knows; -1: not yet */
};
void cluster_register_quorum_table(struct cluster *cluster, struct tables *tables);
/* Of the broker at `i`: the voters come first. */
struct quorum_replica cluster_quorum_replica(const struct cluster *cluster, size_t i);
