/* Who the token is and what it may, as the server says (GET /v1/me). What it may not is not offered; the
 * server refuses it all the same. Where nobody is asked for a token, everything is offered. */
import {Problem, get} from './api.js';

let known = null;

/* A server that knows no tokens has nothing to say here. */
export async function loadMe() {
    try {
        known = await get('/v1/me');
    } catch (error) {
        if (!(error instanceof Problem) || error.status !== 404) {
            throw error;
        }
        known = null;
    }
}

export const me = () => known;
export const may = (action) => !known?.authenticated || known.actions.includes(action);

/* The regions at the top of what is shown: the roots, or the one that the token is bound to. */
export async function topRegions() {
    if (known?.authenticated && known.region) {
        return [await get(`/v1/regions/${encodeURIComponent(known.region)}`)];
    }
    return (await get('/v1/regions?limit=1000')).items;
}

/* The newest sequence number. The status route tells those who run the server; others learn it from a
 * count of nothing. */
export async function newestSeq() {
    if (may('ops.read')) {
        return (await get('/v1/status')).seq;
    }
    return (await get(`/v1/stats?from=${new Date(Date.now() - 1).toISOString()}`)).as_of;
}
