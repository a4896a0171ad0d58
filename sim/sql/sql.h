/* Questions and memory: whatever is registered in base/table.h as a read-only SQLite table, and lab.db, where the lab keeps its
 * journal, clock and settings. Queries run on an in-memory connection with the virtual tables; a query only reads. */
#pragma once
#include "sim/base/err.h"
#include "sim/base/journal.h"
#include "sim/base/mem.h"
#include "sim/base/table.h"

struct sql;
/* Adapts all tables of the registry. The registry is borrowed. `now_us`: a clock that only goes up, for the limit of a query; NULL: no limit. */
enum err sql_open(struct sql **out, const struct tables *tables, int64_t (*now_us)(void), struct reason *reason);
void sql_close(struct sql *sql);

struct sql_row { int count; const char *const *names; const struct value *values; };
/* Calls `row` for each; false from it stops. `names` are given with every row; a query without rows calls `head` (may be NULL) all the same.
 * Only one statement, only reading: ERR_INVALID_REQUEST with SQLite's words and, for an unknown table or column, the names there are.
 * Stops after 5 s by the clock of sql_open with ERR_REQUEST_TIMED_OUT, or when *interrupted becomes true (may be NULL). */
enum err sql_query(struct sql *sql, const char *query, void (*head)(void *context, int count, const char *const *names),
                   bool (*row)(void *context, const struct sql_row *row), void *context, const volatile bool *interrupted, struct reason *reason);
/* An SQL expression or query whose first value is true: for conditions. */
enum err sql_condition(struct sql *sql, const char *expression, bool *holds, struct reason *reason);
/* Prepared once, tried often (until, break). */
struct sql_test;
enum err sql_test_new(struct sql *sql, const char *expression, struct sql_test **out, struct reason *reason);
enum err sql_test_run(struct sql_test *test, bool *holds, struct reason *reason);
bool sql_test_reads(const struct sql_test *test, const char *table);       /* it asks that table */
void sql_test_free(struct sql_test *test);

/* ---- lab.db ---- */
struct store;
/* Opens or makes it; WAL, locked for one process. ERR_KAFKA_STORAGE_ERROR: "LAB/lab.db is in use by process 4242 since ...". A damaged one is set aside as
 * lab.db.damaged and a new one begun: *lost is true. */
enum err store_open(struct store **out, const char *path, bool *lost, struct reason *reason);
void store_close(struct store *store);
const char *store_get(struct store *store, const char *key);              /* NULL: not set; valid until the next call */
void store_set(struct store *store, const char *key, const char *value);  /* written with the next commit */
void store_keep(struct store *store, struct journal *journal);            /* SHOWN entries and decisions are written, in groups */
enum err store_save(struct store *store, const char *path, struct reason *reason);   /* a copy of it all in a new file */
void store_copy(struct store *store, const struct journal *journal);               /* keeps what that journal still has */
uint64_t store_last_entry(struct store *store);
/* What was kept of a topic's partition (and of the topic as a whole) before entry `before`: how many of *out, the oldest first, all of it in `arena`.
 * Looks back over 100,000 entries at most; *begins_us: where it stopped looking. */
size_t store_recall(struct store *store, const char *topic, int32_t partition, uint64_t before, struct arena *arena, const struct entry ***out, int64_t *begins_us);
void store_commit(struct store *store);                                   /* main calls it when idle, at most once a second, and at the end */
