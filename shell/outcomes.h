/* What became of commands, for report: those that check something (until, wait, lesson check), and those that failed. The newest are kept. */
#pragma once
#include "shell/command.h"

struct outcome {
    const struct lab *lab;
    int64_t began_us, ended_us;   /* virtual */
    uint64_t entry;               /* the journal's last before it */
    int status;
    bool checks;                  /* a check; else a command that failed */
    char *text, *said;            /* the line; what it said on stderr, "" */
};
void outcome_add(struct shell *shell, struct outcome *outcome);   /* takes its texts */
size_t outcome_count(const struct shell *shell);
const struct outcome *outcome_at(const struct shell *shell, size_t i);   /* from the oldest */
void outcomes_end(struct shell *shell);
