/* The registered tables as SQLite virtual tables on a connection in memory, and questions to them. Source of the interface:
 * SQLite's documentation "The Virtual Table Mechanism". */
#include "sim/sql/sql.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"

struct sql {
    sqlite3 *db;
    const struct tables *tables;
    const volatile bool *interrupted;
    int64_t (*now_us)(void); /* NULL: no limit */
    int64_t deadline_us;
    bool late, declaring;
    struct text *reading;         /* the tables that a statement asks, while it is prepared */
};

enum { MOST_SECONDS = 5, STEPS_BETWEEN_LOOKS = 4000 };

/* ---- one virtual table ---- */

struct vtab {
    sqlite3_vtab base;
    const struct table *table;
    void *context;
};
struct cursor {
    sqlite3_vtab_cursor base;
    void *inner;
    bool ended;
    sqlite3_int64 row;
};

static const char *type_name(enum value_type type)
{
    return type == VALUE_INT ? "INTEGER" : type == VALUE_REAL ? "REAL" : type == VALUE_BLOB ? "BLOB" : "TEXT";
}

static int v_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out, char **error)
{
    struct sql *sql = aux;
    struct text schema = { 0 };
    struct vtab *vtab;
    void *context;
    const struct table *table = tables_find(sql->tables, argc > 2 ? argv[2] : "", &context);
    int status;

    if (!table) {
        *error = sqlite3_mprintf("no such table");
        return SQLITE_ERROR;
    }
    text_add(&schema, "CREATE TABLE x(");
    for (const struct column *column = table->columns; column->name; column++)
        text_printf(&schema, "%s\"%s\" %s", column == table->columns ? "" : ",", column->name, type_name(column->type));
    text_add(&schema, ")");
    sql->declaring = true;
    status = sqlite3_declare_vtab(db, text_chars(&schema));
    sql->declaring = false;
    text_done(&schema);
    if (status != SQLITE_OK)
        return status;
    vtab = mem_zero(sizeof(*vtab));
    vtab->table = table;
    vtab->context = context;
    *out = &vtab->base;
    return SQLITE_OK;
}

static int v_disconnect(sqlite3_vtab *base)
{
    mem_free(base);
    return SQLITE_OK;
}

static int our_op(int op)
{
    switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
        return CONSTRAINT_EQ;
    case SQLITE_INDEX_CONSTRAINT_GT:
        return CONSTRAINT_GT;
    case SQLITE_INDEX_CONSTRAINT_GE:
        return CONSTRAINT_GE;
    case SQLITE_INDEX_CONSTRAINT_LT:
        return CONSTRAINT_LT;
    case SQLITE_INDEX_CONSTRAINT_LE:
        return CONSTRAINT_LE;
    default:
        return -1;
    }
}

/* Hands all usable constraints to the cursor; SQLite tests the rows again itself. idxStr lists "column op" pairs. */
static int v_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    struct text plan = { 0 };
    int given = 0, equal = 0;

    (void)base;
    for (int i = 0; i < info->nConstraint; i++) {
        int op = our_op(info->aConstraint[i].op);

        if (!info->aConstraint[i].usable || op < 0 || info->aConstraint[i].iColumn < 0)
            continue;
        info->aConstraintUsage[i].argvIndex = ++given;
        text_printf(&plan, "%d %d;", info->aConstraint[i].iColumn, op);
        equal += op == CONSTRAINT_EQ;
    }
    info->idxNum = given;
    info->idxStr = sqlite3_mprintf("%s", text_chars(&plan));
    info->needToFreeIdxStr = 1;
    info->estimatedCost = equal ? 1000.0 / (1 + 10 * equal) : given ? 2000 : 100000;
    text_done(&plan);
    return SQLITE_OK;
}

static int v_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    struct cursor *cursor = mem_zero(sizeof(*cursor));

    (void)base;
    *out = &cursor->base;
    return SQLITE_OK;
}

static const struct table *table_of(const struct cursor *cursor)
{
    return ((const struct vtab *)cursor->base.pVtab)->table;
}

