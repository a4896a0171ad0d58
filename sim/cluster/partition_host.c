/* The partitions that a broker hosts: the table of them, how they come and go. Kafka's LogManager, ReplicaManager. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"
#include "sim/log/inspect.h"

/* ---- the broker's table of what it hosts ---- */

static size_t hash_of(const char *topic, int32_t number)
{
    uint32_t hash = 2166136261u ^ (uint32_t)number * 2654435761u;

    for (const char *at = topic; *at; at++)
        hash = (hash ^ (uint8_t)*at) * 16777619u;
    return hash ^ hash >> 15;
}

static void hash_put(struct broker *broker, struct partition *partition)
{
    struct partition **slot = &broker->hash[hash_of(partition->topic->name, partition->number) & (broker->hash_size - 1)];

    partition->hash_next = *slot;
    *slot = partition;
}

static void hash_grow(struct broker *broker)
{
    broker->hash_size = broker->hash_size ? broker->hash_size * 2 : 64;
    mem_free(broker->hash);
    broker->hash = mem_zero_array(broker->hash_size, sizeof(*broker->hash));
    for (size_t i = 0; i < broker->partition_count; i++)
        hash_put(broker, broker->partitions[i]);
}

static void hash_remove(struct broker *broker, struct partition *partition)
{
    struct partition **at = &broker->hash[hash_of(partition->topic->name, partition->number) & (broker->hash_size - 1)];

    while (*at != partition)
        at = &(*at)->hash_next;
    *at = partition->hash_next;
}

struct partition *broker_partition(const struct broker *broker, const char *topic, int32_t number)
{
    if (!broker->hash_size)
        return NULL;
    for (struct partition *p = broker->hash[hash_of(topic, number) & (broker->hash_size - 1)]; p; p = p->hash_next)
        if (p->number == number && strcmp(p->topic->name, topic) == 0)
            return p;
    return NULL;
}

size_t broker_partition_count(const struct broker *broker)
{
    return broker->partition_count;
}

struct partition *broker_partition_at(const struct broker *broker, size_t i)
{
    return i < broker->partition_count ? broker->partitions[i] : NULL;
}

/* ---- coming and going ---- */

static bool is_offsets(const struct partition *partition)
{
    return partition->topic->internal && strcmp(partition->topic->name, "__consumer_offsets") == 0;
}

static struct partition *partition_new(struct broker *broker, struct log_dir *dir, const struct image_topic *topic, int32_t number)
{
    struct partition *partition = mem_zero(sizeof(*partition));

    partition->broker = broker;
    partition->dir = dir;
    partition->topic = topic;
    partition->number = number;
    partition->leader = -1;
    partition->leader_epoch = partition->partition_epoch = -1;
    partition->retention_at_ms = partition->unlink_at_ms = partition->cleaning_at_ms = INT64_MAX;
    partition->cleaner_base = partition->cleaner_stable = -1;
    partition->cleaner_offset = checkpoint_offset(&dir->checkpoints[CLEANER_OFFSETS], topic->name, number, -1);
    partition->flushed_ms = broker_now_ms(broker);
    partition->settings = broker_take_settings(broker, topic->name);
    return partition;
}

static void take_in(struct broker *broker, struct partition *partition)
{
    partition->index = broker->partition_count;
    partition->dir->log_count++;
    ARRAY_ADD(broker->partitions, broker->partition_count, broker->partition_capacity) = partition;
    if (broker->partition_count > broker->hash_size)
        hash_grow(broker);
    else
        hash_put(broker, partition);
}

/* What is looked at answers for its partition, whoever leads it: nobody else can. */
enum err partition_inspect(struct broker *broker, const struct image_topic *topic, int32_t number, const struct log_open *how, struct reason *reason)
{
    struct partition *partition = partition_new(broker, &broker->dirs[0], topic, number);
    const struct image_partition *image = partition_image(partition);
    struct log_open own = *how;
    enum err err;

    own.config = &partition->settings->config;
    err = log_inspect(&partition->log, &broker->env, &own, reason);
    if (err) {
        broker_give_settings(broker, partition->settings);
        mem_free(partition);
        return err;
    }
    partition->leads = true;
    partition->leader = image->leader;
    partition->leader_epoch = image->leader_epoch;
    partition->partition_epoch = image->partition_epoch;
    if (image->isr_count == 1 && image->isr[0] == broker->id) /* nobody else holds it back; the checkpoint is up to 5 s old */
        log_set_high_watermark(partition->log, log_end_offset(partition->log));
    take_in(broker, partition);
    if (is_offsets(partition))
        groups_partition_led(broker->groups, number, partition->leader_epoch);
    return ERR_OK;
}

