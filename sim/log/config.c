/* The settings of a log where nobody said otherwise. cluster's config table has the same values with their names. */
#include <stdint.h>

#include "sim/log/log.h"

void log_config_default(struct log_config *config, enum release release)
{
    *config = (struct log_config){
        .cleanup_delete = true,
        .retention_ms = 7LL * 24 * 3600 * 1000,
        .retention_bytes = -1,
        .segment_bytes = 1 << 30,
        .segment_index_bytes = 10 << 20,
        .index_interval_bytes = 4096,
        .max_message_bytes = 1048588,
        .segment_ms = 7LL * 24 * 3600 * 1000,
        .file_delete_delay_ms = 60000,
        .codec = CODEC_PRODUCER,
        .codec_level = INT32_MIN,
        .timestamp_before_max_ms = INT64_MAX,
        .timestamp_after_max_ms = release_is_27(release) ? INT64_MAX : 3600000,
        .magic = 2,
        .flush_messages = INT64_MAX,
        .flush_ms = INT64_MAX,
        .max_compaction_lag_ms = INT64_MAX,
        .delete_retention_ms = 24LL * 3600 * 1000,
        .min_cleanable_dirty_ratio = 0.5,
        .producer_id_expiration_ms = release_is_27(release) ? 7LL * 24 * 3600 * 1000 : 24LL * 3600 * 1000,
    };
}
