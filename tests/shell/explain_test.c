/* What the journal says and what is said from its facts: the same, in English; and in Russian all of it. */
#include "tests/harness.h"

#include <stdlib.h>

#include "shell/explain.h"
#include "sim/log/log.h"

struct place {                        /* a log in memory, with its journal */
    struct queue *queue;
    struct log_env env;
    struct random random;
    struct log_config config;
    struct log *log;
};

static void place_open(struct place *place, bool clean)
{
    struct log_open how = { .dir = "logs/students-0", .topic = "students", .config = &place->config, .clean = clean, .now_ms = queue_now_ms(place->queue) };

    CHECK_INT(ERR_OK, log_open(&place->log, &place->env, &how, NULL));
}

static void place_init(struct place *place, enum release release)
{
    *place = (struct place){ .queue = queue_new(1600000000000000) };
    random_init(&place->random, 42);
    place->env = (struct log_env){ .fs = fs_memory(queue_clock(place->queue)), .journal = journal_new(queue_clock(place->queue), 0), .random = &place->random,
                                   .release = release, .broker = 1 };
    log_config_default(&place->config, release);
    place_open(place, true);
}

static void place_done(struct place *place)
{
    log_drop(place->log);
    journal_free(place->env.journal);
    fs_free(place->env.fs);
    queue_free(place->queue);
}

static void pass(struct place *place, int64_t ms)
{
    queue_run_until(place->queue, queue_now_us(place->queue) + ms * 1000);
}

static void append(struct place *place, int64_t timestamp_ms)
{
    struct batch_builder builder = { 0 };
    struct bytes records;
    struct log_appended out;

    batch_builder_init(&builder, CODEC_NONE);
    batch_builder_add(&builder, timestamp_ms, (struct bytes){ 0 }, bytes_text("a record"), NULL, 0);
    CHECK_INT(ERR_OK, batch_builder_finish(&builder, &records, NULL));
    CHECK_INT(ERR_OK, log_append(place->log, &(struct log_append){ .records = records, .produce_version = 8, .now_ms = queue_now_ms(place->queue) }, &out, NULL));
    log_set_high_watermark(place->log, log_end_offset(place->log));
    batch_builder_done(&builder);
}

static void check(struct place *place)
{
    struct retention_decision decision = log_decide_retention(place->log, queue_now_ms(place->queue));

    CHECK_INT(ERR_OK, log_apply_retention(place->log, &decision, NULL));
    retention_decision_done(&decision);
}

/* A history in which every kind of a log's decisions comes to pass. */
static void live(struct place *place)
{
    int64_t now = queue_now_ms(place->queue);

    place->config.segment_bytes = 200;
    place->config.segment_ms = 1000;
    place->config.retention_ms = 30000;
    append(place, now);
    append(place, now);
    append(place, now);               /* rolls by bytes */
    append(place, now + 1001);        /* by ms, one over */
    append(place, now + 90000);       /* by ms, far over, and in the future */
    check(place);                     /* keeps */
    pass(place, 40000);
    check(place);                     /* takes some, keeps one */
    pass(place, 60001);
    log_unlink_due(place->log, queue_now_ms(place->queue), SIZE_MAX);
    append(place, -1);                /* no timestamp: the file's time counts */
    pass(place, 90000);
    check(place);
    pass(place, 300000);
    check(place);                     /* all goes, the active one too */
    place->config.retention_ms = -1;
    place->config.retention_bytes = 150;
    place->config.segment_ms = INT64_MAX;
    for (int i = 0; i < 3; i++)
        append(place, queue_now_ms(place->queue));
    check(place);                     /* size: fewer than its bytes are over */
    for (int i = 0; i < 3; i++)
        append(place, queue_now_ms(place->queue));
    check(place);                     /* size: goes */
    place->config.retention_bytes = 100000;
    check(place);                     /* size: below */
    log_raise_start_offset(place->log, log_end_offset(place->log));
    check(place);                     /* the log start took the closed ones */
    place->config.retention_bytes = -1;
    check(place);                     /* no limit */
    append(place, queue_now_ms(place->queue));
    append(place, queue_now_ms(place->queue));
    CHECK_INT(ERR_OK, log_truncate_to(place->log, log_end_offset(place->log) - 1, queue_now_ms(place->queue), NULL));
    log_drop(place->log);
    place_open(place, false);         /* recovers */
}

