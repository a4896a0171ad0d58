/* The transport in process, and a task's calls over it. */
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
