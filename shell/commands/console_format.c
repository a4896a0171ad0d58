/* Kafka's message formatters: the default one with its columns; those of internal topics are console_records.c's. */
#include "shell/commands/console_format.h"
#include "shell/commands/console_records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct formatter {
    const char *name;
    enum release only;                   /* whose tool has the class */
    bool (*write)(struct console_format *format, const struct consumer_record *record, struct text *out, struct trouble *trouble);
    write_record *write_record;          /* instead, of an internal topic */
};
struct console_format {
    struct call *call;
    bool is_27, for_terminal;
    const struct formatter *formatter;
    struct internal_records records;
    bool print_timestamp, print_key, print_value, print_partition, print_offset, print_delivery, print_epoch, print_headers;
    const char *key_separator, *line_separator, *headers_separator, *null_literal;
    const struct deserializer *key, *value, *header;
};

/* ---- deserializers ---- */

struct deserializer {
    const char *name;
    size_t size;                      /* 0: any */
    bool (*show)(struct bytes bytes, struct text *out);
};

static bool show_long(struct bytes bytes, struct text *out)
{
    text_printf(out, "%lld", (long long)get_i64(bytes.data));
    return true;
}

static bool show_integer(struct bytes bytes, struct text *out)
{
    text_printf(out, "%d", get_i32(bytes.data));
    return true;
}

static bool show_short(struct bytes bytes, struct text *out)
{
    text_printf(out, "%d", get_i16(bytes.data));
    return true;
}

/* The shortest text that gives the number again, with a point in it, as Java writes it. */
static void show_real(double number, int most, bool single, struct text *out)
{
    char text[40];

    for (int digits = 1; digits <= most; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, number);
        if (single ? strtof(text, NULL) == (float)number : strtod(text, NULL) == number)
            break;
    }
    text_add(out, text);
    if (!strpbrk(text, ".en"))
        text_add(out, ".0");
}

static bool show_double(struct bytes bytes, struct text *out)
{
    uint64_t bits = get_u64(bytes.data);
    double number;

    memcpy(&number, &bits, sizeof(number));
    show_real(number, 17, false, out);
    return true;
}

static bool show_float(struct bytes bytes, struct text *out)
{
    uint32_t bits = get_u32(bytes.data);
    float number;

    memcpy(&number, &bits, sizeof(number));
    show_real(number, 9, true, out);
    return true;
}

static const struct deserializer deserializers[] = {
    { "LongDeserializer", 8, show_long },
    { "IntegerDeserializer", 4, show_integer },
    { "ShortDeserializer", 2, show_short },
    { "DoubleDeserializer", 8, show_double },
    { "FloatDeserializer", 4, show_float },
};

/* NULL: the bytes as they are (String, ByteArray, or one that we don't have). */
static const struct deserializer *deserializer_of(const struct config_map *config, const char *key)
{
    const char *name = config_map_get(config, key), *dot = name ? strrchr(name, '.') : NULL;

    for (size_t i = 0; name && i < sizeof(deserializers) / sizeof(*deserializers); i++)
        if (!strcmp(dot ? dot + 1 : name, deserializers[i].name))
            return &deserializers[i];
    return NULL;
}

/* ---- the default formatter ---- */

/* On a terminal what a record holds may not steer it. */
static void add_bytes(const struct console_format *format, struct text *out, struct bytes bytes)
{
    size_t from = 0;

    if (!format->for_terminal) {
        text_add_size(out, (const char *)bytes.data, bytes.size);
        return;
    }
    for (size_t i = 0; i <= bytes.size; i++) {
        if (i < bytes.size && bytes.data[i] != '\n' && bytes.data[i] != '\t')
            continue;
        text_escaped(out, (struct bytes){ bytes.data + from, i - from });
        if (i < bytes.size)
            text_char(out, (char)bytes.data[i]);
        from = i + 1;
    }
}

