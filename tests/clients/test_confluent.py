"""confluent-kafka (librdkafka) against `--serve`: idempotence, all codecs, groups, administration."""
import threading
import time

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition, TIMESTAMP_CREATE_TIME
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

from conftest import eventually


@pytest.fixture(params=['any', '2.7'])
def server(request, serve):
    server = serve('--kafka', request.param, '--set', 'offsets.topic.num.partitions=1')
    server.make_offsets_topic()
    return server


def consumer(server, group='g', **settings):
    given = {'bootstrap.servers': server.bootstrap, 'group.id': group, 'auto.offset.reset': 'earliest', 'session.timeout.ms': 6000,
             'heartbeat.interval.ms': 50}
    given.update({k.replace('_', '.'): v for k, v in settings.items()})
    return Consumer(given)


def send(server, topic, values, **settings):
    """Sends, waits, gives the offsets by value."""
    given = {'bootstrap.servers': server.bootstrap}
    given.update({k.replace('_', '.'): v for k, v in settings.items()})
    p, placed, failed = Producer(given), {}, []

    def done(err, message):
        if err:
            failed.append(err)
        else:
            placed[message.value()] = (message.partition(), message.offset())

    for value in values:
        p.produce(topic, value, on_delivery=done)
        p.poll(0)
    assert p.flush(20) == 0
    assert not failed
    return placed


def read(c, count, seconds=15):
    messages, end = [], time.time() + seconds
    while len(messages) < count and time.time() < end:
        for message in c.consume(count - len(messages), 0.2):
            assert not message.error() or message.error().code() == KafkaError.UNKNOWN_TOPIC_OR_PART, message.error()
            if not message.error():
                messages.append(message)
    return messages


def make(server, topic, partitions=1, factor=1, **config):
    admin = AdminClient({'bootstrap.servers': server.bootstrap})
    new = NewTopic(topic, partitions, factor, config={k.replace('_', '.'): v for k, v in config.items()})
    admin.create_topics([new])[topic].result(10)
    return admin


def test_keys_headers_timestamps(server):
    make(server, 't')
    p = Producer({'bootstrap.servers': server.bootstrap})
    p.produce('t', b'v', key=b'k', headers=[('a', b'1'), ('a', b''), ('b', None)], timestamp=1600000000000)
    p.produce('t', None, key=b'k')
    p.produce('t', b'')
    assert p.flush(10) == 0
    c = consumer(server)
    c.subscribe(['t'])
    first, second, third = read(c, 3)
    assert (first.key(), first.value(), first.offset()) == (b'k', b'v', 0)
    assert first.headers() == [('a', b'1'), ('a', b''), ('b', None)]
    assert first.timestamp() == (TIMESTAMP_CREATE_TIME, 1600000000000)
    assert (second.key(), second.value()) == (b'k', None)
    assert (third.key(), third.value()) == (None, b'')
    c.close()


@pytest.mark.parametrize('codec', ['none', 'gzip', 'snappy', 'lz4', 'zstd'])
def test_codecs(server, codec):
    make(server, 't')
    values = [b'compressed again and again %d' % i for i in range(1000)]
    send(server, 't', values, compression_codec=codec, linger_ms=20)
    c = consumer(server, check_crcs=True)
    c.subscribe(['t'])
    assert [m.value() for m in read(c, 1000)] == values
    c.close()


@pytest.mark.parametrize('codec', ['gzip', 'snappy', 'lz4', 'zstd', 'uncompressed'])
def test_the_broker_compresses_anew(server, codec):
    make(server, 't', compression_type=codec)
    values = [b'from gzip to another %d' % i for i in range(500)]
    send(server, 't', values, compression_codec='gzip', linger_ms=20)
    c = consumer(server, check_crcs=True)
    c.subscribe(['t'])
    assert [m.value() for m in read(c, 500)] == values
    c.close()


@pytest.mark.parametrize('acks', [0, 1, -1])
def test_acks(server, acks):
    make(server, 't', 3)
    send(server, 't', [b'%d' % i for i in range(100)], acks=acks)
    c = consumer(server)
    c.subscribe(['t'])
    assert sorted(int(m.value()) for m in read(c, 100)) == list(range(100))
    c.close()


def test_an_idempotent_producer(server):
    make(server, 't')
    placed = send(server, 't', [b'%d' % i for i in range(5000)], enable_idempotence=True, batch_num_messages=100)
    assert placed == {b'%d' % i: (0, i) for i in range(5000)}


def test_log_append_time(server):
    make(server, 't', message_timestamp_type='LogAppendTime')
    before = time.time() * 1000
    send(server, 't', [b'x'])
    c = consumer(server)
    c.subscribe(['t'])
    kind, stamp = read(c, 1)[0].timestamp()
    assert kind != TIMESTAMP_CREATE_TIME and before - 2000 < stamp < time.time() * 1000 + 2000
    c.close()


def test_commit_seek_and_times(server):
    make(server, 't')
    p = Producer({'bootstrap.servers': server.bootstrap})
    for i in range(10):
        p.produce('t', b'%d' % i, timestamp=1600000000000 + i * 1000)
    p.flush(10)
    c = consumer(server, enable_auto_commit=False)
    c.assign([TopicPartition('t', 0)])
    assert c.get_watermark_offsets(TopicPartition('t', 0), 10) == (0, 10)
    assert [m.offset() for m in read(c, 4)] == [0, 1, 2, 3]
    c.commit(offsets=[TopicPartition('t', 0, 4)], asynchronous=False)
    assert c.committed([TopicPartition('t', 0)], 10)[0].offset == 4
    c.seek(TopicPartition('t', 0, 8))
    assert [m.offset() for m in read(c, 2)] == [8, 9]
    found, = c.offsets_for_times([TopicPartition('t', 0, 1600000003500)], 10)
    assert found.offset == 4
    c.close()
    c = consumer(server)
    c.subscribe(['t'])
    assert read(c, 1)[0].offset() == 4
    c.close()


