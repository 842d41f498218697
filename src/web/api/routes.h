/* routes.h -- every route there is, a line each: the router, the checks before a handler and the OpenAPI document are made
 * of it. To be read as a table; included where it becomes code.
 *
 * R(method, path, handler and operationId, tag, permission, query parameters, body, answer, status, flags, summary)
 *   path      {names} are "parameters" of schemas/NOUN.json with "in": "path"; {project} is found and checked before the handler
 *   handler   void api_HANDLER(struct api_call *call), in the file of its noun
 *   permission  of meta/access.h, without its PERMISSION_
 *   query     names of "parameters" with blanks between (one that is called otherwise in the query has a "name"); API_PAGED adds limit and cursor
 *   body, answer  names of "schemas"; "" none. With API_PAGED the answer is the schema of one item
 *   flags     api_route.h; 0 none */
/* clang-format off */
#define ROUTES(R) \
    R(GET, "/api/v1/health", health, "Server", PUBLIC, "", "", "Health", 200, API_OPEN, "Is the process alive") \
    R(GET, "/api/v1/version", version, "Server", PUBLIC, "", "", "Version", 200, API_OPEN, "Which version runs") \
    R(GET, "/api/v1/openapi.json", openapi, "Server", PUBLIC, "", "", "Document", 200, API_OPEN, "This document") \
    R(GET, "/api/v1/projects", project_list, "Projects", SIGNED_IN, "", "", "Project", 200, API_PAGED, "The projects that the caller may see, by name") \
    R(POST, "/api/v1/projects", project_create, "Projects", PROJECT_CREATE, "", "ProjectCreate", "Project", 201, API_ONCE, "Makes a project") \
    R(GET, "/api/v1/projects/{project}", project_get, "Projects", PROJECT_READ, "", "", "Project", 200, API_TAGGED, "One project, by name or id") \
    R(PATCH, "/api/v1/projects/{project}", project_change, "Projects", PROJECT_WRITE, "", "ProjectChange", "Project", 200, API_TAGGED, "Renames it; its id stays") \
    R(DELETE, "/api/v1/projects/{project}", project_delete, "Projects", PROJECT_DELETE, "", "", "", 204, API_TAGGED, "Takes it out of use: its keys open nothing, its rows stay in their files") \
    R(GET, "/api/v1/projects/{project}/retention", retention_get, "Projects", PROJECT_READ, "", "", "Retention", 200, API_TAGGED, "How long its tables keep their rows") \
    R(PUT, "/api/v1/projects/{project}/retention/{table}", retention_set, "Projects", PROJECT_WRITE, "", "RetentionSet", "TableRetention", 200, 0, "Sets it for one table") \
    R(DELETE, "/api/v1/projects/{project}/retention/{table}", retention_clear, "Projects", PROJECT_WRITE, "", "", "", 204, 0, "The server's --retention counts again") \
    R(GET, "/api/v1/projects/{project}/search", search, "Telemetry", QUERY, "q kind level service status trace_id from to", "", "SearchItem", 200, API_SLOW | API_PAGED | API_SHARED, "Logs and spans, newest first") \
    R(GET, "/api/v1/projects/{project}/services", service_list, "Roll-ups", QUERY, "from to", "", "Service", 200, API_PAGED, "Services seen in the range, by name") \
    R(GET, "/api/v1/projects/{project}/services/health", service_health, "Roll-ups", QUERY, "service step from to", "", "ServiceHealth", 200, 0, "How services do: requests, errors and durations of the range, of the range before it, and over time") \
    R(GET, "/api/v1/projects/{project}/endpoints", endpoint_list, "Roll-ups", QUERY, "service from to", "", "Endpoint", 200, API_PAGED, "Their endpoints, by service and route") \
    R(GET, "/api/v1/projects/{project}/edges", edge_list, "Roll-ups", QUERY, "service from to", "", "Edge", 200, API_PAGED, "Who calls whom, by source and target; service: those that have it at either end") \
    R(GET, "/api/v1/projects/{project}/attributes", attribute_list, "Roll-ups", QUERY, "place values from to", "", "Attribute", 200, API_PAGED, "Attributes with values that come often, by the whole day") \
    R(GET, "/api/v1/projects/{project}/metrics", metric_list, "Roll-ups", QUERY, "service from to", "", "MetricName", 200, API_PAGED, "Names of metrics seen in the range, and who sends them") \
    R(GET, "/api/v1/projects/{project}/counts", counts_get, "Roll-ups", QUERY, "service counted_kind endpoint step from to", "", "Counts", 200, 0, "Rows, errors and durations over time") \
    R(POST, "/api/v1/projects/{project}/metrics/query", metric_query, "Metrics", QUERY, "", "MetricQuery", "MetricAnswer", 200, API_SLOW | API_SHARED, "A metric over time: rates of counters, levels, quantiles of histograms") \
    R(POST, "/api/v1/projects/{project}/metrics/heatmap", metric_heatmap, "Metrics", QUERY, "", "MetricQuery", "MetricHeatmap", 200, API_SLOW | API_SHARED, "A histogram over time: how many values lay in each bucket") \
    R(POST, "/api/v1/projects/{project}/metrics/exemplars", metric_exemplars, "Metrics", QUERY, "", "MetricQuery", "MetricExemplars", 200, API_SLOW | API_SHARED, "Values of a metric of which a trace is known") \
    R(GET, "/api/v1/projects/{project}/patterns", pattern_list, "Roll-ups", QUERY, "q service pattern_level text sort new_since pattern_limit offset from to", "", "PatternList", 200, API_SLOW, "Log patterns: what lines say, how often, what is new and what has changed; with q of the lines that a search finds") \
    R(GET, "/api/v1/projects/{project}/issues", issue_list, "Issues", QUERY, "issue_text issue_state service category environment assignee issue_sort from to", "", "Issue", 200, API_PAGED, "Issues: errors that belong together, with how often and whom they met; those with an event in the range, the last 24 hours when it is not said") \
    R(GET, "/api/v1/projects/{project}/issues/facets", issue_facets, "Issues", QUERY, "issue_text issue_state service category environment assignee from to", "", "IssueFacets", 200, 0, "How many issues there are by state, service and category") \
    R(POST, "/api/v1/projects/{project}/issues/bulk", issue_change_bulk, "Issues", CONTENT_WRITE, "", "IssueBulkChange", "IssueBulkChanged", 200, 0, "Resolves, ignores, opens or assigns several issues: all of them, or none") \
    R(GET, "/api/v1/projects/{project}/issues/{issue}", issue_get, "Issues", QUERY, "environment from to", "", "IssueDetail", 200, API_SLOW | API_TAGGED, "One issue: its latest and first event with the stack, releases, environments, events over time") \
    R(PATCH, "/api/v1/projects/{project}/issues/{issue}", issue_change, "Issues", CONTENT_WRITE, "", "IssueChange", "Issue", 200, API_TAGGED, "Resolves, ignores, opens or assigns an issue") \
    R(GET, "/api/v1/projects/{project}/issues/{issue}/fingerprints", issue_fingerprint_list, "Issues", QUERY, "", "", "IssueFingerprint", 200, API_PAGED, "What is in the issue, and why: its fingerprints, those seen last first") \
    R(GET, "/api/v1/projects/{project}/issues/{issue}/activity", issue_activity_list, "Issues", QUERY, "", "", "IssueActivity", 200, API_PAGED, "What happened to the issue, by people and by itself, newest first") \
    R(GET, "/api/v1/projects/{project}/issues/{issue}/events", issue_event_list, "Issues", QUERY, "of_fingerprint environment from to", "", "IssueEvent", 200, API_SLOW | API_PAGED, "Rows that have the issue's errors, newest first; of all times when from is not said") \
    R(POST, "/api/v1/projects/{project}/issues/{issue}/merge", issue_merge, "Issues", CONTENT_WRITE, "", "IssueMerge", "IssueMoved", 200, API_ONCE, "Puts the issue into another one: its number leads there from now on") \
    R(POST, "/api/v1/projects/{project}/issues/{issue}/split", issue_split, "Issues", CONTENT_WRITE, "", "IssueSplit", "IssueMoved", 200, API_ONCE, "Takes some fingerprints out of the issue, into a new one or into another") \
    R(GET, "/api/v1/projects/{project}/findings", finding_list, "Findings", QUERY, "finding_open service from to", "", "Finding", 200, API_PAGED, "What detection found unusual, newest first") \
    R(GET, "/api/v1/projects/{project}/detection", detection_past, "Findings", QUERY, "service finding_learn_hours from to", "", "Detection", 200, API_SLOW, "What detection finds in a time that is over, computed anew and stored nowhere") \
    R(GET, "/api/v1/projects/{project}/findings/{finding}", finding_get, "Findings", QUERY, "", "", "Finding", 200, 0, "One finding, with the statement that shows it") \
    R(GET, "/api/v1/projects/{project}/incidents", incident_list, "Incidents", QUERY, "incident_state incident_severity service environment from to", "", "Incident", 200, API_PAGED, "Findings and alerts that belong together, newest first") \
    R(POST, "/api/v1/projects/{project}/incidents", incident_put, "Incidents", CONTENT_WRITE, "", "IncidentSignalPut", "Incident", 200, API_ONCE, "Says that something goes on, or that it is over: it becomes an incident or a part of one") \
    R(GET, "/api/v1/projects/{project}/incidents/{incident}", incident_get, "Incidents", QUERY, "", "", "IncidentDetail", 200, 0, "One incident: what it is made of, what happened, whom it was told to") \
    R(PATCH, "/api/v1/projects/{project}/incidents/{incident}", incident_change, "Incidents", CONTENT_WRITE, "", "IncidentChange", "Incident", 200, 0, "Acknowledges, resolves, reopens, mutes it, or adds a note") \
    R(GET, "/api/v1/projects/{project}/incident-settings", incident_settings_get, "Incidents", PROJECT_READ, "", "", "IncidentSettings", 200, 0, "How often people are reminded of an incident that nobody acknowledged") \
    R(PUT, "/api/v1/projects/{project}/incident-settings", incident_settings_set, "Incidents", PROJECT_WRITE, "", "IncidentSettings", "IncidentSettings", 200, 0, "Sets that") \
    R(GET, "/api/v1/projects/{project}/channels", channel_list, "Channels", CONTENT_WRITE, "", "", "Channel", 200, API_PAGED, "Where the project's people are told, oldest first") \
    R(POST, "/api/v1/projects/{project}/channels", channel_create, "Channels", PROJECT_WRITE, "", "ChannelCreate", "Channel", 201, API_ONCE, "Makes a channel; its secrets are written and never read") \
    R(GET, "/api/v1/projects/{project}/channels/{channel}", channel_get, "Channels", CONTENT_WRITE, "", "", "Channel", 200, API_TAGGED, "One channel") \
    R(PATCH, "/api/v1/projects/{project}/channels/{channel}", channel_change, "Channels", PROJECT_WRITE, "", "ChannelChange", "Channel", 200, API_TAGGED, "Changes it; with another address its secrets are gone, unless they are given anew") \
    R(DELETE, "/api/v1/projects/{project}/channels/{channel}", channel_delete, "Channels", PROJECT_WRITE, "", "", "", 204, API_TAGGED, "Deletes it, with what waits for it") \
    R(POST, "/api/v1/projects/{project}/channels/{channel}/test", channel_test, "Channels", PROJECT_WRITE, "", "", "DeliveryDetail", 200, API_SLOW, "Sends a message to it and waits at most 20 s for what comes of it") \
    R(GET, "/api/v1/projects/{project}/channels/{channel}/deliveries", delivery_list, "Channels", CONTENT_WRITE, "", "", "Delivery", 200, API_PAGED, "Its messages of the last 30 days, newest first") \
    R(GET, "/api/v1/projects/{project}/deliveries/{delivery}", delivery_get, "Channels", CONTENT_WRITE, "", "", "DeliveryDetail", 200, 0, "One message with what was tried") \
    R(POST, "/api/v1/projects/{project}/deliveries/{delivery}/retry", delivery_retry, "Channels", PROJECT_WRITE, "", "", "DeliveryDetail", 200, 0, "Tries one that failed again") \
    R(GET, "/api/v1/projects/{project}/errors/{fingerprint}", error_get, "Issues", QUERY, "", "", "IssueFingerprint", 200, 0, "One error by its fingerprint: in which issue it is, and why") \
    R(GET, "/api/v1/projects/{project}/error-rules", error_rules_get, "Issues", PROJECT_READ, "", "", "ErrorRules", 200, API_TAGGED, "The project's own rules of what is one error") \
    R(PUT, "/api/v1/projects/{project}/error-rules", error_rules_set, "Issues", PROJECT_WRITE, "", "ErrorRulesSet", "ErrorRules", 200, API_TAGGED, "Sets them, for what is received from 5 s on") \
    R(POST, "/api/v1/projects/{project}/error-rules/try", error_rules_try, "Issues", QUERY, "", "ErrorRulesTry", "ErrorRulesTried", 200, 0, "Shows the fingerprint of an event and why, under given rules or the project's; nothing is kept") \
    R(POST, "/api/v1/projects/{project}/search/translate", search_translate, "Telemetry", QUERY, "", "SearchText", "SearchCondition", 200, API_SHARED, "What a search means, as a condition of SQL") \
    R(POST, "/api/v1/projects/{project}/patterns/search", pattern_search, "Roll-ups", QUERY, "", "PatternSearch", "PatternList", 200, API_SLOW | API_SHARED, "The same, of the lines that a condition of SQL finds") \
    R(GET, "/api/v1/projects/{project}/tail", tail, "Telemetry", QUERY, "q env cols last_event_id seconds", "", "TailRows", 200, API_STREAM | API_LIVE, "Logs and spans as they come: server-sent events, until the client goes") \
    R(POST, "/api/v1/projects/{project}/difference", difference, "Telemetry", QUERY, "", "DifferenceAsk", "Difference", 200, API_SLOW | API_SHARED, "What sets some rows apart from the rest: attributes and values, ranked") \
    R(POST, "/api/v1/projects/{project}/ask", ask, "Ask", QUERY, "", "Ask", "AskAnswer", 200, API_SLOW, "Asks in plain English, or by a plan that was answered and corrected") \
    R(POST, "/api/v1/projects/{project}/ask/feedback", ask_feedback, "Ask", QUERY, "", "AskFeedback", "", 204, 0, "Was that answer good? Kept for review") \
    R(GET, "/api/v1/projects/{project}/ask/feedback", ask_feedback_list, "Ask", QUERY, "", "", "AskFeedbackItem", 200, API_PAGED, "What people thought of answers, newest first") \
    R(POST, "/api/v1/projects/{project}/query", query_run, "Telemetry", QUERY, "", "Query", "QueryAnswer", 200, API_SLOW | API_STREAM | API_SHARED, "Asks by SQL") \
    R(GET, "/api/v1/projects/{project}/query", query_file, "Telemetry", QUERY, "sql format file", "", "QueryAnswer", 200, API_SLOW | API_STREAM | API_SHARED, "The same as a file to keep, all its rows; changes nothing") \
    R(POST, "/api/v1/sessions", session_create, "Sessions", PUBLIC, "", "SessionCreate", "SessionCreated", 201, API_OPEN | API_SLOW | API_SECRET, "Signs in: the token goes into authorization: Bearer TOKEN") \
    R(GET, "/api/v1/sessions", session_list, "Sessions", SELF, "", "", "SessionList", 200, 0, "Where the caller is signed in, newest first") \
    R(DELETE, "/api/v1/sessions/this", session_end_this, "Sessions", PASSWORD, "", "", "", 204, 0, "Signs out") \
    R(DELETE, "/api/v1/sessions/{session}", session_end, "Sessions", SELF, "", "", "", 204, 0, "Ends one of the caller's sessions") \
    R(GET, "/api/v1/users/me", user_me, "Users", SIGNED_IN, "", "", "Me", 200, 0, "Who the caller is") \
    R(PUT, "/api/v1/users/me/password", password_change, "Users", PASSWORD, "", "PasswordChange", "", 204, API_SLOW, "Changes the caller's password and ends its other sessions") \
    R(GET, "/api/v1/users", user_list, "Users", USER_MANAGE, "", "", "User", 200, API_PAGED, "All users, by e-mail") \
    R(POST, "/api/v1/users", user_create, "Users", USER_MANAGE, "", "UserCreate", "UserCreated", 201, API_SLOW | API_ONCE | API_SECRET, "Makes a user, with a password for one sign-in") \
    R(GET, "/api/v1/users/{user}", user_get, "Users", USER_MANAGE, "", "", "User", 200, 0, "One user") \
    R(PATCH, "/api/v1/users/{user}", user_change, "Users", USER_MANAGE, "", "UserChange", "User", 200, 0, "Changes, disables or enables a user") \
    R(DELETE, "/api/v1/users/{user}", user_delete, "Users", USER_MANAGE, "", "", "", 204, 0, "Deletes a user; the audit log keeps what it did") \
    R(POST, "/api/v1/users/{user}/reset-password", user_reset_password, "Users", USER_MANAGE, "", "", "PasswordOnce", 200, API_SLOW | API_SECRET, "A new password for one sign-in; ends all sessions of the user") \
    R(DELETE, "/api/v1/users/{user}/sessions", user_sessions_end, "Users", USER_MANAGE, "", "", "", 204, 0, "Ends all sessions of a user") \
    R(GET, "/api/v1/teams", team_list, "Teams", TEAM_READ, "", "", "Team", 200, API_PAGED, "All teams, by name") \
    R(POST, "/api/v1/teams", team_create, "Teams", TEAM_MANAGE, "", "TeamName", "Team", 201, API_ONCE, "Makes a team") \
    R(GET, "/api/v1/teams/{team}", team_get, "Teams", TEAM_READ, "", "", "Team", 200, 0, "One team") \
    R(PATCH, "/api/v1/teams/{team}", team_change, "Teams", TEAM_MANAGE, "", "TeamName", "Team", 200, 0, "Renames a team") \
    R(DELETE, "/api/v1/teams/{team}", team_delete, "Teams", TEAM_MANAGE, "", "", "", 204, 0, "Deletes a team, and the roles it gave") \
    R(GET, "/api/v1/teams/{team}/members", team_member_list, "Teams", TEAM_READ, "", "", "TeamMember", 200, API_PAGED, "Its users, by e-mail") \
    R(PUT, "/api/v1/teams/{team}/members/{user}", team_member_add, "Teams", TEAM_MANAGE, "", "", "", 204, 0, "Adds a user") \
    R(DELETE, "/api/v1/teams/{team}/members/{user}", team_member_remove, "Teams", TEAM_MANAGE, "", "", "", 204, 0, "Takes a user out") \
    R(GET, "/api/v1/projects/{project}/members", member_list, "Members", MEMBER_READ, "", "", "Member", 200, API_PAGED, "Users and teams with a role in the project, by name") \
    R(PUT, "/api/v1/projects/{project}/members/{member}", member_set, "Members", MEMBER_WRITE, "", "MemberSet", "Member", 200, 0, "Gives a user or a team a role, at most the caller's own") \
    R(DELETE, "/api/v1/projects/{project}/members/{member}", member_remove, "Members", MEMBER_WRITE, "", "", "", 204, 0, "Takes the role away") \
    R(GET, "/api/v1/projects/{project}/audit", audit_list_project, "Audit", AUDIT_READ, "action actor object from to", "", "AuditRow", 200, API_PAGED, "What was changed in the project, newest first") \
    R(GET, "/api/v1/projects/{project}/statements", statement_list, "Audit", AUDIT_READ, "statement_actor operation failed slower_ms from to", "", "StatementRow", 200, API_PAGED, "What was asked of the project by SQL, by whom, and what it took, newest first") \
    R(GET, "/api/v1/audit", audit_list, "Audit", AUDIT_READ_ALL, "action actor object from to", "", "AuditRow", 200, API_PAGED, "Every change and every sign-in, newest first") \
    R(GET, "/api/v1/projects/{project}/keys", key_list, "Keys", KEY_READ, "", "", "Key", 200, API_PAGED, "Its API keys that are not revoked, oldest first") \
    R(POST, "/api/v1/projects/{project}/keys", key_create, "Keys", KEY_WRITE, "", "KeyCreate", "KeyCreated", 201, API_ONCE | API_SECRET, "Makes a key: secret is shown this once") \
    R(GET, "/api/v1/projects/{project}/keys/{key}", key_get, "Keys", KEY_READ, "", "", "Key", 200, 0, "One of them") \
    R(DELETE, "/api/v1/projects/{project}/keys/{key}", key_revoke, "Keys", KEY_WRITE, "", "", "", 204, 0, "Revokes it: within a second it opens nothing on any process") \
    R(PUT, "/api/v1/projects/{project}/keys/{key}/limits/{limit_name}", key_limit_set, "Limits", KEY_WRITE, "", "LimitSet", "Limit", 200, 0, "Limits one key, beside its project") \
    R(DELETE, "/api/v1/projects/{project}/keys/{key}/limits/{limit_name}", key_limit_clear, "Limits", KEY_WRITE, "", "", "", 204, 0, "Of its own the key has no such limit any more") \
    R(GET, "/api/v1/projects/{project}/limits", limit_list, "Limits", LIMIT_READ, "", "", "LimitList", 200, 0, "What the project may send and ask, and what it has used of that") \
    R(PUT, "/api/v1/projects/{project}/limits/{limit_name}", limit_set, "Limits", LIMIT_WRITE, "", "LimitSet", "Limit", 200, 0, "Sets one of them") \
    R(DELETE, "/api/v1/projects/{project}/limits/{limit_name}", limit_clear, "Limits", LIMIT_WRITE, "", "", "", 204, 0, "The default of the settings counts again") \
    R(GET, "/api/v1/projects/{project}/usage", usage_get, "Limits", PROJECT_READ, "from to", "", "Usage", 200, 0, "What was sent and asked, by day and by key") \
    R(GET, "/api/v1/projects/{project}/intake", intake_get, "Limits", PROJECT_READ, "from to", "", "Intake", 200, API_SLOW, "What comes in, by key: taken, sent twice, left out, refused and why, how late, by what sender") \
    R(GET, "/api/v1/projects/{project}/redaction-rules", redaction_list, "Redaction", REDACTION_READ, "", "", "RedactionRule", 200, API_PAGED, "Its redaction rules, in their order") \
    R(POST, "/api/v1/projects/{project}/redaction-rules", redaction_create, "Redaction", REDACTION_WRITE, "", "RedactionRuleCreate", "RedactionRule", 201, API_ONCE, "Adds a rule, as the last") \
    R(GET, "/api/v1/projects/{project}/redaction-rules/{rule}", redaction_get, "Redaction", REDACTION_READ, "", "", "RedactionRule", 200, 0, "One of them") \
    R(PATCH, "/api/v1/projects/{project}/redaction-rules/{rule}", redaction_change, "Redaction", REDACTION_WRITE, "", "RedactionRuleChange", "RedactionRule", 200, 0, "Changes a rule") \
    R(DELETE, "/api/v1/projects/{project}/redaction-rules/{rule}", redaction_delete, "Redaction", REDACTION_WRITE, "", "", "", 204, 0, "Deletes a rule") \
    R(POST, "/api/v1/projects/{project}/redaction-rules/try", redaction_try, "Redaction", REDACTION_READ, "", "RedactionTry", "RedactionTried", 200, 0, "Shows what rules make of a text and attributes; nothing is kept") \
    R(GET, "/api/v1/projects/{project}/llm", llm_get, "Language models", PROJECT_WRITE, "", "", "Llm", 200, 0, "Which language model the project uses, its budget and what is used of it") \
    R(PUT, "/api/v1/projects/{project}/llm", llm_set, "Language models", PROJECT_WRITE, "", "LlmSet", "Llm", 200, 0, "Sets all of it; the key is written and never read") \
    R(DELETE, "/api/v1/projects/{project}/llm", llm_clear, "Language models", PROJECT_WRITE, "", "", "", 204, 0, "The server's settings count again; the project's key is gone") \
    R(POST, "/api/v1/projects/{project}/llm/test", llm_test, "Language models", PROJECT_WRITE, "", "", "LlmTested", 200, API_SLOW, "Asks the model for one word") \
    R(GET, "/api/v1/projects/{project}/llm/usage", llm_usage, "Language models", PROJECT_READ, "from to", "", "LlmUsage", 200, 0, "What was asked and what it cost, by day and purpose") \
    R(GET, "/api/v1/projects/{project}/llm/audit", llm_audit, "Language models", AUDIT_READ, "purpose failed", "", "LlmAuditRow", 200, API_PAGED, "What models were sent and what they answered, without secrets, newest first") \
    R(GET, "/api/v1/projects/{project}/source-maps", source_map_list, "Source maps", PROJECT_READ, "release script", "", "SourceMap", 200, API_PAGED, "Its source maps, the latest first") \
    R(POST, "/api/v1/projects/{project}/source-maps", source_map_upload, "Source maps", CONTENT_WRITE, "release script", "", "SourceMap", 201, API_SLOW, "Takes a source map, which is the body as it stands: up to 64 MiB. It replaces what the same script of the release had") \
    R(DELETE, "/api/v1/projects/{project}/source-maps/{map}", source_map_delete, "Source maps", CONTENT_WRITE, "", "", "", 204, 0, "Deletes one: stacks that come from then on stay as they are sent") \
    R(GET, "/api/v1/projects/{project}/replays", replay_list, "Replays", QUERY, "replay_session replay_user service environment page_url has_errors has_rage_clicks has_failed_requests min_seconds from to", "", "Replay", 200, API_PAGED, "Sessions that were recorded, the latest first; the last 24 hours when it is not said") \
    R(DELETE, "/api/v1/projects/{project}/replays", replay_delete_user, "Replays", CONTENT_WRITE, "replay_user", "", "ReplaysDeleted", 200, API_SLOW, "Deletes all recordings of a user, a thousand at a time") \
    R(GET, "/api/v1/projects/{project}/replays/{replay}", replay_get, "Replays", QUERY, "", "", "ReplayDetail", 200, 0, "One session: its segments, and what of its recordings has come") \
    R(GET, "/api/v1/projects/{project}/replays/{replay}/segments/{segment}", replay_segment, "Replays", QUERY, "", "", "ReplaySegment", 200, API_SLOW | API_STREAM, "The events of a segment") \
    R(DELETE, "/api/v1/projects/{project}/replays/{replay}", replay_delete, "Replays", CONTENT_WRITE, "", "", "", 204, API_SLOW, "Deletes a recording: its objects and what is known of it") \
    R(GET, "/api/v1/projects/{project}/replay-settings", replay_settings_get, "Replays", PROJECT_READ, "", "", "ReplaySettings", 200, 0, "Who sees recordings with the texts that pages left unmasked") \
    R(PUT, "/api/v1/projects/{project}/replay-settings", replay_settings_set, "Replays", REDACTION_WRITE, "", "ReplaySettings", "ReplaySettings", 200, 0, "Sets it") \
    R(GET, "/api/v1/projects/{project}/agents", agent_list, "Agents", PROJECT_READ, "", "", "Agent", 200, API_PAGED, "Agents of the project, by name: what looks at it at set times, and when it is due next") \
    R(POST, "/api/v1/projects/{project}/agents", agent_create, "Agents", CONTENT_WRITE, "", "AgentSet", "Agent", 201, API_ONCE, "Makes an agent") \
    R(GET, "/api/v1/projects/{project}/agents/{agent}", agent_get, "Agents", PROJECT_READ, "", "", "Agent", 200, API_TAGGED, "One of them") \
    R(PUT, "/api/v1/projects/{project}/agents/{agent}", agent_set, "Agents", CONTENT_WRITE, "", "AgentSet", "Agent", 200, API_TAGGED, "Replaces what it is") \
    R(PATCH, "/api/v1/projects/{project}/agents/{agent}", agent_change, "Agents", CONTENT_WRITE, "", "AgentChange", "Agent", 200, API_TAGGED, "Pauses it, or lets it go on") \
    R(DELETE, "/api/v1/projects/{project}/agents/{agent}", agent_delete, "Agents", CONTENT_WRITE, "", "", "", 204, API_TAGGED, "Deletes it with its runs; its reports stay") \
    R(POST, "/api/v1/projects/{project}/agents/{agent}/run", agent_run, "Agents", CONTENT_WRITE, "", "", "Agent", 202, 0, "Runs it as soon as may be, paused or not") \
    R(GET, "/api/v1/projects/{project}/agents/{agent}/runs", agent_run_list, "Agents", PROJECT_READ, "", "", "AgentRun", 200, API_PAGED, "Its runs, newest first: what they cost, how they ended") \
    R(GET, "/api/v1/projects/{project}/agent-runs/{agent_run}", agent_run_get, "Agents", PROJECT_READ, "", "", "AgentRunDetail", 200, 0, "One run, with its log") \
    R(GET, "/api/v1/projects/{project}/reports", report_list, "Agents", PROJECT_READ, "of_agent", "", "AgentReport", 200, API_PAGED, "What agents found, newest first") \
    R(GET, "/api/v1/projects/{project}/reports/{report}", report_get, "Agents", PROJECT_READ, "", "", "AgentReportDetail", 200, 0, "One report, with its evidence") \
    R(GET, "/api/v1/projects/{project}/views", view_list, "Saved views", PROJECT_READ, "", "", "SavedView", 200, API_PAGED, "Views that the caller saved or the project shares, by name") \
    R(POST, "/api/v1/projects/{project}/views", view_create, "Saved views", VIEW_SAVE, "", "SavedViewCreate", "SavedView", 201, API_ONCE, "Saves a view; sharing it takes CONTENT_WRITE") \
    R(GET, "/api/v1/projects/{project}/views/{view}", view_get, "Saved views", PROJECT_READ, "", "", "SavedView", 200, API_TAGGED, "One of them") \
    R(PATCH, "/api/v1/projects/{project}/views/{view}", view_change, "Saved views", VIEW_SAVE, "", "SavedViewChange", "SavedView", 200, API_TAGGED, "Changes it: its owner or an admin of the project") \
    R(DELETE, "/api/v1/projects/{project}/views/{view}", view_delete, "Saved views", VIEW_SAVE, "", "", "", 204, API_TAGGED, "Deletes it: its owner or an admin of the project") \
    R(GET, "/api/v1/projects/{project}/ready-monitors", monitor_ready_list, "Monitors", PROJECT_READ, "monitor_service", "", "ReadyMonitors", 200, 0, "Monitors to begin with, of one service or of each, as POST /projects/{project}/monitors takes them") \
    R(GET, "/api/v1/projects/{project}/monitors", monitor_list, "Monitors", PROJECT_READ, "", "", "MonitorItem", 200, API_PAGED, "The project's monitors and what they are in, by slug") \
    R(POST, "/api/v1/projects/{project}/monitors", monitor_create, "Monitors", CONTENT_WRITE, "", "MonitorSet", "Monitor", 201, API_ONCE | API_SLOW | API_YAML, "Makes a monitor") \
    R(POST, "/api/v1/projects/{project}/monitor-dry-run", monitor_dry_run, "Monitors", QUERY, "", "MonitorDryRun", "MonitorDry", 200, API_SLOW, "What a monitor would have told in a range of the past, by the code that evaluates it; at most 1,500 moments and 20 s") \
    R(GET, "/api/v1/projects/{project}/monitors/{monitor}", monitor_get, "Monitors", PROJECT_READ, "dashboard_format", "", "Monitor", 200, API_TAGGED | API_YAML, "One of them; as YAML without what the server adds, to be kept in a file") \
    R(PUT, "/api/v1/projects/{project}/monitors/{monitor}", monitor_set, "Monitors", CONTENT_WRITE, "", "MonitorSet", "Monitor", 200, API_TAGGED | API_SLOW | API_YAML, "Replaces what it is, or makes it where there is none of that slug. With another question or condition its groups begin anew") \
    R(DELETE, "/api/v1/projects/{project}/monitors/{monitor}", monitor_delete, "Monitors", CONTENT_WRITE, "", "", "", 204, API_TAGGED, "Deletes it; what it told ends") \
    R(POST, "/api/v1/projects/{project}/monitors/{monitor}/mute", monitor_mute, "Monitors", CONTENT_WRITE, "", "MonitorMute", "MonitorState", 200, API_ONCE, "Nobody is told until then; null: from now on again") \
    R(GET, "/api/v1/projects/{project}/monitors/{monitor}/state", monitor_state, "Monitors", PROJECT_READ, "", "", "MonitorState", 200, 0, "What each of its groups is in, since when") \
    R(GET, "/api/v1/projects/{project}/monitors/{monitor}/events", monitor_event_list, "Monitors", PROJECT_READ, "", "", "MonitorEvent", 200, API_PAGED, "Each change of a level, newest first; kept for 90 days") \
    R(GET, "/api/v1/projects/{project}/monitors/{monitor}/versions", monitor_version_list, "Monitors", PROJECT_READ, "", "", "MonitorVersion", 200, API_PAGED, "What it was, newest first: the newest 50") \
    R(GET, "/api/v1/ready-dashboards", dashboard_ready_list, "Dashboards", SIGNED_IN, "", "", "ReadyDashboards", 200, 0, "Dashboards to begin with, as POST /projects/{project}/dashboards takes them") \
    R(GET, "/api/v1/projects/{project}/dashboards", dashboard_list, "Dashboards", PROJECT_READ, "", "", "DashboardItem", 200, API_PAGED, "The project's dashboards, by title") \
    R(POST, "/api/v1/projects/{project}/dashboards", dashboard_create, "Dashboards", CONTENT_WRITE, "", "DashboardCreate", "Dashboard", 201, API_ONCE | API_SLOW | API_YAML, "Makes a dashboard, empty or with its panels") \
    R(GET, "/api/v1/projects/{project}/dashboards/{dashboard}", dashboard_get, "Dashboards", PROJECT_READ, "dashboard_format", "", "Dashboard", 200, API_TAGGED | API_YAML, "One of them, whole; as YAML without what the server adds, to be kept in a file") \
    R(PUT, "/api/v1/projects/{project}/dashboards/{dashboard}", dashboard_set, "Dashboards", CONTENT_WRITE, "", "DashboardSet", "Dashboard", 200, API_TAGGED | API_SLOW | API_YAML, "Replaces what it is, or makes it where there is none of that slug; what it was stays as a version") \
    R(DELETE, "/api/v1/projects/{project}/dashboards/{dashboard}", dashboard_delete, "Dashboards", CONTENT_WRITE, "", "", "", 204, API_TAGGED, "Deletes it with all its versions") \
    R(POST, "/api/v1/projects/{project}/dashboards/{dashboard}/panels", dashboard_panel_add, "Dashboards", CONTENT_WRITE, "", "DashboardPanelAdd", "Dashboard", 200, API_ONCE | API_SLOW, "Adds one panel, where there is room when it does not say its place") \
    R(GET, "/api/v1/projects/{project}/dashboards/{dashboard}/versions", dashboard_version_list, "Dashboards", PROJECT_READ, "", "", "DashboardVersion", 200, API_PAGED, "What it was: who changed it when, newest first") \
    R(POST, "/api/v1/projects/{project}/dashboards/{dashboard}/restore", dashboard_restore, "Dashboards", CONTENT_WRITE, "", "DashboardRestore", "Dashboard", 200, API_ONCE, "Makes it what a version of it was, as a new version") \
    R(GET, "/api/v1/projects/{project}/shares", share_list, "Sharing", CONTENT_WRITE, "", "", "Share", 200, API_PAGED, "Links that have not expired, oldest first") \
    R(POST, "/api/v1/projects/{project}/shares", share_create, "Sharing", CONTENT_WRITE, "", "ShareCreate", "ShareCreated", 201, API_SECRET, "Makes a link that opens one range of time, read-only, without an account: shown this once") \
    R(DELETE, "/api/v1/projects/{project}/shares/{share}", share_revoke, "Sharing", CONTENT_WRITE, "", "", "", 204, 0, "Revokes it: who made it or an admin of the project; the next request with it is refused") \
    R(GET, "/api/v1/projects/{project}/sharing", sharing_get, "Sharing", PROJECT_READ, "", "", "Sharing", 200, 0, "May links be made and opened in the project") \
    R(PUT, "/api/v1/projects/{project}/sharing", sharing_set, "Sharing", PROJECT_WRITE, "", "SharingSet", "Sharing", 200, 0, "Switches them off and on; off, links that are there open nothing") \
    R(POST, "/api/v1/mcp", mcp, "Agents", SIGNED_IN, "", "McpMessage", "McpAnswer", 200, API_SLOW, "The Model Context Protocol: tools for agents, read-only") \
    R(GET, "/s/{share_token}", page_share, "Pages", PUBLIC, "", "", "", 303, API_OPEN | API_PAGE, "Opens a link") \
    R(GET, "/acknowledge", page_acknowledge, "Pages", PUBLIC, "", "", "", 200, API_OPEN | API_PAGE, "From a message: asks whether an incident is to be acknowledged") \
    R(POST, "/acknowledge", page_acknowledge_do, "Pages", PUBLIC, "", "", "", 200, API_OPEN | API_PAGE, "Its form") \
    R(POST, "/inbound/{project_id}/{channel}", channel_inbound, "Pages", PUBLIC, "", "", "", 200, API_OPEN | API_PAGE, "What Slack and PagerDuty send back, signed by the channel's secret") \
    R(GET, "/sign-in", page_sign_in, "Pages", PUBLIC, "", "", "", 200, API_OPEN | API_PAGE, "The page to sign in") \
    R(POST, "/sign-in", page_sign_in_try, "Pages", PUBLIC, "", "", "", 303, API_OPEN | API_PAGE | API_SLOW, "Its form") \
    R(GET, "/sign-in/style.css", page_style, "Pages", PUBLIC, "", "", "", 200, API_OPEN | API_PAGE, "The style sheet of the pages") \
    R(GET, "/sign-in/oidc", page_oidc_begin, "Pages", PUBLIC, "", "", "", 303, API_OPEN | API_PAGE | API_SLOW, "On to the identity provider") \
    R(GET, "/sign-in/oidc/callback", page_oidc_end, "Pages", PUBLIC, "", "", "", 303, API_OPEN | API_PAGE | API_SLOW, "Back from it") \
    R(POST, "/sign-out", page_sign_out, "Pages", PUBLIC, "", "", "", 303, API_OPEN | API_PAGE, "Ends the session") \
    R(GET, "/account", page_account, "Pages", PUBLIC, "", "", "", 200, API_OPEN | API_PAGE, "Who one is, and where signed in") \
    R(POST, "/account/password", page_password, "Pages", PUBLIC, "", "", "", 303, API_OPEN | API_PAGE | API_SLOW, "Its form: another password") \
    R(POST, "/account/sessions/{session}/revoke", page_session_revoke, "Pages", PUBLIC, "", "", "", 303, API_OPEN | API_PAGE, "Its form: ends a session")
