#include "errors/group.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEAD                 "Traceback (most recent call last):\n"
#define LINE(file, function) "  File \"/app/" file ".py\", line 3, in " function "\n    x()\n"

/* A project's index with an embedder by letters: texts with the same first letter mean the same, and "near x" something like
 * what begins with x: a cosine of 0.7. */
struct project {
    struct arena arena;
    struct group_index *index;
    uint64_t next_group;
    bool is_embedder_broken;
};

static bool embed_by_letter(void *context, struct bytes text, float vector[EMBED_DIMENSIONS], struct err *err)
{
    const struct project *project = context;
    if (project->is_embedder_broken) return err_set(err, ERR_UNSUPPORTED, "no model");
    memset(vector, 0, EMBED_DIMENSIONS * sizeof vector[0]);
    bool is_near = text.len > 5 && memcmp(text.ptr, "near ", 5) == 0;
    vector[text.len == 0 ? 0 : text.ptr[is_near ? 5 : 0]] = is_near ? 0.7f : 1;
    if (is_near) vector[EMBED_DIMENSIONS - 1] = 0.71414284f;
    return true;
}

static int project_setup(void **state)
{
    struct project *project = mem_calloc(1, sizeof *project);
    project->index = group_index_create(&(struct group_options){
        .fingerprints_max = 1000, .embedder = { .embed = embed_by_letter, .context = project } });
    project->next_group = 100;
    *state = project;
    return 0;
}

static int project_teardown(void **state)
{
    struct project *project = *state;
    group_index_destroy(project->index);
    arena_deinit(&project->arena);
    free(project);
    return 0;
}

struct sent {
    const char *service, *type, *message, *stacktrace;
};
struct asked {
    struct group_decision decision;
    struct fingerprint fingerprint;
    struct group_row row;
    uint64_t group;
};

static struct asked ask(struct project *project, struct sent sent)
{
    struct asked asked;
    struct error_source source = { .language = BYTES("python"),
                                   .service = bytes_of_text(sent.service),
                                   .type = bytes_of_text(sent.type),
                                   .message = bytes_of_text(sent.message),
                                   .stacktrace = bytes_of_text(sent.stacktrace) };
    const struct error_event *event = error_event_read(&project->arena, &source);
    asked.fingerprint = fingerprint_of(&project->arena, event, NULL);
    struct group_question question = { event, &asked.fingerprint, group_family(event->service) };
    asked.decision = group_find(project->index, &question);
    asked.group = group_add(project->index, &question, &asked.decision, project->next_group++, &asked.row);
    return asked;
}

/* Goal: a known fingerprint is its group's; the mapping is made once. */
static void test_known(void **state)
{
    struct project *project = *state;
    struct sent sent = { "shop", "ValueError", "amount is wrong", HEAD LINE("run", "main") LINE("bank", "charge") };
    struct asked first = ask(project, sent), again = ask(project, sent);
    assert_int_equal(first.decision.by, GROUP_BY_NEW);
    assert_int_equal(again.decision.by, GROUP_BY_FINGERPRINT);
    assert_int_equal(again.group, first.group);
    assert_int_equal(group_index_count(project->index), 1);
}

/* Goal: tier 1 joins alike stacks of one type and says with what, how much and what was asked for. */
static void test_stack(void **state)
{
    struct project *project = *state;
    struct asked a = ask(project, (struct sent){ "shop", "ValueError", "amount is wrong",
                                                 HEAD LINE("run", "main") LINE("web", "post") LINE("bank", "charge") });
    struct asked b =
        ask(project, (struct sent){ "shop", "ValueError", "amount is wrong",
                                    HEAD LINE("run", "main") LINE("jobs", "night") LINE("bank", "charge") });
    assert_int_equal(b.decision.by, GROUP_BY_STACK);
    assert_int_equal(b.group, a.group);
    assert_true(b.decision.score >= b.decision.threshold);
    assert_true(hash128_equal(b.decision.with, a.fingerprint.key));
    assert_true(b.decision.is_same_template);
    struct bytes why = group_why(&project->arena, &b.decision);
    assert_non_null(memmem(why.ptr, why.len, "its stack is like that of", 25));
    struct asked again =
        ask(project, (struct sent){ "shop", "ValueError", "amount is wrong",
                                    HEAD LINE("run", "main") LINE("jobs", "night") LINE("bank", "charge") });
    assert_int_equal(again.decision.was_by, GROUP_BY_STACK);
    why = group_why(&project->arena, &again.decision);
    assert_non_null(memmem(why.ptr, why.len, "when it came first", 18));
}

