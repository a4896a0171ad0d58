/* Orders to brokers: stop, kill, start. */
#include <string.h>

#include "sim/lab_internal.h"
#include "sim/order.h"
#include "sim/own.h"
#include "sim/recording.h"

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
    if (!err && broker_stop_waits(broker))
        text_printf(call->answer, "It has to wait: %s; `broker kill %d` ends that.\n", broker_stop_waits(broker), broker_id(broker));
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
        text_printf(call->answer, "Broker %d is starting: it registers when the controller is back, and gives up after %lld s without (%s).\n", broker_id(broker),
                    (long long)broker_start_limit_ms(broker) / 1000, broker_start_limit_key(broker));
        return ERR_OK;
    }
    text_printf(call->answer, "Broker %d is starting: the session of its killed predecessor lives until ", broker_id(broker));
    text_time(call->answer, at_us, TIME_CLOCK);
    text_add(call->answer, ", then it registers.\n");
    return ERR_OK;
}

/* ---- one more ---- */

enum { MOST_LAB_BROKERS = 100, MOST_BROKER_ID = 1000 };

static int32_t next_id(const struct cluster *cluster)
{
    int32_t id = 0;

    for (size_t i = 0; i < cluster_broker_count(cluster); i++)
        if (broker_id(cluster_broker_at(cluster, i)) >= id)
            id = broker_id(cluster_broker_at(cluster, i)) + 1;
    return id;
}

static enum err check_own_setting(struct order_call *call, const char *key, const char *value)
{
    static const char *const others[] = { "broker.id", "node.id", "log.dirs", "log.dir", "listeners", "advertised.listeners", "process.roles" };
    const struct config_key *row = config_key_find(CONFIG_BROKER, key);

    if (!config_key_known(row, lab_release(call->lab)))
        return err_because(ERR_INVALID_REQUEST, call->reason, "Kafka %s has no broker setting '%s'", release_is_27(lab_release(call->lab)) ? "2.7" : "4.3", key);
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (!strcmp(key, others[i]))
            return err_because(ERR_INVALID_REQUEST, call->reason, "%s is the lab's to give: broker add 4 gives the id", key);
    return config_check(row, value, lab_release(call->lab), call->reason) ? ERR_INVALID_REQUEST : ERR_OK;
}

/* "4 rack=b num.io.threads=16": its id, and the lines that keep it; the caller's. */
static enum err parse_added(struct order_call *call, int32_t *id, struct text *lines)
{
    const struct cluster *cluster = lab_cluster(call->lab);
    size_t index = cluster_broker_count(cluster);
    int i = 0;

    text_add(lines, "");
    if (lab_inspects(call->lab))
        return err_because(ERR_INVALID_REQUEST, call->reason, "what is only looked at gets no broker more");
    if (index >= MOST_LAB_BROKERS)
        return err_because(ERR_INVALID_REQUEST, call->reason, "a lab has at most %d brokers", MOST_LAB_BROKERS);
    *id = next_id(cluster);
    if (call->count && !strchr(call->words[0], '=')) {
        if (!parse_i32(call->words[0], id) || *id < 0 || *id > MOST_BROKER_ID)
            return err_because(ERR_INVALID_REQUEST, call->reason, "an id is a number from 0 to %d, not '%s': broker add 4 rack=b", MOST_BROKER_ID, call->words[0]);
        i = 1;
    }
    if (cluster_broker(cluster, *id))
        return err_because(ERR_INVALID_REQUEST, call->reason, "there is a broker %d already; the next free id is %d", *id, next_id(cluster));
    text_printf(lines, "@%zu=%d\n", index, *id);
    for (; i < call->count; i++) {
        const char *equals = strchr(call->words[i], '=');
        char *key = equals ? mem_text_size(call->words[i], (size_t)(equals - call->words[i])) : NULL;
        enum err err = ERR_OK;

        if (key && !strcmp(key, "rack")) {
            mem_free(key);
            key = mem_text("broker.rack");
        }
        if (!key)
            err = err_because(ERR_INVALID_REQUEST, call->reason, "'%s': after the id come settings, KEY=VALUE: broker add 4 rack=b", call->words[i]);
        else
            err = check_own_setting(call, key, equals + 1);
        if (!err)
            text_printf(lines, "@%zu:%s=%s\n", index, key, equals + 1);
        mem_free(key);
        if (err)
            return err;
    }
    return ERR_OK;
}

/* The port has to be free here and now. */
enum err prepare_broker_add(struct order_call *call)
{
    struct lab *lab = call->lab;
    size_t index = cluster_broker_count(lab_cluster(lab));
    struct text lines = { 0 };
    int32_t id;
    enum err err = parse_added(call, &id, &lines);

    text_done(&lines);
    if (err || !lab->net)
        return err;
    return net_add_broker(lab->net, index, lab->any_port ? 0 : lab->registered_port + (int32_t)index, call->reason);
}

enum err order_broker_add(struct order_call *call)
{
    struct lab *lab = call->lab;
    struct text lines = { 0 };
    struct broker *broker = NULL;
    struct cluster_options options;
    int32_t id, index = lab->brokers;
    enum err err = parse_added(call, &id, &lines);

    if (err)
        goto out;
    lab->ports = mem_resize(lab->ports, (size_t)(index + 1) * sizeof(*lab->ports));
    lab->ports[index] = lab->registered_port + index;
    own_take_lines(lab, text_chars(&lines));
    lab->brokers++;
    options = lab_cluster_options(lab);
    err = cluster_add_broker(lab->cluster, &options, &broker, call->reason);
    if (err) { /* its folder can't be made */
        lab->brokers--;
        goto out;
    }
    lab_keep_settings(lab, text_chars(&lines));
    err = broker_start(broker, call->reason);
    if (lab->net && net_port(lab->net, (size_t)index) != lab->ports[index]) {
        lab->ports[index] = net_port(lab->net, (size_t)index);
        recorder_port(lab->recorder, index, lab->ports[index]);
        broker_set_port(broker, lab->ports[index]);
    }
    if (!err)
        text_printf(call->answer, "Broker %d %s, at port %d, with nothing on it: new topics go there too, kafka-reassign-partitions moves others there.\n", id,
                    broker_up(broker) ? "is up" : "is starting", broker_port(broker));
out:
    if (err && lab->net)
        net_unbind(lab->net, (size_t)index);
    text_done(&lines);
    return err;
}
