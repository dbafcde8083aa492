/** The element with this id, which index.html promises. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`no element #${id}`);
  return element as T;
}

/** Sets the text of an element when it differs, so that a screen reader and the layout rest while nothing changes. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** A new element with a class and text; whatever the text holds, it is shown as text. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = "",
  text?: string,
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

/** One cell of a table: text, and how to show it. */
export interface Cell {
  readonly text: string;
  /** A shape before the text, so that meaning never hangs on colour alone. */
  readonly icon?: string;
  readonly tone?: string;
  readonly number?: boolean;
  /** Never broken over lines. */
  readonly short?: boolean;
  /** Second, quieter line. */
  readonly sub?: string;
  readonly title?: string;
}

/** Fills a table, touching only what changed. The first row heads the columns. */
export function fillTable(table: HTMLTableElement, head: readonly Cell[], rows: readonly (readonly Cell[])[]): void {
  const thead = table.tHead ?? table.createTHead();
  const body = table.tBodies[0] ?? table.createTBody();
  fillRow(thead.rows[0] ?? thead.insertRow(), head, "th");
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((cells, i) => {
    fillRow(body.rows[i] ?? body.insertRow(), cells, "td");
  });
}

function fillRow(row: HTMLTableRowElement, cells: readonly Cell[], tag: "th" | "td"): void {
  while (row.cells.length > cells.length) row.deleteCell(-1);
  cells.forEach((cell, i) => {
    let td = row.cells[i];
    if (td === undefined) {
      td = document.createElement(tag);
      if (tag === "th") td.scope = "col";
      row.append(td);
    }
    const key = JSON.stringify(cell);
    if (td.dataset["key"] === key) return;
    td.dataset["key"] = key;
    td.className = cell.number === true ? "num" : cell.short === true ? "short" : "";
    td.title = cell.title ?? "";
    if (cell.tone === undefined) delete td.dataset["tone"];
    else td.dataset["tone"] = cell.tone;
    td.replaceChildren();
    if (cell.icon !== undefined) {
      const icon = el("i", "", cell.icon);
      icon.setAttribute("aria-hidden", "true");
      td.append(icon);
    }
    td.append(cell.text);
    if (cell.sub !== undefined) td.append(el("small", "", cell.sub));
  });
}

/** Fills a list of pairs, touching only what changed. */
export function fillPairs(list: HTMLElement, pairs: readonly (readonly [term: string, text: string])[]): void {
  while (list.children.length > pairs.length) list.lastElementChild!.remove();
  pairs.forEach(([term, text], i) => {
    let pair = list.children[i];
    if (pair === undefined) {
      pair = el("div");
      pair.append(el("dt"), el("dd"));
      list.append(pair);
    }
    setText(pair.children[0]!, term);
    setText(pair.children[1]!, text);
  });
}
