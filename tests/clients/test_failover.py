"""librdkafka with acks=all against factor 3, min.insync.replicas=2, while brokers are killed and come back (KAFKARIUM_KILLS of them)."""
import os
import threading

from confluent_kafka import Producer

from failover import OPTIONS, PARTITIONS, TOPIC, Ledger, check, kill_and_start, make_topic, same_everywhere

KILLS = int(os.environ.get('KAFKARIUM_KILLS', '5'))


def write(server, name, idempotent, ledger, stop):
    producer = Producer({'bootstrap.servers': server.bootstrap, 'acks': 'all', 'enable.idempotence': idempotent, 'linger.ms': 5, 'retries': 2147483647,
                         'message.timeout.ms': 120000, 'retry.backoff.ms': 50, 'reconnect.backoff.ms': 20, 'reconnect.backoff.max.ms': 200,
                         'max.in.flight.requests.per.connection': 5, 'client.id': name, 'socket.timeout.ms': 10000})

    def told(error, message):
        if error:
            ledger.failed.append((message.value(), str(error)))
        else:
            ledger.told(message.value(), message.partition(), message.offset())

    number = 0
    while not stop.is_set():
        for _ in range(20):
            producer.produce(TOPIC, b'%s-%d' % (name.encode(), number), partition=number % PARTITIONS, callback=told)
            number += 1
        producer.poll(0.01)
    left = producer.flush(120)
    assert left == 0, left


def test_nothing_acknowledged_is_lost_while_brokers_die_and_come_back(serve):
    server = serve(*OPTIONS)
    make_topic(server)
    stop, ledger = threading.Event(), Ledger()
    writers = [threading.Thread(target=write, args=(server, name, name != 'plain', ledger, stop)) for name in ('exact0', 'exact1', 'plain')]
    for writer in writers:
        writer.start()
    try:
        kill_and_start(server, KILLS, 1)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert not ledger.failed, ledger.failed[:3]
    assert len(ledger.acknowledged) > 100 * KILLS
    assert check(server, ledger) >= len(ledger.acknowledged)
    same_everywhere(server)
