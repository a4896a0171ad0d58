/* Translations: which language, its catalogue, and the words of time. */
#include "shell/translate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/bytes.h"
#include "sim/base/mem.h"

enum { MOST_BYTES = 4 << 20, HEAD = 28, MAGIC = 0x950412de, ENTRY = 8 };

/* Which of its forms a language takes for n: the order of msgstr[0], msgstr[1], ... */
static int plural_en(uint64_t n)
{
    return n != 1;
}

static int plural_ru(uint64_t n)
{
    if (n % 10 == 1 && n % 100 != 11)
        return 0;
    return n % 10 >= 2 && n % 10 <= 4 && (n % 100 < 12 || n % 100 > 14) ? 1 : 2;
}

static const struct {
    const char *code;
    int (*plural)(uint64_t n);
} languages[LANGS] = {
    [LANG_EN] = { "en", plural_en },
    [LANG_RU] = { "ru", plural_ru },
};

const char *lang_code(enum lang lang)
{
    return languages[lang].code;
}

bool lang_parse(const char *code, enum lang *out)
{
    for (int i = 0; i < LANGS; i++) {
        size_t size = strlen(languages[i].code);

        if (!strncmp(code, languages[i].code, size) && strchr("_.@:-", code[size])) { /* "" too */
            *out = (enum lang)i;
            return true;
        }
    }
    return false;
}

/* The first of "ru:en" that is ours. */
static bool parse_list(const char *list, enum lang *out)
{
    while (*list) {
        if (lang_parse(list, out))
            return true;
        list = strchrnul(list, ':');
        list += *list == ':';
    }
    return false;
}

enum lang lang_of_environment(void)
{
    static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
    const char *own = getenv("KAFKARIUM_LANG"), *list = getenv("LANGUAGE"), *locale = NULL;
    enum lang lang = LANG_EN;

    if (own && *own) {
        lang_parse(own, &lang);
        return lang;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(*names) && (!locale || !*locale); i++)
        locale = getenv(names[i]);
    if (locale && (!strcmp(locale, "C") || !strcmp(locale, "POSIX")))
        return LANG_EN;
    if (list && parse_list(list, &lang))
        return lang;
    if (locale)
        lang_parse(locale, &lang);
    return lang;
}

/* ---- a compiled catalogue: two tables of (length, place), originals in order of their bytes ---- */

static uint32_t le32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* The i-th string of a table; NULL where it does not lie whole, with its NUL, in the file. */
static const char *string_at(const struct catalogue *catalogue, uint32_t table, uint32_t i, size_t *size)
{
    uint32_t length = le32(catalogue->data + table + (size_t)i * ENTRY), place = le32(catalogue->data + table + (size_t)i * ENTRY + 4);

    if (place >= catalogue->size || length >= catalogue->size - place || catalogue->data[place + length])
        return NULL;
    *size = length;
    return (const char *)catalogue->data + place;
}

static bool table_fits(const struct catalogue *catalogue, uint32_t table)
{
    return table <= catalogue->size && catalogue->count <= (catalogue->size - table) / ENTRY;
}

bool catalogue_read(struct catalogue *out, const void *data, size_t size)
{
    const char *before = NULL;

    *out = (struct catalogue){ .data = data, .size = size };
    if (size < HEAD || le32(out->data) != MAGIC || le32(out->data + 4) >> 16 > 0)
        return false;
    out->count = le32(out->data + 8);
    out->originals = le32(out->data + 12);
    out->translations = le32(out->data + 16);
    if (!table_fits(out, out->originals) || !table_fits(out, out->translations))
        return false;
    for (uint32_t i = 0; i < out->count; i++) {
        size_t length;
        const char *original = string_at(out, out->originals, i, &length);

        if (!original || !string_at(out, out->translations, i, &length) || (before && strcmp(before, original) >= 0))
            return false;
        before = original;
    }
    return true;
}

