/* The listener, with a broker of a few lines behind it: it answers a request by its own bytes, at once or when the test says so. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/base/mem.h"
#include "sim/cluster/group.h"
#include "sim/net/net.h"
#include "tests/harness.h"

/* ---- the broker: stands in for wire/ and cluster/ ---- */

struct connection {
    struct wire *wire;
    int64_t number;
    char local_host[64];
    connection_reply *reply;
    void *context;
    struct bytes frame; /* while parked */
    bool open;
};
struct broker { int32_t id; };
struct cluster { struct broker brokers[2]; size_t count; struct journal *journal; };
struct wire {
    struct cluster cluster;
    struct connection connections[64];
    size_t count;
    int requests, closed;
    bool park;             /* answers wait for answer_parked() */
    bool mute;             /* they never come */
    struct frame *prepared; /* the answer, instead of the request's bytes */
    char last_why[64];
};

struct cluster *wire_cluster(const struct wire *wire) { return (struct cluster *)&wire->cluster; }
size_t cluster_broker_count(const struct cluster *cluster) { return cluster->count; }
struct broker *cluster_broker_at(const struct cluster *cluster, size_t i) { return (struct broker *)&cluster->brokers[i]; }
int32_t broker_id(const struct broker *broker) { return broker->id; }
bool broker_up(const struct broker *broker) { return broker != NULL; }
struct journal *cluster_journal(const struct cluster *cluster) { return cluster->journal; }
void wire_refused(struct wire *wire, int32_t broker, const char *client, const char *text)
{
    journal_add(wire->cluster.journal, ENTRY(EVENT_client_refused, .broker = broker, .subject = client, .text = text));
}
void group_connection_gone(struct cluster *cluster, struct timers *timers, struct timers *instead) { (void)cluster, (void)timers, (void)instead; }
size_t wire_connection_count(const struct wire *wire) { return wire->count; }
struct connection *wire_connection_at(const struct wire *wire, size_t i) { return (struct connection *)&wire->connections[i]; }
void wire_connection_get(const struct wire *wire, size_t i, struct connection_info *out)
{
    *out = (struct connection_info){ .number = wire->connections[i].number };
}

bool connection_is_mute(const struct connection *connection) { return connection->wire->mute; }

struct connection *connection_open(struct wire *wire, const struct connection_options *options)
{
    struct connection *connection = &wire->connections[wire->count++];

    *connection = (struct connection){ .wire = wire, .number = (int64_t)wire->count, .open = true };
    snprintf(connection->local_host, sizeof(connection->local_host), "%s", options->local_host);
    return connection;
}

void connection_close(struct connection *connection, const char *why)
{
    connection->open = false;
    connection->wire->closed++;
    snprintf(connection->wire->last_why, sizeof(connection->wire->last_why), "%s", why);
}

static void answer(struct connection *connection, struct bytes frame)
{
    struct frame out = { 0 };

    if (connection->wire->prepared) {
        out = *connection->wire->prepared;
        connection->wire->prepared = NULL;
    } else {
        buffer_put(&out.bytes, frame.data, frame.size);
    }
    connection->reply(connection->context, &out, false);
}

void connection_request(struct connection *connection, struct bytes frame, connection_reply *reply, void *context)
{
    connection->wire->requests++;
    connection->reply = reply;
    connection->context = context;
    connection->frame = frame;
    if (frame.size && frame.data[0] == 'n') /* wants no answer */
        reply(context, NULL, false);
    else if (!connection->wire->park)
        answer(connection, frame);
}

/* ---- the scene ---- */

struct scene {
    uv_loop_t loop;
    struct queue *queue;
    struct wire wire;
    struct net *net;
};

static void scene_open(struct scene *scene, size_t most)
{
    struct reason reason = { "" };

    *scene = (struct scene){ .queue = queue_new(0), .wire = { .cluster = { { { 1 }, { 2 } }, 2, NULL } } };
    scene->wire.cluster.journal = journal_new(queue_clock(scene->queue), 0);
    uv_loop_init(&scene->loop);
    CHECK_INT(ERR_OK, net_open(&scene->net, &(struct net_options){ .loop = &scene->loop, .wire = &scene->wire, .queue = scene->queue,
                                                                   .most_connections = most }, &reason));
}

static void scene_close(struct scene *scene)
{
    net_close(scene->net);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&scene->loop));
    journal_free(scene->wire.cluster.journal);
    queue_free(scene->queue);
}

static void spin(struct scene *scene)
{
    for (int i = 0; i < 20; i++) {
        uv_run(&scene->loop, UV_RUN_NOWAIT);
        queue_run_due(scene->queue, 1000);
        usleep(200);
    }
}

