/* Orders and questions about topics, settings and the cluster, in Kafka's words. */
#include "tests/wire/wire_lab.h"

struct admin {
    struct wire_lab *lab;
    struct wire_client *client;
};

static struct admin admin_new(enum release release, int32_t brokers)
{
    struct admin admin = { wire_lab_new(release, brokers, "log.segment.bytes=1073741824"), NULL };
    int32_t controller = image_controller(cluster_image(admin.lab->cluster));

    for (size_t i = 0; i < cluster_broker_count(admin.lab->cluster); i++)
        if (broker_id(cluster_broker_at(admin.lab->cluster, i)) == controller)
            admin.client = wire_lab_client(admin.lab, i, true);
    CHECK(admin.client);
    return admin;
}

static const struct create_topics_response_topic *create(struct admin *admin, const char *name, int32_t partitions, int16_t factor, const char *key,
                                                         const char *value)
{
    struct create_topics_request_config config = { key, value };
    struct create_topics_request_topic topic = { .name = name, .num_partitions = partitions, .replication_factor = factor,
                                                 .configs = { &config, key ? 1 : 0 } };
    struct create_topics_request in = { .topics = { &topic, 1 }, .timeout_ms = 30000 };
    struct create_topics_response *out = client_ask(admin->client, 19, 6, &in);

    CHECK_INT(1, out->topics.count);
    CHECK_TEXT(name, out->topics.items[0].name);
    return &out->topics.items[0];
}

#define CHECK_SAID(err_, text, answer)                        \
    do {                                                      \
        __typeof__(answer) answer_ = (answer);                \
        CHECK_INT(err_, answer_->error_code);                 \
        CHECK_TEXT(text, answer_->error_message);             \
    } while (0)

TEST(topics_are_created_and_refused_in_the_words_of_2_7)
{
    struct admin admin = admin_new(RELEASE_27, 1);
    const struct create_topics_response_topic *out = create(&admin, "students", 2, 1, "retention.ms", "30000");

    CHECK_SAID(ERR_OK, NULL, out);
    CHECK_INT(2, out->num_partitions);
    CHECK_INT(1, out->replication_factor);
    CHECK_INT(26, out->configs.count);
    CHECK_SAID(ERR_TOPIC_ALREADY_EXISTS, "Topic 'students' already exists.", create(&admin, "students", 1, 1, NULL, NULL));
    CHECK_SAID(ERR_INVALID_REPLICATION_FACTOR, "Replication factor: 3 larger than available brokers: 1.", create(&admin, "big", 1, 3, NULL, NULL));
    CHECK_SAID(ERR_INVALID_TOPIC_EXCEPTION,
               "Topic name \"bad name\" is illegal, it contains a character other than ASCII alphanumerics, '.', '_' and '-'",
               create(&admin, "bad name", 1, 1, NULL, NULL));
    CHECK_SAID(ERR_INVALID_CONFIG, "Unknown topic config name: no.such", create(&admin, "t2", 1, 1, "no.such", "1"));
    CHECK_SAID(ERR_INVALID_CONFIG, "Invalid value abc for configuration retention.ms: Not a number of type LONG",
               create(&admin, "t2", 1, 1, "retention.ms", "abc"));
    wire_lab_free(admin.lab);
}

TEST(topics_are_created_and_refused_in_the_words_of_4_3)
{
    struct admin admin = admin_new(RELEASE_43, 1);
    const struct create_topics_response_topic *out = create(&admin, "students", -1, -1, NULL, NULL);

    CHECK_SAID(ERR_OK, NULL, out);
    CHECK_INT(1, out->num_partitions);
    CHECK_INT(33, out->configs.count);
    CHECK_SAID(ERR_INVALID_REPLICATION_FACTOR,
               "Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached because only 1 broker(s) are "
               "registered or some brokers have all their log directories cordoned.",
               create(&admin, "big", 1, 3, NULL, NULL));
    create(&admin, "my.topic", 1, 1, NULL, NULL);
    CHECK_SAID(ERR_INVALID_TOPIC_EXCEPTION, "Topic 'my_topic' collides with existing topic: my.topic", create(&admin, "my_topic", 1, 1, NULL, NULL));
    wire_lab_free(admin.lab);
}

