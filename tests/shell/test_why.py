"""What `why` answers, in both languages and releases, and that the lines it ends with do what they say."""
import os
import re

import pytest
from conftest import ROOT, run

CREATE = 'kafka-topics.sh --create --topic students --bootstrap-server localhost:9092 %s\n'
SEND = "kafka-console-producer.sh --topic students --bootstrap-server localhost:9092 <<< '%s'\n"
ALTER = 'kafka-configs.sh --bootstrap-server localhost:9092 --entity-type topics --entity-name students --alter --add-config %s\n'
# Three records of 92 or 93 bytes ten seconds apart; the third began a segment.
THREE = (CREATE % '--config retention.ms=30000 --config segment.bytes=250' + SEND % 'the first of all records' + 'advance 10s\n' + SEND % 'the second of all records'
         + 'advance 10s\n' + SEND % 'the third of all records')
KEYED = "kafka-console-producer.sh --topic students --property parse.key=true --property key.separator== --bootstrap-server localhost:9092 <<< '%s'\n"
TYPE = {'en': r'^(?:show me|mend)(?: \([^\n]*?\))?: (.*)$', 'ru': r'^(?:показать|исправить)(?: \([^\n]*?\))?: (.*)$'}


@pytest.fixture(params=['4.3', '2.7'])
def release(request):
    return request.param


@pytest.fixture(params=['en', 'ru'])
def lang(request):
    return request.param


def answer(folder, script, question, lang='en', release='4.3', status=0, options=()):
    """What a question prints after a script; the script's own output is left out."""
    path = os.path.join(folder, 'script')
    with open(path, 'w') as file:
        file.write('set lang %s\n%secho ANSWER\n%s\n' % (lang, script, question))
    got, out, err = run('--no-listen', '--kafka', {'4.3': 'any'}.get(release, release), *options, '-f', path, env=dict(os.environ, LC_ALL='C.UTF-8'))
    assert got == status, out + err
    return out.split('ANSWER\n', 1)[1] if not status else err


def lines_to_type(text, lang='en'):
    found = re.findall(TYPE[lang], text, re.M)
    assert found and re.match(TYPE[lang], text.splitlines()[-1]), text
    return found


def works(folder, script, question, lang='en', release='4.3', options=()):
    """The answer; each line that it ends with was run after it and succeeded."""
    text = answer(folder, script, question, lang, release, options=options)
    for line in lines_to_type(text, lang):
        answer(folder, script, question + '\n' + line, lang, release, options=options)
    return text


# ---- a partition ----

def test_each_segment_with_its_values_and_its_moment(folder, release):
    out = works(folder, THREE, 'why students-0', release=release)
    assert ('  0..1 (185 bytes) stays: its newest record is 10 s old: 10001 ms, not over retention.ms=30000; it expires at 00:00:40.004, and goes at the check of '
            '00:05:30.\n') in out
    assert '  2 (active, 92 bytes) stays: its newest record is 0 s old: 0 ms, not over retention.ms=30000; if nothing is appended it expires at 00:00:50.005,' in out
    assert 'Retention looks for the first time at 00:00:30, 30 s after the broker\'s start, then every 5 min (log.retention.check.interval.ms=300000).' in out
    assert 'The active segment is no exception' in out
    order = ['retention.ms first, then retention.bytes, then the log start offset', 'the log start offset first, then retention.bytes, then retention.ms']
    assert order[release == '4.3'] in out and order[release == '2.7'] not in out


def test_the_same_in_russian(folder, release):
    out = works(folder, THREE, 'why students-0', 'ru', release)
    assert ('  0..1 (185 Б) остаётся: самой новой записи 10 с: 10001 мс, не больше retention.ms=30000; истечёт в 00:00:40.004 и уйдёт при проверке в 00:05:30.\n') in out
    assert '  2 (активный, 92 Б) остаётся: ' in out
    assert 'через 30 с после старта брокера, потом каждые 5 мин (log.retention.check.interval.ms=300000).' in out
    assert 'Активный сегмент не исключение' in out


def test_what_it_foretells_comes_to_pass(folder, release):
    out = answer(folder, THREE, 'why students-0\nuntil delete students-0\ntime', release=release)
    assert 'goes at the check of 00:05:30' in out and '00:05:30.0 DELETE students-0/0: ' in out and '00:05:30.0 DELETE students-0/2: ' in out


def test_the_mending_line_takes_it_at_the_check_that_it_names(folder, release):
    first, second = lines_to_type(answer(folder, THREE, 'why students-0', release=release))
    assert first == 'until delete students-0' and second.endswith('retention.ms=19000')
    out = answer(folder, THREE, second + '\nuntil delete students-0', release=release)
    assert '00:00:30.0 DELETE students-0/0: newest 19.9 s > 19.0 s; log start 0 -> 2' in out


def test_deleted_segments_until_their_files_are_gone(folder, release, lang):
    out = works(folder, THREE + 'until delete students-0\n', 'why students-0', lang, release)
    said = {'en': '  0..1 (.deleted) was taken at 00:05:30 by retention.ms: its newest record was 5 min 19 s old: 319997 ms > retention.ms=30000. Its files bear the '
                  'suffix .deleted and leave the disk at 00:06:30 (file.delete.delay.ms=60000).',
            'ru': '  0..1 (.deleted) удалён в 00:05:30 по правилу retention.ms: самой новой записи было 5 мин 19 с: 319997 мс > retention.ms=30000. Его файлы получили '
                  'суффикс .deleted и исчезнут с диска в 00:06:30 (file.delete.delay.ms=60000).'}
    assert said[lang] in out
    assert {'en': '  3 (active) stays: it is empty', 'ru': '  3 (активный) остаётся: он пуст'}[lang] in out
    assert '.deleted' not in answer(folder, THREE + 'until delete students-0\nadvance 61s\n', 'why students-0', lang, release)


