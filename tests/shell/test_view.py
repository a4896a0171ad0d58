"""The view as text, in terminals of two sizes: what stands there, what keys do, what a line typed in it prints."""
import os
import re
import signal
import socket
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from terminal import Terminal  # noqa: E402
from conftest import PROGRAM, children, run  # noqa: E402

BOOTSTRAP = '--bootstrap-server localhost:9092'
SECOND = 'echo i | kafka-console-producer --topic students %s > /dev/null; advance 1s > /dev/null\n' % BOOTSTRAP
SCENE = ('pause\nkafka-topics --create --topic students --config retention.ms=30000 --config segment.bytes=2000 '
         '--config file.delete.delay.ms=60000 %s\n' % BOOTSTRAP + SECOND * 20 +
         'kafka-consumer-groups --group my-group --topic students --reset-offsets --to-offset 18 --execute %s > /dev/null\n' % BOOTSTRAP + SECOND * 75)


def opened(folder, *options, rows=24, columns=80, scene=SCENE, view='view', **env):
    """A shell with a check every 10 s whose cluster began at 10:00:00 and whose clock the scene moves; then the view in it."""
    path = os.path.join(folder, 'scene')
    with open(path, 'w') as file:
        file.write(scene)
    terminal = Terminal(folder, '--no-listen', '--kafka', '2.7', '--start', '2026-01-01T10:00:00Z', '--speed', 'paused', '--set', 'log.retention.check.interval.ms=10000',
                        *options, rows=rows, columns=columns, **env)
    terminal.wait('kafkarium>')
    terminal.line('source ' + path)
    terminal.line('echo scene is set')
    terminal.wait('\nscene is set', 60)
    terminal.line(view)
    terminal.wait('KAFKARIUM')
    return terminal


@pytest.fixture
def small(folder):
    terminal = opened(folder)
    terminal.settle()
    yield terminal
    terminal.close()


def fits(terminal):
    """Nothing cut: whatever stands in the last column is a line or the title bar."""
    for line in terminal.lines()[1:]:
        assert len(line) < terminal.screen.columns or line[-1] in '─-│|', line


def at_prompt(text):
    """Outside the view; pyte knows no alternate screen, so what stood there may still stand."""
    return any(line.startswith('kafkarium>') for line in text.split('\n'))


def test_the_retention_scene_at_80x24(small):
    text, lines = small.text(), small.lines()
    assert re.match(r' KAFKARIUM  10:01:3\d\.\d PAUSED  1 broker  not listening', lines[0])
    assert re.match(r' students-0      retention\.ms=30000 segment\.bytes=2000 +NEXT CHECK in \d\.\d s', lines[1])
    assert lines[3].split() == ['0', '28', '56', '84', '95'] or lines[3].split() == ['0', '28', '56', '84']
    assert re.match(r' │░+ .deleted ░+│░+ .deleted ░+│█+ closed █+│▶+ ACTIVE +│$', lines[4])
    assert '^log start' in lines[5] and lines[5].index('^log start') == lines[4].index('█') - 1
    assert lines[7].startswith('  BASE STATE    OFFSETS RECS BYTES  NEWEST WHAT HAPPENS NEXT')
    assert re.search(r'^     0 \.deleted   0\.\.27   28  1932  \d\d\.\d s unlinked in \d+\.\d s \(delete delay 60\)$', text, re.M)
    assert re.search(r'^>   56 closed    56\.\.83   28  1932  1\d\.\d s expires in 1\d\.\d s; goes at 10:0\d:\d\d$', text, re.M)
    assert re.search(r'^    84 ACTIVE    84\.\.94   11   759   \d\.\d s 17 more fit, then it rolls$', text, re.M)
    assert re.search(r'if silent: goes at check 10:0\d:\d\d$', text, re.M)
    assert re.search(r'GROUP +COMMITTED +END +LAG = DELETED \+ READABLE +MEMBERS\n my-group +18 +95 +77 = +38 \+ +39 +none', text)
    assert re.search(r'10:01:\d\d\.\d ROLL   students-0 at 84: 1932 \+ 69 > 2000 \(segment\.bytes\)', text)
    assert re.search(r'10:01:\d\d\.\d DELETE students-0/28: newest \d+\.\d s > 30\.0 s; log start 28 -> 56', text)
    assert re.search(r'10:01:\d\d\.\d KEEP   students-0/56: newest \d+\.\d s, not over 30\.0 s; stops looking', text)
    assert lines[22] == ' kafkarium>'
    assert lines[23] == ' SPACE run  n next  c check  f +30s  w why  1-6 panes  : type  ? help  q quit'
    fits(small)


