/* A broker that lies: our clients against a real one whose answers are changed on their way. The input: which client, then edits, each the
 * how-manieth answer, what, where, with which byte. */
#include "sim/clients/consumer.h"
#include "sim/clients/producer.h"
#include "sim/wire/transport.h"
#include "tests/fuzz/fuzz.h"

enum { MOST_EDITS = 32, EDIT = 5 };
struct edit { uint8_t answer, op; uint16_t where; uint8_t value; };
struct liar {                    /* a transport before the real one */
    struct transport transport;  /* first */
    struct transport *behind;
    struct edit edits[MOST_EDITS];
    int edit_count, answers;
    struct bytes last;           /* what some answers are replaced by */
};
struct lying_channel {
    struct channel channel;      /* first */
    struct channel *behind;
    struct lying *waiting;       /* answers that have not come */
};
struct lying { struct lying_channel *channel; channel_reply *reply; void *context; struct lying *next; };

static struct channel *liar_open(struct transport *transport, const char *host, int32_t port, void (*opened)(void *, enum err), void *context)
{
    struct liar *liar = (struct liar *)transport;
    struct lying_channel *channel = mem_zero(sizeof(*channel));

    channel->channel.transport = transport;
    channel->behind = liar->behind->open(liar->behind, host, port, opened, context);
    return &channel->channel;
}

static void change(struct liar *liar, struct buffer *bytes)
{
    for (int i = 0; i < liar->edit_count; i++) {
        const struct edit *edit = &liar->edits[i];
        size_t at;

        if (edit->answer != (liar->answers & 0xff) || !bytes->size)
            continue;
        at = edit->where % bytes->size;
        switch (edit->op % 6) {
        case 0: bytes->data[at] ^= edit->value; break;
        case 1: bytes->data[at] = edit->value; break;
        case 2: bytes->size = at; break;
        case 3: { /* its end once more */
            size_t size = bytes->size - at;
            uint8_t *behind = buffer_add(bytes, size);

            memcpy(behind, bytes->data + at, size);
            break;
        }
        case 4: /* four bytes of one value */
            for (size_t n = at; n < at + 4 && n < bytes->size; n++)
                bytes->data[n] = edit->value;
            break;
        default: /* behind the correlation id other bytes */
            bytes->size = bytes->size < 4 ? bytes->size : 4;
            buffer_put(bytes, liar->last.data, liar->last.size);
        }
    }
    liar->answers++;
}

static void on_answer(void *context, enum err err, struct bytes answer)
{
    struct lying *lying = context, **at = &lying->channel->waiting;
    struct buffer bytes = { 0 };
    uint8_t *exact;

    while (*at != lying)
        at = &(*at)->next;
    *at = lying->next;
    if (!answer.data) {
        lying->reply(lying->context, err, answer);
        mem_free(lying);
        return;
    }
    buffer_put(&bytes, answer.data, answer.size);
    change((struct liar *)lying->channel->channel.transport, &bytes);
    exact = mem_alloc(bytes.size); /* so that a sanitizer sees a read past its end */
    if (bytes.size)
        memcpy(exact, bytes.data, bytes.size);
    lying->reply(lying->context, err, (struct bytes){ exact, bytes.size });
    mem_free(exact);
    buffer_done(&bytes);
    mem_free(lying);
}

static void liar_send(struct channel *at, struct frame *frame, channel_reply *reply, void *context)
{
    struct lying_channel *channel = (struct lying_channel *)at;
    struct lying *lying = mem_alloc(sizeof(*lying));

    *lying = (struct lying){ channel, reply, context, channel->waiting };
    channel->waiting = lying;
    channel->behind->transport->send(channel->behind, frame, on_answer, lying);
}

static void liar_expect_none(struct channel *at, struct frame *frame)
{
    struct channel *behind = ((struct lying_channel *)at)->behind;

    behind->transport->expect_none(behind, frame);
}

static void liar_close(struct channel *at)
{
    struct lying_channel *channel = (struct lying_channel *)at;

    channel_close(channel->behind);
    while (channel->waiting) {
        struct lying *lying = channel->waiting;

        channel->waiting = lying->next;
        mem_free(lying);
    }
    mem_free(channel);
}

/* ---- clients ---- */

struct life {
    struct fuzz_lab *lab;
    struct transport *transport;
    uint8_t mode;
    bool ended;
};

