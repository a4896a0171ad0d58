/* Chaos: what is drawn, what is spared, what is mended. */
#include "sim/chaos.h"

#include <string.h>

#include "sim/cluster/network.h"
#include "sim/cluster/quorum.h"
#include "sim/base/rows.h"
#include "sim/lab_internal.h"

enum { MOST_DEEDS = 100000, TRY_AGAIN_US = 1000000 };

struct mending {                  /* of one deed */
    struct chaos *chaos;
    struct chaos_deed deed;
    struct event event;
};
struct chaos {
    struct lab *lab;
    struct random random;
    uint64_t seed;
    int64_t until_us;
    bool rough, over, ended;      /* over: nothing new is done */
    enum chaos_kind kinds[CHAOS_KINDS];
    size_t kind_count;
    int32_t *brokers;
    size_t broker_count;
    struct event tick;
    struct mending **deeds;
    size_t deed_count, deed_capacity;
};

static const struct { const char *name; bool takes_away; } kinds[CHAOS_KINDS] = {
    [CHAOS_KILL] = { "kill", true }, [CHAOS_STOP] = { "stop", true }, [CHAOS_POWER_OFF] = { "power-off", true }, [CHAOS_FREEZE] = { "freeze", true },
    [CHAOS_CUT] = { "cut", true }, [CHAOS_DISK_FAIL] = { "disk-fail", true }, [CHAOS_DELAY] = { "delay", false }, [CHAOS_LOSS] = { "loss", false },
    [CHAOS_DISK] = { "disk", false }, [CHAOS_REQUESTS] = { "requests", false },
};

const char *chaos_kind_name(enum chaos_kind kind) { return kinds[kind].name; }
const struct chaos *lab_chaos(const struct lab *lab) { return lab->chaos; }
bool chaos_goes_on(const struct chaos *chaos) { return !chaos->ended; }
int64_t chaos_until_us(const struct chaos *chaos) { return chaos->until_us; }
uint64_t chaos_seed(const struct chaos *chaos) { return chaos->seed; }
size_t chaos_deed_count(const struct chaos *chaos) { return chaos->deed_count; }
const struct chaos_deed *chaos_deed_at(const struct chaos *chaos, size_t i) { return &chaos->deeds[i]->deed; }

static int64_t draw(struct chaos *chaos, int64_t least, int64_t most)
{
    return least + (int64_t)random_below(&chaos->random, (uint64_t)(most - least + 1));
}

static void tell(struct chaos *chaos, enum event_kind kind, const struct chaos_deed *deed, const char *format, const char *what)
{
    struct text text = { 0 };

    text_add(&text, "chaos: ");
    text_printf(&text, format, deed ? deed->words : "", what);
    journal_add(chaos->lab->journal, ENTRY(kind, .broker = deed ? deed->broker : -1, .subject = "chaos", .rule = kind == EVENT_chaos_spared ? "gentle" : NULL,
                                           .text = text_chars(&text), .fact_count = 1, .facts = { { "seed", (int64_t)chaos->seed, NULL } }));
    text_done(&text);
}

/* ---- what speaks against it ---- */

static bool on_link(enum chaos_kind kind) { return kind == CHAOS_CUT || kind == CHAOS_DELAY || kind == CHAOS_LOSS; }
static bool on_disk(enum chaos_kind kind) { return kind == CHAOS_DISK || kind == CHAOS_DISK_FAIL; }

/* Mending one would mend the other, or it has more than enough. */
static bool disturbs(const struct chaos_deed *a, const struct chaos_deed *b)
{
    bool same_broker = a->broker == b->broker || (a->other >= 0 && a->other == b->broker) || (b->other >= 0 && b->other == a->broker);
    bool same_link = (a->broker == b->broker && a->other == b->other) || (a->broker == b->other && a->other == b->broker);

    if (on_link(a->kind) && on_link(b->kind))
        return same_link || (same_broker && a->kind == b->kind);
    if (on_disk(a->kind) && on_disk(b->kind))
        return a->broker == b->broker;
    return same_broker && (a->kind == b->kind || (kinds[a->kind].takes_away && kinds[b->kind].takes_away));
}

