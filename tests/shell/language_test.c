/* Lines as people type and paste them, and the statements they become. */
#include "tests/harness.h"

#include <stdlib.h>

#include "shell/language.h"
#include "shell/pasted.h"

static const char *home(void *context, const char *name)
{
    (void)context;
    return !strcmp(name, "BS") ? "--bootstrap-server localhost:9092" : !strcmp(name, "X") ? "one" : !strcmp(name, "?") ? "3" : NULL;
}

static void show_simple(const struct simple *simple, struct text *out)
{
    static const char *const signs[] = { "<", "<<<", ">", ">>", "2>", "2>>", "2>&1", ">&2" };

    for (int i = 0; i < simple->argc; i++)
        text_printf(out, "%s[%s]", i ? " " : "", simple->argv[i]);
    for (size_t i = 0; i < simple->redirect_count; i++)
        text_printf(out, " %s%s", signs[simple->redirects[i].kind], simple->redirects[i].word ? simple->redirects[i].word : "");
}

/* All statements of a text, so that one line shows them. */
static const char *parse(const char *text)
{
    static struct text out;
    struct language language;
    struct statement statement;
    struct reason reason = { "" };
    int status;

    text_clear(&out);
    language_begin(&language, text, home, NULL);
    while ((status = language_next(&language, &statement, &reason))) {
        if (out.size)
            text_add(&out, " ; ");
        if (status < 0) {
            text_printf(&out, "wrong: %s", reason.text);
            continue;
        }
        text_add(&out, statement.join == JOIN_AND ? "and " : statement.join == JOIN_OR ? "or " : "");
        if (statement.kind == STATEMENT_PYTHON)
            text_printf(&out, "python: %s", statement.source);
        else if (statement.kind == STATEMENT_NOT_NEEDED)
            text_printf(&out, "not needed: %s", statement.stages[0].argv[0]);
        else if (statement.kind == STATEMENT_LAYOUT)
            text_printf(&out, "layout: %s", statement.hint);
        else
            for (size_t i = 0; i < statement.count; i++) {
                text_add(&out, i ? " | " : statement.bang ? "!" : "");
                show_simple(&statement.stages[i], &out);
            }
        text_add(&out, statement.background ? " &" : "");
        statement_done(&statement);
    }
    return text_chars(&out);
}

TEST(words_quotes_and_comments)
{
    CHECK_TEXT("[echo] [a b] [c d] [e f]", parse("echo 'a b' \"c d\" e\\ f # the rest"));
    CHECK_TEXT("[echo] [a#b] []", parse("echo a#b ''"));
    CHECK_TEXT("[echo] [it's] [\\n] [a\"b]", parse("echo \"it's\" '\\n' a\\\"b"));
    CHECK_TEXT("[echo] [{\"k\": \"v\"}]", parse("echo '{\"k\": \"v\"}'"));
    CHECK_TEXT("", parse("  # only a comment\n\n"));
}

TEST(lines_go_on_after_a_backslash)
{
    CHECK_TEXT("[kafka-topics] [--list] [--bootstrap-server] [localhost:9092]",
               parse("bin/kafka-topics.sh \\\n    --list \\\r\n  --bootstrap-server localhost:9092"));
    CHECK(!language_complete("echo a \\"));
    CHECK(!language_complete("echo 'a"));
    CHECK(!language_complete("echo a |"));
    CHECK(!language_complete("echo a &&"));
    CHECK(!language_complete("cat <<EOF\na"));
    CHECK(!language_complete("sql SELECT count("));
    CHECK(language_complete("cat <<EOF\na\nEOF"));
    CHECK(language_complete("echo a # it's"));
    CHECK(language_complete(""));
}

