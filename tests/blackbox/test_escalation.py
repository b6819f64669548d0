"""The ladder against the real server and the real clock: warnings, overdue, the way up, kill -9 in between."""
import collections
import datetime
import os
import pathlib
import random
import threading
import time

from gridd import Gridd, report, run
from ladder import REGIONS, Told, point, write_policy


def now(seconds=0):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def at_ms(text):
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


class Drill(Gridd):
    """gridd with a policy of seconds."""

    def __init__(self, *flags, **policy):
        super().__init__(*flags, start=False)
        self.flags += ["--policy", str(write_policy(self.directory, **policy))]
        self.start()
        answer = self.put_regions(REGIONS)
        assert answer.status == 200, answer.body

    def leak(self, number, **fields):
        answer = self.post(report(number, **{"category": "leak", "grid": "grid", "occurred_at": now(), **fields}))
        assert answer.status == 201, answer.body
        return answer.json()


def test_a_ladder_walks_up_the_region_path_and_repeats_at_the_top():
    with Drill(accept="3s", step="1s", repeat="2s", unacked="1s, 2s") as server:
        told = Told(server)
        answer = server.leak(1)
        ticket = answer["ticket"]
        told.wait(lambda: len([e for e in told.of(ticket, "ticket.paged") if e.get("why") is None]) >= 3)
        told.close()
        events = told.of(ticket)
        points = [point(e) for e in events if "point_at" in e]
        assert points[:11] == [
            ("ticket.paged", "overall", 1, "town", "unacknowledged"),
            ("ticket.reminder", "accept", 0, "unit", None),
            ("ticket.paged", "overall", 2, "county", "unacknowledged"),
            ("ticket.near_deadline", "accept", 0, "unit_and_head", None),
            ("ticket.overdue", "accept", 0, "unit", None),
            ("ticket.escalated", "accept", 1, "town", None),
            ("ticket.escalated", "accept", 2, "county", None),
            ("ticket.escalated", "accept", 3, "city", None),
            ("ticket.paged", "accept", 4, "city", None),
            ("ticket.paged", "accept", 5, "city", None),
            ("ticket.paged", "accept", 6, "city", None)]
        by_point = {point(e)[:3]: e for e in events}
        assert by_point["ticket.escalated", "accept", 1]["vacant"] == ["village"]
        assert by_point["ticket.escalated", "accept", 1]["leader"] == "Head of town"
        lights = [e["light"] for e in events if "point_at" in e][:11]
        assert lights == ["green"] * 3 + ["yellow"] + ["red"] * 7
        opened = at_ms(by_point["ticket.opened", None, 0]["occurred_at"])
        assert [at_ms(e["point_at"]) - opened for e in events if "point_at" in e][:11] == [
            1000, 1500, 2000, 2400, 3000, 3000, 4000, 5000, 7000, 9000, 11000]
        assert not [e for e in events if e.get("late_fire")]
        assert all(at_ms(e["received_at"]) >= at_ms(e["point_at"]) for e in events if "point_at" in e)


def test_a_ladder_keeps_the_path_it_had_at_opening():
    """The grid moves to another town; who leads is asked when it is told."""
    with Drill(accept="3s", step="1s", repeat="30m") as server:
        told = Told(server)
        ticket = server.leak(1)["ticket"]
        answer = server.put_regions("code,parent,level,name,leader\ntown2,county,2,Second town,Other head\n"
                                    "grid,town2,4,Grid,Grid worker\ntown,county,2,Town,\n")
        assert answer.status == 200, answer.body
        moved = server.leak(2)["ticket"]
        server.restart()
        ways = [server.get(f"/v1/tickets/{t}").json()["escalation"]["ladder"] for t in (ticket, moved)]
        assert ways == [["village", "town", "county", "city"], ["town2", "county", "city"]]
        told.wait(lambda: len(told.of(moved, "ticket.escalated")) >= 3)
        told.close()
        assert [e["told"] for e in told.of(ticket, "ticket.escalated")] == ["county", "city"]
        assert told.of(ticket, "ticket.escalated")[0]["vacant"] == ["village", "town"]
        assert [e["told"] for e in told.of(moved, "ticket.escalated")] == ["town2", "county", "city"]


