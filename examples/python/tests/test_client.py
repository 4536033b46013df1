"""Retries: what is sent again, after how long, and what is not."""

from typing import Any

import pytest

from spots_api import Context
from spots_example.client import Answer, Refused, RetryTransport, ask, connect, wait_seconds

from .server import CUT, Reply, Server

CONTEXT = {
    "vocabulary": {"regions": ["a"], "ageBands": []},
    "viewer": {"keyId": "k1"},
    "everybody": {"window": {"epoch": "2026-W22"}},
}
GOOD = Reply({"data": CONTEXT})


def refused(code: str, **more: Any) -> dict[str, Any]:
    return {"errors": [{"message": "As the server says.", "extensions": {"code": code, "requestId": "r1", **more}}]}


def within(waits: list[float], *lows: float) -> None:
    """Each wait is the requested one plus jitter."""
    assert len(waits) == len(lows)
    for wait, low in zip(waits, lows, strict=True):
        assert low <= wait <= low * 1.25


def context(server: Server, **settings: Any) -> Answer[Context]:
    with server.client(**settings) as api:
        return ask(Context, api.context)


def test_an_answer_comes_with_data_and_the_request_as_the_server_wants_it() -> None:
    with Server([GOOD]) as server:
        answer = context(server)
    assert answer.data.viewer.keyId == "k1"
    assert answer.errors == []
    headers, body = server.seen[0]
    assert headers["authorization"] == "Bearer secret"
    assert headers["accept"] == "application/graphql-response+json"
    assert body["query"].strip().startswith("query Context")


@pytest.mark.parametrize("code", ["RATE_LIMIT_EXCEEDED", "COST_LIMIT_EXCEEDED"])
def test_429_waits_as_long_as_retry_after_says_then_asks_the_same(code: str) -> None:
    with Server([Reply(refused(code, retryAfterSeconds=5), 429, {"Retry-After": "7"}), GOOD]) as server:
        assert context(server).data.viewer.keyId == "k1"
    within(server.waits, 7)
    assert server.seen[0][1] == server.seen[1][1]


def test_without_the_header_retry_after_seconds_says_how_long() -> None:
    with Server([Reply(refused("RATE_LIMIT_EXCEEDED", retryAfterSeconds=5), 429), GOOD]) as server:
        context(server)
    within(server.waits, 5)


def test_a_limit_of_the_day_is_not_waited_for() -> None:
    reply = Reply(refused("RATE_LIMIT_EXCEEDED", retryAfterSeconds=40000), 429, {"Retry-After": "40000"})
    given_up: list[str] = []
    with Server([reply]) as server, pytest.raises(Refused, match="retryAfterSeconds 40000") as caught:
        context(server, on_give_up=lambda seconds, code: given_up.append(code))
    assert given_up == ["RATE_LIMIT_EXCEEDED"]
    assert caught.value.code == "RATE_LIMIT_EXCEEDED"
    assert len(server.seen) == 1 and server.waits == []


@pytest.mark.parametrize("code", ["UNAVAILABLE", "TIMEOUT"])
def test_503_is_tried_again_at_growing_intervals(code: str) -> None:
    busy = Reply(refused(code, retryable=True), 503, {"Retry-After": "1"})
    with Server([busy, busy, busy, GOOD]) as server:
        context(server)
    within(server.waits, 1, 2, 4)


def test_attempts_end() -> None:
    with Server([Reply(refused("UNAVAILABLE"), 503)]) as server, pytest.raises(Refused) as caught:
        context(server, attempts=3)
    assert caught.value.code == "UNAVAILABLE"
    assert len(server.seen) == 3 and len(server.waits) == 2


def test_a_connection_that_is_cut_is_tried_again() -> None:
    with Server([CUT, GOOD]) as server:
        assert context(server).data.viewer.keyId == "k1"
    within(server.waits, 1)


