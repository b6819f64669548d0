"""What /metrics says, read strictly: both text forms, every sample in its family, histograms that add up."""
import re
import signal
import time

from gridd import Gridd, report

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABELS = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
SAMPLE = re.compile(rf"({NAME})(?:\{{(.+)\}})? (-?[0-9.e+-]+|NaN|[+-]Inf)$")


def parse(text, is_open):
    """{family: (type, [(name, labels, value)])}; anything out of order fails."""
    families, current, seen = {}, None, set()
    lines = text.split("\n")
    assert lines.pop() == "", "the text ends with a line end"
    if is_open:
        assert lines.pop() == "# EOF"
    assert "# EOF" not in lines
    for line in lines:
        if found := re.fullmatch(rf"# HELP ({NAME}) ([^\\]*)", line):
            current = found.group(1)
            assert current not in families and found.group(2) and '"' not in found.group(2), line
            families[current] = [None, []]
        elif found := re.fullmatch(rf"# TYPE ({NAME}) (counter|gauge|histogram)", line):
            assert found.group(1) == current and families[current] == [None, []], line
            families[current][0] = found.group(2)
            assert not is_open or not current.endswith("_total"), line
            assert found.group(2) != "counter" or is_open or current.endswith("_total"), line
        else:
            found = SAMPLE.fullmatch(line)
            assert found, line
            name, labels, value = found.groups()
            pairs = tuple(LABELS.findall(labels or ""))
            assert sum(len(a) + len(b) + 4 for a, b in pairs) - bool(pairs) == len(labels or ""), line
            kind = families[current][0]
            suffixes = {"counter": ["_total" if is_open else ""], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}[kind]
            assert name in [current + suffix for suffix in suffixes], line
            assert (name, pairs) not in seen, line
            seen.add((name, pairs))
            families[current][1].append((name, pairs, float(value)))
    return families


def check_histogram(samples):
    series = {}
    for name, pairs, value in samples:
        rest = tuple(pair for pair in pairs if pair[0] != "le")
        entry = series.setdefault(rest, {"buckets": []})
        if name.endswith("_bucket"):
            entry["buckets"].append((float(dict(pairs)["le"].replace("+Inf", "inf")), value))
        else:
            entry[name.rsplit("_", 1)[1]] = value
    for entry in series.values():
        bounds, counts = zip(*entry["buckets"])
        assert list(bounds) == sorted(set(bounds)) and bounds[-1] == float("inf")
        assert list(counts) == sorted(counts) and counts[-1] == entry["count"] and entry["sum"] >= 0


def test_both_forms_are_strict_and_the_same(server):
    server.post_lines([report(n) for n in range(50)])
    server.get("/v1/no/such/path")
    found = {}
    for accept, kind, is_open in (("*/*", "text/plain; version=0.0.4; charset=utf-8", False),
                                  ("text/plain", "text/plain; version=0.0.4; charset=utf-8", False),
                                  ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                                   "application/openmetrics-text; version=1.0.0; charset=utf-8", True)):
        answer = server.get("/metrics", Accept=accept)
        assert answer.status == 200 and answer.headers["Content-Type"] == kind
        families = parse(answer.body.decode(), is_open)
        for family, (family_type, samples) in families.items():
            assert family.startswith(("gridd_", "process_")) and family_type, family
            if family_type == "histogram":
                check_histogram(samples)
            for _, pairs, value in samples:
                assert value >= 0 or family_type == "gauge"
                assert len({a for a, _ in pairs}) == len(pairs)
        found[is_open] = {re.sub("_total$", "", family) for family in families}
    assert found[True] == found[False] and len(found[True]) > 60


def value_of(server, name):
    return float(re.search(rf"^{re.escape(name)} (\S+)$", server.get("/metrics").body.decode(), re.M).group(1))


def test_connections_are_told_by_what_they_do(server):
    idle, feed = server.connect(), server.connect()
    idle.request("GET", "/healthz")
    idle.getresponse().read()
    feed.request("GET", "/v1/feed")
    feed.getresponse()
    assert value_of(server, 'gridd_connections{state="idle"}') >= 1
    assert value_of(server, 'gridd_connections{state="sse"}') == 1
    assert value_of(server, 'gridd_connections{state="active"}') == 1  # the one that asks
    idle.close()
    feed.close()


def test_a_refused_reload_is_a_metric_and_changes_nothing(tmp_path):
    config = tmp_path / "gridd.yaml"
    config.write_text("access_log: false\n")
    with Gridd("--config", str(config)) as server:
        name = "gridd_config_last_reload_successful"
        assert value_of(server, name) == 1
        config.write_text("access_log: true\nwings: 2\n")
        server.process.send_signal(signal.SIGHUP)
        while value_of(server, name) == 1:
            time.sleep(0.01)
        assert "gridd.yaml:2: wings" in server.log_text() and '"event":"http"' not in server.log_text()
        config.write_text("access_log: true\n")
        server.process.send_signal(signal.SIGHUP)
        while value_of(server, name) == 0:
            time.sleep(0.01)
        server.get("/healthz")
        assert '"event":"http"' in server.log_text()
