/* lab.db: the lab's memory between two runs, and its journal for whoever asks with sqlite3. Writes are gathered into one
 * transaction until store_commit(). */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "sim/sql/sql.h"

struct store {
    sqlite3 *db;
    int lock;                     /* LAB/lock: held while the lab is open */
    sqlite3_stmt *get, *set, *add;
    char *got;
    struct journal *journal;
    bool in_transaction;
    uint64_t last;
};

static const char schema[] =
    "PRAGMA synchronous=OFF; PRAGMA journal_mode=WAL;" /* in this order: else making it syncs four times */
    "CREATE TABLE IF NOT EXISTS lab(key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS journal(number INTEGER PRIMARY KEY, at_us INTEGER, event TEXT, broker INTEGER, topic TEXT,"
    " partition INTEGER, \"offset\" INTEGER, subject TEXT, rule TEXT, text TEXT, facts TEXT);";

/* One process at a time: a lock that the system lets go of, however the process ends. */
static enum err take_lock(struct store *store, const char *path, struct reason *reason)
{
    char *lock = mem_printf("%.*slock", (int)(strrchr(path, '/') + 1 - path), path);
    char holder[64] = "";
    enum err err = ERR_OK;
    struct stat st;
    char since[32] = "";

    store->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock < 0) {
        err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s: %s", lock, strerror(errno));
    } else if (flock(store->lock, LOCK_EX | LOCK_NB)) {
        if (read(store->lock, holder, sizeof(holder) - 1) < 0)
            holder[0] = 0;
        if (!fstat(store->lock, &st)) {
            struct tm tm;

            strftime(since, sizeof(since), "%H:%M:%S", localtime_r(&st.st_mtime, &tm));
        }
        *strrchr(lock, '/') = 0;
        err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s is open in process %s since %s; join it with: kafkarium --to %s", lock,
                          holder[0] ? holder : "?", since, lock);
    } else {
        snprintf(holder, sizeof(holder), "%d", (int)getpid());
        if (ftruncate(store->lock, 0) || write(store->lock, holder, strlen(holder)) < 0)
            err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s: %s", lock, strerror(errno));
    }
    mem_free(lock);
    return err;
}

