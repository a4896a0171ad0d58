/* next: to the next roll, deletion, check, ... with its why. */
#include <string.h>

#include "shell/commands/pace.h"
#include "shell/prose.h"

enum { MOST_KINDS = 11 };

static const struct {
    const char *word;
    enum event_kind kinds[MOST_KINDS];
    const char *none;
} words[] = {
    { "change", { EVENT_segment_rolled, EVENT_segment_deleted, EVENT_segment_unlinked, EVENT_log_start_moved, EVENT_log_cleaned },
      N_("Nothing is due to roll or to be deleted within a virtual day. Segments roll when something is appended; retention takes them when they expire.") },
    { "roll", { EVENT_segment_rolled },
      N_("No roll within a virtual day: a segment rolls only when something is appended (or when retention empties the partition).") },
    { "delete", { EVENT_segment_deleted }, N_("Nothing will be deleted within a virtual day: see why TOPIC-PARTITION.") },
    { "unlink", { EVENT_segment_unlinked }, N_("No .deleted file waits to be unlinked within a virtual day.") },
    { "clean", { EVENT_log_cleaned, EVENT_cleaning_failed }, N_("The cleaner takes no log within a virtual day: see why compaction TOPIC-PARTITION.") },
    { "check", { EVENT_retention_checked }, N_("No retention check within a virtual day.") },
    { "leader", { EVENT_leader_elected, EVENT_internal_leader }, N_("No election within a virtual day.") },
    { "isr", { EVENT_isr_changed, EVENT_internal_isr }, N_("No change of an ISR within a virtual day.") },
    { "cluster", { EVENT_leader_elected, EVENT_internal_leader, EVENT_isr_changed, EVENT_broker_fenced, EVENT_broker_started, EVENT_broker_stopped, EVENT_log_truncated, EVENT_records_lost,
                   EVENT_reassignment_completed, EVENT_reassignment_cancelled },
      N_("No broker goes or comes, no leader and no ISR changes within a virtual day.") },
    { "move", { EVENT_reassignment_started, EVENT_reassignment_completed, EVENT_reassignment_cancelled },
      N_("No partition begins or ends a move to other brokers within a virtual day: see why move TOPIC-PARTITION.") },
    { "rebalance", { EVENT_group_rebalance, EVENT_group_generation }, N_("No rebalance within a virtual day.") },
    { "expire", { EVENT_offset_expired, EVENT_producer_expired, EVENT_member_left }, N_("Nothing expires within a virtual day.") },
};

struct stop {
    bool stop;
    const enum event_kind *kinds;
    const char *name;             /* of a topic, partition or group; NULL: any */
};

static bool wanted(const enum event_kind kinds[MOST_KINDS], enum event_kind kind)
{
    for (int i = 0; i < MOST_KINDS && kinds[i]; i++)
        if (kinds[i] == kind)
            return true;
    return false;
}

/* Brokers that come back join the ISRs of an internal topic's partitions one by one: that is stopped at for who names the topic. Its leaders move all at once. */
static bool is_named(const char *name, const struct entry *entry)
{
    size_t size = entry->topic ? strlen(entry->topic) : 0;
    int32_t partition;

    if (!name)
        return entry->kind != EVENT_internal_isr;
    if (text_equal(entry->topic, name) || text_equal(entry->subject, name))
        return true;
    return size && !strncmp(name, entry->topic, size) && name[size] == '-' && parse_i32(name + size + 1, &partition) && partition == entry->partition;
}

static bool is_internal(const struct entry *entry)
{
    return entry->kind == EVENT_internal_leader || entry->kind == EVENT_internal_isr;
}

/* What came to pass: of an internal topic's many partitions one, and how many there are beside it. */
static void print_entries(struct call *call, uint64_t first, const struct stop *stop)
{
    struct journal *journal = lab_journal(call_lab(call));
    const struct entry *internal = NULL;
    int64_t more = 0;

    for (uint64_t n = first; n <= journal_last(journal); n++) {
        const struct entry *entry = journal_get(journal, n);

        if (entry && is_internal(entry) && wanted(stop->kinds, entry->kind) && is_named(stop->name, entry)) {
            more += internal != NULL;
            if (!internal)
                entry_print(call, internal = entry);
        } else if (entry && (event_shown(entry->kind) || entry->rule)) {
            entry_print(call, entry);
        }
    }
    if (more)
        prose_print(call, n_(call->session->lang, "So has %lld more partition of internal topics; `why leader %s-%d` tells of one, events --all --since %llu of all.\n",
                             "So have %lld more partitions of internal topics; `why leader %s-%d` tells of one, events --all --since %llu of all.\n", more),
                    (long long)more, internal->topic, internal->partition, (unsigned long long)internal->number);
}

