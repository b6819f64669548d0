"""The wall and a ticket's life through the screen, against a real server."""
import time

from gridd import Gridd, report
from work import handling, instant, reported, send, ticket_of

TEXT = "三单元有煤气味"


def row(screen, key):
    return screen.js("""return [...document.querySelectorAll('.alert-row:not([hidden])')].find((row) => row.dataset.key === arguments[0])
        ?.textContent""", key)


def figure(screen, name):
    return screen.text(f"[data-figure={name}] .figure-value")


def run_command(screen, command, expected, **fields):
    screen.click(f".commands [data-command={command}]")
    for name, value in fields.items():
        selector = f".command-form [name={name}]"
        tag = screen.one(selector).tag_name
        (screen.choose if tag == "select" else screen.fill)(selector, value)
    screen.click(".command-form button[type=submit]")
    screen.until(lambda: screen.js("return document.querySelector('.detail')?.dataset.state") == expected, f"{command} did not lead to {expected}")


def test_a_posted_alert_is_seen_and_acknowledged(screen):
    with Gridd() as server:
        screen.open(server)
        started = time.monotonic()
        answer = server.post(report(1, category="gas_leak", occurred_at=instant(), text=TEXT, location={"lat": 30.001, "lon": 110.001})).json()
        screen.until(lambda: row(screen, answer["incident"]), "the alert is not on the wall")
        print(f"posted alert on the wall after {time.monotonic() - started:.3f} s (HTTP answer included)")
        seen = screen.until(lambda: (text := row(screen, answer["incident"])) and "Grid one" in text and text, "its region has no name")
        assert "Gas leak" in seen and "extreme" in seen and "City › Town one › Grid one" in seen and "reported 1×" in seen
        server.post(report(2, category="gas_leak", occurred_at=instant(), device="other", location={"lat": 30.0011, "lon": 110.001}))
        screen.until(lambda: "reported 2×" in (row(screen, answer["incident"]) or ""), "the second source is not counted")
        screen.until(lambda: screen.js("return document.querySelectorAll('.pin-extreme').length") == 1, "it is not on the map")
        banner = screen.text(".banner:not([hidden])")
        assert "Gas leak" in banner and screen.js("return document.body.classList.contains('is-ringing')")
        width = screen.js("return document.querySelector('.banner').getBoundingClientRect().width / innerWidth")
        assert width == 1
        screen.click(".banner [data-action=ack]")
        screen.until(lambda: not screen.js("return document.querySelector('.banner').checkVisibility()"), "the banner stays")
        assert ticket_of(server, answer["ticket"])["escalation"]["acked_until"] is not None
        assert not screen.js("return document.body.classList.contains('is-ringing')")


def test_figures_are_those_of_the_statistics(screen):
    with Gridd() as server:
        reported(server, 1, category="gas_leak")
        handling(server)
        screen.open(server)
        stats = server.get("/v1/stats").json()
        for name in ("open", "open_overdue", "unanswered"):
            assert figure(screen, name) == str(stats["counts"][name]["count"])
        for light in ("green", "yellow", "red"):
            assert figure(screen, light) == str(stats["counts"]["by_light"][light]["count"])
        closed = stats["rates"]["on_time_close"]
        assert figure(screen, "on_time_close") == ("—" if closed["denominator"] == 0 else f"{100 * closed['numerator'] / closed['denominator']:.3g} %")
        assert figure(screen, "reports_minute") == "1"
        screen.click("[data-figure=open]")
        counted = screen.until(lambda: screen.js("return document.querySelector('dialog .muted')?.textContent.match(/^\\d+/)?.[0]"), "no list behind the number")
        assert counted == figure(screen, "open")
        rows = screen.until(lambda: len(screen.all("dialog tbody tr")), "the list is empty")
        assert rows == int(counted)


def test_a_ticket_goes_its_way_through_the_screen(screen):
    with Gridd() as server:
        screen.open(server)
        answer = reported(server, 1, category="streetlight", channel="app", text="路灯不亮")
        ticket = answer["ticket"]
        screen.until(lambda: row(screen, answer["incident"]), "the alert is not on the wall")
        screen.js("[...document.querySelectorAll('.alert-row')].find((row) => row.dataset.key === arguments[0]).click()", answer["incident"])
        screen.until(lambda: screen.js("return location.hash") == f"#/ticket/{ticket}", "a click does not open the ticket")
        run_command(screen, "accept", "accepted")
        run_command(screen, "dispatch", "dispatched", unit="streetlight_office", note="请尽快")
        run_command(screen, "sign", "handling")
        run_command(screen, "submit_result", "checking", closure="handled", note="已更换灯泡")
        run_command(screen, "check_pass", "closed", note="属实")
        stored = ticket_of(server, ticket)
        assert stored["state"] == "closed" and stored["closure"] == "handled" and stored["unit"] == "streetlight_office"
        history = screen.text(".history")
        assert "已更换灯泡" in history and "Check passed" in history
        screen.go("#/wall")
        screen.until(lambda: screen.js("return document.querySelector('.wall-list .vlist').dataset.count") == "0", "a closed incident stays on the wall")


def test_a_conflict_is_explained_and_nothing_entered_is_lost(screen):
    with Gridd() as server:
        ticket = handling(server)
        screen.open(server, f"#/ticket/{ticket}")
        screen.click(".commands [data-command=submit_result]")
        screen.fill(".command-form [name=note]", "my long report")
        assert send(server, f"/v1/tickets/{ticket}/progress", {"actor": "wang", "note": "valve found"}).status == 200
        screen.until(lambda: screen.all(".command-form > .notice"), "the open form is not told")
        screen.click(".command-form button[type=submit]")
        told = screen.text(".conflict")
        assert "wang" in told and "valve found" in told and "Progress" in told
        assert screen.js("return document.querySelector('.command-form [name=note]').value") == "my long report"
        assert ticket_of(server, ticket)["state"] == "handling"
        screen.click(".command-form button[type=submit]")
        screen.until(lambda: screen.js("return document.querySelector('.detail').dataset.state") == "checking", "it cannot be sent again")
        assert ticket_of(server, ticket)["history"][-1]["note"] == "my long report"
