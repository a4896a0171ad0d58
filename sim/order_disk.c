/* Orders to disks: full, slow, fail, heal; and the mains of a broker. */
#include <stdlib.h>
#include <string.h>

#include "sim/base/files_faulty.h"
#include "sim/lab_internal.h"
#include "sim/order.h"

static struct disk *disk_of(struct order_call *call, int most_words, const char *usage)
{
    struct broker *broker;

    if (call->count < 1 || call->count > most_words) {
        err_because(ERR_INVALID_REQUEST, call->reason, "it is %s; `disk` alone shows how they are", usage);
        return NULL;
    }
    broker = order_broker(call, call->words[0]);
    return broker ? broker_disk(broker) : NULL;
}

static void say_cure(struct order_call *call)
{
    text_printf(call->answer, "`disk heal %s` makes it well.\n", call->words[0]);
}

enum err order_disk_full(struct order_call *call)
{
    struct disk *disk = disk_of(call, 2, "disk full ID [BYTES]");
    int64_t bytes = 0;

    if (!disk)
        return ERR_INVALID_REQUEST;
    if (call->count == 2 && !order_bytes(call->words[1], &bytes))
        return err_because(ERR_INVALID_REQUEST, call->reason, "how many bytes may still be written? For instance: disk full %s 64KiB", call->words[0]);
    disk_set_full(disk, bytes);
    if (bytes)
        text_printf(call->answer, "Disk of broker %s: full after %lld more bytes. ", call->words[0], (long long)bytes);
    else
        text_printf(call->answer, "Disk of broker %s: full. ", call->words[0]);
    text_add(call->answer, "The next write that does not fit makes the broker halt, as Kafka's does without a log dir. ");
    say_cure(call);
    return ERR_OK;
}

enum err order_disk_slow(struct order_call *call)
{
    struct disk *disk = disk_of(call, 2, "disk slow ID DURATION");
    int64_t us;

    if (!disk)
        return ERR_INVALID_REQUEST;
    if (call->count != 2 || !parse_duration(call->words[1], &us) || us < 1 || us > 3600000000)
        return err_because(ERR_INVALID_REQUEST, call->reason, "how long does a write take? From 1us to 1h, for instance: disk slow %s 50ms", call->words[0]);
    disk_set_slow(disk, us);
    text_printf(call->answer, "Disk of broker %s: each write and each fsync takes ", call->words[0]);
    text_duration(call->answer, us);
    text_add(call->answer, ". ");
    say_cure(call);
    return ERR_OK;
}

/* disk fail ID [write|fsync|rename|create|delete|read|operation] [N] [always] */
enum err order_disk_fail(struct order_call *call)
{
    struct disk *disk = disk_of(call, 4, "disk fail ID [write|fsync|rename|create|delete|read|operation] [N] [always]");
    enum disk_operation operation = DISK_WRITE;
    int64_t nth = 1;
    bool always = false;

    if (!disk)
        return ERR_INVALID_REQUEST;
    for (int i = 1; i < call->count; i++) {
        int kind = 0;

        if (!strcmp(call->words[i], "always")) {
            always = true;
            continue;
        }
        if (parse_i64(call->words[i], &nth) && nth > 0)
            continue;
        while (kind <= DISK_OPERATIONS && strcmp(disk_operation_name(kind), call->words[i]))
            kind++;
        if (kind > DISK_OPERATIONS)
            return err_because(ERR_INVALID_REQUEST, call->reason,
                               "which operation is to fail? write, fsync, rename, create, delete, read or operation (any), then the how manieth, then always; "
                               "for instance: disk fail %s fsync 3", call->words[0]);
        operation = (enum disk_operation)kind;
    }
    disk_set_failing(disk, operation, nth, always);
    text_printf(call->answer, "Disk of broker %s: %s number %lld from now on fails (EIO)%s; then the broker halts. ", call->words[0],
                disk_operation_name(operation), (long long)nth, always ? ", and all after it" : "");
    say_cure(call);
    return ERR_OK;
}

enum err order_disk_heal(struct order_call *call)
{
    struct disk *disk = disk_of(call, 1, "disk heal ID");
    const struct broker *broker;

    if (!disk)
        return ERR_INVALID_REQUEST;
    disk_heal(disk);
    broker = order_broker(call, call->words[0]);
    text_printf(call->answer, "Disk of broker %s: well.", call->words[0]);
    if (broker_state(broker) == BROKER_DOWN)
        text_printf(call->answer, " The broker is down; `broker start %s` brings it back.", call->words[0]);
    text_add(call->answer, "\n");
    return ERR_OK;
}

void order_say_gone(struct order_call *call, const struct broker *broker);

enum err order_broker_power_off(struct order_call *call)
{
    struct broker *broker = call->count == 1 ? order_broker(call, call->words[0]) : NULL;
    struct disk_losses losses;
    enum err err;

    if (call->count != 1)
        return err_because(ERR_INVALID_REQUEST, call->reason, "one broker's id is wanted: broker power-off 1; `broker` alone lists them");
    if (!broker)
        return ERR_INVALID_REQUEST;
    err = broker_power_off(broker, &losses, call->reason);
    if (err)
        return err;
    text_printf(call->answer, "Broker %d lost its power; of what was not flushed ", broker_id(broker));
    if (losses.names)
        text_printf(call->answer, "%zu change%s of names (files made, renamed, deleted)%s", losses.names, losses.names == 1 ? "" : "s", losses.count ? " and " : "");
    if (losses.count)
        text_printf(call->answer, "bytes of %zu file%s", losses.count, losses.count == 1 ? "" : "s");
    text_printf(call->answer, "%s%s\n", losses.count || losses.names > 1 ? " are gone" : losses.names ? " is gone" : "nothing is missing", losses.count ? ":" : ".");
    for (size_t i = 0; i < losses.count && i < 5; i++) {
        const struct disk_loss *loss = &losses.items[i];
        const char *path = strlen(loss->path) > strlen(broker_log_dir(broker)) ? loss->path + strlen(broker_log_dir(broker)) + 1 : loss->path;

        text_printf(call->answer, "  %s: %lld -> %lld bytes", path, (long long)loss->size_was, (long long)loss->size);
        if (loss->torn)
            text_printf(call->answer, ", %lld of them not as written", (long long)loss->torn);
        text_add(call->answer, "\n");
    }
    if (losses.count > 5)
        text_printf(call->answer, "  ... and %zu more\n", losses.count - 5);
    disk_losses_done(&losses);
    order_say_gone(call, broker);
    return ERR_OK;
}
