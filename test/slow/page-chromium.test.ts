import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DemoHq, startDemoHq } from "../../src/hq/demo.ts";
import { type FakeUnit, startFakeUnit } from "../hq/fake-unit.ts";
import { until } from "../hq/until.ts";
import { startChromium } from "../rigs/chromium.ts";

const root = resolve(import.meta.dirname, "../..");
const shots = join(root, "docs/screenshots");
const KEEP_SHOTS = process.env["UPDATE_SCREENSHOTS"] === "1";

let hq: DemoHq;
let unit: FakeUnit;
let browser: Browser;

beforeAll(async () => {
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "src/hq/page/tsconfig.json"], {
    cwd: root,
  });
  hq = await startDemoHq({ machineNames: { "d85ms-15-07": "Komatsu D85MS-15" } });
  unit = await startFakeUnit({ url: hq.brokerUrl, pastS: 2200 });
  browser = await startChromium();
});
afterAll(async () => {
  await browser?.close();
  await unit?.close();
  await hq?.close();
});

interface Opened {
  readonly page: Page;
  /** Whatever the console said, and every error of a script. */
  readonly complaints: string[];
  /** Addresses asked for that are not the page's own server. */
  readonly strangers: string[];
  close(): Promise<void>;
}

async function open(
  width: number,
  height: number,
  options: { phone?: boolean; dark?: boolean; url?: string } = {},
): Promise<Opened> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: options.dark ? "dark" : "light",
    ...(options.phone ? { isMobile: true, hasTouch: true, deviceScaleFactor: 2 } : {}),
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  const strangers: string[] = [];
  const url = options.url ?? hq.pageUrl;
  page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) strangers.push(request.url());
  });
  await page.goto(url);
  await says(page, "#state b", /^Online$/);
  await until("the charts", async () => (await page.locator(".chart canvas").count()) === 4);
  return { page, complaints, strangers, close: () => context.close() };
}

/** How many different colours a canvas holds: an empty one has one. Runs in the page, hence a string. */
function colours(page: Page, selector: string): Promise<number> {
  return page.evaluate<number>(`(() => {
    const canvas = document.querySelector(${JSON.stringify(selector)});
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  })()`);
}

const text = async (page: Page, selector: string) => (await page.locator(selector).first().textContent()) ?? "";
const says = (page: Page, selector: string, wanted: RegExp) =>
  until(`${selector} to say ${wanted}`, async () => wanted.test(await text(page, selector)), 15_000);
const changes = async (page: Page, selector: string) => {
  const was = await text(page, selector);
  await until(`${selector} to change from ${was}`, async () => (await text(page, selector)) !== was, 15_000);
};
const isStale = async (page: Page) => (await page.locator("body.is-stale").count()) === 1;

