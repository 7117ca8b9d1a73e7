/** Small preferences the server reads too: they carry no secrets and live for a year. */
const YEAR = 31_536_000;

export function read(name: string): string | null {
  const found = document.cookie.split("; ").find((part) => part.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : null;
}

export function remember(name: string, value: string): void {
  document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=${YEAR}; samesite=lax`;
}

export function forget(name: string): void {
  document.cookie = `${name}=; path=/; max-age=0; samesite=lax`;
}
