/* A mail: text and HTML, charts as images inside. Bodies are base64 in lines of 76, so nothing of them can be a line of SMTP; headers are
 * ASCII, texts in them RFC 2047's encoded words. Sources: RFC 5322, 2045, 2046, 2047, 2387, 3834. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/date.h"
#include "channels/render_inside.h"

enum { LINE_BYTES = 57, WORD_BYTES = 45 };

static bool base64_lines(struct buf *out, struct bytes bytes)
{
    uint8_t line[80];
    for (size_t at = 0; at < bytes.len; at += LINE_BYTES) {
        size_t len = bytes.len - at < LINE_BYTES ? bytes.len - at : LINE_BYTES;
        uint8_t *end = base64_put(line, bytes_from(bytes.ptr + at, len), true);
        if (!buf_add(out, line, (size_t)(end - line)) || !buf_add(out, "\r\n", 2)) return false;
    }
    return true;
}

/* "=?UTF-8?B?...?=", folded; each word ends at a character. */
static bool encoded_words(struct buf *out, struct bytes text)
{
    uint8_t word[80];
    for (size_t at = 0; at < text.len;) {
        size_t len = text.len - at < WORD_BYTES ? text.len - at : WORD_BYTES;
        while (at + len < text.len && len > 1 && (text.ptr[at + len] & 0xC0) == 0x80) len--;
        uint8_t *end = base64_put(word, bytes_from(text.ptr + at, len), true);
        if (!buf_printf(out, "%s=?UTF-8?B?%.*s?=", at > 0 ? "\r\n " : "", (int)(end - word), (const char *)word))
            return false;
        at += len;
    }
    return true;
}

static bool date_header(struct buf *out, int64_t unix_us)
{
    static const char days[] = "ThuFriSatSunMonTueWed";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t seconds = unix_us / 1000000, day = seconds / 86400, year;
    uint32_t month, of_month;
    date_of_days(day, &year, &month, &of_month);
    return buf_printf(out, "Date: %.3s, %02" PRIu32 " %.3s %04" PRId64 " %02d:%02d:%02d +0000\r\n", days + day % 7 * 3,
                      of_month, months + (month - 1) * 3, year, (int)(seconds / 3600 % 24), (int)(seconds / 60 % 60),
                      (int)(seconds % 60));
}

/* What may stand in a Message-ID of anything; '.' for the rest. */
static bool id_add(struct buf *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        bool is_fine = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       byte == '-' || byte == '_';
        if (!buf_add(out, is_fine ? &byte : (const uint8_t *)".", 1)) return false;
    }
    return true;
}

static bool head(const struct message *message, const struct render_context *context, const struct render_mail *mail,
                 struct buf *out)
{
    struct buf subject;
    buf_init(&subject, 8192);
    render_title(message, &subject);
    bool ok = date_header(out, context->now_unix_us) &&
              buf_printf(out, "From: Monoscope <%.*s>\r\nTo: ", (int)mail->from.len, (const char *)mail->from.ptr);
    for (uint32_t i = 0; ok && i < mail->to_count; i++)
        ok = buf_printf(out, "%s%.*s", i > 0 ? ",\r\n " : "", (int)mail->to[i].len, (const char *)mail->to[i].ptr);
    ok = ok && buf_printf(out, "\r\nSubject: ") && encoded_words(out, buf_bytes(&subject)) &&
         buf_printf(out, "\r\nMessage-ID: <%s@%s>\r\n", context->id, context->host);
    if (ok && message->thread_key.len > 0) {
        /* A message that nobody sent stands for the thread: all that refer to it are one, in whatever order they come. */
        ok = buf_printf(out, "References: <thread.") && id_add(out, context->project) && buf_printf(out, ".") &&
             id_add(out, message->thread_key) && buf_printf(out, "@%s>\r\nIn-Reply-To: <thread.", context->host) &&
             id_add(out, context->project) && buf_printf(out, ".") && id_add(out, message->thread_key) &&
             buf_printf(out, "@%s>\r\n", context->host);
    }
    buf_deinit(&subject);
    return ok && buf_printf(out,
                            "Auto-Submitted: auto-generated\r\nX-Monoscope-Severity: %s\r\nMIME-Version: 1.0\r\n"
                            "Content-Type: multipart/related; boundary=\"rel-%s\"; type=\"multipart/alternative\"\r\n"
                            "\r\n--rel-%s\r\nContent-Type: multipart/alternative; boundary=\"alt-%s\"\r\n\r\n",
                            message_severity_names[message->severity], context->id, context->id, context->id);
}

