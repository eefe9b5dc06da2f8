"""Meaning alone on the sets of tests/search_quality: static models in folders, and the teacher, beside each other.

    python compare.py FOLDER… [teacher]

The same ranking as tests/search_quality/meaning.rs: hit@1, hit@5 and MRR@10.
"""

import sys
import tomllib
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from make import unknown_ids

SETS = Path(__file__).parent / "../../tests/search_quality"
WINDOW, STEP = 30, 15


def static(folder: Path):
    """The embedding function of a static model."""
    rows = load_file(folder / "model.safetensors")["embeddings"].astype(np.float32)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    unknown = unknown_ids(tokenizer)

    def encode(texts):
        vectors = np.zeros((len(texts), rows.shape[1]), np.float32)
        for vector, encoding in zip(vectors, tokenizer.encode_batch(texts, add_special_tokens=False)):
            ids = [number for number in encoding.ids if number not in unknown]
            if ids:
                vector[:] = rows[ids].mean(0)
                vector /= max(np.linalg.norm(vector), 1e-9)
        return vectors

    return encode


def windows(text: str) -> list[str]:
    words = text.split()
    return [" ".join(words[start : start + WINDOW]) for start in range(0, max(1, len(words) - WINDOW + STEP), STEP)]


def rankings(encode, documents, questions):
    """Names and similarities, a row for each question."""
    asked = encode([question["text"] for question in questions])
    whole = asked @ encode([". ".join(part for part in (document.get("heading"), document["text"]) if part) for document in documents]).T
    yield "one vector", whole
    if "heading" in documents[0]:
        heading = asked @ encode([document["heading"] for document in documents]).T
        window = np.stack([(asked @ encode(windows(document["text"])).T).max(1) for document in documents], 1)
        yield "heading + window + whole", 0.4 * heading + 0.3 * window + 0.3 * whole


def figure(scores) -> str:
    """The mean, and the bounds of the middle 95 of 100 means of resamplings."""
    means = np.random.default_rng(1).choice(scores, (2000, len(scores))).mean(1)
    return "{:.3f} ({:.3f} to {:.3f})".format(np.mean(scores), *np.quantile(means, [0.025, 0.975]))


def main():
    for name in sys.argv[1:]:
        if name == "teacher":
            from teacher import Teacher

            encode = Teacher().encode
        else:
            encode = static(Path(name))
        for kind in ("runbooks", "comments"):
            data = tomllib.loads((SETS / f"{kind}.toml").read_text())
            places = {document["id"]: place for place, document in enumerate(data["document"])}
            for ranking, similarities in rankings(encode, data["document"], data["question"]):
                right = [places[question["answer"]] for question in data["question"]]
                ranks = np.array([(row > row[place]).sum() + 1 for row, place in zip(similarities, right)])
                scores = (ranks <= 1, ranks <= 5, np.where(ranks <= 10, 1 / ranks, 0))
                print(f"{name}, {kind}, {ranking}: hit@1 {{}}, hit@5 {{}}, MRR {{}}".format(*map(figure, scores)), flush=True)


if __name__ == "__main__":
    main()
