/* Three replicas and nothing flushed: what acks=all acknowledged outlives the power of any one broker, as long as the others have time to go on without it. */
#include <stdio.h>

#include "sim/log/record.h"
#include "tests/cluster/cluster_lab.h"

enum { BROKERS = 3, MOST_SENT = 400 };

struct sent {
    struct commit_wait wait;
    bool answered;
    enum err err;
};

struct life {
    struct cluster_lab *lab;
    struct random random;
    struct sent sent[MOST_SENT];
    int count;
};

static void on_commit(void *context, enum err err)
{
    struct sent *sent = context;

    sent->answered = true;
    sent->err = err;
}

/* One record "record N" with acks=all. */
static void send(struct life *life)
{
    struct partition *leader = cluster_lab_leader(life->lab, "students", 0);
    struct sent *sent = &life->sent[life->count];
    struct batch_builder builder = { 0 };
    struct log_append append = { .origin = APPEND_CLIENT, .produce_version = 9, .now_ms = queue_now_ms(life->lab->queue) };
    struct log_appended appended;
    char value[32];
    enum err err;

    snprintf(value, sizeof(value), "record %d", life->count);
    batch_builder_init(&builder, CODEC_NONE);
    batch_builder_add(&builder, append.now_ms, (struct bytes){ 0 }, bytes_text(value), NULL, 0);
    err = batch_builder_finish(&builder, &append.records, NULL);
    if (!err)
        err = leader ? partition_append(leader, &append, -1, &appended, NULL) : ERR_LEADER_NOT_AVAILABLE;
    batch_builder_done(&builder);
    *sent = (struct sent){ .wait = { .done = on_commit, .context = sent }, .answered = err != ERR_OK, .err = err };
    life->count++;
    if (!err)
        partition_await_commit(leader, &sent->wait, appended.last_offset + 1);
}

static void check_all(struct life *life, uint64_t seed)
{
    struct partition *leader = cluster_lab_leader(life->lab, "students", 0);
    bool seen[MOST_SENT] = { 0 };
    struct log_cursor cursor;
    struct batch batch;

    CHECK(leader && partition_leads(leader));
    log_cursor_init(&cursor, partition_log(leader), 0, false);
    while (log_cursor_next(&cursor, &batch)) {
        struct record_iterator it;
        struct record record;

        CHECK(batch_crc_right(&batch));
        records_begin(&it, &batch);
        while (records_next(&it, &record)) {
            char value[32] = "";
            int number = -1;

            snprintf(value, sizeof(value), "%.*s", (int)record.value.size, (const char *)record.value.data);
            CHECK_INT(1, sscanf(value, "record %d", &number));
            CHECK(number >= 0 && number < life->count && !seen[number]);
            seen[number] = true;
        }
        records_done(&it);
    }
    log_cursor_done(&cursor);
    for (int i = 0; i < life->count; i++)
        if (life->sent[i].answered && !life->sent[i].err && !seen[i])
            fail_msg("seed %llu: record %d was acknowledged and is not there", (unsigned long long)seed, i);
    /* and all replicas are the same */
    for (size_t b = 0; b < BROKERS; b++) {
        struct partition *replica = broker_partition(cluster_broker_at(life->lab->cluster, b), "students", 0);

        CHECK(replica != NULL);
        CHECK_INT(log_end_offset(partition_log(leader)), log_end_offset(partition_log(replica)));
        CHECK_INT(log_high_watermark(partition_log(leader)), log_high_watermark(partition_log(replica)));
    }
}

static void live(enum release release, uint64_t seed, int *acknowledged, int *losses)
{
    struct life *life = mem_zero(sizeof(*life));
    struct create_topic create = { .name = "students", .partition_count = 1, .replication_factor = BROKERS };

    random_init(&life->random, seed);
    life->lab = cluster_lab_new_seeded(release, BROKERS, "min.insync.replicas=2", seed);
    CHECK_INT(ERR_OK, controller_create_topic(life->lab->cluster, &create, false, NULL, NULL, &life->lab->reason));
    cluster_lab_advance_ms(life->lab, 10);
    for (int round = 0; round < 3; round++) {
        struct broker *victim = cluster_broker_at(life->lab->cluster, random_below(&life->random, BROKERS));
        int before = 1 + (int)random_below(&life->random, 30), after = (int)random_below(&life->random, 30);

        for (int i = 0; i < before; i++) {
            send(life);
            queue_run_until(life->lab->queue, queue_now_us(life->lab->queue) + (int64_t)random_below(&life->random, 2000));
        }
        CHECK_INT(ERR_OK, broker_power_off(victim, NULL, &life->lab->reason));
        for (int i = 0; i < after; i++) {
            if (cluster_lab_leader(life->lab, "students", 0))
                send(life);
            cluster_lab_advance_ms(life->lab, (int64_t)random_below(&life->random, 1500));
        }
        CHECK_INT(ERR_OK, broker_start(victim, &life->lab->reason));
        cluster_lab_advance_ms(life->lab, 60000); /* the session, the election, and the way back into the ISR */
        CHECK_INT(BROKER_UP, broker_state(victim));
        CHECK_INT(BROKERS, image_partition(cluster_image(life->lab->cluster), "students", 0)->isr_count);
    }
    cluster_lab_advance_ms(life->lab, 60000);
    check_all(life, seed);
    *losses += cluster_lab_entries(life->lab, EVENT_records_lost);
    for (int i = 0; i < life->count; i++)
        *acknowledged += life->sent[i].answered && !life->sent[i].err;
    for (int i = 0; i < life->count; i++)
        partition_forget_commit(&life->sent[i].wait);
    cluster_lab_free(life->lab);
    mem_free(life);
}

TEST(acks_all_outlives_the_power_of_one_broker)
{
    int acknowledged = 0, losses = 0;

    for (uint64_t seed = 0; seed < 400; seed++) {
        live(RELEASE_27, seed, &acknowledged, &losses);
        live(RELEASE_43, seed, &acknowledged, &losses);
    }
    CHECK(acknowledged > 5000);
    CHECK(losses > 200);
}
