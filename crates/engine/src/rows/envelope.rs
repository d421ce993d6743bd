//! The envelope of every value: format byte, payload, checksum.
//!
//! The checksum is CRC-64/GO-ISO over the length of the key (u32 big-endian), the key, the format
//! byte and the payload. The key is the row's identity (database, kind, txid, chunk), so a value
//! that stands under another key than its own is as wrong as one with a flipped bit.

use crc_fast::{CrcAlgorithm, Digest};

/// The layout of a payload: the first byte of every value. A row of a kind keeps its first format
/// until it needs another, and every format that was ever written is read for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    V1 = 1,
    V2 = 2,
}

/// Length of the checksum that ends a value.
pub(crate) const CHECKSUM_BYTES: usize = 8;
/// What the envelope adds to a payload.
pub(crate) const ENVELOPE_BYTES: usize = 1 + CHECKSUM_BYTES;

/// A value is not what its row should hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RowFault {
    /// There is no room for an envelope.
    #[error("{0} bytes are too few for a row")]
    Truncated(usize),
    /// The value was written by another version of this library, or its kind of row has no such
    /// format.
    #[error("format {0} is unknown to this version")]
    Format(u8),
    /// The value was changed, or belongs to another row.
    #[error("its checksum does not match")]
    Checksum,
    /// The payload does not have the layout of its kind of row.
    #[error("{0}")]
    Layout(&'static str),
}

fn checksum(key: &[u8], format_and_payload: &[u8]) -> u64 {
    let mut digest = Digest::new(CrcAlgorithm::Crc64GoIso);
    digest.update(&(key.len() as u32).to_be_bytes());
    digest.update(key);
    digest.update(format_and_payload);
    digest.finalize()
}

/// Begins a value of the first format at the end of `out`, and says where; the payload is to follow.
pub(crate) fn begin(out: &mut Vec<u8>) -> usize {
    out.push(Format::V1 as u8);
    out.len() - 1
}

/// Ends the value that begins at `start`: all from there is its payload.
pub(crate) fn end(key: &[u8], start: usize, out: &mut Vec<u8>) {
    let checksum = checksum(key, &out[start..]);
    out.extend_from_slice(&checksum.to_be_bytes());
}

/// A whole value around a payload of the first format.
pub(crate) fn seal(key: &[u8], payload: &[u8]) -> Vec<u8> {
    seal_as(Format::V1, key, payload)
}

/// A whole value around a payload.
pub(crate) fn seal_as(format: Format, key: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(payload.len() + ENVELOPE_BYTES);
    value.push(format as u8);
    value.extend_from_slice(payload);
    end(key, 0, &mut value);
    value
}

/// The payload of the value stored under `key`, and its format.
pub(crate) fn open<'a>(key: &[u8], value: &'a [u8]) -> Result<(Format, &'a [u8]), RowFault> {
    let (covered, stored) = value
        .split_last_chunk::<CHECKSUM_BYTES>()
        .filter(|(covered, _)| !covered.is_empty())
        .ok_or(RowFault::Truncated(value.len()))?;
    let format = match covered[0] {
        1 => Format::V1,
        2 => Format::V2,
        other => return Err(RowFault::Format(other)),
    };
    if checksum(key, covered) != u64::from_be_bytes(*stored) {
        return Err(RowFault::Checksum);
    }
    Ok((format, &covered[1..]))
}

/// The payload of a value whose kind of row has the first format only.
pub(crate) fn open_v1<'a>(key: &[u8], value: &'a [u8]) -> Result<&'a [u8], RowFault> {
    match open(key, value)? {
        (Format::V1, payload) => Ok(payload),
        (format, _) => Err(RowFault::Format(format as u8)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_value_opens_under_its_own_key_only() {
        let value = seal(b"key", b"payload");
        assert_eq!(open(b"key", &value).unwrap(), (Format::V1, &b"payload"[..]));
        assert_eq!(open(b"kez", &value), Err(RowFault::Checksum));
        // The same bytes cut at another place between key and payload.
        assert_eq!(open(b"key\x01", &seal(b"key", b"\x01payload")), Err(RowFault::Checksum));
    }

    #[test]
    fn an_unknown_format_is_refused_by_name() {
        let mut value = seal(b"key", b"payload");
        value[0] = 7;
        let fault = open(b"key", &value).unwrap_err();
        assert_eq!(fault.to_string(), "format 7 is unknown to this version");
    }

    #[test]
    fn a_format_is_said_and_is_part_of_the_checksum() {
        let mut value = seal_as(Format::V2, b"key", b"payload");
        assert_eq!(open(b"key", &value).unwrap(), (Format::V2, &b"payload"[..]));
        assert_eq!(open_v1(b"key", &value), Err(RowFault::Format(2)));
        value[0] = 1;
        assert_eq!(open(b"key", &value), Err(RowFault::Checksum));
    }

    #[test]
    fn every_flip_and_every_truncation_is_noticed() {
        let value = seal(b"key", &[0; 40]);
        for bit in 0..value.len() * 8 {
            let mut flipped = value.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(open(b"key", &flipped).is_err(), "bit {bit}");
        }
        for len in 0..value.len() {
            assert!(open(b"key", &value[..len]).is_err(), "{len} bytes");
        }
    }
}
