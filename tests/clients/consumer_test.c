/* The consumer against a cluster in memory: positions, groups, what it says of topics that are not there. */
#include <stdio.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster.h"
#include "tests/clients/clients_lab.h"

static void fill(struct task *task, struct clients_lab *lab, const char *topic, int32_t partitions, int count, const char *settings)
{
    struct producer *producer = lab_producer(lab, settings, NULL);

    for (int i = 0; i < count; i++) {
        char value[20];

        snprintf(value, sizeof(value), "v%d", i);
        lab_send(task, producer, topic, i % partitions, i % 2 ? "k" : NULL, value);
    }
    CHECK_INT(ERR_OK, producer_flush(task, producer));
    producer_close(producer);
}

static void check_consumed(struct task *task, struct consumer *consumer, const char *expected)
{
    char *got = lab_consume(task, consumer);

    CHECK_TEXT(expected, got);
    mem_free(got);
}

static void check_assigned(const struct consumer *consumer, const char *expected)
{
    char *got = lab_assigned(consumer);

    CHECK_TEXT(expected, got);
    mem_free(got);
}

static void read_alone(struct task *task, struct clients_lab *lab)
{
    static const char *const codecs[] = { "none", "gzip", "snappy", "lz4", "zstd" };
    struct consumer *consumer = lab_consumer(lab, "auto.offset.reset=none");

    for (int i = 0; i < 5; i++) {
        char settings[60];

        snprintf(settings, sizeof(settings), "compression.type=%s", codecs[i]);
        fill(task, lab, "students", 1, 2, settings);
    }
    consumer_assign(consumer, &(struct consumer_position){ "students", 0, -2 }, 1);
    check_consumed(task, consumer, "students-0@0 null=v0 students-0@1 k=v1 students-0@2 null=v0 students-0@3 k=v1 students-0@4 null=v0 students-0@5 k=v1 "
                                   "students-0@6 null=v0 students-0@7 k=v1 students-0@8 null=v0 students-0@9 k=v1");
    consumer_seek(consumer, "students", 0, 8);
    check_consumed(task, consumer, "students-0@8 null=v0 students-0@9 k=v1");
    consumer_seek(consumer, "students", 0, 50);
    check_consumed(task, consumer, "OFFSET_OUT_OF_RANGE: Fetch position 50 is out of range for partition students-0");
    consumer_assign(consumer, &(struct consumer_position){ "students", 0, -3 }, 1);
    check_consumed(task, consumer, "");
    fill(task, lab, "students", 1, 1, "");
    check_consumed(task, consumer, "students-0@10 null=v0");
    consumer_close(task, consumer);
}

TEST(an_assigned_consumer_reads_from_where_it_is_told)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (int i = 0; i < 2; i++) {
        struct clients_lab *lab = clients_lab_new(releases[i], 1);

        clients_lab_topic(lab, "students", 1);
        clients_lab_play(lab, read_alone);
        CHECK_TEXT("", text_chars(&lab->log));
        clients_lab_free(lab);
    }
}

static void read_and_come_back(struct task *task, struct clients_lab *lab)
{
    static const char *const topics[] = { "orders" };
    struct consumer *consumer = lab_consumer(lab, "group.id=g auto.offset.reset=earliest max.poll.records=2");
    const struct consumer_record *records;
    size_t count;

    fill(task, lab, "orders", 1, 5, "");
    consumer_subscribe(consumer, topics, 1);
    CHECK_INT(ERR_OK, consumer_poll(task, consumer, 5000000, &records, &count, NULL));
    CHECK_INT(2, count);
    CHECK_INT(0, records[0].offset);
    check_assigned(consumer, "orders-0");
    consumer_close(task, consumer); /* commits 2 */

    consumer = lab_consumer(lab, "group.id=g enable.auto.commit=false");
    consumer_subscribe(consumer, topics, 1);
    check_consumed(task, consumer, "orders-0@2 null=v2 orders-0@3 k=v3 orders-0@4 null=v4");
    consumer_close(task, consumer);

    consumer = lab_consumer(lab, "group.id=g enable.auto.commit=false");
    consumer_subscribe(consumer, topics, 1);
    CHECK_INT(ERR_OK, consumer_poll(task, consumer, 5000000, &records, &count, NULL));
    CHECK_INT(3, count);
    CHECK_INT(ERR_OK, consumer_commit(task, consumer, NULL));
    consumer_drop(consumer); /* a crash: the session runs out */
    task_sleep(task, lab->queue, 60000000);

    consumer = lab_consumer(lab, "group.id=g");
    consumer_subscribe(consumer, topics, 1);
    check_consumed(task, consumer, "");
    consumer_close(task, consumer);
}

