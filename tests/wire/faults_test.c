/* Faults at requests: what is matched, what its client sees, what the broker did; and the network between clients and brokers. */
#include "sim/wire/faults.h"

#include <stdio.h>

#include "sim/wire/faults_internal.h"
#include "tests/wire/wire_lab.h"

#define RULE(api_, kind_, ...) \
    &(struct fault_rule) { .api = (api_), .kind = (kind_), .partition = -1, .broker = -1, .from = FAULT_FROM_CLIENTS, __VA_ARGS__ }

static struct produce_response_partition produce(struct wire_client *client, const char *topic, int32_t partition)
{
    struct produce_response_partition out;
    struct arena arena;

    arena_init(&arena);
    out = lab_produce(client, 9, -1, topic, partition, lab_batch(&arena, 1, queue_now_ms(client->lab->queue)));
    arena_done(&arena);
    return out;
}

static int64_t end_of(struct wire_lab *lab, const char *topic, int32_t number)
{
    for (size_t i = 0; i < cluster_broker_count(lab->cluster); i++) {
        struct partition *partition = broker_partition(cluster_broker_at(lab->cluster, i), topic, number);

        if (partition && partition_leads(partition))
            return log_end_offset(partition_log(partition));
    }
    return -1;
}

static struct wire_lab *lab_with_topics(enum release release)
{
    struct wire_lab *lab = wire_lab_new(release, 1, "offsets.topic.num.partitions=1");

    CHECK_INT(ERR_OK, lab_create_topic(wire_lab_client(lab, 0, false), "students", 2, 1));
    CHECK_INT(ERR_OK, lab_create_topic(lab->clients[0], "teachers", 1, 1));
    wire_lab_advance_ms(lab, 100);
    return lab;
}

/* ---- errors, whatever the API ---- */

struct any_items {
    char *items;
    int32_t count;
};

/* One of each: a topic "students" with a partition 0, a group, a resource, ... */
static void fill(const struct field *fields, char *out, int16_t version, struct arena *arena)
{
    for (const struct field *field = fields; field->name; field++) {
        char *at = out + field->offset;

        if (version < field->since || version > field->until)
            continue;
        if (field->array) {
            struct any_items *array = (void *)at;

            array->count = 1;
            array->items = arena_alloc(arena, field->type == T_STRUCT ? field->size : 16);
            at = array->items;
        }
        if (field->type == T_STRUCT && (field->array || field->null_since == NOT_NULL)) {
            fields_preset(&(struct message){ .fields = field->fields, .size = field->size }, at);
            fill(field->fields, at, version, arena);
        } else if (field->type == T_STRING) {
            *(const char **)at = "students";
        } else if (field->type == T_INT8 && !strcmp(field->name, "resource_type")) {
            *(int8_t *)at = 2;
        }
    }
}

static void find_error(const struct field *fields, const char *in, int16_t version, int16_t wanted, int *found)
{
    for (const struct field *field = fields; field->name; field++) {
        const char *at = in + field->offset;
        const struct any_items *array = (const void *)at;

        if (version < field->since || version > field->until)
            continue;
        if (field->type == T_INT16 && !field->array && !strcmp(field->name, "error_code"))
            *found += *(const int16_t *)at == wanted;
        for (int32_t i = 0; field->type == T_STRUCT && field->array && i < array->count; i++)
            find_error(field->fields, array->items + (size_t)i * field->size, version, wanted, found);
    }
}

static void refuse_every_api(enum release release)
{
    struct wire_lab *lab = lab_with_topics(release);
    struct wire_client *client = lab->clients[0];

    faults_add(lab->wire, RULE("*", FAULT_ERROR, .error = ERR_COORDINATOR_NOT_AVAILABLE));
    for (size_t i = 0; i < api_count(); i++) {
        const struct api *api = api_at(i);
        int16_t first, last;

        if (!api_range(api, release, &first, &last))
            continue;
        for (int16_t version = first; version <= last; version++) {
            struct arena arena;
            void *in;
            int found = 0;
            const void *out;

            if (!api_accepts(api, release, version))
                continue;
            arena_init(&arena);
            in = arena_alloc(&arena, api->request->size);
            fields_preset(api->request, in);
            fill(api->request->fields, in, version, &arena);
            if (api->key == 0)
                ((struct produce_request *)in)->acks = 1;
            out = client_ask(client, api->key, version, in);
            find_error(api->response->fields, out, version, ERR_COORDINATOR_NOT_AVAILABLE, &found);
            if (!found)
                fail_msg("%s version %d: the error is nowhere in its answer", api->name, version);
            arena_done(&arena);
        }
    }
    CHECK_INT(0, end_of(lab, "students", 0));
    CHECK(image_topic(cluster_image(lab->cluster), "students"));
    wire_lab_free(lab);
}

