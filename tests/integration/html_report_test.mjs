// html_report_test.mjs SMTPSPEC SOURCE BUILD [PICTURES]: the HTML report in Debian's Chromium. Filters, keyboard, hostile text as
// text, no request, no message on the console; results of bench, and comparisons; size and the time to the first cell of 2,000 are printed. With PICTURES,
// a folder: pictures in light and dark, to look at.
import {execFileSync} from "node:child_process";
import fs from "node:fs";
import {createRequire} from "node:module";
import os from "node:os";
import path from "node:path";
import {pathToFileURL} from "node:url";

const [program, source, build, pictures] = process.argv.slice(2);
const bad = [];
const check = (what, fits, detail = "") => fits || bad.push(`${what} ${detail}`);

function skip(reason) {
    console.log(`SKIPPED: ${reason}`);
    process.exit(77);
}

/** playwright-core as the lock file says, kept in the build folder. */
function playwright() {
    const folder = path.join(build, "generated", "web-tests");
    const lock = path.join(source, "tests", "web", "package-lock.json");
    const have = path.join(folder, "package-lock.json");
    const same = fs.existsSync(path.join(folder, "node_modules")) && fs.readFileSync(have, "utf8") === fs.readFileSync(lock, "utf8");
    if (!same) {
        fs.mkdirSync(folder, {recursive: true});
        fs.copyFileSync(path.join(source, "tests", "web", "package.json"), path.join(folder, "package.json"));
        fs.copyFileSync(lock, have);
        try {
            execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {cwd: folder, stdio: "pipe", timeout: 120000});
        } catch (problem) {
            skip(`npm cannot install playwright-core: ${String(problem.stderr ?? problem).slice(0, 300)}`);
        }
    }
    return createRequire(path.join(folder, "x.js"))("playwright-core");
}

const hostile = "</script><img src=x onerror=\"document.title='broken'\">]]>\u001b[31m\u202e=cmd|'/c'!A1";

/** 2,000 cells of two endpoints and two clients, each with a transcript of its own. */
function bigResult(real) {
    const verdicts = ["pass", "pass", "pass", "pass", "tolerated", "warn", "fail", "vulnerable", "unsupported", "skipped", "inconclusive", "error"];
    const ports = [25, 587, 2587, 465, 2465];
    const cells = [];
    for (let i = 0; i < 2000; ++i) {
        const like = real.cells[i % real.cells.length];
        const cell = structuredClone(like);
        cell.scenario = `g${Math.floor(i / 5) % 20}.rule-${Math.floor(i / 100) % 10}`;
        cell.params = {};
        cell.port = ports[i % 5];
        delete cell.endpoint;
        delete cell.client;
        cell.side = i < 1000 ? "server" : "client";
        cell[i < 1000 ? "endpoint" : "client"] = i % 1000 < 500 ? "first" : "second";
        cell.scenario = `g${Math.floor((i % 500) / 5) % 10}.rule-${Math.floor((i % 500) / 50)}`;
        cell.verdict = verdicts[(i * 7 + Math.floor(i / 5) * 5) % verdicts.length];
        cell.labels = [];
        cell.transcript.forEach((entry, n) => {
            if (entry.text !== undefined) {
                entry.text += `250 ${(i * 7919 + n * 104729).toString(36)}${Math.sin(i * 50 + n).toString(36)}\r\n`;
            }
        });
        cells.push(cell);
    }
    Object.assign(cells[0], {verdict: "fail", title: hostile, fail_means: hostile, reason: hostile, got: hostile, refs: ["RFC 3207 §4.2", hostile]});
    Object.assign(cells[1], {scenario: "marks.flaky", verdict: "pass", flaky: true, attempts: [{verdict: "inconclusive", outcome: "no answer",
        reason: "silence", duration_us: 1, transcript: [{kind: "received", at_us: 5, connection: "a", tls: false, text: "421 busy\r\n"}]}]});
    Object.assign(cells[2], {scenario: "marks.expired", verdict: "fail", expired_waiver: true, waiver_problem: "waiver marks.expired has expired on 2026-01-31"});
    Object.assign(cells[3], {scenario: "marks.waived", verdict: "fail", waiver: {id: "marks.waived", reason: "the fix is on its way"}});
    cells[0].transcript.push({kind: "received", at_us: 999999, connection: "a", tls: false, text: `${hostile}\r\n`});
    cells[0].transcript.push({kind: "received", at_us: 999999, connection: "a", tls: true, base64: Buffer.from("8bit \xff\xfe\r\n", "latin1").toString("base64")});
    cells[0].transcript.push({kind: "received", at_us: 999999, connection: "a", tls: true, text: "x".repeat(1 << 20)});
    const summary = {};
    cells.forEach((c) => { summary[c.verdict] = (summary[c.verdict] ?? 0) + 1; });
    const endpoint = (name) => ({...real.endpoints[0], name});
    return {...real, cells, summary, endpoints: [endpoint("first"), endpoint("second")], notices: [hostile],
        clients: [{name: "first", version: "1"}, {name: "second", version: "2"}]};
}

