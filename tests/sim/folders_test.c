/* What real brokers' data folders held at moments of their lives (kill -9 and a damaged tail, a clean shutdown, a start, a deleted topic),
 * played in virtual time: every `ls -la`, `cat` and `xxd` of the captures is compared with ours, checkpoints as sets of lines. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/text.h"
#include "tests/sim/sim_lab.h"

enum { MOST_BLOCKS = 2000, MOST_BODY = 64 };

struct block {
    int64_t at_ms;
    char *heading, *body[MOST_BODY];
    int count;
};
struct capture {
    char *text, settings[512];
    struct block blocks[MOST_BLOCKS];
    size_t count;
};

struct scene {
    struct sim_lab sim;
    struct wire_client *client;
    struct capture *capture;
    const char *name;
    bool is_27;
    int64_t zero_us;
    int checked;
};

/* ---- the capture ---- */
static struct capture *capture_read(const char *name)
{
    struct capture *capture = mem_zero(sizeof(*capture));
    char path[128], *save = NULL;
    size_t size;

    snprintf(path, sizeof(path), "timelines/%s.txt", name);
    capture->text = (char *)golden_read(path, &size);
    for (char *line = strtok_r(capture->text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *end;
        double at;

        if (text_starts(line, "# broker settings: ")) {
            snprintf(capture->settings, sizeof(capture->settings), "%s", line + 19);
            for (char *p = capture->settings; *p; p++)
                if (*p == ',')
                    *p = ' ';
        } else if (text_starts(line, "            ")) {
            struct block *block = &capture->blocks[capture->count - 1];

            CHECK(capture->count && block->count < MOST_BODY);
            block->body[block->count++] = line + 12;
        } else if (*line != '#' && (at = strtod(line, &end), text_starts(end, " s  "))) {
            CHECK(capture->count < MOST_BLOCKS);
            capture->blocks[capture->count++] = (struct block){ .at_ms = (int64_t)(at * 1000 + 0.5), .heading = end + 4 };
        }
    }
    return capture;
}

/* ---- ours against it ---- */
static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines sorted, what is one's own in each cluster replaced. */
static char *as_set(char **lines, int count)
{
    static const char *const keys[] = { "cluster.id=", "directory.id=", "topic_id: ", "brokerEpoch\":" };
    char *kept[MOST_BODY + 2];
    struct text out = { 0 };
    int n = 0;

    for (int i = 0; i < count; i++) {
        if (!*lines[i] || *lines[i] == '#' || *lines[i] == '\\')
            continue;
        for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
            char *value = strstr(lines[i], keys[k]);

            if (value)
                for (value += strlen(keys[k]); *value && *value != '}'; value++)
                    *value = '*';
        }
        kept[n++] = lines[i];
    }
    qsort(kept, (size_t)n, sizeof(*kept), by_text);
    for (int i = 0; i < n; i++)
        text_printf(&out, "%s\n", kept[i]);
    return text_take(&out);
}

static char *our_path(struct scene *scene, const char *path)
{
    CHECK(text_starts(path, "/tmp/kafka-logs"));
    return mem_printf("%s/broker-%d%s", lab_dir(scene->sim.lab), scene->is_27 ? 0 : 1, path + 15);
}

static void add_entry(char **lines, int *count, const char *name, bool folder, int64_t size)
{
    const char *dot = strchr(name, '.');
    bool doomed = dot && text_ends(name, "-delete");

    CHECK(*count < MOST_BODY);
    lines[(*count)++] = mem_printf("%.*s%s%s %lld", doomed ? (int)(dot - name) : (int)strlen(name), name, doomed ? ".<ID>-delete" : "",
                                   folder ? "/" : "", folder ? 0LL : (long long)size);
}

static void compare(struct scene *scene, const struct block *block, char *expected, char *got)
{
    if (strcmp(expected, got))
        print_error("%s at %.2f s: %s\n", scene->name, (double)block->at_ms / 1000, block->heading);
    CHECK_TEXT(expected, got);
    mem_free(expected);
    mem_free(got);
    scene->checked++;
}

static void free_lines(char **lines, int count)
{
    for (int i = 0; i < count; i++)
        mem_free(lines[i]);
}

