/* Rewinding: at any moment of a history, the past is what the lab was then - files, journal, tables - and the lab that lives does not notice. */
#include "sim/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/sim/sim_lab.h"

#define SETTINGS "log.index.size.max.bytes=8192 log.retention.check.interval.ms=10000 offsets.topic.num.partitions=3"
enum { MOST_MOMENTS = 400 };

struct moment_kept {
    int64_t at_us;
    uint64_t entry;        /* the journal's last */
    char *sums, *events, *tables;
};
struct history {
    struct sim_lab sim;
    struct recorder *recorder;     /* NULL: nobody keeps its inputs */
    struct moment_kept moments[MOST_MOMENTS];
    size_t count;
    void (*meanwhile)(struct history *history);
};

static void head(void *context, int count, const char *const *names)
{
    for (int i = 0; i < count; i++)
        text_printf(context, "%s ", names[i]);
    text_char(context, '\n');
}

static bool row(void *context, const struct sql_row *row)
{
    for (int i = 0; i < row->count; i++) {
        const struct value *value = &row->values[i];

        if (value->type == VALUE_TEXT)
            text_add_size(context, value->text, value->size);
        else if (value->type == VALUE_INT)
            text_printf(context, "%lld", (long long)value->integer);
        text_char(context, '|');
    }
    text_char(context, '\n');
    return true;
}

static char *dump_tables(struct lab *lab)
{
    static const char *const tables[] = { "brokers", "topics", "partitions", "replicas", "segments", "batches", "records", "groups", "members", "offsets",
                                          "producers", "configs", "decisions", "connections" };
    struct text out = { 0 };

    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
        char *query = mem_printf("SELECT * FROM %s", tables[i]);
        struct reason reason = { "" };

        text_printf(&out, "%s: ", tables[i]);
        if (sql_query(lab_sql(lab), query, head, row, &out, NULL, &reason))
            fail_msg("%s: %s", query, reason.text);
        mem_free(query);
    }
    return text_take(&out);
}

static void keep(struct history *history)
{
    struct lab *lab = history->sim.lab;
    struct moment_kept *moment = &history->moments[history->count++];

    CHECK(history->count < MOST_MOMENTS);
    *moment = (struct moment_kept){ queue_now_us(lab_queue(lab)), journal_last(lab_journal(lab)), sim_lab_sums(lab), sim_lab_events(lab), dump_tables(lab) };
    if (history->meanwhile)
        history->meanwhile(history);
    sim_lab_advance_ms(&history->sim, 1); /* what comes next is of another moment */
}

