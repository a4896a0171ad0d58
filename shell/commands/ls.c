/* ls: folders, above all the brokers', as ls shows them; the times are virtual. */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shell/command.h"

struct flags {
    bool all, list, human, by_time, by_size, reverse, one, folder;
};

struct item {
    char *name;
    struct file_stat stat;
    int64_t real_blocks_kb;
    unsigned mode, links;
    const char *owner, *group;
    char owner_text[48], group_text[48];
    bool found;
};

static void fill(struct lab *lab, const char *path, struct item *item)
{
    struct stat st;
    struct passwd *user;
    struct group *group;

    item->found = !fs_stat(lab_fs(lab), path, &item->stat);
    item->mode = item->stat.folder ? 0040755 : 0100644;
    item->links = item->stat.folder ? 2 : 1;
    item->real_blocks_kb = item->stat.folder ? 4 : (item->stat.allocated + 1023) / 1024;
    snprintf(item->owner_text, sizeof(item->owner_text), "%u", (unsigned)getuid());
    snprintf(item->group_text, sizeof(item->group_text), "%u", (unsigned)getgid());
    if (!stat(path, &st)) { /* mode, owner and links are the system's; size and time the lab's */
        item->mode = st.st_mode;
        item->links = (unsigned)st.st_nlink;
        item->real_blocks_kb = (int64_t)st.st_blocks / 2;
        snprintf(item->owner_text, sizeof(item->owner_text), "%u", (unsigned)st.st_uid);
        snprintf(item->group_text, sizeof(item->group_text), "%u", (unsigned)st.st_gid);
        if (item->stat.folder)
            item->stat.size = st.st_size;
        user = getpwuid(st.st_uid);
        group = getgrgid(st.st_gid);
    } else {
        user = getpwuid(getuid());
        group = getgrgid(getgid());
        if (item->stat.folder)
            item->stat.size = 4096;
    }
    if (user)
        snprintf(item->owner_text, sizeof(item->owner_text), "%s", user->pw_name);
    if (group)
        snprintf(item->group_text, sizeof(item->group_text), "%s", group->gr_name);
}

static int compare(const void *a, const void *b, void *context)
{
    const struct item *x = a, *y = b;
    const struct flags *flags = context;
    int order = 0;

    if (flags->by_time)
        order = x->stat.mtime_us < y->stat.mtime_us ? 1 : x->stat.mtime_us > y->stat.mtime_us ? -1 : 0;
    else if (flags->by_size)
        order = x->stat.size < y->stat.size ? 1 : x->stat.size > y->stat.size ? -1 : 0;
    if (!order)
        order = strcmp(x->name, y->name);
    return flags->reverse ? -order : order;
}

static void mode_text(unsigned mode, char out[11])
{
    static const char letters[] = "rwxrwxrwx";

    out[0] = S_ISDIR(mode) ? 'd' : S_ISLNK(mode) ? 'l' : '-';
    for (int i = 0; i < 9; i++)
        out[i + 1] = mode & (0400u >> i) ? letters[i] : '-';
    out[10] = 0;
}

static void human_size(int64_t size, char out[24])
{
    static const char units[] = "KMGT";
    double value = (double)size;
    int unit = -1;

    while (value >= 1024 && unit < 3) {
        value /= 1024;
        unit++;
    }
    if (unit < 0)
        snprintf(out, 24, "%lld", (long long)size);
    else
        snprintf(out, 24, value < 10 ? "%.1f%c" : "%.0f%c", value, units[unit]);
}

/* "May 11 18:28", or with the year where it is more than half a year off, as GNU ls. */
static void time_text(const struct lab *lab, int64_t us, char out[32])
{
    int64_t now = queue_now_us(lab_queue(lab));
    time_t seconds = (time_t)(us / 1000000);
    struct tm tm;
    bool near = us <= now + 1000000 && us > now - 15778476000000LL;

    localtime_r(&seconds, &tm);
    strftime(out, 32, near ? "%b %e %H:%M" : "%b %e  %Y", &tm);
}

