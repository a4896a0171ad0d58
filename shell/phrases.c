/* The texts of sim that are translated, and how a text is known for one of them. */
#include "shell/phrases.h"

#include <ctype.h>
#include <string.h>

#include "sim/base/mem.h"

/* The formats as sim has them; the first that fits is taken, so what is more special stands before what is more general. */
static const char *const phrases[] = {
    /* brokers */
    N_("broker %d registered and unfenced"),
    N_("broker %d: its log dir %s failed: %s; %zu replica there is offline"),
    N_("broker %d: its log dir %s failed: %s; %zu replicas there are offline"),
    N_("%s-%d begins to move from %s to %s"),
    N_("%s-%d: its copy in %s has all of it"),
    N_("%s-%d lies in %s now, and no more in %s"),
    N_("%s-%d does not move to %s: %s"),
    N_("another log dir was asked for"),
    N_("the replica is removed"),
    N_("its log dir failed"),
    N_("its log dir is another"),
    N_("broker %d stopped; its logs are closed"),
    N_("broker %d went down: %s"),
    N_("killed (kill -9)"),
    N_("its power went"),
    N_("stopped while it was starting"),
    N_("broker %d was silent for %lld ms (%s = %lld, and up to the next tick of %d): its leaderships are taken away; it lives, and does not know"),
    N_("broker %d was silent for %lld ms (%s = %lld, and up to the next tick of %d): its leaderships are taken away"),
    N_("broker %d was silent for %lld ms (%s): its leaderships are taken away; it lives, and does not know"),
    N_("broker %d was silent for %lld ms (%s): its leaderships are taken away"),
    N_("broker %d is heard of again and registers anew"),
    N_("the heartbeats of broker %d arrive again"),
    N_("broker %d goes on after %s, with all that it believed before"),
    N_("broker %d stands still for %s"),
    N_("broker %d stands still"),
    N_("broker %d's wall clock is right"),
    N_("broker %d's wall clock is %s ahead"),
    N_("broker %d's wall clock is %s behind"),
    N_("%s-%d: offsets %lld..%lld are gone from broker %d: they had not been flushed (recovery point %lld) when its power went"),
    N_("broker %d stops fetching whatever it follows"),
    N_("broker %d fetches again whatever it follows"),
    N_("broker %d stops fetching %s-%d"),
    N_("broker %d fetches again: %s-%d"),
    /* a broker that stops */
    N_("it asks controller %d to take its leaderships, and no answer comes through"),
    N_("the controller did not let it go within five minutes: it goes down all the same, and is missed when its session ends"),
    N_("%s: asked %d of %lld times, again in %lld ms"),
    N_("%s: asked %d times, goes down all the same in %lld ms"),
    N_("%s: it waits for that up to five minutes"),
    N_("controller %d does not answer"),
    N_("there is no controller that could take its leaderships"),
    N_("the controller refuses: %s"),
    N_("%lld partition that it leads has no other live replica in sync"),
    N_("%lld partitions that it leads have no other live replica in sync"),
    N_("broker %d does not know of the new leaders yet"),
    /* controllers */
    N_("controller %d is elected in epoch %d: votes of %s, %lld of %zu (majority %zu)"),
    N_("controller %d stands for election in epoch %d: a majority would vote for it"),
    N_("controller %d of epoch %d leads no more: %s; %lld record that it had not committed is forgotten"),
    N_("controller %d of epoch %d leads no more: %s; %lld records that it had not committed are forgotten"),
    N_("controller %d of epoch %d leads no more: %s"),
    N_("controller %d leads in epoch %d"),
    N_("controller %d cuts %lld..%lld off its copy of the metadata log: epoch %d of controller %d goes on otherwise"),
    N_("broker %d made the node /controller in ZooKeeper: it is the controller, with epoch %d"),
    N_("broker %d refuses what controller %d of epoch %d had decided and sends only now: the last controller that it heard of, %d, has epoch %d (STALE_CONTROLLER_EPOCH)"),
    N_("controller %d of epoch %d learns that it lost its role, and resigns: %s"),
    N_("controller %d does not reach ZooKeeper, to which it would write this"),
    N_("%s-%d begins to move from %s to %s"),
    N_("%s-%d does not move to %s: %s"),
    N_("another log dir was asked for"),
    N_("%s-%d lies in %s now, and no more in %s"),
    N_("%s-%d: its copy in %s has all of it"),
    N_("broker %d: its log dir %s failed: %s; %zu replica there is offline"),
    N_("broker %d: its log dir %s failed: %s; %zu replicas there are offline"),
    N_("its session with ZooKeeper has ended"),
    N_("the replica is removed"),
    N_("a higher epoch is known"),
    N_("another leads in a higher epoch"),
    N_("no majority of the voters fetched from it for 1.5 times controller.quorum.fetch.timeout.ms"),
    N_("its broker shuts down"),
    N_("its broker stopped"),
    N_("its broker went down"),
    N_("its broker could not start"),
    N_("a majority of the controllers reaches each other again: %zu of %zu voters are up"),
    N_("no majority of the controllers reaches each other (%zu of %zu voters are up): no leader is elected and no topic made until %zu do"),
    /* leaders and ISR */
    N_("%s-%d has no leader: %s"),
    N_("%s-%d: leader %d, was %d: %s (unclean: records may be lost)"),
    N_("%s-%d: leader %d, was %d: %s"),
    N_("%s-%d: ISR %s -> none, eligible leaders %s: %s"),
    N_("%s-%d: ISR %s -> none: %s"),
    N_("%s-%d: ISR none -> %s: %s"),
    N_("%s-%d: ISR %s -> %s, eligible leaders %s: %s"),
    N_("%s-%d: ISR %s -> %s: %s"),
    N_("%s-%d: broker %d did not fetch from it yet, the log at %lld, and it was caught up last %lld ms ago: longer than %lld (replica.lag.time.max.ms), out of the ISR"),
    N_("%s-%d: broker %d ends at %lld, the log at %lld, and it was caught up last %lld ms ago: longer than %lld (replica.lag.time.max.ms), out of the ISR"),
    N_("%s-%d: broker %d begins leader epoch %d at offset %lld, high watermark %lld"),
    N_("the session of broker %d ended"),
    N_("broker %d shuts down"),
    N_("the broker stopped"),
    N_("its broker comes back from an unclean shutdown"),
    N_("its broker was away and registers anew"),
    N_("its broker was gone when the controller started"),
    N_("a replica in sync is back"),
    N_("elected after the restart of all brokers"),
    N_("the replica has caught up"),
    N_("the replica fell behind"),
    N_("an unclean election was asked for"),
    N_("the preferred leader was asked for"),
    N_("min.insync.replicas was changed"),
    N_("the preferred replica is in sync (auto.leader.rebalance.enable)"),
    N_("unclean.leader.election.enable, nobody in sync is there"),
    N_("the partition moves"),
    N_("the partition has moved"),
    N_("the move was called off"),
    N_("its replica was removed"),
    N_("the added replicas are in the ISR"),
    /* rules of elections, verdicts on candidates */
    N_("preferred replica, in sync"),
    N_("it leads already and is in sync"),
    N_("eligible leader replica, nobody is in sync"),
    N_("first live replica in sync"),
    N_("last known leader, nobody is in sync or eligible"),
    N_("unclean: first live replica, nobody in sync lives"),
    N_("no replica in sync lives"),
    N_("%d: alive, %s"),
    N_("%d: not alive, %s"),
    N_("in the ISR, in the ELR, %s"),
    N_("in the ISR, in the ELR"),
    N_("not in the ISR, in the ELR, chosen"),
    N_("not in the ISR, in the ELR, %s"),
    N_("not in the ISR, in the ELR"),
    N_("not in the ISR, chosen"),
    N_("not in the ISR, %s"),
    N_("not in the ISR"),
    N_("in the ISR, chosen"),
    N_("in the ISR, %s"),
    N_("in the ISR"),
    N_("it is leaving"),
    N_("it came back from an unclean shutdown"),
    N_("not in sync"),
    N_("another came first"),
    /* truncation, cleaning, recovery */
    N_("the leader's log has another history from here"),
    N_("a leader epoch that the leader does not know begins here"),
    N_("the leader's log ends there"),
    N_("the leader knows no such leader epoch: back to the high watermark"),
    N_("no leader epoch is known: back to the high watermark"),
    N_("diverging epoch"),
    N_("%s-%d: cleaning given up: its segments go"),
    N_("%s-%d: cleaning given up: it is no compacted log of this broker any more"),
    N_("%s-%d: not one key fits into the offset map"),
    N_("uncleanable until the broker starts again"),
    N_("%s-%d/%lld: the %s does not fit the log: built anew from %lld batch"),
    N_("%s-%d/%lld: the %s does not fit the log: built anew from %lld batches"),
    N_("%s-%d/%lld: the transaction index does not fit the log: built anew, %zu aborted transaction"),
    N_("%s-%d/%lld: the transaction index does not fit the log: built anew, %zu aborted transactions"),
    N_("%s-%d: ends at %lld, though all below %lld had been flushed: the file was cut since"),
    N_("%s-%d: leader-epoch-checkpoint was damaged: written anew from the batches, %zu epoch"),
    N_("%s-%d: leader-epoch-checkpoint was damaged: written anew from the batches, %zu epochs"),
    N_("%s-%d/%lld: ends at %lld and the next segment begins at %lld: what was between them is not in the file"),
    /* topics, settings */
    N_("%s was deleted; its folders go later"),
    N_("%s is to be deleted, and waits for broker %d, which has replicas of it"),
    N_("%s: %d -> %d partitions"),
    N_("a producer id was handed out"),
    /* groups */
    N_("%s joined %s as a static member"),
    N_("%s joined %s"),
    N_("%s came back to %s as %s"),
    N_("%s is new: coordinated by broker %d, which leads %s-%d"),
    N_("%s is new, for offsets only: coordinated by broker %d, which leads %s-%d"),
    N_("%s generation %d rebalances: %s, %s"),
    N_("%s generation %d rebalances: %s"),
    N_("%s generation %d: %d member, %s assigns by no protocol"),
    N_("%s generation %d: %d member, %s assigns by %s"),
    N_("%s generation %d: %d members, %s assigns by %s"),
    N_("%s is deleted: %s"),
    N_("%s-%d: %llu records read, %zu groups"),
    N_("a member joined"),
    N_("a member rejoined"),
    N_("a member left"),
    N_("a member changed its subscription"),
    N_("a member did not sync"),
    N_("a static member came back"),
    N_("the leader rejoined"),
    N_("the assignment could not be written"),
    N_("did not rejoin within the rebalance timeout (max.poll.interval.ms)"),
    N_("sent no SyncGroup within the rebalance timeout"),
    N_("its first join waited 5 minutes"),
    N_("no members and no offsets"),
    N_("the topic was deleted"),
    /* clients */
    N_("%s: connected to broker %d"),
    N_("%s: disconnected: %s"),
    N_("%s: closed: %s"),
    N_("%s: closed, it sent %s"),
    N_("the client closed it"),
    N_("the broker closed it"),
    N_("the lab closes"),
    N_("it does not speak Kafka"),
    N_("a request too short for a header"),
    N_("a request of API %d, which is not known here"),
    N_("%s in version %d, which is not taken"),
    N_("producer %s started"),
    N_("producer %s stopped: %s"),
    N_("producer %s stopped"),
    N_("producer %s killed: %s"),
    N_("producer %s killed"),
    N_("producer %s done: %s"),
    N_("producer %s done"),
    N_("producer %s failed: %s"),
    N_("producer %s failed"),
    N_("consumer %s started"),
    N_("consumer %s stopped: %s"),
    N_("consumer %s stopped"),
    N_("consumer %s killed: %s"),
    N_("consumer %s killed"),
    N_("consumer %s done: %s"),
    N_("consumer %s done"),
    N_("consumer %s failed: %s"),
    N_("consumer %s failed"),
    N_("sequence numbers of idempotence"),
    N_("can't write %s: %s"),
    N_("can't read %s: %s"),
    /* faults, network, chaos */
    N_("fault %llu: %s of %s from %s to broker %d: seen"),
    N_("fault %llu: %s of %s from %s to broker %d: refused with %s"),
    N_("fault %llu: %s of %s from %s to broker %d: lost on its way"),
    N_("fault %llu: %s of %s from %s to broker %d: served, its answer is lost"),
    N_("fault %llu: %s of %s from %s to broker %d: late by %s"),
    N_("fault %llu: %s of %s from %s to broker %d: held"),
    N_("fault %llu: %s of %s from %s to broker %d: swallowed, and its connection with it"),
    N_("fault %llu: %s from %s to broker %d: seen"),
    N_("fault %llu: %s from %s to broker %d: refused with %s"),
    N_("fault %llu: %s from %s to broker %d: lost on its way"),
    N_("fault %llu: %s from %s to broker %d: served, its answer is lost"),
    N_("fault %llu: %s from %s to broker %d: late by %s"),
    N_("fault %llu: %s from %s to broker %d: held"),
    N_("fault %llu: %s from %s to broker %d: swallowed, and its connection with it"),
    N_("a client"),
    N_("all links are whole again"),
    N_("cut, nothing comes through"),
    N_("whole again"),
    N_("each message takes %s and up to %s more"),
    N_("each message takes %s"),
    N_("%g%% of messages are lost and sent again"),
    N_("%lld bytes a second fit through"),
    N_("chaos: all is mended"),
    N_("chaos: %s: mended"),
    N_("chaos: %s: not done, %s"),
    N_("chaos: %s, for %s"),
    N_("broker %d is not up"),
    N_("broker %d has trouble enough"),
    N_("another broker is not back yet"),
    N_("broker %d is not well"),
    N_("there is no other broker"),
    N_("without broker %d there would be no controller"),
    N_("%s-%d would have %lld in sync, of %lld at least (min.insync.replicas)"),
    /* answers to orders */
    N_("Broker %d was killed."),
    N_("Only %d of %d controllers is up, and %d are a majority: until then no leader is elected, no topic made, and no session ends."),
    N_("Only %d of %d controllers are up, and %d are a majority: until then no leader is elected, no topic made, and no session ends."),
    N_("The active controller sat there: the others elect one when controller.quorum.fetch.timeout.ms is over, and that one gives every broker a fresh session; `next leader` goes to where this broker's ends."),
    N_("The controller sits there: until `broker start %d` no leader is elected and no topic made."),
    N_("The controller notices when its session ends (%s); `next leader` goes there."),
    N_("`broker start %d` brings it back."),
    N_("Broker %d is stopping: leaders move to other replicas in sync, then its logs are closed."),
    N_("It has to wait: %s; `broker kill %d` ends that."),
    N_("Broker %d is up."),
    N_("Broker %d is starting: its %zu logs are loaded, then it serves."),
    N_("Broker %d is starting: it registers when the controller is back, and gives up after %lld s without (%s)."),
    N_("Broker %d is starting: the session of its killed predecessor lives until %s, then it registers."),
    N_("Broker %d is up, at port %d, with nothing on it: new topics go there too, kafka-reassign-partitions moves others there."),
    N_("Broker %d is starting, at port %d, with nothing on it: new topics go there too, kafka-reassign-partitions moves others there."),
    N_("Broker %d stands still, as in a long garbage collection: connections to it hang."),
    N_("`broker thaw %d` lets it go on."),
    N_("It goes on by itself; `broker thaw %d`: at once."),
    N_("Broker %d goes on, and believes what it believed before."),
    N_("`net heal %s %s` makes it whole."),
    N_("All links are whole again."),
    N_("All links were whole."),
    N_("Broker %d stops fetching, whatever it follows."),
    N_("Broker %d stops fetching."),
    N_("Broker %d fetches again."),
    N_("%s-%d at broker %d is the leader: what is held is its fetching, once it follows."),
    N_("%s-%d at broker %d is not in the ISR."),
    N_("%s-%d at broker %d lacks nothing: it stays in the ISR until a record comes that it does not get, and leaves it then %s to %s after it was caught up last."),
    N_("%s-%d at broker %d lacks %lld records and leaves the ISR at %s, in %s (replica.lag.time.max.ms=%lld, looked at every half of it)."),
    N_("%d more; `replica` shows them."),
    N_("Disk of broker %s: full after %lld more bytes."),
    N_("Disk of broker %s: full."),
    N_("The next write that does not fit makes the broker halt, as Kafka's does without a log dir."),
    N_("`disk heal %s` makes it well."),
    N_("Disk of broker %s: each write and each fsync takes %s."),
    N_("Disk of broker %s: %s number %lld from now on fails (EIO), and all after it; then the broker halts."),
    N_("Disk of broker %s: %s number %lld from now on fails (EIO); then the broker halts."),
    N_("Disk of broker %s: %s number %lld from now on fails (EIO), and all after it; then its replicas go offline."),
    N_("Disk of broker %s: %s number %lld from now on fails (EIO); then its replicas go offline."),
    N_("Disk of broker %s: well."),
    N_("%s stays offline until the broker starts again, as Kafka's does."),
    N_("The next write that does not fit takes its replicas offline; the broker lives on."),
    N_("The broker is down; `broker start %s` brings it back."),
    N_("Broker %d's wall clock is right."),
    N_("Broker %d's wall clock is %s ahead: it stamps and compares ages with it."),
    N_("Broker %d's wall clock is %s behind: it stamps and compares ages with it."),
    N_("`clock skew %d 0s` sets it right."),
    N_("Producer %s sends to %s, %g records a second."),
    N_("Consumer %s reads %s in group %s."),
    N_("Producer %s is gone; %llu of its records had no result yet."),
    N_("Consumer %s is gone without a farewell: the group misses it when its session ends (session.timeout.ms)."),
    N_("Gentle chaos with seed %llu for %s: %s."),
    N_("Rough chaos with seed %llu for %s: %s."),
    N_("`chaos` shows what it does, `chaos stop` ends it; in the end all is mended."),
    N_("What it broke is being mended."),
    N_("Out of the group, as if its session had ended: %s"),
    N_("Fault %llu: %s"),
    /* refusals of orders */
    N_("broker %d is down already; broker start %d brings it back"),
    N_("broker %d is stopping already"),
    N_("broker %d is starting already"),
    N_("broker %d is %s already"),
    N_("broker %d is not up: only a running one can freeze"),
    N_("broker %d is frozen already; broker thaw %d lets it go on"),
    N_("broker %d is not frozen"),
    N_("broker %d is not up; broker start %d brings it back"),
    N_("there is no broker %s; there are the brokers %s"),
    N_("there is no broker %s; there is only broker %s"),
    N_("it is held already; replica release %d lets it go on"),
    N_("it is not held; `replica` alone shows who is"),
    N_("no controller is active: a majority of the voters has to elect one"),
    /* of many kinds */
    N_("Link %s."),
    N_("all brokers: %s"),
    N_("broker %s: %s back to its default"),
    N_("broker %s: %s"),
    N_("%s: %s back to its default"),
    N_("%s back to its default"),
    N_("%s -> %s: %s"),
    N_("%s <-> %s: %s"),
    N_("at: %s: %s"),
    N_("'%s': %s"),
    N_("%s generation %d, %s"),
};

