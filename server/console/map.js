/* The map: Leaflet on a plain graticule (or the operator's tiles), regions as points, incidents as
 * clustered markers, fires with what was seen: bearing sectors and discs of uncertainty. */
import {h} from './dom.js';
import {t, w} from './i18n.js';

const L = window.L;
const EARTH_M = 6371008.8;
const RANK = {extreme: 3, severe: 2, moderate: 1, minor: 0};
const SEVERITIES = ['minor', 'moderate', 'severe', 'extreme'];
const SHAPES_MAX = 1000, EXTENT_DEGREES_MAX = 6;
let tiles = null;

export function useTiles(address) {
    tiles = address;
}

const radians = (degrees) => degrees * Math.PI / 180;

/* The point at a distance along a bearing, on a sphere. */
export function destination(lat, lon, azimuth, metres) {
    const d = metres / EARTH_M, phi = radians(lat), theta = radians(azimuth);
    const phi2 = Math.asin(Math.sin(phi) * Math.cos(d) + Math.cos(phi) * Math.sin(d) * Math.cos(theta));
    const lambda = radians(lon) + Math.atan2(Math.sin(theta) * Math.sin(d) * Math.cos(phi),
        Math.cos(d) - Math.sin(phi) * Math.sin(phi2));
    return [phi2 * 180 / Math.PI, ((lambda * 180 / Math.PI + 540) % 360) - 180];
}

/* A bearing's sector: from the mast along the arc at its range and back. */
export function sector(sight) {
    const half = Math.max(sight.cone_deg ?? 4, 0.5) / 2, points = [[sight.lat, sight.lon]];
    for (let i = 0; i <= 12; i++) {
        points.push(destination(sight.lat, sight.lon, sight.azimuth_deg - half + half * i / 6, sight.range_m));
    }
    return points;
}

const hasPlace = (region) => region.lat !== null && region.lat !== undefined;

/* Lists of regions with the same parent. */
function siblings(regions) {
    const lists = new Map();
    regions.forEach((region) => lists.has(region.parent) ? lists.get(region.parent).push(region) : lists.set(region.parent, [region]));
    return lists.values();
}

/* The convex hull of points, counter-clockwise (Andrew's monotone chain). O(n log n). */
export function hull(points) {
    const sorted = [...points].sort((a, b) => a[1] - b[1] || a[0] - b[0]);
    const turn = (a, b, c) => (b[1] - a[1]) * (c[0] - a[0]) - (b[0] - a[0]) * (c[1] - a[1]);
    const chain = (list) => {
        const kept = [];
        for (const point of list) {
            while (kept.length >= 2 && turn(kept.at(-2), kept.at(-1), point) <= 0) {
                kept.pop();
            }
            kept.push(point);
        }
        return kept.slice(0, -1);
    };
    return [...chain(sorted), ...chain(sorted.reverse())];
}

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/* Lines of latitude and longitude at a step that suits the zoom. */
function graticule(map) {
    const group = L.layerGroup().addTo(map);
    const label = (at, text, edge) => L.marker(at, {interactive: false, keyboard: false, icon: L.divIcon({
        className: `graticule-label graticule-${edge}`, html: h('span', {}, text), iconSize: null})});
    const draw = () => {
        group.clearLayers();
        const bounds = map.getBounds(), west = bounds.getWest(), east = bounds.getEast();
        const south = Math.max(-85, bounds.getSouth()), north = Math.min(85, bounds.getNorth());
        const step = [90, 45, 30, 15, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001]
            .find((candidate) => (east - west) / candidate >= 6) ?? 0.001;
        const digits = Math.max(0, -Math.floor(Math.log10(step)));
        const style = {color: css('--grat'), weight: 1, interactive: false};
        for (let lon = Math.ceil(west / step) * step; lon <= east; lon += step) {
            L.polyline([[south, lon], [north, lon]], style).addTo(group);
            label([south, lon], `${(((lon + 540) % 360 + 360) % 360 - 180).toFixed(digits)}°`, 'bottom').addTo(group);
        }
        for (let lat = Math.ceil(south / step) * step; lat <= north; lat += step) {
            L.polyline([[lat, west], [lat, east]], style).addTo(group);
            label([lat, west], `${lat.toFixed(digits)}°`, 'left').addTo(group);
        }
    };
    map.on('moveend resize', draw);
    document.addEventListener('themechange', draw);
    map.on('unload', () => document.removeEventListener('themechange', draw));
    map.whenReady(draw);
}

