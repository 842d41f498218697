"""A small S3 and DynamoDB client for stories: it makes buckets and looks into stores with nothing but the standard library.

    s3 = S3Client(endpoint, key_id, secret, "us-east-1")
    s3.put("bucket", "a/b", b"..."); s3.get("bucket", "a/b"); s3.list("bucket", "a/"); s3.delete("bucket", "a/b")
    DynamoClient(endpoint, key_id, secret, "us-east-1").call("Scan", TableName="t")

Every request is signed (SigV4). An answer that is not 2xx raises AwsError with its status, code and text."""
import datetime
import hashlib
import hmac
import http.client
import json
import re
import urllib.parse
import xml.etree.ElementTree as ElementTree


class AwsError(Exception):
    def __init__(self, status, text):
        found = re.search(r"<Code>([^<]*)</Code>", text) or re.search(r'"__type":"[^"#]*#?([^"]*)"', text)
        self.status, self.code = status, found.group(1) if found else ""
        super().__init__("%d %s: %s" % (status, self.code, text[:400]))


def hmac_sha256(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class AwsClient:
    service = ""

    def __init__(self, endpoint, key_id, secret, region):
        self.host = urllib.parse.urlsplit(endpoint).netloc
        self.key_id, self.secret, self.region = key_id, secret, region

    def sign(self, method, path, query, headers, body):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        payload = hashlib.sha256(body).hexdigest()
        headers.update({"host": self.host, "x-amz-date": now, "x-amz-content-sha256": payload})
        names = sorted(name.lower() for name in headers)
        lower = {name.lower(): content.strip() for name, content in headers.items()}
        canonical = "\n".join([method, path, query, "".join("%s:%s\n" % (name, lower[name]) for name in names), ";".join(names), payload])
        scope = "%s/%s/%s/aws4_request" % (now[:8], self.region, self.service)
        to_sign = "AWS4-HMAC-SHA256\n%s\n%s\n%s" % (now, scope, hashlib.sha256(canonical.encode()).hexdigest())
        key = ("AWS4" + self.secret).encode()
        for part in scope.split("/"):
            key = hmac_sha256(key, part)
        headers["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
            self.key_id, scope, ";".join(names), hmac_sha256(key, to_sign).hex())

    def request(self, method, path, query=(), headers=None, body=b"", timeout_s=30):
        path = urllib.parse.quote(path, safe="/-_.~")
        query = "&".join(sorted("%s=%s" % (urllib.parse.quote(name, safe="-_.~"), urllib.parse.quote(str(content), safe="-_.~"))
                                for name, content in dict(query).items()))
        headers = dict(headers or {})
        self.sign(method, path, query, headers, body)
        connection = http.client.HTTPConnection(self.host, timeout=timeout_s)
        try:
            connection.request(method, path + ("?" + query if query else ""), body=body, headers=headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status // 100 != 2:
            raise AwsError(answer.status, content.decode(errors="replace"))
        return content, answer


class S3Client(AwsClient):
    service = "s3"

    def make_bucket(self, bucket):
        self.request("PUT", "/" + bucket)

    def put(self, bucket, key, content, if_absent=False):
        """False when if_absent and there is such a key."""
        try:
            self.request("PUT", "/%s/%s" % (bucket, key), headers={"If-None-Match": "*"} if if_absent else {}, body=content)
        except AwsError as error:
            if if_absent and error.status == 412:
                return False
            raise
        return True

    def get(self, bucket, key):
        """None when there is no such key."""
        try:
            return self.request("GET", "/%s/%s" % (bucket, key))[0]
        except AwsError as error:
            if error.status == 404:
                return None
            raise

    def delete(self, bucket, key):
        self.request("DELETE", "/%s/%s" % (bucket, key))

    def list(self, bucket, prefix=""):
        """{key: bytes} of all keys under a prefix."""
        found, token = {}, None
        while True:
            query = {"list-type": 2, "prefix": prefix}
            if token:
                query["continuation-token"] = token
            content, _ = self.request("GET", "/" + bucket, query)
            root = ElementTree.fromstring(re.sub(rb' xmlns="[^"]*"', b"", content, count=1))
            for one in root.findall("Contents"):
                found[one.findtext("Key")] = int(one.findtext("Size"))
            token = root.findtext("NextContinuationToken")
            if root.findtext("IsTruncated") != "true" or not token:
                return found


class DynamoClient(AwsClient):
    service = "dynamodb"

    def call(self, operation, **words):
        headers = {"X-Amz-Target": "DynamoDB_20120810." + operation, "Content-Type": "application/x-amz-json-1.0"}
        return json.loads(self.request("POST", "/", headers=headers, body=json.dumps(words).encode())[0])

    def make_log_table(self, table):
        """The table of Delta's S3DynamoDBLogStore."""
        self.call("CreateTable", TableName=table, BillingMode="PAY_PER_REQUEST",
                  AttributeDefinitions=[{"AttributeName": "tablePath", "AttributeType": "S"}, {"AttributeName": "fileName", "AttributeType": "S"}],
                  KeySchema=[{"AttributeName": "tablePath", "KeyType": "HASH"}, {"AttributeName": "fileName", "KeyType": "RANGE"}])

    def items(self, table):
        """All items, each as {name: text or number as text}."""
        return [{name: next(iter(content.values())) for name, content in item.items()} for item in self.call("Scan", TableName=table)["Items"]]
