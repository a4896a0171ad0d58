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

static int list(struct call *call)
{
    const struct cluster *cluster = lab_cluster(call_lab(call));
    const char *names[] = { "broker", "disk", "refused", "unflushed_files", "unflushed_bytes" };
    struct listing *rows = listing_new(call, 5, names);

    for (size_t i = 0; i < cluster_broker_count(cluster); i++) {
        const struct broker *broker = cluster_broker_at(cluster, i);
        struct disk_state state = { .full_after = -1 };
        struct text text = { 0 };

        if (broker_disk(broker))
            state = disk_state(broker_disk(broker));
        faults(&state, &text);
        listing_add(rows, (struct value[]){ value_int(broker_id(broker)), value_text(text_chars(&text)), value_int((int64_t)state.refused),
                                            value_int((int64_t)state.unflushed_files), value_int(state.unflushed_bytes) });
        text_done(&text);
    }
    listing_print(rows);
    return 0;
}

static int run(struct call *call)
{
    return call->argc == 1 ? list(call) : order_run(call);
}

const struct command command_disk = {
    .name = "disk", .summary = "make a disk full, slow or failing; alone: a list",
    .usage = "disk [full ID [BYTES] | slow ID DURATION | fail ID [OPERATION] [N] [always] | heal ID]",
    .details = N_("A broker whose only log dir refuses something halts, as Kafka's does: clients get KAFKA_STORAGE_ERROR, then the connection goes. After disk heal, "
               "broker start brings it back. OPERATION is write, fsync, rename, create, delete, read or operation (any of them); N: the how manieth from now on. On a "
               "slow disk answers to producers (acks 1 and all), the high watermark and a follower's next fetch wait for it. unflushed: what broker power-off could take."),
    .example = "disk slow 1 50ms", .words = "full slow fail heal", .argument = COMPLETE_BROKER, .needs_lab = true, .run = run,
};
