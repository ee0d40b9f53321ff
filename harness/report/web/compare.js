// A comparison of two results: what became worse, then the rest of what changed; the times of both, one over the other.
import {curves, human} from "./curves.js";
import {groupedBy} from "./matrix.js";
import {drawing, make, verdictWords} from "./text.js";

/** What each movement means (docs/gate.md), from what turns a gate red on. */
const meanings = {
    worse: "what was fine is wrong, unknown or not offered any more, or it is wrong in a worse way", gone: "in OLD only",
    waived: "wrong, and a waiver accepts it", changed: "another verdict, neither better nor worse; or it fails in another way",
    revised: "the rule itself has changed", shifted: "pass, tolerated or warn: another of them", fixed: "", appeared: "in NEW only",
    same: "the same, but only when it was run again",
};
const red = new Set(["worse", "gone"]);

function verdictMark(word) {
    const known = word.split(/[ ,]/)[0];
    return word === "" ? "-" : make("span", {class: `mark ${known in verdictWords ? known : ""}`}, word);
}

/** Cells that moved alike on several ports are one row. */
function changeRows(changes) {
    const alike = groupedBy(changes, (c) => JSON.stringify([c.side, c.who, c.cell, c.before, c.after, c.why, c.flaky]));
    return [...alike.values()].map((list) => {
        const [c] = list;
        return make("tr", {}, make("th", {scope: "row", class: "name"}, c.cell), make("td", {}, `${c.side} ${c.who}`),
            make("td", {}, list.map((one) => (one.port === 0 ? "all" : String(one.port))).join(" ")),
            make("td", {}, verdictMark(c.before), " \u2192 ", verdictMark(c.after), c.flaky ? " flaky" : ""), make("td", {}, c.why));
    });
}

function movement(name, changes) {
    const table = make("table", {class: "changes"},
        make("thead", {}, make("tr", {}, ["cell", "who", "ports", "before \u2192 after", "why"].map((h) => make("th", {scope: "col"}, h)))),
        make("tbody", {}, changeRows(changes)));
    return make("details", {open: red.has(name), class: red.has(name) ? "red" : ""},
        make("summary", {}, make("b", {}, `${name} ${changes.length}`), meanings[name] ? `: ${meanings[name]}` : ""),
        make("div", {class: "wide"}, table));
}

function verdictPart(verdicts) {
    if (!verdicts) {
        return [];
    }
    const place = make("div");
    const draw = (text) => {
        const shown = verdicts.changes.filter((c) => [c.cell, c.who, c.why, c.port, c.before, c.after].join("\n").toLowerCase().includes(text.toLowerCase()));
        const groups = groupedBy(shown, (c) => c.movement);
        place.replaceChildren(make("p", {role: "status"}, `${shown.length} of ${verdicts.changes.length} changes`),
            ...Object.keys(meanings).filter((m) => groups.has(m)).map((m) => movement(m, groups.get(m))));
    };
    const search = make("input", {type: "search", name: "text", oninput: () => draw(search.value)});
    draw("");
    return [make("section", {}, make("h2", {}, "Verdicts"),
        make("p", {}, Object.entries(verdicts.counts).filter(([, n]) => n > 0).map(([m, n]) => `${n} ${m}`).join(", ") || "no cell in common"),
        verdicts.notices.length ? make("ul", {}, verdicts.notices.map((n) => make("li", {}, n))) : "",
        verdicts.changes.length ? make("label", {}, "text ", search) : "", place)];
}

/** 2, 4 or 8: the axis of the intervals goes from 1 / reach to reach. */
function reachOf(rows) {
    const farthest = Math.max(1, ...rows.filter((r) => r.high > 0).flatMap((r) => [Math.log2(r.high), -Math.log2(Math.max(r.low, 1e-9))]));
    return 2 ** Math.min(3, Math.ceil(farthest));
}

