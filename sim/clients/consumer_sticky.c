/* The sticky assignors: members keep what they have as far as the shares allow. All of them want the same topics here; where they don't, see
 * consumer_sticky_general.c. The members are gone through in the order of Java's HashMap, as what comes out depends on it. */
#include <stdlib.h>
#include <string.h>

#include "sim/clients/consumer_internal.h"

/* ---- lists of partitions ---- */

void sticky_add(struct sticky_list *list, int number)
{
    ARRAY_ADD(list->items, list->count, list->capacity) = number;
}

static void remove_place(struct sticky_list *list, size_t place)
{
    memmove(list->items + place, list->items + place + 1, (list->count - place - 1) * sizeof(*list->items));
    list->count--;
}

bool sticky_remove(struct sticky_list *list, int number)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i] == number) {
            remove_place(list, i);
            return true;
        }
    return false;
}

size_t sticky_topic(const struct sticky *sticky, int number)
{
    size_t t = sticky->topic_count - 1;

    while (sticky->first[t] > number)
        t--;
    return t;
}

int sticky_number(const struct sticky *sticky, const struct owned *owned)
{
    for (size_t t = 0; t < sticky->topic_count; t++)
        if (!strcmp(sticky->topics[t], owned->topic))
            return owned->partition >= 0 && owned->partition < sticky->counts[t] ? sticky->first[t] + owned->partition : -1;
    return -1;
}

bool sticky_mismatch(const struct sticky *sticky, int member, int number)
{
    return sticky->by_racks && racks_mismatch(&sticky->racks, (size_t)member, number);
}

/* ---- what members have ---- */

static bool want_the_same(const struct member_wish *a, const struct member_wish *b)
{
    bool same = a->topic_count == b->topic_count;

    for (int32_t t = 0; same && t < a->topic_count; t++)
        same = consumer_assign_wants(b, a->topics[t]);
    return same;
}

static bool same_topics(struct sticky *sticky)
{
    sticky->alike = 0;
    while (sticky->alike < sticky->member_count && want_the_same(&sticky->members[0], &sticky->members[sticky->alike]))
        sticky->alike++;
    return sticky->alike == sticky->member_count;
}

/* Of two who claim a partition the one of the younger generation has it; of the same, neither. */
static void take_claims(struct sticky *sticky)
{
    int *owner = mem_zero_array((size_t)sticky->total + 1, sizeof(*owner));

    for (int p = 0; p < sticky->total; p++)
        owner[p] = -1;
    for (size_t m = 0; m < sticky->member_count; m++) {
        const struct member_wish *member = &sticky->members[m];

        for (size_t i = 0; i < member->owned_count; i++) {
            int number = sticky_number(sticky, &member->owned[i]), other = number < 0 ? -1 : owner[number];

            if (number < 0)
                continue;
            if (other >= 0 && member->generation < sticky->members[other].owned_generation)
                continue;
            if (other >= 0) {
                sticky_remove(&sticky->owned[other], number);
                sticky->doubly[number] |= member->generation == sticky->members[other].owned_generation;
            }
            if (other < 0 || member->generation > sticky->members[other].owned_generation)
                sticky_add(&sticky->owned[m], number);
            owner[number] = (int)m;
        }
    }
    mem_free(owner);
}

/* 2.7: only those of the newest generation have anything. */
static void take_claims_27(struct sticky *sticky)
{
    int32_t newest = -1;

    for (size_t m = 0; m < sticky->member_count; m++) {
        const struct member_wish *member = &sticky->members[m];

        if (member->generation < newest)
            continue;
        if (member->generation > newest)
            for (size_t other = 0; other < m; other++)
                sticky->owned[other].count = 0;
        newest = member->generation;
        for (size_t i = 0; i < member->owned_count; i++) {
            int number = sticky_number(sticky, &member->owned[i]);

            if (number >= 0)
                sticky_add(&sticky->owned[m], number);
        }
    }
}

/* ---- equal wishes ---- */

struct filling {
    struct sticky *sticky;
    bool *given;                     /* of each partition */
    int *had_by;                     /* who has to give it up, -1 */
    struct sticky_list under, exactly; /* members below the smaller share, and those with just that who may get one more */
    size_t least, most, more_wanted, more; /* shares; how many members may have the larger one, and have it */
};

static int compare_ids(const struct sticky *sticky, int a, int b)
{
    return strcmp(sticky->members[a].member_id, sticky->members[b].member_id);
}

static void sort_members(const struct sticky *sticky, struct sticky_list *list)
{
    for (size_t i = 1; i < list->count; i++)
        for (size_t k = i; k && compare_ids(sticky, list->items[k - 1], list->items[k]) > 0; k--) {
            int swap = list->items[k];

            list->items[k] = list->items[k - 1];
            list->items[k - 1] = swap;
        }
}

