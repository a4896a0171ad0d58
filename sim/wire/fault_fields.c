/* Requests and answers as faults see them: through the tables of fields, whatever the API. What names a topic, a partition or a group is known by the names of
 * fields, which the protocol gives with care.
 *
 * An API that only reads is served, and the error put into its answer, so that all else in it (the brokers in Metadata, for instance) is as it should be. Of one that
 * changes something what is hit is taken out first, and answered by entries built from the request's own. */
#include <string.h>

#include "sim/wire/faults_internal.h"
#include "sim/wire/fetch_session.h"
#include "sim/wire/messages.h"

struct any_items {
    char *items;
    int32_t count;
};

/* ---- what fields mean ---- */

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (!strcmp(name, *names))
            return true;
    return false;
}

static const char *const topic_names[] = { "name", "topic", "topic_name", NULL };
static const char *const partition_names[] = { "partition_index", "partition", "partition_id", "index", NULL };
static const char *const group_arrays[] = { "groups", "group_ids", "groups_names", NULL };
/* What tells an entry from the others: an answer repeats it. */
static const char *const key_names[] = { "name", "topic", "topic_name", "topic_id", "partition_index", "partition", "partition_id", "index", "group_id", "key",
                                         "member_id", "group_instance_id", "resource_type", "resource_name", "transactional_id", "log_dir", "producer_id", "is_internal",
                                         NULL };
/* What stays of an answer that is an error as a whole: clients look for it in any case. */
static const char *const kept_names[] = { "brokers", "api_keys", "cluster_id", "controller_id", "throttle_time_ms", "session_id", "node_endpoints", NULL };

static bool in_version(const struct field *field, int16_t version)
{
    return version >= field->since && version <= field->until;
}

static const struct field *find_field(const struct field *fields, const char *const *names, enum field_type type, int16_t version)
{
    for (const struct field *field = fields; field->name; field++)
        if (field->type == type && !field->array && in_version(field, version) && is_one_of(field->name, names))
            return field;
    return NULL;
}

static const struct field *named(const struct field *fields, const char *name, enum field_type type, int16_t version)
{
    return find_field(fields, (const char *const[]){ name, NULL }, type, version);
}

static const char *string_at(const void *item, const struct field *field)
{
    return field ? *(const char *const *)((const char *)item + field->offset) : NULL;
}

/* "topics", "topic_data", "responses", "replica_election_results": an array whose items are topics. */
static bool of_topics(const struct field *array, int16_t version)
{
    bool fits = strstr(array->name, "topic") || strstr(array->name, "responses") || strstr(array->name, "results");

    if (!fits || !array->array || strstr(array->name, "forgotten"))
        return false;
    if (array->type == T_STRING)
        return strstr(array->name, "topic") != NULL;
    return array->type == T_STRUCT && (find_field(array->fields, topic_names, T_STRING, version) || named(array->fields, "topic_id", T_UUID, version));
}

static bool of_partitions(const struct field *array)
{
    return array->array && strstr(array->name, "partition") && (array->type == T_INT32 || array->type == T_STRUCT);
}

static const char *topic_of_id(const struct request *request, struct uuid id)
{
    const struct image_topic *topic = uuid_is_zero(id) ? NULL : image_topic_by_id(cluster_image(request->cluster), id);

    return topic ? topic->name : NULL;
}

enum { RESOURCE_TOPIC = 2, RESOURCE_GROUP = 32 };

/* What this struct says of itself; the rest is as around it. `array`: whose item it is; NULL: the message itself. */
static struct fault_place place_of(const struct request *request, const struct field *array, const struct field *fields, const void *item,
                                   struct fault_place around, int16_t version)
{
    struct fault_place place = around;
    const struct field *id, *type = named(fields, "resource_type", T_INT8, version), *key_type = named(fields, "key_type", T_INT8, version);
    const struct field *partition = find_field(fields, partition_names, T_INT32, version);
    const char *group = string_at(item, named(fields, "group_id", T_STRING, version)), *key = string_at(item, named(fields, "key", T_STRING, version));

