/* What a leader checks before it appends, one refusal after the other in the words of 2.7 and 4.3, and what it then stores. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/log/record.h"
#include "tests/harness.h"

static const int64_t T = 1700000000000;

static struct bytes text(const char *chars)
{
    return bytes_text(chars);
}

static struct validate plain_topic(void)
{
    return (struct validate){
        .target_codec = CODEC_PRODUCER, .level = INT32_MIN, .target_magic = 2, .from_client = true, .now_ms = T + 100,
        .timestamp_before_max_ms = INT64_MAX, .timestamp_after_max_ms = 3600000, .first_offset = 100, .leader_epoch = 5,
        .max_message_bytes = 1048588, .produce_version = 9, .topic_partition = "students-0",
    };
}


static void set_crc(uint8_t *batch)
{
    put_u32(batch + 17, crc32c(batch + 21, get_u32(batch + 8) + 12 - 21));
}

/* Three records k1=v1, k2=v2, k3=v3 stamped T, T + 20, T + 10. */
static struct buffer three(int codec)
{
    static const int offsets[] = { 0, 20, 10 };
    struct batch_builder builder = { 0 };
    struct buffer out = { 0 };
    struct bytes made;

    batch_builder_init(&builder, codec);
    for (int i = 0; i < 3; i++) {
        char key[8] = { 'k', (char)('1' + i) }, value[8] = { 'v', (char)('1' + i) };

        batch_builder_add(&builder, T + offsets[i], text(key), text(value), NULL, 0);
    }
    CHECK_INT(ERR_OK, batch_builder_finish(&builder, &made, NULL));
    buffer_put(&out, made.data, made.size);
    batch_builder_done(&builder);
    return out;
}

static struct buffer old_set(int8_t magic, int codec)
{
    struct set_builder builder;
    struct buffer out = { 0 };

    set_builder_init(&builder, magic, codec, false, 0);
    for (int i = 0; i < 3; i++) {
        char key[8] = { 'k', (char)('1' + i) }, value[8] = { 'v', (char)('1' + i) };

        set_builder_add(&builder, i, T + (i == 1) * 20 + (i == 2) * 10, text(key), text(value));
    }
    CHECK_INT(ERR_OK, set_builder_finish(&builder, &out, NULL));
    set_builder_done(&builder);
    return out;
}

/* Takes both over. */
static void check_refused(struct validate v, struct buffer sent, enum err err, const char *expected)
{
    struct reason reason = { "" };
    enum err actual = records_validate(buffer_bytes(&sent), &v, &reason);

    CHECK_TEXT(expected, reason.text);
    CHECK_INT(err, actual);
    CHECK_INT(0, v.out.size);
    buffer_done(&v.out);
    buffer_done(&sent);
}

static struct batch stored(const struct validate *v)
{
    struct batch batch;

    CHECK_INT(ERR_OK, batch_decode(buffer_bytes(&v->out), &batch, NULL, NULL));
    CHECK(batch_crc_right(&batch));
    return batch;
}

/* The three records, from `offset` on. */
static void check_stored(const struct validate *v, int64_t offset, bool log_append_time, bool no_time)
{
    struct bytes left = buffer_bytes(&v->out);
    int seen = 0;

    while (left.size) {
        struct batch batch;
        struct record_iterator it;
        struct record record;

        CHECK_INT(ERR_OK, batch_decode(left, &batch, NULL, NULL));
        CHECK(batch_crc_right(&batch));
        records_begin(&it, &batch);
        for (; records_next(&it, &record); seen++) {
            CHECK_INT(offset + seen, record.offset);
            CHECK_INT(no_time ? -1 : log_append_time ? v->now_ms : T + (seen == 1) * 20 + (seen == 2) * 10, record.timestamp_ms);
            CHECK_INT('1' + seen, record.key.data[1]);
            CHECK_INT('1' + seen, record.value.data[1]);
        }
        CHECK_INT(ERR_OK, it.err);
        records_done(&it);
        left.data += batch.size_bytes;
        left.size -= (size_t)batch.size_bytes;
    }
    CHECK_INT(3, seen);
}

