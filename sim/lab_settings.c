/* What a lab is made with: what the distribution sets, --course, --set, and what lab.db remembers of it for the next time. */
#include "sim/lab_internal.h"
#include "sim/order.h"
#include "sim/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the distribution's config/server.properties sets beside Kafka's own defaults. */
static const char *const distribution[][2] = {
    { "group.initial.rebalance.delay.ms", "0" },
    { "log.retention.check.interval.ms", "300000" },
    { "log.retention.hours", "168" },
    { "log.segment.bytes", "1073741824" },
    { "num.io.threads", "8" },
    { "num.network.threads", "3" },
    { "num.partitions", "1" },
    { "num.recovery.threads.per.data.dir", "1" },
    { "socket.receive.buffer.bytes", "102400" },
    { "socket.request.max.bytes", "104857600" },
    { "socket.send.buffer.bytes", "102400" },
};

/* --course: time at a lecture's pace. */
static const char *const course[][2] = {
    { "log.retention.check.interval.ms", "10000" },
    { "log.segment.delete.delay.ms", "10000" },
};

void lab_options_default(struct lab_options *options)
{
    *options = (struct lab_options){ .brokers = 1, .seed = 1, .start_us = -1, .new_start_us = -1, .port = 9092 };
}

static void set_internal_factor(struct config_map *settings, int32_t brokers, bool is_27)
{
    static const char *const keys[] = { "offsets.topic.replication.factor", "transaction.state.log.replication.factor",
                                        "share.coordinator.state.topic.replication.factor" };
    char factor[16];

    snprintf(factor, sizeof(factor), "%d", brokers < 3 ? brokers : 3);
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys) - is_27; i++)
        config_map_set(settings, keys[i], factor);
    config_map_set(settings, "transaction.state.log.min.isr", brokers < 3 ? "1" : "2");
    if (!is_27)
        config_map_set(settings, "share.coordinator.state.topic.min.isr", brokers < 3 ? "1" : "2");
}

static enum err take_setting(struct lab *lab, const char *key, const char *value, const char *from, struct reason *reason)
{
    const struct config_key *row = config_key_find(CONFIG_BROKER, key);
    enum err err;

    if (own_key(key))
        return own_take(lab, key, value, reason);
    if (lab->inspects && row && text_equal(config_key_default(row, lab->release), "-"))
        return ERR_OK; /* a line of a server.properties that another release reads */
    if (!row || text_equal(config_key_default(row, lab->release), "-"))
        return err_because(ERR_INVALID_CONFIG, reason, "%s: Kafka %s has no broker setting '%s'", from,
                           release_is_27(lab->release) ? "2.7" : "4.3", key);
    err = config_check(row, value, lab->release, reason);
    if (err)
        return err;
    config_map_set(&lab->settings, key, value);
    return ERR_OK;
}

enum err lab_make_settings(struct lab *lab, const struct lab_options *options, struct reason *reason)
{
    enum err err = ERR_OK;

    for (size_t i = 0; i < sizeof(distribution) / sizeof(*distribution) && !lab->inspects; i++)
        config_map_set(&lab->settings, distribution[i][0], distribution[i][1]);
    if (!lab->inspects) /* a real broker's are its own: Kafka's defaults, where nobody says what they are */
        set_internal_factor(&lab->settings, lab->first_brokers, release_is_27(lab->release));
    for (size_t i = 0; options->course && i < sizeof(course) / sizeof(*course) && !err; i++) {
        text_printf(&lab->changed, "%s=%s\n", course[i][0], course[i][1]);
        err = take_setting(lab, course[i][0], course[i][1], "--course", reason);
    }
    for (size_t i = 0; options->settings && i < options->settings->count && !err; i++) {
        const struct config_set *set = &options->settings->sets[i];

        if (!own_key(set->name))
            text_printf(&lab->changed, "%s=%s\n", set->name, set->value);
        err = take_setting(lab, set->name, set->value, "--set", reason);
    }
    return err;
}

/* ---- what a lab remembers of how it was made ---- */

static enum err remember(struct lab *lab, const char *key, const char *mine, bool given, const char *option, struct reason *reason)
{
    const char *kept = lab->store ? store_get(lab->store, key) : NULL;

    if (kept && given && strcmp(kept, mine) != 0)
        return err_because(ERR_INVALID_CONFIG, reason, "%s was made with %s %s, not %s: leave the option out, or take another folder",
                           lab->dir, option, kept, mine);
    if (!kept && lab->store)
        store_set(lab->store, key, mine);
    return ERR_OK;
}

