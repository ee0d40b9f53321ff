// What stands in the page as data: deflated and in base64, so that no octet of a peer is markup.

/** @typedef {{kind: string, at_us: number, connection: string, tls: boolean, text?: string, base64?: string}} Entry */
/**
 * A cell of the result (docs/result.md), with its name and the command that runs it again, without transcript.
 * @typedef {object} Cell
 * @property {number} index @property {string} name @property {string} scenario @property {string} title
 * @property {string} [fail_means]
 * @property {string} side @property {string} [endpoint] @property {string} [client] @property {number} port
 * @property {string} mode @property {string} verdict @property {string} level @property {string[]} refs
 * @property {{id: string, reason: string}|null} waiver @property {boolean} xpass @property {string} again
 */

/** @param {string} base64 @returns {Uint8Array} */
export function octetsOf(base64) {
    return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

/** Unpacks the data element with this id. @param {string} id @returns {Promise<any>} */
export async function unpack(id) {
    const packed = octetsOf(document.getElementById(id).textContent);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
}

/** Chunks of transcripts that were unpacked already. @type {Map<number, Promise<Entry[][][]>>} */
const chunks = new Map();

/** The transcript of one cell, then those of its earlier attempts; the others stay packed. @returns {Promise<Entry[][]>} */
export async function transcriptsOf(index, cellsInChunk) {
    const chunk = Math.floor(index / cellsInChunk);
    if (!chunks.has(chunk)) {
        chunks.set(chunk, unpack(`transcripts-${chunk}`));
    }
    return (await chunks.get(chunk))[index % cellsInChunk];
}
