"""Statistics: every number is the count of the list that it links to, and the numbers are those of what was done."""
import datetime
import urllib.parse

import pytest

from gridd import Gridd, report
from work import done, instant, opened, pages, reported

BYS = ["category", "region", "channel", "unit", "day"]


def worked(server, name, unit="streetlight_office"):
    """Accepted, dispatched, signed and handed in."""
    done(server, name, "accept")
    done(server, name, "dispatch", unit=unit)
    done(server, name, "sign", actor="li", role="unit", actor_unit=unit)
    done(server, name, "submit_result", actor="li", role="unit", actor_unit=unit, note="done")


def closed(server, name, unit="streetlight_office"):
    worked(server, name, unit)
    done(server, name, "check_pass", role="checker", actor="wang")


@pytest.fixture(scope="module")
def town():
    """One ticket of each fate, in several grids, categories, channels and units."""
    with Gridd() as server:
        for number, category, grid, channel in (
                (1, "gas_leak", "g1", "handheld"), (2, "gas_leak", "g1", "app"),  # one incident
                (3, "dispute", "g2", "handheld"), (4, "dispute", "g2", "app"), (5, "patrol", "g10", "handheld")):
            reported(server, number, category=category, grid=grid, channel=channel)
        answers = {n: reported(server, n, category="streetlight", grid="g10" if n % 2 else "g2", channel="hotline",
                               attributes={"asset_id": f"lamp-{n}"})["ticket"] for n in range(10, 16)}
        done(server, answers[10], "reject", role="shift_lead", reason="no such lamp")
        closed(server, answers[11])
        done(server, answers[11], "follow_up", contacted=True, solved=True, satisfied=True)
        closed(server, answers[12])
        done(server, answers[12], "follow_up", contacted=True, solved=False, note="dark again")  # reopens
        closed(server, answers[13])
        worked(server, answers[14])
        done(server, answers[14], "check_fail", role="checker", actor="wang", note="still dark")
        done(server, answers[15], "accept")
        done(server, answers[15], "dispatch", unit="streetlight_office")
        done(server, answers[15], "return", role="unit", actor="li", reason="not ours")
        done(server, answers[15], "approve", role="dispatcher", actor="chen")
        done(server, opened(server, category="streetlight"), "void", role="shift_lead", reason="a test")
        joint = opened(server, category="road_damage")
        done(server, joint, "accept")
        done(server, joint, "whistle", role="whistle_center", actor="centre", decision="joint", lead="road_maintenance",
             unit="road_maintenance", units=[{"unit": "water_company"}])
        done(server, joint, "check_in", role="unit", actor_unit="water_company")
        opened(server, category="road_damage", grid="c1")
        yield server


def ask(server, path):
    answer = server.get(path)
    assert answer.status == 200, (path, answer.body)
    return answer.json()


def links_of(value, path=()):
    """Every (what, number, link) of an answer."""
    if isinstance(value, list):
        for item in value:
            yield from links_of(item, path)
    elif isinstance(value, dict):
        if "drilldown_denominator" in value:
            yield (*path, "denominator"), value["denominator"], value["drilldown_denominator"]
        if "drilldown" in value:
            yield path, value.get("count", value.get("numerator")), value["drilldown"]
        for key, inner in value.items():
            yield from links_of(inner, (*path, key))


def check_links(server, stats):
    checked = 0
    for what, number, link in links_of(stats):
        answer = ask(server, link)
        assert answer["count"] == number, (what, link)
        assert len(answer["items"]) == min(number, 100), (what, link)
        checked += 1
    return checked


def test_what_was_done_is_what_is_counted(town):
    stats = ask(town, "/v1/stats")
    counts, rates = stats["counts"], stats["rates"]
    states = {state: value["count"] for state, value in counts["by_state"].items() if value["count"]}
    assert states == {"reported": 3, "accepted": 1, "dispatched": 4, "closed": 1, "archived": 1, "rejected": 1, "voided": 1}
    assert counts["reports"]["count"] == 11
    assert counts["incidents"]["count"] == 9  # of 10 reports that were placed, one was a repetition
    assert counts["tickets"]["count"] == 12 == sum(states.values())
    pairs = {name: (rate["numerator"], rate["denominator"]) for name, rate in rates.items()}
    assert pairs["duplication"] == (1, 10)
    assert pairs["solution"] == (1, 2)  # the one that said no counts, although its ticket was reopened
    assert pairs["satisfaction"] == (1, 2)
    assert pairs["rework"] == (1, 3)
    assert pairs["return"] == (1, 7)
    assert pairs["shuffle"] == (0, 7)
    assert pairs["accurate_dispatch"] == (5, 7)
    assert pairs["closing"] == (2, 7)
    assert pairs["unfinished"] == (5, 7)
    assert pairs["accurate_file"] == (7, 8)
    assert pairs["missed_report"] == (5, 7)
    assert pairs["whistle"] == (1, 7)
    assert pairs["whistle_refused"] == (0, 1)
    assert pairs["check_in"] == (1, 1) == pairs["check_in_on_time"]
    assert pairs["self_handled"] == (0, 2)
    assert pairs["on_time_verify"] == (0, 0) and rates["on_time_verify"]["rate"] is None
    assert pairs["response"] == (6, 6)
    assert stats["region_light"] == "yellow"


