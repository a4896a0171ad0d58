/* Where a lab lies: its folder, the one of --log-dir, and what the names of files mean that a user types. */
#include "sim/lab_internal.h"
#include "sim/own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *lab_runtime_folder(void)
{
    const char *xdg = getenv("XDG_RUNTIME_DIR");

    return xdg && *xdg && !access(xdg, W_OK) ? mem_printf("%s/kafkarium", xdg) : mem_printf("/tmp/kafkarium-%u", (unsigned)getuid());
}

enum err lab_make_folder(struct lab *lab, const struct lab_options *options, struct reason *reason)
{
    if (options->memory) {
        lab->dir = mem_text("/lab");
        return ERR_OK;
    }
    if (options->dir) {
        char *real;

        if (mkdir(options->dir, 0777) && errno != EEXIST)
            return err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s: %s", options->dir, strerror(errno));
        real = realpath(options->dir, NULL);
        lab->dir = mem_text(real ? real : options->dir);
        free(real);
        if (access(lab->dir, W_OK | X_OK))
            return err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s: the lab's folder can't be written (%s); name another, or none for a transient lab",
                               lab->dir, strerror(errno));
        return ERR_OK;
    }
    char *top = lab_runtime_folder();
    struct stat st;

    lab->transient = true;
    lab->keeps_log_dir = options->log_dir != NULL;
    if (mkdir(top, 0700) && errno != EEXIST) {
        enum err err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s: %s", top, strerror(errno));
        mem_free(top);
        return err;
    }
    if (stat(top, &st) || st.st_uid != getuid() || (st.st_mode & 077)) {
        enum err err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s belongs to somebody else or is open to others; remove it, or name a LAB", top);
        mem_free(top);
        return err;
    }
    lab->dir = mem_printf("%s/lab-%d-XXXXXX", top, (int)getpid());
    mem_free(top);
    if (!mkdtemp(lab->dir))
        return err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s: %s", lab->dir, strerror(errno));
    return ERR_OK;
}

const char lab_log_dir_marker[] = ".kafkarium-transient";

/* --log-dir DIR: a folder that is empty, new, or left by a transient lab (it has the marker); else it is not ours to touch. */
enum err lab_take_log_dir(struct lab *lab, const char *dir, struct reason *reason)
{
    char *marker;
    struct fs_names names;
    enum err err;

    if (lab->brokers != 1)
        return err_because(ERR_INVALID_CONFIG, reason, "--log-dir is the folder of one broker: leave out --brokers %d", lab->brokers);
    if (own_log_dirs(lab) != 1)
        return err_because(ERR_INVALID_CONFIG, reason, "--log-dir is the only folder of its broker: leave it out, and --log-dirs %d makes them in the lab's folder",
                           own_log_dirs(lab));
    err = fs_mkdir(lab->fs, dir, reason);
    if (err)
        return err;
    if (!lab->transient)
        return ERR_OK;
    marker = mem_printf("%s/%s", dir, lab_log_dir_marker);
    err = fs_list(lab->fs, dir, &names, reason);
    if (!err && names.count && !fs_exists(lab->fs, marker))
        err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s holds files that no transient lab of Kafkarium left there: empty it yourself, or name another --log-dir", dir);
    for (size_t i = 0; !err && i < names.count; i++) {
        char *path = mem_printf("%s/%s", dir, names.names[i]);

        err = fs_remove_tree(lab->fs, path, reason);
        mem_free(path);
    }
    fs_names_free(&names);
    if (!err)
        err = fs_replace(lab->fs, marker, bytes_text("left by a transient lab of Kafkarium; the next one clears this folder\n"), reason);
    mem_free(marker);
    return err;
}

/* The lab's own: what is looked at is read only. */
void lab_remove_folder(struct lab *lab)
{
    int64_t no_clock = 0;
    struct fs *fs = lab->inspects ? fs_real(&no_clock, 1, false) : lab->fs;

    fs_remove_tree(fs, lab->dir, NULL);
    if (fs != lab->fs)
        fs_free(fs);
}

char *lab_resolve_path(const struct lab *lab, const char *name)
{
    static const char kafka_logs[] = "/tmp/kafka-logs";
    size_t size = strlen(kafka_logs);
    const struct broker *first = cluster_broker_at(lab->cluster, 0);
    char *path;

    if (!strncmp(name, kafka_logs, size) && (!name[size] || name[size] == '/' || name[size] == '-')) {
        int number = 0, used = 0, base = release_is_27(lab->release) ? 1 : 2; /* -1, -2 or -2, -3 are the second and third */

        if (name[size] == '-' && sscanf(name + size, "-%d%n", &number, &used) == 1 && (!name[size + (size_t)used] || name[size + (size_t)used] == '/'))
            number = number - base + 1;
        if (number >= 0 && (size_t)number < cluster_broker_count(lab->cluster))
            return mem_printf("%s%s", broker_log_dir(cluster_broker_at(lab->cluster, (size_t)number)), name + size + (size_t)used);
    }
    if (name[0] == '/')
        return mem_text(name);
    for (size_t i = 0; lab->inspects && i < cluster_inspect_dir_count(lab->cluster); i++) {
        path = mem_printf("%s/%s", cluster_inspect_dir(lab->cluster, i), name);
        if (fs_exists(lab->fs, path))
            return path;
        mem_free(path);
    }
    path = mem_printf("%s/%s", lab->dir, name);
    if (fs_exists(lab->fs, path))
        return path;
    mem_free(path);
    path = mem_printf("%s/%s", broker_log_dir(first), name);
    if (fs_exists(lab->fs, path))
        return path;
    mem_free(path);
    return mem_text(name);
}
