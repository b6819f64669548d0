"""Incidents over HTTP: what reports become, members with their match, merging and taking apart, after kills too."""
import pytest

from gridd import Gridd
from work import done, instant, pages, reported, send, ticket_of

LAT, LON = 30.001, 110.001


def lamp(server, number, metres=0.0, **fields):
    """A report of a lamp so far to the north."""
    at = {"lat": round(LAT + metres / 111195, 7), "lon": LON}
    return reported(server, number, category="streetlight", grid="g1", location=at, device=f"d-{number}", **fields)


def incident_of(server, incident, query=""):
    answer = server.get(f"/v1/incidents/{incident}{query}")
    assert answer.status == 200, answer.body
    return answer.json()


def stored(server, seq):
    answer = server.get(f"/v1/reports/{seq}")
    assert answer.status == 200, answer.body
    return answer.json()


def merge(server, incident, body, status=200):
    answer = send(server, f"/v1/incidents/{incident}/merge", body)
    assert answer.status == status, answer.body
    return answer.json()


def unmerge(server, incident, seqs, status=200):
    answer = send(server, f"/v1/incidents/{incident}/unmerge", {"seq": seqs} if isinstance(seqs, list) else seqs)
    assert answer.status == status, answer.body
    return answer.json()


@pytest.fixture
def fresh():
    with Gridd() as server:
        yield server


def test_reports_of_one_thing_are_one_incident_with_one_ticket(fresh):
    first, second, far = lamp(fresh, 1), lamp(fresh, 2, 20), lamp(fresh, 3, 2000)
    assert (first["status"], second["status"], far["status"]) == ("created", "merged", "created")
    assert first["incident"] == second["incident"] != far["incident"] and first["ticket"] == second["ticket"]
    incident = incident_of(fresh, first["incident"])
    assert incident["state"] == "open" and incident["reports_count"] == 2 and incident["ticket"] == first["ticket"]
    assert incident["category"] == "streetlight" and incident["grid"] == "g1" and incident["path"] == ["c", "c1", "g1"]
    assert incident["anchor"]["lat"] == LAT and incident["observers"] == {"independent": 2, "kinds": ["person"]}
    assert incident["confidence"] == "likely" and 19 < incident["spread_m"] < 21 and incident["merged_into"] is None
    assert [member["seq"] for member in incident["members"]] == [first["seq"], second["seq"]]
    opened, joined = (member["match"] for member in incident["members"])
    assert opened["rule"] == "opened" and joined["rule"] == "distance" and 19 < joined["distance_m"] < 21
    assert 0 < joined["score"] <= 1000 and incident["members"][1]["joined"] == first["incident"]
    assert ticket_of(fresh, first["ticket"])["sources"] == {"reports_count": 2}
    report = stored(fresh, second["seq"])
    assert report["incident"] == first["incident"] and report["ticket"] == first["ticket"] and report["match"] == joined
    assert fresh.get(f"/v1/reports/{first['ticket'][1:]}").status == 404  # an event's number, no report's


def test_a_report_without_incident_has_no_match(fresh):
    answer = reported(fresh, 1, category="patrol", grid="g1")
    assert answer["incident"] is None and stored(fresh, answer["seq"])["match"] is None


def test_lists_are_filtered_and_paged(fresh):
    names = [lamp(fresh, number, 2000 * number)["incident"] for number in range(5)]
    other = reported(fresh, "gas", category="gas_leak", grid="g10")["incident"]
    assert [item["id"] for item in pages(fresh, "/v1/incidents", 2)] == [other] + names[::-1]
    assert [item["id"] for item in pages(fresh, "/v1/incidents?region=c1", 3)] == names[::-1]
    assert [item["id"] for item in pages(fresh, "/v1/incidents?category=gas_leak&state=open", 3)] == [other]
    assert pages(fresh, "/v1/incidents?state=merged,false", 3) == []
    for query in ("region=x", "category=x", "state=x", "state=", "limit=0", "cursor=x", "x=1"):
        assert fresh.get("/v1/incidents?" + query).status == 400


def test_closing_follows_the_ticket(fresh):
    first = lamp(fresh, 1)
    name = first["ticket"]
    done(fresh, name, "accept")
    done(fresh, name, "dispatch", unit="streetlight_office")
    done(fresh, name, "sign")
    done(fresh, name, "submit_result", note="new bulb")
    done(fresh, name, "check_pass")
    assert incident_of(fresh, first["incident"])["state"] == "handled"
    again = lamp(fresh, 2, 5)
    assert again["incident"] == first["incident"] and again["ticket"] == name
    assert ticket_of(fresh, name)["reopen_count"] == 1
    done(fresh, name, "void", reason="it was the daylight sensor")
    assert incident_of(fresh, first["incident"])["state"] == "false"
    assert lamp(fresh, 3, 5)["incident"] != first["incident"]


