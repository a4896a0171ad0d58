/* java.util.HashMap: a table of a power of two, doubled when three quarters full; within a bucket first come, first
 * out. */
#include "shell/java_order.h"

#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"

static size_t table_size(size_t count, size_t capacity)
{
    size_t size = 16;

    if (capacity)
        for (size = 1; size < capacity; size *= 2)
            ;
    while (count > size * 3 / 4)
        size *= 2;
    return size;
}

static size_t *bucket_order(const uint32_t *hashes, size_t count, size_t size)
{
    size_t *order = mem_zero_array(count + 1, sizeof(*order)), *starts, at = 0;

    starts = mem_zero_array(size + 1, sizeof(*starts));
    for (size_t i = 0; i < count; i++)
        starts[((hashes[i] ^ hashes[i] >> 16) & (size - 1)) + 1]++;
    for (size_t i = 0; i < size; i++)
        starts[i + 1] += starts[i];
    for (; at < count; at++)
        order[starts[(hashes[at] ^ hashes[at] >> 16) & (size - 1)]++] = at;
    mem_free(starts);
    return order;
}

size_t *java_order_hashes(const uint32_t *hashes, size_t count, size_t capacity)
{
    return bucket_order(hashes, count, table_size(count, capacity));
}

struct placed {
    size_t bucket, at;
    int32_t hash;
};

static int compare_placed(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;

    if (x->bucket != y->bucket)
        return x->bucket < y->bucket ? -1 : 1;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* Grows one earlier than Java's: when the next would make it three quarters full. A bucket is kept in the order of its hashes. */
size_t *scala_mutable_order_hashes(const uint32_t *hashes, size_t count)
{
    struct placed *places = mem_zero_array(count + 1, sizeof(*places));
    size_t *order = mem_zero_array(count + 1, sizeof(*order)), size = 16;

    while (count >= size * 3 / 4)
        size *= 2;
    for (size_t i = 0; i < count; i++) {
        uint32_t hash = hashes[i] ^ hashes[i] >> 16;

        places[i] = (struct placed){ .bucket = hash & (size - 1), .at = i, .hash = (int32_t)hash };
    }
    qsort(places, count, sizeof(*places), compare_placed);
    for (size_t i = 0; i < count; i++)
        order[i] = places[i].at;
    mem_free(places);
    return order;
}

/* scala.collection.Hashing.improve */
static uint32_t improved(uint32_t hash)
{
    uint32_t h = hash + ~(hash << 9);

    h ^= h >> 14;
    h += h << 4;
    return h ^ h >> 10;
}

struct trie {
    const uint32_t *hashes;
    size_t *order, count;
};

/* A node's own entries first, in the order of the five bits at `shift`; then its sub-nodes in the same order. */
static void walk_trie(struct trie *trie, const size_t *items, size_t count, int shift)
{
    size_t *part;

    if (shift > 30 || count < 2) {
        for (size_t i = 0; i < count; i++)
            trie->order[trie->count++] = items[i];
        return;
    }
    part = mem_zero_array(count, sizeof(*part));
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t mask = 0; mask < 32; mask++) {
            size_t found = 0;

            for (size_t i = 0; i < count; i++)
                if ((improved(trie->hashes[items[i]]) >> shift & 31) == mask)
                    part[found++] = items[i];
            if (!pass && found == 1)
                trie->order[trie->count++] = part[0];
            if (pass && found > 1)
                walk_trie(trie, part, found, shift + 5);
        }
    mem_free(part);
}

size_t *scala_order_hashes(const uint32_t *hashes, size_t count)
{
    size_t *items = mem_zero_array(count + 1, sizeof(*items));
    struct trie trie = { .hashes = hashes };

    for (size_t i = 0; i < count; i++)
        items[i] = i;
    if (count <= 4)
        return items;
    trie.order = mem_zero_array(count + 1, sizeof(*trie.order));
    walk_trie(&trie, items, count, 0);
    mem_free(items);
    return trie.order;
}

uint32_t topic_partition_hash(const char *topic, int32_t partition)
{
    return 31 * (31 + (uint32_t)partition) + java_hash(topic);
}

size_t *java_order(const char *const *keys, size_t count, size_t capacity)
{
    uint32_t *hashes = mem_zero_array(count + 1, sizeof(*hashes));
    size_t *order;

    for (size_t i = 0; i < count; i++)
        hashes[i] = java_hash(keys[i]);
    order = java_order_hashes(hashes, count, capacity);
    mem_free(hashes);
    return order;
}

struct hashed {
    int32_t hash; /* compared with its sign, as Scala does */
    size_t at;
};

static int by_hash(const void *a, const void *b)
{
    const struct hashed *left = a, *right = b;

    return left->hash != right->hash ? (left->hash < right->hash ? -1 : 1)
           : left->at < right->at    ? -1
                                     : left->at > right->at;
}

size_t *java_order_of_scala(const char *const *keys, size_t count)
{
    struct hashed *sorted = mem_zero_array(count + 1, sizeof(*sorted));
    uint32_t *hashes = mem_zero_array(count + 1, sizeof(*hashes));
    size_t *order;

    for (size_t i = 0; i < count; i++) {
        uint32_t hash = java_hash(keys[i]);

        sorted[i] = (struct hashed){ (int32_t)(hash ^ hash >> 16), i };
    }
    qsort(sorted, count, sizeof(*sorted), by_hash);
    for (size_t i = 0; i < count; i++)
        hashes[i] = java_hash(keys[sorted[i].at]);
    order = java_order_hashes(hashes, count, 0);
    for (size_t i = 0; i < count; i++)
        order[i] = sorted[order[i]].at;
    mem_free(hashes);
    mem_free(sorted);
    return order;
}
