/* Meters keep counts and rates without an event; gauges are what the cluster is. */
#include <math.h>

#include "sim/base/text.h"
#include "sim/cluster/metrics.h"
#include "tests/cluster/cluster_lab.h"

enum { SECOND = 1000000 };

static bool near(double expected, double actual)
{
    return fabs(expected - actual) <= 1e-9 * (1 + fabs(expected));
}

TEST(the_first_rate_is_that_of_the_first_tick_and_then_it_fades)
{
    struct meter meter = { 0 };
    double alpha = 1 - exp(-5.0 / 60);

    meter_mark(&meter, 100, 1000 * (int64_t)SECOND);
    CHECK_INT(100, meter.count);
    CHECK(near(0, meter.rates[0]));
    meter_catch_up(&meter, 1005 * (int64_t)SECOND);
    CHECK(near(20, meter.rates[0]));
    meter_catch_up(&meter, 1010 * (int64_t)SECOND);
    CHECK(near(20 * (1 - alpha), meter.rates[0]));
    CHECK(near(10, meter_mean_rate(&meter, 1010 * (int64_t)SECOND)));
}

TEST(a_rate_caught_up_late_is_the_same_as_one_that_was_looked_at)
{
    struct meter looked = { 0 }, late = { 0 };

    for (int64_t s = 1000; s < 1060; s++) {
        meter_mark(&looked, s % 7, s * SECOND);
        meter_mark(&late, s % 7, s * SECOND);
    }
    for (int64_t s = 1060; s <= 1400; s++)
        meter_catch_up(&looked, s * SECOND);
    meter_catch_up(&late, 1400 * (int64_t)SECOND);
    for (int i = 0; i < 3; i++)
        CHECK(near(looked.rates[i], late.rates[i]));
}

TEST(what_was_counted_lately_is_there_tick_by_tick)
{
    struct meter meter = { 0 };
    int64_t recent[4];

    meter_mark(&meter, 7, 1000 * (int64_t)SECOND);
    meter_mark(&meter, 3, 1006 * (int64_t)SECOND);
    meter_recent(&meter, 1011 * (int64_t)SECOND, recent, 4);
    CHECK_INT(0, recent[0]);
    CHECK_INT(7, recent[1]);
    CHECK_INT(3, recent[2]);
    CHECK_INT(0, recent[3]);
    meter_recent(&meter, 2000 * (int64_t)SECOND, recent, 4);
    CHECK_INT(0, recent[0] + recent[1] + recent[2] + recent[3]);
    CHECK_INT(10, meter.count);
}

struct wanted { const char *name, *tags; int32_t broker; double value; int found; };

static void see(void *context, const struct metric *metric)
{
    struct wanted *wanted = context;

    if (metric->broker == wanted->broker && !strcmp(metric->name, wanted->name) && !strcmp(metric->tags, wanted->tags)) {
        wanted->value = metric->value;
        wanted->found++;
    }
}

static double value_of(struct cluster_lab *lab, int32_t broker, const char *name, const char *tags)
{
    struct wanted wanted = { name, tags, broker, 0, 0 };
    struct metric_filter filter = { 0 };

    cluster_metrics(lab->cluster, &filter, see, &wanted);
    CHECK_INT(1, wanted.found);
    return wanted.value;
}

TEST(brokers_tell_what_they_lead_and_what_was_written)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, "");
    int32_t leader;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 3, NULL));
    cluster_lab_advance_ms(lab, 1000);
    leader = broker_id(partition_broker(cluster_lab_leader(lab, "students", 0)));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 5, 10, -1));
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(1, value_of(lab, leader, "LeaderCount", ""));
    CHECK_INT(5, value_of(lab, leader, "MessagesInPerSec", ""));
    CHECK_INT(5, value_of(lab, leader, "MessagesInPerSec", "topic=students"));
    CHECK_INT(5, value_of(lab, leader, "LogEndOffset", "topic=students,partition=0"));
    CHECK_INT(0, value_of(lab, leader, "UnderReplicatedPartitions", ""));
    CHECK_INT(1, value_of(lab, 1, "ActiveControllerCount", ""));
    cluster_lab_free(lab);
}

static void count_one(void *context, const struct metric *metric)
{
    (void)metric;
    *(int *)context += 1;
}

static int found_at(struct cluster_lab *lab, int32_t broker, const char *name)
{
    int found = 0;

    cluster_metrics(lab->cluster, &(struct metric_filter){ .name = name, .broker = &broker }, count_one, &found);
    return found;
}

TEST(controllers_tell_of_the_cluster_and_every_node_of_the_quorum)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 2, "");

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 3, 2, NULL));
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(3, value_of(lab, 1, "GlobalPartitionCount", ""));
    CHECK_INT(2, value_of(lab, 1, "ActiveBrokerCount", ""));
    CHECK_INT(0, found_at(lab, 2, "GlobalPartitionCount"));    /* it is no controller */
    for (int32_t id = 1; id <= 2; id++) {
        CHECK_INT(1, value_of(lab, id, "current-leader", ""));
        CHECK_INT(image_offset(cluster_image(lab->cluster)) + 1, value_of(lab, id, "high-watermark", ""));
        CHECK_INT(image_offset(cluster_image(lab->cluster)) + 1, value_of(lab, id, "log-end-offset", ""));
    }
    cluster_lab_free(lab);
}

