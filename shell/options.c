/* The command line of kafkarium. */
#include "shell/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell/session.h"

void run_usage(FILE *out)
{
    fputs("kafkarium [OPTIONS] [LAB]     Apache Kafka behind glass: a simulated cluster with a real port, Kafka's files and virtual time\n"
          "\n"
          "  LAB                         a folder to keep the lab in; none: a transient lab, gone at exit\n"
          "  -c 'CMD; CMD'  -f FILE      run commands and exit (a pipe on stdin works the same)\n"
          "  --brokers N                 how many brokers (1)\n"
          "  --controllers N             4.3: how many of them vote on the metadata (3 if there are as many brokers, else 1)\n"
          "  --racks a,b,c               broker.rack of each broker in turn\n"
          "  --port P                    first broker's port, the others follow (9092; 0: any free)\n"
          "  --listen ADDR               where to listen (127.0.0.1 and ::1)\n"
          "  --advertised-host auto|NAME what clients are told to connect to\n"
          "  --no-listen                 no TCP at all\n"
          "  --serve [--ready-json]      no shell: print 'ready HOST:PORT', run until SIGTERM, SIGINT or stdin (a pipe) closes\n"
          "  --kafka any|2.7|4.3         which release to be (any: 4.3, but older clients are served too)\n"
          "  --course                    --kafka 2.7 --log-dir /tmp/kafka-logs, retention check and delete delay 10 s\n"
          "  --set KEY=VALUE             a broker setting, repeatable\n"
          "  --seed S  --start TIME      chance and the clock's start (1; now, or 2026-01-01T00:00:00Z with -c and -f)\n"
          "  --speed X|paused            virtual seconds per second (1)\n"
          "  --timestamps shift|keep     shift a real client's timestamps by the distance to virtual time (shift)\n"
          "  --durable                   really fsync where Kafka does\n"
          "  --mode table|csv|json       how sql and Kafkarium's own commands print\n"
          "  --log-dir DIR               the one broker's files are DIR itself\n"
          "  --log-dirs N                folders a broker, between which replicas move and which fail one by one (1)\n"
          "  --metrics PORT              what brokers measure, for Prometheus: http://127.0.0.1:PORT/metrics\n"
          "  --record                    keep inputs for replay also with --serve\n"
          "  --inspect DIR[,DIR]         x-ray: look at a real broker's log.dirs, running or stopped; nothing is written there\n"
          "  --set-topic T:KEY=VALUE     with --inspect: a topic's setting, where the folders don't tell it (2.7); repeatable\n"
          "  --properties FILE           with --inspect: the broker's server.properties\n"
          "  --to[=LAB]                  run -c, -f or a shell inside a lab that another kafkarium has open\n"
          "kafkarium view                the live view of the running lab, in this terminal\n"
          "kafkarium tools DIR           DIR/bin with Kafka's tools under Kafka's names\n"
          "\n"
          "exit status: 0; 1 a command failed; 2 wrong usage; 3 the lab can't be opened\n"
          "example: kafkarium --course          then type: demo retention\n",
          out);
}

