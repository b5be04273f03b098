"""What a model would make nothing of, said before anything is sent (the protocol notes, sections 2.1 to 2.5).

The service takes most of it in silence. What is surely wrong is an `InvalidArgumentError` of the options themselves;
what is here may be meant: the catalogue of models may be older than the service.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from attrs import fields

from aiofunasr.options.asked import TranscriptionOptions
from aiofunasr.options.models import MODELS, Model
from aiofunasr.options.wordfilter import read_document

TURNS_READ = 5
"""Turns of context that the service looks at, the last ones (section 2.5)."""

_FILTER_KEYS = frozenset({"filter_with_signed", "filter_with_empty", "system_reserved_filter"})
_NO_PARAMETERS = frozenset({"model", "extra_parameters"})
_MOST_NAMED = 3


class OptionsWarning(UserWarning):
    """The service would ignore something that was asked for, or is known not to have the model there."""


def find_misfits(options: TranscriptionOptions, region: str | None = None) -> tuple[str, ...]:
    """Say what of the options will have no effect, in sentences; nothing of a model that the catalogue does not know.

    Args:
        options: What is asked for.
        region: Where it is asked, such as `cn-beijing`; None leaves that out.
    """
    model = MODELS.get(options.model)
    of_model = () if model is None else (*_of_region(model, region), *_not_taken(options, model))
    of_languages = () if model is None else _of_languages(options, model)
    return (*of_model, *of_languages, *_without_effect(options))


def _of_region(model: Model, region: str | None) -> Iterator[str]:
    if region is not None and not model.may_be_in(region):
        yield f"{model.name} is not offered in {region}; it is in {', '.join(model.regions)}"


def _not_taken(options: TranscriptionOptions, model: Model) -> Iterator[str]:
    if model.parameters is None:
        return
    for attribute in fields(TranscriptionOptions):
        name = attribute.name
        value = getattr(options, name)
        # An explicit no is what a model without it does anyway.
        if name in _NO_PARAMETERS or name in model.parameters or value is None or value is False:
            continue
        yield f"{model.name} takes no {name}, so it has no effect{_who_takes(name)}"


def _who_takes(parameter: str) -> str:
    takers = [model.name for model in MODELS.values() if parameter in (model.parameters or ())]
    more = ", ..." if len(takers) > _MOST_NAMED else ""
    return f" ({', '.join(takers[:_MOST_NAMED])}{more} would take it)" if takers else ""


def _of_languages(options: TranscriptionOptions, model: Model) -> Iterator[str]:
    hints = options.language_hints
    if hints is None or model.parameters is None or "language_hints" not in model.parameters:
        return
    read = hints if model.language_hints is None else hints[: model.language_hints]
    if len(read) < len(hints):
        count = "one language hint" if len(read) == 1 else f"{len(read)} language hints"
        yield f"{model.name} reads {count}, {', '.join(read)}; without effect: {', '.join(hints[len(read) :])}"
    for code in read:
        if model.languages and code not in model.languages:
            near = get_close_matches(code.lower().partition("-")[0], model.languages, n=1, cutoff=0.9)
            suggested = f"; perhaps {near[0]} is meant" if near else ""
            yield f"{model.name} does not list the language {code!r}{suggested}; it lists {', '.join(model.languages)}"


def _without_effect(options: TranscriptionOptions) -> Iterator[str]:
    if options.vocabulary is not None and options.vocabulary_id is not None:
        yield "vocabulary takes the place of vocabulary_id, so the latter has no effect"
    if options.context is not None and len(options.context) > TURNS_READ:
        yield f"the service reads the last {TURNS_READ} of the {len(options.context)} turns of context"
    if isinstance(options.special_word_filter, str):
        unknown = sorted((read_document(options.special_word_filter) or {}).keys() - _FILTER_KEYS)
        if unknown:
            yield (
                f"special_word_filter has keys the service does not know: {', '.join(unknown)} "
                f"(it knows {', '.join(sorted(_FILTER_KEYS))})"
            )
