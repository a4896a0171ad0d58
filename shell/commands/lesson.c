/* lesson: the course's scenes, step by step, in this shell. */
#include "shell/lesson/lesson.h"

#include <stdio.h>
#include <string.h>

#include "shell/command.h"
#include "shell/condition.h"
#include "shell/prose.h"

/* ---- on the screen ---- */

/* Paragraphs to the terminal's width; indented lines as they are. */
static void print_wrapped(struct call *call, const char *text)
{
    int width = call->out->columns > 20 ? (call->out->columns < 100 ? call->out->columns : 100) : 80;

    while (*text) {
        const char *end = strchrnul(text, '\n');
        int column = 0;

        if (!strncmp(text, "    ", 4)) {
            call_print(call, "%.*s\n", (int)(end - text), text);
        } else {
            for (const char *at = text; at < end;) {
                size_t size = strcspn(at, " \n");
                char *piece = mem_text_size(at, size);
                int wide = text_width(piece);

                if (column && column + 1 + wide > width) {
                    call_print(call, "\n%s", text[0] == '*' ? "  " : "");
                    column = text[0] == '*' ? 2 : 0;
                } else if (column) {
                    call_print(call, " ");
                    column++;
                }
                call_print(call, "%s", piece);
                column += wide;
                mem_free(piece);
                at += size;
                while (at < end && *at == ' ')
                    at++;
            }
            call_print(call, "\n");
        }
        text = *end ? end + 1 : end;
    }
}

static void print_question(struct call *call, const struct lesson_question *question)
{
    call_print(call, "\n");
    print_wrapped(call, question->text);
    for (size_t i = 0; i < question->count; i++)
        prose_print(call, "  %zu  %s\n", i + 1, question->answers[i]);
    call_print(call, "%s\n", _(call->session->lang, "lesson answer N"));
}

static void print_step(struct call *call, const struct lesson *lesson, int number)
{
    const struct lesson_step *step = &lesson->steps[number];

    call_print(call, "\n%s  (%d/%zu)\n\n", step->title, number + 1, lesson->count);
    print_wrapped(call, step->text);
    if (step->question)
        print_question(call, step->question);
    if (step->run || step->check_count)
        call_print(call, "\n%s\n", _(call->session->lang, "lesson run types it for you · lesson check · lesson hint · lesson next"));
}

/* ---- where the student is ---- */

static void keep_place(struct call *call)
{
    struct store *store = lab_store(call_lab(call));
    char *place;

    if (!store)
        return;
    place = call->session->lesson ? mem_printf("%d %s", call->session->lesson_step, call->session->lesson) : mem_text("");
    store_set(store, "lesson", place);
    mem_free(place);
}

static void set_place(struct call *call, const char *name, int step)
{
    char *copy = mem_text(name);

    mem_free(call->session->lesson);
    call->session->lesson = copy;
    call->session->lesson_step = step;
    call->session->lesson_answered = false;
    keep_place(call);
}

static void recall_place(struct call *call)
{
    struct store *store = lab_store(call_lab(call));
    const char *place = store && !call->session->lesson ? store_get(store, "lesson") : NULL;
    char name[128];
    int step;

    if (place && sscanf(place, "%d %127s", &step, name) == 2) {
        call->session->lesson = mem_text(name);
        call->session->lesson_step = step;
    }
}

static const struct lesson *find_lesson(const struct lessons *lessons, const char *name)
{
    int64_t number;

    for (size_t i = 0; i < lessons->count; i++) {
        if (!strcmp(lessons->lessons[i].name, name) || (parse_i64(name, &number) && number == lessons->lessons[i].number))
            return &lessons->lessons[i];
    }
    return NULL;
}

/* ---- steps ---- */

static int run_block(struct call *call, const char *text)
{
    struct session *session = call->session;
    bool shell = session->allow_shell;
    int status;

    session->allow_shell = false; /* a lesson's lines are this program's, never the system's */
    status = session_run(call->task, session, text, call->out, call->err, call->in);
    session->allow_shell = shell;
    return status;
}

static bool check_step(struct call *call, const struct lesson_step *step)
{
    for (size_t i = 0; i < step->check_count; i++) {
        bool holds = false;
        struct reason reason = { "" };

        if (sql_condition(lab_sql(call_lab(call)), step->checks[i], &holds, &reason)) {
            call_error(call, "lesson: %s\n", reason.text);
            return false;
        }
        if (!holds) {
            call_print(call, _(call->session->lang, "Not yet: %s"), step->checks[i]);
            call_print(call, "\n");
            return false;
        }
    }
    return true;
}

