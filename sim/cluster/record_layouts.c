/* Tables of the records that lie in internal topics. Source: the meaning of Kafka's message JSON files of the group, share and transaction
 * coordinators, of metadata and of the remote log's metadata; ConsumerProtocol. */
#include "sim/cluster/record_layouts.h"

#include "sim/cluster/metadata.h"

#define MESSAGE(name_, last_, flexible_, fields_) { .name = name_, .first = 0, .last = last_, .flexible_since = flexible_, .fields = fields_ }

/* ---- keys: a few shapes serve them all ---- */
static const struct field of_group[] = { SHOWN(group_id, T_STRING, 0, NEWEST), { 0 } };
static const struct field of_member[] = { SHOWN(group_id, T_STRING, 0, NEWEST), SHOWN(member_id, T_STRING, 0, NEWEST), { 0 } };
static const struct field of_expression[] = { SHOWN(group_id, T_STRING, 0, NEWEST), SHOWN(regular_expression, T_STRING, 0, NEWEST), { 0 } };
static const struct field of_share_partition[] = {
    SHOWN(group_id, T_STRING, 0, NEWEST),
    SHOWN(topic_id, T_UUID, 0, NEWEST),
    SHOWN(partition, T_INT32, 0, NEWEST),
    { 0 },
};
static const struct field of_transaction[] = { SHOWN(transactional_id, T_STRING, 0, NEWEST), { 0 } };

