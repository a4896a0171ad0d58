/* The tables apis, connections and requests. */
#include "sim/base/rows.h"
#include "sim/wire/faults.h"
#include "sim/wire/wire_internal.h"

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

static const struct table api_table;

static void *apis_open(void *context, const struct constraint *constraints, size_t count)
{
    enum release release = ((const struct wire *)context)->release;
    struct rows *rows = rows_new(&api_table);

    (void)constraints, (void)count;
    for (size_t i = 0; i < api_count(); i++) {
        const struct api *api = api_at(i);
        struct value *row;
        int16_t first, last;

        if (!api_range(api, release, &first, &last))
            continue;
        row = rows_add(rows);
        row[API_KEY] = value_int(api->key);
        row[API_NAME] = value_text(api->name);
        row[API_FIRST] = value_int(first);
        row[API_LAST] = value_int(last);
        row[API_TAKEN_FROM] = value_int(accepted_from(api, release, last));
        row[API_FIRST_27] = version_value(api->first_27);
        row[API_LAST_27] = version_value(api->last_27);
        row[API_FIRST_43] = version_value(api->first_43);
        row[API_LAST_43] = version_value(api->last_43);
        row[API_FLEXIBLE] = api->request->flexible_since == NEWEST ? value_null() : value_int(api->request->flexible_since);
    }
    return rows;
}

static const struct table api_table = {
    .name = "apis", .doc = "requests that the brokers answer, and in which versions", .columns = api_columns,
    .open = apis_open, .next = rows_next, .get = rows_get, .close = rows_close,
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
    [CONNECTION_WAITING] = { "waiting_in", VALUE_TEXT, "request that waits for its answer, a simulated client's once it has come in; NULL: none" },
    [CONNECTION_SINCE] = { "since_us", VALUE_INT, "virtual time of its opening" },
    [CONNECTION_LAST] = { "last_us", VALUE_INT, "and of its last request or answer" },
    { 0 },
};

static const struct table connection_table;

static void *connections_open(void *context, const struct constraint *constraints, size_t count)
{
    struct rows *rows = rows_new(&connection_table);

    (void)constraints, (void)count;
    for (size_t i = 0; i < wire_connection_count(context); i++) {
        struct value *row = rows_add(rows);
        struct connection_info info;

        wire_connection_get(context, i, &info);
        row[CONNECTION_NUMBER] = value_int(info.number);
        row[CONNECTION_BROKER] = value_int(info.broker);
        row[CONNECTION_HOST] = rows_text(rows, info.client_host);
        row[CONNECTION_PORT] = value_int(info.client_port);
        row[CONNECTION_CLIENT] = rows_text(rows, info.client_id);
        row[CONNECTION_SOFTWARE] = rows_text(rows, info.software_name);
        row[CONNECTION_VERSION] = rows_text(rows, info.software_version);
        row[CONNECTION_NETWORK] = value_int(info.network);
        row[CONNECTION_REQUESTS] = value_int((int64_t)info.requests);
        row[CONNECTION_IN] = value_int((int64_t)info.bytes_in);
        row[CONNECTION_OUT] = value_int((int64_t)info.bytes_out);
        row[CONNECTION_WAITING] = value_text(info.waiting_in);
        row[CONNECTION_SINCE] = value_int(info.since_us);
        row[CONNECTION_LAST] = value_int(info.last_us);
    }
    return rows;
}

static const struct table connection_table = {
    .name = "connections", .doc = "clients that are connected", .columns = connection_columns,
    .open = connections_open, .next = rows_next, .get = rows_get, .close = rows_close,
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

static const struct table request_table;

static void *requests_open(void *context, const struct constraint *constraints, size_t count)
{
    const struct wire *wire = context;
    struct rows *rows = rows_new(&request_table);

    (void)constraints, (void)count;
    for (int64_t i = wire->request_count > RECENT_REQUESTS ? wire->request_count - RECENT_REQUESTS : 0; i < wire->request_count; i++) {
        const struct recent *recent = &wire->recent[i % RECENT_REQUESTS];
        struct value *row = rows_add(rows);

        row[REQUEST_NUMBER] = value_int(recent->number);
        row[REQUEST_BEGAN] = value_int(recent->began_us);
        row[REQUEST_TOOK] = value_int(recent->took_us);
        row[REQUEST_CONNECTION] = value_int(recent->connection);
        row[REQUEST_BROKER] = value_int(recent->broker);
        row[REQUEST_CLIENT] = rows_text(rows, recent->client_id);
        row[REQUEST_API] = value_text(recent->api->name);
        row[REQUEST_VERSION] = value_int(recent->version);
        row[REQUEST_CORRELATION] = value_int(recent->correlation_id);
        row[REQUEST_IN] = value_int(recent->bytes_in);
        row[REQUEST_OUT] = value_int((int64_t)recent->bytes_out);
        row[REQUEST_ERROR] = recent->error ? value_text(err_name(recent->error)) : value_null();
    }
    return rows;
}

static const struct table request_table = {
    .name = "requests", .doc = "the latest requests", .columns = request_columns,
    .open = requests_open, .next = rows_next, .get = rows_get, .close = rows_close,
};

void wire_register_tables(struct wire *wire, struct tables *tables)
{
    tables_add(tables, &api_table, wire);
    tables_add(tables, &connection_table, wire);
    tables_add(tables, &request_table, wire);
    tables_add(tables, &fault_table, wire);
}
