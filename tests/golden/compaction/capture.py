#!/usr/bin/python3
"""Lets a real broker compact logs and keeps what was before and what came of it, as tests/log/compaction_golden_test.c reads it.

  capture.py 2.7.0|4.3.0 PORT LOG_DIR OUT [SCENE...] [--random N SEED]
      against a running broker of that release, started with log.cleaner.backoff.ms=200 log.segment.delete.delay.ms=1000
      log.cleaner.dedupe.buffer.size=1100000. Needs confluent_kafka. All scenes if none is named.

OUT/VERSION-SCENE-ROUND.txt has lines `release`, `checkpoint-before` (-1: none), `checkpoint-after`, `now` (when it was cleaned, nearly), `active` (base offset of the
active segment), `set KEY VALUE` for the topic's settings, `before NAME MTIME HEX` for each file of the partition's folder before the cleaner looked, `after NAME HEX` for
each when it was done, `same NAME` for those that it left alone. Indexes of the active segment are cut behind their last entry; `-`: nothing in it."""
import json, os, random, shutil, struct, sys, time
import confluent_kafka
from confluent_kafka.admin import AdminClient, NewTopic, ConfigResource

version, port, log_dir, out = sys.argv[1:5]
old = version.startswith('2')
servers = 'localhost:' + port
admin = AdminClient({'bootstrap.servers': servers})
prefix = 'c%d-' % (time.time() % 100000)


class Scene:
    def __init__(self, name, seed=1, **config):
        self.name, self.topic, self.round = name, prefix + name, 0
        self.config = {'cleanup.policy': 'compact', 'segment.ms': '1000', 'delete.retention.ms': '86400000', 'index.interval.bytes': '100',
                       'retention.ms': '-1'}
        self.config.update({k.replace('_', '.'): str(v) for k, v in config.items()})
        self.random = random.Random(seed)
        self.now = int(time.time() * 1000) - 1000000
        self.producers = {}
        for f in admin.create_topics([NewTopic(self.topic, 1, 1, config=dict(self.config, **{'min.cleanable.dirty.ratio': '1.0'}))]).values():
            f.result(20)
        self.dir = os.path.join(log_dir, self.topic + '-0')
        self.wait(lambda: os.path.isdir(self.dir), 'the folder')

    def wait(self, done, what, seconds=20):
        end = time.time() + seconds
        while not done():
            if time.time() > end:
                raise SystemExit('%s: no %s' % (self.name, what))
            time.sleep(0.02)

    def alter(self, **changes):
        self.config.update({k.replace('_', '.'): str(v) for k, v in changes.items()})
        self.set_ratio('1.0')
        time.sleep(0.6)                       # until the broker has heard of it

    def set_ratio(self, ratio):
        for f in admin.alter_configs([ConfigResource('topic', self.topic, set_config=dict(self.config, **{'min.cleanable.dirty.ratio': ratio}))]).values():
            f.result(20)

    def producer(self, **config):
        key = json.dumps(config, sort_keys=True)
        if key not in self.producers:
            self.producers[key] = confluent_kafka.Producer(dict({'bootstrap.servers': servers, 'linger.ms': 2000, 'batch.num.messages': 100000,
                                                                 'batch.size': 900000, 'message.max.bytes': 1000000}, **config))
            if 'transactional.id' in config:
                self.producers[key].init_transactions(20)
        return self.producers[key]

    def batch(self, records, codec='none', segment=False, **config):
        """one batch; segment: with a time that makes the log roll before it"""
        if segment:
            self.now += 1001
        p = self.producer(**dict({'compression.type': codec}, **config))
        for record in records:
            key, value = record[0], record[1]
            headers = record[2] if len(record) > 2 else None
            p.produce(self.topic, value, key, 0, timestamp=self.now, headers=headers, on_delivery=self.delivered)
        if p.flush(20):
            raise SystemExit('not delivered')

    def delivered(self, err, message):
        if err:
            raise SystemExit('%s: %s' % (self.name, err))

    def transaction(self, tid, batches, end):
        """end: commit, abort, or None to leave it open"""
        p = self.producer(**{'transactional.id': self.topic + tid})
        p.begin_transaction()
        for records in batches:
            for key, value in records:
                p.produce(self.topic, value, key, 0, timestamp=self.now, on_delivery=self.delivered)
            p.flush(20)
        if end:
            (p.commit_transaction if end == 'commit' else p.abort_transaction)(20)
            time.sleep(0.3)

    def checkpoint(self):
        try:
            lines = open(os.path.join(log_dir, 'cleaner-offset-checkpoint')).read().split('\n')[2:]
        except OSError:
            lines = []
        for line in lines:
            if line.startswith(self.topic + ' 0 '):
                return int(line.split()[2])
        return -1

    def copy(self, to):
        mtimes = {}
        os.makedirs(to)
        last = max((n for n in os.listdir(self.dir) if n.endswith('.log')))[:20]
        for n in sorted(os.listdir(self.dir)):
            if n.endswith(('.deleted', '.cleaned', '.swap')):
                continue
            p = os.path.join(self.dir, n)
            data = open(p, 'rb').read()
            mtimes[n] = os.stat(p).st_mtime_ns // 1000000
            if n.startswith(last) and n.endswith(('.index', '.timeindex')):
                data = data.rstrip(b'\0')
                data = data[:0] if len(data) < 8 else data
            open(os.path.join(to, n), 'wb').write(data)
        return mtimes, last

    def look(self, settle=0.9):
        """lets the cleaner at it"""
        self.round += 1
        path = os.path.join(out, '%s-%s-%d' % (version, self.name, self.round))
        shutil.rmtree(path, ignore_errors=True)
        before = self.checkpoint()
        mtimes, last = self.copy(path + '/before')
        self.set_ratio('0.01')
        now = int(time.time() * 1000)
        end = time.time() + 30
        since, seen = time.time(), None
        while time.time() < end and time.time() - since < settle + 1.3:       # and the .deleted files have gone
            state = (self.checkpoint(), sorted(os.listdir(self.dir)))
            if state != seen:
                since, seen = time.time(), state
            time.sleep(0.05)
        self.set_ratio('1.0')
        self.copy(path + '/after')
        horizons = [h for h in self.horizons(path + '/after') if h not in self.horizons(path + '/before')]
        if horizons:
            now = min(horizons) - int(self.config['delete.retention.ms'])
        with open(path + '.txt', 'w') as f:
            f.write('release %s\ncheckpoint-before %d\ncheckpoint-after %d\nnow %d\nactive %d\n' % (version, before, self.checkpoint(), now, int(last)))
            for k, v in sorted(self.config.items()):
                f.write('set %s %s\n' % (k, v))
            for n, ms in sorted(mtimes.items()):
                f.write('before %s %d %s\n' % (n, ms, open(path + '/before/' + n, 'rb').read().hex() or '-'))
            for n in sorted(os.listdir(path + '/after')):
                data, b = open(path + '/after/' + n, 'rb').read(), path + '/before/' + n
                if os.path.exists(b) and open(b, 'rb').read() == data:
                    f.write('same %s\n' % n)
                else:
                    f.write('after %s %s\n' % (n, data.hex() or '-'))
        shutil.rmtree(path)
        print(path, before, '->', self.checkpoint(), flush=True)

    @staticmethod
    def horizons(folder):
        found = []
        for n in sorted(os.listdir(folder)):
            if not n.endswith('.log'):
                continue
            data, at = open(os.path.join(folder, n), 'rb').read(), 0
            while at + 61 <= len(data):
                if data[at + 16] == 2 and struct.unpack_from('>h', data, at + 21)[0] & 64:
                    found.append(struct.unpack_from('>q', data, at + 27)[0])
                at += 12 + struct.unpack_from('>i', data, at + 8)[0]
        return found

    def close(self):
        for f in admin.delete_topics([self.topic]).values():
            f.result(20)


