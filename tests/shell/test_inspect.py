"""--inspect: a broker's folder is looked at as it lies there, and not a byte of it changes."""
import csv
import glob
import hashlib
import io
import json
import os
import re
import shutil
import stat
import subprocess
import time

import pytest

from conftest import PROGRAM, ROOT, run

GOLDEN = os.path.join(ROOT, 'tests', 'golden', 'segments')


def tree(top):
    """All that a file system keeps of a folder: bytes, sizes, modes, inodes, and when names and contents changed."""
    found = {}
    for folder, names, files in os.walk(top):
        for name in ['.'] + names + files:
            path = os.path.join(folder, name)
            st = os.lstat(path)
            digest = hashlib.sha256(open(path, 'rb').read()).hexdigest() if stat.S_ISREG(st.st_mode) else None
            found[path] = (st.st_ino, st.st_mode, st.st_size, st.st_mtime_ns, st.st_ctime_ns, digest)
    return found


def query(folder, sql, *options):
    status, out, err = run('--inspect', folder, *options, '--mode', 'csv', '-c', sql)
    assert status == 0, err
    return list(csv.DictReader(io.StringIO(out)))


def golden(folder, release, *names):
    """A log.dirs put together from what a real broker wrote."""
    for name in names:
        source = os.path.join(GOLDEN, '%s-%s' % (release, name))
        for entry in os.listdir(source):
            path = os.path.join(source, entry)
            if os.path.isdir(path):
                shutil.copytree(path, os.path.join(folder, entry))
            elif entry != 'dump.txt':
                shutil.copy2(path, os.path.join(folder, entry))


@pytest.fixture
def broker(folder):
    """A function that makes a broker's folder with two topics and a group, of a broker that was stopped in order."""
    def make(release):
        lab = os.path.join(folder, 'lab-' + release)
        status, _, err = run('--kafka', release, lab, '-c', """
            kafka-topics --bootstrap-server localhost:9092 --create --topic students --config retention.ms=30000
            kafka-topics --bootstrap-server localhost:9092 --create --topic t --partitions 3
            kafka-console-producer --bootstrap-server localhost:9092 --topic students <<< one
            kafka-console-producer --bootstrap-server localhost:9092 --topic students <<< two
            kafka-console-consumer --bootstrap-server localhost:9092 --topic students --from-beginning --max-messages 1 --group g
            """)
        assert status == 0, err
        return os.path.join(lab, 'broker-0' if release == '2.7' else 'broker-1')
    return make


@pytest.mark.parametrize('release', ['2.7', '4.3'])
def test_a_stopped_broker_is_shown_and_nothing_is_written(broker, release):
    folder = broker(release)
    before = tree(folder)
    rows = query(folder, "SELECT topic, partition, log_start_offset, high_watermark, log_end_offset FROM partitions WHERE topic IN ('students', 't')")
    assert [(r['topic'], r['partition'], r['log_end_offset']) for r in rows] == [('students', '0', '2'), ('t', '0', '0'), ('t', '1', '0'), ('t', '2', '0')]
    assert rows[0]['high_watermark'] == '2'
    assert [r['value'] for r in query(folder, "SELECT value FROM records WHERE topic = 'students'")] == ['one', 'two']
    assert [r['committed'] for r in query(folder, "SELECT * FROM offsets")] == ['1']
    status, out, _ = run('--inspect', folder, '-c', 'ls students-0; why students-0; status')
    assert status == 0
    assert '00000000000000000000.log' in out and '0..1 (active, ' in out and 'A start would believe what is there' in out
    assert ('retention.ms=30000' in out) == (release == '4.3')
    assert 'stopped in order' in out
    assert tree(folder) == before


def test_nobody_may_write_and_it_works_all_the_same(broker):
    folder = broker('4.3')
    for path in tree(folder):
        os.chmod(path, 0o555 if os.path.isdir(path) else 0o444)
    snapshot = glob.glob(folder + '/__cluster_metadata-0/*.checkpoint')[0]
    before = dict(tree(folder), **{snapshot: None})
    os.chmod(snapshot, 0o400 if os.getuid() == 0 else 0)  # Kafka's own are for their owner alone
    command = [PROGRAM, '--inspect', folder, '-c', 'status; why students-0; SELECT count(*) FROM records']
    if os.getuid() == 0:
        os.chmod(os.path.dirname(os.path.dirname(folder)), 0o755)
        os.chmod(os.path.dirname(folder), 0o755)
        command = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', *command]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env={'PATH': os.environ['PATH']}, timeout=60)
    assert done.returncode == 0, done.stderr
    assert '0..1 (active, ' in done.stdout
    assert 'The snapshot of the metadata is left out' in done.stdout
    os.chmod(snapshot, 0o444)
    assert dict(tree(folder), **{snapshot: None}) == before
    for path in before:
        os.chmod(path, 0o755)


