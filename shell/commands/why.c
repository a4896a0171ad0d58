/* why: the reasons of the cluster, in the values that it compared. Nothing is worked out here: decisions come from the code that acts on them
 * (log_decide_retention, log_decide_roll) and from the journal, which kept those of the past. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shell/commands/pace.h"
#include "shell/inspected.h"
#include "shell/look.h"
#include "shell/prose.h"

enum { FIRST_CHECK_US = 30000000 };

struct subject {
    char *topic;
    int32_t partition;
    struct partition *leader;
    struct log *log;
};

static bool take_subject(struct call *call, const char *text, struct subject *out)
{
    const struct lab *lab = call_lab(call);

    *out = (struct subject){ 0 };
    if (!look_parse(text, &out->topic, &out->partition)) {
        call_error(call, "why: '%s' is no partition; TOPIC-PARTITION is wanted, for instance students-0\n", text);
        return false;
    }
    out->leader = look_leader(lab, out->topic, out->partition);
    if (out->leader) {
        out->log = partition_log(out->leader);
        return true;
    }
    if (lab_inspects(lab) && image_partition(cluster_image(lab_cluster(lab)), out->topic, out->partition))
        call_error(call, "why: %s is not in the folder that is looked at (SELECT * FROM folders)\n", text);
    else if (image_partition(cluster_image(lab_cluster(lab)), out->topic, out->partition))
        call_error(call, "why: %s has no leader at present\n", text);
    else
        call_error(call, "why: there is no partition %s; kafka-topics --list --bootstrap-server localhost:9092 lists the topics\n", text);
    mem_free(out->topic);
    return false;
}

/* ---- retention ---- */

static void say_verdict(const struct subject *subject, const struct lab *lab, const struct segment_verdict *verdict, struct text *out)
{
    int64_t now = queue_now_ms(lab_queue(lab)), check;

    if (verdict->verdict == VERDICT_DELETE) {
        text_printf(out, "goes at the next check, by %s: ", verdict->rule);
        if (text_equal(verdict->rule, "retention.ms")) {
            text_add(out, "its newest record is ");
            text_duration(out, verdict->value * 1000);
            text_add(out, " old, more than ");
            text_duration(out, verdict->limit * 1000);
        } else {
            text_printf(out, "%lld against %lld", (long long)verdict->value, (long long)verdict->limit);
        }
        return;
    }
    text_add(out, "stays: ");
    if (text_equal(verdict->rule, "high watermark")) {
        text_printf(out, "not all of it is committed yet (high watermark %lld)", (long long)log_high_watermark(subject->log));
        return;
    }
    if (text_equal(verdict->rule, "retention.bytes")) {
        text_printf(out, "without it fewer than retention.bytes=%lld would be left", (long long)log_settings(subject->log)->retention_bytes);
        return;
    }
    if (verdict->active && verdict->size_bytes == 0) {
        text_add(out, "it is empty, and the active one");
        return;
    }
    if (verdict->expires_at_ms == INT64_MAX) {
        text_add(out, log_settings(subject->log)->retention_ms < 0 ? "retention.ms=-1 lets nothing expire" : "it does not expire");
        return;
    }
    text_printf(out, "its newest %s is ", verdict->newest_is_mtime ? "change" : "record");
    text_duration(out, (now - verdict->newest_ms) * 1000);
    text_add(out, now < verdict->newest_ms ? " in the future" : " old, not over ");
    if (now >= verdict->newest_ms)
        text_duration(out, log_settings(subject->log)->retention_ms * 1000);
    text_add(out, "; expires at ");
    look_clock(lab, verdict->expires_at_ms, out);
    check = look_check_after_ms(subject->leader, verdict->expires_at_ms);
    if (check != INT64_MAX) {
        text_add(out, ", goes at the check of ");
        look_clock(lab, check, out);
    }
}

