"""The time machine: rewinding a lab, walking on in its past, and what is refused there."""
import os
import re
import subprocess

import pytest

from conftest import PROGRAM

BOOTSTRAP = '--bootstrap-server localhost:9092'
SCENE = ['kafka-topics.sh --create --topic students --config retention.ms=30000 ' + BOOTSTRAP,
         'echo first | kafka-console-producer.sh --topic students ' + BOOTSTRAP,
         'advance 10s',
         'echo second | kafka-console-producer.sh --topic students ' + BOOTSTRAP,
         'advance 5m']


@pytest.fixture
def lab_with_port(folder):
    """A lab that is served, keeps its inputs and has the topic students; its folder and port."""
    lab = os.path.join(folder, 'served')
    process = subprocess.Popen([PROGRAM, '--serve', '--record', '--port', '0', lab], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    port = int(process.stdout.readline().split(':')[-1])
    subprocess.run([PROGRAM, '--to=' + lab, '-c', 'kafka-topics.sh --create --topic students --bootstrap-server localhost:9092'], check=True, timeout=30, capture_output=True)
    yield lab, port
    process.stdin.close()
    process.wait(20)


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
    assert 'The past begins at 2026-01-01 00:00:00.0' in result.stdout


def test_a_branch_lives_on_from_a_moment_of_the_past_and_the_first_lab_goes_on(folder):
    out = run(SCENE + ['rewind 5m', 'branch %s/b' % folder, 'kafka-configs.sh --alter --entity-type topics --entity-name students --add-config retention.ms=-1 ' + BOOTSTRAP,
                       'advance 1h', 'echo BRANCH; SELECT value FROM records', 'rewind 1h', 'echo ITSPAST; SELECT value FROM records', 'rewind start', 'rewind end', 'branch list',
                       'branch leave', 'echo FIRST; SELECT value FROM records; time', 'branch enter 1', 'branch end', 'branch list']).stdout
    branch, past, first = re.split('BRANCH|ITSPAST|FIRST', out)[1:]
    assert 'first' in branch and 'second' in branch and 'first' in past
    assert '* 1' in past and 'parted at 00:00:10' in past
    assert '\nsecond' not in first and '00:05:10' in first
    assert sorted(os.listdir(os.path.join(folder, 'b'))) == ['broker-0', 'controller', 'inputs', 'lab.db', 'lock']
    again = run(['SELECT value FROM records'], os.path.join(folder, 'b')).stdout
    assert 'first' in again and 'second' in again


def test_a_branch_wants_a_folder_of_its_own(folder):
    open(os.path.join(folder, 'something'), 'w').close()
    result = run(SCENE + ['branch ' + folder, 'branch %s/b' % folder, 'branch leave', 'branch %s/b' % folder, 'branch /proc/x', 'branch --port x', 'branch enter 7', 'branch list'],
                 check=False)
    assert 'Branch 1 parts' in result.stdout and 'Branch 2' not in result.stdout
    assert '%s/b is not empty' % folder in result.stderr and '%s is not empty' % folder in result.stderr and '/proc/x' in result.stderr and "not '--port'" in result.stderr and 'no branch 7' in result.stderr


def test_a_real_client_uses_a_branch_while_another_uses_the_first_lab(lab_with_port):
    shell, port = lab_with_port
    from kafka import KafkaConsumer, KafkaProducer
    producer = KafkaProducer(bootstrap_servers='localhost:%d' % port)
    producer.send('students', b'one').get(timeout=20)
    out = subprocess.run([PROGRAM, '--to=' + shell, '-c', 'rewind 0s; branch --port 0'], capture_output=True, text=True, timeout=60)
    assert out.returncode == 0, out.stdout + out.stderr
    other = int(re.search(r'on localhost:(\d+)', out.stdout).group(1))
    assert other != port
    producer.send('students', b'two').get(timeout=20)
    there = KafkaProducer(bootstrap_servers='localhost:%d' % other)
    there.send('students', b'three').get(timeout=20)

    def read(at):
        consumer = KafkaConsumer('students', bootstrap_servers='localhost:%d' % at, auto_offset_reset='earliest', consumer_timeout_ms=20000, group_id=None)
        values = [next(consumer).value for _ in range(2)]
        assert list(consumer.end_offsets(list(consumer.assignment())).values()) == [2]
        consumer.close()
        return values
    assert read(port) == [b'one', b'two']
    assert read(other) == [b'one', b'three']
    there.close()
    producer.close()


def test_a_recording_is_played_and_comes_to_the_end_that_was_recorded(folder):
    lab = os.path.join(folder, 'lab')
    run(SCENE, lab)
    out = run(['replay ' + lab, 'SELECT number, text FROM events', 'rewind delete', 'rewind 40s', 'SELECT value FROM records', 'rewind end',
               'replay %s/inputs/recording --from start' % lab, 'step', 'until delete']).stdout
    assert 'The lab came to what was recorded there' in out
    assert 'first' in out and 'DELETE students-0/0' in out
    with open(os.path.join(lab, 'inputs', 'recording'), 'r+b') as file: # the journal's count at the end is another
        file.seek(-9, os.SEEK_END)
        file.write(b'\x07')
    result = run(['replay ' + lab], check=False)
    assert result.returncode == 1 and 'did not come to what was recorded' in result.stdout
    for what, said in [('/dev/null', 'no recording'), (folder + '/none', 'No such file'), (folder, 'keeps no recording')]:
        result = run(['replay ' + what], check=False)
        assert result.returncode == 1 and said in result.stderr


def test_save_keeps_a_transient_lab_and_open_goes_on_there(folder):
    saved = os.path.join(folder, 'saved')
    out = run(SCENE[:4] + ['save ' + saved, 'advance 1h', 'open ' + saved, 'time', 'SELECT value FROM records', 'advance 1s', 'rewind 2s', 'rewind end']).stdout
    assert 'Saved in ' in out and 'The lab of before is gone' in out
    assert '00:00:10.0  running' in out and 'first' in out and 'second' in out
    assert 'PAST 00:00:09' in out # of the sitting before, in another lab
    size = int(subprocess.run(['du', '-sk', saved], capture_output=True, text=True).stdout.split()[0])
    assert size < 2000 # its indexes of 10 MB are holes
    result = run(['save ' + saved], check=False)
    assert result.returncode == 1 and 'is not empty' in result.stderr
    result = run(['open /proc/nothing'], check=False)
    assert result.returncode == 1 and 'open: /proc/nothing' in result.stderr


def test_save_while_a_client_is_connected_and_earlier_sittings_are_seen(lab_with_port, folder):
    shell, port = lab_with_port
    from kafka import KafkaProducer
    producer = KafkaProducer(bootstrap_servers='localhost:%d' % port)
    for i in range(20):
        producer.send('students', b'%d' % i).get(timeout=20)
    saved = os.path.join(folder, 'copy')
    out = subprocess.run([PROGRAM, '--to=' + shell, '-c', 'save ' + saved], capture_output=True, text=True, timeout=60)
    assert out.returncode == 0 and 'Saved in' in out.stdout, out.stdout + out.stderr
    producer.send('students', b'after').get(timeout=20)
    producer.close()
    text = subprocess.run([PROGRAM, saved, '--no-listen', '-c', 'SELECT count(*) FROM records; rewind'], capture_output=True, text=True, timeout=60).stdout
    assert '20' in text and 'An earlier sitting' in text
    refused = subprocess.run([PROGRAM, '--to=' + shell, '-c', 'open ' + saved], capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1 and 'only its own shell' in refused.stderr


def test_a_break_pauses_whoever_moves_the_clock():
    result = run(SCENE[:4] + ['break delete students-0', "break (SELECT count(*) FROM records) = 0", 'break', 'advance 10m', 'time', 'advance 10m', 'break clear 1', 'break clear all', 'break', 'SELECT count(*) FROM records'])
    out = result.stdout
    assert re.search(r'break 1: delete students-0, at 00:00:\d0\.0\. Paused', out)
    assert out.count('break 2: (SELECT') == 1 # when it becomes so, and not as long as it is
    assert 'PAUSED' in out and 'There is no break. break delete students-0 makes one.' in out
    refused = run(['break', 'break clear 7', 'break what is it', 'break nonsense('], check=False)
    assert refused.returncode == 1 and "no break '7'" in refused.stderr


def test_conditions_take_any_event_and_a_question_is_only_tried_after_what_concerns_it():
    out = run(SCENE[:4] + ['until segment_deleted students-0', 'until UNLINK --limit 1h', "until (SELECT state FROM segments WHERE topic = 'students') = 'active'"]).stdout
    assert 'DELETE students-0/0' in out and 'UNLINK students-0/0' in out


def test_mark_and_report():
    commands = SCENE[:4] + ['mark before', 'until delete students-0', 'until roll students-0 --limit 1s', 'mark 12']
    result = run(commands + ['report --since before'], check=False)
    assert result.returncode == 1
    assert 'Since before, 2026-01-01 00:00:10.0' in result.stdout
    assert 'students-0 offsets 0..1: retention.ms' in result.stdout
    assert 'pass  until delete students-0' in result.stdout and "FAIL  until roll students-0 --limit 1s: until: 'roll students-0' did not come to pass" in result.stdout
    import json
    import xml.etree.ElementTree as ElementTree
    text = run(commands + ['echo HERE', 'report --since before --format json'], check=False).stdout.split('HERE\n')[1]
    report = json.loads(text)
    assert report['events']['segment_deleted'] == 1 and report['lost'][0]['next_offset'] == 2
    assert [check['status'] for check in report['checks']] == [0, 1, 1]
    text = run(commands + ['echo HERE', 'report --since before --format junit'], check=False).stdout.split('HERE\n')[1]
    suite = ElementTree.fromstring(text)
    assert (suite.get('tests'), suite.get('failures')) == ('3', '2')
    assert suite[0].get('name') == 'until delete students-0' and suite[1][0].tag == 'failure'
    events = run(commands[:6] + ['events --since before']).stdout
    assert 'DELETE' in events.split('HERE')[-1] and 'TOPIC' not in events


def test_the_past_has_the_journal_that_the_lab_had(folder):
    """Also where a command goes on within an event of its lab: what moves the clock then waits until that is over."""
    live, past = os.path.join(folder, 'live'), os.path.join(folder, 'past')
    subprocess.run([PROGRAM, '--kafka', '4.3', '--brokers', '3', '--no-listen', '-c', """
kafka-topics.sh --create --topic b --partitions 6 --replication-factor 3 --bootstrap-server localhost:9092
echo one | kafka-console-producer.sh --topic b --bootstrap-server localhost:9092
advance 5s
kafka-console-consumer.sh --topic b --from-beginning --group g --max-messages 1 --bootstrap-server localhost:9092
next check
events 100000 --all > %s
rewind 0s
events 100000 --all > %s""" % (live, past)], check=True, timeout=60, capture_output=True)
    with open(live) as one, open(past) as other:
        assert one.read() == other.read()


def test_brokers_on_ports_that_the_system_chose_have_a_past_too(folder):
    """They register anew when they learn their ports, which takes chance and a record: an input like others."""
    lab = os.path.join(folder, 'served')
    process = subprocess.Popen([PROGRAM, '--serve', '--record', '--brokers', '3', '--port', '0', lab], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    out = subprocess.run([PROGRAM, '--to=' + lab, '-c', """
kafka-topics.sh --create --topic b --partitions 6 --replication-factor 3 --bootstrap-server localhost:9092
echo one | kafka-console-producer.sh --topic b --bootstrap-server localhost:9092
pause
sql SELECT topic_id FROM topics
sql SELECT value FROM records WHERE topic = 'b'
rewind 0s
sql SELECT topic_id FROM topics
sql SELECT value FROM records WHERE topic = 'b'
branch --port 0
sql SELECT value FROM records WHERE topic = 'b'
echo two | kafka-console-producer.sh --topic b --bootstrap-server localhost:9092
rewind start
advance 1h
sql SELECT value FROM records WHERE topic = 'b'"""], capture_output=True, text=True, timeout=60)
    process.stdin.close()
    process.wait(20)
    assert out.returncode == 0, out.stdout + out.stderr
    ids = re.findall(r'topic_id\n(\S+)\n', out.stdout)
    assert len(ids) == 2 and ids[0] == ids[1]
    assert re.findall(r'^(one|two)$', out.stdout, re.M).count('one') == 4 and '\ntwo\n' in out.stdout


def test_a_paused_script_lets_time_pass_only_for_what_needs_it():
    out = run(['pause', 'kafka-topics.sh --create --topic students ' + BOOTSTRAP,
               'kafka-console-consumer.sh --topic students --partition 0 --offset earliest --timeout-ms 100 ' + BOOTSTRAP,
               'broker stop 1', 'broker', 'time'], '--brokers', '2', '--start', '2026-01-01T00:00:00Z').stdout
    assert 'Broker 1 is down' in out and '2026-01-01 00:00:00' in out
