/* The controller's orders about topics: create, delete, more partitions. Kafka's ReplicationControlManager (4.3), AdminManager
 * with AdminZkClient (2.7), whose words the reasons are. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

enum { MOST_NAME = 249, MOST_PARTITIONS = 1000000 };

/* ---- names ---- */

static enum err check_name(const char *name, enum release release, struct reason *reason)
{
    bool old = release_is_27(release);
    const char *what = NULL;

    if (!*name)
        what = old ? "Topic name is illegal, it can't be empty" : "Topic name is invalid: the empty string is not allowed";
    else if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        what = old ? "Topic name cannot be \".\" or \"..\"" : "Topic name is invalid: '%s' is not allowed";
    else if (strlen(name) > MOST_NAME)
        what = old ? "Topic name is illegal, it can't be longer than 249 characters, topic name: %s"
                   : "Topic name is invalid: the length of '%s' is longer than the max allowed length 249";
    else if (name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")])
        what = old ? "Topic name \"%s\" is illegal, it contains a character other than ASCII alphanumerics, '.', '_' and '-'"
                   : "Topic name is invalid: '%s' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'";
    if (!what)
        return ERR_OK;
    if (strstr(what, "%s")) {
        char text[480];
        size_t before = (size_t)(strstr(what, "%s") - what);

        snprintf(text, sizeof(text), "%.*s%.300s%s", (int)before, what, name, what + before + 2);
        return err_because(ERR_INVALID_TOPIC_EXCEPTION, reason, "%s", text);
    }
    return err_because(ERR_INVALID_TOPIC_EXCEPTION, reason, "%s", what);
}

static bool collides(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if (*a != *b && !(strchr("._", *a) && strchr("._", *b)))
            return false;
    return !*a && !*b;
}

/* Names of metrics know no difference between '.' and '_', so topics may not differ in that alone. */
static enum err check_collision(const struct cluster *cluster, const char *name, struct reason *reason)
{
    const struct image *image = cluster->controller.image;

    if (!strpbrk(name, "._"))
        return ERR_OK;
    for (size_t i = 0; i < image_topic_count(image); i++) {
        const char *other = image_topic_at(image, i)->name;

        if (strpbrk(other, "._") && collides(name, other))
            return err_because(ERR_INVALID_TOPIC_EXCEPTION, reason, "Topic '%s' collides with existing topic%s: %s", name,
                               release_is_27(cluster->release) ? "s" : "", other);
    }
    return ERR_OK;
}

/* ---- configuration at creation ---- */

static enum err check_configs(const struct cluster *cluster, const struct config_map *configs, struct reason *reason)
{
    for (size_t i = 0; configs && i < configs->count; i++) {
        const struct config_key *key = config_key_find(CONFIG_TOPIC, configs->sets[i].name);
        enum err err;

        if (!config_key_known(key, cluster->release))
            return err_because(ERR_INVALID_CONFIG, reason, "Unknown topic config name: %s", configs->sets[i].name);
        err = config_check(key, configs->sets[i].value, cluster->release, reason);
        if (err)
            return err;
    }
    return configs ? config_check_together(CONFIG_TOPIC, configs, cluster->release, reason) : ERR_OK;
}

/* ---- assignment ---- */

static bool active(const struct image *image, int32_t id)
{
    const struct image_broker *broker = image_broker(image, id);

    return broker && !broker->fenced && !broker->shutting_down;
}

static enum err check_replicas_27(const struct image *image, const struct assignment *assignment, struct reason *reason)
{
    for (int32_t i = 0; i < assignment->count; i++) {
        for (int32_t j = 0; j < i; j++)
            if (assignment->replicas[i] == assignment->replicas[j])
                return err_because(ERR_INVALID_REPLICA_ASSIGNMENT, reason, "Duplicate replica assignment found: partition %d, broker %d",
                                   assignment->partition, assignment->replicas[i]);
        /* ZooKeeper takes the assignment, no leader ever comes, and the client hears this. */
        if (!image_broker(image, assignment->replicas[i]))
            return err_because(ERR_REQUEST_TIMED_OUT, reason, "%s", err_message(ERR_REQUEST_TIMED_OUT));
    }
    return ERR_OK;
}

static enum err check_replicas_43(const struct image *image, const struct assignment *assignment, struct reason *reason)
{
    bool some_active = false;
    int32_t lowest_unknown = INT32_MAX, lowest_twice = INT32_MAX;

