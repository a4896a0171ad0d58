/* The voters' coming and going: the lab opens or closes, a broker starts, stops, is killed. And how the quorum is, for looking. */
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/rows.h"
#include "sim/cluster/quorum_internal.h"

bool quorum_votes(const struct broker *broker)
{
    return quorum_voter(broker->cluster->quorum, broker->id) != NULL;
}

bool quorum_votes_now(const struct broker *broker)
{
    const struct voter *voter = quorum_voter(broker->cluster->quorum, broker->id);

    return voter && voter->role != QUORUM_DOWN;
}

/* ---- the lab opens: all voters at once, nothing takes virtual time ---- */

static enum err open_copy(struct voter *voter, struct reason *reason)
{
    struct broker *broker = voter->broker;
    struct config_layers layers = broker_layers(broker, NULL);
    enum err err = metadata_log_open(&broker->metadata, &broker->env, broker_log_dir(broker), &layers, broker->dirs[0].clean, 0,
                                     queue_now_ms(voter->quorum->cluster->queue), reason);

    if (err)
        return err;
    broker->metadata.flushes = broker->metadata.by_majority = true;
    raft_read_state(broker, &voter->leader, &voter->epoch, &voter->voted);
    if (voter->epoch < log_latest_epoch(broker->metadata.log)) {
        voter->epoch = log_latest_epoch(broker->metadata.log);
        voter->leader = voter->voted = -1;
    }
    if (voter->epoch < 0)
        voter->epoch = 0;
    return ERR_OK;
}

/* The one with the most of the log wins, of equals the first: whatever a majority had is there. */
static struct voter *most_up_to_date(struct quorum *quorum)
{
    struct voter *best = &quorum->voters[0];

    for (size_t i = 1; i < quorum->count; i++) {
        struct log *log = voter_log(&quorum->voters[i]), *known = voter_log(best);

        if (log_latest_epoch(log) > log_latest_epoch(known) ||
            (log_latest_epoch(log) == log_latest_epoch(known) && log_end_offset(log) > log_end_offset(known)))
            best = &quorum->voters[i];
    }
    return best;
}

static void take_places(struct quorum *quorum, struct voter *leader, int32_t epoch)
{
    for (size_t i = 0; i < quorum->count; i++) {
        struct voter *voter = &quorum->voters[i];

        voter->role = voter == leader ? QUORUM_LEADER : QUORUM_FOLLOWER;
        voter->epoch = epoch;
        voter->leader = leader->broker->id;
        voter->voted = -1;
        voter->fetched = voter != leader;
        voter->fetch_to = leader->index;
        voter_persist(voter);
    }
    memset(leader->votes, 1, quorum->count);
}

enum err quorum_open(struct cluster *cluster, bool *fresh, struct reason *reason)
{
    struct quorum *quorum = cluster->quorum;
    struct voter *leader;
    int32_t epoch = 0;
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < quorum->count; i++) {
        err = open_copy(&quorum->voters[i], reason);
        if (quorum->voters[i].epoch > epoch)
            epoch = quorum->voters[i].epoch;
    }
    if (err)
        return err;
    leader = most_up_to_date(quorum);
    *fresh = log_end_offset(voter_log(leader)) == 0;
    for (size_t i = 0; !err && i < quorum->count; i++)
        if (&quorum->voters[i] != leader)
            err = quorum_copy(leader, &quorum->voters[i], reason);
    if (err)
        return err;
    take_places(quorum, leader, epoch + 1);
    quorum->active = leader;
    controller_claim(cluster, leader->broker, leader->epoch);
    if (*fresh)
        return ERR_OK; /* its first batch has the election too */
    voter_begin_leading(leader);
    image_set_offset(cluster->controller.image, log_end_offset(voter_log(leader)) - 1);
    return quorum_settle(cluster) ? ERR_OK : err_because(ERR_KAFKA_STORAGE_ERROR, reason, "the controllers' logs could not be written");
}

/* ---- one broker ---- */

enum err quorum_join(struct broker *broker, struct reason *reason)
{
    struct quorum *quorum = broker->cluster->quorum;
    struct voter *voter = quorum_voter(quorum, broker->id);
    enum err err = open_copy(voter, reason);

    if (err) {
        metadata_log_drop(&broker->metadata);
        return err;
    }
    if (quorum->active && quorum->active->epoch >= voter->epoch && network_open_both_ways(broker->cluster, broker->id, quorum->active->broker->id)) {
        voter->role = QUORUM_UNATTACHED; /* whomever it asks first tells it who leads */
        voter_become_follower(voter, quorum->active->epoch, quorum->active->broker->id);
    } else if (voter->leader == broker->id) { /* in the epoch in which it led it can be nothing else any more */
        voter->role = QUORUM_RESIGNED;
    } else if (voter->leader >= 0) {
        voter->role = QUORUM_UNATTACHED;
        voter_become_follower(voter, voter->epoch, voter->leader);
    } else {
        voter->role = QUORUM_UNATTACHED;
    }
    quorum_reconsider(quorum);
    return ERR_OK;
}

