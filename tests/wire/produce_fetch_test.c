/* Records in and out: acks, waits, bounds, isolation, old versions, stamps. */
#include <zlib.h>

#include "sim/log/batch.h"
#include "tests/wire/wire_lab.h"

#define START_MS (LAB_START_US / 1000)

static struct wire_client *with_topic(struct wire_lab *lab, const char *topic, int32_t partitions, int16_t factor)
{
    struct wire_client *client = wire_lab_client(lab, 0, false);

    CHECK_INT(ERR_OK, lab_create_topic(client, topic, partitions, factor));
    wire_lab_advance_ms(lab, 100);
    return client;
}

/* A fetch of one partition, without a session. */
static struct fetch_response_partition fetch(struct wire_client *client, int16_t version, const char *topic, int64_t offset, int32_t max_wait_ms)
{
    struct fetch_request_partition partition = { .partition = 0, .current_leader_epoch = -1, .fetch_offset = offset, .last_fetched_epoch = -1,
                                                 .log_start_offset = -1, .partition_max_bytes = 1048576, .high_watermark = INT64_MAX };
    struct fetch_request_topic in_topic = { .topic = topic, .partitions = { &partition, 1 } };
    struct fetch_request in;
    const struct image_topic *known = image_topic(cluster_image(client->lab->cluster), topic);
    struct fetch_response *out;

    fields_preset(&fetch_request_message, &in);
    if (known)
        in_topic.topic_id = known->id;
    in.topics.items = &in_topic;
    in.topics.count = 1;
    in.replica_id = -1;
    in.max_wait_ms = max_wait_ms;
    in.min_bytes = 1;
    in.max_bytes = 52428800;
    in.rack_id = "";
    out = client_ask(client, 1, version, &in);
    CHECK_INT(0, out->error_code);
    CHECK_INT(1, out->responses.count);
    CHECK_INT(1, out->responses.items[0].partitions.count);
    return out->responses.items[0].partitions.items[0];
}

TEST(what_was_produced_is_fetched_in_every_version)
{
    static const struct { enum release release; int16_t first_produce, last_produce, first_fetch, last_fetch; } releases[] = {
        { RELEASE_27, 3, 8, 4, 12 }, { RELEASE_43, 3, 13, 4, 18 }, { RELEASE_ANY, 3, 13, 4, 18 },
    };

    for (size_t r = 0; r < 3; r++) {
        struct wire_lab *lab = wire_lab_new(releases[r].release, 1, NULL);
        struct wire_client *client = with_topic(lab, "students", 1, 1);
        struct arena arena;
        int64_t next = 0;

        arena_init(&arena);
        for (int16_t version = releases[r].first_produce; version <= releases[r].last_produce; version++) {
            struct produce_response_partition out = lab_produce(client, version, -1, "students", 0, lab_batch(&arena, 3, START_MS));

            CHECK_INT(ERR_OK, out.error_code);
            CHECK_INT(next, out.base_offset);
            next += 3;
        }
        for (int16_t version = releases[r].first_fetch; version <= releases[r].last_fetch; version++) {
            struct fetch_response_partition out = fetch(client, version, "students", 0, 0);
            struct batch batch;
            size_t need;

            CHECK_INT(ERR_OK, out.error_code);
            CHECK_INT(next, out.high_watermark);
            CHECK_INT(next, out.last_stable_offset);
            CHECK(out.records.size > 61);
            CHECK_INT(ERR_OK, batch_decode((struct bytes){ out.records.data, (size_t)out.records.size }, &batch, &need, NULL));
            CHECK_INT(3, batch.record_count);
            CHECK(batch_crc_right(&batch));
        }
        arena_done(&arena);
        wire_lab_free(lab);
    }
}

