/* Damaged requests: whatever comes in, the broker answers, or closes, or waits; it never falls. */
#include <stdio.h>

#include "tests/wire/wire_lab.h"

enum { ROUNDS = 6 };

static void on_reply(void *context, struct frame *answer, bool close)
{
    bool *closed = context;

    (void)answer;
    *closed = close;
}

static struct connection *open_one(struct wire_lab *lab)
{
    return connection_open(lab->wire, &(struct connection_options){ .broker = broker_id(cluster_broker_at(lab->cluster, 0)), .client_host = "10.0.0.8",
                                                                    .client_port = 5, .timers = &lab->timers, .network = true });
}

static struct connection *feed(struct wire_lab *lab, struct connection *connection, struct bytes frame)
{
    bool closed = false;

    connection_request(connection, frame, on_reply, &closed);
    wire_lab_advance_ms(lab, 1);
    if (!closed && !connection_busy(connection))
        return connection;
    connection_close(connection, "enough of it");
    return open_one(lab);
}

/* A few bytes changed, cut off or put in. */
static void damage(struct random *random, struct buffer *bytes)
{
    for (uint64_t n = random_below(random, 4); n > 0 && bytes->size > 9; n--) {
        size_t at = 8 + (size_t)random_below(random, bytes->size - 8); /* API and version stay: what is behind them is tried */

        switch (random_below(random, 4)) {
        case 0: bytes->data[at] ^= (uint8_t)(1 << random_below(random, 8)); break;
        case 1: bytes->data[at] = (uint8_t)random_u64(random); break;
        case 2: bytes->data[at] = random_below(random, 2) ? 0xff : 0x7f; break;
        default: bytes->size = at; break;
        }
    }
}

/* The lines of golden/wire/messages.txt are requests of all kinds, as Kafka's classes write them. */
TEST(damaged_requests_do_no_harm)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_ANY, 1, NULL);
    struct connection *connection = open_one(lab);
    struct random random;
    size_t size;
    char *text = (char *)golden_read("wire/messages.txt", &size), *rest = text, *line;

    random_init(&random, 7);
    while ((line = strsep(&rest, "\n"))) {
        char name[64], variant[16], release[8];
        int version, used = 0;
        const struct api *api = NULL;
        struct buffer body = { 0 }, frame = { 0 };

        if (sscanf(line, "%63s %d %15s %7s %n", name, &version, variant, release, &used) != 4)
            continue;
        for (size_t i = 0; i < api_count(); i++)
            if (!strcmp(api_at(i)->request->name, name))
                api = api_at(i);
        if (!api)
            continue;
        for (const char *p = line + used; *p && *p != '-'; p += 2) {
            unsigned byte;

            if (sscanf(p, "%2x", &byte) != 1)
                break;
            buffer_i8(&body, (int8_t)byte);
        }
        for (int round = 0; round < ROUNDS; round++) {
            struct frame head = { 0 };
            struct request_header header = { api->key, (int16_t)version, round, "probe" };

            CHECK_INT(ERR_OK, request_header_encode(request_header_version(api->request, (int16_t)version), &header, &head, NULL));
            buffer_clear(&frame);
            buffer_put(&frame, head.bytes.data, head.bytes.size);
            buffer_put(&frame, body.data, body.size);
            frame_done(&head);
            if (round)
                damage(&random, &frame);
            /* Bytes of their own, so that a sanitizer sees a read past their end. */
            uint8_t *copy = mem_copy(frame.data, frame.size);
            connection = feed(lab, connection, (struct bytes){ copy, frame.size });
            mem_free(copy);
        }
        buffer_done(&body);
        buffer_done(&frame);
    }
    connection_close(connection, "the test ends");
    mem_free(text);
    wire_lab_free(lab);
}