/* Twice: what is stored is the same when it may be prepared in the bytes that came. */
static void accept(struct validate *v, struct bytes sent)
{
    struct reason reason = { "" };
    struct validate again = *v;
    struct buffer own = { 0 };

    if (records_validate(sent, v, &reason))
        CHECK_TEXT("", reason.text);
    CHECK(bytes_equal(buffer_bytes(&v->out), v->stored));
    buffer_put(&own, sent.data, sent.size);
    again.out = (struct buffer){ 0 };
    again.may_change = true;
    CHECK_INT(ERR_OK, records_validate(buffer_bytes(&own), &again, NULL));
    CHECK(bytes_equal(v->stored, again.stored));
    buffer_done(&again.out);
    buffer_done(&own);
}

/* ---- what is stored ---- */
TEST(a_batch_stays_byte_for_byte_but_for_offset_and_epoch)
{
    for (int codec = 0; codec < CODECS; codec++) {
        struct buffer sent = three(codec);
        struct validate v = plain_topic();

        accept(&v, buffer_bytes(&sent));
        CHECK_INT(sent.size, v.out.size);
        CHECK_INT(100, get_i64(v.out.data));
        CHECK_INT(5, get_i32(v.out.data + 12));
        CHECK(!memcmp(sent.data + 16, v.out.data + 16, sent.size - 16));
        CHECK_INT(102, v.last_offset);
        CHECK_INT(3, v.record_count);
        CHECK_INT(T + 20, v.max_timestamp_ms);
        CHECK_INT(102, v.offset_of_max_timestamp);     /* 4.3: the batch's last */
        CHECK(!v.recompressed && !v.converted);
        check_stored(&v, 100, false, false);
        v.is_27 = true;
        buffer_clear(&v.out);
        accept(&v, buffer_bytes(&sent));
        CHECK_INT(codec ? 102 : 101, v.offset_of_max_timestamp); /* 2.7: the record, where it was easy to know */
        buffer_done(&v.out);
        buffer_done(&sent);
    }
}

TEST(a_wrong_max_timestamp_is_put_right)
{
    struct buffer sent = three(CODEC_GZIP);
    struct validate v = plain_topic();

    put_u64(sent.data + 35, (uint64_t)T + 99);
    set_crc(sent.data);
    accept(&v, buffer_bytes(&sent));
    CHECK_INT(T + 20, stored(&v).max_timestamp_ms);
    CHECK_INT(T + 20, v.max_timestamp_ms);
    buffer_done(&v.out);
    buffer_done(&sent);
}

TEST(log_append_time_is_stamped_into_the_header)
{
    for (int codec = 0; codec < 2; codec++) {
        struct buffer sent = three(codec);
        struct validate v = plain_topic();

        v.log_append_time = true;
        v.timestamp_before_max_ms = 0;                 /* not looked at */
        accept(&v, buffer_bytes(&sent));
        CHECK(batch_log_append_time(&(struct batch){ .attributes = stored(&v).attributes }));
        CHECK_INT(T, stored(&v).base_timestamp_ms);
        CHECK_INT(T + 100, v.max_timestamp_ms);
        CHECK_INT(102, v.offset_of_max_timestamp);
        check_stored(&v, 100, true, false);
        buffer_done(&v.out);
        buffer_done(&sent);
    }
}

TEST(another_compression_type_of_the_topic_packs_anew)
{
    for (int from = 0; from < CODECS; from++)
        for (int to = 0; to < CODECS; to++) {
            struct buffer sent = three(from);
            struct validate v = plain_topic();

            put_u64(sent.data + 43, 77);               /* producer id, epoch, sequence */
            put_u16(sent.data + 51, 3);
            put_u32(sent.data + 53, 8);
            sent.data[22] |= ATTRIBUTE_TRANSACTIONAL;
            set_crc(sent.data);
            v.target_codec = to;
            accept(&v, buffer_bytes(&sent));
            CHECK_INT(from != to, v.recompressed);
            CHECK_INT(to, batch_codec(&(struct batch){ .attributes = stored(&v).attributes }));
            CHECK(batch_transactional(&(struct batch){ .attributes = stored(&v).attributes }));
            CHECK_INT(77, stored(&v).producer_id);
            CHECK_INT(3, stored(&v).producer_epoch);
            CHECK_INT(8, stored(&v).base_sequence);
            CHECK_INT(5, stored(&v).leader_epoch);
            CHECK_INT(100, stored(&v).base_offset);
            CHECK_INT(102, v.last_offset);
            CHECK_INT(T + 20, v.max_timestamp_ms);
            CHECK_INT(T + 20, stored(&v).max_timestamp_ms);
            check_stored(&v, 100, false, false);
            buffer_done(&v.out);
            buffer_done(&sent);
        }
}

