/* The commands there are, from commands.def. */
#include "shell/command.h"

#include <string.h>

static const struct command *const rows[] = {
#define COMMAND(name_) &command_##name_,
#define TOOL(kafka_name, name_) &command_##name_,
#include "shell/commands.def"
#undef COMMAND
#undef TOOL
};

static const struct { const char *typed, *name; } aliases[] = {
    { "quit", "exit" }, { "logout", "exit" }, { "exit()", "exit" }, { "quit()", "exit" }, { "q", "exit" }, { ":q", "exit" }, { "?", "help" }, { "man", "help" },
    { "sleep", "wait" }, { ".", "source" }, { "dir", "ls" },
};

static const struct { const char *class_name, *tool; } classes[] = { /* kafka-run-class.sh CLASS */
    { "kafka.admin.TopicCommand", "kafka-topics" },
    { "org.apache.kafka.tools.TopicCommand", "kafka-topics" },
    { "kafka.admin.ConfigCommand", "kafka-configs" },
    { "org.apache.kafka.tools.ConfigCommand", "kafka-configs" },
    { "kafka.tools.ConsoleProducer", "kafka-console-producer" },
    { "org.apache.kafka.tools.ConsoleProducer", "kafka-console-producer" },
    { "kafka.tools.ConsoleConsumer", "kafka-console-consumer" },
    { "org.apache.kafka.tools.consumer.ConsoleConsumer", "kafka-console-consumer" },
    { "kafka.admin.ConsumerGroupCommand", "kafka-consumer-groups" },
    { "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", "kafka-consumer-groups" },
    { "kafka.admin.LeaderElectionCommand", "kafka-leader-election" },
    { "org.apache.kafka.tools.LeaderElectionCommand", "kafka-leader-election" },
    { "kafka.admin.ReassignPartitionsCommand", "kafka-reassign-partitions" },
    { "org.apache.kafka.tools.reassign.ReassignPartitionsCommand", "kafka-reassign-partitions" },
    { "kafka.tools.GetOffsetShell", "kafka-get-offsets" },
    { "org.apache.kafka.tools.GetOffsetShell", "kafka-get-offsets" },
    { "kafka.admin.BrokerApiVersionsCommand", "kafka-broker-api-versions" },
    { "org.apache.kafka.tools.BrokerApiVersionsCommand", "kafka-broker-api-versions" },
    { "kafka.admin.LogDirsCommand", "kafka-log-dirs" },
    { "org.apache.kafka.tools.LogDirsCommand", "kafka-log-dirs" },
    { "kafka.admin.MetadataQuorumCommand", "kafka-metadata-quorum" },
    { "org.apache.kafka.tools.MetadataQuorumCommand", "kafka-metadata-quorum" },
    { "kafka.tools.ClusterTool", "kafka-cluster" },
    { "org.apache.kafka.tools.ClusterTool", "kafka-cluster" },
    { "kafka.tools.DumpLogSegments", "kafka-dump-log" },
    { "org.apache.kafka.tools.DumpLogSegments", "kafka-dump-log" },
    { "kafka.admin.DeleteRecordsCommand", "kafka-delete-records" },
    { "org.apache.kafka.tools.DeleteRecordsCommand", "kafka-delete-records" },
};

size_t command_count(void)
{
    return sizeof(rows) / sizeof(*rows);
}

const struct command *command_at(size_t i)
{
    return i < command_count() ? rows[i] : NULL;
}

/* Where the name begins behind any path, and its size without .sh. */
static const char *bare_name(const char *typed, size_t *size)
{
    const char *slash = strrchr(typed, '/'), *name = slash && slash[1] ? slash + 1 : typed;

    *size = strlen(name);
    if (text_ends(name, ".sh"))
        *size -= 3;
    else if (text_ends(name, ".bat"))
        *size -= 4;
    return name;
}

static bool same(const char *name, size_t size, const char *other)
{
    return strlen(other) == size && !memcmp(name, other, size);
}

const struct command *command_find(const char *typed)
{
    size_t size;
    const char *name = bare_name(typed, &size);

    for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++) {
        if (!strcmp(typed, aliases[i].typed)) {
            name = aliases[i].name;
            size = strlen(name);
        }
    }
    for (size_t i = 0; i < command_count(); i++)
        if (same(name, size, rows[i]->name))
            return rows[i];
    return NULL;
}

const struct command *command_of_class(const char *class_name)
{
    for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
        if (!strcmp(class_name, classes[i].class_name))
            return command_find(classes[i].tool);
    return NULL;
}

/* Edits between two names, neighbours exchanged counting one. */
static int distance(const char *a, size_t m, const char *b, size_t n)
{
    int before[64] = { 0 }, last[64], now[64];

    if (m > 62 || n > 62)
        return 99;
    for (size_t j = 0; j <= n; j++)
        last[j] = (int)j;
    for (size_t i = 1; i <= m; i++) {
        now[0] = (int)i;
        for (size_t j = 1; j <= n; j++) {
            int cost = last[j - 1] + (a[i - 1] != b[j - 1]);

            if (last[j] + 1 < cost)
                cost = last[j] + 1;
            if (now[j - 1] + 1 < cost)
                cost = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < cost)
                cost = before[j - 2] + 1;
            now[j] = cost;
        }
        memcpy(before, last, sizeof(before));
        memcpy(last, now, sizeof(last));
    }
    return last[n];
}

const char *command_nearest(const char *typed)
{
    size_t size;
    const char *name = bare_name(typed, &size), *best = NULL;
    int least = size <= 5 ? 2 : size <= 8 ? 3 : 4; /* must be below */
    char kafka[64];

    if (!size || size > 48)
        return NULL;
    for (size_t i = 0; i < command_count(); i++) {
        const char *other = command_at(i)->name;
        int edits = distance(name, size, other, strlen(other));

        if (edits < least) {
            least = edits;
            best = other;
        }
    }
    if (best)
        return best;
    memcpy(kafka, "kafka-", 6); /* "topics" for "kafka-topics" */
    memcpy(kafka + 6, name, size);
    kafka[6 + size] = 0;
    for (size_t i = 0; i < command_count(); i++)
        if (distance(kafka, 6 + size, command_at(i)->name, strlen(command_at(i)->name)) < 2)
            return command_at(i)->name;
    return NULL;
}