static int count_of(const struct journal *journal, enum event_kind kind)
{
    int count = 0;

    for (uint64_t n = journal_first(journal); n && n <= journal_last(journal); n++)
        count += journal_get(journal, n)->kind == kind;
    return count;
}

static void compare(enum release release)
{
    struct place place;

    place_init(&place, release);
    live(&place);
    for (uint64_t n = journal_first(place.env.journal); n && n <= journal_last(place.env.journal); n++) {
        const struct entry *entry = journal_get(place.env.journal, n);
        struct text english = { 0 }, russian = { 0 };

        CHECK(explain_facts(LANG_EN, entry, &english));
        CHECK_TEXT(entry->text, text_chars(&english));
        CHECK(explain_facts(LANG_RU, entry, &russian));
        CHECK(!text_equal(text_chars(&english), text_chars(&russian)));
        text_done(&english);
        text_done(&russian);
    }
    CHECK(count_of(place.env.journal, EVENT_segment_rolled) >= 5);
    CHECK(count_of(place.env.journal, EVENT_segment_deleted) >= 5);
    CHECK(count_of(place.env.journal, EVENT_segment_kept) >= 4);
    CHECK(count_of(place.env.journal, EVENT_segment_unlinked) >= 1);
    CHECK_INT(1, count_of(place.env.journal, EVENT_log_start_moved));
    CHECK_INT(1, count_of(place.env.journal, EVENT_log_truncated));
    CHECK_INT(1, count_of(place.env.journal, EVENT_log_recovered));
    place_done(&place);
}

TEST(facts_say_what_the_journal_says_43)
{
    compare(RELEASE_43);
}

TEST(facts_say_what_the_journal_says_27)
{
    compare(RELEASE_27);
}

TEST(an_entry_without_facts_keeps_its_text)
{
    const struct entry *entry = ENTRY(EVENT_segment_deleted, .topic = "students", .partition = 0, .offset = 0, .text = "as it was\x1b[31m");
    struct text text = { 0 };

    CHECK(!explain_facts(LANG_RU, entry, &text));
    explain_entry(LANG_RU, entry, &text);
    CHECK_TEXT("as it was\\x1b[31m", text_chars(&text));
    text_done(&text);
}

TEST(names_from_outside_are_escaped)
{
    const struct entry *entry = ENTRY(EVENT_group_empty, .subject = "g\x1b[2J", .facts = { { "generation", 3, NULL } }, .fact_count = 1);
    struct text text = { 0 };

    CHECK(explain_facts(LANG_EN, entry, &text));
    CHECK_TEXT("g\\x1b[2J is empty, generation 3", text_chars(&text));
    text_done(&text);
}

TEST(a_move_is_told_from_its_facts)
{
    static const struct { enum event_kind kind; const char *said; } moves[] = {
        { EVENT_reassignment_started, "students-0: a move from 1 to 2,3 began; adding 2,3; removing 1" },
        { EVENT_reassignment_completed, "students-0: the move is complete: replicas 2,3" },
        { EVENT_reassignment_cancelled, "students-0: the move was called off: replicas 2,3" },
    };

    for (int i = 0; i < 3; i++) {
        const struct entry *entry = ENTRY(moves[i].kind, .topic = "students", .partition = 0,
                                          .facts = { { "replicas_were", 0, "1" }, { "replicas", 0, "2,3" }, { "adding", 0, "2,3" }, { "removing", 0, "1" } }, .fact_count = 4);
        struct text text = { 0 };

        CHECK(explain_facts(LANG_EN, entry, &text));
        CHECK_TEXT(moves[i].said, text_chars(&text));
        text_done(&text);
    }
}
