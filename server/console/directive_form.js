/* The form of a directive: what is to be done, by whom, until when. Addressees are gathered one by one,
 * or all regions below one at once. */
import {all, post} from './api.js';
import {commandId} from './commands.js';
import {button, dialog, field, h, replace, select} from './dom.js';
import {t, w} from './i18n.js';
import {me} from './me.js';
import {keepRegion, options, regionName, unitName} from './names.js';
import {errorBox, toast} from './parts.js';
import {RegionPicker} from './region_picker.js';
import {session} from './session.js';

class Addressees {
    constructor() {
        this.chosen = new Map(); // "region unit" -> {region, unit}
        this.unit = select([['', t('directive.by_region')], ...options('units')], '', null, {name: 'to_unit'});
        this.picker = new RegionPicker({name: 'to_region', onPick: (code) => this.setPlace(code)});
        this.add = button(t('directive.add'), () => this.put([this.place]), {'data-action': 'add'});
        this.below = button(t('directive.add_below'), () => this.putBelow(), {'data-action': 'add-below', disabled: true});
        this.list = h('ul', {class: 'chips', 'aria-label': t('directive.to_whom')});
        this.count = h('span', {class: 'muted small', 'aria-live': 'polite'});
        this.trouble = h('div');
        this.place = '';
        this.element = h('fieldset', {class: 'addressees'}, h('legend', {}, t('directive.to_whom')), h('div', {class: 'inline-form'}, field(t('list.region'), this.picker.element),
            field(t('fact.unit'), this.unit), this.add, this.below), this.trouble, this.count, this.list);
        this.show();
    }

    setPlace(code) {
        this.place = code;
        this.below.disabled = code === '';
    }

    put(regions) {
        for (const region of regions) {
            if (region !== '' || this.unit.value !== '') {
                this.chosen.set(`${region} ${this.unit.value}`, {...(region ? {region} : {}), ...(this.unit.value ? {unit: this.unit.value} : {})});
            }
        }
        this.show();
    }

    async putBelow() {
        replace(this.trouble);
        try {
            const codes = [];
            await all(`/v1/regions/${encodeURIComponent(this.place)}/children`, {pages: 10, onPage: (items) => items.forEach((item) => {
                keepRegion(item);
                codes.push(item.code);
            })});
            this.put(codes);
        } catch (error) {
            replace(this.trouble, errorBox(error));
        }
    }

    show() {
        replace(this.count, t('directive.chosen', {count: this.chosen.size}));
        replace(this.list, [...this.chosen].map(([key, to]) => {
            const name = [to.region ? regionName(to.region) : '', to.unit ? unitName(to.unit) : ''].filter(Boolean).join(' · ');
            return h('li', {}, name, button('×', () => {
                this.chosen.delete(key);
                this.show();
            }, {class: 'chip-x', 'aria-label': t('directive.drop', {name})}));
        }));
    }
}

/* `onDone` gets {directive, tickets}. The same form sent again is the same order. */
export function openDirectiveForm(onDone) {
    const to = new Addressees(), trouble = h('div'), id = commandId();
    const text = h('textarea', {name: 'text', rows: 3, maxlength: 1000, required: true}), receipt = h('input', {type: 'text', name: 'receipt_limit', maxlength: 16, placeholder: '1h', spellcheck: 'false'});
    const execution = h('input', {type: 'text', name: 'execution_limit', maxlength: 16, placeholder: '24h', spellcheck: 'false'});
    const priority = select([['', '—'], ...['1', '2', '3', '4'].map((one) => [one, `P${one}`])], '', null, {name: 'priority'});
    const severity = select([['', '—'], ...['extreme', 'severe', 'moderate', 'minor'].map((one) => [one, w('severity', one)])], '', null, {name: 'severity'});
    const submit = h('button', {type: 'submit', class: 'primary'}, t('directive.send'));
    const fields = () => Object.fromEntries(Object.entries({text: text.value.trim(), receipt_limit: receipt.value.trim(), execution_limit: execution.value.trim(), severity: severity.value,
        priority: priority.value && Number(priority.value), issuer: session.get().token ? me()?.name : session.get().actor, region: me()?.region}).filter(([, value]) => value));
    const shown = dialog(t('directive.new'), t('close'), h('form', {class: 'directive-form', on: {submit: async (event) => {
        event.preventDefault();
        replace(trouble);
        if (to.chosen.size === 0) {
            replace(trouble, h('p', {class: 'error', role: 'alert'}, t('directive.nobody')));
            return;
        }
        submit.disabled = true;
        try {
            const made = await post('/v1/directives', {...fields(), addressees: [...to.chosen.values()], command_id: id});
            toast(t('directive.sent', {id: made.directive, count: made.tickets.length}));
            shown.close();
            onDone(made);
        } catch (error) {
            replace(trouble, errorBox(error));
        }
        submit.disabled = false;
    }}}, field(t('directive.text'), text), to.element, h('div', {class: 'inline-form'}, field(t('directive.receipt_limit'), receipt, t('hint.limit')), field(t('directive.execution_limit'), execution, t('hint.limit')),
        field(t('field.priority'), priority), field(t('field.severity'), severity)), trouble, h('div', {class: 'buttons'}, submit)));
    text.focus();
}
