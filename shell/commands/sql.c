/* sql: questions to the lab. */
#include <stdio.h>
#include <string.h>

#include "shell/listing.h"

struct query {
    struct call *call;
    struct listing *rows;
};

static void head(void *context, int count, const char *const *names)
{
    struct query *query = context;

    query->rows = listing_new(query->call, count, names);
}

static bool row(void *context, const struct sql_row *row)
{
    struct query *query = context;

    listing_add(query->rows, row->values);
    return listing_count(query->rows) < 100000;
}

static void schema_of(struct call *call, const struct table *table)
{
    static const char *const types[] = { "", "INTEGER", "REAL", "TEXT", "BLOB" };
    const char *names[] = { "column", "type", "what" };
    struct listing *rows = listing_new(call, 3, names);

    for (const struct column *column = table->columns; column->name; column++)
        listing_add(rows, (struct value[]){ value_text(column->name), value_text(types[column->type]), value_text(column->doc) });
    listing_print(rows);
}

static int list_tables(struct call *call)
{
    const struct tables *tables = lab_tables(call_lab(call));
    const char *names[] = { "table", "what" };
    struct listing *rows = listing_new(call, 2, names);

    for (size_t i = 0; i < tables_count(tables); i++) {
        void *context;
        const struct table *table = tables_get(tables, i, &context);

        listing_add(rows, (struct value[]){ value_text(table->name), value_text(table->doc) });
    }
    listing_print(rows);
    if (call->session->mode == PRINT_TABLE)
        call_print(call, "\nsql .schema TABLE shows its columns; sql SELECT ... asks, and so does a bare SELECT.\n");
    return 0;
}

static int run(struct call *call)
{
    struct lab *lab = call_lab(call);
    struct query query = { call, NULL };
    struct reason reason = { "" };
    const char *text = call->argc > 1 ? call->argv[1] : "";
    char name[64];
    enum err err;

    while (*text == ' ')
        text++;
    if (!*text || !strcmp(text, ".tables"))
        return list_tables(call);
    if (!strcmp(text, ".schema"))
        return list_tables(call);
    if (sscanf(text, ".schema %63s", name) == 1) {
        void *context;
        const struct table *table = tables_find(lab_tables(lab), name, &context);

        if (!table) {
            call_error(call, "sql: there is no table '%s'; sql alone lists them\n", name);
            return 1;
        }
        schema_of(call, table);
        return 0;
    }
    err = sql_query(lab_sql(lab), text, head, row, &query, NULL, &reason);
    if (query.rows && !err) {
        bool cut = listing_count(query.rows) >= 100000;

        listing_print(query.rows);
        if (cut)
            call_error(call, "sql: only the first 100000 rows are shown\n");
    } else if (query.rows) {
        listing_print(query.rows);
    }
    if (err) {
        call_error(call, "sql: %s\n", reason.text);
        return 1;
    }
    return 0;
}

const struct command command_sql = {
    .name = "sql", .summary = "ask the lab in SQL", .usage = "sql [.tables | .schema TABLE | SELECT ...]",
    .details = N_("Every table is what the cluster is at this moment; asking changes nothing. A bare SELECT works too."),
    .example = "sql SELECT topic, partition, base_offset, size_bytes, state FROM segments WHERE topic = 'students'", .argument = COMPLETE_TABLE, .raw = true,
    .needs_lab = true, .looks = true, .run = run,
};
