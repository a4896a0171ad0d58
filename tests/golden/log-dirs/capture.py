#!/usr/bin/python3
"""Captures what brokers with two log dirs show: plays the scenes below on Apache Kafka and writes RELEASE/NAME.txt.

  capture.py 2.7.0|4.3.0 [SCENE...]      no SCENE: all of them

KAFKA_JARS names a folder with RELEASE/libs (Kafka's jars). The brokers, with a controller (4.3.0) or ZooKeeper (2.7.0) apart, are this script's
own: fresh folders under LOG_DIRS_HOME, ports from LOG_DIRS_PORT (22000) on of 127.0.0.1, ended by pid. README.md has the format.
"""
import os, re, shlex, shutil, signal, socket, subprocess, sys, time, traceback

HERE = os.path.dirname(os.path.abspath(__file__))
JARS = os.environ.get('KAFKA_JARS', '')
HOME = os.environ.get('LOG_DIRS_HOME', '/tmp/kafka-two-dirs')
PORT = int(os.environ.get('LOG_DIRS_PORT', '22000'))
B = '--bootstrap-server localhost:9092'
CLUSTER_ID = '4L6g3nShT-eMCtK--X86sw'
DIST = '''num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
auto.leader.rebalance.enable=false
replica.lag.time.max.ms=3000
'''
OLD_LOGGING = '''log4j.rootLogger=WARN, out
log4j.logger.kafka.log=INFO
log4j.logger.kafka.server=INFO
log4j.logger.kafka.cluster=INFO
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.target=System.err
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n
'''
NEW_LOGGING = '''rootLogger.level=INFO
rootLogger.appenderRef.e.ref=E
appender.e.type=Console
appender.e.name=E
appender.e.target=SYSTEM_ERR
appender.e.layout.type=PatternLayout
appender.e.layout.pattern=[%d] %p %m (%c)%n
'''
TOOLS = {                        # name: class of 2.7.0, of 4.3.0
    'kafka-topics.sh': ('kafka.admin.TopicCommand', 'org.apache.kafka.tools.TopicCommand'),
    'kafka-log-dirs.sh': ('kafka.admin.LogDirsCommand', 'org.apache.kafka.tools.LogDirsCommand'),
    'kafka-configs.sh': ('kafka.admin.ConfigCommand', 'kafka.admin.ConfigCommand'),
    'kafka-reassign-partitions.sh': ('kafka.admin.ReassignPartitionsCommand', 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand'),
    'kafka-console-producer.sh': ('kafka.tools.ConsoleProducer', 'org.apache.kafka.tools.ConsoleProducer'),
    'kafka-dump-log.sh': ('kafka.tools.DumpLogSegments', 'org.apache.kafka.tools.DumpLogSegments'),
}
live = []


def open_port(port, seconds=90):
    end = time.time() + seconds
    while time.time() < end:
        try:
            return socket.create_connection(('127.0.0.1', port), 1).close()
        except OSError:
            time.sleep(0.1)
    raise RuntimeError('port %d did not open' % port)


class Cluster:
    """Brokers with two log dirs each; what is kept of them reads as if they were at 9092, 9093 with /tmp/N/a and /tmp/N/b."""

    def __init__(self, version, name, count):
        self.version, self.name, self.old = version, name, version.startswith('2')
        self.ids = list(range(count)) if self.old else list(range(1, count + 1))
        self.home = os.path.join(HOME, version, name)
        self.libs, self.conf = os.path.join(JARS, version, 'libs'), os.path.join(self.home, 'conf')
        self.out, self.procs = ['# Apache Kafka %s: %s' % (version, name)], {}
        shutil.rmtree(self.home, ignore_errors=True)
        os.makedirs(self.conf)
        os.makedirs(self.path('work'))
        self.write('conf/log4j.properties' if self.old else 'conf/log4j2.properties', OLD_LOGGING if self.old else NEW_LOGGING)
        os.makedirs(self.path('quiet'))
        self.write('quiet/log4j.properties' if self.old else 'quiet/log4j2.properties', re.sub('INFO', 'WARN', OLD_LOGGING if self.old else NEW_LOGGING))
        self.apart = PORT + 400
        if self.old:
            self.write('zk.properties', 'dataDir=%s/zk\nclientPort=%d\nadmin.enableServer=false\nclientPortAddress=127.0.0.1\n' % (self.home, self.apart))
            self.procs['apart'] = self.java('apart', '-Xmx128M', 'org.apache.zookeeper.server.quorum.QuorumPeerMain', self.path('zk.properties'))
        else:
            self.write('controller.properties', 'log.dirs=%s\nprocess.roles=controller\nnode.id=100\nlisteners=CONTROLLER://127.0.0.1:%d\n'
                       'advertised.listeners=CONTROLLER://localhost:%d\ncontroller.listener.names=CONTROLLER\n'
                       'controller.quorum.bootstrap.servers=localhost:%d\n%s' % (self.path('controller'), self.apart, self.apart, self.apart, DIST))
            self.format('controller.properties', '--standalone')
            self.procs['apart'] = self.java('apart', '-Xmx256M', 'kafka.Kafka', self.path('controller.properties'))
        open_port(self.apart)
        for node in self.ids:
            self.configure(node)
            self.start(node)
        time.sleep(3)

    def path(self, name):
        return os.path.join(self.home, name)

    def write(self, name, text):
        with open(self.path(name), 'w') as f:
            f.write(text)

    def dir(self, node, letter):
        return self.path('%d/%s' % (node, letter))

    def java(self, log, *args):
        with open(self.path(log + '.log'), 'a') as out:
            p = subprocess.Popen(['java', '-cp', self.conf + ':' + self.libs + '/*', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'] + list(args),
                                 stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=self.home, start_new_session=True)
        live.append(p)
        return p

    def format(self, properties, *how):
        r = subprocess.run(['java', '-cp', self.conf + ':' + self.libs + '/*', 'kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID,
                            '-c', self.path(properties)] + list(how), capture_output=True, text=True)
        if r.returncode:
            raise SystemExit(r.stdout + r.stderr)

    def configure(self, node):
        port = PORT + node - self.ids[0]
        text = 'log.dirs=%s,%s\nlisteners=PLAINTEXT://127.0.0.1:%d\nadvertised.listeners=PLAINTEXT://localhost:%d\n' % (
            self.dir(node, 'a'), self.dir(node, 'b'), port, port)
        if self.old:
            text += 'broker.id=%d\nzookeeper.connect=127.0.0.1:%d\n' % (node, self.apart)
        else:
            text += ('process.roles=broker\nnode.id=%d\ncontroller.quorum.bootstrap.servers=localhost:%d\ncontroller.listener.names=CONTROLLER\n'
                     'inter.broker.listener.name=PLAINTEXT\n' % (node, self.apart))
        name = 'server-%d.properties' % node
        self.write(name, text + DIST)
        if not self.old:
            self.format(name, '--no-initial-controllers')

    def start(self, node):
        self.procs[node] = self.java('broker-%d' % node, '-Xmx512M', '-Xms256M', 'kafka.Kafka', self.path('server-%d.properties' % node))
        open_port(PORT + node - self.ids[0])
        time.sleep(4)

    def stop(self, node, sig=signal.SIGTERM):
        p = self.procs.pop(node, None)
        if p is None:
            return
        p.send_signal(sig)
        try:
            p.wait(60)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()

    def close(self):
        for node in sorted((k for k in self.procs if k != 'apart'), reverse=True):
            self.stop(node)
        self.stop('apart')
        os.makedirs(os.path.join(HERE, self.version), exist_ok=True)
        with open(os.path.join(HERE, self.version, self.name + '.txt'), 'w') as f:
            f.write('\n'.join(self.out) + '\n')

    # ---- what is written ----
    def real(self, text):
        for i in range(2):
            text = re.sub(r'\blocalhost:%d\b' % (9092 + i), 'localhost:%d' % (PORT + i), text)
        return re.sub(r'/tmp/(\d|controller)\b', lambda m: self.path(m.group(1)), text)

    def plain(self, text):
        text = text.replace(self.home, '/tmp').replace(JARS, '/opt/kafka')
        for i in range(2):
            text = re.sub(r'\b%d\b' % (PORT + i), str(9092 + i), text)
        text = re.sub(r'\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]', '[<TIME>]', text)
        text = re.sub(r'\b1[789]\d{11}\b', '<TIME>', text)
        text = re.sub(r'"(total|usable)Bytes":\d+', r'"\1Bytes":<N>', text)
        return text

    def note(self, text):
        self.out += ['', '# ' + text]

    def file(self, name, text):
        self.write('work/' + name, self.real(text))
        self.note('file %s:' % name)
        self.out += ['#   ' + line for line in text.rstrip('\n').split('\n')]

    def run(self, command, stdin=None, quiet=False):
        args = shlex.split(self.real(command))
        if args[0] in TOOLS:
            args = ['java', '-cp', self.path('quiet') + ':' + self.libs + '/*', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto',
                    TOOLS[args[0]][0 if self.old else 1]] + args[1:]
        p = subprocess.run(args, input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL, capture_output=True, text=True,
                           cwd=self.path('work'), timeout=120)
        if quiet:
            return
        self.out += ['', '$ ' + command] + [line for line in self.plain(p.stdout).split('\n')[:-1] if not re.match(r'\tat |\t\.\.\. ', line)]
        self.out += ['! ' + line for line in self.plain(p.stderr).split('\n')[:-1]
                     if not re.match(r'\tat |\t\.\.\. |SLF4J|NOTE: Picked|.*WARN.*(deprecated|Ignoring)', line)]
        self.out += ['[exit %d]' % p.returncode]

    def ls(self, *folders):
        for folder in folders:
            real = self.real(folder)
            self.out += ['', '$ ls ' + folder] + (sorted(os.listdir(real)) if os.path.isdir(real) else ['(no folder)'])

    def cat(self, *names):
        for name in names:
            real = self.real(name)
            self.out += ['', '$ cat ' + name] + (self.plain(open(real).read()).rstrip('\n').split('\n') if os.path.exists(real) else ['(no file)'])

    def said(self, node, pattern):
        """lines of a broker's own log"""
        with open(self.path('broker-%d.log' % node)) as f:
            lines = [re.sub(r' with properties \{.*\}', '', self.plain(line)) for line in f.read().split('\n') if re.search(pattern, line) and not line.startswith('\tat ')]
        self.out += ['', '# broker %d said:' % node] + ['#   ' + line for line in lines]

    def metadata(self):
        """4.3.0: the controller's records, but for the idle ones"""
        if self.old:
            return
        before = len(self.out)
        self.run('kafka-dump-log.sh --cluster-metadata-decoder --skip-record-metadata --files /tmp/controller/__cluster_metadata-0/00000000000000000000.log')
        kept = [re.sub(r'"(features|endPoints)":\[.*?\]', r'"\1":[]', line[11:]) for line in self.out[before:] if line.startswith('| payload: ') and 'NO_OP' not in line]
        self.out[before:] = ['', '# the metadata log:'] + ['#   ' + line for line in kept]


LOGS = r'kafka\.log|ReplicaManager|AlterLogDirs|LogDirFailure|AssignmentsManager|LogManager|UnifiedLog|kafka\.cluster\.Partition'


def fill(c, topic, kilobytes):
    c.run('kafka-console-producer.sh --topic %s %s --producer-property linger.ms=0' % (topic, B), ('x' * 999 + '\n') * kilobytes, quiet=True)


def layout(c, node):
    a, b = '/tmp/%d/a' % node, '/tmp/%d/b' % node
    c.ls(a, b)
    c.cat(*[d + '/' + name for d in (a, b) for name in ('meta.properties', 'recovery-point-offset-checkpoint', 'replication-offset-checkpoint',
                                                         'log-start-offset-checkpoint', 'cleaner-offset-checkpoint')])


def describe(c, *more):
    c.run('kafka-log-dirs.sh --describe ' + B + ''.join(' ' + m for m in more))


def move(c):
    """One broker: where new partitions go; a move, whole, throttled, turned back, refused."""
    n = c.ids[0]
    R = 'kafka-reassign-partitions.sh %s --reassignment-json-file ' % B

    def plan(name, topic, dirs):
        c.file(name, '{"version":1,"partitions":[%s]}' % ','.join(
            '{"topic":"%s","partition":%d,"replicas":[%d],"log_dirs":["%s"]}' % (topic, p, n, d) for p, d in dirs))
    describe(c)
    c.run('kafka-topics.sh --create --topic students ' + B)
    c.run('kafka-topics.sh --create --topic orders --partitions 4 ' + B)
    fill(c, 'students', 3)
    time.sleep(6)
    describe(c)
    layout(c, n)
    plan('move.json', 'students', [(0, '/tmp/%d/b' % n)])
    c.run(R + 'move.json --verify')
    c.run(R + 'move.json --execute')
    time.sleep(3)
    c.run(R + 'move.json --verify')
    describe(c, '--topic-list students')
    layout(c, n)
    c.run(R + 'move.json --execute')
    c.note('a throttled move of 3000 records of 1000 bytes; after two seconds')
    c.run('kafka-topics.sh --create --topic big ' + B)
    fill(c, 'big', 3000)
    describe(c, '--topic-list big')
    there = 'a' if os.path.isdir(c.dir(n, 'a') + '/big-0') else 'b'
    other = 'b' if there == 'a' else 'a'
    plan('big.json', 'big', [(0, '/tmp/%d/%s' % (n, other))])
    plan('back.json', 'big', [(0, '/tmp/%d/%s' % (n, there))])
    c.run(R + 'big.json --execute --replica-alter-log-dirs-throttle 10')
    time.sleep(2)
    c.run(R + 'big.json --verify')
    describe(c, '--topic-list big')
    layout(c, n)
    c.run(R + 'back.json --verify')
    c.run('kafka-configs.sh --entity-type brokers --entity-name %d --describe %s' % (n, B))
    c.note('more is written meanwhile')
    fill(c, 'big', 2)
    describe(c, '--topic-list big')
    c.note('turned back to where it is')
    c.run(R + 'back.json --execute --replica-alter-log-dirs-throttle 20')
    time.sleep(2)
    describe(c, '--topic-list big')
    c.run(R + 'big.json --verify')
    c.ls('/tmp/%d/a' % n, '/tmp/%d/b' % n)
    c.note('again, then the throttle is lifted')
    c.run(R + 'big.json --execute --replica-alter-log-dirs-throttle 10')
    c.run('kafka-configs.sh --alter --delete-config replica.alter.log.dirs.io.max.bytes.per.second --entity-type brokers --entity-name %d %s' % (n, B))
    time.sleep(5)
    c.run(R + 'big.json --verify')
    describe(c, '--topic-list big')
    c.note('refused')
    plan('nope.json', 'students', [(0, '/tmp/%d/c' % n)])
    c.run(R + 'nope.json --execute')
    c.run(R + 'nope.json --verify')
    plan('relative.json', 'students', [(0, 'b')])
    c.run(R + 'relative.json --execute')
    c.run(R + 'relative.json --verify')
    plan('missing.json', 'missing', [(0, '/tmp/%d/b' % n)])
    c.run(R + 'missing.json --execute')
    c.run(R + 'missing.json --verify')
    c.file('short.json', '{"version":1,"partitions":[{"topic":"students","partition":0,"replicas":[%d],"log_dirs":[]}]}' % n)
    c.run(R + 'short.json --execute')
    c.note('a topic that is being moved is deleted')
    c.run(R + 'back.json --execute --replica-alter-log-dirs-throttle 10')
    c.run('kafka-topics.sh --delete --topic big ' + B)
    time.sleep(2)
    describe(c, '--topic-list big')
    c.ls('/tmp/%d/a' % n, '/tmp/%d/b' % n)
    c.stop(n)
    c.ls('/tmp/%d/a' % n, '/tmp/%d/b' % n)
    c.said(n, LOGS)
    c.metadata()


def crash(c):
    """One broker, killed in the middle of a throttled move."""
    n = c.ids[0]
    R = 'kafka-reassign-partitions.sh %s --reassignment-json-file ' % B
    c.run('kafka-topics.sh --create --topic big ' + B, quiet=True)
    fill(c, 'big', 3000)
    there = 'a' if os.path.isdir(c.dir(n, 'a') + '/big-0') else 'b'
    c.file('big.json', '{"version":1,"partitions":[{"topic":"big","partition":0,"replicas":[%d],"log_dirs":["/tmp/%d/%s"]}]}' % (n, n, 'b' if there == 'a' else 'a'))
    c.run(R + 'big.json --execute --replica-alter-log-dirs-throttle 10')
    time.sleep(2)
    describe(c, '--topic-list big')
    c.note('killed (SIGKILL)')
    c.stop(n, signal.SIGKILL)
    layout(c, n)
    if c.old:
        time.sleep(20)                  # until ZooKeeper has forgotten it
    c.start(n)
    c.note('started again')
    describe(c, '--topic-list big')
    c.ls('/tmp/%d/a' % n, '/tmp/%d/b' % n)
    c.run(R + 'big.json --verify')
    c.run('kafka-configs.sh --alter --delete-config replica.alter.log.dirs.io.max.bytes.per.second --entity-type brokers --entity-name %d %s' % (n, B))
    time.sleep(5)
    c.run(R + 'big.json --verify')
    describe(c, '--topic-list big')
    c.ls('/tmp/%d/a' % n, '/tmp/%d/b' % n)
    c.said(n, LOGS)
    c.metadata()


def failure(c):
    """Two brokers: the second log dir of the second one fails; what is left of it serves on."""
    x, y = c.ids
    c.run('kafka-topics.sh --create --topic orders --replica-assignment %s %s' % (','.join('%d:%d' % (y, x) for _ in range(4)), B))
    c.run('kafka-topics.sh --create --topic lone --replica-assignment %s %s' % (','.join('%d' % y for _ in range(2)), B))
    fill(c, 'orders', 8)
    fill(c, 'lone', 8)
    time.sleep(6)
    describe(c)
    c.run('kafka-topics.sh --describe ' + B)
    c.note('a file stands where the second log dir of broker %d was' % y)
    b = c.dir(y, 'b')
    os.rename(b, b + '.away')
    open(b, 'w').close()
    fill(c, 'orders', 4)
    fill(c, 'lone', 1)
    time.sleep(8)
    c.run('kafka-topics.sh --describe ' + B)
    describe(c)
    c.run('kafka-topics.sh --create --topic later ' + B + ' --replica-assignment %d,%d' % (y, y))
    c.run('kafka-log-dirs.sh --describe --topic-list later,lone ' + B)
    c.file('move.json', '{"version":1,"partitions":[{"topic":"lone","partition":0,"replicas":[%d],"log_dirs":["/tmp/%d/a"]},{"topic":"lone","partition":1,"replicas":[%d],"log_dirs":["/tmp/%d/a"]},'
                        '{"topic":"orders","partition":0,"replicas":[%d,%d],"log_dirs":["/tmp/%d/b","any"]},{"topic":"orders","partition":1,"replicas":[%d,%d],"log_dirs":["/tmp/%d/b","any"]}]}' % (y, y, y, y, y, x, y, y, x, y))
    c.run('kafka-reassign-partitions.sh %s --reassignment-json-file move.json --execute --timeout 3000' % B)
    c.run('kafka-reassign-partitions.sh %s --reassignment-json-file move.json --verify' % B)
    c.ls('/tmp/%d/a' % y)
    c.note('the folder is back; broker %d is started again' % y)
    c.stop(y)
    c.ls('/tmp/%d/a' % y, '/tmp/%d/b.away' % y)
    os.unlink(b)
    os.rename(b + '.away', b)
    c.start(y)
    time.sleep(3)
    c.run('kafka-topics.sh --describe ' + B)
    describe(c)
    c.note('both fail')
    for letter in 'ab':
        d = c.dir(y, letter)
        os.rename(d, d + '.away')
        open(d, 'w').close()
    fill(c, 'orders', 4)
    time.sleep(10)
    c.note('broker %d %s' % (y, 'runs' if c.procs[y].poll() is None else 'ended with %d' % c.procs[y].poll()))
    c.said(y, LOGS + '|Shutdown|FATAL|offline')
    c.metadata()


def placed(c):
    """Two brokers: a partition that moves to another broker, into a log dir of choice."""
    x, y = c.ids
    c.run('kafka-topics.sh --create --topic orders --replica-assignment %d,%d %s' % (x, x, B))
    fill(c, 'orders', 8)
    c.file('away.json', '{"version":1,"partitions":[%s]}' % ','.join(
        '{"topic":"orders","partition":%d,"replicas":[%d],"log_dirs":["/tmp/%d/b"]}' % (p, y, y) for p in range(2)))
    c.run('kafka-reassign-partitions.sh %s --reassignment-json-file away.json --execute' % B)
    time.sleep(4)
    c.run('kafka-reassign-partitions.sh %s --reassignment-json-file away.json --verify' % B)
    describe(c)
    c.file('topics.json', '{"version":1,"topics":[{"topic":"orders"}]}')
    c.run('kafka-reassign-partitions.sh %s --topics-to-move-json-file topics.json --broker-list %d --generate' % (B, x))
    c.metadata()


SCENES = {'move': (move, 1), 'crash': (crash, 1), 'failure': (failure, 2), 'placed': (placed, 2)}


def main(argv):
    if not argv or argv[0] in ('-h', '--help') or not JARS:
        raise SystemExit(__doc__)
    signal.signal(signal.SIGTERM, lambda *a: sys.exit('stopped'))
    try:
        for name in argv[1:] or SCENES:
            play, count = SCENES[name]
            began, c = time.time(), Cluster(argv[0], name, count)
            try:
                play(c)
            except Exception:
                traceback.print_exc()
            c.close()
            print('%s %s %.0f s' % (argv[0], name, time.time() - began), flush=True)
    finally:
        for p in live:
            if p.poll() is None:
                p.kill()


if __name__ == '__main__':
    main(sys.argv[1:])
