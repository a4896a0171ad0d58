/* What may stand at the cursor. Only looks: no event is run, nothing is changed. */
#include "shell/repl/complete.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "shell/commands/console_format.h"
#include "shell/lesson/lesson.h"

struct adding {
    complete_add *add;
    void *context;
    const char *prefix;
    const char *hide;      /* names that begin so are left out; NULL: none */
};

static void add_matching(void *context, const char *name)
{
    const struct adding *adding = context;

    if (text_starts(name, adding->prefix) && !(adding->hide && text_starts(name, adding->hide)))
        adding->add(adding->context, name);
}

/* ---- from the lab ---- */

struct group_rows {
    complete_add *add;
    void *context;
    int column;
};

static void group_head(void *context, int count, const char *const *names)
{
    static const char *const wanted[] = { "group", "group_id", "name" };
    struct group_rows *rows = context;

    rows->column = -1;
    for (size_t w = 0; w < sizeof(wanted) / sizeof(*wanted) && rows->column < 0; w++)
        for (int i = 0; i < count; i++)
            if (!strcmp(names[i], wanted[w]))
                rows->column = i;
}

static bool group_row(void *context, const struct sql_row *row)
{
    struct group_rows *rows = context;

    if (rows->column < 0)
        group_head(context, row->count, row->names);
    if (rows->column >= 0 && row->values[rows->column].type == VALUE_TEXT)
        rows->add(rows->context, row->values[rows->column].text);
    return true;
}

static void add_topics(const struct lab *lab, bool partitions, complete_add *add, void *context)
{
    const struct image *image = cluster_image(lab_cluster(lab));

    for (size_t i = 0; i < image_topic_count(image); i++) {
        const struct image_topic *topic = image_topic_at(image, i);

        if (!partitions)
            add(context, topic->name);
        for (int32_t p = 0; partitions && p < topic->partition_count && p < 1000; p++) {
            char *name = mem_printf("%s-%d", topic->name, p);

            add(context, name);
            mem_free(name);
        }
    }
}

static void add_tables(const struct lab *lab, bool columns, complete_add *add, void *context)
{
    const struct tables *tables = lab_tables(lab);

    for (size_t i = 0; i < tables_count(tables); i++) {
        void *inner;
        const struct table *table = tables_get(tables, i, &inner);

        if (!columns)
            add(context, table->name);
        for (const struct column *column = table->columns; columns && column->name; column++) {
            char *name = mem_printf("%s.%s", table->name, column->name);

            add(context, name);
            mem_free(name);
        }
    }
}

/* Names in a folder as ls takes it; what was typed of the path is kept. */
static void add_files(const struct lab *lab, const char *prefix, complete_add *add, void *context)
{
    const char *slash = strrchr(prefix, '/');
    char *typed = slash ? mem_text_size(prefix, (size_t)(slash - prefix + 1)) : mem_text("");
    char *folder = lab_resolve_path(lab, *typed ? typed : broker_log_dir(cluster_broker_at(lab_cluster(lab), 0)));
    struct fs_names names = { 0 };
    size_t size = strlen(folder);

    while (size > 1 && folder[size - 1] == '/')
        folder[--size] = 0;
    if (!fs_list(lab_fs(lab), folder, &names, NULL)) {
        for (size_t i = 0; i < names.count; i++) {
            char *full = mem_printf("%s/%s", folder, names.names[i]);
            struct file_stat stat = { 0 };
            char *name;

            fs_stat(lab_fs(lab), full, &stat);
            name = mem_printf("%s%s%s", typed, names.names[i], stat.folder ? "/" : "");
            add(context, name);
            mem_free(name);
            mem_free(full);
        }
        fs_names_free(&names);
    }
    if (text_starts("/tmp/kafka-logs/", prefix))
        add(context, "/tmp/kafka-logs/");
    mem_free(folder);
    mem_free(typed);
}

