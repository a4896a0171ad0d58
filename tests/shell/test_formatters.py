"""The console consumer's formatters for internal topics: what they print of records, good and broken, is what the real ones printed (tests/golden/formatters)."""
import os
import re
import shlex

import pytest
from conftest import ROOT, run, tool

FORMATTERS = os.path.join(ROOT, 'tests', 'golden', 'formatters')
GROUP = {'2.7': "'kafka.coordinator.group.GroupMetadataManager$GroupMetadataMessageFormatter'", '4.3': 'org.apache.kafka.tools.consumer.GroupMetadataMessageFormatter'}
OFFSETS = {'2.7': "'kafka.coordinator.group.GroupMetadataManager$OffsetsMessageFormatter'", '4.3': 'org.apache.kafka.tools.consumer.OffsetsMessageFormatter'}
B = '--bootstrap-server localhost:9092'


def commands(version):
    """[(command, lines)] of the capture"""
    found = []
    with open(os.path.join(FORMATTERS, version + '.txt'), newline='\n') as f:
        for line in f.read().split('\n'):
            if line.startswith('$ '):
                found.append((line[2:], []))
            elif found and not (found[-1][1] and found[-1][1][-1].startswith('[exit ')):
                found[-1][1].append(line)
    return found


def fill(bootstrap, topic):
    from kafka import KafkaProducer
    producer = KafkaProducer(bootstrap_servers=bootstrap, api_version=(2, 5, 0), acks='all')
    with open(os.path.join(FORMATTERS, topic + '.records')) as f:
        for line in f:
            key, value = [None if word == '-' else b'' if word == '""' else bytes.fromhex(word) for word in line.split()]
            producer.send(topic, key=key, value=value, partition=0)
    producer.flush(20)
    producer.close()


def as_printed(status, out, err):
    show = lambda text: re.sub('[\x00-\x08\x0b-\x1f\x7f]', lambda m: '\\x%02x' % ord(m.group()), text)
    out, err = show(out), show(err)
    err = re.sub(r'(?m)^\[\d{4}-[^]]*\]', '[<TIME>]', err)
    err = re.sub(r'Option +Description *\n(.*\n)*', '<USAGE>\n', err)
    lines = out.split('\n')
    lines = lines[:-1] + ([lines[-1], '\\ no newline at the end'] if lines[-1] else [])
    return lines + (['! ' + line for line in err.rstrip('\n').split('\n')] if err.strip('\n') else []) + ['[exit %d]' % status]


@pytest.mark.parametrize('version', ['2.7.0', '4.3.0'])
def test_records_are_printed_as_the_real_formatters_do(version, serve):
    server = serve('--kafka', version[:3])
    for topic in ('group', 'transaction', 'share'):
        fill(server.bootstrap, topic)
    cases = commands(version)
    assert len(cases) >= 6
    for command, want in cases:
        words = shlex.split(command.replace('localhost:9092', server.bootstrap))
        got = as_printed(*tool('kafka-console-consumer', *words[1:], env=dict(os.environ, KAFKARIUM_KAFKA=version)))
        assert got == want, command


@pytest.mark.parametrize('version', ['2.7', '4.3'])
def test_a_group_is_followed_through_consumer_offsets(version, folder):
    """By the topic's name and by a pattern with exclude.internal.topics=false; a pattern alone leaves it out."""
    include, prop = ('--whitelist', '--consumer-property') if version == '2.7' else ('--include', '--command-property')
    read = 'kafka-console-consumer.sh %s --from-beginning --timeout-ms 3000 --formatter %%s %%s 2> /dev/null; echo; echo @@@\n' % B
    script = ('kafka-topics.sh --create --topic students %s > /dev/null\nkafka-console-producer.sh --topic students %s <<< one > /dev/null\n' % (B, B) +
              'kafka-console-consumer.sh --topic students --group readers --from-beginning --max-messages 1 %s > /dev/null 2> /dev/null\n' % B +
              read % (OFFSETS[version], '--topic __consumer_offsets') + read % (GROUP[version], '--topic __consumer_offsets') +
              read % (GROUP[version], "%s '__consumer.*' %s exclude.internal.topics=false" % (include, prop)) +
              read % (GROUP[version], "%s '__consumer.*'" % include))
    path = os.path.join(folder, 'script')
    with open(path, 'w') as f:
        f.write(script)
    status, out, err = run('--kafka', version, '--no-listen', '-f', path)
    assert status == 0, err
    offsets, groups, included, excluded = [part.strip() for part in out.split('@@@')[:4]]
    mine = lambda text: [record for record in re.split(r'\n|(?<=\})(?=\{"key")', text) if 'readers' in record]
    groups, included = mine(groups), mine(included)  # each console consumer has a group of its own too
    assert included == groups and not excluded
    if version == '2.7':
        assert re.fullmatch(r'\[readers,students,0\]::OffsetAndMetadata\(offset=1, leaderEpoch=Optional\[0\], metadata=, commitTimestamp=\d+, expireTimestamp=None\)', offsets)
        assert re.fullmatch(r'readers::GroupMetadata\(groupId=readers, generation=1, protocolType=Some\(consumer\), currentState=Stable, members=HashMap\('
                         r'(consumer-readers-1-[\w-]+) -> MemberMetadata\(memberId=\1, groupInstanceId=Some\(null\), clientId=consumer-readers-1, clientHost=/127.0.0.1, '
                         r'sessionTimeoutMs=10000, rebalanceTimeoutMs=300000, supportedProtocols=List\(range\), \)\)\)', groups[0])
        assert groups[-1] == 'readers::GroupMetadata(groupId=readers, generation=2, protocolType=Some(consumer), currentState=Empty, members=HashMap())'
    else:
        assert re.fullmatch(r'\{"key":\{"type":1,"data":\{"group":"readers","topic":"students","partition":0\}\},"value":\{"version":4,"data":\{"offset":1,"leaderEpoch":0,'
                            r'"metadata":"","commitTimestamp":\d+,"topicId":"[\w-]{22}"\}\}\}', offsets)
        assert re.search(r'"generation":1,"protocol":"range","leader":"(console-consumer-[\w-]+)","currentStateTimestamp":\d+,"members":\[\{"memberId":"\1",', groups[-2])
        assert '"assignment":"AAMAAAABAAhzdHVkZW50cwAAAAEAAAAA/////w=="' in groups[-2]  # version 3 of the consumers' protocol
        assert groups[-1].endswith('"members":[]}}}')


def test_a_class_of_the_other_release_is_not_there(folder):
    for version, other in (('2.7', '4.3'), ('4.3', '2.7')):
        status, out, err = run('--kafka', version, '--no-listen', '-c', 'kafka-console-consumer.sh %s --topic t --formatter %s' % (B, GROUP[other]))
        assert status and not out and GROUP[other].strip("'") in err
