/* A file's bytes with what each field of them is: batches and their records, index entries, producer snapshots, checkpoints. The fields are those of
 * sim/log/layout.h and sim/cluster/record_layouts.h, which also say what dumps print and (the internal topics') what is written. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shell/commands/hexdump.h"
#include "shell/prose.h"

enum { MOST_LINES = 4, DEEPEST = 16 };

struct view {                    /* of one described piece of bytes */
    struct hexdump *hexdump;
    struct bytes bytes;          /* the piece */
    int64_t at;                  /* where it lies in the file, or in what was unpacked */
    char mark;                   /* '+': unpacked, offsets count from the unpacked bytes' start; ' ': of the file */
    int depth;
    const char *first;           /* before the first field; NULL */
    enum record_family family;
    const struct dump_batch *batch;
    int64_t base_offset;         /* of an index */
    struct bytes key;            /* the record's, for its value */
    size_t shown;                /* bytes of the piece told so far */
};

/* ---- lines ---- */

static void line(struct view *view, int64_t at, const uint8_t *data, size_t size, const char *words)
{
    struct text *out = &view->hexdump->dump.out;
    int across = view->hexdump->across;

    if (at < 0)
        text_printf(out, "%*s", 9, "");
    else
        text_printf(out, "%c%08" PRIx64, view->mark, at);
    text_char(out, ' ');
    for (int i = 0; i < across; i++)
        if ((size_t)i < size)
            text_printf(out, " %02x", data[i]);
        else
            text_add(out, "   ");
    text_printf(out, "  %s", words);
    while (out->size && out->data[out->size - 1] == ' ')
        out->data[--out->size] = 0;
    text_char(out, '\n');
}

static void characters(struct text *out, const uint8_t *data, size_t size)
{
    text_char(out, '|');
    for (size_t i = 0; i < size; i++)
        text_char(out, data[i] >= 32 && data[i] < 127 ? (char)data[i] : '.');
    text_char(out, '|');
}

/* `words` stand beside the first bytes, characters beside the others. A long run of bytes is cut in its middle; words that don't fit the terminal
 * go on below. */
static void show(struct view *view, size_t from, size_t to, int depth, const char *words)
{
    struct hexdump *hexdump = view->hexdump;
    size_t across = (size_t)hexdump->across, size = to - from, shown = 0, most = across * MOST_LINES;
    int indent = 2 * (view->depth + depth), room;
    struct text text = { 0 };

    if (indent > DEEPEST)
        indent = DEEPEST;
    room = hexdump->columns ? hexdump->columns - 12 - 3 * hexdump->across - indent : INT32_MAX;
    if (hexdump->all || size <= most + across)
        most = SIZE_MAX;
    do {
        size_t here = size - shown < across ? size - shown : across;
        const char *next = words + strlen(words);

        text_clear(&text);
        text_printf(&text, "%*s", indent, "");
        if (shown)
            characters(&text, view->bytes.data + from + shown, here);
        else
            text_add_size(&text, words, (size_t)(text_width(words) <= room ? (int)strlen(words) : prose_line(words, room, &next)));
        line(view, size ? view->at + (int64_t)(from + shown) : -1, view->bytes.data + from + shown, here, text_chars(&text));
        while (!shown && *next) {
            const char *at = next;

            text_clear(&text);
            text_printf(&text, "%*s", indent + 2, "");
            text_add_size(&text, at, (size_t)prose_line(at, room - 2, &next));
            line(view, -1, NULL, 0, text_chars(&text));
            if (next == at)
                break;
        }
        shown += here;
        if (shown >= most && shown < size) {
            text_clear(&text);
            text_printf(&text, "%*s... %zu more bytes (--all)", indent, "", size - shown);
            line(view, -1, NULL, 0, text_chars(&text));
            break;
        }
    } while (shown < size);
    if (to > view->shown)
        view->shown = to;
    text_done(&text);
}

static void say(struct view *view, int depth, const char *words)
{
    show(view, 0, 0, depth, words);
}

/* Bytes that nothing describes, with a word. */
static void rest(struct view *view, size_t from, const char *words)
{
    if (from < view->bytes.size)
        show(view, from, view->bytes.size, 0, words);
}