static bool add_field(const struct console_format *format, struct text *out, const struct deserializer *deserializer, struct bytes bytes, struct trouble *trouble)
{
    if (!bytes.data)
        bytes = bytes_text(format->null_literal);
    if (!deserializer) {
        add_bytes(format, out, bytes);
        return true;
    }
    if (bytes.size != deserializer->size) {
        bool real = !strcmp(deserializer->name, "DoubleDeserializer") || !strcmp(deserializer->name, "FloatDeserializer");

        return trouble_set(trouble, "org.apache.kafka.common.errors.SerializationException", "Size of data received by %s is not %zu",
                           real ? "Deserializer" : deserializer->name, deserializer->size);
    }
    return deserializer->show(bytes, out);
}

static bool add_headers(const struct console_format *format, const struct consumer_record *record, struct text *out, struct trouble *trouble)
{
    if (!record->header_count)
        text_add(out, "NO_HEADERS");
    for (int32_t i = 0; i < record->header_count; i++) {
        add_bytes(format, out, record->headers[i].key);
        text_char(out, ':');
        if (!add_field(format, out, format->header, record->headers[i].value, trouble))
            return false;
        if (i + 1 < record->header_count)
            text_add(out, format->headers_separator);
    }
    return true;
}

static bool write_default(struct console_format *format, const struct consumer_record *record, struct text *out, struct trouble *trouble)
{
    const bool columns[] = { format->print_timestamp, format->print_partition, format->print_offset, format->print_delivery, format->print_epoch,
                             format->print_headers,   format->print_key,       format->print_value };
    enum { COLUMNS = 8 };
    int last = COLUMNS - 1;

    while (last >= 0 && !columns[last])
        last--;
    for (int i = 0; i <= last; i++) {
        if (!columns[i])
            continue;
        switch (i) {
        case 0:
            if (record->timestamp_ms < 0)
                text_add(out, "NO_TIMESTAMP");
            else
                text_printf(out, "%s:%lld", record->log_append_time ? "LogAppendTime" : "CreateTime", (long long)record->timestamp_ms);
            break;
        case 1:
            text_printf(out, "Partition:%d", record->partition);
            break;
        case 2:
            text_printf(out, "Offset:%lld", (long long)record->offset);
            break;
        case 3:
            text_add(out, "Delivery:NOT_PRESENT");
            break;
        case 4:
            text_add(out, "Epoch:NOT_PRESENT"); /* the tool never hands it on */
            break;
        case 5:
            if (!add_headers(format, record, out, trouble))
                return false;
            break;
        case 6:
            if (!add_field(format, out, format->key, record->key, trouble))
                return false;
            break;
        default:
            if (!add_field(format, out, format->value, record->value, trouble))
                return false;
            break;
        }
        text_add(out, i == last ? format->line_separator : format->key_separator);
    }
    return true;
}

static bool write_nothing(struct console_format *format, const struct consumer_record *record, struct text *out, struct trouble *trouble)
{
    (void)format, (void)record, (void)out, (void)trouble;
    return true;
}

/* ---- */

static bool is_true(const char *text)
{
    return text && !strcasecmp(text, "true");
}

static const char *setting(const struct config_map *config, const char *key, const char *preset)
{
    const char *value = config_map_get(config, key);

    return value ? value : preset;
}

static void take_settings(struct console_format *format, const struct config_map *config)
{
    format->print_timestamp = is_true(config_map_get(config, "print.timestamp"));
    format->print_key = is_true(config_map_get(config, "print.key"));
    format->print_value = is_true(setting(config, "print.value", "true"));
    format->print_partition = is_true(config_map_get(config, "print.partition"));
    format->print_offset = is_true(config_map_get(config, "print.offset"));
    format->print_delivery = !format->is_27 && is_true(config_map_get(config, "print.delivery"));
    format->print_epoch = !format->is_27 && is_true(config_map_get(config, "print.epoch"));
    format->print_headers = is_true(config_map_get(config, "print.headers"));
    format->key_separator = setting(config, "key.separator", "\t");
    format->line_separator = setting(config, "line.separator", "\n");
    format->headers_separator = setting(config, "headers.separator", ",");
    format->null_literal = setting(config, "null.literal", "null");
    format->key = deserializer_of(config, "key.deserializer");
    format->value = deserializer_of(config, "value.deserializer");
    format->header = deserializer_of(config, "headers.deserializer");
}