def test_the_retention_scene_at_200x50(folder):
    terminal = opened(folder, rows=50, columns=200)
    terminal.settle()
    text = terminal.text()
    assert 'WHAT HAPPENED' in text
    assert re.search(r'my-group .*none +│', text)
    assert '^log start 56' in text and 'log end = high watermark^' in text
    assert re.search(r'│ 10:0\d:\d\d\.\d GROUP  my-group is new', text)
    fits(terminal)
    terminal.close()


def test_wide_values_shift_no_column(folder):
    lab = ('kafka-topics --create --topic big --config segment.bytes=3000000 --bootstrap-server localhost:9092; seq -f "%%080g" 1 70000 | '
           'kafka-console-producer --topic big --bootstrap-server localhost:9092; advance 3d; echo x | kafka-console-producer --topic big --bootstrap-server localhost:9092; '
           'set lang %s; view big-0')
    for language in ('en', 'ru'):
        lines = run('--no-listen', '-c', lab % language)[1].splitlines()
        head = [n for n, line in enumerate(lines) if line.startswith(' ') and 'STATE' in line and 'NEWEST' in line][0]
        rows = [line for line in lines[head + 1:head + 5] if ' closed ' in line or ' ACTIVE ' in line]
        assert len(rows) == 3 and max(map(len, lines[head - 7:])) <= 80
        ends = {name: lines[head].index(name) + len(name) for name in ('BASE', 'OFFSETS', 'RECS', 'BYTES', 'NEWEST')}
        for row in rows:
            for name, end in ends.items():
                assert row[end - 1] != ' ' and row[end] == ' ', (name, lines[head], row)


def test_keys(small):
    small.send('n')
    small.wait('── next ─ Esc closes')
    assert re.search(r'10:0\d:\d\d\.\d (UNLINK|DELETE|ROLL) ', small.settle())
    small.send('\x1b')
    small.wait(lambda text: 'Esc closes' not in text)
    small.send('c')
    assert 'next check 10:0' in small.wait('── next check ─').replace('\n', ' ') or small.wait('next check 10:0')
    small.send('f')
    small.wait('── advance 30s ─')
    small.wait('(log.retention.check.interval.ms=10000)')
    small.send('w')
    small.wait('── why students-0 ─')
    small.wait('students-0: no records, the next gets offset 95')
    fits(small)
    small.send(' ')
    small.wait(' running ')
    small.send(' ')
    small.wait(' PAUSED ')
    small.send('+ ')
    small.wait('speed 2')
    small.send(' -')
    small.wait(' PAUSED ')
    small.send('b')
    small.wait('HIGH WATERMARK')
    fits(small)
    small.send('r')
    small.wait('WHAT HAPPENS NEXT')
    small.send('?')
    small.wait('scroll what was printed')
    fits(small)
    small.send('q')
    small.wait(at_prompt)
    small.line('echo the shell is back')
    small.wait('the shell is back\n')


def test_a_cyrillic_layout_left_on(small):
    for key, title in (('т', 'next'), ('с', 'next check'), ('а', 'advance 30s'), ('ц', 'why students-0')):
        small.send('\x1b')
        small.wait(lambda text: 'Esc closes' not in text)
        small.send(key)
        small.wait('── %s ─ Esc closes' % title)
    small.send('й')
    small.wait(at_prompt)