static bool open_database(struct store *store, const char *path)
{
    static const char add[] = "INSERT OR REPLACE INTO journal VALUES(?,?,?,?,?,?,?,?,?,?,?)";
    sqlite3_stmt *last = NULL;

    if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK ||
        sqlite3_exec(store->db, schema, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(store->db, "SELECT value FROM lab WHERE key = ?", -1, &store->get, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(store->db, "INSERT OR REPLACE INTO lab VALUES(?, ?)", -1, &store->set, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(store->db, add, -1, &store->add, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(store->db, "SELECT max(number) FROM journal", -1, &last, NULL) != SQLITE_OK)
        return false;
    if (sqlite3_step(last) == SQLITE_ROW)
        store->last = (uint64_t)sqlite3_column_int64(last, 0);
    return sqlite3_finalize(last) == SQLITE_OK;
}

static void close_database(struct store *store)
{
    sqlite3_finalize(store->get);
    sqlite3_finalize(store->set);
    sqlite3_finalize(store->add);
    sqlite3_close(store->db);
    store->get = store->set = store->add = NULL;
    store->db = NULL;
}

enum err store_open(struct store **out, const char *path, bool *lost, struct reason *reason)
{
    struct store *store = mem_zero(sizeof(*store));
    enum err err;

    *out = NULL;
    *lost = false;
    store->lock = -1;
    err = take_lock(store, path, reason);
    if (!err && !open_database(store, path)) {
        char *aside = mem_printf("%s.damaged", path);

        close_database(store);
        *lost = true;
        if (rename(path, aside) || !open_database(store, path))
            err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s is damaged and can't be replaced: %s", path, strerror(errno));
        mem_free(aside);
    }
    if (err) {
        close_database(store);
        if (store->lock >= 0)
            close(store->lock);
        mem_free(store);
        return err;
    }
    *out = store;
    return ERR_OK;
}

static void on_entry(void *context, const struct entry *entry);

void store_close(struct store *store)
{
    if (!store)
        return;
    if (store->journal)
        journal_unwatch(store->journal, on_entry, store);
    store_commit(store);
    close_database(store);
    close(store->lock);
    mem_free(store->got);
    mem_free(store);
}

static void in_transaction(struct store *store)
{
    if (!store->in_transaction)
        store->in_transaction = sqlite3_exec(store->db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
}

void store_commit(struct store *store)
{
    if (store->in_transaction)
        sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
    store->in_transaction = false;
}

const char *store_get(struct store *store, const char *key)
{
    mem_free(store->got);
    store->got = NULL;
    sqlite3_bind_text(store->get, 1, key, -1, SQLITE_TRANSIENT);
    if (sqlite3_step(store->get) == SQLITE_ROW)
        store->got = mem_text((const char *)sqlite3_column_text(store->get, 0));
    sqlite3_reset(store->get);
    return store->got;
}

void store_set(struct store *store, const char *key, const char *value)
{
    in_transaction(store);
    sqlite3_bind_text(store->set, 1, key, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(store->set, 2, value, -1, SQLITE_TRANSIENT);
    sqlite3_step(store->set);
    sqlite3_reset(store->set);
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    if (text)
        sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(statement, at);
}

static void facts_json(const struct entry *entry, struct text *out)
{
    text_char(out, '{');
    for (int i = 0; i < entry->fact_count; i++) {
        const struct fact *fact = &entry->facts[i];

        text_printf(out, "%s\"%s\":", i ? "," : "", fact->name);
        if (fact->text)
            text_json(out, bytes_text(fact->text));
        else
            text_printf(out, "%lld", (long long)fact->number);
    }
    text_char(out, '}');
}

static void on_entry(void *context, const struct entry *entry)
{
    struct store *store = context;
    struct text facts = { 0 };

    if (!event_shown(entry->kind) && !entry->rule)
        return;
    in_transaction(store);
    sqlite3_bind_int64(store->add, 1, (sqlite3_int64)entry->number);
    sqlite3_bind_int64(store->add, 2, entry->at_us);
    bind_text(store->add, 3, event_name(entry->kind));
    sqlite3_bind_int(store->add, 4, entry->broker);
    bind_text(store->add, 5, entry->topic);
    sqlite3_bind_int(store->add, 6, entry->partition);
    sqlite3_bind_int64(store->add, 7, entry->offset);
    bind_text(store->add, 8, entry->subject);
    bind_text(store->add, 9, entry->rule);
    bind_text(store->add, 10, entry->text);
    if (entry->fact_count)
        facts_json(entry, &facts);
    bind_text(store->add, 11, entry->fact_count ? text_chars(&facts) : NULL);
    sqlite3_step(store->add);
    sqlite3_reset(store->add);
    text_done(&facts);
    store->last = entry->number;
}

void store_keep(struct store *store, struct journal *journal)
{
    store->journal = journal;
    journal_watch(journal, on_entry, store);
}

/* ---- reading back ---- */

enum { RECALL_BACK = 100000, RECALL_MOST = 20000 };

static const char *column_text(sqlite3_stmt *row, int column, struct arena *arena)
{
    const char *text = (const char *)sqlite3_column_text(row, column);

    return text ? arena_text(arena, text, strlen(text)) : NULL;
}

static enum event_kind kind_of(const char *name)
{
    enum event_kind kind = 0;

    while (kind < EVENT_KINDS && !text_equal(event_name(kind), name))
        kind++;
    return kind;
}

static void read_facts(sqlite3_stmt *each, const char *json, struct arena *arena, struct entry *entry)
{
    sqlite3_bind_text(each, 1, json, -1, SQLITE_TRANSIENT);
    while (entry->fact_count < MOST_FACTS && sqlite3_step(each) == SQLITE_ROW) {
        struct fact *fact = &entry->facts[entry->fact_count++];

        fact->name = column_text(each, 0, arena);
        if (sqlite3_column_type(each, 1) == SQLITE_INTEGER)
            fact->number = sqlite3_column_int64(each, 1);
        else
            fact->text = column_text(each, 1, arena);
    }
    sqlite3_reset(each);
}

static struct entry *read_entry(sqlite3_stmt *row, sqlite3_stmt *each, const char *topic, struct arena *arena)
{
    struct entry *entry = arena_alloc(arena, sizeof(*entry));

    entry->number = (uint64_t)sqlite3_column_int64(row, 0);
    entry->at_us = sqlite3_column_int64(row, 1);
    entry->kind = kind_of((const char *)sqlite3_column_text(row, 2));
    entry->broker = sqlite3_column_int(row, 3);
    entry->topic = arena_text(arena, topic, strlen(topic));
    entry->partition = sqlite3_column_int(row, 4);
    entry->offset = sqlite3_column_int64(row, 5);
    entry->subject = column_text(row, 6, arena);
    entry->rule = column_text(row, 7, arena);
    entry->text = column_text(row, 8, arena);
    if (sqlite3_column_type(row, 9) == SQLITE_TEXT)
        read_facts(each, (const char *)sqlite3_column_text(row, 9), arena, entry);
    return entry;
}

size_t store_recall(struct store *store, const char *topic, int32_t partition, uint64_t before, struct arena *arena, const struct entry ***out, int64_t *begins_us)
{
    static const char select[] = "SELECT number, at_us, event, broker, partition, \"offset\", subject, rule, text, facts FROM journal"
                                 " WHERE number >= ?1 AND number < ?2 AND topic = ?3 AND partition IN (?4, -1) ORDER BY number DESC LIMIT ?5";
    uint64_t from = before > RECALL_BACK ? before - RECALL_BACK : 0;
    const struct entry **found = arena_alloc(arena, RECALL_MOST * sizeof(*found));
    sqlite3_stmt *rows = NULL, *each = NULL, *first = NULL;
    size_t count = 0;

    *out = found;
    if (sqlite3_prepare_v2(store->db, select, -1, &rows, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(store->db, "SELECT key, value FROM json_each(?)", -1, &each, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(rows, 1, (sqlite3_int64)from);
        sqlite3_bind_int64(rows, 2, (sqlite3_int64)before);
        sqlite3_bind_text(rows, 3, topic, -1, SQLITE_STATIC);
        sqlite3_bind_int(rows, 4, partition);
        sqlite3_bind_int(rows, 5, RECALL_MOST);
        while (count < RECALL_MOST && sqlite3_step(rows) == SQLITE_ROW) {
            struct entry *entry = read_entry(rows, each, topic, arena);

            if (entry->kind < EVENT_KINDS) /* else of a later version */
                found[count++] = entry;
        }
    }
    for (size_t i = 0; i < count / 2; i++) {
        const struct entry *other = found[i];

        found[i] = found[count - 1 - i];
        found[count - 1 - i] = other;
    }
    if (sqlite3_prepare_v2(store->db, "SELECT at_us FROM journal WHERE number >= ? ORDER BY number LIMIT 1", -1, &first, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(first, 1, (sqlite3_int64)from);
        if (sqlite3_step(first) == SQLITE_ROW)
            *begins_us = sqlite3_column_int64(first, 0);
    }
    sqlite3_finalize(rows);
    sqlite3_finalize(each);
    sqlite3_finalize(first);
    return count;
}

enum err store_save(struct store *store, const char *path, struct reason *reason)
{
    sqlite3_stmt *copy = NULL;
    bool good;

    store_commit(store);
    good = sqlite3_prepare_v2(store->db, "VACUUM INTO ?", -1, &copy, NULL) == SQLITE_OK &&
           sqlite3_bind_text(copy, 1, path, -1, SQLITE_TRANSIENT) == SQLITE_OK && sqlite3_step(copy) == SQLITE_DONE;
    sqlite3_finalize(copy);
    return good ? ERR_OK : err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s: %s", path, sqlite3_errmsg(store->db));
}

void store_copy(struct store *store, const struct journal *journal)
{
    for (uint64_t number = journal_first(journal); number && number <= journal_last(journal); number++) {
        const struct entry *entry = journal_get(journal, number);

        if (entry)
            on_entry(store, entry);
    }
}

uint64_t store_last_entry(struct store *store)
{
    return store->last;
}
