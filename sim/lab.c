/* A lab: everything put together, opened in order and closed in reverse. */
#include "sim/copy.h"
#include "sim/lab_internal.h"
#include "sim/net/exporter.h"
#include "sim/own.h"
#include "sim/recording.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

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

static enum err make_settings(struct lab *lab, const struct lab_options *options, struct reason *reason)
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

static enum err open_memory_of_lab(struct lab *lab, const struct lab_options *options, struct reason *reason)
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
static void kept_settings(struct lab *lab, struct lab_options *options, struct config_map *map)
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

/* ---- folders ---- */

char *lab_runtime_folder(void)
{
    const char *xdg = getenv("XDG_RUNTIME_DIR");

    return xdg && *xdg && !access(xdg, W_OK) ? mem_printf("%s/kafkarium", xdg) : mem_printf("/tmp/kafkarium-%u", (unsigned)getuid());
}

static enum err make_folder(struct lab *lab, const struct lab_options *options, struct reason *reason)
{
    if (options->memory) {
        lab->dir = mem_text("/lab");
        return ERR_OK;
    }
    if (options->dir) {
        char *real;

        if (mkdir(options->dir, 0777) && errno != EEXIST)
            return err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s: %s", options->dir, strerror(errno));
        real = realpath(options->dir, NULL);
        lab->dir = mem_text(real ? real : options->dir);
        free(real);
        if (access(lab->dir, W_OK | X_OK))
            return err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s: the lab's folder can't be written (%s); name another, or none for a transient lab",
                               lab->dir, strerror(errno));
        return ERR_OK;
    }
    char *top = lab_runtime_folder();
    struct stat st;

    lab->transient = true;
    lab->keeps_log_dir = options->log_dir != NULL;
    if (mkdir(top, 0700) && errno != EEXIST) {
        enum err err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s: %s", top, strerror(errno));
        mem_free(top);
        return err;
    }
    if (stat(top, &st) || st.st_uid != getuid() || (st.st_mode & 077)) {
        enum err err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s belongs to somebody else or is open to others; remove it, or name a LAB", top);
        mem_free(top);
        return err;
    }
    lab->dir = mem_printf("%s/lab-%d-XXXXXX", top, (int)getpid());
    mem_free(top);
    if (!mkdtemp(lab->dir))
        return err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s: %s", lab->dir, strerror(errno));
    return ERR_OK;
}

static const char log_dir_marker[] = ".kafkarium-transient";

/* --log-dir DIR: a folder that is empty, new, or left by a transient lab (it has the marker); else it is not ours to touch. */
static enum err take_log_dir(struct lab *lab, const char *dir, struct reason *reason)
{
    char *marker;
    struct fs_names names;
    enum err err;

    if (lab->brokers != 1)
        return err_because(ERR_INVALID_CONFIG, reason, "--log-dir is the folder of one broker: leave out --brokers %d", lab->brokers);
    err = fs_mkdir(lab->fs, dir, reason);
    if (err)
        return err;
    if (!lab->transient)
        return ERR_OK;
    marker = mem_printf("%s/%s", dir, log_dir_marker);
    err = fs_list(lab->fs, dir, &names, reason);
    if (!err && names.count && !fs_exists(lab->fs, marker))
        err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s holds files that no transient lab of Kafkarium left there: empty it yourself, or name another --log-dir", dir);
    for (size_t i = 0; !err && i < names.count; i++) {
        char *path = mem_printf("%s/%s", dir, names.names[i]);

        err = fs_remove_tree(lab->fs, path, reason);
        mem_free(path);
    }
    fs_names_free(&names);
    if (!err)
        err = fs_replace(lab->fs, marker, bytes_text("left by a transient lab of Kafkarium; the next one clears this folder\n"), reason);
    mem_free(marker);
    return err;
}

/* ---- open and close ---- */

