"""Simulated producers and consumers, as typed in the shell."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from conftest import run  # noqa: E402

TOPIC = 'kafka-topics --create --topic students --partitions 3 --bootstrap-server localhost:9092; '


def rows(script, *options):
    out = run('--no-listen', '--mode', 'json', *options, '-c', TOPIC + script)[1]
    return [json.loads(line) for line in out.splitlines() if line.startswith('{')]


def test_they_live_in_virtual_time_and_are_shown_by_sql():
    producer, consumer = rows('producer start p1 --topic students --rate 100/s --keys 7; '
                              'consumer start c1 --group g --topic students --consumer-property auto.offset.reset=earliest; '
                              'advance 1m; producer stop p1; advance 5s; consumer stop c1; SELECT * FROM clients')
    assert (producer['name'], producer['kind'], producer['state']) == ('p1', 'producer', 'stopped')
    assert producer['sent'] == producer['acknowledged'] and 6000 <= producer['sent'] <= 6010
    assert (consumer['kind'], consumer['state'], consumer['group_id']) == ('consumer', 'stopped', 'g')
    assert (consumer['consumed'], consumer['duplicates'], consumer['out_of_order']) == (producer['sent'], 0, 0)


def test_what_they_send_is_known_by_its_number():
    out = run('--no-listen', '-c', TOPIC + 'producer start p1 --topic students --count 3 --keys 2 --size 16 --partition 1; advance 5s; '
              'kafka-console-consumer --topic students --from-beginning --max-messages 3 --property print.key=true --bootstrap-server localhost:9092')[1]
    assert 'k1\tp1-000001.......\nk0\tp1-000002.......\nk1\tp1-000003.......\n' in out


def test_one_that_is_killed_leaves_records_without_a_result():
    status, out, _ = run('--no-listen', '-c', TOPIC + 'producer start p1 --topic students --rate 100/s --producer-property linger.ms=60000; advance 10s; producer kill p1; producer')
    assert status == 0
    assert 'Producer p1 is gone; ' in out and ' of its records had no result yet.' in out
    assert 'p1    killed' in out


def test_mistakes_name_the_way_out():
    status, _, err = run('--no-listen', '-c', 'producer start p1; consumer start c1 --topic t; producer stop nobody; consumer explode')
    assert status == 1
    assert 'a topic is needed: --topic NAME' in err
    assert 'a group is needed: --group NAME' in err
    assert 'there is no simulated producer nobody' in err
    assert "there is no order 'consumer explode'" in err


def test_the_past_and_a_branch_have_them():
    out = run('--no-listen', '--record', '-c', TOPIC + 'producer start p1 --topic students --rate 10/s; advance 10s; mark here; advance 10s; rewind here; producer; '
              'rewind end; producer')[1]
    lines = [line.split() for line in out.splitlines() if line.startswith('p1 ')]
    assert [line[1] for line in lines] == ['running', 'running']
    assert int(lines[0][4]) in (100, 101) and int(lines[1][4]) in (200, 201)


def test_racks_draw_partitions_to_members_beside_them():
    """Under 4.3 a member that tells its rack gets what has a replica there, and deals anew when racks of replicas change; 2.7 knows no racks."""
    script = ('kafka-topics --create --topic orders --replica-assignment 3:1,3:2,1:2,2:1 --bootstrap-server localhost:9092; '
              'consumer start a --group g --topic orders --consumer-property client.rack=a --consumer-property client.id=a; '
              'consumer start b --group g --topic orders --consumer-property client.rack=b --consumer-property client.id=b; '
              'consumer start plain --group p --topic orders; advance 10s; kafka-consumer-groups --describe --group g --bootstrap-server localhost:9092; '
              "SELECT `group`, generation FROM groups; broker kill 3; advance 30s; SELECT `group`, generation FROM groups")
    seen = {}
    for release in ('4.3', '2.7'):
        replaced = script if release == '4.3' else script.replace('3:1,3:2,1:2,2:1', '2:0,2:1,0:1,1:0').replace('kill 3', 'kill 2')
        out = run('--no-listen', '--kafka', release, '--brokers', '3', '--racks', 'a,b,c', '-c', replaced)[1].splitlines()
        owners = {line.split()[2]: line.split()[-1] for line in out if line.startswith('g ') and ' orders ' in line}
        generations = [dict(line.split()[:2] for line in out[i + 1:i + 3]) for i, line in enumerate(out) if line.split() == ['group', 'generation']]
        seen[release] = owners, generations
    owners, (before, after) = seen['4.3']
    assert owners == {'0': 'a', '1': 'b', '2': 'a', '3': 'b'}
    assert int(after['g']) > int(before['g']) and after['p'] == before['p']
    owners, (before, after) = seen['2.7']
    assert owners == {'0': 'a', '1': 'a', '2': 'b', '3': 'b'}
    assert before == after