/* ---- values ---- */
static const struct field legacy_offset_commit_fields[] = {
    SHOWN(offset, T_INT64, 0, 0),
    SHOWN(metadata, T_STRING, 0, 0),
    SHOWN(commit_timestamp, T_INT64, 0, 0),
    { 0 },
};
static const struct field share_snapshot_state_batch_fields[] = {
    SHOWN(first_offset, T_INT64, 0, NEWEST),
    SHOWN(last_offset, T_INT64, 0, NEWEST),
    SHOWN(delivery_state, T_INT8, 0, NEWEST),
    SHOWN(delivery_count, T_INT16, 0, NEWEST),
    { 0 },
};
static const struct field share_snapshot_fields[] = {
    SHOWN(snapshot_epoch, T_INT32, 0, NEWEST),
    SHOWN(state_epoch, T_INT32, 0, NEWEST),
    SHOWN(leader_epoch, T_INT32, 0, NEWEST),
    SHOWN(start_offset, T_INT64, 0, NEWEST),
    SHOWN(delivery_complete_count, T_INT32, 0, NEWEST, .tag = 0, .tag_since = 0, .preset = -1),
    SHOWN(create_timestamp, T_INT64, 0, NEWEST),
    SHOWN(write_timestamp, T_INT64, 0, NEWEST),
    SHOWN_STRUCTS(state_batches, share_snapshot_state_batch_fields, 0, NEWEST),
    { 0 },
};
static const struct field transaction_log_partitions_schema_fields[] = {
    SHOWN(topic, T_STRING, 0, NEWEST),
    SHOWN_ARRAY(partition_ids, T_INT32, 0, NEWEST),
    { 0 },
};
static const struct field transaction_log_fields[] = {
    SHOWN(producer_id, T_INT64, 0, NEWEST),
    SHOWN(previous_producer_id, T_INT64, 1, NEWEST, .tag = 0, .tag_since = 1, .preset = -1),
    SHOWN(next_producer_id, T_INT64, 1, NEWEST, .tag = 1, .tag_since = 1, .preset = -1),
    SHOWN(producer_epoch, T_INT16, 0, NEWEST),
    SHOWN(next_producer_epoch, T_INT16, 1, NEWEST, .tag = 3, .tag_since = 1, .preset = -1),
    SHOWN(transaction_timeout_ms, T_INT32, 0, NEWEST),
    SHOWN(transaction_status, T_INT8, 0, NEWEST),
    SHOWN_STRUCTS(transaction_partitions, transaction_log_partitions_schema_fields, 0, NEWEST, .null_since = 0),
    SHOWN(transaction_last_update_timestamp_ms, T_INT64, 0, NEWEST),
    SHOWN(transaction_start_timestamp_ms, T_INT64, 0, NEWEST),
    SHOWN(client_transaction_version, T_INT16, 1, NEWEST, .tag = 2, .tag_since = 1),
    { 0 },
};
static const struct field share_update_state_batch_fields[] = {
    SHOWN(first_offset, T_INT64, 0, NEWEST),
    SHOWN(last_offset, T_INT64, 0, NEWEST),
    SHOWN(delivery_state, T_INT8, 0, NEWEST),
    SHOWN(delivery_count, T_INT16, 0, NEWEST),
    { 0 },
};
static const struct field share_update_fields[] = {
    SHOWN(snapshot_epoch, T_INT32, 0, NEWEST),
    SHOWN(leader_epoch, T_INT32, 0, NEWEST),
    SHOWN(start_offset, T_INT64, 0, NEWEST),
    SHOWN(delivery_complete_count, T_INT32, 0, NEWEST, .tag = 0, .tag_since = 0, .preset = -1),
    SHOWN_STRUCTS(state_batches, share_update_state_batch_fields, 0, NEWEST),
    { 0 },
};
static const struct field consumer_group_metadata_fields[] = {
    SHOWN(epoch, T_INT32, 0, NEWEST),
    SHOWN(metadata_hash, T_INT64, 0, NEWEST, .tag = 0, .tag_since = 0),
    { 0 },
};
static const struct field consumer_group_partition_metadata_partition_metadata_fields[] = {
    SHOWN(partition, T_INT32, 0, NEWEST),
    SHOWN_ARRAY(racks, T_STRING, 0, NEWEST),
    { 0 },
};
static const struct field consumer_group_partition_metadata_topic_metadata_fields[] = {
    SHOWN(topic_id, T_UUID, 0, NEWEST),
    SHOWN(topic_name, T_STRING, 0, NEWEST),
    SHOWN(num_partitions, T_INT32, 0, NEWEST),
    SHOWN_STRUCTS(partition_metadata, consumer_group_partition_metadata_partition_metadata_fields, 0, NEWEST),
    { 0 },
};
static const struct field consumer_group_partition_metadata_fields[] = {
    SHOWN_STRUCTS(topics, consumer_group_partition_metadata_topic_metadata_fields, 0, NEWEST),
    { 0 },
};
static const struct field consumer_group_member_metadata_classic_protocol_fields[] = {
    SHOWN(name, T_STRING, 0, NEWEST),
    SHOWN(metadata, T_BYTES, 0, NEWEST),
    { 0 },
};
static const struct field consumer_group_member_metadata_classic_member_metadata_fields[] = {
    SHOWN(session_timeout_ms, T_INT32, 0, NEWEST),
    SHOWN_STRUCTS(supported_protocols, consumer_group_member_metadata_classic_protocol_fields, 0, NEWEST),
    { 0 },
};
static const struct field consumer_group_member_metadata_fields[] = {
    SHOWN(instance_id, T_STRING, 0, NEWEST, .null_since = 0),
    SHOWN(rack_id, T_STRING, 0, NEWEST, .null_since = 0),
    SHOWN(client_id, T_STRING, 0, NEWEST),
    SHOWN(client_host, T_STRING, 0, NEWEST),
    SHOWN_ARRAY(subscribed_topic_names, T_STRING, 0, NEWEST),
    SHOWN(subscribed_topic_regex, T_STRING, 0, NEWEST, .null_since = 0),
    SHOWN(rebalance_timeout_ms, T_INT32, 0, NEWEST, .preset = -1),
    SHOWN(server_assignor, T_STRING, 0, NEWEST, .null_since = 0),
    SHOWN_STRUCT(classic_member_metadata, consumer_group_member_metadata_classic_member_metadata_fields, 0, NEWEST, .null_since = 0, .tag = 0, .tag_since = 0, .preset = PRESET_NULL),
    { 0 },
};
static const struct field consumer_group_target_assignment_metadata_fields[] = {
    SHOWN(assignment_epoch, T_INT32, 0, NEWEST),
    SHOWN(assignment_timestamp, T_INT64, 0, NEWEST, .tag = 0, .tag_since = 0),
    { 0 },
};
static const struct field consumer_group_target_assignment_member_topic_partition_fields[] = {
    SHOWN(topic_id, T_UUID, 0, NEWEST),
    SHOWN_ARRAY(partitions, T_INT32, 0, NEWEST),
    { 0 },
};
static const struct field consumer_group_target_assignment_member_fields[] = {
    SHOWN_STRUCTS(topic_partitions, consumer_group_target_assignment_member_topic_partition_fields, 0, NEWEST),
    { 0 },
};
static const struct field consumer_group_current_member_assignment_topic_partitions_fields[] = {
    SHOWN(topic_id, T_UUID, 0, NEWEST),
    SHOWN_ARRAY(partitions, T_INT32, 0, NEWEST),
    SHOWN_ARRAY(assignment_epochs, T_INT32, 0, NEWEST, .null_since = 0, .tag = 0, .tag_since = 0, .preset = PRESET_NULL),
    { 0 },
};
static const struct field consumer_group_current_member_assignment_fields[] = {
    SHOWN(member_epoch, T_INT32, 0, NEWEST),
    SHOWN(previous_member_epoch, T_INT32, 0, NEWEST),
    SHOWN(state, T_INT8, 0, NEWEST),
    SHOWN_STRUCTS(assigned_partitions, consumer_group_current_member_assignment_topic_partitions_fields, 0, NEWEST),
    SHOWN_STRUCTS(partitions_pending_revocation, consumer_group_current_member_assignment_topic_partitions_fields, 0, NEWEST),
    { 0 },
};
static const struct field share_group_member_metadata_fields[] = {
    SHOWN(rack_id, T_STRING, 0, NEWEST, .null_since = 0),
    SHOWN(client_id, T_STRING, 0, NEWEST),
    SHOWN(client_host, T_STRING, 0, NEWEST),
    SHOWN_ARRAY(subscribed_topic_names, T_STRING, 0, NEWEST),
    { 0 },
};
static const struct field share_group_metadata_fields[] = {
    SHOWN(epoch, T_INT32, 0, NEWEST),
    SHOWN(metadata_hash, T_INT64, 0, NEWEST),
    { 0 },
};
static const struct field share_group_target_assignment_metadata_fields[] = {
    SHOWN(assignment_epoch, T_INT32, 0, NEWEST),
    SHOWN(assignment_timestamp, T_INT64, 0, NEWEST, .tag = 0, .tag_since = 0),
    { 0 },
};
static const struct field share_group_target_assignment_member_topic_partition_fields[] = {
    SHOWN(topic_id, T_UUID, 0, NEWEST),
    SHOWN_ARRAY(partitions, T_INT32, 0, NEWEST),
    { 0 },
};
static const struct field share_group_target_assignment_member_fields[] = {
    SHOWN_STRUCTS(topic_partitions, share_group_target_assignment_member_topic_partition_fields, 0, NEWEST),
    { 0 },
};
static const struct field share_group_current_member_assignment_topic_partitions_fields[] = {
    SHOWN(topic_id, T_UUID, 0, NEWEST),
    SHOWN_ARRAY(partitions, T_INT32, 0, NEWEST),
    { 0 },
};
static const struct field share_group_current_member_assignment_fields[] = {
    SHOWN(member_epoch, T_INT32, 0, NEWEST),
    SHOWN(previous_member_epoch, T_INT32, 0, NEWEST),
    SHOWN(state, T_INT8, 0, NEWEST),
    SHOWN_STRUCTS(assigned_partitions, share_group_current_member_assignment_topic_partitions_fields, 0, NEWEST),
    { 0 },
};
static const struct field share_group_state_partition_metadata_topic_partitions_info_fields[] = {
    SHOWN(topic_id, T_UUID, 0, NEWEST),
    SHOWN(topic_name, T_STRING, 0, NEWEST),
    SHOWN_ARRAY(partitions, T_INT32, 0, NEWEST),
    { 0 },
};
static const struct field share_group_state_partition_metadata_topic_info_fields[] = {
    SHOWN(topic_id, T_UUID, 0, NEWEST),
    SHOWN(topic_name, T_STRING, 0, NEWEST),
    { 0 },
};
static const struct field share_group_state_partition_metadata_fields[] = {
    SHOWN_STRUCTS(initializing_topics, share_group_state_partition_metadata_topic_partitions_info_fields, 0, NEWEST),
    SHOWN_STRUCTS(initialized_topics, share_group_state_partition_metadata_topic_partitions_info_fields, 0, NEWEST),
    SHOWN_STRUCTS(deleting_topics, share_group_state_partition_metadata_topic_info_fields, 0, NEWEST),
    { 0 },
};
static const struct field consumer_group_regular_expression_fields[] = {
    SHOWN_ARRAY(topics, T_STRING, 0, NEWEST),
    SHOWN(version, T_INT64, 0, NEWEST),
    SHOWN(timestamp, T_INT64, 0, NEWEST),
    { 0 },
};
static const struct field streams_group_metadata_last_assignment_config_fields[] = {
    SHOWN(key, T_STRING, 0, NEWEST),
    SHOWN(value, T_STRING, 0, NEWEST),
    { 0 },
};
static const struct field streams_group_metadata_fields[] = {
    SHOWN(epoch, T_INT32, 0, NEWEST),
    SHOWN(metadata_hash, T_INT64, 0, NEWEST),
    SHOWN(validated_topology_epoch, T_INT32, 0, NEWEST, .tag = 0, .tag_since = 0, .preset = -1),
    SHOWN_STRUCTS(last_assignment_configs, streams_group_metadata_last_assignment_config_fields, 0, NEWEST, .null_since = 0, .tag = 1, .tag_since = 0, .preset = PRESET_NULL),
    { 0 },
};
static const struct field streams_group_member_metadata_endpoint_fields[] = {
    SHOWN(host, T_STRING, 0, NEWEST),
    SHOWN(port, T_UINT16, 0, NEWEST),
    { 0 },
};
static const struct field streams_group_member_metadata_key_fields[] = {
    SHOWN(key, T_STRING, 0, NEWEST),
    SHOWN(value, T_STRING, 0, NEWEST),
    { 0 },
};
static const struct field streams_group_member_metadata_fields[] = {
    SHOWN(instance_id, T_STRING, 0, NEWEST, .null_since = 0),
    SHOWN(rack_id, T_STRING, 0, NEWEST, .null_since = 0),
    SHOWN(client_id, T_STRING, 0, NEWEST),
    SHOWN(client_host, T_STRING, 0, NEWEST),
    SHOWN(rebalance_timeout_ms, T_INT32, 0, NEWEST, .preset = -1),
    SHOWN(topology_epoch, T_INT32, 0, NEWEST),
    SHOWN(process_id, T_STRING, 0, NEWEST),
    SHOWN_STRUCT(user_endpoint, streams_group_member_metadata_endpoint_fields, 0, NEWEST, .null_since = 0, .preset = PRESET_NULL),
    SHOWN_STRUCTS(client_tags, streams_group_member_metadata_key_fields, 0, NEWEST),
    { 0 },
};
static const struct field streams_group_target_assignment_metadata_fields[] = {
    SHOWN(assignment_epoch, T_INT32, 0, NEWEST),
    SHOWN(assignment_timestamp, T_INT64, 0, NEWEST, .tag = 0, .tag_since = 0),
    { 0 },
};
static const struct field streams_group_target_assignment_member_task_ids_fields[] = {
    SHOWN(subtopology_id, T_STRING, 0, NEWEST),
    SHOWN_ARRAY(partitions, T_INT32, 0, NEWEST),
    { 0 },
};
static const struct field streams_group_target_assignment_member_fields[] = {
    SHOWN_STRUCTS(active_tasks, streams_group_target_assignment_member_task_ids_fields, 0, NEWEST),
    SHOWN_STRUCTS(standby_tasks, streams_group_target_assignment_member_task_ids_fields, 0, NEWEST),
    SHOWN_STRUCTS(warmup_tasks, streams_group_target_assignment_member_task_ids_fields, 0, NEWEST),
    { 0 },
};
static const struct field streams_group_current_member_assignment_task_ids_fields[] = {
    SHOWN(subtopology_id, T_STRING, 0, NEWEST),
    SHOWN_ARRAY(partitions, T_INT32, 0, NEWEST),
    SHOWN_ARRAY(assignment_epochs, T_INT32, 0, NEWEST, .null_since = 0, .tag = 0, .tag_since = 0, .preset = PRESET_NULL),
    { 0 },
};
static const struct field streams_group_current_member_assignment_fields[] = {
    SHOWN(member_epoch, T_INT32, 0, NEWEST),
    SHOWN(previous_member_epoch, T_INT32, 0, NEWEST),
    SHOWN(state, T_INT8, 0, NEWEST),
    SHOWN_STRUCTS(active_tasks, streams_group_current_member_assignment_task_ids_fields, 0, NEWEST),
    SHOWN_STRUCTS(standby_tasks, streams_group_current_member_assignment_task_ids_fields, 0, NEWEST),
    SHOWN_STRUCTS(warmup_tasks, streams_group_current_member_assignment_task_ids_fields, 0, NEWEST),
    SHOWN_STRUCTS(active_tasks_pending_revocation, streams_group_current_member_assignment_task_ids_fields, 0, NEWEST),
    SHOWN_STRUCTS(standby_tasks_pending_revocation, streams_group_current_member_assignment_task_ids_fields, 0, NEWEST),
    SHOWN_STRUCTS(warmup_tasks_pending_revocation, streams_group_current_member_assignment_task_ids_fields, 0, NEWEST),
    { 0 },
};
static const struct field streams_group_topology_topic_config_fields[] = {
    SHOWN(key, T_STRING, 0, NEWEST),
    SHOWN(value, T_STRING, 0, NEWEST),
    { 0 },
};
static const struct field streams_group_topology_topic_info_fields[] = {
    SHOWN(name, T_STRING, 0, NEWEST),
    SHOWN(partitions, T_INT32, 0, NEWEST),
    SHOWN(replication_factor, T_INT16, 0, NEWEST),
    SHOWN_STRUCTS(topic_configs, streams_group_topology_topic_config_fields, 0, NEWEST),
    { 0 },
};
static const struct field streams_group_topology_copartition_group_fields[] = {
    SHOWN_ARRAY(source_topics, T_INT16, 0, NEWEST),
    SHOWN_ARRAY(source_topic_regex, T_INT16, 0, NEWEST),
    SHOWN_ARRAY(repartition_source_topics, T_INT16, 0, NEWEST),
    { 0 },
};
static const struct field streams_group_topology_subtopology_fields[] = {
    SHOWN(subtopology_id, T_STRING, 0, NEWEST),
    SHOWN_ARRAY(source_topics, T_STRING, 0, NEWEST),
    SHOWN_ARRAY(source_topic_regex, T_STRING, 0, NEWEST),
    SHOWN_STRUCTS(state_changelog_topics, streams_group_topology_topic_info_fields, 0, NEWEST),
    SHOWN_ARRAY(repartition_sink_topics, T_STRING, 0, NEWEST),
    SHOWN_STRUCTS(repartition_source_topics, streams_group_topology_topic_info_fields, 0, NEWEST),
    SHOWN_STRUCTS(copartition_groups, streams_group_topology_copartition_group_fields, 0, NEWEST),
    { 0 },
};
static const struct field streams_group_topology_fields[] = {
    SHOWN(epoch, T_INT32, 0, NEWEST),
    SHOWN_STRUCTS(subtopologies, streams_group_topology_subtopology_fields, 0, NEWEST),
    { 0 },
};

