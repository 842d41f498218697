# time_limit_s: 120, tries: 2
"""Language models: one scripted server speaks as OpenAI, Ollama, llama.cpp, vLLM and Anthropic do, well and badly; each manner is
met as docs/llm.md says: done without what a server lacks, tried again when that may help, refused in words when not. Keys are in
no file, answer or log and go nowhere else; a project's URL reaches nothing private; a budget is kept over two processes and a
kill in the middle of a question; what is kept of prompts; the CLI; the metrics.
"""
import glob
import http.client
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import PASSWORD, Caller, first_admin, sign_in, user_with_role
from llm_server import KEY, LlmServer
from monoscope import BINARY, STORY_DIR, Server, check, wait_until

SERVER_KEY = "sk-server-0987654321"
OK = None
# dialect, manners, why not (OK: it answers), questions the model's server must have seen
MANNERS = [
    ("openai", [], OK, 1),
    ("anthropic", [], OK, 1),
    ("ollama", ["no_schema"], OK, 2),
    ("llamacpp", ["no_json"], OK, 3),
    ("vllm", ["no_strict", "no_usage"], OK, 2),
    ("openai", ["completion_tokens"], OK, 2),
    ("ollama", ["no_schema", "chatty"], OK, 2),
    ("openai", ["limited=1"], OK, 2),
    ("anthropic", ["overloaded"], OK, 2),
    ("openai", ["cut_once"], OK, 2),
    ("openai", ["wrong_once"], OK, 2),
    ("anthropic", ["wrong_once"], OK, 2),
    ("openai", ["slow=0.5"], OK, 1),
    ("openai", ["wrong"], "does not fit its schema", 2),
    ("openai", ["malformed"], "no answer: it is no JSON", 2),
    ("openai", ["limited_always=600"], "says to come again in 600 s", 1),
    ("openai", ["refused"], "401", 1),
    ("anthropic", ["refused"], "401", 1),
    ("openai", ["redirect"], "redirects are not followed", 1),
    ("openai", ["huge"], "has more than", 1),
]


def answer(asked):
    """The word that the prompt names, and nothing without the prompt and the schema."""
    return {"json": {"word": re.search(r"word: (\w+)", asked.text).group(1)}}


def manners_are_met(admin, model):
    for dialect, manners, why, questions in MANNERS:
        model.asked.clear()
        admin.done("PUT", "/projects/default/llm", {"url": model.url(dialect, *manners), "model": "m-1", "key": KEY,
                                                    "input_price": 2.5, "output_price": 10})
        tested = admin.done("POST", "/projects/default/llm/test")
        what = "%s %s: %s" % (dialect, manners, tested)
        check(tested["is_ok"] == (why is OK), what)
        check(why is OK or why in tested["problem"], what)
        check(len(model.asked) == questions, "%s with %d questions" % (what, len(model.asked)))
        check(KEY not in str(tested), what)
        if why is OK:
            check(tested["cost"] > 0 and tested["input_tokens"] > 10, what)
            check(tested["is_estimated"] == ("no_usage" in manners), what)
    check(not model.refusals, "every request is as its API has it: %s" % model.refusals)
    print("%d manners of 5 servers met" % len(MANNERS))


