"""Read a submit (protocol notes, sections 2.2 to 2.6) and refuse what the service refuses at once."""

from __future__ import annotations

import json
from typing import Any, Final

from attrs import field, frozen

from aiofunasr.emulator.context import read_context
from aiofunasr.emulator.messages import HttpRequest, RefusalError
from aiofunasr.emulator.models import Model, model_named
from aiofunasr.emulator.parameters import Parameters, read_parameters
from aiofunasr.emulator.recognizer import HotWord, RecognitionRequest
from aiofunasr.emulator.settings import EmulatorSettings
from aiofunasr.emulator.sites import Site
from aiofunasr.emulator.tasks import FileProblem

_SCHEMES: Final = ("http://", "https://", "oss://")
_MISSING_PARAMETERS: Final = FileProblem(
    "BadRequest.EmptyParameters", 'Required parameter "parameters" missing from request.'
)


@frozen
class Submit:
    """A submit that passed the checks of its header and body.

    `parameters` are as sent, None if they were not; `read` is what they come to. `failure`: its task is to fail.
    `context`: who said what before, as far as it is read; no recognizer here makes use of it.
    """

    model: Model
    file_urls: tuple[str, ...]
    parameters: dict[str, Any] | None = field(factory=dict)
    resolves_oss: bool = False
    read: Parameters = field(factory=Parameters)
    failure: FileProblem | None = None
    context: tuple[tuple[str, str], ...] = ()

    def recognition_request(self, file_url: str, hot_words: tuple[HotWord, ...]) -> RecognitionRequest:
        """Return what one of the files is to be recognized with."""
        return RecognitionRequest(file_url, self.model.name, hot_words=hot_words, **self.read.options)


def read_submit(request: HttpRequest, site: Site, settings: EmulatorSettings) -> Submit:
    """Check a submit in the order of the service: async header, body, model, files, parameters.

    Raises:
        RefusalError: with the status and code of the protocol notes, section 6.2.
    """
    if request.header("X-DashScope-Async").lower() != "enable":
        raise RefusalError(403, "AccessDenied", "current user api does not support synchronous calls.")
    body = read_body(request, settings)
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise _invalid("Required parameter(model) missing or invalid, please check the request parameters.")
    model = find_model(name, site, settings)
    file_urls = _read_file_urls(body, model, settings)
    resolves_oss = request.header("X-DashScope-OssResourceResolve").lower() == "enable"
    has_oss = any(url.startswith("oss://") for url in file_urls)
    if has_oss and not resolves_oss and settings.oss_without_header == "request":
        raise RefusalError(400, "InvalidParameter.DataInspection", "Unable to download the media resource.")
    parameters = body.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise _invalid("parameters must be an object")
    failure = _MISSING_PARAMETERS if parameters is None and _must_have_parameters(site, settings) else None
    try:
        read = read_parameters(parameters or {}, model, settings)
        context = read_context(body["input"], model, settings)
    except RefusalError as refusal:
        if settings.bad_parameter == "refused":
            raise
        read, context, failure = Parameters(), (), failure or FileProblem(refusal.code, refusal.message)
    return Submit(model, file_urls, parameters, resolves_oss, read, failure, context)


def read_body(request: HttpRequest, settings: EmulatorSettings) -> dict[str, Any]:
    """Read a request's body, which is a JSON object.

    Raises:
        RefusalError: it is not, or is too large.
    """
    if len(request.body) > settings.max_body_bytes:
        raise RefusalError(400, "BadRequest.TooLarge", "The request body is too large.")
    try:
        body = json.loads(request.body)
        # A lone surrogate has no bytes: it could never be echoed.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise _invalid("Required body invalid, please check the request body format.")
    return body


def find_model(name: str, site: Site, settings: EmulatorSettings) -> Model:
    """Return the model of a name.

    Raises:
        RefusalError: there is none, or it is not offered where the request was sent.
    """
    model = model_named(name) if name in settings.models else None
    if model is None or (settings.models_by_region and not model.is_offered_in(site.region)):
        raise RefusalError(404, "ModelNotFound", f"Model can not be found. (model: {name})")
    return model


def _read_file_urls(body: dict[str, Any], model: Model, settings: EmulatorSettings) -> tuple[str, ...]:
    inputs = body.get("input")
    name = "file_urls" if model.shape == "many" else "file_url"
    given: Any = inputs.get(name) if isinstance(inputs, dict) else None
    urls: Any = given if model.shape == "many" else [given]
    if not given or not isinstance(urls, list):
        raise _invalid(f"input must contain {name}")
    if not all(isinstance(url, str) and url.lower().startswith(_SCHEMES) for url in urls):
        raise _invalid("url error, please check url\uff01")
    if len(urls) > settings.max_files_per_task:
        raise RefusalError(400, settings.too_many_files_code, settings.too_many_files_message)
    return tuple(urls)


def _must_have_parameters(site: Site, settings: EmulatorSettings) -> bool:
    where = settings.missing_parameters_fail
    return where == "always" or (where == "workspace" and site.workspace is not None)


def _invalid(message: str) -> RefusalError:
    return RefusalError(400, "InvalidParameter", message)
