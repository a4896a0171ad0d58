/* The journal keeps copies, forgets the oldest, tells watchers, and is two tables. */
#include "sim/base/journal.h"

#include <stdio.h>

#include "sim/base/mem.h"
#include "sim/base/table.h"
#include "tests/harness.h"

static const int64_t START = 1767225600000000; /* 2026-01-01 */

TEST(an_entry_is_copied_with_all_its_words)
{
    int64_t now = START;
    struct journal *journal = journal_new(&now, 0);
    char topic[] = "students", text[] = "roll", why[] = "segment.bytes";
    const struct entry *entry;
    uint64_t number = journal_add(journal, ENTRY(EVENT_segment_rolled, .topic = topic, .partition = 0, .offset = 84, .rule = "size",
                                                 .text = text, .facts = { { "size", 1932, NULL }, { "by", 0, why } },
                                                 .fact_count = 2));

    memset(topic, 'x', 3), memset(text, 'x', 3), memset(why, 'x', 3);
    CHECK_INT(1, number);
    entry = journal_get(journal, 1);
    CHECK_TEXT("students", entry->topic);
    CHECK_TEXT("roll", entry->text);
    CHECK_TEXT("segment.bytes", entry->facts[1].text);
    CHECK_INT(1932, entry->facts[0].number);
    CHECK(entry->subject == NULL);
    CHECK_INT(-1, entry->broker);
    CHECK_INT(START, entry->at_us);
    CHECK_TEXT("segment_rolled", event_name(entry->kind));
    CHECK_TEXT("ROLL", event_label(entry->kind));
    CHECK(event_shown(entry->kind) && !event_shown(EVENT_segment_kept));
    CHECK_INT(0, journal_add(NULL, entry));
    journal_free(journal);
    journal_free(NULL);
}

TEST(labels_fit_the_view)
{
    for (int kind = 0; kind < EVENT_KINDS; kind++)
        CHECK(strlen(event_label(kind)) <= 8 && *event_doc(kind));
}

TEST(the_oldest_entries_go)
{
    int64_t now = START;
    struct journal *journal = journal_new(&now, 100);
    char text[16];

    CHECK_INT(0, journal_last(journal));
    CHECK_INT(1, journal_first(journal));
    for (int i = 1; i <= 250; i++) {
        snprintf(text, sizeof(text), "%d", i);
        CHECK_INT(i, journal_add(journal, ENTRY(EVENT_request, .text = text)));
        snprintf(text, sizeof(text), "%d", i > 100 ? i - 99 : 1);
        CHECK_TEXT(text, journal_get(journal, journal_first(journal))->text);
    }
    CHECK_INT(151, journal_first(journal));
    CHECK(journal_get(journal, 150) == NULL);
    CHECK(journal_get(journal, 251) == NULL);
    CHECK(journal_get(journal, 0) == NULL);
    CHECK_TEXT("200", journal_get(journal, 200)->text);
    journal_go_on(journal, 1000);
    CHECK(journal_get(journal, 200) == NULL);
    CHECK_INT(1001, journal_add(journal, ENTRY(EVENT_lab_opened, .text = "again")));
    CHECK_INT(1001, journal_first(journal));
    journal_free(journal);
    journal = journal_new(&now, 10);
    journal_go_on(journal, 5); /* nothing was kept yet */
    CHECK_INT(6, journal_add(journal, ENTRY(EVENT_lab_opened, .text = "again")));
    CHECK_TEXT("again", journal_get(journal, 6)->text);
    journal_free(journal);
}

static void count_it(void *context, const struct entry *entry)
{
    *(uint64_t *)context += entry->number;
}

TEST(watchers_hear_of_each_entry)
{
    int64_t now = START;
    struct journal *journal = journal_new(&now, 10);
    uint64_t a = 0, b = 0;

    journal_watch(journal, count_it, &a);
    journal_watch(journal, count_it, &b);
    journal_add(journal, ENTRY(EVENT_lab_opened, .text = "x"));
    journal_unwatch(journal, count_it, &a);
    journal_add(journal, ENTRY(EVENT_lab_opened, .text = "y"));
    CHECK_INT(1, a);
    CHECK_INT(3, b);
    journal_free(journal);
}

/* All rows of a table as text: columns by commas, rows by newlines. */
static void dump(const struct tables *tables, const char *name, const struct constraint *constraints, size_t count,
                 const char *expected)
{
    void *context, *cursor;
    const struct table *table = tables_find(tables, name, &context);
    char all[2048] = "";
    size_t size = 0;

    cursor = table->open(context, constraints, count);
    while (table->next(cursor)) {
        for (int i = 0; table->columns[i].name; i++) {
            struct value value = table->get(cursor, i);

            size += (size_t)(value.type == VALUE_INT
                ? snprintf(all + size, sizeof(all) - size, "%s%lld", i ? "," : "", (long long)value.integer)
                : snprintf(all + size, sizeof(all) - size, "%s%s", i ? "," : "", value.type == VALUE_TEXT ? value.text : "-"));
        }
        all[size++] = '\n';
        all[size] = 0;
    }
    table->close(cursor);
    CHECK_TEXT(expected, all);
}

