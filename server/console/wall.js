/* The wall: what is open right now, newest first, on the map and in figures. */
import {all, get, query} from './api.js';
import {button, h, replace, setText} from './dom.js';
import {number, ratio, span} from './format.js';
import {t, w} from './i18n.js';
import {IncidentMap} from './map.js';
import {may, topRegions} from './me.js';
import {categoryName, keepRegion, pathName, unitName} from './names.js';
import {figure} from './parts.js';
import {VirtualList} from './vlist.js';

const FIGURES_MS = 10000, REGION_POINTS_MAX = 3000, PARENTS_MAX = 60, REQUESTS_AT_ONCE = 3, NEWEST_SHOWN = 40, ROW_PX = 76;

function makeRow() {
    const cell = (name, ...children) => h('span', {class: name}, ...children);
    const row = h('div', {class: 'alert-row'}, cell('alert-bar'),
        h('span', {class: 'alert-main'},
            h('span', {class: 'alert-line'}, cell('badge alert-severity'), cell('alert-category'), cell('alert-id')),
            cell('alert-path'),
            h('span', {class: 'alert-line alert-small'}, cell('alert-light'), cell('alert-state'), cell('alert-unit'))),
        h('span', {class: 'alert-side'}, cell('alert-age'), cell('alert-sources')));
    row.parts = Object.fromEntries(['badge', 'alert-category', 'alert-id', 'alert-path', 'alert-light', 'alert-state', 'alert-unit',
        'alert-age', 'alert-sources'].map((name) => [name, row.querySelector(`.${name}`)]));
    return row;
}

function fillRow(row, alert, again, now) {
    const {parts} = row;
    row.dataset.key = alert.key;
    row.className = `vlist-row alert-row is-${alert.severity}`;
    setText(parts.badge, w('severity', alert.severity));
    parts.badge.className = `badge alert-severity sev-${alert.severity}`;
    setText(parts['alert-category'], categoryName(alert.category));
    setText(parts['alert-id'], alert.ticket ?? alert.key);
    setText(parts['alert-path'], pathName(alert.path, again));
    setText(parts['alert-light'], w('light', alert.light));
    parts['alert-light'].className = `alert-light light light-${alert.light}`;
    setText(parts['alert-state'], alert.state ? w('state', alert.state) : '');
    setText(parts['alert-unit'], alert.unit ? unitName(alert.unit) : '');
    setText(parts['alert-sources'], alert.reports_count > 0 ? t('reports.count', {count: number(alert.reports_count)}) : t('by_hand'));
    setText(parts['alert-age'], span(now - Date.parse(alert.since)));
}

class Wall {
    constructor(context) {
        this.context = context;
        this.alerts = context.alerts;
        this.again = () => this.list.schedule();
        this.list = new VirtualList({rowHeight: ROW_PX, make: makeRow, label: t('wall.alerts'),
            update: (row, alert) => fillRow(row, alert, this.again, Date.now()), onOpen: (alert) => this.open(alert)});
        this.figures = h('section', {class: 'figures', 'aria-label': t('wall.figures'), hidden: !may('stats.read')});
        this.count = h('span', {class: 'muted', 'aria-live': 'polite'});
        this.legend = h('p', {class: 'map-legend small', hidden: true}, t('wall.extents'));
        this.mapBox = h('div', {class: 'map'});
        this.element = h('div', {class: 'wall'}, this.figures, h('div', {class: 'wall-body'},
            h('section', {class: 'panel wall-list', 'aria-label': t('wall.alerts')},
                h('header', {class: 'panel-head'}, h('h2', {}, t('wall.alerts')), this.count), this.list.element),
            h('section', {class: 'panel wall-map', 'aria-label': t('wall.map')}, this.mapBox,
                button(t('wall.fit'), () => this.fit(), {class: 'map-fit'}), this.legend)));
        this.timers = [setInterval(() => this.list.schedule(), 1000), setInterval(() => this.loadFigures(), FIGURES_MS)];
    }

    start() {
        this.map = new IncidentMap(this.mapBox, {label: t('wall.map'), onOpen: (alert) => this.open(alert)});
        this.unlisten = this.alerts.onChange((change) => this.onChange(change));
        this.showAll();
        this.loadFigures();
        this.loadRegions().catch(() => {});
    }

