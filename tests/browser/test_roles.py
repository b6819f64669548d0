"""Tokens as the server makes them: what each role sees, where, and how a login ends and goes on."""
import signal

import pytest
from gridd import report
from guarded import Guarded
from work import instant

NEAR, FAR = {"lat": 30.001, "lon": 110.001}, {"lat": 31.001, "lon": 111.001}  # in g1 below c1, in g10 below c10
SEEN = {"centre": ["wall", "tickets", "region", "directives"], "dispatcher": ["wall", "tickets", "region", "directives"],
        "unit": ["wall", "tickets", "region", "directives"], "supervisor": ["wall", "tickets", "region", "directives"],
        "admin": ["region"], "ops": ["operations"]}


def enter(screen, token):
    screen.fill(".login [name=token]", token)
    screen.click(".login button[type=submit]")


def at_the_door(screen, server, fragment=""):
    """Nobody is logged in: all tests have one server, so one origin."""
    screen.open(server, "", tokens=True)
    screen.js("sessionStorage.clear(); localStorage.clear()")
    screen.driver.get("about:blank")
    screen.open(server, fragment, tokens=True)


def log_in(screen, server, token, fragment="", feed=True):
    at_the_door(screen, server, fragment)
    enter(screen, token)
    if feed:
        screen.until(lambda: screen.state() == "live", "the feed does not start")
    screen.until(lambda: screen.all("[data-nav]"), "the console does not open")


def send(server, number, token, place, **fields):
    body = report(number, **{"occurred_at": instant(), "category": "streetlight", "location": place, **fields})
    answer = server.post(body, Authorization=f"Bearer {token}")
    assert answer.status == 201, answer.body
    return answer.json()


@pytest.fixture(scope="module")
def guarded():
    with Guarded() as server:
        server.intake = server.make(["intake"], name="desk")
        server.near, server.far = send(server, 1, server.intake, NEAR), send(server, 2, server.intake, FAR, grid="g10")
        yield server


def count(screen):
    return screen.js("return document.querySelector('.wall-list .vlist')?.dataset.count")


def visible(screen, selector):
    return screen.js("return [...document.querySelectorAll(arguments[0])].some((one) => one.checkVisibility())", selector)


@pytest.mark.parametrize("role", SEEN)
def test_the_role_decides_what_is_there(guarded, screen, role):
    unit = {"unit": "streetlight_office"} if role == "unit" else {}
    token = guarded.make([role], None if role in ("admin", "ops") else "c1", name=f"one {role}", **unit)
    has_work = role not in ("admin", "ops")
    log_in(screen, guarded, token, feed=has_work)
    assert [link.get_attribute("data-nav") for link in screen.all("[data-nav]")] == SEEN[role]
    assert screen.text("[data-action=who]") == f"one {role}"
    screen.settled()
    assert not screen.all("#view .error"), screen.text("#view .error")
    if has_work:
        screen.until(lambda: count(screen) == "1", "it is not its own region's one alert")  # the other one lies outside
        assert visible(screen, ".figures") == (role != "unit")
        screen.go(f"#/ticket/{guarded.near['ticket']}")
        allowed = guarded.ask("GET", f"/v1/tickets/{guarded.near['ticket']}", token).json()["allowed"]
        screen.until(lambda: screen.all(".commands > *"), "no commands are told")
        shown = {button.get_attribute("data-command") for button in screen.all(".commands [data-command]")}
        assert shown == set(allowed)
        screen.go(f"#/ticket/{guarded.far['ticket']}")
        assert "no such ticket" in screen.text("#view .error")
        screen.go("#/region")
        screen.until(lambda: screen.all(".tile-name"), "no region is shown")
        assert [tile.text for tile in screen.all(".tile-name")] == ["Town one"]
        screen.fill("[name=code]", "town")
        screen.until(lambda: screen.all(".found [data-code]"), "its own town is not found")
        assert [item.get_attribute("data-code") for item in screen.all(".found [data-code]")] == ["c1"]
        screen.go("#/region/c10")
        assert "no region" in screen.text("#view .error")
        screen.go("#/directives")
        screen.until(lambda: screen.all(".directive-list li"), "no list of directives")
        assert bool(screen.all("[data-action=issue]")) == (role in ("centre", "supervisor"))
        screen.go("#/operations")
        assert "does not include" in screen.text("#view") or "do not include" in screen.text("#view")
    elif role == "admin":
        screen.go("#/tickets")
        assert "do not include" in screen.text("#view")
    else:
        screen.until(lambda: screen.all("[data-card=ingest]"), "no metrics")


