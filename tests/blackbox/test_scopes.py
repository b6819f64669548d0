"""Who may do what, where: every route by every role at every kind of place, 100 % of the cells asserted.

The callers are bound to r1. What a role may is said here a second time, so that a slip in core/auth/access.c is seen; the
routes come from the route table itself, and one that is not in REQUESTS fails.
"""
import itertools
import json
import pathlib
import re
import urllib.parse

import pytest

from gridd import report
from guarded import Guarded
from sse import Feed

TREE = """code,parent,level,name
r,,0,Root
r1,r,1,Own
r2,r,1,Sibling
r10,r,1,Prefix sibling
r1a,r1,2,Child
r10a,r10,2,Child of the prefix sibling
m,r1,2,Moved away
n,r2,2,Moved here
"""
MOVE = "code,parent,level,name\nm,r2,2,Moved away\nn,r1,2,Moved here\n"
# Place: the region's code, and whether callers bound to r1 reach it.
PLACES = {"own": ("r1", True), "child": ("r1a", True), "parent": ("r", False), "sibling": ("r2", False),
          "prefix-sibling": ("r10", False), "child of prefix-sibling": ("r10a", False), "moved": ("m", False),
          "moved here": ("n", True), "unknown": ("zz", False), "malformed": ("r1/../\x01", False)}
ROLES = {
    "device": "report.write report.read ticket.read ticket.command region.read",
    "gateway": "report.write ticket.read ticket.command region.read",
    "intake": "report.write report.read feed.read ticket.read ticket.command ticket.open incident.change stats.read "
              "region.read personal.read",
    "dispatcher": "report.read feed.read ticket.read ticket.command ticket.open incident.change stats.read region.read",
    "unit": "report.read feed.read ticket.read ticket.command region.read",
    "checker": "report.read feed.read ticket.read ticket.command region.read",
    "follow_up": "report.read feed.read ticket.read ticket.command region.read personal.read",
    "supervisor": "report.read feed.read ticket.read ticket.command directive.issue stats.read region.read personal.read",
    "centre": "report.read feed.read ticket.read ticket.command ticket.open incident.change directive.issue stats.read "
              "region.read",
    "admin": "region.read region.admin token.admin audit.read",
    "ops": "ops.read audit.read",
}
TABLE = (pathlib.Path(__file__).parents[2] / "server/api/routes.c").read_text()


def routes():
    """(method, path, name, action, where its region comes from) of every row."""
    rows = re.findall(r'X\((\w+),\s*"([^"]*)",\s*"(\w+)",\s*(?:"[^"]*"\s*)+,\s*(?:NONE|STREAM),\s*(\w+),\s*(\w+),',
                      TABLE.replace("\\\n", " "))
    assert len(rows) == len(re.findall(r"X\((?:GET|PUT|POST|DELETE), ", TABLE)) > 30
    return rows


class World:
    """The server, a caller of each role, and the things that lie at each place."""

    def __init__(self, server):
        self.server, self.numbers = server, itertools.count(1)
        self.intake = server.make(["intake", "centre", "supervisor"], name="maker")
        self.things = {}
        for place, (code, _) in PLACES.items():
            if place in ("unknown", "malformed"):
                self.things[place] = {"seq": 99999999, "incident": "i99999999", "ticket": "t99999999",
                                      "directive": "d99999999"}
            else:
                made = server.post(report(f"at {code}", category="gas_leak", grid=code),
                                   Authorization=f"Bearer {self.intake}").json()
                made["directive"] = server.ask("POST", "/v1/directives", self.intake, {
                    "text": "look", "region": code, "addressees": [{"region": code}]}).json()["directive"]
                self.things[place] = made
        answer = server.put_regions(MOVE)
        assert answer.status == 200, answer.body
        self.callers = {role: server.make([role], "r1", name=f"the {role}") for role in ROLES}
        self.others = {role: server.make([role], name=f"everywhere {role}") for role in ROLES}

    def token_at(self, code):
        """The id of a token bound to that region, made for the cell."""
        order = {"kind": "service", "name": "victim", "roles": ["ops"], "region": code}
        answer = self.server.ask("POST", "/v1/tokens", self.server.admin, order)
        return answer.json()["id"] if answer.status == 201 else "abcdefghijkl"


def q(code):
    return urllib.parse.quote(code, safe="")


