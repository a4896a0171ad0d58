/* The tables of what files are made of say the same as the code that reads and writes them by hand: over random batches, message sets, and all
 * that real brokers left. */
#include "sim/log/layout.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/random.h"
#include "sim/log/record.h"
#include "tests/harness.h"
#include "tests/log/golden.h"

static struct bytes random_bytes(struct random *random, struct arena *arena, size_t most)
{
    size_t size = (size_t)random_below(random, most);
    uint8_t *data = arena_alloc(arena, size + 1);

    if (!random_below(random, 6))
        return (struct bytes){ 0 };
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)random_u64(random);
    return (struct bytes){ data, size };
}

static void check_header(const struct batch *batch)
{
    struct reader reader = reader_of(batch->bytes);
    struct batch_header header;
    struct frame frame = { 0 };
    struct arena arena;

    arena_init(&arena);
    CHECK_INT(ERR_OK, fields_decode(&batch_header_layout, 2, &reader, &arena, &header, NULL));
    CHECK_INT(BATCH_HEADER, reader.at - batch->bytes.data);
    CHECK_INT(batch->base_offset, header.base_offset);
    CHECK_INT(batch->size_bytes, header.batch_length + BATCH_OVERHEAD);
    CHECK_INT(batch->leader_epoch, header.partition_leader_epoch);
    CHECK_INT(batch->magic, header.magic);
    CHECK_INT(batch->crc, header.crc);
    CHECK_INT(batch->attributes, header.attributes);
    CHECK_INT(batch->last_offset, header.base_offset + header.last_offset_delta);
    CHECK_INT(batch->base_timestamp_ms, header.base_timestamp);
    CHECK_INT(batch->max_timestamp_ms, header.max_timestamp);
    CHECK_INT(batch->producer_id, header.producer_id);
    CHECK_INT(batch->producer_epoch, header.producer_epoch);
    CHECK_INT(batch->base_sequence, header.base_sequence);
    CHECK_INT(batch->record_count, header.records_count);
    CHECK_INT(ERR_OK, fields_encode(&batch_header_layout, 2, &header, &frame, NULL));
    CHECK(bytes_equal((struct bytes){ batch->bytes.data, BATCH_HEADER }, buffer_bytes(&frame.bytes)));
    frame_done(&frame);
    arena_done(&arena);
}

/* What a walk over one record met. */
struct met {
    struct bytes record, key, value;
    int64_t timestamp_delta, offset_delta, length;
    int headers, depth_of_headers;
};
static void on_field(void *context, int depth, const char *name, size_t from, size_t to, const char *value)
{
    struct met *met = context;
    struct bytes here = { met->record.data + from, to - from };

    CHECK(from <= to && to <= met->record.size);
    if (depth == 0 && text_equal(name, "length"))
        CHECK(parse_i64(value, &met->length));
    if (depth == 0 && text_equal(name, "timestamp_delta"))
        CHECK(parse_i64(value, &met->timestamp_delta));
    if (depth == 0 && text_equal(name, "offset_delta"))
        CHECK(parse_i64(value, &met->offset_delta));
    if (depth == 0 && text_equal(name, "key"))
        met->key = here;
    if (depth == 0 && text_equal(name, "value"))
        met->value = here;
    if (depth == 1)
        met->headers++;
}

/* The field's bytes are the length and then these. */
static void check_sized(struct bytes field, struct bytes expected)
{
    struct reader reader = reader_of(field);
    int32_t size = reader_varint(&reader);

    CHECK_INT(expected.data ? (int64_t)expected.size : -1, size);
    CHECK_INT(expected.size, reader_left(&reader));
    CHECK(!expected.size || !memcmp(reader.at, expected.data, expected.size));
}

static void check_batch_records(const struct batch *batch)
{
    struct record_iterator it;
    struct record record;
    struct bytes left;

    records_begin(&it, batch);
    left = batch_codec(batch) ? buffer_bytes(&it.plain) : (struct bytes){ batch->bytes.data + BATCH_HEADER, batch->bytes.size - BATCH_HEADER };
    while (records_next(&it, &record)) {
        struct met met = { .record = { left.data, (size_t)record.size_bytes } };

        CHECK_INT(ERR_OK, fields_walk(&record_layout, 2, met.record, on_field, &met, NULL));
        CHECK_INT(record.size_bytes, met.length + (int64_t)varint_size(met.length));
        CHECK_INT(record.offset, batch->base_offset + met.offset_delta);
        if (!batch_log_append_time(batch))
            CHECK_INT(record.timestamp_ms, batch->base_timestamp_ms + met.timestamp_delta);
        check_sized(met.key, record.key);
        check_sized(met.value, record.value);
        CHECK_INT(record.header_count, met.headers);
        left.data += record.size_bytes;
        left.size -= (size_t)record.size_bytes;
    }
    CHECK_INT(ERR_OK, it.err);
    CHECK_INT(0, left.size);
    records_done(&it);
}

