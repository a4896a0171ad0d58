/* Frames of the control socket. */
#include "shell/control/frame.h"

size_t frame_begin(struct buffer *out, enum frame_type type)
{
    size_t begun = out->size;

    buffer_i8(out, (int8_t)type);
    buffer_i32(out, 0);
    return begun;
}

void frame_end(struct buffer *out, size_t begun)
{
    put_u32(out->data + begun + 1, (uint32_t)(out->size - begun - FRAME_HEAD));
}

void frame_put(struct buffer *out, enum frame_type type, const void *data, size_t size)
{
    size_t begun;

    do { /* what is long goes in several */
        size_t part = size < FRAME_MOST / 2 ? size : FRAME_MOST / 2;

        begun = frame_begin(out, type);
        buffer_put(out, data, part);
        frame_end(out, begun);
        data = (const char *)data + part;
        size -= part;
    } while (size);
}

int frame_take(const struct buffer *in, size_t *at, enum frame_type *type, struct bytes *body)
{
    uint32_t size;

    if (in->size - *at < FRAME_HEAD)
        return 0;
    size = get_u32(in->data + *at + 1);
    if (size > FRAME_MOST)
        return -1;
    if (in->size - *at - FRAME_HEAD < size)
        return 0;
    *type = (enum frame_type)in->data[*at];
    *body = (struct bytes){ in->data + *at + FRAME_HEAD, size };
    *at += FRAME_HEAD + size;
    return 1;
}
