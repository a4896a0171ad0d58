/* The assignors, against what those of Kafka's client library gave in the same groups. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/clients/client_internal.h"
#include "sim/clients/consumer_internal.h"
#include "sim/log/batch.h"
#include "tests/harness.h"

enum { MOST = 32, MOST_OWNED = 64 };

struct member {
    const char *id, *checksum;       /* of its subscription, as Kafka wrote it */
    struct consumer consumer;        /* as far as it tells the others of itself */
    struct part parts[MOST_OWNED], *part_list[MOST_OWNED];
    struct owned kept[MOST_OWNED];
    char *topics[MOST];
};

struct group {
    bool is_27;
    const char *strategy;
    struct client client;            /* as far as it is looked at */
    struct client_node nodes[MOST];
    struct topic topics[MOST], *by_name[MOST];
    struct client_partition partitions[MOST][MOST];
    int32_t replicas[MOST][MOST][4];
    struct member members[MOST];
    struct join_group_response_member joined[MOST];
    struct join_group_response response;
    struct arena arena;
    size_t count;
};

static int compare_topics(const void *a, const void *b)
{
    return strcmp((*(struct topic *const *)a)->shown.name, (*(struct topic *const *)b)->shown.name);
}

/* A broker of its own for each rack; - is one without. */
static int32_t node_in(struct group *group, const char *rack)
{
    size_t i = 0;

    while (i < group->client.node_count && strcmp(group->nodes[i].rack ? group->nodes[i].rack : "-", rack))
        i++;
    if (i == group->client.node_count)
        group->nodes[group->client.node_count++] = (struct client_node){ .id = (int32_t)i, .rack = strcmp(rack, "-") ? rack : NULL };
    return (int32_t)i;
}

static void read_topics(struct group *group, char *text)
{
    char *one;

    group->client.topics = group->by_name;
    group->client.nodes = group->nodes;
    for (size_t t = 0; (one = strsep(&text, ",")); t++) {
        struct topic *topic = &group->topics[t];
        const char *name = strsep(&one, ":");
        int count = atoi(strsep(&one, ":"));

        topic->shown = (struct client_topic){ .name = name, .partitions = group->partitions[t], .partition_count = count };
        for (int p = 0; p < count && one; p++) {
            char *racks = strsep(&one, "/"), *rack;

            while ((rack = strsep(&racks, "+")))
                group->replicas[t][p][group->partitions[t][p].replica_count++] = node_in(group, rack);
            group->partitions[t][p].replicas = group->replicas[t][p];
        }
        if (count)
            group->by_name[group->client.topic_count++] = topic;
    }
    qsort(group->by_name, group->client.topic_count, sizeof(*group->by_name), compare_topics);
}

static void read_owned(struct group *group, struct member *member, char *has)
{
    bool cooperates = consumer_assign_cooperates(group->strategy);
    char *one;

    for (size_t i = 0; (one = strsep(&has, ","));) {
        char *slash = strrchr(one, '/');

        if (!slash)
            continue;
        *slash = 0;
        member->kept[i] = (struct owned){ one, atoi(slash + 1) };
        member->parts[i] = (struct part){ .topic = one, .partition = atoi(slash + 1) };
        member->part_list[i] = &member->parts[i];
        i++;
        *(cooperates ? &member->consumer.part_count : &member->consumer.kept_count) = i;
    }
}

static const char *or_none(const char *text) { return *text ? text : NULL; }

static void read_member(struct group *group, char *text)
{
    struct member *member = &group->members[group->count];
    struct consumer *consumer = &member->consumer;
    struct join_group_response_member *joined = &group->joined[group->count++];
    char *topics, *one;

    member->id = strsep(&text, "|");
    topics = strsep(&text, "|");
    *consumer = (struct consumer){ .is_27 = group->is_27, .topics = member->topics, .parts = member->part_list };
    while ((one = strsep(&topics, ",")))
        member->topics[consumer->topic_count++] = one;
    read_owned(group, member, strsep(&text, "|"));
    consumer->kept_generation = consumer->cooperative_generation = atoi(strsep(&text, "|"));
    consumer->kept = consumer->kept_generation < 0 ? NULL : member->kept;
    consumer->generation = atoi(strsep(&text, "|"));
    *joined = (struct join_group_response_member){ .member_id = member->id, .group_instance_id = or_none(strsep(&text, "|")) };
    consumer->rack = strsep(&text, "|");
    joined->metadata = consumer_protocol_subscription(consumer, group->strategy, &group->arena);
    member->checksum = text;
}

static struct group *read_group(bool is_27, char *line)
{
    struct group *group = mem_zero(sizeof(*group));

