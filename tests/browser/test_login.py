"""The token: asked for once, sent as a header with everything, kept in this tab only, and given up
when the server no longer takes it."""
from gate import Gate
from gridd import Gridd
from work import handling, reported, ticket_of

TOKEN = "right-token-0123456789"


def enter(screen, token):
    screen.fill(".login [name=token]", token)
    screen.click(".login button[type=submit]")


def test_a_token_opens_the_console_and_goes_with_every_request(screen):
    with Gridd() as server, Gate(server.port, [TOKEN]) as gate:
        ticket = handling(server)
        screen.open(gate, f"#/ticket/{ticket}", tokens=True)
        enter(screen, "wrong")
        assert "not taken" in screen.text(".login .error")
        enter(screen, TOKEN)
        screen.until(lambda: screen.state() == "live", "the feed does not start")
        screen.click(".commands [data-command=progress]")
        screen.fill(".command-form [name=note]", "on my way")
        screen.click(".command-form button[type=submit]")
        screen.until(lambda: ticket_of(server, ticket)["version"] == 5, "the command did not arrive")
        assert ticket_of(server, ticket)["history"][-1].get("actor") is None  # the token says who it is
        assert screen.js("return document.querySelector('.feed-state').dataset.shared") == "true"
        assert any(path == "/v1/feed" and token == TOKEN for path, token in gate.seen)
        assert not any(TOKEN in path for path, _ in gate.seen)
        assert screen.js("return JSON.stringify([localStorage, document.cookie, location.href]).includes(arguments[0])", TOKEN) is False
        assert screen.js("return JSON.stringify(sessionStorage).includes(arguments[0])", TOKEN) is True


def test_a_token_that_is_revoked_ends_the_view(screen):
    with Gridd() as server, Gate(server.port, [TOKEN]) as gate:
        screen.open(gate, "#/tickets", tokens=True)
        enter(screen, TOKEN)
        screen.until(lambda: screen.state() == "live", "the feed does not start")
        gate.tokens.clear()
        reported(server, 1)
        screen.js("document.querySelector('[data-nav=region]')?.click()")  # unless the feed has already told
        assert "no longer taken" in screen.text(".login .notice")
        assert screen.js("return JSON.stringify(sessionStorage).includes(arguments[0])", TOKEN) is False
        assert not screen.js("return [...document.querySelectorAll('.board, .wall, .region')].some((view) => view.checkVisibility())")
        gate.tokens.add(TOKEN)
        enter(screen, TOKEN)
        screen.until(lambda: screen.state() == "live", "it does not open again")


def test_what_a_token_may_not_is_not_offered_and_not_needed(screen):
    """A dispatcher of a town: no operations, no merging, and the feed still says how far behind it is."""
    me = {"authenticated": True, "name": "Dispatcher Wang", "roles": ["dispatcher"], "region": "c1", "unit": None,
          "actions": ["report.read", "feed.read", "ticket.read", "ticket.command", "stats.read", "region.read", "self"]}
    with Gridd() as server, Gate(server.port, [TOKEN], me, ("/metrics", "/v1/status", "/v1/regions")) as gate:
        incident = reported(server, 1, category="streetlight", location={"lat": 30.0, "lon": 110.0})["incident"]
        screen.open(gate, tokens=True)
        enter(screen, TOKEN)
        screen.until(lambda: screen.state() == "live", "the feed does not start")
        assert "Dispatcher Wang" in screen.text("[data-action=who]")
        assert screen.all("[data-nav=operations]") == [] and len(screen.all("[data-nav]")) == 4
        server.kill()
        screen.until(lambda: screen.state() == "offline", "it does not notice")
        server.start()
        screen.until(lambda: screen.state() == "live", "it does not come back")
        screen.go("#/region")
        assert screen.text(".tile-name") == "Town one"
        screen.go(f"#/incident/{incident}")
        screen.until(lambda: screen.all(".incident-members tbody tr"), "no members")
        screen.until(lambda: not screen.js("return document.querySelector('[data-action=unmerge]').checkVisibility()"), "un-merging is offered")
        assert ("/v1/status", TOKEN) not in gate.seen and ("/metrics", TOKEN) not in gate.seen
