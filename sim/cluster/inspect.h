/* A cluster that is only looked at: the log.dirs of one real broker, running, stopped or killed, as they lie on disk (--inspect). Everything that
 * looks at a cluster looks at it as at any other; whatever would change something is refused, and no event is ever queued.
 *
 * What a folder tells: 4.x keeps the cluster's metadata in __cluster_metadata-0 (topics, leaders, what was configured); where that is not in the
 * folders, and under 2.7, topics are what the names of the folders say, and settings are assumed. A broker's own server.properties is nowhere. */
#pragma once
#include "sim/cluster/cluster.h"
#include "sim/log/inspect.h"

struct topic_setting { const char *topic, *name, *value; };
struct inspect_options {
    const char *const *dirs;        /* log.dirs; one may be a partition's own folder, then nothing else is looked at */
    size_t dir_count;
    const struct topic_setting *topic_settings;
    size_t topic_setting_count;
    bool settings_given;            /* somebody said what the server.properties has: nothing of that is assumed */
};
/* Which release wrote the folders. ERR_KAFKA_STORAGE_ERROR: they are no log.dirs, or can't be read; what is missing is said. */
enum err inspect_release(struct fs *fs, const struct inspect_options *how, enum release *release, struct reason *reason);
/* `options` as for cluster_open, without folders, ports and counts; `fs` should be one of fs_read_only. Ended with cluster_drop. */
enum err cluster_inspect(struct cluster **out, const struct cluster_options *options, const struct inspect_options *how, struct reason *reason);
bool cluster_inspected(const struct cluster *cluster);
/* Reads the folders again if something there changed since; logs, images and groups are new then. */
bool cluster_inspect_changed(const struct cluster *cluster);
enum err cluster_inspect_again(struct cluster *cluster, struct reason *reason);

size_t cluster_inspect_dir_count(const struct cluster *cluster);
const char *cluster_inspect_dir(const struct cluster *cluster, size_t i);
bool cluster_inspect_clean(const struct cluster *cluster);     /* every folder has the marker of a clean stop */
bool cluster_inspect_metadata(const struct cluster *cluster);  /* topics and leaders are known, and what was configured by the tools */
uint64_t cluster_inspect_refused(const struct cluster *cluster);   /* how often something was to be changed */
bool cluster_inspect_settings_given(const struct cluster *cluster); /* what the broker's server.properties has was said */
const char *cluster_inspect_only(const struct cluster *cluster);   /* the partition's folder that alone is looked at; NULL: all */
/* What was damaged or left out in reading, a sentence a line; "" if nothing. */
const char *cluster_inspect_notes(const struct cluster *cluster);
/* Where the value of a topic's setting comes from, and whether that is only assumed. */
const char *cluster_inspect_source(const struct cluster *cluster, const char *topic, const char *name, bool *assumed);

enum folder_kind { FOLDER_PARTITION, FOLDER_METADATA, FOLDER_DELETE, FOLDER_FUTURE, FOLDER_STRAY, FOLDER_UNREADABLE, FOLDER_OTHER };
struct folder_info {
    const char *dir, *name;
    enum folder_kind kind;
    const char *topic;              /* NULL: none */
    int32_t partition;
    const char *note;               /* "" */
};
const char *folder_kind_name(enum folder_kind kind);
size_t cluster_inspect_folder_count(const struct cluster *cluster);
struct folder_info cluster_inspect_folder(const struct cluster *cluster, size_t i);
