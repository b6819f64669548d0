"""What was acknowledged survives kill -9: small runs and blocks, so that sealing is hit too."""
from gridd import Gridd, run
from ledger import kill_rounds

ROUNDS = 30
SMALL = [w for limit in ("run_entries=2000", "block_entries=256", "identities=8192") for w in ("--limit", limit)]


def test_nothing_acknowledged_is_lost_or_doubled_by_kill_9():
    with Gridd(*SMALL) as server:
        acknowledged, stored = kill_rounds(server, ROUNDS)
        assert stored >= acknowledged > 1000
        assert server.kill() is not None
        verified = run("verify", "--data", server.data)
        assert verified.returncode == 0, verified.stderr