def test_a_wrong_token_is_explained(guarded, screen):
    good = guarded.make(["centre"], name="explained")
    at_the_door(screen, guarded)
    enter(screen, "hunter2")
    assert "does not look like a token" in screen.text(".login .error")
    enter(screen, good[:-1] + ("a" if good[-1] != "a" else "b"))
    screen.until(lambda: "mistyped, expired or revoked" in screen.text(".login .error"), "it does not say why")
    assert screen.js("return sessionStorage.length === 0 || !JSON.stringify(sessionStorage).includes('gd_')")
    enter(screen, good)
    screen.until(lambda: screen.state() == "live", "the right one is not taken")
    kept = screen.js("return JSON.stringify([localStorage, document.cookie, location.href, window.name])")
    assert good not in kept and good in screen.js("return JSON.stringify(sessionStorage)")
    screen.click("[data-action=who]")
    assert "command centre" in screen.text("dialog") and "everywhere" in screen.text("dialog")
    screen.click("dialog [data-action=leave]")
    screen.one(".login")
    assert good not in screen.js("return JSON.stringify(sessionStorage)")


def test_an_expired_token_says_so(guarded, screen):
    log_in(screen, guarded, guarded.make(["dispatcher"], name="short", expires_in_s=4), "#/tickets")
    assert "the token ends in" in screen.text(".feed-state")
    assert "expired at" in screen.text(".login .notice")
    assert not visible(screen, "#view")


def test_the_place_is_kept_when_the_token_ends(guarded, screen):
    first = guarded.make(["centre"], "c1", name="wang")
    listed = guarded.get("/v1/tokens?limit=1000").json()["items"]
    ticket = guarded.near["ticket"]
    log_in(screen, guarded, first, f"#/ticket/{ticket}")
    screen.click(".commands [data-command=upgrade]")
    screen.fill(".command-form [name=note]", "half a sentence")
    number = next(item["id"] for item in listed if item["name"] == "wang")
    assert guarded.request("DELETE", f"/v1/tokens/{number}").status in (200, 204)
    assert "no longer taken" in screen.text(".login .notice")
    assert not visible(screen, "#view") and first not in screen.js("return JSON.stringify(sessionStorage)")
    enter(screen, guarded.make(["centre"], "c10", name="other"))  # somebody else: nothing of the one before is shown
    screen.until(lambda: screen.state() == "live", "it does not open")
    assert screen.js("return location.hash") == f"#/ticket/{ticket}" and "no such ticket" in screen.text("#view .error")
    assert screen.all(".command-form") == []


def test_the_form_stays_when_the_same_person_logs_in_again(screen):
    with Guarded() as own:  # its keys are changed
        desk, token = own.make(["intake"], name="desk"), own.make(["centre"], "c1", name="li")
        the_form_stays(own, screen, token, send(own, 1, desk, NEAR)["ticket"])


def the_form_stays(own, screen, token, ticket):
    log_in(screen, own, token, f"#/ticket/{ticket}")
    screen.click(".commands [data-command=upgrade]")
    screen.fill(".command-form [name=note]", "half a sentence")
    # A key that was taken out and put back: the token is refused for a while, then taken as before.
    keys = own.data / "keys"
    kept = keys.read_text()
    try:
        keys.write_text("pepper zz " + "ab" * 32 + "\n" + "".join(line + "\n" for line in kept.splitlines() if line.startswith("device")))
        own.process.send_signal(signal.SIGHUP)
        assert "no longer taken" in screen.text(".login .notice", 40)
    finally:
        keys.write_text(kept)
        own.process.send_signal(signal.SIGHUP)
    enter(screen, token)
    screen.until(lambda: screen.state() == "live", "it does not open again")
    assert visible(screen, ".command-form")
    assert screen.js("return document.querySelector('.command-form [name=note]').value") == "half a sentence"
    screen.choose(".command-form [name=priority]", "2")
    screen.click(".command-form button[type=submit]")
    screen.until(lambda: "half a sentence" in screen.text(".history"), "it cannot be sent")


def test_tabs_of_one_browser_share_a_feed(guarded, screen):
    """Eight tabs over six connections: each is told of what happens, none waits for the others."""
    token = guarded.make(["centre"], name="tabs")
    log_in(screen, guarded, token)
    driver, first = screen.driver, screen.driver.current_window_handle
    screen.until(lambda: count(screen) == "2", "not all is listed")
    try:
        for _ in range(7):
            driver.switch_to.new_window("tab")
            screen.open(guarded, "", tokens=True)
            enter(screen, token)
            screen.until(lambda: screen.state() == "live", "a tab is not live")
        readers = guarded.request("GET", "/v1/status", token=guarded.make(["ops"], name="watch")).json()["feed_readers"]
        assert readers == 1
        send(guarded, 77, guarded.intake, {"lat": 30.3, "lon": 110.4}, category="rubble", grid="g2")
        for handle in driver.window_handles:
            driver.switch_to.window(handle)
            screen.until(lambda: count(screen) == "3", "a tab was not told")
            assert screen.counters()["gaps"] == 0
    finally:
        for handle in driver.window_handles:
            if handle != first:
                driver.switch_to.window(handle)
                driver.close()
        driver.switch_to.window(first)
