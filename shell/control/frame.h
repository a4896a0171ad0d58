/* The protocol of LAB/control: a type byte, a length (32 bits, big-endian), so many bytes. One connection is one thing: a session, a command, a
 * question for names, or a view; its first frame says which. */
#pragma once
#include "shell/session.h"

enum { CONTROL_VERSION = 3, FRAME_MOST = 1 << 20, FRAME_HEAD = 5 };
enum frame_type {
    /* the caller's first */
    FRAME_SESSION = 'S',   /* version. Answered by FRAME_SESSION: id (64 bits), release (8), text about the lab; lives while the connection does */
    FRAME_RUN = 'R',       /* version, session id, flags, mode, language (8 each), columns, rows (16), argc (16), argv (32 bits of length each) */
    FRAME_NAMES = 'N',     /* version, kind (32), prefix. Answered by FRAME_NAMES: names, a line each */
    FRAME_VIEW = 'V',      /* version, session id, flags, mode, language, columns, rows */
    /* then */
    FRAME_INPUT = 'I',     /* a line with its end, or keys */
    FRAME_INPUT_END = 'E',
    FRAME_INTERRUPT = 'C',
    FRAME_SIZE = 'W',      /* columns, rows (16) */
    /* the lab's */
    FRAME_OUT = 'O',
    FRAME_ERR = 'X',
    FRAME_WANT = 'P',      /* the command waits for a line */
    FRAME_PROMPT = 'M',    /* the prompt from here on, before FRAME_EXIT */
    FRAME_EXIT = 'Q',      /* status (32); the last */
};
enum { FLAG_OUT_TERMINAL = 1, FLAG_ERR_TERMINAL = 2, FLAG_IN_TERMINAL = 4, FLAG_INTERACTIVE = 8, FLAG_NO_COLOR = 16, FLAG_UTF8 = 32 };

/* Begins a frame in `out`; frame_end() sets its length. */
size_t frame_begin(struct buffer *out, enum frame_type type);
void frame_end(struct buffer *out, size_t begun);
void frame_put(struct buffer *out, enum frame_type type, const void *data, size_t size);
/* Takes the next whole frame from `in` at *at: 1; 0: more is needed; -1: this is no frame of ours. `body` is borrowed. */
int frame_take(const struct buffer *in, size_t *at, enum frame_type *type, struct bytes *body);
