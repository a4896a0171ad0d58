/* Resources that have settings, by Kafka's numbers (ConfigResource.Type), and what alters them. */
#pragma once
#include "sim/wire/wire.h"

enum { RESOURCE_TOPIC = 2, RESOURCE_BROKER = 4, RESOURCE_BROKER_LOGGER = 8, RESOURCE_CLIENT_METRICS = 16, RESOURCE_GROUP = 32 };
const char *resource_type_name(int8_t type); /* "TOPIC"; "UNKNOWN" */

/* What a request wants of one resource, and what became of it. */
struct resource_order {
    int8_t type;
    const char *name;
    struct config_change *changes;
    size_t count;
    enum err err;
    const char *message;                     /* in the request's arena; NULL: none */
};
/* Alters them one by one, as far as each may be; `whole`: the changes are all that shall be set. The metadata offset to wait for, as order_reply()
 * takes it: -1 if there is nothing to wait for. */
int64_t resource_alter(struct request *request, struct resource_order *orders, size_t count, bool whole, bool validate_only);
