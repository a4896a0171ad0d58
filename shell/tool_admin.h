/* What Kafka's admin tools share: the client behind them, waiting, and how both releases put a failure into words. */
#pragma once
#include "shell/tool_options.h"

/* ---- settings of --command-config and the like ---- */
/* Reads a Java properties file. False: java.nio.file.NoSuchFileException. */
bool tool_properties(const char *path, struct config_map *map, struct trouble *trouble);
/* The file that an option names; true when it is not given. */
bool tool_file(const struct tool_options *options, const char *name, struct config_map *map, struct trouble *trouble);
/* An option's arguments, each "key=value". */
void tool_pairs(const struct tool_options *options, const char *name, struct config_map *map);

/* Looks up the names of a bootstrap list; those of this lab are known anyway. Warns of each that has no address. False:
 * none has one. */
bool tool_resolve(struct call *call, const char *bootstrap, struct trouble *trouble);

/* The moment on the clock that the tool lives by. */
int64_t tool_now_ms(const struct call *call);

/* The addresses of this lab's brokers, for --zookeeper. NULL without a lab. The caller's. */
char *tool_lab_bootstrap(const struct call *call);

/* ---- the admin client ---- */
struct tool_admin {
    struct call *call;
    struct transport *transport;
    struct client *client;
    struct arena arena; /* requests and answers, until tool_admin_close() */
    int64_t timeout_us; /* default.api.timeout.ms */
};
/* `config` may be NULL. False: "Failed to create new KafkaAdminClient", with its cause. `client_id` NULL:
 * "adminclient-1". */
bool tool_admin_open(struct tool_admin *admin, struct call *call, const char *bootstrap, const char *client_id,
                     const struct config_map *config, struct trouble *trouble);
/* The same as a consumer without a group, as some tools of 2.7 ask. */
bool tool_consumer_open(struct tool_admin *admin, struct call *call, const char *bootstrap, const char *client_id,
                        const struct config_map *config, struct trouble *trouble);
void tool_admin_close(struct tool_admin *admin);
/* One request, its answer in the arena. `call_name` is what Kafka's client calls it ("listTopics"): it stands in the
 * texts of timeouts. */
bool tool_admin_call(struct tool_admin *admin, int32_t node, int16_t api, int16_t most_version, const void *request,
                     void **answer, const char *call_name, struct trouble *trouble);
/* The broker that coordinates a group; `call_name` as above. */
bool tool_group_coordinator(struct tool_admin *admin, const char *group, int32_t *node, struct trouble *trouble);
/* Of these errors a client asks for the coordinator again, and waits a little. */
bool tool_coordinator_moved(int16_t code);
/* -1: the broker has not the API. */
int16_t tool_admin_version(struct tool_admin *admin, int16_t api);
/* A broker's answer as the exception that the client makes of it; false if it is one. `message` NULL: the default
 * sentence. */
bool tool_check(int16_t code, const char *message, struct trouble *trouble);
/* "java.util.concurrent.ExecutionException: CLASS: MESSAGE" around it, as KafkaFuture.get() throws it. */
void tool_execution(struct trouble *trouble);

/* Metadata of all topics. */
struct metadata_response;
bool tool_metadata(struct tool_admin *admin, const char *call_name, struct metadata_response **out,
                   struct trouble *trouble);

/* The leader of a partition; -1 and why not, as Kafka's client words it. */
int32_t tool_leader_of(const struct metadata_response *cluster, const char *topic, int32_t partition, int16_t *error);

/* ListOffsets of many partitions at once, each asked of its leader. */
struct tool_offset {
    const char *topic;
    int32_t partition;
    int64_t timestamp; /* what is asked for: -1 end, -2 start, or a time */
    int64_t offset;    /* the answer, -1: none; */
    int16_t error;     /* or why not */
};
bool tool_list_offsets(struct tool_admin *admin, struct tool_offset *offsets, size_t count, struct trouble *trouble);

/* DescribeConfigs' resource types. */
enum {
    RESOURCE_TOPIC = 2,
    RESOURCE_BROKER = 4,
    RESOURCE_BROKER_LOGGER = 8,
    RESOURCE_CLIENT_METRICS = 16,
    RESOURCE_GROUP = 32
};

/* ---- failing ---- */
/* Option errors and others before a tool's work: 2.7 lets them fly, 4.3 prints message and trace. Ends the trouble,
 * returns 1. */
int tool_failed(struct call *call, struct trouble *trouble);
/* 130 if the user interrupted, else `status`. */
int tool_status(const struct call *call, int status);

/* ---- names ---- */
bool topic_is_internal(const char *name);
/* A list of topics' names or a regular expression, as IncludeList reads it (commas are bars). False: RuntimeException
 * "... is an invalid regex." */
struct tool_filter;
bool tool_filter_new(struct tool_filter **out, const char *raw, struct trouble *trouble);
void tool_filter_free(struct tool_filter *filter);
bool tool_filter_allows(const struct tool_filter *filter, const char *topic, bool exclude_internal);
/* A Java regular expression that has to match the whole; *invalid: it is none. */
bool tool_matches(const char *pattern, const char *text, bool *invalid);
/* "a, b" and so on: joined texts, the caller's. */
char *tool_join(const char *const *texts, size_t count, const char *between);
int by_text(const void *a, const void *b); /* qsort() of const char * */
