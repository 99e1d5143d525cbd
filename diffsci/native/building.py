"""What compiled loops are made of: Numba's compiler, asked for code that needs no Numba to run.

For the text to stand on its own, a loop neither raises nor allocates: no reference counts, division as NumPy
does it. Nothing checks an index; whoever calls a loop passes what it expects.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from numba import njit, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

__all__ = ["array_at", "build", "native"]

_OPTIONS = {
    "error_model": "numpy",
    "boundscheck": False,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "_nrt": False,
}
_WORDS = types.CPointer(types.int64)


def native(function: Callable | None = None, **options):
    """Decorate a function of a compiled loop."""
    return njit(**_OPTIONS, **options) if function is None else njit(**_OPTIONS)(function)


def build(loop, arguments: list[tuple[str, int]]) -> tuple[str, str]:
    """Compile a loop for arguments of these types.

    Parameters
    ----------
    loop : function decorated with `native`
        Takes arrays and integers.
    arguments : list of (str, int)
        Name of the element type and number of dimensions; 0 dimensions: an integer.

    Returns
    -------
    text : str
        An LLVM module.
    name : str
        Its entry ``int32 f(void *result, void **unused, int64 *words)``: Numba's calling convention. The
        words are the address and then the sizes of each array, or the integer itself.
    """
    kinds = [types.Array(getattr(types, of), ndim, "C") if ndim else types.int64 for of, ndim in arguments]
    unpack = _unpacker(kinds)

    @native
    def entry(words):
        return loop(*unpack(words))

    entry.compile((_WORDS,))
    (signature,) = entry.nopython_signatures
    return entry.inspect_llvm(signature.args), entry.get_compile_result(signature).fndesc.llvm_func_name


def _unpacker(kinds: list):
    """Return a function of the table that makes the arguments of a loop."""

    @intrinsic
    def unpack(typingctx, words):
        signature = types.Tuple(kinds)(_WORDS)

        def codegen(context, builder, signature, arguments):
            places = count()

            def word():
                place = context.get_constant(types.intp, next(places))
                return builder.load(builder.gep(arguments[0], [place]))

            values = [
                word() if kind == types.int64 else array_at(context, builder, kind, word) for kind in kinds
            ]
            return context.make_tuple(builder, signature.return_type, values)

        return signature, codegen

    return unpack


def array_at(context, builder, kind, word):
    """A contiguous array at the next words of a table."""
    array = make_array(kind)(context, builder)
    element = context.get_data_type(kind.dtype)
    item = context.get_constant(types.intp, context.get_abi_sizeof(element))
    data = builder.inttoptr(word(), element.as_pointer())
    shape = [word() for _ in range(kind.ndim)]
    strides = [item]
    for size in shape[:0:-1]:
        strides.insert(0, builder.mul(strides[0], size))
    populate_array(array, data=data, shape=shape, strides=strides, itemsize=item, meminfo=None)
    return array._getvalue()
