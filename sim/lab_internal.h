/* The inside of a lab, for the files of sim/ itself. */
#pragma once
#include "sim/sim.h"

struct lab {
    uv_loop_t *loop;
    char *dir, *control;
    bool transient, store_lost, keeps_log_dir, inspects, inspects_as_of;
    int64_t read_us;                         /* when what is inspected was read */
    enum release release;
    int32_t brokers, controllers, *ports;
    int32_t registered_port;                 /* first port that the brokers registered with; the system may then have chosen others */
    uint64_t seed;
    struct config_map settings;
    struct config_map own;                   /* of single brokers: own.h */
    int32_t first_brokers;                   /* with which it was made; the others were added */
    bool any_port;                           /* the system chooses ports */
    struct text changed;
    struct text made_with;                   /* --course and --set, as lab.db keeps them */
    struct store *store;
    struct queue *queue;
    struct random random;
    struct journal *journal;
    struct fs *fs;
    struct cluster *cluster;
    struct wire *wire;
    struct net *net;
    struct exporter *exporter;               /* NULL: --metrics was not asked for */
    struct timers *wall;                     /* the clients' lives: what recordings know */
    struct timers *wall_outside;             /* our own clients of other clusters, which no recording knows */
    struct timers timers;                    /* of clients in this process: the queue's, but the wall's while the lab is paused */
    struct recorder *recorder;               /* recorder_new() sets it; NULL: inputs aren't kept */
    struct player *player;                   /* a past: what feeds it; NULL: this lab lives */
    char *registered_host;                   /* what the brokers registered with */
    bool keep_timestamps;
    bool based;                              /* its recording begins with files: those in `base` */
    char *base;                              /* LAB/inputs/base-N; NULL: it begins without any */
    struct reason no_recording;              /* why inputs aren't kept, where they should be */
    int part;                                /* of its recordings: this sitting's */
    struct config_map client_names;          /* by address */
    struct mark *marks;
    size_t mark_count, mark_capacity;
    uint64_t journal_from;                   /* journal's last number before it was opened */
    struct simulated_clients *simulated;
    struct chaos *chaos;                     /* the latest; NULL: there was none */
    struct schedule *schedule;               /* orders for later; NULL: there never were any */
    struct tables *tables;
    struct sql *sql;
    /* time */
    enum pace pace;
    double speed;
    bool jumping, still;
    enum pace before_still;
    const bool *stop;                        /* lab_set_stop() */
    int held;                                /* children running: no jumps */
    int64_t base_virtual_us, base_wall_us;   /* the clock is base_virtual + (monotonic - base_wall) * speed */
    int64_t last_turn_us, settled_us;
    int64_t start_us;                        /* where the clock stood when the lab was opened */
};
/* lab_order() for who plays a recording: nothing is recorded, and a past takes it. */
enum err order_play(struct lab *lab, const char *words);
/* In an event of the lab's own: an order that was given for later, or that chaos gives. Part of the history, so no input. */
enum err order_carry_out_due(struct lab *lab, const char *words, struct reason *reason);
/* What a lab keeps of its orders in lab.db, as orders that bring it back: faults, what is due later, chaos. Each is an input like any other when the lab is opened again, so a
 * recording of that sitting has it. */
void order_keep_faults(const struct lab *lab, struct text *out);
void order_keep_schedule(const struct lab *lab, struct text *out);
void order_keep_chaos(const struct lab *lab, struct text *out);
void lab_keep_orders(struct lab *lab, struct store *store);
void lab_take_kept_orders(struct lab *lab);
struct schedule;
void schedule_free(struct schedule *schedule);
extern const struct table schedule_table, chaos_table;
struct chaos;
void chaos_free(struct chaos *chaos);
void pace_begin(struct lab *lab);
/* The feeder of a past (sim/replay.c): see player_step(). */
bool player_step(struct player *player, int64_t until_us);
void player_settle(struct player *player, int64_t until_us);
bool player_at_end(struct player *player);
void lab_make_past(struct lab *lab, struct player *player, bool guests, uv_loop_t *loop);
/* A lab without a loop gets one: wall timers, the first of which has number `armed` + 1. */
void lab_go_live(struct lab *lab, uv_loop_t *loop, uint64_t armed);
struct cluster_options lab_cluster_options(struct lab *lab); /* for all its brokers */
void lab_keep_settings(struct lab *lab, const char *lines);  /* more of what it was made with */
extern const struct table clock_table;

/* How it is made, in the order of lab_open(). Settings: lab_settings.c. */
enum err lab_remember_how_made(struct lab *lab, const struct lab_options *options, struct reason *reason); /* and lab.db is opened; ERR_INVALID_CONFIG: it was made otherwise */
/* A lab opened again without --set gets what it was made with: `options` then borrows them from `map`. */
void lab_take_kept_settings(struct lab *lab, struct lab_options *options, struct config_map *map);
enum err lab_make_settings(struct lab *lab, const struct lab_options *options, struct reason *reason);
/* Its folders: lab_folder.c. */
enum err lab_make_folder(struct lab *lab, const struct lab_options *options, struct reason *reason);
enum err lab_take_log_dir(struct lab *lab, const char *dir, struct reason *reason); /* --log-dir; what a transient lab left there goes */
extern const char lab_log_dir_marker[];                                             /* the file by which it is known to be one's */
void lab_remove_folder(struct lab *lab);
/* What comes in: lab_inputs.c. The first before the cluster touches a file, the other once there is one. */
enum err lab_prepare_recorder(struct lab *lab, const struct lab_options *options, struct reason *reason);
enum err lab_open_recorder(struct lab *lab, const struct lab_options *options, struct reason *reason);
enum err lab_take_base(struct lab *lab, const char *base, struct reason *reason);   /* a replay begins with the files with which its recording began */
