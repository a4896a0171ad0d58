/* What replay.c, replay_source.c and past.c share: a recording that is read, and what feeds a lab with it. */
#pragma once
#include <stdio.h>

#include "sim/recording.h"

struct recording_head {
    enum release release;
    int32_t brokers, controllers;
    int64_t seed, start_us;
    int32_t registered_port, ports[100];
    int8_t flags;
    char host[256];
    int64_t journal_from;
};

struct source {
    struct bytes bytes;               /* all of it; NULL: a file or a recorder */
    const struct recorder *recorder;
    FILE *file;
    struct buffer window;             /* bytes from `at` on are at `taken` in it */
    size_t at, taken;                 /* at: in the recording */
};

enum err recording_damaged(struct reason *reason);
char *recording_get_text(struct reader *reader);                                           /* NULL: there is none; the caller's */
void recording_head_options(const struct recording_head *head, struct lab_options *options, struct config_map *settings); /* settings: borrowed by the options */
/* Reads the head: it may be as long as its settings are, which go to `settings` (NULL: to nobody). */
enum err source_head(struct source *source, struct recording_head *head, struct config_map *settings, struct reason *reason);
/* At least `size` bytes from source->at on, if there are so many: they lie at *data until the next call. */
bool source_has(struct source *source, size_t size, const uint8_t **data);
void source_take(struct source *source, size_t size);
void source_done(struct source *source);

struct armed {
    struct timer *timer;       /* NULL: cancelled or fired */
    int64_t delay_us;
};

struct player {
    struct lab *lab;
    struct source source;
    struct timers wall;        /* first armed timer has number 1 */
    struct armed *armed;
    size_t armed_count, armed_capacity;
    struct played { int64_t number; struct connection *connection; } *connections;
    size_t count, capacity;
    /* the input that comes next */
    bool loaded, ended, failed;
    enum input kind;
    struct place place;
    struct bytes body;
    uint64_t inputs;           /* given so far */
    uint64_t end_journal, end_chance;
    bool end_known;
    struct reason why;         /* it failed */
};

/* With its source set, and its head read: feeds `lab` from here on; the lab's own ports become those of the recording first. */
enum err player_take_ports(struct lab *lab, const struct recording_head *head, struct reason *reason);
void player_begin(struct player *player, struct lab *lab, const struct recording_head *head);
void player_done(struct player *player);
void player_close_all(struct player *player, const char *why);                             /* its connections */
/* The clock to `at_us`, with what others' events are due on the way: those of who looks at this past. */
void player_set_clock(struct player *player, int64_t at_us);
