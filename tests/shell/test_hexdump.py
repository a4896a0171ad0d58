"""hexdump and dump: every byte of what real brokers left stands beside its field once, and what is damaged is still shown."""
import os
import re
import signal
import subprocess

import pytest
from conftest import BUILD, PROGRAM, ROOT, run
from terminal import Terminal

SEGMENTS = os.path.join(ROOT, 'tests', 'golden', 'segments')
FILES = sorted(os.path.join(folder, name) for folder, _, names in os.walk(SEGMENTS) for name in names if name != 'dump.txt' and name != 'lock')
TEXTS = re.compile(r'checkpoint$|partition.metadata|meta.properties|quorum-state|cleanshutdown')
LINE = re.compile(r'^ ([0-9a-f]{8})  ((?:[0-9a-f]{2} )*[0-9a-f]{2})(?:  |$)')


def shell(lines, folder, *options):
    path = os.path.join(folder, 'script')
    with open(path, 'w') as f:
        f.write('\n'.join(lines) + '\n')
    return run('--no-listen', *options, '-f', path)


def bytes_of(text):
    """{place: byte} of what stands in lines of hexadecimal, each place once."""
    found = {}
    for line in text.split('\n'):
        match = LINE.match(line)
        for i, digits in enumerate(match.group(2).split() if match else []):
            place = int(match.group(1), 16) + i
            assert place not in found, line
            found[place] = int(digits, 16)
    return found


def test_every_byte_of_a_real_file_has_its_field(folder):
    files = [path for path in FILES if not TEXTS.search(path) or path.endswith('.checkpoint')]
    assert len(files) > 130
    status, out, err = shell([line for path in files for line in ('hexdump %s --all' % path, 'echo @@@')], folder)
    assert (status, err) == (0, '')
    for path, text in zip(files, out.split('@@@\n')):
        with open(path, 'rb') as f:
            data = f.read()
        assert bytes_of(text) == dict(enumerate(data)), path
        assert "can't be" not in text and 'WRONG' not in text and 'no batch' not in text and 'behind' not in text, path


def test_the_fields_of_a_batch(folder):
    path = os.path.join(SEGMENTS, '2.7.0-gzip', 'gzip-0', '00000000000000000000.log')
    out = shell(['hexdump ' + path], folder)[1]
    assert 'batch of offsets 0 to 4, ' in out
    assert re.search(r'^ 00000000  00 00 00 00 00 00 00 00    baseOffset 0$', out, re.M)
    assert re.search(r'crc \d+ \(right\)$', out, re.M)
    assert re.search(r'attributes 1 \(gzip, CreateTime\)$', out, re.M)
    assert re.search(r'gzip: \d+ bytes hold \d+; unpacked \(\+\):$', out, re.M)
    assert re.search(r'^\+00000000 .* length \d+$', out, re.M)


def test_records_of_internal_topics_are_told_apart(folder):
    def of(scene, partition):
        return shell(['hexdump ' + os.path.join(SEGMENTS, scene, partition, '00000000000000000000.log')], folder)[1]
    out = of('4.3.0-consumer-offsets', '__consumer_offsets-28')
    assert 'type 1: OffsetCommitKey' in out and 'group "readers"' in out and 'version 4: OffsetCommitValue' in out
    out = of('2.7.0-transaction-state', '__transaction_state-20')
    assert 'type 0: TransactionLogKey' in out and 'transactionalId "tx-1"' in out and 'producerId 1' in out
    out = of('4.3.0-cluster-metadata', '__cluster_metadata-0')
    assert 'type 2: TOPIC_RECORD' in out and 'LeaderChange' not in out and 'grantingVoters 1 item' in out and 'topicId ' in out


def test_indexes_snapshots_and_texts(folder):
    rolled = os.path.join(SEGMENTS, '2.7.0-rolled', 'students-0')
    snapshot = os.path.join(SEGMENTS, '4.3.0-transactional', 'transactional-0', '00000000000000000008.snapshot')
    out = shell(['hexdump %s/%s' % (rolled, name) for name in ('00000000000000000015.index', '00000000000000000015.timeindex', 'leader-epoch-checkpoint')] +
                ['hexdump ' + snapshot, 'hexdump ' + snapshot.replace('08.snapshot', '02.txnindex')], folder)[1]
    assert re.search(r'entry 0: relativeOffset \d+ \(offset (1[5-9]|2\d)\)$', out, re.M) and re.search(r'position \d+$', out, re.M)
    assert re.search(r'entry 0: timestamp \d{13} \(20\d\d-\d\d-\d\d ', out)
    assert re.search(r'^ 00000004  0 0 +leader epoch, its first offset$', out, re.M)
    assert re.search(r'crc \d+ \(right\)$', out, re.M) and 'producerEntries 1 item' in out and 'currentTxnFirstOffset ' in out
    assert re.search(r'lastStableOffset \d+$', out, re.M)