    if (group)
        place.group = group;
    if (key && (!key_type || !*(const int8_t *)((const char *)item + key_type->offset)))
        place.group = key;
    if (type) {
        const char *name = string_at(item, named(fields, "resource_name", T_STRING, version));
        int8_t kind = *(const int8_t *)((const char *)item + type->offset);

        place.topic = kind == RESOURCE_TOPIC ? name : place.topic;
        place.group = kind == RESOURCE_GROUP ? name : place.group;
    }
    if (array && of_topics(array, version)) {
        place.topic = string_at(item, find_field(fields, topic_names, T_STRING, version));
        id = named(fields, "topic_id", T_UUID, version);
        if (id && (!place.topic || !*place.topic))
            place.topic = topic_of_id(request, *(const struct uuid *)((const char *)item + id->offset));
    } else if (array && of_partitions(array) && partition && place.topic) {
        place.partition = *(const int32_t *)((const char *)item + partition->offset);
    }
    return place;
}

/* Of an item that is no struct: a topic's or group's name, a partition's number. */
static struct fault_place scalar_place(const struct field *array, const void *item, struct fault_place around, int16_t version)
{
    struct fault_place place = around;

    if (array->type == T_STRING && of_topics(array, version))
        place.topic = *(const char *const *)item;
    else if (array->type == T_STRING && (is_one_of(array->name, group_arrays) || !strcmp(array->name, "coordinator_keys")))
        place.group = *(const char *const *)item;
    else if (array->type == T_INT32 && of_partitions(array) && place.topic)
        place.partition = *(const int32_t *)item;
    return place;
}

static size_t item_size(const struct field *array)
{
    return array->type == T_STRUCT ? array->size : array->type == T_STRING ? sizeof(char *) : sizeof(int32_t);
}

static bool fits(const struct fault_rule *rule, const struct fault_place *place)
{
    return (!rule->topic || (place->topic && text_matches(place->topic, rule->topic))) &&
           (!rule->group || (place->group && text_matches(place->group, rule->group))) && (rule->partition < 0 || place->partition == rule->partition);
}

/* ---- does a request speak of it? ---- */

static bool walks(const struct field *field)
{
    return field->array && (field->type == T_STRUCT || field->type == T_STRING || field->type == T_INT32);
}

static bool find_place(const struct request *request, const struct field *array, const struct field *fields, const void *item, struct fault_place around,
                       const struct fault_rule *rule, struct fault_place *found)
{
    struct fault_place place = place_of(request, array, fields, item, around, request->version);

    /* the innermost is the most exact */
    for (const struct field *field = fields; field->name; field++) {
        const struct any_items *inner = (const void *)((const char *)item + field->offset);

        if (!walks(field) || !in_version(field, request->version))
            continue;
        if (inner->count < 0 && of_topics(field, request->version)) { /* null: of all there are */
            struct fault_rule any = *rule;

            any.topic = NULL;
            any.partition = -1;
            *found = place;
            if (fits(&any, &place))
                return true;
        }
        for (int32_t i = 0; i < inner->count; i++) {
            const char *at = inner->items + (size_t)i * item_size(field);

            if (field->type == T_STRUCT) {
                if (find_place(request, field, field->fields, at, place, rule, found))
                    return true;
                continue;
            }
            *found = scalar_place(field, at, place, request->version);
            if (fits(rule, found))
                return true;
        }
    }
    *found = place;
    return fits(rule, &place);
}

/* With a session, a fetch is of more than it names. */
static bool session_place(const struct request *request, const struct fault_rule *rule, struct fault_place *place)
{
    const struct fetch_request *in = request->in;
    const struct fetch_session *session = in->session_id ? fetch_session_find((struct request *)request, in->session_id) : NULL;

    for (size_t i = 0; session && i < session->count; i++) {
        const char *topic = *session->targets[i].topic ? session->targets[i].topic : topic_of_id(request, session->targets[i].topic_id);

        *place = (struct fault_place){ .topic = topic, .partition = session->targets[i].partition };
        if (fits(rule, place))
            return true;
    }
    return false;
}