const char *catalogue_find(const struct catalogue *catalogue, const char *text, size_t *size)
{
    uint32_t low = 0, high = catalogue->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(string_at(catalogue, catalogue->originals, middle, size), text); /* of a plural: its singular */

        if (!order)
            return string_at(catalogue, catalogue->translations, middle, size);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- where it lies ---- */

static bool load(const char *path, struct catalogue *out)
{
    FILE *file = fopen(path, "re");
    struct text text = { 0 };
    char part[16384];
    size_t got;
    bool good;

    if (!file)
        return false;
    while (text.size < MOST_BYTES && (got = fread(part, 1, sizeof(part), file)) > 0)
        text_add_size(&text, part, got);
    fclose(file);
    good = text.size < MOST_BYTES && catalogue_read(out, text_chars(&text), text.size);
    if (!good)
        text_done(&text);
    return good; /* and is kept until the process ends */
}

static bool find(enum lang lang, struct catalogue *out)
{
    static const char *const beside[] = { "share/locale", "../share/locale" };
    char self[4096];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
    bool found = false;

    if (size <= 0)
        return false;
    self[size] = 0;
    *strrchr(self, '/') = 0;
    for (size_t i = 0; i < sizeof(beside) / sizeof(*beside) && !found; i++) {
        char *path = mem_printf("%s/%s/%s/LC_MESSAGES/kafkarium.mo", self, beside[i], lang_code(lang));

        found = load(path, out);
        mem_free(path);
    }
    return found;
}

static const struct catalogue *catalogue_of(enum lang lang)
{
    static struct {
        bool sought, found;
        struct catalogue catalogue;
    } known[LANGS]; /* read-only once read: the same for all sessions */

    if (lang == LANG_EN)
        return NULL;
    if (!known[lang].sought) {
        known[lang].sought = true;
        known[lang].found = find(lang, &known[lang].catalogue);
    }
    return known[lang].found ? &known[lang].catalogue : NULL;
}

bool lang_known(enum lang lang)
{
    return lang == LANG_EN || catalogue_of(lang);
}

const char *_(enum lang lang, const char *text)
{
    const struct catalogue *catalogue = catalogue_of(lang);
    size_t size;
    const char *found = catalogue && *text ? catalogue_find(catalogue, text, &size) : NULL;

    return found && *found ? found : text;
}

const char *n_(enum lang lang, const char *one, const char *many, int64_t n)
{
    const struct catalogue *catalogue = catalogue_of(lang);
    uint64_t count = n < 0 ? -(uint64_t)n : (uint64_t)n;
    size_t size = 0;
    const char *found = catalogue ? catalogue_find(catalogue, one, &size) : NULL, *end;

    if (!found || !*found)
        return plural_en(count) ? many : one;
    end = found + size;
    for (int form = languages[lang].plural(count); form > 0 && found + strlen(found) < end; form--) /* the forms lie one behind the other */
        found += strlen(found) + 1;
    return found;
}

/* ---- time, in words ---- */

/* NULL: there is no such unit. */
static const char *unit_in(enum lang lang, const char *unit, int64_t count)
{
    static const char *const units[] = { N_("h"), N_("min"), N_("s"), N_("ms"), N_("us") };

    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (!strcmp(unit, units[i]))
            return _(lang, units[i]);
    return strcmp(unit, "day") && strcmp(unit, "days") ? NULL : n_(lang, "day", "days", count);
}

bool lang_add_duration(enum lang lang, struct text *out, const char *english)
{
    char *words = mem_text(english), *at = words, *number, *unit;
    struct text said = { 0 };
    bool good = true;

    for (int pair = 0; good && (number = strsep(&at, " ")); pair++) {
        const char *name = (unit = strsep(&at, " ")) ? unit_in(lang, unit, strtoll(number, NULL, 10)) : NULL;

        good = name && *number && !number[strspn(number, "-.0123456789")];
        text_printf(&said, "%s%s %s", pair ? " " : "", number, good ? name : "");
    }
    if (good)
        text_add(out, text_chars(&said));
    text_done(&said);
    mem_free(words);
    return good;
}

void lang_duration(enum lang lang, struct text *out, int64_t us)
{
    struct text english = { 0 };

    text_duration(&english, us);
    if (lang == LANG_EN || !lang_add_duration(lang, out, text_chars(&english)))
        text_add(out, text_chars(&english));
    text_done(&english);
}
