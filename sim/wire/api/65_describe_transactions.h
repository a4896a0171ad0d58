/* DescribeTransactions (65): the state of transactional ids. */
#pragma once
#include "sim/base/fields.h"

struct describe_transactions_request {
    ARRAY_OF(const char *) transactional_ids;
};

extern const struct message describe_transactions_request_message;

struct describe_transactions_response_topic {
    const char *topic;
    ARRAY_OF(int32_t) partitions;
};

struct describe_transactions_response_transaction {
    int16_t error_code;
    const char *transactional_id;
    const char *transaction_state;
    int32_t transaction_timeout_ms;
    int64_t transaction_start_time_ms;
    int64_t producer_id;
    int16_t producer_epoch;
    ARRAY_OF(struct describe_transactions_response_topic) topics;
};

struct describe_transactions_response {
    int32_t throttle_time_ms;
    ARRAY_OF(struct describe_transactions_response_transaction) transaction_states;
};

extern const struct message describe_transactions_response_message;
