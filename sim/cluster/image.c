/* The image: topics sorted by name and found by id, brokers, what was configured. */
#include "sim/cluster/image.h"

#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/image_internal.h"

enum { ID_LISTS = 6 };
struct id_list { const int32_t *items; int32_t count; };

struct resource { /* something that was configured */
    enum config_scope scope;
    char *name;
    struct config_map map;
};

struct image {
    int64_t offset;
    char *cluster_id;
    int32_t controller;
    int64_t next_producer_id;
    struct image_topic **topics;       /* sorted by name */
    size_t topic_count, topic_capacity, deleting_count;
    struct image_topic **by_id;        /* open addressing; size a power of two */
    size_t by_id_size;
    struct image_broker *brokers;      /* sorted by id */
    size_t broker_count, broker_capacity;
    struct resource *resources;        /* sorted by scope and name */
    size_t resource_count, resource_capacity;
};

struct image *image_new(void)
{
    struct image *image = mem_zero(sizeof(*image));

    image->offset = -1;
    image->controller = -1;
    return image;
}

static void partition_done(struct image_partition *partition)
{
    mem_free(partition->replicas); /* isr lies in the same piece */
    mem_free(partition->directories);
}

static void topic_free(struct image_topic *topic)
{
    for (int32_t i = 0; i < topic->partition_count; i++)
        partition_done(&topic->partitions[i]);
    mem_free(topic->partitions);
    mem_free(topic->name);
    mem_free(topic);
}

static void broker_done(struct image_broker *broker)
{
    mem_free((char *)broker->host);
    mem_free((char *)broker->rack);
    mem_free((struct uuid *)broker->log_dirs);
}

void image_free(struct image *image)
{
    if (!image)
        return;
    for (size_t i = 0; i < image->topic_count; i++)
        topic_free(image->topics[i]);
    for (size_t i = 0; i < image->broker_count; i++)
        broker_done(&image->brokers[i]);
    for (size_t i = 0; i < image->resource_count; i++) {
        config_map_done(&image->resources[i].map);
        mem_free(image->resources[i].name);
    }
    mem_free(image->topics);
    mem_free(image->by_id);
    mem_free(image->brokers);
    mem_free(image->resources);
    mem_free(image->cluster_id);
    mem_free(image);
}

/* ---- topics ---- */

static const char *topic_name(const void *array, size_t i)
{
    struct image_topic *const *topics = array;

    return topics[i]->name;
}

static size_t topic_place(const struct image *image, const char *name, bool *found)
{
    return text_place(name, image->topics, image->topic_count, topic_name, found);
}

static size_t id_hash(struct uuid id)
{
    return (size_t)(get_u64(id.bytes) ^ get_u64(id.bytes + 8) * 0x9e3779b97f4a7c15u);
}

static void by_id_put(struct image *image, struct image_topic *topic)
{
    size_t at = id_hash(topic->id) & (image->by_id_size - 1);

    while (image->by_id[at])
        at = (at + 1) & (image->by_id_size - 1);
    image->by_id[at] = topic;
}

static void by_id_rebuild(struct image *image)
{
    size_t size = 16;

    while (size < image->topic_count * 2 + 2)
        size *= 2;
    mem_free(image->by_id);
    image->by_id = mem_zero_array(size, sizeof(*image->by_id));
    image->by_id_size = size;
    for (size_t i = 0; i < image->topic_count; i++)
        by_id_put(image, image->topics[i]);
}

struct image_topic *image_topic_mutable(struct image *image, struct uuid id)
{
    if (!image->by_id_size)
        return NULL;
    for (size_t at = id_hash(id) & (image->by_id_size - 1); image->by_id[at]; at = (at + 1) & (image->by_id_size - 1))
        if (uuid_equal(image->by_id[at]->id, id))
            return image->by_id[at];
    return NULL;
}

const struct image_topic *image_topic_by_id(const struct image *image, struct uuid id)
{
    return image_topic_mutable((struct image *)image, id);
}

size_t image_deleting_count(const struct image *image) { return image->deleting_count; }

size_t image_topic_count(const struct image *image)
{
    return image->topic_count;
}

const struct image_topic *image_topic_at(const struct image *image, size_t i)
{
    return i < image->topic_count ? image->topics[i] : NULL;
}

const struct image_topic *image_topic(const struct image *image, const char *name)
{
    bool found;
    size_t place = topic_place(image, name, &found);

    return found ? image->topics[place] : NULL;
}

