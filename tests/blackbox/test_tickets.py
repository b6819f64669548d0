"""Tickets over HTTP, as api.md says: their whole life, what is refused, and everything again after a kill."""
import json

import pytest

from gridd import Gridd
from work import clocks_of, command, done, handling, instant, opened, pages, refused, reported, send, ticket_of


def without(ticket, *names):
    return {key: value for key, value in ticket.items() if key not in names}


LOOKED_AT = ("history", "history_truncated", "sources", "allowed")


def test_a_p1_report_is_dispatched_at_once_and_lives_until_it_is_archived(server):
    answer = reported(server, "p1", category="gas_leak", grid="g1")
    ticket = ticket_of(server, answer["ticket"])
    assert ticket["state"] == "dispatched" and ticket["priority"] == 1 and ticket["light"] == "green"
    assert ticket["incident"] == answer["incident"] and ticket["unit"] == "gas_company" and ticket["unit_name"]
    assert ticket["grid"] == "g1" and ticket["path"] == ["c", "c1", "g1"] and ticket["origin"] == "report"
    assert [event.get("command") for event in ticket["history"]] == [None, "accept", "dispatch"]
    assert ticket["sources"] == {"reports_count": 1} and ticket["history_truncated"] is False
    clocks = clocks_of(server, ticket["id"])
    assert set(clocks) == {"overall", "sign", "on_scene", "handle"}
    assert clocks["sign"]["limit_s"] == 600 and clocks["sign"]["unit"] == "urgent_hour"
    assert clocks["sign"]["paused"] is False and clocks["sign"]["intervals"][0]["kind"] == "counted"

    name = ticket["id"]
    assert done(server, name, "sign", actor="wang", role="unit", actor_unit="gas_company")["state"] == "handling"
    assert "on_scene" in done(server, name, "progress", on_scene=True, note="valve shut")["flags"]
    assert done(server, name, "submit_result", actor="wang", note="repaired", closure="handled")["state"] == "checking"
    assert refused(server, name, "check_pass", 403, actor="wang", role="checker")["reason"] == "handler"
    closed = done(server, name, "check_pass", actor="zhao", role="checker")
    assert closed["state"] == "closed" and closed["closed_at"] and closed["closure"] == "handled"
    assert done(server, name, "follow_up", contacted=True, solved=True, satisfied=True)["state"] == "archived"
    archived = ticket_of(server, name)
    assert {"contacted", "solved", "satisfied", "followed_up"} <= set(archived["flags"])
    assert archived["allowed"] == ["reopen"]
    again = done(server, name, "reopen", note="it smells again")
    assert again["state"] == "dispatched" and again["reopen_count"] == 1 and again["id"] == name


def test_a_p3_ticket_goes_through_every_hand(server):
    name = opened(server, note="a lamp is out", actor="desk")
    ticket = ticket_of(server, name)
    assert ticket["state"] == "reported" and ticket["origin"] == "manual" and ticket["version"] == 1
    assert ticket["history"][0]["note"] == "a lamp is out" and ticket["history"][0]["actor"] == "desk"
    assert done(server, name, "request_verify", role="intake")["state"] == "verifying"
    verified = done(server, name, "verify_result", role="worker", result="confirmed", note="seen")
    assert verified["state"] == "reported" and "verified" in verified["flags"]
    assert done(server, name, "accept", role="intake")["state"] == "accepted"
    assert done(server, name, "dispatch", role="dispatcher", unit="streetlight_office")["unit"] == "streetlight_office"
    assert done(server, name, "check_in", role="unit")["state"] == "handling"
    assert done(server, name, "submit_result", evidence=["https://example.org/1.jpg"])["state"] == "checking"
    failed = done(server, name, "check_fail", reason="still dark")
    assert failed["state"] == "dispatched" and failed["rework_count"] == 1
    done(server, name, "sign")
    done(server, name, "submit_result", media=[{"url": "https://example.org/2.jpg"}])
    done(server, name, "check_pass")
    assert done(server, name, "archive", role="system")["state"] == "archived"
    history = ticket_of(server, name)["history"]
    assert [event["seq"] for event in history] == sorted(event["seq"] for event in history)
    assert [event["version"] for event in history] == list(range(1, len(history) + 1))