TEST(a_topic_named_twice_is_made_by_neither)
{
    struct admin admin = admin_new(RELEASE_43, 1);
    struct create_topics_request_topic topics[] = {
        { .name = "a", .num_partitions = 1, .replication_factor = 1 }, { .name = "b", .num_partitions = 1, .replication_factor = 1 },
        { .name = "a", .num_partitions = 1, .replication_factor = 1 },
    };
    struct create_topics_request in = { .topics = { topics, 3 }, .timeout_ms = 30000 };
    struct create_topics_response *out = client_ask(admin.client, 19, 7, &in);

    CHECK_SAID(ERR_INVALID_REQUEST, "Duplicate topic name.", &out->topics.items[0]);
    CHECK_SAID(ERR_OK, NULL, &out->topics.items[1]);
    CHECK(!uuid_is_zero(out->topics.items[1].topic_id));
    CHECK_SAID(ERR_INVALID_REQUEST, "Duplicate topic name.", &out->topics.items[2]);
    in.topics.count = 1;
    in.validate_only = true;
    out = client_ask(admin.client, 19, 7, &in);
    CHECK_SAID(ERR_OK, NULL, &out->topics.items[0]);
    CHECK(!image_topic(cluster_image(admin.lab->cluster), "a"));
    wire_lab_free(admin.lab);
}

TEST(only_the_controller_of_2_7_takes_orders_about_topics)
{
    struct admin admin = admin_new(RELEASE_27, 2);
    size_t other = broker_id(cluster_broker_at(admin.lab->cluster, 0)) == image_controller(cluster_image(admin.lab->cluster)) ? 1 : 0;

    admin.client = wire_lab_client(admin.lab, other, true);
    CHECK_INT(ERR_NOT_CONTROLLER, create(&admin, "students", 1, 1, NULL, NULL)->error_code);
    wire_lab_free(admin.lab);
}

TEST(topics_go_by_name_or_id)
{
    struct admin admin = admin_new(RELEASE_43, 1);
    struct delete_topics_request_topic topics[4] = { { .name = "students" }, { .name = "nope" }, { .name = NULL }, { .name = NULL } };
    struct delete_topics_request in = { .topics = { topics, 4 }, .timeout_ms = 1000 };
    struct delete_topics_response *out;

    create(&admin, "students", 1, 1, NULL, NULL);
    create(&admin, "other", 1, 1, NULL, NULL);
    topics[2].topic_id = image_topic(cluster_image(admin.lab->cluster), "other")->id;
    topics[3].topic_id.bytes[3] = 7;
    out = client_ask(admin.client, 20, 6, &in);
    CHECK_INT(ERR_OK, out->responses.items[0].error_code);
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, out->responses.items[1].error_code);
    CHECK_INT(ERR_OK, out->responses.items[2].error_code);
    CHECK_TEXT("other", out->responses.items[2].name);
    CHECK_INT(ERR_UNKNOWN_TOPIC_ID, out->responses.items[3].error_code);
    CHECK_INT(0, image_topic_count(cluster_image(admin.lab->cluster)));
    wire_lab_free(admin.lab);
}

TEST(partitions_are_added_but_never_taken)
{
    struct admin admin = admin_new(RELEASE_27, 1);
    struct create_partitions_request_topic topic = { .name = "students", .count = 3, .assignments = { NULL, -1 } };
    struct create_partitions_request in = { .topics = { &topic, 1 }, .timeout_ms = 1000 };
    struct create_partitions_response *out;

    create(&admin, "students", 1, 1, NULL, NULL);
    out = client_ask(admin.client, 37, 3, &in);
    CHECK_SAID(ERR_OK, NULL, &out->results.items[0]);
    CHECK_INT(3, image_topic(cluster_image(admin.lab->cluster), "students")->partition_count);
    out = client_ask(admin.client, 37, 3, &in);
    CHECK_SAID(ERR_INVALID_PARTITIONS, "Topic already has 3 partitions.", &out->results.items[0]);
    topic.count = 2;
    out = client_ask(admin.client, 37, 3, &in);
    CHECK_SAID(ERR_INVALID_PARTITIONS, "Topic currently has 3 partitions, which is higher than the requested 2.", &out->results.items[0]);
    wire_lab_free(admin.lab);
}

/* ---- settings ---- */

static const struct describe_configs_response_resource *describe(struct admin *admin, int8_t type, const char *name)
{
    struct describe_configs_request_resource resource = { type, name, { NULL, -1 } };
    struct describe_configs_request in = { .resources = { &resource, 1 }, .include_synonyms = true, .include_documentation = true };
    struct describe_configs_response *out = client_ask(admin->client, 32, 3, &in);

    return &out->results.items[0];
}

static const struct describe_configs_response_config *find_config(const struct describe_configs_response_resource *in, const char *name)
{
    for (int32_t i = 0; i < in->configs.count; i++)
        if (!strcmp(in->configs.items[i].name, name))
            return &in->configs.items[i];
    return NULL;
}

