/* ui.h -- the web UI's files, inside the binary: compressed when it was built, served as they are.
 *
 *   ui/src --ui/build (Vite)--> build/web/ui/packed --.incbin--> ui_answer --> browser (br, gzip, or plain)
 *
 * Any path that is no file and that a browser asks for as a page gets index.html: the UI itself reads the path. Where the path
 * names a view it is that view's: the same, and names the files of the view too, so that they are asked for at once (ui/build).
 * Files under /assets/ have their content's hash in their name and stay in caches for good; index.html is asked for anew
 * each time, by its ETag. /sdk/monoscope.js is the browser SDK, which pages of any origin may load. Scripts and styles come from here alone (Content-Security-Policy), none is inline.
 * Thread: any; constant. Memory: none. */
#pragma once
#include "base/bytes.h"
#include "net/http.h"

/* False: not ours to answer (another method, no such file, not asked for as a page). */
bool ui_answer(struct http_request *request);
/* Is it answered with a page of the UI? */
bool ui_is_page(const struct http_request *request);
/* A parameter of a query, as it was sent; empty: it is not there. */
struct bytes ui_parameter(struct bytes query, struct bytes name);
/* Of a path: up to the next "/" or the end; rest is what comes behind it. */
struct bytes ui_segment_take(struct bytes *rest);
/* The page with JSON in it, for ui/src/api/brought.ts: what the page would ask for first. "<" in it is
 * written so that it begins no tag. False: out is full. */
MUST_CHECK bool ui_page(const struct http_request *request, struct bytes json, struct buf *out);
/* How strict pages are with what they load and who may frame them: the value of content-security-policy. */
#define UI_CONTENT_SECURITY_POLICY                                                                             \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "   \
    "connect-src 'self'; frame-src 'self'; worker-src 'self' blob:; manifest-src 'self'; form-action 'self'; " \
    "base-uri 'none'; "                                                                                        \
    "frame-ancestors 'none'; require-trusted-types-for 'script'"
/* Of the page in which a recording is shown (ui/public/replay/stage.html): its styles are written in it; it and what is built in it
 * runs nothing, loads nothing, sends nothing. Frames within a frame have the policy too. */
#define UI_STAGE_SECURITY_POLICY                                                                      \
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; media-src data:; " \
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox allow-same-origin"
