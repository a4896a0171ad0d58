"""The same lab in jumps, stepped, and at other speeds, by the program: the same events, the same folders of the brokers."""
import csv
import hashlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from conftest import Serve, eventually, run  # noqa: E402

OPTIONS = ['--kafka', '4.3', '--brokers', '3', '--seed', '11', '--start', '2026-01-01T00:00:00Z', '--set', 'log.retention.check.interval.ms=10000',
           '--set', 'num.partitions=3', '--set', 'default.replication.factor=3', '--set', 'log.retention.ms=20000', '--set', 'log.roll.ms=5000',
           '--set', 'log.index.size.max.bytes=4096']  # a new segment's indexes are so long at once: every byte of every file is looked at
# Nothing of it depends on when it is typed: a request would let a paused clock run for a moment of the wall's.
STORY = ['at 00:00:05 producer start p --topic students --rate 50/s --count 2000 --acks all',
         'at 00:00:05 consumer start c --group team --topic students',
         'at 00:00:06 net delay clients 2 2ms 4ms',
         'at 00:00:06 net loss 1 3 10',
         'at 00:00:07 fault add Produce topic=students skip=3 count=2 error=NOT_LEADER_OR_FOLLOWER',
         'at 00:00:08 broker kill 2',
         'at 00:00:20 broker start 2',
         'at 00:00:25 clock skew 3 30s',
         'at 00:00:30 chaos start --seed 3 --for 20s',
         'at 00:01:30 clock skew 3 0s',
         'at 00:01:31 broker kill 1', 'at 00:01:31 broker kill 2', 'at 00:01:31 broker kill 3']  # from here on nothing is written any more
EVENTS = "SELECT at_ms, event, broker, topic, partition, offset, subject, rule, text FROM events WHERE at_ms <= 1767225691000 AND event != 'time_changed' ORDER BY number"


def events(text):
    """As rows; when somebody typed an order for later is his own affair."""
    rows = list(csv.reader(text[text.index('at_ms,event,'):].splitlines()))
    return [row for row in rows if not (row[1] == 'order' and row[8].startswith('at '))]


def sums(lab):
    found = {}
    for broker in ('broker-1', 'broker-2', 'broker-3'):
        for folder, _, names in os.walk(os.path.join(lab, broker)):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, 'rb') as file:
                    found[os.path.relpath(path, lab)] = hashlib.sha256(file.read()).hexdigest()
    return found


def in_script(lab, *ways):
    status, out, err = run(*OPTIONS, '--no-listen', '--speed', 'paused', '--mode', 'csv', '-c', '; '.join(STORY + list(ways) + [EVENTS]), lab, timeout=120)
    assert status == 0, err
    return events(out), sums(lab)


def test_speed_and_steps_change_nothing(folder):
    jumped = in_script(os.path.join(folder, 'jumped'), 'advance 100s')
    assert len(jumped[0]) > 100 and any('students-0/' in path for path in jumped[1])
    kinds = {row[1] for row in jumped[0]}
    assert {'leader_elected', 'isr_changed', 'fault_hit', 'chaos_done', 'segment_deleted', 'clock_skewed', 'member_joined'} <= kinds, kinds
    stepped = in_script(os.path.join(folder, 'stepped'), 'step --raw 700', 'advance 5s', 'step 20', 'why students-0', 'rewind 2s', 'why students-0', 'SELECT count(*) FROM records',
                        'step 3', 'rewind end', 'advance 100s')
    assert stepped[0] == jumped[0]
    assert stepped[1] == jumped[1]
    served = Serve('--no-listen', *OPTIONS, '--speed', 'paused', lab=os.path.join(folder, 'served'))
    try:
        assert served.run('; '.join(STORY))[0] == 0
        assert served.run('speed 7; resume')[0] == 0
        assert served.run('wait 10s; speed 1000; wait 90s')[0] == 0
        status, out, err = run('--to=' + served.lab, '--mode', 'csv', '-c', EVENTS)
        assert status == 0, err
    finally:
        served.stop()
    assert events(out) == jumped[0]
    assert sums(served.lab) == jumped[1]
