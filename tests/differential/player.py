"""Plays histories, all of a session side by side, and writes down what was answered and what lay in the files."""
import os
import struct
import time

import batches
from history import content
from protocol import until

SETTINGS_OF_OLD = {'timestamps.before': 'message.timestamp.difference.max.ms', 'timestamps.after': None}
SETTINGS_OF_NEW = {'timestamps.before': 'message.timestamp.before.max.ms', 'timestamps.after': 'message.timestamp.after.max.ms',
                   'segment.bytes': 'internal.segment.bytes'}


def settings(config, old):
    names = SETTINGS_OF_OLD if old else SETTINGS_OF_NEW
    return {names.get(name, name): value for name, value in config.items() if names.get(name, name)}


def records_of(step, start_ms):
    return [(-1 if t is None else start_ms + t, content(k), content(v), [(name.encode(), content(value)) for name, value in headers])
            for t, k, v, headers in step['records']]


def bytes_of(step, start_ms):
    records, wrong = records_of(step, start_ms), dict(step.get('wrong', {}))
    how = {'codec': step.get('codec', 'none'), 'producer': tuple(step.get('producer', (-1, -1, -1)))}
    cut, twice = wrong.pop('cut', 0), wrong.pop('twice', False)
    if wrong.pop('records', 1) == 0:
        records = []
    if 'trailing' in wrong:
        wrong['trailing'] = bytes.fromhex(wrong['trailing'])
    if 'deltas' in wrong:
        many = range(len(records))
        wrong['deltas'] = {'zero': [0 for _ in many], 'backwards': [-i for i in many], 'gap': [2 * i for i in many]}[wrong['deltas']]
    if 'max_timestamp' in wrong and wrong['max_timestamp'] != -1:
        wrong['max_timestamp'] += start_ms
    if step.get('transactional'):
        wrong['attributes'] = wrong.get('attributes', 0) | batches.TRANSACTIONAL
    if 'producer' in wrong:
        how['producer'] = tuple(wrong.pop('producer'))
    made = batches.batch(records, **how, **wrong)
    return (made + made if twice else made)[:len(made) - cut or None]


def play_step(target, topic, step, start_ms):
    connection = target.connection
    time.sleep(0.002)              # what brokers stamp must not be of one millisecond here and of two there
    try:
        if step['do'] == 'produce':
            return connection.produce(topic, bytes_of(step, start_ms), step.get('acks', -1), 't' if step.get('transactional') else None)
        if step['do'] == 'delete_records':
            return connection.delete_records(topic, step['offset'])
        return connection.write_marker(topic, step['producer'], step['commit'], step['coordinator_epoch'], flexible=not target.old)
    except ConnectionError:
        connection.close()
        return {'error': 'closed'}


def read_all(target, topic, committed):
    offset = target.connection.list_offset(topic, -2)[1]
    out, aborted = [], []
    while True:
        got = target.connection.fetch(topic, offset, committed)
        found = [b for b in batches.batches(got['records']) if b.last_offset >= offset]
        aborted += [a for a in got['aborted'] if a not in aborted]
        if got['error'] or not found:
            return {'error': got['error'], 'batches': out, 'aborted': sorted(aborted), 'high_watermark': got['high_watermark'],
                    'last_stable_offset': got['last_stable_offset'], 'log_start_offset': got['log_start_offset']}
        out += found
        offset = found[-1].last_offset + 1


def show_value(value):
    return None if value is None else value.decode() if len(value) < 40 and value.isascii() else 'crc %08x of %d' % (batches.crc32c(value), len(value))


def show_batch(batch, start_ms, with_records):
    stamped = bool(batch.attributes & batches.LOG_APPEND_TIME)
    control = bool(batch.attributes & batches.CONTROL)

    def moment(t):
        return t if t == -1 else 'now' if stamped or control else t - start_ms
    shown = {'offsets': [batch.base_offset, batch.last_offset], 'epoch': batch.leader_epoch, 'attributes': batch.attributes, 'count': batch.count,
             'size': batch.size, 'crc': 'now' if stamped or control else batch.crc, 'timestamps': [
                 batch.base_timestamp - start_ms if stamped and batch.base_timestamp >= 0 else moment(batch.base_timestamp), moment(batch.max_timestamp)],
             'producer': [batch.producer_id, batch.producer_epoch, batch.base_sequence]}
    if batch.attributes & batches.DELETE_HORIZON:
        shown['timestamps'][0], shown['crc'] = 'horizon', 'now'
    if with_records:
        shown['records'] = [[offset, moment(t), show_value(k), show_value(v), [[n.decode(), show_value(c)] for n, c in headers]]
                            for offset, t, k, v, headers in batch.records()]
    return shown


