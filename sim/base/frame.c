/* What is sent: bytes in memory with slices of files between them. */
#include "sim/base/fields.h"
#include "sim/base/files.h"

void frame_done(struct frame *frame)
{
    for (size_t i = 0; i < frame->slice_count; i++)
        file_unpin(frame->slices[i].file);
    mem_free(frame->slices);
    buffer_done(&frame->bytes);
    *frame = (struct frame){ 0 };
}

size_t frame_size(const struct frame *frame)
{
    size_t size = frame->bytes.size;

    for (size_t i = 0; i < frame->slice_count; i++)
        size += frame->slices[i].size;
    return size;
}

enum err frame_flatten(struct frame *frame, struct buffer *out, struct reason *reason)
{
    size_t done = 0, before = out->size;

    for (size_t i = 0; i < frame->slice_count; i++) {
        struct frame_slice *slice = &frame->slices[i];
        enum err err;

        buffer_put(out, frame->bytes.data + done, slice->at - done);
        done = slice->at;
        err = file_read(slice->file, buffer_add(out, slice->size), slice->size, slice->position, reason);
        if (err) {
            out->size = before;
            return err;
        }
    }
    if (frame->bytes.size > done)
        buffer_put(out, frame->bytes.data + done, frame->bytes.size - done);
    return ERR_OK;
}