static const struct incremental_alter_configs_response_resource *alter(struct admin *admin, int8_t type, const char *name, int8_t op, const char *key,
                                                                       const char *value)
{
    struct incremental_alter_configs_request_config config = { key, op, value };
    struct incremental_alter_configs_request_resource resource = { type, name, { &config, 1 } };
    struct incremental_alter_configs_request in = { .resources = { &resource, 1 } };
    struct incremental_alter_configs_response *out = client_ask(admin->client, 44, 1, &in);

    return &out->responses.items[0];
}

TEST(settings_are_changed_and_say_where_they_come_from)
{
    struct admin admin = admin_new(RELEASE_43, 1);
    const struct describe_configs_response_config *config;

    create(&admin, "students", 1, 1, NULL, NULL);
    CHECK_SAID(ERR_OK, NULL, alter(&admin, 2, "students", 0, "retention.ms", "30000"));
    config = find_config(describe(&admin, 2, "students"), "retention.ms");
    CHECK(config);
    CHECK_TEXT("30000", config->value);
    CHECK_INT(SOURCE_TOPIC, config->config_source);
    CHECK_INT(5, config->config_type); /* LONG */
    CHECK_INT(1, config->synonyms.count);
    CHECK(!config->read_only && !config->is_sensitive && config->documentation);
    config = find_config(describe(&admin, 2, "students"), "segment.bytes");
    CHECK_INT(2, config->synonyms.count);
    CHECK_TEXT("log.segment.bytes", config->synonyms.items[0].name);
    CHECK_INT(SOURCE_STATIC_BROKER, config->synonyms.items[0].source);
    CHECK_SAID(ERR_INVALID_CONFIG, "Invalid value abc for configuration retention.ms: Not a number of type LONG",
               alter(&admin, 2, "students", 0, "retention.ms", "abc"));
    CHECK_SAID(ERR_UNKNOWN_TOPIC_OR_PARTITION, "The topic 'nope' does not exist.", alter(&admin, 2, "nope", 0, "retention.ms", "1"));
    CHECK_SAID(ERR_OK, NULL, alter(&admin, 2, "students", 1, "retention.ms", NULL));
    CHECK_TEXT("604800000", find_config(describe(&admin, 2, "students"), "retention.ms")->value);
    wire_lab_free(admin.lab);
}

TEST(settings_of_2_7_are_refused_in_its_words)
{
    struct admin admin = admin_new(RELEASE_27, 1);

    create(&admin, "students", 1, 1, NULL, NULL);
    CHECK_SAID(ERR_INVALID_REQUEST, "Invalid config value for resource ConfigResource(type=TOPIC, name='students'): "
                                    "Invalid value -2 for configuration retention.ms: Value must be at least -1",
               alter(&admin, 2, "students", 0, "retention.ms", "-2"));
    CHECK_SAID(ERR_UNKNOWN_TOPIC_OR_PARTITION, "", describe(&admin, 2, "nope"));
    CHECK_INT(26, describe(&admin, 2, "students")->configs.count);
    wire_lab_free(admin.lab);
}

TEST(settings_of_brokers)
{
    struct admin admin = admin_new(RELEASE_43, 1);
    const struct describe_configs_response_config *config;

    CHECK_SAID(ERR_OK, NULL, alter(&admin, 4, "1", 0, "log.retention.ms", "60000"));
    CHECK_SAID(ERR_OK, NULL, alter(&admin, 4, "", 0, "log.retention.ms", "120000"));
    CHECK_SAID(ERR_OK, NULL, alter(&admin, 4, "1", 0, "no.such", "1"));
    CHECK_SAID(ERR_INVALID_REQUEST, "Cannot update these configs dynamically: [log.dirs]", alter(&admin, 4, "1", 0, "log.dirs", "/tmp/x"));
    config = find_config(describe(&admin, 4, "1"), "log.retention.ms");
    CHECK_TEXT("60000", config->value);
    CHECK_INT(SOURCE_DYNAMIC_BROKER, config->config_source);
    CHECK_TEXT("120000", config->synonyms.items[1].value);
    config = find_config(describe(&admin, 4, "1"), "no.such");
    CHECK(config->is_sensitive && !config->value);
    CHECK(find_config(describe(&admin, 4, "1"), "log.dirs")->read_only);
    config = find_config(describe(&admin, 4, ""), "log.retention.ms");
    CHECK_TEXT("120000", config->value);
    CHECK_INT(SOURCE_DYNAMIC_DEFAULT_BROKER, config->config_source);
    CHECK_SAID(ERR_INVALID_REQUEST, "Unexpected broker id, expected 1 or empty string, but received 7", describe(&admin, 4, "7"));
    wire_lab_free(admin.lab);
}

