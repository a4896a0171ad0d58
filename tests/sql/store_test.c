/* lab.db: what the journal kept is read back as it was. */
#include "sim/sql/sql.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/base/text.h"

static char folder[64], path[128];

static struct store *open_store(void)
{
    struct reason reason = { "" };
    struct store *store;
    bool lost;

    CHECK_INT(ERR_OK, store_open(&store, path, &lost, &reason));
    CHECK(!lost);
    return store;
}

static void clear(void)
{
    static const char *const names[] = { "lab.db", "lab.db-wal", "lab.db-shm", "lock" };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

TEST(what_was_kept_of_a_partition_is_read_back)
{
    int64_t clock = 1000000, begins_us = -1;
    struct journal *journal = journal_new(&clock, 0);
    const struct entry **found;
    struct store *store;
    struct arena arena;

    snprintf(folder, sizeof(folder), "/tmp/kafkarium-store-XXXXXX");
    CHECK(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/lab.db", folder);
    store = open_store();
    store_keep(store, journal);
    journal_add(journal, ENTRY(EVENT_topic_created, .topic = "students", .text = "made", .facts = { { "partitions", 2, NULL } }, .fact_count = 1));
    clock = 2000000;
    journal_add(journal, ENTRY(EVENT_segment_deleted, .broker = 1, .topic = "students", .partition = 0, .offset = 7, .rule = "retention.ms", .text = "it \"went\"",
                               .facts = { { "value", -5, NULL }, { "limit", INT64_MAX, NULL }, { "name", 0, "a \"b\"\n\\ж" } }, .fact_count = 3));
    journal_add(journal, ENTRY(EVENT_segment_deleted, .broker = 1, .topic = "students", .partition = 1, .offset = 0, .rule = "retention.ms"));
    journal_add(journal, ENTRY(EVENT_segment_deleted, .broker = 1, .topic = "other", .partition = 0, .offset = 0, .rule = "retention.ms"));
    journal_add(journal, ENTRY(EVENT_records_appended, .broker = 1, .topic = "students", .partition = 0, .offset = 7));   /* quiet, undecided: not kept */
    journal_add(journal, ENTRY(EVENT_segment_rolled, .broker = 1, .topic = "students", .partition = 0, .offset = 9, .rule = "segment.bytes"));
    store_close(store);
    store = open_store();
    CHECK_INT(6, store_last_entry(store));
    arena_init(&arena);
    CHECK_INT(3, store_recall(store, "students", 0, 7, &arena, &found, &begins_us));
    CHECK_INT(1000000, begins_us);
    CHECK_INT(EVENT_topic_created, found[0]->kind);
    CHECK_INT(-1, found[0]->partition);
    CHECK_INT(2, found[1]->number);
    CHECK_INT(EVENT_segment_deleted, found[1]->kind);
    CHECK_INT(2000000, found[1]->at_us);
    CHECK_INT(1, found[1]->broker);
    CHECK_TEXT("students", found[1]->topic);
    CHECK_INT(7, found[1]->offset);
    CHECK(!found[1]->subject);
    CHECK_TEXT("retention.ms", found[1]->rule);
    CHECK_TEXT("it \"went\"", found[1]->text);
    CHECK_INT(3, found[1]->fact_count);
    CHECK_TEXT("value", found[1]->facts[0].name);
    CHECK_INT(-5, found[1]->facts[0].number);
    CHECK_INT(INT64_MAX, found[1]->facts[1].number);
    CHECK_TEXT("a \"b\"\n\\ж", found[1]->facts[2].text);
    CHECK_INT(EVENT_segment_rolled, found[2]->kind);
    CHECK_INT(2, store_recall(store, "students", 0, 6, &arena, &found, &begins_us));   /* before the one that is in memory */
    CHECK_INT(0, store_recall(store, "nothing", 0, 7, &arena, &found, &begins_us));
    arena_done(&arena);
    store_close(store);
    journal_free(journal);
    clear();
}
