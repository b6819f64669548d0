/* HTTP to our own server: the token, problem documents (RFC 9457), pages of lists. */
import {session} from './session.js';

export class Problem extends Error {
    constructor(status, body) {
        super(body.detail || body.title || `HTTP ${status}`);
        this.status = status;
        this.body = body;
    }
}

const listeners = new Set();
/* Called when the server no longer takes the token. */
export function onUnauthorised(listener) {
    listeners.add(listener);
}

function headers(token, more) {
    return {...(token ? {Authorization: `Bearer ${token}`} : {}), ...more};
}

async function problemOf(response) {
    let body = {};
    try {
        body = await response.json();
    } catch {
        body = {title: response.statusText};
    }
    return new Problem(response.status, body);
}

/* The response; throws a Problem for what is not 2xx, and status 0 when there is no server. */
export async function request(method, path, {body, accept, signal} = {}) {
    const {token} = session.get();
    let response;
    try {
        response = await fetch(path, {
            method, signal, cache: 'no-store', credentials: 'omit', redirect: 'error',
            headers: headers(token, {Accept: accept ?? 'application/json',
                ...(body === undefined ? {} : {'Content-Type': 'application/json'})}),
            body: body === undefined ? undefined : JSON.stringify(body),
        });
    } catch (error) {
        if (error.name === 'AbortError') {
            throw error;
        }
        throw new Problem(0, {title: 'offline', detail: String(error.message)});
    }
    if (!response.ok) {
        if (response.status === 401 && token === session.get().token) { // not an answer to a token of before
            listeners.forEach((listener) => listener());
        }
        throw await problemOf(response);
    }
    return response;
}

export async function get(path, options) {
    return (await request('GET', path, options)).json();
}

export async function post(path, body, options) {
    return (await request('POST', path, {...options, body})).json();
}

/* "a=1&b=2" of what is not empty, with a question mark. */
export function query(parameters) {
    const text = new URLSearchParams(Object.entries(parameters)
        .filter(([, value]) => value !== '' && value !== null && value !== undefined && value !== false)).toString();
    return text ? `?${text}` : '';
}

export function withQuery(path, parameters) {
    const more = query(parameters);
    return path.includes('?') ? path + more.replace('?', '&') : path + more;
}

/* All items of a list, page by page; `onPage` sees each. Ends after `pages`. */
export async function all(path, {pages = 50, onPage, signal} = {}) {
    let cursor = null;
    for (let i = 0; i < pages; i++) {
        const page = await get(withQuery(path, {limit: 1000, cursor}), {signal});
        onPage(page.items);
        cursor = page.next_cursor;
        if (cursor === null) {
            return true;
        }
    }
    return false;
}

/* Runs tasks, at most `width` at a time, newest first: what came into sight last is wanted first. */
export function pool(width) {
    const waiting = [];
    let running = 0;
    const next = () => {
        while (running < width && waiting.length > 0) {
            const task = waiting.pop();
            running++;
            task().catch(() => {}).finally(() => {
                running--;
                next();
            });
        }
    };
    return (task) => {
        waiting.push(task);
        next();
    };
}

/* Hands a file to the person; the bytes went through fetch, so that the token stays in a header. */
export async function download(path, accept, name) {
    const blob = await (await request('GET', path, {accept})).blob();
    const address = URL.createObjectURL(blob);
    const link = document.createElement('a');
    link.href = address;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
    return blob.size;
}
