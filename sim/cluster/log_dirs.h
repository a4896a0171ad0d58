/* The log dirs of a broker: the folders that its log.dirs names, each with partitions, checkpoints, a disk and a fate of its own; with more than one, replicas move
 * between them. Dir 1 has the broker's metadata too. Source: Kafka's LogManager, KIP-112, KIP-113; 4.3: KIP-858. */
#pragma once
#include "sim/cluster/cluster.h"
#include "sim/cluster/partition.h"

enum { MOST_LOG_DIRS = 16 };
struct log_dir;
char *cluster_log_dir_name(int32_t broker, int32_t index);              /* "broker-1", "broker-1.dir2", ...: in the lab's folder; the caller's */
size_t broker_dir_count(const struct broker *broker);                   /* at least 1 */
struct log_dir *broker_dir_at(const struct broker *broker, size_t i);
struct log_dir *broker_dir_of_path(const struct broker *broker, const char *path); /* NULL: log.dirs does not name it */
const char *log_dir_path(const struct log_dir *dir);
const char *log_dir_name(const struct log_dir *dir);                    /* "broker-1.dir2": in the lab's folder */
bool log_dir_online(const struct log_dir *dir);
const char *log_dir_failure(const struct log_dir *dir);                 /* why it is offline; NULL: it is not */
struct disk *log_dir_disk(const struct log_dir *dir);
/* AlterReplicaLogDirs: the replica moves to this dir, or will be made there once it is this broker's (ERR_REPLICA_NOT_AVAILABLE then). ERR_LOG_DIR_NOT_FOUND,
 * ERR_KAFKA_STORAGE_ERROR, ERR_UNKNOWN_TOPIC_OR_PARTITION, ... It is done when the move has begun, in slices of its own. */
enum err broker_alter_log_dir(struct broker *broker, const char *topic, int32_t partition, const char *path, struct reason *reason);
bool broker_replica_offline(const struct broker *broker, const char *topic, int32_t partition); /* it lies in a log dir that failed */
/* What a request about a replica that the broker has not is answered: ERR_KAFKA_STORAGE_ERROR where its log dir failed, ERR_NOT_LEADER_OR_FOLLOWER where another has it,
 * ERR_UNKNOWN_TOPIC_OR_PARTITION. */
enum err broker_no_replica(const struct broker *broker, const char *topic, int32_t partition);
const struct log *partition_future_log(const struct partition *partition);           /* its copy, while it moves; NULL */
/* Nothing is copied at present: what passed, over which time, against replica.alter.log.dirs.io.max.bytes.per.second. */
bool broker_moves_throttled(const struct broker *broker, struct quota_decision *out);
const struct log_dir *partition_future_dir(const struct partition *partition);
struct log_dir *partition_log_dir(const struct partition *partition);   /* where its log lies */
