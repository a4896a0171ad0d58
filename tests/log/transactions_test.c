/* Transactions as a log sees them: what is open, what is stable, what was aborted; over rolls, restarts, truncation, deletion. */
#include "tests/log/lab.h"

/* A batch of one record of an open transaction. */
static enum err write(struct lab *lab, int64_t producer_id, int32_t sequence, bool replicated_at_once)
{
    struct batch_builder builder = { 0 };
    struct log_append append = { .origin = APPEND_CLIENT, .produce_version = 8, .now_ms = lab_now_ms(lab) };
    struct log_appended out;
    enum err err;

    batch_builder_init(&builder, CODEC_NONE);
    builder.producer_id = producer_id;
    builder.producer_epoch = 0;
    builder.base_sequence = sequence;
    builder.attributes |= ATTRIBUTE_TRANSACTIONAL;
    batch_builder_add(&builder, lab_now_ms(lab), (struct bytes){ 0 }, bytes_text("x"), NULL, 0);
    OK(batch_builder_finish(&builder, &append.records, NULL));
    err = replicated_at_once ? lab_send(lab, append.records, APPEND_CLIENT, &out) : log_append(lab->log, &append, &out, NULL);
    batch_builder_done(&builder);
    return err;
}

static enum err end(struct lab *lab, int64_t producer_id, bool commit, bool replicated_at_once)
{
    struct batch_builder builder = { 0 };
    struct log_append append = { .origin = APPEND_COORDINATOR, .produce_version = -1, .now_ms = lab_now_ms(lab) };
    uint8_t key[4] = { 0, 0, 0, commit }, value[6] = { 0 };
    struct log_appended out;
    enum err err;

    batch_builder_init(&builder, CODEC_NONE);
    builder.producer_id = producer_id;
    builder.producer_epoch = 0;
    builder.attributes |= ATTRIBUTE_TRANSACTIONAL | ATTRIBUTE_CONTROL;
    batch_builder_add(&builder, lab_now_ms(lab), (struct bytes){ key, 4 }, (struct bytes){ value, 6 }, NULL, 0);
    OK(batch_builder_finish(&builder, &append.records, NULL));
    err = replicated_at_once ? lab_send(lab, append.records, APPEND_COORDINATOR, &out) : log_append(lab->log, &append, &out, NULL);
    batch_builder_done(&builder);
    return err;
}

/* "9@0, 7@4": aborted transactions that a read of these offsets is told of. */
#define CHECK_ABORTED(lab, from, upper, expected) check_aborted((lab), (from), (upper), (expected), __FILE__, __LINE__)
static void check_aborted(struct lab *lab, int64_t from, int64_t upper, const char *expected, const char *file, int line)
{
    struct aborted found[8];
    size_t count = log_aborted(lab->log, from, upper, found, 8);
    struct text text = { 0 };

    for (size_t i = 0; i < count; i++)
        text_printf(&text, "%s%lld@%lld", i ? ", " : "", (long long)found[i].producer_id, (long long)found[i].first_offset);
    check_text(expected, text_chars(&text), "aborted", file, line);
    text_done(&text);
}

static struct lab *open_lab(enum release release)
{
    struct lab *lab = lab_new(release);

    lab_open(lab);
    return lab;
}

/* 9 writes at 0 and is aborted at 2, 8 writes at 1 and is committed at 3, 7 writes at 4 and is aborted at 5. */
static void interleave(struct lab *lab)
{
    OK(write(lab, 9, 0, true));
    OK(write(lab, 8, 0, true));
    OK(end(lab, 9, false, true));
    CHECK_INT(1, log_last_stable_offset(lab->log));       /* 8 is open */
    OK(end(lab, 8, true, true));
    CHECK_INT(4, log_last_stable_offset(lab->log));
    OK(write(lab, 7, 0, true));
    CHECK_INT(4, log_last_stable_offset(lab->log));
    OK(end(lab, 7, false, true));
    CHECK_INT(6, log_last_stable_offset(lab->log));
}

static void check_interleaved(struct lab *lab)
{
    CHECK_ABORTED(lab, 0, 6, "9@0, 7@4");
    CHECK_ABORTED(lab, 0, 1, "9@0");                      /* the entry says that all below 1 was stable then: it is the last of interest */
    CHECK_ABORTED(lab, 2, 4, "9@0");
    CHECK_ABORTED(lab, 3, 4, "");
    CHECK_ABORTED(lab, 3, 6, "7@4");
    CHECK_ABORTED(lab, 6, 7, "");
}

TEST(the_oldest_open_transaction_bounds_what_is_stable)
{
    for (int r = 0; r < 2; r++) {
        struct lab *lab = open_lab(r ? RELEASE_43 : RELEASE_27);
        struct buffer bytes = { 0 };

        interleave(lab);
        check_interleaved(lab);
        OK(fs_read_all(lab->fs, "logs/students-0/00000000000000000000.txnindex", 1000, &bytes, NULL));
        CHECK_HEX("0000 0000000000000009 0000000000000000 0000000000000002 0000000000000001"
                  "0000 0000000000000007 0000000000000004 0000000000000005 0000000000000006", bytes.data, bytes.size);
        buffer_done(&bytes);
        lab_kill(lab);
        lab_open(lab);                                    /* recovery writes the index anew */
        check_interleaved(lab);
        lab_close(lab);
        lab_open(lab);
        check_interleaved(lab);
        lab_free(lab);
    }
}

