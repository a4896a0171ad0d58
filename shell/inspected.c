/* Looking at a real broker's folder. */
#include "shell/inspected.h"

#include <string.h>

#include "shell/command.h"
#include "shell/prose.h"
#include "shell/shell.h"

enum { SLICE_BYTES = 4 * 1024 * 1024, MOST_BYTES = 1024 * 1024 * 1024 };

void inspected_title(const struct lab *lab, enum lang lang, struct text *out, int most)
{
    const struct cluster *cluster = lab_cluster(lab);
    size_t count = cluster_inspect_dir_count(cluster);
    struct text dir = { 0 }, rest = { 0 };
    const char *shown;
    int over;

    text_escaped(&dir, bytes_text(cluster_inspect_dir(cluster, 0)));
    if (count > 1)
        text_printf(&rest, _(lang, " and %lld more"), (long long)count - 1);
    text_add(&rest, _(lang, ", read at "));
    text_time(&rest, lab_inspect_read_us(lab), most ? TIME_CLOCK : TIME_DATE | TIME_CLOCK);
    if (lab_inspect_as_of(lab)) {
        text_add(&rest, _(lang, ", seen as of "));
        text_time(&rest, queue_now_us(lab_queue(lab)), TIME_DATE | TIME_CLOCK);
    }
    shown = text_chars(&dir);
    over = most ? (int)(strlen("INSPECT ") + dir.size + rest.size) - most : 0; /* its end tells more than its beginning */
    if (over > 0 && (size_t)over + 3 < dir.size)
        shown += over + 3;
    text_printf(out, "INSPECT %s%s%s", shown == text_chars(&dir) ? "" : "...", shown, text_chars(&rest));
    text_done(&dir);
    text_done(&rest);
}

static bool refresh(struct shell *shell, struct lab *lab, struct reason *reason, bool *changed)
{
    *changed = false;
    return shell->walking || !lab_inspect_again(lab, changed, reason);
}

bool inspected_refresh_quietly(struct shell *shell, struct lab *lab)
{
    bool changed;

    return refresh(shell, lab, NULL, &changed) && changed;
}

/* Reads again, unless nothing changed or somebody is walking through what was read; true: it is new. */
static bool inspected_refresh(struct call *call)
{
    struct reason reason = { "" };
    bool changed;

    if (refresh(call->session->shell, call_lab(call), &reason, &changed))
        return changed;
    call_error(call, _(call->session->lang, "%s; what is shown is empty until it can be read again\n"), reason.text);
    return false;
}

int inspected_run(struct call *call)
{
    const struct command *command = call->command;
    struct shell *shell = call->session->shell;
    const struct cluster *cluster = lab_cluster(call_lab(call));
    uint64_t refused = cluster_inspect_refused(cluster);
    int status;

    if (command->needs_lab && !command->tool && !command->looks) {
        call_error(call, _(call->session->lang, "%s: a real broker's folder is only looked at (--inspect): nothing is changed, and no time passes. These look:"), command->name);
        for (size_t i = 0; i < command_count(); i++)
            if (command_at(i)->looks)
                call_error(call, " %s", command_at(i)->name);
        call_error(call, "%s\n", _(call->session->lang, "; and Kafka's tools."));
        return 1;
    }
    if (command != &command_view && command->needs_lab)
        inspected_refresh(call);
    if (command == &command_view) /* looks anew at each frame, and may stay open for long */
        return command->run(call);
    shell->walking++;
    status = command->run(call);
    shell->walking--;
    if (cluster_inspect_refused(cluster) != refused) /* what Kafka's answers say of it is not much */
        call_error(call, _(call->session->lang, "A real broker's folder is only looked at (--inspect): Kafka's tools can ask here, not change. Records are read with "
                                                "kafka-console-consumer --partition 0 --offset earliest, or SELECT * FROM records.\n"));
    return status;
}

/* ---- what is there, and what is not ---- */

/* Lines that may have foreign names in them. */
static void say_escaped(struct call *call, const char *lines)
{
    for (const char *at = lines; *at;) {
        size_t size = strcspn(at, "\n");
        struct text line = { 0 };

        text_escaped(&line, (struct bytes){ (const uint8_t *)at, size });
        prose_print(call, "%s\n", text_chars(&line));
        text_done(&line);
        at += size + (at[size] == '\n');
    }
}

