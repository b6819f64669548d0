/* Directives: those that were issued, what became of each with every addressee, and the form that
 * issues one to a set of regions and units. */
import {get, query, withQuery} from './api.js';
import {openDirectiveForm} from './directive_form.js';
import {add, button, h, replace} from './dom.js';
import {dateTime, number, ratio} from './format.js';
import {t, w} from './i18n.js';
import {may, topRegions} from './me.js';
import {regionName, unitName} from './names.js';
import {errorBox, priorityBadge, regionLink, severityBadge, stateBadge, ticketLink} from './parts.js';

const LISTED = 100, ROOTS_MAX = 50, PAGE = 100, AGAIN_MS = 1000;
const TOTALS = ['receipted', 'receipted_in_time', 'done', 'done_in_time', 'returned', 'voided'];

/* What was issued in the regions that the reader sees, newest first. */
async function issued() {
    const lists = await Promise.all((await topRegions()).slice(0, ROOTS_MAX).map((root) =>
        get(`/v1/grids/${encodeURIComponent(root.code)}/timeline${query({kind: 'directive.issued', limit: LISTED})}`)));
    return lists.flatMap((page) => page.items).sort((a, b) => b.seq - a.seq).slice(0, LISTED);
}

function step(done, late) {
    return done ? h('span', {class: late ? 'badge sev-extreme' : 'badge'}, t(late ? 'directive.late' : 'directive.in_time')) : h('span', {class: 'muted'}, t('directive.not_yet'));
}

class Directives {
    constructor(context, id) {
        Object.assign(this, {context, id});
        this.list = h('ul', {class: 'directive-list'});
        this.detail = h('section', {class: 'panel padded directive-detail', 'aria-label': t('directive.one')});
        this.element = h('div', {class: 'directives'}, h('section', {class: 'panel directive-all', 'aria-label': t('nav.directives')},
            h('header', {class: 'panel-head'}, h('h2', {}, t('directive.issued')), may('directive.issue') ? button(t('directive.new'), () => openDirectiveForm((made) => {
                context.go(`#/directives/${made.directive}`);
                this.loadList();
            }), {class: 'primary', 'data-action': 'issue'}) : null), this.list), this.detail);
        this.unlisten = context.onEvents((events) => events.some(({data}) => data.kind.startsWith('directive.')) && this.soon());
    }

    load() {
        this.loadList();
        this.loadOne();
    }

    soon() {
        this.waiting ??= setTimeout(() => {
            this.waiting = undefined;
            this.load();
        }, AGAIN_MS);
    }

    async loadList() {
        try {
            const items = await issued();
            replace(this.list, items.length === 0 ? h('li', {class: 'muted'}, t('directive.none')) : items.map((item) => h('li', {},
                h('a', {href: `#/directives/${item.directive}`, class: 'directive-link', 'aria-current': item.directive === this.id ? 'true' : null},
                    h('strong', {}, item.note ?? item.directive), h('span', {class: 'muted small'}, [dateTime(item.occurred_at), item.issuer, regionName(item.grid, () => this.loadList()),
                        t('directive.to', {count: number(item.addressees)})].filter(Boolean).join(' · '))))));
        } catch (error) {
            replace(this.list, h('li', {}, errorBox(error)));
        }
    }

    async loadOne() {
        if (!this.id) {
            replace(this.detail, h('p', {class: 'muted'}, t('directive.choose')));
            return;
        }
        try {
            this.show(await this.page(null));
        } catch (error) {
            replace(this.detail, errorBox(error));
        }
    }

    page(cursor) {
        return get(withQuery(`/v1/directives/${encodeURIComponent(this.id)}`, {limit: PAGE, cursor}));
    }

    show(one) {
        let {next_cursor: cursor} = one;
        const body = h('tbody', {}, one.addressees.map((to) => this.row(to))), more = button(t('more'), async () => {
            const page = await this.page(cursor);
            cursor = page.next_cursor;
            more.hidden = cursor === null;
            add(body, page.addressees.map((to) => this.row(to)));
        }, {hidden: cursor === null});
        replace(this.detail, h('div', {class: 'detail-title'}, h('h1', {class: 'quoted'}, one.text ?? one.id), h('div', {class: 'badges'}, h('span', {class: 'mono'}, one.id), priorityBadge(one.priority), severityBadge(one.severity),
            h('span', {class: 'badge'}, t(one.complete ? 'directive.complete' : 'directive.under_way')))),
        h('dl', {class: 'facts'}, [['issuer', one.issuer ?? '—'], ['region', regionLink(one.grid, () => this.soon())], ['issued_at', dateTime(one.issued_at)],
            ['done_at', dateTime(one.done_at)]].flatMap(([key, value]) => [h('dt', {}, t(`fact.${key}`)), h('dd', {}, value)])),
        h('div', {class: 'figures figures-small'}, TOTALS.map((key) => h('div', {class: 'figure', 'data-total': key}, h('span', {class: 'figure-value'}, `${number(one.totals[key].numerator)} / ${number(one.totals[key].denominator)}`),
            h('span', {class: 'figure-label'}, `${w('total', key)} ${ratio(one.totals[key])}`)))),
        h('h2', {}, t('directive.addressees', {count: number(one.addressees_count)})), h('div', {class: 'table-wrap'}, h('table', {class: 'table'},
            h('thead', {}, h('tr', {}, ['list.region', 'fact.unit', 'fact.ticket', 'list.what', 'directive.receipt', 'directive.execution'].map((key) => h('th', {}, t(key))))), body)), more);
    }

    row(to) {
        const place = h('td', {}), again = () => replace(place, regionLink(to.region, again));
        again();
        return h('tr', {'data-ticket': to.ticket}, place, h('td', {}, to.unit ? unitName(to.unit) : '—'), h('td', {}, ticketLink(to.ticket)),
            h('td', {}, stateBadge(to.state), to.returned ? h('span', {class: 'badge'}, t('directive.returned')) : null),
            h('td', {}, step(to.receipt.done, to.receipt.late)), h('td', {}, step(to.execution.done, to.execution.late)));
    }

    close() {
        clearTimeout(this.waiting);
        this.unlisten();
    }
}

export function openDirectives(context, id) {
    const view = new Directives(context, id);
    return {element: view.element, start: () => view.load(), refresh: () => view.load(), close: () => view.close(), title: id ?? t('nav.directives')};
}
