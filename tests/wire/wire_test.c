/* What comes in and who answers it: versions, broken requests, connections, tables. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/wire/wire_lab.h"

/* ---- versions, against what Kafka's brokers answered ---- */

static size_t from_hex(const char *hex, uint8_t *out)
{
    size_t size = 0;
    unsigned byte;

    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        out[size++] = (uint8_t)byte;
    return size;
}

/* The golden answer of `release` in `version`, as a struct. */
static struct api_versions_response *kafka_says(const char *release, int asked, int16_t version, struct arena *arena)
{
    size_t size;
    char *text = (char *)golden_read("wire/api-versions.txt", &size), start[16];
    uint8_t *bytes = arena_alloc(arena, size);
    struct api_versions_response *out = arena_alloc(arena, sizeof(*out));
    struct reader reader;
    char *line;

    snprintf(start, sizeof(start), "\n%s %d ", release, asked);
    line = strstr(text, start);
    CHECK(line);
    reader = reader_of((struct bytes){ bytes, from_hex(line + strlen(start), bytes) });
    CHECK_INT(ERR_OK, fields_decode(&api_versions_response_message, version, &reader, arena, out, NULL));
    free(text);
    return out;
}

static const struct api_versions_response_api *find_api(const struct api_versions_response *in, int16_t key)
{
    for (int32_t i = 0; i < in->api_keys.count; i++)
        if (in->api_keys.items[i].api_key == key)
            return &in->api_keys.items[i];
    return NULL;
}

static void check_versions(enum release release, const char *name, int16_t last)
{
    struct wire_lab *lab = wire_lab_new(release, 1, NULL);
    struct wire_client *client = wire_lab_client(lab, 0, false);
    struct api_versions_request in = { "probe", "1.0" };

    for (int16_t version = 0; version <= last; version++) {
        struct api_versions_response *out = client_ask(client, 18, version, &in);
        struct arena arena;
        const struct api_versions_response *golden;

        arena_init(&arena);
        golden = kafka_says(name, version, version, &arena);
        CHECK_INT(0, out->error_code);
        CHECK(out->api_keys.count >= 20);
        for (int32_t i = 0; i < out->api_keys.count; i++) {
            const struct api_versions_response_api *kafka = find_api(golden, out->api_keys.items[i].api_key);

            CHECK(kafka);
            CHECK_INT(kafka->min_version, out->api_keys.items[i].min_version);
            CHECK_INT(kafka->max_version, out->api_keys.items[i].max_version);
        }
        CHECK_INT(golden->supported_features.count, out->supported_features.count);
        CHECK_INT(golden->finalized_features.count, out->finalized_features.count);
        for (int32_t i = 0; i < golden->supported_features.count; i++) {
            CHECK_TEXT(golden->supported_features.items[i].name, out->supported_features.items[i].name);
            CHECK_INT(golden->supported_features.items[i].min_version, out->supported_features.items[i].min_version);
            CHECK_INT(golden->supported_features.items[i].max_version, out->supported_features.items[i].max_version);
        }
        arena_done(&arena);
    }
    wire_lab_free(lab);
}

TEST(versions_are_those_of_kafka_2_7) { check_versions(RELEASE_27, "2.7", 3); }
TEST(versions_are_those_of_kafka_4_3) { check_versions(RELEASE_43, "4.3", 4); }

TEST(any_takes_what_both_releases_take)
{
    int16_t first, last;

    for (size_t i = 0; i < api_count(); i++) {
        const struct api *api = api_at(i);

        CHECK(!i || api->key > api_at(i - 1)->key);
        CHECK(api->request->last >= api->last_43 && api->request->last >= api->last_27);
        if (!api_range(api, RELEASE_ANY, &first, &last))
            continue;
        CHECK(api->first_27 < 0 || (first <= api->first_27 && last >= api->last_27));
        CHECK(api->first_43 < 0 || (first <= api->first_43 && last >= api->last_43));
    }
    CHECK(api_range(api_find(1), RELEASE_ANY, &first, &last));
    CHECK_INT(0, first);
    CHECK_INT(18, last);
    CHECK(!api_range(api_find(60), RELEASE_27, &first, &last));
}

TEST(a_version_of_the_future_is_answered_in_version_0)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, NULL);
    struct wire_client *client = wire_lab_client(lab, 0, true);
    static const uint8_t bytes[] = { 0, 18, 0, 99, 0, 0, 0, 7, 0, 5, 'p', 'r', 'o', 'b', 'e', 0, 6, 'p', 'r', 'o', 'b', 'e', 4, '1', '.', '0', 0 };

    client_begin_bytes(client, (struct bytes){ bytes, sizeof(bytes) });
    CHECK(client->replied && !client->closed);
    CHECK_HEX("00000007 0023 00000001 0012 0000 0004", client->answer.data, client->answer.size);
    wire_lab_free(lab);
}

TEST(a_library_with_a_strange_name_is_refused)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_27, 1, NULL);
    struct wire_client *client = wire_lab_client(lab, 0, true);
    struct connection_info info;
    struct api_versions_response *out = client_ask(client, 18, 3, &(struct api_versions_request){ "-probe", "1.0" });

    CHECK_INT(ERR_INVALID_REQUEST, out->error_code);
    CHECK_INT(0, out->api_keys.count);
    client_ask(client, 18, 3, &(struct api_versions_request){ "kafka-python", "2.0.2" });
    wire_connection_get(lab->wire, 0, &info);
    CHECK_TEXT("kafka-python", info.software_name);
    CHECK_TEXT("2.0.2", info.software_version);
    CHECK_TEXT("probe", info.client_id);
    CHECK_INT(2, info.requests);
    wire_lab_free(lab);
}

