/* The inside of a cluster: what its files share. Events go through the queue; what crosses from one broker to another goes
 * through network.c and takes time. */
#pragma once
#include "sim/base/files_faulty.h"
#include "sim/cluster/cluster.h"
#include "sim/cluster/group.h"
#include "sim/cluster/image_internal.h"
#include "sim/cluster/log_dirs.h"
#include "sim/cluster/metadata.h"
#include "sim/cluster/metrics.h"
#include "sim/cluster/network.h"
#include "sim/cluster/partition.h"
#include "sim/cluster/placement.h"
#include "sim/cluster/quorum.h"
#include "sim/log/checkpoint.h"
#include "sim/log/log.h"

enum { MOST_BROKERS = 1000, METADATA_EPOCH = 1, METADATA_BATCH_RECORDS = 100, PRODUCER_ID_BLOCK = 1000 };

/* A batch of metadata records on its way to brokers. */
struct metadata_pending {
    struct metadata_pending *next;
    int64_t base_offset, last_offset;
    int64_t sent_us;                  /* when it was committed, and with that leaves for the brokers */
    int32_t epoch;
    uint8_t *bytes;
    size_t size;
};

struct controller {
    size_t home;                      /* index of the broker at which it sits */
    bool down;                        /* its broker is down, and nobody has taken its place: `image` is what it last knew, for looking */
    struct image *image;
    struct metadata_log *log;         /* `own`, or with a quorum the copy of the voter that is active */
    struct metadata_log own;
    struct metadata_batch batch;      /* being filled between controller_begin and controller_commit */
    bool filling;
    int32_t epoch;                    /* of what it writes */
    int64_t committed;                /* with a quorum: all below is; never back */
    enum err failed;                  /* the log could not be written: nothing more is promised */
    struct metadata_pending *first, *last;
    int64_t since_us;                 /* it is the controller */
    struct event balance_event, unclean_event;
    bool balancing;                   /* between two slices of a round; of 2.7, which leads too many: */
    int32_t *too_many;
    size_t too_many_count, too_many_capacity;
    struct lost_replica { struct uuid topic_id; int32_t partition, broker; } *lost; /* 2.7: on log dirs that failed, as brokers told */
    size_t lost_count, lost_capacity;
};

struct cluster {
    enum release release;
    struct queue *queue;
    struct random random;             /* a fork: the cluster's own chance */
    struct journal *journal;
    struct fs *fs;
    struct buffer scratch;            /* where the appends of all its logs are prepared, one at a time */
    char *dir, *host;
    struct broker **brokers;
    size_t broker_count;
    struct controller controller;
    struct network *network;
    struct metric_source *metric_sources;
    struct network_watch session_watch;
    struct network_watch fetch_watch;
    struct network_watch links;       /* told of what is cut and healed */
    int32_t controllers;              /* 4.3: voters of the metadata log, the first so many brokers; 1 of 2.7, where any broker can be it */
    struct quorum *quorum;            /* 4.3 with more than one voter; NULL: the controller is alone */
    struct timers *wall;              /* of real clients, for groups; NULL: none */
    void (*loaded)(void *context, size_t done, size_t total); /* while it opens */
    void *loaded_context;
    size_t loaded_count, loaded_total;
    bool opening;                     /* brokers come up: nothing takes virtual time */
    struct inspection *inspection;    /* a real broker's folders, only looked at (inspect.h); NULL: it lives */
    struct broker_watcher { const struct broker_watch *watch; void *context; } watchers[4];
    size_t watcher_count;
    struct log **dropped;             /* of killed brokers: nobody knows them any more, their files are still to be closed */
    size_t dropped_count, dropped_capacity;
    struct event bury_event;
    struct old_request *old_requests; /* of 2.7's controllers that lost their role (old_controllers.c) */
};

/* The settings of one topic at one broker, shared by its partitions there: each log borrows `config`. */
struct topic_settings {
    struct log_config config;
    int32_t users;
    int64_t min_insync_replicas;
    struct meter *meters;             /* TOPIC_METERS of them; NULL: nothing was counted yet */
    char *leader_throttled, *follower_throttled; /* whose replication is throttled: "0:1,1:2" or "*"; NULL: nobody's */
    char name[];
};

/* What passed of replicas that are throttled, in samples of replication.quota.window.size.seconds. */
enum quota_side { QUOTA_LEADER, QUOTA_FOLLOWER, QUOTA_MOVES /* between log dirs: all of a broker */, QUOTA_SIDES };
struct quota_sample { int64_t start_ms, last_ms, bytes; };
struct replication_quota {
    struct quota_sample *samples;     /* NULL: nothing passed yet */
    size_t count, most, current;
    int64_t window_ms, expires_ms;
};

/* A leader's view of one follower: what its fetches told, and what the fetch session of its broker knows (fetch_leader.c). */
struct replica {
    struct partition *leader;
    int32_t broker;
    bool in_isr;                      /* as committed */
    bool counts;                      /* in the maximal ISR: one that is about to join counts already, one that is about to leave still does */
    int64_t broker_epoch;             /* of its last fetch; -1: none came */
    int64_t log_end_offset, log_start_offset; /* -1: not known yet */
    /* Kafka's Replica: as of its last fetch. While it is `caught_up` it is named in each fetch without a word: last_fetch_ms and last_caught_up_ms then go on with
     * the fetcher's rounds; replica_last_caught_up_ms() knows. */
    int64_t last_fetch_ms, end_at_last_fetch, last_caught_up_ms;
    struct partition *follower;       /* in the session: whose fetches name it; NULL: it is in none */
    bool caught_up;                   /* its last fetch asked for the log's end, and nothing was appended since */
    bool listed;                      /* in the session's list of those that something is to be said of */
    bool recheck;                     /* its next fetch may bring it into the ISR, whatever it says */
    int64_t fetch_offset;             /* of the session */
    int32_t fetch_epoch, last_fetched_epoch; /* -1: it did not say */
    int64_t sent_high_watermark, sent_log_start; /* what the follower knows */
    enum err refused;                 /* what its last fetch found; diverging_epoch -1: the logs agree */
    int32_t diverging_epoch;
    int64_t diverging_end;
    size_t place, item;               /* in that list; in the answer under way */
};

