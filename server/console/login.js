/* Asks for the token. It goes into session storage only, and into no address. */
import {Problem, get} from './api.js';
import {field, h, replace} from './dom.js';
import {t} from './i18n.js';
import {errorBox} from './parts.js';
import {session} from './session.js';

/* The server gives one answer for every token that it does not take, so that nothing can be learnt from
 * it. What the form of the text says may be told: gd_KIND_ID_SECRET_CHECK or gdd1.KEY.CLAIMS.TAG. */
export function looksLikeToken(text) {
    return /^gd_(service|human)_[0-9A-Za-z]{12}_[0-9A-Za-z]{32}_[0-9A-Za-z]{6}$/.test(text) || /^gdd1(\.[\w-]+){3}$/.test(text);
}

function refusal(token) {
    return h('div', {class: 'error', role: 'alert'}, h('p', {}, t('login.refused')),
        h('p', {class: 'small'}, t(looksLikeToken(token) ? 'login.refused_why' : 'login.not_a_token')));
}

/* Resolves when the server took the token. `why`: what ended the login before. */
export function login(root, why) {
    return new Promise((resolve) => {
        const token = h('input', {type: 'password', name: 'token', autocomplete: 'off', required: true, spellcheck: 'false'});
        const trouble = h('div', {}, why ? h('p', {class: 'notice', role: 'status'}, why) : null), enter = h('button', {type: 'submit', class: 'primary'}, t('login.enter'));
        const form = h('form', {class: 'panel login', on: {submit: async (event) => {
            event.preventDefault();
            enter.disabled = true;
            session.set({token: token.value.trim()});
            try {
                await get('/v1/me');
                resolve();
            } catch (error) {
                session.set({token: undefined});
                replace(trouble, error instanceof Problem && error.status === 401 ? refusal(token.value.trim()) : errorBox(error));
                token.select();
            }
            enter.disabled = false;
        }}}, h('h1', {}, 'gridd'), h('p', {class: 'muted'}, t('login.about')), field(t('login.token'), token), trouble, enter);
        replace(root, h('main', {class: 'login-page'}, form));
        token.focus();
    });
}
