/* Escape sequences and layouts. */
#include "shell/view/keys.h"

#include <string.h>

/* The letters of ЙЦУКЕН by the key that they lie on. */
static const char *const cyrillic[] = { "йq", "цw", "уe", "кr", "еt", "нy", "гu", "шi", "щo", "зp", "фa", "ыs", "вd", "аf", "пg", "рh", "оj", "лk", "дl",
                                        "яz", "чx", "сc", "мv", "иb", "тn", "ьm", "Жz:", "ж;" };

static const struct { const char *bytes; int key; } sequences[] = {
    { "\x1b[A", KEY_ARROW_UP }, { "\x1b[B", KEY_ARROW_DOWN }, { "\x1b[C", KEY_ARROW_RIGHT }, { "\x1b[D", KEY_ARROW_LEFT },
    { "\x1bOA", KEY_ARROW_UP }, { "\x1bOB", KEY_ARROW_DOWN }, { "\x1bOC", KEY_ARROW_RIGHT }, { "\x1bOD", KEY_ARROW_LEFT },
    { "\x1b[5~", KEY_PAGE_UP }, { "\x1b[6~", KEY_PAGE_DOWN }, { "\x1b[H", KEY_FIRST }, { "\x1b[F", KEY_LAST },
    { "\x1b[1~", KEY_FIRST }, { "\x1b[4~", KEY_LAST },
};

static int escape(const char *bytes, size_t size, size_t *used)
{
    for (size_t i = 0; i < sizeof(sequences) / sizeof(*sequences); i++) {
        size_t length = strlen(sequences[i].bytes);

        if (size >= length && !memcmp(bytes, sequences[i].bytes, length)) {
            *used = length;
            return sequences[i].key;
        }
    }
    if (size > 2 && bytes[1] == '[') { /* some other sequence: skipped whole */
        for (size_t i = 2; i < size; i++) {
            if (bytes[i] >= '@' && bytes[i] <= '~') {
                *used = i + 1;
                return KEY_OTHER;
            }
        }
    }
    *used = 1;
    return KEY_ESCAPE;
}

int key_decode(const char *bytes, size_t size, size_t *used)
{
    unsigned char first = size ? (unsigned char)bytes[0] : 0;
    size_t length = first < 0x80 ? 1 : (first & 0xe0) == 0xc0 ? 2 : (first & 0xf0) == 0xe0 ? 3 : 4;

    *used = 0;
    if (!size || size < length)
        return KEY_NONE;
    if (first == 0x1b)
        return escape(bytes, size, used);
    *used = length;
    if (length == 1)
        return first;
    for (size_t i = 0; length == 2 && i < sizeof(cyrillic) / sizeof(*cyrillic); i++)
        if (!memcmp(bytes, cyrillic[i], 2))
            return cyrillic[i][strlen(cyrillic[i]) - 1];
    return KEY_OTHER;
}
