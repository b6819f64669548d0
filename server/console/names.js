/* Names for codes: categories, channels and units of the policy; regions as they come into sight. */
import {get, pool} from './api.js';
import {languageOf} from './i18n.js';
import {words} from './lang-words.js';
import {me} from './me.js';

const policy = {categories: [], channels: [], units: []};
const maps = {categories: new Map(), channels: new Map(), units: new Map()};
const REGIONS_MAX = 20000;
const regions = new Map(); // code -> {name, lat, lon, ...} or null while it is on its way
const waiting = new Map(); // code -> listeners
const fetch = pool(4);

export async function loadPolicy() {
    Object.assign(policy, await get('/v1/policy'));
    for (const set of Object.keys(maps)) {
        maps[set] = new Map(policy[set].map((item) => [item.code, item]));
    }
}

/* The policy's own names are Chinese; English ones are given for the built-in policy's codes. */
function named(set, code) {
    const item = maps[set].get(code);
    return languageOf() === 'en' ? words[set]?.[code] ?? item?.name ?? code : item?.name ?? code;
}

export const categoryName = (code) => code ? named('categories', code) : '—';
export const channelName = (code) => code ? named('channels', code) : '—';
export const unitName = (code) => code ? named('units', code) : '—';
export const options = (set) => policy[set].map(({code}) => [code, named(set, code)]);

export function keepRegion(region) {
    if (regions.size > REGIONS_MAX) {
        regions.clear();
    }
    regions.set(region.code, region);
}

export const regionOf = (code) => regions.get(code) ?? null;

/* The name, or the code while the name is being asked for; `listener` is called when it is there. */
export function regionName(code, listener) {
    const known = regions.get(code);
    if (known) {
        return known.name || code;
    }
    if (known === undefined && listener) {
        regions.set(code, null);
        waiting.set(code, new Set([listener]));
        fetch(async () => {
            try {
                keepRegion(await get(`/v1/regions/${encodeURIComponent(code)}`));
            } catch {
                keepRegion({code, name: code});
            }
            waiting.get(code)?.forEach((told) => told());
            waiting.delete(code);
        });
    } else if (known === null && listener) {
        waiting.get(code)?.add(listener);
    }
    return code;
}

/* "City › Town › Grid": without the roots that are the same for all, when there is no room; what lies
 * above the reader's own region is not there for them. */
export function pathName(path, listener, last = 3) {
    const from = Math.max(0, (path ?? []).indexOf(me()?.region));
    return (path ?? []).slice(from).slice(-last).map((code) => regionName(code, listener)).join(' › ');
}
