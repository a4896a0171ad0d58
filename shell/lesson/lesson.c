/* Lessons read by cmark into steps. */
#include "shell/lesson/lesson.h"

#include <cmark.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_BYTES = 1 << 20, MOST_LESSONS = 99 };

/* ---- what a terminal shows of a Markdown block ---- */

static void add_inline(cmark_node *node, struct text *out)
{
    for (cmark_node *child = cmark_node_first_child(node); child; child = cmark_node_next(child)) {
        switch (cmark_node_get_type(child)) {
        case CMARK_NODE_TEXT:
            text_add(out, cmark_node_get_literal(child));
            break;
        case CMARK_NODE_CODE:
            text_printf(out, "`%s`", cmark_node_get_literal(child));
            break;
        case CMARK_NODE_SOFTBREAK:
            text_char(out, ' ');
            break;
        case CMARK_NODE_LINEBREAK:
            text_char(out, '\n');
            break;
        default:
            add_inline(child, out);
        }
    }
}

static void add_block(cmark_node *node, struct text *out)
{
    if (out->size)
        text_add(out, "\n");
    switch (cmark_node_get_type(node)) {
    case CMARK_NODE_PARAGRAPH:
        add_inline(node, out);
        text_char(out, '\n');
        break;
    case CMARK_NODE_LIST: {
        int number = cmark_node_get_list_start(node);

        for (cmark_node *item = cmark_node_first_child(node); item; item = cmark_node_next(item)) {
            if (cmark_node_get_list_type(node) == CMARK_ORDERED_LIST)
                text_printf(out, "%d. ", number++);
            else
                text_add(out, "* ");
            for (cmark_node *part = cmark_node_first_child(item); part; part = cmark_node_next(part))
                add_inline(part, out);
            text_char(out, '\n');
        }
        break;
    }
    case CMARK_NODE_CODE_BLOCK: {
        const char *at = cmark_node_get_literal(node);

        while (*at) {
            const char *end = strchrnul(at, '\n');

            text_printf(out, "    %.*s\n", (int)(end - at), at);
            at = *end ? end + 1 : end;
        }
        break;
    }
    default:
        add_inline(node, out);
        text_char(out, '\n');
    }
}

/* ---- fenced blocks that act ---- */

static struct lesson_question *parse_question(const char *text)
{
    struct lesson_question *question = mem_zero(sizeof(*question));
    struct text words = { 0 };
    size_t capacity = 0;

    question->right = SIZE_MAX;
    while (*text) {
        const char *end = strchrnul(text, '\n');

        if ((text[0] == '-' || text[0] == '+') && text[1] == ' ') {
            if (text[0] == '+')
                question->right = question->count;
            ARRAY_ADD(question->answers, question->count, capacity) = mem_text_size(text + 2, (size_t)(end - text) - 2);
        } else {
            text_printf(&words, "%s%.*s", words.size ? "\n" : "", (int)(end - text), text);
        }
        text = *end ? end + 1 : end;
    }
    question->text = text_take(&words);
    return question;
}

static void question_free(struct lesson_question *question)
{
    if (!question)
        return;
    for (size_t i = 0; i < question->count; i++)
        mem_free(question->answers[i]);
    mem_free(question->answers);
    mem_free(question->text);
    mem_free(question);
}

static void add_checks(struct lesson_step *step, const char *text)
{
    while (*text) {
        const char *end = strchrnul(text, '\n');

        if (end > text) {
            step->checks = mem_resize(step->checks, (step->check_count + 1) * sizeof(*step->checks));
            step->checks[step->check_count++] = mem_text_size(text, (size_t)(end - text));
        }
        text = *end ? end + 1 : end;
    }
}

static bool set_once(char **at, const char *text)
{
    if (*at)
        return false;
    *at = mem_text(text);
    return true;
}

static enum err add_fence(struct lesson_step *step, cmark_node *node, const char *name, struct text *shown, struct reason *reason)
{
    const char *info = cmark_node_get_fence_info(node), *body = cmark_node_get_literal(node);
    bool once = true;

    if (!strcmp(info, "run")) {
        once = set_once(&step->run, body);
        add_block(node, shown);
    } else if (!strcmp(info, "check")) {
        add_checks(step, body);
    } else if (!strcmp(info, "hint")) {
        once = set_once(&step->hint, body);
    } else if (!strcmp(info, "why")) {
        once = set_once(&step->why, body);
    } else if (!strcmp(info, "question")) {
        once = !step->question;
        if (once)
            step->question = parse_question(body);
        if (once && (step->question->right == SIZE_MAX || step->question->count < 2))
            return err_because(ERR_INVALID_REQUEST, reason, "%s, line %d: a question wants two answers or more, the right one after '+ '", name,
                               cmark_node_get_start_line(node));
    } else if (!*info || !strcmp(info, "text")) {
        add_block(node, shown);
    } else {
        return err_because(ERR_INVALID_REQUEST, reason, "%s, line %d: a block is run, check, hint, question, why or text, not '%s'", name,
                           cmark_node_get_start_line(node), info);
    }
    return once ? ERR_OK
                : err_because(ERR_INVALID_REQUEST, reason, "%s, line %d: the step has a block of '%s' already", name, cmark_node_get_start_line(node), info);
}

