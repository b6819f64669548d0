/* One ticket: where it stands, its clocks drawn, what may be done now, who else works on it, and
 * everything that was done. */
import {drawClocks} from './clock.js';
import {GRAVE, MAIN, loadTicket} from './commands.js';
import {button, h, replace} from './dom.js';
import {dateTime, number, span} from './format.js';
import {t, w} from './i18n.js';
import {categoryName, pathName, regionName, unitName} from './names.js';
import {errorBox, incidentLink, lightBadge, priorityBadge, regionLink, severityBadge, stateBadge, ticketLink, toast} from './parts.js';
import {commandForm} from './ticket_form.js';
import {dueText} from './tickets.js';

const CLOCKS_MS = 15000;

function facts(ticket, again) {
    const rows = [['region', regionLink(ticket.grid, again)], ['path', pathName(ticket.path, again, 8)], ['incident', incidentLink(ticket.incident)],
        ['unit', ticket.unit ? unitName(ticket.unit) : '—'], ['received_at', dateTime(ticket.received_at)], ['due_at', `${dateTime(ticket.due_at)} · ${dueText(ticket, Date.now())}`],
        ['origin', w('origin', ticket.origin)], ['sources', ticket.sources ? t('reports.count', {count: number(ticket.sources.reports_count)}) : '—'],
        ['counts', t('ticket.counts', {rework: ticket.rework_count, returned: ticket.return_count, reopened: ticket.reopen_count})],
        ['closed_at', ticket.closed_at ? `${dateTime(ticket.closed_at)} · ${w('closure', ticket.closure)}` : null],
        ['directive', ticket.directive ? h('a', {href: `#/directives/${ticket.directive}`}, ticket.directive) : null],
        ['into', ticket.into ? ticketLink(ticket.into) : null],
        ['acked_until', ticket.escalation.acked_until ? dateTime(ticket.escalation.acked_until) : null],
        ['escalation', ticket.escalation.step > 0 ? t('ticket.escalated', {step: ticket.escalation.step}) : null]];
    return h('dl', {class: 'facts'}, rows.filter(([, value]) => value !== null).flatMap(([key, value]) => [h('dt', {}, t(`fact.${key}`)), h('dd', {}, value)]));
}

function notices(ticket) {
    const list = [];
    const {suspended, pending_request: pending} = ticket;
    if (suspended) {
        list.push(h('p', {class: 'notice'}, t('ticket.suspended', {reason: w('suspension', suspended.reason), until: dateTime(suspended.until)})));
    }
    if (pending) {
        list.push(h('p', {class: 'notice'}, t('ticket.pending', {kind: w('request', pending.kind), by: dateTime(pending.decide_by)})));
    }
    if (ticket.supervised) {
        list.push(h('p', {class: 'notice'}, t('ticket.supervised')));
    }
    return list;
}

/* The lead and each co-handler side by side. */
function jointParts(joint) {
    const part = (unit, badges, ...lines) => h('div', {class: 'part'}, h('strong', {}, unitName(unit)), h('div', {}, badges), lines.map((line) => h('div', {class: 'small muted'}, line)));
    return h('section', {class: 'panel padded'}, h('h2', {}, t('joint.title')), h('div', {class: 'parts'},
        part(joint.lead, h('span', {class: 'badge'}, t('joint.lead'))), joint.co_handlers.map((co) => part(co.unit,
            [h('span', {class: 'badge'}, w('part', co.status)), ' ', h('span', {class: 'badge'}, t(co.mandatory ? 'joint.mandatory' : 'joint.optional')),
                co.late || co.late_check_in ? h('span', {class: 'badge sev-extreme'}, t('joint.late')) : null],
            co.checked_in_at ? t('joint.checked_in', {at: dateTime(co.checked_in_at)}) : t('joint.check_in_by', {at: dateTime(co.check_in_by)}),
            t('joint.due', {at: dateTime(co.due_at)})))));
}

function historyEntry(event) {
    const what = event.command ? w('command', event.command) : w('kind', event.kind);
    const who = event.actor ?? (event.role ? w('role', event.role) : null);
    return h('li', {class: `history-entry kind-${event.kind.replace('.', '-')}`}, h('div', {class: 'history-head'},
        h('strong', {}, what), event.from && event.from !== event.to ? h('span', {}, `${w('state', event.from)} → ${w('state', event.to)}`) : null,
        event.light ? lightBadge(event.light) : null, h('span', {class: 'muted small'}, `v${event.version ?? '—'}`)),
    h('div', {class: 'muted small'}, [dateTime(event.occurred_at), who, event.unit ? unitName(event.unit) : null, event.stage ? w('stage', event.stage) : null,
        event.region ? regionName(event.region) : null].filter(Boolean).join(' · ')),
    event.note ? h('p', {class: 'quoted'}, event.note) : null, event.reason ? h('p', {class: 'quoted'}, w('suspension', event.reason)) : null,
    event.reason_text ? h('p', {class: 'quoted'}, event.reason_text) : null);
}