def test_what_would_change_something_is_refused(broker):
    folder = broker('4.3')
    before = tree(folder)
    for command in ['advance 30s', 'until delete students-0', 'resume']:
        status, _, err = run('--inspect', folder, '-c', command)
        assert status == 1 and 'no time passes' in err, (command, err)
    for command in ['kafka-topics --create --topic x', 'kafka-topics --delete --topic t', 'kafka-topics --alter --topic t --partitions 5',
                    'kafka-configs --alter --entity-type topics --entity-name t --add-config retention.ms=1',
                    'kafka-consumer-groups --delete --group g', 'kafka-console-producer --topic t <<< x', 'kafka-console-consumer --topic t --from-beginning --max-messages 1']:
        status, out, err = run('--inspect', folder, '-c', command.replace(' --', ' --bootstrap-server localhost:9092 --', 1))
        assert 'nothing can be changed' in out + err or 'PolicyViolationException' in out + err, (command, out, err)
        assert 'can ask here, not change' in err, (command, out, err)
    assert tree(folder) == before


def test_kafkas_tools_ask_a_folder(broker):
    folder = broker('4.3')
    status, out, err = run('--inspect', folder, '-c', 'kafka-get-offsets --bootstrap-server localhost:9092 --topic students; '
                           'kafka-consumer-groups --bootstrap-server localhost:9092 --describe --group g')
    assert status == 0, err
    assert 'students:0:2' in out
    assert out.split('GROUP')[1].split('\n')[1].split()[:6] == ['g', 'students', '0', '1', '2', '1']


@pytest.mark.parametrize('release', ['2.7', '4.3'])
def test_whatever_looks_works(broker, release):
    folder = broker(release)
    before = tree(folder)
    for command, word in [('dump students-0', 'one'), ('hexdump students-0/00000000000000000000.log', 'one'), ('ls -la students-0', '.timeindex'),
                          ('kafka-dump-log --print-data-log --files students-0/00000000000000000000.log', 'payload: one'), ('why students-0 1', 'is there'),
                          ('why compaction __consumer_offsets-0', 'cleanup.policy=compact'), ('why lag g', 'committed 1, end 2'), ('events', ''),
                          ('cat students-0/leader-epoch-checkpoint', '0\n1\n'), ('refresh', 'INSPECT'), ('SELECT * FROM segments', 'students')]:
        status, out, err = run('--inspect', folder, '-c', command)
        assert status == 0 and word in out, (command, out, err)
    assert tree(folder) == before


@pytest.mark.parametrize('release', ['2.7.0', '4.3.0'])
@pytest.mark.parametrize('name, topic, end, records', [('plain', 'plain-0', 6, 6), ('after-retention', 'students-0', 90, 5), ('transactional', 'transactional-0', 8, 5),
                                                       ('empty', 'empty-0', 0, 0), ('compacted', 'students-0', 19, None)])
def test_a_partitions_own_folder(folder, release, name, topic, end, records):
    golden(folder, release, name)
    path = os.path.join(folder, topic)
    before = tree(folder)
    assert query(path, 'SELECT log_end_offset FROM partitions')[0]['log_end_offset'] == str(end)
    if records is not None:
        assert query(path, 'SELECT count(*) AS n FROM records')[0]['n'] == str(records)
    status, out, _ = run('--inspect', path, '-c', 'status')
    assert status == 0 and "one partition's folder" in out
    assert tree(folder) == before


def test_what_is_no_log_dir_is_said(folder):
    for path, word in [(folder, 'neither a meta.properties nor a folder'), (folder + '/none', 'no such folder'), (PROGRAM, 'is a file')]:
        status, _, err = run('--inspect', path, '-c', 'status')
        assert status == 3 and word in err, err
    status, _, err = run('--inspect', folder, '--serve')
    assert status == 2 and 'nobody listens' in err


def test_several_log_dirs_are_one_brokers(folder):
    for name, topic in [('a', 'plain'), ('b', 'rolled')]:
        os.mkdir(os.path.join(folder, name))
        golden(os.path.join(folder, name), '2.7.0', topic)
    both = '%s/a,%s/b' % (folder, folder)
    before = tree(folder)
    assert [(r['topic'], r['log_end_offset']) for r in query(both, 'SELECT topic, log_end_offset FROM partitions ORDER BY topic')] == [('plain', '6'), ('students', '48')]
    status, out, err = run('--inspect', both, '-c', 'kafka-log-dirs --describe --bootstrap-server localhost:9092; ls; ls students-0')
    assert status == 0, err
    assert [[p['partition'] for p in d['partitions']] for d in json.loads(out.split('\n')[2])['brokers'][0]['logDirs']] == [['plain-0'], ['students-0']]
    assert '%s/a:\nplain-0' % folder in out and '%s/b:\nstudents-0' % folder in out and '00000000000000000045.log' in out
    assert tree(folder) == before


