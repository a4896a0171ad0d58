/* A small HTTP server: one page, a few visitors at once, each soon done with. */
#include "sim/net/exporter.h"

#include <netinet/in.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "sim/cluster/metrics.h"
#include "sim/net/port_owner.h"

enum { MOST_VISITORS = 16, MOST_REQUEST_BYTES = 8192, PATIENCE_MS = 10000 };

struct exporter {
    uv_tcp_t listener;             /* first */
    struct cluster *cluster;       /* NULL: closed */
    int32_t port;
    struct visitor *visitors;
    int visitor_count;
};

struct visitor {
    uv_tcp_t tcp;                  /* first */
    uv_timer_t patience;
    uv_write_t write;
    struct exporter *exporter;     /* NULL: the exporter has gone */
    struct visitor *next;
    char request[MOST_REQUEST_BYTES];
    size_t size;
    struct text answer;
    int handles;
    bool closing;
};

static void closed(uv_handle_t *handle)
{
    struct visitor *visitor = handle->data;

    if (--visitor->handles)
        return;
    text_done(&visitor->answer);
    mem_free(visitor);
}

static void leave(struct visitor *visitor)
{
    if (visitor->closing)
        return;
    visitor->closing = true;
    for (struct visitor **at = visitor->exporter ? &visitor->exporter->visitors : NULL; at && *at; at = &(*at)->next)
        if (*at == visitor) {
            *at = visitor->next;
            visitor->exporter->visitor_count--;
            break;
        }
    uv_close((uv_handle_t *)&visitor->tcp, closed);
    uv_close((uv_handle_t *)&visitor->patience, closed);
}

static void impatient(uv_timer_t *timer)
{
    leave(timer->data);
}

static void written(uv_write_t *write, int status)
{
    (void)status;
    leave(write->data);
}

static void answer(struct visitor *visitor)
{
    const char *request = visitor->request;
    bool head = !strncmp(request, "HEAD ", 5), get = head || !strncmp(request, "GET ", 4);
    const char *path = get ? strchr(request, ' ') + 1 : "";
    size_t size = strcspn(path, " ?\r\n");
    const char *status = "200 OK", *type = "text/plain; version=0.0.4; charset=utf-8";
    struct text body = { 0 };
    uv_buf_t buffer;

    if (!get) {
        status = "405 Method Not Allowed";
        text_add(&body, "GET /metrics is all that is asked here\n");
    } else if (size == 8 && !strncmp(path, "/metrics", 8)) {
        cluster_metrics_prometheus(visitor->exporter->cluster, &body);
    } else if (size == 1) {
        type = "text/html; charset=utf-8";
        text_add(&body, "<html><body>Kafkarium: <a href=\"/metrics\">/metrics</a></body></html>\n");
    } else {
        status = "404 Not Found";
        text_add(&body, "the metrics are at /metrics\n");
    }
    text_printf(&visitor->answer, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n%s", status, type, body.size,
                get ? "" : "Allow: GET, HEAD\r\n", head ? "" : text_chars(&body));
    text_done(&body);
    buffer = uv_buf_init(visitor->answer.data, (unsigned)visitor->answer.size);
    visitor->write.data = visitor;
    uv_read_stop((uv_stream_t *)&visitor->tcp);
    if (uv_write(&visitor->write, (uv_stream_t *)&visitor->tcp, &buffer, 1, written))
        leave(visitor);
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct visitor *visitor = handle->data;

    (void)suggested;
    *buffer = uv_buf_init(visitor->request + visitor->size, (unsigned)(MOST_REQUEST_BYTES - 1 - visitor->size));
}

static void read_some(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    struct visitor *visitor = stream->data;

    (void)buffer;
    if (got < 0) { /* gone, or more than a request may be */
        leave(visitor);
        return;
    }
    visitor->size += (size_t)got;
    visitor->request[visitor->size] = 0;
    if (memchr(visitor->request, 0, visitor->size))
        leave(visitor);
    else if (strstr(visitor->request, "\r\n\r\n") || strstr(visitor->request, "\n\n"))
        answer(visitor);
}

static void knock(uv_stream_t *listener, int status)
{
    struct exporter *exporter = (struct exporter *)listener;
    struct visitor *visitor;

    if (status < 0)
        return;
    visitor = mem_zero(sizeof(*visitor));
    uv_tcp_init(listener->loop, &visitor->tcp);
    uv_timer_init(listener->loop, &visitor->patience);
    visitor->tcp.data = visitor->patience.data = visitor;
    visitor->handles = 2;
    if (uv_accept(listener, (uv_stream_t *)&visitor->tcp) || exporter->visitor_count >= MOST_VISITORS) {
        leave(visitor);
        return;
    }
    visitor->exporter = exporter;
    visitor->next = exporter->visitors;
    exporter->visitors = visitor;
    exporter->visitor_count++;
    uv_timer_start(&visitor->patience, impatient, PATIENCE_MS, 0);
    if (uv_read_start((uv_stream_t *)&visitor->tcp, give_room, read_some))
        leave(visitor);
}

static void freed(uv_handle_t *handle)
{
    mem_free(handle);
}

enum err exporter_open(struct exporter **out, uv_loop_t *loop, struct cluster *cluster, const char *address, int32_t port, struct reason *reason)
{
    struct exporter *exporter = mem_zero(sizeof(*exporter));
    struct sockaddr_storage where;
    int size = sizeof(where), failed;
    char owner[128];

    *out = NULL;
    if (!address)
        address = "127.0.0.1";
    uv_tcp_init(loop, &exporter->listener);
    failed = strchr(address, ':') ? uv_ip6_addr(address, port, (struct sockaddr_in6 *)&where) : uv_ip4_addr(address, port, (struct sockaddr_in *)&where);
    if (!failed)
        failed = uv_tcp_bind(&exporter->listener, (struct sockaddr *)&where, 0);
    if (!failed)
        failed = uv_listen((uv_stream_t *)&exporter->listener, MOST_VISITORS, knock);
    if (!failed)
        failed = uv_tcp_getsockname(&exporter->listener, (struct sockaddr *)&where, &size);
    if (failed) {
        uv_close((uv_handle_t *)&exporter->listener, freed);
        if (failed == UV_EADDRINUSE && port_owner(port, owner, sizeof(owner)))
            return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "port %d for metrics is in use by %s: choose another with --metrics", port, owner);
        return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "port %d for metrics can't be listened on at %s: %s", port, address, uv_strerror(failed));
    }
    exporter->port = ntohs(((struct sockaddr_in *)&where)->sin_port); /* lies at the same place in both families */
    exporter->cluster = cluster;
    uv_unref((uv_handle_t *)&exporter->listener);
    *out = exporter;
    return ERR_OK;
}

int32_t exporter_port(const struct exporter *exporter)
{
    return exporter->port;
}

void exporter_close(struct exporter *exporter)
{
    if (!exporter)
        return;
    while (exporter->visitors) {
        struct visitor *visitor = exporter->visitors;

        leave(visitor);
        visitor->exporter = NULL;
    }
    uv_close((uv_handle_t *)&exporter->listener, freed);
}