TEST(what_a_broker_compresses_is_what_brokers_wrote)
{
    static const char *const files[] = {
        "segments/2.7.0-broker-gzip/broker-gzip-0/00000000000000000000.log",
        "segments/4.3.0-broker-gzip/broker-gzip-0/00000000000000000000.log",
    };

    for (int i = 0; i < 2; i++) {
        struct batch_builder builder = { 0 };
        struct validate v = plain_topic();
        struct record_iterator it;
        struct record record;
        struct batch batch;
        struct bytes made;
        size_t size;
        uint8_t *golden = golden_read(files[i], &size);

        CHECK_INT(ERR_OK, batch_decode((struct bytes){ golden, size }, &batch, NULL, NULL));
        batch_builder_init(&builder, CODEC_NONE);
        records_begin(&it, &batch);
        while (records_next(&it, &record))
            batch_builder_add(&builder, record.timestamp_ms, record.key, record.value, record.headers, record.header_count);
        records_done(&it);
        CHECK_INT(ERR_OK, batch_builder_finish(&builder, &made, NULL));
        v.target_codec = CODEC_GZIP;
        v.first_offset = v.leader_epoch = 0;
        v.now_ms = batch.max_timestamp_ms;
        accept(&v, made);
        CHECK_INT(size, v.out.size);
        CHECK(!memcmp(golden, v.out.data, size));
        buffer_done(&v.out);
        batch_builder_done(&builder);
        free(golden);
    }
}

TEST(crooked_offsets_in_a_compressed_batch_are_built_anew)
{
    struct batch_builder builder = { 0 };
    struct validate v = plain_topic();
    struct bytes made;

    batch_builder_init(&builder, CODEC_SNAPPY);
    batch_builder_add_at(&builder, 0, T, text("k1"), text("v1"), NULL, 0);
    batch_builder_add_at(&builder, 7, T + 20, text("k2"), text("v2"), NULL, 0);
    batch_builder_add_at(&builder, 2, T + 10, text("k3"), text("v3"), NULL, 0);
    CHECK_INT(ERR_OK, batch_builder_finish(&builder, &made, NULL));
    for (int r = 0; r < 2; r++) {       /* a batch that was to stay as it is was not read whole: both releases fail then */
        struct reason reason;

        v.is_27 = r;
        CHECK_INT(ERR_UNKNOWN_SERVER_ERROR, records_validate(made, &v, &reason));
        CHECK_TEXT("key is skipped in PartialDefaultRecord", reason.text);
    }
    v.target_codec = CODEC_LZ4;
    accept(&v, made);
    CHECK(v.recompressed);
    check_stored(&v, 100, false, false);
    buffer_done(&v.out);
    batch_builder_done(&builder);
}

TEST(control_records_of_a_coordinator_stay_uncompressed)
{
    struct buffer sent = three(CODEC_NONE);
    struct validate v = plain_topic();

    sent.data[22] |= ATTRIBUTE_CONTROL;
    set_crc(sent.data);
    v.from_client = false;
    v.produce_version = -1;
    v.target_codec = CODEC_ZSTD;
    accept(&v, buffer_bytes(&sent));
    CHECK_INT(0, batch_codec(&(struct batch){ .attributes = stored(&v).attributes }));
    CHECK(!v.recompressed);
    check_stored(&v, 100, false, false);
    buffer_done(&v.out);
    buffer_done(&sent);
}

TEST(old_messages_are_converted_up)
{
    for (int8_t magic = 0; magic < 2; magic++)
        for (int codec = 0; codec < CODEC_ZSTD; codec++) {
            struct buffer sent = old_set(magic, codec);
            struct validate v = plain_topic();

            v.produce_version = magic ? 2 : 1;
            v.is_27 = true;
            accept(&v, buffer_bytes(&sent));
            CHECK(v.converted);
            CHECK_INT(2, stored(&v).magic);
            CHECK_INT(v.out.size, stored(&v).size_bytes); /* one batch */
            CHECK_INT(codec, batch_codec(&(struct batch){ .attributes = stored(&v).attributes }));
            CHECK_INT(-1, stored(&v).producer_id);
            CHECK_INT(5, stored(&v).leader_epoch);
            CHECK_INT(102, v.last_offset);
            CHECK_INT(magic ? T + 20 : -1, v.max_timestamp_ms);
            CHECK_INT(102, v.offset_of_max_timestamp);
            check_stored(&v, 100, false, !magic);
            buffer_done(&v.out);
            buffer_done(&sent);
        }
}