# name: what is asked at (code, things), and the statuses of a caller who reaches it.
REQUESTS = {
    "report_get": (lambda w, code, at: (f"/v1/reports/{at['seq']}", None), {200}),
    "region_get": (lambda w, code, at: (f"/v1/regions/{q(code)}", None), {200}),
    "region_children": (lambda w, code, at: (f"/v1/regions/{q(code)}/children", None), {200}),
    "timeline": (lambda w, code, at: (f"/v1/grids/{q(code)}/timeline", None), {200}),
    "incidents": (lambda w, code, at: (f"/v1/incidents?region={q(code)}", None), {200}),
    "incident_get": (lambda w, code, at: (f"/v1/incidents/{at['incident']}", None), {200}),
    "incident_merge": (lambda w, code, at: (f"/v1/incidents/{at['incident']}/merge", {"into": at["incident"]}), {422}),
    "incident_unmerge": (lambda w, code, at: (f"/v1/incidents/{at['incident']}/unmerge", {"seq": [1 << 40]}), {422, 409}),
    "tickets": (lambda w, code, at: (f"/v1/tickets?region={q(code)}", None), {200}),
    "ticket_open": (lambda w, code, at: ("/v1/tickets", {"category": "gas_leak", "grid": code}), {201}),
    "ticket_get": (lambda w, code, at: (f"/v1/tickets/{at['ticket']}", None), {200}),
    "ticket_clock": (lambda w, code, at: (f"/v1/tickets/{at['ticket']}/clock", None), {200}),
    # A version that is not there: allowed or refused by role, nothing is changed.
    "ticket_command": (lambda w, code, at: (f"/v1/tickets/{at['ticket']}/void", {"if_version": 999}), {412, 403, 409}),
    "directive_issue": (lambda w, code, at: ("/v1/directives", {"text": "x", "addressees": [{"region": code}]}), {201}),
    "directive_get": (lambda w, code, at: (f"/v1/directives/{at['directive']}", None), {200}),
    "feed": (lambda w, code, at: (f"/v1/feed?region={q(code)}", None), {200}),
    "feed_ticket": (lambda w, code, at: ("/v1/feed/ticket", None), {201}),
    "stats": (lambda w, code, at: (f"/v1/stats?region={q(code)}", None), {200}),
    "stats_tickets": (lambda w, code, at: (f"/v1/stats/tickets?stat=tickets&region={q(code)}", None), {200}),
    "stats_incidents": (lambda w, code, at: (f"/v1/stats/incidents?region={q(code)}", None), {200}),
    "stats_reports": (lambda w, code, at: (f"/v1/stats/reports?stat=reports&region={q(code)}", None), {200}),
    "reports_post": (lambda w, code, at: ("/v1/reports", report(f"cell {next(w.numbers)}", source=None, grid=code)),
                     {201}),
    "regions_put": (lambda w, code, at: ("/v1/regions", None), {415}),
    "me": (lambda w, code, at: ("/v1/me", None), {200}),
    "tokens": (lambda w, code, at: ("/v1/tokens", None), {200}),
    "token_create": (lambda w, code, at: ("/v1/tokens", {"kind": "service", "name": "x", "roles": ["ops"], "region": code}),
                     {201}),
    "token_revoke": (lambda w, code, at: (f"/v1/tokens/{w.token_at(code)}", None), {200}),
    "audit": (lambda w, code, at: ("/v1/audit", None), {200}),
    "audit_head": (lambda w, code, at: ("/v1/audit/head", None), {200}),
    "metrics": (lambda w, code, at: ("/metrics", None), {200}),
    "status": (lambda w, code, at: ("/v1/status", None), {200}),
    "healthz": (lambda w, code, at: ("/healthz", None), {200}),
    "livez": (lambda w, code, at: ("/livez", None), {200}),
    "startupz": (lambda w, code, at: ("/startupz", None), {200}),
    "ping": (lambda w, code, at: ("/v1/ping", None), {200}),
    "readyz": (lambda w, code, at: ("/readyz", None), {200}),
    "region_roots": (lambda w, code, at: ("/v1/regions", None), {200}),
    "policy": (lambda w, code, at: ("/v1/policy", None), {200}),
    "console": (lambda w, code, at: ("/", None), {200}),
    "console_settings": (lambda w, code, at: ("/console/settings.json", None), {200}),
    "console_file": (lambda w, code, at: ("/console/app.js", None), {200}),
    "licences": (lambda w, code, at: ("/licences.txt", None), {200}),
}


@pytest.fixture(scope="module")
def world():
    with Guarded(regions=TREE) as server:
        yield World(server)