static void raise_open_files(void)
{
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int64_t start_time(const struct lab *lab, const struct lab_options *options)
{
    const char *kept = lab->store ? store_get(lab->store, "clock_us") : NULL;
    int64_t us;

    if (options->start_us >= 0)
        return options->start_us;
    if (kept && parse_i64(kept, &us))
        return us;
    if (options->new_start_us >= 0)
        return options->new_start_us;
    return options->loop ? wall_now_us() : 1767225600000000; /* 2026-01-01 */
}

static void own_of_broker(void *context, size_t index, int32_t *id, struct config_map *settings)
{
    own_of(context, index, id, settings);
}

struct cluster_options lab_cluster_options(struct lab *lab)
{
    return (struct cluster_options){
        .release = lab->release, .broker_count = lab->brokers, .first_broker_id = release_is_27(lab->release) ? 0 : 1,
        .controllers = lab->controllers, .dir = lab->dir, .settings = &lab->settings, .own = own_of_broker, .own_context = lab, .host = lab->registered_host,
        .ports = lab->ports, .queue = lab->queue, .random = &lab->random, .journal = lab->journal, .fs = lab->fs,
    };
}

static enum err open_cluster(struct lab *lab, const struct lab_options *options, struct reason *reason)
{
    struct cluster_options how = lab_cluster_options(lab);

    how.log_dir = options->log_dir;
    how.loaded = options->loaded;
    how.loaded_context = options->loaded_context;

    lab->registered_host = mem_text(*options->registered_host ? options->registered_host
                                    : options->advertised_host && strcmp(options->advertised_host, "auto") ? options->advertised_host : "localhost");
    how.host = lab->registered_host;
    lab->ports = mem_zero_array((size_t)lab->brokers, sizeof(*lab->ports));
    if (options->inspect) {
        enum err err = cluster_inspect(&lab->cluster, &how, options->inspect, reason);

        lab->ports[0] = err ? 9092 : broker_port(cluster_broker_at(lab->cluster, 0));
        return err;
    }
    how.ports = lab->ports;
    lab->any_port = options->listen && !options->port;
    lab->registered_port = (options->listen || options->ports_only) && options->port ? options->port : 9092;
    for (int32_t i = 0; i < lab->brokers; i++)
        lab->ports[i] = lab->registered_port + i;
    return cluster_open(&lab->cluster, &how, reason);
}

/* A broker that goes gives its port up; one that starts took it before. */
static void broker_went_down(void *context, struct broker *broker, const char *why, bool reset)
{
    struct lab *lab = context;

    (void)why, (void)reset;
    for (int32_t i = 0; lab->net && i < lab->brokers; i++)
        if (cluster_broker_at(lab->cluster, (size_t)i) == broker)
            net_unbind(lab->net, (size_t)i);
}

static const struct broker_watch broker_watch = { .went_down = broker_went_down };

static void catch_up(void *context)
{
    lab_catch_up(context);
}

/* ---- LAB/inputs: what came in, a part for each sitting: recording, recording-2, ...; one that began with files has their copy beside it: base-2, ... ---- */

enum { MOST_PARTS = 8 };
static const int64_t most_base_bytes = 64 << 20;

char *lab_part_path(const char *folder, const char *what, int number)
{
    return number == 1 ? mem_printf("%s/%s", folder, what) : mem_printf("%s/%s-%d", folder, what, number);
}

int lab_parts(struct fs *fs, const char *folder, int *first)
{
    struct fs_names names;
    int last = 0;

    *first = 0;
    if (fs_list(fs, folder, &names, NULL))
        return 0;
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.names[i];
        int number = 0;

        if (!strcmp(name, "recording"))
            number = 1;
        else if (!text_starts(name, "recording-") || !parse_i32(name + 10, &number) || number < 2)
            continue;
        if (number > last)
            last = number;
        if (!*first || number < *first)
            *first = number;
    }
    fs_names_free(&names);
    return last;
}

static void forget_old_parts(struct lab *lab, const char *folder, int first, int last)
{
    for (int number = first; number && number <= last - MOST_PARTS; number++) {
        char *recording = lab_part_path(folder, "recording", number), *base = lab_part_path(folder, "base", number);

        fs_unlink(lab->fs, recording, NULL);
        if (fs_exists(lab->fs, base))
            fs_remove_tree(lab->fs, base, NULL);
        mem_free(recording);
        mem_free(base);
    }
}

/* The folders that make up the lab's disk, and the names that they have in a copy: broker-N, controller. */
static char *log_folder(const struct lab *lab, const char *log_dir, int32_t id)
{
    return log_dir ? mem_text(log_dir) : mem_printf("%s/broker-%d", lab->dir, id);
}

