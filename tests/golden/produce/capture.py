#!/usr/bin/python3
"""Sends crafted batches to a broker and writes down what it answered, as tests/wire/refusals_test.c reads it.

  capture.py 2.7.0|4.3.0 PORT [PREFIX] > VERSION.txt    against a running broker of that release; its topics t1, t2, ... must not be there yet

Lines of the file: `topic NAME KEY=VALUE...`, `send NAME` (what the case is about), `to VERSION ACKS PARTITION NOW` (of the request; the
wall clock when it was sent; a topic that is another one), `hex BYTES` (the records), then the answer: `= ERROR BASE_OFFSET LOG_APPEND_TIME LOG_START_OFFSET`
(`now`: a time close to the wall clock's; `-`: the version has none), `! INDEX MESSAGE` for each record error, `" MESSAGE` of the partition; or `closed` (the connection), `silence`.
The encoder is the script's own, so that nothing is right by accident."""
import re, socket, struct, sys, time, zlib

TABLE = []
for i in range(256):
    c = i
    for _ in range(8):
        c = c >> 1 ^ (0x82F63B78 if c & 1 else 0)
    TABLE.append(c)


def crc32c(data):
    c = 0xFFFFFFFF
    for b in data:
        c = TABLE[(c ^ b) & 255] ^ c >> 8
    return c ^ 0xFFFFFFFF


def xxh32(data, seed=0):
    """of fewer than 16 bytes"""
    p1, p2, p3, p4, p5, m = 2654435761, 2246822519, 3266489917, 668265263, 374761393, 0xFFFFFFFF
    rot = lambda x, r: (x << r | x >> (32 - r)) & m
    h = (seed + p5 + len(data)) & m
    while len(data) >= 4:
        h = rot((h + struct.unpack('<I', data[:4])[0] * p3) & m, 17) * p4 & m
        data = data[4:]
    for b in data:
        h = rot((h + b * p5) & m, 11) * p1 & m
    h = (h ^ h >> 15) * p2 & m
    h = (h ^ h >> 13) * p3 & m
    return h ^ h >> 16


def varint(n, bits=64):
    n = (n << 1 ^ n >> 63) & (1 << 64) - 1 if n < 0 else n << 1
    out = b''
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(data):
    return varint(-1) if data is None else varint(len(data)) + data


def body(ts=0, delta=0, key=b'k', value=b'v', headers=(), attributes=0, count=None):
    out = bytes([attributes]) + varint(ts) + varint(delta) + field(key) + field(value) + varint(len(headers) if count is None else count)
    for k, v in headers:
        out += field(k) + field(v)
    return out


def record(*args, length=None, tail=b'', **kw):
    data = body(*args, **kw) + tail
    return varint(len(data) if length is None else length) + data


def gz(data):
    c = zlib.compressobj(6, zlib.DEFLATED, 31)
    return c.compress(data) + c.flush()


def snappy(data):
    raw = varint_unsigned(len(data)) + bytes([61 << 2]) + struct.pack('<H', len(data) - 1) + data
    return b'\x82SNAPPY\x00' + struct.pack('>iii', 1, 1, len(raw)) + raw


def varint_unsigned(n):
    out = b''
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def lz4(data):
    head = b'\x60\x40'
    return b'\x04\x22\x4d\x18' + head + bytes([xxh32(head) >> 8 & 255]) + struct.pack('<I', len(data) | 1 << 31) + data + bytes(4)


def zstd(data):
    return b'\x28\xb5\x2f\xfd\xa0' + struct.pack('<I', len(data)) + struct.pack('<I', len(data) << 3 | 1)[:3] + data


PACK = [lambda d: d, gz, snappy, lz4, zstd]
NOW = int(time.time() * 1000)


