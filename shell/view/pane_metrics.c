/* What the brokers measure, all together: present value, rate, and the last five minutes as a line of bars. */
#include <stdio.h>
#include <string.h>

#include "shell/look.h"
#include "shell/view/view.h"
#include "sim/cluster/metrics.h"

enum { MOST_POINTS = 60, STEP_US = 5000000 };

/* Gauges have no past: what was seen while the view was open, a point each 5 s of virtual time. */
enum { G_UNDER_REPLICATED, G_UNDER_MIN_ISR, G_OFFLINE, G_MAX_LAG, G_BROKERS, GAUGES };
struct samples {
    const struct lab *lab;
    int64_t step;                  /* of the last point: virtual time / STEP_US */
    int32_t points[GAUGES][MOST_POINTS];
    int count;
};

static const struct { const char *name; bool largest, alarming; } gauges[GAUGES] = {
    { "UnderReplicatedPartitions", false, true }, { "UnderMinIsrPartitionCount", false, true }, { "OfflinePartitionsCount", false, true },
    { "MaxLag", true, false }, { "brokers up", false, false },
};

struct reading { double values[GAUGES]; };

static void read_one(void *context, const struct metric *metric)
{
    struct reading *reading = context;

    for (int g = 0; g < G_BROKERS; g++)
        if (!strcmp(metric->name, gauges[g].name)) {
            double *value = &reading->values[g];

            *value = gauges[g].largest ? (metric->value > *value ? metric->value : *value) : *value + metric->value;
        }
}

static struct reading read_gauges(const struct lab *lab)
{
    struct cluster *cluster = lab_cluster(lab);
    struct metric_filter filter = { .summary = true };
    struct reading reading = { 0 };

    cluster_metrics(cluster, &filter, read_one, &reading);
    for (size_t i = 0; i < cluster_broker_count(cluster); i++)
        reading.values[G_BROKERS] += broker_up(cluster_broker_at(cluster, i));
    return reading;
}

static struct samples *sample(struct view *view, const struct reading *now)
{
    int64_t step = queue_now_us(lab_queue(view->lab)) / STEP_US;
    struct samples *samples = view->samples;

    if (!samples)
        samples = view->samples = mem_zero(sizeof(*samples));
    if (samples->lab != view->lab || step < samples->step) { /* another lab, or its past */
        *samples = (struct samples){ .lab = view->lab, .step = step - 1 };
    }
    for (; samples->step < step && step - samples->step <= MOST_POINTS; samples->step++) {
        for (int g = 0; g < GAUGES; g++) {
            memmove(samples->points[g], samples->points[g] + 1, (MOST_POINTS - 1) * sizeof(samples->points[g][0]));
            samples->points[g][MOST_POINTS - 1] = (int32_t)now->values[g];
        }
        samples->count += samples->count < MOST_POINTS;
    }
    samples->step = step;
    for (int g = 0; g < GAUGES; g++) /* the worst of a step is what it is remembered by */
        if ((int32_t)now->values[g] > samples->points[g][MOST_POINTS - 1])
            samples->points[g][MOST_POINTS - 1] = (int32_t)now->values[g];
    return samples;
}

/* One column a point, the newest at the right; as high as the largest of them. */
static void draw_bars(struct grid *grid, int row, int column, int width, const int64_t *points, int count, enum style style)
{
    static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    static const char ascii[] = " .:-=+*#@";
    int64_t most = 0;
    int first = count > width ? count - width : 0;

    for (int i = first; i < count; i++)
        most = points[i] > most ? points[i] : most;
    for (int i = first; i < count; i++) {
        int level = most ? (int)((points[i] * 8 + most - 1) / most) : 0;
        int at = column + width - (count - i);

        if (grid->ascii)
            grid_put(grid, row, at, style, "%c", ascii[level]);
        else
            grid_put(grid, row, at, points[i] ? style : STYLE_DIM, "%s", points[i] ? blocks[level] : "▁");
    }
}

static void short_number(struct text *out, double value)
{
    if (value >= 1e9)
        text_printf(out, "%.1fG", value / 1e9);
    else if (value >= 1e6)
        text_printf(out, "%.1fM", value / 1e6);
    else if (value >= 1e4)
        text_printf(out, "%.1fk", value / 1e3);
    else
        text_printf(out, value < 10 && value != (double)(int64_t)value ? "%.2f" : "%.0f", value);
}

