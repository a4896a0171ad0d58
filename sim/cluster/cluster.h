/* The cluster: N brokers, a controller, their network, on one queue. What wire/ asks and orders is here and in partition.h
 * and group.h; everything else of this folder is its inside. Nothing here knows a wire format. */
#pragma once
#include "sim/base/files.h"
#include "sim/base/journal.h"
#include "sim/base/queue.h"
#include "sim/base/random.h"
#include "sim/base/release.h"
#include "sim/base/table.h"
#include "sim/base/timer.h"
#include "sim/cluster/config.h"
#include "sim/cluster/image.h"

struct cluster;
struct broker;
struct partition;   /* one replica: a partition at one broker; see partition.h */

struct cluster_options {
    enum release release;
    int32_t broker_count;
    int32_t first_broker_id;       /* 0 for 2.7, 1 for 4.3 */
    int32_t controllers;           /* 4.3: so many of the first brokers vote on the metadata (quorum.h); 0 counts as 1, and so does any number with 2.7 */
    const char *dir;               /* the lab's folder; broker N keeps LAB/broker-N, LAB/broker-N.dir2, ..., 2.7's controller LAB/controller */
    const char *log_dir;           /* one broker: its folder is this one itself; NULL */
    int32_t log_dirs;              /* folders a broker (log_dirs.h); 0 counts as 1 */
    const struct config_map *settings; /* server.properties of all brokers (the distribution's and --set) */
    /* What the broker at `index` has of its own: another id, settings beside those of all (broker.rack). NULL: nothing. */
    void (*own)(void *context, size_t index, int32_t *id, struct config_map *settings);
    void *own_context;
    const char *host;              /* what the brokers advertise: "localhost" */
    const int32_t *ports;          /* one a broker */
    /* Told after each log that was loaded while the cluster opens, of how many; NULL: nobody is. */
    void (*loaded)(void *context, size_t done, size_t total);
    void *loaded_context;
    struct queue *queue;           /* all borrowed */
    struct random *random;
    struct journal *journal;
    struct fs *fs;
};
/* Starts or reopens: brokers load their logs, register and are unfenced within this call (virtual time does not pass). */
enum err cluster_open(struct cluster **out, const struct cluster_options *options, struct reason *reason);
void cluster_close(struct cluster *cluster);   /* clean: controlled, marker files written */
void cluster_drop(struct cluster *cluster);    /* as kill -9: frees only */
void cluster_register_tables(struct cluster *cluster, struct tables *tables); /* brokers topics partitions replicas segments batches records groups members offsets configs producers */

struct queue *cluster_queue(const struct cluster *cluster);
struct journal *cluster_journal(const struct cluster *cluster);
struct random *cluster_random(const struct cluster *cluster);
enum release cluster_release(const struct cluster *cluster);
const struct image *cluster_image(const struct cluster *cluster);  /* the controller's: the truth; for looking */

size_t cluster_broker_count(const struct cluster *cluster);
struct broker *cluster_broker_at(const struct cluster *cluster, size_t i);
struct broker *cluster_broker(const struct cluster *cluster, int32_t id); /* NULL: no such broker */
int32_t broker_id(const struct broker *broker);
int32_t broker_port(const struct broker *broker);
void broker_set_port(struct broker *broker, int32_t port);               /* before it registers, or when port 0 was chosen by the system */
bool broker_up(const struct broker *broker);
/* Its wall clock, which may be wrong by so much (`clock skew`; ahead: more than 0): records and commits are stamped with it, and ages are compared with it. What Kafka
 * measures from one moment to another - sessions, tasks that come around, the ISR's limit - goes by the queue's time. It stays wrong when the broker goes down. */
int64_t broker_now_ms(const struct broker *broker);
int64_t broker_skew_us(const struct broker *broker);
void broker_set_skew(struct broker *broker, int64_t us);
int64_t broker_clock_us(const struct broker *broker, int64_t at_ms);     /* when, in the queue's time, it says so; INT64_MAX: never */
/* One broker more, with an empty folder; it is down, and broker_start() lets it join. `options` as for all: broker_count counts it, ports has one for it. */
enum err cluster_add_broker(struct cluster *cluster, const struct cluster_options *options, struct broker **out, struct reason *reason);
enum broker_state { BROKER_DOWN, BROKER_STARTING, BROKER_UP, BROKER_STOPPING };
enum broker_state broker_state(const struct broker *broker);
const char *broker_state_name(enum broker_state state);                 /* "up" */
const char *broker_log_dir(const struct broker *broker);                /* the first of them: log_dirs.h */
struct cluster *broker_cluster(const struct broker *broker);
const struct image *broker_image(const struct broker *broker);           /* what this broker knows */
/* Layers for a broker key of this broker, and for a topic's keys at this broker. */
struct config_layers broker_config(const struct broker *broker);
/* Its loggers, by name, and their levels; false: this release has not the one at `i`. */
size_t broker_logger_count(void);
bool broker_logger(const struct broker *broker, size_t i, const char **name, const char **level);
bool broker_logger_known(const struct broker *broker, const char *name);
void broker_set_logger(struct broker *broker, const char *name, const char *level); /* NULL: back to what its parent has */
struct config_layers broker_topic_config(const struct broker *broker, const char *topic);
struct config_layers cluster_topic_config(const struct cluster *cluster, const char *topic); /* as the controller sees it, whoever is down */
/* Moments that cost no events but can be named. INT64_MAX: never. */
int64_t broker_next_retention_check_us(const struct broker *broker);
int64_t broker_started_us(const struct broker *broker);
/* The cleaner's next look at its compacted logs, whether or not it will find work; INT64_MAX: it is off (log.cleaner.enable). */
int64_t broker_next_cleaner_look_us(const struct broker *broker);

