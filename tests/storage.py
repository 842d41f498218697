"""Real stores for stories, each a context manager on free ports with a folder of its own in STORY_DIR.

    with Versitygw() as s3, DynamoDbLocal() as dynamo, FaultProxy(s3.endpoint) as proxy:
        environment = dict(s3.environment(proxy.endpoint), **dynamo.environment())      # AWS_... for monoscope
        options = s3.storage_options()                                                  # for delta-rs
        s3.url("tables")                                                                # s3://telemetry/tables
        s3.client().list(s3.bucket)                                                     # awsclient.py: what is really there

Versitygw and Minio honour If-None-Match; S3proxy does not and says it did. FaultProxy (tests/faultproxy) stands before any of
them: proxy.rules({"kind": "PUT_IF_ABSENT", "times": 1, "action": "reset_after"}), proxy.counts(), proxy.log()."""
import http.client
import json
import os
import subprocess
import time

import goprogram
from awsclient import AwsError, DynamoClient, S3Client
from goprogram import DEPS
from monoscope import REPO, STORY_DIR, check, free_port

REGION = "us-east-1"
KEY_ID = "storykeyid"
SECRET = "story-secret-key"
os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")  # no story asks the machine it runs on for credentials


def part(folder, group="test"):
    """The folder of a part of deps/bring."""
    path = os.path.join(DEPS, folder)
    if not os.path.exists(path):
        brought = subprocess.run([os.path.join(REPO, "deps", "bring"), group], capture_output=True, text=True)
        check(brought.returncode == 0, brought.stdout + brought.stderr)
    return path


