# SPDX-License-Identifier: Apache-2.0
"""Calls every kernel of a generated library on NumPy arrays, and checks what can be checked there.

    consumer.py FOLDER
"""

import io
import pathlib
import sys
import threading

import numpy

folder = pathlib.Path(sys.argv[1])
sys.dont_write_bytecode = True
sys.path.insert(0, str(folder / "python"))
import tuned_kernels  # noqa: E402

lib = tuned_kernels.load()
random = numpy.random.default_rng(1)


def refused(call, error, text):
    try:
        call()
    except error as e:
        assert text in str(e), str(e)
    else:
        raise AssertionError(f"not refused: {text}")


A = random.random((37, 23), numpy.float32)
B = random.random((23, 29), numpy.float32)
bias = random.random(29, numpy.float32)
expected = numpy.maximum(A @ B + bias, 0)
packed = lib.product.pack(B)
numpy.testing.assert_allclose(lib.product(A, bias, packed), expected, rtol=1e-5)

# Stored and read again; wherever the bytes come to lie.
file = io.BytesIO()
numpy.save(file, packed)
file.seek(0)
numpy.testing.assert_allclose(lib.product(A, bias, lib.aligned(numpy.load(file))), expected, rtol=1e-5)
assert lib.aligned(packed) is packed
room = numpy.empty(packed.size + 128, numpy.uint8)
for offset in [1, 8, 63]:
    start = -room.ctypes.data % 64 + offset
    elsewhere = room[start:start + packed.size]
    elsewhere[:] = packed
    refused(lambda: lib.product(A, bias, elsewhere), ValueError, "give what lib.aligned(packed) returns")
    numpy.testing.assert_allclose(lib.product(A, bias, lib.aligned(elsewhere)), expected, rtol=1e-5)
refused(lambda: lib.aligned(B), TypeError, "aligned takes packed weights")

# Into an array of the caller's, on the library's threads.
C = numpy.empty((37, 29), numpy.float32)
with lib.pool(numpy.int64(2)) as pool:
    assert lib.product(A, bias, packed, out=C, threads=pool) is C
    assert lib.product(A, bias, packed, out=[C]) is C
    numpy.testing.assert_allclose(C, expected, rtol=1e-5)

refused(lambda: lib.product(A, bias, packed, threads=pool), ValueError, "the pool is closed")
refused(lambda: lib.product.pack(B, threads=pool), ValueError, "the pool is closed")
refused(lambda: lib.product(A, bias, packed, threads=2), TypeError,
        "product: threads must be a pool, as lib.pool(2) makes them, or None, not 2")
for wrong in [0, -1, 2**32 + 1, "2", 1.5]:
    refused(lambda: lib.pool(wrong), ValueError, f"a pool has a whole number of threads, 1 or more, not {wrong!r}")
refused(lambda: lib.product(A, bias, packed.repeat(2)[::2]), TypeError, "packed must be what product.pack returned")

refused(lambda: lib.product(A.T, bias, packed), tuned_kernels.KernelError, "product: argument 1 (A): another shape")
refused(lambda: lib.product(A.astype(numpy.float64), bias, packed), tuned_kernels.KernelError,
        "argument 1 (A): elements of another type")
refused(lambda: lib.product(numpy.zeros((37, 46), numpy.float32)[:, ::2], bias, packed), tuned_kernels.KernelError,
        "argument 1 (A): strides")
refused(lambda: lib.product(A, bias, packed, out=A), tuned_kernels.KernelError, "argument 4 (C): another shape")
refused(lambda: lib.product(A, bias, lib.aligned(numpy.zeros_like(packed))), tuned_kernels.KernelError,
        "argument 3 (packed)")
refused(lambda: lib.product(A, bias, packed[:8]), ValueError, "packed has 8 bytes")
refused(lambda: lib.product(A, packed), TypeError, "product takes A, bias, packed, not 2 arrays")
refused(lambda: lib.product.pack(A), tuned_kernels.KernelError, "argument 1 (B): another shape")
refused(lambda: lib.nonsense, AttributeError, "no kernel 'nonsense'")
refused(lambda: lib.use_level("x86-64-avx2048"), ValueError, "x86-64-avx2048")
refused(lambda: lib.use_level(""), ValueError, "the library has none")

X = random.random((5, 70), numpy.float32)
e = numpy.exp(X - X.max(1, keepdims=True))
numpy.testing.assert_allclose(lib.rows(X), e / e.sum(1, keepdims=True), rtol=1e-5)
X = random.random((6, 33), numpy.float32)
numpy.testing.assert_array_equal(lib.largest(X), X.argmax(1))
u8, i8 = random.integers(0, 256, (16, 64), numpy.uint8), random.integers(-128, 128, (64, 16), numpy.int8)
numpy.testing.assert_array_equal(lib.bytes(u8, lib.bytes.pack(i8)), u8.astype(numpy.int32) @ i8.astype(numpy.int32))
assert lib.nothing(numpy.empty((0, 4), numpy.float32), lib.nothing.pack(numpy.zeros((4, 4), numpy.float32))).shape == (0, 4)

# Every kernel at least runs, from several threads at once.
DTYPES = {"f32": numpy.float32, "bf16": numpy.uint16, "u8": numpy.uint8, "i8": numpy.int8}


def run(kernel):
    zeros = {p["name"]: numpy.zeros(p["shape"], DTYPES[p["dtype"]]) for p in kernel.parameters if p["role"] != "output"}
    inputs = [zeros[p["name"]] for p in kernel.parameters if p["role"] == "input"]
    weights = [zeros[p["name"]] for p in kernel.parameters if p["role"] == "weight"]
    if weights:
        inputs.append(kernel.pack(*weights))
    done.append(kernel(*inputs))


done = []
threads = [threading.Thread(target=run, args=(kernel,)) for kernel in lib.kernels.values()]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(done) == len(lib.kernels)
print(len(done), "kernels")
