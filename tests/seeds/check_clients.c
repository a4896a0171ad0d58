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

/* "p0/17 ..." */
static bool parse_ours(struct bytes value, char *name, size_t size, uint32_t *number)
{
    char *slash;

    snprintf(name, size, "%.*s", (int)(value.size < size - 1 ? value.size : size - 1), value.data ? (const char *)value.data : "");
    slash = strchr(name, '/');
    if (!slash)
        return false;
    *slash = 0;
    *number = (uint32_t)strtoul(slash + 1, NULL, 10);
    return true;
}

/* A simulated producer's count from 1, and here all from 0. */
static bool parse_simulated(struct bytes value, char *name, size_t size, uint32_t *number)
{
    struct bytes who;
    uint64_t its;

    if (!value.data || !simulated_parse(value, &who, &its))
        return false;
    snprintf(name, size, "%.*s", (int)who.size, (const char *)who.data);
    *number = (uint32_t)(its - 1);
    return true;
}

int32_t checks_producer(const struct checks *checks, struct bytes value, const struct header *headers, int32_t header_count, uint32_t *number)
{
    char name[64];

    if (!value.data && header_count == 1)
        value = headers[0].value;
    if (!parse_simulated(value, name, sizeof(name), number) && !parse_ours(value, name, sizeof(name), number))
        return -1;
    for (size_t i = 0; i < checks->history->client_count; i++)
        if (!checks->clients[i].line->group && !strcmp(checks->clients[i].line->name, name) && *number < checks->clients[i].sent_count)
            return (int32_t)i;
    return -1;
}

bool checks_value_is(const struct checks *checks, size_t client, uint32_t number, struct bytes value)
{
    const struct seen_client *seen = &checks->clients[client];
    struct text whole = { 0 };
    bool is;

    if (!value.data)
        return true;
    if (seen->simulated) {
        char text[400];

        return value.size <= sizeof(text) && bytes_equal((struct bytes){ (uint8_t *)text, simulated_value(seen->line->name, number + 1, (int32_t)value.size, text, sizeof(text)) }, value);
    }
    checks_value(seen->line->name, number, (int32_t)value.size, &whole);
    is = bytes_equal(bytes_text(text_chars(&whole)), value);
    text_done(&whole);
    return is;
}

/* ---- producers ---- */

void checks_sent(struct checks *checks, size_t client, uint32_t number)
{
    struct seen_client *seen = &checks->clients[client];

    while (seen->sent_count <= number)
        ARRAY_ADD(seen->sent, seen->sent_count, seen->sent_capacity) = (struct sent){ .partition = -1, .offset = -1 };
}

static void tell(struct checks *checks, const struct told *told)
{
    struct told *kept = &ARRAY_ADD(checks->told, checks->told_count, checks->told_capacity);

    *kept = *told;
    kept->topic = mem_text(told->topic);
}

void checks_acked(struct checks *checks, size_t client, uint32_t number, int32_t partition, int64_t offset)
{
    const struct seen_client *seen = &checks->clients[client];
    struct sent *sent = &seen->sent[number];

    if (sent->state != SENT_WAITS)
        checks_fail(checks, "acks", "record %s/%u has two results", seen->line->name, number);
    sent->state = SENT_ACKED;
    sent->acked_us = queue_now_us(lab_queue(checks->lab));
    sent->partition = partition;
    sent->offset = offset;
    checks->counts.acked++;
    tell(checks, &(struct told){ false, client, (int32_t)client, number, seen->line->topics, partition, offset });
}

void checks_failed(struct checks *checks, size_t client, uint32_t number)
{
    struct sent *sent = &checks->clients[client].sent[number];

    if (sent->state != SENT_WAITS)
        checks_fail(checks, "acks", "record %s/%u has two results", checks->clients[client].line->name, number);
    sent->state = SENT_FAILED;
    checks->counts.failed++;
}

