/* Errors: Kafka's codes (see err.def for number, name and the words that Kafka's clients print), and the reason why. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum err {
#define ERR(code, name, retriable, refresh, exception, message) ERR_##name = (code),
#include "sim/base/err.def"
#undef ERR
    ERR_OK = 0,
};

/* Why something failed, in a sentence for a person; kept by the caller, on its stack. */
struct reason {
    char text[512];
};

/* Writes the reason (if anybody will read it: `reason` may be NULL) and returns `err`. */
enum err err_because(enum err err, struct reason *reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

const char *err_name(enum err err);      /* "TOPIC_ALREADY_EXISTS"; "UNKNOWN_SERVER_ERROR" for a number that is none */
const char *err_exception(enum err err); /* "org.apache.kafka.common.errors.TopicExistsException"; NULL for NONE */
const char *err_message(enum err err);   /* the client library's default sentence */
bool err_retriable(enum err err);        /* the client may send the same request again */
bool err_refreshes(enum err err);        /* and asks for metadata first */
bool err_known(int code);
