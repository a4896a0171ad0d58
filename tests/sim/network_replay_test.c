/* A session with a real client, kafka-python, over TCP, with a pause and with days that pass between: recorded, then replayed without a network. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/replay.h"
#include "tests/sim/sim_lab.h"

enum { MOST_SECONDS = 60 };

static void turn(struct lab *lab, uv_loop_t *loop)
{
    int wait_ms;

    lab_turn(lab, false, &wait_ms);
    uv_run(loop, UV_RUN_NOWAIT);
    usleep(300);
}

static void run_client(struct lab *lab, uv_loop_t *loop, int phase)
{
    char port[16], which[16];
    int64_t began_us = monotonic_now_us();
    int status = 0;
    pid_t child;

    snprintf(port, sizeof(port), "%d", (int)lab_port(lab, 0));
    snprintf(which, sizeof(which), "%d", phase);
    child = fork();
    CHECK(child >= 0);
    if (!child) {
        execl("/usr/bin/python3", "python3", "tests/clients/replay_client.py", port, which, (char *)NULL);
        _exit(127);
    }
    while (waitpid(child, &status, WNOHANG) == 0) {
        turn(lab, loop);
        if (monotonic_now_us() - began_us > MOST_SECONDS * 1000000LL) {
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            fail_msg("phase %d took too long", phase);
        }
    }
    CHECK_INT(0, status);
    for (int i = 0; i < 300; i++) /* its connections end */
        turn(lab, loop);
}

static void advance(struct lab *lab, int64_t us)
{
    int64_t until_us = queue_now_us(lab_queue(lab)) + us;

    while (!lab_run_slice(lab, until_us, NULL))
        ;
}

static void check_session(enum release release, int32_t brokers)
{
    struct lab_options options;
    struct config_map settings = { 0 };
    struct buffer recording = { 0 };
    struct reason reason = { "" };
    struct sim_lab again;
    struct recorder *recorder;
    struct lab *lab;
    uv_loop_t loop;
    char *lived, *replayed;

    uv_loop_init(&loop);
    config_map_set(&settings, "offsets.topic.num.partitions", "3");
    config_map_set(&settings, "log.retention.check.interval.ms", "10000");
    lab_options_default(&options);
    options.loop = &loop;
    options.memory = options.listen = true;
    options.port = 0; /* any free: the brokers learn their ports after they registered */
    options.release = release;
    options.brokers = brokers;
    options.settings = &settings;
    if (lab_open(&lab, &options, &reason))
        fail_msg("%s", reason.text);
    recorder = recorder_new(lab, 0);
    run_client(lab, &loop, 1);
    advance(lab, 45000000);
    lab_set_pace(lab, PACE_PAUSED);
    run_client(lab, &loop, 2);
    advance(lab, 2 * 86400000000);
    lab_set_pace(lab, PACE_RUNNING);
    run_client(lab, &loop, 3);
    recorder_save(recorder, &recording);
    CHECK(recorder_count(recorder) > 100);
    lived = sim_lab_sums(lab);
    recorder_free(recorder);
    lab_close(lab);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop));
    config_map_done(&settings);

    memset(&again, 0, sizeof(again));
    CHECK_INT(ERR_OK, replay_options(buffer_bytes(&recording), &options, &again.settings, &reason));
    options.memory = true;
    sim_lab_open_with(&again, &options);
    if (replay_run(again.lab, buffer_bytes(&recording), &reason))
        fail_msg("%s", reason.text);
    replayed = sim_lab_sums(again.lab);
    CHECK(strstr(lived, "students-2/"));
    CHECK_TEXT(lived, replayed);
    mem_free(lived);
    mem_free(replayed);
    buffer_done(&recording);
    sim_lab_close(&again);
}

TEST(a_session_with_kafka_python_is_replayed_without_a_network)
{
    check_session(RELEASE_ANY, 3);
}

TEST(a_session_with_kafka_python_and_2_7_is_replayed_without_a_network)
{
    check_session(RELEASE_27, 3);
}
