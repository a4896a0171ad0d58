/* Text: escaping, numbers, durations, times, ids, hashes. */
#include "sim/base/text.h"

#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "tests/harness.h"

#define SAYS(expected, ...)                        \
    do {                                           \
        struct text t_ = { 0 };                    \
        struct text *out = &t_;                    \
        __VA_ARGS__;                               \
        CHECK_TEXT(expected, text_chars(out));     \
        text_done(out);                            \
    } while (0)
#define ESCAPED(s) text_escaped(out, (struct bytes){ (const uint8_t *)(s), sizeof(s) - 1 })
#define JSON(s) text_json(out, (struct bytes){ (const uint8_t *)(s), sizeof(s) - 1 })

TEST(text_grows_and_is_given_away)
{
    struct text text = { 0 };
    char *taken;

    CHECK_TEXT("", text_chars(&text));
    for (int i = 0; i < 1000; i++)
        text_printf(&text, "%d,", i % 10);
    CHECK_INT(2000, text.size);
    text_clear(&text);
    CHECK_TEXT("", text_chars(&text));
    text_printf(&text, "%0200d", 7); /* longer than the room at hand */
    text_add(&text, NULL);
    text_char(&text, '!');
    taken = text_take(&text);
    CHECK_INT(201, strlen(taken));
    CHECK_INT(0, text.size);
    mem_free(taken);
    taken = text_take(&text);
    CHECK_TEXT("", taken);
    mem_free(taken);
}

TEST(foreign_bytes_cannot_move_the_terminal)
{
    SAYS("h\303\251llo \xe2\x9c\x93 \\n\\t", ESCAPED("h\303\251llo \xe2\x9c\x93 \n\t"));
    SAYS("\\x1b[2J\\x00\\x7f", ESCAPED("\x1b[2J\0\x7f"));
    SAYS("\\xff\\xc0\\x80\\xed\\xa0\\x80", ESCAPED("\xff\xc0\x80\xed\xa0\x80"));
    SAYS("\\xc2\\x9b", ESCAPED("\xc2\x9b"));                    /* the C1 form of ESC [ */
    SAYS("a\\xe2\\x80\\xaeb", ESCAPED("a\xe2\x80\xae" "b"));    /* right-to-left override */
    SAYS("\\xe2\\x82", ESCAPED("\xe2\x82"));                    /* cut short */
    SAYS("", text_escaped(out, (struct bytes){ 0 }));
}

TEST(json_strings_are_valid)
{
    SAYS("\"a\\\"b\\\\c\\n\\u0001\"", JSON("a\"b\\c\n\1"));
    SAYS("\"\\u0000\\ufffd\\u202e\"", JSON("\0\xff\xe2\x80\xae"));
    SAYS("\"\\ufffd\\\"\\ufffd\\ufffd\"", JSON("\xe3\xa9\"\xe0\x80")); /* a broken piece each, as Java cuts them */
    SAYS("\"\\udb40\\udc01\"", JSON("\xf3\xa0\x80\x81"));
    SAYS("null", text_json(out, (struct bytes){ 0 }));
    SAYS("\"\"", text_json(out, bytes_text("")));
}

TEST(width_counts_columns)
{
    CHECK_INT(5, text_width("hello"));
    CHECK_INT(6, text_width("\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82"));
    CHECK_INT(4, text_width("\xe6\x97\xa5\xe6\x9c\xac"));
    CHECK_INT(2, text_width("\xf0\x9f\x98\x80"));
    CHECK_INT(1, text_width("e\xcc\x81"));
    CHECK_INT(1, text_width("\xe2\x94\x82")); /* a box's line */
    CHECK_INT(4 + 2 + 8, text_width("\xff\n\xc2\x9b"));
}

