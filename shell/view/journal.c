/* What happened, in the panes that have room for it. */
#include <ctype.h>
#include <string.h>

#include "shell/commands/pace.h"
#include "shell/look.h"
#include "shell/prose.h"
#include "shell/view/view.h"

enum { INDENT = 18 /* "10:03:24.0 ROLL   " */, MOST_LOOKED_AT = 5000 };

/* An entry whose last row is `bottom`; gives its first one. */
static int draw_entry(struct grid *grid, const char *text, int top, int bottom, int column)
{
    int width = grid->columns - 1 - column, rows = 0;
    const char *at, *next;

    for (at = text; *at; at = next, rows++)
        prose_line(at, width - (rows ? INDENT : 0), &next);
    at = text;
    for (int i = 0; i < rows; i++, at = next) {
        int size = prose_line(at, width - (i ? INDENT : 0), &next), row = bottom - rows + 1 + i;

        if (row >= top)
            grid_put(grid, row, column + (i ? INDENT : 0), STYLE_PLAIN, "%.*s", size, at);
    }
    return bottom - rows + 1;
}

/* A member's or a producer's id ends with a UUID of 36 characters: at a glance its first eight tell it from others, and `group expire` takes them too. */
static void shorten_ids(struct text *line)
{
    static const char shape[] = "-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    size_t to = 0;

    for (size_t at = 0; at < line->size;) {
        size_t same = 0;

        while (shape[same] && at + same < line->size && (shape[same] == '-' ? line->data[at + same] == '-' : isxdigit((unsigned char)line->data[at + same])))
            same++;
        memmove(line->data + to, line->data + at, shape[same] ? 1 : 9);
        to += shape[same] ? 1 : 9;
        at += shape[same] ? 1 : same;
    }
    line->size = to;
    line->data[to] = 0;
}

/* A retention check itself says nothing that its verdicts don't. */
void view_journal(struct view *view, struct grid *grid, int top, int bottom, int column, bool (*wanted)(const struct entry *entry))
{
    struct journal *journal = lab_journal(view->lab);
    uint64_t number = journal_last(journal), last = number;

    for (int at = bottom; at > top && number && number >= journal_first(journal) && last - number < MOST_LOOKED_AT; number--) {
        const struct entry *entry = journal_get(journal, number);
        struct text line = { 0 };

        if (!entry || (wanted ? !wanted(entry) : (!event_shown(entry->kind) && !entry->rule) || entry->kind == EVENT_retention_checked))
            continue;
        entry_text(view->lang, entry, &line);
        shorten_ids(&line);
        at = draw_entry(grid, text_chars(&line), top, at - 1, column);
        text_done(&line);
    }
}
