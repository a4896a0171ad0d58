/* The controller: what it refuses and in which words, where replicas go, settings while the cluster runs. */
#include "tests/cluster/cluster_lab.h"

static void check_create(struct cluster_lab *lab, const char *name, int32_t partitions, int16_t factor, const char *configs, enum err err,
                         const char *words)
{
    CHECK_INT(err, cluster_lab_create(lab, name, partitions, factor, configs));
    CHECK_TEXT(words, lab->reason.text);
}

TEST(what_cannot_be_created_is_refused_as_2_7_does)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 1, NULL);

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", -1, -1, NULL));
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "my.topic", -1, -1, NULL));
    check_create(lab, "students", -1, -1, NULL, ERR_TOPIC_ALREADY_EXISTS, "Topic 'students' already exists.");
    check_create(lab, "big", 1, 3, NULL, ERR_INVALID_REPLICATION_FACTOR, "Replication factor: 3 larger than available brokers: 1.");
    check_create(lab, "bad name", 1, 1, NULL, ERR_INVALID_TOPIC_EXCEPTION,
                 "Topic name \"bad name\" is illegal, it contains a character other than ASCII alphanumerics, '.', '_' and '-'");
    check_create(lab, "..", 1, 1, NULL, ERR_INVALID_TOPIC_EXCEPTION, "Topic name cannot be \".\" or \"..\"");
    check_create(lab, "my_topic", 1, 1, NULL, ERR_INVALID_TOPIC_EXCEPTION, "Topic 'my_topic' collides with existing topics: my.topic");
    check_create(lab, "t", 0, 1, NULL, ERR_INVALID_PARTITIONS, "Number of partitions must be larger than 0.");
    check_create(lab, "t", 1, 1, "no.such=1", ERR_INVALID_CONFIG, "Unknown topic config name: no.such");
    check_create(lab, "t", 1, 1, "retention.ms=abc", ERR_INVALID_CONFIG,
                 "Invalid value abc for configuration retention.ms: Not a number of type LONG");
    CHECK_INT(2, image_topic_count(cluster_image(lab->cluster)));
    cluster_lab_free(lab);
}

TEST(what_cannot_be_created_is_refused_as_4_3_does)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 1, NULL);

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "my.topic", -1, -1, NULL));
    check_create(lab, "big", 1, 3, NULL, ERR_INVALID_REPLICATION_FACTOR,
                 "Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached because only 1 broker(s) are"
                 " registered or some brokers have all their log directories cordoned.");
    check_create(lab, "bad name", 1, 1, NULL, ERR_INVALID_TOPIC_EXCEPTION,
                 "Topic name is invalid: 'bad name' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'");
    check_create(lab, ".", 1, 1, NULL, ERR_INVALID_TOPIC_EXCEPTION, "Topic name is invalid: '.' is not allowed");
    check_create(lab, "my_topic", 1, 1, NULL, ERR_INVALID_TOPIC_EXCEPTION, "Topic 'my_topic' collides with existing topic: my.topic");
    cluster_lab_free(lab);
}

TEST(an_assignment_may_be_given)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, NULL);
    int32_t first[] = { 3, 1 }, second[] = { 2, 3 }, wrong[] = { 7 };
    struct assignment assignments[] = { { 0, first, 2 }, { 1, second, 2 } }, unknown[] = { { 0, wrong, 1 } };
    struct create_topic create = { .name = "t", .partition_count = -1, .replication_factor = -1, .assignments = assignments, .assignment_count = 2 };
    const struct image_partition *partition;

    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, true, NULL, NULL, &lab->reason));
    CHECK_INT(0, image_topic_count(cluster_image(lab->cluster)));
    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, NULL, &lab->reason));
    partition = image_partition(cluster_image(lab->cluster), "t", 0);
    CHECK_INT(3, partition->leader);
    CHECK_INT(1, partition->replicas[1]);
    CHECK_INT(2, partition->isr_count);
    create.name = "u";
    create.assignments = unknown;
    create.assignment_count = 1;
    CHECK_INT(ERR_INVALID_REPLICA_ASSIGNMENT, controller_create_topic(lab->cluster, &create, false, NULL, NULL, &lab->reason));
    CHECK_TEXT("The manual partition assignment includes broker 7, but no such broker is registered.", lab->reason.text);
    cluster_lab_free(lab);
}

