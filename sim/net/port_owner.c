/* Who has a port: /proc/net/tcp names the socket by its inode, a descriptor of some process leads to it. */
#include "sim/net/port_owner.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TCP_LISTEN_STATE = 0x0A };

static bool listening_inode(const char *table, int32_t port, unsigned long *inode)
{
    FILE *file = fopen(table, "r");
    char line[512];
    bool found = false;

    if (!file)
        return false;
    while (!found && fgets(line, sizeof(line), file)) {
        unsigned local_port, state;

        if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*s %*s %lu", &local_port, &state, inode) == 3)
            found = (int32_t)local_port == port && state == TCP_LISTEN_STATE;
    }
    fclose(file);
    return found;
}

static bool has_socket(const char *process, const char *link)
{
    char path[300], to[64];
    struct dirent *entry;
    bool found = false;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%.20s/fd", process);
    dir = opendir(path);
    if (!dir)
        return false;
    while (!found && (entry = readdir(dir))) {
        ssize_t size = readlinkat(dirfd(dir), entry->d_name, to, sizeof(to) - 1);

        if (size > 0) {
            to[size] = 0;
            found = !strcmp(to, link);
        }
    }
    closedir(dir);
    return found;
}

static void process_name(const char *process, char *out, size_t size)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%.20s/comm", process);
    file = fopen(path, "r");
    if (!file || !fgets(out, (int)size, file))
        snprintf(out, size, "a process");
    if (file)
        fclose(file);
    for (char *c = out; *c; c++) { /* a process names itself as it likes */
        if (*c == '\n')
            *c = 0;
        else if (!isprint((unsigned char)*c))
            *c = '?';
        if (!*c)
            break;
    }
}

bool port_owner(int32_t port, char *out, size_t size)
{
    unsigned long inode;
    char link[64], name[64];
    struct dirent *entry;
    bool found = false;
    DIR *dir;

    if (!listening_inode("/proc/net/tcp", port, &inode) && !listening_inode("/proc/net/tcp6", port, &inode))
        return false;
    snprintf(link, sizeof(link), "socket:[%lu]", inode);
    dir = opendir("/proc");
    if (!dir)
        return false;
    while (!found && (entry = readdir(dir))) {
        if (!isdigit((unsigned char)entry->d_name[0]) || !has_socket(entry->d_name, link))
            continue;
        process_name(entry->d_name, name, sizeof(name));
        snprintf(out, size, "%s (process %.20s)", name, entry->d_name);
        found = true;
    }
    closedir(dir);
    return found;
}
