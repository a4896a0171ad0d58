"""kafka-python 2.0.2, the course's client, against `--serve`: what it sends, reads, commits and administers."""
import functools
import threading
import time

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition, codec
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.errors import (InvalidReplicationFactorError, KafkaTimeoutError, MessageSizeTooLargeError, TopicAlreadyExistsError,
                          UnknownTopicOrPartitionError)
from kafka.structs import OffsetAndMetadata

from conftest import eventually

# kafka-python 3.0.12 may miss a subscription made while it bootstraps, until its next refresh: that comes soon.
KafkaConsumer = functools.partial(KafkaConsumer, metadata_max_age_ms=1000)
RELEASES = ['any', '2.7']
CODECS = [name for name in ('gzip', 'snappy', 'lz4', 'zstd') if getattr(codec, 'has_' + name)()]  # those that Python has libraries for here


@pytest.fixture(params=RELEASES)
def server(request, serve):
    return serve('--kafka', request.param)


def producer(server, **settings):
    return KafkaProducer(bootstrap_servers=server.bootstrap.split(','), **settings)


def read(server, topic, count, seconds=10, **settings):
    """The first `count` records of a topic, without a group."""
    settings.setdefault('auto_offset_reset', 'earliest')
    consumer = KafkaConsumer(topic, bootstrap_servers=server.bootstrap.split(','), **settings)
    records, end = [], time.time() + seconds
    while len(records) < count and time.time() < end:
        for part in consumer.poll(timeout_ms=200).values():
            records += part
    consumer.close()
    return records


def test_what_is_sent_is_read(server):
    p = producer(server)
    plain = p.send('students', b'no key').get(10)
    keyed = p.send('students', key=b'k', value=b'with key', headers=[('h', b'\x00\x01'), ('empty', b'')], timestamp_ms=1600000000000).get(10)
    gone = p.send('students', key=b'k', value=None).get(10)
    p.close()
    assert (plain.topic, plain.partition, plain.offset) == ('students', 0, 0)
    assert (keyed.offset, gone.offset) == (1, 2)
    records = read(server, 'students', 3)
    assert [(r.offset, r.key, r.value) for r in records] == [(0, None, b'no key'), (1, b'k', b'with key'), (2, b'k', None)]
    assert records[1].headers == [('h', b'\x00\x01'), ('empty', b'')]
    assert records[1].timestamp == 1600000000000


@pytest.mark.parametrize('acks', [0, 1, 'all'])
def test_acks(server, acks):
    p = producer(server, acks=acks)
    for i in range(20):
        p.send('acks', b'%d' % i)
    p.flush()
    assert [r.value for r in read(server, 'acks', 20)] == [b'%d' % i for i in range(20)]
    p.close()


@pytest.mark.parametrize('name', CODECS)
def test_codecs(server, name):
    values = [b'compressed %d ' % i * 20 for i in range(200)]
    p = producer(server, compression_type=name, linger_ms=20)
    for value in values:
        p.send('codecs', value)
    p.flush()
    assert [r.value for r in read(server, 'codecs', 200)] == values
    p.close()


# What clients of old say: message sets of magic 0 and 1, requests of the first versions.
@pytest.mark.parametrize('version', [(0, 9), (0, 10), (0, 10, 1), (0, 11), (1, 0, 0), (2, 5, 0)])
@pytest.mark.parametrize('name', [None, 'gzip'])
def test_versions_of_old(serve, version, name):
    server = serve('--kafka', '2.7')
    p = producer(server, api_version=version, compression_type=name, linger_ms=10)
    for i in range(10):
        p.send('old', key=b'k', value=b'%d' % i)
    p.flush()
    p.close()
    for reader in ((0, 9), version, (2, 5, 0)):
        records = read(server, 'old', 10, api_version=reader)
        assert [(r.offset, r.key, r.value) for r in records] == [(i, b'k', b'%d' % i) for i in range(10)], reader


def test_any_takes_what_4_3_dropped(serve):
    server = serve('--kafka', 'any')
    p = producer(server, api_version=(0, 10))
    p.send('old', b'magic 1').get(10)
    p.close()
    assert [r.value for r in read(server, 'old', 1, api_version=(0, 10))] == [b'magic 1']