def test_a_line_typed_in_the_view(small):
    small.send(':')
    small.line('kafka-topics --list ' + BOOTSTRAP)
    small.wait('── kafka-topics --list')
    assert '\n students\n' in small.settle()
    small.send('kafka-consumer-gr\t--gro\tmy-\t--desc\t --bootst\tlo\t\r')
    small.wait(lambda text: re.search(r'my-group +students +0 +18 +95 +77', text))
    small.line('wait 1h')
    small.wait('── wait 1h ─')
    small.send('\x03')
    small.line('echo on we go')
    small.wait('\n on we go')
    small.send('\x1b[A')
    small.wait('kafkarium> echo on we go')
    small.send('\x15')
    small.wait(lambda text: '\n kafkarium>\n' in text)
    small.send('\x1b')
    small.settle()
    small.send('b')
    small.wait('HIGH WATERMARK')
    small.send(':')
    small.line('exit 4')
    assert small.ended() == 4


def test_a_consumer_runs_in_the_view(small):
    small.send(':')
    small.line('kafka-console-consumer --topic students --from-beginning ' + BOOTSTRAP)
    small.wait(lambda text: text.count('\n i\n') >= 1 or '\n i' in text)
    small.send('\x03')
    small.wait('Processed a total of 39 messages')


def test_it_follows_the_terminals_size(small):
    small.resize(50, 200)
    small.wait('WHAT HAPPENED')
    small.settle()
    fits(small)
    small.resize(24, 80)
    small.wait(lambda text: 'WHAT HAPPENED' not in text and 'q quit' in text)
    small.settle()
    fits(small)
    small.resize(8, 30)
    small.wait('The view wants')
    small.resize(24, 80)
    small.wait('WHAT HAPPENS NEXT')


def test_without_colours_nothing_is_lost(folder):
    terminal = opened(folder, NO_COLOR='1', TERM='linux')
    text = terminal.settle()
    view = terminal.raw[terminal.raw.index(b'KAFKARIUM'):]
    assert not re.search(rb'\x1b\[[0-9;]*3[0-7]m', view)
    for word in ('.deleted', 'closed', 'ACTIVE', 'PAUSED'):
        assert word in text
    terminal.close()


def test_a_terminal_without_utf8(folder):
    terminal = opened(folder, LC_ALL='C')
    text = terminal.settle()
    assert re.search(r'\|:+ .deleted :+\|:+ .deleted :+\|#+ closed #+\|=+ ACTIVE +\|', text)
    assert all(ord(c) < 128 for c in text)
    terminal.close()


def test_frozen_it_counts_who_waits(folder):
    terminal = Terminal(folder, '--port', '0')
    text = terminal.wait('kafkarium>')
    port = int(re.search(r'on localhost:(\d+)', text).group(1))
    terminal.line('view')
    terminal.wait('q quit')
    with socket.create_connection(('127.0.0.1', port)) as client:
        client.sendall(bytes.fromhex('00000011' '0012' '0000' '00000001' '0007') + b'teacher')
        assert client.recv(4)
        terminal.wait('1 client, 0 waiting')
        terminal.send(':')
        terminal.line('freeze')
        terminal.wait('FROZEN: 0 waiting (oldest 0 of 30 s)')
        client.sendall(bytes.fromhex('00000011' '0012' '0000' '00000002' '0007') + b'teacher')
        terminal.wait('FROZEN: 1 waiting (oldest 1 of 30 s)')
        fits(terminal)
        terminal.line('resume')
        terminal.wait(' running ')
    terminal.close()


def test_a_partition_with_kafkas_defaults(folder):
    terminal = opened(folder, scene='kafka-topics --create --topic a-topic-with-a-rather-long-name %s\n'
                      'echo x | kafka-console-producer --topic a-topic-with-a-rather-long-name %s\n' % (BOOTSTRAP, BOOTSTRAP))
    text = terminal.settle()
    assert 'keeps 7 days, segments of 1 GiB' in text or 'NEXT CHECK' in text
    assert 'rolls at 1 GiB or 7 days later' in text
    assert 'if silent: goes 2026-01-08 10:0' in text
    fits(terminal)
    terminal.close()


KEYED = 'echo %%s | kafka-console-producer --topic keyed --property parse.key=true --property key.separator=: %s > /dev/null; advance 2s > /dev/null\n' % BOOTSTRAP


