/* Batches of magic 2: the golden bytes, every segment that real brokers left, building, rewriting, and broken input. */
#include "sim/log/batch.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/harness.h"

static const char golden[] =
    "0000000000000000 00000055 00000000 02 8162e14f 0000 00000002 0000018bcfe56800 0000018bcfe56805"
    "ffffffffffffffff ffff ffffffff 00000003"
    "14 00 00 00 04 6b31 04 7631 00  10 00 0a 02 04 6b32 01 00  1e 00 04 04 01 04 7633 04 02 68 02 01 02 6e 01";
enum { GOLDEN_SIZE = 97 };
static const int64_t T = 1700000000000;

static struct bytes text(const char *chars)
{
    return bytes_text(chars);
}

/* The golden example's three records, in any codec. */
static struct bytes build_golden(struct batch_builder *builder, int codec)
{
    static const uint8_t one[] = { 1 };
    struct header headers[] = { { text("h"), { one, 1 } }, { text("n"), { 0 } } };
    struct bytes out;

    batch_builder_init(builder, codec);
    builder->leader_epoch = 0;
    batch_builder_add(builder, T, text("k1"), text("v1"), NULL, 0);
    batch_builder_add(builder, T + 5, text("k2"), (struct bytes){ 0 }, NULL, 0);
    batch_builder_add(builder, T + 2, (struct bytes){ 0 }, text("v3"), headers, 2);
    CHECK_INT(ERR_OK, batch_builder_finish(builder, &out, NULL));
    return out;
}

static struct batch decoded(struct bytes bytes)
{
    struct batch batch;
    struct reason reason = { "" };

    if (batch_decode(bytes, &batch, NULL, &reason))
        CHECK_TEXT("", reason.text);
    return batch;
}

static void check_bytes(const char *expected, struct bytes actual)
{
    CHECK(bytes_equal(bytes_text(expected), actual));
}

static void check_golden_records(const struct batch *batch, int64_t base_offset)
{
    struct record_iterator it;
    struct record record;

    records_begin(&it, batch);
    CHECK(records_next(&it, &record));
    CHECK_INT(base_offset, record.offset);
    CHECK_INT(T, record.timestamp_ms);
    CHECK_INT(-1, record.sequence);
    CHECK_INT(11, record.size_bytes);
    check_bytes("k1", record.key);
    check_bytes("v1", record.value);
    CHECK_INT(0, record.header_count);
    CHECK(records_next(&it, &record));
    CHECK_INT(T + 5, record.timestamp_ms);
    check_bytes("k2", record.key);
    check_bytes(NULL, record.value);
    CHECK(records_next(&it, &record));
    CHECK_INT(base_offset + 2, record.offset);
    CHECK_INT(T + 2, record.timestamp_ms);
    check_bytes(NULL, record.key);
    check_bytes("v3", record.value);
    CHECK_INT(2, record.header_count);
    check_bytes("h", record.headers[0].key);
    check_bytes("\1", record.headers[0].value);
    check_bytes("n", record.headers[1].key);
    check_bytes(NULL, record.headers[1].value);
    CHECK(!records_next(&it, &record));
    CHECK_INT(ERR_OK, it.err);
    records_done(&it);
}

TEST(the_golden_batch_is_built_byte_for_byte)
{
    struct batch_builder builder = { 0 };
    struct bytes made = build_golden(&builder, CODEC_NONE);

    CHECK_HEX(golden, made.data, made.size);
    batch_builder_init(&builder, CODEC_NONE);
    CHECK_INT(BATCH_HEADER + 11, batch_builder_size_with(&builder, text("k1"), text("v1"), NULL, 0));
    made = build_golden(&builder, CODEC_NONE);          /* used again */
    CHECK_HEX(golden, made.data, made.size);
    batch_builder_done(&builder);
}

