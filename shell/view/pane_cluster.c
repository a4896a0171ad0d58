/* The cluster at a glance: brokers, then topics with their partitions' leaders and offsets. */
#include <stdio.h>

#include "shell/look.h"
#include "shell/view/view.h"

static int draw_brokers(struct view *view, struct grid *grid, int row, int bottom)
{
    const struct cluster *cluster = lab_cluster(view->lab);

    grid_put(grid, row++, 1, STYLE_STRONG, "%s", _(view->lang, "BROKER  STATE   PORT   PARTITIONS  FOLDER"));
    for (size_t i = 0; i < cluster_broker_count(cluster) && row < bottom; i++) {
        const struct broker *broker = cluster_broker_at(cluster, i);
        const char *folder = broker_log_dir(broker);
        int over = text_width(folder) - (grid->columns - 37); /* its end tells more than its beginning */

        grid_put(grid, row++, 1, broker_up(broker) ? STYLE_PLAIN : STYLE_WARNING, "%6d  %-6s  %5d  %10zu  %s%s", broker_id(broker), lab_inspects(view->lab) ? "disk" : broker_up(broker) ? broker_frozen(broker) ? "FROZEN" : "up" : "DOWN",
                 broker_port(broker), broker_partition_count(broker), over > 0 ? "..." : "", over > 0 ? folder + over + 3 : folder);
    }
    return row + 1;
}

static int topic_width(const struct grid *grid)
{
    return grid->columns < 100 ? 20 : 40;
}

static void draw_partition(struct view *view, struct grid *grid, int row, const struct image_topic *topic, int32_t number)
{
    const struct image_partition *partition = &topic->partitions[number];
    struct replica_info replicas[16];
    size_t count = cluster_replicas(lab_cluster(view->lab), topic->name, number, replicas, 16);
    bool chosen = view->topic && text_equal(view->topic, topic->name) && view->partition == number;
    int width = topic_width(grid), column;
    char high_watermark[24] = "-", end[24]; /* unknown while no broker that is up leads, or has it */

    for (size_t i = 0; i < count; i++)
        if (replicas[i].leader && replicas[i].high_watermark >= 0)
            snprintf(high_watermark, sizeof(high_watermark), "%lld", (long long)replicas[i].high_watermark);
    column = grid_put(grid, row, 0, chosen ? STYLE_STRONG : STYLE_PLAIN, "%s%-*.*s %5d ", chosen ? ">" : " ", width, width, topic->name, number);
    if (partition->leader < 0)
        column = grid_put(grid, row, column, STYLE_WARNING, "%6s", "NONE");
    else
        column = grid_put(grid, row, column, STYLE_PLAIN, "%6d", partition->leader);
    column = grid_put(grid, row, column, STYLE_PLAIN, " %5d %14s  ", partition->leader_epoch, high_watermark);
    for (size_t i = 0; i < count; i++) {
        snprintf(end, sizeof(end), "%lld", (long long)replicas[i].log_end_offset);
        column = grid_put(grid, row, column, replicas[i].in_isr ? STYLE_PLAIN : STYLE_WARNING, "%s%d%s:%s ", replicas[i].in_isr ? "" : "OUT ", replicas[i].broker,
                          replicas[i].leader ? "*" : "", replicas[i].log_end_offset < 0 ? "-" : end);
    }
}

static void draw(struct view *view, struct grid *grid, int top, int bottom)
{
    const struct image *image = cluster_image(lab_cluster(view->lab));
    int row = draw_brokers(view, grid, top, bottom);

    grid_put(grid, row++, 1, STYLE_STRONG, "%-*s %s", topic_width(grid), _(view->lang, "TOPIC"),
             _(view->lang, " PART LEADER EPOCH HIGH WATERMARK  REPLICA:END *LEADER"));
    for (int internal = 0; internal < 2; internal++) {
        for (size_t t = 0; t < image_topic_count(image); t++) {
            const struct image_topic *topic = image_topic_at(image, t);

            if (topic->internal != internal)
                continue;
            if (topic->internal) {
                if (row < bottom)
                    grid_put(grid, row++, 1, STYLE_DIM, n_(view->lang, "%-*s %5d partition, Kafka's own", "%-*s %5d partitions, Kafka's own", topic->partition_count), topic_width(grid), topic->name,
                             topic->partition_count);
                continue;
            }
            for (int32_t p = 0; p < topic->partition_count && row < bottom; p++)
                draw_partition(view, grid, row++, topic, p);
        }
    }
}

const struct pane pane_cluster = { .name = "cluster", .title = N_("brokers"), .key = 'b', .draw = draw,
                                  .next = "cluster", .why = view_why_replication };
