# SPDX-License-Identifier: 0BSD
"""Calls the kernels of this folder on NumPy arrays.

    import tuned_matmul
    lib = tuned_matmul.load()
    print(lib.kernels)                                   # {name: Kernel}
    matmul = lib.matmul_M128_N768_K768
    packed = matmul.pack(B)                              # weights, once
    C = matmul(A, packed)                                # a new array
    matmul(A, packed, out=C, threads=lib.pool(2))        # into an array of yours, on two threads

    numpy.save("b.npy", packed)
    packed = lib.aligned(numpy.load("b.npy"))            # packed weights begin at a multiple of 64

Arrays must have exactly the kernel's shape and type and be C-contiguous; whatever is not so raises
KernelError, which says which argument is wrong. bf16 tensors are numpy.uint16 arrays of their bits. A kernel
may be called from several threads at once.
"""

import ctypes
import json
import operator
import pathlib
import threading

import numpy

_DTYPES = {
    "f64": (0, numpy.float64), "f32": (1, numpy.float32), "f16": (2, numpy.float16), "bf16": (3, numpy.uint16),
    "i64": (4, numpy.int64), "i32": (5, numpy.int32), "i16": (6, numpy.int16), "i8": (7, numpy.int8),
    "u8": (8, numpy.uint8), "bool": (9, numpy.bool_),
}
_LINE = 64
_LAST = ["workspace", "workspace_bytes", "threads"]  # what the arguments of every call end with


class _Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("dtype", ctypes.c_int32), ("dimensions", ctypes.c_int32),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64))]


class KernelError(ValueError):
    """A call that was refused; `code` and `argument` (from 1, as in the C header) say why."""

    def __init__(self, kernel, arguments, result, text):
        self.code = result & 0xFF
        self.argument = result >> 8
        where = f"argument {self.argument} ({arguments[self.argument - 1]}): " if self.argument else ""
        super().__init__(f"{kernel}: {where}{text}")


def _aligned(size):
    """Bytes that start at a multiple of 64."""
    raw = numpy.empty(size + _LINE, numpy.uint8)
    start = -raw.ctypes.data % _LINE
    return raw[start:start + size]


def _integers(values):
    return (ctypes.c_int64 * max(len(values), 1))(*values)


class Pool:
    """Threads that kernels run on. Closed at the end of a `with` block, or when nobody refers to it."""

    def __init__(self, library, threads):
        try:
            count = operator.index(threads)  # an integer of NumPy is one, too
        except TypeError:
            count = 0
        if not 1 <= count < 2**31:
            raise ValueError(f"a pool has a whole number of threads, 1 or more, not {threads!r}")
        self._library = library
        self._handle = library._function("pool_create", ctypes.c_void_p)(ctypes.c_int32(count), None)
        if not self._handle:
            raise OSError(f"{count} threads cannot be started")
        self.threads = count

    @property
    def table(self):
        """The address of the table of callbacks that kernels are given."""
        if not self._handle:
            raise ValueError("the pool is closed")
        return self._library._function("pool_threads", ctypes.c_void_p)(ctypes.c_void_p(self._handle))

    def close(self):
        """Ends the threads. No kernel may be running on them."""
        handle, self._handle = self._handle, None
        if handle:
            self._library._function("pool_destroy", None)(ctypes.c_void_p(handle))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_handle", None):
            self.close()


