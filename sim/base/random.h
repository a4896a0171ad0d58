/* Chance, from one seed: xoshiro256** seeded by splitmix64. Same seed, same numbers, on every machine. */
#pragma once
#include <stdint.h>

struct random {
    uint64_t state[4];
};
void random_init(struct random *random, uint64_t seed);
/* A generator of its own for one purpose, so that a new user of chance does not shift the numbers of another. */
struct random random_fork(struct random *random, const char *purpose);
/* 32 of its digits in hex, as a UUID without dashes. */
void random_hex(struct random *random, char out[33]);
uint64_t random_u64(struct random *random);
uint64_t random_below(struct random *random, uint64_t limit);  /* 0..limit-1, evenly; limit > 0 */
double random_unit(struct random *random);                     /* [0, 1) */
