"""Directives over HTTP: an order to many, what became of it with each, and the sums of it."""
import pytest

from gridd import REGIONS, Gridd
from work import clocks_of, done, pages, send, ticket_of


def issue(server, **fields):
    body = {"text": "check the drains before the rain", "addressees": [{"region": "c1"}, {"region": "c10"}], **fields}
    answer = send(server, "/v1/directives", body)
    assert answer.status == 201, answer.body
    assert answer.headers["Location"] == "/v1/directives/" + answer.json()["directive"]
    return answer.json()


def directive_of(server, name, query=""):
    answer = server.get(f"/v1/directives/{name}{query}")
    assert answer.status == 200, answer.body
    return answer.json()


def rate(numerator, denominator):
    return {"numerator": numerator, "denominator": denominator,
            "rate": numerator / denominator if denominator else None}


def test_an_order_goes_to_each_addressee_and_comes_back():
    with Gridd() as server:
        issued = issue(server, issuer="county", receipt_limit="1h", execution_limit="24h", severity="severe", priority=2,
                       region="c", addressees=[{"region": "c1"}, {"unit": "water_company"},
                                               {"region": "c10", "unit": "police"}])
        assert len(issued["tickets"]) == 3
        first, second, third = issued["tickets"]
        name = issued["directive"]
        ticket = ticket_of(server, first)
        assert ticket["directive"] == name and ticket["origin"] == "directive" and ticket["state"] == "dispatched"
        assert ticket["priority"] == 2 and ticket["severity"] == "severe" and ticket["grid"] == "c1"
        clocks = clocks_of(server, first)
        assert clocks["sign"]["limit"] == 1 and clocks["handle"]["limit"] == 24
        assert ticket_of(server, second)["unit"] == "water_company" and ticket_of(server, second)["grid"] == "c"
        assert ticket_of(server, third)["unit"] == "police"
        assert sorted(t["id"] for t in pages(server, f"/v1/tickets?directive={name}", 2)) == sorted(issued["tickets"])

        before = directive_of(server, name)
        assert before["text"] == "check the drains before the rain" and before["issuer"] == "county"
        assert before["grid"] == "c" and before["severity"] == "severe" and before["addressees_count"] == 3
        assert before["totals"]["receipted"] == rate(0, 3) and before["totals"]["done_in_time"] == rate(0, 0)
        assert [item["ticket"] for item in before["addressees"]] == issued["tickets"] and not before["complete"]
        assert [(item["region"], item["unit"]) for item in before["addressees"]][1:] == [("c", "water_company"),
                                                                                         ("c10", "police")]
        done(server, first, "sign", actor="li")
        done(server, first, "submit_result", note="all clear")
        done(server, first, "check_pass")
        done(server, second, "sign")
        server.restart()
        now = directive_of(server, name)
        assert now["totals"]["receipted"] == rate(2, 3) and now["totals"]["receipted_in_time"] == rate(2, 2)
        assert now["totals"]["done"] == rate(1, 3) and now["totals"]["done_in_time"] == rate(1, 1)
        assert now["addressees"][0]["execution"] == {"done": True, "late": False}
        assert now["addressees"][1]["receipt"] == {"done": True, "late": False}
        done(server, third, "void", reason="no drains there")
        done(server, second, "submit_result", note="pumped")
        done(server, second, "check_pass")
        over = directive_of(server, name)
        assert over["complete"] and over["done_at"] and over["totals"]["done"] == rate(2, 2)
        assert over["totals"]["voided"] == rate(1, 3)
        kinds = [row["kind"] for row in server.timeline("c", "?kind=directive.*&order=asc")]
        assert kinds[0] == "directive.issued" and "directive.receipt" in kinds and "directive.done" in kinds


def test_a_reopening_after_the_end_is_counted_and_told():
    with Gridd() as server:
        issued = issue(server)
        name, (first, second) = issued["directive"], issued["tickets"]
        for ticket in (first, second):
            done(server, ticket, "sign")
            done(server, ticket, "submit_result", note="all clear")
            done(server, ticket, "check_pass")
        done(server, second, "archive", role="system")
        assert directive_of(server, name)["complete"]
        done(server, first, "reopen", note="wet again")
        server.restart()
        done(server, second, "reopen", note="here too")
        now = directive_of(server, name)
        assert not now["complete"] and now["done_at"] is None and now["totals"]["done"] == rate(0, 2)
        told = [row for row in server.timeline("c", "?kind=directive.*&order=asc") if row["kind"] == "directive.reopened"]
        assert [(row["ticket"], row["done"], row["complete"]) for row in told] == [(first, 1, False), (second, 0, False)]
        for ticket in (first, second):
            done(server, ticket, "sign")
            done(server, ticket, "submit_result", note="dry")
            done(server, ticket, "check_pass")
        assert directive_of(server, name)["complete"] and directive_of(server, name)["done_at"]
        last = server.timeline("c", "?kind=directive.*")[0]
        assert last["kind"] == "directive.done" and last["done"] == 2 and last["complete"]


