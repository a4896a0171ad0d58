"""Sessions of Kafka's own tools, captured from Apache Kafka 2.7.0 and 4.3.0 (tests/golden/sessions), played again in process: every command has to print
what it printed there. What belongs to APIs and tools that are not there yet is named in LATER."""
import os
import re

import pytest
from conftest import ROOT, run

SESSIONS = os.path.join(ROOT, 'tests', 'golden', 'sessions')
B = '--bootstrap-server localhost:9092'
DAY = '2026-01-01'                                           # when students got its records: two days before the tools run
KEYS = 'fgnr' + 'achl' + 'bdei'                               # four for each partition of orders
KEYS_OF_2 = 'abcedfghno'                                        # four for the first of two partitions, six for the other
# What the capture had set up, by theme and the remark after which it did.
SETUP = {
    'topics': {'an internal topic, once a group has committed':
               'kafka-consumer-groups.sh --reset-offsets --group g --topic students --to-latest --execute %s > /dev/null\n' % B},
    'consumer-groups': {
        '': 'kafka-topics.sh --create --topic students %s > /dev/null\nkafka-topics.sh --create --topic orders --partitions 3 %s > /dev/null\n' % (B, B) +
            "kafka-console-producer.sh --topic students %s <<< 's' > /dev/null\nadvance 1h > /dev/null\n" % B * 10 +
            ''.join("kafka-console-producer.sh --topic orders --property parse.key=true --property key.separator=: %s <<< '%s:o' > /dev/null\n" % (B, key) for key in KEYS) +
            'advance 38h > /dev/null\n',
        'group readers has read 4 of 10 records and has gone':
            'kafka-console-consumer.sh --topic students --group readers --from-beginning --max-messages 4 %s > /dev/null 2> /dev/null\n' % B,
        'a group whose offsets reach past the end of the log, after the log was shortened':
            'kafka-console-consumer.sh --topic students --group late --from-beginning --max-messages 3 %s > /dev/null 2> /dev/null\n' % B +
            'kafka-delete-records.sh --offset-json-file cut.json %s > /dev/null\n' % B},
    'delete-records': {'':
        'kafka-topics.sh --create --topic students %s > /dev/null\nkafka-topics.sh --create --topic orders --partitions 2 %s > /dev/null\n' % (B, B) +
        'kafka-topics.sh --create --topic compacted --config cleanup.policy=compact %s > /dev/null\n' % B +
        ''.join("kafka-console-producer.sh --topic students %s <<< 's%d' > /dev/null\n" % (B, i) for i in range(10)) +
        ''.join("kafka-console-producer.sh --topic orders --property parse.key=true --property key.separator=: %s <<< '%s:o' > /dev/null\n" % (B, key) for key in KEYS_OF_2)},
    'log-dirs': {'':
        'kafka-topics.sh --create --topic students %s > /dev/null\nkafka-topics.sh --create --topic orders --partitions 2 %s > /dev/null\n' % (B, B) +
        'kafka-console-producer.sh --topic students %s < lines > /dev/null\n' % B},
    'configs': {'': 'kafka-topics.sh --create --topic students %s > /dev/null\nkafka-topics.sh --create --topic orders %s > /dev/null\n' % (B, B)},
}
# Brokers and settings of the sessions that had three.
THREE = {'reassign-partitions': ['--brokers', '3', '--set', 'auto.leader.rebalance.enable=false', '--set', 'replica.lag.time.max.ms=3000']}
PRODUCE = "kafka-console-producer.sh --topic %s --bootstrap-server localhost:9092 < %s > /dev/null\n"
SETUP['reassign-partitions'] = {
    'file topics.json:': PRODUCE % ('students', 'lines'),
    'a move that cannot end: broker 2 is down': 'broker stop 2 > /dev/null\nadvance 6s > /dev/null\n',
    'a move that cannot end: broker 3 is down': 'broker stop 3 > /dev/null\nadvance 6s > /dev/null\n',
    'a move that is called off: all brokers up, but throttled to almost nothing': PRODUCE % ('lone', 'much'),
}
SETUP['leader-election'] = {'': 'kafka-topics.sh --create --topic students %s > /dev/null\nkafka-topics.sh --create --topic orders --partitions 2 %s > /dev/null\n' % (B, B)}
# What happened between two commands without a word in the session: before the command, at its nth time; %(z)d is the third broker.
BETWEEN = {('reassign-partitions', 'away.json --verify', 2): 'broker start %(z)d > /dev/null\nadvance 6s > /dev/null\n',
           ('reassign-partitions', 'plan.json --verify', 2): 'advance 5s > /dev/null\n',
           ('reassign-partitions', '--list', 1): 'advance 5s > /dev/null\n'}
# From here on the groups' session needs groups of the new protocol.
AFTER_THE_NEW_PROTOCOL = 'a group of the new protocol'
LATER = re.compile('|'.join([
    r'kafka-acls',                                            # a tool of a later issue
    r'^kafka-dump-log.sh .*/students-0/0+\.log$',                 # one batch there, ten here
    r'--entity-type (users|clients|ips)',                     # quotas, SCRAM credentials
    r'--user nobody',
    r'brokers --entity-name \d --describe --all',             # ports and folders of the lab
    r'--bootstrap-server no\.such\.host',                     # asks a name server
    r'--entity-name 7 --describe',                            # waits half a minute of virtual time
    r'--zookeeper localhost:1$', r'--zookeeper localhost:2181 --list$',
    r'nope\.properties',
    r'^kafka-console-consumer.sh --topic orders',                 # ran in the background: what it printed is not kept
    r'--broker-list \d,\d --generate',                          # drawn by lot
]))