    for (int32_t i = 0; i < assignment->count; i++) {
        int32_t id = assignment->replicas[i];

        some_active = some_active || active(image, id);
        if (!image_broker(image, id) && id < lowest_unknown)
            lowest_unknown = id;
        for (int32_t j = 0; j < i; j++)
            if (assignment->replicas[j] == id && id < lowest_twice)
                lowest_twice = id;
    }
    if (lowest_unknown != INT32_MAX && lowest_unknown <= lowest_twice)
        return err_because(ERR_INVALID_REPLICA_ASSIGNMENT, reason,
                           "The manual partition assignment includes broker %d, but no such broker is registered.", lowest_unknown);
    if (lowest_twice != INT32_MAX)
        return err_because(ERR_INVALID_REPLICA_ASSIGNMENT, reason,
                           "The manual partition assignment includes the broker %d more than once.", lowest_twice);
    if (!some_active)
        return err_because(ERR_INVALID_REPLICA_ASSIGNMENT, reason,
                           "All brokers specified in the manual partition assignment for partition %d are fenced or in controlled shutdown.",
                           assignment->partition);
    return ERR_OK;
}

/* `factor`: what earlier partitions have; 0: these are the first. */
static enum err check_assignments(const struct cluster *cluster, const struct assignment *assignments, int32_t count, int32_t first,
                                  int32_t factor, struct reason *reason)
{
    const struct image *image = cluster->controller.image;
    bool old = release_is_27(cluster->release);

    for (int32_t i = 0; i < count; i++) {
        const struct assignment *a = &assignments[i];
        enum err err;

        if (a->count < 1 || a->count > 1000)
            return err_because(ERR_INVALID_REPLICA_ASSIGNMENT, reason, "The manual partition assignment includes an empty replica list.");
        if (a->partition != first + i)
            return err_because(ERR_INVALID_REPLICA_ASSIGNMENT, reason, "partitions should be a consecutive 0-based integer sequence");
        err = old ? check_replicas_27(image, a, reason) : check_replicas_43(image, a, reason);
        if (err)
            return err;
        if (factor && a->count != factor && old)
            return err_because(ERR_INVALID_REPLICA_ASSIGNMENT, reason, "All partitions should have the same number of replicas");
        if (factor && a->count != factor)
            return err_because(ERR_INVALID_REPLICA_ASSIGNMENT, reason,
                               "The manual partition assignment includes a partition with %d replica(s), but this is not consistent with"
                               " previous partitions, which have %d replica(s).",
                               a->count, factor);
        factor = a->count;
    }
    return ERR_OK;
}

static enum err place(struct cluster *cluster, int32_t first, int32_t count, int16_t factor, int32_t fixed_start, int32_t **out,
                      struct reason *reason)
{
    const struct image *image = cluster->controller.image;
    struct placement_broker *brokers = mem_zero_array(image_broker_count(image) + 1, sizeof(*brokers));
    struct placement placement = {
        .brokers = brokers, .first_partition = first, .partition_count = count, .replication_factor = factor,
        .fixed_start = fixed_start, .release = cluster->release,
    };
    enum err err;