static void deleted_segments(struct call *call, const struct subject *subject)
{
    for (size_t i = 0; i < log_segment_count(subject->log); i++) {
        struct segment_info info;
        struct text line = { 0 };

        log_segment_get(subject->log, i, &info);
        if (info.state != SEGMENT_DELETED)
            continue;
        text_printf(&line, "%lld..%lld was deleted at ", (long long)info.base_offset, (long long)info.next_offset - 1);
        look_clock(call_lab(call), info.deleted_at_ms, &line);
        text_add(&line, "; its files are renamed to .deleted and leave the disk at ");
        look_clock(call_lab(call), info.unlink_at_ms, &line);
        prose_print(call, "  %s\n", text_chars(&line));
        text_done(&line);
    }
}

static int why_retention(struct call *call, const struct subject *subject)
{
    struct lab *lab = call_lab(call);
    const struct log_config *config = log_settings(subject->log);
    struct retention_decision decision = log_decide_retention(subject->log, queue_now_ms(lab_queue(lab)));
    int64_t next = broker_next_retention_check_us(partition_broker(subject->leader));
    struct text holds = { 0 };
    size_t segments = 0;

    if (log_start_offset(subject->log) < log_end_offset(subject->log))
        text_printf(&holds, "offsets %lld..%lld, %lld bytes", (long long)log_start_offset(subject->log), (long long)log_end_offset(subject->log) - 1,
                    (long long)log_size_bytes(subject->log));
    else
        text_printf(&holds, "no records, the next gets offset %lld", (long long)log_end_offset(subject->log));
    prose_print(call, "%s-%d: %s; retention.ms=%lld retention.bytes=%lld segment.bytes=%d cleanup.policy=%s%s%s\n", subject->topic, subject->partition,
                text_chars(&holds), (long long)config->retention_ms, (long long)config->retention_bytes, config->segment_bytes,
                config->cleanup_compact ? "compact" : "", config->cleanup_compact && config->cleanup_delete ? "," : "", config->cleanup_delete ? "delete" : "");
    text_done(&holds);
    deleted_segments(call, subject);
    for (size_t i = 0; i < decision.count; i++) {
        const struct segment_verdict *verdict = &decision.segments[i];
        struct text line = { 0 };

        if (verdict->next_offset > verdict->base_offset)
            text_printf(&line, "%lld..%lld %s", (long long)verdict->base_offset, (long long)verdict->next_offset - 1, verdict->active ? "(active) " : "");
        else
            text_printf(&line, "%lld (active, empty) ", (long long)verdict->base_offset);
        say_verdict(subject, lab, verdict, &line);
        prose_print(call, "  %s\n", text_chars(&line));
        text_done(&line);
    }
    for (size_t i = 0; i < log_segment_count(subject->log); i++) {
        struct segment_info info;

        log_segment_get(subject->log, i, &info);
        segments += info.state != SEGMENT_DELETED;
    }
    if (decision.count && decision.count < segments)
        prose_print(call, "  The newer %s with it: retention goes from the oldest and stops at the first that it keeps.\n",
                    segments - decision.count == 1 ? "segment stays" : "segments stay");
    if (decision.rolls)
        prose_print(call, "  The active segment goes too: an empty one is rolled at %lld first.\n", (long long)log_end_offset(subject->log));
    if (!config->cleanup_delete)
        prose_print(call, "  cleanup.policy is compact: the retention check passes this partition by.\n");
    if (next != INT64_MAX) {
        struct text at = { 0 };

        look_clock(lab, next / 1000, &at);
        if (queue_now_us(lab_queue(lab)) - broker_started_us(partition_broker(subject->leader)) < FIRST_CHECK_US)
            prose_print(call, "Retention looks for the first time at %s, 30 s after the broker's start. To see it: until delete %s-%d\n", text_chars(&at),
                        subject->topic, subject->partition);
        else
            prose_print(call, "Retention looks next at %s. To see it: until delete %s-%d\n", text_chars(&at), subject->topic, subject->partition);
        text_done(&at);
    }
    retention_decision_done(&decision);
    if (lab_inspects(lab)) {
        prose_print(call, "When the broker looks is not on its disk: 30 s after its start, then every log.retention.check.interval.ms.\n");
        return inspected_say(call, subject->log, subject->topic) ? 0 : 130;
    }
    return 0;
}

/* ---- roll ---- */

