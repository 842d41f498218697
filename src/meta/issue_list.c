/* Lists of issues: one statement finds a page of them by what was counted in the range, three more tell of that page. CROSS JOIN
 * is SQLite's word for "in this order": it has no statistics, and would read all errors of a project to find those of one issue. */
#include "meta/db_rows.h"
#include "meta/issue_inside.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

enum { WORDS_MAX = 4, RELEASES_MAX = 5000 };

/* Values that every statement of a list begins with: $1 project, $2 from, $3 to, $4 environment. */
#define COUNTED(table)                                                                                                \
    "counted AS (SELECT f.issue AS number, CAST(SUM(c.row_count) AS bigint) AS n FROM " table                         \
    " c CROSS JOIN error_fingerprints f WHERE f.project_id = c.project_id AND f.id = c.fingerprint_id AND "           \
    "c.project_id = $1 AND c.at_unix_us >= $2 AND c.at_unix_us < $3 AND ($4 = '' OR c.environment = $4) AND f.issue " \
    "> 0 GROUP BY f.issue)"
#define MET                                                                                                         \
    "met AS (SELECT f.issue AS number, count(DISTINCT u.user_hash) AS n FROM error_users u CROSS JOIN "             \
    "error_fingerprints f WHERE f.project_id = u.project_id AND f.id = u.fingerprint_id AND u.project_id = $1 AND " \
    "u.last_unix_us >= $2 AND u.first_unix_us < $3 AND f.issue > 0 GROUP BY f.issue)"
/* $5 states, $6 number or 0, $7 .. $10 words, $11 service, $12 category, $13 is unassigned, $14 assignee, $15 team */
#define KEPT                                                                                                           \
    " i.project_id = $1 AND i.merged_into = 0 AND ((CASE i.state WHEN 0 THEN 1 WHEN 1 THEN 2 WHEN 2 THEN 4 WHEN 3 "    \
    "THEN 8 WHEN 4 THEN 16 ELSE 32 END) & CAST($5 AS bigint)) <> 0 AND ($6 = 0 OR i.number = $6) AND i.words LIKE $7 " \
    "ESCAPE '\\' AND i.words LIKE $8 ESCAPE '\\' AND i.words LIKE $9 ESCAPE '\\' AND i.words LIKE $10 ESCAPE '\\' "    \
    "AND ($11 = '' OR i.service = $11) AND ($12 = '' OR i.category = $12) AND ($13 = 0 OR (i.assignee_id IS NULL AND " \
    "i.assigned_team_id IS NULL)) AND ($14 IS NULL OR i.assignee_id = $14) AND ($15 IS NULL OR i.assigned_team_id = "  \
    "$15)"
/* $16 is behind, $17 value, $18 number, $19 limit */
#define PAGE(value)                                                                             \
    " AND ($16 = 0 OR " value " < $17 OR (" value " = $17 AND i.number < $18)) ORDER BY " value \
    " DESC, i.number DESC LIMIT $19"
#define LIST(table, value)                                                           \
    "WITH " COUNTED(table) " SELECT " ISSUE_COLUMNS ", counted.n, " value ISSUE_FROM \
                           "JOIN counted ON counted.number = i.number WHERE" KEPT    \
                           PAGE(value)
#define LIST_MET(table)                                                                                            \
    "WITH " COUNTED(                                                                                               \
        table) ", " MET " SELECT " ISSUE_COLUMNS ", counted.n, coalesce(met.n, 0)" ISSUE_FROM                      \
               "JOIN counted ON counted.number = i.number LEFT JOIN met ON met.number = i.number WHERE" KEPT PAGE( \
                   "coalesce(met.n, 0)")
static const char *const list_sql[2][ISSUE_SORT_COUNT_OF] = {
    { LIST("error_minutes", "i.last_unix_us"), LIST("error_minutes", "i.first_unix_us"),
      LIST("error_minutes", "counted.n"), LIST_MET("error_minutes") },
    { LIST("error_hours", "i.last_unix_us"), LIST("error_hours", "i.first_unix_us"), LIST("error_hours", "counted.n"),
      LIST_MET("error_hours") },
};

