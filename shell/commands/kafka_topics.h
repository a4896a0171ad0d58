/* kafka-topics in two parts: the command line and what changes topics (kafka_topics.c), describing
 * (kafka_topics_describe.c). */
#pragma once
#include "shell/tool_admin.h"

struct topics {
    struct call *call;
    struct tool_options *options;
    struct tool_admin admin;
    struct metadata_response *cluster; /* as listTopics answered */
    bool zookeeper;
};

/* Names in order that --topic asks for (all without it), in the admin's arena. */
bool topics_get(struct topics *topics, const char ***names, size_t *count, struct trouble *trouble);
/* IllegalArgumentException unless something was found or nothing had to be. */
bool topics_ensure_exists(struct topics *topics, size_t found, struct trouble *trouble);
bool topics_marked(const struct topics *topics, const char *name); /* for deletion, as --zookeeper knows */
bool topics_describe(struct topics *topics, struct trouble *trouble);
