/* Orders to simulated clients: started, stopped, killed, slowed down. */
#include <string.h>

#include "sim/lab_internal.h"
#include "sim/order.h"

/* ---- the words behind NAME ---- */

struct words {
    struct order_call *call;
    int at;
    struct simulated_options options;
    struct config_map config;
    struct text topics;
};

static enum err wrong(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));
static enum err wrong(struct words *words, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = mem_vprintf(format, args);
    va_end(args);
    err_because(ERR_INVALID_REQUEST, words->call->reason, "%s", text);
    mem_free(text);
    return ERR_INVALID_REQUEST;
}

static enum err wrong_word(struct words *words, const char *what, const char *word)
{
    struct text text = { 0 };

    text_escaped(&text, bytes_text(word));
    wrong(words, "%s: '%s'", what, text_chars(&text));
    text_done(&text);
    return ERR_INVALID_REQUEST;
}

/* "100/s", "100", "0.5/s", "60/min": records a second. */
static bool parse_rate(const char *word, double *rate)
{
    char *copy = mem_text(word), *slash = strchr(copy, '/');
    double per = 1;
    bool good;

    if (slash) {
        *slash++ = 0;
        per = !strcmp(slash, "s") ? 1 : !strcmp(slash, "min") || !strcmp(slash, "m") ? 60 : !strcmp(slash, "h") ? 3600 : 0;
    }
    good = per > 0 && parse_double(copy, rate) && *rate > 0;
    if (good)
        *rate /= per;
    mem_free(copy);
    return good;
}

static enum err take_property(struct words *words, const char *word)
{
    const char *equals = strchr(word, '=');
    char *key;

    if (!equals || equals == word)
        return wrong_word(words, "a property is KEY=VALUE, for instance linger.ms=20", word);
    key = mem_text_size(word, (size_t)(equals - word));
    config_map_set(&words->config, key, equals + 1);
    mem_free(key);
    return ERR_OK;
}

static enum err take_number(struct words *words, const char *word, int64_t *out, const char *what)
{
    return parse_i64(word, out) && *out >= 0 ? ERR_OK : wrong_word(words, what, word);
}

static enum err take_option(struct words *words, bool producer, const char *option, const char *value)
{
    int64_t number = 0;
    enum err err = ERR_OK;

    if (!strcmp(option, "--topic")) {
        text_printf(&words->topics, "%s%s", words->topics.size && !producer ? "," : "", value);
    } else if (!strcmp(option, producer ? "--producer-property" : "--consumer-property") || !strcmp(option, "--command-property")) {
        err = take_property(words, value);
    } else if (producer && !strcmp(option, "--rate")) {
        err = parse_rate(value, &words->options.rate) ? ERR_OK : wrong_word(words, "a rate is a number of records, for instance 100/s or 30/min", value);
    } else if (producer && !strcmp(option, "--acks")) {
        config_map_set(&words->config, "acks", value);
    } else if (producer && !strcmp(option, "--size")) {
        err = take_number(words, value, &number, "a size is a number of bytes");
        words->options.size = (int32_t)(number > SIMULATED_MOST_SIZE ? SIMULATED_MOST_SIZE + 1 : number);
    } else if (producer && !strcmp(option, "--keys")) {
        err = take_number(words, value, &words->options.keys, "--keys is a number of keys");
    } else if (producer && !strcmp(option, "--count")) {
        err = take_number(words, value, &words->options.count, "--count is a number of records");
    } else if (producer && !strcmp(option, "--partition")) {
        err = take_number(words, value, &number, "a partition is a number");
        words->options.partition = (int32_t)(number > INT32_MAX ? INT32_MAX : number);
    } else if (!producer && !strcmp(option, "--group")) {
        words->options.group = value;
    } else if (!producer && !strcmp(option, "--slow")) {
        err = parse_duration(value, &words->options.slow_us) && words->options.slow_us >= 0 ? ERR_OK
                  : wrong_word(words, "how long does it work on a record? For instance 50ms", value);
    } else {
        err = wrong_word(words, producer ? "a producer has --topic, --rate, --acks, --size, --keys, --count, --partition and --producer-property, not"
                                         : "a consumer has --topic, --group, --slow and --consumer-property, not", option);
    }
    return err;
}

static enum err read_words(struct words *words, bool producer)
{
    struct order_call *call = words->call;
    enum err err = ERR_OK;

    if (call->count < 1 || call->words[0][0] == '-')
        return wrong(words, "a name comes first: %s", producer ? "producer start p1 --topic students --rate 10/s" : "consumer start c1 --group g --topic students");
    for (int i = 1; i < call->count && !err; i += 2) {
        if (i + 1 >= call->count)
            return wrong_word(words, "nothing follows behind", call->words[i]);
        err = take_option(words, producer, call->words[i], call->words[i + 1]);
    }
    if (err)
        return err;
    if (!words->topics.size)
        return wrong(words, "a topic is needed: --topic NAME");
    if (!producer && !words->options.group)
        return wrong(words, "a group is needed: --group NAME");
    words->options.name = call->words[0];
    words->options.topic = text_chars(&words->topics);
    words->options.config = &words->config;
    return ERR_OK;
}

