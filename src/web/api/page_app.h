/* page_app.h -- pages of the UI (web/ui/ui.h) for who is signed in: with the answers that they would ask for first, so that a page
 * begins with its rows and not with who it is and what there is.
 *
 *   GET /p/shop/dashboards/web --api_inner--> /users/me, /projects, /projects/shop/dashboards/web --> index.html with their answers
 *
 * An answer that is refused is left out: the page asks for it, and is told so. Thread: of the API's quick ones. */
#pragma once
#include "net/http.h"

struct api_call;

/* Who asks says who they are. */
bool page_app_is_known(const struct http_request *request);
void api_page_app(struct api_call *call);