/* ---- the lab that a lesson wants ---- */

static struct broker *first_broker(struct call *call) { return cluster_broker_at(lab_cluster(call_lab(call)), 0); }

static bool lab_fits(struct call *call, const struct lesson *lesson)
{
    struct config_layers layers = broker_config(first_broker(call));

    for (size_t i = 0; i < lesson->lab.settings.count; i++) {
        const struct config_set *set = &lesson->lab.settings.sets[i];
        const char *value = config_key_known(config_key_find(CONFIG_BROKER, set->name), layers.release) ? config_text(&layers, set->name) : NULL;

        if (!value || strcmp(value, set->value))
            return false;
    }
    return cluster_broker_count(lab_cluster(call_lab(call))) >= (size_t)lesson->lab.brokers;
}

static void print_wanted(struct call *call, const struct lesson *lesson)
{
    struct text command = { 0 };

    text_add(&command, "kafkarium");
    if (lab_release(call_lab(call)) == RELEASE_27)
        text_add(&command, " --kafka 2.7");
    text_printf(&command, " --brokers %d", (int)lesson->lab.brokers);
    for (size_t i = 0; i < lesson->lab.settings.count; i++)
        text_printf(&command, " --set %s=%s", lesson->lab.settings.sets[i].name, lesson->lab.settings.sets[i].value);
    call_print(call, "    %s\n", text_chars(&command));
    text_done(&command);
}

static bool refuse_lab(struct call *call, const struct lesson *lesson)
{
    if (lab_fits(call, lesson))
        return false;
    prose_print(call, "%s\n", _(call->session->lang, "This lesson is played on another lab than this one. Start it so, here after exit or in another terminal:"));
    print_wanted(call, lesson);
    prose_print(call, _(call->session->lang, "and there: lesson start %d"), lesson->number);
    call_print(call, "\n");
    return true;
}

static int show_list(struct call *call, const struct lessons *lessons)
{
    for (size_t i = 0; i < lessons->count; i++) {
        const struct lesson *lesson = &lessons->lessons[i];

        call_print(call, "%2d  %-14s %s (%zu)\n", lesson->number, lesson->name, lesson->title, lesson->count);
        if (lesson->summary)
            prose_print(call, "    %s\n", lesson->summary);
        if (!lab_fits(call, lesson))
            print_wanted(call, lesson);
    }
    call_print(call, "\nlesson start %d\n", lessons->count ? lessons->lessons[0].number : 1);
    return 0;
}

static int start(struct call *call, const struct lessons *lessons)
{
    const char *name = call->argc > 2 ? call->argv[2] : lessons->count ? lessons->lessons[0].name : "";
    const struct lesson *lesson = find_lesson(lessons, name);

    if (!lesson) {
        call_error(call, "lesson: there is no lesson '%s'; lesson list shows them\n", name);
        return 1;
    }
    if (refuse_lab(call, lesson))
        return 1;
    set_place(call, lesson->name, 0);
    call_print(call, "%s\n", lesson->title);
    print_step(call, lesson, 0);
    return 0;
}

static int next(struct call *call, const struct lesson *lesson)
{
    const struct lesson_step *step = &lesson->steps[call->session->lesson_step];

    if (step->question && !call->session->lesson_answered) {
        call_print(call, "%s\n", _(call->session->lang, "First the question: lesson answer N"));
        return 1;
    }
    if (!check_step(call, step))
        return 1;
    if ((size_t)call->session->lesson_step + 1 >= lesson->count) {
        call_print(call, "%s\n", _(call->session->lang, "That was the last step. lesson list shows the others."));
        mem_free(call->session->lesson);
        call->session->lesson = NULL;
        keep_place(call);
        return 0;
    }
    set_place(call, lesson->name, call->session->lesson_step + 1);
    print_step(call, lesson, call->session->lesson_step);
    return 0;
}

static int answer(struct call *call, const struct lesson_step *step, const char *text)
{
    int64_t number;

    if (!step->question || !text || !parse_i64(text, &number) || number < 1 || (size_t)number > step->question->count) {
        call_error(call, "lesson: it is lesson answer N, where the step asks a question\n");
        return 1;
    }
    if ((size_t)number - 1 != step->question->right) {
        call_print(call, "%s\n", _(call->session->lang, "Not that one; look again and answer once more."));
        return 1;
    }
    call_print(call, "%s\n", _(call->session->lang, "Right."));
    call->session->lesson_answered = true;
    return 0;
}

