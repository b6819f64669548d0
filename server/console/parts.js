/* Small pieces that several views show. */
import {Problem, get, withQuery} from './api.js';
import {add, button, dialog, h, replace} from './dom.js';
import {dateTime, number} from './format.js';
import {t, w} from './i18n.js';
import {categoryName, regionName, unitName} from './names.js';

export const severityBadge = (severity) => h('span', {class: `badge sev-${severity}`}, w('severity', severity));
export const lightBadge = (light) => h('span', {class: `light light-${light}`, title: w('light', light)}, w('light', light));
export const priorityBadge = (priority) => h('span', {class: `badge prio prio-${priority}`}, `P${priority}`);
export const stateBadge = (state) => h('span', {class: `badge state state-${state}`}, w('state', state));

export const ticketLink = (id) => id ? h('a', {href: `#/ticket/${id}`}, id) : '—';
export const incidentLink = (id) => id ? h('a', {href: `#/incident/${id}`}, id) : '—';
export const regionLink = (code, listener) => code ? h('a', {href: `#/region/${encodeURIComponent(code)}`}, regionName(code, listener)) : '—';

/* Title in the reader's language: category and where. */
export function titleOf(item, listener) {
    return `${categoryName(item.category)} · ${regionName(item.grid, listener)}`;
}

export function explain(error) {
    if (error instanceof Problem) {
        return error.status === 0 ? t('error.offline') : `${error.message}${error.body.errors
            ? ` (${error.body.errors.map((one) => `${one.pointer}: ${one.detail}`).join('; ')})` : ''}`;
    }
    return String(error?.message ?? error);
}

export const errorBox = (error) => h('p', {class: 'error', role: 'alert'}, explain(error));

/* A passing message at the lower edge. */
export function toast(text, kind = 'info') {
    const element = h('div', {class: `toast toast-${kind}`, role: 'status'}, text);
    document.body.append(element);
    setTimeout(() => element.remove(), 5000);
}

function rowOf(item) {
    if (item.id !== undefined && item.kind === 'report') {
        return [h('a', {href: item.incident ? `#/incident/${item.incident}` : `#/region/${encodeURIComponent(item.grid)}`}, `#${item.seq}`),
            categoryName(item.category), regionName(item.grid), dateTime(item.occurred_at), item.text ?? ''];
    }
    if (item.ticket && item.state && item.version !== undefined) {
        return [ticketLink(item.ticket), categoryName(item.category), regionName(item.grid), dateTime(item.received_at),
            [stateBadge(item.state), ' ', lightBadge(item.light), ' ', item.unit ? unitName(item.unit) : '']];
    }
    return [incidentLink(item.incident), categoryName(item.category), regionName(item.grid), dateTime(item.opened_at),
        [severityBadge(item.severity), ' ', t('reports.count', {count: number(item.reports)})]];
}

/* The list that a number counts. */
export function drill(title, address) {
    const body = h('tbody'), count = h('p', {class: 'muted'}, '…'), more = button(t('more'), () => load());
    let cursor = null;
    const shown = dialog(title, t('close'), count,
        h('div', {class: 'table-wrap'}, h('table', {class: 'table'}, h('thead', {}, h('tr', {},
            ['list.id', 'list.category', 'list.region', 'list.when', 'list.what'].map((key) => h('th', {}, t(key))))), body)), more);
    shown.addEventListener('click', (event) => event.target.closest('a') && shown.close());
    const load = async () => {
        more.disabled = true;
        try {
            const page = await get(withQuery(address, {limit: 100, cursor}));
            cursor = page.next_cursor;
            replace(count, t('list.count', {count: number(page.count)}));
            add(body, page.items.map((item) => h('tr', {}, rowOf(item).map((cell) => h('td', {}, cell)))));
            more.hidden = cursor === null;
        } catch (error) {
            add(shown, errorBox(error));
        }
        more.disabled = false;
    };
    load();
}

/* A number that opens its list. */
export function figure(label, value, address, attributes) {
    return h('button', {type: 'button', class: 'figure', disabled: !address, ...attributes,
        on: {click: () => drill(label, address)}},
    h('span', {class: 'figure-value'}, value), h('span', {class: 'figure-label'}, label));
}
