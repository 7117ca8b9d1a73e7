import { Controller } from "@hotwired/stimulus";
import type { Chart, ChartData } from "../islands/chart";

/** Draws the numbers of the JSON block inside: see templates/components/chart.html. */
export default class ChartController extends Controller<HTMLElement> {
  static override values = { kind: String, unit: String, title: String };
  static override targets = ["canvas"];

  declare readonly kindValue: string;
  declare readonly unitValue: string;
  declare readonly canvasTarget: HTMLElement;
  private chart?: Chart;
  private readonly onTheme = (): void => void this.draw();
  private readonly system = window.matchMedia("(prefers-color-scheme: dark)");
  private readonly size = new ResizeObserver(() => this.chart?.resize());

  override connect(): void {
    document.addEventListener("headrace:theme", this.onTheme);
    this.system.addEventListener("change", this.onTheme);
    this.size.observe(this.canvasTarget);
    void this.draw();
  }

  override disconnect(): void {
    document.removeEventListener("headrace:theme", this.onTheme);
    this.system.removeEventListener("change", this.onTheme);
    this.size.disconnect();
    this.chart?.dispose();
    this.chart = undefined;
  }

  private async draw(): Promise<void> {
    const { drawChart } = await import("../islands/chart");
    if (!this.element.isConnected) return;
    this.chart?.dispose();
    this.chart = drawChart(this.canvasTarget, this.numbers, { kind: this.kindValue, unit: this.unitValue });
  }

  private get numbers(): ChartData {
    const block = this.element.querySelector('script[type="application/json"]');
    return JSON.parse(block?.textContent ?? '{"labels": [], "series": []}') as ChartData;
  }
}
