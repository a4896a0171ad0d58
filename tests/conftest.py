"""What the tests in Python share: a Kafkarium that serves, one that runs a script, and a terminal to look at."""
import os
import shutil
import subprocess
import sys
import tempfile
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, os.environ.get('KAFKARIUM_BUILD', 'build'))
PROGRAM = os.path.join(BUILD, 'kafkarium')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.environ['LC_ALL'] = 'C.UTF-8'  # whoever runs the tests, in whatever language
for name in ('KAFKARIUM_LANG', 'LANGUAGE', 'KAFKARIUM_LAB'):
    os.environ.pop(name, None)


@pytest.fixture(scope='session', autouse=True)
def own_runtime_folder():
    """Transient labs of this process of pytest lie apart: another's, or those that the user has open, are none of --to's choices here."""
    path = tempfile.mkdtemp(prefix='kt-')
    os.environ['XDG_RUNTIME_DIR'] = path
    yield
    shutil.rmtree(path, ignore_errors=True)


class Serve:
    """`kafkarium --serve --port 0` and what it said it is ready at."""

    def __init__(self, *options, lab=None, env=None):
        args = [PROGRAM, '--serve', '--port', '0', *options] + ([lab] if lab else [])
        self.process = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
        line = self.process.stdout.readline().strip()
        if not line.startswith('ready '):
            self.process.kill()
            raise RuntimeError('not ready: %r %s' % (line, self.process.stderr.read()))
        self.bootstrap = line[len('ready '):]
        self.ports = [int(x.rsplit(':', 1)[1]) for x in self.bootstrap.split(',')]
        self.lab = lab
        self.options = options

    def run(self, commands, lab=None):
        """Runs commands inside, as --to does; gives (status, stdout, stderr)."""
        return run('--to=' + (lab or self.lab), '-c', commands)

    def make_offsets_topic(self):
        """The first to look for a coordinator has __consumer_offsets made, is told to try again and does so a second later: not where it stands before."""
        status, _, err = self.run('kafka-topics.sh --create --topic __consumer_offsets --partitions 1 --replication-factor 1 --config cleanup.policy=compact '
                                  '--bootstrap-server localhost:9092')
        assert status == 0, err

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()
        return self.process.returncode


def run(*args, stdin=None, timeout=60, env=None, cwd=None):
    done = subprocess.run([PROGRAM, *args], input=stdin, stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True, text=True,
                          timeout=timeout, env=env, cwd=cwd)
    return done.returncode, done.stdout, done.stderr


def tool(name, *args, stdin=None, timeout=60, env=None):
    done = subprocess.run([os.path.join(BUILD, 'bin', name + '.sh'), *args], input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                          capture_output=True, text=True, timeout=timeout, env=env)
    return done.returncode, done.stdout, done.stderr


def children(pid):
    """Process ids of a process's children, by /proc alone."""
    found = []
    for name in os.listdir('/proc'):
        try:
            if name.isdigit() and int(open('/proc/%s/stat' % name).read().rsplit(')', 1)[1].split()[1]) == pid:
                found.append(int(name))
        except OSError:  # it ended meanwhile
            pass
    return found


def eventually(test, seconds=20):
    """Waits until test() is true; what it last gave otherwise fails the test."""
    end = time.time() + seconds
    while True:
        got = test()
        if got:
            return got
        assert time.time() < end, 'never came to pass'
        time.sleep(0.02)


@pytest.fixture
def folder():
    path = tempfile.mkdtemp(prefix='kafkarium-test-')
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def serve(folder):
    """A function that starts one with these options; all are stopped at the end."""
    started = []

    def start(*options, lab=None):
        server = Serve(*options, lab=lab or os.path.join(folder, 'lab%d' % len(started)))
        started.append(server)
        return server

    yield start
    for server in started:
        if server.process.poll() is None:
            server.stop()
