/* The transport in process, and a task's calls over it. */
#include "sim/cluster/network.h"
#include "sim/wire/faults.h"
#include "sim/wire/transport.h"
#include "tests/wire/wire_lab.h"

struct script {
    struct wire_lab *lab;
    struct transport *transport;
    struct channel *channel;
    struct arena arena;
    void (*play)(struct task *task, struct script *script);
    bool done;
};

static void run(struct task *task, void *context)
{
    struct script *script = context;

    script->play(task, script);
    script->done = true;
}

static void play(struct wire_lab *lab, void (*fn)(struct task *, struct script *))
{
    struct script script = { .lab = lab, .play = fn };

    arena_init(&script.arena);
    script.transport = transport_local(lab->wire, &lab->timers, "127.0.0.1");
    task_start(run, NULL, &script);
    while (!script.done && queue_run_next(lab->queue))
        ;
    CHECK(script.done);
    channel_close(script.channel);
    transport_free(script.transport);
    arena_done(&script.arena);
    CHECK_INT(0, wire_connection_count(lab->wire));
}

static void open_and_ask(struct task *task, struct script *script)
{
    struct reason reason;
    struct metadata_request in = { .topics = { NULL, -1 } };
    struct metadata_response *out;
    void *answer;

    CHECK_INT(ERR_BROKER_NOT_AVAILABLE, channel_open_wait(task, script->transport, "localhost", 1, &script->channel, NEVER_US, &reason));
    CHECK_TEXT("localhost:1 can't be reached", reason.text);
    CHECK_INT(ERR_OK, channel_open_wait(task, script->transport, "127.0.0.1", 9093, &script->channel, NEVER_US, &reason));
    CHECK_INT(ERR_OK, channel_call(task, script->channel, 3, 12, "tool", &in, &script->arena, &answer, 1000000, &reason));
    out = answer;
    CHECK_INT(2, out->brokers.count);
    CHECK_INT(9092, out->brokers.items[0].port);
}

TEST(a_task_asks_over_a_channel)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 2, NULL);

    CHECK(transport_local_knows(lab->wire, "localhost", 9092));
    CHECK(transport_local_knows(lab->wire, "::1", 9093));
    CHECK(!transport_local_knows(lab->wire, "localhost", 9094));
    CHECK(!transport_local_knows(lab->wire, "kafka.example", 9092));
    play(lab, open_and_ask);
    wire_lab_free(lab);
}

static void ask_in_vain(struct task *task, struct script *script)
{
    struct fetch_request_partition partition = { .current_leader_epoch = -1, .partition_max_bytes = 1000 };
    struct fetch_request_topic topic = { .topic = "students", .partitions = { &partition, 1 } };
    struct metadata_request metadata = { .topics = { NULL, -1 } };
    struct fetch_request in;
    struct reason reason;
    void *answer;
    int64_t began_us = queue_now_us(script->lab->queue);

    fields_preset(&fetch_request_message, &in);
    in.topics.items = &topic;
    in.topics.count = 1;
    in.max_wait_ms = 5000;
    in.min_bytes = 1;
    CHECK_INT(ERR_OK, channel_open_wait(task, script->transport, "localhost", 9092, &script->channel, NEVER_US, &reason));
    CHECK_INT(ERR_REQUEST_TIMED_OUT, channel_call(task, script->channel, 1, 11, "tool", &in, &script->arena, &answer, 1000000, &reason));
    CHECK_TEXT("Fetch: no answer in 1000 ms", reason.text);
    CHECK_INT(1000000, queue_now_us(script->lab->queue) - began_us);
    /* The next waits behind it, as on any connection. */
    CHECK_INT(ERR_OK, channel_call(task, script->channel, 3, 12, "tool", &metadata, &script->arena, &answer, NEVER_US, &reason));
    CHECK_INT(5000000, queue_now_us(script->lab->queue) - began_us);
    CHECK_INT(ERR_REQUEST_TIMED_OUT, channel_call(task, script->channel, 1, 11, "tool", &in, &script->arena, &answer, 1000000, &reason));
}

