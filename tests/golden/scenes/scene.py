"""What a scene can do and see, on whatever plays it: a real cluster (capture.py) or the simulator (../../shell/test_scenes.py).

A stage has: old (2.7.0), ids, first, patience (seconds until a look at a broker is given up), up (a set of the brokers that run), frozen, port(node), now(),
sleep(seconds), freeze, thaw, kill, stop, start (node), run(command line, stdin, keep), typed(name, command line) and text(path). Whatever happens is kept in `events` as (when, text).
"""
import socket
import struct
import time

ERRORS = {-1: 'UNKNOWN_SERVER_ERROR', 0: 'NONE', 3: 'UNKNOWN_TOPIC_OR_PARTITION', 5: 'LEADER_NOT_AVAILABLE', 6: 'NOT_LEADER_OR_FOLLOWER', 7: 'REQUEST_TIMED_OUT',
          14: 'COORDINATOR_LOAD_IN_PROGRESS', 15: 'COORDINATOR_NOT_AVAILABLE', 16: 'NOT_COORDINATOR', 22: 'ILLEGAL_GENERATION', 25: 'UNKNOWN_MEMBER_ID',
          27: 'REBALANCE_IN_PROGRESS', 79: 'MEMBER_ID_REQUIRED',
          19: 'NOT_ENOUGH_REPLICAS', 20: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', 74: 'FENCED_LEADER_EPOCH', 75: 'UNKNOWN_LEADER_EPOCH'}
PARTITION_RECORDS = ('"PARTITION_RECORD"', '"PARTITION_CHANGE_RECORD"', '"TOPIC_RECORD"', '"BROKER_REGISTRATION_CHANGE_RECORD"', '"REGISTER_BROKER_RECORD"')


def text_of(s):
    return struct.pack('>h', len(s)) + s.encode()


def bytes_of(b):
    return struct.pack('>i', len(b)) + b


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        v = struct.unpack_from('>' + form, self.data, self.at)[0]
        self.at += struct.calcsize('>' + form)
        return v

    def text(self):
        n = self.take('h')
        if n < 0:
            return None
        self.at += n
        return self.data[self.at - n:self.at].decode()

    def all(self, n):
        self.at += n
        return self.data[self.at - n:self.at]

    def ints(self):
        return [self.take('i') for _ in range(self.take('i'))]


class Wire:
    """A connection to one broker."""

    def __init__(self, port, timeout=2):
        self.s = socket.create_connection(('127.0.0.1', port), timeout)
        self.s.settimeout(timeout)

    def send(self, key, version, body):
        data = struct.pack('>hhi', key, version, 7) + text_of('scenes') + body
        self.s.sendall(struct.pack('>i', len(data)) + data)

    def receive(self):
        return Reader(self.all(struct.unpack('>i', self.all(4))[0])[4:])

    def all(self, n):
        data = b''
        while len(data) < n:
            more = self.s.recv(n - len(data))
            if not more:
                raise ConnectionError('closed')
            data += more
        return data

    def close(self):
        self.s.close()

    def partition(self, topic):
        """(leader, epoch, isr) of partition 0 by Metadata v7, None: unknown"""
        self.send(3, 7, struct.pack('>i', 1) + text_of(topic) + b'\0')
        r = self.receive()
        r.take('i')
        for _ in range(r.take('i')):
            r.take('i'), r.text(), r.take('i'), r.text()
        r.text(), r.take('i')
        for _ in range(r.take('i')):
            r.take('h'), r.text(), r.take('b')
            for _ in range(r.take('i')):
                r.take('h'), r.take('i')
                leader, epoch = r.take('i'), r.take('i')
                r.ints()
                isr = r.ints()
                r.ints()
                return leader, epoch, tuple(isr)
        return None

    def end(self, topic, replica):
        """ListOffsets v4 of the newest: replica -1 as a consumer: the high watermark; -2 for debugging: any replica's log end offset"""
        self.send(2, 4, struct.pack('>ibi', replica, 0, 1) + text_of(topic) + struct.pack('>iiiq', 1, 0, -1, -1))
        r = self.receive()
        r.take('i'), r.take('i'), r.text(), r.take('i'), r.take('i')
        error = r.take('h')
        r.take('q')
        return r.take('q') if error == 0 else ERRORS.get(error, error)

    def coordinator(self, group):
        """(error, node) by FindCoordinator v2"""
        self.send(10, 2, text_of(group) + b'\0')
        r = self.receive()
        r.take('i')
        error = r.take('h')
        r.text()
        return ERRORS.get(error, error), r.take('i')

    def produce(self, topic, values, acks, timeout_ms=30000, partition=0):
        """sends Produce v7, one batch; answer() takes what comes back"""
        from kafka.record.memory_records import MemoryRecordsBuilder
        b = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=1000000)
        for v in values:
            b.append(timestamp=int(time.time() * 1000), key=None, value=v.encode(), headers=[])
        b.close()
        records = b.buffer()
        self.send(0, 7, struct.pack('>hhii', -1, acks, timeout_ms, 1) + text_of(topic) + struct.pack('>iii', 1, partition, len(records)) + records)

    def answer(self, sleep=None, wait=None):
        """wait: seconds of the cluster's time, let pass by `sleep`"""
        if wait:
            sleep(wait)
            self.s.settimeout(0.2)
        r = self.receive()
        r.take('i'), r.text(), r.take('i'), r.take('i')
        error, base = r.take('h'), r.take('q')
        return ERRORS.get(error, str(error)), base


