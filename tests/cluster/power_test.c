/* A broker loses its power, its disk refuses something: what was acknowledged is there again, once and in order, as far as it was flushed. */
#include <stdio.h>

#include "sim/base/files_faulty.h"
#include "sim/log/record.h"
#include "tests/cluster/cluster_lab.h"

enum { PRODUCERS = 4, PARTITIONS = 2, MOST_RECORDS = 4000 };

struct producing {                /* one idempotent producer of one partition */
    int64_t id;
    int32_t acknowledged;         /* records, from sequence 0 on */
    int32_t pending;              /* records of the batch that was not acknowledged; 0: none */
};

struct life {
    struct cluster_lab *lab;
    struct random random;
    struct broker *broker;
    struct producing producers[PARTITIONS][PRODUCERS];
};

static void value_of(char out[64], int producer, int32_t sequence)
{
    int size = snprintf(out, 64, "producer %d record %d ", producer, sequence);

    memset(out + size, '.', (size_t)(sequence % 30));
    out[size + sequence % 30] = 0;
}

static enum err send(struct life *life, int partition, int producer, int32_t count)
{
    struct producing *producing = &life->producers[partition][producer];
    struct partition *leader = broker_partition(life->broker, "students", partition);
    struct batch_builder builder = { 0 };
    struct log_append append = { .origin = APPEND_CLIENT, .produce_version = 9, .now_ms = queue_now_ms(life->lab->queue) };
    struct log_appended appended;
    struct reason reason = { "" };
    enum err err;

    batch_builder_init(&builder, CODEC_NONE);
    builder.producer_id = producing->id;
    builder.producer_epoch = 0;
    builder.base_sequence = producing->acknowledged;
    for (int32_t i = 0; i < count; i++) {
        char value[64];

        value_of(value, producer, producing->acknowledged + i);
        batch_builder_add(&builder, append.now_ms, (struct bytes){ 0 }, bytes_text(value), NULL, 0);
    }
    err = batch_builder_finish(&builder, &append.records, &reason);
    if (!err)
        err = leader ? partition_append(leader, &append, -1, &appended, &reason) : ERR_LEADER_NOT_AVAILABLE;
    batch_builder_done(&builder);
    if (err && err != ERR_KAFKA_STORAGE_ERROR && err != ERR_LEADER_NOT_AVAILABLE && err != ERR_NOT_LEADER_OR_FOLLOWER)
        fail_msg("%s: %s", err_name(err), reason.text);
    producing->pending = err ? count : 0;
    if (!err)
        producing->acknowledged += count;
    return err;
}

static void produce_some(struct life *life)
{
    int partition = (int)random_below(&life->random, PARTITIONS), producer = (int)random_below(&life->random, PRODUCERS);
    int32_t pending = life->producers[partition][producer].pending;

    send(life, partition, producer, pending ? pending : 1 + (int32_t)random_below(&life->random, 4));
}

/* Each producer's records from 0 on, once and in order, each whole; how many there are. */
static void read_back(struct life *life, int partition, int32_t count[PRODUCERS])
{
    struct partition *leader = broker_partition(life->broker, "students", partition);
    struct log_cursor cursor;
    struct batch batch;
    int64_t next = 0;

    memset(count, 0, sizeof(int32_t[PRODUCERS]));
    CHECK(leader && partition_leads(leader));
    log_cursor_init(&cursor, partition_log(leader), 0, false);
    while (log_cursor_next(&cursor, &batch)) {
        struct record_iterator it;
        struct record record;

        CHECK(batch_crc_right(&batch));
        CHECK_INT(next, batch.base_offset);
        records_begin(&it, &batch);
        while (records_next(&it, &record)) {
            int producer = (int)(batch.producer_id - 1000) % PRODUCERS;
            char value[64];

            value_of(value, producer, count[producer]++);
            CHECK_INT(strlen(value), record.value.size);
            CHECK(!memcmp(value, record.value.data, record.value.size));
        }
        CHECK_INT(ERR_OK, it.err);
        records_done(&it);
        next = batch.last_offset + 1;
    }
    log_cursor_done(&cursor);
    CHECK_INT(next, log_end_offset(partition_log(leader)));
}

static void begin(struct life *life, enum release release, uint64_t seed, const char *settings)
{
    memset(life, 0, sizeof(*life));
    random_init(&life->random, seed);
    life->lab = cluster_lab_new_seeded(release, 1, settings, seed);
    life->broker = cluster_broker_at(life->lab->cluster, 0);
    for (int p = 0; p < PARTITIONS; p++)
        for (int i = 0; i < PRODUCERS; i++)
            life->producers[p][i].id = 1000 + p * PRODUCERS + i;
    CHECK_INT(ERR_OK, cluster_lab_create(life->lab, "students", PARTITIONS, 1, "segment.bytes=4000"));
}

