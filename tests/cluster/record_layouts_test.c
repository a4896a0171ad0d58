/* Records of internal topics as tables: all types have one, and what real brokers wrote is what they say. */
#include "sim/cluster/record_layouts.h"

#include <stdio.h>

#include "sim/cluster/metadata.h"
#include "sim/log/batch.h"
#include "tests/harness.h"

static void check_whole(const struct message *layout, int16_t version, struct bytes bytes, struct arena *arena)
{
    const struct message *message = fields_laid_out(layout, arena);
    struct reader reader = reader_of(bytes);
    struct frame frame = { 0 };
    struct reason reason = { "" };
    void *in = arena_alloc(arena, message->size);

    if (fields_decode(message, version, &reader, arena, in, &reason))
        CHECK_TEXT("", reason.text);
    CHECK_INT(0, reader_left(&reader));
    CHECK_INT(ERR_OK, fields_encode(message, version, in, &frame, NULL));
    CHECK(bytes_equal(bytes, buffer_bytes(&frame.bytes)));
    frame_done(&frame);
}

static struct bytes behind(struct bytes bytes, size_t size)
{
    CHECK(bytes.size >= size);
    return (struct bytes){ bytes.data + size, bytes.size - size };
}

static void check_coordinator(enum record_family family, const struct record *record, struct arena *arena)
{
    int16_t type = get_i16(record->key.data);
    const struct coordinator_layout *layout = coordinator_layout(family, type);

    CHECK(layout);
    check_whole(layout->key, type <= layout->key->last ? type : layout->key->last, behind(record->key, 2), arena);
    if (record->value.data)
        check_whole(layout->value, get_i16(record->value.data), behind(record->value, 2), arena);
}

static void check_metadata(const struct record *record, struct arena *arena)
{
    struct reader reader = reader_of(record->value);
    uint32_t frame = reader_uvarint(&reader), type = reader_uvarint(&reader), version = reader_uvarint(&reader);
    const char *name = NULL;
    const struct message *layout = framed_layout(RECORDS_METADATA, type, &name);

    CHECK_INT(1, frame);
    CHECK(layout && name);
    check_whole(layout, (int16_t)version, (struct bytes){ reader.at, reader_left(&reader) }, arena);
}

static int check_log(const char *path, const char *topic)
{
    FILE *file = fopen(path, "rb");
    static uint8_t data[100000];
    size_t size, at = 0;
    struct arena arena;
    int checked = 0;

    CHECK(file);
    size = fread(data, 1, sizeof(data), file);
    fclose(file);
    arena_init(&arena);
    while (at < size) {
        struct batch batch;
        struct record_iterator it;
        struct record record;

        CHECK_INT(ERR_OK, batch_decode((struct bytes){ data + at, size - at }, &batch, NULL, NULL));
        records_begin(&it, &batch);
        while (!batch_control(&batch) && records_next(&it, &record)) {
            if (record_family_of(topic) == RECORDS_METADATA)
                check_metadata(&record, &arena);
            else
                check_coordinator(record_family_of(topic), &record, &arena);
            checked++;
            arena_reset(&arena);
        }
        records_done(&it);
        at += (size_t)batch.size_bytes;
    }
    arena_done(&arena);
    return checked;
}

#define SEGMENTS "tests/golden/segments/"
TEST(records_of_real_brokers_are_what_the_layouts_say)
{
    CHECK(check_log(SEGMENTS "4.3.0-cluster-metadata/__cluster_metadata-0/00000000000000000000.log", "__cluster_metadata") > 300);
    CHECK(check_log(SEGMENTS "4.3.0-transaction-state/__transaction_state-20/00000000000000000000.log", "__transaction_state") > 5);
    CHECK(check_log(SEGMENTS "2.7.0-transaction-state/__transaction_state-20/00000000000000000000.log", "__transaction_state") > 5);
    CHECK(check_log(SEGMENTS "4.3.0-consumer-offsets/__consumer_offsets-28/00000000000000000000.log", "__consumer_offsets") > 2);
    CHECK(check_log(SEGMENTS "2.7.0-consumer-offsets/__consumer_offsets-28/00000000000000000000.log", "__consumer_offsets") > 2);
}

/* What is laid out holds every version from nothing but presets, and says so as JSON. */
static void check_presets(const struct message *layout, struct arena *arena)
{
    const struct message *message = fields_laid_out(layout, arena);

    for (int16_t version = message->first; version <= message->last; version++) {
        struct frame frame = { 0 };
        struct text json = { 0 };
        void *in = arena_alloc(arena, message->size);

        fields_preset(message, in);
        CHECK_INT(ERR_OK, fields_encode(message, version, in, &frame, NULL));
        check_whole(layout, version, buffer_bytes(&frame.bytes), arena);
        fields_json(message, version, in, &json);
        CHECK(json.size >= 2 && json.data[0] == '{');
        text_done(&json);
        frame_done(&frame);
    }
}

TEST(every_type_has_its_layout)
{
    struct arena arena;
    int groups = 0, metadata = 0;

    arena_init(&arena);
    for (int16_t type = 0; type < 64; type++) {
        static const enum record_family families[] = { RECORDS_GROUP, RECORDS_TRANSACTION, RECORDS_SHARE_STATE };

        for (int i = 0; i < 3; i++) {
            const struct coordinator_layout *layout = coordinator_layout(families[i], type);

            if (!layout)
                continue;
            groups++;
            CHECK_INT(type, layout->type);
            check_presets(layout->key, &arena);
            check_presets(layout->value, &arena);
        }
        for (int family = RECORDS_METADATA; family <= RECORDS_REMOTE_LOG; family++) {
            const char *name = NULL;
            const struct message *layout = framed_layout((enum record_family)family, (uint32_t)type, &name);

            if (!layout)
                continue;
            metadata++;
            CHECK(text_ends(name, "_RECORD"));
            check_presets(layout, &arena);
        }
    }
    CHECK_INT(22 + 1 + 2, groups);
    CHECK_INT(26 + 4, metadata);
    arena_done(&arena);
}