async function open(browser, file, scheme = "light") {
    const page = await browser.newPage({colorScheme: scheme, viewport: {width: 1200, height: 900}});
    page.on("console", (m) => ["error", "warning"].includes(m.type()) && bad.push(`console: ${m.text()}`));
    page.on("pageerror", (e) => bad.push(`error in the page: ${e}`));
    page.on("request", (r) => r.url() !== pathToFileURL(file).href && bad.push(`request: ${r.url()}`));
    const begin = performance.now();
    await page.goto(pathToFileURL(file).href, {waitUntil: "commit"});
    await page.waitForSelector("main[data-ready]");
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0))));
    return {page, ms: performance.now() - begin};
}

const shownCells = (page) => page.locator("[role=status]").textContent();

async function filters(page) {
    check("all cells", (await shownCells(page)) === "2000 of 2000 cells", await shownCells(page));
    await page.getByRole("button", {name: /^pass \d+/}).click();
    check("verdict filter", !(await shownCells(page)).startsWith("2000"));
    await page.getByRole("button", {name: /^pass \d+/}).click();
    await page.locator("form [name=side]").selectOption("client");
    check("side filter", (await shownCells(page)) === "1000 of 2000 cells", await shownCells(page));
    await page.locator("form [name=port]").selectOption("587");
    check("port filter", (await shownCells(page)) === "200 of 2000 cells", await shownCells(page));
    await page.locator("form [name=side]").selectOption("");
    await page.locator("form [name=port]").selectOption("");
    await page.locator("form [name=text]").fill("onerror");
    check("text filter", (await shownCells(page)) === "1 of 2000 cells", await shownCells(page));
}

/** What else than a verdict a cell can be. */
async function marks(page) {
    await page.locator("form [name=text]").fill("marks.");
    check("marks", (await shownCells(page)) === "3 of 2000 cells", await shownCells(page));
    const unfolded = page.getByRole("button", {name: "unfold all"});
    await unfolded.click();
    const shown = await page.locator("table.matrix").last().innerText();
    for (const mark of ["ok flaky", "FAIL waiver expired", "FAIL w"]) {
        check("mark", shown.includes(mark), `${mark}: ${shown}`);
    }
    for (const [name, words] of [["marks.flaky", "inconclusive (silence)"], ["marks.expired", "has expired on 2026-01-31"], ["marks.waived", "the fix is on its way"]]) {
        await page.getByRole("button", {name: new RegExp(`^${name}.*, \\d+:`)}).last().click();
        await page.waitForSelector("dialog .transcript");
        const text = await page.locator("dialog").innerText();
        const attempts = page.locator("dialog details summary");
        check("earlier attempts", await attempts.count() === (name === "marks.flaky" ? 1 : 0));
        if (await attempts.count() > 0) {
            await attempts.click();
            check("their transcript", (await page.locator("dialog details").innerText()).includes("421 busy"));
        }
        check("evidence of a mark", text.includes(words), `${name}: ${text.slice(0, 600)}`);
        await page.keyboard.press("Escape");
    }
    await page.locator("form [name=text]").fill("onerror");
}

/** NEW is OLD with a port less, a cell that is worse and one that is better; its TLS handshakes took three times as long. */
function changedFolders(at, run, bench) {
    const write = (side, name, value) => {
        fs.mkdirSync(at(side), {recursive: true});
        fs.writeFileSync(path.join(at(side), name), JSON.stringify(value));
    };
    const before = structuredClone(run);
    const kept = run.cells.map((c, i) => [c, i]).filter(([c]) => c.port === 587 && c.verdict === "pass").map(([, i]) => i);
    Object.assign(before.cells[kept[0]], {verdict: "fail", reason: "was wrong"});
    const after = structuredClone(run);
    Object.assign(after.cells[kept[1]], {verdict: "fail", reason: hostile, got: hostile});
    after.cells = after.cells.filter((c) => c.port !== 465);
    for (const document of [before, after]) {
        document.summary = {};
        document.cells.forEach((c) => { document.summary[c.verdict] = (document.summary[c.verdict] ?? 0) + 1; });
    }
    const slower = structuredClone(bench);
    slower.blocks.forEach((block) => {
        Object.assign(block.endpoint["tls-handshake"], {p50_us: block.endpoint["tls-handshake"].p50_us * 3});
    });
    [["old", before, bench], ["new", after, slower]].forEach(([side, result, latency]) => {
        write(side, "result.json", result);
        write(side, "latency.json", latency);
    });
}