class Member:
    """A reader of a group that speaks to one broker, request by request."""

    def __init__(self, scene, name, group, node, like=None):
        self.scene, self.name, self.group, self.node = scene, name, group, node
        self.id = like.id if like else ''
        self.generation = like.generation if like else -1
        self.w = scene.wire(node)

    def at(self, node):
        self.w.close()
        return Member(self.scene, self.name, self.group, node, self)

    def said(self, what, error, more=''):
        self.scene.at('broker %d answers %s of %s: %s%s' % (self.node, what, self.name, ERRORS.get(error, error), more if error == 0 else ''))

    def join(self, wait=True):
        self.scene.at('JoinGroup of %s to broker %d, %s' % (self.name, self.node, 'with its member id' if self.id else 'without a member id'))
        self.w.send(11, 5, text_of(self.group) + struct.pack('>ii', 60000, 60000) + text_of(self.id) + struct.pack('>h', -1) + text_of('consumer') +
                    struct.pack('>i', 1) + text_of('range') + bytes_of(struct.pack('>hi', 0, 1) + text_of('letters') + struct.pack('>i', -1)))
        if wait:
            self.answered()

    def answered(self):
        try:
            r = self.w.receive()
        except OSError:
            self.scene.at('the connection of %s to broker %d broke' % (self.name, self.node))
            return
        r.take('i')
        error, generation = r.take('h'), r.take('i')
        r.text()
        leader, member = r.text(), r.text()
        if error in (0, 79):
            self.id = member
            self.scene.members[member] = self.name
        if error == 25:
            self.id = ''
        if error == 0:
            self.generation = generation
        others = []
        for _ in range(r.take('i')):
            others.append(self.scene.members.get(r.text(), 'unknown'))
            r.text(), r.all(r.take('i'))
        self.said('JoinGroup', error, ', generation %d, leader %s, members %s' % (generation, self.scene.members.get(leader), ' '.join(sorted(others)) or '-'))

    def sync(self, assignments):
        """assignments: partitions of letters by the name of a member; {}: who does not lead"""
        ids = {name: member for member, name in self.scene.members.items()}
        body = text_of(self.group) + struct.pack('>i', self.generation) + text_of(self.id) + struct.pack('>hi', -1, len(assignments))
        for name, partitions in assignments.items():
            body += text_of(ids[name]) + bytes_of(struct.pack('>hi', 0, 1) + text_of('letters') + struct.pack('>i%di' % len(partitions), len(partitions), *partitions) +
                                                  struct.pack('>i', -1))
        self.w.send(14, 3, body)
        r = self.w.receive()
        r.take('i')
        error, size, partitions = r.take('h'), r.take('i'), []
        if size > 0:
            r.take('h'), r.take('i'), r.text()
            partitions = r.ints()
        self.said('SyncGroup', error, ', partitions %s' % ' '.join(map(str, partitions)))

    def heartbeat(self):
        self.w.send(12, 3, text_of(self.group) + struct.pack('>i', self.generation) + text_of(self.id) + struct.pack('>h', -1))
        r = self.w.receive()
        r.take('i')
        self.said('Heartbeat', r.take('h'), ', generation %d' % self.generation)

    def commit(self, topic, offset, generation=None):
        generation = self.generation if generation is None else generation
        self.w.send(8, 7, text_of(self.group) + struct.pack('>i', generation) + text_of(self.id) + struct.pack('>hi', -1, 1) + text_of(topic) +
                    struct.pack('>iiqih', 1, 0, offset, -1, -1))
        r = self.w.receive()
        r.take('i'), r.take('i'), r.text(), r.take('i'), r.take('i')
        self.said('OffsetCommit of %d in generation %d' % (offset, generation), r.take('h'))

    def fetch(self, topic):
        self.w.send(9, 5, text_of(self.group) + struct.pack('>i', 1) + text_of(topic) + struct.pack('>ii', 1, 0))
        r = self.w.receive()
        r.take('i'), r.take('i'), r.text(), r.take('i'), r.take('i')
        offset = r.take('q')
        r.take('i'), r.text()
        self.said('OffsetFetch', r.take('h'), ': %d' % offset)