static bool open_deed(const struct chaos *chaos, const struct chaos_deed *deed)
{
    for (size_t i = 0; i < chaos->deed_count; i++)
        if (!chaos->deeds[i]->deed.mended_us && disturbs(&chaos->deeds[i]->deed, deed))
            return true;
    return false;
}

static bool any_taken_away(const struct chaos *chaos)
{
    for (size_t i = 0; i < chaos->deed_count; i++)
        if (!chaos->deeds[i]->deed.mended_us && kinds[chaos->deeds[i]->deed.kind].takes_away)
            return true;
    return false;
}

static bool is_well(const struct chaos *chaos, int32_t id)
{
    const struct cluster *cluster = chaos->lab->cluster;
    const struct image_broker *known = image_broker(cluster_image(cluster), id);

    return broker_state(cluster_broker(cluster, id)) == BROKER_UP && !network_frozen(cluster, id) && known && !known->fenced;
}

/* A partition that would have too few in sync without this broker. Of those with one replica nothing can be saved. */
static bool is_needed(const struct chaos *chaos, int32_t id, struct text *why)
{
    const struct cluster *cluster = chaos->lab->cluster;
    const struct image *image = cluster_image(cluster);

    for (size_t t = 0; t < image_topic_count(image); t++) {
        const struct image_topic *topic = image_topic_at(image, t);
        struct config_layers layers = broker_topic_config(cluster_broker(cluster, id), topic->name);
        int64_t least = config_long(&layers, "min.insync.replicas");

        for (int32_t p = 0; p < topic->partition_count; p++) {
            const struct image_partition *partition = &topic->partitions[p];
            int64_t left = 0, wanted = least < partition->replica_count ? least : partition->replica_count;
            bool replica = false;

            for (int16_t i = 0; i < partition->replica_count; i++)
                replica = replica || partition->replicas[i] == id;
            for (int16_t i = 0; i < partition->isr_count; i++)
                left += partition->isr[i] != id && is_well(chaos, partition->isr[i]);
            if (partition->replica_count < 2 || !replica || left >= wanted)
                continue;
            text_printf(why, "%s-%d would have %lld in sync, of %lld at least (min.insync.replicas)", topic->name, p, (long long)left, (long long)wanted);
            return true;
        }
    }
    return false;
}

/* 4.3: without this one of them the controllers would have no majority. */
static bool only_controller(const struct chaos *chaos, int32_t id)
{
    struct quorum_info quorum;
    size_t place = 0;

    if (!cluster_quorum(chaos->lab->cluster, &quorum))
        return false;
    while (broker_id(cluster_broker_at(chaos->lab->cluster, place)) != id)
        place++;
    return cluster_quorum_replica(chaos->lab->cluster, place).voter && quorum.voters_up - 1 < quorum.majority;
}

/* Why this is not done; "": it is. */
static void object(const struct chaos *chaos, const struct chaos_deed *deed, struct text *why)
{
    const int32_t both[] = { deed->broker, deed->other };

    if (kinds[deed->kind].takes_away && deed->kind != CHAOS_CUT && broker_state(cluster_broker(chaos->lab->cluster, deed->broker)) != BROKER_UP)
        text_printf(why, "broker %d is not up", deed->broker);
    else if (open_deed(chaos, deed))
        text_printf(why, "broker %d has trouble enough", deed->broker);
    else if (!chaos->rough && kinds[deed->kind].takes_away && any_taken_away(chaos))
        text_add(why, "another broker is not back yet");
    for (size_t i = 0; i < 2 && !why->size && !chaos->rough && kinds[deed->kind].takes_away; i++) {
        if (both[i] < 0)
            continue;
        for (size_t b = 0; b < cluster_broker_count(chaos->lab->cluster) && !why->size; b++)
            if (!is_well(chaos, broker_id(cluster_broker_at(chaos->lab->cluster, b))))
                text_printf(why, "broker %d is not well", broker_id(cluster_broker_at(chaos->lab->cluster, b)));
        if (!why->size && cluster_broker_count(chaos->lab->cluster) < 2)
            text_add(why, "there is no other broker");
        else if (!why->size && only_controller(chaos, both[i]))
            text_printf(why, "without broker %d there would be no controller", both[i]);
        else if (!why->size)
            is_needed(chaos, both[i], why);
    }
}

