/* The inside of a lab, for sim/lab.c, sim/pace.c and sim/clock_table.c. */
#pragma once
#include "sim/sim.h"

struct lab {
    uv_loop_t *loop;
    char *dir, *control;
    bool transient, store_lost, keeps_log_dir;
    enum release release;
    int32_t brokers, *ports;
    int32_t registered_port;                 /* first port that the brokers registered with; the system may then have chosen others */
    uint64_t seed;
    struct config_map settings;
    struct text changed;
    struct store *store;
    struct queue *queue;
    struct random random;
    struct journal *journal;
    struct fs *fs;
    struct cluster *cluster;
    struct wire *wire;
    struct net *net;
    struct timers *wall;                     /* the clients' lives: what recordings know */
    struct timers *wall_outside;             /* our own clients of other clusters, which no recording knows */
    struct timers timers;                    /* of clients in this process: the queue's, but the wall's while the lab is paused */
    struct recorder *recorder;               /* NULL: inputs aren't kept */
    struct tables *tables;
    struct sql *sql;
    /* time */
    enum pace pace;
    double speed;
    bool jumping;
    int held;                                /* children running: no jumps */
    int64_t base_virtual_us, base_wall_us;   /* the clock is base_virtual + (monotonic - base_wall) * speed */
    int64_t last_turn_us, settled_us;
    int64_t start_us;                        /* where the clock stood when the lab was opened */
};
void pace_begin(struct lab *lab);
extern const struct table clock_table;
char *lab_runtime_folder(void);