async function comparison(page, plots) {
    const text = await page.locator("main").innerText();
    for (const part of ["Worse than before.", "nothing was tested on that port", "fixed 1", "slower", "</script><img src=x onerror", "\\x1b[31m"]) {
        check("comparison shows", text.includes(part), JSON.stringify(part));
    }
    check("no markup of the peer in a comparison", await page.locator("img").count() === 0 && await page.title() === "smtpspec");
    check("intervals are drawn", await page.locator("svg.interval.slower").count() > 0);
    const all = await page.locator("[role=status]").textContent();
    await page.locator("[name=text]").fill("onerror");
    check("text filter of a comparison", (await page.locator("[role=status]").textContent()).startsWith("1 of "), all);
    await page.locator("[name=text]").fill("");
    if (plots) {
        check("OLD over NEW", await page.locator(".uplot canvas").count() === 2);
        await page.locator("[name=port]").selectOption("465 tls");
        check("another port is drawn", (await page.locator(".uplot .u-legend").first().innerText()).includes("OLD"));
    }
}

/** NEW has no latency: the answer is 5, and the page does not say that all is well. */
async function blindComparison(page) {
    const text = await page.locator("main").innerText();
    check("it is said that it cannot be told", text.includes("cannot be told") && !text.includes("Not worse"), text.slice(0, 300));
    check("and why", text.includes("NEW has no result of bench"), text.slice(0, 300));
}

/** An unexpected pass is no pass, and what a waiver accepts does not hide what none does. */
function waiverResult(two) {
    const result = structuredClone(two);
    const waiver = {id: "*", reason: "known"};
    const [one, other] = result.cells.filter((c) => c.verdict === "pass" && c.port === 587);
    const twin = result.cells.find((c) => c.port === 465 && c.scenario === other.scenario) ?? {...structuredClone(other), port: 465, mode: "tls"};
    Object.assign(one, {xpass: true, waiver});
    Object.assign(other, {verdict: "fail", outcome: "bad", waiver});
    Object.assign(twin, {verdict: "fail", outcome: "bad"});
    const elsewhere = result.cells.map((c) => ({...structuredClone(c), verdict: "pass", xpass: false, waiver: null, ...("endpoint" in c ? {endpoint: "other"} : {})}));
    result.cells = [...result.cells.filter((c) => c !== twin), twin, ...elsewhere];
    return {result, failed: other.scenario};
}

async function waivers(page, failed) {
    const text = await page.locator("main").innerText();
    check("unexpected passes are told above", text.includes("1 unexpected pass:"), text.slice(0, 300));
    check("XPASS is seen without unfolding", text.includes("XPASS"), text.slice(0, 900));
    await page.getByRole("button", {name: /^unexpected pass 1/}).click();
    check("unexpected passes have a filter", !(await page.locator("table.matrix").first().innerText()).includes("XPASS"));
    const beside = page.locator("table.matrix").first().locator(`button.mark[aria-label^="${failed}"]`).first();
    check("side by side: the failure that nobody accepts is shown", (await beside.getAttribute("aria-label")).endsWith(": fail"), await beside.getAttribute("aria-label"));
}

async function openLoad(page, plots) {
    check("series as a table", await page.getByText("Port 587, starttls: as a table").count() === 1);
    await page.getByText("Port 587, starttls: as a table").click();
    const rows = await page.locator("details[open] tbody tr").count();
    check("a row for each window", rows === 10, rows);
    if (plots) {
        check("series are drawn", await page.locator(".uplot canvas").count() === 4);
        await page.locator("[name=times]").selectOption("max");
        check("another figure", (await page.locator(".u-title").allInnerTexts()).some((t) => t.includes("due: max")));
    }
}

/** Only the hostile cell is shown; it is opened without a mouse. */
async function hostileCell(page) {
    await page.locator("table.matrix button.fold").first().focus();
    await page.keyboard.press("ArrowDown");
    check("arrow moves to a cell", await page.evaluate(() => document.activeElement.className.includes("mark")));
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog .transcript");
    const text = await page.locator("dialog").innerText();
    for (const part of ["</script><img src=x onerror", "]]>", "\\x1b[31m", "\\u202e", "\\xff\\xfe", "CRLF", "show all 1048576 octets", "smtpspec run"]) {
        check("evidence shows", text.includes(part), JSON.stringify(part));
    }
    check("what a failure means", /\bmeans\n.*<\/script>/.test(text));
    check("link to the RFC", await page.locator("dialog a[href='https://www.rfc-editor.org/rfc/rfc3207#section-4.2']").count() === 1);
    check("no markup of the peer", await page.locator("img").count() === 0 && await page.title() === "smtpspec");
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog", {state: "detached", timeout: 5000}).catch(() => bad.push("Escape does not close"));
    check("focus is back", await page.evaluate(() => document.activeElement.className.includes("mark")));
}

