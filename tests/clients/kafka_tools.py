"""Apache Kafka's own console tools (KAFKARIUM_JARS: 2.7.0 or 4.3.0) against our listener, and its kafka-dump-log over what we wrote. Run by
tests/clients/extra."""
import glob
import os
import shutil
import subprocess
import tempfile

import pytest
from confluent_kafka import Consumer, Producer

from conftest import Serve

VERSION = os.environ['KAFKARIUM_JARS']
OLD = VERSION.startswith('2')
JARS = os.path.join(os.environ['KAFKARIUM_CACHE'], 'kafka-' + VERSION)
CLASSES = {
    'kafka-topics': ('kafka.admin.TopicCommand', 'org.apache.kafka.tools.TopicCommand'),
    'kafka-configs': ('kafka.admin.ConfigCommand', 'kafka.admin.ConfigCommand'),
    'kafka-consumer-groups': ('kafka.admin.ConsumerGroupCommand', 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand'),
    'kafka-console-producer': ('kafka.tools.ConsoleProducer', 'org.apache.kafka.tools.ConsoleProducer'),
    'kafka-console-consumer': ('kafka.tools.ConsoleConsumer', 'org.apache.kafka.tools.consumer.ConsoleConsumer'),
    'kafka-get-offsets': ('kafka.tools.GetOffsetShell', 'org.apache.kafka.tools.GetOffsetShell'),
    'kafka-broker-api-versions': ('kafka.admin.BrokerApiVersionsCommand', 'org.apache.kafka.tools.BrokerApiVersionsCommand'),
    'kafka-dump-log': ('kafka.tools.DumpLogSegments', 'org.apache.kafka.tools.DumpLogSegments'),
}
CODECS = ('none', 'gzip', 'snappy', 'lz4', 'zstd')


def java(name, *args, stdin=None):
    done = subprocess.run(['java', '-XX:TieredStopAtLevel=1', '-Xshare:auto', '-Xmx256M', '-cp', '%s/conf:%s/libs/*' % (JARS, JARS), CLASSES[name][not OLD], *args],
                          input=stdin, stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope='module', params=['2.7', 'any'])
def server(request):
    folder = tempfile.mkdtemp(prefix='kafkarium-test-')
    served = Serve('--kafka', request.param, lab=folder + '/lab')
    yield served
    served.stop()
    shutil.rmtree(folder, ignore_errors=True)


def tool(server, name, *args, stdin=None, old_bootstrap='--bootstrap-server'):
    status, out, err = java(name, old_bootstrap if OLD else '--bootstrap-server', server.bootstrap, *args, stdin=stdin)
    assert status == 0, out + err
    return out


def test_topics(server):
    assert 'Created topic made.' in tool(server, 'kafka-topics', '--create', '--topic', 'made', '--partitions', '3', '--config', 'retention.ms=30000')
    assert 'made' in tool(server, 'kafka-topics', '--list').split()
    tool(server, 'kafka-topics', '--alter', '--topic', 'made', '--partitions', '4')
    described = tool(server, 'kafka-topics', '--describe', '--topic', 'made')
    assert 'PartitionCount: 4' in described and 'retention.ms=30000' in described and 'Partition: 3' in described
    status, out, err = java('kafka-topics', '--bootstrap-server', server.bootstrap, '--create', '--topic', 'made')
    assert status == 1 and "Topic 'made' already exists." in out + err
    tool(server, 'kafka-topics', '--delete', '--topic', 'made')
    assert 'made' not in tool(server, 'kafka-topics', '--list').split()


def test_configs(server):
    tool(server, 'kafka-topics', '--create', '--topic', 'set')
    assert 'Completed updating config for topic set.' in tool(server, 'kafka-configs', '--alter', '--entity-type', 'topics', '--entity-name', 'set',
                                                              '--add-config', 'retention.ms=30000,segment.ms=5000')
    described = tool(server, 'kafka-configs', '--describe', '--entity-type', 'topics', '--entity-name', 'set')
    assert 'retention.ms=30000' in described and 'segment.ms=5000' in described
    tool(server, 'kafka-configs', '--alter', '--entity-type', 'topics', '--entity-name', 'set', '--delete-config', 'segment.ms')
    assert 'segment.ms=5000' not in tool(server, 'kafka-configs', '--describe', '--entity-type', 'topics', '--entity-name', 'set')


def test_producer_consumer_and_groups(server):
    for codec in CODECS:
        tool(server, 'kafka-console-producer', '--topic', 'lines', '--compression-codec', codec, '--property', 'parse.key=true', '--property', 'key.separator=:',
             stdin='k:%s\n' % codec)
    read = tool(server, 'kafka-console-consumer', '--topic', 'lines', '--group', 'readers', '--from-beginning', '--max-messages', '3', '--timeout-ms', '20000')
    assert read.split() == ['none', 'gzip', 'snappy']
    described = tool(server, 'kafka-consumer-groups', '--describe', '--group', 'readers')
    row, = [line.split() for line in described.split('\n') if line.startswith('readers')]
    assert row[:6] == ['readers', 'lines', '0', '3', '5', '2']
    assert 'readers' in tool(server, 'kafka-consumer-groups', '--list').split()
    tool(server, 'kafka-consumer-groups', '--reset-offsets', '--to-earliest', '--group', 'readers', '--topic', 'lines', '--execute')
    assert ' 5 ' in ' '.join(tool(server, 'kafka-consumer-groups', '--describe', '--group', 'readers').split())
    assert "('readers') was successful" in tool(server, 'kafka-consumer-groups', '--delete', '--group', 'readers')
    assert tool(server, 'kafka-get-offsets', '--topic', 'lines', old_bootstrap='--broker-list').split() == ['lines:0:5']


def test_api_versions(server):
    told = tool(server, 'kafka-broker-api-versions')
    assert 'Produce(0)' in told and 'UNSUPPORTED' not in told.split('Fetch(1)')[0]


@pytest.mark.parametrize('release', ['2.7', 'any'])
def test_dump_log_reads_all_that_we_wrote(release, folder):
    """Every codec, idempotent and plain, several segments, groups, deletions, a clean end and a kill."""
    lab = folder + '/lab'
    server = Serve('--kafka', release, '--set', 'offsets.topic.num.partitions=1', lab=lab)
    for codec in CODECS:
        for idempotent in (False, True):
            p = Producer({'bootstrap.servers': server.bootstrap, 'compression.codec': codec, 'enable.idempotence': idempotent, 'linger.ms': 5})
            for i in range(400):
                p.produce('plain-' + codec, b'a value that repeats itself %d ' % i * 4, key=b'%d' % i, headers=[('h', b'v')])
            p.produce('plain-' + codec, None, key=b'gone')
            assert p.flush(20) == 0
    failed = []
    p = Producer({'bootstrap.servers': server.bootstrap, 'batch.num.messages': 5, 'on_delivery': lambda err, _: err and failed.append(err)})
    assert server.run("kafka-topics.sh --create --topic rolled --config segment.bytes=%d --config index.interval.bytes=1000 --bootstrap-server localhost:9092"
                      % (16384 if release == '2.7' else 1048576))[0] == 0
    for i in range(200 if release == '2.7' else 3000):
        p.produce('rolled', b'x' * 1000)
        if i % 500 == 0:
            p.flush(20)
    assert p.flush(20) == 0 and not failed
    c = Consumer({'bootstrap.servers': server.bootstrap, 'group.id': 'g', 'auto.offset.reset': 'earliest'})
    c.subscribe(['rolled'])
    assert [m.error() for m in c.consume(10, 10)] == [None] * 10
    c.commit(asynchronous=False)
    c.close()
    server.stop()
    server = Serve(lab=lab)
    p = Producer({'bootstrap.servers': server.bootstrap, 'enable.idempotence': True})
    p.produce('plain-gzip', b'after the restart')
    assert p.flush(20) == 0
    server.kill()
    Serve(lab=lab).stop()
    files = sorted(path for kind in ('log', 'index', 'timeindex', 'snapshot') for path in glob.glob(lab + '/broker-*/*/*.' + kind))
    assert len([f for f in files if f.endswith('.snapshot')]) >= 2 and len([f for f in files if '/rolled-0/' in f and f.endswith('.log')]) >= 3
    complaints = ('mismatch', 'Mismatch', 'Exception', 'not find', 'INVALID', 'out of order', 'isvalid: false', 'isValid: false', 'corrupt')
    for start in range(0, len(files), 40):
        part = files[start:start + 40]
        for deep in ((), ('--deep-iteration', '--print-data-log')):
            some = [f for f in part if not deep or f.endswith('.log')]
            if not some:
                continue
            status, out, err = java('kafka-dump-log', '--files', ','.join(some), *deep)
            assert status == 0, out[-2000:] + err[-2000:]
            said = [line for line in (out + err).split('\n') if any(c in line for c in complaints)]
            assert not said, said[:10]
