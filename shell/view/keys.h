/* Keys of the view out of the bytes that a terminal sends. Letters count by their place on the keyboard: a Cyrillic layout left on does no harm. */
#pragma once
#include <stddef.h>

enum { KEY_NONE = 0, KEY_ESCAPE = 0x100, KEY_ARROW_UP, KEY_ARROW_DOWN, KEY_ARROW_LEFT, KEY_ARROW_RIGHT, KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_FIRST, KEY_LAST, KEY_OTHER };
/* The key at the start of `bytes`, *used its length; KEY_NONE with *used 0: more bytes are needed. Latin letters come as themselves, also typed as `т` for n. */
int key_decode(const char *bytes, size_t size, size_t *used);
