"""kafka-dump-log on what real brokers left (tests/golden/segments): it prints what the real one printed there, to the byte."""
import os
import re

import pytest
from conftest import ROOT, tool

SEGMENTS = os.path.join(ROOT, 'tests', 'golden', 'segments')
FOLDERS = sorted(name for name in os.listdir(SEGMENTS) if os.path.exists(os.path.join(SEGMENTS, name, 'dump.txt')))


def blocks(name):
    """[(command, lines)] of a dump.txt"""
    found = []
    with open(os.path.join(SEGMENTS, name, 'dump.txt'), newline='\n') as f:
        for line in f.read().split('\n'):
            if line.startswith('$ '):
                found.append((line[2:], []))
            elif found:
                found[-1][1].append(line)
    for _, lines in found:
        while lines and not lines[-1]:
            lines.pop()
    return found


def as_printed(status, out, err):
    lines = out.split('\n')[:-1] + ['! ' + line for line in err.split('\n')[:-1]] + ['[exit %d]' % status]
    return [re.sub('[\x00-\x08\x0b-\x1f\x7f]', lambda m: '\\x%02x' % ord(m.group()), line) for line in lines]


def dump(name, command, version):
    """The command with the golden folder in place of /tmp/kafka-logs; gives what it printed, with /tmp/kafka-logs again."""
    here = os.path.join(SEGMENTS, name)
    words = command.replace('/tmp/kafka-logs', here).split()
    status, out, err = tool('kafka-dump-log', *words[1:], env=dict(os.environ, KAFKARIUM_KAFKA=version))
    return as_printed(status, out.replace(here, '/tmp/kafka-logs'), err.replace(here, '/tmp/kafka-logs'))


@pytest.mark.parametrize('name', FOLDERS)
def test_a_real_folder_is_dumped_as_the_real_tool_does(name):
    for command, want in blocks(name):
        assert command.startswith('kafka-dump-log.sh ')
        assert dump(name, command, name[:3]) == want, command
