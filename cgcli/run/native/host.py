"""The processor and the library that compile machine code."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple


class Host(NamedTuple):
    """What machine code depends on beside its text."""

    triple: str
    cpu: str
    features: str
    versions: str


@cache
def host() -> Host:
    """The processor that code is compiled for, and LLVM's version."""
    import llvmlite
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    versions = f"{llvmlite.__version__} {'.'.join(map(str, llvm.llvm_version_info))}"
    return Host(llvm.get_process_triple(), llvm.get_host_cpu_name(), features, versions)
