/* What every client shares, over the transport in process and a cluster in memory; some doors can be shut. */
#include "sim/clients/client.h"

#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "tests/harness.h"

/* ---- the scene ---- */

struct door {                    /* a transport before the real one, that can refuse */
    struct transport transport;  /* first */
    struct transport *behind;
    int32_t refused_port;        /* 0: none; -1: all */
    int opens;
};
struct scene {
    struct queue *queue;
    struct fs *fs;
    struct random random;
    struct journal *journal;
    struct config_map settings;
    struct cluster *cluster;
    struct wire *wire;
    struct timers timers;
    struct door door;
    struct text log;             /* what was warned, a line each */
};
struct shut { struct channel channel; };

static struct channel *door_open(struct transport *transport, const char *host, int32_t port, void (*opened)(void *, enum err), void *context)
{
    struct door *door = (struct door *)transport;

    door->opens++;
    if (door->refused_port == -1 || door->refused_port == port) {
        struct shut *shut = mem_zero(sizeof(*shut));

        shut->channel.transport = transport;
        opened(context, ERR_BROKER_NOT_AVAILABLE);
        return &shut->channel;
    }
    return door->behind->open(door->behind, host, port, opened, context);
}

static void door_close(struct channel *channel)
{
    mem_free(channel);
}

static bool door_resolve(struct transport *transport, const char *host, char *address, size_t size)
{
    (void)transport;
    if (strstr(host, "invalid"))
        return false;
    snprintf(address, size, "%s", strcmp(host, "localhost") ? host : "127.0.0.1");
    return true;
}

static void warn(void *context, const char *level, const char *message, const char *logger)
{
    struct scene *scene = context;

    text_printf(&scene->log, "%s %s (%s)\n", level, message, strrchr(logger, '.') + 1);
}

static struct scene *scene_new(enum release release, int32_t brokers)
{
    static const int32_t ports[] = { 9092, 9093, 9094 };
    struct scene *scene = mem_zero(sizeof(*scene));
    struct cluster_options options;
    char factor[8];

    scene->queue = queue_new(1767261600000000);
    scene->fs = fs_memory(queue_clock(scene->queue));
    random_init(&scene->random, 42);
    scene->journal = journal_new(queue_clock(scene->queue), 0);
    snprintf(factor, sizeof(factor), "%d", brokers);
    config_map_set(&scene->settings, "offsets.topic.replication.factor", factor);
    config_map_set(&scene->settings, "group.initial.rebalance.delay.ms", "0");
    options = (struct cluster_options){
        .release = release, .broker_count = brokers, .first_broker_id = release_is_27(release) ? 0 : 1, .dir = "lab", .settings = &scene->settings,
        .host = "localhost", .ports = ports, .queue = scene->queue, .random = &scene->random, .journal = scene->journal, .fs = scene->fs,
    };
    CHECK_INT(ERR_OK, cluster_open(&scene->cluster, &options, NULL));
    scene->wire = wire_new(scene->cluster);
    scene->timers = timers_virtual(scene->queue);
    scene->door.behind = transport_local(scene->wire, &scene->timers, "127.0.0.1");
    scene->door.transport = (struct transport){ .open = door_open, .close = door_close, .resolve = door_resolve, .timers = &scene->timers };
    return scene;
}

static void scene_free(struct scene *scene)
{
    transport_free(scene->door.behind);
    queue_run_due(scene->queue, 1000);
    wire_free(scene->wire);
    cluster_drop(scene->cluster);
    fs_free(scene->fs);
    journal_free(scene->journal);
    queue_free(scene->queue);
    config_map_done(&scene->settings);
    text_done(&scene->log);
    mem_free(scene);
}

static enum err open_client(struct scene *scene, struct client **out, const char *bootstrap, enum client_kind kind, enum release release, struct reason *reason)
{
    return client_open(out, &(struct client_options){
        .transport = &scene->door.transport, .bootstrap = bootstrap, .release = release, .kind = kind, .warn = warn, .warn_context = scene,
        .client_id = kind == CLIENT_PRODUCER ? "console-producer" : "adminclient-1",
    }, reason);
}