def test_a_segment_waits_for_the_older_ones(folder, release):
    """The newer one has expired by its own record, the older holds one stamped later."""
    script = CREATE % '--config retention.ms=30000 --config segment.bytes=250' + SEND % 'one record of them' + SEND % 'another one of them' + 'advance 60s\n'
    script += ALTER % 'retention.ms=-1' + ALTER % 'retention.bytes=0'
    out = works(folder, script + SEND % 'x' * 3, 'why students-0', release=release)
    assert 'goes at the next check, by retention.bytes: from here on the log is ' in out


def test_bytes_are_a_floor(folder, release, lang):
    script = CREATE % '--config retention.bytes=200 --config segment.bytes=200' + ''.join(SEND % ('record %d' % i) for i in range(5))
    out = works(folder, script, 'why students-0', lang, release)
    # 5 x 76 bytes in segments of two: 380, 180 above 200; 152 fit in that, the next 152 do not in 28
    assert {'en': '  0..1 (152 bytes) goes at the next check, by retention.bytes: from here on the log is 180 bytes above retention.bytes=200, and its 152 bytes fit in that.',
            'ru': '  0..1 (152 Б) уйдёт при следующей проверке по правилу retention.bytes: отсюда и до конца в логе на 180 Б больше retention.bytes=200, и его 152 Б в них '
                  'помещаются.'}[lang] in out
    assert {'en': 'without its 152 bytes fewer than retention.bytes=200 would be left (28 are above it): it goes when 124 more have come.',
            'ru': 'без его 152 Б осталось бы меньше retention.bytes=200 (сверх неё 28): уйдёт, когда придёт ещё 124.'}[lang] in out
    assert {'en': 'retention.bytes is a floor', 'ru': 'retention.bytes — это нижняя граница'}[lang] in out
    assert 'students-0/0: 180 B over retention.bytes, its 152 B fit in that' in answer(folder, script, 'until delete students-0', 'en', release)


def test_no_limit_at_all(folder, release):
    out = works(folder, CREATE % '--config retention.ms=-1' + SEND % 'x', 'why students-0', release=release)
    assert 'stays: retention.ms=-1 and retention.bytes=-1 set no limit.' in out


def test_a_week_is_looked_ahead(folder):
    out = works(folder, CREATE % '' + SEND % 'x', 'why students-0')
    assert 'show me: until delete students-0 --limit 8d\n' in out and 'goes at the check of 2026-01-08 ' in out


def test_a_compacted_topic_is_left_by_the_check(folder, release, lang):
    script = CREATE % '--config cleanup.policy=compact --config segment.bytes=200' + ''.join(KEYED % kv for kv in ('k1=v1', 'k2=v1', 'k1=v2'))
    out = works(folder, script, 'why students-0', lang, release)
    assert {'en': 'the retention check passes this partition by', 'ru': 'проверка retention обходит эту партицию'}[lang] in out
    assert 'retention.ms=604800000' in out.splitlines()[0]


# ---- a record ----

def test_a_record_that_is_there(folder, release, lang):
    out = works(folder, THREE, 'why students-0 1', lang, release)
    assert {'en': '1 is there: in 00000000000000000000.log at position 92, in the batch 1 of 93 bytes, stamped 00:00:10.003 (CreateTime).\nIt is below the high watermark 3: '
                  'consumers can read it.\nIt goes with its segment:\n  0..1 (185 bytes) stays: ',
            'ru': '1 на месте: в 00000000000000000000.log на позиции 92, в batch 1 размером 93 Б, метка времени 00:00:10.003 (CreateTime).\nОна ниже high watermark 3: '
                  'consumer может её прочесть.\nОна уйдёт вместе со своим сегментом:\n  0..1 (185 Б) остаётся: '}[lang] in out
    read, until = lines_to_type(out, lang)
    assert 'the second of all records' in answer(folder, THREE, read, lang, release)
    assert '00:05:30.0 DELETE students-0/0' in answer(folder, THREE, until, lang, release)


def test_a_record_that_expired(folder, release, lang):
    out = works(folder, THREE + 'until delete students-0\n', 'why students-0 1', lang, release)
    assert {'en': '1 is gone since 00:05:30: retention took its whole segment 0..1 by retention.ms, because its newest record was 5 min 19 s old: 319997 ms > retention.ms=30000.',
            'ru': '1 нет с 00:05:30: retention забрало весь её сегмент 0..1 по правилу retention.ms, потому что самой новой записи было 5 мин 19 с: 319997 мс > '
                  'retention.ms=30000.'}[lang] in out
    assert {'en': 'What would have kept it at that check: a retention.ms of 319997 or more', 'ru': 'retention.ms не меньше 319997'}[lang] in out


def test_what_would_have_kept_it_keeps_it(folder, release):
    for value, kept in ((319997, True), (319996, False)):
        out = answer(folder, THREE + ALTER.rstrip() % ('retention.ms=%d\n' % value), 'advance 310s\nwhy students-0 1', release=release)
        assert ('1 is there' in out) == kept, out


def test_the_active_segment_was_no_protection(folder, release, lang):
    out = works(folder, THREE + 'until delete students-0\n', 'why students-0 2', lang, release)
    assert {'en': 'It was the active segment: that is no protection', 'ru': 'Это был активный сегмент: он не защищён'}[lang] in out


def test_a_record_that_went_by_size(folder, release):
    script = CREATE % '--config retention.bytes=200 --config segment.bytes=200' + ''.join(SEND % ('record %d' % i) for i in range(5))
    out = works(folder, script + 'until delete students-0\n', 'why students-0 0', release=release)
    assert '0 is gone since 00:00:30: retention took its whole segment 0..1 by retention.bytes, because the log was 180 bytes above retention.bytes=200' in out
    assert 'a retention.bytes of 229 or more' in out
    kept = answer(folder, script + ALTER % 'retention.bytes=229' + 'advance 60s\n', 'why students-0 0', release=release)
    assert '0 is there' in kept
    assert '0 is gone' in answer(folder, script + ALTER % 'retention.bytes=228' + 'advance 60s\n', 'why students-0 0', release=release)