def settings_and_keys(server, admin, model, servers_own):
    url = model.url("openai")
    model.asked.clear()
    got = admin.done("PUT", "/projects/default/llm", {"url": url, "model": "m-2"})
    check(got["has_key"] is False, "another URL, no key: %s" % got)
    check("401" in admin.done("POST", "/projects/default/llm/test")["problem"], "without a key it is refused")
    check(all("authorization" not in asked.headers for asked in model.asked), "the server's key is not for a project's URL")
    got = admin.done("PUT", "/projects/default/llm", {"url": url, "model": "m-2", "key": KEY})
    check(got["has_key"] and KEY not in str(got), "the key is written and not read: %s" % got)
    got = admin.done("PUT", "/projects/default/llm", {"url": url, "model": "m-3", "audit": "on"})
    check(got["has_key"] and got["in_use"]["model"] == "m-3" and got["in_use"]["is_own"], "it stays with its URL: %s" % got)
    for body in ({"url": "file:///etc/passwd", "model": "m"}, {"url": "http://u:p@h/v1", "model": "m"}, {"model": "m"},
                 {"url": url}, {"key": "k"}, {"url": url, "model": "m", "key": "a b"}):
        check(admin.ask("PUT", "/projects/default/llm", body)[0] == 400, "refused: %s" % body)
    editor = user_with_role(admin, "e@example.com", "default", "editor")
    check(editor.ask("GET", "/projects/default/llm")[0] == 403, "editors do not see it")
    audit = admin.done("GET", "/projects/default/audit?action=llm.")
    check(len(audit["items"]) > 5 and KEY not in str(audit), "changes are in the audit log, keys are not")
    admin.done("DELETE", "/projects/default/llm")
    got = admin.done("GET", "/projects/default/llm")
    check(got["in_use"]["model"] == "m-server" and not got["in_use"]["is_own"] and got["is_default"], "the server's counts again: %s" % got)
    check(admin.done("POST", "/projects/default/llm/test")["is_ok"], "and answers")
    check(servers_own.asked[0].headers["authorization"] == "Bearer " + SERVER_KEY, "with the server's key")
    for secret in (KEY, SERVER_KEY):
        for path in glob.glob(os.path.join(server.data, "**"), recursive=True) + glob.glob(STORY_DIR + "/server*"):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    check(secret.encode() not in file.read(), "no key is in " + path)


def audit_and_usage(server, admin):
    rows = admin.done("GET", "/projects/default/llm/audit?limit=1000")["items"]
    check(len(rows) >= len(MANNERS) and rows[0]["number"] > rows[-1]["number"], "every question is kept, newest first")
    check("Answer with the word: ready" in rows[0]["prompt"] and '"ready"' in rows[0]["answer"], str(rows[0]))
    failed = admin.done("GET", "/projects/default/llm/audit?failed=true")["items"]
    check(failed and all(row["failure"] for row in failed), "those that failed")
    check(rows[0]["actor"] == "admin@localhost" and rows[0]["purpose"] == "test", "who and what for: %s" % rows[0])
    admin.done("PUT", "/projects/default/llm", {"audit": "off"})
    check(admin.done("POST", "/projects/default/llm/test")["is_ok"], "without keeping it")
    check(len(admin.done("GET", "/projects/default/llm/audit?limit=1000")["items"]) == len(rows), "nothing more is kept")
    days = admin.done("GET", "/projects/default/llm/usage")["days"]
    tokens = sum(day["used"]["input_tokens"] + day["used"]["output_tokens"] for day in days)
    metrics = urllib.request.urlopen("http://127.0.0.1:%d/metrics" % server.web_port).read().decode()
    counted = sum(float(number) for number in re.findall(r"^monoscope_llm_tokens_total\{[^}]*\} (\S+)", metrics, re.M))
    check(tokens > 0 and counted == tokens, "usage %d, metrics %d" % (tokens, counted))
    print("%d questions kept, %d tokens used" % (len(rows), tokens))


def cli_works(server, admin, model):
    key_file = os.path.join(STORY_DIR, "model.key")
    with open(key_file, "w") as file:
        file.write(KEY + "\n")
    made = admin.done("POST", "/projects/default/keys", {"name": "cli", "scopes": ["admin"]})

    def run(*words):
        result = subprocess.run([BINARY] + list(words) + ["--json"], capture_output=True, text=True, env=dict(
            os.environ, MONOSCOPE_URL="http://127.0.0.1:%d" % server.web_port, MONOSCOPE_KEY=made["secret"], HOME=STORY_DIR))
        check(result.returncode == 0, "monoscope %s: %s" % (" ".join(words), result.stderr))
        return result.stdout
    printed = run("llm", "set", "--model_url", model.url("anthropic"), "--model", "m-cli", "--key_file", key_file,
                  "--input_price", "2.5", "--tokens_day", "100000")
    check('"has_key":true' in printed and '"input_price":2.5' in printed and KEY not in printed, printed)
    check('"is_ok":true' in run("llm", "test"), "llm test")
    check("m-cli" in run("llm", "audit") and "input_tokens" in run("llm", "usage"), "llm audit, usage")
    run("llm", "clear")
    check('"is_default":true' in run("llm", "get"), "llm clear, get")


