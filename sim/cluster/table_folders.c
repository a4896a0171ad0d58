/* The table folders: what lies in the log.dirs that are looked at. */
#include "sim/base/rows.h"
#include "sim/cluster/inspect_internal.h"

static const struct column folder_columns[] = {
    { "folder", VALUE_TEXT, "its name in the broker's log.dirs" },
    { "kind", VALUE_TEXT, "partition, metadata, delete, future, stray, unreadable, other" },
    { "topic", VALUE_TEXT, "" },
    { "partition", VALUE_INT, "" },
    { "log_dir", VALUE_INT, "in which of the folders given, from 0" },
    { "note", VALUE_TEXT, "what a broker's start would do with it, or why it can't be read" },
    { 0 },
};
static const struct table folder_table;

static void *folders_open(void *context, const struct constraint *constraints, size_t count)
{
    const struct cluster *cluster = context;
    const struct inspection *inspection = cluster->inspection;
    struct rows *rows = rows_new(&folder_table);

    for (size_t i = 0; i < inspection->folder_count; i++) {
        const struct folder *folder = &inspection->folders[i];
        struct value *row;

        if (!wants_text(constraints, count, 0, folder->name))
            continue;
        row = rows_add(rows);
        row[0] = rows_text(rows, folder->name);
        row[1] = value_text(folder_kind_name(folder->kind));
        row[2] = rows_text(rows, folder->topic);
        row[3] = folder->partition < 0 ? value_null() : value_int(folder->partition);
        row[4] = value_int(folder->dir - inspection->dirs);
        row[5] = rows_text(rows, folder->note);
    }
    return rows;
}
static const struct table folder_table = { "folders", "what lies in the broker's log.dirs (--inspect)", folder_columns, folders_open, rows_next, rows_get, rows_close };

void cluster_register_inspect_tables(struct cluster *cluster, struct tables *tables)
{
    if (cluster->inspection)
        tables_add(tables, &folder_table, cluster);
}