def batch(records, codec=0, count=None, last=None, base=0, epoch=-1, magic=2, attributes=0, ts=None, max_ts=None, pid=-1, pepoch=-1, seq=-1,
          crc=None, length=None, packed=None):
    if isinstance(records, list):
        n = len(records)
        records = b''.join(records)
    else:
        n = 1
    ts = NOW if ts is None else ts
    data = PACK[codec](records) if packed is None else packed
    count = n if count is None else count
    part = struct.pack('>hiqqqhii', attributes | codec, count - 1 if last is None else last, ts, ts if max_ts is None else max_ts, pid, pepoch,
                       seq, count) + data
    return struct.pack('>qiibI', base, len(part) + 9 if length is None else length, epoch, magic, crc32c(part) if crc is None else crc) + part


def message(magic, value=b'v', key=b'k', ts=None, attributes=0, offset=0, crc=None, size=None):
    part = bytes([magic & 255, attributes]) + (struct.pack('>q', NOW if ts is None else ts) if magic else b'')
    for x in (key, value):
        part += struct.pack('>i', -1) if x is None else struct.pack('>i', len(x)) + x
    part = struct.pack('>I', zlib.crc32(part) if crc is None else crc) + part
    return struct.pack('>qi', offset, len(part) if size is None else size) + part


# ---------------------------------------------------------------- the wire
def text(s):
    return struct.pack('>h', -1) if s is None else struct.pack('>h', len(s)) + s.encode()


class Broker:
    def __init__(self, port):
        self.port = port
        self.sock = None

    def ask(self, key, version, payload, client='capture'):
        if not self.sock:
            self.sock = socket.create_connection(('127.0.0.1', self.port), 2)
        data = struct.pack('>hhi', key, version, 7) + text(client) + payload
        self.sock.sendall(struct.pack('>i', len(data)) + data)
        try:
            size = struct.unpack('>i', self.read(4))[0]
            return self.read(size)[4:]
        except (EOFError, ConnectionError, TimeoutError) as e:
            self.sock = None
            return 'silence' if isinstance(e, TimeoutError) else 'closed'

    def read(self, n):
        out = b''
        while len(out) < n:
            got = self.sock.recv(n - len(out))
            if not got:
                raise EOFError
            out += got
        return out

    def create(self, name, configs):
        payload = struct.pack('>i', 1) + text(name) + struct.pack('>ihii', 1, 1, 0, len(configs))
        for k, v in configs:
            payload += text(k) + text(v)
        answer = self.ask(19, 2, payload + struct.pack('>ib', 30000, 0))
        error = struct.unpack('>h', answer[10 + len(name):12 + len(name)])[0]
        if error:
            sys.exit('%s %s: error %d' % (name, configs, error))

    def produce(self, version, acks, topic, partition, records):
        payload = (text(None) if version >= 3 else b'') + struct.pack('>hii', acks, 30000, 1) + text(topic) + struct.pack('>ii', 1, partition)
        payload += struct.pack('>i', -1) if records is None else struct.pack('>i', len(records)) + records
        answer = self.ask(0, version, payload)
        if isinstance(answer, str):
            return answer
        at = 4 + 2 + len(topic) + 4 + 4
        error, base = struct.unpack_from('>hq', answer, at)
        at += 10
        append = start = None
        errors, said = [], None
        if version >= 2:
            append, = struct.unpack_from('>q', answer, at)
            at += 8
        if version >= 5:
            start, = struct.unpack_from('>q', answer, at)
            at += 8
        if version >= 8:
            n, = struct.unpack_from('>i', answer, at)
            at += 4
            for _ in range(n):
                index, size = struct.unpack_from('>ih', answer, at)
                at += 6
                errors.append((index, None if size < 0 else answer[at:at + size].decode()))
                at += max(size, 0)
            size, = struct.unpack_from('>h', answer, at)
            said = None if size < 0 else answer[at + 2:at + 2 + size].decode()
        return error, base, append, start, errors, said


