/* Frames on a socket, for both ends: an int32 length and as many bytes. Reading keeps only what has arrived; writing takes the bytes
 * by sendmsg and slices of segment files by sendfile, from the page cache to the socket. */
#pragma once
#include "sim/base/fields.h"

enum io {
    IO_DONE,    /* sent all, or read something */
    IO_AGAIN,   /* the socket has to become ready first */
    IO_END,     /* the other side has closed */
    IO_BROKEN,  /* the connection is gone; errno says how */
};

/* ---- memory of large frames, kept for the next ones: taken anew for each, the system would clear every page of it again ---- */
enum { MOST_SPARES = 4 };
struct spares { /* all zero has none */
    struct buffer buffers[MOST_SPARES];
    int count;
    bool used;                 /* since its owner last looked; one who sees false may let go of all */
};
void spares_done(struct spares *spares);

/* ---- reading; `spares` may be NULL ---- */
struct incoming { /* all zero is an empty one; holds no memory while nothing has arrived */
    struct buffer buffer;
    size_t start;  /* before it all is taken */
};
struct received { /* one frame: its bytes after the length, in memory of its own, which its owner may change */
    struct buffer memory;
    struct bytes frame;
};
void incoming_done(struct incoming *incoming);
void received_done(struct received *received, struct spares *spares);
size_t incoming_size(const struct incoming *incoming);           /* bytes not yet taken */
struct bytes incoming_bytes(const struct incoming *incoming);
/* Length of the frame at the head, as announced; false: not known yet. Negative ones are the caller's to refuse. */
bool incoming_announced(const struct incoming *incoming, int32_t *size);
bool incoming_complete(const struct incoming *incoming);         /* a frame can be taken */
/* One read. The caller has checked the announced length. */
enum io incoming_read(struct incoming *incoming, int fd, struct spares *spares);
bool incoming_take(struct incoming *incoming, struct received *out, struct spares *spares);

/* ---- writing ---- */
struct outgoing { /* a frame on its way; all zero is none */
    struct frame frame;
    uint8_t prefix[4];
    size_t sent, size;    /* with the prefix */
    struct outgoing *next; /* for owners that queue them */
};
/* Takes over what is in `frame`, which is empty afterwards. */
void outgoing_init(struct outgoing *outgoing, struct frame *frame);
void outgoing_done(struct outgoing *outgoing);
enum io outgoing_send(struct outgoing *outgoing, int fd);
