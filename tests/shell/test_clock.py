"""A broker's wall clock that is wrong: set, listed, seen in tables and in `why`, and right again."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from conftest import run  # noqa: E402

CREATE = 'kafka-topics.sh --create --topic students --bootstrap-server localhost:9092 --config retention.ms=3600000;'
SEND = 'kafka-console-producer.sh --topic students --bootstrap-server localhost:9092 <<< one;'


def script(text, *options):
    return run('--no-listen', *options, '-c', text, timeout=60)


def test_it_is_listed_and_mended():
    status, out, err = script('clock skew 1 5s; clock skew 2 -1h; clock; broker; SELECT broker, clock_skew_ms FROM brokers; clock skew 1 0s; clock skew 2 +0s; clock', '--brokers', '2', '--mode', 'csv')
    assert status == 0, err
    assert "Broker 1's wall clock is 5 s ahead: it stamps and compares ages with it. `clock skew 1 0s` sets it right." in out
    assert "Broker 2's wall clock is 1 h behind" in out
    assert '1,2026-01-01 00:00:05.000,+5 s' in out and '2,2025-12-31 23:00:00.000,-1 h' in out
    assert ',+5 s\n' in out.split('broker,state')[1]
    assert '1,5000\n2,-3600000\n' in out
    assert out.endswith('1,2026-01-01 00:00:00.000,\n2,2026-01-01 00:00:00.000,\n')


def test_what_is_wrong_is_said():
    status, out, err = script("clock skew; clock skew 1 soon; clock skew 9 5s; clock skew 1 500d; clock turn 1; clock")
    assert status == 1
    for text in ('clock: it is clock skew ID DURATION: clock skew 1 5s; `clock` alone shows how they are', "clock: 'soon': by how much is it wrong? clock skew 1 5s: ahead, -5s: behind, 0s: right",
                 'clock: there is no broker 9; there is only broker 1', "clock: '500d': by how much", "clock: there is no order 'clock turn 1'; it is one of: clock skew ID DURATION"):
        assert text in err
    assert out.strip().endswith('1  2026-01-01 00:00:00.000')


def test_retention_and_why_go_by_it():
    for release in ('2.7', '4.3'):
        broker = '0' if release == '2.7' else '1'
        status, out, err = script(CREATE + SEND + 'advance 60s; clock skew %s 2h; why students-0; until delete students-0; events' % broker, '--kafka', release)
        assert status == 0, err
        assert 'Broker %s judges by its own clock, which is 2 h ahead (clock skew); the moments below are that clock\'s.' % broker in out
        assert 'CLOCK  broker %s\'s wall clock is 2 h ahead' % broker in out
        why = out[out.index('judges by'):]
        assert 'Retention looks next at 02:05:30' in why, why
        assert '00:05:30.0 DELETE students-0' in why


def test_what_it_stamps():
    status, out, err = script('kafka-topics.sh --create --topic students --bootstrap-server localhost:9092 --config message.timestamp.type=LogAppendTime; clock skew 1 90s;' + SEND +
                              "SELECT timestamp_ms - (SELECT now_ms FROM clock) FROM records WHERE topic = 'students'", '--mode', 'csv')
    assert status == 0, err
    assert abs(int(out.split()[-1]) - 90000) < 1000
