/* The tables apis, connections and requests. */
#include "sim/wire/faults.h"
#include "sim/wire/wire_internal.h"

struct cursor {
    const struct wire *wire;
    int64_t at; /* row, from 0; before the first: -1 */
    struct connection_info info;
};

static struct cursor *cursor_new(void *context)
{
    struct cursor *cursor = mem_zero(sizeof(*cursor));

    cursor->wire = context;
    cursor->at = -1;
    return cursor;
}

static void *open_cursor(void *context, const struct constraint *constraints, size_t count)
{
    (void)constraints, (void)count;
    return cursor_new(context);
}

/* ---- apis ---- */

enum { API_KEY, API_NAME, API_FIRST, API_LAST, API_TAKEN_FROM, API_FIRST_27, API_LAST_27, API_FIRST_43, API_LAST_43, API_FLEXIBLE };

static const struct column api_columns[] = {
    [API_KEY] = { "api_key", VALUE_INT, "number in the protocol" },
    [API_NAME] = { "name", VALUE_TEXT, "Kafka's name" },
    [API_FIRST] = { "min_version", VALUE_INT, "first version that ApiVersions tells of" },
    [API_LAST] = { "max_version", VALUE_INT, "last version" },
    [API_TAKEN_FROM] = { "accepted_from", VALUE_INT, "first version that is really taken" },
    [API_FIRST_27] = { "min_version_27", VALUE_INT, "what Apache Kafka 2.7 says; NULL: it has not the API" },
    [API_LAST_27] = { "max_version_27", VALUE_INT, "" },
    [API_FIRST_43] = { "min_version_43", VALUE_INT, "what Apache Kafka 4.3 says" },
    [API_LAST_43] = { "max_version_43", VALUE_INT, "" },
    [API_FLEXIBLE] = { "flexible_from", VALUE_INT, "first version with compact lengths and tagged fields" },
    { 0 },
};

static bool next_api(void *at)
{
    struct cursor *cursor = at;
    int16_t first, last;

    do {
        if ((size_t)++cursor->at >= api_count())
            return false;
    } while (!api_range(api_at((size_t)cursor->at), cursor->wire->release, &first, &last));
    return true;
}

static int16_t accepted_from(const struct api *api, enum release release, int16_t last)
{
    int16_t version = 0;

    while (version < last && !api_accepts(api, release, version))
        version++;
    return version;
}

static struct value version_value(int16_t version)
{
    return version < 0 ? value_null() : value_int(version);
}

static struct value get_api(void *at, int column)
{
    struct cursor *cursor = at;
    const struct api *api = api_at((size_t)cursor->at);
    int16_t first, last;

    api_range(api, cursor->wire->release, &first, &last);
    switch (column) {
    case API_KEY: return value_int(api->key);
    case API_NAME: return value_text(api->name);
    case API_FIRST: return value_int(first);
    case API_LAST: return value_int(last);
    case API_TAKEN_FROM: return value_int(accepted_from(api, cursor->wire->release, last));
    case API_FIRST_27: return version_value(api->first_27);
    case API_LAST_27: return version_value(api->last_27);
    case API_FIRST_43: return version_value(api->first_43);
    case API_LAST_43: return version_value(api->last_43);
    default: return api->request->flexible_since == NEWEST ? value_null() : value_int(api->request->flexible_since);
    }
}

static const struct table api_table = {
    .name = "apis", .doc = "requests that the brokers answer, and in which versions", .columns = api_columns,
    .open = open_cursor, .next = next_api, .get = get_api, .close = mem_free,
};

/* ---- connections ---- */

enum {
    CONNECTION_NUMBER, CONNECTION_BROKER, CONNECTION_HOST, CONNECTION_PORT, CONNECTION_CLIENT, CONNECTION_SOFTWARE, CONNECTION_VERSION,
    CONNECTION_NETWORK, CONNECTION_REQUESTS, CONNECTION_IN, CONNECTION_OUT, CONNECTION_WAITING, CONNECTION_SINCE, CONNECTION_LAST
};

static const struct column connection_columns[] = {
    [CONNECTION_NUMBER] = { "connection", VALUE_INT, "number, in order of opening" },
    [CONNECTION_BROKER] = { "broker", VALUE_INT, "broker that it leads to" },
    [CONNECTION_HOST] = { "client_host", VALUE_TEXT, "address of the client" },
    [CONNECTION_PORT] = { "client_port", VALUE_INT, "" },
    [CONNECTION_CLIENT] = { "client_id", VALUE_TEXT, "client.id of its last request" },
    [CONNECTION_SOFTWARE] = { "software", VALUE_TEXT, "name of its library, if it told" },
    [CONNECTION_VERSION] = { "software_version", VALUE_TEXT, "" },
    [CONNECTION_NETWORK] = { "network", VALUE_INT, "1: a real client; 0: of this process" },
    [CONNECTION_REQUESTS] = { "requests", VALUE_INT, "requests so far" },
    [CONNECTION_IN] = { "bytes_in", VALUE_INT, "" },
    [CONNECTION_OUT] = { "bytes_out", VALUE_INT, "" },
    [CONNECTION_WAITING] = { "waiting_in", VALUE_TEXT, "request that waits for its answer; NULL: none" },
    [CONNECTION_SINCE] = { "since_us", VALUE_INT, "virtual time of its opening" },
    [CONNECTION_LAST] = { "last_us", VALUE_INT, "and of its last request or answer" },
    { 0 },
};