static void say_kind(struct call *call, enum folder_kind kind)
{
    enum { SHOWN = 3 };
    const struct cluster *cluster = lab_cluster(call_lab(call));
    size_t count = cluster_inspect_folder_count(cluster), found = 0;

    for (size_t i = 0; i < count; i++) {
        struct folder_info info = cluster_inspect_folder(cluster, i);
        struct text line = { 0 };

        if (info.kind != kind || found++ >= SHOWN)
            continue;
        text_printf(&line, "%s/%s (%s): %s", info.dir, info.name, folder_kind_name(kind), info.note);
        say_escaped(call, text_chars(&line));
        text_done(&line);
    }
    if (found > SHOWN)
        prose_print(call, _(call->session->lang, "... and %lld more (%s): SELECT * FROM folders\n"), (long long)(found - SHOWN), folder_kind_name(kind));
}

int inspected_status(struct call *call)
{
    const struct lab *lab = call_lab(call);
    const struct cluster *cluster = lab_cluster(lab);
    const struct image *image = cluster_image(cluster);
    struct broker *broker = cluster_broker_at(cluster, 0);
    enum lang lang = call->session->lang;
    size_t here = broker_partition_count(broker), topics = image_topic_count(image);
    struct text line = { 0 };

    inspected_title(lab, lang, &line, 0);
    call_print(call, "%s\n", text_chars(&line));
    text_done(&line);
    call_print(call, _(lang, "Kafka %s or near it, broker %d, cluster %s: %s\n"), release_is_27(lab_release(lab)) ? "2.7" : "4.3", (int)broker_id(broker),
               *image_cluster_id(image) ? image_cluster_id(image) : "?", cluster_inspect_clean(cluster) ? _(lang, "stopped in order") : _(lang, "runs, or was killed"));
    call_print(call, n_(lang, "%lld partition in the folder", "%lld partitions in the folder", (int64_t)here), (long long)here);
    call_print(call, n_(lang, ", of %lld topic\n", ", of %lld topics\n", (int64_t)topics), (long long)topics);
    if (cluster_inspect_only(cluster))
        prose_print(call, _(lang, "%s is one partition's folder: nothing else is looked at. The broker's folder is %s\n"), cluster_inspect_only(cluster), cluster_inspect_dir(cluster, 0));
    if (!cluster_inspect_metadata(cluster) && release_is_27(lab_release(lab)))
        prose_print(call, _(lang, "Topics are what the folders' names say. Their leaders, replicas and settings are in ZooKeeper, not here: this broker is taken for the only one, "
                                  "and Kafka's defaults for their settings (--set-topic TOPIC:KEY=VALUE says otherwise).\n"));
    else if (!cluster_inspect_metadata(cluster))
        prose_print(call, _(lang, "There is no __cluster_metadata-0 here (it lies where metadata.log.dir says; name that folder too, with a comma): topics are what the folders' "
                                  "names say, and Kafka's defaults are taken for their settings.\n"));
    if (!cluster_inspect_settings_given(cluster))
        prose_print(call, _(lang, "The broker's server.properties is not in its folder: Kafka's defaults are taken (--properties FILE or --set KEY=VALUE say otherwise).\n"));
    say_escaped(call, cluster_inspect_notes(cluster));
    for (enum folder_kind kind = FOLDER_DELETE; kind <= FOLDER_UNREADABLE; kind++)
        say_kind(call, kind);
    return 0;
}

/* ---- why ---- */

static const char *rule_text(enum lang lang, const char *rule)
{
    static const char *const rules[] = { N_("half a batch"), N_("no batch"), N_("CRC"), N_("offsets go back"), N_("zeros") };

    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
        if (!strcmp(rules[i], rule))
            return _(lang, rules[i]);
    return rule;
}

static void leftovers_text(enum lang lang, const struct start_decision *decision, struct text *out)
{
    if (decision->deleted_files)
        text_printf(out, n_(lang, " %lld file marked .deleted would go.", " %lld files marked .deleted would go.", (int64_t)decision->deleted_files), (long long)decision->deleted_files);
    if (decision->cleaned_files)
        text_printf(out, n_(lang, " %lld file of a cleaning that did not end (.cleaned) would go.", " %lld files of a cleaning that did not end (.cleaned) would go.",
                            (int64_t)decision->cleaned_files), (long long)decision->cleaned_files);
    if (decision->swap_files)
        text_printf(out, n_(lang, " %lld file that a cleaning left as .swap would take its place.", " %lld files that a cleaning left as .swap would take their places.",
                            (int64_t)decision->swap_files), (long long)decision->swap_files);
    if (decision->missing_indexes)
        text_printf(out, n_(lang, " %lld index is missing or senseless and would be made from the batches.", " %lld indexes are missing or senseless and would be made from the batches.",
                            (int64_t)decision->missing_indexes), (long long)decision->missing_indexes);
}