TEST(replicas_are_spread)
{
    for (int release = RELEASE_27; release <= RELEASE_43; release++) {
        struct cluster_lab *lab = cluster_lab_new(release, 5, NULL);
        int leaders[8] = { 0 }, replicas[8] = { 0 };

        CHECK_INT(ERR_OK, cluster_lab_create(lab, "t", 10, 3, NULL));
        for (int p = 0; p < 10; p++) {
            const struct image_partition *partition = image_partition(cluster_image(lab->cluster), "t", p);

            leaders[partition->leader]++;
            for (int i = 0; i < 3; i++) {
                replicas[partition->replicas[i]]++;
                for (int j = 0; j < i; j++)
                    CHECK(partition->replicas[i] != partition->replicas[j]);
            }
        }
        for (size_t i = 0; i < 5; i++) {
            CHECK_INT(2, leaders[broker_id(cluster_broker_at(lab->cluster, i))]);
            CHECK_INT(6, replicas[broker_id(cluster_broker_at(lab->cluster, i))]);
        }
        cluster_lab_free(lab);
    }
}

TEST(partitions_are_added_and_never_taken)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 1, NULL);

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL));
    CHECK_INT(ERR_OK, controller_add_partitions(lab->cluster, "students", 3, NULL, 0, false, NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 1);
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 2, 1, 10, -1));
    CHECK_INT(ERR_INVALID_PARTITIONS, controller_add_partitions(lab->cluster, "students", 3, NULL, 0, false, NULL, &lab->reason));
    CHECK_TEXT("Topic already has 3 partitions.", lab->reason.text);
    CHECK_INT(ERR_INVALID_PARTITIONS, controller_add_partitions(lab->cluster, "students", 2, NULL, 0, false, NULL, &lab->reason));
    CHECK_TEXT("Topic currently has 3 partitions, which is higher than the requested 2.", lab->reason.text);
    cluster_lab_free(lab);
    lab = cluster_lab_new(RELEASE_43, 1, NULL);
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 3, 1, NULL));
    CHECK_INT(ERR_INVALID_PARTITIONS, controller_add_partitions(lab->cluster, "students", 2, NULL, 0, false, NULL, &lab->reason));
    CHECK_TEXT("The topic students currently has 3 partition(s); 2 would not be an increase.", lab->reason.text);
    cluster_lab_free(lab);
}

static enum err alter(struct cluster_lab *lab, enum config_scope scope, const char *name, enum config_op op, const char *key, const char *value)
{
    struct config_change change = { key, op, value };
    enum err err = controller_alter_config(lab->cluster, scope, name, &change, 1, false, false, NULL, &lab->reason);

    cluster_lab_advance_ms(lab, 1);
    return err;
}

TEST(settings_of_topics_change_while_it_runs)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 1, NULL);
    const struct log_config *config;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL));
    config = log_settings(partition_log(cluster_lab_leader(lab, "students", 0)));
    CHECK_INT(ERR_OK, alter(lab, CONFIG_TOPIC, "students", CONFIG_SET, "retention.ms", "30000"));
    CHECK_INT(30000, config->retention_ms);
    CHECK_INT(ERR_OK, alter(lab, CONFIG_TOPIC, "students", CONFIG_APPEND, "cleanup.policy", "compact"));
    CHECK_TEXT("delete,compact", config_map_get(image_config(cluster_image(lab->cluster), CONFIG_TOPIC, "students"), "cleanup.policy"));
    CHECK_INT(ERR_OK, alter(lab, CONFIG_TOPIC, "students", CONFIG_SUBTRACT, "cleanup.policy", "delete"));
    CHECK(config->cleanup_compact && !config->cleanup_delete);
    CHECK_INT(ERR_OK, alter(lab, CONFIG_TOPIC, "students", CONFIG_DELETE, "retention.ms", NULL));
    CHECK_INT(604800000, config->retention_ms);
    CHECK_INT(ERR_INVALID_CONFIG, alter(lab, CONFIG_TOPIC, "students", CONFIG_SET, "no.such", "1"));
    CHECK_TEXT("Unknown topic config name: no.such", lab->reason.text);
    CHECK_INT(ERR_INVALID_CONFIG, alter(lab, CONFIG_TOPIC, "students", CONFIG_APPEND, "retention.ms", "1"));
    CHECK_TEXT("Can't APPEND to key retention.ms because its type is not LIST.", lab->reason.text);
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, alter(lab, CONFIG_TOPIC, "nope", CONFIG_SET, "retention.ms", "1"));
    CHECK_TEXT("The topic 'nope' does not exist.", lab->reason.text);
    CHECK_INT(4, cluster_lab_entries(lab, EVENT_config_changed));
    cluster_lab_free(lab);
}