void complete_from_lab(struct lab *lab, enum complete kind, const char *prefix, complete_add *add, void *context)
{
    struct group_rows rows = { add, context, -1 };
    struct reason reason;
    char name[64];

    switch ((int)kind) {
    case COMPLETE_TOPIC:
        add_topics(lab, false, add, context);
        break;
    case COMPLETE_PARTITION:
        add_topics(lab, true, add, context);
        break;
    case COMPLETE_GROUP:
        sql_query(lab_sql(lab), "SELECT * FROM groups", group_head, group_row, &rows, NULL, &reason);
        break;
    case COMPLETE_CLIENT:
        for (size_t i = 0; i < simulated_count(lab_simulated(lab)); i++) {
            struct simulated_info info;

            simulated_info(simulated_at(lab_simulated(lab), i), &info);
            if (simulated_lives(info.state))
                add(context, info.name);
        }
        break;
    case COMPLETE_BROKER:
        for (size_t i = 0; i < cluster_broker_count(lab_cluster(lab)); i++) {
            snprintf(name, sizeof(name), "%d", broker_id(cluster_broker_at(lab_cluster(lab), i)));
            add(context, name);
        }
        break;
    case COMPLETE_BOOTSTRAP:
        for (size_t i = 0; i < cluster_broker_count(lab_cluster(lab)); i++) {
            snprintf(name, sizeof(name), "localhost:%d", lab_port(lab, i));
            add(context, name);
        }
        break;
    case COMPLETE_TABLE:
        add_tables(lab, false, add, context);
        break;
    case COMPLETE_COLUMN:
        add_tables(lab, true, add, context);
        break;
    case COMPLETE_FILE:
        add_files(lab, prefix, add, context);
        break;
    default:
        break;
    }
}

static void names_of(struct session *session, int kind, const char *prefix, complete_add *add, void *context)
{
    if (session->lab)
        complete_from_lab(session->lab, (enum complete)kind, prefix, add, context);
    else if (session->remote_names)
        session->remote_names(session, kind, prefix, add, context);
}

/* The words of the present command, up to the cursor's. */
enum { MOST_WORDS = 64 };
struct before {
    char *words[MOST_WORDS];
    int count;
};

/* ---- from tables of our own ---- */

static void add_commands(const char *word, complete_add *add, void *context)
{
    const char *slash = strrchr(word, '/');
    size_t path = slash ? (size_t)(slash - word) + 1 : 0;

    for (size_t i = 0; i < command_count(); i++) { /* bin/kafka-to<Tab>: as in Kafka's folder */
        char *name = mem_printf("%.*s%s%s", (int)path, word, command_at(i)->name, path && command_at(i)->tool ? ".sh" : "");

        if (!path || command_at(i)->tool)
            add(context, name);
        mem_free(name);
    }
}

static void add_options(const struct session *session, const struct command *command, complete_add *add, void *context)
{
    for (const struct option *option = command->options; option && option->name; option++) {
        char *name;

        if (option->only != RELEASE_ANY && session->release != RELEASE_ANY && option->only != session->release)
            continue;
        name = mem_printf("%s%s", option->name[1] ? "--" : "-", option->name);
        add(context, name);
        mem_free(name);
    }
    if (command->tool)
        add(context, "--help");
}

static void add_configs(const struct session *session, const char *line, complete_add *add, void *context)
{
    enum config_scope scope = strstr(line, "brokers") ? CONFIG_BROKER : strstr(line, "entity-type groups") ? CONFIG_GROUP : CONFIG_TOPIC;

    for (size_t i = 0; i < config_key_count(); i++) {
        const struct config_key *key = config_key_at(i);

        if (key->scope == (int)scope && !key->internal && config_key_known(key, session->release))
            add(context, key->name);
    }
}

static void add_words(const char *words, complete_add *add, void *context)
{
    while (words && *words) {
        size_t size = strcspn(words, " ");
        char *word = mem_text_size(words, size);

        add(context, word);
        mem_free(word);
        words += size + (words[size] == ' ');
    }
}

static void add_lessons(complete_add *add, void *context)
{
    struct lessons lessons = { 0 };

    if (lessons_load("en", 1, &lessons, NULL))
        return;
    for (size_t i = 0; i < lessons.count; i++)
        add(context, lessons.lessons[i].name);
    lessons_free(&lessons);
}

/* 2.7's names hold dollars: there they are offered in quotes, but to who has begun one. */
static void add_formatters(enum release release, bool quoted, const char *word, const struct adding *adding)
{
    const char *name;

    for (size_t i = 0; (name = console_format_class(release, i)); i++) {
        char *shown = release_is_27(release) && !quoted ? mem_printf("'%s'", name) : mem_text(name);

        if (text_starts(name, word))
            adding->add(adding->context, shown);
        mem_free(shown);
    }
}

