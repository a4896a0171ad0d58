/* Breaking lines. */
#include "shell/prose.h"

#include <string.h>

enum { MOST_INDENT = 24 };

int prose_line(const char *text, int width, const char **next)
{
    int size = 0, columns = 0, space = -1;

    for (; text[size] && text[size] != '\n'; size++) {
        if (((unsigned char)text[size] & 0xc0) != 0x80 && ++columns > width) {
            if (text[size] == ' ')
                space = size;
            size = space > 0 ? space : size;
            *next = text + size + (space > 0);
            return size;
        }
        if (text[size] == ' ')
            space = size;
    }
    *next = text[size] ? text + size + 1 : text + size;
    return size;
}

/* What goes on below begins under the text of a journal line ("10:03:24.0 ROLL   ..."), in a paragraph at its edge, in a list two columns further right. */
static int indent_of(const char *line)
{
    int spaces = (int)strspn(line, " ");

    if (strspn(line, "0123456789:.") == 10 && line[10] == ' ')
        return 18;
    return !spaces ? 0 : spaces + 2 < MOST_INDENT ? spaces + 2 : MOST_INDENT;
}

static void write_to(struct stream *stream, const char *text)
{
    int width = stream->columns, indent = 0;
    struct text out = { 0 };
    bool begins = true;

    if (width < 40) {
        stream->write(stream, text, strlen(text));
        return;
    }
    for (const char *next; *text; text = next) {
        int size = prose_line(text, width - (begins ? 0 : indent), &next);

        if (begins)
            indent = indent_of(text);
        else
            text_printf(&out, "%*s", indent, "");
        text_add_size(&out, text, (size_t)size);
        begins = !*next || next[-1] == '\n';
        if (*next || next[-1] == '\n')
            text_char(&out, '\n');
    }
    stream->write(stream, text_chars(&out), out.size);
    text_done(&out);
}

void prose_write(struct call *call, const char *text)
{
    write_to(call->out, text);
}

void prose_error(struct call *call, const char *text)
{
    write_to(call->err, text);
}

void prose_command(struct text *out, int columns, const char *head, const char *command)
{
    int width = columns < 40 ? INT32_MAX : columns, column = text_width(head) + 2;
    const char *at = command;

    text_printf(out, "%s: ", head);
    while (*at) {
        size_t size = 0;
        int wide = 0;

        for (char quote = 0; at[size] && (quote || at[size] != ' '); size++) { /* a word, or what is quoted */
            if (at[size] == '\'' || at[size] == '"')
                quote = quote == at[size] ? 0 : quote ? quote : at[size];
            wide += ((unsigned char)at[size] & 0xc0) != 0x80;
        }
        if (at != command && column + 1 + wide + 2 > width) {
            text_add(out, " \\\n  ");
            column = 2;
        } else if (at != command) {
            text_char(out, ' ');
            column++;
        }
        text_add_size(out, at, size);
        column += wide;
        at += size + (at[size] == ' ');
    }
    text_char(out, '\n');
}

void prose_print(struct call *call, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = mem_vprintf(format, args);
    va_end(args);
    prose_write(call, text);
    mem_free(text);
}
