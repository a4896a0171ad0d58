"""Faults at requests, met by real clients: kafka-python and librdkafka."""
import re

import confluent_kafka
import kafka
import pytest
from conftest import eventually


def lab(serve, *options):
    server = serve(*options)
    assert server.run('kafka-topics --create --topic students --bootstrap-server localhost:9092')[0] == 0
    return server


def faults(server):
    """Hits of each fault by its number."""
    status, out, err = server.run('set mode csv; fault list')
    assert status == 0, err
    return {int(line.split(',')[0]): int(re.search(r',(\d+),\d+,\d+,(on|used up|released)$', line).group(1)) for line in out.splitlines()[1:]}


def end_of(server):
    consumer = kafka.KafkaConsumer(bootstrap_servers=server.bootstrap)
    end = consumer.end_offsets([kafka.TopicPartition('students', 0)])
    consumer.close()
    return list(end.values())[0]


@pytest.mark.parametrize('release', ['2.7', '4.3'])
def test_an_error_that_passes_is_retried(serve, release):
    server = lab(serve, '--kafka', release)
    assert server.run('fault add Produce topic=students count=2 error=NOT_LEADER_OR_FOLLOWER')[0] == 0
    assert server.run('fault add Fetch topic=students count=2 error=NOT_LEADER_OR_FOLLOWER')[0] == 0
    assert server.run('fault add Metadata topic=students skip=1 count=1 error=LEADER_NOT_AVAILABLE')[0] == 0
    producer = kafka.KafkaProducer(bootstrap_servers=server.bootstrap, retries=5, retry_backoff_ms=20, api_version=(2, 5, 0))
    assert producer.send('students', b'one').get(20).offset == 0
    producer.close()
    consumer = kafka.KafkaConsumer('students', bootstrap_servers=server.bootstrap, auto_offset_reset='earliest', consumer_timeout_ms=20000, retry_backoff_ms=20)
    assert next(consumer).value == b'one'
    consumer.close()
    assert faults(server) == {1: 2, 2: 2, 3: 1}
    assert server.run('fault missed')[0] == 0


def test_an_error_that_stays_is_the_clients(serve):
    server = lab(serve)
    server.run('fault add Produce topic=students error=TOPIC_AUTHORIZATION_FAILED')
    producer = kafka.KafkaProducer(bootstrap_servers=server.bootstrap)
    with pytest.raises(kafka.errors.TopicAuthorizationFailedError):
        producer.send('students', b'one').get(20)
    producer.close()
    assert end_of(server) == 0


@pytest.mark.parametrize('idempotent', [True, False])
def test_a_lost_answer_makes_a_duplicate_but_of_an_idempotent_producer(serve, idempotent):
    server = lab(serve)
    server.run('fault add Produce topic=students count=1 lose-response')
    producer = confluent_kafka.Producer({'bootstrap.servers': server.bootstrap, 'enable.idempotence': idempotent, 'socket.timeout.ms': 1500, 'request.timeout.ms': 1000,
                                         'retry.backoff.ms': 20, 'message.timeout.ms': 20000})
    told = []
    producer.produce('students', b'one', on_delivery=lambda err, message: told.append(err))
    assert producer.flush(30) == 0
    assert told == [None]
    assert faults(server) == {1: 1}
    assert end_of(server) == (1 if idempotent else 2)


def test_what_is_held_goes_on_when_it_is_released(serve):
    server = lab(serve)
    server.run('fault add Produce topic=students client=the-one hold')
    held = kafka.KafkaProducer(bootstrap_servers=server.bootstrap, client_id='the-one')
    other = kafka.KafkaProducer(bootstrap_servers=server.bootstrap, client_id='another')
    future = held.send('students', b'held')
    assert other.send('students', b'free').get(20).offset == 0
    eventually(lambda: 'the-one' in server.run('sql select client_id from connections where waiting_in = \'Produce\'')[1])
    assert not future.is_done
    assert 'goes on' in server.run('fault release 1')[1]
    assert future.get(20).offset == 1
    assert held.send('students', b'later').get(20).offset == 2
    held.close()
    other.close()


@pytest.mark.parametrize('cut,heal', [('net cut clients 1', 'net heal'), ('broker freeze 1', 'broker thaw 1'), ('fault add * client=the-one blackhole', 'fault clear')])
def test_a_client_that_is_cut_off_hangs_and_goes_on(serve, cut, heal):
    server = lab(serve)
    producer = kafka.KafkaProducer(bootstrap_servers=server.bootstrap, client_id='the-one', request_timeout_ms=60000)
    assert producer.send('students', b'before').get(20).offset == 0
    assert server.run(cut)[0] == 0
    future = producer.send('students', b'while')
    eventually(lambda: 'the-one' in server.run('sql select client_id from connections where waiting_in is not null')[1])
    assert not future.is_done
    assert server.run(heal)[0] == 0
    assert future.get(20).offset == 1
    producer.close()


def test_a_late_answer_is_late_by_the_clients_clock(serve):
    server = lab(serve)
    server.run('pause')
    server.run('fault add Produce delay=300ms')
    producer = kafka.KafkaProducer(bootstrap_servers=server.bootstrap)
    assert producer.send('students', b'one').get(20).offset == 0
    producer.close()
    assert faults(server) == {1: 1}


def test_a_mute_connection_is_given_up(serve):
    server = lab(serve)
    server.run('fault add Produce count=1 lose-request')
    producer = kafka.KafkaProducer(bootstrap_servers=server.bootstrap, request_timeout_ms=800, retries=3, retry_backoff_ms=20)
    assert producer.send('students', b'one').get(30).offset == 0
    producer.close()
    assert end_of(server) == 1
    assert server.run('fault missed')[0] == 0


def test_clients_are_named_and_kicked_and_put_out_of_their_group(serve):
    server = lab(serve)
    producer = kafka.KafkaProducer(bootstrap_servers=server.bootstrap, client_id='the-one', retries=5, retry_backoff_ms=20)
    assert producer.send('students', b'one').get(20).offset == 0
    address = re.search(r'(127\.0\.0\.1|::1):\d+ +the-one', server.run('clients')[1]).group(1)   # whatever localhost is here
    assert server.run('clients name %s Anna' % address)[0] == 0
    assert re.search(re.escape(address) + r':\d+ +Anna +the-one', server.run('clients')[1])
    assert 'closed' in server.run('clients kick the-one')[1]
    assert server.run('clients kick nobody')[0] == 1
    assert producer.send('students', b'two').get(20).offset == 1
    producer.close()
    consumer = kafka.KafkaConsumer('students', bootstrap_servers=server.bootstrap, group_id='team', client_id='reader', auto_offset_reset='earliest',
                                   consumer_timeout_ms=20000, heartbeat_interval_ms=100)
    next(consumer)
    assert 'Out of the group' in server.run('group expire team reader')[1]
    assert server.run('group expire team all')[0] == 1  # it is gone
    eventually(lambda: consumer.poll(50) is not None and 'reader' in server.run('group')[1])
    consumer.close()
