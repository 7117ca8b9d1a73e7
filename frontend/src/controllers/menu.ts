import { Controller } from "@hotwired/stimulus";

const ITEMS = '[role^="menuitem"]:not([disabled])';
const GAP = 4;

/**
 * Arrow keys in a popover menu, closing it on a choice, and its place where CSS anchors are missing.
 * A field marked data-menu-search takes the focus; Enter in it takes the first entry.
 *
 *   <button popovertarget="m">…</button><div id="m" popover role="menu" data-controller="menu">…</div>
 */
export default class MenuController extends Controller<HTMLElement> {
  private readonly onToggle = (event: Event): void => this.toggled((event as ToggleEvent).newState === "open");
  private readonly onKey = (event: KeyboardEvent): void => this.pressed(event);
  private readonly onClick = (event: Event): void => this.clicked(event);

  override connect(): void {
    this.element.addEventListener("toggle", this.onToggle);
    this.element.addEventListener("keydown", this.onKey);
    this.element.addEventListener("click", this.onClick);
  }

  override disconnect(): void {
    this.element.removeEventListener("toggle", this.onToggle);
    this.element.removeEventListener("keydown", this.onKey);
    this.element.removeEventListener("click", this.onClick);
  }

  private get opener(): HTMLElement | null {
    return document.querySelector(`[popovertarget="${CSS.escape(this.element.id)}"]`);
  }

  private get items(): HTMLElement[] {
    return [...this.element.querySelectorAll<HTMLElement>(ITEMS)];
  }

  private get search(): HTMLInputElement | null {
    return this.element.querySelector("[data-menu-search]");
  }

  private toggled(open: boolean): void {
    this.opener?.setAttribute("aria-expanded", String(open));
    if (!open) return;
    if (!CSS.supports("position-area", "bottom")) this.place();
    (this.search ?? this.items[0])?.focus();
  }

  private place(): void {
    const anchor = this.opener?.getBoundingClientRect();
    if (!anchor) return;
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const left = this.element.classList.contains("menu-end") ? anchor.right - width : anchor.left;
    const below = anchor.bottom + GAP + height <= window.innerHeight;
    this.element.style.left = `${Math.max(GAP, Math.min(left, window.innerWidth - width - GAP))}px`;
    this.element.style.top = `${below ? anchor.bottom : Math.max(GAP, anchor.top - height - 2 * GAP)}px`;
  }

  private pressed(event: KeyboardEvent): void {
    const items = this.items;
    const typing = document.activeElement === this.search && this.search !== null;
    if (typing && event.key === "Enter") {
      event.preventDefault();
      items[0]?.click();
      return;
    }
    if (typing && (event.key === "Home" || event.key === "End")) return;
    const at = items.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    items[(next + items.length) % items.length]?.focus();
  }

  private clicked(event: Event): void {
    if ((event.target as HTMLElement).closest(ITEMS)) this.element.hidePopover();
  }
}
