"""The time machine: rewinding a lab, walking on in its past, and what is refused there."""
import os
import re
import subprocess

from conftest import PROGRAM

BOOTSTRAP = '--bootstrap-server localhost:9092'
SCENE = ['kafka-topics.sh --create --topic students --config retention.ms=30000 ' + BOOTSTRAP,
         'echo first | kafka-console-producer.sh --topic students ' + BOOTSTRAP,
         'advance 10s',
         'echo second | kafka-console-producer.sh --topic students ' + BOOTSTRAP,
         'advance 5m']


def run(commands, *options, check=True):
    result = subprocess.run([PROGRAM, '--kafka', '2.7', '--no-listen', '--set', 'log.retention.check.interval.ms=10000', *options, '-c', '\n'.join(commands)], capture_output=True, text=True, timeout=60)
    if check:
        assert result.returncode == 0, result.stdout + result.stderr
    return result


def sql(what):
    return 'SELECT %s' % what


def test_a_script_looks_back_and_comes_again():
    out = run(SCENE + ['echo NOW; SELECT offset, value FROM records', 'rewind 5m', 'echo THEN; SELECT offset, value FROM records',
                       'rewind end', 'echo AGAIN; SELECT offset, value FROM records; time']).stdout
    now, then, again = re.split('NOW|THEN|AGAIN', out)[1:]
    assert 'second' not in now and 'first' not in now
    assert 'PAST 00:00:10' in now
    assert 'first' in then and 'second' in then
    assert 'first' not in again and 'running' in again


def test_what_would_change_the_past_is_refused_with_the_way_out():
    for command in ['kafka-topics.sh --delete --topic students ' + BOOTSTRAP, 'kafka-topics.sh --create --topic b ' + BOOTSTRAP, 'pause', 'speed 10',
                    'echo x | kafka-console-producer.sh --topic students ' + BOOTSTRAP, 'demo retention',
                    'kafka-configs.sh --alter --entity-type topics --entity-name students --add-config retention.ms=1 ' + BOOTSTRAP]:
        result = run(SCENE + ['rewind 5m', command], check=False)
        assert result.returncode == 1
        assert 'this is the past (PAST 00:00:1' in result.stderr and 'rewind end' in result.stderr and 'branch' in result.stderr, command


def test_kafkas_tools_read_in_the_past():
    out = run(SCENE + ['kafka-topics.sh --delete --topic students ' + BOOTSTRAP, 'rewind 5m',
                       'kafka-topics.sh --describe --topic students ' + BOOTSTRAP, 'kafka-get-offsets.sh --topic students --broker-list localhost:9092',
                       'kafka-configs.sh --describe --entity-type topics --entity-name students ' + BOOTSTRAP,
                       'kafka-console-consumer.sh --topic students --from-beginning --max-messages 2 ' + BOOTSTRAP]).stdout
    assert 'Topic: students\tPartitionCount: 1' in out
    assert 'students:0:2' in out
    assert 'retention.ms=30000' in out
    assert out.endswith('first\nsecond\n')


def test_one_walks_on_in_the_past_up_to_the_present():
    out = run(SCENE + ['rewind start', 'until delete students-0', 'echo HERE; time', 'advance 1h', 'time']).stdout
    walked, ended = out.split('HERE')
    assert 'DELETE students-0/0' in walked
    assert 'PAST, 4 min 2' in ended
    assert 'This is the present' in ended


def test_to_an_event_and_to_the_last_of_a_kind():
    out = run(SCENE + ['rewind delete students-0', 'events 1', 'rewind append', 'SELECT count(*) FROM records', 'rewind 3']).stdout
    assert re.search(r'PAST 00:0\d:\d\d\.0, .* ago', out)
    assert out.count('DELETE students-0/0') >= 2
    assert 'count(*)\n       2' in out or re.search(r'count\(\*\)\s+2\n', out)


def test_the_live_lab_does_not_notice():
    tail = ['SELECT number, at_ms, event, text FROM events']
    seen = run(SCENE + ['rewind 1m > /dev/null', 'kafka-console-consumer.sh --topic students --from-beginning --timeout-ms 100 %s > /dev/null' % BOOTSTRAP,
                        'step > /dev/null', 'rewind end > /dev/null', 'advance 1h'] + tail).stdout
    alone = run(SCENE + ['advance 1h'] + tail).stdout
    assert seen == alone


def test_a_lab_opened_again_goes_back_to_that_moment_and_not_further(folder):
    lab = os.path.join(folder, 'lab')
    run(SCENE, lab)
    out = run(['echo third | kafka-console-producer.sh --topic students ' + BOOTSTRAP, 'advance 2m', 'rewind 2m', 'SELECT value FROM records', 'rewind start',
               'SELECT topic, partition, size_bytes FROM segments'], lab).stdout
    assert 'third' in out
    assert 'students' in out.split('PAST')[-1]
    assert sorted(name for name in os.listdir(os.path.join(lab, 'inputs'))) == ['base-2', 'recording', 'recording-2']


def test_what_is_no_moment_is_said():
    result = run(SCENE + ['rewind 10000', 'rewind foo', 'rewind 2025-01-01T00:00:00Z', 'rewind 1s 2s', 'rewind -5'], check=False)
    assert result.returncode == 1
    assert 'there is no event 10000; the past has 1 to' in result.stderr
    assert "what is 'foo'" in result.stderr
    assert 'the past begins at 2026-01-01 00:00:00.0' in result.stderr
