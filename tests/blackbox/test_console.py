"""The console's files over HTTP: variants, caching and the policy a browser is given."""
import gzip
import re

import pytest

FILES = {"/": "text/html; charset=utf-8", "/console/app.js": "text/javascript; charset=utf-8", "/console/base.css": "text/css; charset=utf-8",
         "/console/icon.svg": "image/svg+xml", "/console/lib-leaflet.js": "text/javascript; charset=utf-8", "/licences.txt": "text/plain; charset=utf-8"}


@pytest.mark.parametrize("path", FILES)
def test_each_file_has_two_variants_with_tags_of_their_own(server, path):
    plain, packed = server.get(path), server.get(path, Accept_Encoding="br;q=1, gzip;q=0.8")
    assert plain.status == packed.status == 200
    assert plain.headers["Content-Type"] == packed.headers["Content-Type"] == FILES[path]
    assert plain.headers["Content-Encoding"] is None and packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body and len(packed.body) < len(plain.body)
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert plain.headers["ETag"] != packed.headers["ETag"]
    for answer, coding in ((plain, "identity"), (packed, "gzip")):
        tag = answer.headers["ETag"]
        assert re.fullmatch(r'"[0-9a-f]{16}(-gzip)?"', tag)
        for condition in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            unchanged = server.get(path, Accept_Encoding=coding, If_None_Match=condition)
            assert unchanged.status == 304 and unchanged.body == b"" and unchanged.headers["ETag"] == tag
        assert server.get(path, Accept_Encoding=coding, If_None_Match='"other"').status == 200
    assert server.get(path, Accept_Encoding="gzip", If_None_Match=plain.headers["ETag"]).status == 200


def test_gzip_that_is_refused_is_not_sent(server):
    for coding in ("gzip;q=0", "identity", "br", "gzip; q=0.000"):
        assert server.get("/", Accept_Encoding=coding).headers["Content-Encoding"] is None, coding


def test_the_policy_allows_only_what_is_ours(server):
    answer = server.get("/")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy == {"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "connect-src": "'self'", "img-src": "'self' data:",
                      "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'"}
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["Referrer-Policy"] == "no-referrer"
    page = answer.body.decode()
    assert not re.search(r"<style|style=|\son\w+=|<script>|https?://", page)
    for path in re.findall(r'(?:src|href)="(/[^"]*)"', page):
        assert server.get(path).status == 200, path


def test_every_module_that_is_imported_is_there(server):
    seen, waiting = set(), ["/console/app.js"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = server.get(path)
        assert answer.status == 200, path
        waiting += [f"/console/{name}" for name in re.findall(r"from '\./([\w.-]+)'", answer.body.decode())]
    assert len(seen) > 20


def test_what_is_not_there_and_what_is_not_taken(server):
    for path in ("/console/nothing.js", "/console/..%2fgridd", "/console/index.html"):
        assert server.get(path).status in (400, 404), path
    assert server.get("/console/a/b").status == 404
    refused = server.request("POST", "/", b"x")
    assert refused.status == 405 and "GET" in refused.headers["Allow"]
    assert server.get("/?a=1").status == 400
    head = server.request("HEAD", "/")
    assert head.status == 200 and head.body == b"" and int(head.headers["Content-Length"]) == len(server.get("/").body)


def test_licences_name_the_libraries(server):
    text = server.get("/licences.txt").body.decode()
    for word in ("Leaflet", "markercluster", "Chart.js", "BSD-2-Clause", "MIT", "Apache-2.0"):
        assert word in text


def test_settings_and_tiles(tmp_path):
    from gridd import Gridd
    config = tmp_path / "gridd.yaml"
    config.write_text("console_tiles: https://tiles.example.org:8443/{z}/{x}/{y}.png\n")
    with Gridd("--config", str(config)) as own:
        settings = own.get("/console/settings.json").json()
        assert settings["tiles"] == "https://tiles.example.org:8443/{z}/{x}/{y}.png" and settings["auth"] is False and settings["version"]
        assert "img-src 'self' data: https://tiles.example.org:8443;" in own.get("/").headers["Content-Security-Policy"]


def test_words_of_the_policy(server):
    policy = server.get("/v1/policy").json()
    assert {"code": "gas_company", "name": "燃气公司"} in policy["units"]
    gas = next(item for item in policy["categories"] if item["code"] == "gas_leak")
    assert gas == {"code": "gas_leak", "name": "燃气泄漏", "priority": 1, "severity": "extreme", "ticket": True, "self_handle": False, "merge_class": "gas"}
    assert {"code": "handheld", "name": "网格员手持终端", "public": False} in policy["channels"]


def test_roots_of_the_tree_page_by_page():
    from gridd import Gridd
    rows = "code,parent,level,name\n" + "".join(f"r{i},,0,Root {i}\nk{i},r{i},1,Child\n" for i in range(7))
    with Gridd(regions=rows) as own:
        codes, cursor = [], ""
        while cursor is not None:
            page = own.get(f"/v1/regions?limit=3{cursor and '&cursor=' + cursor}").json()
            codes += [item["code"] for item in page["items"]]
            assert all(item["parent"] is None and item["children_count"] == 1 for item in page["items"])
            cursor = page["next_cursor"]
        assert codes == [f"r{i}" for i in range(7)]
        assert own.get("/v1/regions?cursor=" + own.get("/v1/regions/r1/children?limit=1").headers["X-Request-Id"]).status == 400
    with Gridd(regions=None) as empty:
        assert empty.get("/v1/regions").json() == {"items": [], "next_cursor": None}
