/* What the files share that play a history: play.c (time, steps, rest), play_clients.c (its clients), play_admin.c (what is asked of the controller and of leaders). */
#pragma once
#include "tests/seeds/play.h"

#define BOOTSTRAP "localhost:9092,localhost:9093,localhost:9094"

struct actor {                        /* a client of the history */
    struct stage *stage;
    const struct history_client *line;
    size_t index;
    struct transport *transport;
    struct config_map config;
    struct task *task;                /* NULL: it does not live */
    bool waits, ends, drops, again;
    bool simulated, started;          /* the product's own */
    struct producer *producer;
    int64_t to_send;
    uint32_t sent;
    struct consumer *consumer;
};

struct stage {
    const struct history *history;
    struct play *play;
    struct lab *lab;
    struct config_map settings;
    struct checks *checks;            /* NULL: nobody checks */
    struct recorder *recorder;
    struct sums *sums;
    struct actor *actors;
    struct transport *admin_transport;
    struct asked *asked;              /* requests to the controller under way */
    bool topics_made, satisfied;
    struct random chance;             /* of the stepping */
    uint64_t events;
};


void stage_fail(struct stage *stage, const char *what, const char *text);

/* play_clients.c */
void clients_open(struct stage *stage);
void clients_close(struct stage *stage);
void clients_step(struct stage *stage, const struct step *step);      /* of one of them */
const char *clients_unrest(struct stage *stage, char *text, size_t size);   /* NULL: all have sent and read all */
bool clients_gone(struct stage *stage);                                     /* consumers go, producers that the product simulates have gone */
void clients_stop_producers(struct stage *stage);

/* play_admin.c */
void admin_make_topics(struct stage *stage);    /* stage->topics_made when they are */
void admin_step(struct stage *stage, const struct step *step);
bool admin_make_missing(struct stage *stage);   /* topics that were deleted and are gone; true: none is missing */
void admin_close(struct stage *stage);
