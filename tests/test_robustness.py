"""What goes wrong: one clear message each, a proper exit status, nothing lost."""
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest
from confluent_kafka import Consumer, Producer
from kafka import KafkaProducer

from conftest import PROGRAM, Serve, eventually, run

KILLS = int(os.environ.get('KAFKARIUM_KILLS', '5'))


def free_ports(count):
    """The first of so many in a row, below those that the system gives out by itself."""
    for port in random.Random().sample(range(20000, 32000, 10), 200):
        taken = []
        try:
            for i in range(count):
                for family, host in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
                    s = socket.socket(family)
                    taken.append(s)
                    s.bind((host, port + i))
            return port
        except OSError:
            pass
        finally:
            for s in taken:
                s.close()
    raise RuntimeError('no free ports')


def dial(server):
    host, port = server.bootstrap.split(',')[0].rsplit(':', 1)
    s = socket.create_connection(('127.0.0.1', int(port)), 10)
    s.settimeout(10)
    return s


def closed(s):
    """Whether the other end closed, without an answer."""
    try:
        return s.recv(1) == b''
    except ConnectionResetError:
        return True


def still_serves(server):
    p = KafkaProducer(bootstrap_servers=server.bootstrap.split(','), api_version=(2, 5, 0))
    offset = p.send('alive', b'yes').get(10).offset
    p.close()
    return offset >= 0


@pytest.mark.parametrize('garbage', [
    b'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
    b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + b'x' * 200,
    b'\x00\x00\x00\x00',
    b'\xff\xff\xff\xff',
    b'\x7f\xff\xff\xff',
    struct.pack('>ihhi', 8, 999, 0, 1),
    struct.pack('>ihhi', 8, 3, 99, 1),
    struct.pack('>ihhih', 10, 3, 1, 1, -5),
    struct.pack('>ihhihi', 14, 3, 1, 1, -1, 0x7fffffff),
])
def test_garbage_on_the_port(serve, garbage):
    server = serve()
    s = dial(server)
    s.sendall(garbage)
    assert closed(s)
    s.close()
    assert still_serves(server)


def test_random_bytes_on_the_port(serve):
    server = serve()
    chance = random.Random(1)
    for _ in range(300):
        s = dial(server)
        key = chance.randrange(-1, 80)
        body = struct.pack('>hhih', key, chance.randrange(-1, 20), 1, -1) + chance.randbytes(chance.randrange(0, 300))
        try:
            s.sendall(struct.pack('>i', len(body)) + body)
        except ConnectionError:
            pass
        s.close()
    assert still_serves(server)
    assert server.stop() == 0


def test_half_a_request_and_a_client_that_goes(serve):
    server = serve()
    waiting = []
    for size in (1, 3, 4, 5, 12):
        s = dial(server)
        s.sendall(struct.pack('>ihhih', 1000, 3, 1, 1, -1)[:size])
        waiting.append(s)
    assert still_serves(server)
    for s in waiting:
        s.close()
    assert still_serves(server)


def test_a_request_in_single_bytes(serve):
    server = serve()
    s = dial(server)
    for byte in struct.pack('>ihhih', 10, 18, 0, 77, -1):
        s.sendall(bytes([byte]))
        time.sleep(0.002)  # so that the next one comes by itself
    size, correlation, error = struct.unpack('>iih', s.recv(10))
    assert (correlation, error) == (77, 0)
    s.close()


def test_many_connections_at_once(serve):
    server = serve()
    crowd = [dial(server) for _ in range(400)]
    assert still_serves(server)
    for s in crowd:
        s.close()
    assert still_serves(server)


def test_a_wrong_option():
    for wrong in (['--no-such-option'], ['--brokers', 'many'], ['--kafka', '9.9'], ['--port', '99999'], ['--speed', 'fast']):
        status, out, err = run(*wrong, '-c', 'time')
        assert status == 2, (wrong, out, err)
        assert err.count('\n') <= 3 and wrong[0].lstrip('-') in err, (wrong, err)
        assert out == ''


