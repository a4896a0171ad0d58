/* Crafted batches, good and bad, and what real brokers answered to them (tests/golden/produce, which says how its lines read): error,
 * offsets, times, the records that are named and the words, in the same order on the same topics. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/text.h"
#include "tests/wire/wire_lab.h"

/* Where we mean to differ: about what only somebody sees who unpacks piece by piece, and where Kafka falls silent. */
static const struct { const char *release, *about, *ours; } exceptions[] = {
    { "2.7.0", "gzip, cut in the middle", "= -1 -1 -1 0\n" },   /* the records before the cut are read first: INVALID_RECORD */
    { "2.7.0", "gzip, byte 16 wrong", "= -1 -1 -1 0\n" },       /* the checksum is read last */
    { "2.7.0", "gzip, byte 20 wrong", "= -1 -1 -1 0\n" },
    { "4.3.0", "null", "= 87 -1 -1 -1\n" },                     /* a NullPointerException, and no answer ever */
};

struct play {
    struct wire_lab *lab;
    struct wire_client *client;
    const char *release;
    char topic[64];
};

/* ---- the file ---- */
static char *next_line(char **at)
{
    char *line = *at, *end;

    if (!line || !*line)
        return NULL;
    end = strchr(line, '\n');
    if (end)
        *end++ = 0;
    *at = end;
    return line;
}

static struct bytes unhex(char *hex)
{
    size_t size = strlen(hex) / 2;

    for (size_t i = 0; i < size; i++) {
        unsigned byte;

        CHECK_INT(1, sscanf(hex + 2 * i, "%2x", &byte));
        ((uint8_t *)hex)[i] = (uint8_t)byte;
    }
    return (struct bytes){ (uint8_t *)hex, size };
}

/* ---- ours ---- */
static void make_topic(struct play *play, char *line)
{
    struct create_topics_request_config configs[8];
    struct create_topics_request_topic topic = { .name = play->topic, .num_partitions = 1, .replication_factor = 1, .configs = { configs, 0 } };
    struct create_topics_request in = { .topics = { &topic, 1 }, .timeout_ms = 30000 };
    struct create_topics_response *out;
    char *save = NULL, *word = strtok_r(line, " ", &save);

    snprintf(play->topic, sizeof(play->topic), "%s", word);
    while ((word = strtok_r(NULL, " ", &save))) {
        char *value = strchr(word, '=');

        *value++ = 0;
        configs[topic.configs.count++] = (struct create_topics_request_config){ word, value };
    }
    if (play->client->closed)
        client_connect(play->client);
    out = client_ask(play->client, 19, 4, &in);
    CHECK_INT(ERR_OK, out->topics.items[0].error_code);
    wire_lab_advance_ms(play->lab, 100);
}

static void add_masked(struct text *out, const char *words)
{
    const char *limits = strstr(words, "within [");

    if (limits && strchr(limits, ']'))
        text_printf(out, "%.*swithin [LIMITS%s", (int)(limits - words), words, strchr(limits, ']'));
    else
        text_add(out, words);
    text_add(out, "\n");
}

static void add_time(struct text *out, int64_t time_ms, int64_t now_ms, bool there)
{
    if (!there)
        text_add(out, " -");
    else if (time_ms > now_ms - 60000 && time_ms < now_ms + 60000)
        text_add(out, " now");
    else
        text_printf(out, " %lld", (long long)time_ms);
}

