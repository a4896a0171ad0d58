"""Random histories of one partition, as data: a seed gives the same one always, and a history that found something is kept as a file and made smaller.

A history is {"name", "kind", "config", "rounds"}. A round is {"config": what changes first, "steps", "settle": settings under which retention and the cleaner
then do their work and are waited for, "then": "on", "stop" (cleanly) or "kill"}. All histories of one session share the "then"s.
Times are milliseconds from the session's start. What is settled by a clock (retention.ms, segment.ms, limits of timestamps) is chosen so that minutes do
not matter: records lie around whole hours, limits around half hours.
A value is a text, null, or [seed, size] for bytes that do not compress."""
import random

HOUR = 3600000
KINDS = ('plain', 'times', 'idempotent', 'transactional', 'wrong', 'stamped', 'recompressed', 'compacted', 'compacted-transactional')
QUIET = {'retention.ms': '-1', 'retention.bytes': '-1'}
WORDS = 'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu'.split()


def content(value):
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode()
    seed, size = value
    return random.Random(seed).randbytes(size)


class Maker:
    def __init__(self, seed, kind):
        self.r = random.Random('%s %s' % (seed, kind))
        self.kind = kind
        self.end = 0                  # about where the log ends
        self.sent = []                # of idempotent producers, to be sent again
        self.producers = {}           # id: [epoch, next sequence]
        self.open = {}                # id: epoch of an open transaction
        self.compacted = kind.startswith('compacted')
        self.transactional = kind.endswith('transactional')
        self.killed = False           # some round ends with a kill

    def time(self):
        r = self.r
        if self.kind == 'times':
            if r.random() < 0.07:
                return None
            hours = r.choice((0, 0, 0, 1, 1, 2, 3, 5, 30, 200, -0.5, -2, -24))
        else:
            hours = r.choice((0, 0, 0, 0, 0, 1, 2, 30)) if r.random() < 0.3 else 0
        return int(-hours * HOUR) - r.randrange(1000, 40000)

    def value(self):
        r, roll = self.r, self.r.random()
        if roll < (0.25 if self.compacted else 0.08):
            return None
        if roll < 0.13:
            return ''
        if roll < 0.7:
            return ' '.join(r.choice(WORDS) for _ in range(r.randrange(1, 40)))
        return [r.randrange(1 << 30), r.choice((1, 10, 100, 100, 700, 2000))]

    def record(self, at):
        r = self.r
        key = None if not self.compacted and r.random() < 0.4 else 'k%d' % r.randrange(12) if r.random() < 0.95 else ''
        headers = [[r.choice(('h', 'trace', 'я')), r.choice((None, '', 'x', 'value'))] for _ in range(r.choice((0, 0, 0, 0, 1, 3)))]
        step = r.choice((0, 0, 1, 7, 500, -3))
        return [None if at is None else at + step, key, self.value(), headers]

    def produce(self):
        r = self.r
        at = self.time()
        # no timestamp at all means the wall clock decides: not next to short limits
        records = [self.record(at) for _ in range(r.choice((1, 1, 1, 2, 3, 5, 12)))]
        if self.compacted and r.random() < 0.05:
            records[-1][1] = None
        step = {'do': 'produce', 'records': records, 'codec': r.choice(('none', 'none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'))}
        if r.random() < 0.1:
            step['acks'] = r.choice((1, 1, 1, 2))
        if self.kind == 'wrong' and r.random() < 0.5:
            self.spoil(step)
        if self.kind == 'idempotent' or self.transactional:
            self.sequence(step)
        if 'wrong' not in step:
            self.end += len(records)
        return step

    def spoil(self, step):
        r = self.r
        wrong = r.choice(({'break_crc': True}, {'count': len(step['records']) + 1}, {'count': 0}, {'count': -1}, {'last_delta': len(step['records'])},
                          {'magic': 1}, {'magic': 3}, {'base_offset': 7}, {'attributes': 8}, {'attributes': 32}, {'attributes': 48},
                          {'trailing': '00'}, {'trailing': '0200'}, {'extra_length': 1}, {'extra_length': -1}, {'extra_length': 100000},
                          {'deltas': 'zero'}, {'deltas': 'backwards'}, {'deltas': 'gap'}, {'max_timestamp': -1}, {'max_timestamp': -5 * HOUR},
                          {'producer': [9, 0, -1]}, {'producer': [9, -1, 0]}, {'records': 0}, {'attributes': 64}, {'attributes': 128}, {'twice': True},
                          {'attributes': 5}, {'cut': 1}, {'cut': 40}))
        step['wrong'] = wrong

    def sequence(self, step):
        r = self.r
        many = len(step['records'])
        if self.sent and r.random() < 0.12:
            again = r.choice(self.sent[-7:])
            step.update(again)
            return
        producer = r.choice((1000, 1000, 1001, 1002))
        epoch, sequence = self.producers.setdefault(producer, [0, r.choice((0, 0, 0, 2147483640))])
        roll = r.random()
        if roll < 0.06:
            sequence += r.choice((1, 5, -1))
        elif roll < 0.12:
            epoch += r.choice((1, 1, -1))
            sequence = r.choice((0, 0, 3))
        sequence = max(0, sequence) % 2147483648
        if self.transactional and (r.random() < 0.8 or producer in self.open):
            step['transactional'] = True
            self.open[producer] = epoch
        step['producer'] = [producer, epoch, sequence]
        self.producers[producer] = [epoch, (sequence + many) % 2147483648]
        self.sent.append({k: step[k] for k in ('producer', 'records', 'codec', 'transactional') if k in step})

    def marker(self):
        r = self.r
        producer = r.choice(sorted(self.open) or [1000])
        epoch = self.open.pop(producer, 0)
        self.end += 1
        return {'do': 'marker', 'producer': [producer, max(0, epoch + (r.random() < 0.1) - (r.random() < 0.05))], 'commit': r.random() < 0.5,
                'coordinator_epoch': r.choice((0, 0, 0, 1, 2))}

    def step(self):
        r = self.r
        if self.transactional and r.random() < (0.5 if self.open else 0.05):
            return self.marker()
        if r.random() < 0.06:
            return {'do': 'delete_records', 'offset': r.choice((-1, 0, r.randrange(self.end + 3), r.randrange(self.end + 3), -2))}
        return self.produce()

    def sizes(self):
        r = self.r
        config = {}
        if self.kind == 'recompressed':        # what a codec makes of it is each library's own: sizes must not decide
            return config
        if r.random() < 0.8:
            config['segment.bytes'] = str(r.choice((400, 600, 1500, 1500, 4000) if self.compacted else (600, 1500, 4000, 10000, 30000)))
        if r.random() < 0.6:
            config['index.interval.bytes'] = str(r.choice((0, 1, 100, 500, 4096)))
            # Real brokers fail ("Attempt to append to a full index") where an index is too small for what recovery or the cleaner puts into it, which
            # may be more than appends did: at the start they end, and the cleaner leaves that log alone for good. Ours has no such failure to compare.
            if r.random() < 0.4:
                config['segment.index.bytes'] = str(5000 if self.killed or self.compacted else r.choice((24, 40, 100, 1000)))
        return config

    def config(self, first):
        r = self.r
        config = {}
        if first or r.random() < 0.4:
            config.update(self.sizes())
        if self.kind in ('times', 'plain') and r.random() < 0.5:
            config['segment.ms'] = str(r.choice((HOUR // 2, 3 * HOUR // 2, 10 * HOUR) if self.kind == 'times' else (100, 1000, HOUR // 2)))
        if self.kind in ('times', 'wrong') and r.random() < 0.4:
            config['timestamps.before'] = str(r.choice((HOUR // 2, 5 * HOUR // 2, 100 * HOUR)))
        if self.kind in ('times', 'wrong') and r.random() < 0.4:
            config['timestamps.after'] = str(r.choice((60000, 3 * HOUR // 2, 100 * HOUR)))
        if self.kind == 'stamped' and (first or r.random() < 0.5):
            config['message.timestamp.type'] = 'LogAppendTime' if first or r.random() < 0.5 else 'CreateTime'
        if self.kind == 'recompressed':
            config['compression.type'] = r.choice(('producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'))
        elif r.random() < 0.06:
            config['compression.type'] = 'uncompressed'
        if self.kind in ('wrong', 'plain') and r.random() < 0.2:
            config['max.message.bytes'] = str(r.choice((100, 500, 2000, 5000)))
        if self.compacted and r.random() < 0.2:
            config['min.compaction.lag.ms'] = str(r.choice((HOUR // 2, 3 * HOUR // 2)))
        if self.compacted and not first and r.random() < 0.15:
            config['cleanup.policy'] = r.choice(('compact', 'delete', 'compact,delete'))
            self.both = self.both or 'delete' in config['cleanup.policy']
        if first and r.random() < 0.08 and not self.compacted:
            config['preallocate'] = 'true'
            config['segment.bytes'] = config.get('segment.bytes', '30000')
        if first and r.random() < 0.1:
            config['flush.messages'] = str(r.choice((1, 3)))
        return config

    def settle(self):
        r = self.r
        if self.compacted:
            settle = {}
            if r.random() < 0.8:
                settle['min.cleanable.dirty.ratio'] = r.choice(('0.01', '0.01', '0.5'))
            elif r.random() < 0.5:
                settle['max.compaction.lag.ms'] = str(r.choice((2 * HOUR, 100 * HOUR)))
            if self.both and r.random() < 0.5:
                settle.update(self.retention())
            return settle
        return self.retention() if r.random() < 0.75 else {}

    def retention(self):
        r = self.r
        settle = {}
        if r.random() < 0.6:
            settle['retention.ms'] = str(r.choice((1, HOUR // 2, HOUR // 2, 3 * HOUR // 2, 5 * HOUR // 2, 100 * HOUR)))
        if r.random() < 0.5 and self.kind != 'recompressed':
            settle['retention.bytes'] = str(r.choice((0, 1, 1000, 5000, 20000)))
        return settle

    def history(self, name, thens):
        r = self.r
        self.killed = 'kill' in thens
        config = dict(QUIET, **{'file.delete.delay.ms': '1000'})
        if self.compacted:
            self.both = r.random() < 0.3
            config['cleanup.policy'] = 'compact,delete' if self.both else 'compact'
            config['min.cleanable.dirty.ratio'] = '1.0'
            config['delete.retention.ms'] = r.choice(('0', '86400000'))
        config.update(self.config(True))
        rounds = []
        for number, then in enumerate(thens):
            steps = [self.step() for _ in range(r.randrange(2, 14))]
            rounds.append({'config': {} if not number else self.config(False), 'steps': steps, 'settle': self.settle(), 'then': then})
        return {'name': name, 'kind': self.kind, 'config': config, 'rounds': rounds}


def histories(seed, count, kinds=KINDS, thens=('on', 'stop', 'kill', 'stop')):
    return [Maker(seed + i, kinds[i % len(kinds)]).history('h%d-%s' % (seed + i, kinds[i % len(kinds)]), thens) for i in range(count)]
