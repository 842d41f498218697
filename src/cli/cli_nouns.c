/* The nouns: a command is a line, for what it does is one request. */
#include "cli/cli_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_DEFAULT = 100, PAGE = 1000, FILE_BYTES_MAX = 1 << 20 };
#define MARKS " #,?!@"

/* words: names of the words behind the verb; one that is a {name} of the path goes there, the others into the body. A name
 * with # is a number, with , a list, with ? true or false, with ! a file that holds it, with @ a text, or @FILE;
 * "name=member": as the body calls it, "until=ignore.until": within its ignore; "=state=resolved": always so. options: names
 * that go into the body in the same way; of a list or a GET into the query. columns: of the table. */
static const struct command {
    const char *noun, *verb, *method, *path, *words, *options, *columns, *help;
} commands[] = {
    { "projects", "list", "GET", "/projects", "", "", "name id role", "the projects that you may see" },
    { "projects", "get", "GET", "/projects/{project}", "project", "", "name id role", "one of them" },
    { "projects", "create", "POST", "/projects", "name", "", "name id", "" },
    { "projects", "rename", "PATCH", "/projects/{project}", "project name", "", "name id", "" },
    { "projects", "delete", "DELETE", "/projects/{project}", "project", "", "", "its keys open nothing any more" },
    { "services", "list", "GET", "/projects/{project}/services", "", "from to",
      "name spans span_errors logs log_errors requests last_seen", "what sends, counted as it comes in" },
    { "endpoints", "list", "GET", "/projects/{project}/endpoints", "", "service from to",
      "service kind method route requests errors duration_ns", "" },
    { "edges", "list", "GET", "/projects/{project}/edges", "", "service from to",
      "source target target_kind calls errors", "who calls whom" },
    { "attributes", "list", "GET", "/projects/{project}/attributes", "", "place values from to",
      "place key type rows values", "" },
    { "metrics", "list", "GET", "/projects/{project}/metrics", "", "service from to", "name type unit points services",
      "" },
    { "members", "list", "GET", "/projects/{project}/members", "", "", "name role kind id",
      "who has a role in the project" },
    { "members", "set", "PUT", "/projects/{project}/members/{member}", "member role", "", "name role",
      "viewer, editor, admin or owner; MEMBER: an e-mail, or a team's id" },
    { "members", "remove", "DELETE", "/projects/{project}/members/{member}", "member", "", "", "" },
    { "users", "list", "GET", "/users", "", "", "email name is_instance_admin is_disabled signed_in_at id", "" },
    { "users", "get", "GET", "/users/{user}", "user", "", "", "" },
    { "users", "me", "GET", "/users/me", "", "", "", "who one is" },
    { "users", "create", "POST", "/users", "email", "name is_instance_admin?", "",
      "prints a password for one sign-in" },
    { "users", "change", "PATCH", "/users/{user}", "user", "name is_instance_admin? is_disabled?", "", "" },
    { "users", "reset-password", "POST", "/users/{user}/reset-password", "user", "", "", "prints one for one sign-in" },
    { "users", "delete", "DELETE", "/users/{user}", "user", "", "", "" },
    { "teams", "list", "GET", "/teams", "", "", "name member_count id", "" },
    { "teams", "create", "POST", "/teams", "name", "", "", "" },
    { "teams", "rename", "PATCH", "/teams/{team}", "team name", "", "", "" },
    { "teams", "delete", "DELETE", "/teams/{team}", "team", "", "", "" },
    { "teams", "members", "GET", "/teams/{team}/members", "team", "", "email id", "" },
    { "teams", "add", "PUT", "/teams/{team}/members/{user}", "team user", "", "", "" },
    { "teams", "remove", "DELETE", "/teams/{team}/members/{user}", "team user", "", "", "" },
    { "audit", "list", "GET", "/projects/{project}/audit", "", "action actor object from to",
      "at actor action object address details", "what was changed in the project, newest first" },
    { "audit", "statements", "GET", "/projects/{project}/statements", "", "actor operation failed? slower_ms# from to",
      "at actor operation ms rows files_read files_pruned sqlstate statement",
      "what was asked by SQL, and what it took, newest first" },
    { "audit", "all", "GET", "/audit", "", "action actor object from to",
      "at actor action object address is_refused details", "everything, and every sign-in" },
    { "retentions", "list", "GET", "/projects/{project}/retention", "", "", "table days is_default",
      "how long rows are kept" },
    { "retentions", "set", "PUT", "/projects/{project}/retention/{table}", "table days#", "", "table days",
      "0: for ever" },
    { "retentions", "clear", "DELETE", "/projects/{project}/retention/{table}", "table", "", "", "" },
    { "agents", "list", "GET", "/projects/{project}/agents", "", "", "id name template schedule zone is_paused next_at",
      "what looks at the project at set times" },
    { "agents", "get", "GET", "/projects/{project}/agents/{agent}", "agent", "", "", "one of them; AGENT: its id" },
    { "agents", "create", "POST", "/projects/{project}/agents", "name template schedule",
      "zone prompt@ uses_model? range_hours# services=scope.services, environment=scope.environment", "id name next_at",
      "TEMPLATE: health, weekly, deploys, errors, database, prompt; SCHEDULE: 'daily 08:00', hourly, cron" },
    { "agents", "run", "POST", "/projects/{project}/agents/{agent}/run", "agent", "", "id name is_asked",
      "now, paused or not" },
    { "agents", "pause", "PATCH", "/projects/{project}/agents/{agent}", "agent", "=is_paused=true?",
      "id name is_paused", "" },
    { "agents", "resume", "PATCH", "/projects/{project}/agents/{agent}", "agent", "=is_paused=false?",
      "id name is_paused next_at", "" },
    { "agents", "delete", "DELETE", "/projects/{project}/agents/{agent}", "agent", "", "", "its reports stay" },
    { "agents", "runs", "GET", "/projects/{project}/agents/{agent}/runs", "agent", "",
      "id due_at state attempt missed began_at ended_at why", "newest first" },
    { "agents", "log", "GET", "/projects/{project}/agent-runs/{run}", "run", "", "", "of one run: what it looked at" },
    { "reports", "list", "GET", "/projects/{project}/reports", "", "agent#", "id agent title severity made_at",
      "what agents found, newest first" },
    { "reports", "get", "GET", "/projects/{project}/reports/{report}", "report", "", "", "one of them, as JSON" },
    { "issues", "list", "GET", "/projects/{project}/issues", "",
      "q state service category environment assignee sort from to",
      "number state title message service count users last_seen assignee", "errors that belong together; open ones" },
    { "issues", "show", "GET", "/projects/{project}/issues/{issue}", "issue", "environment from to", "",
      "one of them, with its stack; ISSUE: its number" },
    { "issues", "resolve", "PATCH", "/projects/{project}/issues/{issue}", "issue", "=state=resolved release",
      "number state title", "--release 1.2: what comes of a later one opens it again" },
    { "issues", "ignore", "PATCH", "/projects/{project}/issues/{issue}", "issue",
      "=state=ignored until=ignore.until events=ignore.events# users=ignore.users#", "number state title",
      "--until now+7d; --events, --users: so many further ones" },
    { "issues", "open", "PATCH", "/projects/{project}/issues/{issue}", "issue", "=state=ongoing", "number state title",
      "it was seen, or is not resolved or ignored any more" },
    { "issues", "assign", "PATCH", "/projects/{project}/issues/{issue}", "issue assignee", "", "number state title",
      "ASSIGNEE: me, nobody, an e-mail, team:NAME" },
    { "issues", "merge", "POST", "/projects/{project}/issues/{issue}/merge", "issue into#", "", "",
      "INTO: the one that stays" },
    { "issues", "split", "POST", "/projects/{project}/issues/{issue}/split", "issue fingerprints,", "into#", "",
      "FINGERPRINTS: ids with commas between; into a new issue" },
    { "issues", "fingerprints", "GET", "/projects/{project}/issues/{issue}/fingerprints", "issue", "",
      "id count by why culprit", "what is in it, and why" },
    { "issues", "activity", "GET", "/projects/{project}/issues/{issue}/activity", "issue", "", "at actor what detail",
      "what happened to it" },
    { "issues", "events", "GET", "/projects/{project}/issues/{issue}/events", "issue",
      "fingerprint environment from to", "timestamp service type message release user_id trace_id", "its rows" },
    { "errors", "get", "GET", "/projects/{project}/errors/{fingerprint}", "fingerprint", "", "",
      "one error, and its issue" },
    { "errors", "rules", "GET", "/projects/{project}/error-rules", "", "", "",
      "the project's own rules of what is one error" },
    { "errors", "set-rules", "PUT", "/projects/{project}/error-rules", "rules@", "", "", "RULES: the text, or @FILE" },
    { "errors", "try-rules", "POST", "/projects/{project}/error-rules/try", "issue#", "rules@", "",
      "the fingerprint of an issue's latest event, and why; --rules: the text, or @FILE" },
    { "keys", "list", "GET", "/projects/{project}/keys", "", "", "prefix name scopes expires_at used_at id",
      "API keys of the project" },
    { "keys", "create", "POST", "/projects/{project}/keys", "name", "scopes, origins, expires_at",
      "secret prefix scopes expires_at id", "its secret is shown once; scopes: ingest,query,admin" },
    { "keys", "revoke", "DELETE", "/projects/{project}/keys/{key}", "key", "", "", "KEY: its id" },
    { "keys", "limit", "PUT", "/projects/{project}/keys/{key}/limits/{limit_name}", "key limit_name value#", "",
      "name value", "0: no limit" },
    { "limits", "list", "GET", "/projects/{project}/limits", "", "", "name value is_default",
      "what the project may send and ask" },
    { "limits", "set", "PUT", "/projects/{project}/limits/{limit_name}", "limit_name value#", "", "name value",
      "0: no limit" },
    { "limits", "clear", "DELETE", "/projects/{project}/limits/{limit_name}", "limit_name", "", "", "" },
    { "usage", "list", "GET", "/projects/{project}/usage", "", "from to", "day counts", "what was sent and asked" },
    { "llm", "get", "GET", "/projects/{project}/llm", "", "",
      "is_on url model has_key input_price output_price budget audit in_use problem used",
      "the project's language model" },
    { "llm", "set", "PUT", "/projects/{project}/llm", "",
      "model_url=url model key_file=key! is_on? input_price# output_price# tokens_day# tokens_month# cost_day# "
      "cost_month# "
      "audit audit_days# ask",
      "is_on url model has_key budget in_use problem",
      "sets all of it, what is not said as the server has it; KEY_FILE: its first line, - from a pipe" },
    { "llm", "clear", "DELETE", "/projects/{project}/llm", "", "", "", "the server's model counts again" },
    { "llm", "test", "POST", "/projects/{project}/llm/test", "", "",
      "is_ok model host ms problem input_tokens output_tokens cost", "asks it for one word" },
    { "llm", "usage", "GET", "/projects/{project}/llm/usage", "", "from to", "day purpose is_own used", "" },
    { "llm", "audit", "GET", "/projects/{project}/llm/audit", "", "purpose failed?",
      "at purpose actor model input_tokens output_tokens ms failure", "what it was asked and what it answered" },
    { "source-maps", "list", "GET", "/projects/{project}/source-maps", "", "release script",
      "script release mappings sources stored_bytes uploaded_at used_at id", "what minified stacks are resolved by" },
    { "source-maps", "delete", "DELETE", "/projects/{project}/source-maps/{map}", "map", "", "", "MAP: its id" },
    { "monitors", "list", "GET", "/projects/{project}/monitors", "", "", "slug level groups_ill evaluated_at title",
      "questions with a condition; export, apply: see below" },
    { "monitors", "state", "GET", "/projects/{project}/monitors/{monitor}/state", "monitor", "", "",
      "what each group is in" },
    { "monitors", "events", "GET", "/projects/{project}/monitors/{monitor}/events", "monitor", "",
      "at group from to value is_quiet", "each change of a level, newest first" },
    { "monitors", "mute", "POST", "/projects/{project}/monitors/{monitor}/mute", "monitor until", "", "",
      "nobody is told before that time" },
    { "monitors", "delete", "DELETE", "/projects/{project}/monitors/{monitor}", "monitor", "", "",
      "MONITOR: its slug" },
    { "dashboards", "list", "GET", "/projects/{project}/dashboards", "", "",
      "slug title panel_count version author changed_at", "panels that people look at again; get, apply: see below" },
    { "dashboards", "delete", "DELETE", "/projects/{project}/dashboards/{dashboard}", "dashboard", "", "",
      "DASHBOARD: its slug" },
    { "dashboards", "versions", "GET", "/projects/{project}/dashboards/{dashboard}/versions", "dashboard", "",
      "version title panel_count author stored_at", "what it was" },
    { "dashboards", "restore", "POST", "/projects/{project}/dashboards/{dashboard}/restore", "dashboard version#", "",
      "slug version author", "as it was then" },
    { "replays", "settings", "GET", "/projects/{project}/replay-settings", "", "", "unmasked_role",
      "who sees recordings with the texts that pages left unmasked" },
    { "replays", "set", "PUT", "/projects/{project}/replay-settings", "unmasked_role", "", "unmasked_role",
      "UNMASKED_ROLE: viewer, editor, admin or owner; who has less sees stars" },
    { "redactions", "list", "GET", "/projects/{project}/redaction-rules", "", "",
      "name finds pattern does is_on found_30_days id", "what is not kept" },
    { "redactions", "create", "POST", "/projects/{project}/redaction-rules", "name finds pattern does", "is_on?",
      "name finds pattern does is_on id", "FINDS: attribute, value, built_in or element; DOES: drop, mask or hash" },
    { "redactions", "change", "PATCH", "/projects/{project}/redaction-rules/{rule}", "rule",
      "name finds pattern does is_on?", "name finds pattern does is_on id", "" },
    { "redactions", "delete", "DELETE", "/projects/{project}/redaction-rules/{rule}", "rule", "", "", "" },
    { "redactions", "try", "POST", "/projects/{project}/redaction-rules/try", "text", "", "text found",
      "shows what the rules make of a text" },
};

