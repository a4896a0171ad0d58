/* The cleaner of a broker: when it looks, what it takes first, what it leaves in its checkpoint, and that waiting costs nothing. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/log/batch.h"
#include "sim/log/log.h"
#include "tests/cluster/cluster_lab.h"

static const enum release releases[] = { RELEASE_27, RELEASE_43 };

static void put(struct cluster_lab *lab, const char *topic, const char *key, const char *value)
{
    struct batch_builder builder = { 0 };
    struct log_append append = { .origin = APPEND_CLIENT, .produce_version = 9, .now_ms = queue_now_ms(lab->queue) };
    struct log_appended appended;

    batch_builder_init(&builder, CODEC_NONE);
    batch_builder_add(&builder, append.now_ms, bytes_text(key), bytes_text(value), NULL, 0);
    CHECK_INT(ERR_OK, batch_builder_finish(&builder, &append.records, &lab->reason));
    CHECK_INT(ERR_OK, partition_append(cluster_lab_leader(lab, topic, 0), &append, 1, &appended, &lab->reason));
    batch_builder_done(&builder);
}

/* Each in a segment of its own. */
static void put_rolled(struct cluster_lab *lab, const char *topic, const char *key, const char *value)
{
    put(lab, topic, key, value);
    cluster_lab_advance_ms(lab, 11);
}

static struct cluster_lab *compacted(enum release release, int32_t brokers, const char *settings)
{
    struct cluster_lab *lab = cluster_lab_new(release, brokers, settings);

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, (int16_t)brokers, NULL));
    CHECK_INT(ERR_OK, cluster_lab_alter(lab, "students", "cleanup.policy", "compact"));
    CHECK_INT(ERR_OK, cluster_lab_alter(lab, "students", "segment.ms", "10"));
    return lab;
}

/* "students 0 4, ..." without the first two lines. */
static char *checkpoint_text(struct cluster_lab *lab, int32_t broker)
{
    char *path = mem_printf("%s/cleaner-offset-checkpoint", broker_log_dir(cluster_broker(lab->cluster, broker)));
    struct buffer bytes = { 0 };
    char *text, *at;

    CHECK_INT(ERR_OK, fs_read_all(lab->fs, path, 1 << 20, &bytes, NULL));
    buffer_i8(&bytes, 0);
    at = (char *)bytes.data;
    for (int line = 0; line < 2 && *at; line++)
        at = strchr(at, '\n') + 1;
    text = mem_text(at);
    buffer_done(&bytes);
    mem_free(path);
    return text;
}

#define CHECK_CHECKPOINT(lab, broker, expected)                 \
    do {                                                        \
        char *text_ = checkpoint_text((lab), (broker));         \
        CHECK_TEXT((expected), text_);                          \
        mem_free(text_);                                        \
    } while (0)

TEST(a_cleaner_looks_every_backoff)
{
    for (int r = 0; r < 2; r++) {
        struct cluster_lab *lab = compacted(releases[r], 1, "log.cleaner.backoff.ms=15000");
        struct broker *broker = cluster_broker_at(lab->cluster, 0);
        struct partition *partition = cluster_lab_leader(lab, "students", 0);
        int64_t start = broker_started_us(broker);

        put_rolled(lab, "students", "a", "1");
        put_rolled(lab, "students", "a", "2");
        put_rolled(lab, "students", "a", "3");
        CHECK_INT(start + 15000000, broker_next_cleaner_look_us(broker));
        CHECK_INT(start + 15000000, partition_next_cleaning_us(partition));
        queue_run_until(lab->queue, start + 14999999);
        CHECK_INT(0, cluster_lab_entries(lab, EVENT_log_cleaned));
        CHECK_CHECKPOINT(lab, r, "");
        queue_run_until(lab->queue, start + 15000000);
        CHECK_INT(1, cluster_lab_entries(lab, EVENT_log_cleaned));
        CHECK_CHECKPOINT(lab, r, "students 0 2\n");
        CHECK_INT(2, partition_cleaner_offset(partition));
        CHECK_INT(INT64_MAX, partition_next_cleaning_us(partition));
        cluster_lab_free(lab);
    }
}

