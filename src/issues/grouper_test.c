/* The owner: new errors become issues, whatever happens to it meanwhile; on SQLite and on PostgreSQL. */
#include <stdatomic.h>

#include "meta/db_fixture.h"

#include "base/clock.h"
#include "errors/group.h"
#include "issues/grouper.h"
#include "issues/row.h"
#include "issues/tell.h"
#include "meta/access.h"
#include "meta/meta.h"

#define MINUTE ISSUE_MINUTE_US
#define NOW_US INT64_C(1796000000000000)

struct world {
    struct db_fixture *base;
    struct meta *meta;
    struct db *db;
    struct meta_project shop, lobby;
    struct arena arena;
    int64_t now_us;
    bool is_embedder_broken;
    /* the judge */
    bool says_same, judge_fails;
    uint32_t asked;
    char asked_before[200], asked_now[200];
};

/* Texts with one first letter mean the same; "near x" is something like what begins with x: a cosine of 0.7. */
static bool embed_by_letter(void *context, struct bytes text, float vector[EMBED_DIMENSIONS], struct err *err)
{
    const struct world *world = context;
    if (world->is_embedder_broken) return err_set(err, ERR_UNSUPPORTED, "no model");
    memset(vector, 0, EMBED_DIMENSIONS * sizeof vector[0]);
    bool is_near = text.len > 5 && memcmp(text.ptr, "near ", 5) == 0;
    vector[text.len == 0 ? 0 : text.ptr[is_near ? 5 : 0]] = is_near ? 0.7f : 1;
    if (is_near) vector[EMBED_DIMENSIONS - 1 - text.len % 8] = 0.71414284f; /* not near one another */
    return true;
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct err err = { 0 };
    world->base = db_fixture_setup(state);
    if (!meta_open(&world->meta, world->base->url, &db_fixture_log, &err)) fail_msg("%s", err.text);
    world->db = meta_db(world->meta);
    assert_true(meta_project_create(world->meta, "shop", &world->shop, &err));
    assert_true(meta_project_create(world->meta, "lobby", &world->lobby, &err));
    arena_init(&world->arena, 0);
    world->now_us = NOW_US;
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    arena_deinit(&world->arena);
    meta_close(world->meta);
    db_fixture_teardown(world->base);
    free(world);
    return 0;
}

static struct grouper *owner_make_with(struct world *world, const char *name, uint64_t bytes_max,
                                       struct issue_judge judge)
{
    return grouper_create(&(struct grouper_options){ .db = world->db,
                                                     .name = name,
                                                     .embedder = { .embed = embed_by_letter, .context = world },
                                                     .judge = judge,
                                                     .bytes_max = bytes_max,
                                                     .look_ms = 5,
                                                     .log = &db_fixture_log });
}
static struct grouper *owner_make(struct world *world, const char *name)
{
    return owner_make_with(world, name, 64 << 20, (struct issue_judge){ NULL, NULL });
}

static bool look(struct world *world, struct grouper *grouper)
{
    struct err err = { 0 };
    bool did;
    if (!grouper_look(grouper, world->now_us, &did, &err)) fail_msg("%s", err.text);
    return did;
}
static void look_all(struct world *world, struct grouper *grouper)
{
    for (int looks = 0; look(world, grouper); looks++) assert_true(looks < 1000);
}

/* ---- what the worker's tap stores ---- */