def test_a_server_that_is_away_is_an_error_that_says_so() -> None:
    with Server([CUT]) as server, pytest.raises(Refused) as caught:
        context(server, attempts=2)
    assert caught.value.code == "NO_ANSWER"
    with Server([GOOD]) as gone:
        pass
    with pytest.raises(Refused, match="ConnectError"), connect(gone.url, "k", RetryTransport(attempts=1)) as api:
        ask(Context, api.context)


def test_a_proxys_502_is_tried_again_its_404_is_not() -> None:
    with Server([Reply("<html>Bad Gateway</html>", 502), GOOD]) as passing:
        context(passing)
    within(passing.waits, 1)
    with Server([Reply("<html>Not Found</html>", 404)]) as lasting, pytest.raises(Refused) as caught:
        context(lasting)
    assert caught.value.code == "NOT_GRAPHQL"
    assert len(lasting.seen) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "QUERY_TOO_COSTLY"),
        (400, "INVALID_REQUEST"),
        (400, "DOCUMENT_TOO_COMPLEX"),
        (401, "AUTHENTICATION_FAILED"),
        (401, "API_KEY_EXPIRED"),
        (500, "INTERNAL_ERROR"),
        (503, "A_CODE_OF_TOMORROW"),
    ],
)
def test_other_codes_are_not_repeated(status: int, code: str) -> None:
    with (
        Server([Reply(refused(code), status, {"Retry-After": "1"})]) as server,
        pytest.raises(Refused, match="r1") as caught,
    ):
        context(server)
    assert caught.value.code == code
    assert len(server.seen) == 1


def test_a_document_that_is_refused_with_200_is_a_refusal_too() -> None:
    with Server([Reply(refused("INVALID_REQUEST"))]) as server, pytest.raises(Refused) as caught:
        context(server)
    assert caught.value.code == "INVALID_REQUEST"


@pytest.mark.parametrize("code", ["FORBIDDEN", "INSUFFICIENT_DATA", "PRIVACY_BUDGET_EXHAUSTED"])
def test_an_error_beside_data_is_kept_with_it_and_not_repeated(code: str) -> None:
    error = {"message": "No.", "path": ["s01", "p1"], "extensions": {"code": code, "reason": "BECAUSE"}}
    with Server([Reply({"data": CONTEXT, "errors": [error]})]) as server:
        answer = context(server)
    assert answer.data.viewer.keyId == "k1"
    assert [(each.path, each.code, each.extensions["reason"]) for each in answer.errors] == [
        (["s01", "p1"], code, "BECAUSE")
    ]
    assert len(server.seen) == 1


def test_a_field_that_is_unavailable_is_asked_again_and_what_came_is_answered_when_attempts_end() -> None:
    busy = Reply(
        {"data": CONTEXT, "errors": [{"message": "Busy.", "path": ["x"], "extensions": {"code": "UNAVAILABLE"}}]}
    )
    with Server([busy, GOOD]) as passing:
        assert context(passing).errors == []
    with Server([busy]) as lasting:
        assert [error.code for error in context(lasting, attempts=2).errors] == ["UNAVAILABLE"]
    assert len(lasting.seen) == 2


def test_data_that_is_null_as_a_whole_is_a_refusal() -> None:
    with Server([Reply({"data": None, **refused("BAD_USER_INPUT")})]) as server, pytest.raises(Refused) as caught:
        context(server)
    assert caught.value.code == "BAD_USER_INPUT"


def test_waits_are_never_shorter_than_the_server_asks_and_at_most_a_quarter_longer() -> None:
    assert wait_seconds("RATE_LIMIT_EXCEEDED", 4, 10, 0) == 10
    assert wait_seconds("RATE_LIMIT_EXCEEDED", 4, 10, 1) == 12.5
    assert wait_seconds("UNAVAILABLE", 4, 1, 0) == 8
    assert wait_seconds("UNAVAILABLE", 1, 30, 0) == 30
    assert wait_seconds("NO_ANSWER", 3, None, 0) == 4
    assert wait_seconds("RATE_LIMIT_EXCEEDED", 2, None, 0) == 2
