import { Controller } from "@hotwired/stimulus";

const SHOWN_MS = 6000;
const MOST = 4;

/**
 * Messages that float for a while: those of the page, and those a server answer sends along
 * (`HX-Trigger: {"toast": {"text": "Sync ran.", "tone": "good"}}`). Failures stay until dismissed.
 */
export default class ToastsController extends Controller<HTMLElement> {
  static override targets = ["list", "toast", "template"];

  declare readonly listTarget: HTMLElement;
  declare readonly toastTargets: HTMLElement[];
  declare readonly templateTarget: HTMLTemplateElement;

  toastTargetConnected(toast: HTMLElement): void {
    if (toast.dataset.tone !== "bad") window.setTimeout(() => toast.remove(), SHOWN_MS);
    for (const extra of this.toastTargets.slice(0, -MOST)) extra.remove();
  }

  arrive(event: CustomEvent<{ text?: string; value?: string; tone?: string }>): void {
    const { text, value, tone = "neutral" } = event.detail;
    const toast = (this.templateTarget.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement;
    toast.dataset.tone = tone;
    toast.querySelector("p")!.textContent = text ?? value ?? "";
    for (const icon of toast.querySelectorAll<HTMLElement>("[data-icon]")) {
      if (icon.dataset.icon === tone) icon.replaceWith(...icon.childNodes);
      else icon.remove();
    }
    this.listTarget.append(toast);
  }

  dismiss(event: Event): void {
    (event.currentTarget as HTMLElement).closest(".toast")?.remove();
  }
}
