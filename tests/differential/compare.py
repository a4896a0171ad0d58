"""Where two plays of one history differ."""
import re


def told_apart(history, play):
    """What of a play is to be compared: without moments in messages, and, where the broker itself compressed, without what each library makes of it."""
    if isinstance(play, str):
        return re.sub(r'-?\d{13,}', 'T', play)
    if isinstance(play, list):
        return [told_apart(history, item) for item in play]
    if not isinstance(play, dict):
        return play
    out = {key: told_apart(history, item) for key, item in play.items()}
    # the cleaner compresses what is left of a batch anew, as an append does where compression.type is not the batch's; and the distance from a delete
    # horizon, which is the moment of cleaning, takes more or fewer bytes
    if history['kind'] == 'recompressed' or history['kind'].startswith('compacted'):
        if 'attributes' in out and out['attributes'] & (7 | 64):
            out.update(size='its own', crc='its own')
        for name, file in out.items():
            if name.endswith('.log') and any(batch['size'] == 'its own' for batch in file['batches']):
                file['size'] = 'its own'
                for index in (name[:-3] + 'index', name[:-3] + 'timeindex'):     # where batches lie
                    if index in out:
                        out[index] = 'there'
    return out


def compare(history, real, ours):
    return differences(told_apart(history, real), told_apart(history, ours))


def differences(real, ours, path=''):
    """Lines "where: real's, ours"; the deepest place each."""
    if isinstance(real, dict) and isinstance(ours, dict):
        out = []
        for key in list(real) + [k for k in ours if k not in real]:
            if key not in real or key not in ours:
                out.append('%s/%s: %s' % (path, key, 'only ours has it' if key in ours else 'only the real one has it'))
            else:
                out += differences(real[key], ours[key], '%s/%s' % (path, key))
        return out
    if isinstance(real, list) and isinstance(ours, list):
        out = []
        if len(real) != len(ours):
            out.append('%s: %d, ours %d: %s, ours %s' % (path, len(real), len(ours), short(real), short(ours)))
        for i, (a, b) in enumerate(zip(real, ours)):
            out += differences(a, b, '%s/%d' % (path, i))
        return out
    return [] if real == ours else ['%s: %s, ours %s' % (path, short(real), short(ours))]


def short(value):
    text = repr(value)
    return text if len(text) < 160 else text[:160] + '…'
