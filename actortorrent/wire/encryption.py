"""The encrypted beginning of a connection: "Message Stream Encryption", also called MSE or PE.

Before BitTorrent's first byte, the two sides agree on keys::

    A is who dialled, B who was dialled; {...} is encrypted with RC4
    1  A: public key, 96 | padding, 0 to 512
    2  B: public key, 96 | padding, 0 to 512
    3  A: mark, 20 | torrent, 20 | {zeros, 8 | offered, 4 | length, 2 | padding | length, 2 | payload}
    4  B: {zeros, 8 | chosen, 4 | length, 2 | padding}

and go on in what B chose: RC4, or plain bytes. A's first payload is its BitTorrent
handshake. As the paddings in 1 and 2 have no length field, B looks for the mark that both can
compute, and A for the zeros as B's cipher writes them; neither looks further than a
padding can reach.

Both sides are pure: bytes in, bytes to send out. How the bytes come in pieces makes no
difference. A `Responder` also knows a plain handshake when one comes, so that one port
takes both.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Iterable

from msgspec import Struct

from actortorrent.errors import PeerProtocolError
from actortorrent.wire.handshake import PROTOCOL_NAME
from actortorrent.wire.stream_keys import (
    PRIVATE_KEY_BYTES,
    PUBLIC_KEY_BYTES,
    Cipher,
    meeting_mark,
    new_cipher,
    public_key,
    shared_secret,
    stream_keys,
    torrent_mark,
)

MAX_PADDING_BYTES = 512
MAX_PAYLOAD_BYTES = 0xFFFF  # as much as its length field can say
RANDOM_BYTES = PRIVATE_KEY_BYTES + 2 + MAX_PADDING_BYTES  # what either side needs of chance

_ZEROS = bytes(8)
_MARK_BYTES = 20


class Method(enum.IntFlag):
    """How a stream goes on, as bits of what is offered."""

    PLAIN = 1
    RC4 = 2


BOTH = Method.PLAIN | Method.RC4


class Agreement(Struct, frozen=True):
    """Say how the stream goes on.

    Attributes:
        sending, receiving: the ciphers of both directions, None for plain bytes.
        received: what came of BitTorrent's stream already, decrypted.
        was_hidden: whether there was an encrypted beginning at all.
    """

    sending: Cipher | None
    receiving: Cipher | None
    received: bytes
    was_hidden: bool = True

    def __str__(self) -> str:
        if self.sending is not None:
            return "RC4"
        return "plain, after an encrypted beginning" if self.was_hidden else "plain"


class _Step(enum.Enum):
    """What is waited for."""

    KEY = "the peer's public key"
    MARK = "the end of its padding"
    REST = "what it offers or chooses"
    DONE = "nothing"


class _Side(ABC):
    """What both sides have in common: keys, and looking for the end of a padding."""

    def __init__(self, random_bytes: bytes) -> None:
        if len(random_bytes) < RANDOM_BYTES:
            raise ValueError(f"expected {RANDOM_BYTES} random bytes, found {len(random_bytes)}")
        self._private_key = random_bytes[:PRIVATE_KEY_BYTES]
        length_end = PRIVATE_KEY_BYTES + 2
        length = int.from_bytes(random_bytes[PRIVATE_KEY_BYTES:length_end])
        self._padding = random_bytes[length_end:][: length % (MAX_PADDING_BYTES + 1)]
        self._came = bytearray()
        self._decrypted = bytearray()  # what was behind the padding's end
        self._receiving: Cipher | None = None
        self._step = _Step.KEY
        self._secret = b""
        self.agreement: Agreement | None = None  # once there is one; then nothing more goes in

    def receive(self, data: bytes | memoryview) -> bytes:
        """Take what came, and return what is to be sent now.

        Raises:
            PeerProtocolError: if the peer speaks something else, or about another torrent.
        """
        self._came += data
        answer = b""
        while self.agreement is None:
            step = self._step
            answer += self._advance()
            if self._step is step:
                break
        return answer

    def _advance(self) -> bytes:
        """Take one step if enough has come, and return what to send."""
        if self._step is _Step.KEY:
            return self._read_key()
        if self._step is _Step.MARK:
            return self._seek()
        return self._read_rest()

    def _our_key(self) -> bytes:
        return public_key(self._private_key) + self._padding

    def _read_key(self) -> bytes:
        if len(self._came) < PUBLIC_KEY_BYTES:
            return b""
        self._secret = shared_secret(self._private_key, self._take(PUBLIC_KEY_BYTES))
        self._step = _Step.MARK
        return self._key_came()

    def _seek(self) -> bytes:
        """Drop padding, up to and with the mark."""
        mark = self._mark()
        limit = MAX_PADDING_BYTES + len(mark)
        found = self._came.find(mark, 0, limit)
        if found >= 0:
            self._take(found + len(mark))
            self._step = _Step.REST
        elif len(self._came) >= limit:
            raise PeerProtocolError("expected an encrypted handshake, found no end of its padding")
        return b""

    def _has(self, byte_count: int) -> bool:
        """Decrypt up to so many bytes and no more, what follows may be plain; say if they came."""
        lacking = byte_count - len(self._decrypted)
        if lacking > 0 and self._receiving is not None:
            self._decrypted += self._receiving.update(self._take(lacking))
        return len(self._decrypted) >= byte_count

    def _take(self, byte_count: int) -> bytes:
        taken = bytes(self._came[:byte_count])
        del self._came[:byte_count]
        return taken

    def _agree(self, chosen: Method, sending: Cipher, payload: bytes) -> None:
        """Note how it goes on; `payload` is decrypted already, what else came is not."""
        rest, receiving = self._take(len(self._came)), self._receiving
        self._step = _Step.DONE
        if chosen is Method.RC4 and receiving is not None:
            self.agreement = Agreement(sending, receiving, payload + receiving.update(rest))
        else:
            self.agreement = Agreement(None, None, payload + rest)

    @abstractmethod
    def _key_came(self) -> bytes:
        """Answer the peer's public key."""

    @abstractmethod
    def _mark(self) -> bytes:
        """Return what the peer's padding ends with."""

    @abstractmethod
    def _read_rest(self) -> bytes:
        """Read what is behind the padding, as soon as all of it is there."""


