/* Growing strings, escaping, numbers, durations, times, UUIDs, hashes. */
#include "sim/base/text.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/random.h"

/* ---- the growing string ---- */

void text_done(struct text *text)
{
    mem_free(text->data);
    *text = (struct text){ 0 };
}

void text_clear(struct text *text)
{
    text->size = 0;
    if (text->data)
        *text->data = 0;
}

const char *text_chars(const struct text *text)
{
    return text->data ? text->data : "";
}

char *text_take(struct text *text)
{
    char *data = text->data ? text->data : mem_text("");

    *text = (struct text){ 0 };
    return data;
}

static void make_room(struct text *text, size_t size)
{
    size_t capacity = text->capacity ? text->capacity : 64;

    if (text->capacity - text->size > size)
        return;
    while (capacity - text->size <= size)
        capacity *= 2;
    text->data = mem_resize(text->data, capacity);
    text->capacity = capacity;
}

void text_add_size(struct text *text, const char *chars, size_t size)
{
    make_room(text, size);
    if (size)
        memcpy(text->data + text->size, chars, size);
    text->size += size;
    text->data[text->size] = 0;
}

void text_add(struct text *text, const char *chars)
{
    if (chars)
        text_add_size(text, chars, strlen(chars));
}

void text_char(struct text *text, char c)
{
    text_add_size(text, &c, 1);
}

void text_vprintf(struct text *text, const char *format, va_list args)
{
    va_list again;
    int size;

    va_copy(again, args);
    make_room(text, 64);
    size = vsnprintf(text->data + text->size, text->capacity - text->size, format, args);
    if (size > 0 && (size_t)size >= text->capacity - text->size) {
        make_room(text, (size_t)size);
        vsnprintf(text->data + text->size, text->capacity - text->size, format, again);
    }
    if (size > 0)
        text->size += (size_t)size;
    va_end(again);
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    text_vprintf(text, format, args);
    va_end(args);
}

/* ---- characters ---- */

/* The character at `p` and its bytes; 0 bytes if this is no valid UTF-8. */
static size_t utf8_next(const uint8_t *p, const uint8_t *end, uint32_t *out)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t size = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;
    uint32_t c = size == 1 ? *p : *p & (0x7fu >> size);

    if (!size || (size_t)(end - p) < size)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[size] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    *out = c;
    return size;
}

struct range {
    uint32_t first, last;
};

static bool in_ranges(uint32_t c, const struct range *ranges, size_t count)
{
    size_t low = 0;

    while (low < count) {
        size_t middle = (low + count) / 2;

        if (c < ranges[middle].first)
            count = middle;
        else if (c > ranges[middle].last)
            low = middle + 1;
        else
            return true;
    }
    return false;
}
#define IN_RANGES(c, ranges) in_ranges((c), (ranges), sizeof(ranges) / sizeof(*(ranges)))

/* Controls, and what turns the direction of writing or hides: a file could use it to lie on a terminal. */
static bool printable(uint32_t c)
{
    static const struct range hidden[] = {
        { 0, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x61c, 0x61c }, { 0x180e, 0x180e }, { 0x200b, 0x200c },
        { 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xe000, 0xf8ff }, { 0xfdd0, 0xfdef },
        { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xfffe, 0xffff }, { 0xe0000, 0xe00ff }, { 0xe01f0, 0x10ffff },
    };

    return !IN_RANGES(c, hidden);
}

