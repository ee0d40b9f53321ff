// Text from a peer goes into the page through these functions only: as text, with what is invisible made visible.

/** Characters that are invisible, or turn the direction of what follows. */
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** @param {string} text @returns {string} the text with nothing hidden in it */
export function plain(text) {
    return text.replace(unseen, (c) => {
        const code = c.charCodeAt(0);
        return code < 0x80 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
    });
}

/** An element with attributes and children. Strings become text, never markup. @returns {any} */
export function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on")) {
            element.addEventListener(name.slice(2), value);
        } else if (value !== undefined && value !== false) {
            element.setAttribute(name, value === true ? "" : String(value));
        }
    }
    for (const child of children.flat()) {
        element.append(child instanceof Node ? child : document.createTextNode(plain(String(child ?? ""))));
    }
    return element;
}

/** An element of a drawing, with attributes and children that are of a drawing, too. @returns {any} */
export function drawing(tag, attributes = {}, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) {
        element.setAttribute(name, String(value));
    }
    element.append(...children);
    return element;
}

/** Names in letters: few fonts have Unicode's symbols for control characters. */
const octetNames = {0: "NUL", 7: "BEL", 8: "BS", 9: "TAB", 10: "LF", 13: "CR", 27: "ESC", 127: "DEL"};

function hiddenOctet(octet) {
    return make("span", {class: "hidden"}, octetNames[octet] ?? `\\x${octet.toString(16).padStart(2, "0")}`);
}

/** The octets of one write or read: printable ASCII as it is, all else by name or in hexadecimal, a new line after each LF. */
export function octetsShown(octets) {
    const parts = [];
    let run = "";
    const flush = () => {
        if (run !== "") {
            parts.push(run);
        }
        run = "";
    };
    for (const octet of octets) {
        if (octet >= 0x20 && octet < 0x7f) {
            run += String.fromCharCode(octet);
            continue;
        }
        flush();
        parts.push(hiddenOctet(octet));
        if (octet === 0x0a) {
            parts.push(make("br"));
        }
    }
    flush();
    if (parts.length > 0 && parts[parts.length - 1].nodeName === "BR") {
        parts.pop();
    }
    return parts;
}

/** The place where a reference can be read, or nothing. @param {string} ref @returns {string|undefined} */
export function addressOf(ref) {
    const rfc = /^RFC ?(\d{1,5})(?: ?§ ?([0-9A-Z.]+))?/.exec(ref);
    if (rfc) {
        const section = rfc[2]?.replace(/\.$/, "");
        const part = section && (/^[A-Z]/.test(section) ? `#appendix-${section}` : `#section-${section}`);
        return `https://www.rfc-editor.org/rfc/rfc${rfc[1]}${part ?? ""}`;
    }
    const cve = /^CVE-\d{4}-\d{4,7}$/.exec(ref);
    return cve ? `https://www.cve.org/CVERecord?id=${cve[0]}` : undefined;
}

/** What the matrix shows for a verdict, from the worst on. A word, so that nothing depends on colour. */
export const verdictWords = {
    vulnerable: "VULN", fail: "FAIL", error: "ERR", inconclusive: "?", warn: "WARN", tolerated: "tol", pass: "ok",
    skipped: "skip", unsupported: "-",
};
export const verdicts = Object.keys(verdictWords);

/** The verdict, or that a waiver accepts what is no longer wrong. @param {Cell} cell */
export const kindOf = (cell) => (cell.xpass ? "unexpected pass" : cell.verdict);
/** From the worst on. */
export const kinds = ["vulnerable", "fail", "unexpected pass", ...verdicts.slice(2)];

/** Nothing has to be done about these. */
export const settled = new Set(["pass", "skipped", "unsupported"]);

/** The smaller, the worse; what a waiver accepts comes after all that is not accepted (harness/report/symbol.cpp). */
export function rank(cell) {
    const accepted = cell.waiver && !cell.xpass;
    return kinds.indexOf(kindOf(cell)) + kinds.length * (settled.has(kindOf(cell)) ? 2 : accepted ? 1 : 0);
}