/* Topics, records, a group whose member is thrown out, a pause, rolls, retention and unlinking. */
static void live(struct history *history, enum release release, int32_t brokers)
{
    struct sim_lab *sim = &history->sim;
    struct join_group_request_protocol protocol = { .name = "range", .metadata = bytes_text("meta") };
    struct join_group_request join = { .group_id = "team", .session_timeout_ms = 6000, .rebalance_timeout_ms = 6000, .member_id = "",
                                       .protocol_type = "consumer", .protocols = { &protocol, 1 } };
    struct find_coordinator_request find = { .key = "team" };
    struct metadata_request_topic internal = { .name = "__consumer_offsets" };
    struct metadata_request metadata = { .topics = { &internal, 1 }, .allow_auto_topic_creation = true };
    struct wire_client *admin, *end = NULL;
    int32_t leader;

    sim_lab_open(sim, release, brokers, 5, SETTINGS);
    if (history->meanwhile || history->recorder)
        history->recorder = recorder_new(sim->lab, 0);
    sim_lab_advance_ms(sim, 1);
    keep(history);
    admin = wire_lab_client(&sim->ends, 0, true);
    sim_create_topic(admin, "students", 1, (int16_t)brokers, "retention.ms", "20000");
    keep(history);
    sim_lab_advance_ms(sim, 500);
    sim_alter_topic(admin, "students", "segment.bytes", "1048576");
    sim_alter_topic(admin, "students", "segment.ms", "3000");
    leader = image_topic(cluster_image(lab_cluster(sim->lab)), "students")->partitions[0].leader;
    for (size_t i = 0; i < (size_t)brokers; i++)
        if (broker_id(cluster_broker_at(lab_cluster(sim->lab), i)) == leader)
            end = wire_lab_client(&sim->ends, i, true);
    for (int i = 0; i < 10; i++) {
        sim_produce(end, "students", 0, "a record of the past's test", 1 + i % 3, queue_now_ms(lab_queue(sim->lab)));
        sim_lab_advance_ms(sim, 1403);
        keep(history);
    }
    lab_set_pace(sim->lab, PACE_PAUSED);
    lab_set_pace(sim->lab, PACE_RUNNING);
    client_ask(end, 3, 5, &metadata);
    sim_lab_advance_ms(sim, 1000);
    for (size_t i = 0; i < (size_t)brokers; i++) {
        struct wire_client *member = wire_lab_client(&sim->ends, i, true);

        if (((struct find_coordinator_response *)client_ask(member, 10, 2, &find))->node_id == broker_id(cluster_broker_at(lab_cluster(sim->lab), i)))
            client_ask(member, 11, 3, &join);
    }
    keep(history);
    connection_close(admin->connection, "gone");
    admin->connection = NULL;
    for (int i = 0; i < 200 && queue_now_ms(lab_queue(sim->lab)) < LAB_START_US / 1000 + 120000; i++) { /* event by event */
        uint64_t last = journal_last(lab_journal(sim->lab));

        if (!lab_step(sim->lab))
            break;
        if (journal_last(lab_journal(sim->lab)) == last)
            continue;
        if (queue_next_us(lab_queue(sim->lab)) > queue_now_us(lab_queue(sim->lab)))
            keep(history);
    }
    CHECK(history->count > 20);
}

static void end(struct history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        mem_free(history->moments[i].sums);
        mem_free(history->moments[i].events);
        mem_free(history->moments[i].tables);
    }
    recorder_free(history->recorder);
    sim_lab_close(&history->sim);
}

/* Long texts: only where they part is shown. */
static void check_same(const char *expected, const char *got)
{
    size_t at = 0, line = 0;

    for (; expected[at] && expected[at] == got[at]; at++)
        line = expected[at] == '\n' ? at + 1 : line;
    if (expected[at] != got[at])
        fail_msg("expected: %.300s\n but got: %.300s", expected + line, got + line);
}

static void check_moment(struct lab *lab, const struct moment_kept *moment)
{
    char *sums = sim_lab_sums(lab), *events = sim_lab_events(lab), *tables = dump_tables(lab);

    check_same(moment->events, events);
    check_same(moment->sums, sums);
    check_same(moment->tables, tables);
    mem_free(sums);
    mem_free(events);
    mem_free(tables);
}

static void run_past(struct past *past, int64_t at_us)
{
    struct reason reason = { "" };

    while (!lab_run_slice(past_lab(past), at_us, NULL))
        ;
    if (past_error(past, &reason))
        fail_msg("%s", reason.text);
    CHECK_INT(at_us, queue_now_us(lab_queue(past_lab(past))));
}

static struct past *open_past(const struct history *history)
{
    struct reason reason = { "" };
    struct past *past;

    if (past_open_live(&past, history->recorder, NULL, NULL, &reason))
        fail_msg("%s", reason.text);
    return past;
}

/* Goes back, to the moment itself or one before it. */
static void look_back(struct history *history)
{
    struct past *past;

    if (history->count % 3)
        return;
    past = open_past(history);

    run_past(past, history->moments[history->count - 1].at_us);
    check_moment(past_lab(past), &history->moments[history->count - 1]);
    past_close(past);
}

