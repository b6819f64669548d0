/* A region: its place in the tree, the regions below it by light, its timeline without end, its
 * statistics, and both to take away as files. */
import {download, get, query} from './api.js';
import {button, field, h, replace, select, setText} from './dom.js';
import {dateTime, number, percent} from './format.js';
import {t, w} from './i18n.js';
import {may, me, topRegions} from './me.js';
import {categoryName, keepRegion, regionName, regionOf, unitName} from './names.js';
import {drill, errorBox, explain, toast} from './parts.js';
import {RegionPicker} from './region_picker.js';
import {RegionStats} from './region_stats.js';
import {VirtualList} from './vlist.js';

const DAY_MS = 86400000, PAGE = 200, ROW_PX = 64;
const WINDOWS = {day: 1, week: 7, month: 30, year: 365};
let chosenWindow = 'week';

function windowOf(name) {
    return {from: new Date(Date.now() - WINDOWS[name] * DAY_MS).toISOString(), to: new Date(Date.now() + 60000).toISOString()};
}

function makeItem() {
    const cell = (name) => h('span', {class: name});
    const row = h('div', {class: 'event-row'}, cell('event-time'), h('span', {class: 'event-main'}, h('span', {class: 'event-line'}, cell('event-kind'), cell('event-what')), cell('event-text')));
    row.parts = Object.fromEntries(['event-time', 'event-kind', 'event-what', 'event-text'].map((name) => [name, row.querySelector(`.${name}`)]));
    return row;
}

function textOf(item) {
    if (item.kind === 'report') {
        return [item.text, item.source, item.reporter].filter((part) => typeof part === 'string').join(' · ');
    }
    return [item.command ? w('command', item.command) : null, item.to ? w('state', item.to) : null, item.actor, item.unit ? unitName(item.unit) : null,
        item.stage ? w('stage', item.stage) : null, item.note, item.ticket ?? item.incident].filter(Boolean).join(' · ');
}

function fillItem(row, item, again) {
    const {parts} = row;
    row.className = `vlist-row event-row is-${item.severity}`;
    row.dataset.seq = item.seq;
    setText(parts['event-time'], dateTime(item.occurred_at));
    setText(parts['event-kind'], w('kind', item.kind));
    parts['event-kind'].className = `event-kind badge kind-${item.kind.split('.')[0]}`;
    setText(parts['event-what'], `${categoryName(item.category)} · ${regionName(item.grid, again)}`);
    setText(parts['event-text'], textOf(item));
}

class Timeline {
    constructor(context, code) {
        Object.assign(this, {context, code, items: [], cursor: null, done: false, filters: {}});
        this.list = new VirtualList({rowHeight: ROW_PX, make: makeItem, label: t('region.timeline'), update: (row, item) => fillItem(row, item, () => this.list.schedule()),
            onOpen: (item) => item.ticket ? context.go(`#/ticket/${item.ticket}`) : item.incident && context.go(`#/incident/${item.incident}`), onEnd: () => this.more()});
        this.note = h('p', {class: 'muted small'});
        const kinds = select([['', t('filter.all')], ...['report', 'incident', 'ticket', 'directive'].map((kind) => [kind, w('kind', kind)])], '', (value) => this.filter('kind', value));
        const severities = select([['', t('filter.all')], ...['extreme', 'severe', 'moderate', 'minor'].map((one) => [one, w('severity', one)])], '', (value) => this.filter('severity', value));
        this.element = h('section', {class: 'panel region-timeline', 'aria-label': t('region.timeline')}, h('header', {class: 'panel-head wrap'}, h('h2', {}, t('region.timeline')),
            field(t('filter.kind'), kinds), field(t('filter.severity'), severities),
            button('CSV', () => this.save('text/csv; bom=1', 'csv'), {'data-export': 'csv'}), button('GeoJSON', () => this.save('application/geo+json', 'geojson'), {'data-export': 'geojson'})),
        this.note, this.list.element);
    }

    address(more) {
        return `/v1/grids/${encodeURIComponent(this.code)}/timeline${query({...this.filters, ...more})}`;
    }

    filter(name, value) {
        this.filters[name] = value;
        this.restart();
    }

    restart() {
        Object.assign(this, {items: [], cursor: null, done: false});
        this.generation = (this.generation ?? 0) + 1;
        this.loading = false;
        this.list.element.scrollTop = 0;
        this.more();
    }

    async more() {
        if (this.loading || this.done) {
            return;
        }
        this.loading = true;
        const {generation} = this;
        try {
            const page = await get(this.address({limit: PAGE, cursor: this.cursor}));
            if (generation !== this.generation) {
                return;
            }
            this.items.push(...page.items);
            this.cursor = page.next_cursor;
            this.done = page.next_cursor === null;
            setText(this.note, this.items.length === 0 ? t('region.nothing') : '');
        } catch (error) {
            this.done = true;
            setText(this.note, explain(error));
        }
        this.loading = false;
        this.list.element.dataset.count = this.items.length;
        this.list.setItems(this.items);
    }

