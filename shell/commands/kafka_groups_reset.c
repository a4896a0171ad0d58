/* kafka-consumer-groups --reset-offsets: which partitions, where to, and then a plan or the deed. */
#include "shell/commands/kafka_consumer_groups.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct plan {
    const char *group;
    struct spots spots;
};
struct plans {
    struct plan *items;
    size_t count, capacity;
};

static void plans_done(struct plans *plans)
{
    for (size_t i = 0; i < plans->count; i++)
        spots_done(&plans->items[i].spots);
    mem_free(plans->items);
    *plans = (struct plans){ 0 };
}

/* ---- which partitions ---- */

/* "topic:0,1": both releases split at every colon and look at the first two parts. */
static bool add_named(struct groups *groups, const char *argument, struct spots *spots, struct trouble *trouble)
{
    char *topic = arena_text(&groups->admin.arena, argument, strlen(argument)), *rest = strchr(topic, ':');

    *rest++ = 0;
    if (!groups_old(groups) && (!*rest || strchr(rest, ':')))
        return trouble_illegal(trouble, "Invalid topic arg '%s', expected topic name and partitions", argument);
    if (strchr(rest, ':'))
        *strchr(rest, ':') = 0;
    return groups_partitions(groups, argument, topic, rest, spots, trouble);
}

/* 4.3 looks whether they are there, and have a leader, before it asks for their offsets. */
static bool check_there(struct groups *groups, const struct spots *spots, struct trouble *trouble)
{
    struct metadata_response *cluster;
    struct text missing = { 0 }, headless = { 0 };

    if (groups_old(groups) || !spots->count)
        return true;
    if (!tool_metadata(&groups->admin, "describeTopics", &cluster, trouble))
        return groups_future(groups, true, trouble);
    for (size_t i = 0; i < spots->count; i++) {
        bool there = false, leader = false, topic = false;

        for (int32_t t = 0; t < cluster->topics.count; t++)
            for (int32_t p = 0; text_equal(cluster->topics.items[t].name, spots->items[i].topic) &&
                                p < cluster->topics.items[t].partitions.count;
                 p++) {
                topic = true;
                if (cluster->topics.items[t].partitions.items[p].partition_index == spots->items[i].partition) {
                    there = true;
                    leader = cluster->topics.items[t].partitions.items[p].leader_id >= 0;
                }
            }
        if (!topic) {
            text_done(&missing);
            text_done(&headless);
            return tool_check(ERR_UNKNOWN_TOPIC_OR_PARTITION, NULL, trouble);
        }
        if (!leader)
            text_printf(there ? &headless : &missing, "%s%s-%d", (there ? &headless : &missing)->size ? "," : "",
                        spots->items[i].topic, (int)spots->items[i].partition);
    }
    if (missing.size)
        trouble_set(trouble, "org.apache.kafka.common.errors.UnknownTopicOrPartitionException",
                    "The partitions \"%s\" do not exist", missing.data);
    else if (headless.size)
        trouble_set(trouble, "org.apache.kafka.common.errors.LeaderNotAvailableException",
                    "The partitions \"%s\" have no leader", headless.data);
    text_done(&missing);
    text_done(&headless);
    return !trouble->exception;
}

static bool choose_partitions(struct groups *groups, const char *group, struct spots *spots, struct trouble *trouble)
{
    const struct tool_options *o = groups->options;

    if (tool_has(o, "all-topics"))
        return groups_committed(groups, group, spots, trouble) || groups_future(groups, true, trouble);
    if (!tool_has(o, "topic")) {
        if (tool_has(o, "from-file"))
            return true;
        groups->status = tool_usage(groups->call, groups->call->command->options,
                                    "One of the reset scopes should be defined: --all-topics, --topic.\n");
        return false;
    }
    for (size_t i = 0; i < tool_count(o, "topic"); i++) {
        const char *argument = tool_at(o, "topic", i);

        if (strchr(argument, ':') ? !add_named(groups, argument, spots, trouble)
                                  : !groups_topic(groups, argument, spots, trouble))
            return strchr(argument, ':') || !groups_old(groups) ? false : groups_future(groups, false, trouble);
    }
    return check_there(groups, spots, trouble);
}

/* ---- where to ---- */

