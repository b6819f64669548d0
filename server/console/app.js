/* The console: logs in, keeps one feed and one set of alerts, and shows one view at a time. */
import {get, onUnauthorised} from './api.js';
import {Banner} from './banner.js';
import {button, h, replace, setText, svg} from './dom.js';
import {openDirectives} from './directives.js';
import {openFeed} from './feed_share.js';
import {clock, minute, number, span} from './format.js';
import {languageOf, setLanguage, t, w} from './i18n.js';
import {openIncident} from './incident.js';
import {login} from './login.js';
import {useTiles} from './map.js';
import {loadMe, may, me} from './me.js';
import {loadPolicy} from './names.js';
import {openOperations} from './operations.js';
import {explain, toast} from './parts.js';
import {openRegion} from './region.js';
import {preferences, session} from './session.js';
import {alarm} from './sound.js';
import {Alerts} from './store.js';
import {openTicket} from './ticket.js';
import {openTickets} from './tickets.js';
import {openWall} from './wall.js';
import {openWho, whoText} from './who.js';

/* Each view: what opens it, what must be allowed for it, the entry of the navigation it stands under. */
const VIEWS = {
    wall: {open: openWall, needs: ['ticket.read', 'feed.read']},
    tickets: {open: openTickets, needs: ['ticket.read']},
    region: {open: openRegion, needs: ['region.read']},
    directives: {open: openDirectives, needs: ['ticket.read', 'report.read']},
    operations: {open: openOperations, needs: ['ops.read']},
    ticket: {open: openTicket, needs: ['ticket.read'], under: 'tickets'},
    incident: {open: openIncident, needs: ['ticket.read'], under: 'wall'},
};
const NAVIGATION = ['wall', 'tickets', 'region', 'directives', 'operations'];
const EXPIRY_TOLD_MS = 10 * 60000;
const mayOpen = (name) => VIEWS[name].needs.every(may);

