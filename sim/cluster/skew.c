/* A broker's wall clock, which may be wrong: `clock skew`. Moments that come from it - a record's age, an offset's commit - are kept as it says them, and turned
 * into the queue's time where an event is to be there for them. */
#include "sim/cluster/cluster_internal.h"

static int64_t us_to_ms(int64_t us)
{
    return us >= 0 ? us / 1000 : -((999 - us) / 1000);
}

int64_t broker_now_ms(const struct broker *broker)
{
    return us_to_ms(queue_now_us(broker->cluster->queue) + broker->skew_us);
}

int64_t broker_skew_us(const struct broker *broker)
{
    return broker->skew_us;
}

int64_t broker_clock_us(const struct broker *broker, int64_t at_ms)
{
    return at_ms > INT64_MAX / 2000 ? INT64_MAX : at_ms * 1000 - broker->skew_us;
}

/* What has become due by it is to be noticed at the next turn of each task. */
static void look_anew(struct broker *broker)
{
    int64_t earliest = INT64_MAX;

    for (size_t i = 0; i < broker->partition_count; i++) {
        const struct partition *partition = broker->partitions[i];

        if (!partition->settings->config.cleanup_compact && partition->retention_at_ms < earliest)
            earliest = partition->retention_at_ms;
    }
    ticker_arm(broker, &broker->retention, broker_clock_us(broker, earliest));
    cleaner_clock_changed(broker);
    if (event_scheduled(&broker->producer_tick.event))
        ticker_arm(broker, &broker->producer_tick, 0);
    groups_clock_changed(broker->groups);
}

void broker_set_skew(struct broker *broker, int64_t us)
{
    struct cluster *cluster = broker->cluster;
    int64_t was_us = broker->skew_us, was_ms = broker_now_ms(broker), by_ms;
    struct text text = { 0 };

    broker->skew_us = us;
    by_ms = broker_now_ms(broker) - was_ms;
    text_printf(&text, "broker %d's wall clock ", broker->id);
    if (us) {
        text_add(&text, "is ");
        text_duration(&text, us < 0 ? -us : us);
        text_add(&text, us < 0 ? " behind" : " ahead");
    } else {
        text_add(&text, "is right");
    }
    journal_add(cluster->journal, ENTRY(EVENT_clock_skewed, .broker = broker->id, .text = text_chars(&text), .rule = us ? "clock skew" : NULL,
                                        .facts = { { "skew_ms", us / 1000, NULL }, { "was_ms", was_us / 1000, NULL } }, .fact_count = 2));
    text_done(&text);
    for (size_t i = 0; i < broker->partition_count; i++) { /* file.delete.delay.ms is the scheduler's, and it does not go by the wall clock */
        struct partition *partition = broker->partitions[i];

        log_shift_unlinks(partition->log, by_ms);
        partition->unlink_at_ms = log_next_unlink_ms(partition->log);
    }
    if (broker->up)
        look_anew(broker);
}
