/* What real brokers' folders did over time, played in virtual time: the same files appear, are renamed, change their size and vanish, in the
 * same order (what lies up to 20 ms apart is a set), each within one check interval of the capture. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/text.h"
#include "tests/sim/sim_lab.h"

enum { SET_MS = 20, INTERVAL_MS = 1000, MOST_HAPPENINGS = 2000 };

enum what { APPEARS, GROWS, RENAMED, GONE };
struct happening {
    int64_t at_ms;
    enum what what;
    char name[64], to[72];
    int64_t from_size, size;
    bool dropped;
};
struct history {
    struct happening all[MOST_HAPPENINGS];
    size_t count;
    int64_t set_ms;             /* 0: SET_MS */
    bool whole;                 /* it was watched while nothing else was at work: all counts */
};

/* ---- sets, as text ---- */

static bool is_log(const char *name)
{
    return text_ends(name, ".log");
}

static size_t set_end(const struct history *history, size_t start)
{
    size_t i = start + 1;

    while (i < history->count && history->all[i].at_ms - history->all[i - 1].at_ms <= (history->set_ms ? history->set_ms : SET_MS))
        i++;
    return i;
}

static void drop_dropped(struct history *history)
{
    size_t kept = 0;

    for (size_t i = 0; i < history->count; i++)
        if (!history->all[i].dropped)
            history->all[kept++] = history->all[i];
    history->count = kept;
}

/* Within a set only what came of a file counts: its size in the end, its last name. How often somebody looked in between does not. */
static void join_within_sets(struct history *history)
{
    for (size_t start = 0, end; start < history->count; start = end) {
        end = set_end(history, start);
        for (size_t i = start; i < end; i++) {
            for (size_t j = start; j < i && !history->all[i].dropped; j++) {
                struct happening *earlier = &history->all[j], *later = &history->all[i];

                if (earlier->dropped || strcmp(earlier->name, later->name))
                    continue;
                if (later->what == GROWS && (earlier->what == APPEARS || earlier->what == GROWS)) {
                    earlier->size = later->size;
                    later->dropped = true;
                } else if (later->what == RENAMED && earlier->what == GROWS) {
                    earlier->dropped = true;
                }
            }
        }
    }
    drop_dropped(history);
}

/* A log that grows record by record is one growing. */
static void join_growth(struct history *history)
{
    for (size_t start = 0; start < history->count; start = set_end(history, start)) {
        struct happening *first = &history->all[start];

        while (set_end(history, start) == start + 1 && start + 1 < history->count && set_end(history, start + 1) == start + 2) {
            struct happening *next = &history->all[start + 1];

            if (first->what != GROWS || next->what != GROWS || strcmp(first->name, next->name) || !is_log(first->name))
                break;
            first->size = next->size;
            first->at_ms = next->at_ms;
            next->dropped = true;
            drop_dropped(history);
        }
    }
}

/* Before the first record the controller was still at work in the capture. */
static void begin_with_records(struct history *history)
{
    for (size_t i = 0; !history->whole && i < history->count && !(history->all[i].what == GROWS && is_log(history->all[i].name)); i++)
        history->all[i].dropped = true;
    drop_dropped(history);
}

