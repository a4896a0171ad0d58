/* What fields.c and fields_text.c share. */
#pragma once
#include "sim/base/fields.h"

/* What every array looks like, whatever its items are. */
struct any_array {
    void *items;
    int32_t count;
};

static inline bool field_in_version(const struct field *field, int16_t version)
{
    return field->since <= version && version <= field->until;
}

static inline bool field_is_tagged(const struct field *field, int16_t version)
{
    return field->tag >= 0 && version >= field->tag_since;
}

/* A struct that may be null is reached by a pointer, in all versions. */
static inline bool field_is_pointer(const struct field *field)
{
    return field->type == T_STRUCT && !field->array && field->null_since != NOT_NULL;
}

static inline bool records_are_null(const struct records *records)
{
    return !records->data && !records->file;
}

size_t field_item_size(const struct field *field);
/* Whether the field is in what that version would send of the struct `in`. */
bool field_is_sent(const struct field *field, int16_t version, const void *in);

enum form { FORM_TEXT, FORM_JSON };
/* Any value but a struct. */
void field_add_value(struct text *out, uint8_t type, const void *at, enum form form);
