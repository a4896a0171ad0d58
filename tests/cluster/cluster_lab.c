/* A cluster with files in memory, for tests. */
#include "tests/cluster/cluster_lab.h"

#include <stdio.h>

static void read_settings(struct config_map *map, const char *settings)
{
    char *copy = mem_text(settings), *rest = copy, *word;

    while (rest && (word = strsep(&rest, " "))) {
        char *value = strchr(word, '=');

        if (!value)
            continue;
        *value++ = 0;
        config_map_set(map, word, value);
    }
    mem_free(copy);
}

static void open_cluster(struct cluster_lab *lab)
{
    enum err err = cluster_open(&lab->cluster, &lab->options, &lab->reason);

    if (err)
        printf("cluster_open: %s: %s\n", err_name(err), lab->reason.text);
    CHECK_INT(ERR_OK, err);
}

struct cluster_lab *cluster_lab_new(enum release release, int32_t brokers, const char *settings)
{
    return cluster_lab_new_seeded(release, brokers, settings, 42);
}

static struct cluster_lab *new_lab(enum release release, int32_t brokers, int32_t controllers, int32_t log_dirs, const char *settings, uint64_t seed)
{
    struct cluster_lab *lab = mem_zero(sizeof(*lab));

    lab->queue = queue_new(LAB_START_US);
    lab->fs = fs_memory(queue_clock(lab->queue));
    random_init(&lab->random, seed);
    lab->journal = journal_new(queue_clock(lab->queue), 0);
    if (settings)
        read_settings(&lab->settings, settings);
    lab->options = (struct cluster_options){
        .release = release, .broker_count = brokers, .controllers = controllers, .log_dirs = log_dirs, .first_broker_id = release_is_27(release) ? 0 : 1, .dir = "lab",
        .settings = &lab->settings, .host = "localhost", .queue = lab->queue, .random = &lab->random, .journal = lab->journal,
        .fs = lab->fs,
    };
    open_cluster(lab);
    return lab;
}

struct cluster_lab *cluster_lab_new_seeded(enum release release, int32_t brokers, const char *settings, uint64_t seed)
{
    return new_lab(release, brokers, 1, 1, settings, seed);
}

struct cluster_lab *cluster_lab_new_quorum(int32_t brokers, int32_t controllers, uint64_t seed)
{
    return new_lab(RELEASE_43, brokers, controllers, 1, NULL, seed);
}

struct cluster_lab *cluster_lab_new_dirs(enum release release, int32_t brokers, int32_t log_dirs, const char *settings)
{
    return new_lab(release, brokers, 1, log_dirs, settings, 42);
}

void cluster_lab_free(struct cluster_lab *lab)
{
    cluster_drop(lab->cluster);
    fs_free(lab->fs);
    journal_free(lab->journal);
    queue_free(lab->queue);
    config_map_done(&lab->settings);
    mem_free(lab);
}

void cluster_lab_reopen(struct cluster_lab *lab, bool clean)
{
    if (clean)
        cluster_close(lab->cluster);
    else
        cluster_drop(lab->cluster);
    CHECK_INT(0, queue_count(lab->queue)); /* nothing of it is left in the queue */
    open_cluster(lab);
}

void cluster_lab_advance_ms(struct cluster_lab *lab, int64_t ms)
{
    queue_run_until(lab->queue, queue_now_us(lab->queue) + ms * 1000);
}

enum err cluster_lab_create(struct cluster_lab *lab, const char *name, int32_t partitions, int16_t factor, const char *configs)
{
    struct config_map map = { 0 };
    struct create_topic create = { .name = name, .partition_count = partitions, .replication_factor = factor, .configs = &map };
    enum err err;

    if (configs)
        read_settings(&map, configs);
    err = controller_create_topic(lab->cluster, &create, false, NULL, NULL, &lab->reason);
    config_map_done(&map);
    cluster_lab_advance_ms(lab, 1);
    return err;
}

enum err cluster_lab_alter(struct cluster_lab *lab, const char *topic, const char *key, const char *value)
{
    struct config_change change = { key, value ? CONFIG_SET : CONFIG_DELETE, value };
    enum err err = controller_alter_config(lab->cluster, CONFIG_TOPIC, topic, &change, 1, false, false, NULL, &lab->reason);

    cluster_lab_advance_ms(lab, 1);
    return err;
}

struct partition *cluster_lab_leader(struct cluster_lab *lab, const char *topic, int32_t number)
{
    const struct image_partition *image = image_partition(cluster_image(lab->cluster), topic, number);
    struct broker *broker = image ? cluster_broker(lab->cluster, image->leader) : NULL;

    return broker ? broker_partition(broker, topic, number) : NULL;
}

enum err cluster_lab_append(struct cluster_lab *lab, const char *topic, int32_t number, int records, int size, int16_t acks)
{
    struct partition *leader = cluster_lab_leader(lab, topic, number);
    struct batch_builder builder = { 0 };
    struct log_append append = { .origin = APPEND_CLIENT, .produce_version = 9 };
    struct log_appended appended;
    uint8_t *value = mem_zero((size_t)size);
    enum err err;

    append.now_ms = leader ? broker_now_ms(partition_broker(leader)) : queue_now_ms(lab->queue);
    memset(value, 'x', (size_t)size);
    batch_builder_init(&builder, CODEC_NONE);
    for (int i = 0; i < records; i++)
        batch_builder_add(&builder, queue_now_ms(lab->queue), (struct bytes){ 0 }, (struct bytes){ value, (size_t)size }, NULL, 0);
    err = batch_builder_finish(&builder, &append.records, &lab->reason);
    if (!err)
        err = leader ? partition_append(leader, &append, acks, &appended, &lab->reason) : ERR_LEADER_NOT_AVAILABLE;
    batch_builder_done(&builder);
    mem_free(value);
    return err;
}

char *cluster_lab_files(struct cluster_lab *lab, const char *dir, const char *pattern)
{
    struct fs_names names;
    struct text text = { 0 };

    CHECK_INT(ERR_OK, fs_list(lab->fs, dir, &names, &lab->reason));
    for (size_t i = 0; i < names.count; i++)
        if (text_matches(names.names[i], pattern))
            text_printf(&text, "%s%s", text.size ? "," : "", names.names[i]);
    fs_names_free(&names);
    text_add(&text, "");
    return text_take(&text);
}

int cluster_lab_entries(const struct cluster_lab *lab, enum event_kind kind)
{
    int count = 0;

    for (uint64_t n = journal_first(lab->journal); n && n <= journal_last(lab->journal); n++)
        count += journal_get(lab->journal, n)->kind == kind;
    return count;
}
