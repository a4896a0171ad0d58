"""Every lesson of every language, played by machine: each block runs, each check holds after it."""
import os
import re

import pytest
from conftest import ROOT, run

LESSONS = [(language, name) for language in ('en', 'ru') for name in sorted(os.listdir(os.path.join(ROOT, 'lessons', language))) if name.endswith('.md')]


def lab_of(language, file):
    """the options that its block of lab asks for"""
    block = re.search(r'^```lab\n(.*?)^```', open(os.path.join(ROOT, 'lessons', language, file), encoding='utf-8').read(), re.S | re.M)
    lines = block.group(1).split() if block else []
    return [word for line in lines for word in (('--brokers', line[8:]) if line.startswith('brokers=') else ('--set', line))]


@pytest.mark.parametrize('language,file', LESSONS)
@pytest.mark.parametrize('release', ['any', '2.7'])
def test_a_lesson_plays_to_its_end(language, file, release):
    env = dict(os.environ, KAFKARIUM_LANG=language, LC_ALL='C.UTF-8')
    status, out, err = run('--kafka', release, *lab_of(language, file), '-c', 'lesson play %d' % int(file[:2]), env=env)
    assert status == 0, out[-2000:] + err


def test_both_languages_have_the_same_lessons():
    assert [f for l, f in LESSONS if l == 'en'] == [f for l, f in LESSONS if l == 'ru']


def test_a_step_is_left_only_when_its_check_holds(folder):
    lab = os.path.join(folder, 'lab')
    env = dict(os.environ, KAFKARIUM_LANG='en')
    status, out, _ = run(lab, '-c', 'lesson start 1; lesson next', env=env)
    assert status == 1 and 'Not yet' in out
    status, out, _ = run(lab, '-c', 'lesson run; lesson check; lesson next', env=env)  # the place was kept
    assert status == 0 and 'The first letters' in out


def test_a_wrong_answer_is_no_way_on():
    status, out, _ = run('-c', 'lesson start 1; lesson run; lesson next; lesson run; lesson next; lesson answer 1; lesson next')
    assert status == 1 and 'Not that one' in out and 'First the question' in out


def lessons_beside(folder, text):
    """the environment in which there is one lesson of our own"""
    os.makedirs(os.path.join(folder, 'en'))
    with open(os.path.join(folder, 'en', '07-own.md'), 'w') as f:
        f.write(text)
    return dict(os.environ, KAFKARIUM_LESSONS=folder, KAFKARIUM_LANG='en')


THREE = """# Own

```lab
brokers=3
replica.lag.time.max.ms=3000
```

## Step

```run
echo brokers {1} {2} {3} {x}
```
"""


def test_a_lesson_says_which_lab_it_is_played_on(folder):
    env = lessons_beside(folder, THREE)
    wanted = ['--brokers', '3', '--set', 'replica.lag.time.max.ms=3000']
    for options in ([], wanted[:2], wanted[2:], wanted[:3] + ['replica.lag.time.max.ms=5000']):
        status, out, _ = run(*options, '-c', 'lesson start 7', env=env)
        assert status == 1 and 'kafkarium --brokers 3 --set replica.lag.time.max.ms=3000\n' in out and 'lesson start 7' in out
        assert run(*options, '-c', 'lesson play 7', env=env)[0] == 1
    assert 'kafkarium --kafka 2.7 --brokers 3' in run('--kafka', '2.7', '-c', 'lesson list', env=env)[1]
    status, out, _ = run(*wanted, '-c', 'lesson list; lesson start 7', env=env)
    assert status == 0 and 'kafkarium --brokers' not in out


@pytest.mark.parametrize('release,ids', [('any', '1 2 3'), ('2.7', '0 1 2')])
def test_a_lesson_names_the_brokers_by_the_numbers_of_the_release(folder, release, ids):
    env = lessons_beside(folder, THREE)
    status, out, _ = run('--kafka', release, '--brokers', '3', '--set', 'replica.lag.time.max.ms=3000', '-c', 'lesson play 7', env=env)
    assert status == 0 and '\nbrokers %s {x}\n' % ids in out


@pytest.mark.parametrize('line', ['brokers=0', 'brokers=many', 'brokers', 'no.such.setting=1'])
def test_a_lab_that_cannot_be_is_named_with_its_line(folder, line):
    status, _, err = run('-c', 'lesson list', env=lessons_beside(folder, THREE.replace('brokers=3', line)))
    assert status == 1 and 'line 3' in err and 'brokers=N' in err
