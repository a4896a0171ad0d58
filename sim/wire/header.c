/* Headers of requests and responses. */
#include "sim/wire/header.h"

#include "sim/wire/api/18_api_versions.h"

static const struct field request_header_fields[] = {
    FIELD(request_header, request_api_key, T_INT16, 0, NEWEST),
    FIELD(request_header, request_api_version, T_INT16, 0, NEWEST),
    FIELD(request_header, correlation_id, T_INT32, 0, NEWEST),
    /* A broker reads it before it knows whether it understands the rest, so it never went compact. */
    FIELD(request_header, client_id, T_STRING, 1, NEWEST, .null_since = 1, .plain = true),
    { 0 },
};

const struct message request_header_message = {
    .name = "RequestHeader",
    .first = 0,
    .last = 2,
    .flexible_since = 2,
    .fields = request_header_fields,
    .size = sizeof(struct request_header),
};

static const struct field response_header_fields[] = {
    FIELD(response_header, correlation_id, T_INT32, 0, NEWEST),
    { 0 },
};

const struct message response_header_message = {
    .name = "ResponseHeader",
    .first = 0,
    .last = 1,
    .flexible_since = 1,
    .fields = response_header_fields,
    .size = sizeof(struct response_header),
};

int16_t request_header_version(const struct message *request, int16_t api_version)
{
    return api_version >= request->flexible_since ? 2 : 1;
}

int16_t response_header_version(const struct message *response, int16_t api_version)
{
    if (response == &api_versions_response_message)
        return 0;
    return api_version >= response->flexible_since ? 1 : 0;
}

bool request_header_peek(struct bytes request, int16_t *api_key, int16_t *api_version)
{
    struct reader reader = reader_of(request);

    *api_key = reader_i16(&reader);
    *api_version = reader_i16(&reader);
    return !reader.failed;
}

enum err request_header_decode(int16_t header_version, struct reader *reader, struct arena *arena,
                               struct request_header *out, struct reason *reason)
{
    return fields_decode(&request_header_message, header_version, reader, arena, out, reason);
}

enum err request_header_encode(int16_t header_version, const struct request_header *header, struct frame *frame,
                               struct reason *reason)
{
    return fields_encode(&request_header_message, header_version, header, frame, reason);
}

enum err response_header_decode(int16_t header_version, struct reader *reader, struct response_header *out,
                                struct reason *reason)
{
    struct arena arena;
    enum err err;

    arena_init(&arena); /* stays empty: the header has nothing that needs memory */
    err = fields_decode(&response_header_message, header_version, reader, &arena, out, reason);
    arena_done(&arena);
    return err;
}

void response_header_encode(int16_t header_version, int32_t correlation_id, struct frame *frame)
{
    struct response_header header = { correlation_id };

    fields_encode(&response_header_message, header_version, &header, frame, NULL); /* can't fail: no strings */
}
