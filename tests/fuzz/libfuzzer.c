/* Under libFuzzer: the program's name ends in the target's; `--seeds DIR` writes the seeds of all targets to DIR/TARGET and ends. */
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

static const struct target *chosen;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct folder { const char *dir; int count; };
static void write_seed(void *context, struct bytes seed)
{
    struct folder *folder = context;
    char *path = mem_printf("%s/seed-%04d", folder->dir, folder->count++);
    FILE *f = fopen(path, "wb");

    if (f) {
        fwrite(seed.data, 1, seed.size, f);
        fclose(f);
    }
    mem_free(path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *name = strrchr((*argv)[0], '/');
    struct folder folder;

    if (*argc == 3 && !strcmp((*argv)[1], "--seeds")) {
        for (size_t i = 0; i < target_count(); i++) {
            char *dir = mem_printf("%s/%s", (*argv)[2], target_at(i)->name);

            mkdir(dir, 0777);
            folder = (struct folder){ dir, 0 };
            target_findings(target_at(i), write_seed, &folder);
            target_at(i)->seeds(write_seed, &folder);
            mem_free(dir);
        }
        exit(0);
    }
    chosen = target_find(name ? name + 1 : (*argv)[0]);
    if (!chosen) {
        fprintf(stderr, "%s: no target of this name\n", (*argv)[0]);
        exit(2);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    chosen->run((struct bytes){ data, size });
    return 0;
}