TEST(every_api_can_be_answered_with_an_error)
{
    refuse_every_api(RELEASE_27);
    refuse_every_api(RELEASE_43);
}

TEST(what_is_refused_is_not_done)
{
    struct wire_lab *lab = lab_with_topics(RELEASE_43);
    struct wire_client *client = lab->clients[0];
    struct produce_response_partition out;
    int told = 0;

    faults_add(lab->wire, RULE("Produce", FAULT_ERROR, .error = ERR_NOT_LEADER_OR_FOLLOWER, .topic = "stud*", .partition = 1, .skip = 1, .count = 2));
    CHECK_INT(ERR_OK, produce(client, "students", 0).error_code);
    CHECK_INT(ERR_OK, produce(client, "students", 1).error_code); /* skip=1 */
    out = produce(client, "students", 1);
    CHECK_INT(ERR_NOT_LEADER_OR_FOLLOWER, out.error_code);
    CHECK_INT(-1, out.base_offset);
    CHECK_INT(ERR_NOT_LEADER_OR_FOLLOWER, produce(client, "students", 1).error_code);
    CHECK_INT(ERR_OK, produce(client, "students", 1).error_code); /* count=2 */
    CHECK_INT(ERR_OK, produce(client, "teachers", 0).error_code);
    CHECK_INT(2, end_of(lab, "students", 1));
    CHECK_INT(3, faults_at(lab->wire, 0)->matched);
    CHECK_INT(2, faults_at(lab->wire, 0)->hits);
    for (uint64_t n = journal_last(lab->journal); n; n--)
        told += journal_get(lab->journal, n)->kind == EVENT_fault_hit;
    CHECK_INT(2, told);
    wire_lab_free(lab);
}

/* Of a request for several partitions those that are not meant are served. */
TEST(only_the_partition_that_is_meant_is_refused)
{
    struct wire_lab *lab = lab_with_topics(RELEASE_27);
    struct wire_client *client = lab->clients[0];
    struct arena arena;
    struct produce_request_partition two[2] = { { .index = 0 }, { .index = 1 } }, one[1] = { { .index = 0 } };
    struct produce_request_topic topics[2] = { { .name = "students", .partition_data = { two, 2 } }, { .name = "teachers", .partition_data = { one, 1 } } };
    struct produce_request in = { .acks = 1, .timeout_ms = 1000, .topic_data = { topics, 2 } };
    const struct produce_response *out;

    arena_init(&arena);
    two[0].records = two[1].records = one[0].records = lab_batch(&arena, 1, queue_now_ms(lab->queue));
    faults_add(lab->wire, RULE("Produce", FAULT_ERROR, .error = ERR_KAFKA_STORAGE_ERROR, .topic = "students", .partition = 1));
    out = client_ask(client, 0, 8, &in);
    CHECK_INT(2, out->responses.count);
    for (int32_t t = 0; t < 2; t++) {
        const struct produce_response_topic *topic = &out->responses.items[t];
        bool students = !strcmp(topic->name, "students");

        CHECK_INT(students ? 2 : 1, topic->partition_responses.count);
        for (int32_t p = 0; p < topic->partition_responses.count; p++)
            CHECK_INT(students && topic->partition_responses.items[p].index == 1 ? ERR_KAFKA_STORAGE_ERROR : ERR_OK, topic->partition_responses.items[p].error_code);
    }
    CHECK_INT(1, end_of(lab, "students", 0));
    CHECK_INT(0, end_of(lab, "students", 1));
    CHECK_INT(1, end_of(lab, "teachers", 0));
    arena_done(&arena);
    wire_lab_free(lab);
}

