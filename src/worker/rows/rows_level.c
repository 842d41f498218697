#include "worker/rows/rows_inside.h"

#define LEVEL_BYTES_MAX  15
#define LOGFMT_BYTES_MAX 256 /* of a message, where its level is looked for */

/* Severity numbers come in fours: TRACE 1-4, DEBUG 5-8, INFO 9-12, WARN 13-16, ERROR 17-20, FATAL 21-24. */
enum word rows_level_of_severity(int32_t number)
{
    static const enum word levels[] = { WORD_TRACE, WORD_DEBUG, WORD_INFO, WORD_WARN, WORD_ERROR, WORD_FATAL };
    return number >= 1 && number <= 24 ? levels[(number - 1) / 4] : WORD_COUNT;
}

/* Numbers that stand in place of words: pino's and bunyan's 10 to 60, else syslog's 0 to 7. */
enum word rows_level_of_number(int64_t number)
{
    static const enum word tens[] = { WORD_TRACE, WORD_DEBUG, WORD_INFO, WORD_WARN, WORD_ERROR, WORD_FATAL };
    static const enum word syslog[] = { WORD_FATAL, WORD_FATAL, WORD_FATAL, WORD_ERROR,
                                        WORD_WARN,  WORD_INFO,  WORD_INFO,  WORD_DEBUG };
    if (number >= 0 && number <= 7) return syslog[number];
    return number >= 10 && number <= 60 && number % 10 == 0 ? tens[number / 10 - 1] : WORD_COUNT;
}

/* What languages, loggers, syslog, databases and platforms call their levels. */
static enum word level_of_word(const char *word)
{
    static const struct {
        enum word level;
        char names[20][LEVEL_BYTES_MAX + 1];
    } levels[] = {
        { WORD_TRACE, { "TRACE", "TRC", "T", "VERBOSE", "VRB", "V", "FINEST", "SILLY" } },
        { WORD_DEBUG, { "DEBUG", "DBG", "D", "FINE", "FINER", "CONFIG" } },
        { WORD_INFO,
          { "INFO", "INF", "I", "INFORMATION", "INFORMATIONAL", "NOTICE", "NOTE", "N", "LOG", "HTTP", "SUCCESS",
            "NORMAL", "SYSTEM" } },
        { WORD_WARN, { "WARN", "WARNING", "WRN", "W" } },
        { WORD_ERROR, { "ERROR", "ERR", "E", "SEVERE" } },
        { WORD_FATAL,
          { "FATAL", "FTL", "F", "CRITICAL", "CRIT", "C", "PANIC", "PNC", "DPANIC", "ALERT", "A", "EMERGENCY", "EMERG",
            "FAULT", "ASSERT" } },
    };
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        for (size_t name = 0; name < COUNT_OF(levels[i].names) && levels[i].names[name][0] != '\0'; name++) {
            if (strcmp(word, levels[i].names[name]) == 0) return levels[i].level;
        }
    }
    return WORD_COUNT;
}

static bool is_frame(uint8_t byte)
{
    return byte == ' ' || byte == '[' || byte == ']' || byte == '<' || byte == '>' || byte == ':';
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* In any case; brackets around it and a finer step behind it do not count: "[Warn]", "INFO2", "DEBUG5", slog's
 * "ERROR+2". */
enum word rows_level_of_text(struct bytes text)
{
    char upper[LEVEL_BYTES_MAX + 1] = { 0 };
    while (text.len > 0 && is_frame(text.ptr[0])) text = bytes_from(text.ptr + 1, text.len - 1);
    while (text.len > 0 && is_frame(text.ptr[text.len - 1])) text.len--;
    if (text.len == 0 || text.len > LEVEL_BYTES_MAX) return WORD_COUNT;
    if (is_digit(text.ptr[0])) {
        if (text.len > 2 || !is_digit(text.ptr[text.len - 1])) return WORD_COUNT;
        return rows_level_of_number(text.len == 1 ? text.ptr[0] - '0' : (text.ptr[0] - '0') * 10 + text.ptr[1] - '0');
    }
    while (text.len > 0 && is_digit(text.ptr[text.len - 1])) text.len--;
    if (text.len > 0 && (text.ptr[text.len - 1] == '+' || text.ptr[text.len - 1] == '-')) text.len--;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        upper[i] = (char)(byte >= 'a' && byte <= 'z' ? byte - 'a' + 'A' : byte);
    }
    return level_of_word(upper);
}

enum word rows_level_of_value(const struct otlp_value *value)
{
    if (value == NULL) return WORD_COUNT;
    if (value->type == OTLP_INT) return rows_level_of_number(value->integer);
    return value->type == OTLP_TEXT ? rows_level_of_text(value->bytes) : WORD_COUNT;
}

/* logfmt: ts=... level=warn msg="..." */
enum word rows_level_of_message(struct bytes message)
{
    static const char *const keys[] = { "level=", "lvl=", "severity=" };
    const uint8_t *end = message.ptr + (message.len < LOGFMT_BYTES_MAX ? message.len : LOGFMT_BYTES_MAX);
    for (size_t i = 0; i < COUNT_OF(keys) && message.len > 0; i++) {
        struct bytes key = bytes_of_text(keys[i]);
        const uint8_t *at = memmem(message.ptr, (size_t)(end - message.ptr), key.ptr, key.len);
        if (at == NULL || (at > message.ptr && at[-1] != ' ')) continue;
        at += key.len;
        if (at < end && *at == '"') at++;
        const uint8_t *stop = at;
        while (stop < end && *stop != ' ' && *stop != '"') stop++;
        return rows_level_of_text(bytes_from(at, (size_t)(stop - at)));
    }
    return WORD_COUNT;
}