class Initiator(_Side):
    """Begin a connection that we dialled; what `begin` returns is sent first.

    Args:
        info_hash: of the torrent that both sides know.
        offered: how the stream may go on.
        payload: the first bytes of our stream, at most 65,535: our handshake.
        random_bytes: `RANDOM_BYTES` that nobody can guess.
    """

    def __init__(
        self, info_hash: bytes, offered: Method, payload: bytes, random_bytes: bytes
    ) -> None:
        super().__init__(random_bytes)
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise ValueError(f"expected at most {MAX_PAYLOAD_BYTES} bytes, found {len(payload)}")
        self._info_hash = info_hash
        self._offered = offered
        self._payload = payload
        self._expected_zeros = b""

    def begin(self) -> bytes:
        """Return what we say first."""
        return self._our_key()

    def _key_came(self) -> bytes:
        keys = stream_keys(self._secret, self._info_hash)
        self._sending = new_cipher(keys.from_dialler)
        self._receiving = new_cipher(keys.to_dialler)
        self._expected_zeros = self._receiving.update(_ZEROS)
        hidden = b"".join(
            (
                _ZEROS,
                int(self._offered).to_bytes(4),
                bytes(2),  # no padding
                len(self._payload).to_bytes(2),
                self._payload,
            )
        )
        marks = meeting_mark(self._secret) + torrent_mark(self._secret, self._info_hash)
        return marks + self._sending.update(hidden)

    def _mark(self) -> bytes:
        return self._expected_zeros

    def _read_rest(self) -> bytes:
        if self._has(6) and self._has(6 + checked_padding(self._decrypted[4:6])):
            chosen = int.from_bytes(self._decrypted[:4])
            if chosen not in (Method.PLAIN, Method.RC4) or not chosen & self._offered:
                raise PeerProtocolError(f"expected a method of {self._offered!r}, found {chosen}")
            self._agree(Method(chosen), self._sending, b"")
        return b""