TEST(a_batch_is_what_its_layout_says)
{
    struct random random;
    struct batch_builder builder = { 0 };
    struct arena arena;

    random_init(&random, 7);
    arena_init(&arena);
    for (int round = 0; round < 300; round++) {
        struct batch batch;
        struct bytes bytes;

        batch_builder_init(&builder, (int)random_below(&random, CODECS));
        builder.base_offset = (int64_t)random_below(&random, 1000000);
        builder.leader_epoch = (int32_t)random_below(&random, 9) - 1;
        builder.producer_id = (int64_t)random_below(&random, 99) - 1;
        builder.producer_epoch = (int16_t)random_below(&random, 9);
        builder.base_sequence = (int32_t)random_below(&random, 99) - 1;
        for (uint64_t i = 0, count = 1 + random_below(&random, 8); i < count; i++) {
            struct header headers[3];
            int32_t header_count = (int32_t)random_below(&random, 4);

            for (int32_t h = 0; h < header_count; h++)
                headers[h] = (struct header){ bytes_text("name"), random_bytes(&random, &arena, 40) };
            batch_builder_add(&builder, 1600000000000 + (int64_t)random_below(&random, 100000) - 5000, random_bytes(&random, &arena, 300),
                              random_bytes(&random, &arena, 300), headers, header_count);
        }
        CHECK_INT(ERR_OK, batch_builder_finish(&builder, &bytes, NULL));
        CHECK_INT(ERR_OK, batch_decode(bytes, &batch, NULL, NULL));
        check_header(&batch);
        check_batch_records(&batch);
        arena_reset(&arena);
    }
    batch_builder_done(&builder);
    arena_done(&arena);
}

static void check_old(struct bytes bytes)
{
    struct old_message message;
    struct old_message_fields fields;
    struct reader reader = reader_of(bytes);
    struct arena arena;

    arena_init(&arena);
    CHECK_INT(ERR_OK, old_message_decode(bytes, &message, NULL));
    CHECK_INT(ERR_OK, fields_decode(&old_message_layout, message.magic, &reader, &arena, &fields, NULL));
    CHECK_INT(0, reader_left(&reader));
    CHECK_INT(message.offset, fields.offset);
    CHECK_INT((int64_t)bytes.size, fields.message_size + 12);
    CHECK_INT(message.crc, fields.crc);
    CHECK_INT(message.magic, fields.magic);
    CHECK_INT(message.attributes, fields.attributes);
    CHECK_INT(message.timestamp_ms, fields.timestamp);
    CHECK(bytes_equal(message.key, fields.key) && bytes_equal(message.value, fields.value));
    arena_done(&arena);
}

/* Bytes that a real broker wrote are its layout and nothing else. */
static void check_whole(const struct message *layout, int16_t version, struct bytes bytes, struct arena *arena)
{
    const struct message *message = fields_laid_out(layout, arena);
    struct reader reader = reader_of(bytes);
    struct frame frame = { 0 };
    void *in = arena_alloc(arena, message->size);

    CHECK_INT(ERR_OK, fields_decode(message, version, &reader, arena, in, NULL));
    CHECK_INT(0, reader_left(&reader));
    CHECK_INT(ERR_OK, fields_encode(message, version, in, &frame, NULL));
    CHECK(bytes_equal(bytes, buffer_bytes(&frame.bytes)));
    frame_done(&frame);
}

static void check_control(const struct batch *batch, struct arena *arena)
{
    struct record_iterator it;
    struct record record;

    records_begin(&it, batch);
    while (records_next(&it, &record)) {
        int16_t type = get_i16(record.key.data + 2);

        check_whole(&control_key_layout, 0, record.key, arena);
        check_whole(control_layout(type) ? control_layout(type) : &end_transaction_layout, 0, record.value, arena);
    }
    records_done(&it);
}

static int check_file(const char *name, struct bytes bytes)
{
    struct arena arena;
    int checked = 0;

    arena_init(&arena);
    if (text_ends(name, ".snapshot")) {
        check_whole(&producer_snapshot_layout, 1, bytes, &arena);
        checked = 1;
    }
    if (text_ends(name, ".txnindex"))
        for (; bytes.size; bytes.data += 34, bytes.size -= 34, checked++)
            check_whole(&aborted_entry_layout, 0, (struct bytes){ bytes.data, 34 }, &arena);
    while ((text_ends(name, ".log") || text_ends(name, ".checkpoint")) && bytes.size > BATCH_OVERHEAD) {
        struct batch batch;

        if (batch_decode(bytes, &batch, NULL, NULL))
            break;
        if (batch.magic == 2) {
            check_header(&batch);
            check_batch_records(&batch);
            if (batch_control(&batch))
                check_control(&batch, &arena);
        } else {
            check_old(batch.bytes);
        }
        bytes.data += batch.size_bytes;
        bytes.size -= (size_t)batch.size_bytes;
        checked++;
    }
    arena_done(&arena);
    return checked;
}

TEST(what_real_brokers_left_is_what_the_layouts_say)
{
    char *names[MOST_GOLDEN_FILES];
    size_t count = golden_names(names);
    int checked = 0;

    for (size_t i = 0; i < count; i++) {
        struct golden golden;

        golden_open(&golden, names[i]);
        for (size_t f = 0; f < golden.count; f++) {
            size_t size;
            uint8_t *data = golden_file(&golden, golden.names[f], &size);

            if (!text_equal(golden.names[f], "leader-epoch-checkpoint"))
                checked += check_file(golden.names[f], (struct bytes){ data, size });
            free(data);
        }
        golden_done(&golden);
        mem_free(names[i]);
    }
    CHECK(checked > 200);
}
