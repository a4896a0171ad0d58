/* The sticky assignors where members want different topics: partitions that few may have come first, each to who has least of those who may; then
 * partitions move as long as that makes it more even, back to their previous owner rather than anywhere else, and never round in a circle. */
#include <stdlib.h>
#include <string.h>

#include "sim/clients/consumer_internal.h"

struct movement { int number, from, to; };

struct general {
    struct sticky *sticky;
    bool *takes_part;                /* of each member: it can give or get something */
    int *owner;                      /* of each partition; -1 */
    int *previous;                   /* who had it in an older generation, as he says; -1 */
    int *sorted;                     /* all partitions: few candidates first */
    int sorted_count;
    struct movement *movements;
    size_t movement_count, movement_capacity;
};

static bool may_have(const struct general *general, int member, int number)
{
    return consumer_assign_wants(&general->sticky->members[member], general->sticky->topics[sticky_topic(general->sticky, number)]);
}

static int candidates(const struct general *general, size_t topic)
{
    int count = 0;

    for (size_t m = 0; m < general->sticky->member_count; m++)
        count += consumer_assign_wants(&general->sticky->members[m], general->sticky->topics[topic]);
    return count;
}

static size_t load(const struct general *general, int member) { return general->sticky->got[member].count; }

/* By what they have, then by their ids. */
static bool before(const struct general *general, int a, int b)
{
    if (load(general, a) != load(general, b))
        return load(general, a) < load(general, b);
    return strcmp(general->sticky->members[a].member_id, general->sticky->members[b].member_id) < 0;
}

/* `beside`: only of those in whose rack it has a replica, or who tell none. */
static int least_loaded(const struct general *general, int number, bool beside)
{
    int best = -1;

    for (int m = 0; m < (int)general->sticky->member_count; m++)
        if (general->takes_part[m] && may_have(general, m, number) && (best < 0 || before(general, m, best)) &&
            !(beside && sticky_mismatch(general->sticky, m, number)))
            best = m;
    return best;
}

static size_t most_possible(const struct general *general, int member)
{
    size_t most = 0;

    for (size_t t = 0; t < general->sticky->topic_count; t++)
        if (consumer_assign_wants(&general->sticky->members[member], general->sticky->topics[t]))
            most += (size_t)general->sticky->counts[t];
    return most;
}

/* ---- beginning ---- */

static void sort_partitions(struct general *general)
{
    const struct sticky *sticky = general->sticky;
    size_t *topics = mem_zero_array(sticky->topic_count + 1, sizeof(*topics));

    for (size_t t = 0; t < sticky->topic_count; t++)
        topics[t] = t;
    for (size_t i = 1; i < sticky->topic_count; i++) /* they stand by name already */
        for (size_t k = i; k && candidates(general, topics[k - 1]) > candidates(general, topics[k]); k--) {
            size_t swap = topics[k];

            topics[k] = topics[k - 1];
            topics[k - 1] = swap;
        }
    for (size_t i = 0; i < sticky->topic_count; i++)
        for (int p = 0; p < sticky->counts[topics[i]]; p++)
            general->sorted[general->sorted_count++] = sticky->first[topics[i]] + p;
    mem_free(topics);
}

/* True: somebody has what he does not want any more. */
static bool keep_owned(struct general *general)
{
    struct sticky *sticky = general->sticky;
    bool revoked = false;

    for (int m = 0; m < (int)sticky->member_count; m++)
        for (size_t i = 0; i < sticky->owned[m].count; i++) {
            int number = sticky->owned[m].items[i];

            if (!may_have(general, m, number) || sticky_mismatch(sticky, m, number)) {
                revoked = true;
                continue;
            }
            sticky_add(&sticky->got[m], number);
            general->owner[number] = m;
        }
    return revoked;
}

static void find_previous(struct general *general)
{
    const struct sticky *sticky = general->sticky;
    int32_t newest = -1, *generation = mem_zero_array((size_t)sticky->total + 1, sizeof(*generation));

    for (size_t m = 0; m < sticky->member_count; m++)
        newest = sticky->members[m].generation > newest ? sticky->members[m].generation : newest;
    for (int m = 0; m < (int)sticky->member_count; m++) {
        const struct member_wish *member = &sticky->members[m];

        for (size_t i = 0; i < member->owned_count && member->generation < newest; i++) {
            int number = sticky_number(sticky, &member->owned[i]);

            if (number < 0 || (general->previous[number] >= 0 && member->generation <= generation[number]))
                continue;
            general->previous[number] = m;
            generation[number] = member->generation;
        }
    }
    mem_free(generation);
}

