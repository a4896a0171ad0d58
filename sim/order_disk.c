/* Orders to disks: full, slow, fail, heal; and the mains of a broker. */
#include <stdlib.h>
#include <string.h>

#include "sim/base/files_faulty.h"
#include "sim/lab_internal.h"
#include "sim/order.h"

/* Whose disks, and what is wanted of them: "dir2" among the words names one of the broker's log dirs; without it all of them are meant. */
struct aim {
    struct broker *broker;
    size_t first, last;
    const char *words[4];             /* the others, behind the id */
    int count;
};

static bool aim_at(struct aim *aim, struct order_call *call, int most_words, const char *usage)
{
    int64_t number;

    *aim = (struct aim){ 0 };
    if (call->count >= 1)
        aim->broker = order_broker(call, call->words[0]);
    if (call->count >= 1 && !aim->broker)
        return false;
    aim->last = aim->broker ? broker_dir_count(aim->broker) - 1 : 0;
    for (int i = 1; i < call->count; i++) {
        if (text_starts(call->words[i], "dir") && parse_i64(call->words[i] + 3, &number)) {
            if (number < 1 || (size_t)number > broker_dir_count(aim->broker)) {
                err_because(ERR_INVALID_REQUEST, call->reason, "broker %s has no log dir %s: they are dir1 to dir%zu (--log-dirs says how many)", call->words[0], call->words[i],
                            broker_dir_count(aim->broker));
                return false;
            }
            aim->first = aim->last = (size_t)number - 1;
        } else if (aim->count < most_words) {
            aim->words[aim->count++] = call->words[i];
        } else {
            aim->broker = NULL;
            break;
        }
    }
    if (!aim->broker)
        err_because(ERR_INVALID_REQUEST, call->reason, "it is %s; `disk` alone shows how they are", usage);
    return aim->broker != NULL;
}

static struct disk *disk_at(const struct aim *aim, size_t i) { return log_dir_disk(broker_dir_at(aim->broker, i)); }

static void say_whose(struct order_call *call, const struct aim *aim)
{
    text_printf(call->answer, "Disk of broker %s", call->words[0]);
    if (aim->first == aim->last && broker_dir_count(aim->broker) > 1)
        text_printf(call->answer, " (%s)", log_dir_name(broker_dir_at(aim->broker, aim->first)));
    text_add(call->answer, ": ");
}

static bool takes_broker_along(const struct aim *aim)
{
    return (aim->first == 0 && aim->last + 1 == broker_dir_count(aim->broker)) ||
           (aim->first == 0 && !release_is_27(cluster_release(broker_cluster(aim->broker)))); /* 4.3's metadata lies there */
}

static void say_cure(struct order_call *call)
{
    text_printf(call->answer, "`disk heal %s` makes it well.\n", call->words[0]);
}

enum err order_disk_full(struct order_call *call)
{
    struct aim aim;
    int64_t bytes = 0;

    if (!aim_at(&aim, call, 1, "disk full ID [DIR] [BYTES]"))
        return ERR_INVALID_REQUEST;
    if (aim.count && !order_bytes(aim.words[0], &bytes))
        return err_because(ERR_INVALID_REQUEST, call->reason, "how many bytes may still be written? For instance: disk full %s 64KiB", call->words[0]);
    for (size_t i = aim.first; i <= aim.last; i++)
        disk_set_full(disk_at(&aim, i), bytes);
    say_whose(call, &aim);
    if (bytes)
        text_printf(call->answer, "full after %lld more bytes. ", (long long)bytes);
    else
        text_add(call->answer, "full. ");
    text_add(call->answer, takes_broker_along(&aim) ? "The next write that does not fit makes the broker halt, as Kafka's does without a log dir. "
                                                    : "The next write that does not fit takes its replicas offline; the broker lives on. ");
    say_cure(call);
    return ERR_OK;
}

enum err order_disk_slow(struct order_call *call)
{
    struct aim aim;
    int64_t us;

