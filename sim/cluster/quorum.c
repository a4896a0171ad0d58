/* Who of the voters leads: pre-votes, votes, epochs, and the timeouts that begin them. Kafka's KafkaRaftClient with QuorumState and its states. */
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/quorum_internal.h"

enum { VOTE_UNKNOWN, VOTE_GRANTED, VOTE_REJECTED };
enum { REQUEST_BYTES = 100 };        /* about what a vote takes on the wire */

const char *quorum_role_name(enum quorum_role role)
{
    static const char *const names[] = { "down", "unattached", "follower", "prospective", "candidate", "leader", "resigned", "observer" };

    return names[role];
}

int64_t voter_setting_us(const struct voter *voter, const char *key)
{
    struct config_layers layers = broker_config(voter->broker);

    return config_long(&layers, key) * 1000;
}

struct voter *quorum_voter(const struct quorum *quorum, int32_t broker)
{
    for (size_t i = 0; quorum && i < quorum->count; i++)
        if (quorum->voters[i].broker->id == broker)
            return &quorum->voters[i];
    return NULL;
}

/* ---- what can be reached ---- */

static bool reaches(const struct voter *a, const struct voter *b)
{
    return a == b || (b->role != QUORUM_DOWN && network_open_both_ways(a->quorum->cluster, a->broker->id, b->broker->id));
}

static bool reaches_majority(const struct voter *voter)
{
    size_t count = 0;

    if (voter->role == QUORUM_DOWN || network_frozen(voter->quorum->cluster, voter->broker->id))
        return false;
    for (size_t i = 0; i < voter->quorum->count; i++)
        count += reaches(voter, &voter->quorum->voters[i]);
    return count >= quorum_majority(voter->quorum);
}

bool voter_fetch_is_real(const struct voter *follower)
{
    return follower->fetch.verdict.kind || follower->answer.lost ||
           cluster_fault_may_hit(follower->quorum->cluster, &(struct fault_query){ .api = "Fetch", .from = follower->broker->id, .to = follower->leader, .topic = "__cluster_metadata" });
}

/* An answer comes each 500 ms at the latest, and in time. */
bool voter_in_contact(const struct voter *leader, const struct voter *follower)
{
    const struct cluster *cluster = leader->quorum->cluster;
    int32_t from = leader->broker->id, to = follower->broker->id;

    return leader->role == QUORUM_LEADER && follower->role == QUORUM_FOLLOWER && follower->leader == from && follower->epoch == leader->epoch && !voter_fetch_is_real(follower) &&
           network_open_both_ways(cluster, from, to) &&
           network_latency_us(cluster, from, to) + network_latency_us(cluster, to, from) + FETCH_WAIT_US < voter_setting_us(follower, "controller.quorum.fetch.timeout.ms");
}

static bool leader_in_contact(const struct voter *leader)
{
    size_t count = 1;

    for (size_t i = 0; i < leader->quorum->count; i++)
        count += voter_in_contact(leader, &leader->quorum->voters[i]);
    return count >= quorum_majority(leader->quorum);
}

/* ---- messages ---- */

static void unlink_message(struct raft_message *message)
{
    if (message->next)
        message->next->previous = message->previous;
    if (message->previous)
        message->previous->next = message->next;
    else
        message->quorum->messages = message->next;
}

static void message_arrives(void *context);

static void forget_message(struct raft_message *message)
{
    network_cancel(&message->message);
    unlink_message(message);
    mem_free(message);
}

static struct raft_message *new_message(struct voter *from, struct voter *to, enum raft_kind kind, struct raft_message how)
{
    struct quorum *quorum = from->quorum;
    struct raft_message *message = mem_zero(sizeof(*message));

    *message = how;
    message->message = (struct network_message){ .run = message_arrives, .context = message };
    message->quorum = quorum;
    message->kind = kind;
    message->from = from->index;
    message->to = to->index;
    message->epoch = from->epoch;
    message->leader = from->leader;
    message->previous = NULL;
    message->next = quorum->messages;
    if (quorum->messages)
        quorum->messages->previous = message;
    quorum->messages = message;
    return message;
}