/* ---- what lies in a group's value ---- */
static const struct field consumer_protocol_assignment_topic_partition_fields[] = {
    SHOWN(topic, T_STRING, 0, NEWEST),
    SHOWN_ARRAY(partitions, T_INT32, 0, NEWEST),
    { 0 },
};
static const struct field consumer_protocol_assignment_fields[] = {
    SHOWN_STRUCTS(assigned_partitions, consumer_protocol_assignment_topic_partition_fields, 0, NEWEST),
    SHOWN(user_data, T_BYTES, 0, NEWEST, .null_since = 0, .preset = PRESET_NULL),
    { 0 },
};
static const struct field consumer_protocol_subscription_topic_partition_fields[] = {
    SHOWN(topic, T_STRING, 1, NEWEST),
    SHOWN_ARRAY(partitions, T_INT32, 1, NEWEST),
    { 0 },
};
static const struct field consumer_protocol_subscription_fields[] = {
    SHOWN_ARRAY(topics, T_STRING, 0, NEWEST),
    SHOWN(user_data, T_BYTES, 0, NEWEST, .null_since = 0, .preset = PRESET_NULL),
    SHOWN_STRUCTS(owned_partitions, consumer_protocol_subscription_topic_partition_fields, 1, NEWEST),
    SHOWN(generation_id, T_INT32, 2, NEWEST, .preset = -1),
    SHOWN(rack_id, T_STRING, 3, NEWEST, .null_since = 3, .preset = PRESET_NULL),
    { 0 },
};
const struct message consumer_assignment_layout = MESSAGE("ConsumerProtocolAssignment", 3, NEWEST, consumer_protocol_assignment_fields);
const struct message consumer_subscription_layout = MESSAGE("ConsumerProtocolSubscription", 3, NEWEST, consumer_protocol_subscription_fields);

