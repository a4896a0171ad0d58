/* Configuration: Kafka's own words for what is wrong, and where a value comes from. */
#include "sim/log/log.h"
#include "tests/cluster/cluster_lab.h"

static void check_refused(enum release release, enum config_scope scope, const char *name, const char *value, const char *words)
{
    struct reason reason = { "" };

    CHECK_INT(ERR_INVALID_CONFIG, config_check(config_key_find(scope, name), value, release, &reason));
    CHECK_TEXT(words, reason.text);
}

static void check_taken(enum release release, enum config_scope scope, const char *name, const char *value)
{
    struct reason reason = { "" };
    enum err err = config_check(config_key_find(scope, name), value, release, &reason);

    CHECK_TEXT("", reason.text);
    CHECK_INT(ERR_OK, err);
}

TEST(keys_are_sorted_so_that_they_are_found)
{
    for (size_t i = 0; i < config_key_count(); i++)
        CHECK(config_key_find(config_key_at(i)->scope, config_key_at(i)->name) == config_key_at(i));
    CHECK(!config_key_find(CONFIG_TOPIC, "no.such"));
    CHECK(!config_key_find(CONFIG_TOPIC, "log.dirs"));
}

TEST(each_release_has_its_keys)
{
    int topic_27 = 0, topic_43 = 0, broker_27 = 0, broker_43 = 0;

    for (size_t i = 0; i < config_key_count(); i++) {
        const struct config_key *key = config_key_at(i);

        if (key->internal)
            continue;
        topic_27 += key->scope == CONFIG_TOPIC && config_key_known(key, RELEASE_27);
        topic_43 += key->scope == CONFIG_TOPIC && config_key_known(key, RELEASE_43);
        broker_27 += key->scope == CONFIG_BROKER && config_key_known(key, RELEASE_27);
        broker_43 += key->scope == CONFIG_BROKER && config_key_known(key, RELEASE_43);
    }
    CHECK_INT(26, topic_27);
    CHECK_INT(33, topic_43);
    CHECK_INT(216, broker_27);
    CHECK_INT(340, broker_43);
}

TEST(every_default_is_valid)
{
    for (size_t i = 0; i < config_key_count(); i++) {
        for (int release = RELEASE_27; release <= RELEASE_43; release++) {
            const struct config_key *key = config_key_at(i);
            const char *value = config_key_default(key, release);

            if (config_key_known(key, release) && value)
                CHECK_INT(ERR_OK, config_check(key, value, release, NULL));
        }
    }
}

TEST(wrong_values_are_refused_in_kafkas_words)
{
    check_refused(RELEASE_27, CONFIG_TOPIC, "retention.ms", "abc", "Invalid value abc for configuration retention.ms: Not a number of type LONG");
    check_refused(RELEASE_43, CONFIG_TOPIC, "retention.ms", "", "Invalid value  for configuration retention.ms: Not a number of type LONG");
    check_refused(RELEASE_43, CONFIG_TOPIC, "retention.ms", "-2", "Invalid value -2 for configuration retention.ms: Value must be at least -1");
    check_refused(RELEASE_43, CONFIG_TOPIC, "retention.ms", "99999999999999999999",
                  "Invalid value 99999999999999999999 for configuration retention.ms: Not a number of type LONG");
    check_refused(RELEASE_27, CONFIG_TOPIC, "segment.bytes", "1", "Invalid value 1 for configuration segment.bytes: Value must be at least 14");
    check_refused(RELEASE_43, CONFIG_TOPIC, "segment.bytes", "16384",
                  "Invalid value 16384 for configuration segment.bytes: Value must be at least 1048576");
    check_refused(RELEASE_43, CONFIG_TOPIC, "cleanup.policy", "foo",
                  "Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete");
    check_refused(RELEASE_43, CONFIG_TOPIC, "compression.type", "foo",
                  "Invalid value foo for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer");
    check_refused(RELEASE_27, CONFIG_TOPIC, "min.cleanable.dirty.ratio", "2",
                  "Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1");
    check_refused(RELEASE_27, CONFIG_TOPIC, "unclean.leader.election.enable", "maybe",
                  "Invalid value maybe for configuration unclean.leader.election.enable: Expected value to be either true or false");
    check_refused(RELEASE_27, CONFIG_TOPIC, "message.format.version", "2.8",
                  "Invalid value 2.8 for configuration message.format.version: Version `2.8` is not a valid version");
    check_refused(RELEASE_43, CONFIG_TOPIC, "compression.gzip.level", "0",
                  "Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1");
    check_refused(RELEASE_43, CONFIG_TOPIC, "leader.replication.throttled.replicas", "x",
                  "Invalid value [x] for configuration leader.replication.throttled.replicas: leader.replication.throttled.replicas must be the"
                  " literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...");
}