static const struct entry *last_entry(const struct lab *lab, const struct subject *subject, enum event_kind kind)
{
    struct journal *journal = lab_journal(lab);

    for (uint64_t n = journal_last(journal); n && n >= journal_first(journal); n--) {
        const struct entry *entry = journal_get(journal, n);

        if (entry && entry->kind == kind && entry->partition == subject->partition && text_equal(entry->topic, subject->topic))
            return entry;
    }
    return NULL;
}

static int why_roll(struct call *call, const struct subject *subject)
{
    struct lab *lab = call_lab(call);
    const struct log_config *config = log_settings(subject->log);
    const struct entry *last = last_entry(lab, subject, EVENT_segment_rolled);
    struct segment_info active = { 0 };
    struct text line = { 0 };

    for (size_t i = 0; i < log_segment_count(subject->log); i++) {
        struct segment_info info;

        log_segment_get(subject->log, i, &info);
        if (info.state == SEGMENT_ACTIVE)
            active = info;
    }
    if (last) {
        text_add(&line, "The last roll: ");
        entry_text(last, &line);
        text_char(&line, '\n');
    } else {
        text_printf(&line, "%s-%d has not rolled yet (or too long ago for the journal).\n", subject->topic, subject->partition);
    }
    text_printf(&line, "The active segment begins at %lld and has %lld of %d bytes (segment.bytes): a batch of more than %lld bytes rolls it.\n",
                (long long)active.base_offset, (long long)active.size_bytes, config->segment_bytes, (long long)config->segment_bytes - (long long)active.size_bytes);
    if (active.first_timestamp_ms >= 0) {
        text_printf(&line, "segment.ms=%lld is driven by the records' own timestamps, not by a clock: a batch stamped after ", (long long)config->segment_ms);
        if (active.first_timestamp_ms < INT64_MAX - config->segment_ms)
            look_clock(lab, active.first_timestamp_ms + config->segment_ms, &line);
        else
            text_add(&line, "the end of time");
        text_add(&line, " rolls it. ");
    }
    text_add(&line, "Nobody appends, nothing rolls: a quiet partition keeps its active segment until retention takes it.\n");
    prose_write(call, text_chars(&line));
    text_done(&line);
    return 0;
}

/* ---- a record ---- */

static int why_record(struct call *call, const struct subject *subject, int64_t offset)
{
    struct lab *lab = call_lab(call);
    struct journal *journal = lab_journal(lab);

    if (offset >= log_end_offset(subject->log)) {
        prose_print(call, "%lld has not been written yet: the next record gets offset %lld.\n", (long long)offset, (long long)log_end_offset(subject->log));
        return 0;
    }
    if (offset >= log_start_offset(subject->log)) {
        for (size_t i = 0; i < log_segment_count(subject->log); i++) {
            struct segment_info info;

            log_segment_get(subject->log, i, &info);
            if (info.state != SEGMENT_DELETED && offset >= info.base_offset && offset < info.next_offset)
                prose_print(call, "%lld is there, in the %s segment %lld..%lld%s.\n", (long long)offset, info.state == SEGMENT_ACTIVE ? "active" : "closed",
                           (long long)info.base_offset, (long long)info.next_offset - 1,
                           offset < log_high_watermark(subject->log) ? "" : ", but above the high watermark: consumers do not see it yet");
        }
        return why_retention(call, subject);
    }
    for (uint64_t n = journal_last(journal); n && n >= journal_first(journal); n--) {
        const struct entry *entry = journal_get(journal, n);
        int64_t next = -1;

        if (!entry || entry->kind != EVENT_segment_deleted || entry->partition != subject->partition || !text_equal(entry->topic, subject->topic) ||
            entry->offset > offset)
            continue;
        for (int i = 0; i < entry->fact_count; i++)
            if (text_equal(entry->facts[i].name, "next_offset"))
                next = entry->facts[i].number;
        if (next >= 0 && offset >= next)
            continue;
        prose_print(call, "%lld is gone, with its whole segment: retention takes whole segments, oldest first.\n", (long long)offset);
        entry_print(call, entry);
        if (text_equal(entry->rule, "retention.ms"))
            prose_print(call, "A larger retention.ms would have kept it, or a newer record in its segment: the segment's newest decides for all of it.\n");
        else if (text_equal(entry->rule, "retention.bytes"))
            prose_print(call, "A larger retention.bytes would have kept it.\n");
        return 0;
    }
    prose_print(call, "%lld is gone: the log begins at %lld. When that was, the journal does not reach back.\n", (long long)offset, (long long)log_start_offset(subject->log));
    return 0;
}

