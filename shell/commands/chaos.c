/* chaos: faults by chance; alone: what it did. */
#include <string.h>

#include "shell/commands/orders.h"
#include "shell/listing.h"
#include "sim/chaos.h"

static int list(struct call *call)
{
    const struct chaos *chaos = lab_chaos(call_lab(call));
    int64_t now_us = queue_now_us(lab_queue(call_lab(call)));
    const char *names[] = { "at", "what", "state" };
    struct listing *rows;

    if (!chaos) {
        call_print(call, "%s\n", _(call->session->lang, "There was no chaos yet. `help chaos` shows how it begins."));
        return 0;
    }
    rows = listing_new(call, 3, names);
    for (size_t i = 0; i < chaos_deed_count(chaos); i++) {
        const struct chaos_deed *deed = chaos_deed_at(chaos, i);
        struct text at = { 0 }, state = { 0 };

        text_time(&at, deed->at_us, TIME_CLOCK | TIME_TENTHS);
        if (deed->mended_us) {
            text_add(&state, "mended at ");
            text_time(&state, deed->mended_us, TIME_CLOCK | TIME_TENTHS);
        } else if (deed->until_us == INT64_MAX) {
            text_add(&state, "is being mended");
        } else {
            text_duration(&state, deed->until_us - now_us);
            text_add(&state, " to go");
        }
        listing_add(rows, (struct value[]){ value_text(text_chars(&at)), value_text(deed->words), value_text(text_chars(&state)) });
        text_done(&at);
        text_done(&state);
    }
    listing_print(rows);
    if (call->session->mode == PRINT_TABLE) {
        struct text left = { 0 };

        if (chaos_goes_on(chaos) && chaos_until_us(chaos) > now_us)
            lang_duration(call->session->lang, &left, chaos_until_us(chaos) - now_us);
        if (left.size)
            call_print(call, _(call->session->lang, "Seed %llu; it goes on for %s.\n"), (unsigned long long)chaos_seed(chaos), text_chars(&left));
        else if (chaos_goes_on(chaos))
            call_print(call, _(call->session->lang, "Seed %llu; it is over, and is being mended.\n"), (unsigned long long)chaos_seed(chaos));
        else
            call_print(call, _(call->session->lang, "Seed %llu; it is over, and all is mended.\n"), (unsigned long long)chaos_seed(chaos));
        text_done(&left);
    }
    return 0;
}

/* `chaos --seed 7` is `chaos start --seed 7`. */
static int begin(struct call *call)
{
    char **words = mem_zero_array((size_t)call->argc + 2, sizeof(*words));
    struct call with = *call;
    int status;

    words[0] = call->argv[0];
    words[1] = "start";
    memcpy(words + 2, call->argv + 1, (size_t)(call->argc - 1) * sizeof(*words));
    with.argv = words;
    with.argc = call->argc + 1;
    status = order_run(&with);
    mem_free(words);
    return status;
}

static int run(struct call *call)
{
    if (call->argc == 1 || (call->argc == 2 && !strcmp(call->argv[1], "list")))
        return list(call);
    return call->argv[1][0] == '-' ? begin(call) : order_run(call);
}

static const struct option options[] = {
    { "seed", "N", N_("what is drawn; the lab's own without it"), COMPLETE_NONE, RELEASE_ANY },
    { "for", "DURATION", N_("how long, in virtual time; 10m without it"), COMPLETE_NONE, RELEASE_ANY },
    { "kinds", "LIST", N_("kill,stop,power-off,freeze,cut,disk-fail,delay,loss,disk,requests; all but power-off and disk-fail without it"), COMPLETE_NONE, RELEASE_ANY },
    { "brokers", "LIST", N_("those that it may touch; all without it"), COMPLETE_BROKER, RELEASE_ANY },
    { "gentle", NULL, N_("each partition keeps min.insync.replicas, one broker is away at a time: without saying"), COMPLETE_NONE, RELEASE_ANY },
    { "rough", NULL, N_("anything goes"), COMPLETE_NONE, RELEASE_ANY },
    { 0 },
};

const struct command command_chaos = {
    .name = "chaos", .summary = "faults by chance for a while; alone: what it did", .usage = "chaos [--seed N] [--for DURATION] [--kinds LIST] [--brokers LIST] [--gentle|--rough] | chaos [list | stop]",
    .details = N_("Every few seconds of virtual time something breaks for 2 to 20 s: brokers are killed, stopped, frozen or cut off and come back, links and disks are slow, requests fail as clients "
               "know to handle. In the end, or with chaos stop, all of it is mended. The same seed at the same moment does the same. What was drawn and spared is in events chaos_spared."),
    .example = "chaos --seed 7 --for 10m", .options = options, .words = "start stop list", .needs_lab = true, .run = run,
};
