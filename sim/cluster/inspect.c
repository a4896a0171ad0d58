/* An x-ray of a broker: its folders read into a cluster that stands still. Kafka's LogManager, KafkaRaftClient, MetadataLoader. */
#include "sim/cluster/inspect.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"
#include "sim/cluster/group_internal.h"
#include "sim/cluster/table_rows.h"
#include "sim/log/inspect.h"

enum {
    MOST_GAP = 100000,                     /* partition numbers without a folder */
    MOST_TOPIC = 249,
    MOST_SNAPSHOT_BATCH = 64 * 1024 * 1024,
    MOST_PROPERTIES = 64 * 1024,
    MOST_OFFSETS_BYTES = 128 * 1024 * 1024, /* of __consumer_offsets: about a second */
};

struct folder {
    struct inspected_dir *dir;
    char *name, *topic;                    /* topic NULL: none */
    int32_t partition;
    enum folder_kind kind;
    char *note;
};

struct inspected_dir {
    char *path;
    struct checkpoint recovery_points, log_starts, high_watermarks, cleaner_offsets;
    bool clean;
};

struct inspection {
    struct inspected_dir *dirs;
    size_t dir_count;
    char *only;                            /* folder of the one partition that is looked at; NULL: all */
    struct config_map settings;            /* given by --set and --properties, to tell them from what is assumed */
    bool settings_given;
    struct own_setting { char *topic, *name, *value; } *topic_settings;
    size_t topic_setting_count;
    struct folder *folders;
    size_t folder_count, folder_capacity;
    bool metadata;
    struct text notes;
    uint64_t mark;
    uint64_t refused;                      /* orders that would have changed something */
    int32_t offsets_partitions;            /* of __consumer_offsets, here */
    int64_t offsets_left_out;              /* bytes of it */
};

bool cluster_inspected(const struct cluster *cluster)
{
    return cluster->inspection != NULL;
}

enum err cluster_refuse_change(const struct cluster *cluster, struct reason *reason)
{
    if (!cluster->inspection)
        return ERR_OK;
    cluster->inspection->refused++;
    return err_because(ERR_POLICY_VIOLATION, reason, "%s is only looked at (--inspect): nothing can be changed", cluster->inspection->dirs[0].path);
}

/* ---- what a folder is ---- */

static bool ends_with(const char *name, const char *end, size_t *size)
{
    size_t tail = strlen(end);

    if (*size <= tail || memcmp(name + *size - tail, end, tail))
        return false;
    *size -= tail;
    return true;
}

/* "students-0" of `size` characters. */
static bool parse_partition(const char *name, size_t size, char **topic, int32_t *partition)
{
    char *copy = mem_text_size(name, size), *dash = strrchr(copy, '-');
    bool good = dash && dash != copy && dash - copy <= MOST_TOPIC && dash[1] >= '0' && dash[1] <= '9' && parse_i32(dash + 1, partition);

    *topic = good ? mem_text_size(copy, (size_t)(dash - copy)) : NULL;
    mem_free(copy);
    return good;
}

/* The name of a folder that a broker put aside: TOPIC-P.32 hexadecimal digits-KIND. */
static bool parse_aside(const char *name, const char *kind, char **topic, int32_t *partition)
{
    size_t size = strlen(name);
    const char *dot;

    if (!ends_with(name, kind, &size))
        return false;
    dot = memrchr(name, '.', size);
    if (!dot || !parse_partition(name, (size_t)(dot - name), topic, partition)) {
        *topic = NULL;
        *partition = -1;
    }
    return true;
}

static void classify(struct folder *folder)
{
    static const struct { const char *end; enum folder_kind kind; const char *note; } asides[] = {
        { "-delete", FOLDER_DELETE, "its topic was deleted: goes after file.delete.delay.ms, or at the next start" },
        { "-future", FOLDER_FUTURE, "a replica that moves to this folder: it takes the place of the other when it has caught up" },
        { "-stray", FOLDER_STRAY, "put aside: the metadata did not know it" },
    };

    folder->partition = -1;
    for (size_t i = 0; i < sizeof(asides) / sizeof(*asides); i++) {
        if (parse_aside(folder->name, asides[i].end, &folder->topic, &folder->partition)) {
            folder->kind = asides[i].kind;
            folder->note = mem_text(asides[i].note);
            return;
        }
    }
    folder->kind = FOLDER_OTHER;
    if (!parse_partition(folder->name, strlen(folder->name), &folder->topic, &folder->partition))
        folder->partition = -1;
    else
        folder->kind = text_equal(folder->topic, "__cluster_metadata") ? FOLDER_METADATA : FOLDER_PARTITION;
}