/* ---- HTML: tables and inline styles, as mail programs take them ---- */

static bool escaped(struct buf *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        bool ok = byte == '&'    ? buf_printf(out, "&amp;")
                  : byte == '<'  ? buf_printf(out, "&lt;")
                  : byte == '>'  ? buf_printf(out, "&gt;")
                  : byte == '"'  ? buf_printf(out, "&quot;")
                  : byte == '\'' ? buf_printf(out, "&#39;")
                  : byte == '\n' ? buf_printf(out, "<br>\n")
                                 : buf_add(out, &byte, 1);
        if (!ok) return false;
    }
    return true;
}

static bool link_html(struct buf *out, const struct render_context *context, struct bytes text, struct bytes url_text)
{
    struct buf url;
    buf_init(&url, 16384);
    bool is_link = url_text.len > 0 && render_url(context, url_text, &url), ok = true;
    if (is_link)
        ok = buf_printf(out, "<a href=\"") && escaped(out, buf_bytes(&url)) &&
             buf_printf(out, "\" style=\"color:#1a5fb4\">");
    ok = ok && escaped(out, text) && (!is_link || buf_printf(out, "</a>"));
    buf_deinit(&url);
    return ok;
}

static bool table_html(struct buf *out, const struct render_context *context, const struct message_block *block)
{
    static const char *const open[] = { "<td style=\"padding:4px 14px 4px 0;vertical-align:top\">",
                                        "<th style=\"padding:4px 14px 4px 0;text-align:left;color:#5c6370\">" };
    bool is_facts = block->kind == MESSAGE_FACTS;
    if (!buf_printf(out, "<table style=\"border-collapse:collapse;margin:0 0 16px;font-size:14px\">\n")) return false;
    for (uint32_t r = 0; r < block->row_count; r++) {
        if (!buf_printf(out, "<tr>")) return false;
        for (uint32_t c = 0; c < block->column_count; c++) {
            uint32_t at = r * block->column_count + c;
            bool is_head = is_facts ? c == 0 : r == 0;
            if (!buf_printf(out, "%s", open[is_head]) ||
                !link_html(out, context, block->cells[at], block->urls != NULL ? block->urls[at] : BYTES("")) ||
                !buf_printf(out, is_head ? "</th>" : "</td>"))
                return false;
        }
        if (!buf_printf(out, "</tr>\n")) return false;
    }
    return buf_printf(out, "</table>\n");
}

static bool image_html(struct buf *out, const struct message *message, const struct render_context *context,
                       struct bytes id)
{
    for (uint32_t i = 0; i < message->image_count; i++)
        if (bytes_equal(message->images[i].id, id))
            return buf_printf(out, "<p><img src=\"cid:") && id_add(out, id) &&
                   buf_printf(out, "-%s@%s\" alt=\"", context->id, context->host) &&
                   escaped(out, message->images[i].alt) &&
                   buf_printf(out, "\" style=\"max-width:100%%;height:auto;border:0\"></p>\n");
    return true;
}

static bool block_html(struct buf *out, const struct message *message, const struct render_context *context,
                       const struct message_block *block)
{
    switch (block->kind) {
    case MESSAGE_TABLE:
    case MESSAGE_FACTS: return table_html(out, context, block);
    case MESSAGE_IMAGE: return image_html(out, message, context, block->text);
    case MESSAGE_HEADING:
        return buf_printf(out, "<h2 style=\"font-size:16px;margin:20px 0 8px\">") && escaped(out, block->text) &&
               buf_printf(out, "</h2>\n");
    default:
        return buf_printf(out, "<p style=\"margin:0 0 16px\">") && escaped(out, block->text) &&
               buf_printf(out, "</p>\n");
    }
}

