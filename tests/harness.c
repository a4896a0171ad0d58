/* Runs the tests that registered themselves; an argument runs those whose name contains it. */
#include "tests/harness.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static struct CMUnitTest *tests;
static size_t count;

void harness_add(const char *name, void (*run)(void **))
{
    tests = realloc(tests, (count + 1) * sizeof(*tests));
    tests[count++] = (struct CMUnitTest){ .name = name, .test_func = run };
}

void check_int(int64_t expected, int64_t actual, const char *what, const char *file, int line)
{
    if (expected != actual) {
        print_error("%s = %lld, expected %lld\n", what, (long long)actual, (long long)expected);
        _fail(file, line);
    }
}

void check_text(const char *expected, const char *actual, const char *what, const char *file, int line)
{
    if (!expected || !actual ? expected != actual : strcmp(expected, actual) != 0) {
        print_error("%s = \"%s\"\nexpected \"%s\"\n", what, actual ? actual : "(null)", expected ? expected : "(null)");
        _fail(file, line);
    }
}

void check_hex(const char *expected, const void *data, size_t size, const char *what, const char *file, int line)
{
    const uint8_t *bytes = data;
    size_t i = 0;

    for (const char *p = expected; *p; i++) {
        unsigned byte;

        while (isspace((unsigned char)*p))
            p++;
        if (!*p)
            break;
        if (sscanf(p, "%2x", &byte) != 1 || i >= size || bytes[i] != byte) {
            print_error("%s: byte %zu of %zu is %02x, expected %.2s\n", what, i, size, i < size ? bytes[i] : 0, p);
            for (size_t j = 0; j < size && j < 512; j++)
                print_error("%02x", bytes[j]);
            print_error("\n");
            _fail(file, line);
        }
        p += 2;
    }
    check_int((int64_t)i, (int64_t)size, "size", file, line);
}

uint8_t *golden_read(const char *name, size_t *size)
{
    char path[512];
    uint8_t *data = NULL;
    FILE *f;

    snprintf(path, sizeof(path), "tests/golden/%s", name);
    f = fopen(path, "rb");
    if (!f) {
        print_error("%s is missing\n", path);
        fail();
    }
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    data = malloc(*size + 1);
    if (fread(data, 1, *size, f) != *size)
        fail();
    data[*size] = 0;
    fclose(f);
    return data;
}

int main(int argc, char **argv)
{
    char filter[256];

    cmocka_set_message_output(CM_OUTPUT_STDOUT);
    if (argc > 1) {
        snprintf(filter, sizeof(filter), "*%s*", argv[1]);
        cmocka_set_test_filter(filter);
    }
    return _cmocka_run_group_tests("tests", tests, count, NULL, NULL) ? 1 : 0;
}
