"""Every lesson of every language, played by machine: each block runs, each check holds after it."""
import os

import pytest
from conftest import ROOT, run

LESSONS = [(language, name) for language in ('en', 'ru') for name in sorted(os.listdir(os.path.join(ROOT, 'lessons', language))) if name.endswith('.md')]


@pytest.mark.parametrize('language,file', LESSONS)
@pytest.mark.parametrize('release', ['any', '2.7'])
def test_a_lesson_plays_to_its_end(language, file, release):
    env = dict(os.environ, KAFKARIUM_LANG=language, LC_ALL='C.UTF-8')
    status, out, err = run('--kafka', release, '-c', 'lesson play %d' % int(file[:2]), env=env)
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