TEST(message_format_version_keeps_messages_old)
{
    for (int8_t to = 0; to < 2; to++)
        for (int8_t from = 0; from < 3; from++)
            for (int codec = 0; codec < CODEC_ZSTD; codec++) {
                struct buffer sent = from == 2 ? three(codec) : old_set(from, codec);
                struct validate v = plain_topic();

                v.produce_version = from == 2 ? 8 : from ? 2 : 1;
                v.is_27 = true;
                v.target_magic = to;
                accept(&v, buffer_bytes(&sent));
                CHECK_INT(from != to, v.converted);
                CHECK_INT(to, stored(&v).magic);
                CHECK_INT(102, v.last_offset);
                CHECK_INT(to && from ? T + 20 : -1, v.max_timestamp_ms);
                check_stored(&v, 100, false, !to || !from);
                if (from && to)
                    CHECK_INT(codec ? 102 : 101, v.offset_of_max_timestamp);
                buffer_done(&v.out);
                buffer_done(&sent);
            }
}

TEST(old_messages_of_a_log_append_time_topic_get_its_time)
{
    for (int codec = 0; codec < 2; codec++) {
        struct buffer sent = old_set(1, codec);
        struct validate v = plain_topic();

        v.produce_version = 2;
        v.is_27 = true;
        v.target_magic = 1;
        v.log_append_time = true;
        accept(&v, buffer_bytes(&sent));
        CHECK_INT(T + 100, v.max_timestamp_ms);
        CHECK_INT(codec ? 102 : 100, v.offset_of_max_timestamp);
        check_stored(&v, 100, true, false);
        buffer_done(&v.out);
        buffer_done(&sent);
    }
}

TEST(nothing_sent_by_an_old_client_is_nothing_written)
{
    struct buffer sent = old_set(1, CODEC_NONE);
    struct validate v = plain_topic();

    v.produce_version = 2;
    accept(&v, (struct bytes){ 0 });
    accept(&v, (struct bytes){ sent.data, 20 });       /* cut short: doesn't count */
    CHECK_INT(0, v.record_count);
    CHECK_INT(99, v.last_offset);
    CHECK_INT(0, v.out.size);
    v.target_magic = 1;
    accept(&v, (struct bytes){ sent.data, sent.size - 1 });
    CHECK_INT(2, v.record_count);                      /* the whole ones do */
    buffer_done(&v.out);
    buffer_done(&sent);
}

/* ---- refusals ---- */
TEST(a_request_has_exactly_one_new_batch)
{
    struct validate v = plain_topic();
    struct buffer two = three(CODEC_NONE), one = three(CODEC_NONE);

    check_refused(v, (struct buffer){ 0 }, ERR_INVALID_RECORD,
                  "Produce requests with version 9 must have at least one record batch per partition");
    check_refused(v, old_set(1, CODEC_NONE), ERR_INVALID_RECORD,
                  "Produce requests with version 9 are only allowed to contain record batches with magic version 2");
    buffer_put(&two, one.data, one.size);
    check_refused(v, two, ERR_INVALID_RECORD,
                  "Produce requests with version 9 are only allowed to contain exactly one record batch per partition");
    v.is_27 = true;
    v.produce_version = 8;
    two = three(CODEC_NONE);
    buffer_put(&two, one.data, one.size);
    check_refused(v, two, ERR_INVALID_RECORD,
                  "Produce requests with version 8 are only allowed to contain exactly one record batch");
    check_refused(v, (struct buffer){ 0 }, ERR_INVALID_RECORD, "Produce requests with version 8 must have at least one record batch");
    one.size--;
    check_refused(v, one, ERR_INVALID_RECORD, "Produce requests with version 8 must have at least one record batch");
}

TEST(zstd_needs_produce_7)
{
    struct validate v = plain_topic();

    v.produce_version = 6;
    check_refused(v, three(CODEC_ZSTD), ERR_UNSUPPORTED_COMPRESSION_TYPE,
                  "Produce requests with version 6 are not allowed to use ZStandard compression");
}