/* ---- lag ---- */

static int why_lag(struct call *call, const char *group)
{
    struct lab *lab = call_lab(call);
    struct broker *any = cluster_broker_at(lab_cluster(lab), 0), *broker;
    struct group_offset *offsets = NULL;
    struct group_info info = { 0 };
    struct arena arena;
    int32_t count = 0, coordinator;
    int status = 0;

    arena_init(&arena);
    if (group_coordinator_of(any, group, &coordinator, NULL) || !(broker = cluster_broker(lab_cluster(lab), coordinator)) ||
        group_describe(broker, group, &arena, &info) || group_fetch_offsets(broker, group, &offsets, &count, &arena) || (info.state == GROUP_DEAD && !count)) {
        call_error(call, "why: there is no group '%s'\n", group);
        arena_done(&arena);
        return 1;
    }
    prose_print(call, "%s is %s with %d member%s.\n", group, group_state_name(info.state), info.member_count, info.member_count == 1 ? "" : "s");
    for (int32_t i = 0; i < count; i++) {
        struct look_lag lag;

        if (!look_lag(lab, &offsets[i], &lag))
            continue;
        prose_print(call, "  %s-%d: committed %lld, end %lld: lag %lld = %lld deleted + %lld readable\n", offsets[i].topic, offsets[i].partition,
                   (long long)lag.committed, (long long)lag.end, (long long)lag.lag, (long long)lag.deleted, (long long)lag.readable);
        if (lag.deleted > 0)
            prose_print(call, "    Retention took %lld..%lld before the group read them: Kafka counts them in LAG all the same. A member that comes now finds its offset\n"
                             "    out of range and starts where auto.offset.reset says.\n",
                       (long long)lag.committed, (long long)(lag.committed + lag.deleted) - 1);
        else if (lag.lag > 0 && !info.member_count)
            prose_print(call, "    Nobody of the group is there to read.\n");
    }
    arena_done(&arena);
    return status;
}

static int run(struct call *call)
{
    const char *kind = call->argc > 1 ? call->argv[1] : NULL;
    struct subject subject;
    int64_t offset;
    int at = 1, status;

    if (kind && !strcmp(kind, "lag")) {
        if (call->argc != 3) {
            call_error(call, "why: of which group? For instance: why lag my-group\n");
            return 1;
        }
        return why_lag(call, call->argv[2]);
    }
    if (kind && (!strcmp(kind, "roll") || !strcmp(kind, "retention") || !strcmp(kind, "compaction")))
        at = 2;
    else
        kind = "retention";
    if (call->argc <= at) {
        call_error(call, "why: of what? For instance: why students-0 · why students-0 17 · why roll students-0 · why lag my-group\n");
        return 1;
    }
    if (!strcmp(kind, "compaction")) {
        call_error(call, "why: compaction is not simulated yet\n");
        return 1;
    }
    if (!take_subject(call, call->argv[at], &subject))
        return 1;
    if (call->argc > at + 1 && at == 1) {
        if (!parse_i64(call->argv[2], &offset) || offset < 0) {
            call_error(call, "why: '%s' is no offset\n", call->argv[2]);
            mem_free(subject.topic);
            return 1;
        }
        status = why_record(call, &subject, offset);
    } else {
        status = !strcmp(kind, "roll") ? why_roll(call, &subject) : why_retention(call, &subject);
    }
    mem_free(subject.topic);
    return status;
}

const struct command command_why = {
    .name = "why", .summary = "the reasons: what was compared, and when it may change", .usage = "why TOPIC-P [OFFSET] | why roll|retention TOPIC-P | why lag GROUP",
    .details = "why students-0: each segment, whether retention takes it and when. why students-0 17: is that record there, and if not, what took it.\n"
               "why roll: what made the last segment roll and what will make the next. why lag: a group's lag, split into deleted and readable.",
    .example = "why students-0", .words = "roll retention lag", .argument = COMPLETE_PARTITION, .needs_lab = true, .looks = true, .run = run,
};