TEST(a_fetch_of_a_session_is_refused_for_a_partition_without_news)
{
    struct wire_lab *lab = lab_with_topics(RELEASE_27);
    struct wire_client *client = lab->clients[0];
    struct fetch_request_partition two[2] = { { .partition = 0, .partition_max_bytes = 1000 }, { .partition = 1, .partition_max_bytes = 1000 } };
    struct fetch_request_topic topic = { .topic = "students", .partitions = { two, 2 } };
    struct fetch_request in = { .replica_id = -1, .max_bytes = 100000, .topics = { &topic, 1 }, .rack_id = "" };
    const struct fetch_response *out = client_ask(client, 1, 11, &in);
    int32_t session = out->session_id;

    CHECK(session);
    faults_add(lab->wire, RULE("Fetch", FAULT_ERROR, .error = ERR_NOT_LEADER_OR_FOLLOWER, .topic = "students", .partition = 1));
    in.session_id = session;
    in.session_epoch = 1;
    in.topics.count = 0;
    in.max_wait_ms = 100000;
    in.min_bytes = 1;
    out = client_ask(client, 1, 11, &in);
    CHECK_INT(ERR_OK, out->error_code);
    CHECK_INT(session, out->session_id);
    CHECK_INT(1, out->responses.count);
    CHECK_INT(1, out->responses.items[0].partitions.count);
    CHECK_INT(1, out->responses.items[0].partitions.items[0].partition_index);
    CHECK_INT(ERR_NOT_LEADER_OR_FOLLOWER, out->responses.items[0].partitions.items[0].error_code);
    CHECK_INT(-1, out->responses.items[0].partitions.items[0].high_watermark);
    in.session_epoch = 2; /* the session goes on */
    out = client_ask(client, 1, 11, &in);
    CHECK_INT(ERR_OK, out->error_code);
    wire_lab_free(lab);
}

TEST(refused_records_of_a_fetch_are_let_go)
{
    struct wire_lab *lab = lab_with_topics(RELEASE_43);
    struct wire_client *client = lab->clients[0];
    struct fetch_request_partition one = { .partition = 0, .partition_max_bytes = 1000 };
    struct fetch_request_topic topic = { .topic = "students", .partitions = { &one, 1 } };
    struct fetch_request in = { .replica_id = -1, .max_bytes = 100000, .topics = { &topic, 1 }, .rack_id = "" };
    const struct fetch_response *out;

    CHECK_INT(ERR_OK, produce(client, "students", 0).error_code);
    faults_add(lab->wire, RULE("Fetch", FAULT_ERROR, .error = ERR_OFFSET_OUT_OF_RANGE, .count = 1));
    out = client_ask(client, 1, 11, &in);
    CHECK_INT(ERR_OFFSET_OUT_OF_RANGE, out->responses.items[0].partitions.items[0].error_code);
    CHECK_INT(0, out->responses.items[0].partitions.items[0].records.size);
    in.session_epoch = -1;
    out = client_ask(client, 1, 11, &in);
    CHECK_INT(ERR_OK, out->responses.items[0].partitions.items[0].error_code);
    CHECK(out->responses.items[0].partitions.items[0].records.size > 0);
    wire_lab_free(lab);
}