def test_delete_records(folder, release, lang):
    path = os.path.join(folder, 'delete.json')
    with open(path, 'w') as file:
        file.write('{"partitions": [{"topic": "students", "partition": 0, "offset": 2}], "version": 1}')
    script = THREE + 'kafka-delete-records.sh --bootstrap-server localhost:9092 --offset-json-file %s\n' % path
    out = works(folder, script, 'why students-0 1', lang, release)
    assert {'en': '1 can not be read since 00:00:20: DeleteRecords (kafka-delete-records.sh, or a client\'s) moved the log start offset from 0 to 2.',
            'ru': '1 не прочесть с 00:00:20: DeleteRecords (kafka-delete-records.sh или клиент) передвинул log start offset с 0 на 2.'}[lang] in out
    # its segment goes later, by another rule: the record was lost before
    assert '00:00:20: DeleteRecords' in answer(folder, script + 'until delete students-0\n', 'why students-0 1', 'en', release)
    said = answer(folder, script, 'why students-0', 'en', release)
    assert 'goes at the next check, by log start offset: the next segment begins at 2, not above the log start offset 2: nothing in it can be read.' in said


def test_a_record_that_is_not_there_yet(folder, release, lang):
    out = works(folder, THREE, 'why students-0 99', lang, release)
    assert {'en': '99 has not been written yet: the next record gets offset 3.', 'ru': '99 ещё не записана: следующая запись получит offset 3.'}[lang] in out


def test_a_topic_of_the_same_name_before_is_not_meant(folder, release):
    script = THREE + 'until delete students-0\nkafka-topics.sh --delete --topic students --bootstrap-server localhost:9092\nadvance 2s\n' + THREE
    assert '1 is there' in answer(folder, script, 'why students-0 1', release=release)


def test_a_lab_that_was_opened_again_remembers(folder, release):
    lab = os.path.join(folder, 'lab')
    kafka = {'4.3': 'any'}.get(release, release)
    with open(os.path.join(folder, 'file'), 'w') as file:
        file.write(THREE + 'until delete students-0\n')
    assert run('--no-listen', '--kafka', kafka, lab, '-f', os.path.join(folder, 'file'))[0] == 0
    out = run('--no-listen', lab, '-c', 'why students-0 1; why rolled students-0 2')[1]
    assert '1 is gone since 00:05:30: retention took its whole segment 0..1 by retention.ms, because its newest record was 5 min 19 s old: 319997 ms' in out
    assert 'the segment 2 began, by segment.bytes: the segment before it had 185 bytes' in out


def test_what_a_power_off_took(folder, release, lang):
    script = THREE + 'broker power-off %s\nbroker start %s\n' % (('0',) * 2 if release == '2.7' else ('1',) * 2)
    out = works(folder, script, 'why students-0 2', lang, release)
    assert {'en': '2 was there and is lost: it was written at 00:00:20, but broker %s lost its power, and ',
            'ru': '2 была и потеряна: она была записана в 00:00:20, но брокер %s лишился питания, а '}[lang] % {'2.7': '0', '4.3': '1'}[release] in out
    mend, _ = lines_to_type(out, lang)
    assert mend.endswith('flush.messages=1')
    assert '2 is there' in answer(folder, script.replace('broker power-off', mend + '\n' + SEND % 'flushed' + 'broker power-off', 1), 'why students-0 2', 'en', release)
    again = answer(folder, script + SEND % 'x' * 3, 'why students-0 2', 'en', release)
    assert '2 is there' in again and 'It is not the first record with this offset: one was written at 00:00:20, and broker ' in again


def test_a_partition_of_a_broker_that_is_down_names_it(folder):
    out = answer(folder, THREE + 'broker kill 1\n', 'why students-0 2', 'en', status=1)
    assert out == 'why: students-0 has no leader at present, and no broker that is up has a replica\nmend: broker start 1\n'


def test_the_past_is_told_and_nothing_mends_it(folder, release):
    lab = os.path.join(folder, 'lab')
    with open(os.path.join(folder, 'file'), 'w') as file:
        file.write(THREE + 'rewind 5s\nwhy students-0\nwhy students-0 1\n')
    status, out, err = run('--no-listen', '--record', '--kafka', {'4.3': 'any'}.get(release, release), lab, '-f', os.path.join(folder, 'file'))
    assert status == 0, out + err
    assert '  0..1 (active, 185 bytes) stays: its newest record is 5 s old: ' in out and '1 is there' in out
    assert 'mend' not in out and 'show me: until delete students-0' in out


# ---- rolls ----

def test_rolled_by_bytes(folder, release, lang):
    out = works(folder, THREE, 'why rolled students-0', lang, release)
    assert {'en': 'students-0 rolled at 00:00:20: the segment 2 began, by segment.bytes: the segment before it had 185 bytes, the batch to be appended 92: 185 + 92 > '
                  'segment.bytes=250.',
            'ru': 'students-0 в 00:00:20 начала новый сегмент 2, по segment.bytes: в предыдущем было 185 Б, в новом batch — 92: 185 + 92 > segment.bytes=250.'}[lang] in out
    assert {'en': 'The active segment begins at 2 and has 92 of segment.bytes=250: a batch of more than 158 bytes rolls it.',
            'ru': 'Активный сегмент начинается с 2, в нём 92 из segment.bytes=250: batch больше 158 Б откроет новый.'}[lang] in out
    assert {'en': 'not by a timer', 'ru': 'а не о таймере'}[lang] in out


def test_rolled_by_the_records_time(folder, release, lang):
    script = CREATE % '--config segment.ms=5000' + SEND % 'one' + 'advance 60s\n' + SEND % 'two'
    out = works(folder, script, 'why rolled students-0', lang, release)
    assert {'en': 'by segment.ms: the batch appended is stamped 00:01:00.003, the first batch of the segment before it 00:00:00.002: 60001 ms between the records\' own timestamps > '
                  '5000. No timer rolls a segment: it took this batch to do it.',
            'ru': 'по segment.ms: новый batch помечен временем 00:01:00.003, первый batch предыдущего сегмента — 00:00:00.002: между метками самих записей 60001 мс > 5000. '
                  'Никакой таймер сегмент не закрывает'}[lang] in out
    # a quiet partition does not roll, however long
    quiet = answer(folder, CREATE % '--config segment.ms=5000' + SEND % 'one' + 'advance 6h\n', 'why rolled students-0', 'en', release)
    assert 'has not rolled yet' in quiet and 'so a batch stamped after 00:00:05.002 rolls it, whenever that one comes' in quiet