void lab_copy_files(struct lab *lab, struct copy *copy, const char *into)
{
    for (size_t i = 0; i < cluster_broker_count(lab->cluster); i++) {
        const struct broker *broker = cluster_broker_at(lab->cluster, i);
        char *to = mem_printf("%s/broker-%d", into, broker_id(broker));

        copy_add(copy, broker_log_dir(broker), to);
        mem_free(to);
    }
    char *controller = mem_printf("%s/controller", lab->dir), *to = mem_printf("%s/controller", into);

    if (fs_exists(lab->fs, controller))
        copy_add(copy, controller, to);
    mem_free(controller);
    mem_free(to);
}

/* A lab that has files already: their copy, made before anything touches them. */
static enum err keep_base(struct lab *lab, const struct lab_options *options, const char *folder, int number, struct reason *reason)
{
    int32_t first = release_is_27(lab->release) ? 0 : 1;
    char *into = lab_part_path(folder, "base", number), *controller = mem_printf("%s/controller", lab->dir), *to = mem_printf("%s/controller", into);
    struct copy *copy = copy_new(lab->fs, lab->fs);
    int64_t size = copy_size(lab->fs, controller, most_base_bytes);
    enum err err = ERR_OK;

    for (int32_t i = 0; i < lab->brokers; i++) {
        struct config_map settings = { 0 };
        int32_t id = first + i;
        char *from, *part;
        struct fs_names names;

        own_of(lab, (size_t)i, &id, &settings);
        config_map_done(&settings);
        from = log_folder(lab, i ? NULL : options->log_dir, id);
        part = mem_printf("%s/broker-%d", into, id);

        if (!fs_list(lab->fs, from, &names, NULL)) {
            size += names.count ? copy_size(lab->fs, from, most_base_bytes) : 0;
            if (names.count > 1 || (names.count && strcmp(names.names[0], log_dir_marker))) {
                copy_add(copy, from, part);
                lab->based = true;
            }
            fs_names_free(&names);
        }
        mem_free(from);
        mem_free(part);
    }
    if (lab->based && fs_exists(lab->fs, controller))
        copy_add(copy, controller, to);
    if (lab->based && size > most_base_bytes) {
        err_because(ERR_INVALID_REQUEST, &lab->no_recording, "the files that it was opened with are more than 64 MB, too many for a copy to begin from");
    } else if (lab->based) {
        copy_slice(copy, NULL, 0);
        err = copy_error(copy, reason);
        lab->base = mem_text(into);
    }
    copy_free(copy);
    mem_free(into);
    mem_free(controller);
    mem_free(to);
    return err;
}

/* Before the cluster is opened. */
static enum err prepare_recorder(struct lab *lab, const struct lab_options *options, struct reason *reason)
{
    char *folder;
    enum err err;
    int first;

    if (!options->record || options->memory || options->inspect)
        return ERR_OK;
    folder = mem_printf("%s/inputs", lab->dir);
    err = fs_mkdir(lab->fs, folder, reason);
    if (!err) {
        lab->part = lab_parts(lab->fs, folder, &first) + 1;
        forget_old_parts(lab, folder, first, lab->part);
        err = keep_base(lab, options, folder, lab->part, reason);
    }
    mem_free(folder);
    return err;
}

static enum err open_recorder(struct lab *lab, const struct lab_options *options, struct reason *reason)
{
    char *folder, *path;
    enum err err;

    if (!options->record || options->memory || options->inspect || *lab->no_recording.text)
        return ERR_OK;
    folder = mem_printf("%s/inputs", lab->dir);
    path = lab_part_path(folder, "recording", lab->part);
    recorder_new(lab, 0);
    err = recorder_to_file(lab->recorder, path, reason);
    mem_free(path);
    mem_free(folder);
    return err;
}

struct recorder *lab_recorder(const struct lab *lab) { return lab->recorder; }
const char *lab_recording_base(const struct lab *lab) { return lab->base; }
int lab_part(const struct lab *lab) { return lab->part; }

const char *lab_no_recording(const struct lab *lab)
{
    return lab->recorder ? NULL : *lab->no_recording.text ? lab->no_recording.text : "its inputs are not kept (--record keeps them)";
}

/* A replay begins with the files that the recording began with. */
static enum err take_base(struct lab *lab, const char *base, struct reason *reason)
{
    struct fs *from = fs_real(queue_clock(lab->queue), 0, false);
    struct copy *copy = copy_new(from, lab->fs);
    enum err err;

    copy_add(copy, base, lab->dir);
    copy_slice(copy, NULL, 0);
    err = copy_error(copy, reason);
    copy_free(copy);
    fs_free(from);
    return err;
}