def normal(answer, code):
    """What an answer tells, but for the code that was asked for, which some repeat."""
    quoted = json.dumps(json.dumps(code))[1:-1]
    return answer.status, answer.body.decode().replace(json.dumps(code)[1:-1].join(['\\"'] * 2), '\\"CODE\\"').replace(
        quoted, '\\"CODE\\"')


def ask(world, method, name, token, place):
    code = PLACES[place][0]
    path, body = REQUESTS[name][0](world, code, world.things[place])
    # An open feed has no end; its head is the same.
    return world.server.ask("HEAD" if name == "feed" else method, path, token, body)


def expected(name, action, source, role, place):
    """A set of statuses, or "absent": what is answered for what is not there."""
    word = action.lower().replace("_", ".", 1)
    if source == "OPEN":
        return REQUESTS[name][1]
    if source == "PATH" and place == "malformed":
        return {400}  # no path of any route: said before anything is looked up
    if word != "self" and word not in ROLES[role].split():
        return {403}
    if source == "ROOT":
        return {403}
    if source == "OWN":
        return REQUESTS[name][1]
    return REQUESTS[name][1] if PLACES[place][1] else "absent"


@pytest.mark.parametrize("route", routes(), ids=lambda route: route[2])
def test_matrix(world, route):
    method, _, name, action, source = route
    cells = 0
    for role in ROLES:
        absent = ask(world, method, name, world.callers[role], "unknown")
        for place in PLACES:
            answer = ask(world, method, name, world.callers[role], place)
            wanted = expected(name, action, source, role, place)
            where = (name, role, place, answer.status, answer.body)
            if wanted != "absent":
                assert answer.status in wanted, where
            elif place == "malformed" and source in ("PATH", "QUERY"):
                assert answer.status in (400, 404), where
            else:
                assert answer.status in (400, 404, 422), where
                assert normal(answer, PLACES[place][0]) == normal(absent, "zz"), where
            cells += 1
    assert cells == len(ROLES) * len(PLACES)


@pytest.mark.parametrize("route", [route for route in routes() if route[4] == "ROOT"], ids=lambda route: route[2])
def test_the_whole_tree_is_for_who_is_bound_to_nothing(world, route):
    method, _, name, action, source = route
    for role in ROLES:
        answer = ask(world, method, name, world.others[role], "own")
        may = action.lower().replace("_", ".", 1) in ROLES[role].split()
        assert answer.status in (REQUESTS[name][1] if may else {403}), (name, role, answer.status)


def test_lists_without_a_region_show_the_callers_own(world):
    centre = world.callers["centre"]
    inside = {world.things[place]["ticket"] for place, (_, reached) in PLACES.items() if reached}
    outside = {world.things[place]["ticket"] for place, (_, reached) in PLACES.items() if not reached}
    seen = {item["id"] for item in world.server.ask("GET", "/v1/tickets?limit=1000", centre).json()["items"]}
    assert inside <= seen and not outside & seen
    seen = {item["id"] for item in world.server.ask("GET", "/v1/incidents?limit=1000", centre).json()["items"]}
    assert seen >= {world.things[place]["incident"] for place in ("own", "child", "moved here")}
    assert not seen & {world.things[place]["incident"] for place in ("parent", "sibling", "prefix-sibling", "moved")}
    rows = world.server.request("GET", "/v1/grids/r1/timeline", headers={"Accept": "application/x-ndjson"}, token=centre)
    assert {row["grid"] for row in rows.lines()} <= {"r1", "r1a", "n"}
    counts = [world.server.ask("GET", "/v1/stats/tickets?stat=tickets&limit=1000", token).json()
              for token in (centre, world.others["centre"])]
    assert counts[0]["count"] < counts[1]["count"]
    assert inside <= {item["ticket"] for item in counts[0]["items"]} and not outside & {item["ticket"] for item in counts[0]["items"]}


def test_a_feed_shows_the_callers_own_also_on_resume(world):
    server, centre = world.server, world.callers["centre"]
    bearer = {"Authorization": f"Bearer {centre}"}
    with Feed(server.port, "?kinds=report", headers=bearer) as live:
        start = server.ask("GET", "/v1/status", world.others["ops"]).json()
        first = f"{start['epoch']}-{start['seq']}"
        for code in ("r2", "r", "r10a", "m", "r1a", "r2", "n"):
            made = server.post(report(f"feed {next(world.numbers)}", grid=code), Authorization=f"Bearer {world.intake}")
            assert made.status == 201
        live.until(lambda feed: len(feed.named()) == 2)
        assert [event.json()["grid"] for event in live.named()] == ["r1a", "n"]
    with Feed(server.port, "?kinds=report", last_id=first, headers=bearer) as resumed:
        resumed.until(lambda feed: len(feed.named()) == 2)
        assert [event.json()["grid"] for event in resumed.named()] == ["r1a", "n"]
    with Feed(server.port, "?region=r2", headers=bearer) as refused:
        assert refused.status == 404