    arena_init(&group->arena);
    group->is_27 = is_27;
    group->strategy = strsep(&line, " ");
    read_topics(group, strsep(&line, " "));
    for (char *word; (word = strsep(&line, " "));)
        read_member(group, word);
    group->response = (struct join_group_response){ .protocol_name = group->strategy, .members = { group->joined, (int32_t)group->count } };
    return group;
}

static void check_checksum(const char *expected, struct bytes bytes)
{
    char text[16];

    snprintf(text, sizeof(text), "%08x", crc32c(bytes.data, bytes.size));
    CHECK_TEXT(expected, text);
}

/* A list of partitions with each topic's together, as nobody sees another order. */
static int topic_of(const struct group *group, const char *partition)
{
    const char *slash = strrchr(partition, '/');

    for (size_t t = 0; t < group->client.topic_count; t++)
        if (strlen(group->by_name[t]->shown.name) == (size_t)(slash - partition) && !strncmp(group->by_name[t]->shown.name, partition, (size_t)(slash - partition)))
            return (int)t;
    return -1;
}

static char *sort_expected(const struct group *group, char *list)
{
    struct text out = { 0 };
    char *all[MOST_OWNED], *one;
    size_t count = 0;

    while ((one = strsep(&list, ",")))
        if (*one)
            all[count++] = one;
    for (int t = 0; t < (int)group->client.topic_count; t++)
        for (size_t i = 0; i < count; i++)
            if (topic_of(group, all[i]) == t)
                text_printf(&out, "%s%s", out.size ? "," : "", all[i]);
    return text_take(&out);
}

static char *sort_given(const struct group *group, const struct dealt *dealt, size_t count, size_t member)
{
    struct text out = { 0 };

    for (size_t t = 0; t < group->client.topic_count; t++)
        for (size_t i = 0; i < count; i++)
            if (dealt[i].member == member && !strcmp(dealt[i].topic, group->by_name[t]->shown.name))
                text_printf(&out, "%s%s/%d", out.size ? "," : "", dealt[i].topic, dealt[i].partition);
    return text_take(&out);
}

/* `expected`: ID=PARTITIONS|CHECKSUM of the assignment's bytes. */
static void check_member(struct group *group, const struct dealt *dealt, size_t count, size_t m, char *expected)
{
    const char *id = strsep(&expected, "=");
    char *wanted = sort_expected(group, strsep(&expected, "|")), *given = sort_given(group, dealt, count, m);

    CHECK_TEXT(group->members[m].id, id);
    CHECK_TEXT(wanted, given);
    check_checksum(expected, consumer_protocol_assignment(&group->members[m].consumer, dealt, count, m, &group->arena));
    mem_free(given);
    mem_free(wanted);
}

static void check_group(bool is_27, char *line, char *expected)
{
    struct group *group = read_group(is_27, line);
    struct member_wish members[MOST] = { 0 };
    struct dealt *dealt;
    size_t count;
    char *word;

    for (size_t m = 0; m < group->count; m++)
        check_checksum(group->members[m].checksum, group->joined[m].metadata);
    CHECK(consumer_protocol_wishes(&group->members[0].consumer, &group->response, members, &group->arena));
    dealt = consumer_assign_partitions(group->strategy, is_27, members, group->count, &group->client, &count);
    for (size_t m = 0; m < group->count && (word = strsep(&expected, " "));)
        if (*word)
            check_member(group, dealt, count, m++, word);
    mem_free(dealt);
    arena_done(&group->arena);
    mem_free(group);
}

static int check_file(const char *path, bool is_27)
{
    char line[4096], expected[4096];
    FILE *file = fopen(path, "re");
    int groups = 0;

    CHECK(file != NULL);
    while (fgets(line, sizeof(line), file) && fgets(expected, sizeof(expected), file)) {
        line[strcspn(line, "\n")] = expected[strcspn(expected, "\n")] = 0;
        check_group(is_27, line, expected);
        groups++;
    }
    fclose(file);
    return groups;
}

TEST(the_assignors_of_2_7_0_give_what_kafkas_gave)
{
    CHECK(check_file("tests/golden/assignors/2.7.0.txt", true) >= 720);
}

TEST(the_assignors_of_4_3_0_give_what_kafkas_gave)
{
    CHECK(check_file("tests/golden/assignors/4.3.0.txt", false) >= 960);
}

TEST(strategies_are_known_by_name_and_class)
{
    CHECK_TEXT("range", consumer_assign_named("org.apache.kafka.clients.consumer.RangeAssignor"));
    CHECK_TEXT("cooperative-sticky", consumer_assign_named("org.apache.kafka.clients.consumer.CooperativeStickyAssignor"));
    CHECK_TEXT("sticky", consumer_assign_named("sticky"));
    CHECK(!consumer_assign_named("org.example.MyAssignor"));
    CHECK(consumer_assign_cooperates("cooperative-sticky"));
    CHECK(!consumer_assign_cooperates("sticky"));
}
