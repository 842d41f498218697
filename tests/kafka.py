"""Real Kafka brokers for stories: one node in KRaft mode on a free port, in a folder of its own in STORY_DIR.

    with Kafka("4.1") as kafka:                  # or "3.9"; VERSIONS has both
        server = Server(options=kafka.options(), environment=kafka.environment())     # --kafka-brokers and what else it needs
        kafka.kill(); kafka.restart()            # kill -9 and again on the same port and folder; stop() ends it politely
        kafka.pause(); kafka.go_on()             # SIGSTOP, SIGCONT
        kafka.topic_create("monoscope.telemetry", partitions=3); kafka.topic_delete("monoscope.telemetry")
        kafka.ends("monoscope.telemetry")        # {partition: (first offset, next offset)}
        kafka.records("monoscope.telemetry")     # all committed ones: confluent_kafka.Message
        kafka.produce("monoscope.telemetry", b"body", headers={"signal": b"..."}, partition=0)
        kafka.group("monoscope.workers")          # {client id: [(topic, partition)]}; group_offsets(): {(topic, partition): offset}

    Kafka("4.1", secure=True)                    # TLS and SCRAM-SHA-512 for clients: user story, with a CA in kafka.ca

It needs Java and `deps/bring test`. min.insync.replicas is 1, as there is one node; other settings are Kafka's own but for what a
short story needs: no wait before a group's first rebalance, and a broker that was killed is missed after 3 s."""
import os
import shutil
import signal
import subprocess
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from monoscope import STORY_DIR, check, free_port, wait_until
from storage import Program, part

VERSIONS = ("3.9", "4.1")
USER = "story"
PASSWORD = "story secret #42"
CLUSTER_ID = "c3Rvcnktb2Yta2Fma2EtMQ"  # 16 bytes in base64


