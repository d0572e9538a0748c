"""A sink that keeps everything it is given, in order."""

from streaming.encoders.base import EncodedSlot, VideoCodec
from streaming.protocol import Event


class RecordingSink:
    def __init__(self, codec: VideoCodec | None = "h264") -> None:
        self.codec: VideoCodec | None = codec
        self.log: list[EncodedSlot | Event | None] = []

    @property
    def slots(self) -> list[EncodedSlot]:
        return [entry for entry in self.log if isinstance(entry, EncodedSlot)]

    @property
    def events(self) -> list[Event]:
        return [entry for entry in self.log if entry is not None and not isinstance(entry, EncodedSlot)]

    def named(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.type == kind]

    def deliver(self, slot: EncodedSlot) -> None:
        self.log.append(slot)

    def notify(self, event: Event) -> None:
        self.log.append(event)

    def closed(self) -> None:
        self.log.append(None)