/* ---- what is drawn ---- */

static const char *const request_faults[] = { /* such as clients get over */
    "Produce %s count=3 error=NOT_LEADER_OR_FOLLOWER", "Produce %s count=1 lose-response", "Produce %s count=1 lose-request", "Produce %s count=5 delay=200ms",
    "Fetch %s count=3 error=NOT_LEADER_OR_FOLLOWER", "Fetch %s count=5 delay=300ms", "Fetch %s count=1 lose-response", "Metadata %s count=2 error=LEADER_NOT_AVAILABLE",
    "OffsetCommit %s count=2 error=COORDINATOR_LOAD_IN_PROGRESS", "OffsetCommit %s count=1 lose-response", "JoinGroup %s count=1 error=COORDINATOR_LOAD_IN_PROGRESS",
    "Heartbeat %s count=1 error=REBALANCE_IN_PROGRESS", "FindCoordinator %s count=2 error=COORDINATOR_NOT_AVAILABLE",
    "InitProducerId %s count=2 error=COORDINATOR_LOAD_IN_PROGRESS",
};

/* The same numbers are drawn whatever comes of it, so what was spared shifts nothing that follows. */
static void draw_deed(struct chaos *chaos, struct chaos_deed *deed)
{
    const struct cluster *cluster = chaos->lab->cluster;
    size_t count = cluster_broker_count(cluster);
    enum chaos_kind kind = chaos->kinds[random_below(&chaos->random, chaos->kind_count)];
    int32_t broker = chaos->brokers[random_below(&chaos->random, chaos->broker_count)], other;
    int64_t duration_us = draw(chaos, 2000, 20000) * 1000, how_much = draw(chaos, 1, 100);
    size_t place = random_below(&chaos->random, count + 1), choice = random_below(&chaos->random, sizeof(request_faults) / sizeof(*request_faults));
    bool one_way = random_below(&chaos->random, 3) == 0;
    struct text words = { 0 };
    char end[16], to[24];

    other = place < count ? broker_id(cluster_broker_at(cluster, place)) : NETWORK_CLIENTS;
    if (other == broker)
        other = NETWORK_CLIENTS;
    network_node_name(other, end);
    snprintf(to, sizeof(to), "broker=%d", broker);
    switch (kind) {
    case CHAOS_KILL:
    case CHAOS_STOP:
    case CHAOS_POWER_OFF:
    case CHAOS_FREEZE: text_printf(&words, "broker %s %d", kinds[kind].name, broker); break;
    case CHAOS_CUT: text_printf(&words, "net cut %d %s%s", broker, end, one_way ? " one-way" : ""); break;
    case CHAOS_DISK_FAIL: text_printf(&words, "disk fail %d %s %lld", broker, one_way ? "fsync" : "write", (long long)how_much); break;
    case CHAOS_DELAY: text_printf(&words, "net delay %d %s %lldms %lldms", broker, end, (long long)(chaos->rough ? how_much * 20 : how_much), (long long)how_much); break;
    case CHAOS_LOSS: text_printf(&words, "net loss %d %s %lld%%", broker, end, (long long)(chaos->rough ? how_much / 2 + 1 : how_much / 10 + 1)); break;
    case CHAOS_DISK: text_printf(&words, "disk slow %d %lldms", broker, (long long)(chaos->rough ? how_much * 5 : how_much / 2 + 1)); break;
    default:
        text_add(&words, "fault add ");
        for (const char *at = request_faults[choice]; *at; at++) {
            if (at[0] == '%')
                text_add(&words, to), at++;
            else
                text_char(&words, *at);
        }
        break;
    }
    *deed = (struct chaos_deed){ .at_us = queue_now_us(chaos->lab->queue), .kind = kind, .broker = broker, .other = -1, .words = text_take(&words) };
    if (kind == CHAOS_CUT || kind == CHAOS_DELAY || kind == CHAOS_LOSS)
        deed->other = other;
    deed->until_us = deed->at_us + duration_us;
}

