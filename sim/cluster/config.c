/* Configuration: the table of keys, what was set, checking, and which value acts. */
#include "sim/cluster/config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/log/log.h"

enum { DYN = 1, SENSITIVE = 2, HIDDEN = 4 };

#define READ_ONLY_IF_BROKER(scope_, flags_) ((scope_) == CONFIG_BROKER && !((flags_) & DYN))
#define CONFIG(scope_, name_, type_, default_27_, default_43_, valid_, valid_27_, broker_key_, flags_, doc_) \
    { .name = name_, .scope = CONFIG_##scope_, .type = CONFIG_##type_, .default_27 = default_27_,           \
      .default_43 = default_43_, .valid = valid_, .valid_27 = valid_27_, .broker_key = broker_key_,         \
      .read_only = READ_ONLY_IF_BROKER(CONFIG_##scope_, flags_), .sensitive = ((flags_) & SENSITIVE) != 0,  \
      .internal = ((flags_) & HIDDEN) != 0, .doc = doc_ },
static const struct config_key keys[] = {
#include "sim/cluster/configs.def"
};
#undef CONFIG
enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

const char *config_source_name(enum config_source source)
{
    static const char *const names[] = {
        "UNKNOWN", "DYNAMIC_TOPIC_CONFIG", "DYNAMIC_BROKER_CONFIG", "DYNAMIC_DEFAULT_BROKER_CONFIG",
        "STATIC_BROKER_CONFIG", "DEFAULT_CONFIG", "DYNAMIC_BROKER_LOGGER_CONFIG",
        "DYNAMIC_CLIENT_METRICS_CONFIG", "DYNAMIC_GROUP_CONFIG",
    };
    return (size_t)source < sizeof(names) / sizeof(names[0]) ? names[source] : names[0];
}

/* ---- keys ---- */

size_t config_key_count(void)
{
    return KEYS;
}

const struct config_key *config_key_at(size_t i)
{
    return i < KEYS ? &keys[i] : NULL;
}

/* Rows lie by scope (topics, brokers, groups, client metrics), then by name. */
static int key_compare(enum config_scope scope, const char *name, const struct config_key *key)
{
    if ((int)scope != key->scope)
        return (int)scope < key->scope ? -1 : 1;
    return strcmp(name, key->name);
}

const struct config_key *config_key_find(enum config_scope scope, const char *name)
{
    size_t low = 0, high = KEYS;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = key_compare(scope, name, &keys[middle]);

        if (order == 0)
            return &keys[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const char *config_key_default(const struct config_key *key, enum release release)
{
    return release_is_27(release) ? key->default_27 : key->default_43;
}

bool config_key_known(const struct config_key *key, enum release release)
{
    const char *value;

    if (!key)
        return false;
    value = config_key_default(key, release);
    return !value || strcmp(value, "-") != 0;
}

/* ---- maps ---- */

static const char *set_name(const void *array, size_t i)
{
    const struct config_set *sets = array;

    return sets[i].name;
}

static size_t map_place(const struct config_map *map, const char *name, bool *found)
{
    return text_place(name, map->sets, map->count, set_name, found);
}

static int64_t unit_ms(const char *name)
{
    if (!text_starts(name, "log.ro") && !text_starts(name, "log.retention."))
        return 0;
    if (text_ends(name, ".hours"))
        return 3600000;
    return text_ends(name, ".minutes") ? 60000 : 0;
}

/* Kafka keeps retention and roll in three units; a topic's key is in milliseconds. */
static char *value_in_ms(const char *name, const char *value)
{
    int64_t unit = unit_ms(name), number;

    if (!unit || !parse_i64(value, &number))
        return NULL;
    if (number < 0)
        return mem_text("-1");
    return mem_printf("%" PRId64, number > INT64_MAX / unit ? INT64_MAX : number * unit);
}

static void set_done(struct config_set *set)
{
    mem_free(set->name);
    mem_free(set->value);
    mem_free(set->in_ms);
}

void config_map_done(struct config_map *map)
{
    if (!map)
        return;
    for (size_t i = 0; i < map->count; i++)
        set_done(&map->sets[i]);
    mem_free(map->sets);
    *map = (struct config_map){ 0 };
}

void config_map_set(struct config_map *map, const char *name, const char *value)
{
    bool found;
    size_t place = map_place(map, name, &found);
    struct config_set set;

    if (!value) {
        if (!found)
            return;
        set_done(&map->sets[place]);
        memmove(&map->sets[place], &map->sets[place + 1], (--map->count - place) * sizeof(*map->sets));
        return;
    }
    set = (struct config_set){ mem_text(name), mem_text(value), value_in_ms(name, value) };
    if (found) {
        set_done(&map->sets[place]);
    } else {
        map->sets = mem_grow(map->sets, map->count, &map->capacity, sizeof(*map->sets));
        memmove(&map->sets[place + 1], &map->sets[place], (map->count++ - place) * sizeof(*map->sets));
    }
    map->sets[place] = set;
}

static const struct config_set *map_find(const struct config_map *map, const char *name)
{
    bool found;
    size_t place;

    if (!map || !map->count)
        return NULL;
    place = map_place(map, name, &found);
    return found ? &map->sets[place] : NULL;
}

const char *config_map_get(const struct config_map *map, const char *name)
{
    const struct config_set *set = map_find(map, name);

    return set ? set->value : NULL;
}

void config_map_copy(struct config_map *to, const struct config_map *from)
{
    config_map_done(to);
    if (!from || !from->count)
        return;
    to->sets = mem_zero_array(from->count, sizeof(*to->sets));
    to->count = to->capacity = from->count;
    for (size_t i = 0; i < from->count; i++)
        to->sets[i] = (struct config_set){ mem_text(from->sets[i].name), mem_text(from->sets[i].value),
                                           mem_text(from->sets[i].in_ms) };
}

/* ---- checking: the words are those of Kafka's ConfigDef ---- */

static enum err refuse(struct reason *reason, const char *name, const char *value, const char *what)
{
    return err_because(ERR_INVALID_CONFIG, reason, "Invalid value %s for configuration %s: %s", value, name, what);
}

static char *trimmed(const char *value)
{
    size_t size = strlen(value);

    while (size && isspace((unsigned char)value[size - 1]))
        size--;
    while (size && isspace((unsigned char)*value))
        value++, size--;
    return mem_text_size(value, size);
}

static bool java_long(const char *text, int64_t *out)
{
    return parse_i64(*text == '+' && isdigit((unsigned char)text[1]) ? text + 1 : text, out);
}

static bool java_double(const char *text, double *out)
{
    char *end;

    if (!*text || isspace((unsigned char)*text))
        return false;
    *out = strtod(text, &end);
    if (*end && strchr("fFdD", *end))
        end++;
    return !*end;
}

/* Double.toString for the sizes that settings have. */
static void java_double_text(double value, char *out, size_t size)
{
    if (value == floor(value) && fabs(value) < 1e7) {
        snprintf(out, size, "%.1f", value);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, size, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            return;
    }
}

static const char *const type_names[] = { "BOOLEAN", "INT", "SHORT", "LONG", "DOUBLE", "STRING", "LIST", "CLASS", "PASSWORD" };

/* "[0,...]", "[0,...,1]", "[-1,...]" and the rest of the words around it. */
static enum err check_range(const struct config_key *key, const char *valid, double number, const char *shown, struct reason *reason)
{
    char what[80], *end;
    const char *most = NULL;
    double low, high;

    if (!valid || valid[0] != '[' || !strstr(valid, "..."))
        return ERR_OK;
    low = strtod(valid + 1, &end);
    if (number < low) {
        if (strstr(valid, " or -1")) {
            if (number == -1)
                return ERR_OK;
            return refuse(reason, key->name, shown, "Value must be between 1 and 9 or equal to -1");
        }
        snprintf(what, sizeof(what), "Value must be at least %.*s", (int)(end - valid - 1), valid + 1);
        return refuse(reason, key->name, shown, what);
    }
    most = strstr(valid, "...,");
    if (!most)
        return ERR_OK;
    high = strtod(most + 4, &end);
    if (number <= high)
        return ERR_OK;
    if (strstr(valid, " or -1"))
        return refuse(reason, key->name, shown, "Value must be between 1 and 9 or equal to -1");
    snprintf(what, sizeof(what), "Value must be no more than %.*s", (int)(end - most - 4), most + 4);
    return refuse(reason, key->name, shown, what);
}

/* Is `word` one of "[a, b, c]"? */
static bool among(const char *valid, const char *word, bool any_case)
{
    size_t size = strlen(word);

    for (const char *at = strchr(valid, '[') + 1; *at && *at != ']'; at += strspn(at, ", ")) {
        size_t span = strcspn(at, ",]");

        if (span == size && (any_case ? strncasecmp(at, word, size) : strncmp(at, word, size)) == 0)
            return true;
        at += span;
    }
    return false;
}

static enum err check_word(const struct config_key *key, const char *valid, const char *word, struct reason *reason)
{
    bool any_case = valid && text_starts(valid, "(case insensitive) ");
    char what[200];
    const char *list;

    if (!valid || (valid[0] != '[' && !any_case) || text_starts(valid, "[partitionId]"))
        return ERR_OK;
    if (among(valid, word, any_case))
        return ERR_OK;
    if (text_starts(word, "by_duration:") && strstr(valid, "by_duration:"))
        return ERR_OK;
    list = strchr(valid, '[') + 1;
    snprintf(what, sizeof(what), "String must be one of%s: %.*s", any_case ? " (case insensitive)" : "",
             (int)strcspn(list, "]"), list);
    return refuse(reason, key->name, word, what);
}

/* "0:1,1:2" or "*". */
static bool throttled_list_right(const char *value)
{
    const char *at = value;

    if (!*value || strcmp(value, "*") == 0)
        return true;
    for (;;) {
        for (int part = 0; part < 2; part++) {
            size_t digits;

            at += strspn(at, " ");
            digits = strspn(at, "0123456789");
            if (!digits)
                return false;
            at += digits;
            if (part == 0 && *at++ != ':')
                return false;
        }
        at += strspn(at, " ");
        if (!*at)
            return true;
        if (*at++ != ',')
            return false;
    }
}

static enum err check_list(const struct config_key *key, const char *valid, const char *value, enum release release,
                           struct reason *reason)
{
    enum err err = ERR_OK;
    char *copy, *rest, *word;
    struct config_map seen = { 0 };

    if (valid && text_starts(valid, "[partitionId]") && !throttled_list_right(value)) {
        return err_because(ERR_INVALID_CONFIG, reason,
                           "Invalid value [%s] for configuration %s: %s must be the literal '*' or a list of replicas in the"
                           " following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
                           value, key->name, key->name);
    }
    copy = rest = trimmed(value);
    while (!err && *copy && (word = strsep(&rest, ","))) {
        word += strspn(word, " ");
        for (size_t size = strlen(word); size && word[size - 1] == ' ';)
            word[--size] = 0;
        err = check_word(key, valid, word, reason);
        if (!err && valid && valid[0] == '[' && !release_is_27(release) && config_map_get(&seen, word))
            err = err_because(ERR_INVALID_CONFIG, reason, "Configuration '%s' values must not be duplicated.", key->name);
        config_map_set(&seen, word, "");
    }
    config_map_done(&seen);
    mem_free(copy);
    return err;
}

/* Kafka's names of releases as message.format.version takes them: "2.7", "2.7-IV1", "0.10.0". */
static bool release_right(const char *value)
{
    static const char *const shorts[] = { "0.8.0", "0.8.1", "0.8.2", "0.9.0", "0.10.0", "0.10.1", "0.10.2", "0.11.0",
                                          "1.0", "1.1", "2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7" };

    for (size_t i = 0; i < sizeof(shorts) / sizeof(shorts[0]); i++) {
        if (text_starts(value, shorts[i])) {
            const char *rest = value + strlen(shorts[i]);

            if (!*rest || *rest == '.' || text_starts(rest, "-IV"))
                return true;
        }
    }
    return false;
}

static enum err check_trimmed(const struct config_key *key, const char *valid, const char *given, const char *value,
                              enum release release, struct reason *reason)
{
    int64_t number = 0, least = INT64_MIN, most = INT64_MAX;
    char shown[64], what[96];
    double real;
    bool truth;

    switch (key->type) {
    case CONFIG_BOOLEAN:
        return parse_bool(value, &truth) ? ERR_OK
                                         : refuse(reason, key->name, given, "Expected value to be either true or false");
    case CONFIG_INT:
        least = INT32_MIN, most = INT32_MAX;
        break;
    case CONFIG_SHORT:
        least = INT16_MIN, most = INT16_MAX;
        break;
    case CONFIG_LONG:
        break;
    case CONFIG_DOUBLE:
        if (!java_double(value, &real))
            return refuse(reason, key->name, given, "Not a number of type DOUBLE");
        java_double_text(real, shown, sizeof(shown));
        return check_range(key, valid, real, shown, reason);
    case CONFIG_LIST:
        return check_list(key, valid, value, release, reason);
    case CONFIG_STRING:
        if (valid && strcmp(valid, "a release") == 0 && !release_right(value)) {
            snprintf(what, sizeof(what), "Version `%.32s` is not a valid version", value);
            return refuse(reason, key->name, given, what);
        }
        if (valid && strcmp(valid, "non-empty string") == 0 && !*value)
            return refuse(reason, key->name, given, "String must be non-empty");
        return check_word(key, valid, value, reason);
    case CONFIG_CLASS:
    case CONFIG_PASSWORD:
        return ERR_OK;
    }
    if (!java_long(value, &number) || number < least || number > most) {
        snprintf(what, sizeof(what), "Not a number of type %s", type_names[key->type]);
        return refuse(reason, key->name, given, what);
    }
    snprintf(shown, sizeof(shown), "%" PRId64, number);
    return check_range(key, valid, (double)number, shown, reason);
}

enum err config_check(const struct config_key *key, const char *value, enum release release, struct reason *reason)
{
    const char *valid = key->valid;
    enum err err;
    char *copy;

    if (!value)
        return ERR_OK;
    if (release_is_27(release) && key->valid_27)
        valid = *key->valid_27 ? key->valid_27 : NULL;
    /* The limit guards production only; a lesson wants small segments. */
    if (release == RELEASE_ANY && (strcmp(key->name, "segment.bytes") == 0 || strcmp(key->name, "log.segment.bytes") == 0))
        valid = "[14,...]";
    copy = trimmed(value);
    err = check_trimmed(key, valid, value, copy, release, reason);
    mem_free(copy);
    return err;
}

enum err config_check_together(enum config_scope scope, const struct config_map *map, enum release release, struct reason *reason)
{
    struct config_layers layers = { .topic = map, .release = release };
    int64_t min_lag, max_lag;

    if (scope != CONFIG_TOPIC)
        return ERR_OK;
    min_lag = config_long(&layers, "min.compaction.lag.ms");
    max_lag = config_long(&layers, "max.compaction.lag.ms");
    if (min_lag > max_lag)
        return err_because(ERR_INVALID_CONFIG, reason,
                           "conflict topic config setting min.compaction.lag.ms (%" PRId64 ") > max.compaction.lag.ms (%" PRId64 ")",
                           min_lag, max_lag);
    if (!release_is_27(release) && config_boolean(&layers, "remote.storage.enable"))
        return err_because(ERR_INVALID_CONFIG, reason,
                           "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.");
    return ERR_OK;
}

/* ---- which value acts ---- */

enum { MOST_NAMES = 4, NAME_SIZE = 64 };
struct names {
    char at[MOST_NAMES][NAME_SIZE];
    int count;
};

static void names_add(struct names *names, const char *name, size_t size)
{
    if (names->count < MOST_NAMES && size < NAME_SIZE) {
        memcpy(names->at[names->count], name, size);
        names->at[names->count++][size] = 0;
    }
}

static void names_split(struct names *names, const char *list)
{
    for (const char *at = list; at && *at;) {
        size_t span = strcspn(at, ",");

        names_add(names, at, span);
        at += span + (at[span] == ',');
    }
}

/* The broker keys that stand for one and the same thing, strongest first. */
static const char *const families[] = {
    "log.retention.ms,log.retention.minutes,log.retention.hours",
    "log.roll.ms,log.roll.hours",
    "log.roll.jitter.ms,log.roll.jitter.hours",
};

static void broker_names(struct names *names, const char *name)
{
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        const char *at = strstr(families[i], name);
        size_t size = strlen(name);

        if (at && (at == families[i] || at[-1] == ',') && (!at[size] || at[size] == ',')) {
            names_split(names, families[i]);
            return;
        }
    }
    if (strcmp(name, "log.flush.interval.ms") == 0)
        names_split(names, "log.flush.interval.ms,log.flush.scheduler.interval.ms");
    else
        names_add(names, name, strlen(name));
}

static void synonym_add(struct config_value *out, const char *name, const char *value, enum config_source source)
{
    if (out->synonym_count < (int)(sizeof(out->synonyms) / sizeof(out->synonyms[0])))
        out->synonyms[out->synonym_count++] = (struct config_synonym){ name, value, source };
}

/* As Kafka's configSynonyms(): layer by layer every name, but nothing before the first that has the name asked for; so the
 * hours of log.retention.hours don't show up where log.retention.ms is asked and not set. */
static void add_broker_synonyms(struct config_value *out, const struct config_layers *layers, const char *first,
                                const struct names *names)
{
    const struct config_map *const maps[] = { layers->dynamic_broker, layers->dynamic_default, layers->static_broker };
    static const enum config_source sources[] = { SOURCE_DYNAMIC_BROKER, SOURCE_DYNAMIC_DEFAULT_BROKER, SOURCE_STATIC_BROKER };
    bool met = false;

    for (int layer = 0; layer < 4; layer++) {
        for (int i = 0; i < names->count; i++) {
            const struct config_key *key = config_key_find(CONFIG_BROKER, names->at[i]);
            const char *value = NULL, *name = key ? key->name : first;

            if (layer < 3) {
                const struct config_set *set = map_find(maps[layer], names->at[i]);

                value = set ? set->value : NULL;
                name = set && !key ? set->name : name;
            } else if (config_key_known(key, layers->release)) {
                value = config_key_default(key, layers->release);
            }
            met = met || (value && strcmp(names->at[i], first) == 0);
            if (value && met)
                synonym_add(out, name, value, layer < 3 ? sources[layer] : SOURCE_DEFAULT);
        }
    }
}

/* What the brokers' settings give: names in their order, each over all layers; units become milliseconds. */
static const char *broker_value(const struct config_layers *layers, const struct names *names)
{
    const struct config_map *const maps[] = { layers->dynamic_broker, layers->dynamic_default, layers->static_broker };

    for (int i = 0; i < names->count; i++) {
        for (int layer = 0; layer < 3; layer++) {
            const struct config_set *set = map_find(maps[layer], names->at[i]);

            if (set)
                return set->in_ms ? set->in_ms : set->value;
        }
    }
    return NULL;
}

static struct config_value resolve_broker(const struct config_layers *layers, const struct config_key *key)
{
    struct config_value out = { 0 };
    struct names names = { 0 };

    broker_names(&names, key->name);
    add_broker_synonyms(&out, layers, key->name, &names);
    out.source = SOURCE_DEFAULT;
    out.value = config_key_known(key, layers->release) ? config_key_default(key, layers->release) : NULL;
    if (out.synonym_count) {
        out.value = out.synonyms[0].value;
        out.source = out.synonyms[0].source;
    }
    return out;
}

struct config_value config_resolve(const struct config_layers *layers, const struct config_key *key)
{
    const struct config_map *own = key->scope == CONFIG_TOPIC ? layers->topic : layers->group;
    struct config_value out = { 0 };
    struct names names = { 0 };
    const struct config_set *set;
    const char *inherited = NULL;

    if (key->scope == CONFIG_BROKER)
        return resolve_broker(layers, key);
    set = map_find(own, key->name);
    if (set)
        synonym_add(&out, key->name, set->value,
                    key->scope == CONFIG_TOPIC ? SOURCE_TOPIC : key->scope == CONFIG_GROUP ? SOURCE_GROUP : SOURCE_CLIENT_METRICS);
    if (key->broker_key) {
        names_split(&names, key->broker_key);
        add_broker_synonyms(&out, layers, names.at[0], &names);
        inherited = broker_value(layers, &names);
    } else if (key->scope == CONFIG_GROUP && config_key_known(key, layers->release)) {
        synonym_add(&out, key->name, config_key_default(key, layers->release), SOURCE_DEFAULT);
    }
    out.source = out.synonym_count ? out.synonyms[0].source : SOURCE_DEFAULT;
    if (set)
        out.value = set->value;
    else if (inherited)
        out.value = inherited;
    else if (config_key_known(key, layers->release))
        out.value = config_key_default(key, layers->release);
    return out;
}

/* The value alone, without the list of where it might have come from: this is asked often. */
const char *config_text(const struct config_layers *layers, const char *name)
{
    const struct config_key *key = config_key_find(CONFIG_BROKER, name);
    const struct config_set *set;
    struct names names = { 0 };
    const char *value;

    if (!key) {
        key = config_key_find(CONFIG_TOPIC, name);
        assert(key);
    }
    /* Some names are both a topic's and a broker's: with a topic's layer the topic is meant. */
    if (layers->topic && (set = map_find(layers->topic, name)))
        return set->value;
    if (key->scope == CONFIG_TOPIC && key->broker_key)
        names_split(&names, key->broker_key);
    else
        names_add(&names, name, strlen(name));
    value = broker_value(layers, &names);
    if (value)
        return value;
    return config_key_known(key, layers->release) ? config_key_default(key, layers->release) : NULL;
}

int64_t config_long(const struct config_layers *layers, const char *name)
{
    const char *text = config_text(layers, name);
    int64_t value = -1;
    char *copy;

    if (!text)
        return -1;
    if (parse_i64(text, &value))
        return value;
    copy = trimmed(text);
    if (!java_long(copy, &value))
        value = -1;
    mem_free(copy);
    return value;
}

bool config_boolean(const struct config_layers *layers, const char *name)
{
    const char *text = config_text(layers, name);

    return text && strncasecmp(text + strspn(text, " "), "true", 4) == 0;
}

double config_double(const struct config_layers *layers, const char *name)
{
    const char *text = config_text(layers, name);

    return text ? strtod(text, NULL) : 0;
}

/* ---- a log's settings ---- */

static int8_t format_magic(const char *version)
{
    if (!version)
        return 2;
    if (text_starts(version, "0.8") || text_starts(version, "0.9"))
        return 0;
    return text_starts(version, "0.10") ? 1 : 2;
}

void config_of_log(const struct config_layers *layers, struct log_config *out)
{
    bool old = release_is_27(layers->release);
    const char *policy = config_text(layers, "cleanup.policy");
    const char *codec = config_text(layers, "compression.type");

    log_config_default(out, layers->release);
    out->cleanup_delete = policy && strstr(policy, "delete");
    out->cleanup_compact = policy && strstr(policy, "compact");
    out->retention_ms = config_long(layers, "retention.ms");
    out->retention_bytes = config_long(layers, "retention.bytes");
    out->segment_bytes = (int32_t)config_long(layers, !old && config_text(layers, "internal.segment.bytes") ? "internal.segment.bytes" : "segment.bytes");
    out->segment_index_bytes = (int32_t)config_long(layers, "segment.index.bytes");
    out->index_interval_bytes = (int32_t)config_long(layers, "index.interval.bytes");
    out->max_message_bytes = (int32_t)config_long(layers, "max.message.bytes");
    out->segment_ms = config_long(layers, "segment.ms");
    out->segment_jitter_ms = config_long(layers, "segment.jitter.ms");
    out->file_delete_delay_ms = config_long(layers, "file.delete.delay.ms");
    out->log_append_time = strcmp(config_text(layers, "message.timestamp.type"), "LogAppendTime") == 0;
    out->preallocate = config_boolean(layers, "preallocate");
    out->flush_messages = config_long(layers, "flush.messages");
    out->flush_ms = config_long(layers, "flush.ms");
    out->min_compaction_lag_ms = config_long(layers, "min.compaction.lag.ms");
    out->max_compaction_lag_ms = config_long(layers, "max.compaction.lag.ms");
    out->delete_retention_ms = config_long(layers, "delete.retention.ms");
    out->min_cleanable_dirty_ratio = config_double(layers, "min.cleanable.dirty.ratio");
    out->producer_id_expiration_ms = config_long(layers, old ? "transactional.id.expiration.ms" : "producer.id.expiration.ms");
    if (!codec || !codec_parse(codec, &out->codec))
        out->codec = CODEC_PRODUCER;
    out->codec_level = INT32_MIN;
    if (old) {
        out->timestamp_before_max_ms = out->timestamp_after_max_ms = config_long(layers, "message.timestamp.difference.max.ms");
        out->magic = format_magic(config_text(layers, "message.format.version"));
        return;
    }
    out->timestamp_before_max_ms = config_long(layers, "message.timestamp.before.max.ms");
    out->timestamp_after_max_ms = config_long(layers, "message.timestamp.after.max.ms");
    out->magic = 2;
    if (out->codec == CODEC_GZIP && config_long(layers, "compression.gzip.level") != -1)
        out->codec_level = (int)config_long(layers, "compression.gzip.level");
    else if (out->codec == CODEC_LZ4)
        out->codec_level = (int)config_long(layers, "compression.lz4.level");
    else if (out->codec == CODEC_ZSTD)
        out->codec_level = (int)config_long(layers, "compression.zstd.level");
}
