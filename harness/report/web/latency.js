// A result of bench: percentiles of each port and stage, as a table and, with the plotting library, as curves.
import {curves, human} from "./curves.js";
import {overTime} from "./series.js";
import {make} from "./text.js";

function table(port) {
    const columns = [["samples", (s) => s.count], ["p50", (s) => human(s.p50_us)], ["p90", (s) => human(s.p90_us)],
        ["p99", (s) => human(s.p99_us)], ["p99.9", (s) => human(s.p99_9_us)], ["max", (s) => human(s.max_us)]];
    return make("div", {class: "wide"}, make("table", {class: "figures"},
        make("thead", {}, make("tr", {}, make("th", {scope: "col"}, "stage"), columns.map(([n]) => make("th", {scope: "col"}, n)))),
        make("tbody", {}, Object.entries(port.stages).filter(([, s]) => s.count > 0).map(([stage, s]) =>
            make("tr", {}, make("th", {scope: "row"}, stage), columns.map(([, of]) => make("td", {}, of(s))))))));
}

function port(found) {
    const errors = found.errors.map((e) => make("li", {}, `${e.count} x ${e.stage} ${e.code || ""} ${e.text} (${e.cause})`));
    return make("section", {}, make("h2", {}, `Port ${found.port}, ${found.mode}`),
        make("p", {}, `${found.sent} of ${found.planned} messages sent${found.stopped ? `; ended: ${found.stopped.reason}` : ""}`),
        errors.length ? make("ul", {}, errors) : "", table(found));
}

const sideBySide = (ports) => [{name: "all", lines: ports.map((p) => ({label: `${p.port} ${p.mode}`, stages: p.stages}))}];

/** @param {any} result smtpspec.latency/2 */
export function latencyPage(result) {
    return [make("header", {}, make("h1", {}, `Latency of ${result.endpoint}`),
        make("p", {}, `${result.load.kind} load \u00b7 ${result.started} \u00b7 ${result.machine.cpu}, ${result.machine.cores} cores`)),
    result.notices.length ? make("ul", {class: "notices"}, result.notices.map((n) => make("li", {}, n))) : "",
    curves(sideBySide(result.ports)), overTime(result.ports), ...result.ports.map(port)];
}