def test_rates_are_shares_and_say_what_of(town):
    stats = ask(town, "/v1/stats")
    assert stats["as_of"] == ask(town, "/v1/status")["seq"]
    for name, rate in stats["rates"].items():
        assert 0 <= rate["numerator"] <= rate["denominator"], name
        if rate["denominator"]:
            assert rate["rate"] == pytest.approx(rate["numerator"] / rate["denominator"])
        assert (rate["from"], rate["to"], rate["as_of"]) == (stats["from"], stats["to"], stats["as_of"])
        assert any("\u4e00" <= letter <= "\u9fff" for letter in rate["name"])
    assert sum(level["numerator"] for level in stats["resolution_levels"]) == 2


@pytest.mark.parametrize("region", [None, "c", "c1", "g2"])
def test_each_number_is_the_count_of_its_list(town, region):
    assert check_links(town, ask(town, "/v1/stats" + (f"?region={region}" if region else ""))) > 55


@pytest.mark.parametrize("by", BYS)
@pytest.mark.parametrize("region", [None, "c1"])
def test_each_number_of_each_group_is_the_count_of_its_list(town, by, region):
    stats = ask(town, f"/v1/stats?by={by}" + (f"&region={region}" if region else ""))
    assert stats["by"] == by and stats["groups_truncated"] is False and stats["groups"]
    check_links(town, stats["groups"])
    keys = [group["key"] for group in stats["groups"]]
    assert keys == sorted(keys) and len(set(keys)) == len(keys)
    for what, whole in (("tickets", stats["counts"]["tickets"]["count"]), ("reports", stats["counts"]["reports"]["count"]),
                        ("incidents", stats["counts"]["incidents"]["count"])):
        parts = [group["counts"][what] for group in stats["groups"]]
        if parts[0] is None:
            assert by in ("channel", "unit") and set(map(type, parts)) == {type(None)}
        else:
            assert sum(part["count"] for part in parts) == whole, what
    for name, rate in stats["rates"].items():
        parts = [group["rates"][name] for group in stats["groups"] if group["rates"][name] is not None]
        if parts:
            assert sum(part["denominator"] for part in parts) == rate["denominator"], name
            assert sum(part["numerator"] for part in parts) == rate["numerator"], name


def test_groups_have_keys_and_names(town):
    keys = {by: {group["key"]: group["name"] for group in ask(town, f"/v1/stats?by={by}")["groups"]} for by in BYS}
    assert keys["category"]["gas_leak"] and set(keys["category"]) == {"gas_leak", "dispute", "patrol", "streetlight",
                                                                      "road_damage"}
    assert keys["region"] == {"c": "City"}
    assert {"", "handheld", "app", "hotline"} == set(keys["channel"])  # by hand: no channel
    assert {"", "streetlight_office", "road_maintenance"} <= set(keys["unit"])
    today = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8)))
    assert set(keys["day"]) <= {f"{today - datetime.timedelta(days=n):%Y-%m-%d}" for n in (0, 1)}
    inner = {group["key"] for group in ask(town, "/v1/stats?by=region&region=c1")["groups"]}
    assert inner == {"c1", "g1", "g2"}


@pytest.mark.parametrize("path", ["tickets?stat=tickets", "incidents?", "reports?stat=reports", "tickets?stat=closing&part=denominator",
                                  "reports?stat=duplication&part=denominator"])
def test_pages_join_without_gap_or_repeat(town, path):
    window = f"&from={instant(-3600)}&to={instant(60)}"
    path = f"/v1/stats/{path}{window}"
    whole = ask(town, path)
    assert whole["count"] == len(whole["items"]) > 5 and whole["next_cursor"] is None
    for limit in (1, 3, whole["count"], whole["count"] + 1):
        assert list(pages(town, path, limit)) == whole["items"]
    cursor = ask(town, path + "&limit=2")["next_cursor"]
    assert town.get(f"{path}&region=c1&cursor={cursor}").status == 400
    assert town.get(f"{path}&cursor={cursor[1:]}").status == 400


