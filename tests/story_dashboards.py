# time_limit_s: 120, tries: 2
"""Dashboards by the REST API: made, changed, added to, restored, deleted; what is not right is refused where it is not right; nobody
writes over what another has changed; a change is in the audit log; one of another project is not there."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import first_admin, user_with_role
from monoscope import BINARY, STORY_DIR, Server, check, wait_until

PATH = "/projects/shop/dashboards"
PANEL = {"title": "Rows", "kind": "bars", "source": {"search": "q=service:$service&by=level"}}
COUNT = {"title": "All", "kind": "stat", "source": {"sql": "SELECT count(*) FROM otel_logs_and_spans WHERE timestamp >= $from AND timestamp < $to"}}
PLAN = {"of": "errors", "filters": [{"field": "service", "test": "is", "values": ["web"]}], "measures": [{"kind": "count"}], "groups": [],
        "step": "1h", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "order": "largest", "limit": 10, "display": "chart", "zone": "UTC"}
WHOLE = {
    "slug": "web", "title": "Web", "description": "What the shop's front does", "from": "now-6h",
    "variables": [{"name": "service", "label": "Service", "field": "service.name", "default": "web"}, {"name": "tier", "values": ["a", "b"]}],
    "panels": [dict(PANEL, id="rows", at={"x": 0, "y": 0, "w": 12, "h": 6}), COUNT,
               {"title": "Asked", "kind": "lines", "source": {"ask": PLAN}},
               {"title": "Read me", "kind": "markdown", "source": {"markdown": "# Hello\n\n*all* of it"}},
               {"title": "Latency", "kind": "lines", "source": {"metric": {"name": "http.server.request.duration", "aggregate": "quantile", "quantile": 0.95, "by": ["service.name"]}}}]}


def made(editor):
    """What is made is what is read; what was not said is filled in."""
    is_made = editor.done("POST", PATH, WHOLE)
    check(is_made["version"] == 1 and is_made["author"] == "editor@example.com", "it has a first version and an author: %s" % is_made)
    read = editor.done("GET", PATH + "/web")
    check(read == is_made, "what was answered is what is read")
    for name in ("title", "description", "from", "variables"):
        check(read[name] == WHOLE[name], "%s is as it was said: %s" % (name, read[name]))
    for panel, wanted in zip(read["panels"], WHOLE["panels"]):
        check({name: panel[name] for name in wanted} == wanted, "a panel is as it was said: %s" % panel)
    ids = [panel["id"] for panel in read["panels"]]
    check(len(set(ids)) == 5 and ids[0] == "rows", "each has an id: %s" % ids)
    boxes = [panel["at"] for panel in read["panels"]]
    cells = [(x, y) for box in boxes for x in range(box["x"], box["x"] + box["w"]) for y in range(box["y"], box["y"] + box["h"])]
    check(len(cells) == len(set(cells)) and max(x for x, _ in cells) < 12, "each has a place of its own: %s" % boxes)
    listed = editor.done("GET", PATH)["items"]
    check([(one["slug"], one["panel_count"]) for one in listed] == [("web", 5)], "it is listed: %s" % listed)
    check(editor.done("POST", PATH, {"title": "Web"})["slug"] == "web-2", "another of its title has another slug")
    status, answer, _ = editor.ask("POST", PATH, {"title": "Web", "slug": "web"})
    check(status == 409, "a slug is taken once: %s %s" % (status, answer))


def refused(editor):
    """What is wrong, where, and in a statement at which character."""
    def panel(**more):
        return {"title": "x", "panels": [dict(COUNT), dict(COUNT, **more)]}

    def sql(text):
        return panel(source={"sql": text})
    variable = {"name": "service", "field": "service.name"}
    cases = [
        ({"title": ""}, "/title", None),
        ({"title": "x", "slug": "A"}, "/slug", None),
        ({"title": "x", "colour": 1}, "/colour", None),
        ({"title": "x", "from": "yesterday"}, "/from", None),
        ({"title": "x", "variables": [dict(variable, name="from")]}, "/variables/0/name", None),
        ({"title": "x", "variables": [variable, variable]}, "/variables/1/name", None),
        ({"title": "x", "variables": [dict(variable, values=["a"])]}, "/variables/0", None),
        ({"title": "x", "variables": [{"name": "aa", "values": ["a"], "default": "b"}]}, "/variables/0/default", None),
        (panel(kind="pie"), "/panels/1/kind", None),
        (panel(kind="markdown"), "/panels/1/kind", None),
        (panel(at={"x": 8, "y": 0, "w": 5, "h": 1}), "/panels/1/at", None),
        (panel(at={"x": 0, "y": 0, "w": 13, "h": 1}), "/panels/1/at/w", None),
        (panel(source={}), "/panels/1/source", None),
        (panel(source={"sql": "SELECT 1", "search": ""}), "/panels/1/source", None),
        (panel(kind="rows", source={"metric": {"name": "a", "aggregate": "sum"}}), "/panels/1/kind", None),
        (panel(kind="heat", source={"ask": PLAN}), "/panels/1/kind", None),
        (panel(source={"search": "q=%zz"}), "/panels/1/source/search", None),
        (panel(source={"search": "q=level:(error"}), "/panels/1/source/search", None),
        ({"title": "x", "panels": [dict(COUNT, id="a"), dict(COUNT, id="a")]}, "/panels/1/id", None),
        ({"title": "x", "panels": [COUNT] * 61}, "/panels", None),
        (sql("SELECT nothing FROM otel_logs_and_spans"), "/panels/1/source/sql", 8),
        (sql("SELECT 1 FROM\n  pg_authid"), "/panels/1/source/sql", 17),
        (sql("SELECT $from, nothing FROM otel_logs_and_spans"), "/panels/1/source/sql", 15),
        (sql("SELECT $unknown"), "/panels/1/source/sql", 8),
        (sql("SELECT 1; SELECT 2"), "/panels/1/source/sql", None),
        (sql("DELETE FROM otel_logs_and_spans WHERE true"), "/panels/1/source/sql", None),
        (sql("SET statement_timeout = 0"), "/panels/1/source/sql", None),
        (sql("SELECT read_text('/etc/passwd')"), "/panels/1/source/sql", 8),
    ]
    for body, pointer, position in cases:
        status, answer, _ = editor.ask("POST", PATH, body)
        told = (answer.get("pointer"), answer.get("position"))
        check(status == 400 and told == (pointer, position), "%s is refused at %s %s: %s %s" % (body, pointer, position, status, answer))
    good = ["SELECT time_bucket($step, timestamp) AS t, count(*) FROM otel_logs_and_spans WHERE timestamp >= $from AND timestamp < $to GROUP BY 1",
            "SELECT count(*) FROM otel_logs_and_spans WHERE $service IS NULL OR resource___service___name = $service",
            "WITH a AS (SELECT 1 AS one) SELECT one FROM a", "SELECT '$nobody' -- $nobody"]
    for text in good:
        editor.done("PUT", PATH + "/good", {"title": "Good", "variables": [variable], "panels": [dict(COUNT, source={"sql": text})]})
    check([one["slug"] for one in editor.done("GET", PATH)["items"]] == ["good", "web", "web-2"], "what was refused is not there")
    editor.done("DELETE", PATH + "/good")


def changed(editor, viewer):
    """By who has read the latest of it alone; what it was can be had again."""
    _, first, headers = viewer.ask("GET", PATH + "/web")
    body = {name: first[name] for name in ("title", "description", "from", "variables", "panels")}
    tag = {"if-match": headers["etag"]}
    status, second, headers = editor.ask("PUT", PATH + "/web", dict(body, title="Web, second"), headers=tag)
    check(status == 200 and second["version"] == 2 and second["slug"] == "web", "it is changed: %s %s" % (status, second))
    check(headers["etag"] != tag["if-match"], "and has another tag")
    for method, more in (("PUT", body), ("DELETE", None)):
        status, answer, _ = editor.ask(method, PATH + "/web", more, headers=tag)
        check(status == 412, "%s of what was read before is refused: %s %s" % (method, status, answer))
    status, answer, _ = editor.ask("PUT", PATH + "/none", body, headers=tag)
    check(status == 412 and editor.ask("GET", PATH + "/none")[0] == 404, "what is gone is not made again: %s %s" % (status, answer))
    added = editor.done("POST", PATH + "/web/panels", {"panel": PANEL})
    check(added["version"] == 3 and added["panels"][:-1] == second["panels"] and added["panels"][-1]["source"] == PANEL["source"], "a panel is added: %s" % added)
    status, answer, _ = editor.ask("POST", PATH + "/web/panels", {"panel": dict(COUNT, source={"sql": "SELECT nothing"})})
    check((status, answer.get("pointer"), answer.get("position")) == (400, "/panel/source/sql", 8), "one that is wrong is not: %s %s" % (status, answer))
    status, answer, _ = editor.ask("POST", PATH + "/web/panels", {"panel": dict(PANEL, id="rows")})
    check((status, answer.get("pointer")) == (400, "/panel/id"), "nor one whose id is taken: %s %s" % (status, answer))
    restored = editor.done("POST", PATH + "/web/restore", {"version": 1})
    check(restored["version"] == 4 and {name: restored[name] for name in body} == body, "the first version is restored: %s" % restored)
    check(editor.ask("POST", PATH + "/web/restore", {"version": 9})[0] == 404, "one that never was cannot be")
    versions = viewer.done("GET", PATH + "/web/versions")["items"]
    check([(one["version"], one["panel_count"], one["restored_version"]) for one in versions] == [(4, 5, 1), (3, 6, None), (2, 5, None), (1, 5, None)],
          "its versions, newest first: %s" % versions)
    page = viewer.done("GET", PATH + "/web/versions?limit=3")
    rest = viewer.done("GET", PATH + "/web/versions?limit=3&cursor=" + page["next_cursor"])
    check([one["version"] for one in page["items"] + rest["items"]] == [4, 3, 2, 1] and rest.get("next_cursor") is None, "page by page too")


def as_code(editor, viewer):
    """What is exported and imported is equal, edited by hand it is what was edited; what is not YAML is refused, and where."""
    yaml = {"content-type": "application/yaml"}
    names = ("title", "description", "from", "variables", "panels")
    status, whole, headers = viewer.ask("GET", PATH + "/web")
    status, text, told = viewer.ask("GET", PATH + "/web?format=yaml")
    check(status == 200 and told["content-type"] == "application/yaml" and told["etag"] == headers["etag"], "it is YAML of the same tag: %s %s" % (status, dict(told)))
    check(text.startswith("slug: web\ntitle: Web\n") and "version" not in text, "without what the server adds:\n%s" % text)
    check(viewer.ask("GET", PATH + "/web", headers={"accept": "application/yaml, */*;q=0.1"})[1] == text, "by Accept too")
    status, same, _ = editor.ask("PUT", PATH + "/web", data=text.encode(), headers=dict(yaml, **{"if-match": told["etag"]}))
    check(status == 200 and {name: same[name] for name in names} == {name: whole[name] for name in names}, "imported it is equal: %s %s" % (status, same))
    edited = text.replace("title: Web\n", "title: 'Edited: no # yes'\n# a comment\n").replace("w: 12", "w: 11") + "\n"
    status, other, _ = editor.ask("PUT", PATH + "/web", data=edited.encode(), headers=yaml)
    panels = [dict(panel, at=dict(panel["at"], w=11)) if panel["at"]["w"] == 12 else panel for panel in whole["panels"]]
    check(status == 200 and other["title"] == "Edited: no # yes" and other["panels"] == panels and other["variables"] == whole["variables"], "edited it is that: %s %s" % (status, other))
    status, back, _ = editor.ask("PUT", PATH + "/web", {name: whole[name] for name in whole})
    check(status == 200 and {name: back[name] for name in names} == {name: whole[name] for name in names}, "JSON as it was read goes back, too: %s %s" % (status, back))
    status, copy, _ = editor.ask("POST", PATH, data=text.replace("slug: web", "slug: copy").encode(), headers=yaml)
    check(status == 201 and copy["panels"] == whole["panels"] and copy["slug"] == "copy", "a new one is made of it: %s %s" % (status, copy))
    editor.done("DELETE", PATH + "/copy")
    for wrong, words in (("a: &x [1]\nb: *x", "line 1, column 4"), ("title: [", "line 2, column 1"), ("slug: other\ntitle: x\npanels: []", "another one"), ("title: x\npanels: []\ncolour: no", "colour"),
                         ("- 1", ""), ("", "")):
        status, answer, _ = editor.ask("PUT", PATH + "/web", data=wrong.encode(), headers=yaml)
        check(status == 400 and words in json.dumps(answer), "%r is refused: %s %s" % (wrong, status, answer))
    check(editor.ask("PUT", PATH + "/web", data=b"x", headers={"content-type": "text/plain"})[0] == 415, "what is neither is no body")


def ready(editor):
    """Every ready one can be made, and every statement of it is taken."""
    items = editor.done("GET", "/ready-dashboards")["items"]
    check({"http-services", "databases", "hosts", "monoscope"} == {one["slug"] for one in items}, "there are four: %s" % [one["slug"] for one in items])
    for one in items:
        answer = editor.done("POST", PATH, one)
        check(answer["panels"] == one["panels"] and answer["title"] == one["title"], "%s is as it stands in its file" % one["slug"])
        for panel in one["panels"]:
            metric = panel["source"].get("metric")
            if metric:
                body = dict(metric, search="")
                body.pop("search")
                status, told, _ = editor.ask("POST", "/projects/shop/metrics/query", dict(body, **{"from": "now-1h", "step_s": 60}))
                check(status == 200, "%s asks for what can be asked: %s %s" % (panel["id"], status, told))
        editor.done("DELETE", PATH + "/" + one["slug"])


def shell(server, editor):
    """list, get, apply, delete."""
    environment = dict(os.environ, MONOSCOPE_URL="http://127.0.0.1:%d" % server.web_port, MONOSCOPE_KEY=server.key_create("shop", "shell", "--scopes", "query,admin")[1], XDG_CONFIG_HOME=STORY_DIR)

    def run(*words, **more):
        return subprocess.run([BINARY] + list(words) + ["--project", "shop"], env=environment, capture_output=True, text=True, **more)
    wait_until(lambda: run("dashboards", "list").returncode == 0, "the key is known")
    path = os.path.join(STORY_DIR, "board.yaml")
    with open(path, "w") as f:
        f.write("title: From the shell\npanels:\n- title: One\n  kind: stat\n  source:\n    sql: |\n      SELECT 1 AS one\n")
    done = run("dashboards", "apply", path)
    check(done.returncode == 0 and done.stdout == "board: version 1, 1 panels\n", "apply makes it, by the file's name: %r" % done)
    text = run("dashboards", "get", "board").stdout
    check(text.startswith("slug: board\ntitle: From the shell\n") and "sql: |\n" in text, "get prints it: %s" % text)
    with open(path, "w") as f:
        f.write(text.replace("From the shell", "Changed"))
    check(run("dashboards", "apply", path).stdout == "board: version 2, 1 panels\n" and editor.done("GET", PATH + "/board")["title"] == "Changed", "apply changes it")
    check([json.loads(line)["slug"] for line in run("dashboards", "list").stdout.splitlines()] == ["board", "web", "web-2"], "list lists it")
    with open(path, "w") as f:
        f.write(text.replace("SELECT 1 AS one", "SELECT nothing"))
    refused = run("dashboards", "apply", path)
    check(refused.returncode == 1 and "/panels/0/source/sql" in refused.stderr and "at character 8" in refused.stderr, "what is wrong is told with its place: %r" % refused)
    check(run("dashboards", "restore", "board", "1").returncode == 0 and editor.done("GET", PATH + "/board")["title"] == "From the shell", "restore")
    check(run("dashboards", "delete", "board").returncode == 0 and run("dashboards", "get", "board").returncode == 4, "delete")


def main():
    with Server() as server:
        admin = first_admin(server)
        for name in ("shop", "other"):
            admin.done("POST", "/projects", {"name": name})
        editor, viewer = (user_with_role(admin, role + "@example.com", "shop", role) for role in ("editor", "viewer"))
        made(editor)
        refused(editor)
        changed(editor, viewer)
        as_code(editor, viewer)
        ready(editor)
        shell(server, editor)
        for method, path, body in (("POST", PATH, {"title": "x"}), ("PUT", PATH + "/web", {"title": "x", "panels": []}), ("DELETE", PATH + "/web", None),
                                   ("POST", PATH + "/web/panels", {"panel": PANEL}), ("POST", PATH + "/web/restore", {"version": 1})):
            status, answer, _ = viewer.ask(method, path, body)
            check(status == 403, "a viewer may not %s %s: %s %s" % (method, path, status, answer))
        check(admin.ask("GET", "/projects/other/dashboards/web")[0] == 404, "in another project it is not there")
        editor.done("DELETE", PATH + "/web")
        check(editor.ask("GET", PATH + "/web")[0] == 404 and editor.ask("GET", PATH + "/web/versions")[0] == 404, "deleted it is gone, with its versions")
        told = [(row["action"], row["object"], row["actor"]) for row in admin.done("GET", "/projects/shop/audit?action=dashboard.&limit=100")["items"]]
        wanted = [("dashboard." + action, "web", "editor@example.com") for action in ("delete", "change", "change", "change", "restore", "change", "change")]
        check([one for one in told if one[1] == "web"] == wanted + [("dashboard.create", "web", "editor@example.com")], "all of it is in the audit log: %s" % told)


main()