/* A follower's view of its fetching. Lies in the follower's partition. */
struct follow {
    struct fetcher *fetcher;          /* NULL: it fetches from nobody */
    struct replica *session;          /* of its leader; NULL: the leader was not asked yet, or refused */
    int32_t leader_epoch;
    bool truncating;                  /* first the leader is asked where its epochs end (2.7; a log without epochs) */
    enum follow_place { FOLLOW_NAMED, FOLLOW_DUE, FOLLOW_DELAYED, FOLLOW_FAILED } where; /* failed: until there is another epoch */
    size_t place, item;               /* in the fetcher's list of those; in the request or answer under way */
    int64_t delayed_until_us;
    int64_t lag;                      /* Kafka's: the leader's high watermark, as it told with its last answer, beyond what is here */
    bool in_sync;                     /* an answer came, and it left no lag */
};

/* One of the folders that log.dirs names (log_dirs.c). */
enum checkpoint_kind { RECOVERY_POINTS, LOG_STARTS, HIGH_WATERMARKS, CLEANER_OFFSETS, CHECKPOINT_KINDS };
struct log_dir {
    struct broker *broker;
    char *path, *name;                /* name: in the lab's folder, for people */
    struct uuid id;                   /* directory.id of 4.3 */
    struct disk *disk;
    bool refused;                     /* its disk refused something since the broker came up */
    bool offline;                     /* it failed while others live: until the broker starts again */
    char *failure;                    /* what the disk refused; NULL: nothing */
    struct event failure_event;       /* it goes offline, or the broker halts */
    struct event patience_event;      /* 4.3: the controller could not be told: the broker goes (log.dir.failure.timeout.ms) */
    bool clean;                       /* at the start: it was closed */
    size_t log_count;                 /* that lie there */
    char **futures;                   /* -future folders that a start found; emptied after loading */
    size_t future_count, future_capacity;
    struct checkpoint checkpoints[CHECKPOINT_KINDS]; /* as read at start, sorted; emptied after loading */
};

/* A replica that lies in a log dir that failed. */
struct offline_replica { char *topic; struct uuid topic_id; int32_t partition; };

/* A replica on its way to another log dir of its broker: the copy is in TOPIC-P.HEX-future there (log_moves.c). */
struct log_move {
    struct log *log;
    struct log_dir *dir;
    enum log_move_step { MOVE_COPIES, MOVE_ASKS, MOVE_ACCEPTED } step; /* 4.3: once it has all, the controller is told where it will lie, and only then it does */
    bool caught_up;                   /* it was once */
    bool failed;                      /* it could not be written: nothing more is done until the broker starts again */
    int64_t began_us;
};

/* A folder that was renamed to -delete and waits to go. */
struct doomed {
    char *path;
    int64_t at_us;
};

struct partition {
    struct broker *broker;
    const struct image_topic *topic;  /* in the broker's image; its name lives as long as the partition */
    struct log *log;
    struct log_dir *dir;              /* where it lies */
    struct log_move *move;            /* NULL: it stays there */
    struct topic_settings *settings;
    int32_t number;
    int32_t leader, leader_epoch, partition_epoch;
    bool leads;
    int16_t replica_count;            /* of others; only a leader has some */
    struct replica **replicas;
    struct follow follow;
    bool held;                        /* `replica hold`: it does not fetch */
    int32_t *isr;                     /* a leader with followers: the ISR that it knows to be committed; else the image's counts */
    int16_t isr_count;
    struct isr_change *isr_change;    /* the other ISR that the controller was asked for, or will be; NULL: none */
    bool isr_asked;                   /* it is named in the AlterPartition under way */
    struct commit_wait *waits, *last_wait; /* by offset */
    struct deletion_wait *deletion_waits;
    struct partition_watch *watches, *calling;
    int64_t retention_at_ms;          /* first moment at which a check may do something; INT64_MAX: none */
    int64_t flushed_ms;               /* when the flush task flushed it last, or it was opened */
    int64_t unlink_at_ms;             /* INT64_MAX: nothing waits */
    int64_t cleaner_offset;           /* of cleaner-offset-checkpoint; -1: no line */
    int64_t cleaning_at_ms;           /* first moment at which the cleaner may find work; INT64_MAX: none as things are */
    int64_t cleaner_base, cleaner_stable; /* what that was worked out from; -1: it is to be worked out anew */
    bool uncleanable;                 /* until the broker starts again */
    int64_t epoch_start_offset;
    int64_t slow_from, slow_until;    /* a slow disk has all below slow_from; below slow_until once slow_event comes */
    struct event slow_event;          /* of a leader */
    struct partition *hash_next;
    size_t index;                     /* in broker->partitions */
};

/* Moments that come around: start + delay + k * interval. Costs an event only while something is to be done then. */
struct ticker {
    int64_t first_us, interval_us;
    struct event event;
};

/* The cleaner threads of a broker. A cleaning takes no virtual time, so one after the other is as good as several at once. */
struct cleaner {
    bool on;
    struct ticker tick;               /* when it looks */
    struct event work;                /* the next slice of what it does at a look */
    struct cleaning *cleaning;
    struct partition *partition;      /* whose log */
    struct cleaner_limits limits;
    int64_t backoff_ms;
};

/* A controlled shutdown under way (life_stop.c): the request to the controller, the controller's work on it, and what it made of it. */
struct shutdown {
    struct network_message message;   /* to the controller and back */
    struct event work;                /* there: the next slice */
    enum shutdown_step { SHUTDOWN_IDLE, SHUTDOWN_ASKS, SHUTDOWN_RETURNS, SHUTDOWN_ANSWERED } step;
    int32_t home;                     /* broker at which the controller that was asked sits */
    int tries;
    enum err err;                     /* of the last try */
    int64_t remaining;                /* partitions that it still leads and another could; -1: not known */
    int64_t offset, offset_at_us;     /* 4.3: metadata that all active brokers must have, and since when; -1: it was not asked yet */
    int32_t lags;                     /* who has not; -1: all have */
    bool approved;                    /* it may go */
    bool stops_fetching;              /* 2.7: it was told so */
    char *waits;                      /* for what, in words; NULL: for nothing */
};