def test_evidence_is_kept_with_the_command():
    picture = {"url": "https://example.org/井盖.jpg", "sha256": "ab" * 32, "mime": "image/jpeg", "name": '"井".jpg'}
    with Gridd() as server:
        name = opened(server, category="road_dirty")
        done(server, name, "request_verify")
        done(server, name, "verify_result", result="confirmed", media=[picture])
        done(server, name, "accept")
        done(server, name, "dispatch")
        done(server, name, "sign")
        done(server, name, "progress", media=["https://example.org/2.jpg"], evidence=[{"sha256": "0" * 64, "taken": 1}])
        done(server, name, "submit_result", evidence=[picture], note="clean")
        server.restart()
        media = {event.get("command"): event.get("media") for event in ticket_of(server, name)["history"]}
        assert media["verify_result"] == media["submit_result"] == [picture]
        assert media["progress"] == [{"url": "https://example.org/2.jpg"}, {"sha256": "0" * 64}]
        assert media["accept"] is None
        row = [row for row in server.timeline("g1", "?kind=ticket.*") if row.get("command") == "submit_result"]
        assert row and row[0]["media"] == [picture]


def test_a_versions_and_replayed_commands(server):
    name = opened(server)
    first = command(server, name, "accept", command_id="a-1", if_version=1)
    assert first.status == 200 and first.json()["version"] == 2 and "Idempotent-Replay" not in first.headers
    replayed = command(server, name, "accept", command_id="a-1", if_version=1)
    assert replayed.status == 200 and replayed.headers["Idempotent-Replay"] == "true"
    assert replayed.json() == first.json()
    assert refused(server, name, "void", 409, command_id="a-1", reason="x")["reason"] == "command_id"
    stale = refused(server, name, "dispatch", 412, if_version=1)
    assert stale["version"] == 2 and ticket_of(server, name)["version"] == 2


def test_what_the_state_refuses_names_what_it_allows(server):
    name = opened(server)
    problem = refused(server, name, "submit_result", 409, note="done")
    assert problem["reason"] == "state" and problem["state"] == "reported" and problem["ticket"] == name
    assert set(problem["allowed"]) >= {"accept", "reject", "void", "merge"} and "sign" not in problem["allowed"]
    assert ticket_of(server, name)["allowed"] == problem["allowed"]
    assert ticket_of(server, name, "?role=reporter")["allowed"] == ["remind"]
    for verb in problem["allowed"]:
        if verb not in ("merge", "upgrade", "downgrade", "reject", "void", "accept", "request_verify"):
            done(server, name, verb)
    assert refused(server, name, "accept", 403, role="unit")["reason"] == "role"
    assert refused(server, name, "accept", 403, actor_region="g2")["reason"] == "region"


def test_joint_handling_waits_for_the_mandatory_parts(server):
    name = opened(server, category="road_damage")
    done(server, name, "accept")
    asked = done(server, name, "whistle", role="dispatcher", actor="town", unit="road_maintenance",
                 units=[{"unit": "water_company", "limit": "1wh"}, {"unit": "police", "mandatory": False}])
    assert asked["state"] == "accepted" and asked["pending_request"]["kind"] == "whistle"
    assert [part["status"] for part in asked["joint"]["co_handlers"]] == ["proposed", "proposed"]
    joint = done(server, name, "approve", role="whistle_center", actor="centre", decision="joint")
    assert joint["state"] == "dispatched" and joint["joint"]["lead"] == "road_maintenance"
    assert [part["mandatory"] for part in joint["joint"]["co_handlers"]] == [True, False]
    done(server, name, "sign", role="unit", actor_unit="road_maintenance")
    assert refused(server, name, "submit_result", 409, actor_unit="road_maintenance", note="x")["reason"] == "parts"
    done(server, name, "check_in", role="unit", actor_unit="water_company")
    parts = done(server, name, "submit_result", role="unit", actor_unit="water_company", note="pipe is dry")
    assert parts["state"] == "handling"
    assert [part["status"] for part in parts["joint"]["co_handlers"]] == ["done", "assigned"]
    every = server.get(f"/v1/tickets/{name}/clock").json()["clocks"]
    assert [clock["handler"] for clock in every if clock["co_handler"]] == ["police", "police"]
    assert done(server, name, "submit_result", role="unit", actor_unit="road_maintenance",
                note="y")["state"] == "checking"