TEST(right_values_are_taken)
{
    check_taken(RELEASE_27, CONFIG_TOPIC, "segment.bytes", "14");
    check_taken(RELEASE_ANY, CONFIG_TOPIC, "segment.bytes", "2000");
    check_taken(RELEASE_43, CONFIG_TOPIC, "cleanup.policy", "compact,delete");
    check_taken(RELEASE_43, CONFIG_TOPIC, "retention.ms", " 30000 ");
    check_taken(RELEASE_43, CONFIG_TOPIC, "compression.gzip.level", "-1");
    check_taken(RELEASE_43, CONFIG_TOPIC, "compression.gzip.level", "9");
    check_taken(RELEASE_43, CONFIG_TOPIC, "leader.replication.throttled.replicas", "0:1,1:2");
    check_taken(RELEASE_27, CONFIG_TOPIC, "message.format.version", "0.10.0");
    check_taken(RELEASE_27, CONFIG_TOPIC, "message.format.version", "2.7-IV1");
}

static struct config_value resolve(const struct config_layers *layers, enum config_scope scope, const char *name)
{
    return config_resolve(layers, config_key_find(scope, name));
}

TEST(a_topic_inherits_from_its_broker)
{
    struct config_map topic = { 0 }, fixed = { 0 }, dynamic = { 0 };
    struct config_layers layers = { .topic = &topic, .dynamic_broker = &dynamic, .static_broker = &fixed, .release = RELEASE_27 };
    struct config_value value;

    config_map_set(&fixed, "log.segment.bytes", "1073741824");
    config_map_set(&fixed, "log.retention.hours", "168");
    value = resolve(&layers, CONFIG_TOPIC, "segment.bytes");
    CHECK_TEXT("1073741824", value.value);
    CHECK_INT(SOURCE_STATIC_BROKER, value.source);
    CHECK_INT(2, value.synonym_count);
    CHECK_TEXT("log.segment.bytes", value.synonyms[0].name);
    CHECK_INT(SOURCE_DEFAULT, value.synonyms[1].source);

    value = resolve(&layers, CONFIG_TOPIC, "retention.ms"); /* hours act, but are no synonym of log.retention.ms */
    CHECK_TEXT("604800000", value.value);
    CHECK_INT(0, value.synonym_count);
    CHECK_INT(SOURCE_DEFAULT, value.source);

    config_map_set(&dynamic, "log.retention.ms", "60000");
    value = resolve(&layers, CONFIG_BROKER, "log.retention.ms");
    CHECK_INT(3, value.synonym_count);
    CHECK_TEXT("log.retention.hours", value.synonyms[1].name);
    CHECK_INT(SOURCE_STATIC_BROKER, value.synonyms[1].source);
    CHECK_INT(SOURCE_DEFAULT, value.synonyms[2].source);
    CHECK_INT(60000, config_long(&layers, "retention.ms"));

    config_map_set(&topic, "retention.ms", "30000");
    value = resolve(&layers, CONFIG_TOPIC, "retention.ms");
    CHECK_TEXT("30000", value.value);
    CHECK_INT(SOURCE_TOPIC, value.source);
    CHECK_INT(30000, config_long(&layers, "retention.ms"));
    config_map_done(&topic);
    config_map_done(&fixed);
    config_map_done(&dynamic);
}

TEST(hours_and_minutes_become_milliseconds)
{
    struct config_map fixed = { 0 };
    struct config_layers layers = { .static_broker = &fixed, .release = RELEASE_43 };

    config_map_set(&fixed, "log.retention.hours", "2");
    config_map_set(&fixed, "log.roll.hours", "1");
    CHECK_INT(7200000, config_long(&layers, "retention.ms"));
    CHECK_INT(3600000, config_long(&layers, "segment.ms"));
    config_map_set(&fixed, "log.retention.minutes", "5");
    CHECK_INT(300000, config_long(&layers, "retention.ms"));
    config_map_set(&fixed, "log.retention.minutes", NULL);
    config_map_set(&fixed, "log.retention.hours", "-1");
    CHECK_INT(-1, config_long(&layers, "retention.ms"));
    config_map_done(&fixed);
}

TEST(a_logs_settings_come_from_all_layers)
{
    struct config_map topic = { 0 };
    struct config_layers layers = { .topic = &topic, .release = RELEASE_43 };
    struct log_config config;

    config_map_set(&topic, "cleanup.policy", "compact,delete");
    config_map_set(&topic, "compression.type", "zstd");
    config_map_set(&topic, "message.timestamp.type", "LogAppendTime");
    config_of_log(&layers, &config);
    CHECK(config.cleanup_compact && config.cleanup_delete && config.log_append_time);
    CHECK_INT(CODEC_ZSTD, config.codec);
    CHECK_INT(3, config.codec_level);
    CHECK_INT(604800000, config.retention_ms);
    CHECK_INT(3600000, config.timestamp_after_max_ms);
    CHECK_INT(86400000, config.producer_id_expiration_ms);
    layers.release = RELEASE_27;
    config_of_log(&layers, &config);
    CHECK_INT(INT64_MAX, config.timestamp_after_max_ms);
    CHECK_INT(604800000, config.producer_id_expiration_ms);
    config_map_done(&topic);
}

TEST(a_minimum_above_its_maximum_is_refused)
{
    struct config_map map = { 0 };
    struct reason reason;

    config_map_set(&map, "min.compaction.lag.ms", "10");
    config_map_set(&map, "max.compaction.lag.ms", "5");
    CHECK_INT(ERR_INVALID_CONFIG, config_check_together(CONFIG_TOPIC, &map, RELEASE_43, &reason));
    CHECK_TEXT("conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)", reason.text);
    config_map_done(&map);
}
