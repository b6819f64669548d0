/* Prometheus text 0.0.4 into numbers, and what can be said from two scrapes. */

/* Map of name -> [{labels, value}]. Lines that are none are passed over. */
export function parse(text) {
    const families = new Map();
    for (const line of text.split('\n')) {
        const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
        if (found && !line.startsWith('#')) {
            const labels = {};
            for (const [, name, value] of (found[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
                labels[name] = value;
            }
            if (!families.has(found[1])) {
                families.set(found[1], []);
            }
            families.get(found[1]).push({labels, value: Number(found[3].replace('+Inf', 'Infinity'))});
        }
    }
    return families;
}

export function value(families, name, labels = {}) {
    return (families?.get(name) ?? []).filter((one) => Object.entries(labels).every(([key, text]) => one.labels[key] === text))
        .reduce((sum, one) => sum + one.value, 0);
}

export function rate(before, after, seconds, name, labels) {
    return before ? Math.max(0, (value(after, name, labels) - value(before, name, labels)) / seconds) : null;
}

/* The bucket bound under which a share of what happened between two scrapes lies; null: nothing did. */
export function quantile(before, after, name, share) {
    const bucket = (families, le) => value(families, `${name}_bucket`, {le});
    const bounds = (after.get(`${name}_bucket`) ?? []).map((one) => one.labels.le);
    const total = bucket(after, '+Inf') - (before ? bucket(before, '+Inf') : 0);
    if (total <= 0) {
        return null;
    }
    const bound = bounds.find((le) => bucket(after, le) - (before ? bucket(before, le) : 0) >= share * total);
    return bound === '+Inf' ? Infinity : Number(bound);
}

/* Mean between two scrapes, null when nothing happened. */
export function mean(before, after, name) {
    const count = value(after, `${name}_count`) - (before ? value(before, `${name}_count`) : 0);
    return count > 0 ? (value(after, `${name}_sum`) - (before ? value(before, `${name}_sum`) : 0)) / count : null;
}