/* ---- beginning, 2.7 ---- */

struct claim {                       /* of the two youngest generations that had a partition, who had it */
    const struct owned *what;
    int number;                      /* -1: it is gone */
    int32_t generation, previous_generation;
    int member, previous;            /* -1: nobody */
};

static struct claim *claim_of(const struct sticky *sticky, struct claim *claims, size_t *count, const struct owned *what)
{
    int number = sticky_number(sticky, what);

    for (size_t i = 0; i < *count; i++)
        if (claims[i].number == number && (number >= 0 || (claims[i].what->partition == what->partition && !strcmp(claims[i].what->topic, what->topic))))
            return &claims[i];
    claims[*count] = (struct claim){ .what = what, .number = number, .member = -1, .previous = -1 };
    return &claims[(*count)++];
}

/* Of two of one generation the first has it; of two that tell none the last. */
static void take_claim(struct claim *claim, int member, int32_t generation)
{
    if (claim->member < 0 || (generation == claim->generation && generation < 0)) {
        claim->member = member;
        claim->generation = generation;
    } else if (generation > claim->generation) {
        claim->previous = claim->member;
        claim->previous_generation = claim->generation;
        claim->member = member;
        claim->generation = generation;
    } else if (generation < claim->generation &&
               (claim->previous < 0 || generation > claim->previous_generation || (generation == claim->previous_generation && generation < 0))) {
        claim->previous = member;
        claim->previous_generation = generation;
    }
}

static size_t *claims_in_order(const struct claim *claims, size_t count)
{
    uint32_t *hashes = mem_zero_array(count + 1, sizeof(*hashes));
    size_t *order;

    for (size_t i = 0; i < count; i++)
        hashes[i] = consumer_assign_java_partition(claims[i].what->topic, claims[i].what->partition);
    order = consumer_assign_java_places(hashes, count, JAVA_PUT);
    mem_free(hashes);
    return order;
}

/* As keep_owned() and find_previous() at once. What StickyAssignor of 2.7 has read once it can't read again: those before the first member that wants
 * other topics, up to which it looked whether all want the same, have nothing (mended by KAFKA-12675). */
static bool keep_claimed(struct general *general)
{
    struct sticky *sticky = general->sticky;
    size_t count = 0, *order;
    struct claim *claims;
    bool revoked = false;

    for (size_t m = 0; m < sticky->member_count; m++)
        count += sticky->members[m].owned_count;
    claims = mem_zero_array(count + 1, sizeof(*claims));
    count = 0;
    for (size_t m = sticky->cooperative ? 0 : sticky->alike; m < sticky->member_count; m++)
        for (size_t i = 0; i < sticky->members[m].owned_count; i++)
            take_claim(claim_of(sticky, claims, &count, &sticky->members[m].owned[i]), (int)m, sticky->members[m].generation);
    order = claims_in_order(claims, count);
    for (size_t i = 0; i < count; i++) {
        const struct claim *claim = &claims[order[i]];

        if (claim->number < 0)
            continue;
        general->previous[claim->number] = claim->previous;
        if (!may_have(general, claim->member, claim->number)) {
            revoked = true;
            continue;
        }
        sticky_add(&sticky->got[claim->member], claim->number);
        general->owner[claim->number] = claim->member;
    }
    mem_free(order);
    mem_free(claims);
    return revoked;
}

/* ---- moving ---- */

static struct movement *movement_of(struct general *general, int number)
{
    for (size_t i = 0; i < general->movement_count; i++)
        if (general->movements[i].number == number)
            return &general->movements[i];
    return NULL;
}

