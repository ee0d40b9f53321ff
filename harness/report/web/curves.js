// Times as curves and bars: of the ports of one result side by side, or of two results one over the other.
import {make} from "./text.js";

/** @param {number|null|undefined} us microseconds @returns {string} with a unit */
export function human(us) {
    if (us === null || us === undefined) {
        return "-";
    }
    return us < 1000 ? `${us} us` : us < 1e6 ? `${(us / 1000).toPrecision(3)} ms` : `${(us / 1e6).toPrecision(3)} s`;
}

/** The plotting library, or nothing: the build had no npm. */
export const plotting = () => globalThis.smtpspecPlots;

/** A place in which `draw` draws: once it has a size, and again in other colours. @param {(place: any) => void} draw */
export function plotPlace(draw) {
    const place = make("div", {class: "plots"});
    const again = () => {
        place.replaceChildren();
        draw(place);
    };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    queueMicrotask(again);  // the size of the place is known once it is in the page
    return {place, again};
}

/** @param {string} name @param {string[]} values @param {string} chosen */
export function choose(name, values, chosen, changed) {
    const select = make("select", {name, onchange: () => changed()}, values.map((v) => make("option", {value: v, selected: v === chosen}, v)));
    return {select, label: make("label", {}, `${name} `, select)};
}

/**
 * Percentile curves and histogram of one stage.
 * @param {{name: string, lines: {label: string, stages: any}[]}[]} pictures of which one is shown
 */
export function curves(pictures) {
    const lib = plotting();
    if (!lib) {
        return make("p", {class: "notice"}, "Plots are left out: this smtpspec was built without npm.");
    }
    const all = pictures.flatMap((p) => p.lines).flatMap((l) => Object.entries(l.stages).filter(([, s]) => s.curve).map(([n]) => n));
    const stages = [...new Set(all)];
    const changed = () => plot.again();
    const which = choose("port", pictures.map((p) => p.name), pictures[0]?.name, changed);
    const stage = choose("stage", stages, "total", changed);
    const plot = plotPlace((place) => {
        const picture = pictures.find((p) => p.name === which.select.value);
        const shown = (picture?.lines ?? []).filter((l) => l.stages[stage.select.value]?.curve).map((l) => ({
            label: l.label, curve: l.stages[stage.select.value].curve, bars: l.stages[stage.select.value].bars}));
        if (shown.length === 0) {
            place.append(make("p", {}, "No message was sent."));
            return;
        }
        lib.percentiles(place, shown, human);
        lib.histogram(place, shown, human);
    });
    return make("section", {}, make("h2", {}, "Percentiles and histogram"),
        make("p", {}, pictures.length > 1 ? which.label : "", " ", stage.label), plot.place);
}
