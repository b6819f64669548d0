#!/usr/bin/env python3
"""Makes the small cut of real facts in this folder from the full files (README.md names the sources).

usage: make_cut.py SHARED_DATA_DIRECTORY

Deterministic: the same input gives the same files, byte for byte.
"""
import csv
import datetime
import gzip
import io
import pathlib
import sys
import zoneinfo

CASES, DETECTIONS = 20000, 12000
HERE = pathlib.Path(__file__).parent


def read(path):
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else open(path, encoding="utf-8")
    with opened as file:
        yield from csv.DictReader(file)


def write(name, columns, rows):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    data = gzip.compress(text.getvalue().encode(), 9, mtime=0)
    (HERE / name).write_bytes(data)
    print(f"{name}: {text.getvalue().count(chr(10)) - 1} rows, {len(data)} bytes")


def utc(local):
    boston = zoneinfo.ZoneInfo("America/New_York")
    at = datetime.datetime.strptime(local, "%Y-%m-%d %H:%M:%S").replace(tzinfo=boston)
    return at.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def cases(path):
    for row in read(path):
        if row["latitude"] and row["precinct"].strip():
            yield (row["case_enquiry_id"], utc(row["open_dt"]), row["type"], row["neighborhood"].strip(),
                   row["precinct"], f"{float(row['latitude']):.5f}", f"{float(row['longitude']):.5f}",
                   row["source"])


def detections(path):
    for row in read(path):
        yield tuple(row[c] for c in ("latitude", "longitude", "acq_date", "acq_time", "satellite",
                                     "confidence", "frp", "daynight"))


def first(rows, count):
    return [row for row, _ in zip(rows, range(count))]


def main():
    shared = pathlib.Path(sys.argv[1])
    write("boston-311-cases.csv.gz",
          ("case_id", "opened_at", "type", "neighborhood", "precinct", "lat", "lon", "source"),
          first(cases(shared / "311/boston-311-animal-pest-2013-2019.csv.gz"), CASES))
    write("firms-modis-detections.csv.gz",
          ("lat", "lon", "acq_date", "acq_time", "satellite", "confidence", "frp", "daynight"),
          first(detections(shared / "fires/firms-modis-nrt-us-2025-02-06.csv.gz"), DETECTIONS))
    areas = read(shared / "admin-divisions/four-areas-2016-geo.csv")
    write("four-areas-divisions.csv.gz", ("code", "parent", "level", "name", "lat", "lon"),
          [(r["code"], r["parent"], r["level"], r["name"], r["latitude"], r["longitude"]) for r in areas])


if __name__ == "__main__":
    main()
