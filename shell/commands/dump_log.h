/* What kafka-dump-log and dump share: showing a file of a partition's folder as Kafka's DumpLogSegments does, in both releases' words. Files are
 * only read, in pieces, and between them the loop turns: a segment of any size takes little memory, and Ctrl-C ends it. dump_log.c shows batches,
 * dump_records.c what records hold, dump_index.c the other files; dump_trouble.c explains what is damaged. */
#pragma once
#include "shell/commands/internal_records.h"

enum dump_finding { DUMP_MISMATCH, DUMP_TIME_MISMATCH, DUMP_OUT_OF_ORDER, DUMP_NOT_FOUND, DUMP_NON_CONSECUTIVE, DUMP_FINDINGS };
enum dump_decoder { DECODE_STRING, DECODE_BYTES, DECODE_INTEGER, DECODE_LONG };

struct dump_file {                       /* one that is being read */
    char *shown;                         /* as the user named it, as java.io.File writes it */
    char *absolute;                      /* the same with its folder */
    char *path;                          /* where it is */
    struct file *file;
    int64_t size;
    struct buffer piece;                 /* read last, from piece_at on */
    int64_t piece_at;
};

struct dump {                            /* all zero but what stands first; dump_done() ends it */
    struct call *call;
    struct fs *fs;                       /* where files are; `lab` resolves their names; NULL: as they are */
    const struct lab *lab;
    bool old;                            /* 2.7's words */
    bool deep, contents, skip_metadata, sanity_only, verify_only;
    int32_t max_message_size, max_bytes; /* max_bytes INT32_MAX: all */
    enum record_family family;           /* RECORDS_PLAIN: by the decoders */
    enum dump_decoder key_decoder, value_decoder;
    int64_t only_offset;                 /* -1: all; else just the batch that holds it */
    bool found;                          /* that batch */
    bool friendly;                       /* room for entries to come is no entry */
    bool timestamps_only;                /* a time index's check reads the records */
    struct trouble trouble;              /* what ended it, as the exception that the tool would throw */

    struct text out;                     /* printed so far, not yet written */
    size_t since_yield;                  /* bytes read and written since the loop turned */
    struct internal_records records;
    struct dump_list {
        char *file;
        struct dump_pair { int64_t first, second; size_t place; } *pairs;
        size_t count, capacity;
        uint64_t left_out;
    } *lists[DUMP_FINDINGS];
    size_t list_counts[DUMP_FINDINGS], list_capacities[DUMP_FINDINGS];
};
void dump_init(struct dump *dump, struct call *call);
void dump_done(struct dump *dump);
/* One file, by its suffix. False: dump->trouble tells, or the user interrupted; what was found before is written out. */
bool dump_file(struct dump *dump, const char *name);
/* What was found wrong, to stderr, after all files. */
void dump_findings(struct dump *dump);
void dump_found(struct dump *dump, enum dump_finding finding, const char *file, int64_t first, int64_t second);

/* "students-0", "broker-2/students-0", a path: the folder of a partition, with the files that dumps know, in their order: by base offset, then
 * .log, .index, .timeindex, .txnindex, .snapshot, .checkpoint. False: it is no folder. */
struct dump_folder {
    char *path;
    char **names;
    size_t count;
};
bool dump_folder_open(struct dump *dump, const char *name, struct dump_folder *out);
void dump_folder_done(struct dump_folder *folder);
/* The name of the .log that would hold an offset: the greatest base offset not above it. NULL: none. */
const char *dump_folder_log(const struct dump_folder *folder, int64_t offset);
/* Says that no batch of that folder holds the offset, and which are there. Returns 1. */
int dump_no_offset(struct dump *dump, const char *name, const struct dump_folder *folder, int64_t offset);
int dump_no_folder(struct dump *dump, const char *name); /* an offset was given, but no partition is of that name. Returns 1 */
/* dump->trouble as a sentence of ours. Returns 1. */
int dump_say_trouble(struct dump *dump, const char *name);
enum record_family dump_family_of(const char *path);   /* of the folder that a file, or a folder itself, stands for */

/* ---- inside ---- */
bool dump_open(struct dump *dump, struct dump_file *file, const char *name);   /* false: trouble */
void dump_close(struct dump_file *file);
/* Bytes of the file, borrowed until the next call; fewer only at its end. False: trouble. */
bool dump_bytes(struct dump *dump, struct dump_file *file, int64_t position, size_t size, struct bytes *out);
/* Writes what was printed when it is much, or `now`. False: interrupted. */
bool dump_flush(struct dump *dump, bool now);
char *dump_beside(const char *path, const char *suffix);   /* the file of the same base offset; the caller's */
bool dump_base_offset(struct dump *dump, const char *path, int64_t *out);      /* false: trouble, as Long.parseLong */

struct dump_batch {                      /* where a batch lies, and its header as far as there is one */
    int64_t position;
    int32_t size;                        /* whole */
    struct batch batch;
    struct batch_header header;          /* of magic 2 and up */
    bool valid;                          /* the CRC, and the size */
    uint32_t computed_crc;
};
/* The batch at *position of the file's first `end` bytes, and moves on. 1: there is one, 0: none any more, -1: trouble. */
int dump_next_batch(struct dump *dump, struct dump_file *file, int64_t *position, int64_t end, struct dump_batch *out);
bool dump_index_file(struct dump *dump, struct dump_file *file);
bool dump_time_index_file(struct dump *dump, struct dump_file *file);
bool dump_transaction_index_file(struct dump *dump, struct dump_file *file);
bool dump_snapshot_file(struct dump *dump, struct dump_file *file);
/* " key: K payload: V" of a record. False: trouble, and what stands before is printed. */
bool dump_record(struct dump *dump, const struct record *record, const char *prefix);
bool dump_control(struct dump *dump, const struct record *record);
/* Records that can't be read, as Kafka's exceptions. False always. */
bool dump_record_trouble(struct dump *dump, const struct record_iterator *it);
/* Why `bytes` are no such message, in the words of Kafka's classes; `otherwise` where those would take them. */
void dump_schema_trouble(bool old, const struct message *message, int16_t version, struct bytes bytes, const char *otherwise, struct text *out);
