import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CabView } from "../../src/cab/page/view.ts";
import { type CabServer, startCabServer } from "../../src/cab/server.ts";
import type { MarkKind } from "../../src/model/operator.ts";
import { VIEW } from "../cab/view.ts";
import { until } from "../hq/until.ts";
import { startChromium } from "../rigs/chromium.ts";

const root = resolve(import.meta.dirname, "../..");
const shots = join(root, "docs/screenshots");
const KEEP_SHOTS = process.env["UPDATE_SCREENSHOTS"] === "1";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");
const SIZES = [
  [800, 480],
  [1280, 800],
  [390, 844],
] as const;

let browser: Browser;
let server: CabServer;
let view: CabView;
let marked: MarkKind[];
let opened: { page: Page; complaints: string[]; strangers: string[] }[] = [];

beforeAll(async () => {
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "src/cab/page/tsconfig.json"], {
    cwd: root,
  });
  browser = await startChromium();
});
afterAll(() => browser?.close());

async function serve(options: { token?: string; port?: number } = {}): Promise<void> {
  server = await startCabServer({
    listen: "127.0.0.1",
    port: 0,
    language: "km",
    view: () => view,
    mark: async (kind) => marked.push(kind),
    nowMs: () => performance.now(),
    ...options,
  });
}

beforeEach(() => {
  view = VIEW;
  marked = [];
});
afterEach(async () => {
  for (const { page } of opened) await page.context().close();
  opened = [];
  await server?.close();
});

async function open(width = 800, height = 480, hash = ""): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height }, hasTouch: true });
  const page = await context.newPage();
  const complaints: string[] = [];
  const strangers: string[] = [];
  page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(server.url).origin) strangers.push(request.url());
  });
  opened.push({ page, complaints, strangers });
  await page.goto(server.url + hash);
  return page;
}

const says = (page: Page, selector: string, text: string | RegExp) =>
  until(`${selector} to say ${text}`, async () => {
    const found = (await page.locator(selector).first().textContent()) ?? "";
    return typeof text === "string" ? found.includes(text) : text.test(found);
  });