/* ---- by type ---- */
#define KEY(stem_, fields_) static const struct message stem_##_key = MESSAGE(#stem_ "Key", 0, NEWEST, fields_)
#define VALUE(stem_, last_, flexible_, fields_) static const struct message stem_##_value = MESSAGE(#stem_ "Value", last_, flexible_, fields_)
KEY(ShareSnapshot, of_share_partition);
VALUE(ShareSnapshot, 0, 0, share_snapshot_fields);
KEY(TransactionLog, of_transaction);
VALUE(TransactionLog, 1, 1, transaction_log_fields);
KEY(ShareUpdate, of_share_partition);
VALUE(ShareUpdate, 0, 0, share_update_fields);
KEY(ConsumerGroupMetadata, of_group);
VALUE(ConsumerGroupMetadata, 0, 0, consumer_group_metadata_fields);
KEY(ConsumerGroupPartitionMetadata, of_group);
VALUE(ConsumerGroupPartitionMetadata, 0, 0, consumer_group_partition_metadata_fields);
KEY(ConsumerGroupMemberMetadata, of_member);
VALUE(ConsumerGroupMemberMetadata, 0, 0, consumer_group_member_metadata_fields);
KEY(ConsumerGroupTargetAssignmentMetadata, of_group);
VALUE(ConsumerGroupTargetAssignmentMetadata, 0, 0, consumer_group_target_assignment_metadata_fields);
KEY(ConsumerGroupTargetAssignmentMember, of_member);
VALUE(ConsumerGroupTargetAssignmentMember, 0, 0, consumer_group_target_assignment_member_fields);
KEY(ConsumerGroupCurrentMemberAssignment, of_member);
VALUE(ConsumerGroupCurrentMemberAssignment, 0, 0, consumer_group_current_member_assignment_fields);
KEY(ShareGroupMemberMetadata, of_member);
VALUE(ShareGroupMemberMetadata, 0, 0, share_group_member_metadata_fields);
KEY(ShareGroupMetadata, of_group);
VALUE(ShareGroupMetadata, 0, 0, share_group_metadata_fields);
KEY(ShareGroupTargetAssignmentMetadata, of_group);
VALUE(ShareGroupTargetAssignmentMetadata, 0, 0, share_group_target_assignment_metadata_fields);
KEY(ShareGroupTargetAssignmentMember, of_member);
VALUE(ShareGroupTargetAssignmentMember, 0, 0, share_group_target_assignment_member_fields);
KEY(ShareGroupCurrentMemberAssignment, of_member);
VALUE(ShareGroupCurrentMemberAssignment, 0, 0, share_group_current_member_assignment_fields);
KEY(ShareGroupStatePartitionMetadata, of_group);
VALUE(ShareGroupStatePartitionMetadata, 0, 0, share_group_state_partition_metadata_fields);
KEY(ConsumerGroupRegularExpression, of_expression);
VALUE(ConsumerGroupRegularExpression, 0, 0, consumer_group_regular_expression_fields);
KEY(StreamsGroupMetadata, of_group);
VALUE(StreamsGroupMetadata, 0, 0, streams_group_metadata_fields);
KEY(StreamsGroupMemberMetadata, of_member);
VALUE(StreamsGroupMemberMetadata, 0, 0, streams_group_member_metadata_fields);
KEY(StreamsGroupTargetAssignmentMetadata, of_group);
VALUE(StreamsGroupTargetAssignmentMetadata, 0, 0, streams_group_target_assignment_metadata_fields);
KEY(StreamsGroupTargetAssignmentMember, of_member);
VALUE(StreamsGroupTargetAssignmentMember, 0, 0, streams_group_target_assignment_member_fields);
KEY(StreamsGroupCurrentMemberAssignment, of_member);
VALUE(StreamsGroupCurrentMemberAssignment, 0, 0, streams_group_current_member_assignment_fields);
KEY(StreamsGroupTopology, of_group);
VALUE(StreamsGroupTopology, 0, 0, streams_group_topology_fields);
VALUE(LegacyOffsetCommit, 0, NEWEST, legacy_offset_commit_fields);

