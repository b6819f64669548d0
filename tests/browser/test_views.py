"""Every view with a whole scene: what it shows is right, nothing is asked of anybody else, and a
picture of each in both themes and sizes is kept for people to look at."""
import codecs
import csv
import io
import json
import pathlib
import re
import time

import pytest
import real_data
from gridd import Gridd
from scene import Scene, drill_policy
from screen import SHOTS, SIZES
from selenium.webdriver.common.keys import Keys
from work import send

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    policy = tmp_path_factory.mktemp("policy") / "drill.yaml"
    policy.write_text(drill_policy((ROOT / "server/policy/default.yaml").read_text()))
    with Gridd("--policy", str(policy), regions=real_data.regions_csv()) as server:
        def post(path, body):
            answer = send(server, path, body)
            assert answer.status in (200, 201), (path, body, answer.body)
            return answer.json()

        server.shown = Scene(post, list(real_data.regions())).play()
        yield server


def views(shown):
    return {"wall": "#/wall", "tickets": "#/tickets", "ticket": f"#/ticket/{shown['joint']}", "suspended": f"#/ticket/{shown['suspended']}",
            "region": "#/region/610900000000", "incident": f"#/incident/{shown['fire_incident']}", "operations": "#/operations",
            "directives": f"#/directives/{shown['directive']}"}


@pytest.mark.parametrize("theme,language", [("dark", "en"), ("light", "zh")])
def test_pictures_of_each_view(scene, screen, theme, language):
    screen.theme, screen.language = theme, language
    screen.open(scene)
    assert screen.js("return document.documentElement.lang") == {"en": "en", "zh": "zh-CN"}[language]
    for size in SIZES:
        screen.resize(SIZES[size])
        for name, fragment in views(scene.shown).items():
            screen.go(fragment)
            screen.settled()
            if name == "wall":
                screen.until(lambda: screen.all(".wall[data-regions]"), "the regions are not on the map")
            screen.shot(f"{name}-{size}-{theme}")
            # A phone's page grows with what is too wide for it, so it is the size that was asked for that counts.
            wide = screen.js("return Math.max(document.documentElement.scrollWidth, innerWidth)") - SIZES[size][0]
            assert wide <= 0, f"{name} at {size} is {wide} pixels too wide"
    assert screen.hosts() == {f"127.0.0.1:{scene.port}"}
    assert not [line for line in screen.console()]
    assert len(list(SHOTS.glob(f"*-{theme}.png"))) >= 2 * len(views(scene.shown))


def test_region_numbers_open_their_lists_and_the_timeline_goes_on(scene, screen):
    code = "610900000000"
    before = len(scene.timeline(code))  # deadlines may add to it meanwhile, but not behind its first page
    screen.open(scene, f"#/region/{code}")
    name = screen.text(".breadcrumbs strong")
    assert name == "安康市"
    shown = int(screen.text("[data-count=tickets] .figure-value"))
    window = (time.time() - 7 * 86400, time.time() + 60)
    stats = scene.get("/v1/stats?region=%s&from=%s&to=%s" % (code, *(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for at in window))).json()
    assert shown == stats["counts"]["tickets"]["count"] > 0
    screen.click("[data-count=tickets]")
    assert screen.until(lambda: screen.js("return document.querySelector('dialog .muted').textContent.match(/^\\d+/)?.[0]"), "no list") == str(shown)
    screen.js("document.querySelector('dialog').close()")
    count = lambda: int(screen.js("return document.querySelector('.region-timeline .vlist').dataset.count || 0"))

    def scrolled():
        screen.js("const list = document.querySelector('.region-timeline .vlist'); list.scrollTop = list.scrollHeight")
        return count() >= before
    assert before > 200
    screen.until(scrolled, "the timeline does not go on to its end")
    assert screen.until(lambda: len(screen.all(".tile")), "no regions below") == scene.get(f"/v1/regions/{code}").json()["children_count"]
    assert set(screen.js("return [...document.querySelectorAll('.tile')].map((tile) => tile.className.split('-').at(-1))")) & {"red", "yellow", "green"}


def saved(screen, folder, kind):
    """What the browser wrote to disk."""
    screen.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
    screen.click(f"[data-export={kind}]")
    return screen.until(lambda: next((path.read_bytes() for path in folder.glob(f"*.{kind}") if path.stat().st_size), None), f"there is no {kind}")


