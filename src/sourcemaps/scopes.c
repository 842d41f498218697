#include "sourcemaps/scopes.h"

#include <stdlib.h>

enum kind { TOKEN_NONE, TOKEN_WORD, TOKEN_TEXT, TOKEN_MARK, TOKEN_ARROW };
struct token {
    enum kind kind;
    uint8_t mark; /* of TOKEN_MARK */
    struct bytes text;
    uint32_t line, column, number; /* number: which token it is */
};

/* What is open. A template's "${" and an arrow function without braces are brackets too. */
enum holds { HOLDS_CODE, HOLDS_CLASS, HOLDS_OBJECT };
struct bracket {
    uint8_t mark; /* '(' '[' '{' '$' or 'a': the arrow function ends with what it stands in */
    uint8_t holds;
    bool is_call;         /* of '(': what stands before it is a name that a body could be of */
    bool is_function;     /* ... behind "function" */
    bool is_decl_done;    /* its "=" has come */
    uint32_t scope;       /* that ends with it, or SCOPE_NONE */
    struct bytes name;    /* of a class; of '(': of the function */
    struct token head;    /* of '(': where the function begins */
    struct bytes decl;    /* of the declaration or field at hand: const NAME, NAME: Type = */
    struct bytes value;   /* what the next value is assigned to ... */
    uint32_t value_token; /* ... when it begins with this token */
};

struct reader {
    const uint8_t *at, *end;
    uint32_t line, column, token_number;
    struct token last, before; /* the last two */
    struct bracket brackets[SCOPES_DEEP];
    uint32_t depth; /* at least 1: the file */
    struct scope *scopes;
    uint32_t scope_count, scope_room, scope_open; /* scope_open: the innermost */
    struct arena *arena;

    struct token function; /* the keyword, until its "(" */
    bool has_function;
    struct bytes function_value; /* what it is assigned to */
    bool has_class;
    struct bytes class_name;
    uint32_t class_depth;
    struct bracket closed; /* the last "(" that was closed at this depth, while a body may follow */
    uint32_t closed_depth;
    bool has_closed;
    struct bytes angle_name; /* NAME<...>( */
    struct token angle;
    bool is_angle_value; /* const f = <T>(x: T) => */
};

/* ---- characters ---- */

static void step(struct reader *reader)
{
    uint8_t byte = *reader->at++;
    bool is_line = byte == '\n' || (byte == '\r' && (reader->at == reader->end || *reader->at != '\n'));
    if (unlikely(byte == 0xE2) && reader->end - reader->at >= 2 && reader->at[0] == 0x80 &&
        (reader->at[1] == 0xA8 || reader->at[1] == 0xA9)) { /* U+2028, U+2029 */
        reader->at += 2;
        is_line = true;
    }
    if (is_line) {
        reader->line++;
        reader->column = 0;
    } else if (byte < 0x80 || byte >= 0xC0) {
        reader->column += byte >= 0xF0 ? 2 : 1;
    }
}
static void steps(struct reader *reader, size_t count)
{
    while (count-- > 0 && reader->at < reader->end) step(reader);
}
static uint8_t next_byte(const struct reader *reader, size_t ahead)
{
    return (size_t)(reader->end - reader->at) > ahead ? reader->at[ahead] : 0;
}
static bool is_of_word(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           byte == '_' || byte == '$' || byte == '#' || byte >= 0x80;
}
static bool word_is(struct bytes word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(word, bytes_of_text(words[i]))) return true;
    }
    return false;
}
/* Words behind which a value begins: of '/' a regular expression, of ''' a text. */
static bool word_wants_value(struct bytes word)
{
    static const char *const words[] = { "return", "case", "typeof", "in",    "of",   "delete", "void", "throw",  "new",
                                         "else",   "do",   "await",  "yield", "from", "import", "as",   "default" };
    return word_is(word, words, COUNT_OF(words));
}
static bool word_begins_statement(struct bytes word)
{
    static const char *const words[] = { "const",  "let",    "var",       "function", "class", "export",
                                         "import", "return", "if",        "for",      "while", "switch",
                                         "throw",  "try",    "interface", "type",     "enum",  "async" };
    return word_is(word, words, COUNT_OF(words));
}
static bool word_takes_parens(struct bytes word) /* if (...) { is no function */
{
    static const char *const words[] = { "if", "for", "while", "switch", "catch", "with", "await", "return", "super" };
    return word_is(word, words, COUNT_OF(words));
}