TEST(the_size_with_one_more_is_the_size_after_it)
{
    struct batch_builder builder = { 0 };
    struct header header = { text("name"), text("value") };
    struct bytes made;

    batch_builder_init(&builder, CODEC_NONE);
    for (int i = 0; i < 200; i++) {
        size_t size = batch_builder_size_with_timestamp(&builder, T + i * 100, text("k"), text("value"), &header, i % 2);

        batch_builder_add(&builder, T + i * 100, text("k"), text("value"), &header, i % 2);
        CHECK_INT(ERR_OK, batch_builder_finish(&builder, &made, NULL));
        CHECK_INT(size, made.size);
    }
    batch_builder_done(&builder);
}

TEST(a_batch_is_decoded)
{
    struct batch_builder builder = { 0 };
    struct bytes made = build_golden(&builder, CODEC_NONE);
    struct batch batch = decoded(made);

    CHECK_INT(0, batch.base_offset);
    CHECK_INT(2, batch.last_offset);
    CHECK_INT(GOLDEN_SIZE, batch.size_bytes);
    CHECK_INT(2, batch.magic);
    CHECK_INT(0x8162e14f, batch.crc);
    CHECK_INT(0, batch.leader_epoch);
    CHECK_INT(T, batch.base_timestamp_ms);
    CHECK_INT(T + 5, batch.max_timestamp_ms);
    CHECK_INT(-1, batch.producer_id);
    CHECK_INT(-1, batch.producer_epoch);
    CHECK_INT(-1, batch_last_sequence(&batch));
    CHECK_INT(3, batch.record_count);
    CHECK(batch_crc_right(&batch));
    CHECK(!batch_control(&batch) && !batch_transactional(&batch) && !batch_log_append_time(&batch));
    check_golden_records(&batch, 0);
    batch_builder_done(&builder);
}

TEST(every_codec_carries_the_same_records)
{
    for (int codec = 0; codec < CODECS; codec++) {
        struct batch_builder builder = { 0 };
        struct batch batch = decoded(build_golden(&builder, codec));

        CHECK_INT(codec, batch_codec(&batch));
        CHECK(batch_crc_right(&batch));
        check_golden_records(&batch, 0);
        batch_builder_done(&builder);
    }
}

TEST(sequences_wrap_to_zero)
{
    struct batch batch = { .base_offset = 10, .last_offset = 12, .base_sequence = 7 };

    CHECK_INT(9, batch_last_sequence(&batch));
    batch.base_sequence = INT32_MAX - 1;
    CHECK_INT(0, batch_last_sequence(&batch));
    batch.base_sequence = INT32_MAX;
    CHECK_INT(1, batch_last_sequence(&batch));
}

TEST(producer_fields_and_gaps_are_built)
{
    struct batch_builder builder = { 0 };
    struct record_iterator it;
    struct record record;
    struct bytes made;
    struct batch batch;

    batch_builder_init(&builder, CODEC_LZ4);
    builder.base_offset = 100;
    builder.producer_id = 7;
    builder.producer_epoch = 3;
    builder.base_sequence = INT32_MAX;
    builder.attributes = ATTRIBUTE_TRANSACTIONAL;
    batch_builder_add_at(&builder, 101, T, text("a"), text("1"), NULL, 0);
    batch_builder_add_at(&builder, 105, T - 10, text("b"), text("2"), NULL, 0);
    CHECK_INT(ERR_OK, batch_builder_finish(&builder, &made, NULL));
    batch = decoded(made);
    CHECK_INT(100, batch.base_offset);
    CHECK_INT(105, batch.last_offset);
    CHECK_INT(2, batch.record_count);
    CHECK_INT(7, batch.producer_id);
    CHECK_INT(3, batch.producer_epoch);
    CHECK(batch_transactional(&batch));
    CHECK_INT(T, batch.max_timestamp_ms);
    records_begin(&it, &batch);
    CHECK(records_next(&it, &record));
    CHECK_INT(101, record.offset);
    CHECK_INT(0, record.sequence);
    CHECK(records_next(&it, &record));
    CHECK_INT(105, record.offset);
    CHECK_INT(T - 10, record.timestamp_ms);
    CHECK_INT(4, record.sequence);
    records_done(&it);
    batch_builder_done(&builder);
}