const struct image_partition *image_partition(const struct image *image, const char *name, int32_t partition)
{
    const struct image_topic *topic = image_topic(image, name);

    return topic && partition >= 0 && partition < topic->partition_count ? &topic->partitions[partition] : NULL;
}

static enum err apply_topic(struct image *image, const struct metadata_topic *record, struct reason *reason)
{
    bool found;
    size_t place = topic_place(image, record->name, &found);
    struct image_topic *topic;

    if (found)
        return err_because(ERR_TOPIC_ALREADY_EXISTS, reason, "the metadata log makes topic %s twice", record->name);
    topic = mem_zero(sizeof(*topic));
    topic->name = mem_text(record->name);
    topic->id = record->topic_id;
    topic->internal = strcmp(topic->name, "__consumer_offsets") == 0 || strcmp(topic->name, "__transaction_state") == 0;
    image->topics = mem_grow(image->topics, image->topic_count, &image->topic_capacity, sizeof(*image->topics));
    memmove(&image->topics[place + 1], &image->topics[place], (image->topic_count++ - place) * sizeof(*image->topics));
    image->topics[place] = topic;
    if (image->topic_count * 2 > image->by_id_size)
        by_id_rebuild(image);
    else
        by_id_put(image, topic);
    return ERR_OK;
}

static struct resource *resource_find(const struct image *image, enum config_scope scope, const char *name, size_t *place)
{
    size_t low = 0, high = image->resource_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        struct resource *resource = &image->resources[middle];
        int order = scope != resource->scope ? (scope < resource->scope ? -1 : 1) : strcmp(name, resource->name);

        if (order == 0) {
            *place = middle;
            return resource;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    *place = low;
    return NULL;
}

static void resource_remove(struct image *image, size_t place)
{
    config_map_done(&image->resources[place].map);
    mem_free(image->resources[place].name);
    memmove(&image->resources[place], &image->resources[place + 1], (--image->resource_count - place) * sizeof(*image->resources));
}

/* 2.7: from here on nobody leads. Each replica leaves the ISR on its way to be removed, in order of the ids, but for the last. */
static enum err apply_topic_deletion(struct image *image, struct uuid id, struct reason *reason)
{
    struct image_topic *topic = image_topic_mutable(image, id);

    if (!topic)
        return err_because(ERR_UNKNOWN_TOPIC_ID, reason, "the metadata log marks a topic for deletion that is not there");
    image->deleting_count += !topic->deleting;
    topic->deleting = true;
    for (int32_t p = 0; p < topic->partition_count; p++) {
        struct image_partition *partition = &topic->partitions[p];

        partition->leader = -1;
        for (int16_t i = 1; i < partition->isr_count; i++)
            if (partition->isr[i] > partition->isr[0])
                partition->isr[0] = partition->isr[i];
        if (partition->isr_count)
            partition->isr_count = 1;
    }
    return ERR_OK;
}

static enum err apply_remove_topic(struct image *image, struct uuid id, struct reason *reason)
{
    struct image_topic *topic = image_topic_mutable(image, id);
    bool found;
    size_t place;