/* ---- scopes ---- */

static struct bracket *top(struct reader *reader)
{
    return &reader->brackets[reader->depth - 1];
}

static uint32_t scope_begin(struct reader *reader, const struct token *from, struct bytes name)
{
    if (reader->scope_count == SCOPES_MAX) return SCOPE_NONE;
    if (reader->scope_count == reader->scope_room) {
        uint32_t room = reader->scope_room == 0 ? 64 : reader->scope_room * 2;
        struct scope *scopes = arena_alloc(reader->arena, room * sizeof *scopes);
        if (reader->scope_count > 0) memcpy(scopes, reader->scopes, reader->scope_count * sizeof *scopes);
        reader->scopes = scopes;
        reader->scope_room = room;
    }
    reader->scopes[reader->scope_count] =
        (struct scope){ .line = from->line, .column = from->column, .parent = reader->scope_open, .name = name };
    reader->scope_open = reader->scope_count;
    return reader->scope_count++;
}

static void scope_end(struct reader *reader, uint32_t scope, uint32_t line, uint32_t column)
{
    if (scope == SCOPE_NONE) return;
    reader->scopes[scope].end_line = line;
    reader->scopes[scope].end_column = column;
    reader->scope_open = reader->scopes[scope].parent;
}

static struct bytes name_join(struct reader *reader, struct bytes class_name, struct bytes name)
{
    enum { NAME_BYTES_MAX = 200 };
    if (class_name.len == 0 || name.len == 0 || class_name.len + name.len > NAME_BYTES_MAX) return name;
    uint8_t *at = arena_alloc(reader->arena, class_name.len + 1 + name.len);
    memcpy(at, class_name.ptr, class_name.len);
    at[class_name.len] = '.';
    memcpy(at + class_name.len + 1, name.ptr, name.len);
    return bytes_from(at, class_name.len + 1 + name.len);
}

static void open_bracket(struct reader *reader, uint8_t mark, enum holds holds, uint32_t scope)
{
    if (reader->depth == SCOPES_DEEP) { /* deeper ones are not told apart: what is open stays so */
        if (scope != SCOPE_NONE) scope_end(reader, scope, reader->line, reader->column);
        return;
    }
    reader->brackets[reader->depth++] =
        (struct bracket){ .mark = mark, .holds = (uint8_t)holds, .scope = scope, .value_token = UINT32_MAX };
}

/* Arrow functions without braces end with what they stand in. */
static void arrows_end(struct reader *reader, const struct token *at)
{
    while (reader->depth > 1 && top(reader)->mark == 'a') {
        scope_end(reader, top(reader)->scope, at->line, at->column);
        reader->depth--;
    }
}

static void close_bracket(struct reader *reader, uint8_t mark, const struct token *at)
{
    uint32_t depth = reader->depth;
    while (depth > 1 && reader->brackets[depth - 1].mark != mark) depth--;
    if (depth <= 1) return;           /* never opened */
    if (mark != '{' && mark != '$') { /* a text that is no program: a brace is stronger */
        for (uint32_t d = depth; d < reader->depth; d++)
            if (reader->brackets[d].mark == '{') return;
    }
    while (reader->depth > depth) {
        scope_end(reader, top(reader)->scope, at->line, at->column);
        reader->depth--;
    }
    struct bracket *bracket = top(reader);
    scope_end(reader, bracket->scope, at->line, at->column + 1);
    reader->depth--;
    reader->has_closed = mark == '(';
    if (mark == '(') {
        reader->closed = *bracket;
        reader->closed_depth = reader->depth;
    }
}

/* The name that a value beginning with this token gets. */
static struct bytes value_name(struct reader *reader, uint32_t token_number)
{
    const struct bracket *holder = top(reader);
    if (holder->value_token != token_number) return (struct bytes){ 0 };
    return holder->holds == HOLDS_CLASS ? name_join(reader, holder->name, holder->value) : holder->value;
}

