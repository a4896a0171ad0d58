/* The voters' copies of the metadata log: fetched from the leader, cut where they went another way, committed where a majority has them; and the controller that
 * comes and goes with the leader. Kafka's KafkaRaftClient with LeaderState; QuorumController's claim and renounce. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/quorum_internal.h"

enum { FETCH_BYTES = 100 };

/* ---- the follower ---- */

static void send_answer(struct voter *leader, struct voter *follower, enum fetch_answer kind, size_t bytes)
{
    follower->answer_kind = kind;
    follower->answer_epoch = leader->epoch;
    follower->answer_leader = leader->leader;
    follower->answer.verdict = follower->fetch.verdict;
    network_send_answer(leader->quorum->cluster, leader->broker->id, follower->broker->id, &follower->answer, FETCH_BYTES + bytes);
}

static void fetch_after(struct voter *follower, int64_t delay_us)
{
    struct cluster *cluster = follower->quorum->cluster;
    struct voter *leader = quorum_voter(follower->quorum, follower->leader);
    struct log *log = voter_log(follower);

    network_cancel(&follower->fetch);
    network_cancel(&follower->answer);
    event_cancel(cluster->queue, &follower->wait);
    for (size_t i = 0; i < follower->quorum->count; i++) /* what it asked before is given up: nobody answers it while this one is on its way */
        follower->quorum->voters[i].views[follower->index].parked = false;
    if (!leader || leader->role == QUORUM_DOWN) /* its port refuses; the fetch timeout runs */
        return;
    follower->fetch_to = leader->index;
    follower->fetch_epoch = follower->epoch;
    follower->fetch_offset = log_end_offset(log);
    follower->fetch_last_epoch = log_latest_epoch(log);
    follower->fetch.verdict = cluster_fault(cluster, &(struct fault_query){ .api = "Fetch", .from = follower->broker->id, .to = leader->broker->id, .topic = "__cluster_metadata" });
    network_send_judged(cluster, follower->broker->id, leader->broker->id, &follower->fetch, FETCH_BYTES, delay_us);
}

void voter_fetch(struct voter *follower)
{
    fetch_after(follower, 0);
}

/* What `from` has below `end` and `to` lacks; the last batch may go past it. */
static enum err copy_records(struct voter *from, struct voter *to, int64_t end, struct reason *reason)
{
    struct cluster *cluster = from->quorum->cluster;
    struct log_cursor cursor;
    struct batch batch;
    enum err err = ERR_OK;

    if (log_end_offset(voter_log(to)) >= end)
        return ERR_OK;
    log_cursor_init(&cursor, voter_log(from), log_end_offset(voter_log(to)), false);
    while (!err && log_end_offset(voter_log(to)) < end && log_cursor_next(&cursor, &batch))
        err = metadata_log_append(&to->broker->metadata, batch.bytes, batch.leader_epoch, queue_now_ms(cluster->queue), reason);
    log_cursor_done(&cursor);
    return err;
}

/* (epoch, end): how far the leader has what the follower's last epoch, or one before it, wrote. */
static enum err truncate(struct voter *follower, int32_t epoch, int64_t end)
{
    struct cluster *cluster = follower->quorum->cluster;
    struct log *log = voter_log(follower);
    int64_t was = log_end_offset(log), own_end;
    int32_t own_epoch;
    char text[240];
    enum err err;

    log_end_offset_for_epoch(log, epoch, &own_epoch, &own_end);
    if (own_epoch < 0)
        own_end = 0;
    if (own_epoch == epoch && end < own_end)
        own_end = end;
    if (own_end >= was)
        return ERR_OK;
    err = log_truncate_to(log, own_end, queue_now_ms(cluster->queue), NULL);
    if (err || cluster->opening)
        return err;
    snprintf(text, sizeof(text), "controller %d cuts %lld..%lld off its copy of the metadata log: epoch %d of controller %d goes on otherwise", follower->broker->id,
             (long long)log_end_offset(log), (long long)was - 1, follower->epoch, follower->leader);
    journal_add(cluster->journal,
                ENTRY(EVENT_log_truncated, .broker = follower->broker->id, .topic = "__cluster_metadata", .partition = 0, .offset = log_end_offset(log),
                      .rule = "diverging epoch", .text = text,
                      .facts = { { "was", was, NULL }, { "log_end_offset", log_end_offset(log), NULL }, { "diverging_epoch", epoch, NULL },
                                 { "diverging_end_offset", end, NULL } }, .fact_count = 4));
    return ERR_OK;
}

static void answer_arrives(void *context)
{
    struct voter *follower = context, *leader = &follower->quorum->voters[follower->fetch_to];
    enum err err = ERR_OK;

    if (follower->answer_kind == ANSWER_REFUSED) {
        if (follower->answer_epoch > follower->epoch && follower->answer_leader >= 0 && follower->answer_leader != follower->broker->id)
            voter_become_follower(follower, follower->answer_epoch, follower->answer_leader);
        else if (follower->answer_epoch > follower->epoch)
            voter_become_unattached(follower, follower->answer_epoch);
    } else if (follower->answer_kind == ANSWER_FAULT) {
        fetch_after(follower, voter_setting_us(follower, "controller.quorum.retry.backoff.ms"));
    } else {
        voter_was_answered(follower);
        if (follower->answer_kind == ANSWER_DIVERGING)
            err = truncate(follower, follower->answer_end_epoch, follower->answer_end_offset);
        else
            err = copy_records(leader, follower, follower->answer_end_offset, NULL);
        if (!err)
            voter_fetch(follower);
    }
    quorum_reconsider(follower->quorum);
}

