/* Looking at the cluster. */
#include "shell/look.h"

#include <string.h>

struct partition *look_leader(const struct lab *lab, const char *topic, int32_t partition)
{
    struct cluster *cluster = lab_cluster(lab);
    const struct image_partition *known = image_partition(cluster_image(cluster), topic, partition);
    struct broker *broker = known ? cluster_broker(cluster, known->leader) : NULL;

    return broker ? broker_partition(broker, topic, partition) : NULL;
}

bool look_parse(const char *text, char **topic, int32_t *partition)
{
    const char *dash = strrchr(text, '-');

    if (!dash || dash == text || !parse_i32(dash + 1, partition) || *partition < 0)
        return false;
    *topic = mem_text_size(text, (size_t)(dash - text));
    return true;
}

int64_t look_check_after_ms(const struct partition *partition, int64_t ms)
{
    struct broker *broker = partition_broker(partition);
    int64_t skew_ms = broker_skew_us(broker) / 1000;
    struct config_layers layers = broker_config(broker);
    bool by_cleaner = log_settings(partition_log(partition))->cleanup_compact; /* with compact the cleaner's threads see to retention too */
    int64_t next = by_cleaner ? broker_next_cleaner_look_us(broker) : broker_next_retention_check_us(broker);
    int64_t interval = config_long(&layers, by_cleaner ? "log.cleaner.backoff.ms" : "log.retention.check.interval.ms");

    if (next == INT64_MAX || ms == INT64_MAX)
        return INT64_MAX;
    next = next / 1000 + skew_ms;
    return ms <= next || interval <= 0 ? next : next + (ms - next + interval - 1) / interval * interval;
}

void look_clock(const struct lab *lab, int64_t ms, struct text *out)
{
    int64_t now = queue_now_ms(lab_queue(lab));

    text_time(out, ms * 1000, ms - now > 72000000 || now - ms > 72000000 ? TIME_DATE | TIME_CLOCK : TIME_CLOCK);
}

bool look_lag(const struct lab *lab, const struct group_offset *offset, struct look_lag *out)
{
    struct partition *partition = look_leader(lab, offset->topic, offset->partition);
    int64_t start;

    if (!partition || offset->offset < 0)
        return false;
    start = log_start_offset(partition_log(partition));
    out->committed = offset->offset;
    out->end = partition_read_bound(partition, false);
    out->lag = out->end - out->committed;
    out->deleted = out->committed < start ? start - out->committed : 0;
    out->readable = out->lag - out->deleted;
    return true;
}

static bool same_client(const struct connection_info *a, const struct connection_info *b)
{
    return text_equal(a->client_host, b->client_host) && text_equal(a->client_id, b->client_id);
}

size_t look_clients(const struct lab *lab, struct connection_info *out, size_t most)
{
    const struct wire *wire = lab_wire(lab);
    size_t count = 0;

    for (size_t i = 0; i < wire_connection_count(wire); i++) {
        struct connection_info info;
        size_t at = 0;

        wire_connection_get(wire, i, &info);
        if (!info.network)
            continue;
        while (at < count && at < most && !same_client(&out[at], &info))
            at++;
        if (at < count && at < most) { /* one more connection of that one */
            if (info.waiting_in && !out[at].waiting_in)
                out[at].waiting_in = info.waiting_in;
            continue;
        }
        if (count < most)
            out[count] = info;
        count++;
    }
    return count;
}
