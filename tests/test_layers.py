"""The laws of the code, read from the code: includes point downward only; the system is called in few places of sim; no wall clock,
no threads and no chance but the seed's."""
import os
import re
import subprocess

import pytest

from conftest import BUILD, ROOT

# A layer may include itself and those before it.
ORDER = ['base', 'log', 'cluster', 'wire', 'clients', 'sql', 'net']
MAY_CALL = ['sim/base/', 'sim/net/', 'sim/sql/store']
# The lab itself opens folders and raises limits.
LAB = {'sim/lab.c', 'sim/lab_folder.c', 'sim/lab_transport.c'}

SYSTEM_HEADERS = re.compile(r'#\s*include\s*<(unistd\.h|fcntl\.h|dirent\.h|sys/(?!types|queue|param)[a-z/]+\.h|netdb\.h|netinet/.*|arpa/.*|poll\.h|signal\.h|uv\.h)>')
FORBIDDEN = {
    'the wall clock': re.compile(r'\b(time|gettimeofday|clock_gettime|clock|localtime|ftime|timespec_get)\s*\('),
    'threads': re.compile(r'\b(pthread_\w+|thrd_\w+|uv_thread_\w+|uv_queue_work|fork|vfork)\s*\(|_Thread_local|<(pthread|threads|stdatomic)\.h>'),
    'chance': re.compile(r'\b(rand|srand|random|srandom|drand48|lrand48|rand_r|arc4random\w*|getrandom|getentropy)\s*\('),
}


def sources(top):
    for folder, _, names in os.walk(os.path.join(ROOT, top)):
        for name in names:
            if name.endswith(('.c', '.h', '.def')):
                yield os.path.relpath(os.path.join(folder, name), ROOT)


def code_of(path):
    """The file without comments and without what stands in quotes, but with its includes."""
    with open(os.path.join(ROOT, path), encoding='utf-8') as f:
        text = f.read()
    text = re.sub(r'/\*.*?\*/', lambda m: '\n' * m.group().count('\n'), text, flags=re.S)
    text = re.sub(r'//[^\n]*', '', text)
    return '\n'.join(line if line.lstrip().startswith('#') else re.sub(r'"(\\.|[^"\\])*"', '""', line) for line in text.split('\n'))


def layer_of(path):
    parts = path.split('/')
    return parts[1] if parts[0] == 'sim' and len(parts) > 2 else None


def includes():
    for path in list(sources('sim')) + list(sources('shell')):
        for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', code_of(path), flags=re.M):
            yield path, name


def test_includes_are_written_from_the_top():
    wrong = [(path, name) for path, name in includes() if not name.startswith(('sim/', 'shell/'))]
    assert not wrong


def test_includes_point_downward():
    wrong = []
    for path, name in includes():
        mine, theirs = layer_of(path), layer_of(name)
        if path.startswith('sim/') and name.startswith('shell/'):
            wrong.append((path, name))
        elif mine and (not theirs or ORDER.index(theirs) > ORDER.index(mine)):
            wrong.append((path, name))
        elif mine in ('sql', 'clients') and theirs in ('net',):
            wrong.append((path, name))
    assert not wrong


def test_only_base_net_and_the_store_call_the_system():
    wrong = [path for path in sources('sim') if not path.startswith(tuple(MAY_CALL)) and path not in LAB and path != 'sim/sim.h'
             and SYSTEM_HEADERS.search(code_of(path))]
    assert not wrong


@pytest.mark.parametrize('what', FORBIDDEN)
def test_sim_has_no(what):
    allowed = {'the wall clock': ('sim/net/wall.c',), 'threads': (), 'chance': ()}[what]
    wrong = []
    for path in sources('sim'):
        for number, line in enumerate(code_of(path).split('\n'), 1):
            if FORBIDDEN[what].search(line) and path not in allowed:
                wrong.append('%s:%d: %s' % (path, number, line.strip()))
    assert not wrong


def test_sim_has_no_globals():
    """Data that can change, outside functions: read from the archives."""
    wrong = []
    for layer in ORDER:
        listed = subprocess.run(['nm', '--format=sysv', os.path.join(BUILD, 'lib', layer + '.a')], capture_output=True, text=True, check=True).stdout
        for line in listed.split('\n'):
            fields = [field.strip() for field in line.split('|')]
            if len(fields) == 7 and fields[3] == 'OBJECT' and fields[6].split('.')[1:2] in (['data'], ['bss']) and not fields[6].startswith('.data.rel.ro'):
                wrong.append((layer, fields[0]))
    assert not wrong


def test_planted_bugs_still_fit_the_code():
    """tests/seeds/plant tries whether the checkers find them, now and then; that each can still be planted is known at once."""
    folder = os.path.join(ROOT, 'tests', 'seeds', 'planted')
    for name in os.listdir(folder):
        path, old = re.match(r'# .*\n(.*)\n<<<<\n(.*)\n====\n', open(os.path.join(folder, name)).read(), re.S).groups()
        assert open(os.path.join(ROOT, path)).read().count(old) == 1, name
