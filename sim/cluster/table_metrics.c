/* The table `metrics`, and the same for Prometheus. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/rows.h"
#include "sim/base/text.h"
#include "sim/cluster/cluster_internal.h"

static const struct column columns[] = {
    { "broker", VALUE_INT, "" },
    { "name", VALUE_TEXT, "UnderReplicatedPartitions, IsrShrinksPerSec, ..." },
    { "tags", VALUE_TEXT, "topic=students,partition=0; empty: of the broker as a whole" },
    { "value", VALUE_REAL, "of a gauge; of what ends in PerSec: how many since the broker started (Count)" },
    { "one_minute_rate", VALUE_REAL, "a second, over the last minute (OneMinuteRate); null: a gauge" },
    { "mean_rate", VALUE_REAL, "a second, since the first (MeanRate); null: a gauge" },
    { "mbean", VALUE_TEXT, "the whole name in JMX" },
    { "meaning", VALUE_TEXT, "" },
    { 0 },
};
enum { C_BROKER, C_NAME, C_TAGS, C_VALUE, C_RATE, C_MEAN, C_MBEAN, C_MEANING };

struct filling {
    struct rows *rows;
    int64_t now_us;
};

static void add(void *context, const struct metric *metric)
{
    struct filling *filling = context;
    struct value *row = rows_add(filling->rows);
    char mbean[600];

    snprintf(mbean, sizeof(mbean), "%s:type=%s,name=%s%s%s", metric->domain, metric->type, metric->name, *metric->tags ? "," : "", metric->tags);
    row[C_BROKER] = value_int(metric->broker);
    row[C_NAME] = rows_text(filling->rows, metric->name);
    row[C_TAGS] = rows_text(filling->rows, metric->tags);
    row[C_VALUE] = value_real(metric->value);
    if (metric->meter) {
        row[C_RATE] = value_real(metric->meter->rates[0]);
        row[C_MEAN] = value_real(meter_mean_rate(metric->meter, filling->now_us));
    }
    row[C_MBEAN] = rows_text(filling->rows, mbean);
    row[C_MEANING] = value_text(metric->doc);
}

static void *metrics_open(void *context, const struct constraint *constraints, size_t count);
static const struct table table = { "metrics", "what brokers measure, under Kafka's names", columns, metrics_open, rows_next, rows_get, rows_close };

static void *metrics_open(void *context, const struct constraint *constraints, size_t count)
{
    struct cluster *cluster = context;
    const struct value *name = constraint_equal(constraints, count, C_NAME), *broker = constraint_equal(constraints, count, C_BROKER),
                       *tags = constraint_equal(constraints, count, C_TAGS);
    struct metric_filter filter = { .summary = tags && tags->type == VALUE_TEXT && !*tags->text };
    struct filling filling = { rows_new(&table), queue_now_us(cluster->queue) };
    int32_t id;

    if (name && name->type == VALUE_TEXT)
        filter.name = name->text;
    if (broker && broker->type == VALUE_INT) {
        id = (int32_t)broker->integer;
        filter.broker = &id;
    }
    cluster_metrics(cluster, &filter, add, &filling);
    return filling.rows;
}

void cluster_register_metrics_table(struct cluster *cluster, struct tables *tables)
{
    tables_add(tables, &table, cluster);
}

/* ---- Prometheus ---- */

/* All lines of one name stand together, as the format demands. */
struct family { char name[200]; const char *doc; bool counter; struct text lines; };
struct exposition {
    struct family *families;
    size_t count, capacity;
};

static void family_name(const struct metric *metric, char out[200])
{
    int size = snprintf(out, 200, "%s_%s_%s%s", metric->domain, metric->type, metric->name, metric->meter ? "_total" : "");

    for (int i = 0; i < size && i < 199; i++)
        out[i] = isalnum((unsigned char)out[i]) ? (char)tolower((unsigned char)out[i]) : '_';
}

/* "topic=a,partition=0" as labels; values escaped as the format says. */
static void add_labels(struct text *out, const char *tags)
{
    while (*tags) {
        size_t name = strcspn(tags, "="), value;

        text_char(out, ',');
        for (size_t i = 0; i < name; i++)
            text_char(out, isalnum((unsigned char)tags[i]) ? tags[i] : '_');
        text_add(out, "=\"");
        tags += name + (tags[name] == '=');
        value = strcspn(tags, ",");
        for (size_t i = 0; i < value; i++)
            text_printf(out, "%s%c", tags[i] == '"' || tags[i] == '\\' ? "\\" : "", tags[i]);
        text_add(out, "\"");
        tags += value + (tags[value] == ',');
    }
}

static void expose(void *context, const struct metric *metric)
{
    struct exposition *exposition = context;
    struct family *family = NULL;
    char name[200];

    family_name(metric, name);
    for (size_t i = exposition->count; i-- > 0 && !family;)
        if (!strcmp(exposition->families[i].name, name))
            family = &exposition->families[i];
    if (!family) {
        family = &ARRAY_ADD(exposition->families, exposition->count, exposition->capacity);
        *family = (struct family){ .doc = metric->doc, .counter = metric->meter };
        strcpy(family->name, name);
    }
    text_printf(&family->lines, "%s{broker=\"%d\"", name, metric->broker);
    add_labels(&family->lines, metric->tags);
    text_printf(&family->lines, "} %.17g\n", metric->value);
}

void cluster_metrics_prometheus(struct cluster *cluster, struct text *out)
{
    struct exposition exposition = { 0 };
    struct metric_filter filter = { 0 };

    cluster_metrics(cluster, &filter, expose, &exposition);
    for (size_t i = 0; i < exposition.count; i++) {
        struct family *family = &exposition.families[i];

        text_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s", family->name, family->doc, family->name, family->counter ? "counter" : "gauge",
                    text_chars(&family->lines));
        text_done(&family->lines);
    }
    mem_free(exposition.families);
}
