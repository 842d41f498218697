/* aws_source_files.c -- credentials and settings that stand in the environment and in files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "aws/aws_source.h"

#define FILE_BYTES_MAX (1u << 20)
#define PATH_BYTES     4096

const char *aws_variable(const struct aws_surroundings *around, const char *name)
{
    const char *value = around->environment(around->environment_ctx, name);
    return value && value[0] ? value : NULL;
}

bool aws_file_read(const char *path, struct buf *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd == -1 ? -1 : 1;
    buf_init(text, FILE_BYTES_MAX);
    while (got > 0) {
        if (!buf_reserve(text, 4096)) {
            errno = EFBIG;
            got = -1;
            break;
        }
        got = read(fd, text->ptr + text->len, 4096);
        if (got > 0) text->len += (size_t)got;
    }
    int why = errno;
    if (fd != -1) close(fd);
    errno = why;
    return got == 0;
}

static void wiped_deinit(struct buf *text)
{
    if (text->ptr) explicit_bzero(text->ptr, text->cap);
    buf_deinit(text);
}

enum aws_source_answer aws_source_environment(const struct aws_surroundings *around, struct aws_grant *grant,
                                              struct err *err)
{
    const char *id = aws_variable(around, "AWS_ACCESS_KEY_ID"), *secret = aws_variable(around, "AWS_SECRET_ACCESS_KEY");
    const char *token = aws_variable(around, "AWS_SESSION_TOKEN");
    if (!id && !secret) return AWS_SOURCE_ABSENT;
    if (id && secret &&
        aws_grant_from_texts(grant, bytes_of_text(id), bytes_of_text(secret), bytes_of_text(token ? token : "")))
        return AWS_SOURCE_FOUND;
    err_set(err, ERR_FORBIDDEN, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must both be set, without blanks in them");
    return AWS_SOURCE_BROKEN;
}

/* -- shared files ----------------------------------------------------------------------------------------------- */

static const char *profile_of(const struct aws_surroundings *around)
{
    const char *profile = aws_variable(around, "AWS_PROFILE");
    return profile ? profile : "default";
}

/* False: no home, so no such file. */
static bool path_of(const struct aws_surroundings *around, const char *variable, const char *name,
                    char path[PATH_BYTES])
{
    const char *set = aws_variable(around, variable), *home = aws_variable(around, "HOME");
    if (!set && !home) return false;
    int len = set ? snprintf(path, PATH_BYTES, "%s", set) : snprintf(path, PATH_BYTES, "%s/.aws/%s", home, name);
    return len < PATH_BYTES;
}

static bool config_section(const char *profile, char section[256])
{
    int len = strcmp(profile, "default") == 0 ? snprintf(section, 256, "default")
                                              : snprintf(section, 256, "profile %s", profile);
    return len < 256;
}

char *aws_profile_value(const struct aws_surroundings *around, const char *key)
{
    char path[PATH_BYTES], section[256], *copy = NULL;
    struct buf text;
    struct bytes value;
    if (!path_of(around, "AWS_CONFIG_FILE", "config", path) || !config_section(profile_of(around), section))
        return NULL;
    if (aws_file_read(path, &text) && aws_ini_value(buf_bytes(&text), section, key, &value) && value.len > 0)
        copy = bytes_to_text(value);
    wiped_deinit(&text);
    return copy;
}

static bool grant_from_section(struct bytes text, const char *section, struct aws_grant *grant)
{
    struct bytes id, secret, token = { 0 };
    if (!aws_ini_value(text, section, "aws_access_key_id", &id) ||
        !aws_ini_value(text, section, "aws_secret_access_key", &secret))
        return false;
    if (!aws_ini_value(text, section, "aws_session_token", &token)) token.len = 0;
    return aws_grant_from_texts(grant, id, secret, token);
}

/* The section's keys, if it has them. */
static enum aws_source_answer file_look(const char *path, const char *section, struct aws_grant *grant,
                                        bool *has_section, struct err *err)
{
    struct buf text;
    enum aws_source_answer answer = AWS_SOURCE_ABSENT;
    if (!aws_file_read(path, &text)) {
        if (errno != ENOENT && errno != ENOTDIR) {
            err_os(err, "could not read \"%.100s\"", path);
            answer = AWS_SOURCE_BROKEN;
        }
    } else {
        *has_section = *has_section || aws_ini_has_section(buf_bytes(&text), section);
        if (grant_from_section(buf_bytes(&text), section, grant)) answer = AWS_SOURCE_FOUND;
    }
    wiped_deinit(&text);
    return answer;
}

enum aws_source_answer aws_source_files(const struct aws_surroundings *around, struct aws_grant *grant, struct err *err)
{
    static const struct {
        const char *variable, *name;
    } files[] = { { "AWS_SHARED_CREDENTIALS_FILE", "credentials" }, { "AWS_CONFIG_FILE", "config" } };
    const char *profile = profile_of(around);
    char path[PATH_BYTES], section[256];
    bool has_section = false;
    for (size_t f = 0; f < COUNT_OF(files); f++) {
        bool is_config = f == 1;
        if (!path_of(around, files[f].variable, files[f].name, path)) continue;
        if (is_config ? !config_section(profile, section) : snprintf(section, sizeof section, "%s", profile) > 255)
            continue;
        aws_grant_deinit(grant);
        aws_grant_init(grant);
        enum aws_source_answer answer = file_look(path, section, grant, &has_section, err);
        if (answer != AWS_SOURCE_ABSENT) return answer;
    }
    if (!aws_variable(around, "AWS_PROFILE")) return AWS_SOURCE_ABSENT;
    err_set(err, ERR_FORBIDDEN,
            has_section ? "profile \"%.60s\" (AWS_PROFILE) has no aws_access_key_id and aws_secret_access_key; other "
                          "kinds of profiles are not read"
                        : "there is no profile \"%.60s\" (AWS_PROFILE) in the shared AWS files",
            profile);
    return AWS_SOURCE_BROKEN;
}
