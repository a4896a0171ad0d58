/* Groups, by what members were answered: assignments and commits. */
#include <string.h>

#include "tests/seeds/check_internal.h"

struct owned { int32_t generation, partition; char *topic, *member; };
struct claim { int32_t generation, partition; char *topic, *member; };  /* generation: in which its member got it, -1: it does not say */
struct commit {                       /* one request's: it took effect between these, when nobody knows */
    int64_t offset, began_us;
    int64_t answered_us;              /* NEVER_US: not yet, or with an error, after which it may still happen */
    const struct request *request;    /* while it is not answered */
};
struct commit_seen {
    char *topic;
    int32_t partition;
    struct commit *commits;
    size_t count, capacity;
};
struct group_seen {
    char *name;
    int32_t generation;               /* the newest whose assignment a member got */
    int64_t synced_us;                /* and since when */
    struct owned *owned;
    size_t owned_count, owned_capacity;
    struct claim *claims;             /* what members of the generation that is joining kept, by a cooperative assignor */
    size_t claim_count, claim_capacity;
    int32_t claims_of;                /* that generation */
    struct commit_seen *commits;
    size_t commit_count, commit_capacity;
};
struct group_watch {
    struct checks *checks;
    struct group_seen **groups;
    size_t count, capacity;
};

static struct group_seen *group_of(struct group_watch *watch, const char *name)
{
    struct group_seen *group;

    for (size_t i = 0; i < watch->count; i++)
        if (!strcmp(watch->groups[i]->name, name))
            return watch->groups[i];
    group = mem_zero(sizeof(*group));
    group->name = mem_text(name);
    group->generation = group->claims_of = -1;
    ARRAY_ADD(watch->groups, watch->count, watch->capacity) = group;
    return group;
}

/* ---- assignments ---- */

static void own(struct group_watch *watch, struct group_seen *group, int32_t generation, const char *member, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < group->owned_count; i++) {
        const struct owned *owned = &group->owned[i];

        if (owned->generation != generation || owned->partition != partition || strcmp(owned->topic, topic))
            continue;
        if (strcmp(owned->member, member))
            checks_fail(watch->checks, "group", "group %s, generation %d: %s-%d belongs to %s and to %s", group->name, generation, topic, partition, owned->member,
                        member);
        return;
    }
    ARRAY_ADD(group->owned, group->owned_count, group->owned_capacity) =
        (struct owned){ generation, partition, mem_text(topic), mem_text(member) };
}

static char *read_name(struct reader *reader)
{
    int16_t size = reader_i16(reader);
    struct bytes name = reader_bytes(reader, size > 0 ? (size_t)size : 0);

    return mem_text_size((const char *)name.data, name.size);
}

/* ---- cooperative rebalances: who keeps a partition is the only one who may get it ---- */

static void forget_claims(struct group_seen *group)
{
    for (size_t i = 0; i < group->claim_count; i++) {
        mem_free(group->claims[i].topic);
        mem_free(group->claims[i].member);
    }
    group->claim_count = 0;
}

/* A subscription: version, topics, user data, from 1 on what its member owns, from 2 on since which generation. */
static void read_claims(struct group_seen *group, const char *member, struct bytes metadata)
{
    struct reader reader = reader_of(metadata);
    int16_t version = reader_i16(&reader);
    size_t first = group->claim_count;
    int32_t count = reader_i32(&reader), size;

    for (int32_t i = 0; i < count && !reader.failed; i++)
        mem_free(read_name(&reader));
    size = reader_i32(&reader);
    reader_bytes(&reader, size > 0 ? (size_t)size : 0);
    count = version >= 1 ? reader_i32(&reader) : 0;
    for (int32_t t = 0; t < count && !reader.failed; t++) {
        char *topic = read_name(&reader);
        int32_t partitions = reader_i32(&reader);

        for (int32_t p = 0; p < partitions && !reader.failed; p++)
            ARRAY_ADD(group->claims, group->claim_count, group->claim_capacity) = (struct claim){ -1, reader_i32(&reader), mem_text(topic), mem_text(member) };
        mem_free(topic);
    }
    for (int32_t generation = version >= 2 ? reader_i32(&reader) : -1; first < group->claim_count; first++)
        group->claims[first].generation = generation;
}

