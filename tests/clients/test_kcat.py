"""kcat against `--serve`: what a course's command lines do."""
import json
import subprocess

import pytest


@pytest.fixture(params=['any', '2.7'])
def server(request, serve):
    return serve('--kafka', request.param, '--set', 'offsets.topic.num.partitions=1')


# An empty fetch, by which kcat sees the end of a partition, is answered after so many ms.
QUICK = ('-X', 'fetch.wait.max.ms=10')


def make(server, *topics):
    """Makes topics, where a test isn't about that a topic comes by being written to: kcat tries again after a second then."""
    for topic in topics:
        assert server.run('kafka-topics.sh --create --topic %s --bootstrap-server localhost:9092' % topic)[0] == 0


def kcat(server, *args, stdin=None):
    quick = QUICK if '-C' in args else ()
    done = subprocess.run(['kcat', '-b', server.bootstrap, *quick, *args], input=stdin, stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True,
                          text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_lines_in_and_out(server):
    kcat(server, '-P', '-t', 'lines', stdin='one\ntwo\nthree\n')
    assert kcat(server, '-C', '-t', 'lines', '-e', '-q') == 'one\ntwo\nthree\n'
    assert kcat(server, '-C', '-t', 'lines', '-e', '-q', '-o', '-1') == 'three\n'
    assert kcat(server, '-C', '-t', 'lines', '-e', '-q', '-o', '1', '-c', '1', '-f', '%p %o %S %s\n') == '0 1 3 two\n'


def test_keys_headers_and_codecs(server):
    make(server, 'keyed')
    codecs = ('none', 'gzip', 'snappy', 'lz4', 'zstd')
    for codec in codecs:
        kcat(server, '-P', '-t', 'keyed', '-K:', '-z', codec, '-H', 'h=1', stdin='k:v\n%s:v2\n' % codec)
    assert kcat(server, '-C', '-t', 'keyed', '-e', '-q', '-f', '%k=%s %h\n') == ''.join('k=v h=1\n%s=v2 h=1\n' % codec for codec in codecs)


def test_a_file_as_one_message(server, tmp_path):
    make(server, 'files')
    big = tmp_path / 'big'
    big.write_bytes(bytes(range(1, 256)) * 3000)
    kcat(server, '-P', '-t', 'files', str(big))
    done = subprocess.run(['kcat', '-b', server.bootstrap, *QUICK, '-C', '-t', 'files', '-e', '-q', '-D', ''], capture_output=True, timeout=30)
    assert done.stdout == big.read_bytes()


def test_metadata(serve):
    server = serve('--brokers', '3')
    make(server, 'seen')
    kcat(server, '-P', '-t', 'seen', stdin='x\n')
    told = json.loads(kcat(server, '-L', '-J'))
    assert [b['id'] for b in sorted(told['brokers'], key=lambda b: b['id'])] == [1, 2, 3]
    assert {b['name'] for b in told['brokers']} == set(server.bootstrap.split(','))
    topic, = [t for t in told['topics'] if t['topic'] == 'seen']
    assert len(topic['partitions']) == 1


def test_offsets_by_time(server):
    make(server, 'times')
    kcat(server, '-P', '-t', 'times', stdin='x\ny\n')
    assert kcat(server, '-Q', '-t', 'times:0:0').strip() == 'times [0] offset 0'
    assert kcat(server, '-Q', '-t', 'times:0:-1').strip() == 'times [0] offset 2'
    assert kcat(server, '-Q', '-t', 'times:0:-2').strip() == 'times [0] offset 0'


def test_a_group(server):
    server.make_offsets_topic()
    make(server, 'grouped')
    kcat(server, '-P', '-t', 'grouped', stdin='1\n2\n3\n')
    done = subprocess.run(['kcat', '-b', server.bootstrap, '-G', 'g', '-c', '2', '-o', 'beginning', '-X', 'auto.offset.reset=earliest', 'grouped'],
                          capture_output=True, text=True, timeout=30)
    assert done.stdout == '1\n2\n'
    done = subprocess.run(['kcat', '-b', server.bootstrap, '-G', 'g', '-c', '1', '-X', 'auto.offset.reset=earliest', 'grouped'],
                          capture_output=True, text=True, timeout=30)
    assert done.stdout == '3\n'


def test_old_protocols(serve):
    server = serve('--kafka', '2.7')
    make(server, *('old-' + version for version in ('0.8.2', '0.10.0', '0.11.0')))
    for version in ('0.8.2', '0.10.0', '0.11.0'):
        old = ['-X', 'api.version.request=false', '-X', 'broker.version.fallback=' + version]
        kcat(server, '-P', '-t', 'old-' + version, '-K:', *old, stdin='k:v\n')
        assert kcat(server, '-C', '-t', 'old-' + version, '-e', '-q', '-f', '%k=%s\n', *old) == 'k=v\n'
        assert kcat(server, '-C', '-t', 'old-' + version, '-e', '-q', '-f', '%k=%s\n') == 'k=v\n'