static void consume(struct task *task, struct life *life, const struct client_options *options, const struct config_map *config)
{
    const struct consumer_record *records;
    const char *topic = "students";
    struct consumer *consumer;
    struct consumer_position position;
    struct reason reason;
    size_t count, total = 0;

    if (consumer_open(&consumer, options, life->lab->queue, config, &reason))
        return;
    if (life->mode & 4)
        consumer_assign(consumer, (struct consumer_position[]){ { "students", 0, -2 }, { "students", 1, -1 } }, 2);
    else
        consumer_subscribe(consumer, &topic, 1);
    for (int i = 0; i < 8 && !task_interrupted(task); i++) {
        if (consumer_poll(task, consumer, 2000000, &records, &count, &reason))
            continue;
        for (size_t n = 0; n < count; n++)
            total += records[n].key.size + records[n].value.size + (size_t)records[n].header_count;
    }
    HOLDS(total < 1 << 30);
    consumer_assignment(consumer, &position, 1);
    if (!task_interrupted(task))
        consumer_commit(task, consumer, &reason);
    if (life->mode & 8)
        consumer_drop(consumer);
    else
        consumer_close(task, consumer);
}

static void on_result(void *context, const struct producer_result *result)
{
    (void)context;
    HOLDS(result->err || result->topic);
}

static void produce(struct task *task, struct life *life, const struct client_options *options, const struct config_map *config)
{
    struct producer *producer;
    struct reason reason;
    uint64_t number;

    if (producer_open(&producer, options, life->lab->queue, config, on_result, NULL, &reason))
        return;
    for (int i = 0; i < 6 && !task_interrupted(task); i++)
        producer_send(task, producer, &(struct producer_record){ .topic = i == 4 ? "another" : "students", .partition = -1, .timestamp_ms = -1,
                                                                 .value = bytes_text("hello") }, &number, &reason);
    if (!task_interrupted(task))
        producer_flush(task, producer);
    producer_close(producer);
}

static void live(struct task *task, void *context)
{
    struct life *life = context;
    struct config_map config = { 0 };
    struct client_options options = { .transport = life->transport, .bootstrap = "localhost:9092", .client_id = "probe",
                                      .release = life->mode & 2 ? RELEASE_27 : RELEASE_43, .group_id = "g" };

    if (life->mode & 1) {
        options.kind = CLIENT_CONSUMER;
        config_map_set(&config, "group.id", "g");
        config_map_set(&config, "auto.offset.reset", "earliest");
        consume(task, life, &options, &config);
    } else {
        options.kind = CLIENT_PRODUCER;
        if (life->mode & 4)
            config_map_set(&config, "acks", life->mode & 8 ? "1" : "0");
        config_map_set(&config, "delivery.timeout.ms", "40000");
        produce(task, life, &options, &config);
    }
    config_map_done(&config);
}

static void ended(void *context)
{
    ((struct life *)context)->ended = true;
}

static void run(struct bytes input)
{
    struct reader reader = reader_of(input);
    uint8_t mode = (uint8_t)reader_i8(&reader);
    enum release release = mode & 16 ? RELEASE_27 : RELEASE_ANY;
    struct fuzz_lab lab;
    struct liar liar = { .transport = { .open = liar_open, .send = liar_send, .expect_none = liar_expect_none, .close = liar_close } };
    struct life life = { &lab, &liar.transport, mode, false };
    struct task *task;

    while (liar.edit_count < MOST_EDITS && reader_left(&reader) >= EDIT) {
        struct edit *edit = &liar.edits[liar.edit_count++];

        edit->answer = (uint8_t)reader_i8(&reader);
        edit->op = (uint8_t)reader_i8(&reader);
        edit->where = reader_u16(&reader);
        edit->value = (uint8_t)reader_i8(&reader);
    }
    liar.last = (struct bytes){ reader.at, reader_left(&reader) };
    fuzz_lab_init(&lab, release);
    HOLDS(!fuzz_lab_open(&lab, release, 1));
    fuzz_lab_fill(&lab);
    liar.behind = transport_local(lab.wire, &lab.timers, "127.0.0.1");
    liar.transport.timers = &lab.timers;
    task = task_start(live, ended, &life);
    for (int i = 0; i < 20000 && !life.ended && queue_run_next(lab.queue); i++)
        ;
    for (int i = 0; i < 8 && !life.ended; i++) {
        task_interrupt(task);
        for (int n = 0; n < 2000 && !life.ended && queue_run_next(lab.queue); n++)
            ;
    }
    HOLDS(life.ended);
    fuzz_lab_run(&lab, 2000, 1000);
    transport_free(liar.behind);
    fuzz_lab_done(&lab);
}

static void seeds(seed_fn *give, void *context)
{
    for (int i = 0; i < 96; i++) {
        struct buffer seed = { 0 };

        buffer_i8(&seed, (int8_t)(i & 31));
        for (int n = 0; n < i / 32; n++) {
            buffer_i8(&seed, (int8_t)((i + 5 * n) % 16));
            buffer_i8(&seed, (int8_t)(i % 5));
            buffer_i16(&seed, (int16_t)(i * 7 + n));
            buffer_i8(&seed, (int8_t)(i % 2 ? 0xff : i));
        }
        give(context, buffer_bytes(&seed));
        buffer_done(&seed);
    }
}
const struct target target_answers = { "answers", run, seeds };
