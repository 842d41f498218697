/* Numbers as people read them. */
export function show_count(count: number): string {
  const size = Math.abs(count);
  if (size < 10000) return String(Math.round(count * 100) / 100);
  if (size < 1e6) return `${(count / 1e3).toFixed(size < 1e5 ? 1 : 0)} k`;
  if (size < 1e9) return `${(count / 1e6).toFixed(size < 1e8 ? 1 : 0)} M`;
  return `${(count / 1e9).toFixed(1)} G`;
}
export function show_whole(count: number): string {
  return Math.round(count).toString().replace(/\B(?=(\d{3})+$)/g, " ");
}
export function show_bytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB", "PB"];
  let at = 0;
  let size = bytes;
  while (Math.abs(size) >= 1000 && at < units.length - 1) {
    size /= 1000;
    at++;
  }
  return `${at === 0 ? size : size.toFixed(size < 10 ? 1 : 0)} ${units[at]}`;
}
