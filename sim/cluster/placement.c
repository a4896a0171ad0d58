/* Which brokers get the replicas of new partitions. 2.7: Kafka's AdminUtils; 4.3: its StripedReplicaPlacer. */
#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

static bool same_rack(const char *a, const char *b)
{
    return text_equal(a, b);
}

/* ---- 2.7 ---- */

static int32_t index_of(const struct placement_broker *list, int32_t count, int32_t id)
{
    for (int32_t i = 0; i < count; i++)
        if (list[i].id == id)
            return i;
    return 0;
}

/* Brokers so that neighbours lie in different racks: one of each rack in turn, racks by name. */
static void alternate_racks(const struct placement *p, struct placement_broker *out)
{
    bool *taken = mem_zero_array((size_t)p->broker_count, sizeof(*taken));
    int32_t count = 0;

    while (count < p->broker_count) {
        const char *last = NULL;

        for (;;) {
            int32_t next = -1;

            for (int32_t i = 0; i < p->broker_count; i++) {
                const char *rack = p->brokers[i].rack;

                if (!taken[i] && (!last || strcmp(rack, last) > 0) && (next < 0 || strcmp(rack, p->brokers[next].rack) < 0))
                    next = i;
            }
            if (next < 0)
                break;
            taken[next] = true;
            last = p->brokers[next].rack;
            out[count++] = p->brokers[next];
        }
    }
    mem_free(taken);
}

static bool rack_used(const struct placement_broker *list, const int32_t *chosen, int32_t count, const char *rack, int32_t n)
{
    for (int32_t i = 0; i < count; i++)
        if (same_rack(list[index_of(list, n, chosen[i])].rack, rack))
            return true;
    return false;
}

static bool id_used(const int32_t *chosen, int32_t count, int32_t id)
{
    for (int32_t i = 0; i < count; i++)
        if (chosen[i] == id)
            return true;
    return false;
}

static int32_t rack_count(const struct placement *p)
{
    int32_t count = 0;

    for (int32_t i = 0; i < p->broker_count; i++) {
        int32_t before = 0;

        while (before < i && !same_rack(p->brokers[before].rack, p->brokers[i].rack))
            before++;
        count += before == i;
    }
    return count;
}

static void place_further(const struct placement *p, const struct placement_broker *list, int32_t first, int32_t shift, int32_t racks,
                          int32_t *out)
{
    int32_t n = p->broker_count, count = 1;

    for (int32_t k = 0; count < p->replication_factor; k++) {
        int32_t by = 1 + (int32_t)(((int64_t)shift * (racks ? racks : 1) + k) % (n - 1));
        const struct placement_broker *candidate = &list[(first + by) % n];
        int32_t used = 0;

        if (!racks) {
            out[count++] = candidate->id;
            continue;
        }
        for (int32_t i = 0; i < count; i++)
            used += !rack_used(list, out, i, list[index_of(list, n, out[i])].rack, n);
        if (!id_used(out, count, candidate->id) && (used == racks || !rack_used(list, out, count, candidate->rack, n)))
            out[count++] = candidate->id;
    }
}

static enum err place_27(const struct placement *p, struct random *random, int32_t *out, struct reason *reason)
{
    int32_t n = p->broker_count, racks = 0, with_rack = 0, start, shift;
    struct placement_broker *list;

    if (p->replication_factor <= 0)
        return err_because(ERR_INVALID_REPLICATION_FACTOR, reason, "Replication factor must be larger than 0.");
    if (p->replication_factor > n)
        return err_because(ERR_INVALID_REPLICATION_FACTOR, reason, "Replication factor: %d larger than available brokers: %d.",
                           p->replication_factor, n);
    for (int32_t i = 0; i < n; i++)
        with_rack += p->brokers[i].rack != NULL;
    if (with_rack && with_rack < n)
        return err_because(ERR_INVALID_REPLICATION_FACTOR, reason,
                           "Not all brokers have rack information for replica rack aware assignment.");
    list = mem_copy(p->brokers, (size_t)n * sizeof(*list));
    if (with_rack) {
        alternate_racks(p, list);
        racks = rack_count(p);
    }
    start = p->fixed_start >= 0 ? p->fixed_start : (int32_t)random_below(random, (uint64_t)n);
    shift = p->fixed_start >= 0 ? p->fixed_start : (int32_t)random_below(random, (uint64_t)n);
    for (int32_t i = 0; i < p->partition_count; i++) {
        int32_t partition = p->first_partition + i, first = (partition + start) % n;
        int32_t *to = out + (size_t)i * (size_t)p->replication_factor;

        if (partition > 0 && partition % n == 0)
            shift++;
        to[0] = list[first].id;
        if (p->replication_factor > 1)
            place_further(p, list, first, shift, racks, to);
    }
    mem_free(list);
    return ERR_OK;
}

/* ---- 4.3 ---- */

struct stripe { /* brokers of one rack that are alike */
    int32_t *ids;
    int32_t count, epoch, index, offset;
};
struct rack {
    const char *name; /* NULL: no rack */
    struct stripe unfenced, fenced;
};

static int32_t stripe_next(struct stripe *stripe, int32_t epoch)
{
    if (!stripe->count)
        return -1;
    if (stripe->epoch != epoch) {
        stripe->epoch = epoch;
        stripe->index = 0;
        stripe->offset = (stripe->offset + 1) % stripe->count;
    }
    if (stripe->index >= stripe->count)
        return -1;
    return stripe->ids[(stripe->index++ + stripe->offset) % stripe->count];
}