static void end_inner(struct cursor *cursor)
{
    if (cursor->inner)
        table_of(cursor)->close(cursor->inner);
    cursor->inner = NULL;
}

static int v_close(sqlite3_vtab_cursor *base)
{
    end_inner((struct cursor *)base);
    mem_free(base);
    return SQLITE_OK;
}

static struct value value_of(sqlite3_value *v)
{
    switch (sqlite3_value_type(v)) {
    case SQLITE_INTEGER:
        return value_int(sqlite3_value_int64(v));
    case SQLITE_FLOAT:
        return value_real(sqlite3_value_double(v));
    case SQLITE_TEXT:
        return value_text((const char *)sqlite3_value_text(v));
    default:
        return value_null();
    }
}

static int v_next(sqlite3_vtab_cursor *base)
{
    struct cursor *cursor = (struct cursor *)base;

    cursor->ended = !table_of(cursor)->next(cursor->inner);
    cursor->row++;
    return SQLITE_OK;
}

static int v_filter(sqlite3_vtab_cursor *base, int number, const char *plan, int argc, sqlite3_value **argv)
{
    struct cursor *cursor = (struct cursor *)base;
    struct constraint *constraints = mem_zero_array((size_t)argc + 1, sizeof(*constraints));
    size_t count = 0;

    (void)number;
    for (int i = 0; i < argc && plan; i++) {
        int column, op, used = 0;

        if (sscanf(plan, "%d %d;%n", &column, &op, &used) != 2)
            break;
        plan += used;
        constraints[count++] = (struct constraint){ column, (enum constraint_op)op, value_of(argv[i]) };
    }
    end_inner(cursor);
    cursor->inner = table_of(cursor)->open(((struct vtab *)base->pVtab)->context, constraints, count);
    cursor->row = 0;
    mem_free(constraints);
    return v_next(base);
}

static int v_eof(sqlite3_vtab_cursor *base)
{
    return ((struct cursor *)base)->ended;
}

static int v_column(sqlite3_vtab_cursor *base, sqlite3_context *out, int column)
{
    struct cursor *cursor = (struct cursor *)base;
    struct value value = table_of(cursor)->get(cursor->inner, column);

    switch (value.type) {
    case VALUE_INT:
        sqlite3_result_int64(out, value.integer);
        break;
    case VALUE_REAL:
        sqlite3_result_double(out, value.real);
        break;
    case VALUE_TEXT:
        sqlite3_result_text(out, value.text, (int)value.size, SQLITE_TRANSIENT);
        break;
    case VALUE_BLOB:
        sqlite3_result_blob(out, value.text ? value.text : "", (int)value.size, SQLITE_TRANSIENT);
        break;
    default:
        sqlite3_result_null(out);
    }
    return SQLITE_OK;
}

static int v_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    *out = ((struct cursor *)base)->row;
    return SQLITE_OK;
}

static const sqlite3_module module = {
    .iVersion = 1, .xConnect = v_connect, .xBestIndex = v_best_index, .xDisconnect = v_disconnect, .xOpen = v_open, .xClose = v_close,
    .xFilter = v_filter, .xNext = v_next, .xEof = v_eof, .xColumn = v_column, .xRowid = v_rowid,
};
/* xCreate NULL: eponymous only, so each table is a module of its name and needs no CREATE. */

/* ---- the connection ---- */

static int on_progress(void *context)
{
    struct sql *sql = context;
    if (sql->interrupted && *sql->interrupted)
        return 1;
    sql->late = sql->now_us && sql->now_us() > sql->deadline_us;
    return sql->late;
}

/* Only reading, and nothing outside: no ATTACH, no PRAGMA, no writing. */
static int authorize(void *context, int action, const char *a, const char *b, const char *c, const char *d)
{
    struct sql *sql = context;

    (void)c, (void)d;
    if (sql->reading && action == SQLITE_READ && a)
        text_printf(sql->reading, " %s ", a);
    if (sql->declaring) /* a virtual table at its first use tells its columns as a CREATE TABLE */
        return SQLITE_OK;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return b && !strcmp(b, "load_extension") ? SQLITE_DENY : SQLITE_OK;
    default:
        return SQLITE_DENY;
    }
}

