/* Text: a growing string, escaping of what comes from outside, numbers, durations, times, UUIDs, widths. */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/bytes.h"

struct text { /* owns data, which always ends with NUL once something was added; all zero is an empty one */
    char *data;
    size_t size, capacity;
};
void text_done(struct text *text);
void text_clear(struct text *text);
const char *text_chars(const struct text *text);   /* "" when empty; valid until the next change */
char *text_take(struct text *text);                /* the string, the caller's from now on; text is empty again */
void text_add(struct text *text, const char *chars);
void text_add_size(struct text *text, const char *chars, size_t size);
void text_char(struct text *text, char c);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vprintf(struct text *text, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
/* Foreign bytes as a terminal may show them: valid printable UTF-8 stays, all else becomes \n, \t, \xNN. */
void text_escaped(struct text *text, struct bytes bytes);
/* How many bytes at p, of one or more, are one character, or by their number negative one broken piece, as java.lang.String decodes UTF-8. */
int text_utf8_piece(const uint8_t *p, const uint8_t *end);
/* As a JSON string with its quotes; a broken piece becomes U+FFFD. */
void text_json(struct text *text, struct bytes bytes);

bool text_equal(const char *a, const char *b);     /* NULL equals NULL only */
bool text_starts(const char *text, const char *start);
bool text_ends(const char *text, const char *end);
/* Shell pattern: * ? [..]. */
bool text_matches(const char *text, const char *pattern);
/* Columns on a terminal (wide characters count 2, combining 0); invalid bytes count 4 each, as escaped. */
int text_width(const char *text);

/* Whole text must be the number; false otherwise, *out untouched. */
bool parse_i64(const char *text, int64_t *out);
bool parse_i32(const char *text, int32_t *out);
bool parse_double(const char *text, double *out);
bool parse_bool(const char *text, bool *out);      /* true, false in any case */

/* "30s", "1.5h", "7d", "250ms", "10m", "2w"; a bare number is seconds. In microseconds; false for anything else or overflow. */
bool parse_duration(const char *text, int64_t *us);
/* "2026-01-01T00:00:00Z", "2026-01-01 10:00:00.5", "10:05:30" (that day's, of `now_us`). UTC. In microseconds since 1970. */
bool parse_time(const char *text, int64_t now_us, int64_t *us);

/* "9.8 s", "1 min 30 s", "2 h 5 min", "7 days": at most two units, for people. */
void text_duration(struct text *text, int64_t us);
void text_bytes_size(struct text *text, int64_t bytes);   /* "1932 B", "10.0 MB" */
enum { TIME_CLOCK = 1, TIME_TENTHS = 2, TIME_MILLIS = 4, TIME_DATE = 8 };
/* "10:03:34", ".2", ".234", "2026-01-01 " as asked, UTC. */
void text_time(struct text *text, int64_t us, int parts);

struct uuid {
    uint8_t bytes[16];
};
enum { UUID_TEXT = 23 };                                   /* 22 characters and NUL */
void uuid_text(struct uuid uuid, char out[UUID_TEXT]);     /* base64url without padding, as Kafka prints its ids */
void uuid_dashed(struct uuid uuid, char out[37]);          /* 8-4-4-4-12, as java.util.UUID prints */
bool uuid_parse(const char *text, struct uuid *out);
bool uuid_is_zero(struct uuid uuid);
bool uuid_equal(struct uuid a, struct uuid b);
struct random;
struct uuid uuid_random(struct random *random);            /* version 4; never one that starts with '-' (org.apache.kafka.common.Uuid) */

/* Where `name` stands, or would stand, in an array sorted by name; name_at() tells that of its i-th. */
size_t text_place(const char *name, const void *array, size_t count, const char *(*name_at)(const void *array, size_t i), bool *found);

/* A pattern of java.util.regex as an extended one of POSIX that has to match the whole: \d, \D and (?: are put in its words, lazy repeats lose their mark;
 * \w, \s and the rest of what the names of topics and groups need are the same in glibc. The caller's. */
char *text_posix_pattern(const char *java);

uint32_t java_hash(const char *text);                      /* String.hashCode over UTF-16 units */
uint32_t murmur2(struct bytes bytes);                      /* org.apache.kafka.common.utils.Utils.murmur2 */