/* A meter of all brokers together. */
static int draw_meter(struct view *view, struct grid *grid, int row, const char *name, struct meter *(*meter_at)(struct broker *broker, int which), int which, bool alarming)
{
    struct cluster *cluster = lab_cluster(view->lab);
    int64_t now_us = queue_now_us(lab_queue(view->lab)), total[MOST_POINTS] = { 0 }, recent[MOST_POINTS], count = 0;
    int width = grid->columns - 54 < MOST_POINTS ? grid->columns - 54 : MOST_POINTS;
    double rate = 0;
    struct text text = { 0 };

    for (size_t i = 0; i < cluster_broker_count(cluster); i++) {
        struct meter *meter = meter_at(cluster_broker_at(cluster, i), which);

        meter_recent(meter, now_us, recent, MOST_POINTS);
        for (int p = 0; p < MOST_POINTS; p++)
            total[p] += recent[p];
        count += meter->count;
        rate += meter->rates[0];
    }
    grid_put(grid, row, 1, STYLE_PLAIN, "%s", name);
    short_number(&text, (double)count);
    grid_right(grid, row, 40, count && alarming ? STYLE_WARNING : STYLE_PLAIN, "%s", text_chars(&text));
    text_clear(&text);
    short_number(&text, rate);
    grid_right(grid, row, 51, STYLE_PLAIN, "%s/s", text_chars(&text));
    text_done(&text);
    draw_bars(grid, row, 53, width, total, MOST_POINTS, alarming ? STYLE_WARNING : STYLE_ACTIVE);
    return row + 1;
}

static struct meter *topic_meter_at(struct broker *broker, int which) { return broker_topic_meter(broker, (enum topic_meter)which); }
static struct meter *broker_meter_at(struct broker *broker, int which) { return broker_meter_of(broker, (enum broker_meter)which); }

static void draw(struct view *view, struct grid *grid, int top, int bottom)
{
    static const struct { const char *name; int which; bool alarming; } meters[] = {
        { "MessagesInPerSec", METER_MESSAGES_IN, false }, { "BytesInPerSec", METER_BYTES_IN, false }, { "BytesOutPerSec", METER_BYTES_OUT, false },
        { "ReplicationBytesInPerSec", METER_REPLICATION_BYTES_IN, false }, { "TotalProduceRequestsPerSec", METER_TOTAL_PRODUCE_REQUESTS, false },
        { "FailedProduceRequestsPerSec", METER_FAILED_PRODUCE_REQUESTS, true }, { "TotalFetchRequestsPerSec", METER_TOTAL_FETCH_REQUESTS, false },
    }, changes[] = {
        { "IsrShrinksPerSec", METER_ISR_SHRINKS, true }, { "IsrExpandsPerSec", METER_ISR_EXPANDS, false },
        { "LeaderElectionRateAndTimeMs", METER_LEADER_ELECTIONS, false }, { "UncleanLeaderElectionsPerSec", METER_UNCLEAN_ELECTIONS, true },
    };
    struct reading now = read_gauges(view->lab);
    struct samples *samples = sample(view, &now);
    int row = top, width = grid->columns - 54 < MOST_POINTS ? grid->columns - 54 : MOST_POINTS;

    grid_put(grid, row, 1, STYLE_STRONG, "%s", _(view->lang, "METRIC, of all brokers"));
    grid_right(grid, row, 40, STYLE_STRONG, "%s", _(view->lang, "NOW"));
    grid_right(grid, row++, grid->columns - 1, STYLE_DIM, "%s", grid->columns < 100 ? _(view->lang, "a column is 5 s, newest at right") : _(view->lang, "a column is 5 s, the newest at the right"));
    for (int g = 0; g < GAUGES && row < bottom; g++, row++) {
        int64_t points[MOST_POINTS];

        for (int p = 0; p < samples->count; p++)
            points[p] = samples->points[g][MOST_POINTS - samples->count + p];
        grid_put(grid, row, 1, STYLE_PLAIN, "%s", g == G_BROKERS ? _(view->lang, "brokers up") : gauges[g].name);
        grid_right(grid, row, 40, gauges[g].alarming && now.values[g] > 0 ? STYLE_WARNING : STYLE_PLAIN, "%.0f", now.values[g]);
        draw_bars(grid, row, 53, width, points, samples->count, gauges[g].alarming ? STYLE_WARNING : STYLE_ACTIVE);
    }
    grid_right(grid, row, 40, STYLE_STRONG, "%s", _(view->lang, "COUNT"));
    grid_right(grid, row++, 51, STYLE_STRONG, "%s", _(view->lang, "LAST MIN"));
    for (size_t i = 0; i < sizeof(meters) / sizeof(*meters) && row < bottom; i++)
        row = draw_meter(view, grid, row, meters[i].name, topic_meter_at, meters[i].which, meters[i].alarming);
    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes) && row < bottom; i++)
        row = draw_meter(view, grid, row, changes[i].name, broker_meter_at, changes[i].which, changes[i].alarming);
    if (row + 1 < bottom)
        grid_put(grid, bottom - 1, 1, STYLE_DIM, "%s", _(view->lang, "`metrics` has each broker's, metrics NAME its topics and partitions"));
}

const struct pane pane_metrics = { .name = "metrics", .title = N_("metrics"), .key = 'm', .draw = draw,
                                  .next = "cluster", .why = view_why_replication };