/* fault add API ... key=value: `head` is the line before the word. */
static void add_fault_words(struct session *session, const char *head, const struct before *before, const char *word, struct adding *adding)
{
    static const struct { const char *key; enum complete kind; } keys[] = {
        { "topic=", COMPLETE_TOPIC }, { "group=", COMPLETE_GROUP }, { "broker=", COMPLETE_BROKER }, { "from=", COMPLETE_BROKER },
    };
    const char *api;

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        if (text_ends(head, keys[i].key)) {
            names_of(session, (int)keys[i].kind, word, add_matching, adding);
            if (!strcmp(keys[i].key, "from="))
                add_words("brokers clients", add_matching, adding);
            return;
        }
    if (text_ends(head, "error=")) {
        for (int code = 1; code < 1000; code++)
            if (err_known(code))
                add_matching(adding, err_name((enum err)code));
    } else if (before->count == 2) {
        for (size_t i = 0; (api = fault_api_at(i)); i++)
            add_matching(adding, api);
    } else if (before->count > 2) {
        add_words("topic= partition= group= client= broker= from= skip= count= error= lose-request lose-response delay= hold blackhole observe", add_matching, adding);
    }
}

static void add_kind(struct session *session, enum complete kind, const char *line, const char *word, complete_add *add, void *context, bool *files)
{
    switch (kind) {
    case COMPLETE_NONE:
        break;
    case COMPLETE_COMMAND:
        add_commands(word, add, context);
        break;
    case COMPLETE_CONFIG:
        add_configs(session, line, add, context);
        break;
    case COMPLETE_LESSON:
        add_lessons(add, context);
        break;
    case COMPLETE_EVENT:
        for (int i = 0; i < EVENT_KINDS; i++)
            add(context, event_name((enum event_kind)i));
        break;
    case COMPLETE_ENTITY_TYPE:
        add_words(session->release == RELEASE_27 ? "topics clients users brokers broker-loggers ips" : "topics clients users brokers broker-loggers ips client-metrics groups", add,
                  context);
        break;
    case COMPLETE_FILE:
        *files = true;
        names_of(session, kind, word, add, context);
        break;
    default:
        names_of(session, kind, word, add, context);
        break;
    }
}

/* ---- SQL ---- */

static const char keywords[] = "SELECT FROM WHERE GROUP BY ORDER LIMIT HAVING JOIN LEFT ON AS AND OR NOT NULL IS IN LIKE BETWEEN DISTINCT COUNT SUM MIN MAX AVG DESC ASC UNION WITH CASE WHEN "
                               "THEN ELSE END";

struct columns {
    struct adding adding;
    const char *line;
};

/* "segments.base_offset": after "segments." as a whole, else the column alone if the table is named in the line, or no table is yet. */
static void add_column(void *context, const char *name)
{
    const struct columns *columns = context;
    const char *dot = strchr(name, '.'), *from = strcasestr(columns->line, "from ");
    char *table = mem_text_size(name, (size_t)(dot - name));

    if (strchr(columns->adding.prefix, '.'))
        add_matching((void *)&columns->adding, name);
    else if (!from || strstr(from, table))
        add_matching((void *)&columns->adding, dot + 1);
    mem_free(table);
}

static void add_sql(struct session *session, const char *line, const char *word, complete_add *add, void *context)
{
    struct columns columns = { { add, context, word, NULL }, line };
    bool lower = islower((unsigned char)*word), table_wanted = false;
    const char *last = line + strlen(line);

    while (last > line && last[-1] == ' ')
        last--;
    for (const char *at = last; at > line && at[-1] != ' '; at--)
        table_wanted = !strncasecmp(at - 1, "from", 4) || !strncasecmp(at - 1, "join", 4);
    names_of(session, COMPLETE_TABLE, word, add_matching, &columns.adding);
    if (table_wanted)
        return;
    names_of(session, COMPLETE_COLUMN, word, add_column, &columns);
    for (const char *at = keywords; *at; at += strcspn(at, " ") + (at[strcspn(at, " ")] == ' ')) {
        char keyword[16];
        size_t size = strcspn(at, " ");

        for (size_t i = 0; i < size; i++)
            keyword[i] = (char)(lower ? tolower((unsigned char)at[i]) : at[i]);
        keyword[size] = 0;
        if (text_starts(keyword, word) && *word)
            add(context, keyword);
    }
}