TEST(old_message_sets_are_taken_and_given_as_2_7_does)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_27, 1, NULL);
    struct wire_client *client = with_topic(lab, "old", 1, 1);
    /* One message of magic 0: offset 0, size 19, crc, magic 0, attributes 0, key null, value "hello". */
    static const uint8_t set[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 19, 0xb8, 0xba, 0x5f, 0x57, 0, 0, 0xff, 0xff, 0xff, 0xff,
                                   0, 0, 0, 5, 'h', 'e', 'l', 'l', 'o' };
    uint8_t bytes[sizeof(set)];
    struct arena arena;
    struct produce_response_partition out;
    struct fetch_response_partition got;

    memcpy(bytes, set, sizeof(set));
    out = lab_produce(client, 0, 1, "old", 0, (struct records){ .data = bytes, .size = sizeof(bytes) });
    CHECK_INT(ERR_CORRUPT_MESSAGE, out.error_code); /* that CRC is wrong */
    put_u32(bytes + 12, (uint32_t)crc32(0, bytes + 16, sizeof(bytes) - 16));
    out = lab_produce(client, 0, 1, "old", 0, (struct records){ .data = bytes, .size = sizeof(bytes) });
    CHECK_INT(ERR_OK, out.error_code);
    CHECK_INT(0, out.base_offset);
    arena_init(&arena);
    out = lab_produce(client, 7, 1, "old", 0, lab_batch(&arena, 2, START_MS));
    arena_done(&arena);
    CHECK_INT(1, out.base_offset);
    got = fetch(client, 3, "old", 0, 0);
    CHECK_INT(ERR_OK, got.error_code);
    CHECK_INT(3 * (12 + 22 + 5), got.records.size); /* three messages of magic 1 */
    CHECK_INT(1, got.records.data[16]);
    got = fetch(client, 0, "old", 2, 0);
    CHECK_INT(12 + 14 + 5, got.records.size); /* magic 0 has no timestamp; from the offset asked for */
    CHECK_INT(0, got.records.data[16]);
    CHECK_INT(2, get_i64(got.records.data));
    got = fetch(client, 4, "old", 0, 0);
    CHECK_INT(2, got.records.data[16]); /* how it lies */
    wire_lab_free(lab);
}

TEST(records_for_nobody_are_refused_by_partition)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, NULL);
    struct wire_client *client = with_topic(lab, "students", 1, 1);
    struct arena arena;
    struct records records, broken;

    arena_init(&arena);
    records = lab_batch(&arena, 1, START_MS);
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, lab_produce(client, 9, 1, "nope", 0, records).error_code);
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, lab_produce(client, 9, 1, "students", 7, records).error_code);
    CHECK_INT(ERR_UNKNOWN_TOPIC_ID, lab_produce(client, 13, 1, "nope", 0, records).error_code);
    CHECK_INT(ERR_INVALID_REQUIRED_ACKS, lab_produce(client, 9, 2, "students", 0, records).error_code);
    CHECK_INT(-1, lab_produce(client, 9, 2, "students", 0, records).base_offset);
    broken = lab_batch(&arena, 1, START_MS);
    ((uint8_t *)broken.data)[70] ^= 1;
    CHECK_INT(ERR_CORRUPT_MESSAGE, lab_produce(client, 9, 1, "students", 0, broken).error_code);
    broken.size = 20;
    CHECK_INT(ERR_INVALID_RECORD, lab_produce(client, 9, 1, "students", 0, broken).error_code);
    CHECK_INT(ERR_INVALID_TIMESTAMP, lab_produce(client, 9, 1, "students", 0, lab_batch(&arena, 1, START_MS + 7200000)).error_code);
    CHECK_INT(0, fetch(client, 12, "students", 0, 0).high_watermark);
    arena_done(&arena);
    wire_lab_free(lab);
}

TEST(without_acks_nothing_is_answered_and_an_error_closes)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, NULL);
    struct wire_client *client = with_topic(lab, "students", 1, 1), *other = wire_lab_client(lab, 0, false);
    struct arena arena;

    arena_init(&arena);
    lab_produce(client, 9, 0, "students", 0, lab_batch(&arena, 1, START_MS));
    CHECK(client->replied && !client->answered && !client->closed);
    CHECK_INT(1, fetch(client, 12, "students", 0, 0).high_watermark);
    lab_produce(other, 9, 0, "nope", 0, lab_batch(&arena, 1, START_MS));
    CHECK(other->closed);
    arena_done(&arena);
    wire_lab_free(lab);
}

