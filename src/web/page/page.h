/* page.h -- the pages for people: sign in, account. HTML without scripts, one style sheet, light and dark, from a phone's
 * width on.
 *
 * Pure: data in, HTML out; every text of it is escaped. Buttons that change something are forms with a CSRF token.
 * Thread: any. Memory: into out, of PAGE_BYTES_MAX. */
#pragma once
#include "base/bytes.h"

#define PAGE_BYTES_MAX (512u << 10)
/* What the pages need and no more: no script, nothing from elsewhere, in nobody's frame. */
#define PAGE_POLICY \
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
#define PAGE_STYLE_PATH "/sign-in/style.css"
extern const char page_style[];

struct page_sign_in {
    const char *alert;    /* what went wrong; NULL: nothing */
    struct bytes email;   /* as it was sent */
    struct bytes to;      /* where to go then; a path */
    const char *provider; /* of OIDC: its host's name; NULL: none */
};
void page_sign_in(struct buf *out, const struct page_sign_in *page);

struct page_session {
    const char *id;
    struct bytes address, agent, method;
    char created[32], used[32]; /* for a person */
    bool is_this;
};
struct page_project {
    const char *name, *role;
};
struct page_account {
    const char *email, *name, *csrf;
    bool is_instance_admin, has_password, must_change;
    const char *alert, *notice; /* NULL: none */
    const struct page_session *sessions;
    const struct page_project *projects;
    uint32_t session_count, project_count;
};
void page_account(struct buf *out, const struct page_account *page);

/* Asks whether an incident is to be acknowledged. */
void page_acknowledge(struct buf *out, int64_t number, struct bytes title, struct bytes service, struct bytes token);
/* A page of one message. link: where to go on; NULL: nowhere. */
void page_message(struct buf *out, const char *title, const char *text, const char *link, const char *link_text);
