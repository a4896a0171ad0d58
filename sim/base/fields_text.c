/* Messages as text for people, and as JSON. */
#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/fields_internal.h"

static void add_base64(struct text *out, struct bytes bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    text_char(out, '"');
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t v = (uint32_t)bytes.data[i] << 16 | (left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0) |
                     (left > 2 ? bytes.data[i + 2] : 0);

        text_char(out, digits[v >> 18]);
        text_char(out, digits[v >> 12 & 63]);
        text_char(out, left > 1 ? digits[v >> 6 & 63] : '=');
        text_char(out, left > 2 ? digits[v & 63] : '=');
    }
    text_char(out, '"');
}

static void add_hex(struct text *out, struct bytes bytes)
{
    enum { SHOWN = 32 };

    text_printf(out, "%zu %s", bytes.size, bytes.size == 1 ? "byte" : "bytes");
    for (size_t i = 0; i < bytes.size && i < SHOWN; i++)
        text_printf(out, "%s%02x", i ? "" : ": ", bytes.data[i]);
    if (bytes.size > SHOWN)
        text_add(out, "...");
}

static void add_string(struct text *out, const char *string, enum form form)
{
    if (!string) {
        text_add(out, "null");
    } else if (form == FORM_JSON) {
        text_json(out, bytes_text(string));
    } else {
        text_char(out, '"');
        text_escaped(out, bytes_text(string));
        text_char(out, '"');
    }
}

static void add_uuid(struct text *out, const struct uuid *uuid, enum form form)
{
    char chars[UUID_TEXT];

    uuid_text(*uuid, chars);
    text_printf(out, form == FORM_JSON ? "\"%s\"" : "%s", chars);
}

/* As Java's Double.toString: the fewest digits that give the same number again, with a point in any case, and an exponent from 10^7 on and
 * below 10^-3. Kafka's own JSON has it so. */