static void check_listing(struct scene *scene, const struct block *block, char *path)
{
    char *theirs[MOST_BODY], *ours[MOST_BODY], *folder;
    int their_count = 0, our_count = 0;
    struct fs *fs = lab_fs(scene->sim.lab);
    struct fs_names names;

    if (text_ends(path, "/"))
        path[strlen(path) - 1] = 0;
    for (int i = 0; i < block->count; i++) {
        char mode[16], name[128];
        long long size;

        if (sscanf(block->body[i], "%15s %*d %*s %*s %lld %*s %127s", mode, &size, name) == 3 && strcmp(name, ".") && strcmp(name, ".."))
            add_entry(theirs, &their_count, name, *mode == 'd', size);
    }
    folder = our_path(scene, path);
    CHECK_INT(ERR_OK, fs_list(fs, folder, &names, NULL));
    for (size_t i = 0; i < names.count; i++) {
        char *file = mem_printf("%s/%s", folder, names.names[i]);
        struct file_stat stat;

        CHECK_INT(ERR_OK, fs_stat(fs, file, &stat));
        add_entry(ours, &our_count, names.names[i], stat.folder, stat.size);
        mem_free(file);
    }
    fs_names_free(&names);
    mem_free(folder);
    compare(scene, block, as_set(theirs, their_count), as_set(ours, our_count));
    free_lines(theirs, their_count);
    free_lines(ours, our_count);
}

static void check_file(struct scene *scene, const struct block *block, const char *path)
{
    char *lines[MOST_BODY + 2], *file = our_path(scene, path), *save = NULL;
    struct buffer bytes = { 0 };
    int count = 0;

    if (fs_read_all(lab_fs(scene->sim.lab), file, 100000, &bytes, NULL)) {
        lines[count++] = "(no such file)";
    } else {
        buffer_i8(&bytes, 0);
        for (char *line = strtok_r((char *)bytes.data, "\n", &save); line && count < MOST_BODY; line = strtok_r(NULL, "\n", &save))
            lines[count++] = line;
    }
    compare(scene, block, as_set((char **)block->body, block->count), as_set(lines, count));
    buffer_done(&bytes);
    mem_free(file);
}

static void check_bytes(struct scene *scene, const struct block *block, const char *path)
{
    struct text expected = { 0 }, got = { 0 };
    struct buffer bytes = { 0 };
    char *file = our_path(scene, path);

    if (text_ends(path, "bootstrap.checkpoint")) {
        mem_free(file);
        return;                 /* its batches have the time at which the folder was formatted */
    }
    for (int i = 0; i < block->count; i++)
        for (const char *p = block->body[i] + 10; p < block->body[i] + 49 && *p; p++)
            if (*p != ' ')
                text_printf(&expected, "%c", *p);
    CHECK_INT(ERR_OK, fs_read_all(lab_fs(scene->sim.lab), file, 100000, &bytes, NULL));
    for (size_t i = 0; i < bytes.size; i++)
        text_printf(&got, "%02x", bytes.data[i]);
    compare(scene, block, text_take(&expected), text_take(&got));
    buffer_done(&bytes);
    mem_free(file);
}

/* ---- what was done ---- */
static struct broker *broker(struct scene *scene)
{
    return cluster_broker_at(lab_cluster(scene->sim.lab), 0);
}

static void run_until_ms(struct scene *scene, int64_t at_ms)
{
    int64_t at_us = scene->zero_us + at_ms * 1000;

    if (at_us > queue_now_us(lab_queue(scene->sim.lab)))
        sim_lab_run_until(&scene->sim, at_us);
}

static void connect_again(struct scene *scene)
{
    if (scene->client->connection)
        connection_close(scene->client->connection, "the broker went");
    client_connect(scene->client);
}

/* Five records of an idempotent producer. */
static void produce_idempotent(struct scene *scene)
{
    struct batch_builder builder = { 0 };
    struct bytes bytes;

    batch_builder_init(&builder, CODEC_NONE);
    builder.producer_id = 1000;
    builder.producer_epoch = 0;
    builder.base_sequence = 0;
    for (int i = 0; i < 5; i++) {
        char key[8] = { 'k', 'e', 'y', '-', 'i', (char)('1' + i) };

        batch_builder_add(&builder, queue_now_ms(lab_queue(scene->sim.lab)), bytes_text(key), bytes_text(key + 4), NULL, 0);
    }
    CHECK_INT(ERR_OK, batch_builder_finish(&builder, &bytes, NULL));
    CHECK_INT(ERR_OK, lab_produce(scene->client, 8, -1, "students", 0, (struct records){ .data = bytes.data, .size = (int32_t)bytes.size }).error_code);
    batch_builder_done(&builder);
}

static void check_offsets(struct scene *scene, int64_t earliest, int64_t latest)
{
    struct log *log = partition_log(broker_partition(broker(scene), "students", 0));

    CHECK_INT(earliest, log_start_offset(log));
    CHECK_INT(latest, log_high_watermark(log));
    scene->checked++;
}