enum { FETCH_KEY = 1, METADATA_KEY = 3 };

bool fault_matches(const struct request *request, const struct fault_rule *rule, struct fault_place *place)
{
    struct fault_place nothing = { .partition = -1 };

    return find_place(request, NULL, request->api->request->fields, request->in, nothing, rule, place) ||
           (request->api->key == FETCH_KEY && session_place(request, rule, place));
}

/* ---- an error in an answer ---- */

/* Of an entry that is an error all but its key says nothing: the preset, or -1, which is nobody and nowhere. */
static void say_nothing(const struct field *fields, char *item, int16_t version, bool whole)
{
    for (const struct field *field = fields; field->name; field++) {
        char *at = item + field->offset;
        bool number = !field->array && (field->type == T_INT32 || field->type == T_INT64);
        struct field one[2] = { *field, { 0 } };

        if (is_one_of(field->name, whole ? kept_names : key_names) || (whole && is_one_of(field->name, key_names)) || !strcmp(field->name, "error_code"))
            continue;
        wire_release_records(one, item);
        one->offset = 0;
        fields_preset(&(struct message){ .fields = one, .size = field->array ? sizeof(struct any_items) : field_bytes(field) }, at);
        if (number && !field->preset && in_version(field, version) && strcmp(field->name, "throttle_time_ms")) {
            if (field->type == T_INT32)
                *(int32_t *)at = -1;
            else
                *(int64_t *)at = -1;
        }
    }
}

/* Errors that an answer has as a whole though its entries could have them: Fetch's of sessions, Metadata's call to start anew. All others of these two go to
 * the entries, where clients look for them. */
static bool goes_to_top(const struct request *request, enum err error)
{
    if (request->api->key == FETCH_KEY)
        return error == ERR_FETCH_SESSION_ID_NOT_FOUND || error == ERR_INVALID_FETCH_SESSION_EPOCH || error == ERR_FETCH_SESSION_TOPIC_ID_ERROR;
    return request->api->key != METADATA_KEY || error == ERR_REBOOTSTRAP_REQUIRED;
}

/* Into this struct, or what is in it; true: it is somewhere. */
static bool put_error(const struct request *request, const struct field *array, const struct field *fields, char *item, struct fault_place around,
                      const struct fault_rule *rule)
{
    struct fault_place place = place_of(request, array, fields, item, around, request->version);
    const struct field *error = named(fields, "error_code", T_INT16, request->version);
    bool here = error && fits(rule, &place) && (array || goes_to_top(request, rule->error)), there = false;

    if (!here)
        for (const struct field *field = fields; field->name; field++) {
            const struct any_items *inner = (const void *)(item + field->offset);

            for (int32_t i = 0; field->array && field->type == T_STRUCT && in_version(field, request->version) && i < inner->count; i++)
                there = put_error(request, field, field->fields, inner->items + (size_t)i * field->size, place, rule) || there;
        }
    if (!here)
        return there;
    say_nothing(fields, item, request->version, !array);
    *(int16_t *)(item + error->offset) = (int16_t)rule->error;
    return true;
}

static struct fault_place whole_place(const struct request *request)
{
    struct fault_place nothing = { .partition = -1 };

    return place_of(request, NULL, request->api->request->fields, request->in, nothing, request->version);
}

/* ---- an answer built from its request ---- */

static bool has_errors(const struct field *fields, int16_t version)
{
    if (named(fields, "error_code", T_INT16, version))
        return true;
    for (const struct field *field = fields; field->name; field++)
        if (field->array && field->type == T_STRUCT && in_version(field, version) && has_errors(field->fields, version))
            return true;
    return false;
}

/* The request's array of which an answer's array speaks: the one that is of topics as it is, else the first. */
static const struct field *mirrored(const struct field *fields, const struct field *answer, int16_t version)
{
    const struct field *first = NULL;

    for (const struct field *field = fields; field->name; field++) {
        if (!walks(field) || !in_version(field, version))
            continue;
        if (of_topics(field, version) && of_topics(answer, version))
            return field;
        if (!first && !of_topics(field, version) == !of_topics(answer, version))
            first = field;
    }
    return first;
}

