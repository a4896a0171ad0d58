/* A lab: one simulated cluster with its queue, clock, chance, journal, files, wire, network and memory. This header is all of sim
 * that shell needs, besides base's. Two labs may live in one process. */
#pragma once
#include <uv.h>

#include "sim/base/files.h"
#include "sim/base/journal.h"
#include "sim/base/queue.h"
#include "sim/base/random.h"
#include "sim/base/release.h"
#include "sim/base/table.h"
#include "sim/base/task.h"
#include "sim/base/text.h"
#include "sim/clients/client.h"
#include "sim/clients/consumer.h"
#include "sim/clients/producer.h"
#include "sim/clients/simulated.h"
#include "sim/cluster/cluster.h"
#include "sim/cluster/group.h"
#include "sim/cluster/inspect.h"
#include "sim/cluster/log_dirs.h"
#include "sim/cluster/partition.h"
#include "sim/cluster/placement.h"
#include "sim/cluster/quorum.h"
#include "sim/cluster/record_layouts.h"
#include "sim/log/layout.h"
#include "sim/net/net.h"
#include "sim/sql/sql.h"
#include "sim/wire/faults.h"
#include "sim/wire/messages.h"
#include "sim/wire/transport.h"
#include "sim/wire/wire.h"

struct lab;
struct lab_options {
    uv_loop_t *loop;              /* NULL: no network, no wall clock (tests, replay) */
    const char *dir;              /* the lab's folder; NULL with transient or memory */
    bool transient;               /* a folder of its own below the runtime dir, gone at the end */
    bool memory;                  /* files in memory: tests */
    bool release_given, brokers_given, controllers_given, seed_given; /* an existing lab with another value is refused */
    enum release release;
    int32_t brokers;
    int32_t controllers;          /* 4.3: voters of the metadata quorum, the first so many brokers; 0: 3 of three brokers or more, else 1 */
    uint64_t seed;
    int64_t start_us;             /* -1: where the lab stopped, or for a new one new_start_us */
    int64_t new_start_us;         /* -1: the wall clock's now */
    int32_t port;                 /* first broker's; 0: any free */
    bool listen;
    bool ports_only;              /* a replay: the brokers say these ports, nobody listens */
    const char *listen_address, *advertised_host;
    const char *log_dir;
    const struct config_map *settings;  /* --set */
    void (*loaded)(void *context, size_t done, size_t total); /* told after each log that was loaded; NULL: nobody is */
    void *loaded_context;
    bool course, durable, record, keep_timestamps;
    /* a replay: */
    char registered_host[256];    /* "": as advertised_host says */
    uint64_t journal_from;        /* number of the last entry before the first */
    const char *made_with;        /* what lab.db is to keep of its settings: lab_made_with() of another; NULL: those given */
    const char *base;             /* in memory: the folder whose files it begins with */
    const struct inspect_options *inspect; /* a real broker's folders, only looked at: no lab is kept, nobody listens, no time passes; NULL */
};
void lab_options_default(struct lab_options *options);
/* ERR_KAFKA_STORAGE_ERROR, ERR_BROKER_NOT_AVAILABLE (port), ERR_INVALID_CONFIG ...: one clear sentence in `reason`. */
enum err lab_open(struct lab **out, const struct lab_options *options, struct reason *reason);
void lab_close(struct lab *lab);
/* Of a lab that was opened without `listen`: as these options say. */
enum err lab_listen(struct lab *lab, const struct lab_options *options, struct reason *reason);
bool lab_inspects(const struct lab *lab);
/* With lab_inspects: the clock goes to the wall's now (unless start_us was given: then all is seen as of that moment), and the folders are read again if something
 * there changed. Nothing may be walking the tables meanwhile. */
enum err lab_inspect_again(struct lab *lab, bool *changed, struct reason *reason);
int64_t lab_inspect_read_us(const struct lab *lab);    /* when they were read, by the wall's clock */
bool lab_inspect_as_of(const struct lab *lab);         /* start_us was given */

struct queue *lab_queue(const struct lab *lab);
struct cluster *lab_cluster(const struct lab *lab);
struct wire *lab_wire(const struct lab *lab);
struct journal *lab_journal(const struct lab *lab);
struct tables *lab_tables(const struct lab *lab);
struct sql *lab_sql(const struct lab *lab);
struct store *lab_store(const struct lab *lab);  /* NULL in memory and for a transient lab: nothing of it is opened again */
struct simulated_clients *lab_simulated(const struct lab *lab);
struct net *lab_net(const struct lab *lab);      /* NULL: not listening */
struct fs *lab_fs(const struct lab *lab);
enum release lab_release(const struct lab *lab);
const char *lab_dir(const struct lab *lab);
char *lab_runtime_folder(void);                        /* where transient labs lie: $XDG_RUNTIME_DIR/kafkarium, else /tmp/kafkarium-UID; the caller's */
const char *lab_control_path(const struct lab *lab);   /* LAB/control */
uint64_t lab_seed(const struct lab *lab);
int32_t lab_port(const struct lab *lab, size_t broker_index); /* where it listens, else 9092 + i */
const char *lab_settings_changed(const struct lab *lab);      /* what --course and --set changed, a line each; "" */
/* GET /metrics at `address` (NULL: 127.0.0.1) and `port` (0: any free) until the lab closes; the port, or -1 with the reason. */
int32_t lab_export_metrics(struct lab *lab, const char *address, int32_t port, struct reason *reason);
/* A transport for a tool of this process: brokers of this lab in process (by the addresses that they advertise), all else over TCP. */
struct transport *lab_transport(struct lab *lab, const char *client_host);
/* For ls, hexdump, dump: the real path of what the user named ("/tmp/kafka-logs/students-0", "broker-1/students-0", "students-0", a real path). The caller's. */
char *lab_resolve_path(const struct lab *lab, const char *name);