def test_rolled_with_jitter(folder, release):
    script = CREATE % '--config segment.ms=50000 --config segment.jitter.ms=40000' + SEND % 'one' + 'advance 60s\n' + SEND % 'two'
    out = works(folder, script, 'why rolled students-0', release=release)
    limit, jitter = map(int, re.search(r'timestamps > (\d+) \(segment.ms less a jitter of (\d+)', out).groups())
    assert limit + jitter == 50000 and jitter > 0


def test_rolled_by_a_full_index(folder, release):
    script = CREATE % '--config segment.index.bytes=24 --config index.interval.bytes=0' + (SEND % 'x') * 4
    out = works(folder, script, 'why rolled students-0', release=release)
    assert 'because an index of the segment before it was full: segment.index.bytes=24 is room for 3 entries of the offset index and 2 of the time index' in out


def test_rolled_by_retention_and_an_earlier_roll(folder, release):
    script = THREE + 'until delete students-0\n'
    assert 'the segment 3 began, empty, because retention took all the others' in works(folder, script, 'why rolled students-0', release=release)
    assert 'the segment 2 began, by segment.bytes' in works(folder, script, 'why rolled students-0 2', release=release)
    assert 'No segment of students-0 begins at 1.' in works(folder, script, 'why rolled students-0 1', release=release)


# ---- compaction ----

def test_compaction(folder, release, lang):
    script = CREATE % '--config cleanup.policy=compact --config segment.bytes=200' + ''.join(KEYED % kv for kv in ('k1=v1', 'k2=v1', 'k1=v2'))
    out = works(folder, script, 'why compaction students-0', lang, release)
    assert {'en': 'Dirty from 0 on, the log start: it was never compacted', 'ru': 'его ещё не сжимали'}[lang] in out
    assert {'en': 'It can be cleaned up to 2, where the active segment begins: that one is never compacted.',
            'ru': 'Чистить можно до 2, где начинается активный сегмент: его не сжимают никогда.'}[lang] in out
    assert '144 / (0 ' in out and '= 1.000' in out and 'min.cleanable.dirty.ratio=0.5' in out
    there = works(folder, script, 'why students-0 0', 'en', release)
    assert ', key "k1".\n' in there and 'A later record of its key, 2, will take its place when the cleaner comes' in there
    assert 'It is the newest of its key: compaction keeps it.' in works(folder, script, 'why students-0 1', 'en', release)


def test_compaction_of_a_topic_that_is_not_compacted(folder, lang):
    out = works(folder, THREE, 'why compaction students-0', lang)
    assert {'en': 'Without compact in cleanup.policy', 'ru': 'Без compact в cleanup.policy'}[lang] in out


def test_compaction_waits_for_the_lag(folder, release):
    script = CREATE % '--config cleanup.policy=compact --config segment.bytes=200 --config min.compaction.lag.ms=60000' + ''.join(KEYED % kv for kv in ('k1=v1', 'k2=v1', 'k1=v2'))
    out = works(folder, script, 'why compaction students-0', release=release)
    assert 'It can be cleaned up to 0: the newest record of that segment, of 00:00:00.003, is not min.compaction.lag.ms=60000 old yet.' in out
    assert 'If nothing is appended that changes at 00:01:00.003, by min.compaction.lag.ms, and the cleaner takes it at its look of 00:01:15.000.' in out


SIX = ''.join(KEYED % kv for kv in ('k1=v1', 'k2=v1', 'k1=v2', 'k3=v1', 'k1=v3', 'k1=v4'))  # of 72 bytes, two a segment


def test_what_the_cleaner_did_and_when_it_comes(folder, release, lang):
    script = CREATE % '--config cleanup.policy=compact --config segment.bytes=200' + SIX
    out = works(folder, script, 'why compaction students-0', lang, release)
    assert {'en': 'So the cleaner takes it, by min.cleanable.dirty.ratio, at its look of 00:00:15.000:', 'ru': 'по правилу min.cleanable.dirty.ratio, в 00:00:15.000:'}[lang] in out
    assert lines_to_type(out, lang) == ['until clean students-0']
    script += 'until clean students-0\n'
    out = works(folder, script, 'why compaction students-0', lang, release)
    left = {'2.7': 216, '4.3': 277}[release]  # 4.3 keeps the header of the batch that the cleaned part ends with
    assert {'en': 'The last cleaning, at 00:00:15: 288 bytes became %d; of 4 records it kept 3 (1 superseded' % left,
            'ru': 'Последняя чистка, в 00:00:15: из 288 Б стало %d; из 4 записей оставлено 3 (заменены более поздними с тем же ключом: 1,' % left}[lang] in out
    out = works(folder, script, 'why students-0 0', lang, release)
    assert {'en': '0 was compacted away: a later record of the same key took its place', 'ru': '0 убрана сжатием (compaction): её место заняла более поздняя запись'}[lang] in out
    assert {'en': 'a consumer that asks for 0 gets 1, the next there is.\nThe cleaner went over it at 00:00:15, by min.cleanable.dirty.ratio.',
            'ru': 'Cleaner прошёл по ней в 00:00:15, по правилу min.cleanable.dirty.ratio.'}[lang] in out
    out = works(folder, script, 'why students-0 2', lang, release)
    assert {'en': 'A later record of its key, 4, will take its place when the cleaner comes (why compaction students-0).\nNot before that one\'s segment is closed',
            'ru': 'Но не раньше, чем закроется сегмент той записи'}[lang] in out


def test_with_compact_and_delete_the_cleaner_looks_for_what_expired(folder, release):
    script = CREATE % '--config cleanup.policy=compact,delete --config segment.bytes=200 --config retention.ms=20000' + SIX
    out = works(folder, script, 'why students-0', release=release)
    assert 'the cleaner\'s threads look here, not the retention check' in out
    assert 'it expires at 00:00:20.004, and goes at the check of 00:00:30.' in out
    out = answer(folder, script, 'until delete students-0', release=release)
    assert out.startswith('00:00:15.0 CLEAN') and '00:00:30.0 DELETE students-0/0' in out


