/* Requests that order something of the controller: they are answered once this broker's image shows it, so that the client's next
 * question finds it. */
#pragma once
#include "sim/wire/wire.h"

/* Waits for the metadata offset and replies; `then` (may be NULL) fills in what is known only afterwards. REPLY_NOW if there is nothing to wait for
 * (offset < 0). The handler returns what this returns; its cancel_ function is order_cancel(). */
enum reply order_reply(struct request *request, int64_t offset, void (*then)(struct request *request));
void order_cancel(struct request *request);
/* 2.7: only the controller takes orders about topics. */
bool order_is_misplaced(const struct request *request);
/* The error's text in the request's arena; NULL for success or an empty reason. */
const char *order_message(struct request *request, enum err err, const struct reason *reason);