def test_a_port_in_use(serve):
    server = serve()
    done = subprocess.run([PROGRAM, '--serve', '--port', str(server.ports[0])], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    assert done.returncode == 3
    assert 'port %d is in use' % server.ports[0] in done.stderr and '--port' in done.stderr
    assert done.stderr.count('\n') == 1


def test_a_second_process_on_the_same_lab(serve, folder):
    lab = folder + '/lab'
    server = serve(lab=lab)
    done = subprocess.run([PROGRAM, '-c', 'time', lab], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    assert done.returncode == 3
    assert lab in done.stderr and str(server.process.pid) in done.stderr and '--to' in done.stderr, done.stderr
    assert done.stderr.count('\n') <= 2
    assert still_serves(server)


def test_another_value_than_the_lab_was_made_with(folder):
    lab = folder + '/lab'
    assert run('-c', 'time', '--brokers', '2', lab)[0] == 0
    for option, value in (('--brokers', '3'), ('--kafka', '2.7'), ('--seed', '5')):
        status, _, err = run('-c', 'time', option, value, lab)
        assert status == 3 and option in err and value in err, err
    assert run('-c', 'time', lab)[0] == 0


def test_a_folder_that_cannot_be_written(folder):
    file = folder + '/file'
    open(file, 'w').close()
    status, _, err = run('-c', 'time', file)
    assert status == 3 and file in err and err.count('\n') == 1, err
    status, _, err = run('-c', 'time', folder + '/no/such/parent')
    assert status == 3 and folder in err and err.count('\n') == 1, err
    os.mkdir(folder + '/readonly', 0o555)
    os.chmod(folder, 0o755)
    program = shutil.copy(PROGRAM, folder)  # where anybody may run it
    user = {'user': 65534, 'group': 65534, 'extra_groups': []} if os.getuid() == 0 else {}  # root may write everywhere: nobody tries
    done = subprocess.run([program, '-c', 'time', folder + '/readonly'], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, **user)
    assert done.returncode == 3 and 'readonly' in done.stderr and done.stderr.count('\n') == 1, done.stderr


def test_python_pasted_into_the_shell():
    status, out, err = run('-c', "from kafka import KafkaProducer\nproducer = KafkaProducer(bootstrap_servers='localhost:9092')\n")
    assert status == 1
    assert 'Python' in out + err
    assert 'Traceback' not in out + err


def test_an_unknown_topic():
    status, out, err = run('-c', 'kafka-topics.sh --describe --topic nowhere --bootstrap-server localhost:9092')
    assert status == 1
    assert "Topic 'nowhere' does not exist as expected" in out + err


def test_sigterm_sigint_and_a_closed_stdin_end_it_well(folder):
    for end in ('term', 'int', 'stdin'):
        server = Serve(lab='%s/%s' % (folder, end))
        assert still_serves(server)
        if end == 'stdin':
            server.process.stdin.close()
        else:
            server.process.send_signal(signal.SIGTERM if end == 'term' else signal.SIGINT)
        assert server.process.wait(10) == 0
        assert os.path.exists('%s/%s/broker-1/.kafka_cleanshutdown' % (folder, end))
        server.process.stdout.close()
        server.process.stderr.close()


def test_a_transient_lab_leaves_nothing():
    done = subprocess.Popen([PROGRAM, '--serve', '--port', '0', '--ready-json'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    told = json.loads(done.stdout.readline())
    assert os.path.isdir(told['lab'])
    done.stdin.close()
    assert done.wait(10) == 0
    done.stdout.close()
    assert not os.path.exists(told['lab'])


# ---- kill -9 under load ----

def test_kill_9_under_load(folder):
    """Idempotent producers send; the process is killed and opened again, on the same ports. What was acknowledged is there once and in order."""
    lab = folder + '/lab'
    first = Serve('--brokers', '3', lab=lab)
    status, out, err = run('--to=' + lab, '-c', 'kafka-topics.sh --create --topic load --partitions 4 --replication-factor 3 --bootstrap-server localhost:9092')
    assert status == 0, out + err
    first.stop()
    port = free_ports(3)

    def again():
        args = [PROGRAM, '--serve', '--port', str(port), lab]
        process = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = process.stdout.readline().strip()
        assert line.startswith('ready '), line + process.stderr.read()
        return process, line[len('ready '):]

    process, bootstrap = again()
    acknowledged, failed, stop = {}, [], threading.Event()

    def load(name):
        p = Producer({'bootstrap.servers': bootstrap, 'enable.idempotence': True, 'linger.ms': 1, 'delivery.timeout.ms': 120000,
                      'reconnect.backoff.max.ms': 100, 'retry.backoff.ms': 20, 'log_level': 0})
        number = 0

        def done(err, message):
            if err:
                failed.append(str(err))
            else:
                key = (name, int(message.value().split(b' ')[1]))
                acknowledged.setdefault(key, []).append((message.partition(), message.offset()))

        while not stop.is_set():
            for _ in range(20):
                p.produce('load', b'%s %d' % (name, number), partition=number % 4, on_delivery=done)
                number += 1
            p.poll(0.002)
            while len(p) > 2000:
                p.poll(0.01)
        p.flush(60)

    threads = [threading.Thread(target=load, args=(name,)) for name in (b'one', b'two', b'three', b'four')]
    for thread in threads:
        thread.start()
    chance = random.Random(3)
    for kill in range(KILLS):
        enough = len(acknowledged) + 50 + chance.randrange(1000)
        eventually(lambda: len(acknowledged) > enough, 60)
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()
        process, bootstrap = again()
    before = len(acknowledged)
    eventually(lambda: len(acknowledged) > before + 50, 60)
    stop.set()
    for thread in threads:
        thread.join(90)
    assert not failed, failed[:5]
    c = Consumer({'bootstrap.servers': bootstrap, 'group.id': 'check', 'auto.offset.reset': 'earliest', 'enable.partition.eof': True, 'check.crcs': True})
    c.subscribe(['load'])
    seen, ends, order = {}, set(), {}
    end = time.time() + 60
    while len(ends) < 4 and time.time() < end:
        for message in c.consume(1000, 0.2):
            if message.error():
                ends.add(message.partition())
                continue
            name, number = message.value().split(b' ')
            key = (name, int(number))
            assert key not in seen, 'twice: %r at %r and %r' % (key, seen[key], (message.partition(), message.offset()))
            seen[key] = (message.partition(), message.offset())
            line = (name, message.partition())
            assert int(number) > order.get(line, -1), 'out of order: %r' % (key,)
            order[line] = int(number)
    assert len(ends) == 4
    c.close()
    lost = [key for key in acknowledged if key not in seen]
    assert not lost, '%d of %d lost: %r' % (len(lost), len(acknowledged), lost[:5])
    process.terminate()
    assert process.wait(20) == 0
    for pipe in (process.stdin, process.stdout, process.stderr):
        pipe.close()
