import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import type { EChartsType } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, LineChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer]);

export interface ChartData {
  labels: string[];
  series: { name: string; data: (number | null)[] }[];
}

export interface ChartOptions {
  /** line, bar, stacked, or ranked and ranked-stacked: bars that lie, the first on top. */
  kind: string;
  unit: string;
}

export type Chart = Pick<EChartsType, "resize" | "dispose">;

/** So many points of a line are marked each; one point alone would be no line at all. */
const FEW = 40;
const PALETTE = ["--chart-1", "--chart-2", "--chart-3", "--chart-4", "--chart-5", "--chart-6"];

/** Draws on a canvas only (tooltips too), so that nothing needs an inline style attribute. */
export function drawChart(host: HTMLElement, data: ChartData, options: ChartOptions): Chart {
  const ink = colour(host, "--ink-3");
  const line = colour(host, "--line");
  const text = { color: ink, fontFamily: getComputedStyle(host).fontFamily, fontSize: 12 };
  const chart = init(host, null, { renderer: "canvas" });
  const ranked = options.kind.startsWith("ranked");
  const categories = { type: "category" as const, data: data.labels, inverse: ranked, axisTick: { show: false }, axisLine: { lineStyle: { color: line } }, axisLabel: { color: ink, hideOverlap: !ranked, width: ranked ? 160 : undefined, overflow: "truncate" as const } };
  const values = { type: "value" as const, minInterval: 1, splitLine: { lineStyle: { color: line } }, axisLabel: { color: ink, hideOverlap: true, formatter: (value: number) => short(value) } };
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  chart.setOption({
    animation: !still,
    animationDuration: 200,
    color: PALETTE.map((name) => colour(host, name)),
    textStyle: text,
    grid: { left: 4, right: 12, top: data.series.length > 1 ? 32 : 12, bottom: 4, containLabel: true },
    legend: { show: data.series.length > 1, left: 0, top: 0, icon: "roundRect", itemWidth: 10, itemHeight: 10, textStyle: { ...text, color: colour(host, "--ink-2") } },
    tooltip: {
      trigger: "axis", renderMode: "richText", confine: true, axisPointer: { type: options.kind === "line" ? "line" : "shadow" },
      backgroundColor: colour(host, "--surface"), borderColor: line, borderWidth: 1, textStyle: { ...text, color: colour(host, "--ink") },
      valueFormatter: (value: unknown) => words(value, options.unit),
    },
    xAxis: ranked ? values : categories,
    yAxis: ranked ? categories : values,
    series: data.series.map((series) => ({
      name: series.name, data: series.data, type: options.kind === "line" ? "line" : "bar", stack: options.kind.endsWith("stacked") ? "all" : undefined,
      showSymbol: data.labels.length <= FEW, connectNulls: true, lineStyle: { width: 2 }, barMaxWidth: 22, emphasis: { focus: "series" },
    })),
  });
  return chart;
}

/** A token's colour as the browser resolves it; canvases do not know custom properties. */
function colour(host: HTMLElement, token: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  host.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}

export function words(value: unknown, unit: string): string {
  if (typeof value !== "number") return "–";
  return `${value.toLocaleString("en-GB")}${unit ? ` ${unit}` : ""}`;
}

/** 1.2k, 3M: axis labels that do not push the picture aside. */
export function short(value: number): string {
  return new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(value);
}
