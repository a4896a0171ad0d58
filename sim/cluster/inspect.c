/* An x-ray of a broker: its folders read into a cluster that stands still. Kafka's LogManager, KafkaRaftClient, MetadataLoader. */
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/group_internal.h"
#include "sim/cluster/inspect_internal.h"
#include "sim/log/inspect.h"

enum { MOST_OFFSETS_BYTES = 128 * 1024 * 1024 /* of __consumer_offsets: about a second */ };

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

void inspect_note(struct inspection *inspection, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    text_vprintf(&inspection->notes, format, args);
    va_end(args);
    text_char(&inspection->notes, '\n');
}

/* ---- reading all of it ---- */

static void read_checkpoint(struct cluster *cluster, const char *dir, const char *name, struct checkpoint *out)
{
    char *path = mem_printf("%s/%s", dir, name);
    struct reason reason;

    if (checkpoint_read(cluster->fs, path, out, &reason)) {
        checkpoint_done(out);
        *out = (struct checkpoint){ 0 };
        inspect_note(cluster->inspection, "%s: a start would take it for empty.", reason.text);
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
    dir->clean = inspect_has_file(cluster->fs, dir->path, ".kafka_cleanshutdown");
    for (size_t i = 0; i < names.count; i++) {
        char *path = mem_printf("%s/%s", dir->path, names.names[i]);
        struct folder folder = { .dir = dir, .name = names.names[i] };
        struct file_stat stat;

        if (!fs_stat(cluster->fs, path, &stat) && stat.folder && (!inspection->only || !strcmp(inspection->only, folder.name))) {
            inspect_classify(&folder);
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
        inspect_set_aside(folder, FOLDER_STRAY, stray);
    else if (broker_partition(broker, folder->topic, folder->partition))
        inspect_set_aside(folder, FOLDER_UNREADABLE, "the same partition lies in another of the folders too");
    else if (partition_inspect(broker, image_topic(broker->image, folder->topic), folder->partition, &how, &reason))
        inspect_set_aside(folder, FOLDER_UNREADABLE, reason.text);
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
            inspect_note(inspection, "--set-topic %s:%s: there is no topic %s here.", setting->topic, setting->name, setting->topic);
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
    controller->image = inspect_new_image(cluster);
    for (size_t i = 0; i < inspection->folder_count; i++)
        if (inspection->folders[i].kind == FOLDER_METADATA)
            metadata = &inspection->folders[i];
    if (metadata) {
        struct reason why;

        inspection->metadata = true;
        if (inspect_read_metadata(cluster, metadata, &why))
            inspect_note(inspection, "The cluster's metadata could be read in part only: %s", why.text);
    }
    inspect_topics_by_names(cluster);
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
        inspect_note(inspection, "__consumer_offsets is large: its newest %d MB were read, %lld MB were not. A group that committed long ago may be missing.", MOST_OFFSETS_BYTES >> 20,
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

static void take_options(struct cluster *cluster, const struct inspect_options *how)
{
    struct inspection *inspection = cluster->inspection = mem_zero(sizeof(*inspection));

    inspection->settings_given = how->settings_given;
    inspection->dirs = mem_zero_array(how->dir_count, sizeof(*inspection->dirs));
    inspection->dir_count = how->dir_count;
    for (size_t i = 0; i < how->dir_count; i++) {
        char *only;

        inspect_split_dir(cluster->fs, how->dirs[i], &inspection->dirs[i].path, &only);
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
    take_options(cluster, how);
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