/* "partition_leader_epoch" as Kafka's own texts write it. */
static void add_name(struct text *out, const char *name)
{
    for (; *name; name++)
        if (*name == '_' && name[1])
            text_char(out, (char)(*++name - 'a' + 'A'));
        else
            text_char(out, *name);
}

/* ---- notes beside numbers ---- */

static void note_time(struct text *out, int64_t ms)
{
    if (ms >= 0 && ms < INT64_MAX / 1000) {
        text_add(out, " (");
        text_time(out, ms * 1000, TIME_DATE | TIME_CLOCK | TIME_MILLIS);
        text_char(out, ')');
    }
}

static void note_attributes(struct text *out, int attributes, bool new)
{
    int codec = attributes & ATTRIBUTE_CODEC;

    text_printf(out, " (%s", codec < CODECS ? (codec ? codec_name(codec) : "not compressed") : "an unknown compression");
    if (new || attributes & ATTRIBUTE_LOG_APPEND_TIME)
        text_printf(out, ", %s", attributes & ATTRIBUTE_LOG_APPEND_TIME ? "LogAppendTime" : "CreateTime");
    if (new && attributes & ATTRIBUTE_TRANSACTIONAL)
        text_add(out, ", transactional");
    if (new && attributes & ATTRIBUTE_CONTROL)
        text_add(out, ", control");
    if (new && attributes & ATTRIBUTE_DELETE_HORIZON)
        text_add(out, ", delete horizon");
    text_char(out, ')');
}

static void note_crc(struct text *out, uint32_t stored, uint32_t computed)
{
    if (stored == computed)
        text_add(out, " (right)");
    else
        text_printf(out, " (WRONG: these bytes have %" PRIu32 ")", computed);
}

static void note_batch(struct text *out, const struct dump_batch *batch, const char *name)
{
    const struct batch_header *header = &batch->header;

    if (text_equal(name, "batch_length"))
        text_printf(out, " (%" PRId32 " with the 12 before)", batch->size);
    else if (text_equal(name, "crc"))
        note_crc(out, header->crc, batch->computed_crc);
    else if (text_equal(name, "attributes"))
        note_attributes(out, header->attributes, true);
    else if (text_equal(name, "last_offset_delta"))
        text_printf(out, " (last offset %" PRId64 ")", batch->batch.last_offset);
    else if (text_equal(name, "base_timestamp"))
        note_time(out, header->base_timestamp);
    else if (text_equal(name, "max_timestamp"))
        note_time(out, header->max_timestamp);
}

/* ---- fields through the tables ---- */

static void on_field(void *context, int depth, const char *name, size_t from, size_t to, const char *value)
{
    struct view *view = context;
    struct text words = { 0 };

    if (view->first && depth == 0)
        text_printf(&words, "%s", view->first);
    if (depth == 0)
        view->first = NULL;
    add_name(&words, name);
    if (value[0])
        text_printf(&words, " %s", value);
    if (view->batch && depth == 0)
        note_batch(&words, view->batch, name);
    show(view, from, to, depth, text_chars(&words));
    text_done(&words);
}

/* All fields of the piece; what is behind them, or can't be read, as bytes. */
static void walk(struct view *view, const struct message *message, int16_t version, fields_walk_fn *fn)
{
    struct reason reason = { "" };
    struct text words = { 0 };

    if (fields_walk(message, version, view->bytes, fn, view, &reason)) {
        text_printf(&words, "can't be read: %s", reason.text);
        if (view->shown < view->bytes.size)
            rest(view, view->shown, text_chars(&words));
        else
            say(view, 0, text_chars(&words));
    }
    text_done(&words);
}

/* What stands in a key or a value of an internal topic, behind its length. */
static void walk_part(struct view *parent, size_t from, size_t to, int depth, const struct message *message, int16_t version, size_t skipped)
{
    struct view view = *parent;

    view.bytes = (struct bytes){ parent->bytes.data + from + skipped, to - from - skipped };
    view.at = parent->at + (int64_t)(from + skipped);
    view.depth = parent->depth + depth;
    view.shown = 0;
    view.batch = NULL;
    view.first = NULL;
    walk(&view, message, version, on_field);
}

