"""Brokers and disks broken and mended from the shell: what is printed, and what real clients see."""
import os
import re
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from conftest import run  # noqa: E402

CREATE = 'kafka-topics.sh --create --topic students --partitions 1 --replication-factor %d --bootstrap-server localhost:9092;'


def script(text, *options):
    return run('--no-listen', *options, '-c', text, timeout=60)


def test_a_killed_leader_is_replaced_when_its_session_ends():
    status, out, err = script('kafka-topics.sh --create --topic students --replica-assignment 3:1:2 --bootstrap-server localhost:9092; broker kill 3; next leader; broker start 3; advance 1s; broker', '--brokers', '3')
    assert status == 0, err
    assert 'Broker 3 was killed. The controller notices when its session ends (broker.session.timeout.ms); `next leader` goes there.' in out
    assert 'students-0: ISR 3,1,2 -> 1,2: the session of broker 3 ended' in out
    assert 'students-0: leader 1, was 3: the session of broker 3 ended' in out
    assert 'Broker 3 is up.' in out
    assert [line.split()[1] for line in out.splitlines()[-3:]] == ['up', 'up', 'up']


def test_next_of_what_is_not_there():
    status, out, err = script('next leader nosuch; next isr nosuch-0; next rebalance nosuch')
    assert status == 1 and "next: there is no topic or partition 'nosuch'" in err and "'nosuch-0'" in err
    assert 'No rebalance within a virtual day.' in out   # groups come by themselves


def test_stop_and_start():
    status, out, err = script('broker stop 0; broker; broker stop 0; broker start 0; broker start 0; broker explode 0; broker kill 9', '--kafka', '2.7')
    assert status == 1
    assert 'Broker 0 is down; `broker start 0` brings it back.' in out
    assert '0  down' in out and 'Broker 0 is up.' in out
    assert 'broker: broker 0 is down already; broker start 0 brings it back' in err
    assert 'broker: broker 0 is up already' in err
    assert "broker: there is no order 'broker explode 0'; it is one of: broker stop ID" in err
    assert 'broker: there is no broker 9; there is only broker 0' in err


def test_a_start_after_a_kill_waits_for_the_session():
    status, out, err = script('broker kill 0; broker start 0; time', '--kafka', '2.7')
    assert status == 0, err
    assert 'the session of its killed predecessor lives until 00:00:21, then it registers.\nBroker 0 is up.' in out


def test_a_full_disk_halts_the_broker():
    status, out, err = script(CREATE % 1 + 'disk full 1 100; disk; echo %s | kafka-console-producer.sh --topic students --bootstrap-server localhost:9092 '
                              '--request-timeout-ms 2000 --producer-property delivery.timeout.ms=3000; broker; disk heal 1; broker start 1; '
                              'echo mended | kafka-console-producer.sh --topic students --bootstrap-server localhost:9092; '
                              'kafka-console-consumer.sh --topic students --from-beginning --max-messages 1 --bootstrap-server localhost:9092' % ('x' * 200))
    assert '1  full after 100 bytes' in out
    assert 'Error: KAFKA_STORAGE_ERROR' in out + err
    assert '1  down' in out
    assert 'Disk of broker 1: well. The broker is down; `broker start 1` brings it back.' in out
    assert out.rstrip().splitlines()[-1] == 'mended', err[-3000:]


def test_wrong_words_name_the_way_out():
    status, out, err = script('disk slow 1; disk slow 1 forever; disk fail 1 jump; disk full 1 -5; disk heal; disk')
    assert status == 1
    for text in ('disk: how long does a write take? From 1us to 1h, for instance: disk slow 1 50ms', 'disk: which operation is to fail?',
                 'disk: how many bytes may still be written? For instance: disk full 1 64KiB', 'disk: it is disk heal ID [DIR]; `disk` alone shows how they are'):
        assert text in err
    assert '1  well' in out


def test_power_off_says_what_is_gone_and_the_lab_opens_again(folder):
    lab = os.path.join(folder, 'lab')
    lines = CREATE % 1 + 'seq 1 200 | kafka-console-producer.sh --topic students --bootstrap-server localhost:9092; ' \
        'disk; broker power-off 1; broker start 1; kafka-get-offsets.sh --topic students --bootstrap-server localhost:9092; ' \
        "SELECT event, text FROM events WHERE event = 'records_lost'"
    lost = 0
    for seed in range(4):
        status, out, err = script(lines, '--seed', str(seed), lab + str(seed))
        assert status == 0, err
        assert 'Broker 1 lost its power; of what was not flushed ' in out
        end = int([line for line in out.splitlines() if line.startswith('students:0:')][0].split(':')[2])
        assert 0 <= end <= 200
        assert ('records_lost' in out) == (end < 200)
        lost += end < 200
        status, out, err = script('kafka-get-offsets.sh --topic students --bootstrap-server localhost:9092', lab + str(seed))
        assert (status, out) == (0, 'students:0:%d\n' % end), err
    assert lost


def test_a_paused_or_frozen_lab_stops_its_brokers_too(folder):
    binary = os.path.join(os.environ.get('KAFKARIUM_BUILD', 'build'), 'kafkarium')
    lab = os.path.join(folder, 'lab')
    serve = subprocess.Popen([binary, '--serve', '--port', '0', lab], stdout=subprocess.PIPE, text=True)
    try:
        serve.stdout.readline()

        def steer(text):
            return subprocess.run([binary, '--to', lab, '-c', text], capture_output=True, text=True, timeout=20).stdout

        assert 'Broker 1 is down; `broker start 1` brings it back.' in steer('pause; broker stop 1')
        assert 'Broker 1 is up.' in steer('broker start 1')
        assert 'Nothing runs while the lab is frozen: it goes on with `resume`.' in steer('freeze; broker stop 1')
        assert '1  stopping' in steer('broker')
        assert '1  down' in steer('resume; advance 1s; broker')
    finally:
        serve.terminate()
        serve.wait(20)