static bool has_segment(struct fs *fs, const char *dir)
{
    struct fs_names names;
    bool found = false;

    if (fs_list(fs, dir, &names, NULL))
        return false;
    for (size_t i = 0; i < names.count && !found; i++)
        found = strlen(names.names[i]) == 24 && strspn(names.names[i], "0123456789") == 20 && text_ends(names.names[i], ".log");
    fs_names_free(&names);
    return found;
}

static bool has(struct fs *fs, const char *dir, const char *name)
{
    char *path = mem_printf("%s/%s", dir, name);
    bool there = fs_exists(fs, path);

    mem_free(path);
    return there;
}

/* Splits "LOGDIR/students-0" where that is a partition's folder; *only NULL: it is a log dir. Both the caller's. */
static void split_dir(struct fs *fs, const char *given, char **dir, char **only)
{
    size_t size = strlen(given);
    char *clean, *slash, *topic = NULL;
    int32_t partition;

    while (size > 1 && given[size - 1] == '/')
        size--;
    clean = mem_text_size(given, size);
    slash = strrchr(clean, '/');
    *only = NULL;
    if (!has(fs, clean, "meta.properties") && parse_partition(slash ? slash + 1 : clean, strlen(slash ? slash + 1 : clean), &topic, &partition) &&
        has_segment(fs, clean)) {
        *only = mem_text(slash ? slash + 1 : clean);
        *dir = !slash ? mem_text(".") : slash == clean ? mem_text("/") : mem_text_size(clean, (size_t)(slash - clean));
        mem_free(clean);
    } else {
        *dir = clean;
    }
    mem_free(topic);
}

/* ---- which release ---- */

static bool any_partition(struct fs *fs, const char *dir, const char *only, enum release *release, struct reason *reason, enum err *err)
{
    struct fs_names names = { 0 };
    bool found = false;

    *err = fs_list(fs, dir, &names, reason);
    for (size_t i = 0; !*err && i < names.count; i++) {
        char *topic = NULL, *path;
        int32_t partition;

        if (only && strcmp(only, names.names[i]))
            continue;
        if (!parse_partition(names.names[i], strlen(names.names[i]), &topic, &partition))
            continue;
        path = mem_printf("%s/%s", dir, names.names[i]);
        if (has_segment(fs, path)) {
            found = true;
            if (has(fs, path, "partition.metadata"))
                *release = RELEASE_43;
        }
        mem_free(path);
        mem_free(topic);
    }
    fs_names_free(&names);
    return found;
}

static enum err release_of(struct fs *fs, const char *dir, const char *only, enum release *release, struct reason *reason)
{
    char *path = mem_printf("%s/meta.properties", dir), *line, *rest;
    struct buffer bytes = { 0 };
    struct file_stat stat;
    enum err err = ERR_OK;

    *release = RELEASE_27;
    if (fs_stat(fs, dir, &stat)) {
        err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s: there is no such folder", dir);
    } else if (!stat.folder) {
        err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s is a file; --inspect wants the folder that a broker's log.dirs names", dir);
    } else if (fs_exists(fs, path)) {
        err = fs_read_all(fs, path, MOST_PROPERTIES, &bytes, reason);
        buffer_i8(&bytes, 0);
        for (line = err ? NULL : strtok_r((char *)bytes.data, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest))
            if (text_equal(line, "version=1") || text_starts(line, "node.id="))
                *release = RELEASE_43;
    } else if (!any_partition(fs, dir, only, release, reason, &err) && !err) {
        if (has(fs, dir, "lab.db") || has(fs, dir, "broker-1") || has(fs, dir, "broker-0"))
            err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s is a lab of Kafkarium, no broker's log.dirs: kafkarium %s opens it; its brokers' folders are %s/broker-N",
                              dir, dir, dir);
        else
            err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s is no log.dirs of a broker: it has neither a meta.properties nor a folder TOPIC-PARTITION with a segment (.log) in it",
                              dir);
    }
    buffer_done(&bytes);
    mem_free(path);
    return err;
}

enum err inspect_release(struct fs *fs, const struct inspect_options *how, enum release *release, struct reason *reason)
{
    enum err err = ERR_OK;