static int dial(struct scene *scene, size_t broker_index)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)net_port(scene->net, broker_index)) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    CHECK_INT(0, connect(fd, (struct sockaddr *)&address, sizeof(address)));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void say(int fd, const char *text)
{
    uint8_t prefix[4];

    put_u32(prefix, (uint32_t)strlen(text));
    CHECK_INT(4, write(fd, prefix, 4));
    CHECK_INT(strlen(text), write(fd, text, strlen(text)));
}

/* What has come back, frames separated by '|'. */
static void heard(int fd, char *out, size_t size)
{
    uint8_t bytes[4096];
    ssize_t got = read(fd, bytes, sizeof(bytes));
    size_t used = 0;

    out[0] = 0;
    for (ssize_t at = 0; got > 0 && at + 4 <= got; at += 4 + get_i32(bytes + at))
        used += (size_t)snprintf(out + used, size - used, "%.*s|", get_i32(bytes + at), (char *)bytes + at + 4);
}

TEST(requests_on_one_connection_are_answered_in_order)
{
    struct scene scene;
    char got[256];
    int fd;

    scene_open(&scene, 0);
    fd = dial(&scene, 1);
    say(fd, "first");
    say(fd, "nothing");
    say(fd, "second");
    spin(&scene);
    heard(fd, got, sizeof(got));
    CHECK_TEXT("first|second|", got);
    CHECK_INT(3, scene.wire.requests);
    CHECK_TEXT("localhost", scene.wire.connections[0].local_host);
    close(fd);
    spin(&scene);
    CHECK_INT(1, scene.wire.closed);
    CHECK_INT(0, net_connection_count(scene.net));
    scene_close(&scene);
}

TEST(the_next_request_waits_until_the_one_before_is_answered)
{
    struct scene scene;
    char got[256];
    int fd;

    scene_open(&scene, 0);
    scene.wire.park = true;
    fd = dial(&scene, 0);
    say(fd, "one");
    say(fd, "two");
    spin(&scene);
    CHECK_INT(1, scene.wire.requests);
    answer(&scene.wire.connections[0], scene.wire.connections[0].frame);
    spin(&scene);
    CHECK_INT(2, scene.wire.requests);
    answer(&scene.wire.connections[0], scene.wire.connections[0].frame);
    spin(&scene);
    heard(fd, got, sizeof(got));
    CHECK_TEXT("one|two|", got);
    close(fd);
    scene_close(&scene);
}

/* A producer with acks=0 sends and goes: all of it counts. */
TEST(what_was_sent_before_closing_is_served)
{
    struct scene scene;
    int fd;

    scene_open(&scene, 0);
    fd = dial(&scene, 0);
    for (int i = 0; i < 100; i++)
        say(fd, "nothing");
    close(fd);
    spin(&scene);
    CHECK_INT(100, scene.wire.requests);
    CHECK_INT(1, scene.wire.closed);
    scene_close(&scene);
}

/* Parked requests of a client that goes are cancelled by closing its connection. */
TEST(a_client_that_goes_while_it_waits_is_noticed)
{
    struct scene scene;
    int fd;

    scene_open(&scene, 0);
    scene.wire.park = true;
    fd = dial(&scene, 0);
    say(fd, "join");
    spin(&scene);
    CHECK_INT(0, scene.wire.closed);
    close(fd);
    spin(&scene);
    CHECK_INT(1, scene.wire.closed);
    scene_close(&scene);
}

/* What it sent behind the request that a fault took is not waited for, however much it is. */
TEST(a_client_that_gives_up_on_a_mute_connection_is_noticed)
{
    for (size_t more = 1; more <= 1024 * 1024; more *= 1024 * 1024) {
        struct scene scene;
        uint8_t *rest = mem_zero(more);
        int fd;

        scene_open(&scene, 0);
        scene.wire.park = scene.wire.mute = true;
        fd = dial(&scene, 0);
        say(fd, "lost");
        spin(&scene);
        say(fd, "more");
        fcntl(fd, F_SETFL, O_NONBLOCK);
        CHECK(write(fd, rest, more) > 0); /* beyond what is read ahead */
        spin(&scene);
        CHECK_INT(0, scene.wire.closed);
        CHECK_INT(1, scene.wire.requests);
        close(fd);
        spin(&scene);
        CHECK_INT(1, scene.wire.closed);
        scene_close(&scene);
        mem_free(rest);
    }
}

static void check_refused(const char *sent, size_t size, const char *expected)
{
    struct scene scene;
    const struct entry *entry;
    int fd;

    scene_open(&scene, 0);
    fd = dial(&scene, 0);
    CHECK_INT(size, write(fd, sent, size));
    spin(&scene);
    CHECK_INT(1, scene.wire.closed);
    CHECK_INT(0, scene.wire.requests);
    CHECK_INT(1, journal_last(scene.wire.cluster.journal));
    entry = journal_get(scene.wire.cluster.journal, 1);
    CHECK_INT(EVENT_client_refused, entry->kind);
    CHECK(strstr(entry->text, expected));
    close(fd);
    scene_close(&scene);
}