async function takePictures(browser, big, others) {
    for (const scheme of ["light", "dark"]) {
        const {page} = await open(browser, big, scheme);
        const shot = (name) => page.screenshot({path: path.join(pictures, `${name}-${scheme}.png`)});
        await shot("interop");
        await page.getByRole("heading", {name: "Server first"}).scrollIntoViewIfNeeded();
        await page.evaluate(() => [...document.querySelectorAll("h2")].find((h) => h.textContent === "Server first").scrollIntoView());
        await page.evaluate(() => scrollBy(0, -150));
        await shot("matrix");
        await page.locator("td button.mark.fail").last().click();
        await page.waitForSelector("dialog .transcript");
        await shot("cell");
        await page.close();
        for (const [name, file] of Object.entries(others)) {
            const other = await open(browser, file, scheme);
            await other.page.screenshot({path: path.join(pictures, `${name}-${scheme}.png`), fullPage: true});
            await other.page.close();
        }
    }
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "smtpspec-html-"));
try {
    const chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((p) => fs.existsSync(p)) ?? skip("there is no chromium");
    const {chromium: driver} = playwright();
    const at = (name) => path.join(folder, name);
    const call = (...words) => execFileSync(program, words, {cwd: folder, stdio: "pipe", timeout: 120000, maxBuffer: 1 << 28});
    const made = (name) => JSON.parse(fs.readFileSync(at(name), "utf8"));
    call("run", "--only", "starttls.*", "--port", "587", "--format", "json", "--output", at("real.json"));
    fs.writeFileSync(at("big.json"), JSON.stringify(bigResult(made("real.json"))));
    call("report", at("big.json"), "--format", "html", "--output", at("big.html"));
    const size = fs.statSync(at("big.html")).size;
    console.log(`2,000 cells: ${(size / 1e6).toFixed(2)} MB (JSON: ${(fs.statSync(at("big.json")).size / 1e6).toFixed(1)} MB)`);
    check("size below 10 MB", size < 10e6, size);
    call("bench", "--messages", "120", "--format", "json", "--output", at("bench.json"), "--format", "html", "--output", at("bench.html"));
    call("bench", "--rate", "200", "--duration", "1s", "--port", "587,465", "--no-calibration", "--format", "json", "--output", at("open.json"));
    call("report", at("open.json"), "--format", "html", "--output", at("open.html"));
    call("run", "--only", "starttls.*", "--only", "implicit.*", "--port", "587,465", "--format", "json", "--output", at("two.json"));
    changedFolders(at, made("two.json"), made("bench.json"));
    try {
        call("compare", at("old"), at("new"), "--format", "html", "--output", at("compare.html"));
        check("compare is red", false);
    } catch (red) {
        check("compare is red", red.status === 1, String(red.stderr ?? red));
    }
    fs.rmSync(at("new/latency.json"));
    fs.copyFileSync(at("old/result.json"), at("new/result.json"));
    try {
        call("compare", at("old"), at("new"), "--format", "html", "--output", at("blind.html"));
        check("compare without NEW's latency cannot tell", false);
    } catch (told) {
        check("compare without NEW's latency cannot tell", told.status === 5, String(told.stderr ?? told));
    }
    const {result: waived, failed} = waiverResult(made("two.json"));
    fs.writeFileSync(at("waived.json"), JSON.stringify(waived));
    call("report", at("waived.json"), "--format", "html", "--output", at("waived.html"));

    const browser = await driver.launch({executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"]});
    const {page, ms} = await open(browser, at("big.html"));
    console.log(`time to the first cell: ${ms.toFixed(0)} ms`);
    await filters(page);
    await marks(page);
    await hostileCell(page);
    const bench = await open(browser, at("bench.html"));
    const plotted = await bench.page.locator(".uplot canvas").count();
    check("plots, or a sentence", plotted === 2 || (await bench.page.locator(".notice").innerText()).includes("left out"));
    console.log(plotted ? "with plots" : "without plots");
    await openLoad((await open(browser, at("open.html"))).page, plotted);
    await comparison((await open(browser, at("compare.html"))).page, plotted);
    await waivers((await open(browser, at("waived.html"))).page, failed);
    await blindComparison((await open(browser, at("blind.html"))).page);
    if (pictures) {
        await takePictures(browser, at("big.html"), {latency: at("bench.html"), series: at("open.html"), comparison: at("compare.html")});
    }
    await browser.close();
} finally {
    fs.rmSync(folder, {recursive: true, force: true});
}
bad.forEach((line) => console.log(`BAD ${line}`));
process.exit(bad.length ? 1 : 0);
