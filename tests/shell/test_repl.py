"""The shell as a person sees it, in a terminal of its own."""
import os
import re
import signal
import socket
import subprocess
import sys

import pexpect
import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from conftest import PROGRAM, children, eventually, run  # noqa: E402

PROMPT = 'kafkarium> '


def environment(folder, **more):
    env = dict(os.environ, XDG_STATE_HOME=os.path.join(folder, 'state'), XDG_RUNTIME_DIR=folder, TERM='xterm', LC_ALL='C.UTF-8', INPUTRC='/dev/null')
    env.pop('KAFKARIUM_LAB', None)
    env.update(more)
    return env


def spawn(folder, *args):
    os.chmod(folder, 0o700)
    child = pexpect.spawn(PROGRAM, list(args), env=environment(folder), encoding='utf-8', dimensions=(24, 100), timeout=10)
    return child


@pytest.fixture
def shell(folder):
    child = spawn(folder, '--no-listen')
    child.expect_exact(PROMPT)
    yield child
    child.close(force=True)


def plain(text):
    return re.sub(r'\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]', '', text).replace('\r', '')


def ask(child, line, prompt=PROMPT):
    child.sendline(line)
    child.expect_exact(prompt)
    text = plain(child.before)
    return text.split('\n', 1)[1] if '\n' in text else text


def create(child, topic='students'):
    return ask(child, 'kafka-topics --create --topic %s --bootstrap-server localhost:9092' % topic)


def test_banner_is_short_and_names_one_thing_to_do(folder):
    child = spawn(folder, '--no-listen')
    child.expect_exact(PROMPT)
    banner = [line for line in plain(child.before).split('\n') if line.strip()]
    assert len(banner) <= 3
    assert banner[-1] == 'Try: demo retention (20 s) · lesson start · view · help'
    child.sendline('exit 3')
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 3


def test_a_command_and_its_output(shell):
    assert 'Created topic students.' in create(shell)
    assert ask(shell, 'kafka-topics --list --bootstrap-server localhost:9092').strip() == 'students'


def test_completion(shell):
    create(shell)
    shell.send('kafka-top\t--descr\t --bootst\tloc\t--topic stu\t\n')
    shell.expect_exact('Topic: students')
    shell.expect_exact(PROMPT)
    shell.send('SELECT topic FROM top\t\n')
    shell.expect_exact('students')
    shell.expect_exact(PROMPT)
    shell.send('bin/kafka-topics.sh --li\t --bootstrap-server localhost:9092\n')
    shell.expect_exact('students')
    shell.expect_exact(PROMPT)
    shell.send('kafka-configs --entity-type topics --entity-name students --alter --add-config retention.m\t')
    shell.expect_exact('retention.ms')


@pytest.mark.parametrize('version,typed,completed', [
    ('2.7', "kafka.coordinator.t", "'kafka.coordinator.transaction.TransactionLog$TransactionLogMessageFormatter'"),
    ('2.7', "'kafka.coordinator.group.GroupMetadataManager$G", "'kafka.coordinator.group.GroupMetadataManager$GroupMetadataMessageFormatter'"),
    ('4.3', 'org.apache.kafka.tools.consumer.T', 'org.apache.kafka.tools.consumer.TransactionLogMessageFormatter'),
])
def test_formatters_are_completed(folder, version, typed, completed):
    """2.7's names hold a dollar: in quotes, so that it stays one."""
    child = spawn(folder, '--no-listen', '--kafka', version)
    child.expect_exact(PROMPT)
    child.send('kafka-console-consumer --formatter %s\t--offset 1\x01echo \n' % typed)
    child.expect_exact(completed.strip("'") + ' --offset 1\r\n')  # what echo was given, after the shell took quotes away
    child.expect_exact(PROMPT)
    child.close(force=True)


def test_history_lasts(folder):
    child = spawn(folder, '--no-listen')
    child.expect_exact(PROMPT)
    ask(child, 'echo one')
    child.sendline('echo "two')
    child.expect_exact('> ')
    child.sendline('lines"')
    child.expect_exact(PROMPT)
    child.kill(signal.SIGKILL)
    child.close()
    child = spawn(folder, '--no-listen')
    child.expect_exact(PROMPT)
    child.send('\x1b[A\x1b[A\n')
    child.expect_exact('\rone\r\n')
    child.expect_exact(PROMPT)
    child.send('\x1b[A\x1b[A\n')
    child.expect_exact('\rtwo\r\nlines\r\n')
    child.close(force=True)


