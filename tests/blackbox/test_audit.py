"""Who did what: in the journal's hash chain, found again, and proved later against a head that was written down."""
import signal
import time

import pytest

from gridd import report, run
from guarded import Guarded


@pytest.fixture(scope="module")
def guarded():
    with Guarded() as running:
        yield running


def acts(server, query="?limit=1000"):
    answer = server.ask("GET", "/v1/audit" + query, server.admin)
    assert answer.status == 200, answer.body
    return answer.json()["items"]


def until(server, condition):
    """Acts of the server itself come with its ticks."""
    end = time.monotonic() + 60
    while not (found := [item for item in acts(server) if condition(item)]):
        assert time.monotonic() < end, acts(server)
        time.sleep(0.1)
    return found


def test_every_act_names_who_did_it(guarded):
    server = guarded
    intake, centre = server.make(["intake"], "c1", name="li"), server.make(["centre", "supervisor"], "c", name="zhao")
    made = [server.post(report(n, category="exposed_garbage", grid=grid, occurred_at=f"2026-11-2{n}T08:30:00Z"),
                        Authorization=f"Bearer {intake}").json() for n, grid in ((1, "g1"), (2, "g2"))]
    ticket, incidents = made[0]["ticket"], [item["incident"] for item in made]
    assert server.ask("POST", f"/v1/tickets/{ticket}/accept", intake, {}).status == 200
    assert server.ask("POST", f"/v1/tickets/{ticket}/accept", intake, {}).status == 409  # refused: no act
    opened = server.ask("POST", "/v1/tickets", intake, {"category": "dispute", "grid": "g1"}).json()["id"]
    order = server.ask("POST", "/v1/directives", centre, {"text": "look", "addressees": [{"region": "c1"}]}).json()["directive"]
    merged = server.ask("POST", f"/v1/incidents/{incidents[0]}/merge", centre, {"into": incidents[1], "actor": "somebody else"})
    assert merged.status == 200, merged.body
    events = server.request("GET", "/v1/grids/c/timeline?kind=incident.merged", token=centre).json()["items"]
    assert [event["actor"] for event in events] == ["zhao"], events
    wanted = [("token.create", "admin", None), ("regions.import", "admin", None), ("ticket.accept", "li", ticket),
              ("ticket.open", "li", opened), ("directive.issue", "zhao", order), ("incident.merge", "zhao", incidents[0])]
    found = acts(server)
    for act, name, thing in wanted:
        assert any(item["act"] == act and item["by"]["name"] == name and thing in (None, item["object"])
                   for item in found), (act, found)
    assert len([item for item in found if item["act"] == "ticket.accept"]) == 1
    assert [item["seq"] for item in found] == sorted((item["seq"] for item in found), reverse=True)
    assert all(item["at"].endswith("Z") and item["by"]["kind"] in ("human", "service", "server") for item in found)
    accepted = next(item for item in found if item["act"] == "ticket.accept")
    assert accepted["region"] == "g1" and accepted["by"]["id"] == intake.split("_")[2]


def test_pages_and_who_may_read_them(guarded):
    pages, cursor = [], ""
    while cursor is not None:
        page = guarded.ask("GET", f"/v1/audit?limit=2{cursor and '&cursor=' + cursor}", guarded.admin).json()
        pages, cursor = pages + page["items"], page["next_cursor"]
    assert pages == acts(guarded)
    for roles, region, status in ((["ops"], None, 200), (["centre"], None, 403), (["admin"], "c1", 403)):
        assert guarded.ask("GET", "/v1/audit", guarded.make(roles, region)).status == status


def test_an_audit_entry_is_nobodys_event(guarded):
    centre = guarded.make(["centre"])
    seqs = {item["seq"] for item in acts(guarded)}
    rows = guarded.request("GET", "/v1/grids/c/timeline", headers={"Accept": "application/x-ndjson"}, token=centre).lines()
    assert rows and not seqs & {row["seq"] for row in rows}
    assert guarded.ask("GET", f"/v1/reports/{max(seqs)}", centre).status == 404
    assert guarded.ask("GET", "/v1/grids/c/timeline?kind=audit", centre).status == 400
    assert guarded.ask("HEAD", "/v1/feed?kinds=audit", centre).status == 400


def test_denials_backups_and_reloads_are_told(tmp_path):
    with Guarded() as server:
        for _ in range(3):
            assert server.ask("GET", "/v1/me", "gd_human_x").status == 401
        assert server.ask("GET", "/metrics", server.admin).status == 403
        assert run("backup", "--data", server.data, "--to", tmp_path / "b").returncode == 0
        server.process.send_signal(signal.SIGHUP)
        for act in ("backup.make", "config.reload"):
            assert until(server, lambda item: item["act"] == act)[0]["by"]["kind"] == "server"
        denied = until(server, lambda item: item["act"] == "access.denied")
        assert sum(item["detail"]["no_token"] for item in denied) == 3
        assert sum(item["detail"]["no_role"] for item in denied) == 1
        assert run("verify", "--data", tmp_path / "b").returncode == 0
        assert not (tmp_path / "b" / "keys").exists()


def test_a_head_that_was_written_down_is_proved_later():
    with Guarded() as server:
        server.make(["ops"])
        head = server.ask("GET", "/v1/audit/head", server.admin).json()
        assert head["head"] == f"{head['seq']}:{head['hash']}"
        server.make(["ops"])
        later = server.ask("GET", "/v1/audit/head", server.admin).json()
        assert later["seq"] > head["seq"] and later["epoch"] == head["epoch"]
        server.kill(signal.SIGKILL)
        for one in (head, later):
            proved = run("verify", "--data", server.data, "--head", one["head"])
            assert proved.returncode == 0, proved.stderr
        assert f"head: {later['head']}" in proved.stdout and "audit: 3 rows" in proved.stdout
        other = f"{head['seq']}:{later['hash']}"
        refused = run("verify", "--data", server.data, "--head", other)
        assert refused.returncode == 1 and "written anew" in refused.stderr
        assert run("verify", "--data", server.data, "--head", "7").returncode == 2
        # A backup from before is honest, but not what it was later.
        assert run("backup", "--data", server.data, "--to", server.directory / "old").returncode == 0
        assert not (server.directory / "old" / "keys").exists()
        server.start()
        server.make(["ops"])
        newest = server.ask("GET", "/v1/audit/head", server.admin).json()["head"]
        server.kill(signal.SIGTERM)
        refused = run("verify", "--data", server.directory / "old", "--head", newest)
        assert refused.returncode == 1 and "is not there" in refused.stderr


def test_acts_and_their_entries_survive_a_kill_together():
    with Guarded() as server:
        intake = server.make(["intake"])
        opened = []
        for _ in range(20):
            opened.append(server.ask("POST", "/v1/tickets", intake, {"category": "dispute", "grid": "g1"}).json()["id"])
        server.restart()
        told = {item["object"] for item in acts(server) if item["act"] == "ticket.open"}
        assert told == set(opened)


def test_without_tokens_nothing_is_told():
    with Guarded(regions=None) as server:
        server.kill(signal.SIGTERM)
        server.command = super(Guarded, server).command
        server.start()
        before = acts(server)
        assert server.put_regions("code,parent,level,name\nc,,0,City\n").status == 200
        assert server.ask("POST", "/v1/tickets", None, {"category": "dispute", "grid": "c"}).status == 201
        assert acts(server) == before
