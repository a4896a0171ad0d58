/* The table `network`: links between nodes that are not as they were at first. */
#include "sim/base/rows.h"
#include "sim/cluster/cluster_internal.h"

static const struct column columns[] = {
    { "from_node", VALUE_TEXT, "a broker's id, clients, zookeeper" },
    { "to_node", VALUE_TEXT, "likewise: a link has one direction" },
    { "state", VALUE_TEXT, "open, cut, or frozen where one of its ends is" },
    { "latency_us", VALUE_INT, "that a message takes" },
    { "jitter_us", VALUE_INT, "that it may take longer" },
    { "loss_percent", VALUE_REAL, "of messages that are lost and sent again" },
    { "bytes_per_second", VALUE_INT, "that fit through; null: no limit" },
    { "waiting", VALUE_INT, "messages that wait until it comes through" },
    { "cut_at_ms", VALUE_INT, "since when it is cut" },
    { 0 },
};

static void *network_open_rows(void *context, const struct constraint *constraints, size_t count);
static const struct table table = { "network", "links that are cut, slow, lossy or narrow; all others are whole", columns,
                                    network_open_rows, rows_next, rows_get, rows_close };

static void *network_open_rows(void *context, const struct constraint *constraints, size_t count)
{
    struct cluster *cluster = context;
    struct rows *rows = rows_new(&table);

    (void)constraints, (void)count;
    for (size_t i = 0; i < network_disturbed_count(cluster); i++) {
        struct network_link link = network_disturbed_at(cluster, i);
        struct value *row = rows_add(rows);
        char name[16];

        network_node_name(link.from, name);
        row[0] = rows_text(rows, name);
        network_node_name(link.to, name);
        row[1] = rows_text(rows, name);
        row[2] = value_text(link.cut ? "cut" : network_open(cluster, link.from, link.to) ? "open" : "frozen");
        row[3] = value_int(link.latency_us);
        row[4] = value_int(link.jitter_us);
        row[5] = value_real((double)link.loss_ppm / 10000);
        if (link.bytes_per_second)
            row[6] = value_int(link.bytes_per_second);
        row[7] = value_int((int64_t)network_held_count(cluster, link.from, link.to));
        if (link.cut)
            row[8] = value_int(link.cut_since_us / 1000);
    }
    return rows;
}

void cluster_register_network_table(struct cluster *cluster, struct tables *tables)
{
    tables_add(tables, &table, cluster);
}
