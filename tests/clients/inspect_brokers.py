"""--inspect over the folder of a real Apache Kafka broker (KAFKARIUM_JARS: 2.7.0 or 4.3.0) that runs, was killed, is damaged, was stopped: what is
shown is what Kafka's own tools say, and what is said of a start is what its start does. Run by tests/clients/extra."""
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

import pytest

from conftest import PROGRAM, run, tool
from shell.test_inspect import tree

VERSION = os.environ['KAFKARIUM_JARS']
OLD = VERSION.startswith('2')
JARS = os.path.join(os.environ['KAFKARIUM_CACHE'], 'kafka-' + VERSION)
CLASSES = {
    'kafka-topics': ('kafka.admin.TopicCommand', 'org.apache.kafka.tools.TopicCommand'),
    'kafka-consumer-groups': ('kafka.admin.ConsumerGroupCommand', 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand'),
    'kafka-get-offsets': ('kafka.tools.GetOffsetShell', 'org.apache.kafka.tools.GetOffsetShell'),
    'kafka-log-dirs': ('kafka.admin.LogDirsCommand', 'org.apache.kafka.tools.LogDirsCommand'),
}
TOPICS = ('students', 't')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def command(main, *args):
    return ['java', '-XX:TieredStopAtLevel=1', '-Xshare:auto', '-Xmx512M', '-cp', '%s/conf:%s/libs/*' % (JARS, JARS), main, *args]


def java(name, *args):
    done = subprocess.run(command(CLASSES[name][not OLD], *args), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Broker:
    def __init__(self):
        self.top = tempfile.mkdtemp(prefix='kafkarium-test-')
        self.dir = self.top + '/logs'
        self.port, self.other = free_port(), free_port()
        self.processes = []
        lines = ['log.dirs=' + self.dir, 'offsets.topic.replication.factor=1', 'offsets.topic.num.partitions=3', 'group.initial.rebalance.delay.ms=0',
                 'log.initial.task.delay.ms=600000' if not OLD else '', 'log.retention.check.interval.ms=600000']
        if OLD:
            with open(self.top + '/zk.properties', 'w') as f:
                f.write('dataDir=%s/zk\nclientPort=%d\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n4lw.commands.whitelist=dump\n' % (self.top, self.other))
            lines += ['broker.id=0', 'listeners=PLAINTEXT://127.0.0.1:%d' % self.port, 'zookeeper.connect=127.0.0.1:%d' % self.other, 'zookeeper.session.timeout.ms=4000']
        else:
            lines += ['process.roles=broker,controller', 'node.id=1', 'controller.quorum.voters=1@127.0.0.1:%d' % self.other,
                      'listeners=PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d' % (self.port, self.other),
                      'advertised.listeners=PLAINTEXT://127.0.0.1:%d' % self.port, 'controller.listener.names=CONTROLLER']
        with open(self.top + '/server.properties', 'w') as f:
            f.write('\n'.join(lines) + '\n')
        if OLD:
            self.zk = self.spawn('org.apache.zookeeper.server.quorum.QuorumPeerMain', self.top + '/zk.properties', port=self.other)
        else:
            subprocess.run(command('kafka.tools.StorageTool', 'format', '-t', '4L6g3nShT-eMCtK--X86sw', '-c', self.top + '/server.properties'), check=True, capture_output=True)
        self.start()

    def spawn(self, *args, port):
        log = open(self.top + '/out', 'a')
        process = subprocess.Popen(command(*args), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.processes.append(process)
        end = time.time() + 60
        while time.time() < end and process.poll() is None:
            try:
                socket.create_connection(('127.0.0.1', port), 1).close()
                return process
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(open(self.top + '/out').read()[-2000:])

    def registered(self):
        """2.7: ZooKeeper holds a killed broker's registration for the rest of its session, and a new one would give up at it."""
        with socket.create_connection(('127.0.0.1', self.other), 5) as s:
            s.sendall(b'dump')
            answer = b''
            while True:
                piece = s.recv(4096)
                if not piece:
                    return b'/brokers/ids/' in answer
                answer += piece

    def start(self):
        end = time.time() + 60
        while OLD and self.registered() and time.time() < end:
            time.sleep(0.2)
        self.process = self.spawn('kafka.Kafka', self.top + '/server.properties', port=self.port)
        self.ask('kafka-topics', '--list')

    @property
    def bootstrap(self):
        return '127.0.0.1:%d' % self.port

    def ask(self, name, *args, stdin=None):
        status, out, err = tool(name, '--bootstrap-server', self.bootstrap, *args, stdin=stdin, timeout=120)
        assert status == 0, out + err
        return out

    def end(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.top, ignore_errors=True)


@pytest.fixture(scope='module')
def broker():
    made = Broker()
    try:
        made.ask('kafka-topics', '--create', '--topic', 'students', '--config', 'retention.ms=3600000', '--config', 'cleanup.policy=delete')
        made.ask('kafka-topics', '--create', '--topic', 't', '--partitions', '2')
        made.ask('kafka-topics', '--create', '--topic', 'gone')
        for topic in TOPICS:
            for _ in range(3):
                made.ask('kafka-console-producer', '--topic', topic, stdin='\n'.join('value %d' % i for i in range(200)) + '\n')
        made.ask('kafka-console-consumer', '--topic', 't', '--from-beginning', '--group', 'g', '--max-messages', '100')
        made.ask('kafka-topics', '--delete', '--topic', 'gone')
        yield made
    finally:
        made.end()


def inspect(broker, line):
    status, out, err = run('--inspect', broker.dir, '--properties', broker.top + '/server.properties', *(() if not OLD else ('--set-topic', 'students:retention.ms=3600000',
                           '--set-topic', 'students:cleanup.policy=delete')), '-c', line)
    assert status == 0, out + err
    return out


def sizes(text):
    found = json.loads(next(line for line in text.split('\n') if line.startswith('{')))
    return {p['partition']: p['size'] for b in found['brokers'] for d in b['logDirs'] for p in d['partitions'] if not p['partition'].endswith('-delete')}


def real(broker):
    """What Kafka's own tools say of the running broker."""
    at = ['--bootstrap-server', broker.bootstrap]
    offsets = [line for topic in TOPICS for line in java('kafka-get-offsets', '--broker-list' if OLD else at[0], broker.bootstrap, '--topic', topic).split()]
    groups = [line.split() for line in java('kafka-consumer-groups', *at, '--describe', '--group', 'g').split('\n') if line.startswith('g ')]
    return {
        'offsets': sorted(offsets),
        'sizes': sizes(java('kafka-log-dirs', *at, '--describe')),
        'groups': sorted(groups),
        'topics': sorted(line.split('\tElr')[0].strip() for topic in TOPICS for line in java('kafka-topics', *at, '--describe', '--topic', topic).split('\n') if 'Topic:' in line),
    }


def ours(broker):
    """What our tools say of its folder."""
    at = '--bootstrap-server localhost:9092'
    offsets = [line for topic in TOPICS for line in inspect(broker, 'kafka-get-offsets %s localhost:9092 --topic %s' % ('--broker-list' if OLD else '--bootstrap-server', topic)).split()]
    groups = [line.split() for line in inspect(broker, 'kafka-consumer-groups %s --describe --group g' % at).split('\n') if line.startswith('g ')]
    return {
        'offsets': sorted(offsets),
        'sizes': sizes(inspect(broker, 'kafka-log-dirs %s --describe' % at)),
        'groups': sorted(groups),
        'topics': sorted(line.split('\tElr')[0].strip() for topic in TOPICS for line in inspect(broker, 'kafka-topics %s --describe --topic %s' % (at, topic)).split('\n') if 'Topic:' in line),
    }


def last_batch(path):
    data = open(path, 'rb').read()
    at = last = 0
    while at < len(data):
        last, at = at, at + 12 + struct.unpack('>i', data[at + 8:at + 12])[0]
    return data, last


def test_a_folder_through_its_brokers_life(broker):
    # It runs.
    expected = real(broker)
    assert len(expected['offsets']) == 3 and len(expected['sizes']) == 6 and expected['groups']
    assert ours(broker) == expected
    assert 'killed' in inspect(broker, 'status')

    # It is killed; somebody looks, and nothing of it changes.
    broker.process.kill()
    broker.process.wait()
    before = tree(broker.dir)
    assert ours(broker) == expected
    if shutil.which('strace'):
        trace = broker.top + '/strace'
        subprocess.run(['strace', '-f', '-e', 'trace=file,desc', '-o', trace, PROGRAM, '--inspect', broker.dir, '-c',
                        'status; why students-0; SELECT count(*) FROM records; ls -la students-0'], check=True, capture_output=True)
        wrong = [line for line in open(trace) if broker.dir in line and re.search(r'O_WRONLY|O_RDWR|O_CREAT|unlink|rename|mkdir|utime|truncate|chmod|link\(', line)
                 and 'readlink' not in line]
        assert not wrong
    assert tree(broker.dir) == before

    # Half a batch behind the last, and a wrong CRC: what is said of a start is what a start does.
    torn = max(('%s/t-%d/%020d.log' % (broker.dir, p, 0) for p in (0, 1)), key=os.path.getsize)
    data, last = last_batch(torn)
    with open(torn, 'ab') as f:
        f.write(struct.pack('>q', struct.unpack('>q', data[last:last + 8])[0] + 200) + data[last + 8:last + 300])
    bad = '%s/students-0/%020d.log' % (broker.dir, 0)
    data, last = last_batch(bad)
    with open(bad, 'r+b') as f:
        f.seek(len(data) - 1)
        f.write(bytes([data[-1] ^ 0xff]))
    partition = torn.split('/')[-2]
    said = inspect(broker, 'why ' + partition)
    assert 'cut 300 bytes at position %d of segment 0 (half a batch)' % (os.path.getsize(torn) - 300) in said, said
    end = int(re.search(r'the log would end at (\d+)', said).group(1))
    said = inspect(broker, 'why students-0')
    assert 'cut %d bytes at position %d of segment 0 (CRC)' % (len(data) - last, last) in said, said
    bad_end = int(re.search(r'the log would end at (\d+)', said).group(1))
    broker.start()
    expected = real(broker)
    assert '%s:%d' % (partition.replace('-', ':'), end) in expected['offsets'] and 'students:0:%d' % bad_end in expected['offsets']
    assert ours(broker) == expected

    # It is stopped in order.
    broker.process.send_signal(signal.SIGTERM)
    broker.process.wait(60)
    before = tree(broker.dir)
    stopped = ours(broker)
    assert {key: stopped[key] for key in ('offsets', 'sizes', 'groups')} == {key: expected[key] for key in ('offsets', 'sizes', 'groups')}
    assert 'stopped in order' in inspect(broker, 'status')
    assert tree(broker.dir) == before