/* Brokers that were added since, and racks under their option, are nobody's to repeat. */
static enum err remember_settings(struct lab *lab, struct reason *reason)
{
    const char *kept = store_get(lab->store, "settings");
    char *before, *mine;
    enum err err = ERR_OK;

    if (!kept) {
        store_set(lab->store, "settings", text_chars(&lab->made_with));
        return ERR_OK;
    }
    before = own_without_added(kept);
    mine = own_without_added(text_chars(&lab->made_with));
    if (*mine && strcmp(before, mine) != 0) {
        char *was = own_words(before), *is = own_words(mine);

        err = err_because(ERR_INVALID_CONFIG, reason, "%s was made with %s, not with %s: leave the options out, or take another folder", lab->dir,
                          *was ? was : "no settings", is);
        mem_free(was);
        mem_free(is);
    }
    mem_free(before);
    mem_free(mine);
    return err;
}

static void settings_text(const struct config_map *map, struct text *out)
{
    for (size_t i = 0; map && i < map->count; i++)
        text_printf(out, "%s=%s\n", map->sets[i].name, map->sets[i].value);
}

/* The folders say it, unless the user does. */
static enum err find_release(const struct lab_options *options, enum release *release, struct reason *reason)
{
    int64_t no_clock = 0;
    struct fs *fs = fs_read_only(&no_clock, 0);
    enum err err = inspect_release(fs, options->inspect, release, reason);

    fs_free(fs);
    if (!err && options->release_given)
        *release = options->release;
    return err;
}

/* `is_new`: no lab of before there was a quorum, which had one voter. */
static enum err count_controllers(struct lab *lab, const struct lab_options *options, const char *kept, bool is_new, struct reason *reason)
{
    bool old = release_is_27(lab->release);

    lab->controllers = !old && is_new && lab->brokers >= 3 ? 3 : 1;
    if (kept)
        parse_i32(kept, &lab->controllers);
    if (!options->controllers_given)
        return ERR_OK;
    if (old)
        return err_because(ERR_INVALID_CONFIG, reason, "--controllers is for Kafka 4.3: with 2.7 ZooKeeper decides which broker is the controller, and any can be");
    if (options->controllers > lab->brokers)
        return err_because(ERR_INVALID_CONFIG, reason, "--controllers %d: they sit at the first brokers, of which there are only %d; add --brokers %d",
                           options->controllers, lab->brokers, options->controllers);
    if (!kept && !is_new && options->controllers != 1)
        return err_because(ERR_INVALID_CONFIG, reason, "%s was made with --controllers 1, not %d: leave the option out, or take another folder", lab->dir,
                           options->controllers);
    if (!kept)
        lab->controllers = options->controllers;
    return ERR_OK;
}

enum err lab_remember_how_made(struct lab *lab, const struct lab_options *options, struct reason *reason)
{
    char path[4096], number[32];
    const char *kept;
    bool is_new;
    enum err err;

    if (options->inspect) {
        err = find_release(options, &lab->release, reason);
        if (err)
            return err;
    } else {
        lab->release = options->release;
    }
    lab->brokers = options->brokers;
    lab->seed = options->seed;
    if (options->made_with) {
        text_add(&lab->made_with, options->made_with);
    } else {
        if (options->course)
            text_add(&lab->made_with, "--course\n");
        settings_text(options->settings, &lab->made_with);
    }
    lab->first_brokers = lab->brokers - (options->made_with ? own_added_lines(options->made_with) : own_added(options->settings));
    if (lab->first_brokers < 1)
        return err_because(ERR_INVALID_CONFIG, reason, "of %d brokers more are said to have been added than there are", lab->brokers);
    if (options->memory || lab->transient)
        return count_controllers(lab, options, NULL, true, reason);
    snprintf(path, sizeof(path), "%s/lab.db", lab->dir);
    err = store_open(&lab->store, path, &lab->store_lost, reason);
    if (err)
        return err;
    kept = store_get(lab->store, "release");
    is_new = !kept;
    if (kept && !options->release_given)
        release_parse(kept, &lab->release);
    kept = store_get(lab->store, "brokers");
    if (kept && !options->brokers_given)
        parse_i32(kept, &lab->first_brokers);
    if (kept)
        lab->brokers = lab->first_brokers + own_added_lines(store_get(lab->store, "settings"));
    kept = store_get(lab->store, "seed");
    if (kept && !options->seed_given)
        lab->seed = strtoull(kept, NULL, 10);
    err = remember(lab, "release", release_name(lab->release), options->release_given, "--kafka", reason);
    snprintf(number, sizeof(number), "%d", lab->first_brokers);
    if (!err)
        err = remember(lab, "brokers", number, options->brokers_given, "--brokers", reason);
    if (!err)
        err = count_controllers(lab, options, store_get(lab->store, "controllers"), is_new, reason);
    snprintf(number, sizeof(number), "%d", options->controllers_given ? options->controllers : lab->controllers);
    if (!err)
        err = remember(lab, "controllers", number, options->controllers_given, "--controllers", reason);
    snprintf(number, sizeof(number), "%llu", (unsigned long long)lab->seed);
    if (!err)
        err = remember(lab, "seed", number, options->seed_given, "--seed", reason);
    if (!err)
        err = remember_settings(lab, reason);
    return err;
}