static int char_width(uint32_t c)
{
    static const struct range combining[] = {
        { 0x300, 0x36f }, { 0x483, 0x489 }, { 0x591, 0x5bd }, { 0x5bf, 0x5bf }, { 0x5c1, 0x5c2 }, { 0x5c4, 0x5c5 },
        { 0x5c7, 0x5c7 }, { 0x610, 0x61a }, { 0x64b, 0x65f }, { 0x670, 0x670 }, { 0x6d6, 0x6dc }, { 0x6df, 0x6e4 },
        { 0x6e7, 0x6e8 }, { 0x6ea, 0x6ed }, { 0x900, 0x902 }, { 0x93a, 0x93a }, { 0x93c, 0x93c }, { 0x941, 0x948 },
        { 0x94d, 0x94d }, { 0xe31, 0xe31 }, { 0xe34, 0xe3a }, { 0xe47, 0xe4e }, { 0x1160, 0x11ff }, { 0x1ab0, 0x1aff },
        { 0x1dc0, 0x1dff }, { 0x200d, 0x200d }, { 0x20d0, 0x20f0 }, { 0x302a, 0x302d }, { 0x3099, 0x309a },
        { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xe0100, 0xe01ef },
    };
    static const struct range wide[] = {
        { 0x1100, 0x115f }, { 0x231a, 0x231b }, { 0x2329, 0x232a }, { 0x23e9, 0x23ec }, { 0x23f0, 0x23f0 },
        { 0x23f3, 0x23f3 }, { 0x25fd, 0x25fe }, { 0x2614, 0x2615 }, { 0x2648, 0x2653 }, { 0x267f, 0x267f },
        { 0x2693, 0x2693 }, { 0x26a1, 0x26a1 }, { 0x26aa, 0x26ab }, { 0x26bd, 0x26be }, { 0x26c4, 0x26c5 },
        { 0x26ce, 0x26ce }, { 0x26d4, 0x26d4 }, { 0x26ea, 0x26ea }, { 0x26f2, 0x26f3 }, { 0x26f5, 0x26f5 },
        { 0x26fa, 0x26fa }, { 0x26fd, 0x26fd }, { 0x2705, 0x2705 }, { 0x270a, 0x270b }, { 0x2728, 0x2728 },
        { 0x274c, 0x274c }, { 0x274e, 0x274e }, { 0x2753, 0x2755 }, { 0x2757, 0x2757 }, { 0x2795, 0x2797 },
        { 0x27b0, 0x27b0 }, { 0x27bf, 0x27bf }, { 0x2b1b, 0x2b1c }, { 0x2b50, 0x2b50 }, { 0x2b55, 0x2b55 },
        { 0x2e80, 0x303e }, { 0x3041, 0x33ff }, { 0x3400, 0x4dbf }, { 0x4e00, 0x9fff }, { 0xa000, 0xa4cf },
        { 0xa960, 0xa97f }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe10, 0xfe19 }, { 0xfe30, 0xfe6f },
        { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x16fe0, 0x18cff }, { 0x1b000, 0x1b2ff }, { 0x1f004, 0x1f004 },
        { 0x1f0cf, 0x1f0cf }, { 0x1f18e, 0x1f18e }, { 0x1f191, 0x1f19a }, { 0x1f200, 0x1f320 }, { 0x1f32d, 0x1f335 },
        { 0x1f337, 0x1f37c }, { 0x1f37e, 0x1f393 }, { 0x1f3a0, 0x1f3ca }, { 0x1f3cf, 0x1f3d3 }, { 0x1f3e0, 0x1f3f0 },
        { 0x1f3f4, 0x1f3f4 }, { 0x1f3f8, 0x1f43e }, { 0x1f440, 0x1f440 }, { 0x1f442, 0x1f4fc }, { 0x1f4ff, 0x1f53d },
        { 0x1f54b, 0x1f54e }, { 0x1f550, 0x1f567 }, { 0x1f57a, 0x1f57a }, { 0x1f595, 0x1f596 }, { 0x1f5a4, 0x1f5a4 },
        { 0x1f5fb, 0x1f64f }, { 0x1f680, 0x1f6c5 }, { 0x1f6cc, 0x1f6cc }, { 0x1f6d0, 0x1f6d2 }, { 0x1f6d5, 0x1f6d7 },
        { 0x1f6dc, 0x1f6df }, { 0x1f6eb, 0x1f6ec }, { 0x1f6f4, 0x1f6fc }, { 0x1f7e0, 0x1f7eb }, { 0x1f7f0, 0x1f7f0 },
        { 0x1f90c, 0x1f93a }, { 0x1f93c, 0x1f945 }, { 0x1f947, 0x1f9ff }, { 0x1fa70, 0x1faff }, { 0x20000, 0x3fffd },
    };

    if (c < 0x300)
        return 1;
    return IN_RANGES(c, combining) ? 0 : IN_RANGES(c, wide) ? 2 : 1;
}