/* ---- where the cursor is ---- */

static void split(const char *line, size_t start, struct before *before)
{
    struct text word = { 0 };
    char quote = 0;
    bool any = false;

    for (size_t i = 0; i <= start; i++) {
        char c = i < start ? line[i] : ' ';

        if (quote) {
            if (c == quote)
                quote = 0;
            else
                text_char(&word, c);
        } else if (c == '\'' || c == '"') {
            quote = c;
            any = true;
        } else if (c == ' ' || c == '\t' || c == '\n' || strchr("|;&", c)) {
            if ((any || word.size) && before->count < MOST_WORDS)
                before->words[before->count++] = mem_text(text_chars(&word));
            text_clear(&word);
            any = false;
            if (c != ' ' && c != '\t') { /* another command begins */
                while (before->count)
                    mem_free(before->words[--before->count]);
            }
        } else if (c != '!' || word.size || before->count) {
            text_char(&word, c);
        }
    }
    text_done(&word);
}

static const struct option *option_of(const struct command *command, const char *word)
{
    const char *name = word + (word[0] == '-') + (word[0] == '-' && word[1] == '-');
    size_t size = strcspn(name, "=");

    for (const struct option *option = command->options; option && option->name; option++)
        if (strlen(option->name) == size && !memcmp(option->name, name, size))
            return option;
    return NULL;
}

static bool sql_line(const struct before *before)
{
    const struct command *command = before->count ? command_find(before->words[0]) : NULL;

    return before->count && ((command && command->raw) || !strcasecmp(before->words[0], "select") || !strcasecmp(before->words[0], "with"));
}

void complete_at(struct session *session, const char *line, size_t start, const char *word, complete_add *add, void *context, bool *files)
{
    struct before before = { .count = 0 };
    struct adding adding = { add, context, word, NULL };
    const struct command *command;
    const struct option *option = NULL;
    char *head = mem_text_size(line, start);

    *files = false;
    split(line, start, &before);
    command = before.count ? command_find(before.words[0]) : NULL;
    if (!before.count) {
        add_commands(word, add_matching, &adding);
    } else if (sql_line(&before)) {
        add_sql(session, head, word, add, context);
    } else if (!command) {
        *files = true;
    } else {
        const char *last = before.words[before.count - 1];

        if (start && strchr("=,:", line[start - 1]) && before.count > 1 && (last[0] != '-' || last[1] != '-'))
            last = before.words[before.count - 2]; /* --add-config a=1,b<Tab> */
        if (last[0] == '-' && before.count > 1)
            option = option_of(command, last);
        if (start && (line[start - 1] == '<' || line[start - 1] == '>'))
            *files = true;
        else if (option && option->complete == COMPLETE_FORMATTER)
            add_formatters(session->release, start && strchr("'\"", line[start - 1]), word, &adding);
        else if (option && option->argument)
            add_kind(session, option->complete, line, word, add_matching, &adding, files);
        else if (word[0] == '-')
            add_options(session, command, add_matching, &adding);
        else if (command->argument == COMPLETE_FAULT && before.count > 1) {
            if (!strcmp(before.words[1], "add"))
                add_fault_words(session, head, &before, word, &adding);
        } else {
            if (before.count == 1 && command->words)
                add_words(command->words, add_matching, &adding);
            enum complete kind = command->argument == COMPLETE_PARTITION && !strcmp(last, "lag") ? COMPLETE_GROUP : command->argument; /* why lag, until lag */

            adding.hide = kind == COMPLETE_PARTITION && word[0] != '_' ? "__" : NULL; /* fifty of Kafka's own would hide the user's */
            add_kind(session, kind, line, word, add_matching, &adding, files);
            if (!*word && command->tool)
                add_options(session, command, add_matching, &adding);
        }
    }
    while (before.count)
        mem_free(before.words[--before.count]);
    mem_free(head);
}
