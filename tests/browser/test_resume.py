"""The server is cut while reports come in: the screen says so, catches up, and has each alert once."""
import re
import shutil
import threading
import time

from gridd import REGIONS, Gridd, report
from work import instant

CUTS, EACH = 2, 60


def post_some(server, first, count, acknowledged):
    """Single reports, far from each other; keeps what was acknowledged."""
    for number in range(first, first + count):
        try:
            answer = server.post(report(number, category="exposed_garbage", occurred_at=instant(), location={"lat": 30 + number / 50, "lon": 110}))
        except OSError:
            return
        if answer.status == 201:
            acknowledged.append(answer.json()["incident"])


def test_no_alert_is_missing_or_doubled_after_kills(screen):
    with Gridd() as server:
        acknowledged = []
        screen.open(server)
        for cut in range(CUTS):
            poster = threading.Thread(target=post_some, args=(server, cut * 1000, EACH, acknowledged))
            poster.start()
            time.sleep(0.4)
            server.kill()
            poster.join()
            screen.until(lambda: screen.state() == "offline", "the screen does not say that it is offline")
            assert "offline since" in screen.text(".feed-state")
            server.start()
            post_some(server, cut * 1000 + 500, EACH, acknowledged)
            screen.until(lambda: screen.state() == "live" and screen.counters()["seq"] >= server.get("/v1/status").json()["seq"], "it does not catch up", 30)
        open_now = {item["id"] for item in server.get("/v1/incidents?state=open&limit=1000").json()["items"]}
        assert set(acknowledged) <= open_now and len(acknowledged) >= CUTS * EACH
        screen.until(lambda: screen.js("return Number(document.querySelector('.wall-list .vlist').dataset.count)") == len(open_now), "the count differs")
        keys = screen.alert_keys()
        assert len(keys) == len(set(keys)) and set(keys) == open_now
        assert keys == sorted(keys, key=lambda key: -int(key[1:]))
        counters = screen.counters()
        print(f"{counters['cuts']} cuts, {counters['events']} events, {counters['gaps']} gaps, {counters['doubled']} doubled, {len(keys)} alerts")
        assert counters["gaps"] == 0 and counters["doubled"] == 0 and counters["cuts"] >= CUTS


def test_it_says_how_many_events_are_to_come(screen):
    """What happened while the screen could not reach the server is counted down. The server is meanwhile at another
    port: the feed's worker is none of the page's connections, which alone the driver can cut."""
    with Gridd() as server:
        screen.open(server)
        screen.js("""window.states = [];
            new MutationObserver(() => window.states.push(document.querySelector('.feed-state').textContent))
                .observe(document.querySelector('.feed-state'), {childList: true, characterData: true, subtree: true});""")
        home = server.port
        server.kill()
        screen.until(lambda: screen.state() == "offline", "it does not notice")
        server.port = 0
        server.start()
        lines = [report(i, category="exposed_garbage", occurred_at=instant(), location={"lat": 30 + i / 50, "lon": 110}) for i in range(100)]
        assert server.post_lines(lines).json()["counts"]["created"] == 100
        server.kill()
        server.port = home
        server.start()
        screen.until(lambda: screen.state() == "live", "it does not come back")
        screen.until(lambda: screen.js("return document.querySelector('.wall-list .vlist').dataset.count") == "100", "alerts are missing")
        states = screen.js("return window.states")
        assert any(re.fullmatch(r"offline since \d\d:\d\d, 300 events to catch up", text) for text in states), states


def test_another_store_is_read_anew(screen):
    """After a restore the numbers begin elsewhere: the server says so, and the lists are read again."""
    with Gridd() as server:
        post_some(server, 0, 5, [])
        screen.open(server)
        screen.until(lambda: screen.js("return document.querySelector('.wall-list .vlist').dataset.count") == "5", "alerts are missing")
        server.kill()
        shutil.rmtree(server.data)
        server.start()
        assert server.put_regions(REGIONS).status == 200
        acknowledged = []
        post_some(server, 100, 3, acknowledged)
        screen.until(lambda: screen.state() == "live" and screen.js("return document.querySelector('.wall-list .vlist').dataset.count") == "3", "the old alerts stay")
        assert set(screen.alert_keys()) == set(acknowledged)
        post_some(server, 200, 1, acknowledged)
        screen.until(lambda: set(screen.alert_keys()) == set(acknowledged), "it is not live again")
