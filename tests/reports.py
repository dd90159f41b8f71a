"""Records for tests of the report: large ones, hostile ones, one without a search."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

from lenetml.record import Record

# Words of the English pages that no Portuguese one may hold.
ENGLISH = re.compile(
    r"\b(all|and|best|card|changed|chosen|class|cost|curves?|each|environment|epochs?|estimated|"
    r"examples|filter|from|images|interrupted|is|loss|matrix|measured|memory|none|not|of|or|"
    r"parameters|report|result|run|seed|select(ed)?|spec|status|stopped|test|the|time|to|"
    r"training|trials?|validation|versions|was|where|with|worst|yes)\b",
    re.IGNORECASE,
)
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "<img src=x onerror=alert(1)>",
    "\"' onload=alert(1) x='\"",
    "</style><style>*{display:none}</style>",
    "]]></pre></table></main><h1>x</h1>",
    "&lt;b&gt; &#60;i&#62; \\u003cb\\u003e",
    "{{ 7 * 7 }} {% raw %} %(n)s ${alert(1)} `",
    "\u202egnp\u200b.\x07\x1b[31m\u2028\r\n\t",
    "javascript:alert(1) https://example.org/x.png",
    "__proto__",
)
CASES = Path(__file__).parent / "cases"
# A PNG of one pixel.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154"
    "789c63f8ffff3f0005fe02fe0def46b80000000049454e44ae426082"
)


def read(name: str = "") -> Record:
    return Record.model_validate_json((CASES / f"record{name}.json").read_bytes())


def remade(record: Record, change: Any) -> Record:
    """A record after a change of its JSON."""
    document = record.model_dump(mode="json")
    change(document)
    return Record.model_validate_json(json.dumps(document))


def of_many(n: int, n_epochs: int) -> Record:
    """A search of many trials, every tenth of which failed."""
    rng = random.Random(n)

    def change(document: dict[str, Any]) -> None:
        first = document["trials"][0]
        trials = []
        for number in range(1, n + 1):
            failed = number % 10 == 0
            accuracy = None if failed else round(rng.uniform(0.5, 0.99), 4)
            history = {
                name: [rng.random() for _ in range(n_epochs)]
                for name in ("loss", "accuracy", "val_loss", "val_accuracy")
            }
            trials.append(
                first
                | {
                    "number": number,
                    "status": "failed" if failed else "completed",
                    "values": first["values"] | {"learning_rate": 10 ** rng.uniform(-4, -1)},
                    "objective": accuracy,
                    "val": None if failed else first["val"] | {"accuracy": accuracy},
                    "parameters": rng.randint(1_000, 500_000),
                    "seconds": rng.uniform(1, 100),
                    "epochs": n_epochs,
                    "best_epoch": None if failed else rng.randint(1, n_epochs),
                    "history": {} if failed else history,
                    "reason": "non_finite" if failed else None,
                }
            )
        document["trials"] = trials
        winner = max(trials, key=lambda trial: trial["objective"] or 0)
        document["best"] |= {"number": winner["number"], "values": winner["values"]}

    return remade(read(), change)


def without_search() -> Record:
    """One fixed network."""

    def change(document: dict[str, Any]) -> None:
        trial = document["trials"][2] | {"values": {}, "number": 1}
        document["trials"] = [trial]
        document["best"] |= {"number": 1, "values": {}}
        document["search"] |= {"strategy": None, "space": [], "trials_asked": 1}
        del document["spec"]["search"], document["spec"]["search_space"]

    return remade(read(), change)


def hostile(text: str) -> Record:
    """A record in which every text that people or machines give is a hostile one."""

    def change(document: dict[str, Any]) -> None:
        spec = document["spec"]
        spec |= {"title": text, "description": [text, text]}
        spec["card"] = {"languages": ["en", "pt"], "caveats": text, "contact": text}
        document["data"] |= {
            "dataset": text,
            "source": text,
            "classes": [f"{text}{i}" for i in "0123"],
        }
        for each in document["test"]["per_class"]:
            each["name"] = text
        document["overrides"] = [text]
        document["command"] = text
        document["environment"] |= {"cpu": text, "platform": text, "isa": text, "gpus": [text]}
        document["environment"]["versions"] = {text: text}
        for space in document["search"]["space"]:
            if space["name"] == "activation":
                space["values"] = [text, "relu"]
        for trial in document["trials"]:
            trial["values"]["activation"] = text
            trial["message"] = text
        document["trials"][1]["reason"] = text

    return remade(read(), change)
