"""Say which extra to install when an optional package is missing."""

from __future__ import annotations

from importlib.util import find_spec


class MissingExtraError(ImportError):
    """An optional package is not installed; the message is the command that installs it."""

    def __init__(self, extra: str, package: str) -> None:
        super().__init__(
            f'speech recognition needs the package {package!r}: pip install "aiofunasr[{extra}]"', name=package
        )
        self.extra = extra


def require_extra(extra: str, *packages: str) -> None:
    """Check that the packages of an extra can be imported, without importing them.

    A package that is there but broken still fails with its own error when it is imported: that one
    says more than advice to install what is installed.

    Raises:
        MissingExtraError: one of `packages` is not installed.
    """
    for package in packages:
        if find_spec(package) is None:
            raise MissingExtraError(extra, package)
