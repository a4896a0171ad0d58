"""A terminal to look at: a program of ours on a pty, its screen kept by pyte."""
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

import pyte

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from conftest import PROGRAM  # noqa: E402


class Terminal:
    def __init__(self, folder, *args, rows=24, columns=80, program=None, **more):
        os.chmod(folder, 0o700)
        env = dict(os.environ, XDG_STATE_HOME=os.path.join(folder, 'state'), XDG_RUNTIME_DIR=folder, TERM='linux', LC_ALL='C.UTF-8', INPUTRC='/dev/null')
        for name in ('KAFKARIUM_LAB', 'LINES', 'COLUMNS', 'NO_COLOR'):
            env.pop(name, None)
        env.update(more)
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b''
        self.status = None
        program = program or PROGRAM
        self.pid, self.fd = pty.fork()
        if not self.pid:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
            os.execve(program, [program, *args], env)

    def resize(self, rows, columns):
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

    def read(self, seconds):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b''
        self.raw += data
        self.stream.feed(data)
        return bool(data)

    def send(self, keys):
        os.write(self.fd, keys.encode())

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def text(self):
        return '\n'.join(self.lines())

    def wait(self, what, seconds=10):
        """Until `what` (a text, or a function of the whole text) is on the screen; gives the text."""
        end = time.time() + seconds
        holds = what if callable(what) else lambda text: what in text
        while not holds(self.text()):
            assert time.time() < end, 'never came: %s\n%s' % (what, self.text())
            self.read(0.05)
        return self.text()

    def settle(self, seconds=0.2):
        """Until nothing more comes; for a lab that stands still."""
        end = time.time() + 5
        while self.read(seconds) and time.time() < end:
            pass
        return self.text()

    def line(self, text):
        self.send(text + '\r')

    def ended(self, seconds=10):
        end = time.time() + seconds
        while self.status is None and time.time() < end:
            self.read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        while self.read(0):   # what it wrote last
            pass
        return self.status

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)
