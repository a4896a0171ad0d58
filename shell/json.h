/* Reads the JSON files that some of Kafka's tools take. Read whole before use, bounded in size and depth. */
#pragma once
#include "sim/base/mem.h"

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_TEXT, JSON_ARRAY, JSON_OBJECT };
struct json {
    enum json_type type;
    const char *text;      /* of a text, without escapes; of a number, as it was written */
    const char *name;      /* as a member of an object */
    struct json *items;    /* of an array or an object, the first; the others by `next` */
    struct json *next;
};
/* NULL: no valid JSON, or nested too deeply. All in the arena. */
struct json *json_parse(struct arena *arena, const char *text);
const struct json *json_get(const struct json *object, const char *name); /* the last of that name; NULL: none, or no object */
bool json_i64(const struct json *value, int64_t *out);                    /* false: no whole number */
