/* Conditions: a happening to wait for, or a question that must be answered by yes. */
#include "shell/condition.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct condition {
    struct lab *lab;
    bool worth_trying, happened;
    /* a happening */
    char *word;                  /* NULL: a question */
    char *topic, *subject;       /* NULL: any */
    int32_t partition;
    /* a question */
    struct sql_test *test;
    bool any_table;              /* a table that follows from everything, as `events` */
    bool touches[EVENT_KINDS];   /* worth a try after an entry of that kind */
    enum err err;
    bool given_up;
    bool *also;
    struct reason reason;
};

/* ---- happenings ---- */

static const struct { const char *word; enum event_kind kinds[3]; } happenings[] = {
    { "delete", { EVENT_segment_deleted } }, { "roll", { EVENT_segment_rolled } }, { "unlink", { EVENT_segment_unlinked } },
    { "election", { EVENT_leader_elected, EVENT_internal_leader } }, { "leader", { EVENT_leader_elected, EVENT_internal_leader } },
    { "isr", { EVENT_isr_changed, EVENT_internal_isr } },
    { "rebalance", { EVENT_group_generation } }, { "client", { EVENT_client_connected } }, { "check", { EVENT_retention_checked } },
    { "clean", { EVENT_log_cleaned } }, { "expire", { EVENT_offset_expired, EVENT_producer_expired } }, { "join", { EVENT_member_joined } }, { "leave", { EVENT_member_left } },
    { "move", { EVENT_reassignment_started, EVENT_reassignment_completed, EVENT_reassignment_cancelled } },
    { "append", { EVENT_records_appended } }, { "refuse", { EVENT_append_refused } }, { "commit", { EVENT_offset_committed } },
};

bool condition_is_kind(const char *word, enum event_kind kind)
{
    for (size_t i = 0; i < sizeof(happenings) / sizeof(*happenings); i++) {
        if (strcmp(happenings[i].word, word))
            continue;
        for (int k = 0; k < 3 && happenings[i].kinds[k]; k++)
            if (happenings[i].kinds[k] == kind)
                return true;
        return false;
    }
    return !strcmp(event_name(kind), word) || !strcasecmp(event_label(kind), word);
}

bool condition_is_word(const char *word)
{
    for (int kind = 0; kind < EVENT_KINDS; kind++)
        if (condition_is_kind(word, (enum event_kind)kind))
            return true;
    return false;
}

static bool concerns(const struct condition *condition, const struct entry *entry)
{
    if (!condition->subject)
        return entry->kind != EVENT_internal_isr; /* who means those names the topic */
    if (text_equal(entry->subject, condition->subject) || text_equal(entry->topic, condition->subject))
        return true;
    return text_equal(entry->topic, condition->topic) && condition->topic && entry->partition == condition->partition;
}

/* ---- questions: the tables that an entry of the journal is a sign of ---- */

static const struct { const char *kinds, *tables; } touched[] = {
    { "lab_* broker_*", "brokers replicas partitions topics connections" },
    { "topic_* partitions_added", "topics partitions replicas segments configs batches records" },
    { "config_changed", "configs topics segments" },
    { "leader_elected isr_changed internal_* epoch_started reassignment_*", "partitions replicas topics" },
    { "log_* segment_* records_appended high_watermark retention_checked append_refused compact* clean* tombstone*",
      "segments batches records partitions replicas producers offsets transactions" },
    { "producer_* transaction_*", "producers transactions partitions" },
    { "group_* groups_* member_* offset_*", "groups members offsets topics" },
    { "client_*", "connections clients requests" },
    { "request", "requests connections" },
};
/* These say something new with every event. */
static const char *const always[] = { "events", "decisions", "metrics", "clock", "requests", "connections", "clients" };

static bool kind_touches(enum event_kind kind, const struct sql_test *test)
{
    const char *name = event_name(kind);
    bool known = false, touches = false;

    for (size_t i = 0; i < sizeof(touched) / sizeof(*touched) && !touches; i++) {
        char *kinds = mem_text(touched[i].kinds), *tables = mem_text(touched[i].tables), *rest = kinds, *word;
        bool is = false;

        while (!is && (word = strsep(&rest, " ")))
            is = text_matches(name, word);
        known |= is;
        rest = tables;
        while (is && !touches && (word = strsep(&rest, " ")))
            touches = sql_test_reads(test, word);
        mem_free(kinds);
        mem_free(tables);
    }
    return touches || !known;
}

static bool reads_any(const struct sql_test *test)
{
    for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
        if (sql_test_reads(test, always[i]))
            return true;
    return false;
}

static void set_flag(struct condition *condition)
{
    condition->worth_trying = true;
    if (condition->also)
        *condition->also = true;
}