/* Heartbeats and the registration as messages, for faults (heartbeats.c). */
struct heartbeat {
    struct network_message message;   /* to the controller and back */
    struct event event;               /* the next one is sent; one under way is given up */
    enum heartbeat_step { HEARTBEAT_RESTS, HEARTBEAT_ASKS, HEARTBEAT_RETURNS } step;
    bool real;                        /* they are messages: a fault may hit them */
    bool missing;                     /* the controller did not get what it was to get */
    enum err err;                     /* of the answer */
    int64_t heard_us;                 /* real: when the controller got the last one */
};

struct broker {
    struct cluster *cluster;
    int32_t id, port;
    int64_t skew_us;                  /* of its wall clock, against the queue's time */
    size_t index;
    bool up;                          /* it serves: UP or STOPPING */
    enum broker_state state;
    bool loaded;                      /* starting: its folder was looked at, and the controller's log opened if that is here */
    struct event life_event;          /* starting: the next try; its task goes on; its disk failed: the end */
    struct task *task;                /* that starts or stops it, an event for each slice; NULL: none */
    int64_t task_cost;                /* of what the task did in this event */
    bool task_given_up, hurries;      /* it is being ended from outside; it takes no break any more */
    bool awaits_commit;               /* its task does */
    bool task_begins;                 /* whoever asked for the start still waits for the answer: start_err, start_failure */
    enum err start_err;
    char *start_failure;
    struct event patience_event;      /* starting: it gives up, if it could not register by then */
    size_t logs_done, logs_total;     /* while it starts */
    struct event session_event;       /* the controller notices that it is gone */
    struct event thaw_event;          /* frozen: it goes on by itself */
    int64_t session_ends_us;          /* of one that is not heard of; 0: it is, or it has none */
    int64_t session_last_us;          /* and when its last heartbeat came */
    int64_t session_since_us;         /* 2.7: it registered anew while it lived; 0: not since it started */
    enum session_step { SESSION_FINE, SESSION_ENDS, SESSION_TAKES, SESSION_RETURNS } session_step; /* what session_event does next */
    struct shutdown shutdown;
    struct heartbeat heartbeat;
    char *failure;                    /* its disk's, before it halts */
    struct before_power_off *before;  /* its logs, before the power went; until it is up again */
    size_t before_count, before_capacity;
    int64_t epoch, started_us;
    struct log_dir *dirs;             /* the first has the metadata too */
    size_t dir_count;
    struct offline_replica *offline;
    size_t offline_count, offline_capacity;
    struct dir_notice *notice;        /* of dirs that failed, to the controller; NULL: none did */
    struct assignments *assignments;  /* what it tells the controller of them; NULL: nothing yet */
    struct log_moves *moves;          /* what goes on between them; NULL: nothing did yet */
    struct config_map settings;       /* its server.properties */
    struct config_map loggers;        /* levels that were set since it started */
    struct image *image;
    struct metadata_log metadata;     /* 4.3: its copy; where the controller is alone, its broker has the controller's own */
    struct network_message metadata_message; /* committed records on their way from the controller */
    struct event metadata_event;      /* they are here, and what is to be done about them takes more than one event */
    int32_t controller_epoch;         /* 2.7: the highest that came with a request */
    int32_t old_epoch;                /* 2.7: it was the controller of this epoch, and does not know that it lost its role; 0: it is not so */
    bool metadata_parked;             /* 4.3: its fetch lies at the controller, which may answer */
    int64_t metadata_parked_us;       /* since when; -1: none came yet */
    struct metadata_pending *pending; /* the first batch that it has not seen, while it is up; NULL: none */
    int hosted;                       /* replicas made or taken in by this event */
    bool removed;                     /* some replica's log, and the checkpoints still name it */
    int32_t remove_cursor;            /* of a topic that is being deleted: the partition to go on with */
    struct image_wait *image_waits;
    struct log_env env, copy_env;     /* copy_env: of replicas' copies in other log dirs: the journal hears nothing of what happens to them */
    struct partition **partitions;
    size_t partition_count, partition_capacity;
    struct partition **hash;
    size_t hash_size;
    struct topic_settings **topics;   /* sorted by name */
    size_t topic_count, topic_capacity;
    struct groups *groups;
    struct fetcher **fetchers;        /* by index of the leader */
    struct replication_quota quotas[QUOTA_SIDES];
    bool held;                        /* `replica hold`: none of its replicas fetches */
    int64_t max_lag_ms;               /* replica.lag.time.max.ms */
    struct isr_sender *isr_sender;    /* what its partitions ask of the controller */
    struct ticker isr_tick, isr_send_tick; /* who fell behind; 2.7 sends what was asked for at moments of its own */
    bool clean;                       /* all its dirs were, when it started */
    bool recovery_dirty, starts_dirty, high_watermarks_dirty;
    struct ticker retention, recovery_tick, start_tick, high_watermark_tick, producer_tick, flush_tick;
    struct cleaner cleaner;
    size_t producer_cursor;           /* so does the look for silent producers */
    int64_t producer_next_ms;         /* of the logs looked at */
    size_t retention_cursor;          /* a check goes in slices */
    int64_t retention_pass_ms;
    struct event unlink_event;
    struct doomed *doomed;
    size_t doomed_count, doomed_capacity;
    int64_t producer_id_next, producer_id_end, producer_id_offset; /* offset: of the record that gave it the block */
    struct meter topic_meters[TOPIC_METERS], meters[BROKER_METERS];
};