void text_escaped(struct text *text, struct bytes bytes)
{
    const uint8_t *p = bytes.data, *end = p ? p + bytes.size : p;

    while (p < end) {
        uint32_t c;
        size_t size = utf8_next(p, end, &c);

        if (size && printable(c)) {
            text_add_size(text, (const char *)p, size);
            p += size;
            continue;
        }
        for (size = size ? size : 1; size; size--, p++) {
            if (*p == '\n' || *p == '\t')
                text_add(text, *p == '\n' ? "\\n" : "\\t");
            else
                text_printf(text, "\\x%02x", *p);
        }
    }
}

int text_width(const char *chars)
{
    const uint8_t *p = (const uint8_t *)chars, *end = p + strlen(chars);
    int width = 0;

    while (p < end) {
        uint32_t c;
        size_t size = utf8_next(p, end, &c);

        if (size && printable(c))
            width += char_width(c);
        else if (*p == '\n' || *p == '\t')
            width += 2;
        else
            width += size ? 4 * (int)size : 4;
        p += size ? size : 1;
    }
    return width;
}

static bool continues(const uint8_t *p, const uint8_t *end)
{
    return p < end && (*p & 0xc0) == 0x80;
}

int text_utf8_piece(const uint8_t *p, const uint8_t *end)
{
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return continues(p + 1, end) ? 2 : -1;
    if (p[0] >= 0xe0 && p[0] <= 0xef) {
        if (p + 1 < end && (!continues(p + 1, end) || (p[0] == 0xe0 && p[1] < 0xa0)))
            return -1;
        if (!continues(p + 1, end) || !continues(p + 2, end))
            return p + 1 >= end ? -1 : -2;
        return p[0] == 0xed && p[1] >= 0xa0 ? -3 : 3; /* a surrogate */
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        if (p + 1 < end && (!continues(p + 1, end) || (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)))
            return -1;
        if (p + 1 >= end)
            return -1;
        if (!continues(p + 2, end))
            return -2;
        return continues(p + 3, end) ? 4 : -3;
    }
    return -1;
}

void text_json(struct text *text, struct bytes bytes)
{
    static const char letters[] = "\"\\\n\r\t\b\f", escapes[] = "\"\\nrtbf";
    const uint8_t *p = bytes.data, *end = p ? p + bytes.size : p;

    if (!p) {
        text_add(text, "null");
        return;
    }
    text_char(text, '"');
    while (p < end) {
        uint32_t c = 0;
        size_t size = utf8_next(p, end, &c);
        const char *letter = size && c && c < 0x80 ? strchr(letters, (int)c) : NULL;

        if (!size)
            text_add(text, "\\ufffd");
        else if (letter)
            text_printf(text, "\\%c", escapes[letter - letters]);
        else if (c < 0x10000 && !printable(c))
            text_printf(text, "\\u%04x", c);
        else if (!printable(c))
            text_printf(text, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff));
        else
            text_add_size(text, (const char *)p, size);
        p += size ? size : (size_t)-text_utf8_piece(p, end);
    }
    text_char(text, '"');
}