    assert(how->dir_count);
    for (size_t i = 0; i < how->dir_count && !err; i++) {
        enum release one;
        char *dir, *only;

        split_dir(fs, how->dirs[i], &dir, &only);
        err = release_of(fs, dir, only, &one, reason);
        if (!err && i && one != *release)
            err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s and %s are not of one broker: one was written by a release with ZooKeeper, the other by one without", how->dirs[0], dir);
        *release = one;
        mem_free(dir);
        mem_free(only);
    }
    return err;
}

/* ---- the metadata: a snapshot, and the log behind it ---- */

static void note(struct inspection *inspection, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(struct inspection *inspection, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    text_vprintf(&inspection->notes, format, args);
    va_end(args);
    text_char(&inspection->notes, '\n');
}

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
        note(cluster->inspection, "The metadata sets %s of %s to '%s', which no broker would take: left out.", record->config.name, record->config.resource_name,
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

static struct image *new_image(struct cluster *cluster)
{
    struct image *image = image_new();
    struct meta_properties meta;

    image_set_controller(image, cluster->brokers[0]->id);
    if (!meta_properties_read(cluster->fs, cluster->inspection->dirs[0].path, &meta, NULL))
        image_set_cluster_id(image, meta.cluster_id);
    return image;
}

static enum err read_metadata(struct cluster *cluster, const struct folder *folder, struct reason *reason)
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
        note(cluster->inspection, "The snapshot of the metadata is left out: %s", why.text);
        image_free(cluster->controller.image);
        cluster->controller.image = new_image(cluster);
        from = 0;
        if (log_start_offset(log->log) > 0)
            note(cluster->inspection, "What the cluster's metadata had before offset %lld is not known.", (long long)log_start_offset(log->log));
    }
    if (!err)
        err = metadata_log_replay(log, from, take_record, cluster, reason);
    mem_free(snapshot);
    mem_free(dir);
    return err;
}

/* ---- topics by the names of folders ---- */

static void set_aside(struct folder *folder, enum folder_kind kind, const char *why)
{
    folder->kind = kind;
    mem_free(folder->note);
    folder->note = mem_text(why);
}

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
static void topics_by_names(struct cluster *cluster)
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
            set_aside(folder, FOLDER_UNREADABLE, "the same partition lies in another of the folders too");
        } else if (folder->partition - next > MOST_GAP) {
            set_aside(folder, FOLDER_UNREADABLE, "its number is far beyond the others: it is no partition's");
        } else {
            while (next < folder->partition)
                add_partition(cluster, id, next++, false);
            add_partition(cluster, id, next++, true);
        }
    }
    mem_free(sorted);
}

/* ---- reading all of it ---- */

static void read_checkpoint(struct cluster *cluster, const char *dir, const char *name, struct checkpoint *out)
{
    char *path = mem_printf("%s/%s", dir, name);
    struct reason reason;

    if (checkpoint_read(cluster->fs, path, out, &reason)) {
        checkpoint_done(out);
        *out = (struct checkpoint){ 0 };
        note(cluster->inspection, "%s: a start would take it for empty.", reason.text);
    }
    checkpoint_sort(out);
    mem_free(path);
}

static enum err read_dir(struct cluster *cluster, struct inspected_dir *dir, struct reason *reason)
{
    struct inspection *inspection = cluster->inspection;
    struct fs_names names;
    enum err err = fs_list(cluster->fs, dir->path, &names, reason);

    if (err)
        return err;
    read_checkpoint(cluster, dir->path, "recovery-point-offset-checkpoint", &dir->recovery_points);
    read_checkpoint(cluster, dir->path, "log-start-offset-checkpoint", &dir->log_starts);
    read_checkpoint(cluster, dir->path, "replication-offset-checkpoint", &dir->high_watermarks);
    read_checkpoint(cluster, dir->path, "cleaner-offset-checkpoint", &dir->cleaner_offsets);
    dir->clean = has(cluster->fs, dir->path, ".kafka_cleanshutdown");
    for (size_t i = 0; i < names.count; i++) {
        char *path = mem_printf("%s/%s", dir->path, names.names[i]);
        struct folder folder = { .dir = dir, .name = names.names[i] };
        struct file_stat stat;

        if (!fs_stat(cluster->fs, path, &stat) && stat.folder && (!inspection->only || !strcmp(inspection->only, folder.name))) {
            classify(&folder);
            folder.name = mem_text(folder.name);
            ARRAY_ADD(inspection->folders, inspection->folder_count, inspection->folder_capacity) = folder;
        }
        mem_free(path);
    }
    fs_names_free(&names);
    return ERR_OK;
}