TEST(acks_all_waits_for_the_followers)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 3, NULL);
    struct wire_client *client = with_topic(lab, "students", 1, 3), *leader = NULL;
    int32_t id = image_partition(cluster_image(lab->cluster), "students", 0)->leader;
    struct produce_response_partition out;
    struct arena arena;

    arena_init(&arena);
    for (size_t i = 0; i < 3; i++)
        if (broker_id(cluster_broker_at(lab->cluster, i)) == id)
            leader = wire_lab_client(lab, i, true);
        else
            client = wire_lab_client(lab, i, true);
    out = lab_produce(client, 9, -1, "students", 0, lab_batch(&arena, 1, START_MS));
    CHECK_INT(ERR_NOT_LEADER_OR_FOLLOWER, out.error_code);
    {
        struct records records = lab_batch(&arena, 1, START_MS);
        struct produce_request_partition in_partition = { 0, records };
        struct produce_request_topic in_topic = { .name = "students", .partition_data = { &in_partition, 1 } };
        struct produce_request in = { .acks = -1, .timeout_ms = 30000, .topic_data = { &in_topic, 1 } };

        client_begin(leader, 0, 9, &in);
        CHECK(!leader->replied);
        CHECK_INT(1, wire_waiting(lab->wire, true).for_time);
        CHECK_INT(0, wire_waiting(lab->wire, true).for_data);
        wire_lab_advance_ms(lab, 1000);
        CHECK(leader->answered);
        CHECK_INT(0, wire_waiting(lab->wire, true).for_time);
    }
    CHECK_INT(1, fetch(leader, 12, "students", 0, 0).high_watermark);
    arena_done(&arena);
    wire_lab_free(lab);
}

TEST(a_new_leader_is_named_to_those_who_ask_the_wrong_broker)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 2, NULL);
    struct wire_client *client = with_topic(lab, "students", 1, 1);
    int32_t id = image_partition(cluster_image(lab->cluster), "students", 0)->leader;
    struct wire_client *wrong = wire_lab_client(lab, broker_id(cluster_broker_at(lab->cluster, 0)) == id ? 1 : 0, true);
    struct produce_response_partition out;
    struct arena arena;

    (void)client;
    arena_init(&arena);
    out = lab_produce(wrong, 12, 1, "students", 0, lab_batch(&arena, 1, START_MS));
    CHECK_INT(ERR_NOT_LEADER_OR_FOLLOWER, out.error_code);
    CHECK_INT(id, out.current_leader.leader_id);
    arena_done(&arena);
    wire_lab_free(lab);
}

/* ---- waiting for data ---- */

static void begin_fetch_of(struct wire_client *client, int16_t version, int64_t offset, int32_t max_wait_ms, int32_t min_bytes)
{
    struct fetch_request_partition partition = { .partition = 0, .current_leader_epoch = -1, .fetch_offset = offset, .last_fetched_epoch = -1,
                                                 .log_start_offset = -1, .partition_max_bytes = 1048576 };
    struct fetch_request_topic topic = { .topic = "students", .topic_id = image_topic(cluster_image(client->lab->cluster), "students")->id, .partitions = { &partition, 1 } };
    struct fetch_request in;

    fields_preset(&fetch_request_message, &in);
    in.topics.items = &topic;
    in.topics.count = 1;
    in.max_wait_ms = max_wait_ms;
    in.min_bytes = min_bytes;
    client_begin(client, 1, version, &in);
}

static void begin_fetch(struct wire_client *client, int64_t offset, int32_t max_wait_ms, int32_t min_bytes)
{
    begin_fetch_of(client, 11, offset, max_wait_ms, min_bytes);
}

