/* Ticket commands: the fields of each one's form, and sending it so that a lost answer or another
 * person's change does no harm. */
import {get, post, query} from './api.js';
import {session} from './session.js';

const note = {name: 'note', kind: 'text'};
const mustNote = {...note, required: true};
const reason = {name: 'reason', kind: 'text', required: true};
const closure = {name: 'closure', kind: 'choice', set: 'closure', preset: 'handled',
    choices: ['handled', 'true_fire', 'permitted_burn', 'farm_burning', 'heat_source', 'false_alarm', 'not_found',
        'duplicate', 'unverified']};
const unit = {name: 'unit', kind: 'unit'};
const grade = [{name: 'priority', kind: 'choice', set: 'priority', choices: ['', '1', '2', '3', '4']},
    {name: 'severity', kind: 'choice', set: 'severity', choices: ['', 'extreme', 'severe', 'moderate', 'minor']}, note];
const answer = (name) => ({name, kind: 'choice', set: 'answer', choices: ['', 'yes', 'no'], isFlag: true});
const parts = {name: 'units', kind: 'units'};

const FORMS = {
    request_verify: [note],
    verify_result: [{name: 'result', kind: 'choice', set: 'result', choices: ['confirmed', 'not_found', 'different']}, mustNote],
    accept: [{name: 'category', kind: 'category'}, note],
    reject: [reason, note],
    self_handle: [closure, mustNote],
    dispatch: [unit, {name: 'limit', kind: 'line', hint: 'limit'}, note],
    whistle: [{...unit, name: 'lead'}, parts,
        {name: 'decision', kind: 'choice', set: 'decision', choices: ['', 'joint', 'single']}, mustNote],
    sign: [note],
    return: [reason, {...unit, name: 'proposed_unit'}],
    progress: [{name: 'on_scene', kind: 'flag'}, note],
    request_extension: [{name: 'limit', kind: 'line', hint: 'limit', required: true}, reason],
    request_suspension: [{name: 'reason', kind: 'choice', set: 'suspension',
        choices: ['engineering', 'season_weather', 'legal_procedure', 'other_authority', 'funding']},
    {name: 'until', kind: 'instant', required: true}, note],
    approve: [note],
    deny: [reason],
    resume: [note],
    submit_result: [closure, mustNote],
    check_pass: [note],
    check_fail: [reason],
    void: [reason],
    merge: [{name: 'into', kind: 'line', hint: 'ticket', required: true}, note],
    unmerge: [note],
    follow_up: [answer('contacted'), answer('solved'), answer('satisfied'), note],
    reopen: [reason],
    supervise: [{name: 'lift', kind: 'flag'}, note],
    remind: [note],
    downgrade: grade,
    upgrade: grade,
    archive: [note],
    ack: [note],
};

/* A whistle that is asked for is decided with the units in the same form. */
export function formOf(command, ticket) {
    if (command === 'approve' && ticket.pending_request?.kind === 'whistle') {
        return FORMS.whistle.filter((entry) => entry.name !== 'note').concat(note);
    }
    return FORMS[command] ?? [note];
}

export const MAIN = ['accept', 'dispatch', 'sign', 'submit_result', 'check_pass', 'approve', 'resume', 'ack', 'progress'];
export const GRAVE = new Set(['void', 'reject', 'check_fail', 'deny']);

/* Not crypto.randomUUID: that is there on secure origins only. */
export function commandId() {
    return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/* Without tokens the body says who gives the command. */
function actor() {
    const who = session.get();
    return who.token ? {} : Object.fromEntries(Object.entries({actor: who.actor, role: who.role, actor_unit: who.unit,
        actor_region: who.region}).filter(([, value]) => value));
}

/* A ticket with the commands that are allowed to whoever sits here. */
export function loadTicket(id) {
    const {token, role} = session.get();
    return get(`/v1/tickets/${encodeURIComponent(id)}${query({role: token || role === 'any' ? '' : role})}`);
}

/* The new ticket; `id` stays the same when the same form is sent again. */
export function send(ticket, command, {id, version, fields}) {
    return post(`/v1/tickets/${encodeURIComponent(ticket)}/${command}`,
        {command_id: id, ...(version ? {if_version: version} : {}), ...actor(), ...fields});
}