    for (size_t i = 0; i < image_broker_count(image); i++) {
        const struct image_broker *broker = image_broker_at(image, i);

        if (broker->fenced && release_is_27(cluster->release))
            continue;
        brokers[placement.broker_count++] = (struct placement_broker){ broker->id, broker->rack, broker->fenced };
    }
    *out = mem_zero_array((size_t)count * (size_t)(factor > 0 ? factor : 1) + 1, sizeof(**out));
    err = placement_make(&placement, &cluster->random, *out, reason);
    mem_free(brokers);
    return err;
}

static void add_partition(struct cluster *cluster, struct uuid topic_id, int32_t partition, const int32_t *replicas, int32_t count)
{
    const struct image *image = cluster->controller.image;
    struct metadata_record record = metadata_record(METADATA_PARTITION);
    struct metadata_partition *p = &record.partition;
    int32_t *isr = mem_zero_array((size_t)count, sizeof(*isr));
    struct uuid *directories = mem_zero_array((size_t)count, sizeof(*directories));

    p->partition_id = partition;
    p->topic_id = topic_id;
    p->replicas.items = (int32_t *)replicas;
    p->replicas.count = count;
    p->isr.items = isr;
    for (int32_t i = 0; i < count; i++) {
        if (active(image, replicas[i]))
            isr[p->isr.count++] = replicas[i];
        directories[i] = controller_directory(cluster, replicas[i]);
    }
    p->leader = p->isr.count ? isr[0] : -1;
    p->leader_epoch = p->partition_epoch = 0;
    p->directories.items = directories;
    p->directories.count = release_is_27(cluster->release) ? 0 : count;
    controller_add(cluster, &record);
    mem_free(isr);
    mem_free(directories);
}

/* ---- create ---- */

static enum err check_counts(const struct cluster *cluster, const struct create_topic *topic, int32_t *count, int16_t *factor,
                             struct reason *reason)
{
    struct config_layers layers = controller_layers(cluster, NULL);
    bool old = release_is_27(cluster->release);

