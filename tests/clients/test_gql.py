"""Runs the checks of clients.test.mjs with the Python client gql against a running server:
SERVER=http://127.0.0.1:8099 KEY=... pytest test_gql.py
"""

import json
import os
import secrets
from hashlib import sha256

import pytest
from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXTransport

SEGMENT = "id slug name definitionHash"
PAGE = f"totalCount nodes {{ {SEGMENT} }} pageInfo {{ hasNextPage endCursor }}"


@pytest.fixture
def log():
    """The requests of a test with their responses."""
    return []


@pytest.fixture
def session(log):
    transport = HTTPXTransport(
        os.environ["SERVER"] + "/graphql",
        headers={"Authorization": "Bearer " + os.environ["KEY"]},
        event_hooks={"response": [log.append]},
    )
    with Client(transport=transport) as session:
        yield session


def execute(session, document, variables=None, **arguments):
    return session.execute(GraphQLRequest(document, variable_values=variables), **arguments)


def codes(error):
    return [one["extensions"]["code"] for one in error.value.errors]


def test_list(session):
    segments = execute(session, f"{{ segments(first: 2) {{ {PAGE} }} }}")["segments"]
    assert segments["totalCount"] >= 3
    assert len(segments["nodes"]) == 2


def test_pages(session):
    document = f"query ($after: String) {{ segments(first: 2, after: $after) {{ {PAGE} }} }}"
    segments = execute(session, document)["segments"]
    nodes = segments["nodes"]
    while segments["pageInfo"]["hasNextPage"]:
        segments = execute(session, document, {"after": segments["pageInfo"]["endCursor"]})["segments"]
        nodes += segments["nodes"]
    assert len({node["id"] for node in nodes}) == len(nodes) == segments["totalCount"]
    last = execute(session, f"{{ segments(last: 1) {{ {PAGE} }} }}")["segments"]["nodes"]
    assert last == nodes[-1:]


def test_errors(session):
    document = '{ good: segment(slug: "harbor-adults") { slug } bad: segment(slug: "no-such") { slug } }'
    with pytest.raises(TransportQueryError) as error:
        execute(session, document)
    assert error.value.data == {"good": {"slug": "harbor-adults"}, "bad": None}
    assert codes(error) == ["INVALID_SEGMENT"]
    with pytest.raises(TransportQueryError) as error:
        execute(session, "{ nonsense }")
    assert error.value.data is None
    assert codes(error) == ["INVALID_REQUEST"]


def test_persisted_query(session, log):
    # The server remembers the document, so its name is different in each run.
    document = f"query Persisted{secrets.token_hex(6)} {{ segments(first: 2) {{ nodes {{ {SEGMENT} }} }} }}"
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": sha256(document.encode()).hexdigest()}}
    only_hash = {"json": {"extensions": extensions}}
    both = {"json": {"extensions": extensions, "query": document}}
    with pytest.raises(TransportQueryError) as error:
        execute(session, document, extra_args=only_hash)
    assert error.value.errors[0]["message"] == "PersistedQueryNotFound"
    assert codes(error) == ["PERSISTED_QUERY_NOT_FOUND"]
    first = execute(session, document, extra_args=both)
    assert len(first["segments"]["nodes"]) == 2
    assert execute(session, document, extra_args=only_hash) == first
    sent = [json.loads(response.request.content) for response in log]
    assert ["query" in body for body in sent] == [False, True, False]


def test_ids(session):
    definition = {"regions": ["demo-harbor"]}
    save = f"mutation ($input: SaveSegmentInput!) {{ saveSegment(input: $input) {{ {SEGMENT} }} }}"
    execute(session, save, {"input": {"slug": "harbor-copy", "name": "Copy", "definition": definition}})
    try:
        document = f"""query ($definition: SegmentDefinition!) {{
          harbor: segment(slug: "harbor-adults") {{ {SEGMENT} }}
          copy: segment(slug: "harbor-copy") {{ {SEGMENT} }}
          cohort(definition: $definition) {{ {SEGMENT} }}
        }}"""
        nodes = execute(session, document, {"definition": definition}).values()
        assert len({node["id"] for node in nodes}) == 3
        assert len({node["definitionHash"] for node in nodes}) == 1
        assert [node["slug"] for node in nodes] == ["harbor-adults", "harbor-copy", None]
    finally:
        deleted = execute(session, 'mutation { deleteSegment(slug: "harbor-copy") }')
        assert deleted == {"deleteSegment": True}
