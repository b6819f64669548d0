/* The form of one command. When somebody else changed the ticket meanwhile, what was entered stays,
 * and what happened in between is told before it is sent again. */
import {Problem} from './api.js';
import {GRAVE, commandId, formOf, loadTicket, send} from './commands.js';
import {add, button, field, h, replace, select} from './dom.js';
import {dateTime} from './format.js';
import {t, w} from './i18n.js';
import {options, unitName} from './names.js';
import {errorBox, explain} from './parts.js';

function control(entry, ticket) {
    const required = Boolean(entry.required), name = entry.name;
    if (entry.kind === 'choice') {
        return select(entry.choices.map((code) => [code, code === '' ? t('choose.none') : w(entry.set, code)]), entry.preset ?? entry.choices[0],
            null, {name, required});
    }
    if (entry.kind === 'unit') {
        return select([['', t('choose.by_policy')], ...options('units')], name === 'unit' || name === 'lead' ? ticket.unit ?? '' : '', null, {name});
    }
    if (entry.kind === 'category') {
        return select([['', t('choose.unchanged')], ...options('categories')], '', null, {name});
    }
    if (entry.kind === 'flag') {
        return h('input', {type: 'checkbox', name});
    }
    if (entry.kind === 'instant') {
        return h('input', {type: 'datetime-local', name, required});
    }
    if (entry.kind === 'text') {
        return h('textarea', {name, rows: 2, maxlength: 2000, required});
    }
    return h('input', {type: 'text', name, required, maxlength: 128, spellcheck: 'false'});
}

/* Units that work beside the lead, each mandatory or not. */
function unitsControl() {
    return h('fieldset', {class: 'units'}, h('legend', {}, t('field.units')), options('units').map(([code, label]) =>
        h('div', {class: 'unit-row'}, h('label', {class: 'check'}, h('input', {type: 'checkbox', 'data-unit': code}), h('span', {}, label)),
            h('label', {class: 'check small'}, h('input', {type: 'checkbox', 'data-optional': code}), h('span', {}, t('field.optional'))))));
}

function valueOf(entry, form) {
    if (entry.kind === 'units') {
        return [...form.querySelectorAll('[data-unit]')].filter((box) => box.checked).map((box) => ({unit: box.dataset.unit,
            mandatory: !form.querySelector(`[data-optional="${box.dataset.unit}"]`).checked}));
    }
    const element = form.elements[entry.name];
    if (entry.kind === 'flag') {
        return element.checked || undefined;
    }
    const text = element.value.trim();
    if (text === '') {
        return undefined;
    }
    return entry.isFlag ? text === 'yes' : entry.kind === 'instant' ? new Date(text).toISOString()
        : entry.name === 'priority' ? Number(text) : text;
}

function fieldsOf(entries, form) {
    const fields = {};
    for (const entry of entries) {
        const value = valueOf(entry, form);
        if (value !== undefined && !(Array.isArray(value) && value.length === 0)) {
            fields[entry.name] = value;
        }
    }
    return fields;
}

/* Since which version what was done, and by whom. */
function whatHappened(ticket, fresh) {
    const events = fresh.history.filter((event) => event.version > ticket.version);
    return h('div', {class: 'conflict', role: 'alert'},
        h('p', {}, t('conflict.what', {from: ticket.version, to: fresh.version, state: w('state', fresh.state)})),
        h('ul', {}, events.map((event) => h('li', {}, `${dateTime(event.occurred_at)} · ${w('command', event.command ?? event.kind)} · ${
            event.actor ?? (event.unit ? unitName(event.unit) : w('role', event.role))}${event.note ? `: ${event.note}` : ''}`))));
}

class Form {
    constructor(ticket, command, onDone, onCancel) {
        Object.assign(this, {ticket, command, onDone, onCancel, version: ticket.version, id: commandId()});
        this.entries = formOf(command, ticket);
        this.trouble = h('div');
        this.submit = h('button', {type: 'submit', class: GRAVE.has(command) ? 'primary grave' : 'primary'}, w('command', command));
        this.element = h('form', {class: 'command-form', 'data-command': command, on: {submit: (event) => this.onSubmit(event)}},
            h('h3', {}, w('command', command)), this.entries.map((entry) => entry.kind === 'units' ? unitsControl()
                : field(t(`field.${entry.name}`), control(entry, ticket), entry.hint ? t(`hint.${entry.hint}`) : null)),
            this.trouble, h('div', {class: 'buttons'}, this.submit, button(t('cancel'), () => onCancel())));
    }

    async onSubmit(event) {
        event.preventDefault();
        this.submit.disabled = true;
        replace(this.trouble);
        try {
            this.onDone(await send(this.ticket.id, this.command, {id: this.id, version: this.version, fields: fieldsOf(this.entries, this.element)}));
        } catch (error) {
            await this.onTrouble(error);
        }
        this.submit.disabled = false;
    }

    async onTrouble(error) {
        if (!(error instanceof Problem) || (error.status !== 412 && error.status !== 409)) {
            replace(this.trouble, errorBox(error), error.status === 0 ? h('p', {class: 'small'}, t('error.same_id')) : null);
            return;
        }
        try {
            const fresh = await loadTicket(this.ticket.id);
            const possible = fresh.allowed.includes(this.command);
            replace(this.trouble, fresh.version === this.version ? errorBox(error) : whatHappened(this.ticket, fresh),
                h('p', {}, t(possible ? 'conflict.again' : 'conflict.impossible', {allowed: fresh.allowed.map((one) => w('command', one)).join(', ')})));
            this.version = fresh.version;
            this.id = commandId();
            this.submit.hidden = !possible;
            add(this.trouble, button(t('conflict.discard'), () => this.onCancel(true)));
        } catch (again) {
            replace(this.trouble, h('p', {class: 'error'}, explain(again)));
        }
    }
}

export function commandForm(ticket, command, onDone, onCancel) {
    const form = new Form(ticket, command, onDone, onCancel);
    queueMicrotask(() => form.element.querySelector('select, input, textarea, button')?.focus());
    return form;
}
