/* why: the reasons of the cluster, in the values that it compared. Nothing is decided here: decisions come from the code that acts on them
 * (log_weigh_retention, log_decide_roll) and from the journal, which kept those of the past. */
#include "shell/commands/why.h"

#include <stdlib.h>
#include <string.h>

#include "shell/phrases.h"
#include "shell/prose.h"

/* ---- an answer ---- */

void why_say(struct why *why, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    text_vprintf(&why->out, format, args);
    va_end(args);
}

void why_say_extent(struct why *why)
{
    long long start = (long long)log_start_offset(why->log), end = (long long)log_end_offset(why->log);

    if (start < end)
        why_say(why, _(why->lang, "%s-%d: offsets %lld..%lld, %lld bytes"), why->topic, why->partition, start, end - 1, (long long)log_size_bytes(why->log));
    else
        why_say(why, _(why->lang, "%s-%d: no records, the next gets offset %lld"), why->topic, why->partition, end);
}

static void why_error(struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void why_error(struct why *why, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = mem_vprintf(format, args);
    va_end(args);
    call_error(why->call, "why: %s\n", text);
    mem_free(text);
}

void why_error_line(struct why *why, const char *head, const char *command, const char *format, ...)
{
    struct text text = { 0 };
    va_list args;

    va_start(args, format);
    text_vprintf(&text, format, args);
    va_end(args);
    text_char(&text, '\n');
    if (!lab_inspects(why->lab))
        prose_command(&text, why->call->err->columns, head, command);
    call_error(why->call, "why: %s", text_chars(&text));
    text_done(&text);
}

static const char *kept(struct why *why, struct text *text)
{
    const char *copy = arena_text(&why->arena, text_chars(text), text->size);

    text_done(text);
    return copy;
}

const char *why_clock(struct why *why, int64_t ms)
{
    struct text text = { 0 };

    look_clock(why->lab, ms, &text);
    return kept(why, &text);
}

const char *why_moment(struct why *why, int64_t ms)
{
    struct text text = { 0 };

    text_time(&text, ms * 1000, (llabs((long long)(ms - why->now_ms)) > 72000000 ? TIME_DATE : 0) | TIME_CLOCK | TIME_MILLIS);
    return kept(why, &text);
}

const char *why_lasts(struct why *why, int64_t ms)
{
    struct text text = { 0 };

    if (ms > INT64_MAX / 1000 || ms < INT64_MIN / 1000)
        text_add(&text, _(why->lang, "forever"));
    else
        lang_duration(why->lang, &text, ms * 1000);
    return kept(why, &text);
}

const char *why_offsets(struct why *why, int64_t base_offset, int64_t next_offset)
{
    if (next_offset - base_offset <= 1)
        return arena_printf(&why->arena, "%lld", (long long)base_offset);
    return arena_printf(&why->arena, "%lld..%lld", (long long)base_offset, (long long)next_offset - 1);
}

const char *why_name(struct why *why, const char *name)
{
    struct text text = { 0 };

    text_escaped(&text, bytes_text(name));
    return kept(why, &text);
}

const char *why_words(struct why *why, const char *words)
{
    struct text text = { 0 };
    const char *result;

    phrase_add(why->lang, &text, words ? words : "");
    result = why_name(why, text_chars(&text));
    text_done(&text);
    return result;
}

/* ---- what to type ---- */

static void line(struct why *why, const char *head, const char *format, va_list args)
{
    char *command = mem_vprintf(format, args);

    prose_command(&why->out, why->call->out->columns, head, command);
    mem_free(command);
}

void why_flush(struct why *why)
{
    prose_write(why->call, text_chars(&why->out));
    text_clear(&why->out);
}

/* What goes in a folder that is only looked at: nothing that moves time, asks a broker or changes it. What was, nothing mends. */
static bool goes(const struct why *why, const char *format)
{
    if (!*format && lab_is_past(why->lab))
        return false;
    return !lab_inspects(why->lab) || text_starts(format, "SELECT ") || text_starts(format, "why ") || text_starts(format, "hexdump ");
}

void why_show(struct why *why, const char *format, ...)
{
    va_list args;

    if (!goes(why, format))
        return;
    va_start(args, format);
    line(why, _(why->lang, "show me"), format, args);
    va_end(args);
}

void why_mend(struct why *why, const char *format, ...)
{
    va_list args;

    if (!goes(why, ""))
        return;
    va_start(args, format);
    line(why, _(why->lang, "mend"), format, args);
    va_end(args);
}

/* The first that answers. */
const char *why_server(struct why *why)
{
    const struct cluster *cluster = lab_cluster(why->lab);
    size_t i = 0;

    while (i < cluster_broker_count(cluster) && !broker_up(cluster_broker_at(cluster, i)))
        i++;
    return arena_printf(&why->arena, "localhost:%d", lab_port(why->lab, i < cluster_broker_count(cluster) ? i : 0));
}

void why_mend_effect(struct why *why, const char *effect, const char *format, ...)
{
    va_list args;

    if (!goes(why, ""))
        return;
    va_start(args, format);
    line(why, arena_printf(&why->arena, "%s (%s)", _(why->lang, "mend"), effect), format, args);
    va_end(args);
}

void why_mend_text(struct why *why, const char *key, const char *value, const char *effect)
{
    why_mend_effect(why, effect, "kafka-configs.sh --bootstrap-server %s --entity-type topics --entity-name %s --alter --add-config %s=%s", why_server(why), why->topic, key, value);
}

void why_mend_config(struct why *why, const char *key, int64_t value, const char *format, ...)
{
    va_list args;
    char *effect;

    va_start(args, format);
    effect = mem_vprintf(format, args);
    va_end(args);
    why_mend_text(why, key, arena_printf(&why->arena, "%lld", (long long)value), effect);
    mem_free(effect);
}

void why_show_delete(struct why *why, int64_t at_ms)
{
    enum { DAY_MS = 86400000 };
    int64_t away = at_ms - why->now_ms;

    if (at_ms == INT64_MAX)
        return;
    if (away < DAY_MS)
        why_show(why, "until delete %s-%d", why->topic, why->partition);
    else
        why_show(why, "until delete %s-%d --limit %lldd", why->topic, why->partition, (long long)(away / DAY_MS + 1));
}

void why_show_segments(struct why *why)
{
    why_show(why, "SELECT broker, base_offset, state, size_bytes, first_timestamp_ms, newest_ms FROM segments WHERE topic = '%s' AND partition = %d", why->topic, why->partition);
}

void why_show_offsets(struct why *why)
{
    if (call_release(why->call) == RELEASE_27)
        why_show(why, "kafka-run-class.sh kafka.tools.GetOffsetShell --broker-list %s --topic %s", why_server(why), why->topic);
    else
        why_show(why, "kafka-get-offsets.sh --bootstrap-server %s --topic %s", why_server(why), why->topic);
}

/* ---- the journal ---- */

static bool of_subject(const struct why *why, const struct entry *entry)
{
    return entry && (entry->partition == why->partition || entry->partition < 0) && text_equal(entry->topic, why->topic);
}

/* All about it, once: what lab.db kept of other days, then what is in memory; from the last deletion of a topic of that name on. */
static void recall(struct why *why)
{
    struct journal *journal = lab_journal(why->lab);
    const struct entry *oldest = journal_get(journal, journal_first(journal)), **older = NULL;
    struct store *store = lab_store(why->lab);
    size_t count = 0, begin = 0;

    why->begins_us = oldest ? oldest->at_us : -1;
    if (store && journal_first(journal) > 1)
        count = store_recall(store, why->topic, why->partition, journal_first(journal), &why->arena, &older, &why->begins_us);
    for (uint64_t n = journal_first(journal); n && n <= journal_last(journal); n++)
        why->entry_count += of_subject(why, journal_get(journal, n));
    why->entries = arena_alloc(&why->arena, (count + why->entry_count + 1) * sizeof(*why->entries));
    if (count)
        memcpy(why->entries, older, count * sizeof(*older));
    for (uint64_t n = journal_first(journal); n && n <= journal_last(journal); n++)
        if (of_subject(why, journal_get(journal, n)))
            why->entries[count++] = journal_get(journal, n);
    for (size_t i = 0; i < count; i++)
        if (why->entries[i]->kind == EVENT_topic_deleted)
            begin = i + 1;
    why->entries += begin;
    why->entry_count = count - begin;
}

bool why_about(const struct why *why, const struct entry *entry)
{
    return entry->partition == why->partition && (entry->broker < 0 || entry->broker == broker_id(partition_broker(why->replica)));
}

const struct entry *why_find(struct why *why, enum event_kind kind, why_wanted *wanted, int64_t offset)
{
    for (size_t i = why->entry_count; i-- > 0;) {
        const struct entry *entry = why->entries[i];

        if (entry->kind == kind && why_about(why, entry) && (!wanted || wanted(entry, offset)))
            return entry;
    }
    return NULL;
}

/* ---- the words of the command ---- */

enum question { Q_RETENTION, Q_ROLL, Q_COMPACTION, Q_LEADER, Q_ISR, Q_COMMIT, Q_MOVE, Q_LAG, Q_REBALANCE, Q_REFUSED };

static struct partition *any_replica(const struct lab *lab, const char *topic, int32_t partition)
{
    struct cluster *cluster = lab_cluster(lab);

    for (size_t i = 0; i < cluster_broker_count(cluster); i++) {
        struct partition *replica = broker_partition(cluster_broker_at(cluster, i), topic, partition);

        if (replica)
            return replica;
    }
    return NULL;
}

static bool by_controller(enum question question)
{
    return question == Q_LEADER || question == Q_ISR;
}

/* The leader's replica, or where nobody leads, the first that has one: it is said which. Some questions the controller answers without any. */
static bool take_partition(struct why *why, enum question question, const char *text)
{
    const struct image_partition *image;

    if (!look_parse(text, &why->topic, &why->partition)) {
        why_error(why, _(why->lang, "'%s' is no partition; TOPIC-PARTITION is wanted, for instance %s-0"), why_name(why, text),
                  image_topic(cluster_image(lab_cluster(why->lab)), text) ? why_name(why, text) : "students");
        return false;
    }
    image = image_partition(cluster_image(lab_cluster(why->lab)), why->topic, why->partition);
    why->replica = look_leader(why->lab, why->topic, why->partition);
    if (!why->replica) {
        why->replica = any_replica(why->lab, why->topic, why->partition);
        if (why->replica && !by_controller(question))
            why_say(why, _(why->lang, "%s has no leader at present; this is what broker %d has of it.\n"), text, broker_id(partition_broker(why->replica)));
    }
    if (!why->replica && !(image && by_controller(question))) {
        if (image && lab_inspects(why->lab))
            why_error(why, _(why->lang, "%s is not in the folder that is looked at (SELECT * FROM folders)"), text);
        else if (image)
            why_error_line(why, _(why->lang, "mend"), arena_printf(&why->arena, "broker start %d", image->isr_count ? image->isr[0] : image->elr_count ? image->elr[0] : image->replicas[0]),
                           _(why->lang, "%s has no leader at present, and no broker that is up has a replica"), text);
        else
            why_error_line(why, _(why->lang, "show me"), arena_printf(&why->arena, "kafka-topics.sh --list --bootstrap-server %s", why_server(why)),
                           _(why->lang, "there is no partition %s"), why_name(why, text));
        return false;
    }
    why->log = why->replica ? partition_log(why->replica) : NULL;
    recall(why);
    return true;
}

static const struct {
    const char *word;
    enum question question;
    const char *example;
} questions[] = {
    { "retention", Q_RETENTION, "why retention students-0" }, { "rolled", Q_ROLL, "why rolled students-0" },
    { "roll", Q_ROLL, "why roll students-0" },                { "compaction", Q_COMPACTION, "why compaction students-0" },
    { "compacted", Q_COMPACTION, "why compaction students-0" }, { "lag", Q_LAG, "why lag my-group" },
    { "leader", Q_LEADER, "why leader students-0" },          { "isr", Q_ISR, "why isr students-0" },
    { "commit", Q_COMMIT, "why commit students-0" },          { "watermark", Q_COMMIT, "why watermark students-0" },
    { "move", Q_MOVE, "why move students-0" },                { "reassignment", Q_MOVE, "why reassignment students-0" },
    { "rebalance", Q_REBALANCE, "why rebalance my-group" },   { "refused", Q_REFUSED, "why refused" },
};

static int usage(struct why *why, const char *example)
{
    why_error(why, _(why->lang, "of what? For instance: %s (help why lists the questions)"), example);
    return 1;
}

/* An offset that may follow the partition; false: it was refused. */
static bool take_offset(struct why *why, int at, int64_t *offset)
{
    struct call *call = why->call;

    *offset = -1;
    if (call->argc > at + 1) {
        why_error(why, _(why->lang, "'%s' is one word too many (help why)"), why_name(why, call->argv[at + 1]));
        return false;
    }
    if (call->argc > at && (!parse_i64(call->argv[at], offset) || *offset < 0)) {
        why_error(why, _(why->lang, "'%s' is no offset; offsets are numbers from 0"), why_name(why, call->argv[at]));
        return false;
    }
    return true;
}

/* Ages are judged by the broker's own clock. */
static void take_clock(struct why *why)
{
    const struct broker *broker = partition_broker(why->replica);
    int64_t us = broker_skew_us(broker);

    why->now_ms = broker_now_ms(broker);
    if (us)
        why_say(why, us > 0 ? _(why->lang, "Broker %d judges by its own clock, which is %s ahead (clock skew); the moments below are that clock's.\n")
                            : _(why->lang, "Broker %d judges by its own clock, which is %s behind (clock skew); the moments below are that clock's.\n"),
                broker_id(broker), why_lasts(why, (us < 0 ? -us : us) / 1000));
}

static int of_partition(struct why *why, enum question question, int at)
{
    int64_t offset;

    if (!take_offset(why, at + 1, &offset) || !take_partition(why, question, why->call->argv[at]))
        return 1;
    if (question == Q_RETENTION || question == Q_ROLL || question == Q_COMPACTION)
        take_clock(why);
    switch (question) {
    case Q_ROLL:
        return why_roll(why, offset);
    case Q_COMPACTION:
        return why_compaction(why);
    case Q_LEADER:
        return why_leader(why);
    case Q_ISR:
        return why_isr(why);
    case Q_COMMIT:
        return why_commit(why);
    case Q_MOVE:
        return why_move(why);
    default:
        return offset >= 0 ? why_record(why, offset) : why_retention(why);
    }
}

static bool of_group(enum question question)
{
    return question == Q_LAG || question == Q_REBALANCE;
}

static int ask(struct why *why)
{
    struct call *call = why->call;
    int argc = call->argc;

    if (argc < 2)
        return why_event(why, EVENT_KINDS, NULL);
    for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++) {
        if (strcmp(call->argv[1], questions[i].word))
            continue;
        if (questions[i].question == Q_REFUSED)
            return argc == 2 ? why_event(why, EVENT_append_refused, _(why->lang, "Nothing was refused, as far as the journal reaches.")) : usage(why, questions[i].example);
        if (argc < 3 || (of_group(questions[i].question) && argc > 3))
            return usage(why, questions[i].example);
        return !of_group(questions[i].question) ? of_partition(why, questions[i].question, 2) : questions[i].question == Q_LAG ? why_lag(why, call->argv[2])
                                                                                                                              : why_rebalance(why, call->argv[2]);
    }
    return of_partition(why, Q_RETENTION, 1);
}