TEST(what_is_no_kafka_is_closed_with_one_entry)
{
    check_refused("GET / HTTP/1.1\r\n\r\n", 18, "closed, it sent an HTTP request (GET)");
    check_refused("\x16\x03\x01\x02\x00\x01", 6, "a TLS handshake");
    check_refused("SSH-2.0-x\r\n", 11, "an SSH greeting");
    check_refused("hello\x1b[2J", 9, "text (\"hello\\x1b[2J\")");
    check_refused("\xff\xff\xff\xfe", 4, "a request of -2 bytes");
    check_refused("\x06\x40\x00\x01", 4, "a request of 104857601 bytes; at most 104857600");
}

/* 100 MiB announced and 1 kB sent: the memory taken is that of what came. */
TEST(a_large_request_comes_whole_and_its_bytes_go_back)
{
    struct scene scene;
    size_t size = 3000000, sent = 0, got = 0;
    uint8_t *bytes = mem_alloc(size + 4), *back = mem_alloc(size + 4);
    int fd;

    scene_open(&scene, 0);
    put_u32(bytes, (uint32_t)size);
    for (size_t i = 0; i < size; i++)
        bytes[4 + i] = (uint8_t)(i * 31 >> 3);
    fd = dial(&scene, 0);
    for (int i = 0; i < 100000 && got < size + 4; i++) {
        ssize_t n = sent < size + 4 ? write(fd, bytes + sent, size + 4 - sent) : 0;

        sent += n > 0 ? (size_t)n : 0;
        uv_run(&scene.loop, UV_RUN_NOWAIT);
        queue_run_due(scene.queue, 1000);
        n = read(fd, back + got, size + 4 - got);
        got += n > 0 ? (size_t)n : 0;
    }
    CHECK_INT(size + 4, got);
    CHECK(!memcmp(bytes, back, got));
    CHECK_INT(1, scene.wire.requests);
    close(fd);
    mem_free(bytes);
    mem_free(back);
    scene_close(&scene);
}

static void check_slices(struct fs *fs, const char *path)
{
    struct scene scene;
    struct frame frame = { 0 };
    struct file *file;
    char text[200000];
    char got[256];
    int fd;

    memset(text, 'x', sizeof(text));
    memcpy(text + 150000, "records", 7);
    CHECK_INT(ERR_OK, fs_open(fs, path, FILE_WRITE | FILE_CREATE, &file, NULL));
    CHECK_INT(ERR_OK, file_append(file, text, sizeof(text), NULL));
    buffer_put(&frame.bytes, "<>!", 3);
    frame.slices = mem_zero_array(2, sizeof(*frame.slices));
    frame.slice_count = frame.slice_capacity = 2;
    frame.slices[0] = (struct frame_slice){ 1, file_pin(file), 150000, 7 };
    frame.slices[1] = (struct frame_slice){ 2, file_pin(file), 0, 2 };
    scene_open(&scene, 0);
    scene.wire.prepared = &frame;
    fd = dial(&scene, 0);
    say(fd, "fetch");
    spin(&scene);
    heard(fd, got, sizeof(got));
    CHECK_TEXT("<records>xx!|", got);
    close(fd);
    scene_close(&scene);
    file_close(file);
    CHECK_INT(ERR_OK, fs_unlink(fs, path, NULL));
    fs_free(fs);
}

TEST(slices_of_files_go_out_between_the_bytes)
{
    int64_t clock = 0;
    char path[64];

    check_slices(fs_memory(&clock), "/slices.log");
    snprintf(path, sizeof(path), "/tmp/slices-%d.log", (int)getpid());
    check_slices(fs_real(&clock, 0, false), path);
}

TEST(frozen_requests_are_read_and_counted_but_not_served)
{
    struct scene scene;
    char got[256];
    int fd;

    scene_open(&scene, 0);
    fd = dial(&scene, 0);
    spin(&scene);
    net_freeze(scene.net, true);
    say(fd, "one");
    spin(&scene);
    CHECK_INT(0, scene.wire.requests);
    CHECK_INT(1, net_waiting(scene.net).count);
    CHECK(net_waiting(scene.net).oldest_us > 0);
    net_freeze(scene.net, false);
    spin(&scene);
    CHECK_INT(1, scene.wire.requests);
    CHECK_INT(0, net_waiting(scene.net).count);
    heard(fd, got, sizeof(got));
    CHECK_TEXT("one|", got);
    close(fd);
    scene_close(&scene);
}

