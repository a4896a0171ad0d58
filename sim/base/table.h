/* Virtual tables: what a layer lets be asked about. A layer describes its tables and registers them with the lab's registry;
 * sim/sql adapts whatever is registered to SQLite, the schema listing reads the same rows. Looking changes nothing: a cursor
 * only reads, never runs events, and lives no longer than one query. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_type { VALUE_NULL, VALUE_INT, VALUE_REAL, VALUE_TEXT, VALUE_BLOB };

struct value {
    enum value_type type;
    int64_t integer;
    double real;
    const char *text;      /* TEXT and BLOB: borrowed until the cursor's next `next`, `get` or `close` */
    size_t size;           /* of text; TEXT ends with NUL as well */
};
struct value value_int(int64_t v);
struct value value_real(double v);
struct value value_text(const char *text);          /* NULL gives VALUE_NULL */
struct value value_blob(const void *data, size_t size);
struct value value_null(void);

struct column {
    const char *name;      /* Kafka's words: topic, partition, broker, base_offset, leader_epoch */
    enum value_type type;
    const char *doc;
};

enum constraint_op { CONSTRAINT_EQ, CONSTRAINT_GE, CONSTRAINT_GT, CONSTRAINT_LE, CONSTRAINT_LT };
struct constraint {        /* what the query asks of a column; a cursor may use it to do less, SQLite tests all rows again */
    int column;
    enum constraint_op op;
    struct value value;
};

struct table {
    const char *name, *doc;
    const struct column *columns;                   /* ends with a row without a name */
    /* A new cursor before its first row. Constraints are borrowed during open. */
    void *(*open)(void *context, const struct constraint *constraints, size_t count);
    bool (*next)(void *cursor);                     /* false: no more rows */
    struct value (*get)(void *cursor, int column);  /* of the present row */
    void (*close)(void *cursor);
};

/* The value that an EQ constraint gives to a column; NULL: there is none. */
const struct value *constraint_equal(const struct constraint *constraints, size_t count, int column);

struct tables;
struct tables *tables_new(void);
void tables_free(struct tables *tables);
void tables_add(struct tables *tables, const struct table *table, void *context); /* both borrowed */
size_t tables_count(const struct tables *tables);
const struct table *tables_get(const struct tables *tables, size_t i, void **context); /* in the order of registration */
const struct table *tables_find(const struct tables *tables, const char *name, void **context);