/* ---- a broker's life. What it holds for clients is told to the watchers: wire resets connections, net unbinds the port. ---- */
/* As kill -9: nothing is closed or written; the controller learns of it when the session times out (2.7 zookeeper.session.timeout.ms, 4.3
 * broker.session.timeout.ms). Under 4.3 controllers sit at the first brokers (quorum.h): without a majority nothing of metadata changes. `why`: for the journal.
 * ERR_BROKER_NOT_AVAILABLE: it is down already. Not to be called inside a request's handler: there broker_fail(). */
enum err broker_kill(struct broker *broker, const char *why, struct reason *reason);
/* Its disk failed: the broker halts, as Kafka's does without a log dir, in an event of its own at the present moment. `what`: the system's words. */
void broker_fail(struct broker *broker, const char *what);
/* Kill, and what its disk had not flushed is gone, by the cluster's chance (sim/base/files_faulty.h); also of a broker that is down. `losses` may be NULL.
 * Its start says in the journal which offsets went. */
struct disk_losses;
enum err broker_power_off(struct broker *broker, struct disk_losses *losses, struct reason *reason);
struct disk *broker_disk(const struct broker *broker);
/* Controlled shutdown: the controller is asked to move its leaderships to other in-sync replicas, again and again where it does not answer or can't (2.7
 * controlled.shutdown.max.retries; 4.3 five minutes long), requests under way are answered (2 s at most), logs are closed, the clean marker is written. The state is
 * BROKER_STOPPING until then. */
enum err broker_stop(struct broker *broker, struct reason *reason);
const char *broker_stop_waits(const struct broker *broker); /* BROKER_STOPPING: what for, in words; NULL: nothing stands in its way, or it was not asked yet */
/* Recovers its logs, registers anew and is unfenced, at once or when the session of its killed predecessor has ended: BROKER_STARTING until then.
 * ERR_KAFKA_STORAGE_ERROR: its folder can't be read; it stays down. */
enum err broker_start(struct broker *broker, struct reason *reason);
/* A start that can't register gives up after so long: 4.3 initial.broker.registration.timeout.ms; 2.7, without ZooKeeper, zookeeper.connection.timeout.ms. */
int64_t broker_start_limit_ms(const struct broker *broker);
const char *broker_start_limit_key(const struct broker *broker);
int64_t broker_starts_us(const struct broker *broker); /* BROKER_STARTING: when it tries; INT64_MAX: when the controller is back */
/* BROKER_STARTING, and it is at work: its logs are loaded and recovered in slices, all at one virtual moment. `done` of `total` logs; may be NULL. */
bool broker_loading(const struct broker *broker, size_t *done, size_t *total);
/* It stands still, as in a long pause of its garbage collector: neither sends nor takes anything, and none of its tasks runs, until broker_thaw() or `for_us` is over
 * (NEVER_US: not by itself). Its connections stay open and silent; its session ends; when it goes on it still believes what it believed.
 * ERR_BROKER_NOT_AVAILABLE: it is not up, or frozen (thaw: not frozen). */
enum err broker_freeze(struct broker *broker, int64_t for_us, struct reason *reason);
enum err broker_thaw(struct broker *broker, struct reason *reason);
bool broker_frozen(const struct broker *broker);
int64_t broker_thaws_us(const struct broker *broker);  /* NEVER_US: not by itself */
bool cluster_controller_up(const struct cluster *cluster);
bool broker_lost_controller(const struct broker *broker);               /* 2.7: it was the controller, and does not know yet that another is */
int32_t cluster_controller_epoch(const struct cluster *cluster);        /* 2.7: how many times a controller was elected (/controller_epoch) */
int64_t broker_session_ends_us(const struct broker *broker);            /* of one that is not heard of: when the controller takes its leaderships away; NEVER_US: not foreseen */
bool broker_reaches_controller(const struct broker *broker);            /* it is up, and what is handed on to it and its answer come through */
struct broker_watch {                    /* all may be NULL */
    void (*went_down)(void *context, struct broker *broker, const char *why, bool reset);  /* before its state is freed; `reset`: no goodbye */
    void (*came_up)(void *context, struct broker *broker);
    void (*controller_back)(void *context);                                /* orders are taken again */
    bool (*answering)(void *context, struct broker *broker);               /* requests of clients still wait to be answered */
};
void cluster_watch_brokers(struct cluster *cluster, const struct broker_watch *watch, void *context); /* `watch` is borrowed */
void cluster_unwatch_brokers(struct cluster *cluster, void *context);

