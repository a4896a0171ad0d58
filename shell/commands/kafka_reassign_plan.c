/* kafka-reassign-partitions: plans, as its JSON files have them. */
#include <stdlib.h>
#include <string.h>

#include "shell/commands/kafka_reassign_partitions.h"
#include "shell/tool_json.h"

enum { MOST_PLANNED_REPLICAS = 100000 };

/* ---- plans ---- */

void plan_done(struct plan *plan)
{
    mem_free(plan->items);
    *plan = (struct plan){ 0 };
}

static int by_place(const void *a, const void *b)
{
    const struct placed *left = a, *right = b;
    int order = strcmp(left->topic, right->topic);

    return order ? order : (left->partition > right->partition) - (left->partition < right->partition);
}

static int by_place_and_age(const void *a, const void *b)
{
    const struct placed *left = a, *right = b;
    int order = by_place(a, b);

    return order ? order : (left->at > right->at) - (left->at < right->at);
}

static void sort_all(struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        plan->items[i].at = i;
    if (plan->count)
        qsort(plan->items, plan->count, sizeof(*plan->items), by_place_and_age);
}

void plan_sort(struct plan *plan)
{
    size_t kept = 0;

    sort_all(plan);
    for (size_t i = 0; i < plan->count; i++)
        if (i + 1 == plan->count || by_place(&plan->items[i], &plan->items[i + 1]))
            plan->items[kept++] = plan->items[i];
    plan->count = kept;
}

struct placed *plan_find(const struct plan *sorted, const char *topic, int32_t partition)
{
    struct placed key = { .topic = topic, .partition = partition };

    return sorted->count ? bsearch(&key, sorted->items, sorted->count, sizeof(key), by_place) : NULL;
}

bool broker_ids_contain(const struct broker_ids *ids, int32_t id)
{
    for (int32_t i = 0; i < ids->count; i++)
        if (ids->items[i] == id)
            return true;
    return false;
}

void broker_ids_add(struct arena *arena, struct broker_ids *ids, int32_t id)
{
    int32_t *old = ids->items;

    if (!(ids->count & (ids->count - 1))) { /* room for the next power of two */
        ids->items = arena_alloc(arena, ((size_t)ids->count * 2 + 1) * sizeof(*ids->items));
        if (ids->count)
            memcpy(ids->items, old, (size_t)ids->count * sizeof(*old));
    }
    ids->items[ids->count++] = id;
}

bool plan_has_dirs(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        for (int32_t r = 0; r < plan->items[i].replicas.count; r++)
            if (plan->items[i].dirs && plan->items[i].dirs[r])
                return true;
    return false;
}

char *plan_names(const struct plan *plan)
{
    struct text text = { 0 };

    text_add(&text, "");
    for (size_t i = 0; i < plan->count; i++)
        text_printf(&text, "%s%s-%d", i ? "," : "", plan->items[i].topic, (int)plan->items[i].partition);
    return text_take(&text);
}

/* ---- reading ---- */

static bool admin_operation(const struct reassign *reassign, struct trouble *trouble, const char *what)
{
    return trouble_set(trouble, reassign_is_old(reassign) ? "kafka.admin.AdminOperationException" : "org.apache.kafka.tools.AdminOperationException",
                       "%s", what);
}

static bool check_version(const struct reassign *reassign, const struct json *whole, struct trouble *trouble)
{
    const struct json *version = json_get(whole, "version");
    int32_t number = 1;
    char *text;

    if (version && !tool_json_i32(version, &number, trouble))
        return false;
    if (number == 1)
        return true;
    text = mem_printf("Not supported version field value %d", (int)number);
    admin_operation(reassign, trouble, text);
    mem_free(text);
    return false;
}

