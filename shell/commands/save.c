/* save: keeps a lab in a folder. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shell/commands/pace.h"
#include "shell/prose.h"
#include "shell/shell.h"

/* A new folder, or an empty one; false: said. *made: it is ours to remove again. */
static bool take_folder(struct call *call, struct fs *fs, const char *dir, bool *made)
{
    struct fs_names names;
    struct reason reason = { "" };
    bool empty;

    *made = !mkdir(dir, 0777);
    if (*made)
        return true;
    if (errno != EEXIST) {
        call_error(call, "save: %s: %s\n", dir, strerror(errno));
        return false;
    }
    if (fs_list(fs, dir, &names, &reason)) {
        call_error(call, "save: %s\n", reason.text);
        return false;
    }
    empty = !names.count;
    fs_names_free(&names);
    if (!empty)
        call_error(call, "save: %s is not empty: name a new folder\n", dir);
    return empty;
}

static bool copy_all(struct call *call, struct copy *copy, struct reason *reason)
{
    int64_t shown = monotonic_now_us() + 1000000;
    bool progress = false, more = true;

    while (more && !copy_slice(copy, monotonic_now_us, 8000)) {
        if (monotonic_now_us() > shown) {
            struct text size = { 0 };

            text_bytes_size(&size, copy_bytes(copy));
            call_progress(call, "saving: %lld files, %s (Ctrl-C gives up)", (long long)copy_files(copy), text_chars(&size));
            text_done(&size);
            shown = monotonic_now_us() + 100000;
            progress = true;
        }
        more = call_yield(call);
    }
    if (progress)
        call_progress(call, "%s", "");
    return more && !copy_error(copy, reason);
}

static int run(struct call *call)
{
    struct lab *lab = call_lab(call);
    struct fs *disk;
    struct copy *copy;
    struct reason reason = { "" };
    struct text line = { 0 };
    char *real;
    bool made, good;

    if (call->argc != 2 || call->argv[1][0] == '-' || !*call->argv[1]) {
        call_error(call, "save: one folder is wanted, for instance: save monday\n");
        return 1;
    }
    disk = fs_real(queue_clock(lab_queue(lab)), 64, false);
    if (!take_folder(call, disk, call->argv[1], &made)) {
        fs_free(disk);
        return 1;
    }
    lab_hold(lab, true); /* one moment, however long the copying takes; requests wait */
    lab_flush(lab);
    real = realpath(call->argv[1], NULL);
    copy = copy_new(lab_fs(lab), disk);
    lab_copy_files(lab, copy, real);
    lab_copy_inputs(lab, copy, real);
    good = copy_all(call, copy, &reason);
    fs_settle(disk);
    if (good && lab_save_memory(lab, real, &reason))
        good = false;
    lab_hold(lab, false);
    if (good) {
        text_add(&line, "Saved in ");
        text_add(&line, real);
        text_add(&line, ": ");
        text_bytes_size(&line, copy_bytes(copy));
        text_printf(&line, " in %lld files, as of ", (long long)copy_files(copy));
        text_time(&line, queue_now_us(lab_queue(lab)), TIME_DATE | TIME_CLOCK | TIME_TENTHS);
        text_printf(&line, ". kafkarium %s opens it, and so does open; this lab goes on in %s.", call->argv[1], lab_dir(lab));
        prose_print(call, "%s\n", text_chars(&line));
    } else {
        struct fs_names names;

        call_error(call, call_interrupted(call) ? "save: given up\n" : "save: %s\n", reason.text);
        if (!fs_list(disk, real, &names, NULL)) { /* it was empty before */
            for (size_t i = 0; i < names.count; i++) {
                char *path = mem_printf("%s/%s", real, names.names[i]);

                if (fs_remove_tree(disk, path, NULL))
                    unlink(path);
                mem_free(path);
            }
            fs_names_free(&names);
        }
        if (made)
            rmdir(real);
    }
    copy_free(copy);
    fs_free(disk);
    free(real);
    text_done(&line);
    return good ? 0 : call_interrupted(call) ? 130 : 1;
}

const struct command command_save = {
    .name = "save", .summary = "keep this lab in a folder", .usage = "save DIR",
    .details = N_("Copies the brokers' files (holes stay holes), the journal, the clock and what is kept of the inputs into DIR, which must be new or empty. All is of one moment:\n"
               "time stands still and requests wait meanwhile; clients stay connected. This lab goes on where it is."),
    .example = "save monday", .argument = COMPLETE_FILE, .needs_lab = true, .run = run,
};
