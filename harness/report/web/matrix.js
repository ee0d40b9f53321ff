// Tables of groups and scenarios: with a column per port, or per endpoint or client.
import {kindOf, make, rank, settled, verdictWords} from "./text.js";

/** @param {Cell[]} cells @returns {Cell} the worst of them */
export function worst(cells) {
    return cells.reduce((least, cell) => (rank(cell) < rank(least) ? cell : least));
}

/** @returns {Map<string, any[]>} in the order of first appearance */
export function groupedBy(list, key) {
    const groups = new Map();
    for (const item of list) {
        const name = key(item);
        groups.has(name) ? groups.get(name).push(item) : groups.set(name, [item]);
    }
    return groups;
}

const alike = (cell) => (other) => kindOf(other) === kindOf(cell) && Boolean(other.waiver) === Boolean(cell.waiver);
const wordOf = (cell) => (cell.xpass ? "XPASS" : verdictWords[cell.verdict]);
const classOf = (cell) => (cell.xpass ? "fail" : cell.verdict + (cell.waiver ? " waived" : ""));

function groupWord(cells) {
    const cell = worst(cells);
    if (settled.has(kindOf(cell))) {
        const passed = cells.filter((c) => c.verdict === "pass").length;
        return passed === cells.length ? `${passed}` : `${passed} (${cells.length - passed})`;
    }
    return `${wordOf(cell)}${cell.waiver && !cell.xpass ? " w" : ""} ${cells.filter(alike(cell)).length}/${cells.length}`;
}

function cellWord(cells) {
    const cell = worst(cells);
    const mark = cell.xpass ? "XPASS" : wordOf(cell) +
        (cell.waiver ? " w" : "") + (cell.expired_waiver ? " waiver expired" : "") + (cell.flaky ? " flaky" : "");
    return cells.length > 1 && kindOf(cell) !== "pass" ? `${mark} ${cells.filter(alike(cell)).length}/${cells.length}` : mark;
}

function scenarioRow(name, cells, columns, open) {
    const row = make("tr", {}, make("th", {scope: "row", class: "scenario", title: cells[0].title}, name));
    for (const column of columns) {
        const here = cells.filter((c) => column.holds(c));
        if (here.length === 0) {
            row.append(make("td"));
            continue;
        }
        const cell = worst(here);
        row.append(make("td", {}, make("button", {
            type: "button", class: `mark ${classOf(cell)}`, tabindex: -1,
            "aria-label": `${name}, ${column.label}: ${kindOf(cell)}${cell.waiver && !cell.xpass ? ", waived" : ""}`,
            onclick: () => open(cell)}, cellWord(here))));
    }
    return row;
}

/** The rows of a group; those of its scenarios are made when it is unfolded. */
function groupBody(name, cells, columns, {open, unfolded}) {
    const body = make("tbody");
    const fold = make("button", {type: "button", class: "fold", tabindex: -1, "aria-expanded": "false"}, name);
    const head = make("tr", {class: "group"}, make("th", {scope: "row"}, fold));
    for (const column of columns) {
        const here = cells.filter((c) => column.holds(c));
        head.append(here.length ? make("td", {class: `sum ${classOf(worst(here))}`}, groupWord(here)) : make("td"));
    }
    body.append(head);
    const toggle = () => {
        const was = fold.getAttribute("aria-expanded") === "true";
        fold.setAttribute("aria-expanded", String(!was));
        if (was) {
            body.replaceChildren(head);
        } else {
            body.append(...[...groupedBy(cells, (c) => c.name)].map(([n, list]) => scenarioRow(n, list, columns, open)));
        }
    };
    fold.addEventListener("click", toggle);
    if (unfolded ?? !settled.has(kindOf(worst(cells)))) {
        toggle();
    }
    return body;
}

/** Arrows move between the buttons of a table; Tab leaves it. */
function arrows(table) {
    const focus = (button) => {
        table.querySelector("button[tabindex='0']")?.setAttribute("tabindex", "-1");
        button.setAttribute("tabindex", "0");
        button.focus();
    };
    const step = (row, column, by) => {
        const rows = [...table.rows];
        for (let r = row + by; r >= 0 && r < rows.length; r += by) {
            const button = rows[r].cells[column]?.querySelector("button") ?? rows[r].querySelector("button");
            if (button) {
                return button;
            }
        }
    };
    table.addEventListener("keydown", (event) => {
        const from = event.target.closest("td, th");
        const move = {ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1]}[event.key];
        if (!from || !move) {
            return;
        }
        const row = from.parentElement;
        const across = [...row.querySelectorAll("button")];
        const to = move[0] ? step(row.rowIndex, from.cellIndex, move[0])
            : across[across.indexOf(event.target) + move[1]];
        event.preventDefault();
        if (to) {
            focus(to);
        }
    });
    table.querySelector("button")?.setAttribute("tabindex", "0");
}

/**
 * @param {Cell[]} cells
 * @param {{label: string, note?: string, holds: (cell: Cell) => boolean}[]} columns
 * @param {{open: (cell: Cell) => void, unfolded?: boolean}} options unfolded: all groups are open, or none;
 *     else those are in which something is not as it should be
 */
export function matrix(title, cells, columns, options) {
    const groups = groupedBy(cells, (c) => c.scenario.split(".")[0]);
    const head = make("tr", {}, make("td"), columns.map((c) => make("th", {scope: "col"}, c.label,
        make("small", {}, c.note ?? ""))));
    const table = make("table", {class: "matrix", "aria-label": title}, make("thead", {}, head),
        [...groups].map(([name, list]) => groupBody(name, list, columns, options)));
    arrows(table);
    return make("section", {}, make("h2", {}, title), make("div", {class: "wide"}, table));
}
