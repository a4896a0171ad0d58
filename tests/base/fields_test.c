/* Tables of fields: what is written, read, refused and shown, on a small message with one field of each kind. */
#include "sim/base/fields.h"

#include "sim/base/files.h"
#include "tests/harness.h"

struct inner {
    const char *name;
    int32_t number;
};
static const struct field inner_fields[] = {
    FIELD(inner, name, T_STRING, 0, NEWEST),
    FIELD(inner, number, T_INT32, 1, NEWEST, .preset = -1),
    { 0 },
};

struct outer {
    bool yes;
    int8_t small;
    uint16_t port;
    uint32_t unsigned_number;
    int64_t big;
    double share;
    struct uuid id;
    const char *text;
    struct bytes data;
    struct records records;
    ARRAY_OF(int32_t) numbers;
    ARRAY_OF(const char *) texts;
    ARRAY_OF(struct inner) items;
    struct inner one;
    struct inner *perhaps;
    int32_t late_tag;
    const char *early_tag;
};
static const struct field outer_fields[] = {
    FIELD(outer, yes, T_BOOL, 0, NEWEST, .preset = 1),
    FIELD(outer, small, T_INT8, 0, 1, .preset = -1),
    FIELD(outer, port, T_UINT16, 0, NEWEST),
    FIELD(outer, unsigned_number, T_UINT32, 0, NEWEST),
    FIELD(outer, big, T_INT64, 0, NEWEST, .preset = INT64_MIN),
    FIELD(outer, share, T_FLOAT64, 0, NEWEST),
    FIELD(outer, id, T_UUID, 0, NEWEST),
    FIELD(outer, text, T_STRING, 0, NEWEST, .null_since = 1, .preset = PRESET_NULL),
    FIELD(outer, data, T_BYTES, 0, NEWEST),
    FIELD(outer, records, T_RECORDS, 0, NEWEST, .null_since = 0),
    FIELD_ARRAY(outer, numbers, T_INT32, 0, NEWEST, .null_since = 1),
    FIELD_ARRAY(outer, texts, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(outer, items, inner, 0, NEWEST),
    FIELD_STRUCT(outer, one, inner, 0, NEWEST),
    FIELD_STRUCT(outer, perhaps, inner, 0, NEWEST, .null_since = 0),
    FIELD(outer, late_tag, T_INT32, 2, NEWEST, .tag = 5, .tag_since = 2, .preset = 7),
    FIELD(outer, early_tag, T_STRING, 2, NEWEST, .tag = 1, .tag_since = 2, .null_since = 2, .preset = PRESET_NULL),
    { 0 },
};
static const struct message outer_message = {
    .name = "Outer", .first = 0, .last = 2, .flexible_since = 2, .fields = outer_fields, .size = sizeof(struct outer),
};

static struct outer filled(void)
{
    static int32_t numbers[] = { 1, -2 };
    static const char *texts[] = { "a", "b" };
    static struct inner items[] = { { "x", 1 }, { "y\x1b[2J", 2 } };
    static struct inner perhaps = { "p", 3 };
    struct outer outer;

    fields_preset(&outer_message, &outer);
    outer.port = 65535;
    outer.unsigned_number = 4000000000u;
    outer.big = 5;
    outer.share = 0.5;
    outer.id.bytes[15] = 1;
    outer.text = "hi";
    outer.data = (struct bytes){ (const uint8_t *)"\x01\xff", 2 };
    outer.records = (struct records){ .data = (const uint8_t *)"rec", .size = 3 };
    outer.numbers.items = numbers, outer.numbers.count = 2;
    outer.texts.items = texts, outer.texts.count = 2;
    outer.items.items = items, outer.items.count = 2;
    outer.one = (struct inner){ "o", 4 };
    outer.perhaps = &perhaps;
    outer.late_tag = 8;
    outer.early_tag = "e";
    return outer;
}

static const char version_1[] = "01 ff ffff ee6b2800 0000000000000005 3fe0000000000000 00000000000000000000000000000001"
                                "0002 6869 00000002 01ff 00000003 726563 00000002 00000001 fffffffe"
                                "00000002 0001 61 0001 62 00000002 0001 78 00000001 0005 79 1b5b324a 00000002"
                                "0001 6f 00000004 01 0001 70 00000003";
/* Tags stand at the end of each struct, in rising order, whatever the table's order. */
static const char version_2[] = "01 ffff ee6b2800 0000000000000005 3fe0000000000000 00000000000000000000000000000001"
                                "03 6869 03 01ff 04 726563 03 00000001 fffffffe"
                                "03 02 61 02 62 03 02 78 00000001 00 06 79 1b5b324a 00000002 00"
                                "02 6f 00000004 00 01 02 70 00000003 00"
                                "02 01 02 02 65 05 04 00000008";

TEST(each_type_has_kafkas_bytes)
{
    struct outer outer = filled();
    struct frame frame = { 0 };

    CHECK_INT(ERR_OK, fields_encode(&outer_message, 1, &outer, &frame, NULL));
    CHECK_HEX(version_1, frame.bytes.data, frame.bytes.size);
    buffer_clear(&frame.bytes);
    CHECK_INT(ERR_OK, fields_encode(&outer_message, 2, &outer, &frame, NULL));
    CHECK_HEX(version_2, frame.bytes.data, frame.bytes.size);
    frame_done(&frame);
}

static void check_there_and_back(int16_t version)
{
    struct outer outer = filled(), back;
    struct text before = { 0 }, after = { 0 };
    struct frame frame = { 0 };
    struct reader reader;
    struct arena arena;

    arena_init(&arena);
    CHECK_INT(ERR_OK, fields_encode(&outer_message, version, &outer, &frame, NULL));
    reader = reader_of(buffer_bytes(&frame.bytes));
    CHECK_INT(ERR_OK, fields_decode(&outer_message, version, &reader, &arena, &back, NULL));
    CHECK_INT(0, reader_left(&reader));
    fields_dump(&outer_message, version, &outer, &before);
    fields_dump(&outer_message, version, &back, &after);
    CHECK_TEXT(text_chars(&before), text_chars(&after));
    text_done(&before);
    text_done(&after);
    frame_done(&frame);
    arena_done(&arena);
}

TEST(what_is_written_is_read_back)
{
    for (int16_t version = 0; version <= 2; version++)
        check_there_and_back(version);
}

TEST(a_dump_is_one_line_a_field_and_escapes_foreign_text)
{
    struct outer outer = filled();
    struct text text = { 0 };

    fields_dump(&outer_message, 2, &outer, &text);
    CHECK_TEXT("yes: true\n"
               "port: 65535\n"
               "unsigned_number: 4000000000\n"
               "big: 5\n"
               "share: 0.5\n"
               "id: AAAAAAAAAAAAAAAAAAAAAQ\n"
               "text: \"hi\"\n"
               "data: 2 bytes: 01ff\n"
               "records: 3 bytes\n"
               "numbers: [1, -2]\n"
               "texts: [\"a\", \"b\"]\n"
               "items:\n"
               "  - name: \"x\"\n"
               "    number: 1\n"
               "  - name: \"y\\x1b[2J\"\n"
               "    number: 2\n"
               "one:\n"
               "  name: \"o\"\n"
               "  number: 4\n"
               "perhaps:\n"
               "  name: \"p\"\n"
               "  number: 3\n"
               "late_tag: 8\n"
               "early_tag: \"e\"\n",
               text_chars(&text));
    text_done(&text);
}

TEST(json_has_kafkas_names)
{
    struct outer outer;
    struct text text = { 0 };

    fields_preset(&outer_message, &outer);
    outer.data = (struct bytes){ (const uint8_t *)"\x01\xff", 2 };
    fields_json(&outer_message, 1, &outer, &text);
    CHECK_TEXT("{\"yes\":true,\"small\":-1,\"port\":0,\"unsignedNumber\":0,\"big\":-9223372036854775808,\"share\":0.0,"
               "\"id\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"text\":null,\"data\":\"Af8=\",\"records\":null,\"numbers\":[],"
               "\"texts\":[],\"items\":[],\"one\":{\"name\":\"\",\"number\":-1},\"perhaps\":null}",
               text_chars(&text));
    text_done(&text);
}

TEST(null_is_refused_where_the_version_has_none)
{
    struct outer outer = filled();
    struct frame frame = { 0 };
    struct reason reason;

    outer.text = NULL;
    CHECK_INT(ERR_OK, fields_encode(&outer_message, 1, &outer, &frame, &reason));
    CHECK_INT(ERR_UNSUPPORTED_VERSION, fields_encode(&outer_message, 0, &outer, &frame, &reason));
    CHECK_TEXT("Outer v0: text is null, which this version can't say", reason.text);
    outer.text = "";
    outer.numbers.count = -1;
    CHECK_INT(ERR_UNSUPPORTED_VERSION, fields_encode(&outer_message, 0, &outer, &frame, &reason));
    CHECK_INT(ERR_UNSUPPORTED_VERSION, fields_encode(&outer_message, 3, &outer, &frame, &reason));
    CHECK_TEXT("Outer has versions 0 to 2, not 3", reason.text);
    frame_done(&frame);
}

/* ---- a smaller message, for bytes that are wrong ---- */

struct list {
    ARRAY_OF(struct inner) items;
};
static const struct field list_fields[] = {
    FIELD_STRUCTS(list, items, inner, 0, NEWEST),
    { 0 },
};
static const struct message list_message = {
    .name = "List", .first = 0, .last = 2, .flexible_since = 2, .fields = list_fields, .size = sizeof(struct list),
};

static void check_refused(int16_t version, const char *bytes, size_t size, const char *why)
{
    struct reader reader = reader_of((struct bytes){ (const uint8_t *)bytes, size });
    struct reason reason;
    struct arena arena;
    struct list list;

    arena_init(&arena);
    CHECK_INT(ERR_INVALID_REQUEST, fields_decode(&list_message, version, &reader, &arena, &list, &reason));
    CHECK_TEXT(why, reason.text);
    arena_done(&arena);
}
#define REFUSED(version, bytes, why) check_refused(version, bytes, sizeof(bytes) - 1, why)

TEST(wrong_bytes_are_refused_with_the_field_and_the_place)
{
    REFUSED(1, "\0\0", "List v1, items at byte 0: the bytes end inside it");
    REFUSED(1, "\x7f\xff\xff\xff\0\1a", "List v1, items at byte 4: more items than bytes left");
    REFUSED(1, "\xff\xff\xff\xfe", "List v1, items at byte 4: a negative count");
    REFUSED(1, "\xff\xff\xff\xff", "List v1, items at byte 4: null where this version allows none");
    REFUSED(1, "\0\0\0\1\xff\xff\0\0\0\0", "List v1, items[0].name at byte 6: null where this version allows none");
    REFUSED(1, "\0\0\0\1\0\4a\0b\0\0\0\0\0", "List v1, items[0].name at byte 10: a NUL in a string");
    REFUSED(1, "\0\0\0\2\0\1a\0\0\0\1\0\1b\0\0", "List v1, items[1].number at byte 14: the bytes end inside it");
    REFUSED(2, "\2\2a\0\0\0\1\5\0", "List v2, items[0].tagged_fields at byte 8: more tags than bytes left");
    REFUSED(2, "\2\2a\0\0\0\1\1\0\7\0\0", "List v2, items[0].tagged_fields at byte 10: the bytes end inside it");
    REFUSED(2, "\xff\xff\xff\xff\xff\xff", "List v2, items at byte 5: the bytes end inside it");
}

struct nullable { const char *name; ARRAY_OF(int32_t) numbers; };
static const struct field nullable_fields[] = {
    FIELD(nullable, name, T_STRING, 0, NEWEST, .null_since = 0),
    FIELD_ARRAY(nullable, numbers, T_INT32, 0, NEWEST, .null_since = 0),
    { 0 },
};

TEST(any_negative_length_is_null_where_null_may_be)
{
    const struct message message = { .name = "Nullable", .last = 1, .flexible_since = NEWEST, .fields = nullable_fields, .size = sizeof(struct nullable) };
    struct reader reader = reader_of((struct bytes){ (const uint8_t *)"\x80\0\xff\xff\xff\xfe", 6 });
    struct nullable out;
    struct arena arena;

    arena_init(&arena);
    CHECK_INT(ERR_OK, fields_decode(&message, 0, &reader, &arena, &out, NULL));
    CHECK(!out.name);
    CHECK_INT(-1, out.numbers.count);
    arena_done(&arena);
}

TEST(an_unknown_tag_is_skipped)
{
    /* one item with tag 9 of two bytes; the message itself with tag 0 of none */
    struct reader reader = reader_of((struct bytes){ (const uint8_t *)"\2\2a\0\0\0\5\1\x09\2zz\1\0\0", 15 });
    struct arena arena;
    struct list list;

    arena_init(&arena);
    CHECK_INT(ERR_OK, fields_decode(&list_message, 2, &reader, &arena, &list, NULL));
    CHECK_INT(0, reader_left(&reader));
    CHECK_INT(1, list.items.count);
    CHECK_TEXT("a", list.items.items[0].name);
    CHECK_INT(5, list.items.items[0].number);
    arena_done(&arena);
}

TEST(a_field_missing_in_the_version_gets_its_preset)
{
    struct reader reader = reader_of((struct bytes){ (const uint8_t *)"\0\0\0\1\0\1a", 7 });
    struct arena arena;
    struct list list;

    arena_init(&arena);
    CHECK_INT(ERR_OK, fields_decode(&list_message, 0, &reader, &arena, &list, NULL));
    CHECK_INT(-1, list.items.items[0].number);
    arena_done(&arena);
}

static void add_line(void *context, int depth, const char *name, size_t from, size_t to, const char *value)
{
    text_printf(context, "%*s%s %zu-%zu %s\n", depth, "", name, from, to, value);
}

TEST(a_walk_shows_where_each_field_lies)
{
    struct text text = { 0 };

    CHECK_INT(ERR_OK, fields_walk(&list_message, 2, (struct bytes){ (const uint8_t *)"\2\2a\0\0\0\5\1\x09\2zz\0", 13 },
                                  add_line, &text, NULL));
    CHECK_TEXT("items 0-1 1 item\n"
               " [0] 1-1 \n"
               "  name 1-3 \"a\"\n"
               "  number 3-7 5\n"
               "  tagged_fields 7-8 1\n"
               "   tag 8-10 tag 9, 2 bytes\n"
               "    unknown 10-12 \n"
               "tagged_fields 12-13 0\n",
               text_chars(&text));
    text_done(&text);
}

/* ---- slices of files ---- */

TEST(records_in_a_file_are_sent_as_slices)
{
    int64_t clock = 0;
    struct fs *fs = fs_memory(&clock);
    struct outer outer = filled();
    struct frame frame = { 0 }, plain = { 0 };
    struct buffer flat = { 0 };
    struct file *file;

    CHECK_INT(ERR_OK, fs_open(fs, "segment", FILE_WRITE | FILE_CREATE, &file, NULL));
    CHECK_INT(ERR_OK, file_append(file, "..rec..", 7, NULL));
    CHECK_INT(ERR_OK, fields_encode(&outer_message, 1, &outer, &plain, NULL));

    outer.records = (struct records){ .file = file_pin(file), .position = 2, .size = 3 };
    CHECK_INT(ERR_OK, fields_encode(&outer_message, 1, &outer, &frame, NULL));
    CHECK_INT(1, frame.slice_count);
    CHECK_INT(plain.bytes.size, frame_size(&frame));
    CHECK_INT(ERR_OK, frame_flatten(&frame, &flat, NULL));
    CHECK_INT(plain.bytes.size, flat.size);
    CHECK(!memcmp(plain.bytes.data, flat.data, flat.size));

    buffer_done(&flat);
    frame_done(&plain);
    frame_done(&frame); /* lets go of the file */
    file_close(file);
    fs_free(fs);
}