static const char *api_of(enum raft_kind kind)
{
    static const char *const names[] = { [RAFT_PRE_VOTE] = "Vote", [RAFT_VOTE] = "Vote", [RAFT_BEGIN_EPOCH] = "BeginQuorumEpoch", [RAFT_END_EPOCH] = "EndQuorumEpoch",
                                         [RAFT_TIMED_OUT] = NULL };

    return names[kind];
}

/* The one before it that a fault still holds: its connection was given up with it. */
static void forget_held(struct voter *from, struct voter *to, enum raft_kind kind)
{
    for (struct raft_message *message = from->quorum->messages, *next; message; message = next) {
        next = message->next;
        if (message->kind == kind && message->from == from->index && message->to == to->index && message->message.held && message->message.faulty)
            forget_message(message);
    }
}

/* Its sender knows nothing of the fault, and waits for controller.quorum.request.timeout.ms. */
static void time_out_later(struct voter *sender, struct voter *receiver, enum raft_kind kind)
{
    struct raft_message *message = new_message(receiver, sender, RAFT_TIMED_OUT, (struct raft_message){ .asked = kind, .position = sender->epoch });

    network_send_later(sender->quorum->cluster, sender->broker->id, sender->broker->id, &message->message, 0, voter_setting_us(sender, "controller.quorum.request.timeout.ms"));
}

static void send_request(struct voter *from, struct voter *to, enum raft_kind kind, struct raft_message how, int64_t delay_us)
{
    struct cluster *cluster = from->quorum->cluster;
    struct fault_query query = { .api = api_of(kind), .from = from->broker->id, .to = to->broker->id };
    struct fault_verdict verdict = cluster_fault(cluster, &query);
    struct raft_message *message;

    forget_held(from, to, kind);
    if (verdict.kind == FAULT_LOSE_REQUEST || verdict.kind == FAULT_LOSE_RESPONSE || verdict.kind == FAULT_HOLD || verdict.kind == FAULT_BLACKHOLE)
        time_out_later(from, to, kind);
    if (verdict.kind == FAULT_LOSE_REQUEST)
        return;
    message = new_message(from, to, kind, how);
    message->message.verdict = verdict;
    network_send_judged(cluster, from->broker->id, to->broker->id, &message->message, REQUEST_BYTES, delay_us);
}

static void voter_send(struct voter *from, struct voter *to, enum raft_kind kind, struct raft_message how)
{
    if (to->role == QUORUM_DOWN || from->role == QUORUM_DOWN) /* its port refuses */
        return;
    if (api_of(kind))
        send_request(from, to, kind, how, 0);
    else if (!how.answer_lost)
        network_send(from->quorum->cluster, from->broker->id, to->broker->id, &new_message(from, to, kind, how)->message, REQUEST_BYTES);
}

void voter_cancel(struct voter *voter)
{
    struct quorum *quorum = voter->quorum;

    for (struct raft_message *message = quorum->messages, *next; message; message = next) {
        next = message->next;
        if (message->from == voter->index || message->to == voter->index)
            forget_message(message);
    }
    event_cancel(quorum->cluster->queue, &voter->timer);
    event_cancel(quorum->cluster->queue, &voter->wait);
    for (size_t i = 0; i < quorum->count; i++) {
        struct voter *other = &quorum->voters[i];

        if (other != voter && other->fetch_to != voter->index)
            continue;
        network_cancel(&other->fetch);
        network_cancel(&other->answer);
    }
}

/* ---- timers ---- */

static int64_t random_election_us(const struct voter *voter)
{
    int64_t us = voter_setting_us(voter, "controller.quorum.election.timeout.ms");

    return us + (int64_t)random_below(&voter->quorum->random, (uint64_t)us + 1);
}

static void arm(struct voter *voter, int64_t after_us)
{
    voter->parked = voter->overdue = false;
    event_after(voter->quorum->cluster->queue, &voter->timer, after_us);
}