enum err sql_open(struct sql **out, const struct tables *tables, int64_t (*now_us)(void), struct reason *reason)
{
    struct sql *sql = mem_zero(sizeof(*sql));

    (void)reason;
    sql->tables = tables;
    sql->now_us = now_us;
    *out = sql;
    return ERR_OK;
}

/* SQLite itself comes with the first question: most labs are never asked one. */
static enum err connect_sqlite(struct sql *sql, struct reason *reason)
{
    if (sql->db)
        return ERR_OK;
    if (sqlite3_open_v2(":memory:", &sql->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_PRIVATECACHE, NULL) != SQLITE_OK) {
        enum err err = err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "SQLite: %s", sqlite3_errmsg(sql->db));

        sqlite3_close(sql->db);
        sql->db = NULL;
        return err;
    }
    for (size_t i = 0; i < tables_count(sql->tables); i++) {
        void *context;

        sqlite3_create_module(sql->db, tables_get(sql->tables, i, &context)->name, &module, sql);
    }
    sqlite3_progress_handler(sql->db, STEPS_BETWEEN_LOOKS, on_progress, sql);
    sqlite3_limit(sql->db, SQLITE_LIMIT_LENGTH, 64 * 1024 * 1024);
    sqlite3_set_authorizer(sql->db, authorize, sql);
    return ERR_OK;
}

void sql_close(struct sql *sql)
{
    if (!sql)
        return;
    sqlite3_close(sql->db);
    mem_free(sql);
}

static void begin(struct sql *sql, const volatile bool *interrupted)
{
    sql->interrupted = interrupted;
    sql->late = false;
    sql->deadline_us = sql->now_us ? sql->now_us() + MOST_SECONDS * 1000000LL : 0;
}

static enum err failed(struct sql *sql, struct reason *reason)
{
    const char *words = sqlite3_errmsg(sql->db);
    struct text names = { 0 };
    enum err err;

    if (sql->late)
        return err_because(ERR_REQUEST_TIMED_OUT, reason, "the query was stopped after %d s; ask for less, for instance by topic and partition", MOST_SECONDS);
    if (sql->interrupted && *sql->interrupted)
        return err_because(ERR_REQUEST_TIMED_OUT, reason, "interrupted");
    if (!strncmp(words, "no such table", 13) || !strncmp(words, "no such column", 14)) {
        bool columns = words[8] == 'c';

        text_add(&names, columns ? "; .schema TABLE lists columns, tables are:" : "; there are:");
        for (size_t i = 0; i < tables_count(sql->tables); i++) {
            void *context;

            text_printf(&names, " %s", tables_get(sql->tables, i, &context)->name);
        }
    } else if (!strcmp(words, "not authorized")) {
        text_add(&names, ": the tables can only be asked (SELECT ...)");
    }
    err = err_because(ERR_INVALID_REQUEST, reason, "%s%s", words, text_chars(&names));
    text_done(&names);
    return err;
}

static enum err prepare(struct sql *sql, const char *query, sqlite3_stmt **statement, struct reason *reason)
{
    const char *tail = NULL;
    enum err err = connect_sqlite(sql, reason);

    if (err)
        return err;
    if (sqlite3_prepare_v2(sql->db, query, -1, statement, &tail) != SQLITE_OK)
        return failed(sql, reason);
    if (!*statement)
        return err_because(ERR_INVALID_REQUEST, reason, "no query was given");
    while (tail && (*tail == ' ' || *tail == '\n' || *tail == '\t' || *tail == '\r' || *tail == ';'))
        tail++;
    if (tail && *tail) {
        sqlite3_finalize(*statement);
        *statement = NULL;
        return err_because(ERR_INVALID_REQUEST, reason, "one query at a time: what is '%.40s'?", tail);
    }
    return ERR_OK;
}

