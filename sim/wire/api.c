/* The table of APIs, from apis.def. */
#include "sim/wire/messages.h"
#include "sim/wire/wire_internal.h"

static const struct api apis[] = {
#define API(key_, name_, kafka_name, first27, last27, first43, last43, accept43)                          \
    { .key = key_, .name = kafka_name, .first_27 = first27, .last_27 = last27, .first_43 = first43,       \
      .last_43 = last43, .accept_43 = accept43, .request = &name_##_request_message,                      \
      .response = &name_##_response_message, .handle = handle_##name_, .cancel = cancel_##name_ },
#include "sim/wire/apis.def"
#undef API
};

size_t api_count(void)
{
    return sizeof(apis) / sizeof(*apis);
}

const struct api *api_at(size_t i)
{
    return i < api_count() ? &apis[i] : NULL;
}

const struct api *api_find(int16_t key)
{
    for (size_t i = 0; i < api_count(); i++)
        if (apis[i].key == key)
            return &apis[i];
    return NULL;
}

static bool range(const struct api *api, enum release release, int16_t from_43, int16_t *first, int16_t *last)
{
    bool in_27 = api->first_27 >= 0, in_43 = api->first_43 >= 0;

    if (release == RELEASE_27 ? !in_27 : release == RELEASE_43 ? !in_43 : !in_27 && !in_43)
        return false;
    *first = release == RELEASE_27 || !in_43 ? api->first_27 : from_43;
    *last = release == RELEASE_27 || !in_43 ? api->last_27 : api->last_43;
    if (release == RELEASE_ANY && in_27 && api->first_27 < *first)
        *first = api->first_27;
    if (release == RELEASE_ANY && in_27 && api->last_27 > *last)
        *last = api->last_27;
    return true;
}

bool api_range(const struct api *api, enum release release, int16_t *first, int16_t *last)
{
    return range(api, release, api->first_43, first, last);
}

bool api_accepts(const struct api *api, enum release release, int16_t version)
{
    int16_t first, last;

    return range(api, release, api->accept_43, &first, &last) && version >= first && version <= last;
}
