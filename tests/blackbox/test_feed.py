"""GET /v1/feed and POST /v1/feed/ticket, as api.md says, read by a client that follows the standard."""
import socket
import threading
import time

import pytest

from gridd import Gridd, report
from sse import Feed


def epoch_of(server):
    with Feed(server.port) as feed:
        feed.until(lambda f: f.last_id)
        return feed.last_id.rsplit("-", 1)[0]


def post_many(server, first, count, **fields):
    answer = server.post_lines([report(n, **fields) for n in range(first, first + count)])
    assert answer.json()["counts"]["created"] == count, answer.body
    return answer.json()["first_seq"], answer.json()["last_seq"]


def test_a_new_reader_gets_what_comes_after_it(server):
    server.post(report("before"))
    with Feed(server.port) as feed:
        assert feed.status == 200 and feed.headers["content-type"].startswith("text/event-stream")
        feed.until(lambda f: f.retry is not None)
        assert feed.first_line == "retry: 3000" and feed.retry == 3000
        seq = server.post(report("after", severity="severe")).json()["seq"]
        event = feed.until(lambda f: f.events).events[0]
        assert event.kind == "report" and event.seq == seq
        data = event.json()
        assert data["kind"] == "report" and data["seq"] == seq and data["grid"] == "g1"
        assert data["path"] == ["c", "c1", "g1"] and data["severity"] == "severe"
        assert data["category"] == "patrol" and data["ticket"] is None
        assert "light" in data and "title" in data


def test_a_reader_knows_where_it_is_before_its_first_event(server):
    with Feed(server.port) as feed:
        position = feed.until(lambda f: f.last_id).last_id
    first, last = post_many(server, 1000, 5)
    with Feed(server.port, last_id=position) as feed:
        feed.until(lambda f: len(f.named()) == 5)
        assert feed.seqs() == list(range(first, last + 1))


def test_resuming_after_each_event_gives_exactly_the_rest(server):
    with Feed(server.port) as start:
        start.until(lambda f: f.last_id)
        first, last = post_many(server, 2000, 20)
        start.until(lambda f: len(f.named()) == 20)
    for event in start.named():
        rest = list(range(event.seq + 1, last + 1))
        with Feed(server.port, last_id=event.id) as by_header, Feed(server.port, f"?since={event.id}") as by_query:
            for feed in (by_header, by_query):
                feed.until(lambda f: len(f.named()) == len(rest))
                assert feed.seqs() == rest
                assert not [e for e in feed.events if e.kind == "reset"]


def test_the_header_wins_over_the_query(server):
    epoch = epoch_of(server)
    first, last = post_many(server, 3000, 10)
    with Feed(server.port, f"?since={epoch}-{first}", last_id=f"{epoch}-{last - 1}") as feed:
        feed.until(lambda f: f.named())
        assert feed.seqs() == [last]


@pytest.mark.parametrize("position", ["x", "1", "-1", "abc-", "abc-x", "abc-01", "abc--1", "abc-1-2",
                                      "abc-18446744073709551616", "a b-1"])
def test_malformed_positions_are_refused(server, position):
    query = "?since=" + position.replace(" ", "%20")
    for feed in (Feed(server.port, query), Feed(server.port, last_id=position)):
        with feed:
            assert feed.status == 400
            assert feed.headers["content-type"].startswith("application/problem+json")


def test_unknown_filters_and_parameters_are_refused(server):
    for query, status in (("?region=nowhere", 404), ("?kinds=nonsense", 400), ("?kinds=", 400), ("?kinds=report,", 400),
                          ("?severity=bad", 400), ("?severity=", 400), ("?since=", 400), ("?what=1", 400),
                          ("?kinds=report&kinds=report", 400)):
        with Feed(server.port, query) as feed:
            assert feed.status == status, query
    with Feed(server.port, headers={"Accept": "application/json"}) as feed:
        assert feed.status == 406
    answer = server.request("DELETE", "/v1/feed")
    assert answer.status == 405 and "GET" in answer.headers["Allow"]


def test_head_has_the_headers_and_no_stream(server):
    answer = server.request("HEAD", "/v1/feed")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.body == b""


def test_filters_take_what_they_name_live_and_from_the_journal(server):
    epoch = epoch_of(server)
    start = server.get("/v1/status").json()["seq"]
    queries = {"?region=c1": [], "?region=g10": [], "?severity=extreme,minor": [], "?region=c10&severity=minor": [],
               "?kinds=report": [], "?kinds=ticket.*": [], "?region=c": []}
    live = {query: Feed(server.port, query) for query in queries}
    for feed in live.values():
        feed.until(lambda f: f.last_id)
    for number in range(60):
        grid = ("g1", "g2", "g10")[number % 3]
        severity = ("extreme", "severe", "moderate", "minor")[number % 4]
        seq = server.post(report(4000 + number, grid=grid, severity=severity)).json()["seq"]
        town = "c10" if grid == "g10" else "c1"
        queries["?region=c1"] += [seq] if town == "c1" else []
        queries["?region=g10"] += [seq] if grid == "g10" else []
        queries["?severity=extreme,minor"] += [seq] if severity in ("extreme", "minor") else []
        queries["?region=c10&severity=minor"] += [seq] if (town, severity) == ("c10", "minor") else []
        queries["?kinds=report"].append(seq)
        queries["?region=c"].append(seq)
    for query, wanted in queries.items():
        with live[query] as feed:
            feed.until(lambda f: len(f.named()) >= len(wanted))
            assert feed.seqs() == wanted, query
        with Feed(server.port, f"{query}&since={epoch}-{start}") as feed:
            feed.until(lambda f: len(f.named()) >= len(wanted))
            assert feed.seqs() == wanted, query