/* Of several who claim it those of the newest generation count; NULL: nobody, or nobody knows who of them. */
static const struct claim *claim_of(const struct group_seen *group, const char *topic, int32_t partition)
{
    const struct claim *found = NULL;
    bool several = false;

    for (size_t i = 0; i < group->claim_count; i++) {
        const struct claim *claim = &group->claims[i];

        if (claim->partition != partition || strcmp(claim->topic, topic))
            continue;
        several = found && found->generation == claim->generation;
        if (!found || claim->generation > found->generation)
            found = claim;
    }
    return several ? NULL : found;
}

static void check_kept(struct group_watch *watch, const struct group_seen *group, int32_t generation, const char *member, const char *topic, int32_t partition)
{
    const struct claim *claim = group->claims_of == generation ? claim_of(group, topic, partition) : NULL;

    if (claim && strcmp(claim->member, member))
        checks_fail(watch->checks, "group", "group %s, generation %d: %s gets %s-%d, which %s has not given up", group->name, generation, member, topic, partition,
                    claim->member);
}

static void forget_owned(struct group_seen *group)
{
    for (size_t o = 0; o < group->owned_count; o++) {
        mem_free(group->owned[o].topic);
        mem_free(group->owned[o].member);
    }
    group->owned_count = 0;
}

/* With a topic the offsets of all groups go; one that is left without any, and without members, is gone too, and begins anew with generation 1. */
static void maybe_anew(struct group_watch *watch, struct group_seen *group, int32_t generation)
{
    bool deletes = false;

    for (size_t i = 0; i < watch->checks->history->step_count; i++)
        deletes |= watch->checks->history->steps[i].kind == STEP_DELETE;
    if (generation >= group->generation || generation != 1 || !deletes)
        return;
    forget_owned(group);
    forget_claims(group);
    group->generation = group->claims_of = -1;
}

static void take_assignment(struct group_watch *watch, const struct sync_group_request *in, const struct sync_group_response *out)
{
    struct group_seen *group = group_of(watch, in->group_id);
    struct reader reader = reader_of(out->assignment);
    int32_t topics;

    if (out->error_code)
        return;
    maybe_anew(watch, group, in->generation_id);
    if (in->generation_id < group->generation)
        checks_fail(watch->checks, "group", "group %s: %s got an assignment of generation %d after one of %d", group->name, in->member_id, in->generation_id,
                    group->generation);
    if (in->generation_id > group->generation) {
        group->generation = in->generation_id;
        group->synced_us = queue_now_us(lab_queue(watch->checks->lab));
        watch->checks->counts.generations++;
    }
    if (!out->assignment.size)
        return;
    reader_i16(&reader);
    topics = reader_i32(&reader);
    for (int32_t t = 0; t < topics && !reader.failed; t++) {
        char *topic = read_name(&reader);
        int32_t count = reader_i32(&reader);

        for (int32_t p = 0; p < count && !reader.failed; p++) {
            int32_t partition = reader_i32(&reader);

            own(watch, group, in->generation_id, in->member_id, topic, partition);
            check_kept(watch, group, in->generation_id, in->member_id, topic, partition);
        }
        mem_free(topic);
    }
}

static void take_join(struct group_watch *watch, const struct join_group_request *in, const struct join_group_response *out)
{
    struct group_seen *group = group_of(watch, in->group_id);

    if (out->error_code)
        return;
    maybe_anew(watch, group, out->generation_id);
    if (out->generation_id < group->generation)
        checks_fail(watch->checks, "group", "group %s: %s joined generation %d, there was %d", group->name, out->member_id, out->generation_id, group->generation);
    if (!out->members.count || out->generation_id <= group->claims_of)
        return;
    forget_claims(group);
    group->claims_of = out->generation_id;
    for (int32_t i = 0; i < out->members.count && out->protocol_name && !strcmp(out->protocol_name, "cooperative-sticky"); i++)
        read_claims(group, out->members.items[i].member_id, out->members.items[i].metadata);
}

/* ---- offsets ---- */

static struct commit_seen *commits_of(struct group_seen *group, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < group->commit_count; i++)
        if (group->commits[i].partition == partition && !strcmp(group->commits[i].topic, topic))
            return &group->commits[i];
    ARRAY_ADD(group->commits, group->commit_count, group->commit_capacity) = (struct commit_seen){ .topic = mem_text(topic), .partition = partition };
    return &group->commits[group->commit_count - 1];
}

