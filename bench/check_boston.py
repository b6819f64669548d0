#!/usr/bin/env python3
"""Compares when gridd says a case was overdue with what Boston's own on_time column says.

usage: check_boston.py CASES.csv[.gz] EVENTS.ndjson [--json FILE]

EVENTS is `gridd replay --out` of the same cases (bench/README.md, "Boston"). A case is overdue for gridd when its
ticket's overall limit was told as overdue before it was closed. Counted are the cases that have sla_target_dt
and closed_dt; each disagreement is put down to a cause, found from the case's own times.
"""
import argparse
import collections
import datetime
import json
import zoneinfo

from convert import rows_of

ZONE = zoneinfo.ZoneInfo("America/New_York")


def overdue_cases(path):
    """Ids of reports whose ticket passed its overall limit, and of those that have a ticket."""
    case_of, overdue = {}, set()
    with open(path, encoding="utf-8") as file:
        for line in file:
            # Only two kinds are of interest; looking at the text first is ten times faster than reading all.
            if '"kind":"report"' in line:
                event = json.loads(line)
                case_of[event["ticket"]] = event["id"]
            elif '"kind":"ticket.overdue"' in line and '"stage":"overall"' in line:
                overdue.add(json.loads(line)["ticket"])
    return {case_of[ticket] for ticket in overdue}, set(case_of.values())


def local(text):
    return datetime.datetime.fromisoformat(text)


def in_utc(when):
    return when.replace(tzinfo=ZONE).astimezone(datetime.timezone.utc)


def cause(row, ours):
    """Why the two differ, the most particular cause first."""
    opened, closed, due = (local(row[key]) for key in ("open_dt", "closed_dt", "sla_target_dt"))
    if closed < opened:
        return "closed before it was opened: the close comes before the report and finds no ticket"
    if (closed > due) != (in_utc(closed) > in_utc(due)):
        return "an hour that the clocks show twice or skip lies between limit and close"
    if due <= opened:
        return "the limit is not after the opening"
    if due - opened > datetime.timedelta(days=366):
        return "planned for more than 366 days: taken as 366 days"
    if closed == due:
        return "closed at the very second of the limit"
    if ours and row["on_time"] == "ONTIME":
        late = closed - due
        return f"closed after the limit, yet ONTIME: {bucket(late)} late"
    return f"closed before the limit, yet OVERDUE: {bucket(due - closed)} early"


def bucket(span):
    for name, limit in (("up to a minute", 60), ("up to an hour", 3600), ("up to a day", 86400)):
        if span.total_seconds() <= limit:
            return name
    return "more than a day"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("cases")
    parser.add_argument("events")
    parser.add_argument("--json")
    args = parser.parse_args()
    overdue, known = overdue_cases(args.events)
    table, causes, examples = collections.Counter(), collections.Counter(), {}
    skipped, open_table = 0, collections.Counter()
    for row in rows_of(args.cases):
        case = row["case_enquiry_id"]
        if case not in known:
            raise SystemExit(f"case {case} has no ticket in {args.events}: is it the replay of these cases?")
        ours = case in overdue
        if not row["sla_target_dt"] or not row["closed_dt"]:
            skipped += 1
            if row["sla_target_dt"]:
                open_table[(row["on_time"], "OVERDUE" if ours else "ONTIME")] += 1
            continue
        table[(row["on_time"], "OVERDUE" if ours else "ONTIME")] += 1
        if ours != (row["on_time"] == "OVERDUE"):
            why = cause(row, ours)
            causes[why] += 1
            examples.setdefault(why, case)
    compared = sum(table.values())
    if compared == 0:
        raise SystemExit("no case has both sla_target_dt and closed_dt: nothing was compared")
    same = sum(count for (theirs, ours), count in table.items() if theirs == ours)
    print(f"{compared} cases with limit and close, {skipped} without\n")
    print(f"{'':18}{'gridd ONTIME':>14}{'gridd OVERDUE':>15}")
    for theirs in ("ONTIME", "OVERDUE"):
        print(f"{'Boston ' + theirs:18}{table[(theirs, 'ONTIME')]:>14}{table[(theirs, 'OVERDUE')]:>15}")
    print(f"\nthe same: {same} of {compared} ({100 * same / compared:.2f} %)\ndifferent: {compared - same}")
    for why, count in causes.most_common():
        print(f"  {count:6}  {why} (for one, {examples[why]})")
    print(f"\nnot compared, open with a limit: {dict(open_table)}")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump({"compared": compared, "same": same, "causes": causes,
                       "table": {f"{theirs}/{ours}": count for (theirs, ours), count in table.items()}}, file)


if __name__ == "__main__":
    main()
