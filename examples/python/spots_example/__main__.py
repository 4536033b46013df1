"""Runs the example: see README.md."""

import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

from spots_api import FIT_GQL, BaseModel, Context, Fit, Price, SpotsApi

from .client import Refused, RetryTransport, ask, connect, refusal
from .ranking import rank
from .segments import compose
from .shop import SHOP
from .store import Store
from .table import table


def main() -> int:
    url = os.environ.get("SPOTS_URL") or "http://127.0.0.1:8080/graphql"
    key = os.environ.get("SPOTS_KEY")
    if not key:
        print("SPOTS_KEY is not set: it holds your API key. `demo` of the server prints one.", file=sys.stderr)
        return 2
    if not is_url(url):
        print(f"SPOTS_URL is not a URL: {url}", file=sys.stderr)
        return 2
    max_units = number(os.environ.get("SPOTS_MAX_UNITS") or "1")
    if max_units is None:
        print(f"SPOTS_MAX_UNITS is not a number of privacy units: {os.environ['SPOTS_MAX_UNITS']}", file=sys.stderr)
        return 2
    retries = RetryTransport(
        on_wait=lambda seconds, code: print(f"{code}: waiting {seconds:.1f} s", file=sys.stderr),
        on_give_up=lambda seconds, code: print(
            f"{code}: a new attempt would have to wait for {math.ceil(seconds)} s; giving up", file=sys.stderr
        ),
    )
    store = Store(Path(".cache"))

    with connect(url, key, retries) as api:
        first = ask(Context, api.context)
        context = first.data
        if context.everybody is None:
            raise refusal(first.errors)
        epoch = context.everybody.window.epoch
        segments = compose(context.vocabulary)
        variables: dict[str, BaseModel] = {segment.alias: segment.definition for segment in segments}
        variables |= {alias: product.state for alias, product in SHOP.items()}
        plain = {
            alias: value.model_dump(by_alias=True, exclude_unset=True, mode="json")
            for alias, value in variables.items()
        }

        # Whether an overlapping segment is withheld depends on the key, so the response is cached by key.
        question = {"url": url, "key": context.viewer.keyId, "document": FIT_GQL, "variables": plain}
        answer = store.get(question, epoch, Fit)
        if answer is not None:
            print(f"epoch {epoch}: cached response, no further request and no units")
        elif affordable(api, plain, max_units):
            answer = ask(Fit, api.fit, **variables)
        else:
            return 1

    ranking = rank(answer.data, answer.errors, segments, SHOP)
    answered = [getattr(answer.data, segment.alias) for segment in segments]
    # Cache only results that apply to the whole epoch: not a spent budget, nor a null without a listed error.
    answered_epoch = next((segment.p1.release.epoch for segment in answered if segment and segment.p1), None)
    final = all(entry.code in ("quality LOW", "INSUFFICIENT_DATA") for entry in ranking.left_out)
    if answered_epoch is not None and final:
        store.put(question, answered_epoch, answer)

    fits = [fit for segment in answered if segment for fit in (segment.p1, segment.p2, segment.p3) if fit]
    ignored = sorted({term for fit in fits for term in fit.ignored})
    if ignored:
        print(f"terms that are not in the vocabulary: {', '.join(ignored)}")
    print(f"\n{table(ranking, SHOP)}\n")
    print(f"{len(segments)} segments, {ranking.scores} scores, {len(ranking.left_out)} left out")
    if ranking.scores > 0:
        return 0
    print("There is no score: the ranking is the popularity alone.", file=sys.stderr)
    for line in sorted({f"{error.code}: {error.message}" for error in answer.errors}):
        print(f"  {line}", file=sys.stderr)
    return 1


def affordable(api: SpotsApi, variables: Mapping[str, object], max_units: float) -> bool:
    """Requests the price; False if the document costs too many points, or more units than this run may spend."""
    answer = ask(Price, api.price, FIT_GQL, variables)
    quote = answer.data.quote
    if quote is None:
        raise refusal(answer.errors)
    print(
        f"price: {quote.points} of {quote.maxQueryPoints} points, "
        f"at most {quote.units:g} units of {quote.unitsLeft:g} left"
    )
    if not quote.fits:
        print("The document costs more points than this key may spend on one. Most expensive paths:", file=sys.stderr)
        for place in quote.dearestPaths:
            print(f"  {place.path}: {place.points}", file=sys.stderr)
        return False
    if quote.units > max_units:
        print(
            f"This run may spend {max_units:g} units: set SPOTS_MAX_UNITS={math.ceil(quote.units)} to permit the query",
            file=sys.stderr,
        )
        return False
    # Not a reason to stop: `units` includes releases that this key was shown before, which are free. A document is
    # charged or rejected as a whole, so sending it is safe.
    if quote.units > quote.unitsLeft:
        print("more units than are left: answered only if most releases were shown before")
    return True


def number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value >= 0 else None


def is_url(text: str) -> bool:
    try:
        return httpx.URL(text).scheme in ("http", "https")
    except httpx.InvalidURL:
        return False


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Refused, ValueError) as error:
        sys.exit(str(error))