class Responder(_Side):
    """Begin a connection that somebody else dialled.

    Args:
        info_hashes: of the torrents that we have.
        accepted: how the stream may go on.
        prefers_plain: which of both is chosen where both sides can do both.
        takes_plain: whether a handshake without all this is welcome, too.
        random_bytes: `RANDOM_BYTES` that nobody can guess.
    """

    def __init__(
        self,
        info_hashes: Iterable[bytes],
        accepted: Method,
        random_bytes: bytes,
        *,
        takes_plain: bool,
        prefers_plain: bool = False,
    ) -> None:
        super().__init__(random_bytes)
        self._info_hashes = tuple(info_hashes)
        self._accepted = accepted
        self._takes_plain = takes_plain
        self._preferred = Method.PLAIN if prefers_plain else Method.RC4

    def _read_key(self) -> bytes:
        start = bytes(self._came[: len(PROTOCOL_NAME)])
        if not PROTOCOL_NAME.startswith(start):
            return super()._read_key()
        if start == PROTOCOL_NAME:
            self._take_plain()
        return b""

    def _take_plain(self) -> None:
        if not self._takes_plain:
            raise PeerProtocolError("expected an encrypted handshake, found a plain one")
        self._step = _Step.DONE
        self.agreement = Agreement(None, None, self._take(len(self._came)), was_hidden=False)

    def _key_came(self) -> bytes:
        return self._our_key()

    def _mark(self) -> bytes:
        return meeting_mark(self._secret)

    def _read_rest(self) -> bytes:
        if self._receiving is None:
            if len(self._came) < _MARK_BYTES:
                return b""
            self._find_torrent(self._take(_MARK_BYTES))
        return self._read_hidden()

    def _find_torrent(self, mark: bytes) -> None:
        for info_hash in self._info_hashes:
            if torrent_mark(self._secret, info_hash) == mark:
                keys = stream_keys(self._secret, info_hash)
                self._sending = new_cipher(keys.to_dialler)
                self._receiving = new_cipher(keys.from_dialler)
                return
        raise PeerProtocolError("expected a torrent that we have, found the mark of another")

    def _read_hidden(self) -> bytes:
        if not (self._has(14) and self._has(self._payload_begin())):
            return b""
        begin = self._payload_begin()
        end = begin + int.from_bytes(self._decrypted[begin - 2 : begin])
        return self._choose(bytes(self._decrypted[begin:end])) if self._has(end) else b""

    def _payload_begin(self) -> int:
        if self._decrypted[:8] != _ZEROS:
            raise PeerProtocolError("expected 8 zeros, found that the keys differ")
        return 14 + checked_padding(self._decrypted[12:14]) + 2

    def _choose(self, payload: bytes) -> bytes:
        offered = int.from_bytes(self._decrypted[8:12])
        both_can = offered & self._accepted
        if not both_can:
            raise PeerProtocolError(f"expected a method of {self._accepted!r}, found {offered}")
        chosen = self._preferred if both_can & self._preferred else Method(both_can)
        answer = self._sending.update(_ZEROS + int(chosen).to_bytes(4) + bytes(2))
        self._agree(chosen, self._sending, payload)
        return answer


def checked_padding(field: bytes | bytearray) -> int:
    """Read the length of a padding.

    Raises:
        PeerProtocolError: if it is longer than any may be.
    """
    length = int.from_bytes(field)
    if length > MAX_PADDING_BYTES:
        raise PeerProtocolError(f"expected at most {MAX_PADDING_BYTES} bytes, found {length}")
    return length