/* A task with the body of a test in it, run to its end in virtual time. */
struct play {
    void (*body)(struct task *task, struct scene *scene, struct client *client);
    struct scene *scene;
    struct client *client;
    bool ended;
};

static void play_run(struct task *task, void *context)
{
    struct play *play = context;

    play->body(task, play->scene, play->client);
}

static void play_ended(void *context)
{
    ((struct play *)context)->ended = true;
}

static void play(struct scene *scene, enum client_kind kind, enum release release, const char *bootstrap,
                 void (*body)(struct task *, struct scene *, struct client *))
{
    struct play play = { body, scene, NULL, false };
    struct reason reason = { "" };

    CHECK_INT(ERR_OK, open_client(scene, &play.client, bootstrap, kind, release, &reason));
    task_start(play_run, play_ended, &play);
    while (!play.ended)
        CHECK(queue_run_next(scene->queue));
    client_close(play.client);
}

static void create_topic(struct scene *scene, const char *name, int32_t partitions, int16_t factor)
{
    CHECK_INT(ERR_OK, controller_create_topic(scene->cluster, &(struct create_topic){ .name = name, .partition_count = partitions,
                                                                                      .replication_factor = factor }, false, NULL, NULL, NULL));
    queue_run_until(scene->queue, queue_now_us(scene->queue) + 1000000);
}

/* ---- bootstrap.servers ---- */

static void check_bootstrap(struct scene *scene, const char *bootstrap, enum err expected, const char *why)
{
    struct client *client;
    struct reason reason = { "" };

    CHECK_INT(expected, open_client(scene, &client, bootstrap, CLIENT_ADMIN, RELEASE_27, &reason));
    CHECK_TEXT(why, reason.text);
    if (!expected)
        client_close(client);
}

TEST(bootstrap_servers_are_checked_in_kafkas_words)
{
    struct scene *scene = scene_new(RELEASE_27, 1);

    check_bootstrap(scene, "localhost:9092", ERR_OK, "");
    check_bootstrap(scene, "PLAINTEXT://[::1]:9092, 127.0.0.1:9093", ERR_OK, "");
    check_bootstrap(scene, "localhost", ERR_INVALID_CONFIG, "Invalid url in bootstrap.servers: localhost");
    check_bootstrap(scene, "localhost:port", ERR_INVALID_CONFIG, "Invalid url in bootstrap.servers: localhost:port");
    check_bootstrap(scene, "local host:1", ERR_INVALID_CONFIG, "Invalid url in bootstrap.servers: local host:1");
    check_bootstrap(scene, "localhost:70000", ERR_INVALID_CONFIG, "Invalid port in bootstrap.servers: localhost:70000");
    check_bootstrap(scene, "", ERR_INVALID_CONFIG, "No resolvable bootstrap urls given in bootstrap.servers");
    CHECK_TEXT("", text_chars(&scene->log));
    check_bootstrap(scene, "no.such.host.invalid:9092", ERR_INVALID_CONFIG, "No resolvable bootstrap urls given in bootstrap.servers");
    CHECK_TEXT("WARN Couldn't resolve server no.such.host.invalid:9092 from bootstrap.servers as DNS resolution failed for no.such.host.invalid (ClientUtils)\n",
               text_chars(&scene->log));
    scene_free(scene);
}

/* ---- metadata and calls ---- */

static void look_around(struct task *task, struct scene *scene, struct client *client)
{
    static const char *const topics[] = { "students" };
    const struct client_topic *topic;

    (void)scene;
    CHECK_INT(ERR_OK, client_metadata(task, client, topics, 1, false, false, NULL));
    CHECK_INT(3, client_node_count(client));
    CHECK_TEXT("localhost", client_node_at(client, 1).host);
    CHECK_INT(9093, client_node_at(client, 1).port);
    topic = client_topic(client, "students");
    CHECK(topic && !topic->err);
    CHECK_INT(2, topic->partition_count);
    CHECK_INT(3, topic->partitions[1].replica_count);
    CHECK(topic->partitions[1].leader > 0);
    CHECK(!client_topic(client, "nope"));
    CHECK_INT(RELEASE_43, client_broker_release(client));
    CHECK_INT(ERR_OK, client_metadata(task, client, NULL, 0, false, true, NULL));
    CHECK_INT(1, client_topic_count(client));
}

