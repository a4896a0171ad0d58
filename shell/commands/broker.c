/* broker: brokers stopped, killed and started; alone: how each is. */
#include "shell/commands/orders.h"
#include "shell/listing.h"
#include "shell/phrases.h"
#include "shell/prose.h"
#include "sim/base/mem.h"

int order_run(struct call *call)
{
    struct text words = { 0 }, answer = { 0 }, said = { 0 };
    struct reason reason = { "" };
    enum err err;

    for (int i = 0; i < call->argc; i++)
        text_printf(&words, "%s%s", i ? " " : "", call->argv[i]);
    err = lab_order(call_lab(call), text_chars(&words), &answer, &reason);
    if (err)
        phrase_add(call->session->lang, &said, reason.text);
    else
        phrase_add(call->session->lang, &said, text_chars(&answer));
    if (err)
        call_error(call, "%s: %s\n", call->argv[0], text_chars(&said));
    else
        prose_write(call, text_chars(&said));
    text_done(&said);
    text_done(&words);
    text_done(&answer);
    return !err ? 0 : err == ERR_INVALID_REQUEST ? 2 : 1;
}

static struct value state_text(const struct broker *broker)
{
    return value_text(broker_frozen(broker) ? "frozen" : broker_state_name(broker_state(broker)));
}

void clock_text(const struct broker *broker, struct text *out)
{
    int64_t us = broker_skew_us(broker);

    text_add(out, us > 0 ? "+" : us < 0 ? "-" : "");
    if (us)
        text_duration(out, us < 0 ? -us : us);
}

static int list(struct call *call)
{
    const struct cluster *cluster = lab_cluster(call_lab(call));
    const char *names[] = { "broker", "state", "fenced", "controller", "port", "replicas", "leaders", "clock" };
    struct listing *rows;
    bool wrong = false;

    for (size_t i = 0; i < cluster_broker_count(cluster); i++)
        wrong = wrong || broker_skew_us(cluster_broker_at(cluster, i));
    rows = listing_new(call, wrong ? 8 : 7, names); /* all clocks are right: nothing to say */
    for (size_t i = 0; i < cluster_broker_count(cluster); i++) {
        const struct broker *broker = cluster_broker_at(cluster, i);
        const struct image_broker *known = image_broker(cluster_image(cluster), broker_id(broker));
        bool controller = cluster_controller_up(cluster) && image_controller(cluster_image(cluster)) == broker_id(broker);
        struct text clock = { 0 };
        int64_t leaders = 0;

        for (size_t p = 0; p < broker_partition_count(broker); p++)
            leaders += partition_leads(broker_partition_at(broker, p));
        clock_text(broker, &clock);
        listing_add(rows, (struct value[]){ value_int(broker_id(broker)), state_text(broker), value_text(known && known->fenced ? "yes" : ""),
                                            value_text(controller ? "yes" : ""), value_int(broker_port(broker)),
                                            value_int((int64_t)broker_partition_count(broker)), value_int(leaders), value_text(text_chars(&clock)) });
        text_done(&clock);
    }
    listing_print(rows);
    return 0;
}

/* Its logs are loaded or closed in events of the present moment; false: interrupted. */
static bool await_work(struct call *call, const struct broker *broker)
{
    int64_t shown = monotonic_now_us() + 1000000;
    size_t done, total;
    bool progress = false;

    while (broker_loading(broker, &done, &total)) {
        if (monotonic_now_us() > shown) {
            call_progress(call, "broker %d loads its logs: %zu of %zu", broker_id(broker), done, total);
            shown = monotonic_now_us() + 100000;
            progress = true;
        }
        if (!call_yield(call))
            break;
    }
    if (progress)
        call_progress(call, "%s", "");
    return !call_interrupted(call);
}

