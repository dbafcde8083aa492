import { el } from "./dom.ts";
import type { RulesView } from "./view.ts";

/** The key to the map, made once. */
export function fillLegend(list: HTMLElement, rules: RulesView): void {
  const entry = (swatch: string, text: string) => {
    const item = el("li");
    item.append(el("span", `swatch ${swatch}`), text);
    return item;
  };
  list.replaceChildren(
    entry("band", `processed (tool engaged), ${rules.toolWidthM.toFixed(1)} m wide`),
    entry("shallow", `processed, shallower than ${Math.round(rules.targetDepthM * 100)} cm`),
    entry("transit", "transit"),
    entry("shock", `shock ≥ ${Math.round(rules.shockLineMps2)} m/s²`),
  );
}
