/* Reading a recording: its head, and where its bytes come from: memory, a file, or the recorder of a lab that lives. */
#include "sim/replay_internal.h"

#include <errno.h>
#include <string.h>

enum err recording_damaged(struct reason *reason)
{
    return err_because(ERR_INVALID_REQUEST, reason, "these bytes are no recording of Kafkarium, or it is damaged");
}

char *recording_get_text(struct reader *reader)
{
    int32_t size = reader_i32(reader);
    struct bytes bytes;

    if (size < 0)
        return NULL;
    if (size > RECORDING_MOST_TEXT) {
        reader->failed = true;
        return NULL;
    }
    bytes = reader_bytes(reader, (size_t)size);
    return reader->failed ? NULL : mem_text_size((const char *)bytes.data, bytes.size);
}

static enum err read_head(struct reader *reader, struct recording_head *head, struct config_map *settings, struct reason *reason)
{
    struct bytes first = reader_bytes(reader, sizeof(recording_magic));
    int32_t count;
    int8_t format;
    char *text;
    bool known;

    if (reader->failed || memcmp(first.data, recording_magic, sizeof(recording_magic)))
        return recording_damaged(reason);
    format = reader_i8(reader);
    if (format != RECORDING_FORMAT)
        return err_because(ERR_INVALID_REQUEST, reason, "this recording is of form %d, which another version of Kafkarium made; form %d is read here", format, RECORDING_FORMAT);
    text = recording_get_text(reader);
    known = text && release_parse(text, &head->release);
    mem_free(text);
    head->brokers = reader_i32(reader);
    head->controllers = reader_i32(reader);
    head->seed = reader_i64(reader);
    head->start_us = reader_i64(reader);
    if (!known || head->brokers < 1 || head->brokers > 100 || head->controllers < 1 || head->controllers > head->brokers)
        return recording_damaged(reason);
    head->registered_port = reader_i32(reader);
    if (head->registered_port < 0 || head->registered_port > UINT16_MAX - 100)
        return recording_damaged(reason);
    for (int32_t i = 0; i < head->brokers; i++) {
        head->ports[i] = reader_i32(reader);
        if (head->ports[i] < 0 || head->ports[i] > UINT16_MAX)
            return recording_damaged(reason);
    }
    head->flags = reader_i8(reader);
    text = recording_get_text(reader);
    snprintf(head->host, sizeof(head->host), "%s", text ? text : "localhost");
    mem_free(text);
    head->journal_from = reader_i64(reader);
    count = reader_i32(reader);
    for (int32_t i = 0; i < count && !reader->failed; i++) {
        char *name = recording_get_text(reader), *value = recording_get_text(reader);

        if (name && value && settings)
            config_map_set(settings, name, value);
        mem_free(name);
        mem_free(value);
    }
    return reader->failed || head->journal_from < 0 || head->start_us < 0 ? recording_damaged(reason) : ERR_OK;
}

void recording_head_options(const struct recording_head *head, struct lab_options *options, struct config_map *settings)
{
    lab_options_default(options);
    options->release = head->release;
    options->brokers = head->brokers;
    options->controllers = head->controllers;
    options->controllers_given = !release_is_27(head->release);
    options->seed = (uint64_t)head->seed;
    options->start_us = head->start_us;
    options->release_given = options->brokers_given = options->seed_given = true;
    options->port = head->registered_port;
    options->ports_only = true;
    options->keep_timestamps = head->flags & HEAD_KEEP_TIMESTAMPS;
    options->journal_from = (uint64_t)head->journal_from;
    options->settings = settings;
    snprintf(options->registered_host, sizeof(options->registered_host), "%s", head->host);
}

enum err replay_options(struct bytes recording, struct lab_options *options, struct config_map *settings, struct reason *reason)
{
    struct reader reader = reader_of(recording);
    struct recording_head head = { 0 };
    enum err err = read_head(&reader, &head, settings, reason);

    if (!err)
        recording_head_options(&head, options, settings);
    return err;
}

enum { WINDOW = 256 * 1024 };

static size_t in_window(const struct source *source)
{
    return source->window.size - source->taken;
}

bool source_has(struct source *source, size_t size, const uint8_t **data)
{
    size_t had;

    if (source->bytes.data) {
        *data = source->bytes.data + source->at;
        return source->bytes.size - source->at >= size;
    }
    if (in_window(source) < size && source->taken) {
        memmove(source->window.data, source->window.data + source->taken, in_window(source));
        source->window.size -= source->taken;
        source->taken = 0;
    }
    while ((had = in_window(source)) < size) {
        size_t most = size - had > WINDOW ? size - had : WINDOW;

        if (source->recorder) {
            if (!recorder_read(source->recorder, source->at + had, most, &source->file, &source->window))
                return false;
        } else {
            size_t got;

            if (size - had > 1 << 30)
                return false;
            got = fread(buffer_add(&source->window, most), 1, most, source->file);
            source->window.size -= most - got;
        }
        if (in_window(source) == had)
            return false;
    }
    *data = source->window.data + source->taken;
    return true;
}

void source_take(struct source *source, size_t size)
{
    source->at += size;
    if (!source->bytes.data)
        source->taken += size;
}

void source_done(struct source *source)
{
    if (source->file)
        fclose(source->file);
    buffer_done(&source->window);
}

enum err source_head(struct source *source, struct recording_head *head, struct config_map *settings, struct reason *reason)
{
    enum { MOST_HEAD = 1 << 20 };
    const uint8_t *data = NULL;
    size_t there;
    struct reader reader;
    enum err err;

    if (source->bytes.data) {
        data = source->bytes.data;
        there = source->bytes.size;
    } else {
        source_has(source, MOST_HEAD, &data); /* as much as there is */
        data = source->window.data + source->taken;
        there = in_window(source);
    }
    reader = reader_of((struct bytes){ data, there });
    err = read_head(&reader, head, settings, reason);
    if (!err)
        source_take(source, (size_t)(reader.at - data));
    return err;
}

/* The end lies at the end of the file: with what the lab had come to, or without, where the recording was full. */
enum err recording_look(const char *path, struct recording_span *out, struct reason *reason)
{
    struct source source = { .file = fopen(path, "rbe") };
    struct recording_head head = { 0 };
    enum err err = source.file ? source_head(&source, &head, NULL, reason) : err_because(ERR_INVALID_REQUEST, reason, "%s: %s", path, strerror(errno));

    *out = (struct recording_span){ .from_us = head.start_us, .end_us = head.start_us, .first_entry = (uint64_t)head.journal_from + 1, .based = head.flags & HEAD_BASE };
    for (int more = 16; !err && more >= 0; more -= 16) {
        uint8_t end[INPUT_HEAD_BYTES + 16];
        size_t size = INPUT_HEAD_BYTES + (size_t)more;
        struct reader reader = reader_of((struct bytes){ end, size });

        if (fseeko(source.file, -(off_t)size, SEEK_END) || fread(end, 1, size, source.file) != size || reader_i8(&reader) != INPUT_END)
            continue;
        out->end_us = reader_i64(&reader);
        reader_i64(&reader);
        if (reader_i32(&reader) != more)
            continue;
        out->last_entry = more ? (uint64_t)reader_i64(&reader) : 0;
        break;
    }
    source_done(&source);
    return err;
}
