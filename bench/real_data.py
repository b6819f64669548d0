#!/usr/bin/env python3
"""Turns real facts into gridd's regions (CSV) and reports (NDJSON).

usage: real_data.py regions|boston|firms [FILE.csv.gz]

Without FILE the cut in bench/data/ is used. `boston` also reads the full file of the same source (its
columns differ), `firms` too. Output goes to stdout.
"""
import csv
import gzip
import json
import math
import pathlib
import sys

from data import make_cut

DATA = pathlib.Path(__file__).parent / "data"
CHANNELS = {"Citizens Connect App": "app", "City Worker App": "patrol", "Self Service": "web",
            "Constituent Call": "hotline"}
CELL_DEG = 5


def rows(path):
    path = pathlib.Path(path)
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else open(path, encoding="utf-8")
    with opened as file:
        yield from csv.DictReader(file)


def precinct_code(precinct):
    return f"boston-{precinct}"


def cell_of(lat, lon):
    south = math.floor(lat / CELL_DEG) * CELL_DEG
    west = math.floor(lon / CELL_DEG) * CELL_DEG
    return f"us-n{south}w{-west}", south, west


def boston_cases(path=DATA / "boston-311-cases.csv.gz"):
    """Reports of the city's 311 cases; grid = voting precinct. Takes the cut or the full file."""
    columns = ("case_id", "opened_at", "type", "neighborhood", "precinct", "lat", "lon", "source")
    read = rows(path)
    if "case_enquiry_id" in next(rows(path), {}):
        read = (dict(zip(columns, case)) for case in make_cut.cases(pathlib.Path(path)))
    for row in read:
        yield {
            "id": row["case_id"],
            "source": "boston-311",
            "category": "animal_pest",
            "occurred_at": row["opened_at"],
            "grid": precinct_code(row["precinct"]),
            "location": {"lat": float(row["lat"]), "lon": float(row["lon"])},
            "channel": CHANNELS.get(row["source"], "gateway"),
            "text": row["type"],
        }


def firms_detections(path=DATA / "firms-modis-detections.csv.gz"):
    """Reports of satellite fire detections; grid = a cell of five degrees."""
    for row in rows(path):
        lat, lon = float(row.get("lat") or row["latitude"]), float(row.get("lon") or row["longitude"])
        clock = row["acq_time"].zfill(4)
        instant = f"{row['acq_date']}T{clock[:2]}:{clock[2:]}:00Z"
        yield {
            "id": f"{row['satellite']}-{row['acq_date']}-{clock}-{lat}-{lon}",
            "source": "firms-modis",
            "category": "forest_fire",
            "occurred_at": instant,
            "grid": cell_of(lat, lon)[0],
            "location": {"lat": lat, "lon": lon, "accuracy_m": 1000},
            "severity": "severe" if int(row["confidence"]) >= 80 else "moderate",
            "channel": "satellite",
            "attributes": {"confidence": int(row["confidence"]), "frp_mw": float(row["frp"]),
                           "daynight": row["daynight"]},
        }


def regions():
    """Rows (code, parent, level, name, lat, lon): the four areas, Boston's precincts, the cells."""
    for row in rows(DATA / "four-areas-divisions.csv.gz"):
        yield row["code"], row["parent"], int(row["level"]), row["name"], row["lat"], row["lon"]
    yield "boston", "", 3, "City of Boston", "42.3601", "-71.0589"
    sums = {}
    for row in rows(DATA / "boston-311-cases.csv.gz"):
        total = sums.setdefault(row["precinct"], [0, 0.0, 0.0])
        total[0] += 1
        total[1] += float(row["lat"])
        total[2] += float(row["lon"])
    for precinct, (count, lat, lon) in sorted(sums.items()):
        yield (precinct_code(precinct), "boston", 5, f"Precinct {precinct}", f"{lat / count:.5f}",
               f"{lon / count:.5f}")
    yield "us", "", 0, "United States", "", ""
    cells = {cell_of(r["location"]["lat"], r["location"]["lon"]) for r in firms_detections()}
    for code, south, west in sorted(cells):
        yield code, "us", 3, f"{south} to {south + CELL_DEG} N, {-west} to {-west - CELL_DEG} W", "", ""


def regions_csv():
    lines = ["code,parent,level,name,lat,lon"]
    lines += [",".join(f'"{v}"' if "," in str(v) else str(v) for v in row) for row in regions()]
    return "\n".join(lines) + "\n"


def ndjson(reports):
    return "".join(json.dumps(r, ensure_ascii=False, separators=(",", ":")) + "\n" for r in reports)


def main():
    what, files = sys.argv[1:2], sys.argv[2:3]
    if what == ["regions"]:
        sys.stdout.write(regions_csv())
    elif what == ["boston"]:
        sys.stdout.write(ndjson(boston_cases(*files)))
    elif what == ["firms"]:
        sys.stdout.write(ndjson(firms_detections(*files)))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
