/* One incident: its members, why each was put into it, on the map; merging and un-merging by hand. */
import {get, pool, post, withQuery} from './api.js';
import {loadTicket} from './commands.js';
import {add, button, field, h, replace, setText} from './dom.js';
import {dateTime, number} from './format.js';
import {t, w} from './i18n.js';
import {IncidentMap, drawFire} from './map.js';
import {may} from './me.js';
import {categoryName, channelName, pathName, regionName} from './names.js';
import {errorBox, priorityBadge, severityBadge, ticketLink, toast} from './parts.js';

const PAGE = 200, NEAR_M = 20000, NEIGHBOURS_MAX = 50;

/* Why this report is here, in one sentence. */
function why(match, again) {
    const parts = [w('rule', match.rule)];
    if (match.distance_m !== null) {
        parts.push(t('match.distance', {metres: number(match.distance_m, 1)}));
    }
    if (match.rule !== 'opened') {
        parts.push(t('match.time', {seconds: number(match.dt_s, 1)}), t('match.score', {score: number(match.score / 1000, 3)}));
    }
    return h('div', {}, parts.join(' · '), match.alternatives.length === 0 ? null : h('div', {class: 'small muted'}, t('match.alternatives'), ' ',
        match.alternatives.map((one) => [h('a', {href: `#/incident/${one.incident}`}, one.incident), ` ${number((one.score ?? 0) / 1000, 3)} `])));
}

class IncidentView {
    constructor(context, id) {
        Object.assign(this, {context, id, members: [], cursor: null, chosen: new Set()});
        this.head = h('div', {class: 'detail-head'});
        this.mapBox = h('div', {class: 'map'});
        this.body = h('tbody');
        this.trouble = h('div');
        this.more = button(t('more'), () => this.loadMembers());
        this.unmerge = button(t('incident.unmerge'), () => this.doUnmerge(), {disabled: true, 'data-action': 'unmerge'});
        this.into = h('input', {type: 'text', name: 'into', size: 8, placeholder: 'i12', required: true, pattern: 'i[0-9]+'});
        this.merge = h('form', {class: 'inline-form', on: {submit: (event) => this.doMerge(event)}}, field(t('incident.merge_into'), this.into),
            h('button', {type: 'submit'}, t('incident.merge')));
        this.element = h('div', {class: 'detail incident'}, this.head, this.trouble, h('div', {class: 'incident-body'},
            h('section', {class: 'panel padded incident-members'}, h('div', {class: 'panel-head'}, h('h2', {}, t('incident.members')), this.unmerge, this.merge),
                h('div', {class: 'table-wrap'}, h('table', {class: 'table'}, h('thead', {}, h('tr', {}, h('th', {}, ''), ['list.id', 'list.when', 'incident.observer',
                    'incident.text', 'incident.why'].map((key) => h('th', {}, t(key))))), this.body)), this.more),
            h('section', {class: 'panel incident-map', 'aria-label': t('wall.map')}, this.mapBox)));
        this.fetch = pool(4);
        this.again = () => this.incident && this.showHead();
        this.unlisten = context.onEvents((events) => events.some(({data}) => data.incident === id || data.merged === id || data.from === id) && this.soon());
    }

    async start() {
        this.map = new IncidentMap(this.mapBox, {label: t('wall.map'), onOpen: () => {}});
        await this.load();
    }

    soon() {
        this.waiting ??= setTimeout(() => {
            this.waiting = undefined;
            this.load();
        }, 1000);
    }

    async load() {
        try {
            this.members = [];
            this.cursor = null;
            this.chosen.clear();
            await this.loadMembers();
        } catch (error) {
            replace(this.head, errorBox(error));
        }
    }

    async loadMembers() {
        const first = this.cursor === null;
        const page = await get(withQuery(`/v1/incidents/${encodeURIComponent(this.id)}`, {limit: PAGE, cursor: this.cursor}));
        const {members, next_cursor: cursor, ...incident} = page;
        this.incident = incident;
        this.cursor = cursor;
        if (first) {
            replace(this.body);
        }
        this.members.push(...members);
        add(this.body, members.map((member) => this.row(member)));
        this.more.hidden = cursor === null;
        this.showHead();
        this.showMap();
        await this.showRights();
    }

    /* Whoever may merge its ticket may merge and un-merge the incident. */
    async showRights() {
        if (!may('incident.change')) {
            this.merge.hidden = this.unmerge.hidden = true;
            return;
        }
        const allowed = this.incident.ticket ? (await loadTicket(this.incident.ticket)).allowed : ['merge'];
        const offered = this.incident.state !== 'open' || allowed.includes('merge') || allowed.includes('unmerge');
        this.merge.hidden = this.unmerge.hidden = !offered;
    }

    row(member) {
        const text = h('div', {class: 'quoted'}), box = h('input', {type: 'checkbox', 'aria-label': t('incident.choose', {seq: member.seq}),
            on: {change: () => this.choose(member.seq, box.checked)}});
        this.fetch(async () => {
            const report = await get(`/v1/reports/${member.seq}`);
            setText(text, report.text ?? '');
            add(text, report.channel ? h('div', {class: 'small muted'}, [channelName(report.channel), report.reporter, report.device].filter(Boolean).join(' · ')) : null);
        });
        return h('tr', {'data-seq': member.seq}, h('td', {}, box), h('td', {class: 'mono'}, `#${member.seq}`),
            h('td', {}, dateTime(member.occurred_at), member.late ? h('div', {class: 'badge'}, t('incident.late')) : null),
            h('td', {}, w('observer', member.observer), h('div', {}, severityBadge(member.severity))), h('td', {class: 'wide'}, text), h('td', {}, why(member.match)));
    }