TEST(a_cleaner_with_nothing_to_do_costs_no_events)
{
    struct cluster_lab *lab = compacted(RELEASE_43, 1, NULL);
    uint64_t before;

    for (int i = 0; i < 10; i++)
        put_rolled(lab, "students", "a", "1");
    cluster_lab_advance_ms(lab, 600000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_log_cleaned));
    before = queue_events_run(lab->queue);
    cluster_lab_advance_ms(lab, 30 * 86400000LL);
    CHECK(queue_events_run(lab->queue) - before < 5);
    put(lab, "students", "a", "1"); /* into the active segment: nothing to clean by that */
    before = queue_events_run(lab->queue);
    cluster_lab_advance_ms(lab, 30 * 86400000LL);
    CHECK(queue_events_run(lab->queue) - before < 8);
    cluster_lab_free(lab);
}

TEST(the_filthiest_log_goes_first)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 1, "log.cleaner.min.cleanable.ratio=0.2");
    const char *order[3] = { 0 };
    int count = 0;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "a", 1, 1, NULL));
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "b", 1, 1, NULL));
    for (int t = 0; t < 2; t++) {
        CHECK_INT(ERR_OK, cluster_lab_alter(lab, t ? "b" : "a", "cleanup.policy", "compact"));
        CHECK_INT(ERR_OK, cluster_lab_alter(lab, t ? "b" : "a", "segment.ms", "10"));
    }
    for (int i = 0; i < 6; i++)
        put_rolled(lab, "a", i % 2 ? "x" : "y", "1");
    cluster_lab_advance_ms(lab, 15000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_log_cleaned));
    for (int i = 0; i < 3; i++)
        put_rolled(lab, "a", "z", "1"); /* a: some of it clean; b: all of it dirty */
    for (int i = 0; i < 3; i++)
        put_rolled(lab, "b", "z", "1");
    cluster_lab_advance_ms(lab, 15000);
    for (uint64_t n = 1; n <= journal_last(lab->journal) && count < 3; n++)
        if (journal_get(lab->journal, n)->kind == EVENT_log_cleaned)
            order[count++] = journal_get(lab->journal, n)->topic;
    CHECK_INT(3, count);
    CHECK_TEXT("a", order[0]);
    CHECK_TEXT("b", order[1]);
    CHECK_TEXT("a", order[2]);
    cluster_lab_free(lab);
}

TEST(compact_and_delete_get_retention_from_the_cleaner)
{
    for (int off = 0; off < 2; off++) {
        struct cluster_lab *lab = compacted(RELEASE_43, 1, off ? "log.cleaner.enable=false" : NULL);
        struct log *log = partition_log(cluster_lab_leader(lab, "students", 0));
        int64_t start = broker_started_us(cluster_broker_at(lab->cluster, 0));

        CHECK_INT(ERR_OK, cluster_lab_alter(lab, "students", "cleanup.policy", "compact,delete"));
        CHECK_INT(ERR_OK, cluster_lab_alter(lab, "students", "retention.ms", "20000"));
        put_rolled(lab, "students", "a", "1");
        put_rolled(lab, "students", "b", "1");
        queue_run_until(lab->queue, start + 29999000);
        CHECK_INT(0, log_start_offset(log));
        queue_run_until(lab->queue, start + 30000000); /* its second look; the retention task comes each 300 s */
        CHECK_INT(off ? 0 : 2, log_start_offset(log));
        cluster_lab_advance_ms(lab, 700000);
        CHECK_INT(off ? 0 : 2, log_start_offset(log)); /* without a cleaner nobody looks */
        CHECK_INT(off ? INT64_MAX : start + 735000000, broker_next_cleaner_look_us(cluster_broker_at(lab->cluster, 0)));
        cluster_lab_free(lab);
    }
}