LADDER = [("ticket.opened", None, 0), ("ticket.paged", "overall", 1), ("ticket.reminder", "accept", 0),
          ("ticket.near_deadline", "accept", 0), ("ticket.overdue", "accept", 0), ("ticket.escalated", "accept", 1),
          ("ticket.escalated", "accept", 2), ("ticket.escalated", "accept", 3)]
KILL_ROUNDS = int(os.environ.get("GRIDD_KILL_ROUNDS", "15"))


def check_late(events):
    """Marked late is what is told more than 5 s after its instant, and only that."""
    for event in events:
        behind_ms = at_ms(event["received_at"]) - at_ms(event["point_at"])
        assert event.get("late_fire", False) == (behind_ms > 5000), event
        assert behind_ms >= 0, event


def first_points(events):
    """Of each ticket what was told first, in the order of the feed: a timer each."""
    seen = {}
    for event in events:
        seen.setdefault(event["ticket"], at_ms(event["point_at"]))
    return list(seen.values())


def test_kill_9_anywhere_on_a_ladder_neither_loses_nor_repeats_a_step():
    draw = random.Random(3)
    with Drill(accept="8s", step="4s", unacked="2s") as server:
        told, tickets, number = Told(server), [], 0
        while number < KILL_ROUNDS or not all(
                LADDER[-1] in [point(e)[:3] for e in told.of(ticket)] for ticket in tickets):
            number += 1
            assert number < 40 * KILL_ROUNDS, "the ladders do not end"
            if number <= KILL_ROUNDS:
                tickets += [server.leak(f"{number}-{i}")["ticket"] for i in range(2)]
            seen = len(told.events)
            if draw.random() < 0.5:  # in the middle of what is going on, or right behind a commit
                time.sleep(draw.uniform(0, 0.7))
            else:
                try:
                    told.wait(lambda: [e for e in told.events[seen:] if "point_at" in e], 3)
                except AssertionError:
                    pass
            server.restart()
        last = server.post(report("last", category="patrol", grid="grid")).json()["seq"]
        assert told.caught_up_to(last)
        told.close()
        for ticket in tickets:
            told_here = [e for e in told.of(ticket) if e["kind"].startswith("ticket.")]
            assert [point(e)[:3] for e in told_here] == LADDER, told_here
        points = [e for e in told.events if "point_at" in e]
        check_late(points)
        stored = server.timeline("city", "?kind=ticket&order=asc")
        assert len(stored) == len([e for e in told.events if e["kind"].startswith("ticket.")])
        assert server.kill() is not None
        verified = run("verify", "--data", server.data)
        assert verified.returncode == 0, verified.stderr


# With ASan a tenth of it; `./run soak` and GRIDD_DUE=100000 run all.
DUE = int(os.environ.get("GRIDD_DUE", "10000"))


def resident_mib(server, field="VmHWM"):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split(field + ":")[1].split()[0]) // 1024


def metric(server, name):
    lines = server.get("/metrics").body.decode().splitlines()
    return int(next(line for line in lines if line.startswith(name + " ")).split()[1])