TEST(an_empty_batch_is_a_header)
{
    struct batch_builder builder = { 0 };
    struct bytes made;
    struct batch batch;
    struct record_iterator it;
    struct record record;

    batch_builder_init(&builder, CODEC_NONE);
    builder.base_offset = 5;
    builder.last_delta = 3;
    CHECK_INT(ERR_OK, batch_builder_finish(&builder, &made, NULL));
    CHECK_INT(BATCH_HEADER, made.size);
    batch = decoded(made);
    CHECK_INT(8, batch.last_offset);
    CHECK(batch_crc_right(&batch));
    records_begin(&it, &batch);
    CHECK(!records_next(&it, &record));
    CHECK_INT(ERR_OK, it.err);
    records_done(&it);
    batch_builder_done(&builder);
}

TEST(offset_and_epoch_are_outside_the_crc)
{
    struct batch_builder builder = { 0 };
    struct bytes made = build_golden(&builder, CODEC_ZSTD);
    struct batch batch;

    batch_set_offset((uint8_t *)made.data, 1234567890123, 42);
    batch = decoded(made);
    CHECK_INT(1234567890123, batch.base_offset);
    CHECK_INT(42, batch.leader_epoch);
    CHECK(batch_crc_right(&batch));
    check_golden_records(&batch, 1234567890123);
    batch_builder_done(&builder);
}

TEST(log_append_time_covers_every_record)
{
    struct batch_builder builder = { 0 };
    struct bytes made = build_golden(&builder, CODEC_NONE);
    struct batch batch;
    struct record_iterator it;
    struct record record;

    batch_set_max_timestamp((uint8_t *)made.data, false, T + 5);
    CHECK_HEX(golden, made.data, made.size);            /* nothing to change, nothing changed */
    batch_set_max_timestamp((uint8_t *)made.data, true, T + 1000);
    batch = decoded(made);
    CHECK(batch_log_append_time(&batch) && batch_crc_right(&batch));
    CHECK_INT(T, batch.base_timestamp_ms);
    records_begin(&it, &batch);
    while (records_next(&it, &record))
        CHECK_INT(T + 1000, record.timestamp_ms);
    records_done(&it);
    batch_set_max_timestamp((uint8_t *)made.data, false, T + 5);
    CHECK_HEX(golden, made.data, made.size);
    batch_builder_done(&builder);
}

TEST(shifting_moves_all_timestamps_but_none)
{
    struct batch_builder builder = { 0 };
    struct bytes made = build_golden(&builder, CODEC_GZIP);
    struct batch batch;

    batch_shift_timestamps((uint8_t *)made.data, -60000);
    batch = decoded(made);
    CHECK_INT(T - 60000, batch.base_timestamp_ms);
    CHECK_INT(T + 5 - 60000, batch.max_timestamp_ms);
    CHECK(batch_crc_right(&batch));
    batch_builder_init(&builder, CODEC_NONE);
    batch_builder_add(&builder, -1, text("k"), text("v"), NULL, 0);
    CHECK_INT(ERR_OK, batch_builder_finish(&builder, &made, NULL));
    batch_shift_timestamps((uint8_t *)made.data, 60000);
    batch = decoded(made);
    CHECK_INT(-1, batch.base_timestamp_ms);
    CHECK_INT(-1, batch.max_timestamp_ms);
    batch_builder_done(&builder);
}