class Scene:
    def __init__(self, stage):
        self.stage, self.old, self.ids = stage, stage.old, stage.ids
        self.events, self.known, self.members = [], {}, {}
        self.zero_at, self.log_patterns, self.child_patterns = stage.now(), (), ()
        self.sleep = stage.sleep

    def zero(self):
        self.zero_at = self.stage.now()

    def at(self, text, when=None):
        self.events.append((self.stage.now() if when is None else when, '# %s s: ' + text.replace('%', '%%')))

    def note(self, text):
        self.events.append((self.stage.now(), '# ' + text))

    def server(self, node):
        return 'localhost:%d' % (9092 + node - self.stage.first)

    # ---- what is done
    def create(self, topic, nodes, *configs):
        self.run('kafka-topics.sh --create --topic %s --replica-assignment %s%s --bootstrap-server localhost:9092'
                 % (topic, ':'.join(map(str, nodes)), ''.join(' --config ' + x for x in configs)))
        self.sleep(1.5)                                    # until its leader knows, too

    def freeze(self, *nodes):
        for n in nodes:
            self.stage.freeze(n)
        self.at('broker%s %s frozen (SIGSTOP)' % ('s' if len(nodes) > 1 else '', ' and '.join(map(str, nodes))))

    def thaw(self, *nodes):
        for n in nodes:
            self.stage.thaw(n)
        self.at('broker%s %s thawed (SIGCONT)' % ('s' if len(nodes) > 1 else '', ' and '.join(map(str, nodes))))

    def kill(self, node):
        self.at('broker %d killed (SIGKILL)' % node)
        self.stage.kill(node)

    def stop(self, node):
        self.at('broker %d told to stop (SIGTERM)' % node)
        self.stage.stop(node)
        self.at('broker %d has stopped' % node)

    def start(self, node):
        self.at('broker %d started' % node)
        self.stage.start(node)
        self.at('broker %d has its port open' % node)

    def wire(self, node):
        return Wire(self.stage.port(node), 60)

    def produce(self, node, topic, value, acks, wait=None, wire=None, partition=0):
        """a produce request by bytes; wait: seconds after which its answer is no longer awaited, 0: it is not awaited at all"""
        w = wire or self.wire(node)
        self.at("Produce to broker %d, %s-%d, acks=%s: '%s'" % (node, topic, partition, 'all' if acks < 0 else acks, value))
        w.produce(topic, [value], acks, partition=partition)
        return self.answered(w, node, value, wait) if wait != 0 else w

    def answered(self, w, node, value, wait=None):
        try:
            error, base = w.answer(self.sleep, wait)
            self.at("broker %d answers '%s': %s%s" % (node, value, error, ', offset %d' % base if error == 'NONE' else ''))
            w.close()
        except socket.timeout:
            self.at("broker %d has not answered '%s'" % (node, value))
            return w
        except OSError:
            self.at("'%s': the connection to broker %d broke: not acknowledged" % (value, node))
        return None

    def typed(self, name, cmd):
        """a tool that goes on, and sends what is typed"""
        self.at('%s begins: %s' % (name, cmd))
        return name, self.stage.typed(name, cmd)

    def type(self, tool, line):
        self.at("the %s gets '%s' to send" % (tool[0], line))
        tool[1].stdin.write(line.encode() + b'\n')
        tool[1].stdin.flush()

    def end(self, tool):
        tool[1].stdin.close()
        tool[1].wait(60)
        self.at('the %s has ended' % tool[0])

    # ---- what is seen
    def watch(self, *topics):
        self.stage.watch(self, topics)

    def run(self, cmd, stdin=None, keep=None):
        began = self.stage.now()
        status, out, err = self.stage.run(cmd, stdin)
        lines = ['$ ' + cmd] + ['< ' + x for x in (stdin or '').rstrip('\n').split('\n') if x]
        for mark, text in (('', out), ('! ', err)):
            lines += [mark + x for x in text.rstrip('\n').split('\n') if x and (keep is None or keep(x))]
        self.events.append((began, '\n'.join(lines).replace('%', '%%') + '\n[exit %d]' % status))

    def describe(self, topic, node):
        self.run('kafka-topics.sh --describe --topic %s --bootstrap-server %s' % (topic, self.server(node)))

    def consumed(self, topic, node):
        self.run('kafka-console-consumer.sh --topic %s --partition 0 --offset earliest --timeout-ms 6000 --bootstrap-server %s' % (topic, self.server(node)))

    def ends(self, topic, leader, nodes=None):
        """the log end offset of each replica that can be asked, and the leader's high watermark"""
        out = []
        for n in nodes or self.ids:
            if n in self.stage.up and n not in self.stage.frozen:
                out.append('%d: %s' % (n, self.ask(n, lambda w: w.end(topic, -2))))
        self.at('%s-0 log end offsets: %s; high watermark at %d: %s' % (topic, ', '.join(out), leader, self.high_watermark(topic, leader)))

    def high_watermark(self, topic, leader):
        return self.ask(leader, lambda w: w.end(topic, -1))

    def ask(self, node, what):
        w = self.wire(node)
        try:
            return what(w)
        finally:
            w.close()

    def look(self, topics):
        """what each broker knows of partition 0 of topics; what changed is written down"""
        changed = {}
        for topic in topics:
            for node in self.ids:
                if node in self.stage.frozen or node not in self.stage.up:
                    self.known.pop((topic, node), None)
                    continue
                try:
                    now = self.ask_again(node, topic)
                except (OSError, struct.error):
                    continue
                if now is not None and now != self.known.get((topic, node)) and now[1] >= 0:
                    self.known[topic, node] = now
                    changed.setdefault((topic, now), []).append(node)
        for (topic, (leader, epoch, isr)), nodes in changed.items():
            self.at('broker%s %s: %s-0 leader %s, epoch %d, ISR %s' % ('s' if len(nodes) > 1 else '', ' and '.join(map(str, nodes)), topic,
                                                                     'none' if leader < 0 else leader, epoch, ','.join(map(str, isr)) or 'empty'))

    wires = None

    def ask_again(self, node, topic):
        """by a connection that is kept"""
        self.wires = self.wires or {}
        try:
            if node not in self.wires:
                self.wires[node] = Wire(self.stage.port(node), self.stage.patience)
            return self.wires[node].partition(topic)
        except (OSError, struct.error):
            self.wires.pop(node, None)
            raise

    def until(self, topic, what, by=None, seconds=90):
        """until a broker (one of `by`) tells what `what`(leader, epoch, isr) wants"""
        end = self.stage.now() + seconds
        while self.stage.now() < end:
            for (of, node), now in list(self.known.items()):
                if of == topic and (by is None or node in by) and what(*now):
                    return now
            self.sleep(0.05)
        self.at('(not within %d s)' % seconds)
        return None

    def until_high_watermark(self, topic, node, offset, seconds=30):
        end = self.stage.now() + seconds
        while self.stage.now() < end and self.high_watermark(topic, node) != offset:
            self.sleep(0.2)
        self.stage.eventually(lambda: self.high_watermark(topic, node) == offset)   # a client of its own lives by the wall, whatever the stage's clock does

    def member(self, name, group, node):
        return Member(self, name, group, node)

    def until_coordinator(self, group, node, not_node=None, seconds=90):
        """asks a broker for the coordinator until it is up (and another than not_node), and a heartbeat finds it loaded"""
        end, last = self.stage.now() + seconds, None
        while self.stage.now() < end:
            error, at = self.ask(node, lambda w: w.coordinator(group))
            if (error, at) != last:
                self.at('broker %d answers FindCoordinator: %s' % (node, error if error != 'NONE' else 'broker %d' % at))
                last = error, at
            if error == 'NONE' and at != not_node:
                if self.ask(at, lambda w: self.loaded(w, group)):
                    return
            self.sleep(0.1)

    def loaded(self, wire, group):
        wire.send(12, 3, text_of(group) + struct.pack('>i', 0) + text_of('nobody') + struct.pack('>h', -1))
        r = wire.receive()
        r.take('i')
        return r.take('h') not in (14, 15, 16)

    def until_end(self, topic, node, offset):
        """until the log ends there, which takes no more time than a tool takes"""
        self.stage.eventually(lambda: self.ask(node, lambda w: w.end(topic, -2)) == offset)

    def cat(self, path):
        self.events.append((self.stage.now(), '$ cat %s\n%s\n[exit 0]' % (path, self.stage.text(path).rstrip('\n').replace('%', '%%'))))

    def logs(self, topic, nodes):
        """what each replica keeps"""
        for n in nodes:
            self.cat('%s/%s-0/leader-epoch-checkpoint' % (self.shown(n), topic))
        self.run('kafka-dump-log.sh --print-data-log --files ' + ','.join('%s/%s-0/00000000000000000000.log' % (self.shown(n), topic) for n in nodes))

    def shown(self, node):
        return '/tmp/kafka-logs' + ('' if node == self.ids[0] else '-%d' % node)

    def controller(self, *topics):
        """what the controller has written down"""
        if self.old:
            for t in topics:
                self.run('zookeeper-shell.sh -server localhost:2181 get /brokers/topics/%s/partitions/0/state' % t, keep=lambda x: x.startswith('{'))
        else:
            self.note('only the records of partitions and of brokers that are fenced or not')
            self.run('kafka-dump-log.sh --cluster-metadata-decoder --files /tmp/kraft-controller-logs/__cluster_metadata-0/00000000000000000000.log',
                     keep=lambda x: any(r in x for r in PARTITION_RECORDS))

    def written(self):
        out, last = [], ''
        for when, text in sorted(self.events, key=lambda e: e[0]):
            if text.startswith('# %s s: '):
                text = '# %.2f s: ' % (when - self.zero_at) + text[8:]
            text = text.replace('%%', '%')
            if text.startswith('$') or last.startswith('$'):
                out.append('')
            out.append(text)
            last = text
        return out


SCENES = {}          # name -> (about, settings, function)


def scene(name, about, settings=''):
    def keep(f):
        SCENES[name] = (about, settings, f)
        return f
    return keep
