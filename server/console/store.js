/* The open alerts of the wall: what stands open in the server when the page starts, kept current by
 * the feed. An alert is an open incident with its ticket, or an open ticket without an incident.
 * Events may come before, in between and after the first load: a ticket's version and the instant of
 * an incident's last activity say whether the load already has them. */
import {all, get, pool} from './api.js';
import {ordinal} from './format.js';

const FINAL = new Set(['closed', 'archived', 'rejected', 'voided', 'merged']);
const PAGES_MAX = 100; // of 1,000

export class Alerts {
    constructor() {
        this.byKey = new Map();
        this.list = []; // newest first
        this.listeners = new Set();
        this.buffered = [];
        this.loaded = false;
        this.complete = true;
        this.changed = new Set(); // keys since the listeners were last told
        this.added = 0;
        this.fetch = pool(3);
        this.wanted = new Set();
        this.reportTimes = [];
    }

    onChange(listener) {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    }

    async load() {
        this.loaded = false;
        const byKey = new Map();
        const done = [await all('/v1/incidents?state=open', {pages: PAGES_MAX, onPage: (items) =>
            items.forEach((item) => byKey.set(item.id, fromIncident(item)))}),
        await all('/v1/tickets?state=open', {pages: PAGES_MAX, onPage: (items) => items.forEach((item) => {
            const alert = item.incident ? byKey.get(item.incident) : fromTicket(item);
            if (alert && item.origin !== 'directive') {
                setTicket(alert, item.id, item);
                alert.acked_until = item.escalation.acked_until;
                byKey.set(alert.key, alert);
            }
        })})];
        this.complete = done.every(Boolean);
        this.byKey = byKey;
        this.list = [...byKey.values()].sort((a, b) => b.order - a.order);
        this.loaded = true;
        this.added = 0;
        const buffered = this.buffered;
        this.buffered = [];
        this.reloaded = true;
        this.apply(buffered);
        this.tell();
    }

    apply(events) {
        if (!this.loaded) {
            this.buffered.push(...events);
            return;
        }
        for (const {seq, data} of events) {
            if (data.kind === 'report') {
                this.onReport(data);
            } else if (data.kind.startsWith('incident.')) {
                this.onIncident(seq, data);
            } else if (data.kind.startsWith('ticket.')) {
                this.onTicket(seq, data);
            }
        }
        this.tell();
    }

    tell() {
        if (!this.frame) {
            this.frame = setTimeout(() => {
                this.frame = 0;
                const {changed, added, reloaded} = this;
                this.changed = new Set();
                this.added = 0;
                this.reloaded = false;
                this.listeners.forEach((listener) => listener({changed, added, reloaded}));
            }, 50);
        }
    }

    put(alert) {
        const at = this.list.findIndex((other) => other.order < alert.order);
        this.list.splice(at < 0 ? this.list.length : at, 0, alert);
        this.byKey.set(alert.key, alert);
        this.changed.add(alert.key);
        if (at === 0) {
            this.added++;
        }
    }

    remove(key) {
        const alert = this.byKey.get(key);
        if (alert) {
            const at = this.list.indexOf(alert);
            this.list.splice(at, 1);
            this.byKey.delete(key);
            this.changed.add(key);
        }
    }

    onReport(data) {
        const alert = data.incident ? this.byKey.get(data.incident) : null;
        if (alert && data.received_at > alert.counted_until) {
            alert.reports_count++;
            alert.counted_until = data.received_at;
            this.changed.add(alert.key);
            if (alert.sights) {
                this.refresh(alert.key);
            }
        }
    }

    onIncident(seq, data) {
        const key = data.incident;
        if (data.kind === 'incident.opened') {
            if (!this.byKey.has(key)) {
                this.put(fromEvent(key, seq, data));
                if ('localised' in data) {
                    this.refresh(key);
                }
            }
        } else if (data.kind === 'incident.closed') {
            this.remove(key);
        } else if (data.kind === 'incident.merged') {
            this.remove(data.merged);
            this.refresh(key);
        } else if (data.kind === 'incident.unmerged') {
            this.refresh(data.from);
            this.refresh(key, seq);
        } else if (data.kind === 'incident.reopened') {
            this.refresh(key, seq);
        } else {
            const alert = this.byKey.get(key);
            if (alert) {
                Object.assign(alert, {severity: data.severity ?? alert.severity, lat: data.lat ?? alert.lat,
                    lon: data.lon ?? alert.lon, radius_m: data.radius_m ?? alert.radius_m,
                    confidence: data.confidence ?? alert.confidence});
                this.changed.add(key);
                if (data.kind === 'incident.localised') {
                    this.refresh(key);
                }
            }
        }
    }