TEST(fewer_bytes_say_how_many_are_needed)
{
    struct batch_builder builder = { 0 };
    struct bytes made = build_golden(&builder, CODEC_NONE);
    struct batch batch;
    size_t need;

    for (size_t size = 0; size < made.size; size++) {
        CHECK_INT(ERR_OFFSET_OUT_OF_RANGE, batch_decode((struct bytes){ made.data, size }, &batch, &need, NULL));
        CHECK_INT(size < BATCH_OVERHEAD ? 17 : GOLDEN_SIZE, need);
        CHECK_INT(size < BATCH_HEADER ? ERR_OFFSET_OUT_OF_RANGE : ERR_OK,
                  batch_decode_header((struct bytes){ made.data, size }, &batch, NULL));
    }
    CHECK_INT(GOLDEN_SIZE, batch.size_bytes);
    CHECK_INT(3, batch.record_count);
    CHECK(!batch_crc_right(&batch));                    /* not all there */
    batch_builder_done(&builder);
}

TEST(headers_without_sense_are_corrupt)
{
    static const struct {
        size_t at;
        uint8_t byte;
        const char *reason;
    } rows[] = {
        { 8, 0x80, "Record size -2147483563 is less than the minimum record overhead (14)" },
        { 8, 0x7f, "Record size 2130706517 exceeds the largest allowable message size (104857588)." },
        { 11, 13, "Record size 13 is less than the minimum record overhead (14)" },
        { 11, 48, "Record batch is corrupt (the size 60 is smaller than the minimum allowed overhead 61)" },
        { 16, 3, "Invalid magic found in record: 3" },
        { 16, 0xff, "Invalid magic found in record: -1" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct batch_builder builder = { 0 };
        struct bytes made = build_golden(&builder, CODEC_NONE);
        struct reason reason;
        struct batch batch;

        ((uint8_t *)made.data)[rows[i].at] = rows[i].byte;
        CHECK_INT(ERR_CORRUPT_MESSAGE, batch_decode(made, &batch, NULL, &reason));
        CHECK_TEXT(rows[i].reason, reason.text);
        CHECK_INT(ERR_CORRUPT_MESSAGE, batch_decode_header(made, &batch, NULL));
        batch_builder_done(&builder);
    }
}

TEST(records_without_sense_end_the_walk)
{
    static const struct {
        size_t at;
        uint8_t byte;
        const char *reason;
    } rows[] = {
        { 61, 0x13, "Invalid record size: expected to read -10 bytes in record payload, but instead read 10" },
        { 61, 0x7e, "Invalid record size: expected 63 bytes in record payload, but instead the buffer has only 35 remaining bytes." },
        { 61, 0x16, "Invalid record size: expected to read 11 bytes in record payload, but instead read 10" },
        { 65, 0x7e, "Found invalid record structure" },
        { 71, 0x01, "Found invalid number of record headers -1" },
        { 71, 0x7e, "Found invalid number of record headers. 63 is larger than the remaining size of the buffer" },
        { 90, 0x01, "Invalid negative header key size -1" },
        { 60, 4, "Incorrect declared batch size, premature EOF reached" },
        { 60, 2, "Incorrect declared batch size, records still remaining in file" },
        { 57, 0x80, "Found invalid record count -2147483645 in magic v2 batch" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct batch_builder builder = { 0 };
        struct bytes made = build_golden(&builder, CODEC_NONE);
        struct record_iterator it;
        struct record record;
        struct batch batch;

        ((uint8_t *)made.data)[rows[i].at] = rows[i].byte;
        batch = decoded(made);
        CHECK(!batch_crc_right(&batch));
        records_begin(&it, &batch);
        while (records_next(&it, &record))
            ;
        CHECK_INT(ERR_INVALID_RECORD, it.err);
        CHECK_TEXT(rows[i].reason, it.reason.text);
        records_done(&it);
        batch_builder_done(&builder);
    }
}

/* ---- what real brokers wrote, against what kafka-dump-log says of it ---- */
struct dump {
    const char *folder;                 /* below tests/golden/segments */
    char file[300];
    uint8_t *data;
    size_t size;
    struct batch batch;
    struct record_iterator it;
    bool walking;
    int batches, records;
};

/* The number after the first of `names` that is in the line. */
static int64_t number(const char *line, const char *names[])
{
    for (; *names; names++) {
        const char *at = strstr(line, *names);

        if (at)
            return strtoll(at + strlen(*names), NULL, 10);
    }
    fail_msg("no %s in %s", names[-1], line);
    return 0;
}
#define NUMBER(line, ...) number(line, (const char *[]){ __VA_ARGS__, NULL })

static void end_walk(struct dump *dump)
{
    struct record record;

    if (dump->walking) {
        CHECK(!records_next(&dump->it, &record));
        CHECK_INT(ERR_OK, dump->it.err);
        records_done(&dump->it);
    }
    dump->walking = false;
}

static void end_file(struct dump *dump)
{
    end_walk(dump);
    free(dump->data);
    dump->data = NULL;
}

/* "Dumping /tmp/kafka-logs/plain-0/00000000000000000000.log" */
static void open_file(struct dump *dump, const char *line)
{
    const char *name = strrchr(line, '/'), *ext = strrchr(line, '.');
    const char *folder = name;

    end_file(dump);
    if (!ext || (strcmp(ext, ".log") && strcmp(ext, ".checkpoint")))
        return;
    while (folder[-1] != '/')
        folder--;
    snprintf(dump->file, sizeof(dump->file), "segments/%s/%s", dump->folder, folder);
    dump->data = golden_read(dump->file, &dump->size);
}

static void check_codec(const struct batch *batch, const char *line)
{
    const char *at = strstr(line, "compresscodec: ") + strlen("compresscodec: ");
    char name[16];
    int codec;

    snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, " "), at);
    CHECK(codec_parse(name, &codec));
    CHECK_INT(codec, batch_codec(batch));
}