TEST(metadata_with_an_error_still_names_the_brokers)
{
    struct wire_lab *lab = lab_with_topics(RELEASE_43);
    struct wire_client *client = lab->clients[0];
    struct metadata_request in = { .topics = { NULL, -1 } };
    const struct metadata_response *out;

    faults_add(lab->wire, RULE("Metadata", FAULT_ERROR, .error = ERR_LEADER_NOT_AVAILABLE, .topic = "students", .count = 1));
    faults_add(lab->wire, RULE("Metadata", FAULT_ERROR, .error = ERR_LEADER_NOT_AVAILABLE, .topic = "students", .partition = 1));
    out = client_ask(client, 3, 9, &in);
    CHECK_INT(1, out->brokers.count);
    CHECK_INT(2, out->topics.count);
    CHECK_TEXT("students", out->topics.items[0].name);
    CHECK_INT(ERR_LEADER_NOT_AVAILABLE, out->topics.items[0].error_code);
    CHECK_INT(0, out->topics.items[0].partitions.count);
    CHECK_INT(ERR_OK, out->topics.items[1].error_code);
    out = client_ask(client, 3, 9, &in);
    CHECK_INT(ERR_OK, out->topics.items[0].error_code);
    CHECK_INT(2, out->topics.items[0].partitions.count);
    CHECK_INT(ERR_OK, out->topics.items[0].partitions.items[0].error_code);
    CHECK_INT(ERR_LEADER_NOT_AVAILABLE, out->topics.items[0].partitions.items[1].error_code);
    CHECK_INT(-1, out->topics.items[0].partitions.items[1].leader_id);
    wire_lab_free(lab);
}

TEST(acks_0_and_an_error_close_the_connection)
{
    struct wire_lab *lab = lab_with_topics(RELEASE_43);
    struct wire_client *client = lab->clients[0];
    struct arena arena;

    arena_init(&arena);
    faults_add(lab->wire, RULE("Produce", FAULT_ERROR, .error = ERR_NOT_LEADER_OR_FOLLOWER));
    lab_produce(client, 9, 0, "students", 0, lab_batch(&arena, 1, queue_now_ms(lab->queue)));
    CHECK(client->closed);
    CHECK_INT(0, end_of(lab, "students", 0));
    arena_done(&arena);
    wire_lab_free(lab);
}

TEST(a_group_and_a_client_are_matched)
{
    struct wire_lab *lab = lab_with_topics(RELEASE_43);
    struct wire_client *client = lab->clients[0];
    struct heartbeat_request in = { .group_id = "others", .member_id = "m" };

    faults_add(lab->wire, RULE("Heartbeat", FAULT_ERROR, .error = ERR_REBALANCE_IN_PROGRESS, .group = "team-?"));
    faults_add(lab->wire, RULE("Heartbeat", FAULT_ERROR, .error = ERR_FENCED_INSTANCE_ID, .client = "nobody*"));
    faults_add(lab->wire, RULE("Heartbeat", FAULT_NONE, .client = "prob?"));
    CHECK(ERR_REBALANCE_IN_PROGRESS != ((const struct heartbeat_response *)client_ask(client, 12, 3, &in))->error_code);
    in.group_id = "team-a";
    CHECK_INT(ERR_REBALANCE_IN_PROGRESS, ((const struct heartbeat_response *)client_ask(client, 12, 3, &in))->error_code);
    CHECK_INT(1, faults_at(lab->wire, 0)->hits);
    CHECK_INT(0, faults_at(lab->wire, 1)->hits);
    CHECK_INT(2, faults_at(lab->wire, 2)->hits);
    wire_lab_free(lab);
}

/* ---- lost, late, held ---- */

static void begin_produce(struct wire_client *client, const char *topic)
{
    struct arena arena;
    struct produce_request_partition partition = { 0 };
    struct produce_request_topic in_topic = { .name = topic, .partition_data = { &partition, 1 } };
    struct produce_request in = { .acks = -1, .timeout_ms = 1000, .topic_data = { &in_topic, 1 } };

    arena_init(&arena);
    partition.records = lab_batch(&arena, 1, queue_now_ms(client->lab->queue));
    client_begin(client, 0, 9, &in);
    arena_done(&arena);
}

TEST(a_lost_request_never_comes_and_a_lost_answer_was_one)
{
    struct wire_lab *lab = lab_with_topics(RELEASE_43);
    struct wire_client *first = lab->clients[0], *second = wire_lab_client(lab, 0, true);

    faults_add(lab->wire, RULE("Produce", FAULT_LOSE_REQUEST, .count = 1));
    faults_add(lab->wire, RULE("Produce", FAULT_LOSE_RESPONSE, .count = 1));
    begin_produce(first, "students");
    wire_lab_advance_ms(lab, 60000);
    CHECK(!first->replied && !first->closed);
    CHECK(connection_is_mute(first->connection));
    CHECK_INT(0, end_of(lab, "students", 0));
    begin_produce(second, "students");
    wire_lab_advance_ms(lab, 60000);
    CHECK(!second->replied && !second->closed);
    CHECK_INT(1, end_of(lab, "students", 0));
    connection_close(first->connection, "it gives up");
    first->connection = NULL;
    client_connect(first);
    CHECK_INT(1, produce(first, "students", 0).base_offset);
    CHECK_INT(0, wire_waiting(lab->wire, false).for_time);
    wire_lab_free(lab);
}

