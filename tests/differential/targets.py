"""What a history is played on: a real broker of either release, or ours; each with its data in a folder of its own."""
import datetime
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

from protocol import Connection, until

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CACHE = os.environ.get('KAFKARIUM_CACHE') or os.path.join(os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'kafkarium-tests')
# Everything periodic is quick, so that what is waited for comes soon; idle histories keep retention and the cleaner off.
SETTINGS = {
    'log.retention.check.interval.ms': '1000', 'log.cleaner.backoff.ms': '500', 'log.flush.offset.checkpoint.interval.ms': '500',
    'log.flush.start.offset.checkpoint.interval.ms': '500', 'replica.high.watermark.checkpoint.interval.ms': '500', 'log.cleaner.dedupe.buffer.size': '33554432',
    'log.cleaner.io.buffer.size': '1048576', 'auto.create.topics.enable': 'false', 'offsets.topic.num.partitions': '1',
}
NEW_SETTINGS = {'transaction.partition.verification.enable': 'false', 'log.initial.task.delay.ms': '500'}


def free_port(first=None):
    """A free port; above `first` if given."""
    while True:
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(('127.0.0.1', first or 0))
                return s.getsockname()[1]
            except OSError:
                first += 1


def settle(target, first_check):
    """Until retention and the cleaner have nothing left to do: the files stay as they are over some rounds of both."""
    last, since = None, time.time()
    while True:
        now = picture(target.logs)
        if now != last:
            last, since = now, time.time()
        if time.time() - since > 3 and time.time() > first_check:
            return
        time.sleep(0.2)


def picture(logs):
    found = {}
    for folder, _, names in os.walk(logs):
        for name in names if '__' not in folder else ():
            if not name.endswith('.deleted') and 'checkpoint' not in name:
                try:
                    at = os.stat(os.path.join(folder, name))
                    found[folder, name] = (at.st_ino, at.st_size, at.st_mtime_ns)
                except OSError:
                    pass
    return found