    if (!topic)
        return err_because(ERR_UNKNOWN_TOPIC_ID, reason, "the metadata log removes a topic that is not there");
    if (resource_find(image, CONFIG_TOPIC, topic->name, &place))
        resource_remove(image, place);
    place = topic_place(image, topic->name, &found);
    memmove(&image->topics[place], &image->topics[place + 1], (--image->topic_count - place) * sizeof(*image->topics));
    image->deleting_count -= topic->deleting;
    topic_free(topic);
    by_id_rebuild(image);
    return ERR_OK;
}

/* All lists of a partition lie in one piece of memory: there may be tens of thousands. */
static void partition_set_lists(struct image_partition *partition, const struct id_list lists[ID_LISTS])
{
    size_t total = 1;
    int32_t *ids, *at;
    int32_t **pointers[ID_LISTS] = { &partition->replicas, &partition->isr, &partition->elr, &partition->last_known_elr,
                                     &partition->adding_replicas, &partition->removing_replicas };
    int16_t *counts[ID_LISTS] = { &partition->replica_count, &partition->isr_count, &partition->elr_count,
                                  &partition->last_known_elr_count, &partition->adding_count, &partition->removing_count };

    for (int i = 0; i < ID_LISTS; i++)
        total += (size_t)lists[i].count;
    ids = at = mem_alloc(total * sizeof(*ids));
    for (int i = 0; i < ID_LISTS; i++) {
        if (lists[i].count)
            memcpy(at, lists[i].items, (size_t)lists[i].count * sizeof(*at));
        at += lists[i].count;
    }
    mem_free(partition->replicas);
    for (int i = 0; i < ID_LISTS; i++) {
        *pointers[i] = lists[i].count || i < 2 ? ids : NULL;
        *counts[i] = (int16_t)lists[i].count;
        ids += lists[i].count;
    }
}

static void partition_lists(const struct image_partition *partition, struct id_list lists[ID_LISTS])
{
    lists[0] = (struct id_list){ partition->replicas, partition->replica_count };
    lists[1] = (struct id_list){ partition->isr, partition->isr_count };
    lists[2] = (struct id_list){ partition->elr, partition->elr_count };
    lists[3] = (struct id_list){ partition->last_known_elr, partition->last_known_elr_count };
    lists[4] = (struct id_list){ partition->adding_replicas, partition->adding_count };
    lists[5] = (struct id_list){ partition->removing_replicas, partition->removing_count };
}

static bool too_long(const struct id_list lists[ID_LISTS])
{
    for (int i = 0; i < ID_LISTS; i++)
        if (lists[i].count > MOST_REPLICAS)
            return true;
    return lists[0].count < 1;
}

/* A list of a record that may be null. */
#define LIST(array) ((struct id_list){ (array).items, (array).count > 0 ? (array).count : 0 })

/* There may be tens of thousands of partitions, and most clusters have one log dir a broker: then nothing is kept. */
static void partition_set_directories(const struct image *image, struct image_partition *partition, const struct uuid *items, int32_t count)
{
    bool needed = false;

    mem_free(partition->directories);
    partition->directories = NULL;
    if (count != partition->replica_count)
        return;
    for (int32_t i = 0; i < count; i++) {
        const struct image_broker *broker = image_broker(image, partition->replicas[i]);

        needed = needed || !broker || broker->log_dir_count != 1 || !uuid_equal(items[i], broker->log_dirs[0]);
    }
    if (needed)
        partition->directories = mem_copy(items, (size_t)count * sizeof(*items));
}

static enum err apply_partition(struct image *image, const struct metadata_partition *record, struct reason *reason)
{
    struct image_topic *topic = image_topic_mutable(image, record->topic_id);
    struct image_partition *partition;
    const struct id_list lists[ID_LISTS] = { LIST(record->replicas), LIST(record->isr), LIST(record->eligible_leader_replicas),
                                             LIST(record->last_known_elr), LIST(record->adding_replicas), LIST(record->removing_replicas) };

    if (!topic || record->partition_id != topic->partition_count || too_long(lists))
        return err_because(ERR_INVALID_PARTITIONS, reason, "the metadata log makes partition %d out of turn", record->partition_id);
    /* Grown by doubling: a topic's partitions come one record each. */
    if ((topic->partition_count & (topic->partition_count - 1)) == 0)
        topic->partitions = mem_resize(topic->partitions,
                                       (size_t)(topic->partition_count ? topic->partition_count * 2 : 1) * sizeof(*topic->partitions));
    partition = &topic->partitions[topic->partition_count++];
    memset(partition, 0, sizeof(*partition));
    partition_set_lists(partition, lists);
    partition_set_directories(image, partition, record->directories.items, record->directories.count);
    partition->leader_recovery_state = record->leader_recovery_state;
    partition->leader = record->leader;
    partition->leader_epoch = record->leader_epoch;
    partition->partition_epoch = record->partition_epoch;
    return ERR_OK;
}

static enum err apply_partition_change(struct image *image, const struct metadata_partition_change *record, struct reason *reason)
{
    struct image_topic *topic = image_topic_mutable(image, record->topic_id);
    struct image_partition *partition;
    const struct id_list changed[ID_LISTS] = {
        { record->replicas.items, record->replicas.count }, { record->isr.items, record->isr.count },
        { record->eligible_leader_replicas.items, record->eligible_leader_replicas.count },
        { record->last_known_elr.items, record->last_known_elr.count },
        { record->adding_replicas.items, record->adding_replicas.count },
        { record->removing_replicas.items, record->removing_replicas.count },
    };
    struct id_list lists[ID_LISTS];
    bool some = false;

