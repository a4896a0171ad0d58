/* What the time commands share: running virtual time on in slices with progress, and the digest at the end. */
#pragma once
#include "shell/command.h"

/* Runs to `until_us` (or until *stop); false: interrupted. Shows progress on a terminal when it takes over a second. */
bool pace_run(struct call *call, int64_t until_us, const bool *stop);

bool pace_broke(const struct call *call);   /* pace_run() stopped at a break, which said so */
/* In a past, there is no more to walk: said; false elsewhere. */
bool pace_at_present(struct call *call);
/* Runs on, a virtual day at most, until `fn`, which watches the journal meanwhile, sets *stop; false: something else ended it, and said so. */
bool pace_watch(struct call *call, journal_fn *fn, void *context, const bool *stop);

/* What happened between two journal numbers, in a sentence: "30 s: 1 check, nothing deleted; next check 10:05:30 (...)". */
struct digest {
    uint64_t from;          /* journal number before */
    int64_t from_us;
    int64_t checks;         /* retention checks computed, not queued ones */
};
struct digest digest_begin(const struct lab *lab);
void digest_print(struct call *call, const struct digest *digest);
void digest_print_losses(struct call *call, const struct digest *digest); /* a line for each offset that expired and each member that left */
/* --since: a mark, an event's number, a time, a while ago; NULL: since the lab was opened. False: said what it is not. */
struct since {
    const struct shell *shell;
    const char *name;       /* of the mark; NULL: none */
    int64_t at_us;
    uint64_t entry;         /* the journal's last before */
};
bool since_parse(struct call *call, const char *text, struct since *out);
/* One journal entry as the view shows it: "10:03:24.0 ROLL   students-0 at 84: ...". */
void entry_print(struct call *call, const struct entry *entry);
void entry_text(enum lang lang, const struct entry *entry, struct text *out);