/* ---- tokens ---- */

static void token_add(struct reader *reader, struct token token)
{
    token.number = ++reader->token_number;
    reader->before = reader->last;
    reader->last = token;
}

static bool last_is(const struct reader *reader, uint8_t mark)
{
    return reader->last.kind == TOKEN_MARK && reader->last.mark == mark;
}

static void word_take(struct reader *reader)
{
    struct token token = { .kind = TOKEN_WORD, .line = reader->line, .column = reader->column };
    const uint8_t *from = reader->at;
    while (reader->at < reader->end && is_of_word(*reader->at)) step(reader);
    token.text = bytes_from(from, (size_t)(reader->at - from));
    bool is_member = last_is(reader, '.');
    if (!is_member && token.line > reader->last.line && reader->depth > 1 && top(reader)->mark == 'a' &&
        reader->last.kind != TOKEN_ARROW && word_begins_statement(token.text)) /* no ";" behind it */
        arrows_end(reader, &token);
    struct bracket *holder = top(reader);
    if (!is_member && bytes_equal(token.text, BYTES("function"))) {
        reader->has_function = true;
        reader->function = token;
        reader->function_value = value_name(reader, reader->token_number + 1);
    } else if (!is_member && bytes_equal(token.text, BYTES("class"))) {
        reader->has_class = true;
        reader->class_name = value_name(reader, reader->token_number + 1);
        reader->class_depth = reader->depth;
    } else if (reader->has_class && reader->last.kind == TOKEN_WORD && bytes_equal(reader->last.text, BYTES("class")) &&
               !bytes_equal(token.text, BYTES("extends")) && !bytes_equal(token.text, BYTES("implements"))) {
        reader->class_name = token.text;
    } else if (reader->last.kind == TOKEN_WORD &&
               (bytes_equal(reader->last.text, BYTES("const")) || bytes_equal(reader->last.text, BYTES("let")) ||
                bytes_equal(reader->last.text, BYTES("var")))) {
        holder->decl = token.text;
        holder->is_decl_done = false;
    } else if (holder->holds == HOLDS_CLASS &&
               (holder->decl.len == 0 || holder->is_decl_done || reader->last.kind == TOKEN_WORD) &&
               !last_is(reader, ':')) {
        holder->decl = token.text; /* a field: the last word before ":" or "=" */
        holder->is_decl_done = false;
    }
    bool is_async = bytes_equal(token.text, BYTES("async")) && holder->value_token == reader->token_number + 1;
    if (is_async) holder->value_token++;
    token_add(reader, token);
}

static void text_take(struct reader *reader, uint8_t quote)
{
    struct token token = { .kind = TOKEN_TEXT, .line = reader->line, .column = reader->column };
    step(reader);
    const uint8_t *from = reader->at;
    while (reader->at < reader->end && *reader->at != quote && *reader->at != '\n') {
        if (*reader->at == '\\') step(reader);
        if (reader->at < reader->end) step(reader);
    }
    token.text = bytes_from(from, (size_t)(reader->at - from));
    if (reader->at < reader->end && *reader->at == quote) step(reader);
    token_add(reader, token);
}

/* The text of a template, from behind "`" or the "}" of a "${". */
static void template_take(struct reader *reader)
{
    struct token token = { .kind = TOKEN_TEXT, .line = reader->line, .column = reader->column };
    while (reader->at < reader->end) {
        uint8_t byte = *reader->at;
        if (byte == '\\') {
            steps(reader, 2);
        } else if (byte == '`') {
            step(reader);
            break;
        } else if (byte == '$' && next_byte(reader, 1) == '{') {
            steps(reader, 2);
            token_add(reader, token);
            open_bracket(reader, '$', HOLDS_CODE, SCOPE_NONE);
            reader->last = (struct token){ .kind = TOKEN_MARK, .mark = '{', .number = reader->token_number };
            return;
        } else {
            step(reader);
        }
    }
    token_add(reader, token);
}

static bool value_may_begin(const struct reader *reader)
{
    switch (reader->last.kind) {
    case TOKEN_WORD: return word_wants_value(reader->last.text);
    case TOKEN_TEXT: return false;
    case TOKEN_MARK: return reader->last.mark != ')' && reader->last.mark != ']' && reader->last.mark != '}';
    default: return true;
    }
}

