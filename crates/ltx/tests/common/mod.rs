//! A database in memory that writes its transactions as files, and a seeded random source.

#![allow(dead_code, clippy::unwrap_used)]

pub mod forge;

use std::collections::BTreeMap;

use actor_sqlite_ltx::{
    Checksum, Decoder, Encoder, Header, Limits, PageSize, Pgno, Txid, Verified, page_checksum,
};

pub const PAGE_SIZES: [u32; 8] = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536];

pub fn page_size(bytes: u32) -> PageSize {
    PageSize::new(bytes).unwrap()
}

pub fn pgno(number: u32) -> Pgno {
    Pgno::new(number).unwrap()
}

/// SplitMix64: small, and the same on every machine for ever.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Seeded by the environment variable `SEED`, or by `default`; prints which.
    pub fn seeded(default: u64) -> Self {
        let seed = std::env::var("SEED").map_or(default, |seed| seed.parse().unwrap());
        println!("SEED={seed}");
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    /// A page of one of the kinds a database has: empty, text, half filled, incompressible.
    pub fn page(&mut self, bytes: usize) -> Vec<u8> {
        match self.below(5) {
            0 => vec![0; bytes],
            1 => self.bytes(bytes),
            2 => vec![self.next() as u8; bytes],
            3 => {
                let mut page = vec![0; bytes];
                let at = self.index(bytes);
                let tail = self.bytes(bytes - at);
                page[at..].copy_from_slice(&tail);
                page
            }
            _ => {
                let words = [&b"room"[..], b"player", b"\0\0\0", b"score", b"2026-01-01"];
                let mut page = Vec::new();
                while page.len() < bytes {
                    page.extend_from_slice(words[self.index(words.len())]);
                    page.push(self.next() as u8);
                }
                page.truncate(bytes);
                page
            }
        }
    }
}

/// A database and its history of one number.
#[derive(Clone)]
pub struct Model {
    pub page_size: PageSize,
    pub txid: u64,
    pub commit: u32,
    pub pages: BTreeMap<Pgno, Vec<u8>>,
}

impl Model {
    pub fn new(page_size: PageSize) -> Self {
        Self { page_size, txid: 0, commit: 0, pages: BTreeMap::new() }
    }

    /// The checksum of the database, added up anew.
    pub fn checksum(&self) -> Checksum {
        self.pages.iter().fold(Checksum::EMPTY_DATABASE, |sum, (&pgno, page)| {
            sum.toggle(page_checksum(pgno, page))
        })
    }

    /// The database as a file. Only for databases that end before the lock page.
    pub fn image(&self) -> Vec<u8> {
        assert!(self.commit < self.page_size.lock_page().get());
        assert_eq!(self.pages.len(), self.commit as usize);
        self.pages.values().flatten().copied().collect()
    }

    /// Applies a transaction and returns its tracked file.
    pub fn commit(&mut self, dirty: BTreeMap<Pgno, Vec<u8>>, commit: u32) -> Vec<u8> {
        let before = self.checksum();
        self.txid += 1;
        self.commit = commit;
        self.pages.retain(|pgno, _| pgno.get() <= commit);
        self.pages.extend(dirty.clone());
        let txid = Txid::new(self.txid);
        let header = Header {
            pre_apply: if self.txid == 1 { Checksum::ABSENT } else { before },
            timestamp_ms: 1_700_000_000_000 + self.txid as i64,
            ..Header::new(self.page_size, commit, txid, txid)
        };
        encode(header, &dirty, self.checksum())
    }

    /// A random transaction: the first fills the database, later ones change, grow or shrink it.
    pub fn random_commit(&mut self, random: &mut Random, pages_max: u32) -> Vec<u8> {
        let commit = match random.below(4) {
            _ if self.commit == 0 => 1 + random.below(u64::from(pages_max)) as u32,
            0 => 1 + random.below(u64::from(pages_max)) as u32,
            _ => self.commit,
        };
        let mut dirty = BTreeMap::new();
        for number in 1..=commit {
            if number > self.commit || random.one_in(4) {
                dirty.insert(pgno(number), random.page(self.page_size.bytes()));
            }
        }
        self.commit(dirty, commit)
    }

    /// The pages of a range as of now, in a file that tracks no checksums.
    pub fn shard(&self, range: std::ops::RangeInclusive<u32>) -> Vec<u8> {
        let txid = Txid::new(self.txid);
        let header =
            Header { no_checksum: true, ..Header::new(self.page_size, self.commit, txid, txid) };
        let pages = self
            .pages
            .iter()
            .filter(|(pgno, _)| range.contains(&pgno.get()))
            .map(|(&pgno, page)| (pgno, page.clone()))
            .collect();
        encode(header, &pages, Checksum::ABSENT)
    }
}

/// Writes pages with the encoder under test.
pub fn encode(header: Header, pages: &BTreeMap<Pgno, Vec<u8>>, post_apply: Checksum) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(header, &mut out).unwrap();
    for (&pgno, page) in pages {
        encoder.page(pgno, page, page_checksum(pgno, page), &mut out).unwrap();
    }
    let end = encoder.finish(post_apply, &mut out).unwrap();
    assert_eq!(end.len, out.len() as u64);
    out
}

/// Reads all pages with the decoder under test.
pub fn decode(
    file: &[u8],
) -> Result<(Verified, BTreeMap<Pgno, Vec<u8>>), actor_sqlite_ltx::DecodeError> {
    let mut decoder = Decoder::new(file, Limits::default())?;
    let mut page = vec![0; decoder.header().page_size.bytes()];
    let mut pages = BTreeMap::new();
    while let Some(frame) = decoder.next_page(&mut page)? {
        pages.insert(frame.pgno, page.clone());
    }
    Ok((decoder.finish()?, pages))
}
