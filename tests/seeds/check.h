/* The checkers: what must hold of a cluster whatever happens to it. They know nothing of how the cluster works: they look at what clients were answered, at
 * samples of each replica after every event, and in the end at the bytes of its files.
 *
 * By their names: `committed` (a record below a high watermark that was shown stays, everywhere, with its bytes), `high watermark` (never back within a
 * leader's epoch, never beyond what all in sync have), `epoch` (one leader each, never back), `isr` (a part of the replicas, with the leader in it; who is
 * dropped was late), `election` (of one who was in sync), `acks` (what was acknowledged is there, once if that was promised, in order), `read` (only what is committed, the
 * same for all, nothing skipped), `group` (a partition has one owner a generation), `offsets` (what was committed is not lost), `log` (batches without gap or
 * overlap, sums right, epochs known), `start` (logs begin where retention and DeleteRecords let them, never beyond what is committed, and not further back again),
 * `cleaned` (compaction leaves the newest of each key, and what is left as it was), `topic` (what was in a deleted topic is not in its successor), `agree` (all
 * replicas equal, all brokers know the same), `quiet` (what was broken and is mended comes to rest). */
#pragma once
#include "sim/sim.h"
#include "tests/seeds/history.h"

struct failure {
    const char *checker;              /* NULL: nothing is wrong */
    char text[1200];
    int64_t at_us;
};
struct checks;
/* All borrowed. Made before anything happened in the lab. */
struct checks *checks_new(struct lab *lab, const struct history *history);
void checks_free(struct checks *checks);
const struct failure *checks_failure(const struct checks *checks);
/* The first is kept. */
void checks_fail(struct checks *checks, const char *checker, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* After every event. */
void checks_sample(struct checks *checks);
/* Something is broken, by this order; NULL: all is mended, and not broken again. */
void checks_disturbed(struct checks *checks, const char *order);

/* ---- what clients tell; `client` is an index of the history's ---- */
void checks_sent(struct checks *checks, size_t client, uint32_t number);                        /* the library took record `number`, from 0 */
void checks_acked(struct checks *checks, size_t client, uint32_t number, int32_t partition, int64_t offset);
void checks_failed(struct checks *checks, size_t client, uint32_t number);
void checks_read(struct checks *checks, size_t client, const struct consumer_record *record);
void checks_assigned(struct checks *checks, size_t client, const struct consumer_position *partitions, size_t count); /* new to it: what it read before does not count */
void checks_started(struct checks *checks, size_t client);
void checks_vanished(struct checks *checks, size_t client);                                     /* a producer; no result comes any more */
/* "p0/17 ...": a value says whose it is; of a tombstone a header says it. */
void checks_value(const char *producer, uint32_t number, int32_t size, struct text *out);

/* ---- the end ---- */
/* The group of this consumer has read all that is committed of its topics; false: `text` says what not. */
bool checks_group_at_end(struct checks *checks, size_t client, char *text, size_t size);
/* NULL: all replicas are in sync and equal; every record sent has its result. Else what is still to come. */
const char *checks_unrest(struct checks *checks);
const char *checks_sent_all(struct checks *checks);
void checks_end(struct checks *checks);
struct checks_counts { uint64_t acked, failed, read, elections, unclean, isr_changes, truncations, generations, commits, batches, duplicates, removals, cleanings, deletions; };
struct checks_counts checks_counts(const struct checks *checks);