static void come_back(struct life *life)
{
    struct reason reason = { "" };

    disk_heal(broker_disk(life->broker));
    if (broker_state(life->broker) != BROKER_UP && broker_start(life->broker, &reason))
        fail_msg("%s", reason.text);
    cluster_lab_advance_ms(life->lab, 20000);
    CHECK_INT(BROKER_UP, broker_state(life->broker));
}

static void check_flushed(enum release release, uint64_t seed)
{
    struct life life;
    int32_t count[PRODUCERS];

    begin(&life, release, seed, "log.flush.interval.messages=1 log.initial.task.delay.ms=500");
    for (int round = 0; round < 3; round++) {
        int steps = 1 + (int)random_below(&life.random, 60);

        if (random_below(&life.random, 2)) /* in the middle of an append, or of a roll */
            disk_set_failing(broker_disk(life.broker), DISK_OPERATIONS, 1 + (int64_t)random_below(&life.random, 300), false);
        for (int i = 0; i < steps; i++) {
            produce_some(&life);
            cluster_lab_advance_ms(life.lab, (int64_t)random_below(&life.random, 300));
        }
        broker_power_off(life.broker, NULL, NULL);
        cluster_lab_advance_ms(life.lab, 20000);
        come_back(&life);
        for (int p = 0; p < PARTITIONS; p++) {
            read_back(&life, p, count);
            for (int i = 0; i < PRODUCERS; i++) {
                const struct producing *producing = &life.producers[p][i];

                if (count[i] < producing->acknowledged || count[i] > producing->acknowledged + producing->pending)
                    fail_msg("seed %llu: students-%d has %d records of producer %d, %d were acknowledged", (unsigned long long)seed, p, count[i], i,
                             producing->acknowledged);
            }
        }
        for (int p = 0; p < PARTITIONS; p++) /* tried again: what was written already is not written twice */
            for (int i = 0; i < PRODUCERS; i++)
                if (life.producers[p][i].pending)
                    CHECK_INT(ERR_OK, send(&life, p, i, life.producers[p][i].pending));
    }
    for (int p = 0; p < PARTITIONS; p++) {
        read_back(&life, p, count);
        for (int i = 0; i < PRODUCERS; i++)
            CHECK_INT(life.producers[p][i].acknowledged, count[i]);
    }
    cluster_lab_free(life.lab);
}

TEST(with_flush_messages_1_a_power_off_takes_nothing_that_was_acknowledged)
{
    for (uint64_t seed = 0; seed < 400; seed++) {
        check_flushed(RELEASE_27, seed);
        check_flushed(RELEASE_ANY, seed);
    }
}

static void check_unflushed(enum release release, uint64_t seed, bool *lost_some)
{
    struct life life;
    int64_t flushed[PARTITIONS], end[PARTITIONS];
    int32_t count[PRODUCERS];
    int before;

    begin(&life, release, seed, "log.initial.task.delay.ms=500");
    for (int i = 0, steps = 1 + (int)random_below(&life.random, 150); i < steps; i++) {
        produce_some(&life);
        cluster_lab_advance_ms(life.lab, (int64_t)random_below(&life.random, 300));
    }
    for (int p = 0; p < PARTITIONS; p++) {
        flushed[p] = log_recovery_point(partition_log(broker_partition(life.broker, "students", p)));
        end[p] = log_end_offset(partition_log(broker_partition(life.broker, "students", p)));
    }
    before = cluster_lab_entries(life.lab, EVENT_records_lost);
    CHECK_INT(ERR_OK, broker_power_off(life.broker, NULL, NULL));
    cluster_lab_advance_ms(life.lab, 20000);
    come_back(&life);
    for (int p = 0; p < PARTITIONS; p++) {
        int64_t now = log_end_offset(partition_log(broker_partition(life.broker, "students", p)));

        read_back(&life, p, count); /* what is there is right, and there is no hole in it */
        CHECK(now >= flushed[p] && now <= end[p]);
        before += now < end[p];
        *lost_some = *lost_some || now < end[p];
    }
    CHECK_INT(before, cluster_lab_entries(life.lab, EVENT_records_lost)); /* and each loss is told */
    cluster_lab_free(life.lab);
}

TEST(without_it_only_what_was_not_flushed_may_be_gone)
{
    bool lost_some = false;

    for (uint64_t seed = 0; seed < 400; seed++) {
        check_unflushed(RELEASE_27, seed, &lost_some);
        check_unflushed(RELEASE_ANY, seed, &lost_some);
    }
    CHECK(lost_some);
}

