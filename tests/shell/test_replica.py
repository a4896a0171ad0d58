"""replica hold and release: the scene of acks=1, typed; the countdown to leaving the ISR is what then happens."""
import subprocess

MAIN = "build/kafkarium"


def run(script, *options):
    done = subprocess.run([MAIN, "--brokers", "3", *options, "-f", "/dev/stdin"], input=script, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


CREATE = "kafka-topics.sh --bootstrap-server localhost:9092 --create --topic students --replica-assignment 1:2:3\nadvance 2s\n"
SEND = "echo a | kafka-console-producer.sh --bootstrap-server localhost:9092 --topic students --producer-property acks=1 > /dev/null\n"


def test_a_held_follower_leaves_when_it_was_said():
    said = run(CREATE + "replica hold 2 students-0\n" + SEND + "replica\nadvance 42s\nSELECT in_isr FROM replicas WHERE broker=2 AND topic='students'\n"
               "advance 1500ms\nSELECT in_isr, held, lag FROM replicas WHERE broker=2 AND topic='students'\nevents\n", "--mode", "csv")
    assert "Broker 2 stops fetching." in said and "lacks nothing: it stays in the ISR until a record comes" in said
    assert "students,0,2,held,yes,0,1,00:00:45," in said
    before, after = said.split("in_isr\n")[1], said.split("in_isr,held,lag\n")[1]
    assert before.startswith("1\n") and after.startswith("0,1,1\n")
    assert "follower_lags" in said and "students-0: broker 2 ends at 0, the log at 1, and it was caught up last" in said


def test_a_held_follower_is_told_when_it_is_behind_already():
    said = run(CREATE + "replica hold 2 3\n" + SEND + "replica release 3\nreplica hold 3 students-0\nreplica\n")
    assert "Broker 3 fetches again." in said
    assert "Broker 2 stops fetching, whatever it follows." in said


def test_what_is_wrong_is_named():
    said = run(CREATE + "replica hold\nreplica hold 7\nreplica hold 2 students\nreplica hold 2 students-4\nreplica release 2\n"
               "replica hold 2\nreplica release 2 students-0\nreplica hold 2\n")
    assert "a broker's id is wanted: replica hold 2 students-0" in said
    assert "there is no broker 7; there are the brokers 1, 2, 3" in said
    assert "students is no partition; one is students-0" in said
    assert "broker 2 has no replica of students-4" in said
    assert "it is not held; `replica` alone shows who is" in said
    assert "broker 2 is held as a whole; replica release 2 lets it go on" in said
    assert "it is held already; replica release 2 lets it go on" in said


def test_the_acknowledged_record_of_acks_1_is_gone():
    said = run("kafka-topics.sh --bootstrap-server localhost:9092 --create --topic students --replica-assignment 2:3\nadvance 2s\nreplica hold 3\n" + SEND +
               "broker kill 2\nreplica release 3\nadvance 20s\nSELECT leader, high_watermark FROM partitions WHERE topic='students'\n"
               "broker start 2\nadvance 5s\nSELECT broker, log_end_offset FROM replicas WHERE topic='students' ORDER BY broker\nevents\n", "--mode", "csv")
    assert "2,0\n3,0\n" in said
    assert "log_truncated" in said and "students-0: log end 1 -> 0" in said


def test_the_epochs_of_every_replica_are_a_table():
    said = run(CREATE + SEND + "advance 1s\nbroker kill 1\nadvance 1s\nSELECT broker, leader_epoch, start_offset FROM epochs WHERE topic='students' ORDER BY broker\n", "--mode", "csv")
    assert "broker,leader_epoch,start_offset\n" in said and "2,0,0\n" in said
