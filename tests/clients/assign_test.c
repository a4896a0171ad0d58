/* The assignors, against what those of Kafka's client library gave in the same groups. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/clients/client_internal.h"
#include "sim/clients/consumer_internal.h"
#include "tests/harness.h"

enum { MOST = 32, MOST_OWNED = 64 };

struct group {
    bool is_27;
    const char *strategy;
    struct client client;            /* as far as it is looked at */
    struct topic topics[MOST], *by_name[MOST];
    struct member_wish members[MOST];
    const char *wishes[MOST][MOST], *ids[MOST];
    struct owned owned[MOST][MOST_OWNED];
    size_t count;
};

static int compare_topics(const void *a, const void *b)
{
    return strcmp((*(struct topic *const *)a)->shown.name, (*(struct topic *const *)b)->shown.name);
}

static void read_topics(struct group *group, char *text)
{
    char *one;

    group->client.topics = group->by_name;
    while ((one = strsep(&text, ","))) {
        struct topic *topic = &group->topics[group->client.topic_count];
        char *colon = strchr(one, ':');

        *colon = 0;
        topic->shown = (struct client_topic){ .name = one, .partition_count = atoi(colon + 1) };
        if (topic->shown.partition_count)
            group->by_name[group->client.topic_count++] = topic;
    }
    qsort(group->by_name, group->client.topic_count, sizeof(*group->by_name), compare_topics);
}

/* By topic, each topic once. */
static void group_owned(struct owned *owned, size_t count)
{
    struct owned sorted[MOST_OWNED];
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        bool first = true;

        for (size_t k = 0; k < i; k++)
            first &= strcmp(owned[i].topic, owned[k].topic) != 0;
        for (size_t k = i; k < count && first; k++)
            if (!strcmp(owned[i].topic, owned[k].topic))
                sorted[n++] = owned[k];
    }
    memcpy(owned, sorted, n * sizeof(*owned));
}

static void read_member(struct group *group, char *text)
{
    struct member_wish *member = &group->members[group->count];
    const char **wishes = group->wishes[group->count];
    struct owned *owned = group->owned[group->count];
    char *topics, *has, *one;

    *member = (struct member_wish){ .member_id = strsep(&text, "|"), .topics = wishes, .owned = owned };
    group->ids[group->count++] = member->member_id;
    topics = strsep(&text, "|");
    has = strsep(&text, "|");
    member->generation = member->owned_generation = atoi(text);
    if (group->is_27) {
        member->owned_generation = -1;
        member->generation = strcmp(group->strategy, "sticky") ? -1 : member->generation;
    }
    while ((one = strsep(&topics, ",")))
        wishes[member->topic_count++] = one;
    while (strstr(group->strategy, "sticky") && (one = strsep(&has, ","))) {
        char *slash = strrchr(one, '/');

        if (!slash)
            continue;
        *slash = 0;
        owned[member->owned_count++] = (struct owned){ one, atoi(slash + 1) };
    }
    if (!strcmp(group->strategy, "sticky")) /* its user data has them by topic */
        group_owned(owned, member->owned_count);
}

/* The given list with each member's topics in order of their names, as nobody sees another. */
static char *sorted_by_topic(const struct group *group, const struct dealt *dealt, size_t count)
{
    struct text out = { 0 };

    for (size_t m = 0; m < group->count; m++) {
        const char *comma = "";

        text_printf(&out, "%s%s=", m ? " " : "", group->ids[m]);
        for (size_t t = 0; t < group->client.topic_count; t++)
            for (size_t i = 0; i < count; i++)
                if (group->members[dealt[i].member].member_id == group->ids[m] && !strcmp(dealt[i].topic, group->by_name[t]->shown.name)) {
                    text_printf(&out, "%s%s/%d", comma, dealt[i].topic, dealt[i].partition);
                    comma = ",";
                }
    }
    return text_take(&out);
}

static char *sort_expected(const struct group *group, char *line)
{
    struct text out = { 0 };
    char *word;

    while ((word = strsep(&line, " "))) {
        char *equals = strchr(word, '=');
        const char *comma = "";

        if (!equals)
            continue;
        *equals = 0;
        text_printf(&out, "%s%s=", out.size ? " " : "", word);
        for (size_t t = 0; t < group->client.topic_count; t++) {
            char *copy = mem_text(equals + 1), *rest = copy, *one;

            while ((one = strsep(&rest, ","))) {
                size_t size = strlen(group->by_name[t]->shown.name);

                if (!strncmp(one, group->by_name[t]->shown.name, size) && one[size] == '/') {
                    text_printf(&out, "%s%s", comma, one);
                    comma = ",";
                }
            }
            mem_free(copy);
        }
    }
    return text_take(&out);
}

static void check_group(bool is_27, char *line, char *expected)
{
    struct group *group = mem_zero(sizeof(*group));
    char *given, *wanted;
    struct dealt *dealt;
    size_t count;

    group->is_27 = is_27;
    group->strategy = strsep(&line, " ");
    read_topics(group, strsep(&line, " "));
    for (char *word; (word = strsep(&line, " "));)
        read_member(group, word);
    dealt = consumer_assign_partitions(group->strategy, is_27, group->members, group->count, &group->client, &count);
    given = sorted_by_topic(group, dealt, count);
    wanted = sort_expected(group, expected);
    CHECK_TEXT(wanted, given);
    mem_free(given);
    mem_free(wanted);
    mem_free(dealt);
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
    CHECK(check_file("tests/golden/assignors/2.7.0.txt", true) > 50);
}

TEST(the_assignors_of_4_3_0_give_what_kafkas_gave)
{
    CHECK(check_file("tests/golden/assignors/4.3.0.txt", false) > 60);
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
