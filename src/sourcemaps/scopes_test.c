/* The functions of a source, by the names that V8 gives them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "sourcemaps/scopes.h"

#define TEXT_BYTES_MAX (1u << 16)

/* Marks "@NAME@" in a source say what the function there is called ("-" has no name, "." is none); they are taken out. */
static void check(const char *marked)
{
    struct {
        uint32_t line, column;
        char name[64];
    } marks[64];
    uint32_t count = 0, line = 0, column = 0;
    char source[TEXT_BYTES_MAX];
    size_t len = 0;
    for (const char *at = marked; *at != '\0'; at++) {
        if (*at == '@') {
            const char *end = strchr(at + 1, '@');
            assert_non_null(end);
            marks[count].line = line;
            marks[count].column = column;
            snprintf(marks[count++].name, sizeof marks[0].name, "%.*s", (int)(end - at - 1), at + 1);
            at = end;
            continue;
        }
        source[len++] = *at;
        column = *at == '\n' ? 0 : column + 1;
        line += *at == '\n';
    }
    struct arena arena;
    struct scopes scopes;
    arena_init(&arena, 0);
    scopes_read(&arena, bytes_from(source, len), &scopes);
    for (uint32_t m = 0; m < count; m++) {
        const char *name = ".";
        char text[64];
        for (uint32_t s = 0; s < scopes.count; s++) { /* the last one that holds it is the innermost */
            const struct scope *scope = &scopes.at[s];
            bool begins =
                scope->line < marks[m].line || (scope->line == marks[m].line && scope->column <= marks[m].column);
            bool ends = scope->end_line > marks[m].line ||
                        (scope->end_line == marks[m].line && scope->end_column > marks[m].column);
            if (!begins || !ends) continue;
            snprintf(text, sizeof text, "%.*s", (int)scope->name.len, (const char *)scope->name.ptr);
            name = scope->name.len == 0 ? "-" : text;
        }
        if (strcmp(name, marks[m].name) != 0) fail_msg("%s, not %s, at %u of\n%s", name, marks[m].name, m, marked);
    }
    arena_deinit(&arena);
}

/* Goal: functions of every form get their names, and what is beside them does not.
 * Method: small programs with the expected name at some places. */
static void test_names(void **state)
{
    (void)state;
    check("@.@let a; function total(x) { @total@ if (x) { @total@ } return [1].map((y) => @-@ y) @total@ } @.@");
    check("const price = (x) => { @price@ }; const tax = async x => @tax@ x * 2; @.@ const f = function () { @f@ };");
    check("const name = function inner() { @inner@ }\nexport default function () { @-@ }\nexport async function* gen() "
          "{ @gen@ }");
    check("class Cart extends Base { constructor(a) { @Cart@ } add(x, y = () => { @y@ }) { @Cart.add@ } static of() { "
          "@Cart.of@ } get sum() { @Cart.sum@ } async load() { @Cart.load@ } #own() { @Cart.#own@ } field = (x) => { "
          "@Cart.field@ }; other = 1; [Symbol.iterator]() { @-@ } } @.@");
    check("const Shop = class { open() { @Shop.open@ } }; const s = new (class Inner { go() { @Inner.go@ } })();");
    check("const api = { get(x) { @get@ }, post: function (x) { @post@ }, put: (x) => { @put@ }, del: async () => "
          "@del@ 1, "
          "'a b'() { @a b@ }, n: f(x) };");
    check("module.exports.run = function () { @run@ }; a.b.c = () => @c@ 1;");
    check("if (x) { @.@ } for (const a of b) { @.@ } while (f(x)) { @.@ } switch (f(x)) { case g(y): { @.@ } } try { "
          "@.@ } catch "
          "(e) { @.@ }");
    check("function outer() { function inner() { @inner@ } @outer@ const o = { deep() { @deep@ } }; @outer@ }");
}

/* Goal: TypeScript and JSX do not lead astray. */
static void test_typescript(void **state)
{
    (void)state;
    check("function total<T extends Item>(items: T[], opts?: { tax: number }): Promise<T | null> { @total@ }");
    check("const handler: Handler = async (event: Event): Promise<void> => { @handler@ };");
    check("class A { private readonly n: number = 1; constructor(private x: string) { @A@ } run<T>(a: T): T { @A.run@ "
          "} abstract "
          "f(): void; on: Handler = (e) => { @A.on@ }; }");
    check("interface I { f(x: number): void; g: () => void }\nenum E { A = 1 }\ntype T = { a: string };\nfunction f() "
          "{ @f@ }");
    check("function View() { return <div onClick={() => @-@ go()}>it's a <b>{x}</b> don't </div>; @View@ }\nfunction "
          "g() { @g@ }");
    check("function a(x?: () => void) { @a@ }\nconst b = <T,>(x: T) => { @b@ };");
}

/* Goal: what is written in strings, templates, comments and regular expressions is no code. */
static void test_texts(void **state)
{
    (void)state;
    check("function a() { const s = '}'; const t = \"{\"; const u = `}${b(() => { @-@ })}{`; /* } */ // }\n @a@ }");
    check("function a() { return /[}/]\\/{/.test(x) ? 1 / 2 : 3 / 4; @a@ } @.@");
    check("const f = x => x + 1\nconst g = () => { @g@ }\nlet h = y => y\nfunction i() { @i@ }");
    check("const r = a ? x => @-@ 1 : y => @-@ 2; @.@");
    check("f(function () { @-@ }, async function named() { @named@ }); @.@");
}

/* Goal: whatever comes, it ends, soon, and keeps its limits.
 * Method: brackets of all kinds, deep and never closed; each head of a program. */
static void test_any(void **state)
{
    (void)state;
    static const char *const pieces[] = { "(",    "[", "{", "a=>", "`${", "function(", "function f(){", "class A{m(){",
                                          "x(){", ")", "}", "=>",  "/",   "'" };
    enum { BYTES = 200000 };
    char *text = mem_alloc(BYTES);
    for (size_t p = 0; p < COUNT_OF(pieces); p++) {
        size_t len = strlen(pieces[p]);
        struct arena arena;
        struct scopes scopes;
        arena_init(&arena, 0);
        for (size_t i = 0; i < BYTES; i++) text[i] = pieces[p][i % len];
        scopes_read(&arena, bytes_from(text, BYTES), &scopes);
        assert_true(scopes.count <= SCOPES_MAX);
        arena_deinit(&arena);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_names), cmocka_unit_test(test_typescript),
                                        cmocka_unit_test(test_texts), cmocka_unit_test(test_any) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