TEST(a_late_request_comes_late)
{
    struct wire_lab *lab = lab_with_topics(RELEASE_43);
    struct wire_client *client = lab->clients[0];

    faults_add(lab->wire, RULE("Produce", FAULT_DELAY, .delay_us = 2000000, .count = 1));
    begin_produce(client, "students");
    CHECK_INT(1, wire_waiting(lab->wire, false).for_time);
    wire_lab_advance_ms(lab, 1999);
    CHECK(!client->replied);
    CHECK_INT(0, end_of(lab, "students", 0));
    wire_lab_advance_ms(lab, 1);
    CHECK(client->replied);
    CHECK_INT(1, end_of(lab, "students", 0));
    CHECK_INT(0, wire_waiting(lab->wire, false).for_time);
    wire_lab_free(lab);
}

TEST(what_is_held_goes_on_when_it_is_released)
{
    struct wire_lab *lab = lab_with_topics(RELEASE_43);
    struct wire_client *first = lab->clients[0], *second = wire_lab_client(lab, 0, true);
    uint64_t hold = faults_add(lab->wire, RULE("Produce", FAULT_HOLD));

    begin_produce(first, "students");
    begin_produce(second, "students");
    wire_lab_advance_ms(lab, 60000);
    CHECK(!first->replied && !second->replied);
    CHECK_INT(2, fault_holds(lab->wire, faults_find(lab->wire, hold)));
    CHECK_INT(0, wire_waiting(lab->wire, false).for_time); /* time does not help */
    faults_release(lab->wire, hold);
    CHECK(!first->replied); /* in an event */
    wire_lab_advance_ms(lab, 0);
    CHECK(first->replied && second->replied);
    CHECK_INT(2, end_of(lab, "students", 0));
    CHECK_INT(0, fault_holds(lab->wire, faults_find(lab->wire, hold)));
    CHECK_INT(2, produce(first, "students", 0).base_offset); /* it is over */
    wire_lab_free(lab);
}

/* TCP: what was sent arrives, also if the sender has closed. So a client that tries again writes twice. */
TEST(what_is_held_is_done_though_its_client_gave_up)
{
    struct wire_lab *lab = lab_with_topics(RELEASE_43);
    struct wire_client *client = lab->clients[0];
    uint64_t hold = faults_add(lab->wire, RULE("Produce", FAULT_HOLD, .count = 1)), hole = faults_add(lab->wire, RULE("Produce", FAULT_BLACKHOLE, .count = 1));

    for (int i = 0; i < 2; i++) {
        begin_produce(client, "students");
        connection_close(client->connection, "it gives up");
        buffer_clear(&client->request.bytes); /* its memory is the client's */
        client->connection = NULL;
        client_connect(client);
    }
    CHECK_INT(1, wire_connection_count(lab->wire));
    CHECK_INT(1, fault_holds(lab->wire, faults_find(lab->wire, hold)));
    CHECK_INT(0, fault_holds(lab->wire, faults_find(lab->wire, hole))); /* a hole gives nothing back */
    CHECK_INT(0, produce(client, "students", 0).base_offset);
    faults_clear(lab->wire, hold);
    faults_clear(lab->wire, hole);
    wire_lab_advance_ms(lab, 0);
    CHECK_INT(2, end_of(lab, "students", 0));
    CHECK_INT(2, produce(client, "students", 0).base_offset);
    wire_lab_free(lab);
}