TEST(under_27_all_brokers_have_the_controllers_metrics_and_no_quorum)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 2, "");

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 3, 2, NULL));
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(3, value_of(lab, 0, "GlobalPartitionCount", ""));
    CHECK_INT(0, value_of(lab, 1, "GlobalPartitionCount", ""));
    CHECK_INT(0, found_at(lab, 0, "current-leader"));
    cluster_lab_free(lab);
}

TEST(a_stopped_follower_makes_a_partition_under_replicated)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 3, "");
    int32_t leader;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 3, NULL));
    cluster_lab_advance_ms(lab, 1000);
    leader = broker_id(partition_broker(cluster_lab_leader(lab, "students", 0)));
    CHECK_INT(ERR_OK, broker_stop(cluster_broker(lab->cluster, (leader + 1) % 3), &lab->reason));
    cluster_lab_advance_ms(lab, 5000);
    CHECK_INT(1, value_of(lab, leader, "UnderReplicatedPartitions", ""));
    CHECK_INT(1, value_of(lab, leader, "UnderReplicated", "topic=students,partition=0"));
    cluster_lab_free(lab);
}

static int32_t leader_of(struct cluster_lab *lab)
{
    return image_partition(cluster_image(lab->cluster), "students", 0)->leader;
}

/* The leader dies, comes back into the ISR, and the last in sync goes while unclean elections are allowed. */
TEST(elections_and_changes_of_the_isr_are_counted)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (size_t i = 0; i < 2; i++) {
        struct cluster_lab *lab = cluster_lab_new(releases[i], 3, "unclean.leader.election.enable=true auto.leader.rebalance.enable=false");
        int32_t home = image_controller(cluster_image(lab->cluster)), first = home + 1, second = home + 2, leader;
        int32_t replicas[2] = { first, second };
        struct assignment assignment = { 0, replicas, 2 };
        struct create_topic create = { .name = "students", .assignments = &assignment, .assignment_count = 1, .partition_count = -1, .replication_factor = -1 };

        CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, NULL, &lab->reason));
        cluster_lab_advance_ms(lab, 1000);
        CHECK_INT(0, value_of(lab, home, "LeaderElectionRateAndTimeMs", ""));
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 5, 100, -1));
        cluster_lab_advance_ms(lab, 1000);
        CHECK(value_of(lab, first, "ReplicationBytesOutPerSec", "topic=students") > 500);
        CHECK_INT((int)value_of(lab, first, "ReplicationBytesOutPerSec", ""), value_of(lab, second, "ReplicationBytesInPerSec", ""));

        CHECK_INT(ERR_OK, broker_stop(cluster_broker(lab->cluster, first), &lab->reason));
        cluster_lab_advance_ms(lab, 3000);
        CHECK_INT(second, leader_of(lab));
        CHECK_INT(1, value_of(lab, home, "LeaderElectionRateAndTimeMs", ""));
        CHECK_INT(0, value_of(lab, home, "UncleanLeaderElectionsPerSec", ""));
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 5, 100, 1)); /* alone in sync */
        CHECK_INT(ERR_OK, broker_start(cluster_broker(lab->cluster, first), &lab->reason));
        cluster_lab_advance_ms(lab, 3000);
        CHECK_INT(1, value_of(lab, second, "IsrExpandsPerSec", ""));
        CHECK_INT(0, value_of(lab, second, "IsrShrinksPerSec", ""));

        CHECK_INT(ERR_OK, broker_hold(cluster_broker(lab->cluster, first), "students", 0, &lab->reason));
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 5, 100, 1));
        cluster_lab_advance_ms(lab, 60000);
        CHECK_INT(1, value_of(lab, second, "IsrShrinksPerSec", ""));
        CHECK_INT(ERR_OK, broker_kill(cluster_broker(lab->cluster, second), "killed", &lab->reason));
        cluster_lab_advance_ms(lab, 30000);
        leader = leader_of(lab);
        CHECK_INT(first, leader);
        CHECK_INT(2, value_of(lab, home, "LeaderElectionRateAndTimeMs", ""));
        CHECK_INT(1, value_of(lab, home, "UncleanLeaderElectionsPerSec", ""));
        cluster_lab_free(lab);
    }
}

TEST(prometheus_gets_one_family_a_name)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 2, "");
    struct text text = { 0 };
    const char *first;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 2, 2, NULL));
    cluster_lab_advance_ms(lab, 1000);
    cluster_metrics_prometheus(lab->cluster, &text);
    first = strstr(text_chars(&text), "# TYPE kafka_server_replicamanager_partitioncount gauge\n"
                                      "kafka_server_replicamanager_partitioncount{broker=\"1\"} 2\nkafka_server_replicamanager_partitioncount{broker=\"2\"} 2\n");
    CHECK(first);
    CHECK(strstr(text_chars(&text), "kafka_log_log_logendoffset{broker=\"1\",topic=\"students\",partition=\"1\"} 0\n"));
    CHECK(strstr(text_chars(&text), "# TYPE kafka_server_brokertopicmetrics_messagesinpersec_total counter\n"));
    text_done(&text);
    cluster_lab_free(lab);
}