    if (!topic || record->partition_id < 0 || record->partition_id >= topic->partition_count)
        return err_because(ERR_UNKNOWN_TOPIC_OR_PARTITION, reason, "the metadata log changes a partition that is not there");
    partition = &topic->partitions[record->partition_id];
    partition_lists(partition, lists);
    for (int i = 0; i < ID_LISTS; i++) {
        if (changed[i].count < 0)
            continue;
        lists[i] = changed[i];
        some = true;
    }
    if (some && too_long(lists))
        return err_because(ERR_INVALID_PARTITIONS, reason, "the metadata log gives partition %d an impossible list of replicas", record->partition_id);
    if (some)
        partition_set_lists(partition, lists);
    if (record->directories.count >= 0 || record->replicas.count >= 0)
        partition_set_directories(image, partition, record->directories.items, record->directories.count);
    if (record->leader_recovery_state >= 0)
        partition->leader_recovery_state = record->leader_recovery_state;
    if (record->leader != -2) {
        partition->leader = record->leader;
        partition->leader_epoch++;
    }
    partition->partition_epoch++;
    return ERR_OK;
}

static void broker_set_dirs(struct image_broker *broker, const struct uuid *items, int32_t count)
{
    mem_free((struct uuid *)broker->log_dirs);
    broker->log_dir_count = count > 0 ? count : 0;
    broker->log_dirs = count > 0 ? mem_copy(items, (size_t)count * sizeof(*items)) : NULL;
}

struct image *image_copy(const struct image *from)
{
    struct image *image = image_new();

    image->offset = from->offset;
    image->cluster_id = mem_text(from->cluster_id);
    image->controller = from->controller;
    image->next_producer_id = from->next_producer_id;
    image->topics = mem_zero_array(from->topic_count, sizeof(*image->topics));
    image->topic_capacity = image->topic_count = from->topic_count;
    for (size_t i = 0; i < from->topic_count; i++) {
        const struct image_topic *old = from->topics[i];
        struct image_topic *topic = image->topics[i] = mem_zero(sizeof(*topic));
        size_t capacity = 1;

        while (capacity < (size_t)old->partition_count)
            capacity *= 2;
        *topic = *old;
        topic->name = mem_text(old->name);
        topic->partitions = mem_zero_array(capacity, sizeof(*topic->partitions));
        for (int32_t p = 0; p < old->partition_count; p++) {
            struct id_list lists[ID_LISTS];

            partition_lists(&old->partitions[p], lists);
            topic->partitions[p] = old->partitions[p];
            topic->partitions[p].replicas = NULL;
            topic->partitions[p].directories = old->partitions[p].directories
                ? mem_copy(old->partitions[p].directories, (size_t)old->partitions[p].replica_count * sizeof(struct uuid)) : NULL;
            partition_set_lists(&topic->partitions[p], lists);
        }
    }
    by_id_rebuild(image);
    image->brokers = mem_zero_array(from->broker_count, sizeof(*image->brokers));
    image->broker_capacity = image->broker_count = from->broker_count;
    for (size_t i = 0; i < from->broker_count; i++) {
        image->brokers[i] = from->brokers[i];
        image->brokers[i].host = mem_text(from->brokers[i].host);
        image->brokers[i].rack = mem_text(from->brokers[i].rack);
        image->brokers[i].log_dirs = NULL;
        broker_set_dirs(&image->brokers[i], from->brokers[i].log_dirs, from->brokers[i].log_dir_count);
    }
    image->resources = mem_zero_array(from->resource_count, sizeof(*image->resources));
    image->resource_capacity = image->resource_count = from->resource_count;
    for (size_t i = 0; i < from->resource_count; i++) {
        image->resources[i] = (struct resource){ .scope = from->resources[i].scope, .name = mem_text(from->resources[i].name) };
        config_map_copy(&image->resources[i].map, &from->resources[i].map);
    }
    return image;
}

/* ---- brokers ---- */

static size_t broker_place(const struct image *image, int32_t id, bool *found)
{
    size_t place = 0;

    while (place < image->broker_count && image->brokers[place].id < id)
        place++;
    *found = place < image->broker_count && image->brokers[place].id == id;
    return place;
}

static enum err apply_register_broker(struct image *image, const struct metadata_register_broker *record)
{
    const struct metadata_endpoint *endpoint = record->end_points.count > 0 ? record->end_points.items : NULL;
    bool found;
    size_t place = broker_place(image, record->broker_id, &found);
    struct image_broker broker = {
        .id = record->broker_id, .epoch = record->broker_epoch, .fenced = record->fenced,
        .shutting_down = record->in_controlled_shutdown, .host = mem_text(endpoint ? endpoint->host : ""),
        .port = endpoint ? endpoint->port : 0, .rack = mem_text(record->rack),
    };