describe("the page in the cab", () => {
  it.each(SIZES.flatMap(([width, height]) => (["km", "en"] as const).map((language) => ({ width, height, language }))))(
    "says in one glance how the machine works, at $width × $height in $language",
    async ({ width, height, language }) => {
      await serve();
      const page = await open(width, height);
      await says(page, "#lamp", "ដំណើរការល្អ");
      if (language === "en") {
        await page.locator("#languages button", { hasText: "English" }).tap();
        await says(page, "#lamp", "All well");
      }
      await says(page, ".gauge >> nth=0", "21.2");
      await says(page, ".gauge >> nth=1", "0.50");
      await says(page, ".gauge >> nth=2", "198");
      expect(await page.getAttribute("html", "lang")).toBe(language);
      // Nothing is cut off at the sides, and what the glance needs is above the fold.
      const layout = await page.evaluate<{
        overflow: number;
        marksEnd: number;
        smallest: number;
        fonts: number;
      }>(`(async () => {
      await document.fonts.ready;
      const buttons = [...document.querySelectorAll("header button, main button")].map((b) => b.getBoundingClientRect());
      return {
        overflow: document.documentElement.scrollWidth - innerWidth,
        marksEnd: document.querySelector("#marks").getBoundingClientRect().bottom,
        smallest: Math.min(...buttons.map((b) => Math.min(b.width, b.height))),
        fonts: [...document.fonts].filter((f) => f.status === "loaded" && f.family.includes("Khmer")).length,
      };
    })()`);
      expect(layout.overflow).toBeLessThanOrEqual(0);
      if (width > 640) expect(layout.marksEnd).toBeLessThanOrEqual(height);
      expect(layout.smallest).toBeGreaterThanOrEqual(48);
      expect(layout.fonts).toBeGreaterThan(0);
      if (KEEP_SHOTS && width > 640) {
        mkdirSync(shots, { recursive: true });
        await page.screenshot({ path: join(shots, `cab-${language}-${width}x${height}.png`) });
      }
      await page.evaluate(axe);
      const faults = await page.evaluate<{ id: string; impact: string; nodes: number }[]>(
        "axe.run().then((r) => r.violations.map((v) => ({ id: v.id, impact: v.impact, nodes: v.nodes.length })))",
      );
      expect(faults.filter((f) => f.impact === "serious" || f.impact === "critical")).toEqual([]);
      const { complaints, strangers } = opened[0]!;
      expect(strangers).toEqual([]);
      expect(complaints).toEqual([]);
    },
  );

  it("marks at the second press, not at the first, and says when the mark is kept", async () => {
    await serve();
    const page = await open();
    const button = page.locator("#marks button[data-kind=mine_found]");
    await button.tap();
    await says(page, "#marks button[data-kind=mine_found]", "ចុចម្តងទៀត");
    expect(marked).toEqual([]);
    await button.tap();
    await says(page, "#mark-said", "បានកត់ត្រា");
    expect(marked).toEqual(["mine_found"]);
    // A touch on another button disarms the first.
    await button.tap();
    await page.locator("#marks button[data-kind=standby]").tap();
    await button.tap();
    await button.tap();
    await until("the mark", () => marked.length === 2);
    expect(marked).toEqual(["mine_found", "mine_found"]);
  });

  it("asks whether a shock was a detonation, in one glance above all else, and takes either answer", async () => {
    view = { ...VIEW, question: { agoS: 130 } };
    await serve();
    const page = await open();
    await says(page, "#question", "តើជាការផ្ទុះឬ");
    const box = await page.locator("#marks").boundingBox();
    expect(box!.y + box!.height).toBeLessThanOrEqual(480);
    if (KEEP_SHOTS) await page.screenshot({ path: join(shots, "cab-km-question.png") });
    await page.locator("#question button[data-kind=no_detonation]").tap();
    await says(page, "#mark-said", "បានកត់ត្រា");
    expect(marked).toEqual(["no_detonation"]);
    view = { ...VIEW, question: null };
    await until("the question to go", async () => !(await page.locator("#question").isVisible()));
  });

  it("says that the unit is gone instead of showing old figures as new, and comes back by itself", async () => {
    await serve();
    const page = await open();
    await says(page, "#lamp", "ដំណើរការល្អ");
    const { port } = new URL(server.url);
    await server.close();
    await until("the lamp to say lost", async () => (await page.getAttribute("body", "data-lamp")) === "lost");
    await says(page, "#lamp", "ឧបករណ៍មិនឆ្លើយតប");
    await serve({ port: Number(port) });
    await until("the lamp to be back", async () => (await page.getAttribute("body", "data-lamp")) === "ok");
  });

  it.each(["fault", "trial", "no_fix", "degraded"] as const)("shows %s with a shape and a word", async (lamp) => {
    await serve();
    const page = await open();
    await says(page, "#lamp", "ដំណើរការល្អ");
    const shape = await page.textContent("#lamp-shape");
    view = { ...VIEW, lamp };
    await until("the lamp", async () => (await page.getAttribute("body", "data-lamp")) === lamp);
    expect(await page.textContent("#lamp-shape")).not.toBe(shape);
    expect(await page.textContent("#lamp")).toMatch(/[\u1780-\u17ff]/);
  });

  it("says whether a stick may be taken out, and what became of what it asked for", async () => {
    view = { ...VIEW, stick: { state: "reading", said: "" } };
    await serve();
    const page = await open();
    await says(page, "#stick", "សូមកុំដកចេញ");
    await page.locator("#languages button", { hasText: "English" }).tap();
    await says(page, "#stick", "Leave it in");
    view = { ...VIEW, stick: { state: "refused", said: "REFUSED: no <b>key</b>" } };
    await says(page, "#stick", "Refused. It may be taken out.");
    await says(page, "#stick span[lang=en]", "REFUSED: no <b>key</b>");
    view = VIEW;
    await until("it to be gone", async () => (await page.locator("#stick").textContent()) === "");
  });

  it("shows a dash for what is not known, never a zero", async () => {
    const none = { value: null, target: null, verdict: "none" } as const;
    const gnss = { fix: "silent", satellites: null } as const;
    const clock = { trust: "none", utcMs: null } as const;
    view = { ...VIEW, depth: none, speed: none, rotor: none, gnss, clock };
    await serve();
    const page = await open();
    for (const i of [0, 1, 2]) await says(page, `.gauge .figure >> nth=${i}`, /^–/);
    await says(page, "#time", "–");
  });

  it("shows hostile names as text", async () => {
    const hostile = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
    view = { ...VIEW, name: hostile, sources: [{ name: hostile, part: hostile, state: "failed" }] };
    await serve();
    const page = await open();
    await says(page, "#machine", hostile);
    await says(page, "#sensors li b", hostile);
    expect(await page.title()).toBe("Swath");
    expect(await page.locator("#page img, #page script").count()).toBe(0);
  });

  it("asks for the unit's token on the cab's network, once", async () => {
    await serve({ token: "correct horse" });
    const page = await open();
    await page.locator("#token-text").fill("wrong horse");
    await page.locator("#token button").tap();
    await says(page, "#token-said", "មិនត្រឹមត្រូវ");
    await page.locator("#token-text").fill("correct horse");
    await page.locator("#token button").tap();
    await says(page, "#lamp", "ដំណើរការល្អ");
    const other = await open(800, 480, "#token=correct%20horse");
    await says(other, "#lamp", "ដំណើរការល្អ");
    expect(other.url()).not.toContain("token");
  });
});
