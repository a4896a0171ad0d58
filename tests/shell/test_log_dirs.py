"""Kafka's tools on brokers with two log dirs, against what they printed on Apache Kafka 2.7.0 and 4.3.0 (tests/golden/log-dirs): the same commands, with a lab's folders for
/tmp/N/a and /tmp/N/b. Sizes depend on how a producer made its batches, and which of four partitions came first on a hash: these are not compared."""
import json
import os
import re

import pytest
from conftest import ROOT, run

GOLDEN = os.path.join(ROOT, 'tests', 'golden', 'log-dirs')
B = '--bootstrap-server localhost:9092'
FILL = 'kafka-console-producer.sh --topic %s ' + B + ' < %s > /dev/null\n'
# What the capture did without a word: before the command that ends so, at its nth time.
BETWEEN = {
    'move': {('--describe ' + B, 2): FILL % ('students', 'three') + 'advance 6s > /dev/null\n',
             ('move.json --verify', 2): 'advance 3s > /dev/null\n',
             ('--topic-list big', 1): FILL % ('big', 'much'),
             ('big.json --verify', 1): 'advance 2s > /dev/null\n',
             ('--topic-list big', 3): FILL % ('big', 'three'),
             ('--topic-list big', 4): 'advance 2s > /dev/null\n',
             ('big.json --verify', 3): 'advance 5s > /dev/null\n',
             ('--topic-list big', 6): 'advance 2s > /dev/null\n'},
    'failure': {('--describe ' + B, 1): FILL % ('orders', 'three') + FILL % ('lone', 'three') +
                'kafka-reassign-partitions.sh --reassignment-json-file layout.json --execute ' + B + ' > /dev/null\nadvance 6s > /dev/null\n',
                ('kafka-topics.sh --describe ' + B, 2): 'disk fail %(y)d dir2 operation 1 always > /dev/null\n' + FILL % ('orders', 'three') + FILL % ('lone', 'three') +
                'advance 8s > /dev/null\n',
                ('kafka-topics.sh --describe ' + B, 3): 'broker stop %(y)d > /dev/null\nadvance 5s > /dev/null\ndisk heal %(y)d > /dev/null\nbroker start %(y)d > /dev/null\n'
                'advance 15s > /dev/null\n'},
    'placed': {('away.json --execute', 1): FILL % ('orders', 'three'), ('away.json --verify', 1): 'advance 4s > /dev/null\n'},
}
# Before and after the record is in metadata 4.3.0 knows of one ISR or two.
AS_THEY_COME = re.compile(r'--partitions 3 .*--replica-assignment')


def layout(first):
    """Where the capture's second broker had its replicas: on a hash, so ours are moved there."""
    y, b = first + 1, {('lone', 0)} | {('orders', p) for p in ((0, 2) if not first else (1, 3))}
    return json.dumps({'version': 1, 'partitions': [
        {'topic': t, 'partition': p, 'replicas': [y, first] if t == 'orders' else [y],
         'log_dirs': ['/tmp/%d/%s' % (y, 'b' if (t, p) in b else 'a')] + ['any'] * (t == 'orders')} for t, n in (('lone', 2), ('orders', 4)) for p in range(n)]})


def commands(version, scene):
    found, files, name = [], {}, None
    for line in open(os.path.join(GOLDEN, version, scene + '.txt')).read().split('\n'):
        if line.startswith('$ '):
            found.append((line[2:], [], []))
        elif line.startswith('# file '):
            name = line[7:-1]
        elif line.startswith('#   ') and name:
            files[name] = files.get(name, '') + line[4:] + '\n'
        elif line.startswith('#'):
            name = None
        elif line.startswith('[exit '):
            found[-1] = found[-1][:3] + (int(line[6:-1]),)
        elif line.startswith('! '):
            found[-1][2].append(line[2:])
        elif found and len(found[-1]) == 3:
            found[-1][1].append(line)
    return [c for c in found if c[0].startswith('kafka-') and not AS_THEY_COME.search(c[0])], files