TEST(flush_ms_flushes_what_is_old_enough_at_the_tasks_moments)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 1, "log.flush.scheduler.interval.ms=1000 log.initial.task.delay.ms=0");
    struct log *log;
    uint64_t events;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, "flush.ms=5000"));
    log = partition_log(cluster_lab_leader(lab, "students", 0));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 20, -1));
    cluster_lab_advance_ms(lab, 4500);
    CHECK_INT(0, log_recovery_point(log));
    cluster_lab_advance_ms(lab, 2000);
    CHECK_INT(10, log_recovery_point(log));
    cluster_lab_advance_ms(lab, 100000); /* the checkpoint's tick */
    events = queue_events_run(lab->queue);
    cluster_lab_advance_ms(lab, 3600000);
    CHECK_INT(events, queue_events_run(lab->queue)); /* nothing goes on by itself */
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 5, 20, -1));
    cluster_lab_advance_ms(lab, 1500);
    CHECK_INT(15, log_recovery_point(log)); /* the last flush was long ago */
    cluster_lab_free(lab);
}

TEST(by_default_the_task_comes_once_as_in_kafka)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 1, NULL);
    struct log *log;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, "flush.ms=1000"));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 20, -1));
    log = partition_log(cluster_lab_leader(lab, "students", 0));
    cluster_lab_advance_ms(lab, 29000);
    CHECK_INT(0, log_recovery_point(log));
    cluster_lab_advance_ms(lab, 2000); /* its first moment; the next is forever away */
    CHECK_INT(10, log_recovery_point(log));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 20, -1));
    cluster_lab_advance_ms(lab, 86400000);
    CHECK_INT(10, log_recovery_point(log));
    cluster_lab_free(lab);
}

/* ---- a disk that refuses ---- */

TEST(a_broker_whose_disk_is_full_halts_and_comes_back_when_it_is_well)
{
    for (int old = 0; old < 2; old++) {
        struct cluster_lab *lab = cluster_lab_new(old ? RELEASE_27 : RELEASE_43, 1, NULL);
        struct broker *broker = cluster_broker_at(lab->cluster, 0);

        CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL));
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 20, -1));
        disk_set_full(broker_disk(broker), 50);
        CHECK_INT(ERR_KAFKA_STORAGE_ERROR, cluster_lab_append(lab, "students", 0, 10, 20, -1));
        CHECK(strstr(lab->reason.text, "No space left on device"));
        CHECK_INT(BROKER_UP, broker_state(broker)); /* the answer still goes out */
        cluster_lab_advance_ms(lab, 1);
        CHECK_INT(BROKER_DOWN, broker_state(broker));
        CHECK_INT(1, cluster_lab_entries(lab, EVENT_disk_failed));
        cluster_lab_advance_ms(lab, 20000);
        if (broker_start(broker, &lab->reason) == ERR_OK) { /* what fits fits */
            cluster_lab_advance_ms(lab, 10000);
            cluster_lab_append(lab, "students", 0, 10, 20, -1);
            cluster_lab_advance_ms(lab, 20000);
        }
        disk_heal(broker_disk(broker));
        cluster_lab_advance_ms(lab, 20000);
        CHECK_INT(BROKER_DOWN, broker_state(broker));
        CHECK_INT(ERR_OK, broker_start(broker, &lab->reason));
        cluster_lab_advance_ms(lab, 10000);
        CHECK_INT(10, log_end_offset(partition_log(cluster_lab_leader(lab, "students", 0))));
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 20, -1));
        cluster_lab_free(lab);
    }
}

TEST(a_slow_disk_holds_back_what_waits_for_it)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 2, NULL);
    struct partition *leader;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 2, NULL));
    leader = cluster_lab_leader(lab, "students", 0);
    disk_set_slow(broker_disk(partition_broker(leader)), 50000);
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 20, -1));
    CHECK_INT(queue_now_us(lab->queue) + 50000, partition_written_us(leader));
    cluster_lab_advance_ms(lab, 40);
    CHECK_INT(10, log_end_offset(partition_log(leader)));
    CHECK_INT(0, log_high_watermark(partition_log(leader)));
    cluster_lab_advance_ms(lab, 20);
    CHECK_INT(10, log_high_watermark(partition_log(leader)));
    cluster_lab_advance_ms(lab, 20000); /* the followers know it too, and the checkpoints' writes are over */
    disk_heal(broker_disk(partition_broker(leader)));
    for (size_t i = 0; i < 2; i++)
        if (cluster_broker_at(lab->cluster, i) != partition_broker(leader))
            disk_set_slow(broker_disk(cluster_broker_at(lab->cluster, i)), 50000);
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 20, -1));
    cluster_lab_advance_ms(lab, 40);
    CHECK_INT(10, log_high_watermark(partition_log(leader)));
    cluster_lab_advance_ms(lab, 20);
    CHECK_INT(20, log_high_watermark(partition_log(leader)));
    cluster_lab_free(lab);
}

/* ---- whichever operation fails ---- */