static struct value column_value(sqlite3_stmt *statement, int column)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        return value_int(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
        return value_real(sqlite3_column_double(statement, column));
    case SQLITE_TEXT: {
        struct value value = value_text((const char *)sqlite3_column_text(statement, column));

        value.size = (size_t)sqlite3_column_bytes(statement, column);
        return value;
    }
    case SQLITE_BLOB:
        return value_blob(sqlite3_column_blob(statement, column), (size_t)sqlite3_column_bytes(statement, column));
    default:
        return value_null();
    }
}

enum err sql_query(struct sql *sql, const char *query, void (*head)(void *context, int count, const char *const *names),
                   bool (*row)(void *context, const struct sql_row *row), void *context, const volatile bool *interrupted, struct reason *reason)
{
    sqlite3_stmt *statement = NULL;
    const char **names = NULL;
    struct value *values = NULL;
    int count, status;
    enum err err;

    begin(sql, interrupted);
    err = prepare(sql, query, &statement, reason);
    if (err)
        return err;
    count = sqlite3_column_count(statement);
    names = mem_zero_array((size_t)count + 1, sizeof(*names));
    values = mem_zero_array((size_t)count + 1, sizeof(*values));
    for (int i = 0; i < count; i++)
        names[i] = sqlite3_column_name(statement, i);
    if (head)
        head(context, count, names);
    while ((status = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < count; i++)
            values[i] = column_value(statement, i);
        if (!row(context, &(struct sql_row){ count, names, values }))
            break;
    }
    if (status != SQLITE_ROW && status != SQLITE_DONE)
        err = failed(sql, reason);
    mem_free(names);
    mem_free(values);
    sqlite3_finalize(statement);
    sql->interrupted = NULL;
    return err;
}

/* ---- conditions ---- */

struct sql_test {
    struct sql *sql;
    sqlite3_stmt *statement;
    struct text reads;            /* " segments  brokers " */
};

enum err sql_test_new(struct sql *sql, const char *expression, struct sql_test **out, struct reason *reason)
{
    struct text query = { 0 }, reads = { 0 };
    sqlite3_stmt *statement = NULL;
    enum err err;

    *out = NULL;
    while (*expression == ' ')
        expression++;
    if (sqlite3_strnicmp(expression, "select", 6) && sqlite3_strnicmp(expression, "with", 4))
        text_printf(&query, "SELECT (%s)", expression);
    else
        text_add(&query, expression);
    begin(sql, NULL);
    sql->reading = &reads;
    err = prepare(sql, text_chars(&query), &statement, reason);
    sql->reading = NULL;
    text_done(&query);
    if (err) {
        text_done(&reads);
        return err;
    }
    *out = mem_zero(sizeof(**out));
    (*out)->reads = reads;
    (*out)->sql = sql;
    (*out)->statement = statement;
    return ERR_OK;
}

enum err sql_test_run(struct sql_test *test, bool *holds, struct reason *reason)
{
    enum err err = ERR_OK;
    int status;

    begin(test->sql, NULL);
    *holds = false;
    status = sqlite3_step(test->statement);
    if (status == SQLITE_ROW)
        *holds = sqlite3_column_type(test->statement, 0) != SQLITE_NULL && sqlite3_column_double(test->statement, 0) != 0;
    else if (status != SQLITE_DONE)
        err = failed(test->sql, reason);
    sqlite3_reset(test->statement);
    return err;
}

void sql_test_free(struct sql_test *test)
{
    if (!test)
        return;
    sqlite3_finalize(test->statement);
    text_done(&test->reads);
    mem_free(test);
}

bool sql_test_reads(const struct sql_test *test, const char *table)
{
    char *word = mem_printf(" %s ", table);
    bool reads = strstr(text_chars(&test->reads), word) != NULL;

    mem_free(word);
    return reads;
}

enum err sql_condition(struct sql *sql, const char *expression, bool *holds, struct reason *reason)
{
    struct sql_test *test;
    enum err err = sql_test_new(sql, expression, &test, reason);

    if (!err)
        err = sql_test_run(test, holds, reason);
    sql_test_free(test);
    return err;
}