/* ---- broker.c: its folder; broker_tasks.c: what comes around ---- */
enum err broker_new(struct broker **out, struct cluster *cluster, size_t index, const struct cluster_options *options, struct reason *reason);
void broker_free(struct broker *broker);                /* frees; what is to be written was written before */
enum err broker_load(struct broker *broker, struct reason *reason);       /* what lies in its dirs beside the logs */
enum err broker_host_all(struct broker *broker, struct reason *reason);   /* every replica that the image gives it */
int64_t broker_setting(const struct broker *broker, const char *key);
bool broker_stop_clean(struct broker *broker);                            /* in its task, a slice an event; else at once */
void broker_drop(struct broker *broker);
void broker_free_fetchers(struct broker *broker);       /* its own */

/* ---- log_dirs.c ---- */
void log_dirs_init(struct broker *broker, const struct cluster_options *options);
void log_dirs_done(struct broker *broker);
char *log_dirs_setting(const struct broker *broker);    /* log.dirs; the caller's */
enum err log_dirs_make(struct broker *broker, struct reason *reason);     /* the folders */
enum err log_dirs_load(struct broker *broker, struct reason *reason);     /* checkpoints and clean markers */
void log_dirs_forget_checkpoints(struct broker *broker);
struct log_dir *log_dirs_find(const struct broker *broker, const char *topic, int32_t number); /* the one with its folder; NULL */
struct log_dir *log_dirs_next(const struct broker *broker); /* with the fewest logs: the next new one goes there */
int32_t log_dirs_ids(const struct broker *broker, struct uuid ids[MOST_LOG_DIRS]); /* of those that are online, in the order of BrokerRegistration */
void log_dirs_mark_clean(struct broker *broker);        /* all is closed: each gets the marker, but where its disk refused something */

/* At a start: what lies there and is no replica of this broker (4.3) gets the name of a stray. */
bool log_dir_is_stray(const struct log_dir *dir, const char *folder, const char *topic, int32_t number);
void log_dir_put_aside(struct log_dir *dir, const char *folder);

/* ---- log_dir_failure.c ---- */
void log_dir_refused(struct log_dir *dir, const char *what);   /* of a broker that has others */
bool log_dir_expendable(const struct log_dir *dir);
/* What could not be read of it at a start: the broker goes on without it, if it can. */
enum err log_dir_do_without(struct log_dir *dir, enum err err, const struct reason *why, struct reason *reason);
void log_dir_go_offline(struct log_dir *dir);
bool log_dirs_offline(const struct broker *broker);     /* some are */
void log_dirs_look(struct broker *broker);              /* it is up: what was refused while it started */
void log_dirs_tell(struct broker *broker);
void log_dirs_controller_back(struct broker *broker);
void log_dirs_stop(struct broker *broker);              /* it goes down */
void log_dirs_try_all(struct broker *broker);           /* it starts: whatever failed before */
void broker_set_offline(struct broker *broker, const struct image_topic *topic, int32_t number);
void broker_forget_offline(struct broker *broker, const char *topic, int32_t number); /* NULL: all; -1: all of the topic */
/* The controller's side: replicas on dirs of it that failed lead no more and are out of the ISR; a slice a call. */
enum err controller_dirs_offline(struct cluster *cluster, struct broker *broker, bool *more, struct reason *reason);
void controller_forget_lost(struct cluster *cluster, int32_t broker);  /* it registers anew */
bool controller_replica_online(const struct cluster *cluster, struct uuid topic_id, const struct image_partition *partition, int32_t number, int32_t broker);

/* ---- log_moves.c: replicas that move between log dirs ---- */
void log_moves_start(struct broker *broker);            /* those that a start found go on */
void log_moves_stop(struct broker *broker);             /* its tasks end */
void log_moves_done(struct broker *broker);             /* it goes down; its partitions are gone */
void log_moves_settings_changed(struct broker *broker); /* a throttle may have been lifted */
void log_move_wake(struct partition *partition);        /* its log has changed */
void log_move_accepted(struct partition *partition, struct uuid directory); /* the controller knows where it will lie */
void log_move_close(struct partition *partition, bool clean); /* its broker stops (clean) or goes down: the copy stays on disk */
void log_move_cancel(struct partition *partition, const char *why);  /* the copy goes */
struct log_dir *log_moves_preferred(const struct broker *broker, const char *topic, int32_t number); /* asked for before there was a replica; NULL */
void log_moves_forget_preferred(struct broker *broker, const char *topic, int32_t number);
bool log_moves_found(struct log_dir *dir, const char *name); /* at a start: a -future folder, of a partition or not */
enum err log_moves_promote(struct broker *broker, struct reason *reason); /* before logs are opened: what 4.3's metadata says has moved already */
enum err log_moves_resume(struct broker *broker, struct reason *reason);  /* after: the others go on */

/* ---- assignments.c: 4.3: the controller is told in which log dir a replica lies ---- */
void assignment_check(struct partition *partition);     /* asks, if metadata says otherwise */
void assignment_ask(struct partition *partition, const struct log_dir *dir);
void assignments_stop(struct broker *broker);
void assignments_controller_back(struct broker *broker);
struct dir_assignment { struct uuid topic_id, directory; int32_t partition; enum err err; };
/* The controller's side. Each item gets its err; *offset: to wait for. */
enum err controller_assign_dirs(struct cluster *cluster, int32_t broker, int64_t broker_epoch, struct dir_assignment *items, size_t count, int64_t *offset);

/* ---- life.c ---- */
void life_init(struct broker *broker);
void life_cancel(struct broker *broker);                /* its events, when it goes down */
void life_done(struct broker *broker);
bool life_say_losses(struct broker *broker);            /* its logs are open: what a power-off took; false: given up */
bool life_is_home(const struct broker *broker);         /* the controller sits there */
void life_set_home(struct cluster *cluster, size_t index);
void life_controller_is_back(struct cluster *cluster);
void life_wake_starting(struct cluster *cluster);
void life_tell_controller_back(struct cluster *cluster);
void life_committed(struct cluster *cluster);           /* all that the controller wrote: who waits for that goes on */
void life_leave_memory(struct broker *broker);
void life_tell_down(struct broker *broker, const char *why, bool reset);
void life_tell_up(struct broker *broker);
bool life_answering(struct broker *broker);             /* requests of clients wait there to be answered */
void life_take_controller_along(struct broker *broker, bool clean); /* 4.3's goes with its broker */
/* In the broker's task: so much more was done, in bytes gone through or what takes as long. Where it is enough for one event the task goes on in the next,
 * at the same virtual moment. False: it is given up. */
