/* ApiVersions: its bytes and what the broker does with it. */
#include "sim/wire/api/18_api_versions.h"

static const struct field api_versions_request_fields[] = {
    FIELD(api_versions_request, client_software_name, T_STRING, 3, NEWEST),
    FIELD(api_versions_request, client_software_version, T_STRING, 3, NEWEST),
    { 0 },
};

const struct message api_versions_request_message = {
    .name = "ApiVersionsRequest",
    .first = 0,
    .last = 4,
    .flexible_since = 3,
    .fields = api_versions_request_fields,
    .size = sizeof(struct api_versions_request),
};

static const struct field api_versions_response_api_fields[] = {
    FIELD(api_versions_response_api, api_key, T_INT16, 0, NEWEST),
    FIELD(api_versions_response_api, min_version, T_INT16, 0, NEWEST),
    FIELD(api_versions_response_api, max_version, T_INT16, 0, NEWEST),
    { 0 },
};

static const struct field api_versions_response_supported_feature_fields[] = {
    FIELD(api_versions_response_supported_feature, name, T_STRING, 3, NEWEST),
    FIELD(api_versions_response_supported_feature, min_version, T_INT16, 3, NEWEST),
    FIELD(api_versions_response_supported_feature, max_version, T_INT16, 3, NEWEST),
    { 0 },
};

static const struct field api_versions_response_finalized_feature_fields[] = {
    FIELD(api_versions_response_finalized_feature, name, T_STRING, 3, NEWEST),
    FIELD(api_versions_response_finalized_feature, max_version_level, T_INT16, 3, NEWEST),
    FIELD(api_versions_response_finalized_feature, min_version_level, T_INT16, 3, NEWEST),
    { 0 },
};

static const struct field api_versions_response_fields[] = {
    FIELD(api_versions_response, error_code, T_INT16, 0, NEWEST),
    FIELD_STRUCTS(api_versions_response, api_keys, api_versions_response_api, 0, NEWEST),
    FIELD(api_versions_response, throttle_time_ms, T_INT32, 1, NEWEST),
    FIELD_STRUCTS(api_versions_response, supported_features,
                  api_versions_response_supported_feature, 3, NEWEST, .tag = 0, .tag_since = 3),
    FIELD(api_versions_response, finalized_features_epoch, T_INT64, 3, NEWEST, .tag = 1,
          .tag_since = 3, .preset = -1),
    FIELD_STRUCTS(api_versions_response, finalized_features,
                  api_versions_response_finalized_feature, 3, NEWEST, .tag = 2, .tag_since = 3),
    FIELD(api_versions_response, zk_migration_ready, T_BOOL, 3, NEWEST, .tag = 3, .tag_since = 3),
    { 0 },
};

const struct message api_versions_response_message = {
    .name = "ApiVersionsResponse",
    .first = 0,
    .last = 4,
    .flexible_since = 3,
    .fields = api_versions_response_fields,
    .size = sizeof(struct api_versions_response),
};
