/* ApiVersions (18): which versions of which APIs the broker takes. The first thing a client sends. */
#pragma once
#include "sim/base/fields.h"

struct api_versions_request {
    const char *client_software_name;    /* from version 3 */
    const char *client_software_version; /* from version 3 */
};

extern const struct message api_versions_request_message;

struct api_versions_response_api {
    int16_t api_key;
    int16_t min_version;
    int16_t max_version;
};

struct api_versions_response_supported_feature {
    const char *name;
    int16_t min_version;
    int16_t max_version;
};

struct api_versions_response_finalized_feature {
    const char *name;
    int16_t max_version_level;
    int16_t min_version_level;
};

/* A version that the broker has not is answered in version 0, with UNSUPPORTED_VERSION and what it has. */
struct api_versions_response {
    int16_t error_code;
    ARRAY_OF(struct api_versions_response_api) api_keys;
    int32_t throttle_time_ms;                                                    /* from version 1 */
    ARRAY_OF(struct api_versions_response_supported_feature) supported_features; /* from version 3, tagged */
    int64_t finalized_features_epoch;                                            /* from version 3, tagged */
    ARRAY_OF(struct api_versions_response_finalized_feature) finalized_features; /* from version 3, tagged */
    bool zk_migration_ready;                                                     /* from version 3, tagged */
};

extern const struct message api_versions_response_message;