def keys(*names):
    return [(n, n + '-value') for n in names]


def plain():
    s = Scene('plain')
    s.batch(keys('a', 'b', 'c'))
    s.batch(keys('a', 'd'))
    s.batch(keys('b'), segment=True)
    s.batch(keys('e', 'a', 'e'))
    s.batch([('h', 'with headers', [('x', b'1'), ('y', None)]), ('g', '')], segment=True)
    s.batch(keys('c', 'c', 'c'), segment=True)
    s.look()
    for i in range(6):
        s.batch(keys('a', 'b%d' % i, 'c', 'd'), segment=i % 2 == 0)
    s.look()
    s.close()


def tombstones(name, **config):
    s = Scene(name, **config)
    s.batch(keys('a', 'b', 'c'))
    s.batch([('a', None), ('d', 'd1')], segment=True)
    s.batch([('b', None), ('c', None)], segment=True)
    s.batch(keys('z'), segment=True)
    s.look()
    s.batch([('d', None), ('f', 'f1')], segment=True)
    s.batch(keys('z'), segment=True)
    s.look()
    time.sleep(2)
    s.batch(keys('g'), segment=True)
    s.batch(keys('z'), segment=True)
    s.look()
    s.batch([('a', None)], segment=True)
    s.batch(keys('z'), segment=True)
    s.look()
    s.close()


def tombstones_kept():
    tombstones('tombstones-kept')


def tombstones_at_once():
    tombstones('tombstones-at-once', delete_retention_ms=0)


