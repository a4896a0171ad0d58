/* Values and constraints of virtual tables. */
#include "sim/base/table.h"

#include "tests/harness.h"

TEST(values_know_their_type)
{
    CHECK_INT(VALUE_INT, value_int(5).type);
    CHECK_INT(VALUE_REAL, value_real(0.5).type);
    CHECK_INT(VALUE_NULL, value_null().type);
    CHECK_INT(VALUE_NULL, value_text(NULL).type);
    CHECK_INT(VALUE_NULL, value_blob(NULL, 0).type);
    CHECK_INT(3, value_text("abc").size);
    CHECK_INT(0, value_blob("", 0).size);
    CHECK_INT(VALUE_BLOB, value_blob("\0", 1).type);
}

TEST(only_an_equal_constraint_gives_its_value)
{
    const struct constraint constraints[] = {
        { 0, CONSTRAINT_GT, value_int(1) }, { 1, CONSTRAINT_EQ, value_text("t") }, { 0, CONSTRAINT_EQ, value_int(4) }
    };

    CHECK_INT(4, constraint_equal(constraints, 3, 0)->integer);
    CHECK_TEXT("t", constraint_equal(constraints, 3, 1)->text);
    CHECK(constraint_equal(constraints, 3, 2) == NULL);
    CHECK(constraint_equal(constraints, 2, 0) == NULL);
    CHECK(constraint_equal(NULL, 0, 0) == NULL);
}

TEST(tables_are_found_by_name_in_the_order_they_came)
{
    static const struct table a = { .name = "a" }, b = { .name = "b" };
    struct tables *tables = tables_new();
    int one = 1, two = 2;
    void *context;

    tables_add(tables, &b, &one);
    tables_add(tables, &a, &two);
    CHECK_INT(2, tables_count(tables));
    CHECK(tables_get(tables, 0, &context) == &b && context == &one);
    CHECK(tables_find(tables, "a", &context) == &a && context == &two);
    CHECK(tables_find(tables, "c", &context) == NULL);
    tables_free(tables);
    tables_free(NULL);
}