def test_a_compacted_topic_says_what_the_cleaner_does(folder):
    scene = ('pause\nkafka-topics --create --topic keyed --config cleanup.policy=compact --config segment.ms=1000 %s\n' % BOOTSTRAP +
             ''.join(KEYED % record for record in ('a:1', 'a:2', 'b:1', 'a:3')) + 'advance 10s > /dev/null\n' + KEYED % 'c:1' + KEYED % 'c:2')
    terminal = opened(folder, scene=scene)
    terminal.settle()
    text = terminal.text()
    assert re.search(r'^ keyed-0 +compact: dirty 0\.50, cleaned over 0\.50 +CLEANER in \d+\.\d s$', text, re.M)
    assert re.search(r'^[> ] +0 closed +0\.\.2 +2 +140 +\d+\.\d s clean: the newest of each key$', text, re.M)
    assert re.search(r'^ +3 closed +3\.\.3 +1 +70 +\d+\.\d s dirty; cleaner: 0\.50, not over 0\.50$', text, re.M)
    assert re.search(r'CLEAN +keyed-0: 3 segments 210 B -> 1 of 140 B, records 3 -> 2;', text)
    fits(terminal)
    terminal.close()


def test_an_empty_lab_says_what_to_do(folder):
    terminal = opened(folder, scene='')
    terminal.wait('kafka-topics.sh --create --topic students')
    terminal.wait('demo retention')
    fits(terminal)
    terminal.close()


def test_a_partition_is_chosen(folder):
    terminal = opened(folder, scene='kafka-topics --create --topic a --partitions 3 %s\n' % BOOTSTRAP, view='view a-1')
    terminal.wait('\n a-1 ')
    terminal.send('\x1b[B')
    terminal.wait('\n a-2 ')
    terminal.send('k')
    terminal.wait('\n a-1 ')
    terminal.close()


def test_control_z_and_the_end_by_a_signal(folder):
    terminal = Terminal(folder, program='/bin/bash', PS1='sh: ')
    terminal.line('PS1="sh: "; stty -a > %s/before' % folder)
    terminal.wait('sh: ')
    terminal.line(PROGRAM + ' --no-listen')
    terminal.wait('kafkarium>')
    for name in ('TERM', 'SEGV'):
        terminal.line('view')
        terminal.wait('KAFKARIUM')
        if name == 'TERM':
            terminal.send('\x1a')
            terminal.wait('Stopped')
            terminal.line('fg')
            terminal.wait('q quit')
        pid = children(terminal.pid)[0]
        os.kill(pid, getattr(signal, 'SIG' + name))
        terminal.wait(lambda text: not children(terminal.pid))
        terminal.settle()
        terminal.line('stty -a > %s/after; clear' % folder)
        terminal.settle()
        assert open(folder + '/before').read() == open(folder + '/after').read(), name
        if name == 'TERM':
            terminal.line(PROGRAM + ' --no-listen')
            terminal.wait('kafkarium>')
    terminal.close()


def test_a_second_terminal_looks_into_the_same_lab(folder):
    first = opened(folder)
    first.send('q')
    first.wait(at_prompt)
    second = Terminal(folder, 'view', rows=30, columns=100)
    second.wait('WHAT HAPPENS NEXT')
    fits(second)
    second.send('c')
    second.wait('── next check ─')
    second.send(':')
    second.line('echo from here')
    second.wait('\n from here')
    second.send('\x1b')
    second.send('b')
    second.wait('HIGH WATERMARK')
    second.resize(24, 80)
    second.wait('q quit')
    second.send('q')
    assert second.ended() == 0
    first.line('echo still here')
    first.wait('\nstill here')
    second.close()
    first.close()


REPLICATED = 'pause\nkafka-topics --create --topic students --partitions 2 --replication-factor 3 %s\n' % BOOTSTRAP + SECOND * 5


def test_the_network_pane_shows_links_and_frozen_brokers(folder):
    small = opened(folder, '--brokers', '3', scene=REPLICATED + 'net cut 0 1\nnet delay 0 2 50ms 10ms\nbroker freeze 1\nadvance 20s\n')
    small.send('t')
    small.wait('3 network')
    text = small.settle() or small.text()
    assert re.search(r'^ +1 FROZEN +\d+ +\d+  for 20\.?\d* s', text, re.M)
    assert re.search(r'^ +0 +\. +CUT +50\+10 ms +0 ms', text, re.M)
    assert re.search(r'^ +1 +CUT +\. +hangs +hangs', text, re.M)
    assert '0 -> 1: cut for 20' in text and 'FROZEN broker 1 stands still' in text
    fits(small)
    small.close()


