"""The n-th write, sync, change of names or read below the data directory fails, n = 1 until nothing fails any more.

After each: the process ended or refused with 503, a start on the healthy disk has all that was acknowledged, nothing half
applied, and goes on. GRIDD_FAULTS=all takes every n, otherwise so many spread evenly (a number)."""
import errno
import os

import pytest

from faults import LIBRARIES, Runs

LIBRARY = LIBRARIES / "libfail_disk_nth.so"
KINDS = "wsnr"
COUNT = os.environ.get("GRIDD_FAULTS", "4")
pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason=f"SKIPPED: {LIBRARY} is not built")


@pytest.fixture(scope="module")
def runs():
    made = Runs(range(16))
    yield made
    made.close()


def every_nth(runs, kind, error, fresh):
    counts = runs.one(LIBRARY, kind, 0, fresh=fresh)[1]
    total, fired, ended = counts[KINDS.index(kind)], 0, {}
    assert total > 0, counts
    nths = range(1, total + 1) if COUNT == "all" else sorted({1 + total * n // int(COUNT) for n in range(int(COUNT))})
    for nth in nths:
        done, _, name, code = runs.one(LIBRARY, kind, nth, error, fresh=fresh)
        fired += done
        ended[code] = ended.get(code, 0) + done
        if COUNT == "all" and not done and nth > total // 2:
            break  # threads share the work differently each time: the count is not quite the same
    print(f"{kind} {errno.errorcode[error]} fresh={fresh}: {total} calls, {fired} failures, codes {ended}")
    assert fired * 2 > len(nths), f"only {fired} of {len(nths)} failures happened"


@pytest.mark.parametrize("fresh", [False, True], ids=["recovered", "fresh"])
@pytest.mark.parametrize("kind, error", [("w", errno.EIO), ("w", errno.ENOSPC), ("s", errno.EIO), ("n", errno.ENOSPC),
                                         ("r", errno.EIO)])
def test_one_failure_of_the_disk_loses_nothing_acknowledged(runs, kind, error, fresh):
    every_nth(runs, kind, error, fresh)