TEST(an_ended_transaction_is_unstable_until_its_end_is_replicated)
{
    struct lab *lab = open_lab(RELEASE_43);

    lab_append(lab, 1);
    OK(write(lab, 9, 0, false));
    OK(end(lab, 9, true, false));
    CHECK_INT(1, log_last_stable_offset(lab->log));
    log_set_high_watermark(lab->log, 2);                  /* the record is, its marker is not */
    CHECK_INT(1, log_last_stable_offset(lab->log));
    log_set_high_watermark(lab->log, 3);
    CHECK_INT(3, log_last_stable_offset(lab->log));
    OK(write(lab, 9, 1, false));
    CHECK_INT(3, log_last_stable_offset(lab->log));       /* never above the high watermark */
    lab_free(lab);
}

TEST(an_open_transaction_survives_a_restart)
{
    for (int r = 0; r < 4; r++) {
        struct lab *lab = open_lab(r & 1 ? RELEASE_43 : RELEASE_27);
        struct producer_info info;

        lab_append(lab, 3);
        OK(write(lab, 9, 0, true));
        OK(write(lab, 9, 1, true));
        OK(log_roll(lab->log, lab_now_ms(lab), NULL));
        lab_append(lab, 1);
        if (r & 2)
            lab_close(lab);
        else
            lab_kill(lab);
        lab_advance_ms(lab, 30LL * 24 * 3600 * 1000);     /* it doesn't expire while it is open */
        lab_open(lab);
        log_set_high_watermark(lab->log, 6);
        log_expire_producers(lab->log, lab_now_ms(lab));
        CHECK_INT(3, log_last_stable_offset(lab->log));
        CHECK_INT(1, log_producers(lab->log, &info, 1));
        CHECK_INT(3, info.transaction_start_offset);
        CHECK_INT(1, info.last_sequence);
        OK(write(lab, 9, 2, true));
        OK(end(lab, 9, false, true));
        CHECK_INT(8, log_last_stable_offset(lab->log));
        CHECK_ABORTED(lab, 0, 8, "9@3");                  /* found in a later segment than its first records: that of the seventh day */
        CHECK_FILES(lab, "*.txnindex", "6.txnindex 34");
        CHECK_INT(1, log_producers(lab->log, &info, 1));
        CHECK_INT(-1, info.transaction_start_offset);
        lab_free(lab);
    }
}

TEST(a_truncated_end_opens_its_transaction_again)
{
    struct lab *lab = open_lab(RELEASE_43);

    interleave(lab);
    OK(log_truncate_to(lab->log, 2, lab_now_ms(lab), NULL));
    CHECK_INT(0, log_last_stable_offset(lab->log));
    CHECK_ABORTED(lab, 0, 2, "");
    CHECK_FILES(lab, "*.txnindex", "0.txnindex 0");
    OK(end(lab, 9, true, true));                          /* and it may end otherwise */
    CHECK_INT(1, log_last_stable_offset(lab->log));
    CHECK_ABORTED(lab, 0, 3, "");
    lab_free(lab);
}

TEST(nothing_below_the_log_start_is_unstable)
{
    struct lab *lab = open_lab(RELEASE_43);

    OK(write(lab, 9, 0, true));
    lab_append(lab, 9);
    CHECK_INT(0, log_last_stable_offset(lab->log));
    log_raise_start_offset(lab->log, 5);                  /* DeleteRecords */
    CHECK_INT(5, log_last_stable_offset(lab->log));
    lab_free(lab);
}

TEST(an_abort_index_goes_with_its_segment)
{
    struct lab *lab = open_lab(RELEASE_43);

    interleave(lab);
    OK(log_roll(lab->log, lab_now_ms(lab), NULL));
    lab_append(lab, 1);
    log_raise_start_offset(lab->log, 6);
    CHECK_INT(1, lab_check(lab));
    CHECK_FILES(lab, "*.txnindex*", "0.txnindex.deleted 68");
    CHECK_ABORTED(lab, 6, 7, "");
    lab_advance_ms(lab, 60000);
    log_unlink_due(lab->log, lab_now_ms(lab), INT32_MAX);
    CHECK_FILES(lab, "*.txnindex*", "");
    lab_free(lab);
}

TEST(a_read_is_told_of_aborts_as_far_as_the_index_knows_its_end)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab->config.index_interval_bytes = 0;                 /* an entry a batch but for the first */
    lab_open(lab);
    lab_append(lab, 4);
    CHECK_INT(2, log_aborted_bound(lab->log, 0, 69 * 2)); /* the entry of the batch behind it */
    CHECK_INT(3, log_aborted_bound(lab->log, 0, 69 * 2 + 1)); /* a batch cut short counts with it */
    CHECK_INT(4, log_aborted_bound(lab->log, 1, 69 * 3)); /* none behind it: the end */
    OK(log_roll(lab->log, lab_now_ms(lab), NULL));
    lab_append(lab, 2);
    CHECK_INT(4, log_aborted_bound(lab->log, 3, 69));     /* of its segment */
    lab_free(lab);
}
