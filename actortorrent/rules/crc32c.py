"""CRC-32C (Castagnoli's, RFC 3720): what BEP 40 and BEP 42 make of addresses."""

from __future__ import annotations

POLYNOMIAL = 0x82F63B78  # its bits reversed


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of some bytes."""
    value = 0xFFFFFFFF
    for byte in data:
        value = _TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


def _table_entry(number: int) -> int:
    for _ in range(8):
        number = number >> 1 ^ (POLYNOMIAL if number & 1 else 0)
    return number


_TABLE = tuple(map(_table_entry, range(256)))