static void disarm(struct voter *voter)
{
    voter->parked = voter->overdue = false;
    event_cancel(voter->quorum->cluster->queue, &voter->timer);
}

/* What is left of a timeout that began at the last answer, which was at most a fetch's wait ago. */
static void arm_from_last_fetch(struct voter *voter, int64_t timeout_us)
{
    int64_t ago = (int64_t)random_below(&voter->quorum->random, FETCH_WAIT_US);

    arm(voter, ago < timeout_us ? timeout_us - ago : 0);
}

/* Fetches are real from now on: also the one that is parked has its half second. */
static void end_wait_later(struct voter *follower)
{
    struct voter *leader = &follower->quorum->voters[follower->fetch_to];

    if (leader->role == QUORUM_LEADER && leader->views[follower->index].parked && !event_scheduled(&follower->wait) && voter_fetch_is_real(follower))
        event_after(follower->quorum->cluster->queue, &follower->wait, FETCH_WAIT_US);
}

void voter_was_answered(struct voter *follower)
{
    if (follower->role == QUORUM_FOLLOWER && event_scheduled(&follower->timer))
        arm(follower, voter_setting_us(follower, "controller.quorum.fetch.timeout.ms"));
}

void voter_was_fetched_from(struct voter *leader)
{
    size_t count = 1;

    for (size_t i = 0; i < leader->quorum->count; i++)
        count += leader->views[i].fetched || voter_in_contact(leader, &leader->quorum->voters[i]);
    if (count < quorum_majority(leader->quorum) || !event_scheduled(&leader->timer))
        return;
    for (size_t i = 0; i < leader->quorum->count; i++)
        leader->views[i].fetched = false;
    arm(leader, voter_setting_us(leader, "controller.quorum.fetch.timeout.ms") * 3 / 2);
}

static void reconsider(struct voter *voter)
{
    const struct voter *leader = voter->role == QUORUM_FOLLOWER ? quorum_voter(voter->quorum, voter->leader) : NULL;
    bool waits = event_scheduled(&voter->timer) || voter->overdue;
    int64_t timeout_us;

    switch (voter->role) {
    case QUORUM_DOWN:
    case QUORUM_OBSERVER:
        break;
    case QUORUM_FOLLOWER:
        end_wait_later(voter);
        if (voter_in_contact(leader, voter)) {
            disarm(voter);
        } else if (!waits && (!voter->parked || reaches_majority(voter))) {
            timeout_us = voter_setting_us(voter, "controller.quorum.fetch.timeout.ms");
            if (voter->parked)
                arm(voter, 0);
            else
                arm_from_last_fetch(voter, timeout_us);
        }
        break;
    case QUORUM_LEADER:
        if (leader_in_contact(voter))
            disarm(voter);
        else if (!waits)
            arm_from_last_fetch(voter, voter_setting_us(voter, "controller.quorum.fetch.timeout.ms") * 3 / 2);
        break;
    case QUORUM_UNATTACHED:
    case QUORUM_PROSPECTIVE:
    case QUORUM_CANDIDATE:
    case QUORUM_RESIGNED:
        if (!waits && reaches_majority(voter))
            arm(voter, random_election_us(voter));
        break;
    }
}

static void say_majority(struct quorum *quorum)
{
    struct text text = { 0 };
    size_t up = 0;
    bool possible = false;

    for (size_t i = 0; i < quorum->count; i++) {
        up += quorum->voters[i].role != QUORUM_DOWN;
        possible = possible || reaches_majority(&quorum->voters[i]);
    }
    if (possible != quorum->lost_said || quorum->cluster->opening)
        return;
    quorum->lost_said = !possible;
    if (possible)
        text_printf(&text, "a majority of the controllers reaches each other again: %zu of %zu voters are up", up, quorum->count);
    else
        text_printf(&text, "no majority of the controllers reaches each other (%zu of %zu voters are up): no leader is elected and no topic made until %zu do", up,
                    quorum->count, quorum_majority(quorum));
    journal_add(quorum->cluster->journal,
                ENTRY(possible ? EVENT_quorum_back : EVENT_quorum_lost, .rule = "majority of the voters", .text = text_chars(&text),
                      .facts = { { "voters", (int64_t)quorum->count, NULL }, { "voters_up", (int64_t)up, NULL },
                                 { "majority", (int64_t)quorum_majority(quorum), NULL } }, .fact_count = 3));
    text_done(&text);
}

