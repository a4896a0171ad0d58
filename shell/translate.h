/* The shell's own texts in another language: shell/po/LANGUAGE.po, compiled by msgfmt to BUILD/share/locale/LANGUAGE/LC_MESSAGES/kafkarium.mo.
 * Source and key is the English text; what Kafka's tools print is never translated.
 * The catalogue is read here and not by libc's gettext(): that one has one language a process, while the callers of --to each bring their own to the same
 * lab; and it is silent where the system never generated ru_RU.UTF-8, as a slim Debian or a container. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/text.h"

enum lang { LANG_EN, LANG_RU, LANGS };
const char *lang_code(enum lang lang);              /* "en", "ru" */
bool lang_parse(const char *code, enum lang *out);      /* "ru", "ru_RU.UTF-8"; false: none of ours */
/* KAFKARIUM_LANG, else as gettext: LANGUAGE (unless the locale is C), LC_ALL, LC_MESSAGES, LANG. */
enum lang lang_of_environment(void);
/* Its texts were found beside the program (true for English). */
bool lang_known(enum lang lang);

/* The text, or itself where there is no translation; never freed. */
const char *_(enum lang lang, const char *text) __attribute__((format_arg(2)));
/* By number: n_(lang, "%lld record", "%lld records", n). */
const char *n_(enum lang lang, const char *one, const char *many, int64_t n) __attribute__((format_arg(2), format_arg(3)));
/* Marks a text that stands in a table; _() it where it is printed. */
#define N_(text) text

/* "9.8 s", "1 min 30 s", "2 h 5 min", "7 days" */
void lang_duration(enum lang lang, struct text *out, int64_t us);
/* The same of one that is written in English already, as text_duration() and the journal do ("1 min 30 s", "35.9 s"); false: it is none, nothing was added. */
bool lang_add_duration(enum lang lang, struct text *out, const char *english);

/* A compiled catalogue in memory, for the reader of files and for tests: NULL unless `bytes` is whole and in order. Borrows `bytes`. */
struct catalogue {
    const uint8_t *data;
    size_t size;
    uint32_t count, originals, translations;
};
bool catalogue_read(struct catalogue *out, const void *data, size_t size);
const char *catalogue_find(const struct catalogue *catalogue, const char *text, size_t *size); /* NULL: it is not there */
