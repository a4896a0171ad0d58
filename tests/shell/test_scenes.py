"""Scenes of failing clusters, played on the simulator as golden/scenes played them on real brokers: who leads in which epoch, who is in sync,
what each replica keeps, and what producers, consumers and members of groups are answered must be the same."""
import json
import os
import re
import subprocess
import sys

import pytest
from conftest import PROGRAM, ROOT, Serve, eventually

GOLDEN = os.path.join(ROOT, 'tests', 'golden', 'scenes')
sys.path.insert(0, GOLDEN)
from scenes import SCENES, Scene  # noqa: E402

STEP = 0.25   # seconds between two looks at what the brokers know


class Stage:
    """A simulated cluster in place of a real one: its time stands still but for what a scene lets pass."""
    patience = 60   # seconds by the wall for an answer that always comes

    def __init__(self, release, folder, settings):
        self.old = release == '2.7.0'
        self.ids = [0, 1, 2] if self.old else [1, 2, 3]
        self.first = self.ids[0]
        options = ['offsets.topic.replication.factor=3', 'auto.leader.rebalance.enable=false'] + settings.split()
        apart = [] if self.old else ['--controllers', '1']       # the first broker then: no scene stops it
        self.serve = Serve('--kafka', release[:3], '--brokers', '3', *apart, '--speed', 'paused', *(x for o in options for x in ('--set', o)), lab=os.path.join(folder, 'lab'))
        self.up, self.frozen, self.scene, self.topics, self.typing = set(self.ids), set(), None, (), []

    def close(self):
        for tool in self.typing:
            if tool.poll() is None:
                tool.kill()
            tool.wait()
            for pipe in (tool.stdin, tool.stdout, tool.stderr):
                pipe.close()
        self.serve.stop()

    def order(self, commands):
        status, out, err = self.serve.run(commands)
        assert status == 0, '%s: %s%s' % (commands, out, err)
        return out

    def port(self, node):
        return self.serve.ports[node - self.first]

    def now(self):
        return int(self.order('SELECT now_ms FROM clock').split()[-1]) / 1000

    def watch(self, scene, topics):
        self.scene, self.topics = scene, topics

    def sleep(self, seconds):
        while seconds > 0:
            step = min(seconds, STEP)
            self.order('advance %dms' % round(step * 1000))
            seconds -= step
            if self.scene:
                self.scene.look(self.topics)

    def eventually(self, test):
        eventually(test)

    def freeze(self, node):
        self.frozen.add(node)
        self.order('broker freeze %d' % node)

    def thaw(self, node):
        self.order('broker thaw %d' % node)
        self.frozen.discard(node)

    def kill(self, node):
        self.up.discard(node)
        self.order('broker kill %d' % node)

    def stop(self, node):
        self.up.discard(node)
        self.order('broker stop %d' % node)
        self.order("until (SELECT up FROM brokers WHERE broker = %d) = 0" % node)

    def start(self, node):
        self.order('broker start %d; until (SELECT up FROM brokers WHERE broker = %d) = 1' % (node, node))
        self.up.add(node)

    def run(self, cmd, stdin=None):
        if cmd.startswith('zookeeper-shell.sh'):
            topic = re.search(r'/topics/([^/]+)/', cmd).group(1)
            leader, epoch, isr = self.order("SELECT leader, leader_epoch, isr FROM partitions WHERE topic = '%s'" % topic).split()[-3:]
            return 0, '{"controller_epoch":1,"leader":%s,"version":1,"leader_epoch":%s,"isr":[%s]}\n' % (leader, epoch, isr), ''
        cmd = cmd.replace('/tmp/kraft-controller-logs/', '/tmp/kafka-logs/').replace('--timeout-ms 6000', '--timeout-ms 300')
        done = subprocess.run([PROGRAM, '--to=' + self.serve.lab, '-c', cmd], input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def typed(self, name, cmd):
        # While a request waits for replicas the clock runs by the wall. 2.7's producer gives one up after 1.5 s and sends it again: no scene wants
        # that, and on a busy machine so much passes between two orders.
        tool = subprocess.Popen([PROGRAM, '--to=' + self.serve.lab, '-c', cmd + ' --request-timeout-ms 60000'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.typing.append(tool)
        return tool

    def text(self, path):
        return self.order('cat ' + path)

    def logged(self, scene):
        """what a real leader logs of a follower that it drops"""
        for line in self.order("set mode json; SELECT at_ms, broker, facts FROM decisions WHERE event = 'follower_lags'").splitlines():
            row = json.loads(line)
            facts = json.loads(row['facts'])
            scene.at('broker %d: Shrinking ISR from it to less. lastCaughtUpTimeMs: <%.3f s>' % (row['broker'], facts['last_caught_up_ms'] / 1000 - scene.zero_at),
                     row['at_ms'] / 1000)


class Seen:
    """What a session tells, as facts to compare."""

    def __init__(self, text):
        self.answers, self.coordinators, self.views, self.described, self.consumed, self.kept, self.epochs, self.changes = [], [], {}, [], [], [], [], []
        self.ends, self.shrinks = [], []
        command, offsets, file = '', {}, None
        for line in text.split('\n'):
            moment = re.match(r'# (-?[\d.]+) s: (.*)', line)
            if line.startswith('$ '):
                command = line[2:]
                file = command.split()[1] if command.startswith('cat ') else None
                if file:
                    self.epochs.append([file])
                if command.startswith('kafka-console-consumer'):
                    self.consumed.append([])
            elif line.startswith('[exit'):
                command = ''
            elif moment:
                self.happened(float(moment.group(1)), moment.group(2))
            elif command.startswith('kafka-topics.sh --describe') and '\tPartition: ' in line:
                self.described.append(line.strip())
            elif command.startswith('kafka-console-consumer') and not line.startswith('!'):
                self.consumed[-1].append(line)
            elif command.startswith('cat '):
                self.epochs[-1].append(line)
            elif command.startswith('kafka-dump-log.sh --print-data-log'):
                self.dumped(line)
            elif command.startswith('kafka-dump-log.sh --cluster-metadata-decoder') and '"PARTITION' in line:
                data = re.sub(r'"(topicId|directories)":("[^"]*"|\[[^]]*\]),?', '', re.search(r'payload: (.*)', line).group(1))
                self.changes.append(data.replace(',}', '}'))
            elif command.startswith('zookeeper-shell.sh'):
                self.changes.append(re.sub(r'"controller_epoch":\d+,', '', line))

    def happened(self, when, what):
        view = re.match(r'brokers? [\d and]+: (\S+) leader (\S+), epoch (\d+), ISR (\S+)', what)
        if view:
            topic, now = view.group(1), (view.group(2), int(view.group(3)), ','.join(sorted(view.group(4).split(','))))
            views = self.views.setdefault(topic, [])
            if now not in views[-2:]:          # brokers learn of it one after the other
                views.append(now)
        elif 'FindCoordinator' in what:
            self.coordinators.append(what)
        elif re.match(r"broker \d+ (answers|has not)|Produce |JoinGroup |.*the connection ", what):
            self.answers.append(what)
        elif 'log end offsets' in what:
            self.ends.append(what)
        if 'frozen' in what:
            self.frozen_at = when
        if 'Shrinking ISR' in what:            # 2.7.0 does not log when it had caught up last: that is when it froze, records come so often
            caught_up = re.search(r'lastCaughtUpTimeMs: <(-?[\d.]+) s>', what)
            self.shrinks.append(round(when - (float(caught_up.group(1)) if caught_up else self.frozen_at), 2))

    def dumped(self, line):
        if line.startswith('Dumping '):
            self.kept.append([line])
        batch = re.match(r'baseOffset: .* partitionLeaderEpoch: (-?\d+)', line)
        if batch:
            self.epoch = int(batch.group(1))
        record = re.match(r'\| offset: (\d+) .* payload: (.*)', line)
        if record:
            self.kept[-1].append((int(record.group(1)), self.epoch, record.group(2)))


def golden(release, name):
    with open(os.path.join(GOLDEN, release, name + '.txt')) as f:
        return Seen(f.read())


def play(release, name, folder):
    stage = Stage(release, folder, SCENES[name][1])
    try:
        scene = Scene(stage)
        SCENES[name][2](scene)
        stage.logged(scene)
        return '\n'.join(scene.written()) + '\n'
    finally:
        stage.close()


def compared(release, name, folder, but=()):
    text = play(release, name, folder)
    if os.environ.get('SCENES_KEEP'):        # to look at
        os.makedirs(os.environ['SCENES_KEEP'], exist_ok=True)
        with open(os.path.join(os.environ['SCENES_KEEP'], '%s-%s.txt' % (release, name)), 'w') as f:
            f.write(text)
    ours, real = Seen(text), golden(release, name)
    for what in ('answers', 'coordinators', 'consumed', 'views', 'described', 'kept', 'epochs', 'changes', 'ends'):
        if what not in but:
            in_order = sorted if what == 'changes' and len(ours.views) > 1 else list   # of topics: by their ids, which are by chance
            assert in_order(getattr(ours, what)) == in_order(getattr(real, what)), what
    return ours, real


RELEASES = ['4.3.0', '2.7.0']


@pytest.mark.parametrize('release', RELEASES)
@pytest.mark.parametrize('name', ['acks-1-lost', 'acks-all-kept', 'not-enough-replicas', 'unclean-election', 'zombie-leader', 'coordinator-dies'])
def test_a_scene_is_what_real_brokers_played(release, name, folder):
    ours, real = compared(release, name, folder)
    assert real.answers and ours.answers


@pytest.mark.parametrize('release', RELEASES)
def test_a_slow_follower_leaves_and_returns(release, folder):
    ours, real = compared(release, 'slow-follower', folder, but=('ends',))
    for seen, late in ((ours, 0), (real, 0.1)):          # a real broker's look may come late, by a busy machine
        assert len(seen.shrinks) == 3 and all(3 < s <= 4.5 + late for s in seen.shrinks), seen.shrinks
