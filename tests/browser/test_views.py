"""Every view with a whole scene: what it shows is right, nothing is asked of anybody else, and a
picture of each in both themes and sizes is kept for people to look at."""
import pathlib
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
            "region": "#/region/610900000000", "incident": f"#/incident/{shown['fire_incident']}", "operations": "#/operations"}


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
            screen.shot(f"{name}-{size}-{theme}")
            wide = screen.js("return document.documentElement.scrollWidth - innerWidth")
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
    screen.click("[data-export=csv]")
    screen.until(lambda: "Saved" in screen.js("return document.querySelector('.toast')?.textContent || ''"), "the export does not end")


def test_an_incident_is_taken_apart_and_put_together_again(scene, screen):
    incident = scene.shown["fire_incident"]
    screen.open(scene, f"#/incident/{incident}")
    rows = screen.until(lambda: len(screen.all(".incident-members tbody tr")), "no members")
    assert rows == 4
    assert "bearings meet" in screen.text(".incident-members") and "opened it" in screen.text(".incident-members")
    screen.until(lambda: "山上着火了" in screen.text(".incident-members"), "the texts are not shown")
    screen.all(".incident-members tbody tr")[-1].find_element("css selector", "input").click()
    screen.click("[data-action=unmerge]")
    apart = screen.until(lambda: (hash_ := screen.js("return location.hash")) != f"#/incident/{incident}" and hash_.split("/")[-1], "it was not taken out")
    screen.until(lambda: len(screen.all(".incident-members tbody tr")) == 1, "the new incident is not shown")
    screen.fill(".inline-form [name=into]", incident)
    screen.click(".inline-form button")
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


def test_clock_joint_and_operations(scene, screen):
    screen.open(scene, f"#/ticket/{scene.shown['joint']}")
    clocks = scene.get(f"/v1/tickets/{scene.shown['joint']}/clock").json()["clocks"]
    assert screen.until(lambda: len(screen.all(".clock-lane")), "no clock is drawn") == len(clocks)
    assert len(screen.all(".clock-drawing .clock-now")) == len(clocks)
    assert len(screen.all(".part")) == 4
    screen.go("#/operations")
    screen.until(lambda: screen.text("[data-card=tickets] .stat-value").replace(",", "") == str(scene.get("/v1/status").json()["open_tickets"]), "open tickets differ")


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