def test_a_single_lead_by_the_centre_at_once(server):
    name = opened(server)
    done(server, name, "accept")
    single = done(server, name, "whistle", role="whistle_center", decision="single", lead="police")
    assert single["state"] == "dispatched" and single["joint"] is None and single["unit"] == "police"


def test_return_denied_and_approved(server):
    name = opened(server)
    done(server, name, "accept")
    done(server, name, "dispatch", unit="streetlight_office")
    assert refused(server, name, "return", 422, role="unit")["errors"][0]["pointer"] == "/reason"
    asked = done(server, name, "return", role="unit", actor="li", reason="not ours", proposed_unit="power_company")
    assert asked["pending_request"]["kind"] == "return" and asked["pending_request"]["decide_by"]
    assert asked["pending_request"]["proposed_unit"] == "power_company"
    assert refused(server, name, "approve", 403, role="dispatcher", actor="li")["reason"] == "requester"
    assert done(server, name, "deny", role="dispatcher", actor="chen")["pending_request"] is None
    done(server, name, "return", role="unit", actor="li", reason="really not ours")
    back = done(server, name, "approve", role="dispatcher", actor="chen")
    assert back["state"] == "accepted" and back["return_count"] == 1 and "returned" in back["flags"]


def test_extension_in_the_unit_of_the_limit(server):
    name = handling(server)
    before = clocks_of(server, name)["handle"]
    assert before["unit"] == "work_day" and before["day_rule"] and before["limit"] == 3
    assert refused(server, name, "request_extension", 422, limit="4wh")["errors"][0]["pointer"] == "/limit"
    asked = done(server, name, "request_extension", limit="2wd", reason="spare part", actor="li")
    assert asked["pending_request"]["kind"] == "extension"
    done(server, name, "approve", role="shift_lead", actor="lead")
    after = clocks_of(server, name)["handle"]
    assert after["limit"] == 5 and after["due_at"] > before["due_at"] and after["started_at"] == before["started_at"]


def test_suspension_stands_still_and_goes_on(server):
    name = handling(server)
    done(server, name, "request_suspension", reason="season_weather", until=instant(86400), actor="li", role="unit")
    assert refused(server, name, "approve", 403, role="shift_lead")["reason"] == "decider"
    suspended = done(server, name, "approve", role="supervisor", actor="boss")
    assert suspended["suspended"]["reason"] == "season_weather" and suspended["due_at"] is None
    paused = clocks_of(server, name)
    assert paused["handle"]["paused"] and paused["handle"]["due_at"] is None
    assert refused(server, name, "submit_result", 409, note="x")["reason"] == "suspended"
    resumed = done(server, name, "resume", role="unit")
    assert resumed["suspended"] is None and resumed["due_at"]
    clock = clocks_of(server, name)["handle"]
    assert not clock["paused"] and "suspended" in [piece["kind"] for piece in clock["intervals"]]
    assert sum(piece["counted"] for piece in clock["intervals"]) == pytest.approx(clock["consumed"])


def test_clock_pieces_follow_each_other_and_add_up(server):
    for clock in server.get(f"/v1/tickets/{handling(server)}/clock").json()["clocks"]:
        pieces = clock["intervals"]
        assert all(a["to"] == b["from"] for a, b in zip(pieces, pieces[1:]))
        assert pieces == [] or pieces[0]["from"] == clock["started_at"]
        assert sum(piece["counted"] for piece in pieces) == pytest.approx(clock["consumed"])
        assert clock["consumed"] + clock["remaining"] == pytest.approx(clock["limit"])
        assert all(piece["counted"] == 0 for piece in pieces if piece["kind"] != "counted")


def test_reject_void_and_reopen(server):
    name = opened(server)
    assert refused(server, name, "reject", 422)["errors"][0]["pointer"] == "/reason"
    assert done(server, name, "reject", reason="not our town")["state"] == "rejected"
    assert done(server, name, "reopen", role="reporter")["state"] == "reported"
    done(server, name, "reject", reason="still not")
    assert refused(server, name, "reopen", 409, role="reporter")["reason"] == "reopened"
    other = opened(server)
    assert done(server, other, "void", reason="typed twice")["state"] == "voided"
    assert refused(server, other, "accept", 409)["allowed"] == []


