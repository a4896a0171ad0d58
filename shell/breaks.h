/* Breaks: conditions at which a lab's clock is paused, whoever moves it: also while it runs by itself, in --serve and for all sessions. */
#pragma once
#include "shell/condition.h"
#include "shell/command.h"

/* Its number; 0 with a sentence for a condition that can't be. */
int break_add(struct shell *shell, struct lab *lab, const char *text, struct reason *reason);
bool break_clear(struct shell *shell, const struct lab *lab, int number);   /* 0: all of the lab's */
struct break_info { int number, hits; const char *text; int64_t last_us; };
size_t break_count(const struct shell *shell, const struct lab *lab);
struct break_info break_at(const struct shell *shell, const struct lab *lab, size_t i);
/* Something happened at which one may hold: true if one does; the lab is paused then and the sentence is said. */
bool breaks_look(struct shell *shell, struct lab *lab, struct call *call);
void breaks_end(struct shell *shell, const struct lab *lab);                /* NULL: all */