static char *send(struct play *play, const char *topic, int16_t version, int16_t acks, int32_t partition, struct records records)
{
    struct text out = { 0 };
    int64_t now_ms = queue_now_ms(play->lab->queue);
    struct produce_request_partition in_partition = { partition, records };
    struct produce_request_topic in_topic = { .name = topic, .partition_data = { &in_partition, 1 } };
    struct produce_request in = { .acks = acks, .timeout_ms = 30000, .topic_data = { &in_topic, 1 } };
    const struct produce_response *answer;
    const struct produce_response_partition *said;

    if (play->client->closed)
        client_connect(play->client);
    client_begin(play->client, 0, version, &in);
    for (int i = 0; !play->client->replied && i < 100; i++)
        wire_lab_advance_ms(play->lab, 1);
    if (play->client->closed) {
        text_add(&out, "closed\n");
        return text_take(&out);
    }
    answer = client_answer(play->client);
    said = &answer->responses.items[0].partition_responses.items[0];
    text_printf(&out, "= %d %lld", said->error_code, (long long)said->base_offset);
    add_time(&out, said->log_append_time_ms, now_ms, version >= 2);
    add_time(&out, said->log_start_offset, now_ms, version >= 5);
    text_add(&out, "\n");
    for (int32_t i = 0; i < said->record_errors.count; i++) {
        text_printf(&out, "! %d ", said->record_errors.items[i].batch_index);
        add_masked(&out, said->record_errors.items[i].batch_index_error_message);
    }
    if (said->error_message) {
        text_add(&out, "\" ");
        add_masked(&out, said->error_message);
    }
    return text_take(&out);
}

static void play_file(enum release release, const char *name)
{
    struct play play = { .lab = wire_lab_new(release, 1, NULL), .release = name };
    char path[64], *file, *at, *line, *about = NULL;
    struct text expected = { 0 };
    char *ours = NULL;
    int cases = 0;
    size_t size;

    snprintf(path, sizeof(path), "produce/%s.txt", name);
    at = file = (char *)golden_read(path, &size);
    play.client = wire_lab_client(play.lab, 0, false);
    while ((line = next_line(&at))) {
        char *others = NULL;
        int version, acks, partition, read = 0;
        long long now_ms;

        if (text_starts(line, "topic ")) {
            make_topic(&play, line + 6);
        } else if (text_starts(line, "send ")) {
            about = line + 5;
        } else if (text_starts(line, "to ")) {
            char *hex = next_line(&at), *topic;

            CHECK_INT(4, sscanf(line, "to %d %d %d %lld%n", &version, &acks, &partition, &now_ms, &read));
            topic = line[read] ? line + read + 1 : play.topic;
            if (now_ms > queue_now_ms(play.lab->queue))
                wire_lab_advance_ms(play.lab, now_ms - queue_now_ms(play.lab->queue));
            CHECK(text_starts(hex, "hex "));
            hex += 4;
            if (text_equal(hex, "null")) {
                ours = send(&play, topic, (int16_t)version, (int16_t)acks, partition, (struct records){ 0 });
            } else {
                struct bytes bytes = unhex(hex);

                ours = send(&play, topic, (int16_t)version, (int16_t)acks, partition, (struct records){ .data = bytes.data, .size = (int32_t)bytes.size });
            }
            text_clear(&expected);
            for (others = at; others && *others && !text_starts(others, "send ") && *others != '\n'; others = at) {
                line = next_line(&at);
                text_printf(&expected, "%s\n", line);
            }
            if (at && *at == '\n')
                at++;
            for (size_t i = 0; i < sizeof(exceptions) / sizeof(*exceptions); i++) {
                if (text_equal(exceptions[i].release, name) && text_equal(exceptions[i].about, about)) {
                    CHECK(strcmp(exceptions[i].ours, text_chars(&expected)) != 0);
                    text_clear(&expected);
                    text_add(&expected, exceptions[i].ours);
                }
            }
            if (strcmp(text_chars(&expected), ours))
                print_error("%s, %s: %s\n", name, play.topic, about);
            CHECK_TEXT(text_chars(&expected), ours);
            mem_free(ours);
            cases++;
        }
    }
    CHECK(cases > 300);
    text_done(&expected);
    free(file);
    wire_lab_free(play.lab);
}

TEST(crafted_batches_are_answered_as_2_7_0_answers)
{
    play_file(RELEASE_27, "2.7.0");
}

TEST(crafted_batches_are_answered_as_4_3_0_answers)
{
    play_file(RELEASE_43, "4.3.0");
}
