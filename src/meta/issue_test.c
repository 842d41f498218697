/* threads: none */
/* Issues as the API and their owner see them: lease and fencing, decisions, figures, lists, changes, merge and split; on SQLite
 * and on PostgreSQL. */
#include "meta/meta_fixture.h"

#include "base/clock.h"
#include "meta/access.h"
#include "meta/error_rules.h"
#include "meta/issue_owner.h"
#include "meta/meta.h"
#include "meta/user.h"

#define HOUR   ISSUE_HOUR_US
#define MINUTE ISSUE_MINUTE_US

struct fixture {
    struct db_fixture *base;
    struct meta *meta;
    struct db *db;
    struct meta_project shop;
    struct actor ann;
    struct user user;
    struct arena arena;
    struct issue_lease lease;
    int64_t now_us;
};

static bool user_run(struct db_session *session, void *ctx, struct err *err)
{
    struct user_password password = { .hash = "x", .scram = "y" };
    return user_create(session, ctx, &password, err);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct err err = { 0 };
    fixture->base = meta_fixture_open(state, &fixture->meta, &fixture->shop, NULL);
    fixture->db = meta_db(fixture->meta);
    strcpy(fixture->user.email, "ann@example.com");
    strcpy(fixture->user.name, "Ann");
    if (!db_transaction(fixture->db, user_run, &fixture->user, &err)) fail_msg("%s", err.text);
    fixture->ann = (struct actor){ .kind = ACTOR_USER, .user_id = fixture->user.id, .name = "ann@example.com" };
    arena_init(&fixture->arena, 0);
    fixture->now_us = clock_unix_us() / HOUR * HOUR - 30 * MINUTE; /* half past, and over */
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_deinit(&fixture->arena);
    meta_close(fixture->meta);
    db_fixture_teardown(fixture->base);
    free(fixture);
    return 0;
}

/* ---- what the worker's tap writes ---- */

static struct uuid id_of(uint32_t number)
{
    struct uuid id = { .bytes = { 1 } };
    memcpy(id.bytes + 12, &number, sizeof number);
    return id;
}

struct statement {
    const char *sql;
    struct db_value values[16];
    size_t count;
};
static bool statement_run(struct db_session *session, void *ctx, struct err *err)
{
    struct statement *statement = ctx;
    return db_run(session, statement->sql, statement->values, statement->count, NULL, NULL, NULL, err);
}
static void run(struct fixture *fixture, struct statement statement)
{
    struct err err = { 0 };
    if (!db_transaction_adding(fixture->db, statement_run, &statement, &err)) fail_msg("%s", err.text);
}

/* count events of a fingerprint at a time, in a release, of users from user_first on. */
static void events_add(struct fixture *fixture, uint32_t fingerprint, int64_t at_us, int64_t count, const char *release,
                       int64_t user_first, int64_t user_count)
{
    struct db_value project = db_uuid(fixture->shop.id), id = db_uuid(id_of(fingerprint)), at = db_integer(at_us),
                    n = db_integer(count);
    run(fixture,
        (struct statement){
            "INSERT INTO error_fingerprints AS t(project_id, id, service, family, language, made_by, "
            "errors_version, rules_version, rule_line, first_event, last_event, first_unix_us, last_unix_us, "
            "total_count, issue, is_changed) VALUES($1, $2, 'cart', '', 'java', 2, 1, 0, 0, '{}', '{}', $3, $3, "
            "$4, 0, 1) ON CONFLICT(project_id, id) DO UPDATE SET total_count = t.total_count + "
            "excluded.total_count, is_changed = 1, first_unix_us = CASE WHEN t.first_unix_us < "
            "excluded.first_unix_us THEN t.first_unix_us ELSE excluded.first_unix_us END, last_unix_us = CASE "
            "WHEN t.last_unix_us > excluded.last_unix_us THEN t.last_unix_us ELSE excluded.last_unix_us END",
            { project, id, at, n },
            4 });
    for (int h = 0; h < 2; h++)
        run(fixture, (struct statement){ h ? "INSERT INTO error_hours AS t(project_id, at_unix_us, fingerprint_id, "
                                             "environment, row_count) VALUES($1, $2, $3, 'production', $4) ON "
                                             "CONFLICT(project_id, at_unix_us, fingerprint_id, environment) DO UPDATE "
                                             "SET row_count = t.row_count + excluded.row_count"
                                           : "INSERT INTO error_minutes AS t(project_id, at_unix_us, fingerprint_id, "
                                             "environment, row_count) VALUES($1, $2, $3, 'production', $4) ON "
                                             "CONFLICT(project_id, at_unix_us, fingerprint_id, environment) DO UPDATE "
                                             "SET row_count = t.row_count + excluded.row_count",
                                         { project, db_integer(at_us - at_us % (h ? HOUR : MINUTE)), id, n },
                                         4 });
    run(fixture,
        (struct statement){ "INSERT INTO error_releases AS t(project_id, fingerprint_id, release, environment, "
                            "first_unix_us, last_unix_us, row_count) VALUES($1, $2, $3, 'production', $4, $4, $5) ON "
                            "CONFLICT(project_id, fingerprint_id, release, environment) DO UPDATE SET row_count = "
                            "t.row_count + excluded.row_count, last_unix_us = excluded.last_unix_us",
                            { project, id, db_text(release), at, n },
                            5 });
    for (int64_t u = 0; u < user_count; u++)
        run(fixture, (struct statement){ "INSERT INTO error_users(project_id, fingerprint_id, user_hash, "
                                         "first_unix_us, last_unix_us) VALUES($1, $2, $3, $4, $4) ON "
                                         "CONFLICT(project_id, fingerprint_id, user_hash) DO NOTHING",
                                         { project, id, db_integer(user_first + u), at },
                                         4 });
}

