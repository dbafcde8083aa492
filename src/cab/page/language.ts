import { made, one, refill } from "./dom.ts";
import type { CabSetup } from "./view.ts";

const KEPT = "swath-language";

let words: Readonly<Record<string, string>> = {};
let code = "en";

/** The sentence of a key in the language chosen; the key itself when no language file has it. */
export const word = (key: string): string => words[key] ?? key;

/** The code of the language chosen. */
export const languageCode = (): string => code;

async function choose(next: string): Promise<void> {
  const answer = await fetch(`/words/${next}.json`);
  if (!answer.ok) return;
  words = (await answer.json()) as Record<string, string>;
  code = next;
  document.documentElement.lang = next;
  for (const element of document.querySelectorAll<HTMLElement>("[data-word]"))
    element.textContent = word(element.dataset["word"] ?? "");
}

/** Shows the languages as buttons, and begins with the one chosen last on this screen. */
export async function startLanguages(changed: () => void): Promise<void> {
  const setup = (await (await fetch("/api/setup")).json()) as CabSetup;
  const kept = localStorage.getItem(KEPT);
  await choose(setup.languages.some((l) => l.code === kept) ? kept! : setup.language);
  const draw = () =>
    refill(one("languages"), code, () =>
      setup.languages
        .filter((l) => l.code !== code)
        .map((language) => {
          const button = made("button", language.name);
          button.setAttribute("lang", language.code);
          button.addEventListener("click", () => {
            localStorage.setItem(KEPT, language.code);
            void choose(language.code).then(() => {
              draw();
              changed();
            });
          });
          return button;
        }),
    );
  draw();
}
