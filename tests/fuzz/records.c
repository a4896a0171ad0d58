/* What lies in internal topics: group and offset records, metadata records, and what consumers tell each other. */
#include "sim/cluster/group_records.h"
#include "sim/cluster/metadata.h"
#include "tests/fuzz/fuzz.h"

static enum err no_record(void *context, const struct metadata_record *record, int64_t offset, struct reason *reason)
{
    (void)context, (void)offset, (void)reason;
    metadata_kind_name(record->kind);
    return ERR_OK;
}

static void run(struct bytes input)
{
    struct reader reader = reader_of(input);
    uint8_t kind = (uint8_t)reader_i8(&reader);
    struct bytes bytes = { reader.at, reader_left(&reader) };
    struct arena arena;
    struct frame frame = { 0 };
    struct text text = { 0 };
    struct reason reason;

    arena_init(&arena);
    switch (kind % 6) {
    case 0: {
        struct group_key key;

        if (!group_key_decode(bytes, &arena, &key, &reason))
            group_key_encode(&key, &frame);
        break;
    }
    case 1: {
        struct offset_value value;

        if (!offset_value_decode(bytes, &arena, &value, &reason))
            for (int16_t version = 0; version < 5; version++)
                offset_value_encode(&value, version, &frame);
        break;
    }
    case 2: {
        struct group_value value;

        if (!group_value_decode(bytes, &arena, &value, &reason)) {
            group_value_encode(&value, &frame);
            for (int32_t i = 0; i < value.members.count; i++)
                consumer_assignment_text(value.members.items[i].assignment, &text);
        }
        break;
    }
    case 3: {
        struct metadata_record record;

        if (!metadata_decode(bytes, &arena, &record, &reason))
            HOLDS(metadata_kind_name(record.kind));
        break;
    }
    case 4:
        consumer_subscribes(bytes, "students");
        consumer_subscription_text(bytes, &text);
        consumer_assignment_text(bytes, &text);
        consumer_assigned(bytes, "students", 0);
        break;
    default:
        metadata_batch_replay(bytes, no_record, NULL, &reason);
    }
    frame_done(&frame);
    text_done(&text);
    arena_done(&arena);
}

struct giving { seed_fn *give; void *context; };
static void give_one(struct giving *giving, int8_t kind, struct bytes bytes)
{
    struct buffer seed = { 0 };

    buffer_i8(&seed, kind);
    buffer_put(&seed, bytes.data, bytes.size);
    giving->give(giving->context, buffer_bytes(&seed));
    buffer_done(&seed);
}

static void give_file(void *context, const char *path, struct bytes bytes)
{
    struct giving *giving = context;
    bool metadata = strstr(path, "cluster-metadata"), offsets = strstr(path, "consumer-offsets");
    size_t need;
    int count = 0;

    if (!text_ends(path, ".log") || !(metadata || offsets))
        return;
    for (struct batch batch; bytes.size && !batch_decode(bytes, &batch, &need, NULL);) {
        struct record_iterator it;
        struct record record;

        if (metadata && count < 20)
            give_one(giving, 5, batch.bytes);
        records_begin(&it, &batch);
        while (records_next(&it, &record) && count++ < 150) {
            if (metadata) {
                give_one(giving, 3, record.value);
            } else {
                int16_t type = record.key.size >= 2 ? get_i16(record.key.data) : 0;

                give_one(giving, 0, record.key);
                give_one(giving, type == KEY_GROUP ? 2 : 1, record.value);
            }
        }
        records_done(&it);
        bytes = (struct bytes){ bytes.data + batch.size_bytes, bytes.size - (size_t)batch.size_bytes };
    }
}

static void give_line(void *context, const char *name, int16_t version, struct bytes body)
{
    if (text_starts(name, "ConsumerProtocol")) {
        struct buffer bytes = { 0 };

        buffer_i16(&bytes, version);
        buffer_put(&bytes, body.data, body.size);
        give_one(context, 4, buffer_bytes(&bytes));
        buffer_done(&bytes);
    }
}

static void seeds(seed_fn *give, void *context)
{
    struct giving giving = { give, context };

    golden_each("segments", give_file, &giving);
    golden_each("cluster", give_file, &giving);
    golden_messages(give_line, &giving);
}
const struct target target_records = { "records", run, seeds };