static void print_long(struct call *call, const struct item *items, size_t count, bool human)
{
    int links = 1, owner = 1, group = 1, size = 1;
    char sizes[24], mode[11], when[32];

    for (size_t i = 0; i < count; i++) {
        int width = snprintf(NULL, 0, "%u", items[i].links);

        links = width > links ? width : links;
        owner = (int)strlen(items[i].owner_text) > owner ? (int)strlen(items[i].owner_text) : owner;
        group = (int)strlen(items[i].group_text) > group ? (int)strlen(items[i].group_text) : group;
        if (human)
            human_size(items[i].stat.size, sizes);
        else
            snprintf(sizes, sizeof(sizes), "%lld", (long long)items[i].stat.size);
        size = (int)strlen(sizes) > size ? (int)strlen(sizes) : size;
    }
    for (size_t i = 0; i < count; i++) {
        struct text name = { 0 };

        text_escaped(&name, bytes_text(items[i].name));
        mode_text(items[i].mode, mode);
        time_text(call_lab(call), items[i].stat.mtime_us, when);
        if (human)
            human_size(items[i].stat.size, sizes);
        else
            snprintf(sizes, sizeof(sizes), "%lld", (long long)items[i].stat.size);
        call_print(call, "%s %*u %-*s %-*s %*s %s %s\n", mode, links, items[i].links, owner, items[i].owner_text, group, items[i].group_text, size, sizes, when,
                   text_chars(&name));
        text_done(&name);
    }
}

static void print_short(struct call *call, const struct item *items, size_t count, const struct flags *flags)
{
    int widest = 1, columns = call->out->terminal && !flags->one ? call->out->columns : 0, across;

    for (size_t i = 0; i < count; i++)
        widest = text_width(items[i].name) > widest ? text_width(items[i].name) : widest;
    across = columns / (widest + 2);
    if (across < 1)
        across = 1;
    size_t down = (count + (size_t)across - 1) / (size_t)across;
    for (size_t row = 0; row < down; row++) {
        for (size_t i = row; i < count; i += down) {
            struct text name = { 0 };

            text_escaped(&name, bytes_text(items[i].name));
            call_print(call, "%s%*s", text_chars(&name), i + down < count ? widest + 2 - text_width(text_chars(&name)) : 0, "");
            text_done(&name);
        }
        call_print(call, "\n");
    }
}

static int list_folder(struct call *call, const char *path, const char *shown, const struct flags *flags)
{
    struct lab *lab = call_lab(call);
    struct fs_names names = { 0 };
    struct item *items;
    size_t count = 0;
    int64_t total = 0;
    struct reason reason;

    if (fs_list(lab_fs(lab), path, &names, &reason)) {
        call_error(call, "ls: cannot open directory '%s': %s\n", shown, reason.text);
        return 2;
    }
    items = mem_zero_array(names.count + 2, sizeof(*items));
    for (size_t i = 0; i < names.count + (flags->all ? 2 : 0); i++) {
        const char *name = i < names.count ? names.names[i] : i == names.count ? "." : "..";
        char *full;

        if (name[0] == '.' && !flags->all)
            continue;
        full = i < names.count ? mem_printf("%s/%s", path, name) : i == names.count ? mem_text(path) : mem_printf("%.*s", (int)(strrchr(path, '/') ? strrchr(path, '/') - path : 1), path);
        items[count].name = mem_text(name);
        fill(lab, *full ? full : "/", &items[count]);
        mem_free(full);
        total += items[count++].real_blocks_kb;
    }
    qsort_r(items, count, sizeof(*items), compare, (void *)flags);
    if (flags->list) {
        call_print(call, "total %lld\n", (long long)total);
        print_long(call, items, count, flags->human);
    } else if (count) {
        print_short(call, items, count, flags);
    }
    for (size_t i = 0; i < count; i++)
        mem_free(items[i].name);
    mem_free(items);
    fs_names_free(&names);
    return 0;
}

static int list_one(struct call *call, const char *name, const struct flags *flags, bool several)
{
    struct lab *lab = call_lab(call);
    char *path = lab_resolve_path(lab, name);
    struct item item = { .name = (char *)name };
    size_t size = strlen(path);
    int status = 0;

    while (size > 1 && path[size - 1] == '/')
        path[--size] = 0;
    fill(lab, path, &item);
    if (!item.found) {
        call_error(call, "ls: cannot access '%s': No such file or directory\n", name);
        status = 2;
    } else if (item.stat.folder && !flags->folder) {
        if (several)
            call_print(call, "%s:\n", name);
        status = list_folder(call, path, name, flags);
    } else if (flags->list) {
        print_long(call, &item, 1, flags->human);
    } else {
        call_print(call, "%s\n", name);
    }
    mem_free(path);
    return status;
}

