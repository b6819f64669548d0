/* The feed as a tab sees it: one that all tabs of the browser share (feed_worker.js), or this tab's own
 * where a browser has no shared workers. What both show is the same: state, behind, offlineSince,
 * lastSeq and counts. */
import {Feed} from './feed.js';

class SharedFeed {
    constructor(worker, options) {
        Object.assign(this, {options, state: 'connecting', behind: null, offlineSince: null, lastSeq: 0, counts: {events: 0, doubled: 0, gaps: 0, cuts: 0}});
        this.isShared = true;
        this.port = worker.port;
        this.retryNow = () => this.port.postMessage({do: 'now'});
        worker.onerror = () => this.goAlone();
    }

    start() {
        this.port.onmessage = ({data}) => this.take(data);
        addEventListener('online', this.retryNow);
        this.join();
    }

    join() {
        const {token, readsStatus} = this.options;
        this.port.postMessage({do: 'join', token, readsStatus});
    }

    /* Shared workers are there, but this one does not start. */
    goAlone() {
        this.stop();
        this.isShared = false;
        this.own = new Feed({...this.options, onState: ({state, behind, offlineSince, lastSeq, counts}) => {
            Object.assign(this, {state, behind, offlineSince, lastSeq, counts});
            this.options.onState(this);
        }});
        this.own.start();
    }

    stop() {
        this.own?.stop();
        removeEventListener('online', this.retryNow);
        this.port.onmessage = null;
        this.port.postMessage({do: 'leave'});
    }

    take({say, events, why, ...state}) {
        const {onEvents, onState, onReset, onStart, onRefused} = this.options;
        if (say === 'lost') {
            this.join();
            return;
        }
        Object.assign(this, state);
        if (say === 'events') {
            this.port.postMessage({do: 'took'});
            onEvents(events);
        } else if (say === 'start') {
            onStart();
        } else if (say === 'reset') {
            onReset(why);
        } else if (say === 'refused') {
            onRefused();
        }
        onState(this);
    }
}

/* `version`: the server's, so that a page after an upgrade does not meet the worker of the one before. */
export function openFeed(version, options) {
    const whole = {...options, token: options.token ?? ''};
    try {
        return new SharedFeed(new SharedWorker('/console/feed_worker.js', {type: 'module', name: version}), whole);
    } catch {
        return new Feed(whole);
    }
}
