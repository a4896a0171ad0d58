/* LAB/inputs: what came in, a part for each sitting: recording, recording-2, ...; one that began with files has their copy beside it: base-2, ... */
#include "sim/copy.h"
#include "sim/lab_internal.h"
#include "sim/own.h"

#include <string.h>

enum { MOST_PARTS = 8 };
static const int64_t most_base_bytes = 64 << 20;

char *lab_part_path(const char *folder, const char *what, int number)
{
    return number == 1 ? mem_printf("%s/%s", folder, what) : mem_printf("%s/%s-%d", folder, what, number);
}

int lab_parts(struct fs *fs, const char *folder, int *first)
{
    struct fs_names names;
    int last = 0;

    *first = 0;
    if (fs_list(fs, folder, &names, NULL))
        return 0;
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.names[i];
        int number = 0;

        if (!strcmp(name, "recording"))
            number = 1;
        else if (!text_starts(name, "recording-") || !parse_i32(name + 10, &number) || number < 2)
            continue;
        if (number > last)
            last = number;
        if (!*first || number < *first)
            *first = number;
    }
    fs_names_free(&names);
    return last;
}

static void forget_old_parts(struct lab *lab, const char *folder, int first, int last)
{
    for (int number = first; number && number <= last - MOST_PARTS; number++) {
        char *recording = lab_part_path(folder, "recording", number), *base = lab_part_path(folder, "base", number);

        fs_unlink(lab->fs, recording, NULL);
        if (fs_exists(lab->fs, base))
            fs_remove_tree(lab->fs, base, NULL);
        mem_free(recording);
        mem_free(base);
    }
}

/* The folders that make up the lab's disk keep their names in a copy: broker-N, broker-N.dir2, controller. */
void lab_copy_files(struct lab *lab, struct copy *copy, const char *into)
{
    for (size_t i = 0; i < cluster_broker_count(lab->cluster); i++) {
        const struct broker *broker = cluster_broker_at(lab->cluster, i);

        for (size_t d = 0; d < broker_dir_count(broker); d++) {
            const struct log_dir *dir = broker_dir_at(broker, d);
            char *to = mem_printf("%s/%s", into, log_dir_name(dir));

            copy_add(copy, log_dir_path(dir), to);
            mem_free(to);
        }
    }
    char *controller = mem_printf("%s/controller", lab->dir), *to = mem_printf("%s/controller", into);

    if (fs_exists(lab->fs, controller))
        copy_add(copy, controller, to);
    mem_free(controller);
    mem_free(to);
}

void lab_copy_inputs(struct lab *lab, struct copy *copy, const char *into)
{
    char *inputs = mem_printf("%s/inputs", lab->dir), *to = mem_printf("%s/inputs", into);

    if (fs_exists(lab->fs, inputs))
        copy_add(copy, inputs, to);
    mem_free(inputs);
    mem_free(to);
}

/* A lab that has files already: their copy, made before anything touches them. */
static enum err keep_base(struct lab *lab, const struct lab_options *options, const char *folder, int number, struct reason *reason)
{
    int32_t first = release_is_27(lab->release) ? 0 : 1, dirs = own_log_dirs(lab);
    char *into = lab_part_path(folder, "base", number), *controller = mem_printf("%s/controller", lab->dir), *to = mem_printf("%s/controller", into);
    struct copy *copy = copy_new(lab->fs, lab->fs);
    int64_t size = copy_size(lab->fs, controller, most_base_bytes);
    enum err err = ERR_OK;

    for (int32_t i = 0; i < lab->brokers * dirs; i++) {
        struct config_map settings = { 0 };
        int32_t id = first + i / dirs;
        char *name, *from, *part;
        struct fs_names names;

        own_of(lab, (size_t)(i / dirs), &id, &settings);
        config_map_done(&settings);
        name = cluster_log_dir_name(id, i % dirs);
        from = !i && options->log_dir ? mem_text(options->log_dir) : mem_printf("%s/%s", lab->dir, name);
        part = mem_printf("%s/%s", into, name);
        mem_free(name);

        if (!fs_list(lab->fs, from, &names, NULL)) {
            size += names.count ? copy_size(lab->fs, from, most_base_bytes) : 0;
            if (names.count > 1 || (names.count && strcmp(names.names[0], lab_log_dir_marker))) {
                copy_add(copy, from, part);
                lab->based = true;
            }
            fs_names_free(&names);
        }
        mem_free(from);
        mem_free(part);
    }
    if (lab->based && fs_exists(lab->fs, controller))
        copy_add(copy, controller, to);
    if (lab->based && size > most_base_bytes) {
        err_because(ERR_INVALID_REQUEST, &lab->no_recording, "the files that it was opened with are more than 64 MB, too many for a copy to begin from");
    } else if (lab->based) {
        copy_slice(copy, NULL, 0);
        err = copy_error(copy, reason);
        lab->base = mem_text(into);
    }
    copy_free(copy);
    mem_free(into);
    mem_free(controller);
    mem_free(to);
    return err;
}

/* Before the cluster is opened. */
enum err lab_prepare_recorder(struct lab *lab, const struct lab_options *options, struct reason *reason)
{
    char *folder;
    enum err err;
    int first;

    if (!options->record || options->memory || options->inspect)
        return ERR_OK;
    folder = mem_printf("%s/inputs", lab->dir);
    err = fs_mkdir(lab->fs, folder, reason);
    if (!err) {
        lab->part = lab_parts(lab->fs, folder, &first) + 1;
        forget_old_parts(lab, folder, first, lab->part);
        err = keep_base(lab, options, folder, lab->part, reason);
    }
    mem_free(folder);
    return err;
}

enum err lab_open_recorder(struct lab *lab, const struct lab_options *options, struct reason *reason)
{
    char *folder, *path;
    enum err err;

    if (!options->record || options->memory || options->inspect || *lab->no_recording.text)
        return ERR_OK;
    folder = mem_printf("%s/inputs", lab->dir);
    path = lab_part_path(folder, "recording", lab->part);
    recorder_new(lab, 0);
    err = recorder_to_file(lab->recorder, path, reason);
    mem_free(path);
    mem_free(folder);
    return err;
}

struct recorder *lab_recorder(const struct lab *lab) { return lab->recorder; }
const char *lab_recording_base(const struct lab *lab) { return lab->base; }
int lab_part(const struct lab *lab) { return lab->part; }

const char *lab_no_recording(const struct lab *lab)
{
    return lab->recorder ? NULL : *lab->no_recording.text ? lab->no_recording.text : "its inputs are not kept (--record keeps them)";
}

/* A replay begins with the files that the recording began with. */
enum err lab_take_base(struct lab *lab, const char *base, struct reason *reason)
{
    struct fs *from = fs_real(queue_clock(lab->queue), 0, false);
    struct copy *copy = copy_new(from, lab->fs);
    enum err err;

    copy_add(copy, base, lab->dir);
    copy_slice(copy, NULL, 0);
    err = copy_error(copy, reason);
    copy_free(copy);
    fs_free(from);
    return err;
}