/* yyyy-MM-dd'T'HH:mm:ss.SSS with a zone; without one it is UTC. In milliseconds. */
static bool parse_datetime(const char *text, int64_t *ms, struct trouble *trouble)
{
    const char *exception = "java.text.ParseException", *t = strchr(text, 'T'), *zone;
    struct tm tm = { 0 };
    int year, month, day, hour, minute, second, millis, used = 0, zone_hour = 0, zone_minute = 0;
    char *whole;
    bool ok;

    if (!t || !t[1])
        return trouble_set(trouble, exception,
                           "Error parsing timestamp. It does not contain a 'T' according to ISO8601 format");
    whole = mem_printf("%s%s", text, strpbrk(t + 1, "+-Z") ? "" : "Z");
    ok = sscanf(whole, "%4d-%2d-%2dT%2d:%2d:%2d.%d%n", &year, &month, &day, &hour, &minute, &second, &millis, &used) ==
             7 &&
         used;
    zone = ok ? whole + used : "";
    if (ok && (*zone == '+' || *zone == '-')) {
        ok = sscanf(zone + 1, "%2d:%2d", &zone_hour, &zone_minute) == 2 ||
             sscanf(zone + 1, "%2d%2d", &zone_hour, &zone_minute) >= 1;
        if (*zone == '-')
            zone_hour = -zone_hour, zone_minute = -zone_minute;
    } else {
        ok = ok && *zone == 'Z';
    }
    ok = ok && month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour >= 0 && hour < 24 && minute >= 0 &&
         minute < 60 && second >= 0 && second < 60 && millis >= 0 && millis < 1000;
    if (ok) {
        tm.tm_year = year - 1900, tm.tm_mon = month - 1, tm.tm_mday = day, tm.tm_hour = hour, tm.tm_min = minute,
        tm.tm_sec = second;
        *ms = ((int64_t)timegm(&tm) - (zone_hour * 60 + zone_minute) * 60) * 1000 + millis;
        ok = tm.tm_mday == day; /* no 31st of February */
    }
    if (!ok)
        trouble_set(trouble, exception, "Unparseable date: \"%s\"", whole);
    mem_free(whole);
    return ok;
}

/* java.time.Duration: -P2DT3H4M5.6S, in any case. In milliseconds. */
static bool parse_iso_duration(const char *text, int64_t *ms, struct trouble *trouble)
{
    static const struct {
        char unit;
        int64_t ms;
        bool time;
    } units[] = { { 'D', 86400000, false }, { 'H', 3600000, true }, { 'M', 60000, true }, { 'S', 1000, true } };
    const char *at = text;
    bool negative = *at == '-', in_time = false, any = false, ok;
    size_t next = 0;
    double total = 0;

    at += *at == '-' || *at == '+';
    ok = toupper((unsigned char)*at) == 'P';
    at += ok;
    while (ok && *at) {
        char *end;
        double number;
        size_t i;

        if (toupper((unsigned char)*at) == 'T') {
            ok = !in_time && at[1];
            in_time = true;
            at++;
            continue;
        }
        ok = isdigit((unsigned char)*at) || ((*at == '-' || *at == '+') && isdigit((unsigned char)at[1]));
        if (!ok)
            break;
        number = strtod(at, &end);
        for (i = next; i < 4 && (toupper((unsigned char)*end) != units[i].unit || units[i].time != in_time); i++)
            ;
        ok = i < 4 && number > -1e12 && number < 1e12;
        total += ok ? number * (double)units[i].ms : 0;
        next = i + 1;
        any = true;
        at = end + (ok ? 1 : 0);
    }
    if (!ok || !any)
        return trouble_set(trouble, "java.time.format.DateTimeParseException", "Text cannot be parsed to a Duration");
    *ms = (int64_t)(negative ? -total : total);
    return true;
}

static bool at_time(struct groups *groups, struct spots *spots, int64_t ms, struct trouble *trouble)
{
    struct spots late = { 0 };
    bool ok = groups_lookup(groups, spots, ms, trouble);

    for (size_t i = 0; ok && i < spots->count; i++) {
        if (spots->items[i].offset >= 0)
            continue;
        spots_add(&late, spots->items[i].topic, spots->items[i].partition);
        if (!groups_old(groups))
            call_print(groups->call,
                       "\nWarn: Partition %d from topic %s is empty. Falling back to latest known offset.\n",
                       (int)spots->items[i].partition, spots->items[i].topic);
    }
    ok = ok && (!late.count || groups_lookup(groups, &late, -1, trouble));
    for (size_t i = 0; ok && i < late.count; i++)
        spots_find(spots, late.items[i].topic, late.items[i].partition)->offset = late.items[i].offset;
    spots_done(&late);
    return ok;
}