@pytest.mark.parametrize('strategy', ['range', 'roundrobin', 'cooperative-sticky'])
def test_two_members(server, strategy):
    make(server, 't', 4)
    held, seen, stops, threads = {}, [], {}, []

    def member(name):
        c = consumer(server, partition_assignment_strategy=strategy, client_id=name)
        c.subscribe(['t'])
        while not stops[name].is_set():
            message = c.poll(0.05)
            if message and not message.error():
                seen.append(int(message.value()))
            held[name] = {p.partition for p in c.assignment()}
        c.close()
        held[name] = set()

    def start(name):
        stops[name] = threading.Event()
        threads.append(threading.Thread(target=member, args=(name,)))
        threads[-1].start()

    start('one')
    eventually(lambda: held.get('one') == {0, 1, 2, 3})
    start('two')
    eventually(lambda: len(held['one']) == 2 and len(held.get('two', ())) == 2)
    send(server, 't', [b'%d' % i for i in range(200)])
    eventually(lambda: len(seen) >= 200)
    stops['one'].set()
    eventually(lambda: held['two'] == {0, 1, 2, 3})
    stops['two'].set()
    for thread in threads:
        thread.join(20)
    assert sorted(seen) == list(range(200))


def test_a_static_member_comes_back_to_what_it_had(server):
    make(server, 't', 2)
    first = consumer(server, group_instance_id='fixed')
    first.subscribe(['t'])
    eventually(lambda: first.poll(0.1) or len(first.assignment()) == 2)
    first.close()
    again = consumer(server, group_instance_id='fixed')
    again.subscribe(['t'])
    eventually(lambda: again.poll(0.1) or len(again.assignment()) == 2)
    again.close()


def test_administration(server):
    admin = make(server, 'made', 2, retention_ms='30000')
    with pytest.raises(KafkaException) as refused:
        admin.create_topics([NewTopic('made', 1, 1)])['made'].result(10)
    assert refused.value.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS
    with pytest.raises(KafkaException) as refused:
        admin.create_topics([NewTopic('b:d', 1, 1)])['b:d'].result(10)
    assert refused.value.args[0].code() == KafkaError.TOPIC_EXCEPTION
    admin.create_partitions([NewPartitions('made', 4)])['made'].result(10)
    assert len(admin.list_topics('made', timeout=10).topics['made'].partitions) == 4
    resource = ConfigResource('topic', 'made')
    assert admin.describe_configs([resource])[resource].result(10)['retention.ms'].value == '30000'
    changed = ConfigResource('topic', 'made', set_config={'segment.ms': '5000'})
    admin.alter_configs([changed])[changed].result(10)
    settings = admin.describe_configs([resource])[resource].result(10)
    assert (settings['segment.ms'].value, settings['retention.ms'].value) == ('5000', '604800000')
    bad = ConfigResource('topic', 'made', set_config={'retention.ms': 'soon'})
    with pytest.raises(KafkaException) as refused:
        admin.alter_configs([bad])[bad].result(10)
    assert refused.value.args[0].code() == (KafkaError.INVALID_REQUEST if server.options[1] == '2.7' else KafkaError.INVALID_CONFIG)
    broker = ConfigResource('broker', str(next(iter(admin.list_topics(timeout=10).brokers))))
    assert admin.describe_configs([broker])[broker].result(10)['num.partitions'].value == '1'
    admin.delete_topics(['made'])['made'].result(10)
    eventually(lambda: 'made' not in admin.list_topics(timeout=10).topics)


def test_groups_are_listed(server):
    make(server, 't')
    c = consumer(server, 'listed')
    c.subscribe(['t'])
    eventually(lambda: c.poll(0.1) or c.assignment())
    admin = AdminClient({'bootstrap.servers': server.bootstrap})
    group, = admin.list_groups('listed', 10)
    assert (group.id, group.state, group.protocol_type, len(group.members)) == ('listed', 'Stable', 'consumer', 1)
    c.close()
    group, = admin.list_groups('listed', 10)
    assert group.state == 'Empty'


def test_three_brokers_factor_three(serve):
    server = serve('--brokers', '3')
    admin = make(server, 'wide', 6, 3, min_insync_replicas='2')
    topic = admin.list_topics('wide', timeout=10).topics['wide']
    assert all(sorted(p.isrs) == [1, 2, 3] for p in topic.partitions.values())
    placed = send(server, 'wide', [b'%d' % i for i in range(3000)], acks=-1, enable_idempotence=True)
    assert len(placed) == 3000
    c = consumer(server)
    c.subscribe(['wide'])
    messages = read(c, 3000)
    assert sorted(int(m.value()) for m in messages) == list(range(3000))
    assert {m.value(): (m.partition(), m.offset()) for m in messages} == placed
    c.close()


def test_many_records_through_segments(server):
    make(server, 't', segment_bytes='1048576')
    values = [b'%06d' % i + b'x' * 194 for i in range(30000)]
    send(server, 't', values, queue_buffering_max_messages=100000)
    c = consumer(server, check_crcs=True)
    c.subscribe(['t'])
    assert [m.value() for m in read(c, 30000, 30)] == values
    c.close()
