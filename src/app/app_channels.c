/* How people are told: the channels' threads, with the operator's settings. */
#include "app/app_inside.h"
#include "channels/channels.h"
#include "incidents/incident.h"
#include "meta/meta.h"

#define SECRET_BYTES 512

bool app_channels_start(struct app *app, struct err *err)
{
    const struct config *config = &app->config;
    char name[APP_NAME_BYTES], password[SECRET_BYTES], seal_secret[SECRET_BYTES];
    struct channels_options options = { .db = meta_db(app->meta),
                                        .log = app->log,
                                        .name = name,
                                        .public_url = config->public_url,
                                        .seal_secret = seal_secret,
                                        .allows_private = config->channels_allow_private,
                                        .ca_file = config->channels_ca ? config->channels_ca : "",
                                        .smtp_url = config->smtp_url,
                                        .smtp_user = config->smtp_user,
                                        .smtp_password = password,
                                        .smtp_from = config->smtp_from,
                                        .smtp_tls = config->smtp_tls,
                                        .tend = incidents_tend_all,
                                        .give_up_us = (int64_t)config->channels_give_up_ms * 1000 };
    if (!(app->roles & (ROLE_WORKER | ROLE_QUERY))) return true; /* who takes telemetry in tells nobody */
    bool ok = app_worker_name(app, name, err) &&
              config_secret("--smtp-password-file", config->smtp_password_file, "MONOSCOPE_SMTP_PASSWORD", password,
                            sizeof password, err) &&
              config_secret("--llm-seal-secret-file", config->llm_seal_secret_file, "MONOSCOPE_LLM_SEAL_SECRET",
                            seal_secret, sizeof seal_secret, err) &&
              channels_open(&app->channels, &options, err);
    explicit_bzero(password, sizeof password);
    explicit_bzero(seal_secret, sizeof seal_secret);
    if (!ok) return err_within(err, "channels");
    channels_start(app->channels);
    return true;
}
