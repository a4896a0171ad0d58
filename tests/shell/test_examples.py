"""Every command's example works as it stands."""
import os
import re
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from conftest import run  # noqa: E402

BEFORE = """kafka-topics --create --topic students --config retention.ms=30000 --bootstrap-server localhost:9092
echo one | kafka-console-producer --topic students --bootstrap-server localhost:9092
kafka-consumer-groups --group my-group --topic students --reset-offsets --to-earliest --execute --bootstrap-server localhost:9092
"""
ALSO = {'kill': 'wait 1h &', 'replay': 'save LAB'}                                    # what an example presumes beyond topic and group
MORE = {'kafka-console-consumer': ' --timeout-ms 1000',         # what would not come to an end by itself
        'fault': '\necho two | kafka-console-producer --topic students --bootstrap-server localhost:9092'}   # a script fails whose fault hits nothing
BROKERS = {'net': '3', 'replica': '3'}


def commands():
    out = run('--no-listen', '-c', 'help')[1]
    return re.findall(r'^  ([a-z-]+)  +\S', out, re.M)


def example_of(name):
    found = re.search(r'^example: (.*)$', run('--no-listen', '-c', 'help ' + name)[1], re.M)
    return found and found.group(1)


def test_there_are_commands():
    assert {'view', 'why', 'next', 'kafka-topics'} <= set(commands())


@pytest.mark.parametrize('name', commands())
def test_the_example_works(name, folder):
    example = example_of(name)
    assert example, 'no example'
    script = os.path.join(folder, 'script')
    with open(script, 'w') as file:
        file.write('set -e\n' + ('' if '--create' in example else BEFORE) + ALSO.get(name, '') + '\n' + example + MORE.get(name, '') + '\n')
    with open(os.path.join(folder, 'retention.kfk'), 'w') as file:
        file.write('echo sourced\n')
    with open(os.path.join(folder, 'delete.json'), 'w') as file:
        file.write('{"partitions": [{"topic": "students", "partition": 0, "offset": 1}], "version": 1}')
    status, out, err = run('--no-listen', '--brokers', BROKERS.get(name, '1'), '--set', 'default.replication.factor=' + BROKERS.get(name, '1'), '-f', script, cwd=folder, timeout=30)
    assert (status, err if status else '') == (0, ''), example + '\n' + out[-500:]
