/* JSON as Kafka's tools read it from files. */
#include "tests/harness.h"

#include "shell/json.h"
#include "sim/base/text.h"

static struct json *parse(struct arena *arena, const char *text)
{
    arena_init(arena);
    return json_parse(arena, text);
}

static bool is_valid(const char *text)
{
    struct arena arena;
    bool valid = parse(&arena, text) != NULL;

    arena_done(&arena);
    return valid;
}

TEST(members_are_found_by_name)
{
    struct arena arena;
    const struct json *whole = parse(&arena, " {\"a\": [1, {\"b\": \"x\\ty\\u0416\"}], \"a2\": -5, \"a2\": 7, \"f\": 1.5e3} ");
    int64_t number;

    CHECK(whole);
    CHECK_INT(JSON_ARRAY, json_get(whole, "a")->type);
    CHECK_TEXT("x\ty\u0416", json_get(json_get(whole, "a")->items->next, "b")->text);
    CHECK(json_i64(json_get(whole, "a2"), &number));
    CHECK_INT(7, number);
    CHECK(!json_i64(json_get(whole, "f"), &number));
    CHECK(!json_get(whole, "none"));
    CHECK(!json_get(json_get(whole, "a"), "a"));
    arena_done(&arena);
}

TEST(what_is_no_json_is_refused)
{
    static const char *const wrong[] = { "", "not json", "{", "[1,]", "{\"a\" 1}", "{a: 1}", "\"open", "01", "1.", "-", "\"\\x\"", "\"\\ud800\"", "[] []", "nul" };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        CHECK(!is_valid(wrong[i]));
    CHECK(is_valid("[]"));
    CHECK(is_valid("null"));
}

TEST(depth_is_bounded)
{
    char deep[401];

    memset(deep, '[', 200);
    memset(deep + 200, ']', 200);
    deep[400] = 0;
    CHECK(!is_valid(deep));
}