TEST(whole_text_is_the_number_or_it_is_none)
{
    int64_t i = 1;
    int32_t j = 1;
    double d = 1;
    bool b = false;

    CHECK(parse_i64("-9223372036854775808", &i) && i == INT64_MIN);
    CHECK(parse_i64("+5", &i) && i == 5);
    for (const char *const *p = (const char *[]){ "", "-", " 1", "1 ", "1x", "0x1", "9223372036854775808", "--1", NULL }; *p; p++)
        CHECK(!parse_i64(*p, &i));
    CHECK(!parse_i64(NULL, &i));
    CHECK_INT(5, i);
    CHECK(parse_i32("2147483647", &j) && j == INT32_MAX);
    CHECK(!parse_i32("2147483648", &j));
    CHECK(parse_double("-1.5e3", &d) && d == -1500);
    for (const char *const *p = (const char *[]){ "", "nan", "inf", "0x10", " 1", "1e999", "1.2.3", "-", NULL }; *p; p++)
        CHECK(!parse_double(*p, &d));
    CHECK(parse_bool("TRUE", &b) && b);
    CHECK(parse_bool("false", &b) && !b);
    CHECK(!parse_bool("yes", &b));
}

TEST(durations_are_read)
{
    static const struct {
        const char *text;
        int64_t us;
    } good[] = {
        { "30s", 30000000 },       { "1.5h", 5400000000 }, { "7d", 604800000000 }, { "250ms", 250000 }, { "10m", 600000000 },
        { "2w", 1209600000000 },   { "5", 5000000 },       { "0.25", 250000 },     { "0", 0 },          { "3us", 3 },
        { "1 min", 60000000 },     { "0.000001", 1 },      { "1.5ms", 1500 },
    };
    int64_t us = -7;

    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        CHECK(parse_duration(good[i].text, &us));
        CHECK_INT(good[i].us, us);
    }
    us = -7;
    for (const char *const *p = (const char *[]){ "", "s", "-5s", "5 ", "5x", "1.s", ".5", "1e3", "9999999999999d",
                                                  "99999999999999999999", "5s5", NULL }; *p; p++)
        CHECK(!parse_duration(*p, &us));
    CHECK_INT(-7, us);
}

TEST(times_are_read_and_written)
{
    const int64_t now = 1767261930000000; /* 2026-01-01T10:05:30Z */
    int64_t us = 0;

    CHECK(parse_time("2026-01-01T10:05:30Z", 0, &us));
    CHECK_INT(now, us);
    CHECK(parse_time("2026-01-01 10:05:30.25", 0, &us));
    CHECK_INT(now + 250000, us);
    CHECK(parse_time("10:05:30", now + 5000000, &us));
    CHECK_INT(now, us);
    CHECK(parse_time("10:05", now, &us));
    CHECK_INT(now - 30000000, us);
    CHECK(parse_time("2026-01-01", 0, &us));
    CHECK_INT(1767225600000000, us);
    CHECK(parse_time("2024-02-29", 0, &us));
    CHECK_INT(1709164800000000, us);
    CHECK(parse_time("1969-12-31T23:59:59Z", 0, &us));
    CHECK_INT(-1000000, us);
    for (const char *const *p = (const char *[]){ "", "x", "2025-02-29", "2026-13-01", "2026-1-1", "24:00:00", "10:60", "10:05:60",
                                                  "2026-01-01T", "2026-01-01X10:00", "10:05:30+1", "2026-01-0110:00", NULL }; *p; p++)
        CHECK(!parse_time(*p, now, &us));
    SAYS("10:05:30", text_time(out, now, TIME_CLOCK));
    SAYS("10:05:30.2", text_time(out, now + 299999, TIME_CLOCK | TIME_TENTHS));
    SAYS("2026-01-01 10:05:30.299", text_time(out, now + 299999, TIME_DATE | TIME_CLOCK | TIME_MILLIS));
    SAYS("1969-12-31 23:59:59.999", text_time(out, -1, TIME_DATE | TIME_MILLIS));
    SAYS("2024-02-29 ", text_time(out, 1709164800000000, TIME_DATE));
}