/* The last part may be a pattern: /tmp/kafka-logs/students-0/{*}.log */
static int list_pattern(struct call *call, const char *name, const struct flags *flags, bool several, bool *any)
{
    const char *slash = strrchr(name, '/'), *pattern = slash ? slash + 1 : name;
    char *folder = slash ? mem_text_size(name, (size_t)(slash - name)) : mem_text(""), *path = lab_resolve_path(call_lab(call), folder);
    struct fs_names names = { 0 };
    int status = 0;

    if (!fs_list(lab_fs(call_lab(call)), path, &names, NULL)) {
        for (size_t i = 0; i < names.count; i++) {
            char *full;

            if (!text_matches(names.names[i], pattern) || names.names[i][0] == '.')
                continue;
            full = slash ? mem_printf("%s/%s", folder, names.names[i]) : mem_text(names.names[i]);
            *any = true;
            status |= list_one(call, full, flags, several);
            mem_free(full);
        }
        fs_names_free(&names);
    }
    mem_free(path);
    mem_free(folder);
    return status;
}

static int run(struct call *call)
{
    struct flags flags = { 0 };
    int count = 0, status = 0;

    for (int i = 1; i < call->argc; i++) {
        if (call->argv[i][0] != '-' || !call->argv[i][1]) {
            count++;
            continue;
        }
        for (const char *letter = call->argv[i] + 1; *letter; letter++) {
            switch (*letter) {
            case 'a':
            case 'A':
                flags.all = true;
                break;
            case 'l':
                flags.list = true;
                break;
            case 'h':
                flags.human = true;
                break;
            case 't':
                flags.by_time = true;
                break;
            case 'S':
                flags.by_size = true;
                break;
            case 'r':
                flags.reverse = true;
                break;
            case '1':
                flags.one = true;
                break;
            case 'd':
                flags.folder = true;
                break;
            default:
                call_error(call, "ls: there is no option -%c here; these are: -a -l -h -t -S -r -1 -d\n", *letter);
                return 2;
            }
        }
    }
    if (!count && lab_inspects(call_lab(call))) {
        const struct cluster *cluster = lab_cluster(call_lab(call));

        for (size_t i = 0; i < cluster_inspect_dir_count(cluster); i++)
            status |= list_one(call, cluster_inspect_dir(cluster, i), &flags, cluster_inspect_dir_count(cluster) > 1);
        return status;
    }
    if (!count)
        return list_one(call, broker_log_dir(cluster_broker_at(lab_cluster(call_lab(call)), 0)), &flags, false);
    for (int i = 1; i < call->argc; i++) {
        bool any = false;
        const char *name = call->argv[i];

        if (name[0] == '-' && name[1])
            continue;
        if (strpbrk(name, "*?[")) {
            status |= list_pattern(call, name, &flags, true, &any);
            if (any)
                continue;
        }
        status |= list_one(call, name, &flags, count > 1);
    }
    return status;
}

static const struct option options[] = {
    { "a", NULL, N_("also names that begin with a dot"), COMPLETE_NONE, RELEASE_ANY },
    { "l", NULL, N_("one line each with mode, owner, size and time"), COMPLETE_NONE, RELEASE_ANY },
    { "h", NULL, N_("sizes for people"), COMPLETE_NONE, RELEASE_ANY },
    { 0 },
};

const struct command command_ls = {
    .name = "ls", .summary = "list folders, the brokers' as well", .usage = "ls [-alhtSr1d] [FOLDER|FILE|PATTERN]...",
    .details = N_("/tmp/kafka-logs is the first broker's folder; topic-partition and broker-N work alone. Times are virtual."),
    .example = "ls -la /tmp/kafka-logs/students-0", .options = options, .argument = COMPLETE_FILE, .needs_lab = true, .looks = true, .run = run,
};
