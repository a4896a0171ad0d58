"""The shell's own texts in English and Russian."""
import os
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