/* The golden way of one refusal: three records, some bytes of the header changed (the CRC made right), checked. */
static const struct {
    size_t at;
    int size;
    uint64_t value;
    enum err err;
    const char *reason_27, *reason_43;
} header_rows[] = {
    { 0, 8, 7, ERR_INVALID_RECORD, "The baseOffset of the record batch in the append to students-0 should be 0, but it is 7",
      "The baseOffset of the record batch in the append to students-0 should be 0, but it is 7" },
    { 23, 4, UINT32_MAX, ERR_INVALID_RECORD, "Batch has an invalid offset range: [0, -1] in topic partition students-0.",
      "Batch has an invalid offset range: [0, -1] in topic partition students-0" },
    { 57, 4, 0, ERR_INVALID_RECORD, "Invalid reported count for record batch: 0 in topic partition students-0.",
      "Invalid reported count for record batch: 0 in topic partition students-0" },
    { 57, 4, 4, ERR_INVALID_RECORD,
      "Inconsistent batch offset range [0, 2] and count of records 4 in topic partition students-0.",
      "Inconsistent batch offset range [0, 2] and count of records 4 in topic partition students-0" },
    { 21, 2, ATTRIBUTE_CONTROL, ERR_INVALID_RECORD,
      "Clients are not allowed to write control records in topic partition students-0.",
      "Clients are not allowed to write control records in topic partition students-0" },
    { 43, 8, 12, ERR_INVALID_RECORD,
      "Invalid sequence number -1 in record batch with producerId 12 in topic partition students-0.",
      "Invalid sequence number -1 in record batch with producerId 12 in topic partition students-0" },
    { 21, 2, 5, ERR_UNKNOWN_SERVER_ERROR, "Unknown compression type id: 5", "Unknown compression type id: 5" },
    { 21, 2, CODEC_GZIP, ERR_UNKNOWN_SERVER_ERROR, "Failed to decompress record stream", "Failed to decompress record stream" },
    { 61, 1, 0x7e, ERR_INVALID_RECORD, "Invalid record size: expected 63 bytes in record payload, but instead the buffer has "
      "only 32 remaining bytes.", "Invalid record size: expected 63 bytes in record payload, but instead the buffer has "
      "only 32 remaining bytes." },
    { 27, 8, UINT64_MAX - 19, ERR_OK, NULL, NULL },    /* negative timestamps are none of its business here */
};

TEST(headers_that_do_not_fit_are_refused)
{
    for (int i = 0; header_rows[i].err; i++)
        for (int is_27 = 0; is_27 < 2; is_27++) {
            struct buffer sent = three(CODEC_NONE);
            struct validate v = plain_topic();

            v.is_27 = is_27;
            for (int byte = 0; byte < header_rows[i].size; byte++)
                sent.data[header_rows[i].at + (size_t)byte] =
                    (uint8_t)(header_rows[i].value >> 8 * (header_rows[i].size - 1 - byte));
            set_crc(sent.data);
            check_refused(v, sent, header_rows[i].err, is_27 ? header_rows[i].reason_27 : header_rows[i].reason_43);
        }
}

TEST(fewer_records_than_counted_are_refused)
{
    struct buffer sent = three(CODEC_ZSTD);

    put_u32(sent.data + 23, 3);
    put_u32(sent.data + 57, 4);
    set_crc(sent.data);
    check_refused(plain_topic(), sent, ERR_INVALID_RECORD, "Incorrect declared batch size, premature EOF reached");
    sent = three(CODEC_LZ4);
    put_u32(sent.data + 23, 1);
    put_u32(sent.data + 57, 2);
    set_crc(sent.data);
    check_refused(plain_topic(), sent, ERR_INVALID_RECORD, "Incorrect declared batch size, records still remaining in file");
}

TEST(a_wrong_crc_is_refused)
{
    struct buffer sent = three(CODEC_NONE);
    char expected[100];

    sent.data[sent.size - 2] ^= 1;
    snprintf(expected, sizeof(expected), "Record is corrupt (stored crc = %u) in topic partition students-0.",
             get_u32(sent.data + 17));
    check_refused(plain_topic(), sent, ERR_CORRUPT_MESSAGE, expected);
}

