/* The labs of this user that run. */
#include "shell/control/running.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int running_connect(const char *lab)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int folder = open(lab, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

    if (folder < 0)
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/control", folder); /* a lab's path may be longer than a socket's */
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address))) {
        int error = errno;

        close(fd);
        fd = -1;
        errno = error;
    }
    close(folder);
    return fd;
}

static bool answers(const char *lab)
{
    int fd = running_connect(lab);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

char *running_add(const struct lab *lab)
{
    char *top = lab_runtime_folder(), *link;
    size_t size = strlen(top);
    bool inside = !strncmp(lab_dir(lab), top, size) && lab_dir(lab)[size] == '/';
    struct stat st;

    if (inside) {
        mem_free(top);
        return NULL;
    }
    mkdir(top, 0700);
    if (stat(top, &st) || st.st_uid != getuid() || (st.st_mode & 077)) {
        mem_free(top);
        return NULL;
    }
    link = mem_printf("%s/named-%d", top, (int)getpid());
    mem_free(top);
    unlink(link);
    if (!symlink(lab_dir(lab), link))
        return link;
    mem_free(link);
    return NULL;
}

struct found {
    char **dirs;
    size_t count, capacity;
};

static int process_of(const char *name)
{
    int pid = 0;

    return sscanf(name, "named-%d", &pid) == 1 || sscanf(name, "lab-%d-", &pid) == 1 ? pid : 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

/* What a killed process left: the link to a lab of its own folder, or a transient lab, which was to go with it anyway. */
static void remove_stale(const char *path)
{
    struct stat st;

    if (lstat(path, &st) || st.st_uid != getuid())
        return;
    if (S_ISLNK(st.st_mode))
        unlink(path);
    else if (S_ISDIR(st.st_mode))
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static void look_at(struct found *found, const char *top, const char *name)
{
    char *path = mem_printf("%s/%s", top, name), *real = realpath(path, NULL);
    int pid = process_of(name);
    bool dead = pid && kill(pid, 0) && errno == ESRCH;

    if (real && answers(real))
        ARRAY_ADD(found->dirs, found->count, found->capacity) = mem_text(real);
    else if (dead)
        remove_stale(path);
    free(real);
    mem_free(path);
}

static void look_for_all(struct found *found)
{
    char *top = lab_runtime_folder();
    DIR *folder = opendir(top);
    struct dirent *entry;

    while (folder && (entry = readdir(folder)))
        if (process_of(entry->d_name))
            look_at(found, top, entry->d_name);
    if (folder)
        closedir(folder);
    mem_free(top);
}

static void name_them(const struct found *found, struct text *out)
{
    for (size_t i = 0; i < found->count && i < 8; i++)
        text_printf(out, "\n  --to %s", found->dirs[i]);
}

static char *find_named(const char *name, const struct found *found, struct reason *reason)
{
    struct text list = { 0 };
    char *real = realpath(name, NULL), *dir = NULL;

    if (real && text_ends(real, "/control"))
        *strrchr(real, '/') = 0;
    if (real && answers(real))
        dir = mem_text(real);
    for (size_t i = 0; !dir && i < found->count; i++) {
        const char *last = strrchr(found->dirs[i], '/');

        if (last && !strcmp(last + 1, name))
            dir = mem_text(found->dirs[i]);
    }
    name_them(found, &list);
    if (!dir)
        err_because(ERR_KAFKA_STORAGE_ERROR, reason, "no kafkarium has the lab %s open%s%s", name, found->count ? "; these run:" : ", and none other runs", text_chars(&list));
    text_done(&list);
    free(real);
    return dir;
}

char *running_find(const char *name, struct reason *reason)
{
    const char *wanted = name ? name : getenv("KAFKARIUM_LAB");
    struct found found = { 0 };
    struct text list = { 0 };
    char *dir = NULL;

    look_for_all(&found);
    if (wanted && *wanted) {
        dir = find_named(wanted, &found, reason);
    } else if (found.count == 1) {
        dir = mem_text(found.dirs[0]);
    } else if (!found.count) {
        err_because(ERR_KAFKA_STORAGE_ERROR, reason, "no lab runs; start one in another terminal: kafkarium");
    } else {
        name_them(&found, &list);
        err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%zu labs run; say which:%s", found.count, text_chars(&list));
    }
    text_done(&list);
    for (size_t i = 0; i < found.count; i++)
        mem_free(found.dirs[i]);
    mem_free(found.dirs);
    return dir;
}
