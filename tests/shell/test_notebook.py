"""The course notebook, cell by cell: what it showed on Apache Kafka 2.7.0 it shows here. Once as a script in virtual time, once with the notebook's own
Python against the listener."""
import os
import re
import subprocess
import time

import pytest
from conftest import run, tool

TOOLS = 'kafka_2.13-2.7.0/bin/'
CREATE = '''# Создадим топик
!kafka_2.13-2.7.0/bin/kafka-topics.sh --create --topic students --bootstrap-server localhost:9092
# Редактируем топик
!kafka_2.13-2.7.0/bin/kafka-configs.sh --bootstrap-server localhost:9092 --entity-type topics --entity-name students --alter --add-config retention.ms=30000
'''
SEND = "kafka-console-producer.sh --topic students --bootstrap-server localhost:9092 <<< 'i'\nadvance 1s\n"


@pytest.fixture
def log_dir(folder):
    return os.path.join(folder, 'kafka-logs')


def test_the_whole_course_as_a_script_in_virtual_time(log_dir):
    script = ('kafka-topics.sh --create --topic students --bootstrap-server localhost:9092\n' + CREATE + SEND * 20 +
              'kafka-console-consumer.sh --topic students --bootstrap-server localhost:9092 --group my-group --from-beginning --max-messages 18 > /dev/null\n' +
              SEND * 65 + 'until (SELECT log_start_offset = 85 FROM partitions WHERE topic = \'students\')\nadvance 20s\n' + SEND * 4 +
              '!ls -la /tmp/kafka-logs/students-0\n' +
              'kafka-configs.sh --bootstrap-server localhost:9092 --entity-type topics --entity-name students --alter --add-config retention.ms=3000000\n' + SEND * 60 +
              '!kafka_2.13-2.7.0/bin/kafka-consumer-groups.sh --bootstrap-server localhost:9092 --group my-group --describe\n' +
              '!kafka_2.13-2.7.0/bin/kafka-topics.sh --describe --topic homeworks --bootstrap-server localhost:9092\n')
    began = time.time()
    status, out, err = run('--course', '--log-dir', log_dir, '-c', script)
    assert status == 1  # the topic that exists, and the one that does not
    assert out.startswith("Created topic students.\nError while executing topic command : Topic 'students' already exists.\nCompleted updating config for topic students.\n")
    assert re.search(r"^\[.*\] ERROR org.apache.kafka.common.errors.TopicExistsException: Topic 'students' already exists.\n \(kafka.admin.TopicCommand\$\)$", err, re.M)
    listing = out[out.index('total'):]
    assert re.search(r'10485760 \w+ +\d+ \d\d:\d\d 00000000000000000085.index$', listing, re.M)
    assert re.search(r' 00000000000000000085.log$', listing, re.M)
    assert re.search(r' 10 \w+ +\d+ \d\d:\d\d 00000000000000000085.snapshot$', listing, re.M)
    assert re.search(r' 10485756 \w+ +\d+ \d\d:\d\d 00000000000000000085.timeindex$', listing, re.M)
    assert re.search(r' 9 \w+ +\d+ \d\d:\d\d leader-epoch-checkpoint$', listing, re.M)
    assert '00000000000000000000.log' not in listing
    assert 'GROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             CONSUMER-ID     HOST            CLIENT-ID\n' in out
    assert re.search(r'^my-group +students +0 +18 +149 +131 +- +- +-$', out, re.M)
    assert "Error while executing topic command : Topic 'homeworks' does not exist as expected" in out
    assert time.time() - began < 30  # a second on a quiet machine


PYTHON_CELLS = '''
from kafka import KafkaProducer, KafkaConsumer

producer = KafkaProducer(bootstrap_servers='localhost:%d')
future = producer.send('students', b'Hello, World, again!')
assert future.get(10).offset == 0
import time
for i in range(6):
    producer.send('students', b'i')
    time.sleep(0.1)  # a second in the course
producer.send('students', b'Hello, World!')
meta = producer.send('students', b'Hello, World!', key=b'aleksandr').get(10)
assert meta.offset == 8, meta
consumer = KafkaConsumer('students', bootstrap_servers='localhost:%d', auto_offset_reset='earliest', enable_auto_commit=False, consumer_timeout_ms=2000)
values = [(m.key, m.value) for m in consumer]
assert len(values) == 9 and values[-1] == (b'aleksandr', b'Hello, World!'), values
'''


def test_the_python_cells_with_kafka_python(serve, log_dir):
    server = serve('--course', '--log-dir', log_dir)
    port = server.ports[0]
    address = 'localhost:%d' % port
    assert tool('kafka-topics', '--create', '--topic', 'students', '--bootstrap-server', address)[0] == 0
    done = subprocess.run(['/usr/bin/python3', '-c', PYTHON_CELLS % (port, port)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    status, out, _ = tool('kafka-console-consumer', '--topic', 'students', '--bootstrap-server', address, '--consumer-property', 'auto.offset.reset=earliest',
                          '--consumer-property', 'enable.auto.commit=false', '--max-messages', '9')
    assert status == 0 and out.split('\n')[:2] == ['Hello, World, again!', 'i'] and out.count('\n') == 9


def test_what_a_notebook_does_around_kafka_is_answered_kindly():
    status, out, err = run('-c', '!wget https://archive.apache.org/dist/kafka/2.7.0/kafka_2.13-2.7.0.tgz\n!tar -xzf kafka_2.13-2.7.0.tgz')
    assert (out + err).count('not needed here') == 2
    status, out, err = run('-c', "from kafka import KafkaProducer\n\nproducer = KafkaProducer(bootstrap_servers='localhost:9092')\nproducer.send('students', b'x')")
    assert status == 1 and (out + err).count('Python') == 1
