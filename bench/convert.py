#!/usr/bin/env python3
"""Turns a table of recorded cases or detections into input for `gridd replay`.

usage: convert.py --map MAP.json IN.csv[.gz] --out REPLAY.ndjson --regions REGIONS.csv [--limit ROWS]

Which column means what stands in the map, so another city's file needs a map and no code. bench/README.md,
"Converting", tells its keys; unknown keys are refused. Rows that cannot be converted are counted by reason
on stderr; nothing is made up for them.
"""
import argparse
import collections
import csv
import datetime
import gzip
import json
import math
import pathlib
import re
import sys
import zlib
import zoneinfo

UTC = datetime.timezone.utc
KEYS = {"zone", "source", "id", "received", "occurred", "closed", "due", "category", "regions", "lat", "lon",
        "channel", "severity", "text", "attributes", "about"}
REGION_CODE_BYTES = 32
REPORT, CLOSE = 0, 1  # of one instant: a case is opened before it is closed


class Unusable(Exception):
    """Why a row is left out."""


def slug(value, separator="_"):
    return re.sub(r"[^a-z0-9]+", separator, value.lower()).strip(separator)


def shortened(code):
    """Region codes are short: a long one keeps its beginning, and what is cut is told by its checksum."""
    if len(code) <= REGION_CODE_BYTES:
        return code
    return f"{code[:REGION_CODE_BYTES - 9]}-{zlib.crc32(code.encode()):08x}"


def cell(row, spec):
    """The text of a spec: a column's name, or {column | columns, words, default, slug}."""
    if isinstance(spec, str):
        return row[spec].strip()
    names = spec.get("columns") or [spec["column"]]
    value = spec.get("separator", " ").join(row[name].strip() for name in names)
    if "words" in spec:
        value = spec["words"].get(value, spec.get("default", value))
    if not value.strip():
        value = spec.get("default", "")
    return slug(value) if spec.get("slug") else value


def number(row, spec):
    text = cell(row, spec)
    value = float(text) if text else None
    return int(value) if value is not None and value.is_integer() else value


def instant(row, spec, zone):
    """A local time as an instant; None where the cell is empty. Of an hour that the clocks show twice it is
    the first, a time that they skip counts by the offset before."""
    text = cell(row, spec)
    if not text:
        return None
    try:
        local = datetime.datetime.strptime(text, spec["format"])
    except ValueError:
        raise Unusable("a time that is not as the map says") from None
    return local.replace(tzinfo=zone).astimezone(UTC)


def written(when):
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


class Regions:
    """The tree, as its leaves turn up."""

    def __init__(self, levels):
        self.levels, self.rows = levels, {}

    def of(self, row, lat, lon):
        """The deepest region that the row names; the tree is ragged."""
        parent = ""
        for level, spec in enumerate(self.levels):
            found = self.one(row, spec, lat, lon, parent)
            if found is None:
                break
            code, name = found
            self.rows.setdefault(code, (parent, level, name))
            parent = code
        if not parent:
            raise Unusable("no region")
        return parent

    @staticmethod
    def one(row, spec, lat, lon, parent):
        if "code" in spec:
            return spec["code"], spec["name"]
        if "cell_deg" in spec:
            if lat is None:
                return None
            south, west = (math.floor(value / spec["cell_deg"]) for value in (lat, lon))
            return f"{spec['prefix']}{south}_{west}", f"{south * spec['cell_deg']}, {west * spec['cell_deg']}"
        name = cell(row, spec)
        if not name:
            return None
        within = f"{parent}." if spec.get("within_parent") else ""
        return shortened(within + spec.get("prefix", "") + slug(name, "-")), name

    def write(self, path):
        ordered = sorted(self.rows.items(), key=lambda item: (item[1][1], item[0]))
        with open(path, "w", encoding="utf-8", newline="") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(["code", "parent", "level", "name"])
            out.writerows([code, parent, level, name] for code, (parent, level, name) in ordered)


def report_of(row, spec, zone, region, lat, lon, received):
    report = {"id": cell(row, spec["id"]), "source": spec["source"], "category": cell(row, spec["category"]),
              "grid": region}
    occurred = instant(row, spec["occurred"], zone) if "occurred" in spec else received
    report["occurred_at"] = written(occurred)
    if lat is not None:
        report["location"] = {"lat": lat, "lon": lon}
    for key in ("channel", "severity", "text"):
        value = cell(row, spec[key]) if key in spec else ""
        if value:
            report[key] = value
    attributes = {}
    for name, column in spec.get("attributes", {}).items():
        value = number(row, column["number"]) if isinstance(column, dict) and "number" in column else cell(row, column)
        if value not in ("", None):
            attributes[name] = value
    if attributes:
        report["attributes"] = attributes
    if not report["id"] or not report["category"]:
        raise Unusable("no id or no category")
    return report


def lines_of(row, spec, zone, regions):
    """One line for the report, one for the close: (instant, rank, object)."""
    received = instant(row, spec["received"], zone)
    if received is None:
        raise Unusable("no time")
    lat, lon = (number(row, spec[key]) if key in spec else None for key in ("lat", "lon"))
    if lat is None or lon is None:
        lat = lon = None
    line = {"at": written(received),
            "report": report_of(row, spec, zone, regions.of(row, lat, lon), lat, lon, received)}
    due = instant(row, spec["due"], zone) if "due" in spec else None
    if due is not None:
        line["ticket"] = {"overall_due": written(due)}
    yield received, REPORT, line
    closed = instant(row, spec["closed"], zone) if "closed" in spec else None
    if closed is not None:
        named = {"source": spec["source"], "id": line["report"]["id"]}
        yield closed, CLOSE, {"at": written(closed), "ticket": {"report": named}, "command": "close"}


def read_map(path):
    spec = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    unknown = set(spec) - KEYS
    if unknown:
        sys.exit(f"{path}: unknown keys: {', '.join(sorted(unknown))}")
    return spec


def rows_of(path):
    path = pathlib.Path(path)
    opened = gzip.open(path, "rt", encoding="utf-8-sig", newline="") if path.suffix == ".gz" \
        else open(path, encoding="utf-8-sig", newline="")
    with opened as file:
        yield from csv.DictReader(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--map", required=True)
    parser.add_argument("input")
    parser.add_argument("--out", required=True)
    parser.add_argument("--regions", required=True)
    parser.add_argument("--limit", type=int, help="so many rows at most")
    args = parser.parse_args()
    spec = read_map(args.map)
    zone, regions = zoneinfo.ZoneInfo(spec["zone"]), Regions(spec["regions"])
    lines, left_out, taken = [], collections.Counter(), 0
    for index, row in enumerate(rows_of(args.input)):
        if index == args.limit:
            break
        try:
            for when, rank, line in lines_of(row, spec, zone, regions):
                lines.append((when, rank, len(lines), json.dumps(line, separators=(",", ":"), ensure_ascii=False)))
            taken += 1
        except Unusable as why:
            left_out[str(why)] += 1
    lines.sort()
    with open(args.out, "w", encoding="utf-8") as file:
        file.writelines(f"{line[3]}\n" for line in lines)
    regions.write(args.regions)
    print(f"{taken} rows, {len(lines)} lines, {len(regions.rows)} regions", file=sys.stderr)
    for why, count in left_out.most_common():
        print(f"left out: {count}: {why}", file=sys.stderr)


if __name__ == "__main__":
    main()