def test_lines_go_on(shell):
    shell.sendline('kafka-topics --list \\')
    shell.expect_exact(' > ')
    shell.sendline('--bootstrap-server localhost:9092 |')
    shell.expect_exact(' > ')
    shell.sendline('cat')
    shell.expect_exact(PROMPT)
    assert ask(shell, 'echo $?').strip() == '0'


def test_control_c_clears_the_line_and_ends_a_command_but_not_the_shell(shell):
    shell.send('echo nothing')
    shell.expect_exact('echo nothing')
    shell.sendintr()
    shell.expect_exact(PROMPT)
    assert ask(shell, 'echo something').strip() == 'something'
    shell.sendline('echo begun; wait 1h')
    shell.expect_exact('begun\r\n')
    shell.sendintr()
    shell.expect_exact(PROMPT)
    assert ask(shell, 'echo $?').strip() == '130'


def test_control_d_ends_the_shell(shell):
    shell.sendeof()
    shell.expect_exact('exit')
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 0


def test_control_z_stops_and_goes_on(shell):
    shell.sendcontrol('z')
    eventually(lambda: open('/proc/%d/stat' % shell.pid).read().split()[2] == 'T')
    os.kill(shell.pid, signal.SIGCONT)
    shell.expect_exact(PROMPT)
    assert ask(shell, 'echo back').strip().endswith('back')


def test_a_producer_reads_lines_from_the_terminal(shell):
    create(shell)
    shell.sendline('kafka-console-producer --topic students --bootstrap-server localhost:9092')
    shell.expect_exact('>')
    shell.sendline('Hello')
    shell.expect_exact('Hello')
    shell.expect_exact('>')
    shell.sendline('World')
    shell.expect_exact('>')
    shell.sendeof()
    shell.expect_exact(PROMPT)
    out = ask(shell, 'kafka-console-consumer --topic students --bootstrap-server localhost:9092 --from-beginning --max-messages 2')
    assert 'Hello\nWorld\n' in out


def test_control_c_ends_a_consumer_with_its_last_word(shell):
    create(shell)
    ask(shell, 'echo one | kafka-console-producer --topic students --bootstrap-server localhost:9092')
    shell.sendline('kafka-console-consumer --topic students --bootstrap-server localhost:9092 --from-beginning')
    shell.expect_exact('\none\r\n')
    shell.sendintr()
    shell.expect_exact('Processed a total of 1 messages')
    shell.expect_exact(PROMPT)


def test_children_have_the_terminal(shell):
    assert 'tty yes' in ask(shell, '!test -t 0 && test -t 1 && echo tty yes')
    assert ask(shell, 'echo hi | tr a-z A-Z').strip() == 'HI'
    shell.sendline("!sh -c 'echo begun; exec sleep 30'")
    shell.expect_exact('begun\r\n')
    shell.sendintr()
    shell.expect_exact(PROMPT)


def test_jobs(shell):
    assert '[1] wait 1h' in ask(shell, 'wait 1h &')
    assert '[2] wait 2h' in ask(shell, 'wait 2h &')
    assert ask(shell, 'jobs').strip().split('\n') == ['[1] running  wait 1h', '[2] running  wait 2h']
    ask(shell, 'kill %1')
    assert '[1]' not in ask(shell, 'jobs')
    assert 'no job' in ask(shell, 'kill %7')


def test_a_pasted_block_is_one_thing(shell):
    shell.send('\x1b[200~from kafka import KafkaProducer\n\nproducer = KafkaProducer()\nfor i in range(60):\n    producer.send("students", b"i")\n\x1b[201~\n')
    shell.expect_exact('That is Python')
    shell.expect_exact(PROMPT)
    assert 'That is Python' not in shell.before
    assert ask(shell, 'echo still here').strip() == 'still here'


def test_mistakes_are_met_kindly(shell):
    assert 'did you mean kafka-topics' in ask(shell, 'kafka-topcis --list')
    assert 'not needed here' in ask(shell, '!wget https://archive.apache.org/dist/kafka/2.7.0/kafka_2.13-2.7.0.tgz')
    assert 'kafka-topics --list' in ask(shell, 'лфалф-ещзшсы --дшые')