/* A regular expression ends on its line; else it was none. */
static bool regex_take(struct reader *reader)
{
    bool is_class = false;
    const uint8_t *at = reader->at + 1;
    for (; at < reader->end && *at != '\n' && (*at != '/' || is_class); at++) {
        if (*at == '\\' && at + 1 < reader->end)
            at++;
        else if (*at == '[')
            is_class = true;
        else if (*at == ']')
            is_class = false;
    }
    if (at >= reader->end || *at != '/') return false;
    struct token token = { .kind = TOKEN_TEXT, .line = reader->line, .column = reader->column };
    while (reader->at <= at) step(reader);
    while (reader->at < reader->end && *reader->at >= 'a' && *reader->at <= 'z') step(reader);
    token_add(reader, token);
    return true;
}

static bool comment_skip(struct reader *reader)
{
    uint8_t next = next_byte(reader, 1);
    if (next == '/') {
        if (last_is(reader, ':') && reader->before.kind == TOKEN_WORD && reader->last.line == reader->line &&
            reader->at > reader->last.text.ptr && reader->at[-1] == ':')
            return false; /* "https://" in the text of an element */
        while (reader->at < reader->end && *reader->at != '\n' && *reader->at != '\r') step(reader);
        return true;
    }
    if (next != '*') return false;
    steps(reader, 2);
    while (reader->at < reader->end && !(*reader->at == '*' && next_byte(reader, 1) == '/')) step(reader);
    steps(reader, 2);
    return true;
}

/* ---- marks ---- */

/* Behind the last word "(" begins: of a method? In a class what is assigned, in an object what is a value, is none. */
static bool name_is_method(const struct reader *reader, const struct bracket *holder)
{
    const struct token *name = &reader->last, *before = &reader->before;
    if (name->kind != TOKEN_WORD && name->kind != TOKEN_TEXT) return false;
    if (name->kind == TOKEN_WORD && word_takes_parens(name->text)) return false;
    if (before->kind == TOKEN_MARK && holder->holds == HOLDS_OBJECT) return strchr("{,*", before->mark) != NULL;
    return before->kind == TOKEN_WORD || (before->kind == TOKEN_MARK && strchr("=.,(:", before->mark) == NULL);
}

/* "(": of which function, if a body follows? */
static void paren_open(struct reader *reader, const struct token *token)
{
    struct token name = reader->last;
    struct bracket bracket = { .mark = '(', .scope = SCOPE_NONE, .head = *token, .value_token = UINT32_MAX };
    const struct bracket *holder = top(reader);
    bool is_generic = last_is(reader, '>') && reader->angle_name.len > 0;
    if (is_generic) {
        name = reader->angle;
        name.text = reader->angle_name;
    }
    reader->angle_name.len = 0;
    if (reader->has_function) {
        bool is_named = (name.kind == TOKEN_WORD && !bytes_equal(name.text, BYTES("function")));
        bracket.is_call = bracket.is_function = true;
        bracket.head = reader->function;
        bracket.name = is_named ? name.text : reader->function_value;
        reader->has_function = false;
    } else if ((is_generic || name_is_method(reader, holder)) && holder->holds != HOLDS_CODE) {
        bool is_constructor = holder->holds == HOLDS_CLASS && bytes_equal(name.text, BYTES("constructor"));
        bracket.is_call = true;
        bracket.head = name;
        bracket.name = is_constructor ? holder->name : name_join(reader, holder->name, name.text);
    } else if (holder->holds != HOLDS_CODE && last_is(reader, ']')) { /* [Symbol.iterator]() { */
        bracket.is_call = true;
    }
    /* Of an arrow function: what it is assigned to. */
    if (!bracket.is_call) {
        uint32_t number = token->number;
        if (reader->last.kind == TOKEN_WORD && bytes_equal(reader->last.text, BYTES("async")))
            bracket.head = reader->last;
        bracket.value = value_name(reader, number);
    }
    if (reader->depth == SCOPES_DEEP) return;
    reader->brackets[reader->depth++] = bracket;
}

