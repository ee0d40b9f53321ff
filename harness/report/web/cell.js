// The evidence of one cell.
import {octetsOf, transcriptsOf} from "./data.js";
import {addressOf, make, octetsShown} from "./text.js";

/** More than this of one write or read is shown when asked for. */
const mostOctets = 4000;

function entryText(entry) {
    const octets = entry.base64 !== undefined ? octetsOf(entry.base64) : new TextEncoder().encode(entry.text ?? "");
    const box = make("td", {class: "octets"}, octetsShown(octets.subarray(0, mostOctets)));
    if (octets.length > mostOctets) {
        const more = make("button", {type: "button", onclick: () => box.replaceChildren(...octetsShown(octets))},
            `show all ${octets.length} octets`);
        box.append(make("br"), more);
    }
    return box;
}

/** Who spoke: smtpspec sends as a client when a server is under test, and as a server otherwise. */
function speaker(cell, entry) {
    if (entry.kind !== "sent" && entry.kind !== "received") {
        return {"tls": "TLS", "end": "end"}[entry.kind] ?? "note";
    }
    return (entry.kind === "sent") === (cell.side === "server") ? "C \u2192" : "\u2190 S";
}

function entryRow(cell, entry, start, labels, connections) {
    const here = connections.length > 1 ? `${String.fromCharCode(97 + connections.indexOf(entry.connection) % 26)} ` : "";
    return make("tr", {class: `${entry.kind}${labels.length ? " decided" : ""}`},
        make("td", {class: "time"}, ((entry.at_us - start) / 1000).toFixed(3)),
        make("td", {class: "who"}, here + speaker(cell, entry)),
        make("td", {class: "lock"}, entry.tls ? "TLS" : "clear"),
        entryText(entry),
        make("td", {class: "labels"}, labels.map((l) => `\u25c4 ${l.label}`).join(" ")));
}

/** One row is one write or one read: the boundaries are part of the evidence. */
function transcript(cell, entries) {
    if (entries.length === 0) {
        return make("p", {}, "No transcript was kept.");
    }
    const connections = [...new Set(entries.map((e) => e.connection))];
    const rows = entries.map((entry, i) => {
        const labels = cell.labels.filter((l) => i >= l.first && i <= l.last);
        return entryRow(cell, entry, entries[0].at_us, labels, connections);
    });
    return make("table", {class: "transcript"},
        make("thead", {}, make("tr", {}, ["ms", "", "", "one row: one write or read", ""].map(
            (h) => make("th", {scope: "col"}, h)))),
        make("tbody", {}, rows));
}

function references(cell) {
    return cell.refs.flatMap((ref, i) => {
        const address = addressOf(ref);
        const shown = address ? make("a", {href: address, rel: "noopener noreferrer", target: "_blank"}, ref) : ref;
        return i === 0 ? [shown] : [", ", shown];
    });
}

/** What people notice of a failure; nothing for a cell that did not fail. */
function means(cell) {
    return ["fail", "vulnerable", "warn"].includes(cell.verdict) ? cell.fail_means ?? "" : "";
}

function facts(cell) {
    const waiver = cell.waiver ? `${cell.waiver.reason} (${cell.waiver.id})` : "";
    const measured = Object.entries(cell.measurements ?? {}).map(([k, v]) => `${k}: ${v}`).join(", ");
    const rows = [["rule", `${cell.level}: ${cell.title}`], ["read", references(cell)], ["expected", cell.expected],
        ["got", cell.got], ["reason", cell.reason], ["means", means(cell)], ["outcome", cell.outcome], ["severity", cell.severity],
        ["cause", cell.cause], ["known by", cell.evidence], ["waived", waiver],
        ["waiver", cell.waiver_problem ?? (cell.xpass ? "passes although waived: the waiver has to go" : "")],
        ["before", (cell.attempts ?? []).map((a) => `${a.verdict}${a.reason ? ` (${a.reason})` : ""}`).join(", ")],
        ["covers", (cell.covers ?? []).join(", ")], ["measured", measured]];
    const list = make("dl");
    for (const [name, value] of rows) {
        if (value !== undefined && value !== "" && value.length !== 0) {
            list.append(make("dt", {}, name), make("dd", {}, value));
        }
    }
    return list;
}

async function copy(text, shown, button) {
    try {
        await navigator.clipboard.writeText(text);
    } catch {  // a page from disk may not be allowed to; a selection always can be copied
        getSelection().selectAllChildren(shown);
        document.execCommand("copy");
    }
    button.textContent = "copied";
}

function again(cell) {
    const shown = make("code", {}, cell.again);
    const button = make("button", {type: "button", onclick: () => copy(cell.again, shown, button)}, "copy");
    return make("p", {class: "again"}, shown, button);
}

/** Opens the evidence; Escape closes it and gives the focus back. @param {any} result */
export async function openCell(result, cell) {
    const dialog = make("dialog", {"aria-labelledby": "cell-title"});
    const where = `${cell.endpoint ?? cell.client}, ${cell.port === 0 ? "all ports" : `port ${cell.port} ${cell.mode}`}`;
    const place = make("div", {}, make("p", {}, "unpacking \u2026"));
    dialog.append(
        make("header", {}, make("span", {class: `mark ${cell.verdict}`}, cell.verdict),
            make("h2", {id: "cell-title"}, cell.name), make("span", {class: "where"}, where),
            make("button", {type: "button", class: "close", onclick: () => dialog.close()}, "close (Esc)")),
        facts(cell), make("h3", {}, "Run it again"), again(cell), make("h3", {}, "Transcript"), place);
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    const [last, ...earlier] = await transcriptsOf(cell.index, result.cells_in_chunk);
    place.replaceChildren(transcript(cell, last), ...earlier.map((entries, i) => make("details", {},
        make("summary", {}, `Attempt ${i + 1}: ${cell.attempts[i].verdict}`), transcript({...cell, labels: []}, entries))));
}