    showAll() {
        this.list.setItems(this.alerts.list);
        this.map.reset(this.alerts.list);
        this.showCount();
        if (!this.fitted && this.alerts.list.length > 0) {
            this.fitToNewest();
        }
    }

    onChange({changed, added, reloaded}) {
        if (reloaded) {
            this.showAll();
            return;
        }
        this.list.setItems(this.alerts.list, added);
        this.map.change(changed, (key) => this.alerts.byKey.get(key));
        this.showCount();
        if (!this.fitted && this.alerts.list.some((alert) => alert.lat !== null)) {
            this.fitToNewest();
        }
    }

    showCount() {
        setText(this.count, `${number(this.alerts.list.length)}${this.alerts.complete ? '' : '+'}`);
        this.list.element.dataset.count = this.alerts.list.length;
    }

    /* At first the map looks where things happen now; the button shows all. */
    fitToNewest() {
        this.fit(NEWEST_SHOWN);
    }

    fit(count = Infinity) {
        this.fitted = true;
        this.map.fit(this.alerts.list.filter((alert) => alert.lat !== null).slice(0, count).map((alert) => [alert.lat, alert.lon]));
    }

    open(alert) {
        this.map.show(alert);
        this.context.go(alert.ticket ? `#/ticket/${alert.ticket}` : `#/incident/${alert.key}`);
    }

    /* The numbers are those of /v1/stats, word for word; each opens the list it counts. */
    async loadFigures() {
        if (document.hidden || this.loading || !may('stats.read')) {
            return;
        }
        this.loading = true;
        try {
            const now = Date.now(), minute = new Date(now - 60000).toISOString();
            const [last, day] = await Promise.all([get(`/v1/stats${query({from: minute, to: new Date(now).toISOString()})}`),
                get('/v1/stats')]);
            this.showFigures(last, day);
        } catch {
            this.figures.classList.add('stale');
        }
        this.loading = false;
    }

    showFigures(last, day) {
        const {counts, rates} = day, perMinute = last.counts.reports;
        const one = (key, entry, more) => figure(t(`figure.${key}`), number(entry.count), entry.drilldown,
            {'data-figure': key, ...more});
        this.figures.classList.remove('stale');
        this.figures.dataset.asOf = day.as_of;
        replace(this.figures, one('reports_minute', perMinute), one('open', counts.open),
            ['green', 'yellow', 'red'].map((light) => figure(t(`figure.${light}`), number(counts.by_light[light].count),
                counts.by_light[light].drilldown, {'data-figure': light, class: `figure figure-${light}`})),
            one('open_overdue', counts.open_overdue), one('unanswered', counts.unanswered),
            figure(t('figure.on_time_close'), ratio(rates.on_time_close), rates.on_time_close.drilldown, {'data-figure': 'on_time_close'}),
            h('p', {class: 'figures-note muted small'}, t('figure.window')));
    }

    /* Breadth first from the roots, so that the upper levels are there when there are too many, and
     * each level is shown when it has come. */
    async loadRegions() {
        const points = [], fetchSome = (regions) => Promise.all(regions.map((region) => {
            const items = [];
            return all(`/v1/regions/${encodeURIComponent(region.code)}/children`, {pages: 1, onPage: (page) => items.push(...page)}).then(() => items);
        }));
        let level = await topRegions();
        while (level.length > 0 && points.length < REGION_POINTS_MAX && !this.closed) {
            level.forEach(keepRegion);
            points.push(...level);
            this.legend.hidden = false;
            this.map.showRegions(points, (region) => this.context.go(`#/region/${encodeURIComponent(region.code)}`));
            const parents = level.filter((region) => region.children_count > 0).slice(0, PARENTS_MAX);
            level = [];
            for (let i = 0; i < parents.length && !this.closed; i += REQUESTS_AT_ONCE) {
                level.push(...(await fetchSome(parents.slice(i, i + REQUESTS_AT_ONCE))).flat());
            }
        }
        this.element.dataset.regions = points.length;
    }

    close() {
        this.closed = true;
        this.timers.forEach(clearInterval);
        this.unlisten?.();
        this.list.close();
        this.map?.close();
    }
}

export function openWall(context) {
    const wall = new Wall(context);
    return {element: wall.element, start: () => wall.start(), close: () => wall.close(), title: t('nav.wall')};
}
