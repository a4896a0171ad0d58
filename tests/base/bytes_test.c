/* Kafka's numbers in bytes, and readers that stop at the end. */
#include "sim/base/bytes.h"

#include "tests/harness.h"

TEST(integers_are_big_endian)
{
    struct buffer buffer = { 0 };
    struct reader reader;

    buffer_i8(&buffer, -2);
    buffer_i16(&buffer, 0x0102);
    buffer_i32(&buffer, -3);
    buffer_i64(&buffer, 0x0102030405060708);
    CHECK_HEX("fe 0102 fffffffd 0102030405060708", buffer.data, buffer.size);
    reader = reader_of(buffer_bytes(&buffer));
    CHECK_INT(-2, reader_i8(&reader));
    CHECK_INT(0x0102, reader_u16(&reader));
    CHECK_INT(-3, reader_i32(&reader));
    CHECK_INT(0x0102030405060708, reader_i64(&reader));
    CHECK_INT(0, reader_left(&reader));
    CHECK(!reader.failed);
    buffer_done(&buffer);
}

TEST(varints_are_protobuf_s)
{
    static const struct {
        int64_t v;
        const char *hex;
    } rows[] = {
        { 0, "00" }, { -1, "01" }, { 1, "02" }, { 63, "7e" }, { -64, "7f" }, { 64, "80 01" }, { 300, "d8 04" },
        { INT32_MAX, "fe ff ff ff 0f" }, { INT32_MIN, "ff ff ff ff 0f" },
        { INT64_MAX, "fe ff ff ff ff ff ff ff ff 01" }, { INT64_MIN, "ff ff ff ff ff ff ff ff ff 01" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct buffer buffer = { 0 };
        struct reader reader;

        buffer_varint(&buffer, rows[i].v);
        CHECK_HEX(rows[i].hex, buffer.data, buffer.size);
        CHECK_INT(buffer.size, varint_size(rows[i].v));
        reader = reader_of(buffer_bytes(&buffer));
        CHECK_INT(rows[i].v, reader_varlong(&reader));
        if (rows[i].v == (int32_t)rows[i].v) {
            reader = reader_of(buffer_bytes(&buffer));
            CHECK_INT(rows[i].v, reader_varint(&reader));
            CHECK(!reader.failed);
        }
        buffer_done(&buffer);
    }
}

TEST(a_reader_does_not_run_past_the_end)
{
    const uint8_t data[] = { 1, 2, 3 };
    struct reader reader = reader_of((struct bytes){ data, 3 });
    struct bytes none;

    CHECK_INT(0, reader_i32(&reader));
    CHECK(reader.failed);
    CHECK_INT(0, reader_i8(&reader)); /* stays failed */
    CHECK_INT(0, reader_left(&reader));
    reader = reader_of((struct bytes){ data, 3 });
    none = reader_bytes(&reader, SIZE_MAX);
    CHECK(none.data == NULL && reader.failed);
    reader = reader_of((struct bytes){ 0 });
    CHECK_INT(0, reader_uvarint(&reader));
    CHECK(reader.failed);
}

TEST(a_varint_that_does_not_end_fails)
{
    const uint8_t data[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 };
    struct reader reader = reader_of((struct bytes){ data, sizeof(data) });

    reader_uvarint(&reader);
    CHECK(reader.failed);
    reader = reader_of((struct bytes){ data, sizeof(data) });
    reader_varlong(&reader);
    CHECK(reader.failed);
}

TEST(null_is_not_empty)
{
    CHECK(bytes_equal(bytes_text("a"), bytes_text("a")));
    CHECK(!bytes_equal(bytes_text("a"), bytes_text("b")));
    CHECK(!bytes_equal(bytes_text(""), (struct bytes){ 0 }));
    CHECK(bytes_equal(bytes_text(NULL), (struct bytes){ 0 }));
}

TEST(a_buffer_grows_and_keeps_its_memory)
{
    struct buffer buffer = { 0 };
    uint8_t *data;

    for (int i = 0; i < 10000; i++)
        buffer_put(&buffer, "abc", 3);
    CHECK_INT(30000, buffer.size);
    CHECK(!memcmp(buffer.data + 29997, "abc", 3));
    data = buffer.data;
    buffer_clear(&buffer);
    buffer_put(&buffer, NULL, 0);
    CHECK_INT(0, buffer.size);
    buffer_add(&buffer, 20000);
    CHECK(buffer.data == data);
    buffer_done(&buffer);
}

TEST(nothing_is_added_to_an_empty_buffer)
{
    struct buffer buffer = { 0 };

    CHECK(!buffer_add(&buffer, 0));   /* undefined to compute a place in */
    CHECK_INT(0, buffer.size);
    buffer_done(&buffer);
}