static void on_entry(void *context, const struct entry *entry)
{
    struct condition *condition = context;

    if (!condition->word) {
        if (condition->any_table || condition->touches[entry->kind])
            set_flag(condition);
        return;
    }
    if (condition_is_kind(condition->word, entry->kind) && concerns(condition, entry))
        condition->happened = true, set_flag(condition);
}

/* "students-0" into topic and partition; a name without a number is a topic, a group, a client. */
static void take_subject(struct condition *condition, const char *text)
{
    const char *dash = strrchr(text, '-');

    condition->subject = mem_text(text);
    condition->partition = -1;
    if (dash && dash > text && parse_i32(dash + 1, &condition->partition))
        condition->topic = mem_text_size(text, (size_t)(dash - text));
}

static void quoted(struct text *out, const char *text)
{
    text_char(out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            text_char(out, '\'');
        text_char(out, *text);
    }
    text_char(out, '\'');
}

/* "leader students-0 != 1", "lag my-group = 0" as SQL; false: it is neither. */
static bool short_form(const char *text, struct text *sql)
{
    char subject[300], op[3], rest[64];
    int used = 0;

    if (sscanf(text, "leader %299s %2[=!<>] %63s%n", subject, op, rest, &used) == 3 && !text[used]) {
        char *dash = strrchr(subject, '-');

        if (!dash)
            return false;
        *dash = 0;
        text_add(sql, "(SELECT leader FROM partitions WHERE topic = ");
        quoted(sql, subject);
        text_printf(sql, " AND partition = %d) %s %s", atoi(dash + 1), op, rest);
        return true;
    }
    if (sscanf(text, "lag %299s %2[=!<>] %63s%n", subject, op, rest, &used) == 3 && !text[used]) {
        text_add(sql, "(SELECT sum(lag) FROM offsets WHERE \"group\" = ");
        quoted(sql, subject);
        text_printf(sql, ") %s %s", op, rest);
        return true;
    }
    return false;
}

enum err condition_new(struct lab *lab, const char *text, struct condition **out, struct reason *reason)
{
    struct condition *condition = mem_zero(sizeof(*condition));
    struct text sql = { 0 };
    char word[64] = "", subject[300] = "";
    int used = 0, words;
    enum err err = ERR_OK;

    *out = NULL;
    condition->lab = lab;
    condition->partition = -1;
    while (isspace((unsigned char)*text))
        text++;
    words = sscanf(text, "%63[A-Za-z_] %299s%n", word, subject, &used);
    while (used && isspace((unsigned char)text[used]))
        used++;
    if (condition_is_word(word) && ((words == 2 && !text[used] && !strpbrk(subject, "=<>!(")) || (words == 1 && !text[strlen(word)]))) {
        condition->word = mem_text(word);
        if (words == 2)
            take_subject(condition, subject);
    } else {
        if (!short_form(text, &sql))
            text_add(&sql, text);
        err = sql_test_new(lab_sql(lab), text_chars(&sql), &condition->test, reason);
    }
    text_done(&sql);
    condition->worth_trying = true;
    if (err) {
        mem_free(condition);
        return err;
    }
    if (condition->test) {
        condition->any_table = reads_any(condition->test);
        for (int kind = 0; kind < EVENT_KINDS; kind++)
            condition->touches[kind] = kind_touches((enum event_kind)kind, condition->test);
    }
    journal_watch(lab_journal(lab), on_entry, condition);
    *out = condition;
    return ERR_OK;
}

void condition_free(struct condition *condition)
{
    if (!condition)
        return;
    journal_unwatch(lab_journal(condition->lab), on_entry, condition);
    sql_test_free(condition->test);
    mem_free(condition->word);
    mem_free(condition->topic);
    mem_free(condition->subject);
    mem_free(condition);
}

bool condition_holds(struct condition *condition)
{
    bool holds = false;

    if (!condition->worth_trying || condition->given_up)
        return false;
    condition->worth_trying = false;
    if (condition->word) {
        holds = condition->happened;
        condition->happened = false;
        return holds;
    }
    condition->err = sql_test_run(condition->test, &holds, &condition->reason);
    condition->given_up = condition->err != ERR_OK;
    return !condition->err && holds;
}

enum err condition_error(const struct condition *condition, struct reason *reason)
{
    return condition->err ? err_because(condition->err, reason, "%s", condition->reason.text) : ERR_OK;
}

bool condition_asks(const struct condition *condition)
{
    return !condition->word;
}

void condition_forgive(struct condition *condition)
{
    condition->err = ERR_OK;
}

void condition_tell(struct condition *condition, bool *flag)
{
    condition->also = flag;
    *flag |= condition->worth_trying;
}

const bool *condition_flag(const struct condition *condition)
{
    return &condition->worth_trying;
}
