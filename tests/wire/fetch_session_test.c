/* Fetch sessions (KIP-227): only what changed is asked and answered. */
#include "tests/wire/wire_lab.h"

#define START_MS (LAB_START_US / 1000)

struct ask {                      /* partitions of `students` to name, with offsets */
    int32_t session, epoch;
    int32_t partitions[4];
    int64_t offsets[4];
    int count;
    int32_t forget;               /* -1: none */
};

static struct fetch_response *ask(struct wire_client *client, int16_t version, struct ask what)
{
    struct uuid id = image_topic(cluster_image(client->lab->cluster), "students")->id;
    struct fetch_request_partition partitions[4];
    struct fetch_request_topic topic = { .topic = "students", .topic_id = id, .partitions = { partitions, what.count } };
    struct fetch_request_forgotten_topic forgotten = { .topic = "students", .topic_id = id, .partitions = { &what.forget, 1 } };
    struct fetch_request in;

    fields_preset(&fetch_request_message, &in);
    for (int i = 0; i < what.count; i++)
        partitions[i] = (struct fetch_request_partition){ .partition = what.partitions[i], .current_leader_epoch = -1, .last_fetched_epoch = -1,
                                                          .fetch_offset = what.offsets[i], .log_start_offset = -1, .partition_max_bytes = 1048576,
                                                          .high_watermark = INT64_MAX };
    in.topics.items = &topic;
    in.topics.count = what.count > 0;
    in.forgotten_topics_data.items = &forgotten;
    in.forgotten_topics_data.count = what.forget >= 0;
    in.session_id = what.session;
    in.session_epoch = what.epoch;
    in.min_bytes = 1;
    return client_ask(client, 1, version, &in);
}

static int32_t answered(const struct fetch_response *out)
{
    int32_t count = 0;

    for (int32_t i = 0; i < out->responses.count; i++)
        count += out->responses.items[i].partitions.count;
    return count;
}

static void produce(struct wire_client *client, int32_t partition)
{
    struct arena arena;

    arena_init(&arena);
    CHECK_INT(ERR_OK, lab_produce(client, 9, 1, "students", partition, lab_batch(&arena, 1, START_MS)).error_code);
    arena_done(&arena);
}

static struct wire_lab *lab_with_session(int16_t version, struct wire_client **client, int32_t *session)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_ANY, 1, NULL);
    struct fetch_response *out;

    *client = wire_lab_client(lab, 0, false);
    lab_create_topic(*client, "students", 3, 1);
    out = ask(*client, version, (struct ask){ .partitions = { 0, 1, 2 }, .count = 3, .forget = -1 });
    CHECK_INT(ERR_OK, out->error_code);
    CHECK(out->session_id > 0);
    CHECK_INT(3, answered(out));
    *session = out->session_id;
    return lab;
}

static void check_session(int16_t version)
{
    struct wire_client *client;
    int32_t session;
    struct wire_lab *lab = lab_with_session(version, &client, &session);
    struct fetch_response *out = ask(client, version, (struct ask){ .session = session, .epoch = 1, .forget = -1 });

    CHECK_INT(session, out->session_id);
    CHECK_INT(0, answered(out)); /* nothing is new */
    produce(client, 1);
    out = ask(client, version, (struct ask){ .session = session, .epoch = 2, .forget = -1 });
    CHECK_INT(1, answered(out));
    CHECK_INT(1, out->responses.items[0].partitions.items[0].partition_index);
    CHECK(out->responses.items[0].partitions.items[0].records.size > 61);
    produce(client, 0);
    produce(client, 1);
    out = ask(client, version, (struct ask){ .session = session, .epoch = 3, .partitions = { 1 }, .offsets = { 1 }, .count = 1, .forget = -1 });
    CHECK_INT(2, answered(out));
    CHECK_INT(0, out->responses.items[0].partitions.items[0].partition_index); /* who got data went to the end */
    CHECK_INT(1, out->responses.items[0].partitions.items[1].partition_index);
    out = ask(client, version, (struct ask){ .session = session, .epoch = 4, .partitions = { 0, 1 }, .offsets = { 1, 2 }, .count = 2, .forget = 2 });
    CHECK_INT(0, answered(out));
    produce(client, 2);
    CHECK_INT(0, answered(ask(client, version, (struct ask){ .session = session, .epoch = 5, .forget = -1 }))); /* it was forgotten */
    wire_lab_free(lab);
}

