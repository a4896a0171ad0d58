/* Configuration: one table (configs.def) of every key with its type, defaults of both releases, range and doc; what was set
 * where; which value acts. Source: Kafka's LogConfig/TopicConfig, KafkaConfig, ConfigDef. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/err.h"
#include "sim/base/release.h"
#include "sim/base/text.h"

enum config_type { CONFIG_BOOLEAN, CONFIG_INT, CONFIG_SHORT, CONFIG_LONG, CONFIG_DOUBLE, CONFIG_STRING, CONFIG_LIST, CONFIG_CLASS, CONFIG_PASSWORD };
enum config_scope { CONFIG_TOPIC = 1, CONFIG_BROKER = 2, CONFIG_GROUP = 4, CONFIG_CLIENT_METRICS = 8 };
enum config_source { /* DescribeConfigs' numbers */
    SOURCE_UNKNOWN = 0, SOURCE_TOPIC = 1, SOURCE_DYNAMIC_BROKER = 2, SOURCE_DYNAMIC_DEFAULT_BROKER = 3, SOURCE_STATIC_BROKER = 4, SOURCE_DEFAULT = 5,
    SOURCE_DYNAMIC_BROKER_LOGGER = 6, SOURCE_CLIENT_METRICS = 7, SOURCE_GROUP = 8,
};
const char *config_source_name(enum config_source source); /* "DYNAMIC_TOPIC_CONFIG", "DEFAULT_CONFIG", ... as the tools print */

struct config_key {            /* a row of configs.def */
    const char *name;
    int scope;                 /* one of enum config_scope */
    enum config_type type;
    const char *default_27, *default_43; /* NULL: null; "-": the release has no such key */
    const char *valid;         /* range as Kafka writes it: "[0,...]", "[compact, delete]"; NULL: any */
    const char *valid_27;      /* of 2.7 where it is another; NULL: the same; "": any */
    const char *broker_key;    /* of a topic key: the broker settings it inherits from, in order, comma separated; NULL: none */
    bool read_only, sensitive, internal; /* broker keys: dynamic or not; internal: DescribeConfigs hides it */
    const char *doc;           /* one or two sentences of our own */
};
size_t config_key_count(void);
const struct config_key *config_key_at(size_t i);
const struct config_key *config_key_find(enum config_scope scope, const char *name); /* NULL: unknown */
const char *config_key_default(const struct config_key *key, enum release release);  /* "-" if the release lacks it */
bool config_key_known(const struct config_key *key, enum release release);           /* key not NULL, and this release has it */

/* What was set: a small map of text to text, sorted by name. */
struct config_map {
    struct config_set {
        char *name, *value;
        char *in_ms;           /* of a key in hours or minutes: its value in milliseconds; else NULL */
    } *sets;
    size_t count, capacity;
};
void config_map_done(struct config_map *map);
void config_map_set(struct config_map *map, const char *name, const char *value); /* value NULL removes */
const char *config_map_get(const struct config_map *map, const char *name);       /* NULL: not set */
void config_map_copy(struct config_map *to, const struct config_map *from);

/* Is `value` allowed? ERR_INVALID_CONFIG with Kafka's message ("Invalid value abc for configuration retention.ms: Not a number of type LONG"). */
enum err config_check(const struct config_key *key, const char *value, enum release release, struct reason *reason);
/* Checks between keys of one topic (min.compaction.lag.ms <= max.compaction.lag.ms, ...). */
enum err config_check_together(enum config_scope scope, const struct config_map *map, enum release release, struct reason *reason);

/* Where a value comes from, best first, as DescribeConfigs lists it. */
struct config_value {
    const char *value;         /* NULL: null */
    enum config_source source;
    struct config_synonym { const char *name, *value; enum config_source source; } synonyms[6];
    int synonym_count;
};
struct config_layers {         /* from strongest to weakest; any may be NULL */
    const struct config_map *topic, *dynamic_broker, *dynamic_default, *static_broker;
    enum release release;
    const struct config_map *group;
};
struct config_value config_resolve(const struct config_layers *layers, const struct config_key *key);
int64_t config_long(const struct config_layers *layers, const char *key);     /* a broker key known to exist */
bool config_boolean(const struct config_layers *layers, const char *key);
double config_double(const struct config_layers *layers, const char *key);
const char *config_text(const struct config_layers *layers, const char *key);

struct log_config;
/* The settings of a log from a topic's layers. */
void config_of_log(const struct config_layers *layers, struct log_config *out);