def test_a_timeline_is_taken_away_as_files(scene, screen, tmp_path):
    code = "330803000000"
    screen.open(scene, f"#/region/{code}")
    screen.until(lambda: screen.js("return document.querySelector('.region-timeline .vlist')?.dataset.count > 0"), "no timeline")
    text = saved(screen, tmp_path, "csv")
    assert text.startswith(codecs.BOM_UTF8)
    rows = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))
    listed = {item["seq"] for item in scene.timeline(code)}
    assert 20 < len(rows) <= len(listed) and {int(row["seq"]) for row in rows} <= listed
    assert any("山上着火了" in (row.get("text") or "") for row in rows)
    features = json.loads(saved(screen, tmp_path, "geojson"))
    assert features["type"] == "FeatureCollection" and len(features["features"]) >= len(rows)
    assert all(one["type"] == "Feature" for one in features["features"]) and any(one["geometry"] for one in features["features"])


def test_a_region_is_found_by_its_name(scene, screen):
    screen.open(scene, "#/region")
    screen.fill("[name=code]", "长武")
    screen.until(lambda: screen.all(".found [data-code='610428000000']"), "it is not found")
    field = screen.one("[name=code]")
    field.send_keys(Keys.ENTER)
    screen.until(lambda: screen.js("return location.hash") == "#/region/610428000000", "Enter does not go there")
    screen.go("#/tickets")
    screen.fill(".filters [name=region]", "长子县")
    screen.until(lambda: screen.all(".found [data-code='140428000000']"), "the filter does not find it")
    screen.one(".filters [name=region]").send_keys(Keys.ENTER)
    wanted = {item["id"] for item in scene.get("/v1/tickets?state=handling&region=140428000000").json()["items"]}
    shown = lambda: set(screen.js("return [...document.querySelectorAll('[data-state=handling] .card:not([hidden])')].map((card) => card.dataset.ticket)"))
    assert wanted
    screen.until(lambda: shown() == wanted, "the filter does not hold")
    screen.js("document.querySelector('.filters [name=region]').value = ''; document.querySelector('.filters [name=region]').dispatchEvent(new Event('input'))")
    screen.until(lambda: len(shown()) > len(wanted), "an emptied filter stays")


def test_a_directive_is_issued_to_a_set_of_regions(scene, screen):
    code = "330803000000"
    screen.open(scene, "#/directives")
    screen.click("[data-action=issue]")
    screen.fill(".directive-form [name=text]", "台风前加固围挡")
    screen.fill(".directive-form [name=to_region]", "衢江区")
    screen.until(lambda: screen.all(f".directive-form .found [data-code='{code}']"), "the region is not found")
    screen.one(".directive-form [name=to_region]").send_keys(Keys.ENTER)
    screen.click("[data-action=add-below]")
    below = scene.get(f"/v1/regions/{code}").json()["children_count"]
    screen.until(lambda: len(screen.all(".chips > li")) == below, "not all below it are addressed")
    screen.all(".chips .chip-x")[0].click()
    screen.fill(".directive-form [name=receipt_limit]", "1h")
    screen.fill(".directive-form [name=execution_limit]", "24h")
    screen.click(".directive-form button[type=submit]")
    screen.until(lambda: "台风前加固围挡" in screen.text(".directive-detail"), "it is not shown")
    name = screen.js("return location.hash").rsplit("/")[-1]
    stored = scene.get(f"/v1/directives/{name}").json()
    assert stored["addressees_count"] == below - 1 and stored["text"] == "台风前加固围挡"
    total = lambda key: screen.text(f"[data-total={key}] .figure-value")
    assert total("receipted") == f"0 / {below - 1}" and len(screen.all(".directive-detail tbody tr")) == min(100, below - 1)
    ticket = stored["addressees"][0]["ticket"]
    assert send(scene, f"/v1/tickets/{ticket}/sign", {"actor": "li"}).status == 200
    screen.until(lambda: total("receipted") == f"1 / {below - 1}", "a receipt is not counted")
    assert "in time" in screen.text(f".directive-detail tr[data-ticket={ticket}]")


