/* The console: logs in, keeps one feed and one set of alerts, and shows one view at a time. */
import {Problem, get, onUnauthorised} from './api.js';
import {send, commandId} from './commands.js';
import {button, dialog, field, h, replace, select, setText, svg} from './dom.js';
import {Feed} from './feed.js';
import {clock, number, span} from './format.js';
import {languageOf, setLanguage, t, w} from './i18n.js';
import {openIncident} from './incident.js';
import {login} from './login.js';
import {useTiles} from './map.js';
import {loadMe, may, me} from './me.js';
import {loadPolicy, options} from './names.js';
import {openOperations} from './operations.js';
import {explain, toast} from './parts.js';
import {openRegion} from './region.js';
import {preferences, session} from './session.js';
import {alarm} from './sound.js';
import {Alerts} from './store.js';
import {openTicket} from './ticket.js';
import {openTickets} from './tickets.js';
import {bannerTitle, openWall} from './wall.js';

const ROUTES = {'': openWall, wall: openWall, tickets: openTickets, ticket: openTicket, region: openRegion, incident: openIncident, operations: openOperations};
const NAVIGATION = [['wall', 'ticket.read'], ['tickets', 'ticket.read'], ['region', 'region.read'], ['operations', 'ops.read']];
const ROLES = ['any', 'worker', 'intake', 'shift_lead', 'dispatcher', 'whistle_center', 'unit', 'checker', 'follow_up', 'supervisor', 'reporter'];

