import { Controller } from "@hotwired/stimulus";
import { remember } from "../cookies";

/** The left rail: narrow on wide screens by choice, a drawer on small ones. */
export default class RailController extends Controller<HTMLElement> {
  static override targets = ["rail", "opener", "collapse"];

  declare readonly railTarget: HTMLElement;
  declare readonly openerTarget: HTMLElement;
  declare readonly collapseTarget: HTMLElement;
  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && "open" in this.railTarget.dataset) this.close();
  };

  override connect(): void {
    document.addEventListener("keydown", this.onKey);
    this.railTarget.querySelector("[aria-current=page]")?.scrollIntoView?.({ block: "nearest" });
    this.name();
  }

  override disconnect(): void {
    document.removeEventListener("keydown", this.onKey);
  }

  open(): void {
    this.railTarget.dataset.open = "";
    this.railTarget.querySelector<HTMLElement>("a, button")?.focus();
  }

  close(): void {
    delete this.railTarget.dataset.open;
    this.openerTarget.focus();
  }

  collapse(): void {
    const narrow = this.element.dataset.rail !== "narrow";
    this.element.dataset.rail = narrow ? "narrow" : "wide";
    remember("rail", narrow ? "narrow" : "wide");
    this.name();
  }

  private name(): void {
    const words = this.element.dataset.rail === "narrow" ? "Widen the rail" : "Collapse the rail";
    this.collapseTarget.setAttribute("aria-label", words);
    this.collapseTarget.title = words;
  }
}
