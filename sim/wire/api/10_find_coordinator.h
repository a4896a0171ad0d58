/* FindCoordinator (10): which broker coordinates a group or a transactional id. */
#pragma once
#include "sim/base/fields.h"

/* One key up to version 3, several of one type from 4. */
struct find_coordinator_request {
    const char *key;                         /* to version 3 */
    int8_t key_type;                         /* 0 group, 1 transaction, 2 share; from version 1 */
    ARRAY_OF(const char *) coordinator_keys; /* from version 4 */
};

extern const struct message find_coordinator_request_message;

struct find_coordinator_response_coordinator {
    const char *key;
    int32_t node_id;
    const char *host;
    int32_t port;
    int16_t error_code;
    const char *error_message;
};

/* From version 4 one coordinator for each key. */
struct find_coordinator_response {
    int32_t throttle_time_ms;                                            /* from version 1 */
    int16_t error_code;                                                  /* to version 3 */
    const char *error_message;                                           /* versions 1 to 3 */
    int32_t node_id;                                                     /* to version 3 */
    const char *host;                                                    /* to version 3 */
    int32_t port;                                                        /* to version 3 */
    ARRAY_OF(struct find_coordinator_response_coordinator) coordinators; /* from version 4 */
};

extern const struct message find_coordinator_response_message;