def test_an_order_that_is_sent_twice_is_issued_once():
    body = {"text": "check the drains", "addressees": [{"region": "c1"}, {"region": "c10"}]}
    with Gridd() as server:
        first = send(server, "/v1/directives", body, **{"Idempotency-Key": "d-1"})
        assert first.status == 201
        ticket = send(server, "/v1/tickets", {"category": "streetlight", "grid": "g1"}, **{"Idempotency-Key": "d-1"})
        assert ticket.status == 201, "a key is one of its kind"
        for _ in range(2):
            again = send(server, "/v1/directives", body, **{"Idempotency-Key": "d-1"})
            assert again.status == 200 and again.headers["Idempotent-Replay"] == "true"
            assert again.json() == first.json()
            answer = send(server, "/v1/directives", {**body, "priority": 1}, **{"Idempotency-Key": "d-1"})
            assert answer.status == 409 and answer.json()["title"] == "conflict"
            server.restart()
        assert len(pages(server, "/v1/tickets", 100)) == 3


def test_many_addressees_in_one_commit_and_in_pages():
    regions = REGIONS + "".join(f"v{n},c1,2,Village {n},,\n" for n in range(1500))
    with Gridd(regions=regions) as server:
        issued = issue(server, addressees=[{"region": f"v{n}"} for n in range(1500)])
        assert len(set(issued["tickets"])) == 1500
        server.restart()
        listed, cursor, name = [], "", issued["directive"]
        while cursor is not None:
            page = directive_of(server, name, f"?limit=700{cursor and '&cursor=' + cursor}")
            assert page["totals"]["receipted"] == rate(0, 1500)
            listed += page["addressees"]
            cursor = page["next_cursor"]
        assert [item["ticket"] for item in listed] == issued["tickets"]
        assert [item["region"] for item in listed] == [f"v{n}" for n in range(1500)]
        assert server.get(f"/v1/directives/{name}?cursor=x").status == 400


def test_more_addressees_than_a_block_or_the_limit_takes():
    regions = REGIONS + "".join(f"v{n},c1,2,Village {n},,\n" for n in range(120))
    for limit, most in (("block_entries=64", 21), ("directive_addressees=100", 100)):
        with Gridd("--limit", limit, regions=regions) as server:
            issue(server, addressees=[{"region": f"v{n}"} for n in range(most)])
            answer = send(server, "/v1/directives", {"text": "x", "addressees": [{"region": f"v{n}"}
                                                                                  for n in range(most + 1)]})
            assert answer.status == 422 and answer.json()["errors"][0]["pointer"].startswith("/addressees")


@pytest.mark.parametrize("fields, pointer", [
    ({"text": None}, "/text"), ({"text": ""}, "/text"), ({"text": "x" * 2049}, "/text"), ({"addressees": None}, "/addressees"),
    ({"addressees": []}, "/addressees"), ({"addressees": {}}, "/addressees"), ({"addressees": ["c1"]}, "/addressees/0"),
    ({"addressees": [{}]}, "/addressees/0"), ({"addressees": [{"region": "c1"}, {"region": "x"}]}, "/addressees/1/region"),
    ({"addressees": [{"unit": "x"}]}, "/addressees/0/unit"), ({"addressees": [{"region": "c1", "a": 1}]}, "/addressees/0/a"),
    ({"addressees": [{"region": "c1"}, {"region": "c1"}]}, "/addressees"), ({"category": "x"}, "/category"),
    ({"receipt_limit": 5}, "/receipt_limit"), ({"execution_limit": "1y"}, "/execution_limit"),
    ({"severity": "x"}, "/severity"), ({"priority": 0}, "/priority"), ({"issuer": "x" * 129}, "/issuer"),
    ({"region": "x"}, "/region"), ({"bogus": 1}, "/bogus"),
])
def test_orders_that_are_none(server, fields, pointer):
    answer = send(server, "/v1/directives", {"text": "x", "addressees": [{"region": "c1"}], **fields})
    assert answer.status == 422, answer.body
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert pages(server, "/v1/tickets", 100) == []


@pytest.mark.parametrize("name", ["d0", "d", "1", "t1", "d01", "d99999999", "d99999999999999999999"])
def test_directives_that_are_not_there(server, name):
    assert server.get(f"/v1/directives/{name}").status == 404


def test_before_there_are_regions_nobody_is_addressed():
    with Gridd(regions=None) as server:
        answer = send(server, "/v1/directives", {"text": "x", "addressees": [{"unit": "police"}]})
        assert answer.status == 422 and answer.json()["errors"][0]["pointer"] == "/region"


def test_a_text_of_any_letters_is_given_back(server):
    text = '"quoted" \\ </script> \u2028 \n tab\t 排水\U0001F30A'
    assert directive_of(server, issue(server, text=text, issuer='a"b')["directive"])["text"] == text