TEST(a_group_goes_on_where_it_committed)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (int i = 0; i < 2; i++) {
        struct clients_lab *lab = clients_lab_new(releases[i], 3);

        clients_lab_topic(lab, "orders", 1);
        clients_lab_play(lab, read_and_come_back);
        clients_lab_free(lab);
    }
}

/* One polls while the other joins: both polls are needed for a rebalance, so each runs in a task of its own. */
struct member {
    struct clients_lab *lab;
    struct consumer *consumer;
    bool stop, ended;
    int records;
    bool crashes;                      /* its end is heard by nobody */
};

static void poll_on(struct task *task, void *context)
{
    struct member *member = context;
    const struct consumer_record *records;
    size_t count;

    while (!member->stop && consumer_poll(task, member->consumer, 500000, &records, &count, NULL) == ERR_OK)
        member->records += (int)count;
    if (member->crashes)
        consumer_drop(member->consumer);
    else
        consumer_close(task, member->consumer);
    member->consumer = NULL;
}

static void poll_ended(void *context)
{
    ((struct member *)context)->ended = true;
}

static void member_start(struct member *member, struct clients_lab *lab, const char *settings, const char *const *topics, size_t count)
{
    *member = (struct member){ lab, lab_consumer(lab, settings), false, false, 0, false };
    consumer_subscribe(member->consumer, topics, count);
    task_start(poll_on, poll_ended, member);
}

static void member_stop(struct member *member)
{
    member->stop = true;
    for (int i = 0; i < 100 && !member->ended; i++)
        clients_lab_run(member->lab, 100);
    CHECK(member->ended);
}

TEST(members_share_the_partitions_and_inherit_them)
{
    static const char *const topics[] = { "orders", "students" };
    static const struct { const char *settings, *first, *second; } cases[] = {
        { "group.id=g", "students-0 orders-0 orders-1", "students-1 orders-2" },
        { "group.id=g partition.assignment.strategy=roundrobin", "orders-0 orders-2 students-1", "orders-1 students-0" },
    };

    for (int i = 0; i < 2; i++) {
        struct clients_lab *lab = clients_lab_new(RELEASE_43, 1);
        struct member one, two;
        char *mine, *other;

        clients_lab_topic(lab, "orders", 3);
        clients_lab_topic(lab, "students", 2);
        member_start(&one, lab, cases[i].settings, topics, 2);
        clients_lab_run(lab, 2000);
        CHECK_INT(5, consumer_assignment(one.consumer, NULL, 0));
        member_start(&two, lab, cases[i].settings, topics, 2);
        clients_lab_run(lab, 10000);
        CHECK_INT(5, consumer_assignment(one.consumer, NULL, 0) + consumer_assignment(two.consumer, NULL, 0));
        mine = lab_assigned(one.consumer);
        other = lab_assigned(two.consumer);
        /* who comes first depends on the ids that the broker gave */
        CHECK((!strcmp(mine, cases[i].first) && !strcmp(other, cases[i].second)) || (!strcmp(mine, cases[i].second) && !strcmp(other, cases[i].first)));
        mem_free(mine);
        mem_free(other);
        member_stop(&one);
        clients_lab_run(lab, 10000);
        CHECK_INT(5, consumer_assignment(two.consumer, NULL, 0));
        member_stop(&two);
        clients_lab_free(lab);
    }
}

