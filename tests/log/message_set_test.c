/* Message sets of magic 0 and 1: the golden segments' bytes, sets around sets, conversion for old consumers. */
#include <stdlib.h>

#include "sim/log/record.h"
#include "tests/harness.h"

static const int64_t T = 1600000000000;

static struct bytes text(const char *chars)
{
    return bytes_text(chars);
}

/* Messages k0=v0, k1=v1, ... at `first`, first + 1, ..., stamped T, T + 1, ... */
static struct buffer set_of(int8_t magic, int codec, int64_t first, int count)
{
    struct set_builder builder;
    struct buffer out = { 0 };

    set_builder_init(&builder, magic, codec, false, 0);
    for (int i = 0; i < count; i++) {
        char key[8] = { 'k', (char)('0' + i % 10) }, value[8] = { 'v', (char)('0' + i % 10) };

        set_builder_add(&builder, first + i, T + i, text(key), text(value));
    }
    CHECK_INT(ERR_OK, set_builder_finish(&builder, &out, NULL));
    set_builder_done(&builder);
    return out;
}

static struct batch decoded(struct bytes bytes)
{
    struct batch batch;

    CHECK_INT(ERR_OK, batch_decode(bytes, &batch, NULL, NULL));
    return batch;
}

/* All records of a set: k0=v0 at `first` and so on. */
static void check_set(struct bytes set, int64_t first, int count, int64_t first_timestamp_ms, int step)
{
    int seen = 0;

    while (set.size) {
        struct batch batch = decoded(set);
        struct record_iterator it;
        struct record record;

        CHECK(batch_crc_right(&batch));
        records_begin(&it, &batch);
        for (; records_next(&it, &record); seen++) {
            CHECK_INT(first + seen, record.offset);
            CHECK_INT(first_timestamp_ms + seen * step, record.timestamp_ms);
            CHECK_INT(2, record.key.size);
            CHECK_INT('0' + seen % 10, record.key.data[1]);
            CHECK_INT('0' + seen % 10, record.value.data[1]);
            CHECK_INT(-1, record.sequence);
            CHECK_INT(0, record.header_count);
        }
        CHECK_INT(ERR_OK, it.err);
        records_done(&it);
        set.data += batch.size_bytes;
        set.size -= (size_t)batch.size_bytes;
    }
    CHECK_INT(count, seen);
}

static void check_walk(struct bytes set, enum err expected, const char *expected_reason)
{
    struct batch batch = decoded(set);
    struct record_iterator it;
    struct record record;

    records_begin(&it, &batch);
    while (records_next(&it, &record))
        ;
    CHECK_INT(expected, it.err);
    CHECK_TEXT(expected_reason, it.reason.text);
    records_done(&it);
}

TEST(messages_are_made_as_a_2_7_broker_wrote_them)
{
    for (int8_t magic = 0; magic < 2; magic++) {
        struct buffer made = set_of(magic, CODEC_NONE, 0, 3);
        size_t size;
        uint8_t *golden = golden_read(magic ? "segments/2.7.0-magic-1/magic-1-0/00000000000000000000.log" :
                                              "segments/2.7.0-magic-0/magic-0-0/00000000000000000000.log", &size);

        CHECK_INT(size / 2, made.size);         /* three more follow there */
        CHECK(!memcmp(golden, made.data, made.size));
        free(golden);
        buffer_done(&made);
    }
}

TEST(sets_come_back_from_every_codec)
{
    for (int8_t magic = 0; magic < 2; magic++)
        for (int codec = 0; codec < CODEC_ZSTD; codec++) {
            struct buffer set = set_of(magic, codec, 1000, 100);
            struct batch batch = decoded(buffer_bytes(&set));

            CHECK_INT(magic, batch.magic);
            CHECK_INT(codec, batch_codec(&batch));
            CHECK_INT(codec ? 1099 : 1000, batch.last_offset);
            CHECK_INT(codec ? -1 : 1, batch.record_count);
            CHECK_INT(!magic ? -1 : codec ? T + 99 : T, batch.max_timestamp_ms);
            CHECK_INT(-1, batch.leader_epoch);
            CHECK_INT(-1, batch.producer_id);
            CHECK_INT(-1, batch_last_sequence(&batch));
            check_set(buffer_bytes(&set), 1000, 100, magic ? T : -1, magic);
            buffer_done(&set);
        }
}

