/* The command line of kafkarium itself (Kafka's tools parse their own). */
#pragma once
#include <stdio.h>

#include "sim/sim.h"

enum run_mode { RUN_SHELL, RUN_SCRIPT, RUN_SERVE, RUN_VIEW, RUN_TOOLS, RUN_HELP, RUN_VERSION };
struct run_options {
    enum run_mode mode;
    struct lab_options lab;
    struct config_map settings;     /* --set; lab.settings points here */
    const char *commands, *file;    /* -c, -f */
    const char *tools_dir;
    bool join;                      /* --to */
    const char *join_lab;           /* NULL: KAFKARIUM_LAB, else the only one running */
    int32_t metrics_port;          /* -1: none */
    bool no_listen, port_given, ready_json, release_given;
    double speed;
    bool paused;
    int print_mode;                 /* enum print_mode; -1: not given */
    struct inspect_options inspect; /* --inspect; lab.inspect points here */
    struct text properties;         /* of --properties: key=value lines that this release knows */
};
/* Exit status 2 with a sentence on stderr for wrong usage; 0: go on. */
int run_options_parse(struct run_options *options, int argc, char **argv);
void run_options_done(struct run_options *options);
void run_usage(FILE *out);