static void check_dumped_batch(struct dump *dump, const char *line)
{
    struct batch *batch = &dump->batch;
    size_t position = (size_t)NUMBER(line, "position: ");
    size_t need;

    end_walk(dump);
    CHECK(position < dump->size);
    CHECK_INT(ERR_OK, batch_decode((struct bytes){ dump->data + position, dump->size - position }, batch, &need, NULL));
    CHECK_INT(NUMBER(line, "baseOffset: ", "offset: "), batch->base_offset);
    CHECK_INT(NUMBER(line, "Time: ", "NoTimestampType: "), batch->max_timestamp_ms);
    CHECK_INT(strstr(line, " LogAppendTime: ") != NULL, batch_log_append_time(batch));
    CHECK_INT(NUMBER(line, " size: "), batch->size_bytes);
    CHECK_INT(NUMBER(line, " size: "), need);
    CHECK_INT(NUMBER(line, "magic: "), batch->magic);
    CHECK_INT(NUMBER(line, "crc: "), batch->crc);
    CHECK_INT(strstr(line, "isvalid: true") != NULL, batch_crc_right(batch));
    check_codec(batch, line);
    if (batch->magic == 2) {
        CHECK_INT(NUMBER(line, "lastOffset: "), batch->last_offset);
        CHECK_INT(NUMBER(line, "count: "), batch->record_count);
        CHECK_INT(NUMBER(line, "baseSequence: "), batch->base_sequence);
        CHECK_INT(NUMBER(line, "lastSequence: "), batch_last_sequence(batch));
        CHECK_INT(NUMBER(line, "producerId: "), batch->producer_id);
        CHECK_INT(NUMBER(line, "producerEpoch: "), batch->producer_epoch);
        CHECK_INT(NUMBER(line, "partitionLeaderEpoch: "), batch->leader_epoch);
        CHECK_INT(strstr(line, "isTransactional: true") != NULL, batch_transactional(batch));
        CHECK_INT(strstr(line, "isControl: true") != NULL, batch_control(batch));
    }
    dump->batches++;
}