/* ---- what closes a connection ---- */

static void check_refused(enum release release, const char *hex, const char *why)
{
    struct wire_lab *lab = wire_lab_new(release, 1, NULL);
    struct wire_client *client = wire_lab_client(lab, 0, true);
    uint8_t bytes[256];
    const struct entry *entry;

    client_begin_bytes(client, (struct bytes){ bytes, from_hex(hex, bytes) });
    CHECK(client->replied && client->closed && !client->answered);
    entry = journal_get(lab->journal, journal_last(lab->journal) - 1); /* the last says that it is gone */
    CHECK_INT(EVENT_client_refused, entry->kind);
    CHECK_TEXT("10.0.0.7:40000", entry->subject);
    if (!strstr(entry->text, why))
        fail_msg("\"%s\" does not say \"%s\"", entry->text, why);
    CHECK_INT(0, wire_connection_count(lab->wire));
    wire_lab_free(lab);
}

TEST(broken_requests_close_the_connection_and_say_why)
{
    check_refused(RELEASE_43, "0003", "too short for a header");
    check_refused(RELEASE_43, "03e7000000000007ffff", "API 999, which is not known here");
    check_refused(RELEASE_43, "ffff000000000007ffff", "API -1, which is not known here");
    check_refused(RELEASE_43, "0000000200000007ffff", "Produce in version 2, which is not taken");
    check_refused(RELEASE_27, "003c000000000007ffff", "DescribeCluster in version 0, which is not taken");
    check_refused(RELEASE_43, "0003000100000007ffff0000", "the bytes end inside it");
    check_refused(RELEASE_43, "0003000100000007ffff7fffffff", "more items than bytes left");
    check_refused(RELEASE_43, "0003000100000007ffff00000001fffe", "negative length");
}

TEST(bytes_behind_a_request_are_ignored_as_kafka_does)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, NULL);
    struct wire_client *client = wire_lab_client(lab, 0, true);
    uint8_t bytes[64];

    client_begin_bytes(client, (struct bytes){ bytes, from_hex("0003000100000007ffff000000007a7a7a7a", bytes) });
    CHECK(client->answered && !client->closed);
    wire_lab_free(lab);
}

/* ---- tables ---- */

static int64_t count_rows(const struct tables *tables, const char *name, int column, char *last, size_t last_size)
{
    void *context;
    const struct table *table = tables_find(tables, name, &context);
    void *cursor = table->open(context, NULL, 0);
    int64_t count = 0;

    while (table->next(cursor)) {
        struct value value = table->get(cursor, column);

        count++;
        for (int i = 0; table->columns[i].name; i++)
            table->get(cursor, i);
        snprintf(last, last_size, "%s", value.type == VALUE_TEXT ? value.text : value.type == VALUE_NULL ? "NULL" : "");
        if (value.type == VALUE_INT)
            snprintf(last, last_size, "%lld", (long long)value.integer);
    }
    table->close(cursor);
    return count;
}

TEST(tables_show_apis_connections_and_requests)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, NULL);
    struct wire_client *client = wire_lab_client(lab, 0, true);
    struct tables *tables = tables_new();
    char last[64];

    wire_register_tables(lab->wire, tables);
    CHECK_INT(0, count_rows(tables, "requests", 0, last, sizeof(last)));
    for (int i = 0; i < 1100; i++)
        client_ask(client, 3, 12, &(struct metadata_request){ 0 });
    CHECK(count_rows(tables, "apis", 1, last, sizeof(last)) >= 20);
    CHECK_TEXT("DescribeTopicPartitions", last);
    CHECK_INT(1, count_rows(tables, "connections", 4, last, sizeof(last)));
    CHECK_TEXT("probe", last);
    CHECK_INT(1024, count_rows(tables, "requests", 0, last, sizeof(last)));
    CHECK_TEXT("1100", last);
    client_ask(client, 29, 3, &(struct describe_acls_request){ .resource_type_filter = 1, .pattern_type_filter = 1, .operation = 1, .permission_type = 1 });
    count_rows(tables, "requests", 11, last, sizeof(last));
    CHECK_TEXT("SECURITY_DISABLED", last);
    tables_free(tables);
    wire_lab_free(lab);
}

struct seen {
    int asked, answered;
    int16_t version;
};

static void on_trace(void *context, const struct request *request, bool answered)
{
    struct seen *seen = context;

    CHECK_TEXT("Metadata", request->api->name);
    seen->version = request->version;
    if (answered)
        seen->answered++;
    else
        seen->asked++;
}

TEST(watchers_see_each_request_and_its_answer)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_27, 1, NULL);
    struct wire_client *client = wire_lab_client(lab, 0, false);
    struct seen seen = { 0 };

    wire_watch(lab->wire, on_trace, &seen);
    client_ask(client, 3, 9, &(struct metadata_request){ 0 });
    wire_unwatch(lab->wire, on_trace, &seen);
    client_ask(client, 3, 9, &(struct metadata_request){ 0 });
    CHECK_INT(1, seen.asked);
    CHECK_INT(1, seen.answered);
    CHECK_INT(9, seen.version);
    wire_lab_free(lab);
}