    if (topic->assignment_count > 0) {
        if (old && (topic->replication_factor != -1 || topic->partition_count != -1))
            return err_because(ERR_INVALID_REQUEST, reason,
                               "Both numPartitions or replicationFactor and replicasAssignments were set. Both cannot be used at the same time.");
        if (topic->replication_factor != -1)
            return err_because(ERR_INVALID_REQUEST, reason,
                               "A manual partition assignment was specified, but replication factor was not set to -1.");
        if (topic->partition_count != -1)
            return err_because(ERR_INVALID_REQUEST, reason,
                               "A manual partition assignment was specified, but numPartitions was not set to -1.");
        *count = topic->assignment_count;
        *factor = (int16_t)topic->assignments[0].count;
        return ERR_OK;
    }
    *count = topic->partition_count == -1 ? (int32_t)config_long(&layers, "num.partitions") : topic->partition_count;
    *factor = topic->replication_factor == -1 ? (int16_t)config_long(&layers, "default.replication.factor") : topic->replication_factor;
    if (*factor <= 0 || (!old && topic->replication_factor < -1))
        return err_because(ERR_INVALID_REPLICATION_FACTOR, reason,
                           old ? "Replication factor must be larger than 0."
                               : "Replication factor must be larger than 0, or -1 to use the default value.");
    if (*count <= 0)
        return err_because(ERR_INVALID_PARTITIONS, reason,
                           old ? "Number of partitions must be larger than 0."
                               : "Number of partitions was set to an invalid non-positive value.");
    if (*count > MOST_PARTITIONS)
        return err_because(ERR_INVALID_PARTITIONS, reason, "%d partitions are more than this cluster can hold (%d).", *count, MOST_PARTITIONS);
    return ERR_OK;
}

static void write_topic(struct cluster *cluster, const struct create_topic *topic, struct uuid id, int32_t count, int16_t factor,
                        const int32_t *placed)
{
    struct metadata_record record = metadata_record(METADATA_TOPIC);

    record.topic.name = topic->name;
    record.topic.topic_id = id;
    controller_add(cluster, &record);
    for (size_t i = 0; topic->configs && i < topic->configs->count; i++) {
        record = metadata_record(METADATA_CONFIG);
        record.config.resource_type = METADATA_RESOURCE_TOPIC;
        record.config.resource_name = topic->name;
        record.config.name = topic->configs->sets[i].name;
        record.config.value = topic->configs->sets[i].value;
        controller_add(cluster, &record);
    }
    for (int32_t i = 0; i < count; i++) {
        if (topic->assignment_count > 0)
            add_partition(cluster, id, i, topic->assignments[i].replicas, topic->assignments[i].count);
        else
            add_partition(cluster, id, i, placed + (size_t)i * (size_t)factor, factor);
    }
}

enum err controller_create_topic(struct cluster *cluster, const struct create_topic *topic, bool validate_only, struct uuid *id,
                                 int64_t *offset, struct reason *reason)
{
    struct uuid topic_id = { 0 };
    int32_t count = 0, *placed = NULL;
    int16_t factor = 0;
    char text[400];
    enum err err = controller_check_acts(cluster, reason);

    if (!err)
        err = check_name(topic->name, cluster->release, reason);
    if (!err && image_topic(cluster->controller.image, topic->name))
        err = err_because(ERR_TOPIC_ALREADY_EXISTS, reason, "Topic '%s' already exists.", topic->name);
    if (!err)
        err = check_collision(cluster, topic->name, reason);
    if (!err)
        err = check_configs(cluster, topic->configs, reason);
    if (!err)
        err = check_counts(cluster, topic, &count, &factor, reason);
    if (!err && topic->assignment_count > 0)
        err = check_assignments(cluster, topic->assignments, topic->assignment_count, 0, 0, reason);
    else if (!err)
        err = place(cluster, 0, count, factor, -1, &placed, reason);
    if (err || validate_only)
        goto out;
    topic_id = uuid_random(&cluster->random);
    write_topic(cluster, topic, topic_id, count, factor, placed);
    err = controller_commit(cluster, offset, reason);
    if (err)
        goto out;
    snprintf(text, sizeof(text), "%s: %d partition%s, replication factor %d", topic->name, count, count == 1 ? "" : "s", factor);
    journal_add(cluster->journal, ENTRY(EVENT_topic_created, .topic = topic->name, .text = text,
                                        .facts = { { "partitions", count, NULL }, { "replication_factor", factor, NULL } },
                                        .fact_count = 2));
out:
    if (id)
        *id = topic_id;
    mem_free(placed);
    return err;
}

/* ---- internal topics ---- */

struct internal_topic {
    const char *name, *partitions, *factor;   /* broker keys */
    struct { const char *name, *value, *broker_key; } configs[6];
};
static const struct internal_topic internal_topics[] = {
    { "__consumer_offsets", "offsets.topic.num.partitions", "offsets.topic.replication.factor",
      { { "cleanup.policy", "compact", NULL }, { "compression.type", "producer", NULL },
        { "segment.bytes", NULL, "offsets.topic.segment.bytes" } } },
    { "__transaction_state", "transaction.state.log.num.partitions", "transaction.state.log.replication.factor",
      { { "cleanup.policy", "compact", NULL }, { "compression.type", "uncompressed", NULL },
        { "min.insync.replicas", NULL, "transaction.state.log.min.isr" },
        { "segment.bytes", NULL, "transaction.state.log.segment.bytes" }, { "unclean.leader.election.enable", "false", NULL } } },
};

static const struct internal_topic *internal_topic(const char *name)
{
    for (size_t i = 0; i < sizeof(internal_topics) / sizeof(internal_topics[0]); i++)
        if (strcmp(internal_topics[i].name, name) == 0)
            return &internal_topics[i];
    return NULL;
}

void controller_internal_configs(const struct cluster *cluster, const char *name, struct config_map *out)
{
    struct config_layers layers = controller_layers(cluster, NULL);
    const struct internal_topic *internal = internal_topic(name);

    for (size_t i = 0; internal && i < 6 && internal->configs[i].name; i++)
        config_map_set(out, internal->configs[i].name,
                       internal->configs[i].value ? internal->configs[i].value : config_text(&layers, internal->configs[i].broker_key));
}

enum err controller_ensure_internal_topic(struct cluster *cluster, const char *name, int64_t *offset, struct reason *reason)
{
    struct config_layers layers = controller_layers(cluster, NULL);
    const struct internal_topic *internal = internal_topic(name);
    struct config_map configs = { 0 };
    struct create_topic create = { .name = name, .configs = &configs };
    int64_t factor;
    enum err err;