void checks_vanished(struct checks *checks, size_t client)
{
    for (uint32_t i = 0; i < checks->clients[client].sent_count; i++)
        if (checks->clients[client].sent[i].state == SENT_WAITS)
            checks_failed(checks, client, i);
}

/* ---- consumers ---- */

static struct seen_group *group_of(struct checks *checks, const char *name)
{
    size_t i = 0;

    while (i < checks->group_count && strcmp(checks->groups[i].name, name))
        i++;
    return &checks->groups[i];
}

struct seen_reading *checks_reading(struct checks *checks, const char *name, const char *topic, int32_t partition)
{
    struct seen_group *group = group_of(checks, name);

    if (group == &checks->groups[checks->group_count])
        return NULL;
    for (size_t i = 0; i < group->reading_count; i++)
        if (group->readings[i].partition == partition && !strcmp(group->readings[i].topic, topic))
            return &group->readings[i];
    ARRAY_ADD(group->readings, group->reading_count, group->reading_capacity) = (struct seen_reading){ .topic = mem_text(topic), .partition = partition };
    return &group->readings[group->reading_count - 1];
}

/* Whether nothing of it needs to be read: retention or a cleaner took it, or the topic is not what it was. */
bool checks_may_skip(const struct checks *checks, const char *topic, int32_t partition, int64_t from, int64_t to)
{
    const struct seen_partition *seen = checks_next_named(checks, topic, partition, NULL);

    return !seen || seen->lossy || seen->promise.fickle || checks_must_be(checks, seen, from, to, seen->removed) >= to;
}

static struct seen_position *position_of(struct seen_client *client, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < client->position_count; i++)
        if (client->positions[i].partition == partition && !strcmp(client->positions[i].topic, topic))
            return &client->positions[i];
    ARRAY_ADD(client->positions, client->position_count, client->position_capacity) = (struct seen_position){ mem_text(topic), partition, -1 };
    return &client->positions[client->position_count - 1];
}

void checks_assigned(struct checks *checks, size_t client, const struct consumer_position *partitions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        position_of(&checks->clients[client], partitions[i].topic, partitions[i].partition)->offset = -1;
}

void checks_started(struct checks *checks, size_t client)
{
    for (size_t i = 0; i < checks->clients[client].position_count; i++)
        checks->clients[client].positions[i].offset = -1;
}

static void note_read(struct checks *checks, const struct seen_client *reader, const struct consumer_record *record)
{
    struct seen_reading *reading = checks_reading(checks, reader->line->group, record->topic, record->partition);

    while ((int64_t)reading->read < record->offset && ((reading->read < reading->size && reading->records[reading->read]) ||
                                                       checks_may_skip(checks, record->topic, record->partition, (int64_t)reading->read, (int64_t)reading->read + 1)))
        reading->read++;
    if ((int64_t)reading->read < record->offset)
        checks_fail(checks, "read", "%s read %s-%d@%lld, and nobody of group %s has read @%zu", reader->line->name, record->topic, record->partition,
                    (long long)record->offset, reader->line->group, reading->read);
    while (reading->size <= (size_t)record->offset)
        ARRAY_ADD(reading->records, reading->size, reading->capacity) = false;
    reading->records[record->offset] = true;
    while (reading->read < reading->size && reading->records[reading->read])
        reading->read++;
}

void checks_read(struct checks *checks, size_t client, const struct consumer_record *record)
{
    struct seen_client *reader = &checks->clients[client];
    struct seen_position *position = position_of(reader, record->topic, record->partition);
    uint32_t number = 0;
    int32_t producer = checks_producer(checks, record->value, record->headers, record->header_count, &number);

    checks->counts.read++;
    if (producer < 0 && (record->value.data || !reader->simulated)) { /* of those no headers are known */
        checks_fail(checks, "read", "%s read at %s-%d@%lld what nobody sent", reader->line->name, record->topic, record->partition, (long long)record->offset);
        return;
    }
    if (record->offset <= position->offset && !checks_may_skip(checks, record->topic, record->partition, record->offset, record->offset + 1))
        checks_fail(checks, "read", "%s read %s-%d@%lld behind @%lld, without a rebalance in between", reader->line->name, record->topic, record->partition,
                    (long long)record->offset, (long long)position->offset);
    position->offset = record->offset;
    note_read(checks, reader, record);
    tell(checks, &(struct told){ true, client, producer, number, (char *)record->topic, record->partition, record->offset });
}