TEST(a_call_gives_up_when_its_time_is_over)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, NULL);
    struct wire_client *client = wire_lab_client(lab, 0, false);

    lab_create_topic(client, "students", 1, 1);
    connection_close(client->connection, "it has done its work");
    client->connection = NULL;
    play(lab, ask_in_vain);
    wire_lab_free(lab);
}

static void ask_badly(struct task *task, struct script *script)
{
    struct reason reason;
    struct metadata_request in = { .topics = { NULL, -1 } };
    struct describe_cluster_request cluster = { .endpoint_type = 1 };
    void *answer;

    CHECK_INT(ERR_OK, channel_open_wait(task, script->transport, "localhost", 9092, &script->channel, NEVER_US, &reason));
    CHECK_INT(ERR_UNSUPPORTED_VERSION, channel_call(task, script->channel, 3, 99, "tool", &in, &script->arena, &answer, NEVER_US, &reason));
    CHECK_INT(ERR_NETWORK_EXCEPTION, channel_call(task, script->channel, 60, 0, "tool", &cluster, &script->arena, &answer, NEVER_US, &reason));
    CHECK(!answer);
    CHECK_INT(ERR_NETWORK_EXCEPTION, channel_call(task, script->channel, 3, 5, "tool", &in, &script->arena, &answer, NEVER_US, &reason));
}

TEST(what_a_broker_does_not_take_breaks_the_channel)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_27, 1, NULL); /* has no DescribeCluster */

    play(lab, ask_badly);
    wire_lab_free(lab);
}

/* ---- what simulated clients send travels ---- */

static int64_t students_end(const struct wire_lab *lab)
{
    return log_end_offset(partition_log(broker_partition(cluster_broker_at(lab->cluster, 0), "students", 0)));
}

/* One after the other without waiting for answers. */
static void send_three(struct task *task, struct script *script)
{
    struct produce_request_partition partition = { .index = 0 };
    struct produce_request_topic topic = { .name = "students", .partition_data = { &partition, 1 } };
    struct produce_request in = { .acks = 1, .timeout_ms = 30000, .topic_data = { &topic, 1 } };
    struct reason reason;
    void *answer;

    CHECK_INT(ERR_OK, channel_open_wait(task, script->transport, "localhost", 9092, &script->channel, NEVER_US, &reason));
    for (int i = 0; i < 3; i++) {
        partition.records = lab_batch(&script->arena, 1 + i, LAB_START_US / 1000);
        CHECK_INT(ERR_REQUEST_TIMED_OUT, channel_call(task, script->channel, 0, 9, "p", &in, &script->arena, &answer, 1, &reason));
    }
}

static void send_three_and_ask(struct task *task, struct script *script)
{
    int64_t began_us = queue_now_us(script->lab->queue);
    struct metadata_request in = { .topics = { NULL, -1 } };
    struct reason reason;
    void *answer;

    send_three(task, script);
    CHECK_INT(0, students_end(script->lab));
    CHECK_INT(ERR_OK, channel_call(task, script->channel, 3, 12, "p", &in, &script->arena, &answer, NEVER_US, &reason));
    CHECK_INT(100000, (queue_now_us(script->lab->queue) - began_us) / 10 * 10); /* once there and once back, for all four of them */
    CHECK_INT(6, students_end(script->lab));
}

static struct wire_lab *far_lab(void)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, NULL);
    struct wire_client *client = wire_lab_client(lab, 0, false);
    int32_t broker = broker_id(cluster_broker_at(lab->cluster, 0));

    lab_create_topic(client, "students", 1, 1);
    connection_close(client->connection, "it has done its work");
    client->connection = NULL;
    network_set_link(lab->cluster, &(struct network_link){ .from = NETWORK_CLIENTS, .to = broker, .latency_us = 50000 });
    network_set_link(lab->cluster, &(struct network_link){ .from = broker, .to = NETWORK_CLIENTS, .latency_us = 50000 });
    return lab;
}