/* What a controlled shutdown waits for is said whenever it is something else. */
static bool await_stop(struct call *call, const struct broker *broker)
{
    struct lab *lab = call_lab(call);
    char *said = broker_stop_waits(broker) ? mem_text(broker_stop_waits(broker)) : NULL; /* with the order's answer */
    bool goes_on = true;

    while (goes_on && broker_state(broker) == BROKER_STOPPING) {
        const char *waits = broker_stop_waits(broker);

        if (waits && (!said || !text_equal(said, waits))) {
            struct text words = { 0 };

            phrase_add(call->session->lang, &words, waits);
            prose_print(call, _(call->session->lang, "Broker %d waits: %s.\n"), broker_id(broker), text_chars(&words));
            text_done(&words);
            mem_free(said);
            said = mem_text(waits);
        }
        goes_on = lab_pace(lab) == PACE_PAUSED ? call_sleep_wall(call, 10000) : call_sleep(call, 10000); /* paused, the clock stands again once it stopped */
    }
    mem_free(said);
    return goes_on;
}

/* A shutdown takes a moment, a start after a kill the rest of a session, and that of many logs some work. Ctrl-C ends the waiting, not what was ordered. */
static int await(struct call *call)
{
    struct lab *lab = call_lab(call);
    struct broker *broker;
    int32_t id;

    if (call->argc != 3 || !parse_i32(call->argv[2], &id) || !(broker = cluster_broker(lab_cluster(lab), id)))
        return 0;
    if (broker_state(broker) == BROKER_STOPPING && lab_pace(lab) == PACE_FROZEN) {
        prose_print(call, "%s", _(call->session->lang, "Nothing runs while the lab is frozen: it goes on with `resume`.\n"));
    } else if (broker_state(broker) == BROKER_STOPPING) {
        if (!await_stop(call, broker))
            return 130;
        prose_print(call, _(call->session->lang, "Broker %d is down; `broker start %d` brings it back.\n"), id, id);
    } else if ((lab_pace(lab) != PACE_FROZEN && broker_loading(broker, NULL, NULL)) ||
               (broker_state(broker) == BROKER_STARTING && lab_pace(lab) == PACE_RUNNING && broker_starts_us(broker) != INT64_MAX)) {
        while (broker_state(broker) == BROKER_STARTING && broker_starts_us(broker) != INT64_MAX)
            if (broker_loading(broker, NULL, NULL) ? !await_work(call, broker)
                                                   : !call_sleep(call, broker_starts_us(broker) - queue_now_us(lab_queue(lab)) + 1000))
                return 130;
        if (broker_state(broker) == BROKER_UP)
            prose_print(call, _(call->session->lang, "Broker %d is up.\n"), id);
        else
            prose_print(call, _(call->session->lang, "Broker %d is %s.\n"), id, broker_state_name(broker_state(broker)));
        return broker_state(broker) != BROKER_UP;
    }
    return 0;
}

static int run(struct call *call)
{
    int status;

    if (call->argc == 1)
        return list(call);
    status = order_run(call);
    return status ? status : await(call);
}

const struct command command_broker = {
    .name = "broker", .summary = "stop, kill, freeze, start brokers; alone: list", .usage = "broker [stop|kill|power-off|start|freeze|thaw ID] | broker add [ID] [rack=R] [KEY=VALUE]...",
    .details = N_("stop is a controlled shutdown: leaders move to other replicas in sync, logs are closed; without a controller, or another replica in sync, it asks again for a while and says so (2.7 controlled.shutdown.max.retries, 4.3 five minutes). kill is kill -9: connections are reset, nothing is "
               "closed, and the controller only notices when the broker's session ends (2.7 zookeeper.session.timeout.ms, 4.3 "
               "broker.session.timeout.ms; `next leader` goes there). power-off is kill, and what the disk had not flushed is gone, some of it half written: "
               "Kafka leaves flushing to the system unless flush.messages or flush.ms say otherwise, and relies on replicas. start recovers the logs and registers the broker anew, after a kill when that session "
               "has ended. freeze ID [DURATION] is a long garbage collection: the broker stands still, connections to it hang, its session ends, and after thaw it still "
               "believes what it believed: a zombie. add lets one more join, empty, at the next port: broker add 4 rack=b. Under 4.3 the first brokers are the controllers too, as many as --controllers says: without a majority of them no leader is elected and no topic made."),
    .example = "broker", .words = "stop kill power-off start freeze thaw add", .argument = COMPLETE_BROKER, .needs_lab = true, .run = run,
};
