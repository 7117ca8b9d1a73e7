import { Controller } from "@hotwired/stimulus";

/**
 * Takes the focus to the summary of what is wrong with a form, when one arrives.
 *
 *   <div role="alert" tabindex="-1" data-controller="problems">…</div>
 */
export default class ProblemsController extends Controller<HTMLElement> {
  override connect(): void {
    this.element.focus({ preventScroll: false });
  }
}
