/* The live feed (server-sent events, WHATWG HTML 9.2), read with fetch because EventSource cannot send
 * the token. After a cut it resumes at the last id with Last-Event-ID; what comes twice is dropped by
 * its sequence number, so nothing is missed and nothing doubled. It says how far behind it is. Runs in
 * a worker that all tabs share, or in the page itself (feed_share.js), so it touches neither. */

const SILENCE_MS = 40000; // the server says something at least every 15 s
const RETRY_MS = {first: 300, most: 5000};

export const seqOf = (id) => Number(id.slice(id.lastIndexOf('-') + 1));

export class Feed {
    /* onEvents(list of {kind, seq, data}), onState(this), onReset(why), onStart(): the first connection
     * stands, events from now on will come; onRefused(): the token is not taken. `readsStatus`: may it
     * ask the status route? */
    constructor({token, readsStatus, onEvents, onState, onReset, onStart, onRefused}) {
        Object.assign(this, {token, readsStatus, onEvents, onState, onReset, onStart, onRefused});
        this.state = 'connecting'; // connecting, live, catching_up, offline
        this.lastId = null;
        this.lastSeq = 0;
        this.offlineSince = null;
        this.behind = null; // events still to come, null: not known
        this.target = 0;
        this.counts = {events: 0, doubled: 0, gaps: 0, cuts: 0};
        this.attempts = 0;
        this.retryNow = () => this.wake?.();
    }

    async start() {
        this.running = true;
        addEventListener('online', this.retryNow);
        while (this.running) {
            try {
                await this.readOnce();
            } catch (error) {
                this.lastError = String(error);
            }
            if (!this.running) {
                return;
            }
            this.wentOffline();
            await this.pause();
        }
    }

    stop() {
        this.running = false;
        removeEventListener('online', this.retryNow);
        this.abort?.abort();
        this.wake?.();
    }

    wentOffline() {
        if (this.state !== 'offline') {
            this.offlineSince ??= Date.now();
            this.counts.cuts++;
            this.behind = null;
            this.setState('offline');
        }
    }

    pause() {
        const wait = Math.min(RETRY_MS.most, RETRY_MS.first * 2 ** Math.min(this.attempts++, 6));
        return new Promise((resolve) => {
            const timer = setTimeout(resolve, wait * (0.75 + Math.random() / 2));
            this.wake = () => {
                clearTimeout(timer);
                resolve();
            };
        });
    }

    setState(state) {
        this.state = state;
        this.onState(this);
    }

    ask(path, headers) {
        return fetch(path, {headers: {...(this.token ? {Authorization: `Bearer ${this.token}`} : {}), ...headers},
            signal: this.abort.signal, cache: 'no-store', credentials: 'omit', redirect: 'error'});
    }

    async readOnce() {
        this.abort = new AbortController();
        const response = await this.ask('/v1/feed', {Accept: 'text/event-stream', ...(this.lastId ? {'Last-Event-ID': this.lastId} : {})});
        if (response.status === 401) {
            this.running = false;
            this.onRefused();
            return;
        }
        if (!response.ok) {
            throw new Error(`the feed answered ${response.status}`);
        }
        this.attempts = 0;
        await this.connected();
        await this.readBody(response.body.getReader());
    }

    /* The newest sequence number. The status route tells those who run the server; others learn it from
     * a count of nothing, where they may count; 0: it is not to be had. */
    async newest() {
        const response = await this.ask(this.readsStatus ? '/v1/status' : `/v1/stats?from=${new Date(Date.now() - 1).toISOString()}`, {});
        const answer = response.ok ? await response.json() : {};
        return answer.seq ?? answer.as_of ?? 0;
    }

    /* How far away is now? */
    async connected() {
        if (this.lastId === null) {
            this.setState('connecting');
            return;
        }
        try {
            this.target = await this.newest();
        } catch {
            this.target = 0;
        }
        this.behind = this.target > 0 ? Math.max(0, this.target - this.lastSeq) : null;
        if (this.behind === 0) {
            this.caughtUp();
        } else {
            this.setState('catching_up');
        }
    }

    caughtUp() {
        this.offlineSince = null;
        this.behind = 0;
        this.setState('live');
    }

    async readBody(reader) {
        const decoder = new TextDecoder();
        let text = '', watchdog;
        const alive = () => {
            clearTimeout(watchdog);
            watchdog = setTimeout(() => this.abort.abort(), SILENCE_MS);
        };
        try {
            for (alive(); ; alive()) {
                const {value, done} = await reader.read();
                if (done) {
                    return;
                }
                text += decoder.decode(value, {stream: true});
                const end = text.lastIndexOf('\n\n');
                if (end >= 0) {
                    this.take(text.slice(0, end));
                    text = text.slice(end + 2);
                }
            }
        } finally {
            clearTimeout(watchdog);
            reader.cancel().catch(() => {});
        }
    }

    /* Whole frames, separated by empty lines. */
    take(frames) {
        const events = [];
        for (const frame of frames.split('\n\n')) {
            const event = this.parse(frame);
            if (event) {
                events.push(event);
            }
        }
        if (events.length > 0) {
            this.counts.events += events.length;
            this.onEvents(events);
        }
        this.progress();
    }

    parse(frame) {
        let id = null, kind = null, data = '';
        for (const line of frame.split('\n')) {
            const colon = line.indexOf(':');
            const value = line.slice(colon + 1).replace(/^ /, '');
            const name = colon > 0 ? line.slice(0, colon) : '';
            if (name === 'id') {
                id = value;
            } else if (name === 'event') {
                kind = value;
            } else if (name === 'data') {
                data += value;
            }
        }
        return id === null ? null : this.accept(id, kind, data);
    }

    accept(id, kind, data) {
        const seq = seqOf(id), isFirst = this.lastId === null;
        const sameStore = !isFirst && id.slice(0, id.lastIndexOf('-')) === this.lastId.slice(0, this.lastId.lastIndexOf('-'));
        if (kind === 'reset') {
            this.lastId = id;
            this.lastSeq = seq;
            this.onReset(JSON.parse(data).reason);
            return null;
        }
        if (isFirst) {
            queueMicrotask(() => this.onStart());
        }
        if (kind !== null && sameStore && seq <= this.lastSeq) {
            this.counts.doubled++;
            return null;
        }
        if (kind !== null && data !== '' && sameStore && seq !== this.lastSeq + 1) {
            this.counts.gaps++;
        }
        this.lastId = id;
        this.lastSeq = Math.max(seq, sameStore ? this.lastSeq : 0);
        return kind === null || data === '' ? null : {kind, seq, data: JSON.parse(data)};
    }

    progress() {
        if (this.state === 'catching_up') {
            this.behind = this.target > 0 ? Math.max(0, this.target - this.lastSeq) : null;
            if (this.behind === 0 || this.target === 0) {
                this.caughtUp();
            } else {
                this.onState(this);
            }
        } else if (this.state !== 'live') {
            this.caughtUp();
        } else {
            this.onState(this);
        }
    }
}