/* What it keeps of its inputs (sim/replay.h); NULL: nothing, and lab_no_recording() says why. */
struct recorder;
struct recorder *lab_recorder(const struct lab *lab);
const char *lab_no_recording(const struct lab *lab);
const char *lab_recording_base(const struct lab *lab); /* the copy of the files with which it begins; NULL: it began without */
/* LAB/inputs has a part for each sitting, each to be played by itself: "recording" and "base", from the second on "recording-2", "base-2". */
int lab_part(const struct lab *lab);
int lab_parts(struct fs *fs, const char *folder, int *first);  /* number of the last part in a folder `inputs`, and of the first; 0: none */
char *lab_part_path(const char *folder, const char *what, int number); /* the caller's */
/* Adds to a copy what is the lab's disk: `into`/broker-N, `into`/controller. */
struct copy;
void lab_copy_files(struct lab *lab, struct copy *copy, const char *into);

void lab_copy_inputs(struct lab *lab, struct copy *copy, const char *into);   /* `into`/inputs, if it keeps any */
/* Its time stands still, and requests wait, while something is to be of one moment; no event tells of it. */
void lab_hold(struct lab *lab, bool still);
void lab_flush(struct lab *lab);                       /* all that is still in memory goes to its folder */
/* Writes lab.db of a copy: how the lab was made, its clock, its journal. */
enum err lab_save_memory(struct lab *lab, const char *dir, struct reason *reason);
const char *lab_made_with(const struct lab *lab);      /* --course and --set, a line each */
bool lab_is_transient(const struct lab *lab);

/* A lab that shows what was (sim/replay.h): its clock stands still; lab_run_slice() and lab_step() move it as its recording did, and stop at its end. */
bool lab_is_past(const struct lab *lab);
bool lab_past_turn(struct lab *lab);                   /* serves who looks at it; true: something was done */
bool lab_past_at_end(struct lab *lab);
int64_t lab_past_end_us(const struct lab *lab);        /* the present, as far as it was recorded; INT64_MAX: not known yet */

/* Who is at an address, for people; NULL: nobody was named, or is to be forgotten. */
void lab_name_client(struct lab *lab, const char *address, const char *name);
const char *lab_client_name(const struct lab *lab, const char *address);

int64_t lab_start_us(const struct lab *lab);           /* where the clock stood when it was opened */
uint64_t lab_first_entry(const struct lab *lab);       /* the journal's first since then */

/* Marks: a name for a moment. They are no events. */
struct mark { const char *name; int64_t at_us; uint64_t entry; };  /* entry: the journal's last */
void lab_mark(struct lab *lab, const char *name);      /* moves one of that name */
size_t lab_mark_count(const struct lab *lab);
struct mark lab_mark_at(const struct lab *lab, size_t i);
bool lab_mark_find(const struct lab *lab, const char *name, struct mark *out);

/* ---- time ---- */
enum pace { PACE_RUNNING, PACE_PAUSED, PACE_FROZEN };
enum pace lab_pace(const struct lab *lab);
double lab_speed(const struct lab *lab);
void lab_set_pace(struct lab *lab, enum pace pace);
void lab_set_speed(struct lab *lab, double speed);
/* Scripts: virtual time jumps to the next event when the foreground waits, unless a network client or a child is connected (`paced`). */
void lab_set_jumping(struct lab *lab, bool jumping);
/* Whatever moves its clock stops while *stop is true, which something that happens may set; NULL: nothing does. */
void lab_set_stop(struct lab *lab, const bool *stop);
bool lab_jumping(const struct lab *lab);
void lab_hold_jumping(struct lab *lab, int by);        /* +1 while a child process runs, -1 after */
/* Runs what is due now, at most ~10 ms of real time; *wait_ms: until when the loop may sleep (-1: no event to wait for).
 * `foreground`: a command waits (for jumping). Returns the microseconds of a gap that was not caught up (0 mostly). */
int64_t lab_turn(struct lab *lab, bool foreground, int *wait_ms);
/* Brings the clock to where it should be at this wall moment; net calls it before each input. */
void lab_catch_up(struct lab *lab);
/* A slice of running towards `until_us`, at most ~10 ms of real time; true when there. Stops early when `*stop` becomes true (may be NULL). */
bool lab_run_slice(struct lab *lab, int64_t until_us, const bool *stop);
bool lab_step(struct lab *lab);                        /* one event; false: none */
void lab_advance_clients(struct lab *lab, int64_t us); /* sessions of real clients, which run on the wall clock, on purpose */
void lab_settle(struct lab *lab);                      /* idle: mtimes, lab.db; at most once a second */

/* Next moments that cost no events. */
struct moment { int64_t at_us; const char *what; };    /* "retention check", "offset expiry" */
struct moment lab_next_moment(const struct lab *lab);

#include "sim/copy.h"
#include "sim/replay.h"