def test_ids_of_another_epoch_or_ahead_get_a_reset_and_then_everything():
    with Gridd() as server:
        epoch = epoch_of(server)
        with Feed(server.port, last_id=f"{epoch}-1") as feed:  # nothing is stored yet
            reset = feed.until(lambda f: f.events).events[0]
            assert reset.kind == "reset" and reset.json()["reason"] == "ahead"
            seq = server.post(report("first")).json()["seq"]
            assert feed.until(lambda f: len(f.named()) == 2).named()[1].seq == seq
        first, last = post_many(server, 1, 30)
        other = ("0" if epoch[0] != "0" else "1") + epoch[1:]
        for position, reason in ((f"{epoch}-{last + 1}", "ahead"), (f"{epoch}-18446744073709551615", "ahead"),
                                 (f"{other}-5", "other_epoch"), ("deadbeef-0", "other_epoch")):
            with Feed(server.port, last_id=position) as feed:
                feed.until(lambda f: len(f.named()) == 32)
                reset, *rest = feed.named()
                assert reset.kind == "reset" and reset.json()["reason"] == reason
                assert reset.json()["oldest"] == f"{epoch}-1" and reset.json()["newest"] == f"{epoch}-{last}"
                assert [event.seq for event in rest] == list(range(1, last + 1))
            with Feed(server.port, last_id=reset.id) as feed:  # a client that was cut right after the reset
                feed.until(lambda f: len(f.named()) == 31)
                assert feed.seqs() == list(range(1, last + 1))
        with Feed(server.port, last_id=f"{epoch}-{last}") as feed:  # exactly the newest is no reset
            seq = server.post(report("next")).json()["seq"]
            assert feed.until(lambda f: f.named()).seqs() == [seq]


def test_a_reader_resumes_over_kills_without_gap_or_repeat():
    with Gridd() as server:
        feed, seen, last = Feed(server.port), [], 0
        feed.until(lambda f: f.last_id)
        for life in range(3):
            _, last = post_many(server, life * 700, 700)
            feed.until(lambda f: (f.newest() or 0) >= last - 300)
            server.restart()
            position = feed.last_id
            seen += feed.seqs()
            feed.socket.close()
            _, last = post_many(server, 10000 + life * 700, 700)
            feed = Feed(server.port, last_id=position)
        feed.until(lambda f: f.newest() == last)
        seen += feed.seqs()
        feed.socket.close()
        assert seen == list(range(1, last + 1))