/* The one that the metadata names; NULL: none. *offline: it failed. */
static struct log_dir *assigned_dir(const struct broker *broker, const struct image_topic *topic, int32_t number, bool *offline)
{
    struct uuid id = image_directory(broker->image, &topic->partitions[number], broker->id);

    *offline = false;
    for (size_t i = 0; i < broker->dir_count; i++)
        if (uuid_equal(broker->dirs[i].id, id)) {
            *offline = broker->dirs[i].offline;
            return *offline ? NULL : &broker->dirs[i];
        }
    return NULL;
}

/* Where it lies, or is to be made. NULL: it may lie in a dir that failed, and is not made anew elsewhere. */
static struct log_dir *log_dir_for(const struct broker *broker, const struct image_topic *topic, int32_t number)
{
    bool several = broker->dir_count > 1, old = release_is_27(broker->cluster->release), lost = false;
    struct log_dir *found = several ? log_dirs_find(broker, topic->name, number) : NULL, *assigned = NULL;

    if (found)
        return found;
    if (several && !old)
        assigned = assigned_dir(broker, topic, number, &lost);
    if (lost || (old && !broker->up && log_dirs_offline(broker)))
        return NULL;
    found = log_moves_preferred(broker, topic->name, number);
    if (found && found->offline)
        return NULL;
    return found ? found : assigned ? assigned : log_dirs_next(broker);
}

static enum err host_in(struct log_dir *dir, const struct image_topic *topic, int32_t number, struct reason *reason)
{
    struct broker *broker = dir->broker;
    struct partition *partition = partition_new(broker, dir, topic, number);
    char *path = mem_printf("%s/%s-%d", dir->path, topic->name, number);
    struct log_open how = {
        .dir = path, .topic = topic->name, .partition = number, .clean = dir->clean,
        .recovery_point = checkpoint_offset(&dir->checkpoints[RECOVERY_POINTS], topic->name, number, 0),
        .log_start_offset = checkpoint_offset(&dir->checkpoints[LOG_STARTS], topic->name, number, 0),
        .high_watermark = checkpoint_offset(&dir->checkpoints[HIGH_WATERMARKS], topic->name, number, 0),
        .now_ms = broker_now_ms(broker),
    };
    enum err err;

    how.config = &partition->settings->config;
    if (!release_is_27(broker->cluster->release))
        how.topic_id = topic->id;
    err = log_open(&partition->log, &broker->env, &how, reason);
    mem_free(path);
    if (err) {
        broker_give_settings(broker, partition->settings);
        mem_free(partition);
        return err;
    }
    take_in(broker, partition);
    log_moves_forget_preferred(broker, topic->name, number);
    broker_note_recovery_point(broker);
    broker_note_high_watermark(broker);
    broker_note_retention(broker, partition);
    broker_note_unlink(broker, partition);
    return ERR_OK;
}

enum err partition_host(struct broker *broker, const struct image_topic *topic, int32_t number, struct reason *reason)
{
    struct log_dir *dir = log_dir_for(broker, topic, number);

    if (dir)
        return host_in(dir, topic, number, reason);
    broker_set_offline(broker, topic, number);
    return ERR_OK;
}

void partition_unhost(struct partition *partition)
{
    struct broker *broker = partition->broker;

    assert(!partition->move);
    partition_stop(partition);
    isr_partition_gone(partition);
    hash_remove(broker, partition);
    partition->dir->log_count--;
    broker->partitions[partition->index] = broker->partitions[--broker->partition_count];
    broker->partitions[partition->index]->index = partition->index;
    broker->producer_next_ms = 0; /* where the last took its place a look that goes on may miss it: the next one comes soon */
    partition_forget_watches(partition);
    broker_give_settings(broker, partition->settings);
    mem_free(partition);
}

enum err broker_delete_log(struct broker *broker, struct log *log, struct reason *reason)
{
    char hex[33], *renamed = NULL;
    enum err err;

    random_hex(&broker->cluster->random, hex);
    err = log_delete(log, hex, &renamed, reason);
    if (!err)
        broker_doom(broker, renamed);
    return err;
}

enum err partition_remove(struct partition *partition, struct reason *reason)
{
    struct broker *broker = partition->broker;
    enum err err;

    partition_stop(partition);
    cleaner_forget(partition);
    log_move_cancel(partition, "the replica is removed");
    broker->removed = true;
    err = broker_delete_log(broker, partition->log, reason);
    partition->log = NULL;
    broker_note_recovery_point(broker);
    broker_note_high_watermark(broker);
    partition_unhost(partition);
    return err;
}

