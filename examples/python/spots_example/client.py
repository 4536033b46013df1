"""Retries what may be retried, and keeps data and errors together. It knows nothing of segments: copy it as it is.

What to do is decided by `extensions.code`, never by a message: see /docs/errors.md of the server.
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

# Limits: the server says when there is room again.
LIMITS = {"RATE_LIMIT_EXCEEDED", "COST_LIMIT_EXCEEDED"}
# Passing faults: the same document may succeed. What was paid in units stays paid, so it is not paid twice.
PASSING = {"UNAVAILABLE", "TIMEOUT", "NO_ANSWER"}


@dataclass
class ApiError:
    """An error as the server writes it, beside the data."""

    message: str
    path: Sequence[str | int] = ()
    extensions: dict[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str | None:
        return self.extensions.get("code")


@dataclass
class Answer(Generic[Data]):
    """An answer: fields of `data` that were refused are None, and `errors` says why."""

    data: Data
    errors: list[ApiError]


class Refused(Exception):
    """There is no answer: the request was refused as a whole, or the server could not be reached."""

    def __init__(self, code: str, message: str, extensions: dict[str, Any] | None = None) -> None:
        self.code = code
        self.extensions = extensions or {}
        named = [name for name in ("retryAfterSeconds", "requestId", "docs") if name in self.extensions]
        details = [f"{name} {self.extensions[name]}" for name in named]
        super().__init__(f"{code}: {'; '.join([message, *details])}")


class RetryTransport(httpx.BaseTransport):
    """Sends a request again as long as its answer may be another one. Works below any client of httpx."""

    def __init__(
        self,
        inner: httpx.BaseTransport | None = None,
        *,
        attempts: int = 5,
        longest_wait: float = 90,
        on_wait: Callable[[float, str], None] = lambda seconds, code: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.inner = inner or httpx.HTTPTransport()
        self.attempts = attempts
        # A longer wait, such as for the next day, is left to the caller.
        self.longest_wait = longest_wait
        self.on_wait = on_wait
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
                # A query may be sent again though nobody knows whether it arrived. Think twice before you do so with a
                # mutation.
                cut, code, retry_after = error, "NO_ANSWER", None
            if code is not None and attempt < self.attempts:
                wait = wait_seconds(code, attempt, retry_after)
                if wait <= self.longest_wait:
                    self.on_wait(wait, code)
                    self.sleep(wait)
                    attempt += 1
                    continue
            if cut is not None:
                raise cut
            assert response is not None
            return response

    def close(self) -> None:
        self.inner.close()


def passing(response: httpx.Response) -> tuple[str | None, float | None]:
    """The code for which the request may be sent again, if there is one, and the seconds that the server asks for."""
    retry_after = seconds(response.headers.get("retry-after"))
    body = parse(response)
    if body is None:
        # Not the server's own: a proxy's. There the status decides.
        proxy = {429: "RATE_LIMIT_EXCEEDED", 502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "UNAVAILABLE"}
        return proxy.get(response.status_code), retry_after
    for error in body.get("errors") or []:
        extensions = error.get("extensions") or {}
        code = extensions.get("code")
        if code in LIMITS or code in PASSING:
            return code, extensions.get("retryAfterSeconds") if retry_after is None else retry_after
    return None, None


def wait_seconds(code: str, attempt: int, retry_after: float | None, chance: float | None = None) -> float:
    """As long as the server asks for, growing for passing faults, and a little chance so that workers do not march in
    step."""
    growing = 0 if code in LIMITS and retry_after is not None else 2 ** (attempt - 1)
    return max(retry_after or 0, growing) * (1 + (random.random() if chance is None else chance) / 4)


def connect(url: str, key: str, transport: RetryTransport) -> SpotsApi:
    """The generated client, with the key, retries, and more patience than the 10 seconds of the server."""
    headers = {
        "Authorization": f"Bearer {key}",
        # Documents that cannot run are 400 with this, not 200.
        "Accept": "application/graphql-response+json",
    }
    http = httpx.Client(headers=headers, transport=transport, timeout=20)
    # Not exactly what ariadne-codegen says that it wants, though the generated client itself makes one of these.
    return SpotsApi(url=url, http_client=http)  # type: ignore[arg-type]


def ask(model: type[Data], call: Callable[..., Data], *args: Any, **variables: Any) -> Answer[Data]:
    """Calls a method of the generated client. It raises where there are errors; half an answer is an answer here."""
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
            raise Refused("NOT_GRAPHQL", f"HTTP {error.response.status_code} without an answer of the API") from None
        raise refusal([api_error(each) for each in body.get("errors") or []]) from None
    except httpx.TransportError as error:
        raise Refused("NO_ANSWER", f"{type(error).__name__}: {error}") from error
    except GraphQLClientError as error:
        raise Refused("NOT_GRAPHQL", str(error)) from error


def refusal(errors: list[ApiError]) -> Refused:
    if not errors:
        return Refused("NO_DATA", "an answer without data and without an error")
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