# ---- groups ----

GROUP = 'kafka-console-consumer.sh --topic students --group my-group --from-beginning --max-messages 1 --bootstrap-server localhost:9092\n'


def test_lag(folder, release, lang):
    out = works(folder, THREE + GROUP, 'why lag my-group', lang, release)
    assert {'en': 'my-group is Empty with 0 members.\n', 'ru': 'my-group: Empty, 0 участников.\n'}[lang] in out
    assert {'en': '  students-0: committed 1, end 3: lag 2 = 0 deleted + 2 readable; last commit at 00:00:', 'ru': '  students-0: закоммичено 1, конец 3: lag 2 = 0 удалено + 2 можно '
            'прочесть; последний commit в 00:00:'}[lang] in out
    assert {'en': 'Nobody of the group is there to read', 'ru': 'Читать некому'}[lang] in out
    line, = lines_to_type(out, lang)
    after = answer(folder, THREE + GROUP, line + '\nwhy lag my-group', lang, release)
    assert {'en': 'Everything is read and committed.', 'ru': 'Всё прочитано и закоммичено.'}[lang] in after


def test_lag_of_what_is_deleted(folder, release, lang):
    out = works(folder, THREE + GROUP + 'until delete students-0\n', 'why lag my-group', lang, release)
    assert 'lag 2 = 2 ' in out
    assert {'en': 'Retention or DeleteRecords took 1..2 before the group read it', 'ru': 'забрали 1..2 раньше, чем группа это прочла'}[lang] in out
    line, = lines_to_type(out, lang)
    assert 'reset-offsets' in line
    assert 'lag 0 = 0' in answer(folder, THREE + GROUP + 'until delete students-0\n', line + '\nwhy lag my-group', 'en', release)


# ---- the latest, and mistakes ----

def test_why_alone(folder, release, lang):
    out = works(folder, THREE, 'why', lang, release)
    assert '00:00:20.0 ROLL   students-0' in out and 'size_bytes=185, append_bytes=92, segment_bytes=250' in out
    assert lines_to_type(out, lang) == ['why rolled students-0 2']
    for line in re.findall(r'^  (why \S+(?: \S+)*?)  ', out, re.M):
        assert line.split()[0] == 'why'
    assert len(re.findall(r'^  why ', out, re.M)) == 11
    works(folder, '', 'why', lang, release)


def test_why_refused(folder, release, lang):
    out = works(folder, THREE, 'why refused', lang, release)
    assert {'en': 'Nothing was refused', 'ru': 'Отказов не было'}[lang] in out


def test_a_batch_that_is_too_large(folder, release, lang):
    script = CREATE % '--config max.message.bytes=100' + SEND % ('x' * 60)
    with open(os.path.join(folder, 'refused'), 'w') as file:
        file.write('set lang %s\n%swhy refused\n' % (lang, script))
    out = run('--no-listen', '--kafka', {'4.3': 'any'}.get(release, release), '-f', os.path.join(folder, 'refused'))[1]
    assert 'REFUSE students-0: MESSAGE_TOO_LARGE, 129 > 100 (max.message.bytes), console-producer\n' in out
    assert {'en': 'has 129 bytes, more than max.message.bytes=100 of students.', 'ru': '129 Б, больше max.message.bytes=100 топика students.'}[lang] in out
    line, = lines_to_type(out, lang)
    assert '1 is there' not in answer(folder, CREATE % '--config max.message.bytes=100', line + '\n' + SEND % ('x' * 60) + 'why students-0 1', 'en', release)
    assert '0 is there' in answer(folder, CREATE % '--config max.message.bytes=100', line + '\n' + SEND % ('x' * 60) + 'why students-0 0', 'en', release)


def test_a_record_without_key_in_a_compacted_topic(folder, release):
    with open(os.path.join(folder, 'refused'), 'w') as file:
        file.write(CREATE % '--config cleanup.policy=compact' + SEND % 'x' + 'why refused\nwhy\n')
    out = run('--no-listen', '--kafka', release, '-f', os.path.join(folder, 'refused'))[1]
    assert 'has no key, and a compacted topic keeps one record a key: the whole batch was refused.' in out and 'show me: why refused' in out


@pytest.mark.parametrize('question,en,ru', [
    ('why students', "'students' is no partition; TOPIC-PARTITION is wanted", '«students» — не партиция'),
    ('why students-7', 'there is no partition students-7\nshow me: kafka-topics.sh --list --bootstrap-server ', 'партиции students-7 нет\nпоказать: kafka-topics.sh --list'),
    ('why students-0 x', "'x' is no offset", '«x» — не offset'),
    ('why students-0 -1', "'-1' is no offset", '«-1» — не offset'),
    ('why students-0 1 2', "'2' is one word too many", '«2» — лишнее слово'),
    ('why rolled', 'of what? For instance: why rolled students-0', 'о чём? Например: why rolled students-0'),
    ('why lag', 'of what? For instance: why lag my-group', 'о чём?'),
    ('why lag nobody', "there is no group 'nobody'", 'группы «nobody» нет'),
])
def test_mistakes_are_met_kindly(folder, question, en, ru):
    for lang, said in (('en', en), ('ru', ru)):
        assert answer(folder, THREE, question, lang, status=1).startswith('why: ' + said)


# ---- elsewhere ----

def test_over_to_in_the_callers_language_and_width(serve):
    server = serve('--start', '2026-01-01T00:00:00Z', '--speed', 'paused')
    assert run('--to=' + server.lab, '-c', (CREATE % '' + SEND % 'x').replace('\n', ';'))[0] == 0
    russian = run('--to=' + server.lab, '-c', 'set lang ru; why students-0')
    assert russian[0] == 0 and 'остаётся: самой новой записи' in russian[1]
    assert 'stays: its newest record' in server.run('why students-0')[1]