def test_an_incident_is_taken_apart_and_put_together_again(scene, screen):
    incident = scene.shown["fire_incident"]
    screen.open(scene, f"#/incident/{incident}")
    rows = screen.until(lambda: len(screen.all(".incident-members tbody tr")), "no members")
    assert rows == 4
    assert "bearings meet" in screen.text(".incident-members") and "opened it" in screen.text(".incident-members")
    screen.until(lambda: "山上着火了" in screen.text(".incident-members"), "the texts are not shown")
    last = screen.all(".incident-members tbody tr")[-1].get_attribute("data-seq")
    screen.until(lambda: len(screen.all(".incident-map [data-seq]")) == 4, "not every report is on the map")
    assert screen.all(".incident-map path, .incident-map canvas")
    screen.js("document.querySelector(`.incident-map [data-seq=\"${arguments[0]}\"]`).click()", last)
    assert screen.js("return [...document.querySelectorAll('.incident-members input:checked')].map((box) => box.closest('tr').dataset.seq)") == [last]
    screen.click("[data-action=unmerge]")
    apart = screen.until(lambda: (hash_ := screen.js("return location.hash")) != f"#/incident/{incident}" and hash_.split("/")[-1], "it was not taken out")
    screen.until(lambda: len(screen.all(".incident-members tbody tr")) == 1, "the new incident is not shown")
    screen.until(lambda: screen.all(f".incident-map [data-incident={incident}]"), "the incident beside it is not on the map")
    screen.js("document.querySelector(`.incident-map [data-incident=${arguments[0]}]`).click()", incident)
    assert screen.js("return document.querySelector('.inline-form [name=into]').value") == incident
    screen.click(".incident .inline-form button")
    screen.until(lambda: screen.js("return location.hash") == f"#/incident/{incident}", "it was not merged")
    assert scene.get(f"/v1/incidents/{apart}").json()["merged_into"] == incident


def test_filters_find_what_the_server_finds(scene, screen):
    screen.open(scene, "#/tickets")
    screen.choose(".filters [name=unit]", "streetlight_office")
    wanted = {item["id"] for item in scene.get("/v1/tickets?state=dispatched&unit=streetlight_office").json()["items"]}
    shown = lambda: set(screen.js("return [...document.querySelectorAll('[data-state=dispatched] .card:not([hidden])')].map((card) => card.dataset.ticket)"))
    assert wanted
    screen.until(lambda: shown() == wanted, "the filter does not hold")
    assert screen.js("return location.hash") == "#/tickets"


DRAWN = """
    const at = (lane, name) => Number(lane.querySelector(`.${name}`)?.getAttribute('x1') ?? -1);
    return [...document.querySelectorAll('.clock-lane')].map((lane) => ({stage: lane.dataset.stage, now: at(lane, 'clock-now'), due: at(lane, 'clock-due'),
        pieces: [...lane.querySelectorAll('rect.piece')].map((piece) => [piece.getAttribute('class').split('piece-').at(-1), Number(piece.getAttribute('x')), Number(piece.getAttribute('width'))])}))"""


def test_a_clock_is_drawn_as_the_server_counts_it(scene, screen):
    """Each interval a piece of its kind, in order and side by side; the deadline, and now."""
    kinds = set()
    for name in ("suspended", "gas", "joint"):
        ticket = scene.shown[name]
        screen.open(scene, f"#/ticket/{ticket}")
        screen.until(lambda: screen.all(".clock-lane"), "no clock is drawn")
        clocks, drawn = scene.get(f"/v1/tickets/{ticket}/clock").json()["clocks"], screen.js(DRAWN)
        assert [lane["stage"] for lane in drawn] == [clock["stage"] for clock in clocks]
        for clock, lane in zip(clocks, drawn):
            assert [piece[0] for piece in lane["pieces"]] == [one["kind"] for one in clock["intervals"]]
            assert (lane["due"] >= 0) == (clock["due_at"] is not None)
            if clock["due_at"] and clock["remaining"] > 0:
                assert lane["now"] < lane["due"]
            starts = [piece[1] for piece in lane["pieces"]]
            assert starts == sorted(starts)
            kinds |= {piece[0] for piece in lane["pieces"]}
    assert "counted" in kinds and kinds & {"suspended", "paused"}, kinds
    assert "paused" in screen.text(".clocks") or "suspended" in kinds


def test_clock_joint_and_operations(scene, screen):
    screen.open(scene, f"#/ticket/{scene.shown['joint']}")
    clocks = scene.get(f"/v1/tickets/{scene.shown['joint']}/clock").json()["clocks"]
    assert screen.until(lambda: len(screen.all(".clock-lane")), "no clock is drawn") == len(clocks)
    assert len(screen.all(".clock-drawing .clock-now")) == len(clocks)
    assert len(screen.all(".part")) == 4
    screen.go("#/operations")
    screen.until(lambda: screen.text("[data-card=tickets] .stat-value").replace(",", "") == str(scene.get("/v1/status").json()["open_tickets"]), "open tickets differ")
    assert re.search(r"(slowest|最慢落后) \d", screen.text("[data-card=feed]")), screen.text("[data-card=feed]")