    async save(accept, ending) {
        try {
            const bytes = await download(this.address({...windowOf(chosenWindow)}), accept, `${this.code}.${ending}`);
            toast(t('region.saved', {bytes: number(bytes)}));
        } catch (error) {
            toast(explain(error), 'error');
        }
    }
}

class RegionView {
    constructor(context, code) {
        Object.assign(this, {context, code});
        this.head = h('nav', {class: 'breadcrumbs', 'aria-label': t('region.path')});
        this.heat = h('div', {class: 'heat'});
        this.stats = new RegionStats();
        this.timeline = code && may('report.read') ? new Timeline(context, code) : null;
        const jump = new RegionPicker({name: 'code', value: '', keepText: false, onPick: (found) => found && context.go(`#/region/${encodeURIComponent(found)}`)});
        this.element = h('div', {class: 'region'}, h('div', {class: 'region-head'}, this.head,
            field(t('region.find'), jump.element),
            field(t('region.window'), select(Object.keys(WINDOWS).map((name) => [name, t(`window.${name}`)]), chosenWindow, (value) => {
                chosenWindow = value;
                this.loadNumbers();
            }, {name: 'window'}))),
        h('div', {class: 'region-body'}, h('section', {class: 'panel padded region-heat'}, h('h2', {}, t('region.below')), this.heat), this.timeline?.element,
            may('stats.read') ? h('section', {class: 'panel padded region-stats'}, h('h2', {}, t('region.stats')), this.stats.element) : null));
    }

    async start() {
        try {
            await this.loadPlace();
        } catch (error) {
            replace(this.head, errorBox(error));
            return;
        }
        this.timeline?.restart();
        this.loadNumbers();
    }

    async loadPlace() {
        const crumbs = [h('a', {href: '#/region'}, t('region.all'))];
        if (this.code) {
            const place = await get(`/v1/regions/${encodeURIComponent(this.code)}`);
            keepRegion(place);
            const again = () => this.loadPlace();
            place.path.slice(Math.max(0, place.path.indexOf(me()?.region))).forEach((code) => crumbs.push(' › ', code === this.code ? h('strong', {}, place.name || code) : h('a', {href: `#/region/${encodeURIComponent(code)}`}, regionName(code, again))));
            crumbs.push(h('span', {class: 'muted small'}, ` ${place.code} · ${t('region.counts', {below: number(place.children_count), all: number(place.subtree_count)})}`));
        }
        replace(this.head, crumbs);
    }

    loadNumbers() {
        const window = windowOf(chosenWindow);
        if (may('stats.read')) {
            this.stats.load(this.code ?? undefined, window);
        }
        this.loadHeat(window).catch((error) => replace(this.heat, errorBox(error)));
    }

    /* The regions below, coloured by the light of their unfinished share; those that are quiet too. */
    async loadHeat(window) {
        const children = this.code ? (await get(`/v1/regions/${encodeURIComponent(this.code)}/children?limit=1000`)).items : await topRegions();
        children.forEach(keepRegion);
        const groups = new Map();
        if (!may('stats.read')) {
            replace(this.heat, children.map((child) => h('div', {class: 'tile tile-none', 'data-code': child.code}, h('a', {class: 'tile-name', href: `#/region/${encodeURIComponent(child.code)}`}, child.name || child.code))));
            return;
        }
        if (this.code) {
            const answer = await get(`/v1/stats${query({region: this.code, ...window, by: 'region'})}`);
            answer.groups.forEach((group) => groups.set(group.key, group));
        } else {
            for (const root of children.slice(0, 50)) {
                groups.set(root.code, await get(`/v1/stats${query({region: root.code, ...window})}`));
            }
        }
        const count = (code) => groups.get(code)?.counts.open.count ?? 0;
        children.sort((a, b) => count(b.code) - count(a.code));
        replace(this.heat, children.length === 0 ? h('p', {class: 'muted'}, t('region.no_children')) : children.map((child) => this.heatTile(child, groups.get(child.code))));
    }

    heatTile(child, group) {
        const unfinished = group?.rates.unfinished, busy = unfinished && unfinished.denominator > 0;
        const light = busy ? group.region_light : 'none', name = child.name || child.code;
        return h('div', {class: `tile tile-${light}`, 'data-code': child.code}, h('a', {class: 'tile-name', href: `#/region/${encodeURIComponent(child.code)}`}, name),
            h('span', {class: 'small'}, busy ? `${w('light', light)} · ${percent(unfinished.rate)}` : t(group?.counts.tickets.count > 0 ? 'region.not_filed' : 'region.quiet')),
            group ? button(t('region.open', {open: number(group.counts.open.count), all: number(group.counts.tickets.count)}), () => drill(name, group.counts.open.drilldown), {class: 'number small'}) : null);
    }

    close() {
        this.stats.close();
        this.timeline?.list.close();
    }
}

export function openRegion(context, code) {
    const view = new RegionView(context, code ? decodeURIComponent(code) : null);
    return {element: view.element, start: () => view.start(), close: () => view.close(), title: code ? regionOf(view.code)?.name ?? view.code : t('nav.region')};
}