static enum err open_net(struct lab *lab, const struct lab_options *options, struct reason *reason)
{
    struct net_options how = {
        .loop = options->loop, .wire = lab->wire, .queue = lab->queue, .listen = options->listen_address,
        .advertised_host = options->advertised_host, .first_port = options->port, .wall = lab->wall,
    };
    enum err err = net_open(&lab->net, &how, reason);

    if (!err)
        net_before_input(lab->net, catch_up, lab);
    for (int32_t i = 0; !err && i < lab->brokers; i++) {
        if (lab->ports[i] == net_port(lab->net, (size_t)i))
            continue;
        lab->ports[i] = net_port(lab->net, (size_t)i);
        recorder_port(lab->recorder, i, lab->ports[i]); /* it registers anew */
        broker_set_port(cluster_broker_at(lab->cluster, (size_t)i), lab->ports[i]);
    }
    return err;
}

/* A tool of this process lives in virtual time. Paused, that does not move, and its retries and heartbeats would never come: those begun then
 * come by the wall clock, as a real client's do. */
static void arm_in_process(struct timers *timers, struct timer *timer, int64_t delay_us)
{
    struct lab *lab = (struct lab *)((char *)timers - offsetof(struct lab, timers));

    if (lab->pace == PACE_PAUSED && lab->wall_outside)
        timer_arm(lab->wall_outside, timer, delay_us);
    else
        event_after(timers->queue, &timer->event, delay_us);
}

enum err lab_open(struct lab **out, const struct lab_options *given, struct reason *reason)
{
    struct lab *lab = mem_zero(sizeof(*lab));
    struct lab_options options = *given;
    struct config_map kept = { 0 };
    enum err err;

    *out = NULL;
    lab->loop = options.loop;
    lab->speed = 1;
    lab->inspects = options.inspect != NULL;
    lab->inspects_as_of = options.start_us >= 0;
    lab->read_us = options.loop ? wall_now_us() : 0;
    raise_open_files();
    err = make_folder(lab, &options, reason);
    if (!err)
        err = open_memory_of_lab(lab, &options, reason);
    if (!err) {
        kept_settings(lab, &options, &kept);
        err = make_settings(lab, &options, reason);
    }
    if (err)
        goto out;
    lab->start_us = start_time(lab, &options);
    lab->queue = queue_new(lab->start_us);
    random_init(&lab->random, lab->seed);
    lab->journal = journal_new(queue_clock(lab->queue), 0);
    lab->fs = options.inspect  ? fs_read_only(queue_clock(lab->queue), 0)
              : options.memory ? fs_memory(queue_clock(lab->queue))
                               : fs_real(queue_clock(lab->queue), 0, options.durable);
    if (lab->store)
        lab->journal_from = store_last_entry(lab->store);
    else
        lab->journal_from = options.journal_from;
    if (lab->journal_from)
        journal_go_on(lab->journal, lab->journal_from);
    pace_begin(lab);
    if (options.log_dir)
        err = take_log_dir(lab, options.log_dir, reason);
    if (!err && options.base)
        err = take_base(lab, options.base, reason);
    if (!err)
        err = prepare_recorder(lab, &options, reason);
    if (!err)
        err = open_cluster(lab, &options, reason);
    if (err)
        goto out;
    lab->wire = wire_new(lab->cluster);
    wire_set_keep_timestamps(lab->wire, options.keep_timestamps);
    lab->keep_timestamps = options.keep_timestamps;
    if (options.loop) {
        lab->wall = wall_timers_new(options.loop, lab->queue);
        lab->wall_outside = wall_timers_new(options.loop, lab->queue);
    }
    lab->timers = (struct timers){ .queue = lab->queue, .outside = true, .arm = arm_in_process };
    if (!options.inspect)
        err = open_recorder(lab, &options, reason);
    if (err)
        goto out;
    if (lab->wall) {
        wall_timers_before_input(lab->wall, catch_up, lab);
        wall_timers_before_input(lab->wall_outside, catch_up, lab);
        if (!options.inspect)
            groups_use_wall(lab->cluster, lab->wall);
    }
    cluster_watch_brokers(lab->cluster, &broker_watch, lab);
    if (options.listen && options.loop && !options.inspect)
        err = open_net(lab, &options, reason);
    if (err)
        goto out;
    lab->simulated = simulated_new(&(struct simulated_env){ lab->wire, lab->queue, &lab->random, lab->journal, lab->release });
    lab->tables = tables_new();
    tables_add(lab->tables, &clock_table, lab);
    tables_add(lab->tables, &schedule_table, lab);
    tables_add(lab->tables, &chaos_table, lab);
    cluster_register_tables(lab->cluster, lab->tables);
    wire_register_tables(lab->wire, lab->tables);
    simulated_register_tables(lab->simulated, lab->tables);
    journal_register_tables(lab->journal, lab->tables);
    err = sql_open(&lab->sql, lab->tables, monotonic_now_us, reason);
    if (err)
        goto out;
    if (lab->store)
        store_keep(lab->store, lab->journal);
    lab->control = mem_printf("%s/control", lab->dir);
    if (options.inspect)
        lab_set_pace(lab, PACE_PAUSED);
out:
    config_map_done(&kept);
    if (err)
        lab_close(lab);
    else
        *out = lab;
    return err;
}

