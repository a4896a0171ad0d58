/* Frames on a socket. */
#include "sim/net/frames.h"

#include <errno.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sim/base/files.h"

enum { FIRST_READ_BYTES = 16384, READ_BYTES = 65536, LEAST_SPARE_BYTES = READ_BYTES, MOST_SPARE_BYTES = 2 * 1024 * 1024, MOST_PIECES = 64 };

/* ---- memory ---- */

void spares_done(struct spares *spares)
{
    while (spares->count)
        buffer_done(&spares->buffers[--spares->count]);
}

static void spares_give(struct spares *spares, struct buffer *buffer)
{
    if (!spares || spares->count == MOST_SPARES || buffer->capacity < LEAST_SPARE_BYTES || buffer->capacity > MOST_SPARE_BYTES) {
        buffer_done(buffer);
        return;
    }
    buffer_clear(buffer);
    spares->buffers[spares->count++] = *buffer; /* the last one in is the first one out: its bytes are in the cache still */
    spares->used = true;
    *buffer = (struct buffer){ 0 };
}

static struct buffer spares_take(struct spares *spares)
{
    if (!spares || !spares->count)
        return (struct buffer){ 0 };
    spares->used = true;
    return spares->buffers[--spares->count];
}

/* ---- reading ---- */

void incoming_done(struct incoming *incoming)
{
    buffer_done(&incoming->buffer);
    incoming->start = 0;
}

void received_done(struct received *received, struct spares *spares)
{
    spares_give(spares, &received->memory);
    received->frame = (struct bytes){ 0 };
}

size_t incoming_size(const struct incoming *incoming)
{
    return incoming->buffer.size - incoming->start;
}

struct bytes incoming_bytes(const struct incoming *incoming)
{
    if (!incoming_size(incoming))
        return (struct bytes){ 0 };
    return (struct bytes){ incoming->buffer.data + incoming->start, incoming_size(incoming) };
}

bool incoming_announced(const struct incoming *incoming, int32_t *size)
{
    if (incoming_size(incoming) < 4)
        return false;
    *size = get_i32(incoming->buffer.data + incoming->start);
    return true;
}

bool incoming_complete(const struct incoming *incoming)
{
    int32_t size;

    return incoming_announced(incoming, &size) && size >= 0 && incoming_size(incoming) - 4 >= (size_t)size;
}

static enum io read_result(ssize_t got)
{
    if (got > 0)
        return IO_DONE;
    if (got == 0)
        return IO_END;
    return errno == EAGAIN || errno == EINTR ? IO_AGAIN : IO_BROKEN;
}

/* The first bytes of what is to come. */
static void begin(struct incoming *incoming, const uint8_t *first, size_t size, struct spares *spares)
{
    if (size >= 4 && get_i32(first) > FIRST_READ_BYTES)
        incoming->buffer = spares_take(spares);
    buffer_put(&incoming->buffer, first, size);
}

/* What an idle connection sends next is small mostly: it goes through the stack, so that memory is taken for what came. */
static enum io read_first(struct incoming *incoming, int fd, struct spares *spares)
{
    uint8_t first[FIRST_READ_BYTES];
    ssize_t got = read(fd, first, sizeof(first));

    if (got > 0)
        begin(incoming, first, (size_t)got, spares);
    return read_result(got);
}

enum io incoming_read(struct incoming *incoming, int fd, struct spares *spares)
{
    size_t have = incoming_size(incoming), room = READ_BYTES;
    uint8_t *at;
    ssize_t got;
    int32_t size;

    if (!have) {
        incoming_done(incoming);
        return read_first(incoming, fd, spares);
    }
    if (incoming->start) {
        memmove(incoming->buffer.data, incoming->buffer.data + incoming->start, have);
        incoming->buffer.size = have;
        incoming->start = 0;
    }
    if (incoming_announced(incoming, &size) && size > READ_BYTES && (size_t)size + 4 > have) {
        size_t missing = (size_t)size + 4 - have, there = incoming->buffer.capacity - incoming->buffer.size;

        /* A large frame is read to its end and no further, so it never has to be copied; but no more room is made than what came already. */
        if (have > room)
            room = have;
        if (there > room)
            room = there;
        if (missing < room)
            room = missing;
    }
    at = buffer_add(&incoming->buffer, room);
    got = read(fd, at, room);
    incoming->buffer.size -= room - (got > 0 ? (size_t)got : 0);
    return read_result(got);
}