/* A 4.x start compares the folder with the metadata: name, replica, id. NULL: it is its. */
static const char *why_stray(struct cluster *cluster, const struct folder *folder)
{
    const struct image_topic *topic = image_topic(cluster->controller.image, folder->topic);
    const struct image_partition *partition = image_partition(cluster->controller.image, folder->topic, folder->partition);
    char *dir;
    struct uuid id;
    bool other;

    if (!topic || !partition)
        return "the metadata knows no such partition: a start would put it aside as -stray";
    for (int16_t i = 0; i < partition->replica_count; i++) {
        if (partition->replicas[i] != cluster->brokers[0]->id)
            continue;
        dir = mem_printf("%s/%s", folder->dir->path, folder->name);
        other = !partition_metadata_read(cluster->fs, dir, &id, NULL) && !uuid_is_zero(id) && !uuid_equal(id, topic->id);
        mem_free(dir);
        return other ? "of an older topic of that name (partition.metadata has another id): a start would put it aside as -stray" : NULL;
    }
    return "the metadata places no replica on this broker: a start would put it aside as -stray";
}

static void host(struct cluster *cluster, struct folder *folder)
{
    struct broker *broker = cluster->brokers[0];
    const struct inspected_dir *dir = folder->dir;
    const char *stray = cluster->inspection->metadata && !folder->note ? why_stray(cluster, folder) : NULL;
    char *path = mem_printf("%s/%s", dir->path, folder->name);
    struct log_open how = {
        .dir = path, .topic = folder->topic, .partition = folder->partition, .clean = dir->clean,
        .recovery_point = checkpoint_offset(&dir->recovery_points, folder->topic, folder->partition, 0),
        .log_start_offset = checkpoint_offset(&dir->log_starts, folder->topic, folder->partition, 0),
        .high_watermark = checkpoint_offset(&dir->high_watermarks, folder->topic, folder->partition, 0),
        .now_ms = queue_now_ms(cluster->queue),
    };
    struct reason reason;

    if (stray)
        set_aside(folder, FOLDER_STRAY, stray);
    else if (broker_partition(broker, folder->topic, folder->partition))
        set_aside(folder, FOLDER_UNREADABLE, "the same partition lies in another of the folders too");
    else if (partition_inspect(broker, image_topic(broker->image, folder->topic), folder->partition, &how, &reason))
        set_aside(folder, FOLDER_UNREADABLE, reason.text);
    else { /* it is there */
        broker_partition(broker, folder->topic, folder->partition)->cleaner_offset =
            checkpoint_offset(&dir->cleaner_offsets, folder->topic, folder->partition, -1);
        if (folder->note) /* shown all the same, under its name */
            folder->kind = FOLDER_STRAY;
    }
    mem_free(path);
}

static void apply_topic_settings(struct cluster *cluster)
{
    struct inspection *inspection = cluster->inspection;

    for (size_t i = 0; i < inspection->topic_setting_count; i++) {
        const struct own_setting *setting = &inspection->topic_settings[i];
        struct metadata_record record = metadata_record(METADATA_CONFIG);

        if (!image_topic(cluster->controller.image, setting->topic))
            note(inspection, "--set-topic %s:%s: there is no topic %s here.", setting->topic, setting->name, setting->topic);
        record.config = (struct metadata_config){ METADATA_RESOURCE_TOPIC, setting->topic, setting->name, setting->value };
        image_apply(cluster->controller.image, &record, image_offset(cluster->controller.image), NULL);
    }
}

/* A broker that is not registered in what was read is there all the same: it is what we look at. */
static void know_broker(struct cluster *cluster)
{
    struct broker *broker = cluster->brokers[0];
    const struct image_broker *known = image_broker(cluster->controller.image, broker->id);
    struct metadata_endpoint endpoint = { "PLAINTEXT", "localhost", 9092, 0 };
    struct metadata_record record = metadata_record(METADATA_REGISTER_BROKER);

    if (!known) {
        record.register_broker.broker_id = broker->id;
        record.register_broker.end_points.items = &endpoint;
        record.register_broker.end_points.count = 1;
        record.register_broker.fenced = false;
        image_apply(cluster->controller.image, &record, image_offset(cluster->controller.image), NULL);
        known = image_broker(cluster->controller.image, broker->id);
    }
    broker->port = known->port;
    broker->epoch = known->epoch;
    mem_free(cluster->host);
    cluster->host = mem_text(known->host);
}