/* ---- the leader ---- */

static int descending(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left < right) - (left > right);
}

/* Of records of earlier epochs a majority proves nothing: only once one of its own is committed they are too. */
static void advance(struct voter *leader)
{
    struct quorum *quorum = leader->quorum;
    int64_t *ends = mem_zero_array(quorum->count, sizeof(*ends)), candidate;

    for (size_t i = 0; i < quorum->count; i++)
        ends[i] = i == leader->index ? log_end_offset(voter_log(leader)) : leader->views[i].end_offset;
    qsort(ends, quorum->count, sizeof(*ends), descending);
    candidate = ends[quorum_majority(quorum) - 1];
    mem_free(ends);
    if (candidate <= leader->epoch_start_offset || candidate <= leader->high_watermark)
        return;
    leader->high_watermark = candidate;
    log_set_high_watermark(voter_log(leader), candidate);
    if (quorum->active != leader)
        quorum_activate(quorum, leader);
    controller_committed(quorum->cluster, candidate);
}

static void answer_what_there_is(struct voter *leader, struct voter *follower)
{
    struct voter_view *view = &leader->views[follower->index];
    int64_t end = log_end_offset(voter_log(leader));

    if (!view->parked || end <= view->end_offset)
        return;
    view->parked = false;
    follower->answer_end_offset = end;
    send_answer(leader, follower, ANSWER_RECORDS, (size_t)(end - view->end_offset) * 100);
}

/* Nothing came in half a second. */
static void wait_is_over(void *context)
{
    struct voter *follower = context, *leader = &follower->quorum->voters[follower->fetch_to];
    struct voter_view *view = &leader->views[follower->index];

    if (leader->role != QUORUM_LEADER || !view->parked || broker_sleeps(leader->broker, &follower->wait))
        return;
    view->parked = false;
    follower->answer_end_offset = view->end_offset;
    send_answer(leader, follower, ANSWER_RECORDS, 0);
}

/* True: the follower's log goes another way, and the answer says from where. */
static bool diverges(struct voter *leader, struct voter *follower)
{
    if (!follower->fetch_offset)
        return false;
    log_end_offset_for_epoch(voter_log(leader), follower->fetch_last_epoch, &follower->answer_end_epoch, &follower->answer_end_offset);
    if (follower->answer_end_epoch < 0)
        follower->answer_end_offset = 0;
    return follower->answer_end_epoch != follower->fetch_last_epoch || follower->answer_end_offset < follower->fetch_offset;
}

static void fetch_arrives(void *context)
{
    struct voter *follower = context, *leader = &follower->quorum->voters[follower->fetch_to];
    struct voter_view *view = &leader->views[follower->index];

    if (network_refusal(&follower->fetch)) {
        send_answer(leader, follower, ANSWER_FAULT, 0);
        return;
    }
    if (follower->fetch_epoch > leader->epoch)
        voter_become_unattached(leader, follower->fetch_epoch);
    if (leader->role != QUORUM_LEADER || follower->fetch_epoch < leader->epoch) {
        send_answer(leader, follower, ANSWER_REFUSED, 0);
    } else if (diverges(leader, follower)) {
        send_answer(leader, follower, ANSWER_DIVERGING, 0);
    } else {
        view->parked = true;
        view->end_offset = follower->fetch_offset;
        view->last_fetch_us = queue_now_us(leader->quorum->cluster->queue);
        if (view->end_offset >= log_end_offset(voter_log(leader)))
            view->last_caught_up_us = view->last_fetch_us;
        view->fetched = true;
        voter_was_fetched_from(leader);
        follower->fetched = true; /* the answer, if only an empty one, comes within half a second */
        advance(leader);
        answer_what_there_is(leader, follower);
    }
    quorum_reconsider(leader->quorum);
}

void quorum_appended(struct cluster *cluster)
{
    struct quorum *quorum = cluster->quorum;

    if (!quorum || !quorum->active)
        return;
    if (cluster->opening) {
        quorum_settle(cluster);
        return;
    }
    for (size_t i = 0; i < quorum->count; i++)
        if (i != quorum->active->index)
            answer_what_there_is(quorum->active, &quorum->voters[i]);
}

/* ---- who begins and ends to lead ---- */

