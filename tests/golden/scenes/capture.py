#!/usr/bin/python3
"""Plays the scenes of scenes.py on a real cluster of three brokers and writes what was seen to RELEASE/NAME.txt.

  capture.py 2.7.0|4.3.0 [SCENE...]      no SCENE: all of them

KAFKA_JARS names a folder with RELEASE/libs (Kafka's jars). The brokers, with a controller (4.3.0) or ZooKeeper (2.7.0) apart, are this
script's own: fresh folders under SCENES_HOME, ports from SCENES_PORT (23000) on of 127.0.0.1, ended by pid. Needs a JDK and kafka-python
2.0.2, of which only the encoding of a batch of records is used. README.md has the format.
"""
import os, re, shlex, shutil, signal, socket, subprocess, sys, threading, time, traceback

from scenes import SCENES, Scene

HERE = os.path.dirname(os.path.abspath(__file__))
JARS = os.environ.get('KAFKA_JARS', '')
HOME = os.environ.get('SCENES_HOME', '/tmp/kafka-scenes')
PORT = int(os.environ.get('SCENES_PORT', '23000'))
SHOWN = '/tmp/kafka-logs'
CLUSTER_ID = '4L6g3nShT-eMCtK--X86sw'
DIST = '''num.network.threads=3
num.io.threads=8
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
group.initial.rebalance.delay.ms=0
auto.leader.rebalance.enable=false
'''
OLD_LOGGING = '''log4j.rootLogger=WARN, out
log4j.logger.kafka.cluster.Partition=INFO
log4j.logger.kafka.log=INFO
log4j.logger.kafka.server.ReplicaFetcherThread=INFO
log4j.logger.kafka.coordinator.group=INFO
log4j.logger.kafka.controller=INFO
log4j.logger.state.change.logger=INFO
log4j.logger.org.apache.kafka.clients.consumer.internals=INFO
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.target=System.err
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n
'''
NEW_LOGGERS = ('kafka.cluster.Partition', 'kafka.log', 'org.apache.kafka.storage', 'kafka.server.ReplicaFetcherThread',
               'org.apache.kafka.coordinator.group', 'org.apache.kafka.controller', 'state.change.logger',
               'org.apache.kafka.clients.consumer.internals')