/* By partition, then by topic. */
static void sort_owned(const struct sticky *sticky, struct sticky_list *list)
{
    for (size_t i = 1; i < list->count; i++)
        for (size_t k = i; k; k--) {
            int a = list->items[k - 1], b = list->items[k];
            size_t ta = sticky_topic(sticky, a), tb = sticky_topic(sticky, b);
            int pa = a - sticky->first[ta], pb = b - sticky->first[tb];

            if (pa < pb || (pa == pb && ta <= tb))
                break;
            list->items[k - 1] = b;
            list->items[k] = a;
        }
}

static void give(struct filling *filling, int member, int number)
{
    sticky_add(&filling->sticky->got[member], number);
    filling->given[number] = true;
}

static void give_new(struct filling *filling, int member, int number)
{
    struct sticky *sticky = filling->sticky;

    give(filling, member, number);
    if ((filling->had_by[number] >= 0 && (filling->had_by[number] != member || sticky->is_27)) || sticky->doubly[number])
        sticky->transferring[number] = member;
}

/* What has no replica in the member's rack may go to another. */
static void give_up_strange(struct filling *filling, int member)
{
    struct sticky_list *owned = &filling->sticky->owned[member];
    size_t kept = 0;

    for (size_t i = 0; i < owned->count; i++) {
        int number = owned->items[i];

        if (sticky_mismatch(filling->sticky, member, number))
            filling->had_by[number] = member;
        else
            owned->items[kept++] = number;
    }
    owned->count = kept;
}

static void keep_owned(struct filling *filling)
{
    struct sticky *sticky = filling->sticky;

    for (size_t m = 0; m < sticky->member_count; m++) {
        struct sticky_list *owned = &sticky->owned[m];
        size_t keeps;

        give_up_strange(filling, (int)m);
        sort_owned(sticky, owned);
        for (int p = 0; p < sticky->total; p++)
            if (sticky->doubly[p])
                sticky_remove(owned, p);
        if (owned->count < filling->least) {
            keeps = owned->count;
            sticky_add(&filling->under, (int)m);
        } else if (owned->count >= filling->most && filling->more < filling->more_wanted) {
            keeps = filling->most;
            if (++filling->more == filling->more_wanted)
                filling->exactly.count = 0;
        } else {
            keeps = filling->least;
            if (filling->more < filling->more_wanted)
                sticky_add(&filling->exactly, (int)m);
        }
        for (size_t i = 0; i < owned->count; i++)
            if (i < keeps)
                give(filling, (int)m, owned->items[i]);
            else
                filling->had_by[owned->items[i]] = (int)m;
    }
}

/* ---- racks ---- */

struct waiting { int number; size_t candidates; }; /* a partition that nobody has yet, and how many members stand beside it */

static int by_candidates(const void *a, const void *b)
{
    const struct waiting *x = a, *y = b;

    if (x->candidates != y->candidates)
        return x->candidates < y->candidates ? -1 : 1;
    return x->number - y->number;
}

static size_t find_waiting(const struct filling *filling, struct waiting *waiting)
{
    const struct sticky *sticky = filling->sticky;
    size_t count = 0;

    for (int p = 0; p < sticky->total; p++) {
        if (filling->given[p])
            continue;
        waiting[count] = (struct waiting){ p, 0 };
        for (size_t m = 0; m < sticky->member_count && sticky->by_racks; m++)
            waiting[count].candidates += racks_match(&sticky->racks, m, p);
        count++;
    }
    qsort(waiting, count, sizeof(*waiting), by_candidates);
    return count;
}

/* From `first` on, and round: the place of a member in the list that stands beside the partition; -1. */
static int next_beside(const struct sticky *sticky, const struct sticky_list *list, size_t first, int number)
{
    for (size_t i = 0; i < list->count; i++) {
        size_t place = (first + i) % list->count;

        if (racks_match(&sticky->racks, (size_t)list->items[place], number))
            return (int)place;
    }
    return -1;
}

static void give_below_least(struct filling *filling, size_t place, int number, size_t *next)
{
    int member = filling->under.items[place];
    size_t has = filling->sticky->got[member].count + 1;

    if (has >= filling->least) {
        remove_place(&filling->under, place);
        if (has < filling->most && filling->more < filling->more_wanted)
            sticky_add(&filling->exactly, member);
    } else {
        place++;
    }
    *next = filling->under.count ? place % filling->under.count : 0;
    give_new(filling, member, number);
}