/* ---- after the event ---- */

/* It is there, in the topic as it is or as it was. */
static void check_told(struct checks *checks, const struct told *told)
{
    const struct seen_client *client = &checks->clients[told->client];
    const struct seen_partition *seen = NULL;
    bool shown = false;

    if (!told->read && !client->all)
        return;
    while ((seen = checks_next_named(checks, told->topic, told->partition, seen))) {
        const struct seen_record *record = told->offset >= 0 && told->offset < seen->committed ? &seen->records[told->offset] : NULL;

        if (seen->lossy || (told->read && told->offset < seen->removed) || (record && (told->producer < 0 ? record->tombstone : record->client == told->producer && record->number == told->number)))
            return;
        shown |= record != NULL;
    }
    checks_fail(checks, told->read ? "read" : "acks", "%s%s%s %s/%u%s %s-%d@%lld, %s", told->read ? client->line->name : "", told->read ? " read" : "",
                told->read ? "" : "record", told->producer < 0 ? "a tombstone" : checks->clients[told->producer].line->name, told->number,
                told->read ? " at" : " was acknowledged at", told->topic, told->partition, (long long)told->offset, shown ? "and another record is committed there" : "the high watermark never was above that");
}

void checks_clients_sample(struct checks *checks)
{
    for (size_t i = 0; i < checks->told_count; i++) {
        check_told(checks, &checks->told[i]);
        mem_free(checks->told[i].topic);
    }
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
            .all = settings_have(line->settings, "acks=all"), .simulated = history_simulated(line),
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
    for (size_t i = 0; i < checks->told_count; i++)
        mem_free(checks->told[i].topic);
    for (size_t i = 0; i < checks->history->client_count; i++) {
        for (size_t p = 0; p < checks->clients[i].position_count; p++)
            mem_free(checks->clients[i].positions[p].topic);
        mem_free(checks->clients[i].positions);
        mem_free(checks->clients[i].sent);
    }
    for (size_t i = 0; i < checks->group_count; i++) {
        for (size_t r = 0; r < checks->groups[i].reading_count; r++) {
            mem_free(checks->groups[i].readings[r].topic);
            mem_free(checks->groups[i].readings[r].records);
        }
        mem_free(checks->groups[i].readings);
    }
    mem_free(checks->clients);
    mem_free(checks->groups);
    mem_free(checks->told);
}

bool checks_group_at_end(struct checks *checks, size_t client, char *text, size_t size)
{
    const struct history_client *line = checks->clients[client].line;

    for (size_t i = 0; i < checks->count; i++) {
        const struct seen_partition *seen = checks->partitions[i];
        struct seen_reading *reading;

        if (seen->internal || seen->lossy || seen->gone || seen->promise.fickle || !topics_have(line->topics, seen->topic))
            continue;
        reading = checks_reading(checks, line->group, seen->topic, seen->number);
        while ((int64_t)reading->read < seen->committed && ((reading->read < reading->size && reading->records[reading->read]) ||
                                                            checks_may_skip(checks, seen->topic, seen->number, (int64_t)reading->read, (int64_t)reading->read + 1)))
            reading->read++;
        if ((int64_t)reading->read >= seen->committed)
            continue;
        snprintf(text, size, "group %s has read %s-%d up to %zu of %lld", line->group, seen->topic, seen->number, reading->read, (long long)seen->committed);
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
