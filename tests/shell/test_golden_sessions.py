"""Sessions of Kafka's own tools, captured from Apache Kafka 2.7.0 and 4.3.0 (tests/golden/sessions), played again in process: every command has to print
what it printed there. What belongs to APIs and tools that are not there yet is named in LATER."""
import os
import re

import pytest
from conftest import ROOT, run

SESSIONS = os.path.join(ROOT, 'tests', 'golden', 'sessions')
B = '--bootstrap-server localhost:9092'
# What the capture had set up, by theme and the remark after which it did.
SETUP = {
    'topics': {'an internal topic, once a group has committed':
               'kafka-consumer-groups.sh --reset-offsets --group g --topic students --to-latest --execute %s > /dev/null\n' % B},
    'configs': {'': 'kafka-topics.sh --create --topic students %s > /dev/null\nkafka-topics.sh --create --topic orders %s > /dev/null\n' % (B, B)},
}
LATER = re.compile('|'.join([
    r'kafka-(log-dirs|delete-records|dump-log|acls)',        # tools of later issues
    r'--entity-type (users|clients|ips|broker-loggers)',      # quotas, SCRAM credentials, loggers
    r'--user nobody',
    r'--entity-type client-metrics --describe',
    r'brokers --entity-name \d --describe --all',             # ports and folders of the lab
    r'--bootstrap-server no\.such\.host',                     # asks a name server
    r'--entity-name 7 --describe',                            # waits half a minute of virtual time
    r'--zookeeper localhost:1$', r'--zookeeper localhost:2181 --list$',
    r'nope\.properties',
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


def plain(text, version):
    """Without what differs from one run to the next, and without our table of options."""
    text = re.sub(r'\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]', '[<TIME>]', text)
    text = re.sub(r'TopicId: [\w-]{22}', 'TopicId: <ID>', text)
    text = re.sub(r'Option +Description *\n(.*\n)*', '<USAGE>\n', text)
    return text.split('\n')[:-1]


@pytest.mark.parametrize('version,theme', [(v, t) for v in ('2.7', '4.3') for t in ('topics', 'configs', 'errors')] + [('2.7', 'topics-zookeeper')])
def test_a_session_prints_what_it_printed(version, theme, folder):
    session = commands(version, theme)
    with open(os.path.join(folder, 'students.properties'), 'w') as f:
        f.write('retention.ms=40000\nsegment.ms=60000\n')
    setup = SETUP.get(theme, {})
    script = setup.get('', '')
    for remarks, command, out, err, status in session:
        script += ''.join(setup.get(r, '') for r in remarks) + command.replace('students.properties', os.path.join(folder, 'students.properties'))
        script += "\necho '@@@' $?\necho '@@@' >&2\n"
    path = os.path.join(folder, 'script')
    with open(path, 'w') as f:
        f.write(script)
    _, out, err = run('--kafka', version, '--no-listen', '-f', path, timeout=120)
    outs, errs = re.split(r'@@@ (\d+)\n', out), err.split('@@@\n')
    assert len(outs) == 2 * len(session) + 1, err[-2000:]
    wrong, counted = [], 0
    for i, (remarks, command, want_out, want_err, status) in enumerate(session):
        if LATER.search(command) or '<ID>' in command:
            continue
        counted += 1
        got = (plain(outs[2 * i], version), plain(errs[i].replace(folder + '/', ''), version), int(outs[2 * i + 1]))
        want = (want_out, want_err, status)
        if got != want:
            wrong.append('$ %s\nwant %r\ngot  %r' % (command, want, got))
    assert not wrong, '%d of %d commands differ:\n%s' % (len(wrong), counted, '\n'.join(wrong))
