import { one, say } from "./dom.ts";
import { draw, drawLost } from "./draw.ts";
import { startLanguages, word } from "./language.ts";
import { drawMarks } from "./marks.ts";
import type { CabView } from "./view.ts";

/** The unit says something at least once a second; after this long without a word, in ms, it is lost. */
const LOST_MS = 4000;
const RETRY_MS = 1000;

let newest: CabView | undefined;
let heardMs = Number.NEGATIVE_INFINITY;

function redraw(): void {
  drawMarks();
  if (newest !== undefined && performance.now() - heardMs < LOST_MS) draw(newest);
  else drawLost();
}

function listen(): void {
  const stream = new EventSource("/events");
  stream.addEventListener("message", (event) => {
    newest = JSON.parse(String(event.data)) as CabView;
    heardMs = performance.now();
    redraw();
  });
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => void start(), RETRY_MS);
  });
}

async function enter(token: string): Promise<boolean> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch("/api/enter", { method: "POST", headers, body: JSON.stringify({ token }) });
  return answer.ok;
}

/** Looks whether the page may be seen, asks for the token when not, and then listens. */
async function start(): Promise<void> {
  try {
    const answer = await fetch("/api/view");
    if (answer.status === 401) {
      one("token").hidden = false;
      one("page").hidden = true;
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    one("token").hidden = true;
    one("page").hidden = false;
    listen();
  } catch {
    setTimeout(() => void start(), RETRY_MS);
  }
}

one("token").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = one("token-text") as HTMLInputElement;
  void enter(input.value).then((ok) => {
    say(one("token-said"), ok ? "" : word("token.wrong"));
    if (ok) void start();
  });
});

await startLanguages(redraw);
redraw();
setInterval(redraw, RETRY_MS);
// A link with `#token=…`, as a code on the unit's label may hold it, opens the page at once; the token leaves the address.
const given = /^#token=(.+)$/.exec(location.hash)?.[1];
if (given !== undefined) {
  history.replaceState(null, "", "/");
  await enter(decodeURIComponent(given));
}
await start();