static void happening_text(const struct happening *happening, struct text *out)
{
    switch (happening->what) {
    case APPEARS:
        text_printf(out, "appears %s (%lld)\n", happening->name, (long long)happening->size);
        break;
    case GROWS:
        text_printf(out, "%s %lld -> %lld\n", happening->name, (long long)happening->from_size, (long long)happening->size);
        break;
    case RENAMED:
        text_printf(out, "%s renamed to %s (%lld)\n", happening->name, happening->to, (long long)happening->size);
        break;
    case GONE:
        text_printf(out, "%s gone\n", happening->name);
        break;
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *set_text(const struct history *history, size_t start, size_t end)
{
    char *lines[64];
    struct text out = { 0 };

    CHECK(end - start <= 64);
    for (size_t i = start; i < end; i++) {
        struct text line = { 0 };

        happening_text(&history->all[i], &line);
        lines[i - start] = text_take(&line);
    }
    qsort(lines, end - start, sizeof(*lines), by_text);
    for (size_t i = start; i < end; i++) {
        text_add(&out, lines[i - start]);
        mem_free(lines[i - start]);
    }
    return text_take(&out);
}

static void compare(struct history *captured, struct history *ours)
{
    size_t i = 0, j = 0;

    begin_with_records(captured);
    begin_with_records(ours);
    join_within_sets(captured);
    join_within_sets(ours);
    join_growth(captured);
    join_growth(ours);
    CHECK(captured->count > 0);
    while (i < captured->count && j < ours->count) {
        size_t captured_end = set_end(captured, i), ours_end = set_end(ours, j);
        char *expected = set_text(captured, i, captured_end), *got = set_text(ours, j, ours_end);
        int64_t apart_ms = ours->all[j].at_ms - captured->all[i].at_ms;

        if (strcmp(expected, got) || apart_ms > INTERVAL_MS || apart_ms < -INTERVAL_MS)
            print_error("captured at %lld ms, ours at %lld ms\n", (long long)captured->all[i].at_ms, (long long)ours->all[j].at_ms);
        CHECK_TEXT(expected, got);
        CHECK(apart_ms <= INTERVAL_MS && apart_ms >= -INTERVAL_MS);
        mem_free(expected);
        mem_free(got);
        i = captured_end;
        j = ours_end;
    }
    if (i < captured->count || j < ours->count) {
        struct history *longer = i < captured->count ? captured : ours;
        char *left = set_text(longer, i < captured->count ? i : j, set_end(longer, i < captured->count ? i : j));

        print_error("only %s: %s", longer == ours ? "ours" : "captured", left);
        mem_free(left);
        fail();
    }
}

/* ---- the capture ---- */

struct line {
    int64_t at_ms;
    const char *text;
};
struct capture {
    char *text;
    char settings[512];
    struct line lines[4000];
    size_t count;
};

static void capture_read(struct capture *capture, const char *name)
{
    char path[128], *save = NULL;
    size_t size;

    snprintf(path, sizeof(path), "timelines/%s.txt", name);
    capture->text = (char *)golden_read(path, &size);
    for (char *line = strtok_r(capture->text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *end;
        double at;

        if (!strncmp(line, "# broker settings: ", 19)) {
            snprintf(capture->settings, sizeof(capture->settings), "%s", line + 19);
            for (char *p = capture->settings; *p; p++)
                if (*p == ',')
                    *p = ' ';
        }
        at = strtod(line, &end);
        if (*line == '#' || end == line || strncmp(end, " s  ", 4) || end - line > 10)
            continue;
        CHECK(capture->count < 4000);
        capture->lines[capture->count++] = (struct line){ (int64_t)(at * 1000 + (at < 0 ? -0.5 : 0.5)), end + 4 };
    }
    CHECK(capture->settings[0]);
}

/* The file events of a capture up to where it says something that starts with `until`. */
static void captured_history(const struct capture *capture, const char *from, const char *until, struct history *out)
{
    bool on = !from;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < capture->count; i++) {
        struct happening *happening = &out->all[out->count];
        const char *text = capture->lines[i].text;
        long long first = 0, second = 0;

        on = on || text_starts(text, from);
        if (until && text_starts(text, until))
            break;
        memset(happening, 0, sizeof(*happening));
        happening->at_ms = capture->lines[i].at_ms;
        if (sscanf(text, "file appears: %63s (%lld bytes)", happening->name, &first) == 2) {
            happening->what = APPEARS;
            happening->size = first;
        } else if (sscanf(text, "file size: %63s %lld -> %lld", happening->name, &first, &second) == 3) {
            happening->what = GROWS;
            happening->from_size = first;
            happening->size = second;
        } else if (sscanf(text, "file renamed: %63s -> %71s (%lld bytes)", happening->name, happening->to, &first) == 3) {
            happening->what = RENAMED;
            happening->size = first;
        } else if (sscanf(text, "file gone: %63s", happening->name) == 1) {
            happening->what = GONE;
        } else {
            continue;
        }
        out->count += on && !text_ends(happening->name, ".tmp");
    }
}

/* ---- ours ---- */

struct watched {
    struct sim_lab sim;
    struct wire_client *client;
    char *folder;
    int64_t zero_us;
    struct fs_names names;
    int64_t sizes[256];
    struct history history;
};

static int64_t size_of(struct watched *watched, const char *name)
{
    char *path = mem_printf("%s/%s", watched->folder, name);
    struct file_stat stat = { 0 };

    fs_stat(lab_fs(watched->sim.lab), path, &stat);
    mem_free(path);
    return stat.size;
}

static long find_name(const struct fs_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (!strcmp(names->names[i], name))
            return (long)i;
    return -1;
}

static struct happening *happened(struct watched *watched, enum what what, const char *name)
{
    struct happening *happening = &watched->history.all[watched->history.count++];

    CHECK(watched->history.count < MOST_HAPPENINGS);
    memset(happening, 0, sizeof(*happening));
    happening->at_ms = (queue_now_us(lab_queue(watched->sim.lab)) - watched->zero_us) / 1000;
    happening->what = what;
    snprintf(happening->name, sizeof(happening->name), "%s", name);
    return happening;
}

/* What changed since the last look. */
static void look(struct watched *watched)
{
    struct fs_names now;
    int64_t sizes[256];

    CHECK_INT(ERR_OK, fs_list(lab_fs(watched->sim.lab), watched->folder, &now, NULL));
    CHECK(now.count <= 256);
    for (size_t i = 0; i < now.count; i++) {
        const char *name = now.names[i];
        long before = find_name(&watched->names, name);
        char stem[72];

        sizes[i] = size_of(watched, name);
        if (before >= 0) {
            if (watched->sizes[before] != sizes[i]) {
                struct happening *grown = happened(watched, GROWS, name);

                grown->from_size = watched->sizes[before];
                grown->size = sizes[i];
            }
            continue;
        }
        snprintf(stem, sizeof(stem), "%s", name);
        if (text_ends(stem, ".deleted"))
            stem[strlen(stem) - 8] = 0;
        if (strcmp(stem, name) && find_name(&watched->names, stem) >= 0 && find_name(&now, stem) < 0) {
            struct happening *renamed = happened(watched, RENAMED, stem);

            snprintf(renamed->to, sizeof(renamed->to), "%s", name);
            renamed->size = sizes[i];
        } else {
            happened(watched, APPEARS, name)->size = sizes[i];
        }
    }
    for (size_t i = 0; i < watched->names.count; i++) {
        char *deleted = mem_printf("%s.deleted", watched->names.names[i]);

        if (find_name(&now, watched->names.names[i]) < 0 && find_name(&now, deleted) < 0)
            happened(watched, GONE, watched->names.names[i]);
        mem_free(deleted);
    }
    fs_names_free(&watched->names);
    watched->names = now;
    memcpy(watched->sizes, sizes, sizeof(sizes));
}

/* Time goes by, event after event; after each the folder is looked at. */
static void run_until_ms(struct watched *watched, int64_t at_ms)
{
    struct queue *queue = lab_queue(watched->sim.lab);
    int64_t until_us = watched->zero_us + at_ms * 1000;

    while (queue_next_us(queue) <= until_us) {
        queue_run_next(queue);
        look(watched);
    }
    queue_set_us(queue, until_us);
}

/* A broker of that age with a topic. */
static void watch_at(struct watched *watched, const struct capture *capture, bool is_27, int64_t age_ms, const char *topic, const char *key, const char *value)
{
    memset(watched, 0, sizeof(*watched));
    sim_lab_open(&watched->sim, is_27 ? RELEASE_27 : RELEASE_43, 1, 1, capture->settings);
    watched->client = wire_lab_client(&watched->sim.ends, 0, false);
    sim_create_topic(watched->client, topic, 1, 1, key, value);
    watched->folder = mem_printf("%s/broker-%d/%s-0", lab_dir(watched->sim.lab), is_27 ? 0 : 1, topic);
    sim_lab_advance_ms(&watched->sim, age_ms);
    watched->zero_us = queue_now_us(lab_queue(watched->sim.lab));
    look(watched);
    watched->history.count = 0;
}

/* Of 33 s, as most captures had it. */
static void watch(struct watched *watched, const struct capture *capture, bool is_27, const char *topic, const char *key, const char *value)
{
    watch_at(watched, capture, is_27, 33000, topic, key, value);
}

static void unwatch(struct watched *watched)
{
    fs_names_free(&watched->names);
    mem_free(watched->folder);
    sim_lab_close(&watched->sim);
}

static void put(struct watched *watched, const char *topic, const char *text, int count, int64_t timestamp_ms)
{
    sim_produce(watched->client, topic, 0, text, count, timestamp_ms < 0 ? queue_now_ms(lab_queue(watched->sim.lab)) : timestamp_ms);
    look(watched);
}

static int64_t moment_of(const struct capture *capture, const char *text)
{
    for (size_t i = 0; i < capture->count; i++)
        if (text_starts(capture->lines[i].text, text))
            return capture->lines[i].at_ms;
    fail_msg("the capture does not say: %s", text);
    return 0;
}

/* Where the capture caught the moment between both renames of a swap: it is the same as if it had not. */
static void join_swaps(struct history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        struct happening *swap = &history->all[i], *old = NULL;
        size_t stem = strlen(swap->to);

        if (swap->what != RENAMED || strncmp(swap->name, swap->to, stem) || strcmp(swap->name + stem, ".swap"))
            continue;
        for (size_t j = 0; j < i; j++)
            if (history->all[j].what == RENAMED && !strcmp(history->all[j].name, swap->to))
                old = &history->all[j];
        CHECK(old);
        old->what = APPEARS;
        swap->what = GROWS;
        swap->at_ms = old->at_ms;
        swap->from_size = old->size;
        swap->dropped = old->size == swap->size;
        snprintf(old->name, sizeof(old->name), "%.60s", old->to);
        snprintf(swap->name, sizeof(swap->name), "%.60s", swap->to);
    }
    drop_dropped(history);
}

/* What the cleaner has in hand for some milliseconds depends on the disk. */
static void drop_cleaned(struct history *history)
{
    for (size_t i = 0; i < history->count; i++)
        history->all[i].dropped = strstr(history->all[i].name, ".cleaned") || strstr(history->all[i].name, ".swap");
    drop_dropped(history);
}

static void play_compaction(const char *name, bool is_27)
{
    struct capture *capture = mem_zero(sizeof(*capture));
    struct history *captured = mem_zero(sizeof(*captured));
    struct watched *watched = mem_zero(sizeof(*watched));
    int offset, records = 0;
    char key[8], value[32];

    capture_read(capture, name);
    captured_history(capture, NULL, "clean shutdown", captured);
    watch(watched, capture, is_27, "students", "cleanup.policy", "compact");
    sim_alter_topic(watched->client, "students", "min.cleanable.dirty.ratio", "0.01");
    sim_alter_topic(watched->client, "students", "segment.ms", "2000");
    sim_alter_topic(watched->client, "students", "delete.retention.ms", "3000");
    for (size_t i = 0; i < capture->count; i++) {
        if (sscanf(capture->lines[i].text, "offset %d: %7[^=]=%31[^\n]", &offset, key, value) != 3)
            continue;
        CHECK_INT(records++, offset);
        run_until_ms(watched, capture->lines[i].at_ms);
        sim_produce_keyed(watched->client, "students", 0, key, strcmp(value, "None") ? value : NULL, queue_now_ms(lab_queue(watched->sim.lab)));
        look(watched);
    }
    CHECK_INT(19, records);
    run_until_ms(watched, moment_of(capture, "clean shutdown"));
    join_swaps(captured);
    drop_cleaned(captured);
    drop_cleaned(&watched->history);
    compare(captured, &watched->history);
    unwatch(watched);
    free(capture->text);
    mem_free(watched);
    mem_free(captured);
    mem_free(capture);
}

static void play_retention(const char *name, bool is_27)
{
    struct capture *capture = mem_zero(sizeof(*capture));
    struct history *captured = mem_zero(sizeof(*captured));
    struct watched *watched = mem_zero(sizeof(*watched));

    capture_read(capture, name);
    captured_history(capture, NULL, "clean shutdown", captured);
    watch(watched, capture, is_27, "students", "retention.ms", "10000");
    for (int i = 0; i < 85; i++) {
        char text[32];

        snprintf(text, sizeof(text), "message %d", i);
        put(watched, "students", text, 1, -1);
        run_until_ms(watched, (i + 1) * 50);
    }
    run_until_ms(watched, moment_of(capture, "five more records"));
    put(watched, "students", "again", 5, -1);
    run_until_ms(watched, moment_of(capture, "clean shutdown"));
    compare(captured, &watched->history);
    unwatch(watched);
    free(capture->text);
    mem_free(watched);
    mem_free(captured);
    mem_free(capture);
}

static void play_size_roll(const char *name, bool is_27)
{
    struct capture *capture = mem_zero(sizeof(*capture));
    struct history *captured = mem_zero(sizeof(*captured));
    struct watched *watched = mem_zero(sizeof(*watched));
    size_t size = is_27 ? 1000 : 50000;
    char *text = mem_zero(size + 1), line[64];

    memset(text, 'x', size);
    capture_read(capture, name);
    captured_history(capture, NULL, "clean shutdown", captured);
    watch(watched, capture, is_27, "students", "segment.bytes", is_27 ? "16384" : "1048576");
    sim_alter_topic(watched->client, "students", "retention.ms", "-1");
    for (int i = 0; i < 48; i++) {
        snprintf(line, sizeof(line), "record at offset %d sent", i);
        run_until_ms(watched, moment_of(capture, line));
        put(watched, "students", text, 1, 1600000000000 + i * 10);
    }
    run_until_ms(watched, moment_of(capture, "clean shutdown"));
    compare(captured, &watched->history);
    unwatch(watched);
    free(capture->text);
    mem_free(text);
    mem_free(watched);
    mem_free(captured);
    mem_free(capture);
}

static void play_segment_ms(const char *name, bool is_27)
{
    static const int stamps[] = { 0, 1000, 5000, 5001, 5002, 20000, 3000 };
    static const char past[] = "now timestamps of one's own";
    struct capture *capture = mem_zero(sizeof(*capture));
    struct history *captured = mem_zero(sizeof(*captured));
    struct watched *watched = mem_zero(sizeof(*watched));
    char line[64];

    capture_read(capture, name);
    captured_history(capture, NULL, past, captured);
    watch(watched, capture, is_27, "students", "segment.ms", "5000");
    for (int i = 0; i < 4; i++) {
        snprintf(line, sizeof(line), "record at offset %d sent", i);
        run_until_ms(watched, moment_of(capture, line));
        put(watched, "students", "x", 1, -1);
    }
    compare(captured, &watched->history);
    unwatch(watched);
    captured_history(capture, past, NULL, captured);
    watch(watched, capture, is_27, "past", "segment.ms", "5000");
    sim_alter_topic(watched->client, "past", "retention.ms", "-1");
    for (int i = 0; i < 7; i++) {
        snprintf(line, sizeof(line), "past: record at offset %d sent", i);
        run_until_ms(watched, moment_of(capture, line));
        put(watched, "past", "x", 1, 1600000000000 + stamps[i]);
    }
    compare(captured, &watched->history);
    unwatch(watched);
    free(capture->text);
    mem_free(watched);
    mem_free(captured);
    mem_free(capture);
}

TEST(compaction_goes_as_2_7_0_went)
{
    play_compaction("compaction-2.7.0", true);
}

TEST(compaction_goes_as_4_3_0_went)
{
    play_compaction("compaction-4.3.0", false);
}

/* The checks come at the same fraction of a second as in the capture: records and checks follow each other as there. */
static void play_retention_bytes(const char *name)
{
    struct capture *capture = mem_zero(sizeof(*capture));
    struct history *captured = mem_zero(sizeof(*captured));
    struct watched *watched = mem_zero(sizeof(*watched));
    char text[1001] = "";

    memset(text, 'x', 1000);
    capture_read(capture, name);
    captured_history(capture, "20 more records", NULL, captured);
    watch_at(watched, capture, true, 30000 - 23850, "students", "segment.bytes", "16384");
    sim_alter_topic(watched->client, "students", "retention.bytes", "32768");
    sim_alter_topic(watched->client, "students", "retention.ms", "-1");
    for (int i = 0; i < 100; i++) {             /* each with a time of its own */
        run_until_ms(watched, i);
        put(watched, "students", text, 1, -1);
    }
    CHECK_INT(16050 * 6 + 10700, log_size_bytes(partition_log(broker_partition(cluster_broker_at(watched->sim.ends.cluster, 0), "students", 0))));
    run_until_ms(watched, 23840);
    CHECK_INT(0, log_start_offset(partition_log(broker_partition(cluster_broker_at(watched->sim.ends.cluster, 0), "students", 0))));
    run_until_ms(watched, 23860);               /* the first check, 30 s after the start: 42800 bytes are left */
    CHECK_INT(60, log_start_offset(partition_log(broker_partition(cluster_broker_at(watched->sim.ends.cluster, 0), "students", 0))));
    captured->whole = watched->history.whole = true;
    run_until_ms(watched, moment_of(capture, "20 more records"));
    watched->history.count = 0;
    for (int i = 0; i < 20; i++) {
        run_until_ms(watched, moment_of(capture, "20 more records") + (i < 14 ? 10 : 70) + i);
        put(watched, "students", text, 1, -1);
    }
    run_until_ms(watched, moment_of(capture, "$ kafka-configs.sh"));
    sim_alter_topic(watched->client, "students", "retention.bytes", "0");
    run_until_ms(watched, 59770);
    compare(captured, &watched->history);
    unwatch(watched);
    free(capture->text);
    mem_free(watched);
    mem_free(captured);
    mem_free(capture);
}

/* When the capture said for the first time that so many records were there. */
static int64_t moment_of_end(const struct capture *capture, int64_t end)
{
    for (size_t i = 0; i < capture->count; i++) {
        long long earliest, latest;

        if (sscanf(capture->lines[i].text, "earliest %lld, latest %lld", &earliest, &latest) == 2 && latest == end)
            return capture->lines[i].at_ms;
    }
    fail_msg("the capture never had %lld records", (long long)end);
    return 0;
}

static void play_retention_flow(const char *name)
{
    struct capture *capture = mem_zero(sizeof(*capture));
    struct history *captured = mem_zero(sizeof(*captured));
    struct watched *watched = mem_zero(sizeof(*watched));
    char text[32];

    capture_read(capture, name);
    captured_history(capture, NULL, NULL, captured);
    captured->set_ms = watched->history.set_ms = 60;
    watch_at(watched, capture, true, 33000 - 220, "students", "retention.ms", "4000");
    watched->history.set_ms = 60;
    for (int i = 0; i < 36; i++) {
        run_until_ms(watched, moment_of_end(capture, i + 1));
        if (i == 20)
            sim_alter_topic(watched->client, "students", "segment.ms", "2000");
        snprintf(text, sizeof(text), "record %d", i < 20 ? i : i - 20);
        put(watched, "students", text, 1, -1);
    }
    run_until_ms(watched, 63000);
    compare(captured, &watched->history);
    unwatch(watched);
    free(capture->text);
    mem_free(watched);
    mem_free(captured);
    mem_free(capture);
}

TEST(size_retention_goes_as_with_2_7_0)
{
    play_retention_bytes("retention-bytes-2.7.0");
}

TEST(a_steady_flow_goes_as_with_2_7_0)
{
    play_retention_flow("retention-flow-2.7.0");
}

TEST(retention_goes_as_2_7_0_went)
{
    play_retention("retention-2.7.0", true);
}

TEST(retention_goes_as_4_3_0_went)
{
    play_retention("retention-4.3.0", false);
}

TEST(segments_fill_as_with_2_7_0)
{
    play_size_roll("size-roll-2.7.0", true);
}

TEST(segments_fill_as_with_4_3_0)
{
    play_size_roll("size-roll-4.3.0", false);
}

TEST(segments_age_as_with_2_7_0)
{
    play_segment_ms("segment-ms-2.7.0", true);
}

TEST(segments_age_as_with_4_3_0)
{
    play_segment_ms("segment-ms-4.3.0", false);
}
