/* Idempotent producers: duplicates, order, and what a restart remembers. */
#include "sim/log/producers.h"

#include "tests/log/lab.h"

TEST(a_batch_sent_again_is_not_written_again)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct log_appended out;

    lab_open(lab);
    for (int i = 0; i < 6; i++)
        OK(lab_produce(lab, 1000, 0, i * 2, 2, &out));
    CHECK_INT(12, log_end_offset(lab->log));
    for (int i = 1; i < 6; i++) {                          /* the last five are known */
        OK(lab_produce(lab, 1000, 0, i * 2, 2, &out));
        CHECK(out.duplicate);
        CHECK_INT(i * 2, out.base_offset);
    }
    CHECK_INT(ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, lab_produce(lab, 1000, 0, 0, 2, &out));
    CHECK_INT(12, log_end_offset(lab->log));
    lab_free(lab);
}

TEST(a_gap_and_an_old_epoch_are_refused)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct log_appended out;

    lab_open(lab);
    OK(lab_produce(lab, 7, 0, 0, 1, &out));
    CHECK_INT(ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, lab_produce(lab, 7, 0, 2, 1, &out));
    CHECK_INT(ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, lab_produce(lab, 7, 1, 1, 1, &out)); /* a new epoch begins with 0 */
    OK(lab_produce(lab, 7, 1, 0, 1, &out));
    CHECK_INT(ERR_INVALID_PRODUCER_EPOCH, lab_produce(lab, 7, 0, 1, 1, &out));
    OK(lab_produce(lab, 8, 0, 55, 1, &out));               /* unknown producer: any sequence */
    CHECK_INT(3, log_end_offset(lab->log));
    CHECK_INT(2, log_producers(lab->log, NULL, 0));
    lab_free(lab);
}

TEST(without_an_epoch_any_sequence_is_taken)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct log_appended out;

    lab_open(lab);
    OK(lab_produce(lab, 7, -1, 2, 1, &out));
    OK(lab_produce(lab, 7, -1, 26, 1, &out));
    OK(lab_produce(lab, 7, 0, 5, 1, &out));
    CHECK_INT(ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, lab_produce(lab, 7, 0, 9, 1, &out));
    lab_free(lab);
}

TEST(sequences_wrap_to_zero)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct log_appended out;

    lab_open(lab);
    OK(lab_produce(lab, 7, 0, INT32_MAX - 1, 2, &out));
    OK(lab_produce(lab, 7, 0, 0, 1, &out));
    CHECK(!out.duplicate);
    OK(lab_produce(lab, 7, 0, 1, 1, &out));
    lab_free(lab);
}

TEST(after_a_restart_only_the_last_batch_is_known)
{
    for (int clean = 0; clean < 2; clean++) {
        struct lab *lab = lab_new(RELEASE_43);
        struct log_appended out;
        struct producer_info info;

        lab_open(lab);
        for (int i = 0; i < 4; i++)
            OK(lab_produce(lab, 7, 3, i, 1, &out));
        if (clean)
            lab_close(lab);
        else
            lab_kill(lab);
        lab_open(lab);
        CHECK_INT(1, log_producers(lab->log, &info, 1));
        CHECK_INT(3, info.last_sequence);
        CHECK_INT(3, info.producer_epoch);
        CHECK_INT(3, info.last_offset);
        OK(lab_produce(lab, 7, 3, 3, 1, &out));
        CHECK(out.duplicate);
        CHECK_INT(3, out.base_offset);
        OK(lab_produce(lab, 7, 3, 4, 1, &out));
        CHECK_INT(4, out.base_offset);
        lab_free(lab);
    }
}

TEST(a_damaged_snapshot_is_thrown_away_and_the_log_read_instead)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct log_appended out;
    struct producer_info info;
    struct file *file;

    lab_open(lab);
    OK(lab_produce(lab, 7, 0, 0, 1, &out));
    OK(log_roll(lab->log, lab_now_ms(lab), NULL));
    OK(lab_produce(lab, 7, 0, 1, 1, &out));
    lab_close(lab);
    CHECK_FILES(lab, "*.snapshot", "1.snapshot 56, 2.snapshot 56");
    OK(fs_open(lab->fs, "logs/students-0/00000000000000000002.snapshot", FILE_READ | FILE_WRITE, &file, NULL));
    OK(file_write(file, "x", 1, 20, NULL));
    file_close(file);
    lab_open(lab);
    CHECK_INT(1, log_producers(lab->log, &info, 1));
    CHECK_INT(1, info.last_sequence);
    lab_free(lab);
}

TEST(silent_producers_are_forgotten)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct log_appended out;

    lab->config.producer_id_expiration_ms = 1000;
    lab_open(lab);
    OK(lab_produce(lab, 7, 0, 0, 1, &out));
    lab_advance_ms(lab, 500);
    OK(lab_produce(lab, 8, 0, 0, 1, &out));
    lab_advance_ms(lab, 500);
    log_expire_producers(lab->log, lab_now_ms(lab));
    CHECK_INT(1, log_producers(lab->log, NULL, 0));
    CHECK_TEXT("students-0: 1 producer id silent for 1.0 s or more: forgotten", lab_said(lab, EVENT_producer_expired));
    lab_free(lab);
}

