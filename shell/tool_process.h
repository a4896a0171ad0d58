/* The program under one of Kafka's names (kafka-topics.sh, kafka-run-class.sh CLASS): that tool alone, over TCP, without a lab. */
#pragma once
#include <stdbool.h>

/* False: argv[0] is no name of a tool. Else the tool was run. */
bool tool_process(int argc, char **argv, int *status);
