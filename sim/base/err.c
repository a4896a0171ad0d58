/* The error table as functions. */
#include "sim/base/err.h"

#include <stdarg.h>
#include <stdio.h>

struct row {
    int code;
    const char *name, *exception, *message;
    bool retriable, refresh;
};

static const struct row rows[] = {
#define ERR(code, name, retriable, refresh, exception, message) \
    { code, #name, exception, message, retriable, refresh },
#include "sim/base/err.def"
#undef ERR
};

static const struct row *find(int code)
{
    size_t i = (size_t)(code + 1); /* the table is complete and in order from -1 */

    return i < sizeof(rows) / sizeof(*rows) ? &rows[i] : NULL;
}

enum err err_because(enum err err, struct reason *reason, const char *format, ...)
{
    va_list args;

    if (reason) {
        va_start(args, format);
        vsnprintf(reason->text, sizeof(reason->text), format, args);
        va_end(args);
    }
    return err;
}

bool err_known(int code)
{
    return find(code) != NULL;
}

static const struct row *get(enum err err)
{
    const struct row *row = find(err);

    return row ? row : &rows[0];
}

const char *err_name(enum err err)
{
    return get(err)->name;
}

const char *err_exception(enum err err)
{
    return get(err)->exception;
}

const char *err_message(enum err err)
{
    return get(err)->message;
}

bool err_retriable(enum err err)
{
    return get(err)->retriable;
}

bool err_refreshes(enum err err)
{
    return get(err)->refresh;
}
