#include "web/page/page.h"
#include "base/utf8.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Into out; a page that would not fit is cut, which the limits of what comes in never let happen. */
static void put(struct buf *out, const char *html)
{
    (void)!buf_add(out, html, strlen(html));
}

static void put_bytes(struct buf *out, struct bytes text)
{
    if (!utf8_is_valid(text)) text = BYTES("?");
    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '&': put(out, "&amp;"); break;
        case '<': put(out, "&lt;"); break;
        case '>': put(out, "&gt;"); break;
        case '"': put(out, "&quot;"); break;
        case '\'': put(out, "&#39;"); break;
        default: (void)!buf_add(out, &text.ptr[i], 1);
        }
    }
}

static void put_text(struct buf *out, const char *text)
{
    put_bytes(out, bytes_of_text(text));
}

/* As a value in a query. */
static void put_query(struct buf *out, struct bytes text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool is_plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~/", c);
        const char escaped[4] = { '%', hex[c >> 4], hex[c & 15], '\0' };
        if (is_plain && c) {
            (void)!buf_add(out, &c, 1);
        } else {
            put(out, escaped);
        }
    }
}

#define MARK                                                                                                          \
    "<svg viewBox=\"0 0 32 32\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.5\" stroke-linecap=\"round\" " \
    "stroke-linejoin=\"round\" aria-hidden=\"true\"><circle cx=\"16\" cy=\"16\" r=\"13\"/>"                           \
    "<path d=\"M6 17h5l3-7 4 12 3-7h5\"/></svg>"
#define ICON                                                                                                           \
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32' fill='none' stroke='%231a56db' " \
    "stroke-width='3' stroke-linecap='round' stroke-linejoin='round'%3E%3Ccircle cx='16' cy='16' r='13'/%3E%3Cpath "   \
    "d='M6 17h5l3-7 4 12 3-7h5'/%3E%3C/svg%3E"