/* Wishes stand in `offset`; those outside of the log are moved to its ends. */
static bool clamp(struct groups *groups, struct spots *spots, struct trouble *trouble)
{
    const char *logger =
        groups_old(groups) ? "kafka.admin.ConsumerGroupCommand$" : "org.apache.kafka.tools.OffsetsUtils";
    int64_t *wishes = arena_alloc(&groups->admin.arena, (spots->count + 1) * sizeof(*wishes)),
            *starts = arena_alloc(&groups->admin.arena, (spots->count + 1) * sizeof(*starts));

    for (size_t i = 0; i < spots->count; i++)
        wishes[i] = spots->items[i].offset;
    if (!groups_lookup(groups, spots, -2, trouble))
        return false;
    for (size_t i = 0; i < spots->count; i++)
        starts[i] = spots->items[i].offset;
    if (!groups_lookup(groups, spots, -1, trouble))
        return false;
    for (size_t i = 0; i < spots->count; i++) {
        struct spot *spot = &spots->items[i];
        bool high = wishes[i] > spot->offset, low = !high && wishes[i] < starts[i];
        int64_t to = high ? spot->offset : low ? starts[i] : wishes[i];

        if (high || low) {
            char *message =
                mem_printf("New offset (%lld) is %s offset for topic partition %s-%d. Value will be set to %lld",
                           (long long)wishes[i], high ? "higher than latest" : "lower than earliest", spot->topic,
                           (int)spot->partition, (long long)to);

            call_log(groups->call, "WARN", message, logger);
            mem_free(message);
        }
        spot->offset = to;
    }
    return true;
}

static bool shift(struct groups *groups, const char *group, struct spots *spots, struct trouble *trouble)
{
    struct spots committed = { 0 };
    int64_t by = 0;
    bool ok = groups_committed(groups, group, &committed, trouble) || groups_future(groups, true, trouble);

    ok = ok && tool_i64(groups->options, "shift-by", &by, trouble);
    for (size_t i = 0; ok && i < spots->count; i++) {
        const struct spot *known = spots_find(&committed, spots->items[i].topic, spots->items[i].partition);

        if (!known)
            ok = trouble_illegal(trouble,
                                "Cannot shift offset for partition %s-%d since there is no current committed offset",
                                spots->items[i].topic, (int)spots->items[i].partition);
        else if (__builtin_add_overflow(known->committed, by, &spots->items[i].offset))
            spots->items[i].offset = by < 0 ? INT64_MIN : INT64_MAX;
    }
    spots_done(&committed);
    return ok && clamp(groups, spots, trouble);
}

static bool to_current(struct groups *groups, const char *group, struct spots *spots, struct trouble *trouble)
{
    struct spots committed = { 0 }, with = { 0 }, without = { 0 };
    bool ok = groups_committed(groups, group, &committed, trouble) || groups_future(groups, true, trouble);

    for (size_t i = 0; ok && i < spots->count; i++) {
        const struct spot *known = spots_find(&committed, spots->items[i].topic, spots->items[i].partition);

        spots_add(known ? &with : &without, spots->items[i].topic, spots->items[i].partition)->offset =
            known ? known->committed : -1;
    }
    ok = ok && (!without.count || groups_lookup(groups, &without, -1, trouble));
    for (size_t i = 0; i < without.count; i++)
        spots_add(&with, without.items[i].topic, without.items[i].partition)->offset = without.items[i].offset;
    spots_done(spots);
    spots_done(&without);
    spots_done(&committed);
    *spots = with;
    return ok;
}

/* ---- from a file ---- */

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "re");
    struct text text = { 0 };
    char part[4096];
    size_t got;

    if (!file)
        return NULL;
    while ((got = fread(part, 1, sizeof(part), file)) && text.size < 16u << 20)
        text_add_size(&text, part, got);
    fclose(file);
    return text.data ? text_take(&text) : mem_text("");
}

static size_t split_line(char *line, char **fields, size_t most)
{
    size_t count = 0;
    char *one;

    while ((one = strsep(&line, ","))) {
        size_t size = strlen(one);

        if (size >= 2 && *one == '"' && one[size - 1] == '"') {
            one[size - 1] = 0;
            one++;
        }
        if (count < most)
            fields[count] = one;
        count++;
    }
    return count;
}

