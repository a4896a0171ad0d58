/* What the questions about replicas share: the controller's word on the partition, what keeps a replica away, and the line that brings it back. */
#include "shell/commands/why.h"

#include "sim/cluster/network.h"

const struct image_partition *why_image(const struct why *why)
{
    return image_partition(cluster_image(lab_cluster(why->lab)), why->topic, why->partition);
}

const char *why_ids(struct why *why, const int32_t *list, int16_t count)
{
    struct text text = { 0 };
    const char *copy;

    for (int16_t i = 0; i < count; i++)
        text_printf(&text, "%s%d", i ? "," : "", list[i]);
    if (!count)
        text_add(&text, _(why->lang, "none"));
    copy = arena_text(&why->arena, text_chars(&text), text.size);
    text_done(&text);
    return copy;
}

bool why_lists(const int32_t *list, int16_t count, int32_t id)
{
    for (int16_t i = 0; i < count; i++)
        if (list[i] == id)
            return true;
    return false;
}

/* Of an internal topic it is another kind. */
static bool is_kind(enum event_kind kind, enum event_kind wanted)
{
    return kind == wanted || (wanted == EVENT_leader_elected && kind == EVENT_internal_leader) || (wanted == EVENT_isr_changed && kind == EVENT_internal_isr);
}

const struct entry *why_newest(const struct why *why, enum event_kind kind, int32_t replica)
{
    for (size_t i = why->entry_count; i-- > 0;) {
        const struct entry *entry = why->entries[i];

        if (is_kind(entry->kind, kind) && entry->partition == why->partition && (replica < 0 || entry_fact(entry, "replica", -1) == replica))
            return entry;
    }
    return NULL;
}

static bool is_held(const struct why *why, const struct broker *broker)
{
    const struct partition *replica = broker_partition(broker, why->topic, why->partition);

    return replica && partition_held(replica);
}

const char *why_hindrance(struct why *why, int32_t id, int32_t leader)
{
    const struct cluster *cluster = lab_cluster(why->lab);
    const struct broker *broker = cluster_broker(cluster, id);

    if (!broker || broker_state(broker) == BROKER_DOWN)
        return _(why->lang, "it is down");
    if (broker_state(broker) == BROKER_STARTING)
        return _(why->lang, "it is starting");
    if (broker_frozen(broker))
        return _(why->lang, "it stands still (broker freeze)");
    if (leader >= 0 && is_held(why, broker))
        return _(why->lang, "its fetching is held (replica hold)");
    if (leader >= 0 && !network_open_both_ways(cluster, id, leader))
        return _(why->lang, "its link to the leader is cut");
    if (!broker_reaches_controller(broker))
        return _(why->lang, "it does not reach the controller");
    return NULL;
}

const char *why_remedy(struct why *why, int32_t id, int32_t leader)
{
    const struct cluster *cluster = lab_cluster(why->lab);
    const struct broker *broker = cluster_broker(cluster, id);

    if (!broker || broker_state(broker) == BROKER_DOWN)
        return arena_printf(&why->arena, "broker start %d", id);
    if (broker_frozen(broker))
        return arena_printf(&why->arena, "broker thaw %d", id);
    if (leader >= 0 && is_held(why, broker))
        return arena_printf(&why->arena, "replica release %d", id);
    if (leader >= 0 && !network_open_both_ways(cluster, id, leader))
        return arena_printf(&why->arena, "net heal %d %d", id, leader);
    return broker_state(broker) == BROKER_UP && !broker_reaches_controller(broker) ? "net heal" : NULL;
}

int64_t why_setting(const struct why *why, const char *key)
{
    struct config_layers layers = cluster_topic_config(lab_cluster(why->lab), why->topic);

    return config_long(&layers, key);
}

bool why_boolean(const struct why *why, const char *key)
{
    struct config_layers layers = cluster_topic_config(lab_cluster(why->lab), why->topic);

    return config_boolean(&layers, key);
}