static int check(struct call *call, const struct lesson_step *step)
{
    if (!check_step(call, step))
        return 1;
    if (step->why)
        run_block(call, step->why);
    call_print(call, "%s\n", _(call->session->lang, "Done. lesson next goes on."));
    return 0;
}

/* All of a lesson by machine: what make test plays, and a teacher the evening before. */
static int play(struct call *call, const struct lesson *lesson)
{
    if (refuse_lab(call, lesson))
        return 1;
    for (size_t i = 0; i < lesson->count && !call_interrupted(call); i++) {
        const struct lesson_step *step = &lesson->steps[i];

        print_step(call, lesson, (int)i);
        if (step->run && run_block(call, step->run)) {
            call_error(call, "lesson: %s, step %zu: a line of its block failed\n", lesson->name, i + 1);
            return 1;
        }
        if (!check_step(call, step)) {
            call_error(call, "lesson: %s, step %zu: the check does not hold after its block\n", lesson->name, i + 1);
            return 1;
        }
        if (step->why)
            run_block(call, step->why);
        if (step->question)
            call_print(call, "%s %s\n", _(call->session->lang, "Right."), step->question->answers[step->question->right]);
    }
    return call_interrupted(call) ? 130 : 0;
}

static int with_lesson(struct call *call, const struct lesson *lesson, const char *verb)
{
    const struct lesson_step *step = &lesson->steps[call->session->lesson_step];

    if (!strcmp(verb, "next"))
        return next(call, lesson);
    if (!strcmp(verb, "check"))
        return check(call, step);
    if (!strcmp(verb, "hint")) {
        print_wrapped(call, step->hint ? step->hint : _(call->session->lang, "This step has no hint; lesson run types it for you."));
        return 0;
    }
    if (!strcmp(verb, "run")) {
        if (step->run)
            return run_block(call, step->run);
        call_print(call, "%s\n", _(call->session->lang, "There is nothing to type in this step; lesson next goes on."));
        return 0;
    }
    if (!strcmp(verb, "answer"))
        return answer(call, step, call->argc > 2 ? call->argv[2] : NULL);
    if (!strcmp(verb, "text")) {
        print_step(call, lesson, call->session->lesson_step);
        return 0;
    }
    call_error(call, "lesson: what is '%s'? It is lesson list, start, next, check, hint, run, answer, text or play\n", verb);
    return 1;
}

static int run(struct call *call)
{
    const char *verb = call->argc > 1 ? call->argv[1] : "";
    struct lessons lessons;
    struct reason reason = { "" };
    const struct lesson *lesson;
    int status;

    if (lessons_load(lang_code(call->session->lang), broker_id(first_broker(call)), &lessons, &reason)) {
        call_error(call, "lesson: %s\n", reason.text);
        return 1;
    }
    recall_place(call);
    lesson = call->session->lesson ? find_lesson(&lessons, call->session->lesson) : NULL;
    if (lesson && (call->session->lesson_step < 0 || (size_t)call->session->lesson_step >= lesson->count))
        call->session->lesson_step = 0;
    if (!strcmp(verb, "list") || (!*verb && !lesson)) {
        status = show_list(call, &lessons);
    } else if (!strcmp(verb, "start")) {
        status = start(call, &lessons);
    } else if (!strcmp(verb, "play")) {
        lesson = find_lesson(&lessons, call->argc > 2 ? call->argv[2] : "1");
        if (!lesson)
            call_error(call, "lesson: there is no lesson '%s'\n", call->argc > 2 ? call->argv[2] : "1");
        status = lesson ? play(call, lesson) : 1;
    } else if (!lesson) {
        call_print(call, "%s\n", _(call->session->lang, "No lesson is under way: lesson list, lesson start N"));
        status = 1;
    } else {
        status = with_lesson(call, lesson, *verb ? verb : "text");
    }
    lessons_free(&lessons);
    return status;
}

const struct command command_lesson = {
    .name = "lesson", .summary = "learn a scene step by step", .usage = "lesson [list|start [N]|next|check|hint|run|answer N|text|play N]",
    .details = N_("A lesson tells, lets you type (or types for you: run), checks what came of it, and says why. Russian where LANG is, or after set lang ru."),
    .example = "lesson start 1", .words = "list start next check hint run answer text play", .argument = COMPLETE_LESSON, .needs_lab = true, .checks = "check", .run = run,
};