TEST(policy_compact_alone_keeps_to_the_log_start)
{
    struct cluster_lab *lab = compacted(RELEASE_43, 1, "log.cleaner.min.cleanable.ratio=1");
    struct log *log = partition_log(cluster_lab_leader(lab, "students", 0));

    CHECK_INT(ERR_OK, cluster_lab_alter(lab, "students", "retention.ms", "1000"));
    for (int i = 0; i < 4; i++)
        put_rolled(lab, "students", "a", "1");
    cluster_lab_advance_ms(lab, 60000);
    CHECK_INT(0, log_start_offset(log));
    CHECK_INT(ERR_OK, cluster_lab_alter(lab, "students", "cleanup.policy", "delete"));
    CHECK_INT(ERR_OK, cluster_lab_alter(lab, "students", "retention.ms", "-1"));
    log_raise_start_offset(log, 2);
    CHECK_INT(ERR_OK, cluster_lab_alter(lab, "students", "cleanup.policy", "compact"));
    cluster_lab_advance_ms(lab, 15000);
    CHECK_INT(2, log_start_offset(log));
    CHECK_FILES(lab, "lab/broker-1/students-0", "*.log", "00000000000000000002.log,00000000000000000003.log");
    cluster_lab_free(lab);
}

TEST(min_compaction_lag_has_its_moment)
{
    struct cluster_lab *lab = compacted(RELEASE_43, 1, NULL);
    struct partition *partition = cluster_lab_leader(lab, "students", 0);
    int64_t start = broker_started_us(cluster_broker_at(lab->cluster, 0)), put_ms = queue_now_ms(lab->queue), at_us;

    CHECK_INT(ERR_OK, cluster_lab_alter(lab, "students", "min.compaction.lag.ms", "3600000"));
    put_ms = queue_now_ms(lab->queue);
    put_rolled(lab, "students", "a", "1");
    put_rolled(lab, "students", "a", "2");
    at_us = start + ((put_ms + 3600000) * 1000 - start + 14999999) / 15000000 * 15000000;
    CHECK_INT(at_us, partition_next_cleaning_us(partition));
    queue_run_until(lab->queue, at_us - 1);
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_log_cleaned));
    queue_run_until(lab->queue, at_us);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_log_cleaned));
    cluster_lab_free(lab);
}

TEST(followers_clean_their_own_copies)
{
    struct cluster_lab *lab = compacted(RELEASE_43, 3, NULL);
    int same = 0;

    for (int i = 0; i < 6; i++)
        put_rolled(lab, "students", "a", "1");
    cluster_lab_advance_ms(lab, 16000);
    CHECK_INT(3, cluster_lab_entries(lab, EVENT_log_cleaned));
    for (int b = 0; b < 3; b++) {
        struct log *log = partition_log(broker_partition(cluster_broker_at(lab->cluster, (size_t)b), "students", 0));

        same += log_size_bytes(log) == 2 * 70 && log_end_offset(log) == 6;
    }
    CHECK_INT(3, same);
    for (int i = 0; i < 3; i++)
        put_rolled(lab, "students", "b", "1");
    cluster_lab_advance_ms(lab, 16000);
    CHECK_INT(6, cluster_lab_entries(lab, EVENT_log_cleaned));
    cluster_lab_free(lab);
}

TEST(the_checkpoint_is_there_after_a_restart_and_goes_with_its_topic)
{
    for (int r = 0; r < 2; r++) {
        struct cluster_lab *lab = compacted(releases[r], 1, NULL);

        for (int i = 0; i < 4; i++)
            put_rolled(lab, "students", "a", "1");
        cluster_lab_advance_ms(lab, 16000);
        CHECK_CHECKPOINT(lab, r, "students 0 3\n");
        for (int clean = 0; clean < 2; clean++) {
            cluster_lab_reopen(lab, clean);
            CHECK_INT(3, partition_cleaner_offset(cluster_lab_leader(lab, "students", 0)));
            cluster_lab_advance_ms(lab, 16000);
        }
        CHECK_INT(1, cluster_lab_entries(lab, EVENT_log_cleaned));
        CHECK_INT(ERR_OK, controller_delete_topic(lab->cluster, "students", NULL, &lab->reason));
        cluster_lab_advance_ms(lab, 100);
        CHECK_CHECKPOINT(lab, r, "");
        cluster_lab_free(lab);
    }
}

static void damage(struct cluster_lab *lab, const char *path, int64_t at, uint8_t byte)
{
    struct file *file;

    CHECK_INT(ERR_OK, fs_open(lab->fs, path, FILE_READ | FILE_WRITE, &file, NULL));
    CHECK_INT(ERR_OK, file_write(file, &byte, 1, at, NULL));
    file_close(file);
}