/* A lab reopened without --set keeps what it was made with. */
void lab_take_kept_settings(struct lab *lab, struct lab_options *options, struct config_map *map)
{
    const char *kept = lab->store ? store_get(lab->store, "settings") : NULL;
    char *copy, *save = NULL;

    if (lab->store)
        own_take_lines(lab, kept);
    if (!kept || options->course || (options->settings && options->settings->count))
        return;
    copy = mem_text(kept);
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *equals = strchr(line, '=');

        if (own_key(line)) {
            continue;
        } else if (!strcmp(line, "--course")) {
            options->course = true;
        } else if (equals) {
            *equals = 0;
            config_map_set(map, line, equals + 1);
        }
    }
    mem_free(copy);
    options->settings = map;
}

const char *lab_made_with(const struct lab *lab)
{
    const char *kept = lab->store ? store_get(lab->store, "settings") : NULL;

    return kept ? kept : text_chars(&lab->made_with);
}

void lab_keep_settings(struct lab *lab, const char *lines)
{
    const char *kept = lab->store ? store_get(lab->store, "settings") : NULL;
    char *all = kept ? mem_printf("%s%s", kept, lines) : NULL;

    text_add(&lab->made_with, lines);
    if (all)
        store_set(lab->store, "settings", all);
    mem_free(all);
}

void lab_keep_orders(struct lab *lab, struct store *store)
{
    const char *kept = store_get(store, "orders");
    struct text now = { 0 };

    if (lab->inspects)
        return;
    order_keep_faults(lab, &now);
    order_keep_schedule(lab, &now);
    order_keep_chaos(lab, &now);
    if (strcmp(kept ? kept : "", text_chars(&now)) != 0)
        store_set(store, "orders", text_chars(&now));
    text_done(&now);
}

void lab_take_kept_orders(struct lab *lab)
{
    const char *kept = lab->store && !lab->inspects ? store_get(lab->store, "orders") : NULL;
    char *copy = kept ? mem_text(kept) : NULL, *save = NULL;

    for (char *line = copy ? strtok_r(copy, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save)) {
        struct reason reason = { "" };

        if (lab_order(lab, line, NULL, &reason))
            journal_add(lab->journal, ENTRY(EVENT_order_failed, .subject = "restore", .text = reason.text));
    }
    mem_free(copy);
}

enum err lab_save_memory(struct lab *lab, const char *dir, struct reason *reason)
{
    char *path = mem_printf("%s/lab.db", dir), number[32];
    struct store *store = NULL;
    bool lost;
    enum err err = lab->store ? store_save(lab->store, path, reason) : ERR_OK;

    if (!err)
        err = store_open(&store, path, &lost, reason);
    if (!err && !lab->store) {
        store_set(store, "release", release_name(lab->release));
        snprintf(number, sizeof(number), "%d", lab->first_brokers);
        store_set(store, "brokers", number);
        snprintf(number, sizeof(number), "%d", lab->controllers);
        store_set(store, "controllers", number);
        snprintf(number, sizeof(number), "%llu", (unsigned long long)lab->seed);
        store_set(store, "seed", number);
        store_set(store, "settings", text_chars(&lab->made_with));
        store_copy(store, lab->journal);
    }
    if (!err) {
        snprintf(number, sizeof(number), "%lld", (long long)queue_now_us(lab->queue));
        store_set(store, "clock_us", number);
        lab_keep_orders(lab, store);
    }
    store_close(store);
    mem_free(path);
    return err;
}