def test_timestamps_of_clients(folder, serve):
    """Ahead of the clock, and none at all."""
    from kafka import KafkaProducer
    server = serve('--speed', 'paused', '--timestamps', 'keep')
    server.run('kafka-topics.sh --create --topic ahead --config retention.ms=1000 --bootstrap-server localhost:9092;'
               'kafka-topics.sh --create --topic none --config retention.ms=1000 --bootstrap-server localhost:9092')
    producer = KafkaProducer(bootstrap_servers=server.bootstrap)
    now = int(re.search(r'\d{13}', server.run('set mode csv; SELECT now_ms FROM clock')[1]).group(0))
    for topic, stamp in (('ahead', now + 1800000), ('none', -1)):
        producer.send(topic, b'x', timestamp_ms=stamp).get(20)
    producer.close()
    out = server.run('why ahead-0')[1]
    assert 'its newest record is stamped 30 min ahead of now' in out and 'keeps its segment and all newer ones until then, and for retention.ms=1000 after' in out
    out = server.run('why none-0')[1]
    assert 'its records bear no timestamps, so the last change of its file counts' in out
    assert 'Its records bear no timestamps, so segment.ms=604800000 counts by the clock' in server.run('why rolled none-0')[1]
    out = server.run('advance 2h; why none-0 0; why ahead-0 0')[1]
    assert 'its records bear no timestamps, and its file was last changed' in out and '0 is gone since' in out and 'its newest record was ' in out


# ---- real folders, only looked at ----

def inspected(golden, question, *options):
    status, out, err = run('--inspect', os.path.join(ROOT, 'tests/golden/segments', golden), *options, '-c', question)
    assert status == 0, out + err
    return out


def test_records_of_transactions(release):
    """Committed 0-1, 3 aborted, 5 committed, 7 left open; 2, 4 and 6 are the markers."""
    golden = {'4.3': '4.3.0-transactional', '2.7': '2.7.0-transactional'}[release]
    for offset, said in ((1, 'It is below the high watermark 8: consumers can read it.'), (2, 'It is a control record, the marker that ends a transaction'),
                         (3, ') was aborted: consumers with isolation.level=read_committed never see it'), (4, 'It is a control record'), (5, 'consumers can read it.'),
                         (7, 'a transaction that began at 7 is open: consumers with isolation.level=read_committed wait at the last stable offset 7'),
                         (8, '8 has not been written yet')):
        out = inspected(golden, 'why transactional-0 %d' % offset)
        assert said in out
        for line in lines_to_type(out):
            inspected(golden, line)
    assert 'Её транзакция (producer id ' in inspected(golden, 'set lang ru; why transactional-0 3')


def test_records_that_were_compacted_away(release):
    golden = {'4.3': '4.3.0-compacted', '2.7': '2.7.0-compacted'}[release]
    policy = ('--set-topic', 'students:cleanup.policy=compact')
    dump = open(os.path.join(ROOT, 'tests/golden/segments', golden, 'dump.txt')).read()
    there = sorted({int(offset) for offset in re.findall(r'^\| offset: (\d+) ', dump, re.M)})
    gone = next(offset for offset in range(there[-1]) if offset not in there)
    out = inspected(golden, 'why students-0 %d' % gone, *policy)
    assert '%d was compacted away' % gone in out
    assert 'gets %d, the next there is' % next(offset for offset in there if offset > gone) in out
    for offset in there:
        assert '%d is there' % offset in inspected(golden, 'why students-0 %d' % offset, *policy)
    assert '%d is a hole' % gone in inspected(golden, 'why students-0 %d' % gone)


def test_a_real_folder_is_told_without_moments_that_only_its_broker_knows():
    out = inspected('4.3.0-plain', 'why plain-0')
    assert 'When the broker looks is not on its disk' in out and 'at the check of' not in out and 'until delete' not in out
    assert lines_to_type(out)[0].startswith('SELECT ')


# ---- on a terminal ----

@pytest.mark.parametrize('question', ['why students-0', 'why students-0 1', 'why students-0 0', 'why rolled students-0', 'why compaction students-0', 'why lag my-group', 'why'])
def test_it_fits_eighty_columns_and_can_be_pasted_from_them(folder, lang, question):
    from terminal import Terminal
    script = THREE + GROUP + ('until delete students-0\n' if question.endswith(' 0') else '')
    with open(os.path.join(folder, 'file'), 'w') as file:
        file.write('set lang %s\n%secho ANSWER\n%s\n' % (lang, script, question))
    terminal = Terminal(folder, '--no-listen', '-f', os.path.join(folder, 'file'), rows=60)
    terminal.ended()
    out = terminal.raw.decode().replace('\r', '').split('ANSWER\n')[1]
    assert max(map(len, out.splitlines())) <= 80, out
    typed = re.findall(r'^(?:show me|mend|показать|исправить)(?: \([^\n]*?\))?: ((?:.*\\\n)*.*)$', out, re.M)
    assert typed, out
    for line in typed:  # over several lines, as copied from the screen
        answer(folder, script, line, lang)


def test_why_changes_nothing_even_of_what_is_not_there():
    lines = 'kafka-topics.sh --create --topic students --bootstrap-server localhost:9092; '
    for question in ('why', 'why lag nobody', 'why students-0 7', 'why rolled students-0', 'why compaction students-0', 'why refused', 'why nosuch-0'):
        status, out, err = run('--no-listen', '-c', lines + question + '; echo EVENTS; advance 1s; events\n' + SEND % 'x' + 'rewind start; rewind end')
        events = out.split('EVENTS\n')[1]
        assert '__consumer_offsets' not in events and 'another way' not in err, (question, events, err)


# ---- replication ----

SPREAD = 'kafka-topics.sh --create --topic students --replica-assignment %s --bootstrap-server localhost:9092 %s\n'
WITH_ACKS = "kafka-console-producer.sh --topic students --request-required-acks %s --bootstrap-server localhost:9092 <<< '%s'\n"
IDS = {'4.3': (1, 2, 3), '2.7': (0, 1, 2)}


def lost(release):
    """The leader wrote what its followers, cut off, never fetched; it dies, another leads."""
    controller, leader, other = IDS[release]
    return (SPREAD % ('%d:%d:%d' % (leader, other, controller), '') + WITH_ACKS % ('all', 'kept') + 'net cut %d %d; net cut %d %d\n' % (leader, other, leader, controller)
            + WITH_ACKS % (1, 'lost')), leader, other, controller


