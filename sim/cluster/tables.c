/* The tables brokers, topics, partitions, replicas, configs: what the controller knows and what its brokers have. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/rows.h"
#include "sim/cluster/cluster_internal.h"

void cluster_register_tables(struct cluster *cluster, struct tables *tables)
{
    cluster_register_topic_tables(cluster, tables);
    cluster_register_log_tables(cluster, tables);
    groups_register_tables(cluster, tables);
    cluster_register_inspect_tables(cluster, tables);
}

/* ---- brokers ---- */

static const struct column broker_columns[] = {
    { "broker", VALUE_INT, "its id" },
    { "host", VALUE_TEXT, "what it tells clients to connect to" },
    { "port", VALUE_INT, "" },
    { "up", VALUE_INT, "1: it runs" },
    { "fenced", VALUE_INT, "1: the controller keeps it out" },
    { "controller", VALUE_INT, "1: the controller sits here" },
    { "epoch", VALUE_INT, "offset of its registration in the metadata log" },
    { "rack", VALUE_TEXT, "broker.rack" },
    { "replicas", VALUE_INT, "partitions that it hosts" },
    { "leaders", VALUE_INT, "of them it leads" },
    { "size_bytes", VALUE_INT, "of all its logs" },
    { "started_ms", VALUE_INT, "when it came up" },
    { "next_retention_check_ms", VALUE_INT, "when the retention task looks again" },
    { "clock_skew_ms", VALUE_INT, "by how much its wall clock is ahead (less than 0: behind); what it judges by age it judges by that clock" },
    { 0 },
};
static const struct table broker_table;

static void *brokers_open(void *context, const struct constraint *constraints, size_t count)
{
    struct cluster *cluster = context;
    struct rows *rows = rows_new(&broker_table);

    for (size_t i = 0; i < cluster->broker_count; i++) {
        const struct broker *broker = cluster->brokers[i];
        const struct image_broker *image = image_broker(cluster->controller.image, broker->id);
        int64_t leaders = 0, size = 0, next_us = broker_next_retention_check_us(broker);
        struct value *row;

        if (!wants_int(constraints, count, 0, broker->id))
            continue;
        for (size_t p = 0; p < broker->partition_count; p++) {
            leaders += broker->partitions[p]->leads;
            size += log_size_bytes(broker->partitions[p]->log);
        }
        row = rows_add(rows);
        row[0] = value_int(broker->id);
        row[1] = rows_text(rows, cluster->host);
        row[2] = value_int(broker->port);
        row[3] = value_int(broker->up);
        row[4] = value_int(image && image->fenced);
        row[5] = value_int(!cluster->controller.down && controller_home(cluster) == broker->id);
        row[6] = value_int(broker->epoch);
        row[7] = rows_text(rows, image ? image->rack : NULL);
        row[8] = value_int((int64_t)broker->partition_count);
        row[9] = value_int(leaders);
        row[10] = value_int(size);
        row[11] = value_known(broker->started_us / 1000);
        row[12] = value_known(next_us == INT64_MAX ? next_us : next_us / 1000);
        row[13] = value_int(broker_skew_us(broker) / 1000);
    }
    return rows;
}
static const struct table broker_table = { "brokers", "the brokers of the cluster", broker_columns, brokers_open, rows_next, rows_get, rows_close };

/* ---- topics ---- */

static const struct column topic_columns[] = {
    { "topic", VALUE_TEXT, "its name" },
    { "topic_id", VALUE_TEXT, "as Kafka prints ids; null under 2.7, which has none" },
    { "partitions", VALUE_INT, "how many" },
    { "replication_factor", VALUE_INT, "of its first partition" },
    { "internal", VALUE_INT, "1: the brokers' own" },
    { "configs", VALUE_TEXT, "what was set for it: key=value,key=value" },
    { 0 },
};
static const struct table topic_table;

static void *topics_open(void *context, const struct constraint *constraints, size_t count)
{
    struct cluster *cluster = context;
    const struct image *image = cluster->controller.image;
    struct rows *rows = rows_new(&topic_table);

    for (size_t i = 0; i < image_topic_count(image); i++) {
        const struct image_topic *topic = image_topic_at(image, i);
        const struct config_map *map = image_config(image, CONFIG_TOPIC, topic->name);
        struct text configs = { 0 };
        char id[UUID_TEXT];
        struct value *row;

        if (!wants_text(constraints, count, 0, topic->name))
            continue;
        for (size_t c = 0; c < map->count; c++)
            text_printf(&configs, "%s%s=%s", c ? "," : "", map->sets[c].name, map->sets[c].value);
        uuid_text(topic->id, id);
        row = rows_add(rows);
        row[0] = rows_text(rows, topic->name);
        row[1] = rows_text(rows, release_is_27(cluster->release) ? NULL : id);
        row[2] = value_int(topic->partition_count);
        row[3] = value_int(topic->partition_count ? topic->partitions[0].replica_count : 0);
        row[4] = value_int(topic->internal);
        row[5] = rows_text(rows, text_chars(&configs));
        text_done(&configs);
    }
    return rows;
}
static const struct table topic_table = { "topics", "the topics of the cluster", topic_columns, topics_open, rows_next, rows_get, rows_close };

