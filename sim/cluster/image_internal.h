/* How the image changes: record by record. Inside of cluster. */
#pragma once
#include "sim/cluster/image.h"
#include "sim/cluster/metadata.h"

struct image *image_new(void);
void image_free(struct image *image);
struct image *image_copy(const struct image *from);
/* What does not concern the image is only counted as seen. A record about something unknown is an error of ours or a damaged log. */
enum err image_apply(struct image *image, const struct metadata_record *record, int64_t offset, struct reason *reason);
void image_set_offset(struct image *image, int64_t offset);
void image_set_cluster_id(struct image *image, const char *cluster_id);
void image_set_controller(struct image *image, int32_t broker_id);
int64_t image_next_producer_id(const struct image *image);
struct image_topic *image_topic_mutable(struct image *image, struct uuid id);
enum config_scope image_scope_of_resource(int resource_type);
int image_resource_of_scope(enum config_scope scope);
