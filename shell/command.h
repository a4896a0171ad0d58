/* What a command is. A command: one file in shell/commands/, one row in commands.def; help, completion and Kafka's names read these. */
#pragma once
#include "shell/session.h"

enum complete { COMPLETE_NONE, COMPLETE_TOPIC, COMPLETE_GROUP, COMPLETE_CONFIG, COMPLETE_FILE, COMPLETE_BROKER, COMPLETE_TABLE, COMPLETE_COMMAND, COMPLETE_LESSON,
                COMPLETE_PARTITION, COMPLETE_EVENT, COMPLETE_ENTITY_TYPE, COMPLETE_BOOTSTRAP, COMPLETE_FORMATTER, COMPLETE_FAULT, COMPLETE_CLIENT };
struct option {                      /* ends with { 0 } */
    const char *name;                /* without dashes */
    const char *argument;            /* "String: topic": as Kafka's help names it; NULL: a flag */
    const char *help;                /* our own words */
    enum complete complete;
    enum release only;               /* RELEASE_ANY: both; else only that release's tool has it */
};
struct command {
    const char *name;                /* "kafka-topics", "next" */
    const char *summary;             /* one line */
    const char *usage;               /* "next [roll|delete|check|...]"; NULL for tools */
    const char *details;             /* what help prints below: what it does, in plain words; may be NULL */
    const char *example;             /* one line that works */
    const struct option *options;    /* may be NULL */
    enum complete argument;          /* of a plain word */
    const char *words;               /* fixed first words, space separated: "roll delete check"; NULL */
    bool tool;                       /* one of Kafka's own: also build/bin/NAME.sh */
    bool needs_lab;
    bool looks;                      /* changes neither cluster nor clock: also for a folder that is only looked at (--inspect) */
    bool raw;                        /* gets the rest of the line as one word: sql */
    const char *checks;              /* it checks something, which report tells of; "": always, else with this first word */
    const char *past;                /* may it run in the past? NULL: no; "": yes; else with one of these words: "--list --describe" */
    bool compares;                   /* < and > between its words compare, they don't redirect: until, wait */
    bool local;                      /* belongs to the session where it was typed: with --to it runs at the caller */
    /* In a task. Returns the exit status. */
    int (*run)(struct call *call);
};
#define COMMAND(name_) extern const struct command command_##name_;
#define TOOL(kafka_name, name_) extern const struct command command_##name_;
#include "shell/commands.def"
#undef COMMAND
#undef TOOL
size_t command_count(void);
const struct command *command_at(size_t i);
/* By what was typed: any path and ".sh" taken off; NULL: none. */
const struct command *command_find(const char *typed);
/* Kafka's tool of a class: kafka-run-class.sh kafka.tools.GetOffsetShell; NULL: none. */
const struct command *command_of_class(const char *class_name);
/* The nearest name for "did you mean"; NULL: nothing near. */
const char *command_nearest(const char *typed);