TEST(operators)
{
    CHECK_TEXT("[echo] [a] ; [echo] [b] ; and [echo] [c] ; or [echo] [d]", parse("echo a; echo b && echo c || echo d"));
    CHECK_TEXT("[echo] [a] | [cat] &", parse("echo a | cat &"));
    CHECK_TEXT("[echo] [a] &", parse("echo a&"));
    CHECK_TEXT("[echo] [a] >f 2>&1", parse("echo a > f 2>&1"));
    CHECK_TEXT("[echo] [a] >>f 2>/dev/null", parse("echo a >>f 2>/dev/null"));
    CHECK_TEXT("[cat] <f >&2", parse("cat <f 1>&2"));
    CHECK_TEXT("[cat] <<<a b\n", parse("cat <<< 'a b'"));
    CHECK_TEXT("[cat] <<<one\ntwo\n ; [echo] [x]", parse("cat <<EOF\none\ntwo\nEOF\necho x"));
    CHECK_TEXT("[echo] [a] >f 2>&1 | [cat]", parse("echo a &> f | cat"));
    CHECK_TEXT("wrong: a command is wanted before '|' ; [echo] [next]", parse("| cat\necho next"));
    CHECK_TEXT("wrong: a file is wanted after >", parse("echo a >"));
}

TEST(names_as_courses_write_them)
{
    CHECK_TEXT("![kafka-topics] [--create] [--topic] [students]", parse("!kafka_2.13-2.7.0/bin/kafka-topics.sh --create --topic students"));
    CHECK_TEXT("![kafka-topics] [--list]", parse("In [6]: !kafka_2.13-2.7.0/bin/kafka-topics.sh --list"));
    CHECK_TEXT("[kafka-topics] [--list]", parse("$ ./kafka-topics --list"));
    CHECK_TEXT("[kafka-topics] [--list]", parse("kafkarium> kafka-topics --list"));
    CHECK_TEXT("[kafka-topics] [--list]", parse(".\\bin\\windows\\kafka-topics.bat --list"));
    CHECK_TEXT("[kafka-topics] [--list]", parse("docker exec -it broker kafka-topics --list"));
    CHECK_TEXT("[kafka-topics] [--list]", parse("sudo sh bin/kafka-topics.sh --list"));
    CHECK_TEXT("[kafka-topics] [--list]", parse("KAFKA_HEAP_OPTS=\"-Xmx1g\" bin/kafka-topics.sh --list"));
    CHECK_TEXT("[kafka.admin.TopicCommand] [--list]", parse("bin/kafka-run-class.sh kafka.admin.TopicCommand --list"));
    CHECK_TEXT("[kafka-topics] [--list]", parse("bin/kafka-topics.sh —list")); /* a chat's dash */
    CHECK_TEXT("[kafka-topics] [--topic] [--bootstrap-server] [a:1]", parse("kafka-topics.sh --topic  --bootstrap-server a:1"));
    CHECK_TEXT("![ls] [-la] [/tmp/kafka-logs/students-0]", parse("In [10]:\n!ls -la /tmp/kafka-logs/students-0\n"));
}

TEST(a_pasted_cell_of_several_lines)
{
    CHECK_TEXT("![kafka-topics] [--create] [--topic] [students] ; ![kafka-configs] [--alter] [--add-config] [retention.ms=30000]",
               parse("In [6]:\n# Создадим топик\n!kafka_2.13-2.7.0/bin/kafka-topics.sh --create --topic students\n"
                     "# Редактируем топик\n!kafka_2.13-2.7.0/bin/kafka-configs.sh --alter --add-config retention.ms=30000\n"));
}

TEST(variables)
{
    CHECK_TEXT("[kafka-topics] [--list] [--bootstrap-server] [localhost:9092]", parse("kafka-topics.sh --list $BS"));
    CHECK_TEXT("[echo] [one] [$X] [oneX] [a $]", parse("echo $X '$X' \"${X}X\" 'a $'"));
    CHECK_TEXT("[echo] [3]", parse("echo $? $NOTHING"));
    CHECK_TEXT("[A=b c]", parse("export A='b c'"));
}

TEST(sql_is_the_rest_of_the_line)
{
    CHECK_TEXT("[sql] [SELECT a FROM t WHERE b > 'x;y' || 'z']", parse("SELECT a FROM t WHERE b > 'x;y' || 'z';"));
    CHECK_TEXT("[sql] [select 1] ; [echo] [a]", parse("sql select 1; echo a"));
    CHECK_TEXT("[sql] [SELECT *\nFROM topics\nWHERE a = 1] ; [echo] [b]", parse("SELECT *\nFROM topics\nWHERE a = 1\necho b"));
    CHECK_TEXT("[sql] [WITH x AS (SELECT 1\n) SELECT * FROM x]", parse("WITH x AS (SELECT 1\n) SELECT * FROM x"));
    CHECK_TEXT("[sql] [SELECT 1] | [cat]", parse("sql SELECT 1 | cat"));
    CHECK_TEXT("[sql] [SELECT 1] >f", parse("sql 'SELECT 1' > f"));
    CHECK_TEXT("[sql]", parse("sql"));
    CHECK_TEXT("[until] [lag] [g] [>] [5]", parse("until lag g > 5"));
    CHECK_TEXT("[until] [topic] [=] ['a b']", parse("until topic = 'a b'"));
    CHECK_TEXT("[until] [lag g > 5] [--limit] [1d]", parse("until 'lag g > 5' --limit 1d"));
}