    if (!aim_at(&aim, call, 1, "disk slow ID [DIR] DURATION"))
        return ERR_INVALID_REQUEST;
    if (!aim.count || !parse_duration(aim.words[0], &us) || us < 1 || us > 3600000000)
        return err_because(ERR_INVALID_REQUEST, call->reason, "how long does a write take? From 1us to 1h, for instance: disk slow %s 50ms", call->words[0]);
    for (size_t i = aim.first; i <= aim.last; i++)
        disk_set_slow(disk_at(&aim, i), us);
    say_whose(call, &aim);
    text_add(call->answer, "each write and each fsync takes ");
    text_duration(call->answer, us);
    text_add(call->answer, ". ");
    say_cure(call);
    return ERR_OK;
}

/* disk fail ID [DIR] [write|fsync|rename|create|delete|read|operation] [N] [always] */
enum err order_disk_fail(struct order_call *call)
{
    enum disk_operation operation = DISK_WRITE;
    struct aim aim;
    int64_t nth = 1;
    bool always = false;

    if (!aim_at(&aim, call, 3, "disk fail ID [DIR] [write|fsync|rename|create|delete|read|operation] [N] [always]"))
        return ERR_INVALID_REQUEST;
    for (int i = 0; i < aim.count; i++) {
        int kind = 0;

        if (!strcmp(aim.words[i], "always")) {
            always = true;
            continue;
        }
        if (parse_i64(aim.words[i], &nth) && nth > 0)
            continue;
        while (kind <= DISK_OPERATIONS && strcmp(disk_operation_name(kind), aim.words[i]))
            kind++;
        if (kind > DISK_OPERATIONS)
            return err_because(ERR_INVALID_REQUEST, call->reason,
                               "which operation is to fail? write, fsync, rename, create, delete, read or operation (any), then the how manieth, then always; "
                               "for instance: disk fail %s fsync 3", call->words[0]);
        operation = (enum disk_operation)kind;
    }
    for (size_t i = aim.first; i <= aim.last; i++)
        disk_set_failing(disk_at(&aim, i), operation, nth, always);
    say_whose(call, &aim);
    text_printf(call->answer, "%s number %lld from now on fails (EIO)%s; %s. ", disk_operation_name(operation), (long long)nth, always ? ", and all after it" : "",
                takes_broker_along(&aim) ? "then the broker halts" : "then its replicas go offline");
    say_cure(call);
    return ERR_OK;
}

enum err order_disk_heal(struct order_call *call)
{
    struct aim aim;

    if (!aim_at(&aim, call, 0, "disk heal ID [DIR]"))
        return ERR_INVALID_REQUEST;
    for (size_t i = aim.first; i <= aim.last; i++)
        disk_heal(disk_at(&aim, i));
    say_whose(call, &aim);
    text_add(call->answer, "well.");
    if (broker_state(aim.broker) == BROKER_DOWN)
        text_printf(call->answer, " The broker is down; `broker start %s` brings it back.", call->words[0]);
    for (size_t i = aim.first; i <= aim.last && broker_up(aim.broker); i++)
        if (!log_dir_online(broker_dir_at(aim.broker, i)))
            text_printf(call->answer, " %s stays offline until the broker starts again, as Kafka's does.", log_dir_name(broker_dir_at(aim.broker, i)));
    text_add(call->answer, "\n");
    return ERR_OK;
}

void order_say_gone(struct order_call *call, const struct broker *broker);

/* As the lab names it where there are several log dirs; else within the only one. */
static const char *path_in(const struct broker *broker, const char *path)
{
    for (size_t i = broker_dir_count(broker); i-- > 0;) {
        const char *dir = log_dir_path(broker_dir_at(broker, i));
        size_t size = strlen(dir);

        if (!strncmp(path, dir, size) && path[size] == '/')
            return broker_dir_count(broker) == 1 ? path + size + 1 : path + size - strlen(log_dir_name(broker_dir_at(broker, i)));
    }
    return path;
}

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
        const char *path = path_in(broker, loss->path);

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
