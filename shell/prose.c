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

void prose_write(struct call *call, const char *text)
{
    int width = call->out->columns, indent = 0;
    struct text out = { 0 };
    bool begins = true;

    if (width < 40) {
        call_write(call, text, strlen(text));
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
    call_write(call, text_chars(&out), out.size);
    text_done(&out);
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
