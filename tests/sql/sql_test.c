/* Questions: what ends one that takes too long. */
#include "sim/sql/sql.h"
#include "tests/harness.h"

#define ENDLESS "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
#define LONG "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) SELECT count(*) FROM n"

/* A clock on which a second passes between two looks. */
static int64_t seconds_fly(void)
{
    static int64_t now_us;

    return now_us += 1000000;
}

static bool count_row(void *context, const struct sql_row *row)
{
    (void)row;
    ++*(int *)context;
    return true;
}

static enum err ask(int64_t (*now_us)(void), const char *query, const volatile bool *interrupted, int *rows, struct reason *reason)
{
    struct tables *tables = tables_new();
    struct sql *sql;
    enum err err;

    *rows = 0;
    CHECK_INT(ERR_OK, sql_open(&sql, tables, now_us, reason));
    err = sql_query(sql, query, NULL, count_row, rows, interrupted, reason);
    sql_close(sql);
    tables_free(tables);
    return err;
}

TEST(a_query_is_stopped_by_the_clock_it_was_given)
{
    struct reason reason = { "" };
    int rows;

    CHECK_INT(ERR_REQUEST_TIMED_OUT, ask(seconds_fly, ENDLESS, NULL, &rows, &reason));
    CHECK_TEXT("the query was stopped after 5 s; ask for less, for instance by topic and partition", reason.text);
    CHECK_INT(0, rows);
    CHECK_INT(ERR_OK, ask(seconds_fly, "SELECT 1", NULL, &rows, &reason));
    CHECK_INT(1, rows);
}

TEST(a_query_without_a_clock_ends_by_itself_or_by_an_interrupt)
{
    const volatile bool interrupted = true;
    struct reason reason = { "" };
    int rows;

    CHECK_INT(ERR_OK, ask(NULL, LONG, NULL, &rows, &reason));
    CHECK_INT(1, rows);
    CHECK_INT(ERR_REQUEST_TIMED_OUT, ask(NULL, ENDLESS, &interrupted, &rows, &reason));
    CHECK_TEXT("interrupted", reason.text);
}
