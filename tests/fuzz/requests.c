/* Requests to a broker: whatever comes, it answers, closes or waits. The input is a run of frames over two connections to one small cluster. */
#include "sim/wire/header.h"
#include "tests/fuzz/fuzz.h"

enum { MOST_FRAMES = 16 };
static void on_reply(void *context, struct frame *answer, bool close)
{
    struct buffer flat = { 0 };

    if (answer) {
        HOLDS(!frame_flatten(answer, &flat, NULL) && flat.size >= 4);
        buffer_done(&flat);
    }
    *(bool *)context = close;
}

static struct connection *open_one(struct fuzz_lab *lab, int32_t port)
{
    return connection_open(lab->wire, &(struct connection_options){ .broker = broker_id(cluster_broker_at(lab->cluster, 0)), .client_host = "10.0.0.8",
                                                                    .client_port = port, .timers = &lab->timers, .network = true });
}

static void run(struct bytes input)
{
    static const enum release releases[] = { RELEASE_ANY, RELEASE_27, RELEASE_43 };
    struct reader reader = reader_of(input);
    uint8_t mode = (uint8_t)reader_i8(&reader);
    struct fuzz_lab lab;
    struct connection *connections[2];
    struct bytes frames[MOST_FRAMES];
    bool closed[2] = { false, false };

    fuzz_lab_init(&lab, releases[mode % 3]);
    HOLDS(!fuzz_lab_open(&lab, releases[mode % 3], 1));
    fuzz_lab_fill(&lab);
    for (int i = 0; i < 2; i++)
        connections[i] = open_one(&lab, 40000 + i);
    for (int i = 0; i < MOST_FRAMES && next_part(&reader, &frames[i]); i++) {
        int which = i % 2;

        if (closed[which] || connection_busy(connections[which])) {
            connection_close(connections[which], "enough");
            connections[which] = open_one(&lab, 50000 + i);
            closed[which] = false;
        }
        /* Borrowed until the reply, which may never come: `input` lives longer than the lab. */
        connection_request(connections[which], frames[i], on_reply, &closed[which]);
        fuzz_lab_run(&lab, 1000, mode & 64 ? 60000000 : 1000);
    }
    fuzz_lab_run(&lab, 2000, 600000000);
    fuzz_lab_done(&lab);
}

struct giving { seed_fn *give; void *context; struct buffer several; int count; };
static void give_line(void *context, const char *name, int16_t version, struct bytes body)
{
    struct giving *giving = context;
    struct buffer seed = { 0 };

    for (size_t i = 0; i < api_count(); i++) {
        const struct api *api = api_at(i);
        struct request_header header = { api->key, version, 7, "probe" };
        struct frame frame = { 0 };

        if (strcmp(api->request->name, name) || request_header_encode(request_header_version(api->request, version), &header, &frame, NULL))
            continue;
        buffer_put(&frame.bytes, body.data, body.size);
        buffer_i8(&seed, (int8_t)(version % 3));
        put_part(&seed, buffer_bytes(&frame.bytes));
        if (!giving->count)
            buffer_i8(&giving->several, 0);
        put_part(&giving->several, buffer_bytes(&frame.bytes));
        giving->give(giving->context, buffer_bytes(&seed));
        if (++giving->count == MOST_FRAMES) {
            giving->give(giving->context, buffer_bytes(&giving->several));
            buffer_clear(&giving->several);
            giving->count = 0;
        }
        buffer_done(&seed);
        frame_done(&frame);
    }
}

static void seeds(seed_fn *give, void *context)
{
    struct giving giving = { give, context, { 0 }, 0 };

    golden_messages(give_line, &giving);
    buffer_done(&giving.several);
}
const struct target target_requests = { "requests", run, seeds };