static void head(struct buf *out, const char *title)
{
    put(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
    put_text(out, title);
    put(out, " \xC2\xB7 Monoscope</title><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
             "<meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"" ICON "\">"
             "<link rel=\"stylesheet\" href=\"" PAGE_STYLE_PATH "\"></head><body>\n");
}

static void alert(struct buf *out, const char *text)
{
    if (!text) return;
    put(out, "<p class=\"alert\" role=\"alert\">");
    put_text(out, text);
    put(out, "</p>\n");
}

static void door(struct buf *out, const char *title)
{
    head(out, title);
    put(out, "<main class=\"door\"><div class=\"brand\">" MARK "<span>Monoscope</span></div>\n<div class=\"card\">\n");
}

void page_sign_in(struct buf *out, const struct page_sign_in *page)
{
    door(out, "Sign in");
    put(out, "<h1>Sign in</h1><p class=\"soft small\">to see what your services are doing</p>\n");
    alert(out, page->alert);
    put(out, "<form method=\"post\" action=\"/sign-in\"><label for=\"email\">E-mail</label>"
             "<input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"username\" maxlength=\"254\" required "
             "value=\"");
    put_bytes(out, page->email);
    put(out, page->email.len > 0 ? "\">" : "\" autofocus>");
    put(out, "<label for=\"password\">Password</label>"
             "<input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" "
             "maxlength=\"256\" required");
    put(out, page->email.len > 0 ? " autofocus>" : ">");
    put(out, "<input type=\"hidden\" name=\"to\" value=\"");
    put_bytes(out, page->to);
    put(out, "\"><button class=\"main wide\" type=\"submit\">Sign in</button></form>\n");
    if (page->provider) {
        /* A link: a form that ends on another host is not ours by the policy. */
        put(out, "<div class=\"or\">or</div><a class=\"button plain wide\" href=\"/sign-in/oidc?to=");
        put_query(out, page->to);
        put(out, "\">Continue with ");
        put_text(out, page->provider);
        put(out, "</a>\n");
    }
    put(out, "</div></main></body></html>\n");
}

void page_message(struct buf *out, const char *title, const char *text, const char *link, const char *link_text)
{
    door(out, title);
    put(out, "<h1>");
    put_text(out, title);
    put(out, "</h1><p>");
    put_text(out, text);
    put(out, "</p>\n");
    if (link) {
        put(out, "<a class=\"button plain wide\" href=\"");
        put_text(out, link);
        put(out, "\">");
        put_text(out, link_text);
        put(out, "</a>\n");
    }
    put(out, "</div></main></body></html>\n");
}

void page_acknowledge(struct buf *out, int64_t number, struct bytes title, struct bytes service, struct bytes token)
{
    char text[32];
    snprintf(text, sizeof text, "Incident #%" PRId64, number);
    door(out, text);
    put(out, "<h1>");
    put_text(out, text);
    put(out, "</h1><p>");
    put_bytes(out, title);
    put(out, "</p>\n");
    if (service.len > 0) {
        put(out, "<p>Service ");
        put_bytes(out, service);
        put(out, "</p>\n");
    }
    put(out, "<p>Others are told that somebody has it in hand, and reminders end.</p>\n"
             "<form method=\"post\" action=\"/acknowledge\"><input type=\"hidden\" name=\"token\" value=\"");
    put_bytes(out, token);
    put(out, "\"><button class=\"wide\">Acknowledge</button></form>\n</div></main></body></html>\n");
}

/* -- account ----------------------------------------------------------------------------------------------------- */

static void form_begin(struct buf *out, const char *action, const char *id, const char *csrf)
{
    put(out, "<form method=\"post\" action=\"");
    put_text(out, action);
    if (id) {
        put_text(out, id);
        put(out, "/revoke");
    }
    put(out, "\"><input type=\"hidden\" name=\"csrf\" value=\"");
    put_text(out, csrf);
    put(out, "\">");
}

static void password_card(struct buf *out, const struct page_account *page)
{
    put(out, "<section class=\"card\"><h2>Password</h2>\n");
    alert(out, page->alert);
    if (page->must_change)
        put(out,
            "<p>The password you signed in with was for one time. Choose your own; nothing else opens before.</p>\n");
    if (!page->has_password) {
        put(out, "<p class=\"soft\">You sign in with your identity provider, without a password.</p></section>\n");
        return;
    }
    form_begin(out, "/account/password", NULL, page->csrf);
    /* For password managers: whose password this is. */
    put(out, "<input type=\"text\" name=\"username\" autocomplete=\"username\" readonly hidden value=\"");
    put_text(out, page->email);
    put(out, "\"><label for=\"current\">Current password</label>"
             "<input id=\"current\" name=\"current\" type=\"password\" autocomplete=\"current-password\" "
             "maxlength=\"256\" required>"
             "<label for=\"wanted\">New password</label>"
             "<input id=\"wanted\" name=\"wanted\" type=\"password\" autocomplete=\"new-password\" minlength=\"12\" "
             "maxlength=\"256\" required aria-describedby=\"rule\">"
             "<p class=\"soft small\" id=\"rule\">At least 12 characters. A few words are easy to keep in mind.</p>"
             "<button class=\"main\" type=\"submit\">Change password</button></form></section>\n");
}

static void projects_card(struct buf *out, const struct page_account *page)
{
    put(out, "<section class=\"card\"><h2>Projects</h2>\n");
    if (page->is_instance_admin)
        put(out, "<p class=\"soft\">You are an instance admin: every project is open to you.</p>\n");
    if (page->project_count == 0 && !page->is_instance_admin)
        put(out, "<p class=\"soft\">No project is open to you yet. Ask an admin of one to add you by your e-mail "
                 "address.</p>\n");
    if (page->project_count > 0) put(out, "<ul class=\"rows\">\n");
    for (uint32_t p = 0; p < page->project_count; p++) {
        put(out, "<li><div class=\"row\"><strong>");
        put_text(out, page->projects[p].name);
        put(out, "</strong></div><span class=\"tag\">");
        put_text(out, page->projects[p].role);
        put(out, "</span></li>\n");
    }
    if (page->project_count > 0) put(out, "</ul>\n");
    put(out, "</section>\n");
}

/* "Chrome on Linux"; of a program that is no browser its own name. */
static void agent_name(struct buf *out, struct bytes agent)
{
    static const char *const browsers[][2] = {
        { "Edg/", "Edge" },     { "OPR/", "Opera" },     { "Firefox/", "Firefox" }, { "FxiOS/", "Firefox" },
        { "CriOS/", "Chrome" }, { "Chrome/", "Chrome" }, { "Safari/", "Safari" },   { "AppleWebKit/", "a browser" },
    };
    static const char *const systems[][2] = {
        { "Windows", "Windows" }, { "Android", "Android" }, { "iPhone", "iPhone" }, { "iPad", "iPad" },
        { "CrOS", "ChromeOS" },   { "Mac OS X", "macOS" },  { "Linux", "Linux" },
    };
    for (size_t b = 0; b < COUNT_OF(browsers); b++) {
        if (!memmem(agent.ptr, agent.len, browsers[b][0], strlen(browsers[b][0]))) continue;
        put(out, browsers[b][1]);
        for (size_t s = 0; s < COUNT_OF(systems); s++) {
            if (!memmem(agent.ptr, agent.len, systems[s][0], strlen(systems[s][0]))) continue;
            put(out, " on ");
            put(out, systems[s][1]);
            return;
        }
        return;
    }
    const uint8_t *blank = agent.len > 0 ? memchr(agent.ptr, ' ', agent.len) : NULL;
    if (blank) agent.len = (size_t)(blank - agent.ptr);
    put_bytes(out, agent.len > 0 ? agent : BYTES("a program without a name"));
}

static void sessions_card(struct buf *out, const struct page_account *page)
{
    put(out, "<section class=\"card sessions\"><h2>Where you are signed in</h2>\n<ul class=\"rows\">\n");
    for (uint32_t s = 0; s < page->session_count; s++) {
        const struct page_session *session = &page->sessions[s];
        put(out, "<li><div class=\"row\"><strong>");
        agent_name(out, session->agent);
        put(out, "</strong><div class=\"soft small\">");
        put_bytes(out, session->address);
        put(out, " \xC2\xB7 by ");
        put_bytes(out, session->method);
        put(out, " \xC2\xB7 since ");
        put_text(out, session->created);
        put(out, " \xC2\xB7 last used ");
        put_text(out, session->used);
        put(out, "</div></div>");
        if (session->is_this) {
            put(out, "<span class=\"tag on\">this one</span>");
        } else {
            form_begin(out, "/account/sessions/", session->id, page->csrf);
            put(out, "<button class=\"plain\" type=\"submit\">Sign out there</button></form>");
        }
        put(out, "</li>\n");
    }
    put(out, "</ul></section>\n");
}

void page_account(struct buf *out, const struct page_account *page)
{
    head(out, "Account");
    put(out, "<header class=\"top\"><a class=\"brand\" href=\"/account\">" MARK "<span>Monoscope</span></a>");
    form_begin(out, "/sign-out", NULL, page->csrf);
    put(out, "<button class=\"plain\" type=\"submit\">Sign out</button></form></header>\n");
    put(out, page->must_change ? "<main class=\"page one\">" : "<main class=\"page\">");
    put(out, "<div class=\"who\"><h1>");
    put_text(out, page->name[0] ? page->name : page->email);
    put(out, "</h1><p class=\"soft\">");
    put_text(out, page->email);
    if (page->is_instance_admin) put(out, " <span class=\"tag\">instance admin</span>");
    put(out, "</p>");
    if (page->notice) {
        put(out, "<p class=\"notice\" role=\"status\">");
        put_text(out, page->notice);
        put(out, "</p>");
    }
    put(out, "</div>\n");
    password_card(out, page);
    if (!page->must_change) {
        projects_card(out, page);
        sessions_card(out, page);
    }
    put(out, "</main></body></html>\n");
}