static void check_history(enum release release, int32_t brokers)
{
    struct history *seen = mem_zero(sizeof(*seen)), *alone = mem_zero(sizeof(*alone));
    struct past *past;

    seen->meanwhile = look_back;
    live(seen, release, brokers);
    live(alone, release, brokers);
    CHECK_INT(alone->count, seen->count);
    for (size_t i = 0; i < alone->count; i++) { /* nobody noticed */
        CHECK_TEXT(alone->moments[i].events, seen->moments[i].events);
        CHECK_TEXT(alone->moments[i].sums, seen->moments[i].sums);
    }
    past = open_past(seen); /* and all of them in one walk, with guests who read */
    for (size_t i = 0; i < seen->count; i++) {
        run_past(past, seen->moments[i].at_us);
        CHECK(!lab_past_at_end(past_lab(past)));
        check_moment(past_lab(past), &seen->moments[i]);
    }
    run_past(past, queue_now_us(lab_queue(seen->sim.lab)));
    CHECK(lab_past_at_end(past_lab(past)));
    sim_lab_advance_ms(&seen->sim, 5000); /* the present moves on, and the past may follow */
    CHECK(!lab_past_at_end(past_lab(past)));
    run_past(past, queue_now_us(lab_queue(seen->sim.lab)));
    CHECK(lab_past_at_end(past_lab(past)));
    past_close(past);
    end(seen);
    end(alone);
    mem_free(seen);
    mem_free(alone);
}

TEST(at_each_moment_the_past_is_what_the_lab_was)
{
    check_history(RELEASE_27, 1);
    check_history(RELEASE_43, 3);
}

/* To an entry of the journal: right after the event that wrote it. */
TEST(a_past_stops_at_the_event_that_wrote_an_entry)
{
    struct history *history = mem_zero(sizeof(*history));
    struct past *past;

    history->meanwhile = look_back;
    live(history, RELEASE_27, 1);
    past = open_past(history);
    for (uint64_t number = 2; number <= journal_last(lab_journal(history->sim.lab)); number++) {
        struct lab *lab = past_lab(past);

        while (journal_last(lab_journal(lab)) < number)
            CHECK(lab_step(lab));
        CHECK_TEXT(journal_get(lab_journal(history->sim.lab), number)->text, journal_get(lab_journal(lab), number)->text);
        CHECK_INT(journal_get(lab_journal(history->sim.lab), number)->at_us, queue_now_us(lab_queue(lab)));
    }
    past_close(past);
    end(history);
    mem_free(history);
}

/* Answered at once: time stands still. */
static void *ask_as_guest(struct wire_client *guest, int16_t key, int16_t version, const void *in)
{
    client_begin(guest, key, version, in);
    return client_answer(guest);
}

/* Reading there leaves no trace: what comes after it is as it was. */
TEST(guests_of_the_past_change_nothing)
{
    struct history *history = mem_zero(sizeof(*history));
    struct past *past;
    struct lab *lab;

    history->meanwhile = look_back;
    live(history, RELEASE_43, 1);
    past = open_past(history);
    lab = past_lab(past);
    run_past(past, history->moments[8].at_us);
    for (size_t i = 8; i + 1 < history->count; i++) {
        struct wire_lab ends = { .queue = lab_queue(lab), .cluster = lab_cluster(lab), .wire = lab_wire(lab), .timers = *wire_guest_timers(lab_wire(lab)) };
        struct wire_client guest = { .lab = &ends };
        struct metadata_request_topic missing = { .name = "nobody-made-this" };
        struct metadata_request metadata = { .topics = { &missing, 1 }, .allow_auto_topic_creation = true };
        struct find_coordinator_request find = { .key = "others" };
        struct fetch_request_partition partition = { .partition = 0, .fetch_offset = 0, .partition_max_bytes = 1 << 20, .current_leader_epoch = -1, .log_start_offset = -1,
                                                      .last_fetched_epoch = -1, .high_watermark = INT64_MAX };
        struct fetch_request_topic topic = { .topic = "students", .partitions = { &partition, 1 } };
        struct fetch_request fetch = { .min_bytes = 0, .replica_id = -1, .max_bytes = 1 << 20, .session_epoch = 0, .rack_id = "", .topics = { &topic, 1 } };
        struct fetch_response *fetched;

        guest.connection = connection_open(lab_wire(lab), &(struct connection_options){ .broker = 1, .client_host = "127.0.0.1", .timers = &ends.timers, .guest = true });
        CHECK(ask_as_guest(&guest, 3, 5, &metadata));
        CHECK(ask_as_guest(&guest, 10, 2, &find));
        fetched = ask_as_guest(&guest, 1, 11, &fetch);
        CHECK(fetched);
        CHECK_INT(0, fetched->error_code);
        CHECK_INT(0, fetched->session_id);
        CHECK_INT(1, fetched->responses.count);
        connection_close(guest.connection, "seen");
        frame_done(&guest.request);
        buffer_done(&guest.answer);
        arena_done(&guest.arena);
        check_moment(lab, &history->moments[i]);
        run_past(past, history->moments[i + 1].at_us);
    }
    past_close(past);
    end(history);
    mem_free(history);
}