TEST(zstd_has_no_old_messages)
{
    struct set_builder builder;
    struct buffer out = { 0 };

    set_builder_init(&builder, 1, CODEC_ZSTD, false, 0);
    set_builder_add(&builder, 0, T, text("k"), text("v"));
    CHECK_INT(ERR_UNKNOWN_SERVER_ERROR, set_builder_finish(&builder, &out, NULL));
    set_builder_done(&builder);
    buffer_done(&out);
}

TEST(nulls_are_not_empty)
{
    struct set_builder builder;
    struct buffer out = { 0 };
    struct record_iterator it;
    struct record record;
    struct batch batch;

    set_builder_init(&builder, 1, CODEC_GZIP, false, 0);
    set_builder_add(&builder, 0, T, (struct bytes){ 0 }, text(""));
    set_builder_add(&builder, 1, T, text(""), (struct bytes){ 0 });
    CHECK_INT(ERR_OK, set_builder_finish(&builder, &out, NULL));
    batch = decoded(buffer_bytes(&out));
    records_begin(&it, &batch);
    CHECK(records_next(&it, &record));
    CHECK(!record.key.data && record.value.data && !record.value.size);
    CHECK(records_next(&it, &record));
    CHECK(record.key.data && !record.key.size && !record.value.data);
    records_done(&it);
    set_builder_done(&builder);
    buffer_done(&out);
}

TEST(a_wrapper_at_0_leaves_relative_offsets_as_they_are)
{
    struct buffer set = set_of(1, CODEC_SNAPPY, 0, 5); /* as some versions of librdkafka produce them */

    batch_set_offset(set.data, 0, 9);
    check_set(buffer_bytes(&set), 0, 5, T, 1);
    batch_set_offset(set.data, 104, 9);
    check_set(buffer_bytes(&set), 100, 5, T, 1);
    CHECK_INT(1, set.data[16]);                        /* no epoch was written over the magic's neighbours */
    buffer_done(&set);
}

TEST(a_wrapper_s_append_time_is_every_record_s)
{
    struct buffer set = set_of(1, CODEC_GZIP, 0, 5);

    batch_set_max_timestamp(set.data, true, T + 777);
    check_set(buffer_bytes(&set), 0, 5, T + 777, 0);
    batch_set_max_timestamp(set.data, false, T + 4);
    check_set(buffer_bytes(&set), 0, 5, T, 1);
    buffer_done(&set);
    set = set_of(1, CODEC_NONE, 0, 1);
    batch_set_max_timestamp(set.data, true, T + 777);
    check_set(buffer_bytes(&set), 0, 1, T + 777, 0);
    batch_shift_timestamps(set.data, 3);
    check_set(buffer_bytes(&set), 0, 1, T + 780, 0);
    buffer_done(&set);
    set = set_of(0, CODEC_NONE, 0, 1);
    batch_set_max_timestamp(set.data, true, T + 777);  /* magic 0 knows no time */
    batch_shift_timestamps(set.data, 3);
    check_set(buffer_bytes(&set), 0, 1, -1, 0);
    buffer_done(&set);
}

/* A wrapper of magic 1 and gzip around `inner`. */
static struct buffer wrap(struct bytes inner, int64_t offset)
{
    struct buffer packed = { 0 }, set = { 0 };
    struct set_builder builder;

    CHECK_INT(ERR_OK, codec_compress(CODEC_GZIP, INT32_MIN, inner, &packed, NULL));
    set_builder_init(&builder, 1, CODEC_NONE, false, 0);
    set_builder_add(&builder, offset, T, (struct bytes){ 0 }, buffer_bytes(&packed));
    CHECK_INT(ERR_OK, set_builder_finish(&builder, &set, NULL));
    set.data[17] = CODEC_GZIP;
    batch_shift_timestamps(set.data, 1);               /* for the CRC */
    set_builder_done(&builder);
    buffer_done(&packed);
    return set;
}

