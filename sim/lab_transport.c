/* One transport for both kinds of address: this lab's brokers in process, all else over TCP. */
#include "sim/lab_internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

struct both {
    struct transport transport; /* first */
    struct lab *lab;
    struct transport *local, *tcp;
};

static struct transport *outside(struct both *both)
{
    if (!both->tcp)
        both->tcp = transport_tcp(both->lab->loop, both->lab->wall_outside);
    return both->tcp;
}

static struct channel *both_open(struct transport *transport, const char *host, int32_t port, void (*opened)(void *, enum err), void *context)
{
    struct both *both = (struct both *)transport;
    struct transport *to = both->local;

    if (both->lab->inspects) /* a look at folders: whatever the address, nobody is called */
        port = lab_port(both->lab, 0), host = "localhost";
    else if (!transport_local_knows(both->lab->wire, host, port) && both->lab->loop)
        to = outside(both);
    return to->open(to, host, port, opened, context); /* the channel knows its own transport from here on */
}

/* A name of this lab's brokers needs no name service; it stands for this machine. */
static bool both_resolve(struct transport *transport, const char *host, char *address, size_t size)
{
    struct both *both = (struct both *)transport;

    if (both->lab->inspects || transport_local_knows(both->lab->wire, host, lab_port(both->lab, 0))) {
        snprintf(address, size, "%s", inet_pton(AF_INET, host, &(struct in_addr){ 0 }) == 1 || strchr(host, ':') ? host : "127.0.0.1");
        return true;
    }
    if (!both->lab->loop)
        return false;
    return outside(both)->resolve(outside(both), host, address, size);
}

static void both_free(struct transport *transport)
{
    struct both *both = (struct both *)transport;

    transport_free(both->local);
    if (both->tcp)
        transport_free(both->tcp);
    mem_free(both);
}

struct transport *lab_transport(struct lab *lab, const char *client_host)
{
    struct both *both = mem_zero(sizeof(*both));

    both->transport = (struct transport){ .open = both_open, .free = both_free, .resolve = both_resolve, .timers = &lab->timers };
    both->lab = lab;
    both->local = transport_local(lab->wire, &lab->timers, client_host);
    return &both->transport;
}