static void copy_keys(const struct field *from, const char *item, const struct field *to, char *out, int16_t version)
{
    for (const struct field *field = to; field->name; field++) {
        const struct field *source = NULL;

        if (field->array || !in_version(field, version) || !is_one_of(field->name, key_names))
            continue;
        for (const struct field *candidate = from; candidate->name && !source; candidate++)
            if (!candidate->array && candidate->type == field->type && in_version(candidate, version) && !strcmp(candidate->name, field->name))
                source = candidate;
        if (!source && field->type == T_STRING && is_one_of(field->name, topic_names))
            source = find_field(from, topic_names, T_STRING, version);
        if (!source && field->type == T_INT32 && is_one_of(field->name, partition_names))
            source = find_field(from, partition_names, T_INT32, version);
        if (source)
            memcpy(out + field->offset, item + source->offset, field_bytes(field));
    }
}

static void mirror(struct request *request, const struct field *from, const char *in, const struct field *to, char *out);

/* Behind the entries that there are already, one for each item. */
static void mirror_items(struct request *request, const struct field *array, const struct any_items *items, const struct field *to, struct any_items *answers)
{
    struct any_items all = { NULL, answers->count + (items->count > 0 ? items->count : 0) };

    all.items = arena_alloc(&request->arena, (size_t)all.count * to->size);
    if (answers->count)
        memcpy(all.items, answers->items, (size_t)answers->count * to->size);
    for (int32_t i = 0; i < items->count; i++) {
        const char *item = items->items + (size_t)i * item_size(array);
        char *answer = all.items + (size_t)(answers->count + i) * to->size;

        fields_preset(&(struct message){ .fields = to->fields, .size = to->size }, answer);
        if (array->type == T_STRUCT) {
            mirror(request, array->fields, item, to->fields, answer);
        } else { /* an array of names or numbers: each is the key */
            const struct field *key = find_field(to->fields, key_names, array->type, request->version);

            if (key)
                memcpy(answer + key->offset, item, field_bytes(key));
        }
    }
    *answers = all;
}

/* Topics that a request names within something else, as AlterReplicaLogDirs does within dirs. */
static void mirror_nested(struct request *request, const struct field *from, const char *in, const struct field *to, struct any_items *answers)
{
    for (const struct field *outer = from; outer->name; outer++) {
        const struct any_items *items = (const void *)(in + outer->offset);
        const struct field *array = outer->type == T_STRUCT && walks(outer) && in_version(outer, request->version)
                                        ? mirrored(outer->fields, to, request->version) : NULL;

        for (int32_t i = 0; array && i < items->count; i++)
            mirror_items(request, array, (const void *)(items->items + (size_t)i * outer->size + array->offset), to, answers);
    }
}

static void mirror(struct request *request, const struct field *from, const char *in, const struct field *to, char *out)
{
    int16_t version = request->version;

    copy_keys(from, in, to, out, version);
    for (const struct field *field = to; field->name; field++) {
        struct any_items answers = { 0 };
        const struct field *array;

        if (!field->array || field->type != T_STRUCT || !in_version(field, version) || !has_errors(field->fields, version))
            continue;
        array = mirrored(from, field, version);
        if (array)
            mirror_items(request, array, (const void *)(in + array->offset), field, &answers);
        else
            mirror_nested(request, from, in, field, &answers);
        if (array || answers.count)
            *(struct any_items *)(out + field->offset) = answers;
    }
}

/* ---- parts of a request ---- */