static bool begin_under_way(const struct voter *leader, const struct voter *to)
{
    for (const struct raft_message *message = leader->quorum->messages; message; message = message->next)
        if ((message->kind == RAFT_BEGIN_EPOCH && message->from == leader->index && message->to == to->index) ||
            ((message->kind == RAFT_REFUSED || message->kind == RAFT_TIMED_OUT) && message->asked == RAFT_BEGIN_EPOCH && message->from == to->index &&
             message->to == leader->index && message->position == leader->epoch))
            return true;
    return false;
}

/* BeginQuorumEpoch to those who don't follow it. */
static void say_that_it_leads(struct voter *leader)
{
    for (size_t i = 0; i < leader->quorum->count; i++) {
        struct voter *other = &leader->quorum->voters[i];
        bool follows = other->role == QUORUM_FOLLOWER && other->leader == leader->broker->id && other->epoch == leader->epoch;

        if (other != leader && !follows && reaches(leader, other) && !begin_under_way(leader, other))
            voter_send(leader, other, RAFT_BEGIN_EPOCH, (struct raft_message){ 0 });
    }
}

void quorum_reconsider(struct quorum *quorum)
{
    for (size_t i = 0; i < quorum->count; i++) {
        struct voter *voter = &quorum->voters[i];

        if (voter->role == QUORUM_LEADER)
            say_that_it_leads(voter);
        reconsider(voter);
    }
    say_majority(quorum);
}

/* ---- roles ---- */

void voter_persist(const struct voter *voter)
{
    struct reason reason;

    raft_write_state(voter->broker, voter->leader, voter->epoch, voter->voted, &reason); /* a disk that refuses says so itself */
}

static void change_role(struct voter *voter, enum quorum_role role, const char *why)
{
    if (voter->role == QUORUM_LEADER && role != QUORUM_LEADER)
        voter_stop_leading(voter, why);
    if (voter->role == QUORUM_FOLLOWER) {
        network_cancel(&voter->fetch);
        network_cancel(&voter->answer);
    }
    voter->role = role;
    voter->fetched = false;
    disarm(voter);
}

void voter_become_unattached(struct voter *voter, int32_t epoch)
{
    bool known = epoch == voter->epoch;

    change_role(voter, QUORUM_UNATTACHED, "a higher epoch is known");
    if (!known)
        voter->voted = -1;
    voter->epoch = epoch;
    voter->leader = -1;
    voter_persist(voter);
    reconsider(voter);
}

void voter_become_follower(struct voter *voter, int32_t epoch, int32_t leader)
{
    change_role(voter, QUORUM_FOLLOWER, "another leads in a higher epoch");
    if (epoch != voter->epoch)
        voter->voted = -1;
    voter->epoch = epoch;
    voter->leader = leader;
    voter_persist(voter);
    voter_fetch(voter);
    reconsider(voter);
    for (size_t i = 0; i < voter->quorum->count; i++) /* the leader's count of who follows */
        if (voter->quorum->voters[i].role == QUORUM_LEADER)
            reconsider(&voter->quorum->voters[i]);
}

static struct raft_message own_end(const struct voter *voter)
{
    return (struct raft_message){ .last_epoch = log_latest_epoch(voter_log(voter)), .end_offset = log_end_offset(voter_log(voter)) };
}

static void ask_for_votes(struct voter *voter, enum raft_kind kind)
{
    struct quorum *quorum = voter->quorum;
    struct raft_message how = own_end(voter);

    memset(voter->votes, VOTE_UNKNOWN, quorum->count);
    voter->votes[voter->index] = VOTE_GRANTED;
    for (size_t i = 0; i < quorum->count; i++)
        if (i != voter->index)
            voter_send(voter, &quorum->voters[i], kind, how);
}

