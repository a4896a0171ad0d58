"""The kept histories of tests/golden/histories, played on ours: the same as the real broker did, as it is written there."""
import glob
import json
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compare import compare
from player import play
from targets import ROOT, Ours

KEPT = sorted(glob.glob(os.path.join(ROOT, 'tests', 'golden', 'histories', '*.json')))


def sessions():
    """Those that began at the same moment and go the same way are played side by side, as they once were."""
    out = {}
    for path in KEPT:
        with open(path) as f:
            kept = json.load(f)
        thens = '-'.join(r['then'] for r in kept['history']['rounds'])
        out.setdefault((kept['release'], kept['start_ms'], thens), []).append(kept)
    return sorted(out.items())


@pytest.mark.parametrize('session', [pytest.param(s, id='%s, %d: %s' % (s[0][0], len(s[1]), ' '.join(k['history']['name'] for k in s[1]))) for s in sessions()])
def test_a_kept_history_goes_as_on_the_real_broker(session, folder):
    (release, start_ms, _), kept = session
    ours = Ours(release, os.path.join(folder, 'ours'), start_ms)
    try:
        played = play(ours, [k['history'] for k in kept], start_ms)
    finally:
        ours.close()
    different = {k['history']['name']: compare(k['history'], k['real'], played[k['history']['name']]) for k in kept}
    assert not any(different.values()), '\n'.join('%s: %s' % (name, line) for name, lines in different.items() for line in lines[:10])


def test_a_difference_is_seen():
    with open(KEPT[0]) as f:
        kept = json.load(f)
    other = json.loads(json.dumps(kept['real']))
    other['rounds'][0]['seen']['latest'][1] += 1
    del other['rounds'][0]['seen']['files']['leader-epoch-checkpoint']
    assert len(compare(kept['history'], kept['real'], other)) == 2