TEST(a_fetch_waits_for_data_and_no_longer_than_it_said)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, NULL);
    struct wire_client *producer = with_topic(lab, "students", 1, 1), *client = wire_lab_client(lab, 0, true);
    struct fetch_response *out;
    struct connection_info info;
    struct arena arena;

    arena_init(&arena);
    begin_fetch(client, 0, 500, 1);
    CHECK(!client->replied && connection_busy(client->connection));
    wire_connection_get(lab->wire, 1, &info);
    CHECK_TEXT("Fetch", info.waiting_in);
    CHECK(info.waits_for_data);
    CHECK_INT(1, wire_waiting(lab->wire, true).for_data);
    wire_lab_advance_ms(lab, 499);
    CHECK(!client->replied);
    wire_lab_advance_ms(lab, 1);
    out = client_answer(client);
    CHECK(out);
    CHECK_INT(0, out->responses.items[0].partitions.items[0].records.size);
    CHECK_INT(0, wire_waiting(lab->wire, true).for_data);

    begin_fetch(client, 0, 500, 1);
    lab_produce(producer, 9, 1, "students", 0, lab_batch(&arena, 1, START_MS));
    wire_lab_advance_ms(lab, 0);
    out = client_answer(client);
    CHECK(out);
    CHECK(out->responses.items[0].partitions.items[0].records.size > 61);

    begin_fetch(client, 1, 500, 100); /* one batch has 74 bytes */
    lab_produce(producer, 9, 1, "students", 0, lab_batch(&arena, 1, START_MS));
    wire_lab_advance_ms(lab, 0);
    CHECK(!client->replied);
    lab_produce(producer, 9, 1, "students", 0, lab_batch(&arena, 1, START_MS));
    wire_lab_advance_ms(lab, 0);
    CHECK(client->answered);
    arena_done(&arena);
    wire_lab_free(lab);
}

TEST(a_client_that_goes_leaves_nothing_waiting)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, NULL);
    struct wire_client *producer = with_topic(lab, "students", 1, 1), *client = wire_lab_client(lab, 0, true);
    struct arena arena;

    arena_init(&arena);
    begin_fetch(client, 0, 500, 1);
    connection_close(client->connection, "it was tired");
    client->connection = NULL;
    CHECK_INT(0, wire_waiting(lab->wire, false).for_data);
    lab_produce(producer, 9, 1, "students", 0, lab_batch(&arena, 1, START_MS));
    wire_lab_advance_ms(lab, 1000);
    CHECK(!client->replied);
    arena_done(&arena);
    wire_lab_free(lab);
}

static void check_deleted(int16_t version)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, NULL);
    struct wire_client *admin = with_topic(lab, "students", 1, 1), *client = wire_lab_client(lab, 0, true);
    const char *name = "students";
    struct delete_topics_request in = { .topic_names = { &name, 1 }, .timeout_ms = 1000 };
    struct fetch_response *out;

    begin_fetch_of(client, version, 0, 5000, 1);
    client_ask(admin, 20, 5, &in);
    wire_lab_advance_ms(lab, 10);
    out = client_answer(client);
    CHECK(out);
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, out->responses.items[0].partitions.items[0].error_code);
    wire_lab_free(lab);
}

TEST(a_deleted_topic_ends_the_wait) { check_deleted(11); }
TEST(a_deleted_topic_ends_the_wait_of_who_asked_by_its_id) { check_deleted(17); }

TEST(an_offset_that_is_not_there_is_said_at_once)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, NULL);
    struct wire_client *client = with_topic(lab, "students", 1, 1);
    struct fetch_response_partition out = fetch(client, 12, "students", 5, 500);

    CHECK_INT(ERR_OFFSET_OUT_OF_RANGE, out.error_code);
    CHECK_INT(-1, out.high_watermark);
    CHECK_INT(0, out.records.size);
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, fetch(client, 12, "nope", 0, 500).error_code);
    CHECK_INT(ERR_UNKNOWN_TOPIC_ID, fetch(client, 13, "nope", 0, 500).error_code);
    wire_lab_free(lab);
}

/* ---- time ---- */

static struct list_offsets_response_partition list_offsets(struct wire_client *client, int16_t version, int64_t timestamp)
{
    struct list_offsets_request_partition partition = { .current_leader_epoch = -1, .timestamp = timestamp, .max_num_offsets = 10 };
    struct list_offsets_request_topic topic = { "students", { &partition, 1 } };
    struct list_offsets_request in = { .replica_id = -1, .topics = { &topic, 1 } };
    struct list_offsets_response *out = client_ask(client, 2, version, &in);

    return out->topics.items[0].partitions.items[0];
}

