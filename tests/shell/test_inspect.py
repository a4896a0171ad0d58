"""--inspect: a broker's folder is looked at as it lies there, and not a byte of it changes."""
import csv
import hashlib
import io
import os
import shutil
import stat
import subprocess

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
    before = tree(folder)
    command = [PROGRAM, '--inspect', folder, '-c', "why students-0; SELECT count(*) FROM records"]
    if os.getuid() == 0:
        os.chmod(os.path.dirname(os.path.dirname(folder)), 0o755)
        os.chmod(os.path.dirname(folder), 0o755)
        command = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', *command]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env={'PATH': os.environ['PATH']}, timeout=60)
    assert done.returncode == 0, done.stderr
    assert '0..1 (active, ' in done.stdout
    assert tree(folder) == before
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
                    'kafka-consumer-groups --delete --group g']:
        status, out, err = run('--inspect', folder, '-c', command + ' --bootstrap-server localhost:9092')
        assert 'nothing can be changed' in out + err or 'PolicyViolationException' in out + err, (command, out, err)
    assert tree(folder) == before


def test_kafkas_tools_ask_a_folder(broker):
    folder = broker('4.3')
    status, out, err = run('--inspect', folder, '-c', 'kafka-get-offsets --bootstrap-server localhost:9092 --topic students; '
                           'kafka-consumer-groups --bootstrap-server localhost:9092 --describe --group g')
    assert status == 0, err
    assert 'students:0:2' in out
    assert out.split('GROUP')[1].split('\n')[1].split()[:6] == ['g', 'students', '0', '1', '2', '1']


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