/* It asks first whether it would be elected: so one that only was cut off disturbs nobody when it is back. */
static void become_prospective(struct voter *voter)
{
    change_role(voter, QUORUM_PROSPECTIVE, NULL);
    arm(voter, random_election_us(voter));
    ask_for_votes(voter, RAFT_PRE_VOTE);
}

static void become_candidate(struct voter *voter)
{
    struct quorum *quorum = voter->quorum;
    char text[160];

    change_role(voter, QUORUM_CANDIDATE, NULL);
    voter->epoch++;
    voter->leader = -1;
    voter->voted = voter->broker->id;
    voter_persist(voter);
    arm(voter, random_election_us(voter));
    snprintf(text, sizeof(text), "controller %d stands for election in epoch %d: a majority would vote for it", voter->broker->id, voter->epoch);
    journal_add(quorum->cluster->journal,
                ENTRY(EVENT_controller_candidate, .broker = voter->broker->id, .rule = "controller.quorum.fetch.timeout.ms", .text = text,
                      .facts = { { "epoch", voter->epoch, NULL }, { "log_end_offset", log_end_offset(voter_log(voter)), NULL } }, .fact_count = 2));
    ask_for_votes(voter, RAFT_VOTE);
}

/* EndQuorumEpoch: those who have most of its log may stand for election first. */
static void say_that_it_resigns(struct voter *voter)
{
    struct quorum *quorum = voter->quorum;

    for (size_t i = 0; i < quorum->count; i++) {
        int32_t position = 0;

        if (i == voter->index)
            continue;
        for (size_t j = 0; j < quorum->count; j++)
            if (j != i && j != voter->index &&
                (voter->views[j].end_offset > voter->views[i].end_offset || (voter->views[j].end_offset == voter->views[i].end_offset && j < i)))
                position++;
        voter_send(voter, &quorum->voters[i], RAFT_END_EPOCH, (struct raft_message){ .position = position });
    }
}

void voter_resign(struct voter *voter, const char *why)
{
    change_role(voter, QUORUM_RESIGNED, why);
    say_that_it_resigns(voter);
    reconsider(voter);
}

/* Nobody wants it, or not enough answered: back to where it was. */
static void lose_pre_vote(struct voter *voter)
{
    if (voter->leader >= 0)
        voter_become_follower(voter, voter->epoch, voter->leader);
    else
        voter_become_unattached(voter, voter->epoch);
}

static void time_is_over(void *context)
{
    struct voter *voter = context;

    if (network_frozen(voter->quorum->cluster, voter->broker->id)) {
        voter->overdue = true;
        return;
    }
    switch (voter->role) {
    case QUORUM_DOWN:
    case QUORUM_OBSERVER:
        break;
    case QUORUM_LEADER:
        voter_resign(voter, "no majority of the voters fetched from it for 1.5 times controller.quorum.fetch.timeout.ms");
        break;
    case QUORUM_RESIGNED: /* it can't lead in this epoch any more, nor follow */
        voter_become_unattached(voter, voter->epoch + 1);
        break;
    case QUORUM_PROSPECTIVE:
        lose_pre_vote(voter);
        break;
    case QUORUM_FOLLOWER:
    case QUORUM_UNATTACHED:
    case QUORUM_CANDIDATE:
        if (reaches_majority(voter))
            become_prospective(voter);
        else
            voter->parked = true;
        break;
    }
    quorum_reconsider(voter->quorum);
}

/* ---- what arrives ---- */

static bool loses_answer(const struct raft_message *message)
{
    return message->message.verdict.kind == FAULT_LOSE_RESPONSE;
}

static bool up_to_date(const struct voter *voter, const struct raft_message *message)
{
    struct log *log = voter_log(voter);
    int32_t epoch = log_latest_epoch(log);

    return message->last_epoch > epoch || (message->last_epoch == epoch && message->end_offset >= log_end_offset(log));
}

static bool grants_pre_vote(const struct voter *voter, const struct raft_message *message)
{
    if (voter->role == QUORUM_LEADER || (voter->role == QUORUM_FOLLOWER && voter->fetched)) /* there is a leader, as far as it knows */
        return false;
    return up_to_date(voter, message);
}