def ask_and_die(caller):
    try:
        caller.ask("POST", "/projects/default/llm/test")
    except (OSError, http.client.HTTPException):
        pass  # its server was killed


def budget_is_kept(server, admin, model):
    """Two processes, ten askers, a slow model; one process is killed in the middle: what is under way counts."""
    admin.done("PUT", "/projects/default/llm", {"url": model.url("openai", "slow=0.3"), "model": "m-b", "key": KEY,
                                                "tokens_day": 3000})
    other = Server(data=os.path.join(STORY_DIR, "other"), options=["--database", "sqlite://" + os.path.join(server.data, "meta.sqlite"),
                                                                   "--llm-allow-private", "on"])
    with other:
        sessions = [admin, Caller(other, admin.token)]
        model.asked.clear()
        refused, answered = [], []

        def ask(caller):
            for _ in range(4):
                tested = caller.done("POST", "/projects/default/llm/test")
                (answered if tested["is_ok"] else refused).append(tested)
        askers = [threading.Thread(target=ask, args=(sessions[n % 2],)) for n in range(10)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        used = admin.done("GET", "/projects/default/llm")["used"]["day"]
        tokens = used["input_tokens"] + used["output_tokens"]
        one = max(tested["input_tokens"] + tested["output_tokens"] for tested in answered)
        check(refused and all("it opens again at 20" in tested["problem"] for tested in refused), str(refused[:1]))
        check(len(model.asked) == len(answered), "what is refused is not sent: %d, %d" % (len(model.asked), len(answered)))
        admin.done("PUT", "/projects/default/llm", {"url": model.url("openai", "slow=5"), "model": "m-b", "key": KEY,
                                                    "tokens_day": tokens + 1})
        model.asked.clear()
        threading.Thread(target=ask_and_die, args=(sessions[1],), daemon=True).start()
        wait_until(lambda: model.asked, "the question is under way")
        other.kill()
        tested = admin.done("POST", "/projects/default/llm/test")
        check("used up" in tested["problem"], "what died in the middle counts: %s" % tested)
        check(admin.done("GET", "/projects/default/llm")["used"]["reserved_tokens"] > 0, "as reserved")
    print("budget of 3000: %d used by two processes, %d a question, %d refused" % (tokens, one, len(refused)))
    check(tokens <= 3000 + one, "a budget is passed by one question at most")


def private_addresses(model):
    """Without --llm-allow-private nothing of ours is reached, by whatever name, and the operator's own model is."""
    with Server(data=os.path.join(STORY_DIR, "strict"), environment={"MONOSCOPE_LLM_KEY": KEY},
                options=["--llm-url", model.url("openai"), "--llm-model", "m-server"]) as server:
        admin = first_admin(server)
        check(admin.done("POST", "/projects/default/llm/test")["is_ok"], "the operator's may be local")
        model.asked.clear()
        for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "0x7f000001", "127.1"):
            admin.done("PUT", "/projects/default/llm", {"url": "http://%s:%d/openai/v1" % (host, model.port), "model": "m", "key": KEY})
            tested = admin.done("POST", "/projects/default/llm/test")
            check(not tested["is_ok"] and "not at a public address" in tested["problem"], "%s: %s" % (host, tested))
        check(not model.asked, "nothing came there")


def main():
    start = time.monotonic()
    with LlmServer(answer) as model, LlmServer(answer, key=SERVER_KEY) as servers_own:
        with Server() as server:
            got = first_admin(server).done("GET", "/projects/default/llm")
            check(got["in_use"] is None and "no language model is set up" in got["problem"], str(got))
            server.stop()
            server.options += ["--llm-url", servers_own.url("openai"), "--llm-model", "m-server", "--llm-allow-private", "on",
                               "--llm-input-price", "2.50", "--llm-cost-month", "1000"]
            server.start({"MONOSCOPE_LLM_KEY": SERVER_KEY})
            admin = sign_in(server, "admin@localhost", PASSWORD)
            manners_are_met(admin, model)
            settings_and_keys(server, admin, model, servers_own)
            audit_and_usage(server, admin)
            cli_works(server, admin, model)
            budget_is_kept(server, admin, model)
        private_addresses(model)
    print("story of language models: %.0f s" % (time.monotonic() - start))


main()
