/* Resources that have settings, by Kafka's numbers (ConfigResource.Type), and what alters them. */
#pragma once
#include "sim/wire/wire.h"

enum { RESOURCE_TOPIC = 2, RESOURCE_BROKER = 4, RESOURCE_BROKER_LOGGER = 8, RESOURCE_CLIENT_METRICS = 16, RESOURCE_GROUP = 32 };
const char *resource_type_name(int8_t type); /* "TOPIC"; "UNKNOWN" */

enum err resource_alter(struct request *request, int8_t type, const char *name, const struct config_change *changes, size_t count, bool whole,
                        bool validate_only, int64_t *offset, struct reason *reason);
