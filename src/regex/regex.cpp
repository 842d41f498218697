/* C may leave members out, and base/bytes.h does. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
extern "C" {
#include "base/err.h"
}
#include "regex/regex.h"

#include <re2/re2.h>

struct regex {
    re2::RE2 expression;
    explicit regex(const char *text, const re2::RE2::Options &options) : expression(text, options) {}
};

extern "C" bool regex_create(struct regex **out, const char *text, struct err *err)
{
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(1 << 20);
    *out = nullptr;
    struct regex *made = new regex(text, options);
    if (!made->expression.ok()) {
        err_set(err, ERR_INPUT, "the regular expression cannot be read: %.150s (RE2's syntax)",
                made->expression.error().c_str());
    } else if (re2::RE2::PartialMatch("", made->expression)) {
        err_set(err, ERR_INPUT,
                "the regular expression matches where nothing is: it must ask for at least one character");
    } else {
        *out = made;
        return true;
    }
    delete made;
    return false;
}

extern "C" bool regex_create_any_case(struct regex **out, const char *text, struct err *err)
{
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(1 << 20);
    options.set_case_sensitive(false);
    *out = new regex(text, options);
    if ((*out)->expression.ok()) return true;
    err_set(err, ERR_INPUT, "the words cannot be looked for: %.150s", (*out)->expression.error().c_str());
    delete *out;
    *out = nullptr;
    return false;
}

extern "C" bool regex_holds(const struct regex *regex, struct bytes text)
{
    return re2::RE2::PartialMatch(re2::StringPiece(reinterpret_cast<const char *>(text.ptr), text.len),
                                  regex->expression);
}

extern "C" void regex_destroy(struct regex *regex)
{
    delete regex;
}

extern "C" bool regex_find(const struct regex *regex, struct bytes text, size_t from, size_t *begin, size_t *end)
{
    re2::StringPiece whole(reinterpret_cast<const char *>(text.ptr), text.len);
    /* A window: matches that begin in its first half are whole in it. The text around it is still its context. */
    int empty_left = 64; /* where nothing is matched (\\b): stepped over, a bounded number of times */
    while (from < text.len) {
        size_t to = text.len - from > 2 * REGEX_REACH ? from + 2 * REGEX_REACH : text.len;
        re2::StringPiece match;
        if (regex->expression.Match(whole, from, to, re2::RE2::UNANCHORED, &match, 1)) {
            *begin = static_cast<size_t>(match.data() - whole.data());
            *end = *begin + match.size();
            if (match.empty() && empty_left-- > 0) {
                from = *begin + 1;
                continue;
            }
            if (match.empty()) return false;
            if (to == text.len || *begin < from + REGEX_REACH) return true;
        }
        if (to == text.len) return false;
        from += REGEX_REACH;
    }
    return false;
}