def test_an_unsolved_follow_up_reopens(server):
    name = handling(server)
    done(server, name, "submit_result", note="done")
    done(server, name, "check_pass")
    again = done(server, name, "follow_up", contacted=True, solved=False, satisfied=False)
    assert again["state"] == "dispatched" and again["reopen_count"] == 1


def test_supervised_tickets_are_not_closed_before_the_lift(server):
    name = handling(server)
    supervised = done(server, name, "supervise", role="supervisor", reason="third time")
    clock = clocks_of(server, name)["reply"]
    assert supervised["supervised"] is True and supervised["reply_by"] == clock["due_at"]
    assert clock["unit"] == "work_hour" and clock["limit"] == 4 and clock["light"] == "green"
    assert done(server, name, "ack")["reply_by"] and "reply" in clocks_of(server, name)
    answered = done(server, name, "progress", note="on the way")
    assert answered["reply_by"] is None and answered["supervised"] is True and "reply" in answered["stages_ended"]
    assert "reply" not in clocks_of(server, name)
    done(server, name, "submit_result", note="done")
    assert refused(server, name, "check_pass", 409)["reason"] == "supervised"
    assert name in [item["id"] for item in pages(server, "/v1/tickets?supervised=true", 100)]
    assert done(server, name, "supervise", role="supervisor", lift=True)["supervised"] is False
    assert done(server, name, "check_pass")["state"] == "closed"


def test_merge_unmerge_and_grades(server):
    older, newer = opened(server), opened(server)
    assert refused(server, older, "merge", 422, into=newer)["errors"][0]["pointer"] == "/into"
    merged = done(server, newer, "merge", into=older)
    assert merged["state"] == "merged" and merged["into"] == older
    assert refused(server, newer, "accept", 409)["allowed"] == ["unmerge"]
    assert done(server, newer, "unmerge")["state"] == "reported"
    raised = done(server, newer, "upgrade", priority=2, severity="severe")
    assert raised["priority"] == 2 and raised["severity"] == "severe"
    assert refused(server, newer, "upgrade", 422, priority=3)["errors"][0]["pointer"] == "/priority"
    assert done(server, newer, "downgrade")["priority"] == 3


def test_accepting_fixes_the_priority(server):
    name = opened(server, category="road_damage")
    assert refused(server, name, "accept", 422, priority=5)["errors"][0]["pointer"] == "/priority"
    before = clocks_of(server, name)["overall"]
    assert before["unit"] == "work_day"
    accepted = done(server, name, "accept", priority=2, actor="desk")
    assert accepted["state"] == "accepted" and accepted["priority"] == 2
    after = clocks_of(server, name)
    assert after["overall"]["limit"] < before["limit"] and after["overall"]["started_at"] == before["started_at"]
    assert done(server, opened(server), "accept", category="road_dirty", priority=4)["priority"] == 4
    assert done(server, opened(server), "accept", category="gas_leak", priority=3)["state"] == "accepted"
    assert done(server, opened(server), "accept", priority=1)["state"] == "dispatched"


def test_lists_are_filtered_and_paged(server):
    mine = [opened(server, grid="g10", category="road_dirty", priority=2 + number % 2) for number in range(7)]
    done(server, mine[0], "void", reason="x")
    path = "/v1/tickets?region=c10&category=road_dirty"
    everything = pages(server, path, 100)
    assert [item["id"] for item in everything] == mine[::-1]
    assert pages(server, path, 2) == everything
    ids = [item["id"] for item in pages(server, path + "&state=open", 3)]
    assert ids == mine[:0:-1]
    assert [item["id"] for item in pages(server, path + "&state=voided,closed", 3)] == mine[:1]
    assert [item["priority"] for item in pages(server, path + "&priority=P3", 2)] == [3, 3, 3]
    assert len(pages(server, path + "&light=green", 100)) == 7 and pages(server, path + "&light=red,yellow", 100) == []
    assert pages(server, path + "&overdue=true", 100) == [] and pages(server, "/v1/tickets?incident=i999999", 10) == []
    assert pages(server, "/v1/tickets?unit=gas_company&region=c10", 10) == []
    first = server.get(path + "&limit=1").json()["next_cursor"]
    assert server.get(f"/v1/tickets?limit=1&cursor={first}").status == 400