def test_a_large_batch_and_a_value_too_large(server):
    p = producer(server, max_request_size=5000000)
    assert p.send('large', b'x' * 900000).get(10).offset == 0
    with pytest.raises(MessageSizeTooLargeError):
        p.send('large', b'x' * 2000000).get(10)
    assert p.send('large', b'y').get(10).offset == 1
    p.close()
    assert [len(r.value) for r in read(server, 'large', 2)] == [900000, 1]


def test_seek_offsets_and_times(server):
    p = producer(server)
    for i in range(10):
        p.send('seek', b'%d' % i, timestamp_ms=1600000000000 + i * 1000).get(10)
    p.close()
    partition = TopicPartition('seek', 0)
    consumer = KafkaConsumer(bootstrap_servers=server.bootstrap)
    consumer.assign([partition])
    assert consumer.beginning_offsets([partition]) == {partition: 0}
    assert consumer.end_offsets([partition]) == {partition: 10}
    found = consumer.offsets_for_times({partition: 1600000003500})[partition]
    assert (found.offset, found.timestamp) == (4, 1600000004000)
    assert consumer.offsets_for_times({partition: 1600000009001})[partition] is None
    consumer.seek(partition, 7)
    assert next(consumer).value == b'7'
    consumer.seek_to_beginning(partition)
    assert next(consumer).value == b'0'
    consumer.seek_to_end(partition)
    assert consumer.position(partition) == 10
    assert consumer.poll(timeout_ms=100) == {}
    consumer.close()


def test_a_group_goes_on_where_it_committed(server):
    p = producer(server)
    for i in range(20):
        p.send('commits', b'%d' % i)
    p.flush()
    partition = TopicPartition('commits', 0)

    def member(**settings):
        return KafkaConsumer('commits', bootstrap_servers=server.bootstrap, group_id='g', auto_offset_reset='earliest', enable_auto_commit=False, **settings)

    first = member(max_poll_records=5)
    assert [next(first).value for _ in range(5)] == [b'%d' % i for i in range(5)]
    first.commit()
    assert first.committed(partition) == 5
    first.commit({partition: OffsetAndMetadata(8, 'a note')})
    assert first.committed(partition, metadata=True) == OffsetAndMetadata(8, 'a note')
    first.close()
    second = member()
    assert next(second).offset == 8
    second.close()
    p.close()


def test_two_members_share_and_take_over(server):
    admin = KafkaAdminClient(bootstrap_servers=server.bootstrap)
    admin.create_topics([NewTopic('shared', 4, 1)])
    stop, held, seen = threading.Event(), {}, []

    def member(name, until):
        consumer = KafkaConsumer('shared', bootstrap_servers=server.bootstrap, group_id='team', client_id=name, auto_offset_reset='earliest',
                                 heartbeat_interval_ms=50, session_timeout_ms=6000)
        while not until.is_set():
            for records in consumer.poll(timeout_ms=50).values():
                seen.extend(r.value for r in records)
            held[name] = {p.partition for p in consumer.assignment()}
        consumer.close()
        held[name] = set()

    one_stops = threading.Event()
    threads = [threading.Thread(target=member, args=('one', one_stops))]
    threads[0].start()
    eventually(lambda: held.get('one') == {0, 1, 2, 3})
    threads.append(threading.Thread(target=member, args=('two', stop)))
    threads[1].start()
    eventually(lambda: len(held.get('one', ())) == 2 and len(held.get('two', ())) == 2)
    assert held['one'] | held['two'] == {0, 1, 2, 3}
    state, = admin.describe_consumer_groups(['team'])
    assert (state.state, state.protocol_type, len(state.members)) == ('Stable', 'consumer', 2)
    assert sorted(m.client_id for m in state.members) == ['one', 'two']
    assert ('team', 'consumer') in admin.list_consumer_groups()
    p = producer(server)
    for i in range(40):
        p.send('shared', key=b'%d' % i, value=b'%d' % i)
    p.flush()
    p.close()
    eventually(lambda: len(seen) == 40)
    one_stops.set()
    eventually(lambda: held.get('two') == {0, 1, 2, 3})
    stop.set()
    for thread in threads:
        thread.join(20)
    assert sorted(seen, key=int) == [b'%d' % i for i in range(40)]
    offsets = admin.list_consumer_group_offsets('team')
    assert sum(o.offset for o in offsets.values()) == 40
    admin.delete_consumer_groups(['team'])
    assert ('team', 'consumer') not in admin.list_consumer_groups()
    admin.close()