    if (image_topic(cluster->controller.image, name)) {
        if (offset)
            if (offset)
            *offset = image_offset(cluster->controller.image);
        return ERR_OK;
    }
    if (!internal)
        return err_because(ERR_INVALID_TOPIC_EXCEPTION, reason, "%s is no internal topic", name);
    controller_internal_configs(cluster, name, &configs);
    factor = config_long(&layers, internal->factor);
    if (factor > (int64_t)image_broker_count(cluster->controller.image))
        factor = (int64_t)image_broker_count(cluster->controller.image);
    create.partition_count = (int32_t)config_long(&layers, internal->partitions);
    create.replication_factor = (int16_t)factor;
    err = controller_create_topic(cluster, &create, false, NULL, offset, reason);
    config_map_done(&configs);
    return err;
}

/* ---- delete ---- */

/* 2.7 removes a topic when all its replicas are gone: a broker that is down keeps it waiting. -1: none does. */
static int32_t absent_replica(const struct cluster *cluster, const struct image_topic *topic)
{
    for (int32_t p = 0; p < topic->partition_count; p++)
        for (int16_t i = 0; i < topic->partitions[p].replica_count; i++)
            if (!active(cluster->controller.image, topic->partitions[p].replicas[i]))
                return topic->partitions[p].replicas[i];
    return -1;
}

/* The broker has answered that it removed what it had of it (StopReplica): it heard of the deletion, has no replica any more, and its answer comes through. */
static bool has_removed(const struct cluster *cluster, const struct image_topic *topic, int32_t id)
{
    const struct broker *broker = cluster_broker(cluster, id);
    const struct image_topic *known = broker && broker->up ? image_topic_by_id(broker->image, topic->id) : NULL;

    if (!known || !known->deleting || !network_open(cluster, id, controller_home(cluster)))
        return false;
    for (int32_t p = 0; p < topic->partition_count; p++)
        if (broker_partition(broker, topic->name, p))
            return false;
    return true;
}

static bool all_have_removed(const struct cluster *cluster, const struct image_topic *topic)
{
    for (int32_t p = 0; p < topic->partition_count; p++)
        for (int16_t i = 0; i < topic->partitions[p].replica_count; i++)
            if (!has_removed(cluster, topic, topic->partitions[p].replicas[i]))
                return false;
    return true;
}

static void say_deleted(struct cluster *cluster, const char *name, int32_t partitions)
{
    char text[320];

    snprintf(text, sizeof(text), "%.250s was deleted; its folders go later", name);
    journal_add(cluster->journal, ENTRY(EVENT_topic_deleted, .topic = name, .text = text, .rule = "file.delete.delay.ms",
                                        .facts = { { "partitions", partitions, NULL } }, .fact_count = 1));
}

static void say_waits_for_broker(struct cluster *cluster, const struct image_topic *topic, int32_t absent)
{
    char text[400];

    snprintf(text, sizeof(text), "%.250s is to be deleted, and waits for broker %d, which has replicas of it", topic->name, absent);
    journal_add(cluster->journal, ENTRY(EVENT_deletion_waits, .topic = topic->name, .broker = absent, .text = text, .rule = "ReplicaDeletionIneligible",
                                        .facts = { { "absent_broker", absent, NULL }, { "partitions", topic->partition_count, NULL } }, .fact_count = 2));
}

/* 2.7: the brokers are told to forget it, and to remove what they have of it; also while a partition of it moves: TopicDeletionManager means to wait for that, but 2.7.0 asks
 * whether it should before the topic is among those that may be told to. */
static enum err begin_deletion(struct cluster *cluster, const struct image_topic *topic, int64_t *offset, struct reason *reason)
{
    struct metadata_record record = metadata_record(METADATA_TOPIC_DELETION);
    int32_t absent = absent_replica(cluster, topic);
    enum err err;