/* Goal: the gates of tier 1: another type in the same code, another service family, the same words in other code. */
static void test_stack_gates(void **state)
{
    struct project *project = *state;
    const char *stack = HEAD LINE("run", "main") LINE("web", "post") LINE("bank", "charge");
    struct asked a = ask(project, (struct sent){ "shop", "bank.Declined", "card was declined", stack });
    struct asked type = ask(project, (struct sent){ "shop", "bank.Expired", "card was declined", stack });
    struct asked family =
        ask(project, (struct sent){ "ledger", "bank.Declined", "card was declined",
                                    HEAD LINE("run", "main") LINE("web", "get") LINE("bank", "charge") });
    struct asked code =
        ask(project, (struct sent){ "shop", "bank.Declined", "card was declined",
                                    HEAD LINE("run", "main") LINE("web", "post") LINE("mail", "send") });
    assert_int_not_equal(type.group, a.group);
    assert_int_not_equal(family.group, a.group);
    assert_int_not_equal(code.group, a.group);
    assert_int_equal(code.decision.by, GROUP_BY_NEW); /* nor by its words: both have stacks */
}

/* Goal: tier 2 joins what services of a family say of one thing, and no more. */
static void test_meaning(void **state)
{
    struct project *project = *state;
    struct asked a = ask(project, (struct sent){ "shop-api", "GatewayTimeout", "payment gateway timed out", "" });
    struct asked b = ask(project, (struct sent){ "shop-worker", "Slow", "provider did not answer", "" });
    assert_int_equal(b.decision.by, GROUP_BY_MEANING);
    assert_int_equal(b.group, a.group);
    assert_non_null(memmem(group_why(&project->arena, &b.decision).ptr, 40, "its message means", 17));
    struct asked other = ask(project, (struct sent){ "shop-worker", "Slow", "stock did not answer", "" });
    assert_int_equal(other.decision.by, GROUP_BY_NEW);
    struct asked family = ask(project, (struct sent){ "bank-api", "Slow", "provider is away", "" });
    assert_int_equal(family.decision.by, GROUP_BY_NEW);
    struct asked type = ask(project, (struct sent){ "shop-api", "OtherType", "payment provider is away", "" });
    assert_int_not_equal(type.group, a.group); /* the same service says it with another type */
    struct asked short_text = ask(project, (struct sent){ "shop-jobs", "X", "p", "" });
    assert_int_equal(short_text.decision.by, GROUP_BY_NEW);
    assert_false(short_text.decision.has_meaning);
}

/* Goal: what comes near and does not reach its threshold is named, for a judge; what the gates keep apart is not.
 * Method: texts with a cosine of 0.7. */
static void test_doubt(void **state)
{
    struct project *project = *state;
    struct asked bank = ask(project, (struct sent){ "shop-api", "BankError", "bank does not answer now", "" });
    struct asked near = ask(project, (struct sent){ "shop-worker", "OfflineError", "near bank nobody answers", "" });
    assert_int_equal(near.decision.by, GROUP_BY_NEW);
    assert_true(near.decision.doubt.is_there);
    assert_int_equal(near.decision.doubt.group, bank.group);
    assert_true(hash128_equal(near.decision.doubt.with, bank.fingerprint.key));
    assert_true(near.decision.doubt.score > 0.69f && near.decision.doubt.score < 0.71f);

    /* A judge says so: it is kept, and told. */
    struct group_decision decision = near.decision;
    group_accept(&decision);
    assert_int_equal(decision.by, GROUP_BY_JUDGE);
    assert_int_equal(decision.group, bank.group);
    struct bytes why = group_why(&project->arena, &decision);
    assert_non_null(memmem(why.ptr, why.len, "a model said", 12));

    /* None where something reaches its threshold, another family speaks, or a service would say two things of one group. */
    struct asked same = ask(project, (struct sent){ "shop-cron", "BankError", "bank is closed at night", "" });
    assert_int_equal(same.decision.by, GROUP_BY_MEANING);
    assert_false(same.decision.doubt.is_there);
    assert_false(
        ask(project, (struct sent){ "mail-api", "X", "near bank there is nothing", "" }).decision.doubt.is_there);
    assert_false(
        ask(project, (struct sent){ "shop-api", "BankError", "near bank it is dark", "" }).decision.doubt.is_there);
}

/* Goal: without a model the rest goes on, and the decision says so. */
static void test_embedder_fails(void **state)
{
    struct project *project = *state;
    project->is_embedder_broken = true;
    ask(project, (struct sent){ "shop-api", "GatewayTimeout", "payment gateway timed out", "" });
    struct asked b = ask(project, (struct sent){ "shop-worker", "Slow", "provider did not answer", "" });
    assert_int_equal(b.decision.by, GROUP_BY_NEW);
    assert_int_equal(b.decision.meaning_error.code, ERR_UNSUPPORTED);
    assert_non_null(memmem(group_why(&project->arena, &b.decision).ptr, 80, "not compared", 12));
}