/** The line is the interval of the ratio, the tick the ratio, the long line in the middle 1. */
function interval(row, reach) {
    const width = 160;
    const at = (ratio) => Math.min(width - 2, Math.max(2, (Math.log2(Math.max(ratio, 1e-9)) / Math.log2(reach) + 1) / 2 * width));
    const line = (attributes) => drawing("line", attributes);
    return drawing("svg", {width, height: 16, viewBox: `0 0 ${width} 16`, class: `interval ${row.change.replace(" ", "-")}`, "aria-hidden": "true"},
        line({x1: width / 2, x2: width / 2, y1: 0, y2: 16, class: "one"}),
        line({x1: at(row.low), x2: at(row.high), y1: 8, y2: 8, class: "range"}), line({x1: at(row.ratio), x2: at(row.ratio), y1: 3, y2: 13, class: "ratio"}));
}

function stageRow(row, reach) {
    const known = row.high > 0;
    return make("tr", {class: row.change.replace(" ", "-")}, make("th", {scope: "row"}, `${row.port} ${row.stage} p${row.percentile}`),
        make("td", {}, human(Math.round(row.old_us))), make("td", {}, human(Math.round(row.new_us))), make("td", {}, row.ratio.toFixed(2)),
        make("td", {}, known ? `${row.low.toFixed(2)} to ${row.high.toFixed(2)}` : ""), make("td", {}, known ? interval(row, reach) : ""),
        make("td", {class: "word"}, row.change, row.why ? make("small", {}, ` ${row.why}`) : ""));
}

function stageTable(rows) {
    const reach = reachOf(rows);
    return make("div", {class: "wide"}, make("table", {class: "figures"}, make("thead", {}, make("tr", {},
        ["port, stage", "old", "new", "ratio", "interval", `1/${reach} \u2026 1 \u2026 ${reach}`, ""].map((h) => make("th", {scope: "col"}, h)))),
    make("tbody", {}, rows.map((row) => stageRow(row, reach)))));
}

const noticeList = (texts) => (texts.length ? make("ul", {class: "notices"}, texts.map((t) => make("li", {}, t))) : "");

/** For each port, OLD and NEW. */
function bothTimes(result) {
    const modes = new Map(result.new.ports.map((p) => [p.port, p.mode]));
    return result.old.ports.filter((p) => modes.has(p.port)).map((p) => ({
        name: `${p.port} ${p.mode}`,
        lines: [{label: "OLD", stages: p.stages}, {label: "NEW", stages: result.new.ports.find((n) => n.port === p.port).stages}],
    }));
}

function latencyPart(result) {
    if (!result.stages) {
        return [];
    }
    const moved = result.stages.filter((s) => s.change === "slower" || s.change === "faster");
    const counts = ["slower", "faster", "same", "cannot tell"].map((c) => `${result.stages.filter((s) => s.change === c).length} ${c}`).join(", ");
    return [make("section", {}, make("h2", {}, "Latency"), make("p", {}, `${result.stages.length} comparisons: ${counts}`),
        make("p", {}, `A change counts above ${+(result.threshold * 100).toPrecision(3)} % and ${human(result.resolution_us)}; by chance none does in ` +
            `${+(100 - result.error * 100).toPrecision(4)} % of all comparisons. The machine took ${result.machine_ratio.toFixed(2)} times as long as it did for OLD.`),
        noticeList(result.failing), noticeList(result.lost), noticeList(result.notices), moved.length ? stageTable(moved) : "",
        make("details", {}, make("summary", {}, `All ${result.stages.length} comparisons`), stageTable(result.stages)),
        result.old ? curves(bothTimes(result)) : "")];
}

/** What each conclusion of smtpspec.comparison/1 means to a reader. */
const headlines = {
    "worse": "Worse than before.", "not worse": "Not worse than before.", "nothing in common": "The two have no cell in common.",
    "cannot tell": "Whether it is worse cannot be told; the reasons are below.",
};

/** @param {any} result smtpspec.comparison/1, with the times of both where both have them */
export function comparePage(result) {
    const bad = result.conclusion !== "not worse";
    return [make("header", {}, make("h1", {}, "smtpspec compare"), make("p", {class: `notice ${bad ? "bad" : ""}`}, headlines[result.conclusion])),
        noticeList(result.missing), noticeList(result.stages ? [] : result.notices ?? []), ...verdictPart(result.verdicts), ...latencyPart(result)];
}