/* A stopped broker is fenced. What is asked of its folders is answered all the same. */
static void serve(struct broker *broker)
{
    const struct image_broker *known = image_broker(broker->image, broker->id);
    struct metadata_endpoint endpoint = { "PLAINTEXT", broker->cluster->host, (uint16_t)broker->port, 0 };
    struct metadata_record record = metadata_record(METADATA_REGISTER_BROKER);
    char *rack = mem_text(known->rack);

    record.register_broker.broker_id = broker->id;
    record.register_broker.broker_epoch = known->epoch;
    record.register_broker.end_points.items = &endpoint;
    record.register_broker.end_points.count = 1;
    record.register_broker.rack = rack;
    record.register_broker.fenced = false;
    image_apply(broker->image, &record, image_offset(broker->image), NULL);
    mem_free(rack);
}

/* A stopped broker leads nothing, and a client would ask nobody: what lies in its folders is asked of it all the same. */
static void answer_for(struct broker *broker, struct partition *partition)
{
    struct cluster *cluster = broker->cluster;
    struct image_partition *image = &image_topic_mutable(broker->image, partition->topic->id)->partitions[partition->number];

    if (image->leader < 0)
        image->leader = broker->id;
    if (!cluster->inspection->metadata && log_latest_epoch(partition->log) >= 0) {
        image->leader_epoch = partition->leader_epoch = log_latest_epoch(partition->log);
        image_topic_mutable(cluster->controller.image, partition->topic->id)->partitions[partition->number].leader_epoch = image->leader_epoch;
    }
}

static enum err load(struct cluster *cluster, struct reason *reason)
{
    struct inspection *inspection = cluster->inspection;
    struct broker *broker = cluster->brokers[0];
    struct controller *controller = &cluster->controller;
    struct folder *metadata = NULL;
    enum err err = ERR_OK;

    for (size_t i = 0; i < inspection->dir_count && !err; i++)
        err = read_dir(cluster, &inspection->dirs[i], reason);
    if (err)
        return err;
    controller->image = new_image(cluster);
    for (size_t i = 0; i < inspection->folder_count; i++)
        if (inspection->folders[i].kind == FOLDER_METADATA)
            metadata = &inspection->folders[i];
    if (metadata) {
        struct reason why;

        inspection->metadata = true;
        if (read_metadata(cluster, metadata, &why))
            note(inspection, "The cluster's metadata could be read in part only: %s", why.text);
    }
    topics_by_names(cluster);
    image_set_offset(controller->image, controller->log->log ? log_end_offset(controller->log->log) - 1 : 0);
    know_broker(cluster);
    apply_topic_settings(cluster);
    broker->image = image_copy(controller->image);
    serve(broker);
    broker->groups = groups_new(broker);
    broker->up = true;
    inspection->offsets_partitions = 0;
    for (size_t i = 0; i < inspection->folder_count; i++)
        inspection->offsets_partitions += inspection->folders[i].kind == FOLDER_PARTITION && text_equal(inspection->folders[i].topic, "__consumer_offsets");
    for (size_t i = 0; i < inspection->folder_count; i++)
        if (inspection->folders[i].kind == FOLDER_PARTITION)
            host(cluster, &inspection->folders[i]);
    for (size_t i = 0; i < broker->partition_count; i++)
        answer_for(broker, broker->partitions[i]);
    groups_read_all(broker->groups);
    if (inspection->offsets_left_out)
        note(inspection, "__consumer_offsets is large: its newest %d MB were read, %lld MB were not. A group that committed long ago may be missing.", MOST_OFFSETS_BYTES >> 20,
             (long long)(inspection->offsets_left_out >> 20) + 1);
    for (size_t i = 0; i < inspection->dir_count; i++) {
        checkpoint_done(&inspection->dirs[i].recovery_points);
        checkpoint_done(&inspection->dirs[i].log_starts);
        checkpoint_done(&inspection->dirs[i].high_watermarks);
        checkpoint_done(&inspection->dirs[i].cleaner_offsets);
        inspection->dirs[i].recovery_points = inspection->dirs[i].log_starts = inspection->dirs[i].high_watermarks = (struct checkpoint){ 0 };
        inspection->dirs[i].cleaner_offsets = (struct checkpoint){ 0 };
    }
    return ERR_OK;
}