/* Out of the golden transactional folder: committed, aborted, and one that is still open. */
TEST(an_open_transaction_holds_the_last_stable_offset)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct batch_builder builder = { 0 };
    struct log_appended out;
    struct aborted aborted;
    struct bytes records;
    uint8_t key[4] = { 0, 0, 0, 0 }, value[6] = { 0 };     /* version 0, ABORT; version 0, coordinator epoch 0 */

    lab_open(lab);
    lab_append(lab, 2);
    batch_builder_init(&builder, CODEC_NONE);
    builder.producer_id = 9;
    builder.producer_epoch = 0;
    builder.base_sequence = 0;
    builder.attributes |= ATTRIBUTE_TRANSACTIONAL;
    batch_builder_add(&builder, lab_now_ms(lab), (struct bytes){ 0 }, bytes_text("x"), NULL, 0);
    OK(batch_builder_finish(&builder, &records, NULL));
    OK(lab_send(lab, records, APPEND_CLIENT, &out));
    lab_append(lab, 2);
    CHECK_INT(2, log_last_stable_offset(lab->log));
    CHECK_INT(5, log_high_watermark(lab->log));
    CHECK_INT(ERR_INVALID_TXN_STATE, lab_produce(lab, 9, 0, 1, 1, &out));
    batch_builder_done(&builder);
    builder = (struct batch_builder){ 0 };
    batch_builder_init(&builder, CODEC_NONE);
    builder.producer_id = 9;
    builder.producer_epoch = 1;
    builder.attributes |= ATTRIBUTE_TRANSACTIONAL | ATTRIBUTE_CONTROL;
    batch_builder_add(&builder, lab_now_ms(lab), (struct bytes){ key, 4 }, (struct bytes){ value, 6 }, NULL, 0);
    OK(batch_builder_finish(&builder, &records, NULL));
    OK(lab_send(lab, records, APPEND_COORDINATOR, &out));
    CHECK_INT(6, log_last_stable_offset(lab->log));
    CHECK_INT(1, log_aborted(lab->log, 0, 6, &aborted, 1));
    CHECK_INT(9, aborted.producer_id);
    CHECK_INT(2, aborted.first_offset);
    CHECK_FILES(lab, "*.txnindex", "0.txnindex 34");
    lab_kill(lab);
    lab_open(lab);                                         /* recovery builds it again */
    CHECK_INT(1, log_aborted(lab->log, 0, 6, &aborted, 1));
    CHECK_INT(2, aborted.first_offset);
    batch_builder_done(&builder);
    lab_free(lab);
}

static enum err send_marker(struct lab *lab, bool commit, int64_t producer_id, int32_t coordinator_epoch)
{
    struct batch_builder builder = { 0 };
    struct log_appended out;
    struct bytes records;
    enum err err;

    batch_builder_init_marker(&builder, commit, producer_id, 0, coordinator_epoch, lab_now_ms(lab));
    OK(batch_builder_finish(&builder, &records, NULL));
    err = lab_send(lab, records, APPEND_COORDINATOR, &out);
    batch_builder_done(&builder);
    return err;
}

TEST(an_abort_of_nothing_is_a_transaction_in_27_only)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (size_t i = 0; i < 2; i++) {
        struct lab *lab = lab_new(releases[i]);
        struct aborted aborted;

        lab_open(lab);
        lab_append(lab, 3);
        OK(send_marker(lab, false, 9, 0));
        CHECK_INT(4, log_last_stable_offset(lab->log));
        CHECK_INT(releases[i] == RELEASE_27, log_aborted(lab->log, 0, 4, &aborted, 1));
        CHECK_FILES(lab, "*.txnindex", releases[i] == RELEASE_27 ? "0.txnindex 34" : "");
        lab_close(lab);
        lab_open(lab);                                     /* and is found again, and believed */
        CHECK_INT(releases[i] == RELEASE_27, log_aborted(lab->log, 0, 4, &aborted, 1));
        CHECK_TEXT(NULL, lab_said(lab, EVENT_log_recovered));
        if (releases[i] == RELEASE_27)
            CHECK_INT(3, aborted.first_offset);
        lab_free(lab);
    }
}

TEST(a_coordinator_that_was_replaced_is_fenced)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab_open(lab);
    OK(send_marker(lab, true, 9, 2));
    CHECK_INT(ERR_TRANSACTION_COORDINATOR_FENCED, send_marker(lab, true, 9, 1));
    CHECK_INT(1, log_end_offset(lab->log));
    OK(send_marker(lab, false, 9, 2));
    CHECK_INT(ERR_OK, send_marker(lab, true, 8, 0));         /* each producer has its own */
    lab_free(lab);
}

TEST(an_open_transaction_whose_records_went_holds_what_is_left)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (size_t i = 0; i < 2; i++) {
        struct lab *lab = lab_new(releases[i]);
        struct batch_builder builder = { 0 };
        struct log_appended out;
        struct bytes records;

        lab_open(lab);
        batch_builder_init(&builder, CODEC_NONE);
        builder.producer_id = 9;
        builder.producer_epoch = 0;
        builder.base_sequence = 0;
        builder.attributes |= ATTRIBUTE_TRANSACTIONAL;
        batch_builder_add(&builder, lab_now_ms(lab), (struct bytes){ 0 }, bytes_text("x"), NULL, 0);
        OK(batch_builder_finish(&builder, &records, NULL));
        OK(lab_send(lab, records, APPEND_CLIENT, &out));
        lab_append(lab, 1);
        OK(lab_produce(lab, 8, 0, 0, 3, &out));                /* one batch, 2..4 */
        CHECK_INT(0, log_last_stable_offset(lab->log));
        log_raise_start_offset(lab->log, 1);
        CHECK_INT(1, log_last_stable_offset(lab->log));
        log_raise_start_offset(lab->log, 4);
        CHECK_INT(releases[i] == RELEASE_27 ? 4 : 2, log_last_stable_offset(lab->log)); /* 4.3: below the log start, as the real one */
        log_raise_start_offset(lab->log, 5);
        CHECK_INT(5, log_last_stable_offset(lab->log));
        OK(send_marker(lab, true, 9, 0));
        CHECK_INT(6, log_last_stable_offset(lab->log));
        batch_builder_done(&builder);
        lab_free(lab);
    }
}