def test_merge_and_unmerge_bring_tickets_along(fresh):
    a, b, c = lamp(fresh, 1), lamp(fresh, 2, 1000), lamp(fresh, 3, 1010)
    assert b["incident"] == c["incident"] != a["incident"]
    merged = merge(fresh, b["incident"], {"into": a["incident"], "actor": "desk", "note": "the same lamp"})
    assert merged["id"] == a["incident"] and merged["merged"] == b["incident"] and merged["reports_count"] == 3
    gone = incident_of(fresh, b["incident"])
    assert gone["state"] == "merged" and gone["merged_into"] == a["incident"]
    whole = incident_of(fresh, a["incident"])
    assert [member["seq"] for member in whole["members"]] == [a["seq"], b["seq"], c["seq"]]
    assert [member["joined"] for member in whole["members"]] == [a["incident"], b["incident"], b["incident"]]
    paged, cursor = [], ""
    while cursor is not None:
        page = incident_of(fresh, a["incident"], f"?limit=1{cursor and '&cursor=' + cursor}")
        paged += page["members"]
        cursor = page["next_cursor"]
    assert paged == whole["members"]
    assert ticket_of(fresh, b["ticket"])["state"] == "merged" and ticket_of(fresh, b["ticket"])["into"] == a["ticket"]
    report = stored(fresh, c["seq"])
    assert report["incident"] == a["incident"] and report["ticket"] == a["ticket"] and report["match"]["rule"] == "distance"
    problem = merge(fresh, b["incident"], {"into": a["incident"]}, 409)
    assert problem["reason"] == "merged" and problem["merged_into"] == a["incident"]

    before = [incident_of(fresh, x["incident"]) for x in (a, b)]
    fresh.restart()
    assert [incident_of(fresh, x["incident"]) for x in (a, b)] == before

    apart = unmerge(fresh, a["incident"], {"seq": [c["seq"], b["seq"]], "actor": "chen", "note": "two \"lamps\""})
    told = {row["kind"]: row for row in fresh.timeline("c", "?kind=incident.*")}
    assert told["incident.merged"]["actor"] == "desk" and told["incident.merged"]["note"] == "the same lamp"
    assert told["incident.unmerged"]["actor"] == "chen" and told["incident.unmerged"]["note"] == 'two "lamps"'
    assert apart["id"] == b["incident"] and apart["from"] == a["incident"] and apart["reports_count"] == 2
    assert incident_of(fresh, a["incident"])["reports_count"] == 1
    assert ticket_of(fresh, b["ticket"])["state"] == "reported"
    assert stored(fresh, c["seq"])["incident"] == b["incident"] and stored(fresh, c["seq"])["ticket"] == b["ticket"]

    single = unmerge(fresh, b["incident"], [c["seq"]])
    assert single["id"] not in (a["incident"], b["incident"]) and single["ticket"] not in (None, b["ticket"])
    moved = stored(fresh, c["seq"])
    assert moved["incident"] == single["id"] and moved["match"]["rule"] == "operator"
    assert moved["ticket"] == single["ticket"]
    state = [incident_of(fresh, x) for x in (a["incident"], b["incident"], single["id"])]
    fresh.restart()
    assert [incident_of(fresh, x) for x in (a["incident"], b["incident"], single["id"])] == state
    assert stored(fresh, c["seq"]) == moved
    assert lamp(fresh, 4, 1000)["incident"] in (b["incident"], single["id"])


def test_what_cannot_be_merged(fresh):
    a, gas = lamp(fresh, 1), reported(fresh, 2, category="gas_leak", grid="g1")
    assert merge(fresh, a["incident"], {"into": gas["incident"]}, 409)["reason"] == "class"
    assert merge(fresh, a["incident"], {"into": a["incident"]}, 422)["errors"][0]["pointer"] == "/into"
    assert merge(fresh, a["incident"], {"into": "i99999"}, 422)["errors"][0]["pointer"] == "/into"
    for fields, pointer in (({"actor": "x" * 129}, "/actor"), ({"note": "x" * 2049}, "/note"), ({"note": 5}, "/note")):
        assert merge(fresh, a["incident"], {"into": "i1", **fields}, 422)["errors"][0]["pointer"] == pointer
        assert unmerge(fresh, a["incident"], {"seq": [1], **fields}, 422)["errors"][0]["pointer"] == pointer
    assert merge(fresh, "i99999", {"into": a["incident"]}, 404)
    assert merge(fresh, a["ticket"], {"into": a["incident"]}, 404)
    for body in ({}, {"into": None}, {"into": 5}, {"into": "t5"}, {"into": a["incident"], "x": 1}):
        assert merge(fresh, a["incident"], body, 422)["errors"]
    assert merge(fresh, a["incident"], "{", 400)
    b = lamp(fresh, 3, 1000)
    done(fresh, b["ticket"], "void", reason="x")
    problem = merge(fresh, a["incident"], {"into": b["incident"]}, 409)
    assert problem["reason"] == "state" and problem["state"] == "open"


