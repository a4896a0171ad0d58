/* The tables show what the cluster has, and looking changes nothing. */
#include "tests/cluster/cluster_lab.h"

static struct value cell(void *cursor, const struct table *table, const char *name)
{
    for (int i = 0; table->columns[i].name; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return table->get(cursor, i);
    fail();
    return value_null();
}

struct query {
    struct tables *tables;
    const struct table *table;
    void *context, *cursor;
};

static void query_begin(struct query *query, struct cluster *cluster, const char *name, const struct constraint *constraints, size_t count)
{
    query->tables = tables_new();
    cluster_register_tables(cluster, query->tables);
    query->table = tables_find(query->tables, name, &query->context);
    CHECK(query->table);
    query->cursor = query->table->open(query->context, constraints, count);
}

static bool query_next(struct query *query)
{
    return query->table->next(query->cursor);
}

static void query_end(struct query *query)
{
    query->table->close(query->cursor);
    tables_free(query->tables);
}

static int count_rows(struct cluster *cluster, const char *name)
{
    struct query query;
    int rows = 0;

    query_begin(&query, cluster, name, NULL, 0);
    while (query_next(&query)) {
        for (int i = 0; query.table->columns[i].name; i++)
            query.table->get(query.cursor, i);
        rows++;
    }
    query_end(&query);
    return rows;
}

TEST(every_table_tells_what_is_there)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, NULL);
    uint64_t events;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 2, 3, "retention.ms=30000"));
    for (int i = 0; i < 4; i++)
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", i % 2, 5, 10, -1));
    cluster_lab_advance_ms(lab, 1000);
    events = queue_events_run(lab->queue);
    CHECK_INT(3, count_rows(lab->cluster, "brokers"));
    CHECK_INT(1, count_rows(lab->cluster, "topics"));
    CHECK_INT(2, count_rows(lab->cluster, "partitions"));
    CHECK_INT(6, count_rows(lab->cluster, "replicas"));
    CHECK_INT(6, count_rows(lab->cluster, "segments"));
    CHECK_INT(4, count_rows(lab->cluster, "batches"));
    CHECK_INT(20, count_rows(lab->cluster, "records"));
    CHECK_INT(0, count_rows(lab->cluster, "producers"));
    CHECK(count_rows(lab->cluster, "configs") > 1000);
    CHECK_INT(events, queue_events_run(lab->queue));
    cluster_lab_free(lab);
}

TEST(a_record_is_found_by_its_offset)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 1, NULL);
    const struct constraint constraints[] = { { 0, CONSTRAINT_EQ, value_text("students") }, { 3, CONSTRAINT_GE, value_int(7) } };
    struct query query;
    int rows = 0;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL));
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "others", 1, 1, NULL));
    cluster_lab_append(lab, "students", 0, 10, 3, 1);
    cluster_lab_append(lab, "others", 0, 10, 3, 1);
    query_begin(&query, lab->cluster, "records", constraints, 2);
    while (query_next(&query)) {
        CHECK_INT(7 + rows++, cell(query.cursor, query.table, "offset").integer);
        CHECK_TEXT("xxx", cell(query.cursor, query.table, "value").text);
        CHECK_INT(VALUE_NULL, cell(query.cursor, query.table, "key").type);
    }
    CHECK_INT(3, rows);
    query_end(&query);
    cluster_lab_free(lab);
}

TEST(a_setting_says_where_it_comes_from)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 1, "log.retention.hours=2");
    const struct constraint constraints[] = { { 0, CONSTRAINT_EQ, value_text("topic") }, { 2, CONSTRAINT_EQ, value_text("retention.ms") } };
    struct query query;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL));
    query_begin(&query, lab->cluster, "configs", constraints, 2);
    CHECK(query_next(&query));
    CHECK_TEXT("7200000", cell(query.cursor, query.table, "value").text);
    CHECK_TEXT("604800000", cell(query.cursor, query.table, "default_value").text);
    CHECK(!query_next(&query));
    query_end(&query);
    CHECK_INT(ERR_OK, cluster_lab_alter(lab, "students", "retention.ms", "5000"));
    query_begin(&query, lab->cluster, "configs", constraints, 2);
    CHECK(query_next(&query));
    CHECK_TEXT("5000", cell(query.cursor, query.table, "value").text);
    CHECK_TEXT("DYNAMIC_TOPIC_CONFIG", cell(query.cursor, query.table, "source").text);
    query_end(&query);
    cluster_lab_free(lab);
}
