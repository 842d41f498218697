"""Spark 4 with delta-spark and Trino, as readers and writers of the same tables on S3 (deps/bring full).

    with Spark(s3, dynamo=None) as spark, Trino(s3) as trino:
        spark.rows("s3://telemetry/tables/otel_metrics", columns)      # [{column: value}], values as pyarrow gives them
        trino.rows("s3://telemetry/tables/otel_metrics", columns)
        spark.sql("INSERT INTO delta.`s3://...` SELECT ...")           # with dynamo: through S3DynamoDBLogStore

tests/spark holds S3DynamoDBLogStore as in Delta Lake 4.0.0, which not every Maven mirror has as a jar; a setting for
DynamoDB Local's address is all that was added."""
import datetime
import http.client
import json
import os
import sys
import time

import javaprogram
from monoscope import check, free_port
from storage import KEY_ID, REGION, SECRET, Program, part


class Spark:
    def __init__(self, s3, dynamo=None, endpoint=None):
        self.s3, self.dynamo, self.endpoint = s3, dynamo, endpoint or s3.endpoint

    def settings(self):
        extra = os.path.join(part("spark-delta", "full"), "*")
        found = {"spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
                 "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
                 "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.driver.memory": "1g", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
                 "spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": "2", "spark.databricks.delta.snapshotPartitions": "2",
                 "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem", "spark.hadoop.fs.s3a.endpoint": self.endpoint,
                 "spark.hadoop.fs.s3a.endpoint.region": REGION, "spark.hadoop.fs.s3a.path.style.access": "true",
                 "spark.hadoop.fs.s3a.access.key": KEY_ID, "spark.hadoop.fs.s3a.secret.key": SECRET,
                 "spark.hadoop.fs.s3a.connection.ssl.enabled": "false"}
        if self.dynamo:
            jars = [os.path.join(part("spark", "full"), "pyspark", "jars", "*"), extra]
            extra += os.pathsep + javaprogram.classes("spark", jars)
            prefix = "spark.io.delta.storage.S3DynamoDBLogStore."
            found.update({"spark.delta.logStore.s3.impl": "io.delta.storage.S3DynamoDBLogStore", prefix + "ddb.tableName": self.dynamo.table,
                          prefix + "ddb.region": REGION, prefix + "ddb.endpoint": self.dynamo.endpoint})
        found["spark.driver.extraClassPath"] = extra
        return found

    def __enter__(self):
        home = part("spark", "full")
        for path in [os.path.join(home, "lib", name) for name in os.listdir(os.path.join(home, "lib")) if name.startswith("py4j")] + [home]:
            if path not in sys.path:
                sys.path.insert(0, path)
        os.environ.update(SPARK_HOME=os.path.join(home, "pyspark"), PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1", TZ="UTC",
                          AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET)
        time.tzset()
        from pyspark.sql import SparkSession
        builder = SparkSession.builder.master("local[2]").appName("story")
        for name, content in self.settings().items():
            builder = builder.config(name, content)
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel("ERROR")
        return self

    def __exit__(self, *_):
        self.session.stop()

    def sql(self, text):
        return self.session.sql(text).collect()

    def rows(self, url, columns):
        found = self.sql("SELECT %s FROM delta.`%s`" % (", ".join("`%s`" % name for name, _, _ in columns), url))
        for row in found:
            one = row.asDict()
            for name, content in one.items():
                if isinstance(content, datetime.datetime):
                    one[name] = content.replace(tzinfo=datetime.timezone.utc)
            yield one


class Trino(Program):
    """One node with the catalog "lake" of the delta_lake connector; tables are registered when they are first read."""
    name = "trino"

    def __init__(self, s3, endpoint=None):
        super().__init__()
        self.s3, self.s3_endpoint, self.registered = s3, endpoint or s3.endpoint, {}

    def write(self, path, text):
        path = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)

    def __enter__(self):
        home = part("trino", "full")
        self.port = free_port()
        self.write("etc/config.properties", "coordinator=true\nnode-scheduler.include-coordinator=true\nhttp-server.http.port=%d\n"
                   "discovery.uri=http://127.0.0.1:%d\nnode.environment=story\nnode.id=story\nnode.bind-ip=127.0.0.1\n"
                   "node.internal-address=127.0.0.1\nplugin.dir=%s\ncatalog.config-dir=etc/catalog\nquery.max-memory-per-node=400MB\n" %
                   (self.port, self.port, os.path.join(home, "plugin")))
        self.write("etc/catalog/lake.properties", "connector.name=delta_lake\nhive.metastore=file\nhive.metastore.catalog.dir=local:///metastore\n"
                   "fs.native-local.enabled=true\nlocal.location=%s\nfs.native-s3.enabled=true\ns3.endpoint=%s\ns3.region=%s\n"
                   "s3.path-style-access=true\ns3.aws-access-key=%s\ns3.aws-secret-key=%s\ndelta.register-table-procedure.enabled=true\n"
                   "delta.enable-non-concurrent-writes=true\n" % (self.folder, self.s3_endpoint, REGION, KEY_ID, SECRET))
        os.makedirs(os.path.join(self.folder, "metastore"), exist_ok=True)
        java = os.path.join(part("java-25", "full"), "bin", "java")
        self.start([java, "-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                    "-Djdk.attach.allowAttachSelf=true", "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow",
                    "-Dconfig=etc/config.properties", "-cp", os.path.join(home, "lib", "*"), "io.trino.server.TrinoServer"])
        self.wait_http(self.port, 180)
        end = time.monotonic() + 180
        while time.monotonic() < end:
            try:
                self.sql("SELECT 1")
                self.sql("CREATE SCHEMA IF NOT EXISTS lake.story")
                return self
            except RuntimeError as error:
                check("starting" in str(error).lower() or "NO_NODES" in str(error) or "insufficient" in str(error).lower(),
                      "Trino starts: %s\n%s" % (error, self.log_text()))
                time.sleep(0.5)
        check(False, "Trino starts within 180 s: " + self.log_text())

    def request(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body=body, headers={"X-Trino-User": "story", "X-Trino-Time-Zone": "UTC"})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError("starting: %d %s" % (answer.status, text[:200]))
        return json.loads(text)

    def sql(self, text):
        """Rows as Trino's JSON has them: texts for times, numbers for numbers."""
        answer = self.request("POST", "/v1/statement", text.encode())
        rows = []
        while True:
            rows += answer.get("data") or []
            if answer.get("error"):
                raise RuntimeError("%s: %s" % (answer["error"]["errorName"], answer["error"]["message"]))
            if not answer.get("nextUri"):
                return rows
            answer = self.request("GET", "/" + answer["nextUri"].split("/", 3)[3])

    def table(self, url):
        if url not in self.registered:
            name = "t%d" % len(self.registered)
            self.sql("CALL lake.system.register_table('story', '%s', '%s')" % (name, url))
            self.registered[url] = "lake.story." + name
        return self.registered[url]

    def rows(self, url, columns):
        for row in self.sql("SELECT %s FROM %s" % (", ".join('"%s"' % name for name, _, _ in columns), self.table(url))):
            yield {name: value_of(content, kind) for (name, kind, _), content in zip(columns, row)}


def value_of(content, kind):
    if content is None:
        return None
    if kind == "timestamptz":
        return datetime.datetime.fromisoformat(content.replace(" UTC", "+00:00"))
    if kind == "date":
        return datetime.date.fromisoformat(content)
    return content