static void say_elected(struct voter *leader)
{
    struct quorum *quorum = leader->quorum;
    struct text voters = { 0 }, text = { 0 };
    int64_t granted = 0;

    for (size_t i = 0; i < quorum->count; i++) {
        if (leader->votes[i] != 1)
            continue;
        text_printf(&voters, "%s%d", granted++ ? "," : "", quorum->voters[i].broker->id);
    }
    text_printf(&text, "controller %d is elected in epoch %d: votes of %s, %lld of %zu (majority %zu)", leader->broker->id, leader->epoch, text_chars(&voters),
                (long long)granted, quorum->count, quorum_majority(quorum));
    journal_add(quorum->cluster->journal,
                ENTRY(EVENT_controller_elected, .broker = leader->broker->id, .rule = "majority of the voters", .text = text_chars(&text),
                      .facts = { { "epoch", leader->epoch, NULL }, { "votes", granted, NULL }, { "granted_by", 0, text_chars(&voters) },
                                 { "voters", (int64_t)quorum->count, NULL }, { "majority", (int64_t)quorum_majority(quorum), NULL },
                                 { "log_end_offset", log_end_offset(voter_log(leader)), NULL } }, .fact_count = 6));
    text_done(&voters);
    text_done(&text);
}

static enum err write_leader_change(struct voter *leader, struct reason *reason)
{
    struct cluster *cluster = leader->quorum->cluster;
    struct metadata_batch batch;
    int64_t now_ms = queue_now_ms(cluster->queue);
    struct bytes bytes;
    enum err err;

    metadata_batch_begin(&batch, log_end_offset(voter_log(leader)), leader->epoch, true);
    raft_add_leader_change(&batch, cluster, leader->broker->id, leader->votes, now_ms);
    err = batch_builder_finish(&batch.builder, &bytes, reason);
    if (!err)
        err = metadata_log_append(&leader->broker->metadata, bytes, leader->epoch, now_ms, reason);
    metadata_batch_done(&batch);
    return err;
}

void voter_begin_leading(struct voter *leader)
{
    struct quorum *quorum = leader->quorum;

    for (size_t i = 0; i < quorum->count; i++)
        leader->views[i] = (struct voter_view){ .end_offset = -1, .last_fetch_us = -1, .last_caught_up_us = -1 };
    leader->epoch_start_offset = log_end_offset(voter_log(leader));
    leader->high_watermark = 0;
    if (!quorum->cluster->opening)
        say_elected(leader);
    write_leader_change(leader, NULL);
}

void voter_stop_leading(struct voter *leader, const char *why)
{
    struct quorum *quorum = leader->quorum;

    for (size_t i = 0; i < quorum->count; i++) {
        struct voter *other = &quorum->voters[i];

        leader->views[i].parked = false;
        if (other != leader && other->fetch_to == leader->index) /* what it sent went with its role */
            network_cancel(&other->answer);
    }
    if (quorum->active != leader)
        return;
    quorum->active = NULL;
    controller_renounce(quorum->cluster, why);
}

void quorum_activate(struct quorum *quorum, struct voter *leader)
{
    char why[96];

    if (quorum->active) {
        snprintf(why, sizeof(why), "controller %d leads in epoch %d", leader->broker->id, leader->epoch);
        quorum->active = NULL;
        controller_renounce(quorum->cluster, why);
    }
    quorum->active = leader;
    controller_claim(quorum->cluster, leader->broker, leader->epoch);
}

/* ---- at once ---- */

enum err quorum_copy(struct voter *from, struct voter *to, struct reason *reason)
{
    int32_t epoch;
    int64_t end;
    enum err err = ERR_OK;

    network_cancel(&to->fetch);
    network_cancel(&to->answer);
    for (int step = 0; !err && log_end_offset(voter_log(to)) > 0; step++) {
        int32_t last_epoch = log_latest_epoch(voter_log(to));
        int64_t was = log_end_offset(voter_log(to));

        log_end_offset_for_epoch(voter_log(from), last_epoch, &epoch, &end);
        if (epoch == last_epoch && end >= was)
            break;
        err = epoch < 0 || step > 100 ? log_truncate_to(voter_log(to), 0, queue_now_ms(from->quorum->cluster->queue), reason) : truncate(to, epoch, end);
    }
    return err ? err : copy_records(from, to, log_end_offset(voter_log(from)), reason);
}

bool quorum_settle(struct cluster *cluster)
{
    struct quorum *quorum = cluster->quorum;
    struct voter *leader = quorum ? quorum->active : NULL;

    if (!quorum)
        return true;
    if (!leader || network_frozen(cluster, leader->broker->id))
        return false;
    for (size_t i = 0; i < quorum->count; i++) {
        struct voter *follower = &quorum->voters[i];
        struct voter_view *view = &leader->views[i];

        if (follower == leader || !voter_in_contact(leader, follower) || quorum_copy(leader, follower, NULL))
            continue;
        follower->fetched = view->parked = true;
        view->end_offset = log_end_offset(voter_log(follower));
        view->last_fetch_us = view->last_caught_up_us = queue_now_us(cluster->queue);
    }
    advance(leader);
    return controller_all_committed(cluster);
}

/* ---- */

void voter_init_log(struct voter *voter)
{
    voter->fetch = (struct network_message){ .run = fetch_arrives, .context = voter };
    voter->answer = (struct network_message){ .run = answer_arrives, .context = voter };
    voter->wait = (struct event){ .run = wait_is_over, .context = voter };
}