def listening(port):
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
        return True
    except OSError:
        return False


def test_a_real_client_goes_on_over_kill_and_start(folder):
    """kafka-python with acks=all and retries: what it was told is there once the leader is another, and when the killed one is back."""
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition
    binary = os.path.join(os.environ.get('KAFKARIUM_BUILD', 'build'), 'kafkarium')
    lab = os.path.join(folder, 'lab')
    serve = subprocess.Popen([binary, '--serve', '--brokers', '3', '--port', '0', '--set', 'broker.session.timeout.ms=1000', lab], stdout=subprocess.PIPE, text=True)
    try:
        addresses = serve.stdout.readline().split()[1].split(',')

        def steer(text):
            return subprocess.run([binary, '--to', lab, '-c', text], capture_output=True, text=True, timeout=60)

        assert steer('kafka-topics.sh --create --topic students --replica-assignment 2:3:1 --bootstrap-server localhost:9092').returncode == 0
        producer = KafkaProducer(bootstrap_servers=addresses, acks='all', retries=1000, retry_backoff_ms=50, max_in_flight_requests_per_connection=1,
                                 reconnect_backoff_ms=50, reconnect_backoff_max_ms=200)
        told = [producer.send('students', b'%d' % i) for i in range(20)]
        assert [future.get(10).offset for future in told] == list(range(20))
        assert steer('broker kill 2').returncode == 0
        assert not listening(int(addresses[1].split(':')[1]))
        told = [producer.send('students', b'%d' % i) for i in range(20, 40)]
        for future in told:
            future.get(30)
        answer = steer('broker start 2')
        assert answer.returncode == 0, answer.stderr
        assert listening(int(addresses[1].split(':')[1]))
        assert producer.send('students', b'last').get(10).offset >= 40
        producer.close()
        consumer = KafkaConsumer(bootstrap_servers=addresses, consumer_timeout_ms=3000)
        consumer.assign([TopicPartition('students', 0)])
        consumer.seek_to_beginning()
        seen = []
        for record in consumer:
            if record.value not in seen: # a retry may have written one twice: it is no idempotent producer
                seen.append(record.value)
            if record.value == b'last':
                break
        assert seen == [b'%d' % i for i in range(40)] + [b'last']
        consumer.close()
    finally:
        serve.terminate()
        serve.wait(20)


def test_a_taken_port_is_named_and_the_broker_stays_down(folder):
    binary = os.path.join(os.environ.get('KAFKARIUM_BUILD', 'build'), 'kafkarium')
    lab = os.path.join(folder, 'lab')
    serve = subprocess.Popen([binary, '--serve', '--port', '0', lab], stdout=subprocess.PIPE, text=True)
    try:
        port = int(serve.stdout.readline().split(':')[1])

        def steer(text):
            return subprocess.run([binary, '--to', lab, '-c', text], capture_output=True, text=True, timeout=60)

        assert steer('broker stop 1').returncode == 0
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(('127.0.0.1', port))
            taken.listen()
            answer = steer('broker start 1')
            assert answer.returncode == 1
            assert 'port %d is in use by' % port in answer.stderr
        answer = steer('broker start 1')
        assert (answer.returncode, answer.stdout) == (0, 'Broker 1 is up.\n')
        assert listening(port)
    finally:
        serve.terminate()
        serve.wait(20)


def test_a_broker_with_many_logs_is_waited_for_also_under_pause():
    status, out, err = script('kafka-topics.sh --create --topic many --partitions 200 --replication-factor 2 --bootstrap-server localhost:9092; broker kill 2; advance 30s; '
                              'broker start 2; broker stop 2; pause; broker start 2; broker', '--brokers', '2')
    assert status == 0 and not err
    assert out.count('Broker 2 is starting: its 200 logs are loaded, then it serves.\nBroker 2 is up.\n') == 2
    assert re.search(r'\n +2  up +9093 +200 +0\n', out), out


def test_a_topic_that_waits_to_be_deleted_is_shown_as_real_2_7_shows_it():
    """What three brokers of 2.7.0 printed, one of them down: brokers know the topic no more, ZooKeeper still does."""
    tool = 'kafka-topics.sh --%s %s;'
    status, out, err = script(tool % ('create', '--topic a --replica-assignment 1:2:0 --bootstrap-server localhost:9092') + 'broker stop 2; advance 1s; echo --;' +
                              ''.join(tool % (what, where) for what, where in (
                                  ('delete', '--topic a --bootstrap-server localhost:9092'), ('list', '--bootstrap-server localhost:9092'), ('list', '--zookeeper localhost:2181'),
                                  ('describe', '--zookeeper localhost:2181'), ('delete', '--topic a --zookeeper localhost:2181'), ('describe', '--topic a --bootstrap-server localhost:9092'))) +
                              'broker start 2; advance 1s;' + tool % ('list', '--zookeeper localhost:2181') + 'echo ==', '--kafka', '2.7', '--brokers', '3')
    assert status == 1, err
    assert out.split('--\n')[1].split('Error')[0] == (
        '\na - marked for deletion\nTopic: a\tPartitionCount: 1\tReplicationFactor: 3\tConfigs: \tMarkedForDeletion: true\n'
        '\tTopic: a\tPartition: 0\tLeader: none\tReplicas: 1,2,0\tIsr: 1\tMarkedForDeletion: true\nTopic a is already marked for deletion.\n'), out
    assert "Error while executing topic command : Topic 'a' does not exist as expected" in out + err
    assert out.split('interval.ms=300000)\n')[-1] == '==\n', out