static int run(struct call *call)
{
    struct lab *lab = call_lab(call);
    struct why why = { .call = call, .lab = lab, .lang = call->session->lang, .now_ms = queue_now_ms(lab_queue(lab)) };
    int status;

    arena_init(&why.arena);
    status = ask(&why);
    if (!status)
        why_flush(&why);
    text_done(&why.out);
    arena_done(&why.arena);
    mem_free(why.topic);
    return status;
}

const struct command command_why = {
    .name = "why", .summary = "reasons: what was compared, when it may change",
    .usage = "why | why TOPIC-P [OFFSET] | why rolled TOPIC-P [BASE] | why compaction|leader|isr|commit|move TOPIC-P | why lag|rebalance GROUP | why refused",
    .details = N_("why students-0: each segment, what is compared, whether retention takes it and when. why students-0 17: is that record there, and if not, since\n"
               "when, what took it and what would have kept it. why rolled: what made a segment roll and what will make the next. why compaction: what the\n"
               "cleaner sees. why leader: who leads and why that one. why isr: who is in sync, what the others lack, when somebody leaves. why commit: what the\n"
               "high watermark waits for. why move: how far the move of a partition to other brokers is, and what holds it back. why lag: a group's lag, split\n"
               "into deleted and readable. why rebalance: what began a group's rebalances. why refused: the last batch that was not written. why alone: the last decision. Each ends with a line to type that shows it or mends it. set lang ru: in Russian."),
    .example = "why students-0", .words = "retention rolled compaction leader isr commit move lag rebalance refused", .argument = COMPLETE_PARTITION, .needs_lab = true, .looks = true, .run = run,
};