TEST(a_log_that_cannot_be_cleaned_is_left_alone_until_a_restart)
{
    struct cluster_lab *lab = compacted(RELEASE_43, 1, NULL);
    const char *path = "lab/broker-1/students-0/00000000000000000001.log";

    for (int i = 0; i < 4; i++)
        put_rolled(lab, "students", "a", "1");
    damage(lab, path, 16, 7);
    cluster_lab_advance_ms(lab, 60000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_cleaning_failed));
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_log_cleaned));
    CHECK(partition_uncleanable(cluster_lab_leader(lab, "students", 0)));
    CHECK_INT(INT64_MAX, partition_next_cleaning_us(cluster_lab_leader(lab, "students", 0)));
    CHECK_CHECKPOINT(lab, 1, "students 0 0\n");
    put_rolled(lab, "students", "a", "1");
    cluster_lab_advance_ms(lab, 60000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_cleaning_failed));
    damage(lab, path, 16, 2);
    cluster_lab_reopen(lab, true);
    cluster_lab_advance_ms(lab, 16000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_log_cleaned));
    cluster_lab_free(lab);
}

/* A large log, so that the cleaning takes many events; then something comes between. */
TEST(what_comes_between_ends_a_cleaning)
{
    for (int what = 0; what < 5; what++) {
        struct cluster_lab *lab = compacted(RELEASE_43, 1, "log.cleaner.io.buffer.size=200");
        struct broker *broker = cluster_broker_at(lab->cluster, 0);
        int64_t start = broker_started_us(broker);
        char *value = mem_zero(300001);

        memset(value, 'v', 300000);
        for (int i = 0; i < 12; i++)
            put_rolled(lab, "students", i % 2 ? "a" : "b", value);
        mem_free(value);
        queue_run_until(lab->queue, start + 14999999);
        while (!fs_exists(lab->fs, "lab/broker-1/students-0/00000000000000000000.log.cleaned"))
            CHECK(queue_run_next(lab->queue));
        CHECK_INT(start + 15000000, queue_now_us(lab->queue));
        if (what == 0) {
            CHECK_INT(ERR_OK, cluster_lab_alter(lab, "students", "cleanup.policy", "delete"));
            CHECK_INT(1, cluster_lab_entries(lab, EVENT_cleaning_stopped));
        } else if (what == 1) {
            CHECK_INT(ERR_OK, controller_delete_topic(lab->cluster, "students", NULL, &lab->reason));
            cluster_lab_advance_ms(lab, 100);
            CHECK_INT(1, cluster_lab_entries(lab, EVENT_cleaning_stopped));
        } else {
            if (what == 4)
                CHECK_INT(ERR_OK, broker_kill(broker, "a test", &lab->reason));
            else
                cluster_lab_reopen(lab, what == 2);
            if (what == 4)
                CHECK_FILES(lab, "lab/broker-1/students-0", "*.log.cleaned", "00000000000000000000.log.cleaned");
            if (what == 4)
                CHECK_INT(ERR_OK, broker_start(broker, &lab->reason));
            cluster_lab_advance_ms(lab, 20000);
            CHECK_INT(1, cluster_lab_entries(lab, EVENT_log_cleaned));
        }
        if (what != 1)
            CHECK_FILES(lab, "lab/broker-1/students-0", "*.cleaned", "");
        cluster_lab_free(lab);
    }
}

TEST(a_cleaner_is_set_anew_while_it_runs)
{
    struct cluster_lab *lab = compacted(RELEASE_43, 1, NULL);
    struct broker *broker = cluster_broker_at(lab->cluster, 0);
    struct config_change change = { "log.cleaner.backoff.ms", CONFIG_SET, "1000" };

    put_rolled(lab, "students", "a", "1");
    put_rolled(lab, "students", "a", "2");
    CHECK_INT(ERR_OK, controller_alter_config(lab->cluster, CONFIG_BROKER, "", &change, 1, false, false, NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 10); /* new threads look at once */
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_log_cleaned));
    CHECK(broker_next_cleaner_look_us(broker) <= queue_now_us(lab->queue) + 1000000);
    cluster_lab_free(lab);
}
