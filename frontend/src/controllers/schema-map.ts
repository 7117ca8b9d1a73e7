import { Controller } from "@hotwired/stimulus";

/**
 * The picture of a schema: pointing at a model, or reaching it by keyboard, shows what it is linked with.
 *
 *   <section data-controller="schema-map">
 *     <g data-schema-map-target="link" data-ends="3 5">…</g>
 *     <div data-schema-map-target="node" data-model="3" data-action="mouseenter->schema-map#show …">…</div>
 */
export default class SchemaMapController extends Controller<HTMLElement> {
  static override targets = ["node", "link"];

  declare readonly nodeTargets: HTMLElement[];
  declare readonly linkTargets: SVGGElement[];

  show(event: Event): void {
    const chosen = (event.currentTarget as HTMLElement).dataset.model ?? "";
    const near = new Set([chosen]);
    for (const link of this.linkTargets) {
      const ends = (link.dataset.ends ?? "").split(" ");
      const touches = ends.includes(chosen);
      link.toggleAttribute("data-lit", touches);
      if (touches) ends.forEach((end) => near.add(end));
    }
    for (const node of this.nodeTargets) node.toggleAttribute("data-dim", !near.has(node.dataset.model ?? ""));
  }

  hide(): void {
    for (const part of [...this.linkTargets, ...this.nodeTargets]) {
      part.removeAttribute("data-lit");
      part.removeAttribute("data-dim");
    }
  }
}