static void give_one_more(struct filling *filling, size_t place, int number)
{
    int member = filling->exactly.items[place];

    if (filling->sticky->got[member].count + 1 == filling->most) {
        remove_place(&filling->exactly, place);
        if (++filling->more == filling->more_wanted)
            filling->exactly.count = 0;
    }
    give_new(filling, member, number);
}

/* Partitions that few stand beside come first; each to the next member beside it that has room. */
static void deal_beside(struct filling *filling, const struct waiting *waiting, size_t count)
{
    size_t next = 0;

    for (size_t i = 0; i < count; i++) {
        int place = next_beside(filling->sticky, &filling->under, next, waiting[i].number);

        if (place >= 0) {
            give_below_least(filling, (size_t)place, waiting[i].number, &next);
            continue;
        }
        place = next_beside(filling->sticky, &filling->exactly, 0, waiting[i].number);
        if (place >= 0)
            give_one_more(filling, (size_t)place, waiting[i].number);
    }
}

/* ---- the rest ---- */

static void deal_in_turn(struct filling *filling, const struct waiting *waiting, size_t count)
{
    struct sticky *sticky = filling->sticky;
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        int member;

        if (filling->given[waiting[i].number])
            continue;
        if (filling->under.count) {
            at = at < filling->under.count ? at : 0;
            member = filling->under.items[at];
        } else if (filling->exactly.count) {
            member = filling->exactly.items[0];
            remove_place(&filling->exactly, 0);
        } else {
            return; /* it can't be: the shares add up */
        }
        give_new(filling, member, waiting[i].number);
        if (filling->under.count && sticky->got[member].count == filling->least) {
            remove_place(&filling->under, at);
            sticky_add(&filling->exactly, member);
        } else if (filling->under.count) {
            at++;
        }
    }
}

static void deal_rest(struct filling *filling)
{
    struct waiting *waiting = mem_zero_array((size_t)filling->sticky->total + 1, sizeof(*waiting));
    size_t count = find_waiting(filling, waiting);

    sort_members(filling->sticky, &filling->under);
    sort_members(filling->sticky, &filling->exactly);
    if (filling->sticky->by_racks)
        deal_beside(filling, waiting, count);
    deal_in_turn(filling, waiting, count);
    mem_free(waiting);
}

/* 2.7: what a member has up to the larger share; then those below the smaller are filled, from others that have more if nothing is left. */
static void deal_27(struct filling *filling)
{
    struct sticky *sticky = filling->sticky;
    struct sticky_list full = { 0 };
    bool more = true;
    int p = 0;

    for (size_t m = 0; m < sticky->member_count; m++) {
        struct sticky_list *owned = &sticky->owned[m];

        for (size_t i = 0; i < owned->count; i++)
            if (i < filling->most)
                give(filling, (int)m, owned->items[i]);
            else
                filling->had_by[owned->items[i]] = (int)m;
        if (owned->count < filling->least) {
            sticky_add(&filling->under, (int)m);
            continue;
        }
        if (sticky->got[m].count == filling->least)
            sticky_add(&filling->exactly, (int)m);
        if (sticky->got[m].count == filling->most)
            sticky_add(&full, (int)m);
    }
    sort_members(sticky, &filling->under);
    while (filling->under.count && more) {
        for (size_t i = 0; i < filling->under.count && more;) {
            int member = filling->under.items[i];

            while (p < sticky->total && filling->given[p])
                p++;
            more = p < sticky->total;
            if (!more)
                break;
            give_new(filling, member, p);
            if (sticky->got[member].count == filling->least) {
                sticky_add(&filling->exactly, member);
                sticky_remove(&filling->under, member);
            } else {
                i++;
            }
        }
    }
    for (size_t i = 0; i < filling->under.count; i++) {
        int member = filling->under.items[i];

        while (sticky->got[member].count < filling->least && full.count) {
            int from = full.items[0], number = sticky->got[from].items[0];

            sticky_remove(&full, from);
            sticky_remove(&sticky->got[from], number);
            sticky_add(&sticky->got[member], number);
            sticky->transferring[number] = member;
        }
        sticky_add(&filling->exactly, member);
    }
    for (; p < sticky->total && filling->exactly.count; p++) {
        if (filling->given[p])
            continue;
        give_new(filling, filling->exactly.items[0], p);
        sticky_remove(&filling->exactly, filling->exactly.items[0]);
    }
    mem_free(full.items);
}

static void deal_equally(struct sticky *sticky)
{
    struct filling filling = { .sticky = sticky };
    size_t total = (size_t)sticky->total;

    filling.given = mem_zero_array(total + 1, sizeof(*filling.given));
    filling.had_by = mem_zero_array(total + 1, sizeof(*filling.had_by));
    for (size_t p = 0; p < total; p++)
        filling.had_by[p] = -1;
    filling.least = total / sticky->member_count;
    filling.most = (total + sticky->member_count - 1) / sticky->member_count;
    filling.more_wanted = total % sticky->member_count;
    if (sticky->is_27) {
        deal_27(&filling);
    } else {
        keep_owned(&filling);
        deal_rest(&filling);
    }
    mem_free(filling.given);
    mem_free(filling.had_by);
    mem_free(filling.under.items);
    mem_free(filling.exactly.items);
}