/* Of a page: its numbers as places of the statement, so that it is one text for all pages. */
static char *page_sql(struct arena *arena, const char *head, const char *tail, uint32_t first_place)
{
    char places[ISSUE_PAGE_MAX * 6];
    size_t len = 0;
    for (uint32_t p = 0; p < ISSUE_PAGE_MAX; p++)
        len += (size_t)snprintf(places + len, sizeof places - len, "%s$%u", p == 0 ? "" : ",", first_place + p);
    return arena_printf(arena, "%s(%s)%s", head, places, tail);
}

struct page {
    enum db_kind kind;
    const struct issue_filter *filter;
    struct issue_listed *issues;
    uint32_t count;
    struct arena *arena;
};

static struct issue_listed *listed_of(const struct page *page, int64_t number)
{
    for (uint32_t i = 0; i < page->count; i++)
        if (page->issues[i].issue.number == number) return &page->issues[i];
    return NULL;
}

/* The statement's own values, then the numbers of the page. */
static bool page_read(struct db_session *session, struct page *page, const char *head, const char *tail,
                      const struct db_value *own, uint32_t own_count, db_row_fn *row, struct err *err)
{
    struct db_value *values = arena_alloc(page->arena, (own_count + ISSUE_PAGE_MAX) * sizeof *values);
    memcpy(values, own, own_count * sizeof *values);
    for (uint32_t i = 0; i < ISSUE_PAGE_MAX; i++)
        values[own_count + i] = db_integer(i < page->count ? page->issues[i].issue.number : 0);
    return db_run(session, page_sql(page->arena, head, tail, own_count + 1), values, own_count + ISSUE_PAGE_MAX, row,
                  page, NULL, err);
}

static bool users_row(void *ctx, struct db_row *row, struct err *err)
{
    struct issue_listed *listed = listed_of(ctx, db_row_integer(row, 0));
    (void)err;
    if (listed != NULL) listed->users = db_row_integer(row, 1);
    return true;
}

static bool step_row(void *ctx, struct db_row *row, struct err *err)
{
    const struct page *page = ctx;
    struct issue_listed *listed = listed_of(page, db_row_integer(row, 0));
    int64_t step = db_row_integer(row, 1);
    (void)err;
    if (listed != NULL && step >= 0 && step < page->filter->range.steps) listed->steps[step] = db_row_integer(row, 2);
    return true;
}

/* By the time they were first seen: the first one stays, the last one is overwritten by who was seen later. */
static bool release_row(void *ctx, struct db_row *row, struct err *err)
{
    const struct page *page = ctx;
    struct issue_listed *listed = listed_of(page, db_row_integer(row, 0));
    (void)err;
    if (listed == NULL) return true;
    if (listed->first_release.len == 0) listed->first_release = db_text_keep(page->arena, row, 1);
    listed->last_release = db_text_keep(page->arena, row, 1);
    return true;
}

#define STEPS(table)                                                                                                   \
    "SELECT f.issue, (c.at_unix_us - $2) / $5, CAST(SUM(c.row_count) AS bigint) FROM error_fingerprints f CROSS "      \
    "JOIN " table                                                                                                      \
    " WHERE c.project_id = f.project_id AND c.fingerprint_id = f.id AND c.at_unix_us >= $2 AND c.at_unix_us < $3 AND " \
    "f.project_id = $1 AND ($4 = '' OR c.environment = $4) AND f.issue IN "
static bool page_tell(struct db_session *session, struct page *page, struct err *err)
{
    const struct issue_filter *filter = page->filter;
    struct db_value values[] = { db_uuid(filter->project_id), db_integer(filter->range.from_unix_us),
                                 db_integer(filter->range.to_unix_us), db_text_bytes(filter->environment),
                                 db_integer(filter->range.step_us) };
    if (page->count == 0) return true;
    return page_read(session, page, ISSUE_BY_FINGERPRINT(page->kind, filter->range.by_hours, STEPS), " GROUP BY 1, 2",
                     values, 5, step_row, err) &&
           page_read(session, page,
                     "SELECT f.issue, count(DISTINCT u.user_hash) FROM error_fingerprints f CROSS JOIN error_users u "
                     "WHERE u.project_id = f.project_id AND u.fingerprint_id = f.id AND u.last_unix_us >= $2 AND "
                     "u.first_unix_us < $3 AND f.project_id = $1 AND f.issue IN ",
                     " GROUP BY 1", values, 3, users_row, err) &&
           page_read(session, page,
                     "SELECT f.issue, r.release, min(r.first_unix_us) AS since FROM error_fingerprints f CROSS JOIN "
                     "error_releases r WHERE r.project_id = f.project_id AND r.fingerprint_id = f.id AND f.project_id "
                     "= $1 AND r.release <> '' AND f.issue IN ",
                     " GROUP BY 1, 2 ORDER BY since, r.release LIMIT 5000", values, 1, release_row, err);
}

