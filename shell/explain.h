/* Saying in the user's language what the journal holds. An entry has its line in English from where it was decided; here the same is said from kind,
 * rule and facts, so that another language tells of the same values (a test holds the English of both against each other). */
#pragma once
#include "shell/translate.h"
#include "sim/sim.h"

/* The line of an entry, without time and label: "students-0 at 84: 1932 + 69 > 2000 (segment.bytes)". Safe for a terminal. */
void explain_entry(enum lang lang, const struct entry *entry, struct text *out);
/* The same from the facts alone, in any language; false: this kind is not known here (its text is as good). */
bool explain_facts(enum lang lang, const struct entry *entry, struct text *out);

/* The value of a fact; `otherwise` where the entry has none of that name. */
int64_t entry_fact(const struct entry *entry, const char *name, int64_t otherwise);
const char *entry_fact_text(const struct entry *entry, const char *name); /* NULL: none */