static bool read_dirs(struct reassign *reassign, const struct json *value, struct placed *placed, struct trouble *trouble)
{
    struct text replicas = { 0 }, dirs = { 0 };
    int32_t count = 0;
    const char *dir;

    if (!tool_json_array(value, trouble))
        return false;
    placed->dirs = arena_alloc(&reassign->file, ((size_t)placed->replicas.count + 1) * sizeof(*placed->dirs));
    text_add(&dirs, reassign_is_old(reassign) ? "List(" : "[");
    for (const struct json *item = value->items; item; item = item->next) {
        if (!tool_json_text(item, &dir, trouble)) {
            text_done(&dirs);
            return false;
        }
        text_printf(&dirs, "%s%s", count ? ", " : "", dir);
        if (count < placed->replicas.count)
            placed->dirs[count] = text_equal(dir, "any") ? NULL : dir;
        count++;
    }
    text_add(&dirs, reassign_is_old(reassign) ? ")" : "]");
    if (count != placed->replicas.count) {
        text_add(&replicas, reassign_is_old(reassign) ? "List(" : "[");
        for (int32_t i = 0; i < placed->replicas.count; i++)
            text_printf(&replicas, "%s%d", i ? ", " : "", (int)placed->replicas.items[i]);
        text_add(&replicas, reassign_is_old(reassign) ? ")" : "]");
        reassign_refuse(reassign, trouble, "Size of replicas list %s is different from size of log dirs list %s for partition %s-%d",
                        text_chars(&replicas), text_chars(&dirs), placed->topic, (int)placed->partition);
    }
    text_done(&replicas);
    text_done(&dirs);
    return count == placed->replicas.count;
}

static bool read_placed(struct reassign *reassign, const struct json *item, struct plan *plan, struct trouble *trouble)
{
    const struct json *topic, *partition, *replicas, *dirs;
    struct placed placed = { 0 };
    int32_t id;

    if (!tool_json_object(item, trouble) || !tool_json_member(item, "topic", &topic, trouble) || !tool_json_text(topic, &placed.topic, trouble) ||
        !tool_json_member(item, "partition", &partition, trouble) || !tool_json_i32(partition, &placed.partition, trouble) ||
        !tool_json_member(item, "replicas", &replicas, trouble) || !tool_json_array(replicas, trouble))
        return false;
    for (const struct json *one = replicas->items; one; one = one->next) {
        if (!tool_json_i32(one, &id, trouble))
            return false;
        if (placed.replicas.count < MOST_PLANNED_REPLICAS)
            broker_ids_add(&reassign->file, &placed.replicas, id);
    }
    dirs = json_get(item, "log_dirs");
    if (dirs && !read_dirs(reassign, dirs, &placed, trouble))
        return false;
    ARRAY_ADD(plan->items, plan->count, plan->capacity) = placed;
    return true;
}

bool plan_read(struct reassign *reassign, const char *path, struct plan *plan, struct trouble *trouble)
{
    const struct json *whole, *partitions;
    const char *text;

    if (!tool_read_file(&reassign->file, path, &text, trouble))
        return false;
    whole = json_parse(&reassign->file, text);
    if (!whole && reassign_is_old(reassign))
        return admin_operation(reassign, trouble, "The input string is not a valid JSON");
    if (!whole) {
        char *message;

        tool_json_invalid(text, trouble);
        message = mem_text(trouble->message);
        trouble_wrap(trouble, "org.apache.kafka.tools.AdminOperationException", message);
        mem_free(message);
        return false;
    }
    if (!tool_json_object(whole, trouble) || !check_version(reassign, whole, trouble))
        return false;
    partitions = json_get(whole, "partitions");
    if (!partitions)
        return true;
    if (!tool_json_array(partitions, trouble))
        return false;
    for (const struct json *item = partitions->items; item; item = item->next)
        if (!read_placed(reassign, item, plan, trouble))
            return false;
    return true;
}

bool plan_read_topics(struct reassign *reassign, const char *path, const char ***topics, size_t *count, struct trouble *trouble)
{
    const struct json *whole, *list, *topic;
    size_t room = 0;
    const char *text;

    *count = 0;
    *topics = NULL;
    if (!tool_read_file(&reassign->file, path, &text, trouble))
        return false;
    whole = json_parse(&reassign->file, text);
    if (!whole)
        return admin_operation(reassign, trouble, "The input string is not a valid JSON");
    if (!tool_json_object(whole, trouble) || !check_version(reassign, whole, trouble))
        return false;
    list = json_get(whole, "topics");
    if (!list)
        return true;
    if (!tool_json_array(list, trouble))
        return false;
    for (const struct json *item = list->items; item; item = item->next)
        room++;
    *topics = arena_alloc(&reassign->file, (room + 1) * sizeof(**topics));
    for (const struct json *item = list->items; item; item = item->next)
        if (!tool_json_object(item, trouble) || !tool_json_member(item, "topic", &topic, trouble) ||
            !tool_json_text(topic, &(*topics)[(*count)++], trouble))
            return false;
    return true;
}