TEST(the_journal_is_two_tables)
{
    int64_t now = START;
    struct journal *journal = journal_new(&now, 0);
    struct tables *tables = tables_new();
    void *context;

    journal_register_tables(journal, tables);
    CHECK_INT(2, tables_count(tables));
    CHECK_TEXT("events", tables_get(tables, 0, &context)->name);
    CHECK(tables_get(tables, 2, NULL) == NULL);
    CHECK(tables_find(tables, "none", NULL) == NULL);
    dump(tables, "events", NULL, 0, "");
    journal_add(journal, ENTRY(EVENT_lab_opened, .text = "opened"));
    now += 1500;
    journal_add(journal, ENTRY(EVENT_segment_deleted, .broker = 1, .topic = "t", .partition = 0, .offset = 28, .rule = "retention.ms",
                               .text = "gone", .facts = { { "age_ms", 35000, NULL }, { "by", 0, "a\"b" } }, .fact_count = 2));
    now += 1000000;
    journal_add(journal, ENTRY(EVENT_group_created, .subject = "g", .text = "new"));
    dump(tables, "events", NULL, 0,
         "1,2026-01-01T00:00:00.000Z,1767225600000,lab_opened,-,-,-,-,-,-,opened\n"
         "2,2026-01-01T00:00:00.001Z,1767225600001,segment_deleted,1,t,0,28,-,retention.ms,gone\n"
         "3,2026-01-01T00:00:01.001Z,1767225601001,group_created,-,-,-,-,g,-,new\n");
    dump(tables, "decisions", NULL, 0,
         "2,1767225600001,segment_deleted,1,t,0,28,retention.ms,gone,{\"age_ms\":35000,\"by\":\"a\\\"b\"}\n");
    dump(tables, "decisions", &(struct constraint){ 0, CONSTRAINT_GT, value_int(2) }, 1, "");
    journal_free(journal);
    tables_free(tables);
}

static int count_rows(const struct tables *tables, int column, enum constraint_op op, struct value value)
{
    void *context, *cursor;
    const struct table *table = tables_find(tables, "events", &context);
    struct constraint constraint = { column, op, value };
    int count = 0;

    cursor = table->open(context, &constraint, 1);
    while (table->next(cursor))
        count++;
    table->close(cursor);
    return count;
}

TEST(constraints_save_work_and_never_lose_a_row)
{
    int64_t now = START;
    struct journal *journal = journal_new(&now, 0);
    struct tables *tables = tables_new();

    journal_register_tables(journal, tables);
    CHECK_INT(0, count_rows(tables, 2, CONSTRAINT_GE, value_int(0)));
    for (int i = 0; i < 1000; i++, now += 500)
        journal_add(journal, ENTRY(EVENT_request, .text = "r")); /* two a millisecond */
    CHECK_INT(1, count_rows(tables, 0, CONSTRAINT_EQ, value_int(7)));
    CHECK_INT(0, count_rows(tables, 0, CONSTRAINT_EQ, value_int(-7)));
    CHECK_INT(0, count_rows(tables, 0, CONSTRAINT_LE, value_int(-7)));
    CHECK_INT(0, count_rows(tables, 0, CONSTRAINT_EQ, value_int(1001)));
    CHECK(count_rows(tables, 0, CONSTRAINT_GE, value_int(991)) == 10);
    CHECK_INT(7, count_rows(tables, 0, CONSTRAINT_LE, value_int(7)));
    CHECK_INT(6, count_rows(tables, 0, CONSTRAINT_LT, value_int(7)));
    CHECK_INT(993, count_rows(tables, 0, CONSTRAINT_GT, value_int(7)));
    CHECK_INT(1000, count_rows(tables, 0, CONSTRAINT_LE, value_int(INT64_MAX)));
    CHECK_INT(1000, count_rows(tables, 0, CONSTRAINT_GE, value_int(INT64_MIN)));
    CHECK_INT(1000, count_rows(tables, 0, CONSTRAINT_GE, value_real(990.5))); /* left to SQLite */
    CHECK_INT(2, count_rows(tables, 2, CONSTRAINT_EQ, value_int(START / 1000 + 10)));
    CHECK_INT(20, count_rows(tables, 2, CONSTRAINT_GE, value_int(START / 1000 + 490)));
    CHECK_INT(0, count_rows(tables, 2, CONSTRAINT_LT, value_int(0)));
    CHECK_INT(1000, count_rows(tables, 3, CONSTRAINT_EQ, value_text("request")));
    journal_free(journal);
    tables_free(tables);
}
