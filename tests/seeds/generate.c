/* A seed's history. */
#include <stdio.h>
#include <string.h>

#include "sim/order.h"
#include "tests/seeds/history.h"

enum ground {                          /* what a history is about beside replication */
    GROUND_PLAIN,
    GROUND_RETENTION,
    GROUND_COMPACTION,
    GROUND_TOPICS,                    /* made, deleted, made again; more partitions */
    GROUND_RACKS,                     /* consumers read from followers */
    GROUND_GROUPS,                    /* members are thrown out and don't know */
    GROUND_ISR,                       /* what leaders ask of their controller comes late */
};
struct maker {
    struct history *history;
    struct random random;
    enum ground ground;
    bool flushes;                     /* all is flushed at once: power may go */
    bool holds;                       /* followers are held, nothing else */
    int64_t load_ms;                  /* clients work so long */
};

static uint64_t below(struct maker *maker, uint64_t limit)
{
    return random_below(&maker->random, limit);
}

static bool chance(struct maker *maker, int percent)
{
    return below(maker, 100) < (uint64_t)percent;
}

#define PICK(maker, ...) ((const char *const[]){ __VA_ARGS__ }[below(maker, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))])

static int32_t broker_at(const struct maker *maker, uint64_t index)
{
    return (int32_t)index + (release_is_27(maker->history->release) ? 0 : 1);
}

static int32_t any_broker(struct maker *maker)
{
    return broker_at(maker, below(maker, (uint64_t)maker->history->brokers));
}

/* ---- the cluster ---- */

static void ground_settings(struct maker *maker, struct text *out, bool old)
{
    switch (maker->ground) {
    case GROUND_RETENTION:
        text_printf(out, " log.retention.check.interval.ms=%s", PICK(maker, "500", "2000", "5000"));
        if (!old && chance(maker, 80))
            text_printf(out, " log.initial.task.delay.ms=%s", PICK(maker, "0", "1000"));
        text_printf(out, " log.flush.start.offset.checkpoint.interval.ms=%s", PICK(maker, "500", "3000", "60000"));
        break;
    case GROUND_COMPACTION:
        text_printf(out, " log.cleaner.backoff.ms=%s", PICK(maker, "200", "1000", "3000"));
        if (maker->history->release != RELEASE_43 && chance(maker, 50))
            text_add(out, " offsets.topic.segment.bytes=2000");
        break;
    case GROUND_RACKS:
        text_printf(out, " @racks=%s replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector", PICK(maker, "a,b,c", "a,b", "a,b,b"));
        break;
    default:
        break;
    }
}

static void make_settings(struct maker *maker)
{
    struct text out = { 0 };
    bool old = release_is_27(maker->history->release);

    text_printf(&out, "offsets.topic.num.partitions=%d offsets.topic.replication.factor=%d", 1 + (int)below(maker, 3),
                maker->history->brokers < 3 ? maker->history->brokers : 3);
    text_printf(&out, " auto.create.topics.enable=false log.cleaner.enable=%s group.initial.rebalance.delay.ms=%s", maker->ground == GROUND_COMPACTION ? "true" : "false",
                PICK(maker, "0", "0", "500", "3000"));
    text_printf(&out, " replica.lag.time.max.ms=%s replica.fetch.wait.max.ms=%s", PICK(maker, "1000", "2000", "5000", "10000", "30000"), PICK(maker, "20", "100", "500"));
    text_printf(&out, " %s=%s", old ? "zookeeper.session.timeout.ms" : "broker.session.timeout.ms", PICK(maker, "3000", "6000", "9000"));
    if (!old)
        text_printf(&out, " broker.heartbeat.interval.ms=%s", PICK(maker, "500", "1000", "2000"));
    if (chance(maker, 30))
        text_printf(&out, " replica.high.watermark.checkpoint.interval.ms=%s", PICK(maker, "500", "1000", "60000"));
    if (chance(maker, 20))
        text_printf(&out, " replica.fetch.max.bytes=%s", PICK(maker, "300", "1000", "5000"));
    text_printf(&out, " auto.leader.rebalance.enable=%s leader.imbalance.check.interval.seconds=%s", chance(maker, 50) ? "true" : "false", PICK(maker, "3", "10", "300"));
    maker->flushes = chance(maker, 35);
    if (maker->flushes)
        text_add(&out, " log.flush.interval.messages=1");
    if (maker->history->release != RELEASE_43 && chance(maker, 50))
        text_printf(&out, " log.segment.bytes=%s", PICK(maker, "1000", "3000", "10000"));
    if (maker->history->release != RELEASE_43 && chance(maker, 30))
        text_printf(&out, " log.index.interval.bytes=%s", PICK(maker, "100", "500"));
    ground_settings(maker, &out, old);
    maker->history->settings = text_take(&out);
}