def test_what_cannot_be_read_is_named_and_the_rest_shown(folder):
    golden(folder, '2.7.0', 'plain')
    golden(folder, '2.7.0', 'rolled')
    with open(os.path.join(folder, 'students-0', '00000000000000000045.log'), 'r+b') as f:
        f.truncate(100)
    os.mkdir(os.path.join(folder, 'empty-0'))
    os.symlink('/nowhere', os.path.join(folder, 'lost-0'))
    rows = query(folder, 'SELECT folder, kind, note FROM folders')
    assert [(r['folder'], r['kind']) for r in rows] == [('empty-0', 'unreadable'), ('plain-0', 'partition'), ('students-0', 'partition')]
    assert 'no segment' in rows[0]['note']
    status, out, _ = run('--inspect', folder, '-c', 'why students-0')
    assert status == 0 and 'and cut 100 bytes at position 0 of segment 45 (half a batch); the log would end at 45.' in out
    out = subprocess.run([PROGRAM, '--inspect', folder, '-c', 'why students-0; status'], env=dict(os.environ, KAFKARIUM_LANG='ru'), capture_output=True, text=True).stdout
    assert 'отрезаны 100 байт с позиции 0 сегмента 45 (половина батча)' in out and 'Топики известны по именам папок' in out


def test_settings_come_from_outside_and_what_is_assumed_is_said(folder):
    golden(folder, '2.7.0', 'plain')
    with open(os.path.join(folder, 'server.properties'), 'w') as f:
        f.write('# mine\nlog.retention.hours = 1\nlog.segment.bytes=2000\nnobody.knows.this=1\nnode.id=7\n')
    _, out, _ = run('--inspect', folder, '-c', 'why plain-0')
    assert "Kafka's defaults are taken for cleanup.policy, retention.ms," in out
    _, out, _ = run('--inspect', folder, '--properties', folder + '/server.properties', '--set-topic', 'plain:cleanup.policy=delete', '-c', 'why plain-0')
    assert 'retention.ms=3600000' in out and 'segment.bytes=2000' in out
    status, out, err = run('--inspect', folder, '--set-topic', 'plain:retention.ms=never', '-c', 'why plain-0')
    assert status == 3 and 'retention.ms' in err, (status, out, err)
    for options in (['--set-topic', 'plain'], ['--properties', folder + '/none']):
        assert run('--inspect', folder, *options, '-c', 'status')[0] == 2


def test_a_later_moment_can_be_asked_for(folder):
    golden(folder, '2.7.0', 'plain')
    newest = int(query(folder, 'SELECT newest_ms FROM segments')[0]['newest_ms']) / 1000
    for days, word in [(6, 'stays'), (8, 'goes at the next check')]:
        at = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(newest + days * 86400))
        status, out, err = run('--inspect', folder, '--start', at, '-c', 'status; why plain-0')
        assert status == 0 and word in out and 'seen as of ' + at[:10] in out, (out, err)


def test_a_folder_that_changes_is_read_again(serve):
    """One look goes on while the broker, which runs, appends, rolls away and deletes."""
    server = serve()
    at = ' --bootstrap-server localhost:9092'
    assert server.run('kafka-topics --create --topic students' + at)[0] == 0
    steps = ['kafka-console-producer --topic students%s <<< one' % at, 'kafka-topics --create --topic more' + at, 'kafka-topics --delete --topic students' + at]
    script = "SELECT topic || ' ' || log_end_offset AS x FROM partitions ORDER BY topic\n"
    script += ''.join("/bin/sh -c '%s --to=%s -c \"%s\"' > /dev/null | cat\n%s" % (PROGRAM, server.lab, step, script.split('\n')[0]) + '\n' for step in steps)
    status, out, err = run('--inspect', os.path.join(server.lab, 'broker-1'), '--mode', 'csv', '-f', '/dev/stdin', stdin=script)
    assert status == 0, err
    assert out.split('\n') == ['x', 'students 0', 'x', 'students 1', 'x', 'more 0', 'students 1', 'x', 'more 0', ''], out


def test_why_a_damaged_record_ends_a_consumer(folder):
    lab = os.path.join(folder, 'lab')
    lines = ''.join('echo %s | kafka-console-producer --topic students --bootstrap-server localhost:9092; ' % word for word in ('one', 'two', 'three'))
    assert run('--no-listen', '-c', 'kafka-topics --create --topic students --bootstrap-server localhost:9092; ' + lines, lab)[0] == 0
    path = os.path.join(lab, 'broker-1', 'students-0', '00000000000000000000.log')
    with open(path, 'r+b') as log:
        log.seek(71 + 69)  # in the second batch's value
        byte = log.read(1)[0]
        log.seek(-1, os.SEEK_CUR)
        log.write(bytes([byte ^ 0xff]))
    status, out, err = run('--inspect', os.path.join(lab, 'broker-1'), '-c', 'why students-0 0; echo NEXT; why students-0 1')
    assert status == 0, err
    whole, damaged = out.split('NEXT\n')
    assert 'damaged' not in whole and 'consumers can read it' in whole
    found = re.search(r'Its batch is damaged: the CRC in its header is (\d+), that of its bytes is (\d+)\.', damaged)
    assert found and 'consumers can read it' not in damaged
    line = re.search(r'^show me: (hexdump .*)$', damaged, re.M).group(1)
    shown = run('--inspect', os.path.join(lab, 'broker-1'), '-c', line)[1]
    assert 'crc %s (WRONG: these bytes have %s)' % found.groups() in shown
