/* ui.h -- the web UI's files, inside the binary: compressed when it was built, served as they are.
 *
 *   ui/src --ui/build (Vite)--> build/web/ui/packed --.incbin--> ui_answer --> browser (br, gzip, or plain)
 *
 * Any path that is no file and that a browser asks for as a page gets index.html: the UI itself reads the path.
 * Files under /assets/ have their content's hash in their name and stay in caches for good; index.html is asked for anew
 * each time, by its ETag. /sdk/monoscope.js is the browser SDK, which pages of any origin may load. Scripts and styles come from here alone (Content-Security-Policy), none is inline.
 * Thread: any; constant. Memory: none. */
#pragma once
#include "base/bytes.h"
#include "net/http.h"

/* False: not ours to answer (another method, no such file, not asked for as a page). */
bool ui_answer(struct http_request *request);
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