/* Goal: people merge and split, and what they did stands; the group that lost all is gone. */
static void test_people(void **state)
{
    struct project *project = *state;
    struct err err = { .code = ERR_OK };
    struct group_row row;
    struct sent one = { "shop", "ValueError", "amount is wrong", HEAD LINE("bank", "charge") },
                two = { "shop", "KeyError", "no such key here", HEAD LINE("mail", "send") };
    struct asked a = ask(project, one), b = ask(project, two);
    assert_int_not_equal(a.group, b.group);
    assert_int_equal(group_merge(project->index, b.group, a.group), 1);
    assert_int_equal(ask(project, two).group, a.group);
    assert_int_equal(group_merge(project->index, b.group, a.group), 0);
    assert_true(group_move(project->index, b.fingerprint.key, 7, &row, &err));
    assert_int_equal(row.group, 7);
    assert_true(row.is_pinned);
    struct asked again = ask(project, two);
    assert_int_equal(again.group, 7);
    assert_non_null(memmem(group_why(&project->arena, &again.decision).ptr, 70, "a person put it here", 20));
    assert_false(group_move(project->index, (struct hash128){ 1, 2 }, 7, NULL, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(group_merge(project->index, 7, 7), 0);
}

/* Goal: an index made of its rows answers as the one they came from, in whatever order they are loaded. */
static void test_rows(void **state)
{
    struct project *project = *state, other = { .next_group = 500 };
    ask(project, (struct sent){ "shop-api", "ValueError", "amount is wrong",
                                HEAD LINE("run", "main") LINE("web", "post") LINE("bank", "charge") });
    ask(project, (struct sent){ "shop-api", "GatewayTimeout", "payment gateway timed out", "" });
    ask(project, (struct sent){ "shop-worker", "Slow", "provider did not answer", "" });
    other.index = group_index_create(
        &(struct group_options){ .fingerprints_max = 1000, .embedder = { embed_by_letter, &other } });
    for (uint32_t at = group_index_count(project->index); at-- > 0;) {
        struct group_row row;
        group_row_at(project->index, at, &row);
        assert_true(group_load(other.index, &row));
        assert_true(group_load(other.index, &row)); /* twice is once */
    }
    assert_int_equal(group_index_count(other.index), 3);
    struct sent stack = { "shop-api", "ValueError", "amount is wrong",
                          HEAD LINE("cli", "main") LINE("web", "post") LINE("bank", "charge") };
    struct sent words = { "shop-jobs", "", "provider is gone", "" };
    assert_int_equal(ask(project, stack).group, ask(&other, stack).group);
    assert_int_equal(ask(project, words).group, ask(&other, words).group);
    group_index_destroy(other.index);
    arena_deinit(&other.arena);
}

/* Goal: rows of other versions keep their groups, and no tier compares what was computed otherwise. */
static void test_versions(void **state)
{
    struct project *project = *state, other = { .next_group = 500 };
    struct sent first = { "shop", "ValueError", "amount is wrong",
                          HEAD LINE("run", "main") LINE("web", "post") LINE("bank", "charge") };
    struct sent like = { "shop", "ValueError", "amount is wrong", HEAD LINE("cli", "main") LINE("bank", "charge") };
    struct asked a = ask(project, first);
    a.row.errors_version++;
    other.index =
        group_index_create(&(struct group_options){ .fingerprints_max = 10, .embedder = { embed_by_letter, &other } });
    assert_true(group_load(other.index, &a.row));
    assert_int_equal(ask(&other, first).group, a.group);
    assert_int_equal(ask(&other, like).decision.by, GROUP_BY_NEW);
    group_index_destroy(other.index);
    arena_deinit(&other.arena);
}

/* Goal: at its maximum the index takes no more, says so, and keeps what it has. */
static void test_full(void **state)
{
    struct project *project = *state, small = { .next_group = 1 };
    (void)project;
    small.index = group_index_create(&(struct group_options){ .fingerprints_max = 1, .embedder = { NULL, NULL } });
    struct sent one = { "shop", "ValueError", "amount is wrong", HEAD LINE("bank", "charge") },
                two = { "shop", "KeyError", "no such key here", HEAD LINE("mail", "send") };
    struct asked a = ask(&small, one), b = ask(&small, two);
    assert_false(a.decision.is_full);
    assert_true(b.decision.is_full);
    assert_int_equal(group_index_count(small.index), 1);
    assert_int_equal(ask(&small, one).group, a.group);
    group_index_destroy(small.index);
    arena_deinit(&small.arena);
}

static void test_family(void **state)
{
    (void)state;
    assert_true(bytes_equal(group_family(BYTES("checkout-api")), BYTES("checkout")));
    assert_true(bytes_equal(group_family(BYTES("checkout")), BYTES("checkout")));
    assert_true(bytes_equal(group_family(BYTES("-x")), BYTES("-x")));
    assert_int_equal(group_family(BYTES("")).len, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, project_setup, project_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_known),
        TEST(test_stack),
        TEST(test_stack_gates),
        TEST(test_meaning),
        TEST(test_doubt),
        TEST(test_embedder_fails),
        TEST(test_people),
        TEST(test_rows),
        TEST(test_versions),
        TEST(test_full),
        cmocka_unit_test(test_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