TEST(a_lab_ends_with_requests_on_their_way)
{
    struct wire_lab *lab = lab_with_topics(RELEASE_43);
    struct wire_client *client = lab->clients[0], *second = wire_lab_client(lab, 0, false);

    faults_add(lab->wire, RULE("Produce", FAULT_HOLD, .count = 1));
    faults_add(lab->wire, RULE("Produce", FAULT_DELAY, .delay_us = 1000000, .count = 1));
    begin_produce(client, "students");
    connection_close(client->connection, "it gives up");
    client->connection = NULL;
    begin_produce(second, "students");
    wire_lab_free(lab);
}

/* ---- the network ---- */

TEST(a_slow_link_delays_requests_and_answers)
{
    struct wire_lab *lab = lab_with_topics(RELEASE_43);
    struct wire_client *client = lab->clients[0];

    network_set_link(lab->cluster, &(struct network_link){ .from = NETWORK_CLIENTS, .to = 1, .latency_us = 30000 });
    network_set_link(lab->cluster, &(struct network_link){ .from = 1, .to = NETWORK_CLIENTS, .latency_us = 20000 });
    begin_produce(client, "students");
    wire_lab_advance_ms(lab, 29);
    CHECK_INT(0, end_of(lab, "students", 0));
    wire_lab_advance_ms(lab, 1);
    CHECK_INT(1, end_of(lab, "students", 0));
    wire_lab_advance_ms(lab, 19);
    CHECK(!client->replied);
    CHECK_INT(1, wire_waiting(lab->wire, false).for_time);
    wire_lab_advance_ms(lab, 1);
    CHECK(client->replied);
    CHECK_INT(0, wire_waiting(lab->wire, false).for_time);
    wire_lab_free(lab);
}

TEST(through_a_cut_link_nothing_comes_until_it_is_healed)
{
    struct wire_lab *lab = lab_with_topics(RELEASE_43);
    struct wire_client *client = lab->clients[0];

    network_cut(lab->cluster, NETWORK_CLIENTS, 1);
    begin_produce(client, "students");
    wire_lab_advance_ms(lab, 60000);
    CHECK(!client->replied && !client->closed);
    CHECK_INT(0, end_of(lab, "students", 0));
    CHECK_INT(0, wire_waiting(lab->wire, false).for_time);
    network_heal(lab->cluster, NETWORK_CLIENTS, 1);
    network_cut(lab->cluster, 1, NETWORK_CLIENTS); /* the answer hangs */
    wire_lab_advance_ms(lab, 1000);
    CHECK(!client->replied);
    CHECK_INT(1, end_of(lab, "students", 0));
    network_heal(lab->cluster, 1, NETWORK_CLIENTS);
    wire_lab_advance_ms(lab, 0);
    CHECK(client->replied);
    wire_lab_free(lab);
}

TEST(a_frozen_broker_answers_when_it_thaws)
{
    struct wire_lab *lab = lab_with_topics(RELEASE_43);
    struct wire_client *client = lab->clients[0];

    network_freeze(lab->cluster, 1);
    begin_produce(client, "students");
    wire_lab_advance_ms(lab, 60000);
    CHECK(!client->replied && !client->closed);
    network_thaw(lab->cluster, 1);
    wire_lab_advance_ms(lab, 0);
    CHECK(client->replied);
    wire_lab_free(lab);
}

TEST(cleared_faults_that_were_never_hit_are_remembered)
{
    struct wire_lab *lab = lab_with_topics(RELEASE_43);
    struct text missed = { 0 };
    uint64_t first = faults_add(lab->wire, RULE("Produce", FAULT_ERROR, .error = ERR_KAFKA_STORAGE_ERROR, .count = 1));
    uint64_t second = faults_add(lab->wire, RULE("Fetch", FAULT_HOLD, .client = "x y"));

    produce(lab->clients[0], "students", 0);
    faults_clear(lab->wire, first);
    faults_clear(lab->wire, second);
    CHECK_INT(0, faults_count(lab->wire));
    CHECK_INT(1, faults_missed(lab->wire, &missed));
    CHECK_TEXT("fault 2: Fetch client=x y hold\n", text_chars(&missed));
    CHECK_INT(0, faults_missed(lab->wire, &missed)); /* once */
    text_done(&missed);
    wire_lab_free(lab);
}
