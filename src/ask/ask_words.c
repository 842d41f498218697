/* The question as words, and what single words are: numbers, lengths of time, nearly another word. */
#include "ask/ask_inside.h"
#include <ctype.h>
#include <stdlib.h>

static bool is_blank(uint8_t c)
{
    return c <= ' ' || strchr(",;?!()[]", c) != NULL;
}

/* The byte behind the closing quote; 0: it is none. "it's" has no quotes. */
static uint32_t quoted_end(struct bytes text, uint32_t at)
{
    uint8_t quote = text.ptr[at];
    if (quote != '"' && quote != '`' && quote != '\'') return 0;
    for (uint32_t i = at + 1; i < text.len; i++)
        if (text.ptr[i] == quote && (quote != '\'' || i + 1 == text.len || is_blank(text.ptr[i + 1]))) return i + 1;
    return 0;
}

static struct bytes lowered(struct arena *arena, struct bytes text)
{
    uint8_t *to = arena_alloc(arena, text.len);
    for (size_t i = 0; i < text.len; i++) to[i] = text.ptr[i] < 128 ? (uint8_t)tolower(text.ptr[i]) : text.ptr[i];
    return bytes_from(to, text.len);
}

static bool ends_with(struct bytes text, const char *end)
{
    size_t len = strlen(end);
    return text.len > len && memcmp(text.ptr + text.len - len, end, len) == 0;
}

/* Stops behind a word, and whose it is: "yesterday's", "web:". */
static struct bytes stripped(struct bytes word)
{
    for (;;) {
        if (ends_with(word, "'s")) {
            word.len -= 2;
        } else if (ends_with(word, "\xE2\x80\x99s")) {
            word.len -= 4;
        } else if (word.len > 1 && strchr(".:'", word.ptr[word.len - 1]) != NULL) {
            word.len--;
        } else {
            return word;
        }
    }
}

void ask_words_read(struct arena *arena, struct bytes text, struct ask_words *words)
{
    words->count = 0;
    words->is_cut = false;
    for (uint32_t at = 0; at < text.len;) {
        if (is_blank(text.ptr[at])) {
            at++;
            continue;
        }
        if (words->count == ASK_TOKENS_MAX) {
            words->is_cut = true;
            return;
        }
        struct ask_token *token = &words->tokens[words->count++];
        *token = (struct ask_token){ .from = at };
        uint32_t end = quoted_end(text, at);
        if (end > at + 2) {
            token->is_quoted = true;
            token->text = token->lower = bytes_from(text.ptr + at + 1, end - at - 2);
        } else {
            for (end = at + 1; end < text.len && !is_blank(text.ptr[end]);) end++;
            token->text = stripped(bytes_from(text.ptr + at, end - at));
            token->lower = lowered(arena, token->text);
        }
        token->to = at = end;
    }
}

bool ask_same(struct bytes a, struct bytes b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++)
        if (a.ptr[i] != b.ptr[i] && (a.ptr[i] >= 128 || b.ptr[i] >= 128 || tolower(a.ptr[i]) != tolower(b.ptr[i])))
            return false;
    return true;
}

static bool is_free(const struct ask_words *words, uint32_t at)
{
    return at < words->count && !words->tokens[at].is_used && !words->tokens[at].is_quoted;
}

bool ask_word_is(const struct ask_words *words, uint32_t at, const char *word)
{
    return is_free(words, at) && bytes_equal(words->tokens[at].lower, bytes_of_text(word));
}

/* One of "a|b|c". */
static bool alternative_is(struct bytes word, const char *pattern, size_t len)
{
    for (size_t from = 0; from <= len;) {
        const char *bar = memchr(pattern + from, '|', len - from);
        size_t end = bar == NULL ? len : (size_t)(bar - pattern);
        if (bytes_equal(word, bytes_from(pattern + from, end - from))) return true;
        from = end + 1;
    }
    return false;
}

uint32_t ask_phrase(const struct ask_words *words, uint32_t at, const char *pattern)
{
    uint32_t count = 0;
    while (*pattern != '\0') {
        size_t len = strcspn(pattern, " ");
        bool may_lack = pattern[len - 1] == '?';
        if (is_free(words, at + count) && alternative_is(words->tokens[at + count].lower, pattern, len - may_lack)) {
            count++;
        } else if (!may_lack) {
            return 0;
        }
        pattern += len;
        while (*pattern == ' ') pattern++;
    }
    return count;
}

/* ---- numbers ---- */