    record.remove_topic.topic_id = topic->id;
    controller_add(cluster, &record);
    err = controller_commit(cluster, offset, reason);
    if (!err && absent >= 0)
        say_waits_for_broker(cluster, topic, absent);
    return err;
}

static enum err remove_topic(struct cluster *cluster, const struct image_topic *topic, int64_t *offset, struct reason *reason)
{
    struct metadata_record record = metadata_record(METADATA_REMOVE_TOPIC);
    char *name = mem_text(topic->name);
    int32_t count = topic->partition_count;
    enum err err;

    record.remove_topic.topic_id = topic->id;
    controller_add(cluster, &record);
    err = controller_commit(cluster, offset, reason);
    if (!err)
        say_deleted(cluster, name, count);
    mem_free(name);
    return err;
}

enum err controller_delete_topic(struct cluster *cluster, const char *name, int64_t *offset, struct reason *reason)
{
    struct config_layers layers = controller_layers(cluster, NULL);
    const struct image_topic *topic = image_topic(cluster->controller.image, name);
    enum err err = controller_check_acts(cluster, reason);

    if (err)
        return err;
    if (!config_boolean(&layers, "delete.topic.enable"))
        return err_because(ERR_TOPIC_DELETION_DISABLED, reason, "%s", err_message(ERR_TOPIC_DELETION_DISABLED));
    if (!topic)
        return err_because(ERR_UNKNOWN_TOPIC_OR_PARTITION, reason, "%s", err_message(ERR_UNKNOWN_TOPIC_OR_PARTITION));
    if (!release_is_27(cluster->release))
        return remove_topic(cluster, topic, offset, reason);
    if (topic->deleting) {
        if (offset)
            *offset = image_offset(cluster->controller.image);
        return ERR_OK;
    }
    return begin_deletion(cluster, topic, offset, reason);
}

enum err controller_resume_deletions(struct cluster *cluster, struct reason *reason)
{
    const struct image *image = cluster->controller.image;
    bool some = false;

    for (size_t t = 0; t < image_topic_count(image) && image_deleting_count(image); t++) {
        const struct image_topic *topic = image_topic_at(image, t);
        struct metadata_record record = metadata_record(METADATA_TOPIC_DELETION); /* those that are back remove what they have */

        if (!topic->deleting)
            continue;
        record.remove_topic.topic_id = topic->id;
        controller_add(cluster, &record);
        some = true;
    }
    return some ? controller_commit(cluster, NULL, reason) : ERR_OK;
}

void controller_finish_deletions(struct cluster *cluster)
{
    const struct image *image = cluster->controller.image;

    if (!image_deleting_count(image) || cluster->opening || !session_acts(cluster))
        return;
    for (size_t t = image_topic_count(image); t-- > 0;) {
        const struct image_topic *topic = image_topic_at(image, t);

        if (topic->deleting && all_have_removed(cluster, topic))
            remove_topic(cluster, topic, NULL, NULL);
    }
}

/* ---- more partitions ---- */

static enum err check_total(const struct cluster *cluster, const struct image_topic *topic, int32_t total, int32_t assignments,
                            struct reason *reason)
{
    bool old = release_is_27(cluster->release);
    int32_t has = topic->partition_count;