/* Of those of a topic that went this way the first in a HashSet; `none` if there is none. */
static int first_moved(const struct general *general, size_t topic, int from, int to, int none)
{
    uint32_t *hashes = mem_zero_array(general->movement_count + 1, sizeof(*hashes));
    int *numbers = mem_zero_array(general->movement_count + 1, sizeof(*numbers)), first = none;
    size_t count = 0, *order;

    for (size_t i = 0; i < general->movement_count; i++) {
        const struct movement *moved = &general->movements[i];

        if (moved->from != from || moved->to != to || sticky_topic(general->sticky, moved->number) != topic)
            continue;
        hashes[count] = consumer_assign_java_partition(general->sticky->topics[topic], moved->number - general->sticky->first[topic]);
        numbers[count++] = moved->number;
    }
    order = consumer_assign_java_places(hashes, count, JAVA_PUT);
    if (count)
        first = numbers[order[0]];
    mem_free(order);
    mem_free(numbers);
    mem_free(hashes);
    return first;
}

/* One of the same topic that went the other way before, if there is one: it goes back instead. */
static int instead_of(struct general *general, int number, int from, int to)
{
    struct movement *moved = movement_of(general, number);
    size_t topic = sticky_topic(general->sticky, number);

    if (moved)
        from = moved->from;
    return first_moved(general, topic, to, from, number);
}

static void note_movement(struct general *general, int number, int from, int to)
{
    struct movement *moved = movement_of(general, number);

    if (moved) {
        from = moved->from;
        memmove(moved, moved + 1, (size_t)(general->movements + --general->movement_count - moved) * sizeof(*moved));
    }
    if (from != to)
        ARRAY_ADD(general->movements, general->movement_count, general->movement_capacity) = (struct movement){ number, from, to };
}

static void move(struct general *general, int number, int to)
{
    int actual = instead_of(general, number, general->owner[number], to), from = general->owner[actual];

    note_movement(general, actual, from, to);
    sticky_remove(&general->sticky->got[from], actual);
    sticky_add(&general->sticky->got[to], actual);
    general->owner[actual] = to;
}

/* Nobody could take one from somebody who has at least two more; 2.7 looks whether he has more at all. */
static bool balanced(const struct general *general)
{
    const struct sticky *sticky = general->sticky;
    size_t least = SIZE_MAX, most = 0;

    for (int m = 0; m < (int)sticky->member_count; m++) {
        if (!general->takes_part[m])
            continue;
        least = load(general, m) < least ? load(general, m) : least;
        most = load(general, m) > most ? load(general, m) : most;
    }
    if (least == SIZE_MAX || least + 1 >= most)
        return true;
    for (int m = 0; m < (int)sticky->member_count; m++) {
        if (!general->takes_part[m] || load(general, m) == most_possible(general, m))
            continue;
        for (int p = 0; p < sticky->total; p++) {
            int other = general->owner[p];

            if (other >= 0 && other != m && general->takes_part[other] && may_have(general, m, p) &&
                load(general, m) + !sticky->is_27 < load(general, other))
                return false;
        }
    }
    return true;
}

static bool move_one(struct general *general, int number)
{
    int member = general->owner[number], previous = general->previous[number];

    if (member < 0 || !general->takes_part[member])
        return false;
    if (previous >= 0 && previous != member && general->takes_part[previous] && load(general, member) > load(general, previous) + 1) {
        move(general, number, previous);
        return true;
    }
    for (int other = 0; other < (int)general->sticky->member_count; other++)
        if (general->takes_part[other] && may_have(general, other, number) && load(general, member) > load(general, other) + 1) {
            move(general, number, least_loaded(general, number, false));
            return true;
        }
    return false;
}

static bool even_out(struct general *general, const int *numbers, int count)
{
    enum { MOST_ROUNDS = 1000 };         /* each makes it more even, so it ends long before */
    bool any = false, modified = true;

    for (int round = 0; modified && round < MOST_ROUNDS; round++) {
        modified = false;
        for (int i = 0; i < count && !balanced(general); i++)
            modified |= move_one(general, numbers[i]);
        any |= modified;
    }
    return any;
}

static size_t unevenness(const struct general *general)
{
    size_t score = 0;

    for (int a = 0; a < (int)general->sticky->member_count; a++)
        for (int b = 0; b < a; b++)
            if (general->takes_part[a] && general->takes_part[b])
                score += load(general, a) > load(general, b) ? load(general, a) - load(general, b) : load(general, b) - load(general, a);
    return score;
}