@pytest.mark.parametrize("query", ["region=nowhere", "state=asleep", "state=", "light=blue", "category=x", "unit=x",
                                   "priority=5", "overdue=1", "incident=5", "directive=i5", "supervised=yes",
                                   "limit=0", "limit=1001", "cursor=zz", "other=1"])
def test_bad_list_parameters(server, query):
    answer = server.get("/v1/tickets?" + query)
    assert answer.status == 400 and query.split("=")[0] in answer.json()["detail"]


@pytest.mark.parametrize("body, pointer", [
    ({"grid": "g1"}, "/category"), ({"category": "streetlight"}, "/grid"), ({"category": "none", "grid": "g1"}, "/category"),
    ({"category": "streetlight", "grid": "nowhere"}, "/grid"), ({"category": 5, "grid": "g1"}, "/category"),
    ({"category": "streetlight", "grid": "g1", "priority": 5}, "/priority"),
    ({"category": "streetlight", "grid": "g1", "priority": "1"}, "/priority"),
    ({"category": "streetlight", "grid": "g1", "severity": "bad"}, "/severity"),
    ({"category": "streetlight", "grid": "g1", "unit": "nobody"}, "/unit"),
    ({"category": "streetlight", "grid": "g1", "note": "x" * 2049}, "/note"),
    ({"category": "streetlight", "grid": "g1", "actor": "x" * 129}, "/actor"),
    ({"category": "streetlight", "grid": "g1", "occurred_at": "yesterday"}, "/occurred_at"),
    ({"category": "streetlight", "grid": "g1", "occurred_at": "2099-01-01T00:00:00Z"}, "/occurred_at"),
    ({"category": "streetlight", "grid": "g1", "a/b~c": 1}, "/a~1b~0c"), ("[]", ""), ("7", ""),
])
def test_tickets_that_cannot_be_opened(server, body, pointer):
    answer = send(server, "/v1/tickets", body)
    assert answer.status == 422, answer.body
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("verb, fields, pointer", [
    ("accept", {"bogus": 1}, "/bogus"), ("accept", {"until": "2026-12-01T00:00:00Z"}, "/until"),
    ("accept", {"command_id": 5}, "/command_id"), ("accept", {"command_id": ""}, "/command_id"),
    ("accept", {"command_id": "x" * 129}, "/command_id"), ("accept", {"note": "x" * 2049}, "/note"),
    ("accept", {"if_version": 0}, "/if_version"), ("accept", {"if_version": "1"}, "/if_version"),
    ("accept", {"if_version": 1.5}, "/if_version"), ("accept", {"if_version": 2 ** 32}, "/if_version"),
    ("accept", {"role": "king"}, "/role"), ("accept", {"actor_unit": "nobody"}, "/actor_unit"),
    ("accept", {"actor_region": "nowhere"}, "/actor_region"), ("accept", {"category": "x"}, "/category"),
    ("whistle", {"units": "police"}, "/units"), ("whistle", {"units": [5]}, "/units/0"),
    ("whistle", {"units": ["police", {"unit": "x"}]}, "/units/1/unit"),
    ("whistle", {"units": [{"mandatory": True}]}, "/units/0"),
    ("whistle", {"units": [{"unit": "police", "limit": "5x"}]}, "/units/0/limit"),
    ("whistle", {"units": [{"unit": "police", "who": 1}]}, "/units/0/who"),
    ("whistle", {"units": ["police"] * 17}, "/units/16"), ("whistle", {"decision": "maybe"}, "/decision"),
    ("request_suspension", {"reason": "lazy"}, "/reason"), ("request_suspension", {"until": "soon"}, "/until"),
    ("verify_result", {"confirmed": "yes"}, "/confirmed"), ("verify_result", {"result": "perhaps"}, "/result"),
    ("merge", {"into": "5"}, "/into"), ("merge", {"into": "t0"}, "/into"), ("submit_result", {"closure": "x"}, "/closure"),
    ("submit_result", {"media": [5]}, "/media/0"), ("submit_result", {"media": ["x"] * 17}, "/media/16"),
    ("submit_result", {"media": ["x" * 4097]}, "/media/0"), ("submit_result", {"media": [{}]}, "/media/0"),
    ("ack", {"media": ["x" * 2048, "y" * 2048, "z"]}, "/media"), ("progress", {"media": ["a\nb"]}, "/media/0"),
    ("submit_result", {"media": [{"url": 5}]}, "/media/0/url"), ("progress", {"media": [{"sha256": "ab"}]}, "/media/0"),
    ("submit_result", {"evidence": 5}, "/evidence"), ("supervise", {"lift": 1}, "/lift"),
    ("progress", {"on_scene": "true"}, "/on_scene"), ("dispatch", {"limit": "0h"}, "/limit"),
])
def test_bodies_that_are_no_command(server, verb, fields, pointer):
    name = opened(server)
    problem = refused(server, name, verb, 422, **fields)
    assert problem["errors"][0]["pointer"] == pointer
    assert ticket_of(server, name)["version"] == 1


