/* Who is at this screen. The token lives in session storage, gone with the tab; nothing of it is
 * ever part of an address. Preferences (language, theme, sound) are not secret and stay. */

const KEY = 'gridd.session';
let current = load();

function load() {
    try {
        return JSON.parse(sessionStorage.getItem(KEY)) ?? {};
    } catch {
        return {};
    }
}

export const session = {
    get: () => current,
    set(change) {
        current = {...current, ...change};
        sessionStorage.setItem(KEY, JSON.stringify(current));
    },
    clear() {
        current = {};
        sessionStorage.removeItem(KEY);
    },
};

export const preferences = {
    get: (name, preset) => localStorage.getItem(`gridd.${name}`) ?? preset,
    set: (name, value) => localStorage.setItem(`gridd.${name}`, value),
};
