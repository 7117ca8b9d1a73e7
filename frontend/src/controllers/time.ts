import { Controller } from "@hotwired/stimulus";

const UNITS: [number, Intl.RelativeTimeFormatUnit][] = [
  [31_536_000, "year"], [2_592_000, "month"], [86_400, "day"], [3_600, "hour"], [60, "minute"],
];
const REFRESH_MS = 20_000;

/**
 * Keeps "3 minutes ago" true and puts the exact time in the viewer's zone into the tooltip.
 *
 *   <time datetime="2026-11-22T14:05:00+00:00" data-controller="time">3 minutes ago</time>
 */
export default class TimeController extends Controller<HTMLTimeElement> {
  private timer = 0;

  override connect(): void {
    const zone = document.body.dataset.timeZone || undefined;
    this.element.title = exactTime(new Date(this.element.dateTime), zone);
    this.show();
    this.timer = window.setInterval(() => this.show(), REFRESH_MS);
  }

  override disconnect(): void {
    window.clearInterval(this.timer);
  }

  private show(): void {
    this.element.textContent = relativeTime(new Date(this.element.dateTime), new Date());
  }
}

/** 22 Nov 2026, 14:05 GMT+1. */
export function exactTime(moment: Date, timeZone?: string): string {
  const format = new Intl.DateTimeFormat("en-GB", {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZone, timeZoneName: "short",
  });
  return format.format(moment);
}

/** How long ago or until, in the largest unit that fits; the server says it in the same words. */
export function relativeTime(moment: Date, now: Date): string {
  const seconds = (now.getTime() - moment.getTime()) / 1000;
  for (const [size, name] of UNITS) {
    const count = Math.floor(Math.abs(seconds) / size);
    if (count) {
      const words = `${count} ${name}${count === 1 ? "" : "s"}`;
      return seconds > 0 ? `${words} ago` : `in ${words}`;
    }
  }
  return seconds >= 0 ? "just now" : "in a moment";
}
