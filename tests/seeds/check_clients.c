/* What clients were told, against what is committed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/seeds/check_internal.h"

void checks_value(const char *producer, uint32_t number, int32_t size, struct text *out)
{
    text_printf(out, "%s/%u ", producer, number);
    while (out->size < (size_t)size)
        text_char(out, (char)('a' + (number + out->size) % 26));
}

int32_t checks_producer(const struct checks *checks, struct bytes value, uint32_t *number)
{
    char head[64];
    char *slash;

    snprintf(head, sizeof(head), "%.*s", (int)(value.size < 60 ? value.size : 60), value.data ? (const char *)value.data : "");
    slash = strchr(head, '/');
    if (!slash)
        return -1;
    *slash = 0;
    *number = (uint32_t)strtoul(slash + 1, NULL, 10);
    for (size_t i = 0; i < checks->history->client_count; i++)
        if (!checks->clients[i].line->group && !strcmp(checks->clients[i].line->name, head) && *number < checks->clients[i].sent_count)
            return (int32_t)i;
    return -1;
}

/* ---- producers ---- */

void checks_sent(struct checks *checks, size_t client, uint32_t number, int32_t partition)
{
    struct seen_client *seen = &checks->clients[client];

    while (seen->sent_count <= number)
        ARRAY_ADD(seen->sent, seen->sent_count, seen->sent_capacity) = (struct sent){ .partition = partition, .offset = -1 };
}

void checks_acked(struct checks *checks, size_t client, uint32_t number, int32_t partition, int64_t offset)
{
    struct sent *sent = &checks->clients[client].sent[number];

    if (sent->state != SENT_WAITS)
        checks_fail(checks, "acks", "record %s/%u has two results", checks->clients[client].line->name, number);
    *sent = (struct sent){ partition, offset, SENT_ACKED };
    checks->counts.acked++;
    ARRAY_ADD(checks->told, checks->told_count, checks->told_capacity) = (struct told){ false, client, number, partition, offset };
}

void checks_failed(struct checks *checks, size_t client, uint32_t number)
{
    struct sent *sent = &checks->clients[client].sent[number];

    if (sent->state != SENT_WAITS)
        checks_fail(checks, "acks", "record %s/%u has two results", checks->clients[client].line->name, number);
    sent->state = SENT_FAILED;
    checks->counts.failed++;
}

/* ---- consumers ---- */

static struct seen_group *group_of(struct checks *checks, const char *name)
{
    size_t i = 0;

    while (i < checks->group_count && strcmp(checks->groups[i].name, name))
        i++;
    return &checks->groups[i];
}

static struct seen_reading *reading_of(struct checks *checks, struct seen_group *group, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < group->reading_count; i++)
        if (group->readings[i].partition->number == partition && !strcmp(group->readings[i].partition->topic, topic))
            return &group->readings[i];
    ARRAY_ADD(group->readings, group->reading_count, group->reading_capacity) = (struct seen_reading){ .partition = checks_partition(checks, topic, partition) };
    return &group->readings[group->reading_count - 1];
}

void checks_read(struct checks *checks, size_t client, const struct consumer_record *record)
{
    const struct seen_client *reader = &checks->clients[client];
    struct seen_group *group = group_of(checks, reader->line->group);
    struct seen_reading *reading = reading_of(checks, group, record->topic, record->partition);
    bool lossy = reading->partition->lossy;
    struct read_record *place;
    uint32_t number = 0;
    int32_t producer = checks_producer(checks, record->value, &number);

    checks->counts.read++;
    if (producer < 0) {
        checks_fail(checks, "read", "%s read at %s-%d@%lld what nobody sent", reader->line->name, record->topic, record->partition, (long long)record->offset);
        return;
    }
    if ((size_t)record->offset > reading->read && !lossy)
        checks_fail(checks, "read", "%s read %s-%d@%lld, and nobody of group %s has read @%zu", reader->line->name, record->topic, record->partition,
                    (long long)record->offset, group->name, reading->read);
    while (reading->size <= (size_t)record->offset)
        ARRAY_ADD(reading->records, reading->size, reading->capacity) = (struct read_record){ -1, 0 };
    place = &reading->records[record->offset];
    if (place->client >= 0 && !lossy && (place->client != producer || place->number != number))
        checks_fail(checks, "read", "%s read %s/%u at %s-%d@%lld, where group %s read %s/%u before", reader->line->name, checks->clients[producer].line->name, number,
                    record->topic, record->partition, (long long)record->offset, group->name, checks->clients[place->client].line->name, place->number);
    *place = (struct read_record){ producer, number };
    while (reading->read < reading->size && reading->records[reading->read].client >= 0)
        reading->read++;
    ARRAY_ADD(checks->told, checks->told_count, checks->told_capacity) =
        (struct told){ true, client, (uint32_t)(reading - group->readings), record->partition, record->offset };
}