TEST(sizes_are_limited_before_and_after_packing)
{
    struct validate v = plain_topic();

    v.max_message_bytes = 93;
    check_refused(v, three(CODEC_NONE), ERR_MESSAGE_TOO_LARGE, "The record batch size in the append to students-0 is 94 bytes "
                  "which exceeds the maximum configured value of 93).");
    v.is_27 = true;
    check_refused(v, three(CODEC_NONE), ERR_MESSAGE_TOO_LARGE, "The record batch size in the append to students-0 is 94 bytes "
                  "which exceeds the maximum configured value of 93.");
    v.max_message_bytes = 94;
    v.target_codec = CODEC_LZ4;                        /* so few bytes grow when they are packed */
    check_refused(v, three(CODEC_NONE), ERR_MESSAGE_TOO_LARGE, "Message batch size is 109 bytes in append topartition "
                  "students-0 which exceeds the maximum configured size of 94.");
    v.max_message_bytes = 0;
    struct buffer sent = three(CODEC_NONE);

    accept(&v, buffer_bytes(&sent));                   /* 0: not checked */
    buffer_done(&v.out);
    buffer_done(&sent);
}

static struct buffer keyless(int codec, int count)
{
    struct batch_builder builder = { 0 };
    struct buffer out = { 0 };
    struct bytes made;

    batch_builder_init(&builder, codec);
    for (int i = 0; i < count; i++)
        batch_builder_add(&builder, T, i ? (struct bytes){ 0 } : text("k"), text("v"), NULL, 0);
    CHECK_INT(ERR_OK, batch_builder_finish(&builder, &made, NULL));
    buffer_put(&out, made.data, made.size);
    batch_builder_done(&builder);
    return out;
}

TEST(compacted_topics_want_keys)
{
    for (int codec = 0; codec < 2; codec++) {
        struct validate v = plain_topic();
        struct buffer sent = keyless(codec, 3);
        struct record_errors errors = { 0 };
        struct reason reason;

        v.errors = &errors;
        v.compacted = true;
        CHECK_INT(ERR_INVALID_RECORD, records_validate(buffer_bytes(&sent), &v, &reason));
        CHECK_TEXT("One or more records have been rejected due to 2 record errors in total, and only showing the first three "
                   "errors at most: [RecordError(batchIndex=1, message='Compacted topic cannot accept message without key in "
                   "topic partition students-0'), RecordError(batchIndex=2, message='Compacted topic cannot accept message "
                   "without key in topic partition students-0')]", reason.text);
        CHECK_INT(2, errors.count);
        CHECK_INT(1, errors.items[0].batch_index);
        CHECK_TEXT("Compacted topic cannot accept message without key in topic partition students-0", errors.items[0].message);
        v.is_27 = true;
        CHECK_INT(ERR_INVALID_RECORD, records_validate(buffer_bytes(&sent), &v, &reason));
        CHECK_TEXT("One or more records have been rejected", reason.text);
        CHECK_INT(2, errors.count);
        CHECK_TEXT("Compacted topic cannot accept message without key in topic partition students-0.", errors.items[1].message);
        CHECK_INT(0, v.out.size);
        record_errors_done(&errors);
        buffer_done(&sent);
    }
}

TEST(of_many_errors_the_first_few_are_kept)
{
    struct validate v = plain_topic();
    struct buffer sent = keyless(CODEC_NONE, RECORD_ERRORS_MOST + 10);
    struct record_errors errors = { 0 };
    struct reason reason;

    v.errors = &errors;
    v.compacted = true;
    CHECK_INT(ERR_INVALID_RECORD, records_validate(buffer_bytes(&sent), &v, &reason));
    CHECK(strstr(reason.text, "due to 16393 record errors in total") != NULL);
    CHECK(strstr(reason.text, "batchIndex=3") && !strstr(reason.text, "batchIndex=4"));
    CHECK_INT(RECORD_ERRORS_MOST, errors.count);
    CHECK_INT(RECORD_ERRORS_MOST, errors.items[RECORD_ERRORS_MOST - 1].batch_index);
    record_errors_done(&errors);
    buffer_done(&sent);
}

static void check_time(struct validate v, const char *expected)
{
    struct buffer sent = three(CODEC_NONE);
    struct record_errors errors = { 0 };
    struct reason reason;
    enum err err = (v.errors = &errors, records_validate(buffer_bytes(&sent), &v, &reason));

    CHECK_INT(expected ? ERR_INVALID_TIMESTAMP : ERR_OK, err);
    if (expected) {
        CHECK_TEXT("One or more records have been rejected due to invalid timestamp", reason.text);
        CHECK_TEXT(expected, errors.items[0].message);
    }
    buffer_done(&v.out);
    record_errors_done(&errors);
    buffer_done(&sent);
}