bool lab_inspects(const struct lab *lab)
{
    return lab->inspects;
}

enum err lab_inspect_again(struct lab *lab, bool *changed, struct reason *reason)
{
    int64_t now_us = lab->loop ? wall_now_us() : queue_now_us(lab->queue);

    *changed = cluster_inspect_changed(lab->cluster);
    if (!lab->inspects_as_of)
        lab_run_slice(lab, now_us, NULL);
    if (!*changed)
        return ERR_OK;
    lab->read_us = now_us;
    return cluster_inspect_again(lab->cluster, reason);
}

int64_t lab_inspect_read_us(const struct lab *lab) { return lab->read_us; }
bool lab_inspect_as_of(const struct lab *lab) { return lab->inspects_as_of; }

/* The lab's own: what is looked at is read only. */
static void remove_folder(struct lab *lab)
{
    int64_t no_clock = 0;
    struct fs *fs = lab->inspects ? fs_real(&no_clock, 1, false) : lab->fs;

    fs_remove_tree(fs, lab->dir, NULL);
    if (fs != lab->fs)
        fs_free(fs);
}

void lab_close(struct lab *lab)
{
    if (!lab)
        return;
    exporter_close(lab->exporter);
    schedule_free(lab->schedule);
    chaos_free(lab->chaos);
    net_close(lab->net);
    if (lab->recorder) {
        recorder_flush(lab->recorder, NULL);
        recorder_free(lab->recorder);
    }
    sql_close(lab->sql);
    simulated_free(lab->simulated);
    if (lab->wire)
        wire_free(lab->wire);
    if (lab->transient && (!lab->keeps_log_dir || lab->inspects)) /* nobody opens it again: no files are made to be removed at once */
        cluster_drop(lab->cluster);
    else
        cluster_close(lab->cluster);
    tables_free(lab->tables);
    if (lab->store && lab->queue) {
        char now[32];

        snprintf(now, sizeof(now), "%lld", (long long)queue_now_us(lab->queue));
        store_set(lab->store, "clock_us", now);
    }
    store_close(lab->store);
    if (lab->transient && lab->dir && (lab->fs || lab->inspects))
        remove_folder(lab);
    if (lab->fs) {
        fs_settle(lab->fs);
        fs_free(lab->fs);
    }
    journal_free(lab->journal);
    wall_timers_free(lab->wall);
    wall_timers_free(lab->wall_outside);
    queue_free(lab->queue);
    config_map_done(&lab->settings);
    config_map_done(&lab->client_names);
    config_map_done(&lab->own);
    text_done(&lab->changed);
    text_done(&lab->made_with);
    mem_free(lab->ports);
    mem_free(lab->control);
    mem_free(lab->registered_host);
    mem_free(lab->base);
    for (size_t i = 0; i < lab->mark_count; i++)
        mem_free((char *)lab->marks[i].name);
    mem_free(lab->marks);
    mem_free(lab->dir);
    mem_free(lab);
}

/* Its connections in process are of who looks at it; their own waits go by the wall, as its clock stands still. */
void lab_make_past(struct lab *lab, struct player *player, bool guests, uv_loop_t *loop)
{
    lab->player = player;
    lab->pace = PACE_PAUSED;
    if (guests)
        wire_only_guests(lab->wire);
    if (loop)
        lab->wall_outside = wall_timers_new(loop, lab->queue);
}