static void note_commit(void *context)
{
    *(bool *)context = true;
}

/* A life with all that a broker writes; false: nothing was refused in it, so the nth operation never came. */
static bool live_with(enum release release, int64_t nth, bool always)
{
    struct life life;
    struct group_offset offset = { .topic = "students", .partition = 0, .offset = 3, .leader_epoch = -1, .metadata = "" };
    struct group_commit commit = { .group = "my-group", .member_id = "", .generation = -1, .retention_ms = -1, .offsets = &offset, .count = 1 };
    bool committed = false, refused, topic;
    struct group_call call = { .committed = note_commit, .context = &committed };
    struct group_offset *fetched = NULL;
    struct arena arena;
    int32_t count[PRODUCERS], n = 0;

    memset(&life, 0, sizeof(life));
    random_init(&life.random, 5);
    life.lab = cluster_lab_new(release, 1, "offsets.topic.num.partitions=1 log.initial.task.delay.ms=500 log.retention.check.interval.ms=5000");
    life.broker = cluster_broker_at(life.lab->cluster, 0);
    CHECK_INT(ERR_OK, controller_ensure_internal_topic(life.lab->cluster, "__consumer_offsets", NULL, NULL));
    cluster_lab_advance_ms(life.lab, 10);
    for (int p = 0; p < PARTITIONS; p++)
        for (int i = 0; i < PRODUCERS; i++)
            life.producers[p][i].id = 1000 + p * PRODUCERS + i;
    disk_set_failing(broker_disk(life.broker), DISK_OPERATIONS, nth, always);
    topic = !cluster_lab_create(life.lab, "students", PARTITIONS, 1, "segment.bytes=1000");
    for (int i = 0; i < 30 && topic && broker_up(life.broker); i++) {
        send(&life, i % PARTITIONS, i % PRODUCERS, 1 + i % 3);
        cluster_lab_advance_ms(life.lab, 100);
    }
    if (broker_up(life.broker)) {
        group_commit(life.broker, &commit, &call);
        cluster_lab_advance_ms(life.lab, 100);
        if (call.parked)
            group_call_forget(&call);
    }
    if (broker_up(life.broker))
        cluster_lab_create(life.lab, "fleeting", 1, 1, "segment.bytes=500,retention.ms=1000");
    if (broker_up(life.broker) && cluster_lab_leader(life.lab, "fleeting", 0)) {
        cluster_lab_alter(life.lab, "fleeting", "retention.ms", "1000");
        for (int i = 0; i < 5 && cluster_lab_leader(life.lab, "fleeting", 0); i++)
            cluster_lab_append(life.lab, "fleeting", 0, 3, 60, -1);
        cluster_lab_advance_ms(life.lab, 70000); /* retention, checkpoints, .deleted files unlinked */
    }
    if (broker_up(life.broker))
        controller_delete_topic(life.lab->cluster, "fleeting", NULL, NULL);
    cluster_lab_advance_ms(life.lab, 70000);
    if (broker_up(life.broker)) {
        CHECK_INT(ERR_OK, broker_stop(life.broker, NULL));
        cluster_lab_advance_ms(life.lab, 3000);
    }
    refused = disk_state(broker_disk(life.broker)).refused > 0;
    CHECK_INT(BROKER_DOWN, broker_state(life.broker));
    cluster_lab_advance_ms(life.lab, 20000);
    come_back(&life);
    for (int p = 0; p < PARTITIONS && topic; p++) {
        if (!broker_partition(life.broker, "students", p))
            continue;
        read_back(&life, p, count);
        for (int i = 0; i < PRODUCERS; i++)
            if (count[i] < life.producers[p][i].acknowledged || count[i] > life.producers[p][i].acknowledged + life.producers[p][i].pending)
                fail_msg("operation %lld: students-%d has %d records of producer %d, %d were acknowledged", (long long)nth, p, count[i], i,
                         life.producers[p][i].acknowledged);
    }
    if (committed && !offset.err) {
        arena_init(&arena);
        CHECK_INT(ERR_OK, group_fetch_offsets(life.broker, "my-group", &fetched, &n, &arena));
        CHECK_INT(1, n);
        CHECK_INT(3, fetched[0].offset);
        arena_done(&arena);
    }
    if (broker_partition(life.broker, "students", 0))
        CHECK_INT(ERR_OK, send(&life, 0, 0, life.producers[0][0].pending ? life.producers[0][0].pending : 1));
    cluster_lab_free(life.lab);
    return refused;
}

TEST(whichever_operation_fails_nothing_acknowledged_is_lost)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_ANY };

    for (size_t i = 0; i < 2; i++)
        for (int always = 0; always < 2; always++) {
            int64_t nth = 1;

            while (live_with(releases[i], nth, always))
                nth++;
            CHECK(nth > 120); /* so many did it ask for */
        }
}