/* ---- partitions ---- */

static const struct column partition_columns[] = {
    { "topic", VALUE_TEXT, "" },
    { "partition", VALUE_INT, "" },
    { "leader", VALUE_INT, "broker that leads it; -1: none" },
    { "leader_epoch", VALUE_INT, "goes up with every election" },
    { "partition_epoch", VALUE_INT, "goes up with every change of leader, replicas or ISR" },
    { "replicas", VALUE_TEXT, "brokers, the preferred leader first" },
    { "isr", VALUE_TEXT, "brokers in sync" },
    { "log_start_offset", VALUE_INT, "first offset that can be read" },
    { "last_stable_offset", VALUE_INT, "below it no transaction is open" },
    { "high_watermark", VALUE_INT, "every in-sync replica has all below it" },
    { "log_end_offset", VALUE_INT, "offset that the next record gets" },
    { "size_bytes", VALUE_INT, "of the leader's log" },
    { "segments", VALUE_INT, "of the leader's log, deleted ones apart" },
    { "next_expiry_ms", VALUE_INT, "first moment at which retention.ms may take a segment" },
    { "cleaner_offset", VALUE_INT, "of cleaner-offset-checkpoint: below it the leader's log is compacted" },
    { "dirty_ratio", VALUE_REAL, "of a compacted topic: what min.cleanable.dirty.ratio is compared with" },
    { "next_cleaning_ms", VALUE_INT, "when the cleaner takes it, if nothing is appended" },
    { "adding_replicas", VALUE_TEXT, "brokers that a reassignment adds" },
    { "removing_replicas", VALUE_TEXT, "brokers that a reassignment removes, once those are in sync" },
    { 0 },
};
static const struct table partition_table;

static const char *ids_text(struct rows *rows, const int32_t *ids, int16_t count)
{
    struct text text = { 0 };
    const char *copy;

    for (int16_t i = 0; i < count; i++)
        text_printf(&text, "%s%d", i ? "," : "", ids[i]);
    copy = arena_text(&rows->arena, text_chars(&text), text.size);
    text_done(&text);
    return copy;
}

static void add_partition_row(struct cluster *cluster, struct rows *rows, const struct image_topic *topic, int32_t number)
{
    const struct image_partition *image = &topic->partitions[number];
    const struct broker *leader = cluster_broker(cluster, image->leader);
    const struct partition *partition = leader ? broker_partition(leader, topic->name, number) : NULL;
    struct value *row = rows_add(rows);
    int64_t segments = 0;

    row[0] = rows_text(rows, topic->name);
    row[1] = value_int(number);
    row[2] = value_int(image->leader);
    row[3] = value_int(image->leader_epoch);
    row[4] = value_int(image->partition_epoch);
    row[5] = value_text(ids_text(rows, image->replicas, image->replica_count));
    row[6] = value_text(ids_text(rows, image->isr, image->isr_count));
    if (image->adding_count || image->removing_count) {
        row[17] = value_text(ids_text(rows, image->adding_replicas, image->adding_count));
        row[18] = value_text(ids_text(rows, image->removing_replicas, image->removing_count));
    }
    if (!partition)
        return;
    for (size_t i = 0; i < log_segment_count(partition->log); i++) {
        struct segment_info info;

        log_segment_get(partition->log, i, &info);
        segments += info.state != SEGMENT_DELETED;
    }
    row[7] = value_int(log_start_offset(partition->log));
    row[8] = value_int(log_last_stable_offset(partition->log));
    row[9] = value_int(log_high_watermark(partition->log));
    row[10] = value_int(log_end_offset(partition->log));
    row[11] = value_int(log_size_bytes(partition->log));
    row[12] = value_int(segments);
    row[13] = value_known(log_next_expiry_ms(partition->log));
    if (partition_cleaner_offset(partition) >= 0)
        row[14] = value_int(partition_cleaner_offset(partition));
    if (log_settings(partition->log)->cleanup_compact) {
        int64_t next_us = partition_next_cleaning_us(partition);

        row[15] = value_real(log_decide_compaction(partition->log, partition_cleaner_offset(partition), broker_now_ms(partition->broker)).ratio);
        row[16] = value_known(next_us == INT64_MAX ? INT64_MAX : next_us / 1000);
    }
}