TEST(alter_configs_replaces_all)
{
    struct admin admin = admin_new(RELEASE_27, 1);
    struct alter_configs_request_config config = { "segment.ms", "5000" };
    struct alter_configs_request_resource resource = { 2, "students", { &config, 1 } };
    struct alter_configs_request in = { .resources = { &resource, 1 } };
    struct alter_configs_response *out;

    create(&admin, "students", 1, 1, "retention.ms", "30000");
    out = client_ask(admin.client, 33, 1, &in);
    CHECK_SAID(ERR_OK, NULL, &out->responses.items[0]);
    CHECK_TEXT("5000", find_config(describe(&admin, 2, "students"), "segment.ms")->value);
    CHECK_TEXT("604800000", find_config(describe(&admin, 2, "students"), "retention.ms")->value);
    wire_lab_free(admin.lab);
}

/* ---- the cluster ---- */

static const struct metadata_response *ask_metadata(struct admin *admin, int16_t version, const char *name, bool create_it)
{
    struct metadata_request_topic topic = { .name = name };
    struct metadata_request in = { .topics = { &topic, 1 }, .allow_auto_topic_creation = create_it };

    return client_ask(admin->client, 3, version, &in);
}

static void check_auto_creation(enum release release, int16_t version, enum err first)
{
    struct admin admin = admin_new(release, 3);
    const struct metadata_response *out = ask_metadata(&admin, version, "new", false);

    CHECK_INT(3, out->brokers.count);
    CHECK_TEXT("localhost", out->brokers.items[0].host);
    CHECK_INT(9092, out->brokers.items[0].port);
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, out->topics.items[0].error_code);
    CHECK_INT(first, ask_metadata(&admin, version, "new", true)->topics.items[0].error_code);
    wire_lab_advance_ms(admin.lab, 100);
    out = ask_metadata(&admin, version, "new", true);
    CHECK_INT(ERR_OK, out->topics.items[0].error_code);
    CHECK_INT(1, out->topics.items[0].partitions.count);
    CHECK_INT(1, out->topics.items[0].partitions.items[0].isr_nodes.count);
    CHECK_INT(ERR_INVALID_TOPIC_EXCEPTION, ask_metadata(&admin, version, "bad name", true)->topics.items[0].error_code);
    wire_lab_free(admin.lab);
}

TEST(metadata_makes_topics_where_it_may)
{
    check_auto_creation(RELEASE_27, 9, ERR_LEADER_NOT_AVAILABLE);
    check_auto_creation(RELEASE_43, 9, ERR_UNKNOWN_TOPIC_OR_PARTITION);
    check_auto_creation(RELEASE_43, 13, ERR_UNKNOWN_TOPIC_OR_PARTITION);
}

TEST(each_client_hears_the_address_at_which_it_came)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, NULL);
    struct wire_client *client = wire_lab_client(lab, 0, true);
    struct metadata_request in = { .topics = { NULL, -1 } };
    struct metadata_response *out;

    connection_close(client->connection, "again, from elsewhere");
    client->connection = connection_open(lab->wire, &(struct connection_options){ .broker = 1, .client_host = "10.0.0.9", .client_port = 1,
                                                                                 .local_host = "10.0.0.5", .timers = &lab->timers, .network = true });
    out = client_ask(client, 3, 12, &in);
    CHECK_TEXT("10.0.0.5", out->brokers.items[0].host);
    CHECK_INT(1, out->controller_id);
    wire_lab_free(lab);
}

TEST(the_cluster_is_described)
{
    struct admin admin = admin_new(RELEASE_43, 3);
    struct describe_cluster_request in = { .endpoint_type = 1 };
    struct describe_cluster_response *out = client_ask(admin.client, 60, 2, &in);

    CHECK_INT(ERR_OK, out->error_code);
    CHECK_INT(3, out->brokers.count);
    CHECK_INT(INT32_MIN, out->cluster_authorized_operations);
    in.endpoint_type = 2;
    out = client_ask(admin.client, 60, 1, &in);
    CHECK_INT(ERR_MISMATCHED_ENDPOINT_TYPE, out->error_code);
    wire_lab_free(admin.lab);
}