TEST(a_member_that_dies_is_missed_after_its_session)
{
    static const char *const topics[] = { "orders" };
    struct clients_lab *lab = clients_lab_new(RELEASE_27, 1);
    struct member one, two;

    clients_lab_topic(lab, "orders", 4);
    member_start(&one, lab, "group.id=g", topics, 1);
    clients_lab_run(lab, 1000);
    member_start(&two, lab, "group.id=g session.timeout.ms=10000", topics, 1);
    clients_lab_run(lab, 8000);
    CHECK_INT(2, consumer_assignment(two.consumer, NULL, 0));
    two.crashes = true;
    member_stop(&two);
    clients_lab_run(lab, 5000);
    CHECK_INT(2, consumer_assignment(one.consumer, NULL, 0));
    clients_lab_run(lab, 10000);
    CHECK_INT(4, consumer_assignment(one.consumer, NULL, 0));
    member_stop(&one);
    clients_lab_free(lab);
}

/* A pattern follows new topics at the next refresh of metadata. */
TEST(a_pattern_takes_in_new_topics)
{
    struct clients_lab *lab = clients_lab_new(RELEASE_43, 1);
    struct member one = { lab, lab_consumer(lab, "group.id=g metadata.max.age.ms=5000"), false, false, 0, false };

    clients_lab_topic(lab, "students", 1);
    clients_lab_topic(lab, "other", 1);
    CHECK_INT(ERR_OK, consumer_subscribe_pattern(one.consumer, "stu.*|ord\\w*", NULL));
    task_start(poll_on, poll_ended, &one);
    clients_lab_run(lab, 2000);
    check_assigned(one.consumer, "students-0");
    clients_lab_topic(lab, "orders", 2);
    clients_lab_run(lab, 10000);
    CHECK_INT(3, consumer_assignment(one.consumer, NULL, 0));
    member_stop(&one);
    clients_lab_free(lab);
}

/* More partitions: the leader of the group sees them and has the group rebalance. */
TEST(new_partitions_are_handed_out)
{
    static const char *const topics[] = { "orders" };
    struct clients_lab *lab = clients_lab_new(RELEASE_43, 1);
    struct member one;

    clients_lab_topic(lab, "orders", 1);
    member_start(&one, lab, "group.id=g metadata.max.age.ms=5000", topics, 1);
    clients_lab_run(lab, 2000);
    check_assigned(one.consumer, "orders-0");
    CHECK_INT(ERR_OK, controller_add_partitions(lab->cluster, "orders", 3, NULL, 0, false, NULL, NULL));
    clients_lab_run(lab, 10000);
    CHECK_INT(3, consumer_assignment(one.consumer, NULL, 0));
    member_stop(&one);
    clients_lab_free(lab);
}

static void read_unknown(struct task *task, struct clients_lab *lab)
{
    static const char *const unknown[] = { "nope" }, *const bad[] = { "bad name" };
    struct consumer *consumer = lab_consumer(lab, "group.id=g allow.auto.create.topics=false");

    consumer_subscribe(consumer, unknown, 1);
    check_consumed(task, consumer, "");
    consumer_close(task, consumer);
    CHECK(text_starts(text_chars(&lab->log), "WARN [Consumer clientId=consumer-g-1, groupId=g] Error while fetching metadata with correlation id "));
    CHECK(strstr(text_chars(&lab->log), " : {nope=UNKNOWN_TOPIC_OR_PARTITION}\n") != NULL);
    CHECK(strstr(text_chars(&lab->log), "The following subscribed topics are not assigned to any members: [nope] \n") != NULL);
    consumer = lab_consumer(lab, "group.id=g");
    consumer_subscribe(consumer, bad, 1);
    check_consumed(task, consumer, "INVALID_TOPIC_EXCEPTION: Invalid topics: [bad name]");
    consumer_close(task, consumer);
}

TEST(topics_that_are_not_there)
{
    struct clients_lab *lab = clients_lab_new(RELEASE_27, 1);

    clients_lab_play(lab, read_unknown);
    clients_lab_free(lab);
}
