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
        screen.click("[data-nav=region]")
        assert "no longer taken" in screen.text(".login .notice")
        assert screen.js("return JSON.stringify(sessionStorage).includes(arguments[0])", TOKEN) is False
        assert screen.js("return document.querySelector('.board, .wall, .region')") is None
        gate.tokens.add(TOKEN)
        enter(screen, TOKEN)
        screen.until(lambda: screen.state() == "live", "it does not open again")
