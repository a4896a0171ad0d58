/* Orders to brokers: stop, kill, start. */
#include <string.h>

#include "sim/lab_internal.h"
#include "sim/order.h"

static struct broker *one_broker(struct order_call *call)
{
    if (call->count == 1)
        return order_broker(call, call->words[0]);
    err_because(ERR_INVALID_REQUEST, call->reason, "one broker's id is wanted: broker kill 1; `broker` alone lists them");
    return NULL;
}

static size_t index_of(const struct lab *lab, const struct broker *broker)
{
    size_t i = 0;

    while (cluster_broker_at(lab_cluster(lab), i) != broker)
        i++;
    return i;
}

static bool others_are_up(const struct order_call *call, const struct broker *broker)
{
    const struct cluster *cluster = lab_cluster(call->lab);

    for (size_t i = 0; i < cluster_broker_count(cluster); i++)
        if (cluster_broker_at(cluster, i) != broker && broker_up(cluster_broker_at(cluster, i)))
            return true;
    return false;
}

/* Whether the controller sits at this broker, and goes with it. */
static bool is_controller(const struct order_call *call, const struct broker *broker)
{
    return !release_is_27(lab_release(call->lab)) && image_controller(cluster_image(lab_cluster(call->lab))) == broker_id(broker);
}

void order_say_gone(struct order_call *call, const struct broker *broker)
{
    int32_t id = broker_id(broker);
    bool old = release_is_27(lab_release(call->lab));
    struct quorum_info quorum;

    cluster_quorum(lab_cluster(call->lab), &quorum);
    if (quorum.voters > 1 && quorum.voters_up < quorum.majority) {
        text_printf(call->answer, "Only %d of %d controllers %s up, and %d are a majority: until then no leader is elected, no topic made, and no session ends.\n",
                    quorum.voters_up, quorum.voters, quorum.voters_up == 1 ? "is" : "are", quorum.majority);
    } else if (quorum.voters > 1 && quorum.leader < 0) {
        text_add(call->answer, "The active controller sat there: the others elect one when controller.quorum.fetch.timeout.ms is over, and that one gives every broker a "
                               "fresh session; `next leader` goes to where this broker's ends.\n");
    } else if (is_controller(call, broker)) {
        text_printf(call->answer, "The controller sits there: until `broker start %d` no leader is elected and no topic made.\n", id);
    } else if (others_are_up(call, broker)) {
        text_printf(call->answer, "The controller notices when its session ends (%s); `next leader` goes there.\n",
                    old ? "zookeeper.session.timeout.ms" : "broker.session.timeout.ms");
    }
    text_printf(call->answer, "`broker start %d` brings it back.\n", id);
}

enum err order_broker_kill(struct order_call *call)
{
    struct broker *broker = one_broker(call);
    enum err err;

    if (!broker)
        return ERR_INVALID_REQUEST;
    err = broker_kill(broker, "killed (kill -9)", call->reason);
    if (err)
        return err;
    text_printf(call->answer, "Broker %d was killed. ", broker_id(broker));
    order_say_gone(call, broker);
    return ERR_OK;
}

enum err order_broker_stop(struct order_call *call)
{
    struct broker *broker = one_broker(call);
    enum err err;

    if (!broker)
        return ERR_INVALID_REQUEST;
    err = broker_stop(broker, call->reason);
    if (!err && broker_state(broker) == BROKER_STOPPING)
        text_printf(call->answer, "Broker %d is stopping: leaders move to other replicas in sync, then its logs are closed.\n", broker_id(broker));
    return err;
}

/* The port has to be free here and now, which no replay can know. */
enum err prepare_broker_start(struct order_call *call)
{
    struct broker *broker = one_broker(call);

    if (!broker)
        return ERR_INVALID_REQUEST;
    return call->lab->net && broker_state(broker) == BROKER_DOWN ? net_bind(call->lab->net, index_of(call->lab, broker), call->reason) : ERR_OK;
}

enum err order_broker_start(struct order_call *call)
{
    struct broker *broker = one_broker(call);
    bool was_down = broker && broker_state(broker) == BROKER_DOWN;
    int64_t at_us;
    size_t total;
    enum err err;

    if (!broker)
        return ERR_INVALID_REQUEST;
    err = broker_start(broker, call->reason);
    if (err) {
        if (was_down && call->lab->net)
            net_unbind(call->lab->net, index_of(call->lab, broker));
        return err;
    }
    if (broker_state(broker) == BROKER_UP) {
        text_printf(call->answer, "Broker %d is up.\n", broker_id(broker));
        return ERR_OK;
    }
    if (broker_loading(broker, NULL, &total)) {
        text_printf(call->answer, "Broker %d is starting: its %zu logs are loaded, then it serves.\n", broker_id(broker), total);
        return ERR_OK;
    }
    at_us = broker_starts_us(broker);
    if (at_us == INT64_MAX) {
        text_printf(call->answer, "Broker %d is starting: it registers when the controller is back.\n", broker_id(broker));
        return ERR_OK;
    }
    text_printf(call->answer, "Broker %d is starting: the session of its killed predecessor lives until ", broker_id(broker));
    text_time(call->answer, at_us, TIME_CLOCK);
    text_add(call->answer, ", then it registers.\n");
    return ERR_OK;
}