static const char *topic_name(const struct group_watch *watch, const char *name, struct uuid id)
{
    const struct image_topic *topic = name ? NULL : image_topic_by_id(cluster_image(lab_cluster(watch->checks->lab)), id);

    return name ? name : topic ? topic->name : "";
}

/* Nobody commits beyond what was given to members of the group. */
static void check_delivered(struct group_watch *watch, const struct offset_commit_request *in, const char *topic, int32_t partition, int64_t offset)
{
    struct seen_reading *reading = checks_reading(watch->checks, in->group_id, topic, partition);

    if (reading && offset > (int64_t)reading->size && !checks_may_skip(watch->checks, topic, partition, (int64_t)reading->size, offset))
        checks_fail(watch->checks, "offsets", "group %s: %s commits %lld of %s-%d, and the last that anybody read is @%lld", in->group_id, in->member_id, (long long)offset, topic,
                    partition, (long long)reading->size - 1);
}

static void note_commits(struct group_watch *watch, const struct request *request, const struct offset_commit_request *in)
{
    for (int32_t t = 0; t < in->topics.count; t++) {
        const struct offset_commit_request_topic *topic = &in->topics.items[t];

        for (int32_t p = 0; p < topic->partitions.count; p++) {
            const char *name = topic_name(watch, topic->name, topic->topic_id);
            struct commit_seen *seen = commits_of(group_of(watch, in->group_id), name, topic->partitions.items[p].partition_index);

            check_delivered(watch, in, name, topic->partitions.items[p].partition_index, topic->partitions.items[p].committed_offset);
            ARRAY_ADD(seen->commits, seen->count, seen->capacity) = (struct commit){
                topic->partitions.items[p].committed_offset, queue_now_us(lab_queue(watch->checks->lab)), NEVER_US, request };
        }
    }
}

/* Those that were over before a later one began can't be what is there any more. */
static void forget_old(struct commit_seen *seen)
{
    int64_t newest_us = -1;
    size_t kept = 0;

    for (size_t i = 0; i < seen->count; i++)
        if (seen->commits[i].answered_us != NEVER_US && seen->commits[i].began_us > newest_us)
            newest_us = seen->commits[i].began_us;
    for (size_t i = 0; i < seen->count; i++)
        if (seen->commits[i].answered_us >= newest_us)
            seen->commits[kept++] = seen->commits[i];
    seen->count = kept;
}

static void note_answer(struct commit_seen *seen, const struct request *request, bool done, int64_t now_us)
{
    for (size_t i = 0; i < seen->count; i++)
        if (seen->commits[i].request == request) {
            seen->commits[i].request = NULL;
            seen->commits[i].answered_us = done ? now_us : NEVER_US;
        }
}

static void take_commits(struct group_watch *watch, const struct request *request, const struct offset_commit_request *in, const struct offset_commit_response *out)
{
    struct group_seen *group = group_of(watch, in->group_id);

    for (int32_t t = 0; t < in->topics.count && t < out->topics.count; t++) {
        const struct offset_commit_request_topic *topic = &in->topics.items[t];

        for (int32_t p = 0; p < topic->partitions.count && p < out->topics.items[t].partitions.count; p++) {
            struct commit_seen *seen = commits_of(group, topic_name(watch, topic->name, topic->topic_id), topic->partitions.items[p].partition_index);
            bool done = !out->topics.items[t].partitions.items[p].error_code;

            note_answer(seen, request, done, queue_now_us(lab_queue(watch->checks->lab)));
            if (done && in->generation_id_or_member_epoch >= 0 && in->generation_id_or_member_epoch < group->generation && request->began_us > group->synced_us)
                checks_fail(watch->checks, "group", "group %s: a commit of %s in generation %d was taken, there was %d", group->name, in->member_id,
                            in->generation_id_or_member_epoch, group->generation);
            watch->checks->counts.commits += done;
            if (done && seen->count > 50)
                forget_old(seen);
        }
    }
}

static bool offsets_lossy(const struct checks *checks)
{
    for (size_t i = 0; i < checks->count; i++)
        if (!strcmp(checks->partitions[i]->topic, "__consumer_offsets") && checks->partitions[i]->lossy)
            return true;
    return false;
}

