/* Racks and other settings of single brokers, and brokers that were added. */
#include "sim/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char log_dirs_key[] = "@log-dirs";

bool own_key(const char *key) { return key[0] == '@'; }

/* "@3" and "@3:KEY"; -1: another one. *rest: behind the number. */
static int32_t index_in(const char *key, const char **rest)
{
    size_t digits = own_key(key) ? strspn(key + 1, "0123456789") : 0;
    char number[12];
    int32_t index;

    if (!digits || digits >= sizeof(number))
        return -1;
    snprintf(number, sizeof(number), "%.*s", (int)digits, key + 1);
    *rest = key + 1 + digits;
    return (**rest == ':' || !**rest) && parse_i32(number, &index) ? index : -1;
}

static bool adds(const char *key)
{
    const char *rest;

    return index_in(key, &rest) >= 0 && !*rest;
}

enum err own_take(struct lab *lab, const char *key, const char *value, struct reason *reason)
{
    const char *rest = "";
    int32_t index = index_in(key, &rest), id;

    if (!strcmp(key, log_dirs_key) ? !parse_i32(value, &id) || id < 1 || id > MOST_LOG_DIRS
                                   : strcmp(key, "@racks") != 0 && (index < 0 || (!*rest && (!parse_i32(value, &id) || id < 0)) || !strcmp(rest, ":")))
        return err_because(ERR_INVALID_CONFIG, reason, "'%s' is no setting", key);
    config_map_set(&lab->own, key, value);
    return ERR_OK;
}

static void each_line(const char *lines, void (*fn)(void *context, const char *key, const char *value), void *context)
{
    char *copy = mem_text(lines ? lines : ""), *save = NULL;

    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *equals = strchr(line, '=');

        if (equals)
            *equals = 0;
        fn(context, line, equals ? equals + 1 : NULL);
    }
    mem_free(copy);
}

static void take_line(void *context, const char *key, const char *value)
{
    if (own_key(key) && value)
        own_take(context, key, value, NULL);
}

void own_take_lines(struct lab *lab, const char *lines) { each_line(lines, take_line, lab); }

int32_t own_added(const struct config_map *map)
{
    int32_t count = 0;

    for (size_t i = 0; map && i < map->count; i++)
        count += adds(map->sets[i].name);
    return count;
}

static void count_line(void *context, const char *key, const char *value)
{
    *(int32_t *)context += value && adds(key);
}

int32_t own_added_lines(const char *lines)
{
    int32_t count = 0;

    each_line(lines, count_line, &count);
    return count;
}

static void keep_line(void *context, const char *key, const char *value)
{
    const char *rest;

    if (index_in(key, &rest) >= 0)
        return;
    text_printf(context, value ? "%s=%s\n" : "%s\n", key, value);
}

char *own_without_added(const char *lines)
{
    struct text out = { 0 };

    text_add(&out, "");
    each_line(lines, keep_line, &out);
    return text_take(&out);
}

static void say_line(void *context, const char *key, const char *value)
{
    struct text *out = context;

    text_add(out, out->size ? " " : "");
    if (!strcmp(key, "@racks"))
        text_printf(out, "--racks %s", value ? value : "");
    else if (!strcmp(key, log_dirs_key))
        text_printf(out, "--log-dirs %s", value ? value : "");
    else
        text_printf(out, value ? "--set %s=%s" : "%s", key, value);
}

char *own_words(const char *lines)
{
    struct text out = { 0 };

    text_add(&out, "");
    each_line(lines, say_line, &out);
    return text_take(&out);
}

int32_t own_log_dirs(const struct lab *lab)
{
    const char *value = config_map_get(&lab->own, log_dirs_key);
    int32_t count = 1;

    if (value)
        parse_i32(value, &count);
    return count;
}

/* The i-th of "a,b,c", going round. */
static void set_rack(const char *racks, size_t index, struct config_map *settings)
{
    size_t count = 1;
    char *copy = mem_text(racks), *at = copy;

    for (const char *p = racks; *p; p++)
        count += *p == ',';
    for (size_t i = 0; i < index % count; i++)
        at = strchr(at, ',') + 1;
    at[strcspn(at, ",")] = 0;
    if (*at)
        config_map_set(settings, "broker.rack", at);
    mem_free(copy);
}

void own_of(const struct lab *lab, size_t index, int32_t *id, struct config_map *settings)
{
    const char *racks = config_map_get(&lab->own, "@racks");

    if (racks && index < (size_t)lab->first_brokers)
        set_rack(racks, index, settings);
    for (size_t i = 0; i < lab->own.count; i++) {
        const char *rest;

        if (index_in(lab->own.sets[i].name, &rest) != (int32_t)index)
            continue;
        if (*rest)
            config_map_set(settings, rest + 1, lab->own.sets[i].value);
        else
            parse_i32(lab->own.sets[i].value, id);
    }
}
