# time_limit_s: 300 (the first run installs the browser's driver)
"""A page full of secrets, recorded by the browser SDK (tests/ui/replay_privacy.js): none of them is in any byte that the server keeps, packed or
not, in its log, its metadata, its tables, the recordings, its own output. Nor is what pages
show openly and a rule of the project is about: it is sent, and never kept. What may be seen is there: the search finds it."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import first_admin
from monoscope import Server, check, wait_until
from story_browser_replay import program
from storesearch import store_search


def main():
    with Server(flush="1s") as server:
        admin = first_admin(server)
        admin.done("POST", "/projects/default/redaction-rules", {"name": "by rule", "finds": "element", "pattern": "article.by-rule", "does": "mask"})
        time.sleep(1)  # every process has it within that
        result = program("replay_privacy.js", server)
        check(result["ruled_sent"] == result["ruled"], "pages sent what the rule is about: %r of %r" % (result["ruled_sent"], result["ruled"]))
        check(result["own"] == [], "no request had a secret: %r" % result["own"])
        for session in result["sessions"]:
            wait_until(lambda: admin.ask("GET", "/projects/default/replays/" + session)[0] == 200, "the recording %s is stored" % session)
        folder = os.path.dirname(server.log_path)
        words = [word.encode() for word in result["secrets"] + result["ruled"]]
        for when in ("while it runs", "after its end"):
            found = store_search(folder, words + [b"canary"])
            kept = sorted({os.path.splitext(path)[1] for path, word in found if word == b"canary"})
            hidden = [one for one in found if one[1] != b"canary"]
            check(hidden == [], "%s no secret is kept: %r" % (when, hidden[:20]))
            check(".gz" in kept, "%s what may be seen is found: %r" % (when, kept))
            print("%s: none of %d secrets in what is kept; \"canary\" in files %s" % (when, len(words), " ".join(kept)), flush=True)
            if when == "while it runs":
                server.stop()


main()