struct sent {
    const char *service, *type, *message, *stacktrace;
};
struct storing {
    struct uuid project_id, id;
    const char *service, *json;
    enum fingerprint_by by;
    int64_t at_us;
};
static bool store_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct storing *storing = ctx;
    struct db_value project = db_uuid(storing->project_id), id = db_uuid(storing->id), at = db_integer(storing->at_us);
    return db_run(session,
                  "INSERT INTO error_fingerprints AS t(project_id, id, service, family, language, made_by, "
                  "errors_version, rules_version, rule_line, first_event, last_event, first_unix_us, last_unix_us, "
                  "total_count, issue, is_changed) VALUES($1, $2, $3, '', 'python', $4, 1, 0, 0, $5, $5, $6, $6, 1, 0, "
                  "1) ON CONFLICT(project_id, id) DO UPDATE SET total_count = t.total_count + 1, is_changed = 1, "
                  "last_unix_us = CASE WHEN t.last_unix_us > excluded.last_unix_us THEN t.last_unix_us ELSE "
                  "excluded.last_unix_us END",
                  DB_VALUES(project, id, db_text(storing->service), db_integer(storing->by), db_text(storing->json),
                            at),
                  NULL, NULL, NULL, err) &&
           db_run(
               session,
               "INSERT INTO error_minutes AS t(project_id, at_unix_us, fingerprint_id, environment, row_count) "
               "VALUES($1, $2, $3, '', 1) ON CONFLICT(project_id, at_unix_us, fingerprint_id, environment) DO UPDATE "
               "SET row_count = t.row_count + 1",
               DB_VALUES(project, db_integer(storing->at_us - storing->at_us % MINUTE), id), NULL, NULL, NULL, err);
}

/* Answers the fingerprint's id. */
static struct uuid store_in(struct world *world, struct uuid project_id, struct sent sent, int64_t at_us)
{
    struct err err = { 0 };
    char json[4096], stack[2048];
    size_t len = 0;
    struct error_source source = { .language = BYTES("python"),
                                   .service = bytes_of_text(sent.service),
                                   .type = bytes_of_text(sent.type),
                                   .message = bytes_of_text(sent.message),
                                   .stacktrace = bytes_of_text(sent.stacktrace) };
    struct fingerprint fingerprint = fingerprint_of(&world->arena, error_event_read(&world->arena, &source), NULL);
    for (const char *c = sent.stacktrace; *c != '\0' && len + 2 < sizeof stack; c++) {
        if (*c == '\n' || *c == '"') stack[len++] = '\\';
        stack[len++] = *c == '\n' ? 'n' : *c;
    }
    snprintf(json, sizeof json, "{\"type\":\"%s\",\"message\":\"%s\",\"stacktrace\":\"%.*s\"}", sent.type, sent.message,
             (int)len, stack);
    struct storing storing = { project_id, row_id(fingerprint.key), sent.service, json, fingerprint.by, at_us };
    if (!db_transaction_adding(world->db, store_run, &storing, &err)) fail_msg("%s", err.text);
    return storing.id;
}
static struct uuid store(struct world *world, struct sent sent)
{
    return store_in(world, world->shop.id, sent, world->now_us += 1000);
}

/* Error n of many: some alike by stack, some by words, some known, some alone. */
static struct sent sent_of(int n, char room[4][300])
{
    struct sent sent = { room[0], room[1], room[2], room[3] };
    snprintf(room[0], 300, "shop-%s", n % 3 == 0 ? "api" : n % 3 == 1 ? "worker" : "cron");
    snprintf(room[1], 300, "Error%c", 'A' + n % 7);
    snprintf(room[2], 300, "%c%s does not answer", 'a' + n % 11, n % 2 ? "bank" : "stock");
    room[3][0] = '\0';
    if (n % 5 < 3)
        snprintf(room[3], 300,
                 "Traceback (most recent call last):\n  File \"/app/run%d.py\", line 3, in main\n    x()\n  File "
                 "\"/app/part%d.py\", line 3, in work\n    x()\nError%c: gone\n",
                 n, n % 13, 'A' + n % 7);
    if (n % 17 == 0) snprintf(room[1], 300, "BrokenPipeError");
    return sent;
}
static void many_store(struct world *world, int from, int to)
{
    char room[4][300];
    for (int n = from; n < to; n++) store(world, sent_of(n, room));
}

/* ---- what came of it ---- */