/* The text after `name`, up to `end` or the end of the line. */
static void check_dumped_text(const char *line, const char *name, const char *end, struct bytes bytes)
{
    const char *at = strstr(line, name), *stop;

    if (!at)
        return;
    at += strlen(name);
    stop = end ? strstr(at, end) : NULL;
    if (*at == '{' || *at == '[')       /* told in words there */
        return;
    CHECK(bytes_equal(bytes, (struct bytes){ (const uint8_t *)at, stop ? (size_t)(stop - at) : strlen(at) }));
}

static void check_dumped_record(struct dump *dump, const char *line)
{
    struct record record;

    if (!dump->walking)
        records_begin(&dump->it, &dump->batch);
    dump->walking = true;
    if (!records_next(&dump->it, &record))
        fail_msg("%s: %s at %s", dump->file, dump->it.reason.text, line);
    CHECK_INT(NUMBER(line, "offset: "), record.offset);
    CHECK_INT(NUMBER(line, "Time: ", "NoTimestampType: "), record.timestamp_ms);
    CHECK_INT(NUMBER(line, "keysize: ", "keySize: "), record.key.data ? (int64_t)record.key.size : -1);
    CHECK_INT(NUMBER(line, "valuesize: ", "valueSize: "), record.value.data ? (int64_t)record.value.size : -1);
    if (dump->batch.magic == 2)
        CHECK_INT(NUMBER(line, "sequence: "), record.sequence);
    if (!strstr(dump->folder, "metadata") && !strstr(dump->folder, "consumer-offsets") && !strstr(dump->folder, "state")) {
        check_dumped_text(line, " key: ", " payload: ", record.key);
        check_dumped_text(line, " payload: ", NULL, record.value);
    }
    dump->records++;
}

static void check_folder(struct dump *dump)
{
    char path[300];
    size_t size;
    char *text;

    snprintf(path, sizeof(path), "segments/%s/dump.txt", dump->folder);
    text = (char *)golden_read(path, &size);
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        if (!strncmp(line, "Dumping ", 8))
            open_file(dump, line);
        else if (!strncmp(line, "[exit", 5))
            end_file(dump);
        else if (dump->data && (!strncmp(line, "baseOffset: ", 12) || (!strncmp(line, "offset: ", 8) && strstr(line, " magic: "))))
            check_dumped_batch(dump, line);
        else if (dump->data && !strncmp(line, "| offset: ", 10))
            check_dumped_record(dump, line);
    }
    end_file(dump);
    free(text);
}

TEST(every_golden_segment_reads_as_kafka_dump_log_says)
{
    DIR *dir = opendir("tests/golden/segments");
    struct dump dump = { 0 };
    struct dirent *entry;
    int folders = 0;

    CHECK(dir != NULL);
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.' && !strstr(entry->d_name, "data-folder-root")) {
            dump.folder = entry->d_name;
            check_folder(&dump);
            folders++;
        }
    closedir(dir);
    CHECK_INT(34, folders);
    CHECK(dump.batches > 300);
    CHECK(dump.records > 150);
}

/* The same records given to the builder make the same bytes: what 2.7 and 4.3 wrote is what we write. */
static void rebuild_batch(struct dump *dump, size_t position, int *same)
{
    struct batch_builder builder = { 0 };
    struct record_iterator it;
    struct record record;
    struct bytes made;
    struct batch batch = decoded((struct bytes){ dump->data + position, dump->size - position });

    if (batch.magic < 2)
        return;
    batch_builder_init(&builder, batch_codec(&batch));
    builder.attributes = batch.attributes;
    builder.base_offset = batch.base_offset;
    builder.leader_epoch = batch.leader_epoch;
    builder.producer_id = batch.producer_id;
    builder.producer_epoch = batch.producer_epoch;
    builder.base_sequence = batch.base_sequence;
    records_begin(&it, &batch);
    while (records_next(&it, &record))
        batch_builder_add_at(&builder, record.offset, record.timestamp_ms, record.key, record.value, record.headers,
                             record.header_count);
    builder.max_timestamp_ms = batch.max_timestamp_ms;
    builder.last_delta = (int32_t)(batch.last_offset - batch.base_offset);
    CHECK_INT(ERR_OK, batch_builder_finish(&builder, &made, NULL));
    /* a codec's bytes are its library's affair; LogAppendTime hides the stamps; a deletion horizon is no timestamp */
    if (!batch_codec(&batch) && !batch_log_append_time(&batch) && !(batch.attributes & ATTRIBUTE_DELETE_HORIZON) && batch.record_count) {
        CHECK_INT(batch.bytes.size, made.size);
        CHECK(!memcmp(batch.bytes.data, made.data, made.size));
        ++*same;
    }
    records_done(&it);
    batch_builder_done(&builder);
}