static bool grants_vote(const struct voter *voter, const struct raft_message *message)
{
    if (voter->voted >= 0)
        return voter->role != QUORUM_LEADER && voter->voted == voter->quorum->voters[message->from].broker->id;
    return voter->leader < 0 && (voter->role == QUORUM_UNATTACHED || voter->role == QUORUM_PROSPECTIVE) && up_to_date(voter, message);
}

static void vote(struct voter *voter, const struct raft_message *message)
{
    struct voter *from = &voter->quorum->voters[message->from];
    bool pre = message->kind == RAFT_PRE_VOTE, granted = false;

    if (message->epoch > voter->epoch)
        voter_become_unattached(voter, message->epoch);
    if (message->epoch == voter->epoch)
        granted = pre ? grants_pre_vote(voter, message) : grants_vote(voter, message);
    if (granted && !pre && voter->voted < 0) {
        voter->voted = from->broker->id;
        voter_persist(voter);
        if (event_scheduled(&voter->timer))
            arm(voter, random_election_us(voter));
    }
    voter_send(voter, from, pre ? RAFT_PRE_VOTE_REPLY : RAFT_VOTE_REPLY, (struct raft_message){ .granted = granted, .answer_lost = loses_answer(message) });
}

/* A reply, or a word, of somebody who knows more. True: nothing else is to be made of it. */
static bool knows_more(struct voter *voter, const struct raft_message *message)
{
    if (message->epoch < voter->epoch)
        return true;
    if (message->epoch > voter->epoch) {
        if (message->leader >= 0 && message->leader != voter->broker->id)
            voter_become_follower(voter, message->epoch, message->leader);
        else
            voter_become_unattached(voter, message->epoch);
        return true;
    }
    if (message->leader < 0 || voter->leader >= 0 || message->leader == voter->broker->id)
        return false;
    voter_become_follower(voter, message->epoch, message->leader);
    return true;
}

static void count_vote(struct voter *voter, const struct raft_message *message)
{
    enum quorum_role asked = message->kind == RAFT_PRE_VOTE_REPLY ? QUORUM_PROSPECTIVE : QUORUM_CANDIDATE;
    size_t granted = 0, rejected = 0;

    if (knows_more(voter, message) || voter->role != asked)
        return;
    voter->votes[message->from] = message->granted ? VOTE_GRANTED : VOTE_REJECTED;
    for (size_t i = 0; i < voter->quorum->count; i++) {
        granted += voter->votes[i] == VOTE_GRANTED;
        rejected += voter->votes[i] == VOTE_REJECTED;
    }
    if (granted >= quorum_majority(voter->quorum)) {
        if (asked == QUORUM_PROSPECTIVE) {
            become_candidate(voter);
            return;
        }
        change_role(voter, QUORUM_LEADER, NULL);
        voter->leader = voter->broker->id;
        voter_persist(voter);
        voter_begin_leading(voter);
    } else if (asked == QUORUM_PROSPECTIVE && rejected > voter->quorum->count - quorum_majority(voter->quorum)) {
        lose_pre_vote(voter);
    } /* a candidate waits for its timeout before it tries again */
}

static void begin_epoch(struct voter *voter, const struct raft_message *message)
{
    struct voter *from = &voter->quorum->voters[message->from];

    if (message->epoch < voter->epoch)
        voter_send(voter, from, RAFT_FENCED, (struct raft_message){ .answer_lost = loses_answer(message) });
    else if (message->epoch > voter->epoch || voter->role != QUORUM_FOLLOWER || voter->leader != from->broker->id)
        voter_become_follower(voter, message->epoch, from->broker->id);
}

static void end_epoch(struct voter *voter, const struct raft_message *message)
{
    int64_t backoff_us = voter_setting_us(voter, "controller.quorum.election.backoff.max.ms") >> (voter->quorum->count - 1);

    if (message->epoch != voter->epoch || voter->role != QUORUM_FOLLOWER || voter->leader != voter->quorum->voters[message->from].broker->id) {
        if (message->epoch > voter->epoch)
            voter_become_unattached(voter, message->epoch);
        return;
    }
    for (int32_t i = 1; i < message->position; i++)
        backoff_us *= 2;
    arm(voter, message->position ? backoff_us : 0);
}

