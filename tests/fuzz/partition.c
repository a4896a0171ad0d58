/* A partition's folder with whatever in its files: it opens or says why not, serves, closes and opens again. */
#include "sim/log/log.h"

#include "sim/base/queue.h"
#include "sim/log/checkpoint.h"
#include "tests/fuzz/fuzz.h"

#define DIR "logs/students-0"
static const char *const suffixes[] = {
    ".log", ".index", ".timeindex", ".snapshot", ".txnindex", ".log.deleted", ".log.swap", ".log.cleaned", ".index.swap", ".snapshot.deleted",
    "leader-epoch-checkpoint", "partition.metadata", "../recovery-point-offset-checkpoint", "../meta.properties",
};
enum { SUFFIXES = sizeof(suffixes) / sizeof(*suffixes) };

static char *path_of(uint8_t kind, int64_t base)
{
    const char *suffix = suffixes[kind % SUFFIXES];

    if (text_starts(suffix, "../"))
        return mem_printf("logs/%s", suffix + 3);
    return suffix[0] == '.' ? mem_printf(DIR "/%020lld%s", (long long)base, suffix) : mem_printf(DIR "/%s", suffix);
}

static void read_all(struct log *log)
{
    struct log_cursor cursor;
    struct batch batch;
    struct log_found found;
    struct log_slice slice;
    struct aborted aborted[8];
    struct record_iterator it;
    struct record record;

    HOLDS(log_start_offset(log) <= log_high_watermark(log) && log_high_watermark(log) <= log_end_offset(log));
    log_cursor_init(&cursor, log, log_start_offset(log), false);
    for (int i = 0; i < 200 && log_cursor_next(&cursor, &batch); i++) {
        records_begin(&it, &batch);
        for (int n = 0; n < 1000 && records_next(&it, &record); n++)
            ;
        records_done(&it);
    }
    log_cursor_done(&cursor);
    log_offset_for_time(log, 1600000000000, &found, NULL);
    log_offset_of_max_timestamp(log, &found, NULL);
    log_aborted(log, log_start_offset(log), log_end_offset(log), aborted, 8);
    log_readable_bytes(log, log_start_offset(log), log_end_offset(log), 1 << 20);
    for (int i = 0; i < 3; i++) {
        int64_t start = log_start_offset(log), end = log_end_offset(log), at = i == 0 ? start : i == 1 ? start + (end - start) / 2 : end;

        slice = (struct log_slice){ 0 };
        if (!log_read(log, at, 100 << i, end, i != 1, &slice, NULL) && slice.file)
            file_unpin(slice.file);
    }
}

/* Whatever lies there: it is cleaned, or it is said why not, and both ends stay where they are. */
static void clean(struct log *log, struct log_config *config, int64_t now_ms)
{
    int64_t start = log_start_offset(log), end = log_end_offset(log);
    struct compaction_decision decision;
    struct cleaner_limits limits = { .dedupe_bytes = 100 * 24, .load_factor = 0.9, .io_bytes = 100 };
    struct cleaning *cleaning;
    struct reason reason = { "" };
    enum cleaning_state state = CLEANING_GOES_ON;

    config->cleanup_compact = true;
    config->min_cleanable_dirty_ratio = 0;
    config->delete_retention_ms = 0;
    log_roll(log, now_ms, &reason);
    decision = log_decide_compaction(log, -1, now_ms);
    if (decision.cleans) {
        cleaning = cleaning_begin(log, &decision, &limits);
        for (int steps = 0; state == CLEANING_GOES_ON; steps++) {
            HOLDS(steps < 100000);
            state = cleaning_step(cleaning, 64, &reason);
        }
        HOLDS(state == CLEANING_DONE || *reason.text);
        HOLDS(state != CLEANING_DONE || cleaning_result(cleaning)->end_offset > decision.first_dirty_offset);
        cleaning_end(cleaning, true);
    }
    HOLDS(log_start_offset(log) == start && log_end_offset(log) == end);
}

