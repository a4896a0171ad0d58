/* until: moves virtual time on until something holds. */
#include <stdio.h>
#include <string.h>

#include "shell/commands/pace.h"
#include "shell/condition.h"
#include "shell/look.h"
#include "shell/past.h"

/* What a partition's files are waited for that is not there comes to pass never: a slip of the pen is not worth a virtual day. In the past it may be made yet. */
static bool can_happen(struct call *call, const char *text)
{
    struct lab *lab = call_lab(call);
    const char *name = strchr(text, ' ');
    char *word = name ? mem_text_size(text, (size_t)(name - text)) : NULL, *topic = NULL;
    int32_t partition;
    bool files = word && (condition_is_kind(word, EVENT_segment_deleted) || condition_is_kind(word, EVENT_segment_rolled) ||
                          condition_is_kind(word, EVENT_segment_unlinked) || condition_is_kind(word, EVENT_log_cleaned));
    bool can = !files || session_past(call->session) || !look_parse(name + 1, &topic, &partition) ||
               image_partition(cluster_image(lab_cluster(lab)), topic, partition);

    if (!can) {
        struct text shown = { 0 };

        text_escaped(&shown, bytes_text(name + 1));
        call_error(call, _(call->session->lang, "until: there is no partition %s\n"), text_chars(&shown));
        text_done(&shown);
    }
    mem_free(word);
    mem_free(topic);
    return can;
}

static int run(struct call *call)
{
    struct lab *lab = call_lab(call);
    struct digest digest = digest_begin(lab);
    struct condition *condition;
    struct reason reason = { "" };
    struct text text = { 0 };
    int64_t limit_us = 86400000000LL, end;
    int status = 0;

    for (int i = 1; i < call->argc; i++) {
        if (!strcmp(call->argv[i], "--limit") && i + 1 < call->argc) {
            if (!parse_duration(call->argv[++i], &limit_us) || limit_us <= 0) {
                call_error(call, _(call->session->lang, "until: --limit wants a duration like 7d, not '%s'\n"), call->argv[i]);
                text_done(&text);
                return 1;
            }
        } else {
            text_printf(&text, "%s%s", text.size ? " " : "", call->argv[i]);
        }
    }
    if (!text.size || condition_new(lab, text_chars(&text), &condition, &reason)) {
        call_error(call, "until: %s\n", text.size ? reason.text : _(call->session->lang, "a condition is wanted, for instance: until delete students-0"));
        text_done(&text);
        return 1;
    }
    if (!can_happen(call, text_chars(&text))) {
        condition_free(condition);
        text_done(&text);
        return 1;
    }
    end = queue_now_us(lab_queue(lab)) + limit_us;
    while (!condition_holds(condition)) {
        if (!pace_run(call, end, condition_flag(condition))) {
            status = 130;
            break;
        }
        if (!*condition_flag(condition) && (pace_broke(call) || pace_at_present(call))) {
            snprintf(call->said, sizeof(call->said), "stopped before it held");
            status = 1;
            break;
        }
        if (!*condition_flag(condition)) { /* the limit was reached: tried once more, then given up */
            struct text limit = { 0 };

            lang_duration(call->session->lang, &limit, limit_us);
            call_error(call, _(call->session->lang, "until: '%s' did not come to pass within %s (--limit says how far to look)\n"), text_chars(&text), text_chars(&limit));
            text_done(&limit);
            status = 1;
            break;
        }
    }
    condition_free(condition);
    text_done(&text);
    for (uint64_t n = digest.from + 1; n <= journal_last(lab_journal(lab)) && n <= digest.from + 12; n++) {
        const struct entry *entry = journal_get(lab_journal(lab), n);

        if (entry && event_shown(entry->kind))
            entry_print(call, entry);
    }
    digest_print(call, &digest);
    return status;
}

static const struct option options[] = {
    { "limit", "DURATION", N_("how far to look (a virtual day)"), COMPLETE_NONE, RELEASE_ANY },
    { 0 },
};

const struct command command_until = {
    .name = "until", .summary = "move virtual time on until something holds", .usage = "until CONDITION [--limit 7d]",
    .details = N_("CONDITION: delete, roll, unlink, clean, election, isr, rebalance TOPIC-PARTITION; leader TOPIC-P != 1; lag GROUP = 0; or an SQL expression, "
               "for instance: until (select count(*) from segments where topic = 'students') = 1"),
    .example = "until delete students-0", .options = options, .words = "delete roll unlink clean leader lag rebalance", .argument = COMPLETE_PARTITION,
    .compares = true, .checks = "", .needs_lab = true, .past = "", .run = run,
};