    onTicket(seq, data) {
        let alert = this.byKey.get(data.incident ?? data.ticket);
        if (!alert && !data.incident && !FINAL.has(data.state) && data.origin !== 'directive' &&
            data.kind === 'ticket.opened') {
            alert = fromEvent(data.ticket, seq, data);
            this.put(alert);
        }
        if (!alert || (alert.ticket === data.ticket && data.version < alert.version)) {
            return;
        }
        if (FINAL.has(data.state)) {
            if (!data.incident) {
                this.remove(alert.key);
            }
            return;
        }
        setTicket(alert, data.ticket, data);
        alert.acked_until = data.kind === 'ticket.ack_expired' ? null : data.acked_until ?? alert.acked_until;
        this.changed.add(alert.key);
    }

    /* Reads an incident again; with `order` it comes in when it was not there. */
    refresh(key, order) {
        if (this.wanted.has(key)) {
            return;
        }
        this.wanted.add(key);
        this.fetch(async () => {
            this.wanted.delete(key);
            const item = await get(`/v1/incidents/${key}?limit=1`);
            const before = this.byKey.get(key);
            if (item.state !== 'open') {
                this.remove(key);
            } else if (before) {
                const {ticket, version, light, state, due_at, unit, acked_until} = before;
                Object.assign(before, fromIncident(item), {order: before.order, ticket: ticket ?? item.ticket, version,
                    light, state, due_at, unit, acked_until});
                this.changed.add(key);
            } else if (order) {
                const alert = {...fromIncident(item), order};
                if (item.ticket) {
                    const owner = await get(`/v1/tickets/${item.ticket}`);
                    setTicket(alert, item.ticket, owner);
                    alert.acked_until = owner.escalation.acked_until;
                }
                this.put(alert);
            }
            this.tell();
        });
    }

    /* Extreme, and nobody has said that they have it. */
    unacknowledged(now) {
        return this.list.filter((alert) => needsAck(alert, now));
    }
}

export function needsAck(alert, now) {
    return alert.severity === 'extreme' && alert.ticket !== null &&
        !(alert.acked_until && Date.parse(alert.acked_until) > now) &&
        alert.state !== 'handling' && alert.state !== 'checking';
}

function setTicket(alert, id, from) {
    alert.ticket = id;
    alert.state = from.state ?? alert.state;
    alert.light = from.light ?? alert.light;
    alert.due_at = from.due_at ?? null;
    alert.unit = from.unit ?? alert.unit;
    alert.priority = from.priority ?? alert.priority;
    alert.version = from.version ?? alert.version;
}

const blank = {ticket: null, state: null, light: null, due_at: null, unit: null, version: 0, acked_until: null,
    lat: null, lon: null, radius_m: 0, sights: null};

function common(key, from) {
    return {...blank, key, category: from.category, severity: from.severity, priority: from.priority, grid: from.grid,
        path: from.path, title: from.title};
}

function fromIncident(item) {
    const at = item.estimate ?? item.anchor;
    return {...common(item.id, item), incident: item.id, ticket: item.ticket, order: ordinal(item.id),
        since: item.first_seen_at, reports_count: item.reports_count, counted_until: item.last_activity_at,
        lat: at?.lat ?? null, lon: at?.lon ?? null, radius_m: item.estimate?.radius_m ?? 0, sights: item.sights,
        confidence: item.confidence};
}

function fromTicket(item) {
    return {...common(item.id, item), incident: null, order: ordinal(item.id), since: item.received_at,
        reports_count: 0, counted_until: item.received_at};
}

function fromEvent(key, seq, data) {
    return {...common(key, data), incident: data.incident ?? null, order: seq, since: data.first_seen_at ?? data.received_at,
        reports_count: data.incident ? 1 : 0, counted_until: data.received_at, lat: data.lat ?? null, lon: data.lon ?? null,
        radius_m: data.radius_m ?? 0, confidence: data.confidence};
}