class Program:
    """A process with its log in STORY_DIR; ready when its port answers HTTP."""
    name = ""
    reads_stdout = False
    started = 0

    def __init__(self):
        Program.started += 1
        self.folder = os.path.join(STORY_DIR, "%s-%d" % (self.name, Program.started))
        self.log_path = self.folder + ".log"
        self.process = None
        os.makedirs(self.folder, exist_ok=True)

    def start(self, command, environment=None):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, env=dict(os.environ, **(environment or {})), stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE if self.reads_stdout else log, stderr=log)

    def wait_http(self, port, timeout_s=60):
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            check(self.process.poll() is None, "%s runs: %s" % (self.name, self.log_text()))
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            try:
                connection.request("GET", "/")
                connection.getresponse().read()
                return
            except OSError:
                time.sleep(0.05)
            finally:
                connection.close()
        check(False, "%s answers within %d s: %s" % (self.name, timeout_s, self.log_text()))

    def log_text(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()[-4000:]

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()


class S3Server(Program):
    bucket = "telemetry"

    def __init__(self, bucket=None):
        super().__init__()
        self.bucket = bucket or self.bucket
        self.port = None
        self.endpoint = None

    def __enter__(self):
        self.restart()
        # A server may take requests before it knows its own storage.
        for attempt in range(100):
            try:
                self.client().make_bucket(self.bucket)
                break
            except AwsError as error:
                check(attempt < 99 and error.status >= 500, "%s makes a bucket: %s" % (self.name, error))
                time.sleep(0.1)
        return self

    def restart(self):
        """Begins, or begins again on the same folder and port after a stop()."""
        self.port = self.port or free_port()
        self.endpoint = "http://127.0.0.1:%d" % self.port
        command, environment = self.command()
        self.start(command, environment)
        self.wait_http(self.port)

    def stop(self):
        self.process.kill()
        self.process.wait()

    def client(self):
        return S3Client(self.endpoint, KEY_ID, SECRET, REGION)

    def url(self, prefix):
        return "s3://%s/%s" % (self.bucket, prefix)

    def environment(self, endpoint=None):
        """For monoscope; endpoint: of a proxy before it."""
        return {"AWS_ENDPOINT_URL_S3": endpoint or self.endpoint, "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}

    def storage_options(self, endpoint=None):
        """For delta-rs; with DynamoDbLocal.storage_options() added it takes the lock."""
        return {"AWS_ENDPOINT_URL": endpoint or self.endpoint, "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_REGION": REGION, "AWS_ALLOW_HTTP": "true", "conditional_put": "etag"}


class Versitygw(S3Server):
    name = "versitygw"

    def command(self):
        program = goprogram.build("versitygw", "github.com/versity/versitygw/cmd/versitygw")
        return [program, "--access", KEY_ID, "--secret", SECRET, "--port", "127.0.0.1:%d" % self.port, "--region", REGION, "--quiet",
                "posix", self.folder], {}


class Minio(S3Server):
    name = "minio"

    def command(self):
        program = goprogram.build("minio", "github.com/minio/minio")
        return [program, "server", self.folder, "--address", "127.0.0.1:%d" % self.port, "--console-address", "127.0.0.1:%d" % free_port(),
                "--quiet"], {"MINIO_ROOT_USER": KEY_ID, "MINIO_ROOT_PASSWORD": SECRET, "MINIO_UPDATE": "off", "MINIO_BROWSER": "off"}


class S3proxy(S3Server):
    """The liar: it takes If-None-Match, answers 200 and overwrites."""
    name = "s3proxy"

    def command(self):
        settings = os.path.join(self.folder, "s3proxy.conf")
        data = os.path.join(self.folder, "data")
        os.makedirs(data, exist_ok=True)
        with open(settings, "w") as f:
            f.write("s3proxy.authorization=aws-v2-or-v4\ns3proxy.endpoint=http://127.0.0.1:%d\ns3proxy.identity=%s\n"
                    "s3proxy.credential=%s\njclouds.provider=filesystem-nio2\ns3proxy.ignore-unknown-headers=true\njclouds.identity=x\njclouds.credential=x\njclouds.filesystem.basedir=%s\n" %
                    (self.port, KEY_ID, SECRET, data))
        with open(os.path.join(self.folder, "logback.xml"), "w") as f:
            f.write('<configuration><appender name="E" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%d %m%n</pattern>'
                    '</encoder></appender><root level="warn"><appender-ref ref="E"/></root></configuration>')
        return ["java", "-Xmx256m", "-Dlogback.configurationFile=logback.xml", "-cp", os.path.join(part("s3proxy"), "*"), "org.gaul.s3proxy.Main",
                "--properties", settings], {}


class DynamoDbLocal(Program):
    """In memory; with the table of Delta's S3DynamoDBLogStore in it."""
    name = "dynamodb-local"
    table = "delta_log"

    def __enter__(self):
        home = part("dynamodb-local")
        port = free_port()
        self.endpoint = "http://127.0.0.1:%d" % port
        self.start(["java", "-Xmx256m", "-Dsqlite4java.library.path=" + home, "-cp", os.path.join(home, "*"),
                    "com.amazonaws.services.dynamodbv2.local.main.ServerRunner", "-inMemory", "-sharedDb", "-port", str(port)],
                   {"DDB_LOCAL_TELEMETRY": "0"})
        self.wait_http(port)
        self.client().make_log_table(self.table)
        return self

    def client(self):
        return DynamoClient(self.endpoint, KEY_ID, SECRET, REGION)

    def environment(self, endpoint=None):
        """For monoscope, beside that of the S3 server: the lock is on."""
        return {"AWS_ENDPOINT_URL_DYNAMODB": endpoint or self.endpoint, "MONOSCOPE_STORAGE_LOCK": "dynamodb:" + self.table}

    def storage_options(self, endpoint=None):
        return {"AWS_S3_LOCKING_PROVIDER": "dynamodb", "DELTA_DYNAMO_TABLE_NAME": self.table,
                "AWS_ENDPOINT_URL_DYNAMODB": endpoint or self.endpoint}


class FaultProxy(Program):
    """Rules are tests/faultproxy/rules.go: {"index": [3], "kind": "PUT", "path": "_delta_log", "probability": 0.1, "times": 1,
    "action": "delay" | "reset_before" | "reset_after" | "status" | "status_after" | "hang_before" | "hang_after" | "cut_request" |
    "cut_answer", "status": 503, "delay_ms": 50, "hang_ms": 5000}."""
    name = "faultproxy"
    reads_stdout = True

    def __init__(self, upstream, latency_ms=0):
        super().__init__()
        self.upstream = upstream.split("//")[-1].rstrip("/")
        self.latency_ms = latency_ms

    def __enter__(self):
        self.start([goprogram.build("faultproxy"), "--upstream", self.upstream])
        ports = json.loads(self.process.stdout.readline() or b"{}")
        check("port" in ports, "faultproxy starts: " + self.log_text())
        self.endpoint = "http://127.0.0.1:%d" % ports["port"]
        self.control_port = ports["control"]
        if self.latency_ms:
            self.latency(self.latency_ms)
        return self

    def control(self, method, path, content=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.control_port, timeout=30)
        try:
            connection.request(method, path, body=None if content is None else json.dumps(content))
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        check(answer.status == 200, "faultproxy takes %s: %s" % (path, text.decode()))
        return json.loads(text)

    def rules(self, *rules, seed=1):
        """These rules instead of those before; none: no harm any more."""
        self.control("POST", "/rules", {"rules": list(rules), "seed": seed})

    def latency(self, ms):
        self.control("POST", "/latency", ms)

    def reset(self):
        """Counts and numbers of requests begin again."""
        self.control("POST", "/reset", True)

    def counts(self):
        """requests, kinds, statuses, fired, bytes_sent, bytes_received, open, open_max since the last reset()."""
        return self.control("GET", "/counts")

    def log(self):
        """[{index, kind, path, action, status, ms}] of each request since the last reset()."""
        return self.control("GET", "/log") or []