def show_files(folder, start_ms):
    shown = {}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        kind = name.rsplit('.', 1)[-1]
        if kind == 'deleted' or name == 'partition.metadata':
            continue
        size = os.path.getsize(path)
        with open(path, 'rb') as f:
            data = f.read(65536 if kind.endswith('index') else -1)    # an active one is mostly room
        if kind == 'log':
            found = batches.batches(data)
            shown[name] = {'size': len(data), 'batches': [show_batch(b, start_ms, False) for b in found]}
            rest = data[sum(b.size for b in found):]
            if rest.strip(b'\0'):
                shown[name]['rest'] = rest.hex()
        elif kind == 'index':
            entries = [struct.unpack_from('>ii', data, at) for at in range(0, len(data) - 7, 8)]
            shown[name] = {'size': size, 'entries': [list(e) for e in entries if e != (0, 0)]}
        elif kind == 'timeindex':
            entries = [struct.unpack_from('>qi', data, at) for at in range(0, len(data) - 11, 12)]
            shown[name] = {'size': size, 'entries': [[near(t, start_ms), o] for t, o in entries if (t, o) != (0, 0)]}
        elif kind == 'txnindex':
            shown[name] = [list(struct.unpack_from('>hqqqq', data, at)) for at in range(0, len(data), 34)]
        elif kind == 'snapshot':
            producers = [list(struct.unpack_from('>qhiqiqiq', data, at)) for at in range(10, len(data), 46)]
            for p in producers:
                p[5] = near(p[5], start_ms)
            shown[name] = sorted(producers)
        elif name == 'leader-epoch-checkpoint':
            shown[name] = data.decode().split('\n')
        else:
            shown[name] = len(data)
    return shown


def near(t, start_ms):
    """Times of the session itself differ from play to play: what a broker stamped. Those of the records lie at least a second before its start."""
    return t if t == -1 else 'now' if start_ms <= t < start_ms + 1200000 else t - start_ms


def observe(target, topic, start_ms, times):
    c = target.connection
    plain, committed = read_all(target, topic, 0), read_all(target, topic, 1)
    seen = {'earliest': c.list_offset(topic, -2), 'latest': c.list_offset(topic, -1), 'stable': c.list_offset(topic, -1, 1)}
    seen['at'] = {str(t): [e, o, near(f, start_ms)] for t in times for e, o, f in [c.list_offset(topic, start_ms + t)]}
    if not target.old:
        seen['max_timestamp'] = [near(v, start_ms) if i == 2 else v for i, v in enumerate(c.list_max_timestamp(topic))]
    seen['read'] = dict(plain, batches=[show_batch(b, start_ms, True) for b in plain['batches']])
    seen['committed'] = dict(committed, batches=[[b.base_offset, b.last_offset] for b in committed['batches']])
    seen['files'] = show_files(os.path.join(target.logs, topic + '-0'), start_ms)
    return seen


def times_to_ask(history):
    """Around what its records carry; none that a broker could have stamped."""
    stamps = sorted({t for r in history['rounds'] for s in r['steps'] if s['do'] == 'produce' for t, _, _, _ in s['records'] if t is not None})
    return sorted({t + d for t in stamps[::max(1, len(stamps) // 4)] for d in (0, 1)} | {-10 ** 9})


def play(target, histories, start_ms, told=lambda text: None, swap=None):
    """`swap`: what a round that ends with "swap" does while the target is stopped. Gives {name: {"rounds": [{"steps": [answers], "config": …, "seen": …, "seen_again": after the restart}]}}."""
    out = {h['name']: {'rounds': []} for h in histories}
    target.start()
    for h in histories:
        config = settings(h['config'], target.old)
        # Once a real broker that had just come up answered INVALID_CONFIG, with the same settings that it takes else; if it stays so this gives up.
        made = until(lambda: [e for e in [target.create(h['name'], config)] if e not in ((38, 40) if target.real else (38,))], 'a broker to put topics on')
        assert made == [0], '%s: %s was not made: %s' % (target.release, h['name'], made)
    names = [h['name'] for h in histories]
    until(lambda: target.connection.leads(names), 'leaders')
    for name in names:
        until(lambda: target.connection.list_offset(name, -1)[0] == 0, 'leader of ' + name)
    ask = {h['name']: times_to_ask(h) for h in histories}
    for number, then in enumerate(r['then'] for r in histories[0]['rounds']):
        told('%s: round %d' % (target.release, number))
        rounds = {h['name']: h['rounds'][number] for h in histories}
        answered = {name: {} for name in names}
        change = {name: settings(r['config'], target.old) for name, r in rounds.items()}
        answers = target.configure({name: config for name, config in change.items() if config}) if any(change.values()) else {}
        for name, r in rounds.items():
            answered[name]['config'] = answers.get(name, (0, None))[0]
            answered[name]['steps'] = [play_step(target, name, step, start_ms) for step in r['steps']]
            out[name]['rounds'].append(answered[name])
        settle = {name: settings(r['settle'], target.old) for name, r in rounds.items() if r['settle']}
        if settle:
            target.configure(settle)
        target.settle()
        for name in names:
            answered[name]['seen'] = observe(target, name, start_ms, ask[name])
        if settle:
            base = {name: next(h['config'] for h in histories if h['name'] == name) for name in settle}
            target.configure({name: {k: base[name].get(k) for k in config} for name, config in settle.items()})
        if then == 'on':
            continue
        if target.real:
            time.sleep(2)          # the checkpoints' ticks: a real broker says nothing of them
        target.kill() if then == 'kill' else target.stop()
        if then != 'kill':
            for name in names:
                answered[name]['closed'] = show_files(os.path.join(target.logs, name + '-0'), start_ms)
        if then == 'swap':
            swap()
        target.start()
        until(lambda: target.connection.leads(names), 'leaders again')
        for name in names:
            until(lambda: target.connection.list_offset(name, -1)[0] == 0, 'leader of %s again' % name)
            answered[name]['seen_again'] = observe(target, name, start_ms, ask[name])
        if then == 'swap':
            for name in names:
                target.ends[name] = answered[name]['seen_again']['latest'][1]
                answered[name]['complaints'] = target.complaints(name)
    return out