def tombstones_soon():
    tombstones('tombstones-soon', delete_retention_ms=1500)


def codecs():
    s = Scene('codecs')
    for codec in ('gzip', 'snappy', 'lz4', 'zstd'):
        s.batch([('%s%d' % (codec[0], i % 7), 'value %d of %s' % (i, codec) * 3) for i in range(12)], codec)
        s.batch([('whole%s' % codec, 'stays'), ('all' + codec, 'too')], codec, segment=True)
        s.batch([('x', None), ('k' + codec, 'v')], codec)
    s.batch(keys('z'), segment=True)
    s.look()
    s.batch([('g%d' % i, None) for i in range(4)] + [('s1', 'new')], 'gzip', segment=True)
    s.batch(keys('z'), segment=True)
    s.look()
    s.close()


def idempotent():
    s = Scene('idempotent')
    s.batch(keys('a', 'b'), **{'enable.idempotence': True, 'client.id': 'one'})
    s.batch(keys('c'), **{'enable.idempotence': True, 'client.id': 'one'})
    s.batch(keys('b', 'a'), segment=True, **{'enable.idempotence': True, 'client.id': 'two'})
    s.batch(keys('a', 'b', 'c'), segment=True)
    s.batch(keys('z'), segment=True)
    s.look()
    s.batch(keys('q'), segment=True, **{'enable.idempotence': True, 'client.id': 'one'})
    s.batch(keys('q', 'r'), segment=True)
    s.batch(keys('z'), segment=True)
    s.look()
    s.close()


def transactions(name, **config):
    s = Scene(name, segment_ms=1000000000, **config)

    def roll():
        s.alter(segment_ms=1)
        s.now = int(time.time() * 1000) + 1000
        s.batch(keys('z'))
        s.alter(segment_ms=1000000000)
    s.now = int(time.time() * 1000)
    s.transaction('1', [keys('a', 'b'), keys('c')], 'commit')
    s.transaction('2', [keys('a', 'd')], 'abort')
    s.transaction('3', [keys('e', 'f')], 'commit')
    roll()
    s.transaction('2', [keys('g')], 'abort')
    s.transaction('1', [[('a', 'a2'), ('e', None)]], 'commit')
    roll()
    s.look()
    s.batch(keys('b', 'c', 'd'))
    s.transaction('3', [keys('e')], 'abort')
    roll()
    s.look()
    time.sleep(1)
    s.batch(keys('a', 'e', 'f'))
    roll()
    s.look()
    s.transaction('1', [keys('a', 'h')], None)
    roll()
    s.batch(keys('e'))
    roll()
    s.look()
    p = s.producer(**{'transactional.id': s.topic + '1'})
    p.abort_transaction(20)
    time.sleep(0.5)
    roll()
    s.look()
    s.batch(keys('h', 'e'))
    roll()
    s.look()
    s.close()


def transactions_kept():
    transactions('transactions-kept')


def transactions_at_once():
    transactions('transactions-at-once', delete_retention_ms=0)


def transactions_soon():
    transactions('transactions-soon', delete_retention_ms=700)


def without_keys():
    s = Scene('without-keys', cleanup_policy='delete')
    s.batch([('a', '1'), (None, 'none'), ('b', '1')])
    s.batch([(None, 'x'), (None, 'y')], segment=True)
    s.batch([(None, None), ('', 'empty key')], segment=True)
    s.alter(cleanup_policy='compact')
    s.batch([('', 'empty key again'), ('a', '2')], segment=True)
    s.batch(keys('z'), segment=True)
    s.look()
    s.close()


def log_append_time():
    s = Scene('log-append-time', message_timestamp_type='LogAppendTime', segment_ms=100)
    for i in range(4):
        s.batch(keys('a', 'b%d' % i, 'c'), ('none', 'gzip')[i % 2])
        s.batch([('a', None), ('t%d' % i, None)])
        time.sleep(0.15)
    s.batch(keys('z'))
    s.look()
    s.close()


def empty_groups():
    s = Scene('empty-groups', delete_retention_ms=0)
    for i in range(5):
        s.batch(keys('a'), segment=True)
    s.look()
    for i in range(3):
        s.batch([('a', None)], segment=True)
    s.batch(keys('z'), segment=True)
    s.look()
    s.batch(keys('z'), segment=True)
    s.look()
    s.batch(keys('z'), segment=True)
    s.look()
    s.close()


