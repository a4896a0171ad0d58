/* Conditions of until, wait, break and of lessons' checks: "delete students-0", "roll students-0", "unlink students-0", "clean students-0", "leader students-0 != 1",
 * "lag my-group = 0", "client" (a real one connected), any event's name or label ("segment_rolled students-0", "LEAVE my-group"), or an SQL expression. That is tried only after
 * entries of the journal that are a sign of change in the tables that it asks. */
#pragma once
#include "sim/sim.h"

struct condition;
/* ERR_INVALID_REQUEST with a sentence for one that can't be. The lab is borrowed. */
enum err condition_new(struct lab *lab, const char *text, struct condition **out, struct reason *reason);
void condition_free(struct condition *condition);
/* Holds now, or (for happenings) has come to pass since it was made or last held. */
bool condition_holds(struct condition *condition);
/* A flag that lab_run_slice stops at: something happened after which it is worth trying. Cleared by condition_holds(). */
/* A question that failed: it is not tried any more. */
enum err condition_error(const struct condition *condition, struct reason *reason);
bool condition_asks(const struct condition *condition);   /* a question; else a happening */
void condition_forgive(struct condition *condition);   /* said: condition_error() is ERR_OK from now on, it still is not tried */
void condition_tell(struct condition *condition, bool *flag); /* set too, whenever the flag is */
/* Words for happenings: "roll", "segment_rolled", "ROLL". */
bool condition_is_word(const char *word);
bool condition_is_kind(const char *word, enum event_kind kind);
const bool *condition_flag(const struct condition *condition);
