/* Asks for the token. It goes into session storage only, and into no address. */
import {get} from './api.js';
import {field, h, replace} from './dom.js';
import {t} from './i18n.js';
import {errorBox} from './parts.js';
import {session} from './session.js';

/* Resolves when the server took the token. */
export function login(root, why) {
    return new Promise((resolve) => {
        const token = h('input', {type: 'password', name: 'token', autocomplete: 'off', required: true, spellcheck: 'false'});
        const trouble = h('div', {}, why ? h('p', {class: 'notice'}, why) : null);
        const form = h('form', {class: 'panel login', on: {submit: async (event) => {
            event.preventDefault();
            session.set({token: token.value.trim()});
            try {
                await get('/v1/policy');
                resolve();
            } catch (error) {
                session.set({token: undefined});
                replace(trouble, error.status === 401 ? h('p', {class: 'error', role: 'alert'}, t('login.refused')) : errorBox(error));
            }
        }}}, h('h1', {}, 'gridd'), h('p', {class: 'muted'}, t('login.about')), field(t('login.token'), token), trouble, h('button', {type: 'submit', class: 'primary'}, t('login.enter')));
        replace(root, h('main', {class: 'login-page'}, form));
        token.focus();
    });
}