static const struct command *command_find(const char *noun, const char *verb)
{
    for (size_t c = 0; c < COUNT_OF(commands); c++)
        if (strcmp(commands[c].noun, noun) == 0 && (verb == NULL || strcmp(commands[c].verb, verb) == 0))
            return &commands[c];
    return NULL;
}

/* "keys create NAME [--scopes S,S]" */
static void usage_put(FILE *to, const struct command *command)
{
    fprintf(to, "%s %s", command->noun, command->verb);
    for (const char *w = command->words; *w != '\0'; w += strspn(w, " ")) {
        size_t len = strcspn(w, MARKS);
        fputc(' ', to);
        for (size_t i = 0; i < len; i++) fputc(w[i] >= 'a' && w[i] <= 'z' ? w[i] - 32 : w[i], to);
        w += strcspn(w, " ");
    }
    for (const char *o = command->options; *o != '\0'; o += strspn(o, " ")) {
        if (*o != '=') fprintf(to, " [--%.*s ..]", (int)strcspn(o, MARKS "="), o);
        o += strcspn(o, " ");
    }
}

void cli_nouns_help(void)
{
    for (size_t c = 0; c < COUNT_OF(commands); c++) {
        printf("  monoscope ");
        usage_put(stdout, &commands[c]);
        printf("%s%s\n", commands[c].help[0] != '\0' ? "   " : "", commands[c].help);
    }
}