/* "brokers=3" and settings: the lab on which the lesson is played. */
static enum err parse_lab(struct lesson *lesson, cmark_node *node, struct reason *reason)
{
    const char *text = cmark_node_get_literal(node);

    if (strcmp(cmark_node_get_fence_info(node), "lab"))
        return err_because(ERR_INVALID_REQUEST, reason, "%s, line %d: before the first step (## ...) there is only a block of lab, not '%s'", lesson->name,
                           cmark_node_get_start_line(node), cmark_node_get_fence_info(node));
    while (*text) {
        const char *end = strchrnul(text, '\n');
        char *line = mem_text_size(text, (size_t)(end - text)), *value = strchr(line, '=');
        bool good = !*line;

        if (value) {
            int64_t brokers;

            *value++ = 0;
            if (strcmp(line, "brokers")) {
                good = config_key_find(CONFIG_BROKER, line);
                if (good)
                    config_map_set(&lesson->lab.settings, line, value);
            } else {
                good = parse_i64(value, &brokers) && brokers >= 1 && brokers <= 9;
                if (good)
                    lesson->lab.brokers = (int32_t)brokers;
            }
        }
        mem_free(line);
        if (!good)
            return err_because(ERR_INVALID_REQUEST, reason, "%s, line %d: a lab is brokers=N (1 to 9) and settings of brokers, KEY=VALUE, one a line", lesson->name,
                               cmark_node_get_start_line(node));
        text = *end ? end + 1 : end;
    }
    return ERR_OK;
}

static char *inline_text(cmark_node *node)
{
    struct text text = { 0 };

    add_inline(node, &text);
    return text.size ? text_take(&text) : mem_text("");
}

static enum err take_node(struct lesson *lesson, cmark_node *node, struct text *shown, size_t *capacity, struct reason *reason)
{
    struct lesson_step *step = lesson->count ? &lesson->steps[lesson->count - 1] : NULL;

    if (cmark_node_get_type(node) == CMARK_NODE_HEADING && cmark_node_get_heading_level(node) == 1) {
        if (lesson->title)
            return err_because(ERR_INVALID_REQUEST, reason, "%s, line %d: a lesson has one title", lesson->name, cmark_node_get_start_line(node));
        lesson->title = inline_text(node);
    } else if (cmark_node_get_type(node) == CMARK_NODE_HEADING) {
        if (step)
            step->text = shown->size ? text_take(shown) : mem_text("");
        ARRAY_ADD(lesson->steps, lesson->count, *capacity) = (struct lesson_step){ .title = inline_text(node) };
    } else if (!step && cmark_node_get_type(node) == CMARK_NODE_CODE_BLOCK) {
        return parse_lab(lesson, node, reason);
    } else if (!step) {
        if (!lesson->summary)
            lesson->summary = inline_text(node);
    } else if (cmark_node_get_type(node) == CMARK_NODE_CODE_BLOCK) {
        return add_fence(step, node, lesson->name, shown, reason);
    } else {
        add_block(node, shown);
    }
    return ERR_OK;
}

enum err lesson_parse(const char *name, const char *markdown, size_t size, struct lesson *out, struct reason *reason)
{
    cmark_node *document = cmark_parse_document(markdown, size, CMARK_OPT_VALIDATE_UTF8);
    struct text shown = { 0 };
    size_t capacity = 0;
    enum err err = ERR_OK;

    *out = (struct lesson){ .name = mem_text(name), .lab.brokers = 1 };
    for (cmark_node *node = cmark_node_first_child(document); node && !err; node = cmark_node_next(node))
        err = take_node(out, node, &shown, &capacity, reason);
    if (out->count)
        out->steps[out->count - 1].text = shown.size ? text_take(&shown) : mem_text("");
    text_done(&shown);
    cmark_node_free(document);
    if (!err && (!out->title || !out->count))
        err = err_because(ERR_INVALID_REQUEST, reason, "%s: a lesson wants a title (# ...) and at least one step (## ...)", name);
    if (err)
        lesson_done(out);
    return err;
}