describe.each([
  { name: "desktop", width: 1280, height: 800 },
  { name: "phone", width: 390, height: 844, phone: true },
  { name: "desktop-dark", width: 1280, height: 800, dark: true },
])("the page in Chromium, $name", ({ name, width, height, ...options }) => {
  it("shows a machine at work, moving, without a complaint and without asking anyone else", async () => {
    const { page, complaints, strangers, close } = await open(width, height, options);
    expect(await text(page, "#machine")).toBe("Komatsu D85MS-15");
    expect(await text(page, "#simulated")).toContain("Simulated");
    expect(await text(page, "#legend")).toContain("processed (tool engaged)");
    expect(await text(page, ".tile-rotor .big")).toMatch(/^\d+\s*rpm$/);
    expect(await colours(page, "#map")).toBeGreaterThan(8);
    for (let i = 1; i <= 4; i++) {
      expect(await colours(page, `.chart:nth-child(${i}) canvas`), `chart ${i}`).toBeGreaterThan(4);
    }
    expect(await page.locator("#sources tbody tr").count()).toBe(4);
    expect(await page.locator("#lanes tbody tr").count()).toBe(4);
    expect(await page.locator("#channels tbody tr").count()).toBe(19);

    await changes(page, "#clock");
    await changes(page, "#map-note");
    await page.locator("#map-follow").click();
    expect(await page.locator("#map-follow").getAttribute("aria-pressed")).toBe("true");
    await page.locator("#map-fit").click();

    const wider = await page.evaluate<number>(
      "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    );
    expect(wider, "the page scrolls sideways").toBeLessThanOrEqual(0);
    if (KEEP_SHOTS) {
      mkdirSync(shots, { recursive: true });
      await page.evaluate("window.scrollTo(0, 0)");
      await page.mouse.move(0, 0);
      await page.screenshot({ path: join(shots, `page-${name}.png`) });
    }
    expect(complaints).toEqual([]);
    expect(strangers).toEqual([]);
    await close();
  });
});

describe("the page in Chromium, when things go wrong", () => {
  it("shows a dash for what the unit does not have, never a zero, and draws no processed ground", async () => {
    const own = await startDemoHq();
    const without = [
      "tool_depth",
      "rotor_speed",
      "engine_speed",
      "speed",
      "fixMode",
      "fixQuality",
      "satellites",
      "hdop",
    ];
    const lone = await startFakeUnit({ url: own.brokerUrl, without, pastS: 30 });
    const { page, complaints, close } = await open(1280, 800, { url: own.pageUrl });
    try {
      await until("fresh figures", async () => !(await isStale(page)));
      for (const tile of ["depth", "tool", "rotor", "speed", "engine", "fix"]) {
        expect(await text(page, `.tile-${tile} .big`), tile).toBe("–");
      }
      expect(await text(page, ".tile-shock .big")).toMatch(/^\d/);
      expect(complaints).toEqual([]);
    } finally {
      await close();
      await lone.close();
      await own.close();
    }
  });

  it("greys what is old, says how old, and says lost when the unit vanished", async () => {
    const own = await startDemoHq();
    const lone = await startFakeUnit({ url: own.brokerUrl, pastS: 30 });
    const { page, close } = await open(1280, 800, { url: own.pageUrl });
    try {
      await until("fresh figures", async () => !(await isStale(page)));
      lone.vanish();
      await says(page, "#state b", /^Lost$/);
      await until("grey figures", () => isStale(page));
      await says(page, "#heard", /^\d+ s ago$/);
      await own.close();
      await says(page, "#notice", /no word from HQ/);
    } finally {
      await close();
      await lone.close();
      await own.close();
    }
  });

  it("comes back by itself when HQ does", async () => {
    const first = await startDemoHq();
    const pagePort = Number(new URL(first.pageUrl).port);
    const before = await startFakeUnit({ url: first.brokerUrl, unit: "demo-01" });
    const { page, close } = await open(1280, 800, { url: first.pageUrl });
    await before.close();
    await first.close();
    const second = await startDemoHq({ pagePort });
    const after = await startFakeUnit({ url: second.brokerUrl, unit: "demo-01", pastS: 30 });
    try {
      await until("the notice to go", () => page.locator("#notice").isHidden(), 15_000);
      await changes(page, "#clock");
      expect(await text(page, "#state")).toContain("Online");
    } finally {
      await close();
      await after.close();
      await second.close();
    }
  });

  it("shows hostile words as words", async () => {
    const own = await startDemoHq();
    const hostile = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
    const labels = { rotor_speed: hostile, lat: hostile };
    const lone = await startFakeUnit({ url: own.brokerUrl, labels, pastS: 5 });
    await lone.record("event", {
      kind: "event",
      name: "operator_mark",
      severity: "info",
      source: hostile,
      detail: { [hostile]: hostile },
    });
    const { page, complaints, close } = await open(1280, 800, { url: own.pageUrl });
    try {
      await until("the words", async () => (await text(page, "#channels")).includes(hostile));
      await until("the words", async () => (await text(page, "#events")).includes(hostile));
      expect(await page.locator("main img, main script").count()).toBe(0);
      expect(await page.title()).not.toContain("owned");
      expect(complaints).toEqual([]);
    } finally {
      await close();
      await lone.close();
      await own.close();
    }
  });

  it("lets one choose between units when there are several", async () => {
    const own = await startDemoHq();
    const fleet = await Promise.all(
      ["demo-01", "demo-02"].map((name) => startFakeUnit({ url: own.brokerUrl, unit: name, pastS: 5 })),
    );
    const { page, close } = await open(1280, 800, { url: own.pageUrl });
    try {
      await until("the picker", () => page.locator("#pick").isVisible());
      await page.locator("#pick-unit").selectOption("cmac/demo-02");
      await says(page, "#unit-line", /unit demo-02/);
    } finally {
      await close();
      await Promise.all(fleet.map((one) => one.close()));
      await own.close();
    }
  });
});