static void refused(void *context, struct frame *answer, bool close)
{
    if (answer)
        frame_done(answer);
    *(bool *)context = !answer && close;
}

TEST(guests_of_the_past_cannot_write)
{
    struct history *history = mem_zero(sizeof(*history));
    struct past *past;
    struct lab *lab;
    bool was_refused = false;
    /* CreateTopics v0: header (19, 0, correlation 1, client id null), no topics, timeout */
    static const uint8_t create[] = { 0, 19, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1 };
    struct connection *guest;

    history->meanwhile = look_back;
    live(history, RELEASE_27, 1);
    past = open_past(history);
    lab = past_lab(past);
    run_past(past, history->moments[3].at_us);
    guest = connection_open(lab_wire(lab), &(struct connection_options){ .broker = 0, .client_host = "127.0.0.1", .timers = wire_guest_timers(lab_wire(lab)), .guest = true });
    connection_request(guest, (struct bytes){ create, sizeof(create) }, refused, &was_refused);
    CHECK(was_refused);
    connection_close(guest, "seen");
    check_moment(lab, &history->moments[3]);
    past_close(past);
    end(history);
    mem_free(history);
}

TEST(a_full_recording_says_how_far_it_reaches)
{
    struct sim_lab sim;
    struct recorder *recorder;
    struct wire_client *client;
    struct past *past;
    struct reason reason = { "" };
    int64_t full_us;

    sim_lab_open(&sim, RELEASE_27, 1, 1, SETTINGS);
    recorder = recorder_new(sim.lab, 8192);
    client = wire_lab_client(&sim.ends, 0, true);
    sim_create_topic(client, "students", 1, 1, NULL, NULL);
    for (int i = 0; i < 300; i++) {
        sim_produce(client, "students", 0, "fills a recording", 3, queue_now_ms(lab_queue(sim.lab)));
        sim_lab_advance_ms(&sim, 100);
    }
    CHECK(recorder_full(recorder));
    full_us = recorder_end_us(recorder);
    CHECK(full_us < queue_now_us(lab_queue(sim.lab)));
    if (past_open_live(&past, recorder, NULL, NULL, &reason))
        fail_msg("%s", reason.text);
    while (!lab_run_slice(past_lab(past), INT64_MAX, NULL))
        ;
    CHECK_INT(ERR_OK, past_error(past, &reason));
    CHECK(lab_past_at_end(past_lab(past)));
    CHECK_INT(full_us, queue_now_us(lab_queue(past_lab(past))));
    past_close(past);
    recorder_free(recorder);
    sim_lab_close(&sim);
}

/* ---- branches ---- */

/* Without the folder, which is another. */
static char *sums_without_folder(const struct lab *lab)
{
    struct text out = { 0 };

    for (size_t i = 0; i < cluster_broker_count(lab_cluster(lab)); i++) {
        const char *folder = broker_log_dir(cluster_broker_at(lab_cluster(lab), i));
        char *sums = sim_file_sums(lab_fs(lab), folder), *rest = sums, *line;

        while ((line = strsep(&rest, "\n")) && *line) {
            char *path = strstr(line, folder);

            text_printf(&out, "%.*s%s\n", (int)(path - line), line, path + strlen(folder));
        }
        mem_free(sums);
    }
    return text_take(&out);
}