def test_the_metrics_pane_shows_counts_and_their_last_minutes(folder):
    small = opened(folder, '--brokers', '3', scene=REPLICATED)
    small.send('m')
    small.wait('METRIC, of all brokers')
    text = small.settle() or small.text()
    assert re.search(r'^ UnderReplicatedPartitions +0 ', text, re.M) and re.search(r'^ brokers up +3 ', text, re.M)
    assert re.search(r'^ MessagesInPerSec +5 +[\d.]+/s  [▁-█ ]*█', text, re.M)
    fits(small)
    small.close()


def test_the_clients_pane_shows_who_writes_and_who_reads(folder):
    small = opened(folder, '--brokers', '3', scene=REPLICATED + 'producer start p1 --topic students --rate 10/s\nconsumer start c1 --group my-group --topic students\nadvance 20s\n')
    small.send('l')
    small.wait('PRODUCER ')
    text = small.settle() or small.text()
    assert re.search(r'^ p1 +students +running +2\d\d +2\d\d +0 +0 ', text, re.M)
    assert re.search(r'^ c1 +my-group +running +[12]\d\d +\d+ +2 +1 +0 +1$', text, re.M)
    fits(small)
    small.close()


def test_the_replicas_pane_shows_how_far_each_has_come_and_who_leaves_when(folder):
    small = opened(folder, '--brokers', '3', scene=(
        'pause\nkafka-topics --create --topic students --replica-assignment 1:2:0 %s\nproducer start p1 --topic students --rate 10/s --acks 1\n' % BOOTSTRAP +
        'advance 10s\nreplica hold 2\nadvance 10s\n'))
    small.send('i')
    small.wait('2 replicas')
    text = small.settle() or small.text()
    assert 'students-0  leader 1  epoch 0  in sync 1,2,0 of 1,2,0  min.insync.replicas=1' in text
    assert re.search(r'^ +1 LEADER +\|#+=+>2\d\d$', text, re.M) and re.search(r'^ +2 in sync +\|#+\|1\d\d$', text, re.M)
    assert re.search(r'high watermark 1\d\d\^|\^high watermark 1\d\d', text)
    assert re.search(r'^ +2 +100 +10\d +\d+ +0 +1\d\.\d s ago leaves the ISR in 2\d', text, re.M) and 'held' in text
    assert 'HOLD   broker 2 stops fetching' in text and 'LEADER EPOCHS  0 from 0' in text
    fits(small)
    small.close()


def test_next_and_why_are_of_what_the_pane_shows(folder):
    small = opened(folder, '--brokers', '3', scene=REPLICATED + 'consumer start c1 --group my-group --topic students\nadvance 20s\nbroker kill 1\n')
    small.send('i')
    small.wait('2 replicas')
    small.send('w')
    small.wait('why leader students-0; why isr')
    small.wait('in sync (ISR) are')
    small.send('\x1b')
    small.send('n')
    small.wait('next cluster')
    small.wait('the session of broker 1 ended')
    small.send('\x1b')
    small.send('b')
    assert re.search(r'^.students +\d +(0|2) +\d +\d+ .*1:- ', small.settle() or small.text(), re.M)   # what a dead broker has nobody knows
    small.send('l')
    small.wait('CONSUMER ')
    text = small.settle() or small.text()
    assert re.search(r'joined my-group$', text, re.M) and not re.search(r'c1-[0-9a-f]{8}-', text)   # members by the beginning of their ids
    small.send('w')
    small.wait('why rebalance my-group')
    small.send('\x1b')
    fits(small)
    small.close()


def test_a_command_that_runs_on_says_how_far_and_esc_ends_it(folder):
    small = opened(folder, scene='pause\nkafka-topics --create --topic students %s\nproducer start p1 --topic students --rate 2000/s\n' % BOOTSTRAP)
    small.send('n')
    small.wait(' %, Esc ends it')
    small.send('\x1b')
    small.wait('Esc closes')
    small.send('\x1b')
    small.send('?')
    small.wait('to the next change it shows')
    small.close()
