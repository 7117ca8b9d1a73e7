import { Controller } from "@hotwired/stimulus";

/**
 * Opens a side panel when something is swapped into its body; `data-drawer-title` in what arrives names it.
 *
 *   <a href="/row/1" hx-get="/row/1" hx-target="#drawer-body">…</a>
 */
export default class DrawerController extends Controller<HTMLDialogElement> {
  static override targets = ["title"];

  declare readonly titleTarget: HTMLElement;
  // The event comes from the link that asked, which is outside; its context says what was filled.
  private readonly onSwap = (event: Event): void => {
    const filled = (event as CustomEvent<{ ctx?: { target?: unknown } } | null>).detail?.ctx?.target;
    if (filled instanceof Element && this.element.contains(filled)) this.filled();
  };

  override connect(): void {
    document.addEventListener("htmx:after:swap", this.onSwap);
  }

  override disconnect(): void {
    document.removeEventListener("htmx:after:swap", this.onSwap);
  }

  private filled(): void {
    const named = this.element.querySelector<HTMLElement>("[data-drawer-title]");
    if (named?.dataset.drawerTitle) this.titleTarget.textContent = named.dataset.drawerTitle;
    if (!this.element.open) this.element.showModal();
  }
}
