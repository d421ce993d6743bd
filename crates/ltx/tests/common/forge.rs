//! Files with right checksums that break rules the encoder keeps.

use crc_fast::{CrcAlgorithm, Digest};

use actor_sqlite_ltx::{Checksum, Header, page_checksum};

use super::pgno;

/// One page as it will stand in the file.
#[derive(Clone)]
pub struct ForgedPage {
    pub pgno: u32,
    pub flags: u16,
    /// Written in place of the length when it is no legacy frame.
    pub stored_len: Option<u32>,
    pub block: Vec<u8>,
    /// What the checksum covers.
    pub page: Vec<u8>,
}

impl ForgedPage {
    pub fn new(pgno: u32, page: Vec<u8>) -> Self {
        let block = lz4_flex::block::compress(&page);
        Self { pgno, flags: 1, stored_len: None, block, page }
    }
}

/// A file to be: every part can be changed before it is built.
#[derive(Clone)]
pub struct Forge {
    pub header: [u8; 100],
    pub pages: Vec<ForgedPage>,
    /// Index entries: page number, offset, length; made from the pages unless given.
    pub index: Option<Vec<u8>>,
    pub index_len: Option<u64>,
    /// The fold over the pages in the file unless given.
    pub post_apply: Option<u64>,
    pub after: Vec<u8>,
}

impl Forge {
    pub fn new(header: Header, pages: Vec<ForgedPage>) -> Self {
        let header = header.encode();
        Self { header, pages, index: None, index_len: None, post_apply: None, after: Vec::new() }
    }

    pub fn entries(&self) -> Vec<[u64; 3]> {
        let mut at = 100;
        let mut entries = Vec::new();
        for page in &self.pages {
            let prefix = if page.flags & 1 == 0 { 6 } else { 10 };
            let len = prefix + page.block.len() as u64;
            entries.push([u64::from(page.pgno), at, len]);
            at += len;
        }
        entries
    }

    pub fn build(&self) -> Vec<u8> {
        let mut out = self.header.to_vec();
        let mut digest = Digest::new(CrcAlgorithm::Crc64GoIso);
        digest.update(&self.header);
        let mut sum = Checksum::EMPTY_DATABASE;
        for page in &self.pages {
            let mut prefix = page.pgno.to_be_bytes().to_vec();
            prefix.extend(page.flags.to_be_bytes());
            if page.flags & 1 != 0 {
                prefix.extend(page.stored_len.unwrap_or(page.block.len() as u32).to_be_bytes());
            }
            digest.update(&prefix);
            digest.update(&page.page);
            out.extend(&prefix);
            out.extend(&page.block);
            sum = sum.toggle(page_checksum(pgno(page.pgno), &page.page));
        }
        let begin = out.len();
        out.extend([0; 6]);
        let index = self.index.clone().unwrap_or_else(|| index(&self.entries()));
        out.extend(&index);
        out.extend(self.index_len.unwrap_or(index.len() as u64).to_be_bytes());
        let tracked = self.header[7] & 2 == 0;
        let post_apply = self.post_apply.unwrap_or(if tracked { sum.raw() } else { 0 });
        out.extend(post_apply.to_be_bytes());
        digest.update(&out[begin..]);
        out.extend(Checksum::of_crc(digest.finalize()).raw().to_be_bytes());
        out.extend(&self.after);
        out
    }
}

/// Entries as the format stores them, with the byte that ends them.
pub fn index(entries: &[[u64; 3]]) -> Vec<u8> {
    let mut out = Vec::new();
    for number in entries.iter().flatten() {
        out.extend(varint(*number));
    }
    out.push(0);
    out
}

pub fn varint(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
    out
}
