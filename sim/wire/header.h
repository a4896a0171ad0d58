/* What stands before every request and response. Which version of the header it is follows from the API and the version of
 * the message behind it: 2 (requests) and 1 (responses) bring tagged fields and go with flexible messages. */
#pragma once
#include "sim/base/fields.h"

struct request_header {
    int16_t request_api_key;
    int16_t request_api_version;
    int32_t correlation_id;  /* comes back in the response */
    const char *client_id;   /* may be NULL; from header version 1 */
};

struct response_header {
    int32_t correlation_id;
};

extern const struct message request_header_message;
extern const struct message response_header_message;

/* `request` and `response` are the API's messages. A version beyond those described counts as the newest does, so that an
 * ApiVersions request of the future can be answered. */
int16_t request_header_version(const struct message *request, int16_t api_version);
/* ApiVersions is always answered with version 0: the client doesn't know yet what the broker speaks (KIP-511). */
int16_t response_header_version(const struct message *response, int16_t api_version);

/* Reads the API and version that any request starts with, taking nothing from it. False if there aren't that many bytes. */
bool request_header_peek(struct bytes request, int16_t *api_key, int16_t *api_version);

enum err request_header_decode(int16_t header_version, struct reader *reader, struct arena *arena,
                               struct request_header *out, struct reason *reason);
enum err request_header_encode(int16_t header_version, const struct request_header *header, struct frame *frame,
                               struct reason *reason);
enum err response_header_decode(int16_t header_version, struct reader *reader, struct response_header *out,
                                struct reason *reason);
void response_header_encode(int16_t header_version, int32_t correlation_id, struct frame *frame);