static void add_java_double(struct text *out, double value)
{
    char digits[40] = "0", *e;
    int exponent, count;

    if (value != value || value - value != 0) {
        text_add(out, value != value ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        return;
    }
    for (int precision = 0; precision < 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*e", precision, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    e = strchr(digits, 'e');
    exponent = atoi(e + 1);
    *e = 0;
    count = (int)strlen(digits) - (digits[0] == '-') - 1; /* behind the first, with the point */
    if (value == 0 || (exponent >= -3 && exponent < 7))
        text_printf(out, "%.*f", count - 1 > exponent ? (count > 0 ? count - 1 - exponent : exponent < 0 ? -exponent : 1) : 1, value);
    else
        text_printf(out, "%s%sE%d", digits, count > 0 ? "" : ".0", exponent);
}

void field_add_value(struct text *out, uint8_t type, const void *at, enum form form)
{
    const struct bytes *bytes = at;
    const struct records *records = at;

    switch (type) {
    case T_BOOL: text_add(out, *(const bool *)at ? "true" : "false"); break;
    case T_INT8: text_printf(out, "%d", *(const int8_t *)at); break;
    case T_INT16: text_printf(out, "%d", *(const int16_t *)at); break;
    case T_UINT16: text_printf(out, "%u", *(const uint16_t *)at); break;
    case T_INT32:
    case T_VARINT: text_printf(out, "%" PRId32, *(const int32_t *)at); break;
    case T_UINT32: text_printf(out, "%" PRIu32, *(const uint32_t *)at); break;
    case T_INT64:
    case T_VARLONG: text_printf(out, "%" PRId64, *(const int64_t *)at); break;
    case T_FLOAT64:
        if (form == FORM_JSON)
            add_java_double(out, *(const double *)at);
        else
            text_printf(out, "%.17g", *(const double *)at);
        break;
    case T_UUID: add_uuid(out, at, form); break;
    case T_STRING: add_string(out, *(const char *const *)at, form); break;
    case T_BYTES:
        if (!bytes->data)
            text_add(out, "null");
        else if (form == FORM_JSON)
            add_base64(out, *bytes);
        else
            add_hex(out, *bytes);
        break;
    case T_RECORDS:
        if (records_are_null(records))
            text_add(out, "null");
        else
            text_printf(out, form == FORM_JSON ? "%" PRId32 : "%" PRId32 " bytes", records->size);
        break;
    default: assert(!"a struct is no single value");
    }
}

/* ---- dumps ---- */

static void dump_fields(const struct field *fields, int16_t version, const void *in,
                        struct text *out, int indent, bool first_stands);

static void dump_indent(struct text *out, int indent)
{
    for (int i = 0; i < indent; i++)
        text_add(out, "  ");
}

static void dump_array(const struct field *field, int16_t version, const struct any_array *array,
                       struct text *out, int indent)
{
    bool structs = field->type == T_STRUCT && array->count > 0;

    text_add(out, array->count < 0 ? " null" : structs ? "" : " [");
    for (int32_t i = 0; i < array->count; i++) {
        const void *at = (const char *)array->items + (size_t)i * field_item_size(field);

        if (structs) {
            text_char(out, '\n');
            dump_indent(out, indent + 1);
            text_add(out, "- ");
            dump_fields(field->fields, version, at, out, indent + 2, true);
            continue;
        }
        if (i)
            text_add(out, ", ");
        field_add_value(out, field->type, at, FORM_TEXT);
    }
    if (array->count >= 0 && !structs)
        text_char(out, ']');
}

static void dump_field(const struct field *field, int16_t version, const void *at, struct text *out,
                       int indent)
{
    const void *inner = field_is_pointer(field) ? *(const void *const *)at : at;

    text_printf(out, "%s:", field->name);
    if (field->array) {
        dump_array(field, version, at, out, indent);
    } else if (!inner) {
        text_add(out, " null");
    } else if (field->type == T_STRUCT) {
        text_char(out, '\n');
        dump_fields(field->fields, version, inner, out, indent + 1, false);
    } else {
        text_char(out, ' ');
        field_add_value(out, field->type, at, FORM_TEXT);
    }
}

/* Lines without the newline of the last; the first may stand behind "- " already. */
static void dump_fields(const struct field *fields, int16_t version, const void *in,
                        struct text *out, int indent, bool first_stands)
{
    bool first = true;

    for (const struct field *field = fields; field->name; field++) {
        if (!field_is_sent(field, version, in))
            continue;
        if (!first)
            text_char(out, '\n');
        if (!first || !first_stands)
            dump_indent(out, indent);
        first = false;
        dump_field(field, version, (const char *)in + field->offset, out, indent);
    }
}

void fields_dump(const struct message *message, int16_t version, const void *in, struct text *out)
{
    size_t before = out->size;

    dump_fields(message->fields, version, in, out, 0, false);
    if (out->size > before)
        text_char(out, '\n');
}

static void json_fields(const struct field *fields, int16_t version, const void *in, struct text *out);

static void json_name(const struct field *field, const void *at, struct text *out)
{
    text_char(out, '"');
    for (const char *p = field->name; *p; p++) {
        if (*p == '_' && p[1])
            text_char(out, (char)toupper((unsigned char)*++p));
        else
            text_char(out, *p);
    }
    /* Kafka's own JSON never holds records, only how many bytes they are. */
    text_add(out, field->type == T_RECORDS && !records_are_null(at) ? "SizeInBytes\":" : "\":");
}

static void json_value(const struct field *field, int16_t version, const void *at, struct text *out)
{
    if (field->type == T_STRUCT)
        json_fields(field->fields, version, at, out);
    else
        field_add_value(out, field->type, at, FORM_JSON);
}

static void json_field(const struct field *field, int16_t version, const void *at, struct text *out)
{
    const struct any_array *array = at;
    const void *inner = field_is_pointer(field) ? *(const void *const *)at : at;

    json_name(field, at, out);
    if (!inner || (field->array && array->count < 0)) {
        text_add(out, "null");
    } else if (!field->array) {
        json_value(field, version, inner, out);
    } else {
        text_char(out, '[');
        for (int32_t i = 0; i < array->count; i++) {
            if (i)
                text_char(out, ',');
            json_value(field, version, (const char *)array->items + (size_t)i * field_item_size(field), out);
        }
        text_char(out, ']');
    }
}

static void json_fields(const struct field *fields, int16_t version, const void *in, struct text *out)
{
    bool first = true;

    text_char(out, '{');
    for (const struct field *field = fields; field->name; field++) {
        if (!field_is_sent(field, version, in))
            continue;
        if (!first)
            text_char(out, ',');
        first = false;
        json_field(field, version, (const char *)in + field->offset, out);
    }
    text_char(out, '}');
}

void fields_json(const struct message *message, int16_t version, const void *in, struct text *out)
{
    json_fields(message->fields, version, in, out);
}
