/* What a history asks of the controller, and of leaders: topics, partitions, settings, elections, reassignments, records that are to go. What becomes of it nobody waits for. */
#include <stdlib.h>
#include <string.h>

#include "tests/seeds/play_internal.h"

/* ---- what is asked of the controller ---- */

static struct client_options admin_options(struct stage *stage)
{
    return (struct client_options){ .transport = stage->admin_transport, .bootstrap = BOOTSTRAP, .client_id = "admin", .kind = CLIENT_ADMIN,
                                    .release = release_is_27(stage->history->release) ? RELEASE_27 : RELEASE_43 };
}

static enum err make_topic(struct task *task, struct client *client, const struct history_topic *line, struct reason *reason)
{
    struct create_topics_request_topic topic = { .name = line->name, .num_partitions = line->partitions, .replication_factor = line->factor };
    struct create_topics_request request = { .topics = { &topic, 1 }, .timeout_ms = 30000 };
    struct create_topics_response *answer;
    struct config_map settings = { 0 };
    struct arena arena;
    void *out = NULL;
    enum err err;

    arena_init(&arena);
    settings_read(line->settings, &settings);
    topic.configs.items = arena_alloc(&arena, (settings.count + 1) * sizeof(*topic.configs.items));
    for (size_t s = 0; s < settings.count; s++)
        topic.configs.items[topic.configs.count++] = (struct create_topics_request_config){ settings.sets[s].name, settings.sets[s].value };
    err = client_call(task, client, NODE_CONTROLLER, 19, 4, &request, &arena, &out, reason);
    answer = out;
    if (!err && answer->topics.items[0].error_code)
        err = err_because((enum err)answer->topics.items[0].error_code, reason, "topic %s: %s", line->name, answer->topics.items[0].error_message);
    arena_done(&arena);
    config_map_done(&settings);
    return err;
}

static void make_topics(struct task *task, void *context)
{
    struct stage *stage = context;
    struct client_options options = admin_options(stage);
    struct client *client;
    struct reason reason = { "" };
    enum err err = client_open(&client, &options, &reason);

    for (size_t i = 0; i < stage->history->topic_count && !err; i++)
        err = make_topic(task, client, &stage->history->topics[i], &reason);
    client_close(client);
    if (err)
        stage_fail(stage, "history", reason.text);
    stage->topics_made = true;
}

void admin_make_topics(struct stage *stage)
{
    stage->admin_transport = lab_transport(stage->lab, "127.0.0.1");
    task_start(make_topics, NULL, stage);
}

struct asked {                        
    struct stage *stage;
    enum step_kind kind;
    const char *words;
    struct task *task;
    struct asked *next;
};

static void elect(struct task *task, struct client *client, const char *topic, int32_t partition, struct arena *arena)
{
    struct elect_leaders_request_topic item = { .topic = topic, .partitions = { &partition, 1 } };
    struct elect_leaders_request request = { .topic_partitions = { &item, 1 }, .timeout_ms = 10000 };
    void *out;

    client_call(task, client, NODE_CONTROLLER, 43, -1, &request, arena, &out, NULL);
}

static void reassign(struct task *task, struct client *client, const char *topic, int32_t partition, char *ids, struct arena *arena)
{
    enum { MOST_IDS = 16 };
    int32_t replicas[MOST_IDS];
    struct alter_partition_reassignments_request_partition to = { .partition_index = partition, .replicas = { replicas, 0 } };
    struct alter_partition_reassignments_request_topic item = { .name = topic, .partitions = { &to, 1 } };
    struct alter_partition_reassignments_request request = { .timeout_ms = 10000, .allow_replication_factor_change = true, .topics = { &item, 1 } };
    const char *one;
    void *out;

    while ((one = strsep(&ids, ",")) && to.replicas.count < MOST_IDS)
        if (parse_i32(one, &replicas[to.replicas.count]))
            to.replicas.count++;
    client_call(task, client, NODE_CONTROLLER, 45, -1, &request, arena, &out, NULL);
}

static void delete_topic(struct task *task, struct client *client, const char *name, struct arena *arena)
{
    struct delete_topics_request request = { .topic_names = { &name, 1 }, .timeout_ms = 10000 };
    void *out;

    client_call(task, client, NODE_CONTROLLER, 20, 5, &request, arena, &out, NULL);
}

static void add_partitions(struct task *task, struct client *client, const char *name, int32_t count, struct arena *arena)
{
    struct create_partitions_request_topic topic = { .name = name, .count = count };
    struct create_partitions_request request = { .topics = { &topic, 1 }, .timeout_ms = 10000 };
    void *out;

    topic.assignments.count = -1;
    client_call(task, client, NODE_CONTROLLER, 37, -1, &request, arena, &out, NULL);
}

static void configure(struct task *task, struct client *client, const char *name, char *setting, struct arena *arena)
{
    struct incremental_alter_configs_request_config set = { .name = strsep(&setting, "="), .value = setting };
    struct incremental_alter_configs_request_resource resource = { .resource_type = 2, .resource_name = name, .configs = { &set, 1 } };
    struct incremental_alter_configs_request request = { .resources = { &resource, 1 } };
    void *out;

    if (setting)
        client_call(task, client, NODE_CONTROLLER, 44, -1, &request, arena, &out, NULL);
}