TEST(wrappers_without_sense_are_refused)
{
    struct buffer inner = set_of(1, CODEC_NONE, 0, 3), nested = set_of(1, CODEC_GZIP, 0, 3);
    struct buffer set = wrap(buffer_bytes(&inner), 1);

    check_walk(buffer_bytes(&set), ERR_INVALID_RECORD, "Found invalid wrapper offset in compressed v1 message set, wrapper "
               "offset '1' is less than the last inner message offset '2' and it is not zero.");
    buffer_done(&set);
    set = wrap(buffer_bytes(&nested), 2);
    check_walk(buffer_bytes(&set), ERR_INVALID_RECORD, "Inner messages must not be compressed");
    buffer_done(&set);
    set = wrap((struct bytes){ inner.data, 20 }, 2);
    check_walk(buffer_bytes(&set), ERR_INVALID_RECORD, "Found invalid compressed record set with no inner records");
    buffer_done(&set);
    put_u32(inner.data + 8, 13);
    set = wrap(buffer_bytes(&inner), 2);
    check_walk(buffer_bytes(&set), ERR_CORRUPT_MESSAGE, "Record size is less than the minimum record overhead (14)");
    buffer_done(&set);
    put_u32(inner.data + 8, 26);
    put_u32(inner.data + 26, 1000);                    /* the key's length */
    set = wrap(buffer_bytes(&inner), 2);
    check_walk(buffer_bytes(&set), ERR_CORRUPT_MESSAGE, "A message of 38 bytes with a key or value that does not fit");
    set.data[17] = CODEC_ZSTD;
    check_walk(buffer_bytes(&set), ERR_INVALID_RECORD,
               "Invalid wrapper compressionType found in legacy deep record iterator 1");
    buffer_done(&set);
    buffer_done(&inner);
    buffer_done(&nested);
    set = set_of(1, CODEC_NONE, 0, 1);
    set.data[17] = CODEC_GZIP;
    put_u32(set.data + 32, UINT32_MAX);                /* the value's length */
    check_walk(buffer_bytes(&set), ERR_INVALID_RECORD, "Found invalid compressed record set with null value (magic = 1)");
    buffer_done(&set);
}

TEST(a_set_cut_short_inside_its_wrapper_gives_what_is_whole)
{
    struct buffer inner = set_of(1, CODEC_NONE, 0, 3);
    struct buffer set = wrap((struct bytes){ inner.data, inner.size - 1 }, 1);

    check_set(buffer_bytes(&set), 0, 2, T, 1);
    buffer_done(&set);
    buffer_done(&inner);
}

/* ---- for old consumers ---- */
static void add_batch(struct buffer *out, int codec, int64_t first, int count, int attributes)
{
    static const struct header header = { { (const uint8_t *)"h", 1 }, { 0 } };
    struct batch_builder builder = { 0 };
    struct bytes made;

    batch_builder_init(&builder, codec);
    builder.base_offset = first;
    builder.attributes = (int16_t)attributes;
    for (int i = 0; i < count; i++) {
        char key[8] = { 'k', (char)('0' + i % 10) }, value[8] = { 'v', (char)('0' + i % 10) };

        batch_builder_add(&builder, T + i, text(key), text(value), &header, 1);
    }
    if (attributes & ATTRIBUTE_LOG_APPEND_TIME)
        builder.max_timestamp_ms = T + 555;
    CHECK_INT(ERR_OK, batch_builder_finish(&builder, &made, NULL));
    buffer_put(out, made.data, made.size);
    batch_builder_done(&builder);
}