void lesson_done(struct lesson *lesson)
{
    for (size_t i = 0; i < lesson->count; i++) {
        struct lesson_step *step = &lesson->steps[i];

        for (size_t c = 0; c < step->check_count; c++)
            mem_free(step->checks[c]);
        mem_free(step->checks);
        question_free(step->question);
        mem_free(step->title);
        mem_free(step->text);
        mem_free(step->run);
        mem_free(step->hint);
        mem_free(step->why);
    }
    config_map_done(&lesson->lab.settings);
    mem_free(lesson->steps);
    mem_free(lesson->name);
    mem_free(lesson->path);
    mem_free(lesson->title);
    mem_free(lesson->summary);
    *lesson = (struct lesson){ 0 };
}

/* ---- where they lie ---- */

static char *lessons_folder(const char *language)
{
    const char *given = getenv("KAFKARIUM_LESSONS");
    static const char *const beside[] = { "../lessons", "../../lessons", "../../../lessons", "../share/kafkarium/lessons" };
    char self[4096];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (given && *given)
        return mem_printf("%s/%s", given, language);
    if (size <= 0)
        return NULL;
    self[size] = 0;
    *strrchr(self, '/') = 0;
    for (size_t i = 0; i < sizeof(beside) / sizeof(*beside); i++) {
        char *path = mem_printf("%s/%s/%s", self, beside[i], language);

        if (!access(path, R_OK | X_OK))
            return path;
        mem_free(path);
    }
    return NULL;
}

/* "{2}" becomes the number of the second broker. */
static void name_brokers(struct text *out, const char *markdown, size_t size, int32_t first_broker)
{
    for (size_t i = 0; i < size; i++) {
        if (i + 2 < size && markdown[i] == '{' && markdown[i + 1] >= '1' && markdown[i + 1] <= '9' && markdown[i + 2] == '}') {
            text_printf(out, "%d", (int)(first_broker + markdown[i + 1] - '1'));
            i += 2;
        } else {
            text_char(out, markdown[i]);
        }
    }
}

static enum err load_file(const char *folder, const char *file, int32_t first_broker, struct lesson *out, struct reason *reason)
{
    char *path = mem_printf("%s/%s", folder, file), *name = mem_text(file + 3);
    FILE *f = fopen(path, "r");
    struct text named = { 0 };
    char *markdown = NULL;
    size_t size;
    enum err err;

    *strrchr(name, '.') = 0;
    if (!f) {
        err = err_because(ERR_INVALID_REQUEST, reason, "%s: %s", path, strerror(errno));
    } else {
        markdown = mem_alloc(MOST_BYTES);
        size = fread(markdown, 1, MOST_BYTES, f);
        fclose(f);
        name_brokers(&named, markdown, size, first_broker);
        err = size == MOST_BYTES ? err_because(ERR_INVALID_REQUEST, reason, "%s is longer than a lesson may be", path)
                                 : lesson_parse(name, text_chars(&named), named.size, out, reason);
    }
    if (!err) {
        out->path = path;
        out->number = atoi(file);
        path = NULL;
    }
    text_done(&named);
    mem_free(markdown);
    mem_free(name);
    mem_free(path);
    return err;
}

static int is_lesson(const struct dirent *entry)
{
    const char *name = entry->d_name;

    return isdigit((unsigned char)name[0]) && isdigit((unsigned char)name[1]) && name[2] == '-' && text_ends(name, ".md");
}

enum err lessons_load(const char *language, int32_t first_broker, struct lessons *out, struct reason *reason)
{
    char *folder = lessons_folder(language);
    struct dirent **names = NULL;
    int count = folder ? scandir(folder, &names, is_lesson, alphasort) : -1;
    enum err err = ERR_OK;

    *out = (struct lessons){ 0 };
    if (count < 0)
        err = err_because(ERR_INVALID_REQUEST, reason, "no lessons were found (%s); KAFKARIUM_LESSONS names their folder", folder ? folder : "beside the program");
    for (int i = 0; i < count; i++) {
        if (!err && out->count < MOST_LESSONS) {
            out->lessons = mem_resize(out->lessons, (out->count + 1) * sizeof(*out->lessons));
            err = load_file(folder, names[i]->d_name, first_broker, &out->lessons[out->count], reason);
            out->count += !err;
        }
        free(names[i]);
    }
    free(names);
    mem_free(folder);
    if (err)
        lessons_free(out);
    return err;
}

void lessons_free(struct lessons *lessons)
{
    for (size_t i = 0; i < lessons->count; i++)
        lesson_done(&lessons->lessons[i]);
    mem_free(lessons->lessons);
    *lessons = (struct lessons){ 0 };
}
