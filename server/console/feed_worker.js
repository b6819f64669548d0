/* One feed for all tabs of this browser that came with the same token: a browser opens six connections
 * to a host over HTTP/1.1, and a feed holds one of them. A tab that takes nothing any more (frozen, or
 * gone without a word) is let go after a bounded number of messages, and reads its lists again when it
 * comes back. */
import {Feed} from './feed.js';

const UNTAKEN_MAX = 1000;
const feeds = new Map(); // token, '' without one -> {feed, ports}

const snapshot = ({state, behind, offlineSince, lastSeq, counts}) => ({state, behind, offlineSince, lastSeq, counts});

function tell(shared, message) {
    const whole = {...message, ...snapshot(shared.feed)};
    for (const port of shared.ports) {
        if (port.untaken > UNTAKEN_MAX) {
            leave(port);
            port.postMessage({say: 'lost'});
            continue;
        }
        port.untaken += message.say === 'events' ? 1 : 0;
        port.postMessage(whole);
    }
}

function open(token, readsStatus) {
    const shared = {ports: new Set()};
    shared.feed = new Feed({token, readsStatus, onEvents: (events) => tell(shared, {say: 'events', events}), onState: () => tell(shared, {say: 'state'}),
        onReset: (why) => tell(shared, {say: 'reset', why}), onStart: () => tell(shared, {say: 'start'}), onRefused: () => {
            feeds.delete(token);
            tell(shared, {say: 'refused'});
        }});
    feeds.set(token, shared);
    shared.feed.start();
    return shared;
}

function join(port, {token, readsStatus}) {
    leave(port);
    const shared = feeds.get(token) ?? open(token, readsStatus);
    shared.ports.add(port);
    Object.assign(port, {shared, untaken: 0});
    port.postMessage({say: 'state', ...snapshot(shared.feed)});
    if (shared.feed.lastId !== null) { // it runs already: what is read from now on has all that it told before
        port.postMessage({say: 'start', ...snapshot(shared.feed)});
    }
}

function leave(port) {
    const {shared} = port;
    port.shared = null;
    shared?.ports.delete(port);
    if (shared?.ports.size === 0) {
        shared.feed.stop();
        if (feeds.get(shared.feed.token) === shared) {
            feeds.delete(shared.feed.token);
        }
    }
}

function onMessage(port, message) {
    if (message.do === 'join') {
        join(port, message);
    } else if (message.do === 'leave') {
        leave(port);
    } else if (message.do === 'now') {
        port.shared?.feed.retryNow();
    } else {
        port.untaken = Math.max(0, port.untaken - 1);
    }
}

self.addEventListener('connect', (event) => {
    const [port] = event.ports;
    port.onmessage = ({data}) => onMessage(port, data);
});