/* int16, then the fields. */
static void coordinator_part(struct view *view, size_t from, size_t to, int depth, bool is_key)
{
    const struct coordinator_layout *layout = view->key.size >= 2 ? coordinator_layout(view->family, get_i16(view->key.data)) : NULL;
    const struct message *message = layout ? (is_key ? layout->key : layout->value) : NULL;
    int16_t number = to - from >= 2 ? get_i16(view->bytes.data + from) : -1;
    struct text words = { 0 };

    if (to - from < 2 || !message || (!is_key && (number < message->first || number > message->last))) {
        show(view, from, to, depth, !message ? "of a type that nobody knows" : "of a version that nobody knows");
        return;
    }
    text_printf(&words, is_key ? "type %d: %s" : "version %d: %s", number, message->name);
    show(view, from, from + 2, depth, text_chars(&words));
    text_done(&words);
    walk_part(view, from, to, depth + 1, message, is_key && number > message->last ? message->last : number, 2);
}

static void framed_part(struct view *view, size_t from, size_t to, int depth)
{
    struct reader reader = reader_of((struct bytes){ view->bytes.data + from, to - from });
    static const char *const names[] = { "frameVersion", "type", "version" };
    uint32_t numbers[3] = { 0 };
    const struct message *message = NULL;
    const char *name = NULL;
    size_t at = from;

    for (int i = 0; i < 3; i++) {
        struct text words = { 0 };
        size_t end;

        numbers[i] = reader_uvarint(&reader);
        if (reader.failed) {
            show(view, at, to, depth, "no record of metadata");
            return;
        }
        if (i == 1)
            message = framed_layout(view->family, numbers[1], &name);
        text_printf(&words, "%s %" PRIu32, names[i], numbers[i]);
        if (i == 1 && name)
            text_printf(&words, ": %s", name);
        end = (size_t)(reader.at - view->bytes.data);
        show(view, at, end, depth, text_chars(&words));
        at = end;
        text_done(&words);
    }
    if (!message || numbers[2] > (uint32_t)message->last)
        show(view, at, to, depth, "of a type or version that nobody knows");
    else
        walk_part(view, at, to, depth + 1, message, (int16_t)numbers[2], 0);
}

static void control_part(struct view *view, size_t from, size_t to, int depth, bool is_key)
{
    int16_t type = view->key.size >= 4 ? get_i16(view->key.data + 2) : -1;

    if (is_key)
        walk_part(view, from, to, depth, &control_key_layout, 0, 0);
    else if (type == CONTROL_ABORT || type == CONTROL_COMMIT)
        walk_part(view, from, to, depth, &end_transaction_layout, 0, 0);
    else if (control_layout(type))
        walk_part(view, from, to, depth, control_layout(type), 0, 0);
    else
        show(view, from, to, depth, "of a control type that nobody knows");
}

/* A user's key or value: as text, if it is. */
static void plain_part(struct view *view, size_t from, size_t to, int depth)
{
    struct text words = { 0 };
    struct bytes bytes = { view->bytes.data + from, to - from };

    if (!bytes.size)
        return;
    text_char(&words, '"');
    text_escaped(&words, (struct bytes){ bytes.data, bytes.size > 40 ? 40 : bytes.size });
    text_add(&words, bytes.size > 40 ? "\"..." : "\"");
    show(view, from, to, depth, text_chars(&words));
    text_done(&words);
}

static void on_record_field(void *context, int depth, const char *name, size_t from, size_t to, const char *value)
{
    struct view *view = context;
    bool is_key = depth == 0 && text_equal(name, "key"), control = view->batch && view->batch->batch.attributes & ATTRIBUTE_CONTROL;
    struct reader reader = reader_of((struct bytes){ view->bytes.data + from, to - from });
    struct text words = { 0 };
    size_t content;
    int32_t size;

    if (depth || !(is_key || text_equal(name, "value"))) {
        struct view quiet = *view;

        quiet.batch = NULL; /* its fields aren't the batch's, whatever their names */
        add_name(&words, name);
        if (value[0])
            text_printf(&words, " %s", value);
        if (depth == 0 && text_equal(name, "offset_delta") && view->batch) {
            int64_t delta;

            if (parse_i64(value, &delta))
                text_printf(&words, " (offset %" PRId64 ")", view->batch->batch.base_offset + delta);
        }
        show(&quiet, from, to, depth, text_chars(&words));
        view->shown = quiet.shown;
        text_done(&words);
        return;
    }
    size = reader_varint(&reader);
    content = (size_t)(reader.at - view->bytes.data);
    text_printf(&words, size < 0 ? "%s null" : size == 1 ? "%s %" PRId32 " byte" : "%s %" PRId32 " bytes", name, size);
    show(view, from, content, depth, text_chars(&words));
    text_done(&words);
    if (is_key)
        view->key = size < 0 ? (struct bytes){ 0 } : (struct bytes){ view->bytes.data + content, (size_t)size };
    if (size < 0)
        return;
    if (control)
        control_part(view, content, to, depth + 1, is_key);
    else if (view->family == RECORDS_PLAIN || (is_key && view->family >= RECORDS_METADATA))
        plain_part(view, content, to, depth + 1);
    else if (view->family >= RECORDS_METADATA)
        framed_part(view, content, to, depth + 1);
    else
        coordinator_part(view, content, to, depth + 1, is_key);
    view->shown = to;
}

