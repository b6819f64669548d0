/* A list of any length with as many elements as fit on the screen. Rows have one height and are used
 * again: `make` gives an element, `update` fills it for an item. Arrow keys, Page, Home and End move
 * the selected row, Enter and a click open it. O(rows in sight) per frame. */
import {h} from './dom.js';

const SPARE_ROWS = 4;

export class VirtualList {
    constructor({rowHeight, make, update, onOpen, onEnd, label}) {
        Object.assign(this, {rowHeight, make, update, onOpen, onEnd});
        this.items = [];
        this.rows = new Map(); // index -> element
        this.free = [];
        this.selected = 0;
        this.spacer = h('div', {class: 'vlist-spacer', role: 'presentation'});
        this.element = h('div', {class: 'vlist', tabIndex: 0, role: 'listbox', 'aria-label': label}, this.spacer);
        this.element.addEventListener('scroll', () => this.schedule(), {passive: true});
        this.element.addEventListener('keydown', (event) => this.onKey(event));
        this.element.addEventListener('click', (event) => this.onClick(event));
        this.observer = new ResizeObserver(() => this.schedule());
        this.observer.observe(this.element);
    }

    /* New items, or the same array changed in place. A row that was in sight stays where it was when
     * rows were put in above it. */
    setItems(items, addedAbove = 0) {
        this.items = items;
        this.spacer.style.height = `${items.length * this.rowHeight}px`;
        if (addedAbove > 0 && this.element.scrollTop > this.rowHeight) {
            this.element.scrollTop += addedAbove * this.rowHeight;
        }
        this.selected = Math.min(this.selected, Math.max(0, items.length - 1));
        this.schedule();
    }

    schedule() {
        if (!this.frame) {
            this.frame = requestAnimationFrame(() => {
                this.frame = 0;
                this.draw();
            });
        }
    }

    range() {
        const top = this.element.scrollTop, height = this.element.clientHeight;
        const first = Math.max(0, Math.floor(top / this.rowHeight) - SPARE_ROWS);
        const last = Math.min(this.items.length, Math.ceil((top + height) / this.rowHeight) + SPARE_ROWS);
        return [first, last];
    }

    draw() {
        const [first, last] = this.range();
        for (const [index, row] of this.rows) {
            if (index < first || index >= last) {
                this.rows.delete(index);
                row.hidden = true;
                this.free.push(row);
            }
        }
        for (let index = first; index < last; index++) {
            let row = this.rows.get(index);
            if (!row) {
                row = this.free.pop() ?? this.newRow();
                row.hidden = false;
                this.rows.set(index, row);
                row.style.transform = `translateY(${index * this.rowHeight}px)`;
                row.dataset.index = index;
                row.setAttribute('aria-posinset', index + 1);
            }
            row.setAttribute('aria-setsize', this.items.length);
            this.mark(row, index === this.selected);
            this.update(row, this.items[index]);
        }
        if (this.onEnd && last >= this.items.length - SPARE_ROWS) {
            this.onEnd();
        }
    }

    newRow() {
        const row = this.make();
        row.classList.add('vlist-row');
        row.style.height = `${this.rowHeight}px`;
        row.setAttribute('role', 'option');
        this.rowsMade = (this.rowsMade ?? 0) + 1;
        row.id = `row-${VirtualList.lists = (VirtualList.lists ?? 0) + 1}`;
        this.element.append(row);
        return row;
    }

    mark(row, selected) {
        row.setAttribute('aria-selected', selected);
        if (selected) {
            this.element.setAttribute('aria-activedescendant', row.id);
        }
    }

    onKey(event) {
        const page = Math.max(1, Math.floor(this.element.clientHeight / this.rowHeight) - 1);
        const steps = {ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity};
        if (event.key in steps) {
            event.preventDefault();
            this.selected = Math.max(0, Math.min(this.items.length - 1, this.selected + steps[event.key]));
            this.reveal(this.selected);
            this.schedule();
        } else if (event.key === 'Enter' && event.target === this.element && this.items[this.selected]) {
            event.preventDefault();
            this.onOpen?.(this.items[this.selected]);
        }
    }

    reveal(index) {
        const top = index * this.rowHeight, bottom = top + this.rowHeight;
        if (top < this.element.scrollTop) {
            this.element.scrollTop = top;
        } else if (bottom > this.element.scrollTop + this.element.clientHeight) {
            this.element.scrollTop = bottom - this.element.clientHeight;
        }
    }

    onClick(event) {
        const row = event.target.closest('.vlist-row');
        if (row && !event.target.closest('button, a')) {
            this.selected = Number(row.dataset.index);
            this.schedule();
            this.onOpen?.(this.items[this.selected]);
        }
    }

    close() {
        this.observer.disconnect();
        cancelAnimationFrame(this.frame);
    }
}
