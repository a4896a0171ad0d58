/* What the targets share. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

#include "sim/cluster/partition.h"

static const struct target *const targets[] = {
#define TARGET(name_) &target_##name_,
#include "tests/fuzz/targets.def"
#undef TARGET
};
size_t target_count(void) { return sizeof(targets) / sizeof(*targets); }
const struct target *target_at(size_t i) { return targets[i]; }

const struct target *target_find(const char *name)
{
    for (size_t i = 0; i < target_count(); i++)
        if (!strcmp(targets[i]->name, name))
            return targets[i];
    return NULL;
}

void broken(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

/* ---- fixtures ---- */

struct buffer golden(const char *name)
{
    char *path = mem_printf("tests/golden/%s", name);
    struct buffer out = { 0 };
    FILE *f = fopen(path, "rb");
    uint8_t piece[4096];
    size_t got;

    while (f && (got = fread(piece, 1, sizeof(piece), f)) > 0)
        buffer_put(&out, piece, got);
    if (f)
        fclose(f);
    mem_free(path);
    return out;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

void golden_each(const char *folder, void (*fn)(void *context, const char *path, struct bytes bytes), void *context)
{
    char *path = mem_printf("tests/golden/%s", folder);
    struct dirent **names = NULL;
    int count = scandir(path, &names, NULL, by_name);

    for (int i = 0; i < count; i++) {
        char *inside = mem_printf("%s/%s", folder, names[i]->d_name), *real = mem_printf("tests/golden/%s", inside);
        struct stat stat_of;

        if (strcmp(names[i]->d_name, ".") && strcmp(names[i]->d_name, "..") && !stat(real, &stat_of)) {
            if (S_ISDIR(stat_of.st_mode)) {
                golden_each(inside, fn, context);
            } else {
                struct buffer bytes = golden(inside);

                fn(context, inside, buffer_bytes(&bytes));
                buffer_done(&bytes);
            }
        }
        mem_free(inside);
        mem_free(real);
        free(names[i]);
    }
    free(names);
    mem_free(path);
}

void golden_messages(void (*fn)(void *context, const char *name, int16_t version, struct bytes body), void *context)
{
    struct buffer file = golden("wire/messages.txt"), body = { 0 };
    char *text, *rest, *line;

    buffer_i8(&file, 0);
    rest = text = (char *)file.data;
    while (rest && (line = strsep(&rest, "\n"))) {
        char name[64], variant[16], release[8];
        int version, used = 0;

        if (sscanf(line, "%63s %d %15s %7s %n", name, &version, variant, release, &used) != 4)
            continue;
        buffer_clear(&body);
        for (const char *p = line + used; *p && *p != '-'; p += 2) {
            unsigned byte;

            if (sscanf(p, "%2x", &byte) != 1)
                break;
            buffer_i8(&body, (int8_t)byte);
        }
        fn(context, name, (int16_t)version, buffer_bytes(&body));
    }
    buffer_done(&body);
    buffer_done(&file);
}

struct findings { const struct target *target; seed_fn *give; void *context; };
static void give_finding(void *context, const char *path, struct bytes bytes)
{
    struct findings *findings = context;
    const char *name = strrchr(path, '/') + 1;
    size_t size = strlen(findings->target->name);

    if (!strncmp(name, findings->target->name, size) && name[size] == '-')
        findings->give(findings->context, bytes);
}

void target_findings(const struct target *target, seed_fn *give, void *context)
{
    golden_each("../fuzz/findings", give_finding, &(struct findings){ target, give, context });
}

bool next_part(struct reader *reader, struct bytes *out)
{
    size_t size;

    if (reader_left(reader) < 2)
        return false;
    size = reader_u16(reader);
    *out = reader_bytes(reader, size < reader_left(reader) ? size : reader_left(reader));
    return true;
}

void put_part(struct buffer *out, struct bytes part)
{
    size_t size = part.size < UINT16_MAX ? part.size : UINT16_MAX;

    buffer_i16(out, (int16_t)size);
    buffer_put(out, part.data, size);
}

/* ---- a cluster ---- */

void fuzz_lab_init(struct fuzz_lab *lab, enum release release)
{
    (void)release;
    memset(lab, 0, sizeof(*lab));
    lab->queue = queue_new(1767261600000000);
    lab->fs = fs_memory(queue_clock(lab->queue));
    random_init(&lab->random, 42);
    lab->journal = journal_new(queue_clock(lab->queue), 1024);
    lab->timers = timers_virtual(lab->queue);
    config_map_set(&lab->settings, "offsets.topic.replication.factor", "1");
    config_map_set(&lab->settings, "offsets.topic.num.partitions", "2");
    config_map_set(&lab->settings, "group.initial.rebalance.delay.ms", "0");
}

enum err fuzz_lab_open(struct fuzz_lab *lab, enum release release, int32_t brokers)
{
    static const int32_t ports[] = { 9092, 9093, 9094 };
    struct reason reason;
    enum err err = cluster_open(&lab->cluster, &(struct cluster_options){
        .release = release, .broker_count = brokers, .first_broker_id = release_is_27(release) ? 0 : 1, .dir = "lab", .settings = &lab->settings,
        .host = "localhost", .ports = ports, .queue = lab->queue, .random = &lab->random, .journal = lab->journal, .fs = lab->fs,
    }, &reason);