def test_hostile_bodies(server):
    name = opened(server)
    path = f"/v1/tickets/{name}/accept"
    for body in ("{", '{"note":"a","note":"b"}', '{"note":"\\ud800"}', b'{"note":"\xff"}', "{} {}", '{"a":1e}',
                 '{"units":' + "[" * 40 + "]" * 40 + "}", "\0", "nul"):
        answer = send(server, path, body)
        assert answer.status in (400, 422), (body, answer.status)
    assert send(server, path, '{"note":"' + "x" * 70000 + '"}').status == 413
    assert server.request("POST", path, "note=1", {"Content-Type": "application/x-www-form-urlencoded"}).status == 415
    assert ticket_of(server, name)["version"] == 1
    assert send(server, path, '{"note":null,"role":null}').status == 200
    quoted = done(server, name, "ack", note='"previous":1,"state":"void"\n\u0000</script>')
    assert [event["version"] for event in ticket_of(server, name)["history"]] == [1, 2, 3] and quoted["version"] == 3


@pytest.mark.parametrize("path", ["t0", "t", "1", "x1", "t01", "t-1", "t99999999", "t99999999999999999999", "i1"])
def test_tickets_that_are_not_there(server, path):
    assert server.get(f"/v1/tickets/{path}").status == 404
    assert server.get(f"/v1/tickets/{path}/clock").status == 404
    assert command(server, path, "accept").status == 404


def test_commands_and_methods_that_are_not_there(server):
    name = opened(server)
    assert command(server, name, "explode").status == 404 and command(server, name, "report").status == 404
    assert server.request("DELETE", f"/v1/tickets/{name}").status == 405
    assert server.get(f"/v1/tickets/{name}?x=1").status == 400 and server.get(f"/v1/tickets/{name}?role=king").status == 400
    empty = server.request("POST", f"/v1/tickets/{name}/accept")
    assert empty.status == 200 and empty.json()["state"] == "accepted"


def test_the_history_shows_the_newest_two_hundred(server):
    name = opened(server)
    for _ in range(204):
        done(server, name, "ack")
    ticket = ticket_of(server, name)
    assert len(ticket["history"]) == 200 and ticket["history_truncated"] is True
    assert [event["version"] for event in ticket["history"]] == list(range(6, 206))


