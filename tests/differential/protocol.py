"""The few requests that a history needs, encoded by hand: versions that Apache Kafka 2.7.0 and 4.3.0 both know."""
import socket
import struct
import time


def string(value):
    return struct.pack('>h', -1) if value is None else struct.pack('>h', len(value.encode())) + value.encode()


def array(items):
    return struct.pack('>i', len(items)) + b''.join(items)


def compact(value):
    return bytes([len(value.encode()) + 1]) + value.encode()


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, layout):
        values = struct.unpack_from('>' + layout, self.data, self.at)
        self.at += struct.calcsize('>' + layout)
        return values[0] if len(values) == 1 else values

    def string(self):
        size = self.take('h')
        if size < 0:
            return None
        self.at += size
        return self.data[self.at - size:self.at].decode()

    def bytes(self):
        size = self.take('i')
        if size < 0:
            return b''
        self.at += size
        return self.data[self.at - size:self.at]

    def array(self, one):
        return [one() for _ in range(max(0, self.take('i')))]

    def skip_compact(self):
        size = self.small() - 1
        self.at += size

    def small(self):
        """An unsigned varint below 128: a compact array's or string's length plus one, or a count of tags."""
        return self.take('B')


class Connection:
    """Blocking, one request at a time; opened again by the next call after close()."""

    def __init__(self, port, client='histories'):
        self.port, self.client, self.socket, self.number = port, client, None, 0

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def call(self, key, version, body, flexible=False):
        if not self.socket:
            self.socket = socket.create_connection(('127.0.0.1', self.port), 60)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number += 1
        frame = struct.pack('>hhi', key, version, self.number) + string(self.client) + (b'\0' if flexible else b'') + body
        try:
            self.socket.sendall(struct.pack('>i', len(frame)) + frame)
            size, = struct.unpack('>i', self.receive(4))
            reader = Reader(self.receive(size))
        except OSError:
            self.close()
            raise
        assert reader.take('i') == self.number
        if flexible:
            assert reader.small() == 0
        return reader

    def receive(self, size):
        out = bytearray()
        while len(out) < size:
            piece = self.socket.recv(size - len(out))
            if not piece:
                raise ConnectionResetError('closed by the broker')
            out += piece
        return bytes(out)

    # ---- each gives what the answer says of the one topic, partition 0 ----
    def create(self, topics):
        """{name: {config: value}}; gives {name: error}."""
        body = array([string(name) + struct.pack('>ih', 1, 1) + array([]) + array([string(k) + string(v) for k, v in sorted(config.items())])
                      for name, config in topics.items()])
        r = self.call(19, 4, body + struct.pack('>ib', 30000, 0))
        r.take('i')
        return dict(r.array(lambda: (r.string(), (r.take('h'), r.string())[0])))

    def configure(self, topics):
        """{name: {config: value or None}}; gives {name: (error, message)}."""
        def one(name, config):
            return struct.pack('>b', 2) + string(name) + array([string(k) + struct.pack('>b', v is None) + string(v) for k, v in sorted(config.items())])
        r = self.call(44, 0, array([one(*item) for item in topics.items()]) + b'\0')
        r.take('i')
        answers = r.array(lambda: (r.take('h'), r.string(), r.take('b'), r.string()))
        return {name: (error, message) for error, message, _, name in answers}

    def leads(self, topics):
        """Whether this broker knows a leader for partition 0 of all of them."""
        r = self.call(3, 1, array([string(t) for t in topics]))
        r.array(lambda: (r.take('i'), r.string(), r.take('i'), r.string()))
        r.take('i')
        found = r.array(lambda: (r.take('h'), r.string(), r.take('b'),
                                 r.array(lambda: (r.take('h'), r.take('i'), r.take('i'), r.array(lambda: r.take('i')), r.array(lambda: r.take('i'))))))
        return all(not error and partitions and not partitions[0][0] and partitions[0][2] >= 0 for error, _, _, partitions in found)

    def produce(self, topic, records, acks=-1, transactional_id=None):
        body = string(transactional_id) + struct.pack('>hi', acks, 30000)
        body += array([string(topic) + array([struct.pack('>ii', 0, len(records)) + records])])
        r = self.call(0, 8, body)
        (_, partitions), = r.array(lambda: (r.string(), r.array(lambda: (
            r.take('i'), r.take('h'), r.take('q'), r.take('q'), r.take('q'), r.array(lambda: (r.take('i'), r.string())), r.string()))))
        (_, error, base, append_time, start, record_errors, message), = partitions
        return {'error': error, 'base_offset': base, 'stamped': append_time >= 0, 'log_start_offset': start,
                'record_errors': [list(e) for e in record_errors], 'message': message}

    def fetch(self, topic, offset, committed, max_bytes=1 << 20):
        body = struct.pack('>iiiibii', -1, 0, 0, 50 << 20, committed, 0, -1)
        body += array([string(topic) + array([struct.pack('>iiqqi', 0, -1, offset, -1, max_bytes)])]) + array([]) + string('')
        r = self.call(1, 11, body)
        r.take('ihi')
        (_, partitions), = r.array(lambda: (r.string(), r.array(lambda: (
            r.take('i'), r.take('h'), r.take('q'), r.take('q'), r.take('q'), r.array(lambda: r.take('qq')), r.take('i'), r.bytes()))))
        (_, error, high, stable, start, aborted, _, records), = partitions
        return {'error': error, 'high_watermark': high, 'last_stable_offset': stable, 'log_start_offset': start, 'aborted': [list(a) for a in aborted],
                'records': records}

    def list_offset(self, topic, timestamp, committed=0):
        body = struct.pack('>ib', -1, committed) + array([string(topic) + array([struct.pack('>iiq', 0, -1, timestamp)])])
        r = self.call(2, 5, body)
        r.take('i')
        (_, partitions), = r.array(lambda: (r.string(), r.array(lambda: r.take('ihqqi'))))
        _, error, found, offset, _ = partitions[0]
        return [error, offset, found]

    def list_max_timestamp(self, topic):
        body = struct.pack('>ib', -1, 0) + b'\2' + compact(topic) + b'\2' + struct.pack('>iiq', 0, -1, -3) + b'\0\0\0'
        r = self.call(2, 7, body, flexible=True)
        r.take('i')
        r.at += 1
        r.skip_compact()
        r.at += 1
        _, error, found, offset, _ = r.take('ihqqi')
        return [error, offset, found]

    def delete_records(self, topic, offset):
        r = self.call(21, 1, array([string(topic) + array([struct.pack('>iq', 0, offset)])]) + struct.pack('>i', 10000))
        r.take('i')
        (_, partitions), = r.array(lambda: (r.string(), r.array(lambda: r.take('iqh'))))
        _, low, error = partitions[0]
        return {'error': error, 'low_watermark': low}

    def write_marker(self, topic, producer, commit, coordinator_epoch, flexible):
        """WriteTxnMarkers: what a transaction coordinator sends to a partition's leader."""
        producer_id, epoch = producer
        head = struct.pack('>qhb', producer_id, epoch, commit)
        if flexible:
            body = b'\2' + head + b'\2' + compact(topic) + b'\2' + struct.pack('>i', 0) + b'\0' + struct.pack('>i', coordinator_epoch) + b'\0\0'
            r = self.call(27, 1, body, flexible=True)
            assert r.small() == 2 and r.take('q') == producer_id and r.small() == 2
            r.skip_compact()
            assert r.small() == 2
            return {'error': r.take('ih')[1]}
        r = self.call(27, 0, array([head + array([string(topic) + array([struct.pack('>i', 0)])]) + struct.pack('>i', coordinator_epoch)]))
        (_, topics), = r.array(lambda: (r.take('q'), r.array(lambda: (r.string(), r.array(lambda: r.take('ih'))))))
        return {'error': topics[0][1][0][1]}


def until(test, what, seconds=60):
    end = time.time() + seconds
    while True:
        try:
            got = test()
        except OSError:
            got = None
        if got:
            return got
        if time.time() > end:
            raise TimeoutError(what)
        time.sleep(0.05)
