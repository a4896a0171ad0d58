/* Events as text, files by their sums. */
#include "tests/sim/sums.h"

#include <string.h>

#include "tests/sim/sha256.h"

struct sums {
    struct lab *lab;
    struct text events;
};

static void on_entry(void *context, const struct entry *entry)
{
    struct text *out = &((struct sums *)context)->events;

    text_printf(out, "%llu %lld %s %d %s-%d/%lld %s %s: %s", (unsigned long long)entry->number, (long long)entry->at_us, event_name(entry->kind), entry->broker,
                entry->topic ? entry->topic : "", entry->partition, (long long)entry->offset, entry->subject ? entry->subject : "",
                entry->rule ? entry->rule : "", entry->text ? entry->text : "");
    for (int i = 0; i < entry->fact_count; i++)
        text_printf(out, " %s=%lld%s", entry->facts[i].name, (long long)entry->facts[i].number, entry->facts[i].text ? entry->facts[i].text : "");
    text_add(out, "\n");
}

struct sums *sums_new(struct lab *lab)
{
    struct sums *sums = mem_zero(sizeof(*sums));
    struct journal *journal = lab_journal(lab);

    sums->lab = lab;
    for (uint64_t number = journal_first(journal); number <= journal_last(journal); number++)
        if (journal_get(journal, number))
            on_entry(sums, journal_get(journal, number));
    journal_watch(journal, on_entry, sums);
    return sums;
}

void sums_free(struct sums *sums)
{
    if (!sums)
        return;
    journal_unwatch(lab_journal(sums->lab), on_entry, sums);
    text_done(&sums->events);
    mem_free(sums);
}

static void sum_file(struct fs *fs, const char *path, struct text *out)
{
    static const uint8_t zeros[4096];
    struct buffer bytes = { 0 };
    uint8_t sum[32];
    size_t full;

    if (fs_read_all(fs, path, SIZE_MAX / 2, &bytes, NULL)) {
        text_printf(out, "unreadable %s\n", path);
        return;
    }
    full = bytes.size; /* a preallocated index is megabytes of zeros at its end; the size stands beside the sum */
    while (full >= sizeof(zeros) && !memcmp(bytes.data + full - sizeof(zeros), zeros, sizeof(zeros)))
        full -= sizeof(zeros);
    while (full && !bytes.data[full - 1])
        full--;
    sha256(bytes.data, full, sum);
    for (int i = 0; i < 32; i++)
        text_printf(out, "%02x", sum[i]);
    text_printf(out, " %zu %s\n", bytes.size, path);
    buffer_done(&bytes);
}

void sum_folder(struct fs *fs, const char *folder, struct text *out)
{
    struct fs_names names;

    if (fs_list(fs, folder, &names, NULL)) {
        text_printf(out, "unreadable %s\n", folder);
        return;
    }
    for (size_t i = 0; i < names.count; i++) {
        char *path = mem_printf("%s/%s", folder, names.names[i]);
        struct file_stat stat;

        if (!fs_stat(fs, path, &stat)) {
            if (stat.folder)
                sum_folder(fs, path, out);
            else
                sum_file(fs, path, out);
        }
        mem_free(path);
    }
    fs_names_free(&names);
}

void sums_take(struct sums *sums, struct text *events, struct text *files)
{
    text_add(events, text_chars(&sums->events));
    if (files)
        sum_folder(lab_fs(sums->lab), lab_dir(sums->lab), files);
}