    showHead() {
        const one = this.incident;
        this.element.dataset.state = one.state;
        replace(this.head, h('div', {class: 'detail-title'}, h('h1', {}, `${categoryName(one.category)} · ${regionName(one.grid, this.again)}`),
            h('div', {class: 'badges'}, h('span', {class: 'mono'}, one.id), h('span', {class: 'badge'}, w('incident_state', one.state)), priorityBadge(one.priority), severityBadge(one.severity),
                h('span', {class: 'badge'}, w('confidence', one.confidence)))),
        one.merged_into ? h('p', {class: 'notice'}, t('incident.merged_into'), ' ', h('a', {href: `#/incident/${one.merged_into}`}, one.merged_into)) : null,
        h('dl', {class: 'facts'}, [['path', pathName(one.path, this.again, 8)], ['ticket', ticketLink(one.ticket)], ['reports', number(one.reports_count)],
            ['observers', `${number(one.observers.independent)} · ${one.observers.kinds.map((kind) => w('observer', kind)).join(', ')}`],
            ['first_seen_at', dateTime(one.first_seen_at)], ['last_seen_at', dateTime(one.last_seen_at)], ['spread', `${number(one.spread_m)} m`],
            ['localised', t(one.localised ? 'yes' : 'no')]].flatMap(([key, value]) => [h('dt', {}, t(`fact.${key}`)), h('dd', {}, value)])));
    }

    showMap() {
        const one = this.incident, at = one.estimate ?? one.anchor, points = this.members.filter((member) => member.location).map((member) => [member.location.lat, member.location.lon]);
        const fire = {lat: at?.lat ?? null, lon: at?.lon, radius_m: one.estimate?.radius_m ?? 0, sights: one.sights};
        const L = window.L, group = this.map.shapes;
        this.map.drawShapes = () => {
            group.clearLayers();
            if (fire.lat !== null) {
                drawFire(group, fire, 0.001);
                L.circleMarker([fire.lat, fire.lon], {radius: 9, weight: 3, color: '#d64545', fillOpacity: 0.2}).bindTooltip(h('span', {}, t('map.anchor'))).addTo(group);
            }
            this.drawMembers(group);
            this.drawNeighbours(group);
        };
        this.map.drawShapes();
        this.map.fit([...points, ...(one.sights ?? []).flatMap((sight) => [[sight.lat, sight.lon]]), ...(fire.lat === null ? [] : [[fire.lat, fire.lon]])], 15);
    }

    /* A click on a report chooses it, as its box in the table does. */
    drawMembers(group) {
        for (const member of this.members.filter((one) => one.location)) {
            const label = `#${member.seq} ${w('observer', member.observer)}`, chosen = this.chosen.has(member.seq);
            window.L.marker([member.location.lat, member.location.lon], {title: label, alt: t('incident.choose', {seq: member.seq}), icon: window.L.divIcon({className: `pin pin-member${chosen ? ' pin-chosen' : ''}`,
                html: h('span', {'data-seq': member.seq}, chosen ? '✓' : ''), iconSize: [18, 18]})}).on('click', () => this.choose(member.seq, !this.chosen.has(member.seq))).addTo(group);
        }
    }

    /* Other open incidents of the kind that are near: a click names the one to merge into. */
    drawNeighbours(group) {
        const one = this.incident, at = one.estimate ?? one.anchor;
        const near = this.context.alerts.list.filter((other) => at && other.incident && other.key !== this.id && other.category === one.category && other.lat !== null &&
            this.map.map.distance([at.lat, at.lon], [other.lat, other.lon]) < NEAR_M).slice(0, NEIGHBOURS_MAX);
        for (const other of near) {
            const label = t('incident.neighbour', {incident: other.key});
            window.L.marker([other.lat, other.lon], {title: label, alt: label, icon: window.L.divIcon({className: `pin pin-${other.severity}`, html: h('span', {'data-incident': other.key}, '⇢'), iconSize: [22, 22]})})
                .on('click', () => {
                    this.into.value = other.key;
                    this.into.focus();
                }).addTo(group);
        }
    }

    choose(seq, wanted) {
        this.chosen[wanted ? 'add' : 'delete'](seq);
        this.unmerge.disabled = this.chosen.size === 0;
        const box = this.body.querySelector(`[data-seq="${seq}"] input`);
        if (box) {
            box.checked = wanted;
        }
        this.map.drawShapes();
    }

    async act(work, message) {
        replace(this.trouble);
        try {
            const answer = await work();
            toast(message);
            if (answer.id === this.id) {
                await this.load();
            } else {
                this.context.go(`#/incident/${answer.id}`);
            }
        } catch (error) {
            replace(this.trouble, errorBox(error));
        }
    }

    doUnmerge() {
        return this.act(() => post(`/v1/incidents/${this.id}/unmerge`, {seq: [...this.chosen].sort((a, b) => a - b)}), t('incident.unmerged'));
    }

    doMerge(event) {
        event.preventDefault();
        return this.act(() => post(`/v1/incidents/${this.id}/merge`, {into: this.into.value.trim()}), t('incident.merged'));
    }

    close() {
        clearTimeout(this.waiting);
        this.unlisten();
        this.map?.close();
    }
}

export function openIncident(context, id) {
    const view = new IncidentView(context, id);
    return {element: view.element, start: () => view.start(), refresh: () => view.load(), close: () => view.close(), title: id};
}