    if (found) {
        broker_done(&image->brokers[place]);
    } else {
        image->brokers = mem_grow(image->brokers, image->broker_count, &image->broker_capacity, sizeof(*image->brokers));
        memmove(&image->brokers[place + 1], &image->brokers[place], (image->broker_count++ - place) * sizeof(*image->brokers));
    }
    broker_set_dirs(&broker, record->log_dirs.items, record->log_dirs.count);
    image->brokers[place] = broker;
    return ERR_OK;
}

/* Those that stay online; none named: all as they were. */
static void change_dirs(struct image *image, const struct metadata_broker_change *record)
{
    bool found;
    size_t place = broker_place(image, record->broker_id, &found);

    if (found && record->log_dirs.count > 0)
        broker_set_dirs(&image->brokers[place], record->log_dirs.items, record->log_dirs.count);
}

static enum err change_broker(struct image *image, int32_t id, int fenced, int shutting_down, struct reason *reason)
{
    bool found;
    size_t place = broker_place(image, id, &found);

    if (!found)
        return err_because(ERR_BROKER_ID_NOT_REGISTERED, reason, "the metadata log changes broker %d, which is not registered", id);
    if (fenced)
        image->brokers[place].fenced = fenced > 0;
    if (shutting_down)
        image->brokers[place].shutting_down = true;
    return ERR_OK;
}

static enum err unregister_broker(struct image *image, int32_t id)
{
    bool found;
    size_t place = broker_place(image, id, &found);

    if (found) {
        broker_done(&image->brokers[place]);
        memmove(&image->brokers[place], &image->brokers[place + 1], (--image->broker_count - place) * sizeof(*image->brokers));
    }
    return ERR_OK;
}

size_t image_broker_count(const struct image *image)
{
    return image->broker_count;
}

const struct image_broker *image_broker_at(const struct image *image, size_t i)
{
    return i < image->broker_count ? &image->brokers[i] : NULL;
}

const struct image_broker *image_broker(const struct image *image, int32_t id)
{
    bool found;
    size_t place = broker_place(image, id, &found);

    return found ? &image->brokers[place] : NULL;
}

/* ---- log dirs, KIP-858 ---- */

const struct uuid directory_unassigned = { { [15] = 1 } };
static const struct uuid directory_migrating, directory_lost = { { [15] = 2 } };

struct uuid image_directory(const struct image *image, const struct image_partition *partition, int32_t id)
{
    const struct image_broker *broker = image_broker(image, id);

    for (int16_t i = 0; partition->directories && i < partition->replica_count; i++)
        if (partition->replicas[i] == id)
            return partition->directories[i];
    return broker && broker->log_dir_count == 1 ? broker->log_dirs[0] : directory_unassigned;
}

bool image_directory_online(const struct image *image, int32_t id, struct uuid directory)
{
    const struct image_broker *broker = image_broker(image, id);

    if (uuid_equal(directory, directory_unassigned) || uuid_equal(directory, directory_migrating))
        return true;
    if (uuid_equal(directory, directory_lost))
        return false;
    for (int32_t i = 0; broker && i < broker->log_dir_count; i++)
        if (uuid_equal(broker->log_dirs[i], directory))
            return true;
    return !broker || !broker->log_dir_count; /* it did not say */
}

/* ---- configuration ---- */

enum config_scope image_scope_of_resource(int type)
{
    switch (type) {
    case METADATA_RESOURCE_TOPIC: return CONFIG_TOPIC;
    case METADATA_RESOURCE_BROKER: return CONFIG_BROKER;
    case METADATA_RESOURCE_GROUP: return CONFIG_GROUP;
    case METADATA_RESOURCE_CLIENT_METRICS: return CONFIG_CLIENT_METRICS;
    default: return 0;
    }
}

int image_resource_of_scope(enum config_scope scope)
{
    switch (scope) {
    case CONFIG_TOPIC: return METADATA_RESOURCE_TOPIC;
    case CONFIG_BROKER: return METADATA_RESOURCE_BROKER;
    case CONFIG_GROUP: return METADATA_RESOURCE_GROUP;
    case CONFIG_CLIENT_METRICS: return METADATA_RESOURCE_CLIENT_METRICS;
    }
    return 0;
}

static enum err apply_config(struct image *image, const struct metadata_config *record)
{
    enum config_scope scope = image_scope_of_resource(record->resource_type);
    size_t place;
    struct resource *resource;