def test_the_window_is_half_open(town):
    tickets = ask(town, "/v1/stats/tickets")["items"]
    at = tickets[3]["received_at"]
    here = [ticket["ticket"] for ticket in tickets if ticket["received_at"] == at]
    earlier = [ticket["ticket"] for ticket in tickets if ticket["received_at"] < at]
    day = {"from": instant(-86000), "to": instant(60)}

    def listed(**window):
        page = ask(town, "/v1/stats/tickets?" + urllib.parse.urlencode({**day, **window}))
        return [ticket["ticket"] for ticket in page["items"]]
    assert listed(to=at) == earlier
    assert listed(**{"from": at}) == [ticket["ticket"] for ticket in tickets if ticket["received_at"] >= at]
    assert set(here) <= set(listed(**{"from": at}))
    assert ask(town, f"/v1/stats?from={at}&to={at}")["counts"]["tickets"]["count"] == 0


@pytest.mark.parametrize("path", [
    "?by=colour", "?by=", "?from=yesterday", "?to=", f"?from=2026-11-25T00:00:00Z&to=2026-11-24T00:00:00Z",
    "?from=2025-01-01T00:00:00Z&to=2026-02-05T00:00:00.001Z", "?key=c", "/tickets?stat=nothing", "/tickets?stat=",
    "/tickets?stat=state", "/tickets?stat=state&state=x", "/tickets?state=closed", "/tickets?stat=light&light=blue",
    "/tickets?stat=level&level=16", "/tickets?stat=level&level=-1", "/tickets?stat=closing&part=both", "/tickets?key=g1",
    "/tickets?by=day&key=today", "/tickets?by=region&key=nowhere", "/tickets?by=unit&key=nobody", "/tickets?limit=0",
    "/tickets?limit=1001", "/tickets?cursor=abc", "/incidents?by=unit&key=", "/incidents?by=channel&key=", "/incidents?stat=x",
    "/reports?by=unit&key=", "/reports?stat=closing", "/reports?cursor=abc", "?limit=3"])
def test_bad_parameters(town, path):
    answer = town.get("/v1/stats" + path)
    assert answer.status == 400, (path, answer.body)
    assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_four_hundred_days_are_a_window(town):
    assert town.get("/v1/stats?from=2025-01-01T00:00:00Z&to=2026-02-05T00:00:00Z").status == 200
    assert town.get("/v1/stats?region=nowhere").status == 404
    assert town.request("HEAD", "/v1/stats").body == b""
    assert town.request("POST", "/v1/stats").status == 405


def metrics(server):
    lines = server.get("/metrics").body.decode().splitlines()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if not line.startswith("#")}


def test_metrics_and_status_agree_with_the_statistics(town):
    stats, values, status = ask(town, "/v1/stats")["counts"], metrics(town), ask(town, "/v1/status")
    assert values["gridd_open_tickets_without_timer"] == 0
    assert values["gridd_open_tickets"] == status["open_tickets"] == stats["open"]["count"] > 0
    assert sum(values[f'gridd_open_tickets_by_priority{{priority="{n}"}}'] for n in "1234") == values["gridd_open_tickets"]
    for state in ("reported", "accepted", "dispatched", "handling", "checking", "closed"):
        assert values[f'gridd_tickets_in_memory{{state="{state}"}}'] == stats["by_state"][state]["count"]
    assert status["armed_deadlines"] == values["gridd_deadlines_pending"] == stats["open"]["count"] + stats["by_state"]["closed"]["count"]
    assert values["gridd_open_incidents"] == status["open_incidents"] > 0
    assert values['gridd_incident_reports_total{outcome="joined"}'] == 1
    assert values["gridd_tickets_refused_total"] == 0
    assert values["gridd_clock_suspect"] == 0 and values["gridd_census_timestamp_seconds"] > 1e9
    families = {}
    for name in values:
        families.setdefault(name.split("{")[0], []).append(name)
    assert max(len(of) for name, of in families.items() if not name.startswith("gridd_http")) < 100


def test_it_is_the_same_after_a_kill():
    with Gridd() as server:
        name = reported(server, 1, category="streetlight", grid="g1", channel="app")["ticket"]
        closed(server, name)
        done(server, name, "follow_up", contacted=True, solved=False, note="no")
        window = f"?by=channel&from={instant(-3600)}&to={instant(60)}"
        before = ask(server, "/v1/stats" + window)
        assert before["rates"]["solution"]["numerator"] == 0 and before["rates"]["solution"]["denominator"] == 1
        server.restart()
        assert ask(server, "/v1/stats" + window) == before
        assert metrics(server)["gridd_open_tickets_without_timer"] == 0


def test_out_of_time_is_said_and_no_number_is_given():
    with Gridd("--limit", "stats_ms=1") as server:
        lines = [report(n, category="patrol", occurred_at=instant()) for n in range(20000)]
        assert server.post_lines(lines).json()["counts"]["created"] == 20000
        for path in ("/v1/stats?by=channel", "/v1/stats/reports?by=channel&key=handheld"):
            answer = server.get(path)
            assert answer.status == 503 and "stats_ms" in answer.json()["detail"], answer.body
