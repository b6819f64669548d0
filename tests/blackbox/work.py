"""Tickets, incidents and directives as a client sees them."""
import datetime
import json

from gridd import report

JSON = {"Content-Type": "application/json"}


def instant(seconds=0):
    """Now, or so many seconds from now, as the API writes it."""
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def send(server, path, body=None, **headers):
    """POST of an object, or of text or bytes as they are."""
    if body is not None and not isinstance(body, (str, bytes)):
        body = json.dumps(body, ensure_ascii=False)
    return server.request("POST", path, body, {**JSON, **headers} if body is not None else headers)


def command(server, ticket, verb, **fields):
    """A ticket command; the answer."""
    return send(server, f"/v1/tickets/{ticket}/{verb}", fields)


def done(server, ticket, verb, **fields):
    """A command that must succeed; the new ticket."""
    answer = command(server, ticket, verb, **fields)
    assert answer.status == 200, (verb, answer.body)
    return answer.json()


def refused(server, ticket, verb, status, **fields):
    """A command that must be refused; the problem."""
    answer = command(server, ticket, verb, **fields)
    assert answer.status == status, (verb, answer.status, answer.body)
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["status"] == status and problem["detail"]
    return problem


def ticket_of(server, ticket, query=""):
    answer = server.get(f"/v1/tickets/{ticket}{query}")
    assert answer.status == 200, answer.body
    return answer.json()


def clocks_of(server, ticket):
    answer = server.get(f"/v1/tickets/{ticket}/clock")
    assert answer.status == 200, answer.body
    return {clock["stage"]: clock for clock in answer.json()["clocks"] if not clock["co_handler"]}


def opened(server, **fields):
    """A ticket opened by hand; its name."""
    answer = send(server, "/v1/tickets", {"category": "streetlight", "grid": "g1", **fields})
    assert answer.status == 201, answer.body
    assert answer.headers["Location"] == f"/v1/tickets/{answer.json()['id']}"
    return answer.json()["id"]


def reported(server, number, **fields):
    """A report of now; its answer's object."""
    answer = server.post(report(number, **{"occurred_at": instant(), **fields}))
    assert answer.status == 201, answer.body
    return answer.json()


def handling(server, **fields):
    """A P3 ticket of the streetlight office that is being handled by `li`."""
    ticket = opened(server, **fields)
    done(server, ticket, "accept")
    done(server, ticket, "dispatch", unit="streetlight_office")
    done(server, ticket, "sign", actor="li", role="unit", actor_unit="streetlight_office")
    return ticket


def pages(server, path, limit):
    """Every item of a list, page by page."""
    items, cursor = [], ""
    while True:
        answer = server.get(f"{path}{'&' if '?' in path else '?'}limit={limit}{cursor}")
        assert answer.status == 200, answer.body
        page = answer.json()
        assert len(page["items"]) <= limit
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = "&cursor=" + page["next_cursor"]