/* Takes out of an array what fits; `taken` gets it, and what is left stays. */
static void split(struct request *request, const struct field *array, struct any_items *items, struct any_items *taken, struct fault_place around,
                  const struct fault_rule *rule)
{
    size_t size = item_size(array);
    struct any_items left = { 0 };

    *taken = (struct any_items){ arena_alloc(&request->arena, (size_t)items->count * size), 0 };
    left.items = arena_alloc(&request->arena, (size_t)items->count * size);
    for (int32_t i = 0; i < items->count; i++) {
        char *item = items->items + (size_t)i * size, *into;
        struct fault_place place = array->type == T_STRUCT ? place_of(request, array, array->fields, item, around, request->version)
                                                           : scalar_place(array, item, around, request->version);
        struct fault_rule topic = *rule;
        bool whole = fits(rule, &place);

        topic.partition = -1;
        if (whole || array->type != T_STRUCT || !of_topics(array, request->version) || !fits(&topic, &place)) {
            struct any_items *to = whole ? taken : &left;

            memcpy(to->items + (size_t)to->count++ * size, item, size);
            continue;
        }
        into = taken->items + (size_t)taken->count * size; /* some of its partitions, perhaps */
        memcpy(into, item, size);
        for (const struct field *field = array->fields; field->name; field++)
            if (of_partitions(field) && in_version(field, request->version)) {
                struct any_items *inner = (void *)(item + field->offset), *out = (void *)(into + field->offset);

                split(request, field, inner, out, place, rule);
                taken->count += out->count > 0;
                if (inner->count)
                    memcpy(left.items + (size_t)left.count++ * size, item, size);
            }
    }
    *items = left;
}

/* Of the message's own arrays; `part` becomes a copy of the message that has what is taken only. */
enum taken { TAKEN_NONE, TAKEN_SOME, TAKEN_ALL };

static enum taken take_part(struct request *request, const struct fault_rule *rule, char *part)
{
    const struct message *message = request->api->request;
    struct fault_place whole = whole_place(request);
    bool rest = false, any = false;

    memcpy(part, request->in, message->size);
    for (const struct field *field = message->fields; field->name; field++) {
        struct any_items *items = (void *)((char *)request->in + field->offset), *taken = (void *)(part + field->offset);

        if (!walks(field) || !in_version(field, request->version) || items->count <= 0 || !(of_topics(field, request->version) || is_one_of(field->name, group_arrays)))
            continue;
        split(request, field, items, taken, whole, rule);
        any = any || taken->count;
        rest = rest || items->count;
    }
    return !any ? TAKEN_NONE : rest ? TAKEN_SOME : TAKEN_ALL;
}

/* ---- both ---- */

static bool same_key(const struct field *fields, const char *a, const char *b, int16_t version)
{
    for (const struct field *field = fields; field->name; field++) {
        if (field->array || !in_version(field, version) || !is_one_of(field->name, key_names))
            continue;
        if (field->type == T_STRING ? !text_equal(string_at(a, field), string_at(b, field)) : memcmp(a + field->offset, b + field->offset, field_bytes(field)) != 0)
            return false;
    }
    return true;
}

/* Entries of `more` go where they belong in `out`: a topic that has some there already has both. */
static void merge(struct request *request, const struct field *fields, char *out, const char *more)
{
    for (const struct field *field = fields; field->name; field++) {
        struct any_items *to = (void *)(out + field->offset), all;
        const struct any_items *from = (const void *)(more + field->offset);

        if (!field->array || field->type != T_STRUCT || !in_version(field, request->version) || !has_errors(field->fields, request->version) || from->count <= 0)
            continue;
        all = (struct any_items){ arena_alloc(&request->arena, (size_t)(to->count + from->count) * field->size), to->count };
        if (to->count)
            memcpy(all.items, to->items, (size_t)to->count * field->size);
        for (int32_t i = 0; i < from->count; i++) {
            const char *entry = from->items + (size_t)i * field->size;
            int32_t at = 0;

            while (at < to->count && !same_key(field->fields, all.items + (size_t)at * field->size, entry, request->version))
                at++;
            if (at < to->count)
                merge(request, field->fields, all.items + (size_t)at * field->size, entry);
            else
                memcpy(all.items + (size_t)all.count++ * field->size, entry, field->size);
        }
        *to = all;
    }
}

