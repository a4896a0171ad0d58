/* What sim says in English, said in another language: sim knows no language, its events, reasons and answers are text. Each is known by the format it was made
 * with (phrases.c lists them): what stands at the format's places is taken out of the English text and put into the translated one, so that both tell the same
 * values; what was put in may be a phrase or a duration again. A new text of sim gets a row there; tests/shell/test_languages.py plays scenes and finds those
 * that have none. */
#pragma once
#include "shell/translate.h"

/* `text` in `lang`; as it stands where it is no phrase that is known, in part where a part is. Several sentences and lines are taken one by one. */
void phrase_add(enum lang lang, struct text *out, const char *text);
const char *phrase_find(const char *text);  /* the format that it was made with; NULL: it is none of those */
const char *phrase_at(size_t i);            /* all of them; NULL: there are no more */