def cpu_s(server):
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_timers_that_came_due_while_the_server_was_down_all_fire_once_in_order():
    limit_s = 20 + DUE // 2000
    with Drill(accept=f"{limit_s}s", step="1h") as server:
        told, started = Told(server), time.monotonic()
        for first in range(0, DUE, 10000):
            lines = [report(i, category="fault", grid="grid", occurred_at=now())
                     for i in range(first, min(first + 10000, DUE))]
            answer = server.post_lines(lines)
            assert answer.json()["counts"]["created"] == len(lines), answer.body
        loaded_s = time.monotonic() - started
        before = metric(server, "gridd_commit_seq")
        server.kill()
        assert loaded_s < limit_s / 2, f"loading took {loaded_s} s: the first reminders were due"
        time.sleep(loaded_s + limit_s + 6 - (time.monotonic() - started))
        due = [("ticket.reminder", 0), ("ticket.near_deadline", 0), ("ticket.overdue", 0), ("ticket.escalated", 1)]
        restarted = time.monotonic()
        server.start()
        listening_s, fired_s = time.monotonic() - restarted, None
        answers, end = 0, time.monotonic() + 300
        # The server's own count says when all had fired; the reader, which parses every point, is far behind it.
        while fired_s is None or sum("point_at" in e for e in told.events[-5 * DUE:]) < len(due) * DUE:
            assert time.monotonic() < end, f"{len(told.events)} events, and no more"
            answer = server.post(report(f"on-{answers}", category="patrol", grid="grid", occurred_at=now()))
            assert answer.status == 201, answer.body
            assert server.get("/readyz").status == 200
            answers += 1
            if fired_s is None and metric(server, "gridd_commit_seq") >= before + len(due) * DUE + answers:
                fired_s, fired_cpu_s = time.monotonic() - restarted, cpu_s(server)
            time.sleep(0.1)
        took_s = time.monotonic() - restarted
        assert metric(server, "gridd_commit_seq") == before + len(due) * DUE + answers
        assert metric(server, "gridd_open_tickets_without_timer") == 0
        assert metric(server, "gridd_open_tickets") == DUE
        highest_mib = resident_mib(server)
        told.close()
        fired = [e for e in told.events if "point_at" in e]
        assert all(e["late_fire"] for e in fired)
        assert first_points(fired) == sorted(first_points(fired)), "not in due order"
        of = {}
        for event in fired:
            of.setdefault(event["ticket"], []).append((event["kind"], event.get("step", 0)))
        assert len(of) == DUE and all(points == due for points in of.values())
        assert answers > 0
        print(f"{DUE} due timers: listening {listening_s:.1f} s after the start, all {len(fired)} points on disk after "
              f"{fired_s:.1f} s ({fired_cpu_s:.1f} s of CPU), on the reader's feed after {took_s:.1f} s, with {answers} "
              f"reports taken meanwhile; at most {highest_mib} MiB resident")
        assert highest_mib < int(os.environ.get("GRIDD_RESIDENT_MIB", "4096"))
        server.kill()
        verified = run("verify", "--data", server.data, timeout=600)
        assert verified.returncode == 0, verified.stderr


def mixed_reports():
    """3,000: plain ones, things that are merged within 50 m, sensors' alarms, and some that are wrong."""
    draw = random.Random(11)
    lines = []
    for i in range(3000):
        kind = draw.choice(["patrol", "patrol", "rubble", "leak", "fault", "smoke"])
        fields = {"category": kind, "grid": draw.choice(["grid", "other"])}
        fields["occurred_at"] = f"2026-11-20T08:{draw.randint(10, 59)}:{draw.randint(10, 59)}Z"
        if kind in ("rubble", "leak"):
            fields.update(grid="grid", location={"lat": 30 + draw.randint(0, 30) / 100, "lon": 110.0})
        elif kind == "smoke":
            fields.update(channel="sensor", device=f"d{draw.randint(1, 40)}", attributes={"alarm": "smoke"})
        lines.append(report(i, **fields))
    return lines


def world_of(server):
    """How many of each kind of event there are, and the members of each incident."""
    rows = server.timeline("city")
    counts, members = collections.Counter(row["kind"] for row in rows), collections.defaultdict(set)
    for row in rows:
        if row["kind"] == "report" and row.get("incident"):
            members[row["incident"]].add(row["id"])
    return counts, members


