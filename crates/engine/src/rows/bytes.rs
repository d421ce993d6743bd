//! Reading and writing numbers of a payload.

use super::RowFault;

/// Takes values off the front of a payload, and refuses to go beyond its end.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(payload: &'a [u8]) -> Self {
        Self(payload)
    }

    pub(super) fn take(&mut self, bytes: usize) -> Result<&'a [u8], RowFault> {
        let (taken, rest) =
            self.0.split_at_checked(bytes).ok_or(RowFault::Layout("it ends early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RowFault> {
        let (taken, rest) =
            self.0.split_first_chunk::<N>().ok_or(RowFault::Layout("it ends early"))?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, RowFault> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, RowFault> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, RowFault> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, RowFault> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64, RowFault> {
        self.array().map(i64::from_be_bytes)
    }

    /// An unsigned LEB128 number of 32 bits, with no byte more than it needs.
    pub(super) fn varint(&mut self) -> Result<u32, RowFault> {
        let mut number = 0_u64;
        for shift in (0..35).step_by(7) {
            let [byte] = self.array()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                let padded = byte == 0 && shift > 0;
                return u32::try_from(number)
                    .ok()
                    .filter(|_| !padded)
                    .ok_or(RowFault::Layout("a number is malformed"));
            }
        }
        Err(RowFault::Layout("a number is malformed"))
    }

    pub(super) fn end(self) -> Result<(), RowFault> {
        if self.0.is_empty() { Ok(()) } else { Err(RowFault::Layout("it goes on after its end")) }
    }
}

pub(super) fn push_varint(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        for number in [0, 1, 127, 128, 16_383, 16_384, u32::MAX] {
            let mut bytes = Vec::new();
            push_varint(&mut bytes, number);
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.varint().unwrap(), number);
            reader.end().unwrap();
        }
        for bytes in [&[0x80, 0][..], &[0xff, 0xff, 0xff, 0xff, 0x1f], &[0x80], &[0xff; 6]] {
            assert!(Reader::new(bytes).varint().is_err(), "{bytes:?}");
        }
    }
}