/* Drawn, since not every wall has a font with a bell in it. */
function bell(on) {
    return svg('svg', {viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true'}, svg('path', {d: 'M12 3a6 6 0 0 0-6 6v5l-2 3h16l-2-3V9a6 6 0 0 0-6-6zM10 20a2 2 0 0 0 4 0'}),
        on ? null : svg('path', {d: 'M3 3l18 18'}));
}

/* What this role has no view for. */
function nothingFor(name) {
    return {element: h('div', {class: 'panel padded notice-page'}, h('h1', {}, t('role.no_view')), h('p', {}, t('role.no_view_about', {roles: (me()?.roles ?? []).map((role) => w('role', role)).join(t('list.comma'))}))),
        start() {}, close() {}, title: t(`nav.${name}`)};
}

class Console {
    constructor(root, settings) {
        Object.assign(this, {root, settings, listeners: new Set()});
        this.alerts = new Alerts();
        this.context = {alerts: this.alerts, go: (hash) => {
            location.hash = hash;
        }, onEvents: (listener) => {
            this.listeners.add(listener);
            return () => this.listeners.delete(listener);
        }};
        this.banner = new Banner(this.alerts, this.context.go);
        this.build();
        this.alerts.onChange(() => this.banner.show());
        this.onHash = () => this.route();
        addEventListener('hashchange', this.onHash);
        /* A page that the browser keeps for "back" would keep its place at the feed. */
        this.onHide = () => this.feed?.stop();
        this.onShow = (event) => event.persisted && this.feed?.start();
        addEventListener('pagehide', this.onHide);
        addEventListener('pageshow', this.onShow);
    }

    build() {
        this.view = h('main', {id: 'view', tabIndex: -1});
        this.state = h('span', {class: 'feed-state', role: 'status'});
        this.time = h('span', {class: 'mono time'});
        this.links = NAVIGATION.filter(mayOpen).map((name) => h('a', {href: `#/${name}`, 'data-nav': name}, t(`nav.${name}`)));
        this.sound = button('', () => this.toggleSound(), {class: 'icon-button', 'data-action': 'sound'});
        const theme = button('◐', () => this.toggleTheme(), {class: 'icon-button', 'aria-label': t('theme'), title: t('theme'), 'data-action': 'theme'});
        const language = button(languageOf() === 'zh' ? 'EN' : '中文', () => this.switchLanguage(), {class: 'icon-button', 'aria-label': t('language'), 'data-action': 'language'});
        const who = button(whoText(), () => openWho(this.settings.auth, () => this.rebuild()), {class: 'who', 'data-action': 'who'});
        replace(this.root, h('a', {class: 'skip', href: '#view', on: {click: (event) => {
            event.preventDefault();
            this.view.focus();
        }}}, t('skip')), h('header', {class: 'top'}, h('strong', {class: 'brand'}, 'gridd'), h('nav', {class: 'nav', 'aria-label': t('nav.title')}, this.links),
            h('div', {class: 'top-right'}, this.state, this.time, this.sound, theme, language, who)), this.banner.element, this.view);
        this.showSound();
    }

    rebuild() {
        this.build();
        this.banner.shown = null;
        this.showFeed();
        this.banner.show();
        this.route();
    }

    start() {
        this.resume();
        this.route();
    }

    /* With the token of now: the feed, and what is counted from it. */
    resume() {
        if (may('feed.read')) {
            this.feed = openFeed(this.settings.version, {token: session.get().token, readsStatus: may('ops.read'), onEvents: (events) => this.onEvents(events), onState: () => this.showFeed(),
                onReset: (why) => this.onReset(why), onStart: () => this.load(), onRefused: () => this.refused?.()});
            this.feed.start();
        }
        this.showFeed();
        this.timer = setInterval(() => this.tick(), 1000);
    }

    pause() {
        clearInterval(this.timer);
        clearTimeout(this.reload);
        this.feed?.stop();
        this.feed = null;
        this.banner.close();
    }

    tick() {
        this.banner.show();
        this.showFeed();
        setText(this.time, clock(Date.now()));
    }

    /* The first id of the feed is known: whatever the lists below do not have yet will come as events. */
    async load() {
        if (!may('ticket.read')) {
            return;
        }
        try {
            await this.alerts.load();
            if (this.wasLoaded) {
                this.current?.refresh?.();
            }
            this.wasLoaded = true;
        } catch (error) {
            toast(explain(error), 'error');
            clearTimeout(this.reload);
            this.reload = setTimeout(() => this.feed && this.load(), 3000);
        }
    }

    onReset(why) {
        toast(t('feed.reset', {why: w('reset', why)}), 'error');
        this.load();
    }

    onEvents(events) {
        this.alerts.apply(events);
        this.listeners.forEach((listener) => listener(events));
    }

    feedText() {
        const {state, behind, offlineSince} = this.feed;
        return state === 'offline' ? t('feed.offline', {since: minute(offlineSince)})
            : state === 'catching_up' ? t('feed.catching_up', {since: minute(offlineSince), behind: behind === null ? '…' : number(behind)}) : t(`feed.${state}`);
    }

    /* Where the feed stands, in words and for tests as numbers; without one, until when the token is good. */
    showFeed() {
        const {feed} = this, expires = me()?.expires_at ? Date.parse(me().expires_at) - Date.now() : Infinity, ends = expires < EXPIRY_TOLD_MS;
        const state = feed?.state ?? 'none';
        this.state.hidden = state === 'none' && !ends;
        setText(this.state, [feed ? this.feedText() : '', ends ? t('login.ends', {span: span(expires)}) : ''].filter(Boolean).join(' · '));
        this.state.className = `feed-state feed-${ends && state === 'live' ? 'ends' : state}`;
        document.body.classList.toggle('is-offline', state === 'offline' || state === 'catching_up');
        if (feed) {
            Object.assign(this.state.dataset, {state, seq: feed.lastSeq, shared: Boolean(feed.isShared), ...feed.counts});
        }
    }

    showSound() {
        const on = preferences.get('sound', 'on') === 'on', label = t(on ? 'sound.on' : 'sound.off');
        replace(this.sound, bell(on));
        this.sound.setAttribute('aria-label', label);
        this.sound.setAttribute('aria-pressed', on);
        this.sound.title = label;
    }

    toggleSound() {
        preferences.set('sound', preferences.get('sound', 'on') === 'on' ? 'off' : 'on');
        this.showSound();
        this.banner.show();
    }

    toggleTheme() {
        const next = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
        document.documentElement.dataset.theme = next;
        preferences.set('theme', next);
        document.dispatchEvent(new Event('themechange'));
    }

    switchLanguage() {
        setLanguage(languageOf() === 'zh' ? 'en' : 'zh');
        this.rebuild();
    }

    route() {
        const [, wanted = '', id] = location.hash.split('/');
        const name = wanted in VIEWS ? wanted : NAVIGATION.find(mayOpen) ?? 'wall', view = VIEWS[name], hadFocus = this.view.contains(document.activeElement);
        this.current?.close();
        this.current = mayOpen(name) ? view.open(this.context, id || undefined) : nothingFor(name);
        this.links.forEach((link) => {
            const here = link.dataset.nav === (view.under ?? name);
            link.toggleAttribute('data-here', here);
            here ? link.setAttribute('aria-current', 'page') : link.removeAttribute('aria-current');
        });
        this.view.className = `view view-${name}`;
        replace(this.view, this.current.element);
        if (hadFocus) {
            this.view.focus({preventScroll: true});
        }
        document.title = `${this.current.title} · gridd`;
        this.current.start();
    }

    close() {
        this.pause();
        removeEventListener('hashchange', this.onHash);
        removeEventListener('pagehide', this.onHide);
        removeEventListener('pageshow', this.onShow);
        this.current?.close();
    }
}

/* Asks for a token until one is taken, and reads what a page must know: who this is, and the policy's
 * names. Nothing that was shown before stays in sight. */
async function enter(gate, settings, why) {
    for (;;) {
        try {
            await loadMe();
            await loadPolicy();
            replace(gate);
            return;
        } catch (error) {
            if (error.status === 401) {
                await login(gate, why);
            } else {
                replace(gate, h('main', {class: 'login-page'}, h('p', {class: 'error', role: 'alert'}, explain(error))));
                await new Promise((resolve) => setTimeout(resolve, 3000));
            }
        }
    }
}

const identity = () => JSON.stringify([me()?.id, me()?.name, me()?.roles, me()?.region, me()?.unit]);

/* What ended the login: the token's own end, or somebody. */
function endOf() {
    const expires = me()?.expires_at;
    return expires && Date.parse(expires) <= Date.now() ? t('login.expired', {at: clock(expires)}) : t('login.revoked');
}

async function main() {
    const root = document.getElementById('app'), gate = document.getElementById('gate'), settings = await get('/console/settings.json');
    useTiles(settings.tiles);
    addEventListener('pointerdown', () => alarm.allow(), {once: true});
    addEventListener('keydown', () => alarm.allow(), {once: true});
    let running = null;
    onUnauthorised(() => running?.refused());
    await enter(gate, settings, null);
    for (;;) {
        const before = identity();
        running ??= new Console(root, settings);
        running.wasStarted ? running.resume() : running.start();
        running.wasStarted = true;
        await new Promise((resolve) => {
            running.refused = resolve;
        });
        running.refused = () => {};
        running.pause();
        session.set({token: undefined});
        document.querySelectorAll('dialog').forEach((one) => one.close());
        root.hidden = true;
        await enter(gate, settings, endOf());
        root.hidden = false;
        if (identity() !== before) { // somebody else: nothing of the one before stays
            running.close();
            running = null;
        }
    }
}

main();