static void run(struct bytes input)
{
    struct reader reader = reader_of(input);
    uint8_t mode = (uint8_t)reader_i8(&reader);
    struct queue *queue = queue_new(1700000000000000);
    struct fs *fs = fs_memory(queue_clock(queue));
    struct journal *journal = journal_new(queue_clock(queue), 256);
    struct random random;
    struct log_config config;
    struct checkpoint checkpoint = { 0 };
    struct meta_properties meta;
    struct log_env env = { .fs = fs, .journal = journal, .random = &random, .release = mode & 1 ? RELEASE_27 : RELEASE_43, .broker = 1 };
    struct log_open how = { .dir = DIR, .topic = "students", .config = &config, .clean = mode & 2, .recovery_point = mode & 4 ? 3 : 0,
                            .log_start_offset = mode & 8 ? 2 : 0, .high_watermark = mode & 16 ? 4 : 0, .now_ms = queue_now_ms(queue) };
    struct log *log = NULL;
    struct reason reason;

    random_init(&random, 1);
    log_config_default(&config, env.release);
    config.segment_bytes = mode & 32 ? 600 : 1 << 20;
    config.segment_index_bytes = 4096;
    config.retention_ms = mode & 64 ? 1000 : -1;
    fs_mkdir(fs, DIR, NULL);
    for (int i = 0; i < 40 && reader_left(&reader) >= 4; i++) {
        uint8_t kind = (uint8_t)reader_i8(&reader), base = (uint8_t)reader_i8(&reader);
        struct file *file;
        struct bytes bytes;
        char *path = path_of(kind, base);

        if (next_part(&reader, &bytes) && !fs_open(fs, path, FILE_WRITE | FILE_CREATE, &file, NULL)) {
            file_append(file, bytes.data, bytes.size, NULL);
            file_close(file);
        }
        mem_free(path);
    }
    checkpoint_read(fs, "logs/recovery-point-offset-checkpoint", &checkpoint, &reason);
    checkpoint_done(&checkpoint);
    meta_properties_read(fs, "logs", &meta, &reason);
    for (int round = 0; round < 2; round++) {
        struct batch_builder builder;
        struct retention_decision decision;
        struct log_appended appended;
        struct bytes bytes;

        if (log_open(&log, &env, &how, &reason))
            break;
        read_all(log);
        memset(&builder, 0, sizeof(builder));
        batch_builder_init(&builder, CODEC_NONE);
        batch_builder_add(&builder, how.now_ms, (struct bytes){ 0 }, bytes_text("value"), NULL, 0);
        if (mode & 128)
            builder.producer_id = 1, builder.producer_epoch = 0, builder.base_sequence = 0;
        HOLDS(!batch_builder_finish(&builder, &bytes, NULL));
        log_append(log, &(struct log_append){ .records = bytes, .origin = APPEND_CLIENT, .leader_epoch = 7, .produce_version = 8, .now_ms = how.now_ms }, &appended, &reason);
        batch_builder_done(&builder);
        log_set_high_watermark(log, log_end_offset(log));
        decision = log_decide_retention(log, how.now_ms);
        log_apply_retention(log, &decision, &reason);
        retention_decision_done(&decision);
        read_all(log);
        if (round) {
            clean(log, &config, how.now_ms);
            read_all(log);
        }
        if (mode & 4)
            log_truncate_to(log, log_start_offset(log) + 1, how.now_ms, &reason);
        log_unlink_due(log, how.now_ms + 3600000, SIZE_MAX);
        how.recovery_point = log_end_offset(log);
        how.high_watermark = log_high_watermark(log);
        how.log_start_offset = log_start_offset(log);
        if (round)
            log_drop(log);
        else
            log_close(log, how.now_ms);
        how.clean = true;
    }
    journal_free(journal);
    fs_free(fs);
    queue_free(queue);
}

/* ---- seeds: the folders of golden/segments ---- */

struct giving {
    seed_fn *give;
    void *context;
    struct buffer seed;
    char folder[256];
};

static void flush(struct giving *giving)
{
    if (giving->seed.size > 1 && giving->seed.size < 16384) {
        giving->give(giving->context, buffer_bytes(&giving->seed));
        giving->seed.data[0] ^= 2; /* and recovered */
        giving->give(giving->context, buffer_bytes(&giving->seed));
    }
    buffer_clear(&giving->seed);
}

static void give_file(void *context, const char *path, struct bytes bytes)
{
    struct giving *giving = context;
    const char *name = strrchr(path, '/') + 1;

    if (strncmp(giving->folder, path, (size_t)(name - path)) || strlen(giving->folder) != (size_t)(name - path)) {
        flush(giving);
        snprintf(giving->folder, sizeof(giving->folder), "%.*s", (int)(name - path), path);
        buffer_i8(&giving->seed, (int8_t)(strstr(path, "/2.7") != NULL));
    }
    for (uint8_t kind = 0; kind < SUFFIXES; kind++) {
        const char *suffix = text_starts(suffixes[kind], "../") ? suffixes[kind] + 3 : suffixes[kind];
        size_t size = bytes.size;

        if (strcmp(suffix[0] == '.' && strlen(name) > 20 ? name + 20 : name, suffix))
            continue;
        while (size && (kind == 1 || kind == 2) && !bytes.data[size - 1]) /* preallocated zeros */
            size--;
        buffer_i8(&giving->seed, (int8_t)kind);
        buffer_i8(&giving->seed, (int8_t)(suffix[0] == '.' ? atoi(name) : 0));
        put_part(&giving->seed, (struct bytes){ bytes.data, size });
    }
}

static void seeds(seed_fn *give, void *context)
{
    struct giving giving = { give, context, { 0 }, "" };

    golden_each("segments", give_file, &giving);
    flush(&giving);
    buffer_done(&giving.seed);
}
const struct target target_partition = { "partition", run, seeds };