bool life_breathe(struct broker *broker, int64_t cost);
enum { COST_OF_LOG = 64 * 1024, COST_OF_ROLE = 32 * 1024, COST_OF_NAME = 4 * 1024, COST_OF_LINE = 512, COST_OF_ELECTIONS = 1024 * 1024 };
bool life_sleep(struct broker *broker, int64_t us);     /* the same for virtual time */
void life_hurry(struct broker *broker);                 /* from outside: its sleep is over */
bool life_await_controller(struct broker *broker);
/* With a quorum: until all that was written is committed; false: given up. *again: a controller went, and with it perhaps what was written. */
bool life_await_commit(struct broker *broker, bool *again);
void life_give_up(struct broker *broker);               /* ends its task; what the task was at is for the caller to clear */
void life_finish(struct broker *broker);                /* the lab closes: a stop that is half done is done at once, a start is given up */
void life_halt(struct broker *broker, const char *why); /* its disk failed: the end, in an event */
char *life_without_path(const struct broker *broker, const char *what); /* the journal names no path of a machine; the caller's */
void life_say_up(const struct broker *broker);          /* the journal hears that it is registered and unfenced */
void life_go_on(void *context);                         /* life_event: the task's next slice */
void life_start_again(void *context);                   /* life_event: the next try to start */

/* ---- life_stop.c ---- */
void shutdown_init(struct broker *broker);
void shutdown_forget(struct broker *broker);            /* it is over, or given up */

/* ---- heartbeats.c: 4.3's heartbeats and registration, where a fault may hit them ---- */
void heartbeat_init(struct broker *broker);
void heartbeat_forget(struct broker *broker);           /* it went down, or stops: those with wantShutDown are life_stop.c's */
void heartbeats_check(struct cluster *cluster);         /* whose are messages from now on; who came up, faults that changed */
bool heartbeat_missing(const struct broker *broker);
void heartbeats_controller_starts(struct broker *broker); /* which gives it the time of a session */
/* In the task of a start: until the controller takes a registration. False: given up. */
bool heartbeat_register(struct broker *broker);

/* ---- sessions.c: who is heard of, by the controller (4.3) or ZooKeeper (2.7) ---- */
void session_init(struct broker *broker);
void session_watch_network(struct cluster *cluster);    /* from here on what the network does is followed */
bool session_in_contact(const struct broker *broker);
int64_t session_heard_us(const struct broker *broker);        /* when its last heartbeat was sent, while it is in contact */
int64_t session_last_contact_us(const struct broker *broker); /* when it was heard of last */
bool session_acts(const struct cluster *cluster);       /* there is a controller that can act on what it sees */
void session_check(struct broker *broker);              /* something may have changed: contact, the controller's home */
void session_check_all(struct cluster *cluster);
void session_broker_died(struct broker *broker);        /* killed, and it is down already */
void session_closed(struct broker *broker);             /* 2.7: it said goodbye to ZooKeeper, and is down already */
void session_controller_gone(struct cluster *cluster);  /* 4.3: nobody counts any more */
void session_controller_starts(struct cluster *cluster);
bool session_fail_over(struct cluster *cluster);        /* 2.7: another broker becomes the controller; false: nobody is left */
/* What stands in the way of its registration: when it may try, INT64_MAX for when the controller is back or heard of. A controller that was killed with its
 * broker finds that broker registered, and waits for its session like for any other's. */
int64_t session_may_start_us(const struct broker *broker);

/* ---- old_controllers.c: of 2.7 ---- */
void old_controller_begins(struct cluster *cluster);    /* before the role goes to another, or to nobody: the controller's broker may live, and does not know */
void old_controller_learns(struct broker *broker, const char *how); /* if it is one: it resigns */
void old_controller_gone(struct broker *broker);        /* with its broker */
void old_requests_forget(struct cluster *cluster, const struct broker *broker); /* to and from it; NULL: all */
/* 2.7: what a controller there decides it has to write to ZooKeeper, and that waits until it is reached, or the session found to be over. */
bool broker_waits_for_zookeeper(const struct broker *broker);

/* ---- freeze.c ---- */
void freeze_forget(struct broker *broker);              /* it went down: nothing of it stands still any more */
/* At the begin of an event that is this broker's own: where it stands still the event is put off until it goes on. */
bool broker_sleeps(struct broker *broker, struct event *event);

/* ---- cluster.c: what a start of one or of all brokers needs ---- */
/* log_drop, where it may be done later: many are dropped a slice an event. */
void cluster_drop_log(struct cluster *cluster, struct log *log);
void cluster_drop_soon(struct cluster *cluster);        /* after the last of them */
void cluster_drop_now(struct cluster *cluster);         /* all */
enum err cluster_identify(struct cluster *cluster, struct broker *broker, char cluster_id[UUID_TEXT], struct reason *reason);
enum err cluster_copy_metadata(struct cluster *cluster, struct broker *broker, struct reason *reason);
enum err cluster_open_controller(struct cluster *cluster, struct reason *reason);
int32_t broker_controller_port(const struct broker *broker);
struct config_layers broker_layers(const struct broker *broker, const struct config_map *topic);
void broker_topic_changed(struct broker *broker, const char *topic);      /* its settings */
void broker_settings_changed(struct broker *broker);
struct topic_settings *broker_take_settings(struct broker *broker, const char *topic);
struct topic_settings *broker_topic_settings(const struct broker *broker, const char *topic); /* NULL: it hosts nothing of it */
void broker_give_settings(struct broker *broker, struct topic_settings *settings);
void broker_note_retention(struct broker *broker, struct partition *partition);  /* something changed that a check may care about */
void broker_note_high_watermark(struct broker *broker);
void broker_note_recovery_point(struct broker *broker);
void broker_note_producers(struct broker *broker, struct bytes records); /* written: silent producers are forgotten one day */
void broker_note_flush(struct broker *broker, struct partition *partition); /* appended: flush.ms may want it flushed one day */
void broker_note_unlink(struct broker *broker, struct partition *partition);
void broker_doom(struct broker *broker, char *path);     /* a -delete folder: goes after log.segment.delete.delay.ms; takes `path` over */