/* ---- what the owner does ---- */

static bool take(struct fixture *fixture, struct uuid owner, const char *name, int64_t now_us,
                 struct issue_lease *lease)
{
    struct err err = { 0 };
    bool got;
    if (!issue_owner_take(fixture->db, fixture->shop.id, owner, name, now_us, lease, &got, &err))
        fail_msg("%s", err.text);
    return got;
}

static struct issue_decided decided_of(uint32_t fingerprint, int64_t issue, const char *title)
{
    return (struct issue_decided){ .row = { .id = id_of(fingerprint),
                                            .issue = issue,
                                            .decided_by = ISSUE_BY_NEW,
                                            .score = 0.5,
                                            .threshold = 0.25,
                                            .errors_version = 1,
                                            .similar_version = 1,
                                            .group_version = 1,
                                            .row = BYTES("row") },
                                   .title = bytes_of_text(title),
                                   .message = BYTES("cart <*> failed"),
                                   .culprit = BYTES("Cart.total (Cart.java)"),
                                   .category = BYTES(""),
                                   .known_id = BYTES(""),
                                   .service = BYTES("cart"),
                                   .language = BYTES("java"),
                                   .judge = BYTES("") };
}

static bool decide(struct fixture *fixture, struct issue_lease *lease, uint32_t fingerprint, int64_t issue,
                   const char *title, struct err *err)
{
    struct issue_decided decided = decided_of(fingerprint, issue, title);
    int64_t next = issue >= lease->number_next ? issue + 1 : lease->number_next;
    return issue_decide(fixture->db, lease, &decided, 1, next, fixture->now_us, err);
}

static void state_keep(const struct issue *issue, const struct issue_seen *seen, struct issue_verdict *verdict)
{
    (void)issue, (void)seen, (void)verdict;
}

static struct issue_seen last_seen;
static int64_t last_hours[ISSUE_HOURS_MAX];
static void state_escalate(const struct issue *issue, const struct issue_seen *seen, struct issue_verdict *verdict)
{
    last_seen = *seen;
    if (seen->hours != NULL) memcpy(last_hours, seen->hours, seen->hours_count * sizeof last_hours[0]);
    if (issue->state == ISSUE_ESCALATING) return;
    *verdict = (struct issue_verdict){
        .state = ISSUE_ESCALATING, .why = ISSUE_WHY_RISES, .count = seen->hour_count, .usual = 2.5, .limit = 10
    };
}

static uint32_t refresh(struct fixture *fixture,
                        void (*state)(const struct issue *, const struct issue_seen *, struct issue_verdict *))
{
    struct err err = { 0 };
    struct issue_refresh_options options = { .state = state, .volume_min = 10, .issues_max = 100 };
    struct issue_refreshed refreshed;
    if (!issue_refresh(fixture->db, &fixture->lease, &options, fixture->now_us, &refreshed, &err))
        fail_msg("%s", err.text);
    return refreshed.issues;
}

