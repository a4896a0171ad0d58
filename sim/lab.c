/* A lab: everything put together, opened in order and closed in reverse. */
#include "sim/lab_internal.h"
#include "sim/net/exporter.h"
#include "sim/own.h"
#include "sim/recording.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

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
        .log_dirs = own_log_dirs(lab), .ports = lab->ports, .queue = lab->queue, .random = &lab->random, .journal = lab->journal, .fs = lab->fs,
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
    err = lab_make_folder(lab, &options, reason);
    if (!err)
        err = lab_remember_how_made(lab, &options, reason);
    if (!err) {
        lab_take_kept_settings(lab, &options, &kept);
        err = lab_make_settings(lab, &options, reason);
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
        err = lab_take_log_dir(lab, options.log_dir, reason);
    if (!err && options.base)
        err = lab_take_base(lab, options.base, reason);
    if (!err)
        err = lab_prepare_recorder(lab, &options, reason);
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
        err = lab_open_recorder(lab, &options, reason);
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
    lab_take_kept_orders(lab);
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

void lab_close(struct lab *lab)
{
    if (!lab)
        return;
    exporter_close(lab->exporter);
    if (lab->store && lab->control) /* it was open */
        lab_keep_orders(lab, lab->store);
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
        lab_remove_folder(lab);
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

void lab_flush(struct lab *lab)
{
    fs_settle(lab->fs);
    if (lab->recorder)
        recorder_flush(lab->recorder, NULL);
    if (lab->store) {
        lab_keep_orders(lab, lab->store);
        store_commit(lab->store);
    }
}

bool lab_is_transient(const struct lab *lab) { return lab->transient; }

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