def test_what_cannot_be_taken_apart(fresh):
    a, b, other = lamp(fresh, 1), lamp(fresh, 2, 5), lamp(fresh, 3, 3000)
    seqs = [a["seq"], b["seq"]]
    assert unmerge(fresh, a["incident"], seqs, 409)["reason"] == "all"
    for wrong in ([], [other["seq"]], [a["seq"], a["seq"]], [0], ["1"], {"seq": 5}, {}, {"seq": [1], "x": 1}):
        assert unmerge(fresh, a["incident"], wrong, 422)["errors"][0]["pointer"].startswith(("/seq", "/x"))
    assert unmerge(fresh, a["incident"], list(range(1, 10002)), 422)["errors"][0]["pointer"] == "/seq/10000"
    unmerge(fresh, "i99999", [1], 404)
    alarm = reported(fresh, 4, category="sensor_alarm", grid="g1", device="s1", severity="extreme",
                     attributes={"alarm": "smoke"})
    assert alarm["incident"] and unmerge(fresh, alarm["incident"], [alarm["seq"]], 409)["reason"] == "alarm"
    assert incident_of(fresh, alarm["incident"])["alarm"]["state"] == "raised"
    assert incident_of(fresh, a["incident"])["reports_count"] == 2
    c = lamp(fresh, 5, 1000)
    merge(fresh, c["incident"], {"into": a["incident"]})
    problem = unmerge(fresh, c["incident"], [c["seq"]], 409)
    assert problem["reason"] == "merged" and problem["merged_into"] == a["incident"]


def test_taking_apart_while_reports_come_in(fresh):
    """Nothing is lost or counted twice, however reports and commands mix."""
    import threading
    first = lamp(fresh, "first")
    seqs, stop = [], threading.Event()

    def pour():
        number = 0
        while not stop.is_set():
            number += 1
            seqs.append(lamp(fresh, f"pour-{number}", 1)["seq"])
    thread = threading.Thread(target=pour)
    thread.start()
    apart = []
    while len(apart) < 5:
        if len(seqs) > len(apart):
            answer = send(fresh, f"/v1/incidents/{first['incident']}/unmerge", {"seq": [seqs[len(apart)]]})
            if answer.status == 422:  # it came to one that was taken out before
                seqs.pop(len(apart))
                continue
            assert answer.status in (200, 503), answer.body
            if answer.status == 200:
                apart.append(answer.json()["id"])
    stop.set()
    thread.join()
    counts = [(item["reports_count"], len(incident_of(fresh, item["id"], "?limit=1000")["members"]))
              for item in pages(fresh, "/v1/incidents?state=open", 100)]
    assert all(told == there for told, there in counts), counts
    assert sum(told for told, _ in counts) == len(fresh.timeline("g1", "?kind=report"))


def test_fires_show_where_they_are_thought_to_be(fresh):
    at = {"lat": LAT, "lon": LON, "accuracy_m": 30}
    fire = reported(fresh, 1, category="forest_fire", grid="g1", location=at, device="ranger", occurred_at=instant(-60),
                    attributes={"on_scene": True})
    incident = incident_of(fresh, fire["incident"])
    assert incident["localised"] and incident["confidence"] == "observed" and incident["flags"] == ["on_scene"]
    assert abs(incident["estimate"]["lat"] - LAT) < 0.001 and incident["estimate"]["radius_m"] > 0
    assert len(incident["sights"]) == 1 and incident["priority"] == 1


def camera_frame(server, number, seconds, box, azimuth=40, pose="north"):
    return reported(server, number, category="forest_fire", grid="g1", channel="camera", device="c1",
                    location={"lat": LAT, "lon": LON}, occurred_at=instant(seconds),
                    bearing={"azimuth_deg": azimuth, "cone_deg": 2}, attributes={"pose": pose, "bbox": box})