def commands(version, theme):
    """[(remarks, command, output, errors, status)]"""
    found, remarks, inside = [], [], False
    for line in open(os.path.join(SESSIONS, version, theme + '.txt')).read().split('\n'):
        if line.startswith('$ '):
            found.append([remarks, line[2:], [], [], 0])
            remarks, inside = [], True
        elif not inside and line.startswith('# '):
            remarks.append(line[2:])
        elif line.startswith('[exit '):
            found[-1][4], inside = int(line[6:-1]), False
        elif line == '!' or line.startswith('! '):
            found[-1][3].append(line[2:])
        elif inside:
            found[-1][2].append(line)
    return found


def written(session):
    """{name: content} of the files that the remarks show, and of one for set-ups."""
    files, name = {'lines': ('x' * 100 + '\n') * 3, 'much': ('x' * 90000 + '\n') * 40}, None
    for remark in (remark for remarks, *_ in session for remark in remarks):
        if remark.startswith('file '):
            name = remark[5:-1]
        elif name and remark.startswith('  '):
            files[name] = files.get(name, '') + remark[2:] + '\n'
        else:
            name = None
    return files


def background(remarks, jobs):
    """What the remarks say of tools in the background, as lines of the shell's."""
    script = ''
    for remark in remarks:
        if remark.startswith('in the background from here on: '):
            jobs.append(len(jobs) + 1)
            script += remark.split(': ', 1)[1] + ' > /dev/null 2> /dev/null &\nadvance 12s > /dev/null\n'
        elif remark.startswith('Ctrl-C for the tool'):
            script += 'kill %%%d > /dev/null\nadvance 12s > /dev/null\n' % jobs.pop()
    return script


def plain(text, version):
    """Without what differs from one run to the next, and without our table of options."""
    text = re.sub(r'\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]', '[<TIME>]', text)
    text = re.sub(r'TopicId: [\w-]{22}', 'TopicId: <ID>', text)
    text = re.sub(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '<ID>', text).replace(DAY, '<DAY>')
    text = re.sub(r'(deadlineMs=|nextAllowedTryMs=|timed out at )\d+', r'\1<TIME>', text)
    text = re.sub(r'(tries=|after )\d+(, next| attempt)', r'\1<N>\2', text)
    text = re.sub(r'"logDir":"[^"]*"', '"logDir":"/tmp/kafka-logs"', text)
    text = re.sub(r'"[^"]*/broker-(\d)"', lambda m: '"/tmp/kafka-logs"' if m.group(1) == '1' else '"/tmp/kafka-logs-%s"' % m.group(1), text)
    text = re.sub(r'Option +Description *\n(.*\n)*', '<USAGE>\n', text)
    return text.split('\n')[:-1]


@pytest.mark.parametrize('version,theme', [(v, t) for v in ('2.7', '4.3') for t in ('topics', 'configs', 'consumer-groups', 'delete-records', 'log-dirs', 'errors', 'leader-election',
                                                                                      'reassign-partitions')] + [('2.7', 'topics-zookeeper')])
def test_a_session_prints_what_it_printed(version, theme, folder):
    session = commands(version, theme)
    for name, text in written(session).items():
        with open(os.path.join(folder, name), 'w') as f:
            f.write(text)
    setup = SETUP.get(theme, {})
    script, jobs, late, seen = setup.get('', ''), [], False, {}
    for remarks, command, out, err, status in session:
        for key in [k for k in BETWEEN if k[0] == theme and command.endswith(k[1])]:
            seen[key[:2]] = seen.get(key[:2], 0) + 1
            if seen[key[:2]] == key[2]:
                script += BETWEEN[key] % {'z': 2 if version == '2.7' else 3}
        script += ''.join(setup.get(r, '') for r in remarks)
        late = (late or AFTER_THE_NEW_PROTOCOL in remarks) and 'wrong command lines' not in remarks
        if not late and not command.startswith('kafka-console-consumer.sh --topic orders'):
            script += background(remarks, jobs) + command.replace('<DAY>', DAY)
        elif not late:
            script += background(remarks, jobs)
        script += "\necho '@@@' $?\necho '@@@' >&2\n"
    path = os.path.join(folder, 'script')
    with open(path, 'w') as f:
        f.write(script)
    _, out, err = run('--kafka', version, '--no-listen', *THREE.get(theme, []), '-f', path, timeout=120, cwd=folder)
    outs, errs = re.split(r'@@@ (\d+)\n', out), err.split('@@@\n')
    assert len(outs) == 2 * len(session) + 1, err[-2000:]
    wrong, counted, late = [], 0, False
    for i, (remarks, command, want_out, want_err, status) in enumerate(session):
        late = (late or AFTER_THE_NEW_PROTOCOL in remarks) and 'wrong command lines' not in remarks
        if late or LATER.search(command) or '<ID>' in command:
            continue
        counted += 1
        got = (plain(outs[2 * i], version), plain(errs[i], version), int(outs[2 * i + 1]))
        want = (want_out, want_err, status)
        if theme == 'reassign-partitions':  # 2.7: the ISR, in the order in which they caught up
            got, want = [([re.sub(r'Isr: ([\d,]+)', lambda m: 'Isr: ' + ','.join(sorted(m.group(1).split(','))), line) for line in lines], *rest)
                         for lines, *rest in (got, want)]
        if '--members' in command:  # in the order of a map of random ids
            got, want = (sorted(got[0]), got[1:]), (sorted(want[0]), want[1:])
        if got != want:
            wrong.append('$ %s\nwant %r\ngot  %r' % (command, want, got))
    assert not wrong, '%d of %d commands differ:\n%s' % (len(wrong), counted, '\n'.join(wrong))