static void topic_ground(struct maker *maker, struct text *out)
{
    bool small = maker->history->release != RELEASE_43; /* 4.3 allows no segment below 1 MB */
    bool retention = maker->ground == GROUND_RETENTION && chance(maker, 80), compaction = maker->ground == GROUND_COMPACTION && chance(maker, 80);

    if (!retention && !compaction)
        return;
    if (small && chance(maker, 60))
        text_printf(out, " segment.bytes=%s", PICK(maker, "200", "600", "2000", "6000"));
    else
        text_printf(out, " segment.ms=%s", PICK(maker, "300", "1000", "4000"));
    if (compaction) {
        bool both = chance(maker, 25);

        text_printf(out, " cleanup.policy=%s min.cleanable.dirty.ratio=%s", both ? "compact,delete" : "compact", PICK(maker, "0.01", "0.1", "0.5"));
        if (chance(maker, 30))
            text_printf(out, " min.compaction.lag.ms=%s", PICK(maker, "500", "5000"));
        if (chance(maker, 30))
            text_printf(out, " max.compaction.lag.ms=%s", PICK(maker, "6000", "15000"));
        if (chance(maker, 30))
            text_printf(out, " delete.retention.ms=%s", PICK(maker, "0", "1000", "8000"));
        retention = both;
    }
    if (retention && chance(maker, 75))
        text_printf(out, " retention.ms=%s", PICK(maker, "500", "3000", "12000"));
    if (retention && chance(maker, 50))
        text_printf(out, " retention.bytes=%s", PICK(maker, "0", "500", "3000", "12000"));
    if (chance(maker, 50))
        text_printf(out, " file.delete.delay.ms=%s", PICK(maker, "0", "1000", "10000"));
}

static void make_topics(struct maker *maker)
{
    uint64_t count = 1 + below(maker, 3);

    for (uint64_t i = 0; i < count; i++) {
        struct history_topic topic = { .name = mem_printf("t%d", (int)i), .partitions = 1 + (int32_t)below(maker, 3) };
        int32_t most = maker->history->brokers < 3 || chance(maker, 80) ? 3 : 5;
        struct text out = { 0 };

        topic.factor = (int16_t)(chance(maker, 75) ? most : 1 + (int)below(maker, 3));
        if (topic.factor > maker->history->brokers)
            topic.factor = (int16_t)maker->history->brokers;
        text_printf(&out, "min.insync.replicas=%d", topic.factor > 1 && chance(maker, 70) ? 2 : 1);
        if (chance(maker, 12))
            text_add(&out, " unclean.leader.election.enable=true");
        topic_ground(maker, &out);
        topic.settings = text_take(&out);
        ARRAY_ADD(maker->history->topics, maker->history->topic_count, maker->history->topic_capacity) = topic;
    }
}

/* ---- clients ---- */

static struct history_client *add_client(struct maker *maker, char *name, const char *group, char *topics, char *settings)
{
    struct history *history = maker->history;

    ARRAY_ADD(history->clients, history->client_count, history->client_capacity) =
        (struct history_client){ .name = name, .group = mem_text(group), .topics = topics, .settings = settings };
    return &history->clients[history->client_count - 1];
}