static void cut_log(struct scene *scene)
{
    char *path = our_path(scene, "/tmp/kafka-logs/students-0/00000000000000000000.log");
    struct file *file;

    CHECK_INT(ERR_OK, fs_open(lab_fs(scene->sim.lab), path, FILE_READ | FILE_WRITE, &file, NULL));
    CHECK_INT(ERR_OK, file_truncate(file, 11781, NULL));
    file_close(file);
    mem_free(path);
}

static void commit_until(struct scene *scene, int64_t end)
{
    for (int tries = 0; tries < 8; tries++) {
        struct offset_commit_request_partition at = { 0, 4, -1, -1, "" };
        struct offset_commit_request_topic topic = { .name = "students", .partitions = { &at, 1 } };
        struct offset_commit_request request;
        struct offset_commit_response *out;

        if (log_end_offset(partition_log(broker_partition(broker(scene), "__consumer_offsets", 0))) >= end)
            return;
        fields_preset(&offset_commit_request_message, &request);
        request.group_id = "readers";
        request.member_id = "";
        request.generation_id_or_member_epoch = -1;
        request.topics.items = &topic;
        request.topics.count = 1;
        out = client_ask(scene->client, 8, 7, &request);
        CHECK_INT(ERR_OK, out->topics.items[0].partitions.items[0].error_code);
    }
}

static void delete_records(struct scene *scene, int64_t offset)
{
    struct delete_records_request_partition at = { 0, offset };
    struct delete_records_request_topic one = { "students", { &at, 1 } };
    struct delete_records_request in = { .topics = { &one, 1 }, .timeout_ms = 30000 };
    struct delete_records_response *out = client_ask(scene->client, 21, 2, &in);

    CHECK_INT(offset, out->topics.items[0].partitions.items[0].low_watermark);
}

static void find_coordinator(struct scene *scene)
{
    struct find_coordinator_request in;

    fields_preset(&find_coordinator_request_message, &in);
    in.key = "readers";
    client_ask(scene->client, 10, 1, &in);
    sim_lab_advance_ms(&scene->sim, 500);
}

static void delete_topic(struct scene *scene)
{
    const char *name = "students";
    struct delete_topics_request in = { .topic_names = { &name, 1 }, .timeout_ms = 30000 };

    client_ask(scene->client, 20, 4, &in);
}

static void start_broker(struct scene *scene)
{
    struct reason reason = { "" };

    if (broker_start(broker(scene), &reason))
        fail_msg("%s", reason.text);
}

/* ---- the plays ---- */
static void open_scene(struct scene *scene, const char *name, int32_t partitions, int64_t age_ms)
{
    memset(scene, 0, sizeof(*scene));
    scene->name = name;
    scene->is_27 = text_ends(name, "2.7.0");
    scene->capture = capture_read(name);
    sim_lab_open(&scene->sim, scene->is_27 ? RELEASE_27 : RELEASE_43, 1, 1, scene->capture->settings);
    scene->client = wire_lab_client(&scene->sim.ends, 0, false);
    sim_create_topic(scene->client, "students", partitions, 1, "retention.ms", "-1");
    sim_lab_advance_ms(&scene->sim, age_ms);
    scene->zero_us = queue_now_us(lab_queue(scene->sim.lab));
}

static void close_scene(struct scene *scene, int least_checked)
{
    CHECK(scene->checked >= least_checked);
    free(scene->capture->text);
    mem_free(scene->capture);
    sim_lab_close(&scene->sim);
}

static void look(struct scene *scene, const struct block *block)
{
    long long earliest, latest;

    if (text_starts(block->heading, "$ ls -la "))
        check_listing(scene, block, block->heading + 9);
    else if (text_starts(block->heading, "$ cat "))
        check_file(scene, block, block->heading + 6);
    else if (text_starts(block->heading, "$ xxd "))
        check_bytes(scene, block, block->heading + 6);
    else if (sscanf(block->heading, "earliest %lld, latest %lld", &earliest, &latest) == 2)
        check_offsets(scene, earliest, latest);
}

static void produce_twenty(struct scene *scene)
{
    for (int i = 0; i < 20; i++) {
        char text[520];
        int size = snprintf(text, sizeof(text), "record %d", i);

        memset(text + size, 'x', 500);
        text[size + 500] = 0;
        run_until_ms(scene, i * 50);
        sim_produce(scene->client, "students", 0, text, 1, queue_now_ms(lab_queue(scene->sim.lab)));
    }
}

