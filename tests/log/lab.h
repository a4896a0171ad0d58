/* A log to try things with: files in memory, a clock that is moved by hand, a journal. */
#pragma once
#include "sim/base/journal.h"
#include "sim/base/mem.h"
#include "sim/base/queue.h"
#include "sim/log/log.h"
#include "tests/harness.h"

struct lab {
    struct queue *queue;
    struct fs *fs;
    struct random random;
    struct log_env env;
    struct log_config config;
    struct log *log;
    struct log_open how;
    int64_t start_ms;
    int32_t leader_epoch;
    int64_t cleaner_offset;                   /* the cleaner checkpoint */
    struct cleaner_limits limits;
    int64_t clean_slice_bytes;
    struct cleaning_result cleaned;           /* of the last cleaning */
    bool cleaning_may_fail;
    char cleaning_failed[512];                /* why; "" */
};
/* A clock at 2020-09-13T12:26:40Z (1600000000000 ms), no log yet. */
struct lab *lab_new(enum release release);
void lab_free(struct lab *lab);               /* drops the log */
/* Opens logs/students-0 with lab->config; the first time as a new one. */
struct log *lab_open(struct lab *lab);
void lab_close(struct lab *lab);              /* cleanly; the next lab_open is a clean one */
void lab_kill(struct lab *lab);               /* the next lab_open recovers */
int64_t lab_now_ms(const struct lab *lab);
void lab_advance_ms(struct lab *lab, int64_t ms);

/* One batch of one record, of that many bytes as a whole; acked at once (high watermark = end). */
enum err lab_try(struct lab *lab, int64_t timestamp_ms, int32_t batch_bytes, struct log_appended *out);
void lab_append(struct lab *lab, int count);                          /* of 69 bytes, with the time of now */
void lab_append_at(struct lab *lab, int64_t timestamp_ms);
void lab_append_bytes(struct lab *lab, int32_t batch_bytes);
enum err lab_send(struct lab *lab, struct bytes records, enum append_origin origin, struct log_appended *out);
/* A batch of an idempotent producer. */
enum err lab_produce(struct lab *lab, int64_t producer_id, int16_t epoch, int32_t sequence, int32_t count, struct log_appended *out);
/* One record with a key; `value` NULL: a tombstone. Gives its offset. */
int64_t lab_put(struct lab *lab, const char *key, const char *value);
int64_t lab_put_at(struct lab *lab, const char *key, const char *value, int64_t timestamp_ms);
/* What the cleaner does at a look: cleans as long as the log is dirty enough. How many cleanings it took. */
int lab_clean(struct lab *lab);
/* "9:a=a3 11:c=c3 13:b=" the records that are there, "11:" those without key, "(3..5)" empty batches, "[commit 7]" markers; sizes in no batch fail. */
char *lab_records(struct lab *lab);
#define CHECK_RECORDS(lab, expected) check_records((lab), (expected), __FILE__, __LINE__)
void check_records(struct lab *lab, const char *expected, const char *file, int line);
/* What the retention task does with a log; how many segments went. */
size_t lab_check(struct lab *lab);
/* "NAME SIZE, NAME SIZE": the files of the log's folder whose names match, zeros in front left out ("85.log 0"). */
void check_files(struct lab *lab, const char *pattern, const char *expected, const char *file, int line);
#define CHECK_FILES(lab, pattern, expected) check_files((lab), (pattern), (expected), __FILE__, __LINE__)
/* The last entry of that kind in the journal. */
const char *lab_said(struct lab *lab, enum event_kind kind);
#define OK(call) check_ok((call), #call, __FILE__, __LINE__)
void check_ok(enum err err, const char *what, const char *file, int line);
