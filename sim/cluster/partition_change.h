/* A change of one partition, as the controller decides it: what its replicas, ISR and eligible leader replicas are to be, and which leader follows from
 * that by the rules of the release. Every change that the controller writes goes through here. Inside of cluster. Source: Kafka's PartitionChangeBuilder
 * with PartitionReassignmentReplicas (4.3); PartitionLeaderElectionAlgorithms, ReplicaStateMachine.removeReplicasFromIsr (2.7). */
#pragma once
#include "sim/base/mem.h"
#include "sim/cluster/image.h"
#include "sim/cluster/metadata.h"

struct cluster;
struct ids { const int32_t *items; int32_t count; }; /* borrowed */
bool ids_contain(const int32_t *ids, int32_t count, int32_t id);

/* ONLINE: whoever leads may go on leading if that is safe, else the first replica in the order of assignment that is. PREFERRED: the first replica takes
 * precedence. UNCLEAN: as ONLINE, and where nobody is safe the first that lives, whatever it lacks. */
enum election_rule { ELECTION_ONLINE, ELECTION_PREFERRED, ELECTION_UNCLEAN };

/* What a partition is to be; partition_target() says: as it is. */
struct partition_target {
    struct ids replicas, isr, adding, removing;
    enum election_rule rule;
    int8_t leader_recovery_state;
    int32_t leaves;              /* a broker that is about to go: no leader any more; -1 */
    int32_t returns;             /* counts as live, though it is fenced still; -1 */
    int32_t unclean_shutdown;    /* came back without what it had: neither a leader nor an eligible one; -1 */
    int32_t directory_of;        /* this broker's replica lies in `directory`; -1 */
    struct uuid directory;
    bool by_leader;              /* the leader asks for it (AlterPartition): 2.7 begins no new epoch then */
};
struct partition_target partition_target(const struct image_partition *partition);

/* Who could have led, and who was chosen: the journal keeps it, `why` prints it. */
struct candidate {
    int32_t broker;
    bool live, in_isr, in_elr, chosen;
    const char *verdict;         /* "another came first": a literal; NULL: it is not alive, which says it all */
};
struct election_decision {
    enum election_rule asked;
    int32_t leader, was;         /* -1: none */
    bool unclean;                /* records may be lost: the new leader was not in sync */
    const char *rule;            /* how it was found: a literal */
    struct candidate *candidates;/* in order of assignment */
    int32_t candidate_count;
};

struct partition_change {
    bool changes;                /* false: it is all so already, nothing is to be written */
    struct metadata_record record;
    struct election_decision election;
    struct image_partition after;/* as the record makes it */
    const char *isr_rule;        /* for the journal: by which setting or rule the ISR changes; a literal, NULL */
};
/* Decides. What `out` points to lies in `arena` or is the target's and the image's: write it before either changes. */
void partition_change_make(struct partition_change *out, const struct cluster *cluster, const struct image_topic *topic, int32_t partition,
                           const struct partition_target *target, struct arena *arena);
/* Adds the record to the controller's batch, and tells the journal who leads and who is in sync, if that is another: `why`. `replica`: whom it is about; -1. */
void partition_change_write(struct cluster *cluster, const struct image_topic *topic, const struct partition_change *change, int32_t replica,
                            const char *why);

/* Unfenced and not shutting down. */
bool controller_active(const struct cluster *cluster, int32_t broker);
/* unclean.leader.election.enable of the topic. */
bool controller_unclean_enabled(const struct cluster *cluster, const struct image_topic *topic);