TEST(batches_become_sets_for_old_consumers)
{
    for (int8_t magic = 0; magic < 2; magic++)
        for (int codec = 0; codec < CODEC_ZSTD; codec++) {
            struct buffer batch = { 0 }, out = { 0 }, expected = set_of(magic, codec, 50, 10);

            add_batch(&batch, codec, 50, 10, 0);
            CHECK_INT(ERR_OK, records_down_convert(buffer_bytes(&batch), magic, 50, &out, NULL));
            check_set(buffer_bytes(&out), 50, 10, magic ? T : -1, magic);
            CHECK(bytes_equal(buffer_bytes(&expected), buffer_bytes(&out)));
            buffer_done(&batch);
            buffer_done(&out);
            buffer_done(&expected);
        }
}

TEST(only_uncompressed_records_below_the_offset_are_dropped)
{
    struct buffer batch = { 0 }, out = { 0 };

    add_batch(&batch, CODEC_NONE, 0, 10, 0);
    CHECK_INT(ERR_OK, records_down_convert(buffer_bytes(&batch), 1, 7, &out, NULL));
    CHECK_INT(3 * 38, out.size);
    CHECK_INT(7, get_i64(out.data));
    buffer_clear(&batch);
    buffer_clear(&out);
    add_batch(&batch, CODEC_GZIP, 0, 10, 0);
    CHECK_INT(ERR_OK, records_down_convert(buffer_bytes(&batch), 1, 7, &out, NULL));
    check_set(buffer_bytes(&out), 0, 10, T, 1);
    buffer_done(&batch);
    buffer_done(&out);
}

TEST(control_batches_are_dropped_and_old_messages_stay)
{
    struct buffer records = set_of(1, CODEC_NONE, 0, 2), out = { 0 };

    add_batch(&records, CODEC_NONE, 2, 1, ATTRIBUTE_CONTROL);
    add_batch(&records, CODEC_NONE, 3, 10, ATTRIBUTE_LOG_APPEND_TIME);
    records.size--;                                    /* a read may end inside a batch */
    CHECK_INT(ERR_OK, records_down_convert(buffer_bytes(&records), 1, 0, &out, NULL));
    check_set(buffer_bytes(&out), 0, 2, T, 1);
    records.size++;
    buffer_clear(&out);
    CHECK_INT(ERR_OK, records_down_convert(buffer_bytes(&records), 1, 3, &out, NULL));
    CHECK_INT(2 * 38 + 10 * 38, out.size);             /* what needn't be converted isn't looked into */
    check_set((struct bytes){ out.data + 76, out.size - 76 }, 3, 10, T + 555, 0);
    buffer_clear(&out);
    CHECK_INT(ERR_OK, records_down_convert((struct bytes){ records.data, 76 }, 0, 0, &out, NULL));
    check_set(buffer_bytes(&out), 0, 2, -1, 0);
    buffer_done(&records);
    buffer_done(&out);
}

TEST(zstd_is_not_for_old_consumers)
{
    struct buffer records = { 0 }, out = { 0 };
    struct reason reason;

    buffer_put(&out, "kept", 4);
    add_batch(&records, CODEC_NONE, 0, 1, 0);
    add_batch(&records, CODEC_ZSTD, 1, 1, 0);
    CHECK_INT(ERR_UNSUPPORTED_COMPRESSION_TYPE, records_down_convert(buffer_bytes(&records), 1, 0, &out, &reason));
    CHECK_TEXT("Down-conversion of zstandard-compressed batches is not supported", reason.text);
    CHECK_INT(4, out.size);
    buffer_done(&records);
    buffer_done(&out);
}

TEST(broken_sets_do_no_harm)
{
    for (int codec = 0; codec < CODEC_ZSTD; codec++)
        for (int8_t magic = 0; magic < 2; magic++) {
            struct buffer set = set_of(magic, codec, 10, 4);

            for (size_t bit = 0; bit < set.size * 8; bit++) {
                uint8_t *exact = malloc(set.size);
                struct buffer out = { 0 };

                memcpy(exact, set.data, set.size);
                exact[bit / 8] ^= (uint8_t)(1 << bit % 8);
                records_down_convert((struct bytes){ exact, set.size }, 0, 0, &out, NULL);
                records_down_convert((struct bytes){ exact, set.size - bit % set.size }, 0, 0, &out, NULL);
                buffer_done(&out);
                free(exact);
            }
            buffer_done(&set);
        }
}
