"""--metrics PORT: what Prometheus would fetch."""
import re
import socket
import urllib.error
import urllib.request

import pytest

import conftest

LINE = re.compile(r'^[a-z_]+\{broker="\d+"(,[a-zA-Z_]+="[^"]*")*\} [-+.0-9e]+$')


def where(server):
    return re.match(r'metrics: (http://127\.0\.0\.1:\d+)/metrics', server.process.stderr.readline()).group(1)


def fetch(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.headers['Content-Type'], answer.read().decode()


def test_what_brokers_measure_is_there_in_prometheus_format(serve):
    server = serve('--brokers', '2', '--metrics', '0')
    base = where(server)
    server.run('kafka-topics.sh --create --topic students --replication-factor 2 --bootstrap-server localhost:9092; '
               'kafka-console-producer.sh --topic students --bootstrap-server localhost:9092 <<< "one"')
    kind, text = fetch(base + '/metrics')
    assert kind.startswith('text/plain; version=0.0.4')
    lines = text.splitlines()
    assert all(line.startswith('# ') or LINE.match(line) for line in lines)
    assert len([line for line in lines if line.startswith('# TYPE ')]) == len(set(line for line in lines if line.startswith('# TYPE ')))
    assert sum(float(line.split()[-1]) for line in lines if line.startswith('kafka_server_brokertopicmetrics_messagesinpersec_total') and 'topic=' not in line) == 1
    assert 'kafka_controller_kafkacontroller_activecontrollercount{broker="1"} 1' in lines


def test_other_pages_and_other_verbs_are_refused_kindly(serve):
    base = where(serve('--metrics', '0'))
    assert '/metrics' in fetch(base + '/')[1]
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(base + '/secret')
    assert refused.value.code == 404
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(base + '/metrics', data=b'x', method='POST'), timeout=10)
    assert refused.value.code == 405


def test_a_visitor_who_talks_too_much_or_nonsense_is_let_go(serve):
    base = where(serve('--metrics', '0'))
    port = int(base.rsplit(':', 1)[1])
    for speech in (b'GET /metrics HTTP/1.1\r\n' + b'x: y\r\n' * 4000, b'\0\0\0\0', b'GET /metrics'):
        with socket.create_connection(('127.0.0.1', port), timeout=10) as visitor:
            visitor.sendall(speech)
            visitor.shutdown(socket.SHUT_WR)
            try:
                assert visitor.recv(100) == b''
            except ConnectionResetError:
                pass
    assert fetch(base + '/metrics')[1]


def test_a_port_that_is_taken_is_named():
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, _, err = conftest.run('--no-listen', '--metrics', str(port), '-c', 'status')
    assert status == 3 and 'port %d for metrics' % port in err and '--metrics' in err
