import { Controller } from "@hotwired/stimulus";

/** A filter bar applies choices at once, so its "Apply" buttons (for browsers without scripts) go away. */
export default class FiltersController extends Controller<HTMLFormElement> {
  static override targets = ["apply"];

  applyTargetConnected(button: HTMLElement): void {
    button.hidden = true;
  }
}
