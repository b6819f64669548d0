#!/usr/bin/env python3
"""Writes replay input for measuring: the same --seed writes the same bytes.

usage: replay_load.py plain|mixed|tickets --events N --out REPLAY.ndjson --regions REGIONS.csv [--seed N]

plain: reports of the daily round, which open no tickets. tickets: each of three lines in four is a report of the
default policy's streetlights, potholes, garbage or fires over 45,000 grids, which opens a ticket or joins one; the
fourth closes the ticket of an earlier report. mixed: four lines in five are plain, one is of tickets. Lines are about 300 bytes with nine members, 50 ms apart.
"""
import argparse
import datetime
import random

GRIDS = 45000
START = datetime.datetime(2026, 3, 2, tzinfo=datetime.timezone.utc)
MATTERS = (("streetlight", 40), ("road_damage", 30), ("exposed_garbage", 28), ("open_burning", 2))


def place(grid):
    return 34.0 + grid // 225 * 0.01, 108.0 + grid % 225 * 0.01


def write_regions(path):
    with open(path, "w", encoding="utf-8") as file:
        file.write("code,parent,level,name,lat,lon\nc,,0,City,,\n")
        for town in range(GRIDS // 20):
            file.write(f"t{town},c,1,Town {town},,\n")
        for grid in range(GRIDS):
            lat, lon = place(grid)
            file.write(f"g{grid},t{grid // 20},2,Grid {grid},{lat:.4f},{lon:.4f}\n")


def report(number, at, category, rng):
    grid = rng.randrange(GRIDS)
    lat, lon = place(grid)
    lat, lon = lat + rng.uniform(-0.004, 0.004), lon + rng.uniform(-0.004, 0.004)
    return (f'{{"at":"{at}","report":{{"id":"r{number:08d}","source":"handheld-{grid}","category":"{category}",'
            f'"occurred_at":"{at}","grid":"g{grid}","location":{{"lat":{lat:.6f},"lon":{lon:.6f}}},'
            f'"channel":"handheld","reporter":"worker {grid}","text":"seen on the round of the morning"}}}}\n'), grid


def close(at, number, grid):
    return (f'{{"at":"{at}","ticket":{{"report":{{"source":"handheld-{grid}","id":"r{number:08d}"}}}},'
            f'"command":"close"}}\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("kind", choices=("plain", "mixed", "tickets"))
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--regions", required=True)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng, open_reports = random.Random(args.seed), []
    names, weights = zip(*MATTERS)
    write_regions(args.regions)
    with open(args.out, "w", encoding="utf-8") as file:
        for event in range(args.events):
            at = (START + datetime.timedelta(milliseconds=50 * event)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
            is_ticket = args.kind == "tickets" or (args.kind == "mixed" and event % 5 == 4)
            turn = event // 5 if args.kind == "mixed" else event
            if is_ticket and turn % 4 == 3:
                file.write(close(at, *open_reports.pop(rng.randrange(len(open_reports)))))
                continue
            category = "patrol" if not is_ticket else rng.choices(names, weights)[0]
            line, grid = report(event, at, category, rng)
            file.write(line)
            if is_ticket:
                open_reports.append((event, grid))


if __name__ == "__main__":
    main()