static void play_far(struct wire_lab *lab, struct script *script, void (*fn)(struct task *, struct script *))
{
    *script = (struct script){ .lab = lab, .play = fn };
    arena_init(&script->arena);
    script->transport = transport_simulated(lab->wire, wire_virtual_timers(lab->wire), "127.0.0.1");
    task_start(run, NULL, script);
    while (!script->done && queue_run_next(lab->queue))
        ;
    CHECK(script->done);
}

static void end_far(struct wire_lab *lab, struct script *script)
{
    channel_close(script->channel);
    transport_free(script->transport);
    arena_done(&script->arena);
    wire_lab_free(lab);
}

TEST(requests_are_on_their_way_together_and_so_are_answers)
{
    struct wire_lab *lab = far_lab();
    struct script script;

    play_far(lab, &script, send_three_and_ask);
    end_far(lab, &script);
}

TEST(what_was_sent_comes_in_though_its_client_has_closed)
{
    struct wire_lab *lab = far_lab();
    struct script script;

    play_far(lab, &script, send_three);
    channel_close(script.channel);
    script.channel = NULL;
    wire_lab_advance_ms(lab, 49);
    CHECK_INT(0, students_end(lab));
    wire_lab_advance_ms(lab, 2);
    CHECK_INT(6, students_end(lab));
    CHECK_INT(0, wire_connection_count(lab->wire)); /* and the connection went with the last */
    end_far(lab, &script);
}

TEST(what_a_cut_keeps_back_comes_when_it_is_healed_or_goes_with_the_lab)
{
    for (int healed = 0; healed < 2; healed++) {
        struct wire_lab *lab = far_lab();
        int32_t broker = broker_id(cluster_broker_at(lab->cluster, 0));
        struct script script;

        play_far(lab, &script, send_three);
        network_cut(lab->cluster, NETWORK_CLIENTS, broker);
        wire_lab_advance_ms(lab, 1000);
        CHECK_INT(0, students_end(lab));
        channel_close(script.channel);
        script.channel = NULL;
        if (healed) {
            network_heal(lab->cluster, NETWORK_CLIENTS, broker);
            wire_lab_advance_ms(lab, 50);
            CHECK_INT(6, students_end(lab));
        }
        end_far(lab, &script);
    }
}

TEST(a_frozen_broker_takes_nothing_that_has_come)
{
    struct wire_lab *lab = far_lab();
    struct script script;

    play_far(lab, &script, send_three);
    network_freeze(lab->cluster, broker_id(cluster_broker_at(lab->cluster, 0)));
    wire_lab_advance_ms(lab, 1000);
    CHECK_INT(0, students_end(lab));
    network_thaw(lab->cluster, broker_id(cluster_broker_at(lab->cluster, 0)));
    wire_lab_advance_ms(lab, 100);
    CHECK_INT(6, students_end(lab));
    end_far(lab, &script);
}

/* A fault stops the first of three; their client closes meanwhile. */
static void check_stopped_by_fault(enum fault_kind kind, int64_t delay_us, int64_t expected)
{
    struct wire_lab *lab = far_lab();
    struct script script;
    uint64_t id = faults_add(lab->wire, &(struct fault_rule){ .api = "Produce", .kind = kind, .delay_us = delay_us, .partition = -1, .broker = -1,
                                                              .from = FAULT_FROM_CLIENTS, .count = 1 });

    play_far(lab, &script, send_three);
    wire_lab_advance_ms(lab, 60);
    CHECK_INT(0, students_end(lab));
    channel_close(script.channel);
    script.channel = NULL;
    wire_lab_advance_ms(lab, 400);
    faults_release(lab->wire, id);
    wire_lab_advance_ms(lab, 10);
    CHECK_INT(expected, students_end(lab));
    CHECK_INT(0, wire_connection_count(lab->wire));
    end_far(lab, &script);
}

TEST(what_is_behind_a_request_that_a_fault_stops_comes_in_though_its_client_has_closed)
{
    check_stopped_by_fault(FAULT_DELAY, 300000, 6);
    check_stopped_by_fault(FAULT_HOLD, 0, 6);
    check_stopped_by_fault(FAULT_BLACKHOLE, 0, 0); /* swallowed, and all that is behind it */
}
