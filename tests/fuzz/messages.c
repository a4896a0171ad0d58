/* Every message: decode, show in all ways, encode, decode again. */
#include "sim/wire/messages.h"

#include "sim/cluster/group_records.h"
#include "tests/fuzz/fuzz.h"

static const struct message *const others[] = {
    &consumer_protocol_subscription_message, &consumer_protocol_assignment_message, &request_header_message, &response_header_message,
    &offset_key_message, &group_key_message, &offset_value_message, &group_value_message,
};
enum { OTHERS = sizeof(others) / sizeof(*others) };

static const struct message *message_at(size_t i)
{
    return i < OTHERS ? others[i] : (i - OTHERS) % 2 ? api_at((i - OTHERS) / 2)->response : api_at((i - OTHERS) / 2)->request;
}

static void nothing(void *context, int depth, const char *name, size_t from, size_t to, const char *value)
{
    size_t *size = context;

    (void)depth, (void)value;
    HOLDS(name && from <= to && to <= *size);
}

static void run(struct bytes input)
{
    struct reader reader = reader_of(input), again;
    const struct message *message = message_at((uint8_t)reader_i8(&reader) % (OTHERS + 2 * api_count()));
    int16_t version = (int16_t)(message->first + (uint8_t)reader_i8(&reader) % (message->last - message->first + 1));
    struct arena arena;
    struct text text = { 0 };
    struct frame frame = { 0 }, second = { 0 };
    struct reason reason;
    void *out, *twice;
    struct bytes body = { reader.at, reader_left(&reader) };
    size_t size;

    if (reader.failed)
        return;
    size = body.size;
    arena_init(&arena);
    out = arena_alloc(&arena, message->size);
    twice = arena_alloc(&arena, message->size);
    fields_walk(message, version, body, nothing, &size, &reason);
    if (fields_decode(message, version, &reader, &arena, out, &reason))
        goto out;
    fields_dump(message, version, out, &text);
    fields_json(message, version, out, &text);
    if (fields_encode(message, version, out, &frame, &reason))
        goto out;
    again = reader_of(buffer_bytes(&frame.bytes));
    HOLDS(!fields_decode(message, version, &again, &arena, twice, &reason));
    HOLDS(!reader_left(&again));
    HOLDS(!fields_encode(message, version, twice, &second, &reason));
    HOLDS(bytes_equal(buffer_bytes(&frame.bytes), buffer_bytes(&second.bytes)));
out:
    frame_done(&frame);
    frame_done(&second);
    text_done(&text);
    arena_done(&arena);
}

struct giving { seed_fn *give; void *context; };
static void give_line(void *context, const char *name, int16_t version, struct bytes body)
{
    struct giving *giving = context;
    struct buffer seed = { 0 };

    for (size_t i = 0; i < OTHERS + 2 * api_count(); i++) {
        const struct message *message = message_at(i);

        if (strcmp(message->name, name) || version < message->first || version > message->last)
            continue;
        buffer_i8(&seed, (int8_t)i);
        buffer_i8(&seed, (int8_t)(version - message->first));
        buffer_put(&seed, body.data, body.size);
        giving->give(giving->context, buffer_bytes(&seed));
        buffer_done(&seed);
        return;
    }
}

static void seeds(seed_fn *give, void *context)
{
    golden_messages(give_line, &(struct giving){ give, context });
}
const struct target target_messages = { "messages", run, seeds };