/* ---- what --execute refuses ---- */

static bool check_partitions_twice(struct reassign *reassign, const struct plan *plan, struct trouble *trouble)
{
    struct plan sorted = { mem_copy(plan->items, plan->count * sizeof(*plan->items)), plan->count, plan->count };
    struct text names = { 0 };
    bool any;

    sort_all(&sorted);
    for (size_t i = 1; i < sorted.count; i++)
        if (!by_place(&sorted.items[i - 1], &sorted.items[i]) && (i == 1 || by_place(&sorted.items[i - 2], &sorted.items[i])))
            text_printf(&names, "%s%s-%d", names.size ? "," : "", sorted.items[i].topic, (int)sorted.items[i].partition);
    plan_done(&sorted);
    any = names.size;
    if (any)
        reassign_refuse(reassign, trouble, "Partition reassignment contains duplicate topic partitions: %s", text_chars(&names));
    text_done(&names);
    return !any;
}

static void add_replicas_twice(const struct placed *placed, struct text *out)
{
    struct text ids = { 0 };

    for (int32_t i = 0; i < placed->replicas.count; i++) {
        int32_t before = 0, after = 0, id = placed->replicas.items[i];

        for (int32_t j = 0; j < placed->replicas.count; j++)
            if (placed->replicas.items[j] == id)
                before += j < i, after += j > i;
        if (!before && after)
            text_printf(&ids, "%s%d", ids.size ? "," : "", (int)id);
    }
    if (ids.size)
        text_printf(out, "%s%s-%d contains multiple entries for %s", out->size ? ". " : "", placed->topic, (int)placed->partition, text_chars(&ids));
    text_done(&ids);
}

bool plan_check(struct reassign *reassign, const struct plan *plan, struct trouble *trouble)
{
    struct text twice = { 0 };
    bool any;

    if (!plan->count)
        return reassign_refuse(reassign, trouble, "Partition reassignment list cannot be empty");
    for (size_t i = 0; i < plan->count; i++)
        if (!plan->items[i].replicas.count)
            return reassign_refuse(reassign, trouble, "Partition replica list cannot be empty");
    if (!check_partitions_twice(reassign, plan, trouble))
        return false;
    for (size_t i = 0; i < plan->count; i++)
        add_replicas_twice(&plan->items[i], &twice);
    any = twice.size;
    if (any)
        reassign_refuse(reassign, trouble, "Partition replica lists may not contain duplicate entries: %s", text_chars(&twice));
    text_done(&twice);
    return !any;
}

/* ---- writing ---- */

void plan_print(struct reassign *reassign, const struct plan *plan)
{
    struct text out = { 0 };

    text_add(&out, "{\"version\":1,\"partitions\":[");
    for (size_t i = 0; i < plan->count; i++) {
        const struct placed *placed = &plan->items[i];

        text_printf(&out, "%s{\"topic\":", i ? "," : "");
        text_json(&out, bytes_text(placed->topic));
        text_printf(&out, ",\"partition\":%d,\"replicas\":[", (int)placed->partition);
        for (int32_t r = 0; r < placed->replicas.count; r++)
            text_printf(&out, "%s%d", r ? "," : "", (int)placed->replicas.items[r]);
        text_add(&out, "],\"log_dirs\":[");
        for (int32_t r = 0; r < placed->replicas.count; r++) {
            if (r)
                text_char(&out, ',');
            text_json(&out, bytes_text(placed->dirs && placed->dirs[r] ? placed->dirs[r] : "any"));
        }
        text_add(&out, "]}");
    }
    text_add(&out, "]}\n");
    call_write(reassign->call, out.data, out.size);
    text_done(&out);
}