static void unload(struct cluster *cluster)
{
    struct inspection *inspection = cluster->inspection;
    struct broker *broker = cluster->brokers[0];

    broker_drop(broker);
    cluster_drop_now(cluster);
    image_free(broker->image);
    broker->image = NULL;
    controller_close(cluster, false);
    for (size_t i = 0; i < inspection->folder_count; i++) {
        mem_free(inspection->folders[i].name);
        mem_free(inspection->folders[i].topic);
        mem_free(inspection->folders[i].note);
    }
    inspection->folder_count = 0;
    inspection->metadata = false;
    inspection->offsets_left_out = 0;
    text_clear(&inspection->notes);
}

int64_t cluster_inspect_offsets_from(const struct cluster *cluster, struct partition *partition)
{
    struct inspection *inspection = cluster->inspection;
    int64_t start = log_start_offset(partition->log), share, from;

    if (!inspection)
        return start;
    share = MOST_OFFSETS_BYTES / (inspection->offsets_partitions ? inspection->offsets_partitions : 1);
    from = log_inspect_tail(partition->log, share);
    if (from <= start)
        return start;
    inspection->offsets_left_out += log_size_bytes(partition->log) - share;
    return from;
}

/* ---- does it change? ---- */

static void mix(uint64_t *mark, int64_t value)
{
    *mark = (*mark ^ (uint64_t)value) * 1099511628211u;
}

static void mix_file(struct cluster *cluster, uint64_t *mark, const char *path)
{
    struct file_stat stat;

    if (fs_stat(cluster->fs, path, &stat)) {
        mix(mark, -1);
        return;
    }
    mix(mark, stat.size);
    mix(mark, stat.mtime_us);
}

/* Of names, sizes and times that change when a broker works: its folders', and the newest .log of each log. */
static uint64_t mark_of(struct cluster *cluster)
{
    struct inspection *inspection = cluster->inspection;
    struct broker *broker = cluster->brokers[0];
    uint64_t mark = 14695981039346656037u;

    for (size_t i = 0; i < inspection->dir_count; i++)
        mix_file(cluster, &mark, inspection->dirs[i].path);
    for (size_t i = 0; i <= broker->partition_count; i++) {
        const struct log *log = i < broker->partition_count ? broker->partitions[i]->log : cluster->controller.log->log;
        char *path;

        if (!log)
            continue;
        mix_file(cluster, &mark, log_dir(log));
        path = mem_printf("%s/%020lld.log", log_dir(log), (long long)log_inspect_active(log));
        mix_file(cluster, &mark, path);
        mem_free(path);
    }
    return mark;
}

bool cluster_inspect_changed(const struct cluster *cluster)
{
    return mark_of((struct cluster *)cluster) != cluster->inspection->mark;
}

enum err cluster_inspect_again(struct cluster *cluster, struct reason *reason)
{
    enum err err;

    unload(cluster);
    err = load(cluster, reason);
    cluster->inspection->mark = err ? 0 : mark_of(cluster);
    return err;
}

/* ---- opening and the end ---- */

static void take_options(struct cluster *cluster, const struct cluster_options *options, const struct inspect_options *how)
{
    struct inspection *inspection = cluster->inspection = mem_zero(sizeof(*inspection));

    (void)options;
    inspection->settings_given = how->settings_given;
    inspection->dirs = mem_zero_array(how->dir_count, sizeof(*inspection->dirs));
    inspection->dir_count = how->dir_count;
    for (size_t i = 0; i < how->dir_count; i++) {
        char *only;

        split_dir(cluster->fs, how->dirs[i], &inspection->dirs[i].path, &only);
        if (only && how->dir_count == 1)
            inspection->only = only;
        else
            mem_free(only);
    }
    inspection->topic_settings = mem_zero_array(how->topic_setting_count + 1, sizeof(*inspection->topic_settings));
    inspection->topic_setting_count = how->topic_setting_count;
    for (size_t i = 0; i < how->topic_setting_count; i++) {
        inspection->topic_settings[i].topic = mem_text(how->topic_settings[i].topic);
        inspection->topic_settings[i].name = mem_text(how->topic_settings[i].name);
        inspection->topic_settings[i].value = mem_text(how->topic_settings[i].value);
    }
}

