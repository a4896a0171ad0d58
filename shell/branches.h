/* Branches: labs of this process beside its first. Each has its folder, its ports, its clock and its socket for --to; a session works in one at a time. */
#pragma once
#include "shell/command.h"

/* A lab that lives becomes a branch, and the session works in it from here on. Its number. */
int branch_add(struct session *session, struct lab *lab);
size_t branch_count(const struct shell *shell);
struct branch_info { int number; struct lab *lab; const char *from; int sessions; };   /* from: "10:03:04.2 of LAB" */
struct branch_info branch_at(const struct shell *shell, size_t i);
int branch_number(const struct shell *shell, const struct lab *lab);   /* 0: it is none */
bool branch_enter(struct session *session, int number);                /* 0: the first lab; false: there is none */
bool branch_end(struct shell *shell, int number);                      /* false: somebody works in it */
/* A session ends. */
void branch_leave(struct session *session);
int branches_turn(struct shell *shell, int wait_ms);                   /* their clocks; how long the loop may sleep */
void branches_end(struct shell *shell);