/* Drawn, since not every wall has a font with a bell in it. */
function bell(on) {
    return svg('svg', {viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true'}, svg('path', {d: 'M12 3a6 6 0 0 0-6 6v5l-2 3h16l-2-3V9a6 6 0 0 0-6-6zM10 20a2 2 0 0 0 4 0'}),
        on ? null : svg('path', {d: 'M3 3l18 18'}));
}

class Console {
    constructor(root, settings) {
        Object.assign(this, {root, settings, listeners: new Set(), silenced: new Set()});
        this.alerts = new Alerts();
        this.context = {alerts: this.alerts, go: (hash) => {
            location.hash = hash;
        }, onEvents: (listener) => {
            this.listeners.add(listener);
            return () => this.listeners.delete(listener);
        }};
        this.feed = new Feed({onEvents: (events) => this.onEvents(events), onState: () => this.showFeed(), onReset: (why) => this.onReset(why), onStart: () => this.load()});
        this.build();
        this.alerts.onChange(() => this.showBanner());
        this.onHash = () => this.route();
        addEventListener('hashchange', this.onHash);
        /* A page that the browser keeps for "back" would keep its connection: there are six for a host. */
        this.onHide = () => this.feed.stop();
        this.onShow = (event) => event.persisted && this.feed.start();
        addEventListener('pagehide', this.onHide);
        addEventListener('pageshow', this.onShow);
        this.timer = setInterval(() => {
            this.showBanner();
            this.showFeed();
            setText(this.time, clock(Date.now()));
        }, 1000);
    }

    build() {
        this.view = h('main', {id: 'view', tabIndex: -1});
        this.banner = h('div', {class: 'banner', hidden: true, role: 'alert'});
        this.state = h('span', {class: 'feed-state', role: 'status'});
        this.time = h('span', {class: 'mono time'});
        this.links = NAVIGATION.filter(([, action]) => may(action)).map(([name]) => h('a', {href: `#/${name}`, 'data-nav': name}, t(`nav.${name}`)));
        this.sound = button('', () => this.toggleSound(), {class: 'icon-button', 'data-action': 'sound'});
        const theme = button('◐', () => this.toggleTheme(), {class: 'icon-button', 'aria-label': t('theme'), title: t('theme'), 'data-action': 'theme'});
        const language = button(languageOf() === 'zh' ? 'EN' : '中文', () => this.switchLanguage(), {class: 'icon-button', 'aria-label': t('language'), 'data-action': 'language'});
        const who = button(this.whoText(), () => this.openWho(), {class: 'who', 'data-action': 'who'});
        replace(this.root, h('a', {class: 'skip', href: '#view', on: {click: (event) => {
            event.preventDefault();
            this.view.focus();
        }}}, t('skip')), h('header', {class: 'top'}, h('strong', {class: 'brand'}, 'gridd'), h('nav', {class: 'nav', 'aria-label': t('nav.title')}, this.links),
            h('div', {class: 'top-right'}, this.state, this.time, this.sound, theme, language, who)), this.banner, this.view);
        this.showSound();
    }

    start() {
        this.feed.start();
        this.route();
    }

    /* The first id of the feed is known: whatever the lists below do not have yet will come as events. */
    async load() {
        try {
            await this.alerts.load();
        } catch (error) {
            toast(explain(error), 'error');
            this.reload = setTimeout(() => this.load(), 3000);
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

    /* Where the feed stands, in words and for tests as numbers. */
    showFeed() {
        const {feed} = this, {state, behind, offlineSince} = feed;
        const text = state === 'offline' ? t('feed.offline', {since: clock(offlineSince)})
            : state === 'catching_up' ? t('feed.catching_up', {since: clock(offlineSince), behind: behind === null ? '…' : number(behind)}) : t(`feed.${state}`);
        setText(this.state, text);
        this.state.className = `feed-state feed-${state}`;
        document.body.classList.toggle('is-offline', state === 'offline' || state === 'catching_up');
        Object.assign(this.state.dataset, {state, seq: feed.lastSeq, events: feed.counts.events, doubled: feed.counts.doubled, gaps: feed.counts.gaps, cuts: feed.counts.cuts});
    }

    showBanner() {
        const now = Date.now(), waiting = this.alerts.unacknowledged(now), loud = waiting.filter((alert) => !this.silenced.has(alert.key));
        alarm.set(loud.length > 0 && preferences.get('sound', 'on') === 'on');
        this.showSound();
        const first = loud[0];
        this.banner.hidden = !first;
        if (!first) {
            this.shown = null;
            return;
        }
        const look = `${first.key} ${first.ticket} ${loud.length}`;
        if (this.shown !== look) {
            this.shown = look;
            const again = () => {
                this.shown = null;
            };
            this.bannerAge = h('span', {class: 'mono'});
            replace(this.banner, h('strong', {class: 'banner-sign', 'aria-hidden': 'true'}, '▲'), h('span', {class: 'banner-text'}, h('strong', {}, w('severity', 'extreme')), ' ',
                bannerTitle(first, again), ' ', this.bannerAge), loud.length > 1 ? h('span', {}, t('banner.more', {count: number(loud.length - 1)})) : null,
            button(t('banner.ack'), () => this.acknowledge(first), {'data-action': 'ack'}),
            button(t('banner.open'), () => this.context.go(`#/ticket/${first.ticket}`), {'data-action': 'open'}));
        }
        setText(this.bannerAge, span(now - Date.parse(first.since)));
        this.banner.dataset.key = first.key;
    }

    async acknowledge(alert) {
        try {
            const ticket = await send(alert.ticket, 'ack', {id: commandId(), fields: {}});
            alert.acked_until = ticket.escalation.acked_until;
            alert.version = Math.max(alert.version, ticket.version);
        } catch (error) {
            if (error instanceof Problem && (error.status === 403 || error.status === 409)) {
                this.silenced.add(alert.key);
            }
            toast(explain(error), 'error');
        }
        this.showBanner();
    }

    showSound() {
        const on = preferences.get('sound', 'on') === 'on', label = t(on ? 'sound.on' : 'sound.off');
        replace(this.sound, bell(on));
        this.sound.setAttribute('aria-label', label);
        this.sound.setAttribute('aria-pressed', on);
        this.sound.title = label;
        document.body.classList.toggle('is-ringing', alarm.isRinging());
    }

    toggleSound() {
        preferences.set('sound', preferences.get('sound', 'on') === 'on' ? 'off' : 'on');
        this.showBanner();
    }

    toggleTheme() {
        const next = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
        document.documentElement.dataset.theme = next;
        preferences.set('theme', next);
        document.dispatchEvent(new Event('themechange'));
    }

    switchLanguage() {
        setLanguage(languageOf() === 'zh' ? 'en' : 'zh');
        this.build();
        this.shown = null;
        this.showFeed();
        this.showBanner();
        this.route();
    }

    whoText() {
        const {actor, role, token} = session.get();
        return actor || me()?.name || (role && role !== 'any' ? w('role', role) : token ? t('who.token') : t('who.title'));
    }

    /* With a token the server knows who this is; without, the person says it and commands carry it. */
    openWho() {
        const who = session.get(), leave = button(t('who.leave'), () => {
            session.clear();
            location.reload();
        });
        if (this.settings.auth) {
            dialog(t('who.title'), t('close'), h('p', {}, t('who.by_token')), h('p', {}, [me()?.name, ...(me()?.roles ?? []), me()?.unit, me()?.region].filter(Boolean).join(' · ')), leave);
            return;
        }
        const actor = h('input', {type: 'text', name: 'actor', value: who.actor ?? '', maxlength: 128}), region = h('input', {type: 'text', name: 'region', value: who.region ?? '', maxlength: 64});
        const role = select(ROLES.map((one) => [one, w('role', one)]), who.role ?? 'any', null, {name: 'role'}), unit = select([['', '—'], ...options('units')], who.unit ?? '', null, {name: 'unit'});
        const shown = dialog(t('who.title'), t('close'), h('p', {class: 'muted'}, t('who.about')), h('form', {on: {submit: (event) => {
            event.preventDefault();
            session.set({actor: actor.value.trim(), role: role.value, unit: unit.value, region: region.value.trim()});
            shown.close();
            this.build();
            this.route();
        }}}, field(t('who.name'), actor), field(t('who.role'), role), field(t('who.unit'), unit), field(t('who.region'), region), h('div', {class: 'buttons'}, h('button', {type: 'submit', class: 'primary'}, t('save')), leave)));
    }

    route() {
        const [, name = '', id] = location.hash.split('/');
        const open = ROUTES[name] ?? openWall, hadFocus = this.view.contains(document.activeElement);
        this.current?.close();
        this.current = open(this.context, id || undefined);
        this.links.forEach((link) => {
            const here = link.dataset.nav === (name || 'wall') || (name === 'ticket' && link.dataset.nav === 'tickets');
            link.toggleAttribute('data-here', here);
            here ? link.setAttribute('aria-current', 'page') : link.removeAttribute('aria-current');
        });
        this.view.className = `view view-${name || 'wall'}`;
        replace(this.view, this.current.element);
        if (hadFocus) {
            this.view.focus({preventScroll: true});
        }
        document.title = `${this.current.title} · gridd`;
        this.current.start();
    }

    close() {
        clearInterval(this.timer);
        clearTimeout(this.reload);
        removeEventListener('hashchange', this.onHash);
        removeEventListener('pagehide', this.onHide);
        removeEventListener('pageshow', this.onShow);
        this.feed.stop();
        this.current?.close();
        alarm.set(false);
    }
}

async function main() {
    const root = document.getElementById('app'), settings = await get('/console/settings.json');
    let running = null, why = null;
    useTiles(settings.tiles);
    addEventListener('pointerdown', () => alarm.allow(), {once: true});
    addEventListener('keydown', () => alarm.allow(), {once: true});
    onUnauthorised(() => running?.refused());
    for (;;) {
        try {
            if (settings.auth) {
                await loadMe();
            }
            await loadPolicy();
        } catch (error) {
            if (error.status !== 401) {
                replace(root, h('main', {class: 'login-page'}, h('p', {class: 'error'}, explain(error))));
                await new Promise((resolve) => setTimeout(resolve, 3000));
                continue;
            }
            await login(root, why);
            continue;
        }
        running = new Console(root, settings);
        running.start();
        await new Promise((resolve) => {
            running.refused = resolve;
        });
        running.close();
        running = null;
        session.set({token: undefined});
        why = t('login.expired');
    }
}

main();