static bool html(const struct message *message, const struct render_context *context, struct buf *out)
{
    struct buf title;
    buf_init(&title, 8192);
    render_title(message, &title);
    bool ok =
        buf_printf(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                        "content=\"width=device-width\"><title>") &&
        escaped(out, buf_bytes(&title)) &&
        buf_printf(out,
                   "</title></head>\n<body style=\"margin:0;padding:24px;background:#ffffff;color:#1c1f24;"
                   "font:14px/1.5 -apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif\">\n<div "
                   "style=\"max-width:720px;margin:0 auto;border-top:4px solid #%06" PRIX32 ";padding-top:16px\">"
                   "\n<h1 style=\"font-size:20px;line-height:1.3;margin:0 0 16px\">",
                   render_colour(message)) &&
        escaped(out, buf_bytes(&title)) && buf_printf(out, "</h1>\n");
    buf_deinit(&title);
    for (uint32_t i = 0; ok && i < message->block_count; i++)
        ok = block_html(out, message, context, &message->blocks[i]);
    if (ok && (message->link_count > 0 || context->ack_url != NULL)) ok = buf_printf(out, "<p>");
    if (ok && context->ack_url != NULL)
        ok = buf_printf(out, "<a href=\"") && escaped(out, bytes_of_text(context->ack_url)) &&
             buf_printf(out, "\" style=\"display:inline-block;background:#1a5fb4;color:#ffffff;padding:8px 16px;"
                             "border-radius:4px;text-decoration:none\">Acknowledge</a><br>\n");
    for (uint32_t i = 0; ok && i < message->link_count; i++)
        ok = link_html(out, context, message->links[i].text, message->links[i].url) && buf_printf(out, "<br>\n");
    if (ok && (message->link_count > 0 || context->ack_url != NULL)) ok = buf_printf(out, "</p>\n");
    if (ok && context->is_uncertain) ok = buf_printf(out, "<p style=\"color:#5c6370\">%s</p>\n", render_uncertain);
    return ok && buf_printf(out, "<p style=\"color:#5c6370;font-size:12px\">Monoscope, project ") &&
           escaped(out, context->project) && buf_printf(out, "</p>\n</div></body></html>\n");
}

static bool part(struct buf *out, const char *type, const char *boundary, const char *id, struct bytes body)
{
    return buf_printf(out, "--%s-%s\r\nContent-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
                      boundary, id, type) &&
           base64_lines(out, body);
}

static bool images(const struct message *message, const struct render_context *context, struct buf *out)
{
    for (uint32_t i = 0; i < message->image_count; i++) {
        const struct message_image *image = &message->images[i];
        if (!buf_printf(out,
                        "--rel-%s\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <",
                        context->id) ||
            !id_add(out, image->id) ||
            !buf_printf(out, "-%s@%s>\r\nContent-Disposition: inline; filename=\"", context->id, context->host) ||
            !id_add(out, image->id) || !buf_printf(out, ".png\"\r\n\r\n") || !base64_lines(out, image->png))
            return false;
    }
    return true;
}

bool render_mail(const struct message *message, const struct render_context *context, const struct render_mail *mail,
                 struct buf *out, struct err *err)
{
    struct buf body;
    buf_init(&body, MESSAGE_BYTES_MAX);
    bool ok = head(message, context, mail, out) && render_text(message, context, &body, err) &&
              part(out, "text/plain", "alt", context->id, buf_bytes(&body));
    body.len = 0;
    ok = ok && html(message, context, &body) && part(out, "text/html", "alt", context->id, buf_bytes(&body)) &&
         buf_printf(out, "--alt-%s--\r\n\r\n", context->id) && images(message, context, out) &&
         buf_printf(out, "--rel-%s--\r\n", context->id);
    buf_deinit(&body);
    return ok || err_set(err, ERR_TOO_LARGE, "the message is too long for a mail");
}