void inspection_free(struct inspection *inspection)
{
    if (!inspection)
        return;
    for (size_t i = 0; i < inspection->dir_count; i++) {
        mem_free(inspection->dirs[i].path);
        checkpoint_done(&inspection->dirs[i].recovery_points);
        checkpoint_done(&inspection->dirs[i].log_starts);
        checkpoint_done(&inspection->dirs[i].high_watermarks);
        checkpoint_done(&inspection->dirs[i].cleaner_offsets);
    }
    for (size_t i = 0; i < inspection->topic_setting_count; i++) {
        mem_free(inspection->topic_settings[i].topic);
        mem_free(inspection->topic_settings[i].name);
        mem_free(inspection->topic_settings[i].value);
    }
    for (size_t i = 0; i < inspection->folder_count; i++) {
        mem_free(inspection->folders[i].name);
        mem_free(inspection->folders[i].topic);
        mem_free(inspection->folders[i].note);
    }
    mem_free(inspection->dirs);
    mem_free(inspection->only);
    mem_free(inspection->topic_settings);
    mem_free(inspection->folders);
    text_done(&inspection->notes);
    mem_free(inspection);
}

static enum err check_settings(enum release release, const struct inspect_options *how, struct reason *reason)
{
    for (size_t i = 0; i < how->topic_setting_count; i++) {
        const struct topic_setting *setting = &how->topic_settings[i];
        const struct config_key *key = config_key_find(CONFIG_TOPIC, setting->name);
        struct reason why;

        if (!config_key_known(key, release))
            return err_because(ERR_INVALID_CONFIG, reason, "--set-topic: Kafka %s has no topic setting '%s'", release_is_27(release) ? "2.7" : "4.3", setting->name);
        if (config_check(key, setting->value, release, &why))
            return err_because(ERR_INVALID_CONFIG, reason, "--set-topic %s: %s", setting->topic, why.text);
    }
    return ERR_OK;
}

/* Whose folders they are: all of one broker's. */
static enum err find_id(struct cluster *cluster, int32_t *id, struct reason *reason)
{
    struct inspection *inspection = cluster->inspection;

    *id = -1;
    for (size_t i = 0; i < inspection->dir_count; i++) {
        struct meta_properties meta;
        enum err err = meta_properties_read(cluster->fs, inspection->dirs[i].path, &meta, reason);

        if (err)
            return err;
        if (*id >= 0 && meta.node_id >= 0 && meta.node_id != *id)
            return err_because(ERR_INCONSISTENT_CLUSTER_ID, reason, "%s belongs to broker %d, the folders before it to broker %d: look at one broker at a time",
                               inspection->dirs[i].path, meta.node_id, *id);
        if (meta.node_id >= 0)
            *id = meta.node_id;
    }
    if (*id < 0)
        *id = release_is_27(cluster->release) ? 0 : 1;
    return ERR_OK;
}

enum err cluster_inspect(struct cluster **out, const struct cluster_options *options, const struct inspect_options *how, struct reason *reason)
{
    struct cluster *cluster = mem_zero(sizeof(*cluster));
    struct cluster_options own = *options;
    enum err err;

    *out = NULL;
    cluster->release = options->release;
    cluster->controller.log = &cluster->controller.own;
    cluster->queue = options->queue;
    cluster->random = random_fork(options->random, "cluster");
    cluster->network = network_new(cluster);
    cluster->controllers = 1;
    cluster->journal = options->journal;
    cluster->fs = options->fs;
    cluster->host = mem_text("localhost");
    cluster->brokers = mem_zero_array(1, sizeof(*cluster->brokers));
    cluster->directories = mem_zero_array(1, sizeof(*cluster->directories));
    take_options(cluster, options, how);
    cluster->dir = mem_text(cluster->inspection->dirs[0].path);
    own.broker_count = 1;
    own.log_dir = cluster->dir;
    own.ports = NULL;
    err = check_settings(cluster->release, how, reason);
    if (!err)
        err = find_id(cluster, &own.first_broker_id, reason);
    if (!err) {
        err = broker_new(&cluster->brokers[0], cluster, 0, &own, reason);
        cluster->broker_count = 1;
    }
    if (!err)
        err = load(cluster, reason);
    if (err) {
        cluster_drop(cluster);
        return err;
    }
    cluster->inspection->mark = mark_of(cluster);
    *out = cluster;
    return ERR_OK;
}

/* ---- asking ---- */

size_t cluster_inspect_dir_count(const struct cluster *cluster)
{
    return cluster->inspection->dir_count;
}