static int64_t issue_of(struct world *world, struct uuid id)
{
    struct err err = { 0 };
    int64_t number;
    if (!issue_of_fingerprint(world->db, world->shop.id, id, &number, &err)) fail_msg("%s", err.text);
    return number;
}
static struct issue_fingerprint fingerprint_of_id(struct world *world, struct uuid id)
{
    struct err err = { 0 };
    struct issue_fingerprint fingerprint;
    if (!issue_fingerprint_get(world->db, world->shop.id, id, &world->arena, &fingerprint, &err))
        fail_msg("%s", err.text);
    return fingerprint;
}
static bool map_row(void *ctx, struct db_row *row, struct err *err)
{
    struct buf *map = ctx;
    char line[128];
    struct uuid id = db_row_uuid(row, 0);
    (void)err;
    int len = snprintf(line, sizeof line, "%02x%02x%02x%02x%02x%02x %d %d %d\n", id.bytes[0], id.bytes[1], id.bytes[2],
                       id.bytes[3], id.bytes[4], id.bytes[5], (int)db_row_integer(row, 1), (int)db_row_integer(row, 2),
                       (int)db_row_integer(row, 3));
    if (!buf_add(map, line, (size_t)len)) abort();
    return true;
}
/* Which issue each fingerprint is of, how it came there, and its events: all that is to be the same. */
static char *map_of(struct world *world)
{
    struct err err = { 0 };
    struct buf map;
    buf_init(&map, SIZE_MAX / 4);
    if (!db_read(
            world->db,
            "SELECT f.id, f.issue, p.decided_by, i.total_count FROM error_fingerprints f JOIN issue_fingerprints p "
            "ON p.project_id = f.project_id AND p.fingerprint_id = f.id AND p.issue = f.issue JOIN issues i ON "
            "i.project_id = f.project_id AND i.number = f.issue WHERE f.project_id = $1 ORDER BY f.id",
            DB_VALUES(db_uuid(world->shop.id)), map_row, &map, &err))
        fail_msg("%s", err.text);
    char *text = malloc(map.len + 1);
    memcpy(text, map.ptr, map.len);
    text[map.len] = '\0';
    buf_deinit(&map);
    return text;
}
static void all_checked(struct world *world)
{
    assert_int_equal(db_fixture_number(world->db, "SELECT count(*) FROM error_fingerprints WHERE issue = 0"), 0);
    assert_int_equal(db_fixture_number(world->db, "SELECT count(*) FROM error_fingerprints WHERE is_changed = 1"), 0);
    assert_int_equal(db_fixture_number(world->db, "SELECT count(*) FROM error_fingerprints") -
                         db_fixture_number(world->db, "SELECT count(*) FROM issue_fingerprints"),
                     0);
    /* No number was given away in vain, and each has begun once. */
    assert_int_equal(db_fixture_number(world->db, "SELECT max(number) - count(*) FROM issues"), 0);
    assert_int_equal(db_fixture_number(world->db, "SELECT count(*) FROM issue_activity WHERE what = 0") -
                         db_fixture_number(world->db, "SELECT count(*) FROM issues"),
                     0);
    assert_int_equal(db_fixture_number(world->db, "SELECT CAST(sum(total_count) AS bigint) FROM issues") -
                         db_fixture_number(world->db,
                                           "SELECT CAST(sum(total_count) AS bigint) FROM error_fingerprints"),
                     0);
}
static void forget_all(struct world *world)
{
    static const char *const tables[] = { "issues", "issue_fingerprints", "issue_activity", "issue_owners" };
    char sql[100];
    for (size_t t = 0; t < COUNT_OF(tables); t++) {
        snprintf(sql, sizeof sql, "DELETE FROM %s", tables[t]);
        db_fixture_run(world->db, sql);
    }
    db_fixture_run(world->db, "UPDATE error_fingerprints SET issue = 0, is_changed = 1");
}

/* ---- tests ---- */

#define STACK(where) \
    "Traceback (most recent call last):\n  File \"/app/" where ".py\", line 3, in charge\n    x()\nE: gone\n"

/* Goal: what belongs together is one issue, with texts that tell what it is and why; figures are exact.
 * Method: an error from two callers, one in other words, a known one; then more events of them. */
