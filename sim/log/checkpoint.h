/* The text files of a log dir: offset checkpoints, leader-epoch-checkpoint, partition.metadata, meta.properties, the clean
 * marker, each exactly as Kafka writes it. */
#pragma once
#include "sim/base/files.h"
#include "sim/base/release.h"
#include "sim/base/text.h"

struct checkpoint_line { char *topic; int32_t partition; int64_t offset; };
struct checkpoint {            /* owns its lines */
    struct checkpoint_line *lines;
    size_t count, capacity;
};
/* A missing or empty file reads as no lines; a damaged one as ERR_KAFKA_STORAGE_ERROR with the line. */
enum err checkpoint_read(struct fs *fs, const char *path, struct checkpoint *out, struct reason *reason);
enum err checkpoint_write(struct fs *fs, const char *path, const struct checkpoint *checkpoint, struct reason *reason);
/* The same where the lines are not kept: made one by one, without a copy of the names. */
void checkpoint_line(struct text *lines, const char *topic, int32_t partition, int64_t offset);
enum err checkpoint_write_lines(struct fs *fs, const char *path, size_t count, const struct text *lines, struct reason *reason);
void checkpoint_add(struct checkpoint *checkpoint, const char *topic, int32_t partition, int64_t offset);
/* By topic and partition; checkpoint_offset looks in a sorted one, and gives `missing` where there is no line. */
void checkpoint_sort(struct checkpoint *checkpoint);
int64_t checkpoint_offset(const struct checkpoint *checkpoint, const char *topic, int32_t partition, int64_t missing);
void checkpoint_done(struct checkpoint *checkpoint);

enum err partition_metadata_write(struct fs *fs, const char *dir, struct uuid topic_id, struct reason *reason);
/* *topic_id zero where the file is missing. */
enum err partition_metadata_read(struct fs *fs, const char *dir, struct uuid *topic_id, struct reason *reason);

struct meta_properties {
    int32_t node_id;
    char cluster_id[UUID_TEXT];
    char directory_id[UUID_TEXT];  /* 4.3 */
};
enum err meta_properties_write(struct fs *fs, const char *log_dir, enum release release, int64_t now_us,
                               const struct meta_properties *meta, struct reason *reason);
enum err meta_properties_read(struct fs *fs, const char *log_dir, struct meta_properties *out, struct reason *reason);

enum err clean_marker_write(struct fs *fs, const char *log_dir, enum release release, int64_t broker_epoch, struct reason *reason);
bool clean_marker_take(struct fs *fs, const char *log_dir); /* was it there? it is removed */
