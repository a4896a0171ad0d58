"""What tests/sim/network_replay_test.c runs against its lab: replay_client.py PORT PHASE."""
import sys

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic

bootstrap, phase = 'localhost:' + sys.argv[1], int(sys.argv[2])
if phase == 1:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic('students', 3, 3, topic_configs={'retention.ms': '30000'})])
    admin.close()
producer = KafkaProducer(bootstrap_servers=bootstrap, acks='all', compression_type='gzip' if phase == 2 else None)
for i in range(60):
    producer.send('students', key=b'%d' % (i % 7), value=b'phase %d record %d' % (phase, i))
    if i % 10 == 0:
        producer.flush(10)
producer.flush(10)
producer.close(10)
consumer = KafkaConsumer('students', bootstrap_servers=bootstrap, group_id='team', auto_offset_reset='earliest', consumer_timeout_ms=8000)
for number, record in enumerate(consumer, 1):
    if record.value.startswith(b'phase %d' % phase) and number >= 20:
        break
consumer.close()