static void test_issues(void **state)
{
    struct world *world = *state;
    struct err err = { 0 };
    struct issue issue;
    struct grouper *grouper = owner_make(world, "one");
    assert_false(look(world, grouper)); /* nothing is there */
    struct uuid a = store(world, (struct sent){ "shop-api", "BankError", "bank 17 is away", STACK("bank") });
    struct uuid b = store(world, (struct sent){ "shop-api", "BankError", "bank 18 is away",
                                                "Traceback (most recent call last):\n  File \"/app/night.py\", line 9, "
                                                "in run\n    x()\n  File \"/app/bank.py\", line 4, in charge\n    "
                                                "x()\nBankError: bank 18 is away\n" });
    struct uuid c = store(world, (struct sent){ "shop-cron", "Offline", "banks are closed at night", "" });
    struct uuid d = store(world, (struct sent){ "shop-api", "BrokenPipeError", "[Errno 32] Broken pipe", "" });
    look_all(world, grouper);
    all_checked(world);
    assert_int_equal(issue_of(world, a), 1);
    assert_int_equal(issue_of(world, b), 1);
    assert_int_equal(issue_of(world, c), 1);
    assert_int_equal(issue_of(world, d), 2);
    assert_int_equal(fingerprint_of_id(world, a).decided_by, GROUP_BY_NEW);
    struct issue_fingerprint by_stack = fingerprint_of_id(world, b), by_words = fingerprint_of_id(world, c);
    assert_int_equal(by_stack.decided_by, GROUP_BY_STACK);
    assert_true(uuid_equal(by_stack.like_id, a));
    assert_int_equal(by_words.decided_by, GROUP_BY_MEANING);
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(a, id);
    struct bytes why = tell_why(&world->arena, &by_stack);
    assert_non_null(memmem(why.ptr, why.len, id, UUID_TEXT_BYTES));
    assert_true(issue_get(world->db, world->shop.id, 1, &world->arena, &issue, &err));
    assert_true(bytes_equal(issue.title, BYTES("BankError")));
    assert_true(bytes_equal(issue.message, BYTES("bank <*> is away")));
    assert_true(bytes_equal(issue.culprit, BYTES("charge (bank.py)")));
    assert_true(bytes_equal(issue.service, BYTES("shop-api")));
    assert_int_equal(issue.total_count, 3);
    assert_true(issue_get(world->db, world->shop.id, 2, &world->arena, &issue, &err));
    assert_true(issue.category.len > 0 && issue.known_id.len > 0);

    for (int again = 0; again < 5; again++)
        store(world, (struct sent){ "shop-api", "BankError", "bank 17 is away", STACK("bank") });
    look_all(world, grouper);
    assert_true(issue_get(world->db, world->shop.id, 1, &world->arena, &issue, &err));
    assert_int_equal(issue.total_count, 8);
    assert_int_equal(issue.last_unix_us, world->now_us);
    struct grouper_stats stats;
    grouper_stats(grouper, &stats);
    assert_int_equal(stats.projects, 1);
    assert_int_equal(stats.fingerprints, 4);
    assert_int_equal(stats.decided[GROUP_BY_NEW], 2);
    assert_int_equal(stats.decided[GROUP_BY_STACK] + stats.decided[GROUP_BY_MEANING], 2);
    grouper_close(grouper);
    assert_int_equal(db_fixture_number(world->db, "SELECT until_unix_us FROM issue_owners"), 0);
}

/* Goal: the same order makes the same issues: in one go, with a restart after each look, and with two owners that take the
 * project from one another when leases end; nothing is twice and nothing is lost.
 * Method: 200 errors that come in parts, three ways; the whole mapping is compared. */
static void test_whoever_owns(void **state)
{
    struct world *world = *state;
    enum { ALL = 200, PART = 20 };
    struct grouper *grouper = owner_make(world, "one");
    for (int from = 0; from < ALL; from += PART) {
        many_store(world, from, from + PART);
        look_all(world, grouper);
    }
    grouper_close(grouper);
    all_checked(world);
    char *in_one_go = map_of(world);
    assert_true(strlen(in_one_go) > 1000);
    assert_true(db_fixture_number(world->db, "SELECT count(*) FROM issues") <
                db_fixture_number(world->db, "SELECT count(*) FROM error_fingerprints"));

    forget_all(world);
    for (bool did = true; did;) {
        struct grouper *next = owner_make(world, "one");
        did = look(world, next);
        grouper_close(next);
    }
    all_checked(world);
    char *restarted = map_of(world);
    assert_string_equal(restarted, in_one_go);

    forget_all(world);
    struct grouper *two[] = { owner_make(world, "one"), owner_make(world, "two") };
    for (int turn = 0, idle = 0; idle < 4; turn++) {
        world->now_us += turn % 3 == 0 ? ISSUE_LEASE_US * 2 : 1000; /* that of the other is over, or is not */
        idle = look(world, two[turn % 2]) ? 0 : idle + 1;
    }
    all_checked(world);
    char *shared = map_of(world);
    assert_string_equal(shared, in_one_go);
    grouper_close(two[0]);
    grouper_close(two[1]);
    free(in_one_go);
    free(restarted);
    free(shared);
}

