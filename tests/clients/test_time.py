"""Virtual time under real clients: a week passes in a moment, a pause lets nobody hang, frozen requests wait and are counted."""
import re
import threading

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from conftest import eventually


class Reader(threading.Thread):
    """A member of a group that polls until it is told to stop."""

    def __init__(self, bootstrap):
        super().__init__(daemon=True)
        self.consumer = KafkaConsumer('letters', bootstrap_servers=bootstrap, group_id='readers', auto_offset_reset='earliest')
        self.values, self.generations, self.ending = [], set(), False

    def run(self):
        while not self.ending:
            for part in self.consumer.poll(timeout_ms=100).values():
                self.values += [r.value for r in part]
            self.generations.add(self.consumer._coordinator.generation().generation_id if self.consumer.assignment() else None)
        self.consumer.close()


@pytest.mark.parametrize('release', ['any', '2.7'])
def test_a_week_passes_and_the_consumer_stays(serve, release):
    server = serve('--kafka', release)
    admin = KafkaAdminClient(bootstrap_servers=server.bootstrap)
    admin.create_topics([NewTopic('letters', 1, 1, topic_configs={'retention.ms': '60000'})])
    producer = KafkaProducer(bootstrap_servers=server.bootstrap)
    for i in range(5):
        producer.send('letters', b'%d' % i).get(10)
    reader = Reader(server.bootstrap)
    reader.start()
    eventually(lambda: len(reader.values) == 5)
    reader.generations.clear()
    status, out, err = server.run('advance 7d')
    assert status == 0 and out.startswith('7 days: 2016 checks, 1 roll, 1 segment deleted'), out + err
    place = TopicPartition('letters', 0)
    probe = KafkaConsumer(bootstrap_servers=server.bootstrap)
    assert probe.beginning_offsets([place])[place] == probe.end_offsets([place])[place] == 5
    probe.close()
    meta = producer.send('letters', b'after a week').get(10)
    assert meta.offset == 5
    eventually(lambda: reader.values[5:] == [b'after a week'])
    status, out, _ = server.run('SELECT count(*) AS left FROM events WHERE event = \'member_left\'')
    assert out.split() == ['left', '0']
    reader.ending = True
    reader.join(20)
    assert len(reader.generations - {None}) == 1
    # A record that was sent now has age 0: it is as old as virtual time says since then.
    status, out, _ = server.run('SELECT abs((SELECT now_ms FROM clock) - max_timestamp_ms) < 60000 AS fresh FROM batches WHERE topic = \'letters\'')
    assert out.split() == ['fresh', '1']
    producer.close()
    admin.close()


def test_a_pause_lets_nobody_hang(serve):
    server = serve('--brokers', '3', '--speed', 'paused')
    admin = KafkaAdminClient(bootstrap_servers=server.bootstrap.split(','))
    admin.create_topics([NewTopic('wide', 3, 3)])
    producer = KafkaProducer(bootstrap_servers=server.bootstrap.split(','), acks='all')
    offsets = [producer.send('wide', b'%d' % i, partition=i % 3).get(10).offset for i in range(9)]
    assert offsets == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    consumer = KafkaConsumer('wide', bootstrap_servers=server.bootstrap.split(','), group_id='g', auto_offset_reset='earliest')
    got = []
    eventually(lambda: got.extend(r for part in consumer.poll(timeout_ms=200).values() for r in part) or len(got) == 9)
    consumer.close()
    _, before, _ = server.run('SELECT now_ms FROM clock')
    _, after, _ = server.run('SELECT now_ms FROM clock')
    assert before == after
    producer.close()
    admin.close()


def test_frozen_requests_wait_and_are_counted(serve):
    server = serve()
    producer = KafkaProducer(bootstrap_servers=server.bootstrap)
    producer.send('cold', b'before').get(10)
    server.run('freeze')
    future = producer.send('cold', b'meanwhile')
    waiting = eventually(lambda: re.search(r'FROZEN: (\d+) waiting', server.run('view cold-0')[1]) and
                         re.search(r'FROZEN: ([1-9]\d*) waiting', server.run('view cold-0')[1]))
    assert int(waiting.group(1)) >= 1 and not future.is_done
    server.run('resume')
    assert future.get(10).offset == 1
    producer.close()