/* ---- batches ---- */

static bool show_records(struct view *view, int32_t count)
{
    struct bytes left = view->bytes;

    for (int32_t i = 0; i < count; i++) {
        struct view record = *view;
        struct reader reader = reader_of(left);
        int32_t size = reader_varint(&reader);
        char words[64];

        if (reader.failed || size < 0 || (size_t)size > reader_left(&reader)) {
            snprintf(words, sizeof(words), "no record: %" PRId32 " more should come", count - i);
            record.bytes = left;
            record.at = view->at + (int64_t)(view->bytes.size - left.size);
            record.shown = 0;
            if (left.size)
                rest(&record, 0, words);
            else
                say(&record, 0, words);
            return true;
        }
        snprintf(words, sizeof(words), "record %" PRId32, i);
        record.bytes = (struct bytes){ left.data, (size_t)(reader.at - left.data) + (size_t)size };
        record.at = view->at + (int64_t)(view->bytes.size - left.size);
        record.shown = 0;
        say(&record, 0, words);
        record.depth++;
        walk(&record, &record_layout, 2, on_record_field);
        if (record.shown < record.bytes.size)
            rest(&record, record.shown, "behind the record's fields");
        left.data += record.bytes.size;
        left.size -= record.bytes.size;
        if (!dump_flush(&view->hexdump->dump, false))
            return false;
    }
    if (left.size) {
        view->at += (int64_t)(view->bytes.size - left.size);
        view->bytes = left;
        view->shown = 0;
        rest(view, 0, "behind the last record");
    }
    return true;
}

static bool show_packed(struct view *view, int codec, struct bytes packed, int64_t at, struct buffer *plain)
{
    struct view bytes = *view;
    struct text words = { 0 };
    struct reason reason = { "" };
    enum err err = codec < CODECS ? codec_decompress(codec, packed, BATCH_MOST_BYTES, plain, &reason) :
                                    err_because(ERR_CORRUPT_MESSAGE, &reason, "an unknown compression");

    bytes.bytes = packed;
    bytes.at = at;
    bytes.shown = 0;
    if (err)
        text_printf(&words, "can't be unpacked: %s", reason.text);
    else
        text_printf(&words, "%s: %zu bytes hold %zu; unpacked (+):", codec_name(codec), packed.size, plain->size);
    if (packed.size)
        show(&bytes, 0, packed.size, 0, text_chars(&words));
    text_done(&words);
    return !err;
}

static bool show_new(struct view *view, const struct dump_batch *batch)
{
    struct bytes body;
    struct buffer plain = { 0 };
    bool good = true;

    view->batch = batch;
    walk(view, &batch_header_layout, 2, on_field);
    if (view->bytes.size <= BATCH_HEADER)
        return true;
    body = (struct bytes){ view->bytes.data + BATCH_HEADER, view->bytes.size - BATCH_HEADER };
    view->at += BATCH_HEADER;
    view->shown = 0;
    view->depth++;
    if (batch_codec(&batch->batch) && body.size) {
        if (!show_packed(view, batch_codec(&batch->batch), body, view->at, &plain)) {
            buffer_done(&plain);
            return true;
        }
        body = buffer_bytes(&plain);
        view->at = 0;
        view->mark = '+';
    }
    view->bytes = body;
    good = show_records(view, batch->header.records_count);
    buffer_done(&plain);
    return good;
}