def test_topics_are_made_described_widened_and_deleted(server):
    admin = KafkaAdminClient(bootstrap_servers=server.bootstrap)
    admin.create_topics([NewTopic('made', 2, 1, topic_configs={'retention.ms': '30000'})])
    with pytest.raises(TopicAlreadyExistsError):
        admin.create_topics([NewTopic('made', 2, 1)])
    with pytest.raises(InvalidReplicationFactorError):
        admin.create_topics([NewTopic('wide', 1, 2)])
    described, = admin.describe_topics(['made'])
    assert [(p['partition'], p['replicas'] == p['isr']) for p in described['partitions']] == [(0, True), (1, True)]
    admin.create_partitions({'made': NewPartitions(5)})
    described, = admin.describe_topics(['made'])
    assert len(described['partitions']) == 5
    assert 'made' in admin.list_topics()
    admin.delete_topics(['made'])
    assert 'made' not in admin.list_topics()
    with pytest.raises(UnknownTopicOrPartitionError):
        admin.delete_topics(['made'])
    admin.close()


def settings_of(admin, topic):
    answers = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    return {row[0]: row[1] for answer in answers for resource in answer.resources for row in resource[4]}


def test_settings_are_altered(server):
    admin = KafkaAdminClient(bootstrap_servers=server.bootstrap)
    admin.create_topics([NewTopic('set', 1, 1)])
    assert settings_of(admin, 'set')['retention.ms'] == '604800000'
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, 'set', {'retention.ms': '30000'})])
    assert settings_of(admin, 'set')['retention.ms'] == '30000'
    admin.close()


def test_three_brokers(serve):
    server = serve('--brokers', '3')
    admin = KafkaAdminClient(bootstrap_servers=server.bootstrap.split(','))
    admin.create_topics([NewTopic('wide', 6, 3)])
    cluster = admin.describe_cluster()
    assert sorted(b['port'] for b in cluster['brokers']) == sorted(server.ports)
    described, = admin.describe_topics(['wide'])
    assert {p['leader'] for p in described['partitions']} == {1, 2, 3}
    assert all(sorted(p['isr']) == [1, 2, 3] for p in described['partitions'])
    p = producer(server, acks='all')
    for i in range(300):
        p.send('wide', key=b'%d' % i, value=b'%d' % i)
    p.flush()
    p.close()
    got = read(server, 'wide', 300, group_id='g')
    assert sorted(int(r.value) for r in got) == list(range(300))
    admin.close()


def test_a_consumer_waits_for_what_comes(server):
    p = producer(server)
    p.send('wait', b'first').get(10)
    consumer = KafkaConsumer('wait', bootstrap_servers=server.bootstrap, auto_offset_reset='earliest', fetch_max_wait_ms=5000)
    assert next(consumer).value == b'first'
    threading.Timer(0.3, lambda: p.send('wait', b'second')).start()
    start = time.time()
    assert next(consumer).value == b'second'
    assert 0.1 < time.time() - start < 2
    consumer.close()
    p.close()


def test_an_unknown_topic_without_auto_creation(serve):
    server = serve('--set', 'auto.create.topics.enable=false')
    p = producer(server, max_block_ms=500)
    with pytest.raises(KafkaTimeoutError):
        p.send('nowhere', b'x').get(5)
    p.close()
    consumer = KafkaConsumer(bootstrap_servers=server.bootstrap)
    assert consumer.partitions_for_topic('nowhere') is None
    assert consumer.topics() == set()
    consumer.close()


def test_it_is_all_there_after_a_restart(serve, folder):
    lab = folder + '/kept'
    server = serve(lab=lab)
    p = producer(server)
    for i in range(10):
        p.send('kept', b'%d' % i).get(10)
    p.close()
    consumer = KafkaConsumer('kept', bootstrap_servers=server.bootstrap, group_id='g', auto_offset_reset='earliest')
    for _ in range(4):
        next(consumer)
    consumer.commit({TopicPartition('kept', 0): OffsetAndMetadata(4, '')})
    consumer.close(autocommit=False)
    assert server.stop() == 0
    server = serve(lab=lab)
    records = read(server, 'kept', 6, group_id='g')
    assert [r.value for r in records] == [b'%d' % i for i in range(4, 10)]