TEST(a_client_learns_brokers_and_topics)
{
    struct scene *scene = scene_new(RELEASE_43, 3);

    create_topic(scene, "students", 2, 3);
    play(scene, CLIENT_ADMIN, RELEASE_43, "localhost:9092", look_around);
    CHECK_TEXT("", text_chars(&scene->log));
    scene_free(scene);
}

static void agree(struct task *task, struct scene *scene, struct client *client)
{
    (void)scene;
    CHECK_INT(8, client_version(task, client, NODE_ANY, 0, -1));
    CHECK_INT(7, client_version(task, client, NODE_ANY, 0, 7));
    CHECK_INT(9, client_version(task, client, NODE_ANY, 3, -1));
    CHECK_INT(-1, client_version(task, client, NODE_ANY, 60, -1));
    CHECK_INT(RELEASE_27, client_broker_release(client));
}

/* A 4.3 client's ApiVersions 4 is refused by 2.7 in version 0; it asks again and takes what both know. */
TEST(an_old_broker_and_a_new_client_agree_on_versions)
{
    struct scene *scene = scene_new(RELEASE_27, 1);

    play(scene, CLIENT_ADMIN, RELEASE_43, "localhost:9092", agree);
    play(scene, CLIENT_ADMIN, RELEASE_27, "localhost:9092", agree);
    scene_free(scene);
}

static void find_coordinator(struct task *task, struct scene *scene, struct client *client)
{
    struct reason reason = { "" };
    int32_t node = -1;

    (void)scene;
    CHECK_INT(ERR_OK, client_group_coordinator(task, client, "my-group", false, &node, &reason));
    CHECK(node >= 0);
    CHECK_INT(4, client_version(task, client, client_coordinator_node(node), 12, -1));
}

/* The first asks, the topic __consumer_offsets is made, and the answer comes after some tries. */
TEST(a_coordinator_is_found_when_it_has_to_be_made)
{
    struct scene *scene = scene_new(RELEASE_27, 1);

    play(scene, CLIENT_CONSUMER, RELEASE_27, "localhost:9092", find_coordinator);
    scene_free(scene);
    scene = scene_new(RELEASE_43, 3);
    play(scene, CLIENT_CONSUMER, RELEASE_43, "localhost:9092", find_coordinator);
    scene_free(scene);
}

/* ---- what goes wrong ---- */

static void call_nobody(struct task *task, struct scene *scene, struct client *client)
{
    int64_t began_us = queue_now_us(scene->queue);
    struct reason reason = { "" };

    CHECK_INT(ERR_REQUEST_TIMED_OUT, client_metadata(task, client, NULL, 0, false, true, &reason));
    CHECK_TEXT("Timed out waiting for a node assignment.", reason.text);
    CHECK_INT(60000000, queue_now_us(scene->queue) - began_us);
}

TEST(no_broker_is_said_as_the_library_says_it)
{
    struct scene *scene = scene_new(RELEASE_27, 1);

    scene->door.refused_port = -1;
    play(scene, CLIENT_ADMIN, RELEASE_27, "localhost:9999", call_nobody);
    CHECK(text_starts(text_chars(&scene->log), "WARN [AdminClient clientId=adminclient-1] Connection to node -1 (localhost/127.0.0.1:9999) could not be "
                                               "established. Broker may not be available. (NetworkClient)\nWARN [AdminClient"));
    CHECK(scene->door.opens > 55 && scene->door.opens < 70); /* rests grow to a second */
    text_clear(&scene->log);
    play(scene, CLIENT_PRODUCER, RELEASE_43, "localhost:9999", call_nobody);
    CHECK(text_starts(text_chars(&scene->log), "WARN [Producer clientId=console-producer] Connection to node -1 (localhost/127.0.0.1:9999) could not be "
                                               "established. Node may not be available. (NetworkClient)\n"
                                               "WARN [Producer clientId=console-producer] Bootstrap broker localhost:9999 (id: -1 rack: null isFenced: "
                                               "false) disconnected (NetworkClient)\n"));
    scene_free(scene);
}