static int noun_usage(const char *noun)
{
    for (size_t c = 0; c < COUNT_OF(commands); c++) {
        if (strcmp(commands[c].noun, noun) != 0) continue;
        fputs("usage: monoscope ", stderr);
        usage_put(stderr, &commands[c]);
        fputc('\n', stderr);
    }
    return CLI_USAGE;
}

/* The n-th of blank-separated names, with its mark; false: there are no more. */
static bool name_at(const char *names, uint32_t n, char name[64], char *mark)
{
    for (; *names != '\0'; names += strspn(names, " ")) {
        size_t len = strcspn(names, " ");
        if (n-- == 0) {
            size_t plain = strcspn(names, MARKS);
            snprintf(name, 64, "%.*s", (int)plain, names);
            *mark = plain < len ? names[plain] : '\0';
            return true;
        }
        names += len;
    }
    return false;
}

/* All of a file; "-": of stdin. NULL: told. */
static const char *file_of(struct cli *cli, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    char *text = arena_alloc(&cli->arena, FILE_BYTES_MAX);
    size_t len = file == NULL ? 0 : fread(text, 1, FILE_BYTES_MAX - 1, file);
    bool ok = file != NULL && feof(file) && !ferror(file);
    if (file != NULL && file != stdin) fclose(file);
    text[len] = '\0';
    if (!ok) cli->failed = cli_fail("cannot read \"%s\": it is not there, or larger than 1 MiB", path);
    return ok ? text : NULL;
}

