/* A lab's folder that was damaged while nobody looked: a cluster is killed, bytes of its files change, it opens again or says why not. The
 * input is a run of edits: which file, what, where, with which bytes. Checksums of batches may be made right after an edit, so that records are
 * wrong inside of right batches. */
#include "sim/log/batch.h"
#include "tests/fuzz/fuzz.h"

enum { MOST_FILES = 256, MOST_EDITS = 32, EDIT = 5 };
struct files { char *paths[MOST_FILES]; size_t count; };

static void find_files(struct fuzz_lab *lab, const char *folder, struct files *files)
{
    struct fs_names names;

    if (fs_list(lab->fs, folder, &names, NULL))
        return;
    for (size_t i = 0; i < names.count; i++) {
        char *path = mem_printf("%s/%s", folder, names.names[i]);
        struct file_stat stat;

        if (!fs_stat(lab->fs, path, &stat) && stat.folder)
            find_files(lab, path, files);
        else if (files->count < MOST_FILES && stat.size && !text_ends(path, "index"))
            files->paths[files->count++] = mem_text(path);
        mem_free(path);
    }
    fs_names_free(&names);
}

static void mend(struct buffer *bytes)
{
    for (size_t at = 0; bytes->size - at >= BATCH_HEADER && bytes->data[at + 16] == 2;) {
        int32_t length = get_i32(bytes->data + at + 8);

        if (length < BATCH_HEADER - BATCH_OVERHEAD || (size_t)length > bytes->size - at - BATCH_OVERHEAD)
            return;
        put_u32(bytes->data + at + 17, crc32c(bytes->data + at + 21, (size_t)length + BATCH_OVERHEAD - 21));
        at += (size_t)length + BATCH_OVERHEAD;
    }
}

static void edit(struct fuzz_lab *lab, const char *path, uint8_t op, uint16_t where, uint8_t value)
{
    struct buffer bytes = { 0 };
    struct file *file;
    size_t at;

    if (fs_read_all(lab->fs, path, 1 << 20, &bytes, NULL) || !bytes.size)
        goto out;
    at = where % bytes.size;
    switch (op % 4) {
    case 0: bytes.data[at] ^= value; break;
    case 1: bytes.data[at] = value; break;
    case 2: bytes.size = at; break;
    default: {
        size_t size = bytes.size - at < value ? bytes.size - at : value;
        uint8_t *behind = buffer_add(&bytes, size);

        memcpy(behind, bytes.data + at, size);
    }
    }
    if (op & 4)
        mend(&bytes);
    fs_unlink(lab->fs, path, NULL);
    if (!(op & 8) && !fs_open(lab->fs, path, FILE_WRITE | FILE_CREATE, &file, NULL)) {
        file_append(file, bytes.data, bytes.size, NULL);
        file_close(file);
    }
out:
    buffer_done(&bytes);
}

static void run(struct bytes input)
{
    struct reader reader = reader_of(input);
    uint8_t mode = (uint8_t)reader_i8(&reader);
    enum release release = mode & 1 ? RELEASE_27 : RELEASE_ANY;
    struct fuzz_lab lab;
    struct files files = { .count = 0 };

    fuzz_lab_init(&lab, release);
    HOLDS(!fuzz_lab_open(&lab, release, 1));
    fuzz_lab_fill(&lab);
    controller_ensure_internal_topic(lab.cluster, "__consumer_offsets", NULL, NULL);
    fuzz_lab_run(&lab, 1000, 1000000);
    if (mode & 2)
        fuzz_lab_drop(&lab);
    else {
        wire_free(lab.wire);
        cluster_close(lab.cluster);
        lab.cluster = NULL;
    }
    find_files(&lab, "lab", &files);
    for (int i = 0; i < MOST_EDITS && reader_left(&reader) >= EDIT && files.count; i++) {
        uint8_t which = (uint8_t)reader_i8(&reader), op = (uint8_t)reader_i8(&reader);
        uint16_t where = reader_u16(&reader);

        edit(&lab, files.paths[which % files.count], op, where, (uint8_t)reader_i8(&reader));
    }
    if (!fuzz_lab_open(&lab, release, 1))
        fuzz_lab_run(&lab, 2000, 600000000);
    fuzz_lab_done(&lab);
    for (size_t i = 0; i < files.count; i++)
        mem_free(files.paths[i]);
}

static void seeds(seed_fn *give, void *context)
{
    for (int i = 0; i < 64; i++) {
        struct buffer seed = { 0 };

        buffer_i8(&seed, (int8_t)(i & 3));
        for (int n = 0; n < i % 5; n++) {
            buffer_i8(&seed, (int8_t)(i * 7 + n));
            buffer_i8(&seed, (int8_t)(i % 3 ? 5 : i / 3));
            buffer_i16(&seed, (int16_t)(i * 131 + n * 61 + 61));
            buffer_i8(&seed, (int8_t)(i % 2 ? 0xff : i * 13));
        }
        give(context, buffer_bytes(&seed));
        buffer_done(&seed);
    }
}
const struct target target_reopen = { "reopen", run, seeds };