void lab_go_live(struct lab *lab, uv_loop_t *loop, uint64_t armed)
{
    lab->loop = loop;
    lab->player = NULL;
    lab->pace = PACE_RUNNING;
    lab->wall = wall_timers_new(loop, lab->queue);
    lab->wall_outside = wall_timers_new(loop, lab->queue);
    wall_timers_count_from(lab->wall, armed);
    wall_timers_before_input(lab->wall, catch_up, lab);
    wall_timers_before_input(lab->wall_outside, catch_up, lab);
    groups_use_wall(lab->cluster, lab->wall);
    recorder_go_live(lab->recorder);
    pace_begin(lab);
}

int32_t lab_export_metrics(struct lab *lab, const char *address, int32_t port, struct reason *reason)
{
    if (exporter_open(&lab->exporter, lab->loop, lab->cluster, address, port, reason))
        return -1;
    return exporter_port(lab->exporter);
}

enum err lab_listen(struct lab *lab, const struct lab_options *given, struct reason *reason)
{
    struct lab_options options = *given;

    options.loop = lab->loop;
    return open_net(lab, &options, reason);
}

bool lab_is_past(const struct lab *lab)
{
    return lab->player != NULL;
}

bool lab_past_turn(struct lab *lab)
{
    return queue_run_outside(lab->queue);
}

/* ---- a copy of a lab ---- */

void lab_copy_inputs(struct lab *lab, struct copy *copy, const char *into)
{
    char *inputs = mem_printf("%s/inputs", lab->dir), *to = mem_printf("%s/inputs", into);

    if (fs_exists(lab->fs, inputs))
        copy_add(copy, inputs, to);
    mem_free(inputs);
    mem_free(to);
}

void lab_flush(struct lab *lab)
{
    fs_settle(lab->fs);
    if (lab->recorder)
        recorder_flush(lab->recorder, NULL);
    if (lab->store)
        store_commit(lab->store);
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

bool lab_is_transient(const struct lab *lab) { return lab->transient; }

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
    }
    store_close(store);
    mem_free(path);
    return err;
}

/* ---- marks ---- */

static struct mark *find_mark(const struct lab *lab, const char *name)
{
    for (size_t i = 0; i < lab->mark_count; i++)
        if (!strcmp(lab->marks[i].name, name))
            return &lab->marks[i];
    return NULL;
}

void lab_mark(struct lab *lab, const char *name)
{
    struct mark *mark = find_mark(lab, name);

    if (!mark) {
        ARRAY_ADD(lab->marks, lab->mark_count, lab->mark_capacity) = (struct mark){ .name = mem_text(name) };
        mark = &lab->marks[lab->mark_count - 1];
    }
    mark->at_us = queue_now_us(lab->queue);
    mark->entry = journal_last(lab->journal);
}

size_t lab_mark_count(const struct lab *lab) { return lab->mark_count; }
struct mark lab_mark_at(const struct lab *lab, size_t i) { return lab->marks[i]; }

bool lab_mark_find(const struct lab *lab, const char *name, struct mark *out)
{
    const struct mark *mark = find_mark(lab, name);

    if (mark)
        *out = *mark;
    return mark != NULL;
}

void lab_name_client(struct lab *lab, const char *address, const char *name)
{
    config_map_set(&lab->client_names, address, name);
}

const char *lab_client_name(const struct lab *lab, const char *address)
{
    return config_map_get(&lab->client_names, address);
}

int64_t lab_start_us(const struct lab *lab) { return lab->start_us; }
uint64_t lab_first_entry(const struct lab *lab) { return lab->journal_from + 1; }

/* ---- looking ---- */

struct queue *lab_queue(const struct lab *lab) { return lab->queue; }
struct cluster *lab_cluster(const struct lab *lab) { return lab->cluster; }
struct wire *lab_wire(const struct lab *lab) { return lab->wire; }
struct journal *lab_journal(const struct lab *lab) { return lab->journal; }
struct tables *lab_tables(const struct lab *lab) { return lab->tables; }
struct sql *lab_sql(const struct lab *lab) { return lab->sql; }
struct store *lab_store(const struct lab *lab) { return lab->store; }
struct simulated_clients *lab_simulated(const struct lab *lab) { return lab->simulated; }
struct net *lab_net(const struct lab *lab) { return lab->net; }
struct fs *lab_fs(const struct lab *lab) { return lab->fs; }
enum release lab_release(const struct lab *lab) { return lab->release; }
const char *lab_dir(const struct lab *lab) { return lab->dir; }
const char *lab_control_path(const struct lab *lab) { return lab->control; }
uint64_t lab_seed(const struct lab *lab) { return lab->seed; }
const char *lab_settings_changed(const struct lab *lab) { return text_chars(&lab->changed); }

