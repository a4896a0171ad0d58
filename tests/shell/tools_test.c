/* Options as joptsimple reads them, exceptions as Java prints them, and the orders of Java's and Scala's maps. */
#include "tests/harness.h"

#include "shell/java_order.h"
#include "shell/shell.h"
#include "shell/tool_admin.h"

static const struct option rows[] = {
    { "list", NULL, "", 0, 0 },
    { "topic", "String: topic", "", 0, 0 },
    { "partitions", "Integer: n", "", 0, 0 },
    { "shift-by", "Long: n", "", 0, 0 },
    { "state", "[String]", "", 0, 0 },
    { "zookeeper", "String", "", 0, RELEASE_27 },
    { "topic-id", "String", "", 0, RELEASE_43 },
    { 0 },
};

/* What was read from a line of words: "list topic=a /word", or the exception. */
static const char *read_line(enum release release, const char *line)
{
    static struct text out;
    struct shell shell = { 0 };
    struct session session = { .shell = &shell, .release = release, .release_fixed = true };
    struct call call = { .session = &session };
    struct tool_options *options;
    struct trouble trouble = { 0 };
    const char *name, *argument;
    char *words = mem_text(line), *rest = words, *argv[32];

    argv[call.argc++] = "tool";
    while (rest && call.argc < 32)
        argv[call.argc++] = strsep(&rest, " ");
    call.argv = argv;
    text_clear(&out);
    if (tool_options_parse(&options, &call, rows, &trouble)) {
        for (size_t i = 0; tool_given(options, i, &name, &argument); i++)
            text_printf(&out, "%s%s%s%s", out.size ? " " : "", name, argument ? "=" : "", argument ? argument : "");
        for (size_t i = 0; i < tool_words(options); i++)
            text_printf(&out, "%s/%s", out.size ? " " : "", tool_word(options, i));
        tool_options_done(options);
    } else {
        text_printf(&out, "%s", trouble.message);
    }
    trouble_done(&trouble);
    mem_free(words);
    return text_chars(&out);
}

TEST(options_take_their_argument_from_behind_the_sign_or_the_next_word)
{
    CHECK_TEXT("list topic=a", read_line(RELEASE_43, "--list --topic a"));
    CHECK_TEXT("topic=a=b", read_line(RELEASE_43, "--topic=a=b"));
    CHECK_TEXT("topic=--list", read_line(RELEASE_43, "--topic --list"));
    CHECK_TEXT("shift-by=-3 list", read_line(RELEASE_43, "--shift-by -3 --list"));
    CHECK_TEXT("topic=a list", read_line(RELEASE_43, "-topic a -list"));
    CHECK_TEXT("list", read_line(RELEASE_43, "--list=yes"));
    CHECK_TEXT("list /--topic", read_line(RELEASE_43, "--list -- --topic"));
    CHECK_TEXT("/list", read_line(RELEASE_43, "list"));
}

TEST(an_optional_argument_is_no_option)
{
    CHECK_TEXT("state list", read_line(RELEASE_43, "--state --list"));
    CHECK_TEXT("state=stable list", read_line(RELEASE_43, "--state stable --list"));
    CHECK_TEXT("state", read_line(RELEASE_43, "--state"));
}

TEST(wrong_options_are_told_in_joptsimples_words)
{
    CHECK_TEXT("lis is not a recognized option", read_line(RELEASE_43, "--lis"));
    CHECK_TEXT("x is not a recognized option", read_line(RELEASE_43, "-xyz"));
    CHECK_TEXT("Option topic requires an argument", read_line(RELEASE_43, "--list --topic"));
}

TEST(each_release_has_its_own_options)
{
    CHECK_TEXT("zookeeper=h", read_line(RELEASE_27, "--zookeeper h"));
    CHECK_TEXT("zookeeper is not a recognized option", read_line(RELEASE_43, "--zookeeper h"));
    CHECK_TEXT("topic-id is not a recognized option", read_line(RELEASE_27, "--topic-id h"));
    CHECK_TEXT("zookeeper=h topic-id=i", read_line(RELEASE_ANY, "--zookeeper h --topic-id i"));
}

