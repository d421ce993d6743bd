//! What is written is read back, whatever the page size and content.

#![allow(clippy::unwrap_used)]

mod common;

use actor_sqlite_ltx::{
    Checksum, DecodeError, Decoder, Encoder, Header, Limits, PageSize, Txid, decode_frame,
    decode_index, frame_bytes_max, page_checksum, verify,
};
use common::{Model, PAGE_SIZES, Random, decode, page_size, pgno};

#[test]
fn random_histories_of_every_page_size() {
    let mut random = Random::seeded(1);
    for bytes in PAGE_SIZES {
        for _ in 0..if bytes < 8192 { 20 } else { 4 } {
            let mut model = Model::new(page_size(bytes));
            for _ in 0..6 {
                let before = model.checksum();
                let file = model.random_commit(&mut random, 12);
                let (verified, pages) = decode(&file).unwrap();
                assert_eq!(verified.header.commit, model.commit);
                assert_eq!(verified.header.max_txid.get(), model.txid);
                assert_eq!(verified.trailer.post_apply, model.checksum());
                if model.txid > 1 {
                    assert_eq!(verified.header.pre_apply, before);
                }
                for (pgno, page) in &pages {
                    assert_eq!(page, &model.pages[pgno]);
                }
                assert_eq!(decode_index(&file).unwrap(), verified.frames);
                for frame in &verified.frames {
                    assert!(frame.len as usize <= frame_bytes_max(page_size(bytes)));
                    let begin = frame.offset as usize;
                    let stored = &file[begin..begin + frame.len as usize];
                    let mut page = vec![0x55; bytes as usize];
                    decode_frame(stored, frame.pgno, &mut page).unwrap();
                    assert_eq!(page, pages[&frame.pgno]);
                }
            }
            if model.txid > 1 {
                let shard = model.shard(3..=9);
                let (verified, pages) = decode(&shard).unwrap();
                assert!(verified.header.no_checksum);
                assert!(pages.iter().all(|(pgno, page)| page == &model.pages[pgno]));
            }
        }
    }
}

#[test]
fn incompressible_pages_stay_within_the_longest_frame() {
    let mut random = Random::seeded(2);
    for bytes in PAGE_SIZES {
        let size = page_size(bytes);
        let header =
            Header { no_checksum: true, ..Header::new(size, 9, Txid::new(2), Txid::new(2)) };
        let mut out = Vec::new();
        let mut encoder = Encoder::new(header, &mut out).unwrap();
        let page = random.bytes(bytes as usize);
        let frame = encoder.page(pgno(9), &page, Checksum::ABSENT, &mut out).unwrap();
        assert!(frame.len > bytes && frame.len as usize <= frame_bytes_max(size));
    }
}

#[test]
fn bytes_between_two_calls_do_not_disturb_the_file() {
    let mut random = Random::seeded(3);
    let mut model = Model::new(PageSize::DEFAULT);
    let plain = model.random_commit(&mut random, 20);
    let verified = verify(&plain, Limits::default()).unwrap();

    let mut out = b"row header".to_vec();
    let mut rows = Vec::new();
    let mut cut = |out: &mut Vec<u8>, skip: usize| {
        rows.extend_from_slice(&out[skip..]);
        out.clear();
        out.extend_from_slice(b"row checksum, row header");
    };
    let mut encoder = Encoder::new(verified.header, &mut out).unwrap();
    let mut skip = 10;
    for (&pgno, page) in &model.pages {
        let frame = encoder.page(pgno, page, page_checksum(pgno, page), &mut out).unwrap();
        assert_eq!(frame, verified.frames[pgno.index() as usize]);
        assert_eq!(encoder.offset(), frame.end().unwrap());
        if random.one_in(2) {
            cut(&mut out, skip);
            skip = out.len();
        }
    }
    let end = encoder.finish(model.checksum(), &mut out).unwrap();
    cut(&mut out, skip);
    assert_eq!(rows, plain);
    assert_eq!(end.len, plain.len() as u64);
    assert_eq!(end.file_checksum, verified.trailer.file_checksum);
}