static void go_on(struct lab *lab)
{
    struct wire_lab ends = { .queue = lab_queue(lab), .cluster = lab_cluster(lab), .wire = lab_wire(lab), .timers = timers_virtual(lab_queue(lab)) };
    struct wire_client *client = wire_lab_client(&ends, 0, true);

    queue_run_until(lab_queue(lab), queue_now_us(lab_queue(lab)) + 1000); /* not of the moment that is compared */
    for (int i = 0; i < 5; i++) {
        sim_produce(client, "students", 0, "of both", 2, queue_now_ms(lab_queue(lab)));
        queue_run_until(lab_queue(lab), queue_now_us(lab_queue(lab)) + 4000000);
    }
    connection_close(client->connection, "done");
    frame_done(&client->request);
    buffer_done(&client->answer);
    arena_done(&client->arena);
    mem_free(client);
    queue_run_until(lab_queue(lab), queue_now_us(lab_queue(lab)) + 90000000);
}

static struct lab *make_branch(const struct recorder *recorder, const struct past_place *place, const char *dir, uv_loop_t *loop)
{
    struct lab_options net;
    struct past *past;
    struct lab *lab;
    struct reason reason = { "" };

    lab_options_default(&net);
    if (branch_begin(&past, &(struct branch_source){ .recorder = recorder }, dir, &reason))
        fail_msg("%s", reason.text);
    while (!past_run_to(past, place, 1000))
        ;
    CHECK_INT(ERR_OK, past_error(past, &reason));
    CHECK_INT(place->at_us, queue_now_us(lab_queue(past_lab(past))));
    CHECK_INT(ERR_OK, branch_live(past, loop, &net, &lab, &reason));
    return lab;
}

/* The same inputs after it: the same files. And one can go back in it, beyond the moment at which it parted. */
TEST(a_branch_that_gets_the_same_inputs_comes_to_the_same)
{
    struct sim_lab sim;
    struct recorder *recorder;
    struct wire_client *client;
    struct past_place place;
    struct lab *branch;
    struct past *past;
    struct reason reason = { "" };
    struct text folder = { 0 };
    uv_loop_t loop;
    char *mine, *theirs, *early;

    uv_loop_init(&loop);
    sim_lab_open(&sim, RELEASE_27, 1, 9, SETTINGS);
    recorder = recorder_new(sim.lab, 0);
    client = wire_lab_client(&sim.ends, 0, true);
    sim_create_topic(client, "students", 1, 1, "retention.ms", "20000");
    for (int i = 0; i < 5; i++) {
        sim_produce(client, "students", 0, "before", 1 + i, queue_now_ms(lab_queue(sim.lab)));
        sim_lab_advance_ms(&sim, 4567);
    }
    sim_lab_hang_up(&sim);
    sim_lab_advance_ms(&sim, 1);
    place = recorder_place(recorder);
    early = sums_without_folder(sim.lab);
    text_printf(&folder, "/tmp/kafkarium-branch-test-%d", (int)getpid());
    branch = make_branch(recorder, &place, text_chars(&folder), &loop);
    mine = sums_without_folder(branch);
    check_same(early, mine);
    mem_free(mine);
    go_on(sim.lab);
    go_on(branch);
    mine = sums_without_folder(branch);
    theirs = sums_without_folder(sim.lab);
    check_same(theirs, mine);
    CHECK(strstr(mine, "students-0/"));
    if (past_open_live(&past, lab_recorder(branch), lab_recording_base(branch), NULL, &reason))
        fail_msg("%s", reason.text);
    run_past(past, place.at_us);
    mem_free(theirs);
    theirs = sums_without_folder(past_lab(past));
    check_same(early, theirs);
    mem_free(theirs);
    run_past(past, queue_now_us(lab_queue(branch)));
    theirs = sums_without_folder(past_lab(past));
    check_same(mine, theirs);
    past_close(past);
    fs_remove_tree(lab_fs(branch), text_chars(&folder), NULL);
    lab_close(branch);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    recorder_free(recorder);
    sim_lab_close(&sim);
    {
        char *command = mem_printf("rm -rf %s", text_chars(&folder));

        CHECK_INT(0, system(command));
        mem_free(command);
    }
    text_done(&folder);
    mem_free(mine);
    mem_free(theirs);
    mem_free(early);
}
