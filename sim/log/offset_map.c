/* MD5, and an open table of it. */
#include "sim/log/offset_map.h"

#include <string.h>

#include "sim/base/mem.h"

/* ---- MD5 ---- */

static const uint32_t sines[64] = { /* floor(2^32 * abs(sin(i + 1))) */
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1,
    0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453,
    0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942,
    0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05,
    0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d,
    0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};
static const uint8_t shifts[4][4] = { { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 } };

static uint32_t get_le(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void md5_block(uint32_t state[4], const uint8_t block[64])
{
    uint32_t words[16], a = state[0], b = state[1], c = state[2], d = state[3];

    for (int i = 0; i < 16; i++)
        words[i] = get_le(block + 4 * i);
    for (int i = 0; i < 64; i++) {
        int round = i / 16, shift = shifts[round][i % 4];
        uint32_t f = round == 0 ? (b & c) | (~b & d) : round == 1 ? (d & b) | (~d & c) : round == 2 ? b ^ c ^ d : c ^ (b | ~d);
        int word = round == 0 ? i : round == 1 ? (5 * i + 1) % 16 : round == 2 ? (3 * i + 5) % 16 : 7 * i % 16;

        f += a + sines[i] + words[word];
        a = d;
        d = c;
        c = b;
        b += f << shift | f >> (32 - shift);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void md5(struct bytes data, uint8_t out[MD5_SIZE])
{
    uint32_t state[4] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 };
    uint8_t tail[128] = { 0 };
    size_t whole = data.size / 64 * 64, left = data.size - whole, end = left < 56 ? 64 : 128;

    for (size_t at = 0; at < whole; at += 64)
        md5_block(state, data.data + at);
    if (left)
        memcpy(tail, data.data + whole, left);
    tail[left] = 0x80;
    for (int i = 0; i < 8; i++)
        tail[end - 8 + (size_t)i] = (uint8_t)((uint64_t)data.size * 8 >> 8 * i);
    for (size_t at = 0; at < end; at += 64)
        md5_block(state, tail + at);
    for (int i = 0; i < MD5_SIZE; i++)
        out[i] = (uint8_t)(state[i / 4] >> 8 * (i % 4));
}

/* ---- the table ---- */

void offset_map_init(struct offset_map *map, int64_t memory_bytes, double load_factor, int64_t most_keys)
{
    int64_t slots = (memory_bytes < INT32_MAX ? memory_bytes : INT32_MAX) / OFFSET_MAP_SLOT, needed;

    slots = slots < 2 ? 2 : slots;
    needed = most_keys < slots / 2 - 8 ? 2 * most_keys + 16 : slots;
    *map = (struct offset_map){ .slot_count = (uint32_t)(needed < slots ? needed : slots), .latest_offset = -1 };
    map->most = load_factor >= 1 ? (uint32_t)slots : load_factor > 0 ? (uint32_t)((double)slots * load_factor) : 0;
    map->slots = mem_zero_array(map->slot_count, OFFSET_MAP_SLOT);
}

void offset_map_done(struct offset_map *map)
{
    mem_free(map->slots);
    *map = (struct offset_map){ .latest_offset = -1 };
}

/* The first attempts take successive windows of the hash, the others go on slot by slot. */
static uint8_t *slot_of(const struct offset_map *map, const uint8_t hash[MD5_SIZE], uint32_t attempt)
{
    enum { WINDOWS = MD5_SIZE - 4 };
    uint32_t probe = get_u32(hash + (attempt < WINDOWS ? attempt : WINDOWS)) + (attempt > WINDOWS ? attempt - WINDOWS : 0);
    int32_t value = (int32_t)probe;

    return map->slots + (size_t)((value == INT32_MIN ? 0 : (uint32_t)(value < 0 ? -value : value)) % map->slot_count) * OFFSET_MAP_SLOT;
}

/* The key's slot, or the empty one where it would go; NULL: neither is there. */
static uint8_t *find_slot(const struct offset_map *map, const uint8_t hash[MD5_SIZE], bool *known)
{
    static const uint8_t empty[OFFSET_MAP_SLOT];

    *known = false;
    for (uint32_t attempt = 0; attempt < map->slot_count + MD5_SIZE - 4; attempt++) {
        uint8_t *slot = slot_of(map, hash, attempt);

        if (!memcmp(slot, empty, sizeof(empty)))
            return slot;
        *known = !memcmp(slot, hash, MD5_SIZE);
        if (*known)
            return slot;
    }
    return NULL;
}

bool offset_map_put(struct offset_map *map, struct bytes key, int64_t offset)
{
    uint8_t hash[MD5_SIZE], *slot;
    bool known;

    if (map->count >= map->most)
        return false;
    md5(key, hash);
    slot = find_slot(map, hash, &known);
    if (!slot)
        return false;
    memcpy(slot, hash, MD5_SIZE);
    put_u64(slot + MD5_SIZE, (uint64_t)offset);
    map->count += !known;
    map->latest_offset = offset;
    return true;
}

int64_t offset_map_get(const struct offset_map *map, struct bytes key)
{
    uint8_t hash[MD5_SIZE], *slot;
    bool known;

    md5(key, hash);
    slot = find_slot(map, hash, &known);
    return slot && known ? get_i64(slot + MD5_SIZE) : -1;
}