TEST(durations_are_told)
{
    SAYS("0 s", text_duration(out, 0));
    SAYS("9.8 s", text_duration(out, 9800000));
    SAYS("30 s", text_duration(out, 30000000));
    SAYS("250 ms", text_duration(out, 250000));
    SAYS("12 us", text_duration(out, 12));
    SAYS("59.9 s", text_duration(out, 59999999));
    SAYS("1 min 30 s", text_duration(out, 90000000));
    SAYS("5 min", text_duration(out, 300000000));
    SAYS("2 h 5 min", text_duration(out, 7530000000));
    SAYS("7 days", text_duration(out, 604800000000));
    SAYS("1 day 1 h", text_duration(out, 90000000000));
    SAYS("-1.5 s", text_duration(out, -1500000));
    SAYS("1932 B", text_bytes_size(out, 1932));
    SAYS("10.0 MB", text_bytes_size(out, 10485760));
    SAYS("9.8 KB", text_bytes_size(out, 10000));
}

TEST(patterns_match_as_a_shell_s)
{
    CHECK(text_matches("00000000000000000085.log", "*.log"));
    CHECK(text_matches("students-0", "student?-[0-2]"));
    CHECK(!text_matches("students-3", "student?-[0-2]"));
    CHECK(text_starts("abc", "ab") && !text_starts("a", "ab") && !text_starts(NULL, "a"));
    CHECK(text_ends("a.log", ".log") && !text_ends("log", ".log"));
    CHECK(text_equal(NULL, NULL) && !text_equal(NULL, "") && text_equal("a", "a"));
}

TEST(ids_are_printed_as_kafka_prints_them)
{
    struct uuid uuid = { { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0x4d, 0xef, 0x81, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef } }, back;
    char text[UUID_TEXT], dashed[37];
    struct random random;

    uuid_text(uuid, text);
    CHECK_TEXT("ASNFZ4mrTe-BI0VniavN7w", text);
    uuid_dashed(uuid, dashed);
    CHECK_TEXT("01234567-89ab-4def-8123-456789abcdef", dashed);
    CHECK(uuid_parse(text, &back) && uuid_equal(uuid, back));
    CHECK(uuid_parse("AAAAAAAAAAAAAAAAAAAAAA", &back) && uuid_is_zero(back));
    CHECK(!uuid_parse("ASNFZ4mrTe-BI0VniavN7", &back));
    CHECK(!uuid_parse("ASNFZ4mrTe+BI0VniavN7w", &back));
    CHECK(!uuid_parse(NULL, &back));
    random_init(&random, 5);
    for (int i = 0; i < 2000; i++) {
        uuid = uuid_random(&random);
        uuid_text(uuid, text);
        CHECK(*text != '-');
        CHECK_INT(4, uuid.bytes[6] >> 4);
        CHECK_INT(2, uuid.bytes[8] >> 6);
    }
}

TEST(hashes_are_java_s_and_kafka_s)
{
    CHECK_INT(0, java_hash(""));
    CHECK_INT(96354, java_hash("abc"));
    CHECK_INT(-1906497762, (int32_t)java_hash("my-group"));
    CHECK_INT(1772899, java_hash("\xf0\x9f\x98\x80")); /* d83d * 31 + de00 */
    CHECK_INT(-973932308, (int32_t)murmur2(bytes_text("21")));
    CHECK_INT(-790332482, (int32_t)murmur2(bytes_text("foobar")));
    CHECK_INT(-985981536, (int32_t)murmur2(bytes_text("a-little-bit-long-string")));
    CHECK_INT(-1486304829, (int32_t)murmur2(bytes_text("a-little-bit-longer-string")));
    CHECK_INT(-58897971, (int32_t)murmur2(bytes_text("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")));
    CHECK_INT(479470107, (int32_t)murmur2(bytes_text("abc")));
}