struct old_view { struct view *view; struct old_message_fields fields; uint32_t computed; };
static void on_old_field(void *context, int depth, const char *name, size_t from, size_t to, const char *value)
{
    struct old_view *old = context;
    struct view *view = old->view;
    bool key = text_equal(name, "key");
    struct text words = { 0 };

    if (key || text_equal(name, "value")) {
        int32_t size = get_i32(view->bytes.data + from);
        int codec = old->fields.attributes & ATTRIBUTE_CODEC;

        text_printf(&words, size < 0 ? "%s null" : "%s %" PRId32 " bytes", name, size);
        show(view, from, from + 4, depth, text_chars(&words));
        if (size >= 0 && (key || !codec))
            plain_part(view, from + 4, to, depth + 1);
        view->shown = codec && !key ? from + 4 : to;
    } else {
        add_name(&words, name);
        text_printf(&words, " %s", value);
        if (text_equal(name, "attributes"))
            note_attributes(&words, old->fields.attributes, false);
        else if (text_equal(name, "crc"))
            note_crc(&words, old->fields.crc, old->computed);
        else if (text_equal(name, "timestamp"))
            note_time(&words, old->fields.timestamp);
        show(view, from, to, depth, text_chars(&words));
    }
    text_done(&words);
}

/* A message of magic 0 or 1; a compressed one holds others, one level deep. */
static bool show_old(struct view *view, int level)
{
    struct old_view old = { .view = view };
    struct reader reader = reader_of(view->bytes);
    struct reason reason = { "" };
    int8_t magic = view->bytes.size > 16 ? (int8_t)view->bytes.data[16] : -1;
    struct arena arena;
    bool good;

    if (magic < 0 || magic > 1) {
        rest(view, 0, "no message of magic 0 or 1");
        return true;
    }
    arena_init(&arena);
    good = !fields_decode(&old_message_layout, magic, &reader, &arena, &old.fields, &reason);
    old.computed = batch_crc(view->bytes);
    fields_walk(&old_message_layout, magic, view->bytes, on_old_field, &old, &reason);
    if (good && old.fields.attributes & ATTRIBUTE_CODEC && old.fields.value.data && level == 0) {
        struct buffer plain = { 0 };
        int64_t at = view->at + (old.fields.value.data - view->bytes.data);

        view->depth++;
        if (show_packed(view, old.fields.attributes & ATTRIBUTE_CODEC, old.fields.value, at, &plain)) {
            struct bytes left = buffer_bytes(&plain);

            while (left.size >= 12 && good) {
                uint32_t size = get_u32(left.data + 8);
                struct view inner = *view;

                inner.bytes = (struct bytes){ left.data, size <= left.size - 12 ? size + 12 : left.size };
                inner.at = left.data - plain.data;
                inner.mark = '+';
                inner.shown = 0;
                show_old(&inner, level + 1);
                left.data += inner.bytes.size;
                left.size -= inner.bytes.size;
                good = dump_flush(&view->hexdump->dump, false);
            }
        }
        buffer_done(&plain);
    } else if (view->shown < view->bytes.size) {
        rest(view, view->shown, good ? "behind the message" : "can't be read: a key or value that does not fit");
        good = true;
    }
    arena_done(&arena);
    return good || reason.text[0];
}

/* Zeros up to the file's end are room, said in a line. */
static bool show_room(struct hexdump *hexdump, struct dump_file *file, int64_t from, const char *what)
{
    struct bytes bytes;
    int64_t at = from;

    while (at < file->size) {
        if (!dump_bytes(&hexdump->dump, file, at, 65536, &bytes) || !bytes.size)
            return false;
        for (size_t i = 0; i < bytes.size; i++)
            if (bytes.data[i])
                return false;
        at += (int64_t)bytes.size;
        if (!dump_flush(&hexdump->dump, false))
            return false;
    }
    text_printf(&hexdump->dump.out, " %08" PRIx64 "  %*s%" PRId64 " bytes of zeros: %s\n", from, hexdump->across * 3 + 1, "", file->size - from, what);
    return true;
}

