/* A cluster in memory behind a wire, for tests. */
#include "tests/wire/wire_lab.h"

#include <stdio.h>

#include "sim/log/batch.h"

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

static struct wire_lab *new_lab(enum release release, int32_t brokers, int32_t controllers, const char *settings)
{
    static const int32_t ports[] = { 9092, 9093, 9094, 9095, 9096, 9097, 9098, 9099 };
    struct wire_lab *lab = mem_zero(sizeof(*lab));
    struct reason reason = { "" };
    enum err err;

    lab->queue = queue_new(LAB_START_US);
    lab->fs = fs_memory(queue_clock(lab->queue));
    random_init(&lab->random, 42);
    lab->journal = journal_new(queue_clock(lab->queue), 0);
    lab->timers = timers_virtual(lab->queue);
    if (settings)
        read_settings(&lab->settings, settings);
    err = cluster_open(&lab->cluster, &(struct cluster_options){
        .release = release, .broker_count = brokers, .controllers = controllers, .first_broker_id = release_is_27(release) ? 0 : 1, .dir = "lab",
        .settings = &lab->settings, .host = "localhost", .ports = ports, .queue = lab->queue, .random = &lab->random,
        .journal = lab->journal, .fs = lab->fs,
    }, &reason);
    if (err)
        print_error("%s: %s\n", err_name(err), reason.text);
    CHECK_INT(ERR_OK, err);
    lab->wire = wire_new(lab->cluster);
    return lab;
}

struct wire_lab *wire_lab_new(enum release release, int32_t brokers, const char *settings)
{
    return new_lab(release, brokers, 1, settings);
}

struct wire_lab *wire_lab_new_quorum(int32_t brokers, int32_t controllers)
{
    return new_lab(RELEASE_43, brokers, controllers, NULL);
}

void wire_lab_free(struct wire_lab *lab)
{
    for (size_t i = 0; i < lab->client_count; i++) {
        struct wire_client *client = lab->clients[i];

        if (client->connection)
            connection_close(client->connection, "the test ends");
        frame_done(&client->request);
        buffer_done(&client->answer);
        arena_done(&client->arena);
        mem_free(client);
    }
    wire_free(lab->wire);
    cluster_drop(lab->cluster);
    fs_free(lab->fs);
    journal_free(lab->journal);
    CHECK_INT(0, queue_count(lab->queue));
    queue_free(lab->queue);
    config_map_done(&lab->settings);
    mem_free(lab);
}

void wire_lab_advance_ms(struct wire_lab *lab, int64_t ms)
{
    queue_run_until(lab->queue, queue_now_us(lab->queue) + ms * 1000);
}

static void on_lost(void *context, int64_t number, bool reset)
{
    struct wire_client *client = context;

    (void)number, (void)reset;
    client->connection = NULL;
    client->closed = true;
}

void client_connect(struct wire_client *client)
{
    client->closed = false;
    client->connection = connection_open(client->lab->wire, &(struct connection_options){
        .broker = client->broker, .client_host = "10.0.0.7", .client_port = 40000 + client->number, .timers = &client->lab->timers,
        .network = client->network, .lost = on_lost, .lost_context = client,
    });
}

struct wire_client *wire_lab_client(struct wire_lab *lab, size_t broker_index, bool network)
{
    struct wire_client *client = mem_zero(sizeof(*client));

    client->lab = lab;
    client->number = (int32_t)lab->client_count;
    client->broker = broker_id(cluster_broker_at(lab->cluster, broker_index));
    client->network = network;
    client_connect(client);
    CHECK(lab->client_count < 16);
    lab->clients[lab->client_count++] = client;
    return client;
}

static void on_reply(void *context, struct frame *answer, bool close)
{
    struct wire_client *client = context;

    client->replied = true;
    client->answered = answer != NULL;
    if (answer)
        CHECK_INT(ERR_OK, frame_flatten(answer, &client->answer, NULL));
    if (close) {
        connection_close(client->connection, "the broker closed it");
        client->connection = NULL;
        client->closed = true;
    }
}

