"""Retries requests that may be retried, and keeps data and errors together. It does not depend on segments: copy it as
it is.

Decisions are based on `extensions.code`, never on a message: see /docs/errors.md of the server.
"""

import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

import httpx

from spots_api import (
    BaseModel,
    GraphQLClientError,
    GraphQLClientGraphQLMultiError,
    GraphQLClientHttpError,
    GraphQLClientInvalidResponseError,
    SpotsApi,
)

Data = TypeVar("Data", bound=BaseModel)

# Exceeded limits: the server says when a request fits again.
LIMITS = {"RATE_LIMIT_EXCEEDED", "COST_LIMIT_EXCEEDED"}
# Temporary faults: the same document may succeed. Units that were charged are not charged again.
PASSING = {"UNAVAILABLE", "TIMEOUT", "NO_ANSWER"}


@dataclass
class ApiError:
    """An error in the format of the server."""

    message: str
    path: Sequence[str | int] = ()
    extensions: dict[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str | None:
        return self.extensions.get("code")


@dataclass
class Answer(Generic[Data]):
    """A response: fields of `data` that failed are None, and `errors` has the cause."""

    data: Data
    errors: list[ApiError]


class Refused(Exception):
    """There is no data: the request was rejected as a whole, or the server could not be reached."""

    def __init__(self, code: str, message: str, extensions: dict[str, Any] | None = None) -> None:
        self.code = code
        self.extensions = extensions or {}
        named = [name for name in ("retryAfterSeconds", "requestId", "docs") if name in self.extensions]
        details = [f"{name} {self.extensions[name]}" for name in named]
        super().__init__(f"{code}: {'; '.join([message, *details])}")


class RetryTransport(httpx.BaseTransport):
    """Repeats a request as long as a retry may succeed. Works below any httpx client."""

    def __init__(
        self,
        inner: httpx.BaseTransport | None = None,
        *,
        attempts: int = 5,
        longest_wait: float = 60,
        on_wait: Callable[[float, str], None] = lambda seconds, code: None,
        on_give_up: Callable[[float, str], None] = lambda seconds, code: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.inner = inner or httpx.HTTPTransport()
        self.attempts = attempts
        # The transport gives up instead of waiting longer than this, such as for the next day.
        self.longest_wait = longest_wait
        self.on_wait = on_wait
        self.on_give_up = on_give_up
        self.sleep = sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        attempt = 1
        while True:
            response, cut = None, None
            try:
                response = self.inner.handle_request(request)
                response.read()
                code, retry_after = passing(response)
            except httpx.TransportError as error:
                # It is unknown whether the request arrived. A query may be sent again in this case; check a mutation
                # first.
                cut, code, retry_after = error, "NO_ANSWER", None
            if code is not None and attempt < self.attempts:
                wait = wait_seconds(code, attempt, retry_after)
                if wait <= self.longest_wait:
                    self.on_wait(wait, code)
                    self.sleep(wait)
                    attempt += 1
                    continue
                self.on_give_up(wait, code)
            if cut is not None:
                raise cut
            assert response is not None
            return response

    def close(self) -> None:
        self.inner.close()


def passing(response: httpx.Response) -> tuple[str | None, float | None]:
    """The code that permits a retry, if there is one, and the wait that the server requests, in seconds."""
    retry_after = seconds(response.headers.get("retry-after"))
    body = parse(response)
    if body is None:
        # Not a response of the API: it comes from a proxy. Then the status decides.
        proxy = {429: "RATE_LIMIT_EXCEEDED", 502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "UNAVAILABLE"}
        return proxy.get(response.status_code), retry_after
    for error in body.get("errors") or []:
        extensions = error.get("extensions") or {}
        code = extensions.get("code")
        if code in LIMITS or code in PASSING:
            return code, extensions.get("retryAfterSeconds") if retry_after is None else retry_after
    return None, None


def wait_seconds(code: str, attempt: int, retry_after: float | None, jitter: float | None = None) -> float:
    """The wait that the server requests, growing for temporary faults, plus jitter so that workers do not
    synchronize."""
    growing = 0 if code in LIMITS and retry_after is not None else 2 ** (attempt - 1)
    return max(retry_after or 0, growing) * (1 + (random.random() if jitter is None else jitter) / 4)


def connect(url: str, key: str, transport: RetryTransport) -> SpotsApi:
    """The generated client, with the key, retries, and a timeout longer than the 10 seconds of the server."""
    headers = {
        "Authorization": f"Bearer {key}",
        # With this, documents that cannot run are 400 instead of 200.
        "Accept": "application/graphql-response+json",
    }
    http = httpx.Client(headers=headers, transport=transport, timeout=20)
    # Not exactly the type that ariadne-codegen declares, although the generated client itself creates one of these.
    return SpotsApi(url=url, http_client=http)  # type: ignore[arg-type]


def ask(model: type[Data], call: Callable[..., Data], *args: Any, **variables: Any) -> Answer[Data]:
    """Calls a method of the generated client, which raises if there are errors; here partial data is a result."""
    try:
        return Answer(call(*args, **variables), [])
    except GraphQLClientGraphQLMultiError as error:
        errors = [ApiError(each.message, each.path or (), each.extensions or {}) for each in error.errors]
        if error.data is not None:
            return Answer(model.model_validate(error.data), errors)
        raise refusal(errors) from None
    except (GraphQLClientHttpError, GraphQLClientInvalidResponseError) as error:
        body = parse(cast(httpx.Response, error.response))
        if body is None:
            raise Refused("NOT_GRAPHQL", f"HTTP {error.response.status_code} without a response of the API") from None
        raise refusal([api_error(each) for each in body.get("errors") or []]) from None
    except httpx.TransportError as error:
        raise Refused("NO_ANSWER", f"{type(error).__name__}: {error}") from error
    except GraphQLClientError as error:
        raise Refused("NOT_GRAPHQL", str(error)) from error


def refusal(errors: list[ApiError]) -> Refused:
    if not errors:
        return Refused("NO_DATA", "a response without data and without an error")
    return Refused(errors[0].code or "NO_CODE", errors[0].message, errors[0].extensions)


def api_error(error: dict[str, Any]) -> ApiError:
    return ApiError(error.get("message", ""), error.get("path") or (), error.get("extensions") or {})


def parse(response: httpx.Response) -> dict[str, Any] | None:
    try:
        body = json.loads(response.content)
    except ValueError:
        return None
    return body if isinstance(body, dict) and ("data" in body or "errors" in body) else None


def seconds(header: str | None) -> float | None:
    return float(header) if header is not None and header.strip().isdigit() else None