/* ---- mending ---- */

static void end_if_all_is_well(struct chaos *chaos)
{
    for (size_t i = 0; i < chaos->deed_count; i++)
        if (!chaos->deeds[i]->deed.mended_us)
            return;
    chaos->ended = true;
    tell(chaos, EVENT_chaos_ended, NULL, "%sall is mended%s", "");
}

/* True: it is done, or was done by somebody else. */
static bool start(struct chaos *chaos, int32_t id)
{
    struct broker *broker = cluster_broker(chaos->lab->cluster, id);
    char words[32];

    snprintf(words, sizeof(words), "broker start %d", id);
    if (broker_state(broker) == BROKER_DOWN)
        order_carry_out_due(chaos->lab, words, NULL);
    return broker_state(broker) == BROKER_UP;
}

static bool mend(struct chaos *chaos, const struct chaos_deed *deed)
{
    struct lab *lab = chaos->lab;
    char words[48], end[16];

    switch (deed->kind) {
    case CHAOS_FREEZE:
        snprintf(words, sizeof(words), "broker thaw %d", deed->broker);
        if (network_frozen(lab->cluster, deed->broker))
            order_carry_out_due(lab, words, NULL);
        return true;
    case CHAOS_CUT:
    case CHAOS_DELAY:
    case CHAOS_LOSS:
        network_node_name(deed->other, end);
        snprintf(words, sizeof(words), "net heal %d %s", deed->broker, end);
        order_carry_out_due(lab, words, NULL);
        return true;
    case CHAOS_DISK:
    case CHAOS_DISK_FAIL:
        snprintf(words, sizeof(words), "disk heal %d", deed->broker);
        order_carry_out_due(lab, words, NULL);
        return deed->kind == CHAOS_DISK || start(chaos, deed->broker);
    case CHAOS_REQUESTS:
        snprintf(words, sizeof(words), "fault clear %llu", (unsigned long long)deed->fault);
        if (faults_find(lab->wire, deed->fault))
            order_carry_out_due(lab, words, NULL);
        return true;
    default:
        return start(chaos, deed->broker);
    }
}

static void is_to_be_mended(void *context)
{
    struct mending *mending = context;
    struct chaos *chaos = mending->chaos;
    struct chaos_deed *deed = &mending->deed;

    deed->until_us = INT64_MAX;
    if (!mend(chaos, deed)) { /* a broker that is stopping still, or waits for the session of before */
        event_after(chaos->lab->queue, &mending->event, TRY_AGAIN_US);
        return;
    }
    deed->mended_us = queue_now_us(chaos->lab->queue);
    deed->until_us = deed->mended_us;
    tell(chaos, EVENT_chaos_mended, deed, "%s: mended%s", "");
    if (chaos->over)
        end_if_all_is_well(chaos);
}

static void finish(struct chaos *chaos)
{
    struct queue *queue = chaos->lab->queue;

    chaos->over = true;
    event_cancel(queue, &chaos->tick);
    for (size_t i = 0; i < chaos->deed_count; i++)
        if (!chaos->deeds[i]->deed.mended_us && chaos->deeds[i]->deed.until_us != INT64_MAX)
            event_after(queue, &chaos->deeds[i]->event, 0);
    end_if_all_is_well(chaos);
}

/* ---- doing ---- */