static bool show_batches(struct hexdump *hexdump, struct dump_file *file, enum record_family family)
{
    struct dump *dump = &hexdump->dump;
    int64_t position = 0;
    struct dump_batch batch;
    int there;

    while ((there = dump_next_batch(dump, file, &position, file->size, &batch)) > 0) {
        struct view view = { .hexdump = hexdump, .bytes = batch.batch.bytes, .at = batch.position, .mark = ' ', .family = family };
        struct text words = { 0 };
        struct buffer copy = { 0 }; /* reading on would move it */
        bool good;

        if (position <= hexdump->from || (dump->only_offset >= 0 && batch.batch.last_offset < dump->only_offset)) {
            if (!dump_flush(dump, false))
                return false;
            continue;
        }
        if (batch.position >= hexdump->to || (dump->only_offset >= 0 && dump->found))
            return true;
        dump->found = true;
        if (batch.batch.magic < 2)
            text_printf(&words, "message of offset %" PRId64 ", %" PRId32 " bytes", batch.batch.base_offset, batch.size);
        else
            text_printf(&words, "batch of offsets %" PRId64 " to %" PRId64 ", %" PRId32 " bytes", batch.batch.base_offset, batch.batch.last_offset,
                        batch.size);
        say(&view, 0, text_chars(&words));
        text_done(&words);
        buffer_put(&copy, view.bytes.data, view.bytes.size);
        view.bytes = batch.batch.bytes = buffer_bytes(&copy);
        view.depth = 1;
        good = batch.batch.magic >= 2 ? show_new(&view, &batch) : show_old(&view, 0);
        buffer_done(&copy);
        arena_reset(&dump->records.arena);
        if (!good || !dump_flush(dump, false))
            return false;
    }
    if (position < file->size && position < hexdump->to && dump->only_offset < 0 && !show_room(hexdump, file, position, "made ready, not written yet")) {
        struct bytes bytes;

        text_printf(&dump->out, "no batch from here on%s%s: %" PRId64 " bytes\n", dump->trouble.message ? ": " : "",
                    dump->trouble.message ? dump->trouble.message : ": too few bytes for one", file->size - position);
        trouble_done(&dump->trouble);
        for (int64_t at = position; at < file->size && at < hexdump->to; at += (int64_t)bytes.size) {
            if (!dump_bytes(dump, file, at, 4096, &bytes) || !bytes.size)
                return false;
            hexdump_bytes(hexdump, at, bytes);
            if (!dump_flush(dump, false))
                return false;
        }
    }
    return dump_flush(dump, false) && !dump->trouble.exception;
}

/* ---- indexes ---- */

static void on_entry_field(void *context, int depth, const char *name, size_t from, size_t to, const char *value)
{
    struct view *view = context;
    struct text words = { 0 };
    int64_t number;

    text_printf(&words, "%s", view->first ? view->first : "");
    view->first = NULL;
    add_name(&words, name);
    text_printf(&words, " %s", value);
    if (text_equal(name, "relative_offset") && parse_i64(value, &number))
        text_printf(&words, " (offset %" PRId64 ")", view->base_offset + number);
    if (text_equal(name, "timestamp") && parse_i64(value, &number))
        note_time(&words, number);
    show(view, from, to, depth, text_chars(&words));
    text_done(&words);
}

static bool show_entries(struct hexdump *hexdump, struct dump_file *file, const struct message *layout, int64_t size)
{
    struct dump *dump = &hexdump->dump;
    static const uint8_t zeros[64];
    struct bytes bytes;
    int64_t at, base_offset = 0;

    if (!dump_base_offset(dump, file->shown, &base_offset))
        trouble_done(&dump->trouble); /* a name without an offset: relative ones are all there is */
    for (at = 0; at + size <= file->size && at < hexdump->to; at += size) {
        struct view view = { .hexdump = hexdump, .at = at, .mark = ' ', .base_offset = base_offset };
        char words[32];

        if (!dump_bytes(dump, file, at, (size_t)size, &bytes))
            return false;
        if (!memcmp(bytes.data, zeros, (size_t)size) && show_room(hexdump, file, at, "room for entries to come"))
            return true;
        if (at + size <= hexdump->from)
            continue;
        if (!dump_bytes(dump, file, at, (size_t)size, &bytes)) /* show_room has read on */
            return false;
        snprintf(words, sizeof(words), "entry %" PRId64 ": ", at / size);
        view.bytes = bytes;
        view.first = words;
        walk(&view, layout, layout->first, on_entry_field);
        if (!dump_flush(dump, false))
            return false;
    }
    if (at < file->size && at < hexdump->to) {
        struct view view = { .hexdump = hexdump, .at = at, .mark = ' ' };

        if (!dump_bytes(dump, file, at, (size_t)(file->size - at), &bytes))
            return false;
        view.bytes = bytes;
        rest(&view, 0, "too few bytes for an entry");
    }
    return true;
}

