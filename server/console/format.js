/* Numbers, instants and spans as people read them. */
import {languageOf, t} from './i18n.js';

const locale = () => languageOf() === 'zh' ? 'zh-CN' : 'en-GB';
const ZONE = 'Asia/Shanghai'; // instants are shown in UTC+8, wherever the screen is
const cached = new Map();
function formatter(kind, options, make) {
    const key = `${locale()}|${kind}`;
    if (!cached.has(key)) {
        cached.set(key, make(locale(), options));
    }
    return cached.get(key);
}

export function number(value, digits = 0) {
    return value === null || value === undefined || Number.isNaN(value) ? '—'
        : formatter(`number${digits}`, {maximumFractionDigits: digits},
            (l, o) => new Intl.NumberFormat(l, o)).format(value);
}

export function percent(rate) {
    return rate === null || rate === undefined ? '—' : `${number(rate * 100, 1)} %`;
}

/* A rate of nothing is no rate. */
export function ratio(rate) {
    return rate && rate.denominator > 0 ? percent(rate.numerator / rate.denominator) : '—';
}

export function clock(instant) {
    return formatter('clock', {hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false, timeZone: ZONE},
        (l, o) => new Intl.DateTimeFormat(l, o)).format(new Date(instant));
}

export function minute(instant) {
    return formatter('minute', {hour: '2-digit', minute: '2-digit', hour12: false, timeZone: ZONE},
        (l, o) => new Intl.DateTimeFormat(l, o)).format(new Date(instant));
}

export function dateTime(instant) {
    return instant ? formatter('dateTime', {year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit',
        minute: '2-digit', hour12: false, timeZone: ZONE}, (l, o) => new Intl.DateTimeFormat(l, o)).format(new Date(instant)) : '—';
}

export function day(instant) {
    return formatter('day', {month: '2-digit', day: '2-digit', timeZone: ZONE},
        (l, o) => new Intl.DateTimeFormat(l, o)).format(new Date(instant));
}

/* "3 d 4 h", "12 m 05 s", the two largest units. */
export function span(milliseconds) {
    const s = Math.max(0, Math.floor(milliseconds / 1000));
    const parts = [[Math.floor(s / 86400), 'd'], [Math.floor(s / 3600) % 24, 'h'], [Math.floor(s / 60) % 60, 'm'],
        [s % 60, 's']];
    const first = parts.findIndex(([count]) => count > 0);
    return (first < 0 ? parts.slice(3) : parts.slice(first, first + 2))
        .map(([count, unit]) => `${count}${t(`unit.${unit}`)}`).join(' ');
}

export function bytes(count) {
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
    let at = 0, value = count;
    while (value >= 1024 && at < units.length - 1) {
        value /= 1024;
        at++;
    }
    return `${number(value, value < 10 && at > 0 ? 1 : 0)} ${units[at]}`;
}

export function seconds(value) {
    if (value === null || Number.isNaN(value)) {
        return '—';
    }
    return value < 0.001 ? `${number(value * 1e6)} µs` : value < 1 ? `${number(value * 1e3, 1)} ms` : `${number(value, 2)} s`;
}

/* The number in "i12", "t7": the sequence number it began with. */
export const ordinal = (id) => Number(String(id).replace(/^\D+/, ''));