def groups():
    """sizes and indexes bound the groups"""
    if old:
        s = Scene('groups', segment_bytes=1000, index_interval_bytes=0)
    else:
        s = Scene('groups', segment_bytes=1048576, index_interval_bytes=0, segment_index_bytes=1000)
    for i in range(40):
        s.batch([('k%d' % (i % 13), 'v%d' % i * (i % 5)), ('u%d' % i, 'unique')], segment=not old and i % 3 == 0)
    s.batch(keys('z'), segment=True)
    s.look()
    for i in range(40):
        s.batch([('k%d' % (i % 13), 'v%d' % i * (i % 7))], segment=not old and i % 5 == 0)
    s.batch(keys('z'), segment=True)
    s.look()
    s.close()


def large():
    """pieces of 256 kB and batches larger than that; index entries of 2.7 go by pieces"""
    s = Scene('large', index_interval_bytes=4096, segment_ms=1000000)
    r = s.random
    for i in range(60):
        s.now += 1
        s.batch([('k%d' % r.randrange(3000), 'v' * r.randrange(60)) for _ in range(r.choice((1, 30, 400)))])
    s.now += 1
    s.batch([('big%d' % i, 'x' * 3000) for i in range(200)])
    s.batch([('big%d' % i, 'x' * 3000) for i in range(0, 250, 2)], 'none')
    for i in range(60):
        s.now += 1
        s.batch([('k%d' % r.randrange(3000), r.choice((None, 'w' * r.randrange(60)))) for _ in range(r.choice((1, 30, 400)))])
    s.now += 1000001
    s.batch(keys('z'))
    s.look()
    s.close()


def full_map():
    s = Scene('full-map', segment_ms=1000000, index_interval_bytes=4096)
    s.now -= 20000000
    for i in range(50):
        s.batch([('%d' % (i * 1000 + j), '') for j in range(1000)], 'gzip')
        if i % 7 == 6:
            s.now += 1000001
    s.now += 1000001
    s.batch(keys('z'))
    s.look(3)
    s.close()


def magic(number, format):
    s = Scene('magic-%d' % number, message_format_version=format, delete_retention_ms=3000)
    for codec in ('none', 'gzip', 'snappy', 'lz4'):
        s.batch([('k%d' % i, codec + str(i)) for i in range(4)] + [('t' + codec, None)], codec)
        s.batch([('k0', 'x' + codec), ('o' + codec, 'stays')], codec, segment=True)
    time.sleep(1.2)
    s.batch(keys('z'), segment=True)
    if not number:      # no timestamps: time makes it roll
        s.alter(segment_ms=1)
        s.batch(keys('z'))
        s.alter(segment_ms=1000)
    s.look()
    s.close()


def magic_0():
    magic(0, '0.9.0')


def magic_1():
    magic(1, '0.10.2')


def rand(seed, rounds=3):
    r = random.Random(seed)
    config = dict(delete_retention_ms=r.choice((0, 1000, 86400000)), index_interval_bytes=r.choice((0, 100, 4096)),
                  message_timestamp_type=r.choice(('CreateTime', 'CreateTime', 'LogAppendTime')))
    if old:
        config['segment_bytes'] = r.choice((500, 2000, 100000))
    else:
        config['segment_index_bytes'] = r.choice((100, 1000, 10485760))
    s = Scene('random-%d' % seed, seed, **config)
    names = ['k%d' % i for i in range(r.choice((3, 10, 40)))]

    def record():
        return (r.choice(names), None if r.random() < 0.2 else 'v' * r.randrange(30))
    for _ in range(rounds):
        for _ in range(r.randrange(4, 25)):
            kind = r.random()
            s.now += r.choice((0, 0, 1, 700, 1001))
            records = [record() for _ in range(r.choice((1, 1, 2, 5, 12)))]
            if kind < 0.5:
                s.batch(records, r.choice(('none', 'none', 'gzip', 'snappy', 'lz4', 'zstd')))
            elif kind < 0.75:
                s.batch(records, **{'enable.idempotence': True, 'client.id': r.choice('12')})
            else:
                s.transaction(r.choice('abc'), [records] + ([[record()]] if r.random() < 0.3 else []), r.choice(('commit', 'commit', 'abort')))
        s.now += 1001
        s.batch(keys('z'))
        s.now += 1001
        s.batch(keys('z'))
        s.look(0.5)
    s.close()


scenes = [plain, tombstones_kept, tombstones_at_once, tombstones_soon, codecs, idempotent, transactions_kept, transactions_at_once, transactions_soon,
          without_keys, log_append_time, empty_groups, groups, large, full_map] + ([magic_0, magic_1] if old else [])
args = sys.argv[5:]
if '--random' in args:
    i = args.index('--random')
    count, seed = int(args[i + 1]), int(args[i + 2])
    for k in range(count):
        rand(seed + k)
    args = args[:i]
    if not args:
        sys.exit()
for scene in scenes:
    if not args or scene.__name__ in args:
        scene()
