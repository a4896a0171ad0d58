/* Orders to replicas: a follower's fetching is held and released. */
#include <string.h>

#include "sim/cluster/partition.h"
#include "sim/lab_internal.h"
#include "sim/order.h"

struct wanted {
    struct broker *brokers[MOST_ORDER_WORDS];
    int count;
    char topic[256];                  /* "": all that the broker follows */
    int32_t partition;
};

static bool take_topic(struct order_call *call, const char *word, struct wanted *wanted)
{
    const char *dash = strrchr(word, '-');
    struct text name = { 0 };

    if (dash && dash > word && (size_t)(dash - word) < sizeof(wanted->topic) && parse_i32(dash + 1, &wanted->partition) && wanted->partition >= 0 && !*wanted->topic) {
        memcpy(wanted->topic, word, (size_t)(dash - word));
        wanted->topic[dash - word] = 0;
        return true;
    }
    text_escaped(&name, bytes_text(word));
    err_because(ERR_INVALID_REQUEST, call->reason, "%s is no partition; one is students-0", text_chars(&name));
    text_done(&name);
    return false;
}

/* Ids of brokers, then perhaps a partition. */
static enum err take_words(struct order_call *call, const char *verb, struct wanted *wanted)
{
    *wanted = (struct wanted){ .partition = -1 };
    for (int i = 0; i < call->count; i++) {
        int32_t id;

        if (!strcmp(call->words[i], "--topic"))
            continue;
        if (parse_i32(call->words[i], &id)) {
            if (!(wanted->brokers[wanted->count++] = order_broker(call, call->words[i])))
                return ERR_INVALID_REQUEST;
        } else if (!take_topic(call, call->words[i], wanted)) {
            return ERR_INVALID_REQUEST;
        }
    }
    return wanted->count ? ERR_OK : err_because(ERR_INVALID_REQUEST, call->reason, "a broker's id is wanted: replica %s 2 students-0; `replica` alone lists who is held",
                                                verb);
}

static void say_leaves(struct order_call *call, const struct replica_info *info, const char *topic, int32_t partition)
{
    const struct cluster *cluster = lab_cluster(call->lab);
    struct config_layers layers = broker_config(cluster_broker_at(cluster, 0));
    int64_t limit_ms = config_long(&layers, "replica.lag.time.max.ms"), now_us = queue_now_us(lab_queue(call->lab));

    text_printf(call->answer, "%s-%d at broker %d ", topic, partition, info->broker);
    if (info->leader) {
        text_add(call->answer, "is the leader: what is held is its fetching, once it follows.\n");
    } else if (!info->in_isr) {
        text_add(call->answer, "is not in the ISR.\n");
    } else if (info->leaves_isr_us == INT64_MAX) {
        text_add(call->answer, "lacks nothing: it stays in the ISR until a record comes that it does not get, and leaves it then ");
        text_duration(call->answer, limit_ms * 1000);
        text_add(call->answer, " to ");
        text_duration(call->answer, limit_ms * 1500);
        text_add(call->answer, " after it was caught up last.\n");
    } else {
        text_printf(call->answer, "lacks %lld records and leaves the ISR at ", (long long)info->lag);
        text_time(call->answer, info->leaves_isr_us, TIME_CLOCK);
        text_add(call->answer, ", in ");
        text_duration(call->answer, info->leaves_isr_us - now_us);
        text_add(call->answer, " (replica.lag.time.max.ms=");
        text_printf(call->answer, "%lld, looked at every half of it).\n", (long long)limit_ms);
    }
}

enum { MOST_SAID = 8, MOST_INFOS = 64 };

/* What comes of it for the partitions of a broker; internal ones are passed over. */
static void say(struct order_call *call, const struct wanted *wanted, const struct broker *broker)
{
    const struct cluster *cluster = lab_cluster(call->lab);
    const struct image *image = cluster_image(cluster);
    int said = 0, left = 0;

    for (size_t t = 0; t < image_topic_count(image); t++) {
        const struct image_topic *topic = image_topic_at(image, t);

        for (int32_t p = 0; p < topic->partition_count; p++) {
            struct replica_info infos[MOST_INFOS];
            size_t count;

            if (*wanted->topic ? strcmp(wanted->topic, topic->name) || wanted->partition != p : topic->internal)
                continue;
            count = cluster_replicas(cluster, topic->name, p, infos, MOST_INFOS);
            for (size_t i = 0; i < count; i++) {
                if (infos[i].broker != broker_id(broker) || (infos[i].leader && !*wanted->topic))
                    continue;
                if (said++ < MOST_SAID)
                    say_leaves(call, &infos[i], topic->name, p);
                else
                    left++;
            }
        }
    }
    if (left)
        text_printf(call->answer, "%d more; `replica` shows them.\n", left);
}

enum err order_replica_hold(struct order_call *call)
{
    struct wanted wanted;
    enum err err = take_words(call, "hold", &wanted);

    for (int i = 0; !err && i < wanted.count; i++) {
        err = broker_hold(wanted.brokers[i], *wanted.topic ? wanted.topic : NULL, wanted.partition, call->reason);
        if (err)
            break;
        text_printf(call->answer, "Broker %d stops fetching%s.\n", broker_id(wanted.brokers[i]), *wanted.topic ? "" : ", whatever it follows");
        say(call, &wanted, wanted.brokers[i]);
    }
    return err;
}

enum err order_replica_release(struct order_call *call)
{
    struct wanted wanted;
    enum err err = take_words(call, "release", &wanted);

    for (int i = 0; !err && i < wanted.count; i++) {
        err = broker_release(wanted.brokers[i], *wanted.topic ? wanted.topic : NULL, wanted.partition, call->reason);
        if (!err)
            text_printf(call->answer, "Broker %d fetches again.\n", broker_id(wanted.brokers[i]));
    }
    return err;
}
