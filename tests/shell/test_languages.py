"""The shell's own texts in English and Russian."""
import glob
import os
import re
import shutil
import subprocess

import pytest
from conftest import BUILD, PROGRAM, ROOT, run

SAYS = {'ru': 'Урок не начат', 'en': 'No lesson is under way'}


def language_of(env=None, commands='lesson hint', program=PROGRAM):
    clean = {name: value for name, value in os.environ.items() if name not in ('LC_ALL', 'LANG', 'LC_MESSAGES')}
    out = subprocess.run([program, '--no-listen', '-c', commands], env=dict(clean, **(env or {})), capture_output=True, text=True, encoding='utf-8').stdout
    return [language for language, says in SAYS.items() for line in out.splitlines() if says in line]


@pytest.mark.parametrize('env,language', [
    ({}, 'en'), ({'LANG': 'ru_RU.UTF-8'}, 'ru'), ({'LC_ALL': 'ru_RU.UTF-8', 'LANG': 'C'}, 'ru'), ({'LC_MESSAGES': 'ru', 'LANG': 'de_DE.UTF-8'}, 'ru'),
    ({'LC_ALL': 'C.UTF-8', 'LANGUAGE': 'ru:en'}, 'ru'), ({'LC_ALL': 'C', 'LANGUAGE': 'ru'}, 'en'), ({'LANG': 'de_DE.UTF-8'}, 'en'),
    ({'KAFKARIUM_LANG': 'en', 'LANG': 'ru_RU.UTF-8'}, 'en')])
def test_the_environment_chooses_the_language_whatever_locales_the_system_has(env, language):
    assert language_of(env) == [language]


def test_it_can_be_changed_in_the_shell():
    found = []
    for line in run('--no-listen', '-c', 'lesson hint; set lang ru; lesson hint; set lang=en; lesson hint')[1].splitlines():
        found += [language for language, says in SAYS.items() if says in line]
    assert found == ['en', 'ru', 'en']
    status, _, err = run('--no-listen', '-c', 'set lang ru; set lang xx')
    assert status == 1 and "а не 'xx'" in err
    assert 'lang ru' in run('--no-listen', '-c', 'set lang ru; set')[1]


def test_each_caller_of_a_lab_has_its_own(serve):
    server = serve()
    for env, language in (({'LANG': 'ru_RU.UTF-8'}, 'ru'), ({}, 'en')):
        clean = {name: value for name, value in os.environ.items() if name not in ('LC_ALL', 'LANG')}
        out = run('--to=' + server.lab, '-c', 'lesson hint', env=dict(clean, **env))[1]
        assert SAYS[language] in out
    assert SAYS['ru'] in run('--to=' + server.lab, '-c', 'set lang ru; lesson hint')[1]


def test_an_installed_program_finds_its_texts(folder):
    installed = os.path.join(folder, 'bin', 'kafkarium')
    for path in ('lessons', 'locale'):
        shutil.copytree(os.path.join(ROOT, path) if path == 'lessons' else os.path.join(BUILD, 'share/locale'),
                        os.path.join(folder, 'share', 'kafkarium/lessons' if path == 'lessons' else path))
    os.mkdir(os.path.join(folder, 'bin'))
    shutil.copy(PROGRAM, installed)
    assert language_of({'LANG': 'ru_RU.UTF-8'}, program=installed) == ['ru']


def test_every_text_is_translated(folder):
    """What the sources say and ru.po does not, or only nearly: `make po` brings it there, to be translated."""
    subprocess.run(['make', '-s', 'pot', 'BUILD=' + folder], cwd=ROOT, check=True)
    done = subprocess.run(['msgcmp', os.path.join(ROOT, 'shell/po/ru.po'), os.path.join(folder, 'kafkarium.pot')], capture_output=True, text=True,
                          env=dict(os.environ, LC_ALL='C'))
    errors = [line for line in done.stderr.splitlines() if 'this message is not used' not in line]  # the commands' summaries: help takes them from their rows
    assert (done.returncode, errors) == (0, [])


SCENE = """set lang ru
kafka-topics.sh --create --topic orders --partitions 3 --replication-factor 3 --config min.insync.replicas=2 --bootstrap-server localhost:9092
producer start p1 --topic orders --rate 20/s --acks all
consumer start c1 --group billing --topic orders
consumer start c2 --group billing --topic orders
advance 10s
chaos start --seed %d --for 100s --kinds kill,stop,power-off,freeze,cut,disk-fail,delay,loss,disk,requests%s
advance 2m
consumer stop c2
consumer kill c1
advance 1m
net delay 1 2 50ms 20ms
net loss 1 2 5%%
net bandwidth 1 2 100KB
clock skew 1 1h
clock skew 1 0s
broker freeze 2 30s
replica hold 3
replica hold 2 orders-0
advance 1m
replica release 3
replica release 2 orders-0
disk slow 1 2ms
disk full 1
disk heal 1
fault add Produce topic=orders count=1 delay=20ms
kafka-topics.sh --create --topic other --bootstrap-server localhost:9092
kafka-topics.sh --delete --topic other --bootstrap-server localhost:9092
kafka-configs.sh --bootstrap-server localhost:9092 --entity-type brokers --entity-default --alter --add-config log.cleaner.threads=2
kafka-topics.sh --alter --topic orders --partitions 4 --bootstrap-server localhost:9092
advance 1m
broker stop 4
at +5s broker start 9
advance 1m
net heal
echo EVENTS
events 100000 --all
"""
AS_THEY_ARE = {'ORDER', 'REFUSE', 'CONFIG', 'CHECKPT', 'TIME', 'LAB'}  # command lines, Kafka's errors and settings, names of files, the pace


