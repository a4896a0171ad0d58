/* What a change of a partition makes of its leader, epochs and eligible leader replicas. The order of the steps is Kafka's: a reassignment that is complete
 * is ended, replicas that leave the ISR become eligible leaders, a leader is elected, and the record gets what differs. */
#include "sim/cluster/partition_change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cluster/cluster_internal.h"

enum { NO_LEADER = -1, LEADER_AS_IT_WAS = -2 };

bool ids_contain(const int32_t *ids, int32_t count, int32_t id)
{
    for (int32_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static bool has(struct ids ids, int32_t id)
{
    return ids_contain(ids.items, ids.count, id);
}

static bool same(struct ids a, struct ids b)
{
    return a.count == b.count && (!a.count || memcmp(a.items, b.items, (size_t)a.count * sizeof(*a.items)) == 0);
}

static bool has_all(struct ids ids, struct ids of)
{
    for (int32_t i = 0; i < of.count; i++)
        if (!has(ids, of.items[i]))
            return false;
    return true;
}

static struct ids without(struct ids ids, struct ids gone, struct arena *arena)
{
    int32_t *items, count = 0;

    if (!gone.count)
        return ids;
    items = arena_alloc(arena, (size_t)(ids.count + 1) * sizeof(*items));
    for (int32_t i = 0; i < ids.count; i++)
        if (!has(gone, ids.items[i]))
            items[count++] = ids.items[i];
    return (struct ids){ items, count };
}

static int by_id(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;

    return (left > right) - (left < right);
}

static const char *election_rule_name(enum election_rule rule)
{
    static const char *const names[] = { "online", "preferred", "unclean" };

    return names[rule];
}

struct partition_target partition_target(const struct image_partition *partition)
{
    return (struct partition_target){
        .replicas = { partition->replicas, partition->replica_count }, .isr = { partition->isr, partition->isr_count },
        .adding = { partition->adding_replicas, partition->adding_count },
        .removing = { partition->removing_replicas, partition->removing_count }, .rule = ELECTION_ONLINE,
        .leader_recovery_state = partition->leader_recovery_state, .leaves = -1, .returns = -1, .unclean_shutdown = -1, .directory_of = -1,
    };
}

/* ---- what it asks the image ---- */

/* min.insync.replicas of the topic, at most its replication factor (4.3). */
static int32_t controller_min_isr(const struct cluster *cluster, const struct image_topic *topic)
{
    struct config_layers layers = controller_layers(cluster, image_config(cluster->controller.image, CONFIG_TOPIC, topic->name));
    int64_t least = config_long(&layers, "min.insync.replicas");

    if (!release_is_27(cluster->release) && topic->partition_count > 0 && least > topic->partitions[0].replica_count)
        least = topic->partitions[0].replica_count;
    return (int32_t)least;
}

bool controller_active(const struct cluster *cluster, int32_t id)
{
    const struct image_broker *broker = image_broker(cluster->controller.image, id);

    return broker && !broker->fenced && !broker->shutting_down;
}

bool controller_unclean_enabled(const struct cluster *cluster, const struct image_topic *topic)
{
    struct config_layers layers = controller_layers(cluster, image_config(cluster->controller.image, CONFIG_TOPIC, topic->name));

    return config_boolean(&layers, "unclean.leader.election.enable");
}

/* ---- the work ---- */

struct work {
    const struct cluster *cluster;
    struct uuid topic_id;
    int32_t number;
    const struct image_partition *was;
    struct partition_target to;
    struct ids elr;
    bool with_elr, old;
    struct arena *arena;
};

static bool acceptable(const struct work *work, int32_t id)
{
    if (id < 0 || id == work->to.leaves || id == work->to.unclean_shutdown)
        return false;
    if (!controller_replica_online(work->cluster, work->topic_id, work->was, work->number, id))
        return false;
    return id == work->to.returns || controller_active(work->cluster, id);
}

/* In sync, or eligible while nobody is in sync. */
static bool safe(const struct work *work, int32_t id)
{
    return has(work->to.isr, id) || (work->with_elr && !work->to.isr.count && has(work->elr, id));
}

static void complete_reassignment(struct work *work)
{
    struct partition_target *to = &work->to;
    struct ids isr = without(to->isr, to->removing, work->arena), replicas = without(to->replicas, to->removing, work->arena);

    if (work->old || (!to->adding.count && !to->removing.count)) /* 2.7's controller ends it itself, in steps */
        return;
    if ((to->removing.count && (!isr.count || !replicas.count)) || !has_all(isr, to->adding))
        return;
    if (to->adding.count < to->removing.count && !has_all(isr, replicas))
        return;
    to->isr = isr;
    to->replicas = replicas;
    to->adding = to->removing = (struct ids){ NULL, 0 };
}

/* While fewer than the minimum are in sync, nothing is committed: who left the ISR lacks nothing. */
static void find_eligible(struct work *work, const struct image_topic *topic)
{
    const struct image_partition *was = work->was;
    int32_t *items, count = 0;

    work->elr = (struct ids){ was->elr, was->elr_count };
    if (!work->with_elr || work->to.isr.count >= controller_min_isr(work->cluster, topic)) {
        work->elr.count = 0;
        return;
    }
    items = arena_alloc(work->arena, (size_t)(was->elr_count + was->isr_count + 1) * sizeof(*items));
    for (int32_t i = 0; i < was->elr_count + was->isr_count; i++) {
        int32_t id = i < was->elr_count ? was->elr[i] : was->isr[i - was->elr_count];

        if (!has(work->to.isr, id) && id != work->to.unclean_shutdown && !ids_contain(items, count, id))
            items[count++] = id;
    }
    qsort(items, (size_t)count, sizeof(*items), by_id);
    work->elr = (struct ids){ items, count };
}

/* ---- election ---- */

static bool last_known_leader(const struct work *work)
{
    return work->with_elr && !work->elr.count && !work->to.isr.count && work->was->last_known_elr_count == 1 &&
           acceptable(work, work->was->last_known_elr[0]);
}

static int32_t first_replica(const struct work *work, bool must_be_safe)
{
    for (int32_t i = 0; i < work->to.replicas.count; i++) {
        int32_t id = work->to.replicas.items[i];

        if (acceptable(work, id) && (!must_be_safe || safe(work, id)))
            return id;
    }
    return NO_LEADER;
}

static void choose(const struct work *work, struct election_decision *election)
{
    int32_t first = work->to.replicas.count ? work->to.replicas.items[0] : NO_LEADER, present = work->was->leader;
    int32_t leader;

    election->unclean = false;
    if (work->to.rule == ELECTION_PREFERRED && acceptable(work, first) && safe(work, first)) {
        election->leader = first;
        election->rule = "preferred replica, in sync";
        return;
    }
    if (acceptable(work, present) && safe(work, present)) {
        election->leader = present;
        election->rule = "it leads already and is in sync";
        return;
    }
    leader = first_replica(work, true);
    if (leader != NO_LEADER) {
        election->leader = leader;
        election->rule = !has(work->to.isr, leader) ? "eligible leader replica, nobody is in sync"
                         : leader == first          ? "preferred replica, in sync" : "first live replica in sync";
        return;
    }
    if (last_known_leader(work)) {
        election->leader = work->was->last_known_elr[0];
        election->unclean = true;
        election->rule = "last known leader, nobody is in sync or eligible";
        return;
    }
    leader = work->to.rule == ELECTION_UNCLEAN ? first_replica(work, false) : NO_LEADER;
    election->leader = leader;
    election->unclean = leader != NO_LEADER;
    election->rule = leader != NO_LEADER ? "unclean: first live replica, nobody in sync lives" : "no replica in sync lives";
}

static void say_candidates(const struct work *work, struct election_decision *election)
{
    election->candidate_count = work->to.replicas.count;
    election->candidates = arena_alloc(work->arena, (size_t)(work->to.replicas.count + 1) * sizeof(*election->candidates));
    for (int32_t i = 0; i < work->to.replicas.count; i++) {
        struct candidate *candidate = &election->candidates[i];
        int32_t id = work->to.replicas.items[i];

        *candidate = (struct candidate){ .broker = id, .live = acceptable(work, id),
                                         .in_isr = has(work->to.isr, id) || (id == work->to.leaves && ids_contain(work->was->isr, work->was->isr_count, id)), .in_elr = has(work->elr, id),
                                         .chosen = id == election->leader };
        candidate->verdict = candidate->chosen                                    ? "chosen"
                             : id == work->to.leaves                              ? "it is leaving"
                             : id == work->to.unclean_shutdown                    ? "it came back from an unclean shutdown"
                             : !candidate->live                                   ? NULL
                             : !candidate->in_isr && !safe(work, id)              ? "not in sync"
                                                                                  : "another came first";
    }
}

/* ---- the record ---- */

#define SET_IDS(array, ids) ((array).items = (int32_t *)(ids).items, (array).count = (ids).count)

static struct ids one_id(struct work *work, int32_t id)
{
    int32_t *items = arena_alloc(work->arena, sizeof(*items));

    *items = id;
    return (struct ids){ items, 1 };
}

/* 2.7: a partition that was made while none of its replicas lived has had no leader yet (NewPartition): it begins with those that live now. */
static void begin_late(struct work *work)
{
    int32_t *live = arena_alloc(work->arena, (size_t)(work->to.replicas.count + 1) * sizeof(*live)), count = 0;

    if (!work->old || work->was->isr_count || work->was->leader != NO_LEADER)
        return;
    for (int32_t i = 0; i < work->to.replicas.count; i++)
        if (acceptable(work, work->to.replicas.items[i]))
            live[count++] = work->to.replicas.items[i];
    work->to.isr = (struct ids){ live, count };
}

static void set_elected(struct work *work, struct metadata_partition_change *change, struct election_decision *election)
{
    bool unclean;

    begin_late(work);
    choose(work, election);
    unclean = election->unclean;
    say_candidates(work, election);
    if (election->leader == work->was->leader) {
        election->unclean = false;
        return;
    }
    change->leader = election->leader;
    if (election->leader != NO_LEADER && has(work->elr, election->leader)) {
        work->to.isr = one_id(work, election->leader);
        work->elr = without(work->elr, work->to.isr, work->arena);
    }
    if (!unclean) {
        if (work->old && election->leader != NO_LEADER && work->was->leader == NO_LEADER) { /* the ISR of a partition that was offline: who lives */
            int32_t *live = arena_alloc(work->arena, (size_t)(work->to.isr.count + 1) * sizeof(*live)), count = 0;

            for (int32_t i = 0; i < work->to.isr.count; i++)
                if (acceptable(work, work->to.isr.items[i]))
                    live[count++] = work->to.isr.items[i];
            work->to.isr = (struct ids){ live, count };
        }
        return;
    }
    work->to.isr = one_id(work, election->leader);
    work->elr.count = 0;
    SET_IDS(change->isr, work->to.isr);
    if (!work->old && work->was->leader_recovery_state != LEADER_RECOVERING)
        change->leader_recovery_state = LEADER_RECOVERING;
}

static void set_last_known_leader(const struct work *work, struct metadata_partition_change *change)
{
    static const int32_t none = 0;

    if (!work->with_elr)
        return;
    if (change->leader == NO_LEADER && !work->was->last_known_elr_count) {
        struct ids ids = one_id((struct work *)work, work->was->leader);

        SET_IDS(change->last_known_elr, ids);
    } else if (change->leader >= 0 && work->was->last_known_elr_count) {
        change->last_known_elr.items = (int32_t *)&none;
        change->last_known_elr.count = 0;
    }
}

static void set_directories(const struct work *work, struct metadata_partition_change *change, bool others)
{
    const struct image *image = work->cluster->controller.image;
    struct ids replicas = work->to.replicas;
    struct uuid *directories;

    if (work->old || !replicas.count || (!others && work->to.directory_of < 0))
        return;
    directories = arena_alloc(work->arena, (size_t)replicas.count * sizeof(*directories));
    for (int32_t i = 0; i < replicas.count; i++) {
        int32_t id = replicas.items[i];
        bool was_there = ids_contain(work->was->replicas, work->was->replica_count, id);
        struct uuid before = image_directory(image, work->was, id);

        directories[i] = id == work->to.directory_of ? work->to.directory : was_there ? before : controller_directory(work->cluster, id);
        others = others || !uuid_equal(directories[i], before);
    }
    if (!others)
        return;
    change->directories.items = directories;
    change->directories.count = replicas.count;
}

static void set_assignment(const struct work *work, struct metadata_partition_change *change)
{
    const struct partition_target *to = &work->to;
    const struct partition_target as_it_is = partition_target(work->was);
    bool others = to->replicas.count && !same(to->replicas, as_it_is.replicas);

    if (others)
        SET_IDS(change->replicas, to->replicas);
    set_directories(work, change, others);
    if (!same(to->removing, as_it_is.removing))
        SET_IDS(change->removing_replicas, to->removing);
    if (!same(to->adding, as_it_is.adding))
        SET_IDS(change->adding_replicas, to->adding);
}

static bool differs(const struct metadata_partition_change *change)
{
    return change->isr.count >= 0 || change->leader != LEADER_AS_IT_WAS || change->replicas.count >= 0 || change->removing_replicas.count >= 0 ||
           change->adding_replicas.count >= 0 || change->leader_recovery_state != -1 || change->directories.count >= 0 ||
           change->eligible_leader_replicas.count >= 0 || change->last_known_elr.count >= 0;
}

/* An empty list that is not null has an address. */
static void give_address(struct metadata_partition_change *change)
{
    static const int32_t none = 0;

    if (change->isr.count == 0)
        change->isr.items = (int32_t *)&none;
    if (change->removing_replicas.count == 0)
        change->removing_replicas.items = (int32_t *)&none;
    if (change->adding_replicas.count == 0)
        change->adding_replicas.items = (int32_t *)&none;
    if (change->eligible_leader_replicas.count == 0)
        change->eligible_leader_replicas.items = (int32_t *)&none;
}

static void set_after(struct partition_change *out, const struct image_partition *was)
{
    const struct metadata_partition_change *change = &out->record.partition_change;
    struct image_partition *after = &out->after;

    *after = *was;
#define TAKE(field, counter, array) \
    do { if ((array).count >= 0) { after->field = (array).items; after->counter = (int16_t)(array).count; } } while (0)
    TAKE(replicas, replica_count, change->replicas);
    TAKE(isr, isr_count, change->isr);
    TAKE(elr, elr_count, change->eligible_leader_replicas);
    TAKE(last_known_elr, last_known_elr_count, change->last_known_elr);
    TAKE(adding_replicas, adding_count, change->adding_replicas);
    TAKE(removing_replicas, removing_count, change->removing_replicas);
#undef TAKE
    if (change->leader_recovery_state >= 0)
        after->leader_recovery_state = change->leader_recovery_state;
    if (change->leader != LEADER_AS_IT_WAS) {
        after->leader = change->leader;
        after->leader_epoch++;
    }
    after->partition_epoch += out->changes;
}

void partition_change_make(struct partition_change *out, const struct cluster *cluster, const struct image_topic *topic, int32_t number,
                           const struct partition_target *target, struct arena *arena)
{
    const struct image_partition *was = &topic->partitions[number];
    struct work work = { .cluster = cluster, .topic_id = topic->id, .number = number, .was = was, .to = *target, .old = release_is_27(cluster->release), .arena = arena };
    struct metadata_partition_change *change = &out->record.partition_change;
    const struct ids old_isr = { was->isr, was->isr_count };

    work.with_elr = !work.old;
    *out = (struct partition_change){ .record = metadata_record(METADATA_PARTITION_CHANGE), .election = { .asked = target->rule, .was = was->leader } };
    change->partition_id = number;
    change->topic_id = topic->id;
    out->after = *was;
    out->election.leader = was->leader;
    if (topic->deleting)
        return;
    complete_reassignment(&work);
    find_eligible(&work, topic);
    if (!work.old || !target->by_leader) /* 2.7's controller takes over what a leader asks for, and elects nobody by it */
        set_elected(&work, change, &out->election);
    if (change->leader == LEADER_AS_IT_WAS && !has_all(work.to.replicas, (struct ids){ was->replicas, was->replica_count }))
        change->leader = was->leader; /* a replica was removed: a new epoch */
    if (!same(work.elr, (struct ids){ was->elr, was->elr_count }))
        SET_IDS(change->eligible_leader_replicas, work.elr);
    /* Without eligible leader replicas the last of the ISR is remembered. */
    if (change->isr.count < 0 && (work.to.isr.count || work.with_elr) && !same(work.to.isr, old_isr))
        SET_IDS(change->isr, work.to.isr);
    set_last_known_leader(&work, change);
    set_assignment(&work, change);
    if (work.to.leader_recovery_state != was->leader_recovery_state)
        change->leader_recovery_state = work.to.leader_recovery_state;
    out->changes = differs(change);
    if (work.old && out->changes && !target->by_leader && change->leader == LEADER_AS_IT_WAS)
        change->leader = was->leader; /* ZooKeeper's controller begins an epoch whenever it touches the partition's state */
    give_address(change);
    set_after(out, was);
}

/* ---- told ---- */

static void ids_text(const int32_t *ids, int32_t count, char *out, size_t size)
{
    size_t used = 0;

    *out = 0;
    for (int32_t i = 0; i < count && used + 16 < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%d", i ? "," : "", ids[i]);
}

/* "1 live, in ISR, chosen; 2 not live, ...". The caller's. */
static char *candidates_text(const struct election_decision *election)
{
    struct text out = { 0 };
    char *result;

    for (int32_t i = 0; i < election->candidate_count; i++) {
        const struct candidate *candidate = &election->candidates[i];

        text_printf(&out, "%s%d: %s, %s%s", i ? "; " : "", candidate->broker, candidate->live ? "alive" : "not alive",
                    candidate->in_isr ? "in the ISR" : "not in the ISR", candidate->in_elr ? ", in the ELR" : "");
        if (candidate->verdict)
            text_printf(&out, ", %s", candidate->verdict);
    }
    result = mem_text(text_chars(&out));
    text_done(&out);
    return result;
}

/* Of an internal topic it is quiet and without a rule: a broker that dies moves dozens of its leaders, and nobody asked for that many lines. */
static void say_elected(struct cluster *cluster, const struct image_topic *topic, const struct partition_change *change, const char *why)
{
    const struct election_decision *election = &change->election;
    int32_t number = change->record.partition_change.partition_id, live = 0, in_sync = 0;
    char text[512], *candidates = candidates_text(election);

    for (int32_t i = 0; i < election->candidate_count; i++) {
        live += election->candidates[i].live;
        in_sync += election->candidates[i].in_isr;
    }
    if (election->leader < 0)
        snprintf(text, sizeof(text), "%s-%d has no leader: %s", topic->name, number, why);
    else
        snprintf(text, sizeof(text), "%s-%d: leader %d, was %d: %s%s", topic->name, number, election->leader, election->was, why,
                 election->unclean ? " (unclean: records may be lost)" : "");
    journal_add(cluster->journal,
                ENTRY(topic->internal ? EVENT_internal_leader : EVENT_leader_elected, .broker = election->leader, .topic = topic->name, .partition = number,
                      .rule = topic->internal ? NULL : election->rule, .text = text,
                      .facts = { { "leader", election->leader, NULL }, { "was", election->was, NULL }, { "live_replicas", live, NULL },
                                 { "in_sync_replicas", in_sync, NULL }, { "leader_epoch", change->after.leader_epoch, NULL },
                                 { "unclean", election->unclean, NULL }, { "election", 0, election_rule_name(election->asked) },
                                 { "candidates", 0, candidates }, { "because", 0, why },
                                 { "decided_by", 0, election->rule } },
                      .fact_count = topic->internal ? 10 : 9));
    mem_free(candidates);
}

static void say_isr(struct cluster *cluster, const struct image_topic *topic, const struct partition_change *change, int32_t replica, const char *why)
{
    int32_t number = change->record.partition_change.partition_id;
    const struct image_partition *was = &topic->partitions[number], *after = &change->after;
    char before[128], now[128], elr[128], text[900];

    ids_text(was->isr, was->isr_count, before, sizeof(before));
    ids_text(after->isr, after->isr_count, now, sizeof(now));
    ids_text(after->elr, after->elr_count, elr, sizeof(elr));
    snprintf(text, sizeof(text), "%s-%d: ISR %s -> %s%s%s: %s", topic->name, number, *before ? before : "none", *now ? now : "none",
             *elr ? ", eligible leaders " : "", elr, why);
    journal_add(cluster->journal,
                ENTRY(topic->internal ? EVENT_internal_isr : EVENT_isr_changed, .broker = was->leader, .topic = topic->name, .partition = number,
                      .rule = topic->internal ? NULL : change->isr_rule, .text = text,
                      .facts = { { "replica", replica, NULL }, { "isr_was", was->isr_count, NULL }, { "isr_is", after->isr_count, NULL },
                                 { "min_insync_replicas", controller_min_isr(cluster, topic), NULL }, { "because", 0, why } }, .fact_count = 5));
}

/* What the controller's broker counts: internal topics too. */
static void count_election(struct cluster *cluster, const struct election_decision *election)
{
    struct broker *home = cluster->brokers[cluster->controller.home];

    if (election->leader == election->was || election->leader < 0)
        return;
    broker_mark(home, METER_LEADER_ELECTIONS, 1);
    if (election->unclean)
        broker_mark(home, METER_UNCLEAN_ELECTIONS, 1);
}

void partition_change_write(struct cluster *cluster, const struct image_topic *topic, const struct partition_change *change, int32_t replica,
                            const char *why)
{
    if (!change->changes)
        return;
    if (change->record.partition_change.isr.count >= 0)
        say_isr(cluster, topic, change, replica, why);
    if (change->election.leader != change->election.was)
        say_elected(cluster, topic, change, why);
    count_election(cluster, &change->election);
    reassignment_say(cluster, topic, change);
    controller_add(cluster, &change->record);
    elections_note(cluster, &change->after);
}
