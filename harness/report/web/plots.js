// The only part that comes from npm: curves and bars by uPlot. Bundled at build time (cmake/bundle_plots.cmake).
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

// Okabe and Ito's colours, which colour-blind people can tell apart, and dashes besides.
const colours = {light: ["#0072b2", "#d55e00", "#009e73", "#a8487f", "#a86f00"], dark: ["#56b4e9", "#ff8a3d", "#2fd0a0", "#e79ac6", "#f0e442"]};
const dashes = [[], [8, 4], [2, 3], [8, 3, 2, 3], [14, 4]];

function options(place, title, x, y, series) {
    const style = getComputedStyle(document.body);
    const colour = colours[matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"];
    const axis = {stroke: style.color, grid: {stroke: style.getPropertyValue("--line")}, ticks: {stroke: style.getPropertyValue("--line")}};
    return {
        title, width: Math.max(320, Math.min(900, place.clientWidth - 16)), height: 320,
        scales: {x: {time: false, ...x.scale}, y: {...y.scale}},
        axes: [{...axis, ...x.axis}, {...axis, size: 80, ...y.axis}],
        series: [{label: x.label, value: x.value}, ...series.map((s, i) => ({
            label: s.label, stroke: colour[i % 5], dash: dashes[i % 5], width: 2, points: {show: false}, spanGaps: true,
            value: y.value}))],
    };
}

/** All x values of several lists of [x, y], and for each list its y there or null. */
function joined(lists) {
    return uPlot.join(lists.map((list) => [list.map((p) => p[0]), list.map((p) => p[1])]));
}

/** A logarithmic axis: a label at 1, 2, 5 and so on. */
const logAxis = (shown) => ({filter: (u, list) => list.map((v) => (/^[125]/.test(v.toExponential()) ? v : null)),
    values: (u, list) => list.map((v) => (v === null ? "" : shown(v)))});

const nines = (v) => 100 - 100 / 10 ** v;
const percent = (v) => `${Number(nines(v).toPrecision(7))} %`;

/** Time over percentile; the distance to 100 % is logarithmic, so that the tail can be read. */
export function percentiles(place, ports, human) {
    const lists = ports.map((p) => {
        const last = p.curve[p.curve.length - 2]?.[0] ?? 50;
        const end = Math.log10(100 / (100 - last)) + 0.1;  // the maximum lies at infinity
        return p.curve.map(([at, us]) => [at >= 100 ? end : Math.log10(100 / (100 - at)), Math.max(1, us)]);
    });
    const x = {label: "percentile", scale: {}, value: (u, v) => (v === null ? "" : percent(v)),
        axis: {splits: () => [0, Math.log10(2), 1, 2, 3, 4, 5], values: (u, list) => list.map(percent)}};
    const y = {scale: {distr: 3}, value: (u, v) => (v === null ? "" : human(Math.round(v))),
        axis: logAxis(human)};
    return new uPlot(options(place, "Time by percentile", x, y, ports), joined(lists), place);
}

/** How many messages took how long; a step is a fourth of a doubling. */
export function histogram(place, ports, human) {
    const lists = ports.map((p) => p.bars.map(([from, count]) => [Math.round(from), count]));
    const x = {label: "time", scale: {distr: 3}, value: (u, v) => (v === null ? "" : human(v)),
        axis: logAxis(human)};
    const y = {scale: {}, value: (u, v) => (v === null ? "" : String(v)), axis: {}};
    const shape = options(place, "Messages by time", x, y, ports);
    const stepped = uPlot.paths.stepped({align: 1});
    shape.series.slice(1).forEach((s) => Object.assign(s, {paths: stepped}));
    return new uPlot(shape, joined(lists), place);
}

/** Lines over the seconds of a run; `logarithmic`: the values. */
export function series(place, title, lines, shown, logarithmic) {
    const x = {label: "seconds", scale: {}, value: (u, v) => (v === null ? "" : `${+v.toPrecision(6)} s`), axis: {values: (u, list) => list.map((v) => `${v} s`)}};
    const value = (v) => (v === null ? "" : shown(v));
    const y = {scale: logarithmic ? {distr: 3} : {range: (u, low, high) => [0, high > 0 ? high * 1.05 : 1]}, value: (u, v) => value(v),
        axis: logarithmic ? logAxis(shown) : {values: (u, list) => list.map(value)}};
    const shape = options(place, title, x, y, lines);
    shape.series.slice(1).forEach((s) => Object.assign(s, {points: {show: lines.every((l) => l.points.length < 30)}}));
    return new uPlot(shape, joined(lines.map((l) => l.points)), place);
}

globalThis.smtpspecPlots = {percentiles, histogram, series};