TEST(topics_are_described_page_by_page)
{
    struct admin admin = admin_new(RELEASE_43, 1);
    struct describe_topic_partitions_request in = { .response_partition_limit = 3 };
    struct describe_topic_partitions_request_cursor cursor;
    struct describe_topic_partitions_response *out;

    create(&admin, "b", 2, 1, NULL, NULL);
    create(&admin, "a", 2, 1, NULL, NULL);
    out = client_ask(admin.client, 75, 0, &in);
    CHECK_INT(2, out->topics.count);
    CHECK_TEXT("a", out->topics.items[0].name);
    CHECK_INT(1, out->topics.items[1].partitions.count);
    CHECK_TEXT("b", out->next_cursor->topic_name);
    CHECK_INT(1, out->next_cursor->partition_index);
    cursor = (struct describe_topic_partitions_request_cursor){ "b", 1 };
    in.cursor = &cursor;
    out = client_ask(admin.client, 75, 0, &in);
    CHECK_INT(1, out->topics.count);
    CHECK_INT(1, out->topics.items[0].partitions.items[0].partition_index);
    CHECK(!out->next_cursor);
    wire_lab_free(admin.lab);
}

TEST(there_is_no_authorizer_and_nothing_moves)
{
    struct admin admin = admin_new(RELEASE_43, 1);
    struct describe_acls_request filter = { .resource_type_filter = 1, .pattern_type_filter = 1, .operation = 1, .permission_type = 1 };
    struct delete_acls_request_filter each = { .resource_type_filter = 1, .pattern_type_filter = 1, .operation = 1, .permission_type = 1 };
    struct create_acls_request_creation creation = { 2, "students", 3, "User:alice", "*", 3, 3 };
    struct describe_acls_response *described = client_ask(admin.client, 29, 3, &filter);
    struct create_acls_response *created;
    struct delete_acls_response *deleted;
    struct list_partition_reassignments_response *moves;

    CHECK_SAID(ERR_SECURITY_DISABLED, "No Authorizer is configured on the broker", described);
    created = client_ask(admin.client, 30, 3, &(struct create_acls_request){ { &creation, 1 } });
    CHECK_SAID(ERR_SECURITY_DISABLED, "No Authorizer is configured on the broker", &created->results.items[0]);
    deleted = client_ask(admin.client, 31, 3, &(struct delete_acls_request){ { &each, 1 } });
    CHECK_SAID(ERR_SECURITY_DISABLED, "No Authorizer is configured.", &deleted->filter_results.items[0]);
    moves = client_ask(admin.client, 46, 0, &(struct list_partition_reassignments_request){ 1000, { NULL, -1 } });
    CHECK_INT(ERR_OK, moves->error_code);
    CHECK_INT(0, moves->topics.count);
    wire_lab_free(admin.lab);
}

/* 2.7 answers once its broker has forgotten the topic, however long a replica's broker keeps it from being gone. */
TEST(a_deletion_that_waits_is_answered_when_its_broker_has_forgotten_the_topic)
{
    const char *name = "students";
    struct delete_topics_request in = { .topic_names = { &name, 1 }, .timeout_ms = 30000 };
    struct admin admin = admin_new(RELEASE_27, 2);
    struct broker *other = cluster_broker(admin.lab->cluster, 1);
    const struct delete_topics_response *out;
    struct metadata_request ask = { .topics.count = -1 };
    const struct metadata_response *known;

    CHECK_INT(ERR_OK, create(&admin, "students", 1, 2, NULL, NULL)->error_code);
    CHECK_INT(ERR_OK, broker_stop(other, NULL));
    wire_lab_advance_ms(admin.lab, 3000);
    client_begin(admin.client, 20, 5, &in);
    wire_lab_advance_ms(admin.lab, 999);
    CHECK(!client_answer(admin.client)); /* it may be gone in a moment */
    wire_lab_advance_ms(admin.lab, 2);
    out = client_answer(admin.client);
    CHECK(out);
    CHECK_INT(ERR_OK, out->responses.items[0].error_code);
    CHECK(image_topic(cluster_image(admin.lab->cluster), "students"));
    client_begin(admin.client, 3, 9, &ask);
    wire_lab_advance_ms(admin.lab, 1);
    known = client_answer(admin.client);
    CHECK_INT(0, known->topics.count);
    CHECK_INT(ERR_TOPIC_ALREADY_EXISTS, create(&admin, "students", 1, 1, NULL, NULL)->error_code);
    CHECK_INT(ERR_OK, broker_start(other, NULL));
    wire_lab_advance_ms(admin.lab, 1000);
    CHECK(!image_topic(cluster_image(admin.lab->cluster), "students"));
    CHECK_INT(ERR_OK, create(&admin, "students", 1, 1, NULL, NULL)->error_code);
    wire_lab_free(admin.lab);
}