static bool listed_row(void *ctx, struct db_row *row, struct err *err)
{
    struct page *page = ctx;
    (void)err;
    if (page->count > page->filter->limit) return true;
    struct issue_listed *listed = &page->issues[page->count++];
    issue_take(&listed->issue, page->arena, row);
    listed->count = db_row_integer(row, ISSUE_COLUMN_COUNT);
    listed->sort_value = db_row_integer(row, ISSUE_COLUMN_COUNT + 1);
    listed->steps = arena_calloc(page->arena, (page->filter->range.steps + 1) * sizeof *listed->steps);
    return true;
}

/* "%word%", in lower case; what LIKE reads as more is a letter as others. "%" where there is no such word. */
static struct db_value word_like(struct arena *arena, struct bytes *text)
{
    while (text->len > 0 && isspace(text->ptr[0])) *text = bytes_from(text->ptr + 1, text->len - 1);
    uint8_t *like = arena_alloc(arena, text->len * 2 + 2);
    size_t len = 0, at = 0;
    like[len++] = '%';
    for (; at < text->len && !isspace(text->ptr[at]); at++) {
        uint8_t c = text->ptr[at];
        if (c == '%' || c == '_' || c == '\\') like[len++] = '\\';
        like[len++] = (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    if (at > 0) like[len++] = '%';
    *text = at < text->len ? bytes_from(text->ptr + at, text->len - at) : (struct bytes){ (const uint8_t *)"", 0 };
    return db_text_bytes(bytes_from(like, len));
}

/* "#12" and "12": that one, whatever it says. */
static int64_t number_of(struct bytes text)
{
    int64_t number = 0;
    if (text.len > 0 && text.ptr[0] == '#') text = bytes_from(text.ptr + 1, text.len - 1);
    if (text.len == 0 || text.len > 15) return 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return 0;
        number = number * 10 + (text.ptr[i] - '0');
    }
    return number;
}

static struct db_value uuid_or_null(struct uuid uuid)
{
    const struct uuid none = { 0 };
    return uuid_equal(uuid, none) ? db_null(DB_UUID) : db_uuid(uuid);
}

#define KEPT_VALUES 15
static void values_of(const struct issue_filter *filter, struct arena *arena, struct db_value values[KEPT_VALUES])
{
    struct bytes text = filter->text;
    int64_t number = filter->text.len > 0 && filter->text.ptr[0] == '#' ? number_of(filter->text) : 0;
    if (number > 0) text.len = 0;
    values[0] = db_uuid(filter->project_id);
    values[1] = db_integer(filter->range.from_unix_us);
    values[2] = db_integer(filter->range.to_unix_us);
    values[3] = db_text_bytes(filter->environment);
    values[4] = db_integer(filter->states);
    values[5] = db_integer(number);
    for (uint32_t w = 0; w < WORDS_MAX; w++) values[6 + w] = word_like(arena, &text);
    values[10] = db_text_bytes(filter->service);
    values[11] = db_text_bytes(filter->category);
    values[12] = db_boolean(filter->is_unassigned);
    values[13] = uuid_or_null(filter->assignee_id);
    values[14] = uuid_or_null(filter->team_id);
}

static bool list_run(struct db_session *session, void *ctx, struct err *err)
{
    struct page *page = ctx;
    const struct issue_filter *filter = page->filter;
    struct db_value values[KEPT_VALUES + 4];
    values_of(filter, page->arena, values);
    values[15] = db_boolean(filter->is_behind);
    values[16] = db_integer(filter->behind_value);
    values[17] = db_integer(filter->behind_number);
    values[18] = db_integer(filter->limit);
    page->count = 0;
    if (!db_run(session, list_sql[filter->range.by_hours][filter->sort], values, COUNT_OF(values), listed_row, page,
                NULL, err))
        return false;
    uint32_t count = page->count;
    if (page->count > ISSUE_PAGE_MAX) page->count = ISSUE_PAGE_MAX; /* the one too many is not told of */
    bool ok = page_tell(session, page, err);
    page->count = count;
    return ok;
}

bool issue_list(struct db *db, const struct issue_filter *filter, struct arena *arena, struct issue_listed **issues,
                uint32_t *count, struct err *err)
{
    assert(filter->limit <= ISSUE_PAGE_MAX + 1 && filter->range.steps <= ISSUE_STEPS_MAX);
    struct page page = { .kind = db_kind(db), .filter = filter, .arena = arena };
    page.issues = arena_calloc(arena, (filter->limit + 1) * sizeof *page.issues);
    if (!db_snapshot(db, list_run, &page, err)) return false;
    *issues = page.issues;
    *count = page.count;
    return true;
}

/* ---- one of them ---- */

#define COUNT_OF_ONE(table)                                                                                        \
    "SELECT coalesce(CAST(SUM(c.row_count) AS bigint), 0) FROM error_fingerprints f CROSS JOIN " table             \
    " WHERE c.project_id = f.project_id AND c.fingerprint_id = f.id AND c.at_unix_us >= $3 AND c.at_unix_us < $4 " \
    "AND f.project_id = $1 AND f.issue = $2 AND ($5 = '' OR c.environment = $5)"
static bool one_run(struct db_session *session, void *ctx, struct err *err)
{
    struct page *page = ctx;
    const struct issue_filter *filter = page->filter;
    struct issue_listed *listed = &page->issues[0];
    memset(listed->steps, 0, filter->range.steps * sizeof *listed->steps);
    listed->first_release = listed->last_release = (struct bytes){ (const uint8_t *)"", 0 };
    return db_run(session, ISSUE_BY_FINGERPRINT(page->kind, filter->range.by_hours, COUNT_OF_ONE),
                  DB_VALUES(db_uuid(filter->project_id), db_integer(listed->issue.number),
                            db_integer(filter->range.from_unix_us), db_integer(filter->range.to_unix_us),
                            db_text_bytes(filter->environment)),
                  db_take_integer, &listed->count, NULL, err) &&
           page_tell(session, page, err);
}

bool issue_get_listed(struct db *db, struct uuid project_id, int64_t number, const struct count_range *range,
                      struct bytes environment, struct arena *arena, struct issue_listed *listed, struct err *err)
{
    struct issue_filter filter = { .project_id = project_id, .range = *range, .environment = environment };
    struct page page = { .kind = db_kind(db), .filter = &filter, .issues = listed, .count = 1, .arena = arena };
    *listed = (struct issue_listed){ .steps = arena_calloc(arena, (range->steps + 1) * sizeof *listed->steps) };
    return issue_get(db, project_id, number, arena, &listed->issue, err) && db_snapshot(db, one_run, &page, err);
}

/* ---- facets ---- */

static bool facet_row(void *ctx, struct db_row *row, struct err *err)
{
    struct db_rows *rows = ctx;
    struct issue_facet *facet = db_rows_add(rows, sizeof *facet);
    (void)err;
    *facet = (struct issue_facet){ db_text_keep(rows->arena, row, 0), db_row_integer(row, 1) };
    return true;
}

#define FACET(table, value)                                                                                         \
    "WITH " COUNTED(table) " SELECT " value                                                                         \
                           " AS value, count(*) FROM issues i JOIN counted ON counted.number = i.number WHERE" KEPT \
                           " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 200"
#define STATE_WORD                                                                                                   \
    "(CASE i.state WHEN 0 THEN 'new' WHEN 1 THEN 'ongoing' WHEN 2 THEN 'escalating' WHEN 3 THEN 'regressed' WHEN 4 " \
    "THEN 'resolved' ELSE 'ignored' END)"
bool issue_facets(struct db *db, const struct issue_filter *filter, enum issue_facet_of of, struct arena *arena,
                  struct issue_facet **facets, uint32_t *count, struct err *err)
{
    static const char *const sql[2][3] = {
        { FACET("error_minutes", "i.service"), FACET("error_minutes", "i.category"),
          FACET("error_minutes", STATE_WORD) },
        { FACET("error_hours", "i.service"), FACET("error_hours", "i.category"), FACET("error_hours", STATE_WORD) },
    };
    struct db_rows rows = { .arena = arena };
    struct db_value values[KEPT_VALUES];
    values_of(filter, arena, values);
    if (!db_read(db, sql[filter->range.by_hours][of], values, KEPT_VALUES, facet_row, &rows, err)) return false;
    *facets = rows.items;
    *count = rows.count;
    return true;
}
