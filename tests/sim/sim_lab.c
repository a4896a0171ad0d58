/* Whole labs for tests. */
#include "tests/sim/sim_lab.h"

#include <stdio.h>

static void read_settings(struct config_map *map, const char *settings)
{
    char *copy = mem_text(settings ? settings : ""), *rest = copy, *word;

    while (rest && (word = strsep(&rest, " "))) {
        char *value = strchr(word, '=');

        if (!value)
            continue;
        *value++ = 0;
        config_map_set(map, word, value);
    }
    mem_free(copy);
}

void sim_lab_open_with(struct sim_lab *sim, const struct lab_options *options)
{
    struct reason reason = { "" };
    enum err err = lab_open(&sim->lab, options, &reason);

    if (err)
        fail_msg("%s: %s", err_name(err), reason.text);
    sim->ends.queue = lab_queue(sim->lab);
    sim->ends.cluster = lab_cluster(sim->lab);
    sim->ends.wire = lab_wire(sim->lab);
    sim->ends.timers = timers_virtual(sim->ends.queue);
}

void sim_lab_open(struct sim_lab *sim, enum release release, int32_t brokers, uint64_t seed, const char *settings)
{
    struct lab_options options;

    memset(sim, 0, sizeof(*sim));
    read_settings(&sim->settings, settings);
    lab_options_default(&options);
    options.memory = true;
    options.release = release;
    options.brokers = brokers;
    options.seed = seed;
    options.start_us = LAB_START_US;
    options.settings = &sim->settings;
    sim_lab_open_with(sim, &options);
}

void sim_lab_hang_up(struct sim_lab *sim)
{
    for (size_t i = 0; i < sim->ends.client_count; i++) {
        struct wire_client *client = sim->ends.clients[i];

        if (client->connection)
            connection_close(client->connection, "the test ends");
        frame_done(&client->request);
        buffer_done(&client->answer);
        arena_done(&client->arena);
        mem_free(client);
    }
    sim->ends.client_count = 0;
}

void sim_lab_close(struct sim_lab *sim)
{
    sim_lab_hang_up(sim);
    lab_close(sim->lab);
    config_map_done(&sim->settings);
}

void sim_lab_run_until(struct sim_lab *sim, int64_t at_us)
{
    while (!lab_run_slice(sim->lab, at_us, NULL))
        ;
}

void sim_lab_advance_ms(struct sim_lab *sim, int64_t ms)
{
    sim_lab_run_until(sim, queue_now_us(lab_queue(sim->lab)) + ms * 1000);
}

/* ---- requests ---- */

void sim_create_topic(struct wire_client *client, const char *name, int32_t partitions, int16_t factor, const char *config, const char *value)
{
    struct create_topics_request_config set = { .name = config, .value = value };
    struct create_topics_request_topic topic = { .name = name, .num_partitions = partitions, .replication_factor = factor,
                                                 .configs = { &set, config ? 1 : 0 } };
    struct create_topics_request in = { .topics = { &topic, 1 }, .timeout_ms = 30000 };
    struct create_topics_response *out = client_ask(client, 19, 4, &in);

    CHECK_INT(ERR_OK, out->topics.items[0].error_code);
}

void sim_alter_topic(struct wire_client *client, const char *name, const char *key, const char *value)
{
    struct incremental_alter_configs_request_config set = { .name = key, .value = value };
    struct incremental_alter_configs_request_resource resource = { .resource_type = 2, .resource_name = name, .configs = { &set, 1 } };
    struct incremental_alter_configs_request in = { .resources = { &resource, 1 } };
    struct incremental_alter_configs_response *out = client_ask(client, 44, 1, &in);

    CHECK_INT(ERR_OK, out->responses.items[0].error_code);
}

static int64_t produce_records(struct wire_client *client, const char *topic, int32_t partition, struct bytes key, struct bytes value, int count,
                               int64_t timestamp_ms)
{
    struct batch_builder builder;
    struct produce_response_partition out;
    struct bytes bytes;
    uint8_t *kept;

    memset(&builder, 0, sizeof(builder));
    batch_builder_init(&builder, CODEC_NONE);
    for (int i = 0; i < count; i++)
        batch_builder_add(&builder, timestamp_ms, key, value, NULL, 0);
    CHECK_INT(ERR_OK, batch_builder_finish(&builder, &bytes, NULL));
    kept = mem_alloc(bytes.size);
    memcpy(kept, bytes.data, bytes.size);
    batch_builder_done(&builder);
    out = lab_produce(client, 8, -1, topic, partition, (struct records){ .data = kept, .size = (int32_t)bytes.size });
    mem_free(kept);
    CHECK_INT(ERR_OK, out.error_code);
    return out.base_offset;
}

int64_t sim_produce(struct wire_client *client, const char *topic, int32_t partition, const char *text, int count, int64_t timestamp_ms)
{
    return produce_records(client, topic, partition, (struct bytes){ 0 }, bytes_text(text), count, timestamp_ms);
}

int64_t sim_produce_keyed(struct wire_client *client, const char *topic, int32_t partition, const char *key, const char *value, int64_t timestamp_ms)
{
    return produce_records(client, topic, partition, bytes_text(key), bytes_text(value), 1, timestamp_ms);
}

/* ---- sums ---- */

char *sim_file_sums(struct fs *fs, const char *folder)
{
    struct text out = { 0 };

    sum_folder(fs, folder, &out);
    return text_take(&out);
}

char *sim_lab_sums(const struct lab *lab)
{
    return sim_file_sums(lab_fs(lab), lab_dir(lab));
}

char *sim_lab_events(const struct lab *lab)
{
    struct text out = { 0 };
    const struct journal *journal = lab_journal(lab);

    for (uint64_t number = 1; number <= journal_last(journal); number++) {
        const struct entry *entry = journal_get(journal, number);

        if (!entry)
            continue;
        text_printf(&out, "%llu %lld %s %d %s-%d/%lld %s %s: %s\n", (unsigned long long)number, (long long)entry->at_us, event_name(entry->kind),
                    entry->broker, entry->topic ? entry->topic : "", entry->partition, (long long)entry->offset, entry->subject ? entry->subject : "",
                    entry->rule ? entry->rule : "", entry->text ? entry->text : "");
        for (int i = 0; i < entry->fact_count; i++)
            text_printf(&out, "  %s=%lld%s\n", entry->facts[i].name, (long long)entry->facts[i].number, entry->facts[i].text ? entry->facts[i].text : "");
    }
    return text_take(&out);
}
