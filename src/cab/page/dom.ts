/** The element of this id; index.html promises it. */
export function one(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found;
}

/** A new element with its text; markup in the text stays text. */
export function made(tag: string, text: string, className?: string): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

/** Writes a text where it has changed, so that a screen reader stays quiet while nothing happens. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Puts new children in place of the old ones, when `key` says that they differ. */
export function refill(parent: HTMLElement, key: unknown, children: () => readonly HTMLElement[]): void {
  const text = JSON.stringify(key);
  if (parent.dataset["key"] === text) return;
  parent.dataset["key"] = text;
  parent.replaceChildren(...children());
}
