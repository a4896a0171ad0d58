/* A test reads like the sentence it proves: TEST(name) { CHECK_INT(expected, actual); }. cmocka runs them; every TEST of a
 * program registers itself. CHECK_* stop the test at the first that fails and say where. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void harness_add(const char *name, void (*run)(void **));

#define TEST(name)                                                             \
    static void name(void **state);                                            \
    __attribute__((constructor)) static void name##_register(void)             \
    {                                                                          \
        harness_add(#name, name);                                              \
    }                                                                          \
    static void name(void **state __attribute__((unused)))

#define CHECK(condition) assert_true(condition)
#define CHECK_INT(expected, actual) check_int((int64_t)(expected), (int64_t)(actual), #actual, __FILE__, __LINE__)
#define CHECK_TEXT(expected, actual) check_text((expected), (actual), #actual, __FILE__, __LINE__)
/* Bytes against hex digits, spaces between them allowed. */
#define CHECK_HEX(expected, data, size) check_hex((expected), (data), (size), #data, __FILE__, __LINE__)

void check_int(int64_t expected, int64_t actual, const char *what, const char *file, int line);
void check_text(const char *expected, const char *actual, const char *what, const char *file, int line);
void check_hex(const char *expected, const void *data, size_t size, const char *what, const char *file, int line);
/* A fixture below tests/golden, whole; the caller frees it. */
uint8_t *golden_read(const char *name, size_t *size);
