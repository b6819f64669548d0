/* Who sits here: as the token says, or, on a server that asks for none, as the person says. */
import {button, dialog, field, h, select} from './dom.js';
import {dateTime} from './format.js';
import {t, w} from './i18n.js';
import {me} from './me.js';
import {options, regionName, unitName} from './names.js';
import {session} from './session.js';

const ROLES = ['any', 'worker', 'intake', 'shift_lead', 'dispatcher', 'whistle_center', 'unit', 'checker', 'follow_up', 'supervisor', 'reporter'];

export function whoText() {
    const {actor, role, token} = session.get();
    return actor || me()?.name || (role && role !== 'any' ? w('role', role) : token ? t('who.token') : t('who.title'));
}

function leaveButton() {
    return button(t('who.leave'), () => {
        session.clear();
        location.reload();
    }, {'data-action': 'leave'});
}

function tokenDialog() {
    const {name, roles = [], unit, region, expires_at: expires} = me() ?? {};
    const rows = [['name', name], ['roles', roles.map((role) => w('role', role)).join(t('list.comma'))], ['region', region ? `${regionName(region)} (${region})` : t('who.everywhere')],
        ['unit', unit ? unitName(unit) : null], ['expires', expires ? dateTime(expires) : t('who.no_end')]];
    dialog(t('who.title'), t('close'), h('p', {class: 'muted'}, t('who.by_token')), h('dl', {class: 'facts facts-narrow'},
        rows.filter(([, value]) => value).flatMap(([key, value]) => [h('dt', {}, t(`who.${key}`)), h('dd', {}, value)])), h('div', {class: 'buttons'}, leaveButton()));
}

/* `onChange` is called when somebody else sits here. */
export function openWho(isGuarded, onChange) {
    if (isGuarded) {
        tokenDialog();
        return;
    }
    const who = session.get(), actor = h('input', {type: 'text', name: 'actor', value: who.actor ?? '', maxlength: 128}), region = h('input', {type: 'text', name: 'region', value: who.region ?? '', maxlength: 64});
    const role = select(ROLES.map((one) => [one, w('role', one)]), who.role ?? 'any', null, {name: 'role'}), unit = select([['', '—'], ...options('units')], who.unit ?? '', null, {name: 'unit'});
    const shown = dialog(t('who.title'), t('close'), h('p', {class: 'muted'}, t('who.about')), h('form', {on: {submit: (event) => {
        event.preventDefault();
        session.set({actor: actor.value.trim(), role: role.value, unit: unit.value, region: region.value.trim()});
        shown.close();
        onChange();
    }}}, field(t('who.name'), actor), field(t('who.role'), role), field(t('who.unit'), unit), field(t('who.region'), region), h('div', {class: 'buttons'}, h('button', {type: 'submit', class: 'primary'}, t('save')), leaveButton())));
}
