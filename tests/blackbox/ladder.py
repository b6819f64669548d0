"""A policy whose ladders take seconds, regions with leaders and a vacant office, and what the feed told."""
import json
import threading
import time

from ledger import FeedReader

REGIONS = """code,parent,level,name,leader
city,,0,City,Mayor
county,city,1,County,Head of county
town,county,2,Town,Head of town
village,town,3,Village,
grid,village,4,Grid,Grid worker
other,town,4,Other grid,Other worker
"""

# Past the limit the way up is town (the village has no leader), county, city; only then repeats.
POLICY = """version: 5
ladder_pause: 1s
merge_classes:
  - {{code: near, kind: distance, gate_m: 50, reopen: 72h, stale: {stale}}}
  - {{code: alarm, kind: alarm, gate_m: 0, reopen: 10m}}
categories:
  - {{code: leak, name: Leak, priority: P2, severity: severe, merge: near, accept: {accept}}}
  - {{code: fault, name: Fault, priority: P2, accept: {accept}}}
  - {{code: smoke, name: Smoke alarm, priority: P1, merge: alarm}}
  - {{code: rubble, name: Rubble, priority: P3, merge: near}}
  - {{code: patrol, name: Patrol, priority: P4, ticket: false}}
ladders:
  P2: {{reminder_percent: 50, near_percent: 80, step: {step}, step_percent: 0, repeat: {repeat}, top_level: 0,
       ack: 15m, unacked: [{unacked}]}}
channels:
  - {{code: handheld, name: Handheld, observer: person}}
  - {{code: sensor, name: Sensor, observer: sensor}}
"""


def write_policy(directory, accept="4s", step="2s", repeat="30m", unacked="", stale="15m"):
    path = directory / "policy.yaml"
    path.write_text(POLICY.format(accept=accept, step=step, repeat=repeat, unacked=unacked, stale=stale))
    return path


class Told(FeedReader):
    """The feed from the moment it is followed, across kills; `events` are the objects in the order they came."""

    def __init__(self, server):
        super().__init__(server)
        self.events, self.changed = [], threading.Condition()
        self.start()
        assert self.open.wait(30), "the feed does not open"

    def keep(self, kind, data):
        event = json.loads(data)
        assert event["kind"] == kind
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def of(self, ticket, *kinds):
        return [e for e in self.events if e.get("ticket") == ticket and (not kinds or e["kind"] in kinds)]

    def wait(self, wanted, seconds=60):
        """Until wanted() is true; what it returned."""
        end = time.monotonic() + seconds
        with self.changed:
            while not (found := wanted()):
                left = end - time.monotonic()
                assert left > 0, f"the feed never told it; last: {self.events[-3:]}"
                self.changed.wait(min(left, 0.2))
        return found

    def close(self):
        self.stopping = True
        assert not self.resets, self.resets
        assert self.seqs == list(range(self.seqs[0], self.seqs[0] + len(self.seqs))), "the feed has gaps or repeats"


def point(event):
    """What of a ladder an event tells: kind, clock, step (0: none), whom."""
    return event["kind"], event.get("stage"), event.get("step", 0), event.get("told"), event.get("why")