def test_a_move_reaches_an_open_feed(world):
    server = world.server
    with Feed(server.port, "?kinds=report", headers={"Authorization": f"Bearer {world.callers['centre']}"}) as feed:
        def post(code):
            assert server.post(report(f"move {next(world.numbers)}", grid=code),
                               Authorization=f"Bearer {world.intake}").status == 201
        post("n")
        feed.until(lambda feed: len(feed.named()) == 1)
        assert server.put_regions("code,parent,level,name\nn,r2,2,Moved here\n").status == 200
        post("n")
        post("r1a")
        feed.until(lambda feed: len(feed.named()) == 2)
        assert [event.json()["grid"] for event in feed.named()] == ["n", "r1a"]
        assert server.put_regions("code,parent,level,name\nn,r1,2,Moved here\n").status == 200


def test_a_device_sends_as_itself_and_a_gateway_for_others(world):
    server = world.server
    device = server.make(["device"], "r1", "device", "d-7")
    gateway = server.make(["gateway"], "r1", "service", "hotline")
    def post(token, **fields):
        return server.post(report(f"source {next(world.numbers)}", grid="r1", **fields), Authorization=f"Bearer {token}")
    assert post(device, source=None).json()["source"] == "d-7"
    assert post(device, source="d-7").status == 201
    refused = post(device, source="d-8")
    assert refused.status == 422 and refused.json()["errors"][0]["pointer"] == "/source"
    assert post(gateway, source=None).json()["source"] == "hotline"
    assert post(gateway, source="12345").json()["source"] == "12345"


def test_commands_go_by_the_tokens_role_and_name(world):
    """The roles of domain.md 3.3; the body cannot say another one."""
    server = world.server
    opened = server.ask("POST", "/v1/tickets", world.callers["intake"], {"category": "dispute", "grid": "r1a"}).json()
    path = f"/v1/tickets/{opened['id']}"
    for role, some, none in (("intake", {"accept", "reject"}, {"dispatch", "void", "supervise"}),
                             ("dispatcher", set(), {"accept", "void", "supervise"}),
                             ("supervisor", {"supervise"}, {"accept", "dispatch"}),
                             ("centre", {"void"}, {"accept", "supervise"}),
                             ("checker", set(), {"accept", "void", "supervise", "dispatch"})):
        allowed = set(server.ask("GET", path, world.callers[role]).json()["allowed"])
        assert some <= allowed and not none & allowed, (role, allowed)
    lie = {"role": "any", "actor": "somebody else"}
    assert server.ask("POST", path + "/accept", world.callers["checker"], lie).status == 403
    done = server.ask("POST", path + "/accept", world.callers["intake"], lie)
    assert done.status == 200, done.body
    history = server.ask("GET", path, world.callers["intake"]).json()["history"]
    assert history[-1]["actor"] == "the intake", history[-1]


def test_a_create_sent_again_is_known_by_its_own_token_only(world):
    server, body = world.server, {"category": "dispute", "grid": "r1a", "command_id": "twice"}
    tokens = world.callers["intake"], server.make(["intake"], "r1", name="the intake"), world.others["intake"]
    first = [server.ask("POST", "/v1/tickets", token, body) for token in tokens]
    assert [answer.status for answer in first] == [201] * 3, first[1].body
    assert len({answer.json()["id"] for answer in first}) == 3
    for token, made in zip(tokens, first):
        again = server.ask("POST", "/v1/tickets", token, body)
        assert again.status == 200 and again.json() == made.json()
        assert server.ask("POST", "/v1/tickets", token, {**body, "priority": 1}).status == 409
    order = {"text": "look", "addressees": [{"region": "r1"}], "command_id": "twice"}
    orders = [server.ask("POST", "/v1/directives", token, order) for token in (world.callers["centre"], world.others["centre"])]
    assert [answer.status for answer in orders] == [201] * 2 and orders[0].json() != orders[1].json()