TEST(timestamps_have_limits)
{
    struct validate v = plain_topic();

    v.timestamp_before_max_ms = 100;                   /* the oldest is exactly 100 old */
    check_time(v, NULL);
    v.timestamp_before_max_ms = 99;
    check_time(v, "Timestamp 1700000000000 of message with offset 0 is out of range. The timestamp should be within "
               "[1700000000001, 1700003600100]");
    v = plain_topic();
    v.now_ms = T;
    v.timestamp_after_max_ms = 20;
    check_time(v, NULL);
    v.timestamp_after_max_ms = 19;
    check_time(v, "Timestamp 1700000000020 of message with offset 1 is out of range. The timestamp should be within "
               "[-9223370336854775807, 1700000000019]"); /* Java's arithmetic wraps */
    v.is_27 = true;                                    /* one limit for both sides */
    v.timestamp_before_max_ms = 20;
    check_time(v, NULL);
    v.timestamp_before_max_ms = 19;
    check_time(v, "Timestamp 1700000000020 of message with offset 1 is out of range. The timestamp should be within "
               "[1699999999981, 1700000000019]");
    v.log_append_time = true;
    check_time(v, NULL);
}

TEST(no_timestamp_is_within_every_limit)
{
    struct batch_builder builder = { 0 };
    struct validate v = plain_topic();
    struct bytes made;

    batch_builder_init(&builder, CODEC_NONE);
    batch_builder_add(&builder, -1, text("k"), text("v"), NULL, 0);
    CHECK_INT(ERR_OK, batch_builder_finish(&builder, &made, NULL));
    v.timestamp_before_max_ms = 0;
    accept(&v, made);
    CHECK_INT(-1, v.max_timestamp_ms);
    CHECK_INT(-1, v.offset_of_max_timestamp);
    buffer_done(&v.out);
    batch_builder_done(&builder);
}

TEST(clients_do_not_set_log_append_time)
{
    struct validate v = plain_topic();
    struct buffer sent = three(CODEC_NONE);
    struct record_errors errors = { 0 };

    v.errors = &errors;
    batch_set_max_timestamp(sent.data, true, T + 50);
    v.is_27 = true;
    CHECK_INT(ERR_INVALID_TIMESTAMP, records_validate(buffer_bytes(&sent), &v, NULL));
    CHECK_INT(3, errors.count);
    CHECK_TEXT("Invalid timestamp type in message DefaultRecord(offset=0, timestamp=1700000000050, key=2 bytes, value=2 bytes). "
               "Producer should not set timestamp type to LogAppendTime.", errors.items[0].message);
    v.is_27 = false;                                   /* 4.3 checks the limits first and then lets it be */
    accept(&v, buffer_bytes(&sent));
    CHECK(!batch_log_append_time(&(struct batch){ .attributes = stored(&v).attributes }));
    buffer_clear(&v.out);
    v.log_append_time = true;                          /* but not on a topic of LogAppendTime */
    CHECK_INT(ERR_INVALID_TIMESTAMP, records_validate(buffer_bytes(&sent), &v, NULL));
    buffer_done(&v.out);
    record_errors_done(&errors);
    buffer_done(&sent);
}