/* What is given is what some commit said, and none that began after that one was over was itself over before this was asked. */
static void check_fetched(struct group_watch *watch, const struct request *request, struct group_seen *group, const char *topic, int32_t partition, int64_t offset)
{
    const struct commit_seen *seen = commits_of(group, topic, partition);
    const struct seen_partition *its = checks_next_named(watch->checks, topic, partition, NULL);
    int64_t newest_us = -1, newest = -1;

    if (offsets_lossy(watch->checks) || !its || its->promise.fickle)
        return; /* with a topic its offsets go */
    for (size_t i = 0; i < seen->count; i++)
        if (seen->commits[i].answered_us < request->began_us && seen->commits[i].began_us > newest_us) {
            newest_us = seen->commits[i].began_us;
            newest = seen->commits[i].offset;
        }
    if (offset < 0 && newest_us < 0)
        return;
    for (size_t i = 0; i < seen->count; i++)
        if (seen->commits[i].offset == offset && seen->commits[i].answered_us >= newest_us)
            return;
    checks_fail(watch->checks, "offsets", "group %s: offset %lld of %s-%d is given, %lld was committed last", group->name, (long long)offset, topic, partition,
                (long long)newest);
}

static void take_fetched(struct group_watch *watch, const struct request *request, const struct offset_fetch_request *in, const struct offset_fetch_response *out)
{
    for (int32_t t = 0; request->version < 8 && !out->error_code && t < out->topics.count; t++)
        for (int32_t p = 0; p < out->topics.items[t].partitions.count; p++) {
            const struct offset_fetch_response_partition *got = &out->topics.items[t].partitions.items[p];

            if (!got->error_code)
                check_fetched(watch, request, group_of(watch, in->group_id), out->topics.items[t].name, got->partition_index, got->committed_offset);
        }
    for (int32_t g = 0; request->version >= 8 && g < out->groups.count; g++)
        for (int32_t t = 0; !out->groups.items[g].error_code && t < out->groups.items[g].topics.count; t++) {
            const struct offset_fetch_response_group_topic *topic = &out->groups.items[g].topics.items[t];

            for (int32_t p = 0; p < topic->partitions.count; p++)
                if (!topic->partitions.items[p].error_code)
                    check_fetched(watch, request, group_of(watch, out->groups.items[g].group_id), topic_name(watch, topic->name, topic->topic_id),
                                  topic->partitions.items[p].partition_index, topic->partitions.items[p].committed_offset);
        }
}

static void on_request(void *context, const struct request *request, bool answered)
{
    enum { OFFSET_COMMIT = 8, OFFSET_FETCH = 9, JOIN_GROUP = 11, SYNC_GROUP = 14 };
    struct group_watch *watch = context;

    if (!answered && request->api->key == OFFSET_COMMIT)
        note_commits(watch, request, request->in);
    if (!answered)
        return;
    switch (request->api->key) {
    case OFFSET_COMMIT: take_commits(watch, request, request->in, request->out); break;
    case OFFSET_FETCH: take_fetched(watch, request, request->in, request->out); break;
    case JOIN_GROUP: take_join(watch, request->in, request->out); break;
    case SYNC_GROUP: take_assignment(watch, request->in, request->out); break;
    default: break;
    }
}

struct group_watch *group_watch_new(struct checks *checks)
{
    struct group_watch *watch = mem_zero(sizeof(*watch));

    watch->checks = checks;
    wire_watch(lab_wire(checks->lab), on_request, watch);
    return watch;
}

void group_watch_free(struct group_watch *watch)
{
    if (!watch)
        return;
    wire_unwatch(lab_wire(watch->checks->lab), on_request, watch);
    for (size_t i = 0; i < watch->count; i++) {
        struct group_seen *group = watch->groups[i];

        forget_owned(group);
        for (size_t c = 0; c < group->commit_count; c++) {
            mem_free(group->commits[c].topic);
            mem_free(group->commits[c].commits);
        }
        forget_claims(group);
        mem_free(group->claims);
        mem_free(group->owned);
        mem_free(group->commits);
        mem_free(group->name);
        mem_free(group);
    }
    mem_free(watch->groups);
    mem_free(watch);
}
