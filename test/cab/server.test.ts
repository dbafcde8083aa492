import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type CabServer, startCabServer } from "../../src/cab/server.ts";
import { MARK_KINDS, type MarkKind } from "../../src/model/operator.ts";
import { VIEW } from "./view.ts";

let server: CabServer | undefined;
afterEach(() => server?.close());

async function start(
  options: { token?: string; mark?: (kind: MarkKind) => Promise<unknown>; nowMs?: () => number } = {},
): Promise<{ url: URL; marked: MarkKind[] }> {
  const marked: MarkKind[] = [];
  server = await startCabServer({
    listen: "127.0.0.1",
    port: 0,
    language: "km",
    view: () => VIEW,
    mark: async (kind) => marked.push(kind),
    nowMs: () => performance.now(),
    ...options,
  });
  return { url: new URL(server.url), marked };
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

function ask(url: URL, method: string, path: string, headers: Record<string, string> = {}, body = ""): Promise<Answer> {
  return new Promise((done, failed) => {
    const sent = request(
      { host: url.hostname, port: url.port, method, path, headers: { host: url.host, ...headers } },
      (response) => {
        let text = "";
        response.on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () => done({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      },
    );
    sent.on("error", failed);
    sent.end(body);
  });
}

const fromPage = (url: URL) => ({ origin: url.origin, "content-type": "application/json" });
const press = (kind: string, id = "press-0001") => JSON.stringify({ kind, id });

describe("what the page in the cab serves", () => {
  it("is the page, its fonts, its words and what the unit says, with nothing from elsewhere", async () => {
    const { url } = await start();
    for (const path of ["/", "/style.css", "/icon.svg", "/fonts/khmer-bold.woff2", "/fonts/latin-regular.woff2"]) {
      const answer = await ask(url, "GET", path);
      expect(answer.status, path).toBe(200);
      expect(answer.headers["content-security-policy"]).toContain("default-src 'self'");
      expect(answer.headers["cache-control"]).toBe("no-store");
    }
    expect(JSON.parse((await ask(url, "GET", "/api/view")).body)).toEqual(VIEW);
    expect(JSON.parse((await ask(url, "GET", "/words/km.json")).body)).toHaveProperty("language", "ភាសាខ្មែរ");
    expect(JSON.parse((await ask(url, "GET", "/api/setup")).body)).toMatchObject({ language: "km" });
  });

  it.each(["/../package.json", "/words/../en.json", "/words/constructor.json", "/api/nothing", "//x", "/%2e%2e/"])(
    "is nothing at %s",
    async (path) => {
      const { url } = await start();
      expect((await ask(url, "GET", path)).status).toBe(404);
    },
  );

  it.each(["evil.example", "evil.example:8088", "127.0.0.1", "127.0.0.1.evil.example", "unit.local"])(
    "is refused under the name %j, which could be made to point here",
    async (name) => {
      const { url } = await start();
      const host = name.includes(":") ? name : `${name}:${Number(url.port) + (name === "127.0.0.1" ? 1 : 0)}`;
      expect((await ask(url, "GET", "/api/view", { host })).status).toBe(421);
    },
  );
});

describe("a mark", () => {
  it("is answered when it is durable, and not before", async () => {
    let durable: () => void = () => undefined;
    const { url } = await start({ mark: () => new Promise<void>((done) => (durable = done)) });
    let answered = false;
    const answer = ask(url, "POST", "/api/mark", fromPage(url), press("detonation")).finally(() => {
      answered = true;
    });
    expect((await ask(url, "GET", "/api/view")).status).toBe(200);
    expect(answered).toBe(false);
    durable();
    expect((await answer).status).toBe(200);
  });

  it.each(MARK_KINDS)("can be %s", async (kind) => {
    const { url, marked } = await start();
    expect((await ask(url, "POST", "/api/mark", fromPage(url), press(kind))).status).toBe(200);
    expect(marked).toEqual([kind]);
  });

  it("that is sent twice is one", async () => {
    const { url, marked } = await start();
    const sent = () => ask(url, "POST", "/api/mark", fromPage(url), press("mine_found"));
    expect((await Promise.all([sent(), sent(), sent()])).map((a) => a.status)).toEqual([200, 200, 200]);
    expect(marked).toEqual(["mine_found"]);
  });

  it("that could not be stored says so, and can be tried again under its id", async () => {
    let fails = 1;
    const { url } = await start({ mark: () => (fails-- > 0 ? Promise.reject(new Error("disk")) : Promise.resolve()) });
    const sent = () => ask(url, "POST", "/api/mark", fromPage(url), press("mine_found"));
    expect((await sent()).status).toBe(503);
    expect((await sent()).status).toBe(200);
  });

  it.each([
    ["another origin", { origin: "http://evil.example" }],
    ["no origin", { origin: "" }],
    ["a plain form", { "content-type": "text/plain" }],
  ])("from %s is refused", async (_words, headers) => {
    const { url, marked } = await start();
    const answer = await ask(url, "POST", "/api/mark", { ...fromPage(url), ...headers }, press("mine_found"));
    expect(answer.status).toBe(403);
    expect(marked).toEqual([]);
  });

  it.each([
    ["nothing", "", 400],
    ["no JSON", "kind=mine_found", 400],
    ["an unknown kind", press("start_engine"), 400],
    ["an extra key", '{"kind":"standby","id":"press-0001","run":1}', 400],
    ["a prototype", '{"__proto__":{"kind":"standby","id":"press-0001"}}', 400],
    ["an id with markup", press("standby", "<img src=x>"), 400],
    ["a body without end", JSON.stringify({ kind: "standby", id: "x".repeat(5000) }), 413],
  ])("of %s is refused", async (_words, body, status) => {
    const { url, marked } = await start();
    expect((await ask(url, "POST", "/api/mark", fromPage(url), body)).status).toBe(status);
    expect(marked).toEqual([]);
  });

  it("cannot be made by reading", async () => {
    const { url, marked } = await start();
    expect((await ask(url, "GET", "/api/mark", fromPage(url))).status).toBe(404);
    for (const method of ["PUT", "DELETE", "PATCH"])
      expect((await ask(url, method, "/api/mark", fromPage(url))).status).toBe(405);
    expect(marked).toEqual([]);
  });

  it("in a flood is refused after thirty in a minute, until the minute is over", async () => {
    let nowMs = 0;
    const { url, marked } = await start({ nowMs: () => nowMs });
    const sent = async (i: number) =>
      (await ask(url, "POST", "/api/mark", fromPage(url), press("standby", `flood-${1000 + i}`))).status;
    const statuses: number[] = [];
    for (let i = 0; i < 35; i++) statuses.push(await sent(i));
    expect(statuses.filter((s) => s === 200).length).toBe(30);
    expect(statuses.slice(30)).toEqual([429, 429, 429, 429, 429]);
    nowMs = 60_001;
    expect(await sent(99)).toBe(200);
    expect(marked.length).toBe(31);
  });
});

describe("on the cab's own network", () => {
  const token = "correct horse";
  const enter = (url: URL, given: string) =>
    ask(url, "POST", "/api/enter", fromPage(url), JSON.stringify({ token: given }));

  it("nothing of the unit is seen or marked without its token", async () => {
    const { url, marked } = await start({ token });
    expect((await ask(url, "GET", "/")).status).toBe(200);
    expect((await ask(url, "GET", "/api/view")).status).toBe(401);
    expect((await ask(url, "GET", "/events")).status).toBe(401);
    expect((await ask(url, "POST", "/api/mark", fromPage(url), press("standby"))).status).toBe(401);
    expect((await enter(url, "wrong horse")).status).toBe(401);
    const welcome = await enter(url, token);
    expect(welcome.status).toBe(200);
    const set = String(welcome.headers["set-cookie"]);
    expect(set).toMatch(/HttpOnly; SameSite=Strict/);
    expect(set).not.toContain(token);
    const cookie = set.split(";", 1)[0]!;
    expect((await ask(url, "GET", "/api/view", { cookie })).status).toBe(200);
    expect((await ask(url, "POST", "/api/mark", { ...fromPage(url), cookie }, press("standby"))).status).toBe(200);
    expect(marked).toEqual(["standby"]);
    expect((await ask(url, "GET", "/api/view", { cookie: `${cookie.slice(0, -1)}x` })).status).toBe(401);
  });

  it("guessing is cut off after twenty tries in a minute, even for the right token", async () => {
    let nowMs = 0;
    const { url } = await start({ token, nowMs: () => nowMs });
    for (let i = 0; i < 20; i++) await enter(url, `guess ${i}`);
    expect((await enter(url, token)).status).toBe(401);
    nowMs = 60_001;
    expect((await enter(url, token)).status).toBe(200);
  });
});

describe("clients that would exhaust the unit", () => {
  it("get no more than 16 streams, and a place is free again when one leaves", async () => {
    const { url } = await start();
    const listen = () =>
      new Promise<{ status: number; leave: () => Promise<unknown> }>((done) => {
        const sent = request({ host: url.hostname, port: url.port, path: "/events", headers: { host: url.host } });
        sent.on("response", (r) =>
          done({
            status: r.statusCode ?? 0,
            leave: () => {
              const gone = once(sent, "close");
              sent.destroy();
              return gone;
            },
          }),
        );
        sent.on("error", () => undefined);
        sent.end();
      });
    const streams = [];
    for (let i = 0; i < 17; i++) streams.push(await listen());
    expect(streams.map((s) => s.status)).toEqual([...new Array<number>(16).fill(200), 503]);
    await streams[0]!.leave();
    let status = 503;
    while (status === 503) status = (await listen()).status;
    expect(status).toBe(200);
  });

  it("cannot hold the page by sending a request slowly: others are served meanwhile", async () => {
    const { url } = await start();
    const slow = Array.from({ length: 20 }, () => {
      const socket = connect(Number(url.port), url.hostname);
      socket.on("error", () => undefined);
      socket.write("GET / HTTP/1.1\r\nHost: ");
      return socket;
    });
    expect((await ask(url, "GET", "/api/view")).status).toBe(200);
    for (const socket of slow) socket.destroy();
  });
});