static struct issue get(struct fixture *fixture, int64_t number)
{
    struct err err = { 0 };
    struct issue issue;
    if (!issue_get(fixture->db, fixture->shop.id, number, &fixture->arena, &issue, &err)) fail_msg("%s", err.text);
    return issue;
}

/* Three issues of four fingerprints: 1 has 1 and 2. */
static void issues_make(struct fixture *fixture)
{
    struct err err = { 0 };
    assert_true(take(fixture, id_of(900), "one", fixture->now_us, &fixture->lease));
    events_add(fixture, 1, fixture->now_us - 5 * HOUR, 10, "1.0", 100, 3);
    events_add(fixture, 2, fixture->now_us - 4 * HOUR, 20, "1.1", 102, 2);
    events_add(fixture, 3, fixture->now_us - 3 * HOUR, 100, "1.1", 200, 9);
    events_add(fixture, 4, fixture->now_us - 10 * MINUTE, 1, "", 300, 1);
    if (!decide(fixture, &fixture->lease, 1, 1, "IllegalStateException", &err) ||
        !decide(fixture, &fixture->lease, 2, 1, "IllegalStateException", &err) ||
        !decide(fixture, &fixture->lease, 3, 2, "NullPointerException 100%", &err) ||
        !decide(fixture, &fixture->lease, 4, 3, "TimeoutException", &err))
        fail_msg("%s", err.text);
    assert_int_equal(refresh(fixture, state_keep), 3);
    assert_int_equal(refresh(fixture, state_keep), 0);
}

/* Goal: one owner at a time; who lost its lease, or does not know what people moved, writes nothing; after a restart a process
 * has its own at once.
 * Method: three owners of two processes, in turn. */