TEST(a_brokers_setting_reaches_its_topics)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 1, NULL);

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL));
    CHECK_INT(ERR_OK, alter(lab, CONFIG_BROKER, "0", CONFIG_SET, "log.retention.ms", "60000"));
    CHECK_INT(60000, log_settings(partition_log(cluster_lab_leader(lab, "students", 0)))->retention_ms);
    CHECK_INT(ERR_OK, alter(lab, CONFIG_BROKER, "", CONFIG_SET, "log.retention.ms", "70000"));
    CHECK_INT(60000, log_settings(partition_log(cluster_lab_leader(lab, "students", 0)))->retention_ms);
    CHECK_INT(ERR_OK, alter(lab, CONFIG_BROKER, "0", CONFIG_DELETE, "log.retention.ms", NULL));
    CHECK_INT(70000, log_settings(partition_log(cluster_lab_leader(lab, "students", 0)))->retention_ms);
    CHECK_INT(ERR_INVALID_REQUEST, alter(lab, CONFIG_BROKER, "0", CONFIG_SET, "log.dirs", "/x"));
    CHECK_TEXT("Invalid config value for resource ConfigResource(type=BROKER, name='0'): Cannot update these configs dynamically: Set(log.dirs)",
               lab->reason.text);
    CHECK_INT(ERR_INVALID_REQUEST, alter(lab, CONFIG_TOPIC, "students", CONFIG_SET, "retention.ms", "-2"));
    CHECK_TEXT("Invalid config value for resource ConfigResource(type=TOPIC, name='students'): Invalid value -2 for configuration retention.ms:"
               " Value must be at least -1", lab->reason.text);
    cluster_lab_free(lab);
    lab = cluster_lab_new(RELEASE_43, 1, NULL);
    CHECK_INT(ERR_INVALID_REQUEST, alter(lab, CONFIG_BROKER, "1", CONFIG_SET, "log.dirs", "/x"));
    CHECK_TEXT("Cannot update these configs dynamically: [log.dirs]", lab->reason.text);
    cluster_lab_free(lab);
}

TEST(the_offsets_topic_is_made_when_it_is_needed)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 2, "offsets.topic.replication.factor=3");
    const struct image_topic *topic;

    CHECK_INT(ERR_OK, controller_ensure_internal_topic(lab->cluster, "__consumer_offsets", NULL, &lab->reason));
    CHECK_INT(ERR_OK, controller_ensure_internal_topic(lab->cluster, "__consumer_offsets", NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 1);
    topic = image_topic(cluster_image(lab->cluster), "__consumer_offsets");
    CHECK_INT(50, topic->partition_count);
    CHECK_INT(2, topic->partitions[0].replica_count);
    CHECK(topic->internal);
    CHECK_TEXT("compact", config_map_get(image_config(cluster_image(lab->cluster), CONFIG_TOPIC, topic->name), "cleanup.policy"));
    CHECK_INT(104857600, log_settings(partition_log(cluster_lab_leader(lab, topic->name, 0)))->segment_bytes);
    CHECK_INT(ERR_OK, controller_ensure_internal_topic(lab->cluster, "__transaction_state", NULL, &lab->reason));
    cluster_lab_free(lab);
}

TEST(deletion_may_be_switched_off)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 1, "delete.topic.enable=false");

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL));
    CHECK_INT(ERR_TOPIC_DELETION_DISABLED, controller_delete_topic(lab->cluster, "students", NULL, &lab->reason));
    cluster_lab_free(lab);
    lab = cluster_lab_new(RELEASE_27, 1, NULL);
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, controller_delete_topic(lab->cluster, "students", NULL, &lab->reason));
    cluster_lab_free(lab);
}

TEST(two_labs_of_one_seed_are_alike)
{
    struct uuid ids[2];
    char texts[2][UUID_TEXT];

    for (int i = 0; i < 2; i++) {
        struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, NULL);
        struct create_topic create = { .name = "t", .partition_count = 4, .replication_factor = 2 };

        CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, &ids[i], NULL, &lab->reason));
        uuid_text(ids[i], texts[i]);
        cluster_lab_free(lab);
    }
    CHECK_TEXT(texts[0], texts[1]);
}