class Kafka(Program):
    name = "kafka"

    def __init__(self, version="4.1", secure=False, settings=None, partitions=1):
        super().__init__()
        self.version = version
        self.secure = secure
        self.settings = settings or {}
        self.partitions = partitions
        self.port, self.inner_port, self.controller_port = free_port(), free_port(), free_port()
        self.brokers = "127.0.0.1:%d" % self.port
        self.inside = "127.0.0.1:%d" % self.inner_port  # without TLS and password, for the story itself
        self.ca = os.path.join(self.folder, "ca.crt")
        self.classes = os.path.join(part("kafka-" + version), "*")
        self.asks = None

    def __enter__(self):
        if self.secure:
            self.make_certificates()
        self.write_settings()
        made = subprocess.run(self.java("kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER_ID, "--config", self.settings_path,
                                        "--add-scram", "SCRAM-SHA-512=[name=%s,password=\"%s\"]" % (USER, PASSWORD),
                                        "--add-scram", "SCRAM-SHA-256=[name=%s,password=\"%s\"]" % (USER, PASSWORD)),
                              cwd=self.folder, capture_output=True, text=True)
        check(made.returncode == 0, "kafka's folder is made: %s%s" % (made.stdout, made.stderr))
        self.restart()
        return self

    def java(self, main, *words):
        return ["java", "-Xmx384m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dlog4j2.level=WARN", "-cp", self.classes, main] + list(words)

    def write_settings(self):
        outer = "SASL_SSL" if self.secure else "PLAINTEXT"
        self.settings_path = os.path.join(self.folder, "server.properties")
        settings = {
            "process.roles": "broker,controller", "node.id": "1",
            "controller.quorum.voters": "1@127.0.0.1:%d" % self.controller_port,
            "listeners": "OUTER://127.0.0.1:%d,INNER://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d" % (
                self.port, self.inner_port, self.controller_port),
            "advertised.listeners": "OUTER://127.0.0.1:%d,INNER://127.0.0.1:%d" % (self.port, self.inner_port),
            "listener.security.protocol.map": "OUTER:%s,INNER:PLAINTEXT,CONTROLLER:PLAINTEXT" % outer,
            "controller.listener.names": "CONTROLLER", "inter.broker.listener.name": "INNER",
            "log.dirs": os.path.join(self.folder, "data"),
            "num.partitions": str(self.partitions), "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": "1", "offsets.topic.num.partitions": "4", "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1", "transaction.state.log.num.partitions": "4",
            "share.coordinator.state.topic.replication.factor": "1", "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0", "log.retention.check.interval.ms": "1000",
            "log.cleaner.enable": "false", "broker.heartbeat.interval.ms": "500", "broker.session.timeout.ms": "3000", "num.network.threads": "2", "num.io.threads": "4",
        }
        if self.version == "3.9":
            del settings["share.coordinator.state.topic.replication.factor"], settings["share.coordinator.state.topic.min.isr"]
        if self.secure:
            settings.update({
                "listener.name.outer.sasl.enabled.mechanisms": "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN",
                "listener.name.outer.scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
                "listener.name.outer.scram-sha-256.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
                "listener.name.outer.plain.sasl.jaas.config": "org.apache.kafka.common.security.plain.PlainLoginModule required "
                                                              "user_%s=\"%s\";" % (USER, PASSWORD),
                "listener.name.outer.ssl.keystore.type": "PEM",
                "listener.name.outer.ssl.keystore.location": os.path.join(self.folder, "server.pem"),
            })
        settings.update(self.settings)
        with open(self.settings_path, "w") as f:
            f.writelines("%s=%s\n" % setting for setting in settings.items())

    def make_certificates(self):
        def openssl(*words):
            made = subprocess.run(["openssl"] + list(words), cwd=self.folder, capture_output=True, text=True)
            check(made.returncode == 0, "openssl %s: %s" % (words[0], made.stderr))

        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "30", "-subj", "/CN=story ca")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1")
        with open(os.path.join(self.folder, "names"), "w") as f:
            f.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-out",
                "server.crt", "-extfile", "names")
        with open(os.path.join(self.folder, "server.pem"), "w") as pem:
            for name in ("server.key", "server.crt", "ca.crt"):
                with open(os.path.join(self.folder, name)) as f:
                    pem.write(f.read())

    def restart(self, wait=True):
        """Begins, or begins again on the same folder and ports."""
        self.start(self.java("kafka.Kafka", self.settings_path))
        if wait:
            self.wait_ready()

    def wait_ready(self, timeout_s=90):
        def answers():
            check(self.process.poll() is None, "kafka runs: %s" % self.log_text())
            try:
                found = AdminClient(self.client()).list_topics(timeout=2)
                return found.brokers and all(at.leader >= 0 for topic in found.topics.values() for at in topic.partitions.values())
            except KafkaException:
                return False

        wait_until(answers, "kafka answers", timeout_s)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self, timeout_s=60):
        self.process.terminate()
        self.process.wait(timeout_s)

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def __exit__(self, *_):
        super().__exit__()
        shutil.rmtree(os.path.join(self.folder, "data"), ignore_errors=True)

    # How monoscope reaches it.

    def options(self):
        options = ["--kafka-brokers", self.brokers]
        if self.secure:
            options += ["--kafka-security-protocol", "sasl_ssl", "--kafka-sasl-username", USER, "--kafka-ca", self.ca]
        return options

    def environment(self):
        return {"MONOSCOPE_KAFKA_SASL_PASSWORD": PASSWORD} if self.secure else {}

    # How the story looks into it.

    def client(self, **more):
        return dict({"bootstrap.servers": self.inside, "log_level": 0}, **{name.replace("_", "."): value for name, value in more.items()})

    def admin(self):
        # Kept: what was asked ends with the client that asked.
        self.asks = self.asks or AdminClient(self.client())
        return self.asks

    def topics(self):
        return {name: len(topic.partitions) for name, topic in self.admin().list_topics(timeout=20).topics.items() if not name.startswith("__")}

    def topic_create(self, topic, partitions=1, **settings):
        made = self.admin().create_topics([NewTopic(topic, partitions, 1, config={n.replace("_", "."): v for n, v in settings.items()})])
        made[topic].result(30)

    def topic_delete(self, topic):
        self.admin().delete_topics([topic])[topic].result(30)
        wait_until(lambda: topic not in self.topics(), "topic %s is gone" % topic)

    def topic_settings(self, topic):
        resource = ConfigResource(ResourceType.TOPIC, topic)
        return {name: entry.value for name, entry in self.admin().describe_configs([resource])[resource].result(20).items()}

    def topic_set(self, topic, name, value):
        from confluent_kafka.admin import AlterConfigOpType, ConfigEntry
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)])
        self.admin().incremental_alter_configs([resource])[resource].result(20)

    def ends(self, topic):
        consumer = Consumer(self.client(group_id="story-looks"))
        try:
            found = consumer.list_topics(topic, timeout=20).topics[topic].partitions
            return {number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=20) for number in found}
        finally:
            consumer.close()

    def records(self, topic, timeout_s=60):
        """Every record up to the ends of now, by partition and offset; those of transactions that were given up are left out."""
        ends = self.ends(topic)
        consumer = Consumer(self.client(group_id="story-looks", enable_auto_commit=False, enable_partition_eof=True, auto_offset_reset="earliest",
                                        fetch_message_max_bytes=70 << 20))
        consumer.assign([TopicPartition(topic, number, low) for number, (low, high) in ends.items() if high > low])
        left = {number for number, (low, high) in ends.items() if high > low}
        found = []
        end = time.monotonic() + timeout_s
        while left and time.monotonic() < end:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                left.discard(message.partition())  # its end
            else:
                found.append(message)
        consumer.close()
        check(not left, "%s is read to its end within %d s" % (topic, timeout_s))
        return sorted(found, key=lambda message: (message.partition(), message.offset()))

    def produce(self, topic, value, key=None, headers=None, partition=None):
        """Acknowledged when it returns: (partition, offset)."""
        answers = []
        producer = Producer(self.client(acks="all", message_max_bytes=70 << 20))
        producer.produce(topic, value, key=key, headers=headers, on_delivery=lambda error, message: answers.append((error, message)),
                         **({} if partition is None else {"partition": partition}))
        producer.flush(30)
        check(answers and answers[0][0] is None, "kafka takes a record: %s" % (answers[0][0] if answers else "no answer"))
        return answers[0][1].partition(), answers[0][1].offset()

    def group(self, name):
        described = self.admin().describe_consumer_groups([name])[name].result(20)
        return {member.client_id: sorted((at.topic, at.partition) for at in member.assignment.topic_partitions) for member in described.members}

    def group_offsets(self, name):
        from confluent_kafka import ConsumerGroupTopicPartitions
        found = self.admin().list_consumer_group_offsets([ConsumerGroupTopicPartitions(name)])[name].result(20)
        return {(at.topic, at.partition): at.offset for at in found.topic_partitions}
