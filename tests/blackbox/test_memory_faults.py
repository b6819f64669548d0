"""The n-th allocation fails, once: a clean answer or a clean end, and nothing acknowledged is lost.

"o": the n-th that gridd's own code asks for, n = 1 until nothing fails any more; "a": the n-th of the process, libraries too.
GRIDD_FAULTS=all takes every own one and 2,000 of the others; otherwise so many of each, spread evenly (a number)."""
import os

import pytest

from faults import LIBRARIES, Runs, is_plain

LIBRARY = LIBRARIES / "libfail_memory_nth.so"
KINDS = "oa"
COUNT = os.environ.get("GRIDD_FAULTS", "10")
MANY = 2000
pytestmark = [pytest.mark.skipif(not LIBRARY.exists(), reason=f"SKIPPED: {LIBRARY} is not built"),
              pytest.mark.skipif(not is_plain(), reason="SKIPPED: a sanitizer allocates for itself: GRIDD_PLAIN names a gridd without")]


@pytest.fixture(scope="module")
def runs():
    made = Runs(range(16))
    yield made
    made.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fresh", [False, True], ids=["recovered", "fresh"])
def test_one_failed_allocation_loses_nothing_acknowledged(runs, kind, fresh):
    counts = runs.one(LIBRARY, kind, 0, fresh=fresh)[1]
    total, fired, ended = counts[KINDS.index(kind)], 0, {}
    assert total > 50, counts
    count = int(COUNT) if COUNT != "all" else total if kind == "o" else MANY
    nths = sorted({1 + total * n // count for n in range(count)})
    for nth in nths:
        done, _, _, code = runs.one(LIBRARY, kind, nth, fresh=fresh)
        fired += done
        ended[code] = ended.get(code, 0) + done
    print(f"{kind} fresh={fresh}: {total} allocations, {fired} failures, codes {ended}")
    assert fired * 2 > len(nths), f"only {fired} of {len(nths)} failures happened"
