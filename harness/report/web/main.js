// Puts the page together.
import {openCell} from "./cell.js";
import {comparePage} from "./compare.js";
import {unpack} from "./data.js";
import {filterForm, fits} from "./filter.js";
import {latencyPage} from "./latency.js";
import {groupedBy, matrix} from "./matrix.js";
import {make} from "./text.js";

const peerOf = (cell) => cell.endpoint ?? cell.client;

function portColumns(cells) {
    const ports = [...new Set(cells.map((c) => c.port))].sort((a, b) => a - b);
    return ports.map((p) => ({label: p === 0 ? "all" : String(p), note: p === 0 ? "ports" : cells.find((c) => c.port === p).mode, holds: (c) => c.port === p}));
}

/** Endpoints or clients side by side, where there are several of a kind. */
function interop(cells, options) {
    return [...groupedBy(cells, (c) => c.side)].filter(([, list]) => groupedBy(list, peerOf).size > 1).map(([side, list]) =>
        matrix(side === "server" ? "Endpoints side by side" : "Clients side by side", list,
            [...groupedBy(list, peerOf).keys()].map((peer) => ({label: peer, holds: (c) => peerOf(c) === peer})), options));
}

function tables(result, filter, unfolded) {
    const cells = result.cells.filter((c) => fits(filter, c));
    const options = {unfolded, open: (cell) => openCell(result, cell)};
    if (cells.length === 0) {
        return [make("p", {role: "status"}, "No cell fits these filters.")];
    }
    const own = [...groupedBy(cells, (c) => `${c.side}\n${peerOf(c)}`).values()].map((list) => {
        return matrix(`${list[0].side === "server" ? "Server" : "Client"} ${peerOf(list[0])}`, list,
            portColumns(list), options);
    });
    return [make("p", {role: "status"}, `${cells.length} of ${result.cells.length} cells`), ...interop(cells, options), ...own];
}

/** What turns a run red and is no verdict. */
function waiverWarnings(cells) {
    const sentences = [[cells.filter((c) => c.xpass).length, "unexpected pass: a waiver accepts what is no longer wrong", "unexpected passes: waivers accept what is no longer wrong"],
        [cells.filter((c) => c.expired_waiver).length, "waiver has expired", "waivers have expired"]];
    return sentences.filter(([n]) => n > 0).map(([n, one, many]) => make("p", {class: "notice bad"}, `${n} ${n === 1 ? one : many}.`));
}

function runHeader(result) {
    const left = Object.entries(result.left_out).filter(([, n]) => n > 0).map(([why, n]) => `${n} ${why}`).join(", ");
    return make("header", {}, make("h1", {}, "smtpspec"),
        make("p", {}, make("code", {}, `smtpspec ${result.command}`)),
        make("p", {}, `${result.started} \u00b7 ${(result.duration_us / 1e6).toFixed(1)} s \u00b7 version ${result.tool.version}`,
            left ? ` \u00b7 left out: ${left}` : ""),
        result.interrupted ? make("p", {class: "notice"}, "The run was ended early: cells are missing.") : "",
        waiverWarnings(result.cells),
        result.notices.length ? make("details", {open: result.notices.length < 6}, make("summary", {}, `Notices (${result.notices.length})`),
            make("ul", {}, result.notices.map((n) => make("li", {}, n)))) : "");
}

function runPage(result) {
    result.cells.forEach((cell, index) => {
        cell.index = index;
    });
    const filter = {hidden: new Set(), side: "", level: "", port: "", text: ""};
    const place = make("div", {id: "tables"});
    const draw = (unfolded) => place.replaceChildren(...tables(result, filter, unfolded));
    const button = (label, unfolded) => make("button", {type: "button", onclick: () => draw(unfolded)}, label);
    const folds = make("p", {}, button("unfold all", true), " ", button("fold all", false),
        make("small", {}, " arrows move, Enter opens, Escape closes; w: waived; 12 (3): 12 passed, 3 skipped or unsupported"));
    draw();
    return [runHeader(result), filterForm(result.cells, filter, () => draw()), folds, place];
}

async function start() {
    const main = document.getElementById("main");
    try {
        const result = await unpack("result");
        const [kind] = result.schema.split("/");
        const pageOf = {"smtpspec.latency": latencyPage, "smtpspec.comparison": comparePage}[kind] ?? runPage;
        main.replaceChildren(...pageOf(result));
        main.dataset.ready = "yes";
    } catch (problem) {
        main.replaceChildren(make("p", {class: "notice"}, `The result in this page cannot be read: ${problem}. ` +
            "It needs a browser of 2023 or later; the text report: smtpspec report RESULT"));
        throw problem;
    }
}

start();
