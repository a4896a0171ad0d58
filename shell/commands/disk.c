/* disk: brokers' disks full, slow, failing; alone: how each is. */
#include "sim/base/files_faulty.h"

#include "shell/commands/orders.h"
#include "shell/listing.h"

static void add_fault(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_fault(struct text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    text_add(text, text->size ? "; " : "");
    text_vprintf(text, format, args);
    va_end(args);
}

static void faults(const struct disk_state *state, struct text *text)
{
    if (state->full_after == 0)
        add_fault(text, "full");
    else if (state->full_after > 0)
        add_fault(text, "full after %lld bytes", (long long)state->full_after);
    if (state->slow_us) {
        add_fault(text, "slow: ");
        text_duration(text, state->slow_us);
    }
    for (int i = 0; i <= DISK_OPERATIONS; i++)
        if (state->fails_at[i])
            add_fault(text, "%s %lld fails%s", disk_operation_name(i), (long long)state->fails_at[i], state->always[i] ? " and all after it" : "");
    if (!text->size)
        text_add(text, "well");
}

static void add_dir(struct listing *rows, const struct broker *broker, const struct log_dir *dir)
{
    struct disk_state state = { .full_after = -1 };
    struct text text = { 0 };

    if (log_dir_disk(dir))
        state = disk_state(log_dir_disk(dir));
    faults(&state, &text);
    if (!log_dir_online(dir))
        text_printf(&text, "; offline: %s", log_dir_failure(dir) ? log_dir_failure(dir) : "");
    listing_add(rows, (struct value[]){ value_int(broker_id(broker)), value_text(log_dir_name(dir)), value_text(text_chars(&text)), value_int((int64_t)state.refused),
                                        value_int((int64_t)state.unflushed_files), value_int(state.unflushed_bytes) });
    text_done(&text);
}

static int list(struct call *call)
{
    const struct cluster *cluster = lab_cluster(call_lab(call));
    const char *names[] = { "broker", "log_dir", "disk", "refused", "unflushed_files", "unflushed_bytes" };
    struct listing *rows = listing_new(call, 6, names);

    for (size_t i = 0; i < cluster_broker_count(cluster); i++)
        for (size_t d = 0; d < broker_dir_count(cluster_broker_at(cluster, i)); d++)
            add_dir(rows, cluster_broker_at(cluster, i), broker_dir_at(cluster_broker_at(cluster, i), d));
    listing_print(rows);
    return 0;
}

static int run(struct call *call)
{
    return call->argc == 1 ? list(call) : order_run(call);
}

const struct command command_disk = {
    .name = "disk", .summary = "make a disk full, slow or failing; alone: a list",
    .usage = "disk [full ID [DIR] [BYTES] | slow ID [DIR] DURATION | fail ID [DIR] [OPERATION] [N] [always] | heal ID [DIR]]",
    .details = N_("A broker whose only log dir refuses something halts, as Kafka's does: clients get KAFKA_STORAGE_ERROR, then the connection goes. After disk heal, "
               "broker start brings it back. OPERATION is write, fsync, rename, create, delete, read or operation (any of them); N: the how manieth from now on. On a "
               "slow disk answers to producers (acks 1 and all), the high watermark and a follower's next fetch wait for it. unflushed: what broker power-off could take. With "
               "--log-dirs N, DIR (dir1, dir2, ...) names one of the broker's log dirs: if it fails, only its replicas go offline, until broker stop and start."),
    .example = "disk slow 1 50ms", .words = "full slow fail heal", .argument = COMPLETE_BROKER, .needs_lab = true, .run = run,
};
