/* What is special about a real broker's folder that is only looked at (--inspect): which commands go, when it is read again, what is said of it. */
#pragma once
#include "shell/session.h"

/* Runs a command that looks; others are refused with a word. Before it, the folder is read again if something there changed. */
int inspected_run(struct call *call);
struct shell;
bool inspected_refresh_quietly(struct shell *shell, struct lab *lab);
/* "INSPECT /var/kafka-logs, read at 10:03:34": the folder, or the first of several; `most`: columns that it may take, 0: any. */
void inspected_title(const struct lab *lab, enum lang lang, struct text *out, int most);
/* The folder on one page: what is in it, what had to be assumed, what could not be read. */
int inspected_status(struct call *call);
/* What a start of the broker would do with this log, and which of its settings are assumed. Reads in slices; false: interrupted. */
bool inspected_say(struct call *call, struct log *log, const char *topic);