@pytest.mark.parametrize('release,seed,how', [('2.7', 3, ''), ('4.3', 5, ' --rough')])
def test_what_happens_is_told_in_it(folder, release, seed, how):
    """Whatever comes to pass in a scene with chance in it: each event, and each answer to an order, has Russian words, and no English sentence is left within."""
    path = os.path.join(folder, 'scene')
    with open(path, 'w') as file:
        file.write(SCENE % (seed, how))
    out = run('--no-listen', '--kafka', release, '--brokers', '4', '-f', path)[1]
    answers, events = out.split('EVENTS\n')
    lines = [line for line in events.splitlines() if not line.startswith('...') and line[10:].split()[0] not in AS_THEY_ARE]
    assert len({line[10:].split()[0] for line in lines}) > 15
    wrong = [line for line in lines if not re.search('[а-я]', line[10:]) or re.search(r'\b(the|is|was|of|its|that|and|for|no) \w', re.sub(r'Shutdown broker because.*|chaos: .*?[:,] |: the consumer is being closed', '', line))]
    assert wrong == []
    wrong = [line for line in answers.splitlines() if not re.search('[а-я]', line) and not line.startswith(('Created topic', 'Completed updating', '1: at', '2: at', 'WARNING', '['))]
    assert wrong == []


def words_of(literal):
    return set(re.findall(r"[A-Za-z']+", re.sub(r'%[.*0-9]*(?:lld|llu|zu|[dsgf])|\\n', ' ', literal)))


def test_the_words_of_phrases_are_sims():
    """A phrase whose text was changed in sim would be found no more."""
    said = set()
    for path in glob.glob(os.path.join(ROOT, 'sim/**/*.[ch]'), recursive=True):
        for literal in re.findall(r'"((?:[^"\\\n]|\\.)*)"', open(path, encoding='utf-8').read()):
            said |= words_of(literal)
    for phrase in re.findall(r'    N_\("((?:[^"\\]|\\.)*)"\)', open(os.path.join(ROOT, 'shell/phrases.c'), encoding='utf-8').read()):
        assert words_of(phrase) <= said, (phrase, words_of(phrase) - said)


def test_each_page_of_help_is_in_it():
    names = [line.split()[0] for line in run('--no-listen', '-c', 'help')[1].splitlines() if line.startswith('  ') and not line.startswith('  kafka')]
    assert len(names) > 45
    for name, page in zip(names, run('--no-listen', '-c', 'set lang ru; ' + '; '.join('help %s; echo PAGE' % name for name in names))[1].split('PAGE\n')):
        english = [line for line in page.splitlines() if not re.search('[а-я]', line)]
        assert english == [], name


def test_help_speaks_it(folder):
    out = run('--no-listen', '-c', 'set lang ru; help; help why')[1]
    assert 'инструменты Kafka\n' in out and '  why                       что с чем сравнили' in out and 'why students-0: каждый сегмент' in out
    assert max(map(len, out.split('\nhelp ИМЯ')[0].splitlines())) <= 80
    assert max(map(len, run('--no-listen', '-c', 'help')[1].split('\nhelp NAME')[0].splitlines())) <= 80


def test_the_view_fits_in_it():
    script = ("kafka-topics.sh --create --topic students --config retention.ms=30000 --config segment.bytes=250 --bootstrap-server localhost:9092;"
              + "kafka-console-producer.sh --topic students --bootstrap-server localhost:9092 <<< 'the first of all records';" * 2 + "advance 1s;"
              + "kafka-console-producer.sh --topic students --bootstrap-server localhost:9092 <<< 'the third of all records';")
    frames = {}
    for language in ('en', 'ru'):
        lines = run('--no-listen', '-c', 'set lang %s; %s echo FRAME; view; until delete students-0; echo FRAME; view' % (language, script))[1].split('FRAME\n')[1:]
        frames[language] = [[line for line in frame.splitlines()[:24]] for frame in lines]
        for frame in frames[language]:
            assert max(map(len, frame)) <= 80, '\n'.join(frame)
    first, second = frames['ru']
    assert first[0].startswith(' KAFKARIUM  00:00:01.0 идёт  1 брокер  порт не открыт')
    assert any('истечёт через ' in line and 'уйдёт 00:05:30' in line for line in first)
    assert any('сотрётся через 60.0 с (задержка 60)' in line for line in second)
    assert any('DELETE students-0/0: новейшей ' in line for line in second)
    head = [next(line for line in frames[language][0] if '  BASE STATE' in line) for language in ('en', 'ru')]
    assert head[0].index('WHAT HAPPENS') == head[1].index('ЧТО БУДЕТ')
    row = [next(line for line in frames[language][0] if line.startswith('>')) for language in ('en', 'ru')]
    assert row[0].index('expires') == row[1].index('истечёт')


def test_the_past_and_the_keys_speak_it():
    out = run('--no-listen', '-c', 'set lang ru; advance 1m; rewind 30s; rewind; view')[1]
    assert '30 с назад. Только смотреть: step' in out and 'Вы смотрите на PAST ' in out and '30 с назад: только смотреть' in out and ' ago' not in out
    catalogue = open(os.path.join(ROOT, 'shell/po/ru.po'), encoding='utf-8').read()
    keys = catalogue.split('"SPACE    время')[1].split('\n\n')[0].split('\n')
    assert len(keys) == 9 and max(map(len, keys)) <= 80
