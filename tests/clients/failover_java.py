"""The Java client of KAFKARIUM_JARS through brokers that are killed and come back. Run by tests/clients/extra."""
import os
import subprocess
import threading

from failover import OPTIONS, PARTITIONS, TOPIC, Ledger, check, kill_and_start, make_topic, same_everywhere

JARS = os.path.join(os.environ['KAFKARIUM_CACHE'], 'kafka-' + os.environ['KAFKARIUM_JARS'])
KILLS = int(os.environ.get('KAFKARIUM_KILLS', '50'))


def listen(producer, ledger):
    for line in producer.stdout:
        words = line.split()
        if words[0] == 'ok':
            ledger.told(words[1].encode(), int(words[2]), int(words[3]))
        elif words[0] == 'failed':
            ledger.failed.append(line)


def test_the_java_producer_loses_nothing_that_was_acknowledged(serve):
    server = serve(*OPTIONS)
    make_topic(server)
    ledger = Ledger()
    producer = subprocess.Popen(['java', '-XX:TieredStopAtLevel=1', '-Xmx256M', '-cp', '%s/conf:%s/libs/*' % (JARS, JARS),
                                 os.path.join(os.path.dirname(os.path.abspath(__file__)), 'LedgerProducer.java'), server.bootstrap, TOPIC, 'exact', str(PARTITIONS)],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    listener = threading.Thread(target=listen, args=(producer, ledger))
    listener.start()
    try:
        kill_and_start(server, KILLS, 2)
        producer.stdin.close()
        assert producer.wait(150) == 0
    finally:
        producer.kill()
        listener.join()
        producer.stdout.close()
    assert not ledger.failed, ledger.failed[:3]
    assert len(ledger.acknowledged) > 100 * KILLS
    assert check(server, ledger) >= len(ledger.acknowledged)
    same_everywhere(server)
