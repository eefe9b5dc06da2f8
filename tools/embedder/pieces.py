"""Texts and their word pieces by `tokenizers`, for the test that compares the program's own.

    python pieces.py ../../assets/embedder/tokenizer.json ../../tests/embedder/pieces.jsonl
"""

import json
import random
import sys
import tomllib
from pathlib import Path
from unicodedata import ucd_3_2_0

from tokenizers import Tokenizer

HERE = Path(__file__).parent
BY_HAND = [
    "", " ", "a", "The deck's own e-mail: ops@example.org!", "NAÏVE Café — “quoted” … done", "straße ŒUVRE İstanbul ǅ ﬁn", "tab\tnew\nline\r\nend",
    "nul\0inside and \x07bell\x0b\x0c", "zero\u200bwidth \u202eoverride \ufeffmark", "日本語のテキスト", "中文 and English", "한국어 문장", "emoji 👍🏽 👩‍👩‍👧 done",
    "Привет, мир", "שלום עולם", "नमस्ते दुनिया", "ภาษาไทย", "e\u0301 combining \u0327c", "a" * 100, "a" * 101, "é" * 100, "word" * 40, "1,234.56 $ % ^ & * `code`",
    "http://example.org/a_b-c?d=e&f=%20", "\u00a0non\u2003breaking\u3000space", "\ufffd replacement", "½ ² ™ ℃ ﷺ", "[CLS] [MASK] ##ing", "snake_case CamelCase kebab-case", "x\u0345 \u1fb3 ΑΣ Σ",
]  # fmt: skip


def main(tokenizer: Path, out: Path):
    reader = Tokenizer.from_file(str(tokenizer))
    texts = list(BY_HAND)
    for name in ("runbooks", "comments"):
        documents = tomllib.loads((HERE / f"../../tests/search_quality/{name}.toml").read_text())["document"]
        texts += [document["text"] for document in documents][::3]
    random.seed(1)
    planes = [range(0x20, 0x7F), range(0xA0, 0x250), range(0x300, 0x600), range(0x900, 0xE80), range(0x1E00, 0x2070), range(0x2070, 0x3100), range(0x4E00, 0x9FFF)]
    # Which characters are punctuation depends on the version of Unicode: those that are old enough are the same everywhere.
    old = [[character for character in plane if ucd_3_2_0.category(chr(character)) != "Cn"] for plane in planes]
    for _ in range(200):
        # Marks of another combining class are reordered by a full normalisation, and dropped either way.
        texts.append("".join(chr(random.choice(random.choice(old))) for _ in range(random.randint(3, 30))))
    unknown = reader.token_to_id("[UNK]")
    with out.open("w") as file:
        for text in texts:
            ids = reader.encode(text, add_special_tokens=False).ids
            pieces = [None if number == unknown else number for number in ids]
            file.write(json.dumps({"text": text, "pieces": pieces}, separators=(",", ":"), ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