TEST(python_is_one_block)
{
    CHECK_TEXT("python: from kafka import KafkaProducer", parse("from kafka import KafkaProducer\n\nproducer = KafkaProducer(bootstrap_servers='localhost:9092')\n"));
    CHECK_TEXT("python: import time ; [time]", parse("import time\n\nfor i in range(60):\n    producer.send('students', b'i')\n    time.sleep(1)\ntime"));
    CHECK_TEXT("python: producer.send('students', b'Hello, World, again!')", parse("producer.send('students', b'Hello, World, again!')"));
    CHECK_TEXT("python: consumer = KafkaConsumer( ; [echo] [a]", parse("consumer = KafkaConsumer(\n  'students',\n\n  group_id='my-group')\nfor m in consumer:\n    print(m)\necho a"));
    CHECK_TEXT("python: x = 1 ; ![ls]", parse("x = 1\n!ls"));
    CHECK(!pasted_python("kafka-topics.sh --list"));
    CHECK(!pasted_python("producer start p --topic t"));
    CHECK(!pasted_python("time"));
    CHECK(!pasted_python("help"));
    CHECK(!pasted_python("wait client"));
    CHECK(!pasted_python("A=1"));
    CHECK(!pasted_python("exit()"));
    CHECK(!pasted_python("./run.sh"));
    CHECK(!pasted_python("with x as (select 1) select * from x"));
    CHECK(pasted_python("print(1)"));
    CHECK(pasted_python("for m in consumer:"));
    CHECK(pasted_python("consumer.subscribe(['students'])"));
    CHECK(pasted_python("producer.flush()"));
}

TEST(what_is_not_needed)
{
    CHECK_TEXT("not needed: wget ; not needed: tar", parse("!wget https://archive.apache.org/dist/kafka/2.7.0/kafka_2.13-2.7.0.tgz\n!tar -xzf kafka_2.13-2.7.0.tgz"));
    CHECK_TEXT("not needed: pip", parse("!pip install kafka-python"));
    CHECK_TEXT("not needed: docker", parse("docker run -p 9092:9092 apache/kafka"));
    CHECK_TEXT("not needed: bin/zookeeper-server-start.sh &", parse("bin/zookeeper-server-start.sh config/zookeeper.properties &"));
    CHECK_TEXT("![wget] [http://example.org/data.csv]", parse("!wget http://example.org/data.csv"));
}

TEST(a_layout_left_on)
{
    CHECK_TEXT("layout: kafka-topics --list", parse("лфалф-ещзшсы --дшые"));
    CHECK_TEXT("layout: ls", parse("ды"));
    CHECK_TEXT("[эй]", parse("эй"));
}

TEST(names_near_what_was_typed)
{
    CHECK_TEXT("kafka-topics", command_nearest("kafka-topcis.sh"));
    CHECK_TEXT("kafka-topics", command_nearest("topics"));
    CHECK_TEXT("status", command_nearest("statsu"));
    CHECK(!command_nearest("grep"));
    CHECK(!command_nearest("xyzzy"));
}

TEST(nothing_typed_can_break_it)
{
    static const char pieces[] = "ab \t\n'\"\\|&;<>#!$(){}[]=.-0123SELECT\xd0\xb9\xe2\x80\x9c";
    unsigned dice = 1;

    for (int round = 0; round < 20000; round++) {
        char line[48];
        size_t size = 0;

        for (int i = 0; i < 40; i++) {
            dice = dice * 1103515245 + 12345;
            line[size++] = pieces[(dice >> 16) % (sizeof(pieces) - 1)];
        }
        line[size] = 0;
        parse(line);
        language_complete(line);
    }
}