class Play:
    def __init__(self, version, port):
        self.old = version.startswith('2')
        self.broker = Broker(port)
        self.n = 0
        print('# Apache Kafka %s: what it answers to crafted batches (capture.py)' % version)

    def topic(self, *configs):
        """configs: "key=value"; those behind "2.7:" or "4.3:" at that release only"""
        own = []
        for c in configs:
            if c.startswith(('2.7:', '4.3:')):
                if c.startswith('2.7:') != self.old:
                    continue
                c = c[4:]
            own.append(c)
        self.n += 1
        self.name = '%s%d' % (PREFIX, self.n)
        self.broker.create(self.name, [c.split('=', 1) for c in own])
        time.sleep(0.4)
        print('\ntopic %s%s' % (self.name, ''.join(' ' + c for c in own)))

    def send(self, about, records, version=8, acks=1, partition=0, topic=None):
        now = int(time.time() * 1000)
        answer = self.broker.produce(version, acks, topic or self.name, partition, records)
        print('send ' + about)
        print('to %d %d %d %d%s' % (version, acks, partition, now, ' ' + topic if topic else ''))
        print('hex ' + ('null' if records is None else records.hex()))
        if isinstance(answer, str):
            return print(answer)
        error, base, append, start, errors, said = answer
        show = lambda x: '-' if x is None else 'now' if abs(x - now) < 60000 else str(x)
        print('= %d %d %s %s' % (error, base, show(append), show(start)))
        limits = lambda text: re.sub(r'within \[-?\d+, -?\d+\]', 'within [LIMITS]', text)
        for index, why in errors:
            print('! %d %s' % (index, 'null' if why is None else limits(why)))
        if said is not None:
            print('" ' + limits(said))