/* How far it can be read is asked first. */
static void remove_records(struct task *task, struct client *client, const char *name, int32_t partition, int32_t percent, struct arena *arena)
{
    struct list_offsets_request_partition place = { .partition_index = partition, .current_leader_epoch = -1, .timestamp = -1 };
    struct list_offsets_request_topic topic = { .name = name, .partitions = { &place, 1 } };
    struct list_offsets_request offsets = { .replica_id = -1, .topics = { &topic, 1 } };
    struct delete_records_request_partition which = { .partition_index = partition };
    struct delete_records_request_topic item = { .name = name, .partitions = { &which, 1 } };
    struct delete_records_request request = { .topics = { &item, 1 }, .timeout_ms = 10000 };
    const struct client_topic *known;
    const struct list_offsets_response *answer;
    void *out;

    if (client_metadata(task, client, &name, 1, false, true, NULL) || !(known = client_topic(client, name)) || partition >= known->partition_count ||
        known->partitions[partition].leader < 0)
        return;
    if (client_call(task, client, known->partitions[partition].leader, 2, 5, &offsets, arena, &out, NULL))
        return;
    answer = out;
    if (answer->topics.count != 1 || answer->topics.items[0].partitions.count != 1 || answer->topics.items[0].partitions.items[0].error_code)
        return;
    which.offset = percent == 100 ? -1 : answer->topics.items[0].partitions.items[0].offset * percent / 100 + (percent > 100);
    client_call(task, client, known->partitions[partition].leader, 21, -1, &request, arena, &out, NULL);
}

static const struct history_topic *line_of(const struct stage *stage, const char *name)
{
    for (size_t i = 0; i < stage->history->topic_count; i++)
        if (!strcmp(stage->history->topics[i].name, name))
            return &stage->history->topics[i];
    return NULL;
}

static void ask_topic(struct task *task, struct client *client, const struct asked *asked, const char *topic, char *rest, struct arena *arena)
{
    const struct history_topic *line = line_of(asked->stage, topic);
    int32_t number;

    if (asked->kind == STEP_DELETE)
        delete_topic(task, client, topic, arena);
    else if (asked->kind == STEP_CREATE && line)
        make_topic(task, client, line, NULL);
    else if (asked->kind == STEP_PARTITIONS && rest && parse_i32(rest, &number))
        add_partitions(task, client, topic, number, arena);
    else if (asked->kind == STEP_CONFIG && rest)
        configure(task, client, topic, rest, arena);
}

static void ask_partition(struct task *task, struct client *client, const struct asked *asked, const char *topic, int32_t partition, char *rest, struct arena *arena)
{
    int32_t percent;

    if (asked->kind == STEP_ELECT)
        elect(task, client, topic, partition, arena);
    else if (asked->kind == STEP_REASSIGN && rest)
        reassign(task, client, topic, partition, rest, arena);
    else if (asked->kind == STEP_REMOVE && rest && parse_i32(rest, &percent))
        remove_records(task, client, topic, partition, percent, arena);
}

static void ask(struct task *task, void *context)
{
    struct asked *asked = context;
    struct client_options options = admin_options(asked->stage);
    char *words = mem_text(asked->words), *rest = words, *topic = strsep(&rest, " ");
    struct client *client;
    struct arena arena;
    int32_t number;

    asked->task = task;
    arena_init(&arena);
    if (!client_open(&client, &options, NULL)) {
        if (asked->kind >= STEP_CREATE && asked->kind != STEP_REMOVE)
            ask_topic(task, client, asked, topic, rest, &arena);
        else if (rest && parse_i32(strsep(&rest, " "), &number))
            ask_partition(task, client, asked, topic, number, rest, &arena);
        client_close(client);
    }
    arena_done(&arena);
    mem_free(words);
}

static void asked_over(void *context)
{
    struct asked *asked = context, **at = &asked->stage->asked;

    while (*at != asked)
        at = &(*at)->next;
    *at = asked->next;
    mem_free(asked);
}

static void begin_ask(struct stage *stage, enum step_kind kind, const char *words)
{
    struct asked *asked = mem_zero(sizeof(*asked));

    *asked = (struct asked){ .stage = stage, .kind = kind, .words = words, .next = stage->asked };
    stage->asked = asked;
    task_start(ask, asked_over, asked);
}

void admin_step(struct stage *stage, const struct step *step)
{
    begin_ask(stage, step->kind, step->who);
}

bool admin_make_missing(struct stage *stage)
{
    const struct image *image = cluster_image(lab_cluster(stage->lab));
    bool all = true;

    for (size_t i = 0; i < stage->history->topic_count; i++) {
        const char *name = stage->history->topics[i].name;

        if (image_topic(image, name))
            continue;
        all = false;
        if (!stage->asked)
            begin_ask(stage, STEP_CREATE, name);
    }
    return all;
}

void admin_close(struct stage *stage)
{
    while (stage->asked)
        task_interrupt(stage->asked->task);
    transport_free(stage->admin_transport);
}
