/* Knowing by its looks what was pasted. Nothing here runs anything. */
#include "shell/pasted.h"

#include <ctype.h>
#include <string.h>

#include "shell/command.h"

static const char *line_end(const char *at)
{
    const char *end = strchr(at, '\n');

    return end ? end : at + strlen(at);
}

static const char *skip_blanks(const char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

static size_t identifier(const char *at)
{
    size_t size = 0;

    if (isalpha((unsigned char)*at) || *at == '_')
        while (isalnum((unsigned char)at[size]) || at[size] == '_')
            size++;
    return size;
}

static bool word_is(const char *at, size_t size, const char *words)
{
    for (const char *word = words; *word; word += strcspn(word, " ") + (word[strcspn(word, " ")] == ' '))
        if (strcspn(word, " ") == size && !memcmp(word, at, size))
            return true;
    return false;
}

/* The last character of the line that says something: comments and blanks taken off. */
static char last_character(const char *line)
{
    const char *end = line_end(line), *comment = memchr(line, '#', (size_t)(end - line));

    if (comment)
        end = comment;
    while (end > line && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    return end > line ? end[-1] : 0;
}

static bool contains(const char *line, const char *what)
{
    const char *found = strstr(line, what);

    return found && found < line_end(line);
}

bool pasted_python(const char *line)
{
    const char *at = skip_blanks(line), *next;
    size_t size;

    if (!strncmp(at, ">>> ", 4) || !strncmp(at, "\"\"\"", 3) || !strncmp(at, "'''", 3))
        return true;
    if (!strncmp(at, "%%time", 6) || !strncmp(at, "%time", 5) || !strncmp(at, "%matplotlib", 11) || !strncmp(at, "%load_ext", 9))
        return true;
    if (*at == '@' && identifier(at + 1))
        return true;
    size = identifier(at);
    if (!size)
        return false;
    next = skip_blanks(at + size);
    if (word_is(at, size, "from"))
        return contains(line, " import ");
    if (word_is(at, size, "import"))
        return next > at + size && identifier(next) && !contains(line, "--");
    if (word_is(at, size, "for while def class if elif else try except finally with async") && last_character(line) == ':')
        return true;
    if (word_is(at, size, "return raise assert del await yield pass break continue lambda") && command_find(word_is(at, size, "break") ? "break" : " ") == NULL)
        return *next != '-' && (*next != '\n' || size > 4);
    if (word_is(at, size, "exit quit") && next == at + size && !strncmp(next, "()", 2))
        return false;
    while (*next == '.' && identifier(next + 1)) { /* producer.send, msg.value */
        next = skip_blanks(next + 1 + identifier(next + 1));
        if (*next == '(' || *next == '[' || *next == '=' || *next == '\n' || !*next)
            return !contains(line, "--") && line_end(line)[0] != '-';
    }
    if (*next == '(')
        return next == at + size;
    if (*next == '[' && next == at + size)
        return strchr(next, ']') != NULL;
    if (*next == ',' && identifier(skip_blanks(next + 1)))
        return contains(next, "=");
    if ((*next == '+' || *next == '-' || *next == '*' || *next == '/') && next[1] == '=')
        return true;
    /* x = 1: with blanks; X=1 is the shell's. x == 1 as well. */
    return *next == '=' && next > at + size && (next[1] == ' ' || next[1] == '=');
}

/* How deep brackets are after this line; strings and comments passed over. */
static int depth_after(const char *line, int depth)
{
    const char *end = line_end(line);
    char quote = 0;

    for (const char *at = line; at < end; at++) {
        if (quote) {
            if (*at == '\\')
                at++;
            else if (*at == quote)
                quote = 0;
        } else if (*at == '\'' || *at == '"') {
            quote = *at;
        } else if (*at == '#') {
            break;
        } else if (strchr("([{", *at)) {
            depth++;
        } else if (strchr(")]}", *at)) {
            depth--;
        }
    }
    return depth < 0 ? 0 : depth;
}

static bool starts_python_part(const char *line)
{
    return *line == ' ' || *line == '\t' || strchr(")]}#", *line) || !strncmp(line, "... ", 4) || pasted_python(line);
}

const char *pasted_python_end(const char *at)
{
    const char *end = line_end(at);
    int depth = depth_after(at, 0);

    while (*end) {
        const char *line = end + 1, *blank = line;

        while (*blank == '\n' || (*blank == '\r' && blank[1] == '\n'))
            blank++;
        if (!*blank || (depth == 0 && !starts_python_part(blank)))
            break;
        if (*blank == '#' && depth == 0) { /* a comment belongs to what comes after it */
            const char *after = blank;

            while (*after == '#' || *after == '\n')
                after = *after == '\n' ? after + 1 : line_end(after);
            if (!*after || !starts_python_part(after))
                break;
        }
        depth = depth_after(blank, depth);
        end = line_end(blank);
    }
    return end;
}

/* ---- not needed here ---- */

enum { ALWAYS, IF_ABOUT_KAFKA };

static const struct { const char *name; int when; const char *why; } not_needed[] = {
    { "wget", IF_ABOUT_KAFKA, "nothing has to be downloaded, Kafka's tools are built in" },
    { "curl", IF_ABOUT_KAFKA, "nothing has to be downloaded, Kafka's tools are built in" },
    { "tar", IF_ABOUT_KAFKA, "nothing has to be unpacked, Kafka's tools are built in" },
    { "unzip", IF_ABOUT_KAFKA, "nothing has to be unpacked, Kafka's tools are built in" },
    { "pip", ALWAYS, "the shell needs no Python; for a notebook run pip there" },
    { "pip3", ALWAYS, "the shell needs no Python; for a notebook run pip there" },
    { "%pip", ALWAYS, "the shell needs no Python; for a notebook run pip there" },
    { "conda", ALWAYS, "the shell needs no Python; for a notebook run conda there" },
    { "apt", ALWAYS, "no Java and no packages are wanted, the cluster already runs" },
    { "apt-get", ALWAYS, "no Java and no packages are wanted, the cluster already runs" },
    { "brew", ALWAYS, "no Java and no packages are wanted, the cluster already runs" },
    { "yum", ALWAYS, "no Java and no packages are wanted, the cluster already runs" },
    { "java", ALWAYS, "no Java is wanted, the cluster already runs" },
    { "docker", ALWAYS, "no container is wanted, the cluster already runs" },
    { "docker-compose", ALWAYS, "no container is wanted, the cluster already runs" },
    { "podman", ALWAYS, "no container is wanted, the cluster already runs" },
    { "kubectl", ALWAYS, "no container is wanted, the cluster already runs" },
    { "systemctl", ALWAYS, "no service has to be started, the cluster already runs" },
    { "service", ALWAYS, "no service has to be started, the cluster already runs" },
    { "zookeeper-server-start", ALWAYS, "the cluster already runs, and keeps what ZooKeeper kept itself" },
    { "zookeeper-server-stop", ALWAYS, "there is no ZooKeeper to stop" },
    { "kafka-server-start", ALWAYS, "the brokers already run; see status" },
    { "kafka-server-stop", ALWAYS, "the brokers run as long as this program; exit ends both" },
    { "kafka-storage", ALWAYS, "the brokers' folders are formatted and the brokers run; see status" },
    { "cd", IF_ABOUT_KAFKA, "Kafka's tools work from any folder" },
    { "chmod", IF_ABOUT_KAFKA, "Kafka's tools are built in" },
};

static bool about_kafka(char *const *argv, int argc)
{
    static const char *const words[] = { "kafka", "zookeeper", "confluent", "jdk", "openjdk", "apache.org" };

    for (int i = 1; i < argc; i++)
        for (size_t k = 0; k < sizeof(words) / sizeof(*words); k++)
            if (strcasestr(argv[i], words[k]))
                return true;
    return false;
}

const char *pasted_not_needed(char *const *argv, int argc, bool bang)
{
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
    size_t size = strlen(name) - (text_ends(name, ".sh") ? 3 : text_ends(name, ".bat") ? 4 : 0);

    if (!strcmp(name, "sudo") && argc > 1)
        return pasted_not_needed(argv + 1, argc - 1, bang);
    if ((!strcmp(name, "python") || !strcmp(name, "python3")) && argc > 2 && !strcmp(argv[1], "-m") && !strcmp(argv[2], "pip"))
        name = "pip", size = 3;
    for (size_t i = 0; i < sizeof(not_needed) / sizeof(*not_needed); i++)
        if (strlen(not_needed[i].name) == size && !memcmp(not_needed[i].name, name, size))
            return not_needed[i].when == ALWAYS || !bang || about_kafka(argv, argc) ? not_needed[i].why : NULL;
    return NULL;
}

int pasted_wrapped(char *const *argv, int argc)
{
    static const char wrappers[] = "sudo sh bash nohup exec env docker docker-compose podman kubectl time command";

    if (!word_is(argv[0], strlen(argv[0]), wrappers))
        return 0;
    for (int i = 1; i < argc; i++) {
        const struct command *command = command_find(argv[i]);

        if ((command && command->tool) || strstr(argv[i], "kafka-run-class"))
            return i;
    }
    return 0;
}

bool pasted_sql_goes_on(const char *line)
{
    const char *at = skip_blanks(line);
    size_t size = identifier(at);
    char upper[16] = "";

    if (*at == ',' || *at == ')' || (*at == '-' && at[1] == '-'))
        return true;
    if (!size || size >= sizeof(upper))
        return false;
    for (size_t i = 0; i < size; i++)
        upper[i] = (char)toupper((unsigned char)at[i]);
    return word_is(upper, size, "FROM WHERE GROUP ORDER LIMIT OFFSET HAVING JOIN LEFT RIGHT INNER OUTER CROSS NATURAL ON USING AND OR UNION EXCEPT INTERSECT AS WINDOW CASE WHEN THEN ELSE END");
}
