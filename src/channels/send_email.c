/* Mail: by the channel's own server, or by the operator's. */
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include "channels/channels_inside.h"
#include "net/mail_client.h"

enum { TO_MAX = 50 };

static bool recipients_take(struct sending *sending, const char **to, struct bytes *addresses, uint32_t *count)
{
    yyjson_doc *doc = yyjson_read((const char *)sending->settings_json.ptr, sending->settings_json.len, 0);
    yyjson_val *list = yyjson_obj_get(yyjson_doc_get_root(doc), "to"), *one;
    size_t at, max;
    *count = 0;
    if (yyjson_is_arr(list)) yyjson_arr_foreach(list, at, max, one)
        {
            if (*count == TO_MAX || !yyjson_is_str(one)) continue;
            to[*count] = arena_printf(sending->arena, "%s", yyjson_get_str(one));
            addresses[*count] = bytes_of_text(to[*count]);
            (*count)++;
        }
    to[*count] = NULL;
    yyjson_doc_free(doc);
    return *count > 0;
}

/* Whose server: sets all but recipients and mail. */
static bool server_choose(struct sending *sending, struct mail_exchange *exchange, struct outcome *outcome)
{
    const struct channels_options *options = &sending->channels->options;
    const char *own = send_setting(sending, "server"), *tls = send_setting(sending, "tls");
    const char *from = send_setting(sending, "from");
    if (own != NULL) {
        exchange->url = own;
        exchange->user = send_setting(sending, "user");
        exchange->password = send_secret(sending, "password");
        exchange->needs_tls = tls == NULL || strcmp(tls, "none") != 0;
        exchange->is_public_only = !options->allows_private;
        if (!exchange->needs_tls && exchange->password != NULL && !options->allows_private)
            send_failed(outcome, true, "a password is not sent without TLS");
    } else if (options->smtp_url[0] != '\0') {
        exchange->url = options->smtp_url;
        exchange->user = options->smtp_user[0] != '\0' ? options->smtp_user : NULL;
        exchange->password = options->smtp_password[0] != '\0' ? options->smtp_password : NULL;
        exchange->needs_tls = options->smtp_tls;
        if (from == NULL && options->smtp_from[0] != '\0') from = options->smtp_from;
    } else {
        send_failed(outcome, true, "there is no server of mail: --smtp-url, or the channel's own");
    }
    exchange->from = from != NULL ? from : arena_printf(sending->arena, "monoscope@%s", sending->channels->host);
    return !outcome->is_final;
}

void send_email(struct sending *sending, struct outcome *outcome)
{
    const char *to[TO_MAX + 1];
    struct bytes addresses[TO_MAX];
    struct render_mail mail = { .to = addresses };
    struct mail_exchange exchange = { .to = to,
                                      .hello = sending->channels->host,
                                      .connect_ms_max = SEND_CONNECT_MS,
                                      .total_ms_max = SEND_TOTAL_MS,
                                      .cancel = &sending->channels->stops };
    struct err err = { 0 };
    struct buf body;
    if (!recipients_take(sending, to, addresses, &mail.to_count)) {
        send_failed(outcome, true, "the channel has no recipients");
        return;
    }
    if (!server_choose(sending, &exchange, outcome)) return;
    if (sending->channels->options.ca_file[0] != '\0') exchange.ca_file = sending->channels->options.ca_file;
    mail.from = bytes_of_text(exchange.from);
    buf_init(&body, 3 * MESSAGE_BYTES_MAX);
    if (!render_mail(&sending->message, &sending->context, &mail, &body, &err)) {
        send_failed(outcome, true, "%s", err.text);
    } else {
        exchange.mail = buf_bytes(&body);
        mail_send(&exchange);
        outcome->status = exchange.status;
        outcome->is_sent = exchange.err.code == ERR_OK;
        if (!outcome->is_sent)
            send_failed(outcome, exchange.err.code == ERR_FORBIDDEN || exchange.err.code == ERR_INPUT, "%s",
                        exchange.err.text);
    }
    buf_deinit(&body);
    if (outcome->is_sent) snprintf(outcome->remote, sizeof outcome->remote, "%s", sending->context.id);
}