const char *cluster_inspect_dir(const struct cluster *cluster, size_t i)
{
    return cluster->inspection->dirs[i].path;
}

bool cluster_inspect_clean(const struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->inspection->dir_count; i++)
        if (!cluster->inspection->dirs[i].clean)
            return false;
    return true;
}

uint64_t cluster_inspect_refused(const struct cluster *cluster)
{
    return cluster->inspection->refused;
}

const char *cluster_inspect_only(const struct cluster *cluster)
{
    return cluster->inspection->only;
}

bool cluster_inspect_settings_given(const struct cluster *cluster)
{
    return cluster->inspection->settings_given;
}

bool cluster_inspect_metadata(const struct cluster *cluster)
{
    return cluster->inspection->metadata;
}

const char *cluster_inspect_notes(const struct cluster *cluster)
{
    return text_chars(&cluster->inspection->notes);
}

const char *cluster_inspect_source(const struct cluster *cluster, const char *topic, const char *name, bool *assumed)
{
    const struct inspection *inspection = cluster->inspection;
    struct config_layers layers = broker_topic_config(cluster->brokers[0], topic);
    const struct config_key *key = config_key_find(CONFIG_TOPIC, name);
    struct config_value value;

    *assumed = true;
    if (!key)
        return "unknown";
    value = config_resolve(&layers, key);
    if (value.source == SOURCE_TOPIC) {
        *assumed = false;
        for (size_t i = 0; i < inspection->topic_setting_count; i++)
            if (text_equal(inspection->topic_settings[i].topic, topic) && text_equal(inspection->topic_settings[i].name, name))
                return "--set-topic";
        return "the topic";
    }
    *assumed = !inspection->metadata || (value.source != SOURCE_DYNAMIC_BROKER && value.source != SOURCE_DYNAMIC_DEFAULT_BROKER && !inspection->settings_given);
    return value.source == SOURCE_DEFAULT ? "Kafka's default" : value.source == SOURCE_STATIC_BROKER ? "server.properties" : "the brokers' settings";
}

const char *folder_kind_name(enum folder_kind kind)
{
    static const char *const names[] = { "partition", "metadata", "delete", "future", "stray", "unreadable", "other" };

    return names[kind];
}

size_t cluster_inspect_folder_count(const struct cluster *cluster)
{
    return cluster->inspection->folder_count;
}

struct folder_info cluster_inspect_folder(const struct cluster *cluster, size_t i)
{
    const struct folder *folder = &cluster->inspection->folders[i];

    return (struct folder_info){ folder->dir->path, folder->name, folder->kind, folder->topic, folder->partition, folder->note ? folder->note : "" };
}

/* ---- the table ---- */

static const struct column folder_columns[] = {
    { "folder", VALUE_TEXT, "its name in the broker's log.dirs" },
    { "kind", VALUE_TEXT, "partition, metadata, delete, future, stray, unreadable, other" },
    { "topic", VALUE_TEXT, "" },
    { "partition", VALUE_INT, "" },
    { "log_dir", VALUE_INT, "in which of the folders given, from 0" },
    { "note", VALUE_TEXT, "what a broker's start would do with it, or why it can't be read" },
    { 0 },
};
static const struct table folder_table;

static void *folders_open(void *context, const struct constraint *constraints, size_t count)
{
    const struct cluster *cluster = context;
    const struct inspection *inspection = cluster->inspection;
    struct rows *rows = rows_new(&folder_table);

    for (size_t i = 0; i < inspection->folder_count; i++) {
        const struct folder *folder = &inspection->folders[i];
        struct value *row;

        if (!wants_text(constraints, count, 0, folder->name))
            continue;
        row = rows_add(rows);
        row[0] = rows_text(rows, folder->name);
        row[1] = value_text(folder_kind_name(folder->kind));
        row[2] = rows_text(rows, folder->topic);
        row[3] = folder->partition < 0 ? value_null() : value_int(folder->partition);
        row[4] = value_int(folder->dir - inspection->dirs);
        row[5] = rows_text(rows, folder->note);
    }
    return rows;
}
static const struct table folder_table = { "folders", "what lies in the broker's log.dirs (--inspect)", folder_columns, folders_open, rows_next, rows_get, rows_close };

void cluster_register_inspect_tables(struct cluster *cluster, struct tables *tables)
{
    if (cluster->inspection)
        tables_add(tables, &folder_table, cluster);
}
