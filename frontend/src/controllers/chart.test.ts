import { expect, test, vi } from "vitest";
import { mount } from "../testing";
import { short, words } from "../islands/chart";
import ChartController from "./chart";

const drawn = vi.hoisted(() => vi.fn(() => ({ resize: () => undefined, dispose: () => undefined })));
vi.mock("echarts/core", () => ({ init: () => ({ ...drawn(), setOption: options }), use: () => undefined }));
const options = vi.hoisted(() => vi.fn());

test("draws the numbers of its data block", async () => {
  vi.stubGlobal("ResizeObserver", class { observe(): void {} disconnect(): void {} });
  await mount(
    `<figure data-controller="chart" data-chart-kind-value="stacked"><div data-chart-target="canvas"></div>
     <script type="application/json">{"labels": ["1 Nov"], "series": [{"name": "Added", "data": [3]}]}</script></figure>`,
    "chart", ChartController,
  );
  await vi.waitFor(() => expect(options).toHaveBeenCalled());
  expect(options.mock.calls[0]?.[0]).toMatchObject({ xAxis: { data: ["1 Nov"] }, series: [{ name: "Added", data: [3], type: "bar", stack: "all" }] });
});

test("ranked bars lie, the first on top", async () => {
  vi.stubGlobal("ResizeObserver", class { observe(): void {} disconnect(): void {} });
  options.mockClear();
  await mount(
    `<figure data-controller="chart" data-chart-kind-value="ranked"><div data-chart-target="canvas"></div>
     <script type="application/json">{"labels": ["north"], "series": [{"name": "Members", "data": [3]}]}</script></figure>`,
    "chart", ChartController,
  );
  await vi.waitFor(() => expect(options).toHaveBeenCalled());
  expect(options.mock.calls[0]?.[0]).toMatchObject({ yAxis: { type: "category", data: ["north"], inverse: true }, xAxis: { type: "value" } });
});

test("numbers are grouped and short on the axis", () => {
  expect(words(12345, "rows")).toBe("12,345 rows");
  expect(words(null, "rows")).toBe("–");
  expect(short(1200)).toBe("1.2K");
});
