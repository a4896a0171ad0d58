/* Sessions that look at the past: a second lab beside the live one (sim/replay.h), read-only, said wherever they look. The live lab goes on meanwhile. */
#pragma once
#include "shell/command.h"
#include "sim/replay.h"

/* From here on `session` looks at `past`, which is the session's to end from now on; what it looked at before is left. */
void past_enter(struct session *session, struct past *past);
void past_leave(struct session *session);               /* back to the lab that lives; nothing, if it looks at that already */
struct past *session_past(const struct session *session); /* NULL: it looks at a lab that lives */
/* What it looked at ends when the last command that runs there has ended. */
void past_hold(struct shell *shell, const struct lab *lab, int by);
bool pasts_turn(struct shell *shell);                   /* serves who reads there; true: something was done */
void pasts_end(struct shell *shell, const struct lab *live); /* those of a lab that closes; NULL: all */
/* May this command run in the past? False: it said that it may not, and the way out. */
bool past_allows(struct call *call);
/* "PAST 10:03:04.2", and how far back that is. */
void past_title(const struct lab *lab, struct text *out);
void past_ago(const struct lab *lab, enum lang lang, struct text *out);  /* "30 s ago"; "" where the present is not known */
/* Runs a past to a moment and an entry of the journal (NEVER_US, 0: none), whatever comes first, in slices with progress. False: interrupted. */
bool past_run(struct call *call, struct past *past, int64_t until_us, uint64_t entry);
