/* The board: open tickets by state, one column a state, filtered. A column reads its next page when
 * its end comes into sight; the feed says when it must be read again. */
import {get, query} from './api.js';
import {field, h, select, setText} from './dom.js';
import {number, span} from './format.js';
import {t, w} from './i18n.js';
import {me} from './me.js';
import {categoryName, options, pathName, unitName} from './names.js';
import {explain} from './parts.js';
import {RegionPicker} from './region_picker.js';
import {session} from './session.js';
import {VirtualList} from './vlist.js';

const STATES = ['reported', 'verifying', 'accepted', 'dispatched', 'handling', 'checking', 'closed'];
const PAGE = 100, CARD_PX = 92, RELOAD_MS = 1500;
let remembered = {}; // filters stay while the page is open; they are no part of the address

function makeCard() {
    const cell = (name) => h('span', {class: name});
    const card = h('div', {class: 'card'}, h('span', {class: 'card-line'}, cell('card-prio'), cell('card-category'), cell('card-id')),
        cell('card-path'), h('span', {class: 'card-line'}, cell('card-light'), cell('card-due'), cell('card-unit')));
    card.parts = Object.fromEntries(['card-prio', 'card-category', 'card-id', 'card-path', 'card-light', 'card-due', 'card-unit']
        .map((name) => [name, card.querySelector(`.${name}`)]));
    return card;
}

export function dueText(ticket, now) {
    if (!ticket.due_at) {
        return t('due.none');
    }
    const left = Date.parse(ticket.due_at) - now;
    return left >= 0 ? t('due.left', {span: span(left)}) : t('due.over', {span: span(-left)});
}

function fillCard(card, ticket, again, now) {
    const {parts} = card;
    card.dataset.ticket = ticket.id;
    card.className = `vlist-row card is-${ticket.severity}`;
    setText(parts['card-prio'], `P${ticket.priority}`);
    parts['card-prio'].className = `card-prio badge prio prio-${ticket.priority}`;
    setText(parts['card-category'], categoryName(ticket.category));
    setText(parts['card-id'], ticket.id);
    setText(parts['card-path'], pathName(ticket.path, again));
    setText(parts['card-light'], w('light', ticket.light));
    parts['card-light'].className = `card-light light light-${ticket.light}`;
    setText(parts['card-due'], ticket.closed_at ? w('closure', ticket.closure) : ticket.suspended ? t('suspended') : dueText(ticket, now));
    setText(parts['card-unit'], [ticket.supervised ? t('supervised') : '', ticket.joint ? t('joint') : '',
        ticket.unit ? unitName(ticket.unit) : ''].filter(Boolean).join(' · '));
}

class Column {
    constructor(board, state) {
        Object.assign(this, {board, state, items: [], cursor: null, generation: 0});
        const again = () => this.list.schedule();
        this.list = new VirtualList({rowHeight: CARD_PX, make: makeCard, label: w('state', state),
            update: (card, ticket) => fillCard(card, ticket, again, Date.now()),
            onOpen: (ticket) => board.context.go(`#/ticket/${ticket.id}`), onEnd: () => this.loadMore()});
        this.count = h('span', {class: 'muted'});
        this.note = h('p', {class: 'muted small column-note'});
        this.element = h('section', {class: 'panel column', 'aria-label': w('state', state), 'data-state': state},
            h('header', {class: 'panel-head'}, h('h2', {class: 'column-title'}, w('state', state)), this.count), this.note, this.list.element);
    }

    async load() {
        const generation = ++this.generation;
        try {
            const wanted = Math.min(1000, Math.max(PAGE, this.items.length));
            const page = await get(`/v1/tickets${query({...this.board.parameters(), state: this.state, limit: wanted})}`);
            if (generation === this.generation) {
                this.items = page.items;
                this.cursor = page.next_cursor;
                this.show();
            }
        } catch (error) {
            setText(this.note, explain(error));
        }
    }

    async loadMore() {
        if (this.cursor === null || this.loading) {
            return;
        }
        this.loading = true;
        const {generation, cursor} = this;
        try {
            const page = await get(`/v1/tickets${query({...this.board.parameters(), state: this.state, limit: PAGE, cursor})}`);
            if (generation === this.generation) {
                this.items.push(...page.items);
                this.cursor = page.next_cursor;
                this.show();
            }
        } catch (error) {
            setText(this.note, explain(error));
        }
        this.loading = false;
    }

    show() {
        setText(this.note, this.items.length === 0 ? t('board.empty') : '');
        setText(this.count, `${number(this.items.length)}${this.cursor === null ? '' : '+'}`);
        this.element.classList.toggle('is-empty', this.items.length === 0);
        this.list.setItems(this.items);
    }
}

class Board {
    constructor(context) {
        this.context = context;
        this.filters = remembered;
        this.columns = STATES.map((state) => new Column(this, state));
        this.element = h('div', {class: 'board'}, this.filterBar(), h('div', {class: 'columns', tabIndex: -1}, this.columns.map((column) => column.element)));
        this.unlisten = context.onEvents((events) => events.some(({data}) => data.kind.startsWith('ticket.')) && this.soon());
        this.timer = setInterval(() => this.columns.forEach((column) => column.list.schedule()), 1000);
    }

    parameters() {
        const {mine, overdue, supervised, ...plain} = this.filters;
        const who = {...me(), ...session.get()};
        return {...plain, ...(overdue ? {overdue: 'true'} : {}), ...(supervised ? {supervised: 'true'} : {}),
            ...(mine && who.unit ? {unit: who.unit} : {}), ...(mine && who.region && !plain.region ? {region: who.region} : {})};
    }

    filterBar() {
        const change = (name, value) => {
            this.filters[name] = value;
            this.load();
        };
        const pick = (name, list) => field(t(`filter.${name}`), select([['', t('filter.all')], ...list], this.filters[name] ?? '',
            (value) => change(name, value), {name}));
        const flag = (name) => h('label', {class: 'check'}, h('input', {type: 'checkbox', name, checked: Boolean(this.filters[name]),
            on: {change: (event) => change(name, event.target.checked)}}), h('span', {}, t(`filter.${name}`)));
        const region = new RegionPicker({name: 'region', value: this.filters.region ?? '', onPick: (code) => change('region', code)});
        return h('form', {class: 'filters', 'aria-label': t('filter.title'), on: {submit: (event) => event.preventDefault()}},
            field(t('filter.region'), region.element), pick('category', options('categories')), pick('unit', options('units')),
            pick('light', ['green', 'yellow', 'red'].map((light) => [light, w('light', light)])),
            pick('priority', ['1', '2', '3', '4'].map((one) => [one, `P${one}`])),
            h('div', {class: 'checks'}, flag('overdue'), flag('supervised'), flag('mine')));
    }

    load() {
        this.columns.forEach((column) => column.load());
    }

    soon() {
        this.waiting ??= setTimeout(() => {
            this.waiting = undefined;
            if (!document.hidden) {
                this.load();
            }
        }, RELOAD_MS);
    }

    close() {
        clearInterval(this.timer);
        clearTimeout(this.waiting);
        this.unlisten();
        this.columns.forEach((column) => column.list.close());
    }
}

export function openTickets(context) {
    const board = new Board(context);
    return {element: board.element, start: () => board.load(), refresh: () => board.load(), close: () => board.close(), title: t('nav.tickets')};
}
