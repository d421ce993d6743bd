//! The golden files of this version: what is in them, from formulas that never change.

#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;

use actor_sqlite_ltx::{
    Checksum, Encoder, Header, Limits, PageSize, Pgno, Txid, merge, page_checksum,
};

/// One golden file.
pub struct Golden {
    pub name: String,
    pub header: Header,
    pub pages: BTreeMap<Pgno, Vec<u8>>,
    pub post_apply: Checksum,
    /// Made by merging these files, not by encoding the pages.
    pub merged_from: Vec<Vec<u8>>,
}

impl Golden {
    fn new(name: String, header: Header, pages: Pages, post_apply: Checksum) -> Self {
        Self { name, header, pages, post_apply, merged_from: Vec::new() }
    }

    /// The file, as the encoder of today writes it.
    pub fn encode(&self) -> Vec<u8> {
        if !self.merged_from.is_empty() {
            let files: Vec<&[u8]> = self.merged_from.iter().map(Vec::as_slice).collect();
            return merge(&files, Limits::default()).unwrap();
        }
        let mut out = Vec::new();
        let mut encoder = Encoder::new(self.header, &mut out).unwrap();
        for (&pgno, page) in &self.pages {
            encoder.page(pgno, page, page_checksum(pgno, page), &mut out).unwrap();
        }
        encoder.finish(self.post_apply, &mut out).unwrap();
        out
    }
}

type Pages = BTreeMap<Pgno, Vec<u8>>;

/// A page with a compressible and an incompressible part, by page number and transaction.
fn page(size: PageSize, pgno: u32, txid: u64) -> (Pgno, Vec<u8>) {
    let mut page = format!("page {pgno} of transaction {txid}; ").into_bytes().repeat(size.bytes());
    page.truncate(size.bytes());
    let mut state = u64::from(pgno) << 32 | txid;
    for byte in page.iter_mut().take(size.bytes().min(2048) / 4) {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *byte = (state >> 56) as u8;
    }
    (Pgno::new(pgno).unwrap(), page)
}

fn sum(pages: &Pages) -> Checksum {
    pages
        .iter()
        .fold(Checksum::EMPTY_DATABASE, |sum, (&pgno, page)| sum.toggle(page_checksum(pgno, page)))
}

fn header(size: PageSize, commit: u32, txid: u64) -> Header {
    let timestamp_ms = 1_760_000_000_000 + txid as i64;
    Header { timestamp_ms, ..Header::new(size, commit, Txid::new(txid), Txid::new(txid)) }
}

/// All of them.
pub fn files() -> Vec<Golden> {
    let mut files: Vec<Golden> = (9..=16)
        .map(|bits| PageSize::new(1 << bits).unwrap())
        .map(|size| {
            let pages: Pages = (1..=4).map(|number| page(size, number, 1)).collect();
            let post_apply = sum(&pages);
            let name = format!("snapshot-{}.ltx", size.get());
            Golden::new(name, header(size, 4, 1), pages, post_apply)
        })
        .collect();
    files.extend(history());
    files.push(every_field());
    files
}

/// A database of 70 pages, a delta that changes it, one that shrinks it, the two shards it then
/// has, and all three transactions merged.
fn history() -> Vec<Golden> {
    let size = PageSize::MIN;
    let mut database: Pages = (1..=70).map(|number| page(size, number, 1)).collect();
    let first_sum = sum(&database);
    let first = Golden::new("chain-1.ltx".into(), header(size, 70, 1), database.clone(), first_sum);

    let second_pages: Pages = [1, 2, 64, 65, 71].map(|number| page(size, number, 2)).into();
    database.extend(second_pages.clone());
    let second_sum = sum(&database);
    let second_header = Header { pre_apply: first_sum, ..header(size, 71, 2) };
    let second = Golden::new("chain-2.ltx".into(), second_header, second_pages, second_sum);

    let third_pages: Pages = [1, 66].map(|number| page(size, number, 3)).into();
    database.extend(third_pages.clone());
    database.retain(|pgno, _| pgno.get() <= 66);
    let third_sum = sum(&database);
    let third_header = Header { pre_apply: second_sum, ..header(size, 66, 3) };
    let third = Golden::new("chain-3.ltx".into(), third_header, third_pages, third_sum);

    let untracked = Header { no_checksum: true, ..header(size, 66, 3) };
    let shards = [(0, 1..=64), (1, 65..=128)].map(|(shard, range)| {
        let pages = database.clone().into_iter().filter(|(pgno, _)| range.contains(&pgno.get()));
        let name = format!("shard-{shard}.ltx");
        Golden::new(name, untracked, pages.collect(), Checksum::ABSENT)
    });

    let merged_header = Header { min_txid: Txid::new(1), ..header(size, 66, 3) };
    let mut merged = Golden::new("merged.ltx".into(), merged_header, database, third_sum);
    merged.merged_from = [&first, &second, &third].map(Golden::encode).into();
    [first, second, third].into_iter().chain(shards).chain([merged]).collect()
}

/// A delta without pages that sets each header field.
fn every_field() -> Golden {
    let header = Header {
        no_checksum: false,
        page_size: PageSize::MAX,
        commit: 0x0102_0304,
        min_txid: Txid::new(0x0506_0708_090a_0b0c),
        max_txid: Txid::new(0x0d0e_0f10_1112_1314),
        timestamp_ms: -2,
        pre_apply: Checksum::of_crc(0x1516_1718_191a_1b1c),
        wal_offset: 0x1d1e_1f20_2122_2324,
        wal_size: 0x2526_2728_292a_2b2c,
        wal_salt1: 0x2d2e_2f30,
        wal_salt2: 0x3132_3334,
        node_id: 0x3536_3738_393a_3b3c,
    };
    let post_apply = Checksum::of_crc(0x3d3e_3f40_4142_4344);
    Golden::new("header-fields.ltx".into(), header, Pages::new(), post_apply)
}