static void brace_open(struct reader *reader, const struct token *token)
{
    bool is_body = reader->has_closed && reader->closed_depth == reader->depth && reader->closed.is_call;
    if (reader->last.kind == TOKEN_ARROW) { /* the arrow's own bracket becomes this one */
        struct bracket *arrow = top(reader);
        if (arrow->mark == 'a') {
            arrow->mark = '{';
            return;
        }
    }
    if (reader->has_class && reader->class_depth == reader->depth) {
        reader->has_class = false;
        open_bracket(reader, '{', HOLDS_CLASS, SCOPE_NONE);
        top(reader)->name = reader->class_name;
    } else if (is_body) {
        uint32_t scope = scope_begin(reader, &reader->closed.head, reader->closed.name);
        open_bracket(reader, '{', HOLDS_CODE, scope);
    } else {
        const struct bracket *holder = top(reader);
        bool is_object = reader->last.kind == TOKEN_MARK && strchr("(,=[?&|", reader->last.mark) != NULL;
        is_object = is_object || (last_is(reader, ':') && (holder->holds == HOLDS_OBJECT || holder->mark != '{'));
        is_object =
            is_object || (reader->last.kind == TOKEN_WORD && (bytes_equal(reader->last.text, BYTES("return")) ||
                                                              bytes_equal(reader->last.text, BYTES("default"))));
        open_bracket(reader, '{', is_object ? HOLDS_OBJECT : HOLDS_CODE, SCOPE_NONE);
    }
    reader->has_closed = false;
    (void)token;
}

static void arrow_take(struct reader *reader)
{
    struct token token = { .kind = TOKEN_ARROW, .line = reader->line, .column = reader->column }, head = reader->last;
    struct bytes name = { 0 };
    steps(reader, 2);
    if (reader->has_closed && reader->closed_depth == reader->depth) { /* (a, b) =>, (a): Type => */
        head = reader->closed.head;
        name = reader->closed.is_call ? (struct bytes){ 0 } : reader->closed.value;
    } else if (reader->last.kind == TOKEN_WORD) { /* a => */
        name = value_name(reader, reader->last.number);
        if (reader->before.kind == TOKEN_WORD && bytes_equal(reader->before.text, BYTES("async")))
            head = reader->before;
    }
    reader->has_closed = false;
    token_add(reader, token);
    uint32_t scope = scope_begin(reader, &head, name);
    open_bracket(reader, 'a', HOLDS_CODE, scope);
}

static void mark_take(struct reader *reader)
{
    uint8_t mark = *reader->at;
    struct token token = { .kind = TOKEN_MARK,
                           .mark = mark,
                           .line = reader->line,
                           .column = reader->column,
                           .number = reader->token_number + 1 };
    if (mark == '=' && next_byte(reader, 1) == '>') {
        arrow_take(reader);
        return;
    }
    struct token last = reader->last;
    step(reader);
    switch (mark) {
    case '(': paren_open(reader, &token); break;
    case '[': open_bracket(reader, '[', HOLDS_CODE, SCOPE_NONE); break;
    case '{': brace_open(reader, &token); break;
    case ')': close_bracket(reader, '(', &token); break;
    case ']': close_bracket(reader, '[', &token); break;
    case '}': {
        uint32_t depth = reader->depth;
        while (depth > 1 && reader->brackets[depth - 1].mark != '{' && reader->brackets[depth - 1].mark != '$') depth--;
        bool is_template = depth > 1 && reader->brackets[depth - 1].mark == '$';
        close_bracket(reader, is_template ? '$' : '{', &token);
        if (is_template) {
            template_take(reader);
            return;
        }
        top(reader)->decl.len = 0;
        break;
    }
    case '=': {
        struct bracket *holder = top(reader);
        if (next_byte(reader, 0) == '=' || (last.kind == TOKEN_MARK && strchr("=!<>", last.mark) != NULL)) break;
        holder->value = holder->decl.len > 0 && !holder->is_decl_done ? holder->decl
                        : last.kind == TOKEN_WORD                     ? last.text
                                                                      : (struct bytes){ 0 };
        holder->is_decl_done = true;
        holder->value_token = token.number + 1;
        reader->has_closed = false;
        break;
    }
    case ':': {
        struct bracket *holder = top(reader);
        if (holder->holds != HOLDS_OBJECT || (last.kind != TOKEN_WORD && last.kind != TOKEN_TEXT)) break;
        holder->value = last.text;
        holder->value_token = token.number + 1;
        break;
    }
    case ',':
    case ';':
        arrows_end(reader, &token);
        top(reader)->decl.len = 0;
        reader->has_closed = false;
        if (mark == ';') reader->has_function = reader->has_class = false;
        break;
    case '>':
        if (reader->is_angle_value) top(reader)->value_token = token.number + 1;
        reader->is_angle_value = false;
        break;
    case '<':
        reader->is_angle_value = top(reader)->value_token == token.number;
        if (last.kind == TOKEN_WORD) {
            reader->angle_name = last.text;
            reader->angle = last;
        }
        break;
    case '&':
    case '|': /* "&&" is no type */
        if (last.kind == TOKEN_MARK && last.mark == mark) reader->has_closed = false;
        break;
    case '.':
    case '?':
    case '+':
    case '-': reader->has_closed = false; break;
    default: break;
    }
    token_add(reader, token);
}

