"""A cache of responses. A release never changes within its epoch: repeating a query costs no units, but points and
time, and returns the same numbers. So keep them until `epoch` changes, once a week."""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .client import Answer, ApiError, Data


class Store:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, question: object, epoch: str, model: type[Data]) -> Answer[Data] | None:
        """The response to this question if it is of this epoch; None if its file cannot be read."""
        try:
            kept = json.loads(self._file(question).read_text())
            if kept["epoch"] != epoch:
                return None
            return Answer(model.model_validate(kept["data"]), [ApiError(**error) for error in kept["errors"]])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, question: object, epoch: str, answer: Answer[Any]) -> None:
        """Only for responses that apply to the whole epoch: the caller must check their errors."""
        kept = {
            "epoch": epoch,
            "data": answer.data.model_dump(by_alias=True, mode="json"),
            "errors": [asdict(error) for error in answer.errors],
        }
        file = self._file(question)
        self.folder.mkdir(parents=True, exist_ok=True)
        # Written to a temporary file and renamed, so that no reader gets an incomplete file.
        temporary = file.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(kept))
        temporary.replace(file)

    def _file(self, question: object) -> Path:
        name = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
        return self.folder / f"{name}.json"
