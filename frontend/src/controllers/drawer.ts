import { Controller } from "@hotwired/stimulus";

/**
 * Opens a side panel when something is swapped into its body; `data-drawer-title` in what arrives names it.
 *
 *   <a href="/row/1" hx-get="/row/1" hx-target="#drawer-body">…</a>
 */
export default class DrawerController extends Controller<HTMLDialogElement> {
  static override targets = ["title"];

  declare readonly titleTarget: HTMLElement;
  private readonly onSwap = (): void => this.filled();

  override connect(): void {
    this.element.addEventListener("htmx:after:swap", this.onSwap);
  }

  override disconnect(): void {
    this.element.removeEventListener("htmx:after:swap", this.onSwap);
  }

  private filled(): void {
    const named = this.element.querySelector<HTMLElement>("[data-drawer-title]");
    if (named?.dataset.drawerTitle) this.titleTarget.textContent = named.dataset.drawerTitle;
    if (!this.element.open) this.element.showModal();
  }
}
