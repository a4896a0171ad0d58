"""kafka-dump-log on what real brokers left (tests/golden/segments): it prints what the real one printed there, to the byte."""
import os
import re

import pytest
from conftest import ROOT, tool

SEGMENTS = os.path.join(ROOT, 'tests', 'golden', 'segments')
RECORDS = os.path.join(ROOT, 'tests', 'golden', 'records')
FOLDERS = [os.path.join(top, name) for top in (SEGMENTS, RECORDS) for name in sorted(os.listdir(top)) if os.path.exists(os.path.join(top, name, 'dump.txt'))]


def blocks(here):
    """[(command, lines)] of a dump.txt"""
    found = []
    with open(os.path.join(here, 'dump.txt'), newline='\n') as f:
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


def dump(here, command, version):
    """The command with the golden folder in place of /tmp/kafka-logs; gives what it printed, with /tmp/kafka-logs again."""
    words = command.replace('/tmp/kafka-logs', here).split()
    status, out, err = tool('kafka-dump-log', *words[1:], env=dict(os.environ, KAFKARIUM_KAFKA=version))
    return as_printed(status, out.replace(here, '/tmp/kafka-logs'), err.replace(here, '/tmp/kafka-logs'))


@pytest.mark.parametrize('here', FOLDERS, ids=os.path.basename)
def test_a_real_folder_is_dumped_as_the_real_tool_does(here):
    for command, want in blocks(here):
        assert command.startswith('kafka-dump-log.sh ')
        assert dump(here, command, os.path.basename(here)[:3]) == want, command


DAMAGED = os.path.join(ROOT, 'tests', 'golden', 'damaged')


def damaged(version):
    """[(file of a segment, size, changes, command, lines)]"""
    found = []
    with open(os.path.join(DAMAGED, version + '.txt'), newline='\n') as f:
        for line in f.read().split('\n'):
            if line.startswith('@ '):
                words = line[2:].split()
                found.append([words[0], int(words[1]), [change.split('=') for change in words[2:]], None, []])
            elif line.startswith('$ '):
                found[-1][3] = line[2:]
            elif line and not line.startswith('#'):
                found[-1][4].append(line)
    return found


@pytest.mark.parametrize('version', ['2.7.0', '4.3.0'])
def test_damaged_files_are_told_as_the_real_tool_does(version, folder):
    """Flipped, cut and lengthened files: what the real one printed before it stopped, its exception, its lists of what doesn't match."""
    cases, wrong = damaged(version), []
    assert len(cases) > 60
    for number, (path, size, changes, command, want) in enumerate(cases):
        source, partition, name = path.split('/')
        here = os.path.join(folder, str(number), partition)
        os.makedirs(here)
        for other in os.listdir(os.path.join(SEGMENTS, source, partition)):
            with open(os.path.join(SEGMENTS, source, partition, other), 'rb') as f:
                data = bytearray(f.read())
            if other == name:
                data = data[:size].ljust(size, b'\0')
                for place, digits in changes:
                    data[int(place):int(place) + len(digits) // 2] = bytes.fromhex(digits)
            with open(os.path.join(here, other), 'wb') as f:
                f.write(data)
        root = os.path.dirname(here)
        words = command.replace('/tmp/kafka-logs', root).split()
        status, out, err = tool('kafka-dump-log', *words[1:], env=dict(os.environ, KAFKARIUM_KAFKA=version))
        lines = out.replace(root, '/tmp/kafka-logs').split('\n')
        got = ['< ' + line for line in lines[:-1]] + (['\\ ' + lines[-1]] if lines[-1] else [])
        got += ['! ' + line for line in err.replace(root, '/tmp/kafka-logs').split('\n')[:-1]] + ['[exit %d]' % status]
        got = [re.sub('[\x00-\x08\x0b-\x1f\x7f]', lambda m: '\\x%02x' % ord(m.group()), line) for line in got]
        if got != want:
            wrong.append('%s\n%s\nwant %r\ngot  %r' % (path, command, want, got))
    assert not wrong, '%d of %d differ:\n%s' % (len(wrong), len(cases), '\n'.join(wrong[:5]))
