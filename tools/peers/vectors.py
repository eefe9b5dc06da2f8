"""The same vectors and questions in FAISS and usearch, with one thread: what `benches/vectors.rs` is compared with.

    cargo bench --bench vectors -- DIRECTORY
    python tools/peers/vectors.py DIRECTORY 100000

Needs `faiss-cpu`, `usearch` and `numpy`. Prints median and 99th percentile in milliseconds, recall@10, build seconds.
"""

import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import faiss
import numpy as np
from usearch.index import Index

DIMENSIONS = 256
K = 10


def load(directory, count):
    path = os.path.join(directory, str(count))
    vectors = np.fromfile(f"{path}.vectors.f32", dtype="<f4").reshape(-1, DIMENSIONS)
    questions = np.fromfile(f"{path}.questions.f32", dtype="<f4").reshape(-1, DIMENSIONS)
    nearest = np.fromfile(f"{path}.nearest.i64", dtype="<i8").reshape(-1, K)
    return vectors, questions, nearest


def measure(name, ask, questions, nearest, built):
    for _ in range(2):
        took, found = [], 0
        for question, truth in zip(questions, nearest):
            started = time.perf_counter()
            ids = ask(question)
            took.append(time.perf_counter() - started)
            found += len(set(map(int, ids)) & set(map(int, truth)))
    took = np.array(took) * 1e3
    recall = found / nearest.size
    print(f"{name}: p50 {np.median(took):.2f} ms, p99 {np.percentile(took, 99):.2f} ms, recall@10 {recall:.4f}, built in {built:.0f} s", flush=True)


def main():
    directory, count = sys.argv[1], int(sys.argv[2])
    only_flat = len(sys.argv) > 3 and sys.argv[3] == "flat"
    vectors, questions, nearest = load(directory, count)
    faiss.omp_set_num_threads(1)
    flat = faiss.IndexFlatIP(DIMENSIONS)
    flat.add(vectors)
    measure("FAISS flat", lambda q: flat.search(q[None], K)[1][0], questions, nearest, 0)
    del flat
    codes = faiss.IndexScalarQuantizer(DIMENSIONS, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    codes.train(vectors[:20000])
    codes.add(vectors)
    measure("FAISS flat, 8 bits", lambda q: codes.search(q[None], K)[1][0], questions, nearest, 0)
    del codes
    if only_flat:
        return
    started = time.perf_counter()
    graph = faiss.IndexHNSWFlat(DIMENSIONS, 16, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = 200
    graph.add(vectors)
    built = time.perf_counter() - started
    for ef in (64, 128, 256):
        graph.hnsw.efSearch = ef
        measure(f"FAISS HNSW M=16, ef {ef}", lambda q: graph.search(q[None], K)[1][0], questions, nearest, built)
    for kind in ("f32", "i8"):
        started = time.perf_counter()
        index = Index(ndim=DIMENSIONS, metric="ip" if kind == "f32" else "cos", dtype=kind, connectivity=16, expansion_add=200)
        index.add(np.arange(len(vectors)), vectors, threads=1)
        built = time.perf_counter() - started
        for ef in (64, 128, 256):
            index.expansion_search = ef
            measure(f"usearch {kind}, ef {ef}", lambda q: index.search(q, K, threads=1).keys, questions, nearest, built)
        flat = lambda q: index.search(q, K, exact=True, threads=1).keys
        measure(f"usearch {kind}, exact", flat, questions, nearest, 0)


if __name__ == "__main__":
    main()
