import { made, one, refill, say } from "./dom.ts";
import { languageCode, word } from "./language.ts";
import type { MarkName } from "./view.ts";

const KINDS: readonly MarkName[] = ["mine_found", "detonation", "breakdown", "standby"];
/** A second press within this time, in ms, is meant: one touch alone may be a sleeve. */
const ARMED_MS = 4000;

let armed: MarkName | undefined;
let disarm: ReturnType<typeof setTimeout> | undefined;

/** Sends a mark, and says below the buttons what became of it. */
export async function sendMark(kind: MarkName): Promise<void> {
  const said = one("mark-said");
  say(said, word("mark.sending"));
  // The same press goes out again under the same id, so that it is one mark even where only the answer was lost.
  const body = JSON.stringify({ kind, id: makeId() });
  for (let tries = 0; tries < 3; tries++) {
    try {
      const answer = await fetch("/api/mark", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
      if (!answer.ok) continue;
      say(said, `✓ ${word("mark.done")}: ${word(`mark.${kind}`)}`);
      return;
    } catch {
      // The unit was not reached: tried again.
    }
  }
  say(said, `✕ ${word("mark.failed")}`);
}

/** `crypto.randomUUID` needs a secure context, which a cab's own network is not. */
function makeId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function press(kind: MarkName): void {
  clearTimeout(disarm);
  if (armed === kind) {
    armed = undefined;
    void sendMark(kind);
  } else {
    armed = kind;
    disarm = setTimeout(() => {
      armed = undefined;
      drawMarks();
    }, ARMED_MS);
  }
  drawMarks();
}

/** Draws the mark buttons; the one that was pressed once asks to be pressed again. */
export function drawMarks(): void {
  refill(one("marks"), languageCode(), () =>
    KINDS.map((kind) => {
      const button = made("button", "");
      button.dataset["kind"] = kind;
      button.addEventListener("click", () => press(kind));
      return button;
    }),
  );
  for (const button of one("marks").querySelectorAll("button")) {
    const kind = button.dataset["kind"] ?? "";
    const isArmed = kind === armed;
    button.dataset["armed"] = String(isArmed);
    say(button, isArmed ? `${word(`mark.${kind}`)}: ${word("mark.again")}` : word(`mark.${kind}`));
  }
}
