/* A recording from somebody else: read, and played in a lab in memory. */
#include "sim/replay.h"

#include "sim/order.h"
#include "sim/wire/header.h"
#include "tests/fuzz/fuzz.h"

static void run(struct bytes input)
{
    struct config_map settings = { 0 };
    struct lab_options options;
    struct lab *lab;
    struct reason reason;

    if (!replay_options(input, &options, &settings, &reason) && options.brokers <= 3) {
        options.memory = true;
        if (!lab_open(&lab, &options, &reason)) {
            replay_run(lab, input, &reason);
            lab_close(lab);
        }
    }
    config_map_done(&settings);
}

struct playing { struct connection *connection; struct lab *lab; int count, skipped; bool closed; };

static void on_reply(void *context, struct frame *answer, bool close)
{
    (void)answer;
    ((struct playing *)context)->closed = close;
}

static void play_line(void *context, const char *name, int16_t version, struct bytes body)
{
    struct playing *playing = context;

    for (size_t i = 0; i < api_count() && playing->count < 12; i++) {
        const struct api *api = api_at(i);
        struct request_header header = { api->key, version, 7, "probe" };
        struct frame frame = { 0 };

        if (strcmp(api->request->name, name) || playing->skipped++ % 19 || playing->closed || connection_busy(playing->connection) ||
            request_header_encode(request_header_version(api->request, version), &header, &frame, NULL))
            continue;
        buffer_put(&frame.bytes, body.data, body.size);
        connection_request(playing->connection, buffer_bytes(&frame.bytes), on_reply, playing);
        if (connection_busy(playing->connection))
            playing->closed = true; /* its bytes are borrowed no longer than this */
        if (playing->closed) {
            connection_close(playing->connection, "enough");
            playing->connection = NULL;
            playing->count = 12;
        }
        queue_run_until(lab_queue(playing->lab), queue_now_us(lab_queue(playing->lab)) + 1000);
        frame_done(&frame);
        playing->count++;
    }
}

static void seeds(seed_fn *give, void *context)
{
    for (int i = 0; i < 3; i++) {
        struct lab_options options;
        struct buffer bytes = { 0 };
        struct recorder *recorder;
        struct lab *lab;
        struct timers timers;
        struct playing playing = { .skipped = i * 5 };

        lab_options_default(&options);
        options.memory = true;
        options.start_us = options.new_start_us = 1767261600000000;
        options.release = i == 1 ? RELEASE_27 : RELEASE_ANY;
        options.release_given = true;
        HOLDS(!lab_open(&lab, &options, NULL));
        recorder = recorder_new(lab, 0);
        timers = timers_virtual(lab_queue(lab));
        playing.lab = lab;
        playing.connection = connection_open(lab_wire(lab), &(struct connection_options){
            .broker = broker_id(cluster_broker_at(lab_cluster(lab), 0)), .client_host = "10.0.0.8", .client_port = 5, .timers = &timers, .network = true });
        golden_messages(play_line, &playing);
        if (playing.connection)
            connection_close(playing.connection, "the end");
        lab_order(lab, i == 1 ? "broker kill 0" : "broker stop 1", NULL, NULL);
        queue_run_until(lab_queue(lab), queue_now_us(lab_queue(lab)) + 30000000);
        lab_order(lab, i == 1 ? "broker start 0" : "broker start 1", NULL, NULL);
        recorder_save(recorder, &bytes);
        give(context, buffer_bytes(&bytes));
        buffer_done(&bytes);
        recorder_free(recorder);
        lab_close(lab);
    }
}
const struct target target_replay = { "replay", run, seeds };