TEST(offsets_are_found_by_time)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_ANY, 1, NULL);
    struct wire_client *client = with_topic(lab, "students", 1, 1);
    struct list_offsets_response_partition out;
    struct arena arena;

    arena_init(&arena);
    for (int i = 0; i < 3; i++)
        lab_produce(client, 9, 1, "students", 0, lab_batch(&arena, 2, START_MS + i * 10));
    out = list_offsets(client, 5, -1);
    CHECK_INT(6, out.offset);
    CHECK_INT(-1, out.timestamp);
    CHECK_INT(0, out.leader_epoch);
    CHECK_INT(0, list_offsets(client, 5, -2).offset);
    out = list_offsets(client, 5, START_MS + 5);
    CHECK_INT(2, out.offset);
    CHECK_INT(START_MS + 10, out.timestamp);
    CHECK_INT(-1, list_offsets(client, 5, START_MS + 21).offset);
    CHECK_INT(4, list_offsets(client, 7, -3).offset);
    CHECK_INT(ERR_UNSUPPORTED_VERSION, list_offsets(client, 6, -3).error_code);
    CHECK_INT(0, list_offsets(client, 8, -4).offset);
    CHECK_INT(-1, list_offsets(client, 9, -5).offset);
    out = list_offsets(client, 0, -1);
    CHECK_INT(2, out.old_style_offsets.count);
    CHECK_INT(6, out.old_style_offsets.items[0]);
    CHECK_INT(0, out.old_style_offsets.items[1]);
    arena_done(&arena);
    wire_lab_free(lab);
}

TEST(stamps_of_real_clients_follow_the_virtual_clock)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, NULL);
    struct wire_client *inside = with_topic(lab, "students", 1, 1), *real = wire_lab_client(lab, 0, true);
    const int64_t day_ms = 86400000;
    int64_t now_ms = queue_now_ms(lab->queue), wall_ms = now_ms - day_ms; /* the lab is a day ahead */
    struct records records;
    struct arena arena;
    struct fetch_response_partition got;

    arena_init(&arena);
    wire_set_shift(lab->wire, day_ms * 1000, wall_ms);
    records = lab_batch(&arena, 1, wall_ms);
    lab_produce(real, 9, 1, "students", 0, records);
    CHECK_INT(wall_ms, get_i64(records.data + 35)); /* what came in is not touched */
    got = fetch(real, 12, "students", 0, 0);
    CHECK_INT(now_ms, get_i64(got.records.data + 27));
    CHECK_INT(now_ms, get_i64(got.records.data + 35));
    lab_produce(real, 9, 1, "students", 0, lab_batch(&arena, 1, wall_ms - 400000)); /* over five minutes off: meant so */
    CHECK_INT(wall_ms - 400000, get_i64(fetch(real, 12, "students", 1, 0).records.data + 35));
    lab_produce(inside, 9, 1, "students", 0, lab_batch(&arena, 1, wall_ms));
    CHECK_INT(wall_ms, get_i64(fetch(real, 12, "students", 2, 0).records.data + 35));
    wire_set_keep_timestamps(lab->wire, true);
    lab_produce(real, 9, 1, "students", 0, lab_batch(&arena, 1, wall_ms));
    CHECK_INT(wall_ms, get_i64(fetch(real, 12, "students", 3, 0).records.data + 35));
    arena_done(&arena);
    wire_lab_free(lab);
}

TEST(an_idempotent_producer_gets_an_id_and_no_duplicates)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, NULL);
    struct wire_client *client = with_topic(lab, "students", 1, 1);
    struct init_producer_id_response *out = client_ask(client, 22, 4, &(struct init_producer_id_request){ .producer_id = -1, .producer_epoch = -1 });
    int64_t first = out->producer_id;

    CHECK_INT(ERR_OK, out->error_code);
    CHECK_INT(0, out->producer_epoch);
    out = client_ask(client, 22, 4, &(struct init_producer_id_request){ .producer_id = -1, .producer_epoch = -1 });
    CHECK_INT(first + 1, out->producer_id);
    out = client_ask(client, 22, 4, &(struct init_producer_id_request){ .transactional_id = "t1", .producer_id = -1, .producer_epoch = -1 });
    CHECK_INT(ERR_UNSUPPORTED_VERSION, out->error_code);
    CHECK_INT(-1, out->producer_id);
    wire_lab_free(lab);
}

