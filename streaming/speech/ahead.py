"""Computes the next item of an async generator while the last one is in use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TypeVar

Item = TypeVar("Item")


async def one_ahead(source: AsyncGenerator[Item]) -> AsyncGenerator[Item]:
    """The items of ``source``, the next one always being made already.

    Closing it, or cancelling who waits for it, cancels what is being made and closes ``source``.
    """
    making = asyncio.ensure_future(_next(source))
    try:
        while True:
            try:
                item = await making
            except StopAsyncIteration:
                return
            making = asyncio.ensure_future(_next(source))
            yield item
    finally:
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)
        await source.aclose()


async def _next(source: AsyncGenerator[Item]) -> Item:
    return await anext(source)
