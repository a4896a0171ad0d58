/* Orders to the controller, and the wait for what they do. */
#include "sim/wire/order.h"

#include <string.h>

struct order {
    struct request *request;
    struct image_wait wait;
    void (*then)(struct request *request);
};

static void done(void *context)
{
    struct order *order = context;

    if (order->then)
        order->then(order->request);
    request_reply(order->request);
}

static void lost(void *context)
{
    struct order *order = context;

    request_again(order->request);
}

enum reply order_reply(struct request *request, int64_t offset, void (*then)(struct request *request))
{
    struct order *order;

    if (offset < 0) {
        if (then)
            then(request);
        return REPLY_NOW;
    }
    order = arena_alloc(&request->arena, sizeof(*order));
    *order = (struct order){ .request = request, .wait = { .done = done, .context = order, .lost = lost }, .then = then };
    request->state = order;
    broker_await_image(request->broker, &order->wait, offset);
    return REPLY_LATER;
}

void order_cancel(struct request *request)
{
    struct order *order = request->state;

    broker_forget_image_wait(request->broker, &order->wait);
}

bool order_is_misplaced(const struct request *request)
{
    return release_is_27(cluster_release(request->cluster)) &&
           (image_controller(broker_image(request->broker)) != request_client(request)->broker || broker_lost_controller(request->broker));
}

const char *order_message(struct request *request, enum err err, const struct reason *reason)
{
    if (!err || !*reason->text)
        return NULL;
    return arena_text(&request->arena, reason->text, strlen(reason->text));
}