/* False: told. */
static bool body_put(yyjson_mut_doc *doc, yyjson_mut_val *body, struct cli *cli, const char *name, char mark,
                     const char *value)
{
    yyjson_mut_val *key = yyjson_mut_strcpy(doc, name);
    char *end;
    if (mark == '#') {
        long long number = strtoll(value, &end, 10);
        bool is_number = value[0] != '\0' && *end == '\0';
        double decimal = is_number ? 0 : strtod(value, &end);
        bool is_decimal = !is_number && value[0] != '\0' && *end == '\0';
        yyjson_mut_obj_add(body, key,
                           is_number    ? yyjson_mut_sint(doc, number)
                           : is_decimal ? yyjson_mut_real(doc, decimal)
                                        : yyjson_mut_str(doc, value));
    } else if (mark == '?') {
        yyjson_mut_obj_add(body, key, yyjson_mut_bool(doc, strcmp(value, "false") != 0 && strcmp(value, "off") != 0));
    } else if (mark == ',') {
        yyjson_mut_val *list = yyjson_mut_arr(doc);
        for (; *value != '\0'; value += *value == ',') {
            size_t len = strcspn(value, ",");
            if (len > 0) yyjson_mut_arr_add_strn(doc, list, value, len);
            value += len;
        }
        yyjson_mut_obj_add(body, key, list);
    } else if (mark == '@' && value[0] == '@') {
        const char *text = file_of(cli, value + 1);
        if (text == NULL) return false;
        yyjson_mut_obj_add(body, key, yyjson_mut_str(doc, text));
    } else {
        yyjson_mut_obj_add(body, key, yyjson_mut_str(doc, value));
    }
    return true;
}

