/* metrics: what brokers measure, under Kafka's names: a row a metric, a column a broker; or one metric with all its topics and partitions. */
#include "sim/cluster/metrics.h"

#include <stdio.h>
#include <string.h>

#include "shell/listing.h"
#include "sim/base/mem.h"

enum { MOST_COLUMNS = 12 };       /* brokers side by side; with more, `metrics NAME` or SQL */

struct row {
    char name[64], tags[64];
    struct text values[MOST_COLUMNS];
};
struct summary {
    const struct cluster *cluster;
    struct row *rows;
    size_t count, capacity;
};

static void add_value(struct text *text, const struct metric *metric)
{
    text_printf(text, "%.15g", metric->value);
    if (metric->meter && metric->meter->rates[0] >= 0.005)
        text_printf(text, " (%.*f/s)", metric->meter->rates[0] < 10 ? 2 : 0, metric->meter->rates[0]);
}

static size_t column_of(const struct cluster *cluster, int32_t broker)
{
    size_t i = 0;

    while (i < cluster_broker_count(cluster) && broker_id(cluster_broker_at(cluster, i)) != broker)
        i++;
    return i;
}

static void collect(void *context, const struct metric *metric)
{
    struct summary *summary = context;
    size_t column = column_of(summary->cluster, metric->broker);
    struct row *row = NULL;

    if (column >= MOST_COLUMNS || (metric->meter && !metric->value))
        return;
    for (size_t i = 0; i < summary->count && !row; i++)
        if (!strcmp(summary->rows[i].name, metric->name) && !strcmp(summary->rows[i].tags, metric->tags))
            row = &summary->rows[i];
    if (!row) {
        row = &ARRAY_ADD(summary->rows, summary->count, summary->capacity);
        *row = (struct row){ 0 };
        snprintf(row->name, sizeof(row->name), "%s", metric->name);
        snprintf(row->tags, sizeof(row->tags), "%s", metric->tags);
    }
    add_value(&row->values[column], metric);
}

static int show_all(struct call *call)
{
    struct cluster *cluster = lab_cluster(call_lab(call));
    struct summary summary = { .cluster = cluster };
    struct metric_filter filter = { .summary = true };
    const char *names[MOST_COLUMNS + 2] = { "metric", "of" };
    char ids[MOST_COLUMNS][24];
    size_t brokers = cluster_broker_count(cluster) < MOST_COLUMNS ? cluster_broker_count(cluster) : MOST_COLUMNS;
    struct listing *listing;

    cluster_metrics(cluster, &filter, collect, &summary);
    for (size_t i = 0; i < brokers; i++) {
        snprintf(ids[i], sizeof(ids[i]), "broker %d", broker_id(cluster_broker_at(cluster, i)));
        names[i + 2] = ids[i];
    }
    listing = listing_new(call, (int)brokers + 2, names);
    for (size_t i = 0; i < summary.count; i++) {
        struct value values[MOST_COLUMNS + 2] = { value_text(summary.rows[i].name), value_text(summary.rows[i].tags) };

        for (size_t b = 0; b < brokers; b++)
            values[b + 2] = value_text(text_chars(&summary.rows[i].values[b]));
        listing_add(listing, values);
    }
    listing_print(listing);
    for (size_t i = 0; i < summary.count; i++)
        for (size_t b = 0; b < MOST_COLUMNS; b++)
            text_done(&summary.rows[i].values[b]);
    mem_free(summary.rows);
    return 0;
}

struct detail { struct listing *rows; const char *doc; };

static void list(void *context, const struct metric *metric)
{
    struct detail *detail = context;

    detail->doc = metric->doc;
    listing_add(detail->rows, (struct value[]){ value_int(metric->broker), value_text(metric->tags), value_real(metric->value),
                                                metric->meter ? value_real(metric->meter->rates[0]) : value_null() });
}

static int show_one(struct call *call)
{
    const char *names[] = { "broker", "of", "value", "one_minute_rate" };
    struct metric_filter filter = { .name = call->argv[1] };
    struct detail detail = { listing_new(call, 4, names), NULL };
    size_t count;

    cluster_metrics(lab_cluster(call_lab(call)), &filter, list, &detail);
    count = listing_count(detail.rows);
    if (count)
        call_print(call, "%s: %s\n", call->argv[1], detail.doc);
    listing_print(detail.rows);
    if (count)
        return 0;
    call_error(call, _(call->session->lang, "metrics: no broker that is up has a metric '%s'; `metrics` alone lists them\n"), call->argv[1]);
    return 1;
}

static int run(struct call *call)
{
    if (call->argc > 2) {
        call_error(call, _(call->session->lang, "metrics: one name is wanted, for instance: metrics UnderReplicatedPartitions\n"));
        return 2;
    }
    return call->argc == 1 ? show_all(call) : show_one(call);
}

const struct command command_metrics = {
    .name = "metrics", .summary = "what brokers measure, under Kafka's names", .usage = "metrics [NAME]",
    .details = N_("Alone: a row a metric, a column a broker; what ends in PerSec is how many since the broker started, and the rate of the last minute; those that never counted are left out. With a "
               "name: that one with all its topics and partitions. In SQL: the table metrics. For Prometheus: kafkarium --metrics PORT."),
    .example = "metrics UnderReplicatedPartitions",
    .words = "UnderReplicatedPartitions UnderMinIsrPartitionCount OfflinePartitionsCount ActiveControllerCount IsrShrinksPerSec IsrExpandsPerSec MessagesInPerSec BytesInPerSec "
             "BytesOutPerSec MaxLag LeaderCount PartitionCount RequestsPerSec ErrorsPerSec LogEndOffset Size",
    .needs_lab = true, .run = run,
};
