/* A region by its name or code: what is typed is looked for in all that the reader may see, and the
 * places found are offered with where they lie. Arrow keys and Enter choose, Escape closes (WAI-ARIA
 * combobox with a list). */
import {get, query} from './api.js';
import {h, replace} from './dom.js';
import {t} from './i18n.js';
import {me} from './me.js';
import {keepRegion, pathName, regionName} from './names.js';

const FOUND_MAX = 20, PAUSE_MS = 200;
let pickers = 0;

/* Regions whose name contains the text or whose code begins with it, upper levels first. */
export async function findRegions(text, limit = FOUND_MAX) {
    const top = me()?.region;
    const page = await get(`${top ? `/v1/regions/${encodeURIComponent(top)}/children` : '/v1/regions'}${query({name: text, limit})}`);
    page.items.forEach(keepRegion);
    return page.items;
}

export class RegionPicker {
    /* onPick(code): a region was chosen, or '' when the field was emptied. */
    constructor({name, value = '', onPick, keepText = true}) {
        const id = `found-${++pickers}`;
        Object.assign(this, {onPick, keepText, found: [], at: -1, code: value});
        this.input = h('input', {type: 'text', name, role: 'combobox', autocomplete: 'off', spellcheck: 'false', 'aria-expanded': 'false', 'aria-controls': id, 'aria-autocomplete': 'list',
            placeholder: t('picker.hint'), value: value === '' ? '' : regionName(value, () => this.showChosen()), maxlength: 64, on: {
                input: () => this.soon(), keydown: (event) => this.onKey(event), blur: () => setTimeout(() => this.close(), 150), focus: () => this.input.select()}});
        this.list = h('ul', {class: 'found', id, role: 'listbox', hidden: true, 'aria-label': t('picker.found')});
        this.element = h('div', {class: 'picker'}, this.input, this.list);
    }

    showChosen() {
        if (this.code !== '' && document.activeElement !== this.input) {
            this.input.value = regionName(this.code);
        }
    }

    soon() {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.look(), PAUSE_MS);
    }

    async look() {
        const text = this.input.value.trim(), asked = this.asked = (this.asked ?? 0) + 1;
        if (text === '') {
            this.close();
            this.choose(null);
            return;
        }
        try {
            const found = await findRegions(text);
            if (asked === this.asked) {
                this.show(found);
            }
        } catch {
            this.show([]);
        }
    }

    show(found) {
        this.found = found;
        this.at = found.length > 0 ? 0 : -1;
        replace(this.list, found.length === 0 ? h('li', {class: 'muted small', role: 'option', 'aria-disabled': 'true'}, t('picker.none')) : found.map((one, index) => {
            const where = h('span', {class: 'muted small'});
            const again = () => replace(where, one.code, ' · ', pathName(one.path.slice(0, -1), again));
            again();
            return h('li', {role: 'option', id: `${this.list.id}-${index}`, 'data-code': one.code, on: {mousedown: (event) => {
                event.preventDefault();
                this.choose(one);
            }}}, h('span', {}, one.name || one.code), where);
        }));
        this.list.hidden = false;
        this.input.setAttribute('aria-expanded', 'true');
        this.mark();
    }

    mark() {
        [...this.list.children].forEach((item, index) => {
            item.setAttribute('aria-selected', index === this.at);
            if (index === this.at) {
                this.input.setAttribute('aria-activedescendant', item.id);
                item.scrollIntoView({block: 'nearest'});
            }
        });
    }

    onKey(event) {
        const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
        if (step && !this.list.hidden && this.found.length > 0) {
            event.preventDefault();
            this.at = (this.at + step + this.found.length) % this.found.length;
            this.mark();
        } else if (event.key === 'Enter') {
            event.preventDefault();
            this.list.hidden ? this.look() : this.choose(this.found[this.at]);
        } else if (event.key === 'Escape' && !this.list.hidden) {
            event.stopPropagation();
            this.close();
        }
    }

    choose(region) {
        if (region === undefined) {
            return;
        }
        this.code = region?.code ?? '';
        this.input.value = region && this.keepText ? region.name || region.code : '';
        this.close();
        this.onPick(this.code, region);
    }

    close() {
        clearTimeout(this.timer);
        this.list.hidden = true;
        this.input.setAttribute('aria-expanded', 'false');
        this.input.removeAttribute('aria-activedescendant');
    }
}