def test_a_high_watermark_that_stands_still_says_whom_it_waits_for(folder, release, lang):
    script, leader, other, controller = lost(release)
    text = answer(folder, script, 'why commit students-0', lang, release, options=('--brokers', '3'))
    if lang == 'en':
        assert 'the high watermark is 1, the log ends at 2: 1 record is written and not committed' in text
        assert '  %d leads: 2\n' % leader in text and '  %d: up to 1; it holds the others back: its link to the leader is cut\n' % other in text
        assert re.search(r'If %d stays so it leaves the ISR at 00:00:45\.\d+ ' % controller, text)
    else:
        assert 'high watermark 1, лог кончается на 2: 1 запись записана, но не зафиксирована' in text and 'связь с лидером оборвана' in text
    lines_to_type(text, lang)


def test_the_isr_says_who_leaves_when_and_who_comes_back_when(folder, release, lang):
    controller, leader, other = IDS[release]
    script = SPREAD % ('%d:%d:%d' % (leader, other, controller), '') + WITH_ACKS % ('all', 'kept') + 'net cut %d %d\n' % (leader, other) + WITH_ACKS % (1, 'late')
    text = answer(folder, script + 'advance 50s\n', 'why isr students-0', lang, release, options=('--brokers', '3'))
    if lang == 'en':
        assert re.search(r'in sync \(ISR\) are (%d,%d|%d,%d) of the replicas' % (leader, controller, controller, leader), text)
        assert re.search(r'  %d is OUT: it has up to 1 of 2, and last caught up [\d.]+ s ago; its link to the leader is cut\.\n' % other, text)
        assert 'It comes back when it has 2: all that is committed (high watermark 2)' in text
        assert re.search(r'It left at 00:00:45\.\d+: its log ended at 1, the leader\'s at 2, and it had last caught up 4[45]\.?\d* s before, longer ago than replica\.lag\.time\.max\.ms=30000', text)
    else:
        assert '%d ВНЕ ISR' % other in text and 'Вышел в 00:00:45' in text
    assert lines_to_type(text, lang)[-1].startswith('net heal ')


def test_a_record_lost_with_its_leader_is_told_of(folder, release, lang):
    script, leader, other, controller = lost(release)
    end = 'broker kill %d\nnet heal\nadvance 30s\n' % leader
    text = answer(folder, script + end, 'why students-0 1', lang, release, options=('--brokers', '3'))
    if lang == 'en':
        assert '1 was there and is lost: leader %d wrote one at 00:00:00' % leader in text and 'broker %d became leader' % other in text and 'its log ended at 1.' in text
        assert 'The producer asked for acks=1: it was told that the leader had it' in text
    else:
        assert 'Продюсер просил acks=1' in text
    again = answer(folder, script + end + WITH_ACKS % ('all', 'new'), 'why students-0 1', lang, release, options=('--brokers', '3'))
    assert ('It is not the first record with this offset: leader %d wrote one' % leader if lang == 'en' else 'Продюсер просил acks=1') in again


def test_a_leader_says_why_it_is_the_one(folder, release, lang):
    script, leader, other, controller = lost(release)
    first = answer(folder, script, 'why leader students-0', lang, release, options=('--brokers', '3'))
    assert ('is led by broker %d, in leader epoch 0, as it has been since it was made' if lang == 'en' else 'Лидер students-0 — брокер %d, эпоха лидера 0, с самого создания') % leader in first
    text = answer(folder, script + 'broker kill %d\nnet heal\nadvance 30s\n' % leader, 'why leader students-0', lang, release, options=('--brokers', '3'))
    assert {'en': 'the session of broker %d ended', 'ru': 'сессия брокера %d кончилась'}[lang] % leader in text
    assert {'en': '  %d: not alive, in the ISR, it is leaving\n', 'ru': '  %d: не жив, в ISR, уходит\n'}[lang] % leader in text
    assert {'en': '  %d: alive, in the ISR, chosen\n', 'ru': '  %d: жив, в ISR, выбран\n'}[lang] % other in text
    if lang == 'en':
        assert 'Broker %d is the preferred leader' % leader in text


@pytest.mark.parametrize('up', [False, True])
def test_a_partition_without_a_leader_says_whom_it_waits_for_and_what_another_way_costs(folder, release, lang, up):
    """Nobody with a replica is up, or one who was not in sync: the controller's knowledge is enough."""
    _, leader, other = IDS[release]
    script = (SPREAD % ('%d:%d' % (leader, other), '') + WITH_ACKS % ('all', 'both') + 'broker kill %d\nadvance 50s\n' % other + WITH_ACKS % ('all', 'one') + 'broker kill %d\nadvance 30s\n' % leader)
    options = ('--brokers', '4') + (('--controllers', '1') if release == '4.3' else ())
    text = answer(folder, script + ('broker start %d\nadvance 5s\n' % other if up else ''), 'why leader students-0', lang, release, options=options)
    waits = '%d (%s)' % (leader, {'en': {'2.7': 'in the ISR to the last', '4.3': 'eligible leader replicas, ELR'}, 'ru': {'2.7': 'был в ISR до последнего', '4.3': 'кому можно стать лидером, ELR'}}[lang][release])
    assert {'en': 'It waits for whoever has all that was committed: ', 'ru': 'Партиция ждёт того, у кого есть всё зафиксированное: '}[lang] + waits in text
    assert 'unclean.leader.election.enable=false' in text and '; the journal' not in text
    if lang == 'en':
        assert '  %d may lead: it is down.\n  %d may not, it was not in sync: it is %s.\n' % (leader, other, 'up, its log ends at 1' if up else 'down') in text
    mend, unclean = lines_to_type(text, lang)
    assert mend == 'broker start %d' % leader and ('--election-type unclean' if up else 'unclean.leader.election.enable=true') in unclean
    for line, led in ((mend, leader), (unclean if up else unclean + '\nbroker start %d' % other, other)):
        after = answer(folder, script + ('broker start %d\nadvance 5s\n' % other if up else '') + line + '\nadvance 301s\n', 'why leader students-0', 'en', release, options=options)
        assert 'students-0 is led by broker %d' % led in after, line
    few = answer(folder, script, 'why isr students-0', 'en', release, options=options)
    assert 'Nobody leads it, so nobody watches: `why leader students-0`.' in few


