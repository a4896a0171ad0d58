/* xoshiro256** (Blackman and Vigna, public domain algorithm). */
#include "sim/base/random.h"

#include <inttypes.h>
#include <stdio.h>

#include <assert.h>

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void random_init(struct random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        random->state[i] = splitmix(&seed);
}

struct random random_fork(struct random *random, const char *purpose)
{
    uint64_t seed = random->state[0] ^ random->state[3];
    struct random fork;

    for (; *purpose; purpose++)
        seed = (seed ^ (uint8_t)*purpose) * 0x100000001b3u;
    random_init(&fork, seed);
    return fork;
}

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

uint64_t random_u64(struct random *random)
{
    uint64_t *s = random->state, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t random_below(struct random *random, uint64_t limit)
{
    uint64_t tail, value;

    assert(limit > 0);
    tail = -limit % limit; /* values below it would make small results likelier */
    do
        value = random_u64(random);
    while (value < tail);
    return value % limit;
}

double random_unit(struct random *random)
{
    return (double)(random_u64(random) >> 11) * 0x1p-53;
}

void random_hex(struct random *random, char out[33])
{
    for (int i = 0; i < 32; i += 16)
        snprintf(out + i, 17, "%016" PRIx64, random_u64(random));
}
