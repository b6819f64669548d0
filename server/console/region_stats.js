/* Statistics of a region: counts, rates with what they are made of, groups drawn and listed. Every
 * number opens the list that it counts. */
import {get, query} from './api.js';
import {Plot} from './charts.js';
import {button, h, replace} from './dom.js';
import {number, percent} from './format.js';
import {t, w} from './i18n.js';
import {categoryName, channelName, unitName} from './names.js';
import {drill, errorBox, figure} from './parts.js';

const GROUPS = ['day', 'category', 'channel', 'unit'];
const BARS_MAX = 12;

const numberButton = (label, entry) => entry && entry.count !== undefined && entry.count !== null
    ? button(number(entry.count), () => drill(label, entry.drilldown), {class: 'number', 'aria-label': `${label}: ${entry.count}`, disabled: !entry.drilldown}) : h('span', {class: 'muted'}, '—');

function groupName(by, group) {
    if (group.key === null || group.key === '') {
        return t('group.none');
    }
    return by === 'category' ? categoryName(group.key) : by === 'channel' ? channelName(group.key) : by === 'unit' ? unitName(group.key) : group.name ?? group.key;
}

function ratesTable(rates) {
    return h('div', {class: 'table-wrap'}, h('table', {class: 'table'}, h('thead', {}, h('tr', {}, ['stat.rate', 'stat.numerator', 'stat.denominator', 'stat.share'].map((key) => h('th', {}, t(key))))),
        h('tbody', {}, Object.entries(rates).map(([name, rate]) => h('tr', {class: rate.denominator === 0 ? 'muted' : ''},
            h('td', {}, w('rate', name)), h('td', {}, numberButton(w('rate', name), {count: rate.numerator, drilldown: rate.drilldown})),
            h('td', {}, numberButton(w('rate', name), {count: rate.denominator, drilldown: rate.drilldown_denominator})),
            h('td', {}, rate.denominator === 0 ? '—' : percent(rate.rate)))))));
}

export class RegionStats {
    constructor() {
        this.plots = GROUPS.map((by) => new Plot({label: t(`stat.by_${by}`), horizontal: by !== 'day', stacked: false, height: by === 'day' ? 170 : 300}));
        this.tables = GROUPS.map(() => h('div'));
        this.figures = h('div', {class: 'figures figures-small'});
        this.rates = h('div');
        this.trouble = h('div');
        this.element = h('div', {class: 'stats'}, this.trouble, this.figures, h('div', {class: 'charts'}, GROUPS.map((by, index) =>
            h('section', {class: 'chart-box', 'data-by': by}, h('h3', {}, t(`stat.by_${by}`)), this.plots[index].element,
                h('details', {}, h('summary', {}, t('stat.numbers')), this.tables[index])))), h('h3', {}, t('stat.rates')), this.rates);
    }

    async load(region, window) {
        const generation = this.generation = (this.generation ?? 0) + 1;
        replace(this.trouble);
        try {
            const first = await get(`/v1/stats${query({region, ...window, by: GROUPS[0]})}`);
            if (generation !== this.generation) {
                return;
            }
            this.showTotals(first);
            this.showGroups(0, first);
            for (let index = 1; index < GROUPS.length; index++) {
                const answer = await get(`/v1/stats${query({region, ...window, by: GROUPS[index]})}`);
                if (generation !== this.generation) {
                    return;
                }
                this.showGroups(index, answer);
            }
        } catch (error) {
            replace(this.trouble, errorBox(error));
        }
    }

    showTotals({counts, rates}) {
        const names = ['reports', 'incidents', 'tickets', 'open', 'open_overdue', 'unanswered'];
        replace(this.figures, names.map((name) => figure(t(`count.${name}`), number(counts[name].count), counts[name].drilldown, {'data-count': name})));
        replace(this.rates, ratesTable(rates));
    }

    showGroups(index, {groups, groups_truncated: truncated}) {
        const by = GROUPS[index], shown = by === 'day' ? groups : [...groups].sort((a, b) => b.counts.tickets.count - a.counts.tickets.count).slice(0, BARS_MAX);
        const series = by === 'day' ? ['reports', 'tickets', 'incidents'] : ['tickets', 'open'];
        this.plots[index].show({labels: shown.map((group) => groupName(by, group)),
            series: series.map((name) => ({label: t(`count.${name}`), data: shown.map((group) => group.counts[name]?.count ?? 0)})),
            onClick: (at) => drill(`${groupName(by, shown[at])} · ${t(`count.${series[by === 'day' ? 1 : 0]}`)}`, shown[at].counts.tickets.drilldown)});
        const columns = ['reports', 'incidents', 'tickets', 'open', 'open_overdue'];
        replace(this.tables[index], h('div', {class: 'table-wrap'}, h('table', {class: 'table'}, h('thead', {}, h('tr', {}, h('th', {}, t(`stat.${by}`)), columns.map((name) => h('th', {}, t(`count.${name}`))))),
            h('tbody', {}, groups.map((group) => h('tr', {}, h('td', {}, groupName(by, group)), columns.map((name) => h('td', {}, numberButton(`${groupName(by, group)} · ${t(`count.${name}`)}`, group.counts[name])))))))),
        truncated ? h('p', {class: 'muted small'}, t('stat.truncated')) : null);
    }

    close() {
        this.plots.forEach((plot) => plot.close());
    }
}