/* An alert's or a cluster's mark: colour by the worst severity, its letter or the count. */
function mark(severity, text, isCluster) {
    return L.divIcon({className: `pin pin-${severity}${isCluster ? ' pin-cluster' : ''}`,
        html: h('span', {}, text), iconSize: isCluster ? [38, 38] : [22, 22]});
}

export class IncidentMap {
    constructor(element, {onOpen, label}) {
        this.onOpen = onOpen;
        element.setAttribute('role', 'application');
        element.setAttribute('aria-label', label);
        this.map = L.map(element, {preferCanvas: true, worldCopyJump: true, attributionControl: false, zoomControl: false, minZoom: 1, maxZoom: 19})
            .setView([35, 105], 4);
        L.control.zoom({position: 'bottomright'}).addTo(this.map);
        if (tiles) {
            L.tileLayer(tiles, {maxZoom: 19}).addTo(this.map);
        } else {
            graticule(this.map);
        }
        this.shapes = L.layerGroup().addTo(this.map);
        this.regions = L.layerGroup().addTo(this.map);
        this.markers = new Map();
        this.cluster = L.markerClusterGroup({maxClusterRadius: 60, showCoverageOnHover: false, animate: false,
            chunkedLoading: true, removeOutsideVisibleBounds: true, iconCreateFunction: (cluster) => {
                const worst = cluster.getAllChildMarkers().reduce((most, one) => Math.max(most, one.options.rank), 0);
                const count = cluster.getChildCount();
                return mark(SEVERITIES[worst], count > 999 ? `${Math.floor(count / 1000)}k` : count, true);
            }}).addTo(this.map);
        this.map.on('moveend', () => this.drawShapes());
        this.redraw = () => this.drawShapes();
        document.addEventListener('themechange', this.redraw);
        this.fires = new Map();
        this.resize = new ResizeObserver(() => this.map.invalidateSize({animate: false}));
        this.resize.observe(element);
    }

    marker(alert) {
        const marker = L.marker([alert.lat, alert.lon], {icon: mark(alert.severity, t(`sev.letter.${alert.severity}`)),
            rank: RANK[alert.severity] ?? 0, title: alert.title, alt: `${w('severity', alert.severity)} ${alert.title}`});
        marker.on('click', () => this.onOpen(alert));
        marker.look = `${alert.lat} ${alert.lon} ${alert.severity}`;
        return marker;
    }

    /* All alerts anew. */
    reset(alerts) {
        this.cluster.clearLayers();
        this.markers.clear();
        this.fires.clear();
        const layers = [];
        for (const alert of alerts) {
            if (alert.lat !== null) {
                const marker = this.marker(alert);
                this.markers.set(alert.key, marker);
                layers.push(marker);
            }
            this.keepFire(alert);
        }
        this.cluster.addLayers(layers);
        this.drawShapes();
    }

    keepFire(alert) {
        if (alert && (alert.sights?.length || alert.radius_m > 0)) {
            this.fires.set(alert.key, alert);
        }
    }