static void make_producer(struct maker *maker, int number)
{
    const struct history *history = maker->history;
    const struct history_topic *topic = &history->topics[below(maker, history->topic_count)];
    bool idempotent = chance(maker, 55), simulated = chance(maker, 20);
    struct text out = { 0 };

    if (idempotent)
        text_add(&out, "acks=all enable.idempotence=true");
    else
        text_printf(&out, "acks=%s enable.idempotence=false", PICK(maker, "all", "all", "1", "0"));
    if (!idempotent && chance(maker, 30))
        text_add(&out, " retries=0");
    text_printf(&out, " linger.ms=%s batch.size=%s", PICK(maker, "0", "5", "50"), PICK(maker, "200", "1000", "16384"));
    text_printf(&out, " request.timeout.ms=%s max.block.ms=%s", PICK(maker, "1500 delivery.timeout.ms=10000", "1500 delivery.timeout.ms=60000",
                                                                      "5000 delivery.timeout.ms=30000", "30000 delivery.timeout.ms=60000"),
                maker->ground == GROUND_TOPICS ? "3000" : "20000");
    if (chance(maker, 20))
        text_printf(&out, " compression.type=%s", PICK(maker, "gzip", "lz4", "snappy", "zstd"));
    if (chance(maker, 30))
        text_printf(&out, " max.in.flight.requests.per.connection=%s", PICK(maker, "1", "3"));
    if (chance(maker, 50) || maker->ground == GROUND_TOPICS)
        text_printf(&out, " metadata.max.age.ms=%s", PICK(maker, "2000", "10000"));
    if (simulated)
        text_printf(&out, " simulated.rate=%s simulated.size=%s", PICK(maker, "3/s", "20/s", "80/s"), PICK(maker, "0", "40", "200"));
    if (strstr(topic->settings, "cleanup.policy=compact"))
        text_add(&out, simulated ? " simulated.keys=9" : " keyed=true");
    else if (simulated && chance(maker, 50))
        text_printf(&out, " simulated.keys=%s", PICK(maker, "1", "9"));
    add_client(maker, mem_printf("%c%d", simulated ? 's' : 'p', number), NULL, mem_text(topic->name), text_take(&out));
}

static void make_consumer(struct maker *maker, int number, const char *group, const char *strategy, const char *topics)
{
    bool simulated = chance(maker, 25);
    struct text out = { 0 };

    text_printf(&out, "partition.assignment.strategy=%s session.timeout.ms=%s heartbeat.interval.ms=%s", strategy, PICK(maker, "6000", "10000"),
                PICK(maker, "500", "2000", "3000"));
    if (chance(maker, 50))
        text_add(&out, " enable.auto.commit=false");
    else
        text_printf(&out, " auto.commit.interval.ms=%s", PICK(maker, "200", "1000", "5000"));
    text_printf(&out, " max.poll.interval.ms=%s fetch.max.wait.ms=%s max.poll.records=%s", PICK(maker, "10000", "30000"), PICK(maker, "50", "500"), PICK(maker, "1", "10", "500"));
    if (chance(maker, 50) || maker->ground == GROUND_TOPICS)
        text_printf(&out, " metadata.max.age.ms=%s", PICK(maker, "2000", "10000"));
    if (chance(maker, 30))
        text_printf(&out, " request.timeout.ms=%s", PICK(maker, "3000", "10000"));
    if (maker->ground == GROUND_RACKS && chance(maker, 80))
        text_printf(&out, " client.rack=%s", PICK(maker, "a", "b", "c"));
    if (simulated)
        text_printf(&out, " simulated.slow=%s", PICK(maker, "0ms", "0ms", "2ms", "30ms"));
    add_client(maker, mem_printf("%c%d", simulated ? 'x' : 'c', number), group, mem_text(topics), text_take(&out));
}

