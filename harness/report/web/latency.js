// A result of bench: percentiles of each port and stage, as a table and, with the plotting library, as curves.
import {groupedBy} from "./matrix.js";
import {make} from "./text.js";

function human(us) {
    if (us === null || us === undefined) {
        return "-";
    }
    return us < 1000 ? `${us} us` : us < 1e6 ? `${(us / 1000).toPrecision(3)} ms` : `${(us / 1e6).toPrecision(3)} s`;
}

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

/** Curves and bars of one stage, a line per port. */
function plots(ports) {
    const lib = globalThis.smtpspecPlots;
    if (!lib) {
        return make("p", {class: "notice"}, "Plots are left out: this smtpspec was built without npm.");
    }
    const stages = [...groupedBy(ports.flatMap((p) => Object.entries(p.stages).filter(([, s]) => s.curve).map(([n]) => n)), (n) => n).keys()];
    const select = make("select", {name: "stage"}, stages.map((s) => make("option", {value: s, selected: s === "total"}, s)));
    const place = make("div", {class: "plots"});
    const draw = () => {
        const shown = ports.filter((p) => p.stages[select.value]?.curve).map((p) => ({
            label: `${p.port} ${p.mode}`, curve: p.stages[select.value].curve, bars: p.stages[select.value].bars}));
        place.replaceChildren();
        lib.percentiles(place, shown, human);
        lib.histogram(place, shown, human);
    };
    select.addEventListener("change", draw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    queueMicrotask(draw);  // the size of the place is known once it is in the page
    return make("section", {}, make("h2", {}, "Percentiles and histogram"), make("label", {}, "stage ", select), place);
}

/** @param {any} result smtpspec.latency/2 */
export function latencyPage(result) {
    return [make("header", {}, make("h1", {}, `Latency of ${result.endpoint}`),
        make("p", {}, `${result.load.kind} load \u00b7 ${result.started} \u00b7 ${result.machine.cpu}, ${result.machine.cores} cores`)),
    result.notices.length ? make("ul", {class: "notices"}, result.notices.map((n) => make("li", {}, n))) : "",
    plots(result.ports), ...result.ports.map(port)];
}
