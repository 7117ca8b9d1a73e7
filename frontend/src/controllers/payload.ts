import { Controller } from "@hotwired/stimulus";

/** Copy and full screen for a body that is shown as text: see templates/components/payload.html. */
export default class PayloadController extends Controller<HTMLElement> {
  static override targets = ["text", "copyButton"];

  declare readonly textTarget: HTMLElement;
  declare readonly copyButtonTarget: HTMLElement;

  async copy(): Promise<void> {
    await navigator.clipboard.writeText(this.textTarget.textContent ?? "");
    this.copyButtonTarget.textContent = "Copied";
    window.setTimeout(() => (this.copyButtonTarget.textContent = "Copy"), 1500);
  }

  /** The browser's own full screen: Escape leaves it, and its search looks through the whole text. */
  async full(): Promise<void> {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await this.element.requestFullscreen();
  }
}