TEST(golden_batches_are_built_again_byte_for_byte)
{
    static const char *const files[] = {
        "2.7.0-plain/plain-0", "4.3.0-plain/plain-0", "2.7.0-idempotent/idempotent-0", "4.3.0-idempotent/idempotent-0",
        "2.7.0-keys-headers-nulls/keys-headers-nulls-0", "4.3.0-keys-headers-nulls/keys-headers-nulls-0",
        "2.7.0-transaction-state/__transaction_state-20", "4.3.0-transaction-state/__transaction_state-20",
        "2.7.0-consumer-offsets/__consumer_offsets-28", "4.3.0-consumer-offsets/__consumer_offsets-28",
        "4.3.0-cluster-metadata/__cluster_metadata-0", "4.3.0-gzip/gzip-0", "2.7.0-snappy/snappy-0", "4.3.0-zstd/zstd-0",
    };
    int same = 0;

    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        struct dump dump = { 0 };
        char name[200];

        snprintf(name, sizeof(name), "segments/%s/00000000000000000000.log", files[i]);
        dump.data = golden_read(name, &dump.size);
        for (size_t at = 0; at < dump.size; at += BATCH_OVERHEAD + get_u32(dump.data + at + 8))
            rebuild_batch(&dump, at, &same);
        free(dump.data);
    }
    CHECK(same > 50);
}

/* ---- broken input ---- */
static void read_all(const uint8_t *data, size_t size)
{
    struct bytes left = { data, size };
    struct batch batch;
    size_t need;

    while (left.size && !batch_decode(left, &batch, &need, NULL)) {
        struct record_iterator it;
        struct record record;

        batch_crc_right(&batch);
        batch_last_sequence(&batch);
        records_begin(&it, &batch);
        while (records_next(&it, &record))
            ;
        records_done(&it);
        left.data += batch.size_bytes;
        left.size -= (size_t)batch.size_bytes;
    }
}

TEST(truncated_and_flipped_batches_do_no_harm)
{
    static const char *const files[] = {
        "2.7.0-gzip/gzip-0", "2.7.0-snappy/snappy-0", "2.7.0-lz4/lz4-0", "4.3.0-zstd/zstd-0", "2.7.0-magic-0/magic-0-0",
        "2.7.0-magic-1/magic-1-0", "4.3.0-keys-headers-nulls/keys-headers-nulls-0",
    };

    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        char name[200];
        size_t size;
        uint8_t *data;

        snprintf(name, sizeof(name), "segments/%s/00000000000000000000.log", files[i]);
        data = golden_read(name, &size);
        for (size_t cut = 0; cut <= size; cut++) {
            uint8_t *exact = malloc(cut + !cut);        /* so that a byte too far is seen */

            memcpy(exact, data, cut);
            read_all(exact, cut);
            free(exact);
        }
        for (size_t bit = 0; bit < size * 8; bit++) {
            uint8_t *exact = malloc(size);

            memcpy(exact, data, size);
            exact[bit / 8] ^= (uint8_t)(1 << bit % 8);
            read_all(exact, size);
            free(exact);
        }
        free(data);
    }
}