/* One log; true: it has more to delete than one slice does. */
bool broker_check_retention(struct broker *broker, struct partition *partition, int64_t now_ms);
int64_t ticker_after(const struct ticker *ticker, int64_t us);
void ticker_start(struct broker *broker, struct ticker *ticker, int64_t delay_ms, int64_t interval_ms, void (*run)(void *));
/* Replicas went: the cleaner's, recovery points' and log starts' checkpoints are written at once, as LogManager.asyncDelete does. */
void broker_note_removed(struct broker *broker);
void ticker_arm(struct broker *broker, struct ticker *ticker, int64_t us);       /* the first tick that is not before `us`, and after now */

/* ---- broker_tasks.c ---- */
const char *broker_checkpoint_name(enum checkpoint_kind kind);
void broker_write_checkpoint(struct broker *broker, enum checkpoint_kind kind);
void log_dir_write_checkpoint(const struct log_dir *dir, enum checkpoint_kind kind);
void broker_init_tasks(struct broker *broker);
bool broker_start_tasks(struct broker *broker);         /* false: given up, in the broker's own task */
void broker_cancel_tasks(struct broker *broker);

/* ---- cleaner.c: the cleaner of compacted logs ---- */
void cleaner_start(struct broker *broker);
void cleaner_stop(struct broker *broker, bool tidy);    /* `tidy` false: as after kill -9 */
void cleaner_note(struct broker *broker, struct partition *partition);          /* something changed that it may care about */
void cleaner_clock_changed(struct broker *broker);                              /* the broker's wall clock was set */
void groups_clock_changed(struct groups *groups);
void cleaner_settings_changed(struct broker *broker);
void cleaner_abort(struct partition *partition);        /* it is not to be compacted any more */
void cleaner_forget(struct partition *partition);       /* its log is about to go; broker_note_removed() writes it down */
void cleaner_moved(struct partition *partition, const struct log_dir *from); /* it lies in another log dir */
void cleaner_write(struct broker *broker);              /* the checkpoint, if there is a cleaner */
void cleaner_truncated(struct partition *partition);    /* its log was cut */

/* ---- broker_metadata.c: what the broker does about metadata records ---- */
void metadata_links_changed(void *context, int32_t from, int32_t to);
enum err broker_read_metadata(struct broker *broker, struct reason *reason);  /* a batch that it has not seen, from the controller's log */
void broker_catch_up(struct broker *broker);            /* applies what it has not seen; at once */
void broker_schedule_metadata(struct broker *broker);
void broker_take_metadata(struct broker *broker);       /* the next batch is here */
void broker_fetch_metadata(struct broker *broker);      /* its fetch comes to the controller, if the link lets it, and is answered when there is something */
void broker_meet_controller(struct broker *broker);     /* there is a new one: it tells so */

/* ---- partition.c, partition_host.c, partition_role.c, partition_commit.c, partition_deletion.c ---- */
enum err partition_host(struct broker *broker, const struct image_topic *topic, int32_t number, struct reason *reason);
enum err partition_inspect(struct broker *broker, const struct image_topic *topic, int32_t number, const struct log_open *how, struct reason *reason);
void partition_unhost(struct partition *partition);     /* removes it from the broker and frees it; the log must be gone */
enum err broker_delete_log(struct broker *broker, struct log *log, struct reason *reason); /* it becomes a -delete folder */
enum err partition_remove(struct partition *partition, struct reason *reason); /* with its log, which becomes a -delete folder */
void partition_reconcile(struct partition *partition);  /* with the image: leads, follows, neither */
void partition_stop(struct partition *partition);       /* leaves its role; waits are told */
struct replica *partition_replica(const struct partition *leader, int32_t broker); /* NULL: it has none there */
void partition_advance(struct partition *leader);       /* tries to move the high watermark */
void partition_wait_for_disk(struct partition *partition, int64_t base_offset);
void partition_fail_waits(struct partition *partition); /* nobody leads here any more */
const struct image_partition *partition_image(const struct partition *partition);
/* The low watermark may have moved; nobody leads here any more. */
void partition_complete_deletions(struct partition *partition);
void partition_fail_deletions(struct partition *partition);
void partition_changed(struct partition *partition);    /* tells the watches */
void partition_forget_watches(struct partition *partition); /* tells them, for the last time */
int32_t partition_min_isr(const struct partition *partition);

/* ---- isr.c: who is in sync ---- */
void isr_take(struct partition *leader);                /* the image's is the committed one: at becoming leader, and when metadata came */
void isr_forget(struct partition *partition);           /* it leads no more */
/* A fetch of this follower was read: what its leader knows of it now. ERR_NOT_LEADER_OR_FOLLOWER: the fetch is of an earlier life of its broker. */
enum err isr_follower_fetched(struct replica *replica, int64_t log_end_offset, int64_t log_start_offset, int64_t broker_epoch);
bool isr_may_join(const struct replica *replica);       /* what does not depend on offsets: 4.3's eligible brokers */
void isr_note_lag(struct partition *leader);            /* a follower in sync has less than the leader: the task that looks for stragglers has something to do */
void isr_recheck(struct partition *leader);             /* something changed that may let a follower in with its next fetch */
void isr_broker_changed(struct broker *broker, int32_t other); /* its image learnt of a registration */
void isr_start(struct broker *broker);                  /* its tasks */
void isr_stop(struct broker *broker);
void isr_controller_back(struct broker *broker);
void isr_partition_gone(struct partition *partition);

