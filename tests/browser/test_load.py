"""Ten thousand open alerts, and a stream that does not end: frames are measured and printed, what is
shown is asserted, and so is that memory does not grow."""
import os
import threading
import time

from gridd import Gridd, report
from work import instant

ALERTS, SECONDS, RATE = 10_000, int(os.environ.get("GRIDD_STREAM_S", "9")), 50
GROWTH_MAX_BYTES, SAMPLE_S = 12 << 20, 300


def alerts(first, count, **fields):
    """Reports that each open an incident of their own: more than a kilometre apart."""
    return [report(number, category=("exposed_garbage", "streetlight", "rubble")[number % 3], occurred_at=instant(),
                   location={"lat": 20 + number % 100 * 0.2, "lon": 80 + number // 100 * 0.2}, **fields) for number in range(first, first + count)]


def test_ten_thousand_alerts_scroll(screen):
    with Gridd() as server:
        for first in range(0, ALERTS, 2000):
            assert server.post_lines(alerts(first, 2000)).json()["counts"]["created"] == 2000
        started = time.monotonic()
        screen.open(server)
        screen.until(lambda: screen.js("return document.querySelector('.wall-list .vlist').dataset.count") == str(ALERTS), "not all are listed", 60)
        print(f"{ALERTS} alerts listed after {time.monotonic() - started:.1f} s")
        screen.wait_js("setTimeout(arguments[0], 3000)")
        frames = screen.wait_js("""
            const done = arguments[0], list = document.querySelector('.wall-list .vlist'), times = [], step = list.scrollHeight / 400;
            let last = performance.now(), left = 300;
            const draw = (now) => {
                times.push(now - last);
                last = now;
                list.scrollTop += step;
                left-- > 0 ? requestAnimationFrame(draw) : done(times.slice(5));
            };
            requestAnimationFrame(draw);""")
        frames.sort()
        print(f"scrolling: {1000 * len(frames) / sum(frames):.0f} frames/s, slowest of 20: {frames[len(frames) * 19 // 20]:.0f} ms a frame")
        rows = screen.js("return document.querySelectorAll('.wall-list .vlist-row').length")
        assert rows < 60
        newest = max(int(item["id"][1:]) for item in server.get("/v1/incidents?limit=1").json()["items"])
        screen.js("document.querySelector('.wall-list .vlist').scrollTop = 0")
        screen.until(lambda: screen.js("return document.querySelector('.wall-list .vlist-row[aria-posinset=\"1\"]')?.dataset.key") == f"i{newest}", "the newest is not first")
        screen.js("const list = document.querySelector('.wall-list .vlist'); list.scrollTop = list.scrollHeight")
        screen.until(lambda: screen.js("return document.querySelector(`.wall-list .vlist-row[aria-posinset=\"${arguments[0]}\"]`)?.dataset.key", ALERTS) == "i2", "the oldest is not last")


def heap(screen):
    return screen.js("gc(); gc(); return performance.memory.usedJSHeapSize")


def test_memory_is_flat_under_a_stream(screen):
    """Reports at RATE that join incidents which are there, as most do; the wall stands open."""
    with Gridd() as server:
        base = alerts(0, 200, source="base")
        assert server.post_lines(base).json()["counts"]["created"] == 200
        stop, sent = threading.Event(), [0]

        def stream():
            tick = 0
            while not stop.is_set():
                lines = [dict(base[(tick * 10 + i) % 200], id=f"s{tick}-{i}", source="stream", occurred_at=instant(), device=f"d{tick}-{i}") for i in range(RATE // 5)]
                server.post_lines(lines)
                sent[0] += len(lines)
                tick += 1
                time.sleep(0.2)

        screen.open(server)
        thread = threading.Thread(target=stream)
        thread.start()
        try:
            time.sleep(min(SECONDS / 3, 60))
            first, nodes = heap(screen), screen.js("return document.querySelectorAll('*').length")
            end = time.monotonic() + SECONDS
            while (left := end - time.monotonic()) > 0:
                time.sleep(min(left, SAMPLE_S))
                print(f"{sent[0]} sent: heap {heap(screen) >> 10} KiB, browser {screen.resident_mib()} MiB", flush=True)
        finally:
            stop.set()
            thread.join()
        screen.until(lambda: screen.counters()["seq"] >= server.get("/v1/status").json()["seq"], "the screen is behind")
        grown, more = heap(screen) - first, screen.js("return document.querySelectorAll('*').length") - nodes
        counters = screen.counters()
        print(f"{sent[0]} reports sent, {counters['events']} events: heap {first >> 10} KiB, grown by {grown >> 10} KiB, {more} more elements")
        assert counters["gaps"] == 0 and counters["doubled"] == 0 and counters["events"] >= sent[0]
        assert grown < GROWTH_MAX_BYTES and abs(more) < 200
        counted = screen.js("""return [...document.querySelectorAll('.alert-row:not([hidden])')].map((row) => [row.dataset.key, Number(row.textContent.match(/reported ([\\d,]+)×/)[1].replace(',', ''))])""")
        for key, count in counted[:5]:
            assert count == server.get(f"/v1/incidents/{key}?limit=1").json()["reports_count"]