def test_the_whole_queue_sent_ten_times_is_what_it_was_sent_once():
    with Drill(accept="4h", step="1h", stale="24h") as server:
        lines, first = mixed_reports(), {}
        for start in range(0, len(lines), 500):
            answer = server.post_lines(lines[start:start + 500], "?items=all").json()
            for item in answer["items"]:
                assert item["status"] in ("created", "merged"), item
                first[item["id"]] = {key: item[key] for key in ("seq", "incident", "ticket")}
        assert len(first) == len(lines)
        tickets = {item["ticket"] for item in first.values()} - {None}
        assert len(tickets) > 400 and any(item["incident"] is None for item in first.values())
        once = world_of(server)
        for number in range(9):
            if number in (2, 5, 7):
                server.restart()
            order = random.Random(number).sample(lines, len(lines))
            answer = server.post_lines(order, "?items=all").json()
            assert answer["counts"]["replayed"] == len(lines), answer["counts"]
            for line, item in zip(order, answer["items"]):
                assert item["id"] == line["id"] and item["status"] == "replayed" and item["problem"] is None
                assert {key: item[key] for key in ("seq", "incident", "ticket")} == first[line["id"]]
            for line in order[:50]:
                answer = server.post(line)
                assert answer.status == 200 and answer.headers["Idempotent-Replay"] == "true"
                body = answer.json()
                assert {key: body[key] for key in ("seq", "incident", "ticket")} == first[line["id"]]
        assert world_of(server) == once
        # Another content under a known id is told what the first one was taken into, one by one or in bulk.
        other = dict(lines[0], text="something else")
        conflict = server.post(other)
        assert conflict.status == 409 and conflict.json()["incident"] == first[other["id"]]["incident"]
        item = server.post_lines([other]).json()["items"][0]
        assert {key: item[key] for key in ("seq", "incident", "ticket")} == first[other["id"]]


def alarm(number, device, seconds=0, **fields):
    return report(number, category="smoke", channel="sensor", device=device, grid="grid", occurred_at=now(seconds),
                  **fields)


def test_two_first_alarms_of_one_sensor_at_once_are_one_incident_and_one_ticket():
    with Drill() as server:
        for number in range(40):
            connections = [server.connect() for _ in range(2)]
            gate, answers = threading.Barrier(2), [None, None]

            def send(which):
                connections[which].connect()
                gate.wait()
                answers[which] = server.post(alarm(f"{number}-{which}", f"d{number}"), connections[which]).json()

            threads = [threading.Thread(target=send, args=(which,)) for which in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(answer["status"] for answer in answers) == ["created", "merged"], answers
            assert answers[0]["incident"] == answers[1]["incident"] is not None
            assert answers[0]["ticket"] == answers[1]["ticket"] is not None
        kinds, _ = world_of(server)
        assert kinds["incident.opened"] == kinds["ticket.opened"] == 40


def test_a_worse_second_report_pages_again_and_a_late_one_does_not():
    with Drill(accept="4h", step="1h", stale="15m") as server:
        told = Told(server)
        place = {"lat": 30.0, "lon": 110.0}
        ticket = server.leak("a", location=place, severity="severe", occurred_at=now(-1500))["ticket"]
        # Twenty minutes later by its own clock, and worse.
        assert server.leak("b", location=place, severity="extreme", occurred_at=now(-300))["ticket"] == ticket
        last = server.leak("c", location=place, severity="severe", occurred_at=now(-290))
        assert last["ticket"] == ticket and last["status"] == "merged"
        told.wait(lambda: last["seq"] in told.seqs)
        told.close()
        repaged = [e for e in told.of(ticket) if e["kind"] == "ticket.paged"]
        assert len(repaged) == 1 and "severity" in repaged[0]["why"], repaged
        assert repaged[0]["severity"] == "extreme"


def test_a_flapping_sensor_is_damped_but_its_first_alarm_is_told():
    with Drill() as server:
        told = Told(server)
        first = server.post(alarm("0", "d", -60, attributes={"alarm": "smoke"})).json()
        assert first["status"] == "created" and first["ticket"]
        for i in range(1, 40):
            state = "clear" if i % 2 else "raise"
            answer = server.post(alarm(i, "d", -60 + i, attributes={"alarm": "smoke", "alarm_state": state})).json()
            assert answer["incident"] == first["incident"], answer
        other = server.post(alarm("other", "e")).json()
        assert other["status"] == "created" and other["ticket"]
        told.wait(lambda: [e for e in told.events if e.get("ticket") == other["ticket"]])
        told.close()
        kinds = collections.Counter(e["kind"] for e in told.events if e.get("incident") == first["incident"])
        assert kinds["incident.opened"] == 1
        assert kinds["incident.flapping"] >= 1, kinds
        assert kinds["incident.alarm"] < 20, kinds