static void keep(struct chaos *chaos, const struct chaos_deed *deed)
{
    struct mending *mending = mem_zero(sizeof(*mending));

    mending->chaos = chaos;
    mending->deed = *deed;
    mending->event = (struct event){ .run = is_to_be_mended, .context = mending };
    ARRAY_ADD(chaos->deeds, chaos->deed_count, chaos->deed_capacity) = mending;
    event_at(chaos->lab->queue, &mending->event, deed->until_us);
}

static void tick(void *context)
{
    struct chaos *chaos = context;
    struct queue *queue = chaos->lab->queue;
    struct chaos_deed deed;
    struct text why = { 0 }, how_long = { 0 };
    struct reason reason = { "" };
    int64_t next_us = draw(chaos, 1000, 8000) * 1000;

    if (queue_now_us(queue) >= chaos->until_us || chaos->deed_count == MOST_DEEDS) {
        finish(chaos);
        return;
    }
    draw_deed(chaos, &deed);
    if (deed.until_us > chaos->until_us)
        deed.until_us = chaos->until_us;
    object(chaos, &deed, &why);
    if (!why.size && order_carry_out_due(chaos->lab, deed.words, &reason))
        text_add(&why, reason.text);
    if (why.size) {
        tell(chaos, EVENT_chaos_spared, &deed, "%s: not done, %s", text_chars(&why));
        mem_free(deed.words);
    } else {
        if (deed.kind == CHAOS_REQUESTS) {
            deed.fault = faults_last(chaos->lab->wire);
            fault_may_miss(chaos->lab->wire, deed.fault);
        }
        text_duration(&how_long, deed.until_us - deed.at_us);
        tell(chaos, EVENT_chaos_done, &deed, "%s, for %s", text_chars(&how_long));
        keep(chaos, &deed);
    }
    text_done(&why);
    text_done(&how_long);
    event_at(queue, &chaos->tick, queue_now_us(queue) + next_us < chaos->until_us ? queue_now_us(queue) + next_us : chaos->until_us);
}

void chaos_free(struct chaos *chaos)
{
    if (!chaos)
        return;
    event_cancel(chaos->lab->queue, &chaos->tick);
    for (size_t i = 0; i < chaos->deed_count; i++) {
        event_cancel(chaos->lab->queue, &chaos->deeds[i]->event);
        mem_free(chaos->deeds[i]->deed.words);
        mem_free(chaos->deeds[i]);
    }
    mem_free(chaos->deeds);
    mem_free(chaos->brokers);
    mem_free(chaos);
}

enum err chaos_begin(struct lab *lab, const struct chaos_options *options, struct reason *reason)
{
    struct chaos *chaos;

    if (lab->chaos && !lab->chaos->ended)
        return err_because(ERR_INVALID_REQUEST, reason, lab->chaos->over ? "the chaos before is still being mended" : "there is chaos already; `chaos stop` ends it");
    chaos_free(lab->chaos);
    chaos = lab->chaos = mem_zero(sizeof(*chaos));
    chaos->lab = lab;
    chaos->seed = options->seed;
    random_init(&chaos->random, options->seed);
    chaos->rough = options->rough;
    for (int i = 0; i < CHAOS_KINDS; i++)
        if (options->kinds[i])
            chaos->kinds[chaos->kind_count++] = (enum chaos_kind)i;
    chaos->brokers = mem_copy(options->brokers, options->broker_count * sizeof(*options->brokers));
    chaos->broker_count = options->broker_count;
    chaos->until_us = queue_now_us(lab->queue) + options->for_us;
    chaos->tick = (struct event){ .run = tick, .context = chaos };
    event_after(lab->queue, &chaos->tick, 0);
    return ERR_OK;
}

