/* A ring of outcomes. */
#include "shell/outcomes.h"

#include "shell/shell.h"

enum { MOST_OUTCOMES = 10000 };

struct outcomes {
    struct outcome *items;
    size_t count, capacity;
};

static void done(struct outcome *outcome)
{
    mem_free(outcome->text);
    mem_free(outcome->said);
}

void outcome_add(struct shell *shell, struct outcome *outcome)
{
    struct outcomes *all = shell->outcomes;

    if (!all)
        all = shell->outcomes = mem_zero(sizeof(*all));
    if (all->count == MOST_OUTCOMES) {
        for (size_t i = 0; i < MOST_OUTCOMES / 2; i++)
            done(&all->items[i]);
        all->count = MOST_OUTCOMES / 2;
        for (size_t i = 0; i < all->count; i++)
            all->items[i] = all->items[i + MOST_OUTCOMES / 2];
    }
    ARRAY_ADD(all->items, all->count, all->capacity) = *outcome;
}

size_t outcome_count(const struct shell *shell) { return shell->outcomes ? shell->outcomes->count : 0; }
const struct outcome *outcome_at(const struct shell *shell, size_t i) { return &shell->outcomes->items[i]; }

void outcomes_end(struct shell *shell)
{
    for (size_t i = 0; i < outcome_count(shell); i++)
        done(&shell->outcomes->items[i]);
    if (shell->outcomes)
        mem_free(shell->outcomes->items);
    mem_free(shell->outcomes);
    shell->outcomes = NULL;
}
