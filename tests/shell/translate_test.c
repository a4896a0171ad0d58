/* Catalogues, plurals and the words of time. */
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "shell/translate.h"
#include "sim/base/mem.h"

/* Two texts, as msgfmt writes them: "day\0days" with three forms, and "ms". */
static const char small[] = "\xde\x12\x04\x95\0\0\0\0\2\0\0\0\x1c\0\0\0\x2c\0\0\0\0\0\0\0\0\0\0\0"
                            "\x08\0\0\0\x3c\0\0\0\2\0\0\0\x45\0\0\0"
                            "\5\0\0\0\x48\0\0\0\1\0\0\0\x4e\0\0\0"
                            "day\0days\0ms\0"
                            "A\0B\0C\0m";

static const char *duration(enum lang lang, int64_t us)
{
    static char kept[64];
    struct text text = { 0 };

    lang_duration(lang, &text, us);
    snprintf(kept, sizeof(kept), "%s", text_chars(&text));
    text_done(&text);
    return kept;
}

TEST(a_catalogue_is_read)
{
    struct catalogue catalogue;
    size_t size;

    CHECK(catalogue_read(&catalogue, small, sizeof(small)));
    CHECK_INT(2, catalogue.count);
    CHECK_TEXT("m", catalogue_find(&catalogue, "ms", &size));
    CHECK_TEXT("A", catalogue_find(&catalogue, "day", &size));
    CHECK_INT(5, size);
    CHECK(!catalogue_find(&catalogue, "days", &size));
    CHECK(!catalogue_find(&catalogue, "", &size));
}

TEST(a_damaged_catalogue_is_refused_or_read_within_its_bytes)
{
    int refused = 0;

    for (size_t size = 0; size < sizeof(small); size++) {
        char *cut = mem_copy(small, size); /* on the heap: the sanitizer sees a byte too far */
        struct catalogue catalogue;

        CHECK(!catalogue_read(&catalogue, cut, size));
        mem_free(cut);
    }
    for (size_t at = 0; at < sizeof(small); at++) {
        for (int bit = 0; bit < 8; bit++) {
            char *flipped = mem_copy(small, sizeof(small));
            struct catalogue catalogue;
            size_t size;

            flipped[at] = (char)(flipped[at] ^ 1 << bit);
            if (!catalogue_read(&catalogue, flipped, sizeof(small)))
                refused++;
            else
                for (size_t i = 0; i < 3; i++)
                    catalogue_find(&catalogue, ((const char *[]){ "day", "ms", "zz" })[i], &size);
            mem_free(flipped);
        }
    }
    CHECK(refused > 100);
}

TEST(russian_numbers_take_their_forms)
{
    static const struct {
        int64_t n;
        const char *day;
    } days[] = { { 1, "день" }, { 2, "дня" }, { 4, "дня" }, { 5, "дней" }, { 11, "дней" }, { 12, "дней" }, { 14, "дней" }, { 21, "день" }, { 22, "дня" },
                 { 100, "дней" }, { 101, "день" }, { 111, "дней" }, { 0, "дней" }, { -1, "день" } };

    CHECK(lang_known(LANG_RU)); /* built beside this program */
    for (size_t i = 0; i < sizeof(days) / sizeof(*days); i++)
        CHECK_TEXT(days[i].day, n_(LANG_RU, "day", "days", days[i].n));
    CHECK_TEXT("day", n_(LANG_EN, "day", "days", 1));
    CHECK_TEXT("days", n_(LANG_EN, "day", "days", 0));
}

TEST(a_duration_is_said_in_words)
{
    CHECK_TEXT("9.8 s", duration(LANG_EN, 9800000));
    CHECK_TEXT("9.8 с", duration(LANG_RU, 9800000));
    CHECK_TEXT("1 мин 30 с", duration(LANG_RU, 90000000));
    CHECK_TEXT("7 дней", duration(LANG_RU, 7 * 86400000000LL));
    CHECK_TEXT("1 день 2 ч", duration(LANG_RU, 26 * 3600000000LL));
    CHECK_TEXT("-250 мс", duration(LANG_RU, -250000));
    CHECK_TEXT("0 с", duration(LANG_RU, 0));
}

TEST(what_has_no_translation_stays_as_it_is)
{
    const char *text = "no such text anywhere";

    CHECK(_(LANG_RU, text) == text);
    CHECK(_(LANG_EN, "Right.") != NULL);
    CHECK_TEXT("Верно.", _(LANG_RU, "Right."));
    CHECK_TEXT("", _(LANG_RU, "")); /* not the catalogue's header */
}

static enum lang with(const char *own, const char *list, const char *all, const char *messages, const char *lang)
{
    const char *names[] = { "KAFKARIUM_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG" }, *values[] = { own, list, all, messages, lang };

    for (size_t i = 0; i < 5; i++) {
        if (values[i])
            setenv(names[i], values[i], 1);
        else
            unsetenv(names[i]);
    }
    return lang_of_environment();
}

TEST(the_environment_names_the_language)
{
    CHECK_INT(LANG_EN, with(NULL, NULL, NULL, NULL, NULL));
    CHECK_INT(LANG_RU, with(NULL, NULL, NULL, NULL, "ru_RU.UTF-8"));
    CHECK_INT(LANG_RU, with(NULL, NULL, NULL, "ru_RU", "de_DE.UTF-8"));
    CHECK_INT(LANG_EN, with(NULL, NULL, "C.UTF-8", "ru_RU", "ru_RU.UTF-8"));
    CHECK_INT(LANG_RU, with(NULL, NULL, "", "", "ru"));
    CHECK_INT(LANG_RU, with(NULL, "de:ru:en", "C.UTF-8", NULL, NULL));
    CHECK_INT(LANG_RU, with(NULL, "ru", NULL, NULL, NULL));
    CHECK_INT(LANG_EN, with(NULL, "en:ru", NULL, NULL, "ru_RU.UTF-8"));
    CHECK_INT(LANG_EN, with(NULL, "ru", "C", NULL, "ru_RU.UTF-8"));
    CHECK_INT(LANG_RU, with("ru", "en", "C", NULL, "en_US.UTF-8"));
    CHECK_INT(LANG_EN, with("en", NULL, NULL, NULL, "ru_RU.UTF-8"));
    CHECK_INT(LANG_EN, with(NULL, NULL, NULL, NULL, "run"));
    with(NULL, NULL, NULL, NULL, NULL);
}