static enum err start(struct order_call *call, enum simulated_kind kind)
{
    struct words words = { .call = call };
    enum err err;

    simulated_options_default(&words.options);
    err = read_words(&words, kind == SIMULATED_PRODUCER);
    if (!err)
        err = simulated_start(lab_simulated(call->lab), kind, &words.options, call->reason);
    if (!err && kind == SIMULATED_PRODUCER)
        text_printf(call->answer, "Producer %s sends to %s, %g records a second.\n", words.options.name, words.options.topic, words.options.rate);
    else if (!err)
        text_printf(call->answer, "Consumer %s reads %s in group %s.\n", words.options.name, words.options.topic, words.options.group);
    config_map_done(&words.config);
    text_done(&words.topics);
    return err;
}

enum err order_producer_start(struct order_call *call) { return start(call, SIMULATED_PRODUCER); }
enum err order_consumer_start(struct order_call *call) { return start(call, SIMULATED_CONSUMER); }

/* ---- those that live ---- */

static struct simulated_client *named(struct order_call *call, enum simulated_kind kind, int count, const char *usage)
{
    const struct simulated_clients *clients = lab_simulated(call->lab);
    const char *what = kind == SIMULATED_PRODUCER ? "producer" : "consumer";
    struct simulated_client *client;
    struct text known = { 0 }, name = { 0 };

    if (call->count != count) {
        err_because(ERR_INVALID_REQUEST, call->reason, "it is %s %s", what, usage);
        return NULL;
    }
    client = simulated_find(clients, kind, call->words[0]);
    if (client)
        return client;
    for (size_t i = 0; i < simulated_count(clients); i++) {
        struct simulated_info info;

        simulated_info(simulated_at(clients, i), &info);
        if (info.kind == kind && simulated_lives(info.state))
            text_printf(&known, "%s%s", known.size ? ", " : "", info.name);
    }
    text_escaped(&name, bytes_text(call->words[0]));
    if (known.size)
        err_because(ERR_INVALID_REQUEST, call->reason, "there is no simulated %s %s; there is: %s", what, text_chars(&name), text_chars(&known));
    else
        err_because(ERR_INVALID_REQUEST, call->reason, "there is no simulated %s %s; `%s start %s ...` makes one", what, text_chars(&name), what, text_chars(&name));
    text_done(&known);
    text_done(&name);
    return NULL;
}

static enum err stop(struct order_call *call, enum simulated_kind kind)
{
    struct simulated_client *client = named(call, kind, 1, "stop NAME");

    return client ? simulated_stop(client, call->reason) : ERR_INVALID_REQUEST;
}

static enum err kill_one(struct order_call *call, enum simulated_kind kind)
{
    struct simulated_client *client = named(call, kind, 1, "kill NAME");
    struct simulated_info info;
    enum err err;

    if (!client)
        return ERR_INVALID_REQUEST;
    simulated_info(client, &info);
    err = simulated_kill(client, call->reason);
    if (!err && kind == SIMULATED_PRODUCER)
        text_printf(call->answer, "Producer %s is gone; %llu of its records had no result yet.\n", info.name,
                    (unsigned long long)(info.sent - info.acknowledged - info.failed));
    else if (!err)
        text_printf(call->answer, "Consumer %s is gone without a farewell: the group misses it when its session ends (session.timeout.ms).\n", info.name);
    return err;
}

static enum err slow_down(struct order_call *call, enum simulated_kind kind)
{
    struct simulated_client *client = named(call, kind, 2, "slow NAME DURATION");
    int64_t us;

    if (!client)
        return ERR_INVALID_REQUEST;
    if (!parse_duration(call->words[1], &us) || us < 0)
        return err_because(ERR_INVALID_REQUEST, call->reason, "how long does each record take? For instance: %s slow %s 50ms; 0s: as before",
                           kind == SIMULATED_PRODUCER ? "producer" : "consumer", call->words[0]);
    return simulated_slow(client, us, call->reason);
}

enum err order_producer_stop(struct order_call *call) { return stop(call, SIMULATED_PRODUCER); }
enum err order_consumer_stop(struct order_call *call) { return stop(call, SIMULATED_CONSUMER); }
enum err order_producer_kill(struct order_call *call) { return kill_one(call, SIMULATED_PRODUCER); }
enum err order_consumer_kill(struct order_call *call) { return kill_one(call, SIMULATED_CONSUMER); }
enum err order_producer_slow(struct order_call *call) { return slow_down(call, SIMULATED_PRODUCER); }
enum err order_consumer_slow(struct order_call *call) { return slow_down(call, SIMULATED_CONSUMER); }