static bool show_snapshot(struct hexdump *hexdump, struct dump_file *file)
{
    struct view view = { .hexdump = hexdump, .mark = ' ' };
    struct dump_batch crc = { 0 };

    if (file->size > BATCH_MOST_BYTES)
        return trouble_set(&hexdump->dump.trouble, "", "it is too large for a producer snapshot");
    if (!dump_bytes(&hexdump->dump, file, 0, (size_t)file->size, &view.bytes))
        return false;
    if (view.bytes.size > 6) {
        crc.header.crc = get_u32(view.bytes.data + 2);
        crc.computed_crc = crc32c(view.bytes.data + 6, view.bytes.size - 6);
        view.batch = &crc; /* only its crc has a field of that name here */
    }
    walk(&view, &producer_snapshot_layout, 1, on_field);
    if (view.shown < view.bytes.size)
        rest(&view, view.shown, "behind the producers");
    return true;
}

/* ---- text files ---- */

static const struct { const char *name, *first, *second, *then; } texts[] = { /* what the first line is, the second, the others */
    { "leader-epoch-checkpoint", "version", "number of entries", "leader epoch, its first offset" },
    { "recovery-point-offset-checkpoint", "version", "number of entries", "topic, partition, offset" },
    { "replication-offset-checkpoint", "version", "number of entries", "topic, partition, high watermark" },
    { "log-start-offset-checkpoint", "version", "number of entries", "topic, partition, log start offset" },
    { "cleaner-offset-checkpoint", "version", "number of entries", "topic, partition, first offset not cleaned" },
    { "partition.metadata", "version", "topic id", "" },
    { "meta.properties", "", "", "" },
    { "quorum-state", "", "", "" },
    { ".kafka_cleanshutdown", "", "", "" },
};

static bool show_text(struct hexdump *hexdump, struct dump_file *file, size_t kind)
{
    struct bytes bytes;
    size_t at = 0;

    if (!dump_bytes(&hexdump->dump, file, 0, file->size < 1 << 20 ? (size_t)file->size : 1 << 20, &bytes))
        return false;
    for (int number = 0; at < bytes.size; number++) {
        const uint8_t *end = memchr(bytes.data + at, '\n', bytes.size - at);
        size_t size = end ? (size_t)(end - bytes.data) - at : bytes.size - at;
        const char *words = number == 0 ? texts[kind].first : number == 1 ? texts[kind].second : texts[kind].then;
        struct text text = { 0 };

        text_escaped(&text, (struct bytes){ bytes.data + at, size });
        if ((int64_t)at >= hexdump->from && (int64_t)at < hexdump->to) {
            if (words[0])
                text_printf(&hexdump->dump.out, " %08zx  %-40s  %s\n", at, text_chars(&text), words);
            else
                text_printf(&hexdump->dump.out, " %08zx  %s\n", at, text_chars(&text));
        }
        text_done(&text);
        at += size + 1;
        if (!dump_flush(&hexdump->dump, false))
            return false;
    }
    return true;
}

/* ---- */

bool hexdump_file(struct hexdump *hexdump, struct dump_file *file, bool *known)
{
    const char *slash = strrchr(file->path, '/'), *name = slash ? slash + 1 : file->path;
    const char *dot = strchr(name, '.');

    *known = true;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (text_equal(name, texts[i].name))
            return show_text(hexdump, file, i);
    if (dot && (text_starts(dot, ".log") || text_equal(dot, ".checkpoint")))
        return show_batches(hexdump, file, dump_family_of(file->path));
    if (dot && text_starts(dot, ".index"))
        return show_entries(hexdump, file, &offset_entry_layout, 8);
    if (dot && text_starts(dot, ".timeindex"))
        return show_entries(hexdump, file, &time_entry_layout, 12);
    if (dot && text_starts(dot, ".txnindex"))
        return show_entries(hexdump, file, &aborted_entry_layout, 34);
    if (dot && text_starts(dot, ".snapshot"))
        return show_snapshot(hexdump, file);
    *known = false;
    return true;
}
