import { expect, test } from "vitest";
import { mount } from "../testing";
import TimeController, { exactTime, relativeTime } from "./time";

const now = new Date("2026-11-22T14:05:00Z");
const ago = (seconds: number): Date => new Date(now.getTime() - seconds * 1000);

test.each([
  [5, "just now"], [60, "1 minute ago"], [7_300, "2 hours ago"], [86_400 * 3, "3 days ago"], [-3_700, "in 1 hour"], [-10, "in a moment"],
])("%d seconds ago reads %s", (seconds, words) => {
  expect(relativeTime(ago(seconds), now)).toBe(words);
});

test("the exact time is in the given zone", () => {
  expect(exactTime(now, "Asia/Tokyo")).toContain("22 Nov 2026, 23:05");
});

test("the tooltip holds the exact time in the person's zone", async () => {
  document.body.dataset.timeZone = "Europe/Berlin";
  const time = await mount('<time datetime="2026-11-22T14:05:00+00:00" data-controller="time">x</time>', "time", TimeController);
  expect(time.title).toContain("22 Nov 2026, 15:05");
  expect(time.textContent).not.toBe("x");
});
