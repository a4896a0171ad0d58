"""Brokers that are killed and started again while real clients write: what the tests of librdkafka and of the Java client share."""
import random
import threading
import time

from confluent_kafka import Consumer, TopicPartition

TOPIC, PARTITIONS = 'ledger', 3
# Virtual time goes 20 times as fast as a client's: a session that takes 9 s to end is noticed in half a second.
OPTIONS = ('--brokers', '3', '--speed', '20', '--set', 'replica.lag.time.max.ms=3000')


def make_topic(server):
    status, _, err = server.run('kafka-topics.sh --create --topic %s --partitions %d --replication-factor 3 --config min.insync.replicas=2 '
                                '--config unclean.leader.election.enable=false --bootstrap-server localhost:9092' % (TOPIC, PARTITIONS))
    assert status == 0, err


def ask(server, query):
    """Rows of a query, as lists of words."""
    status, out, err = server.run(query)
    assert status == 0, err
    return [line.split() for line in out.splitlines()[1:]]


ALL_IN_SYNC = "(SELECT count(*) FROM replicas WHERE topic = '%s' AND NOT in_isr) = 0" % TOPIC


def kill_and_start(server, kills, seed):
    """One broker after the other dies under load and comes back; before the next one all are in sync, so that never two are missing."""
    chance = random.Random(seed)
    ids = [int(row[0]) for row in ask(server, 'SELECT broker FROM brokers')]
    for _ in range(kills):
        victim = chance.choice(ids)
        # in the lab's time: some come back before their session has ended, some after it
        status, _, err = server.run('broker kill %d; wait %dms; broker start %d; wait %s' % (victim, chance.randrange(2000, 24000), victim, ALL_IN_SYNC))
        assert status == 0, err


class Ledger:
    """What was told to be written: value -> (partition, offset)."""

    def __init__(self):
        self.acknowledged = {}
        self.failed = []
        self.lock = threading.Lock()

    def told(self, value, partition, offset):
        with self.lock:
            assert value not in self.acknowledged, value
            self.acknowledged[value] = (partition, offset)


def read_all(server):
    """Every record of the topic, by a consumer: [(partition, offset, value)]."""
    consumer = Consumer({'bootstrap.servers': server.bootstrap, 'group.id': 'checker', 'auto.offset.reset': 'earliest', 'enable.auto.commit': False})
    ends = {p: consumer.get_watermark_offsets(TopicPartition(TOPIC, p), 30)[1] for p in range(PARTITIONS)}
    consumer.assign([TopicPartition(TOPIC, p, 0) for p in range(PARTITIONS)])
    seen, left, end = [], {p: n for p, n in ends.items() if n}, time.time() + 60
    while left:
        assert time.time() < end, 'not all could be read: %r of %r' % (left, ends)
        for message in consumer.consume(1000, 0.5):
            assert not message.error(), message.error()
            seen.append((message.partition(), message.offset(), message.value()))
            if message.offset() + 1 >= left.get(message.partition(), 1 << 62):
                del left[message.partition()]
    consumer.close()
    return seen


def check(server, ledger):
    """All that was acknowledged lies where it was said to; what an idempotent producer (exact...) wrote is there once, in order."""
    seen = read_all(server)
    at = {(partition, offset): value for partition, offset, value in seen}
    assert len(at) == len(seen)
    for value, place in ledger.acknowledged.items():
        assert at.get(place) == value, 'acknowledged %r at %r, where %r lies' % (value, place, at.get(place))
    last = {}
    for partition, offset, value in seen:
        name, number = value.rsplit(b'-', 1)
        if name.startswith(b'exact'):
            assert int(number) > last.get((name, partition), -1), 'twice or out of order: %r at %d of partition %d' % (value, offset, partition)
            last[name, partition] = int(number)
    return len(seen)


def same_everywhere(server):
    """All replicas of a partition end at the same offset."""
    rows = ask(server, "SELECT partition, count(DISTINCT log_end_offset) AS ends FROM replicas WHERE topic = '%s' GROUP BY partition" % TOPIC)
    assert rows == [[str(p), '1'] for p in range(PARTITIONS)]
