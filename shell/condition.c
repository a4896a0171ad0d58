/* Conditions: a happening to wait for, or a question that must be answered by yes. */
#include "shell/condition.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct condition {
    struct lab *lab;
    bool worth_trying, happened;
    /* a happening */
    bool is_event;
    enum event_kind kind;
    char *topic;                 /* NULL: any */
    int32_t partition;
    /* a question */
    struct sql_test *test;
};

static void on_entry(void *context, const struct entry *entry)
{
    struct condition *condition = context;

    if (!condition->is_event) {
        condition->worth_trying = true;
        return;
    }
    if (entry->kind != condition->kind)
        return;
    if (condition->topic && (!text_equal(entry->topic, condition->topic) || (condition->partition >= 0 && entry->partition != condition->partition)))
        return;
    condition->happened = condition->worth_trying = true;
}

/* "students-0" into topic and partition; a name without a number is the topic as a whole. */
static void take_partition(struct condition *condition, const char *text)
{
    const char *dash = strrchr(text, '-');

    condition->partition = -1;
    if (dash && dash > text && parse_i32(dash + 1, &condition->partition)) {
        condition->topic = mem_text_size(text, (size_t)(dash - text));
        return;
    }
    condition->topic = mem_text(text);
}

static const struct { const char *word; enum event_kind kind; } happenings[] = {
    { "delete", EVENT_segment_deleted }, { "roll", EVENT_segment_rolled }, { "unlink", EVENT_segment_unlinked },
    { "election", EVENT_leader_elected }, { "isr", EVENT_isr_changed }, { "rebalance", EVENT_group_generation },
    { "client", EVENT_client_connected }, { "check", EVENT_retention_checked }, { "clean", EVENT_log_cleaned },
};

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
    char word[32] = "", subject[300] = "";
    int used = 0, words;
    enum err err = ERR_OK;

    *out = NULL;
    condition->lab = lab;
    condition->partition = -1;
    while (isspace((unsigned char)*text))
        text++;
    words = sscanf(text, "%31[a-z] %299s%n", word, subject, &used);
    for (size_t i = 0; i < sizeof(happenings) / sizeof(*happenings); i++) {
        if (strcmp(happenings[i].word, word) || (words == 2 && text[used]) || (words == 1 && text[strlen(word)]))
            continue;
        condition->is_event = true;
        condition->kind = happenings[i].kind;
        if (words == 2)
            take_partition(condition, subject);
        break;
    }
    if (!condition->is_event) {
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
    mem_free(condition->topic);
    mem_free(condition);
}

bool condition_holds(struct condition *condition)
{
    bool holds = false;

    if (!condition->worth_trying)
        return false;
    condition->worth_trying = false;
    if (condition->is_event)
        return condition->happened;
    return !sql_test_run(condition->test, &holds, NULL) && holds;
}

const bool *condition_flag(const struct condition *condition)
{
    return &condition->worth_trying;
}