void quorum_leave(struct broker *broker, const char *why)
{
    struct quorum *quorum = broker->cluster->quorum;
    struct voter *voter = quorum_voter(quorum, broker->id);

    if (!voter || voter->role == QUORUM_DOWN)
        return;
    voter_cancel(voter);
    if (voter->role == QUORUM_LEADER)
        voter_stop_leading(voter, why);
    voter->role = QUORUM_DOWN;
    voter->fetched = voter->overdue = voter->parked = false;
    for (size_t i = 0; i < quorum->count; i++)
        quorum->voters[i].views[voter->index].parked = false;
    quorum_reconsider(quorum);
}

bool quorum_resign(struct broker *broker)
{
    struct voter *voter = quorum_voter(broker->cluster->quorum, broker->id);

    if (!voter || voter->role != QUORUM_LEADER)
        return false;
    voter_resign(voter, "its broker shuts down");
    quorum_reconsider(voter->quorum);
    return event_scheduled(&voter->timer); /* else nobody can be elected */
}

bool quorum_has_successor(const struct broker *broker)
{
    const struct quorum *quorum = broker->cluster->quorum;

    return quorum->active && quorum->active->broker != broker;
}

/* ---- its memory ---- */

void quorum_new(struct cluster *cluster, int32_t voters)
{
    struct quorum *quorum = cluster->quorum = mem_zero(sizeof(*quorum));

    quorum->cluster = cluster;
    quorum->random = random_fork(&cluster->random, "quorum");
    quorum->count = (size_t)voters;
    quorum->voters = mem_zero_array(quorum->count, sizeof(*quorum->voters));
    for (size_t i = 0; i < quorum->count; i++) {
        voter_init(&quorum->voters[i], quorum, i);
        voter_init_log(&quorum->voters[i]);
    }
}

void quorum_close(struct cluster *cluster)
{
    struct quorum *quorum = cluster->quorum;

    for (size_t i = 0; quorum && i < quorum->count; i++) {
        voter_cancel(&quorum->voters[i]);
        quorum->voters[i].role = QUORUM_DOWN;
    }
    if (quorum)
        quorum->active = NULL;
}

void quorum_free(struct cluster *cluster)
{
    struct quorum *quorum = cluster->quorum;

    for (size_t i = 0; quorum && i < quorum->count; i++) {
        mem_free(quorum->voters[i].votes);
        mem_free(quorum->voters[i].views);
    }
    if (quorum)
        mem_free(quorum->voters);
    mem_free(quorum);
    cluster->quorum = NULL;
}

/* ---- looking ---- */

bool cluster_quorum(const struct cluster *cluster, struct quorum_info *out)
{
    const struct quorum *quorum = cluster->quorum;
    const struct controller *controller = &cluster->controller;

    *out = (struct quorum_info){ .leader = -1, .high_watermark = -1 };
    if (release_is_27(cluster->release) || cluster->inspection)
        return false;
    out->epoch = controller->epoch;
    out->voters = quorum ? (int32_t)quorum->count : 1;
    out->majority = out->voters / 2 + 1;
    out->voters_up = quorum ? 0 : !controller->down;
    for (size_t i = 0; quorum && i < quorum->count; i++) {
        out->voters_up += quorum->voters[i].role != QUORUM_DOWN;
        if (quorum->voters[i].role != QUORUM_DOWN && quorum->voters[i].epoch > out->epoch)
            out->epoch = quorum->voters[i].epoch;
    }
    if (!controller->down) {
        out->leader = controller_home(cluster);
        out->high_watermark = controller_high_watermark(cluster);
    }
    return true;
}

/* A parked fetch is answered each half second and comes again; a broker that follows no vote fetches just so. */
static int64_t last_fetch_us(const struct cluster *cluster, int64_t parked_us)
{
    int64_t now_us = queue_now_us(cluster->queue);

    return parked_us < 0 ? -1 : now_us - (now_us - parked_us) % FETCH_WAIT_US;
}

static void as_leader_knows(const struct cluster *cluster, const struct broker *broker, const struct voter *voter, struct quorum_replica *out)
{
    const struct controller *controller = &cluster->controller;
    int64_t end, known, fetch_us, caught_up_us;

    if (controller->down || !controller->log->log)
        return;
    end = log_end_offset(controller->log->log);
    if (broker->index == controller->home) {
        out->last_fetch_ms = out->last_caught_up_ms = queue_now_ms(cluster->queue);
        out->lag = 0;
        out->known_end_offset = end;
        return;
    }
    if (voter && cluster->quorum->active) {
        const struct voter_view *view = &cluster->quorum->active->views[voter->index];
        bool contact = voter_in_contact(cluster->quorum->active, voter);

        known = view->end_offset;
        fetch_us = contact ? last_fetch_us(cluster, view->last_fetch_us) : view->last_fetch_us;
        caught_up_us = contact && known >= end ? fetch_us : view->last_caught_up_us;
    } else {
        known = out->log_end_offset;
        fetch_us = broker->metadata_parked && broker->up ? last_fetch_us(cluster, broker->metadata_parked_us) : broker->metadata_parked_us;
        caught_up_us = fetch_us;
    }
    out->known_end_offset = known;
    out->lag = known >= 0 ? end - known : -1;
    out->last_fetch_ms = fetch_us < 0 ? -1 : fetch_us / 1000;
    out->last_caught_up_ms = caught_up_us < 0 ? -1 : caught_up_us / 1000;
}