static const struct formatter formatters[] = { /* the first of a release is what it takes without a name */
    { "kafka.tools.DefaultMessageFormatter", RELEASE_27, write_default, NULL },
    { "org.apache.kafka.tools.consumer.DefaultMessageFormatter", RELEASE_43, write_default, NULL },
    { "kafka.tools.LoggingMessageFormatter", RELEASE_27, write_default, NULL }, /* its log lines are of a level that tools don't show */
    { "org.apache.kafka.tools.consumer.LoggingMessageFormatter", RELEASE_43, write_default, NULL },
    { "kafka.tools.NoOpMessageFormatter", RELEASE_27, write_nothing, NULL },
    { "org.apache.kafka.tools.consumer.NoOpMessageFormatter", RELEASE_43, write_nothing, NULL },
    { "kafka.coordinator.group.GroupMetadataManager$OffsetsMessageFormatter", RELEASE_27, NULL, console_old_offset },
    { "kafka.coordinator.group.GroupMetadataManager$GroupMetadataMessageFormatter", RELEASE_27, NULL, console_old_group },
    { "kafka.coordinator.transaction.TransactionLog$TransactionLogMessageFormatter", RELEASE_27, NULL, console_old_transaction },
    { "org.apache.kafka.tools.consumer.OffsetsMessageFormatter", RELEASE_43, NULL, console_offset },
    { "org.apache.kafka.tools.consumer.GroupMetadataMessageFormatter", RELEASE_43, NULL, console_group },
    { "org.apache.kafka.tools.consumer.ShareGroupMessageFormatter", RELEASE_43, NULL, console_share_group },
    { "org.apache.kafka.tools.consumer.TransactionLogMessageFormatter", RELEASE_43, NULL, console_transaction },
    { "org.apache.kafka.tools.consumer.group.share.ShareGroupStateMessageFormatter", RELEASE_43, NULL, console_share_state },
};

const char *console_format_class(enum release release, size_t i)
{
    for (size_t at = 0; at < sizeof(formatters) / sizeof(*formatters); at++)
        if (release_is_27(formatters[at].only) == release_is_27(release) && !i--)
            return formatters[at].name;
    return NULL;
}

bool console_format_new(struct console_format **out, struct call *call, const char *name, const struct config_map *config, struct trouble *trouble)
{
    bool is_27 = release_is_27(call_release(call));
    struct console_format *format;

    *out = NULL;
    for (size_t i = 0; i < sizeof(formatters) / sizeof(*formatters); i++) {
        if (release_is_27(formatters[i].only) != is_27 || (name && strcmp(name, formatters[i].name)))
            continue;
        format = mem_zero(sizeof(*format));
        format->call = call;
        format->is_27 = is_27;
        format->for_terminal = call_on_terminal(call);
        format->formatter = &formatters[i];
        internal_records_init(&format->records, call);
        take_settings(format, config);
        *out = format;
        return true;
    }
    return trouble_set(trouble, "java.lang.ClassNotFoundException", "%s", name);
}

void console_format_free(struct console_format *format)
{
    if (!format)
        return;
    internal_records_done(&format->records);
    mem_free(format);
}

bool console_format_write(struct console_format *format, const struct consumer_record *record, struct trouble *trouble)
{
    const struct formatter *formatter = format->formatter;
    struct text out = { 0 };
    bool good;

    if (formatter->write_record) {
        arena_reset(&format->records.arena);
        good = formatter->write_record(format->call, &format->records, record, &out, trouble);
    } else {
        good = formatter->write(format, record, &out, trouble);
    }
    if (out.size)
        call_write(format->call, out.data, out.size);
    text_done(&out);
    return good;
}