class Real:
    """Apache Kafka, one broker; the jars are tests/clients/kafka-jars'."""
    real = True

    def __init__(self, release, folder, ports):
        self.release, self.folder, self.old = release, folder, release.startswith('2')
        self.jars = os.path.join(CACHE, 'kafka-' + release)
        self.logs, self.log_file = os.path.join(folder, 'logs'), os.path.join(folder, 'broker.log')
        self.port, self.control_port = ports
        self.connection = Connection(self.port, '__admin_client')
        self.process = self.zookeeper = None
        self.started_at, self.current, self.ends = 0, {}, {}
        self.setup()

    def setup(self):
        os.makedirs(self.folder)
        layout = '%d{ISO8601} %p %m (%c)%n'
        with open(os.path.join(self.folder, 'log4j'), 'w') as f:
            if self.old:
                f.write('log4j.rootLogger=WARN, out\nlog4j.logger.kafka=INFO\nlog4j.logger.org.apache.zookeeper.server.ZooKeeperServer=INFO\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\n'
                        'log4j.appender.out.layout=org.apache.log4j.PatternLayout\nlog4j.appender.out.layout.ConversionPattern=' + layout + '\n')
            else:
                f.write('rootLogger.level=WARN\nrootLogger.appenderRef.e.ref=E\nlogger.k.name=kafka\nlogger.k.level=INFO\nlogger.s.name=org.apache.kafka.storage\n'
                        'logger.s.level=INFO\nappender.e.type=Console\nappender.e.name=E\nappender.e.layout.type=PatternLayout\n'
                        'appender.e.layout.pattern=' + layout + '\n')
        settings = dict(SETTINGS, **{'log.dirs': self.logs, 'offsets.topic.replication.factor': 1})
        if self.old:
            with open(os.path.join(self.folder, 'zookeeper'), 'w') as f:
                f.write('dataDir=%s/zk\nclientPort=%d\nadmin.enableServer=false\nclientPortAddress=127.0.0.1\nmaxClientCnxns=0\n' % (self.folder, self.control_port))
            settings.update({'broker.id': 0, 'listeners': 'PLAINTEXT://127.0.0.1:%d' % self.port, 'zookeeper.connect': '127.0.0.1:%d' % self.control_port,
                             'zookeeper.session.timeout.ms': 6000})
        else:
            settings.update(NEW_SETTINGS, **{
                'process.roles': 'broker,controller', 'node.id': 1, 'controller.quorum.voters': '1@127.0.0.1:%d' % self.control_port,
                'listeners': 'PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d' % (self.port, self.control_port), 'controller.listener.names': 'CONTROLLER'})
        with open(os.path.join(self.folder, 'broker'), 'w') as f:
            f.writelines('%s=%s\n' % item for item in settings.items())
        if not self.old:
            self.java('kafka.tools.StorageTool', 'format', '-t', '4L6g3nShT-eMCtK--X86sw', '-c', os.path.join(self.folder, 'broker')).wait()

    def java(self, *args):
        log4j = '-Dlog4j.configuration=file:' if self.old else '-Dlog4j2.configurationFile='
        with open(self.log_file, 'ab') as out:
            return subprocess.Popen(['java', '-XX:TieredStopAtLevel=1', '-Xshare:auto', '-Xmx512M', log4j + self.folder + '/log4j' + ('' if self.old else '.properties'),
                                     '-cp', self.jars + '/libs/*', *args], stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def start(self):
        if not self.old and not os.path.exists(self.folder + '/log4j.properties'):
            shutil.copy(self.folder + '/log4j', self.folder + '/log4j.properties')
        if self.old and not self.zookeeper:
            self.zookeeper = self.java('org.apache.zookeeper.server.quorum.QuorumPeerMain', os.path.join(self.folder, 'zookeeper'))
            until(lambda: socket.create_connection(('127.0.0.1', self.control_port)).close() is None, 'ZooKeeper', 90)
        self.log_at_start = len(self.log())
        self.process = self.java('kafka.Kafka', os.path.join(self.folder, 'broker'))
        until(lambda: self.process.poll() is not None or self.connection.leads([]) and True, 'Kafka %s' % self.release, 120)
        if self.process.poll() is not None:
            raise RuntimeError('Kafka %s ended: see %s' % (self.release, self.log_file))
        self.started_at = time.time()

    def halt(self, number):
        self.connection.close()
        self.process.send_signal(number)
        self.process.wait(120)

    def stop(self):
        self.halt(signal.SIGTERM)

    def kill(self):
        since = len(self.log())
        self.halt(signal.SIGKILL)
        if self.old:               # a broker of the same id can't register before
            until(lambda: 'Expiring session' in self.log()[since:], 'the end of its session in ZooKeeper')

    def close(self):
        for process in (self.process, self.zookeeper):
            if process and process.poll() is None:
                process.kill()
                process.wait()

    def log(self):
        with open(self.log_file, errors='replace') as f:
            return f.read()

    def create(self, name, config):
        self.current[name] = dict(config)
        return self.connection.create({name: config})[name]

    def complaints(self, topic):
        """What the broker's log said of the partition since its start that it does not say of a folder of its own that it closed."""
        lines = [line for line in self.log()[self.log_at_start:].split('\n') if 'Producer state recovery took' not in line]    # of any folder
        # 2.7 closes an empty segment without making its indexes, and is surprised at its next start
        if self.old:
            lines = [line for line in lines if 'Could not find offset index file' not in line or not line.split('.log,')[0].endswith('%020d' % self.ends[topic])]
        return [line for line in lines if topic + '-0' in line and re.search(r' (WARN|ERROR) |[Rr]ecover|[Ii]nvalid|[Cc]orrupt|[Tt]runcat|[Rr]ebuilding index', line)]

    def configured(self, since):
        """Which topics' settings the broker said it took over, after `since` characters of its log."""
        pattern = r'entityPath: topics/(\S+) with config' if self.old else r'Updating topic (\S+) with new configuration'
        return re.findall(pattern, self.log()[since:])

    def configure(self, changes):
        """All topics' changes in one request, and waits until the broker acts by them: 4.3 says nothing of what stays as it was."""
        since, wanted = len(self.log()), set()
        answers = self.connection.configure(changes)
        for name, (error, _) in answers.items():
            before = self.current[name]
            after = {k: v for k, v in dict(before, **changes[name]).items() if v is not None}
            if not error and (self.old or after != before):
                wanted.add(name)
                self.current[name] = after
        until(lambda: wanted <= set(self.configured(since)), 'settings of %s' % sorted(wanted)[:3])
        time.sleep(0.3)            # the line is written just before the logs are told
        return answers

    def settle(self):
        settle(self, self.started_at + 32 if self.old else 0)


class Ours:
    """`kafkarium --serve`, whose waits are an `advance`; `by_wall`: it waits as a real broker does, so that both keep one time."""
    real = False

    def __init__(self, release, folder, start_ms, by_wall=False):
        self.by_wall, self.stopped_at = by_wall, None
        self.release, self.folder, self.old = release, folder, release.startswith('2')
        self.program = os.path.join(folder, 'kafkarium')   # what is played on does not change when it is built anew
        self.lab = os.path.join(folder, 'lab')
        self.start_ms = start_ms
        self.logs = os.path.join(self.lab, 'broker-0' if self.old else 'broker-1')
        self.process, self.connection, self.made, self.ends = None, None, False, {}
        os.makedirs(folder)
        shutil.copy(os.path.join(ROOT, os.environ.get('KAFKARIUM_BUILD', 'build'), 'kafkarium'), self.program)

    def start(self):
        args = [self.program, '--serve', '--port', '0', '--timestamps', 'keep']
        if not self.made:
            start = datetime.datetime.fromtimestamp(self.start_ms / 1000, datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.%f')[:-3] + 'Z'
            args += ['--kafka', '2.7' if self.old else '4.3', '--start', start]
            for item in dict(SETTINGS, **({} if self.old else NEW_SETTINGS)).items():
                args += ['--set', '%s=%s' % item]
        self.made = True
        self.process = subprocess.Popen(args + [self.lab], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith('ready '):
            raise RuntimeError('not ready: %r %s' % (line, self.process.stderr.read()))
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        self.started_at = time.time()
        self.connection = Connection(int(line.split(',')[0].rsplit(':', 1)[1]), '__admin_client')
        if self.by_wall and self.stopped_at:       # a lab's time does not pass while it is closed
            self.inside('advance %dms' % ((time.time() - self.stopped_at) * 1000))

    def halt(self, number):
        self.connection.close()
        self.process.send_signal(number)
        status = self.process.wait(60)
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()
        return status

    def stop(self):
        self.events_before = self.inside('sql "SELECT max(number) FROM events"').split('\n')[1]
        assert self.halt(signal.SIGTERM) == 0
        self.stopped_at = time.time()

    def kill(self):
        self.halt(signal.SIGKILL)

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()

    def create(self, name, config):
        return self.connection.create({name: config})[name]

    def complaints(self, topic):
        """As a real broker's: recovery, and whatever was cut or thrown away."""
        query = "SELECT event, text FROM events WHERE number > %s AND topic = '%s' AND event IN ('log_recovered', 'log_truncated')"
        return self.inside('sql "%s"' % query % (self.events_before, topic)).split('\n')[1:-1]

    def inside(self, command):
        done = subprocess.run([self.program, '--to=' + self.lab, '--mode', 'csv', '-c', command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def configure(self, changes):
        return self.connection.configure(changes)

    def settle(self):
        if self.by_wall:
            settle(self, self.started_at + 32)
            return
        done = subprocess.run([self.program, '--to=' + self.lab, '-c', 'advance 45s'], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