/* "topic,partition,offset" for one group, "group,topic,partition,offset" for more; what is missing is 0. */
static bool read_line(struct groups *groups, char *line, bool with_group, const char *group, struct spots *spots,
                      bool *found, struct trouble *trouble)
{
    char *fields[4] = { NULL, NULL, NULL, NULL };
    size_t count = split_line(line, fields, 4), first = with_group ? 1 : 0;
    int32_t partition = 0;
    int64_t offset = 0;

    if (count > first + 3 || (fields[first + 1] && !parse_i32(fields[first + 1], &partition)) ||
        (fields[first + 2] && !parse_i64(fields[first + 2], &offset))) {
        trouble_set(trouble, "com.fasterxml.jackson.databind.RuntimeJsonMappingException",
                    "Cannot read the line of the reset plan: %s", fields[0]);
        return !groups_old(groups) ? (trouble_wrap(trouble, "java.lang.RuntimeException", NULL), false) : false;
    }
    if (with_group && !text_equal(fields[0], group))
        return true;
    *found = true;
    struct spot *spot = spots_find(spots, fields[first] ? fields[first] : "", partition);

    if (!spot)
        spot = spots_add(spots, fields[first] ? fields[first] : "", partition);
    spot->offset = offset;
    return true;
}

static bool from_file(struct groups *groups, const char *group, struct spots *spots, struct trouble *trouble)
{
    const char *path;
    char *text, *rest, *line, *first;
    bool ok = true, found = false, with_group;
    size_t fields;

    if (!tool_text(groups->options, "from-file", &path, trouble))
        return false;
    if (!(text = read_whole(path))) {
        trouble_set(trouble, "java.nio.file.NoSuchFileException", "%s", path);
        return groups_old(groups) ? false : (trouble_wrap(trouble, "java.lang.RuntimeException", NULL), false);
    }
    rest = arena_text(&groups->admin.arena, text, strlen(text));
    first = mem_text_size(text, strcspn(text, "\n"));
    mem_free(text);
    fields = split_line(first, (char *[4]){ 0 }, 0);
    mem_free(first);
    with_group = tool_count(groups->options, "group") != 1 || fields > 3;
    while (ok && (line = strsep(&rest, "\n"))) {
        if (*line && line[strlen(line) - 1] == '\r')
            line[strlen(line) - 1] = 0;
        if (*line)
            ok = read_line(groups, line, with_group, group, spots, &found, trouble);
    }
    if (ok && !found)
        groups_error(groups, "No reset plan for group %s found", group);
    return ok && clamp(groups, spots, trouble);
}

/* ---- */

static int64_t now_ms(const struct call *call)
{
    return (call_lab(call) ? queue_now_us(lab_queue(call_lab(call))) : wall_now_us()) / 1000;
}

static bool prepare(struct groups *groups, const char *group, struct spots *spots, struct trouble *trouble)
{
    const struct tool_options *o = groups->options;
    const char *text;
    int64_t value = 0;

    if (tool_has(o, "to-offset")) {
        if (!tool_i64(o, "to-offset", &value, trouble))
            return false;
        for (size_t i = 0; i < spots->count; i++)
            spots->items[i].offset = value;
        return clamp(groups, spots, trouble);
    }
    if (tool_has(o, "to-earliest"))
        return groups_lookup(groups, spots, -2, trouble);
    if (tool_has(o, "to-latest"))
        return groups_lookup(groups, spots, -1, trouble);
    if (tool_has(o, "shift-by"))
        return shift(groups, group, spots, trouble);
    if (tool_has(o, "to-datetime")) {
        if (!tool_text(o, "to-datetime", &text, trouble))
            return false;
        if (!parse_datetime(text, &value, trouble)) {
            if (!groups_old(groups))
                trouble_wrap(trouble, "java.lang.RuntimeException", NULL);
            return false;
        }
        return at_time(groups, spots, value, trouble);
    }
    if (tool_has(o, "by-duration"))
        return tool_text(o, "by-duration", &text, trouble) && parse_iso_duration(text, &value, trouble) &&
               at_time(groups, spots, now_ms(groups->call) - value, trouble);
    if (tool_has(o, "from-file"))
        return from_file(groups, group, spots, trouble);
    if (tool_has(o, "to-current"))
        return to_current(groups, group, spots, trouble);
    groups->status = tool_usage(groups->call, groups->call->command->options,
                                "Option '[reset-offsets]' requires one of the following scenarios: %s\n",
                                groups_old(groups) ? "HashSet([by-duration], [to-offset], [from-file], [to-datetime], "
                                                     "[to-earliest], [to-current], [shift-by], [to-latest])"
                                                   : "[[shift-by], [to-offset], [to-earliest], [to-current], "
                                                     "[to-latest], [by-duration], [to-datetime], [from-file]]");
    return false;
}