static const struct coordinator_layout group_layouts[] = {
    { KEY_OFFSET_OLD, &offset_key_message, &LegacyOffsetCommit_value },
    { KEY_OFFSET, &offset_key_message, &offset_value_message },
    { KEY_GROUP, &group_key_message, &group_value_message },
    { 3, &ConsumerGroupMetadata_key, &ConsumerGroupMetadata_value },
    { 4, &ConsumerGroupPartitionMetadata_key, &ConsumerGroupPartitionMetadata_value },
    { 5, &ConsumerGroupMemberMetadata_key, &ConsumerGroupMemberMetadata_value },
    { 6, &ConsumerGroupTargetAssignmentMetadata_key, &ConsumerGroupTargetAssignmentMetadata_value },
    { 7, &ConsumerGroupTargetAssignmentMember_key, &ConsumerGroupTargetAssignmentMember_value },
    { 8, &ConsumerGroupCurrentMemberAssignment_key, &ConsumerGroupCurrentMemberAssignment_value },
    { 10, &ShareGroupMemberMetadata_key, &ShareGroupMemberMetadata_value },
    { 11, &ShareGroupMetadata_key, &ShareGroupMetadata_value },
    { 12, &ShareGroupTargetAssignmentMetadata_key, &ShareGroupTargetAssignmentMetadata_value },
    { 13, &ShareGroupTargetAssignmentMember_key, &ShareGroupTargetAssignmentMember_value },
    { 14, &ShareGroupCurrentMemberAssignment_key, &ShareGroupCurrentMemberAssignment_value },
    { 15, &ShareGroupStatePartitionMetadata_key, &ShareGroupStatePartitionMetadata_value },
    { 16, &ConsumerGroupRegularExpression_key, &ConsumerGroupRegularExpression_value },
    { 17, &StreamsGroupMetadata_key, &StreamsGroupMetadata_value },
    { 19, &StreamsGroupMemberMetadata_key, &StreamsGroupMemberMetadata_value },
    { 20, &StreamsGroupTargetAssignmentMetadata_key, &StreamsGroupTargetAssignmentMetadata_value },
    { 21, &StreamsGroupTargetAssignmentMember_key, &StreamsGroupTargetAssignmentMember_value },
    { 22, &StreamsGroupCurrentMemberAssignment_key, &StreamsGroupCurrentMemberAssignment_value },
    { 23, &StreamsGroupTopology_key, &StreamsGroupTopology_value },
};
static const struct coordinator_layout transaction_layouts[] = { { 0, &TransactionLog_key, &TransactionLog_value } };
static const struct coordinator_layout share_layouts[] = {
    { 0, &ShareSnapshot_key, &ShareSnapshot_value },
    { 1, &ShareUpdate_key, &ShareUpdate_value },
};