/* A fetch is answered at once; partitions of its session that had no news are answered too. */
static void add_fetched(struct request *request, const struct fault_rule *rule)
{
    const struct fetch_request *in = request->in;
    struct fetch_response *out = request->out;
    const struct fetch_session *session = in->session_id ? fetch_session_find(request, in->session_id) : NULL;
    struct fetch_response missing = { 0 };

    if (!session || out->error_code || goes_to_top(request, rule->error))
        return;
    missing.responses.items = arena_alloc(&request->arena, session->count * sizeof(*missing.responses.items));
    for (size_t i = 0; i < session->count; i++) {
        const struct fetch_target *target = &session->targets[i];
        const char *topic = *target->topic ? target->topic : topic_of_id(request, target->topic_id);
        struct fetch_response_topic *entry = &missing.responses.items[missing.responses.count];
        bool there = false;

        if (!fits(rule, &(struct fault_place){ .topic = topic, .partition = target->partition }))
            continue;
        for (int32_t t = 0; t < out->responses.count && !there; t++)
            for (int32_t p = 0; p < out->responses.items[t].partitions.count && !there; p++)
                there = out->responses.items[t].partitions.items[p].partition_index == target->partition &&
                        (session->by_id ? uuid_equal(out->responses.items[t].topic_id, target->topic_id) : text_equal(out->responses.items[t].topic, target->topic));
        if (there)
            continue;
        *entry = (struct fetch_response_topic){ .topic = target->topic, .topic_id = target->topic_id };
        entry->partitions.items = arena_alloc(&request->arena, sizeof(*entry->partitions.items));
        entry->partitions.count = 1;
        for (const struct field *field = request->api->response->fields; field->name; field++)
            if (!strcmp(field->name, "responses"))
                for (const struct field *inner = field->fields; inner->name; inner++)
                    if (!strcmp(inner->name, "partitions"))
                        fields_preset(&(struct message){ .fields = inner->fields, .size = inner->size }, entry->partitions.items);
        entry->partitions.items[0].partition_index = target->partition;
        missing.responses.count++;
    }
    merge(request, request->api->response->fields, request->out, (const char *)&missing);
}

/* It may be forgotten while the request waits. */
static struct fault_rule *keep_rule(struct request *request, const struct fault_rule *rule)
{
    struct fault_rule *kept = arena_alloc(&request->arena, sizeof(*kept));

    *kept = *rule;
    kept->topic = rule->topic ? arena_text(&request->arena, rule->topic, strlen(rule->topic)) : NULL;
    kept->group = rule->group ? arena_text(&request->arena, rule->group, strlen(rule->group)) : NULL;
    kept->api = kept->client = NULL; /* not asked for any more */
    return kept;
}

bool fault_refuse(struct request *request, const struct fault_rule *rule)
{
    const struct message *message = request->api->request, *response = request->api->response;
    struct fault_rule all = { .error = rule->error, .partition = -1 };
    const struct fault_place nothing = { .partition = -1 };
    enum taken taken = TAKEN_NONE;
    char *part, *answer;

    if (wire_only_reads(request->api->key)) {
        if (request->api->key == FETCH_KEY)
            ((struct fetch_request *)request->in)->max_wait_ms = 0;
        request->fault = keep_rule(request, rule);
        return true;
    }
    part = arena_alloc(&request->arena, message->size);
    answer = arena_alloc(&request->arena, response->size);
    fields_preset(response, answer);
    if (rule->topic || rule->group || rule->partition >= 0)
        taken = take_part(request, rule, part);
    mirror(request, message->fields, taken ? part : request->in, response->fields, answer);
    put_error(request, NULL, response->fields, answer, nothing, &all);
    if (taken == TAKEN_SOME)
        request->injected = answer;
    else
        request->out = answer;
    return taken == TAKEN_SOME;
}

void fault_finish_answer(struct request *request)
{
    if (request->injected)
        merge(request, request->api->response->fields, request->out, request->injected);
    if (!request->fault)
        return;
    if (request->api->key == FETCH_KEY)
        add_fetched(request, request->fault);
    put_error(request, NULL, request->api->response->fields, request->out, whole_place(request), request->fault);
}
