/* Who the token is and what it may, as the server says (GET /v1/me). What it may not is not offered; the
 * server refuses it all the same. Where nobody is asked for a token, everything is offered. */
import {get} from './api.js';

let known = null;

export async function loadMe() {
    known = await get('/v1/me');
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