/* 2.7's first start ends by itself, as ZooKeeper still knows the killed broker; it had recovered the logs and closes them cleanly. Here the
 * broker waits for that session, so such a start and its end come once it is over. */
static void start_and_end(struct scene *scene, int64_t again_ms)
{
    run_until_ms(scene, again_ms - 4000);
    start_broker(scene);
    run_until_ms(scene, again_ms - 3000);
    CHECK(broker_up(broker(scene)));
    CHECK_INT(ERR_OK, broker_stop(broker(scene), NULL));
    run_until_ms(scene, again_ms);
    CHECK(!broker_up(broker(scene)));
    start_broker(scene);
}

static void play_kill(const char *name)
{
    struct scene scene;
    bool skips = false;

    open_scene(&scene, name, 1, 13000);
    for (size_t i = 0; i < scene.capture->count; i++) {
        const struct block *block = &scene.capture->blocks[i];
        const char *heading = block->heading;

        if (text_starts(heading, "earliest 0, latest 25") && !scene.checked) {
            run_until_ms(&scene, block->at_ms - 200);
            produce_idempotent(&scene);
        }
        if (skips && !text_starts(heading, "start once more"))
            continue;
        if (!skips)
            run_until_ms(&scene, block->at_ms);
        if (text_equal(heading, "20 records")) {
            produce_twenty(&scene);
        } else if (text_starts(heading, "kill -9")) {
            CHECK_INT(ERR_OK, broker_kill(broker(&scene), "killed", NULL));
        } else if (text_equal(heading, "start") && scene.is_27) {
            skips = true;
        } else if (text_equal(heading, "start once more")) {
            start_and_end(&scene, block->at_ms);
            skips = false;
        } else if (text_starts(heading, "start")) {
            start_broker(&scene);
        } else if (strstr(heading, "log cut from 11791")) {
            cut_log(&scene);
            if (!scene.is_27)
                start_broker(&scene);
        } else if (text_starts(heading, "file size: 00000000000000000000.log 11706 -> 11791")) {
            connect_again(&scene);
            sim_produce(scene.client, "students", 0, "after the restart", 1, queue_now_ms(lab_queue(scene.sim.lab)));
        } else {
            look(&scene, block);
        }
    }
    close_scene(&scene, scene.is_27 ? 20 : 20);
}

static void play_clean(const char *name)
{
    struct scene scene;
    int64_t deleted_ms = INT64_MIN / 2;

    open_scene(&scene, name, 2, 15000);
    for (size_t i = 0; i < scene.capture->count; i++) {
        const struct block *block = &scene.capture->blocks[i];
        const char *heading = block->heading;

        run_until_ms(&scene, block->at_ms);
        if (text_equal(heading, "records")) {
            for (int k = 0; k < 7; k++) {
                char text[16];

                snprintf(text, sizeof(text), "record %d", k);
                sim_produce(scene.client, "students", 0, text, 1, 1600000000000 + k);
            }
        } else if (text_starts(heading, "$ kafka-delete-records")) {
            delete_records(&scene, 3);
            run_until_ms(&scene, 4000);
            find_coordinator(&scene);
            commit_until(&scene, 1);             /* the high watermarks are written 5 s after zero: between two commits */
        } else if (text_equal(heading, "running")) {
            commit_until(&scene, scene.is_27 ? 4 : 5);
        } else if (text_equal(heading, "SIGTERM")) {
            CHECK_INT(ERR_OK, broker_stop(broker(&scene), NULL));
        } else if (text_equal(heading, "start")) {
            start_broker(&scene);
        } else if (text_starts(heading, "$ kafka-topics.sh --delete")) {
            connect_again(&scene);
            delete_topic(&scene);
            deleted_ms = block->at_ms;
        } else if (block->at_ms > deleted_ms + 200) { /* the broker was in the midst of it */
            look(&scene, block);
        }
    }
    close_scene(&scene, 30);
}

TEST(a_killed_broker_leaves_and_mends_what_2_7_0_did)
{
    play_kill("kill-and-restart-2.7.0");
}

TEST(a_killed_broker_leaves_and_mends_what_4_3_0_did)
{
    play_kill("kill-and-restart-4.3.0");
}

TEST(a_stopped_broker_leaves_what_2_7_0_left)
{
    play_clean("clean-shutdown-2.7.0");
}

TEST(a_stopped_broker_leaves_what_4_3_0_left)
{
    play_clean("clean-shutdown-4.3.0");
}