static void restore(struct general *general, const struct sticky_list *kept)
{
    struct sticky *sticky = general->sticky;

    for (int m = 0; m < (int)sticky->member_count; m++) {
        sticky->got[m].count = 0;
        for (size_t i = 0; i < kept[m].count; i++) {
            sticky_add(&sticky->got[m], kept[m].items[i]);
            general->owner[kept[m].items[i]] = m;
        }
    }
}

static bool takes_part(const struct general *general, int member)
{
    if (load(general, member) < most_possible(general, member))
        return true;
    for (size_t i = 0; i < load(general, member); i++)
        if (candidates(general, sticky_topic(general->sticky, general->sticky->got[member].items[i])) >= 2)
            return true;
    return false;
}

/* What nobody has; `beside`: only to members beside it. */
static void assign(struct general *general, bool beside)
{
    for (int i = 0; i < general->sorted_count; i++) {
        int number = general->sorted[i], member = general->owner[number] < 0 ? least_loaded(general, number, beside) : -1;

        if (member < 0)
            continue;
        sticky_add(&general->sticky->got[member], number);
        general->owner[number] = member;
    }
}

static void balance(struct general *general, bool revoked)
{
    struct sticky *sticky = general->sticky;
    int *movable = mem_zero_array((size_t)sticky->total + 1, sizeof(*movable)), movable_count = 0;
    int *fresh = mem_zero_array((size_t)sticky->total + 1, sizeof(*fresh)), fresh_count = 0;
    struct sticky_list *kept = mem_zero_array(sticky->member_count + 1, sizeof(*kept));
    bool *part = mem_zero_array(sticky->member_count + 1, sizeof(*part)), beginning = true, moved;
    size_t score;

    for (size_t m = 0; m < sticky->member_count; m++)
        beginning &= !sticky->got[m].count;
    for (int i = 0; i < general->sorted_count; i++) {
        int number = general->sorted[i];

        if (candidates(general, sticky_topic(sticky, number)) >= 2)
            movable[movable_count++] = number;
        if (general->owner[number] >= 0)
            continue;
        if (candidates(general, sticky_topic(sticky, number)) >= 2)
            fresh[fresh_count++] = number;
    }
    assign(general, true);
    assign(general, false);
    for (int m = 0; m < (int)sticky->member_count; m++)
        part[m] = takes_part(general, m);
    memcpy(general->takes_part, part, sticky->member_count * sizeof(*part));
    for (size_t m = 0; m < sticky->member_count; m++)
        for (size_t i = 0; i < sticky->got[m].count; i++)
            sticky_add(&kept[m], sticky->got[m].items[i]);
    score = unevenness(general);
    if (!revoked)
        even_out(general, fresh, fresh_count);
    moved = even_out(general, movable, movable_count);
    if (!beginning && moved && unevenness(general) >= score)
        restore(general, kept);
    for (size_t m = 0; m < sticky->member_count; m++)
        mem_free(kept[m].items);
    mem_free(kept);
    mem_free(part);
    mem_free(fresh);
    mem_free(movable);
}

void sticky_general(struct sticky *sticky)
{
    struct general general = { .sticky = sticky };
    size_t total = (size_t)sticky->total;

    general.takes_part = mem_zero_array(sticky->member_count + 1, sizeof(*general.takes_part));
    general.owner = mem_zero_array(total + 1, sizeof(*general.owner));
    general.previous = mem_zero_array(total + 1, sizeof(*general.previous));
    general.sorted = mem_zero_array(total + 1, sizeof(*general.sorted));
    for (size_t p = 0; p < total; p++)
        general.owner[p] = general.previous[p] = -1;
    for (size_t m = 0; m < sticky->member_count; m++)
        general.takes_part[m] = true;
    sort_partitions(&general);
    if (sticky->is_27) {
        balance(&general, keep_claimed(&general));
    } else {
        find_previous(&general);
        balance(&general, keep_owned(&general));
    }
    mem_free(general.takes_part);
    mem_free(general.owner);
    mem_free(general.previous);
    mem_free(general.sorted);
    mem_free(general.movements);
}
