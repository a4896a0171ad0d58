"""The newest kafka-python: the tests of 2.0.2 where the interface is the same, and what it calls otherwise now. Run by tests/clients/extra."""
import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError

from test_kafka_python import (producer, read, server, test_a_consumer_waits_for_what_comes, test_a_group_goes_on_where_it_committed,  # noqa: F401
                               test_acks, test_any_takes_what_4_3_dropped, test_codecs, test_it_is_all_there_after_a_restart,
                               test_seek_offsets_and_times, test_versions_of_old, test_what_is_sent_is_read)


def test_topics(server):  # noqa: F811
    admin = KafkaAdminClient(bootstrap_servers=server.bootstrap)
    admin.create_topics([NewTopic('made', 2, 1, topic_configs={'retention.ms': '30000'})])
    with pytest.raises(TopicAlreadyExistsError):
        admin.create_topics([NewTopic('made', 2, 1)])
    assert 'made' in admin.list_topics()
    admin.delete_topics(['made'])
    assert 'made' not in admin.list_topics()
    admin.close()


def test_an_idempotent_producer(server):  # noqa: F811
    p = producer(server, enable_idempotence=True, acks='all')
    for i in range(200):
        p.send('once', b'%d' % i)
    p.flush()
    p.close()
    assert [r.value for r in read(server, 'once', 200)] == [b'%d' % i for i in range(200)]


def test_three_brokers(serve):
    server = serve('--brokers', '3')  # noqa: F811
    admin = KafkaAdminClient(bootstrap_servers=server.bootstrap.split(','))
    admin.create_topics([NewTopic('wide', 6, 3)])
    p = producer(server, acks='all')
    for i in range(300):
        p.send('wide', key=b'%d' % i, value=b'%d' % i)
    p.flush()
    p.close()
    assert sorted(int(r.value) for r in read(server, 'wide', 300, group_id='g')) == list(range(300))
    admin.close()