TEST(a_session_answers_what_changed) { check_session(12); }
TEST(a_session_answers_what_changed_by_topic_id) { check_session(17); }

TEST(a_session_has_to_be_known_and_in_step)
{
    struct wire_client *client;
    int32_t session;
    struct wire_lab *lab = lab_with_session(11, &client, &session);

    CHECK_INT(ERR_FETCH_SESSION_ID_NOT_FOUND, ask(client, 11, (struct ask){ .session = session + 1, .epoch = 1, .forget = -1 })->error_code);
    CHECK_INT(ERR_INVALID_FETCH_SESSION_EPOCH, ask(client, 11, (struct ask){ .session = session, .epoch = 2, .forget = -1 })->error_code);
    CHECK_INT(ERR_FETCH_SESSION_TOPIC_ID_ERROR, ask(client, 13, (struct ask){ .session = session, .epoch = 1, .forget = -1 })->error_code);
    CHECK_INT(ERR_OK, ask(client, 11, (struct ask){ .session = session, .epoch = 1, .forget = -1 })->error_code);
    /* Epoch -1 ends it; 0 ends it and begins another. */
    CHECK_INT(0, ask(client, 11, (struct ask){ .session = session, .epoch = -1, .partitions = { 0 }, .count = 1, .forget = -1 })->session_id);
    CHECK_INT(ERR_FETCH_SESSION_ID_NOT_FOUND, ask(client, 11, (struct ask){ .session = session, .epoch = 2, .forget = -1 })->error_code);
    wire_lab_free(lab);
}

TEST(a_partition_in_trouble_is_told_until_it_is_well)
{
    struct wire_client *client;
    int32_t session;
    struct wire_lab *lab = lab_with_session(12, &client, &session);
    struct fetch_response *out = ask(client, 12, (struct ask){ .session = session, .epoch = 1, .partitions = { 1 }, .offsets = { 9 }, .count = 1, .forget = -1 });

    CHECK_INT(1, answered(out));
    CHECK_INT(ERR_OFFSET_OUT_OF_RANGE, out->responses.items[0].partitions.items[0].error_code);
    CHECK_INT(1, answered(ask(client, 12, (struct ask){ .session = session, .epoch = 2, .forget = -1 })));
    out = ask(client, 12, (struct ask){ .session = session, .epoch = 3, .partitions = { 1 }, .offsets = { 0 }, .count = 1, .forget = -1 });
    CHECK_INT(1, answered(out)); /* the high watermark is news again */
    CHECK_INT(0, out->responses.items[0].partitions.items[0].error_code);
    CHECK_INT(0, answered(ask(client, 12, (struct ask){ .session = session, .epoch = 4, .forget = -1 })));
    wire_lab_free(lab);
}

TEST(a_session_of_which_all_is_forgotten_ends)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_27, 1, NULL);
    struct wire_client *client = wire_lab_client(lab, 0, false);
    int32_t session;

    lab_create_topic(client, "students", 1, 1);
    session = ask(client, 12, (struct ask){ .partitions = { 0 }, .count = 1, .forget = -1 })->session_id;
    CHECK_INT(0, ask(client, 12, (struct ask){ .session = session, .epoch = 1, .forget = 0 })->session_id);
    CHECK_INT(ERR_FETCH_SESSION_ID_NOT_FOUND, ask(client, 12, (struct ask){ .session = session, .epoch = 2, .forget = -1 })->error_code);
    wire_lab_free(lab);
}
