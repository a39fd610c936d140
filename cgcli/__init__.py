"""cg: evaluate, differentiate and see a computation.

import cgcli

f = cgcli.load("samples/article.cg")
f(a=2, b=3, c=1)             # 10.0
dict(f.grad(a=2, b=3, c=1))  # {"a": 2.0, "b": 7.0, "c": -5.0}
"""

from cgcli.version import VERSION

TYPE_CHECKING = False  # `typing` itself would be half of what `import cgcli` costs
if TYPE_CHECKING:
    from cgcli.diagnostics.diagnostic import CgError, Diagnostic
    from cgcli.program.fit_settings import FitSettings
    from cgcli.program.fitting import Fitted
    from cgcli.program.host import trace
    from cgcli.program.load import load, parse
    from cgcli.program.picture_options import PictureOptions
    from cgcli.program.pictures import Picture
    from cgcli.program.plot_options import PlotOptions
    from cgcli.program.plots import Plot
    from cgcli.program.program import Program
    from cgcli.program.results import Gradient, Outputs
    from cgcli.program.rows import Derivatives
    from cgcli.program.sweep_settings import SweepSettings
    from cgcli.program.tables import TableSettings

__version__ = VERSION
__all__ = [
    "CgError",
    "Derivatives",
    "Diagnostic",
    "FitSettings",
    "Fitted",
    "Gradient",
    "Outputs",
    "Picture",
    "PictureOptions",
    "Plot",
    "PlotOptions",
    "Program",
    "SweepSettings",
    "TableSettings",
    "__version__",
    "load",
    "parse",
    "trace",
]

if not TYPE_CHECKING:
    MODULES = {
        "CgError": "diagnostics.diagnostic",
        "Derivatives": "program.rows",
        "Diagnostic": "diagnostics.diagnostic",
        "FitSettings": "program.fit_settings",
        "Fitted": "program.fitting",
        "Gradient": "program.results",
        "Outputs": "program.results",
        "Picture": "program.pictures",
        "PictureOptions": "program.picture_options",
        "Plot": "program.plots",
        "PlotOptions": "program.plot_options",
        "Program": "program.program",
        "SweepSettings": "program.sweep_settings",
        "TableSettings": "program.tables",
        "load": "program.load",
        "parse": "program.load",
        "trace": "program.host",
    }

    def __getattr__(name: str) -> object:
        """The public names, imported when they are first asked for."""
        if name not in __all__:
            raise AttributeError(f"module 'cgcli' has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"cgcli.{MODULES[name]}"), name)

    def __dir__() -> list[str]:
        return __all__
