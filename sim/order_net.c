/* Orders to the network: cut, heal, delay, loss, bandwidth; and brokers that freeze. */
#include <string.h>

#include "sim/cluster/network.h"
#include "sim/lab_internal.h"
#include "sim/order.h"

static bool node_of(struct order_call *call, const char *word, int32_t *node)
{
    struct cluster *cluster = lab_cluster(call->lab);
    struct text name = { 0 };

    if (network_node_parse(cluster, word, node))
        return true;
    text_escaped(&name, bytes_text(word));
    err_because(ERR_INVALID_REQUEST, call->reason, "'%s' is no node of the network: brokers by their ids (`broker` lists them), clients%s", text_chars(&name),
                release_is_27(lab_release(call->lab)) ? ", zookeeper" : "");
    text_done(&name);
    return false;
}

struct pair {
    int32_t a, b;
    bool one_way;
    int count;                        /* words beside A, B and one-way */
};

/* A B, then at least `least` and at most `most` words, then perhaps one-way. */
static bool two_nodes(struct order_call *call, int least, int most, const char *example, struct pair *pair)
{
    *pair = (struct pair){ .count = call->count - 2 };
    if (call->count > 2 && !strcmp(call->words[call->count - 1], "one-way")) {
        pair->one_way = true;
        pair->count--;
    }
    if (call->count < 2 || pair->count < least || pair->count > most) {
        err_because(ERR_INVALID_REQUEST, call->reason, "two nodes are wanted, for instance: %s; `net` alone shows the links", example);
        return false;
    }
    if (!node_of(call, call->words[0], &pair->a) || !node_of(call, call->words[1], &pair->b))
        return false;
    if (pair->a != pair->b)
        return true;
    err_because(ERR_INVALID_REQUEST, call->reason, "a link is between two nodes, not %s and itself; `broker freeze` stops a broker as a whole", call->words[0]);
    return false;
}

#define WHOLE "whole again"

/* Tells what changed: "1 -> 2" or "1 <-> 2". */
static void say(struct order_call *call, const struct pair *pair, const char *what)
{
    struct journal *journal = lab_journal(call->lab);
    char a[16], b[16];
    struct text text = { 0 };

    network_node_name(pair->a, a);
    network_node_name(pair->b, b);
    text_printf(&text, "%s %s %s: %s", a, pair->one_way ? "->" : "<->", b, what);
    journal_add(journal, ENTRY(EVENT_network_changed, .broker = pair->a >= 0 ? pair->a : pair->b, .subject = "network", .text = text_chars(&text)));
    text_printf(call->answer, "Link %s.", text_chars(&text));
    if (strcmp(what, WHOLE))
        text_printf(call->answer, " `net heal %s %s` makes it whole.", a, b);
    text_add(call->answer, "\n");
    text_done(&text);
}

static void set_both(struct order_call *call, const struct pair *pair, void (*change)(struct network_link *link, int64_t value, int64_t more), int64_t value, int64_t more)
{
    struct cluster *cluster = lab_cluster(call->lab);

    for (int way = 0; way < (pair->one_way ? 1 : 2); way++) {
        struct network_link link = network_link(cluster, way ? pair->b : pair->a, way ? pair->a : pair->b);

        change(&link, value, more);
        network_set_link(cluster, &link);
    }
}

static void cut(struct network_link *link, int64_t value, int64_t more)
{
    (void)value, (void)more;
    link->cut = true;
}

enum err order_net_cut(struct order_call *call)
{
    struct pair pair;

    if (!two_nodes(call, 0, 0, "net cut 1 2, or net cut 2 clients one-way", &pair))
        return ERR_INVALID_REQUEST;
    set_both(call, &pair, cut, 0, 0);
    say(call, &pair, "cut, nothing comes through");
    return ERR_OK;
}

enum err order_net_heal(struct order_call *call)
{
    struct cluster *cluster = lab_cluster(call->lab);
    struct pair pair = { .a = -1, .b = -1 };

    if (call->count == 0) {
        size_t count = network_disturbed_count(cluster);

        network_heal_all(cluster);
        journal_add(lab_journal(call->lab), ENTRY(EVENT_network_changed, .subject = "network", .text = "all links are whole again"));
        text_printf(call->answer, count ? "All links are whole again.\n" : "All links were whole.\n");
        return ERR_OK;
    }
    if (!two_nodes(call, 0, 0, "net heal 1 2, or net heal for all", &pair))
        return ERR_INVALID_REQUEST;
    network_heal(cluster, pair.a, pair.b);
    if (!pair.one_way)
        network_heal(cluster, pair.b, pair.a);
    say(call, &pair, WHOLE);
    return ERR_OK;
}

static void delay(struct network_link *link, int64_t value, int64_t more)
{
    link->latency_us = value;
    link->jitter_us = more;
}

enum err order_net_delay(struct order_call *call)
{
    const int64_t most_us = (int64_t)3600 * 1000000;
    int64_t latency_us, jitter_us = 0;
    struct text text = { 0 };
    struct pair pair;