static int32_t rack_next(struct rack *rack, int32_t epoch)
{
    int32_t id = stripe_next(&rack->unfenced, epoch);

    return id >= 0 ? id : stripe_next(&rack->fenced, epoch);
}

static void stripe_start(struct stripe *stripe, struct random *random)
{
    stripe->epoch = stripe->index = 0;
    stripe->offset = stripe->count ? (int32_t)random_below(random, (uint64_t)stripe->count) : 0;
}

static void stripe_shuffle(struct stripe *stripe, struct random *random)
{
    for (int32_t i = stripe->count; i > 1; i--) {
        int32_t j = (int32_t)random_below(random, (uint64_t)i), id = stripe->ids[j];

        stripe->ids[j] = stripe->ids[i - 1];
        stripe->ids[i - 1] = id;
    }
    stripe_start(stripe, random);
}

static int32_t racks_make(const struct placement *p, struct rack **out)
{
    struct rack *racks = mem_zero_array((size_t)p->broker_count, sizeof(*racks));
    int32_t count = 0;

    for (int32_t i = 0; i < p->broker_count; i++) {
        int32_t at = 0;
        struct stripe *stripe;

        /* Sorted by name, the nameless one first. */
        while (at < count && !same_rack(racks[at].name, p->brokers[i].rack) &&
               (!racks[at].name || (p->brokers[i].rack && strcmp(racks[at].name, p->brokers[i].rack) < 0)))
            at++;
        if (at == count || !same_rack(racks[at].name, p->brokers[i].rack)) {
            memmove(&racks[at + 1], &racks[at], (size_t)(count - at) * sizeof(*racks));
            count++;
            racks[at] = (struct rack){ .name = p->brokers[i].rack };
            racks[at].unfenced.ids = mem_zero_array((size_t)p->broker_count, sizeof(int32_t));
            racks[at].fenced.ids = mem_zero_array((size_t)p->broker_count, sizeof(int32_t));
        }
        stripe = p->brokers[i].fenced ? &racks[at].fenced : &racks[at].unfenced;
        stripe->ids[stripe->count++] = p->brokers[i].id;
    }
    *out = racks;
    return count;
}

static void place_one(struct rack *racks, int32_t rack_count, int32_t offset, int32_t epoch, int16_t factor, int32_t *out)
{
    int32_t first = offset, at = offset;

    while ((out[0] = stripe_next(&racks[first].unfenced, epoch)) < 0)
        first = (first + 1) % rack_count;
    for (int16_t replica = 1; replica < factor; replica++) {
        int32_t id = -1;

        do {
            if (at == first)
                first = -1;
            else
                id = rack_next(&racks[at], epoch);
            at = (at + 1) % rack_count;
        } while (id < 0);
        out[replica] = id;
    }
}

static enum err place_43(const struct placement *p, struct random *random, int32_t *out, struct reason *reason)
{
    int32_t unfenced = 0, count, offset, epoch = 0;
    int16_t factor = p->replication_factor;
    struct rack *racks;

    for (int32_t i = 0; i < p->broker_count; i++)
        unfenced += !p->brokers[i].fenced;
    if (factor <= 0)
        return err_because(ERR_INVALID_REPLICATION_FACTOR, reason,
                           "Invalid replication factor %d: the replication factor must be positive.", factor);
    if (!unfenced)
        return err_because(ERR_INVALID_REPLICATION_FACTOR, reason,
                           "Unable to replicate the partition %d time(s): All brokers are currently fenced, or have all their log directories cordoned.",
                           factor);
    if (factor > p->broker_count)
        return err_because(ERR_INVALID_REPLICATION_FACTOR, reason,
                           "Unable to replicate the partition %d time(s): The target replication factor of %d cannot be reached because"
                           " only %d broker(s) are registered or some brokers have all their log directories cordoned.",
                           factor, factor, p->broker_count);
    count = racks_make(p, &racks);
    for (int32_t i = 0; i < count; i++) {
        stripe_start(&racks[i].unfenced, random);
        stripe_start(&racks[i].fenced, random);
    }
    offset = (int32_t)random_below(random, (uint64_t)count);
    for (int32_t i = 0; i < p->partition_count; i++) {
        if (epoch == unfenced && unfenced > 1) {
            for (int32_t r = count; r > 1; r--) {
                int32_t j = (int32_t)random_below(random, (uint64_t)r);
                struct rack swap = racks[j];

                racks[j] = racks[r - 1];
                racks[r - 1] = swap;
            }
            for (int32_t r = 0; r < count; r++) {
                stripe_shuffle(&racks[r].unfenced, random);
                stripe_shuffle(&racks[r].fenced, random);
            }
            epoch = 0;
        }
        offset %= count;
        place_one(racks, count, offset, epoch, factor, out + (size_t)i * (size_t)factor);
        epoch++;
        offset++;
    }
    for (int32_t i = 0; i < count; i++) {
        mem_free(racks[i].unfenced.ids);
        mem_free(racks[i].fenced.ids);
    }
    mem_free(racks);
    return ERR_OK;
}

enum err placement_make(const struct placement *placement, struct random *random, int32_t *out, struct reason *reason)
{
    if (release_is_27(placement->release))
        return place_27(placement, random, out, reason);
    return place_43(placement, random, out, reason);
}
