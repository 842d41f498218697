/* Random ids in hexadecimal digits: 16 bytes for a trace, 8 for a span. */
export function id_make(bytes: number): string {
  const random = new Uint8Array(bytes);
  crypto.getRandomValues(random);
  let id = "";
  for (const byte of random) id += byte.toString(16).padStart(2, "0");
  return /[1-9a-f]/.test(id) ? id : id_make(bytes); /* all zeros means none (W3C Trace Context, 3.2.2.3) */
}

/* 0 to 1, of a text: the same in every tab and on every page of a session, so that a session is sampled as a whole. FNV-1a. */
export function share_of(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 0x100000000;
}