TEST(beyond_the_limit_connections_wait_for_one_to_go)
{
    struct scene scene;
    int fds[3];

    scene_open(&scene, 2);
    for (int i = 0; i < 3; i++)
        fds[i] = dial(&scene, 0);
    spin(&scene);
    CHECK_INT(2, net_connection_count(scene.net));
    CHECK_INT(2, scene.wire.count);
    CHECK(net_kick(scene.net, 1));
    CHECK(!net_kick(scene.net, 99));
    CHECK_TEXT("it was kicked", scene.wire.last_why);
    spin(&scene);
    CHECK_INT(2, net_connection_count(scene.net));
    CHECK_INT(3, scene.wire.count);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    scene_close(&scene);
}

TEST(a_port_in_use_is_named_with_its_owner)
{
    struct scene scene;
    struct net *second;
    struct reason reason = { "" };
    char expected[64];

    scene_open(&scene, 0);
    CHECK_INT(ERR_BROKER_NOT_AVAILABLE,
              net_open(&second, &(struct net_options){ .loop = &scene.loop, .wire = &scene.wire, .queue = scene.queue,
                                                       .first_port = net_port(scene.net, 0) }, &reason));
    CHECK(!second);
    snprintf(expected, sizeof(expected), "port %d is in use by ", net_port(scene.net, 0));
    CHECK(strstr(reason.text, expected) == reason.text);
    snprintf(expected, sizeof(expected), "(process %d)", (int)getpid());
    CHECK(strstr(reason.text, expected));
    scene_close(&scene);
}

/* ---- the client's side ---- */

struct call {
    int opened, replies;
    enum err opened_err, err;
    char answer[64];
};

static void on_opened(void *context, enum err err)
{
    struct call *call = context;

    call->opened++;
    call->opened_err = err;
}

static void on_answer(void *context, enum err err, struct bytes answer)
{
    struct call *call = context;

    call->replies++;
    call->err = err;
    snprintf(call->answer, sizeof(call->answer), "%.*s", (int)answer.size, answer.data ? (const char *)answer.data : "");
}

static void send_text(struct channel *channel, const char *text, struct call *call)
{
    struct frame frame = { 0 };

    buffer_put(&frame.bytes, text, strlen(text));
    if (call)
        channel->transport->send(channel, &frame, on_answer, call);
    else
        channel->transport->expect_none(channel, &frame);
}

TEST(a_client_over_tcp_sends_hears_and_is_told_of_the_end)
{
    struct scene scene;
    struct call call = { 0 };
    struct timers *wall;
    struct transport *transport;
    struct channel *channel;
    char address[64];

    scene_open(&scene, 0);
    wall = wall_timers_new(&scene.loop, scene.queue);
    transport = transport_tcp(&scene.loop, wall);
    CHECK(transport->resolve(transport, "localhost", address, sizeof(address)));
    CHECK_TEXT("127.0.0.1", address);
    CHECK(!transport->resolve(transport, "no.such.host.invalid", address, sizeof(address)));
    channel = transport->open(transport, "localhost", net_port(scene.net, 0), on_opened, &call);
    spin(&scene);
    CHECK_INT(1, call.opened);
    CHECK_INT(ERR_OK, call.opened_err);
    send_text(channel, "nothing", NULL);
    send_text(channel, "hello", &call);
    spin(&scene);
    CHECK_INT(1, call.replies);
    CHECK_TEXT("hello", call.answer);
    scene.wire.park = true;
    send_text(channel, "unheard", &call);
    spin(&scene);
    CHECK(net_kick(scene.net, 1));
    spin(&scene);
    CHECK_INT(2, call.replies);
    CHECK_INT(ERR_NETWORK_EXCEPTION, call.err);
    send_text(channel, "too late", &call);
    CHECK_INT(3, call.replies);
    transport->close(channel);
    transport->free(transport);
    wall_timers_free(wall);
    scene_close(&scene);
}

TEST(a_client_is_told_that_nobody_listens)
{
    struct scene scene;
    struct call call = { 0 };
    struct timers *wall;
    struct transport *transport;
    struct channel *channel;
    int32_t port;

    scene_open(&scene, 0);
    port = net_port(scene.net, 0);
    net_close(scene.net);
    scene.net = NULL;
    wall = wall_timers_new(&scene.loop, scene.queue);
    transport = transport_tcp(&scene.loop, wall);
    channel = transport->open(transport, "localhost", port, on_opened, &call);
    spin(&scene);
    CHECK_INT(1, call.opened);
    CHECK_INT(ERR_BROKER_NOT_AVAILABLE, call.opened_err);
    transport->close(channel);
    transport->free(transport);
    wall_timers_free(wall);
    scene_close(&scene);
}