enum { MOST_PLACES = 10, MOST_TEXT = 4096, MOST_STEPS = 50000, MOST_DEPTH = 4 };

const char *phrase_at(size_t i)
{
    return i < sizeof(phrases) / sizeof(*phrases) ? phrases[i] : NULL;
}

/* ---- a text that was made with a format ---- */

struct match {
    const char *from[MOST_PLACES], *to[MOST_PLACES];
    int count, steps;
};

/* Past "%3$-5.2lld"; *conversion: its letter, *place: its number from 1, 0: the next. */
static const char *place_end(const char *at, char *conversion, int *place)
{
    const char *digits = ++at;

    *place = 0;
    while (isdigit((unsigned char)*at))
        at++;
    if (*at == '$')
        *place = *digits - '0', at++;
    at += strspn(at, "-+ #0123456789.*hlqjzt");
    *conversion = *at;
    return *at ? at + 1 : at;
}

static bool is_number(char conversion)
{
    return strchr("diuxgf", conversion) != NULL;
}

static size_t number_size(const char *text, char conversion)
{
    size_t sign = *text == '-', size = sign + strspn(text + sign, strchr("gf", conversion) ? "0123456789.e+" : "0123456789");

    return size > sign ? size : 0;
}

/* Gives up, as if nothing fitted, after so many steps: names come from clients. */
static bool fits(const char *format, const char *text, struct match *match)
{
    char conversion;
    const char *after;
    int place, mine;
    size_t size;

    while (*format && *format != '%' && *format == *text)
        format++, text++;
    if (++match->steps > MOST_STEPS || *format != '%')
        return !*format && !*text;
    if (format[1] == '%')
        return *text == '%' && fits(format + 2, text + 1, match);
    after = place_end(format, &conversion, &place);
    mine = match->count++;
    if (mine == MOST_PLACES)
        return false;
    match->from[mine] = text;
    if (is_number(conversion)) {
        size = number_size(text, conversion);
        match->to[mine] = text + size;
        if (size && fits(after, text + size, match))
            return true;
    } else if (!*after) {
        match->to[mine] = text + strlen(text);
        return true;
    } else {
        for (; *text && match->steps <= MOST_STEPS; text++) {
            match->to[mine] = text;
            match->count = mine + 1;
            if (fits(after, text, match))
                return true;
        }
    }
    match->count = mine;
    return false;
}