static bool reset_one(struct groups *groups, const char *name, struct plans *plans, struct trouble *trouble)
{
    struct plan *plan = &ARRAY_ADD(plans->items, plans->count, plans->capacity);
    struct group group;
    bool idle;

    *plan = (struct plan){ .group = name };
    if (!groups_describe_one(groups, name, &group, trouble)) {
        if (!text_equal(trouble->exception, "org.apache.kafka.common.errors.GroupIdNotFoundException"))
            return groups_future(groups, true, trouble);
        trouble_done(trouble); /* a group may begin with its offsets */
    }
    idle = text_equal(group.state, "Empty") || text_equal(group.state, "Dead");
    if (!idle)
        groups_error(groups,
                     "Assignments can only be reset if the group '%s' is inactive, but the current state is %s.", name,
                     group.state);
    groups_group_done(&group);
    if (!idle)
        return true;
    if (!choose_partitions(groups, name, &plan->spots, trouble))
        return false;
    spots_order_map(groups, &plan->spots);
    if (!prepare(groups, name, &plan->spots, trouble))
        return false;
    spots_order_map(groups, &plan->spots);
    if (tool_has(groups->options, "dry-run") || !tool_has(groups->options, "execute") || !plan->spots.count)
        return true;
    return groups_commit(groups, name, &plan->spots, trouble) || groups_future(groups, true, trouble);
}

static void print_csv(struct groups *groups, const struct plans *plans)
{
    bool single = tool_count(groups->options, "group") == 1;

    for (size_t i = 0; i < plans->count; i++)
        for (size_t p = 0; p < plans->items[i].spots.count; p++) {
            const struct spot *spot = &plans->items[i].spots.items[p];

            if (!single)
                call_print(groups->call, "%s,", plans->items[i].group);
            call_print(groups->call, "%s,%d,%lld\n", spot->topic, (int)spot->partition, (long long)spot->offset);
        }
    call_print(groups->call, "\n");
}

static void print_table(struct groups *groups, const struct plans *plans)
{
    bool old = groups_old(groups);
    int group_width = old ? 30 : 15, topic_width = old ? 30 : 15;

    for (size_t i = 0; !old && i < plans->count; i++) {
        int size = (int)strlen(plans->items[i].group);

        group_width = size > group_width ? size : group_width;
        for (size_t p = 0; p < plans->items[i].spots.count; p++) {
            size = (int)strlen(plans->items[i].spots.items[p].topic);
            topic_width = size > topic_width ? size : topic_width;
        }
    }
    if (plans->count)
        call_print(groups->call, "\n%-*s %-*s %-10s %-*s\n", group_width, "GROUP", topic_width, "TOPIC", "PARTITION",
                   old ? 15 : 0, "NEW-OFFSET");
    else if (!old)
        call_print(groups->call, "\n");
    for (size_t i = 0; i < plans->count; i++)
        for (size_t p = 0; p < plans->items[i].spots.count; p++) {
            const struct spot *spot = &plans->items[i].spots.items[p];

            call_print(groups->call, "%-*s %-*s %-10d %-*lld\n", group_width, plans->items[i].group, topic_width,
                       spot->topic, (int)spot->partition, old ? 15 : 0, (long long)spot->offset);
        }
}

bool groups_reset(struct groups *groups, struct trouble *trouble)
{
    struct plans plans = { 0 };
    const char **names;
    size_t count, *order;
    bool ok;

    if (!groups_named(groups, &names, &count, trouble))
        return false;
    order = java_order(names, count, count);
    ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = reset_one(groups, names[order[i]], &plans, trouble);
    mem_free(order);
    if (ok && tool_has(groups->options, "export"))
        print_csv(groups, &plans);
    else if (ok)
        print_table(groups, &plans);
    plans_done(&plans);
    return ok;
}