TEST(old_sets_have_their_own_refusals)
{
    struct validate v = plain_topic();
    struct buffer set = old_set(1, CODEC_NONE), other = old_set(0, CODEC_NONE), packed = { 0 }, sent = { 0 };
    struct set_builder builder;
    char expected[200];
    struct record_errors errors = { 0 };

    v.errors = &errors;
    v.is_27 = true;
    v.produce_version = 2;
    buffer_put(&sent, set.data, set.size);
    buffer_put(&sent, other.data, other.size);
    check_refused(v, sent, ERR_INVALID_RECORD, "Batch magic 0 is not the same as the first batch'es magic byte 1 in topic "
                  "partition students-0.");
    sent = old_set(1, CODEC_GZIP);
    buffer_put(&sent, set.data, set.size);
    check_refused(v, sent, ERR_INVALID_RECORD, "Compressed outer record has more than one batch");

    set.data[set.size - 1] ^= 1;                       /* an inner value changes under its CRC */
    codec_compress(CODEC_SNAPPY, INT32_MIN, buffer_bytes(&set), &packed, NULL);
    set_builder_init(&builder, 1, CODEC_NONE, false, 0);
    set_builder_add(&builder, 2, T, (struct bytes){ 0 }, buffer_bytes(&packed));
    sent = (struct buffer){ 0 };
    CHECK_INT(ERR_OK, set_builder_finish(&builder, &sent, NULL));
    sent.data[17] = CODEC_SNAPPY;
    batch_shift_timestamps(sent.data, 1);
    {
        struct old_message message;

        CHECK_INT(ERR_OK, old_message_decode((struct bytes){ set.data + 76, 38 }, &message, NULL));
        snprintf(expected, sizeof(expected), "Record is corrupt (stored crc = %u, computed crc = %u) in topic partition "
                 "students-0.", message.crc, old_message_crc(&message));
    }
    check_refused(v, sent, ERR_CORRUPT_MESSAGE, expected);
    set_builder_done(&builder);
    buffer_clear(&packed);

    codec_compress(CODEC_SNAPPY, INT32_MIN, buffer_bytes(&other), &packed, NULL); /* magic 0 inside magic 1 */
    set_builder_init(&builder, 1, CODEC_NONE, false, 0);
    set_builder_add(&builder, 2, T, (struct bytes){ 0 }, buffer_bytes(&packed));
    sent = (struct buffer){ 0 };
    CHECK_INT(ERR_OK, set_builder_finish(&builder, &sent, NULL));
    sent.data[17] = CODEC_SNAPPY;
    batch_shift_timestamps(sent.data, 1);
    CHECK_INT(ERR_INVALID_RECORD, records_validate(buffer_bytes(&sent), &v, NULL));
    CHECK_INT(3, errors.count);
    snprintf(expected, sizeof(expected), "Record LegacyRecordBatch(offset=0, Record(magic=0, attributes=0, compression=NONE, "
             "crc=%u, key=2 bytes, value=2 bytes))'s magic does not match outer magic 1 in topic partition students-0.",
             get_u32(other.data + 12));
    CHECK_TEXT(expected, errors.items[0].message);
    set_builder_done(&builder);
    record_errors_done(&errors);
    buffer_done(&sent);
    buffer_done(&packed);
    buffer_done(&set);
    buffer_done(&other);
}

TEST(old_formats_know_no_producers)
{
    struct buffer sent = three(CODEC_NONE);
    struct validate v = plain_topic();

    v.is_27 = true;
    v.target_magic = 1;
    put_u64(sent.data + 43, 12);
    put_u16(sent.data + 51, 0);
    put_u32(sent.data + 53, 0);
    set_crc(sent.data);
    check_refused(v, sent, ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT, "Idempotent records cannot be used with magic version 1");
    sent = three(CODEC_NONE);
    sent.data[22] |= ATTRIBUTE_TRANSACTIONAL;
    set_crc(sent.data);
    check_refused(v, sent, ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT, "Transactional records cannot be used with magic version 1");
}

/* Every bit flipped with the CRC made right again, every length: an answer each time, and what is stored is sound. */
TEST(broken_requests_do_no_harm)
{
    for (int codec = 0; codec < CODECS; codec++) {
        struct buffer sent = three(codec);

        for (size_t bit = 12 * 8; bit < sent.size * 8; bit++) {
            uint8_t *exact = malloc(sent.size);
            struct validate v = plain_topic();

            memcpy(exact, sent.data, sent.size);
            exact[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (exact[16] == 2)
                set_crc(exact);
            v.produce_version = bit % 2 ? 9 : 2;
            v.target_codec = bit % 3 ? CODEC_PRODUCER : CODEC_ZSTD;
            if (!records_validate((struct bytes){ exact, sent.size }, &v, NULL) && v.record_count)
                stored(&v);
            records_validate((struct bytes){ exact, bit % sent.size }, &v, NULL);
            buffer_done(&v.out);
            free(exact);
        }
        buffer_done(&sent);
    }
    for (int codec = 0; codec < CODEC_ZSTD; codec++) {
        struct buffer sent = old_set(1, codec);

        for (size_t bit = 0; bit < sent.size * 8; bit++) {
            uint8_t *exact = malloc(sent.size);
            struct validate v = plain_topic();

            memcpy(exact, sent.data, sent.size);
            exact[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (bit >= 16 * 8 && codec)                /* the CRC right again */
                batch_shift_timestamps(exact, 1);
            v.produce_version = 2;
            v.is_27 = true;
            records_validate((struct bytes){ exact, sent.size }, &v, NULL);
            buffer_done(&v.out);
            free(exact);
        }
        buffer_done(&sent);
    }
}