int32_t lab_port(const struct lab *lab, size_t broker_index)
{
    return broker_index < (size_t)lab->brokers ? lab->ports[broker_index] : -1;
}

/* ---- one transport for both kinds of address ---- */

struct both {
    struct transport transport; /* first */
    struct lab *lab;
    struct transport *local, *tcp;
};

static struct transport *outside(struct both *both)
{
    if (!both->tcp)
        both->tcp = transport_tcp(both->lab->loop, both->lab->wall_outside);
    return both->tcp;
}

static struct channel *both_open(struct transport *transport, const char *host, int32_t port, void (*opened)(void *, enum err), void *context)
{
    struct both *both = (struct both *)transport;
    struct transport *to = both->local;

    if (both->lab->inspects) /* a look at folders: whatever the address, nobody is called */
        port = lab_port(both->lab, 0), host = "localhost";
    else if (!transport_local_knows(both->lab->wire, host, port) && both->lab->loop)
        to = outside(both);
    return to->open(to, host, port, opened, context); /* the channel knows its own transport from here on */
}

/* A name of this lab's brokers needs no name service; it stands for this machine. */
static bool both_resolve(struct transport *transport, const char *host, char *address, size_t size)
{
    struct both *both = (struct both *)transport;

    if (both->lab->inspects || transport_local_knows(both->lab->wire, host, lab_port(both->lab, 0))) {
        snprintf(address, size, "%s", inet_pton(AF_INET, host, &(struct in_addr){ 0 }) == 1 || strchr(host, ':') ? host : "127.0.0.1");
        return true;
    }
    if (!both->lab->loop)
        return false;
    return outside(both)->resolve(outside(both), host, address, size);
}

static void both_free(struct transport *transport)
{
    struct both *both = (struct both *)transport;

    transport_free(both->local);
    if (both->tcp)
        transport_free(both->tcp);
    mem_free(both);
}

struct transport *lab_transport(struct lab *lab, const char *client_host)
{
    struct both *both = mem_zero(sizeof(*both));

    both->transport = (struct transport){ .open = both_open, .free = both_free, .resolve = both_resolve, .timers = &lab->timers };
    both->lab = lab;
    both->local = transport_local(lab->wire, &lab->timers, client_host);
    return &both->transport;
}

/* ---- names of files as a course types them ---- */

char *lab_resolve_path(const struct lab *lab, const char *name)
{
    static const char kafka_logs[] = "/tmp/kafka-logs";
    size_t size = strlen(kafka_logs);
    const struct broker *first = cluster_broker_at(lab->cluster, 0);
    char *path;

    if (!strncmp(name, kafka_logs, size) && (!name[size] || name[size] == '/' || name[size] == '-')) {
        int number = 0, used = 0, base = release_is_27(lab->release) ? 1 : 2; /* -1, -2 or -2, -3 are the second and third */

        if (name[size] == '-' && sscanf(name + size, "-%d%n", &number, &used) == 1 && (!name[size + (size_t)used] || name[size + (size_t)used] == '/'))
            number = number - base + 1;
        if (number >= 0 && (size_t)number < cluster_broker_count(lab->cluster))
            return mem_printf("%s%s", broker_log_dir(cluster_broker_at(lab->cluster, (size_t)number)), name + size + (size_t)used);
    }
    if (name[0] == '/')
        return mem_text(name);
    for (size_t i = 0; lab->inspects && i < cluster_inspect_dir_count(lab->cluster); i++) {
        path = mem_printf("%s/%s", cluster_inspect_dir(lab->cluster, i), name);
        if (fs_exists(lab->fs, path))
            return path;
        mem_free(path);
    }
    path = mem_printf("%s/%s", lab->dir, name);
    if (fs_exists(lab->fs, path))
        return path;
    mem_free(path);
    path = mem_printf("%s/%s", broker_log_dir(first), name);
    if (fs_exists(lab->fs, path))
        return path;
    mem_free(path);
    return mem_text(name);
}