    if (!err)
        lab->wire = wire_new(lab->cluster);
    else
        lab->cluster = NULL;
    return err;
}

void fuzz_lab_drop(struct fuzz_lab *lab)
{
    if (!lab->cluster)
        return;
    while (wire_connection_count(lab->wire))
        connection_close(wire_connection_at(lab->wire, 0), "it ends");
    wire_free(lab->wire);
    cluster_drop(lab->cluster);
    lab->wire = NULL;
    lab->cluster = NULL;
}

void fuzz_lab_done(struct fuzz_lab *lab)
{
    fuzz_lab_drop(lab);
    fs_free(lab->fs);
    journal_free(lab->journal);
    HOLDS(queue_count(lab->queue) == 0);
    queue_free(lab->queue);
    config_map_done(&lab->settings);
}

void fuzz_lab_run(struct fuzz_lab *lab, int events, int64_t us)
{
    int64_t until = queue_now_us(lab->queue) + us;

    while (events-- > 0 && queue_next_us(lab->queue) <= until && queue_run_next(lab->queue))
        ;
}

void fuzz_lab_fill(struct fuzz_lab *lab)
{
    struct broker *broker = cluster_broker_at(lab->cluster, 0);
    struct batch_builder builder;
    struct log_appended appended;
    struct partition *partition;
    struct bytes bytes;
    struct uuid id;

    HOLDS(!controller_create_topic(lab->cluster, &(struct create_topic){ .name = "students", .partition_count = 2, .replication_factor = 1 }, false, &id, NULL, NULL));
    fuzz_lab_run(lab, 1000, 1000000);
    partition = broker_partition(broker, "students", 0);
    HOLDS(partition);
    for (int i = 0; i < 3; i++) {
        memset(&builder, 0, sizeof(builder));
        batch_builder_init(&builder, i == 1 ? CODEC_LZ4 : CODEC_NONE);
        batch_builder_add(&builder, queue_now_ms(lab->queue), bytes_text("key"), bytes_text("value"), NULL, 0);
        batch_builder_add(&builder, queue_now_ms(lab->queue), (struct bytes){ 0 }, bytes_text("hello"), NULL, 0);
        HOLDS(!batch_builder_finish(&builder, &bytes, NULL));
        HOLDS(!partition_append(partition, &(struct log_append){ .records = bytes, .origin = APPEND_CLIENT, .leader_epoch = -1, .produce_version = 8, .now_ms = queue_now_ms(lab->queue) }, 1, &appended, NULL));
        batch_builder_done(&builder);
    }
}