struct quorum_replica cluster_quorum_replica(const struct cluster *cluster, size_t i)
{
    const struct broker *broker = cluster->brokers[i];
    const struct voter *voter = quorum_voter(cluster->quorum, broker->id);
    const struct controller *controller = &cluster->controller;
    bool alone = !cluster->quorum && i == 0;
    struct quorum_replica out = {
        .broker = broker->id, .voter = voter || alone, .role = QUORUM_OBSERVER, .epoch = -1, .leader = -1, .voted = -1, .log_end_offset = -1, .known_end_offset = -1, .lag = -1,
        .last_fetch_ms = -1, .last_caught_up_ms = -1, .directory = broker->dirs[0].id, .host = cluster->host, .port = broker_controller_port(broker),
    };
    const struct log *log = alone ? controller->log->log : broker->metadata.log;

    if (log)
        out.log_end_offset = log_end_offset(log);
    if (voter) {
        out.role = voter->role;
        out.voted = voter->voted;
    } else if (alone) {
        out.role = controller->down ? QUORUM_DOWN : QUORUM_LEADER;
    } else if (!broker->up) {
        out.role = QUORUM_DOWN;
    }
    if (voter && voter->role != QUORUM_DOWN) {
        out.epoch = voter->epoch;
        out.leader = voter->leader;
    } else if (out.role != QUORUM_DOWN && !controller->down) {
        out.epoch = controller->epoch;
        out.leader = controller_home(cluster);
    }
    as_leader_knows(cluster, broker, voter, &out);
    return out;
}

/* ---- the table ---- */

static const struct column quorum_columns[] = {
    { "broker", VALUE_INT, "at which it sits" },
    { "voter", VALUE_INT, "1: a controller that votes; 0: a broker that only follows the metadata log" },
    { "role", VALUE_TEXT, "leader, follower, prospective, candidate, unattached, resigned; observer; down" },
    { "epoch", VALUE_INT, "the newest that it knows" },
    { "leader", VALUE_INT, "whom it takes for the leader; null: nobody" },
    { "voted", VALUE_INT, "for whom it voted in this epoch; null: for nobody, or it is not known" },
    { "log_end_offset", VALUE_INT, "of its copy of the metadata log; null: it is down" },
    { "high_watermark", VALUE_INT, "the cluster's: all below it is committed; null: no controller is active" },
    { "lag", VALUE_INT, "records that it lacks, as the active controller knows" },
    { "last_fetch", VALUE_INT, "when it fetched last, in milliseconds, as the active controller knows" },
    { "last_caught_up", VALUE_INT, "when it had all last" },
    { 0 },
};

static struct value known(int64_t number)
{
    return number < 0 ? value_null() : value_int(number);
}

static const struct table quorum_table;

static void *quorum_rows(void *context, const struct constraint *constraints, size_t count)
{
    const struct cluster *cluster = context;
    struct rows *rows = rows_new(&quorum_table);
    struct quorum_info info;

    if (!cluster_quorum(cluster, &info))
        return rows;
    for (size_t i = 0; i < cluster->broker_count; i++) {
        struct quorum_replica replica = cluster_quorum_replica(cluster, i);
        struct value *row;

        if (!wants_int(constraints, count, 0, replica.broker))
            continue;
        row = rows_add(rows);
        row[0] = value_int(replica.broker);
        row[1] = value_int(replica.voter);
        row[2] = rows_text(rows, quorum_role_name(replica.role));
        row[3] = known(replica.epoch);
        row[4] = known(replica.leader);
        row[5] = known(replica.voted);
        row[6] = known(replica.log_end_offset);
        row[7] = known(info.high_watermark);
        row[8] = known(replica.lag);
        row[9] = known(replica.last_fetch_ms);
        row[10] = known(replica.last_caught_up_ms);
    }
    return rows;
}
static const struct table quorum_table = { "quorum", "the controllers that vote on the metadata, and the brokers that follow it (4.3)", quorum_columns, quorum_rows, rows_next, rows_get,
                                           rows_close };

void cluster_register_quorum_table(struct cluster *cluster, struct tables *tables)
{
    tables_add(tables, &quorum_table, cluster);
}
