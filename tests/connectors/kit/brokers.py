"""Queues, streams, tables and functions for cases: made as a case tells, written to, and looked into from outside."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import aiormq
import boto3
import pytest
from bson import json_util
from httpx import post
from redis import Redis

from connectors.sdk.context import Environment
from tests.connectors.kit.cases import Case, Digits, batch_in, exact_json
from tests.connectors.kit.drivers import Ground, destination_of, expected, outcome_of, told_job
from tests.support import rabbitmq as rabbit

Look = Callable[[], Any]
_REDIS_DATABASE = 9  # the program itself uses others
NAME = f"headrace-{os.getpid()}"
_KEYS = {"access_key_id": "AKIATEST", "secret_access_key": "test-secret", "region": "eu-central-1"}


async def play_broker(case: Case, ground: Ground) -> None:
    """Deliver the batches of a case to a broker made for it; compare results and what then arrived."""
    told = case.told
    async with BROKERS[case.key](told, ground) as (config, look):
        places = {"{name}": NAME}
        settings = json.loads(_with(json.dumps(told.get("settings", {}), default=_digits), places))
        config = {**config, **told.get("config", {})}
        destination = destination_of(case.key, config, Environment(outbound_allow=("*",)))
        job = told_job(destination, {**told, "settings": settings})
        destination.validate(job)
        async with destination.session(job) as session:
            outcomes = [await outcome_of(session.deliver(batch_in(_own(b)))) for b in told["batches"]]
        arrived = look()
        arrived = await arrived if isinstance(arrived, Awaitable) else arrived
    assert outcomes == [expected(b) for b in told["batches"]]
    assert arrived == told["arrived"]


def _own(batch: Mapping[str, Any]) -> Mapping[str, Any]:
    """The batch, with this process's own names in its rows."""
    rows = [[v.replace("{pid}", NAME) if isinstance(v, str) else v for v in row] for row in batch["rows"]]
    return {**batch, "rows": rows}


def _with(text: str, places: Mapping[str, str]) -> str:
    for mark, value in places.items():
        text = text.replace(mark, value)
    return text


def _digits(value: Any) -> Any:
    assert isinstance(value, Digits)
    return float(value.text)


def body_in(data: bytes | str) -> Any:
    """A message's JSON, or its text where it is none."""
    try:
        return exact_json(data)
    except ValueError:
        return data.decode() if isinstance(data, bytes) else data


def aws(ground: Ground, service: str) -> Any:
    """A plain client of the emulator, to look from outside."""
    return boto3.client(
        service,
        endpoint_url=ground.store_url,
        aws_access_key_id="AKIATEST",
        aws_secret_access_key="test-secret",
        region_name="eu-central-1",
    )


@asynccontextmanager
async def sqs(told: Mapping[str, Any], ground: Ground) -> AsyncIterator[tuple[dict[str, Any], Look]]:
    """Queues by name with their attributes."""
    client = aws(ground, "sqs")
    queues = {
        name: client.create_queue(QueueName=f"{NAME}-{name}", Attributes=about)["QueueUrl"]
        for name, about in told["queues"].items()
    }

    def look() -> dict[str, Any]:
        return {name: list(_received(client, url)) for name, url in queues.items()}

    try:
        yield {**_KEYS, "endpoint": ground.store_url}, look
    finally:
        for url in queues.values():
            client.delete_queue(QueueUrl=url)


def _received(client: Any, url: str) -> Iterator[dict[str, Any]]:
    asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "AttributeNames": ["All"], "MessageAttributeNames": ["All"]}
    while found := client.receive_message(**asked).get("Messages"):
        for message in found:
            along = {n: a["StringValue"] for n, a in message.get("MessageAttributes", {}).items()}
            system = {n: v for n, v in message["Attributes"].items() if n.startswith("MessageG") or "Dedup" in n}
            yield {"body": body_in(message["Body"]), **({"with": along} if along else {}), **system}
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


