/* Links between nodes: how long a message takes, what waits and in which order it goes on. */
#include <stdio.h>

#include "sim/cluster/network.h"
#include "tests/cluster/cluster_lab.h"

enum { MESSAGES = 40 };

struct sender {
    struct cluster_lab *lab;
    struct mail { struct network_message message; struct sender *sender; int number; int64_t at_us; } mail[MESSAGES];
    int order[MESSAGES], arrived;
};

static void taken(void *context)
{
    struct mail *mail = context;

    mail->at_us = queue_now_us(mail->sender->lab->queue);
    mail->sender->order[mail->sender->arrived++] = mail->number;
}

static void begin(struct sender *sender, struct cluster_lab *lab)
{
    memset(sender, 0, sizeof(*sender));
    sender->lab = lab;
    for (int i = 0; i < MESSAGES; i++)
        sender->mail[i] = (struct mail){ { .run = taken, .context = &sender->mail[i] }, sender, i, -1 };
}

static void post(struct sender *sender, int i, int32_t from, int32_t to, size_t bytes)
{
    network_send(sender->lab->cluster, from, to, &sender->mail[i].message, bytes);
}

static int64_t after_us(const struct sender *sender, int i)
{
    return sender->mail[i].at_us - LAB_START_US;
}

TEST(a_whole_link_takes_a_tenth_of_a_millisecond_and_clients_nothing)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, "");
    struct sender s;

    begin(&s, lab);
    post(&s, 0, 1, 2, 100);
    post(&s, 1, NETWORK_CLIENTS, 2, 100);
    cluster_lab_advance_ms(lab, 1);
    CHECK_INT(100, after_us(&s, 0));
    CHECK_INT(0, after_us(&s, 1));
    cluster_lab_free(lab);
}

TEST(a_link_has_its_own_latency_and_one_direction)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, "");
    struct network_link link = network_link(lab->cluster, 1, 2);
    struct sender s;

    begin(&s, lab);
    link.latency_us = 5000;
    network_set_link(lab->cluster, &link);
    post(&s, 0, 1, 2, 100);
    post(&s, 1, 2, 1, 100);
    cluster_lab_advance_ms(lab, 10);
    CHECK_INT(5000, after_us(&s, 0));
    CHECK_INT(100, after_us(&s, 1));
    CHECK_INT(1, network_disturbed_count(lab->cluster));
    network_heal(lab->cluster, 1, 2);
    CHECK_INT(0, network_disturbed_count(lab->cluster));
    cluster_lab_free(lab);
}

TEST(what_waits_in_a_cut_link_goes_on_in_its_order)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, "");
    struct sender s;

    begin(&s, lab);
    post(&s, 0, 1, 2, 100);       /* on its way as the link is cut */
    network_cut(lab->cluster, 1, 2);
    post(&s, 1, 1, 2, 100);
    post(&s, 2, 2, 1, 100);       /* the other way is open */
    post(&s, 3, 1, 2, 100);
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(1, s.arrived);
    CHECK_INT(2, s.order[0]);
    CHECK_INT(3, network_held_count(lab->cluster, 1, 2));
    CHECK(!network_open_both_ways(lab->cluster, 1, 2));
    network_cancel(&s.mail[1].message);
    network_heal(lab->cluster, 1, 2);
    cluster_lab_advance_ms(lab, 1);
    CHECK_INT(3, s.arrived);
    CHECK_INT(0, s.order[1]);
    CHECK_INT(3, s.order[2]);
    CHECK_INT(1000100, after_us(&s, 3));
    cluster_lab_free(lab);
}

TEST(nothing_overtakes_under_jitter_and_loss)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, "");
    struct network_link link = { .from = 1, .to = 2, .latency_us = 1000, .jitter_us = 900, .loss_ppm = 300000 };
    struct sender s;
    bool uneven = false, resent = false;

    begin(&s, lab);
    network_set_link(lab->cluster, &link);
    for (int i = 0; i < MESSAGES; i++) {
        post(&s, i, 1, 2, 100);
        cluster_lab_advance_ms(lab, 500);
    }
    cluster_lab_advance_ms(lab, 100000);
    CHECK_INT(MESSAGES, s.arrived);
    for (int i = 0; i < MESSAGES; i++) {
        int64_t took = after_us(&s, i) - i * 500000;

        CHECK_INT(i, s.order[i]);
        CHECK(took >= 1000);
        uneven = uneven || (took > 1000 && took < 1900);
        resent = resent || took >= 201000;
    }
    CHECK(uneven && resent);
    cluster_lab_free(lab);
}

TEST(a_narrow_link_lets_the_bytes_through_one_after_the_other)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, "");
    struct network_link link = { .from = 1, .to = 2, .latency_us = 100, .bytes_per_second = 1000000 };
    struct sender s;

    begin(&s, lab);
    network_set_link(lab->cluster, &link);
    post(&s, 0, 1, 2, 10000);
    post(&s, 1, 1, 2, 5000);
    cluster_lab_advance_ms(lab, 100);
    CHECK_INT(10100, after_us(&s, 0));
    CHECK_INT(15100, after_us(&s, 1));
    cluster_lab_free(lab);
}

TEST(a_frozen_broker_takes_nothing_until_it_thaws)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, "");
    struct broker *broker = cluster_broker(lab->cluster, 2);
    struct sender s;

    begin(&s, lab);
    CHECK_INT(ERR_OK, broker_freeze(broker, 30 * 1000000, &lab->reason));
    CHECK_INT(ERR_BROKER_NOT_AVAILABLE, broker_freeze(broker, NEVER_US, &lab->reason));
    post(&s, 0, 1, 2, 100);
    post(&s, 1, 2, 3, 100);
    post(&s, 2, 1, 3, 100);
    cluster_lab_advance_ms(lab, 29999);
    CHECK_INT(1, s.arrived);
    CHECK_INT(2, s.order[0]);
    cluster_lab_advance_ms(lab, 10);
    CHECK_INT(3, s.arrived);
    CHECK(!broker_frozen(broker));
    CHECK_INT(ERR_BROKER_NOT_AVAILABLE, broker_thaw(broker, &lab->reason));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_broker_frozen));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_broker_thawed));
    cluster_lab_free(lab);
}

TEST(a_frozen_broker_that_is_killed_is_frozen_no_more)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 3, "");

    CHECK_INT(ERR_OK, broker_freeze(cluster_broker(lab->cluster, 2), NEVER_US, &lab->reason));
    CHECK_INT(ERR_OK, broker_kill(cluster_broker(lab->cluster, 2), "killed", &lab->reason));
    CHECK(!broker_frozen(cluster_broker(lab->cluster, 2)));
    cluster_lab_free(lab);
}

static void count(void *context, int32_t from, int32_t to)
{
    int *told = context;

    (void)from, (void)to;
    ++*told;
}

TEST(watches_are_told_of_cuts_and_not_of_latency)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, "");
    int told = 0;
    struct network_watch watch = { .changed = count, .context = &told };
    struct network_link link = { .from = 1, .to = 3, .latency_us = 7000 };

    network_watch(lab->cluster, &watch);
    network_set_link(lab->cluster, &link);
    CHECK_INT(0, told);
    network_cut(lab->cluster, 1, 3);
    network_cut(lab->cluster, 1, 3);
    CHECK_INT(1, told);
    network_heal_all(lab->cluster);
    CHECK_INT(2, told);
    network_unwatch(lab->cluster, &watch);
    network_freeze(lab->cluster, 3);
    CHECK_INT(2, told);
    cluster_lab_free(lab);
}
