/* A ticket's clocks, drawn: for each the time that counted and the time that did not and why, the
 * deadline, and now. Each drawing has the same said in words beside it. */
import {get} from './api.js';
import {h, replace, svg} from './dom.js';
import {dateTime, number, span} from './format.js';
import {t, w} from './i18n.js';
import {unitName} from './names.js';
import {errorBox, lightBadge} from './parts.js';

const WIDTH = 1000, LANE = 26;

/* Round instants between two, about `wanted` of them. */
function ticks(from, to, wanted) {
    const steps = [1, 5, 15, 30, 60, 180, 360, 720, 1440, 2880, 10080, 20160, 43200].map((minutes) => minutes * 60000);
    const step = steps.find((candidate) => (to - from) / candidate <= wanted) ?? steps.at(-1);
    const offset = -8 * 3600000, list = []; // days of UTC+8
    for (let at = Math.ceil((from - offset) / step) * step + offset; at <= to; at += step) {
        list.push(at);
    }
    return list;
}

function drawing(clock, now) {
    const start = Date.parse(clock.started_at), due = clock.due_at ? Date.parse(clock.due_at) : null;
    const from = start, to = Math.max(now, due ?? now, start + 60000) + (Math.max(now, due ?? now) - start) * 0.04;
    const x = (at) => Math.max(0, Math.min(WIDTH, (at - from) / (to - from) * WIDTH));
    const piece = (one) => svg('rect', {x: x(Date.parse(one.from)), y: 4, height: LANE - 8,
        width: Math.max(1.5, x(Date.parse(one.to)) - x(Date.parse(one.from))), class: `piece piece-${one.kind}`},
    svg('title', {}, `${w('interval', one.kind)}: ${dateTime(one.from)} – ${dateTime(one.to)}`));
    const line = (at, name) => svg('line', {x1: x(at), x2: x(at), y1: 0, y2: LANE, class: name});
    return svg('svg', {viewBox: `0 0 ${WIDTH} ${LANE}`, class: 'clock-drawing', preserveAspectRatio: 'none', role: 'img',
        'aria-label': t('clock.drawing', {stage: w('stage', clock.stage)})},
    svg('rect', {x: 0, y: 4, width: x(due ?? now), height: LANE - 8, class: 'piece-ahead'}),
    clock.intervals.map(piece), ticks(from, to, 8).map((at) => line(at, 'clock-tick')),
    due ? line(due, 'clock-due') : null, line(now, 'clock-now'));
}

function axis(clock, now) {
    const start = Date.parse(clock.started_at), due = clock.due_at ? Date.parse(clock.due_at) : null;
    return h('div', {class: 'clock-axis small'}, h('span', {}, `${t('clock.start')} ${dateTime(start)}`),
        h('span', {class: 'clock-axis-now'}, `${t('clock.now')} ${dateTime(now)}`),
        due ? h('span', {class: 'clock-axis-due'}, `${t('clock.due')} ${dateTime(due)}`) : null);
}

function sums(clock) {
    const lengths = new Map();
    for (const one of clock.intervals) {
        lengths.set(one.kind, (lengths.get(one.kind) ?? 0) + Date.parse(one.to) - Date.parse(one.from));
    }
    return [...lengths].map(([kind, length]) => h('li', {}, h('span', {class: `swatch piece-${kind}`}), `${w('interval', kind)} ${span(length)}`));
}

function lane(clock, now) {
    const amount = (value) => `${number(value, 2)} ${w('metering', clock.unit)}`;
    const late = clock.remaining < 0;
    return h('div', {class: 'clock-lane', 'data-stage': clock.stage},
        h('div', {class: 'clock-head'}, h('strong', {}, w('stage', clock.stage)), lightBadge(clock.light),
            clock.paused ? h('span', {class: 'badge'}, t('clock.paused')) : null,
            clock.handler ? h('span', {class: 'muted'}, unitName(clock.handler)) : null,
            h('span', {class: late ? 'clock-sum late' : 'clock-sum'}, t(late ? 'clock.late' : 'clock.used',
                {consumed: amount(clock.consumed), limit: amount(clock.limit), remaining: amount(Math.abs(clock.remaining))}))),
        drawing(clock, now), axis(clock, now),
        h('ul', {class: 'legend small'}, sums(clock), clock.day_rule ? h('li', {class: 'muted'}, w('day_rule', clock.day_rule)) : null,
            clock.intervals_truncated ? h('li', {class: 'muted'}, t('clock.truncated')) : null));
}

/* Fills `box` with the clocks of a ticket. */
export async function drawClocks(box, id) {
    try {
        const answer = await get(`/v1/tickets/${encodeURIComponent(id)}/clock`);
        replace(box, answer.clocks.length === 0 ? h('p', {class: 'muted'}, t('clock.none'))
            : answer.clocks.map((clock) => lane(clock, Date.parse(answer.as_of))));
    } catch (error) {
        replace(box, errorBox(error));
    }
}
