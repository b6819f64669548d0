"""What quick.py calls a change."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import quick  # noqa: E402


def test_only_what_is_beyond_the_percent_is_named():
    stored = {"same": 1000, "just": 1000, "slower": 1000, "faster": 1000, "gone": 5}
    now = {"same": 1000, "just": 1050, "slower": 1051, "faster": 940, "new": 7}
    found = {name: change for name, _, _, change in quick.moved(now, stored, 5)}
    assert set(found) == {"slower", "faster", "gone", "new"}
    assert round(found["slower"], 1) == 5.1 and round(found["faster"], 1) == -6.0 and found["gone"] is None


def test_the_start_is_taken_away():
    assert quick.by_difference(lambda count: 1_000_000 + 300 * count, 10, 110) == 300


def test_all_threads_are_in_the_sum(tmp_path):
    (tmp_path / "out").write_text("events: Ir\nfn=(1)\n1 2\nsummary: 123456\n\ntotals: 123456\n")
    assert quick.instructions(tmp_path / "out") == 123456
