// How an open load went over time.
import {choose, human, plotPlace, plotting} from "./curves.js";
import {make} from "./text.js";

const windowFigures = {p50: "p50_us", p90: "p90_us", p99: "p99_us", max: "max_us"};

const windowStart = (port, i) => i * port.series.seconds_per_window;

function windowTable(port) {
    const heads = ["from", "due", "sent", "failed", "never began", ...Object.keys(windowFigures)];
    const width = String(port.series.seconds_per_window).split(".")[1]?.length ?? 0;
    const rows = port.series.windows.map((w, i) => make("tr", {}, make("th", {scope: "row"}, `${windowStart(port, i).toFixed(width)} s`),
        [w.due, w.sent, w.failed, w.due - w.sent - w.failed, ...Object.values(windowFigures).map((t) => (w.total ? human(w.total[t]) : "-"))].map((v) => make("td", {}, v))));
    return make("details", {}, make("summary", {}, `Port ${port.port}, ${port.mode}: as a table`), make("div", {class: "wide"},
        make("table", {class: "figures"}, make("thead", {}, make("tr", {}, heads.map((h) => make("th", {scope: "col"}, h)))), make("tbody", {}, rows))));
}

const windowPoints = (port, of) => port.series.windows.map((w, i) => [windowStart(port, i), of(w)]).filter(([, v]) => v !== null && v !== undefined);

/** What was sent on each port, and where there is any what was not. */
function messageCounts(ports) {
    const per = (port, of) => windowPoints(port, (w) => of(w) / port.series.seconds_per_window);
    const lost = (w) => w.due - w.sent;
    return [...ports.map((p) => ({label: `${p.port} sent`, points: per(p, (w) => w.sent)})),
        ...ports.filter((p) => p.series.windows.some((w) => lost(w) > 0)).map((p) => ({label: `${p.port} due, not sent`, points: per(p, lost)}))];
}

/** @param {any[]} ports of a result of bench; nothing when its load was not an open one */
export function overTime(ports) {
    const shown = ports.filter((p) => p.series?.windows.some((w) => w.due > 0));
    if (shown.length === 0) {
        return "";
    }
    const some = (name) => shown.some((p) => p.series.windows.some((w) => w.total && w.total[windowFigures[name]] !== null));
    const names = Object.keys(windowFigures).filter(some);
    const figure = choose("times", names, some("p99") ? "p99" : "p50", () => plot.again());
    const lib = plotting();
    const plot = lib && plotPlace((place) => {
        const of = windowFigures[figure.select.value];
        lib.series(place, `Time of messages by when they were due: ${figure.select.value}`,
            shown.map((p) => ({label: `${p.port} ${p.mode}`, points: windowPoints(p, (w) => w.total?.[of])})), human, true);
        lib.series(place, "Messages per second by when they were due", messageCounts(shown), (v) => String(+v.toPrecision(4)), false);
    });
    return make("section", {}, make("h2", {}, "Over time"), plot ? make("p", {}, figure.label) : "", plot ? plot.place : "", shown.map(windowTable));
}