def test_a_cameras_frames_are_a_sequence(fresh):
    """Boxes that overlap go on with one fire and confirm it; another place in the image is another sequence."""
    first = camera_frame(fresh, 1, -200, [0.1, 0.1, 0.2, 0.2])
    assert incident_of(fresh, first["incident"])["confirmed"] is False
    second = camera_frame(fresh, 2, -100, [0.12, 0.1, 0.22, 0.2], azimuth=80)
    assert second["incident"] == first["incident"] and stored(fresh, second["seq"])["match"]["rule"] == "sequence"
    elsewhere = camera_frame(fresh, 3, -100, [0.8, 0.1, 0.9, 0.2], azimuth=120)
    assert elsewhere["incident"] != first["incident"]
    paged = ticket_of(fresh, first["ticket"])
    camera_frame(fresh, 4, 0, [0.13, 0.1, 0.23, 0.2])
    incident = incident_of(fresh, first["incident"])
    assert incident["confirmed"] is True and incident["observers"]["independent"] == 1
    assert [(item["frames"], item["bbox"]) for item in incident["sequences"]] == [(3, [0.13, 0.1, 0.23, 0.2])]
    kinds = [event["kind"] for event in fresh.timeline("g1") if event.get("incident") == first["incident"]]
    assert kinds.count("incident.confirmed") == 1 and "incident.repaged" not in kinds
    assert ticket_of(fresh, first["ticket"])["state"] == paged["state"]
    fresh.restart()
    assert incident_of(fresh, first["incident"]) == incident
    single = unmerge(fresh, first["incident"], [second["seq"]])
    assert incident_of(fresh, single["id"])["confirmed"] is False
    assert incident_of(fresh, first["incident"])["confirmed"] is False
    assert incident_of(fresh, first["incident"])["sequences"][0]["frames"] == 2


def test_a_flapping_sensor_pages_first_and_opens_one_fault(fresh):
    answers = []
    for number in range(12):
        state = {"alarm": "smoke"} if number % 2 == 0 else {"alarm": "smoke", "alarm_state": "clear"}
        answers.append(reported(fresh, number, category="sensor_alarm", grid="g1", device="s1", severity="extreme",
                                occurred_at=instant(number - 12), attributes=state))
    assert answers[0]["ticket"] and len({answer["incident"] for answer in answers}) == 1
    incident = incident_of(fresh, answers[0]["incident"])
    alarm = incident["alarm"]
    assert alarm["flapping"] and alarm["occurrences"] == 6 and alarm["suppressed_total"] == 3
    assert incident["reports_count"] == 12
    assert ticket_of(fresh, alarm["fault_ticket"])["category"] == "sensor_fault"
    assert len(pages(fresh, "/v1/tickets?category=sensor_fault", 10)) == 1


@pytest.mark.parametrize("name", ["i0", "i", "1", "t1", "i01", "i-1", "i99999999", "i99999999999999999999"])
def test_incidents_that_are_not_there(server, name):
    assert server.get(f"/v1/incidents/{name}").status == 404
    assert send(server, f"/v1/incidents/{name}/merge", {"into": "i1"}).status == 404
    assert send(server, f"/v1/incidents/{name}/unmerge", {"seq": [1]}).status == 404


def finish(server, ticket, closure):
    """From wherever a fresh or a reopened ticket stands to its close."""
    if ticket_of(server, ticket)["state"] == "reported":
        done(server, ticket, "accept")
        done(server, ticket, "dispatch", unit="streetlight_office")
    done(server, ticket, "sign")
    done(server, ticket, "submit_result", closure=closure, note="looked after")
    assert done(server, ticket, "check_pass")["state"] == "closed"


def test_a_true_close_reopens_and_a_false_one_does_not(fresh):
    """A false alarm must not eat a true one; what was handled and comes back is the same matter."""
    first = lamp(fresh, 1)
    finish(fresh, first["ticket"], "handled")
    again = lamp(fresh, 2)
    assert (again["status"], again["incident"], again["ticket"]) == ("merged", first["incident"], first["ticket"])
    ticket = fresh.get(f"/v1/tickets/{first['ticket']}").json()
    assert ticket["reopen_count"] == 1 and ticket["state"] not in ("closed", "archived")
    finish(fresh, first["ticket"], "false_alarm")
    assert fresh.get(f"/v1/incidents/{first['incident']}").json()["state"] == "false"
    after = lamp(fresh, 3)
    assert after["status"] == "created" and after["incident"] != first["incident"] and after["ticket"] != first["ticket"]