static int wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int wrong(const char *format, ...)
{
    va_list args;

    fputs("kafkarium: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputs("\n(kafkarium --help shows the options)\n", stderr);
    return 2;
}

enum { O_BROKERS = 256, O_CONTROLLERS, O_RACKS, O_PORT, O_LISTEN, O_ADVERTISED, O_NO_LISTEN, O_SERVE, O_READY_JSON, O_KAFKA, O_COURSE, O_SET, O_SEED, O_START, O_SPEED,
       O_TIMESTAMPS, O_DURABLE, O_MODE, O_LOG_DIR, O_LOG_DIRS, O_RECORD, O_INSPECT, O_SET_TOPIC, O_PROPERTIES, O_TO, O_METRICS, O_HELP, O_VERSION };

static const struct option_row {
    const char *name;
    int has_arg, value;
} rows[] = {
    { "brokers", 1, O_BROKERS }, { "controllers", 1, O_CONTROLLERS }, { "racks", 1, O_RACKS }, { "port", 1, O_PORT }, { "listen", 1, O_LISTEN }, { "advertised-host", 1, O_ADVERTISED },
    { "no-listen", 0, O_NO_LISTEN }, { "serve", 0, O_SERVE }, { "ready-json", 0, O_READY_JSON }, { "kafka", 1, O_KAFKA },
    { "course", 0, O_COURSE }, { "set", 1, O_SET }, { "override", 1, O_SET }, { "seed", 1, O_SEED }, { "start", 1, O_START },
    { "speed", 1, O_SPEED }, { "timestamps", 1, O_TIMESTAMPS }, { "durable", 0, O_DURABLE }, { "mode", 1, O_MODE },
    { "log-dir", 1, O_LOG_DIR }, { "log-dirs", 1, O_LOG_DIRS }, { "metrics", 1, O_METRICS }, { "record", 0, O_RECORD }, { "inspect", 1, O_INSPECT }, { "set-topic", 1, O_SET_TOPIC }, { "properties", 1, O_PROPERTIES }, { "to", 2, O_TO }, { "help", 0, O_HELP },
    { "version", 0, O_VERSION },
};

/* ---- --inspect ---- */

/* "DIR,DIR" as log.dirs has it. */
static void take_dirs(struct inspect_options *inspect, const char *argument)
{
    const char *at = argument;

    for (;;) {
        size_t size = strcspn(at, ","), skip = strspn(at, " ");

        if (skip < size) {
            char *given, *real;
            size_t end = size;

            while (end > skip && at[end - 1] == ' ')
                end--;
            given = mem_text_size(at + skip, end - skip);
            real = realpath(given, NULL);
            inspect->dirs = mem_resize((void *)inspect->dirs, (inspect->dir_count + 1) * sizeof(*inspect->dirs));
            ((const char **)inspect->dirs)[inspect->dir_count++] = mem_text(real ? real : given);
            mem_free(given);
            free(real);
        }
        if (!at[size])
            break;
        at += size + 1;
    }
}

static bool take_topic_setting(struct inspect_options *inspect, const char *argument)
{
    const char *colon = strchr(argument, ':'), *equals = colon ? strchr(colon, '=') : NULL;
    struct topic_setting *setting;

    if (!equals || colon == argument || equals == colon + 1)
        return false;
    inspect->topic_settings = mem_resize((void *)inspect->topic_settings, (inspect->topic_setting_count + 1) * sizeof(*inspect->topic_settings));
    setting = (struct topic_setting *)&inspect->topic_settings[inspect->topic_setting_count++];
    setting->topic = mem_text_size(argument, (size_t)(colon - argument));
    setting->name = mem_text_size(colon + 1, (size_t)(equals - colon - 1));
    setting->value = mem_text(equals + 1);
    return true;
}

/* A broker's server.properties: what is set there by keys that Kafka has; the rest is passed over (listeners' own keys, plugins'). --set is stronger. */
static int read_properties(struct run_options *options, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[4096];

    if (!file)
        return wrong("--properties %s: %s", path, strerror(errno));
    while (fgets(line, sizeof(line), file)) {
        char *at = line + strspn(line, " \t"), *equals = at + strcspn(at, "=:"), *key_end = equals, *value, *end;

        if (*at == '#' || *at == '!' || !*equals)
            continue;
        value = equals + 1 + strspn(equals + 1, " \t");
        while (key_end > at && (key_end[-1] == ' ' || key_end[-1] == '\t'))
            key_end--;
        *key_end = 0;
        for (end = value + strlen(value); end > value && strchr(" \t\r\n", end[-1]); end--)
            end[-1] = 0;
        if (config_key_find(CONFIG_BROKER, at))
            text_printf(&options->properties, "%s=%s\n", at, value);
    }
    fclose(file);
    options->inspect.settings_given = true;
    return 0;
}

static int check_inspect(struct run_options *options)
{
    struct lab_options *lab = &options->lab;
    char *line, *rest;

    if (!lab->inspect) {
        if (options->inspect.topic_setting_count || options->inspect.settings_given)
            return wrong("%s goes with --inspect DIR only", options->inspect.settings_given ? "--properties" : "--set-topic");
        return 0;
    }
    if (!options->inspect.dir_count)
        return wrong("--inspect wants the folder that a broker's log.dirs names");
    if (options->mode == RUN_SERVE || options->port_given || lab->listen_address)
        return wrong("--inspect only looks at files: nobody listens, leave out --serve, --port and --listen");
    if (options->join || options->mode == RUN_TOOLS)
        return wrong("--inspect opens a folder of its own: leave out --to and view (view is a command of its shell)");
    if (lab->dir || lab->brokers_given || lab->controllers_given || lab->course || lab->log_dir || config_map_get(&options->settings, "@log-dirs") || lab->record || lab->durable || options->paused || options->speed != 1)
        return wrong("--inspect looks at a real broker's folder and keeps nothing: a LAB, --brokers, --controllers, --course, --log-dir, --log-dirs, --record, --durable and --speed don't go with it");
    options->inspect.settings_given |= options->settings.count > 0;
    for (line = strtok_r((char *)text_chars(&options->properties), "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *equals = strchr(line, '=');

        *equals = 0;
        if (!config_map_get(&options->settings, line))
            config_map_set(&options->settings, line, equals + 1);
    }
    lab->transient = true;
    lab->new_start_us = -1;
    return 0;
}

static int take_option(struct run_options *options, int value, const char *argument)
{
    struct lab_options *lab = &options->lab;
    int64_t number;
    char *equals;

    switch (value) {
    case 'c':
        options->commands = argument;
        break;
    case 'f':
        options->file = argument;
        break;
    case 'h':
    case O_HELP:
        options->mode = RUN_HELP;
        break;
    case O_VERSION:
        options->mode = RUN_VERSION;
        break;
    case O_BROKERS:
        if (!parse_i64(argument, &number) || number < 1 || number > 100)
            return wrong("--brokers wants a number from 1 to 100, not '%s'", argument);
        lab->brokers = (int32_t)number;
        lab->brokers_given = true;
        break;
    case O_CONTROLLERS:
        if (!parse_i64(argument, &number) || number < 1 || number > 100)
            return wrong("--controllers wants a number from 1 to the number of brokers, not '%s' (an odd one: 3 can do without one of them, and so can 4)", argument);
        lab->controllers = (int32_t)number;
        lab->controllers_given = true;
        break;
    case O_RACKS:
        if (!*argument || strlen(argument) > 1000 || strpbrk(argument, "\n=@ \t"))
            return wrong("--racks wants names with commas between them, one for each broker in turn: --racks a,b,c");
        config_map_set(&options->settings, "@racks", argument);
        lab->settings = &options->settings;
        break;
    case O_PORT:
        if (!parse_i64(argument, &number) || number < 0 || number > 65535)
            return wrong("--port wants a number from 0 to 65535, not '%s'", argument);
        lab->port = (int32_t)number;
        options->port_given = true;
        break;
    case O_LISTEN:
        lab->listen_address = argument;
        break;
    case O_ADVERTISED:
        lab->advertised_host = argument;
        break;
    case O_NO_LISTEN:
        options->no_listen = true;
        break;
    case O_SERVE:
        options->mode = RUN_SERVE;
        break;
    case O_READY_JSON:
        options->ready_json = true;
        break;
    case O_KAFKA:
        if (!release_parse(argument, &lab->release))
            return wrong("--kafka wants any, 2.7 or 4.3, not '%s'", argument);
        lab->release_given = options->release_given = true;
        break;
    case O_COURSE:
        lab->course = true;
        break;
    case O_SET:
        equals = strchr(argument, '=');
        if (!equals || equals == argument || *argument == '@')
            return wrong("--set wants KEY=VALUE, for instance --set log.retention.check.interval.ms=10000, not '%s'", argument);
        char *key = mem_text_size(argument, (size_t)(equals - argument));
        config_map_set(&options->settings, key, equals + 1);
        mem_free(key);
        break;
    case O_SEED:
        if (!parse_i64(argument, &number) || number < 0)
            return wrong("--seed wants a number, not '%s'", argument);
        lab->seed = (uint64_t)number;
        lab->seed_given = true;
        break;
    case O_START:
        if (!parse_time(argument, wall_now_us(), &lab->start_us))
            return wrong("--start wants a time like 2026-01-01T10:00:00Z, not '%s'", argument);
        break;
    case O_SPEED:
        if (!strcmp(argument, "paused"))
            options->paused = true;
        else if (!parse_double(argument, &options->speed) || !(options->speed > 0) || options->speed > 1e6)
            return wrong("--speed wants a number above 0, or paused, not '%s'", argument);
        break;
    case O_TIMESTAMPS:
        if (strcmp(argument, "shift") && strcmp(argument, "keep"))
            return wrong("--timestamps wants shift or keep, not '%s'", argument);
        lab->keep_timestamps = !strcmp(argument, "keep");
        break;
    case O_DURABLE:
        lab->durable = true;
        break;
    case O_MODE:
        options->print_mode = !strcmp(argument, "table") ? PRINT_TABLE : !strcmp(argument, "csv") ? PRINT_CSV : !strcmp(argument, "json") ? PRINT_JSON : -2;
        if (options->print_mode == -2)
            return wrong("--mode wants table, csv or json, not '%s'", argument);
        break;
    case O_LOG_DIR:
        lab->log_dir = argument;
        break;
    case O_LOG_DIRS:
        if (!parse_i64(argument, &number) || number < 1 || number > MOST_LOG_DIRS)
            return wrong("--log-dirs wants a number from 1 to %d, not '%s'; --log-dir DIR names the folder of a broker that has one", MOST_LOG_DIRS, argument);
        config_map_set(&options->settings, "@log-dirs", argument);
        lab->settings = &options->settings;
        break;
    case O_METRICS:
        if (!parse_i32(argument, &options->metrics_port) || options->metrics_port < 0 || options->metrics_port > 65535)
            return wrong("--metrics wants a port from 0 (any free) to 65535, not '%s'", argument);
        break;
    case O_RECORD:
        lab->record = true;
        break;
    case O_INSPECT:
        take_dirs(&options->inspect, argument);
        lab->inspect = &options->inspect;
        break;
    case O_SET_TOPIC:
        if (!take_topic_setting(&options->inspect, argument))
            return wrong("--set-topic wants TOPIC:KEY=VALUE, for instance --set-topic students:retention.ms=30000, not '%s'", argument);
        break;
    case O_PROPERTIES:
        return read_properties(options, argument);
    case O_TO:
        options->join = true;
        options->join_lab = argument;
        break;
    default:
        return 2;
    }
    return 0;
}

int run_options_parse(struct run_options *options, int argc, char **argv)
{
    struct option table[sizeof(rows) / sizeof(*rows) + 1] = { 0 };
    int value, at = 0;

    *options = (struct run_options){ .speed = 1, .print_mode = -1, .metrics_port = -1 };
    lab_options_default(&options->lab);
    options->lab.settings = &options->settings;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        table[i] = (struct option){ rows[i].name, rows[i].has_arg, NULL, rows[i].value };
    opterr = 0;
    while ((value = getopt_long(argc, argv, "c:f:h", table, &at)) != -1) {
        const char *argument = optarg;
        int status;

        if (value == '?') {
            const char *bad = argv[optind - 1];

            return optopt && optopt < 256 && optopt != 'c' && optopt != 'f' ? wrong("there is no option -%c", optopt)
                   : optopt ? wrong("%s wants a value", bad) : wrong("there is no option %s", bad);
        }
        if (value == O_TO && !argument && optind < argc && argv[optind][0] != '-')
            argument = argv[optind++]; /* --to LAB as well as --to=LAB */
        status = take_option(options, value, argument);
        if (status)
            return status;
    }
    if (optind < argc && !strcmp(argv[optind], "view")) {
        options->mode = RUN_VIEW;
        options->join = true;
        optind++;
        if (optind < argc && !options->join_lab)
            options->join_lab = argv[optind++];
    } else if (optind < argc && !strcmp(argv[optind], "tools")) {
        if (optind + 1 >= argc)
            return wrong("tools wants the folder in which bin/ is to be made: kafkarium tools kafka_2.13-2.7.0");
        options->mode = RUN_TOOLS;
        options->tools_dir = argv[optind + 1];
        optind += 2;
    } else if (optind < argc) {
        options->lab.dir = argv[optind++];
    }
    if (optind < argc)
        return wrong("one LAB is enough; what is '%s'?", argv[optind]);
    if (options->lab.course) {
        if (options->lab.release_given && options->lab.release != RELEASE_27)
            return wrong("--course plays Kafka 2.7; leave out --kafka %s, or --course", release_name(options->lab.release));
        options->lab.release = RELEASE_27;
        options->lab.release_given = true;
        if (!options->lab.log_dir && options->lab.brokers == 1 && !config_map_get(&options->settings, "@log-dirs"))
            options->lab.log_dir = "/tmp/kafka-logs";
    }
    if (options->mode == RUN_SHELL && (options->commands || options->file || !isatty(0)))
        options->mode = RUN_SCRIPT;
    /* A script listens only where it was told to. */
    options->lab.listen = !options->no_listen && (options->mode != RUN_SCRIPT || options->port_given);
    if (options->mode == RUN_SCRIPT)
        options->lab.new_start_us = 1767225600000000; /* 2026-01-01T00:00:00Z */
    return check_inspect(options);
}

void run_options_done(struct run_options *options)
{
    config_map_done(&options->settings);
    for (size_t i = 0; i < options->inspect.dir_count; i++)
        mem_free((char *)options->inspect.dirs[i]);
    for (size_t i = 0; i < options->inspect.topic_setting_count; i++) {
        mem_free((char *)options->inspect.topic_settings[i].topic);
        mem_free((char *)options->inspect.topic_settings[i].name);
        mem_free((char *)options->inspect.topic_settings[i].value);
    }
    mem_free((void *)options->inspect.dirs);
    mem_free((void *)options->inspect.topic_settings);
    text_done(&options->properties);
}
