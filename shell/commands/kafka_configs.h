/* kafka-configs in parts: the command line (kafka_configs.c), asking (kafka_configs_ask.c), describing
 * (kafka_configs_describe.c), changing (kafka_configs_alter.c), and both in ZooKeeper's words (kafka_configs_zookeeper.c). */
#pragma once
#include "shell/tool_admin.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
enum { NAMES_MAX = 8 };

struct configs {
    struct call *call;
    struct tool_options *options;
    struct tool_admin admin;
    const char *types[NAMES_MAX], *names[NAMES_MAX]; /* what it is about; name "": the default entity */
    size_t type_count, name_count;
    struct config_map add;
    const char **remove;
    size_t remove_count;
    bool zookeeper;
};

bool configs_old(const struct configs *configs); /* in 2.7's words */
bool configs_has_name(const struct configs *configs, bool empty);

/* kafka_configs_ask.c */
int8_t configs_resource_type(const char *type); /* 0: quotas and SCRAM credentials, which are no resources */
/* What the tool makes of a future that failed. Returns false. */
bool configs_failed_call(const struct configs *configs, struct trouble *trouble);
/* The broker to ask. Of one that isn't there the tool waits until its patience ends. */
bool configs_node(struct configs *configs, const char *type, const char *name, int32_t *node, struct trouble *trouble);
/* The topic's name is looked at before it is asked for (Topic.validate). */
bool configs_name_is_legal(const struct configs *configs, const char *topic, struct trouble *trouble);
/* The entries in the order in which the tool walks them, in the admin's arena; without `all` only those made for this
 * entity. */
bool configs_get_entries(struct configs *configs, const char *type, const char *name, bool synonyms, bool all,
                         struct describe_configs_response_config ***out, size_t *count, struct trouble *trouble);

/* kafka_configs_describe.c */
/* "topic" of "topics"; the tool just takes the last letter off. The caller's. */
char *configs_singular(const char *type);
/* The names of all entities of a type, in the admin's arena. */
bool configs_list_entities(struct configs *configs, const char *type, const char ***names, size_t *count,
                           struct trouble *trouble);
bool configs_describe(struct configs *configs, struct trouble *trouble);

/* kafka_configs_zookeeper.c */
bool configs_describe_zookeeper(struct configs *configs, struct trouble *trouble);
bool configs_alter_zookeeper(struct configs *configs, struct trouble *trouble);

/* kafka_configs_alter.c */
bool configs_parse_added(struct configs *configs, struct trouble *trouble);   /* --add-config, --add-config-file */
void configs_parse_removed(struct configs *configs);                          /* --delete-config */
bool configs_removed_exist(const struct configs *configs, struct describe_configs_response_config *const *entries,
                           size_t count, struct trouble *trouble);
bool configs_incremental(struct configs *configs, const char *type, const char *name, struct trouble *trouble);
bool configs_alter_quotas(struct configs *configs, struct trouble *trouble);
bool configs_alter(struct configs *configs, struct trouble *trouble);