/* ---- in another language ---- */

static bool add_known(enum lang lang, struct text *out, const char *text, int depth);

/* What stood at a place: a phrase of its own, a duration, or a name. */
static void add_place(enum lang lang, struct text *out, const char *from, const char *to, int depth)
{
    char *part = mem_printf("%.*s", (int)(to - from), from);

    if (depth < MOST_DEPTH && strchr(part, ' '))
        add_known(lang, out, part, depth + 1);
    else
        text_add(out, part);
    mem_free(part);
}

static void fill(enum lang lang, struct text *out, const char *format, const struct match *match, int depth)
{
    int next = 0, place;
    char conversion;

    while (*format) {
        const char *after = strchrnul(format, '%');

        text_add_size(out, format, (size_t)(after - format));
        format = after;
        if (format[0] == '%' && format[1] == '%') {
            text_char(out, '%');
            format += 2;
        } else if (*format) {
            format = place_end(format, &conversion, &place);
            place = place ? place - 1 : next++;
            if (place < match->count)
                add_place(lang, out, match->from[place], match->to[place], depth);
        }
    }
}

static const char *find(const char *text, struct match *match)
{
    for (size_t i = 0; i < sizeof(phrases) / sizeof(*phrases); i++) {
        *match = (struct match){ .count = 0 };
        if (fits(phrases[i], text, match))
            return phrases[i];
    }
    return NULL;
}