static void make_clients(struct maker *maker)
{
    const struct history *history = maker->history;
    int producers = 1 + (int)below(maker, 4), groups = 1 + (int)below(maker, 2), number = 0;

    for (int i = 0; i < producers; i++)
        make_producer(maker, i);
    for (int g = 0; g < groups; g++) {
        char *group = mem_printf("g%d", g);
        const char *strategy = PICK(maker, "range", "roundrobin", "sticky", "cooperative-sticky");
        struct text topics = { 0 };
        int members = 1 + (int)below(maker, 3);

        for (size_t i = 0; i < history->topic_count; i++)
            if (i == 0 || chance(maker, 70))
                text_printf(&topics, "%s%s", topics.size ? "," : "", history->topics[i].name);
        for (int i = 0; i < members; i++)
            make_consumer(maker, number++, group, strategy, text_chars(&topics));
        text_done(&topics);
        mem_free(group);
    }
}

/* ---- steps ---- */

static void add_step(struct maker *maker, int64_t at_ms, enum step_kind kind, char *who, int32_t count)
{
    ARRAY_ADD(maker->history->steps, maker->history->step_count, maker->history->step_capacity) = (struct step){ at_ms, kind, who, count };
}

static void make_load(struct maker *maker)
{
    const struct history *history = maker->history;

    for (size_t i = 0; i < history->client_count; i++) {
        const struct history_client *client = &history->clients[i];
        int64_t at_ms = (int64_t)below(maker, 2000), pause_ms = 50 + (int64_t)below(maker, 1500);

        if (!client->group && history_simulated(client)) {
            int64_t stop_ms = at_ms + 1000 + (int64_t)below(maker, 12000);

            add_step(maker, at_ms, STEP_START, mem_text(client->name), 0);
            add_step(maker, stop_ms < maker->load_ms ? stop_ms : maker->load_ms, chance(maker, 80) ? STEP_CLOSE : STEP_DROP, mem_text(client->name), 0);
        } else if (!client->group) {
            int32_t most = 1 + (int32_t)below(maker, 20);

            for (; at_ms < maker->load_ms; at_ms += 1 + (int64_t)below(maker, (uint64_t)pause_ms * 2))
                add_step(maker, at_ms, STEP_SEND, mem_text(client->name), 1 + (int32_t)below(maker, (uint64_t)most));
        } else {
            add_step(maker, chance(maker, 60) ? at_ms : (int64_t)below(maker, (uint64_t)maker->load_ms), STEP_START, mem_text(client->name), 0);
            while (chance(maker, 35)) {
                int64_t stop_ms = (int64_t)below(maker, (uint64_t)maker->load_ms);

                add_step(maker, stop_ms, chance(maker, 50) ? STEP_CLOSE : STEP_DROP, mem_text(client->name), 0);
                if (chance(maker, 80))
                    add_step(maker, stop_ms + 1 + (int64_t)below(maker, 5000), STEP_START, mem_text(client->name), 0);
            }
        }
        while (chance(maker, 40) && !history_simulated(client))
            add_step(maker, (int64_t)below(maker, (uint64_t)maker->load_ms), STEP_BREAK, mem_text(client->name), 0);
    }
}

static bool known(const char *group, const char *verb)
{
    for (size_t i = 0; i < order_count(); i++)
        if (!strcmp(order_at(i)->group, group) && !strcmp(order_at(i)->verb, verb))
            return true;
    return false;
}