/* Goal: who decided and was too late writes nothing, and takes nothing of it into what comes.
 * Method: an owner that holds the project while another takes it over and decides; then the first looks again. */
static void test_too_late(void **state)
{
    struct world *world = *state;
    struct grouper *late = owner_make(world, "late"), *other = owner_make(world, "other");
    store(world, (struct sent){ "shop-api", "A", "one thing is away", "" });
    look_all(world, late);
    world->now_us += ISSUE_LEASE_US * 2;
    struct uuid second = store(world, (struct sent){ "shop-api", "B", "two things are away", "" });
    look_all(world, other);
    struct uuid third = store(world, (struct sent){ "mail-api", "C", "three things are away", "" });
    assert_false(look(world, late)); /* another's: it is not even asked */
    assert_int_equal(issue_of(world, third), 0);
    world->now_us += ISSUE_LEASE_US * 2;
    look_all(world, late); /* it forgets what it knew, and reads it again */
    assert_int_equal(issue_of(world, second), 2);
    assert_int_equal(issue_of(world, third), 3);
    all_checked(world);
    struct grouper_stats stats;
    grouper_stats(late, &stats);
    assert_true(stats.conflicts >= 1);
    grouper_close(late);
    grouper_close(other);
}

struct moving {
    struct world *world;
    int64_t from, into;
    struct uuid id;
};
static const struct actor ann = { .kind = ACTOR_OPERATOR, .name = "ann" };
static bool merge_run(struct db_session *session, void *ctx, struct err *err)
{
    struct moving *moving = ctx;
    return issue_merge(session, moving->world->shop.id, moving->from, moving->into, &ann, err);
}
static bool split_run(struct db_session *session, void *ctx, struct err *err)
{
    struct moving *moving = ctx;
    moving->into = 0;
    return issue_split(session, moving->world->shop.id, moving->from, &moving->id, 1, &ann, &moving->into, err);
}

/* Goal: what people move counts at once for what comes, also after a restart.
 * Method: two issues merged, errors like both of them; one fingerprint split off, an error like it; each before and after a
 * restart. */
static void test_people(void **state)
{
    struct world *world = *state;
    struct err err = { 0 };
    for (int restart = 0; restart < 2; restart++) {
        struct grouper *grouper = owner_make(world, "one");
        struct uuid a = store(world, (struct sent){ "shop-api", "A", "apple is away now", "" });
        struct uuid b = store(world, (struct sent){ "shop-api", "B", "banana is away now", "" });
        look_all(world, grouper);
        struct moving moving = { world, issue_of(world, b), issue_of(world, a), b };
        int64_t kept = moving.into, gone = moving.from;
        assert_int_not_equal(kept, gone);
        if (!db_transaction(world->db, merge_run, &moving, &err)) fail_msg("%s", err.text);
        if (restart) {
            grouper_close(grouper);
            grouper = owner_make(world, "one");
        }
        struct uuid like_b = store(world, (struct sent){ "shop-cron", "C", "bananas cannot be had", "" });
        look_all(world, grouper);
        assert_int_equal(issue_of(world, like_b), kept);
        struct issue_fingerprint moved = fingerprint_of_id(world, b);
        assert_true(moved.is_pinned && moved.moved_from == gone);
        struct bytes why = tell_why(&world->arena, &moved);
        assert_non_null(memmem(why.ptr, why.len, "a person moved it here", 22));

        moving.from = kept, moving.id = b;
        if (!db_transaction(world->db, split_run, &moving, &err)) fail_msg("%s", err.text);
        if (restart) {
            grouper_close(grouper);
            grouper = owner_make(world, "one");
        }
        struct uuid like_split = store(world, (struct sent){ "shop-night", "D", "apples cannot be had", "" });
        look_all(world, grouper);
        assert_int_equal(issue_of(world, like_split), kept);
        assert_int_equal(issue_of(world, b), moving.into);
        grouper_close(grouper);
        db_fixture_run(world->db, "DELETE FROM error_fingerprints");
        forget_all(world);
    }
}

