/* What the commands producer and consumer share: the list, and waiting for a clean end. */
#include "shell/commands/simulated.h"
#include "shell/listing.h"

static struct value known(int64_t number)
{
    return number < 0 ? value_text("") : value_int(number);
}

static const char *trouble(const struct simulated_info *info)
{
    return *info->error ? info->error : info->last_error;
}

static void add_producer(struct listing *rows, const struct simulated_info *info)
{
    listing_add(rows, (struct value[]){ value_text(info->name), value_text(simulated_state_name(info->state)), value_text(info->topic), value_real(info->rate),
                                        value_int((int64_t)info->sent), value_int((int64_t)info->acknowledged), value_int((int64_t)info->failed),
                                        value_int((int64_t)info->retries), value_int((int64_t)info->in_flight), value_int((int64_t)info->buffered_bytes),
                                        value_text(trouble(info)) });
}

static void add_consumer(struct listing *rows, const struct simulated_info *info)
{
    struct text slow = { 0 };

    if (info->slow_us)
        text_duration(&slow, info->slow_us);
    listing_add(rows, (struct value[]){ value_text(info->name), value_text(simulated_state_name(info->state)), value_text(info->group), value_text(info->topic),
                                        value_int((int64_t)info->assigned), known(info->generation), value_int((int64_t)info->consumed), known(info->lag),
                                        value_int((int64_t)info->duplicates), value_text(text_chars(&slow)), value_text(trouble(info)) });
    text_done(&slow);
}

size_t simulated_list(struct call *call, enum simulated_kind kind, bool quiet_if_none)
{
    static const char *const of_producers[] = { "name", "state", "topic", "rate", "sent", "acknowledged", "failed", "retries", "in_flight", "buffered", "last_error" };
    static const char *const of_consumers[] = { "name", "state", "group", "topic", "assigned", "generation", "consumed", "lag", "duplicates", "slow", "last_error" };
    const struct simulated_clients *clients = lab_simulated(call_lab(call));
    struct listing *rows = listing_new(call, 11, kind == SIMULATED_PRODUCER ? of_producers : of_consumers);
    size_t count;

    for (size_t i = 0; i < simulated_count(clients); i++) {
        struct simulated_info info;

        simulated_info(simulated_at(clients, i), &info);
        if (info.kind == kind && kind == SIMULATED_PRODUCER)
            add_producer(rows, &info);
        else if (info.kind == kind)
            add_consumer(rows, &info);
    }
    count = listing_count(rows);
    if (count || !quiet_if_none)
        listing_print(rows);
    else
        listing_free(rows);
    return count;
}

/* A clean end takes a moment of virtual time; Ctrl-C ends the waiting, not what was ordered. */
static int await_end(struct call *call, enum simulated_kind kind, const char *name)
{
    struct lab *lab = call_lab(call);
    struct simulated_client *client;
    struct simulated_info info;

    for (;;) {
        client = simulated_find(lab_simulated(lab), kind, name);
        if (!client)
            return 0;
        simulated_info(client, &info);
        if (info.state != SIMULATED_STOPPING)
            break;
        if (lab_pace(lab) != PACE_RUNNING) {
            call_print(call, _(call->session->lang, "%s is stopping: it goes on when time does.\n"), name);
            return 0;
        }
        if (!call_sleep(call, 10000))
            return 130;
    }
    if (kind == SIMULATED_PRODUCER)
        call_print(call, _(call->session->lang, "%s has stopped: %llu records sent, %llu acknowledged, %llu failed.\n"), name, (unsigned long long)info.sent,
                   (unsigned long long)info.acknowledged, (unsigned long long)info.failed);
    else
        call_print(call, _(call->session->lang, "%s has stopped: %llu records consumed.\n"), name, (unsigned long long)info.consumed);
    return 0;
}

int simulated_run(struct call *call, enum simulated_kind kind)
{
    int status;

    if (call->argc == 1 || (call->argc == 2 && text_equal(call->argv[1], "list"))) {
        simulated_list(call, kind, false);
        return 0;
    }
    status = order_run(call);
    if (!status && call->argc == 3 && text_equal(call->argv[1], "stop"))
        return await_end(call, kind, call->argv[2]);
    return status;
}
