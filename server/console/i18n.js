/* Two dictionaries; the browser's language decides, a switch overrides. */
import {en} from './lang-en.js';
import {zh} from './lang-zh.js';
import {preferences} from './session.js';

const dictionaries = {en, zh};
let language = preferences.get('language',
    (navigator.languages ?? [navigator.language]).some((tag) => /^zh/i.test(tag)) ? 'zh' : 'en');
if (!(language in dictionaries)) {
    language = 'en';
}

export const languageOf = () => language;
export function setLanguage(wanted) {
    language = wanted;
    preferences.set('language', wanted);
    document.documentElement.lang = wanted === 'zh' ? 'zh-CN' : 'en';
}
document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';

/* t('wall.alerts', {count: 3}); a key without a text is shown as it is. */
export function t(key, values) {
    const text = dictionaries[language][key] ?? dictionaries.en[key] ?? key;
    return values ? text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all) : text;
}

/* A word of a closed set, e.g. w('state', 'handling'); unknown ones as the server wrote them. */
export function w(set, word) {
    if (word === null || word === undefined) {
        return '—';
    }
    return dictionaries[language][`${set}.${word}`] ?? String(word).replaceAll('_', ' ');
}
