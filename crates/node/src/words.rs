//! The command buffer of one tick, as the facade writes it: a run of 64-bit words, and beside it an
//! array of the objects that words cannot hold (texts and blobs), in the order they are met.
//!
//! A word is a double, or the bits of a 64-bit integer where the reader expects one. Layouts:
//! `decode.rs` and `lib/encode.ts`, which mirror each other.

use napi::bindgen_prelude::Array;
use napi::{Error, Result, Status};

/// Reads a command buffer from its start to its end. Every read is checked: a malformed buffer is
/// an error thrown at the caller, never a wrong command.
pub struct Words<'a> {
    words: &'a [f64],
    at: usize,
    objects: &'a Array<'a>,
    object: u32,
}

impl<'a> Words<'a> {
    /// Begins at the first word and the first object.
    pub fn new(words: &'a [f64], objects: &'a Array<'a>) -> Self {
        Self { words, at: 0, objects, object: 0 }
    }

    /// Whether all words were read.
    pub fn is_end(&self) -> bool {
        self.at >= self.words.len()
    }

    /// How many words are left: a bound for any count read from the buffer.
    pub fn left(&self) -> usize {
        self.words.len() - self.at
    }

    /// The next word as a double.
    pub fn real(&mut self) -> Result<f64> {
        let word = self.words.get(self.at).ok_or_else(|| malformed("ends too early"))?;
        self.at += 1;
        Ok(*word)
    }

    /// The next word as a whole number that is not negative.
    pub fn count(&mut self) -> Result<u64> {
        let word = self.real()?;
        if word < 0.0 || word.fract() != 0.0 || word > 9_007_199_254_740_991.0 {
            return Err(malformed("holds no count where one is due"));
        }
        Ok(word as u64)
    }

    /// The next word as a safe integer.
    pub fn integer(&mut self) -> Result<i64> {
        let word = self.real()?;
        if word.fract() != 0.0 || word.abs() > 9_007_199_254_740_991.0 {
            return Err(malformed("holds no integer where one is due"));
        }
        Ok(word as i64)
    }

    /// The bits of the next word as an integer.
    pub fn bits(&mut self) -> Result<i64> {
        Ok(self.real()?.to_bits().cast_signed())
    }

    /// The next object, a string. Lone surrogates become U+FFFD.
    pub fn text(&mut self) -> Result<String> {
        let text = self.objects.get::<String>(self.object)?;
        self.object += 1;
        text.ok_or_else(|| malformed("lacks a text"))
    }

    /// The next object, a `Uint8Array`, copied.
    pub fn blob(&mut self) -> Result<Vec<u8>> {
        let bytes = self.objects.get::<&[u8]>(self.object)?;
        self.object += 1;
        Ok(bytes.ok_or_else(|| malformed("lacks a blob"))?.to_vec())
    }
}

/// The facade and the addon do not fit together.
pub fn malformed(what: &str) -> Error {
    Error::new(Status::InvalidArg, format!("the command buffer {what}"))
}