bool text_equal(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

bool text_starts(const char *text, const char *start)
{
    return text && !strncmp(text, start, strlen(start));
}

bool text_ends(const char *text, const char *end)
{
    size_t size = text ? strlen(text) : 0, end_size = strlen(end);

    return text && size >= end_size && !strcmp(text + size - end_size, end);
}

bool text_matches(const char *text, const char *pattern)
{
    return !fnmatch(pattern, text, 0);
}

/* ---- numbers ---- */

bool parse_i64(const char *text, int64_t *out)
{
    const char *digits = text ? text + (*text == '-' || *text == '+') : "";
    char *end;
    long long v;

    if (!isdigit((unsigned char)*digits))
        return false;
    errno = 0;
    v = strtoll(text, &end, 10);
    if (errno || *end)
        return false;
    *out = v;
    return true;
}

bool parse_i32(const char *text, int32_t *out)
{
    int64_t v;

    if (!parse_i64(text, &v) || v < INT32_MIN || v > INT32_MAX)
        return false;
    *out = (int32_t)v;
    return true;
}

bool parse_double(const char *text, double *out)
{
    char *end;
    double v;

    if (!text || !*text || text[strspn(text, "0123456789+-.eE")])
        return false; /* strtod takes more: blanks, hexadecimal, inf, nan */
    v = strtod(text, &end);
    if (end == text || *end || !isfinite(v))
        return false;
    *out = v;
    return true;
}

bool parse_bool(const char *text, bool *out)
{
    if (!text || (strcasecmp(text, "true") && strcasecmp(text, "false")))
        return false;
    *out = !strcasecmp(text, "true");
    return true;
}

/* ---- durations and times ---- */

enum { US_PER_MS = 1000, US_PER_S = 1000000 };
static const int64_t US_PER_DAY = 86400 * (int64_t)US_PER_S;

static const struct {
    const char *name;
    int64_t us;
} units[] = {
    { "us", 1 },
    { "ms", US_PER_MS },
    { "", US_PER_S },
    { "s", US_PER_S },
    { "m", 60 * (int64_t)US_PER_S },
    { "min", 60 * (int64_t)US_PER_S },
    { "h", 3600 * (int64_t)US_PER_S },
    { "d", 86400 * (int64_t)US_PER_S },
    { "w", 7 * 86400 * (int64_t)US_PER_S },
};

/* Digits with perhaps a part behind a point, as whole and millionths; NULL: none. */
static const char *parse_decimal(const char *at, int64_t *whole, int64_t *millionths)
{
    const char *start = at;
    int64_t scale = 100000;

    *whole = *millionths = 0;
    for (; isdigit((unsigned char)*at); at++)
        if (__builtin_mul_overflow(*whole, 10, whole) || __builtin_add_overflow(*whole, *at - '0', whole))
            return NULL;
    if (at == start)
        return NULL;
    if (*at != '.')
        return at;
    if (!isdigit((unsigned char)*++at))
        return NULL;
    for (; isdigit((unsigned char)*at); at++, scale /= 10)
        *millionths += scale * (*at - '0');
    return at;
}

bool parse_duration(const char *text, int64_t *us)
{
    int64_t whole, millionths, result;
    const char *unit = text ? parse_decimal(text, &whole, &millionths) : NULL;

    if (!unit)
        return false;
    unit += *unit == ' ' && unit[1];
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        if (strcmp(unit, units[i].name))
            continue;
        /* millionths * a week is far below the limit */
        if (__builtin_mul_overflow(whole, units[i].us, &result) ||
            __builtin_add_overflow(result, millionths * units[i].us / 1000000, &result))
            return false;
        *us = result;
        return true;
    }
    return false;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar, with years that begin in March. */
static int64_t days_of(int64_t year, int month, int day)
{
    int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;

    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = y + era * 400 + (*month <= 2);
}

static int64_t floor_days(int64_t us)
{
    return us / US_PER_DAY - (us % US_PER_DAY < 0);
}

static int two_digits(const char *at)
{
    return isdigit((unsigned char)at[0]) && isdigit((unsigned char)at[1]) ? (at[0] - '0') * 10 + at[1] - '0' : -1;
}

/* "10:05", "10:05:30", "10:05:30.5"; NULL: none. */
static const char *parse_clock(const char *at, int64_t *us)
{
    int hours = two_digits(at), minutes;
    int64_t seconds = 0, millionths = 0;

    if (hours < 0 || hours > 23 || at[2] != ':' || (minutes = two_digits(at + 3)) < 0 || minutes > 59)
        return NULL;
    at += 5;
    if (*at == ':') {
        if (two_digits(at + 1) < 0 || !(at = parse_decimal(at + 1, &seconds, &millionths)) || seconds > 59)
            return NULL;
    }
    *us = ((hours * 60 + minutes) * 60 + seconds) * US_PER_S + millionths;
    return at;
}

bool parse_time(const char *text, int64_t now_us, int64_t *us)
{
    static const int lengths[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int64_t day = floor_days(now_us), of_day = 0;
    const char *at = text;

    if (!text)
        return false;
    if (strlen(text) >= 10 && text[4] == '-') {
        int century = two_digits(text), year = two_digits(text + 2), month = two_digits(text + 5), d = two_digits(text + 8);

        if (century < 0 || year < 0 || month < 1 || month > 12 || text[7] != '-' || d < 1 || d > lengths[month - 1])
            return false;
        year += century * 100;
        if (month == 2 && d == 29 && (year % 4 || (year % 100 == 0 && year % 400)))
            return false;
        day = days_of(year, month, d);
        at += 10;
        if ((*at == 'T' || *at == ' ') && at[1])
            at++;
        else if (*at)
            return false;
    }
    if (*at || at == text)
        at = parse_clock(at, &of_day);
    if (!at || strcmp(at + (*at == 'Z'), ""))
        return false;
    *us = day * US_PER_DAY + of_day;
    return true;
}

void text_duration(struct text *text, int64_t us)
{
    uint64_t left = us < 0 ? -(uint64_t)us : (uint64_t)us, s = left / US_PER_S;
    static const struct {
        uint64_t s;
        const char *name, *names;
    } steps[] = {
        { 86400, "day", "days" },
        { 3600, "h", "h" },
        { 60, "min", "min" },
        { 1, "s", "s" },
    };

    if (us < 0)
        text_char(text, '-');
    if (left && left < US_PER_MS) {
        text_printf(text, "%llu us", (unsigned long long)left);
    } else if (left && left < US_PER_S) {
        text_printf(text, "%llu ms", (unsigned long long)(left / US_PER_MS));
    } else if (s < 60) {
        unsigned tenths = (unsigned)(left / (US_PER_S / 10) % 10);

        text_printf(text, tenths ? "%u.%u s" : "%u s", (unsigned)s, tenths);
    } else {
        size_t i = 0;
        uint64_t second;

        while (s < steps[i].s)
            i++;
        text_printf(text, "%llu %s", (unsigned long long)(s / steps[i].s), s / steps[i].s == 1 ? steps[i].name : steps[i].names);
        second = s % steps[i].s / steps[i + 1].s;
        if (second)
            text_printf(text, " %llu %s", (unsigned long long)second, steps[i + 1].names);
    }
}

void text_bytes_size(struct text *text, int64_t bytes)
{
    static const char *const names[] = { "KB", "MB", "GB", "TB", "PB" };
    double value = (double)bytes / 1024;
    size_t i = 0;

    if (bytes < 10000 && bytes > -10000) {
        text_printf(text, "%lld B", (long long)bytes);
        return;
    }
    for (; i + 1 < sizeof(names) / sizeof(*names) && (value >= 999.95 || value <= -999.95); i++)
        value /= 1024;
    text_printf(text, "%.1f %s", value, names[i]);
}

void text_time(struct text *text, int64_t us, int parts)
{
    int64_t days = floor_days(us), of_day = us - days * US_PER_DAY, year;
    int month, day, s = (int)(of_day / US_PER_S), below = (int)(of_day % US_PER_S);

    if (parts & TIME_DATE) {
        date_of(days, &year, &month, &day);
        text_printf(text, "%04lld-%02d-%02d ", (long long)year, month, day);
    }
    if (parts & (TIME_CLOCK | TIME_TENTHS | TIME_MILLIS))
        text_printf(text, "%02d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
    if (parts & TIME_MILLIS)
        text_printf(text, ".%03d", below / 1000);
    else if (parts & TIME_TENTHS)
        text_printf(text, ".%d", below / 100000);
}

/* ---- UUIDs ---- */

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void uuid_text(struct uuid uuid, char out[UUID_TEXT])
{
    uint32_t bits = 0;
    int count = 0;

    for (int i = 0; i < 16; i++) {
        bits = bits << 8 | uuid.bytes[i];
        for (count += 8; count >= 6; count -= 6)
            *out++ = base64url[bits >> (count - 6) & 63];
    }
    *out++ = base64url[bits << (6 - count) & 63];
    *out = 0;
}

void uuid_dashed(struct uuid uuid, char out[37])
{
    for (int i = 0; i < 16; i++)
        out += sprintf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid.bytes[i]);
}

bool uuid_parse(const char *text, struct uuid *out)
{
    size_t size = text ? strlen(text) : 0, at = 0;
    struct uuid uuid;
    uint32_t bits = 0;
    int count = 0;

    if (size != 22 && !(size == 24 && !strcmp(text + 22, "==")))
        return false;
    for (int i = 0; i < 22; i++) {
        const char *digit = strchr(base64url, text[i]);

        if (!digit)
            return false;
        bits = bits << 6 | (uint32_t)(digit - base64url);
        count += 6;
        if (count >= 8) {
            count -= 8;
            uuid.bytes[at++] = (uint8_t)(bits >> count);
        }
    }
    *out = uuid;
    return true;
}

bool uuid_is_zero(struct uuid uuid)
{
    return uuid_equal(uuid, (struct uuid){ { 0 } });
}

bool uuid_equal(struct uuid a, struct uuid b)
{
    return !memcmp(a.bytes, b.bytes, sizeof(a.bytes));
}

struct uuid uuid_random(struct random *random)
{
    struct uuid uuid;

    do {
        put_u64(uuid.bytes, random_u64(random));
        put_u64(uuid.bytes + 8, random_u64(random));
        uuid.bytes[6] = (uuid.bytes[6] & 0x0f) | 0x40;
        uuid.bytes[8] = (uuid.bytes[8] & 0x3f) | 0x80;
    } while (uuid.bytes[0] >> 2 == 62); /* '-' in front would look like an option to a tool */
    return uuid;
}

/* ---- hashes ---- */

uint32_t java_hash(const char *text)
{
    const uint8_t *p = (const uint8_t *)text, *end = p + strlen(text);
    uint32_t hash = 0;

    while (p < end) {
        uint32_t c;
        size_t size = utf8_next(p, end, &c);

        if (!size)
            c = 0xfffd, size = 1;
        if (c >= 0x10000) {
            hash = hash * 31 + (0xd800 + ((c - 0x10000) >> 10));
            c = 0xdc00 + ((c - 0x10000) & 0x3ff);
        }
        hash = hash * 31 + c;
        p += size;
    }
    return hash;
}

uint32_t murmur2(struct bytes bytes)
{
    const uint32_t m = 0x5bd1e995;
    const uint8_t *p = bytes.data;
    size_t left = p ? bytes.size : 0;
    uint32_t h = 0x9747b28cu ^ (uint32_t)left;

    for (; left >= 4; p += 4, left -= 4) {
        uint32_t k = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;

        k *= m;
        k = (k ^ k >> 24) * m;
        h = (h * m) ^ k;
    }
    if (left) {
        for (size_t i = 0; i < left; i++)
            h ^= (uint32_t)p[i] << (8 * i);
        h *= m;
    }
    h = (h ^ h >> 13) * m;
    return h ^ h >> 15;
}

/* ---- patterns ---- */

char *text_posix_pattern(const char *java)
{
    struct text text = { 0 };
    bool in_set = false;

    text_add(&text, "^(");
    for (; *java; java++) {
        if (*java == '\\' && java[1]) {
            java++;
            if (*java == 'd')
                text_add(&text, in_set ? "0-9" : "[0-9]");
            else if (*java == 'D')
                text_add(&text, "[^0-9]");
            else if (in_set && *java == 'w')
                text_add(&text, "A-Za-z0-9_");
            else if (in_set)
                text_char(&text, *java);
            else
                text_char(&text, '\\'), text_char(&text, *java);
        } else if (*java == '(' && java[1] == '?' && java[2] == ':') {
            text_char(&text, '(');
            java += 2;
        } else {
            if (*java == '[')
                in_set = true;
            else if (*java == ']')
                in_set = false;
            text_char(&text, *java);
            if (!in_set && strchr("*+?}", *java) && java[1] == '?')
                java++; /* lazy or greedy: the same when all has to match */
        }
    }
    text_add(&text, ")$");
    return text_take(&text);
}

/* ---- sorted names ---- */

size_t text_place(const char *name, const void *array, size_t count, const char *(*name_at)(const void *array, size_t i), bool *found)
{
    size_t low = 0, high = count;

    *found = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, name_at(array, middle));

        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}
