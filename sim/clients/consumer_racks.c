/* Racks of members and of partitions' replicas (KIP-881): whether they play a part, and who stands beside what. */
#include <string.h>

#include "sim/clients/consumer_internal.h"

static int number_of(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return (int)i;
    return -1;
}

static int take_name(const char **names, size_t *count, const char *name)
{
    int number = !name || !*name ? -1 : number_of(names, *count, name);

    if (number < 0 && name && *name) {
        number = (int)*count;
        names[(*count)++] = name;
    }
    return number;
}

static const char *rack_of_node(const struct client *client, int32_t id)
{
    for (size_t i = 0; i < client_node_count(client); i++)
        if (client_node_at(client, i).id == id)
            return client_node_at(client, i).rack;
    return NULL;
}

/* Of each partition, in which racks its replicas are. */
static void find_partitions(struct racks *racks, const struct client *client, const char *const *names, const char *topic, int first)
{
    const struct client_topic *known = client_topic(client, topic);
    int32_t partitions = consumer_assign_partition_count(client, topic);

    for (int32_t p = 0; p < partitions; p++)
        for (int32_t r = 0; r < known->partitions[p].replica_count; r++) {
            const char *rack = rack_of_node(client, known->partitions[p].replicas[r]);
            int number = rack ? number_of(names, racks->count, rack) : -1;

            if (number >= 0)
                racks->at[(size_t)(first + p) * racks->count + (size_t)number] = true;
        }
}

void racks_init(struct racks *racks, const struct client *client, const struct member_wish *members, size_t member_count, const char *const *topics,
                size_t topic_count)
{
    size_t total = 0, first = 0;
    const char **names = mem_zero_array(member_count + client_node_count(client) + 1, sizeof(*names));

    *racks = (struct racks){ .of_member = mem_zero_array(member_count + 1, sizeof(*racks->of_member)) };
    for (size_t m = 0; m < member_count; m++)
        racks->of_member[m] = take_name(names, &racks->count, members[m].rack);
    for (size_t i = 0; racks->count && i < client_node_count(client); i++)
        take_name(names, &racks->count, client_node_at(client, i).rack);
    for (size_t t = 0; t < topic_count; t++)
        total += (size_t)consumer_assign_partition_count(client, topics[t]);
    racks->at = mem_zero_array(total * racks->count + 1, sizeof(*racks->at));
    for (size_t t = 0; racks->count && t < topic_count; t++) {
        find_partitions(racks, client, names, topics[t], (int)first);
        first += (size_t)consumer_assign_partition_count(client, topics[t]);
    }
    mem_free(names);
}

void racks_done(struct racks *racks)
{
    mem_free(racks->of_member);
    mem_free(racks->at);
    *racks = (struct racks){ 0 };
}

bool racks_matter(const struct racks *racks, const size_t *members, size_t member_count, int first, int count)
{
    bool shared = false, differ = false;

    for (size_t r = 0; r < racks->count; r++) {
        bool wanted = false;
        int here = 0;

        for (size_t i = 0; i < member_count; i++)
            wanted |= racks->of_member[members[i]] == (int)r;
        for (int p = first; p < first + count; p++)
            here += racks->at[(size_t)p * racks->count + r];
        shared |= wanted && here;
        differ |= here && here < count;
    }
    return shared && differ;
}

bool racks_match(const struct racks *racks, size_t member, int partition)
{
    return racks->of_member[member] >= 0 && racks->at[(size_t)partition * racks->count + (size_t)racks->of_member[member]];
}

bool racks_mismatch(const struct racks *racks, size_t member, int partition)
{
    return racks->of_member[member] >= 0 && !racks_match(racks, member, partition);
}

/* A set of racks is told by the sum of its members, each once; a broker that is not known, or tells no rack, is one of them. */
int64_t racks_shape(const struct client *client, const char *topic, int64_t partitions)
{
    const struct client_topic *known = client_topic(client, topic);
    uint64_t shape = (uint64_t)partitions;

    for (int64_t p = 0; p < partitions; p++) {
        const struct client_partition *partition = &known->partitions[p];
        uint64_t sum = 0;

        for (int32_t r = 0; r < partition->replica_count; r++) {
            const char *rack = rack_of_node(client, partition->replicas[r]);
            bool again = false;

            for (int32_t k = 0; k < r && !again; k++)
                again = text_equal(rack, rack_of_node(client, partition->replicas[k]));
            sum += again ? 0 : ((uint64_t)java_hash(rack ? rack : "") + 1) * UINT64_C(0x9e3779b97f4a7c15);
        }
        shape = (shape ^ sum ^ sum >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    }
    return (int64_t)shape;
}