def test_a_ticket_that_is_sent_twice_is_opened_once():
    """As with reports: the same again is 200 and the first answer, the same key with another body is 409."""
    body = {"category": "gas_leak", "grid": "g1", "note": "smells"}
    with Gridd() as server:
        first = send(server, "/v1/tickets", body, **{"Idempotency-Key": "k-1"})
        assert first.status == 201 and "Idempotent-Replay" not in first.headers
        done(server, first.json()["id"], "sign", actor="wang")
        by_member = send(server, "/v1/tickets", {**body, "command_id": "k-2"})
        assert by_member.status == 201
        for _ in range(2):
            again = send(server, "/v1/tickets", json.dumps(dict(reversed(body.items())), indent=1),
                         **{"Idempotency-Key": "k-1"})
            assert again.status == 200 and again.headers["Idempotent-Replay"] == "true"
            assert again.json() == first.json()
            again = send(server, "/v1/tickets", {**body, "command_id": "k-2"})
            assert again.status == 200 and again.json() == by_member.json()
            for other in ({**body, "note": "burns"}, {"category": "streetlight", "grid": "g1"}, {"category": "x"}):
                answer = send(server, "/v1/tickets", other, **{"Idempotency-Key": "k-1"})
                assert answer.status == 409 and answer.json()["title"] == "conflict"
            server.restart()
        assert len(pages(server, "/v1/tickets", 100)) == 2
        assert send(server, "/v1/tickets", body).status == 201
        assert send(server, "/v1/tickets", {**body, "command_id": "k-3"}, **{"Idempotency-Key": "k-4"}).status == 422
        assert send(server, "/v1/tickets", body, **{"Idempotency-Key": "x" * 129}).status == 400
        assert send(server, "/v1/tickets", {**body, "command_id": 5}).status == 422
        refusal = send(server, "/v1/tickets", {"category": "none", "grid": "g1"}, **{"Idempotency-Key": "k-5"})
        assert refusal.status == 422
        assert send(server, "/v1/tickets", body, **{"Idempotency-Key": "k-5"}).status == 201


def test_creates_are_not_repeated_over_kills_between():
    """The same creates by several clients at once, each until it has an answer, with kill -9 meanwhile."""
    import threading
    with Gridd() as server:
        names, stop = {}, threading.Event()

        def client(number):
            for each in range(12):
                key, body = f"c{each}", {"category": "streetlight", "grid": "g1", "note": f"lamp {each}"}
                while not stop.is_set():
                    try:
                        answer = send(server, "/v1/tickets", body, **{"Idempotency-Key": key})
                    except OSError:
                        continue
                    if answer.status in (200, 201):
                        names.setdefault(key, set()).add(answer.json()["id"])
                        break
                    assert answer.status == 503, answer.body

        threads = [threading.Thread(target=client, args=(n,)) for n in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            server.restart()
        for thread in threads:
            thread.join(60)
        stop.set()
        assert len(names) == 12 and all(len(ids) == 1 for ids in names.values()), names
        assert len(pages(server, "/v1/tickets", 100)) == 12


def test_everything_is_the_same_after_a_kill():
    with Gridd() as server:
        p1 = reported(server, "k1", category="gas_leak", grid="g1")["ticket"]
        done(server, p1, "sign", command_id="k-sign", actor="wang")
        name = handling(server)
        done(server, name, "request_suspension", reason="funding", until=instant(86400))
        done(server, name, "approve", role="supervisor")
        joint = opened(server, category="road_damage")
        done(server, joint, "accept")
        done(server, joint, "whistle", role="whistle_center", decision="joint", unit="road_maintenance",
             units=["water_company"])
        over = opened(server)
        done(server, over, "reject", reason="no", command_id="k-reject")
        names = [p1, name, joint, over]
        before = [ticket_of(server, each) for each in names]
        listed = pages(server, "/v1/tickets", 3)
        server.restart()
        assert [without(ticket_of(server, each), "light") for each in names] == [without(t, "light") for t in before]
        assert [item["id"] for item in pages(server, "/v1/tickets", 2)] == [item["id"] for item in listed]
        again = command(server, p1, "sign", command_id="k-sign", actor="wang")
        assert again.status == 200 and again.headers["Idempotent-Replay"] == "true"
        assert without(again.json(), *LOOKED_AT) == without(before[0], *LOOKED_AT)
        late = command(server, over, "reject", command_id="k-reject", reason="no")
        assert late.status == 200 and late.headers["Idempotent-Replay"] == "true"
        assert done(server, over, "reopen")["state"] == "reported"
        assert done(server, name, "resume")["suspended"] is None
        assert done(server, joint, "check_in", actor_unit="water_company")["joint"]["co_handlers"][0]["status"] == "checked_in"


def test_late_commands_to_one_ticket_follow_each_other():
    """Many at once to a ticket that is not in memory: each sees what the one before it made."""
    import threading
    with Gridd() as server:
        name = opened(server)
        done(server, name, "reject", reason="no")
        answers = []
        threads = [threading.Thread(target=lambda n=n: answers.append(
            command(server, name, "reopen", command_id=f"r-{n}").status)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [200] + [409] * 7
        assert ticket_of(server, name)["reopen_count"] == 1
