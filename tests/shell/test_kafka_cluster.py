"""kafka-cluster against what Apache Kafka 4.3.0 and 2.7.0 printed."""
import pytest
from conftest import run

B = ' --bootstrap-server localhost:9092'


def said(commands, release='4.3', *options):
    status, out, err = run('--no-listen', '--kafka', release, *options, '-c', commands)
    return status, out + err


def test_the_id_is_the_clusters():
    status, out = said('kafka-cluster.sh cluster-id' + B + '; kafka-metadata-quorum.sh describe --status' + B)
    assert status == 0 and out.splitlines()[0].replace('Cluster ID: ', 'ClusterId:              ') == out.splitlines()[1]


@pytest.mark.parametrize('also', ['', ' --include-fenced-brokers'])
def test_endpoints_are_listed_and_fenced_ones_where_they_are_asked_for(also):
    head = 'ID         HOST      PORT       RACK       STATE      ENDPOINT_TYPE  \n'
    assert said('kafka-cluster.sh list-endpoints' + also + B) == (0, head + '1          localhost 9092       null       unfenced   broker         \n')
    out = said('broker kill 4; advance 20s; echo HERE; kafka-cluster.sh list-endpoints' + also + B, '4.3', '--brokers', '4', '--racks', 'a,b,a,b')[1].split('HERE\n')[1]
    assert out.startswith(head + '1          localhost 9092       a          unfenced   broker         \n')
    assert ('4          localhost 9095       b          fenced     broker         \n' in out) == bool(also) and len(out.splitlines()) == (5 if also else 4)


def test_mistakes_are_met_as_by_kafka():
    assert said('kafka-cluster.sh') == (1, 'usage: kafka-cluster [-h] {cluster-id,unregister,list-endpoints} ...\nkafka-cluster: error: too few arguments\n')
    assert said('kafka-cluster.sh cluster-id') == (1, 'usage: kafka-cluster cluster-id [-h] [--config CONFIG]\n                     [--command-config COMMAND_CONFIG]\n'
                                                   '                     (--bootstrap-server BOOTSTRAP_SERVER |\n                     --bootstrap-controller BOOTSTRAP_CONTROLLER)\n'
                                                   'kafka-cluster:  error:  one  of   the  arguments  --bootstrap-server/-b  --\nbootstrap-controller/-C is required\n')
    assert said('kafka-cluster.sh cluster-id' + B, '2.7') == (1, 'Error: Could not find or load main class kafka.tools.ClusterTool\n'
                                                              'Caused by: java.lang.ClassNotFoundException: kafka.tools.ClusterTool\n')
