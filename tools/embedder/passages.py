"""Short passages of prose to teach with: the documentation of open-source packages that lie on this machine.

    python passages.py OUT.txt --limit 40000 --crates ~/.cargo/registry/src/*/ --python SITE_PACKAGES --sources FOLDER_OF_SDISTS

Only packages whose own metadata names a permissive licence are read. The passages teach a model and are not kept: OUT.txt is thrown away.
"""

import argparse
import ast
import random
import re
import tarfile
from pathlib import Path

FREE = re.compile(r"\b(MIT|Apache|BSD|ISC|Zlib|Unlicense|0BSD|PSF|Python Software Foundation|Unicode-3\.0)\b", re.I)
NOT_FREE = re.compile(r"\b(A?GPL|LGPL|SSPL|BUSL|proprietary|non-?commercial)", re.I)
SHORTEST, LONGEST = 6, 70
"""Words in a passage."""


def is_free(metadata: str) -> bool:
    lines = [line for line in metadata.splitlines() if re.match(r"\s*(license|License|Classifier: License)", line)]
    return any(FREE.search(line) for line in lines) and not any(NOT_FREE.search(line) and " OR " not in line for line in lines)


def paragraphs(text: str):
    """Paragraphs of prose, without code, tables, markup and addresses."""
    text = re.sub(r"```.*?```|~~~.*?~~~", "\n\n", text, flags=re.S)
    text = re.sub(r"<[^>\n]{1,200}>|!?\[\]\([^)]*\)", " ", text)
    text = re.sub(r"!?\[([^\]\n]+)\](\([^)\n]*\)|\[[^\]\n]*\])?", r"\1", text)
    text = re.sub(r":[a-z:]+:`~?([^`<]+?)(\s*<[^>]*>)?`", r"\1", text)
    text = re.sub(r"https?://\S+", " ", text)
    for paragraph in re.split(r"\n\s*\n|\n\s*(?:[-*+]|\d+\.)\s+", text):
        lines = paragraph.splitlines()
        # reStructuredText marks code by its indent and directives by two dots; tables have bars.
        if any(re.match(r"\s*(\.\.|>>>|\||\+-|=====|\$ |#\[|@)", line) for line in lines):
            continue
        paragraph = re.sub(r"[`*_]{1,3}(?=\S)|(?<=\S)[`*_]{1,3}(?!\w)|^#+\s*", "", " ".join(" ".join(lines).split()))
        yield from pieces(paragraph.strip())


def pieces(paragraph: str):
    """The paragraph, or its sentences in groups that are short enough."""
    words = paragraph.split()
    if not words or sum(character.isalpha() or character == " " for character in paragraph) < 0.85 * len(paragraph):
        return
    if len(words) <= LONGEST:
        if len(words) >= SHORTEST:
            yield paragraph
        return
    group: list[str] = []
    for sentence in re.split(r"(?<=[.!?])\s+", paragraph):
        if group and len(group) + len(sentence.split()) > 45:
            if len(group) >= SHORTEST:
                yield " ".join(group)
            group = []
        group += sentence.split()
    if SHORTEST <= len(group) <= LONGEST:
        yield " ".join(group)


def of_crates(root: Path):
    for manifest in sorted(root.glob("*/Cargo.toml")):
        if not is_free(manifest.read_text(errors="replace")):
            continue
        for page in manifest.parent.rglob("*.md"):
            yield page.read_text(errors="replace")
        for source in manifest.parent.rglob("*.rs"):
            block: list[str] = []
            for line in [*source.read_text(errors="replace").splitlines(), ""]:
                said = re.match(r"\s*//[/!] ?(.*)", line)
                if said:
                    block.append(said[1])
                elif block:
                    yield "\n".join(block)
                    block = []


def of_python(root: Path):
    for metadata in sorted(root.glob("*.dist-info/METADATA")):
        text = metadata.read_text(errors="replace")
        if not is_free(text):
            continue
        yield text.partition("\n\n")[2]
        record = metadata.with_name("RECORD")
        for line in record.read_text().splitlines() if record.exists() else []:
            path = root / line.split(",")[0]
            if path.suffix == ".py" and path.is_file():
                yield from docstrings(path.read_text(errors="replace"))


def docstrings(source: str):
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            said = ast.get_docstring(node)
            if said:
                yield re.split(r"\n\s*(:param|Args:|Parameters\n|Returns|>>>)", said)[0]


def of_sources(root: Path):
    for archive in sorted(root.glob("*.tar.gz")):
        with tarfile.open(archive) as files:
            members = files.getmembers()
            metadata = [member for member in members if member.name.count("/") == 1 and member.name.endswith("/PKG-INFO")]
            if not metadata or not is_free(files.extractfile(metadata[0]).read().decode(errors="replace")):
                print(f"left out: {archive.name}")
                continue
            for member in members:
                if member.isfile() and member.name.endswith((".md", ".rst", ".txt", ".py")) and "/locale/" not in member.name:
                    text = files.extractfile(member).read().decode(errors="replace")
                    yield from docstrings(text) if member.name.endswith(".py") else [text]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--limit", type=int, default=90_000)
    parser.add_argument("--crates", type=Path, nargs="*", default=[])
    parser.add_argument("--python", type=Path, nargs="*", default=[])
    parser.add_argument("--sources", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    kinds = [(of_crates, options.crates), (of_python, options.python), (of_sources, options.sources)]
    seen: set[str] = set()
    heaps: list[list[str]] = []
    for read, roots in kinds:
        heap = []
        for root in roots:
            for text in read(root):
                for passage in paragraphs(text):
                    key = re.sub(r"\W+", " ", passage.lower())
                    if key not in seen:
                        seen.add(key)
                        heap.append(passage)
        print(f"{read.__name__}: {len(heap)} passages")
        heaps.append(heap)
    random.seed(1)
    # The same share of each kind, as far as it has enough: crates say "returns the" very often.
    chosen: list[str] = []
    for done, heap in enumerate(sorted(heaps, key=len)):
        share = (options.limit - len(chosen)) // (len(heaps) - done)
        chosen += random.sample(heap, min(share, len(heap)))
    random.shuffle(chosen)
    options.out.write_text("\n".join(chosen) + "\n")
    print(f"{len(chosen)} passages, {sum(len(passage.split()) for passage in chosen) / max(1, len(chosen)):.1f} words each")


if __name__ == "__main__":
    main()
