/* java.util.HashMap: a table of a power of two, doubled when three quarters full; within a bucket first come, first out. */
#include "shell/java_order.h"

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

size_t *java_order_hashes(const uint32_t *hashes, size_t count, size_t capacity)
{
    size_t size = table_size(count, capacity), *order = mem_zero_array(count + 1, sizeof(*order)), *starts, at = 0;

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