    if (total == has)
        return err_because(ERR_INVALID_PARTITIONS, reason, old ? "Topic already has %d partitions." : "Topic already has %d partition(s).",
                           has);
    if (total < has && old)
        return err_because(ERR_INVALID_PARTITIONS, reason, "Topic currently has %d partitions, which is higher than the requested %d.", has,
                           total);
    if (total < has)
        return err_because(ERR_INVALID_PARTITIONS, reason, "The topic %s currently has %d partition(s); %d would not be an increase.",
                           topic->name, has, total);
    if (total > MOST_PARTITIONS)
        return err_because(ERR_INVALID_PARTITIONS, reason, "%d partitions are more than this cluster can hold (%d).", total, MOST_PARTITIONS);
    if (assignments > 0 && assignments != total - has)
        return err_because(ERR_INVALID_REPLICA_ASSIGNMENT, reason,
                           old ? "Increasing the number of partitions by %d but %d assignments provided."
                               : "Attempted to add %d additional partition(s), but only %d assignment(s) were specified.",
                           total - has, assignments);
    return ERR_OK;
}

enum err controller_add_partitions(struct cluster *cluster, const char *name, int32_t total, const struct assignment *assignments,
                                   int32_t assignment_count, bool validate_only, int64_t *offset, struct reason *reason)
{
    const struct image *image = cluster->controller.image;
    const struct image_topic *topic = image_topic(image, name);
    int32_t *placed = NULL, first, fixed = 0;
    struct uuid id;
    int16_t factor;
    char text[320];
    enum err err = controller_check_acts(cluster, reason);

    if (err)
        return err;
    if (!topic)
        return err_because(ERR_UNKNOWN_TOPIC_OR_PARTITION, reason,
                           release_is_27(cluster->release) ? "The topic '%s' does not exist." : "This server does not host this topic-partition.",
                           name);
    if (topic->deleting) /* the controller passes it over, and the request waits for partitions that never come */
        return err_because(ERR_REQUEST_TIMED_OUT, reason, "%s", err_message(ERR_REQUEST_TIMED_OUT));
    for (int32_t i = 0; release_is_27(cluster->release) && i < topic->partition_count; i++)
        if (topic->partitions[i].adding_count || topic->partitions[i].removing_count)
            return err_because(ERR_REASSIGNMENT_IN_PROGRESS, reason, "A partition reassignment is in progress for the topic '%s'.", name);
    id = topic->id;
    first = topic->partition_count;
    factor = topic->partitions[0].replica_count;
    err = check_total(cluster, topic, total, assignment_count, reason);
    if (err)
        return err;
    /* 2.7 goes on where the first partition began. */
    while ((size_t)fixed < image_broker_count(image) && image_broker_at(image, (size_t)fixed)->id < topic->partitions[0].replicas[0])
        fixed++;
    if (assignment_count > 0) {
        /* The request lists them in order; their numbers go on from what there is. */
        struct assignment *numbered = mem_copy(assignments, (size_t)assignment_count * sizeof(*numbered));

        for (int32_t i = 0; i < assignment_count; i++)
            numbered[i].partition = first + i;
        err = check_assignments(cluster, numbered, assignment_count, first, factor, reason);
        mem_free(numbered);
    } else {
        err = place(cluster, first, total - first, factor, fixed, &placed, reason);
    }
    if (err || validate_only)
        goto out;
    for (int32_t i = 0; i < total - first; i++)
        add_partition(cluster, id, first + i, assignment_count > 0 ? assignments[i].replicas : placed + (size_t)i * (size_t)factor, factor);
    err = controller_commit(cluster, offset, reason);
    if (err)
        goto out;
    snprintf(text, sizeof(text), "%.250s: %d -> %d partitions", name, first, total);
    journal_add(cluster->journal, ENTRY(EVENT_partitions_added, .topic = name, .text = text,
                                        .facts = { { "was", first, NULL }, { "partitions", total, NULL } }, .fact_count = 2));
out:
    mem_free(placed);
    return err;
}
