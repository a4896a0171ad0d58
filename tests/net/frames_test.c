/* Frames on a socket, cut up in every way, with and without memory that is used again. */
#include "sim/net/frames.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness.h"

enum { SIZES = 9 };
static const int32_t sizes[SIZES] = { 0, 1, 100, 16380, 20000, 65536, 300000, 1000000, 3000000 };

static void fill(struct buffer *frame, int32_t size, int salt)
{
    uint8_t *at;

    buffer_clear(frame);
    buffer_i32(frame, size);
    at = buffer_add(frame, (size_t)size);
    for (int32_t i = 0; i < size; i++)
        at[i] = (uint8_t)(i * 31 + i / 257 + salt);
}

struct line {
    int ends[2];
    struct incoming incoming;
    struct spares *spares;
    struct buffer expected;
    int taken, count;
    const int32_t *order;
};

static void take_all(struct line *line)
{
    struct received received;

    while (incoming_take(&line->incoming, &received, line->spares)) {
        CHECK(line->taken < line->count);
        fill(&line->expected, line->order[line->taken], line->taken);
        CHECK_INT(line->expected.size - 4, received.frame.size);
        CHECK(!memcmp(line->expected.data + 4, received.frame.data, received.frame.size));
        line->taken++;
        received_done(&received, line->spares);
    }
}

static void read_all(struct line *line, bool hold)
{
    while (incoming_read(&line->incoming, line->ends[1], line->spares) == IO_DONE)
        if (!hold)
            take_all(line);
    take_all(line);
}

/* Sends the frames one behind the other in pieces of `piece` bytes; `hold`: what has come is taken only when no more is there. */
static void send_frames(const int32_t *order, int count, size_t piece, struct spares *spares, bool hold)
{
    struct line line = { .spares = spares, .order = order, .count = count };
    struct buffer all = { 0 }, frame = { 0 };
    size_t sent = 0;

    CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, line.ends));
    for (int i = 0; i < count; i++) {
        fill(&frame, order[i], i);
        buffer_put(&all, frame.data, frame.size);
    }
    while (sent < all.size) {
        ssize_t put = write(line.ends[0], all.data + sent, all.size - sent < piece ? all.size - sent : piece);

        if (put > 0)
            sent += (size_t)put;
        read_all(&line, hold);
    }
    CHECK_INT(count, line.taken);
    CHECK_INT(0, incoming_size(&line.incoming));
    incoming_done(&line.incoming);
    buffer_done(&line.expected);
    buffer_done(&all);
    buffer_done(&frame);
    close(line.ends[0]);
    close(line.ends[1]);
}

TEST(frames_arrive_whole_however_they_are_cut)
{
    static const size_t pieces[] = { 4099, 16384, 65536, 10000000 };
    int32_t order[3 * SIZES];
    struct spares spares = { 0 };

    for (int i = 0; i < 3 * SIZES; i++)
        order[i] = sizes[i * 5 % SIZES];
    for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
        for (int how = 0; how < 4; how++)
            send_frames(order, 3 * SIZES, pieces[i], how & 1 ? &spares : NULL, how & 2);
    spares_done(&spares);
}

TEST(memory_of_large_frames_is_used_again)
{
    static const int32_t order[] = { 1000000, 1000000, 300000, 1000000, 9000000 };
    struct spares spares = { 0 };
    const uint8_t *kept;

    send_frames(order, 1, 65536, &spares, false);
    CHECK_INT(1, spares.count);
    kept = spares.buffers[0].data;
    spares.used = false;
    send_frames(order, 4, 65536, &spares, false);
    CHECK_INT(1, spares.count);
    CHECK(spares.buffers[0].data == kept);
    CHECK(spares.used);
    send_frames(order + 4, 1, 65536, &spares, false); /* too large to be kept */
    CHECK_INT(0, spares.count);
    spares_done(&spares);
}
