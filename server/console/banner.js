/* What is extreme and acknowledged by nobody: a line across the page and an alarm, until somebody says
 * that they have it. Where the server refuses the acknowledgement, it is silent on this screen only. */
import {Problem} from './api.js';
import {commandId, send} from './commands.js';
import {button, h, replace, setText} from './dom.js';
import {number, span} from './format.js';
import {t, w} from './i18n.js';
import {may} from './me.js';
import {explain, titleOf, toast} from './parts.js';
import {preferences} from './session.js';
import {alarm} from './sound.js';

export class Banner {
    constructor(alerts, go) {
        Object.assign(this, {alerts, go, silenced: new Set(), shown: null});
        this.element = h('div', {class: 'banner', hidden: true, role: 'alert'});
    }

    /* Once a second, and when an alert has changed. */
    show() {
        const now = Date.now(), loud = this.alerts.unacknowledged(now).filter((alert) => !this.silenced.has(alert.key)), first = loud[0];
        alarm.set(loud.length > 0 && preferences.get('sound', 'on') === 'on');
        document.body.classList.toggle('is-ringing', alarm.isRinging());
        this.element.hidden = !first;
        if (!first) {
            this.shown = null;
            return;
        }
        const look = `${first.key} ${first.ticket} ${loud.length}`;
        if (this.shown !== look) {
            this.shown = look;
            this.fill(first, loud.length - 1);
        }
        setText(this.age, span(now - Date.parse(first.since)));
        this.element.dataset.key = first.key;
    }

    fill(alert, others) {
        const again = () => {
            this.shown = null;
        };
        this.age = h('span', {class: 'mono'});
        replace(this.element, h('strong', {class: 'banner-sign', 'aria-hidden': 'true'}, '▲'),
            h('span', {class: 'banner-text'}, h('strong', {}, w('severity', 'extreme')), ' ', titleOf(alert, again), ' ', this.age,
                others > 0 ? h('span', {class: 'banner-more'}, t('banner.more', {count: number(others)})) : null),
            may('ticket.command') ? button(t('banner.ack'), () => this.acknowledge(alert), {'data-action': 'ack'}) : null,
            button(t('banner.open'), () => this.go(`#/ticket/${alert.ticket}`), {'data-action': 'open'}));
    }

    async acknowledge(alert) {
        try {
            const ticket = await send(alert.ticket, 'ack', {id: commandId(), fields: {}});
            alert.acked_until = ticket.escalation.acked_until;
            alert.version = Math.max(alert.version, ticket.version);
        } catch (error) {
            if (error instanceof Problem && (error.status === 403 || error.status === 409)) {
                this.silenced.add(alert.key);
            }
            toast(explain(error), 'error');
        }
        this.show();
    }

    close() {
        alarm.set(false);
        document.body.classList.remove('is-ringing');
    }
}
