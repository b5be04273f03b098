"""Where a request was sent: the region and the workspace its `Host` names (protocol notes, section 1.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from attrs import frozen

_SHARED: Final[Mapping[str, str]] = MappingProxyType({
    "dashscope.aliyuncs.com": "cn-beijing",
    "dashscope-intl.aliyuncs.com": "ap-southeast-1",
    "cn-hongkong.dashscope.aliyuncs.com": "cn-hongkong",
    "dashscope-us.aliyuncs.com": "us-east-1",
})  # fmt: skip
# Under any domain, so that `ws-1.cn-beijing.maas.localhost:8900` will do.
_WORKSPACE_HOST: Final = re.compile(r"([a-z0-9][a-z0-9_-]{0,63})\.([a-z0-9-]+)\.maas\..+")


@frozen
class Site:
    """A region, and the workspace of a workspace host; None for the shared hosts and every other."""

    region: str
    workspace: str | None = None

    @property
    def is_shared(self) -> bool:
        """Whether it is no workspace's own host."""
        return self.workspace is None

    @classmethod
    def of_host(cls, host: str, region: str) -> Site:
        """Read a `Host` header; `region` is that of hosts which do not say."""
        return _site(host, region)


# Nearly every request is for the host of the one before.
@lru_cache(maxsize=256)
def _site(host: str, region: str) -> Site:
    name = host_name(host)
    match = _WORKSPACE_HOST.fullmatch(name)
    if match is not None:
        return Site(match[2], match[1])
    return Site(_SHARED.get(name, region))


def host_name(host: str) -> str:
    """Return the name in a `Host` header, without its port."""
    return re.sub(r":\d*$", "", host.strip()).lower()
