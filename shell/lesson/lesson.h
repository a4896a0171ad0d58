/* Lessons: Markdown files with blocks that run. A lesson is one file a language, lessons/en/NN-name.md and lessons/ru/NN-name.md:
 *
 *     # Title                       the first line of the menu
 *     First paragraph               what one learns
 *     ```lab                        before the first step: the lab it is played on; "brokers=3", and broker settings, one a line
 *     ## Step                       one screen each; its paragraphs and lists are read, its fenced blocks act:
 *     ```run                        lines that `lesson run` (or the student) types
 *     ```check                      a condition (shell/condition.h) or SQL, one a line, all must hold before `lesson next`
 *     ```hint                       what `lesson hint` says
 *     ```question                   a question; lines "- answer", the right one "+ answer"; `lesson answer N`
 *     ```why                        a line run after the check held, to say why
 *
 * {1}, {2}, {3} anywhere is the number of the first, second, third broker: 0, 1, 2 under 2.7, else 1, 2, 3.
 *
 * Found in $KAFKARIUM_LESSONS, beside the program (../lessons of the build folder), or PREFIX/share/kafkarium/lessons. */
#pragma once
#include "shell/session.h"

struct lesson_question {
    char *text;
    char **answers;
    size_t count, right;
};
struct lesson_step {
    char *title;
    char *text;                    /* as a terminal shows it, unwrapped paragraphs apart by empty lines */
    char *run, *hint, *why;        /* NULL: none */
    char **checks;
    size_t check_count;
    struct lesson_question *question; /* NULL */
};
struct lesson_lab {
    int32_t brokers;               /* at least so many */
    struct config_map settings;    /* of the brokers */
};
struct lesson {
    char *name, *path;             /* "retention" of 01-retention.md */
    int number;
    char *title, *summary;
    struct lesson_lab lab;
    struct lesson_step *steps;
    size_t count;
};
/* All lessons of a language, by number, for a lab whose first broker is `first_broker`; free with lessons_free. A file that can't be read as a
 * lesson is an error naming the line. */
struct lessons { struct lesson *lessons; size_t count; };
enum err lessons_load(const char *language, int32_t first_broker, struct lessons *out, struct reason *reason);
void lessons_free(struct lessons *lessons);
enum err lesson_parse(const char *name, const char *markdown, size_t size, struct lesson *out, struct reason *reason);
void lesson_done(struct lesson *lesson);