/* Called when the broker's image has reached a metadata offset: after an order to the controller. Lies in its owner. */
struct image_wait {
    void (*done)(void *context);
    void *context;
    int64_t offset;
    void (*lost)(void *context);      /* the controller that gave the offset leads no more, and it was not committed: to be ordered again */
    struct image_wait *next;
};
void broker_await_image(struct broker *broker, struct image_wait *wait, int64_t offset); /* may call done at once */
void broker_forget_image_wait(struct broker *broker, struct image_wait *wait);

/* ---- orders to the controller. Each checks, appends metadata records, and gives their offset to wait for (*offset, may be NULL). ---- */
struct create_topic {
    const char *name;
    int32_t partition_count;          /* -1: num.partitions */
    int16_t replication_factor;       /* -1: default.replication.factor */
    struct assignment { int32_t partition; const int32_t *replicas; int32_t count; } *assignments;
    int32_t assignment_count;         /* > 0: explicit */
    const struct config_map *configs; /* NULL: none */
};
enum err controller_create_topic(struct cluster *cluster, const struct create_topic *topic, bool validate_only,
                                 struct uuid *id, int64_t *offset, struct reason *reason);
enum err controller_delete_topic(struct cluster *cluster, const char *name, int64_t *offset, struct reason *reason);
/* assignments: for the new partitions, or count 0. */
enum err controller_add_partitions(struct cluster *cluster, const char *name, int32_t total, const struct assignment *assignments,
                                   int32_t assignment_count, bool validate_only, int64_t *offset, struct reason *reason);
/* A partition moves to these replicas; count -1: the move under way is called off. The order is done when the controller has written it, the move when the
 * added replicas are in the ISR: until then image_partition has adding_replicas or removing_replicas. ERR_NO_REASSIGNMENT_IN_PROGRESS, ERR_INVALID_REPLICA_ASSIGNMENT,
 * ERR_INVALID_REPLICATION_FACTOR (4.3, where `allow_factor_change` forbids another number of them), ERR_UNKNOWN_TOPIC_OR_PARTITION. */
struct reassignment { const char *topic; int32_t partition; const int32_t *replicas; int32_t count; bool allow_factor_change; };
enum err controller_reassign(struct cluster *cluster, const struct reassignment *move, int64_t *offset, struct reason *reason);
enum config_op { CONFIG_SET, CONFIG_DELETE, CONFIG_APPEND, CONFIG_SUBTRACT }; /* IncrementalAlterConfigs' numbers */
struct config_change { const char *name; enum config_op op; const char *value; };
/* `whole`: AlterConfigs, which replaces all that was set. name "" of scope BROKER: the default of all brokers. */
enum err controller_alter_config(struct cluster *cluster, enum config_scope scope, const char *name, const struct config_change *changes,
                                 size_t count, bool whole, bool validate_only, int64_t *offset, struct reason *reason);
/* ElectLeaders: the preferred leader, or (unclean) any that lives where nobody leads. `items`: `topic` and `partition` in, the rest out: ERR_ELECTION_NOT_NEEDED,
 * ERR_PREFERRED_LEADER_NOT_AVAILABLE, ERR_ELIGIBLE_LEADERS_NOT_AVAILABLE, ...; at most a few hundred a call. */
struct elect_leader { const char *topic; int32_t partition; enum err err; struct reason reason; int32_t leader; };
enum err controller_elect_leaders(struct cluster *cluster, bool unclean, struct elect_leader *items, size_t count, int64_t *offset, struct reason *reason);
/* When the controller next puts preferred leaders back, and (4.3) tries partitions without a leader for an unclean election; INT64_MAX: never. They cost no event
 * while there is nothing to do. */
int64_t cluster_next_leader_balance_us(const struct cluster *cluster);
int64_t cluster_next_unclean_scan_us(const struct cluster *cluster);
/* Creates an internal topic if it is missing, as a coordinator lookup does. */
enum err controller_ensure_internal_topic(struct cluster *cluster, const char *name, int64_t *offset, struct reason *reason);
/* A producer id never given before; ids come in blocks of 1000 a broker. */
/* *offset (may be NULL): with a quorum, what must be committed before the id may be told to anybody; -1: it is. */
enum err broker_new_producer_id(struct broker *broker, int64_t *producer_id, int64_t *offset, struct reason *reason);
