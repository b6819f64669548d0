"""Reports that try to be markup or script, in every member that is shown, in every view: all inert."""
import json
import os
import pathlib
import re

from gridd import Gridd, report
from guarded import Guarded
from work import instant, opened, send

SHAPES = [
    "<script>window.pwned=1</script>", "<img src=x onerror=\"window.pwned=1\">", "\"><svg onload=window.pwned=1>",
    "<iframe srcdoc=\"<script>parent.pwned=1</script>\"></iframe>", "javascript:window.pwned=1", "<a href=\"javascript:window.pwned=1\">x</a>",
    "{{constructor.constructor('window.pwned=1')()}}", "<style>@import '//evil.example/x.css'</style>", "</textarea></title><script>window.pwned=1</script>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.pwned=1>", "\u202e\u2066evil\u2069", "<body onload=window.pwned=1>", "'-window.pwned=1-'",
    "<details open ontoggle=window.pwned=1>", "<base href=//evil.example/>", "<meta http-equiv=refresh content='0;url=//evil.example'>", "=cmd|' /C calc'!A0",
]
MADE = """return document.querySelectorAll('body script, body img, body iframe, body style, body base, body meta, body object, body [onerror], body [onload]').length"""
ROOT = pathlib.Path(__file__).resolve().parents[2]
REGIONS = """code,parent,level,name,lat,lon
c,,0,<script>window.pwned=1</script>,30,110
g1,c,1,"<img src=x onerror=""window.pwned=1"">",30.001,110.001
"""


def naughty_strings():
    """The big list of naughty strings, where it is at hand."""
    path = pathlib.Path(os.environ.get("GRIDD_SHARED", "/nowhere")) / "data" / "json" / "blns.json"
    if not path.exists():
        print(f"{path} is not there: only our own {len(SHAPES)} shapes are tried")
        return []
    return [text for text in json.loads(path.read_text()) if text.strip() and "\0" not in text]


def test_hostile_text_is_inert_everywhere(screen):
    shapes = SHAPES + naughty_strings()
    with Gridd(regions=REGIONS) as server:
        taken = 0
        for number, text in enumerate(shapes):
            member = text.encode()[:100].decode(errors="ignore")
            answer = server.post(report(number, category=("forest_fire", "gas_leak", "streetlight", "dispute")[number % 4], occurred_at=instant(),
                                        location={"lat": 30 + number / 20, "lon": 110}, text=text, reporter=member, device=member, on_behalf_of=member,
                                        id=f"{number}{member}"[:60], attributes={"html": text}))
            taken += answer.status == 201
        assert taken >= len(SHAPES)
        ticket = opened(server, note=SHAPES[1])
        for shape in SHAPES[:6]:
            assert send(server, f"/v1/tickets/{ticket}/remind", {"actor": shape, "note": shape}).status == 200
        incident = server.get("/v1/incidents?limit=1000").json()["items"][-2]["id"]
        screen.open(server)
        for fragment in ("#/wall", "#/tickets", f"#/ticket/{ticket}", f"#/incident/{incident}", "#/region/c", "#/region", "#/operations",
                         "#/ticket/%3Cscript%3E", "#/region/%3Cimg%20src=x%20onerror=window.pwned=1%3E"):
            screen.go(fragment)
            screen.until(lambda: screen.js("return document.querySelector('#view').textContent.length > 20"), f"{fragment} shows nothing")
            screen.wait_js("setTimeout(arguments[0], 200)")
            elements = screen.js("return document.querySelectorAll('#app script, #app img, #app iframe, #app style, #app base, #app meta, #app object, #app [onerror], #app [onload]').length")
            assert elements == 0 and screen.js("return window.pwned") is None, fragment
            links = screen.js("return [...document.querySelectorAll('#app a[href]')].map((a) => a.getAttribute('href'))")
            assert all(link.startswith(("#", "/")) and not link.startswith("//") for link in links)
        screen.go(f"#/ticket/{ticket}")
        assert SHAPES[1] in screen.text(".history")
        screen.go(f"#/incident/{incident}")
        screen.until(lambda: SHAPES[1] in screen.text("#view"), "the report's text is not shown as it is")
        assert screen.hosts() == {f"127.0.0.1:{server.port}"}
        assert not [line for line in screen.console() if "Content Security Policy" in line or "Uncaught" in line]


def test_hostile_names_are_inert(screen, tmp_path):
    """Names of the policy, of who is logged in, of units and of issuers, in the views that show them."""
    text = (ROOT / "server/policy/default.yaml").read_text()
    for code, shape in (("gas_leak", SHAPES[1]), ("gas_company", SHAPES[2]), ("hotline", SHAPES[0])):
        text, count = re.subn(rf"(code: {code}, name: )[^,}}]+", lambda found: found.group(1) + json.dumps(shape), text)
        assert count == 1, code
    policy = tmp_path / "policy.yaml"
    policy.write_text(text)
    with Guarded("--policy", str(policy), regions=REGIONS) as server:
        desk, token = server.make(["intake"], name="desk"), server.make(["centre"], name=SHAPES[1])
        made = server.post(report(1, category="gas_leak", occurred_at=instant(), channel="hotline", location={"lat": 30, "lon": 110}), Authorization=f"Bearer {desk}").json()
        order = {"text": SHAPES[0], "issuer": SHAPES[1], "region": "c", "addressees": [{"region": "g1", "unit": "gas_company"}]}
        directive = server.ask("POST", "/v1/directives", token, order).json()["directive"]
        for language in ("zh", "en"):
            screen.language = language
            screen.open(server, "#/wall", tokens=True)
            if screen.state() is None:
                screen.fill(".login [name=token]", token)
                screen.click(".login button[type=submit]")
            screen.until(lambda: screen.state() == "live", "the feed does not start")
            for fragment in ("#/wall", "#/tickets", f"#/ticket/{made['ticket']}", f"#/incident/{made['incident']}", "#/region/c", f"#/directives/{directive}"):
                screen.go(fragment)
                screen.until(lambda: screen.js("return document.querySelector('#view').textContent.length > 20"), f"{fragment} shows nothing")
                screen.settled()
                assert screen.js(MADE) == 0 and screen.js("return window.pwned") is None, fragment
            screen.go(f"#/directives/{directive}")
            assert SHAPES[0] in screen.text(".directive-detail h1") and SHAPES[1] in screen.text("[data-action=who]")
            screen.click("[data-action=who]")
            assert SHAPES[1] in screen.text("dialog") and screen.js(MADE) == 0
            screen.js("document.querySelector('dialog').close(); localStorage.clear()")
        assert screen.hosts() == {f"127.0.0.1:{server.port}"}


def test_the_policy_refuses_what_would_be_put_in(screen):
    """Were there markup after all, the browser would still not run it."""
    with Gridd() as server:
        screen.open(server)
        screen.js("const script = document.createElement('script'); script.textContent = 'window.pwned = 1'; document.body.append(script)")
        screen.js("const image = document.createElement('img'); image.setAttribute('onerror', 'window.pwned = 1'); image.src = 'x'; document.body.append(image)")
        asked = screen.wait_js("const done = arguments[0]; fetch('http://127.0.0.1:1/').then(() => done('sent'), (error) => done(String(error)))")
        screen.wait_js("setTimeout(arguments[0], 300)")
        assert screen.js("return window.pwned") is None
        assert asked != "sent" and any("Content Security Policy" in line for line in screen.console())
