/* What the time commands share: running virtual time on in slices with progress, and the digest at the end. */
#pragma once
#include "shell/command.h"

/* Runs to `until_us` (or until *stop); false: interrupted. Shows progress on a terminal when it takes over a second. */
bool pace_run(struct call *call, int64_t until_us, const bool *stop);

/* In a past, there is no more to walk: said; false elsewhere. */
bool pace_at_present(struct call *call);

/* What happened between two journal numbers, in a sentence: "30 s: 1 check, nothing deleted; next check 10:05:30 (...)". */
struct digest {
    uint64_t from;          /* journal number before */
    int64_t from_us;
    int64_t checks;         /* retention checks computed, not queued ones */
};
struct digest digest_begin(const struct lab *lab);
void digest_print(struct call *call, const struct digest *digest);
void digest_print_losses(struct call *call, const struct digest *digest); /* a line for each offset that expired and each member that left */
/* One journal entry as the view shows it: "10:03:24.0 ROLL   students-0 at 84: ...". */
void entry_print(struct call *call, const struct entry *entry);
void entry_text(enum lang lang, const struct entry *entry, struct text *out);
