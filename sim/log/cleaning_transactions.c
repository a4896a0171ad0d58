/* Cleaning a log: which batches are of aborted transactions, and which markers may go. Kafka's CleanedTransactionMetadata. */
#include "sim/log/cleaning_internal.h"

static void expect_aborted(struct transactions *transactions, const struct aborted_entry *entry)
{
    size_t i;

    (void)ARRAY_ADD(transactions->ahead, transactions->ahead_count, transactions->ahead_capacity);
    for (i = transactions->ahead_count - 1; i > transactions->next && transactions->ahead[i - 1].first_offset > entry->first_offset; i--)
        transactions->ahead[i] = transactions->ahead[i - 1];
    transactions->ahead[i] = *entry;
}

void cleaning_collect_aborted(struct cleaning *cleaning, int64_t from, int64_t upper)
{
    struct log *log = cleaning->log;
    size_t i = log_segment_of(log, from);

    for (i = i == log->segment_count ? 0 : i; i < log->segment_count; i++) {
        const struct segment *segment = log->segments[i];

        for (size_t k = 0; k < segment->aborted_count; k++) {
            if (segment->aborted[k].last_offset >= from && segment->aborted[k].first_offset < upper)
                expect_aborted(&cleaning->transactions, &segment->aborted[k]);
            if (segment->aborted[k].last_stable_offset >= upper)
                return;
        }
    }
}

static size_t place_of_abort(const struct transactions *transactions, int64_t producer_id, bool *found)
{
    size_t low = 0, high = transactions->aborted_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (transactions->aborted[middle].entry.producer_id < producer_id)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < transactions->aborted_count && transactions->aborted[low].entry.producer_id == producer_id;
    return low;
}

static size_t place_of_committed(const struct transactions *transactions, int64_t producer_id, bool *found)
{
    size_t low = 0, high = transactions->committed_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (transactions->committed[middle] < producer_id)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < transactions->committed_count && transactions->committed[low] == producer_id;
    return low;
}

/* Aborted transactions that began by now are open. */
static void open_aborts(struct transactions *transactions, int64_t offset)
{
    while (transactions->next < transactions->ahead_count && transactions->ahead[transactions->next].first_offset <= offset) {
        const struct aborted_entry *entry = &transactions->ahead[transactions->next++];
        bool found;
        size_t place = place_of_abort(transactions, entry->producer_id, &found);

        if (found)
            continue;
        (void)ARRAY_ADD(transactions->aborted, transactions->aborted_count, transactions->aborted_capacity);
        memmove(&transactions->aborted[place + 1], &transactions->aborted[place],
                (transactions->aborted_count - 1 - place) * sizeof(*transactions->aborted));
        transactions->aborted[place] = (struct open_abort){ .entry = *entry };
    }
}

bool cleaning_batch_aborted(struct transactions *transactions, const struct batch *batch)
{
    bool found;
    size_t place;

    open_aborts(transactions, batch->last_offset);
    if (!batch_transactional(batch))
        return false;
    place = place_of_abort(transactions, batch->producer_id, &found);
    if (found) {
        transactions->aborted[place].observed = true;
        return true;
    }
    place = place_of_committed(transactions, batch->producer_id, &found);
    if (!found) {
        (void)ARRAY_ADD(transactions->committed, transactions->committed_count, transactions->committed_capacity);
        memmove(&transactions->committed[place + 1], &transactions->committed[place],
                (transactions->committed_count - 1 - place) * sizeof(*transactions->committed));
        transactions->committed[place] = batch->producer_id;
    }
    return false;
}

/* -1: the batch is empty, cleaned before; else the type of its control record (INT16_MIN: none that is known). */
static int marker_type(const struct batch *batch)
{
    struct record_iterator it;
    struct record record;
    int type = -1;

    records_begin(&it, batch);
    if (records_next(&it, &record))
        type = record.key.size >= 4 && get_i16(record.key.data) >= 0 ? get_i16(record.key.data + 2) : INT16_MIN;
    records_done(&it);
    return type;
}

enum err cleaning_take_marker(struct cleaning *cleaning, struct segment *cleaned, const struct batch *batch, bool *can_go, struct reason *reason)
{
    struct transactions *transactions = &cleaning->transactions;
    struct aborted_entry entry;
    bool found, observed;
    size_t place;

    open_aborts(transactions, batch->last_offset);
    switch (marker_type(batch)) {
    case -1:
        *can_go = true;
        return ERR_OK;
    case 0:
        place = place_of_abort(transactions, batch->producer_id, &found);
        observed = found && transactions->aborted[place].observed;
        *can_go = !observed;
        if (!found)
            return ERR_OK;
        entry = transactions->aborted[place].entry;
        memmove(&transactions->aborted[place], &transactions->aborted[place + 1],
                (--transactions->aborted_count - place) * sizeof(*transactions->aborted));
        return observed && cleaned ? segment_add_aborted(cleaning->log, cleaned, &entry, reason) : ERR_OK;
    case 1:
        place = place_of_committed(transactions, batch->producer_id, &found);
        *can_go = !found;
        if (found)
            memmove(&transactions->committed[place], &transactions->committed[place + 1],
                    (--transactions->committed_count - place) * sizeof(*transactions->committed));
        return ERR_OK;
    default:
        *can_go = false;
        return ERR_OK;
    }
}

void cleaning_transactions_clear(struct transactions *transactions)
{
    transactions->next = transactions->ahead_count = transactions->aborted_count = transactions->committed_count = 0;
}