class TicketView {
    constructor(context, id) {
        Object.assign(this, {context, id});
        this.head = h('div', {class: 'detail-head'});
        this.commands = h('div', {class: 'commands'});
        this.formBox = h('div');
        this.left = h('div', {class: 'detail-main'});
        this.clocks = h('div', {class: 'clocks'});
        this.element = h('div', {class: 'detail'}, this.head, this.left);
        this.again = () => this.ticket && this.showHead();
        this.unlisten = context.onEvents((events) => events.some(({data}) => data.ticket === id && !(data.version <= this.ticket?.version)) && this.onOutside());
        this.timer = setInterval(() => this.ticket && drawClocks(this.clocks, id), CLOCKS_MS);
    }

    async load() {
        try {
            this.show(await loadTicket(this.id));
        } catch (error) {
            replace(this.head, errorBox(error));
        }
    }

    /* Somebody else acted. An open form is left alone; it will be told of the conflict when it is sent. */
    onOutside() {
        if (this.form) {
            replace(this.formNote ??= h('p', {class: 'notice', role: 'status'}), t('ticket.changed_meanwhile'));
            this.form.element.prepend(this.formNote);
            return;
        }
        this.load();
    }

    show(ticket) {
        this.ticket = ticket;
        this.element.dataset.version = ticket.version;
        this.element.dataset.state = ticket.state;
        this.showHead();
        this.showCommands();
        const history = [...ticket.history ?? []].reverse();
        replace(this.left,
            h('section', {class: 'panel padded detail-do'}, h('h2', {}, t('ticket.commands')), this.commands, this.formBox),
            ticket.joint ? jointParts(ticket.joint) : null,
            h('section', {class: 'panel padded detail-clock'}, h('h2', {}, t('ticket.clock')), this.clocks),
            h('section', {class: 'panel padded detail-history'}, h('h2', {}, t('ticket.history')),
                h('ol', {class: 'history', reversed: true}, history.map(historyEntry)),
                ticket.history_truncated ? h('p', {class: 'muted'}, t('ticket.truncated')) : null));
        drawClocks(this.clocks, this.id);
    }

    showHead() {
        const {ticket} = this;
        replace(this.head, h('div', {class: 'detail-title'}, h('h1', {}, `${categoryName(ticket.category)} · ${regionName(ticket.grid, this.again)}`),
            h('div', {class: 'badges'}, h('span', {class: 'mono'}, ticket.id), stateBadge(ticket.state), lightBadge(ticket.light), priorityBadge(ticket.priority),
                severityBadge(ticket.severity), h('span', {class: 'muted small'}, t('ticket.version', {version: ticket.version, since: span(Date.now() - Date.parse(ticket.state_since))})))),
        notices(ticket), facts(ticket, this.again));
    }

    showCommands() {
        const allowed = this.ticket.allowed ?? [];
        const rank = (command) => MAIN.includes(command) ? MAIN.indexOf(command) : GRAVE.has(command) ? 99 : 50;
        const sorted = [...allowed].sort((a, b) => rank(a) - rank(b));
        replace(this.commands, sorted.length === 0 ? h('p', {class: 'muted'}, t('ticket.no_commands')) : sorted.map((command) =>
            button(w('command', command), () => this.openForm(command), {'data-command': command,
                class: MAIN.includes(command) ? 'primary' : GRAVE.has(command) ? 'grave' : ''})));
    }

    openForm(command) {
        this.formNote = undefined;
        const done = (fresh) => {
            this.closeForm();
            toast(t('ticket.done', {command: w('command', command), state: w('state', fresh.state)}));
            this.load();
        };
        this.form = commandForm(this.ticket, command, done, (reload) => {
            this.closeForm();
            if (reload) {
                this.load();
            }
        });
        replace(this.formBox, this.form.element);
    }

    closeForm() {
        this.form = null;
        replace(this.formBox);
    }

    close() {
        clearInterval(this.timer);
        this.unlisten();
    }
}

export function openTicket(context, id) {
    const view = new TicketView(context, id);
    return {element: view.element, start: () => view.load(), refresh: () => view.onOutside(), close: () => view.close(), title: id};
}