    if (!two_nodes(call, 1, 2, "net delay 1 2 50ms, or net delay 1 2 50ms 20ms with up to 20 ms more", &pair))
        return ERR_INVALID_REQUEST;
    if (!parse_duration(call->words[2], &latency_us) || (pair.count == 2 && !parse_duration(call->words[3], &jitter_us)) || latency_us > most_us ||
        jitter_us > most_us)
        return err_because(ERR_INVALID_REQUEST, call->reason, "how long? For instance: net delay %s %s 50ms (at most an hour)", call->words[0], call->words[1]);
    set_both(call, &pair, delay, latency_us, jitter_us);
    text_add(&text, "each message takes ");
    text_duration(&text, latency_us);
    if (jitter_us) {
        text_add(&text, " and up to ");
        text_duration(&text, jitter_us);
        text_add(&text, " more");
    }
    say(call, &pair, text_chars(&text));
    text_done(&text);
    return ERR_OK;
}

static void lose(struct network_link *link, int64_t value, int64_t more)
{
    (void)more;
    link->loss_ppm = (int32_t)value;
}

enum err order_net_loss(struct order_call *call)
{
    struct text text = { 0 };
    struct pair pair;
    char *word, *number;
    size_t size;
    double percent;

    if (!two_nodes(call, 1, 1, "net loss 1 2 5%", &pair))
        return ERR_INVALID_REQUEST;
    word = call->words[2];
    size = strlen(word);
    number = mem_copy(word, size + 1);
    if (size && number[size - 1] == '%')
        number[size - 1] = 0;
    if (!parse_double(number, &percent) || !(percent >= 0 && percent <= 100)) {
        mem_free(number);
        return err_because(ERR_INVALID_REQUEST, call->reason, "how many of a hundred messages? For instance: net loss %s %s 5%%", call->words[0], call->words[1]);
    }
    mem_free(number);
    set_both(call, &pair, lose, (int64_t)(percent * 10000 + 0.5), 0);
    text_printf(&text, "%g%% of messages are lost and sent again", percent);
    say(call, &pair, text_chars(&text));
    text_done(&text);
    return ERR_OK;
}

static void narrow(struct network_link *link, int64_t value, int64_t more)
{
    (void)more;
    link->bytes_per_second = value;
}

enum err order_net_bandwidth(struct order_call *call)
{
    struct text text = { 0 };
    struct pair pair;
    int64_t bytes;

    if (!two_nodes(call, 1, 1, "net bandwidth 1 2 100KB", &pair))
        return ERR_INVALID_REQUEST;
    if (!order_bytes(call->words[2], &bytes) || bytes < 1)
        return err_because(ERR_INVALID_REQUEST, call->reason, "how many bytes a second? For instance: net bandwidth %s %s 100KB", call->words[0], call->words[1]);
    set_both(call, &pair, narrow, bytes, 0);
    text_printf(&text, "%lld bytes a second fit through", (long long)bytes);
    say(call, &pair, text_chars(&text));
    text_done(&text);
    return ERR_OK;
}

/* ---- brokers that stand still ---- */

enum err order_broker_freeze(struct order_call *call)
{
    struct broker *broker = call->count == 1 || call->count == 2 ? order_broker(call, call->words[0]) : NULL;
    int64_t for_us = NEVER_US;
    enum err err;

    if (call->count != 1 && call->count != 2)
        return err_because(ERR_INVALID_REQUEST, call->reason, "a broker's id is wanted, and perhaps for how long: broker freeze 2 30s");
    if (!broker)
        return ERR_INVALID_REQUEST;
    if (call->count == 2 && (!parse_duration(call->words[1], &for_us) || for_us < 1))
        return err_because(ERR_INVALID_REQUEST, call->reason, "for how long? For instance: broker freeze %s 30s", call->words[0]);
    err = broker_freeze(broker, for_us, call->reason);
    if (err)
        return err;
    text_printf(call->answer, "Broker %d stands still, as in a long garbage collection: connections to it hang. ", broker_id(broker));
    if (for_us == NEVER_US)
        text_printf(call->answer, "`broker thaw %d` lets it go on.\n", broker_id(broker));
    else
        text_printf(call->answer, "It goes on by itself; `broker thaw %d`: at once.\n", broker_id(broker));
    return ERR_OK;
}

enum err order_broker_thaw(struct order_call *call)
{
    struct broker *broker = call->count == 1 ? order_broker(call, call->words[0]) : NULL;
    enum err err;

    if (call->count != 1)
        return err_because(ERR_INVALID_REQUEST, call->reason, "one broker's id is wanted: broker thaw 2");
    if (!broker)
        return ERR_INVALID_REQUEST;
    err = broker_thaw(broker, call->reason);
    if (!err)
        text_printf(call->answer, "Broker %d goes on, and believes what it believed before.\n", broker_id(broker));
    return err;
}
