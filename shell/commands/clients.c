/* clients: who is connected, by address. */
#include "shell/commands/simulated.h"
#include "shell/listing.h"

static int run(struct call *call)
{
    struct lab *lab = call_lab(call);
    const char *names[] = { "connection", "address", "client_id", "software", "broker", "requests", "bytes_in", "bytes_out", "waiting_in" };
    struct listing *rows;
    size_t shown = 0;

    if (call->argc == 3 && text_equal(call->argv[1], "kick")) {
        int64_t number;

        if (!parse_i64(call->argv[2], &number) || !lab_net(lab) || !net_kick(lab_net(lab), number)) {
            call_error(call, "clients: there is no connection %s; clients lists them\n", call->argv[2]);
            return 1;
        }
        call_print(call, "Connection %lld was closed.\n", (long long)number);
        return 0;
    }
    if (call->argc > 1) {
        call_error(call, "clients: it is clients, or clients kick N\n");
        return 1;
    }
    rows = listing_new(call, 9, names);
    for (size_t i = 0; i < wire_connection_count(lab_wire(lab)); i++) {
        struct connection_info info;
        char *address, *software;

        wire_connection_get(lab_wire(lab), i, &info);
        if (!info.network)
            continue;
        address = mem_printf("%s:%d", info.client_host, info.client_port);
        software = mem_printf("%s%s%s", info.software_name, *info.software_version ? " " : "", info.software_version);
        listing_add(rows, (struct value[]){ value_int(info.number), value_text(address), value_text(info.client_id), value_text(software), value_int(info.broker),
                                         value_int((int64_t)info.requests), value_int((int64_t)info.bytes_in), value_int((int64_t)info.bytes_out),
                                         value_text(info.waiting_in ? info.waiting_in : "") });
        mem_free(address);
        mem_free(software);
        shown++;
    }
    if (shown || call->session->mode != PRINT_TABLE || !simulated_count(lab_simulated(lab)))
        listing_print(rows);
    else
        listing_free(rows);
    if (call->session->mode != PRINT_TABLE) /* one table a command: sql "SELECT * FROM clients" gives the others */
        return 0;
    if (simulated_list(call, SIMULATED_PRODUCER, true) + simulated_list(call, SIMULATED_CONSUMER, true))
        return 0;
    if (!shown && call->session->mode == PRINT_TABLE)
        call_print(call, "No client is connected%s\n", lab_net(lab) ? "." : ": this lab does not listen.");
    return 0;
}

const struct command command_clients = {
    .name = "clients", .summary = "who is connected, by address, and simulated clients", .usage = "clients [kick N]", .example = "clients", .words = "kick", .needs_lab = true, .past = "", .run = run,
};
