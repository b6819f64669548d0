"""What side_by_side.py makes of figures: medians, ratios, and who is compared with whom."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import side_by_side  # noqa: E402


def part(name, *rates):
    run = lambda rate: {"reports_per_s": rate, "server_cpu_s_per_million": 2.0, "latency_ms": {"p50": 1.0, "p99": 2.0}}
    return {"name": name, "runs": [run(rate) for rate in rates], "failed": None if rates else "it did not start"}


def test_ratios_are_of_medians_and_the_best_of_those_that_promise_the_same():
    table = {"title": "t", "kind": "intake", "parts": [
        part("gridd", 100, 500, 300), part("redis-always redis-pipeline", 50), part("postgres postgres", 60, 60, 90),
        part("redis-everysec redis-pipeline", 299), part("nats nats")]}
    lines = "\n".join(side_by_side.intake_table(table))
    assert "| gridd | 300 | 1.00x |" in lines
    assert "| postgres postgres | 60 | 5.00x |" in lines
    assert "| nats nats | failed | - | - | - | it did not start |" in lines
    assert "the best that promises the same: **5.0x**" in lines  # not everysec, which promises less


def test_everybody_comes_once_a_round_and_who_failed_does_not_come_again():
    order = []

    def fail():
        order.append("b")
        raise OSError("gone")

    parts = side_by_side.rounds(2, [("a", lambda: order.append("a") or {"x": {"y": len(order)}}), ("b", fail)])
    assert order == ["a", "b", "a"]
    assert parts[1] == {"name": "b", "runs": [], "failed": "gone"}
    assert side_by_side.median(parts[0], "x", "y") == 2.0