/* ---- fetcher.c: a follower's fetching; fetch_leader.c: what its leader makes of it ---- */
struct fetcher;
void fetcher_free(struct fetcher *fetcher);
void fetcher_follow(struct partition *follower);        /* it begins to fetch from its leader, in its epoch */
void fetcher_leave(struct partition *follower);         /* it does no more */
void fetchers_leader_down(struct broker *leader);       /* it went down: connections to it are reset */
void fetchers_leader_up(struct broker *leader);         /* it is back: those who waited try again when it is their time */
void fetchers_watch_network(struct cluster *cluster);
void fetch_note_data(struct replica *replica);  /* the leader appended */
void fetch_note(struct replica *replica);       /* a new high watermark or log start: told when the parked fetch returns by itself */
void fetch_recheck(struct replica *replica);
void fetch_leader_gone(struct replica *replica); /* before the log may be cut: what is under way is copied out */
void fetch_end_session(struct replica *replica);        /* of this partition only; the follower has to name it anew */
int64_t replica_last_caught_up_ms(const struct replica *replica);

/* ---- replication_quota.c: throttles ---- */
void replication_quota_topic(struct topic_settings *settings, const struct config_layers *layers); /* its settings as they are now */
void replication_quota_forget(struct topic_settings *settings);
bool replication_throttled(const struct partition *partition, enum quota_side side);   /* named at its broker */
void replication_quota_record(const struct partition *partition, enum quota_side side, int64_t bytes); /* if it is throttled */
struct quota_decision replication_quota_decide(struct broker *broker, enum quota_side side);
bool replication_leader_throttles(const struct replica *replica); /* its records stay out of the answer: it is not in sync, throttled, and the quota exceeded */
void replication_quotas_done(struct broker *broker);

/* ---- network.c ---- */
struct network *network_new(struct cluster *cluster);
void network_free(struct network *network);             /* nothing is under way any more, or it is not looked at again */

/* ---- controller.c ---- */
enum err controller_open(struct cluster *cluster, const struct config_layers *layers, const char *log_dir, bool clean, int64_t recovery_point,
                         struct reason *reason);
/* What a broker sets for __consumer_offsets and __transaction_state when it makes them; nothing for another name. */
void controller_internal_configs(const struct cluster *cluster, const char *name, struct config_map *out);
enum err controller_bootstrap(struct cluster *cluster, struct reason *reason);
enum err controller_register(struct cluster *cluster, struct broker *broker, bool fenced, struct reason *reason);
enum err controller_unfence(struct cluster *cluster, struct broker *broker, struct reason *reason);
enum err controller_resume_deletions(struct cluster *cluster, struct reason *reason); /* 2.7: of topics that waited for a broker that is back now */
void controller_finish_deletions(struct cluster *cluster); /* 2.7: topics go of which every broker has removed its replicas, and said so */
enum err controller_elect_after_restart(struct cluster *cluster, struct reason *reason);
enum err controller_check_acts(const struct cluster *cluster, struct reason *reason); /* and it can decide something: 2.7's has to reach ZooKeeper */
enum err controller_check(const struct cluster *cluster, struct reason *reason);  /* ERR_REQUEST_TIMED_OUT: there is none at present */
/* Off all ISRs (but where it is the last and there are no eligible leaders) and leaderships. STOPS: it is about to go. GONE: fenced. UNCLEAN: it was gone, is about to register
 * anew, and may have lost what it had: no eligible leader either (4.3). A slice a call: *more, there are others, and it is to be called again. */
enum broker_leaving { LEAVING_STOPS, LEAVING_GONE, LEAVING_UNCLEAN };
enum err controller_broker_leaves(struct cluster *cluster, struct broker *broker, enum broker_leaving how, const char *why, bool *more, struct reason *reason);
/* Partitions without a leader get one, where the ISR has a live member again; a slice a call. */
enum err controller_elect_offline(struct cluster *cluster, bool *more, struct reason *reason);
/* AlterPartition (AlterIsr in 2.7): what a leader asks for. `broker_epoch`: the one it registered with. */
struct alter_partition_member { int32_t broker; int64_t epoch; };      /* epoch -1: not to be compared */
struct alter_partition_item {
    struct uuid topic_id;
    int32_t partition, leader_epoch, partition_epoch;
    const struct alter_partition_member *isr;
    int32_t isr_count;
    int8_t leader_recovery_state;
};
struct alter_partition {
    int32_t broker;
    int64_t broker_epoch;
    const struct alter_partition_item *items;
    int32_t count;
};
/* `err` of an item, cluster.md section 4: FENCED_LEADER_EPOCH, INVALID_UPDATE_VERSION, INELIGIBLE_REPLICA, NEW_LEADER_ELECTED (and it was done), ...
 * ERR_OK: it is as the rest of the item says from the moment at which `offset` is committed. */