    /* Those alerts that changed; `lookUp` gives one or undefined. */
    change(keys, lookUp) {
        const gone = [], come = [];
        let shapes = false;
        for (const key of keys) {
            const alert = lookUp(key), marker = this.markers.get(key);
            const look = alert && alert.lat !== null ? `${alert.lat} ${alert.lon} ${alert.severity}` : null;
            if (marker && marker.look !== look) {
                gone.push(marker);
                this.markers.delete(key);
            }
            if (look && (!marker || marker.look !== look)) {
                const fresh = this.marker(alert);
                this.markers.set(key, fresh);
                come.push(fresh);
            }
            shapes = this.fires.delete(key) || shapes;
            this.keepFire(alert);
            shapes = shapes || this.fires.has(key);
        }
        if (gone.length > 0) {
            this.cluster.removeLayers(gone);
        }
        if (come.length > 0) {
            this.cluster.addLayers(come);
        }
        if (shapes) {
            this.drawShapes();
        }
    }

    /* Only what is in view and larger than a few pixels. */
    drawShapes() {
        const bounds = this.map.getBounds().pad(0.5);
        const metresPerPixel = 40075016 * Math.cos(radians(this.map.getCenter().lat)) / 2 ** (this.map.getZoom() + 8);
        let left = SHAPES_MAX;
        this.shapes.clearLayers();
        for (const alert of this.fires.values()) {
            if (left <= 0) {
                return;
            }
            if (alert.lat !== null && bounds.contains([alert.lat, alert.lon])) {
                left -= drawFire(this.shapes, alert, metresPerPixel);
            }
        }
    }

    /* The tree has points and no borders: a region above others is drawn as the extent of what lies
     * below it, dashed, so that nobody takes it for a border. */
    showRegions(regions, onOpen) {
        this.regions.clearLayers();
        for (const points of siblings(regions.filter(hasPlace))) {
            const outline = hull(points.map((one) => [one.lat, one.lon])), bounds = L.latLngBounds(outline);
            if (outline.length >= 3 && bounds.getEast() - bounds.getWest() < EXTENT_DEGREES_MAX) {
                L.polygon(outline, {weight: 1, dashArray: '4 4', color: css('--muted'), fillOpacity: 0.04, interactive: false}).addTo(this.regions);
            }
        }
        for (const region of regions) {
            if (hasPlace(region)) {
                L.circleMarker([region.lat, region.lon], {radius: 2.5, weight: 1, color: css('--muted'), fillOpacity: 0.25})
                    .bindTooltip(h('span', {}, region.name || region.code)).on('click', () => onOpen?.(region)).addTo(this.regions);
            }
        }
    }

    fit(points, maxZoom = 12) {
        if (points.length > 0) {
            this.map.fitBounds(L.latLngBounds(points).pad(0.15), {maxZoom, animate: false});
        }
    }

    /* Goes there; a mark that a cluster hides is zoomed to. */
    show(alert) {
        const marker = this.markers.get(alert.key);
        if (marker) {
            this.cluster.zoomToShowLayer(marker, () => {});
        }
    }

    close() {
        document.removeEventListener('themechange', this.redraw);
        this.resize.disconnect();
        this.map.remove();
    }
}

/* Draws an incident's sights and estimate; returns how many shapes. */
export function drawFire(group, fire, metresPerPixel) {
    let drawn = 0;
    for (const sight of fire.sights ?? []) {
        if (sight.range_m / metresPerPixel < 4) {
            continue;
        }
        const style = {color: css('--sight'), weight: 1.5, fillOpacity: 0.12};
        const shape = sight.azimuth_deg === undefined || sight.azimuth_deg === null
            ? L.circle([sight.lat, sight.lon], {...style, radius: sight.range_m, dashArray: '5 4'})
            : L.polygon(sector(sight), style);
        shape.bindTooltip(h('span', {}, w('observer', sight.observer))).addTo(group);
        drawn++;
    }
    if (fire.radius_m / metresPerPixel >= 4) {
        L.circle([fire.lat, fire.lon], {color: css('--extreme'), weight: 2, fillOpacity: 0.08, radius: fire.radius_m})
            .bindTooltip(h('span', {}, t('map.estimate'))).addTo(group);
        drawn++;
    }
    return drawn;
}
