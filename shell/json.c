#include "shell/json.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/text.h"

enum { MOST_DEPTH = 64 };

struct json_reader {
    struct arena *arena;
    const char *at;
    int depth;
};

static void skip_blanks(struct json_reader *reader)
{
    reader->at += strspn(reader->at, " \t\r\n");
}

static bool take(struct json_reader *reader, char c)
{
    skip_blanks(reader);
    if (*reader->at != c)
        return false;
    reader->at++;
    return true;
}

static void add_utf8(struct text *text, uint32_t code)
{
    if (code < 0x80) {
        text_char(text, (char)code);
    } else if (code < 0x800) {
        text_char(text, (char)(0xc0 | code >> 6));
        text_char(text, (char)(0x80 | (code & 0x3f)));
    } else {
        text_char(text, (char)(0xe0 | code >> 12));
        text_char(text, (char)(0x80 | (code >> 6 & 0x3f)));
        text_char(text, (char)(0x80 | (code & 0x3f)));
    }
}

static bool read_escape(struct json_reader *reader, struct text *text)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found = *reader->at ? strchr(from, *reader->at) : NULL;
    char digits[5] = "", *end;
    uint32_t code;

    if (found) {
        text_char(text, to[found - from]);
        reader->at++;
        return true;
    }
    if (*reader->at != 'u' || strspn(reader->at + 1, "0123456789abcdefABCDEF") < 4)
        return false;
    memcpy(digits, reader->at + 1, 4);
    code = (uint32_t)strtoul(digits, &end, 16);
    reader->at += 5;
    if (!code || (code >= 0xd800 && code < 0xe000))
        return false; /* no name here needs a NUL or what lies beyond the first plane */
    add_utf8(text, code);
    return true;
}

static const char *read_text(struct json_reader *reader)
{
    struct text text = { 0 };
    bool ok = take(reader, '"');
    const char *out = NULL;

    while (ok && *reader->at != '"') {
        if ((unsigned char)*reader->at < ' ')
            ok = false; /* the end, too */
        else if (*reader->at != '\\')
            text_char(&text, *reader->at++);
        else
            reader->at++, ok = read_escape(reader, &text);
    }
    if (ok) {
        reader->at++;
        out = arena_text(reader->arena, text_chars(&text), text.size);
    }
    text_done(&text);
    return out;
}

static bool read_number(struct json_reader *reader, struct json *out)
{
    const char *from = reader->at, *digits = from + (*from == '-');
    size_t size = strspn(digits, "0123456789");

    reader->at = digits + size;
    if (!size || (size > 1 && *digits == '0'))
        return false;
    if (*reader->at == '.') {
        size = strspn(++reader->at, "0123456789");
        reader->at += size;
        if (!size)
            return false;
    }
    if (*reader->at == 'e' || *reader->at == 'E') {
        reader->at++;
        reader->at += *reader->at == '+' || *reader->at == '-';
        size = strspn(reader->at, "0123456789");
        reader->at += size;
        if (!size)
            return false;
    }
    out->type = JSON_NUMBER;
    out->text = arena_text(reader->arena, from, (size_t)(reader->at - from));
    return true;
}

static bool read_word(struct json_reader *reader, struct json *out)
{
    static const struct { const char *word; enum json_type type; } words[] = { { "null", JSON_NULL }, { "false", JSON_FALSE }, { "true", JSON_TRUE } };

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (text_starts(reader->at, words[i].word)) {
            reader->at += strlen(words[i].word);
            out->type = words[i].type;
            return true;
        }
    return read_number(reader, out);
}

static bool read_value(struct json_reader *reader, struct json *out);

static bool read_items(struct json_reader *reader, struct json *out)
{
    char end = out->type == JSON_OBJECT ? '}' : ']';
    struct json **last = &out->items;

    if (take(reader, end))
        return true;
    do {
        struct json *item = arena_alloc(reader->arena, sizeof(*item));

        if (out->type == JSON_OBJECT && (!(item->name = read_text(reader)) || !take(reader, ':')))
            return false;
        if (!read_value(reader, item))
            return false;
        *last = item;
        last = &item->next;
    } while (take(reader, ','));
    return take(reader, end);
}

static bool read_value(struct json_reader *reader, struct json *out)
{
    bool ok;

    skip_blanks(reader);
    if (*reader->at == '"') {
        out->type = JSON_TEXT;
        out->text = read_text(reader);
        return out->text != NULL;
    }
    if (*reader->at != '{' && *reader->at != '[')
        return read_word(reader, out);
    out->type = *reader->at++ == '{' ? JSON_OBJECT : JSON_ARRAY;
    ok = ++reader->depth <= MOST_DEPTH && read_items(reader, out);
    reader->depth--;
    return ok;
}

struct json *json_parse(struct arena *arena, const char *text)
{
    struct json_reader reader = { .arena = arena, .at = text };
    struct json *out = arena_alloc(arena, sizeof(*out));

    if (!read_value(&reader, out))
        return NULL;
    skip_blanks(&reader);
    return *reader.at ? NULL : out;
}

const struct json *json_get(const struct json *object, const char *name)
{
    const struct json *found = NULL;

    if (object && object->type == JSON_OBJECT)
        for (const struct json *item = object->items; item; item = item->next)
            if (!strcmp(item->name, name))
                found = item;
    return found;
}

bool json_i64(const struct json *value, int64_t *out)
{
    return value && value->type == JSON_NUMBER && parse_i64(value->text, out);
}