def test_damage_is_said_and_the_rest_is_shown(folder):
    with open(os.path.join(SEGMENTS, '2.7.0-plain', 'plain-0', '00000000000000000000.log'), 'rb') as f:
        data = bytearray(f.read())
    os.makedirs(os.path.join(folder, 'plain-0'))
    path = os.path.join(folder, 'plain-0', '00000000000000000000.log')
    data[75 + 61] ^= 0x40                                         # the second batch's only record: its length
    with open(path, 'wb') as f:
        f.write(data + b'\x00\x01\x02 not a batch at all')
    status, out, err = shell(['hexdump ' + path], folder)
    assert (status, err) == (0, '')
    assert re.search(r'crc 3641966741 \(WRONG: these bytes have \d+\)', out)
    assert 'no record: 1 more should come' in out
    assert out.count('(right)') == 3                              # what is behind the damage is as good as ever
    assert re.search(r'no batch from here on: .*: 22 bytes$', out, re.M) and '|... not a batch |' in out
    with open(path, 'wb') as f:
        f.write(data[:100])
    out = shell(['hexdump ' + path], folder)[1]
    assert re.search(r'no batch from here on: too few bytes for one: 25 bytes$', out, re.M)


TOPIC = ["kafka-topics.sh --create --topic students --bootstrap-server localhost:9092 > /dev/null",
         "kafka-console-producer.sh --topic students --bootstrap-server localhost:9092 <<< 'one' > /dev/null",
         "kafka-console-producer.sh --topic students --bootstrap-server localhost:9092 <<< 'two' > /dev/null"]


def test_the_batch_of_an_offset(folder):
    status, out, err = shell(TOPIC + ['hexdump students-0 1', 'echo @@@', 'dump students-0 1', 'echo @@@', 'dump students-0'], folder, '--kafka', '4.3')
    bytes_, one, all_ = out.split('@@@\n')
    assert (status, err) == (0, '')
    assert 'batch of offsets 1 to 1, ' in bytes_ and 'baseOffset 0' not in bytes_ and '"two"' in bytes_
    assert 'payload: two' in one and 'payload: one' not in one
    assert 'payload: one' in all_ and 'payload: two' in all_ and all_.count('Dumping ') == 1  # the indexes only hold room


@pytest.mark.parametrize('line,words', [
    ('hexdump students-0 7', 'no batch of students-0 holds offset 7'), ('dump students-0 7', 'no batch of students-0 holds offset 7'),
    ('hexdump students-0', 'hexdump students-0/00000000000000000000.log'), ('hexdump nope', 'no such file'), ('hexdump nope-0 1', "no partition's folder"),
    ('dump nope-0', '`ls` shows'), ('dump', 'dump students-0 17'), ('dump students-0 x', 'dump students-0 17'), ('hexdump', 'hexdump students-0 17'),
    ('hexdump students-0/leader-epoch-checkpoint -s 99', 'is behind them'), ('dump students-0/partition.metadata', 'hexdump students-0/partition.metadata'),
])
def test_mistakes_are_met_with_the_way_out(line, words, folder):
    status, out, err = shell(TOPIC[:1] + ['set -e', line], folder, '--kafka', '4.3')
    assert status == 1 and words in err and out == ''


def test_it_fits_eighty_columns(folder):
    path = os.path.join(SEGMENTS, '4.3.0-consumer-offsets', '__consumer_offsets-28', '00000000000000000000.log')
    terminal = Terminal(folder, '--no-listen', rows=500)
    try:
        terminal.wait('kafkarium>')
        terminal.line('hexdump ' + path)
        terminal.wait(lambda text: text.count('record 0') == 4 and text.rstrip().endswith('kafkarium>'))
        lines = terminal.lines()
    finally:
        terminal.close()
    first = next(i for i, line in enumerate(lines) if 'batch of offsets' in line)
    last = max(i for i, line in enumerate(lines) if 'kafkarium>' in line)
    places = [line[1:9] for line in lines[first:last] if re.match(r'^[ +][0-9a-f]{8}  ', line)]
    assert len(places) > 100 and places == sorted(places)
    assert not [line for line in lines[first:last] if not re.match(r'^[ +][0-9a-f]{8}  [0-9a-f]|^ {36}', line)]     # broken by the terminal


def test_bytes_alone(folder):
    path = os.path.join(SEGMENTS, '2.7.0-plain', 'plain-0', '00000000000000000000.log')
    out = shell(['hexdump -C %s -s 0x10 -n 16' % path], folder)[1]
    assert re.match(r'^00000010  02 ([0-9a-f]{2} ){7} ([0-9a-f]{2} ){8} \|.{16}\|\n00000020\n$', out)


@pytest.mark.parametrize('words', [[PROGRAM, '--no-listen', '-c', 'hexdump %s'], [PROGRAM, '--no-listen', '-c', 'dump %s'],
                                   [os.path.join(BUILD, 'bin', 'kafka-dump-log.sh'), '--print-data-log', '--files', '%s']], ids=['hexdump', 'dump', 'tool'])
def test_a_long_one_ends_with_ctrl_c(words, folder):
    """And while it runs the loop turns: the signal is seen between two pieces, long before the end."""
    path = os.path.join(folder, '00000000000000000000.log')
    with open(os.path.join(SEGMENTS, '2.7.0-rolled', 'students-0', '00000000000000000000.log'), 'rb') as f:
        piece = f.read() * 64
    with open(path, 'wb') as f:
        for _ in range(64):
            f.write(piece)                                        # 66 MB: some 80 MB of text, and 500 MB of hexadecimal
    process = subprocess.Popen([word.replace('%s', path) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    size = len(process.stdout.read(100000))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert size == 100000 and len(out) < 20e6
    assert process.returncode in (1, 130) and err == b''
