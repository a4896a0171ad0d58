/* DescribeLogDirs: its bytes and what the broker does with it. */
#include "sim/wire/api/35_describe_log_dirs.h"

#include <stdlib.h>
#include <string.h>

#include "sim/cluster/inspect.h"
#include "sim/cluster/log_dirs.h"
#include "sim/cluster/partition.h"
#include "sim/wire/wire.h"

static const struct field describe_log_dirs_request_topic_fields[] = {
    FIELD(describe_log_dirs_request_topic, topic, T_STRING, 0, NEWEST),
    FIELD_ARRAY(describe_log_dirs_request_topic, partitions, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field describe_log_dirs_request_fields[] = {
    FIELD_STRUCTS(describe_log_dirs_request, topics, describe_log_dirs_request_topic, 0, NEWEST,
                  .null_since = 0),
    { 0 },
};

const struct message describe_log_dirs_request_message = {
    .name = "DescribeLogDirsRequest",
    .first = 0,
    .last = 5,
    .flexible_since = 2,
    .fields = describe_log_dirs_request_fields,
    .size = sizeof(struct describe_log_dirs_request),
};

static const struct field describe_log_dirs_response_partition_fields[] = {
    FIELD(describe_log_dirs_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(describe_log_dirs_response_partition, partition_size, T_INT64, 0, NEWEST),
    FIELD(describe_log_dirs_response_partition, offset_lag, T_INT64, 0, NEWEST),
    FIELD(describe_log_dirs_response_partition, is_future_key, T_BOOL, 0, NEWEST),
    { 0 },
};

static const struct field describe_log_dirs_response_topic_fields[] = {
    FIELD(describe_log_dirs_response_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(describe_log_dirs_response_topic, partitions,
                  describe_log_dirs_response_partition, 0, NEWEST),
    { 0 },
};

static const struct field describe_log_dirs_response_dir_fields[] = {
    FIELD(describe_log_dirs_response_dir, error_code, T_INT16, 0, NEWEST),
    FIELD(describe_log_dirs_response_dir, log_dir, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(describe_log_dirs_response_dir, topics, describe_log_dirs_response_topic, 0,
                  NEWEST),
    FIELD(describe_log_dirs_response_dir, total_bytes, T_INT64, 4, NEWEST, .preset = -1),
    FIELD(describe_log_dirs_response_dir, usable_bytes, T_INT64, 4, NEWEST, .preset = -1),
    FIELD(describe_log_dirs_response_dir, is_cordoned, T_BOOL, 5, NEWEST),
    { 0 },
};

static const struct field describe_log_dirs_response_fields[] = {
    FIELD(describe_log_dirs_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD(describe_log_dirs_response, error_code, T_INT16, 3, NEWEST),
    FIELD_STRUCTS(describe_log_dirs_response, results, describe_log_dirs_response_dir, 0, NEWEST),
    { 0 },
};

const struct message describe_log_dirs_response_message = {
    .name = "DescribeLogDirsResponse",
    .first = 0,
    .last = 5,
    .flexible_since = 2,
    .fields = describe_log_dirs_response_fields,
    .size = sizeof(struct describe_log_dirs_response),
};

/* ---- what the broker does ---- */

static bool is_asked(const struct describe_log_dirs_request *in, const struct partition *partition)
{
    for (int32_t t = 0; t < in->topics.count; t++)
        for (int32_t p = 0; p < in->topics.items[t].partitions.count && !strcmp(in->topics.items[t].topic, partition_topic(partition)); p++)
            if (in->topics.items[t].partitions.items[p] == partition_number(partition))
                return true;
    return in->topics.count < 0;
}

static int by_name(const void *a, const void *b)
{
    const struct partition *left = *(struct partition *const *)a, *right = *(struct partition *const *)b;
    int order = strcmp(partition_topic(left), partition_topic(right));

    return order ? order : partition_number(left) - partition_number(right);
}

static void add_partition(struct request *request, struct describe_log_dirs_response_dir *dir, const struct partition *partition, const struct log *log, size_t room)
{
    struct describe_log_dirs_response_topic *topic = dir->topics.count ? &dir->topics.items[dir->topics.count - 1] : NULL;
    bool future = log != partition_log(partition);
    int64_t end = future ? log_end_offset(partition_log(partition)) : log_high_watermark(log), lag = end - log_end_offset(log);

    if (!topic || strcmp(topic->name, partition_topic(partition))) {
        topic = &dir->topics.items[dir->topics.count++];
        topic->name = arena_text(&request->arena, partition_topic(partition), strlen(partition_topic(partition)));
        REPLY_ARRAY(request, topic->partitions, room);
        topic->partitions.count = 0;
    }
    topic->partitions.items[topic->partitions.count++] = (struct describe_log_dirs_response_partition){
        .partition_index = partition_number(partition), .partition_size = log_size_bytes(log), .offset_lag = future || lag > 0 ? lag : 0,
        .is_future_key = future,
    };
}

static size_t count_of_topic(struct partition *const *found, size_t count, size_t from)
{
    size_t end = from;

    while (end < count && !strcmp(partition_topic(found[end]), partition_topic(found[from])))
        end++;
    return end - from;
}

/* Does it lie in that folder? */
static bool lies_in(const struct log *log, const char *dir)
{
    const char *path = log_dir(log);
    size_t size = strlen(dir);

    return !strncmp(path, dir, size) && path[size] == '/' && !strchr(path + size + 1, '/');
}

static void add_dir(struct request *request, struct describe_log_dirs_response_dir *dir, const char *path, struct partition *const *found, size_t count)
{
    *dir = (struct describe_log_dirs_response_dir){ .log_dir = arena_text(&request->arena, path, strlen(path)), .total_bytes = -1, .usable_bytes = -1 };
    REPLY_ARRAY(request, dir->topics, count);
    dir->topics.count = 0;
    for (size_t i = 0; i < count; i++)
        for (int future = 0; future < 2; future++) {
            const struct log *log = future ? partition_future_log(found[i]) : partition_log(found[i]);

            if (log && lies_in(log, path))
                add_partition(request, dir, found[i], log, count_of_topic(found, count, i));
        }
}

/* Folders whose size nobody limits. */
enum reply handle_describe_log_dirs(struct request *request)
{
    const struct describe_log_dirs_request *in = request->in;
    struct describe_log_dirs_response *answer = request->out;
    size_t count = 0, all = broker_partition_count(request->broker);
    size_t dirs = cluster_inspected(request->cluster) ? cluster_inspect_dir_count(request->cluster) : broker_dir_count(request->broker);
    struct partition **found = arena_alloc(&request->arena, (all + 1) * sizeof(*found));

    for (size_t i = 0; i < all; i++) {
        struct partition *partition = broker_partition_at(request->broker, i);

        if (partition_log(partition) && is_asked(in, partition))
            found[count++] = partition;
    }
    qsort(found, count, sizeof(*found), by_name);
    REPLY_ARRAY(request, answer->results, dirs);
    for (size_t i = 0; i < dirs; i++)
        add_dir(request, &answer->results.items[i], cluster_inspected(request->cluster) ? cluster_inspect_dir(request->cluster, i) : log_dir_path(broker_dir_at(request->broker, i)), found, count);
    for (size_t i = 0; i < broker_dir_count(request->broker); i++)
        if (!log_dir_online(broker_dir_at(request->broker, i)))
            answer->results.items[i].error_code = ERR_KAFKA_STORAGE_ERROR;
    return REPLY_NOW;
}