/* ---- */

/* By begin, the outer one first. */
static int scope_compare(const void *a, const void *b)
{
    const struct scope *one = a, *other = b;
    uint64_t begin = (uint64_t)one->line << 32 | one->column, end = (uint64_t)one->end_line << 32 | one->end_column;
    uint64_t begin_other = (uint64_t)other->line << 32 | other->column;
    uint64_t end_other = (uint64_t)other->end_line << 32 | other->end_column;
    if (begin != begin_other) return begin < begin_other ? -1 : 1;
    return (end < end_other) - (end > end_other);
}

/* A function is known by its body, and begins before it: those of its parameters were met first. */
static void scopes_order(struct scope *scopes, uint32_t count)
{
    if (count > 0) qsort(scopes, count, sizeof *scopes, scope_compare);
    uint32_t open = SCOPE_NONE;
    for (uint32_t s = 0; s < count; s++) {
        while (open != SCOPE_NONE &&
               (scopes[open].end_line < scopes[s].line ||
                (scopes[open].end_line == scopes[s].line && scopes[open].end_column <= scopes[s].column)))
            open = scopes[open].parent;
        scopes[s].parent = open;
        open = s;
    }
}

static bool quote_is_letter(const struct reader *reader, const uint8_t *begin)
{
    if (*reader->at != '\'' || reader->at == begin || !is_of_word(reader->at[-1])) return false;
    return reader->last.kind == TOKEN_WORD && !word_wants_value(reader->last.text); /* "it's" between two elements */
}

void scopes_read(struct arena *arena, struct bytes source, struct scopes *scopes)
{
    struct reader *reader = arena_calloc(arena, sizeof *reader);
    *scopes = (struct scopes){ 0 };
    if (source.len == 0) return;
    reader->arena = arena;
    reader->at = source.ptr;
    reader->end = source.ptr + source.len;
    reader->scope_open = SCOPE_NONE;
    open_bracket(reader, 'f', HOLDS_CODE, SCOPE_NONE);
    while (reader->at < reader->end) {
        uint8_t byte = *reader->at;
        if (byte <= ' ') {
            step(reader);
        } else if (byte == '/' && comment_skip(reader)) {
            continue;
        } else if (byte == '/' && !last_is(reader, '<') && value_may_begin(reader) && regex_take(reader)) {
            continue;
        } else if ((byte == '"' || byte == '\'') && !quote_is_letter(reader, source.ptr)) {
            text_take(reader, byte);
        } else if (byte == '`') {
            step(reader);
            template_take(reader);
        } else if (is_of_word(byte)) {
            word_take(reader);
        } else {
            mark_take(reader);
        }
    }
    struct token end = { .line = reader->line, .column = reader->column };
    for (; reader->depth > 0; reader->depth--) scope_end(reader, top(reader)->scope, end.line, end.column);
    scopes_order(reader->scopes, reader->scope_count);
    scopes->at = reader->scopes;
    scopes->count = reader->scope_count;
}
