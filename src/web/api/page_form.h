/* page_form.h -- what the handlers of pages share: forms, cookies, answers as HTML.
 *
 * Forms are application/x-www-form-urlencoded. A form that changes something for who is signed in has its CSRF token in the
 * field "csrf"; the sign-in form has nobody yet: it must come from a page of ours, by the Origin that browsers send.
 * Thread: the call's. */
#pragma once
#include "web/api/api_inside.h"
#include "web/page/page.h"

enum { FORM_FIELDS_MAX = 8 };
struct page_form {
    struct api_value fields[FORM_FIELDS_MAX];
    uint32_t field_count;
};
/* The fields of a body; false: it is no form, or has too many. */
MUST_CHECK bool page_form_parse(struct arena *arena, struct bytes body, struct page_form *form);
/* False: it was answered. */
MUST_CHECK bool page_form_read(struct api_call *call, struct page_form *form);
struct bytes page_field(const struct page_form *form, const char *name); /* empty: absent */
/* The form is the caller's own. False: it was answered. */
MUST_CHECK bool page_form_check(struct api_call *call, const struct page_form *form);

/* A cookie for all of path; value empty: it goes. seconds 0: until the browser ends. */
void page_cookie_set(struct api_call *call, const char *name, const char *value, const char *path, int seconds);
/* status with html, and the headers of every page. */
void page_answer(struct api_call *call, int status, struct buf *html);
/* 303, which browsers follow with a GET. */
void page_redirect(struct api_call *call, const char *where);
void page_refuse(struct api_call *call, int status, const char *title, const char *text);
/* A path of ours to go to, from what a browser sent; else otherwise. */
const char *page_path_of_ours(struct api_call *call, struct bytes text, const char *otherwise);