void client_begin_bytes(struct wire_client *client, struct bytes frame)
{
    buffer_clear(&client->answer);
    client->replied = client->answered = false;
    connection_request(client->connection, frame, on_reply, client);
}

void client_begin(struct wire_client *client, int16_t key, int16_t version, const void *in)
{
    const struct api *api = api_find(key);
    struct request_header header = { key, version, ++client->correlation_id, "probe" };

    client->key = key;
    client->version = version;
    frame_done(&client->request);
    CHECK_INT(ERR_OK, request_header_encode(request_header_version(api->request, version), &header, &client->request, NULL));
    CHECK_INT(ERR_OK, fields_encode(api->request, version, in, &client->request, NULL));
    client_begin_bytes(client, buffer_bytes(&client->request.bytes));
}

void *client_answer(struct wire_client *client)
{
    const struct api *api = api_find(client->key);
    struct reader reader = reader_of(buffer_bytes(&client->answer));
    struct response_header header;
    struct reason reason = { "" };
    void *out;

    if (!client->answered)
        return NULL;
    arena_reset(&client->arena);
    CHECK_INT(ERR_OK, response_header_decode(response_header_version(api->response, client->version), &reader, &header, NULL));
    CHECK_INT(client->correlation_id, header.correlation_id);
    out = arena_alloc(&client->arena, api->response->size);
    if (fields_decode(api->response, client->version, &reader, &client->arena, out, &reason))
        fail_msg("%s", reason.text);
    CHECK_INT(0, reader_left(&reader));
    return out;
}

void *client_ask(struct wire_client *client, int16_t key, int16_t version, const void *in)
{
    client_begin(client, key, version, in);
    for (int64_t until = queue_now_us(client->lab->queue) + 1000000; !client->replied && queue_next_us(client->lab->queue) <= until;)
        queue_run_next(client->lab->queue);
    if (!client->replied)
        fail_msg("%s v%d: no answer", api_find(key)->name, version);
    return client_answer(client);
}

enum err lab_create_topic(struct wire_client *client, const char *name, int32_t partitions, int16_t factor)
{
    struct create_topics_request_topic topic = { .name = name, .num_partitions = partitions, .replication_factor = factor };
    struct create_topics_request in = { .topics = { &topic, 1 }, .timeout_ms = 30000 };
    struct create_topics_response *out = client_ask(client, 19, 4, &in);

    return out->topics.items[0].error_code;
}

struct records lab_batch(struct arena *arena, int count, int64_t timestamp_ms)
{
    struct batch_builder builder;
    struct bytes bytes;
    uint8_t *kept;

    memset(&builder, 0, sizeof(builder));
    batch_builder_init(&builder, CODEC_NONE);
    for (int i = 0; i < count; i++)
        batch_builder_add(&builder, timestamp_ms, (struct bytes){ 0 }, bytes_text("hello"), NULL, 0);
    CHECK_INT(ERR_OK, batch_builder_finish(&builder, &bytes, NULL));
    kept = arena_alloc(arena, bytes.size);
    memcpy(kept, bytes.data, bytes.size);
    batch_builder_done(&builder);
    return (struct records){ .data = kept, .size = (int32_t)bytes.size };
}

struct produce_response_partition lab_produce(struct wire_client *client, int16_t version, int16_t acks, const char *topic, int32_t partition,
                                              struct records records)
{
    struct produce_request_partition in_partition = { partition, records };
    struct produce_request_topic in_topic = { .name = topic, .partition_data = { &in_partition, 1 } };
    struct produce_request in = { .acks = acks, .timeout_ms = 30000, .topic_data = { &in_topic, 1 } };
    const struct image_topic *known = image_topic(cluster_image(client->lab->cluster), topic);
    struct produce_response *out;

    if (known)
        in_topic.topic_id = known->id;
    out = client_ask(client, 0, version, &in);
    return out ? out->responses.items[0].partition_responses.items[0] : (struct produce_response_partition){ .base_offset = -1 };
}