/* ---- after the event ---- */

static void check_told(struct checks *checks, const struct told *told)
{
    const struct seen_client *client = &checks->clients[told->client];
    const struct seen_partition *seen = told->read ? group_of(checks, client->line->group)->readings[told->number].partition
                                                   : checks_partition(checks, client->line->topics, told->partition);

    if (seen->lossy || told->offset < seen->committed)
        return;
    if (told->read)
        checks_fail(checks, "read", "%s read %s-%d@%lld, the high watermark never was above %lld", client->line->name, seen->topic, seen->number,
                    (long long)told->offset, (long long)seen->committed);
    else if (client->all)
        checks_fail(checks, "acks", "%s/%u was acknowledged at %s-%d@%lld, the high watermark never was above %lld", client->line->name, told->number, seen->topic,
                    seen->number, (long long)told->offset, (long long)seen->committed);
}

void checks_clients_sample(struct checks *checks)
{
    for (size_t i = 0; i < checks->told_count; i++)
        check_told(checks, &checks->told[i]);
    checks->told_count = 0;
}

/* ---- life, and the end ---- */

void checks_clients_new(struct checks *checks)
{
    const struct history *history = checks->history;

    checks->clients = mem_zero_array(history->client_count + 1, sizeof(*checks->clients));
    checks->groups = mem_zero_array(history->client_count + 1, sizeof(*checks->groups));
    for (size_t i = 0; i < history->client_count; i++) {
        const struct history_client *line = &history->clients[i];
        struct seen_group *group;

        checks->clients[i] = (struct seen_client){
            .line = line, .idempotent = settings_have(line->settings, "enable.idempotence=true"), .no_retries = settings_have(line->settings, "retries=0"),
            .all = settings_have(line->settings, "acks=all"),
        };
        if (!line->group)
            continue;
        group = group_of(checks, line->group);
        if (!group->name) {
            group->name = line->group;
            checks->group_count++;
        }
    }
}

void checks_clients_free(struct checks *checks)
{
    for (size_t i = 0; i < checks->history->client_count; i++)
        mem_free(checks->clients[i].sent);
    for (size_t i = 0; i < checks->group_count; i++) {
        for (size_t r = 0; r < checks->groups[i].reading_count; r++)
            mem_free(checks->groups[i].readings[r].records);
        mem_free(checks->groups[i].readings);
    }
    mem_free(checks->clients);
    mem_free(checks->groups);
    mem_free(checks->told);
}

bool checks_group_at_end(struct checks *checks, size_t client, char *text, size_t size)
{
    const struct history_client *line = checks->clients[client].line;
    struct seen_group *group = group_of(checks, line->group);

    for (size_t i = 0; i < checks->count; i++) {
        const struct seen_partition *seen = checks->partitions[i];
        const struct seen_reading *reading;

        if (seen->internal || seen->lossy || !topics_have(line->topics, seen->topic))
            continue;
        reading = reading_of(checks, group, seen->topic, seen->number);
        if ((int64_t)reading->read >= seen->committed)
            continue;
        snprintf(text, size, "group %s has read %s-%d up to %zu of %lld", group->name, seen->topic, seen->number, reading->read, (long long)seen->committed);
        return false;
    }
    return true;
}

const char *checks_sent_all(struct checks *checks)
{
    static char text[200];

    for (size_t c = 0; c < checks->history->client_count; c++) {
        const struct seen_client *client = &checks->clients[c];

        for (size_t i = 0; i < client->sent_count; i++) {
            if (client->sent[i].state != SENT_WAITS)
                continue;
            snprintf(text, sizeof(text), "record %s/%zu has no result", client->line->name, i);
            return text;
        }
    }
    return NULL;
}