static void clean_text(enum lang lang, const struct start_decision *decision, struct text *out)
{
    text_add(out, _(lang, "A start would believe what is there: the marker of a clean stop stands in the folder."));
    if (decision->rule)
        text_printf(out, n_(lang, " Yet %lld byte at position %lld of segment %lld is no batch (%s), and nobody would cut it.",
                            " Yet %lld bytes at position %lld of segment %lld are no batch (%s), and nobody would cut them.", decision->cut_bytes),
                    (long long)decision->cut_bytes, (long long)decision->cut_position, (long long)decision->cut_base_offset, rule_text(lang, decision->rule));
}

static void recovery_text(enum lang lang, const struct start_decision *decision, struct text *out)
{
    struct text size = { 0 };

    text_add(out, _(lang, "There is no marker of a clean stop: the broker runs, or was killed."));
    text_bytes_size(&size, decision->check_bytes);
    text_printf(out, n_(lang, " A start would read %lld segment from the recovery point %lld on, %s", " A start would read %lld segments from the recovery point %lld on, %s",
                        (int64_t)decision->check_count), (long long)decision->check_count, (long long)decision->recovery_point, text_chars(&size));
    text_clear(&size);
    if (decision->rule) {
        text_printf(out, n_(lang, ", and cut %lld byte at position %lld of segment %lld (%s)", ", and cut %lld bytes at position %lld of segment %lld (%s)", decision->cut_bytes),
                    (long long)decision->cut_bytes, (long long)decision->cut_position, (long long)decision->cut_base_offset, rule_text(lang, decision->rule));
        if (decision->drop_count)
            text_printf(out, n_(lang, "; %lld segment behind it would go", "; %lld segments behind it would go", (int64_t)decision->drop_count), (long long)decision->drop_count);
        text_printf(out, _(lang, "; the log would end at %lld."), (long long)decision->log_end_offset);
    } else if (decision->whole) {
        text_printf(out, _(lang, ", and cut nothing: every batch there is whole. The log would end at %lld."), (long long)decision->log_end_offset);
    } else {
        text_bytes_size(&size, decision->read_bytes);
        text_printf(out, _(lang, "; of that %s were looked at here, and nothing would be cut of those."), text_chars(&size));
    }
    text_done(&size);
}

static void say_assumed(struct call *call, const char *topic)
{
    static const char *const names[] = { "cleanup.policy", "retention.ms", "retention.bytes", "segment.bytes", "segment.ms", "file.delete.delay.ms" };
    struct text line = { 0 };
    size_t count = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        bool assumed;

        cluster_inspect_source(lab_cluster(call_lab(call)), topic, names[i], &assumed);
        if (assumed)
            text_printf(&line, "%s%s", count++ ? ", " : "", names[i]);
    }
    if (count)
        prose_print(call, _(call->session->lang, "Kafka's defaults are taken for %s: the folder does not tell. --set-topic %s:retention.ms=... or --properties FILE do.\n"), text_chars(&line), topic);
    text_done(&line);
}

bool inspected_say(struct call *call, struct log *log, const char *topic)
{
    struct start_check *check = start_check_begin(log);
    const struct start_decision *decision = start_check_decision(check);
    struct text text = { 0 };
    bool more = true, done = false;

    for (int64_t read = 0; more && !done && read < MOST_BYTES; read += SLICE_BYTES) {
        done = start_check_slice(check, SLICE_BYTES);
        if (!done)
            more = call_yield(call);
    }
    if (more) {
        if (decision->clean)
            clean_text(call->session->lang, decision, &text);
        else
            recovery_text(call->session->lang, decision, &text);
        leftovers_text(call->session->lang, decision, &text);
        prose_print(call, "%s\n", text_chars(&text));
        say_assumed(call, topic);
    }
    text_done(&text);
    start_check_end(check);
    return more;
}