#define COUNT(array_) (sizeof(array_) / sizeof(*(array_)))
const struct coordinator_layout *coordinator_layout(enum record_family family, int16_t type)
{
    const struct coordinator_layout *layouts = family == RECORDS_GROUP         ? group_layouts
                                          : family == RECORDS_TRANSACTION ? transaction_layouts
                                          : family == RECORDS_SHARE_STATE ? share_layouts
                                                                          : NULL;
    size_t count = family == RECORDS_GROUP         ? COUNT(group_layouts)
                   : family == RECORDS_TRANSACTION ? COUNT(transaction_layouts)
                   : family == RECORDS_SHARE_STATE ? COUNT(share_layouts)
                                                   : 0;

    for (size_t i = 0; i < count; i++)
        if (layouts[i].type == type)
            return &layouts[i];
    return NULL;
}

/* ---- metadata records that the codec has no use for ---- */
static const struct field delegation_token_fields[] = {
    SHOWN(owner, T_STRING, 0, NEWEST),
    SHOWN(requester, T_STRING, 0, NEWEST),
    SHOWN_ARRAY(renewers, T_STRING, 0, NEWEST),
    SHOWN(issue_timestamp, T_INT64, 0, NEWEST),
    SHOWN(max_timestamp, T_INT64, 0, NEWEST),
    SHOWN(expiration_timestamp, T_INT64, 0, NEWEST),
    SHOWN(token_id, T_STRING, 0, NEWEST),
    { 0 },
};
static const struct field user_scram_credential_fields[] = {
    SHOWN(name, T_STRING, 0, NEWEST),
    SHOWN(mechanism, T_INT8, 0, NEWEST),
    SHOWN(salt, T_BYTES, 0, NEWEST),
    SHOWN(stored_key, T_BYTES, 0, NEWEST),
    SHOWN(server_key, T_BYTES, 0, NEWEST),
    SHOWN(iterations, T_INT32, 0, NEWEST),
    { 0 },
};
static const struct field client_quota_entity_data_fields[] = {
    SHOWN(entity_type, T_STRING, 0, NEWEST),
    SHOWN(entity_name, T_STRING, 0, NEWEST, .null_since = 0),
    { 0 },
};
static const struct field client_quota_fields[] = {
    SHOWN_STRUCTS(entity, client_quota_entity_data_fields, 0, NEWEST),
    SHOWN(key, T_STRING, 0, NEWEST),
    SHOWN(value, T_FLOAT64, 0, NEWEST),
    SHOWN(remove, T_BOOL, 0, NEWEST),
    { 0 },
};
static const struct field access_control_entry_fields[] = {
    SHOWN(id, T_UUID, 0, NEWEST),
    SHOWN(resource_type, T_INT8, 0, NEWEST),
    SHOWN(resource_name, T_STRING, 0, NEWEST),
    SHOWN(pattern_type, T_INT8, 0, NEWEST),
    SHOWN(principal, T_STRING, 0, NEWEST),
    SHOWN(host, T_STRING, 0, NEWEST),
    SHOWN(operation, T_INT8, 0, NEWEST),
    SHOWN(permission_type, T_INT8, 0, NEWEST),
    { 0 },
};
static const struct field remove_access_control_entry_fields[] = { SHOWN(id, T_UUID, 0, NEWEST), { 0 } };
static const struct field zk_migration_state_fields[] = { SHOWN(zk_migration_state, T_INT8, 0, NEWEST), { 0 } };
static const struct field remove_user_scram_credential_fields[] = {
    SHOWN(name, T_STRING, 0, NEWEST),
    SHOWN(mechanism, T_INT8, 0, NEWEST),
    { 0 },
};
static const struct field remove_delegation_token_fields[] = { SHOWN(token_id, T_STRING, 0, NEWEST), { 0 } };
static const struct field clear_elr_fields[] = { SHOWN(topic_name, T_STRING, 0, NEWEST), { 0 } };

