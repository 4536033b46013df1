"""Answers that are kept. A release never changes within its epoch: asking again costs no units, but points and time,
and brings the same numbers. So keep them until `epoch` changes, once a week."""

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
        """The answer to this question if it is of this epoch. A file that cannot be read is no answer."""
        try:
            kept = json.loads(self._file(question).read_text())
            if kept["epoch"] != epoch:
                return None
            return Answer(model.model_validate(kept["data"]), [ApiError(**error) for error in kept["errors"]])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, question: object, epoch: str, answer: Answer[Any]) -> None:
        """For answers that hold for the whole epoch only: the caller looks at their errors."""
        kept = {
            "epoch": epoch,
            "data": answer.data.model_dump(by_alias=True, mode="json"),
            "errors": [asdict(error) for error in answer.errors],
        }
        file = self._file(question)
        self.folder.mkdir(parents=True, exist_ok=True)
        # Written beside and moved: nobody ever reads half a file.
        beside = file.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps(kept))
        beside.replace(file)

    def _file(self, question: object) -> Path:
        name = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
        return self.folder / f"{name}.json"