def play(p):
    one = [record()]
    three = [record(i, i) for i in range(3)]
    H = 3600000

    p.topic()
    for v in (3, 5, 7, 8):
        p.send('a good batch, produce v%d' % v, batch(three), v)
    p.send('nothing', b'')
    p.send('null', None)
    p.send('two batches', batch(one) + batch(one))
    for m in (1, 0, 3, -1, 127):
        p.send('magic %d in the header of a batch' % m, batch(one, magic=m))
    p.send('a message of magic 1', message(1))
    p.send('a message of magic 0', message(0))
    p.send('zstd in v6', batch(three, 4), 6)
    p.send('zstd in v7', batch(three, 4), 7)
    p.send('10 bytes', bytes(10))
    p.send('17 zeros', bytes(17))
    p.send('100 zeros', bytes(100))
    good = batch(three)
    p.send('cut short by 1', good[:-1])
    p.send('cut short in the header', good[:40])
    p.send('5 bytes behind it', good + bytes(5))
    p.send('20 bytes behind it', good + bytes(20))
    p.send('a second batch cut short', good + good[:-1])
    for n in (0, -1, 13, 14, 48, 49, 2**31 - 1, -2**31):
        p.send('batch length %d' % n, batch(one, length=n))
    p.send('acks 2', good, acks=2)
    p.send('acks -2', good, acks=-2)
    p.send('acks -1', good, acks=-1)
    p.send('partition 5', good, partition=5)
    p.send('partition -1', good, partition=-1)
    p.send('a topic that is not there', good, topic='nowhere')

    p.topic()
    p.send('base offset 1', batch(one, base=1))
    p.send('base offset -1', batch(one, base=-1))
    p.send('leader epoch 7', batch(one, epoch=7))
    p.send('a wrong CRC', batch(one, crc=1234))
    p.send('base offset 1 and a wrong CRC', batch(one, base=1, crc=1234))
    p.send('a wrong CRC and no record', batch(b'', count=0, crc=1234))
    for c in (5, 6, 7):
        p.send('codec %d' % c, batch(one, attributes=c))
    for last, count in ((2, 2), (0, 2), (-1, 1), (-2, -1), (0, 0), (-1, 0), (0, -1), (2**31 - 1, 1), (-2**31, 1), (0, 2**31 - 1)):
        p.send('last offset delta %d, count %d' % (last, count), batch(one, last=last, count=count))
    p.send('no record', batch(b'', count=0))
    p.send('control', batch(one, attributes=0x20))
    p.send('control and transactional', batch([record(0, 0, bytes(4), bytes(6))], attributes=0x30, pid=1, pepoch=0))
    p.send('control and a wrong count', batch(one, attributes=0x20, last=5))
    p.send('transactional without a producer id', batch(one, attributes=0x10))
    p.send('producer id without a sequence', batch(one, pid=5, pepoch=0, seq=-1))
    p.send('producer id and sequence -2', batch(one, pid=5, pepoch=0, seq=-2))
    p.send('control, producer id without a sequence', batch(one, pid=5, pepoch=0, seq=-1, attributes=0x20))
    p.send('a sequence without producer id', batch(one, seq=0))
    p.send('producer id without an epoch', batch(one, pid=6, pepoch=-1, seq=0))
    p.send('delete horizon', batch(one, attributes=0x40))
    p.send('unknown attributes', batch(one, attributes=0x7f80))
    p.send('leader epoch, negative max timestamp', batch(one, max_ts=-5))
    p.send('max timestamp too large', batch(one, max_ts=NOW + 10 * H))
    p.send('timestamp -1', batch(one, ts=-1))
    p.send('timestamp -2', batch(one, ts=-2))
    p.send('timestamp 0', batch(one, ts=0))

    p.topic()
    for codec in (0, 1):
        what = ('', ', in gzip')[codec]
        tries = [
            ('record attributes 1', [record(attributes=1)]),
            ('offsets 0, 0', [record(0, 0), record(0, 0)]), ('offsets 1, 2', [record(0, 1), record(0, 2)]),
            ('offsets 1, 0', [record(0, 1), record(0, 0)]), ('offsets 0, -1', [record(0, 0), record(0, -1)]),
            ('record length -1', [record(length=-1)]), ('record length 0', [record(length=0)]),
            ('record length 1 short', [record(length=len(body()) - 1)]), ('record length 1 long', [record(length=len(body()) + 1)]),
            ('record length 2^31 - 1', [record(length=2**31 - 1)]),
            ('a byte behind the headers', [record(tail=b'\0')]),
            ('a length of 6 bytes', [b'\x80\x80\x80\x80\x80\x00' + body()]), ('a length of 5 bytes that is too large', [b'\xff\xff\xff\xff\x7f' + body()]),
            ('a length in 2 bytes where 1 does', [bytes([len(body()) * 2 | 128, 0]) + body()]),
            ('key length -2', [record(key=None)[:1] + b'\0\0\0' + varint(-2) + field(b'vvv') + varint(0)]),
            ('key too long', [varint(6) + b'\0\0\0' + varint(40) + b'v' + varint(0)]),
            ('value too long', [varint(7) + b'\0\0\0' + varint(-1) + varint(50) + b'v' + varint(0)]),
            ('header count -1', [record(count=-1)]), ('header count 1 without one', [record(count=1)]),
            ('header count 100000', [record(count=100000)]),
            ('header key null', [record(headers=[(None, b'x')])]), ('header value null', [record(headers=[(b'h', None)])]),
            ('header key empty', [record(headers=[(b'', b'')])]), ('header key that is no UTF-8', [record(headers=[(b'\xff\xfe', b'')])]),
            ('header value length -2', [varint(10) + b'\0\0\0' + field(b'k') + field(b'') + varint(1) + field(b'h') + varint(-2)]),
            ('header key too long', [varint(9) + b'\0\0\0' + field(b'k') + field(b'') + varint(1) + varint(30) + b'h']),
        ]
        for about, records in tries:
            p.send(about + what, batch(records, codec))
        p.send('fewer records than counted' + what, batch(three, codec, count=4))
        p.send('more records than counted' + what, batch(three, codec, count=2))
        p.send('no records but counted' + what, batch(b'', codec, count=2))
        p.send('null key, null value' + what, batch([record(key=None, value=None)], codec))
        p.send('empty key, empty value' + what, batch([record(key=b'', value=b'')], codec))
        p.send('timestamps that run back' + what, batch([record(0, 0), record(-1000, 1)], codec))
        p.send('a timestamp delta that overflows' + what, batch([record(0, 0), record(2**63 - 1, 1)], codec))
    p.topic()
    plain = b''.join(three)
    for codec, name in ((1, 'gzip'), (2, 'snappy'), (3, 'lz4'), (4, 'zstd')):
        packed = PACK[codec](plain)
        p.send(name, batch(three, codec))
        p.send(name + ', nothing inside', batch(three, codec, packed=b''))
        p.send(name + ', an empty stream', batch(three, codec, packed=PACK[codec](b'') if codec != 2 else b'\x82SNAPPY\x00' + struct.pack('>ii', 1, 1)))
        p.send(name + ', cut in the middle', batch(three, codec, packed=packed[:len(packed) // 2]))
        p.send(name + ', cut by a byte', batch(three, codec, packed=packed[:-1]))
        p.send(name + ', first byte wrong', batch(three, codec, packed=bytes([packed[0] ^ 1]) + packed[1:]))
        for at in (4, 5, 6, 8, 12, 16, 20, 24, len(packed) - 5, len(packed) - 1):
            if at < len(packed):
                p.send('%s, byte %d wrong' % (name, at), batch(three, codec, packed=packed[:at] + bytes([packed[at] ^ 0x55]) + packed[at + 1:]))
        p.send(name + ', bytes behind it', batch(three, codec, packed=packed + b'abcde'))
        p.send(name + ', twice', batch(three, codec, packed=packed + packed))
        p.send(name + ', not packed', batch(three, codec, packed=plain))

    p.topic('max.message.bytes=200')
    for n in (199, 200, 201):
        size = n - len(batch([record(value=b'v' * 100)])) + 100
        b = batch([record(value=b'v' * size)])
        assert len(b) == n
        p.send('%d of 200 bytes' % n, b)
    b = batch([record(value=b'v' * 500)], crc=7)
    p.send('too large and a wrong CRC', b)
    p.send('too large and base offset 1', batch([record(value=b'v' * 500)], base=1))
    p.send('too large once unpacked', batch([record(value=b'v' * 500)], 1))
    for codec in ('uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'):
        p.topic('max.message.bytes=200', 'compression.type=' + codec)
        for c in range(5):
            p.send('%s into %s' % (('none', 'gzip', 'snappy', 'lz4', 'zstd')[c], codec), batch([record(value=b'w' * 60)], c))
        p.send('600 bytes that pack well into ' + codec, batch([record(value=b'v' * 500)], 1))
        p.send('snappy, 180 bytes into ' + codec, batch([record(value=bytes((i * 37 + i * i) & 255 for i in range(90)))], 2))
        p.send('null key, into ' + codec, batch([record(key=None, value=b'')], 3))
    p.topic('2.7:segment.bytes=1000', '4.3:segment.bytes=1048576', 'max.message.bytes=2000')
    for n in (999, 1000, 1001):
        size = n - len(batch([record(value=b'v' * 900)])) + 900
        p.send('%d bytes into a segment of 1000' % n, batch([record(value=b'v' * size)]))

    p.topic('cleanup.policy=compact')
    p.send('a key', batch(one))
    p.send('no key', batch([record(key=None)]))
    p.send('an empty key', batch([record(key=b'')]))
    p.send('12 records without a key', batch([record(0, i, None) for i in range(12)]))
    p.send('3 of 6 records without a key', batch([record(0, i, None if i % 2 else b'k') for i in range(6)]))
    p.send('no key in gzip', batch([record(key=None)], 1))
    p.send('no key, and fewer records than counted', batch([record(key=None)], count=2))
    p.send('no key and the value null', batch([record(key=None, value=None)]))
    p.send('a producer id, no key', batch([record(key=None)], pid=77, pepoch=0, seq=0))
    p.send('the same with a key', batch(one, pid=77, pepoch=0, seq=0))
    p.topic('cleanup.policy=compact,delete')
    p.send('no key, compact,delete', batch([record(key=None)]))

    limits = ('2.7:message.timestamp.difference.max.ms=600000', '4.3:message.timestamp.before.max.ms=600000', '4.3:message.timestamp.after.max.ms=600000')
    p.topic(*limits)
    p.send('now', batch(one))
    p.send('599 s ago', batch(one, ts=int(time.time() * 1000) - 590000))
    p.send('601 s ago', batch(one, ts=int(time.time() * 1000) - 610000))
    p.send('590 s ahead', batch(one, ts=int(time.time() * 1000) + 590000))
    p.send('610 s ahead', batch(one, ts=int(time.time() * 1000) + 610000))
    p.send('no timestamp', batch(one, ts=-1))
    p.send('timestamp -2', batch(one, ts=-2))
    p.send('timestamp Long.MAX', batch(one, ts=2**63 - 1))
    p.send('timestamp Long.MIN', batch(one, ts=-2**63))
    p.send('10 of 12 out of range', batch([record(-H * i, i) for i in range(12)]))
    p.send('LogAppendTime set', batch(one, attributes=8))
    p.send('LogAppendTime set and too old', batch(one, attributes=8, ts=NOW - H))
    p.send('LogAppendTime set, three records', batch(three, attributes=8))
    p.send('too old, in gzip', batch([record(-H, 0), record(0, 1)], 1))
    p.topic('cleanup.policy=compact', *limits)
    p.send('no key and too old', batch([record(-H, 0, None)]))
    p.send('one without key, one too old', batch([record(0, 0, None), record(-H, 1)]))
    p.send('one too old, one without key', batch([record(-H, 0), record(0, 1, None)]))
    p.topic()
    p.send('LogAppendTime set, no limits', batch(one, attributes=8))
    p.send('two hours ahead', batch(one, ts=NOW + 2 * H))
    p.send('a week ago', batch(one, ts=NOW - 168 * H))
    p.topic('message.timestamp.type=LogAppendTime', *limits)
    p.send('plain', batch(one))
    p.send('an hour ago', batch(one, ts=NOW - H))
    p.send('no timestamp', batch(one, ts=-1))
    p.send('LogAppendTime set', batch(one, attributes=8))
    p.send('gzip', batch(three, 1))
    p.send('gzip, crooked offsets', batch([record(0, 5), record(0, 6)], 1, last=1))
    p.send('a producer', batch(one, pid=9, pepoch=0, seq=0))
    time.sleep(0.05)
    p.send('the same again', batch(one, pid=9, pepoch=0, seq=0))

    p.topic()
    P = lambda seq, n=1, pid=1000, epoch=0, **kw: batch([record(i, i) for i in range(n)], pid=pid, pepoch=epoch, seq=seq, **kw)
    p.send('sequences 0 to 1', P(0, 2))
    p.send('the same again', P(0, 2))
    p.send('sequence 2', P(2))
    p.send('sequence 5: a gap', P(5))
    p.send('sequence 0, but one record', P(0))
    p.send('sequence 1, within the first', P(1))
    p.send('sequence 2 to 3: overlaps', P(2, 2))
    for s in range(3, 8):
        p.send('sequence %d' % s, P(s))
    p.send('the first two again, out of the cache', P(0, 2))
    p.send('sequence 2 again, out of the cache', P(2))
    p.send('sequence 3 again, in the cache', P(3))
    p.send('epoch 1, sequence 5', P(5, epoch=1))
    p.send('epoch 1, sequence 8', P(8, epoch=1))
    p.send('epoch 1, sequence 0', P(0, epoch=1))
    p.send('epoch 0, sequence 8', P(8))
    p.send('epoch 0, sequence 7 that was seen', P(7))
    p.send('epoch 1, sequence 0 again', P(0, epoch=1))
    p.send('a new producer begins at 7', P(7, pid=1001))
    p.send('and goes on at 8', P(8, pid=1001))
    p.send('a new producer begins at 2147483646, two records', P(2**31 - 2, 2, pid=1002))
    p.send('and goes on at 0', P(0, pid=1002))
    p.send('a new producer begins at 2147483647, two records', P(2**31 - 1, 2, pid=1003))
    p.send('the same again', P(2**31 - 1, 2, pid=1003))
    p.send('and goes on at 1', P(1, pid=1003))
    p.send('a gap and a wrong CRC', P(9, crc=3))
    p.send('producer epoch 32767', P(0, pid=1004, epoch=32767))
    p.send('then 0', P(0, pid=1004, epoch=0))
    p.send('then -1', P(0, pid=1004, epoch=-1))
    p.send('an old duplicate packed anew', P(3, codec=1))
    if p.old:
        p.topic()
        good = message(1)
        for v in (0, 1, 2):
            p.send('magic 1, v%d' % v, good, v)
            p.send('magic 0, v%d' % v, message(0), v)
        p.send('three messages', message(1) + message(1, offset=1) + message(1, offset=2), 2)
        p.send('magic 0 and 1', message(0) + message(1, offset=1), 2)
        p.send('a v2 batch by v2', batch(one), 2)
        p.send('two v2 batches by v2', batch(one) + batch(one), 2)
        p.send('a wrong CRC', message(1, crc=1), 2)
        p.send('the second with a wrong CRC', message(1) + message(1, crc=1), 2)
        p.send('cut short', good[:-1], 2)
        p.send('size 0', message(1, size=0), 2)
        p.send('size 13', message(1, size=13), 2)
        p.send('magic 3', message(3), 2)
        p.send('attributes LogAppendTime', message(1, attributes=8), 2)
        for codec in (1, 2, 3):
            for m in (0, 1):
                inner = b''.join(message(m, offset=i) for i in range(3))
                p.send('magic %d, codec %d' % (m, codec), message(m, PACK[codec](inner), None, attributes=codec, offset=2), 2)
        p.send('zstd', message(1, zstd(message(1)), None, attributes=4), 2)
        p.send('two wrappers', message(1, gz(message(1)), None, attributes=1) + message(1, gz(message(1)), None, attributes=1), 2)
        p.send('inner offsets all 0', message(1, gz(message(1) * 3), None, attributes=1), 2)
        p.send('inner of another magic', message(1, gz(message(0)), None, attributes=1), 2)
        p.send('inner CRC wrong', message(1, gz(message(1, crc=5)), None, attributes=1), 2)
        p.send('inner compressed', message(1, gz(message(1, gz(message(1)), None, attributes=1)), None, attributes=1), 2)
        p.send('a wrapper with nothing inside', message(1, b'', None, attributes=1), 2)
        p.send('a wrapper without a value', message(1, None, None, attributes=1), 2)
        p.send('a damaged wrapper', message(1, gz(message(1))[:-9], None, attributes=1), 2)
        p.topic('cleanup.policy=compact')
        p.send('no key', message(1, key=None), 2)
        p.send('no key, no value', message(0, None, None), 2)
        p.topic(*limits)
        p.send('an hour ago', message(1, ts=NOW - H), 2)
        p.send('magic 0 has none', message(0), 2)
        for version, m in (('0.9.0', 0), ('0.10.2', 1)):
            p.topic('message.format.version=' + version)
            p.send('a v2 batch into magic %d' % m, batch(three))
            p.send('a v2 batch in gzip into magic %d' % m, batch(three, 1))
            p.send('a producer id into magic %d' % m, P(0))
            p.send('transactional into magic %d' % m, batch(one, attributes=0x10))
            p.send('headers into magic %d' % m, batch([record(headers=[(b'h', b'x')])]))
            p.send('zstd into magic %d' % m, batch(one, 4))
            p.send('magic 0 into magic %d' % m, message(0), 2)
            p.send('magic 1 into magic %d' % m, message(1), 2)


PREFIX = sys.argv[3] if len(sys.argv) > 3 else 't'
play(Play(sys.argv[1], int(sys.argv[2])))