/* ---- both ---- */

/* What somebody gets that another still has by his own words: it is given to nobody in this round. */
static void find_transferring(struct sticky *sticky)
{
    for (size_t m = 0; m < sticky->member_count; m++)
        for (size_t i = 0; i < sticky->got[m].count; i++) {
            int number = sticky->got[m].items[i];
            bool mine = false, others = false;

            for (size_t other = 0; other < sticky->member_count; other++)
                for (size_t k = 0; k < sticky->members[other].owned_count; k++)
                    if (sticky_number(sticky, &sticky->members[other].owned[k]) == number)
                        *(other == m ? &mine : &others) = true;
            if (!mine && others)
                sticky->transferring[number] = (int)m;
        }
}

static void find_racks(struct sticky *sticky, const struct client *client)
{
    size_t *all = mem_zero_array(sticky->member_count + 1, sizeof(*all));

    for (size_t m = 0; m < sticky->member_count; m++)
        all[m] = m;
    racks_init(&sticky->racks, client, sticky->members, sticky->member_count, sticky->topics, sticky->topic_count);
    sticky->by_racks = racks_matter(&sticky->racks, all, sticky->member_count, 0, sticky->total);
    mem_free(all);
}

void consumer_assign_sticky(const struct client *client, bool cooperative, bool is_27, const struct member_wish *members, size_t member_count, struct dealt *dealt,
                            size_t *count)
{
    struct sticky sticky = { .member_count = member_count, .is_27 = is_27, .cooperative = cooperative };
    size_t *order = consumer_assign_java_members(members, member_count), kept = 0;
    bool equal;

    sticky.members = mem_zero_array(member_count + 1, sizeof(*sticky.members));
    for (size_t m = 0; m < member_count; m++)
        sticky.members[m] = members[order[m]];
    sticky.topics = consumer_assign_topics(members, member_count, &sticky.topic_count);
    sticky.first = mem_zero_array(sticky.topic_count + 1, sizeof(*sticky.first));
    sticky.counts = mem_zero_array(sticky.topic_count + 1, sizeof(*sticky.counts));
    for (size_t t = 0; t < sticky.topic_count; t++) { /* only those that there are */
        int partitions = consumer_assign_partition_count(client, sticky.topics[t]);

        if (!partitions)
            continue;
        sticky.topics[kept] = sticky.topics[t];
        sticky.first[kept] = sticky.total;
        sticky.counts[kept++] = partitions;
        sticky.total += partitions;
    }
    sticky.topic_count = kept;
    sticky.owned = mem_zero_array(member_count + 1, sizeof(*sticky.owned));
    sticky.got = mem_zero_array(member_count + 1, sizeof(*sticky.got));
    sticky.transferring = mem_zero_array((size_t)sticky.total + 1, sizeof(*sticky.transferring));
    sticky.doubly = mem_zero_array((size_t)sticky.total + 1, sizeof(*sticky.doubly));
    for (int p = 0; p < sticky.total; p++)
        sticky.transferring[p] = -1;
    find_racks(&sticky, client);
    equal = same_topics(&sticky);
    if (is_27)
        take_claims_27(&sticky);
    else
        take_claims(&sticky);
    if (member_count && sticky.total && equal)
        deal_equally(&sticky);
    else if (member_count && sticky.total)
        sticky_general(&sticky);
    if (cooperative && !equal)
        find_transferring(&sticky);
    for (size_t m = 0; m < member_count; m++)
        for (size_t i = 0; i < sticky.got[m].count; i++) {
            int number = sticky.got[m].items[i];
            size_t t = sticky_topic(&sticky, number);

            if (!cooperative || sticky.transferring[number] != (int)m)
                dealt[(*count)++] = (struct dealt){ sticky.topics[t], number - sticky.first[t], order[m] };
        }
    for (size_t m = 0; m < member_count; m++) {
        mem_free(sticky.owned[m].items);
        mem_free(sticky.got[m].items);
    }
    racks_done(&sticky.racks);
    mem_free(sticky.owned);
    mem_free(sticky.got);
    mem_free(sticky.transferring);
    mem_free(sticky.doubly);
    mem_free(sticky.first);
    mem_free(sticky.counts);
    mem_free(sticky.topics);
    mem_free(sticky.members);
    mem_free(order);
}