def test_a_leader_that_is_away_is_told_before_the_controller_notices(folder, release, lang):
    controller, leader, other = IDS[release]
    script = SPREAD % ('%d:%d' % (leader, other), '') + 'broker kill %d\n' % leader
    text = works(folder, script, 'why leader students-0', lang, release, options=('--brokers', '3') + (('--controllers', '1') if release == '4.3' else ()))
    assert {'2.7': '00:00:21.000 (zookeeper.session.timeout.ms)', '4.3': '00:00:09.000 (broker.session.timeout.ms)'}[release] in text
    assert lines_to_type(text, lang) == ['next leader', 'broker start %d' % leader]
    blind = answer(folder, script.replace('%d:%d' % (leader, other), str(leader)) + 'broker kill %d\n' % controller, 'why leader students-0', 'en', '4.3', options=('--brokers', '3')) if release == '4.3' else ''
    assert not blind or 'No controller can elect another: 1 of 3 controllers are up, and it takes 2 that reach each other.' in blind


def test_leaders_of_internal_topics_move_before_the_students_eyes(folder, release):
    """The broker that dies leads nothing but partitions of __consumer_offsets: one is shown, the others are counted, and step passes them over."""
    controller, leader, other = IDS[release]
    script = (SPREAD % ('%d:%d' % (leader, other), '') + 'consumer start c1 --group billing --topic students\nadvance 5s\nbroker kill %d\n' % controller)
    options = ('--brokers', '3')
    text = answer(folder, script, 'next leader', 'en', release, options=options)
    found = re.search(r'LEADER (__consumer_offsets-(\d+)): leader \d, was %d: the session of broker %d ended\nSo have (\d+) more partitions of internal topics; `why leader (\S+)`' % (controller, controller), text)
    assert found and found.group(1) == found.group(4) and text.count('LEADER') == 1
    why = answer(folder, script + 'next leader\n', 'why leader ' + found.group(1), 'en', release, options=options)
    assert 'the session of broker %d ended' % controller in why and 'decided by: first live replica in sync' in why
    listed = answer(folder, script + 'next leader\n', 'events 1000 --all', 'en', release, options=options)
    assert listed.count('LEADER __consumer_offsets') == int(found.group(3)) + 1
    named = answer(folder, script, 'next leader %s\nnext leader students-0' % found.group(1), 'en', release, options=options)
    assert 'LEADER ' + found.group(1) in named and named.endswith('No election within a virtual day.\n')
    assert 'ISR    __consumer_offsets' in answer(folder, script, 'next isr __consumer_offsets', 'en', release, options=options)


def test_rebalances_of_a_group_are_told_with_what_began_them(folder, release, lang):
    script = (CREATE % '--partitions 3' + 'consumer start c1 --group my-group --topic students\nadvance 5s\nconsumer start c2 --group my-group --topic students\nadvance 10s\n'
              'consumer kill c1\nadvance 60s\n')
    text = answer(folder, script, 'why rebalance my-group', lang, release)
    if lang == 'en':
        assert 'my-group rebalanced 3 times' in text and re.search(r'generation 1 ends: a member joined \(c2-', text) and re.search(r'generation 2 ends: session\.timeout\.ms \(c1-', text)
        assert re.search(r'generation 3 began, with 1 member, ', text)
    else:
        assert 'rebalance был 3 раза' in text and 'началось поколение 3: 1 участник' in text
    assert 'no' in answer(folder, script, 'why rebalance nobody', 'en', release, status=1)


def test_a_move_says_how_far_it_is_and_what_holds_it_back(folder, release, lang):
    with open(os.path.join(folder, 'much'), 'w') as file:
        file.write(('x' * 90000 + '\n') * 40)
    with open(os.path.join(folder, 'plan.json'), 'w') as file:
        file.write('{"version": 1, "partitions": [{"topic": "students", "partition": 0, "replicas": [2]}]}')
    script = ('kafka-topics.sh --create --topic students --replica-assignment 1 --bootstrap-server localhost:9092\n'
              'kafka-console-producer.sh --topic students --bootstrap-server localhost:9092 < %s/much\n'
              'kafka-reassign-partitions.sh --bootstrap-server localhost:9092 --reassignment-json-file %s/plan.json --execute --throttle 1000\n'
              'advance 3s\n' % (folder, folder))
    options = ('--brokers', '3')
    text = works(folder, script, 'why move students-0', lang, release, options)
    assert ('students-0 is being moved from 1 to 2, since 00:00:00.' if lang == 'en' else 'students-0 переносится с 1 на 2, с 00:00:00.') in text
    assert re.search(r'  2 (has up to|имеет записи до) 1\d (of|из) 40\.', text)
    assert 'leader.replication.throttled.rate=1000' in text and '1048576' in text
    assert lines_to_type(text, lang)[0].endswith('--list')
    assert '`why move students-0`' in answer(folder, script, 'why students-0', lang, release, options=options)
    done = works(folder, script + 'until move students-0\n', 'why move students-0', lang, release, options)
    assert ('is not being moved; its replicas are 2.' if lang == 'en' else 'не переносится; её реплики: 2.') in done
    assert ('The last move ended at 00:00:' if lang == 'en' else 'Последний перенос завершился в 00:00:') in done


def test_a_written_batch_is_told_by_whoever_looks():
    commands = ('kafka-topics.sh --create --topic students --bootstrap-server localhost:9092; kafka-console-producer.sh --topic students '
                '--bootstrap-server localhost:9092 <<< one; %sevents 1 APPEND --all')
    assert 'students-0: offset 0 was written in leader epoch 0' in run('-c', commands % '')[1]
    assert 'students-0: записан offset 0, leader epoch 0' in run('-c', commands % 'set lang ru; ')[1]