/* Goal: fingerprints that another version has grouped keep their groups; nothing is compared with them.
 * Method: rows made to be of version 0, one of them with bytes that no version has; what is like them, and what they are. */
static void test_versions(void **state)
{
    struct world *world = *state;
    struct grouper *grouper = owner_make(world, "one");
    struct uuid old = store(world, (struct sent){ "shop-api", "BankError", "bank is away", STACK("bank") });
    struct uuid broken = store(world, (struct sent){ "shop-api", "MailError", "mail is away", "" });
    look_all(world, grouper);
    grouper_close(grouper);
    db_fixture_run(world->db,
                   "UPDATE issue_fingerprints SET errors_version = 0, similar_version = 0, group_version = 0 "
                   "WHERE title = 'BankError'");
    db_fixture_run(world->db, "UPDATE issue_fingerprints SET errors_version = 0 WHERE title = 'MailError'");
    int64_t was = issue_of(world, old);
    grouper = owner_make(world, "one");
    struct uuid like =
        store(world, (struct sent){ "shop-api", "BankError", "bank was away",
                                    "Traceback (most recent call last):\n  File \"/app/x.py\", line 9, in "
                                    "run\n    x()\n  File \"/app/bank.py\", line 4, in charge\n    "
                                    "x()\nBankError: bank was away\n" });
    look_all(world, grouper);
    assert_int_equal(issue_of(world, old), was);
    assert_int_not_equal(issue_of(world, like), was); /* its frames are another version's */
    assert_int_equal(fingerprint_of_id(world, like).decided_by, GROUP_BY_NEW);
    /* It is met again after it was thrown away: its group is the one it had. */
    db_fixture_run(world->db, "UPDATE error_fingerprints SET issue = 0, is_changed = 1");
    look_all(world, grouper);
    assert_int_equal(issue_of(world, old), was);
    assert_int_equal(fingerprint_of_id(world, old).errors_version, 0);
    assert_int_not_equal(issue_of(world, broken), 0);
    grouper_close(grouper);
}

static bool judge_same(void *ctx, const struct issue_judge_question *question, struct issue_judge_answer *answer,
                       struct err *err)
{
    struct world *world = ctx;
    world->asked++;
    if (world->judge_fails) return err_set(err, ERR_IO, "the model is away");
    snprintf(world->asked_before, sizeof world->asked_before, "%.*s/%.*s/%.*s", (int)question->before.service.len,
             question->before.service.ptr, (int)question->before.type.len, question->before.type.ptr,
             (int)question->before.message.len, question->before.message.ptr);
    snprintf(world->asked_now, sizeof world->asked_now, "%.*s/%.*s", (int)question->now.service.len,
             question->now.service.ptr, (int)question->now.message.len, question->now.message.ptr);
    assert_true(question->score > 0.69 && question->score < 0.71 && question->threshold > 0.7);
    answer->is_same = world->says_same;
    snprintf(answer->why, sizeof answer->why, "both say\nthat the \"bank\" is away");
    snprintf(answer->model, sizeof answer->model, "scripted");
    return true;
}

/* Goal: in doubt, and only then, the judge is asked, once a pair; its answer decides and is kept; one that fails is left alone for
 * a while, and what is in doubt then is an issue of its own.
 * Method: texts that are near, with a judge that says yes, no, and nothing. */
