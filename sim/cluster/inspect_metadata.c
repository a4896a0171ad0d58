/* What topics there are: as __cluster_metadata says (a snapshot, and the log behind it), else as the names of the folders do. */
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/inspect_internal.h"
#include "sim/log/inspect.h"

enum { MOST_GAP = 100000 /* partition numbers without a folder */, MOST_SNAPSHOT_BATCH = 64 * 1024 * 1024 };

/* ---- the metadata: a snapshot, and the log behind it ---- */

/* A value that this release would not take is not believed: settings act on what is shown. */
static bool setting_is_sound(const struct cluster *cluster, const struct metadata_config *config)
{
    enum config_scope scope = image_scope_of_resource(config->resource_type);
    const struct config_key *key = scope ? config_key_find(scope, config->name) : NULL;

    return !config->value || !key || !config_key_known(key, cluster->release) || !config_check(key, config->value, cluster->release, NULL);
}

static enum err take_record(void *context, const struct metadata_record *record, int64_t offset, struct reason *reason)
{
    struct cluster *cluster = context;

    if (record->kind == METADATA_CONFIG && !setting_is_sound(cluster, &record->config)) {
        inspect_note(cluster->inspection, "The metadata sets %s of %s to '%s', which no broker would take: left out.", record->config.name, record->config.resource_name,
             record->config.value);
        return ERR_OK;
    }
    return image_apply(cluster->controller.image, record, offset, reason);
}

/* Every batch of a snapshot, one at a time. */
static enum err read_snapshot(struct cluster *cluster, const char *path, struct reason *reason)
{
    struct file *file;
    struct buffer bytes = { 0 };
    uint8_t head[BATCH_HEADER];
    struct batch batch;
    int64_t at = 0;
    enum err err = fs_open(cluster->fs, path, FILE_READ, &file, reason);

    if (err)
        return err;
    while (!err && at + BATCH_HEADER <= file_size(file)) {
        err = file_read(file, head, sizeof(head), at, reason);
        if (!err)
            err = batch_decode_header((struct bytes){ head, sizeof(head) }, &batch, reason);
        if (!err && (batch.size_bytes > MOST_SNAPSHOT_BATCH || batch.size_bytes > file_size(file) - at))
            err = err_because(ERR_CORRUPT_MESSAGE, reason, "%s is cut short", path);
        if (err)
            break;
        buffer_clear(&bytes);
        err = file_read(file, buffer_add(&bytes, (size_t)batch.size_bytes), (size_t)batch.size_bytes, at, reason);
        if (!err)
            err = metadata_batch_replay(buffer_bytes(&bytes), take_record, cluster, reason);
        at += batch.size_bytes;
    }
    buffer_done(&bytes);
    file_close(file);
    return err;
}

/* The newest "00000000000000001234-0000000005.checkpoint"; its end offset, or 0. */
static int64_t newest_snapshot(struct cluster *cluster, const char *dir, char **path)
{
    struct fs_names names;
    int64_t end = 0;

    *path = NULL;
    if (fs_list(cluster->fs, dir, &names, NULL))
        return 0;
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.names[i];
        char digits[21];
        int64_t offset;

        if (strlen(name) != 42 || name[20] != '-' || !text_ends(name, ".checkpoint"))
            continue;
        memcpy(digits, name, 20);
        digits[20] = 0;
        if (parse_i64(digits, &offset) && offset >= end) {
            end = offset;
            mem_free(*path);
            *path = mem_printf("%s/%s", dir, name);
        }
    }
    fs_names_free(&names);
    return end;
}

struct image *inspect_new_image(struct cluster *cluster)
{
    struct image *image = image_new();
    struct meta_properties meta;

    image_set_controller(image, cluster->brokers[0]->id);
    if (!meta_properties_read(cluster->fs, cluster->inspection->dirs[0].path, &meta, NULL))
        image_set_cluster_id(image, meta.cluster_id);
    return image;
}

enum err inspect_read_metadata(struct cluster *cluster, const struct folder *folder, struct reason *reason)
{
    struct broker *broker = cluster->brokers[0];
    struct metadata_log *log = cluster->controller.log;
    char *dir = mem_printf("%s/%s", folder->dir->path, folder->name), *snapshot;
    struct reason why;
    int64_t from = newest_snapshot(cluster, dir, &snapshot);
    struct log_open how = { .dir = dir, .topic = "__cluster_metadata", .partition = 0, .config = &log->config, .clean = folder->dir->clean };
    enum err err;