static void on_entry(void *context, const struct entry *entry)
{
    struct stop *stop = context;

    if (wanted(stop->kinds, entry->kind) && is_named(stop->name, entry))
        stop->stop = true;
}

/* A check that changes nothing is no event: the clock is just moved there. */
static int to_next_check(struct call *call)
{
    struct lab *lab = call_lab(call);
    struct digest digest = digest_begin(lab);
    int64_t at = broker_next_retention_check_us(cluster_broker_at(lab_cluster(lab), 0));

    if (at == INT64_MAX) {
        prose_print(call, "%s\n", _(call->session->lang, "There is no retention check."));
        return 0;
    }
    pace_run(call, at, NULL);
    if (queue_now_us(lab_queue(lab)) < at)
        pace_at_present(call);
    for (uint64_t n = digest.from + 1; n <= journal_last(lab_journal(lab)); n++) {
        const struct entry *entry = journal_get(lab_journal(lab), n);

        if (entry && entry->kind != EVENT_retention_checked && entry->kind != EVENT_checkpoint_written)
            entry_print(call, entry);
    }
    digest_print(call, &digest);
    return 0;
}

/* Groups come by themselves, topics are made first. */
static bool is_known(const struct lab *lab, const char *name)
{
    const struct image *image = cluster_image(lab_cluster(lab));
    const char *dash = strrchr(name, '-');
    char *topic = dash ? mem_text_size(name, (size_t)(dash - name)) : NULL;
    int32_t partition;
    bool known = image_topic(image, name) || (topic && parse_i32(dash + 1, &partition) && image_partition(image, topic, partition));

    mem_free(topic);
    return known;
}

static int run(struct call *call)
{
    struct lab *lab = call_lab(call);
    const char *word = call->argc > 1 ? call->argv[1] : "change";
    struct stop stop = { 0 };
    uint64_t first = journal_last(lab_journal(lab));
    size_t row = 0;

    while (row < sizeof(words) / sizeof(*words) && !text_equal(words[row].word, word))
        row++;
    if (row == sizeof(words) / sizeof(*words) || call->argc > 3) {
        call_error(call, _(call->session->lang, "next: what is '%s'? One of: roll delete unlink clean check leader isr cluster move rebalance expire\n"), word);
        return 1;
    }
    if (!strcmp(word, "check"))
        return to_next_check(call);
    stop.kinds = words[row].kinds;
    stop.name = call->argc > 2 ? call->argv[2] : NULL;
    if (stop.name && !text_equal(word, "rebalance") && !text_equal(word, "expire") && !is_known(lab, stop.name)) {
        call_error(call, _(call->session->lang, "next: there is no topic or partition '%s'\n"), stop.name);
        return 1;
    }
    if (!pace_watch(call, on_entry, &stop, &stop.stop))
        return 0;
    if (!stop.stop && !call_interrupted(call)) {
        prose_print(call, "%s\n", _(call->session->lang, words[row].none));
        return 0;
    }
    print_entries(call, first + 1, &stop);
    return call_interrupted(call) ? 130 : 0;
}

const struct command command_next = {
    .name = "next", .summary = "to the next roll, deletion, ... and why", .usage = "next [roll|delete|unlink|clean|check|leader|isr|cluster|move|rebalance|expire [TOPIC|TOPIC-P|GROUP]]",
    .details = N_("Without a word: to the next change of any partition's files. cluster: a broker that goes or comes, a leader, an ISR, a move. With a name: the next of that one; internal topics' ISRs are passed over without. Looks a virtual day ahead."),
    .example = "next delete", .words = "roll delete unlink clean check leader isr cluster move rebalance expire", .needs_lab = true, .past = "", .run = run,
};
