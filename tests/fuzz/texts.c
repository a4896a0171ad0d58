/* Text that people and files bring: the shell's language, lessons, the control socket's frames, numbers and times. */
#include "shell/control/frame.h"
#include "shell/language.h"
#include "shell/lesson/lesson.h"
#include "shell/pasted.h"
#include "tests/fuzz/fuzz.h"

static char *text_of(struct bytes input)
{
    return mem_text_size((const char *)input.data, strnlen((const char *)input.data, input.size));
}

static const char *variable(void *context, const char *name)
{
    (void)context;
    return *name == 'A' ? "a value \"with' $B ;" : NULL;
}

static void run_language(struct bytes input)
{
    char *text = input.size ? text_of(input) : mem_text(""), *other = language_from_cyrillic(text);
    struct language language;
    struct statement statement;
    struct reason reason;
    int got, count = 0;
    size_t most = strlen(text) + 2;

    language_complete(text);
    pasted_python(text);
    pasted_sql_goes_on(text);
    language_begin(&language, text, variable, NULL);
    while ((got = language_next(&language, &statement, &reason)) != 0) {
        if (got == 1)
            statement_done(&statement);
        HOLDS((size_t)++count <= most); /* each takes something */
    }
    mem_free(other);
    mem_free(text);
}

struct giving { seed_fn *give; void *context; };
static void give_session(void *context, const char *path, struct bytes bytes)
{
    struct giving *giving = context;

    (void)path;
    if (bytes.size < 16384)
        giving->give(giving->context, bytes);
}

static void seeds_language(seed_fn *give, void *context)
{
    static const char *const lines[] = {
        "kafka-topics.sh --create --topic students --bootstrap-server localhost:9092\n", "!kafka_2.13-2.7.0/bin/kafka-topics.sh --list \\\n --zookeeper localhost:2181\n",
        "In [6]: echo 'a' | kafka-console-producer.sh --topic t --broker-list localhost:9092 &\n", "A=1 B=\"$A ${A}\"; echo $A $B >out 2>&1 < in <<< word\n",
        "cat << END\nhello $A\nEND\nls\n", "from kafka import KafkaProducer\nfor i in range(3):\n    p.send('a')\n", "SELECT * FROM topics\n WHERE a = 'x;y';\n",
        "\xd0\xbb\xd1\x84\xd0\xb0\xd0\xbb\xd1\x84 --list\n", "docker exec -it kafka kafka-topics --list && ls || ls\n", "a 'open", "a |", "# c\n\n;;&", "%%bash\nls\n",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        give(context, bytes_text(lines[i]));
    golden_each("sessions", give_session, &(struct giving){ give, context });
}
const struct target target_language = { "language", run_language, seeds_language };

static void run_lesson(struct bytes input)
{
    struct lesson lesson;
    struct reason reason;

    memset(&lesson, 0, sizeof(lesson));
    if (!lesson_parse("01-name.md", (const char *)input.data, input.size, &lesson, &reason))
        HOLDS(lesson.title);
    lesson_done(&lesson);
}

static void seeds_lesson(seed_fn *give, void *context)
{
    static const char *const lessons[] = {
        ("# Retention\n\nWhat is *deleted*, and `when`.\n\n## Step one\n\nText, a [link](http://x) and\n\n- a list\n- of two\n\n1. one\n2. two\n\n```run\nls\n```\n\n```check\n"
        "delete students-0\nSELECT 1\n```\n\n```hint\nlook\n```\n\n```why\nwhy retention students-0\n```\n\n## Step two\n\n```question\nWhich?\n- a\n+ b\n- c\n```\n"),
        "# T\n\nS\n\n## A\n\n> quote\n\n***\n\n<b>html</b> &amp; \\*\n\n![i](j)\n", "## no title\n```run\n", "",
    };

    for (size_t i = 0; i < sizeof(lessons) / sizeof(*lessons); i++)
        give(context, bytes_text(lessons[i]));
}
const struct target target_lesson = { "lesson", run_lesson, seeds_lesson };

static void run_control(struct bytes input)
{
    struct buffer in = { 0 };
    struct bytes body;
    enum frame_type type;
    size_t at = 0;
    int got;

    buffer_put(&in, input.data, input.size);
    while ((got = frame_take(&in, &at, &type, &body)) == 1)
        HOLDS(at <= in.size && body.size <= FRAME_MOST);
    HOLDS(got <= 0);
    buffer_done(&in);
}

static void seeds_control(seed_fn *give, void *context)
{
    struct buffer seed = { 0 };

    frame_put(&seed, FRAME_SESSION, "\1", 1);
    frame_put(&seed, FRAME_INPUT, "ls\n", 3);
    frame_put(&seed, FRAME_EXIT, "\0\0\0\1", 4);
    give(context, buffer_bytes(&seed));
    buffer_done(&seed);
}
const struct target target_control = { "control", run_control, seeds_control };

static void run_texts(struct bytes input)
{
    struct reader reader = reader_of(input);
    struct bytes first, second;
    struct text out = { 0 };
    struct uuid uuid;
    struct config_map map = { 0 };
    struct reason reason;
    int64_t number;
    double real;
    bool yes;
    char *a, *b;
    int codec;

    if (!next_part(&reader, &first))
        return;
    second = (struct bytes){ reader.at, reader_left(&reader) };
    a = first.size ? text_of(first) : mem_text("");
    b = second.size ? text_of(second) : mem_text("");
    text_matches(a, b);
    text_width(a);
    text_escaped(&out, first);
    text_json(&out, second);
    for (const char *p = text_chars(&out); *p; p++)
        HOLDS((unsigned char)*p >= ' ' && *p != 0x7f);
    if (parse_duration(a, &number))
        text_duration(&out, number);
    if (parse_time(a, 1767261600000000, &number))
        text_time(&out, number, TIME_DATE | TIME_CLOCK | TIME_MILLIS);
    parse_i64(a, &number);
    parse_double(a, &real);
    parse_bool(a, &yes);
    uuid_parse(a, &uuid);
    java_hash(a);
    murmur2(first);
    codec_parse(a, &codec);
    for (size_t i = 0; i < config_key_count(); i++)
        config_check(config_key_at(i), b, i % 2 ? RELEASE_27 : RELEASE_43, &reason);
    config_map_set(&map, a, b);
    config_check_together(CONFIG_TOPIC, &map, RELEASE_43, &reason);
    config_map_done(&map);
    text_done(&out);
    mem_free(a);
    mem_free(b);
}

static void seeds_texts(seed_fn *give, void *context)
{
    static const char *const texts[] = { "1.5h", "2026-01-01 10:00:00.5", "10:05:30", "[compact,delete]", "9223372036854775807", "-1", "*a?[b-c]*", "true", "gzip",
                                         "1e300", "AAAAAAAAAAAAAAAAAAAAAA", "\xd1\x82\xff\x1b[0m", "", "compact", "0:1,1:2", "*" };
    enum { TEXTS = sizeof(texts) / sizeof(*texts) };

    for (size_t i = 0; i < TEXTS; i++) {
        struct buffer seed = { 0 };

        put_part(&seed, bytes_text(texts[i]));
        buffer_put(&seed, texts[(i + 3) % TEXTS], strlen(texts[(i + 3) % TEXTS]));
        give(context, buffer_bytes(&seed));
        buffer_done(&seed);
    }
}
const struct target target_texts = { "texts", run_texts, seeds_texts };