TEST(an_exception_prints_as_a_trace_without_its_frames)
{
    struct trouble trouble = { 0 };
    struct text text = { 0 };

    trouble_set(&trouble, "a.A", "why");
    trouble_wrap(&trouble, "b.B", NULL);
    trouble_wrap(&trouble, "c.C", "other");
    trouble_text(&trouble, &text);
    CHECK_TEXT("c.C: other\nCaused by: b.B: a.A: why\nCaused by: a.A: why\n", text_chars(&text));
    text_done(&text);
    trouble_done(&trouble);
}

static const char *ordered(size_t *order, const char *const *keys, size_t count)
{
    static struct text out;

    text_clear(&out);
    for (size_t i = 0; i < count; i++)
        text_printf(&out, "%s%s", i ? " " : "", keys[order[i]]);
    mem_free(order);
    return text_chars(&out);
}

/* As kafka-topics --describe of both releases listed them. */
TEST(a_scala_set_keeps_each_bucket_by_hash)
{
    uint32_t hashes[23];
    struct text out = { 0 };
    size_t *order;

    for (int32_t i = 0; i < 20; i++)
        hashes[i] = topic_partition_hash("students", i);
    for (int32_t i = 0; i < 3; i++)
        hashes[20 + i] = topic_partition_hash("orders", i);
    order = scala_mutable_order_hashes(hashes, 23);
    for (size_t i = 0; i < 23; i++)
        text_printf(&out, " %zu", order[i]);
    CHECK_TEXT(" 8 9 6 7 4 5 2 3 0 1 18 19 16 20 17 21 14 22 15 12 13 10 11", text_chars(&out)); /* as TransactionMetadata.toString() of 2.7.0 has it */
    text_done(&out);
    mem_free(order);
}

TEST(topics_come_in_the_order_of_javas_map)
{
    static const char *const topics[] = { "my.topic", "orders", "payments", "students", "t0", "t1", "t2", "t3" };
    static const char *const four[] = { "orders", "payments", "students" };

    CHECK_TEXT("payments students my.topic orders t0 t1 t2 t3", ordered(java_order(topics, 8, 8), topics, 8));
    CHECK_TEXT("students orders payments", ordered(java_order(four, 3, 3), four, 3));
}

TEST(settings_of_one_bucket_come_as_the_brokers_map_has_them)
{
    static const char *const names[] = { "retention.ms", "segment.bytes" };

    CHECK_TEXT("segment.bytes retention.ms", ordered(java_order_of_scala(names, 2), names, 2));
}

TEST(a_map_of_scala_keeps_four_as_they_came)
{
    uint32_t hashes[5];
    size_t *order;

    for (int32_t i = 0; i < 5; i++)
        hashes[i] = topic_partition_hash("orders", 4 - i);
    order = scala_order_hashes(hashes, 4);
    for (size_t i = 0; i < 4; i++)
        CHECK_INT(i, order[i]);
    mem_free(order);
    order = scala_order_hashes(hashes, 5);
    size_t sum = 0;
    for (size_t i = 0; i < 5; i++)
        sum += order[i];
    CHECK_INT(10, sum); /* each once */
    mem_free(order);
}

TEST(a_filter_is_a_list_or_a_regular_expression)
{
    struct trouble trouble = { 0 };
    struct tool_filter *filter;

    CHECK(tool_filter_new(&filter, "a, b\\.c|t[0-9]+", &trouble));
    CHECK(tool_filter_allows(filter, "a", false));
    CHECK(tool_filter_allows(filter, "b.c", false));
    CHECK(!tool_filter_allows(filter, "bxc", false));
    CHECK(tool_filter_allows(filter, "t12", false));
    CHECK(!tool_filter_allows(filter, "at1", false));
    tool_filter_free(filter);
    CHECK(!tool_filter_new(&filter, "*", &trouble));
    CHECK_TEXT("* is an invalid regex.", trouble.message);
    trouble_done(&trouble);
}