/* ---- transactions: their coordinator is played here ---- */
static void append_transactional(struct wire_lab *lab, int64_t producer_id, int32_t sequence, bool marker)
{
    struct partition *partition = broker_partition(cluster_broker_at(lab->cluster, 0), "students", 0);
    struct log_append append = { .origin = marker ? APPEND_COORDINATOR : APPEND_CLIENT, .produce_version = -1, .now_ms = queue_now_ms(lab->queue) };
    struct batch_builder builder = { 0 };
    struct log_appended appended;
    uint8_t key[4] = { 0 }, value[6] = { 0 };

    batch_builder_init(&builder, CODEC_NONE);
    builder.producer_id = producer_id;
    builder.producer_epoch = 0;
    builder.base_sequence = marker ? -1 : sequence;
    builder.attributes |= ATTRIBUTE_TRANSACTIONAL | (marker ? ATTRIBUTE_CONTROL : 0);
    batch_builder_add(&builder, START_MS, marker ? (struct bytes){ key, 4 } : (struct bytes){ 0 }, marker ? (struct bytes){ value, 6 } : bytes_text("x"),
                      NULL, 0);
    CHECK_INT(ERR_OK, batch_builder_finish(&builder, &append.records, NULL));
    CHECK_INT(ERR_OK, partition_append(partition, &append, 1, &appended, NULL));
    batch_builder_done(&builder);
}

static struct fetch_response_partition fetch_committed(struct wire_client *client, int16_t version, int64_t offset, int8_t isolation, int32_t most)
{
    struct fetch_request_partition partition = { .partition = 0, .current_leader_epoch = -1, .fetch_offset = offset, .last_fetched_epoch = -1,
                                                 .log_start_offset = -1, .partition_max_bytes = most, .high_watermark = INT64_MAX };
    struct fetch_request_topic in_topic = { .topic = "students", .partitions = { &partition, 1 } };
    struct fetch_request in;
    struct fetch_response *out;

    fields_preset(&fetch_request_message, &in);
    in_topic.topic_id = image_topic(cluster_image(client->lab->cluster), "students")->id;
    in.topics.items = &in_topic;
    in.topics.count = 1;
    in.replica_id = -1;
    in.max_wait_ms = 0;
    in.min_bytes = 1;
    in.max_bytes = 52428800;
    in.isolation_level = isolation;
    in.rack_id = "";
    out = client_ask(client, 1, version, &in);
    CHECK_INT(1, out->responses.count);
    return out->responses.items[0].partitions.items[0];
}

TEST(read_committed_ends_at_the_last_stable_offset_and_names_what_was_aborted)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, NULL);
    struct wire_client *client = with_topic(lab, "students", 1, 1);

    append_transactional(lab, 9, 0, false);                /* 0 */
    append_transactional(lab, 8, 0, false);                /* 1 */
    append_transactional(lab, 9, -1, true);                /* 2: 9 is aborted */
    append_transactional(lab, 7, 0, false);                /* 3: stays open */
    for (int16_t version = 4; version <= 18; version++) {
        struct fetch_response_partition out = fetch_committed(client, version, 0, 1, 1 << 20);

        CHECK_INT(4, out.high_watermark);
        CHECK_INT(1, out.last_stable_offset);              /* 8 is open, too */
        CHECK_INT(69, out.records.size);
        CHECK_INT(1, out.aborted_transactions.count);
        CHECK_INT(9, out.aborted_transactions.items[0].producer_id);
        CHECK_INT(0, out.aborted_transactions.items[0].first_offset);
        out = fetch_committed(client, version, 1, 1, 1 << 20);
        CHECK_INT(0, out.records.size);                    /* an empty list, and not none */
        CHECK_INT(0, out.aborted_transactions.count);
        out = fetch_committed(client, version, 0, 0, 1 << 20);
        CHECK_INT(1, out.last_stable_offset);
        CHECK_INT(69 * 3 + 78, out.records.size);
        CHECK_INT(-1, out.aborted_transactions.count);     /* read_uncommitted: nobody asks */
    }
    append_transactional(lab, 8, -1, true);                /* 4 */
    append_transactional(lab, 7, -1, true);                /* 5 */
    CHECK_INT(6, fetch_committed(client, 11, 0, 1, 1 << 20).last_stable_offset);
    CHECK_INT(3, fetch_committed(client, 11, 0, 1, 1 << 20).aborted_transactions.count);
    CHECK_INT(2, fetch_committed(client, 11, 3, 1, 1 << 20).aborted_transactions.count);
    CHECK_INT(1, fetch_committed(client, 11, 5, 1, 1 << 20).aborted_transactions.count);
    wire_lab_free(lab);
}