@asynccontextmanager
async def kinesis(told: Mapping[str, Any], ground: Ground) -> AsyncIterator[tuple[dict[str, Any], Look]]:
    """A stream of one shard."""
    client = aws(ground, "kinesis")
    client.create_stream(StreamName=NAME, ShardCount=1)

    def look() -> list[Any]:
        shard = client.describe_stream(StreamName=NAME)["StreamDescription"]["Shards"][0]["ShardId"]
        start = client.get_shard_iterator(StreamName=NAME, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        records = client.get_records(ShardIterator=start["ShardIterator"])["Records"]
        return [{"key": r["PartitionKey"], "body": body_in(r["Data"])} for r in records]

    try:
        yield {**_KEYS, "endpoint": ground.store_url}, look
    finally:
        client.delete_stream(StreamName=NAME)


@asynccontextmanager
async def eventbridge(told: Mapping[str, Any], ground: Ground) -> AsyncIterator[tuple[dict[str, Any], Look]]:
    """A bus whose events all go into a queue."""
    events, queues = aws(ground, "events"), aws(ground, "sqs")
    events.create_event_bus(Name=NAME)
    url = queues.create_queue(QueueName=NAME)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="all", EventBusName=NAME, EventPattern=json.dumps({"account": ["123456789012"]}))
    events.put_targets(Rule="all", EventBusName=NAME, Targets=[{"Id": "1", "Arn": arn}])

    def look() -> list[Any]:
        found = [message["body"] for message in _received(queues, url)]
        return [{name: event[name] for name in ("source", "detail-type", "time", "detail")} for event in found]

    try:
        yield {**_KEYS, "endpoint": ground.store_url}, look
    finally:
        events.remove_targets(Rule="all", EventBusName=NAME, Ids=["1"])
        events.delete_rule(Name="all", EventBusName=NAME)
        events.delete_event_bus(Name=NAME)
        queues.delete_queue(QueueUrl=url)


@asynccontextmanager
async def dynamodb(told: Mapping[str, Any], ground: Ground) -> AsyncIterator[tuple[dict[str, Any], Look]]:
    """A table with the told key, filled with the told items."""
    client = aws(ground, "dynamodb")
    keys = told["key"]
    client.create_table(
        TableName=NAME,
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": kind} for n, kind in keys.items()],
        KeySchema=[{"AttributeName": n, "KeyType": kind} for n, kind in zip(keys, ("HASH", "RANGE"), strict=False)],
        BillingMode="PAY_PER_REQUEST",
    )
    for item in told.get("items", ()):
        client.put_item(TableName=NAME, Item=item)

    def look() -> list[Any]:
        items = client.scan(TableName=NAME)["Items"]
        return sorted(items, key=lambda item: str([item[name] for name in keys]))

    try:
        yield {**_KEYS, "endpoint": ground.store_url}, look
    finally:
        client.delete_table(TableName=NAME)


@asynccontextmanager
async def function(told: Mapping[str, Any], ground: Ground) -> AsyncIterator[tuple[dict[str, Any], Look]]:
    """A function that answers as told. The emulator runs none, and keeps no payloads."""
    iam, client = aws(ground, "iam"), aws(ground, "lambda")
    role = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    code = {"ZipFile": bytes.fromhex("504b0506" + "00" * 18)}
    client.create_function(FunctionName=NAME, Runtime="python3.12", Role=role, Handler="f.f", Code=code)
    answers = {"results": [json.dumps(a) for a in told["answers"]], "region": "eu-central-1"}
    post(f"{ground.store_url}/moto-api/static/lambda-simple/response", json=answers).raise_for_status()
    try:
        yield {**_KEYS, "endpoint": ground.store_url}, list
    finally:
        client.delete_function(FunctionName=NAME)
        iam.delete_role(RoleName=NAME)


@asynccontextmanager
async def redis(told: Mapping[str, Any], ground: Ground) -> AsyncIterator[tuple[dict[str, Any], Look]]:
    """An empty database of the real server."""
    url = urlsplit(ground.redis_url)
    login = {"host": url.hostname, "port": url.port, "password": unquote(url.password or "") or None}
    login_of: Any = login
    client: Any = Redis(**login_of, username=url.username or None, db=_REDIS_DATABASE, decode_responses=True)
    client.flushdb()
    for command in told.get("before", ()):
        client.execute_command(*command)

    def look() -> dict[str, Any]:
        return {key: _held(client, key) for key in sorted(client.keys())}

    try:
        yield {**{n: v for n, v in login.items() if v}, "user": url.username, "database": _REDIS_DATABASE}, look
    finally:
        client.flushdb()
        client.close()


def _held(client: Any, key: str) -> Any:
    kind = client.type(key)
    if kind == "hash":
        return client.hgetall(key)
    if kind == "set":
        return sorted(client.smembers(key))
    if kind == "zset":
        members = client.zrange(key, 0, -1, withscores=True)
        return (
            {n: str(score) for n, score in members}
            if all(score < 1e9 for _, score in members)
            else [name for name, _ in members]
        )
    lasts = client.ttl(key)
    return client.get(key) + (f" for {lasts} s" if lasts > 0 else "")


