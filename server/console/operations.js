/* How the server is doing, from /metrics: what comes in, how long until it is on disk, who reads the
 * feed, what waits for its time, what the store holds. */
import {get, request} from './api.js';
import {Plot} from './charts.js';
import {h, replace} from './dom.js';
import {bytes, clock, number, seconds, span} from './format.js';
import {t, w} from './i18n.js';
import {mean, parse, quantile, rate, value} from './metrics.js';
import {errorBox, explain} from './parts.js';

const SCRAPE_MS = 2000, POINTS_MAX = 150;

const card = (key, text, note) => h('div', {class: 'stat-card', 'data-card': key}, h('div', {class: 'stat-value'}, text),
    h('div', {class: 'stat-label'}, t(`ops.${key}`)), note ? h('div', {class: 'small muted'}, note) : null);
const atMost = (bound) => bound === null ? '—' : bound === Infinity ? '> 30 s' : `≤ ${seconds(bound)}`;

class Operations {
    constructor() {
        this.points = [];
        this.plots = {ingest: new Plot({kind: 'line', label: t('ops.plot_ingest')}), latency: new Plot({kind: 'line', label: t('ops.plot_latency')}),
            memory: new Plot({kind: 'line', label: t('ops.plot_memory')})};
        this.cards = h('div', {class: 'stat-cards'});
        this.trouble = h('div');
        this.status = h('p', {class: 'muted'});
        this.all = h('tbody');
        this.element = h('div', {class: 'operations'}, this.status, this.trouble, this.cards, h('div', {class: 'charts'}, Object.entries(this.plots).map(([name, plot]) =>
            h('section', {class: 'panel padded chart-box'}, h('h2', {}, t(`ops.plot_${name}`)), plot.element))),
        h('details', {class: 'panel padded'}, h('summary', {}, t('ops.all')), h('div', {class: 'table-wrap'}, h('table', {class: 'table mono small'}, this.all))));
    }

    start() {
        this.scrape();
        this.timer = setInterval(() => this.scrape(), SCRAPE_MS);
    }

    async scrape() {
        try {
            const [text, status] = await Promise.all([request('GET', '/metrics', {accept: 'text/plain'}).then((answer) => answer.text()), get('/v1/status')]);
            const now = performance.now(), families = parse(text);
            replace(this.trouble);
            this.show(families, status, this.before ? (now - this.at) / 1000 : 1);
            this.before = families;
            this.at = now;
        } catch (error) {
            replace(this.trouble, errorBox(error));
            this.trouble.title = explain(error);
        }
    }

    show(families, status, interval) {
        const {before} = this, m = (name, labels) => value(families, name, labels), per = (name, labels) => rate(before, families, interval, name, labels);
        const ingest = per('gridd_reports_total'), commit = quantile(before, families, 'gridd_commit_duration_seconds', 0.99);
        this.remember({at: Date.now(), ingest, created: per('gridd_reports_total', {verdict: 'created'}), commit: mean(before, families, 'gridd_commit_duration_seconds'),
            ack: mean(before, families, 'gridd_ack_duration_seconds'), memory: m('process_resident_memory_bytes')});
        this.status.replaceChildren(t('ops.status', {version: status.version, up: span(status.uptime_s * 1000), seq: number(status.seq), ready: t(status.ready ? 'yes' : 'no')}));
        replace(this.cards, card('ingest', ingest === null ? '…' : `${number(ingest, 1)}/s`, ['created', 'merged', 'replayed', 'conflict', 'invalid'].map((verdict) =>
            `${w('verdict', verdict)} ${number(m('gridd_reports_total', {verdict}))}`).join(' · ')),
        card('commit', atMost(commit), t('ops.commit_note', {mean: seconds(mean(null, families, 'gridd_commit_duration_seconds')), commits: number(m('gridd_commits_total'))})),
        card('ack', atMost(quantile(before, families, 'gridd_ack_duration_seconds', 0.99)), t('ops.ack_note', {mean: seconds(mean(null, families, 'gridd_ack_duration_seconds'))})),
        card('feed', number(m('gridd_feed_subscribers')), t('ops.feed_note', {behind: number(m('gridd_feed_lag_events_max')), sent: number(m('gridd_feed_events_sent_total')), resumes: number(m('gridd_feed_resumes_total')), dropped: number(m('gridd_feed_dropped_total'))})),
        card('lag', atMost(quantile(before, families, 'gridd_loop_lag_seconds', 0.99)), t('ops.lag_note')),
        card('timers', number(m('gridd_deadlines_pending')), t('ops.timers_note', {fired: number(m('gridd_deadlines_fired_total')), late: number(m('gridd_deadlines_late_total')), without: number(m('gridd_open_tickets_without_timer'))})),
        card('tickets', number(status.open_tickets), t('ops.tickets_note', {incidents: number(status.open_incidents)})),
        card('store', bytes(Object.values(status.store.families).reduce((sum, one) => sum + one.bytes, 0)), t('ops.store_note', {memtable: bytes(status.store.memtable_bytes), free: bytes(status.store.disk_free_bytes)})),
        card('memory', bytes(m('process_resident_memory_bytes')), t('ops.memory_note', {cpu: number(m('process_cpu_seconds_total'), 1)})),
        card('http', number(m('gridd_connections')), t('ops.http_note', {requests: number(m('gridd_http_requests_total')), rejected: number(m('gridd_http_rejected_total'))})));
        this.draw();
        if (this.all.closest('details').open) {
            replace(this.all, [...families].flatMap(([name, rows]) => rows.filter((one) => !('le' in one.labels)).map((one) => h('tr', {}, h('td', {}, name),
                h('td', {}, Object.entries(one.labels).map(([key, text]) => `${key}=${text}`).join(' ')), h('td', {}, number(one.value, 6))))));
        }
    }

    remember(point) {
        this.points.push(point);
        if (this.points.length > POINTS_MAX) {
            this.points.shift();
        }
    }

    draw() {
        const labels = this.points.map((point) => clock(point.at)), of = (name, scale = 1) => this.points.map((point) => point[name] === null ? null : point[name] * scale);
        this.plots.ingest.show({labels, series: [{label: t('ops.all_reports'), data: of('ingest')}, {label: w('verdict', 'created'), data: of('created')}]});
        this.plots.latency.show({labels, series: [{label: t('ops.commit_ms'), data: of('commit', 1000)}, {label: t('ops.ack_ms'), data: of('ack', 1000)}]});
        this.plots.memory.show({labels, series: [{label: 'MiB', data: of('memory', 1 / 1048576)}]});
    }

    close() {
        clearInterval(this.timer);
        Object.values(this.plots).forEach((plot) => plot.close());
    }
}

export function openOperations() {
    const view = new Operations();
    return {element: view.element, start: () => view.start(), close: () => view.close(), title: t('nav.operations')};
}