/* "ignore.until": within the body's ignore. */
static bool member_put(yyjson_mut_doc *doc, yyjson_mut_val *body, struct cli *cli, const char *name, char mark,
                       const char *value)
{
    const char *dot = strchr(name, '.');
    if (dot == NULL) return body_put(doc, body, cli, name, mark, value);
    yyjson_mut_val *inner = yyjson_mut_obj_getn(body, name, (size_t)(dot - name));
    if (inner == NULL) {
        inner = yyjson_mut_obj(doc);
        yyjson_mut_obj_add(body, yyjson_mut_strncpy(doc, name, (size_t)(dot - name)), inner);
    }
    return body_put(doc, inner, cli, dot + 1, mark, value);
}

/* Where "name=member" has its sign the name ends; what the body calls it. */
static const char *member_of(char *name)
{
    char *equals = strchr(name, '=');
    if (equals == NULL) return name;
    *equals = '\0';
    return equals + 1;
}

/* The first line of a file; "-": of stdin. NULL: told. */
static const char *secret_of(struct cli *cli, const char *path)
{
    char line[1024];
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    bool ok = file != NULL && fgets(line, sizeof line, file) != NULL;
    if (file != NULL && file != stdin) fclose(file);
    if (!ok) {
        cli->failed = cli_fail("cannot read a line from \"%s\"", path);
        return NULL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    const char *secret = arena_printf(&cli->arena, "%s", line);
    explicit_bzero(line, sizeof line);
    return secret;
}

struct request {
    const struct command *command;
    const char *path; /* with its query */
    char *body;       /* NULL: none */
};

static const char *path_with(struct cli *cli, const char *path, const char *name, const char *value)
{
    char place[70];
    snprintf(place, sizeof place, "{%s}", name);
    const char *at = strstr(path, place);
    return at == NULL ? NULL
                      : arena_printf(&cli->arena, "%.*s%s%s", (int)(at - path), path, cli_encoded(cli, value),
                                     at + strlen(place));
}

/* Words into the path or the body, options into the body or the query. */
static bool request_make(struct cli *cli, struct request *request)
{
    const struct command *command = request->command;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *body = yyjson_mut_obj(doc);
    bool is_read = strcmp(command->method, "GET") == 0;
    bool is_told = false;
    char name[64], mark, separator = '?';
    yyjson_mut_doc_set_root(doc, body);
    request->path = command->path;
    for (uint32_t w = 0; name_at(command->words, w, name, &mark); w++) {
        const char *with = path_with(cli, request->path, name, cli->words[w + 1]);
        if (with != NULL)
            request->path = with;
        else if (!body_put(doc, body, cli, name, mark, cli->words[w + 1]))
            is_told = true;
    }
    for (uint32_t o = 0; name_at(command->options, o, name, &mark); o++) {
        bool is_fixed = name[0] == '=';
        const char *member = member_of(is_fixed ? name + 1 : name), *value = cli_option(cli, name);
        if (is_fixed) {
            value = arena_printf(&cli->arena, "%s", member);
            member = name + 1;
        }
        if (value != NULL && mark == '!') {
            value = secret_of(cli, value);
            is_told = value == NULL;
        }
        if (value == NULL) continue;
        if (is_read) {
            request->path =
                arena_printf(&cli->arena, "%s%c%s=%s", request->path, separator, name, cli_encoded(cli, value));
            separator = '&';
        } else {
            is_told |= !member_put(doc, body, cli, member, mark, value);
        }
    }
    bool ok = !is_told;
    if (ok && strstr(request->path, "{project}") != NULL) {
        const char *project = cli_project(cli);
        ok = project != NULL;
        if (ok) request->path = path_with(cli, request->path, "project", project);
    }
    bool has_body = strcmp(command->method, "PATCH") == 0 ||
                    (strcmp(command->method, "PUT") == 0 && command->options[0] != '\0') ||
                    yyjson_mut_obj_size(body) > 0;
    request->body = has_body ? yyjson_mut_write(doc, 0, NULL) : NULL;
    yyjson_mut_doc_free(doc);
    return ok;
}

static void row_add(struct cli_table *table, const struct command *command, yyjson_val *item)
{
    char name[64], mark;
    for (uint32_t c = 0; name_at(command->columns, c, name, &mark); c++)
        cli_table_add_json(table, yyjson_obj_get(item, name));
}

static struct cli_table *table_begin(const struct cli *cli, const struct command *command)
{
    char name[64], mark;
    uint32_t count = 0;
    while (name_at(command->columns, count, name, &mark)) count++;
    struct cli_table *table = cli_table_create(count, cli->is_wide);
    for (uint32_t c = 0; name_at(command->columns, c, name, &mark); c++) cli_table_add(table, name, strlen(name));
    return table;
}

/* "items", or the one list that the answer has; NULL: it is one thing. */
static yyjson_val *list_of(yyjson_val *root)
{
    yyjson_val *key, *value, *items = yyjson_obj_get(root, "items");
    size_t i, count;
    if (items != NULL) return items;
    if (root == NULL) return NULL;
    yyjson_obj_foreach(root, i, count, key, value) if (yyjson_is_arr(value) && count == 1) return value;
    return NULL;
}

static void members_print(struct cli *cli, yyjson_val *root)
{
    struct cli_table *table = cli_table_create(2, true);
    yyjson_val *key, *value;
    size_t i, count;
    (void)cli;
    yyjson_obj_foreach(root, i, count, key, value)
    {
        cli_table_add_json(table, key);
        cli_table_add_json(table, value);
    }
    cli_table_print(table);
}

/* All pages up to --limit. */
static int list_run(struct cli *cli, struct request *request, uint64_t limit)
{
    bool is_table = cli->is_terminal && !cli->is_json;
    struct cli_table *table = is_table ? table_begin(cli, request->command) : NULL;
    const char *cursor = NULL;
    uint64_t count = 0;
    int exit_code = CLI_DONE;
    bool has_limit = cli_option(cli, "limit") != NULL;
    do {
        struct cli_answer answer;
        char separator = strchr(request->path, '?') != NULL ? '&' : '?';
        const char *path = request->path;
        if (cursor != NULL || has_limit) {
            uint64_t more = limit - count < PAGE ? limit - count : PAGE;
            path = arena_printf(&cli->arena, "%s%climit=%llu", path, separator, (unsigned long long)more);
            if (cursor != NULL) path = arena_printf(&cli->arena, "%s&cursor=%s", path, cursor);
        }
        cursor = NULL;
        cli_ask(cli, request->command->method, path, request->body, NULL, &answer);
        exit_code = cli_answer_check(&answer);
        yyjson_val *root = yyjson_doc_get_root(answer.json), *list = exit_code == CLI_DONE ? list_of(root) : NULL, *one;
        size_t i, max;
        yyjson_arr_foreach(list, i, max, one)
        {
            count++;
            if (is_table)
                row_add(table, request->command, one);
            else
                cli_print_json_line(one);
        }
        const char *next = yyjson_get_str(yyjson_obj_get(root, "next_cursor"));
        if (exit_code == CLI_DONE && next != NULL) cursor = cli_encoded(cli, next);
        if (exit_code == CLI_DONE && list == NULL && root != NULL) {
            if (is_table)
                members_print(cli, root);
            else
                cli_print_json_line(root);
        }
        if (list == NULL && is_table) cli_table_print(table), table = NULL, is_table = false;
        cli_answer_deinit(&answer);
    } while (exit_code == CLI_DONE && cursor != NULL && count < limit);
    if (table != NULL) cli_table_print(table);
    if (cursor != NULL) fprintf(stderr, "there are more: --limit %llu\n", (unsigned long long)limit * 10);
    return exit_code;
}

int cli_noun(const char *noun, int argc, char **argv)
{
    const char *verb = argc > 0 && argv[0][0] != '-' ? argv[0] : "list";
    struct request request = { .command = command_find(noun, verb) };
    struct cli cli;
    char name[64], mark, known[512] = "limit";
    uint32_t word_count = 0;
    int exit_code = CLI_USAGE;
    if (command_find(noun, NULL) == NULL) return -1;
    if (request.command == NULL) return noun_usage(noun);
    while (name_at(request.command->words, word_count, name, &mark)) word_count++;
    for (uint32_t o = 0; name_at(request.command->options, o, name, &mark); o++) {
        size_t len = strlen(known);
        member_of(name);
        snprintf(known + len, sizeof known - len, " %s", name);
    }
    if (cli_open(&cli, argc, argv, "") && cli_options_known(&cli, known)) {
        if (cli.word_count == 0 && word_count == 0) cli.words[cli.word_count++] = "list";
        const char *limit = cli_option(&cli, "limit");
        if (cli.word_count != word_count + 1) {
            exit_code = noun_usage(noun);
        } else if (request_make(&cli, &request)) {
            exit_code = list_run(&cli, &request, limit != NULL ? strtoull(limit, NULL, 10) : LIMIT_DEFAULT);
        } else {
            exit_code = cli.failed;
        }
        free(request.body);
    }
    cli_close(&cli);
    return exit_code;
}

int cli_api(int argc, char **argv)
{
    struct cli cli;
    struct cli_answer answer;
    int exit_code = CLI_USAGE;
    if (cli_open(&cli, argc, argv, "") && cli_options_known(&cli, "")) {
        const char *path = cli.word_count > 1 ? cli.words[1] : "";
        if (strncmp(path, "/api/v1/", 8) == 0) path += 7;
        if (cli.word_count < 2 || cli.word_count > 3 || path[0] != '/') {
            exit_code = cli_usage("api METHOD PATH [JSON]      api GET '/projects?limit=2'");
        } else {
            cli_ask(&cli, cli.words[0], path, cli.word_count == 3 ? cli.words[2] : NULL, cli.is_csv ? "text/csv" : NULL,
                    &answer);
            if (answer.status > 0) fwrite(answer.bytes.ptr, 1, answer.bytes.len, stdout);
            if (answer.bytes.len > 0 && answer.bytes.ptr[answer.bytes.len - 1] != '\n') fputc('\n', stdout);
            exit_code = cli_answer_check(&answer);
            cli_answer_deinit(&answer);
        }
    }
    cli_close(&cli);
    return exit_code;
}