static void open_the_door(void *context)
{
    ((struct scene *)context)->door.refused_port = 0;
}

static void call_anyway(struct task *task, struct scene *scene, struct client *client)
{
    struct event later = { .run = open_the_door, .context = scene };
    int64_t began_us = queue_now_us(scene->queue);

    event_after(scene->queue, &later, 300000);
    CHECK_INT(ERR_OK, client_metadata(task, client, NULL, 0, false, true, NULL));
    CHECK(queue_now_us(scene->queue) - began_us >= 300000);
    CHECK(queue_now_us(scene->queue) - began_us < 2000000);
}

TEST(a_broker_that_comes_later_is_reached)
{
    struct scene *scene = scene_new(RELEASE_43, 1);

    scene->door.refused_port = -1;
    play(scene, CLIENT_ADMIN, RELEASE_43, "localhost:9092", call_anyway);
    scene_free(scene);
}

static void ask_of_fresh(struct task *task, struct scene *scene, struct client *client)
{
    static const char *const topics[] = { "fresh" }, *const bad[] = { "bad name" };

    (void)scene;
    CHECK_INT(ERR_OK, client_metadata(task, client, topics, 1, true, false, NULL));
    CHECK(client_topic(client, "fresh")->err == ERR_LEADER_NOT_AVAILABLE || client_topic(client, "fresh")->err == ERR_UNKNOWN_TOPIC_OR_PARTITION);
    CHECK_INT(ERR_OK, client_metadata(task, client, bad, 1, true, false, NULL));
}

TEST(errors_of_topics_are_warned_of_by_producers)
{
    struct scene *scene = scene_new(RELEASE_27, 1);

    play(scene, CLIENT_PRODUCER, RELEASE_27, "localhost:9092", ask_of_fresh);
    CHECK_TEXT("WARN [Producer clientId=console-producer] Error while fetching metadata with correlation id 1 : {fresh=LEADER_NOT_AVAILABLE} (NetworkClient)\n"
               "WARN [Producer clientId=console-producer] Error while fetching metadata with correlation id 3 : {bad name=INVALID_TOPIC_EXCEPTION} (NetworkClient)\n"
               "ERROR [Producer clientId=console-producer] Metadata response reported invalid topics [bad name] (Metadata)\n",
               text_chars(&scene->log));
    scene_free(scene);
    scene = scene_new(RELEASE_43, 1);
    play(scene, CLIENT_PRODUCER, RELEASE_43, "localhost:9092", ask_of_fresh);
    CHECK(text_starts(text_chars(&scene->log), "WARN [Producer clientId=console-producer] The metadata response from the cluster reported a recoverable issue "
                                               "with correlation id 1 : {fresh=UNKNOWN_TOPIC_OR_PARTITION} (NetworkClient)\n"));
    scene_free(scene);
}

static void wait_for_nothing(struct task *task, struct scene *scene, struct client *client)
{
    (void)scene;
    CHECK_INT(ERR_NETWORK_EXCEPTION, client_metadata(task, client, NULL, 0, false, true, NULL));
    CHECK(task_interrupted(task));
}

TEST(an_interrupted_call_ends_at_once)
{
    struct scene *scene = scene_new(RELEASE_43, 1);
    struct play play = { wait_for_nothing, scene, NULL, false };
    struct task *task;

    scene->door.refused_port = -1;
    CHECK_INT(ERR_OK, open_client(scene, &play.client, "localhost:9092", CLIENT_ADMIN, RELEASE_43, NULL));
    task = task_start(play_run, play_ended, &play);
    queue_run_until(scene->queue, queue_now_us(scene->queue) + 500000);
    CHECK(!play.ended);
    task_interrupt(task);
    CHECK(play.ended);
    client_close(play.client);
    scene_free(scene);
}
