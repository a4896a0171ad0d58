/* clients: who is connected, by address. */
#include "shell/commands/simulated.h"
#include "shell/listing.h"

/* Of an address with or without its port, a client.id, or one by its number; false: it is another. */
static bool is_meant(const struct lab *lab, const struct connection_info *info, const char *word)
{
    char *address = mem_printf("%s:%d", info->client_host, info->client_port);
    const char *known_as = lab_client_name(lab, info->client_host);
    int64_t number;
    bool meant = text_equal(address, word) || text_equal(info->client_host, word) || text_equal(info->client_id, word) || text_equal(known_as, word) ||
                 (parse_i64(word, &number) && number == info->number);

    mem_free(address);
    return info->network && meant;
}

static int kick(struct call *call, const char *word)
{
    struct lab *lab = call_lab(call);
    int64_t *numbers = NULL;
    size_t count = 0, capacity = 0, closed = 0;

    for (size_t i = 0; lab_net(lab) && i < wire_connection_count(lab_wire(lab)); i++) {
        struct connection_info info;

        wire_connection_get(lab_wire(lab), i, &info);
        if (is_meant(lab, &info, word))
            ARRAY_ADD(numbers, count, capacity) = info.number;
    }
    for (size_t i = 0; i < count; i++)
        closed += net_kick(lab_net(lab), numbers[i]);
    mem_free(numbers);
    if (!closed) {
        call_error(call, "clients: no connection is meant by %s: a number, an address, a client.id or a name; clients lists them\n", word);
        return 1;
    }
    call_print(call, closed == 1 ? "%zu connection was closed.\n" : "%zu connections were closed.\n", closed);
    return 0;
}

static int name(struct call *call)
{
    struct text words = { 0 };

    for (int i = 3; i < call->argc; i++)
        text_printf(&words, "%s%s", i > 3 ? " " : "", call->argv[i]);
    lab_name_client(call_lab(call), call->argv[2], words.size ? text_chars(&words) : NULL);
    text_done(&words);
    return 0;
}

static int run(struct call *call)
{
    struct lab *lab = call_lab(call);
    const char *names[] = { "connection", "address", "name", "client_id", "software", "broker", "requests", "bytes_in", "bytes_out", "waiting_in" };
    struct listing *rows;
    size_t shown = 0;

    if (call->argc == 3 && text_equal(call->argv[1], "kick"))
        return kick(call, call->argv[2]);
    if (call->argc >= 3 && text_equal(call->argv[1], "name"))
        return name(call);
    if (call->argc > 1) {
        call_error(call, "clients: it is clients, clients kick N|ADDRESS|CLIENT-ID or clients name ADDRESS NAME\n");
        return 1;
    }
    rows = listing_new(call, 10, names);
    for (size_t i = 0; i < wire_connection_count(lab_wire(lab)); i++) {
        struct connection_info info;
        const char *known_as;
        char *address, *software;

        wire_connection_get(lab_wire(lab), i, &info);
        if (!info.network)
            continue;
        known_as = lab_client_name(lab, info.client_host);
        address = mem_printf("%s:%d", info.client_host, info.client_port);
        software = mem_printf("%s%s%s", info.software_name, *info.software_version ? " " : "", info.software_version);
        listing_add(rows, (struct value[]){ value_int(info.number), value_text(address), value_text(known_as ? known_as : ""), value_text(info.client_id), value_text(software), value_int(info.broker),
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
    .name = "clients", .summary = "who is connected, by address, and simulated clients", .usage = "clients [kick N|ADDRESS|CLIENT-ID|NAME | name ADDRESS NAME]",
    .details = N_("kick closes connections; most clients come again at once. name says who is at an address, without a port, for this sitting: clients name 10.0.0.7 Anna; without NAME it is forgotten."),
    .example = "clients", .words = "kick name", .needs_lab = true, .past = "", .run = run,
};
