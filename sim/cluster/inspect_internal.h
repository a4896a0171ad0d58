/* What the files inspect*.c share: what is known of the folders that are looked at. */
#pragma once
#include "sim/cluster/cluster_internal.h"
#include "sim/cluster/inspect.h"

struct folder {
    struct inspected_dir *dir;
    char *name, *topic;                    /* topic NULL: none */
    int32_t partition;
    enum folder_kind kind;
    char *note;
};

struct inspected_dir {
    char *path;
    struct checkpoint recovery_points, log_starts, high_watermarks, cleaner_offsets;
    bool clean;
};

struct inspection {
    struct inspected_dir *dirs;
    size_t dir_count;
    char *only;                            /* folder of the one partition that is looked at; NULL: all */
    bool settings_given;
    struct own_setting { char *topic, *name, *value; } *topic_settings;
    size_t topic_setting_count;
    struct folder *folders;
    size_t folder_count, folder_capacity;
    bool metadata;
    struct text notes;
    uint64_t mark;
    uint64_t refused;                      /* orders that would have changed something */
    int32_t offsets_partitions;            /* of __consumer_offsets, here */
    int64_t offsets_left_out;              /* bytes of it */
};

/* A sentence for cluster_inspect_notes(). */
void inspect_note(struct inspection *inspection, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- inspect_folders.c ---- */
/* Splits "LOGDIR/students-0" where that is a partition's folder; *only NULL: it is a log dir. Both the caller's. */
void inspect_split_dir(struct fs *fs, const char *given, char **dir, char **only);
bool inspect_has_file(struct fs *fs, const char *dir, const char *name);
void inspect_classify(struct folder *folder);                                              /* by its name: all but `dir` and `name` is set */
void inspect_set_aside(struct folder *folder, enum folder_kind kind, const char *why);     /* it is no partition that is shown */

/* ---- inspect_metadata.c ---- */
struct image *inspect_new_image(struct cluster *cluster);                                  /* with the cluster's id; the caller's */
/* Opens the log in `folder` as the controller's and plays it, behind its newest snapshot, into the controller's image. */
enum err inspect_read_metadata(struct cluster *cluster, const struct folder *folder, struct reason *reason);
void inspect_topics_by_names(struct cluster *cluster);                                     /* those that the image does not have */
