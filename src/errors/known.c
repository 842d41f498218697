#include "errors/known.h"
#include "base/glob.h"
#include "errors/errors_inside.h"
#include "errors/known_table.h"

#define MESSAGE_BYTES_MAX 512
#define WORD_BYTES_MAX    64

/* Types that say no more than "something of the system": their message may tell. */
static const char *const vague[] = {
    /* sorted */
    "*errors.errorString",
    "*net.OpError",
    "*net/http.httpError",
    "*os.PathError",
    "*os.SyscallError",
    "*url.Error",
    "Exception",
    "FetchError",
    "IOError",
    "IOException",
    "Mysql2::Error",
    "NetworkError",
    "OSError",
    "PDOException",
    "SocketException",
    "Swift.Error",
    "System.IO.IOException",
    "System.Net.Sockets.SocketException",
    "System.Net.WebException",
    "SystemCallError",
    "TransportError",
    "WebException",
    "fs.PathError",
    "http.client.HTTPException",
    "io.error",
    "java.io.IOException",
    "java.net.SocketException",
    "java.sql.SQLException",
    "net.OpError",
    "requests.exceptions.HTTPError",
    "std::io::Error",
    "std::io::error::Error",
    "syscall.Errno",
    "url.Error",
};

static bool type_is_vague(struct bytes type)
{
    return type_is_generic(type) || word_is_of(vague, COUNT_OF(vague), type);
}

/* What globs are compared with: the first line. */
static struct bytes first_line(struct bytes message)
{
    message = bytes_trim(message);
    const uint8_t *newline = bytes_find_byte(message, '\n');
    if (newline != NULL) message = bytes_trim(bytes_between(message.ptr, newline));
    if (message.len > MESSAGE_BYTES_MAX) message.len = MESSAGE_BYTES_MAX;
    return message;
}

static const struct known *by_type(struct bytes type, struct bytes message)
{
    size_t low = 0, high = COUNT_OF(known_types);
    while (low < high) { /* the first that is not below */
        size_t middle = (low + high) / 2;
        if (bytes_compare(bytes_of_text(known_types[middle].type), type) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < COUNT_OF(known_types) && bytes_equal(bytes_of_text(known_types[low].type), type); low++) {
        const struct known_type *known = &known_types[low];
        if (known->glob_count == 0) return &known_all[known->entry];
        for (uint32_t i = 0; i < known->glob_count; i++) {
            if (glob_match(bytes_of_text(known_globs[known->glob_first + i]), message, true))
                return &known_all[known->entry];
        }
    }
    return NULL;
}

/* The globs that the word picks: the longest that fits says most; of equal ones the first of the table wins. */
static void by_word(struct bytes word, struct bytes message, const struct known_word **best)
{
    size_t low = 0, high = COUNT_OF(known_words);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (bytes_compare(bytes_of_text(known_words[middle].word), word) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < COUNT_OF(known_words) && bytes_equal(bytes_of_text(known_words[low].word), word); low++) {
        struct bytes glob = bytes_of_text(known_globs[known_words[low].glob]);
        size_t best_len = *best == NULL ? 0 : strlen(known_globs[(*best)->glob]);
        if (glob.len < best_len || (glob.len == best_len && *best != NULL && known_words[low].glob >= (*best)->glob))
            continue;
        if (glob_match(glob, message, true)) *best = &known_words[low];
    }
}

static bool is_word_byte(uint8_t byte)
{
    return is_alnum(byte) || byte == '_';
}

/* Only globs whose word the message holds are tried. */
static const struct known *by_message(struct bytes message)
{
    const struct known_word *best = NULL;
    by_word(BYTES(""), message, &best);
    for (size_t at = 0; at < message.len;) {
        uint8_t word[WORD_BYTES_MAX];
        size_t start = at;
        while (at < message.len && is_word_byte(message.ptr[at])) at++;
        if (at == start) {
            at++;
            continue;
        }
        size_t len = at - start;
        if (len > sizeof word) continue;
        for (size_t i = 0; i < len; i++) {
            uint8_t byte = message.ptr[start + i];
            word[i] = is_upper(byte) ? (uint8_t)(byte + 32) : byte;
        }
        by_word(bytes_from(word, len), message, &best);
    }
    return best == NULL ? NULL : &known_all[best->entry];
}

static const struct known *exception_find(const struct error_exception *exception)
{
    struct bytes message = first_line(exception->message);
    const struct known *known = exception->type.len > 0 ? by_type(exception->type, message) : NULL;
    if (known == NULL && message.len > 0 && type_is_vague(exception->type)) known = by_message(message);
    return known;
}

const struct known *known_find(const struct error_event *event)
{
    const struct error_exception *first = &event->exceptions[0];
    const struct known *known = exception_find(first);
    if (known != NULL || event->exception_count == 1 || !type_is_vague(first->type)) return known;
    for (uint32_t i = event->exception_count - 1; i > 0; i--) { /* the root cause: what is no sibling or aside */
        enum error_link link = event->exceptions[i].link;
        if (link == ERROR_LINK_CAUSE || link == ERROR_LINK_DURING) return exception_find(&event->exceptions[i]);
    }
    return NULL;
}