static void test_lease(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct issue_lease first, second, third;
    struct uuid due[4];
    uint32_t count;
    events_add(fixture, 1, fixture->now_us, 1, "1", 0, 0);
    assert_true(issue_owner_due(fixture->db, id_of(901), "one", fixture->now_us, due, 4, &count, &err));
    assert_int_equal(count, 1);
    assert_true(take(fixture, id_of(901), "one", fixture->now_us, &first));
    assert_int_equal(first.number_next, 1);
    assert_false(take(fixture, id_of(902), "two", fixture->now_us, &second));
    assert_true(issue_owner_due(fixture->db, id_of(902), "two", fixture->now_us, due, 4, &count, &err));
    assert_int_equal(count, 0); /* another's */
    assert_true(issue_owner_due(fixture->db, id_of(901), "one", fixture->now_us, due, 4, &count, &err));
    assert_int_equal(count, 1);

    assert_true(decide(fixture, &first, 1, 1, "A", &err));
    assert_true(take(fixture, id_of(903), "one", fixture->now_us, &third)); /* a restart */
    assert_int_equal(third.number_next, 2);
    events_add(fixture, 2, fixture->now_us, 1, "1", 0, 0);
    assert_false(decide(fixture, &first, 2, 2, "B", &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_false(issue_owner_keep(fixture->db, &first, fixture->now_us, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT count(*) FROM issues"), 1);

    /* Its time is over. */
    assert_false(take(fixture, id_of(902), "two", fixture->now_us + ISSUE_LEASE_US, &second));
    assert_true(take(fixture, id_of(902), "two", fixture->now_us + ISSUE_LEASE_US + 1, &second));
    assert_true(decide(fixture, &second, 2, 2, "B", &err));
    assert_false(decide(fixture, &third, 2, 3, "B", &err));
    assert_true(issue_owner_release(fixture->db, &second, &err));
    assert_true(take(fixture, id_of(901), "one", fixture->now_us, &first));
    assert_int_equal(first.number_next, 3);

    /* A decision that was made before people moved something is none any more. */
    run(fixture, (struct statement){ "UPDATE issue_owners SET moves = moves + 1", { { 0 } }, 0 });
    events_add(fixture, 3, fixture->now_us, 1, "1", 0, 0);
    assert_false(decide(fixture, &first, 3, 3, "C", &err));
    assert_true(issue_owner_look(fixture->db, &first, &err));
    assert_true(decide(fixture, &first, 3, 3, "C", &err));
}

static bool row_count(void *ctx, const struct issue_row *row, struct err *err)
{
    (void)err;
    assert_int_equal(row->row.len, 3);
    ++*(int *)ctx;
    return true;
}

/* Goal: a decision is all there or not; figures are those of all fingerprints, each user once.
 * Method: four fingerprints in three issues, read back by every function. */
static void test_figures(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct issue_fingerprint *fingerprints;
    struct issue_release *releases;
    struct issue_new *new;
    struct bytes event;
    struct uuid id, *ids;
    uint32_t count;
    int64_t number;
    int rows = 0;
    events_add(fixture, 7, fixture->now_us, 1, "1", 0, 0);
    assert_true(issue_new_read(fixture->db, fixture->shop.id, 10, &fixture->arena, &new, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(new[0].made_by, 2);
    assert_true(bytes_equal(new[0].first_event, BYTES("{}")));
    db_fixture_run(fixture->db, "DELETE FROM error_fingerprints");
    issues_make(fixture);
    struct issue issue = get(fixture, 1);
    assert_int_equal(issue.total_count, 30);
    assert_int_equal(issue.user_count, 4); /* 100, 101, 102, 103 */
    assert_int_equal(issue.first_unix_us, fixture->now_us - 5 * HOUR);
    assert_int_equal(issue.last_unix_us, fixture->now_us - 4 * HOUR);
    assert_int_equal(issue.state, ISSUE_NEW);
    assert_true(bytes_equal(issue.culprit, BYTES("Cart.total (Cart.java)")));
    assert_true(issue_rows_read(fixture->db, fixture->shop.id, -1, row_count, &rows, &err));
    assert_int_equal(rows, 4);
    assert_true(
        issue_fingerprints(fixture->db, fixture->shop.id, 1, NULL, 10, &fixture->arena, &fingerprints, &count, &err));
    assert_int_equal(count, 2);
    assert_true(uuid_equal(fingerprints[0].id, id_of(2)));
    struct issue_fingerprint_place place = { fingerprints[0].last_unix_us, fingerprints[0].id };
    assert_true(
        issue_fingerprints(fixture->db, fixture->shop.id, 1, &place, 10, &fixture->arena, &fingerprints, &count, &err));
    assert_int_equal(count, 1);
    assert_true(issue_releases(fixture->db, fixture->shop.id, 1, &fixture->arena, &releases, &count, &err));
    assert_int_equal(count, 2);
    assert_true(bytes_equal(releases[0].release, BYTES("1.1")));
    assert_true(issue_event(fixture->db, fixture->shop.id, 1, true, &fixture->arena, &event, &id, &err));
    assert_true(uuid_equal(id, id_of(2)));
    assert_true(issue_of_fingerprint(fixture->db, fixture->shop.id, id_of(4), &number, &err));
    assert_int_equal(number, 3);
    assert_false(issue_of_fingerprint(fixture->db, fixture->shop.id, id_of(5), &number, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_true(issue_fingerprint_ids(fixture->db, fixture->shop.id, 1, 10, &fixture->arena, &ids, &count, &err));
    assert_int_equal(count, 2);
}

static struct issue_filter filter_of(struct fixture *fixture)
{
    struct issue_filter filter = { .project_id = fixture->shop.id,
                                   .range = { .from_unix_us = fixture->now_us - 24 * HOUR,
                                              .to_unix_us = fixture->now_us },
                                   .states = ISSUE_STATES_ALL,
                                   .text = BYTES(""),
                                   .service = BYTES(""),
                                   .category = BYTES(""),
                                   .environment = BYTES(""),
                                   .limit = 10 };
    count_range_fit(&filter.range, fixture->now_us, 30);
    return filter;
}

static uint32_t list(struct fixture *fixture, const struct issue_filter *filter, struct issue_listed **issues)
{
    struct err err = { 0 };
    uint32_t count = 0;
    if (!issue_list(fixture->db, filter, &fixture->arena, issues, &count, &err)) fail_msg("%s", err.text);
    return count;
}

/* Goal: each filter narrows, each order is one, pages follow each other without a gap, figures are those of the range.
 * Method: three issues, every filter and order. */
static void test_list(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct issue_listed *issues;
    struct issue_filter filter;
    struct issue_facet *facets;
    uint32_t count;
    issues_make(fixture);
    static const int64_t orders[ISSUE_SORT_COUNT_OF][3] = { { 3, 1, 2 }, { 3, 2, 1 }, { 2, 1, 3 }, { 2, 1, 3 } };
    const int64_t by_last[3] = { 3, 2, 1 };
    for (int sort = 0; sort < ISSUE_SORT_COUNT_OF; sort++) {
        const int64_t *order = sort == ISSUE_SORT_LAST ? by_last : orders[sort];
        filter = filter_of(fixture);
        filter.sort = (enum issue_sort)sort;
        assert_int_equal(list(fixture, &filter, &issues), 3);
        for (int i = 0; i < 3; i++) assert_int_equal(issues[i].issue.number, order[i]);
        filter.limit = 1; /* the same a page at a time */
        for (int i = 0; i < 3; i++) {
            assert_int_equal(list(fixture, &filter, &issues), 1);
            assert_int_equal(issues[0].issue.number, order[i]);
            filter.is_behind = true;
            filter.behind_value = issues[0].sort_value;
            filter.behind_number = issues[0].issue.number;
        }
        assert_int_equal(list(fixture, &filter, &issues), 0);
    }
    filter = filter_of(fixture);
    filter.text = BYTES("ILLEGAL cart");
    assert_int_equal(list(fixture, &filter, &issues), 1);
    assert_int_equal(issues[0].count, 30);
    assert_int_equal(issues[0].users, 4);
    assert_true(bytes_equal(issues[0].first_release, BYTES("1.0")) &&
                bytes_equal(issues[0].last_release, BYTES("1.1")));
    int64_t sum = 0;
    for (uint32_t s = 0; s < filter.range.steps; s++) sum += issues[0].steps[s];
    assert_int_equal(sum, 30);
    filter.text = BYTES("100%");
    assert_int_equal(list(fixture, &filter, &issues), 1);
    filter.text = BYTES("1_0%");
    assert_int_equal(list(fixture, &filter, &issues), 0);
    filter.text = BYTES("#3");
    assert_int_equal(list(fixture, &filter, &issues), 1);
    assert_int_equal(issues[0].issue.number, 3);
    filter = filter_of(fixture);
    filter.states = 1u << ISSUE_RESOLVED;
    assert_int_equal(list(fixture, &filter, &issues), 0);
    filter = filter_of(fixture);
    filter.environment = BYTES("staging");
    assert_int_equal(list(fixture, &filter, &issues), 0);
    filter = filter_of(fixture);
    filter.assignee_id = fixture->user.id;
    assert_int_equal(list(fixture, &filter, &issues), 0);
    filter = filter_of(fixture);
    filter.is_unassigned = true;
    filter.service = BYTES("cart");
    assert_int_equal(list(fixture, &filter, &issues), 3);
    filter.range = (struct count_range){ .from_unix_us = fixture->now_us - HOUR, .to_unix_us = fixture->now_us };
    count_range_fit(&filter.range, fixture->now_us, 30);
    assert_false(filter.range.by_hours);
    assert_int_equal(list(fixture, &filter, &issues), 1);
    assert_true(issue_facets(fixture->db, &filter, ISSUE_FACET_STATE, &fixture->arena, &facets, &count, &err));
    assert_int_equal(count, 1);
    assert_true(bytes_equal(facets[0].value, BYTES("new")));
    struct issue_listed listed;
    assert_true(
        issue_get_listed(fixture->db, fixture->shop.id, 3, &filter.range, BYTES(""), &fixture->arena, &listed, &err));
    assert_int_equal(listed.count, 1);
    assert_int_equal(listed.users, 1);
    assert_false(
        issue_get_listed(fixture->db, fixture->shop.id, 99, &filter.range, BYTES(""), &fixture->arena, &listed, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

/* ---- people ---- */

struct changing {
    struct fixture *fixture;
    int64_t number;
    struct issue_change change;
    bool changed;
    int64_t from, into; /* of merge and split */
    struct uuid ids[4];
    uint32_t id_count;
};
static bool change_run(struct db_session *session, void *ctx, struct err *err)
{
    struct changing *changing = ctx;
    changing->changed = false;
    return issue_change(session, changing->fixture->shop.id, changing->number, &changing->change,
                        &changing->fixture->ann, &changing->changed, err);
}
static bool change(struct fixture *fixture, int64_t number, struct issue_change change, struct err *err)
{
    struct changing changing = { .fixture = fixture, .number = number, .change = change };
    return db_transaction(fixture->db, change_run, &changing, err) && changing.changed;
}
static bool merge_run(struct db_session *session, void *ctx, struct err *err)
{
    struct changing *changing = ctx;
    return issue_merge(session, changing->fixture->shop.id, changing->from, changing->into, &changing->fixture->ann,
                       err);
}
static bool merge(struct fixture *fixture, int64_t from, int64_t into, struct err *err)
{
    struct changing changing = { .fixture = fixture, .from = from, .into = into };
    return db_transaction(fixture->db, merge_run, &changing, err);
}
static bool split_run(struct db_session *session, void *ctx, struct err *err)
{
    struct changing *changing = ctx;
    changing->into = 0;
    return issue_split(session, changing->fixture->shop.id, changing->from, changing->ids, changing->id_count,
                       &changing->fixture->ann, &changing->into, err);
}

static uint32_t activity_of(struct fixture *fixture, int64_t number, struct issue_activity **activity)
{
    struct err err = { 0 };
    uint32_t count;
    if (!issue_activity_list(fixture->db, fixture->shop.id, number, NULL, 100, &fixture->arena, activity, &count, &err))
        fail_msg("%s", err.text);
    return count;
}

/* Goal: a person's change is written once, with what it was before; what cannot be is refused.
 * Method: every change, twice; every refusal. */
static void test_change(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct issue_activity *activity;
    issues_make(fixture);
    assert_int_equal(activity_of(fixture, 1, &activity), 1); /* began */
    struct issue_change resolve = { .has_state = true, .state = ISSUE_RESOLVED, .resolved_in_release = "1.1" };
    int64_t tag = get(fixture, 1).changed_unix_us;
    assert_true(change(fixture, 1, resolve, &err));
    assert_false(change(fixture, 1, resolve, &err)); /* it is */
    assert_int_equal(err.code, ERR_OK);
    assert_true(get(fixture, 1).changed_unix_us > tag);
    assert_int_equal(get(fixture, 1).state, ISSUE_RESOLVED);
    assert_int_equal(activity_of(fixture, 1, &activity), 2);
    assert_true(bytes_equal(activity[0].detail, BYTES("{\"from\":\"new\",\"to\":\"resolved\",\"release\":\"1.1\"}")));
    assert_true(uuid_equal(activity[0].actor_id, fixture->user.id));
    struct issue_change ignore = { .has_state = true, .state = ISSUE_IGNORED, .ignored = { .until_count = 10 } };
    assert_true(change(fixture, 1, ignore, &err));
    assert_int_equal(get(fixture, 1).ignored.at_count, 30);
    assert_int_equal(get(fixture, 1).resolved_in_release.len, 0);
    struct issue_change assign = { .has_assignee = true, .assignee_id = fixture->user.id };
    assert_true(change(fixture, 1, assign, &err));
    assert_true(bytes_equal(get(fixture, 1).assignee_name, BYTES("Ann")));
    assert_false(change(fixture, 1, assign, &err));
    assign.assignee_id = id_of(77);
    assert_false(change(fixture, 1, assign, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    struct issue_change nobody = { .has_assignee = true };
    assert_true(change(fixture, 1, nobody, &err));
    struct issue_change seen = { .has_state = true, .state = ISSUE_ONGOING };
    assert_true(change(fixture, 1, seen, &err));

    struct issue_change bad[] = {
        { .has_state = true, .state = ISSUE_ESCALATING },
        { .has_state = true, .state = ISSUE_NEW },
        { .has_state = true, .state = ISSUE_ONGOING, .resolved_in_release = "1" },
        { .has_state = true, .state = ISSUE_ONGOING, .ignored = { .until_count = 1 } },
        { .has_state = true, .state = ISSUE_IGNORED, .ignored = { .until_unix_us = 5 } },
        { .has_state = true, .state = ISSUE_IGNORED, .ignored = { .until_users = -1 } },
        { .has_assignee = true, .assignee_id = id_of(1), .team_id = id_of(2) },
    };
    for (size_t b = 0; b < COUNT_OF(bad); b++) {
        assert_false(change(fixture, 1, bad[b], &err));
        assert_int_equal(err.code, ERR_INPUT);
    }
    assert_false(change(fixture, 99, seen, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

struct moved {
    struct uuid ids[8];
    int64_t issues[8];
    int count;
};
static bool moved_row(void *ctx, const struct issue_row *row, struct err *err)
{
    struct moved *moved = ctx;
    (void)err;
    assert_true(row->is_pinned);
    moved->ids[moved->count] = row->id;
    moved->issues[moved->count++] = row->issue;
    return true;
}

/* Goal: merge and split move fingerprints, figures and links; the owner that does not know of it writes nothing, and reads
 * exactly what moved.
 * Method: 3 into 2, 2 into 1, then one fingerprint off again. */
static void test_merge_and_split(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct issue_activity *activity;
    struct moved moved = { .count = 0 };
    int64_t *numbers;
    uint32_t count;
    issues_make(fixture);
    assert_false(merge(fixture, 2, 2, &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_true(merge(fixture, 3, 2, &err));
    assert_int_equal(get(fixture, 2).total_count, 101);
    assert_int_equal(get(fixture, 2).user_count, 10);
    assert_true(merge(fixture, 2, 1, &err));
    assert_int_equal(get(fixture, 3).number, 1); /* old links */
    assert_int_equal(get(fixture, 3).total_count, 131);
    assert_true(issue_merged_numbers(fixture->db, fixture->shop.id, 1, &fixture->arena, &numbers, &count, &err));
    assert_int_equal(count, 2);
    assert_false(merge(fixture, 3, 1, &err)); /* they are one already */
    struct issue_listed *issues;
    struct issue_filter filter = filter_of(fixture);
    assert_int_equal(list(fixture, &filter, &issues), 1);

    events_add(fixture, 5, fixture->now_us, 1, "2", 0, 0);
    assert_false(decide(fixture, &fixture->lease, 5, 4, "E", &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_true(issue_rows_read(fixture->db, fixture->shop.id, fixture->lease.moves, moved_row, &moved, &err));
    assert_int_equal(moved.count, 2);
    for (int m = 0; m < moved.count; m++) assert_int_equal(moved.issues[m], 1);
    assert_true(issue_owner_look(fixture->db, &fixture->lease, &err));
    assert_true(decide(fixture, &fixture->lease, 5, 4, "E", &err));

    struct changing split = { .fixture = fixture, .from = 1, .ids = { id_of(3), id_of(1) }, .id_count = 2 };
    assert_true(db_transaction(fixture->db, split_run, &split, &err));
    assert_int_equal(split.into, 5);
    assert_int_equal(get(fixture, 5).total_count, 110);
    assert_int_equal(get(fixture, 1).total_count, 21);
    assert_true(bytes_equal(get(fixture, 5).title, BYTES("IllegalStateException"))); /* of the earlier one */
    assert_true(issue_owner_look(fixture->db, &fixture->lease, &err));
    assert_int_equal(fixture->lease.number_next, 6);
    split.ids[0] = id_of(5);
    assert_false(db_transaction(fixture->db, split_run, &split, &err)); /* not of it */
    assert_int_equal(err.code, ERR_INPUT);
    split.ids[0] = id_of(2), split.ids[1] = id_of(4);
    assert_false(db_transaction(fixture->db, split_run, &split, &err)); /* all of it */
    assert_int_equal(err.code, ERR_INPUT);
    assert_int_equal(get(fixture, 1).total_count, 21);
    assert_true(activity_of(fixture, 1, &activity) >= 3);

    /* All its fingerprints are past their time: it goes, and who was merged into it. */
    uint64_t deleted;
    db_fixture_run(fixture->db, "DELETE FROM error_fingerprints WHERE issue = 1");
    assert_true(issue_expire(fixture->db, &deleted, &err));
    assert_true(issue_expire(fixture->db, &deleted, &err));
    assert_int_equal(db_fixture_number(fixture->db, "SELECT count(*) FROM issues"), 2);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT count(*) FROM issue_fingerprints"), 3);
    assert_true(issue_expire(fixture->db, &deleted, &err));
    assert_int_equal(deleted, 0);
}

/* Goal: hours are handed over with the silent ones, without those that the 60 minutes hold; a state that changes is told.
 * Method: an issue with three hours of counts; a state function that looks. */
static void test_refresh(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct issue_activity *activity;
    assert_true(take(fixture, id_of(900), "one", fixture->now_us, &fixture->lease));
    events_add(fixture, 1, fixture->now_us - 5 * HOUR, 10, "1.0", 0, 0);
    events_add(fixture, 1, fixture->now_us - 3 * HOUR, 7, "1.0", 0, 0);
    events_add(fixture, 1, fixture->now_us - 10 * MINUTE, 50, "1.0", 0, 0);
    assert_true(decide(fixture, &fixture->lease, 1, 1, "A", &err));
    assert_int_equal(refresh(fixture, state_escalate), 1);
    assert_int_equal(last_seen.hour_count, 50);
    /* now is at half past: whole hours end at the last full one of an hour ago */
    assert_int_equal(last_seen.hours_end_unix_us, fixture->now_us - 90 * MINUTE);
    assert_int_equal(last_seen.hours_count, 4);
    assert_int_equal(last_hours[0], 10);
    assert_int_equal(last_hours[1], 0);
    assert_int_equal(last_hours[2], 7);
    assert_int_equal(last_hours[3], 0);
    assert_int_equal(get(fixture, 1).state, ISSUE_ESCALATING);
    assert_int_equal(activity_of(fixture, 1, &activity), 2);
    /* Nothing comes: it is looked at again all the same, for it escalates. */
    fixture->now_us += 4 * MINUTE;
    assert_int_equal(refresh(fixture, state_escalate), 0);
    fixture->now_us += 2 * MINUTE;
    assert_int_equal(refresh(fixture, state_escalate), 1);
    assert_int_equal(refresh(fixture, state_escalate), 0);
}

/* ---- rules ---- */

struct putting {
    struct error_rules_version rules;
    int64_t seen;
};
static bool put_run(struct db_session *session, void *ctx, struct err *err)
{
    struct putting *putting = ctx;
    return error_rules_put(session, &putting->rules, putting->seen, err);
}
static bool put(struct fixture *fixture, const char *body, int64_t seen, int64_t *version, struct err *err)
{
    struct putting putting = { { .project_id = fixture->shop.id, .body = bytes_of_text(body), .author = BYTES("ann") },
                               seen };
    bool ok = db_transaction(fixture->db, put_run, &putting, err);
    *version = putting.rules.version;
    return ok;
}
static bool version_count(void *ctx, const struct error_rules_version *rules)
{
    int64_t *last = ctx;
    assert_int_equal(rules->version, ++*last);
    return true;
}

/* Goal: versions follow one another, each valid later than the one before; who has not seen the latest changes nothing.
 * Method: four versions, one of them by somebody who is behind. */
static void test_rules(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct error_rules_version rules, first;
    int64_t version, last = 0, topic_before, topic;
    assert_true(error_rules_get(fixture->db, fixture->shop.id, &fixture->arena, &rules, &err));
    assert_int_equal(rules.version, 0);
    assert_true(db_change_number(fixture->db, ERROR_RULES_TOPIC, &topic_before, &err));
    assert_true(put(fixture, "type:A -> a", 0, &version, &err));
    assert_int_equal(version, 1);
    assert_false(put(fixture, "type:B -> b", 0, &version, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_true(put(fixture, "type:B -> b", 1, &version, &err));
    assert_true(put(fixture, "", -1, &version, &err));
    assert_true(error_rules_get(fixture->db, fixture->shop.id, &fixture->arena, &rules, &err));
    assert_int_equal(rules.version, 3);
    assert_int_equal(rules.body.len, 0);
    assert_true(error_rules_get_version(fixture->db, fixture->shop.id, 1, &fixture->arena, &first, &err));
    assert_true(bytes_equal(first.body, BYTES("type:A -> a")));
    assert_true(first.valid_from_unix_us >= first.stored_unix_us + ERROR_RULES_DELAY_US);
    assert_true(first.replaced_unix_us > first.valid_from_unix_us);
    assert_true(error_rules_list(fixture->db, NULL, version_count, &last, &err));
    assert_int_equal(last, 3);
    assert_true(db_change_number(fixture->db, ERROR_RULES_TOPIC, &topic, &err));
    assert_true(topic != topic_before);
    assert_true(error_rules_expire(fixture->db, clock_unix_us() + ERROR_RULES_KEEP_US + 10000000, &err));
    assert_int_equal(db_fixture_number(fixture->db, "SELECT count(*) FROM error_rules"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_BOTH(test_lease, setup, teardown),
        DB_BOTH(test_figures, setup, teardown),
        DB_BOTH(test_list, setup, teardown),
        DB_BOTH(test_change, setup, teardown),
        DB_BOTH(test_merge_and_split, setup, teardown),
        DB_BOTH(test_refresh, setup, teardown),
        DB_BOTH(test_rules, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