#[test]
fn frames_of_one_file_can_be_reused_in_another() {
    let mut random = Random::seeded(4);
    let mut model = Model::new(page_size(1024));
    let plain = model.random_commit(&mut random, 20);
    let (verified, pages) = decode(&plain).unwrap();
    let mut out = Vec::new();
    let mut encoder = Encoder::new(verified.header, &mut out).unwrap();
    for frame in &verified.frames {
        let begin = frame.offset as usize;
        let stored = &plain[begin..begin + frame.len as usize];
        let page = &pages[&frame.pgno];
        assert_eq!(encoder.frame(frame.pgno, stored, page, &mut out).unwrap(), *frame);
    }
    encoder.finish(verified.trailer.post_apply, &mut out).unwrap();
    assert_eq!(out, plain);
}

#[test]
fn a_snapshot_leaves_out_the_lock_page_and_nothing_else() {
    let size = PageSize::MAX;
    let lock_page = size.lock_page();
    let commit = lock_page.get() + 1;
    let page = vec![0; size.bytes()];
    let header = Header::new(size, commit, Txid::new(1), Txid::new(1));
    let mut out = Vec::new();
    let mut encoder = Encoder::new(header, &mut out).unwrap();
    let mut sum = Checksum::EMPTY_DATABASE;
    for pgno in (1..=commit).map(pgno).filter(|&pgno| pgno != lock_page) {
        let checksum = page_checksum(pgno, &page);
        sum = sum.toggle(checksum);
        encoder.page(pgno, &page, checksum, &mut out).unwrap();
    }
    encoder.finish(sum, &mut out).unwrap();
    let verified = verify(&out, Limits::default()).unwrap();
    assert_eq!(verified.frames.len(), commit as usize - 1);
    assert_eq!(decode_index(&out).unwrap(), verified.frames);
}

#[test]
fn a_file_may_have_no_pages_and_every_header_field() {
    let header = Header {
        pre_apply: Checksum::EMPTY_DATABASE,
        timestamp_ms: -1,
        wal_offset: 32,
        wal_size: 4152,
        wal_salt1: 0x0102_0304,
        wal_salt2: u32::MAX,
        node_id: u64::MAX,
        ..Header::new(PageSize::MIN, u32::MAX, Txid::new(2), Txid::new(u64::MAX))
    };
    let mut out = Vec::new();
    let encoder = Encoder::new(header, &mut out).unwrap();
    encoder.finish(Checksum::of_crc(7), &mut out).unwrap();
    assert_eq!(out.len(), 131);
    assert_eq!(verify(&out, Limits::default()).unwrap().header, header);
    assert_eq!(decode_index(&out).unwrap(), []);
}

#[test]
fn a_database_of_no_pages_is_read_though_never_written() {
    let header = Header::new(PageSize::MIN, 0, Txid::new(1), Txid::new(1));
    let file = common::forge::Forge::new(header, Vec::new()).build();
    let verified = verify(&file, Limits::default()).unwrap();
    assert_eq!(verified.trailer.post_apply, Checksum::EMPTY_DATABASE);
}

#[test]
fn limits_are_the_callers() {
    let mut model = Model::new(PageSize::MIN);
    let pages = (1..=3).map(|number| (pgno(number), vec![number as u8; 512])).collect();
    let file = model.commit(pages, 3);
    let bytes = file.len() as u64;
    let limits = Limits { file_bytes_max: bytes, pages_max: 3 };
    verify(&file, limits).unwrap();
    assert_eq!(
        verify(&file, Limits { file_bytes_max: bytes - 1, ..limits }),
        Err(DecodeError::FileTooLong { bytes, bytes_max: bytes - 1 })
    );
    assert_eq!(verify(&file, Limits { pages_max: 2, ..limits }), Err(DecodeError::TooManyPages(2)));
}

#[test]
fn a_decoder_wants_whole_pages_and_an_end() {
    let mut model = Model::new(PageSize::MIN);
    let file = model.commit([(pgno(1), vec![1; 512])].into(), 1);
    let mut decoder = Decoder::new(&file, Limits::default()).unwrap();
    assert_eq!(
        decoder.next_page(&mut [0; 511]),
        Err(DecodeError::BufferLength { expected: 512, actual: 511 })
    );
    let mut page = [0; 512];
    assert!(decoder.next_page(&mut page).unwrap().is_some());
    assert_eq!(decoder.finish(), Err(DecodeError::Unfinished));
}