static bool digits_read(struct bytes text, size_t *used, double *number)
{
    char copy[24];
    size_t len = 0, points = 0;
    while (len < text.len && len < sizeof copy - 1 &&
           (isdigit(text.ptr[len]) || (text.ptr[len] == '.' && points == 0))) {
        points += text.ptr[len] == '.';
        copy[len] = (char)text.ptr[len];
        len++;
    }
    if (len == 0 || !isdigit(text.ptr[0])) return false;
    copy[len] = '\0';
    *number = strtod(copy, NULL);
    *used = len;
    return true;
}

uint32_t ask_number(const struct ask_words *words, uint32_t at, double *number)
{
    static const char *const names[] = { "zero",  "one",   "two",  "three", "four",   "five",  "six",
                                         "seven", "eight", "nine", "ten",   "eleven", "twelve" };
    size_t used;
    if (!is_free(words, at)) return 0;
    struct bytes word = words->tokens[at].lower;
    if (digits_read(word, &used, number) && used == word.len) return 1;
    for (uint32_t n = 0; n < COUNT_OF(names); n++)
        if (bytes_equal(word, bytes_of_text(names[n]))) return (*number = n, 1);
    if (ask_word_is(words, at, "twenty")) return (*number = 20, 1);
    if (ask_word_is(words, at, "thirty")) return (*number = 30, 1);
    return 0;
}

static bool unit_ns(struct bytes word, double *ns)
{
    static const struct {
        const char *names;
        double ns;
    } units[] = {
        { "ns|nanosecond|nanoseconds", 1 },
        { "us|microsecond|microseconds", 1e3 },
        { "ms|msec|millis|millisecond|milliseconds", 1e6 },
        { "s|sec|secs|second|seconds", 1e9 },
        { "m|min|mins|minute|minutes", 60e9 },
        { "h|hr|hrs|hour|hours", 3600e9 },
        { "d|day|days", 86400e9 },
        { "w|week|weeks", 7 * 86400e9 },
    };
    for (size_t u = 0; u < COUNT_OF(units); u++)
        if (alternative_is(word, units[u].names, strlen(units[u].names))) return (*ns = units[u].ns, true);
    return false;
}

/* False beyond a hundred years: nobody asks for it, and its nanoseconds must fit into an int64_t. */
static bool length_set(double number, double unit, double *ns)
{
    *ns = number * unit;
    return *ns >= 0 && *ns <= 100 * 366 * 86400e9;
}

uint32_t ask_length(const struct ask_words *words, uint32_t at, double *ns)
{
    double number, unit;
    size_t used;
    if (!is_free(words, at)) return 0;
    struct bytes word = words->tokens[at].lower;
    if (digits_read(word, &used, &number) && used < word.len &&
        unit_ns(bytes_from(word.ptr + used, word.len - used), &unit))
        return length_set(number, unit, ns) ? 1 : 0;
    uint32_t count = ask_number(words, at, &number);
    if (count == 0 && ask_phrase(words, at, "half an?")) {
        number = 0.5;
        count = ask_phrase(words, at, "half an?");
    } else if (count == 0 && ask_phrase(words, at, "a|an|one")) {
        number = 1;
        count = 1;
    }
    if (count == 0 || !is_free(words, at + count) || !unit_ns(words->tokens[at + count].lower, &unit)) return 0;
    return length_set(number, unit, ns) ? count + 1 : 0;
}

uint32_t ask_distance(struct bytes a, struct bytes b, uint32_t limit)
{
    enum { LEN_MAX = 48 };
    uint32_t rows[3][LEN_MAX + 1];
    size_t more = a.len > b.len ? a.len - b.len : b.len - a.len;
    if (a.len > LEN_MAX || b.len > LEN_MAX || more > limit) return limit + 1;
    for (uint32_t j = 0; j <= b.len; j++) rows[0][j] = j;
    for (uint32_t i = 1; i <= a.len; i++) {
        uint32_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (uint32_t j = 1; j <= b.len; j++) {
            uint8_t x = (uint8_t)tolower(a.ptr[i - 1]), y = (uint8_t)tolower(b.ptr[j - 1]);
            uint32_t best = last[j - 1] + (x != y);
            if (last[j] + 1 < best) best = last[j] + 1;
            if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
            if (i > 1 && j > 1 && x == tolower(b.ptr[j - 2]) && y == tolower(a.ptr[i - 2]) && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    uint32_t found = rows[a.len % 3][b.len];
    return found > limit ? limit + 1 : found;
}