const char *phrase_find(const char *text)
{
    struct match match;

    return find(text, &match);
}

static bool add_phrase(enum lang lang, struct text *out, const char *text, int depth)
{
    struct match match;
    const char *phrase = find(text, &match);

    if (phrase)
        fill(lang, out, _(lang, phrase), &match, depth);
    return phrase;
}

/* False: it is not known, and stands as it is. */
static bool add_known(enum lang lang, struct text *out, const char *text, int depth)
{
    if (add_phrase(lang, out, text, depth) || lang_add_duration(lang, out, text))
        return true;
    text_add(out, text);
    return false;
}

/* The end of a sentence: behind a point that a space follows, or of all. */
static const char *sentence_end(const char *text)
{
    const char *at = strstr(text, ". ");

    return at ? at + 1 : text + strlen(text);
}

/* Sentence by sentence, or as one where one of them is not known alone. */
static void add_line(enum lang lang, struct text *out, const char *line)
{
    struct text said = { 0 };
    bool all = true;

    for (const char *at = line, *end; *at; at = end + (*end == ' ')) {
        char *sentence = mem_printf("%.*s", (int)((end = sentence_end(at)) - at), at);

        all = add_known(lang, &said, sentence, 0) && all;
        if (*end == ' ')
            text_char(&said, ' ');
        mem_free(sentence);
    }
    if (all || !add_phrase(lang, out, line, 0))
        text_add(out, text_chars(&said));
    text_done(&said);
}

void phrase_add(enum lang lang, struct text *out, const char *text)
{
    char *copy, *rest, *line;

    if (lang == LANG_EN || strlen(text) > MOST_TEXT) {
        text_add(out, text);
        return;
    }
    copy = rest = mem_text(text);
    for (bool first = true; (line = strsep(&rest, "\n")); first = false) {
        if (!first)
            text_char(out, '\n');
        add_line(lang, out, line);
    }
    mem_free(copy);
}
