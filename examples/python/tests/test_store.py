"""The cache of responses."""

from pathlib import Path

from spots_api import Price
from spots_example.client import Answer, ApiError
from spots_example.store import Store


def answer(points: int) -> Answer[Price]:
    quote = {"points": points, "maxQueryPoints": 9, "fits": True, "units": 0.5, "unitsLeft": 1, "dearestPaths": []}
    error = ApiError("No.", ["s01", "p1"], {"code": "INSUFFICIENT_DATA"})
    return Answer(Price.model_validate({"quote": quote}), [error])


def test_an_answer_is_kept_for_its_question_and_its_epoch(tmp_path: Path) -> None:
    store = Store(tmp_path / "new")
    store.put({"q": 1}, "2026-W22", answer(7))
    assert store.get({"q": 1}, "2026-W22", Price) == answer(7)
    assert store.get({"q": 2}, "2026-W22", Price) is None
    assert store.get({"q": 1}, "2026-W23", Price) is None


def test_a_new_epoch_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put("q", "2026-W22", answer(1))
    store.put("q", "2026-W23", answer(2))
    assert store.get("q", "2026-W23", Price) == answer(2)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_broken_file_is_no_answer(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put("q", "2026-W22", answer(1))
    for file in tmp_path.iterdir():
        file.write_text('{"epoch": "2026-W22", "da')
    assert store.get("q", "2026-W22", Price) is None