def test_terminal_comes_back_after_a_crash(folder):
    os.chmod(folder, 0o700)
    child = pexpect.spawn('/bin/sh', env=environment(folder, PS1='sh$ '), encoding='utf-8', timeout=10)
    child.expect_exact('$ ')
    for name in ('TERM', 'HUP', 'SEGV', 'ABRT'):
        child.sendline('stty -a > %s/before' % folder)
        child.expect_exact('$ ')
        child.sendline(PROGRAM + ' --no-listen')
        child.expect_exact(PROMPT)
        pids = children(child.pid)
        os.kill(int(pids[0]), getattr(signal, 'SIG' + name))
        child.expect(r'sh\$ |# ')
        child.sendline("stty -a > %s/after; echo looke''d" % folder)
        child.expect_exact('looked')
        assert open(folder + '/before').read() == open(folder + '/after').read(), name
    child.close(force=True)


# ---- --to ----

@pytest.fixture
def served(folder):
    os.chmod(folder, 0o700)
    env = environment(folder)
    process = subprocess.Popen([PROGRAM, '--serve', '--port', '0'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
    assert process.stdout.readline().startswith('ready ')
    yield env
    process.stdin.close()
    process.wait(10)


def test_a_caller_runs_commands_in_the_only_lab(served):
    assert run('--to', '-c', 'kafka-topics --create --topic a --bootstrap-server localhost:9092', env=served)[:2] == (0, 'Created topic a.\n')
    assert run('--to', '-c', 'kafka-topics --list --bootstrap-server localhost:9092 | cat; topcis', env=served)[:2] == (1, 'a\n')
    assert run('--to', '--mode', 'csv', '-c', 'SELECT topic FROM topics', env=served)[1] == 'topic\na\n'
    assert run('--to', '-c', 'kafka-console-producer --topic a --bootstrap-server localhost:9092', stdin='x\ny\n', env=served)[0] == 0
    status, out, err = run('--to', '-c', 'kafka-console-consumer --topic a --bootstrap-server localhost:9092 --from-beginning --max-messages 2', env=served)
    assert (status, out) == (0, 'x\ny\n')
    assert 'Processed a total of 2 messages' in err


def test_a_caller_has_a_shell_there(served, folder):
    child = pexpect.spawn(PROGRAM, ['--to'], env=served, encoding='utf-8', timeout=10, dimensions=(24, 100))
    child.expect_exact('Joined: Kafka 4.3')
    child.expect_exact(PROMPT)
    create(child, 'students')
    child.send('kafka-topics --bootstrap-server localhost:9092 --describe --topic stu\t\n')
    child.expect_exact('Topic: students')
    child.expect_exact(PROMPT)
    child.sendline('echo begun; wait 1h')
    child.expect_exact('begun\r\n')
    child.sendintr()
    child.expect_exact(PROMPT)
    assert ask(child, 'echo $?').strip() == '130'
    child.sendline('exit')
    child.expect(pexpect.EOF)
    assert run('--to', '-c', 'time', env=served)[0] == 0


def test_no_lab_and_several(folder):
    os.chmod(folder, 0o700)
    env = environment(folder)
    status, _, err = run('--to', '-c', 'time', env=env)
    assert status == 3 and 'no lab runs' in err
    labs = [subprocess.Popen([PROGRAM, '--serve', '--no-listen', os.path.join(folder, name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
            for name in ('one', 'two')]
    for lab in labs:
        lab.stdout.readline()
    status, _, err = run('--to', '-c', 'time', env=env)
    assert status == 3 and folder + '/one' in err and folder + '/two' in err
    assert run('--to', folder + '/one', '-c', 'time', env=env)[0] == 0
    assert run('--to', '-c', 'time', env=dict(env, KAFKARIUM_LAB=folder + '/two'))[0] == 0
    labs[0].kill()
    labs[0].wait()
    assert run('--to', '-c', 'time', env=env)[0] == 0
    labs[1].stdin.close()
    labs[1].wait(10)


def test_the_view_in_a_second_terminal(served):
    child = pexpect.spawn(PROGRAM, ['view'], env=served, encoding='utf-8', timeout=10, dimensions=(24, 80))
    child.expect_exact('KAFKARIUM')
    child.send('q')
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert run('--to', '-c', 'time', env=served)[0] == 0


def test_a_caller_is_told_when_the_lab_ends(served, folder):
    child = pexpect.spawn(PROGRAM, ['--to', '-c', 'echo begun; wait 1h'], env=served, encoding='utf-8', timeout=10)
    child.expect_exact('begun')
    lab = [name for name in os.listdir(folder + '/kafkarium') if name.startswith('lab-')][0]
    os.kill(int(lab.split('-')[1]), signal.SIGTERM)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1


def test_garbage_on_the_control_socket(served, folder):
    top = folder + '/kafkarium'
    path = [os.path.join(top, name, 'control') for name in os.listdir(top)][0]
    assert os.stat(path).st_mode & 0o777 == 0o600
    for bytes_sent in (b'GET / HTTP/1.0\r\n\r\n', b'S\xff\xff\xff\xff', b'S\0\0\0\0', b'R\0\0\0\x04\0\0\0\1', b'Z\0\0\0\x04\0\0\0\1', b'N\0\0\0\x08\0\0\0\1\xff\xff\xff\xff',
                       b'R\0\0\0\x14' + b'\0\0\0\1' + b'\0' * 7 + b'\1' + b'\x7f' * 8, b''):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            s.sendall(bytes_sent)
            s.settimeout(0.2)
            try:
                s.recv(1000)
            except (socket.timeout, ConnectionError):
                pass
    assert run('--to', '-c', 'time', env=served)[0] == 0


def test_help_fits_the_terminal(folder):
    child = pexpect.spawn(PROGRAM, ['--no-listen'], env=environment(folder), encoding='utf-8', dimensions=(24, 80), timeout=10)
    child.expect_exact(PROMPT)
    lines = ask(child, 'help').splitlines()
    assert len(lines) <= 20 and max(map(len, lines)) <= 80
    assert re.search(r'^  time  +time pause resume .*\n +break rewind branch replay$', '\n'.join(lines), re.M)
    assert any(line.startswith('  why  ') for line in ask(child, 'help all').splitlines())
    for name in ('kafka-console-consumer', 'kafka-configs', 'kafka-topics', 'kafka-get-offsets', 'kafka-dump-log', 'kafka-consumer-groups', 'rewind', 'why', 'broker'):
        lines = ask(child, 'help ' + name).rstrip().splitlines()
        assert max(map(len, lines)) <= 80, lines
        if name in ('kafka-console-consumer', 'kafka-configs'):
            assert lines[-2].endswith(' \\') and lines[-2].startswith('example: ') and lines[-1].startswith('  --')
    assert not [line for line in ask(child, 'help rewind').splitlines()[2:-2] if len(line) < 60 and line[-1] not in '.:)']
    child.close(force=True)


def test_errors_break_at_words(folder):
    child = pexpect.spawn(PROGRAM, ['--no-listen'], env=environment(folder), encoding='utf-8', dimensions=(24, 60), timeout=10)
    child.expect_exact(PROMPT)
    create(child)
    text = ask(child, 'why nosuch-0')
    assert 'there is no partition nosuch-0\nshow me: kafka-topics.sh --list --bootstrap-server \\\n  localhost:9092\n' in text
    text = ask(child, 'why students')
    assert text.rstrip().endswith('wanted,\nfor instance students-0')
    ask(child, 'rewind start', '> ')
    text = ask(child, 'kafka-console-producer --topic students --bootstrap-server localhost:9092', '> ')
    assert all(len(line) <= 60 for line in text.splitlines()) and 'it can be looked at' in text.replace('\n', ' '), text
    assert text.count('\n') >= 3
    child.close(force=True)


def test_slips_of_the_pen_cost_no_time():
    status, out, err = run('--no-listen', '-c', 'kafka-topics --create --topic students --bootstrap-server localhost:9092; until delete student-0; view student-0; '
                           'report --since 99; events --since 99; time; rewind start; until roll students-0 --limit 1s')
    assert status == 1
    assert err.splitlines()[:4] == ['until: there is no partition student-0', 'view: there is no partition student-0; `view` alone shows what there is, Tab goes to the next',
                                    'report: there is no event 99 yet; the last is 3', 'events: there is no event 99 yet; the last is 3'], err
    assert '00:00:00' in out and 'KAFKARIUM' not in out and 'there is no partition students-0' not in err
