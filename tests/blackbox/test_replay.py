"""gridd replay: recorded input through the engine under virtual time."""
import datetime
import json
import os
import pathlib
import subprocess
import sys

import pytest

from gridd import REGIONS, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("GRIDD_SHARED", ROOT.parent / "shared")) / "data"
BOSTON = SHARED / "311" / "boston-311-animal-pest-2013-2019.csv.gz"
FIRMS = SHARED / "fires" / "firms-modis-nrt-us-2025-02-06.csv.gz"
MAPS = ROOT / "bench" / "maps"

NO_STAGES = ("accept: none, verify: none, dispatch: none, sign: none, on_scene: none, check: none, "
             "follow_up: none")
POLICY = f"""
version: 1
merge_classes:
  - {{code: lamp, kind: distance, gate_m: 50, reopen: 72h, stale: 1d}}
  - {{code: fire, kind: fire, gate_m: 2000, reopen: 24h, stale: 15m}}
  - {{code: alarm, kind: alarm, gate_m: 0, reopen: 10m, stale: 2h}}
categories:
  - {{code: lamp, name: Lamp, priority: P3, merge: lamp, {NO_STAGES}, handle: 4wh, overall: 60d}}
  - {{code: works, name: Works, priority: P3, {NO_STAGES}, handle: 1d, overall: 60d}}
  - {{code: hour, name: An hour, priority: P3, {NO_STAGES}, handle: none, overall: 1h}}
  - {{code: fire, name: Fire, priority: P1, merge: fire}}
  - {{code: smoke, name: Smoke, priority: P1, merge: alarm}}
  - {{code: sensor_fault, name: Sensor, priority: P4}}
  - {{code: patrol, name: Patrol, priority: P4, ticket: false}}
units:
  - {{code: power, name: Power}}
  - {{code: water, name: Water}}
channels:
  - {{code: handheld, name: Handheld, observer: person, public: false}}
  - {{code: sensor, name: Sensor, observer: sensor, public: false}}
  - {{code: satellite, name: Satellite, observer: modis, public: false}}
"""
NOON = datetime.datetime(2026, 11, 23, 4, 0, tzinfo=datetime.timezone.utc)  # a Monday, 12:00 in China


