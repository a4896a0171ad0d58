/* Chance is the seed's, on every machine. */
#include "sim/base/random.h"

#include "tests/harness.h"

TEST(the_same_seed_gives_the_same_numbers)
{
    struct random a, b, c;

    random_init(&a, 42);
    random_init(&b, 42);
    random_init(&c, 43);
    for (int i = 0; i < 100; i++) {
        uint64_t v = random_u64(&a);

        CHECK(v == random_u64(&b));
        CHECK(v != random_u64(&c));
    }
}

TEST(the_generator_is_xoshiro256)
{
    struct random random = { { 1, 2, 3, 4 } }; /* the reference gives these */

    CHECK_INT(11520, random_u64(&random));
    CHECK_INT(0, random_u64(&random));
    CHECK_INT(1509978240, random_u64(&random));
    CHECK_INT(1215971899390074240, random_u64(&random));
}

TEST(a_fork_takes_nothing_from_its_parent)
{
    struct random a, b, one, again, other;

    random_init(&a, 7);
    random_init(&b, 7);
    one = random_fork(&a, "placement");
    again = random_fork(&a, "placement");
    other = random_fork(&a, "ids");
    CHECK(random_u64(&one) == random_u64(&again));
    CHECK(random_u64(&one) != random_u64(&other));
    CHECK(random_u64(&a) == random_u64(&b));
}

TEST(numbers_stay_below_the_limit_and_spread)
{
    struct random random;
    int seen[7] = { 0 };

    random_init(&random, 1);
    for (int i = 0; i < 7000; i++) {
        double unit = random_unit(&random);

        seen[random_below(&random, 7)]++;
        CHECK(unit >= 0 && unit < 1);
    }
    for (int i = 0; i < 7; i++)
        CHECK(seen[i] > 850 && seen[i] < 1150);
    CHECK_INT(0, random_below(&random, 1));
}