static void test_judge(void **state)
{
    struct world *world = *state;
    struct grouper *grouper = owner_make_with(world, "one", 64 << 20, (struct issue_judge){ judge_same, world });
    struct uuid bank = store(world, (struct sent){ "shop-api", "BankError", "bank 1 does not answer", "" });
    look_all(world, grouper);
    assert_int_equal(world->asked, 0);
    world->says_same = true;
    struct uuid yes = store(world, (struct sent){ "shop-worker", "Offline", "near bank nobody answers", "" });
    look_all(world, grouper);
    assert_int_equal(world->asked, 1);
    assert_string_equal(world->asked_before, "shop-api/BankError/bank <*> does not answer");
    assert_string_equal(world->asked_now, "shop-worker/near bank nobody answers");
    assert_int_equal(issue_of(world, yes), issue_of(world, bank));
    struct issue_fingerprint kept = fingerprint_of_id(world, yes);
    assert_int_equal(kept.decided_by, GROUP_BY_JUDGE);
    assert_non_null(memmem(kept.judge.ptr, kept.judge.len, "\"same\":true", 11));
    assert_non_null(memmem(kept.judge.ptr, kept.judge.len, "both say that", 13));

    world->says_same = false;
    struct uuid no = store(world, (struct sent){ "shop-cron", "Dark", "near bank it is dark", "" });
    look_all(world, grouper);
    assert_int_equal(world->asked, 2);
    assert_int_not_equal(issue_of(world, no), issue_of(world, bank));
    kept = fingerprint_of_id(world, no);
    assert_int_equal(kept.decided_by, GROUP_BY_NEW);
    assert_non_null(memmem(kept.judge.ptr, kept.judge.len, "\"same\":false", 12));
    look_all(world, grouper);
    assert_int_equal(world->asked, 2); /* once a pair */

    world->judge_fails = true;
    for (int n = 0; n < 3; n++) {
        char type[20];
        snprintf(type, sizeof type, "Gone%c", 'A' + n);
        char service[20];
        snprintf(service, sizeof service, "shop-gone%d", n);
        struct uuid alone = store(world, (struct sent){ service, type, "near bank door is shut", "" });
        look_all(world, grouper);
        assert_int_equal(world->asked, 3); /* and then left alone */
        assert_int_equal(fingerprint_of_id(world, alone).judge.len, 0);
        if (n == 0) assert_int_not_equal(issue_of(world, alone), issue_of(world, bank));
    }
    world->judge_fails = false;
    world->now_us += ISSUE_JUDGE_REST_MS * INT64_C(1000) + 1;
    struct grouper_stats stats;
    grouper_stats(grouper, &stats);
    assert_int_equal(stats.judged, 2);
    assert_int_equal(stats.judged_same, 1);
    assert_int_equal(stats.judge_failures, 1);
    grouper_close(grouper);
}

/* Goal: without a model the rest goes on; memory stays within bounds: of two projects that do not fit one goes, and what has no
 * room is an issue of its own.
 * Method: an embedder that fails; little memory. */
static void test_bounds(void **state)
{
    struct world *world = *state;
    struct grouper_stats stats;
    struct grouper *grouper = owner_make_with(world, "one", 40 * (GROUP_BYTES_PER_FINGERPRINT + EMBED_DIMENSIONS),
                                              (struct issue_judge){ NULL, NULL });
    world->is_embedder_broken = true;
    many_store(world, 0, 60);
    look_all(world, grouper);
    grouper_stats(grouper, &stats);
    assert_true(stats.embedding_failures > 0);
    assert_true(stats.full > 0);
    assert_true(stats.fingerprints <= 40);
    all_checked(world);
    world->is_embedder_broken = false;
    char room[4][300];
    for (int n = 0; n < 60; n++) store_in(world, world->lobby.id, sent_of(n, room), world->now_us += 1000);
    look_all(world, grouper);
    grouper_stats(grouper, &stats);
    assert_int_equal(stats.projects, 1);
    assert_int_equal(db_fixture_number(world->db, "SELECT count(*) FROM error_fingerprints WHERE issue = 0"), 0);
    /* Idle projects are let go, and begun again when something comes. */
    world->now_us += GROUPER_IDLE_US + ISSUE_LEASE_US;
    look_all(world, grouper);
    grouper_stats(grouper, &stats);
    assert_int_equal(stats.projects, 0);
    struct uuid late = store(world, (struct sent){ "shop-api", "Late", "the train is late", "" });
    look_all(world, grouper);
    assert_int_not_equal(issue_of(world, late), 0);
    grouper_close(grouper);
}

