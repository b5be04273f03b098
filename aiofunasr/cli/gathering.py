"""Options that several commands share, or that are many, each lot of them made into one argument of the command."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Annotated, Any, TypeAlias

import typer

Command: TypeAlias = Callable[..., None]
Choice: TypeAlias = tuple[Any, Any]
"""The annotation and the default of an option."""


def choice(kind: Any, *names: str, help: str, default: Any = None, **more: Any) -> Choice:
    """Make an option of a type; `more` is for `typer.Option`."""
    is_shown = default is not None and default is not False
    return Annotated[kind, typer.Option(..., *names, help=help, show_default=is_shown, **more)], default


def name_of(choice: Choice) -> str:
    """Return what an option is called on the command line."""
    (option,) = choice[0].__metadata__
    return str(option.param_decls[0])


def gathered(argument: str, make: Callable[..., Any], options: Mapping[str, Choice]) -> Callable[[Command], Command]:
    """Make a decorator that puts options in the place of an argument of a command.

    Args:
        argument: What the command calls it; it gets what `make` makes of the values of the options.
        make: Called with all of them by name.
        options: By what `make` calls them.
    """
    gathering = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in options.items()
    ]

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        parameters = [
            each
            for parameter in signature.parameters.values()
            for each in (gathering if parameter.name == argument else [parameter])
        ]

        @wraps(command)
        def wrapped(**arguments: Any) -> None:
            values = {name: arguments.pop(name) for name in options}
            command(**arguments, **{argument: make(**values)})

        wrapped.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return wrapped

    return decorate