bool chaos_state(const struct lab *lab, struct chaos_state *out)
{
    const struct chaos *chaos = lab->chaos;
    int64_t now_us = queue_now_us(lab->queue);

    if (!chaos || chaos->ended)
        return false;
    *out = (struct chaos_state){ .options = { .seed = chaos->seed, .for_us = chaos->until_us > now_us ? chaos->until_us - now_us : 0, .brokers = chaos->brokers,
                                              .broker_count = chaos->broker_count, .rough = chaos->rough },
                                 .next_us = event_scheduled(&chaos->tick) ? chaos->tick.at_us - now_us : 0, .over = chaos->over };
    memcpy(out->random, chaos->random.state, sizeof(out->random));
    for (size_t i = 0; i < chaos->kind_count; i++)
        out->options.kinds[chaos->kinds[i]] = true;
    return true;
}

enum err chaos_go_on(struct lab *lab, const struct chaos_state *state, struct reason *reason)
{
    enum err err = chaos_begin(lab, &state->options, reason);

    if (err)
        return err;
    memcpy(lab->chaos->random.state, state->random, sizeof(state->random));
    lab->chaos->over = state->over;
    event_after(lab->queue, &lab->chaos->tick, state->next_us);
    return ERR_OK;
}

void chaos_add_fault(struct lab *lab, uint64_t fault, int32_t broker, int64_t at_us, int64_t until_us, const char *words)
{
    int64_t now_us = queue_now_us(lab->queue);

    fault_may_miss(lab->wire, fault);
    keep(lab->chaos, &(struct chaos_deed){ .at_us = at_us, .until_us = until_us > now_us ? until_us : now_us, .kind = CHAOS_REQUESTS, .broker = broker, .other = -1,
                                           .words = mem_text(words), .fault = fault });
}

enum err chaos_end(struct lab *lab, struct reason *reason)
{
    if (!lab->chaos || lab->chaos->over)
        return err_because(ERR_INVALID_REQUEST, reason, lab->chaos && !lab->chaos->ended ? "it is over: what it broke is being mended" : "there is no chaos");
    lab->chaos->until_us = queue_now_us(lab->queue);
    finish(lab->chaos);
    return ERR_OK;
}

/* ---- the table ---- */

enum { DEED_NUMBER, DEED_AT, DEED_UNTIL, DEED_MENDED, DEED_KIND, DEED_BROKER, DEED_WORDS };

static const struct column columns[] = {
    [DEED_NUMBER] = { "number", VALUE_INT, "in order" },
    [DEED_AT] = { "at_us", VALUE_INT, "virtual time at which it was done" },
    [DEED_UNTIL] = { "until_us", VALUE_INT, "when it is mended; NULL: it is being mended" },
    [DEED_MENDED] = { "mended_us", VALUE_INT, "NULL: not yet" },
    [DEED_KIND] = { "kind", VALUE_TEXT, "kill, stop, power-off, freeze, cut, disk-fail, delay, loss, disk, requests" },
    [DEED_BROKER] = { "broker", VALUE_INT, "" },
    [DEED_WORDS] = { "words", VALUE_TEXT, "the order" },
    { 0 },
};

static void *open_rows(void *context, const struct constraint *constraints, size_t count)
{
    const struct chaos *chaos = ((const struct lab *)context)->chaos;
    struct rows *rows = rows_new(&chaos_table);

    (void)constraints, (void)count;
    for (size_t i = 0; chaos && i < chaos->deed_count; i++) {
        const struct chaos_deed *deed = &chaos->deeds[i]->deed;
        struct value *row = rows_add(rows);

        row[DEED_NUMBER] = value_int((int64_t)i + 1);
        row[DEED_AT] = value_int(deed->at_us);
        row[DEED_UNTIL] = value_known(deed->until_us);
        row[DEED_MENDED] = deed->mended_us ? value_int(deed->mended_us) : value_null();
        row[DEED_KIND] = value_text(kinds[deed->kind].name);
        row[DEED_BROKER] = value_int(deed->broker);
        row[DEED_WORDS] = rows_text(rows, deed->words);
    }
    return rows;
}

const struct table chaos_table = {
    .name = "chaos", .doc = "what the latest chaos did", .columns = columns, .open = open_rows, .next = rows_next, .get = rows_get, .close = rows_close,
};