def plain(lines):
    """What the tools' JSON says of students, big, lone and the error of each dir; the rest as it is, but for what belongs to one run."""
    out = []
    for line in lines:
        if line.startswith('{') and 'logDirs' in line:
            dirs = [(b['broker'], d['logDir'], d['error'], sorted((p['partition'], p['isFuture'], p['offsetLag'] > 0) for p in d['partitions'] if not p['partition'].startswith('orders')))
                    for b in json.loads(line)['brokers'] for d in b['logDirs']]
            line = json.dumps(sorted(dirs))
        line = re.sub(r'TopicId: [\w-]{22}', 'TopicId: <ID>', line)
        line = re.sub(r'Configs: .*', 'Configs:', line)
        line = re.sub(r'Isr: ([\d,]+)', lambda m: 'Isr: ' + ','.join(sorted(m.group(1).split(','))), line)
        moves = re.match(r'(Successfully started log directory move)s? for: (.*)', line)
        if moves and out and out[-1].startswith(moves.group(1)): # those that had to be asked twice have a line of their own
            out[-1] += ',' + moves.group(2)
            continue
        out.append(re.sub(r'^(Successfully started log directory move)s for', r'\1 for', line))
    return out


@pytest.mark.parametrize('version', ['2.7.0', '4.3.0'])
@pytest.mark.parametrize('scene,brokers', [('move', 1), ('failure', 2), ('placed', 2)])
def test_tools_print_what_they_printed(scene, brokers, version, folder):
    lab, first = os.path.join(folder, 'lab'), 0 if version.startswith('2') else 1
    session, files = commands(version, scene)

    def real(text):
        return re.sub(r'/tmp/(\d)/([ab])', lambda m: '%s/broker-%s%s' % (lab, m.group(1), '.dir2' if m.group(2) == 'b' else ''), text)

    def back(text):
        return re.sub(re.escape(lab) + r'/broker-(\d)(\.dir2)?', lambda m: '/tmp/%s/%s' % (m.group(1), 'b' if m.group(2) else 'a'), text)

    for name, text in dict(files, three=('x' * 999 + '\n') * 3, much=('x' * 999 + '\n') * 3000, **{'layout.json': layout(first)}).items():
        with open(os.path.join(folder, name), 'w') as f:
            f.write(real(text))
    script, seen = '', {}
    for command, *_ in session:
        for end, nth in BETWEEN[scene]:
            if command.endswith(end):
                seen[end, nth] = seen.get((end, nth), 0) + 1
                if seen[end, nth] == nth:
                    script += BETWEEN[scene][end, nth] % {'y': first + 1} if '%(' in BETWEEN[scene][end, nth] else BETWEEN[scene][end, nth]
        script += command + "\necho '@@@' $?\necho '@@@' >&2\n"
    path = os.path.join(folder, 'script')
    with open(path, 'w') as f:
        f.write(script)
    _, out, err = run('--kafka', version[:3], '--no-listen', '--brokers', str(brokers), '--log-dirs', '2', '--set', 'auto.leader.rebalance.enable=false', '-f', path, lab,
                      timeout=120, cwd=folder)
    outs, errs = re.split(r'@@@ (\d+)\n', out), err.split('@@@\n')
    assert len(outs) == 2 * len(session) + 1, err[-2000:]
    wrong = []
    for i, (command, want_out, want_err, status) in enumerate(session):
        got = (plain(back(outs[2 * i]).split('\n')[:-1]), back(errs[i]).split('\n')[:-1], int(outs[2 * i + 1]))
        want = (plain(want_out), want_err, status)
        if got[0] != want[0] or got[2] != want[2]:
            wrong.append('$ %s\nwant %r\ngot  %r' % (command, want, got))
    assert not wrong, '%d of %d commands differ:\n%s' % (len(wrong), len(session), '\n'.join(wrong))