def at(seconds=0, base=NOON):
    return (base + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def report(seconds, number, category="lamp", base=NOON, ticket=None, **more):
    line = {"at": at(seconds, base), "report": {"id": str(number), "source": "s", "category": category,
                                                "occurred_at": at(seconds, base), "grid": "g1", **more}}
    return line if ticket is None else {**line, "ticket": ticket}


def command(seconds, number, name, base=NOON, **fields):
    return {"at": at(seconds, base), "ticket": {"report": {"source": "s", "id": str(number)}}, "command": name,
            "fields": fields}


def advance(seconds, base=NOON):
    return {"at": at(seconds, base), "advance": True}


class Replayed:
    def __init__(self, folder, lines, policy=POLICY, flags=()):
        text = lines if isinstance(lines, str) else "".join(json.dumps(line) + "\n" for line in lines)
        for name, content in (("in.ndjson", text), ("policy.yaml", policy), ("regions.csv", REGIONS)):
            (folder / name).write_text(content, encoding="utf-8")
        self.result = run("replay", "--policy", folder / "policy.yaml", "--regions", folder / "regions.csv",
                          "--input", folder / "in.ndjson", "--out", folder / "out.ndjson", *flags)
        self.bytes = self.result.stdout + (folder / "out.ndjson").read_text(encoding="utf-8") \
            if self.result.returncode == 0 else ""

    @property
    def stats(self):
        assert self.result.returncode == 0, self.result.stderr
        return json.loads(self.result.stdout)

    @property
    def events(self):
        assert self.result.returncode == 0, self.result.stderr
        return [json.loads(line) for line in self.bytes.split("\n", 1)[1].splitlines()]

    def of(self, kind, **members):
        return [event for event in self.events if event["kind"] == kind
                and all(event.get(key) == value for key, value in members.items())]

    def refusal(self):
        assert self.result.returncode == 1 and self.result.stdout == "", self.result
        assert len(self.result.stderr.splitlines()) == 1
        return self.result.stderr


def without(stats, *keys):
    return {key: value for key, value in stats.items() if key not in keys}


def test_usage(tmp_path):
    assert "--compare-policy" in run("replay", "--help").stdout
    assert run("replay").returncode == 2
    assert run("replay", "--policy", "p", "--regions", "r").returncode == 2
    assert run("replay", "--policy", "p", "--regions", "r", "--input", "").returncode == 2
    missing = run("replay", "--policy", tmp_path / "none", "--regions", "r", "--input", "i")
    assert missing.returncode == 1 and len(missing.stderr.splitlines()) == 1


GOOD = json.dumps(report(0, 1))


@pytest.mark.parametrize("bad, why", [
    (json.dumps(report(-1, 2)), "time order"),
    ("nonsense", "JSON"),
    (GOOD + "x", ""),
    ('{"at":"2026-11-23T04:00:00Z"}', "a report, a command or an advance"),
    ('{"report":{}}', "at is missing"),
    ('{"at":"yesterday","advance":true}', ""),
    ('{"at":"2026-11-23T04:00:00Z","advance":false}', "advance must be true"),
    ('{"at":"2026-11-23T04:00:00Z","command":"accept"}', "a command is for a ticket"),
    ('{"at":"2026-11-23T04:00:00Z","ticket":{"report":{"id":"1"}}}', "a report, a command"),
    ('{"at":"2026-11-23T04:00:00Z","advance":true,"more":1}', "a line has"),
    ('{"at":"2026-11-23T04:00:00Z","report":{"id":"1"},"advance":true}', "a report, a command"),
    ('{"at":"2026-11-23T04:00:00Z","report":' + '"' + "x" * 70000 + '"}', "too long"),
    ('{"at":"2026-11-23T04:00:00Z","report":{"id":"1","id":"2"}}', "twice"),
])
def test_a_line_that_cannot_be_taken_ends_it_with_its_number(tmp_path, bad, why):
    message = Replayed(tmp_path, f"{GOOD}\n\n{bad}\n").refusal()
    assert "in.ndjson:3: " in message and why in message


def test_bad_regions_name_their_line(tmp_path):
    (tmp_path / "bad.csv").write_text("code,parent,level,name\nc,,0,C\ng,none,1,G\n")
    (tmp_path / "p.yaml").write_text(POLICY)
    (tmp_path / "i").write_text("")
    result = run("replay", "--policy", tmp_path / "p.yaml", "--regions", tmp_path / "bad.csv", "--input",
                 tmp_path / "i")
    assert result.returncode == 1 and "bad.csv:3: " in result.stderr


def test_more_lines_than_a_replay_has(tmp_path):
    (tmp_path / "p.yaml").write_text(POLICY)
    (tmp_path / "r.csv").write_text(REGIONS)
    with open(tmp_path / "i", "wb") as file:
        for _ in range(256):
            file.write(b"\n" * (1 << 20))
        file.write(b"\n")
    arguments = ("replay", "--policy", tmp_path / "p.yaml", "--regions", tmp_path / "r.csv", "--input", tmp_path / "i")
    assert "268435456 lines" in run(*arguments).stderr
    (tmp_path / "i").unlink()


def test_nothing_happened(tmp_path):
    empty = Replayed(tmp_path, "")
    assert empty.stats["reports"]["created"] == 0 and empty.bytes.count("\n") == 1


def test_reports_that_are_not_valid_are_counted_and_told(tmp_path):
    stats = Replayed(tmp_path, [report(0, 1), report(1, 2, "nonesuch"), report(2, 1, text="other")]).stats
    assert stats["reports"] == {"created": 1, "merged": 0, "replayed": 0, "conflict": 1, "invalid": 1}
    assert [problem["line"] for problem in stats["problems"]] == [2]


def test_an_escaped_or_reordered_line_is_the_same(tmp_path):
    plain = Replayed(tmp_path, [report(0, 1)]).bytes
    turned = {"report": report(0, 1)["report"], "at": at(0)}
    assert Replayed(tmp_path, json.dumps(turned) + "\r\n").bytes == plain
    assert Replayed(tmp_path, json.dumps(turned).replace('"source": "s"', '"source": "\\u0073"')).bytes == plain


def test_what_happens_at_the_limit_is_in_time(tmp_path):
    due = {"overall_due": at(600)}
    lines = [report(0, 1, "works", ticket=due), report(0, 2, "works", ticket=due), report(0, 3, "works", ticket=due),
             command(600, 1, "close"), command(601, 2, "close")]
    replayed = Replayed(tmp_path, lines)
    overall = replayed.stats["tickets"]["stages"]["overall"]
    assert overall == {"ended": 2, "on_time": 1, "late": 1, "overdue_now": 1}
    late = replayed.of("ticket.overdue", stage="overall")
    assert [event["at"] for event in late] == [at(600)] * 2
    # An advance to the instant fires what is due at it.
    assert Replayed(tmp_path, lines[:3] + [advance(599)]).of("ticket.overdue") == []
    assert len(Replayed(tmp_path, lines[:3] + [advance(600)]).of("ticket.overdue")) == 3


def test_a_planned_limit_that_no_ticket_can_have(tmp_path):
    lines = [report(0, 1, "works", ticket={"overall_due": at(-5)}),
             report(0, 2, "works", ticket={"overall_due": at(367 * 86400)}), advance(366 * 86400)]
    replayed = Replayed(tmp_path, lines)
    assert [event["at"] for event in replayed.of("ticket.overdue", stage="overall")] == [at(1), at(366 * 86400)]
    assert replayed.stats["problems_total"] == 2


def test_close_goes_all_the_way(tmp_path):
    replayed = Replayed(tmp_path, [report(0, 1), command(5, 1, "close"), command(6, 1, "close"),
                                   command(7, 9, "close"), command(8, 1, "fly")])
    changes = [event["command"] for event in replayed.of("ticket.changed")]
    assert changes == ["accept", "dispatch", "sign", "submit_result", "check_pass"]
    assert replayed.stats["commands"] == {"done": 1, "replayed": 0, "refused_state": 1, "refused_role": 0, "stale": 0,
                                          "invalid": 1, "full": 0, "no_ticket": 1}
    assert replayed.stats["incidents"]["closed"] == 1


def test_command_fields(tmp_path):
    lines = [report(0, 1),
             command(1, 1, "accept", if_version=9),
             command(1, 1, "accept", role="unit"),
             command(1, 1, "accept", actor="li", role="intake", actor_region="c", command_id="a"),
             command(2, 1, "accept", command_id="a"),
             command(3, 1, "dispatch", unit="power", limit="2h"),
             command(3, 1, "dispatch", unit="nobody"),
             command(4, 1, "sign", nonsense=1),
             command(5, 1, "sign", role="unit", actor_unit="water"),
             command(6, 1, "sign", role="unit", actor_unit="power")]
    replayed = Replayed(tmp_path, lines)
    commands = replayed.stats["commands"]
    assert commands == {"done": 3, "replayed": 1, "refused_state": 0, "refused_role": 2, "stale": 1, "invalid": 2,
                        "full": 0, "no_ticket": 0}
    assert [problem["subject"] for problem in replayed.stats["problems"] if "/" in problem["subject"]] == \
        ["accept/if_version", "dispatch/unit", "sign/nonsense"]
    assert replayed.of("ticket.changed", command="sign")[0]["due_at"] == at(3 + 7200)


def test_a_suspension_over_a_holiday_is_exact_to_the_second(tmp_path):
    morning = datetime.datetime(2026, 9, 30, 0, 30, tzinfo=datetime.timezone.utc)  # 08:30 in China

    def clock(text):
        return (datetime.datetime.fromisoformat(text + "+08:00") - morning).total_seconds()

    until = "2026-10-09T02:00:00Z"  # 10:00: behind the holiday of 1 to 7 October
    lines = [report(clock("2026-09-30T08:31:00"), 1, base=morning),
             command(clock("2026-09-30T08:59:59"), 1, "accept", base=morning),
             command(clock("2026-09-30T09:00:00"), 1, "dispatch", base=morning),
             command(clock("2026-09-30T09:10:00"), 1, "sign", base=morning),
             command(clock("2026-09-30T10:00:00"), 1, "request_suspension", base=morning, reason="season_weather",
                     until=until, actor="a", role="unit"),
             command(clock("2026-09-30T10:30:07"), 1, "approve", base=morning,
                     actor="b", role="supervisor"),
             advance(clock("2026-10-12T08:00:00"), base=morning)]
    replayed = Replayed(tmp_path, lines)
    assert replayed.stats["commands"]["done"] == 5, replayed.stats["problems"]
    assert [event["at"] for event in replayed.of("ticket.changed", command="resume")] == ["2026-10-09T02:00:00.000Z"]
    # Of 4 h 1:30:07 were used; of the other 2:29:53 two hours lie before the noon break.
    assert [event["at"] for event in replayed.of("ticket.overdue", stage="handle")] == ["2026-10-09T06:29:53.000Z"]


def test_a_joint_ticket_waits_for_its_late_co_handler(tmp_path):
    units = [{"unit": "water", "limit": "2h"}]
    lines = [report(0, 1, "works"), command(1, 1, "accept"),
             command(10, 1, "whistle", lead="power", units=units, decision="joint"),
             command(20, 1, "sign", unit="power"), command(30, 1, "check_in", unit="water"),
             command(7300, 1, "submit_result", unit="power", note="half done"),
             command(7400, 1, "submit_result", unit="water", note="done"),
             command(7500, 1, "submit_result", unit="power", note="done"),
             command(7600, 1, "check_pass", actor="c", role="checker")]
    replayed = Replayed(tmp_path, lines)
    stats = replayed.stats
    assert stats["commands"]["done"] == 7 and stats["commands"]["refused_state"] == 1, stats["problems"]
    assert [event["at"] for event in replayed.of("ticket.overdue")] == [at(10 + 7200)]
    assert stats["tickets"]["states"]["closed"] + stats["tickets"]["states"]["archived"] == 1


def test_a_hundred_thousand_deadlines_of_one_instant(tmp_path):
    count = 100_000
    line = json.dumps(report(0, "@", "hour"))
    text = "".join(line.replace('"@"', f'"{number}"') + "\n" for number in range(count))
    replayed = Replayed(tmp_path, text + json.dumps(advance(3600)) + "\n")
    assert replayed.stats["tickets"]["opened"] == count
    overdue = [line for line in replayed.bytes.splitlines() if '"kind":"ticket.overdue"' in line]
    assert len(overdue) == count and all(at(3600) in line for line in (overdue[0], overdue[-1]))
    names = [json.loads(line)["ticket"] for line in overdue]
    assert len(set(names)) == count


def test_the_whole_queue_sent_ten_times_again(tmp_path):
    queue = [report(number, number, ("lamp", "works", "fire", "patrol")[number % 4],
                    location={"lat": 30.001 + number * 0.0001, "lon": 110.001}) for number in range(200)]
    again = [{**line, "at": at(300 + turn)} for turn in range(10) for line in queue]
    once = Replayed(tmp_path, queue + [advance(400)])
    ten = Replayed(tmp_path, queue + again + [advance(400)])
    assert ten.stats["reports"]["replayed"] == 2000
    assert without(ten.stats["reports"], "replayed") == without(once.stats["reports"], "replayed")
    for part in ("incidents", "tickets", "events", "deadlines"):
        assert ten.stats[part] == once.stats[part]
    assert [without(event, "line") for event in ten.events] == [without(event, "line") for event in once.events]


def test_a_satellite_pixel_ten_hours_late(tmp_path):
    place = {"lat": 30.001, "lon": 110.001}
    pixel = report(36000, 2, "fire", channel="satellite", location={"lat": 30.004, "lon": 110.001},
                   attributes={"satellite": "modis"})
    pixel["report"]["occurred_at"] = at(60)
    lines = [report(0, 1, "fire", location=place), pixel]
    replayed = Replayed(tmp_path, lines)
    incidents = replayed.stats["incidents"]
    assert incidents["distinct"] == 1 and incidents["joined"] == 1 and incidents["late_reports"] == 1
    assert replayed.of("incident.repaged") == []
    assert incidents["largest"][0]["last_seen_at"] == at(60)


def test_a_sensor_that_toggles_each_second_for_an_hour(tmp_path):
    def sample(second):
        state = {"alarm": "smoke"} if second % 2 == 0 else {"alarm": "smoke", "alarm_state": "clear"}
        return report(second, second, "smoke", channel="sensor", device="d1", attributes=state)

    replayed = Replayed(tmp_path, [sample(second) for second in range(3600)] + [advance(7200)])
    stats = replayed.stats
    assert stats["incidents"]["distinct"] == 1 and stats["reports"]["created"] + stats["reports"]["merged"] == 3600
    opened = replayed.of("ticket.opened")
    assert [event["category"] for event in opened] == ["smoke", "sensor_fault"]
    assert opened[0]["line"] == 1  # the first alarm is never hidden
    assert stats["incidents"]["suppressed_total"] > 1700
    assert len(replayed.of("incident.flapping")) < 10


def test_another_clearing_time_is_another_verdict(tmp_path):
    """High, low for three minutes, high again: with the built-in 120 s it was over and comes again after ten
    minutes of being clear, so it pages; with a policy that waits four minutes it was never over."""
    def sample(second, number, **state):
        return report(second, number, "smoke", channel="sensor", device="d1", attributes={"alarm": "smoke", **state})

    lines = [sample(0, 1), sample(10, 2, alarm_state="clear"), advance(190), sample(200, 3), advance(300)]
    plain = Replayed(tmp_path, lines)
    other = Replayed(tmp_path, lines, policy=POLICY + "alarm: {clear_for: 4m}\n")
    states = [[event["state"] for event in replayed.of("incident.alarm")] for replayed in (plain, other)]
    assert states == [["cleared", "raised"], ["raised"]], states


def year_of_work():
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    lines = []
    for day in range(365):
        for turn in range(3):
            seconds = day * 86400 + turn * 20000 + day * 37
            number = day * 3 + turn
            where = {"lat": 30.001 + number % 50 * 0.001, "lon": 110.001}
            lines.append((seconds, report(seconds, number, ("lamp", "works", "hour")[turn], base=start, location=where)))
            if number % 4 != 0:
                closed = seconds + number % 97 * 3600
                lines.append((closed, command(closed, number, "close", base=start)))
    lines.sort(key=lambda line: line[0])
    return [line for _, line in lines] + [advance(366 * 86400, base=start)]


def test_a_whole_year_twice(tmp_path):
    lines = year_of_work()
    first, second = Replayed(tmp_path, lines), Replayed(tmp_path, lines)
    assert len(first.bytes) > 100_000 and first.bytes == second.bytes
    tickets = first.stats["tickets"]
    for counts in tickets["stages"].values():
        assert counts["ended"] == counts["on_time"] + counts["late"]
    assert sum(tickets["states"].values()) == tickets["opened"]
    assert tickets["stages"]["overall"]["late"] > 0 and tickets["stages"]["handle"]["on_time"] > 0
    instants = [event["at"] for event in first.events]
    assert instants == sorted(instants)
    assert [event["seq"] for event in first.events] == sorted({event["seq"] for event in first.events})


def test_what_would_have_been(tmp_path):
    (tmp_path / "other.yaml").write_text(POLICY.replace("gate_m: 50,", "gate_m: 20,").replace(
        "overall: 1h", "overall: 3h"))
    lines = [report(0, 1, location={"lat": 30.001, "lon": 110.001}), report(1, 2, location={"lat": 30.0013, "lon": 110.001}),
             report(2, 3, location={"lat": 30.00101, "lon": 110.001}), report(3, 4, "hour"), command(7000, 4, "close")]
    replayed = Replayed(tmp_path, lines, flags=("--compare-policy", tmp_path / "other.yaml"))
    assert replayed.stats["policy"]["incidents"]["distinct"] == 2
    assert replayed.stats["compare_policy"]["incidents"]["distinct"] == 3
    differences = replayed.stats["differences"]
    joined = differences["merges"]["only_joined_under_policy"]
    assert joined["pairs"] == 2 and joined["incidents_divided"] == 1
    assert [pair["lines"] for pair in joined["some"]] == [[1, 2]]
    assert differences["merges"]["only_joined_under_compare_policy"]["pairs"] == 0
    late = differences["tickets"]["only_under_policy"]
    assert late["late"] == 1 and late["late_overall"] == 1
    assert late["some"][0]["line"] == 4 and late["some"][0]["stages"] == ["overall"]
    assert differences["tickets"]["only_under_compare_policy"]["late"] == 0
    assert differences["tickets"]["only_under_compare_policy"]["not_there_otherwise"] == 1


def test_another_policys_fire_figures(tmp_path):
    """Pixels 1,500 m from each other: one fire, or two."""
    def pixel(seconds, number, lat):
        return report(seconds, number, "fire", channel="satellite", location={"lat": lat, "lon": 110.001})

    (tmp_path / "other.yaml").write_text(POLICY + "fire: {modis: {window: 1h, radius_m: 700}}\n")
    lines = [pixel(0, 1, 30.001), pixel(10, 2, 30.0145)]
    replayed = Replayed(tmp_path, lines, flags=("--compare-policy", tmp_path / "other.yaml"))
    assert replayed.stats["policy"]["incidents"]["distinct"] == 1
    assert replayed.stats["compare_policy"]["incidents"]["distinct"] == 2
    (tmp_path / "bad.yaml").write_text(POLICY + "fire:\n  modis: {window: 8d}\n")
    refused = run("replay", "--policy", tmp_path / "bad.yaml", "--regions", tmp_path / "regions.csv", "--input",
                  tmp_path / "in.ndjson")
    line = POLICY.count("\n") + 2
    assert refused.returncode != 0 and f"bad.yaml:{line}: fire.modis.window: is not from" in refused.stderr


def test_a_policy_against_itself_differs_in_nothing(tmp_path):
    replayed = Replayed(tmp_path, year_of_work()[:600], flags=("--compare-policy", tmp_path / "policy.yaml"))
    differences = replayed.stats["differences"]
    assert all(part["pairs"] == 0 and part["some"] == [] for part in differences["merges"].values())
    assert all(part["late"] == part["not_there_otherwise"] == 0 for part in differences["tickets"].values())


def convert(folder, source, name):
    subprocess.run([sys.executable, "-B", ROOT / "bench" / "convert.py", "--map", MAPS / f"{name}.json", source, "--out",
                    folder / "in.ndjson", "--regions", folder / "regions.csv"], check=True, capture_output=True)
    result = run("replay", "--policy", MAPS / f"{name}-policy.yaml", "--regions", folder / "regions.csv", "--input",
                 folder / "in.ndjson", "--out", folder / "out.ndjson")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.skipif(not BOSTON.exists(), reason=f"SKIPPED: the corpus {BOSTON} is absent")
def test_boston_says_the_same_of_its_cases(tmp_path):
    stats = convert(tmp_path, BOSTON, "boston-311")
    assert stats["tickets"]["opened"] == 46638 and stats["incidents"]["distinct"] == 46638
    subprocess.run([sys.executable, "-B", ROOT / "bench" / "check_boston.py", BOSTON, tmp_path / "out.ndjson", "--json",
                    tmp_path / "check.json"], check=True, capture_output=True)
    check = json.loads((tmp_path / "check.json").read_text())
    assert check["compared"] == 24497 and check["same"] == 24486
    assert sorted(check["causes"].values()) == [1, 10]
    assert any("closed before it was opened" in why for why in check["causes"])


@pytest.mark.skipif(not FIRMS.exists(), reason=f"SKIPPED: the corpus {FIRMS} is absent")
def test_detections_from_space_become_fires(tmp_path):
    stats = convert(tmp_path, FIRMS, "firms-modis")
    assert stats["reports"]["created"] + stats["reports"]["merged"] == 40552
    assert stats["reports"]["created"] == stats["incidents"]["distinct"] < 40552
    largest = stats["incidents"]["largest"][0]
    # The crater of Kilauea burns whatever the policy.
    assert abs(largest["lat"] - 19.41) < 0.05 and abs(largest["lon"] + 155.28) < 0.05
    assert largest["spread_m"] <= 2000