bool incoming_take(struct incoming *incoming, struct received *out, struct spares *spares)
{
    enum { MOST_TIMES = 8 }; /* so much more memory than frame is not kept while it is served */
    struct buffer *buffer = &incoming->buffer;
    int32_t size;
    size_t whole, start = incoming->start, rest;

    if (!incoming_complete(incoming))
        return false;
    incoming_announced(incoming, &size);
    whole = (size_t)size + 4;
    rest = incoming_size(incoming) - whole;
    *out = (struct received){ 0 };
    if (rest < whole && buffer->capacity <= whole * MOST_TIMES + 64) { /* what comes after the frame is moved, if anything */
        out->memory = *buffer;
        *incoming = (struct incoming){ 0 };
        begin(incoming, out->memory.data + start + whole, rest, spares);
    } else {
        out->memory.data = mem_alloc(whole);
        out->memory.size = out->memory.capacity = whole;
        memcpy(out->memory.data, buffer->data + start, whole);
        incoming->start += whole;
        start = 0;
        if (!rest) {
            spares_give(spares, buffer);
            incoming->start = 0;
        }
    }
    out->frame = (struct bytes){ out->memory.data + start + 4, (size_t)size };
    return true;
}

/* ---- writing ---- */

void outgoing_init(struct outgoing *outgoing, struct frame *frame)
{
    *outgoing = (struct outgoing){ .frame = *frame };
    *frame = (struct frame){ 0 };
    outgoing->size = 4 + frame_size(&outgoing->frame);
    put_u32(outgoing->prefix, (uint32_t)(outgoing->size - 4));
}

void outgoing_done(struct outgoing *outgoing)
{
    frame_done(&outgoing->frame);
    *outgoing = (struct outgoing){ 0 };
}

/* The pieces from where sending stands, up to a slice of a file that has a descriptor: that one is *slice, from *skip on. */
struct pieces {
    struct iovec iov[MOST_PIECES];
    int count;
    struct frame_slice *slice;
    size_t skip;
    bool more;
};

static bool add_piece(struct pieces *pieces, const void *data, size_t size, size_t *skip)
{
    if (*skip >= size) {
        *skip -= size;
        return true;
    }
    if (pieces->count == MOST_PIECES) {
        pieces->more = true;
        return false;
    }
    pieces->iov[pieces->count++] = (struct iovec){ (uint8_t *)data + *skip, size - *skip };
    *skip = 0;
    return true;
}

static void gather(struct outgoing *outgoing, struct pieces *pieces)
{
    struct frame *frame = &outgoing->frame;
    size_t skip = outgoing->sent, at = 0;

    *pieces = (struct pieces){ .count = 0 };
    add_piece(pieces, outgoing->prefix, 4, &skip);
    for (size_t i = 0; i < frame->slice_count; i++) {
        struct frame_slice *slice = &frame->slices[i];
        const uint8_t *bytes;

        if (slice->at > at && !add_piece(pieces, frame->bytes.data + at, slice->at - at, &skip))
            return;
        at = slice->at;
        bytes = file_bytes(slice->file);
        if (bytes) {
            if (!add_piece(pieces, bytes + slice->position, slice->size, &skip))
                return;
        } else if (skip >= slice->size) {
            skip -= slice->size;
        } else {
            pieces->slice = slice;
            pieces->skip = skip;
            pieces->more = true;
            return;
        }
    }
    if (frame->bytes.size > at)
        add_piece(pieces, frame->bytes.data + at, frame->bytes.size - at, &skip);
}

static enum io send_slice(struct outgoing *outgoing, const struct pieces *pieces, int fd)
{
    off_t position = pieces->slice->position + (off_t)pieces->skip;
    size_t left = pieces->slice->size - pieces->skip;
    int file = file_descriptor(pieces->slice->file, NULL);
    ssize_t sent = file < 0 ? -1 : sendfile(fd, file, &position, left);

    if (file < 0 || sent == 0) { /* the file can't be read, or is shorter than it was: the promised length can't be kept */
        errno = EIO;
        return IO_BROKEN;
    }
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR ? IO_AGAIN : IO_BROKEN;
    outgoing->sent += (size_t)sent;
    return IO_DONE;
}

enum io outgoing_send(struct outgoing *outgoing, int fd)
{
    struct pieces pieces;

    while (outgoing->sent < outgoing->size) {
        gather(outgoing, &pieces);
        if (pieces.count) {
            struct msghdr message = { .msg_iov = pieces.iov, .msg_iovlen = (size_t)pieces.count };
            ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT | (pieces.more ? MSG_MORE : 0));

            if (sent < 0)
                return errno == EAGAIN || errno == EINTR ? IO_AGAIN : IO_BROKEN;
            outgoing->sent += (size_t)sent;
        } else {
            enum io io = send_slice(outgoing, &pieces, fd);

            if (io != IO_DONE)
                return io;
        }
    }
    return IO_DONE;
}
