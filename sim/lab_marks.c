/* What people name in a lab: moments (marks) and clients. No events. */
#include "sim/lab_internal.h"

#include <string.h>

static struct mark *find_mark(const struct lab *lab, const char *name)
{
    for (size_t i = 0; i < lab->mark_count; i++)
        if (!strcmp(lab->marks[i].name, name))
            return &lab->marks[i];
    return NULL;
}

void lab_mark(struct lab *lab, const char *name)
{
    struct mark *mark = find_mark(lab, name);

    if (!mark) {
        ARRAY_ADD(lab->marks, lab->mark_count, lab->mark_capacity) = (struct mark){ .name = mem_text(name) };
        mark = &lab->marks[lab->mark_count - 1];
    }
    mark->at_us = queue_now_us(lab->queue);
    mark->entry = journal_last(lab->journal);
}

size_t lab_mark_count(const struct lab *lab) { return lab->mark_count; }
struct mark lab_mark_at(const struct lab *lab, size_t i) { return lab->marks[i]; }

bool lab_mark_find(const struct lab *lab, const char *name, struct mark *out)
{
    const struct mark *mark = find_mark(lab, name);

    if (mark)
        *out = *mark;
    return mark != NULL;
}

void lab_name_client(struct lab *lab, const char *address, const char *name)
{
    config_map_set(&lab->client_names, address, name);
}

const char *lab_client_name(const struct lab *lab, const char *address)
{
    return config_map_get(&lab->client_names, address);
}
