// Which cells are shown.
import {kindOf, kinds, make} from "./text.js";

/** @typedef {{hidden: Set<string>, side: string, level: string, port: string, text: string}} Filter */

/** @param {Filter} filter @param {Cell} cell */
export function fits(filter, cell) {
    const text = filter.text.toLowerCase();
    return !filter.hidden.has(kindOf(cell)) && (filter.side === "" || cell.side === filter.side) &&
        (filter.level === "" || cell.level === filter.level) &&
        (filter.port === "" || String(cell.port) === filter.port) &&
        (text === "" || [cell.name, cell.title, cell.reason, cell.got, ...cell.refs].join("\n").toLowerCase().includes(text));
}

function choice(name, values, changed) {
    const select = make("select", {name, onchange: () => changed(select.value)}, make("option", {value: ""}, "any"),
        values.map((v) => make("option", {value: v}, v === "0" ? "all ports" : v)));
    return make("label", {}, `${name} `, select);
}

function verdictButtons(cells, filter, changed) {
    return kinds.filter((v) => cells.some((c) => kindOf(c) === v)).map((verdict) => {
        const count = cells.filter((c) => kindOf(c) === verdict).length;
        const button = make("button", {type: "button", class: `mark ${verdict === "unexpected pass" ? "fail" : verdict}`, "aria-pressed": "true", onclick: () => {
            const shown = filter.hidden.delete(verdict);
            if (!shown) {
                filter.hidden.add(verdict);
            }
            button.setAttribute("aria-pressed", String(shown));
            changed();
        }}, `${verdict} ${count}`);
        return button;
    });
}

/** The form with all filters. @param {Cell[]} cells @param {Filter} filter @param {() => void} changed */
export function filterForm(cells, filter, changed) {
    const values = (of) => [...new Set(cells.map((c) => String(of(c))))].sort((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1));
    const set = (name) => (value) => {
        filter[name] = value;
        changed();
    };
    const search = make("input", {type: "search", name: "text", oninput: () => set("text")(search.value)});
    return make("form", {role: "search", "aria-label": "filters", onsubmit: (event) => event.preventDefault()},
        make("div", {role: "group", "aria-label": "verdicts shown"}, verdictButtons(cells, filter, changed)),
        make("div", {}, choice("side", values((c) => c.side), set("side")), choice("level", values((c) => c.level), set("level")),
            choice("port", values((c) => c.port), set("port")), make("label", {}, "text ", search)));
}