class Kernel:
    def __init__(self, library, described):
        self.name = described["name"]
        self.parameters = described["parameters"]
        self.arguments = [p["name"] for p in self.parameters if p["role"] == "input"]
        self._weights = [p for p in self.parameters if p["role"] == "weight"]
        self._outputs = [p for p in self.parameters if p["role"] == "output"]
        if self._weights:
            self.arguments.append("packed")
        self.arguments += [p["name"] for p in self._outputs] + _LAST
        self._local = threading.local()
        self._library = library
        self._run = library._function(self.name, ctypes.c_int)
        self._workspace_bytes = library._function(f"{self.name}_workspace_bytes", ctypes.c_size_t)
        if self._weights:
            self._pack = library._function(f"{self.name}_pack", ctypes.c_int)
            self._packed_bytes = library._function(f"{self.name}_packed_bytes", ctypes.c_size_t)

    def _tensor(self, array, parameter):
        code, dtype = _DTYPES[parameter["dtype"]]
        if not isinstance(array, numpy.ndarray):
            raise TypeError(f"{self.name}: {parameter['name']} must be a numpy.ndarray")
        if array.dtype != dtype:
            code = -1  # so that the library refuses it, with its own words
        elif any(stride % array.itemsize for stride in array.strides):
            raise ValueError(f"{self.name}: {parameter['name']} has strides that are not whole elements")
        shape = _integers(array.shape)
        strides = _integers([stride // array.itemsize for stride in array.strides])
        return _Tensor(array.ctypes.data, code, array.ndim, shape, strides)

    def _workspace(self, threads):
        """This thread's workspace; it is kept for the next call."""
        size = self._workspace_bytes(ctypes.c_int32(threads))
        workspace = getattr(self._local, "workspace", None)
        if workspace is None or workspace.size < size:
            workspace = self._local.workspace = _aligned(size)
        return workspace

    def _call(self, function, arguments, tensors, between, threads):
        if threads is None:
            count, table = 1, None
        elif hasattr(threads, "table"):  # a Pool, of this library or of another
            count, table = threads.threads, threads.table
        else:
            raise TypeError(f"{self.name}: threads must be a pool, as lib.pool(2) makes them, or None, not {threads!r}")
        workspace = self._workspace(count)
        result = function(*tensors, *between, ctypes.c_void_p(workspace.ctypes.data),
                          ctypes.c_size_t(workspace.size), ctypes.c_void_p(table))
        if result:
            text = self._library._function("error_text", ctypes.c_char_p)(ctypes.c_int(result)).decode()
            raise KernelError(self.name, arguments, result, text)

    def pack(self, *weights, threads=None):
        """The weights in the form in which the kernel reads them: bytes at a multiple of 64, which may be stored,
        and read again with lib.aligned(numpy.load(…))."""
        if len(weights) != len(self._weights):
            raise TypeError(f"{self.name} has {len(self._weights)} weights, not {len(weights)}")
        packed = _aligned(self._packed_bytes())
        tensors = [self._tensor(w, p) for w, p in zip(weights, self._weights)]
        between = [ctypes.c_void_p(packed.ctypes.data), ctypes.c_size_t(packed.size)]
        names = [p["name"] for p in self._weights] + ["packed", "packed_bytes"] + _LAST
        self._call(self._pack, names, [ctypes.byref(t) for t in tensors], between, threads)
        return packed

    def __call__(self, *inputs, out=None, threads=None):
        """Inputs in the operator's order, then the packed weights if the kernel has any. Returns the output,
        or a tuple of outputs."""
        wanted = [p for p in self.parameters if p["role"] == "input"]
        count = len(wanted) + bool(self._weights)
        if len(inputs) != count:
            raise TypeError(f"{self.name} takes {', '.join(self.arguments[:count])}, not {len(inputs)} arrays")
        if out is None:
            outputs = tuple(numpy.empty(p["shape"], _DTYPES[p["dtype"]][1]) for p in self._outputs)
        else:
            outputs = tuple(out) if isinstance(out, (tuple, list)) else (out,)
            if len(outputs) != len(self._outputs):
                raise TypeError(f"{self.name} has {len(self._outputs)} outputs, not {len(outputs)}")
        arguments = [self._tensor(a, p) for a, p in zip(inputs, wanted)]
        pointers = [ctypes.byref(t) for t in arguments]
        if self._weights:
            packed = inputs[-1]
            if not isinstance(packed, numpy.ndarray) or packed.dtype != numpy.uint8 or not packed.flags.c_contiguous:
                raise TypeError(f"{self.name}: packed must be what {self.name}.pack returned")
            if packed.size < self._packed_bytes():
                raise ValueError(f"{self.name}: packed has {packed.size} bytes, not {self._packed_bytes()}")
            if packed.ctypes.data % _LINE:  # a copy in each call could take longer than the kernel
                raise ValueError(f"{self.name}: packed does not begin at a multiple of {_LINE} bytes, as copies and "
                                 "what was read from a file may not; give what lib.aligned(packed) returns")
            pointers.append(ctypes.c_void_p(packed.ctypes.data))
        arguments += [self._tensor(a, p) for a, p in zip(outputs, self._outputs)]
        pointers += [ctypes.byref(t) for t in arguments[len(wanted):]]
        for array, parameter in zip(outputs, self._outputs):
            if not array.flags.writeable:
                raise ValueError(f"{self.name}: {parameter['name']} is read-only")
        self._call(self._run, self.arguments, pointers, [], threads)
        return outputs if len(outputs) > 1 else outputs[0]


class Library:
    """The kernels of one library, as attributes and in the dictionary `kernels`."""

    def __init__(self, folder):
        with open(folder / "manifest.json", encoding="utf-8") as file:
            self.manifest = json.load(file)
        self.name = self.manifest["name"]
        self._dll = ctypes.CDLL(str(folder / "lib" / f"lib{self.name}.so"))
        self.kernels = {described["name"]: Kernel(self, described) for described in self.manifest["kernels"]}

    def __getattr__(self, name):
        try:
            return self.__dict__["kernels"][name]
        except KeyError:
            raise AttributeError(f"the library has no kernel '{name}'") from None

    def _function(self, name, result):
        function = self._dll[f"{self.name}_{name}"]  # a new object each time: its type is ours alone
        function.restype = result
        return function

    def pool(self, threads):
        """Threads for the argument `threads` of kernels: the caller's and so many less one."""
        return Pool(self, threads)

    def aligned(self, packed):
        """Packed weights as kernels take them, at a multiple of 64: this array, or a copy if it lies elsewhere."""
        if not isinstance(packed, numpy.ndarray) or packed.dtype != numpy.uint8 or packed.ndim != 1:
            raise TypeError("aligned takes packed weights: an array of bytes with one dimension")
        if packed.ctypes.data % _LINE == 0 and packed.flags.c_contiguous:
            return packed
        copy = _aligned(packed.size)
        copy[:] = packed
        return copy

    def use_level(self, target=None):
        """No code above this level of the processor from now on; None: the best that it runs."""
        result = self._function("use_level", ctypes.c_int)(None if target is None else target.encode())
        if result:
            raise ValueError(f"this processor cannot run code for {target}, or the library has none")


def load(folder=None):
    """The library of the folder that this file lies in, or of another one."""
    return Library(pathlib.Path(folder) if folder else pathlib.Path(__file__).resolve().parent.parent)