/* Goal: states change by themselves, and are told.
 * Method: an issue that is resolved and comes again; one that is ignored for two events; one that grows old. */
struct stating {
    struct world *world;
    int64_t number;
    struct issue_change change;
};
static bool change_run(struct db_session *session, void *ctx, struct err *err)
{
    struct stating *stating = ctx;
    bool changed;
    return issue_change(session, stating->world->shop.id, stating->number, &stating->change, &ann, &changed, err);
}
static enum issue_state state_of(struct world *world, int64_t number)
{
    struct err err = { 0 };
    struct issue issue;
    if (!issue_get(world->db, world->shop.id, number, &world->arena, &issue, &err)) fail_msg("%s", err.text);
    return issue.state;
}
static void test_states(void **state)
{
    struct world *world = *state;
    struct err err = { 0 };
    struct grouper *grouper = owner_make(world, "one");
    world->now_us = clock_unix_us(); /* people's changes have the clock's time */
    struct sent a = { "shop-api", "A", "apple is away now", "" }, b = { "mail-api", "B", "banana is away now", "" };
    store(world, a);
    store(world, b);
    look_all(world, grouper);
    struct stating resolve = { world, 1, { .has_state = true, .state = ISSUE_RESOLVED } };
    struct stating ignore = { world,
                              2,
                              { .has_state = true, .state = ISSUE_IGNORED, .ignored = { .until_count = 2 } } };
    assert_true(db_transaction(world->db, change_run, &resolve, &err));
    assert_true(db_transaction(world->db, change_run, &ignore, &err));
    look_all(world, grouper);
    assert_int_equal(state_of(world, 1), ISSUE_RESOLVED);
    world->now_us = clock_unix_us() + MINUTE;
    store(world, a);
    store(world, b);
    look_all(world, grouper);
    assert_int_equal(state_of(world, 1), ISSUE_REGRESSED);
    assert_int_equal(state_of(world, 2), ISSUE_IGNORED);
    store(world, b);
    look_all(world, grouper);
    assert_int_equal(state_of(world, 2), ISSUE_ONGOING);
    world->now_us += 8 * 24 * ISSUE_HOUR_US;
    look_all(world, grouper); /* nothing came, but time did */
    assert_int_equal(state_of(world, 1), ISSUE_ONGOING);
    assert_int_equal(db_fixture_number(world->db, "SELECT count(*) FROM issue_activity WHERE what = 1 AND actor = ''"),
                     3);
    grouper_close(grouper);
}

/* Goal: two owners with threads of their own and a worker that stores: all is grouped once, and nothing waits for ever.
 * Method: 120 errors stored while both run; one ends in the middle. */
static void test_threads(void **state)
{
    struct world *world = *state;
    struct err err = { 0 };
    struct grouper *owners[] = { owner_make(world, "one"), owner_make(world, "two") };
    world->now_us = clock_unix_us();
    for (int o = 0; o < 2; o++) assert_true(grouper_start(owners[o], &err));
    many_store(world, 0, 60);
    grouper_close(owners[0]);
    many_store(world, 60, 120);
    uint64_t until_ns = clock_mono_ns() + 60000000000ull;
    while (db_fixture_number(world->db, "SELECT count(*) FROM error_fingerprints WHERE issue = 0 OR is_changed = 1") >
               0 &&
           clock_mono_ns() < until_ns)
        clock_sleep_ms(10);
    grouper_close(owners[1]);
    all_checked(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_BOTH(test_issues, setup, teardown),   DB_BOTH(test_whoever_owns, setup, teardown),
        DB_BOTH(test_too_late, setup, teardown), DB_BOTH(test_people, setup, teardown),
        DB_BOTH(test_versions, setup, teardown), DB_BOTH(test_judge, setup, teardown),
        DB_BOTH(test_bounds, setup, teardown),   DB_BOTH(test_states, setup, teardown),
        DB_BOTH(test_threads, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
