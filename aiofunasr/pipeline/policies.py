"""The permissions to upload: one for each model, for as many files as its life allows (the protocol notes, 7.1)."""

from __future__ import annotations

from aiofunasr.pipeline.background import Background
from aiofunasr.pipeline.clock import loop_time
from aiofunasr.pipeline.gateway import Gateway
from aiofunasr.pipeline.single_flight import SingleFlight
from aiofunasr.wire.messages import Kind
from aiofunasr.wire.replies import UploadPolicy, read_upload_policy
from aiofunasr.wire.requests import upload_policy

_SPARE = 0.1
"""The share of a policy's life that must be left for another upload to begin under it."""

_LONGEST_POLICY = 3600
"""Seconds a policy is believed to live at the most; the documented 300 is well below."""


class Policies:
    """The upload policies of a session; many uploads that want one at the same time share one request."""

    def __init__(self, gateway: Gateway, background: Background) -> None:
        self._gateway = gateway
        self._background = background
        self._held: dict[str, tuple[float, UploadPolicy]] = {}
        self._requests: dict[str, SingleFlight[UploadPolicy]] = {}

    async def get(self, model: str) -> UploadPolicy:
        """Return a policy for uploads that serve one model, with some of its life left.

        Raises:
            FunASRError: It was refused, or could not be had.
        """
        until, policy = self._held.get(model, (0.0, None))
        if policy is not None and loop_time() < until:
            return policy
        request = self._requests.setdefault(model, SingleFlight(self._background))
        return await request.do(lambda: self._ask(model))

    def drop(self, model: str, policy: UploadPolicy) -> None:
        """Use a policy no more that was refused; one that has taken its place meanwhile stays."""
        if self._held.get(model, (0.0, None))[1] is policy:
            del self._held[model]

    async def _ask(self, model: str) -> UploadPolicy:
        # Its life began between this moment and the reply; by our own clock, so that a wrong one does not matter.
        asked_at = loop_time()
        policy = await self._gateway.ask(
            Kind.UPLOAD_POLICY, lambda caller: upload_policy(caller, model), read_upload_policy
        )
        life = min(policy.expire_in_seconds, _LONGEST_POLICY)
        self._held[model] = (asked_at + life * (1 - _SPARE), policy)
        return policy