struct alter_partition_result_item {
    struct uuid topic_id;
    int32_t partition;
    enum err err;
    int32_t leader, leader_epoch, partition_epoch;
    int32_t *isr, isr_count;
    int8_t leader_recovery_state;
};
struct alter_partition_result {
    enum err err;                 /* of the whole: NOT_CONTROLLER, STALE_BROKER_EPOCH; items is NULL then */
    int64_t offset;               /* of the last record written for it */
    struct alter_partition_result_item *items; /* one for each asked */
    int32_t count;
};
/* The controller's side, at the controller: all items become one batch of records. Returns out->err; the caller ends *out with alter_partition_result_done(). */
enum err controller_alter_partition(struct cluster *cluster, const struct alter_partition *request, struct alter_partition_result *out);
void alter_partition_result_done(struct alter_partition_result *result);
/* ---- controller_reassignment.c ---- */
struct partition_change;
void reassignment_say(struct cluster *cluster, const struct image_topic *topic, const struct partition_change *change); /* to the journal, if a move begins or ends */
/* 2.7: its ISR is another; a move may be complete by that. */
void controller_isr_changed(struct cluster *cluster, const struct image_topic *topic, int32_t partition);
/* 2.7: a broker is back: moves to it begin a new epoch, so that it hears of them; a slice a call, from where `cursor` is. */
struct move_cursor { size_t topic; int32_t partition; };
enum err controller_resume_reassignments(struct cluster *cluster, int32_t broker, struct move_cursor *cursor, bool *more, struct reason *reason);
void controller_close(struct cluster *cluster, bool clean);
void controller_shut(struct cluster *cluster, bool clean); /* its broker goes down, the cluster goes on */
struct metadata_batch *controller_add(struct cluster *cluster, const struct metadata_record *record);
enum err controller_commit(struct cluster *cluster, int64_t *offset, struct reason *reason);
int32_t controller_home(const struct cluster *cluster); /* broker id at which it sits */
void controller_begin_epoch(struct cluster *cluster);   /* 2.7: another was elected, or the same again */
struct config_layers controller_layers(const struct cluster *cluster, const struct config_map *topic);
/* Where a new replica goes: known beforehand where its broker has but one log dir; else that decides itself. */
struct uuid controller_directory(const struct cluster *cluster, int32_t broker_id);

/* ---- controller_elections.c: what is asked for, and what comes around ---- */
void elections_begin(struct cluster *cluster);          /* there is a controller, from this moment on */
void elections_stop(struct cluster *cluster);
void elections_note(struct cluster *cluster, const struct image_partition *partition); /* as it will be; it may want its preferred leader back */
void elections_config_changed(struct cluster *cluster); /* it may allow unclean elections now */
void elections_min_isr_changed(struct cluster *cluster);/* 4.3: eligible leaders are none any more where enough are in sync */
/* With a quorum: what is below `high_watermark` is committed, and travels. */
void controller_committed(struct cluster *cluster, int64_t high_watermark);
bool controller_all_committed(const struct cluster *cluster);
int64_t controller_high_watermark(const struct cluster *cluster);
/* This broker's voter leads: it knows what the log says, and goes on from there. */
void controller_claim(struct cluster *cluster, struct broker *broker, int32_t epoch);
/* It leads no more: what it had not committed is forgotten, who waits for it asks again. */
void controller_renounce(struct cluster *cluster, const char *why);

/* ---- quorum*.c ---- */
void quorum_new(struct cluster *cluster, int32_t voters);
enum err quorum_open(struct cluster *cluster, bool *fresh, struct reason *reason);  /* the lab opens: an election that takes no time */
void quorum_close(struct cluster *cluster);             /* the lab closes: nothing of it is under way any more */
void quorum_free(struct cluster *cluster);
bool quorum_votes(const struct broker *broker);         /* it is a voter's */
bool quorum_votes_now(const struct broker *broker);     /* and that voter is up */
enum err quorum_join(struct broker *broker, struct reason *reason);  /* opens its copy of the log; it votes from now on */
void quorum_leave(struct broker *broker, const char *why);           /* also of one that is no voter's, or down already; its copy is for the caller to close */
bool quorum_resign(struct broker *broker);              /* its voter leads, and lets another; false: it doesn't lead, or nobody else can */
bool quorum_has_successor(const struct broker *broker);
void quorum_appended(struct cluster *cluster);          /* the active controller wrote something */
/* A broker starts or stops at one virtual moment, so what is decided about it does too: the voters that are in contact get it at once. False: no majority is. */
bool quorum_settle(struct cluster *cluster);
void quorum_link_changed(struct cluster *cluster, int32_t from, int32_t to);
void quorum_faults_changed(struct cluster *cluster);

/* ---- raft_files.c: what a 4.3 controller keeps beside its records ---- */
enum raft_control { RAFT_LEADER_CHANGE = 2, RAFT_SNAPSHOT_HEADER, RAFT_SNAPSHOT_FOOTER, RAFT_VERSION, RAFT_VOTERS }; /* Kafka's numbers */
void raft_add_control(struct metadata_batch *batch, enum raft_control type, const struct cluster *cluster, int64_t now_ms);
/* `votes`: 1 for each voter that granted its own; NULL: all did. */
void raft_add_leader_change(struct metadata_batch *batch, const struct cluster *cluster, int32_t leader, const uint8_t *votes, int64_t now_ms);
size_t raft_feature_count(void);
const struct metadata_feature *raft_features(void);   /* what 4.3 supports; the highest is what a new cluster gets */
enum err raft_write_bootstrap(const struct cluster *cluster, const char *dir, struct reason *reason); /* bootstrap.checkpoint, as formatting a folder does */
enum err raft_write_first_snapshot(const struct cluster *cluster, const char *dir, struct reason *reason);
/* quorum-state of a voter; ids -1: none. Reading one that is missing or damaged gives -1 for all. */
enum err raft_write_state(const struct broker *broker, int32_t leader, int32_t epoch, int32_t voted, struct reason *reason);
void raft_read_state(const struct broker *broker, int32_t *leader, int32_t *epoch, int32_t *voted);

/* ---- inspect.c ---- */
enum err cluster_refuse_change(const struct cluster *cluster, struct reason *reason); /* of one that is only looked at */
void inspection_free(struct inspection *inspection);
/* From where a partition of __consumer_offsets is read: its start; of one that is only looked at, but not further back than is quick. */
int64_t cluster_inspect_offsets_from(const struct cluster *cluster, struct partition *partition);

/* ---- metrics.c ---- */
void metrics_forget(struct broker *broker);             /* it went down */

/* ---- tables ---- */
void cluster_register_inspect_tables(struct cluster *cluster, struct tables *tables);
void cluster_register_topic_tables(struct cluster *cluster, struct tables *tables);
void cluster_register_network_table(struct cluster *cluster, struct tables *tables);
void cluster_register_log_tables(struct cluster *cluster, struct tables *tables);
