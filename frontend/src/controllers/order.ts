import { Controller } from "@hotwired/stimulus";

/**
 * Lines in an order: moved by dragging a handle or with buttons, and numbered by where they stand.
 *
 *   <section data-controller="order">
 *     <ol data-order-target="list">
 *       <li data-order-target="item"><span data-order-handle>…</span><input data-order-target="place" name="step-0-ORDER">
 *         <button data-action="order#up" aria-label="Move step 1 up">…</button></li>
 *     </ol>
 *     <p class="sr-only" role="status" data-order-target="said"></p>
 *   </section>
 *
 * Hidden lines are removed ones: they keep their place in the form and count for nothing.
 */
export default class OrderController extends Controller<HTMLElement> {
  static override targets = ["list", "item", "place", "said"];

  declare readonly listTarget: HTMLElement;
  declare readonly itemTargets: HTMLElement[];
  declare readonly placeTargets: HTMLInputElement[];
  declare readonly saidTarget: HTMLElement;
  private sortable: { destroy(): void } | undefined;

  override connect(): void {
    this.number();
    void this.drag();
  }

  override disconnect(): void {
    this.sortable?.destroy();
    this.sortable = undefined;
  }

  up(event: Event): void {
    this.move(event, -1);
  }

  down(event: Event): void {
    this.move(event, 1);
  }

  /** Give every line the number of its place, in its input and in the names of its buttons. */
  number(): void {
    this.shown.forEach((item, at) => {
      const place = item.querySelector<HTMLInputElement>("[data-order-target~=place]");
      if (place) Object.assign(place, { value: String(at + 1), readOnly: true });
      for (const part of item.querySelectorAll("[aria-label]")) {
        part.setAttribute("aria-label", (part.getAttribute("aria-label") ?? "").replace(/\d+/, String(at + 1)));
      }
    });
  }

  private get shown(): HTMLElement[] {
    return this.itemTargets.filter((item) => !item.hidden);
  }

  private move(event: Event, by: -1 | 1): void {
    const button = event.currentTarget as HTMLElement;
    const item = button.closest<HTMLElement>("[data-order-target~=item]");
    if (!item) return;
    const other = this.shown[this.shown.indexOf(item) + by];
    if (!other) return;
    if (by < 0) other.before(item);
    else other.after(item);
    button.focus();
    this.settle(item);
  }

  private settle(item: HTMLElement): void {
    this.number();
    this.saidTarget.textContent = `Now step ${this.shown.indexOf(item) + 1} of ${this.shown.length}.`;
  }

  private async drag(): Promise<void> {
    const { default: Sortable } = await import("sortablejs");
    if (!this.element.isConnected) return;
    this.sortable = Sortable.create(this.listTarget, {
      handle: "[data-order-handle]",
      animation: window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 120,
      onEnd: ({ item }) => this.settle(item),
    });
  }
}
