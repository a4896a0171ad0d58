/* Our descriptions of messages against bytes that Kafka's own classes wrote, and against themselves. */
#include "sim/wire/messages.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/harness.h"

static const struct message *const messages[] = {
#define BOTH(name) &name##_request_message, &name##_response_message
    BOTH(produce), BOTH(fetch), BOTH(list_offsets), BOTH(metadata), BOTH(offset_commit), BOTH(offset_fetch),
    BOTH(find_coordinator), BOTH(join_group), BOTH(heartbeat), BOTH(leave_group), BOTH(sync_group),
    BOTH(describe_groups), BOTH(list_groups), BOTH(api_versions), BOTH(create_topics), BOTH(delete_topics),
    BOTH(delete_records), BOTH(init_producer_id), BOTH(offset_for_leader_epoch), BOTH(write_txn_markers), BOTH(describe_acls),
    BOTH(create_acls), BOTH(delete_acls), BOTH(describe_configs), BOTH(alter_configs), BOTH(describe_log_dirs),
    BOTH(create_partitions), BOTH(delete_groups), BOTH(elect_leaders), BOTH(incremental_alter_configs),
    BOTH(alter_partition_reassignments), BOTH(list_partition_reassignments), BOTH(offset_delete),
    BOTH(describe_cluster), BOTH(describe_producers), BOTH(describe_transactions), BOTH(list_transactions),
    BOTH(consumer_group_describe), BOTH(list_config_resources), BOTH(describe_topic_partitions),
#undef BOTH
    &consumer_protocol_subscription_message, &consumer_protocol_assignment_message,
    &request_header_message, &response_header_message,
};
enum { MESSAGES = sizeof(messages) / sizeof(*messages) };

/* A line of golden/wire/messages.txt. */
struct line {
    const struct message *message;
    int16_t version;
    char variant[16];
    struct bytes bytes;
};

