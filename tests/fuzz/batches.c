/* Record batches and message sets: decode, walk, validate, convert down. */
#include "sim/log/batch.h"

#include "tests/fuzz/fuzz.h"

static void walk(struct bytes bytes)
{
    for (int i = 0; i < 64 && bytes.size; i++) {
        struct batch batch;
        struct record_iterator it;
        struct record record;
        struct reason reason;
        size_t need;

        if (batch_decode(bytes, &batch, &need, &reason))
            return;
        HOLDS(batch.size_bytes > 0 && (size_t)batch.size_bytes <= bytes.size);
        batch_crc_right(&batch);
        batch_last_sequence(&batch);
        records_begin(&it, &batch);
        while (records_next(&it, &record))
            HOLDS(record.header_count >= 0);
        records_done(&it);
        bytes = (struct bytes){ bytes.data + batch.size_bytes, bytes.size - (size_t)batch.size_bytes };
    }
}

/* So that what lies behind the checksum is reached. */
static void make_checksums_right(uint8_t *data, size_t size)
{
    for (size_t at = 0; size - at >= BATCH_HEADER && data[at + 16] == 2;) {
        int32_t length = get_i32(data + at + 8);

        if (length < BATCH_HEADER - BATCH_OVERHEAD || (size_t)length > size - at - BATCH_OVERHEAD)
            return;
        put_u32(data + at + 17, crc32c(data + at + 21, (size_t)length + BATCH_OVERHEAD - 21));
        at += (size_t)length + BATCH_OVERHEAD;
    }
}

static void run(struct bytes input)
{
    struct reader reader = reader_of(input);
    uint8_t mode = (uint8_t)reader_i8(&reader), codec = (uint8_t)reader_i8(&reader);
    size_t size = reader_left(&reader);
    uint8_t *copy = mem_alloc(size + 1);
    struct bytes bytes = { copy, size };
    struct buffer out = { 0 };
    struct reason reason;
    struct validate validate = {
        .target_codec = codec % 6 == 5 ? CODEC_PRODUCER : codec % 6, .level = INT32_MIN, .target_magic = 2, .log_append_time = mode & 1, .compacted = mode & 2,
        .is_27 = mode & 4, .from_client = !(mode & 8), .now_ms = 1600000000000, .timestamp_before_max_ms = INT64_MAX, .timestamp_after_max_ms = mode & 16 ? 1000 : INT64_MAX,
        .first_offset = mode & 32 ? INT64_C(1) << 40 : 5, .leader_epoch = 3, .max_message_bytes = 0, .produce_version = (int16_t)(codec / 6 % 14), .topic_partition = "students-0",
    };

    memcpy(copy, reader.at, size);
    if (mode & 128)
        make_checksums_right(copy, size);
    walk(bytes);
    if (mode & 64 && mode & 4)
        validate.target_magic = (int8_t)(codec & 1);
    if (!records_validate(bytes, &validate, &reason))
        walk(buffer_bytes(&validate.out));
    buffer_done(&validate.out);
    if (!records_down_convert(bytes, (int8_t)(mode & 1), 0, &out, &reason))
        walk(buffer_bytes(&out));
    buffer_clear(&out);
    codec_decompress(codec % CODECS, bytes, 1 << 20, &out, &reason);
    HOLDS(out.size <= 1 << 20);
    buffer_done(&out);
    mem_free(copy);
}

struct giving { seed_fn *give; void *context; uint8_t mode; };
static void give_file(void *context, const char *path, struct bytes bytes)
{
    struct giving *giving = context;
    struct buffer seed = { 0 };

    if (!text_ends(path, ".log") || !bytes.size || bytes.size > 8192)
        return;
    giving->mode = (uint8_t)(giving->mode * 5 + 3);
    buffer_i8(&seed, (int8_t)(giving->mode | 128));
    buffer_i8(&seed, (int8_t)(giving->mode % 30));
    buffer_put(&seed, bytes.data, bytes.size);
    giving->give(giving->context, buffer_bytes(&seed));
    seed.data[0] &= 127;
    seed.data[1] = 5 + 6 * 8;
    giving->give(giving->context, buffer_bytes(&seed));
    buffer_done(&seed);
}

static void seeds(seed_fn *give, void *context)
{
    golden_each("segments", give_file, &(struct giving){ give, context, 0 });
}
const struct target target_batches = { "batches", run, seeds };