/* ---- the remote log's metadata (KIP-405) ---- */
static const struct field topic_id_partition_fields[] = {
    SHOWN(name, T_STRING, 0, NEWEST),
    SHOWN(id, T_UUID, 0, NEWEST),
    SHOWN(partition, T_INT32, 0, NEWEST),
    { 0 },
};
static const struct field remote_log_segment_id_fields[] = {
    SHOWN_STRUCT(topic_id_partition, topic_id_partition_fields, 0, NEWEST),
    SHOWN(id, T_UUID, 0, NEWEST),
    { 0 },
};
static const struct field segment_leader_epoch_fields[] = { SHOWN(leader_epoch, T_INT32, 0, NEWEST), SHOWN(offset, T_INT64, 0, NEWEST), { 0 } };
static const struct field remote_log_segment_metadata_fields[] = {
    SHOWN_STRUCT(remote_log_segment_id, remote_log_segment_id_fields, 0, NEWEST),
    SHOWN(start_offset, T_INT64, 0, NEWEST),
    SHOWN(end_offset, T_INT64, 0, NEWEST),
    SHOWN(broker_id, T_INT32, 0, NEWEST),
    SHOWN(max_timestamp_ms, T_INT64, 0, NEWEST),
    SHOWN(event_timestamp_ms, T_INT64, 0, NEWEST),
    SHOWN_STRUCTS(segment_leader_epochs, segment_leader_epoch_fields, 0, NEWEST),
    SHOWN(segment_size_in_bytes, T_INT32, 0, NEWEST),
    SHOWN(custom_metadata, T_BYTES, 0, NEWEST, .null_since = 0, .preset = PRESET_NULL),
    SHOWN(remote_log_segment_state, T_INT8, 0, NEWEST),
    SHOWN(txn_index_empty, T_BOOL, 0, NEWEST, .tag = 0, .tag_since = 0),
    { 0 },
};
static const struct field remote_log_segment_update_fields[] = {
    SHOWN_STRUCT(remote_log_segment_id, remote_log_segment_id_fields, 0, NEWEST),
    SHOWN(broker_id, T_INT32, 0, NEWEST),
    SHOWN(event_timestamp_ms, T_INT64, 0, NEWEST),
    SHOWN(custom_metadata, T_BYTES, 0, NEWEST, .null_since = 0, .preset = PRESET_NULL),
    SHOWN(remote_log_segment_state, T_INT8, 0, NEWEST),
    { 0 },
};
static const struct field remote_partition_delete_fields[] = {
    SHOWN_STRUCT(topic_id_partition, topic_id_partition_fields, 0, NEWEST),
    SHOWN(broker_id, T_INT32, 0, NEWEST),
    SHOWN(event_timestamp_ms, T_INT64, 0, NEWEST),
    SHOWN(remote_partition_delete_state, T_INT8, 0, NEWEST),
    { 0 },
};
static const struct field remote_log_segment_snapshot_fields[] = {
    SHOWN(segment_id, T_UUID, 0, NEWEST),
    SHOWN(start_offset, T_INT64, 0, NEWEST),
    SHOWN(end_offset, T_INT64, 0, NEWEST),
    SHOWN(broker_id, T_INT32, 0, NEWEST),
    SHOWN(max_timestamp_ms, T_INT64, 0, NEWEST),
    SHOWN(event_timestamp_ms, T_INT64, 0, NEWEST),
    SHOWN_STRUCTS(segment_leader_epochs, segment_leader_epoch_fields, 0, NEWEST),
    SHOWN(segment_size_in_bytes, T_INT32, 0, NEWEST),
    SHOWN(custom_metadata, T_BYTES, 0, NEWEST, .null_since = 0, .preset = PRESET_NULL),
    SHOWN(remote_log_segment_state, T_INT8, 0, NEWEST),
    SHOWN(txn_index_empty, T_BOOL, 0, NEWEST, .tag = 0, .tag_since = 0),
    { 0 },
};

