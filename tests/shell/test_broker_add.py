"""A broker more joins a running cluster; racks from the command line."""
import errno
import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from conftest import run  # noqa: E402

TOPIC = 'kafka-topics.sh --create --topic students --partitions 1 --replication-factor 3 --bootstrap-server localhost:9092;'


def script(folder, text, *options):
    return run('--no-listen', *options, folder, '-c', text, timeout=60)


def test_a_broker_joins_and_is_there_when_the_lab_is_opened_again(folder):
    lab = os.path.join(str(folder), 'lab')
    status, out, err = script(lab, 'broker add 7 rack=c num.io.threads=16; ' + TOPIC + 'broker', '--brokers', '2', '--racks', 'a,b')
    assert status == 0, err
    assert 'Broker 7 is up, at port 9094, with nothing on it' in out
    assert os.path.isdir(os.path.join(lab, 'broker-7', 'students-0'))
    status, out, err = script(lab, 'sql "select broker || rack from brokers"; broker add; broker stop 8; broker start 8; broker')
    assert status == 0, err
    assert '1a\n2b\n7c\n' in out
    assert 'Broker 8 is up, at port 9095' in out
    assert [line.split()[0] for line in out.splitlines()[-4:]] == ['1', '2', '7', '8']
    status, out, err = script(lab, 'broker', '--brokers', '2', '--racks', 'a,b')
    assert status == 0 and len(out.splitlines()) == 5, err
    status, out, err = script(lab, 'broker', '--racks', 'x,y')
    assert status == 3
    assert 'was made with --racks a,b, not with --racks x,y' in err


def test_what_cannot_be_added_is_refused_in_a_sentence(folder):
    status, out, err = script(os.path.join(str(folder), 'lab'), 'broker add 1; broker add x; broker add 5 rack; broker add 5 no.such=1; broker add 5 num.io.threads=many; broker add 5 node.id=3; broker')
    assert status == 1
    assert 'there is a broker 1 already; the next free id is 2' in err
    assert "an id is a number from 0 to 1000, not 'x'" in err
    assert "'rack': after the id come settings, KEY=VALUE" in err
    assert "has no broker setting 'no.such'" in err
    assert 'Invalid value many for configuration num.io.threads' in err
    assert 'node.id is the lab\'s to give' in err
    assert len(out.splitlines()) == 2


def test_a_port_that_is_taken_is_named(folder):
    for _ in range(50):  # a taken port behind one that is free, for both addresses
        taken = socket.socket()
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = taken.getsockname()[1]
        try:
            for family, host in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
                with socket.socket(family) as before:
                    before.bind((host, port - 1))
            break
        except OSError as error:
            if error.errno != errno.EADDRINUSE:  # no IPv6 here
                break
            taken.close()
    status, out, err = run('--port', str(port - 1), os.path.join(str(folder), 'lab'), '-c', 'broker add; broker', timeout=60)
    taken.close()
    assert status == 1 and str(port) in err
    assert len(out.splitlines()) == 2