/* A request that came to nothing is sent again, as long as its sender still wants an answer. KafkaRaftClient's RequestManager: after an error
 * controller.quorum.retry.backoff.ms later. EndQuorumEpoch is not: whoever resigned has an election timeout of its own. */
static void ask_again(struct voter *voter, const struct raft_message *message)
{
    struct voter *to = &voter->quorum->voters[message->from];
    bool follows = to->role == QUORUM_FOLLOWER && to->leader == voter->broker->id && to->epoch == voter->epoch;
    bool wanted = (message->asked == RAFT_PRE_VOTE && voter->role == QUORUM_PROSPECTIVE && voter->votes[to->index] == VOTE_UNKNOWN) ||
                  (message->asked == RAFT_VOTE && voter->role == QUORUM_CANDIDATE && voter->votes[to->index] == VOTE_UNKNOWN) ||
                  (message->asked == RAFT_BEGIN_EPOCH && voter->role == QUORUM_LEADER && !follows);

    if (wanted && message->position == voter->epoch && to->role != QUORUM_DOWN)
        send_request(voter, to, message->asked, own_end(voter), message->kind == RAFT_REFUSED ? voter_setting_us(voter, "controller.quorum.retry.backoff.ms") : 0);
}

static void message_arrives(void *context)
{
    struct raft_message *message = context;
    struct quorum *quorum = message->quorum;
    struct voter *voter = &quorum->voters[message->to];
    enum raft_kind kind = message->kind;

    unlink_message(message);
    if (network_refusal(&message->message)) {
        voter_send(voter, &quorum->voters[message->from], RAFT_REFUSED, (struct raft_message){ .asked = kind, .position = message->epoch });
        mem_free(message);
        return;
    }
    switch (kind) {
    case RAFT_PRE_VOTE:
    case RAFT_VOTE: vote(voter, message); break;
    case RAFT_PRE_VOTE_REPLY:
    case RAFT_VOTE_REPLY: count_vote(voter, message); break;
    case RAFT_BEGIN_EPOCH: begin_epoch(voter, message); break;
    case RAFT_END_EPOCH: end_epoch(voter, message); break;
    case RAFT_FENCED: knows_more(voter, message); break;
    case RAFT_REFUSED:
    case RAFT_TIMED_OUT: ask_again(voter, message); break;
    }
    mem_free(message);
    quorum_reconsider(quorum);
}

/* ---- the network changes ---- */

/* One that stood still goes on: what its clock says comes before what others sent. */
static void go_on(struct voter *voter)
{
    if (!voter->overdue || network_frozen(voter->quorum->cluster, voter->broker->id))
        return;
    voter->overdue = false;
    event_after(voter->quorum->cluster->queue, &voter->timer, 0);
}

void quorum_link_changed(struct cluster *cluster, int32_t from, int32_t to)
{
    struct quorum *quorum = cluster->quorum;
    struct voter *thawed = from == to ? quorum_voter(quorum, from) : NULL;

    if (!quorum)
        return;
    if (thawed)
        go_on(thawed);
    quorum_reconsider(quorum);
}

void quorum_faults_changed(struct cluster *cluster)
{
    if (cluster->quorum)
        quorum_reconsider(cluster->quorum);
}

void voter_init(struct voter *voter, struct quorum *quorum, size_t index)
{
    voter->quorum = quorum;
    voter->broker = quorum->cluster->brokers[index];
    voter->index = index;
    voter->role = QUORUM_DOWN;
    voter->leader = voter->voted = -1;
    voter->timer = (struct event){ .run = time_is_over, .context = voter };
    voter->votes = mem_zero_array(quorum->count, sizeof(*voter->votes));
    voter->views = mem_zero_array(quorum->count, sizeof(*voter->views));
}
