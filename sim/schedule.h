/* Orders for later: what `at` gave, by moment. */
#pragma once
#include "sim/sim.h"

enum { MOST_DUE_ORDERS = 1000 };

struct due_order {
    uint64_t number;              /* from 1 */
    int64_t at_us;
    const char *words;            /* "broker kill 2" */
};
size_t lab_due_count(const struct lab *lab);
const struct due_order *lab_due_at(const struct lab *lab, size_t i);   /* the next first */