    log->env = broker->env;
    log_config_default(&log->config, cluster->release);
    log->config.cleanup_delete = false;
    log->config.retention_ms = log->config.retention_bytes = -1;
    err = log_inspect(&log->log, &log->env, &how, reason);
    if (!err && snapshot && read_snapshot(cluster, snapshot, &why)) { /* Kafka gives them to their owner alone; the log may still have all of it */
        inspect_note(cluster->inspection, "The snapshot of the metadata is left out: %s", why.text);
        image_free(cluster->controller.image);
        cluster->controller.image = inspect_new_image(cluster);
        from = 0;
        if (log_start_offset(log->log) > 0)
            inspect_note(cluster->inspection, "What the cluster's metadata had before offset %lld is not known.", (long long)log_start_offset(log->log));
    }
    if (!err)
        err = metadata_log_replay(log, from, take_record, cluster, reason);
    mem_free(snapshot);
    mem_free(dir);
    return err;
}

/* ---- topics by the names of folders ---- */

static int by_topic(const void *a, const void *b)
{
    const struct folder *const *left = a, *const *right = b;
    int order = strcmp((*left)->topic, (*right)->topic);

    return order ? order : ((*left)->partition > (*right)->partition) - ((*left)->partition < (*right)->partition);
}

static void add_partition(struct cluster *cluster, struct uuid topic_id, int32_t number, bool here)
{
    int32_t id = cluster->brokers[0]->id;
    struct metadata_record record = metadata_record(METADATA_PARTITION);
    struct image_topic *topic;

    record.partition.topic_id = topic_id;
    record.partition.partition_id = number;
    record.partition.replicas.items = record.partition.isr.items = &id;
    record.partition.replicas.count = record.partition.isr.count = 1;
    record.partition.leader = here ? id : -1;
    record.partition.leader_epoch = record.partition.partition_epoch = 0;
    image_apply(cluster->controller.image, &record, 0, NULL);
    topic = image_topic_mutable(cluster->controller.image, topic_id);
    if (!here && topic && number < topic->partition_count) /* it is on other brokers, or nowhere: nothing is known of it */
        topic->partitions[number].replica_count = topic->partitions[number].isr_count = 0;
}

/* What every broker sets for a topic of Kafka's own. */
static void set_internal(struct cluster *cluster, const char *topic)
{
    struct config_map configs = { 0 };

    controller_internal_configs(cluster, topic, &configs);
    for (size_t i = 0; i < configs.count; i++) {
        struct metadata_record record = metadata_record(METADATA_CONFIG);

        record.config = (struct metadata_config){ METADATA_RESOURCE_TOPIC, topic, configs.sets[i].name, configs.sets[i].value };
        image_apply(cluster->controller.image, &record, 0, NULL);
    }
    config_map_done(&configs);
}

/* Those that the metadata, if there is any, does not know. */
void inspect_topics_by_names(struct cluster *cluster)
{
    struct inspection *inspection = cluster->inspection;
    struct folder **sorted = mem_zero_array(inspection->folder_count + 1, sizeof(*sorted));
    size_t count = 0;
    struct uuid id = { 0 };
    int32_t next = 0;

    for (size_t i = 0; i < inspection->folder_count; i++)
        if (inspection->folders[i].kind == FOLDER_PARTITION && !image_topic(cluster->controller.image, inspection->folders[i].topic))
            sorted[count++] = &inspection->folders[i];
    if (count)
        qsort(sorted, count, sizeof(*sorted), by_topic);
    for (size_t i = 0; i < count; i++) {
        struct folder *folder = sorted[i];

        if (!i || strcmp(folder->topic, sorted[i - 1]->topic)) {
            struct metadata_record record = metadata_record(METADATA_TOPIC);
            char *dir = mem_printf("%s/%s", folder->dir->path, folder->name);

            if (partition_metadata_read(cluster->fs, dir, &id, NULL) || uuid_is_zero(id) || image_topic_by_id(cluster->controller.image, id))
                id = uuid_random(&cluster->random);
            record.topic.name = folder->topic;
            record.topic.topic_id = id;
            image_apply(cluster->controller.image, &record, 0, NULL);
            set_internal(cluster, folder->topic);
            mem_free(dir);
            next = 0;
        }
        if (inspection->metadata)
            folder->note = mem_text("the metadata knows no such topic: a start would put it aside as -stray");
        if (folder->partition < next) {
            inspect_set_aside(folder, FOLDER_UNREADABLE, "the same partition lies in another of the folders too");
        } else if (folder->partition - next > MOST_GAP) {
            inspect_set_aside(folder, FOLDER_UNREADABLE, "its number is far beyond the others: it is no partition's");
        } else {
            while (next < folder->partition)
                add_partition(cluster, id, next++, false);
            add_partition(cluster, id, next++, true);
        }
    }
    mem_free(sorted);
}