static void *partitions_open(void *context, const struct constraint *constraints, size_t count)
{
    struct cluster *cluster = context;
    const struct image *image = cluster->controller.image;
    struct rows *rows = rows_new(&partition_table);

    for (size_t i = 0; i < image_topic_count(image); i++) {
        const struct image_topic *topic = image_topic_at(image, i);

        if (!wants_text(constraints, count, 0, topic->name))
            continue;
        for (int32_t p = 0; p < topic->partition_count; p++)
            if (wants_int(constraints, count, 1, p))
                add_partition_row(cluster, rows, topic, p);
    }
    return rows;
}
static const struct table partition_table = { "partitions", "partitions as their leaders have them", partition_columns, partitions_open, rows_next,
                                              rows_get, rows_close };

/* ---- replicas ---- */

static const struct column replica_columns[] = {
    { "topic", VALUE_TEXT, "" },
    { "partition", VALUE_INT, "" },
    { "broker", VALUE_INT, "where this replica lies" },
    { "leader", VALUE_INT, "1: it leads" },
    { "in_isr", VALUE_INT, "1: it is in sync" },
    { "log_start_offset", VALUE_INT, "" },
    { "log_end_offset", VALUE_INT, "" },
    { "high_watermark", VALUE_INT, "as this replica knows it" },
    { "last_caught_up_ms", VALUE_INT, "when the leader last saw it at the end; of followers" },
    { "lag", VALUE_INT, "records that the leader has and it has not" },
    { "known_end_offset", VALUE_INT, "its log end as the leader knows it: one fetch old" },
    { "leader_epoch", VALUE_INT, "as this replica knows it" },
    { "held", VALUE_INT, "1: its fetching was stopped by `replica hold`" },
    { "leaves_isr_ms", VALUE_INT, "when it will be out of the in-sync replicas, if nothing changes" },
    { "log_dir", VALUE_TEXT, "the broker's folder in which it lies; null: the broker is down, or that log dir failed" },
    { "offline", VALUE_INT, "1: its log dir failed" },
    { "future_log_dir", VALUE_TEXT, "the folder to which it moves" },
    { "future_end_offset", VALUE_INT, "how far the copy there is" },
    { 0 },
};
static const struct table replica_table;
enum { SHOWN_REPLICAS = 64 };

static void add_dirs(struct rows *rows, struct value *row, const struct broker *broker, const char *topic, int32_t number)
{
    const struct partition *partition = broker ? broker_partition(broker, topic, number) : NULL;
    const struct log *copy = partition ? partition_future_log(partition) : NULL;

    row[0] = partition ? rows_text(rows, log_dir_name(partition_log_dir(partition))) : value_null();
    row[1] = value_int(broker && broker_replica_offline(broker, topic, number));
    row[2] = copy ? rows_text(rows, log_dir_name(partition_future_dir(partition))) : value_null();
    row[3] = copy ? value_int(log_end_offset(copy)) : value_null();
}

static void *replicas_open(void *context, const struct constraint *constraints, size_t count)
{
    struct cluster *cluster = context;
    const struct image *image = cluster->controller.image;
    struct rows *rows = rows_new(&replica_table);
    struct replica_info infos[SHOWN_REPLICAS];

    for (size_t i = 0; i < image_topic_count(image); i++) {
        const struct image_topic *topic = image_topic_at(image, i);

        for (int32_t p = 0; wants_text(constraints, count, 0, topic->name) && p < topic->partition_count; p++) {
            size_t found = wants_int(constraints, count, 1, p) ? cluster_replicas(cluster, topic->name, p, infos, SHOWN_REPLICAS) : 0;

            for (size_t r = 0; r < found; r++) {
                struct value *row;

                if (!wants_int(constraints, count, 2, infos[r].broker))
                    continue;
                row = rows_add(rows);
                row[0] = rows_text(rows, topic->name);
                row[1] = value_int(p);
                row[2] = value_int(infos[r].broker);
                row[3] = value_int(infos[r].leader);
                row[4] = value_int(infos[r].in_isr);
                row[5] = value_known(infos[r].log_start_offset);
                row[6] = value_known(infos[r].log_end_offset);
                row[7] = value_known(infos[r].high_watermark);
                row[8] = value_known(infos[r].last_caught_up_ms);
                row[9] = value_known(infos[r].lag);
                row[10] = value_known(infos[r].known_end_offset);
                row[11] = value_known(infos[r].leader_epoch);
                row[12] = value_int(infos[r].held);
                add_dirs(rows, &row[14], cluster_broker(cluster, infos[r].broker), topic->name, p);
                row[13] = value_known(infos[r].leaves_isr_us == INT64_MAX ? INT64_MAX : infos[r].leaves_isr_us / 1000);
            }
        }
    }
    return rows;
}
static const struct table replica_table = { "replicas", "every replica of every partition", replica_columns, replicas_open, rows_next, rows_get,
                                            rows_close };