NEW_LOGGING = '''rootLogger.level=WARN
rootLogger.appenderRef.e.ref=E
appender.e.type=Console
appender.e.name=E
appender.e.target=SYSTEM_ERR
appender.e.layout.type=PatternLayout
appender.e.layout.pattern=[%d] %p %m (%c)%n
''' + ''.join('logger.l%d.name=%s\nlogger.l%d.level=INFO\n' % (i, x, i) for i, x in enumerate(NEW_LOGGERS))
TOOLS = {                        # name: class of 2.7.0, of 4.3.0
    'kafka-topics.sh': ('kafka.admin.TopicCommand', 'org.apache.kafka.tools.TopicCommand'),
    'kafka-console-consumer.sh': ('kafka.tools.ConsoleConsumer', 'org.apache.kafka.tools.consumer.ConsoleConsumer'),
    'kafka-console-producer.sh': ('kafka.tools.ConsoleProducer', 'org.apache.kafka.tools.ConsoleProducer'),
    'kafka-consumer-groups.sh': ('kafka.admin.ConsumerGroupCommand', 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand'),
    'kafka-dump-log.sh': ('kafka.tools.DumpLogSegments', 'org.apache.kafka.tools.DumpLogSegments'),
    'zookeeper-shell.sh': ('org.apache.zookeeper.ZooKeeperMain', None),
}
live = []


def die_with_us():
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def open_port(port, seconds=90):
    end = time.time() + seconds
    while time.time() < end:
        try:
            return socket.create_connection(('127.0.0.1', port), 1).close()
        except OSError:
            time.sleep(0.1)
    raise RuntimeError('port %d did not open' % port)


class Cluster:
    """Three brokers; ports PORT, PORT+1, PORT+2 are written 9092, 9093, 9094 in what is captured."""
    patience = 0.5

    def __init__(self, version, name, props):
        self.version, self.old = version, version.startswith('2')
        self.ids = [0, 1, 2] if self.old else [1, 2, 3]
        self.first = self.ids[0]
        self.home = os.path.join(HOME, version, name)
        self.libs = os.path.join(JARS, version, 'libs')
        self.conf = os.path.join(self.home, 'conf')
        self.props = props
        self.procs, self.frozen, self.children = {}, set(), []
        self.now, self.sleep = time.time, time.sleep
        shutil.rmtree(self.home, ignore_errors=True)
        os.makedirs(self.conf)
        os.makedirs(os.path.join(self.home, 'work'))
        with open(os.path.join(self.conf, 'log4j.properties' if self.old else 'log4j2.properties'), 'w') as f:
            f.write(OLD_LOGGING if self.old else NEW_LOGGING)
        self.apart = PORT + 400
        if self.old:
            self.write('zk.properties', 'dataDir=%s/zk\nclientPort=%d\nadmin.enableServer=false\nclientPortAddress=127.0.0.1\n'
                       % (self.home, self.apart))
            self.procs['apart'] = self.java('apart', '-Xmx128M', 'org.apache.zookeeper.server.quorum.QuorumPeerMain', self.path('zk.properties'))
            open_port(self.apart)
        else:
            self.write('controller.properties', 'log.dirs=%s\nprocess.roles=controller\nnode.id=100\nlisteners=CONTROLLER://127.0.0.1:%d\n'
                       'advertised.listeners=CONTROLLER://localhost:%d\ncontroller.listener.names=CONTROLLER\n'
                       'controller.quorum.bootstrap.servers=localhost:%d\n%s'
                       % (self.path('controller'), self.apart, self.apart, self.apart, DIST + props))
            self.format('controller.properties', '--standalone')
            self.procs['apart'] = self.java('apart', '-Xmx256M', 'kafka.Kafka', self.path('controller.properties'))
            open_port(self.apart)
        for node in self.ids:
            self.configure(node)
        for node in self.ids:
            self.start(node)
            if node == self.first and self.old:
                time.sleep(2)               # so that the first broker becomes the controller
        time.sleep(4)

    def path(self, name):
        return os.path.join(self.home, name)

    def write(self, name, text):
        with open(self.path(name), 'w') as f:
            f.write(text)

    def port(self, node):
        return PORT + node - self.first

    def data(self, node):
        return self.path('kafka-logs' + ('' if node == self.first else '-%d' % node))

    def shown(self, node):
        return SHOWN + ('' if node == self.first else '-%d' % node)

    def java(self, log, *args):
        with open(self.path(log + '.log'), 'a') as out:
            p = subprocess.Popen(['java', '-cp', self.conf + ':' + self.libs + '/*', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'] + list(args),
                                 stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=self.home,
                                 start_new_session=True, preexec_fn=die_with_us)
        live.append(p)
        return p

    def format(self, properties, *how):
        r = subprocess.run(['java', '-cp', self.conf + ':' + self.libs + '/*', 'kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID,
                            '-c', self.path(properties)] + list(how), capture_output=True, text=True)
        if r.returncode:
            raise SystemExit(r.stdout + r.stderr)

    def configure(self, node):
        text = ('log.dirs=%s\nlisteners=PLAINTEXT://127.0.0.1:%d\nadvertised.listeners=PLAINTEXT://localhost:%d\n'
                % (self.data(node), self.port(node), self.port(node)))
        if self.old:
            text += 'broker.id=%d\nzookeeper.connect=127.0.0.1:%d\nzookeeper.connection.timeout.ms=18000\n' % (node, self.apart)
        else:
            text += ('process.roles=broker\nnode.id=%d\ncontroller.quorum.bootstrap.servers=localhost:%d\n'
                     'controller.listener.names=CONTROLLER\ninter.broker.listener.name=PLAINTEXT\n' % (node, self.apart))
        self.write('server-%d.properties' % node, text + DIST + self.props)
        if not self.old:
            self.format('server-%d.properties' % node, '--no-initial-controllers')

    def start(self, node):
        self.procs[node] = self.java('broker-%d' % node, '-Xmx512M', '-Xms256M', 'kafka.Kafka', self.path('server-%d.properties' % node))
        open_port(self.port(node))

    @property
    def up(self):
        return {n for n in self.procs if n != 'apart'}

    def freeze(self, node):
        self.frozen.add(node)
        self.procs[node].send_signal(signal.SIGSTOP)

    def thaw(self, node):
        self.procs[node].send_signal(signal.SIGCONT)
        self.frozen.discard(node)

    def kill(self, node):
        self.end(node, signal.SIGKILL)

    def stop(self, node):
        self.end(node, signal.SIGTERM)

    def end(self, node, number):
        p = self.procs.pop(node, None)
        if p is None:
            return
        p.send_signal(number)
        try:
            p.wait(60)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()

    def close(self):
        for node in self.ids + ['apart']:
            self.end(node, signal.SIGKILL)

    def real(self, text):
        for node in self.ids:
            text = re.sub(r'\blocalhost:%d\b' % (9092 + node - self.first), 'localhost:%d' % self.port(node), text)
        text = text.replace('localhost:2181', '127.0.0.1:%d' % self.apart)
        for node in reversed(self.ids):
            text = text.replace(self.shown(node) + '/', self.data(node) + '/')
        return text.replace('/tmp/kraft-controller-logs/', self.path('controller') + '/')

    def normal(self, text):
        text = re.sub(r'[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]', lambda m: '\\x%02x' % ord(m.group()), text)
        for node in reversed(self.ids):
            text = text.replace(self.data(node), self.shown(node))
        text = text.replace(self.path('controller'), '/tmp/kraft-controller-logs')
        for node in self.ids:
            text = re.sub(r'\b%d\b' % self.port(node), str(9092 + node - self.first), text)
        text = re.sub(r'\b%d\b' % self.apart, '2181' if self.old else '9095', text)
        text = re.sub(r'\[?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[,.]\d{3}\]?', '<TIME>', text)
        text = re.sub(r'\b1[789]\d{11}\b', '<TIME>', text)
        text = re.sub(r'\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b', '<ID>', text)
        text = re.sub(r'(TopicId: ?|opicId=|topic-id |directory\.id=|Directories"?:?\[?)"?[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])"?', r'\1<ID>', text)
        text = re.sub(r'"(?!eligibleLeaderReplicas)[A-Za-z0-9_-]{22}"', '"<ID>"', text)
        text = re.sub(r'topic id Some\([A-Za-z0-9_-]{22}\)', 'topic id Some(<ID>)', text)
        text = re.sub(r'(topicId |topic ID |directories=\[(?:[A-Za-z0-9_-]{22}, )*)[A-Za-z0-9_-]{22}(?=[,\]])', r'\1<ID>', text)
        text = re.sub(r'crc: \d+', 'crc: <CRC>', text)
        return re.sub(r'\bconsole-consumer-\d+', 'console-consumer-<ID>', text)

    def eventually(self, test):
        end = time.time() + 60
        while not test() and time.time() < end:
            time.sleep(0.1)

    # ---- tools
    def argv(self, cmd):
        args = shlex.split(self.real(cmd))
        return ['java', '-cp', self.conf + ':' + self.libs + '/*', '-Xmx256M', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC',
                TOOLS[args[0]][0 if self.old else 1]] + args[1:]

    def run(self, cmd, stdin=None):
        p = subprocess.Popen(self.argv(cmd), stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, cwd=self.path('work'), start_new_session=True, preexec_fn=die_with_us)
        try:
            out, err = p.communicate(stdin.encode() if stdin is not None else None, 90)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            out, err = p.communicate()
        return p.returncode, self.without(out, ()), self.without(err, (r'AppInfo|deprecated configs|SASL| INFO |^\*\*\*|^\* (The consumer|Set the|See https)',))

    def without(self, data, noise):
        lines = []
        for line in self.normal(data.decode('utf-8', 'replace')).split('\n'):
            if not line.startswith(('\tat ', '\t... ', 'SLF4J:', 'NOTE: Picked up')) and line != (lines or [''])[-1] and not any(re.search(x, line) for x in noise):
                lines.append(line)
        return '\n'.join(lines)

    def typed(self, name, cmd):
        """a tool that goes on, and reads what write() gives it"""
        with open(self.path(name + '.log'), 'w') as log:
            p = subprocess.Popen(self.argv(cmd), stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self.path('work'), start_new_session=True, preexec_fn=die_with_us)
        live.append(p)
        self.children.append(name)
        return p

    # ---- readers, for the scene that only a real cluster plays
    def begin(self, scene, name, cmd):
        p = self.typed(name, cmd)
        scene.at('%s begins: %s' % (name, cmd))
        self.readers = getattr(self, 'readers', {})
        self.readers[name] = p
        return p

    def stand(self, scene, name, still):
        self.readers[name].send_signal(signal.SIGSTOP if still else signal.SIGCONT)
        scene.at('%s %s' % (name, 'frozen (SIGSTOP)' if still else 'thawed (SIGCONT)'))

    def until_logged(self, name, pattern, seconds=90):
        end = time.time() + seconds
        while time.time() < end:
            with open(self.path(name + '.log'), errors='replace') as f:
                if re.search(pattern, f.read()):
                    return
            time.sleep(0.2)

    def finish(self, scene, *readers):
        for p in readers:
            p.send_signal(signal.SIGINT)
            p.wait(30)
        scene.at('the readers end (SIGINT)')

    def text(self, path):
        with open(self.real(path), errors='replace') as f:
            return self.normal(f.read())

    # ---- what was logged
    def logged(self, scene):
        for n in self.ids:
            self.gather(scene, 'broker %d' % n, self.path('broker-%d.log' % n), scene.log_patterns)
        if not self.old:
            self.gather(scene, 'controller', self.path('apart.log'), scene.log_patterns)
        for name in self.children:
            self.gather(scene, name, self.path(name + '.log'), scene.child_patterns)

    def gather(self, scene, who, path, patterns):
        with open(path, errors='replace') as f:
            text = f.read().split('\n')
        printed, said = [], {}
        for line in text:
            m = re.match(r'\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3})\] (\w+) (.*) \((\S+)\)$', line)
            if m and any(re.search(p, m.group(4)) for p in patterns):
                when = time.mktime(time.strptime(m.group(1), '%Y-%m-%d %H:%M:%S')) + int(m.group(2)) / 1000
                message = '%s %s: %s (%s)' % (who, m.group(3), self.normal(self.seconds(scene, m.group(4))), m.group(5))
                if who in self.children and message in said:
                    said[message] = said[message][0] + 1, when
                elif when >= scene.zero_at - 0.5 or who in self.children:
                    scene.at(message, when)
                    said[message] = 1, when
            elif line and not m and who in self.children and not re.match(r'\[|\t|\*', line):
                printed.append(self.normal(line))
        for message, (times, last) in said.items():
            if times > 1:
                scene.at('the last of %d times, %s' % (times, message), last)
        if who in self.children:
            scene.note('%s printed: %s' % (who, ' | '.join(printed)))

    def seconds(self, scene, text):
        """a moment that is part of a message as the others are written"""
        return re.sub(r'(lastCaughtUpTimeMs: )(\d{13})', lambda m: '%s<%.2f s>' % (m.group(1), int(m.group(2)) / 1000 - scene.zero_at), text)


class Watch(threading.Thread):
    """looks ten times a second at what the brokers know"""

    def __init__(self, scene, topics):
        super().__init__(daemon=True)
        self.scene, self.topics, self.going = scene, topics, True
        self.start()

    def run(self):
        while self.going:
            self.scene.look(self.topics)
            time.sleep(0.1)


def play(version, name):
    about, settings, scene = SCENES[name]
    cluster = Cluster(version, name, settings)
    cluster.watch = lambda s, topics: Watch(s, topics)
    s = Scene(cluster)
    try:
        scene(s)
    except Exception:
        traceback.print_exc()
        s.note('FAILED')
    finally:
        cluster.close()
        for p in live:
            if p.poll() is None:
                p.kill()
    cluster.logged(s)
    head = ['# Apache Kafka %s: %s' % (version, name)] + ['# ' + x for x in about.strip().split('\n')]
    head.append('# three brokers: ' + ', '.join('%d at %s' % (n, s.server(n)) for n in s.ids) + ('; ZooKeeper apart' if s.old else '; a controller apart'))
    head.append('# broker settings beside the distribution\'s: ' +
                ', '.join(['offsets.topic.replication.factor=3', 'auto.leader.rebalance.enable=false'] + settings.split()))
    return '\n'.join(head + s.written()) + '\n'


def main(argv):
    if not argv or argv[0] in ('-h', '--help') or not JARS:
        raise SystemExit(__doc__)
    signal.signal(signal.SIGTERM, lambda *a: sys.exit('stopped'))
    for name in argv[1:] or list(SCENES):
        began = time.time()
        text = play(argv[0], name)
        os.makedirs(os.path.join(HERE, argv[0]), exist_ok=True)
        with open(os.path.join(HERE, argv[0], name + '.txt'), 'w') as f:
            f.write(text)
        print('%s %s %.0f s' % (argv[0], name, time.time() - began), flush=True)


if __name__ == '__main__':
    main(sys.argv[1:])
