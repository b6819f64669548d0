/* Elements out of plain values. Text becomes text nodes and nothing else, so what stands in a report
 * can never become markup; addresses are our own paths and fragments only. */

const PROPERTIES = new Set(['value', 'checked', 'disabled', 'selected', 'hidden', 'open', 'tabIndex']);

function setAttribute(element, name, value) {
    if (name === 'on') {
        for (const [event, listener] of Object.entries(value)) {
            element.addEventListener(event, listener);
        }
    } else if (name === 'vars') {
        for (const [property, text] of Object.entries(value)) {
            element.style.setProperty(property, text);
        }
    } else if (PROPERTIES.has(name)) {
        element[name] = value;
    } else if (name === 'href') {
        if (!/^(#|\/(?!\/))/.test(value)) {
            throw new Error('only own addresses are linked');
        }
        element.setAttribute(name, value);
    } else if (name.startsWith('on') || name === 'style' || name === 'srcdoc' || name === 'src') {
        throw new Error(`${name} is not set here`);
    } else if (value !== null && value !== undefined && value !== false) {
        element.setAttribute(name, value === true ? '' : String(value));
    }
}

/* h('p', {class: 'x'}, 'text', element, [more], null) */
export function h(tag, attributes, ...children) {
    return fill(document.createElement(tag), attributes, children);
}

/* The same in SVG. */
export function svg(tag, attributes, ...children) {
    return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
        setAttribute(element, name, value);
    }
    add(element, children);
    return element;
}

export function add(element, children) {
    for (const child of [children].flat(Infinity)) {
        if (child !== null && child !== undefined && child !== false) {
            element.append(child instanceof Node ? child : String(child));
        }
    }
    return element;
}

export function replace(element, ...children) {
    element.replaceChildren();
    return add(element, children);
}

export function setText(element, text) {
    const wanted = text === null || text === undefined ? '' : String(text);
    if (element.textContent !== wanted) {
        element.textContent = wanted;
    }
}

export function button(label, onClick, attributes) {
    return h('button', {type: 'button', ...attributes, on: {click: onClick}}, label);
}

export function field(label, control, hint) {
    return h('label', {class: 'field'}, h('span', {class: 'field-label'}, label), control,
        hint ? h('span', {class: 'muted small'}, hint) : null);
}

export function select(options, value, onChange, attributes) {
    const element = h('select', {...attributes, on: {change: () => onChange?.(element.value)}},
        options.map(([code, label]) => h('option', {value: code}, label)));
    element.value = value ?? '';
    return element;
}

/* A dialog of its own that closes by Escape, by its button and by `close`. */
export function dialog(title, closeLabel, ...children) {
    const element = h('dialog', {class: 'dialog', 'aria-label': title},
        h('div', {class: 'dialog-head'}, h('h2', {}, title),
            button('×', () => element.close(), {class: 'icon-button', 'aria-label': closeLabel})),
        h('div', {class: 'dialog-body'}, children));
    element.addEventListener('close', () => element.remove());
    element.addEventListener('click', (event) => {
        if (event.target === element) {
            element.close();
        }
    });
    document.body.append(element);
    element.showModal();
    return element;
}