    if (!scope)
        return ERR_OK;
    resource = resource_find(image, scope, record->resource_name, &place);
    if (!resource) {
        if (!record->value)
            return ERR_OK;
        image->resources = mem_grow(image->resources, image->resource_count, &image->resource_capacity, sizeof(*image->resources));
        memmove(&image->resources[place + 1], &image->resources[place],
                (image->resource_count++ - place) * sizeof(*image->resources));
        resource = &image->resources[place];
        *resource = (struct resource){ .scope = scope, .name = mem_text(record->resource_name) };
    }
    config_map_set(&resource->map, record->name, record->value);
    if (!resource->map.count)
        resource_remove(image, place);
    return ERR_OK;
}

const struct config_map *image_config(const struct image *image, enum config_scope scope, const char *name)
{
    static const struct config_map none;
    size_t place;
    const struct resource *resource = resource_find(image, scope, name, &place);

    return resource ? &resource->map : &none;
}

size_t image_config_count(const struct image *image)
{
    return image->resource_count;
}

const struct config_map *image_config_at(const struct image *image, size_t i, enum config_scope *scope, const char **name)
{
    *scope = image->resources[i].scope;
    *name = image->resources[i].name;
    return &image->resources[i].map;
}

/* ---- the whole ---- */

enum err image_apply(struct image *image, const struct metadata_record *record, int64_t offset, struct reason *reason)
{
    enum err err = ERR_OK;

    switch (record->kind) {
    case METADATA_REGISTER_BROKER:
        err = apply_register_broker(image, &record->register_broker);
        break;
    case METADATA_UNREGISTER_BROKER:
        err = unregister_broker(image, record->broker_ref.broker_id);
        break;
    case METADATA_FENCE_BROKER:
        err = change_broker(image, record->broker_ref.broker_id, 1, 0, reason);
        break;
    case METADATA_UNFENCE_BROKER:
        err = change_broker(image, record->broker_ref.broker_id, -1, 0, reason);
        break;
    case METADATA_BROKER_REGISTRATION_CHANGE:
        change_dirs(image, &record->broker_change);
        err = change_broker(image, record->broker_change.broker_id, record->broker_change.fenced,
                            record->broker_change.in_controlled_shutdown, reason);
        break;
    case METADATA_TOPIC:
        err = apply_topic(image, &record->topic, reason);
        break;
    case METADATA_PARTITION:
        err = apply_partition(image, &record->partition, reason);
        break;
    case METADATA_PARTITION_CHANGE:
        err = apply_partition_change(image, &record->partition_change, reason);
        break;
    case METADATA_REMOVE_TOPIC:
        err = apply_remove_topic(image, record->remove_topic.topic_id, reason);
        break;
    case METADATA_TOPIC_DELETION:
        err = apply_topic_deletion(image, record->remove_topic.topic_id, reason);
        break;
    case METADATA_CONFIG:
        err = apply_config(image, &record->config);
        break;
    case METADATA_PRODUCER_IDS:
        image->next_producer_id = record->producer_ids.next_producer_id;
        break;
    case METADATA_FEATURE_LEVEL:
    case METADATA_NO_OP:
    case METADATA_BEGIN_TRANSACTION:
    case METADATA_END_TRANSACTION:
    case METADATA_ABORT_TRANSACTION:
    case METADATA_REGISTER_CONTROLLER:
        break;
    }
    image->offset = offset;
    return err;
}

int64_t image_offset(const struct image *image)
{
    return image->offset;
}

void image_set_offset(struct image *image, int64_t offset)
{
    image->offset = offset;
}

void image_set_cluster_id(struct image *image, const char *cluster_id)
{
    char *copy = mem_text(cluster_id);

    mem_free(image->cluster_id);
    image->cluster_id = copy;
}

const char *image_cluster_id(const struct image *image)
{
    return image->cluster_id ? image->cluster_id : "";
}

void image_set_controller(struct image *image, int32_t broker_id)
{
    image->controller = broker_id;
}

int32_t image_controller(const struct image *image)
{
    return image->controller;
}

int64_t image_next_producer_id(const struct image *image)
{
    return image->next_producer_id;
}