static int64_t a_while(struct maker *maker)
{
    return 1 + (int64_t)below(maker, chance(maker, 50) ? 1500 : 12000);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static char *disturbance(const char *format, int32_t id, int32_t other)
{
    char *words = mem_printf(format, id, other), *order = mem_printf("net %s", words);

    mem_free(words);
    return order;
}
#pragma GCC diagnostic pop

/* Of the controller: another leader, or other replicas. */
static void make_request(struct maker *maker, int64_t at_ms)
{
    const struct history *history = maker->history;
    const struct history_topic *topic = &history->topics[below(maker, history->topic_count)];
    int32_t partition = (int32_t)below(maker, (uint64_t)topic->partitions), first = (int32_t)below(maker, (uint64_t)history->brokers);
    struct text ids = { 0 };

    if (chance(maker, 50)) {
        add_step(maker, at_ms, STEP_ELECT, mem_printf("%s %d", topic->name, partition), 0);
        return;
    }
    for (int16_t i = 0; i < topic->factor; i++)
        text_printf(&ids, "%s%d", i ? "," : "", broker_at(maker, (uint64_t)((first + i) % history->brokers)));
    add_step(maker, at_ms, STEP_REASSIGN, mem_printf("%s %d %s", topic->name, partition, text_chars(&ids)), 0);
    text_done(&ids);
}

/* Requests that are lost or late; errors only such as a broker that did nothing answers. */
static void make_request_fault(struct maker *maker, int64_t at_ms, int64_t then_ms)
{
    const char *api = PICK(maker, "Produce", "Produce", "Produce", "Fetch", "Fetch", "OffsetCommit", "OffsetFetch", "JoinGroup", "SyncGroup", "Heartbeat", "Metadata",
                           "FindCoordinator", "InitProducerId", "ListOffsets");
    const char *what = PICK(maker, "lose-request", "lose-response", "lose-response", "delay=300ms", "delay=4s", "hold");

    if (!strcmp(api, "Produce") && chance(maker, 30))
        what = PICK(maker, "error=NOT_LEADER_OR_FOLLOWER", "error=REQUEST_TIMED_OUT", "error=NOT_ENOUGH_REPLICAS");
    add_step(maker, at_ms, STEP_ORDER, mem_printf("fault add %s%s skip=%d count=%d %s", api, !strcmp(api, "Fetch") && chance(maker, 60) ? " from=brokers" : "",
                                                  (int)below(maker, 10), 1 + (int)below(maker, 4), what), 0);
    add_step(maker, then_ms, STEP_ORDER, mem_text("fault clear"), 0);
}

/* Something breaks, and mostly is mended after a while. */
static void make_fault(struct maker *maker, int64_t at_ms)
{
    int32_t id = any_broker(maker), other = any_broker(maker);
    int64_t then_ms = at_ms + a_while(maker);
    bool mends = chance(maker, 85);

    if (maker->holds) {
        add_step(maker, at_ms, STEP_ORDER, mem_printf("replica hold %d", id), 0);
        add_step(maker, at_ms + 1 + (int64_t)below(maker, 12000), STEP_ORDER, mem_printf("replica release %d", id), 0);
        return;
    }
    if (known("net", "cut") && chance(maker, 6)) {
        add_step(maker, at_ms, STEP_ORDER, disturbance(PICK(maker, "cut clients %d", "cut clients %d one-way", "cut %d clients one-way", "delay clients %d 40ms 300ms", "loss clients %d 20"), id, 0), 0);
        add_step(maker, then_ms, STEP_ORDER, mem_printf("net heal clients %d", id), 0);
        return;
    }
    switch (below(maker, 15)) {
    case 0:
    case 1:
    case 2:
        add_step(maker, at_ms, STEP_ORDER, mem_printf("broker kill %d", id), 0);
        if (mends)
            add_step(maker, then_ms, STEP_ORDER, mem_printf("broker start %d", id), 0);
        break;
    case 3:
    case 4:
        add_step(maker, at_ms, STEP_ORDER, mem_printf("broker stop %d", id), 0);
        if (mends)
            add_step(maker, then_ms, STEP_ORDER, mem_printf("broker start %d", id), 0);
        break;
    case 5:
        add_step(maker, at_ms, STEP_ORDER, mem_printf("broker %s %d", maker->flushes ? "power-off" : "kill", id), 0);
        if (mends)
            add_step(maker, then_ms, STEP_ORDER, mem_printf("broker start %d", id), 0);
        break;
    case 6:
        add_step(maker, at_ms, STEP_ORDER, mem_printf("disk slow %d %s", id, PICK(maker, "2ms", "30ms", "200ms")), 0);
        add_step(maker, then_ms, STEP_ORDER, mem_printf("disk heal %d", id), 0);
        break;
    case 7:
        /* no reads: those that the checkers do would count */
        add_step(maker, at_ms, STEP_ORDER, mem_printf("disk fail %d %s %d", id, PICK(maker, "write", "fsync", "rename", "create"), 1 + (int)below(maker, 20)), 0);
        add_step(maker, then_ms, STEP_ORDER, mem_printf("disk heal %d", id), 0);
        add_step(maker, then_ms + 1, STEP_ORDER, mem_printf("broker start %d", id), 0);
        break;
    case 8:
        if (known("net", "cut") && id != other) {
            add_step(maker, at_ms, STEP_ORDER, mem_printf("net cut %d %d%s", id, other, chance(maker, 30) ? " one-way" : ""), 0);
            if (mends)
                add_step(maker, then_ms, STEP_ORDER, mem_printf("net heal %d %d", id, other), 0);
        }
        break;
    case 9:
        if (known("net", "delay") && id != other) {
            const char *how[] = { "delay %d %d 5ms 20ms", "delay %d %d 80ms", "delay %d %d 700ms 2s", "loss %d %d 10", "loss %d %d 60", "bandwidth %d %d 5000" };

            add_step(maker, at_ms, STEP_ORDER, disturbance(how[below(maker, 6)], id, other), 0);
            if (mends)
                add_step(maker, then_ms, STEP_ORDER, mem_printf("net heal %d %d", id, other), 0);
        }
        break;
    case 10:
        if (known("replica", "hold")) {
            add_step(maker, at_ms, STEP_ORDER, mem_printf("replica hold %d", id), 0);
            if (mends)
                add_step(maker, then_ms, STEP_ORDER, mem_printf("replica release %d", id), 0);
        }
        break;
    case 11:
        make_request(maker, at_ms);
        break;
    case 12:
    case 13:
        if (known("fault", "add"))
            make_request_fault(maker, at_ms, then_ms);
        break;
    default:
        if (known("broker", "freeze")) {
            add_step(maker, at_ms, STEP_ORDER, mem_printf("broker freeze %d", id), 0);
            add_step(maker, then_ms, STEP_ORDER, mem_printf("broker thaw %d", id), 0);
        }
        break;
    }
}

/* One after the other where two at once would be all: else nothing would be written for most of the time. */
static void make_faults(struct maker *maker)
{
    int64_t at_ms = 1000 + (int64_t)below(maker, 4000), pause_ms = 300 + (int64_t)below(maker, 8000);

    for (; at_ms < maker->load_ms; at_ms += 1 + (int64_t)below(maker, (uint64_t)pause_ms * 2))
        make_fault(maker, at_ms);
}

/* ---- what the ground is about ---- */

static const struct history_topic *any_topic(struct maker *maker)
{
    return &maker->history->topics[below(maker, maker->history->topic_count)];
}

static void make_topic_step(struct maker *maker, int64_t at_ms)
{
    const struct history_topic *topic = any_topic(maker);

    if (chance(maker, 35)) {
        add_step(maker, at_ms, STEP_PARTITIONS, mem_printf("%s %d", topic->name, topic->partitions + 1 + (int)below(maker, 3)), 0);
        return;
    }
    add_step(maker, at_ms, STEP_DELETE, mem_text(topic->name), 0);
    add_step(maker, at_ms + 1 + (int64_t)below(maker, chance(maker, 50) ? 300 : 6000), STEP_CREATE, mem_text(topic->name), 0);
}

static void make_config_step(struct maker *maker, int64_t at_ms)
{
    const struct history_topic *topic = any_topic(maker);
    const char *setting = PICK(maker, "min.insync.replicas=1", "min.insync.replicas=2", "min.insync.replicas=3", "unclean.leader.election.enable=true",
                               "unclean.leader.election.enable=false");

    if (maker->ground == GROUND_RETENTION)
        setting = PICK(maker, "retention.ms=1000", "retention.ms=60000", "retention.bytes=1000", "retention.bytes=-1", "segment.ms=500", "file.delete.delay.ms=0");
    if (maker->ground == GROUND_COMPACTION && strstr(topic->settings, "cleanup.policy=compact"))
        setting = PICK(maker, "min.cleanable.dirty.ratio=0.01", "delete.retention.ms=500", "segment.ms=500", "min.compaction.lag.ms=2000", "max.compaction.lag.ms=5000");
    add_step(maker, at_ms, STEP_CONFIG, mem_printf("%s %s", topic->name, setting), 0);
}

/* Whoever is thrown out hears of it only with its next heartbeat, or its next poll. */
static void make_group_step(struct maker *maker, int64_t at_ms)
{
    const struct history_client *client = &maker->history->clients[below(maker, maker->history->client_count)];

    if (!client->group)
        return;
    if (chance(maker, 60)) {
        add_step(maker, at_ms, STEP_ORDER, mem_printf("group expire %s %s", client->group, client->name), 0);
        return;
    }
    add_step(maker, at_ms, STEP_ORDER, mem_printf("fault add %s client=%s count=%d %s", PICK(maker, "Heartbeat", "OffsetCommit", "SyncGroup", "JoinGroup"), client->name,
                                                  1 + (int)below(maker, 30), PICK(maker, "lose-request", "lose-response", "hold", "delay=7s")), 0);
    add_step(maker, at_ms + 1000 + a_while(maker), STEP_ORDER, mem_text("fault clear"), 0);
}

static void make_isr_step(struct maker *maker, int64_t at_ms)
{
    const char *api = release_is_27(maker->history->release) ? PICK(maker, "AlterIsr", "LeaderAndIsr", "UpdateMetadata") : PICK(maker, "AlterPartition", "AlterPartition", "BrokerHeartbeat");
    int32_t id = any_broker(maker);

    add_step(maker, at_ms, STEP_ORDER, mem_printf("fault add %s count=%d %s", api, 1 + (int)below(maker, 4), PICK(maker, "delay=1s", "delay=4s", "hold", "lose-response")), 0);
    add_step(maker, at_ms + (int64_t)below(maker, 500), STEP_ORDER, mem_printf(PICK(maker, "replica hold %d", "broker kill %d", "broker stop %d"), id), 0);
    add_step(maker, at_ms + 1000 + a_while(maker), STEP_ORDER, mem_printf("replica release %d", id), 0);
    add_step(maker, at_ms + 1000 + a_while(maker), STEP_ORDER, mem_printf("broker start %d", id), 0);
    add_step(maker, at_ms + 2000 + a_while(maker), STEP_ORDER, mem_text("fault clear"), 0);
}

static void make_ground(struct maker *maker)
{
    int64_t at_ms = 500 + (int64_t)below(maker, 3000), pause_ms = 1000 + (int64_t)below(maker, 6000);

    for (; at_ms < maker->load_ms; at_ms += 1 + (int64_t)below(maker, (uint64_t)pause_ms * 2)) {
        if (maker->ground == GROUND_TOPICS && chance(maker, 70))
            make_topic_step(maker, at_ms);
        else if ((maker->ground == GROUND_RETENTION || maker->ground == GROUND_COMPACTION) && chance(maker, 60))
            add_step(maker, at_ms, STEP_REMOVE, mem_printf("%s %d %d", any_topic(maker)->name, (int)below(maker, 3), (int)below(maker, 13) * 10), 0);
        else if (maker->ground == GROUND_GROUPS)
            make_group_step(maker, at_ms);
        else if (maker->ground == GROUND_ISR)
            make_isr_step(maker, at_ms);
        else if (maker->ground != GROUND_PLAIN || chance(maker, 10))
            make_config_step(maker, at_ms);
    }
}

/* In some histories beside all else: a broker more, which then gets partitions; clocks that are wrong; disks that are full. Each has its chance apart, so that the rest of a seed is
 * what it is without. */
static void make_more(struct maker *maker, uint64_t seed)
{
    const struct history *history = maker->history;
    int64_t at_ms = 1000 + (int64_t)below(maker, (uint64_t)maker->load_ms / 2);
    int32_t id = any_broker(maker), added = broker_at(maker, (uint64_t)history->brokers);
    const struct history_topic *topic = any_topic(maker);

    switch (seed / 2 % 15) {
    case 3:
        add_step(maker, at_ms, STEP_ORDER, mem_text(maker->ground == GROUND_RACKS ? "broker add rack=b" : "broker add"), 0); /* 2.7 places nothing where only some have racks */
        for (int32_t p = 0; p < topic->partitions; p++)
            add_step(maker, at_ms + 500 + (int64_t)below(maker, 6000), STEP_REASSIGN, mem_printf("%s %d %d,%d", topic->name, (int)p, added, id), 0);
        add_step(maker, at_ms + 3000 + (int64_t)below(maker, 6000), STEP_ORDER, mem_printf(PICK(maker, "broker kill %d", "broker stop %d", "broker freeze %d"), chance(maker, 50) ? id : added), 0);
        break;
    case 8:
        add_step(maker, at_ms, STEP_ORDER, mem_printf("clock skew %d %s", id, PICK(maker, "3s", "60s", "-3s", "-60s")), 0);
        if (chance(maker, 50))
            add_step(maker, at_ms + 1 + (int64_t)below(maker, 20000), STEP_ORDER, mem_printf("clock skew %d 0s", id), 0);
        break;
    case 13:
        add_step(maker, at_ms, STEP_ORDER, mem_printf("disk full %d %d", id, (int)below(maker, 6000)), 0);
        add_step(maker, at_ms + 1 + (int64_t)below(maker, 9000), STEP_ORDER, mem_printf("disk heal %d", id), 0);
        break;
    default:
        break;
    }
}

static enum ground draw_ground(struct maker *maker)
{
    static const struct { int upto; enum ground ground; } grounds[] = { { 40, GROUND_PLAIN }, { 52, GROUND_RETENTION }, { 64, GROUND_COMPACTION }, { 76, GROUND_TOPICS },
                                                                        { 84, GROUND_RACKS }, { 92, GROUND_GROUPS }, { 100, GROUND_ISR } };
    int drawn = (int)below(maker, 100), i = 0;

    while (drawn >= grounds[i].upto)
        i++;
    return grounds[i].ground;
}

/* Those of one moment stay in the order in which they were made. */
static void sort_steps(struct history *history)
{
    for (size_t i = 1; i < history->step_count; i++) {
        struct step step = history->steps[i];
        size_t at = i;

        for (; at > 0 && history->steps[at - 1].at_ms > step.at_ms; at--)
            history->steps[at] = history->steps[at - 1];
        history->steps[at] = step;
    }
}

void history_generate(struct history *out, uint64_t seed)
{
    static const int32_t brokers[] = { 3, 3, 3, 3, 3, 3, 2, 4, 5, 5, 1, 3 };
    struct maker maker = { .history = out };

    *out = (struct history){ .seed = seed };
    random_init(&maker.random, seed * 2654435761u + 77);
    out->release = seed % 2 ? RELEASE_27 : below(&maker, 3) ? RELEASE_43 : RELEASE_ANY;
    out->brokers = brokers[below(&maker, sizeof(brokers) / sizeof(*brokers))];
    maker.ground = draw_ground(&maker);
    maker.load_ms = 5000 + (int64_t)below(&maker, 25000);
    if (maker.ground == GROUND_RETENTION && seed % 2) /* 2.7 first looks after 30 s */
        maker.load_ms += 30000;
    make_settings(&maker);
    make_topics(&maker);
    make_clients(&maker);
    make_load(&maker);
    make_ground(&maker);
    maker.holds = maker.ground == GROUND_PLAIN && chance(&maker, 20);
    if (chance(&maker, 90))
        make_faults(&maker);
    random_init(&maker.random, seed ^ 0xadd);
    make_more(&maker, seed);
    sort_steps(out);
    out->end_ms = maker.load_ms + 500;
    while (out->step_count && out->steps[out->step_count - 1].at_ms > out->end_ms)
        mem_free(out->steps[--out->step_count].who);
}
