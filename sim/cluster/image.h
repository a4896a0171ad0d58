/* The image: what the metadata records seen so far add up to. The controller has one, every broker its own, which follows as
 * the records reach it. Source: Kafka's MetadataImage, ReplicationControlManager. */
#pragma once
#include "sim/base/text.h"
#include "sim/cluster/config.h"

struct image_broker {
    int32_t id;
    int64_t epoch;
    const char *host;            /* advertised */
    int32_t port;
    const char *rack;            /* NULL: none */
    bool fenced, shutting_down;
    const struct uuid *log_dirs; /* 4.3: those that are online */
    int32_t log_dir_count;
};
enum { MOST_REPLICAS = 1000 };   /* of a partition; of each of its lists */
enum leader_recovery { LEADER_RECOVERED = 0, LEADER_RECOVERING = 1 }; /* Kafka's numbers: an unclean election is not confirmed by its leader yet */
/* The lists lie in one piece of memory, each is NULL where it is empty but for the first two. */
struct image_partition {
    int32_t *replicas, *isr;     /* replicas[0] is the preferred leader */
    int32_t *elr;                /* eligible leader replicas (KIP-966): out of the ISR since it is below its minimum, but they lack nothing; 4.3 */
    int32_t *last_known_elr;     /* the last leader, while nobody of ISR and ELR is left */
    int32_t *adding_replicas, *removing_replicas; /* of a reassignment that goes on */
    int16_t replica_count, isr_count, elr_count, last_known_elr_count, adding_count, removing_count;
    struct uuid *directories;    /* 4.3: of each replica; NULL: each lies in its broker's only log dir */
    int8_t leader_recovery_state;
    int32_t leader;              /* -1: none */
    int32_t leader_epoch, partition_epoch;
};
struct image_topic {
    char *name;
    struct uuid id;
    bool internal;               /* __consumer_offsets, __transaction_state */
    bool deleting;               /* 2.7: it is to go, when all brokers have removed its replicas: they know it no more */
    struct image_partition *partitions;
    int32_t partition_count;
};
struct image;
int64_t image_offset(const struct image *image);                     /* of the last record applied */
size_t image_topic_count(const struct image *image);
size_t image_deleting_count(const struct image *image);              /* of them that are to go */
const struct image_topic *image_topic_at(const struct image *image, size_t i);  /* sorted by name */
const struct image_topic *image_topic(const struct image *image, const char *name);
const struct image_topic *image_topic_by_id(const struct image *image, struct uuid id);
const struct image_partition *image_partition(const struct image *image, const char *topic, int32_t partition);
size_t image_broker_count(const struct image *image);
const struct image_broker *image_broker_at(const struct image *image, size_t i); /* sorted by id */
const struct image_broker *image_broker(const struct image *image, int32_t id);
/* What was set for a topic ("students"), broker ("1", "" for the default of all) or group; never NULL. */
const struct config_map *image_config(const struct image *image, enum config_scope scope, const char *name);
/* Walks what was configured. */
size_t image_config_count(const struct image *image);
const struct config_map *image_config_at(const struct image *image, size_t i, enum config_scope *scope, const char **name);
/* In which log dir of the broker the replica lies (KIP-858): its id; directory_unassigned: the broker did not say yet. */
extern const struct uuid directory_unassigned;
struct uuid image_directory(const struct image *image, const struct image_partition *partition, int32_t broker);
/* It is no dir of the broker that failed. */
bool image_directory_online(const struct image *image, int32_t broker, struct uuid directory);
int32_t image_controller(const struct image *image);                  /* broker id to name in Metadata */
const char *image_cluster_id(const struct image *image);