static int nibble(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static void parse_line(const char *text, struct line *out, uint8_t *room, size_t room_size)
{
    char name[64], release[8];
    int version, used = 0;
    size_t size = 0;

    CHECK(sscanf(text, "%63s %d %15s %7s %n", name, &version, out->variant, release, &used) == 4);
    out->message = NULL;
    for (size_t i = 0; i < MESSAGES; i++)
        if (!strcmp(messages[i]->name, name))
            out->message = messages[i];
    if (!out->message)
        fail_msg("%s has no description", name);
    for (const char *p = text + used; *p && *p != '-'; p += 2) {
        CHECK(size < room_size);
        room[size++] = (uint8_t)(nibble(p[0]) << 4 | nibble(p[1]));
    }
    out->version = (int16_t)version;
    out->bytes = (struct bytes){ room, size };
}

/* Calls `check` for each golden line; how many there are. */
static int for_each_line(void (*check)(const struct line *line, void *context), void *context)
{
    size_t size;
    char *file = (char *)golden_read("wire/messages.txt", &size), *rest = file, *text;
    static uint8_t room[8192];
    int count = 0;

    while ((text = strsep(&rest, "\n"))) {
        struct line line;

        if (!*text || *text == '#')
            continue;
        parse_line(text, &line, room, sizeof(room));
        check(&line, context);
        count++;
    }
    free(file);
    return count;
}

static void tell(const struct line *line, const char *what)
{
    fail_msg("%s v%d %s: %s", line->message->name, line->version, line->variant, what);
}

static void check_same(const struct line *line, const struct frame *frame)
{
    size_t size = line->bytes.size;

    if (frame->bytes.size == size && (!size || !memcmp(frame->bytes.data, line->bytes.data, size)))
        return;
    for (size_t i = 0; i < line->bytes.size; i++)
        print_error("%02x", line->bytes.data[i]);
    print_error(" Kafka's\n");
    for (size_t i = 0; i < frame->bytes.size; i++)
        print_error("%02x", frame->bytes.data[i]);
    print_error(" ours\n");
    tell(line, "other bytes than Kafka's");
}

static void check_decodes_and_encodes(const struct line *line, void *context)
{
    struct reader reader = reader_of(line->bytes);
    struct frame frame = { 0 };
    struct reason reason = { "" };
    struct arena arena;
    void *in;

    (void)context;
    arena_init(&arena);
    in = arena_alloc(&arena, line->message->size);
    if (fields_decode(line->message, line->version, &reader, &arena, in, &reason))
        tell(line, reason.text);
    if (reader_left(&reader))
        tell(line, "bytes are left");
    if (fields_encode(line->message, line->version, in, &frame, &reason))
        tell(line, reason.text);
    check_same(line, &frame);
    frame_done(&frame);
    arena_done(&arena);
}

TEST(every_message_of_both_releases_is_read_and_written_as_kafka_does)
{
    CHECK(for_each_line(check_decodes_and_encodes, NULL) > 1300);
}

static void check_preset(const struct line *line, void *context)
{
    struct frame frame = { 0 };
    struct reason reason = { "" };
    struct arena arena;
    void *in;

    (void)context;
    if (strcmp(line->variant, "preset"))
        return;
    arena_init(&arena);
    in = arena_alloc(&arena, line->message->size);
    fields_preset(line->message, in);
    if (fields_encode(line->message, line->version, in, &frame, &reason))
        tell(line, reason.text);
    check_same(line, &frame);
    frame_done(&frame);
    arena_done(&arena);
}

TEST(a_preset_message_has_kafkas_defaults)
{
    for_each_line(check_preset, NULL);
}

/* The golden JSON of a message's newest version; NULL for other lines. */
static const char *golden_json(char *file, const struct line *line)
{
    char start[96], *at;

    snprintf(start, sizeof(start), "\n%s %d full 4.3 ", line->message->name, line->version);
    at = strcmp(line->variant, "full") ? NULL : strstr(file, start);
    return at ? at + strlen(start) : NULL;
}

struct json_check {
    char *file;
    int count;
};

/* The bytes alone would let two fields of one type change places: the names tell. */
static void check_json(const struct line *line, void *context)
{
    struct json_check *check = context;
    const char *golden = golden_json(check->file, line);
    struct reader reader = reader_of(line->bytes);
    struct text text = { 0 };
    struct arena arena;
    char *expected;
    void *in;

    if (!golden)
        return;
    arena_init(&arena);
    in = arena_alloc(&arena, line->message->size);
    CHECK_INT(ERR_OK, fields_decode(line->message, line->version, &reader, &arena, in, NULL));
    fields_json(line->message, line->version, in, &text);
    expected = arena_text(&arena, golden, strcspn(golden, "\n"));
    CHECK_TEXT(expected, text_chars(&text));
    check->count++;
    text_done(&text);
    arena_done(&arena);
}

TEST(fields_have_kafkas_names_and_order)
{
    size_t size;
    struct json_check check = { (char *)golden_read("wire/json.txt", &size), 0 };

    for_each_line(check_json, &check);
    CHECK(check.count >= MESSAGES);
    free(check.file);
}

static void note_version(const struct line *line, void *context)
{
    uint32_t *seen = context;

    for (size_t i = 0; i < MESSAGES; i++)
        if (messages[i] == line->message)
            seen[i] |= 1u << line->version;
}

TEST(every_version_described_has_golden_bytes)
{
    uint32_t seen[MESSAGES] = { 0 };

    for_each_line(note_version, seen);
    for (size_t i = 0; i < MESSAGES; i++)
        for (int v = messages[i]->first; v <= messages[i]->last; v++)
            if (!(seen[i] & 1u << v))
                fail_msg("%s v%d has no golden bytes", messages[i]->name, v);
}

/* ---- what comes in from strangers ---- */

static void decode_anything(const struct message *message, int16_t version, struct bytes bytes)
{
    struct reader reader = reader_of(bytes);
    struct text dump = { 0 };
    struct reason reason = { "" };
    struct arena arena;
    void *in;

    arena_init(&arena);
    in = arena_alloc(&arena, message->size);
    if (fields_decode(message, version, &reader, &arena, in, &reason)) {
        CHECK(*reason.text);
    } else {
        fields_dump(message, version, in, &dump);
        fields_json(message, version, in, &dump);
    }
    /* A few bytes can't make us allocate much. */
    CHECK(arena.total < 4096 + bytes.size * 256);
    text_done(&dump);
    arena_done(&arena);
}

/* A copy on the heap, exactly as long: a sanitizer sees a read past its end. */
static void decode_exactly(const struct line *line, size_t size, size_t flip, uint8_t with)
{
    uint8_t *copy = mem_alloc(size);

    if (size)
        memcpy(copy, line->bytes.data, size);
    if (flip < size)
        copy[flip] ^= with;
    decode_anything(line->message, line->version, (struct bytes){ copy, size });
    mem_free(copy);
}

static void check_cut_and_damaged(const struct line *line, void *context)
{
    (void)context;
    if (strcmp(line->variant, "full"))
        return;
    for (size_t size = 0; size < line->bytes.size; size++) {
        decode_exactly(line, size, SIZE_MAX, 0);
        decode_exactly(line, line->bytes.size, size, 0xff);
        decode_exactly(line, line->bytes.size, size, 0x7f);
        decode_exactly(line, line->bytes.size, size, 0x01);
    }
}

TEST(no_message_cut_short_or_damaged_does_harm)
{
    for_each_line(check_cut_and_damaged, NULL);
}

static void count_field(void *context, int depth, const char *name, size_t from, size_t to, const char *value)
{
    size_t *end = context;

    CHECK(depth >= 0 && *name && value);
    CHECK(from <= to && from == *end); /* one after the other, without gaps */
    *end = to;
}

static void check_walk(const struct line *line, void *context)
{
    struct reason reason;
    size_t end = 0;

    (void)context;
    CHECK_INT(ERR_OK, fields_walk(line->message, line->version, line->bytes, count_field, &end, &reason));
    CHECK_INT(line->bytes.size, end);
}

TEST(a_walk_names_every_byte)
{
    for_each_line(check_walk, NULL);
}

/* ---- headers ---- */

TEST(a_request_header_tells_api_and_client)
{
    /* ApiVersions 3 as kafka clients send it: client id still with a two-byte length, then no tags. */
    static const uint8_t bytes[] = { 0, 18, 0, 3, 0, 0, 0, 7, 0, 3, 'm', 'e', '1', 0 };
    struct reader reader = reader_of((struct bytes){ bytes, sizeof(bytes) });
    struct request_header header;
    struct frame frame = { 0 };
    struct arena arena;
    int16_t key, version;

    arena_init(&arena);
    CHECK(request_header_peek((struct bytes){ bytes, sizeof(bytes) }, &key, &version));
    CHECK_INT(18, key);
    CHECK_INT(3, version);
    CHECK_INT(2, request_header_version(&api_versions_request_message, version));
    CHECK_INT(ERR_OK, request_header_decode(2, &reader, &arena, &header, NULL));
    CHECK_INT(7, header.correlation_id);
    CHECK_TEXT("me1", header.client_id);
    CHECK_INT(0, reader_left(&reader));
    CHECK_INT(ERR_OK, request_header_encode(2, &header, &frame, NULL));
    CHECK_INT(sizeof(bytes), frame.bytes.size);
    CHECK(!memcmp(bytes, frame.bytes.data, sizeof(bytes)));
    frame_done(&frame);
    arena_done(&arena);
    CHECK(!request_header_peek((struct bytes){ bytes, 3 }, &key, &version));
}

TEST(api_versions_is_answered_with_the_oldest_header)
{
    struct frame frame = { 0 };

    CHECK_INT(0, response_header_version(&api_versions_response_message, 4));
    CHECK_INT(1, response_header_version(&metadata_response_message, 9));
    CHECK_INT(0, response_header_version(&metadata_response_message, 8));
    response_header_encode(1, 0x01020304, &frame);
    CHECK_HEX("01020304 00", frame.bytes.data, frame.bytes.size);
    frame_done(&frame);
}