def test_a_slow_reader_loses_nothing_and_costs_little():
    flags = ("--limit", "ring_bytes=65536", "--limit", "feed_buffer_bytes=4096")
    with Gridd(*flags) as server:
        text = "很慢的读者" * 100
        with Feed(server.port, receive_bytes=4096) as slow, Feed(server.port, "?severity=minor",
                                                                 receive_bytes=4096) as filtered:
            slow.until(lambda f: f.last_id)
            filtered.until(lambda f: f.last_id)
            total = 0
            for turn in range(8):
                lines = [report(turn * 1000 + n, text=text, severity="minor" if n % 5 == 0 else "severe")
                         for n in range(1000)]
                assert server.post_lines(lines).json()["counts"]["created"] == 1000
                total += 1000
            slow.until(lambda f: len(f.named()) == total, 60)
            assert slow.seqs() == list(range(1, total + 1))
            filtered.until(lambda f: len(f.named()) == total // 5, 60)
            assert filtered.seqs() == list(range(1, total + 1, 5))


def test_a_reader_that_takes_nothing_is_cut_and_the_others_go_on():
    # Long enough that a reader which only waits for the processor is not taken for one that takes nothing.
    flags = ("--limit", "feed_stall_ms=12000", "--limit", "feed_buffer_bytes=65536")
    with Gridd(*flags) as server:
        total = 24000  # more than the sockets' own buffers hold
        with Feed(server.port, receive_bytes=4096) as stuck, Feed(server.port) as good:
            good.until(lambda f: f.last_id)
            taker = threading.Thread(target=lambda: good.until(lambda f: f.newest() == total, 180))
            taker.start()
            for first in range(0, total, 4000):
                post_many(server, first, 4000)
            taker.join()
            assert good.seqs() == list(range(1, total + 1))
            deadline = time.monotonic() + 60
            while server.get("/v1/status").json()["feed_readers"] != 1:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            while stuck.pump(5):
                pass
            assert stuck.ended
            seqs = stuck.seqs()
            assert seqs == list(range(1, len(seqs) + 1)) and len(seqs) < total
        with Feed(server.port, last_id=stuck.last_id) as again:
            again.until(lambda f: f.newest() == total, 60)
            assert seqs + again.seqs() == list(range(1, total + 1))


def test_silence_is_filled_with_heartbeats_and_filtered_ids_move_on():
    with Gridd("--limit", "feed_heartbeat_ms=200") as server:
        with Feed(server.port) as quiet, Feed(server.port, "?severity=extreme") as filtered:
            quiet.until(lambda f: len(f.comments) >= 3)
            assert not quiet.events
            filtered.until(lambda f: f.last_id)
            seq = server.post(report("not extreme", severity="minor")).json()["seq"]
            filtered.until(lambda f: f.last_id.endswith(f"-{seq}"))
            assert not filtered.named() and all(event.data == "" for event in filtered.events)
            before = len(filtered.events)
            filtered.until(lambda f: len(f.comments) >= 3)
            assert len(filtered.events) == before  # the id is told once, not with each heartbeat
            position = filtered.last_id
        with Feed(server.port, "?severity=extreme", last_id=position) as again:
            seq = server.post(report("extreme", severity="extreme")).json()["seq"]
            assert again.until(lambda f: f.named()).seqs() == [seq]


def test_readers_past_the_limit_are_refused_and_room_comes_back():
    with Gridd("--limit", "feed_readers=2") as server:
        one, two = Feed(server.port), Feed(server.port)
        one.until(lambda f: f.last_id)
        two.until(lambda f: f.last_id)
        with Feed(server.port) as three:
            assert three.status == 503 and int(three.headers["retry-after"]) >= 0
        one.socket.close()
        deadline = time.monotonic() + 30
        while True:
            with Feed(server.port) as again:
                if again.status == 200:
                    break
            assert time.monotonic() < deadline
            time.sleep(0.02)
        two.socket.close()


def test_a_stream_ends_at_its_age_and_the_next_one_goes_on():
    with Gridd("--limit", "feed_age_ms=300") as server:
        seen, position = [], None
        stop = threading.Event()

        def post():
            number = 0
            while not stop.is_set():
                server.post(report(number))
                number += 1

        poster = threading.Thread(target=post)
        poster.start()
        try:
            for _ in range(5):
                with Feed(server.port, last_id=position) as feed:
                    while not feed.ended:
                        feed.pump(10)
                    assert feed.raw.endswith(b"\n\n")
                    seen += feed.seqs()
                    position = feed.last_id
        finally:
            stop.set()
            poster.join()
        assert seen and seen == list(range(seen[0], seen[0] + len(seen)))


def test_stopping_the_server_ends_streams_cleanly():
    with Gridd() as server:
        with Feed(server.port) as feed:
            seq = server.post(report("last")).json()["seq"]
            feed.until(lambda f: f.seqs() == [seq])
            assert server.kill(15) == 0
            while not feed.ended:
                feed.pump(10)
            assert 0 <= feed.retry <= 5000 and feed.wire == b""


def test_a_ticket_opens_one_stream(server):
    answer = server.request("POST", "/v1/feed/ticket")
    assert answer.status == 201
    ticket = answer.json()["ticket"]
    assert server.request("HEAD", f"/v1/feed?ticket={ticket}").status == 200  # does not use it up
    with Feed(server.port, f"?ticket={ticket}") as feed:
        assert feed.status == 200
        with Feed(server.port, f"?ticket={ticket}") as again:
            assert again.status == 401 and "www-authenticate" in again.headers
    for bad in ("", "x", "0" * 32, ticket.upper()):
        with Feed(server.port, f"?ticket={bad}") as feed:
            assert feed.status == 401, bad
    assert ticket not in server.log_text()


def test_no_event_is_seen_before_it_is_answerable():
    """What a reader was told survives a kill right after: the feed only has what is on disk."""
    with Gridd() as server:
        told = []
        for life in range(5):
            with Feed(server.port) as feed:
                feed.until(lambda f: f.last_id)
                lines = "\n".join('{"id":"%d-%d","category":"patrol","grid":"g2","occurred_at":"2026-11-20T08:30:00Z"}'
                                  % (life, n) for n in range(3000)).encode()
                with socket.create_connection(("127.0.0.1", server.port)) as peer:
                    peer.sendall(b"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
                                 b"Content-Length: %d\r\n\r\n" % len(lines) + lines)
                    feed.until(lambda f: f.events)
                    server.kill()
                while feed.pump(5):
                    pass
                told += [(event.seq, event.json()["id"]) for event in feed.named()]
            server.start()
        for seq, identity in told[::50]:
            assert server.get(f"/v1/reports/{seq}").json()["id"] == identity