@asynccontextmanager
async def rabbitmq(told: Mapping[str, Any], ground: Ground) -> AsyncIterator[tuple[dict[str, Any], Look]]:
    """Queues of the real server, by name with their arguments."""
    if not rabbit.answers():
        pytest.skip(rabbit.WORDS)
    config = {**rabbit.LOGIN, "protocol": "amqp", "management": "http://127.0.0.1:1"}
    connection = await aiormq.connect("amqp://{user}:{password}@{host}:{port}/".format(**rabbit.LOGIN))
    channel = await connection.channel()
    for name, about in told["queues"].items():
        await channel.queue_declare(f"{NAME}-{name}", arguments=about)

    async def taken(name: str) -> list[Any]:
        found = []
        while (message := await channel.basic_get(f"{NAME}-{name}", no_ack=True)).body:
            lasting = message.header.properties.delivery_mode == 2
            found.append({"body": body_in(message.body), "lasting": lasting})
        return found

    async def look() -> dict[str, Any]:
        return {name: await taken(name) for name in told["queues"]}

    try:
        yield config, look
    finally:
        for name in told["queues"]:
            await channel.queue_delete(f"{NAME}-{name}")
        await connection.close()


@asynccontextmanager
async def kafka(told: Mapping[str, Any], ground: Ground) -> AsyncIterator[tuple[dict[str, Any], Look]]:
    """Topics of librdkafka's mock cluster, of four partitions each."""
    library = pytest.importorskip("confluent_kafka", reason="the mock cluster is not installed; `make test` does that")
    admin = pytest.importorskip("confluent_kafka.admin")
    pytest.importorskip("aiokafka", reason="the driver is not installed; `make test` does that")
    cluster = admin.AdminClient({"test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = cluster.list_topics(timeout=10).brokers.values()
    for name in told["topics"]:
        cluster.list_topics(f"{NAME}-{name}", timeout=10)  # which makes it
    address = f"{broker.host}:{broker.port}"

    def taken(name: str) -> Iterator[dict[str, Any]]:
        reader = library.Consumer({"bootstrap.servers": address, "group.id": "look", "log_level": 0})
        places = [library.TopicPartition(f"{NAME}-{name}", n, library.OFFSET_BEGINNING) for n in range(4)]
        ends = sum(reader.get_watermark_offsets(place, 10)[1] for place in places)
        reader.assign(places)
        for message in reader.consume(ends, 10) if ends else ():
            headers = {key: value.decode() for key, value in message.headers() or ()}
            key = message.key() and message.key().decode()
            yield {"body": body_in(message.value()), "key": key, "headers": headers, "partition": message.partition()}
        reader.close()

    def look() -> dict[str, Any]:
        found = {name: list(taken(name)) for name in told["topics"]}
        return {name: sorted(messages, key=lambda m: int(m["partition"])) for name, messages in found.items()}

    yield {"brokers": address, "mechanism": "none", "tls": False}, look


@asynccontextmanager
async def mongodb(told: Mapping[str, Any], ground: Ground) -> AsyncIterator[tuple[dict[str, Any], Look]]:
    """A collection with the told documents and unique fields (extended JSON); looked at the same way."""
    port = ground.mongodb().port
    driver: Any = pytest.importorskip("pymongo", reason="the driver is not installed; `make test` does that")
    with driver.MongoClient("127.0.0.1", port, datetime_conversion="DATETIME_MS") as client:
        collection = client.cases.people
        collection.drop()
        client.cases.create_collection("people", **told.get("options", {}))
        for name in told.get("unique", ()):
            collection.create_index(name, unique=True)
        for document in told.get("documents", ()):
            collection.insert_one(json_util.loads(json.dumps(document, default=_digits)))

        def look() -> list[Any]:
            found = [
                exact_json(json_util.dumps(d, json_options=json_util.CANONICAL_JSON_OPTIONS)) for d in collection.find()
            ]
            return [{n: v for n, v in d.items() if "unique" not in told or n != "_id"} for d in found]

        yield {"host": "127.0.0.1", "port": port, "database": "cases", "tls": False}, look
        collection.drop()


Broker = Callable[[Mapping[str, Any], Ground], Any]
BROKERS: Mapping[str, Broker] = {
    "amazon_eventbridge": eventbridge,
    "amazon_kinesis": kinesis,
    "amazon_sqs": sqs,
    "apache_kafka": kafka,
    "aws_lambda": function,
    "dynamodb": dynamodb,
    "mongodb": mongodb,
    "rabbitmq": rabbitmq,
    "redis": redis,
}