def test_keys_are_enough(scene, screen):
    screen.open(scene)
    screen.until(lambda: screen.js("return Number(document.querySelector('.wall-list .vlist').dataset.count)"), "no alerts")
    body = screen.one("body")
    body.send_keys(Keys.TAB)
    assert screen.js("return document.activeElement.className") == "skip"
    stops = []
    for _ in range(40):
        screen.driver.switch_to.active_element.send_keys(Keys.TAB)
        stops.append(screen.js("const e = document.activeElement; return e.dataset.nav || e.dataset.action || e.dataset.figure || e.className"))
        if stops[-1] == "vlist":
            break
    assert {"wall", "tickets", "region", "operations", "sound", "theme", "language", "who", "open"} <= set(stops), stops
    for key in (Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ENTER):
        screen.driver.switch_to.active_element.send_keys(key)
        time.sleep(0.1)
    screen.until(lambda: screen.js("return location.hash").startswith(("#/ticket/", "#/incident/")), "Enter does not open the row")


def press_until(screen, key, condition, complaint, most=60):
    for _ in range(most):
        if screen.js(f"const e = document.activeElement; return Boolean({condition})"):
            return
        screen.driver.switch_to.active_element.send_keys(key)
    raise AssertionError(complaint)


def test_from_the_board_to_a_command_with_keys_only(scene, screen):
    ticket = send(scene, "/v1/tickets", {"category": "streetlight", "grid": "610428001001"}).json()["id"]
    screen.open(scene, "#/tickets")
    screen.until(lambda: screen.all(f"[data-state=reported] [data-ticket={ticket}]"), "the card is not there")
    press_until(screen, Keys.TAB, "e.closest('[data-state=reported]') && e.className === 'vlist'", "the column is not reached")
    press_until(screen, Keys.ARROW_DOWN, f"e.querySelector('[aria-selected=true]')?.dataset.ticket === '{ticket}'", "the card is not selected")
    screen.driver.switch_to.active_element.send_keys(Keys.ENTER)
    screen.until(lambda: screen.js("return location.hash") == f"#/ticket/{ticket}" and screen.all(".commands [data-command]"), "Enter does not open it")
    press_until(screen, Keys.TAB, "e.dataset.command === 'accept'", "the command is not reached")
    screen.driver.switch_to.active_element.send_keys(Keys.ENTER)
    screen.until(lambda: screen.js("return document.activeElement.closest('.command-form')?.dataset.command") == "accept", "the form does not get the focus")
    press_until(screen, Keys.TAB, "e.name === 'note'", "the note is not reached")
    screen.driver.switch_to.active_element.send_keys("keys only")
    press_until(screen, Keys.TAB, "e.type === 'submit'", "the button is not reached")
    screen.driver.switch_to.active_element.send_keys(Keys.ENTER)
    screen.until(lambda: screen.js("return document.querySelector('.detail').dataset.state") == "accepted", "it is not accepted")
    assert scene.get(f"/v1/tickets/{ticket}").json()["history"][-1]["note"] == "keys only"


def test_language_and_theme_are_switched(scene, screen):
    screen.open(scene)
    assert screen.text("[data-nav=wall]") == "Wall"
    screen.click("[data-action=language]")
    screen.until(lambda: screen.text("[data-nav=wall]") == "态势", "the language stays")
    before = screen.js("return getComputedStyle(document.body).backgroundColor")
    screen.click("[data-action=theme]")
    screen.until(lambda: screen.js("return getComputedStyle(document.body).backgroundColor") != before, "the theme stays")


NAMELESS = """
    const named = (element) => (element.getAttribute('aria-label') || element.textContent.trim() || element.title || element.closest('label')?.textContent.trim()
        || element.getAttribute('alt')) ?? '';
    return [...document.querySelectorAll('button, a[href], input, select, textarea, summary, [role=img], [role=listbox], dialog, nav')]
        .filter((element) => element.checkVisibility() && !element.closest('.leaflet-control') && named(element) === '').map((element) => element.outerHTML.slice(0, 120))"""


def test_everything_to_be_operated_has_a_name(scene, screen):
    screen.open(scene)
    for fragment in views(scene.shown).values():
        screen.go(fragment)
        screen.settled()
        assert screen.js(NAMELESS) == [], fragment
        assert len(screen.all("main")) == 1
    screen.go(f"#/ticket/{scene.shown['pending']}")
    for command in screen.until(lambda: [one.get_attribute("data-command") for one in screen.all(".commands [data-command]")], "no commands"):
        screen.click(f".commands [data-command={command}]")
        screen.until(lambda: screen.js("return document.querySelector('.command-form')?.dataset.command") == command, f"{command} has no form")
        assert screen.js(NAMELESS) == [], command
