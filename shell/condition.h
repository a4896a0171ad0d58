/* Conditions of until, wait and of lessons' checks: "delete students-0", "roll students-0", "unlink students-0", "clean students-0", "leader students-0 != 1",
 * "lag my-group = 0", "client" (a real one connected), or an SQL expression. Tried only after journal entries, as only they change what tables show. */
#pragma once
#include "sim/sim.h"

struct condition;
/* ERR_INVALID_REQUEST with a sentence for one that can't be. The lab is borrowed. */
enum err condition_new(struct lab *lab, const char *text, struct condition **out, struct reason *reason);
void condition_free(struct condition *condition);
/* Holds now, or (for happenings) has come to pass since it was made. */
bool condition_holds(struct condition *condition);
/* A flag that lab_run_slice stops at: something happened after which it is worth trying. Cleared by condition_holds(). */
const bool *condition_flag(const struct condition *condition);
