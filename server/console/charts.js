/* Charts in the page's colours; a click on a point opens the list behind it. */
import {h} from './dom.js';

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const PALETTE = ['--accent', '--severe', '--green', '--extreme', '--moderate'];

/* `series`: [{label, data}], one value a label. */
export class Plot {
    constructor({kind = 'bar', height = 180, horizontal = false, stacked = false, label}) {
        this.options = {kind, horizontal, stacked};
        this.canvas = h('canvas', {role: 'img', 'aria-label': label});
        this.element = h('div', {class: 'plot', vars: {'--plot-height': `${height}px`}}, this.canvas);
        this.retheme = () => this.last && this.show(this.last);
        document.addEventListener('themechange', this.retheme);
    }

    show(content) {
        this.last = content;
        const {labels, series, onClick} = content, {kind, horizontal, stacked} = this.options;
        const datasets = series.map((one, index) => {
            const color = css(one.color ?? PALETTE[index % PALETTE.length]);
            return {label: one.label, data: one.data, borderColor: color, backgroundColor: kind === 'line' ? 'transparent' : color,
                borderWidth: kind === 'line' ? 2 : 0, pointRadius: 0, pointHitRadius: 12, tension: 0.2, spanGaps: true, maxBarThickness: 28};
        });
        const scale = (isValues) => ({stacked, beginAtZero: true, grid: {color: css('--line'), display: isValues},
            ticks: {color: css('--muted'), autoSkip: isValues || !horizontal, maxRotation: 0, precision: kind === 'line' ? undefined : 0}});
        const options = {animation: false, responsive: true, maintainAspectRatio: false, indexAxis: horizontal ? 'y' : 'x',
            scales: {x: scale(horizontal), y: scale(!horizontal)},
            interaction: {mode: 'index', intersect: false, axis: horizontal ? 'y' : 'x'},
            plugins: {legend: {display: series.length > 1, labels: {color: css('--text'), boxWidth: 12}}},
            onClick: (event, elements) => elements.length > 0 && onClick?.(elements[0].index)};
        if (this.chart) {
            this.chart.data = {labels, datasets};
            this.chart.options = options;
            this.chart.update();
        } else {
            this.chart = new window.Chart(this.canvas, {type: kind, data: {labels, datasets}, options});
        }
    }

    close() {
        document.removeEventListener('themechange', this.retheme);
        this.chart?.destroy();
    }
}