/* ---- configs ---- */

static const struct column config_columns[] = {
    { "scope", VALUE_TEXT, "topic, broker, group or client-metrics" },
    { "name", VALUE_TEXT, "of the topic, broker, group" },
    { "key", VALUE_TEXT, "retention.ms" },
    { "value", VALUE_TEXT, "what acts; null where a secret or nothing is" },
    { "source", VALUE_TEXT, "where it comes from: DYNAMIC_TOPIC_CONFIG, DEFAULT_CONFIG" },
    { "default_value", VALUE_TEXT, "of this release" },
    { "read_only", VALUE_INT, "1: only before the broker starts" },
    { "doc", VALUE_TEXT, "" },
    { 0 },
};
static const struct table config_table;

static void add_configs(struct rows *rows, enum config_scope scope, const char *scope_name, const char *name, const struct config_layers *layers,
                        const struct constraint *constraints, size_t count)
{
    for (size_t i = 0; i < config_key_count(); i++) {
        const struct config_key *key = config_key_at(i);
        struct config_value value;
        struct value *row;

        if (key->scope != (int)scope || key->internal || !config_key_known(key, layers->release) || !wants_text(constraints, count, 2, key->name))
            continue;
        value = config_resolve(layers, key);
        row = rows_add(rows);
        row[0] = value_text(scope_name);
        row[1] = rows_text(rows, name);
        row[2] = value_text(key->name);
        row[3] = key->sensitive ? value_null() : rows_text(rows, value.value);
        row[4] = value_text(config_source_name(value.source));
        row[5] = value_text(config_key_default(key, layers->release));
        row[6] = value_int(key->read_only);
        row[7] = value_text(key->doc);
    }
}

static void *configs_open(void *context, const struct constraint *constraints, size_t count)
{
    struct cluster *cluster = context;
    const struct image *image = cluster->controller.image;
    struct rows *rows = rows_new(&config_table);

    for (size_t i = 0; wants_text(constraints, count, 0, "topic") && i < image_topic_count(image); i++) {
        const char *name = image_topic_at(image, i)->name;
        struct config_layers layers = controller_layers(cluster, image_config(image, CONFIG_TOPIC, name));

        if (wants_text(constraints, count, 1, name))
            add_configs(rows, CONFIG_TOPIC, "topic", name, &layers, constraints, count);
    }
    for (size_t i = 0; wants_text(constraints, count, 0, "broker") && i < cluster->broker_count; i++) {
        struct config_layers layers = broker_config(cluster->brokers[i]);
        char id[16];

        snprintf(id, sizeof(id), "%d", cluster->brokers[i]->id);
        if (wants_text(constraints, count, 1, id))
            add_configs(rows, CONFIG_BROKER, "broker", id, &layers, constraints, count);
    }
    for (size_t i = 0; wants_text(constraints, count, 0, "group") && i < image_config_count(image); i++) {
        struct config_layers layers = controller_layers(cluster, NULL);
        enum config_scope scope;
        const char *name;

        layers.group = image_config_at(image, i, &scope, &name);
        if (scope == CONFIG_GROUP && wants_text(constraints, count, 1, name))
            add_configs(rows, CONFIG_GROUP, "group", name, &layers, constraints, count);
    }
    return rows;
}
static const struct table config_table = { "configs", "every setting of topics and brokers: which value acts, and from where", config_columns,
                                           configs_open, rows_next, rows_get, rows_close };

void cluster_register_topic_tables(struct cluster *cluster, struct tables *tables)
{
    tables_add(tables, &broker_table, cluster);
    tables_add(tables, &topic_table, cluster);
    tables_add(tables, &partition_table, cluster);
    tables_add(tables, &replica_table, cluster);
    tables_add(tables, &config_table, cluster);
    cluster_register_network_table(cluster, tables);
    cluster_register_metrics_table(cluster, tables);
    cluster_register_quorum_table(cluster, tables);
}