struct framed { uint32_t type; const char *name; struct message value; };
static const struct framed framed_metadata[] = {
    { 10, "DELEGATION_TOKEN_RECORD", MESSAGE("DelegationTokenRecord", 0, 0, delegation_token_fields) },
    { 11, "USER_SCRAM_CREDENTIAL_RECORD", MESSAGE("UserScramCredentialRecord", 0, 0, user_scram_credential_fields) },
    { 14, "CLIENT_QUOTA_RECORD", MESSAGE("ClientQuotaRecord", 0, 0, client_quota_fields) },
    { 18, "ACCESS_CONTROL_ENTRY_RECORD", MESSAGE("AccessControlEntryRecord", 0, 0, access_control_entry_fields) },
    { 19, "REMOVE_ACCESS_CONTROL_ENTRY_RECORD", MESSAGE("RemoveAccessControlEntryRecord", 0, 0, remove_access_control_entry_fields) },
    { 21, "ZK_MIGRATION_STATE_RECORD", MESSAGE("ZkMigrationStateRecord", 0, 0, zk_migration_state_fields) },
    { 22, "REMOVE_USER_SCRAM_CREDENTIAL_RECORD", MESSAGE("RemoveUserScramCredentialRecord", 0, 0, remove_user_scram_credential_fields) },
    { 26, "REMOVE_DELEGATION_TOKEN_RECORD", MESSAGE("RemoveDelegationTokenRecord", 0, 0, remove_delegation_token_fields) },
    { 28, "CLEAR_ELR_RECORD", MESSAGE("ClearElrRecord", 0, 0, clear_elr_fields) },
};
static const struct framed framed_remote_log[] = {
    { 0, "REMOTE_LOG_SEGMENT_METADATA_RECORD", MESSAGE("RemoteLogSegmentMetadataRecord", 0, 0, remote_log_segment_metadata_fields) },
    { 1, "REMOTE_LOG_SEGMENT_METADATA_UPDATE_RECORD", MESSAGE("RemoteLogSegmentMetadataUpdateRecord", 0, 0, remote_log_segment_update_fields) },
    { 2, "REMOTE_PARTITION_DELETE_METADATA_RECORD", MESSAGE("RemotePartitionDeleteMetadataRecord", 0, 0, remote_partition_delete_fields) },
    { 3, "REMOTE_LOG_SEGMENT_METADATA_SNAPSHOT_RECORD",
      MESSAGE("RemoteLogSegmentMetadataSnapshotRecord", 0, 0, remote_log_segment_snapshot_fields) },
};

static const struct message *framed(const struct framed *rows, size_t count, uint32_t type, const char **name)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].type != type)
            continue;
        *name = rows[i].name;
        return &rows[i].value;
    }
    return NULL;
}

const struct message *framed_layout(enum record_family family, uint32_t type, const char **name)
{
    const struct message *known = family == RECORDS_METADATA ? metadata_layout(type) : NULL;
    const char *unread;

    if (!name)
        name = &unread;
    *name = known ? known->name : NULL;
    return known                          ? known
           : family == RECORDS_METADATA   ? framed(framed_metadata, COUNT(framed_metadata), type, name)
           : family == RECORDS_REMOTE_LOG ? framed(framed_remote_log, COUNT(framed_remote_log), type, name)
                                          : NULL;
}

enum record_family record_family_of(const char *topic)
{
    static const struct { const char *topic; enum record_family family; } topics[] = {
        { "__consumer_offsets", RECORDS_GROUP },        { "__transaction_state", RECORDS_TRANSACTION },
        { "__share_group_state", RECORDS_SHARE_STATE }, { "__cluster_metadata", RECORDS_METADATA },
        { "__remote_log_metadata", RECORDS_REMOTE_LOG },
    };

    for (size_t i = 0; i < COUNT(topics); i++)
        if (text_equal(topics[i].topic, topic))
            return topics[i].family;
    return RECORDS_PLAIN;
}