static bool next_connection(void *at)
{
    struct cursor *cursor = at;

    if ((size_t)++cursor->at >= wire_connection_count(cursor->wire))
        return false;
    wire_connection_get(cursor->wire, (size_t)cursor->at, &cursor->info);
    return true;
}

static struct value get_connection(void *at, int column)
{
    const struct connection_info *info = &((struct cursor *)at)->info;

    switch (column) {
    case CONNECTION_NUMBER: return value_int(info->number);
    case CONNECTION_BROKER: return value_int(info->broker);
    case CONNECTION_HOST: return value_text(info->client_host);
    case CONNECTION_PORT: return value_int(info->client_port);
    case CONNECTION_CLIENT: return value_text(info->client_id);
    case CONNECTION_SOFTWARE: return value_text(info->software_name);
    case CONNECTION_VERSION: return value_text(info->software_version);
    case CONNECTION_NETWORK: return value_int(info->network);
    case CONNECTION_REQUESTS: return value_int((int64_t)info->requests);
    case CONNECTION_IN: return value_int((int64_t)info->bytes_in);
    case CONNECTION_OUT: return value_int((int64_t)info->bytes_out);
    case CONNECTION_WAITING: return value_text(info->waiting_in);
    case CONNECTION_SINCE: return value_int(info->since_us);
    default: return value_int(info->last_us);
    }
}

static const struct table connection_table = {
    .name = "connections", .doc = "clients that are connected", .columns = connection_columns,
    .open = open_cursor, .next = next_connection, .get = get_connection, .close = mem_free,
};

/* ---- requests ---- */

enum {
    REQUEST_NUMBER, REQUEST_BEGAN, REQUEST_TOOK, REQUEST_CONNECTION, REQUEST_BROKER, REQUEST_CLIENT, REQUEST_API, REQUEST_VERSION,
    REQUEST_CORRELATION, REQUEST_IN, REQUEST_OUT, REQUEST_ERROR
};

static const struct column request_columns[] = {
    [REQUEST_NUMBER] = { "request", VALUE_INT, "number, in order of answering" },
    [REQUEST_BEGAN] = { "at_us", VALUE_INT, "virtual time at which it came in" },
    [REQUEST_TOOK] = { "took_us", VALUE_INT, "virtual time until the answer" },
    [REQUEST_CONNECTION] = { "connection", VALUE_INT, "" },
    [REQUEST_BROKER] = { "broker", VALUE_INT, "" },
    [REQUEST_CLIENT] = { "client_id", VALUE_TEXT, "first 31 bytes of client.id" },
    [REQUEST_API] = { "api", VALUE_TEXT, "" },
    [REQUEST_VERSION] = { "version", VALUE_INT, "" },
    [REQUEST_CORRELATION] = { "correlation_id", VALUE_INT, "" },
    [REQUEST_IN] = { "bytes_in", VALUE_INT, "without the length prefix" },
    [REQUEST_OUT] = { "bytes_out", VALUE_INT, "0: it wanted no answer" },
    [REQUEST_ERROR] = { "error", VALUE_TEXT, "first error in the answer; NULL: none" },
    { 0 },
};

static bool next_request(void *at)
{
    struct cursor *cursor = at;
    int64_t count = cursor->wire->request_count;

    if (cursor->at < 0 && count > RECENT_REQUESTS)
        cursor->at = count - RECENT_REQUESTS - 1;
    return ++cursor->at < count;
}

static struct value get_request(void *at, int column)
{
    const struct cursor *cursor = at;
    const struct recent *recent = &cursor->wire->recent[cursor->at % RECENT_REQUESTS];

    switch (column) {
    case REQUEST_NUMBER: return value_int(recent->number);
    case REQUEST_BEGAN: return value_int(recent->began_us);
    case REQUEST_TOOK: return value_int(recent->took_us);
    case REQUEST_CONNECTION: return value_int(recent->connection);
    case REQUEST_BROKER: return value_int(recent->broker);
    case REQUEST_CLIENT: return value_text(recent->client_id);
    case REQUEST_API: return value_text(recent->api->name);
    case REQUEST_VERSION: return value_int(recent->version);
    case REQUEST_CORRELATION: return value_int(recent->correlation_id);
    case REQUEST_IN: return value_int(recent->bytes_in);
    case REQUEST_OUT: return value_int((int64_t)recent->bytes_out);
    default: return recent->error ? value_text(err_name(recent->error)) : value_null();
    }
}

static const struct table request_table = {
    .name = "requests", .doc = "the latest requests", .columns = request_columns,
    .open = open_cursor, .next = next_request, .get = get_request, .close = mem_free,
};

void wire_register_tables(struct wire *wire, struct tables *tables)
{
    tables_add(tables, &api_table, wire);
    tables_add(tables, &connection_table, wire);
    tables_add(tables, &request_table, wire);
    tables_add(tables, &fault_table, wire);
}
