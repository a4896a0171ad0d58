/* ApiVersions: its bytes and what the broker does with it. */
#include "sim/wire/api/18_api_versions.h"

#include <ctype.h>
#include <string.h>

#include "sim/wire/wire_internal.h"

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

/* ---- what the broker does ---- */

/* Features of 4.3 at its newest metadata.version: every level that can be is finalized at its highest. */
static const struct {
    const char *name;
    int16_t first, last;
    bool finalized;
} features[] = {
    { "group.version", 0, 1, true },       { "kraft.version", 0, 1, false },
    { "metadata.version", 7, 30, true },   { "share.version", 0, 1, true },
    { "streams.version", 0, 1, true },     { "transaction.version", 0, 2, true },
    { "eligible.leader.replicas.version", 0, 1, true },
};
enum { FEATURES = sizeof(features) / sizeof(*features) };

/* KIP-511: a letter or digit at both ends, '.' and '-' between them too. */
static bool is_software_name(const char *text)
{
    size_t size = strlen(text);

    for (size_t i = 0; i < size; i++) {
        bool inner = i > 0 && i < size - 1;

        if (!isalnum((unsigned char)text[i]) && !(inner && (text[i] == '.' || text[i] == '-')))
            return false;
    }
    return size > 0;
}

static void add_features(struct request *request, struct api_versions_response *answer)
{
    int32_t supported = 0, finalized = 0;

    if (release_is_27(cluster_release(request->cluster))) {
        answer->finalized_features_epoch = 0; /* the version of an empty /feature in ZooKeeper */
        return;
    }
    REPLY_ARRAY(request, answer->supported_features, FEATURES);
    REPLY_ARRAY(request, answer->finalized_features, FEATURES);
    for (int i = 0; i < FEATURES; i++) {
        if (request->version >= 4 || features[i].first > 0) /* version 3 can't say 0: KAFKA-17011 */
            answer->supported_features.items[supported++] =
                (struct api_versions_response_supported_feature){ features[i].name, features[i].first, features[i].last };
        if (features[i].finalized)
            answer->finalized_features.items[finalized++] =
                (struct api_versions_response_finalized_feature){ features[i].name, features[i].last, features[i].last };
    }
    answer->supported_features.count = supported;
    answer->finalized_features.count = finalized;
    answer->finalized_features_epoch = image_offset(broker_image(request->broker));
}

static void add_api(struct request *request, struct api_versions_response *answer, const struct api *api)
{
    int16_t first, last;

    if (!api_range(api, cluster_release(request->cluster), &first, &last))
        return;
    answer->api_keys.items[answer->api_keys.count++] = (struct api_versions_response_api){ api->key, first, last };
}

enum reply handle_api_versions(struct request *request)
{
    const struct api_versions_request *in = request->in;
    struct api_versions_response *answer = request->out;

    if (request->version >= 3 && (!is_software_name(in->client_software_name) || !is_software_name(in->client_software_version))) {
        answer->error_code = ERR_INVALID_REQUEST;
        return REPLY_NOW;
    }
    if (request->version >= 3)
        request_set_software(request, in->client_software_name, in->client_software_version);
    REPLY_ARRAY(request, answer->api_keys, api_count());
    answer->api_keys.count = 0;
    for (size_t i = 0; i < api_count(); i++)
        add_api(request, answer, api_at(i));
    if (request->version >= 3)
        add_features(request, answer);
    return REPLY_NOW;
}

void api_versions_refuse_version(struct request *request)
{
    struct api_versions_response *answer = request->out;

    answer->error_code = ERR_UNSUPPORTED_VERSION;
    REPLY_ARRAY(request, answer->api_keys, 1);
    answer->api_keys.count = 0;
    add_api(request, answer, request->api);
}
